/* Twin of ikecore/engine/hold.c: a data plane that refuses is asked again after growing waits, whoever calls in between. */
#include <stdio.h>

#include "tests/unit/ike_engine/suites.h"

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

static void
refused_from_the_start(unsigned side)
{
	w.s[side].refuse_child = true;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
}

/* Of 1, 2, 4 ... seconds the sixth is past two minutes at the latest; without waits there would be hundreds. */
START_TEST(waits_double)
{
	unsigned early, later;

	refused_from_the_start((unsigned)_i);
	w_run(&w, TICK_S(20));
	early = w.s[_i].refusals;
	ck_assert_uint_ge(early, 4);
	ck_assert_uint_le(early, 6);
	w_run(&w, TICK_S(300));
	later = w.s[_i].refusals - early;
	ck_assert_uint_ge(later, 4);
	ck_assert_uint_le(later, 12);
	ck_assert_uint_eq(w_count_child(&w, (unsigned)_i), 0);
}
END_TEST

START_TEST(says_when)
{
	struct ike_sa *sa;
	tick_t at;

	refused_from_the_start((unsigned)_i);
	w_run(&w, TICK_MS(500));
	sa = w_sa(&w, (unsigned)_i);
	ck_assert_ptr_nonnull(sa);	/* a refusal does not end it */
	at = ike_retry_at(w.s[_i].k, sa->id);
	ck_assert_uint_gt(at, w.now);
	ck_assert_uint_le(at, w.now + TICK_MS(1250));
	ck_assert_uint_eq(ike_retry_at(w.s[!_i].k, w_sa(&w, (unsigned)!_i)->id), 0);
	ck_assert_uint_eq(ike_retry_at(w.s[_i].k, 0), 0);
	w_run(&w, TICK_S(2));
	ck_assert_uint_eq(w.s[_i].refusals, 2);
	w.s[_i].refuse_child = false;
	w_run(&w, TICK_S(5));
	w_check_pair(&w);
	ck_assert_uint_eq(ike_retry_at(w.s[_i].k, w_sa(&w, (unsigned)_i)->id), 0);
}
END_TEST

/* It comes up by itself, after the longest wait at the latest, in the same IKE SA; and what was learnt is forgotten. */
START_TEST(comes_up_when_it_can)
{
	refused_from_the_start((unsigned)_i);
	w_run(&w, TICK_S(100));
	ck_assert_uint_eq(w.s[1].downs, _i == 0);	/* who was called does not wait longer than 30 s for a pair */
	w.s[_i].refuse_child = false;
	w_run(&w, TICK_S(80));
	w_check_pair(&w);
	ck_assert_uint_eq(w.s[_i].k->holds.n, 0);
}
END_TEST

/* It is the identity that is held: a peer that closes and dials anew finds no way around it, and comes up when the time is over. */
START_TEST(dialling_anew_is_no_way_around)
{
	struct ike_event close = { .kind = IKE_EV_CLOSE };
	unsigned asked;

	refused_from_the_start(1);
	w_run(&w, TICK_S(30));
	asked = w.s[1].refusals;
	close.sa = w_sa(&w, 0)->id;
	w_event(&w, 0, &close);
	w_run(&w, TICK_S(2));
	ck_assert_uint_gt(w.s[0].downs, 0);
	ck_assert_uint_eq(w.s[1].refusals, asked);
	ck_assert_uint_gt(ike_count_drop(w.s[1].k, IKE_DROP_HELD), 0);
	ck_assert_int_eq(w.s[0].last_fail, IKE_DOWN_IPSEC);
	ck_assert_str_eq(w.s[0].fail_text, "peer cannot take an IPsec SA just now");
	w.s[1].refuse_child = false;
	w_run(&w, TICK_S(80));
	w_check_pair(&w);
}
END_TEST

/* What carries traffic goes on carrying it while its successor is refused. */
START_TEST(refused_rekey_leaves_the_old_one)
{
	struct ike_child *c;
	uint32_t old;

	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_settle(&w);
	old = w.s[_i].child[0].dp.spi_in;
	w.s[_i].refuse_child = true;
	c = w_engine_child(&w, (unsigned)_i);
	c->want_rekey = true;
	ike_sa_kick_at(w.s[_i].k, c->sa, w.now);
	w_run(&w, TICK_S(20));
	ck_assert_uint_ge(w.s[_i].refusals, 2);
	ck_assert_uint_le(w.s[_i].refusals, 6);
	ck_assert_uint_eq(w_engine_child(&w, (unsigned)_i)->spi_in, old);
	ck_assert(w_usable(&w));
	w.s[_i].refuse_child = false;
	w_run(&w, TICK_S(80));
	w_check_pair(&w);
	ck_assert_uint_ne(w.s[_i].child[0].dp.spi_in, old);
	ck_assert_int_eq(w.s[0].gap, 0);
	ck_assert_uint_eq(w.s[0].downs + w.s[1].downs, 0);
}
END_TEST

/* Without memory for the list it is the longest wait. */
START_TEST(no_memory)
{
	struct ike_sa sa = { .profile = 0, .peer_id = w_fqdn("x.example") };
	tick_t at;

	w_go(&w);
	w.s[0].k->now = w.now;
	w.s[0].t.fail_at = 1;
	at = ike_hold_more(w.s[0].k, &sa);
	ck_assert_uint_ge(at, w.now + TICK_S(45));
	ck_assert_uint_eq(ike_hold_until(w.s[0].k, &sa), 0);
}
END_TEST

START_TEST(bounded)
{
	struct ike_sa sa = { .profile = 0 }, first;
	char name[32];

	w_go(&w);
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "s%u.example", i);
		sa.peer_id = w_fqdn(name);
		ike_hold_more(w.s[0].k, &sa);
		if (i == 0)
			first = sa;
	}
	ck_assert_uint_eq(w.s[0].k->holds.n, 4096);
	ck_assert_uint_eq(ike_hold_until(w.s[0].k, &first), 0);	/* the oldest went */
	ck_assert_uint_ne(ike_hold_until(w.s[0].k, &sa), 0);
	sa.peer_id = w_fqdn("S4999.EXAMPLE");
	ck_assert_uint_ne(ike_hold_until(w.s[0].k, &sa), 0);
	sa.profile = 1;
	ck_assert_uint_eq(ike_hold_until(w.s[0].k, &sa), 0);
}
END_TEST

Suite *
hold_suite(void)
{
	Suite *s = suite_create("hold");
	TCase *tc = tcase_create("hold");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, waits_double, 0, 2);
	tcase_add_loop_test(tc, says_when, 0, 2);
	tcase_add_loop_test(tc, comes_up_when_it_can, 0, 2);
	tcase_add_test(tc, dialling_anew_is_no_way_around);
	tcase_add_test(tc, refused_rekey_leaves_the_old_one);
	tcase_add_test(tc, no_memory);
	tcase_add_test(tc, bounded);
	suite_add_tcase(s, tc);
	return s;
}
