/* tests/sim/sim.c: virtual time, the event queue, randomness, the trace and its hash. */
#include "tests/sim/sim.h"

#include <stdlib.h>

uint32_t
sim_below(struct sim *s, uint32_t n)
{
	return n ? (uint32_t)(splitmix64(&s->rng) % n) : 0;
}

bool
sim_chance(struct sim *s, uint32_t ppm)
{
	return ppm && sim_below(s, 1000000) < ppm;
}

static void
world_random(void *ctx, void *out, size_t n)
{
	struct sim *s = ctx;

	for (uint8_t *p = out; n--; p++)
		*p = (uint8_t)splitmix64(&s->rng);
}

struct sim *
sim_new(const char *scenario, uint64_t seed, const struct sim_conf *conf)
{
	struct sim *s = calloc(1, sizeof(*s));

	if (!s || !(s->trace = calloc(SIM_TRACE, sizeof(*s->trace))))
		abort();
	s->scenario = scenario;
	s->seed = s->rng = seed;
	s->hash = 0xcbf29ce484222325u;
	s->now = TICK_S(1000);
	s->conf = *conf;
	env_libc(&s->env);
	s->env.ctx = s;
	s->env.random = world_random;
	map_init(&s->hosts, &s->env);
	map_init(&s->seals, &s->env);
	return s;
}

void
sim_free(struct sim *s)
{
	for (unsigned i = 0; i < s->n_node; i++)
		node_crash(s->node[i]);
	for (size_t i = 0; i < s->n_ev; i++) {
		if (s->ev[i].kind == SIM_EV_PACKET)
			free(s->ev[i].u.pkt);
	}
	for (unsigned i = 0; i < s->n_node; i++) {
		plane_fini(s->node[i]);
		store_lose(s->node[i]);
		free(s->node[i]);
	}
	for (unsigned i = 0; i < s->n_lan; i++)
		free(s->lan[i]);
	for (unsigned i = 0; i < s->n_nat; i++)
		free(s->nat[i]);
	map_fini(&s->hosts);
	map_fini(&s->seals);
	free(s->ev);
	free(s->trace);
	free(s);
}

/* ---- the queue: a binary heap by time, then by order */

static bool
before(const struct sim_ev *a, const struct sim_ev *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

struct sim_ev *
sim_at(struct sim *s, tick_t at, enum sim_ev_kind kind, struct node *n)
{
	struct sim_ev e = { .at = at < s->now ? s->now : at, .order = s->order++, .kind = kind, .node = n, .life = n ? n->life : 0 };
	size_t i;

	if (s->n_ev == SIM_EVENTS_MAX)
		sim_complain(s, n, "a storm: %zu events in flight", s->n_ev);
	if (s->n_ev == s->ev_cap) {
		s->ev_cap = s->ev_cap ? s->ev_cap * 2 : 1024;
		if (!(s->ev = realloc(s->ev, s->ev_cap * sizeof(*s->ev))))
			abort();
	}
	for (i = s->n_ev++; i && before(&e, &s->ev[(i - 1) / 2]); i = (i - 1) / 2)
		s->ev[i] = s->ev[(i - 1) / 2];
	s->ev[i] = e;
	if (s->n_ev > s->ev_peak)
		s->ev_peak = s->n_ev;
	return &s->ev[i];
}

static struct sim_ev
take_first(struct sim *s)
{
	struct sim_ev first = s->ev[0], last = s->ev[--s->n_ev];
	size_t i = 0, k;

	while ((k = 2 * i + 1) < s->n_ev) {
		if (k + 1 < s->n_ev && before(&s->ev[k + 1], &s->ev[k]))
			k++;
		if (!before(&s->ev[k], &last))
			break;
		s->ev[i] = s->ev[k];
		i = k;
	}
	s->ev[i] = last;
	return first;
}

/* What was to happen on a node that sleeps: its clock stands still, or all of it happens when it wakes. */
static void
defer(struct sim *s, const struct sim_ev *e)
{
	const struct node *n = e->node;
	struct sim_ev *later = sim_at(s, n->sleep == SLEEP_SUSPENDED ? e->at + (n->wake_at - n->slept_at) : n->wake_at, e->kind, e->node);

	later->u = e->u;
}

static void
dispatch(struct sim *s, const struct sim_ev *e)
{
	if (e->node && (e->life != e->node->life || !e->node->core))
		return;
	if (e->node && e->node->sleep != SLEEP_NOT && e->kind != SIM_EV_WAKE) {
		defer(s, e);
		return;
	}
	switch (e->kind) {
	case SIM_EV_PACKET:
		net_deliver(s, e->u.pkt);
		break;
	case SIM_EV_TICK:
		node_tick(e->node, e->at);
		break;
	case SIM_EV_JOB:
		node_job(e->node, e->u.job);
		break;
	case SIM_EV_NAMES:
		node_names(e->node, e->u.name.tunnel, e->u.name.nhs);
		break;
	case SIM_EV_SA_LIFE:
		plane_sa_life(e->node, e->u.spi);
		break;
	case SIM_EV_FLOW:
		flow_tick(s, e->u.flow);
		break;
	case SIM_EV_HELLO:
		node_hello(e->node);
		break;
	case SIM_EV_REPORT:
		check_now(s);
		break;
	case SIM_EV_WAKE:
		if (e->node->wake_at <= s->now)
			node_wake(e->node);
		break;
	case SIM_EV_TIMER:
		node_timer(e->node, e->u.timer);
		break;
	case SIM_EV_ROUTING:
		routes_tick(e->node);
		break;
	}
}

void
sim_run(struct sim *s, tick_t for_how_long)
{
	tick_t end = s->now + for_how_long;

	while (s->n_ev && s->ev[0].at <= end) {
		struct sim_ev e = take_first(s);

		s->now = e.at;
		s->events++;
		dispatch(s, &e);
	}
	s->now = end;
}

bool
sim_until(struct sim *s, tick_t at_most, sim_test_fn *test)
{
	tick_t end = s->now + at_most;

	while (!test(s)) {
		if (s->now >= end)
			return false;
		sim_run(s, TICK_MS(50));
	}
	return true;
}

void
sim_expect(struct sim *s, tick_t at_most, sim_test_fn *test, const char *what)
{
	if (!sim_until(s, at_most, test))
		sim_complain(s, NULL, "not within %.1f s: %s", (double)at_most / 1e6, what);
}

/* ---- trace */

static void
mix(struct sim *s, uint64_t v)
{
	s->hash ^= v;
	s->hash *= 0x100000001b3u;
	s->hash ^= s->hash >> 29;
}

static void
mix_text(struct sim *s, const char *t)
{
	for (; *t; t++)
		mix(s, (uint8_t)*t);
}

static void
mix_endpoint(struct sim *s, const struct endpoint *e)
{
	mix(s, (uint64_t)get_be32(e->addr.b) << 32 | get_be32(e->addr.b + 12));
	mix(s, (uint64_t)e->port << 8 | e->addr.n);
}

static struct trace *
trace_add(struct sim *s, const struct node *n, const char *word, uint32_t a, uint32_t b)
{
	struct trace *t = &s->trace[s->n_trace++ % SIM_TRACE];

	memset(t, 0, offsetof(struct trace, text) + 1);
	t->at = s->now;
	t->word = word;
	t->node = n;
	t->a = a;
	t->b = b;
	mix(s, s->now);
	mix_text(s, word);
	mix(s, (uint64_t)(n ? n->index : 0) << 32 | a);
	mix(s, b);
	return t;
}

static void
trace_line(const struct sim *s, const struct trace *t, FILE *out)
{
	char from[ENDPOINT_STRLEN], to[ENDPOINT_STRLEN];

	(void)s;
	fprintf(out, "  %12.6f %-9s %-13s", (double)t->at / 1e6, t->node ? t->node->name : "-", t->word);
	if (t->from.addr.n)
		fprintf(out, " %s", endpoint_fmt(&t->from, from));
	if (t->to.addr.n)
		fprintf(out, " -> %s", endpoint_fmt(&t->to, to));
	if (t->text[0])
		fprintf(out, " %s\n", t->text);
	else
		fprintf(out, " %08x %u\n", t->a, t->b);
}

void
sim_trace(struct sim *s, const struct node *n, const char *word, uint32_t a, uint32_t b, const struct endpoint *from,
    const struct endpoint *to)
{
	struct trace *t = trace_add(s, n, word, a, b);

	if (from)
		t->from = *from;
	if (to)
		t->to = *to;
	mix_endpoint(s, &t->from);
	mix_endpoint(s, &t->to);
	if (s->verbose)
		trace_line(s, t, stdout);
}

void
sim_note(struct sim *s, const struct node *n, const char *word, const char *text)
{
	struct trace *t = trace_add(s, n, word, 0, 0);

	snprintf(t->text, sizeof(t->text), "%s", text);
	mix_text(s, text);
	if (s->verbose)
		trace_line(s, t, stdout);
}

void
sim_fault(struct sim *s, const struct node *n, const char *word, const char *text)
{
	s->calm_since = s->now;
	sim_note(s, n, word, text);
}

void
sim_trace_print(const struct sim *s, FILE *out, unsigned last)
{
	uint64_t kept = s->n_trace < SIM_TRACE ? s->n_trace : SIM_TRACE, n = last < kept ? last : kept;

	for (uint64_t i = s->n_trace - n; i < s->n_trace; i++)
		trace_line(s, &s->trace[i % SIM_TRACE], out);
}

void
sim_complain(struct sim *s, const struct node *n, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(s->complaint, sizeof(s->complaint), "at %.6f s, %s: %s", (double)s->now / 1e6, n ? n->name : "the network", text);
	sim_note(s, n, "COMPLAINT", text);
	longjmp(s->stop, 1);
}
