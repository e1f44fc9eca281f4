/* tools/bench/swarm.c: options, start, end. See swarm.h for what it is. */
#include "tools/bench/swarm.h"

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "nhrpd/daemon/logout.h"

#define START_STEP 0.01
#define FLOOD_STEP 0.005
#define GOODBYE 0.5

static void
usage(FILE *f)
{
	fputs("usage: swarm -f TEMPLATE -n SPOKES -s FIRST-OUTER -o FIRST-OVERLAY [options]\n"
	      "  -f, --template FILE      configuration of a spoke; its NHS is given by address, its identity is a name\n"
	      "  -n, --spokes N           how many\n"
	      "  -s, --source ADDRESS     outer address of the first; the others count up. All must be local to the namespace:\n"
	      "                           ip route add local 198.19.0.0/16 dev lo\n"
	      "  -o, --overlay ADDRESS    tunnel address of the first\n"
	      "  -r, --rate N             spokes started a second (all at once)\n"
	      "  -t, --seconds S          ends after that time (when told to, by SIGTERM or SIGINT)\n"
	      "  -u, --until-up           ends when all are registered\n"
	      "  -e, --events FILE        what happens to each spoke, with the time\n"
	      "  -l, --log LEVEL          errors, warnings, notifications, informational, debugging (warnings)\n"
	      "  -k, --crash              ends without saying goodbye\n"
	      "      --flood-init N       first messages of IKE a second from --flood-from PREFIX, that nobody follows up\n"
	      "      --flood-register N   registrations a second, repeated by those that are registered\n"
	      "SIGUSR1 prints the summary so far: one line of JSON, as at the end.\n",
	    f);
}

/* ---- callbacks */

static void
after(void *ctx)
{
	spoke_run(ctx);
}

static void
on_tick(struct ev_loop *ev, ev_timer *t, int events)
{
	(void)ev, (void)events;
	spoke_tick(t->data);
	spoke_run(t->data);
}

static void
on_start(struct ev_loop *ev, ev_timer *t, int events)
{
	struct swarm *w = t->data;
	double due = w->o.rate ? (double)(loop_now(&w->loop) - w->began) / 1e6 * w->o.rate + 1 : w->o.n;

	(void)events;
	while (w->n_started < w->o.n && w->n_started < due) {
		struct spoke *s = spoke_new(w, w->n_started);

		if (!s) {
			log_at(&w->log, LOG_LV_ERROR, "no-memory", "no memory for spoke %u", w->n_started);
			ev_break(ev, EVBREAK_ALL);
			return;
		}
		w->spoke[w->n_started++] = s;
		if (w->n_started % 16 == 0)	/* answers are already coming in */
			spoke_run(w);
	}
	spoke_run(w);
	if (w->n_started == w->o.n)
		ev_timer_stop(ev, t);
}

static void
on_flood(struct ev_loop *ev, ev_timer *t, int events)
{
	(void)ev, (void)events;
	flood_step(t->data, FLOOD_STEP);
}

static void
on_over(struct ev_loop *ev, ev_timer *t, int events)
{
	(void)t, (void)events;
	ev_break(ev, EVBREAK_ALL);
}

static void
on_signal(struct ev_loop *ev, ev_signal *s, int events)
{
	(void)s, (void)events;
	ev_break(ev, EVBREAK_ALL);
}

static void
on_usr1(struct ev_loop *ev, ev_signal *s, int events)
{
	(void)ev, (void)events;
	report_summary(s->data, stdout);
}

/* ---- options */

static bool
number(const char *text, unsigned max, unsigned *out)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	*out = (unsigned)n;
	return *text && !*end && n <= max;
}

static bool
option(struct swarm_options *o, int c, const char *arg)
{
	char *end;

	switch (c) {	/* letters of getopt, not an enum of ours */
	case 'f':
		o->template = arg;
		return true;
	case 'n':
		return number(arg, SWARM_MAX, &o->n) && o->n > 0;
	case 'r':
		return number(arg, SWARM_MAX, &o->rate);
	case 's':
		return addr_parse(arg, &o->outer);
	case 'o':
		return addr_parse(arg, &o->overlay);
	case 't':
		o->seconds = strtod(arg, &end);
		return *arg && !*end && o->seconds > 0;
	case 'u':
		return o->until_up = true;
	case 'k':
		return o->crash = true;
	case 'e':
		o->events = arg;
		return true;
	case 'l':
		return log_level_parse(arg, &o->level);
	case 'I':
		return number(arg, 10000000, &o->flood_init);
	case 'R':
		return number(arg, 10000000, &o->flood_register);
	case 'F':
		return prefix_parse(arg, &o->flood_from);
	default:
		return false;
	}
}

static bool
options(int argc, char **argv, struct swarm_options *o)
{
	static const struct option longs[] = { { "template", 1, NULL, 'f' }, { "spokes", 1, NULL, 'n' }, { "source", 1, NULL, 's' },
		{ "overlay", 1, NULL, 'o' }, { "rate", 1, NULL, 'r' }, { "seconds", 1, NULL, 't' }, { "until-up", 0, NULL, 'u' },
		{ "events", 1, NULL, 'e' }, { "log", 1, NULL, 'l' }, { "crash", 0, NULL, 'k' }, { "flood-init", 1, NULL, 'I' },
		{ "flood-register", 1, NULL, 'R' }, { "flood-from", 1, NULL, 'F' }, { NULL, 0, NULL, 0 } };
	int c;

	while ((c = getopt_long(argc, argv, "f:n:s:o:r:t:ue:l:k", longs, NULL)) != -1) {
		if (!option(o, c, optarg))
			return false;
	}
	return optind == argc && o->template && o->n && o->outer.n && o->overlay.n;
}

static bool
read_template(struct swarm *w)
{
	const struct core_tunnel_conf *t;

	w->conf = conf_read(w->o.template);
	if (!w->conf || w->conf->n_error) {
		if (w->conf)
			conf_print_errors(w->conf, stderr);
		return false;
	}
	t = w->conf->core.n_tunnel ? &w->conf->core.tunnel[0] : NULL;
	if (!t || !t->nhrp.n_nhs || w->conf->core.ike.profile[t->profile].local_id.type != IKE_ID_FQDN || t->dp.addr[0].addr.n != w->o.overlay.n) {
		fprintf(stderr, "swarm: %s: wants an interface with an NHS, an identity that is a name, and an address of the overlay's family\n",
		    w->o.template);
		return false;
	}
	w->gre = (struct gre){ t->dp.has_key, t->dp.key };
	return true;
}

/* ---- life */

static void
timers(struct swarm *w)
{
	struct ev_loop *ev = w->loop.ev;

	ev_timer_init(&w->tick, on_tick, 0., 0.);
	ev_timer_init(&w->start, on_start, 0., START_STEP);
	ev_timer_init(&w->flood, on_flood, FLOOD_STEP, FLOOD_STEP);
	ev_timer_init(&w->stop, on_over, w->o.seconds, 0.);
	w->tick.data = w->start.data = w->flood.data = w->stop.data = w;
	ev_timer_start(ev, &w->start);
	if (w->o.flood_init || w->o.flood_register)
		ev_timer_start(ev, &w->flood);
	if (w->o.seconds > 0)
		ev_timer_start(ev, &w->stop);
	ev_signal_init(&w->on_term, on_signal, SIGTERM);
	ev_signal_init(&w->on_int, on_signal, SIGINT);
	ev_signal_init(&w->on_usr1, on_usr1, SIGUSR1);
	w->on_usr1.data = w;
	ev_signal_start(ev, &w->on_term);
	ev_signal_start(ev, &w->on_int);
	ev_signal_start(ev, &w->on_usr1);
}

static void
say_goodbye(struct swarm *w)
{
	ev_timer_stop(w->loop.ev, &w->start);
	ev_timer_stop(w->loop.ev, &w->flood);
	ev_timer_stop(w->loop.ev, &w->stop);
	w->o.until_up = false;
	for (unsigned i = 0; i < w->n_started; i++) {
		spoke_shutdown(w->spoke[i]);
		spoke_run(w);
	}
	ev_timer_set(&w->stop, GOODBYE, 0.);
	ev_timer_start(w->loop.ev, &w->stop);
	ev_run(w->loop.ev, 0);
}

static int
run(struct swarm *w)
{
	char err[256] = "out of memory";
	int code = 1;

	w->spoke = calloc(w->o.n, sizeof(struct spoke *));
	w->loop.after = after;
	w->loop.ctx = w;
	w->events = w->o.events ? fopen(w->o.events, "w") : NULL;
	if (w->o.events && !w->events) {
		perror(w->o.events);
	} else if (!w->spoke || !spoke_planes(w, err, sizeof(err)) || !flood_open(w, err, sizeof(err))) {
		fprintf(stderr, "swarm: %s\n", err);
	} else {
		w->began = loop_now(&w->loop);
		timers(w);
		ev_run(w->loop.ev, 0);
		code = w->n_up == w->o.n ? 0 : 3;
		report_summary(w, stdout);
		if (w->events)
			fclose(w->events);
		w->events = NULL;
		if (!w->o.crash)
			say_goodbye(w);
	}
	for (unsigned i = 0; i < w->n_started; i++)
		spoke_free(w->spoke[i]);
	flood_close(w);
	xfrm_user_free(w->xfrm);
	ikesock_free(w->ike);
	free(w->spoke);
	return code;
}

int
main(int argc, char **argv)
{
	struct swarm w = { .o.level = LOG_LV_WARN, .raw = -1 };
	int code = 2;

	if (!options(argc, argv, &w.o)) {
		usage(stderr);
		return 2;
	}
	logout_init(&w.log, w.o.level);
	if (read_template(&w) && loop_init(&w.loop, &w.log)) {
		code = run(&w);
		loop_fini(&w.loop);
	}
	if (w.conf)
		conf_free(w.conf);
	return code;
}
