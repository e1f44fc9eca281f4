/* nhrpd/core/timeline.c: what happened with each partner lately, step by step, across all layers (lib/trace.h).
 *
 * An attempt begins when somebody wants a partner: a shortcut (traffic, redirect), a hub, a configured peer; or when an SA
 * comes in. Its number travels with the actions of NHRP and stands at the dial and the peer it led to, so that IKE's steps, the
 * data plane's and the kernel's answers fall to it as well. A record is a time, a step and a number, nothing is formatted here.
 * The first CORE_MARKS_FIRST steps and the last CORE_MARKS_LAST of an attempt are kept, and the reason of its last failure.
 *
 * Bounds: CORE_ATTEMPTS_SAME attempts to one partner (destination of a shortcut, outer address of a dial, identity of who came),
 * CORE_ATTEMPTS_MAX in all. The one that was marked longest ago makes room, so a hub that is up for a month stays as long as it
 * is rekeyed now and then. What is not recorded for lack of memory is missing in `show`, nothing else. */
#include "nhrpd/core/core_priv.h"

struct core_attempt {
	struct map_node by_id, by_key;
	struct core_attempt *older, *newer;	/* by the last mark */
	struct core_attempt *before;	/* to the same partner; by_key holds the last one */
	struct core_attempt *after;
	uint64_t key;
	uint32_t id, tunnel, peer, n_mark;
	uint8_t kind, state;
	struct addr dst, proto, nbma;
	struct prefix prefix;
	tick_t began, settled, ended;
	struct core_mark mark[CORE_MARKS_FIRST + CORE_MARKS_LAST];
	char reason[CORE_REASON_MAX];
};
_Static_assert(sizeof(struct core_attempt) <= 1024, "CORE_ATTEMPTS_MAX of them are said to be 8 MB");

static const char *const state_name[] = { "running", "secured", "up", "failed", "down" };

const char *
core_attempt_state_name(enum core_attempt_state s)
{
	return state_name[s];
}

/* ---- tables */

static bool
id_eq(const struct map_node *node, const void *key)
{
	return container_of(node, struct core_attempt, by_id)->id == *(const uint32_t *)key;
}

static bool
key_eq(const struct map_node *node, const void *key)
{
	return container_of(node, struct core_attempt, by_key)->key == *(const uint64_t *)key;
}

static struct core_attempt *
find(const struct core *c, uint32_t id)
{
	const struct map *m = &c->timeline.by_id;
	struct map_node *n = id ? map_find(m, map_hash(m, &id, sizeof(id)), id_eq, &id) : NULL;

	return n ? container_of(n, struct core_attempt, by_id) : NULL;
}

static struct core_attempt *
last_of(const struct core *c, uint64_t key)
{
	struct map_node *n = map_find(&c->timeline.by_key, key, key_eq, &key);

	return n ? container_of(n, struct core_attempt, by_key) : NULL;
}

static void
list_out(struct core_timeline *t, struct core_attempt *a)
{
	*(a->older ? &a->older->newer : &t->oldest) = a->newer;
	*(a->newer ? &a->newer->older : &t->newest) = a->older;
}

static void
list_in(struct core_timeline *t, struct core_attempt *a)
{
	a->older = t->newest;
	a->newer = NULL;
	*(t->newest ? &t->newest->newer : &t->oldest) = a;
	t->newest = a;
}

static void
forget(struct core *c, struct core_attempt *a)
{
	struct core_timeline *t = &c->timeline;

	if (a->before)
		a->before->after = a->after;
	if (a->after) {
		a->after->before = a->before;
	} else {
		map_del(&t->by_key, &a->by_key);
		if (a->before)
			map_add(&t->by_key, &a->before->by_key, a->key);
	}
	map_del(&t->by_id, &a->by_id);
	list_out(t, a);
	t->n--;
	env_free(c->mem, a);
}

static void
make_room(struct core *c, struct core_attempt *last)
{
	struct core_attempt *a = last;
	unsigned n = 1;

	for (; a && a->before; a = a->before)	/* at most CORE_ATTEMPTS_SAME steps */
		n++;
	if (a && n >= CORE_ATTEMPTS_SAME)
		forget(c, a);
	if (c->timeline.n >= CORE_ATTEMPTS_MAX)
		forget(c, c->timeline.oldest);
}

/* key: hash of what the attempts to one partner have in common. */
static struct core_attempt *
begin(struct core *c, uint32_t tunnel, enum trace_kind kind, uint64_t key)
{
	struct core_timeline *t = &c->timeline;
	struct core_attempt *a = env_alloc(c->mem, sizeof(*a));

	if (!a)
		return NULL;
	make_room(c, last_of(c, key));
	a->before = last_of(c, key);
	if (a->before) {
		map_del(&t->by_key, &a->before->by_key);
		a->before->after = a;
	}
	while (++t->next_id == 0 || find(c, t->next_id))
		;
	a->id = t->next_id;
	a->tunnel = tunnel;
	a->kind = (uint8_t)kind;
	a->key = key;
	a->began = c->now;
	map_add(&t->by_key, &a->by_key, key);
	map_add(&t->by_id, &a->by_id, map_hash(&t->by_id, &a->id, sizeof(a->id)));
	list_in(t, a);
	t->n++;
	return a;
}

static struct core_attempt *
begin_to(struct core *c, uint32_t tunnel, enum trace_kind kind, const struct addr *to)
{
	return begin(c, tunnel, kind, map_hash(&c->timeline.by_key, to, sizeof(*to)) + tunnel + ((uint64_t)kind << 32));
}

uint32_t
core_attempt_of_dial(struct core *c, struct core_dial *d)
{
	struct core_attempt *a = find(c, d->attempt);

	if (!a || a->ended) {
		a = begin_to(c, d->tunnel, d->hub ? TRACE_HUB : TRACE_PEER, &d->addrs[0]);
		if (a)
			a->nbma = d->addrs[0];
		d->attempt = a ? a->id : 0;
	}
	return d->attempt;
}

/* NHRP goes on with a peer after something failed: another attempt over the same SA. */
static struct core_attempt *
of_peer(struct core *c, struct core_peer *p)
{
	struct core_attempt *a = find(c, p->attempt);

	if (a && !a->ended)
		return a;
	a = begin_to(c, p->tunnel, p->dials && p->dials->hub ? TRACE_HUB : TRACE_PEER, &p->remote.addr);
	if (a)
		a->nbma = p->remote.addr;
	p->attempt = a ? a->id : 0;
	return a;
}

/* ---- marks */

static unsigned
facility(enum trace_step s)
{
	enum { NHRP = LOG_DBG_NHRP, IKE = LOG_DBG_IKE, IPSEC = LOG_DBG_IPSEC, ROUTE = LOG_DBG_ROUTE, DATA = LOG_DBG_DATA, CORE = LOG_DBG_IKE };
	static const uint8_t of[] = {
#define X(name, layer, word, text) layer,
		TRACE_STEPS(X)
#undef X
	};

	return of[s];
}

static void
debug(struct core *c, uint32_t tunnel, const struct core_attempt *a, const struct trace_mark *m)
{
	char dst[ADDR_STRLEN], proto[ADDR_STRLEN], nbma[ADDR_STRLEN], prefix[PREFIX_STRLEN];
	const struct core_tunnel *t = core_tunnel(c, tunnel);

	if (!a)
		return;
	log_debug(c->log, (enum log_facility)facility(m->step), trace_word(m->step), "%s attempt %u%s%s%s%s%s%s: %s%s%s%s%s", t ? t->dp.name : "-",
	    a->id, a->dst.n ? " for " : "", a->dst.n ? addr_fmt(&a->dst, dst) : "", a->proto.n ? " by " : "", a->proto.n ? addr_fmt(&a->proto, proto) : "",
	    a->nbma.n ? " at " : "", a->nbma.n ? addr_fmt(&a->nbma, nbma) : "", trace_text(m->step), m->prefix ? " " : "",
	    m->prefix ? prefix_fmt(m->prefix, prefix) : "", m->reason && *m->reason ? ": " : "", m->reason ? m->reason : "");
}

static void
keep(struct core *c, struct core_attempt *a, const struct trace_mark *m)
{
	uint32_t i = a->n_mark < CORE_MARKS_FIRST ? a->n_mark : CORE_MARKS_FIRST + (a->n_mark - CORE_MARKS_FIRST) % CORE_MARKS_LAST;

	a->mark[i] = (struct core_mark){ m->at ? m->at : c->now, m->n, (uint8_t)m->step };
	a->n_mark++;
	if (m->proto && (m->step != TRACE_BOUND || !a->proto.n))	/* behind one NAT another's address may be tried at this peer */
		a->proto = *m->proto;
	if (m->nbma)
		a->nbma = *m->nbma;
	if (m->prefix && m->step == TRACE_RESOLUTION_REPLY)
		a->prefix = *m->prefix;
	if (m->peer)
		a->peer = m->peer;
	if (m->reason && *m->reason && !a->ended && m->step != TRACE_IKE_DOWN) {	/* of many SAs one may go */
		size_t n = strlen(m->reason);

		n = n < sizeof(a->reason) ? n : sizeof(a->reason) - 1;
		memcpy(a->reason, m->reason, n);
		a->reason[n] = '\0';
	}
	list_out(&c->timeline, a);
	list_in(&c->timeline, a);
}

static void
settle(struct core *c, struct core_attempt *a, const struct trace_mark *m)
{
	struct core_peer *p = core_peer(c, m->peer ? m->peer : a->peer);

	a->state = CORE_ATTEMPT_UP;
	a->reason[0] = '\0';
	if (!a->settled)
		a->settled = c->now;
	if (!p || !c->env.peer_watch)
		return;
	p->watched = a->id;
	c->env.peer_watch(c->mem->ctx, p->tunnel, p->id);
}

static void
end(struct core *c, struct core_attempt *a, enum core_attempt_state s)
{
	a->state = (uint8_t)s;
	a->ended = c->now;
}

/* Where the attempt is after a step; others leave it where it was. */
static void
advance(struct core *c, struct core_attempt *a, const struct trace_mark *m)
{
	bool theirs = a->kind == TRACE_INCOMING || a->kind == TRACE_PEER;

	if (a->ended)
		return;
	if (m->step == TRACE_UP || (m->step == TRACE_BOUND && theirs && a->state != CORE_ATTEMPT_UP))
		settle(c, a, m);
	else if (m->step == TRACE_SA_INSTALLED && theirs && a->state == CORE_ATTEMPT_RUNNING)
		a->state = CORE_ATTEMPT_SECURED;
	else if (m->step == TRACE_FAILED)
		end(c, a, CORE_ATTEMPT_FAILED);
	else if (m->step == TRACE_DOWN)
		end(c, a, a->state == CORE_ATTEMPT_RUNNING ? CORE_ATTEMPT_FAILED : CORE_ATTEMPT_DOWN);
}

void
core_trace(struct core *c, uint32_t tunnel, const struct trace_mark *m)
{
	struct core_dial *d = !m->attempt && m->dial ? core_dial(c, m->dial) : NULL;
	struct core_peer *p = !m->attempt && !d && m->peer ? core_peer(c, m->peer) : NULL;
	struct core_attempt *a = p ? of_peer(c, p) : find(c, d ? core_attempt_of_dial(c, d) : m->attempt);

	if (!a || (m->step == TRACE_DOWN && a->ended))
		return;
	keep(c, a, m);
	advance(c, a, m);
	if (log_debugs(c->log, facility(m->step)))
		debug(c, tunnel, a, m);
}

void
core_trace_reply(struct core *c, const struct core_act *act, bool ok, const char *reason)
{
	struct trace_mark m = { .attempt = act->attempt, .peer = act->neigh.peer, .n = act->kind == CORE_ACT_NEIGH_SET && !act->neigh.proto.n, .reason = ok ? NULL : reason };

	if (act->kind == CORE_ACT_NEIGH_SET)
		m.step = ok ? TRACE_NEIGH_SET : TRACE_NEIGH_REFUSED;
	else if (act->kind == CORE_ACT_ROUTE_SET)
		m.step = ok ? TRACE_ROUTE_SET : TRACE_ROUTE_REFUSED;
	else
		return;
	core_trace(c, act->tunnel, &m);
}

/* Who comes by itself is known once it is authenticated; what came before is told now. */
void
core_trace_incoming(struct core *c, struct core_peer *p, const struct ike_act *k)
{
	struct core_attempt *a = p->up ? find(c, p->attempt) : NULL;

	if (!a || a->ended) {
		a = begin(c, p->tunnel, TRACE_INCOMING, map_hash(&c->timeline.by_key, p->identity, strlen(p->identity)) + p->tunnel);
		p->attempt = a ? a->id : 0;
		if (a && k->init_at)
			a->began = k->init_at;
	}
	if (!a)
		return;
	if (k->init_at)
		CORE_TRACE(c, p->tunnel, .attempt = a->id, .step = TRACE_INIT_RECEIVED, .at = k->init_at, .nbma = &p->remote.addr);
	if (k->auth_at)
		CORE_TRACE(c, p->tunnel, .attempt = a->id, .step = TRACE_AUTH_RECEIVED, .at = k->auth_at);
	CORE_TRACE(c, p->tunnel, .attempt = a->id, .step = TRACE_IKE_UP, .peer = p->id, .n = k->sa);
}

void
core_trace_used(struct core *c, struct core_peer *p, bool sent)
{
	CORE_TRACE(c, p->tunnel, .attempt = p->watched, .step = sent ? TRACE_FIRST_OUT : TRACE_FIRST_IN);
}

/* ---- sinks of the engines */

static uint32_t
nhrp_begin(void *ctx, enum trace_kind kind, const struct addr *dst)
{
	struct core_sink *s = ctx;
	struct core_attempt *a = begin_to(s->core, s->tunnel, kind, dst);

	if (!a)
		return 0;
	a->dst = *dst;
	return a->id;
}

static void
nhrp_mark(void *ctx, const struct trace_mark *m)
{
	struct core_sink *s = ctx;

	core_trace(s->core, s->tunnel, m);
}

/* IKE knows dials only, and begins nothing. */
static uint32_t
ike_begin(void *ctx, enum trace_kind kind, const struct addr *dst)
{
	(void)ctx, (void)kind, (void)dst;
	return 0;
}

static void
ike_mark(void *ctx, const struct trace_mark *m)
{
	struct core *c = ctx;
	const struct core_dial *d = core_dial(c, m->dial);

	if (d)
		core_trace(c, d->tunnel, m);
}

void
core_timeline_init(struct core *c)
{
	map_init(&c->timeline.by_id, c->mem);
	map_init(&c->timeline.by_key, c->mem);
	for (unsigned i = 0; i < CORE_TUNNELS_MAX; i++)
		c->sink[i] = (struct core_sink){ c, i + 1, { &c->sink[i], nhrp_begin, nhrp_mark } };
	c->trace = (struct trace_sink){ c, ike_begin, ike_mark };
	c->env.ike.env.trace = &c->trace;
}

void
core_timeline_tunnel(struct core *c, const struct core_tunnel_conf *conf, struct env *env)
{
	env->trace = conf->dp.id >= 1 && conf->dp.id <= CORE_TUNNELS_MAX ? &c->sink[conf->dp.id - 1].trace : NULL;
}

void
core_timeline_fini(struct core *c)
{
	struct core_attempt *a;

	while ((a = c->timeline.oldest)) {
		c->timeline.oldest = a->newer;
		env_free(c->mem, a);
	}
	map_fini(&c->timeline.by_id);
	map_fini(&c->timeline.by_key);
}

/* ---- show */

/* An attempt that failed before the partner told its tunnel address has but the outer one. */
struct alias {
	const struct addr *which;
	struct addr nbma;
};

static bool
alias_of_nhs(void *ctx, const struct nhrp_nhs_info *i)
{
	struct alias *w = ctx;

	if (addr_eq(&i->proto, w->which))
		w->nbma = i->nbma;
	return true;
}

static bool
is_about(const struct core_attempt *a, const struct alias *w)
{
	if (!w->which->n || addr_eq(&a->dst, w->which) || addr_eq(&a->proto, w->which) || addr_eq(&a->nbma, w->which))
		return true;
	return (a->prefix.addr.n && prefix_has(&a->prefix, w->which)) || (!a->proto.n && w->nbma.n && addr_eq(&a->nbma, &w->nbma));
}

static bool
tell(const struct core_attempt *a, core_attempt_fn *fn, void *ctx)
{
	struct core_mark mark[CORE_MARKS_FIRST + CORE_MARKS_LAST];
	struct core_attempt_info i = { .attempt = a->id, .tunnel = a->tunnel, .peer = a->peer, .kind = a->kind, .state = a->state, .dst = a->dst,
		.proto = a->proto, .nbma = a->nbma, .prefix = a->prefix, .began = a->began, .settled = a->settled, .ended = a->ended, .reason = a->reason,
		.mark = mark };

	for (uint32_t k = 0; k < a->n_mark && k < CORE_MARKS_FIRST; k++)
		mark[i.n_mark++] = a->mark[k];
	if (a->n_mark > CORE_MARKS_FIRST + CORE_MARKS_LAST)
		i.left_out = a->n_mark - CORE_MARKS_FIRST - CORE_MARKS_LAST;
	for (uint32_t k = CORE_MARKS_FIRST + i.left_out; k < a->n_mark; k++)
		mark[i.n_mark++] = a->mark[CORE_MARKS_FIRST + (k - CORE_MARKS_FIRST) % CORE_MARKS_LAST];
	return fn(ctx, &i);
}

void
core_visit_attempts(const struct core *c, uint32_t tunnel, const struct addr *which, core_attempt_fn *fn, void *ctx)
{
	struct alias w = { .which = which };

	for (const struct core_attempt *a = c->timeline.oldest; a && which->n; a = a->newer) {
		if (addr_eq(&a->proto, which))
			w.nbma = a->nbma;
	}
	for (unsigned i = 0; i < c->n_tunnel && which->n && !w.nbma.n; i++) {
		if (c->tunnel[i].nhrp)
			nhrp_visit_nhs(c->tunnel[i].nhrp, alias_of_nhs, &w);
	}
	for (const struct core_attempt *a = c->timeline.oldest; a; a = a->newer) {
		if ((tunnel == 0 || a->tunnel == tunnel) && is_about(a, &w) && !tell(a, fn, ctx))
			return;
	}
}
