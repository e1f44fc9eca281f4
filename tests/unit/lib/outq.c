#include "lib/outq.h"
#include "tests/unit/lib/suites.h"

START_TEST(bounded_and_counted)
{
	struct test_env t;
	struct outq q;
	struct span s;
	int *p;

	test_env_init(&t);
	ck_assert(outq_init(&q, &t.env, sizeof(int), 3, 64));
	for (int i = 0; i < 3; i++) {
		ck_assert_ptr_nonnull(p = outq_add(&q));
		ck_assert_int_eq(*p, 0);
		*p = i + 1;
	}
	ck_assert_ptr_null(outq_add(&q));
	ck_assert_uint_eq(q.turned_away, 1);
	ck_assert_int_eq(*(int *)outq_at(&q, 2), 3);
	ck_assert_ptr_null(outq_at(&q, 3));
	ck_assert(outq_copy(&q, SPAN_STR("twelve bytes"), &s) && s.n == 12 && memcmp(s.p, "twelve bytes", 12) == 0);
	ck_assert_ptr_null(outq_octets(&q, 60));
	ck_assert(!outq_copy(&q, span_of(t.last_text, 100), &s) && s.n == 0 && s.p);
	ck_assert(!outq_room(&q, 1, 0));
	outq_reset(&q);
	ck_assert(outq_room(&q, 3, 64) && !outq_room(&q, 4, 0) && !outq_room(&q, 0, 65));
	ck_assert_int_eq(*(int *)outq_add(&q), 0);
	outq_fini(&q, &t.env);
	ck_assert_int_eq(t.live, 0);
}
END_TEST

START_TEST(memory)
{
	struct test_env t;
	struct outq q;

	for (long fail = 1; fail <= 2; fail++) {
		test_env_init(&t);
		t.fail_at = fail;
		ck_assert(!outq_init(&q, &t.env, 8, 8, 8));
		ck_assert_int_eq(t.live, 0);
	}
}
END_TEST

SUITE(outq, bounded_and_counted, memory)
