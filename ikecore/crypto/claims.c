/* ikecore/crypto/claims.c: what a certificate says its owner may claim in a tunnel: the addresses of its subjectAltName, and the IP
 * address blocks of RFC 3779 (sbgp-ipAddrBlock), which path validation has found to lie within those of its issuers
 * (X509_verify_cert() does that). A certificate with blocks speaks of both families: it holds nothing of one that is missing. A family
 * that is inherited from the issuer ("inherit") counts as empty: whose it is then, is not said here. Autonomous system numbers and SAFIs
 * other than unicast are passed over. */
#include "ikecore/crypto/cert_priv.h"

#include <openssl/err.h>
#include <stdio.h>

enum { AFI_IPV4 = 1, AFI_IPV6 = 2 };

static bool
take_names(X509 *x, struct claims *out)
{
	GENERAL_NAMES *san = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	bool any = false;

	for (int i = 0; san && i < sk_GENERAL_NAME_num(san); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(san, i);
		const ASN1_STRING *s = g->type == GEN_IPADD ? g->d.iPAddress : NULL;
		struct addr a = s ? addr_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)) : (struct addr){ 0 };
		struct prefix host = prefix_host(&a);

		if (a.n)
			any |= claims_add(out, CLAIM_ADDRESS, &host);
	}
	GENERAL_NAMES_free(san);
	return any;
}

#ifndef OPENSSL_NO_RFC3779
static bool
bit_of(const struct addr *a, unsigned i)
{
	return a->b[i / 8] & (0x80 >> i % 8);
}

/* One behind the last address of p; false where there is none. */
static bool
next_after(const struct prefix *p, struct addr *out)
{
	*out = p->addr;
	for (unsigned i = p->bits; i-- > 0;) {
		bool carry = bit_of(out, i);

		out->b[i / 8] ^= (uint8_t)(0x80 >> i % 8);
		if (!carry)
			return true;
	}
	return false;
}

static struct addr
last_of(const struct prefix *p)
{
	struct addr a = p->addr;

	for (unsigned i = p->bits; i < addr_bits(&a); i++)
		a.b[i / 8] |= (uint8_t)(0x80 >> i % 8);
	return a;
}

/* A range as the prefixes it is made of, the widest first that begins where the rest begins. */
static void
take_range(struct addr from, const struct addr *to, struct claims *out)
{
	struct prefix p;

	do {
		uint8_t bits = 0;

		if (addr_cmp(&from, to) > 0)
			return;
		for (;; bits++) {
			struct addr last;

			p = prefix_of(&from, bits);
			last = last_of(&p);
			if (addr_eq(&p.addr, &from) && addr_cmp(&last, to) <= 0)
				break;
		}
	} while (claims_add(out, CLAIM_BOTH, &p) && next_after(&p, &from));
}

static void
take_family(IPAddressFamily *f, unsigned afi, struct claims *out)
{
	const IPAddressOrRanges *list = f->ipAddressChoice->type == IPAddressChoice_addressesOrRanges ? f->ipAddressChoice->u.addressesOrRanges : NULL;
	unsigned char from[16], to[16];

	for (int i = 0; list && i < sk_IPAddressOrRange_num(list); i++) {
		int n = X509v3_addr_get_range(sk_IPAddressOrRange_value(list, i), afi, from, to, sizeof(from));
		struct addr last;

		if (n != (afi == AFI_IPV4 ? 4 : 16))
			continue;
		last = addr_of(to, (size_t)n);
		take_range(addr_of(from, (size_t)n), &last, out);
	}
}

static bool
take_blocks(X509 *x, struct claims *out)
{
	IPAddrBlocks *blocks = X509_get_ext_d2i(x, NID_sbgp_ipAddrBlock, NULL, NULL);

	if (!blocks)
		return false;
	claims_say(out, CLAIM_BOTH, CLAIM_ANY);
	for (int i = 0; i < sk_IPAddressFamily_num(blocks); i++) {
		IPAddressFamily *f = sk_IPAddressFamily_value(blocks, i);
		unsigned afi = X509v3_addr_get_afi(f);
		bool unicast = f->addressFamily->length == 2 || (f->addressFamily->length == 3 && f->addressFamily->data[2] == 1);

		if (unicast && (afi == AFI_IPV4 || afi == AFI_IPV6))
			take_family(f, afi, out);
	}
	sk_IPAddressFamily_pop_free(blocks, IPAddressFamily_free);
	return true;
}
#else
static bool
take_blocks(X509 *x, struct claims *out)
{
	(void)x, (void)out;
	return false;
}
#endif

bool
ike_cert_claims(struct span der, struct claims *out)
{
	X509 *x = cert_read(der);
	bool names, blocks;

	if (!x)
		return false;
	names = take_names(x, out);
	blocks = take_blocks(x, out);
	snprintf(out->source, sizeof(out->source), "certificate's %s", names && blocks ? "SAN and address blocks" : blocks ? "address blocks" : "SAN");
	X509_free(x);
	ERR_clear_error();
	return true;
}
