/* Twin of xfrm/pmtud.c: played against a path that takes so much and says nothing. */
#include "tests/unit/harness.h"
#include "tests/unit/xfrm/xfrm_test.h"
#include "xfrm/pmtud.h"

static struct pmtud p;
static tick_t now, last_rx, flows_at;	/* flows_at: when mtu was what gets through */
static unsigned path, asked, questions;

static void
begin(unsigned link, unsigned floor)
{
	memset(&p, 0, sizeof(p));
	now = TICK_S(100);
	last_rx = now;
	path = link;
	questions = 0;
	pmtud_start(&p, now, link, floor);
}

/* Answers questions until there is none. */
static void
play(unsigned q)
{
	while (q) {
		bool ok = q <= path;

		ck_assert_uint_lt(++questions, 1000);
		asked = q;
		now += ok ? TICK_MS(20) : TICK_MS(1500);
		q = pmtud_result(&p, now, q, ok ? DP_PATH_FITS : DP_PATH_TOO_BIG);
		if (!flows_at && p.mtu <= path)
			flows_at = now;
	}
}

/* Large packets for so long, ten a second; when they get through something comes back. */
static void
traffic(tick_t for_, bool answers)
{
	tick_t end = now + for_;

	while (now < end) {
		unsigned size = p.mtu;

		now += TICK_MS(100);
		if (answers && size <= path)
			last_rx = now;
		play(pmtud_sent(&p, now, size, last_rx));
	}
}

START_TEST(what_the_link_takes_is_confirmed)
{
	begin(1500, 576);
	ck_assert_uint_eq(p.mtu, 1500);
	traffic(TICK_S(1), true);
	ck_assert_uint_eq(questions, 1);
	ck_assert_uint_eq(asked, 1500);
	traffic(TICK_S(60), true);
	ck_assert_uint_ge(questions, 4);	/* every PMTUD_CONFIRM_S */
	ck_assert_uint_le(questions, 6);
	ck_assert_uint_eq(p.mtu, 1500);
	ck_assert_int_eq(p.how, DP_PATH_FIRST_HOP);
}
END_TEST

START_TEST(small_packets_ask_nothing)
{
	begin(1500, 576);
	for (unsigned i = 0; i < 1000; i++)
		ck_assert_uint_eq(pmtud_sent(&p, now += TICK_S(1), 1280, last_rx), 0);
}
END_TEST

/* Whatever the path takes is found, from below, within PMTUD_STEP, and traffic flows within seconds. */
START_TEST(black_hole)
{
	for (unsigned mtu = 576; mtu <= 1500; mtu += 4) {
		tick_t at;

		begin(1500, 576);
		traffic(TICK_S(5), true);
		path = mtu;
		at = now;
		flows_at = 0;
		traffic(TICK_S(1), true);
		while (p.mtu > path && now - at < TICK_S(60))
			traffic(TICK_MS(100), true);
		if (mtu >= 1280 && mtu < 1500)
			ck_assert_uint_le(flows_at - at, TICK_S(3));
		traffic(TICK_S(20), true);
		ck_assert_uint_le(p.mtu, path);
		ck_assert_uint_gt(p.mtu + PMTUD_STEP, path);
		ck_assert_int_eq(p.state, PMTUD_COMPLETE);
		ck_assert_uint_eq(p.holes, mtu < 1500);
		if (mtu < 1500)
			ck_assert_int_eq(p.how, DP_PATH_PROBE);
	}
}
END_TEST

/* Something else comes back all the time, from other connections: found by the confirmation. */
START_TEST(black_hole_under_other_traffic)
{
	begin(1500, 576);
	traffic(TICK_S(5), true);
	path = 1400;
	for (tick_t end = now + TICK_S(PMTUD_CONFIRM_S + 5); now < end;) {
		last_rx = now += TICK_MS(50);
		play(pmtud_sent(&p, now, 1500, last_rx));
	}
	ck_assert_uint_le(p.mtu, 1400);
	ck_assert_uint_gt(p.mtu, 1400 - PMTUD_STEP);
}
END_TEST

/* IPv6: not below 1280, what goes on is not ours to know. */
START_TEST(no_less_than_the_floor)
{
	begin(1500, 1280);
	traffic(TICK_S(2), true);
	path = 1000;
	traffic(TICK_S(30), true);
	ck_assert_uint_eq(p.mtu, 1280);
	ck_assert_int_eq(p.state, PMTUD_COMPLETE);
}
END_TEST

START_TEST(wider_again)
{
	begin(1500, 576);
	path = 1300;
	traffic(TICK_S(30), true);
	ck_assert_uint_le(p.mtu, 1300);
	path = 1500;
	traffic(TICK_S(PMTUD_RAISE_S - 60), true);
	ck_assert_uint_le(p.mtu, 1300);
	traffic(TICK_S(90), true);
	ck_assert_uint_ge(p.mtu, 1500 - PMTUD_STEP);
	ck_assert_uint_eq(p.holes, 1);
}
END_TEST

/* A router told: believed, and raised by asking. Where nobody answers questions, by time alone. */
START_TEST(told_by_a_router)
{
	begin(1500, 576);
	traffic(TICK_S(1), true);
	path = 1400;
	pmtud_told(&p, now, 1400);
	ck_assert_uint_eq(p.mtu, 1400);
	ck_assert_int_eq(p.how, DP_PATH_ICMP);
	traffic(TICK_S(PMTUD_RAISE_S + 20), true);
	ck_assert_uint_le(p.mtu, 1400);	/* it was tried in vain */
	ck_assert_uint_gt(p.mtu, 1400 - PMTUD_STEP);
	ck_assert_uint_eq(p.holes, 0);
	begin(1500, 576);
	pmtud_told(&p, now, 1400);
	for (unsigned i = 0; i < PMTUD_RAISE_S + PMTUD_ASK_S + 20; i++) {
		now += TICK_S(1);
		pmtud_sent(&p, now, 1400, now);
	}
	ck_assert_uint_eq(p.mtu, 1500);
}
END_TEST

/* One way only, nothing ever comes back: asked less and less often. */
START_TEST(one_way_traffic)
{
	begin(1500, 576);
	traffic(TICK_S(300), false);
	ck_assert_uint_ge(questions, 15);
	ck_assert_uint_le(questions, 30);
	ck_assert_uint_eq(p.mtu, 1500);
}
END_TEST

START_TEST(answers_that_are_none)
{
	begin(1500, 576);
	ck_assert_uint_eq(pmtud_result(&p, now, 1500, DP_PATH_TOO_BIG), 0);	/* not asked */
	ck_assert_uint_eq(p.mtu, 1500);
	ck_assert_uint_eq(pmtud_sent(&p, now, 1500, last_rx), 1500);
	ck_assert_uint_eq(pmtud_sent(&p, now, 1500, last_rx), 0);	/* one at a time */
	ck_assert_uint_eq(pmtud_result(&p, now, 1501, DP_PATH_TOO_BIG), 0);
	ck_assert_uint_eq(pmtud_result(&p, now, 1400, DP_PATH_FITS), 0);
	ck_assert_uint_eq(p.asked, 1500);
	ck_assert_uint_eq(pmtud_result(&p, now, 1500, DP_PATH_BUSY), 0);
	ck_assert_uint_eq(pmtud_sent(&p, now + TICK_MS(500), 1500, last_rx), 0);
	ck_assert_uint_eq(pmtud_sent(&p, now + TICK_S(1), 1500, last_rx), 1500);
	ck_assert_uint_eq(pmtud_result(&p, now, 1493, DP_PATH_FITS), 0);	/* a cipher that works in blocks */
	ck_assert_uint_eq(p.asked, 0);
}
END_TEST

/* The first hop changes. */
START_TEST(the_route_says)
{
	begin(1500, 576);
	pmtud_route(&p, now, 1400, 576);
	ck_assert_uint_eq(p.mtu, 1400);
	pmtud_route(&p, now, 9000, 576);
	ck_assert_uint_eq(p.mtu, 9000);
	path = 1400;
	traffic(TICK_S(40), true);
	ck_assert_uint_le(p.mtu, 1400);
	pmtud_route(&p, now, 9000, 576);	/* what was found stays */
	ck_assert_uint_le(p.mtu, 1400);
	pmtud_route(&p, now, 1300, 576);
	ck_assert_uint_eq(p.mtu, 1300);
	pmtud_route(&p, now, 100, 576);
	ck_assert_uint_eq(p.mtu, 576);
}
END_TEST

Suite *
pmtud_suite(void)
{
	Suite *s = suite_create("xfrm/pmtud");
	TCase *t = tcase_create("all");

	tcase_add_test(t, what_the_link_takes_is_confirmed);
	tcase_add_test(t, small_packets_ask_nothing);
	tcase_add_test(t, black_hole);
	tcase_add_test(t, black_hole_under_other_traffic);
	tcase_add_test(t, no_less_than_the_floor);
	tcase_add_test(t, wider_again);
	tcase_add_test(t, told_by_a_router);
	tcase_add_test(t, one_way_traffic);
	tcase_add_test(t, answers_that_are_none);
	tcase_add_test(t, the_route_says);
	suite_add_tcase(s, t);
	return s;
}
