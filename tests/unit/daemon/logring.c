/* The log's memory, and the lines that debugging lets through. */
#include "nhrpd/daemon/logring.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/harness.h"

suite_fn logring_suite;

static struct test_env t;
static struct logring *r;
static int64_t clock_at;

static int64_t
clock_ms(void)
{
	return clock_at;
}

static void
setup(void)
{
	test_env_init(&t);
	t.log.level = LOG_LV_INFO;
	r = logring_new(&t.log);
	ck_assert_ptr_nonnull(r);
	r->clock_ms = clock_ms;
	clock_at = 1000;
}

static void
teardown(void)
{
	logring_free(r);
}

static char seen[2048];

static void
see(void *ctx, const struct logring_line *l)
{
	size_t used = strlen(seen);

	(void)ctx;
	snprintf(seen + used, sizeof(seen) - used, "%lld %d %.31s %.60s\n", (long long)l->at_ms, (int)l->lv, l->word, l->text);
}

static const char *
last(unsigned n)
{
	seen[0] = '\0';
	logring_visit(r, n, see, NULL);
	return seen;
}

START_TEST(kept_and_handed_on)
{
	ck_assert_str_eq(last(10), "");
	log_at(&t.log, LOG_LV_NOTICE, "one", "first %d", 1);
	clock_at = 2500;
	log_at(&t.log, LOG_LV_WARN, "two", "second");
	log_at(&t.log, LOG_LV_DEBUG, "three", "not at this level");
	ck_assert_str_eq(last(10), "1000 2 one first 1\n2500 1 two second\n");
	ck_assert_str_eq(last(1), "2500 1 two second\n");
	ck_assert_str_eq(last(0), "");
	ck_assert_uint_eq(t.lines, 2);
	ck_assert_str_eq(t.last_word, "two");
}
END_TEST

START_TEST(the_oldest_go)
{
	for (int i = 0; i < LOGRING_LINES + 5; i++)
		log_at(&t.log, LOG_LV_INFO, "n", "%d", i);
	ck_assert_str_eq(last(2), "1000 3 n 1003\n1000 3 n 1004\n");
	ck_assert_uint_eq(r->written, LOGRING_LINES + 5);
	ck_assert_str_eq(r->line[r->written % LOGRING_LINES].text, "5");
}
END_TEST

START_TEST(long_lines_are_cut)
{
	char text[2 * LOGRING_TEXT_MAX];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_at(&t.log, LOG_LV_INFO, "a-word-that-is-longer-than-there-is-room-for", "%s", text);
	ck_assert_uint_eq(strlen(r->line[0].text), LOGRING_TEXT_MAX - 1);
	ck_assert_uint_eq(strlen(r->line[0].word), LOGRING_WORD_MAX - 1);
	ck_assert_uint_eq(strlen(t.last_text), sizeof(text) - 1);
}
END_TEST

static const struct {
	const char *text, *peer;
	bool named;
} names[] = {
	{ "peer 3 at 192.0.2.1:4500", "192.0.2.1", true }, { "192.0.2.1", "192.0.2.1", true }, { "at 192.0.2.1.", "192.0.2.1", true },
	{ "at 192.0.2.11", "192.0.2.1", false }, { "at 1192.0.2.1", "192.0.2.1", false }, { "at 5.192.0.2.1", "192.0.2.1", false },
	{ "at 192.0.2.1.5", "192.0.2.1", false }, { "192.0.2.11 and 192.0.2.1", "192.0.2.1", true },
	{ "[2001:db8::1]:500", "2001:db8::1", true }, { "2001:db8::1:2", "2001:db8::1", false }, { "2001:db8::1", "db8::1", false },
	{ "2001:db8::1: lost", "2001:db8::1", true }, { "2001:db8::12", "2001:db8::1", false },
	{ "fqdn site-11.example.net at", "site-11.example.net", true }, { "site-11.example.net.org", "site-11.example.net", false },
	{ "my-site-11.example.net", "site-11.example.net", false }, { "(fqdn a.b)", "a.b", true }, { "anything", "", false },
};

START_TEST(whole_words)
{
	ck_assert_msg(logring_names(names[_i].text, names[_i].peer) == names[_i].named, "%s in %s", names[_i].peer, names[_i].text);
}
END_TEST

static bool
debug(unsigned facility, const char *a, const char *b)
{
	struct logring_debug d = { .facility = facility };

	if (a)
		snprintf(d.name[d.n_name++], sizeof(d.name[0]), "%s", a);
	if (b)
		snprintf(d.name[d.n_name++], sizeof(d.name[0]), "%s", b);
	return logring_debug(r, &d);
}

START_TEST(debugging_all_of_one_peer)
{
	ck_assert(debug(LOG_DBG_ALL, "192.0.2.1", NULL));
	ck_assert(debug(LOG_DBG_ALL, "192.0.2.1", NULL));
	ck_assert_uint_eq(r->n_debug, 1);
	log_at(&t.log, LOG_LV_DEBUG, "ike", "from 192.0.2.1:500");
	log_at(&t.log, LOG_LV_DEBUG, "ike", "from 192.0.2.2:500");
	log_at(&t.log, LOG_LV_INFO, "other", "as always");
	log_debug(&t.log, LOG_DBG_IKE, "in", "%s", "192.0.2.1");
	log_debug(&t.log, LOG_DBG_IKE, "in", "%s", "192.0.2.2");
	ck_assert_str_eq(last(10), "1000 4 ike from 192.0.2.1:500\n1000 3 other as always\n1000 4 in 192.0.2.1\n");
	ck_assert_uint_eq(logring_undebug(r, LOG_DBG_ALL, ""), 1);
	ck_assert_int_eq(t.log.level, LOG_LV_INFO);
	ck_assert_uint_eq(t.log.debug, 0);
	log_at(&t.log, LOG_LV_DEBUG, "ike", "from 192.0.2.1:500");
	log_debug(&t.log, LOG_DBG_IKE, "in", "%s", "192.0.2.1");
	ck_assert_uint_eq(r->written, 3);
	ck_assert_uint_eq(logring_undebug(r, LOG_DBG_ALL, ""), 0);
}
END_TEST

/* Lines of a facility, whatever the level; others only as the level says. A peer has several names. */
START_TEST(debugging_a_facility)
{
	ck_assert(debug(LOG_DBG_NHRP, NULL, NULL));
	ck_assert(debug(LOG_DBG_IKE, "10.255.0.11", "192.0.2.1"));
	ck_assert_uint_eq(t.log.debug, LOG_DBG_NHRP | LOG_DBG_IKE);
	ck_assert_int_eq(t.log.level, LOG_LV_INFO);
	log_debug(&t.log, LOG_DBG_NHRP, "nhrp-in", "from anybody");
	log_debug(&t.log, LOG_DBG_IKE, "ike-in", "from 192.0.2.1:500");
	log_debug(&t.log, LOG_DBG_IKE, "ike-in", "from 192.0.2.2:500");
	log_debug(&t.log, LOG_DBG_IKE, "dial", "for 10.255.0.11");
	log_debug(&t.log, LOG_DBG_ROUTE, "route", "192.0.2.1");
	log_at(&t.log, LOG_LV_DEBUG, "x", "192.0.2.1");
	ck_assert_str_eq(last(10), "1000 4 nhrp-in from anybody\n1000 4 ike-in from 192.0.2.1:500\n1000 4 dial for 10.255.0.11\n");
	ck_assert_uint_eq(logring_undebug(r, LOG_DBG_IKE, "192.0.2.9"), 0);
	ck_assert_uint_eq(logring_undebug(r, LOG_DBG_IKE, "10.255.0.11"), 1);
	ck_assert_uint_eq(t.log.debug, LOG_DBG_NHRP);
	ck_assert_uint_eq(r->n_debug, 1);
}
END_TEST

/* Off, nothing is evaluated. */
START_TEST(cheap_when_off)
{
	int evaluated = 0;

	log_debug(&t.log, LOG_DBG_IKE, "w", "%d", ++evaluated);
	log_debug((struct log *)NULL, LOG_DBG_IKE, "w", "%d", ++evaluated);
	ck_assert_int_eq(evaluated, 0);
	ck_assert(debug(LOG_DBG_IKE, NULL, NULL));
	log_debug(&t.log, LOG_DBG_IKE, "w", "%d", ++evaluated);
	ck_assert_int_eq(evaluated, 1);
	ck_assert_uint_eq(t.log.facility, 0);
}
END_TEST

START_TEST(another_level)
{
	logring_level(r, LOG_LV_WARN);
	ck_assert_int_eq(t.log.level, LOG_LV_WARN);
	ck_assert(debug(LOG_DBG_ALL, "x", NULL));
	logring_level(r, LOG_LV_ERROR);
	ck_assert_int_eq(t.log.level, LOG_LV_DEBUG);	/* debugging goes on */
	log_at(&t.log, LOG_LV_WARN, "w", "not any more");
	ck_assert_uint_eq(logring_undebug(r, LOG_DBG_ALL, ""), 1);
	ck_assert_int_eq(t.log.level, LOG_LV_ERROR);
	ck_assert_uint_eq(r->written, 0);
}
END_TEST

START_TEST(debugs_are_bounded)
{
	char name[LOGRING_PEER_LEN];

	for (int i = 0; i < LOGRING_DEBUGS_MAX; i++) {
		snprintf(name, sizeof(name), "peer%d", i);
		ck_assert(debug(LOG_DBG_ALL, name, NULL));
	}
	ck_assert(!debug(LOG_DBG_ALL, "one-more", NULL));
	ck_assert(debug(LOG_DBG_ALL, "peer3", NULL));
	ck_assert_uint_eq(logring_undebug(r, LOG_DBG_IKE, "peer3"), 1);	/* the rest of it goes on */
	ck_assert_uint_eq(logring_undebug(r, LOG_DBG_ALL, ""), LOGRING_DEBUGS_MAX);
	ck_assert_int_eq(t.log.level, LOG_LV_INFO);
}
END_TEST

START_TEST(goes_out_of_the_way)
{
	ck_assert(debug(LOG_DBG_ALL, "x", NULL));
	logring_free(r);
	r = NULL;
	ck_assert_int_eq(t.log.level, LOG_LV_INFO);
	ck_assert_uint_eq(t.log.debug, 0);
	log_at(&t.log, LOG_LV_INFO, "w", "still written");
	ck_assert_str_eq(t.last_text, "still written");
}
END_TEST

Suite *
logring_suite(void)
{
	Suite *s = suite_create("logring");
	TCase *c = tcase_create("logring");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, kept_and_handed_on);
	tcase_add_test(c, the_oldest_go);
	tcase_add_test(c, long_lines_are_cut);
	tcase_add_loop_test(c, whole_words, 0, (int)(sizeof(names) / sizeof(names[0])));
	tcase_add_test(c, debugging_all_of_one_peer);
	tcase_add_test(c, debugging_a_facility);
	tcase_add_test(c, cheap_when_off);
	tcase_add_test(c, another_level);
	tcase_add_test(c, debugs_are_bounded);
	tcase_add_test(c, goes_out_of_the_way);
	suite_add_tcase(s, c);
	return s;
}
