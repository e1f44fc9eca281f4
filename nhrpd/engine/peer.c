/* nhrpd/engine/peer.c: partners with a live SA. A peer is a number of the core's; what binds protocol addresses to it
 * hangs on its own list, so that one peer's end touches nobody else's entries. */
#include "nhrpd/engine/nhrp_priv.h"

static bool
peer_eq(const struct map_node *node, const void *key)
{
	return container_of(node, struct peer, node)->id == *(const uint32_t *)key;
}

struct peer *
peer_find(const struct nhrp *n, uint32_t id)
{
	struct map_node *m = map_find(&n->peers, map_hash(&n->peers, &id, sizeof(id)), peer_eq, &id);

	return m ? container_of(m, struct peer, node) : NULL;
}

/* Without authentication (an unprotected tunnel) nobody has an identity, and nobody the same. */
bool
peer_same_identity(const struct peer *a, const struct peer *b)
{
	return a->identity_len && a->identity_len == b->identity_len && memcmp(a->identity, b->identity, a->identity_len) == 0;
}

bool
peer_is_nhs(const struct nhrp *n, const struct peer *p)
{
	for (unsigned i = 0; i < n->n_nhc; i++) {
		if (n->nhc[i].peer == p)
			return true;
	}
	return false;
}

static void
peer_moved(struct nhrp *n, struct peer *p, const struct nhrp_event *ev)
{
	bool moved = !addr_eq(&p->remote.addr, &ev->remote.addr);

	p->remote = ev->remote;
	p->natted = ev->natted || (ev->kind == NHRP_EV_PEER_MOVED && p->natted);
	if (!moved)
		return;
	nhc_fallback_again(n, p);
	LIST_EACH(it, nx, &p->bindings) {
		binding_moved(n, container_of(it, struct binding, by_peer));
	}
}

/* All that used it lets go; the peer itself is freed by the caller. */
void
peer_gone(struct nhrp *n, struct peer *p, const char *reason)
{
	p->gone = true;
	qos_group_peer_gone(n, p);
	rate_peer_gone(n, p);
	doubt_end(n, p);
	map_del(&n->peers, &p->node);
	nhc_peer_lost(n, p, reason);
	while (!list_empty(&p->bindings))
		binding_detach(n, container_of(p->bindings.next, struct binding, by_peer), reason);
	peer_authority_free(n, p);
	env_free(&n->env, p);
}

/* Better a new try than an SA nobody uses, or one that may claim anything. */
static void
no_memory(struct nhrp *n, uint32_t peer)
{
	struct nhrp_act *a = act(n, NHRP_ACT_DROP_PEER);

	log_limited(n->log, &n->limit, n->now, LOG_LV_ERROR, "no-memory", "peer %u is dropped", (unsigned)peer);
	drop(n, NHRP_DROP_MEMORY);
	if (a) {
		a->peer = peer;
		a->reason = "out of memory";
	}
}

static bool
may_of(struct nhrp *n, struct peer *p, const struct claims *may)
{
	bool ok;

	p->may = claims_copy(&n->env, may, &ok);
	return ok;
}

static void
peer_limited(struct nhrp *n, struct peer *p, const struct nhrp_event *ev)
{
	if (!peer_set_may(n, p, ev->may))
		no_memory(n, p->id);
}

static void
peer_up(struct nhrp *n, const struct nhrp_event *ev)
{
	struct peer *p = peer_find(n, ev->peer);
	size_t len = ev->identity.n < NHRP_IDENTITY_MAX ? ev->identity.n : NHRP_IDENTITY_MAX;

	if (p && (p->identity_len != len || (len && memcmp(p->identity, ev->identity.p, len) != 0))) {
		peer_gone(n, p, "the number went to another peer");
		p = NULL;
	}
	if (p) {
		peer_moved(n, p, ev);
		peer_limited(n, p, ev);
		return;
	}
	p = env_alloc(&n->env, sizeof(*p) + len + 1);
	if (!p || !may_of(n, p, ev->may)) {
		env_free(&n->env, p);
		no_memory(n, ev->peer);
		return;
	}
	p->id = ev->peer;
	p->remote = ev->remote;
	p->natted = ev->natted;
	p->identity_len = len;
	if (len)
		memcpy(p->identity, ev->identity.p, len);
	list_init(&p->bindings);
	map_add(&n->peers, &p->node, map_hash(&n->peers, &p->id, sizeof(p->id)));
	keep_peer_up(n, p);
}

void
peer_unneeded(struct nhrp *n, struct peer *p, const char *reason)
{
	struct nhrp_act *a = list_empty(&p->bindings) && !peer_is_nhs(n, p) ? act(n, NHRP_ACT_DROP_PEER) : NULL;

	if (a) {
		a->peer = p->id;
		a->reason = reason;
	}
}

void
peer_event(struct nhrp *n, const struct nhrp_event *ev)
{
	struct peer *p = peer_find(n, ev->peer);

	if (ev->kind == NHRP_EV_PEER_UP)
		peer_up(n, ev);
	else if (p && ev->kind == NHRP_EV_PEER_MOVED)
		peer_moved(n, p, ev);
	else if (p && ev->kind == NHRP_EV_PEER_AGAIN)
		nhc_again(n, p);
	else if (p && ev->kind == NHRP_EV_PEER_MAY)
		peer_limited(n, p, ev);
	else if (p)
		peer_gone(n, p, ev->reason && *ev->reason ? ev->reason : "its SA is gone");
}

void
peers_fini(struct nhrp *n)
{
	struct map_iter it;

	for (struct map_node *m = map_first(&n->peers, &it); m; m = map_next(&n->peers, &it)) {
		peer_authority_free(n, container_of(m, struct peer, node));
		env_free(&n->env, container_of(m, struct peer, node)->out_refused);
		env_free(&n->env, container_of(m, struct peer, node));
	}
	map_fini(&n->peers);
}
