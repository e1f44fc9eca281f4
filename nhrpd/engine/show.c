/* nhrpd/engine/show.c: what people and the control socket see. Copies only; nothing here changes the engine. */
#include "nhrpd/engine/nhrp_priv.h"

const char *
nhrp_cache_type_name(enum nhrp_cache_type t)
{
	static const char *const name[] = {
		[NHRP_CT_NONE] = "none", [NHRP_CT_INCOMPLETE] = "incomplete", [NHRP_CT_NEGATIVE] = "negative", [NHRP_CT_CACHED] = "cached",
		[NHRP_CT_DYNAMIC] = "dynamic", [NHRP_CT_NHS] = "nhs", [NHRP_CT_STATIC] = "static", [NHRP_CT_LOCAL] = "local",
	};

	return (unsigned)t < sizeof(name) / sizeof(name[0]) ? name[t] : "none";
}

static struct nhrp_cache_info
binding_info(const struct nhrp *n, const struct binding *b)
{
	struct nhrp_cache_info i = { .prefix = prefix_host(&b->proto), .type = b->type, .nbma = b->nbma, .nbma_claimed = b->nbma_claimed,
		.unique = b->unique, .natted = b->natted, .mcast = b->mcast, .registered = b->type == NHRP_CT_DYNAMIC, .installed = b->neigh_state == NEIGH_OK,
		.created = b->created, .expires = b->expires, .identity = "", .reason = "", .group = b->group ? b->group : "", .rate_reason = "" };

	i.has_peer = b->peer != NULL;
	i.restored = b->restored;
	if (b->holder)
		i.identity = b->holder->text;
	if (b->restored)
		i.reason = "known from before the restart, not confirmed yet";
	if (b->refused && b->neigh_state != NEIGH_OK) {
		i.refused = true;
		i.reason = b->refused->reason;
		i.retry = b->retry_at;
	}
	if (b->peer) {
		i.peer = b->peer->id;
		i.identity = b->peer->identity;
		i.natted |= b->peer->natted;
		i.rate = b->peer->out_refused ? 0 : b->peer->out_rate;
		i.rate_reason = b->peer->out_refused ? b->peer->out_refused : "";
		i.used = b->peer->used_at && n->now - b->peer->used_at < TICK_S(n->conf.hold_s);
	}
	return i;
}

static struct nhrp_cache_info
local_info(const struct nhrp *n, const struct prefix *own)
{
	return (struct nhrp_cache_info){ .prefix = prefix_host(&own->addr), .type = NHRP_CT_LOCAL,
		.nbma = n->public_nbma.n ? n->public_nbma : n->nbma,
		.nbma_claimed = n->nbma, .natted = we_are_natted(n), .expires = TICK_NEVER, .identity = "", .reason = "", .group = n->conf.group,
		.rate_reason = "" };
}

struct visit {
	const struct nhrp *n;
	nhrp_cache_fn *cache;
	nhrp_shortcut_fn *shortcut;
	void *ctx;
	bool stop;
};

/* A shortcut is an entry of its own where it says more than its binding: a prefix, a question, a refusal. */
static void
visit_prefix(void *ctx, const struct prefix *p, void *val)
{
	struct visit *v = ctx;
	const struct shortcut *s = val;
	const struct binding *b = s->binding;
	struct nhrp_cache_info i = { .prefix = *p, .type = NHRP_CT_INCOMPLETE, .created = s->since, .expires = s->expires, .identity = "",
		.reason = s->reason, .group = "", .rate_reason = "" };

	if (v->stop || (b && prefix_has(p, &b->proto) && p->bits == addr_bits(&p->addr)))
		return;
	if (s->state == SC_NEGATIVE) {
		i.type = NHRP_CT_NEGATIVE;
		i.expires = s->retry_at;
	} else if (b) {
		i = binding_info(v->n, b);
		i.prefix = *p;
		i.type = NHRP_CT_CACHED;
		i.installed = s->state == SC_UP || s->state == SC_REFRESH;
		i.created = s->since;
		i.expires = s->expires;
		i.reason = s->reason;
	}
	v->stop = !v->cache(v->ctx, &i);
}

/* One address is looked up, whatever else there is. */
static bool
visit_bindings(const struct nhrp *n, const struct prefix *within, nhrp_cache_fn *fn, void *ctx)
{
	bool host = within && within->addr.n && within->bits == addr_bits(&within->addr);
	const struct binding *b = host ? binding_find(n, &within->addr) : NULL;
	struct nhrp_cache_info i;
	struct map_iter it;

	if (host) {
		if (b)
			i = binding_info(n, b);
		return !b || fn(ctx, &i);
	}
	for (struct map_node *m = map_first(&n->cache, &it); m; m = map_next(&n->cache, &it)) {
		i = binding_info(n, container_of(m, struct binding, node));
		if ((!within || prefix_covers(within, &i.prefix)) && !fn(ctx, &i))
			return false;
	}
	return true;
}

void
nhrp_visit_cache(const struct nhrp *n, const struct prefix *within, nhrp_cache_fn *fn, void *ctx)
{
	static const struct prefix everything[2] = { { .addr = { .n = 4 } }, { .addr = { .n = 16 } } };
	struct visit v = { .n = n, .cache = fn, .ctx = ctx };

	for (unsigned k = 0; k < n->conf.n_own; k++) {
		struct nhrp_cache_info i = local_info(n, &n->conf.own[k]);

		if ((!within || prefix_covers(within, &i.prefix)) && !fn(ctx, &i))
			return;
	}
	if (!visit_bindings(n, within, fn, ctx))
		return;
	for (unsigned k = 0; k < (within ? 1 : 2); k++)
		trie_within(&n->shortcuts, within ? within : &everything[k], visit_prefix, &v);
}

void
nhrp_visit_nhs(const struct nhrp *n, nhrp_nhs_fn *fn, void *ctx)
{
	for (unsigned k = 0; k < n->n_nhc; k++) {
		const struct nhc *c = &n->nhc[k];
		struct nhrp_nhs_info i = { .index = c->index, .proto = c->proto, .name = c->said.name, .state = nhc_state_name[c->state],
			.up = c->state == NHC_REGISTERED, .mcast = c->said.mcast, .family = c->said.family, .priority = c->said.priority, .cluster = c->said.cluster, .has_peer = c->peer != NULL, .since = c->since,
			.next = c->next, .requests = c->requests, .replies = c->replies, .failures = c->failures, .reason = c->reason };

		if (!c->used)
			continue;
		if (c->peer) {
			i.peer = c->peer->id;
			i.nbma = c->peer->remote.addr;
		} else if (c->n_addrs) {
			i.nbma = c->addrs[0];
		}
		if (!fn(ctx, &i))
			return;
	}
}

static void
visit_shortcut(void *ctx, const struct prefix *p, void *val)
{
	struct visit *v = ctx;
	const struct shortcut *s = val;
	const struct binding *b = s->binding;
	struct nhrp_shortcut_info i = { .dst = s->dst, .prefix = *p, .state = sc_state_name[s->state], .since = s->since,
		.expires = s->state == SC_NEGATIVE ? s->retry_at : s->expires, .reason = s->reason };

	if (v->stop)
		return;
	if (b) {
		i.via = b->proto;
		i.nbma = b->peer ? b->peer->remote.addr : b->nbma;
		i.has_peer = b->peer != NULL;
		i.peer = b->peer ? b->peer->id : 0;
	}
	v->stop = !v->shortcut(v->ctx, &i);
}

void
nhrp_visit_shortcut(const struct nhrp *n, nhrp_shortcut_fn *fn, void *ctx)
{
	static const struct prefix everything[2] = { { .addr = { .n = 4 } }, { .addr = { .n = 16 } } };
	struct visit v = { .n = n, .shortcut = fn, .ctx = ctx };

	for (unsigned k = 0; k < 2; k++)
		trie_within(&n->shortcuts, &everything[k], visit_shortcut, &v);
}

unsigned
nhrp_peer_protos(const struct nhrp *n, uint32_t peer, struct nhrp_cache_info *out, unsigned max)
{
	struct peer *p = peer_find(n, peer);
	unsigned k = 0;

	if (!p)
		return 0;
	LIST_EACH(it, nx, &p->bindings) {
		if (k < max)
			out[k++] = binding_info(n, container_of(it, struct binding, by_peer));
	}
	return k;
}

uint64_t
nhrp_count_type(const struct nhrp *n, enum nhrp_dir d, uint8_t type)
{
	return type < NHRP_TYPES ? n->by_type[d == NHRP_TX ? NHRP_TX : NHRP_RX][type] : 0;
}

struct nhrp_route_work
nhrp_route_work(const struct nhrp *n)
{
	return n->route_work;
}

uint64_t
nhrp_count_drop(const struct nhrp *n, enum nhrp_drop d)
{
	return d < NHRP_DROPS_N ? n->by_drop[d] : 0;
}
