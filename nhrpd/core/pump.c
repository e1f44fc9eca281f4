/* nhrpd/core/pump.c: carries the engines' actions over: to the other engine as an event, or out to the daemon.
 *
 * An action may cause an event for an engine whose queue is being emptied; its new actions land behind, and are reached by the same
 * loop. Queues are reset when both engines have run dry. */
#include "nhrpd/core/core_priv.h"

struct core_act *
core_act(struct core *c, enum core_act_kind kind, uint32_t tunnel)
{
	struct core_act *a = outq_add(&c->out);

	if (!a) {
		log_limited(c->log, &c->limit, c->now, LOG_LV_ERROR, "queue-full", "the core's action queue is full: an action was lost");
		return NULL;
	}
	a->kind = kind;
	a->tunnel = tunnel;
	return a;
}

static void
debug_want(const struct core *c, const struct core_tunnel *t, const struct nhrp_act *n)
{
	char text[ADDR_STRLEN];

	log_debug(c->log, LOG_DBG_IKE, "want", "%s attempt %u: somebody is wanted at %s%s%s, %u address%s%s", t->dp.name, (unsigned)n->attempt,
	    addr_fmt(&n->addrs[0], text), n->hint ? ", named " : "", n->hint ? n->hint : "", n->n_addrs, n->n_addrs == 1 ? "" : "es",
	    n->hub ? ", for a hub" : "");
}

void
core_tell_nhrp(struct core *c, struct core_tunnel *t, const struct nhrp_event *ev)
{
	if (t->plain)
		core_plain_event(c, t, ev);
	else
		nhrp_event(t->nhrp, c->now, ev, &t->out);
}

void
core_tell_ike(struct core *c, const struct ike_event *ev)
{
	ike_event(c->ike, c->now, ev, &c->ike_out);
}

/* ---- actions of NHRP */

static void
nhrp_send(struct core *c, uint32_t tunnel, const struct nhrp_act *n)
{
	struct core_act *a = core_act(c, CORE_ACT_NHRP_SEND, tunnel);

	if (a && outq_copy(&c->out, n->packet, &a->packet))
		a->peer = n->peer;
}

static void
nhrp_neigh(struct core *c, uint32_t tunnel, const struct nhrp_act *n)
{
	struct core_act *a = core_act(c, n->kind == NHRP_ACT_NEIGH_SET ? CORE_ACT_NEIGH_SET : CORE_ACT_NEIGH_DEL, tunnel);
	struct core_peer *p = core_peer(c, n->peer);

	if (!a)
		return;
	a->cookie = n->cookie;
	a->attempt = n->attempt;
	CORE_TRACE(c, tunnel, .attempt = n->attempt, .peer = n->peer, .step = n->kind == NHRP_ACT_NEIGH_SET ? TRACE_NEIGH_ASKED : TRACE_NEIGH_GONE,
	    .proto = n->proto.n ? &n->proto : NULL, .n = !n->proto.n);
	a->neigh = (struct dp_neigh){ .tunnel = tunnel, .proto = n->proto, .peer = n->peer, .nbma = p ? p->remote.addr : n->nbma, .mcast = n->mcast };
}

static void
nhrp_route(struct core *c, struct core_tunnel *t, uint32_t tunnel, const struct nhrp_act *n)
{
	struct core_act *a = core_act(c, n->kind == NHRP_ACT_ROUTE_SET ? CORE_ACT_ROUTE_SET : CORE_ACT_ROUTE_DEL, tunnel);

	if (!a)
		return;
	a->cookie = n->cookie;
	a->attempt = n->attempt;
	CORE_TRACE(c, tunnel, .attempt = n->attempt, .step = n->kind == NHRP_ACT_ROUTE_SET ? TRACE_ROUTE_ASKED : TRACE_ROUTE_GONE, .prefix = &n->prefix);
	a->route = (struct rib_route){ .dst = n->prefix, .via = n->via, .ifindex = t->ifindex, .mtu = n->mtu, .tunnel = tunnel, .cookie = n->cookie,
		.attempt = n->attempt };
}

static void
nhrp_if_state(struct core *c, uint32_t tunnel, const struct nhrp_act *n)
{
	struct core_act *a = core_act(c, CORE_ACT_OPER_SET, tunnel);

	if (a)
		a->up = n->ok;
}

static void
nhrp_shape(struct core *c, uint32_t tunnel, const struct nhrp_act *n)
{
	struct core_act *a = core_act(c, CORE_ACT_SHAPE, tunnel);

	if (!a)
		return;
	a->peer = n->peer;
	a->rate = n->rate;
}

static void
nhrp_lookup(struct core *c, uint32_t tunnel, const struct nhrp_act *n)
{
	struct core_act *a = core_act(c, CORE_ACT_LOOKUP, tunnel);

	if (!a)
		return;
	a->nhs = n->nhs;
	a->name = n->hint;
}

static void
nhrp_query_use(struct core *c, struct core_tunnel *t, uint32_t tunnel, const struct nhrp_act *n)
{
	struct core_peer *p = core_peer(c, n->peer);
	struct dp_peer_stats st = { 0 };
	struct nhrp_event e = { .kind = NHRP_EV_RESULT, .cookie = n->cookie };

	if (p && c->env.peer_stats && c->env.peer_stats(c->mem->ctx, tunnel, n->peer, &st)) {
		e.ok = st.tx_packets != p->tx_seen;
		p->tx_seen = st.tx_packets;
	}
	core_tell_nhrp(c, t, &e);
}

static void
nhrp_act(struct core *c, struct core_tunnel *t, const struct nhrp_act *n)
{
	uint32_t tunnel = (uint32_t)(t - c->tunnel) + 1;

	switch (n->kind) {
	case NHRP_ACT_SEND:
		nhrp_send(c, tunnel, n);
		break;
	case NHRP_ACT_WANT:
		debug_want(c, t, n);
		core_want_add(c, t, n);
		break;
	case NHRP_ACT_UNWANT:
		core_want_del(c, t, n->want);
		break;
	case NHRP_ACT_NEIGH_SET:
	case NHRP_ACT_NEIGH_DEL:
		nhrp_neigh(c, tunnel, n);
		break;
	case NHRP_ACT_ROUTE_SET:
	case NHRP_ACT_ROUTE_DEL:
		nhrp_route(c, t, tunnel, n);
		break;
	case NHRP_ACT_RESOLVE_NAME:
		nhrp_lookup(c, tunnel, n);
		break;
	case NHRP_ACT_DROP_PEER:
		if (core_peer(c, n->peer))
			core_peer_close(c, core_peer(c, n->peer), n->reason ? n->reason : "dropped by NHRP");
		break;
	case NHRP_ACT_PROBED:
		if (c->env.probed)
			c->env.probed(c->mem->ctx, n->cookie, n->ok, n->took, n->reason);
		break;
	case NHRP_ACT_IF_STATE:
		nhrp_if_state(c, tunnel, n);
		break;
	case NHRP_ACT_SHAPE:
		nhrp_shape(c, tunnel, n);
		break;
	case NHRP_ACT_QUERY_USE:
		nhrp_query_use(c, t, tunnel, n);
		break;
	}
}

/* The queue never moves while it is read: handling an action may add behind it, resetting waits for core_pump(). */
void
core_pump_nhrp(struct core *c, struct core_tunnel *t)
{
	const struct nhrp_act *n;

	while ((n = outq_at(&t->out, t->at))) {
		t->at++;
		nhrp_act(c, t, n);
	}
}

/* ---- actions of IKE */

static void
ike_send(struct core *c, const struct ike_act *k)
{
	struct core_act *a = core_act(c, k->kind == IKE_ACT_SEND ? CORE_ACT_IKE_SEND : CORE_ACT_KEEPALIVE, 0);

	if (!a)
		return;
	a->local = k->local;
	a->remote = k->remote;
	a->whole = k->whole;
	if (k->kind == IKE_ACT_SEND)
		outq_copy(&c->out, k->packet, &a->packet);
}

static void
ike_job(struct core *c, const struct ike_act *k)
{
	struct core_act *a = core_act(c, k->kind == IKE_ACT_JOB ? CORE_ACT_JOB : CORE_ACT_REVOCATION, 0);
	struct ike_event e = { .kind = IKE_EV_JOB, .job = k->job };

	if (a)
		a->job = k->job;
	else
		core_tell_ike(c, &e);	/* comes back as it is: not run */
}

static void
ike_query_use(struct core *c, const struct ike_act *k)
{
	struct core_child *ch = core_child(c, k->spi_in);
	struct dp_sa_stats st = { 0 };
	struct ike_event e = { .kind = IKE_EV_USE, .spi_in = k->spi_in, .sa = k->sa };

	if (ch && c->env.sa_stats && c->env.sa_stats(c->mem->ctx, k->spi_in, &st)) {
		e.ok = st.rx_packets != ch->rx_seen;
		e.at = st.last_rx;
		e.sent = st.tx_packets != ch->tx_seen;
		ch->rx_seen = st.rx_packets;
		ch->tx_seen = st.tx_packets;
	}
	core_tell_ike(c, &e);
}

static void
ike_act(struct core *c, const struct ike_act *k)
{
	switch (k->kind) {
	case IKE_ACT_SEND:
	case IKE_ACT_KEEPALIVE:
		ike_send(c, k);
		break;
	case IKE_ACT_JOB:
	case IKE_ACT_REVOCATION:
		ike_job(c, k);
		break;
	case IKE_ACT_IKE_UP:
		core_ike_up(c, k);
		break;
	case IKE_ACT_IKE_MOVED:
		core_ike_moved(c, k);
		break;
	case IKE_ACT_IKE_DOWN:
		core_ike_down(c, k);
		break;
	case IKE_ACT_IKE_REKEYED:
		core_ike_rekeyed(c, k);
		break;
	case IKE_ACT_DIAL_FAIL:
		core_dial_fail(c, k);
		break;
	case IKE_ACT_CHILD_ADD:
		core_child_add(c, k);
		break;
	case IKE_ACT_CHILD_ACTIVATE:
		core_child_activate(c, k->spi_in);
		break;
	case IKE_ACT_CHILD_MOVE:
		core_child_move(c, k);
		break;
	case IKE_ACT_CHILD_DEL:
		core_child_del(c, k->spi_in);
		break;
	case IKE_ACT_QUERY_USE:
		ike_query_use(c, k);
		break;
	case IKE_ACT_PROBE_RESULT:
		core_path_result(c, k);
		break;
	}
}

static void
pump_ike(struct core *c)
{
	const struct ike_act *k;

	while ((k = outq_at(&c->ike_out, c->ike_at))) {
		c->ike_at++;
		ike_act(c, k);
	}
}

static bool
dry(const struct core *c)
{
	if (c->ike_at < c->ike_out.n)
		return false;
	for (unsigned i = 0; i < c->n_tunnel; i++) {
		if (c->tunnel[i].at < c->tunnel[i].out.n)
			return false;
	}
	return true;
}

void
core_pump(struct core *c)
{
	while (!dry(c)) {
		for (unsigned i = 0; i < c->n_tunnel; i++)
			core_pump_nhrp(c, &c->tunnel[i]);
		pump_ike(c);
	}
	for (unsigned i = 0; i < c->n_tunnel; i++) {
		outq_reset(&c->tunnel[i].out);
		c->tunnel[i].at = 0;
	}
	ike_out_reset(&c->ike_out);
	c->ike_at = 0;
}
