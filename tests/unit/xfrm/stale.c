/* Twin of xfrm/stale.c: who is kept, and until when. */
#include "xfrm/stale.h"

#include "tests/unit/xfrm/xfrm_test.h"

static struct test_env t;
static struct stale s;

static void
begin(void)
{
	test_env_init(&t);
	stale_init(&s, &t.env);
}

static void
end(void)
{
	stale_fini(&s);
	ck_assert_int_eq(t.live, 0);
}

static struct endpoint
at(uint8_t last, uint16_t port)
{
	return (struct endpoint){ { 4, { 198, 51, 100, last } }, port };
}

START_TEST(kept_until_its_time_is_over)
{
	struct endpoint r = at(7, 4500);

	ck_assert_uint_eq(stale_due(&s, TICK_S(1000)), 0);
	ck_assert(s.next == TICK_NEVER);
	ck_assert(stale_note(&s, 1, 5, NULL, TICK_S(60)));
	ck_assert(stale_note(&s, 1, 5, &r, TICK_S(60)));	/* the other half */
	ck_assert(stale_note(&s, 2, 6, NULL, TICK_S(70)));
	ck_assert_uint_eq(stale_count(&s), 2);
	ck_assert(stale_has(&s, 1, 5) && stale_has(&s, 2, 6));
	ck_assert(!stale_has(&s, 2, 5) && !stale_has(&s, 1, 6));
	ck_assert(stale_taken(&s, 5) && stale_taken(&s, 6) && !stale_taken(&s, 7));
	ck_assert(s.next == TICK_S(60));
	ck_assert_uint_eq(stale_due(&s, TICK_S(60) - 1), 0);
	ck_assert_uint_eq(stale_due(&s, TICK_S(60)), 1);
	ck_assert(!stale_has(&s, 1, 5) && stale_has(&s, 2, 6));
	ck_assert(stale_taken(&s, 5));	/* its number is not free before its states have gone */
	stale_reap(&s);
	ck_assert(!stale_taken(&s, 5) && stale_has(&s, 2, 6));
	ck_assert(s.next == TICK_S(70));
}
END_TEST

START_TEST(a_new_sa_from_there_shortens_it)
{
	struct endpoint r = at(7, 4500), other = at(7, 4501);

	stale_note(&s, 1, 5, &r, TICK_S(60));
	stale_note(&s, 1, 6, &other, TICK_S(60));
	stale_shorten(&s, 2, &r, TICK_S(20));	/* of another tunnel */
	ck_assert_uint_eq(stale_due(&s, TICK_S(30)), 0);
	stale_shorten(&s, 1, &r, TICK_S(20));
	stale_shorten(&s, 1, &r, TICK_S(50));	/* never longer */
	ck_assert(s.next == TICK_S(20));
	ck_assert_uint_eq(stale_due(&s, TICK_S(20)), 1);
	ck_assert(!stale_has(&s, 1, 5) && stale_has(&s, 1, 6));
}
END_TEST

START_TEST(no_memory)
{
	t.fail_at = 1;
	ck_assert(!stale_note(&s, 1, 5, NULL, TICK_S(60)));
	ck_assert(!stale_has(&s, 1, 5));
}
END_TEST

Suite *
stale_suite(void)
{
	Suite *suite = suite_create("stale");
	TCase *tc = tcase_create("stale");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, kept_until_its_time_is_over);
	tcase_add_test(tc, a_new_sa_from_there_shortens_it);
	tcase_add_test(tc, no_memory);
	suite_add_tcase(suite, tc);
	return suite;
}
