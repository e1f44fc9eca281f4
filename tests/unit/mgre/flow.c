#include "mgre/flow.h"

#include "tests/unit/mgre/mgre_test.h"

static struct test_env t;
static struct flow_table f;

static void
setup(void)
{
	test_env_init(&t);
	flow_init(&f, &t.env);
	ck_assert(flow_enable(&f, true));
}

static void
teardown(void)
{
	flow_fini(&f);
	ck_assert_int_eq(t.live, 0);
}

START_TEST(in_from_one_out_to_another)
{
	struct addr a = A("10.9.0.12"), b = A("10.9.0.13");
	uint32_t from = 99;

	ck_assert(!flow_redirect(&f, TICK_S(1), &a, &b, 3, &from));	/* our own packet */
	flow_seen(&f, TICK_S(1), &a, &b, 2);
	ck_assert(!flow_redirect(&f, TICK_S(1), &b, &a, 2, &from));	/* the other way */
	ck_assert(!flow_redirect(&f, TICK_S(1), &a, &b, 2, &from));	/* back to where it came from */
	ck_assert(flow_redirect(&f, TICK_S(1), &a, &b, 3, &from));
	ck_assert_uint_eq(from, 2);
	ck_assert(!flow_redirect(&f, TICK_S(1), &a, &b, 3, &from));	/* told */
	flow_seen(&f, TICK_S(4), &a, &b, 2);
	ck_assert(flow_redirect(&f, TICK_S(4), &a, &b, 3, &from));
	ck_assert(!flow_redirect(&f, TICK_S(9), &a, &b, 3, &from));	/* not seen lately */
}
END_TEST

START_TEST(off_is_off)
{
	struct addr a = A("fd09::12"), b = A("fd09::13");
	uint32_t from;

	ck_assert(flow_enable(&f, false));
	flow_seen(&f, 1, &a, &b, 2);
	ck_assert(!flow_redirect(&f, 1, &a, &b, 3, &from));
	t.fail_at = 1;
	ck_assert(!flow_enable(&f, true));
	ck_assert(flow_enable(&f, true));
}
END_TEST

START_TEST(many_flows_stay_in_bounds)
{
	struct addr a = A("10.9.0.12"), b = A("10.0.0.0");
	unsigned found = 0;
	long live = t.live;
	uint32_t from;

	for (uint32_t i = 0; i < 2 * FLOWS; i++) {
		put_be32(b.b, i);
		flow_seen(&f, TICK_S(1) + i, &a, &b, 2);
		found += flow_redirect(&f, TICK_S(1) + i, &a, &b, 3, &from);
	}
	ck_assert_uint_eq(found, 2 * FLOWS);	/* the newest is always there */
	ck_assert_int_eq(t.live, live);
}
END_TEST

START_TEST(unresolved_is_told_now_and_then)
{
	struct addr a = A("10.9.0.12");
	int told = 0;

	for (tick_t now = TICK_S(1); now < TICK_S(11); now += TICK_MS(1))
		told += dest_unresolved(&f, now, &a);
	ck_assert_int_ge(told, 10);
	ck_assert_int_le(told, 12);
}
END_TEST

Suite *
flow_suite(void)
{
	Suite *s = suite_create("mgre/flow");
	TCase *c = tcase_create("flow");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, in_from_one_out_to_another);
	tcase_add_test(c, off_is_off);
	tcase_add_test(c, many_flows_stay_in_bounds);
	tcase_add_test(c, unresolved_is_told_now_and_then);
	suite_add_tcase(s, c);
	return s;
}
