/* nhrpd/wire/vendor.c: the vendor private extension (RFC 2332 5.3.5) of our own daemons. That of others is echoed and not looked at: Cisco's
 * has no published layout.
 *
 * Ours at most once in a packet, and each item at most once in it. One that is malformed is a fault of a daemon of ours or a forgery,
 * and never a reason to guess: the packet is refused. */
#include "nhrpd/wire/wire_priv.h"

enum { OUI_LEN = 3, ITEM_GROUP = 1 };

static const uint8_t oui[OUI_LEN] = { 0x02, 0x44, 0x4d };	/* bit 1 of the first octet: locally administered */

bool
nhrp_vendor_is_ours(const struct nhrp_ext *e)
{
	return e->type == NHRP_EXT_VENDOR && e->value.n >= OUI_LEN && memcmp(e->value.p, oui, OUI_LEN) == 0;
}

static bool
items(struct span value, struct nhrp_vendor *out)
{
	struct cur c = cur_of(value);

	cur_take(&c, OUI_LEN);
	while (cur_left(&c)) {
		uint8_t type = cur_u8(&c), n = cur_u8(&c);
		struct span v = cur_take(&c, n);

		if (c.bad)
			return false;
		if (type != ITEM_GROUP)
			continue;
		if (out->group.n || !nhrp_group_is_sane(v))
			return false;
		out->group = v;
	}
	return true;
}

enum nhrp_drop
nhrp_vendor_parse(const struct nhrp_packet *p, struct nhrp_vendor *out)
{
	bool seen = false;

	*out = (struct nhrp_vendor){ .group = SPAN_STR("") };
	for (unsigned i = 0; i < p->n_ext; i++) {
		if (!nhrp_vendor_is_ours(&p->ext[i]))
			continue;
		if (seen || !items(p->ext[i].value, out))
			return NHRP_DROP_VENDOR;
		seen = true;
	}
	return NHRP_OK;
}

void
nhrp_vendor_build(struct wr *w, const struct nhrp_vendor *v)
{
	wr_put(w, span_of(oui, OUI_LEN));
	if (!v->group.n)
		return;
	wr_u8(w, ITEM_GROUP);
	wr_u8(w, (uint8_t)v->group.n);
	wr_put(w, v->group);
}
