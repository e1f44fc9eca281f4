/* Duplicates and INITIAL_CONTACT: two ends that dial at once, a peer that started anew. */
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

static void
one_left(void)
{
	w_check_pair(&w);
	ck_assert_int_eq(w.s[0].gap, 0);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_ptr_nonnull(w_sa(&w, i)->dials);	/* both dials are satisfied, by the same SA */
		ck_assert_uint_eq(w.s[i].dial_fails, 0);
		if (w.s[i].downs) {
			ck_assert_int_eq(w.s[i].last_down, IKE_DOWN_DUPLICATE);
			ck_assert_uint_eq(w.s[i].last_down_other, w_sa(&w, i)->id);
		}
	}
	ck_assert_uint_eq(w_sa(&w, 0)->spi_i, w_sa(&w, 1)->spi_i);
}

/* Random latency makes every interleaving; one in a hundred seeds loses messages too. */
static bool
lossy(struct world *x, struct w_msg *m)
{
	(void)m;
	x->shuffle = x->shuffle * 6364136223846793005u + 1442695040888963407u;
	return (x->shuffle >> 40) % 100 >= 15;
}

START_TEST(both_dial)
{
	w.s[0].t.seed = (uint64_t)_i * 7 + 1;
	w.s[1].t.seed = (uint64_t)_i * 13 + 2;
	w.shuffle = (uint64_t)_i + 1;
	if (_i >= 200) {
		w.hook = lossy;
		w.s[0].profile[0].dpd = w.s[1].profile[0].dpd = IKE_DPD_PERIODIC;
	}
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_MS(_i % 50));
	w_dial(&w, 1, 0, 2);
	w_run(&w, TICK_S(20));
	w.hook = NULL;
	w_run(&w, TICK_S(60));
	if (w.s[0].died + w.s[1].died)	/* so many lost in a row that a live peer looked dead */
		w_check_pair(&w);
	else
		one_left();
}
END_TEST

START_TEST(the_one_with_the_lowest_nonce_goes)
{
	struct map_iter it = { 0 };
	struct ike_low best = { 0 };
	unsigned est = 0;

	w.s[0].t.seed = 300 + (uint64_t)_i;
	w.manual = true;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_dial(&w, 1, 0, 2);
	for (unsigned i = 0; i < 8; i++)
		w_deliver(&w, i & 1);
	for (struct map_node *n = map_first(&w.s[0].k->by_id, &it); n; n = map_next(&w.s[0].k->by_id, &it)) {
		struct ike_sa *sa = container_of(n, struct ike_sa, by_id);

		est += sa->state == IKE_SA_EST;
		if (ike_low_cmp(&sa->low, &best) > 0)
			best = sa->low;
	}
	ck_assert_uint_eq(est, 2);
	w.manual = false;
	w_run(&w, TICK_S(20));
	one_left();
	ck_assert_int_eq(ike_low_cmp(&w_sa(&w, 0)->low, &best), 0);
}
END_TEST

START_TEST(a_later_dial_over_one_that_is_up)
{
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_settle(&w);
	w_dial(&w, (unsigned)_i & 1, 1 - ((unsigned)_i & 1), 2);
	w_run(&w, TICK_S(60));
	w_check_pair(&w);
	ck_assert_int_eq(w.s[0].gap, 0);
}
END_TEST

START_TEST(restarted_peer)
{
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_settle(&w);
	w_stop(&w, 0);
	w_start(&w, 0);
	w_dial(&w, 0, 1, 1);
	w_settle(&w);
	w_check_pair(&w);
	ck_assert_uint_eq(w.s[1].ups, 2);
	ck_assert_uint_eq(w.s[1].downs, 1);
	ck_assert_int_eq(w.s[1].last_down, IKE_DOWN_REPLACED);
	ck_assert_uint_eq(w.s[1].last_down_other, w_sa(&w, 1)->id);
}
END_TEST

/* The hub dialled; the spoke restarts and dials: the hub's dial is satisfied by the new one. */
START_TEST(restarted_peer_satisfies_the_dial)
{
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_settle(&w);
	w_stop(&w, 1);
	w_start(&w, 1);
	w_dial(&w, 1, 0, 2);
	w_settle(&w);
	ck_assert_int_eq(w.s[0].last_down, IKE_DOWN_REPLACED);
	ck_assert_uint_eq(w_sa(&w, 0)->dials->id, 1);
	w_run(&w, TICK_S(30));
	w_check_pair(&w);
	ck_assert_uint_eq(w.s[0].ups, 2);
}
END_TEST

/* The stale one would win by nonce: it must be asked first, and is found dead. */
START_TEST(stale_one_does_not_win)
{
	struct ike_sa *sa;

	w.s[0].t.seed = 100 + (uint64_t)_i;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_settle(&w);
	w_stop(&w, 1);
	w_start(&w, 1);
	w_dial(&w, 0, 1, 2);	/* 0 still believes in the first */
	w_run(&w, TICK_S(45));
	sa = w_sa(&w, 0);
	ck_assert_ptr_nonnull(sa);
	w_check_pair(&w);
}
END_TEST

START_TEST(other_identities_are_left_alone)
{
	w.n_sides = 3;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_dial(&w, 2, 1, 1);
	w_settle(&w);
	ck_assert_uint_eq(w_count_sa(&w, 1, "established"), 2);
	ck_assert_uint_eq(w.s[1].downs, 0);
}
END_TEST

START_TEST(sa_max)
{
	w.s[0].conf.sa_max = 1;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_dial(&w, 0, 1, 2);
	ck_assert_uint_eq(w.s[0].dial_fails, 1);
	ck_assert_int_eq(w.s[0].last_fail, IKE_DOWN_RESOURCES);
	w_settle(&w);
	w_check_pair(&w);
}
END_TEST

static bool
no_informational(struct world *x, struct w_msg *m)
{
	(void)x;
	return m->n < IKE_HDR_LEN || m->octets[18] != IKE_INFORMATIONAL;
}

/* Of three the one that was to stay has died meanwhile, unheard: the two others are not both kept for it. */
START_TEST(the_winner_of_three_dies)
{
	unsigned n = 0;

	w.hook = no_informational;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_settle(&w);
	w_dial(&w, 1, 0, 2);
	while (w.s[0].ups < 2 && n++ < 1000)
		w_run(&w, TICK_MS(1));
	ck_assert_uint_eq(w_count_sa(&w, 0, "established"), 2);
	for (uint32_t id = 1; id < 100; id++) {
		struct ike_sa *sa = ike_sa_find(w.s[0].k, id);

		if (!sa)
			continue;
		sa->dup_winner = 12345;
		sa->dup_check = sa->want_live = false;
		sa->dup_at = w.now + TICK_S(1);
		ike_sa_arm_life(w.s[0].k, sa);
	}
	w_stop(&w, 1);
	w_run(&w, TICK_S(200));
	ck_assert_uint_le(w_count_sa(&w, 0, "established"), 1);
}
END_TEST

/* Two tunnels between the same two hosts, each with identities of its own. */
static void
two_tunnels(void)
{
	for (unsigned i = 0; i < 2; i++) {
		struct w_side *s = &w.s[i];

		s->conf.n_profile = 2;
		w_key(s, 1, "*", "secret of all");
		for (unsigned k = 0; k < 2; k++) {
			char name[32];

			snprintf(name, sizeof(name), "side%u.%c.example", i, 'a' + k);
			s->profile[k].local_id = w_fqdn(name);
			snprintf(name, sizeof(name), "side%u.%c.example", 1 - i, 'a' + k);
			s->profile[k].remote[0] = w_exact(name);
			s->profile[k].n_remote = 1;
			s->profile[k].dpd = IKE_DPD_OFF;
		}
	}
	w_go(&w);
}

static void
dial_tunnel(unsigned from, unsigned profile, uint32_t dial)
{
	struct ike_event ev = { .kind = IKE_EV_DIAL, .dial = dial, .profile = profile, .n_remotes = 1 };

	ev.local.addr = w.s[from].addr;
	ev.remotes[0].addr = w.s[1 - from].addr;
	w_event(&w, from, &ev);
}

/* The other tunnel's SA is no reason to say INITIAL_CONTACT in this one: nothing is torn down. */
START_TEST(contact_in_two_tunnels)
{
	two_tunnels();
	dial_tunnel(0, 0, 1);
	w_settle(&w);
	dial_tunnel(0, 1, 2);
	w_settle(&w);
	ck_assert_uint_eq(w.s[1].ups, 2);
	dial_tunnel((unsigned)_i & 1, (unsigned)_i >> 1, 3);
	w_settle(&w);
	for (unsigned i = 0; i < 2; i++)
		ck_assert(!w.s[i].downs || w.s[i].last_down == IKE_DOWN_DUPLICATE);
	w_run(&w, TICK_S(60));
	ck_assert_uint_eq(w_count_sa(&w, 0, "established"), 2);
	ck_assert_uint_eq(w_count_sa(&w, 1, "established"), 2);
}
END_TEST

/* Started anew, and back in one tunnel: ESP of the other names an SPI that the peer finds among its SAs. */
START_TEST(lost_in_one_of_two_tunnels)
{
	struct ike_event ev = { .kind = IKE_EV_SA_UNKNOWN };
	unsigned back = (unsigned)_i;

	two_tunnels();
	dial_tunnel(0, 0, 1);
	w_settle(&w);
	dial_tunnel(0, 1, 2);
	w_settle(&w);
	for (unsigned i = 0; i < w.s[0].n_child; i++) {
		if ((w.s[0].child[i].sa != w.s[0].last_up) == (back == 1))	/* the other tunnel's: the second came up last */
			ev.spi_in = w.s[0].child[i].dp.spi_out;
	}
	w_stop(&w, 1);
	w_start(&w, 1);
	dial_tunnel(1, back, 3);
	w_settle(&w);
	ev.local.addr = w.s[1].addr;
	ev.remote.addr = w.s[0].addr;
	w_event(&w, 1, &ev);
	w_run(&w, TICK_S(6));
	ck_assert_uint_eq(w_count_sa(&w, 0, "established"), 2);
	ck_assert_uint_eq(w_count_sa(&w, 1, "established"), 2);
}
END_TEST

START_TEST(low_nonces)
{
	struct ike_nonce a = { 32, { 1, 2 } }, b = { 32, { 1, 3 } }, c = { 16, { 1, 2 } };
	struct ike_low l, m;

	ike_low_of(&l, &a, &b);
	ck_assert_uint_eq(l.b[1], 2);
	ike_low_of(&m, &b, &b);
	ck_assert_int_lt(ike_low_cmp(&l, &m), 0);
	ike_low_of(&m, &a, &c);	/* a prefix is lower */
	ck_assert_uint_eq(m.n, 16);
	ck_assert_int_gt(ike_low_cmp(&l, &m), 0);
}
END_TEST

Suite *
sa_suite(void)
{
	Suite *s = suite_create("sa");
	TCase *tc = tcase_create("sa");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, both_dial, 0, 400);
	tcase_add_loop_test(tc, the_one_with_the_lowest_nonce_goes, 0, 8);
	tcase_add_loop_test(tc, a_later_dial_over_one_that_is_up, 0, 2);
	tcase_add_test(tc, restarted_peer);
	tcase_add_test(tc, restarted_peer_satisfies_the_dial);
	tcase_add_loop_test(tc, stale_one_does_not_win, 0, 10);
	tcase_add_test(tc, other_identities_are_left_alone);
	tcase_add_test(tc, sa_max);
	tcase_add_test(tc, the_winner_of_three_dies);
	tcase_add_loop_test(tc, contact_in_two_tunnels, 0, 4);
	tcase_add_loop_test(tc, lost_in_one_of_two_tunnels, 0, 2);
	tcase_add_test(tc, low_nonces);
	suite_add_tcase(s, tc);
	return s;
}
