#include "lib/timer.h"
#include "tests/unit/lib/suites.h"

enum { N = 2000 };
static struct timer t[N];

START_TEST(order_under_random_arming)
{
	struct timers ts = { 0 };
	struct test_env e;
	tick_t last = 0;
	unsigned n = 0;

	test_env_init(&e);
	memset(t, 0, sizeof(t));
	for (unsigned i = 0; i < 20000; i++) {
		struct timer *x = &t[env_random_below(&e.env, N)];

		if (env_random_below(&e.env, 3) == 0)
			timer_disarm(&ts, x);
		else
			timer_arm(&ts, x, env_random_below(&e.env, 100000));
	}
	for (unsigned i = 0; i < N; i++)
		n += t[i].armed;
	ck_assert_uint_eq(ts.n, n);
	for (struct timer *x; (x = timers_due(&ts, 100000)); n--) {
		ck_assert(x->at >= last && !x->armed);
		last = x->at;
	}
	ck_assert_uint_eq(n, 0);
	ck_assert_uint_eq(timers_next(&ts), TICK_NEVER);
}
END_TEST

START_TEST(due_only_when_due)
{
	struct timers ts = { 0 };

	memset(t, 0, sizeof(t));
	timer_arm(&ts, &t[0], 10);
	timer_arm(&ts, &t[1], 5);
	timer_arm(&ts, &t[1], 20);	/* moved */
	timer_arm(&ts, &t[2], 1);
	timer_arm(&ts, &t[2], TICK_NEVER);	/* taken out */
	timer_disarm(&ts, &t[3]);
	ck_assert_uint_eq(timers_next(&ts), 10);
	ck_assert_ptr_null(timers_due(&ts, 9));
	ck_assert_ptr_eq(timers_due(&ts, 10), &t[0]);
	ck_assert_ptr_null(timers_due(&ts, 19));
	ck_assert_ptr_eq(timers_due(&ts, 100), &t[1]);
	ck_assert_ptr_null(timers_due(&ts, TICK_NEVER));
}
END_TEST

/* Ascending insertion makes one long list of siblings: melding it must not recurse. */
START_TEST(long_lists)
{
	enum { MANY = 200000 };
	struct timer *many = calloc(MANY, sizeof(*many));
	struct timers ts = { 0 };

	for (unsigned i = 0; i < MANY; i++)
		timer_arm(&ts, &many[i], i);
	for (unsigned i = 0; i < MANY; i++)
		ck_assert_ptr_eq(timers_due(&ts, TICK_NEVER - 1), &many[i]);
	free(many);
}
END_TEST

SUITE(timer, order_under_random_arming, due_only_when_due, long_lists)
