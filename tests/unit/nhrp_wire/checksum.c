/* twin of nhrpd/wire/checksum.c */
#include "tests/unit/nhrp_wire/util.h"

START_TEST(known_sums)
{
	/* the worked example of RFC 1071, section 3: sum ddf2 */
	static const uint8_t rfc1071[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };

	ck_assert_uint_eq(nhrp_checksum(span_of(rfc1071, 8)), (uint16_t)~0xddf2);
	ck_assert_uint_eq(nhrp_checksum(span_of(rfc1071, 0)), 0xffff);
	ck_assert_uint_eq(nhrp_checksum(span_of(NULL, 0)), 0xffff);
}
END_TEST

START_TEST(odd_length_is_padded_behind)
{
	static const uint8_t odd[] = { 0x12, 0x34, 0x56, 0x00 };

	ck_assert_uint_eq(nhrp_checksum(span_of(odd, 3)), nhrp_checksum(span_of(odd, 4)));
	ck_assert_uint_eq(nhrp_checksum(span_of(odd, 3)), (uint16_t)~(0x1234 + 0x5600));
	ck_assert_uint_eq(nhrp_checksum(span_of(odd, 1)), (uint16_t)~0x1200);
}
END_TEST

START_TEST(carries_fold_over_the_longest_packet)
{
	static uint8_t all[65535];

	memset(all, 0xff, sizeof(all));
	ck_assert_uint_eq(nhrp_checksum(span_of(all, 65534)), 0);
	ck_assert_uint_eq(nhrp_checksum(span_of(all, 65535)), 0x00ff);
}
END_TEST

Suite *suite_checksum(void);
Suite *
suite_checksum(void)
{
	Suite *s = suite_create("checksum");
	TCase *t = tcase_create("checksum");

	tcase_add_test(t, known_sums);
	tcase_add_test(t, odd_length_is_padded_behind);
	tcase_add_test(t, carries_fold_over_the_longest_packet);
	suite_add_tcase(s, t);
	return s;
}
