/* nhrpd/wire/cie.c: Client Information Entries, RFC 2332 5.2.0.1.
 *
 * They are read twice as strictly in the mandatory part as inside extensions. There (transit records, responder, NAT) a
 * list is walked by its own lengths and an address that does not fit the packet's families is given as none: FRR puts
 * an IPv4 protocol address into the responder entry of an IPv6-over-IPv4 packet, and the entries beside it still count. */
#include "nhrpd/wire/wire_priv.h"

struct cie_lens {
	uint8_t nbma_tl, sub_tl, proto;
};

static struct cie_lens
cie_fixed(struct cur *c, struct nhrp_cie *out)
{
	struct cie_lens l;

	*out = (struct nhrp_cie){ 0 };
	out->code = cur_u8(c);
	out->prefix_len = cur_u8(c);
	cur_take(c, 2);	/* unused */
	out->mtu = cur_be16(c);
	out->hold_s = cur_be16(c);
	l.nbma_tl = cur_u8(c);
	l.sub_tl = cur_u8(c);
	l.proto = cur_u8(c);
	out->preference = cur_u8(c);
	return l;
}

enum nhrp_drop
nhrp_cie_parse(struct cur *c, uint16_t afn, uint16_t pro_type, struct nhrp_cie *out)
{
	struct cie_lens l = cie_fixed(c, out);

	if (c->bad)
		return NHRP_DROP_CIE_SHORT;
	if (!nhrp_tl_native(l.nbma_tl) || !nhrp_tl_none(l.sub_tl))
		return NHRP_DROP_SUBADDRESS;
	if (!nhrp_len_fits(nhrp_tl_octets(l.nbma_tl), nhrp_nbma_octets(afn)) || !nhrp_len_fits(l.proto, nhrp_proto_octets(pro_type)))
		return NHRP_DROP_CIE_ADDR_LEN;
	out->nbma = addr_of_span(cur_take(c, nhrp_tl_octets(l.nbma_tl)));
	out->proto = addr_of_span(cur_take(c, l.proto));
	return c->bad ? NHRP_DROP_CIE_SHORT : NHRP_OK;
}

/* An entry of an extension: false only where it is cut off. */
static bool
cie_lenient(struct cur *c, uint16_t afn, uint16_t pro_type, struct nhrp_cie *out)
{
	struct cie_lens l = cie_fixed(c, out);
	struct span nbma = cur_take(c, nhrp_tl_octets(l.nbma_tl));
	struct span sub = cur_take(c, nhrp_tl_octets(l.sub_tl));
	struct span proto = cur_take(c, l.proto);

	if (nbma.n == nhrp_nbma_octets(afn) && nhrp_tl_native(l.nbma_tl) && sub.n == 0)
		out->nbma = addr_of_span(nbma);
	if (proto.n == nhrp_proto_octets(pro_type))
		out->proto = addr_of_span(proto);
	return !c->bad;
}

static bool
any_family(const struct addr *a)
{
	return nhrp_len_fits(a->n, 4) || nhrp_len_fits(a->n, 16);
}

void
nhrp_cie_build(struct wr *w, const struct nhrp_cie *cie)
{
	if (!any_family(&cie->nbma) || !any_family(&cie->proto)) {
		w->bad = true;
		return;
	}
	wr_u8(w, cie->code);
	wr_u8(w, cie->prefix_len);
	wr_be16(w, 0);	/* unused */
	wr_be16(w, cie->mtu);
	wr_be16(w, cie->hold_s);
	wr_u8(w, cie->nbma.n);
	wr_u8(w, 0);	/* subaddress */
	wr_u8(w, cie->proto.n);
	wr_u8(w, cie->preference);
	wr_put(w, addr_span(&cie->nbma));
	wr_put(w, addr_span(&cie->proto));
}

int
nhrp_ext_cies(struct span value, uint16_t afn, uint16_t pro_type, struct nhrp_cie *out, unsigned max)
{
	struct cur c;
	unsigned n = 0;

	if (value.n == 0)
		return 0;
	for (c = cur_of(value); cur_left(&c); n++) {
		if (n == max || !cie_lenient(&c, afn, pro_type, &out[n]))
			return -1;
	}
	return (int)n;
}
