#include "xfrm/esp.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/xfrm/xfrm_test.h"

static struct test_env t;
static struct esp_out out;
static struct esp_in in;

static void
setup(void)
{
	test_env_init(&t);
}

static void
pair(const struct esp_suite *s, bool esn)
{
	uint8_t key[64], integ[64];

	for (size_t i = 0; i < 64; i++)
		key[i] = integ[i] = (uint8_t)(i * 3 + 1);
	out = (struct esp_out){ s, esp_key_new(&t.env, s, key, integ, true), 0x1234, esn, 0 };
	in = (struct esp_in){ s, esp_key_new(&t.env, s, key, integ, false), replay_new(&t.env, 64, esn) };
}

static void
unpair(void)
{
	esp_key_free(out.key);
	esp_key_free(in.key);
	env_free(&t.env, in.replay);
	ck_assert_int_eq(t.live, 0);
}

size_t
vector(const char *file, const char *name, uint8_t *o, size_t max)
{
	size_t n, got = 0;
	char *text = (char *)test_shared(file, &n), key[64], *at;

	snprintf(key, sizeof(key), "\n%s = ", name);
	at = text ? strstr(text, key) : NULL;
	if (at)
		got = test_unhex(at + strlen(key), o, max);
	free(text);
	return got;
}

/* Recorded between two strongSwan, with the keys of both: not a line of this project made them. */
static const struct {
	const char *file, *packet, *encr, *integ;
	uint16_t id[3];
} recorded[] = {
	{ "vectors/ike/own/ike-gcm.txt", "esp_IR_1", "child1_KEYMAT_ei", NULL, { 20, 256, 0 } },
	{ "vectors/ike/own/ike-gcm.txt", "esp_RI_2", "child1_KEYMAT_er", NULL, { 20, 256, 0 } },
	{ "vectors/ike/own/ike-gcm.txt", "esp_IR_3", "child1_KEYMAT_ei", NULL, { 20, 256, 0 } },
	{ "vectors/ike/own/ike-cbc.txt", "esp_IR_1", "child1_KEYMAT_ei", "child1_KEYMAT_ai", { 12, 256, 12 } },
	{ "vectors/ike/own/ike-cbc.txt", "esp_IR_3", "child1_KEYMAT_ei", "child1_KEYMAT_ai", { 12, 256, 12 } },
};

START_TEST(opens_what_strongswan_sent)
{
	const struct esp_suite *s = esp_suite_find(recorded[_i].id[0], recorded[_i].id[1], recorded[_i].id[2]);
	uint8_t key[64], integ[64] = { 0 }, packet[512], plain[512];
	char name[32];
	size_t n = vector(recorded[_i].file, recorded[_i].packet, packet, sizeof(packet)), m;
	struct esp_opened o;

	if (!n)
		return;	/* said by the loader */
	snprintf(name, sizeof(name), "%s_plain", recorded[_i].packet);
	m = vector(recorded[_i].file, name, plain, sizeof(plain));
	ck_assert_uint_eq(vector(recorded[_i].file, recorded[_i].encr, key, sizeof(key)), (size_t)s->key + s->salt);
	if (recorded[_i].integ)
		ck_assert_uint_eq(vector(recorded[_i].file, recorded[_i].integ, integ, sizeof(integ)), s->integ_key);
	in = (struct esp_in){ s, esp_key_new(&t.env, s, key, integ, false), replay_new(&t.env, 0, false) };
	ck_assert_int_eq(esp_unwrap(&in, packet, n, &o), XFRM_OK);
	ck_assert(o.newest);
	ck_assert_uint_eq(o.n, 8 + 84);	/* GRE with a key, a ping */
	ck_assert_uint_le(o.n, m);
	ck_assert_mem_eq(o.p, plain, o.n);
	esp_key_free(in.key);
	env_free(&t.env, in.replay);
}
END_TEST

/* Into a buffer of exactly the right size, so that a sanitizer sees one octet too many. */
static uint8_t *
sealed(size_t payload, size_t *n)
{
	size_t head = esp_head(out.suite);
	uint8_t *buf;
	struct span s;

	*n = esp_size(out.suite, payload);
	buf = malloc(*n);
	for (size_t i = 0; i < payload; i++)
		buf[head + i] = (uint8_t)i;
	ck_assert_int_eq(esp_wrap(&out, ESP_NEXT_GRE, buf + head, payload, &s), XFRM_OK);
	ck_assert_ptr_eq(s.p, buf);
	ck_assert_uint_eq(s.n, *n);
	return buf;
}

START_TEST(all_lengths_come_back)
{
	pair(any_suite((size_t)_i), _i % 2);
	for (size_t len = 0; len < 300; len++) {
		struct esp_opened o = { 0 };
		size_t n;
		uint8_t *p = sealed(len, &n);

		ck_assert_uint_eq((n - esp_head(out.suite) - out.suite->icv) % out.suite->align, 0);
		ck_assert_int_eq(esp_unwrap(&in, p, n, &o), XFRM_OK);
		ck_assert_uint_eq(o.n, len);
		for (size_t i = 0; i < len; i++)
			ck_assert_uint_eq(o.p[i], (uint8_t)i);
		ck_assert_uint_ge(esp_payload_max(out.suite, n), len);
		ck_assert_uint_lt(len ? esp_payload_max(out.suite, n - 1) : 0, len ? len : 1);
		free(p);
	}
	unpair();
}
END_TEST

START_TEST(the_formula_of_sizes)	/* dataplane.md, 8 */
{
	const struct esp_suite *s = esp_suite_find(20, 128, 0);

	ck_assert_uint_eq(esp_payload_max(s, 1500 - 28), 1430 + 8);
	ck_assert_uint_eq(esp_payload_max(s, 1500 - 20), 1438 + 8);
	ck_assert_uint_eq(esp_payload_max(s, 1500 - 48), 1410 + 8);
	ck_assert_uint_eq(esp_size(s, 1400 + 8), 1444);
	ck_assert_uint_eq(esp_payload_max(s, 0), 0);
	ck_assert_uint_eq(esp_payload_max(s, 33), 0);
}
END_TEST

START_TEST(numbers_never_repeat_and_replays_are_refused)
{
	struct esp_opened o;
	uint8_t *a, *b, copy[256];
	size_t n;

	pair(any_suite(0), false);
	a = sealed(40, &n);
	b = sealed(40, &n);
	ck_assert_mem_ne(a + 4, b + 4, 12);	/* sequence and IV */
	memcpy(copy, b, n);
	ck_assert_int_eq(esp_unwrap(&in, b, n, &o), XFRM_OK);
	ck_assert(o.newest);
	ck_assert_int_eq(esp_unwrap(&in, copy, n, &o), XFRM_DROP_REPLAY);
	ck_assert_int_eq(esp_unwrap(&in, a, n, &o), XFRM_OK);
	ck_assert(!o.newest);
	in.replay->top = 100;
	memcpy(copy + 4, (uint8_t[]){ 0, 0, 0, 1 }, 4);
	ck_assert_int_eq(esp_unwrap(&in, copy, n, &o), XFRM_DROP_TOO_OLD);
	memset(copy + 4, 0, 4);
	ck_assert_int_eq(esp_unwrap(&in, copy, n, &o), XFRM_DROP_SEQ_ZERO);
	free(a);
	free(b);
	unpair();
}
END_TEST

START_TEST(a_forgery_does_not_move_the_window)
{
	struct esp_opened o;
	size_t n;
	uint8_t *p;

	pair(any_suite(0), false);
	p = sealed(40, &n);
	put_be32(p + 4, 5000000);
	ck_assert_int_eq(esp_unwrap(&in, p, n, &o), XFRM_DROP_AUTH);
	ck_assert_uint_eq(in.replay->top, 0);
	free(p);
	p = sealed(40, &n);
	ck_assert_int_eq(esp_unwrap(&in, p, n, &o), XFRM_OK);
	free(p);
	unpair();
}
END_TEST

START_TEST(the_numbers_end)
{
	uint8_t buf[256];
	struct span s;

	pair(any_suite(0), false);
	out.seq = UINT32_MAX - 1;
	ck_assert_int_eq(esp_wrap(&out, ESP_NEXT_GRE, buf + 64, 20, &s), XFRM_OK);
	ck_assert_int_eq(esp_wrap(&out, ESP_NEXT_GRE, buf + 64, 20, &s), XFRM_DROP_SEQ_END);
	ck_assert_uint_eq(out.seq, UINT32_MAX);
	unpair();
	pair(any_suite(0), true);
	out.seq = UINT32_MAX;
	ck_assert_int_eq(esp_wrap(&out, ESP_NEXT_GRE, buf + 64, 20, &s), XFRM_OK);
	out.seq = UINT64_MAX;
	ck_assert_int_eq(esp_wrap(&out, ESP_NEXT_GRE, buf + 64, 20, &s), XFRM_DROP_SEQ_END);
	unpair();
}
END_TEST

START_TEST(esn_over_the_wrap)
{
	struct esp_opened o;

	pair(any_suite((size_t)_i), true);
	out.seq = 0xfffffff0;
	replay_commit(in.replay, 0xfffffff0);
	for (int i = 0; i < 64; i++) {
		size_t n;
		uint8_t *p = sealed(20, &n);

		ck_assert_int_eq(esp_unwrap(&in, p, n, &o), XFRM_OK);
		free(p);
	}
	ck_assert_uint_eq(in.replay->top >> 32, 1);
	unpair();
}
END_TEST

START_TEST(every_truncation_is_refused)
{
	struct esp_opened o;
	size_t n;
	uint8_t *p;

	pair(any_suite((size_t)_i), false);
	p = sealed(50, &n);
	for (size_t len = 0; len < n; len++) {
		uint8_t *exact = malloc(len ? len : 1);

		memcpy(exact, p, len);
		ck_assert_int_ne(esp_unwrap(&in, exact, len, &o), XFRM_OK);
		free(exact);
	}
	ck_assert_uint_eq(in.replay->top, 0);
	free(p);
	unpair();
}
END_TEST

/* Trailers that only the holder of the key can make, and that are wrong nevertheless. */
static const struct {
	uint8_t tail[8];
	enum xfrm_count want;
} trailers[] = {
	{ { 0, 0, 0, 0, 1, 2, 2, 47 }, XFRM_OK },
	{ { 0, 0, 0, 0, 0, 0, 0, 47 }, XFRM_OK },
	{ { 0, 0, 0, 0, 2, 1, 2, 47 }, XFRM_DROP_PADDING },
	{ { 0, 0, 0, 0, 0, 0, 1, 47 }, XFRM_DROP_PADDING },
	{ { 0, 0, 0, 0, 0, 0, 255, 47 }, XFRM_DROP_PADDING },
	{ { 0, 0, 0, 0, 0, 0, 7, 47 }, XFRM_DROP_PADDING },
	{ { 0, 0, 0, 0, 1, 2, 2, 59 }, XFRM_DROP_DUMMY },
	{ { 0, 0, 0, 0, 1, 2, 2, 4 }, XFRM_DROP_NEXT_HEADER },
	{ { 0, 0, 0, 0, 1, 2, 2, 41 }, XFRM_DROP_NEXT_HEADER },
	{ { 0, 0, 0, 0, 1, 2, 2, 6 }, XFRM_DROP_NEXT_HEADER },
	{ { 2, 3, 4, 5, 6, 7, 7, 47 }, XFRM_DROP_PADDING },	/* right, if the octet before the text (1, of the IV) counted */
};

START_TEST(trailers_are_looked_at)
{
	uint8_t buf[128] = { 0 };
	struct esp_block b = { buf, 8, 0, false };
	struct esp_opened o;

	pair(esp_suite_find(20, 128, 0), false);
	put_be32(buf, 0x1234);
	put_be32(buf + 4, 1);
	memcpy(buf + 16, trailers[_i].tail, 8);
	buf[15] = 1;
	ck_assert(esp_seal(out.key, &b));
	ck_assert_int_eq(esp_unwrap(&in, buf, 8 + 8 + 8 + 16, &o), trailers[_i].want);
	ck_assert_uint_eq(in.replay->top, 1);	/* it was authentic */
	unpair();
}
END_TEST

START_TEST(words_are_there_and_distinct)
{
	for (int i = 0; i < XFRM_COUNTERS; i++)
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(xfrm_count_word((enum xfrm_count)i), xfrm_count_word((enum xfrm_count)j));
}
END_TEST

Suite *
esp_suite_tests(void)
{
	Suite *s = suite_create("xfrm/esp");
	TCase *c = tcase_create("esp");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_loop_test(c, opens_what_strongswan_sent, 0, sizeof(recorded) / sizeof(recorded[0]));
	tcase_add_loop_test(c, all_lengths_come_back, 0, ANY_SUITES);
	tcase_add_test(c, the_formula_of_sizes);
	tcase_add_test(c, numbers_never_repeat_and_replays_are_refused);
	tcase_add_test(c, a_forgery_does_not_move_the_window);
	tcase_add_test(c, the_numbers_end);
	tcase_add_loop_test(c, esn_over_the_wrap, 0, ANY_SUITES);
	tcase_add_loop_test(c, every_truncation_is_refused, 0, ANY_SUITES);
	tcase_add_loop_test(c, trailers_are_looked_at, 0, sizeof(trailers) / sizeof(trailers[0]));
	tcase_add_test(c, words_are_there_and_distinct);
	suite_add_tcase(s, c);
	return s;
}
