/* nhrpd/wire/quoted.c: the packet inside an error indication. FRR quotes it up to the addresses only and others cut it
 * anywhere, so neither its size nor its checksum is asked for, just what tells whose request it was. */
#include "nhrpd/wire/wire_priv.h"

bool
nhrp_quoted_parse(struct span payload, struct nhrp_quoted *out)
{
	struct cur c;
	uint32_t id;
	uint8_t version, shtl, sstl, src_len, dst_len;

	*out = (struct nhrp_quoted){ 0 };
	if (payload.n < NHRP_HDR_LEN + NHRP_MANDATORY_LEN)
		return false;
	c = cur_of(payload);
	cur_take(&c, NHRP_AT_EXTOFF + 2);
	version = cur_u8(&c);
	out->type = cur_u8(&c);
	shtl = cur_u8(&c);
	sstl = cur_u8(&c);
	src_len = cur_u8(&c);
	dst_len = cur_u8(&c);
	cur_take(&c, 2);	/* flags */
	id = cur_be32(&c);
	cur_take(&c, (size_t)nhrp_tl_octets(shtl) + nhrp_tl_octets(sstl));
	out->src_proto = addr_of_span(cur_take(&c, src_len));
	out->dst_proto = addr_of_span(cur_take(&c, dst_len));
	if (c.bad || version != NHRP_VERSION || out->type == 0 || out->type >= NHRP_TYPES || !out->src_proto.n || !out->dst_proto.n) {
		*out = (struct nhrp_quoted){ 0 };
		return false;
	}
	if (!nhrp_type_quotes(out->type))	/* the others have a code in its place */
		out->request_id = id;
	return true;
}
