/* Twin of ikecore/crypto/ike_prf.c: HMAC by Wycheproof, prf+ and the hashes. */
#include "ikecore/crypto/ike_crypto.h"
#include "ikecore/wire/ike_msg.h"
#include "tests/unit/ike_crypto/wycheproof.h"

static uint16_t wp_prf;

static void
hmac_case(const struct wp_case *c)
{
	uint8_t key[WP_OCTETS], msg[WP_OCTETS], tag[WP_OCTETS], out[IKE_PRF_LEN_MAX];
	struct span k = wp_hex(c, "key", key), m = wp_hex(c, "msg", msg), t = wp_hex(c, "tag", tag);
	struct span halves[2] = { { m.p, m.n / 2 }, { m.p + m.n / 2, m.n - m.n / 2 } };

	ck_assert(ike_prf(wp_prf, k, halves, 2, out));
	ck_assert_msg((memcmp(out, t.p, t.n) == 0) == c->valid, "case %d", c->id);
}

START_TEST(wycheproof_hmac)
{
	wp_prf = IKE_PRF_HMAC_SHA2_256;
	wp_run("hmac_sha256_test.json", hmac_case);
	wp_prf = IKE_PRF_HMAC_SHA2_384;
	wp_run("hmac_sha384_test.json", hmac_case);
	wp_prf = IKE_PRF_HMAC_SHA2_512;
	wp_run("hmac_sha512_test.json", hmac_case);
}
END_TEST

START_TEST(empty_key_and_data)
{
	static const uint8_t want[32] = { 0xb6, 0x13, 0x67, 0x9a, 0x08, 0x14, 0xd9, 0xec, 0x77, 0x2f, 0x95, 0xd7, 0x78, 0xc3, 0x5f, 0xc5,
		0xff, 0x16, 0x97, 0xc4, 0x93, 0x71, 0x56, 0x53, 0xc6, 0xc7, 0x12, 0x14, 0x42, 0x92, 0xc5, 0xad };
	uint8_t out[IKE_PRF_LEN_MAX];

	ck_assert(ike_prf(IKE_PRF_HMAC_SHA2_256, span_of(NULL, 0), NULL, 0, out));
	ck_assert_mem_eq(out, want, 32);
	ck_assert(!ike_prf(IKE_PRF_HMAC_MD5, SPAN_STR("k"), NULL, 0, out));
	ck_assert(!ike_prf(0, SPAN_STR("k"), NULL, 0, out));
}
END_TEST

/* prf+ written out by hand, and its limit. */
START_TEST(prf_plus_blocks)
{
	static uint8_t out[256 * 32];
	uint8_t t[32], n = 1;
	struct span seed[2] = { SPAN_STR("one"), SPAN_STR("two") };
	struct span first[3] = { seed[0], seed[1], { &n, 1 } }, next[4] = { { t, 32 }, seed[0], seed[1], { &n, 1 } };

	ck_assert(ike_prf_plus(IKE_PRF_HMAC_SHA2_256, SPAN_STR("key"), seed, 2, out, 255 * 32));
	ck_assert(ike_prf(IKE_PRF_HMAC_SHA2_256, SPAN_STR("key"), first, 3, t));
	ck_assert_mem_eq(out, t, 32);
	for (n = 2; n != 0; n++) {
		ck_assert(ike_prf(IKE_PRF_HMAC_SHA2_256, SPAN_STR("key"), next, 4, t));
		ck_assert_mem_eq(out + (n - 1) * 32, t, 32);
	}
	ck_assert(!ike_prf_plus(IKE_PRF_HMAC_SHA2_256, SPAN_STR("key"), seed, 2, out, 255 * 32 + 1));
	ck_assert(!ike_prf_plus(99, SPAN_STR("key"), seed, 2, out, 32));
	memset(out, 0xee, 64);
	ck_assert(ike_prf_plus(IKE_PRF_HMAC_SHA2_256, SPAN_STR("key"), seed, 2, out, 33));
	ck_assert_uint_eq(out[33], 0xee);	/* a cut block does not spill */
}
END_TEST

START_TEST(cookie_depends_on_everything)
{
	uint8_t secret[IKE_COOKIE_SECRET_LEN] = { 1 }, a[32], b[32];
	struct endpoint ep = { addr_of("\xc0\x00\x02\x01", 4), 4500 }, other = ep;

	ck_assert(ike_cookie_mac(secret, SPAN_STR("nonce"), &ep, 7, a));
	ck_assert(ike_cookie_mac(secret, SPAN_STR("nonce"), &ep, 7, b));
	ck_assert_mem_eq(a, b, 32);
	ck_assert(ike_cookie_mac(secret, SPAN_STR("Nonce"), &ep, 7, b));
	ck_assert_mem_ne(a, b, 32);
	ck_assert(ike_cookie_mac(secret, SPAN_STR("nonce"), &ep, 8, b));
	ck_assert_mem_ne(a, b, 32);
	other.port = 4501;
	ck_assert(ike_cookie_mac(secret, SPAN_STR("nonce"), &other, 7, b));
	ck_assert_mem_ne(a, b, 32);
	other = (struct endpoint){ addr_of("\xc0\x00\x02\x02", 4), 4500 };
	ck_assert(ike_cookie_mac(secret, SPAN_STR("nonce"), &other, 7, b));
	ck_assert_mem_ne(a, b, 32);
	secret[0] = 2;
	ck_assert(ike_cookie_mac(secret, SPAN_STR("nonce"), &ep, 7, b));
	ck_assert_mem_ne(a, b, 32);
}
END_TEST

START_TEST(digest_is_sha256)
{
	static const uint8_t want[4] = { 0xba, 0x78, 0x16, 0xbf };
	uint8_t out[32];

	ck_assert(ike_digest(SPAN_STR("abc"), out));
	ck_assert_mem_eq(out, want, 4);
}
END_TEST

/* SHA-1(SPIs | 2001:db8::1 | 500), computed apart from this code. */
START_TEST(natd_of_ipv6)
{
	static const uint8_t ip[16] = { 0x20, 1, 0x0d, 0xb8, [15] = 1 };
	struct endpoint ep = { addr_of(ip, 16), 500 };
	uint8_t out[20], want[20];

	ck_assert_uint_eq(test_unhex("645efdf3a4d473679c6a6530abefd3b71d8c18af", want, 20), 20);
	ck_assert(ike_natd_hash(0x0102030405060708, 0x1112131415161718, &ep, out));
	ck_assert_mem_eq(out, want, 20);
}
END_TEST

suite_fn suite_ike_prf;
Suite *
suite_ike_prf(void)
{
	Suite *s = suite_create("ike_prf");
	TCase *tc = tcase_create("prf");

	tcase_add_test(tc, wycheproof_hmac);
	tcase_add_test(tc, empty_key_and_data);
	tcase_add_test(tc, prf_plus_blocks);
	tcase_add_test(tc, cookie_depends_on_everything);
	tcase_add_test(tc, digest_is_sha256);
	tcase_add_test(tc, natd_of_ipv6);
	suite_add_tcase(s, tc);
	return s;
}
