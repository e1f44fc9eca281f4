/* Twin of nhrpd/core/bare.c: a hub and spokes whose tunnels are not protected. */
#include "tests/unit/core/bench.h"

#include <stdio.h>

static struct bench b;
static char reason[256];

static void
begin(unsigned n)
{
	bench_init(&b, n);
	for (unsigned i = 0; i < n; i++)
		b.s[i].tunnel.dp.bare = true;
}

static void
end(void)
{
	bench_fini(&b);
}

/* A packet to the hub from an address that may be nobody's. */
static void
forge(const char *from, struct span packet)
{
	struct dp_event ev = { .kind = DP_EV_NHRP, .tunnel = 1, .local.addr = b.s[HUB].addr, .remote.addr = bench_addr(from), .packet = packet };

	core_dp_event(b.s[HUB].core, b.now, &ev);
	bench_carry(&b, HUB);
}

START_TEST(registers_without_ike)
{
	int sa, neigh;

	begin(2);
	bench_start_all(&b);
	bench_run(&b, 2000);
	ck_assert(bench_registered(&b.s[SPOKE]));
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_uint_eq(bench_count(&b.s[i], CORE_ACT_IKE_SEND, 0), 0);
		ck_assert_uint_eq(bench_sas(&b.s[i]), 1);
		sa = bench_find(&b.s[i], CORE_ACT_SA_ADD, 0);
		neigh = bench_find(&b.s[i], CORE_ACT_NEIGH_SET, 0);
		ck_assert(sa >= 0 && neigh > sa && b.s[i].note[sa].active);
	}
	ck_assert_int_eq(bench_peer(&b.s[HUB], 0, reason).step, CORE_STEP_UP);
	ck_assert_str_eq(bench_peer(&b.s[HUB], 0, reason).identity, "not authenticated");
	end();
}
END_TEST

START_TEST(nobody_becomes_a_peer_by_noise)
{
	static const uint8_t noise[64] = { 0, 1, 8 };

	begin(1);
	bench_start_all(&b);
	bench_run(&b, 100);
	forge("203.0.113.77", span_of(noise, sizeof(noise)));
	forge("203.0.113.77", span_of(noise, 3));
	ck_assert_uint_eq(bench_peers(&b.s[HUB]), 0);
	ck_assert_uint_eq(bench_sas(&b.s[HUB]), 0);
	end();
}
END_TEST

/* Those that say something once and are never needed go after a minute; there are never more than the bound. */
START_TEST(strangers_are_few_and_go)
{
	static uint8_t request[512];
	struct span packet = { request, 0 };
	char from[ADDR_STRLEN];

	begin(2);
	bench_start(&b, SPOKE);
	for (unsigned ms = 0; ms < 3000 && !b.n_m; ms++)
		bench_run(&b, 1);
	while (b.n_m == 0 || !b.m[0]->nhrp)
		bench_run(&b, 1);
	memcpy(request, b.m[0]->octets, b.m[0]->n < sizeof(request) ? b.m[0]->n : sizeof(request));
	packet.n = b.m[0]->n;
	bench_start(&b, HUB);
	for (unsigned i = 0; i < 40; i++) {	/* all claim the spoke's address: the first one has it */
		snprintf(from, sizeof(from), "203.0.114.%u", i + 1);
		forge(from, packet);
	}
	ck_assert_uint_eq(bench_sas(&b.s[HUB]), 40);
	bench_run(&b, 200 * 1000);
	ck_assert_uint_le(bench_sas(&b.s[HUB]), 2);	/* who was first, for his holding time; and the spoke */
	end();
}
END_TEST

START_TEST(refused_pair_is_tried_again)
{
	begin(2);
	b.s[SPOKE].refuse_sa = 2;
	bench_start_all(&b);
	bench_run(&b, 3000);
	ck_assert(!bench_registered(&b.s[SPOKE]));
	ck_assert_uint_eq(bench_sas(&b.s[SPOKE]), 0);
	bench_run(&b, 20 * 1000);
	ck_assert(bench_registered(&b.s[SPOKE]));
	end();
}
END_TEST

START_TEST(cleared_it_comes_back)
{
	struct addr none = { 0 };

	begin(2);
	bench_start_all(&b);
	bench_run(&b, 2000);
	ck_assert_uint_eq(core_clear_peer(b.s[SPOKE].core, b.now, 0, &none), 1);
	bench_carry(&b, SPOKE);
	ck_assert(!bench_registered(&b.s[SPOKE]));
	ck_assert_uint_eq(bench_count(&b.s[SPOKE], CORE_ACT_SA_DEL, 0), 1);
	bench_run(&b, 10 * 1000);
	ck_assert(bench_registered(&b.s[SPOKE]));
	end();
}
END_TEST

/* From another address the hub knows another peer; the old one is nobody's. */
START_TEST(another_source)
{
	begin(2);
	b.s[SPOKE].tunnel.nhrp.no_unique = true;
	bench_start_all(&b);
	bench_run(&b, 2000);
	bench_source(&b, SPOKE, "203.0.113.200");
	b.s[SPOKE].addr = bench_addr("203.0.113.200");
	bench_run(&b, 20 * 1000);
	ck_assert(bench_registered(&b.s[SPOKE]));
	for (unsigned i = 0; i < SAS; i++)
		ck_assert(!b.s[SPOKE].sa[i].there || addr_eq(&b.s[SPOKE].sa[i].local.addr, &b.s[SPOKE].addr));
	end();
}
END_TEST

Suite *
bare_suite(void)
{
	Suite *s = suite_create("bare");
	TCase *t = tcase_create("bare");

	tcase_add_test(t, registers_without_ike);
	tcase_add_test(t, nobody_becomes_a_peer_by_noise);
	tcase_add_test(t, strangers_are_few_and_go);
	tcase_add_test(t, refused_pair_is_tried_again);
	tcase_add_test(t, cleared_it_comes_back);
	tcase_add_test(t, another_source);
	suite_add_tcase(s, t);
	return s;
}
