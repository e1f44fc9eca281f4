/* nhrpd/engine/redirect.c: Traffic Indications, Cisco's type 8 (reference 11). Sent by a hub that forwarded a packet from a peer to
 * a peer: destination is the packet's source, payload the packet. Rates are bounded per pair and for all, in a table that
 * forgets the oldest. Received by a spoke they start a resolution, for traffic that entered the network here only. */
#include "nhrpd/engine/nhrp_priv.h"

/* Source and destination of an IP packet, which may be cut after the header. */
static bool
ip_ends(struct span ip, struct addr *src, struct addr *dst)
{
	uint8_t version = ip.n ? ip.p[0] >> 4 : 0;

	if (version == 4 && ip.n >= 20) {
		*src = addr_of(ip.p + 12, 4);
		*dst = addr_of(ip.p + 16, 4);
		return true;
	}
	if (version == 6 && ip.n >= 40) {
		*src = addr_of(ip.p + 8, 16);
		*dst = addr_of(ip.p + 24, 16);
		return true;
	}
	return false;
}

/* ---- sending */

struct pair_key {
	struct addr src, dst;
};

static bool
pair_eq(const struct map_node *node, const void *key)
{
	const struct redirect_pair *p = container_of(node, struct redirect_pair, node);
	const struct pair_key *k = key;

	return addr_eq(&p->src, &k->src) && addr_eq(&p->dst, &k->dst);
}

static void
pair_free(struct nhrp *n, struct redirect_pair *p)
{
	map_del(&n->pairs, &p->node);
	list_remove(&p->age);
	env_free(&n->env, p);
}

static struct redirect_pair *
pair_get(struct nhrp *n, const struct addr *src, const struct addr *dst)
{
	struct pair_key k = { *src, *dst };
	uint64_t hash = map_hash(&n->pairs, &k, sizeof(k));
	struct map_node *m = map_find(&n->pairs, hash, pair_eq, &k);
	struct redirect_pair *p;

	if (m) {
		p = container_of(m, struct redirect_pair, node);
		list_remove(&p->age);
		list_append(&n->pairs_age, &p->age);
		return p;
	}
	if (n->pairs.n >= REDIRECT_PAIRS_MAX)
		pair_free(n, container_of(n->pairs_age.next, struct redirect_pair, age));
	p = env_alloc(&n->env, sizeof(*p));
	if (!p)
		return NULL;
	p->src = *src;
	p->dst = *dst;
	list_append(&n->pairs_age, &p->age);
	map_add(&n->pairs, &p->node, hash);
	return p;
}

static bool
allowed(struct nhrp *n, const struct addr *src, const struct addr *dst)
{
	struct redirect_pair *p = pair_get(n, src, dst);

	if (!p) {
		drop(n, NHRP_DROP_MEMORY);
		return false;
	}
	if (bucket_take_slow(&p->bucket, n->now, TICK_S(REDIRECT_EVERY_S), n->conf.redirect_pair_burst) &&
	    bucket_take(&n->redirects, n->now, n->conf.redirect_rate, n->conf.redirect_rate))
		return true;
	drop(n, NHRP_DROP_RATE);
	return false;
}

void
redirect_send(struct nhrp *n, const struct nhrp_event *ev)
{
	struct peer *to = peer_find(n, ev->peer);
	char from[ADDR_STRLEN], at[ADDR_STRLEN];
	const struct prefix *own;
	struct addr src, dst;
	struct tx t;
	size_t fits, extra = 20 + 8 + 16 + 32 + 8 + NHRP_AUTH_MAX + 4;	/* header, addresses at most, authentication, End */

	if (!n->conf.redirect || !to || ev->peer == ev->out_peer || !ip_ends(ev->packet, &src, &dst))
		return;
	own = own_prefix(n, src.n);
	if (!own || !addr_is_unicast(&src) || !addr_is_unicast(&dst) || own_has(n, &src) || own_has(n, &dst) || !allowed(n, &src, &dst))
		return;
	NHRP_DEBUG(n, "redirect", "peer %u (%.*s) is told of a direct way for %s -> %s, which left to peer %u", (unsigned)to->id, (int)to->identity_len,
	    to->identity, addr_fmt(&src, from), addr_fmt(&dst, at), (unsigned)ev->out_peer);
	tx_init(n, &t, to, NHRP_TRAFFIC_INDICATION, &own->addr, &src);
	t.p.hops = HOPS_ONE;
	t.p.has_ext = true;
	fits = mtu_of(n) > extra ? mtu_of(n) - extra : 0;
	t.p.payload = span_of(ev->packet.p, ev->packet.n < fits ? ev->packet.n : fits);
	tx_send(n, &t, to);
}

/* ---- receiving */

/* Whom our traffic to dst goes to: a hub, the next hop, or who is at the other end of a shortcut. Nobody else can have seen it. */
static bool
forwards_for_us(const struct nhrp *n, const struct peer *p, const struct addr *dst)
{
	const struct shortcut *s = trie_match(&n->shortcuts, dst, NULL);

	return peer_is_nhs(n, p) || next_hop(n, dst, NULL) == p || (s && s->binding && s->binding->peer == p);
}

enum nhrp_drop
redirect_rx(struct nhrp *n, const struct rx *rx)
{
	const struct route *r;
	struct addr src, dst;

	if (!n->conf.shortcut)
		return NHRP_DROP_REDIRECT_OFF;
	if (!ip_ends(rx->p->payload, &src, &dst) || !addr_is_unicast(&dst) || route_local(n, &dst) || !own_prefix(n, dst.n))
		return NHRP_DROP_REDIRECT_BAD;
	if (!route_behind(n, &src))
		return NHRP_DROP_REDIRECT_SRC;
	if (!forwards_for_us(n, rx->peer, &dst))
		return NHRP_DROP_REDIRECT_FROM;
	r = route_find(n, &dst, NULL);
	if (r && r->kind != NHRP_RT_NBMA && !own_subnet(n, &dst))
		return NHRP_DROP_REDIRECT_BAD;	/* it does not go through this network */
	n->redirected = true;
	shortcut_traffic(n, &dst);
	n->redirected = false;
	return NHRP_OK;
}

void
redirect_fini(struct nhrp *n)
{
	while (!list_empty(&n->pairs_age))
		pair_free(n, container_of(n->pairs_age.next, struct redirect_pair, age));
	map_fini(&n->pairs);
}
