/* tests/sim/node.c: one hub or spoke at work: its core's environment, its clock, and the carrying out of actions as
 * nhrpd/daemon/daemon.c does it. A crash frees the core and everything in its plane at once; nothing survives but the wires and
 * what a hub has stored. */
#include "tests/sim/sim.h"

#include <stdlib.h>

#include "nhrpd/daemon/secret.h"

/* ---- what the core is given of the world */

struct block {
	size_t n;
	max_align_t data[];
};

static void *
node_alloc(void *ctx, size_t n)
{
	struct node *nd = ctx;
	struct block *b;

	if (nd->core && sim_chance(nd->sim, nd->sim->conf.alloc_fail))
		return NULL;
	if (!(b = calloc(1, sizeof(*b) + n)))
		abort();
	b->n = n;
	nd->live++;
	nd->bytes += n;
	if (nd->bytes > nd->bytes_peak)
		nd->bytes_peak = nd->bytes;
	return b->data;
}

static void
node_release(void *ctx, void *p)
{
	struct node *nd = ctx;
	struct block *b = p ? container_of(p, struct block, data) : NULL;

	if (!b)
		return;
	nd->live--;
	nd->bytes -= b->n;
	free(b);
}

static void
node_random(void *ctx, void *out, size_t n)
{
	struct node *nd = ctx;
	uint8_t *p = out;

	while (n) {
		uint64_t z = splitmix64(&nd->rng);
		size_t k = n < 8 ? n : 8;

		memcpy(p, &z, k);
		p += k;
		n -= k;
	}
}

static void
node_log(void *ctx, enum log_level lv, const char *word, const char *text)
{
	struct node *n = ctx;
	char line[120];

	(void)lv;
	snprintf(line, sizeof(line), "%s: %s", word, text);
	sim_note(n->sim, n, "log", line);
}

static uint32_t
env_spi(void *ctx)
{
	return plane_spi_alloc(ctx);
}

static bool
env_peer_stats(void *ctx, uint32_t tunnel, uint32_t peer, struct dp_peer_stats *out)
{
	struct node *n = ctx;

	(void)tunnel;
	if (peer >= n->plane.n_peer)
		return false;
	*out = n->plane.peer[peer].st;
	return true;
}

static bool
env_sa_stats(void *ctx, uint32_t spi_in, struct dp_sa_stats *out)
{
	struct plane_sa *sa = plane_sa(ctx, spi_in);

	if (!sa)
		return false;
	*out = sa->st;
	return true;
}

/* ---- time */

tick_t
node_now(const struct node *n)
{
	return n->sim->now - n->behind;
}

bool
node_awake(const struct node *n)
{
	return n->core && n->sleep == SLEEP_NOT;
}

void
node_sleep(struct node *n, enum sim_sleep how, tick_t for_how_long)
{
	static const char *const word[] = { [SLEEP_SUSPENDED] = "suspend", [SLEEP_STOPPED] = "stop" };
	char text[32];

	if (!node_awake(n))
		return;
	snprintf(text, sizeof(text), "for %.0f s", (double)for_how_long / 1e6);
	sim_fault(n->sim, n, word[how], text);
	n->sleep = how;
	n->slept_at = n->sim->now;
	n->wake_at = n->sim->now + for_how_long;
	sim_at(n->sim, n->wake_at, SIM_EV_WAKE, n);
}

void
node_wake(struct node *n)
{
	struct sim *s = n->sim;

	if (n->sleep == SLEEP_NOT)
		return;
	sim_fault(s, n, "wake", "");
	if (n->sleep == SLEEP_SUSPENDED)
		n->behind += s->now - n->slept_at;
	n->sleep = SLEEP_NOT;
	n->tick_at = TICK_NEVER;
	for (unsigned i = 0; i < n->n_backlog; i++)
		sim_at(s, s->now, SIM_EV_PACKET, NULL)->u.pkt = n->backlog[i];
	n->n_backlog = 0;
	routes_sync(n);
	core_tick(n->core, node_now(n));
	node_carry(n);
}

static void
forget_backlog(struct node *n)
{
	for (unsigned i = 0; i < n->n_backlog; i++)
		free(n->backlog[i]);
	n->n_backlog = 0;
}

/* ---- what nhrpd/daemon/keep.c asks of the daemon: the time, and timers */

static tick_t
daemon_now(void *ctx)
{
	return node_now(ctx);
}

static struct host_watch *
daemon_after(void *ctx, tick_t delay, void (*fn)(void *arg), void *arg)
{
	struct node *n = ctx;

	for (unsigned i = 0; i < sizeof(n->watch) / sizeof(n->watch[0]); i++) {
		struct host_watch *w = &n->watch[i];

		if (w->serial)
			continue;
		*w = (struct host_watch){ n, ++n->watch_serial, fn, arg };
		sim_at(n->sim, n->sim->now + delay, SIM_EV_TIMER, n)->u.timer = w->serial;
		return w;
	}
	return NULL;
}

static void
daemon_unwatch(void *ctx, struct host_watch *w)
{
	(void)ctx;
	if (w)
		w->serial = 0;
}

void
node_timer(struct node *n, uint32_t serial)
{
	for (unsigned i = 0; i < sizeof(n->watch) / sizeof(n->watch[0]); i++) {
		struct host_watch *w = &n->watch[i];

		if (w->serial != serial)
			continue;
		w->serial = 0;
		store_of(n);
		w->fn(w->arg);
		node_carry(n);
		return;
	}
}

/* What the daemon knows of its configuration, and keep.c asks. */
static const struct conf *
conf_of(const struct node *n)
{
	static struct conf c;

	c.core = n->conf;
	return &c;
}

static void
keep_start(struct node *n)
{
	if (!n->sim->conf.keep)
		return;
	n->daemon = (struct host){ .ctx = n, .now = daemon_now, .after = daemon_after, .unwatch = daemon_unwatch, .log = &n->log };
	store_of(n);
	if (!(n->keep = keep_new(&n->daemon, n->name, store_wall)))
		abort();
	keep_tunnels(n->keep, conf_of(n), n->core);
}

static void
keep_end(struct node *n, bool killed)
{
	if (!n->keep)
		return;
	store_of(n);
	store_die(n, killed);
	keep_free(n->keep);
	store_die(n, false);
	n->keep = NULL;
	memset(n->watch, 0, sizeof(n->watch));
}

/* ---- start and end of a life */

static void
core_begin(struct node *n)
{
	struct core_env env = { .ike.env = { n, node_alloc, node_release, node_random, &n->log }, .ike.spi_alloc = env_spi,
		.peer_stats = env_peer_stats, .sa_stats = env_sa_stats };
	uint8_t secret[SECRET_LEN];
	uint64_t state = n->sim->seed ^ (uint64_t)n->index << 32;

	for (unsigned i = 0; i < sizeof(secret); i++)	/* the machine's own: the same in each life */
		secret[i] = (uint8_t)splitmix64(&state);
	env.ike.qcd_secret = n->sim->conf.keep ? secret : NULL;
	if (!(n->core = core_new(&n->conf, &env)))
		sim_complain(n->sim, n, "the core did not start");
	keep_start(n);
	for (unsigned i = 0; i < n->n_member; i++)
		core_source(n->core, node_now(n), i + 1, &n->host.addr);
	node_carry(n);
	routes_start(n);
	core_tick(n->core, node_now(n));
	node_carry(n);
}

void
node_start(struct node *n)
{
	struct sim *s = n->sim;

	if (n->core)
		return;
	n->life++;
	n->rng = s->seed ^ (uint64_t)n->index << 40 ^ (uint64_t)n->life << 20;
	splitmix64(&n->rng);
	n->log = (struct log){ node_log, n, LOG_LV_INFO };
	n->tick_at = TICK_NEVER;
	n->bytes = n->bytes_peak = 0;
	plane_init(n);
	sim_fault(s, n, "start", "");
	core_begin(n);
	if (s->conf.hello)
		sim_at(s, s->now + sim_below(s, (uint32_t)s->conf.hello), SIM_EV_HELLO, n);
	if (s->conf.hello && s->conf.reroute)
		sim_at(s, s->now + sim_below(s, 2000000), SIM_EV_ROUTING, n);
}

static void
discard_jobs(struct node *n)
{
	for (unsigned i = 0; i < n->n_jobs; i++)
		ike_job_discard(n->jobs[i]);
	n->n_jobs = 0;
}

/* Also looks for leaks: what the core took it must have given back. */
static void
end(struct node *n, bool killed)
{
	struct core *c = n->core;

	if (!c)
		return;
	n->life++;
	sim_fault(n->sim, n, killed ? "crash" : "end", "");
	discard_jobs(n);
	forget_backlog(n);
	keep_end(n, killed);
	n->core = NULL;
	n->sleep = SLEEP_NOT;
	n->down_at = n->sim->now;
	core_free(c);
	plane_fini(n);
	if (n->live != 0 && !n->sim->complaint[0]) {
		long live = n->live;

		n->live = 0;
		sim_complain(n->sim, n, "%ld allocations were never given back", live);
	}
}

void
node_crash(struct node *n)
{
	end(n, true);
}

void
node_stop(struct node *n)
{
	if (!node_awake(n))
		return;
	sim_note(n->sim, n, "shutdown", "");
	core_shutdown(n->core, node_now(n));
	node_carry(n);
	sim_run(n->sim, TICK_MS(300));
	end(n, false);
}

void
node_readdress(struct node *n, const struct addr *to)
{
	sim_fault(n->sim, n, "new-address", "");
	net_readdress(n->sim, n, to);
	for (unsigned i = 0; i < n->n_member; i++)
		core_source(n->core, node_now(n), i + 1, to);
	node_carry(n);
}

/* ---- carrying out */

static bool
refused(struct node *n, const struct core_act *a, uint32_t ppm)
{
	if (!sim_chance(n->sim, ppm))
		return false;
	sim_trace(n->sim, n, "refused", a->kind, a->spi_in, NULL, NULL);
	core_result(n->core, node_now(n), a, false, "refused by the simulator");
	return true;
}

static void
act_tunnel(struct node *n, const struct core_act *a)
{
	struct dp_event up = { .kind = DP_EV_LINK, .tunnel = a->tunnel, .link_up = true };

	core_ifindex(n->core, a->tunnel, TUNNEL_IF + a->tunnel - 1);
	core_result(n->core, node_now(n), a, true, "");
	if (n->plane.tunnel[a->tunnel - 1].up)
		return;
	n->plane.tunnel[a->tunnel - 1].up = true;
	core_dp_event(n->core, node_now(n), &up);
}

static void
act_neigh_set(struct node *n, const struct core_act *a)
{
	struct endpoint e = { a->neigh.proto, 0 };
	struct dp_neigh g = a->neigh;

	sim_trace(n->sim, n, "neigh-set", a->neigh.peer, a->neigh.mcast, NULL, &e);
	if (refused(n, a, n->sim->conf.refuse_neigh)) {
		n->refused = true;
		return;
	}
	if (n->sim->sabotage == SABOTAGE_WRONG_PEER && g.proto.n && g.peer > 1)
		g.peer--;
	check_neigh_set(n, &g);
	plane_neigh_set(n, &g);
	core_result(n->core, node_now(n), a, true, "");
}

static void
act_neigh_del(struct node *n, const struct core_act *a)
{
	struct endpoint e = { a->neigh.proto, 0 };

	sim_trace(n->sim, n, "neigh-del", a->neigh.peer, 0, NULL, &e);
	if (n->sim->sabotage == SABOTAGE_KEEP_NEIGH)
		return;
	check_neigh_del(n, a->tunnel, &a->neigh.proto);
	plane_neigh_del(n, a->tunnel, &a->neigh.proto);
}

static void
act_sa_add(struct node *n, const struct core_act *a)
{
	sim_trace(n->sim, n, "sa-add", a->spi_in, a->sa->peer, &a->sa->local, &a->sa->remote);
	if (refused(n, a, n->sim->conf.refuse_sa))
		return;
	plane_sa_add(n, a->sa);
	core_result(n->core, node_now(n), a, true, "");
}

static void
act_sa_del(struct node *n, const struct core_act *a)
{
	sim_trace(n->sim, n, "sa-del", a->spi_in, 0, NULL, NULL);
	check_sa_del(n, a->spi_in);
	plane_sa_del(n, a->spi_in);
}

static void
act_route(struct node *n, const struct core_act *a)
{
	bool set = a->kind == CORE_ACT_ROUTE_SET;
	struct endpoint dst = { a->route.dst.addr, a->route.dst.bits }, via = { a->route.via, 0 };

	sim_trace(n->sim, n, set ? "route-set" : "route-del", 0, 0, &dst, &via);
	if (!set) {
		if (n->sim->sabotage != SABOTAGE_KEEP_ROUTE)
			plane_route_del(n, &a->route.dst, true);
		return;
	}
	if (refused(n, a, n->sim->conf.refuse_route))
		return;
	check_route_set(n, &a->route);
	plane_route_set(n, &a->route, true);
	core_result(n->core, node_now(n), a, true, "");
}

static void
act_ike(struct node *n, const struct core_act *a)
{
	struct pkt *p;

	if (a->local.addr.n && !addr_eq(&a->local.addr, &n->host.addr)) {	/* the kernel would refuse the source address */
		sim_trace(n->sim, n, "bad-source", 0, 0, &a->local, &a->remote);
		return;
	}
	p = pkt_new(a->kind == CORE_ACT_KEEPALIVE ? PKT_KEEPALIVE : PKT_IKE, a->packet);
	p->src = (struct endpoint){ n->host.addr, a->local.port };
	p->dst = a->remote;
	if (p->n > 18)
		p->spi = p->octets[18];	/* exchange type, for the trace */
	if (p->n > 24)
		p->seq = get_be32(p->octets + 20);	/* message id */
	net_send(n->sim, n, p);
}

/* Computed now, answered a little later: other things happen in between. */
static void
act_job(struct node *n, const struct core_act *a)
{
	if (n->n_jobs == sizeof(n->jobs) / sizeof(n->jobs[0]))
		sim_complain(n->sim, n, "%u jobs under way", n->n_jobs);
	ike_job_run(a->job);
	n->jobs[n->n_jobs++] = a->job;
	sim_at(n->sim, n->sim->now + 100 + sim_below(n->sim, 900), SIM_EV_JOB, n)->u.job = a->job;
}

static void
act_lookup(struct node *n, const struct core_act *a)
{
	struct sim_ev *e = sim_at(n->sim, n->sim->now + TICK_MS(5) + sim_below(n->sim, 40000), SIM_EV_NAMES, n);

	e->u.name.tunnel = a->tunnel;
	e->u.name.nhs = a->nhs;
}

static void
carry_out(struct node *n, const struct core_act *a)
{
	switch (a->kind) {
	case CORE_ACT_TUNNEL_SET:
		act_tunnel(n, a);
		break;
	case CORE_ACT_TUNNEL_DEL:	/* configurations do not change here */
	case CORE_ACT_PATH_RESULT:	/* nor does this plane ask, */
	case CORE_ACT_SHAPE:	/* or hold anything back */
		break;
	case CORE_ACT_NEIGH_SET:
		act_neigh_set(n, a);
		break;
	case CORE_ACT_NEIGH_DEL:
		act_neigh_del(n, a);
		break;
	case CORE_ACT_SA_ADD:
		act_sa_add(n, a);
		break;
	case CORE_ACT_SA_ACTIVATE:
		sim_trace(n->sim, n, "sa-activate", a->spi_in, 0, NULL, NULL);
		plane_sa_activate(n, a->spi_in);
		break;
	case CORE_ACT_SA_MOVE:
		sim_trace(n->sim, n, "sa-move", a->spi_in, a->encap, &a->local, &a->remote);
		plane_sa_move(n, a->spi_in, &a->local, &a->remote, a->encap);
		break;
	case CORE_ACT_SA_DEL:
		act_sa_del(n, a);
		break;
	case CORE_ACT_NHRP_SEND:
		plane_send_nhrp(n, a->tunnel, a->peer, a->packet);
		break;
	case CORE_ACT_ROUTE_SET:
	case CORE_ACT_ROUTE_DEL:
		act_route(n, a);
		break;
	case CORE_ACT_IKE_SEND:
	case CORE_ACT_KEEPALIVE:
		act_ike(n, a);
		break;
	case CORE_ACT_REVOCATION:
		ike_job_answer(a->job, IKE_STATUS_GOOD, "");
		/* fall through */
	case CORE_ACT_JOB:
		act_job(n, a);
		break;
	case CORE_ACT_OPER_SET:
	case CORE_ACT_TRACK:
		break;
	case CORE_ACT_LOOKUP:
		act_lookup(n, a);
		break;
	}
}

static void
schedule(struct node *n)
{
	tick_t at = core_deadline(n->core);

	if (at == n->tick_at)
		return;
	n->tick_at = at;
	if (at != TICK_NEVER)
		sim_at(n->sim, at + n->behind, SIM_EV_TICK, n);
}

void
node_carry(struct node *n)
{
	const struct core_act *a;
	unsigned acts = 0;

	if (n->carrying || !n->core)
		return;
	n->carrying = true;
	while ((a = core_next(n->core, node_now(n)))) {
		carry_out(n, a);
		acts++;
	}
	n->carrying = false;
	n->sim->acts += acts;
	check_acts(n, acts);
	schedule(n);
	if (n->keep)
		keep_poll(n->keep);
}

/* ---- what comes in */

void
node_tick(struct node *n, tick_t at)
{
	(void)at;
	if (n->tick_at > node_now(n))
		return;	/* moved since */
	if ((n->sim->sabotage == SABOTAGE_KEEP_DEAD || n->sim->sabotage == SABOTAGE_KEEP_DEAD_UNSEEN) && n->hub)
		return;
	n->tick_at = TICK_NEVER;
	n->spins = n->spin_at == n->sim->now ? n->spins + 1 : 0;
	n->spin_at = n->sim->now;
	if (n->spins > SIM_SPIN_MAX)
		sim_complain(n->sim, n, "%u ticks at one instant: a deadline in the past is never served", n->spins);
	core_tick(n->core, node_now(n));
	node_carry(n);
}

void
node_hello(struct node *n)
{
	plane_mcast(n);
	sim_at(n->sim, n->sim->now + n->sim->conf.hello, SIM_EV_HELLO, n);
}

void
node_job(struct node *n, struct ike_job *job)
{
	for (unsigned i = 0; i < n->n_jobs; i++) {
		if (n->jobs[i] == job) {
			n->jobs[i] = n->jobs[--n->n_jobs];
			break;
		}
	}
	core_job_done(n->core, node_now(n), job);
	node_carry(n);
}

void
node_names(struct node *n, uint32_t tunnel, uint32_t nhs)
{
	const struct nhrp_conf_nhs *c = &n->tunnel[tunnel - 1].nhrp.nhs[nhs];

	for (unsigned i = 0; i < n->sim->n_hub; i++) {
		const struct node *h = n->sim->hub[i];
		size_t len = strlen(h->name);

		if (strncmp(c->name, h->name, len) != 0 || c->name[len] != '.')
			continue;
		core_names(n->core, node_now(n), tunnel, nhs, &h->host.addr, 1, NULL);
		node_carry(n);
		return;
	}
}

void
node_dp_event(struct node *n, const struct dp_event *ev)
{
	core_dp_event(n->core, node_now(n), ev);
	node_carry(n);
}

void
node_rx_ike(struct node *n, const struct pkt *p)
{
	struct ike_rx rx = { .local = p->dst, .remote = p->src, .natt = p->dst.port != 500, .packet = span_of(p->octets, p->n) };
	struct dp_event ev = { .kind = DP_EV_IKE, .local = p->dst, .remote = p->src, .natt = true, .packet = rx.packet };

	sim_trace(n->sim, n, "ike-in", p->spi, (uint32_t)p->seq, &p->src, &p->dst);
	if (rx.natt) {
		node_dp_event(n, &ev);
		return;
	}
	core_rx_ike(n->core, node_now(n), &rx);
	node_carry(n);
}
