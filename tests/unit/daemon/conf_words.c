/* The keyword table itself: every row compiles, every keyword has a help, every row has one too. */
#include "nhrpd/daemon/conf_priv.h"
#include "tests/unit/harness.h"

suite_fn conf_words_suite;

START_TEST(rows_compile)
{
	struct conf_syntax s;

	for (size_t i = 0; i < conf_n_rules; i++) {
		const struct conf_rule *r = &conf_rules[i];

		ck_assert_msg(conf_compile(r->syntax, false, r, &s), "%s", r->syntax);
		ck_assert_msg(!r->no[0] || conf_compile(r->no, true, r, &s), "no %s", r->no);
		ck_assert_ptr_nonnull(r->fn);
		ck_assert_msg(r->help[0] != '\0', "%s", r->syntax);
	}
}
END_TEST

START_TEST(bad_rows_do_not_compile)
{
	static const char *const bad[] = { "", "a <no-such-type>", "a [b", "a [] b", "a b]" };
	struct conf_syntax s;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!conf_compile(bad[i], false, &conf_rules[0], &s), "\"%s\"", bad[i]);
}
END_TEST

START_TEST(keywords_have_helps)
{
	struct conf_syntax s;
	char word[64];

	for (size_t i = 0; i < conf_n_rules; i++) {
		ck_assert(conf_compile(conf_rules[i].syntax, true, &conf_rules[i], &s));
		for (unsigned e = 0; e < s.n; e++) {
			const char *w = s.el[e].word, *end = w ? w + s.el[e].len : NULL;

			while (s.el[e].kind != CONF_EL_ARG && w < end) {
				const char *bar = memchr(w, '|', (size_t)(end - w));
				size_t n = (size_t)((bar ? bar : end) - w);

				snprintf(word, sizeof(word), "%.*s", (int)n, w);
				ck_assert_msg(conf_word_help(word) != NULL, "no help for %s", word);
				w += n + 1;
			}
		}
	}
}
END_TEST

START_TEST(contexts_lead_to_global)
{
	for (enum conf_ctx c = CONF_GLOBAL; c < CONF_CTXS; c++) {
		enum conf_ctx up = c;

		for (int i = 0; i < 3; i++)
			up = conf_ctx_up(up);
		ck_assert_int_eq(up, CONF_GLOBAL);
		ck_assert_ptr_nonnull(conf_ctx_name(c));
	}
}
END_TEST

Suite *
conf_words_suite(void)
{
	Suite *s = suite_create("conf_words");
	TCase *t = tcase_create("table");

	tcase_add_test(t, rows_compile);
	tcase_add_test(t, bad_rows_do_not_compile);
	tcase_add_test(t, keywords_have_helps);
	tcase_add_test(t, contexts_lead_to_global);
	suite_add_tcase(s, t);
	return s;
}
