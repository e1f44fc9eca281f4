/* ikecore/wire/ike_sa.c: the SA payload, RFC 7296 3.3: proposals, transforms, attributes.
 *
 * Syntax errors refuse the message. What is well formed but not known to us (protocols, transform types, attributes) only
 * marks the proposal or transform, so that the engine never selects it; so does a proposal that does not fit our bounds. */
#include "ikecore/wire/wire_priv.h"

enum { SUB_LAST = 0, SUB_PROPOSAL = 2, SUB_TRANSFORM = 3, SUB_HDR = 4, ATTR_TV = 0x8000, ATTR_KEY_LENGTH = 14, SPI_RESERVED = 255 };

/* Header and body of a proposal or transform; false where it is short, or its "more" octet is wrong for its place. */
static bool
substructure(struct cur *c, uint8_t more_value, struct cur *body)
{
	uint8_t more;
	uint16_t len;

	more = cur_u8(c);
	cur_take(c, 1);
	len = cur_be16(c);
	if (c->bad || len < SUB_HDR)
		return false;
	*body = cur_of(cur_take(c, len - (size_t)SUB_HDR));
	return !c->bad && more == (cur_left(c) ? more_value : SUB_LAST);
}

static bool
attributes_read(struct cur *c, struct ike_xform *x)
{
	bool has_bits = false;

	while (cur_left(c)) {
		uint16_t type = cur_be16(c), value = cur_be16(c);

		if (!(type & ATTR_TV))
			cur_take(c, value);
		if (c->bad)
			return false;
		if (type != (ATTR_TV | ATTR_KEY_LENGTH) || has_bits || value == 0) {
			x->odd = true;
			continue;
		}
		has_bits = true;
		x->key_bits = value;
	}
	return true;
}

static bool
transform_read(struct cur *c, struct ike_xform *x)
{
	struct cur body;

	if (!substructure(c, SUB_TRANSFORM, &body))
		return false;
	*x = (struct ike_xform){ 0 };
	x->type = cur_u8(&body);
	cur_take(&body, 1);
	x->id = cur_be16(&body);
	return !body.bad && attributes_read(&body, x);
}

static bool
transforms_read(struct ike_msg *m, struct cur *c, struct ike_prop *p, unsigned count)
{
	struct ike_xform x;

	p->first = m->n_xform;
	for (unsigned i = 0; i < count; i++) {
		if (!transform_read(c, &x))
			return false;
		if (x.type < IKE_T_ENCR || x.type > IKE_T_ADDKE7)
			p->unknown = true;
		if (m->n_xform < IKE_MSG_XFORMS_MAX)
			m->xform[m->n_xform++] = x;
		else
			p->unknown = true;
	}
	p->n = m->n_xform - p->first;
	return cur_left(c) == 0;
}

static bool
spi_ok(struct ike_prop *p)
{
	switch (p->proto) {
	case IKE_PROTO_IKE:
		return p->spi.n == 0 || (p->spi.n == 8 && ike_prop_spi64(p) != 0);
	case IKE_PROTO_AH:
	case IKE_PROTO_ESP:
		return p->spi.n == 4 && ike_prop_spi32(p) > SPI_RESERVED;
	}
	p->unknown = true;
	return true;
}

static bool
proposal_read(struct ike_msg *m, struct cur *c, struct ike_prop *p)
{
	struct cur body;
	uint8_t spi_size, count;

	if (!substructure(c, SUB_PROPOSAL, &body))
		return false;
	*p = (struct ike_prop){ 0 };
	p->num = cur_u8(&body);
	p->proto = cur_u8(&body);
	spi_size = cur_u8(&body);
	count = cur_u8(&body);
	p->spi = cur_take(&body, spi_size);
	if (body.bad || p->num == 0 || count == 0 || !spi_ok(p))
		return false;
	return transforms_read(m, &body, p, count);
}

enum ike_drop
ike_pl_sa(struct ike_msg *m, struct span body)
{
	struct cur c = cur_of(body);
	struct ike_prop p;
	uint8_t last = 0;

	if (body.n == 0)
		return IKE_DROP_SA_SYNTAX;
	while (cur_left(&c)) {
		if (!proposal_read(m, &c, &p) || p.num <= last)
			return IKE_DROP_SA_SYNTAX;
		last = p.num;
		if (m->n_prop < IKE_MSG_PROPS_MAX)
			m->prop[m->n_prop++] = p;
	}
	return IKE_OK;
}

uint32_t
ike_prop_spi32(const struct ike_prop *p)
{
	return p->spi.n == 4 ? get_be32(p->spi.p) : 0;
}

uint64_t
ike_prop_spi64(const struct ike_prop *p)
{
	return p->spi.n == 8 ? (uint64_t)get_be32(p->spi.p) << 32 | get_be32(p->spi.p + 4) : 0;
}
