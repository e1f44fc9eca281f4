/* nhrpd/engine/shortcut.c: direct paths to prefixes behind other spokes (reference 11), as a table of states and events.
 *
 * RESOLVING asks along the routed path. SECURING has an answer and waits for an SA: one we dialled (WANT_UP) or one that
 * came in and turned out to own the address. PROBING sends a Resolution Request for the peer's own tunnel address over that
 * SA: its answer proves our direction and that the peer claims the address, any packet from the peer proves theirs. What the peer
 * of that SA is not allowed (authority.c) ends there, by whatever way the answer came. Only then the
 * neighbour, and after its result the route, and after that result UP. Down goes the other way: route, neighbour, want.
 * Until UP, and after any failure, traffic follows the routed path; NEGATIVE only remembers not to try again for a while,
 * longer each time. The key in n->shortcuts is the host asked for until the answer tells the prefix. */
#include "nhrpd/engine/nhrp_priv.h"

enum {
	RESOLVE_TRIES = 7, PROBE_TRIES = 4, SECURE_S = 30, WANT_FAILS_MAX = 2, INSTALL_S = 5,
	NEGATIVE_S = 30, NEGATIVE_MAX_S = 180, NEGATIVE_MEMORY_S = 180, AGAIN_MS = 200,
};

static const uint8_t resolve_s[RESOLVE_TRIES] = { 1, 2, 4, 7, 7, 7, 2 };
static const uint16_t probe_ms[PROBE_TRIES] = { 300, 600, 1200, 2400 };

const char *const sc_state_name[SC_STATES] = {
	[SC_IDLE] = "idle", [SC_RESOLVING] = "resolving", [SC_SECURING] = "securing", [SC_PROBING] = "probing", [SC_NEIGH] = "installing",
	[SC_ROUTE] = "installing", [SC_UP] = "up", [SC_REFRESH] = "up", [SC_NEGATIVE] = "negative",
};

static const struct prefix everything[2] = { { .addr = { .n = 4 } }, { .addr = { .n = 16 } } };

static void
timer(struct nhrp *n, struct shortcut *s, tick_t at)
{
	s->at = at;
	arm(n, &s->timer, at);
}

/* ---- what it holds */

/* Down: route, neighbour, want. binding_sync() does the last two. */
static void
release(struct nhrp *n, struct shortcut *s)
{
	struct binding *b = s->binding;
	struct nhrp_act *a = s->has_route ? act(n, NHRP_ACT_ROUTE_DEL) : NULL;

	if (a) {
		a->prefix = s->prefix;
		a->via = b->proto;
	}
	s->has_route = false;
	handle_close(n, &s->request);
	handle_close(n, &s->probe);
	handle_close(n, &s->route);
	handle_close(n, &s->use);
	if (!b)
		return;
	b->n_routed -= s->routed;
	s->routed = false;
	s->binding = NULL;
	list_remove(&s->by_binding);
	binding_sync(n, b);
	binding_gc(n, b);
}

static void
shortcut_free(struct nhrp *n, struct shortcut *s)
{
	release(n, s);
	timer_disarm(&n->timers, &s->timer);
	if (trie_get(&n->shortcuts, &s->prefix) == s)
		trie_del(&n->shortcuts, &s->prefix);
	n->n_shortcuts--;
	env_free(&n->env, s);
}

/* Under the answer's prefix from now on. False: another shortcut stands there already and serves. Without memory the
 * host stays the key, which is right too, only narrower. */
static bool
rekey(struct nhrp *n, struct shortcut *s, const struct prefix *p)
{
	struct shortcut *there = trie_get(&n->shortcuts, p);

	if (there)
		return there == s;
	if (!trie_set(&n->shortcuts, p, s))
		return true;
	trie_del(&n->shortcuts, &s->prefix);
	s->prefix = *p;
	return true;
}

/* ---- handlers: what an event does in a state, answering the next state. SC_IDLE frees. */

static enum sc_state
sc_forget(struct nhrp *n, struct shortcut *s)
{
	(void)n;
	(void)s;
	return SC_IDLE;
}

static enum sc_state
sc_backoff(struct nhrp *n, struct shortcut *s)
{
	uint32_t wait = NEGATIVE_S << (s->negatives < 4 ? s->negatives : 4);
	char text[ADDR_STRLEN];

	release(n, s);
	s->negatives++;
	s->retry_at = n->now + jitter(n, TICK_S(wait < NEGATIVE_MAX_S ? wait : NEGATIVE_MAX_S));
	TRACE(&n->env, .attempt = s->attempt, .step = TRACE_FAILED, .reason = s->reason);
	timer(n, s, s->retry_at);
	log_limited(n->log, &n->limit, n->now, LOG_LV_INFO, "shortcut-failed", "%s: %s", addr_fmt(&s->dst, text), s->reason);
	return SC_NEGATIVE;
}

static enum sc_state
fail(struct nhrp *n, struct shortcut *s, const char *why)
{
	reason_set(s->reason, sizeof(s->reason), why);
	return sc_backoff(n, s);
}

/* While no hub is up a shortcut that works is refreshed by whom it leads to: an hour without hubs is no hour without direct paths. */
static struct peer *
refresh_path(const struct shortcut *s)
{
	return s->binding && s->binding->proven ? s->binding->peer : NULL;
}

static void
send_request(struct nhrp *n, struct shortcut *s)
{
	struct peer *to = resolve_path(n, &s->dst), *direct = to ? NULL : refresh_path(s);

	if (!s->request.id)
		handle_open(n, &s->request, H_RESOLUTION);
	if (to || direct)
		resolve_send(n, to ? to : direct, s->request.id, to ? HOPS_OUT : HOPS_ONE, &s->src, &s->dst);
	timer(n, s, n->now + TICK_S(resolve_s[s->tries]));
	s->tries++;
	if (to && s->state != SC_UP && s->state != SC_REFRESH)
		TRACE(&n->env, .attempt = s->attempt, .step = TRACE_RESOLUTION_SENT, .n = s->tries);
}

static enum sc_state
sc_ask(struct nhrp *n, struct shortcut *s)
{
	const struct prefix *own = own_prefix(n, s->dst.n);

	if (!own || !resolve_path(n, &s->dst))
		return SC_IDLE;	/* no hub is up; traffic will come again */
	s->src = own->addr;
	s->tries = s->want_fails = 0;
	handle_close(n, &s->request);
	s->attempt = n->attempt = trace_begin(&n->env, TRACE_SHORTCUT, &s->dst);
	TRACE(&n->env, .attempt = s->attempt, .step = n->redirected ? TRACE_REDIRECT : TRACE_TRAFFIC);
	send_request(n, s);
	return SC_RESOLVING;
}

static enum sc_state
sc_retry(struct nhrp *n, struct shortcut *s)
{
	if (s->tries >= RESOLVE_TRIES)
		return s->reason[0] ? sc_backoff(n, s) : fail(n, s, "no answer to the resolution request");
	send_request(n, s);
	return SC_RESOLVING;
}

/* Told to forget: down at once, and a new question a moment later. */
static enum sc_state
sc_again(struct nhrp *n, struct shortcut *s)
{
	release(n, s);
	TRACE(&n->env, .attempt = s->attempt, .step = TRACE_DOWN, .reason = "told to forget it, asking again");
	s->attempt = trace_begin(&n->env, TRACE_SHORTCUT, &s->dst);
	s->tries = s->want_fails = 0;
	timer(n, s, n->now + jitter(n, TICK_MS(AGAIN_MS)));
	return SC_RESOLVING;
}

static enum sc_state
sc_up(struct nhrp *n, struct shortcut *s)
{
	char text[PREFIX_STRLEN], via[ADDR_STRLEN];

	s->negatives = 0;
	s->reason[0] = 0;
	timer(n, s, s->expires - TICK_S(s->hold_s) / 3);
	if (s->state != SC_REFRESH)
		TRACE(&n->env, .attempt = s->attempt, .step = TRACE_UP, .peer = s->binding->peer ? s->binding->peer->id : 0);
	log_limited(n->log, &n->limit, n->now, LOG_LV_INFO, "shortcut-up", "%s by %s", prefix_fmt(&s->prefix, text),
	    addr_fmt(&s->binding->proto, via));
	return SC_UP;
}

static bool
needs_route(const struct nhrp *n, const struct shortcut *s)
{
	struct prefix host = prefix_host(&s->binding->proto);

	return !(prefix_eq(&s->prefix, &host) && own_subnet(n, &s->binding->proto));
}

static enum sc_state
sc_route(struct nhrp *n, struct shortcut *s)
{
	struct nhrp_act *a;

	if (!needs_route(n, s))
		return sc_up(n, s);
	a = act(n, NHRP_ACT_ROUTE_SET);
	if (!a)
		return fail(n, s, "action queue full");
	handle_open(n, &s->route, H_ROUTE);
	s->has_route = true;
	a->cookie = s->route.id;
	a->prefix = s->prefix;
	a->via = s->binding->proto;
	a->mtu = s->mtu;
	timer(n, s, n->now + TICK_S(INSTALL_S));
	return SC_ROUTE;
}

static enum sc_state
install(struct nhrp *n, struct shortcut *s)
{
	struct binding *b = s->binding;

	if (!s->routed)
		b->n_routed++;
	s->routed = true;
	binding_sync(n, b);
	if (b->neigh_state == NEIGH_OK)
		return sc_route(n, s);
	timer(n, s, n->now + TICK_S(INSTALL_S));
	return SC_NEIGH;
}

static void
send_probe(struct nhrp *n, struct shortcut *s)
{
	resolve_send(n, s->binding->peer, s->probe.id, HOPS_ONE, &s->src, &s->binding->proto);
	timer(n, s, n->now + TICK_MS(probe_ms[s->tries]));
	s->tries++;
	TRACE(&n->env, .attempt = s->attempt, .step = TRACE_PROBE_SENT, .n = s->tries, .peer = s->binding->peer->id);
}

static enum sc_state
sc_probe(struct nhrp *n, struct shortcut *s)
{
	const char *why = peer_judge(n, s->binding->peer, &s->binding->proto, &s->prefix);

	if (why) {
		drop(n, NHRP_DROP_NOT_ALLOWED);
		return fail(n, s, why);
	}
	TRACE(&n->env, .attempt = s->attempt, .step = TRACE_SECURED, .peer = s->binding->peer->id);
	if (s->binding->proven || s->binding->type > NHRP_CT_CACHED)
		return install(n, s);
	handle_open(n, &s->probe, H_PROBE);
	s->probe_replied = false;
	s->tries = 0;
	send_probe(n, s);
	return SC_PROBING;
}

static enum sc_state
sc_probe_again(struct nhrp *n, struct shortcut *s)
{
	if (s->tries >= PROBE_TRIES)
		return fail(n, s, "no answer on the direct path");
	send_probe(n, s);
	return SC_PROBING;
}

static enum sc_state
sc_proven(struct nhrp *n, struct shortcut *s)
{
	struct binding *b = s->binding;

	if (!b->proven && !(s->probe_replied && b->peer->heard))
		return SC_PROBING;
	handle_close(n, &s->probe);
	if (!b->proven) {
		b->proven = true;
		LIST_EACH(it, nx, &b->shortcuts) {
			struct shortcut *other = container_of(it, struct shortcut, by_binding);

			if (other != s && other->state == SC_PROBING)
				shortcut_later(n, other, SC_EV_PROVEN, NULL);
		}
	}
	return install(n, s);
}

/* It is there already: the hub we route through, or a partner with a configured or registered entry. */
static bool
direct_already(const struct nhrp *n, const struct shortcut *s, const struct binding *b)
{
	return b && b->type > NHRP_CT_CACHED && b->peer && b->peer == resolve_path(n, &s->dst);
}

static enum sc_state
sc_secure(struct nhrp *n, struct shortcut *s)
{
	const struct sc_reply *r = n->reply;
	struct binding *b = binding_find(n, &r->proto);

	handle_close(n, &s->request);
	TRACE(&n->env, .attempt = s->attempt, .step = TRACE_RESOLUTION_REPLY, .proto = &r->proto, .nbma = &r->nbma, .prefix = &r->prefix);
	if (direct_already(n, s, b))
		return fail(n, s, "the routed path is the direct one");
	if (!rekey(n, s, &r->prefix))
		return SC_IDLE;
	b = binding_get(n, &r->proto);
	if (!b)
		return fail(n, s, "out of memory or cache full");
	s->hold_s = r->hold_s;
	s->mtu = r->mtu;
	s->expires = n->now + TICK_S(r->hold_s);
	s->binding = b;
	s->reason[0] = 0;
	list_append(&b->shortcuts, &s->by_binding);
	if (b->type <= NHRP_CT_CACHED) {
		binding_set_nbma(n, b, &r->nbma, &r->nbma_claimed);
		binding_set_type(n, b, NHRP_CT_CACHED, s->expires);
		if (r->direct && (!b->peer || !b->proven) && binding_matches(b, r->direct))	/* who answered, not who else is at that address */
			binding_attach(n, b, r->direct);
	}
	binding_sync(n, b);
	if (b->peer)
		return sc_probe(n, s);
	timer(n, s, n->now + TICK_S(SECURE_S));
	return SC_SECURING;
}

static enum sc_state
sc_want_fail(struct nhrp *n, struct shortcut *s)
{
	return ++s->want_fails >= WANT_FAILS_MAX ? sc_backoff(n, s) : SC_SECURING;
}

static enum sc_state
sc_insecure(struct nhrp *n, struct shortcut *s)
{
	return s->reason[0] ? sc_backoff(n, s) : fail(n, s, "no SA with the peer");
}

/* The want stands, so the core goes on dialling. */
static enum sc_state
sc_secure_again(struct nhrp *n, struct shortcut *s)
{
	handle_close(n, &s->probe);
	timer(n, s, n->now + TICK_S(SECURE_S));
	return ++s->want_fails >= WANT_FAILS_MAX ? sc_backoff(n, s) : SC_SECURING;
}

static enum sc_state
sc_install_timeout(struct nhrp *n, struct shortcut *s)
{
	return fail(n, s, "the data plane did not answer");
}

static enum sc_state
sc_refresh(struct nhrp *n, struct shortcut *s)
{
	s->tries = 0;
	handle_close(n, &s->request);
	handle_close(n, &s->use);
	send_request(n, s);
	return SC_REFRESH;
}

/* At two thirds of the holding time: is it used? One answer serves all shortcuts over that peer. */
static enum sc_state
sc_up_timer(struct nhrp *n, struct shortcut *s)
{
	struct peer *p = s->binding->peer;
	struct nhrp_act *a;

	if (n->now >= s->expires || !p) {
		reason_set(s->reason, sizeof(s->reason), "holding time is over");
		return SC_IDLE;
	}
	if (p->used_at && n->now - p->used_at < TICK_S(s->hold_s) / 3)
		return sc_refresh(n, s);
	timer(n, s, s->expires);
	a = act(n, NHRP_ACT_QUERY_USE);
	if (a) {
		handle_open(n, &s->use, H_USE);
		a->cookie = s->use.id;
		a->peer = p->id;
	}
	return SC_UP;
}

static enum sc_state
sc_used(struct nhrp *n, struct shortcut *s)
{
	if (s->binding->peer)
		s->binding->peer->used_at = n->now;
	return sc_refresh(n, s);
}

static enum sc_state
sc_refresh_timer(struct nhrp *n, struct shortcut *s)
{
	if (n->now >= s->expires)
		return SC_IDLE;
	if (s->tries < RESOLVE_TRIES)
		send_request(n, s);
	else
		timer(n, s, s->expires);
	return SC_REFRESH;
}

static enum sc_state
sc_refreshed(struct nhrp *n, struct shortcut *s)
{
	const struct sc_reply *r = n->reply;
	struct binding *b = s->binding;

	if (!addr_eq(&r->proto, &b->proto) || !prefix_eq(&r->prefix, &s->prefix)) {
		release(n, s);	/* it leads elsewhere now */
		return sc_secure(n, s);
	}
	handle_close(n, &s->request);
	s->hold_s = r->hold_s;
	s->expires = n->now + TICK_S(r->hold_s);
	if (b->type <= NHRP_CT_CACHED) {
		binding_set_nbma(n, b, &r->nbma, &r->nbma_claimed);
		binding_set_type(n, b, NHRP_CT_CACHED, s->expires);
	}
	if (!b->peer) {
		reason_set(s->reason, sizeof(s->reason), "its address changed");
		return SC_IDLE;
	}
	return sc_up(n, s);
}

/* After retry_at traffic may try again; some time later the memory of it goes too, and with it the doubling. */
static enum sc_state
sc_negative_timer(struct nhrp *n, struct shortcut *s)
{
	tick_t end = s->retry_at + TICK_S(NEGATIVE_MEMORY_S);

	if (n->now >= end)
		return SC_IDLE;
	timer(n, s, end);
	return SC_NEGATIVE;
}

static enum sc_state
sc_negative_traffic(struct nhrp *n, struct shortcut *s)
{
	if (n->now < s->retry_at)
		return SC_NEGATIVE;
	s->reason[0] = 0;
	return sc_ask(n, s);
}

/* A missing cell: the event means nothing in that state. */
typedef enum sc_state sc_fn(struct nhrp *, struct shortcut *);
static sc_fn *const sc_rule[SC_STATES][SC_EVENTS] = {
	[SC_IDLE] = { [SC_EV_TRAFFIC] = sc_ask },
	[SC_RESOLVING] = { [SC_EV_REPLY] = sc_secure, [SC_EV_NAK] = sc_backoff, [SC_EV_TIMEOUT] = sc_retry, [SC_EV_GONE] = sc_forget },
	[SC_SECURING] = { [SC_EV_PEER] = sc_probe, [SC_EV_WANT_FAIL] = sc_want_fail, [SC_EV_REFUSED] = sc_backoff, [SC_EV_TIMEOUT] = sc_insecure,
		[SC_EV_PURGED] = sc_again, [SC_EV_GONE] = sc_forget },
	[SC_PROBING] = { [SC_EV_PROVEN] = sc_proven, [SC_EV_PEER] = sc_probe, [SC_EV_NAK] = sc_backoff, [SC_EV_TIMEOUT] = sc_probe_again,
		[SC_EV_PEER_DOWN] = sc_secure_again, [SC_EV_PURGED] = sc_again, [SC_EV_GONE] = sc_forget },
	[SC_NEIGH] = { [SC_EV_NEIGH_OK] = sc_route, [SC_EV_NEIGH_FAIL] = sc_backoff, [SC_EV_TIMEOUT] = sc_install_timeout,
		[SC_EV_PEER_DOWN] = sc_forget, [SC_EV_PURGED] = sc_again, [SC_EV_GONE] = sc_forget },
	[SC_ROUTE] = { [SC_EV_ROUTE_OK] = sc_up, [SC_EV_ROUTE_FAIL] = sc_backoff, [SC_EV_NEIGH_FAIL] = sc_backoff,
		[SC_EV_TIMEOUT] = sc_install_timeout, [SC_EV_PEER_DOWN] = sc_forget, [SC_EV_PURGED] = sc_again, [SC_EV_GONE] = sc_forget },
	[SC_UP] = { [SC_EV_TIMEOUT] = sc_up_timer, [SC_EV_USED] = sc_used, [SC_EV_RECHECK] = sc_refresh, [SC_EV_NEIGH_FAIL] = sc_backoff,
		[SC_EV_PEER_DOWN] = sc_forget, [SC_EV_PURGED] = sc_again, [SC_EV_GONE] = sc_forget },
	[SC_REFRESH] = { [SC_EV_REPLY] = sc_refreshed, [SC_EV_NAK] = sc_backoff, [SC_EV_TIMEOUT] = sc_refresh_timer,
		[SC_EV_NEIGH_FAIL] = sc_backoff, [SC_EV_PEER_DOWN] = sc_forget, [SC_EV_PURGED] = sc_again, [SC_EV_GONE] = sc_forget },
	[SC_NEGATIVE] = { [SC_EV_TRAFFIC] = sc_negative_traffic, [SC_EV_TIMEOUT] = sc_negative_timer, [SC_EV_RECHECK] = sc_forget,
		[SC_EV_GONE] = sc_forget },
};

static bool
pending(enum sc_state st)
{
	return st > SC_IDLE && st < SC_UP;
}

static void
debug_state(const struct nhrp *n, const struct shortcut *s, enum sc_state was, enum sc_state is)
{
	char dst[ADDR_STRLEN], p[PREFIX_STRLEN], via[ADDR_STRLEN];
	const struct binding *b = s->binding;

	if (!log_debugs(n->log, LOG_DBG_NHRP) || was == is)
		return;
	log_debug(n->log, LOG_DBG_NHRP, "shortcut", "attempt %u, %s (%s by %s): %s -> %s%s%s", (unsigned)s->attempt, addr_fmt(&s->dst, dst),
	    prefix_fmt(&s->prefix, p), b ? addr_fmt(&b->proto, via) : "-", sc_state_name[was], sc_state_name[is], s->reason[0] ? ": " : "", s->reason);
}

/* False: the shortcut is gone. */
static bool
dispatch(struct nhrp *n, struct shortcut *s, enum sc_event ev, const char *reason)
{
	sc_fn *fn = sc_rule[s->state][ev];
	enum sc_state next, was = s->state;
	uint32_t before = n->attempt;

	if (!fn || s->busy)
		return true;
	if (reason)
		reason_set(s->reason, sizeof(s->reason), reason);
	s->busy = true;
	n->attempt = s->attempt;
	next = fn(n, s);
	s->busy = false;
	if (was != SC_IDLE && was != SC_NEGATIVE && next == SC_IDLE)
		TRACE(&n->env, .attempt = s->attempt, .step = TRACE_DOWN, .reason = s->reason);
	debug_state(n, s, was, next);
	n->n_pending += pending(next);
	n->n_pending -= pending(s->state);
	if (next != s->state)
		s->since = n->now;
	s->state = next;
	if (next == SC_IDLE) {
		shortcut_free(n, s);
		n->attempt = before;
		return false;
	}
	n->attempt = before;
	if (s->due != SC_EV_NONE)
		arm(n, &s->timer, n->now);
	return true;
}

void
shortcut_event(struct nhrp *n, struct shortcut *s, enum sc_event ev, const char *reason)
{
	dispatch(n, s, ev, reason);
}

/* With the next tick. What ends it weighs more than what was due before. */
void
shortcut_later(struct nhrp *n, struct shortcut *s, enum sc_event ev, const char *reason)
{
	if (s->due != SC_EV_NONE && ev != SC_EV_GONE && ev != SC_EV_PEER_DOWN)
		return;
	s->due = ev;
	if (reason)
		reason_set(s->reason, sizeof(s->reason), reason);
	arm(n, &s->timer, n->now);
}

void
shortcut_timer(struct nhrp *n, struct shortcut *s)
{
	enum sc_event ev = s->due;

	if (ev == SC_EV_NONE) {
		dispatch(n, s, SC_EV_TIMEOUT, NULL);
		return;
	}
	s->due = SC_EV_NONE;
	if (dispatch(n, s, ev, NULL) && !s->timer.armed)
		arm(n, &s->timer, s->at);
}

/* ---- the probe's answer */

void
shortcut_probe_reply(struct nhrp *n, struct shortcut *s, const struct rx *rx)
{
	static const char not_owner[] = "the peer on the direct path does not own the address";
	struct binding *b = s->binding;

	if (!addr_eq(&rx->p->src_proto, &s->src))
		return;
	if (!binding_owned(b, rx)) {
		b->pinned++;
		if (dispatch(n, s, SC_EV_NAK, not_owner))
			binding_disown(n, b, not_owner);
		b->pinned--;
		binding_gc(n, b);
		return;
	}
	s->probe_replied = true;
	TRACE(&n->env, .attempt = s->attempt, .step = TRACE_PROBE_ANSWERED);
	dispatch(n, s, SC_EV_PROVEN, NULL);
}

/* ---- beginnings */

/* Not what does not go through this network, nor what has its own direct neighbour. */
static bool
worth_it(const struct nhrp *n, const struct addr *dst)
{
	const struct route *r = route_find(n, dst, NULL);
	const struct binding *b = binding_find(n, dst);

	if (!addr_is_unicast(dst) || !own_prefix(n, dst->n) || route_local(n, dst))
		return false;
	if (r && r->kind != NHRP_RT_NBMA && !own_subnet(n, dst))
		return false;
	return !(b && b->peer && b->type > NHRP_CT_CACHED);
}

void
shortcut_traffic(struct nhrp *n, const struct addr *dst)
{
	struct shortcut *s = trie_match(&n->shortcuts, dst, NULL);
	struct prefix host = prefix_host(dst);

	if (n->stopping || !n->link_up || !worth_it(n, dst))
		return;
	if (s) {
		dispatch(n, s, SC_EV_TRAFFIC, NULL);
		return;
	}
	s = n->n_shortcuts < SHORTCUTS_MAX && n->n_pending < PENDING_MAX ? env_alloc(&n->env, sizeof(*s)) : NULL;
	if (!s || !trie_set(&n->shortcuts, &host, s)) {
		env_free(&n->env, s);
		drop(n, NHRP_DROP_MEMORY);
		return;
	}
	s->prefix = host;
	s->dst = *dst;
	s->timer.kind = T_SHORTCUT;
	s->at = TICK_NEVER;
	s->since = n->now;
	list_init(&s->by_binding);
	n->n_shortcuts++;
	dispatch(n, s, SC_EV_TRAFFIC, NULL);
}

/* ---- routes and operator */

struct change {
	struct nhrp *n;
	struct prefix p;
	bool gone;
};

/* The changed route covers the shortcut; it matters unless a more specific one stands between. */
static void
covering_changed(void *ctx, const struct prefix *p, void *val)
{
	struct change *c = ctx;
	struct shortcut *s = val;
	struct prefix matched;
	const struct route *r = route_find(c->n, &p->addr, &matched);
	bool elsewhere = r && r->kind != NHRP_RT_NBMA && !own_subnet(c->n, &s->dst);

	c->n->route_work.looked_at++;
	if (r && matched.bits > c->p.bits)
		return;
	c->n->route_work.dropped += c->gone || elsewhere;
	c->n->route_work.asked += !(c->gone || elsewhere);
	if (c->gone || elsewhere)
		shortcut_later(c->n, s, SC_EV_GONE, "the route that led there is gone");
	else
		shortcut_later(c->n, s, SC_EV_RECHECK, NULL);
}

/* A route appeared inside the shortcut's prefix: the answer no longer lies in one route. */
static void
inside_changed(void *ctx, const struct prefix *p, void *val)
{
	struct change *c = ctx;

	if (p->bits >= c->p.bits)
		return;
	c->n->route_work.looked_at++;
	if (c->gone)
		return;
	c->n->route_work.asked++;
	shortcut_later(c->n, val, SC_EV_RECHECK, NULL);
}

void
shortcuts_route_change(struct nhrp *n, const struct prefix *p, bool gone)
{
	struct change c = { n, *p, gone };

	n->route_work.changes++;
	trie_within(&n->shortcuts, p, covering_changed, &c);
	trie_above(&n->shortcuts, &p->addr, inside_changed, &c);
}

struct clear {
	struct nhrp *n;
	const char *reason;
};

static void
clear_one(void *ctx, const struct prefix *p, void *val)
{
	struct clear *c = ctx;

	(void)p;
	shortcut_later(c->n, val, SC_EV_GONE, c->reason);
}

void
shortcuts_clear(struct nhrp *n, const struct addr *dst, uint8_t family, const char *reason)
{
	struct clear c = { n, reason };
	struct binding *b = dst ? binding_find(n, dst) : NULL;
	struct shortcut *s = dst ? trie_match(&n->shortcuts, dst, NULL) : NULL;

	if (!dst) {
		for (unsigned i = 0; i < 2; i++) {
			if (!family || everything[i].addr.n == family)
				trie_within(&n->shortcuts, &everything[i], clear_one, &c);
		}
		return;
	}
	if (s)
		shortcut_later(n, s, SC_EV_GONE, reason);
	if (!b)
		return;
	LIST_EACH(it, nx, &b->shortcuts) {
		shortcut_later(n, container_of(it, struct shortcut, by_binding), SC_EV_GONE, reason);
	}
}

static void
free_one(void *ctx, const struct prefix *p, void *val)
{
	(void)p;
	env_free(ctx, val);
}

void
shortcuts_fini(struct nhrp *n)
{
	for (unsigned i = 0; i < 2; i++)
		trie_within(&n->shortcuts, &everything[i], free_one, &n->env);
	trie_fini(&n->shortcuts);
}
