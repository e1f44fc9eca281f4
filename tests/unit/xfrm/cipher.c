#include "config.h"

#include "xfrm/cipher.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/span.h"
#include "tests/unit/ike_crypto/wycheproof.h"
#include "tests/unit/xfrm/xfrm_test.h"

static struct test_env t;

static void
setup(void)
{
	test_env_init(&t);
	esp_crypto_use(DP_CRYPTO_OPENSSL);
}

static void
setup_mb(void)
{
	test_env_init(&t);
	esp_crypto_use(DP_CRYPTO_IPSEC_MB);
}

/* RFC 7634, appendix A. */
static const char chacha_key[] = "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3";
static const char chacha_plain[] = "45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec10000736270809"
				   "0a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363701020204";
static const char chacha_packet[] = "0102030400000005101112131415161724039428b97f417e3c13753a4f05087b67c352e6a7fab1b982d466ef407ae5c614ee8099d52844eb"
				    "61aa95dfab4c02f72aa71e7c4c4f64c9befe2facc638e8f3cbec163fac469b502773f6fb94e664da9165b82829f641e076aaa8266b7fb0f7"
				    "b11b369907e1ad43";

START_TEST(chacha_opens_what_the_rfc_prints)
{
	uint8_t key[36], packet[256], plain[128];
	size_t n = test_unhex(chacha_packet, packet, sizeof(packet)), m = test_unhex(chacha_plain, plain, sizeof(plain));
	struct esp_block b = { packet, n - 32, 0, false };
	struct esp_key *k;

	ck_assert_uint_eq(test_unhex(chacha_key, key, sizeof(key)), 36);
	k = esp_key_new(&t.env, esp_suite_find(28, 0, 0), key, NULL, false);
	ck_assert(esp_open(k, &b));
	ck_assert_uint_eq(b.text, m);
	ck_assert_mem_eq(packet + 16, plain, m);
	esp_key_free(k);
}
END_TEST

START_TEST(suites_are_known_by_their_transforms)
{
	unsigned n = 0, all = 0;

	for (size_t i = 0; i < ANY_SUITES; i++)
		ck_assert_ptr_nonnull(any_suite(i));
	for (unsigned encr = 0; encr < 64; encr++)
		for (unsigned bits = 0; bits <= 512; bits += 8)
			for (unsigned integ = 0; integ < 32; integ++)
				all += esp_suite_find((uint16_t)encr, (uint16_t)bits, (uint16_t)integ) != NULL;
	for (n = 0; any_suite(n); n++)
		;
	ck_assert_uint_eq(all, n);	/* and no others */
	ck_assert_ptr_null(esp_suite_find(2, 0, 12));	/* DES */
	ck_assert_ptr_null(esp_suite_find(11, 0, 12));	/* NULL */
	ck_assert_ptr_null(esp_suite_find(12, 256, 1));	/* MD5 */
	ck_assert_ptr_null(esp_suite_find(13, 256, 0));	/* CTR without integrity */
	ck_assert_ptr_null(esp_suite_find(20, 129, 0));
	ck_assert_ptr_null(esp_suite_find(20, 128, 12));
	ck_assert_ptr_null(esp_suite_find(12, 128, 0));
	ck_assert_ptr_null(esp_suite_find(0, 0, 0));
}
END_TEST

static void
fill(uint8_t *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(i * 13 + seed);
}

/* Sealed by one, opened by the other; then every single bit of it turned: never opened. */
START_TEST(every_bit_counts)
{
	const struct esp_suite *s = any_suite((size_t)_i);
	uint8_t key[64], integ[64], buf[128], copy[128];
	size_t text = 2 * (size_t)s->align, n = ESP_HEADER + (size_t)s->iv + text + s->icv;
	struct esp_block b = { buf, text, 7, true }, c = { copy, text, 7, true };
	struct esp_key *out, *in;

	fill(key, sizeof(key), 3);
	fill(integ, sizeof(integ), 5);
	fill(buf, sizeof(buf), 1);
	out = esp_key_new(&t.env, s, key, integ, true);
	in = esp_key_new(&t.env, s, key, integ, false);
	memcpy(copy, buf, sizeof(copy));
	ck_assert(esp_seal(out, &b));
	ck_assert_mem_ne(buf + ESP_HEADER + s->iv, copy + ESP_HEADER + s->iv, text);
	for (size_t bit = 0; bit < n * 8; bit++) {
		memcpy(copy, buf, n);
		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ck_assert_msg(!esp_open(in, &c), "%s: bit %zu", s->name, bit);
	}
	memcpy(copy, buf, n);
	c.seq_hi = 8;	/* the half that is not on the wire */
	ck_assert(!esp_open(in, &c));
	c.seq_hi = 7;
	memcpy(copy, buf, n);
	ck_assert(esp_open(in, &c));
	fill(buf, sizeof(buf), 1);
	ck_assert_mem_eq(copy + ESP_HEADER + s->iv, buf + ESP_HEADER + s->iv, text);
	esp_key_free(out);
	esp_key_free(in);
	ck_assert_int_eq(t.live, 0);
}
END_TEST

START_TEST(without_memory_no_key)
{
	uint8_t key[64] = { 0 };

	t.fail_at = 1;
	ck_assert_ptr_null(esp_key_new(&t.env, any_suite(0), key, key, true));
	for (t.fail_at = 1; t.fail_at <= 2;) {	/* CBC has the source of its IVs besides */
		long at = t.fail_at;

		ck_assert_ptr_null(esp_key_new(&t.env, esp_suite_find(12, 256, 12), key, key, true));
		ck_assert_int_eq(t.live, 0);
		t.fail_at = at + 1;
	}
	ck_assert_int_eq(t.live, 0);
}
END_TEST

/* No IV of CBC comes twice, none is a count, and the system is asked once per SA, not per packet. */
static unsigned draws;

static void
counted_random(void *ctx, void *out, size_t n)
{
	struct test_env u = { .seed = 77 };

	(void)ctx;
	draws++;
	for (size_t i = 0; i < n; i++)
		((uint8_t *)out)[i] = (uint8_t)(u.seed + i + draws);
}

START_TEST(ivs_of_cbc)
{
	enum { PACKETS = 1000 };
	static uint8_t ivs[PACKETS][16];
	const struct esp_suite *s = esp_suite_find(_i ? 3 : 12, _i ? 0 : 128, 12);
	uint8_t key[64] = { 0 }, buf[128];
	struct esp_block b = { buf, 2 * (size_t)s->align, 0, false };
	struct env env = t.env;
	struct esp_key *k;

	draws = 0;
	env.random = counted_random;
	k = esp_key_new(&env, s, key, key, true);
	for (unsigned i = 0; i < PACKETS; i++) {
		memset(buf, 0, sizeof(buf));
		put_be32(buf + 4, i + 1);
		ck_assert(esp_seal(k, &b));
		memcpy(ivs[i], buf + ESP_HEADER, s->iv);
		for (unsigned j = 0; j < i; j++)
			ck_assert_mem_ne(ivs[i], ivs[j], s->iv);
		ck_assert(get_be32(buf + ESP_HEADER + s->iv - 4) != i + 1);
	}
	ck_assert_uint_eq(draws, 1);
	esp_key_free(k);
	k = esp_key_new(&env, s, key, key, true);	/* another SA draws others */
	ck_assert(esp_seal(k, &b));
	for (unsigned j = 0; j < PACKETS; j++)
		ck_assert_mem_ne(buf + ESP_HEADER, ivs[j], s->iv);
	esp_key_free(k);
}
END_TEST

/* RFC 3686, section 6, test vector 6 (AES-192): the nonce stands behind the key, as in KEYMAT. The IV is the sequence
 * number, so it can only be opened; the ICV is our own. */
START_TEST(ctr_of_rfc_3686)
{
	const struct esp_suite *s = esp_suite_find(13, 192, 12);
	uint8_t key[28], integ[32] = { 0 }, packet[ESP_HEADER + 8 + 32 + 16], plain[32], mac_buf[sizeof(packet)];
	struct esp_block b = { packet, 32, 0, false }, c = { mac_buf, 32, 0, false };
	struct esp_key *in = NULL, *out;

	test_unhex("7c5cb2401b3dc33c19e7340819e0f69c678c3db8e6f6a91a0096b03b", key, sizeof(key));
	test_unhex("00000001000000010000000000000001", packet, 16);
	out = esp_key_new(&t.env, s, key, integ, true);
	in = esp_key_new(&t.env, s, key, integ, false);
	memset(packet + 16, 0, 32);
	b.seq_hi = 0x020c6ead;	/* IV 020c6eadc2cb500d: as a sequence number */
	b.esn = true;
	put_be32(packet + 4, 0xc2cb500d);
	for (unsigned i = 0; i < 32; i++)
		packet[16 + i] = (uint8_t)i;
	ck_assert(esp_seal(out, &b));
	test_unhex("453243fc609b23327edfaafa7131cd9f8490701c5ad4a79cfc1fe0ff42f4fb00", plain, sizeof(plain));
	ck_assert_mem_eq(packet + 16, plain, 32);
	ck_assert_mem_eq(packet + 8, "\x02\x0c\x6e\xad\xc2\xcb\x50\x0d", 8);
	memcpy(mac_buf, packet, sizeof(packet));
	c.seq_hi = b.seq_hi;
	c.esn = true;
	ck_assert(esp_open(in, &c));
	for (unsigned i = 0; i < 32; i++)
		ck_assert_uint_eq(mac_buf[16 + i], i);
	esp_key_free(in);
	esp_key_free(out);
}
END_TEST

/* Wycheproof's AEAD cases whose additional data have the length of an ESP header, without and with ESN. */
static uint16_t wp_encr;
static unsigned wp_opened, wp_refused;

static void
aead_case(const struct wp_case *c)
{
	uint8_t key[WP_OCTETS], iv[WP_OCTETS], aad[WP_OCTETS], msg[WP_OCTETS], ct[WP_OCTETS], tag[WP_OCTETS], packet[2 * WP_OCTETS];
	struct span k = wp_hex(c, "key", key), n = wp_hex(c, "iv", iv), a = wp_hex(c, "aad", aad), m = wp_hex(c, "msg", msg);
	struct span x = wp_hex(c, "ct", ct), tg = wp_hex(c, "tag", tag);
	const struct esp_suite *s = esp_suite_find(wp_encr, wp_encr == ESP_ENCR_CHACHA20 ? 0 : (uint16_t)(8 * k.n), 0);
	struct esp_block b = { packet, x.n, a.n == 12 ? get_be32(a.p + 4) : 0, a.n == 12 };
	struct wr w = wr_of(packet, sizeof(packet));
	struct esp_key *in;

	if (!s || n.n != 12 || tg.n != 16 || (a.n != 8 && a.n != 12)) {
		wp_skip(c);
		return;
	}
	memcpy(key + k.n, n.p, 4);
	wr_bytes(&w, a.p, 4);
	wr_bytes(&w, a.p + a.n - 4, 4);
	wr_bytes(&w, n.p + 4, 8);
	wr_put(&w, x);
	wr_put(&w, tg);
	in = esp_key_new(&t.env, s, key, NULL, false);
	ck_assert_msg(esp_open(in, &b) == c->valid, "case %d", c->id);
	if (c->valid)
		ck_assert_mem_eq(packet + 16, m.p, m.n);
	wp_opened += c->valid;
	wp_refused += !c->valid;
	esp_key_free(in);
}

START_TEST(wycheproof_aead)
{
	wp_encr = ESP_ENCR_CHACHA20;
	if (!wp_run("chacha20_poly1305_test.json", aead_case))
		return;
	wp_encr = ESP_ENCR_AES_GCM_16;
	wp_run("aes_gcm_test.json", aead_case);
	printf("esp: %u opened, %u refused\n", wp_opened, wp_refused);
	ck_assert_uint_gt(wp_opened, 0);
}
END_TEST

START_TEST(openssl_does_what_nobody_else_does)
{
	esp_crypto_use(DP_CRYPTO_OPENSSL);
	ck_assert_str_eq(esp_crypto_why(), "configuration");
	ck_assert_ptr_eq(strstr(esp_crypto_what(), "OpenSSL 3."), esp_crypto_what());
	esp_crypto_use(DP_CRYPTO_AUTO);
	if (!esp_crypto_why())
		ck_assert_ptr_eq(strstr(esp_crypto_what(), "ipsec-mb "), esp_crypto_what());
	else
		ck_assert_ptr_eq(strstr(esp_crypto_what(), "OpenSSL 3."), esp_crypto_what());
#ifdef HAVE_IPSEC_MB
	if (__builtin_cpu_supports("aes"))
		ck_assert_msg(!esp_crypto_why(), "%s", esp_crypto_why());
#endif
}
END_TEST

/* Keys of one and of the other on both ends: what one seals the other does, and opens; of any length, at any number. */
START_TEST(both_make_the_same)
{
	const struct esp_suite *s = any_suite((size_t)_i);
	uint8_t key[64], integ[64], one[2048], two[2048];
	struct esp_key *ssl[2], *mb[2];

	fill(key, sizeof(key), 9);
	fill(integ, sizeof(integ), 4);
	for (int seal = 0; seal < 2; seal++) {
		esp_crypto_use(DP_CRYPTO_OPENSSL);
		ssl[seal] = esp_key_new(&t.env, s, key, integ, seal);
		esp_crypto_use(DP_CRYPTO_IPSEC_MB);
		mb[seal] = esp_key_new(&t.env, s, key, integ, seal);
	}
	for (uint32_t seq = 1; seq < 1500; seq += seq < 200 ? 1 : 29) {
		size_t text = (seq % 1500 + s->align) / s->align * s->align, n = ESP_HEADER + (size_t)s->iv + text + s->icv;
		struct esp_block a = { one, text, seq & 1 ? seq : 0, seq & 1 }, b = { two, text, a.seq_hi, a.esn };

		fill(one, n, seq);
		put_be32(one + 4, seq * 0x10001);
		memcpy(two, one, n);
		ck_assert(esp_seal(ssl[1], &a) && esp_seal(mb[1], &b));
		if (s->iv == 8 && s->encr != ESP_ENCR_3DES)	/* other IVs are drawn */
			ck_assert_mem_eq(one, two, n);
		ck_assert(esp_open(mb[0], &a) && esp_open(ssl[0], &b));
		ck_assert_mem_eq(one + ESP_HEADER + s->iv, two + ESP_HEADER + s->iv, text);
		one[ESP_HEADER + s->iv + text + seq % s->icv] ^= 0x80;
		ck_assert(!esp_open(mb[0], &a));
	}
	for (int seal = 0; seal < 2; seal++) {
		esp_key_free(ssl[seal]);
		esp_key_free(mb[seal]);
	}
	ck_assert_int_eq(t.live, 0);
}
END_TEST

START_TEST(mb_without_memory_no_key)
{
	uint8_t key[64] = { 0 };

	for (long at = 1; at <= 2; at++) {
		t.fail_at = at;
		ck_assert_ptr_null(esp_key_new(&t.env, any_suite(0), key, key, true));
		ck_assert_int_eq(t.live, 0);
	}
}
END_TEST

static struct {
	_Alignas(64) uint8_t octets[1 << 16];
	size_t n;
} arena;

static void *
arena_alloc(void *ctx, size_t n)
{
	uint8_t *p = arena.octets + arena.n;

	(void)ctx;
	ck_assert_uint_le(n, sizeof(arena.octets) - arena.n);
	arena.n += (n + 63) / 64 * 64;
	return p;
}

static void
arena_free(void *ctx, void *p)
{
	(void)ctx;
	(void)p;
}

/* Memory of a freed key knows nothing of it. */
START_TEST(mb_leaves_no_key)
{
	uint8_t key[64], integ[64];
	struct esp_key *k;

	t.env.alloc = arena_alloc;
	t.env.release = arena_free;
	fill(key, sizeof(key), 7);
	fill(integ, sizeof(integ), 5);
	k = esp_key_new(&t.env, any_suite((size_t)_i), key, integ, true);
	ck_assert_ptr_nonnull(memmem(arena.octets, arena.n, key, 16));
	esp_key_free(k);
	ck_assert_ptr_null(memmem(arena.octets, arena.n, key, 16));
}
END_TEST

Suite *
cipher_suite(void)
{
	Suite *s = suite_create("xfrm/cipher");
	TCase *c = tcase_create("cipher"), *mb = tcase_create("ipsec-mb");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, openssl_does_what_nobody_else_does);
	tcase_add_test(c, chacha_opens_what_the_rfc_prints);
	tcase_add_test(c, suites_are_known_by_their_transforms);
	tcase_add_loop_test(c, every_bit_counts, 0, ANY_SUITES);
	tcase_add_test(c, without_memory_no_key);
	tcase_add_loop_test(c, ivs_of_cbc, 0, 2);
	tcase_add_test(c, ctr_of_rfc_3686);
	tcase_add_test(c, wycheproof_aead);
	suite_add_tcase(s, c);
	tcase_add_checked_fixture(mb, setup_mb, NULL);
	esp_crypto_use(DP_CRYPTO_IPSEC_MB);
	if (esp_crypto_why()) {
		printf("skip ipsec-mb: %s\n", esp_crypto_why());
	} else {
		tcase_add_loop_test(mb, both_make_the_same, 0, ANY_SUITES);
		tcase_add_test(mb, chacha_opens_what_the_rfc_prints);
		tcase_add_loop_test(mb, every_bit_counts, 0, ANY_SUITES);
		tcase_add_test(mb, mb_without_memory_no_key);
		tcase_add_loop_test(mb, mb_leaves_no_key, 0, 1);
		tcase_add_test(mb, wycheproof_aead);
	}
	suite_add_tcase(s, mb);
	return s;
}
