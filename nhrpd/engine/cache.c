/* nhrpd/engine/cache.c: bindings, one per protocol address: who is behind it, and what stands in the data plane for it.
 *
 * A binding is registered (we are its NHS), an NHS of ours, static, or merely known (cached: from a resolution). The first
 * three have their neighbour installed as long as their peer lives; a cached one only while a proven shortcut routes over
 * it. binding_sync() is the one place that compares what users need with what stands, so order is kept: going down the
 * neighbour goes before the want. RFC 2332 6.2. */
#include <stdio.h>

#include "nhrpd/engine/nhrp_priv.h"

enum { NEIGH_RETRY_S = 1, NEIGH_RETRY_MAX_S = 60, HELD_RECHECK_S = 60, DIAL_AFTER_S = 3, HELLO_TRIES = 4, DIAL_QUIET_S = 100, HELLO_MS = 300 };

static bool
binding_eq(const struct map_node *node, const void *key)
{
	return addr_eq(&container_of(node, struct binding, node)->proto, key);
}

static uint64_t
proto_hash(const struct nhrp *n, const struct addr *proto)
{
	return map_hash(&n->cache, proto->b, proto->n);
}

struct binding *
binding_find(const struct nhrp *n, const struct addr *proto)
{
	struct map_node *m = proto->n ? map_find(&n->cache, proto_hash(n, proto), binding_eq, proto) : NULL;

	return m ? container_of(m, struct binding, node) : NULL;
}

struct binding *
binding_get(struct nhrp *n, const struct addr *proto)
{
	struct binding *b = binding_find(n, proto);

	if (b)
		return b;
	b = n->cache.n < n->conf.cache_max ? env_alloc(&n->env, sizeof(*b)) : NULL;
	if (!b) {
		log_limited(n->log, &n->limit, n->now, LOG_LV_WARN, "cache-full", "no room for another binding (%zu)", n->cache.n);
		return NULL;
	}
	b->proto = *proto;
	b->type = NHRP_CT_CACHED;
	b->timer.kind = T_BINDING;
	b->created = n->now;
	b->expires = n->now;
	b->retry_at = b->dial_at = b->hello_at = TICK_NEVER;
	list_init(&b->by_peer);
	list_init(&b->shortcuts);
	list_init(&b->by_holder);
	list_init(&b->changed);
	map_add(&n->cache, &b->node, proto_hash(n, proto));
	return b;
}

static void
binding_arm(struct nhrp *n, struct binding *b)
{
	tick_t at = tick_min(tick_min(b->expires, b->retry_at), tick_min(b->dial_at, b->hello_at));

	arm(n, &b->timer, b->cleared ? n->now : at);
}

static void
unlink_peer(struct binding *b)
{
	if (b->peer && b->type == NHRP_CT_DYNAMIC)
		b->peer->n_registered--;
	list_remove(&b->by_peer);
	b->peer = NULL;
	b->proven = false;
	b->hello_at = TICK_NEVER;
}

static void
binding_free(struct nhrp *n, struct binding *b)
{
	unlink_peer(b);
	handle_close(n, &b->want);
	handle_close(n, &b->neigh);
	handle_close(n, &b->hello);
	timer_disarm(&n->timers, &b->timer);
	map_del(&n->cache, &b->node);
	env_free(&n->env, b->refused);
	env_free(&n->env, b->group);
	env_free(&n->env, b);
}

void
binding_gc(struct nhrp *n, struct binding *b)
{
	if (b->pinned || !list_empty(&b->shortcuts) || b->dial || b->type > NHRP_CT_CACHED || b->expires > n->now || b->want.id)
		return;
	if (b->neigh_state == NEIGH_NONE)
		binding_free(n, b);
}

/* ---- what stands outside */

static bool
needs_neigh(const struct binding *b)
{
	return b->n_routed || (b->peer && b->type > NHRP_CT_CACHED);
}

static bool
needs_want(const struct nhrp *n, const struct binding *b)
{
	if (b->type == NHRP_CT_STATIC)
		return !nhc_serves(n, &b->proto);
	return b->type <= NHRP_CT_CACHED && (!list_empty(&b->shortcuts) || b->dial);
}

static void
neigh_set(struct nhrp *n, struct binding *b)
{
	struct nhrp_act *a = act(n, NHRP_ACT_NEIGH_SET);

	if (!a) {
		b->retry_at = n->now + TICK_S(1);
		return;
	}
	handle_open(n, &b->neigh, H_NEIGH);
	b->neigh_state = NEIGH_WAIT;
	b->retry_at = TICK_NEVER;
	a->cookie = b->neigh.id;
	a->proto = b->proto;
	a->peer = b->peer->id;
	a->nbma = b->peer->remote.addr;
	a->mcast = b->mcast;
}

static void
neigh_del(struct nhrp *n, struct binding *b)
{
	struct nhrp_act *a = act(n, NHRP_ACT_NEIGH_DEL);

	if (!a) {
		b->retry_at = n->now + TICK_S(1);
		return;
	}
	handle_close(n, &b->neigh);
	b->neigh_state = NEIGH_NONE;
	b->retry_at = TICK_NEVER;
	a->proto = b->proto;
}

/* Behind the same NAT as we are, its public address may not hairpin: the address it claims comes first. */
unsigned
binding_addrs(const struct nhrp *n, const struct binding *b, struct addr out[static 2])
{
	bool inside = addr_is_unicast(&b->nbma_claimed) && !addr_eq(&b->nbma_claimed, &b->nbma);
	unsigned k = 0;

	if (inside && n->public_nbma.n && addr_eq(&b->nbma, &n->public_nbma))
		out[k++] = b->nbma_claimed;
	if (addr_is_unicast(&b->nbma))
		out[k++] = b->nbma;
	return k;
}

static void
want(struct nhrp *n, struct binding *b)
{
	struct addr addrs[2];
	unsigned k = binding_addrs(n, b, addrs);
	struct nhrp_act *a = k ? act(n, NHRP_ACT_WANT) : NULL;

	if (!a)
		return;
	handle_open(n, &b->want, H_WANT_BINDING);
	b->want_stale = false;
	a->want = b->want.id;
	a->n_addrs = k;
	memcpy(a->addrs, addrs, sizeof(addrs[0]) * k);
}

static void
unwant(struct nhrp *n, struct binding *b)
{
	struct nhrp_act *a = act(n, NHRP_ACT_UNWANT);

	if (!a) {
		b->retry_at = n->now + TICK_S(1);
		return;
	}
	a->want = b->want.id;
	handle_close(n, &b->want);
}

/* The data plane refused it: it is asked again with the timer, not with every refresh of the registration. A shortcut waits itself. */
static bool
held_back(const struct nhrp *n, const struct binding *b)
{
	return b->refused && !b->n_routed && b->retry_at != TICK_NEVER && b->retry_at > n->now;
}

void
binding_sync(struct nhrp *n, struct binding *b)
{
	bool neigh = needs_neigh(b), wanted = needs_want(n, b);

	if (neigh && b->peer && b->neigh_state == NEIGH_NONE && !held_back(n, b))
		neigh_set(n, b);
	else if (!neigh && b->neigh_state != NEIGH_NONE)
		neigh_del(n, b);
	if (wanted && !b->want.id)
		want(n, b);
	else if (!wanted && b->want.id)
		unwant(n, b);
	binding_arm(n, b);
}

void
binding_reinstall(struct nhrp *n, struct binding *b)
{
	if (b->neigh_state == NEIGH_NONE)
		return;
	handle_close(n, &b->neigh);	/* a result still to come is about the interface that was */
	b->neigh_state = NEIGH_NONE;
	b->retry_at = n->now;
	binding_arm(n, b);
}

void
binding_moved(struct nhrp *n, struct binding *b)
{
	if (b->type > NHRP_CT_CACHED)
		b->nbma = b->peer->remote.addr;
	if (b->neigh_state != NEIGH_NONE)
		neigh_set(n, b);
}

/* ---- changes */

/* An event for each of its shortcuts: at once, or with the next tick where the queue runs full. */
void
binding_tell(struct nhrp *n, struct binding *b, enum sc_event ev, const char *reason)
{
	b->pinned++;
	LIST_EACH(it, nx, &b->shortcuts) {
		struct shortcut *s = container_of(it, struct shortcut, by_binding);

		if (room(n))
			shortcut_event(n, s, ev, reason);
		else
			shortcut_later(n, s, ev, reason);
	}
	b->pinned--;
}

bool
binding_matches(const struct binding *b, const struct peer *p)
{
	return addr_eq(&p->remote.addr, &b->nbma) || addr_eq(&p->remote.addr, &b->nbma_claimed);
}

void
binding_set_nbma(struct nhrp *n, struct binding *b, const struct addr *nbma, const struct addr *claimed)
{
	bool matched = b->peer && binding_matches(b, b->peer);

	if (addr_eq(&b->nbma, nbma) && addr_eq(&b->nbma_claimed, claimed))
		return;
	b->nbma = *nbma;
	b->nbma_claimed = *claimed;
	b->natted = !addr_eq(nbma, claimed);
	if (b->type > NHRP_CT_CACHED)
		return;
	if (b->peer && (matched || !b->proven) && !binding_matches(b, b->peer)) {	/* the SA leads to where it was */
		b->pinned++;
		binding_detach(n, b, "its address changed");
		b->pinned--;
	}
	if (b->want.id && !b->peer)
		unwant(n, b);	/* for the old addresses; binding_sync() makes it anew */
	else if (b->want.id)
		b->want_stale = true;	/* the peer may live on at the old ones */
}

static void
debug_type(const struct nhrp *n, const struct binding *b, enum nhrp_cache_type type, tick_t expires)
{
	char proto[ADDR_STRLEN], nbma[ADDR_STRLEN];

	NHRP_DEBUG(n, "cache", "%s at %s: %s -> %s, %s%u%s", addr_fmt(&b->proto, proto), addr_fmt(&b->nbma, nbma), nhrp_cache_type_name(b->type),
	    nhrp_cache_type_name(type), expires == TICK_NEVER ? "never expires (" : "expires in ", expires == TICK_NEVER ? 0 : (unsigned)tick_left_s(n->now, expires),
	    expires == TICK_NEVER ? ")" : " s");
}

void
binding_set_type(struct nhrp *n, struct binding *b, enum nhrp_cache_type type, tick_t expires)
{
	if (b->peer && b->type != type) {
		b->peer->n_registered += type == NHRP_CT_DYNAMIC;
		b->peer->n_registered -= b->type == NHRP_CT_DYNAMIC;
	}
	if (b->type == NHRP_CT_DYNAMIC && type != NHRP_CT_DYNAMIC)
		keep_gone(n, b);
	debug_type(n, b, type, expires);
	b->type = type;
	b->expires = expires;
	binding_arm(n, b);
}

void
binding_attach(struct nhrp *n, struct binding *b, struct peer *p)
{
	struct peer *was = b->peer;
	char proto[ADDR_STRLEN];

	if (b->peer == p)
		return;
	unlink_peer(b);
	if (was && b->group)
		qos_group_sync(n, was);
	b->peer = p;
	list_append(&p->bindings, &b->by_peer);
	p->n_registered += b->type == NHRP_CT_DYNAMIC;
	b->dial_at = TICK_NEVER;	/* it came */
	TRACE(&n->env, .peer = p->id, .step = TRACE_BOUND, .proto = &b->proto);
	NHRP_DEBUG(n, "cache", "%s is behind peer %u (%.*s)", addr_fmt(&b->proto, proto), (unsigned)p->id, (int)p->identity_len, p->identity);
	if (b->neigh_state != NEIGH_NONE)
		neigh_set(n, b);	/* replaces; in between nothing is missing */
	binding_sync(n, b);
	binding_tell(n, b, SC_EV_PEER, NULL);
}

void
binding_detach(struct nhrp *n, struct binding *b, const char *reason)
{
	struct peer *was = b->peer;
	char proto[ADDR_STRLEN];

	NHRP_DEBUG(n, "cache", "%s has no peer any more: %s", addr_fmt(&b->proto, proto), reason ? reason : "");
	b->pinned++;
	unlink_peer(b);
	if (was && b->group)
		qos_group_sync(n, was);
	if (b->want.id && b->want_stale)
		unwant(n, b);
	binding_tell(n, b, SC_EV_PEER_DOWN, reason);
	binding_sync(n, b);	/* the neighbour stays while put-off shortcuts still route over it */
	b->pinned--;
	binding_gc(n, b);
}

void
binding_forget(struct nhrp *n, struct binding *b)
{
	if (b->type != NHRP_CT_DYNAMIC && b->type != NHRP_CT_NHS)
		return;
	binding_set_type(n, b, NHRP_CT_CACHED, n->now);
	b->unique = false;
	b->mcast = false;
	qos_group_note(n, b, SPAN_STR(""));
	if (b->peer)
		qos_group_sync(n, b->peer);
	binding_sync(n, b);
	binding_gc(n, b);
}

/* The requester waits for the owner of an address, and a new SA alone does not say whose it is: a request for its own
 * address does, and its answer proves the path to us as well. */
static void
hello(struct nhrp *n, struct binding *b)
{
	const struct prefix *own = own_prefix(n, b->proto.n);

	b->hello_at = TICK_NEVER;
	if (!b->peer || !own || b->hellos >= HELLO_TRIES) {
		handle_close(n, &b->hello);
		return;
	}
	if (!b->hello.id)
		handle_open(n, &b->hello, H_HELLO);
	resolve_send(n, b->peer, b->hello.id, HOPS_ONE, &own->addr, &b->proto);
	b->hello_at = n->now + (TICK_MS(HELLO_MS) << b->hellos);
	b->hellos++;
}

/* The requester asked along the routed path. Where we dialled it and the SA was never proved (ESP may have been
 * blocked at the time), it is told again whose it is. Where there is none, who dials depends on NAT. */
void
binding_dial(struct nhrp *n, struct binding *b, bool requester_natted)
{
	if (!n->conf.shortcut || b->type > NHRP_CT_CACHED)
		return;
	if (b->peer && b->dial && !b->proven && b->hello_at == TICK_NEVER) {
		b->hellos = 0;
		hello(n, b);
	}
	if (b->peer || b->dial || b->dial_at != TICK_NEVER) {
		binding_arm(n, b);
		return;
	}
	if (we_are_natted(n))
		b->dial_at = n->now;	/* it cannot reach us first */
	else if (!requester_natted)
		b->dial_at = n->now + TICK_S(DIAL_AFTER_S);	/* it dials; only if it does not */
	binding_arm(n, b);
}

/* ---- events */

/* An answer proves the peer only when the question went straight to who answers: of two behind one public address the SA may
 * lead to the other one (or to a hub), who passes the question on. The reply carries the request's Forward record, so an
 * entry there tells. By which way the answer came says nothing: some send it by the hub; the peer's own direction is
 * proven by `heard`. */
bool
binding_owned(const struct binding *b, const struct rx *rx)
{
	const struct nhrp_cie *cie = &rx->p->cie[0];

	return b->peer && ext_empty(rx->p, NHRP_EXT_FORWARD) && cie->code == NHRP_CODE_OK && addr_eq(&cie->proto, &b->proto);
}

/* The SA leads to somebody else: nobody is known to be behind the address until its owner shows. */
void
binding_disown(struct nhrp *n, struct binding *b, const char *reason)
{
	if (b->peer && !b->proven && b->type <= NHRP_CT_CACHED)
		binding_detach(n, b, reason);
}

void
binding_hello_reply(struct nhrp *n, struct binding *b, const struct rx *rx)
{
	handle_close(n, &b->hello);
	b->hello_at = TICK_NEVER;
	if (b->peer && b->peer->heard && binding_owned(b, rx)) {
		b->proven = true;
		binding_tell(n, b, SC_EV_PROVEN, NULL);
	}
	binding_arm(n, b);
}

/* Who is at the address that was told may not have what was told of it. */
static void
not_its(struct nhrp *n, struct binding *b, const char *why)
{
	drop(n, NHRP_DROP_NOT_ALLOWED);
	binding_tell(n, b, SC_EV_REFUSED, why);
}

void
binding_want(struct nhrp *n, struct binding *b, const struct nhrp_event *ev)
{
	struct peer *p = ev->kind == NHRP_EV_WANT_UP ? peer_find(n, ev->peer) : NULL;
	const char *why = p && !b->peer ? peer_judge(n, p, &b->proto, NULL) : NULL;

	if (ev->kind == NHRP_EV_WANT_FAIL && b->type == NHRP_CT_STATIC && !b->peer) {
		b->retry_at = n->now + TICK_S(DIAL_QUIET_S);	/* not a word until then: asked for anew */
		binding_arm(n, b);
	}
	if (ev->kind == NHRP_EV_WANT_FAIL)
		binding_tell(n, b, SC_EV_WANT_FAIL, ev->reason && *ev->reason ? ev->reason : "no answer to IKE");
	else if (p && b->type <= NHRP_CT_CACHED && peer_is_nhs(n, p))
		binding_tell(n, b, SC_EV_WANT_FAIL, "its address leads to a hub of ours");
	else if (why)
		not_its(n, b, why);
	else if (p && !b->peer)
		binding_attach(n, b, p);
	if (p && b->peer == p && b->dial) {
		b->hellos = 0;
		hello(n, b);
		binding_arm(n, b);
	}
}

static void
neigh_taken(struct nhrp *n, struct binding *b)
{
	char proto[ADDR_STRLEN];

	if (b->refused)
		log_of(n->log, n->now, b->peer ? peer_name(b->peer) : "", LOG_LV_NOTICE, "neighbour-taken", "%s: the data plane took its neighbour after %u refusals",
		    addr_fmt(&b->proto, proto), b->refused->tries);
	env_free(&n->env, b->refused);
	b->refused = NULL;
}

/* Again after a wait that doubles. Without memory for how often it was, as after the first time. */
static void
neigh_refused(struct nhrp *n, struct binding *b, const char *reason)
{
	struct neigh_refused *r = b->refused ? b->refused : env_alloc(&n->env, sizeof(*r));
	unsigned tries = r && r->tries < 6 ? r->tries : r ? 6 : 0, wait = (unsigned)NEIGH_RETRY_S << tries;
	char proto[ADDR_STRLEN];

	reason = reason && *reason ? reason : "no reason given";
	b->refused = r;
	if (r) {
		r->tries++;
		snprintf(r->reason, sizeof(r->reason), "its neighbour was refused: %s", reason);
	}
	wait = wait < NEIGH_RETRY_MAX_S ? wait : NEIGH_RETRY_MAX_S;
	b->retry_at = n->now + env_jitter(&n->env, TICK_S(wait), 25);
	log_of(n->log, n->now, b->peer ? peer_name(b->peer) : "", LOG_LV_WARN, "neighbour-refused", "%s: the data plane refused its neighbour: %s; next try in %u s",
	    addr_fmt(&b->proto, proto), reason, tick_left_s(n->now, b->retry_at));
}

void
binding_neigh_result(struct nhrp *n, struct binding *b, bool ok, const char *reason)
{
	struct nhrp_act *a;

	handle_close(n, &b->neigh);
	b->neigh_state = ok ? NEIGH_OK : NEIGH_NONE;
	if (ok)
		neigh_taken(n, b);
	else
		neigh_refused(n, b, reason);
	binding_arm(n, b);
	binding_tell(n, b, ok ? SC_EV_NEIGH_OK : SC_EV_NEIGH_FAIL, ok ? NULL : b->refused ? b->refused->reason : "its neighbour was refused");
	a = !ok && b->neigh_state == NEIGH_NONE && !b->n_routed ? act(n, NHRP_ACT_NEIGH_DEL) : NULL;
	if (a)	/* it was to replace one that leads to a peer which may be gone */
		a->proto = b->proto;
}

static void
expired(struct nhrp *n, struct binding *b)
{
	char text[ADDR_STRLEN];

	if (b->type == NHRP_CT_DYNAMIC) {
		log_of(n->log, n->now, b->holder ? b->holder->text : "", LOG_LV_INFO, "registration-expired", "%s", addr_fmt(&b->proto, text));
		binding_forget(n, b);
		return;
	}
	b->dial = false;
	if (!list_empty(&b->shortcuts))	/* they have an end of their own */
		b->expires = n->now + TICK_S(HELD_RECHECK_S);
	binding_sync(n, b);
	binding_gc(n, b);
}

void
binding_timer(struct nhrp *n, struct binding *b)
{
	if (b->cleared && b->type <= NHRP_CT_DYNAMIC)
		b->expires = n->now;
	b->cleared = false;
	if (b->retry_at <= n->now) {
		b->retry_at = TICK_NEVER;
		if (b->type == NHRP_CT_STATIC && !b->peer && b->want.id)
			unwant(n, b);
	}
	if (b->dial_at <= n->now) {
		b->dial_at = TICK_NEVER;
		b->dial = !b->peer;
	}
	if (b->hello_at <= n->now)
		hello(n, b);
	if (b->expires <= n->now)
		expired(n, b);
	else
		binding_sync(n, b);
}

/* ---- configured entries, operator, end */

static bool
static_set(struct nhrp *n, const struct nhrp_conf_map *m)
{
	struct binding *b = binding_get(n, &m->proto);

	if (!b)
		return false;
	b->nbma = b->nbma_claimed = m->nbma;
	b->mcast |= m->mcast;
	b->retry_at = n->now;	/* its want goes out with its timer */
	binding_set_type(n, b, NHRP_CT_STATIC, TICK_NEVER);
	return true;
}

void
cache_static(struct nhrp *n)
{
	for (unsigned i = 0; i < n->conf.n_map; i++) {
		if (n->conf.map[i].proto.n)
			static_set(n, &n->conf.map[i]);
	}
}

static const struct nhrp_conf_map *
map_of(const struct nhrp_conf *conf, const struct addr *proto)
{
	for (unsigned i = 0; i < conf->n_map; i++) {
		if (conf->map[i].proto.n && addr_eq(&conf->map[i].proto, proto))
			return &conf->map[i];
	}
	return NULL;
}

/* An entry that is not configured any more, or otherwise: as if it had never been, unless an NHS is registered there. */
static void
static_gone(struct nhrp *n, const struct addr *proto, const char *why)
{
	struct binding *b = binding_find(n, proto);
	struct peer *p = b ? b->peer : NULL;

	if (!b || b->type != NHRP_CT_STATIC)
		return;
	if (nhc_at(n, proto)) {
		binding_set_type(n, b, NHRP_CT_NHS, TICK_NEVER);
		return;
	}
	b->mcast = false;
	b->retry_at = TICK_NEVER;
	b->pinned++;
	binding_set_type(n, b, NHRP_CT_CACHED, n->now);
	if (p)
		binding_detach(n, b, why);
	binding_sync(n, b);
	b->pinned--;
	binding_gc(n, b);
	if (p)
		peer_unneeded(n, p, why);
}

void
cache_reconf(struct nhrp *n, const struct nhrp_conf *old)
{
	for (unsigned i = 0; i < old->n_map; i++) {
		const struct nhrp_conf_map *was = &old->map[i], *is = map_of(&n->conf, &was->proto);

		if (was->proto.n && was == map_of(old, &was->proto) && (!is || !addr_eq(&is->nbma, &was->nbma)))
			static_gone(n, &was->proto, is ? "its configured address changed" : "not configured any more");
	}
	for (unsigned i = 0; i < n->conf.n_map; i++) {
		const struct nhrp_conf_map *is = &n->conf.map[i], *was = map_of(old, &is->proto);

		if (is->proto.n && is == map_of(&n->conf, &is->proto) && (!was || !addr_eq(&is->nbma, &was->nbma)))
			static_set(n, is);
	}
}

static bool
wants_mcast(const struct nhrp *n, const struct binding *b)
{
	const struct nhc *c = nhc_at(n, &b->proto);
	const struct nhrp_conf_map *m = map_of(&n->conf, &b->proto);

	if (c)
		return nhc_mcast(n, c);
	return b->type == NHRP_CT_DYNAMIC ? n->conf.mcast_dynamic : b->type == NHRP_CT_STATIC && m && m->mcast;
}

void
cache_mcast(struct nhrp *n)
{
	struct map_iter it;

	for (struct map_node *m = map_first(&n->cache, &it); m; m = map_next(&n->cache, &it)) {
		struct binding *b = container_of(m, struct binding, node);

		if (b->type <= NHRP_CT_CACHED || b->mcast == wants_mcast(n, b))
			continue;
		b->mcast = !b->mcast;
		if (b->peer && b->neigh_state != NEIGH_NONE && room(n))
			neigh_set(n, b);
		else
			binding_reinstall(n, b);
	}
}

void
cache_clear(struct nhrp *n, const struct addr *proto, uint8_t family)
{
	struct binding *b = proto ? binding_find(n, proto) : NULL;
	struct map_iter it;

	if (proto) {
		if (b) {
			b->cleared = true;
			binding_arm(n, b);
		}
		return;
	}
	for (struct map_node *m = map_first(&n->cache, &it); m; m = map_next(&n->cache, &it)) {
		b = container_of(m, struct binding, node);
		if (family && b->proto.n != family)
			continue;
		b->cleared = true;
		binding_arm(n, b);
	}
}

void
cache_fini(struct nhrp *n)
{
	struct map_iter it;

	for (struct map_node *m = map_first(&n->cache, &it); m; m = map_next(&n->cache, &it)) {
		env_free(&n->env, container_of(m, struct binding, node)->refused);
		env_free(&n->env, container_of(m, struct binding, node)->group);
		env_free(&n->env, container_of(m, struct binding, node));
	}
	map_fini(&n->cache);
}
