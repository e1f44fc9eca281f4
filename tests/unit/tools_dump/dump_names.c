/* tests/unit/tools_dump/dump_names.c: twin of tools/dump_names.c. */
#include "tests/unit/tools_dump/frames.h"

static void
flags_are(uint8_t type, uint16_t flags, const char *want)
{
	char got[128] = "";
	const char *w;

	for (unsigned at = 0; (w = dump_flag(type, flags, &at));)
		strcat(strcat(got, " "), w);
	ck_assert_str_eq(got, want);
}

START_TEST(flags_by_type)
{
	flags_are(NHRP_RESOLUTION_REQUEST, 0xffff, " router authoritative destination-stable unique source-stable nat");
	flags_are(NHRP_REGISTRATION_REPLY, 0xffff, " unique nat");
	flags_are(NHRP_PURGE_REQUEST, 0xffff, " no-reply");
	flags_are(NHRP_TRAFFIC_INDICATION, 0xffff, "");
	flags_are(200, 0xffff, "");
	flags_are(NHRP_REGISTRATION_REQUEST, 0x8000, " unique");
}
END_TEST

START_TEST(codes)
{
	ck_assert_str_eq(dump_cie_code(14), "unique address already registered");
	ck_assert_ptr_null(dump_cie_code(200));
	ck_assert_str_eq(dump_error_code(6), "protocol address unreachable");
	ck_assert_ptr_null(dump_error_code(5));
}
END_TEST

START_TEST(type_nine_by_length)
{
	static const uint8_t some[20] = { [8] = 4, [10] = 4 };
	static const struct {
		size_t n;
		const char *word;
		enum dump_ext form;
	} t[] = { { 0, "nat-address", DUMP_EXT_CIES }, { 4, "igp-information", DUMP_EXT_OCTETS }, { 8, "device-capabilities", DUMP_EXT_OCTETS },
		{ 20, "nat-address", DUMP_EXT_CIES }, { 13, "nat-address", DUMP_EXT_CIES } };

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct nhrp_ext e = { .type = NHRP_EXT_NAT, .value = { some, t[i].n } };
		struct dump_ext_name n = dump_ext_name(&e);

		ck_assert_str_eq(n.word, t[i].word);
		ck_assert_int_eq(n.form, t[i].form);
	}
}
END_TEST

START_TEST(times)
{
	char out[40];

	ck_assert_str_eq(dump_time((struct dump_when){ 1422174105, 190210 }, ' ', out), "2015-01-25 08:21:45.190210");
	ck_assert_str_eq(dump_time((struct dump_when){ 0, 0 }, 'T', out), "1970-01-01T00:00:00.000000");
	ck_assert_str_eq(dump_time((struct dump_when){ INT64_MAX, 7 }, ' ', out), "9223372036854775807.000007");
	ck_assert_str_eq(dump_time((struct dump_when){ -62198755200 * 10, 4000000001 }, ' ', out), "-621987552000.000001");
}
END_TEST

START_TEST(octets_in_characters)
{
	char *s = dump_hex(SPAN_STR("\x00\xff\x1e"), 10);

	ck_assert_str_eq(s, "00ff1e");
	free(s);
	s = dump_hex(SPAN_STR("abc"), 2);
	ck_assert_str_eq(s, "6162");
	free(s);
	ck_assert(dump_printable(SPAN_STR("a b~")));
	ck_assert(!dump_printable(SPAN_STR("")) && !dump_printable(SPAN_STR("a\x1b[2J")) && !dump_printable(SPAN_STR("\xc3\xa4")) &&
	    !dump_printable(SPAN_STR("\x7f")));
}
END_TEST

START_TEST(inner_packets)
{
	static const uint8_t v4[20] = { 0x45, 0, 0, 84, [9] = 1, [12] = 10, [15] = 1, [16] = 10, [19] = 2 };
	struct dump_inner i;

	ck_assert(dump_inner(span_of(v4, 20), &i));
	ck_assert_uint_eq(i.length, 84);
	ck_assert_uint_eq(i.proto, 1);
	ck_assert_uint_eq(i.src.b[3], 1);
	ck_assert(!dump_inner(span_of(v4, 19), &i));
	ck_assert(!dump_inner(SPAN_STR(""), &i));
	ck_assert(!dump_inner(SPAN_STR("\x70 and so on, and so on, and so on, and so on"), &i));
}
END_TEST

Suite *
suite_dump_names(void)
{
	Suite *s = suite_create("dump_names");
	TCase *t = tcase_create("dump_names");

	tcase_add_test(t, flags_by_type);
	tcase_add_test(t, codes);
	tcase_add_test(t, type_nine_by_length);
	tcase_add_test(t, times);
	tcase_add_test(t, octets_in_characters);
	tcase_add_test(t, inner_packets);
	suite_add_tcase(s, t);
	return s;
}
