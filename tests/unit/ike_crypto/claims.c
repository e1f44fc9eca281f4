/* Twin of ikecore/crypto/claims.c: what certificates let their owner claim. */
#include <openssl/x509v3.h>
#include <stdio.h>

#include "tests/unit/lab_ca.h"

suite_fn claims_suite;

static const struct {
	const char *addr, *blocks;	/* NULL: without */
	const char *addresses, *prefixes;	/* claims_fmt(); NULL: not spoken of, in IPv4 */
} row[] = {
	{ NULL, NULL, NULL, NULL },
	{ "10.0.0.2", NULL, "10.0.0.2 (certificate's SAN)", NULL },
	{ "2001:db8::2", NULL, NULL, NULL },
	{ NULL, "IPv4:10.3.0.0/24", "10.3.0.0/24 (certificate's address blocks)", "10.3.0.0/24 (certificate's address blocks)" },
	{ "10.0.0.2", "IPv4:10.3.0.0/24", "10.0.0.2 and 10.3.0.0/24 (certificate's SAN and address blocks)", "10.3.0.0/24 (certificate's SAN and address blocks)" },
	{ NULL, "IPv4:10.3.0.0-10.3.2.255", "10.3.0.0/23 and 10.3.2.0/24 (certificate's address blocks)", "10.3.0.0/23 and 10.3.2.0/24 (certificate's address blocks)" },
	{ NULL, "IPv4:255.255.255.254-255.255.255.255", "255.255.255.254/31 (certificate's address blocks)", "255.255.255.254/31 (certificate's address blocks)" },
	{ NULL, "IPv4:0.0.0.0/0", "0.0.0.0/0 (certificate's address blocks)", "0.0.0.0/0 (certificate's address blocks)" },
	{ NULL, "IPv4:inherit", "nothing (certificate's address blocks)", "nothing (certificate's address blocks)" },
	{ NULL, "IPv6:2001:db8::/32", "2001:db8::/32 (certificate's address blocks)", "2001:db8::/32 (certificate's address blocks)" },
};

static size_t
with_blocks(uint8_t *der, size_t n, size_t max, const char *blocks)
{
	const unsigned char *p = der;
	unsigned char *out = der;
	X509 *x = d2i_X509(NULL, &p, (long)n);
	X509_EXTENSION *e;
	X509V3_CTX ctx;
	char text[128];

	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	snprintf(text, sizeof(text), "%s", blocks);
	e = X509V3_EXT_conf_nid(NULL, &ctx, NID_sbgp_ipAddrBlock, text);
	ck_assert(x && e && X509_add_ext(x, e, -1));
	ck_assert_int_gt(i2d_re_X509_tbs(x, NULL), 0);	/* the encoding it came with is kept otherwise */
	n = (size_t)i2d_X509(x, NULL);
	ck_assert_uint_le(n, max);
	i2d_X509(x, &out);
	X509_EXTENSION_free(e);
	X509_free(x);
	return n;
}

static void
is(const struct claims *c, unsigned kind, const char *want)
{
	char text[CLAIMS_TEXT_MAX];

	ck_assert_int_eq(claims_speak(c, kind, 4), want != NULL);
	if (want)
		ck_assert_str_eq(claims_fmt(c, kind, text), want);
}

START_TEST(said)
{
	const char *name = "spoke1.example.net";
	struct ike_issue want = lab_want(&name);
	struct claims c = { .n = 0 };
	struct lab_pair own;
	struct lab_ca ca;
	uint8_t der[4096];
	struct addr a;
	size_t n;

	lab_init(&ca, "CN=Lab CA");
	if (row[_i].addr) {
		ck_assert(addr_parse(row[_i].addr, &a));
		want.addr = &a;
		want.n_addr = 1;
	}
	own = lab_issue(&ca.root, &want);
	n = lab_der(&own.cert, der, sizeof(der));
	if (row[_i].blocks)
		n = with_blocks(der, n, sizeof(der), row[_i].blocks);
	ck_assert(ike_cert_claims(span_of(der, n), &c));
	is(&c, CLAIM_ADDRESS, row[_i].addresses);
	is(&c, CLAIM_PREFIX, row[_i].prefixes);
	ck_assert_int_eq(claims_speak(&c, CLAIM_PREFIX, 16), row[_i].blocks != NULL);
	ck_assert(!ike_cert_claims(span_of(der, n - 1), &c));
	lab_free(&own);
	lab_fini(&ca);
}
END_TEST

Suite *
claims_suite(void)
{
	Suite *s = suite_create("claims");
	TCase *t = tcase_create("claims");

	tcase_add_loop_test(t, said, 0, sizeof(row) / sizeof(row[0]));
	suite_add_tcase(s, t);
	return s;
}
