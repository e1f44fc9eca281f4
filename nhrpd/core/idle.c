/* nhrpd/core/idle.c: ends SAs that nobody needs any more. A shortcut's far end keeps its SA when the shortcut has expired here, and
 * IKE would renew it for ever. A peer is needed while a want of ours led to it, or while it is registered, an NHS or
 * configured, or the peer of a tunnel that has one; else it goes when no data went either way for IDLE_CHECKS checks. */
#include "nhrpd/core/core_priv.h"

enum { IDLE_CHECK_S = 60, IDLE_CHECKS = 5, PROTOS = 16 };

void
core_idle_watch(struct core *c, struct core_peer *p)
{
	p->idle_checks = 0;
	p->data_seen = 0;
	timer_arm(&c->timers, &p->idle, c->now + env_jitter(c->mem, TICK_S(IDLE_CHECK_S), 10));
}

static bool
needed(const struct core *c, const struct core_peer *p)
{
	struct nhrp_cache_info proto[PROTOS];
	const struct core_tunnel *t = &c->tunnel[p->tunnel - 1];
	unsigned n = p->dials || t->plain ? 0 : nhrp_peer_protos(t->nhrp, p->id, proto, PROTOS);

	for (unsigned i = 0; i < n && i < PROTOS; i++) {
		if (proto[i].type >= NHRP_CT_DYNAMIC)
			return true;
	}
	return p->dials || t->plain;
}

/* Without counters nobody can say that a peer is idle. */
static bool
moved_data(const struct core *c, struct core_peer *p)
{
	struct dp_peer_stats st = { 0 };
	uint64_t seen = p->data_seen;

	if (!c->env.peer_stats || !c->env.peer_stats(c->mem->ctx, p->tunnel, p->id, &st))
		return true;
	p->data_seen = st.rx_packets + st.tx_packets;
	return p->data_seen != seen;
}

/* Nobody knows it, and where nothing is authenticated nobody needs to: it goes the first time. */
static bool
stranger(const struct core *c, const struct core_peer *p)
{
	const struct core_tunnel *t = &c->tunnel[p->tunnel - 1];
	struct nhrp_cache_info proto[1];

	return t->dp.bare && !p->dials && nhrp_peer_protos(t->nhrp, p->id, proto, 1) == 0;
}

static void
check(struct core *c, struct core_peer *p)
{
	bool data = moved_data(c, p), gone = stranger(c, p);

	p->idle_checks = (data && !gone) || needed(c, p) ? 0 : p->idle_checks + 1;
	if (gone) {
		core_peer_close(c, p, "nobody knows it");
		return;
	}
	if (p->idle_checks >= IDLE_CHECKS) {
		p->idle_checks = 0;
		core_peer_close(c, p, "idle: nobody needs the SA any more");
	}
	timer_arm(&c->timers, &p->idle, c->now + TICK_S(IDLE_CHECK_S));
}

void
core_idle_tick(struct core *c)
{
	struct timer *t;

	while (outq_room(&c->ike_out, IKE_OUT_ITEMS, 0) && (t = timers_due(&c->timers, c->now)))
		check(c, container_of(t, struct core_peer, idle));
}
