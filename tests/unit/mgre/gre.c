#include "mgre/gre.h"

#include <stdlib.h>

#include "tests/unit/mgre/mgre_test.h"

static const struct gre keyed = { true, 7 }, bare = { false, 0 };

static const struct {
	const char *hex;
	bool has_key;
	enum mgre_count want;
} cases[] = {
	{ "20000800 00000007", true, MGRE_OK },
	{ "200086dd 00000007 60", true, MGRE_OK },
	{ "20002001 00000007", true, MGRE_OK },
	{ "00000800", false, MGRE_OK },
	{ "20000800 00000008", true, MGRE_DROP_GRE_KEY },
	{ "00000800 00000007", true, MGRE_DROP_GRE_FLAGS },
	{ "20000800 00000007", false, MGRE_DROP_GRE_FLAGS },
	{ "a0000800 00000007", true, MGRE_DROP_GRE_FLAGS },	/* checksum */
	{ "30000800 00000007", true, MGRE_DROP_GRE_FLAGS },	/* sequence */
	{ "60000800 00000007", true, MGRE_DROP_GRE_FLAGS },	/* routing */
	{ "20010800 00000007", true, MGRE_DROP_GRE_FLAGS },	/* version 1, PPTP */
	{ "20800800 00000007", true, MGRE_DROP_GRE_FLAGS },	/* reserved */
	{ "20000806 00000007", true, MGRE_DROP_GRE_PROTO },
	{ "20000000 00000007", true, MGRE_DROP_GRE_PROTO },
	{ "20006558 00000007", true, MGRE_DROP_GRE_PROTO },
	{ "20000806 00000008", true, MGRE_DROP_GRE_KEY },	/* the key comes first */
	{ "200008", true, MGRE_DROP_GRE_SHORT },
	{ "20000800 000000", true, MGRE_DROP_GRE_SHORT },
	{ "", true, MGRE_DROP_GRE_SHORT },
	{ "000008", false, MGRE_DROP_GRE_SHORT },
};

START_TEST(headers_are_taken_exactly)
{
	uint8_t all[64];
	size_t n = test_unhex(cases[_i].hex, all, sizeof(all));
	uint8_t *exact = malloc(n ? n : 1);
	uint16_t proto;

	memcpy(exact, all, n);
	ck_assert_int_eq(gre_parse(cases[_i].has_key ? &keyed : &bare, span_of(exact, n), &proto), cases[_i].want);
	free(exact);
}
END_TEST

START_TEST(what_is_put_is_parsed)
{
	static const uint16_t protos[] = { GRE_IPV4, GRE_IPV6, GRE_NHRP };
	uint8_t buf[GRE_HEADER_MAX];
	uint16_t proto;

	for (int i = 0; i < 3; i++) {
		gre_put(&keyed, protos[i], buf);
		ck_assert_int_eq(gre_parse(&keyed, span_of(buf, gre_size(&keyed)), &proto), MGRE_OK);
		ck_assert_uint_eq(proto, protos[i]);
		gre_put(&bare, protos[i], buf);
		ck_assert_uint_eq(gre_size(&bare), 4);
		ck_assert_int_eq(gre_parse(&bare, span_of(buf, 4), &proto), MGRE_OK);
	}
}
END_TEST

START_TEST(words_are_there_and_distinct)
{
	for (int i = 0; i < MGRE_COUNTERS; i++)
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(mgre_count_word((enum mgre_count)i), mgre_count_word((enum mgre_count)j));
}
END_TEST

Suite *
gre_suite(void)
{
	Suite *s = suite_create("mgre/gre");
	TCase *c = tcase_create("gre");

	tcase_add_loop_test(c, headers_are_taken_exactly, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(c, what_is_put_is_parsed);
	tcase_add_test(c, words_are_there_and_distinct);
	suite_add_tcase(s, c);
	return s;
}
