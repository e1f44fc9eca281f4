/* nhrpd/core/core.c: creation, what comes in from outside, time. See core.h for the face.
 *
 * How a peer comes to be. NHRP says WANT (want.c): the core has IKE dial. IKE says IKE_UP with an authenticated identity
 * (peer.c): the core finds or makes the peer of that identity. IKE says CHILD_ADD: the core hands the SA pair to the data
 * plane; when that succeeded NHRP hears PEER_UP, and WANT_UP for each want that led here. Incoming SAs take the same way
 * without a want. Going down, NHRP hears PEER_DOWN and withdraws route and neighbour before the SA is deleted.
 *
 * A peer outlives any one of its SAs: rekeying, a duplicate of two simultaneous dials, and a fresh SA after the peer's
 * restart all attach to the same identity. The data plane tells peers apart by SA, so two peers behind one public address
 * are simply two peers. */
#include <stdio.h>

#include "nhrpd/core/core_priv.h"

bool
core_tunnel_init(struct core *c, struct core_tunnel *t, const struct core_tunnel_conf *conf)
{
	struct env env = *c->mem;

	t->conf = conf;
	t->dp = conf->dp;
	t->reason = "interface not created yet";
	if (!outq_init(&t->out, c->mem, sizeof(struct nhrp_act), NHRP_OUT_ITEMS * CORE_ENGINE_DEPTH, NHRP_OUT_OCTETS * CORE_ENGINE_DEPTH))
		return false;
	if (conf->plain)
		return (t->plain = core_plain_new(c, conf->plain)) != NULL;
	core_timeline_tunnel(c, conf, &env);
	t->nhrp = nhrp_new(&conf->nhrp, &env);
	return t->nhrp != NULL;
}

void
core_tunnel_fini(struct core *c, struct core_tunnel *t)
{
	nhrp_free(t->nhrp);
	env_free(c->mem, t->plain);
	outq_fini(&t->out, c->mem);
	*t = (struct core_tunnel){ .nhrp = NULL };
}

static bool
init_engines(struct core *c)
{
	c->tunnel = c->conf->n_tunnel <= CORE_TUNNELS_MAX ? env_alloc(c->mem, sizeof(*c->tunnel) * CORE_TUNNELS_MAX) : NULL;
	if (!c->tunnel)
		return false;
	for (; c->n_tunnel < c->conf->n_tunnel; c->n_tunnel++) {
		if (!core_tunnel_init(c, &c->tunnel[c->n_tunnel], &c->conf->tunnel[c->n_tunnel])) {
			c->n_tunnel++;	/* core_free() takes the half-made one too */
			return false;
		}
	}
	c->ike = ike_new(&c->conf->ike, &c->env.ike);
	return c->ike && outq_init(&c->ike_out, c->mem, sizeof(struct ike_act), IKE_OUT_ITEMS * CORE_ENGINE_DEPTH, IKE_OUT_OCTETS * 2) &&
	    outq_init(&c->out, c->mem, sizeof(struct core_act), CORE_OUT_ITEMS, CORE_OUT_OCTETS);
}

struct core *
core_new(const struct core_conf *conf, const struct core_env *env)
{
	struct core *c = env_alloc(&env->ike.env, sizeof(*c));

	if (!c)
		return NULL;
	c->conf = conf;
	c->env = *env;
	c->mem = &c->env.ike.env;
	c->log = c->mem->log;
	c->peers_max = conf->peers_max ? conf->peers_max : CORE_PEERS_DEFAULT;
	c->peer_free = 1;
	c->retry_at = TICK_NEVER;
	core_timeline_init(c);
	map_init(&c->identities, c->mem);
	map_init(&c->spis, c->mem);
	map_init(&c->sas, c->mem);
	map_init(&c->dials, c->mem);
	map_init(&c->dial_addrs, c->mem);
	map_init(&c->wants, c->mem);
	if (!init_engines(c)) {
		core_free(c);
		return NULL;
	}
	return c;
}

void
core_free(struct core *c)
{
	struct env env;

	if (!c)
		return;
	env = *c->mem;
	for (size_t i = c->at; i < c->out.n; i++) {
		struct core_act *a = outq_at(&c->out, i);

		if (a->kind == CORE_ACT_JOB || a->kind == CORE_ACT_REVOCATION)
			ike_job_discard(a->job);
	}
	core_wants_fini(c);
	core_peers_fini(c);
	for (unsigned i = 0; i < c->n_tunnel; i++)
		core_tunnel_fini(c, &c->tunnel[i]);
	env_free(c->mem, c->tunnel);
	ike_free(c->ike);
	if (c->ike_out.cap)
		ike_out_reset(&c->ike_out);
	outq_fini(&c->ike_out, c->mem);
	if (c->out.used)
		explicit_bzero(c->out.arena, c->out.used);	/* SA keys may stand there */
	outq_fini(&c->out, c->mem);
	core_timeline_fini(c);
	map_fini(&c->identities);
	map_fini(&c->spis);
	map_fini(&c->sas);
	map_fini(&c->dials);
	map_fini(&c->dial_addrs);
	map_fini(&c->wants);
	env_free(&env, c);
}

const struct core_act *
core_next(struct core *c, tick_t now)
{
	c->now = now;
	core_pump(c);
	if (c->at < c->out.n)
		return outq_at(&c->out, c->at++);
	if (c->out.used)
		explicit_bzero(c->out.arena, c->out.used);
	outq_reset(&c->out);
	c->at = 0;
	return NULL;
}

size_t
core_pending(const struct core *c)
{
	return c->out.n - c->at;
}

void
core_rx_ike(struct core *c, tick_t now, const struct ike_rx *rx)
{
	c->now = now;
	ike_rx(c->ike, now, rx, &c->ike_out);
	core_pump(c);
}

/* ---- events of the data plane */

static void
dp_nhrp(struct core *c, const struct dp_event *ev)
{
	struct core_tunnel *t = core_tunnel(c, ev->tunnel);
	struct nhrp_rx rx = { .peer = ev->peer, .remote = ev->remote, .packet = ev->packet };

	if (t && t->nhrp && !t->leaving && t->dp.bare && !ev->peer)
		rx.peer = core_bare_heard(c, t, ev);
	if (t && t->nhrp && !t->leaving && core_peer(c, rx.peer))
		nhrp_rx(t->nhrp, c->now, &rx, &t->out);
}

static void
dp_traffic(struct core *c, const struct dp_event *ev)
{
	struct core_tunnel *t = core_tunnel(c, ev->tunnel);
	struct nhrp_event e = { .kind = ev->kind == DP_EV_REDIRECT ? NHRP_EV_REDIRECT : NHRP_EV_UNRESOLVED, .peer = ev->peer,
		.out_peer = ev->out_peer, .dst = ev->dst, .src = ev->src, .packet = ev->packet };
	char src[ADDR_STRLEN], dst[ADDR_STRLEN];


	log_debug(c->log, LOG_DBG_DATA, ev->kind == DP_EV_REDIRECT ? "data-redirect" : "data-unresolved", "tunnel %u: %s -> %s, from peer %u to peer %u",
	    (unsigned)ev->tunnel, addr_fmt(&ev->src, src), addr_fmt(&ev->dst, dst), (unsigned)ev->peer, (unsigned)ev->out_peer);
	if (t && !t->leaving)
		core_tell_nhrp(c, t, &e);
}

static void
dp_ike(struct core *c, const struct dp_event *ev)
{
	struct ike_rx rx = { .local = ev->local, .remote = ev->remote, .natt = ev->natt, .packet = ev->packet };

	ike_rx(c->ike, c->now, &rx, &c->ike_out);
}

static void
dp_sa(struct core *c, const struct dp_event *ev)
{
	static const enum ike_event_kind to[] = { [DP_EV_SA_USED] = IKE_EV_SA_USED, [DP_EV_SA_SOFT] = IKE_EV_SA_SOFT,
		[DP_EV_SA_HARD] = IKE_EV_SA_HARD, [DP_EV_SA_MOVED] = IKE_EV_SA_MOVED, [DP_EV_SA_UNKNOWN] = IKE_EV_SA_UNKNOWN };
	struct ike_event e = { .kind = to[ev->kind], .spi_in = ev->spi_in, .local = ev->local, .remote = ev->remote };

	ike_event(c->ike, c->now, &e, &c->ike_out);
}

static void
dp_link(struct core *c, const struct dp_event *ev)
{
	struct core_tunnel *t = core_tunnel(c, ev->tunnel);
	struct nhrp_event e = { .kind = NHRP_EV_LINK, .ok = ev->link_up && !ev->link_gone };

	if (!t || t->leaving || (t->link_up == e.ok && !ev->link_gone))
		return;
	t->link_up = e.ok;
	t->link_since = c->now;
	t->reason = ev->link_gone ? "interface was deleted" : e.ok ? "" : "interface is down";
	log_at(c->log, LOG_LV_NOTICE, e.ok ? "interface-up" : "interface-down", "%s%s%s", t->dp.name, e.ok ? "" : ": ", t->reason);
	core_tell_nhrp(c, t, &e);
	if (ev->link_gone) {	/* made again at once; neighbours come back with NHRP's next steps */
		struct core_act *a = core_act(c, CORE_ACT_TUNNEL_SET, ev->tunnel);

		t->set = false;
		if (a)
			a->dp_tunnel = &t->dp;
		else
			core_tunnel_later(c, t);
	}
}

void
core_dp_event(struct core *c, tick_t now, const struct dp_event *ev)
{
	c->now = now;
	switch (ev->kind) {
	case DP_EV_NHRP:
		dp_nhrp(c, ev);
		break;
	case DP_EV_UNRESOLVED:
	case DP_EV_REDIRECT:
		dp_traffic(c, ev);
		break;
	case DP_EV_IKE:
		dp_ike(c, ev);
		break;
	case DP_EV_SA_USED:
	case DP_EV_SA_SOFT:
	case DP_EV_SA_HARD:
	case DP_EV_SA_MOVED:
	case DP_EV_SA_UNKNOWN:
		dp_sa(c, ev);
		break;
	case DP_EV_LINK:
		dp_link(c, ev);
		break;
	case DP_EV_PATH:
		core_path_ask(c, ev);
		break;
	case DP_EV_PEER_USED:
		if (core_peer(c, ev->peer))
			core_trace_used(c, core_peer(c, ev->peer), ev->sent);
		break;
	}
	core_pump(c);
}

/* ---- routes */

void
core_ifindex(struct core *c, uint32_t tunnel, uint32_t ifindex)
{
	struct core_tunnel *t = core_tunnel(c, tunnel);

	if (t)
		t->ifindex = ifindex;
}

static enum nhrp_route_kind
route_kind(const struct core_tunnel *t, const struct rib_route *r)
{
	switch (r->kind) {
	case RIB_LOCAL:
		return NHRP_RT_LOCAL;
	case RIB_REJECT:
		return NHRP_RT_REJECT;
	case RIB_UNICAST:
		break;
	}
	return t->ifindex && r->ifindex == t->ifindex ? NHRP_RT_NBMA : NHRP_RT_OUT;
}

void
core_rib_event(struct core *c, tick_t now, const struct rib_event *ev)
{
	const struct core_act asked = { .kind = CORE_ACT_ROUTE_SET, .tunnel = ev->route.tunnel, .cookie = ev->route.cookie, .attempt = ev->route.attempt,
		.route = ev->route };
	char text[PREFIX_STRLEN];
	static const enum nhrp_event_kind to[] = { [RIB_EV_ROUTE] = NHRP_EV_ROUTE, [RIB_EV_GONE] = NHRP_EV_ROUTE_GONE,
		[RIB_EV_READY] = NHRP_EV_ROUTES_READY };

	c->now = now;
	if (ev->kind == RIB_EV_FAILED) {
		log_limited(c->log, &c->limit, now, LOG_LV_WARN, "route-refused", "our route to %s is not in force any more: %s", prefix_fmt(&ev->route.dst, text),
		    ev->reason ? ev->reason : "");
		return;
	}
	if (ev->kind == RIB_EV_RESULT) {
		core_result(c, now, &asked, ev->error == 0, ev->reason);
		return;
	}
	for (unsigned i = 0; i < c->n_tunnel; i++) {
		struct core_tunnel *t = &c->tunnel[i];
		struct nhrp_event e = { .kind = to[ev->kind], .prefix = ev->route.dst, .via = ev->route.via, .route = route_kind(t, &ev->route) };

		if (!core_used(t) || strcmp(t->dp.vrf, ev->vrf ? ev->vrf : "") != 0)
			continue;
		core_tell_nhrp(c, t, &e);
	}
	core_pump(c);
}

/* ---- results, names, addresses */

/* A tunnel that was set is up; the data plane tells of changes after that. */
static void
tunnel_result(struct core *c, struct core_tunnel *t, bool ok, const char *reason)
{
	struct dp_event up = { .kind = DP_EV_LINK, .tunnel = (uint32_t)(t - c->tunnel) + 1, .link_up = true };

	t->set = ok;
	t->again = false;
	if (ok) {
		t->refusals = 0;
		dp_link(c, &up);
		return;
	}
	snprintf(t->reason_buf, sizeof(t->reason_buf), "%s", reason);
	t->reason = t->reason_buf;
	core_tunnel_later(c, t);
	t->refusals++;
	log_at(c->log, LOG_LV_ERROR, "interface-failed", "%s: %s; next try in %u s", t->dp.name, reason, tick_left_s(c->now, t->again_at));
}

void
core_result(struct core *c, tick_t now, const struct core_act *act, bool ok, const char *reason)
{
	struct core_tunnel *t = core_tunnel(c, act->tunnel);
	struct nhrp_event e = { .kind = NHRP_EV_RESULT, .cookie = act->cookie, .ok = ok, .reason = reason };

	c->now = now;
	if (!t)
		return;
	core_trace_reply(c, act, ok, reason);
	switch (act->kind) {
	case CORE_ACT_TUNNEL_SET:
		tunnel_result(c, t, ok, reason);
		break;
	case CORE_ACT_SA_ADD:
		core_child_result(c, act->spi_in, ok, reason);
		break;
	case CORE_ACT_NEIGH_SET:
	case CORE_ACT_ROUTE_SET:
		if (!ok)
			log_limited(c->log, &c->limit, now, LOG_LV_WARN, "install-refused", "%s: %s refused: %s", t->dp.name,
			    act->kind == CORE_ACT_NEIGH_SET ? "neighbour" : "route", reason);
		core_tell_nhrp(c, t, &e);
		break;
	case CORE_ACT_SHAPE:
		if (!ok)
			log_limited(c->log, &c->limit, now, LOG_LV_WARN, "shaper-refused", "%s: peer %u is not held to %llu bit/s: %s", t->dp.name,
			    (unsigned)act->peer, (unsigned long long)act->rate, reason);
		e.kind = NHRP_EV_SHAPED;
		e.peer = act->peer;
		core_tell_nhrp(c, t, &e);
		break;
	case CORE_ACT_TUNNEL_DEL:
	case CORE_ACT_NEIGH_DEL:
	case CORE_ACT_SA_ACTIVATE:
	case CORE_ACT_SA_MOVE:
	case CORE_ACT_SA_DEL:
	case CORE_ACT_NHRP_SEND:
	case CORE_ACT_ROUTE_DEL:
	case CORE_ACT_IKE_SEND:
	case CORE_ACT_KEEPALIVE:
	case CORE_ACT_JOB:
	case CORE_ACT_REVOCATION:
	case CORE_ACT_PATH_RESULT:
	case CORE_ACT_OPER_SET:
	case CORE_ACT_TRACK:
	case CORE_ACT_LOOKUP:
		break;
	}
	core_pump(c);
}

void
core_job_done(struct core *c, tick_t now, struct ike_job *job)
{
	struct ike_event e = { .kind = IKE_EV_JOB, .job = job };

	c->now = now;
	core_tell_ike(c, &e);
	core_pump(c);
}

void
core_names(struct core *c, tick_t now, uint32_t tunnel, uint32_t nhs, const struct addr *addrs, unsigned n, const char *reason)
{
	struct core_tunnel *t = core_tunnel(c, tunnel);
	struct nhrp_event e = { .kind = NHRP_EV_NHS_ADDRS, .nhs = nhs, .addrs = addrs, .n_addrs = n, .reason = reason };

	c->now = now;
	if (!t)
		return;
	core_tell_nhrp(c, t, &e);
	core_pump(c);
}

void
core_peer_doubted(struct core *c, tick_t now, uint32_t tunnel, uint32_t peer, const struct addr *proto, tick_t within, const char *reason)
{
	struct core_tunnel *t = core_tunnel(c, tunnel);
	struct core_peer *p = core_peer(c, peer);
	struct nhrp_event e = { .kind = NHRP_EV_DOUBT, .peer = peer, .dst = *proto, .within = within, .reason = reason };

	c->now = now;
	if (!t || !p || p->tunnel != tunnel || !p->up)
		return;
	core_tell_nhrp(c, t, &e);
	core_pump(c);
}

void
core_source(struct core *c, tick_t now, uint32_t tunnel, const struct addr *source)
{
	struct core_tunnel *t = core_tunnel(c, tunnel);
	struct nhrp_event e = { .kind = NHRP_EV_NBMA, .nbma = *source };
	struct core_act *a;
	struct addr old;

	c->now = now;
	if (!t || t->leaving || (addr_eq(&t->dp.source, source) && t->set))
		return;
	old = t->dp.source.n ? t->dp.source : t->had_source;
	t->had_source = old;
	t->dp.source = *source;
	if ((a = core_act(c, CORE_ACT_TUNNEL_SET, tunnel)))
		a->dp_tunnel = &t->dp;
	if (old.n && !t->dp.bare) {
		struct ike_event ie = { .kind = IKE_EV_LOCAL_ADDR, .local.addr = old, .remote.addr = *source };

		core_tell_ike(c, &ie);
	}
	core_tell_nhrp(c, t, &e);
	if (t->dp.bare)
		core_bare_source(c, t);
	core_dials_issue(c, t, t->plain != NULL);
	core_pump(c);
}

/* ---- time, end */

void
core_tick(struct core *c, tick_t now)
{
	c->now = now;
	for (unsigned i = 0; i < c->n_tunnel; i++) {
		struct core_tunnel *t = &c->tunnel[i];

		if (t->nhrp && !t->leaving)
			nhrp_tick(t->nhrp, now, &t->out);
		else if (t->plain && !t->leaving)
			core_plain_tick(c, t);
	}
	core_reconf_tick(c);
	ike_tick(c->ike, now, &c->ike_out);
	core_wants_retry(c);
	core_idle_tick(c);
	core_pump(c);
}

tick_t
core_deadline(const struct core *c)
{
	tick_t at = tick_min(tick_min(ike_deadline(c->ike), c->retry_at), timers_next(&c->timers));

	for (unsigned i = 0; i < c->n_tunnel; i++) {
		const struct core_tunnel *t = &c->tunnel[i];

		if (core_used(t) && !t->leaving)
			at = tick_min(at, t->plain ? core_plain_deadline(t) : nhrp_deadline(t->nhrp));
	}
	return core_reconf_due(c) ? c->now : at;
}

void
core_shutdown(struct core *c, tick_t now)
{
	struct nhrp_event e = { .kind = NHRP_EV_SHUTDOWN };
	struct ike_event ie = { .kind = IKE_EV_SHUTDOWN };

	c->now = now;
	for (unsigned i = 0; i < c->n_tunnel; i++) {
		if (core_used(&c->tunnel[i]))
			core_tell_nhrp(c, &c->tunnel[i], &e);
	}
	core_pump(c);
	core_tell_ike(c, &ie);
	core_pump(c);
}

/* ---- operator */

static bool
peer_is(const struct core *c, const struct core_peer *p, const struct addr *which)
{
	struct nhrp_cache_info proto[8];
	unsigned n;

	if (which->n == 0 || addr_eq(&p->remote.addr, which))
		return true;
	n = c->tunnel[p->tunnel - 1].nhrp ? nhrp_peer_protos(c->tunnel[p->tunnel - 1].nhrp, p->id, proto, 8) : 0;
	for (unsigned i = 0; i < n && i < 8; i++) {
		if (addr_eq(&proto[i].prefix.addr, which) || addr_eq(&proto[i].nbma_claimed, which))
			return true;
	}
	return false;
}

enum order { CLEAR, REKEY_IKE, REKEY_ESP };

static unsigned
each_that_is(struct core *c, tick_t now, uint32_t tunnel, const struct addr *which, enum order order)
{
	unsigned n = 0;

	c->now = now;
	for (uint32_t id = 1; id < c->peer_cap; id++) {
		struct core_peer *p = c->peer[id];

		if (!p || (tunnel && p->tunnel != tunnel) || !peer_is(c, p, which))
			continue;
		if (order == CLEAR)
			core_peer_close(c, p, "cleared by the operator");
		else
			core_peer_rekey(c, p, order == REKEY_IKE);
		core_pump(c);
		n++;
	}
	return n;
}

unsigned
core_clear_peer(struct core *c, tick_t now, uint32_t tunnel, const struct addr *which)
{
	return each_that_is(c, now, tunnel, which, CLEAR);
}

unsigned
core_rekey_peer(struct core *c, tick_t now, uint32_t tunnel, const struct addr *which, bool ike)
{
	return each_that_is(c, now, tunnel, which, ike ? REKEY_IKE : REKEY_ESP);
}

void
core_clear_nhrp(struct core *c, tick_t now, uint32_t tunnel, const struct addr *proto, uint8_t family, bool shortcuts_only)
{
	struct nhrp_event e = { .kind = NHRP_EV_CLEAR, .dst = *proto, .family = family, .ok = shortcuts_only };

	c->now = now;
	for (unsigned i = 0; i < c->n_tunnel; i++) {
		if (core_used(&c->tunnel[i]) && (tunnel == 0 || tunnel == i + 1))
			core_tell_nhrp(c, &c->tunnel[i], &e);
	}
	core_pump(c);
}

void
core_probe(struct core *c, tick_t now, uint32_t tunnel, const struct addr *proto, uint32_t cookie)
{
	struct nhrp_event e = { .kind = NHRP_EV_PROBE, .dst = *proto, .cookie = cookie };
	struct core_tunnel *t = core_tunnel(c, tunnel);

	c->now = now;
	if (!t)
		return;
	core_tell_nhrp(c, t, &e);
	core_pump(c);
}

struct nhrp *
core_nhrp(const struct core *c, uint32_t tunnel)
{
	return tunnel >= 1 && tunnel <= c->n_tunnel ? c->tunnel[tunnel - 1].nhrp : NULL;
}

struct addr
core_source_addr(const struct core *c, uint32_t tunnel)
{
	static const struct addr none;

	return tunnel >= 1 && tunnel <= c->n_tunnel && core_used(&c->tunnel[tunnel - 1]) ? c->tunnel[tunnel - 1].dp.source : none;
}

struct ike *
core_ike(const struct core *c)
{
	return c->ike;
}
