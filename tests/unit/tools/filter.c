/* What stands behind a bar. */
#include "tools/filter.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/harness.h"

suite_fn filter_suite;

static const struct {
	const char *line, *command, *out, *why;
} cases[] = {
	{ "show dmvpn", "show dmvpn", "one 10.0.0.1\ntwo UP\nthree\n", NULL },
	{ "show dmvpn | include UP", "show dmvpn ", "two UP\n", NULL },
	{ "show dmvpn | inc up", "show dmvpn ", "", NULL },
	{ "show dmvpn |i t(wo|hree)  ", "show dmvpn ", "two UP\nthree\n", NULL },
	{ "show dmvpn | e UP", "show dmvpn ", "one 10.0.0.1\nthree\n", NULL },
	{ "show dmvpn | exclude one 10", "show dmvpn ", "two UP\nthree\n", NULL },
	{ "show dmvpn | json", "show dmvpn ", "one 10.0.0.1\ntwo UP\nthree\n", NULL },
	{ "show interface a|b", "show interface a|b", "one 10.0.0.1\ntwo UP\nthree\n", NULL },
	{ "show dmvpn |", NULL, NULL, "expected include, exclude or json behind \"|\"; the line ends" },
	{ "show dmvpn | begin x", NULL, NULL, "expected include, exclude or json behind \"|\"; found \"begin\"" },
	{ "show dmvpn | include ", NULL, NULL, "expected what to look for behind \"| include\"" },
	{ "show dmvpn | json x", NULL, NULL, "expected the end of the line behind \"| json\"" },
	{ "show dmvpn | include (", NULL, NULL, "\"(\" is no regular expression: Unmatched ( or \\(" },
};

START_TEST(takes_and_filters)
{
	char line[128], text[] = "one 10.0.0.1\ntwo UP\nthree", why[256] = "", *got = NULL;
	struct filter f;
	size_t n;
	FILE *out;

	snprintf(line, sizeof(line), "%s", cases[_i].line);
	ck_assert_int_eq(filter_take(line, &f, why, sizeof(why)), cases[_i].why == NULL);
	if (cases[_i].why) {
		ck_assert_str_eq(why, cases[_i].why);
		return;
	}
	ck_assert_str_eq(line, cases[_i].command);
	out = open_memstream(&got, &n);
	filter_text(&f, text, out);
	fclose(out);
	ck_assert_str_eq(got, cases[_i].out);
	free(got);
	filter_free(&f);
}
END_TEST

Suite *
filter_suite(void)
{
	Suite *s = suite_create("filter");
	TCase *t = tcase_create("filter");

	tcase_add_loop_test(t, takes_and_filters, 0, (int)(sizeof(cases) / sizeof(cases[0])));
	suite_add_tcase(s, t);
	return s;
}
