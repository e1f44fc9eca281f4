#include "lib/log.h"
#include "tests/unit/lib/suites.h"

START_TEST(levels)
{
	struct test_env t;
	enum log_level lv;

	test_env_init(&t);
	t.log.level = LOG_LV_NOTICE;
	log_at(&t.log, LOG_LV_INFO, "quiet", "no");
	ck_assert_uint_eq(t.lines, 0);
	log_at(&t.log, LOG_LV_NOTICE, "peer-up", "%s %d", "x", 7);
	ck_assert_str_eq(t.last_word, "peer-up");
	ck_assert_str_eq(t.last_text, "x 7");
	log_at(NULL, LOG_LV_ERROR, "nobody", "listens");
	ck_assert(log_level_parse("informational", &lv) && lv == LOG_LV_INFO);
	ck_assert(log_level_parse("errors", &lv) && lv == LOG_LV_ERROR);
	ck_assert(!log_level_parse("loud", &lv));
	ck_assert_str_eq(log_level_name(LOG_LV_WARN), "warning");
}
END_TEST

START_TEST(control_characters_cannot_forge_lines)
{
	struct test_env t;

	test_env_init(&t);
	log_at(&t.log, LOG_LV_INFO, "word", "a\nb\033[31m");
	ck_assert_str_eq(t.last_text, "a?b?[31m");
}
END_TEST

START_TEST(limit_holds_back_and_says_so)
{
	struct log_limit lim = { 0 };
	struct test_env t;

	test_env_init(&t);
	for (int i = 0; i < 100; i++)
		log_limited(&t.log, &lim, 0, LOG_LV_WARN, "flood", "%d", i);
	ck_assert_uint_eq(t.lines, LOG_BURST);
	log_limited(&t.log, &lim, TICK_S(1), LOG_LV_WARN, "flood", "again");
	ck_assert_uint_eq(t.lines, LOG_BURST + 2);	/* one says how many were held */
	ck_assert_uint_eq(lim.held, 0);
}
END_TEST

SUITE(log, levels, control_characters_cannot_forge_lines, limit_holds_back_and_says_so)
