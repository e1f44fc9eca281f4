#include "xfrm/cipher.h"

#include <stdlib.h>

#include "lib/span.h"
#include "tests/unit/xfrm/xfrm_test.h"

static struct test_env t;

static void
setup(void)
{
	test_env_init(&t);
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
	for (size_t i = 0; any_suite(i); i++)
		ck_assert_ptr_nonnull(any_suite(i)->name);
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
	ck_assert_int_eq(t.live, 0);
}
END_TEST

Suite *
cipher_suite(void)
{
	Suite *s = suite_create("xfrm/cipher");
	TCase *c = tcase_create("cipher");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, chacha_opens_what_the_rfc_prints);
	tcase_add_test(c, suites_are_known_by_their_transforms);
	tcase_add_loop_test(c, every_bit_counts, 0, 9);
	tcase_add_test(c, without_memory_no_key);
	suite_add_tcase(s, c);
	return s;
}
