/* Twin of ikecore/wire/ike_drop.c: words are there, and unlike each other. */
#include "ikecore/wire/ike_drop.h"
#include "tests/unit/harness.h"

#include <string.h>

START_TEST(words)
{
	for (unsigned i = 0; i < IKE_DROPS_N; i++) {
		ck_assert(ike_drop_word((enum ike_drop)i)[0] && ike_drop_text((enum ike_drop)i)[0]);
		for (unsigned k = 0; k < i; k++)
			ck_assert_str_ne(ike_drop_word((enum ike_drop)i), ike_drop_word((enum ike_drop)k));
	}
	ck_assert_str_eq(ike_drop_word(IKE_OK), "ok");
	ck_assert_str_eq(ike_drop_word(IKE_DROP_ICV), "icv");
	ck_assert_str_eq(ike_drop_word(IKE_DROPS_N), "unknown");
	ck_assert_str_eq(ike_drop_text(IKE_DROPS_N), "unknown");
}
END_TEST

suite_fn suite_ike_drop;
Suite *
suite_ike_drop(void)
{
	Suite *s = suite_create("ike_drop");
	TCase *tc = tcase_create("drop");

	tcase_add_test(tc, words);
	suite_add_tcase(s, tc);
	return s;
}
