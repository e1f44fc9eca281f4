/* Plain set-up: every group, cipher and PRF, both address families, identities and keys. */
#include "tests/unit/ike_engine/suites.h"

static struct world w;

static void
begin(void)
{
	w_init(&w);
}

static void
end(void)
{
	w_fini(&w);
}

START_TEST(plain)
{
	w_go(&w);
	w_dial(&w, 0, 1, 7);
	w_settle(&w);
	ck_assert_uint_eq(w.s[0].ups, 1);
	ck_assert_uint_eq(w.s[1].ups, 1);
	ck_assert_uint_eq(w.s[0].up_dial, 7);
	ck_assert_uint_eq(w.s[1].up_dial, 0);
	ck_assert(ike_id_eq(&w.s[0].up_id, &w.s[1].profile[0].local_id));
	ck_assert(ike_id_eq(&w.s[1].up_id, &w.s[0].profile[0].local_id));
	ck_assert_uint_eq(w.serial, 4);	/* four messages and not one more */
	ck_assert(w.s[0].child[0].dp.esn);
	ck_assert(!w.s[0].child[0].dp.encap);
	w_check_pair(&w);
}
END_TEST

Suite *
setup_suite(void)
{
	Suite *s = suite_create("setup");
	TCase *tc = tcase_create("setup");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, plain);
	suite_add_tcase(s, tc);
	return s;
}
