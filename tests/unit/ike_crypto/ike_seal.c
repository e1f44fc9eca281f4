/* Twin of ikecore/crypto/ike_seal.c: AEAD by Wycheproof; every suite sealed, opened, cut and bent. */
#include "ikecore/crypto/ike_crypto.h"
#include "ikecore/wire/ike_msg.h"
#include "tests/unit/ike_crypto/wycheproof.h"

#include <stdlib.h>

static uint16_t wp_encr;

static struct ike_protect
protect(uint16_t encr, uint16_t bits, uint16_t integ)
{
	struct ike_protect p = { .encr = encr, .encr_bits = bits, .integ = integ };
	struct ike_encr_info e;
	struct ike_integ_info g = { 0 };

	ck_assert(ike_encr_info(encr, bits, &e));
	if (integ)
		ck_assert(ike_integ_info(integ, &g));
	p.enc_len = e.key_len + e.salt_len;
	p.mac_len = g.key_len;
	for (unsigned i = 0; i < p.enc_len; i++)
		p.enc[i] = (uint8_t)(i * 7 + 1);
	for (unsigned i = 0; i < p.mac_len; i++)
		p.mac[i] = (uint8_t)(i * 5 + 3);
	return p;
}

static void
aead_case(const struct wp_case *c)
{
	uint8_t key[WP_OCTETS], iv[WP_OCTETS], aad[WP_OCTETS], msg[WP_OCTETS], ct[WP_OCTETS], tag[WP_OCTETS], body[2 * WP_OCTETS], out[2 * WP_OCTETS];
	struct span k = wp_hex(c, "key", key), n = wp_hex(c, "iv", iv), a = wp_hex(c, "aad", aad), m = wp_hex(c, "msg", msg);
	struct span x = wp_hex(c, "ct", ct), t = wp_hex(c, "tag", tag);
	struct ike_protect p = { .encr = wp_encr, .encr_bits = wp_encr == IKE_ENCR_AES_GCM_16 ? (uint16_t)(8 * k.n) : 0 };
	struct wr w = wr_of(body, sizeof(body));

	if (wp_int(c, "ivSize") != 96 || wp_int(c, "tagSize") != 128) {
		wp_skip(c);
		return;
	}
	memcpy(p.enc, k.p, k.n);
	memcpy(p.enc + k.n, n.p, 4);	/* salt */
	p.enc_len = (uint8_t)(k.n + 4);
	wr_bytes(&w, n.p + 4, 8);
	wr_put(&w, x);
	wr_put(&w, t);
	if (c->valid) {
		uint8_t icv[16];

		memcpy(out, m.p, m.n);
		ck_assert(ike_seal(&p, a, n.p + 4, out, m.n, icv));
		ck_assert_mem_eq(out, x.p, x.n);
		ck_assert_mem_eq(icv, t.p, 16);
	}
	/* IKE has no empty text: there is always a pad length. */
	ck_assert_msg(ike_open(&p, a, wr_span(&w), out) == (c->valid && m.n ? (long)m.n : -1), "case %d", c->id);
	if (c->valid)
		ck_assert_mem_eq(out, m.p, m.n);
}

START_TEST(wycheproof_aead)
{
	wp_encr = IKE_ENCR_AES_GCM_16;
	wp_run("aes_gcm_test.json", aead_case);
	wp_encr = IKE_ENCR_CHACHA20_POLY1305;
	wp_run("chacha20_poly1305_test.json", aead_case);
}
END_TEST

/* PKCS #5 padding is neither IKE's nor ESP's, so it is put on and looked at here; the octets go through our own functions,
 * with an ICV of our own, since there is no CBC without one. */
static bool
pkcs5_ok(const uint8_t *text, size_t n)
{
	uint8_t pad = n ? text[n - 1] : 0;

	if (pad == 0 || pad > 16 || pad > n)
		return false;
	for (size_t i = n - pad; i < n; i++) {
		if (text[i] != pad)
			return false;
	}
	return true;
}

static void
cbc_case(const struct wp_case *c)
{
	uint8_t key[WP_OCTETS], iv[WP_OCTETS], msg[WP_OCTETS], ct[WP_OCTETS], body[2 * WP_OCTETS], out[2 * WP_OCTETS], icv[32];
	struct span k = wp_hex(c, "key", key), n = wp_hex(c, "iv", iv), m = wp_hex(c, "msg", msg), x = wp_hex(c, "ct", ct), part[2];
	struct ike_protect p = { .encr = IKE_ENCR_AES_CBC, .encr_bits = (uint16_t)(8 * k.n), .integ = IKE_INTEG_HMAC_SHA2_256_128,
		.enc_len = (uint8_t)k.n, .mac_len = 32 };
	size_t pad = 16 - m.n % 16;
	long got;
	struct wr w = wr_of(body, sizeof(body));

	memcpy(p.enc, k.p, k.n);
	if (c->valid) {
		memcpy(out, m.p, m.n);
		memset(out + m.n, (int)pad, pad);
		ck_assert(ike_seal(&p, span_of("", 0), n.p, out, m.n + pad, icv));
		ck_assert_uint_eq(m.n + pad, x.n);
		ck_assert_mem_eq(out, x.p, x.n);
	}
	part[0] = n;
	part[1] = x;
	ck_assert(ike_prf(IKE_PRF_HMAC_SHA2_256, span_of(p.mac, 32), part, 2, icv));
	wr_put(&w, n);
	wr_put(&w, x);
	wr_bytes(&w, icv, 16);
	got = ike_open(&p, span_of("", 0), wr_span(&w), out);
	ck_assert_msg((got > 0 && pkcs5_ok(out, (size_t)got)) == c->valid, "case %d", c->id);
	if (c->valid)
		ck_assert_mem_eq(out, m.p, m.n);
}

START_TEST(wycheproof_cbc)
{
	wp_run("aes_cbc_pkcs5_test.json", cbc_case);
}
END_TEST

/* RFC 3686, section 6, test vectors 1, 5 and 8: one key of each length, one block and more. */
START_TEST(ctr_of_rfc_3686)
{
	static const struct {
		uint16_t bits;
		const char *key, *nonce, *iv, *plain, *cipher;
	} t[] = {
		{ 128, "ae6852f8121067cc4bf7a5765577f39e", "00000030", "0000000000000000", "53696e676c6520626c6f636b206d7367",
		    "e4095d4fb7a7b3792d6175a3261311b8" },
		{ 192, "7c5cb2401b3dc33c19e7340819e0f69c678c3db8e6f6a91a", "0096b03b", "020c6eadc2cb500d",
		    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
		    "453243fc609b23327edfaafa7131cd9f8490701c5ad4a79cfc1fe0ff42f4fb00" },
		{ 256, "f6d66d6bd52d59bb0796365879eff886c66dd51a5b6a99744b50590c87a23884", "00faac24", "c1585ef15a43d875",
		    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
		    "f05e231b3894612c49ee000b804eb2a9b8306b508f839d6a5530831d9344af1c" },
	};

	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct ike_protect p = { .encr = IKE_ENCR_AES_CTR, .encr_bits = t[i].bits, .integ = IKE_INTEG_HMAC_SHA2_256_128, .mac_len = 32 };
		uint8_t iv[8], text[32], want[32], icv[32];
		size_t n = test_unhex(t[i].plain, text, sizeof(text));

		p.enc_len = (uint8_t)(t[i].bits / 8 + 4);
		test_unhex(t[i].key, p.enc, sizeof(p.enc));
		test_unhex(t[i].nonce, p.enc + t[i].bits / 8, 4);
		test_unhex(t[i].iv, iv, sizeof(iv));
		test_unhex(t[i].cipher, want, sizeof(want));
		ck_assert(ike_seal(&p, span_of("", 0), iv, text, n, icv));
		ck_assert_mem_eq(text, want, n);
	}
}
END_TEST

static const struct {
	uint16_t encr, bits, integ;
} suites[] = {
	{ IKE_ENCR_AES_GCM_16, 128, 0 }, { IKE_ENCR_AES_GCM_16, 192, 0 }, { IKE_ENCR_AES_GCM_16, 256, 0 },
	{ IKE_ENCR_CHACHA20_POLY1305, 0, 0 },
	{ IKE_ENCR_AES_CBC, 128, IKE_INTEG_HMAC_SHA2_256_128 }, { IKE_ENCR_AES_CBC, 192, IKE_INTEG_HMAC_SHA2_384_192 },
	{ IKE_ENCR_AES_CBC, 256, IKE_INTEG_HMAC_SHA2_512_256 }, { IKE_ENCR_AES_CBC, 256, IKE_INTEG_HMAC_SHA1_96 },
	{ IKE_ENCR_AES_CTR, 128, IKE_INTEG_HMAC_SHA2_256_128 }, { IKE_ENCR_AES_CTR, 192, IKE_INTEG_HMAC_SHA2_384_192 },
	{ IKE_ENCR_AES_CTR, 256, IKE_INTEG_HMAC_SHA2_512_256 }, { IKE_ENCR_3DES, 0, IKE_INTEG_HMAC_SHA1_96 },
	{ IKE_ENCR_3DES, 0, IKE_INTEG_HMAC_SHA2_256_128 },
};

/* A message with one notify, built and sealed as the engine does it. */
static size_t
sealed(const struct ike_protect *p, const struct env *env, uint8_t *buf, size_t n)
{
	struct wr w = wr_of(buf, n);
	struct ike_hdr h = { .spi_i = 1, .spi_r = 2, .version = IKE_VERSION_2, .exchange = IKE_INFORMATIONAL, .flags = IKE_FLAG_INITIATOR, .mid = 3 };
	struct ike_build b;
	struct ike_seal_room room;
	struct ike_sk_sizes z;
	size_t len;

	ck_assert(ike_sk_sizes(p, &z));
	ike_build_start(&b, &w, &h);
	ike_build_sk(&b, z.iv_len);
	ike_build_notify(&b, 0, span_of("", 0), IKE_N_INITIAL_CONTACT, span_of("", 0));
	len = ike_build_seal(&b, z.block, z.icv_len, &room);
	ck_assert_uint_gt(len, 0);
	ck_assert(ike_sk_iv(p, 0x1122334455667788, env, room.iv));
	ck_assert(ike_seal(p, room.aad, room.iv, room.text, room.text_len, room.icv));
	return len;
}

static long
opened(const struct ike_protect *p, struct span message, uint8_t *out, struct ike_msg *m)
{
	if (ike_msg_parse(message, m) != IKE_OK || ike_msg_check_clear(m) != IKE_OK)
		return -2;
	return ike_open(p, m->sk.aad, m->sk.body, out);
}

START_TEST(round_trip_and_every_bit)
{
	struct ike_protect p = protect(suites[_i].encr, suites[_i].bits, suites[_i].integ), other;
	struct test_env t;
	struct ike_msg m;
	uint8_t buf[256], out[256];
	size_t n;
	long len;

	test_env_init(&t);
	n = sealed(&p, &t.env, buf, sizeof(buf));
	len = opened(&p, span_of(buf, n), out, &m);
	ck_assert_int_gt(len, 0);
	ck_assert_int_eq(ike_msg_parse_inner(&m, span_of(out, (size_t)len)), IKE_OK);
	ck_assert_int_eq(ike_msg_check_inner(&m), IKE_OK);
	ck_assert_uint_eq(m.notify[0].type, IKE_N_INITIAL_CONTACT);
	if (!suites[_i].integ || suites[_i].encr == IKE_ENCR_AES_CTR)
		ck_assert_mem_eq(m.sk.body.p, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
	for (size_t bit = 0; bit < 8 * n; bit++) {
		buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert_msg(opened(&p, span_of(buf, n), out, &m) < 0, "bit %zu", bit);
		buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	other = p;
	other.enc[0] ^= 1;
	if (suites[_i].integ)
		other.mac[0] ^= 1;
	ck_assert_int_eq(opened(&other, span_of(buf, n), out, &m), -1);
	ck_assert_int_gt(opened(&p, span_of(buf, n), out, &m), 0);
}
END_TEST

/* Bodies of every length, in memory of exactly that size; nothing of the text is given out. */
START_TEST(every_length)
{
	struct ike_protect p = protect(suites[_i].encr, suites[_i].bits, suites[_i].integ);
	struct test_env t;
	struct ike_msg m;
	uint8_t buf[256], keep[256];
	size_t n;

	test_env_init(&t);
	n = sealed(&p, &t.env, buf, sizeof(buf));
	ck_assert_int_gt(opened(&p, span_of(buf, n), keep, &m), 0);
	for (size_t k = 0; k < m.sk.body.n; k++) {
		uint8_t *body = exact_copy(span_of(m.sk.body.p, k)), *out = calloc(1, k ? k : 1);

		ck_assert_int_eq(ike_open(&p, m.sk.aad, span_of(body, k), out), -1);
		for (size_t i = 0; i < k; i++)
			ck_assert_uint_eq(out[i], 0);
		free(out);
		free(body);
	}
}
END_TEST

START_TEST(open_in_place)
{
	struct ike_protect p = protect(suites[_i].encr, suites[_i].bits, suites[_i].integ);
	struct ike_sk_sizes z;
	struct test_env t;
	struct ike_msg m;
	uint8_t buf[256], out[256];
	size_t n;
	long len;

	test_env_init(&t);
	ck_assert(ike_sk_sizes(&p, &z));
	n = sealed(&p, &t.env, buf, sizeof(buf));
	len = opened(&p, span_of(buf, n), out, &m);
	ck_assert_int_eq(ike_open(&p, m.sk.aad, m.sk.body, buf + (m.sk.body.p - buf) + z.iv_len), len);
	ck_assert_mem_eq(m.sk.body.p + z.iv_len, out, (size_t)len);
}
END_TEST

START_TEST(blocks_and_bounds)
{
	struct ike_protect p = protect(IKE_ENCR_AES_CBC, 128, IKE_INTEG_HMAC_SHA2_256_128), bad = p;
	static uint8_t text[70000];
	uint8_t iv[16] = { 0 }, icv[32];

	ck_assert(!ike_seal(&p, SPAN_STR("aad"), iv, text, 15, icv));
	ck_assert(ike_seal(&p, SPAN_STR("aad"), iv, text, 16, icv));
	ck_assert(!ike_seal(&p, SPAN_STR("aad"), iv, text, 65536, icv));
	bad.integ = 0;
	ck_assert(!ike_seal(&bad, SPAN_STR("aad"), iv, text, 16, icv));
	ck_assert_int_eq(ike_open(&bad, SPAN_STR("aad"), span_of(text, 64), text + 1000), -1);
	ck_assert_int_eq(ike_open(&p, SPAN_STR("aad"), span_of(text, 65536 + 32), text), -1);
}
END_TEST

START_TEST(null_protects_nothing)
{
	struct ike_protect p;
	struct test_env t;
	struct ike_msg m;
	uint8_t buf[256], out[256];
	size_t n;

	test_env_init(&t);
	ike_crypto_allow_for_tests(true);
	p = protect(IKE_ENCR_NULL, 0, 0);
	n = sealed(&p, &t.env, buf, sizeof(buf));
	buf[n - 1] ^= 1;	/* the ICV is not looked at */
	ck_assert_int_eq(opened(&p, span_of(buf, n), out, &m), 9);
	ike_crypto_allow_for_tests(false);
	ck_assert_int_eq(opened(&p, span_of(buf, n), out, &m), -1);
}
END_TEST

suite_fn suite_ike_seal;
Suite *
suite_ike_seal(void)
{
	Suite *s = suite_create("ike_seal");
	TCase *tc = tcase_create("seal");
	int n = sizeof(suites) / sizeof(suites[0]);

	tcase_add_test(tc, wycheproof_aead);
	tcase_add_test(tc, wycheproof_cbc);
	tcase_add_test(tc, ctr_of_rfc_3686);
	tcase_add_loop_test(tc, round_trip_and_every_bit, 0, n);
	tcase_add_loop_test(tc, every_length, 0, n);
	tcase_add_loop_test(tc, open_in_place, 0, n);
	tcase_add_test(tc, blocks_and_bounds);
	tcase_add_test(tc, null_protects_nothing);
	suite_add_tcase(s, tc);
	return s;
}
