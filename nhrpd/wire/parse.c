/* nhrpd/wire/parse.c: octets to struct nhrp_packet. RFC 2332 section 5; type 8 is Cisco's redirect.
 *
 * The packet size field rules: what follows it is padding of the layer below and neither summed nor read. Then the
 * checksum, so that every later reason speaks of a packet that arrived as it was sent. Then fixed header, mandatory
 * part, client information entries or the quoted packet, extensions; each step answers a reason of NHRP_DROPS.
 *
 * Refused is what cannot be read without guessing. Read and not judged here: flags, codes, hop count, prefix lengths,
 * whether an extension suits the type, and what extensions hold. Ignored, and written as zero by build.c: the SNAP
 * field, unused fields, the u bit of extensions, and octets after End (OpenNHRP has 16 of them in its error
 * indications). An extension part that runs out without End is cut off. Not supported: E.164 and subaddresses, SNAP
 * and NLPID protocol types. */
#include "nhrpd/wire/wire_priv.h"

struct lens {
	uint16_t extoff;
	uint8_t shtl, sstl, src, dst;
};

/* Cuts to the packet size field and sums. */
static enum nhrp_drop
frame(struct span in, struct span *pkt)
{
	uint16_t size;

	if (in.n < NHRP_HDR_LEN)
		return NHRP_DROP_SHORT;
	size = get_be16(in.p + NHRP_AT_SIZE);
	if (size < NHRP_HDR_LEN || size > in.n)
		return NHRP_DROP_SIZE;
	*pkt = span_of(in.p, size);
	return nhrp_checksum(*pkt) == 0 ? NHRP_OK : NHRP_DROP_CHECKSUM;
}

static enum nhrp_drop
fixed_header(struct cur *c, struct lens *l, struct nhrp_packet *out)
{
	uint8_t version;

	out->afn = cur_be16(c);
	out->pro_type = cur_be16(c);
	cur_take(c, 5);	/* SNAP */
	out->hops = cur_u8(c);
	cur_take(c, 4);	/* size and checksum, see frame() */
	l->extoff = cur_be16(c);
	version = cur_u8(c);
	out->type = cur_u8(c);
	l->shtl = cur_u8(c);
	l->sstl = cur_u8(c);
	if (version != NHRP_VERSION)
		return NHRP_DROP_VERSION;
	if (out->type == 0 || out->type >= NHRP_TYPES)
		return NHRP_DROP_TYPE;
	if (!nhrp_nbma_octets(out->afn))
		return NHRP_DROP_AFN;
	if (!nhrp_proto_octets(out->pro_type))
		return NHRP_DROP_PROTO_TYPE;
	if (!nhrp_tl_native(l->shtl) || !nhrp_tl_none(l->sstl))
		return NHRP_DROP_SUBADDRESS;
	return nhrp_len_fits(nhrp_tl_octets(l->shtl), nhrp_nbma_octets(out->afn)) ? NHRP_OK : NHRP_DROP_NBMA_LEN;
}

static enum nhrp_drop
mandatory(struct cur *c, struct lens *l, struct nhrp_packet *out)
{
	uint8_t want = nhrp_proto_octets(out->pro_type);
	uint32_t word;

	l->src = cur_u8(c);
	l->dst = cur_u8(c);
	out->flags = cur_be16(c);
	word = cur_be32(c);
	if (c->bad)
		return NHRP_DROP_MANDATORY;
	if (nhrp_type_quotes(out->type))
		out->code = (uint16_t)(word >> 16);
	else
		out->request_id = word;
	if (out->type == NHRP_ERROR_INDICATION)
		out->offset = (uint16_t)word;
	if (l->src != want || l->dst != want)
		return NHRP_DROP_PROTO_LEN;
	out->src_nbma = addr_of_span(cur_take(c, nhrp_tl_octets(l->shtl)));
	out->src_proto = addr_of_span(cur_take(c, l->src));
	out->dst_proto = addr_of_span(cur_take(c, l->dst));
	return c->bad ? NHRP_DROP_MANDATORY : NHRP_OK;
}

static enum nhrp_drop
body(struct span s, struct nhrp_packet *out)
{
	struct cur c = cur_of(s);

	if (nhrp_type_quotes(out->type)) {
		out->payload = s;
		return NHRP_OK;
	}
	while (cur_left(&c)) {
		enum nhrp_drop d;

		if (out->n_cie == NHRP_CIES_MAX)
			return NHRP_DROP_CIE_MANY;
		d = nhrp_cie_parse(&c, out->afn, out->pro_type, &out->cie[out->n_cie]);
		if (d != NHRP_OK)
			return d;
		out->n_cie++;
	}
	return out->n_cie < nhrp_cies_min(out->type) ? NHRP_DROP_CIE_NONE : NHRP_OK;
}

static enum nhrp_drop
extensions(struct cur *c, struct nhrp_packet *out)
{
	for (;;) {
		uint16_t type = cur_be16(c), len = cur_be16(c);
		struct nhrp_ext e = { .type = type & NHRP_EXT_TYPE_MASK, .compulsory = type & NHRP_EXT_COMPULSORY };

		if (c->bad)
			return NHRP_DROP_EXT_SHORT;
		if (e.type == NHRP_EXT_END)
			return len == 0 ? NHRP_OK : NHRP_DROP_EXT_BAD;
		e.value = cur_take(c, len);
		if (c->bad)
			return NHRP_DROP_EXT_SHORT;
		if (e.type != NHRP_EXT_VENDOR && nhrp_ext_find(out, e.type))
			return NHRP_DROP_EXT_TWICE;
		if (out->n_ext == NHRP_EXTS_MAX)
			return NHRP_DROP_EXT_MANY;
		out->ext[out->n_ext++] = e;
	}
}

static enum nhrp_drop
parse(struct span in, struct nhrp_packet *out)
{
	struct lens l = { 0 };
	struct span pkt;
	struct cur c;
	size_t at;
	enum nhrp_drop d;

	if ((d = frame(in, &pkt)) != NHRP_OK)
		return d;
	c = cur_of(pkt);
	if ((d = fixed_header(&c, &l, out)) != NHRP_OK || (d = mandatory(&c, &l, out)) != NHRP_OK)
		return d;
	at = pkt.n - cur_left(&c);
	out->has_ext = l.extoff != 0;
	if (!out->has_ext)
		return body(cur_rest(&c), out);
	if (l.extoff < at || l.extoff > pkt.n)
		return NHRP_DROP_EXT_OFFSET;
	d = body(cur_take(&c, l.extoff - at), out);
	return d == NHRP_OK ? extensions(&c, out) : d;
}

enum nhrp_drop
nhrp_packet_parse(struct span in, struct nhrp_packet *out)
{
	enum nhrp_drop d;

	memset(out, 0, sizeof(*out));
	d = parse(in, out);
	if (d != NHRP_OK)
		memset(out, 0, sizeof(*out));	/* nothing half read */
	return d;
}
