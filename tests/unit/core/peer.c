/* Twin of nhrpd/core/peer.c: peers by identity, their IKE SAs and SA pairs. */
#include "tests/unit/core/bench.h"

static struct bench b;
static char reason[256];

static void
up(unsigned n)
{
	bench_init(&b, n);
	bench_start_all(&b);
	bench_run(&b, 3000);
}

static void
known_to_each_other(unsigned x, unsigned y)
{
	struct nhrp_conf *c = &b.s[x].tunnel.nhrp;

	c->map[c->n_map++] = (struct nhrp_conf_map){ .proto = b.s[y].overlay, .nbma = b.s[y].addr };
	c = &b.s[y].tunnel.nhrp;
	c->map[c->n_map++] = (struct nhrp_conf_map){ .proto = b.s[x].overlay, .nbma = b.s[x].addr };
}

START_TEST(up_the_sa_comes_before_the_neighbour)
{
	int sa, neigh;

	up(2);
	for (unsigned i = 0; i < 2; i++) {
		sa = bench_find(&b.s[i], CORE_ACT_SA_ADD, 0);
		neigh = bench_find(&b.s[i], CORE_ACT_NEIGH_SET, 0);
		ck_assert_int_ge(sa, 0);
		ck_assert_int_gt(neigh, sa);
		ck_assert(b.s[i].note[sa].active);	/* there is nothing else to send on */
	}
	bench_fini(&b);
}
END_TEST

START_TEST(down_the_neighbour_goes_before_the_sa)
{
	unsigned from;
	int neigh, sa;

	up(2);
	from = b.s[SPOKE].n_note;
	bench_kill(&b, HUB);
	bench_run(&b, 60000);	/* DPD finds out */
	neigh = bench_find(&b.s[SPOKE], CORE_ACT_NEIGH_DEL, from);
	sa = bench_find(&b.s[SPOKE], CORE_ACT_SA_DEL, from);
	ck_assert_int_ge(neigh, 0);
	ck_assert_int_gt(sa, neigh);
	for (int i = sa; i < (int)b.s[SPOKE].n_note; i++)
		ck_assert_int_ne(b.s[SPOKE].note[i].kind, CORE_ACT_NEIGH_DEL);
	bench_peer(&b.s[SPOKE], 0, reason);
	ck_assert_str_ne(reason, "");
	ck_assert(bench_start(&b, HUB));
	bench_run(&b, 60000);
	ck_assert(bench_registered(&b.s[SPOKE]));
	bench_fini(&b);
}
END_TEST

/* Both dial at once: two IKE SAs of one identity are one peer, and in the end there is one SA pair. */
START_TEST(two_sas_of_one_identity_are_one_peer)
{
	const struct side *s;

	bench_init(&b, 3);
	known_to_each_other(SPOKE, OTHER);
	bench_start_all(&b);
	bench_run(&b, 2000);
	s = &b.s[SPOKE];
	ck_assert_uint_eq(bench_peers(s), 2);	/* the hub and the other */
	ck_assert_uint_eq(bench_count(s, CORE_ACT_SA_ADD, 0), 3);
	bench_run(&b, 10000);
	ck_assert_uint_eq(bench_sas(s), 2);
	ck_assert_uint_eq(bench_sas(&b.s[OTHER]), 2);
	ck_assert_uint_eq(bench_peers(s), 2);
	bench_fini(&b);
}
END_TEST

/* Its SA pair takes what is on its way for some seconds, but is not sent on any more. */
START_TEST(a_duplicate_lingers_unused)
{
	const struct side *s = &b.s[SPOKE];
	int del;
	const struct note *gone;

	bench_init(&b, 3);
	known_to_each_other(SPOKE, OTHER);
	bench_start_all(&b);
	bench_run(&b, 10000);
	del = bench_find(s, CORE_ACT_SA_DEL, 0);
	ck_assert_int_ge(del, 0);
	gone = &s->note[del];
	for (unsigned i = 0; i < s->n_note; i++) {
		if (s->note[i].kind == CORE_ACT_SA_ADD && s->note[i].spi_in == gone->spi_in)
			ck_assert_uint_gt(gone->at - s->note[i].at, TICK_S(2));
	}
	for (unsigned p = 0; p < 64; p++)
		ck_assert_uint_ne(s->sent_on[p], gone->spi_in);
	ck_assert_int_lt(bench_find(s, CORE_ACT_NEIGH_DEL, 0), 0);
	bench_fini(&b);
}
END_TEST

START_TEST(identity_is_compared_without_case)
{
	char name[256];

	up(2);
	ck_assert_str_eq(bench_peer(&b.s[SPOKE], 0, name).identity, "fqdn hub.test");	/* configured as Hub.test */
	bench_fini(&b);
}
END_TEST

START_TEST(a_refused_sa_is_not_a_peer)
{
	bench_init(&b, 2);
	b.s[SPOKE].refuse_sa = 1000;
	bench_start_all(&b);
	bench_run(&b, 10000);
	ck_assert_int_lt(bench_find(&b.s[SPOKE], CORE_ACT_NEIGH_SET, 0), 0);
	ck_assert_int_lt(bench_peer(&b.s[SPOKE], 0, reason).step, CORE_STEP_NHRP);
	ck_assert_uint_eq(bench_sas(&b.s[SPOKE]), 0);
	b.s[SPOKE].refuse_sa = 0;
	bench_run(&b, 90000);
	ck_assert(bench_registered(&b.s[SPOKE]));
	bench_run(&b, 20000);
	ck_assert_uint_eq(bench_sas(&b.s[SPOKE]), 1);
	ck_assert_uint_eq(bench_sas(&b.s[HUB]), 1);
	bench_fini(&b);
}
END_TEST

/* Told why and when it is tried again; asked a few times, not as often as the other side calls; the others have theirs. */
START_TEST(a_refused_sa_is_asked_for_ever_later)
{
	struct core_peer_info p;
	bool said = false;

	bench_init(&b, 3);
	bench_start(&b, HUB);
	bench_start(&b, OTHER);
	bench_run(&b, 3000);
	b.s[HUB].refuse_sa = 1000;
	bench_start(&b, SPOKE);
	bench_run(&b, 2500);
	for (unsigned i = 0; i < bench_peers(&b.s[HUB]); i++) {
		p = bench_peer(&b.s[HUB], i, reason);
		if (p.step == CORE_STEP_UP)
			continue;
		said = true;
		ck_assert_int_eq(p.step, CORE_STEP_IPSEC);
		ck_assert_str_eq(reason, "the data plane took no SA: no such luck");
		ck_assert_uint_gt(p.retry, b.now);
		ck_assert_uint_le(p.retry, b.now + TICK_S(3));
	}
	ck_assert(said);
	bench_run(&b, 60000);
	ck_assert_uint_ge(1000 - b.s[HUB].refuse_sa, 4);
	ck_assert_uint_le(1000 - b.s[HUB].refuse_sa, 8);
	ck_assert(bench_registered(&b.s[OTHER]));
	ck_assert_uint_eq(bench_count(&b.s[OTHER], CORE_ACT_SA_DEL, 0), 0);
	b.s[HUB].refuse_sa = 0;
	bench_run(&b, 90000);
	ck_assert(bench_registered(&b.s[SPOKE]));
	bench_fini(&b);
}
END_TEST

START_TEST(a_refused_neighbour_is_shown)
{
	struct core_peer_info p;

	bench_init(&b, 2);
	b.s[HUB].refuse_neigh = 1000;
	bench_start_all(&b);
	bench_run(&b, 3000);
	p = bench_peer(&b.s[HUB], 0, reason);
	ck_assert_int_eq(p.step, CORE_STEP_NHRP);
	ck_assert_str_eq(reason, "its neighbour was refused: no such luck");
	ck_assert_uint_gt(p.retry, b.now);
	b.s[HUB].refuse_neigh = 0;
	bench_run(&b, 10000);
	p = bench_peer(&b.s[HUB], 0, reason);
	ck_assert_int_eq(p.step, CORE_STEP_UP);
	ck_assert_uint_eq(p.retry, 0);
	bench_fini(&b);
}
END_TEST

/* The pair goes, the IKE SA stays: what leads to the peer goes first all the same, and comes back with the next pair. */
START_TEST(the_last_pair_goes_alone)
{
	struct dp_event ev = { .kind = DP_EV_SA_HARD, .tunnel = 1 };
	unsigned from;
	int neigh, sa;

	up(2);
	from = b.s[SPOKE].n_note;
	ev.spi_in = b.s[SPOKE].sent_on[1];
	core_dp_event(b.s[SPOKE].core, b.now, &ev);
	bench_carry(&b, SPOKE);
	bench_run(&b, 30000);
	for (unsigned i = 0; i < 2; i++) {
		neigh = bench_find(&b.s[i], CORE_ACT_NEIGH_DEL, i == SPOKE ? from : 0);
		sa = bench_find(&b.s[i], CORE_ACT_SA_DEL, i == SPOKE ? from : 0);
		ck_assert_int_ge(sa, 0);
		ck_assert(neigh < 0 || neigh < sa);
		ck_assert(neigh >= 0 || bench_find(&b.s[i], CORE_ACT_SA_ADD, from) < sa);
	}
	ck_assert(bench_registered(&b.s[SPOKE]));
	ck_assert_uint_eq(bench_sas(&b.s[SPOKE]), 1);
	bench_fini(&b);
}
END_TEST

START_TEST(rekeying_keeps_the_peer)
{
	unsigned from;

	bench_init(&b, 2);
	b.s[SPOKE].profile.child_life.hard_s = 30;
	bench_start_all(&b);
	bench_run(&b, 3000);
	from = b.s[SPOKE].n_note;
	bench_run(&b, 100000);
	ck_assert_uint_ge(bench_count(&b.s[SPOKE], CORE_ACT_SA_ADD, from), 3);
	ck_assert_int_lt(bench_find(&b.s[SPOKE], CORE_ACT_NEIGH_DEL, from), 0);
	ck_assert_int_lt(bench_find(&b.s[SPOKE], CORE_ACT_SA_ADD, from), bench_find(&b.s[SPOKE], CORE_ACT_SA_DEL, from));
	for (unsigned i = 0; i < 2; i++) {
		const struct b_sa *sa = bench_sa(&b.s[i], b.s[i].sent_on[1]);

		ck_assert_ptr_nonnull(sa);
		ck_assert_uint_le(bench_sas(&b.s[i]), 2);
	}
	ck_assert(bench_registered(&b.s[SPOKE]));
	bench_fini(&b);
}
END_TEST

START_TEST(ike_rekeying_keeps_the_peer)
{
	unsigned from;

	bench_init(&b, 2);
	b.s[SPOKE].profile.ike_life_s = 60;
	bench_start_all(&b);
	bench_run(&b, 3000);
	from = b.s[SPOKE].n_note;
	bench_run(&b, 200000);
	ck_assert_int_lt(bench_find(&b.s[SPOKE], CORE_ACT_NEIGH_DEL, from), 0);
	ck_assert_int_lt(bench_find(&b.s[SPOKE], CORE_ACT_SA_DEL, from), 0);	/* the SA pair goes over to the new IKE SA */
	ck_assert_int_ne(bench_peer(&b.s[SPOKE], 0, reason).ike_sa, 0);
	bench_fini(&b);
}
END_TEST

/* Moved: by authenticated ESP from another endpoint. */
START_TEST(a_peer_behind_nat_moves)
{
	struct core_peer_info p;
	struct dp_event ev = { .kind = DP_EV_SA_MOVED, .tunnel = 1 };
	struct side *h = &b.s[HUB];
	unsigned from;

	up(2);
	p = bench_peer(h, 0, reason);
	ev.spi_in = p.spi_in;
	ev.peer = p.peer;
	ev.local = (struct endpoint){ h->addr, 500 };
	ev.remote = (struct endpoint){ bench_addr("198.51.100.9"), 4500 };
	from = h->n_note;
	core_dp_event(h->core, b.now, &ev);
	bench_carry(&b, HUB);
	p = bench_peer(h, 0, reason);
	if (bench_find(h, CORE_ACT_SA_MOVE, from) >= 0)	/* only where the peer is behind NAT does IKE follow */
		ck_assert(addr_eq(&p.nbma, &ev.remote.addr));
	else
		ck_assert(addr_eq(&p.nbma, &b.s[SPOKE].addr));
	bench_fini(&b);
}
END_TEST

START_TEST(a_restarted_peer_replaces_itself)
{
	up(2);
	for (unsigned i = 0; i < 3; i++) {
		bench_kill(&b, SPOKE);
		ck_assert(bench_start(&b, SPOKE));
		bench_run(&b, 10000);
		ck_assert(bench_registered(&b.s[SPOKE]));
		ck_assert_uint_eq(bench_peers(&b.s[HUB]), 1);
		ck_assert_uint_eq(bench_sas(&b.s[HUB]), 1);
	}
	bench_fini(&b);
}
END_TEST

Suite *
peer_suite(void)
{
	Suite *s = suite_create("peer");
	TCase *t = tcase_create("peer");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, up_the_sa_comes_before_the_neighbour);
	tcase_add_test(t, down_the_neighbour_goes_before_the_sa);
	tcase_add_test(t, two_sas_of_one_identity_are_one_peer);
	tcase_add_test(t, a_duplicate_lingers_unused);
	tcase_add_test(t, identity_is_compared_without_case);
	tcase_add_test(t, a_refused_sa_is_not_a_peer);
	tcase_add_test(t, a_refused_sa_is_asked_for_ever_later);
	tcase_add_test(t, a_refused_neighbour_is_shown);
	tcase_add_test(t, the_last_pair_goes_alone);
	tcase_add_test(t, rekeying_keeps_the_peer);
	tcase_add_test(t, ike_rekeying_keeps_the_peer);
	tcase_add_test(t, a_peer_behind_nat_moves);
	tcase_add_test(t, a_restarted_peer_replaces_itself);
	suite_add_tcase(s, t);
	return s;
}
