#include "lib/logbook.h"
#include "tests/unit/lib/suites.h"

#include <stdio.h>
#include <string.h>

static struct test_env t;
static struct logbook *b;

static void
begin(void)
{
	test_env_init(&t);
	b = logbook_new(&t.env, &t.log);
	ck_assert_ptr_eq(t.log.book, b);
}

static void
line(tick_t now, const char *who, const char *word)
{
	log_of(&t.log, now, who, LOG_LV_INFO, word, "%s", who);
}

START_TEST(a_share_and_the_sum_of_the_rest)
{
	begin();
	for (unsigned i = 0; i < 100; i++)
		line(TICK_S(1), "fqdn flap.example", i % 2 ? "peer-lost" : "peer-secured");
	ck_assert_uint_eq(t.lines, LOGBOOK_BURST);
	line(TICK_S(1), "fqdn other.example", "peer-lost");	/* others have theirs */
	ck_assert_uint_eq(t.lines, LOGBOOK_BURST + 1);
	ck_assert_uint_eq(logbook_deadline(b), TICK_S(1) + TICK_S(LOGBOOK_SUM_S));
	logbook_tick(b, TICK_S(60));
	ck_assert_uint_eq(t.lines, LOGBOOK_BURST + 1);
	logbook_tick(b, TICK_S(61));
	ck_assert_uint_eq(t.lines, LOGBOOK_BURST + 2);
	ck_assert_str_eq(t.last_word, "log-suppressed");
	ck_assert_str_eq(t.last_text, "fqdn flap.example: 70 lines of the last 60 s not written, the last one peer-lost");
	ck_assert_uint_eq(logbook_deadline(b), TICK_NEVER);
	logbook_free(b);
	ck_assert_uint_eq(t.lines, LOGBOOK_BURST + 2);
	ck_assert_ptr_null(t.log.book);
	ck_assert_int_eq(t.live, 0);
}
END_TEST

static unsigned long written, summed, sums;

static void
count_line(void *ctx, enum log_level lv, const char *word, const char *text)
{
	unsigned long n = 0;

	(void)ctx;
	(void)lv;
	if (strcmp(word, "log-suppressed") != 0) {
		written++;
		return;
	}
	ck_assert_int_eq(sscanf(text, "fqdn flap.example: %lu line", &n), 1);
	summed += n;
	sums++;
}

/* Flapping for an hour, ten lines a second: what was written and what was summed up is all there was. */
START_TEST(none_is_missing)
{
	unsigned long all = 0;

	begin();
	t.log.write = count_line;
	for (tick_t now = TICK_S(1); now < TICK_S(3601); now += TICK_MS(100), all++) {
		line(now, "fqdn flap.example", "peer-lost");
		logbook_tick(b, now);
	}
	logbook_free(b);
	ck_assert_uint_eq(written + summed, all);
	ck_assert_uint_le(written, LOGBOOK_BURST + 3600 / LOGBOOK_EVERY_S);
	ck_assert_uint_le(sums, written + 60);
}
END_TEST

/* More members than pages: nothing grows, and who is pushed out has its sum written. */
START_TEST(bounded)
{
	char who[64];
	unsigned long lines;

	begin();
	for (unsigned i = 0; i < LOGBOOK_BURST + 1; i++)
		line(TICK_S(1), "fqdn flap.example", "peer-lost");
	lines = t.lines;
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(who, sizeof(who), "fqdn spoke%u.example", i);
		line(TICK_S(2), who, "peer-lost");
	}
	ck_assert_uint_eq(t.lines, lines + 20000 + 1);
	ck_assert_int_eq(t.live, 1);
	logbook_free(b);
}
END_TEST

/* What log_limited() holds back is summed up though no other line follows. */
START_TEST(limited_lines_too)
{
	struct log_limit lim = { 0 };

	begin();
	for (unsigned i = 0; i < LOG_BURST + 5; i++)
		log_limited(&t.log, &lim, TICK_S(1), LOG_LV_WARN, "nhrp-drop", "x");
	ck_assert_uint_eq(t.lines, LOG_BURST);
	logbook_tick(b, TICK_S(100));
	ck_assert_str_eq(t.last_text, "nhrp-drop: 5 lines of the last 99 s not written");
	logbook_free(b);
}
END_TEST

START_TEST(debugging_is_not_limited)
{
	begin();
	for (unsigned i = 0; i < 200; i++)
		log_of(&t.log, 0, "fqdn x", LOG_LV_DEBUG, "seen", "x");
	ck_assert_uint_eq(t.lines, 200);
	logbook_free(b);
	for (unsigned i = 0; i < 200; i++)
		log_of(&t.log, 0, "fqdn x", LOG_LV_INFO, "seen", "x");	/* nor is anything without a book */
	ck_assert_uint_eq(t.lines, 400);
}
END_TEST

SUITE(logbook, a_share_and_the_sum_of_the_rest, none_is_missing, bounded, limited_lines_too, debugging_is_not_limited)
