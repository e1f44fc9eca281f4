/* nhrpd/engine/nhrp.c: the NHRP engine of one tunnel: life, dispatch of packets, events and timers, numbers handed out.
 *
 * What it owns: peers with a live SA (peer.c), the cache (cache.c), registrations as client (nhc.c) and server (nhs.c),
 * resolutions and their answers (resolve.c), shortcuts (shortcut.c), transit (forward.c), redirects (redirect.c), purges
 * and the list of those who were told a binding (purge.c), a copy of the routes that matter (route.c).
 *
 * What it relies on: that packets of a peer came over that peer's SA and nobody else's; that every action with a cookie
 * is answered; that one call is given NHRP_OUT_ITEMS of room. Where one event concerns many objects (a route under
 * many shortcuts, a shutdown), the objects' timers are armed for "now" and nhrp_tick() goes on as far as the room goes.
 *
 * RFC 2332 sections: 5.2.1-5.2.7 (packets), 5.3 (extensions, hop by hop authentication in Cisco's form), 6.1-6.4 (cache, prefix
 * lengths, domino effect). Cisco: NAT address extension, Traffic Indication (type 8). Left out: NBMA subaddresses, the RFC's
 * HMAC authentication, quality of service and vendor extensions (kept and echoed), answering from cached non-authoritative
 * entries (every request is asked of the egress), registration prefixes shorter than a host. */
#include <stdio.h>

#include "nhrpd/engine/nhrp_priv.h"

/* ---- own addresses */

static bool
link_local(const struct addr *a)
{
	return a->n == 16 && a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

const struct prefix *
own_prefix(const struct nhrp *n, uint8_t family)
{
	const struct prefix *found = NULL;

	for (unsigned i = 0; i < n->conf.n_own; i++) {
		const struct prefix *p = &n->conf.own[i];

		if (p->addr.n == family && (!found || (link_local(&found->addr) && !link_local(&p->addr))))
			found = p;
	}
	return found;
}

bool
own_has(const struct nhrp *n, const struct addr *proto)
{
	for (unsigned i = 0; i < n->conf.n_own; i++) {
		if (addr_eq(&n->conf.own[i].addr, proto))
			return true;
	}
	return false;
}

bool
own_subnet(const struct nhrp *n, const struct addr *proto)
{
	for (unsigned i = 0; i < n->conf.n_own; i++) {
		const struct prefix *own = &n->conf.own[i];
		struct prefix net = prefix_of(&own->addr, own->bits);

		if (own->bits < addr_bits(&own->addr) && prefix_has(&net, proto))
			return true;
	}
	return false;
}

/* A tunnel with host addresses only (/32, /128) says nothing about its clients. */
bool
own_subnet_sane(const struct nhrp *n, const struct addr *proto)
{
	bool says = false;

	if (!addr_is_unicast(proto) || own_has(n, proto))
		return false;
	if (link_local(proto) || own_subnet(n, proto))
		return true;
	for (unsigned i = 0; i < n->conf.n_own; i++) {
		const struct prefix *own = &n->conf.own[i];

		says |= own->addr.n == proto->n && own->bits < addr_bits(&own->addr) && !link_local(&own->addr);
	}
	return !says;
}

bool
we_are_natted(const struct nhrp *n)
{
	return n->natted || (n->public_nbma.n && !addr_eq(&n->public_nbma, &n->nbma));
}

/* ---- small services */

struct nhrp_act *
act(struct nhrp *n, enum nhrp_act_kind kind)
{
	struct nhrp_act *a = outq_add(n->out);

	if (a) {
		a->kind = kind;
		a->attempt = n->attempt;
	}
	return a;
}

bool
room(const struct nhrp *n)
{
	return outq_room(n->out, ROOM_ITEMS, ROOM_OCTETS);
}

void
arm(struct nhrp *n, struct timer *t, tick_t at)
{
	timer_arm(&n->timers, t, at);
}

tick_t
jitter(struct nhrp *n, tick_t base)
{
	return env_jitter(&n->env, base, 10);
}

enum nhrp_drop
drop(struct nhrp *n, enum nhrp_drop d)
{
	n->by_drop[d]++;
	return d;
}

static bool
handle_eq(const struct map_node *node, const void *key)
{
	return container_of(node, struct handle, node)->id == *(const uint32_t *)key;
}

struct handle *
handle_find(const struct nhrp *n, uint32_t id)
{
	struct map_node *m = id ? map_find(&n->handles, map_hash(&n->handles, &id, sizeof(id)), handle_eq, &id) : NULL;

	return m ? container_of(m, struct handle, node) : NULL;
}

void
handle_close(struct nhrp *n, struct handle *h)
{
	if (h->id)
		map_del(&n->handles, &h->node);
	h->id = 0;
}

void
handle_open(struct nhrp *n, struct handle *h, enum handle_kind kind)
{
	handle_close(n, h);
	do
		n->next_id++;
	while (n->next_id == 0 || handle_find(n, n->next_id));
	h->id = n->next_id;
	h->kind = (uint8_t)kind;
	map_add(&n->handles, &h->node, map_hash(&n->handles, &h->id, sizeof(h->id)));
}

/* ---- life */

void
conf_defaults(struct nhrp_conf *c)
{
	c->hold_s = c->hold_s ? c->hold_s : HOLD_DEFAULT;
	c->mtu = c->mtu ? c->mtu : MTU_DEFAULT;
	c->cache_max = c->cache_max ? c->cache_max : CACHE_MAX_DEFAULT;
	c->redirect_rate = c->redirect_rate ? c->redirect_rate : REDIRECT_RATE_DEFAULT;
	if (!c->max_receive.packets || !c->max_receive.every_s)
		c->max_receive = (struct nhrp_conf_rate){ RECEIVE_PACKETS_DEFAULT, RECEIVE_EVERY_DEFAULT_S };
	if (!c->max_send.every_s)
		c->max_send.packets = 0;
	c->redirect_pair_burst = c->redirect_pair_burst ? c->redirect_pair_burst : REDIRECT_BURST_DEFAULT;
	if (c->auth_len > NHRP_AUTH_MAX)
		c->auth_len = NHRP_AUTH_MAX;
	if (c->n_nhs > NHRP_NHS_MAX)
		c->n_nhs = NHRP_NHS_MAX;
	if (c->n_map > NHRP_MAPS_MAX)
		c->n_map = NHRP_MAPS_MAX;
	if (c->n_own > NHRP_OWN_ADDRS)
		c->n_own = NHRP_OWN_ADDRS;
}

struct nhrp *
nhrp_new(const struct nhrp_conf *conf, const struct env *env)
{
	struct nhrp *n = env_alloc(env, sizeof(*n));

	if (!n)
		return NULL;
	n->conf = *conf;
	n->env = *env;
	n->log = env->log;
	conf_defaults(&n->conf);
	map_init(&n->handles, &n->env);
	map_init(&n->peers, &n->env);
	map_init(&n->cache, &n->env);
	map_init(&n->pairs, &n->env);
	map_init(&n->holders, &n->env);
	list_init(&n->changed);
	list_init(&n->gone);
	list_init(&n->pairs_age);
	trie_init(&n->routes, &n->env);
	trie_init(&n->locals, &n->env);
	trie_init(&n->shortcuts, &n->env);
	trie_init(&n->answered, &n->env);
	n->next_id = env_random32(env);	/* request ids of an earlier life are not met again */
	n->link_up = true;
	n->level_timer.kind = T_LEVEL;
	n->late_timer.kind = T_ROUTES;
	n->group_timer.kind = T_GROUPS;
	nhc_init(n);
	arm(n, &n->level_timer, 0);
	return n;
}

void
nhrp_free(struct nhrp *n)
{
	struct env env;
	volatile uint8_t *secret;

	if (!n)
		return;
	shortcuts_fini(n);	/* timers and handles are not taken out one by one: nobody looks at them any more */
	cache_fini(n);
	keep_fini(n);
	peers_fini(n);
	told_fini(n);
	redirect_fini(n);
	routes_fini(n);
	map_fini(&n->handles);
	secret = n->conf.auth;
	for (size_t i = 0; i < sizeof(n->conf.auth); i++)
		secret[i] = 0;
	env = n->env;
	env_free(&env, n);
}

/* ---- packets */

static enum nhrp_drop
in_registration_request(struct nhrp *n, const struct rx *rx)
{
	const struct addr *dst = &rx->p->dst_proto;

	/* own address as destination: "whoever serves here"; OpenNHRP says it with the broadcast address */
	if (addr_eq(dst, &rx->p->src_proto) || own_has(n, dst) || !addr_is_unicast(dst))
		return nhs_request(n, rx);
	return next_hop(n, dst, rx->peer) ? forward_to_dst(n, rx) : NHRP_DROP_NOT_NHS;
}

/* A reply goes back to the one who asked: the source it still carries. */
static enum nhrp_drop
in_reply(struct nhrp *n, const struct rx *rx)
{
	if (!own_has(n, &rx->p->src_proto))
		return forward_to_src(n, rx);
	switch (rx->p->type) {
	case NHRP_RESOLUTION_REPLY:
		return resolve_reply(n, rx);
	case NHRP_REGISTRATION_REPLY:
		return nhc_reply(n, rx);
	default:	/* types are octets of a peer, not our enum */
		return purge_reply(n, rx);
	}
}

static enum nhrp_drop (*const in_type[NHRP_TYPES])(struct nhrp *, const struct rx *) = {
	[NHRP_RESOLUTION_REQUEST] = resolve_request,
	[NHRP_RESOLUTION_REPLY] = in_reply,
	[NHRP_REGISTRATION_REQUEST] = in_registration_request,
	[NHRP_REGISTRATION_REPLY] = in_reply,
	[NHRP_PURGE_REQUEST] = purge_request,
	[NHRP_PURGE_REPLY] = in_reply,
	[NHRP_ERROR_INDICATION] = error_rx,
	[NHRP_TRAFFIC_INDICATION] = redirect_rx,
};

static bool
is_request(uint8_t type)
{
	return type == NHRP_RESOLUTION_REQUEST || type == NHRP_REGISTRATION_REQUEST || type == NHRP_PURGE_REQUEST;
}

static bool
held_by_other(const struct binding *b, const struct peer *p)
{
	return b->peer ? !peer_same_identity(b->peer, p) : b->restored && !keep_is_for(b, p, NULL);
}

/* A request that came straight from its source tells whose SA this is. It binds only where somebody trusted said before
 * where that address lives (an NHS passed its request or its reply on), and the sender sits there: else any peer could take
 * the address of any other. A live registration of the address by another refuses the packet. */
static enum nhrp_drop
learn_direct(struct nhrp *n, const struct rx *rx)
{
	const struct nhrp_packet *p = rx->p;
	struct binding *b;

	if (!is_request(p->type) || !ext_empty(p, NHRP_EXT_FORWARD) || peer_is_nhs(n, rx->peer))
		return NHRP_OK;
	if (own_has(n, &p->src_proto))
		return NHRP_DROP_CLAIM;
	if (p->type != NHRP_REGISTRATION_REQUEST && peer_judge(n, rx->peer, &p->src_proto, NULL))	/* nhs.c answers that one */
		return NHRP_DROP_NOT_ALLOWED;
	b = binding_find(n, &p->src_proto);
	if (!b || b->peer == rx->peer)
		return NHRP_OK;
	if (b->type > NHRP_CT_CACHED)
		return p->type != NHRP_REGISTRATION_REQUEST && held_by_other(b, rx->peer) ? NHRP_DROP_CLAIM : NHRP_OK;
	if (b->peer && b->proven && !peer_same_identity(b->peer, rx->peer))
		return NHRP_OK;	/* unproven it may be somebody else behind the same public address */
	if (binding_matches(b, rx->peer) && peer_may_have(rx->peer, &b->proto))
		binding_attach(n, b, rx->peer);
	return NHRP_OK;
}

/* Traffic Indications travel one hop and errors carry no authentication; all else must prove the network's password. */
static enum nhrp_drop
rx_checked(struct nhrp *n, const struct rx *rx)
{
	enum nhrp_drop d;

	if (!own_prefix(n, rx->p->src_proto.n))
		return NHRP_DROP_FAMILY;
	if (rx->p->type != NHRP_ERROR_INDICATION) {
		d = auth_check(n, rx->p);
		if (d != NHRP_OK) {
			error_send(n, rx, NHRP_ERR_AUTH, 0);
			return d;
		}
		if (!rx->peer->heard) {
			rx->peer->heard = true;
			LIST_EACH(it, nx, &rx->peer->bindings) {
				binding_tell(n, container_of(it, struct binding, by_peer), SC_EV_PROVEN, NULL);
			}
		}
	}
	d = learn_direct(n, rx);
	return d == NHRP_OK ? in_type[rx->p->type](n, rx) : d;
}

static enum nhrp_drop
rx_packet(struct nhrp *n, const struct nhrp_rx *in)
{
	struct nhrp_packet p;
	struct rx rx = { peer_find(n, in->peer), &in->remote.addr, in->packet, &p };
	enum nhrp_drop d;

	if (!rx.peer)
		return NHRP_DROP_NO_PEER;
	if (!rate_take(n, rx.peer, in->packet))
		return NHRP_DROP_LIMITED;
	if (!room(n))
		return NHRP_DROP_ROOM;
	d = nhrp_packet_parse(in->packet, &p);
	if (d != NHRP_OK)
		return d;
	rx.raw.n = get_be16(in->packet.p + 10);	/* what follows the packet is padding */
	n->by_type[NHRP_RX][p.type]++;
	if (log_debugs(n->log, LOG_DBG_NHRP))
		debug_packet(n, "nhrp-in", rx.peer, &p);
	return rx_checked(n, &rx);
}

static void
log_drop(struct nhrp *n, uint32_t id, enum nhrp_drop d)
{
	const struct peer *p = peer_find(n, id);

	if (!p)
		log_limited(n->log, &n->limit, n->now, LOG_LV_INFO, "nhrp-drop", "peer %u: %s", (unsigned)id, nhrp_drop_text(d));
	else if (d != NHRP_DROP_LIMITED)	/* said already */
		log_of(n->log, n->now, peer_name(p), LOG_LV_INFO, "nhrp-drop", "peer %u (%s): %s", (unsigned)id, peer_name(p), nhrp_drop_text(d));
}

enum nhrp_drop
nhrp_rx(struct nhrp *n, tick_t now, const struct nhrp_rx *rx, struct outq *out)
{
	enum nhrp_drop d;

	n->now = now;
	n->out = out;
	d = rx_packet(n, rx);
	if (d != NHRP_OK) {
		drop(n, d);
		NHRP_DEBUG(n, "nhrp-refused", "packet of peer %u: %s", (unsigned)rx->peer, nhrp_drop_text(d));
		log_drop(n, rx->peer, d);
	}
	n->out = NULL;
	return d;
}

bool
nhrp_admits(struct nhrp *n, struct span packet)
{
	struct nhrp_packet p;
	enum nhrp_drop d = nhrp_packet_parse(packet, &p);

	if (d == NHRP_OK)
		d = p.type == NHRP_ERROR_INDICATION || p.type == NHRP_TRAFFIC_INDICATION ? NHRP_DROP_NO_PEER : auth_check(n, &p);
	if (d != NHRP_OK)
		drop(n, d);
	return d == NHRP_OK;
}

/* ---- events */

static void
on_want(struct nhrp *n, const struct nhrp_event *ev)
{
	struct handle *h = handle_find(n, ev->want);

	if (!h)
		return;
	if (h->kind == H_WANT_NHS)
		nhc_want(n, container_of(h, struct nhc, want), ev);
	else if (h->kind == H_WANT_BINDING)
		binding_want(n, container_of(h, struct binding, want), ev);
}

static void
on_result(struct nhrp *n, const struct nhrp_event *ev)
{
	struct handle *h = handle_find(n, ev->cookie);
	struct shortcut *s;
	char why[96];

	if (!h)
		return;
	switch ((enum handle_kind)h->kind) {
	case H_NEIGH:
		binding_neigh_result(n, container_of(h, struct binding, neigh), ev->ok, ev->reason);
		break;
	case H_FALLBACK:
		nhc_fallback_result(n, ev->ok);
		break;
	case H_ROUTE:
		s = container_of(h, struct shortcut, route);
		handle_close(n, h);
		snprintf(why, sizeof(why), "the route was refused%s%s", ev->reason && *ev->reason ? ": " : "", ev->reason ? ev->reason : "");
		shortcut_event(n, s, ev->ok ? SC_EV_ROUTE_OK : SC_EV_ROUTE_FAIL, ev->ok ? NULL : why);
		break;
	case H_USE:
		s = container_of(h, struct shortcut, use);
		handle_close(n, h);
		shortcut_event(n, s, ev->ok ? SC_EV_USED : SC_EV_UNUSED, NULL);
		break;
	case H_REGISTRATION:
	case H_WANT_NHS:
	case H_WANT_BINDING:
	case H_RESOLUTION:
	case H_PROBE:
	case H_PURGE:
	case H_HELLO:
	case H_ASKED:
	case H_DOUBT:
		break;	/* not a cookie of ours */
	}
}

/* The domino rule (RFC 2332 6.4): only traffic that enters the NBMA network here is resolved here. */
static void
on_unresolved(struct nhrp *n, const struct nhrp_event *ev)
{
	char src[ADDR_STRLEN], dst[ADDR_STRLEN];
	bool transit = ev->src.n && !addr_is_zero(&ev->src) && !route_behind(n, &ev->src);

	NHRP_DEBUG(n, "unresolved", "no neighbour for %s (from %s): %s", addr_fmt(&ev->dst, dst), addr_fmt(&ev->src, src),
	    transit ? "it does not enter the network here, so it is not resolved here" : n->conf.shortcut ? "a direct way is looked for" :
	    "shortcuts are off");
	if (transit)
		return;
	if (n->conf.shortcut)
		shortcut_traffic(n, &ev->dst);
}

/* Our address changed: hubs must hear it, and whoever was told the old one must forget it. */
static void
on_nbma(struct nhrp *n, const struct nhrp_event *ev)
{
	bool changed = !addr_eq(&n->nbma, &ev->nbma), first = n->nbma.n == 0;

	n->natted = ev->natted;
	n->nbma = ev->nbma;
	if (!changed)
		return;
	n->public_nbma = (struct addr){ 0 };
	if (first || !ev->nbma.n)
		return;
	told_purge_all(n, false);
	nhc_again(n, NULL);
}

static void
on_link(struct nhrp *n, const struct nhrp_event *ev)
{
	struct map_iter it;

	n->link_up = ev->ok;
	if (!ev->ok) {
		shortcuts_clear(n, NULL, 0, "tunnel interface is down");
		return;
	}
	for (struct map_node *m = map_first(&n->cache, &it); m; m = map_next(&n->cache, &it))
		binding_reinstall(n, container_of(m, struct binding, node));
	nhc_fallback_again(n, NULL);
	nhc_again(n, NULL);
	if_state_anew(n);
}

static void
on_clear(struct nhrp *n, const struct nhrp_event *ev)
{
	const struct addr *dst = ev->dst.n ? &ev->dst : NULL;

	shortcuts_clear(n, dst, ev->family, "cleared by the operator");
	if (ev->ok)
		return;
	cache_clear(n, dst, ev->family);
	if (!dst)
		nhc_again(n, NULL);
}

static void
on_shutdown(struct nhrp *n)
{
	n->stopping = true;
	nhc_shutdown(n);
	told_purge_all(n, true);
}

void
nhrp_event(struct nhrp *n, tick_t now, const struct nhrp_event *ev, struct outq *out)
{
	n->now = now;
	n->out = out;
	switch (ev->kind) {
	case NHRP_EV_PEER_UP:
	case NHRP_EV_PEER_DOWN:
	case NHRP_EV_PEER_MOVED:
	case NHRP_EV_PEER_MAY:
	case NHRP_EV_PEER_AGAIN:
		peer_event(n, ev);
		break;
	case NHRP_EV_WANT_UP:
	case NHRP_EV_WANT_FAIL:
		on_want(n, ev);
		break;
	case NHRP_EV_UNRESOLVED:
		on_unresolved(n, ev);
		break;
	case NHRP_EV_REDIRECT:
		redirect_send(n, ev);
		break;
	case NHRP_EV_ROUTE:
	case NHRP_EV_ROUTE_GONE:
		route_event(n, ev);
		break;
	case NHRP_EV_ROUTES_READY:
		n->routes_ready = true;
		break;
	case NHRP_EV_RESULT:
		on_result(n, ev);
		break;
	case NHRP_EV_SHAPED:
		qos_group_result(n, ev);
		break;
	case NHRP_EV_NHS_ADDRS:
		nhc_addrs(n, ev);
		break;
	case NHRP_EV_NBMA:
		on_nbma(n, ev);
		break;
	case NHRP_EV_LINK:
		on_link(n, ev);
		break;
	case NHRP_EV_CLEAR:
		on_clear(n, ev);
		break;
	case NHRP_EV_DOUBT:
		doubt_start(n, ev);
		break;
	case NHRP_EV_PROBE:
		probe_start(n, ev);
		break;
	case NHRP_EV_SHUTDOWN:
		on_shutdown(n);
		break;
	}
	n->out = NULL;
}

/* ---- time */

static void
due(struct nhrp *n, struct timer *t)
{
	switch ((enum timer_kind)t->kind) {
	case T_NHC:
		nhc_timer(n, container_of(t, struct nhc, timer));
		break;
	case T_LEVEL:
		nhc_level_timer(n);
		break;
	case T_BINDING:
		binding_timer(n, container_of(t, struct binding, timer));
		break;
	case T_SHORTCUT:
		shortcut_timer(n, container_of(t, struct shortcut, timer));
		break;
	case T_TOLD:
		told_timer(n, container_of(t, struct told, timer));
		break;
	case T_ROUTES:
		route_timer(n);
		break;
	case T_GROUPS:
		qos_group_timer(n);
		break;
	case T_PROBE:
		probe_timer(n, container_of(t, struct probe, timer));
		break;
	case T_DOUBT:
		doubt_timer(n, container_of(t, struct peer, doubt.timer));
		break;
	}
}

void
nhrp_tick(struct nhrp *n, tick_t now, struct outq *out)
{
	struct timer *t;

	n->now = now;
	n->out = out;
	while (room(n) && (t = timers_due(&n->timers, now)))
		due(n, t);
	n->out = NULL;
}

tick_t
nhrp_deadline(const struct nhrp *n)
{
	return timers_next(&n->timers);
}
