#include "lib/env.h"
#include "tests/unit/lib/suites.h"

START_TEST(jitter_stays_inside)
{
	struct test_env t;
	uint64_t lo = UINT64_MAX, hi = 0;

	test_env_init(&t);
	for (int i = 0; i < 10000; i++) {
		uint64_t v = env_jitter(&t.env, 1000, 10);

		ck_assert(v >= 900 && v <= 1100);
		lo = v < lo ? v : lo;
		hi = v > hi ? v : hi;
	}
	ck_assert(lo < 910 && hi > 1090);
	ck_assert_uint_eq(env_jitter(&t.env, 0, 10), 0);
	ck_assert_uint_eq(env_jitter(&t.env, 1000, 0), 1000);
}
END_TEST

START_TEST(below)
{
	struct test_env t;
	unsigned seen[5] = { 0 };

	test_env_init(&t);
	for (int i = 0; i < 1000; i++)
		seen[env_random_below(&t.env, 5)]++;
	for (int i = 0; i < 5; i++)
		ck_assert_uint_gt(seen[i], 100);
	ck_assert_uint_eq(env_random_below(&t.env, 0), 0);
}
END_TEST

START_TEST(libc_memory_is_zeroed)
{
	struct env e = { 0 };
	uint8_t *p;

	env_libc(&e);
	p = env_alloc(&e, 100);
	for (int i = 0; i < 100; i++)
		ck_assert_uint_eq(p[i], 0);
	env_free(&e, p);
	env_free(&e, NULL);
	p = env_alloc(&e, 0);
	ck_assert_ptr_nonnull(p);
	env_free(&e, p);
}
END_TEST

SUITE(env, jitter_stays_inside, below, libc_memory_is_zeroed)
