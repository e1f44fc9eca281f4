/* nhrpd/wire/build.c: struct nhrp_packet to octets. What parse.c would refuse is not written: the struct is judged first,
 * so that a mistake of ours shows as a 0 here and not as silence at the peer. */
#include "nhrpd/wire/wire_priv.h"

static bool
header_sane(const struct nhrp_packet *p)
{
	uint8_t nbma = nhrp_nbma_octets(p->afn), proto = nhrp_proto_octets(p->pro_type);

	return p->type > 0 && p->type < NHRP_TYPES && nbma && proto && nhrp_len_fits(p->src_nbma.n, nbma) && p->src_proto.n == proto &&
	    p->dst_proto.n == proto;
}

static bool
body_sane(const struct nhrp_packet *p)
{
	uint8_t nbma = nhrp_nbma_octets(p->afn), proto = nhrp_proto_octets(p->pro_type);

	if (nhrp_type_quotes(p->type) ? p->n_cie != 0 : p->payload.n != 0)
		return false;
	if (p->n_cie > NHRP_CIES_MAX || p->n_cie < nhrp_cies_min(p->type))
		return false;
	for (unsigned i = 0; i < p->n_cie; i++) {
		if (!nhrp_len_fits(p->cie[i].nbma.n, nbma) || !nhrp_len_fits(p->cie[i].proto.n, proto))
			return false;
	}
	return true;
}

static bool
exts_sane(const struct nhrp_packet *p)
{
	if (p->n_ext > NHRP_EXTS_MAX)
		return false;
	for (unsigned i = 0; i < p->n_ext; i++) {
		const struct nhrp_ext *e = &p->ext[i];

		if (e->type == NHRP_EXT_END || e->type > NHRP_EXT_TYPE_MASK || e->value.n > UINT16_MAX)
			return false;
		if (e->type != NHRP_EXT_VENDOR && nhrp_ext_find(p, e->type) != e)
			return false;
	}
	return true;
}

/* Size, checksum and extension offset are left zero, finish() knows them. */
static void
put_header(struct wr *w, const struct nhrp_packet *p)
{
	wr_be16(w, p->afn);
	wr_be16(w, p->pro_type);
	wr_zero(w, 5);	/* SNAP */
	wr_u8(w, p->hops);
	wr_zero(w, 6);
	wr_u8(w, NHRP_VERSION);
	wr_u8(w, p->type);
	wr_u8(w, p->src_nbma.n);
	wr_u8(w, 0);	/* subaddress */
	wr_u8(w, p->src_proto.n);
	wr_u8(w, p->dst_proto.n);
	wr_be16(w, p->flags);
	if (nhrp_type_quotes(p->type)) {
		wr_be16(w, p->code);
		wr_be16(w, p->type == NHRP_ERROR_INDICATION ? p->offset : 0);
	} else {
		wr_be32(w, p->request_id);
	}
	wr_put(w, addr_span(&p->src_nbma));
	wr_put(w, addr_span(&p->src_proto));
	wr_put(w, addr_span(&p->dst_proto));
}

static void
put_body(struct wr *w, const struct nhrp_packet *p)
{
	for (unsigned i = 0; i < p->n_cie; i++)
		nhrp_cie_build(w, &p->cie[i]);
	wr_put(w, p->payload);
}

static void
put_exts(struct wr *w, const struct nhrp_packet *p)
{
	for (unsigned i = 0; i < p->n_ext; i++) {
		const struct nhrp_ext *e = &p->ext[i];

		wr_be16(w, (uint16_t)(e->type | (e->compulsory ? NHRP_EXT_COMPULSORY : 0)));
		wr_be16(w, (uint16_t)e->value.n);
		wr_put(w, e->value);
	}
	wr_be16(w, NHRP_EXT_COMPULSORY | NHRP_EXT_END);
	wr_be16(w, 0);
}

static void
finish(uint8_t *packet, size_t size, size_t extoff)
{
	put_be16(packet + NHRP_AT_SIZE, (uint16_t)size);
	put_be16(packet + NHRP_AT_EXTOFF, (uint16_t)extoff);
	put_be16(packet + NHRP_AT_CHECKSUM, nhrp_checksum(span_of(packet, size)));
}

size_t
nhrp_packet_build(struct wr *w, const struct nhrp_packet *p)
{
	uint8_t *start = w->p;
	size_t size, extoff = 0;

	if (w->bad)
		return 0;
	if (!header_sane(p) || !body_sane(p) || !exts_sane(p))
		goto refuse;
	put_header(w, p);
	put_body(w, p);
	if (p->has_ext || p->n_ext) {
		extoff = (size_t)(w->p - start);
		put_exts(w, p);
	}
	size = (size_t)(w->p - start);
	if (w->bad || size > UINT16_MAX)
		goto refuse;
	finish(start, size, extoff);
	return size;
refuse:
	w->p = start;	/* what stands before in w stays whole */
	w->bad = true;
	return 0;
}
