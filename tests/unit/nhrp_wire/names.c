/* twin of nhrpd/wire/names.c */
#include "tests/unit/nhrp_wire/util.h"

START_TEST(every_reason_has_its_own_word)
{
	for (unsigned i = 0; i < NHRP_DROPS_N; i++) {
		ck_assert_uint_gt(strlen(nhrp_drop_word((enum nhrp_drop)i)), 0);
		ck_assert_uint_gt(strlen(nhrp_drop_text((enum nhrp_drop)i)), 0);
		ck_assert_ptr_null(strchr(nhrp_drop_word((enum nhrp_drop)i), ' '));
		for (unsigned j = 0; j < i; j++)
			ck_assert_str_ne(nhrp_drop_word((enum nhrp_drop)i), nhrp_drop_word((enum nhrp_drop)j));
	}
	ck_assert_str_eq(nhrp_drop_word(NHRP_OK), "ok");
	ck_assert_str_eq(nhrp_drop_word(NHRP_DROP_EXT_TWICE), "extension-twice");
	ck_assert_str_eq(nhrp_drop_text(NHRP_DROP_CHECKSUM), "bad checksum");
}
END_TEST

START_TEST(out_of_range_is_unknown)
{
	ck_assert_str_eq(nhrp_drop_word(NHRP_DROPS_N), "unknown");
	ck_assert_str_eq(nhrp_drop_text(NHRP_DROPS_N), "unknown");
	ck_assert_str_eq(nhrp_type_name(0), "unknown");
	ck_assert_str_eq(nhrp_type_name(NHRP_TYPES), "unknown");
	ck_assert_str_eq(nhrp_type_name(255), "unknown");
}
END_TEST

START_TEST(all_types_are_named)
{
	for (unsigned i = 1; i < NHRP_TYPES; i++)
		ck_assert_str_ne(nhrp_type_name((uint8_t)i), "unknown");
	ck_assert_str_eq(nhrp_type_name(NHRP_RESOLUTION_REQUEST), "Resolution-Request");
	ck_assert_str_eq(nhrp_type_name(NHRP_TRAFFIC_INDICATION), "Traffic-Indication");
}
END_TEST

Suite *suite_names(void);
Suite *
suite_names(void)
{
	Suite *s = suite_create("names");
	TCase *t = tcase_create("names");

	tcase_add_test(t, every_reason_has_its_own_word);
	tcase_add_test(t, out_of_range_is_unknown);
	tcase_add_test(t, all_types_are_named);
	suite_add_tcase(s, t);
	return s;
}
