/* nhrpd/engine/nhs.c: the server side of registration (RFC 2332 5.2.4): judges each entry of a request, binds, answers.
 *
 * Who may have an address: the authenticated identity that holds it may always register it again, from any NBMA address and
 * over any SA (a client that moved or restarted). Another identity is refused while the holder's SA lives, unless `steal`
 * is set; where nothing is authenticated the claimed NBMA address stands for the identity, which is the RFC's unique rule.
 * Where a certificate or the configuration says what a peer may have (authority.c), that goes before: nothing else is granted, and who
 * is entitled to an address by name gets it from one who only came first.
 * So with the group it says it is of. A refresh that changes nothing causes nothing but the reply. */
#include "nhrpd/engine/nhrp_priv.h"

struct claim {
	struct addr proto, nbma;	/* as claimed */
	struct addr seen;	/* outer source */
	bool unique;
	uint16_t hold_s, mtu;
	struct span group;
};

static uint8_t
prefix_code(const struct nhrp_cie *cie, const struct claim *c)
{
	if (cie_bits(cie, &c->proto) == addr_bits(&c->proto))
		return NHRP_CODE_OK;
	return c->unique ? NHRP_CODE_PROHIBITED : NHRP_CODE_NOT_UNIQUE;
}

/* Configured entries are not replaced, but an NHS of ours, or a static partner, may well register with us. */
static uint8_t
configured_code(const struct binding *b, const struct peer *p, const struct claim *c)
{
	bool theirs = b->peer ? b->peer == p || peer_same_identity(b->peer, p) : addr_eq(&b->nbma, &c->seen) || !b->nbma.n;

	return theirs ? NHRP_CODE_OK : NHRP_CODE_PROHIBITED;
}

static bool
held_by_another(const struct binding *b, const struct peer *p, const struct claim *c)
{
	if (!b->peer)
		return b->restored && b->unique && !keep_is_for(b, p, &c->nbma);
	if (b->peer == p || peer_same_identity(b->peer, p))
		return false;
	return b->peer->identity_len || p->identity_len || !addr_eq(&b->nbma_claimed, &c->nbma);
}

static uint8_t
holder_code(const struct nhrp *n, const struct binding *b, const struct peer *p, const struct claim *c)
{
	if (b->type != NHRP_CT_DYNAMIC || n->conf.steal || !held_by_another(b, p, c))
		return NHRP_CODE_OK;
	if (peer_is_entitled(p, &c->proto) && !(b->peer && peer_is_entitled(b->peer, &c->proto)))
		return NHRP_CODE_OK;
	if (b->unique && c->unique)
		return NHRP_CODE_UNIQUE_TAKEN;
	return (b->peer && b->peer->identity_len) || b->unique ? NHRP_CODE_PROHIBITED : NHRP_CODE_OK;
}

static void
bind(struct nhrp *n, struct binding *b, struct peer *p, const struct claim *c, bool same_group)
{
	char text[ADDR_STRLEN], from[ADDR_STRLEN];
	bool replaced = b->type == NHRP_CT_DYNAMIC && b->nbma.n && !addr_eq(&b->nbma, &c->seen);
	bool fresh = b->type != NHRP_CT_DYNAMIC, confirmed = b->restored;
	bool same = !fresh && !confirmed && same_group && addr_eq(&b->nbma, &c->seen) && addr_eq(&b->nbma_claimed, &c->nbma) &&
	    b->unique == c->unique && b->mtu == c->mtu;

	keep_confirmed(n, b);
	b->nbma = c->seen;
	b->nbma_claimed = c->nbma;
	b->natted = !addr_eq(&c->nbma, &c->seen);
	b->unique = c->unique;
	b->mcast = n->conf.mcast_dynamic;
	b->mtu = c->mtu;
	if (fresh)
		b->created = n->now;
	binding_set_type(n, b, NHRP_CT_DYNAMIC, n->now + TICK_S(c->hold_s));
	if (same)
		keep_refreshed(n, b, TICK_S(c->hold_s));
	else
		keep_changed(n, b);
	if (b->peer == p)
		binding_sync(n, b);
	else
		binding_attach(n, b, p);
	qos_group_sync(n, p);
	if (replaced)
		told_purge_host(n, &c->proto);
	if (fresh || replaced || confirmed)
		TRACE(&n->env, .peer = p->id, .step = TRACE_UP, .proto = &c->proto);
	if (fresh || replaced || confirmed)
		log_of(n->log, n->now, peer_name(p), LOG_LV_INFO, "registered", "%s at %s", addr_fmt(&c->proto, text), addr_fmt(&c->seen, from));
}

static uint8_t
judged(const struct nhrp *n, const struct peer *p, const struct claim *c, uint8_t code)
{
	char proto[ADDR_STRLEN], nbma[ADDR_STRLEN], seen[ADDR_STRLEN];

	NHRP_DEBUG(n, "registration", "peer %u (%.*s) registers %s at %s, seen at %s%s, for %u s: %s (code %u)", (unsigned)p->id, (int)p->identity_len,
	    p->identity, addr_fmt(&c->proto, proto), addr_fmt(&c->nbma, nbma), addr_fmt(&c->seen, seen), c->unique ? ", unique" : "", c->hold_s,
	    code == NHRP_CODE_OK ? "granted" : code == NHRP_CODE_UNIQUE_TAKEN ? "another identity holds it" : code == NHRP_CODE_PROHIBITED ?
	    "not an address it may have" : code == NHRP_CODE_NO_RESOURCES ? "no room" : "refused", code);
	return code;
}

static uint8_t
judge(struct nhrp *n, struct peer *p, const struct nhrp_cie *cie, const struct claim *c)
{
	struct binding *b = binding_find(n, &c->proto);
	uint8_t code = prefix_code(cie, c);
	bool same_group;
	char *group;

	if (code == NHRP_CODE_OK && !own_subnet_sane(n, &c->proto))
		code = NHRP_CODE_PROHIBITED;
	if (code == NHRP_CODE_OK && peer_judge(n, p, &c->proto, NULL))
		code = NHRP_CODE_PROHIBITED;
	if (code == NHRP_CODE_OK && !peer_may_group(p, c->group)) {
		peer_refuse_group(n, p, c->group);
		code = NHRP_CODE_PROHIBITED;
	}
	if (code != NHRP_CODE_OK)
		return code;
	if (b && b->type > NHRP_CT_DYNAMIC)
		return configured_code(b, p, c);
	code = b ? holder_code(n, b, p, c) : NHRP_CODE_OK;
	if (code != NHRP_CODE_OK)
		return code;
	if ((!b || b->type != NHRP_CT_DYNAMIC || b->peer != p) && p->n_registered >= PEER_BINDINGS_MAX)
		return NHRP_CODE_NO_RESOURCES;
	b = binding_get(n, &c->proto);
	if (!b)
		return NHRP_CODE_NO_RESOURCES;
	if (!qos_group_copy(n, b, c->group, &group) || !keep_hold(n, b, span_of(p->identity, p->identity_len))) {
		qos_group_leave(n, b, group);
		binding_gc(n, b);
		return NHRP_CODE_NO_RESOURCES;
	}
	same_group = group == b->group;
	qos_group_take(n, b, group);
	bind(n, b, p, c, same_group);
	return NHRP_CODE_OK;
}

/* The operator of a hub wants to know who asks for what, and who has it. */
static void
log_refused(struct nhrp *n, const struct peer *p, const struct claim *c, uint8_t code)
{
	const struct binding *b = binding_find(n, &c->proto);
	const struct peer *has = b ? b->peer : NULL;
	char text[ADDR_STRLEN], from[ADDR_STRLEN];

	log_of(n->log, n->now, peer_name(p), LOG_LV_WARN, "registration-refused", "%.*s at %s wants %s%s%.*s (code %u)", (int)p->identity_len,
	    p->identity, addr_fmt(&c->seen, from), addr_fmt(&c->proto, text), has ? ", which is registered by " : "",
	    has ? (int)has->identity_len : 0, has ? has->identity : "", code);
}

static bool
authorised(const struct peer *p, const struct claim *c)
{
	return peer_may_have(p, &c->proto) && peer_may_group(p, c->group);
}

static enum nhrp_drop
drop_of(const struct peer *p, const struct claim *c, uint8_t code)
{
	if (code == NHRP_CODE_PROHIBITED && !authorised(p, c))
		return NHRP_DROP_NOT_ALLOWED;
	switch (code) {
	case NHRP_CODE_OK:
		return NHRP_OK;
	case NHRP_CODE_UNIQUE_TAKEN:
		return NHRP_DROP_UNIQUE;
	case NHRP_CODE_NO_RESOURCES:
		return NHRP_DROP_MEMORY;
	default:
		return NHRP_DROP_CLAIM;
	}
}

/* Same CIEs as in the request; behind NAT a second one says from where we saw it. */
static unsigned
nat_entries(const struct rx *rx, const struct nhrp_packet *p, struct nhrp_cie out[static NHRP_EXT_CIES_MAX])
{
	const struct nhrp_ext *e = nhrp_ext_find(p, NHRP_EXT_NAT);
	int k = e && nhrp_ext_is_nat(e) ? nhrp_ext_cies(e->value, p->afn, p->pro_type, out, NHRP_EXT_CIES_MAX - 1) : 0;
	unsigned n = k > 0 ? (unsigned)k : 0;
	bool natted = addr_is_unicast(&p->src_nbma) && rx->outer->n == p->src_nbma.n && !addr_eq(&p->src_nbma, rx->outer);

	if (e && natted)
		out[n++] = cie_public(rx->outer, &p->src_proto);
	return n;
}

static const struct addr *
own_answer(const struct nhrp *n, const struct nhrp_packet *p)
{
	return own_has(n, &p->dst_proto) ? &p->dst_proto : &own_prefix(n, p->src_proto.n)->addr;
}

enum nhrp_drop
nhs_request(struct nhrp *n, const struct rx *rx)
{
	const struct nhrp_packet *p = rx->p;
	struct nhrp_cie nat[NHRP_EXT_CIES_MAX];
	enum nhrp_drop refused = NHRP_OK, vendor;
	struct nhrp_vendor said;
	struct tx t;

	if (ext_unknown_compulsory(p)) {
		error_send(n, rx, NHRP_ERR_EXTENSION, 0);
		return NHRP_DROP_COMPULSORY;
	}
	vendor = nhrp_vendor_parse(p, &said);
	if (!p->n_cie || vendor != NHRP_OK)
		return p->n_cie ? vendor : NHRP_DROP_CIE_NONE;
	tx_copy(&t, p);
	t.p.type = NHRP_REGISTRATION_REPLY;
	t.p.hops = HOPS_OUT;
	t.p.dst_proto = *own_answer(n, p);
	for (unsigned i = 0; i < p->n_cie; i++) {
		const struct nhrp_cie *cie = &p->cie[i];
		struct claim c = { .proto = cie->proto.n ? cie->proto : p->src_proto, .nbma = cie->nbma.n ? cie->nbma : p->src_nbma,
			.seen = *rx->outer, .unique = p->flags & NHRP_FLAG_REG_UNIQUE, .hold_s = cie->hold_s ? cie->hold_s : n->conf.hold_s,
			.mtu = cie->mtu, .group = said.group };

		if (addr_is_zero(&c.nbma))
			c.nbma = c.seen;	/* claims nothing */
		t.p.cie[i].code = judged(n, rx->peer, &c, i < PEER_BINDINGS_MAX && room(n) ? judge(n, rx->peer, cie, &c) : NHRP_CODE_NO_RESOURCES);
		if (t.p.cie[i].code != NHRP_CODE_OK && authorised(rx->peer, &c))	/* else said */
			log_refused(n, rx->peer, &c, t.p.cie[i].code);
		if (refused == NHRP_OK)
			refused = drop_of(rx->peer, &c, t.p.cie[i].code);
	}
	reply_exts(n, &t, p, nat, nat_entries(rx, p, nat));
	if (!tx_send(n, &t, rx->peer))
		return NHRP_DROP_TOO_BIG;
	return refused;
}
