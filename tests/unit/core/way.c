/* Twin of nhrpd/core/way.c, and of core_peer_doubted(): who watches from outside, and what comes of it. */
#include "tests/unit/core/bench.h"

static struct bench b;

static void
up(void)
{
	bench_init(&b, 2);
	bench_start_all(&b);
	bench_run(&b, 3000);
	ck_assert(bench_registered(&b.s[SPOKE]));
}

static void
way(bool there)
{
	core_way(b.s[SPOKE].core, b.now, &b.s[HUB].addr, there);
	bench_carry(&b, SPOKE);
}

static void
doubt(unsigned side, const struct addr *proto, uint32_t peer)
{
	core_peer_doubted(b.s[side].core, b.now, 1, peer, proto, TICK_MS(180), "not heard");
	bench_carry(&b, side);
}

START_TEST(a_dead_peer_goes_at_once)
{
	unsigned from;
	int neigh, sa;

	up();
	b.s[HUB].deaf_ike = b.s[HUB].deaf_nhrp = true;
	from = b.s[SPOKE].n_note;
	doubt(SPOKE, &b.s[HUB].overlay, 1);
	ck_assert_uint_eq(bench_count(&b.s[SPOKE], CORE_ACT_SA_DEL, from), 0);
	bench_run(&b, 250);
	neigh = bench_find(&b.s[SPOKE], CORE_ACT_NEIGH_DEL, from);
	sa = bench_find(&b.s[SPOKE], CORE_ACT_SA_DEL, from);
	ck_assert(neigh >= 0 && sa > neigh);	/* the neighbour goes before the SA */
	ck_assert(!bench_registered(&b.s[SPOKE]));
	b.s[HUB].deaf_ike = b.s[HUB].deaf_nhrp = false;
	bench_run(&b, 30000);
	ck_assert(bench_registered(&b.s[SPOKE]));
	bench_fini(&b);
}
END_TEST

START_TEST(a_live_one_stays)
{
	struct addr none = bench_addr("10.255.0.99");
	unsigned from;

	up();
	from = b.s[SPOKE].n_note;
	doubt(SPOKE, &b.s[HUB].overlay, 1);
	bench_run(&b, 1000);
	ck_assert_uint_eq(bench_count(&b.s[SPOKE], CORE_ACT_SA_DEL, from), 0);
	doubt(HUB, &b.s[SPOKE].overlay, 1);	/* the hub doubts its spoke */
	bench_run(&b, 1000);
	ck_assert(bench_registered(&b.s[SPOKE]));
	core_peer_doubted(b.s[SPOKE].core, b.now, 7, 1, &none, 0, "not heard");
	core_peer_doubted(b.s[SPOKE].core, b.now, 1, 99, &none, 0, "not heard");
	bench_carry(&b, SPOKE);
	ck_assert_uint_eq(bench_count(&b.s[SPOKE], CORE_ACT_SA_DEL, from), 0);
	bench_fini(&b);
}
END_TEST

START_TEST(hubs_are_followed)
{
	bench_init(&b, 2);
	bench_start_all(&b);
	bench_run(&b, 3000);
	ck_assert_uint_eq(bench_count(&b.s[SPOKE], CORE_ACT_TRACK, 0), 1);
	ck_assert_uint_eq(bench_count(&b.s[HUB], CORE_ACT_TRACK, 0), 0);
	bench_fini(&b);
}
END_TEST

/* Up: asked, and kept or left. Not up: dialled as soon as there is a way. */
START_TEST(ways_of_a_hub)
{
	unsigned from, waited = 0;

	up();
	from = b.s[SPOKE].n_note;
	way(true);
	bench_run(&b, 4000);
	ck_assert_uint_eq(bench_count(&b.s[SPOKE], CORE_ACT_SA_DEL, from), 0);
	b.s[HUB].deaf_ike = b.s[HUB].deaf_nhrp = true;
	way(false);
	bench_run(&b, 3200);
	ck_assert(!bench_registered(&b.s[SPOKE]));
	bench_run(&b, 120000);	/* dials are far apart by now */
	b.s[HUB].deaf_ike = b.s[HUB].deaf_nhrp = false;
	way(true);
	for (; waited < 500 && !bench_registered(&b.s[SPOKE]); waited += 50)
		bench_run(&b, 50);
	ck_assert(bench_registered(&b.s[SPOKE]));
	bench_fini(&b);
}
END_TEST

Suite *
way_suite(void)
{
	Suite *s = suite_create("core/way");
	TCase *c = tcase_create("way");

	tcase_add_test(c, a_dead_peer_goes_at_once);
	tcase_add_test(c, a_live_one_stays);
	tcase_add_test(c, hubs_are_followed);
	tcase_add_test(c, ways_of_a_hub);
	suite_add_tcase(s, c);
	return s;
}
