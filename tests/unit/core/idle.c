/* Twin of nhrpd/core/idle.c. A static entry at one spoke dials another, who has no use for the SA of its own. */
#include "tests/unit/core/bench.h"

enum { MINUTE = 60 * 1000 };

static struct bench b;

static void
dial_other(void)
{
	struct nhrp_conf *c = &b.s[SPOKE].tunnel.nhrp;

	bench_init(&b, 3);
	c->map[0] = (struct nhrp_conf_map){ .proto = b.s[OTHER].overlay, .nbma = b.s[OTHER].addr };
	c->n_map = 1;
	bench_start_all(&b);
	bench_run(&b, 20 * 1000);
	ck_assert_uint_eq(bench_peers(&b.s[OTHER]), 2);
	ck_assert_uint_eq(bench_sas(&b.s[OTHER]), 2);
}

START_TEST(ends_what_nobody_needs_and_nothing_else)
{
	dial_other();
	bench_run(&b, 4 * MINUTE);
	ck_assert_uint_eq(bench_count(&b.s[OTHER], CORE_ACT_SA_DEL, 0), 0);
	bench_run(&b, 4 * MINUTE);
	ck_assert_uint_ge(bench_count(&b.s[OTHER], CORE_ACT_SA_DEL, 0), 1);
	ck_assert_uint_eq(bench_count(&b.s[HUB], CORE_ACT_SA_DEL, 0), 0);
	ck_assert(bench_registered(&b.s[SPOKE]) && bench_registered(&b.s[OTHER]));
	bench_fini(&b);
}
END_TEST

START_TEST(data_keeps_it)
{
	dial_other();
	for (unsigned i = 0; i < 12; i++) {
		for (unsigned p = 0; p < 64; p++)
			b.s[OTHER].out_packets[p]++;
		bench_run(&b, MINUTE);
	}
	ck_assert_uint_eq(bench_count(&b.s[OTHER], CORE_ACT_SA_DEL, 0), 0);
	bench_fini(&b);
}
END_TEST

START_TEST(without_counters_nothing_is_idle)
{
	dial_other();
	b.s[OTHER].no_stats = true;
	bench_run(&b, 12 * MINUTE);
	ck_assert_uint_eq(bench_count(&b.s[OTHER], CORE_ACT_SA_DEL, 0), 0);
	bench_fini(&b);
}
END_TEST

Suite *
idle_suite(void)
{
	Suite *s = suite_create("idle");
	TCase *c = tcase_create("idle");

	tcase_set_timeout(c, 120);
	tcase_add_test(c, ends_what_nobody_needs_and_nothing_else);
	tcase_add_test(c, data_keeps_it);
	tcase_add_test(c, without_counters_nothing_is_idle);
	suite_add_tcase(s, c);
	return s;
}
