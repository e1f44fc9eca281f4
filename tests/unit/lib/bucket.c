#include "lib/bucket.h"
#include "tests/unit/lib/suites.h"

static unsigned
drain(struct bucket *b, tick_t now, uint32_t rate, uint32_t burst)
{
	unsigned n = 0;

	while (bucket_take(b, now, rate, burst))
		n++;
	return n;
}

START_TEST(starts_full_then_gains_by_rate)
{
	struct bucket b = { 0 };

	ck_assert_uint_eq(drain(&b, TICK_S(5), 10, 4), 4);
	ck_assert_uint_eq(drain(&b, TICK_S(5) + TICK_MS(99), 10, 4), 0);
	ck_assert_uint_eq(drain(&b, TICK_S(5) + TICK_MS(300), 10, 4), 3);
	ck_assert_uint_eq(drain(&b, TICK_S(5000), 10, 4), 4);
}
END_TEST

START_TEST(starts_full_at_time_zero)
{
	struct bucket b = { 0 };

	ck_assert_uint_eq(drain(&b, 0, 1, 3), 3);
}
END_TEST

START_TEST(slow_rates)
{
	struct bucket b = { 0 };

	ck_assert(bucket_take_slow(&b, 0, TICK_S(5), 2) && bucket_take_slow(&b, 0, TICK_S(5), 2) && !bucket_take_slow(&b, 0, TICK_S(5), 2));
	ck_assert(!bucket_take_slow(&b, TICK_S(4), TICK_S(5), 2));
	ck_assert(bucket_take_slow(&b, TICK_S(5), TICK_S(5), 2));
	ck_assert(!bucket_take_slow(&b, TICK_S(9), TICK_S(5), 2));
}
END_TEST

START_TEST(extremes_do_not_overflow)
{
	struct bucket b = { 0 };

	ck_assert_uint_eq(drain(&b, 1, 1000000, 100), 100);
	ck_assert_uint_eq(drain(&b, TICK_NEVER - 1, UINT32_MAX, 100), 100);
	ck_assert_uint_eq(drain(&b, 5, 1000, 100), 0);	/* a clock that went back gives nothing, and takes nothing */
	ck_assert_uint_eq(drain(&b, TICK_S(1000), 1000, 10), 10);	/* a smaller burst cuts what was saved */
}
END_TEST

SUITE(bucket, starts_full_then_gains_by_rate, starts_full_at_time_zero, slow_rates, extremes_do_not_overflow)
