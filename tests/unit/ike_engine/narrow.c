/* Paths that eat large messages (RFC 7383 2.5.2): requests, answers, both; how small, when, and for how long that is remembered. */
#include "tests/unit/ike_engine/certs.h"
#include "tests/unit/ike_engine/suites.h"

static struct world w;
static unsigned eats[2];	/* octets of an IKE message from that side that arrive no more; 0: all arrive */
static unsigned eaten, largest;

static void
begin(void)
{
	w_certs(&w, "ecdsa-256", true);	/* IKE_AUTH of about 1,450 octets */
	eaten = largest = eats[0] = eats[1] = 0;
}

static void
end(void)
{
	w_certs_fini(&w);
}

static bool
eat(struct world *x, struct w_msg *m)
{
	(void)x;
	if (m->octets[18] == IKE_SA_INIT)
		return true;
	if (m->n > largest)
		largest = (unsigned)m->n;
	if (!eats[m->from] || m->n <= eats[m->from])
		return true;
	eaten++;
	return false;
}

static void
hole(unsigned a, unsigned b)
{
	w.hook = eat;
	eats[0] = a;
	eats[1] = b;
}

static void
go(tick_t span)
{
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_run(&w, span);
}

static unsigned
mtu_of(unsigned side)
{
	return ike_frag_mtu(w.s[side].k, w_sa(&w, side));
}

/* The first side ends the SA and dials again. */
static void
once_more(tick_t span)
{
	ck_assert_ptr_nonnull(w_sa(&w, 0));

	struct ike_event ev = { .kind = IKE_EV_CLOSE, .sa = w_sa(&w, 0)->id, .text = "test" };

	w_event(&w, 0, &ev);
	w_run(&w, TICK_S(5));
	if (!w_sa(&w, 0))
		w_dial(&w, 0, 1, 2);
	w_run(&w, span);
}

/* What either or both directions eat; who finds out, and how. */
START_TEST(comes_up)
{
	hole(_i & 1 ? 600 : 0, _i & 2 ? 600 : 0);
	go(TICK_S(10));
	w_check_pair(&w);
	ck_assert_uint_gt(eaten, 0);
	ck_assert_uint_eq(w.s[0].ups + w.s[1].ups, 2);
	ck_assert_uint_eq(w.s[0].dial_fails, 0);
	for (unsigned i = 0; i < 2; i++)
		ck_assert_uint_eq(mtu_of(i), 576);
	w_rekey(&w, 1, true);	/* the heir goes on with it */
	w_run(&w, TICK_S(10));
	w_check_pair(&w);
	ck_assert_uint_eq(w_sa(&w, 0)->ext.frag_mtu, 576);
}
END_TEST

/* It is known when the peer is dialled again: nothing gets lost any more. After an hour it is tried anew. */
START_TEST(remembered)
{
	unsigned was;

	hole(600, 600);
	go(TICK_S(10));
	w_check_pair(&w);
	was = eaten;
	once_more(TICK_S(2));
	w_check_pair(&w);
	ck_assert_uint_eq(eaten, was);
	w_run(&w, TICK_S(3601));
	once_more(TICK_S(20));
	w_check_pair(&w);
	ck_assert_uint_gt(eaten, was);
}
END_TEST

/* Nothing is cut finer for one message that got lost, nor for one that is small anyway. */
START_TEST(not_at_once)
{
	w.hook = eat;
	eats[_i] = 600;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_MS(400));
	ck_assert_uint_gt(eaten, 0);
	eats[_i] = 0;
	w_run(&w, TICK_S(5));
	w_check_pair(&w);
	for (unsigned i = 0; i < 2; i++)
		ck_assert_uint_eq(mtu_of(i), 1280);
	w.s[0].dead = w.s[1].dead = true;	/* liveness checks that nobody answers */
	ck_assert_uint_eq(w_sa(&w, 0)->ext.frag_mtu, 0);
}
END_TEST

/* One step where one is enough; the next where it is not; never more than is configured. */
static const struct step {
	uint16_t conf, path;
	uint16_t got;	/* 0: it does not come up */
} steps[] = {
	{ 1500, 1300, 1280 }, { 1500, 1000, 576 }, { 1500, 1500, 1500 }, { 1280, 1000, 576 }, { 0, 1280, 1280 }, { 576, 576, 576 }, { 1280, 500, 0 },
};

START_TEST(how_small)
{
	const struct step *s = &steps[_i];

	w.s[0].conf.frag_mtu = w.s[1].conf.frag_mtu = s->conf;
	w.path_mtu = s->path;
	w.no_fragments = true;
	go(TICK_S(20));
	ck_assert_msg((w_sa(&w, 0) != NULL) == (s->got != 0), "%u on %u", s->conf, s->path);
	if (s->got)
		ck_assert_uint_eq(mtu_of(0), s->got);
}
END_TEST

/* Any IPv6 path takes 1280 octets: below there is nothing to be won. */
START_TEST(ipv6)
{
	w.s[0].addr = w_addr("2001:db8::1");
	w.s[1].addr = w_addr("2001:db8::2");
	w.s[0].conf.frag_mtu = w.s[1].conf.frag_mtu = 1500;
	hole(_i ? 600 : 1240, _i ? 600 : 1240);
	go(TICK_S(20));
	if (_i) {
		ck_assert_ptr_null(w_sa(&w, 0));
		return;
	}
	w_check_pair(&w);
	ck_assert_uint_eq(mtu_of(0), 1280);
}
END_TEST

START_TEST(only_where_agreed_on)
{
	w.s[_i].conf.frag_off = true;
	hole(600, 600);
	go(TICK_S(20));
	ck_assert_uint_eq(w.s[0].ups + w.s[1].ups, 0);
	ck_assert_uint_eq(ike_count_fragments(w.s[0].k, true), 0);
}
END_TEST

/* A configuration with less than what the path takes. */
START_TEST(configured_limit_counts)
{
	struct ike_conf conf;

	hole(600, 600);
	go(TICK_S(10));
	w_check_pair(&w);
	conf = w.s[0].conf;
	conf.frag_mtu = 300;
	ike_reconf(w.s[0].k, w.now, &conf, &w.s[0].out);
	ck_assert_uint_eq(mtu_of(0), 300);
	w_stop(&w, 0);
}
END_TEST

/* The same under keys that change: IKE_INTERMEDIATE, whose answer goes out again under keys that are not in use any more. */
START_TEST(intermediate)
{
	for (unsigned i = 0; i < 2; i++) {
		struct ike_proposal *p = &w.s[i].profile[0].ike[0];

		p->addke[0][0] = IKE_KE_MODP4096;
		p->n_addke[0] = 1;
	}
	hole(_i & 1 ? 560 : 0, _i & 2 ? 560 : 0);
	go(TICK_S(15));
	w_check_pair(&w);
	ck_assert_uint_gt(eaten, 1);
	ck_assert_uint_eq(w_sa(&w, 0)->addke[0], IKE_KE_MODP4096);
	ck_assert_uint_eq(w.s[0].dial_fails, 0);
}
END_TEST

START_TEST(memory)
{
	hole(600, 600);
	w_go(&w);
	w.s[_i % 2].t.fail_at = _i / 2 + 2;
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_S(90));
	w_check_pair(&w);
}
END_TEST

/* The limit counts for every packet once it is known. */
START_TEST(every_packet)
{
	hole(600, 600);
	go(TICK_S(10));
	largest = 0;
	once_more(TICK_S(5));
	w_check_pair(&w);
	ck_assert_uint_gt(largest, 400);
	ck_assert_uint_le(largest, 576 - 28);
}
END_TEST

Suite *
narrow_suite(void)
{
	Suite *s = suite_create("narrow");
	TCase *tc = tcase_create("narrow");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, comes_up, 1, 4);
	tcase_add_test(tc, remembered);
	tcase_add_loop_test(tc, not_at_once, 0, 2);
	tcase_add_loop_test(tc, how_small, 0, sizeof(steps) / sizeof(steps[0]));
	tcase_add_loop_test(tc, ipv6, 0, 2);
	tcase_add_loop_test(tc, only_where_agreed_on, 0, 2);
	tcase_add_test(tc, configured_limit_counts);
	tcase_add_loop_test(tc, intermediate, 1, 4);
	tcase_add_loop_test(tc, memory, 0, 120);
	tcase_add_test(tc, every_packet);
	suite_add_tcase(s, tc);
	return s;
}
