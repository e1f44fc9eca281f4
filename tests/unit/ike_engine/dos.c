/* The rules against floods (section 16 of the reference on IKE), a test each. Rule 2 (nothing costly before the limits) and
 * rule 1's global threshold are in cookie.c flood_is_bounded, rule 7 (chains) with the certificates. */
#include "tests/unit/ike_engine/suites.h"

#include <stdio.h>

static struct world w;

static void
begin(void)
{
	w_init(&w);
}

static void
end(void)
{
	w_fini(&w);
}

/* A first message of an honest initiator that is somebody else each time: `i` says who. */
static struct w_msg
somebody(const struct w_msg *m, unsigned i)
{
	struct w_msg o = *m;

	put_be32(o.octets, i + 1);
	o.src.port = (uint16_t)(1024 + i);
	return o;
}

static struct w_msg
template(void)
{
	struct w_msg m;

	w.manual = true;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	m = *w.msg[0];
	w_lose_everything(&w);
	return m;
}

/* The message again with the cookie that was asked for in front. False: none was asked for. */
static bool
with_cookie(struct w_msg *m)
{
	struct w_msg *a = w.n_msg ? w.msg[0] : NULL;
	struct ike_msg p;
	const struct ike_notify *c;
	size_t n;

	if (!a || ike_msg_parse(span_of(a->octets, a->n), &p) != IKE_OK || !(c = ike_msg_notify(&p, IKE_N_COOKIE)))
		return false;
	n = 8 + c->data.n;
	memmove(m->octets + 28 + n, m->octets + 28, m->n - 28);
	m->octets[28] = m->octets[16];
	m->octets[16] = IKE_PL_NOTIFY;
	m->octets[29] = 0;
	put_be16(m->octets + 30, (uint16_t)n);
	put_be32(m->octets + 32, IKE_N_COOKIE);
	memcpy(m->octets + 36, c->data.p, c->data.n);
	m->n += n;
	put_be32(m->octets + 24, (uint32_t)m->n);
	return true;
}

START_TEST(rule_1_no_address_is_locked_out_that_returns_cookies)
{
	unsigned asked = 0, in = 0;
	struct w_msg m;

	w.s[1].conf.half_open_max = 1000;
	w.s[1].conf.cookie_threshold = 500;
	m = template();
	for (unsigned i = 0; i < 300; i++) {	/* all of them behind one NAT */
		struct w_msg one = somebody(&m, i);
		enum ike_drop d = w_inject(&w, 1, &one);

		if (d == IKE_DROP_COOKIE && with_cookie(&one)) {
			asked++;
			w_lose_everything(&w);
			d = w_inject(&w, 1, &one);
		}
		in += d == IKE_OK;
		w_lose_everything(&w);
	}
	ck_assert_uint_eq(in, 300);
	ck_assert_uint_eq(asked, 300 - IKE_ADDR_HALF);
	ck_assert_uint_eq(w.s[1].k->n_half, 300);
}
END_TEST

START_TEST(rule_1_the_secret_turns_and_the_one_before_serves)
{
	uint8_t before[IKE_COOKIE_SECRET_LEN];
	struct w_msg m, one;
	struct ike *k;

	w.s[1].conf.cookie_threshold = 0;
	m = template();
	one = somebody(&m, 1);
	k = w.s[1].k;
	ck_assert_int_eq(w_inject(&w, 1, &one), IKE_DROP_COOKIE);
	memcpy(before, k->cookie_secret[0], sizeof(before));
	ck_assert(with_cookie(&one));
	w_lose_everything(&w);
	w.now += IKE_COOKIE_ROTATE + 1;
	ck_assert_int_eq(w_inject(&w, 1, &one), IKE_OK);
	ck_assert_mem_ne(k->cookie_secret[0], before, sizeof(before));
	ck_assert_mem_eq(k->cookie_secret[1], before, sizeof(before));
	w.now += IKE_COOKIE_ROTATE + 1;
	one = somebody(&m, 2);
	w_inject(&w, 1, &one);
	ck_assert_mem_ne(k->cookie_secret[1], before, sizeof(before));
}
END_TEST

START_TEST(rule_2_no_secret_is_computed_before_the_first_encrypted_message)
{
	struct w_msg m;

	w.s[1].conf.cookie_threshold = 1000;
	w.s[1].conf.half_open_max = 1000;
	m = template();
	for (unsigned i = 0; i < 15; i++) {
		struct w_msg one = somebody(&m, i);

		ck_assert_int_eq(w_inject(&w, 1, &one), IKE_OK);
	}
	ck_assert_uint_eq(w.s[1].n_jobs, 0);
	w_lose_everything(&w);
}
END_TEST

START_TEST(rule_3_half_open_ends_after_30_s_and_the_oldest_unproven_goes_first)
{
	struct w_msg m, one;
	struct ike_sa *oldest;
	uint32_t id;

	w.s[1].conf.cookie_threshold = 4;
	w.s[1].conf.half_open_max = 4;
	m = template();
	for (unsigned i = 0; i < 4; i++) {
		one = somebody(&m, i);
		ck_assert_int_eq(w_inject(&w, 1, &one), IKE_OK);
	}
	oldest = w.s[1].k->half_old[0];
	id = oldest->id;
	w_lose_everything(&w);
	one = somebody(&m, 9);
	ck_assert_int_eq(w_inject(&w, 1, &one), IKE_DROP_COOKIE);
	ck_assert(with_cookie(&one));
	ck_assert_int_eq(w_inject(&w, 1, &one), IKE_OK);
	ck_assert_ptr_null(ike_sa_find(w.s[1].k, id));
	ck_assert_uint_eq(w.s[1].k->n_half, 4);
	w_lose_everything(&w);
	w.s[0].dead = true;
	w_run(&w, TICK_S(29));
	ck_assert_uint_eq(w.s[1].k->n_half, 4);
	w_run(&w, TICK_S(2));
	ck_assert_uint_eq(w.s[1].k->n_half, 0);
	w_lose_everything(&w);
}
END_TEST

/* Rubbish under the SPIs of a handshake: opened a few times and then rarely, computed once, and the door stays open. */
START_TEST(rule_4_bad_icv_costs_little_and_shuts_nobody_out)
{
	struct w_msg good, bad;

	w.manual = true;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_deliver(&w, 0);
	w_deliver(&w, 1);
	good = bad = *w.msg[0];
	for (unsigned i = 0; i < 2000; i++) {
		bad.octets[good.n - 1] = (uint8_t)(good.octets[good.n - 1] ^ (1 + i % 255));
		bad.octets[good.n - 2] = (uint8_t)(good.octets[good.n - 2] ^ i >> 8);
		w_inject(&w, 1, &bad);
	}
	ck_assert_uint_le(ike_count_drop(w.s[1].k, IKE_DROP_ICV), IKE_ICV_TRIES + IKE_ICV_RATE);
	ck_assert_uint_gt(ike_count_drop(w.s[1].k, IKE_DROP_RATE), 1800);
	ck_assert_uint_eq(w.s[1].k->n_half, 1);
	w_lose_everything(&w);
	w.manual = false;
	w_run(&w, TICK_S(2));	/* the good one is repeated */
	w_check_pair(&w);
}
END_TEST

/* ---- rule 5: what is said in clear */
static unsigned
answers(struct w_msg *m, unsigned times)
{
	unsigned n;

	for (unsigned i = 0; i < times; i++)
		w_inject(&w, 1, m);
	n = w_held(&w, 1);
	for (unsigned i = 0; i < w.n_msg; i++)
		ck_assert_uint_le(w.msg[i]->n, m->n);
	w_lose_everything(&w);
	return n;
}

START_TEST(rule_5_unprotected_answers)
{
	struct w_msg m = template(), unknown = m;

	unknown.octets[18] = IKE_INFORMATIONAL;
	unknown.octets[8] = 1;
	ck_assert_uint_gt(answers(&unknown, 1000), 10);	/* rate-limited */
	w.now += TICK_S(10);
	ck_assert_uint_le(answers(&unknown, 1000), 40);
	w.now += TICK_S(10);
	unknown.octets[19] |= IKE_FLAG_RESPONSE;	/* a response is never answered */
	ck_assert_uint_eq(answers(&unknown, 10), 0);
	unknown.octets[19] &= (uint8_t)~IKE_FLAG_RESPONSE;
	unknown.n = 28;	/* the answer would be larger than this */
	unknown.octets[16] = 0;
	put_be32(unknown.octets + 24, 28);
	ck_assert_uint_eq(answers(&unknown, 10), 0);
	unknown = m;
	unknown.octets[17] = 0x30;
	ck_assert_uint_le(answers(&unknown, 1000), 10);
	w.now += TICK_S(10);
	put_be32(unknown.octets + 24, 28);
	unknown.n = 28;
	ck_assert_uint_eq(answers(&unknown, 10), 0);
}
END_TEST

START_TEST(rule_5_no_answer_to_multicast_broadcast_or_oneself)
{
	static const char *const from[] = { "239.1.2.3", "255.255.255.255", "0.0.0.0", "ff02::1", "198.51.100.2" };
	struct w_msg m = template();

	m.octets[18] = IKE_INFORMATIONAL;
	m.octets[8] = 1;
	for (unsigned i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
		m.src = (struct endpoint){ w_addr(from[i]), m.dst.port };
		ck_assert_uint_eq(answers(&m, 1), 0);
	}
}
END_TEST

START_TEST(rule_6_a_flood_is_not_a_flood_of_log_lines)
{
	struct w_msg m = template();
	unsigned before = w.s[1].t.lines;

	for (unsigned i = 0; i < 5000; i++) {
		struct w_msg one = somebody(&m, i);

		one.octets[40 + i % 20] ^= (uint8_t)i;
		w_inject(&w, 1, &one);
		w_lose_everything(&w);
	}
	ck_assert_uint_le(w.s[1].t.lines - before, 50);
}
END_TEST

START_TEST(rule_6_identities_are_escaped)
{
	static const char evil[] = "x%s%n`rm -rf`\n\"\\\x1b[2J";
	struct ike_profile *p = &w.s[0].profile[0];
	const char *text = w.s[1].t.last_text;

	p->local_id = w_fqdn(evil);
	w.s[1].profile[0].remote[0] = w_exact("other.example.net");
	w.s[1].profile[0].n_remote = 1;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_MS(200));
	ck_assert_ptr_nonnull(strstr(text, "x%s%n`rm\\x20-rf`\\x0a\\x22\\x5c\\x1b[2J"));
	for (; *text; text++)
		ck_assert_int_ge(*text, 32);
}
END_TEST

/* All spokes at once on a hub that has just begun: a bounded number of records, all others by cookie, and all get in. */
START_TEST(rule_8_everybody_at_once)
{
	struct w_msg m;
	unsigned cookies = 0;

	w.s[1].conf.cookie_threshold = 32;
	w.s[1].conf.half_open_max = 64;
	m = template();
	for (unsigned i = 0; i < 1000; i++) {
		struct w_msg one = somebody(&m, i);

		one.src.addr.b[2] = (uint8_t)(i >> 8);
		one.src.addr.b[3] = (uint8_t)i;
		cookies += w_inject(&w, 1, &one) == IKE_DROP_COOKIE;
		w_lose_everything(&w);
	}
	ck_assert_uint_eq(w.s[1].k->n_half, 32);
	ck_assert_uint_eq(cookies, 1000 - 32);
}
END_TEST

/* SAs that came up together do not do the next thing together. */
START_TEST(rule_9_timers_have_jitter)
{
	tick_t child[20], ike[20], live[20];
	unsigned same = 0;

	for (unsigned i = 0; i < 2; i++) {
		w.s[i].profile[0].ike_life_s = 3600;
		w.s[i].profile[0].child_life.hard_s = 3600;
		w.s[i].profile[0].dpd = IKE_DPD_PERIODIC;
	}
	w_go(&w);
	for (unsigned i = 0; i < 20; i++) {
		struct ike_event ev = { .kind = IKE_EV_CLOSE }, hangup = { .kind = IKE_EV_HANGUP, .dial = 1 };
		struct ike_sa *sa;

		w_dial(&w, 0, 1, 1);
		w_settle(&w);
		sa = w_sa(&w, 0);
		child[i] = sa->children->rekey_at - sa->children->created;
		ike[i] = sa->rekey_at - sa->established;
		live[i] = sa->live_at - sa->established;
		ck_assert(child[i] >= TICK_S(3600) / 100 * 79 && child[i] <= TICK_S(3600) / 100 * 91);
		ck_assert(ike[i] >= TICK_S(3600) / 100 * 79 && ike[i] <= TICK_S(3600) / 100 * 91);
		ev.sa = sa->id;
		w_event(&w, 0, &hangup);
		w_event(&w, 0, &ev);
		w_run(&w, TICK_S(10));
	}
	for (unsigned i = 1; i < 20; i++)
		same += (child[i] == child[0]) + (ike[i] == ike[0]) + (live[i] == live[0]);
	ck_assert_uint_lt(same, 15);
}
END_TEST

Suite *
dos_suite(void)
{
	Suite *s = suite_create("dos");
	TCase *tc = tcase_create("dos");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, rule_1_no_address_is_locked_out_that_returns_cookies);
	tcase_add_test(tc, rule_1_the_secret_turns_and_the_one_before_serves);
	tcase_add_test(tc, rule_2_no_secret_is_computed_before_the_first_encrypted_message);
	tcase_add_test(tc, rule_3_half_open_ends_after_30_s_and_the_oldest_unproven_goes_first);
	tcase_add_test(tc, rule_4_bad_icv_costs_little_and_shuts_nobody_out);
	tcase_add_test(tc, rule_5_unprotected_answers);
	tcase_add_test(tc, rule_5_no_answer_to_multicast_broadcast_or_oneself);
	tcase_add_test(tc, rule_6_a_flood_is_not_a_flood_of_log_lines);
	tcase_add_test(tc, rule_6_identities_are_escaped);
	tcase_add_test(tc, rule_8_everybody_at_once);
	tcase_add_test(tc, rule_9_timers_have_jitter);
	suite_add_tcase(s, tc);
	return s;
}
