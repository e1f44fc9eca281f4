/* nhrpd/engine/forward.c: transit (RFC 2332 5.1, 5.2.0.1, 5.3; reference 10). Requests and errors go towards their
 * destination, replies towards their source, always inside this network, never back to where they came from. On the way:
 * one hop less, our record added where the list is asked for, an empty NAT extension filled with what we know, the
 * password made new; order and unknown extensions stay. */
#include "nhrpd/engine/nhrp_priv.h"

static struct peer *
live(const struct nhrp *n, const struct addr *proto, const struct peer *from)
{
	struct binding *b = binding_find(n, proto);

	return b && b->peer != from && b->type > NHRP_CT_CACHED ? b->peer : NULL;
}

/* A registered (or configured) client is handed it directly; else the route's next hop; else a hub of ours. */
struct peer *
next_hop(const struct nhrp *n, const struct addr *proto, const struct peer *from)
{
	struct peer *p = live(n, proto, from);
	const struct route *r;

	if (p)
		return p;
	r = route_find(n, proto, NULL);
	if (r && (r->kind == NHRP_RT_OUT || r->kind == NHRP_RT_REJECT) && !own_subnet(n, proto))
		return NULL;
	if (r && r->kind == NHRP_RT_NBMA && r->via.n) {
		struct binding *b = binding_find(n, &r->via);

		p = live(n, &r->via, from);
		if (p)
			return p;
		if (b && b->peer && b->peer == from)
			return NULL;	/* it would go back */
	}
	return nhc_peer(n, proto->n, from);
}

static uint16_t
record_type(uint8_t type)
{
	switch (type) {
	case NHRP_RESOLUTION_REPLY:
	case NHRP_REGISTRATION_REPLY:
	case NHRP_PURGE_REPLY:
		return NHRP_EXT_REVERSE;
	default:
		return NHRP_EXT_FORWARD;
	}
}

/* Whose public address an empty NAT extension asks for: the requester's, or the answer's. */
static bool
nat_entry(const struct nhrp *n, const struct nhrp_packet *p, struct nhrp_cie *out)
{
	const struct addr *proto = NULL, *claimed = NULL;
	const struct binding *b;

	if (p->type == NHRP_RESOLUTION_REQUEST) {
		proto = &p->src_proto;
		claimed = &p->src_nbma;
	} else if (p->type == NHRP_RESOLUTION_REPLY && p->n_cie) {
		proto = &p->cie[0].proto;
		claimed = &p->cie[0].nbma;
	}
	b = proto ? binding_find(n, proto) : NULL;
	if (!b || b->type < NHRP_CT_DYNAMIC || !b->nbma.n || b->nbma.n != claimed->n || addr_eq(&b->nbma, claimed))
		return false;
	*out = cie_public(&b->nbma, proto);
	return true;
}

static void
put_ext(struct nhrp *n, struct tx *t, const struct nhrp_packet *p, const struct nhrp_ext *e, bool record)
{
	const struct prefix *own = own_prefix(n, p->src_proto.n);
	struct nhrp_cie cie;
	uint8_t *start = t->w.p;

	if (e->type == record_type(p->type) && record) {
		cie = cie_own(n, p->afn, &own->addr, n->conf.hold_s);
		wr_put(&t->w, e->value);
		nhrp_cie_build(&t->w, &cie);
		tx_ext(t, e->type, e->compulsory, span_of(start, (size_t)(t->w.p - start)));
	} else if (nhrp_ext_is_nat(e) && e->value.n == 0 && nat_entry(n, p, &cie)) {
		tx_ext_cies(t, e->type, e->compulsory, &cie, 1);
	} else {
		tx_ext(t, e->type, e->compulsory, e->value);
	}
}

enum nhrp_drop
forward(struct nhrp *n, const struct rx *rx, const struct peer *to)
{
	const struct nhrp_packet *p = rx->p;
	bool record = !ext_unknown_compulsory(p);	/* with one we do not know we do not list ourselves (5.3) */
	struct tx t;

	if (ext_names_us(n, p, record_type(p->type))) {
		if (record_type(p->type) == NHRP_EXT_FORWARD)
			error_send(n, rx, NHRP_ERR_LOOP, 0);
		return NHRP_DROP_LOOP;
	}
	if (p->hops == 0) {
		error_send(n, rx, NHRP_ERR_HOPS, 9);	/* the hop count's place */
		return NHRP_DROP_HOPS;
	}
	tx_copy(&t, p);
	t.p.hops--;
	for (unsigned i = 0; i < p->n_ext; i++)
		put_ext(n, &t, p, &p->ext[i], record);
	if (tx_send(n, &t, to))
		return NHRP_OK;
	error_send(n, rx, NHRP_ERR_SIZE, 0);
	return NHRP_DROP_TOO_BIG;
}

enum nhrp_drop
forward_to_dst(struct nhrp *n, const struct rx *rx)
{
	struct peer *to = next_hop(n, &rx->p->dst_proto, rx->peer);

	return to ? forward(n, rx, to) : NHRP_DROP_NO_ROUTE;
}

enum nhrp_drop
forward_to_src(struct nhrp *n, const struct rx *rx)
{
	struct peer *to = next_hop(n, &rx->p->src_proto, rx->peer);

	return to ? forward(n, rx, to) : NHRP_DROP_NO_ROUTE;
}
