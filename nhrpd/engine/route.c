/* nhrpd/engine/route.c: a copy of the routes, for three questions: is it ours, are we the egress, what is the next hop inside
 * this network. Our own addresses stand apart: a router's address in its LAN is no hole in the LAN's prefix (RFC 2332 6.3). */
#include "nhrpd/engine/nhrp_priv.h"

static struct trie *
table(struct nhrp *n, enum nhrp_route_kind kind)
{
	return kind == NHRP_RT_LOCAL ? &n->locals : &n->routes;
}

static bool
route_put(struct nhrp *n, const struct nhrp_event *ev)
{
	struct trie *t = table(n, ev->route);
	struct route *r = trie_get(t, &ev->prefix), *fresh;

	if (r) {
		r->kind = ev->route;
		r->via = ev->via;
		return true;
	}
	fresh = env_alloc(&n->env, sizeof(*fresh));
	if (!fresh)
		return false;
	fresh->kind = ev->route;
	fresh->via = ev->via;
	if (trie_set(t, &ev->prefix, fresh))
		return true;
	env_free(&n->env, fresh);
	return false;
}

/* An address may turn into a route of the same prefix and back, and the event for its end names no kind. */
static bool
route_take(struct nhrp *n, const struct prefix *p, struct trie *t)
{
	struct route *r = trie_del(t, p);

	env_free(&n->env, r);
	return r != NULL;
}

/* Without memory a route waits and is tried again; it would not be told a second time. */
static void
late_put(struct nhrp *n, const struct nhrp_event *ev)
{
	drop(n, NHRP_DROP_MEMORY);
	if (n->n_late == ROUTES_LATE_MAX) {
		log_limited(n->log, &n->limit, n->now, LOG_LV_ERROR, "no-memory", "a route is not known to NHRP");
		return;
	}
	n->late[n->n_late++] = (struct late_route){ ev->prefix, { ev->route, ev->via } };
	arm(n, &n->late_timer, n->now + TICK_S(1));
}

static void
late_take(struct nhrp *n, const struct prefix *p)
{
	for (unsigned i = 0; i < n->n_late; i++) {
		if (prefix_eq(&n->late[i].prefix, p))
			n->late[i--] = n->late[--n->n_late];
	}
}

void
route_timer(struct nhrp *n)
{
	struct late_route late[ROUTES_LATE_MAX];
	unsigned k = n->n_late;

	memcpy(late, n->late, sizeof(late[0]) * k);
	for (unsigned i = 0; i < k; i++) {
		struct nhrp_event ev = { .kind = NHRP_EV_ROUTE, .prefix = late[i].prefix, .route = late[i].route.kind, .via = late[i].route.via };

		route_event(n, &ev);
	}
}

static void
route_gone(struct nhrp *n, const struct prefix *p)
{
	route_take(n, p, &n->locals);
	if (!route_take(n, p, &n->routes))
		return;
	shortcuts_route_change(n, p, true);
	told_route_change(n, p);
}

void
route_event(struct nhrp *n, const struct nhrp_event *ev)
{
	struct route *old = trie_get(&n->routes, &ev->prefix);
	static const char *const kind[] = { [NHRP_RT_LOCAL] = "an address of ours", [NHRP_RT_OUT] = "leaves the network here",
		[NHRP_RT_NBMA] = "through this tunnel", [NHRP_RT_REJECT] = "refused" };
	bool local = ev->route == NHRP_RT_LOCAL;
	char text[PREFIX_STRLEN], via[ADDR_STRLEN];

	if (!ev->prefix.addr.n)
		return;
	late_take(n, &ev->prefix);
	if (ev->kind == NHRP_EV_ROUTE_GONE) {
		log_debug(n->log, LOG_DBG_ROUTE, "route", "%s is gone", prefix_fmt(&ev->prefix, text));
		route_gone(n, &ev->prefix);
		return;
	}
	log_debug(n->log, LOG_DBG_ROUTE, "route", "%s by %s: %s", prefix_fmt(&ev->prefix, text), addr_fmt(&ev->via, via), kind[ev->route]);
	if (!local && old && old->kind == ev->route && addr_eq(&old->via, &ev->via))
		return;
	if (!route_put(n, ev)) {
		late_put(n, ev);
		return;
	}
	if (!route_take(n, &ev->prefix, local ? &n->routes : &n->locals) && local)
		return;	/* one more address of ours changes no path */
	shortcuts_route_change(n, &ev->prefix, false);
	told_route_change(n, &ev->prefix);
}

const struct route *
route_find(const struct nhrp *n, const struct addr *a, struct prefix *matched)
{
	return trie_match(&n->routes, a, matched);
}

bool
route_local(const struct nhrp *n, const struct addr *a)
{
	return own_has(n, a) || trie_match(&n->locals, a, NULL);
}

bool
route_behind(const struct nhrp *n, const struct addr *a)
{
	struct prefix matched;
	const struct route *r;

	if (route_local(n, a))
		return true;
	r = route_find(n, a, &matched);
	return r && r->kind == NHRP_RT_OUT && matched.bits > 0;
}

static void
free_route(void *ctx, const struct prefix *p, void *val)
{
	(void)p;
	env_free(ctx, val);
}

void
routes_fini(struct nhrp *n)
{
	static const struct prefix all[2] = { { .addr = { .n = 4 } }, { .addr = { .n = 16 } } };

	for (unsigned i = 0; i < 2; i++) {
		trie_within(&n->routes, &all[i], free_route, &n->env);
		trie_within(&n->locals, &all[i], free_route, &n->env);
	}
	trie_fini(&n->routes);
	trie_fini(&n->locals);
}
