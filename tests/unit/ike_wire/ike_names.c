/* Twin of ikecore/wire/ike_names.c. */
#include "ikecore/wire/ike_msg.h"
#include "tests/unit/harness.h"

START_TEST(names)
{
	ck_assert_str_eq(ike_exchange_name(34), "IKE_SA_INIT");
	ck_assert_str_eq(ike_exchange_name(36), "CREATE_CHILD_SA");
	ck_assert_str_eq(ike_exchange_name(1), "unknown");
	ck_assert_str_eq(ike_payload_name(33), "SA");
	ck_assert_str_eq(ike_payload_name(46), "SK");
	ck_assert_str_eq(ike_payload_name(200), "unknown");
	ck_assert_str_eq(ike_notify_name(14), "NO_PROPOSAL_CHOSEN");
	ck_assert_str_eq(ike_notify_name(16393), "REKEY_SA");
	ck_assert_str_eq(ike_notify_name(16388), "NAT_DETECTION_SOURCE_IP");
	ck_assert_str_eq(ike_notify_name(12345), "unknown");
	ck_assert(ike_notify_is_error(14) && !ike_notify_is_error(0) && !ike_notify_is_error(16384));
}
END_TEST

suite_fn suite_ike_names;
Suite *
suite_ike_names(void)
{
	Suite *s = suite_create("ike_names");
	TCase *tc = tcase_create("names");

	tcase_add_test(tc, names);
	suite_add_tcase(s, tc);
	return s;
}
