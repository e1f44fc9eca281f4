/* nhrpd/engine/keep.c: registrations over a restart: marks for whoever stores them, and what comes back from there.
 *
 * Going out: a registration that was added, changed or went away is marked, and nhrp_visit_changes() hands the marked ones out,
 * each once however often it changed. A refresh that moves nothing but the end is marked when a third of the holding time has
 * gone since the last one that was. With conf.keep off nothing is marked.
 *
 * Coming back: a restored registration is a registration whose client is not here. It holds its address for the identity that
 * registered it until it confirms, or the holding time it was granted ends: after a restart of ours the missing SA says
 * nothing about the client, so that unlike in other times nobody else gets a unique address for its absence. When that
 * identity comes with an SA, its addresses lead there at once; it does not have to register first (some do so minutes
 * later). Until then there is nobody to hand a resolution request to. It is not answered from the stored NBMA address:
 * everybody asks for authoritative answers (RFC 2332 5.2.1), and the client may have moved while we were away (6.2 lets a
 * server drop what it cannot vouch for). It is not refused either, which the requester would remember: it asks again soon. */
#include "nhrpd/engine/nhrp_priv.h"

enum { GONE_MAX = 65536, REFRESH_PART = 3 };

struct gone {	/* a registration that went away */
	struct list link;
	struct addr proto;
};

/* ---- whose it is */

static bool
holder_eq(const struct map_node *node, const void *key)
{
	const struct holder *h = container_of(node, struct holder, node);

	return span_eq(span_of(h->text, h->len), *(const struct span *)key);
}

static struct holder *
holder_find(const struct nhrp *n, struct span identity)
{
	struct map_node *m = map_find(&n->holders, map_hash(&n->holders, identity.p, identity.n), holder_eq, &identity);

	return m ? container_of(m, struct holder, node) : NULL;
}

static struct holder *
holder_get(struct nhrp *n, struct span identity)
{
	struct holder *h = holder_find(n, identity);

	if (h)
		return h;
	h = env_alloc(&n->env, sizeof(*h) + identity.n + 1);
	if (!h)
		return NULL;
	h->len = identity.n;
	if (identity.n)
		memcpy(h->text, identity.p, identity.n);
	list_init(&h->bindings);
	map_add(&n->holders, &h->node, map_hash(&n->holders, identity.p, identity.n));
	return h;
}

static void
holder_leave(struct nhrp *n, struct binding *b)
{
	struct holder *h = b->holder;

	list_remove(&b->by_holder);
	b->holder = NULL;
	if (!h || !list_empty(&h->bindings))
		return;
	map_del(&n->holders, &h->node);
	env_free(&n->env, h);
}

bool
keep_hold(struct nhrp *n, struct binding *b, struct span identity)
{
	struct holder *h = holder_get(n, identity);

	if (!h)
		return false;
	if (b->holder == h)
		return true;
	holder_leave(n, b);
	b->holder = h;
	list_append(&h->bindings, &b->by_holder);
	keep_changed(n, b);
	return true;
}

/* Without identities the claimed NBMA address stands for one. */
bool
keep_is_for(const struct binding *b, const struct peer *p, const struct addr *claimed)
{
	if (b->holder->len || p->identity_len)
		return span_eq(span_of(b->holder->text, b->holder->len), span_of(p->identity, p->identity_len));
	return !claimed || addr_eq(&b->nbma_claimed, claimed);
}

/* ---- marks */

void
keep_changed(struct nhrp *n, struct binding *b)
{
	if (!n->conf.keep || !list_empty(&b->changed))
		return;
	list_append(&n->changed, &b->changed);
	n->n_changes++;
}

void
keep_refreshed(struct nhrp *n, struct binding *b, tick_t hold)
{
	tick_t by = b->expires > b->kept_expires ? b->expires - b->kept_expires : b->kept_expires - b->expires;

	if (by >= hold / REFRESH_PART)
		keep_changed(n, b);
}

/* All back, or the rest of them given up: how long that took is what a restart costs. */
static void
await_one_less(struct nhrp *n, bool confirmed)
{
	tick_t took = n->now - n->restored_at;

	n->n_confirmed += confirmed;
	if (--n->n_restored)
		return;
	log_at(n->log, LOG_LV_NOTICE, "store-confirmed", "%zu registration%s from before the restart confirmed, after %llu.%03llu s", n->n_confirmed,
	    n->n_confirmed == 1 ? "" : "s", (unsigned long long)(took / 1000000), (unsigned long long)(took / 1000 % 1000));
	n->n_confirmed = 0;
}

void
keep_confirmed(struct nhrp *n, struct binding *b)
{
	if (!b->restored)
		return;
	b->restored = false;
	await_one_less(n, true);
}

void
keep_gone(struct nhrp *n, struct binding *b)
{
	struct gone *g = n->conf.keep && n->n_gone < GONE_MAX ? env_alloc(&n->env, sizeof(*g)) : NULL;

	if (!list_empty(&b->changed))
		n->n_changes--;
	list_remove(&b->changed);
	holder_leave(n, b);
	if (b->restored)
		await_one_less(n, false);
	b->restored = false;
	b->kept_expires = 0;
	if (!g) {
		n->changes_lost |= n->conf.keep;
		return;
	}
	g->proto = b->proto;
	list_append(&n->gone, &g->link);
	n->n_gone++;
	n->n_changes++;
}

size_t
nhrp_changes(const struct nhrp *n)
{
	return n->n_changes + n->changes_lost;
}

static void
hand_out_gone(struct nhrp *n, nhrp_mapping_fn *fn, void *ctx)
{
	struct gone *g = container_of(n->gone.next, struct gone, link);
	struct nhrp_mapping m = { .prefix = prefix_host(&g->proto), .type = NHRP_CT_NONE };

	list_remove(&g->link);
	n->n_gone--;
	n->n_changes--;
	env_free(&n->env, g);
	if (fn)
		fn(ctx, &m);
}

static void
hand_out(struct nhrp *n, nhrp_mapping_fn *fn, void *ctx)
{
	struct binding *b = container_of(n->changed.next, struct binding, changed);
	struct nhrp_mapping m = { .prefix = prefix_host(&b->proto), .type = b->type, .nbma = b->nbma, .nbma_claimed = b->nbma_claimed,
		.identity = span_of(b->holder->text, b->holder->len), .unique = b->unique, .mtu = b->mtu, .expires = b->expires,
		.group = qos_group_of(b) };

	list_remove(&b->changed);
	n->n_changes--;
	b->kept_expires = b->expires;
	fn(ctx, &m);
}

/* Those that went first: a new registration of the same address may stand behind. */
bool
nhrp_visit_changes(struct nhrp *n, size_t max, nhrp_mapping_fn *fn, void *ctx)
{
	bool lost = n->changes_lost;

	for (; max && !list_empty(&n->gone); max--)
		hand_out_gone(n, fn, ctx);
	for (; max && !list_empty(&n->changed); max--)
		hand_out(n, fn, ctx);
	n->changes_lost = false;
	return !lost;
}

void
nhrp_changes_again(struct nhrp *n)
{
	struct map_iter it;

	while (!list_empty(&n->gone))
		hand_out_gone(n, NULL, NULL);
	n->changes_lost = false;
	for (struct map_node *m = map_first(&n->cache, &it); m; m = map_next(&n->cache, &it)) {
		struct binding *b = container_of(m, struct binding, node);

		if (b->type == NHRP_CT_DYNAMIC)
			keep_changed(n, b);
	}
}

/* ---- coming back */

static bool
sane(const struct nhrp *n, tick_t now, const struct nhrp_mapping *m)
{
	const struct addr *proto = &m->prefix.addr;

	return m->type == NHRP_CT_DYNAMIC && proto->n && m->prefix.bits == addr_bits(proto) && own_prefix(n, proto->n) &&
	    own_subnet_sane(n, proto) && addr_is_unicast(&m->nbma) && m->identity.n <= NHRP_IDENTITY_MAX &&
	    m->expires > now && m->expires != TICK_NEVER && (!m->group.n || nhrp_group_is_sane(m->group));
}

bool
nhrp_restore(struct nhrp *n, tick_t now, const struct nhrp_mapping *m)
{
	struct binding *b;

	n->now = now;
	if (!sane(n, now, m) || binding_find(n, &m->prefix.addr))
		return false;
	b = binding_get(n, &m->prefix.addr);
	if (!b)
		return false;
	if (!qos_group_note(n, b, m->group) || !keep_hold(n, b, m->identity)) {
		binding_gc(n, b);
		return false;
	}
	b->nbma = m->nbma;
	b->nbma_claimed = m->nbma_claimed.n ? m->nbma_claimed : m->nbma;
	b->natted = !addr_eq(&b->nbma, &b->nbma_claimed);
	b->unique = m->unique;
	b->mcast = n->conf.mcast_dynamic;
	b->mtu = m->mtu;
	b->restored = true;
	if (!n->n_restored++)
		n->restored_at = now;
	binding_set_type(n, b, NHRP_CT_DYNAMIC, m->expires);
	if (!list_empty(&b->changed))
		n->n_changes--;
	list_remove(&b->changed);	/* it is where it came from */
	b->kept_expires = b->expires;
	return true;
}

void
keep_peer_up(struct nhrp *n, struct peer *p)
{
	struct holder *h = p->identity_len ? holder_find(n, span_of(p->identity, p->identity_len)) : NULL;

	if (!h)
		return;
	LIST_EACH(it, nx, &h->bindings) {
		struct binding *b = container_of(it, struct binding, by_holder);

		if (!b->restored || b->peer || p->n_registered >= PEER_BINDINGS_MAX || !peer_may_have(p, &b->proto) ||
		    !peer_may_group(p, qos_group_of(b)))
			continue;
		b->nbma = p->remote.addr;
		b->natted = !addr_eq(&b->nbma, &b->nbma_claimed);
		binding_attach(n, b, p);
		qos_group_sync(n, p);
	}
}

bool
keep_awaits(const struct nhrp *n, const struct addr *proto)
{
	const struct route *r = route_find(n, proto, NULL);
	const struct binding *b = binding_find(n, proto);

	if (!b && r && r->kind == NHRP_RT_NBMA && r->via.n)
		b = binding_find(n, &r->via);
	return b && b->restored && !b->peer;
}

void
keep_fini(struct nhrp *n)
{
	struct map_iter it;

	while (!list_empty(&n->gone))
		hand_out_gone(n, NULL, NULL);
	for (struct map_node *m = map_first(&n->holders, &it); m; m = map_next(&n->holders, &it))
		env_free(&n->env, container_of(m, struct holder, node));
	map_fini(&n->holders);
}
