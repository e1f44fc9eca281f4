/* nhrpd/engine/authority.c: what a peer may claim. The core tells with PEER_UP, and with PEER_MAY when that changes: a list of tunnel
 * addresses, of prefixes and of groups (lib/claims.h), out of the peer's certificate or of the configuration. Where the list does not speak of a kind
 * of claim, first come keeps the address for its identity, as without one (nhs.c).
 *
 * Where it is asked: hubs of ours, before we register and by what their reply calls them (nhc.c), registrations (nhs.c: code 4), requests that come straight from their source and so say whose SA this is (nhrp.c),
 * resolution replies that come straight from who answers (resolve.c), and every binding and shortcut at the moment its SA is known, by
 * whatever way the answer came (cache.c, shortcut.c): a hub passes replies on for others, and only the SA to who answered tells his
 * identity. Nothing is installed before that. When the list changes, what stands is judged anew.
 *
 * A refusal is counted, logged with who claims what and what he may, and kept with the peer for shows. */
#include "nhrpd/engine/nhrp_priv.h"

#include <stdio.h>

bool
peer_may(const struct peer *p, unsigned kind, const struct prefix *what)
{
	return claims_allow(p->may, kind, what);
}

bool
peer_may_have(const struct peer *p, const struct addr *proto)
{
	struct prefix host = prefix_host(proto);

	return claims_allow(p->may, CLAIM_ADDRESS, &host);
}

/* Its own by name, not only because nobody says otherwise. */
bool
peer_is_entitled(const struct peer *p, const struct addr *proto)
{
	return claims_speak(p->may, CLAIM_ADDRESS, proto->n) && peer_may_have(p, proto);
}

static unsigned
kind_of(const struct nhrp *n, const struct prefix *what)
{
	return what->bits == addr_bits(&what->addr) && own_subnet(n, &what->addr) ? CLAIM_ADDRESS : CLAIM_PREFIX;
}

/* A tunnel address that somebody leads to is claimed as an address; anything else as a prefix. */
bool
peer_may_lead(const struct nhrp *n, const struct peer *p, const struct prefix *what)
{
	return peer_may(p, kind_of(n, what), what);
}

bool
peer_may_group(const struct peer *p, struct span group)
{
	return claims_allow_group(p->may, group);
}

static const char *
refuse(struct nhrp *n, struct peer *p, const char *claim, const char *may)
{
	if (!p->refusal)
		p->refusal = env_alloc(&n->env, REFUSAL_MAX);
	p->refusals++;
	p->refused_at = n->now ? n->now : 1;
	log_of(n->log, n->now, peer_name(p), LOG_LV_WARN, "not-allowed", "refused: %s at %s claims %s, may claim %s", peer_name(p),
	    addr_fmt(&p->remote.addr, (char[ADDR_STRLEN]){ 0 }), claim, may);
	if (!p->refusal)
		return "refused: claims what it may not";
	snprintf(p->refusal, REFUSAL_MAX, "refused: %.100s claims %s, may claim %s", peer_name(p), claim, may);
	return p->refusal;
}

const char *
peer_refuse(struct nhrp *n, struct peer *p, unsigned kind, const struct prefix *what)
{
	char may[CLAIMS_TEXT_MAX], claim[PREFIX_STRLEN];

	if (what->bits == addr_bits(&what->addr))
		addr_fmt(&what->addr, claim);
	else
		prefix_fmt(what, claim);
	return refuse(n, p, claim, claims_fmt(p->may, kind, may));
}

const char *
peer_refuse_group(struct nhrp *n, struct peer *p, struct span group)
{
	char may[CLAIMS_TEXT_MAX], claim[sizeof("group ") + NHRP_GROUP_MAX];

	snprintf(claim, sizeof(claim), "group %.*s", (int)group.n, (const char *)group.p);
	return refuse(n, p, claim, claims_fmt_groups(p->may, may));
}

const char *
peer_judge(struct nhrp *n, struct peer *p, const struct addr *proto, const struct prefix *what)
{
	struct prefix host = prefix_host(proto);

	if (!peer_may_have(p, proto))
		return peer_refuse(n, p, CLAIM_ADDRESS, &host);
	if (what && !peer_may_lead(n, p, what))
		return peer_refuse(n, p, kind_of(n, what), what);
	return NULL;
}

/* ---- another list */

static void
judge_binding(struct nhrp *n, struct peer *p, struct binding *b)
{
	const char *why = b->type == NHRP_CT_NHS ? NULL : peer_judge(n, p, &b->proto, NULL);

	if (!why && !peer_may_group(p, qos_group_of(b)))
		why = peer_refuse_group(n, p, qos_group_of(b));

	if (!why) {
		LIST_EACH(it, nx, &b->shortcuts) {
			struct shortcut *s = container_of(it, struct shortcut, by_binding);

			if (!peer_may_lead(n, p, &s->prefix))
				shortcut_later(n, s, SC_EV_GONE, peer_refuse(n, p, kind_of(n, &s->prefix), &s->prefix));
		}
		return;
	}
	drop(n, NHRP_DROP_NOT_ALLOWED);
	b->pinned++;
	binding_detach(n, b, why);
	b->pinned--;
	if (b->type == NHRP_CT_DYNAMIC)
		binding_forget(n, b);
	else
		binding_gc(n, b);
}

/* False: no memory, and nothing changed. */
bool
peer_set_may(struct nhrp *n, struct peer *p, const struct claims *may)
{
	struct claims *copy;
	bool ok;

	if (claims_eq(p->may, may))
		return true;
	copy = claims_copy(&n->env, may, &ok);
	if (!ok)
		return false;
	env_free(&n->env, p->may);
	p->may = copy;
	LIST_EACH(it, nx, &p->bindings) {
		judge_binding(n, p, container_of(it, struct binding, by_peer));
	}
	nhc_judge(n, p);
	return true;
}

bool
nhrp_peer_may(const struct nhrp *n, uint32_t peer, struct nhrp_may_info *out)
{
	const struct peer *p = peer_find(n, peer);

	if (p)
		*out = (struct nhrp_may_info){ .peer = p->id, .identity = p->identity, .remote = p->remote, .may = p->may,
			.refusals = p->refusals, .last = p->refused_at, .reason = p->refusal ? p->refusal : "" };
	return p != NULL;
}

void
nhrp_visit_refused(const struct nhrp *n, nhrp_may_fn *fn, void *ctx)
{
	struct map_iter it;

	for (struct map_node *m = map_first(&n->peers, &it); m; m = map_next(&n->peers, &it)) {
		const struct peer *p = container_of(m, struct peer, node);
		struct nhrp_may_info i;

		if (p->refusals && nhrp_peer_may(n, p->id, &i) && !fn(ctx, &i))
			return;
	}
}

void
peer_authority_free(struct nhrp *n, struct peer *p)
{
	env_free(&n->env, p->may);
	env_free(&n->env, p->refusal);
}
