/* Twin of ikecore/engine/pairs.c: several sets of selectors in one IKE SA: each has its ESP SA, beside the others, through rekeys,
 * deletes, refusals, both ends dialling, and another configuration. */
#include "tests/unit/ike_engine/suites.h"

enum { SETS = 4 };	/* 10.(1+i).0.0/16 of side 0, 10.(101+i).0.0/16 of side 1, numbers 7 + i */
static struct world w;
static struct dp_selectors more[2][SETS], other[2][SETS];

static struct dp_range
net(unsigned n)
{
	struct dp_range r = { .lo = { .n = 4, .b = { 10, (uint8_t)n } }, .hi = { .n = 4, .b = { 10, (uint8_t)n, 255, 255 } } };

	return r;
}

static struct dp_selectors
set(unsigned side, unsigned i)
{
	struct dp_selectors s = { .n_local = 1, .n_remote = 1, .set = 7 + i };

	s.local[0] = net(side ? 101 + i : 1 + i);
	s.remote[0] = net(side ? 1 + i : 101 + i);
	return s;
}

/* The sets of a mask, in order. */
static void
configure(struct ike_profile *p, struct dp_selectors into[static SETS], unsigned side, unsigned mask)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SETS; i++) {
		if (mask >> i & 1)
			into[n++] = set(side, i);
	}
	p->plain = into[0];
	p->more = &into[1];
	p->n_more = n - 1;
}

static void
begin(unsigned mask0, unsigned mask1)
{
	w_init(&w);
	configure(&w.s[0].profile[0], more[0], 0, mask0);
	configure(&w.s[1].profile[0], more[1], 1, mask1);
	w_go(&w);
}

static const struct w_child *
child_of(unsigned side, unsigned i)
{
	const struct w_child *found = NULL;

	for (unsigned k = 0; k < w.s[side].n_child; k++) {
		const struct w_child *c = &w.s[side].child[k];

		if (c->sel.set == 7 + i)
			found = !found || c->order > found->order ? c : found;
	}
	return found;
}

/* Exactly those sets have one ESP SA each on both ends, for what they say, sent on, and they fit. */
static void
check_sets(unsigned mask)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SETS; i++) {
		const struct w_child *a = child_of(0, i), *b = child_of(1, i);

		ck_assert_int_eq(a != NULL, mask >> i & 1);
		ck_assert_int_eq(b != NULL, mask >> i & 1);
		if (!a)
			continue;
		n++;
		ck_assert(a->dp.spi_in == b->dp.spi_out && a->dp.spi_out == b->dp.spi_in);
		ck_assert(a->active && b->active);
		ck_assert(a->sel.local[0].lo.b[1] == 1 + i && a->sel.remote[0].lo.b[1] == 101 + i);
		ck_assert(b->sel.local[0].lo.b[1] == 101 + i && b->sel.remote[0].lo.b[1] == 1 + i);
	}
	ck_assert_uint_eq(w.s[0].n_child, n);
	ck_assert_uint_eq(w.s[1].n_child, n);
	ck_assert_uint_eq(w_count_sa(&w, 0, NULL), 1);
	ck_assert_uint_eq(w_count_sa(&w, 1, NULL), 1);
}

/* Traffic on all of them: so each end is sure that the other one has them. */
static void
use_all(void)
{
	for (unsigned i = 0; i < 6; i++) {
		struct ike_event ev = { .kind = IKE_EV_SA_USED, .spi_in = child_of(i & 1, i / 2)->dp.spi_in };

		w_event(&w, i & 1, &ev);
	}
}

START_TEST(each_set_has_its_own)
{
	begin(7, 7);
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_S(2));
	check_sets(7);
	ck_assert_uint_eq(w.s[0].child_adds, 3);
	w_fini(&w);
}
END_TEST

/* Rekeyed one after the other from one side, all at once from both, and the IKE SA. */
START_TEST(rekeys_stay_within_their_set)
{
	begin(7, 7);
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_S(2));
	use_all();
	for (unsigned i = 0; i < 3; i++, use_all()) {
		uint32_t before[3];
		struct ike_event ev = { .kind = IKE_EV_SA_SOFT, .spi_in = child_of(_i & 1, i)->dp.spi_in };

		for (unsigned k = 0; k < 3; k++)
			before[k] = child_of(0, k)->dp.spi_in;
		w_event(&w, _i & 1, &ev);
		w_run(&w, TICK_S(10));
		check_sets(7);
		for (unsigned k = 0; k < 3; k++)
			ck_assert_int_eq(child_of(0, k)->dp.spi_in == before[k], k != i);
	}
	for (unsigned i = 0; i < 6; i++) {
		struct ike_event ev = { .kind = IKE_EV_SA_SOFT, .spi_in = child_of(i & 1, i / 2)->dp.spi_in };

		w_event(&w, i & 1, &ev);
	}
	w_run(&w, TICK_S(20));
	check_sets(7);
	w_sa(&w, _i & 1)->want_rekey = true;
	ike_sa_kick_at(w.s[_i & 1].k, w_sa(&w, _i & 1), w.now);
	w_run(&w, TICK_S(20));
	ck_assert_uint_ge(w.s[0].rekeys, 1);
	check_sets(7);
	w_fini(&w);
}
END_TEST

/* Deleted by either end, it comes again, and the others do not notice. */
START_TEST(what_goes_is_asked_for_again)
{
	uint32_t spi, other_spi;

	begin(7, 7);
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_S(2));
	spi = child_of(_i, 1)->dp.spi_in;
	other_spi = child_of(_i, 0)->dp.spi_in;
	ike_child_want_delete(w.s[_i].k, ike_child_find(w.s[_i].k, spi));
	w_run(&w, TICK_S(10));
	check_sets(7);
	ck_assert_uint_ne(child_of(_i, 1)->dp.spi_in, spi);
	ck_assert_uint_eq(child_of(_i, 0)->dp.spi_in, other_spi);
	w_fini(&w);
}
END_TEST

/* One that the peer does not have: the others are up, it is asked for again after a while, not at once. */
START_TEST(refused_one_waits)
{
	struct ike_profile p;
	struct ike_conf conf;
	unsigned sends;

	begin(7, 5);
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_S(5));
	check_sets(5);
	ck_assert_uint_eq(w.s[0].downs, 0);
	sends = w.s[0].sends;
	w_run(&w, TICK_S(30));
	ck_assert_uint_le(w.s[0].sends - sends, 20);	/* liveness */
	check_sets(5);
	p = w.s[1].profile[0];
	conf = w.s[1].conf;
	conf.profile = &p;
	configure(&p, other[1], 1, 7);
	ike_reconf(w.s[1].k, w.now, &conf, &w.s[1].out);
	w_run(&w, TICK_S(90));
	check_sets(7);
	ck_assert_uint_eq(w.s[0].downs, 0);
	w_fini(&w);
}
END_TEST

/* Both dial at the same time: one IKE SA stays, with one ESP SA for each. */
START_TEST(both_dial)
{
	begin(7, 7);
	w_dial(&w, 0, 1, 1);
	w_dial(&w, 1, 0, 2);
	w_run(&w, TICK_S(20));
	check_sets(7);
	w_fini(&w);
}
END_TEST

/* The peer opened it, for one of what we have: the rest is asked for by us, who have a dial that it serves. */
START_TEST(the_responder_may_want_more)
{
	begin(1, 7);
	w_dial(&w, 0, 1, 1);
	w_dial(&w, 1, 0, 2);
	w_run(&w, TICK_S(20));
	check_sets(1);	/* side 0 has no others */
	w_fini(&w);
	begin(7, 7);
	w.s[0].profile[0].n_more = 0;
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_S(2));
	w.s[0].profile[0].n_more = 2;
	ck_assert_uint_eq(w.s[1].n_child, 1);
	w_dial(&w, 1, 0, 2);
	w_run(&w, TICK_S(20));
	check_sets(7);
	w_fini(&w);
}
END_TEST

/* Another configuration: what stays is not touched, what goes is deleted, what is new comes. */
START_TEST(other_sets)
{
	struct ike_profile p[2];
	struct ike_conf conf[2];
	uint32_t stays;

	begin(7, 7);
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_S(2));
	stays = child_of(0, 1)->dp.spi_in;
	for (unsigned k = 0; k < 2; k++) {
		unsigned side = _i ? k : !k;

		p[side] = w.s[side].profile[0];
		conf[side] = w.s[side].conf;
		conf[side].profile = &p[side];
		configure(&p[side], other[side], side, 0xe);
		ike_reconf(w.s[side].k, w.now, &conf[side], &w.s[side].out);
		w_run(&w, TICK_S(5));
	}
	w_run(&w, TICK_S(90));
	check_sets(0xe);
	ck_assert_uint_eq(child_of(0, 1)->dp.spi_in, stays);
	ck_assert_uint_eq(w.s[0].downs + w.s[1].downs, 0);
	w_fini(&w);
}
END_TEST

/* The one that has all of what is asked for goes before the first that has some of it. */
START_TEST(best_set_answers)
{
	begin(6, 7);
	more[1][0].remote[0] = net(2);	/* some of nothing */
	w.s[1].profile[0].plain.remote[0].lo = (struct addr){ .n = 4, .b = { 10, 2, 7 } };
	w.s[1].profile[0].plain.remote[0].hi = (struct addr){ .n = 4, .b = { 10, 2, 7, 255 } };
	w.s[1].profile[0].plain.local[0] = net(102);
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_S(5));
	check_sets(6);
	w_fini(&w);
}
END_TEST

/* A profile for peers at some addresses is for no others. */
START_TEST(only_from_its_addresses)
{
	struct addr from;

	begin(1, 1);
	from = _i ? w.s[0].addr : w_addr("203.0.113.99");
	w.s[1].profile[0].from = &from;
	w.s[1].profile[0].n_from = 1;
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_S(2));
	ck_assert_uint_eq(w_count_child(&w, 0), _i);
	if (!_i)
		ck_assert_int_eq(w.s[0].last_fail, IKE_DOWN_AUTH);
	w_fini(&w);
}
END_TEST

Suite *
pairs_suite(void)
{
	Suite *s = suite_create("pairs");
	TCase *t = tcase_create("pairs");

	tcase_add_test(t, each_set_has_its_own);
	tcase_add_loop_test(t, rekeys_stay_within_their_set, 0, 2);
	tcase_add_loop_test(t, what_goes_is_asked_for_again, 0, 2);
	tcase_add_test(t, refused_one_waits);
	tcase_add_test(t, both_dial);
	tcase_add_test(t, the_responder_may_want_more);
	tcase_add_loop_test(t, other_sets, 0, 2);
	tcase_add_test(t, best_set_answers);
	tcase_add_loop_test(t, only_from_its_addresses, 0, 2);
	suite_add_tcase(s, t);
	return s;
}
