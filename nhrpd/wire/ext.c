/* nhrpd/wire/ext.c: looking at extensions: finding one, telling the two uses of type 9 apart, Cisco's authentication. */
#include "nhrpd/wire/wire_priv.h"

enum { AUTH_CLEARTEXT = 1, AUTH_HDR_LEN = 4 };

const struct nhrp_ext *
nhrp_ext_find(const struct nhrp_packet *p, uint16_t type)
{
	for (unsigned i = 0; i < p->n_ext; i++) {
		if (p->ext[i].type == type)
			return &p->ext[i];
	}
	return NULL;
}

/* A list of whole entries is Cisco's. An entry has 12 octets at least, so that neither 8 (capabilities) nor 4 (IGP) pass. */
bool
nhrp_ext_is_nat(const struct nhrp_ext *e)
{
	struct cur c;

	if (e->type != NHRP_EXT_NAT)
		return false;
	if (e->value.n == 0)
		return true;
	for (c = cur_of(e->value); cur_left(&c);) {
		struct span fixed = cur_take(&c, NHRP_CIE_LEN);

		if (c.bad)
			return false;
		/* NBMA, subaddress and protocol lengths stand at 8, 9, 10 */
		cur_take(&c, (size_t)nhrp_tl_octets(fixed.p[8]) + nhrp_tl_octets(fixed.p[9]) + fixed.p[10]);
	}
	return !c.bad;
}

struct span
nhrp_auth_string(struct span value)
{
	if (value.n < AUTH_HDR_LEN || get_be32(value.p) != AUTH_CLEARTEXT)
		return SPAN_STR("");
	return span_of(value.p + AUTH_HDR_LEN, value.n - AUTH_HDR_LEN);
}

void
nhrp_auth_build(struct wr *w, struct span password)
{
	wr_be32(w, AUTH_CLEARTEXT);
	wr_put(w, password);
}
