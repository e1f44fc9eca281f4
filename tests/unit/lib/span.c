#include "lib/span.h"
#include "tests/unit/lib/suites.h"

START_TEST(reads)
{
	static const uint8_t b[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17 };
	struct cur c = cur_of(span_of(b, sizeof(b)));

	ck_assert_uint_eq(cur_u8(&c), 1);
	ck_assert_uint_eq(cur_be16(&c), 0x0203);
	ck_assert_uint_eq(cur_be32(&c), 0x04050607);
	ck_assert_uint_eq(cur_be64(&c), 0x08090a0b0c0d0e0full);
	ck_assert_uint_eq(cur_left(&c), 2);
	ck_assert_uint_eq(cur_rest(&c).n, 2);
	ck_assert(!c.bad);
	ck_assert_uint_eq(cur_rest(&c).n, 0);
	ck_assert(!c.bad);
}
END_TEST

START_TEST(one_read_too_far_is_for_good)
{
	static const uint8_t b[] = { 1, 2, 3 };
	struct cur c = cur_of(span_of(b, sizeof(b)));
	struct span s;

	ck_assert_uint_eq(cur_be32(&c), 0);
	ck_assert(c.bad);
	s = cur_take(&c, 1);
	ck_assert(c.bad && s.n == 0 && s.p);
	ck_assert_uint_eq(cur_u8(&c), 0);
	s = cur_take(&c, SIZE_MAX);
	ck_assert_uint_eq(s.n, 0);
	ck_assert_uint_eq(cur_take(&c, 0).n, 0);
}
END_TEST

START_TEST(writes)
{
	uint8_t b[15];
	struct wr w = wr_of(b, sizeof(b));

	wr_u8(&w, 1);
	wr_be16(&w, 0);
	wr_be32(&w, 0x04050607);
	wr_be64(&w, 0x08090a0b0c0d0e0full);
	wr_patch16(&w, 1, 0x0203);
	for (unsigned i = 0; i < 15; i++)
		ck_assert_uint_eq(b[i], i + 1);
	ck_assert(!w.bad && wr_len(&w) == 15);
	wr_u8(&w, 0);
	ck_assert(w.bad && wr_len(&w) == 15);
}
END_TEST

START_TEST(a_writer_writes_nothing_past_its_end)
{
	for (size_t n = 0; n < 12; n++) {
		uint8_t *b = malloc(n ? n : 1);	/* exact size: the sanitizer watches */
		struct wr w = wr_of(b, n);

		wr_be16(&w, 1);
		wr_bytes(&w, "abcdef", 6);
		wr_zero(&w, 2);
		ck_assert(w.bad == (n < 10));
		wr_patch16(&w, n, 7);
		free(b);
	}
}
END_TEST

SUITE(span, reads, one_read_too_far_is_for_good, writes, a_writer_writes_nothing_past_its_end)
