/* Twin of nhrpd/core/pump.c: what the engines ask for reaches the other one or the data plane, in order, within bounds. */
#include "tests/unit/core/bench.h"

static struct bench b;

START_TEST(a_refused_neighbour_is_tried_again)
{
	bench_init(&b, 2);
	b.s[HUB].refuse_neigh = 2;
	b.s[SPOKE].refuse_neigh = 1;
	bench_start_all(&b);
	bench_run(&b, 30000);
	ck_assert_uint_ge(bench_count(&b.s[HUB], CORE_ACT_NEIGH_SET, 0), 3);
	ck_assert_uint_eq(b.s[HUB].refuse_neigh, 0);
	ck_assert(b.s[HUB].note[bench_find(&b.s[HUB], CORE_ACT_NEIGH_SET, 0)].cookie != 0);
	ck_assert(bench_registered(&b.s[SPOKE]));
	bench_fini(&b);
}
END_TEST

/* No answer to the registration: NHRP drops the peer, IKE ends the SA and dials anew. */
START_TEST(a_silent_hub_is_dropped_and_dialled_anew)
{
	unsigned adds;

	bench_init(&b, 2);
	b.s[HUB].deaf_nhrp = true;
	bench_start_all(&b);
	bench_run(&b, 5000);
	adds = bench_count(&b.s[SPOKE], CORE_ACT_SA_ADD, 0);
	ck_assert_uint_eq(adds, 1);
	bench_run(&b, 60000);
	ck_assert_uint_gt(bench_count(&b.s[SPOKE], CORE_ACT_SA_ADD, 0), adds);
	ck_assert_uint_ge(bench_count(&b.s[SPOKE], CORE_ACT_SA_DEL, 0), 1);
	b.s[HUB].deaf_nhrp = false;
	bench_run(&b, 90000);
	ck_assert(bench_registered(&b.s[SPOKE]));
	bench_fini(&b);
}
END_TEST

/* More than anybody asks for without taking what is there: the rest is turned away with a word, nothing is written past the end. */
/* Jobs that will never come back must be told so. */
static void
discard(const struct core_act *a)
{
	if (a->kind == CORE_ACT_JOB)
		ike_job_discard(a->job);
}

static void
throw_away(struct side *s)
{
	const struct core_act *a;

	while ((a = core_next(s->core, b.now)))
		discard(a);
}

START_TEST(a_full_queue_turns_away)
{
	struct addr a[2] = { bench_addr("192.0.2.1"), bench_addr("192.0.2.2") };
	struct side *s = &b.s[SPOKE];

	bench_init(&b, 2);
	bench_start_all(&b);
	bench_run(&b, 3000);
	for (unsigned i = 0; i < 10000; i++)
		core_source(s->core, b.now, 1, &a[i % 2]);
	ck_assert_str_eq(s->t.last_word, "queue-full");
	ck_assert_uint_le(core_pending(s->core), 4096);
	s->n_note = 0;
	throw_away(s);
	ck_assert_uint_eq(core_pending(s->core), 0);
	bench_source(&b, SPOKE, "203.0.113.2");
	bench_run(&b, 90000);
	ck_assert(bench_registered(s));
	bench_fini(&b);
}
END_TEST

START_TEST(statistics_may_fail)
{
	bench_init(&b, 2);
	b.s[SPOKE].no_stats = b.s[HUB].no_stats = true;
	bench_start_all(&b);
	bench_run(&b, 120000);
	ck_assert(bench_registered(&b.s[SPOKE]));
	bench_fini(&b);
}
END_TEST

START_TEST(an_action_lives_until_the_queue_is_empty)
{
	struct side *s = &b.s[SPOKE];
	const struct core_act *a, *first;
	struct core_act copy;

	bench_init(&b, 2);
	ck_assert(bench_start(&b, SPOKE));
	core_source(s->core, b.now, 1, &(struct addr){ 0 });
	core_source(s->core, b.now, 1, &s->addr);
	first = core_next(s->core, b.now);
	ck_assert_ptr_nonnull(first);
	copy = *first;
	discard(first);
	while ((a = core_next(s->core, b.now))) {
		ck_assert_int_eq(memcmp(first, &copy, sizeof(copy)), 0);
		discard(a);
	}
	ck_assert_uint_eq(core_pending(s->core), 0);
	bench_fini(&b);
}
END_TEST

Suite *
pump_suite(void)
{
	Suite *s = suite_create("pump");
	TCase *t = tcase_create("pump");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, a_refused_neighbour_is_tried_again);
	tcase_add_test(t, a_silent_hub_is_dropped_and_dialled_anew);
	tcase_add_test(t, a_full_queue_turns_away);
	tcase_add_test(t, statistics_may_fail);
	tcase_add_test(t, an_action_lives_until_the_queue_is_empty);
	suite_add_tcase(s, t);
	return s;
}
