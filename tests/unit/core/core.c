/* Twin of nhrpd/core/core.c: creation, what comes from outside, time, end. */
#include "tests/unit/core/bench.h"

static struct bench b;
static char reason[256];

static void
up(unsigned n)
{
	bench_init(&b, n);
	bench_start_all(&b);
	bench_run(&b, 3000);
	for (unsigned i = 1; i < n; i++)
		ck_assert(bench_registered(&b.s[i]));
}

START_TEST(registers)
{
	up(3);
	ck_assert_uint_eq(bench_peers(&b.s[HUB]), 2);
	ck_assert_uint_eq(bench_peers(&b.s[SPOKE]), 1);
	ck_assert_int_eq(bench_peer(&b.s[SPOKE], 0, reason).step, CORE_STEP_UP);
	ck_assert_uint_eq(core_pending(b.s[SPOKE].core), 0);
	bench_fini(&b);
}
END_TEST

START_TEST(interface_refused)
{
	struct core_peer_info p;

	bench_init(&b, 2);
	b.s[SPOKE].refuse_tunnel = 1;
	bench_start_all(&b);
	bench_run(&b, 1000);
	p = bench_peer(&b.s[SPOKE], 0, reason);
	ck_assert_int_eq(p.step, CORE_STEP_INTF);
	ck_assert_str_eq(reason, "no such luck");
	core_source(b.s[SPOKE].core, b.now, 1, &b.s[SPOKE].addr);	/* the same address: made again, because it is not there */
	bench_carry(&b, SPOKE);
	bench_run(&b, 5000);
	ck_assert_uint_eq(bench_count(&b.s[SPOKE], CORE_ACT_TUNNEL_SET, 0), 2);
	ck_assert(bench_registered(&b.s[SPOKE]));
	bench_fini(&b);
}
END_TEST

START_TEST(interface_down_and_up)
{
	struct dp_event ev = { .kind = DP_EV_LINK, .tunnel = 1 };

	up(2);
	core_dp_event(b.s[SPOKE].core, b.now, &ev);
	bench_carry(&b, SPOKE);
	ck_assert_int_eq(bench_peer(&b.s[SPOKE], 0, reason).step, CORE_STEP_INTF);
	ck_assert_str_eq(reason, "interface is down");
	ev.link_up = true;
	core_dp_event(b.s[SPOKE].core, b.now, &ev);
	bench_carry(&b, SPOKE);
	bench_run(&b, 5000);
	ck_assert_int_eq(bench_peer(&b.s[SPOKE], 0, reason).step, CORE_STEP_UP);
	bench_fini(&b);
}
END_TEST

START_TEST(interface_deleted_is_made_again)
{
	struct dp_event ev = { .kind = DP_EV_LINK, .tunnel = 1, .link_gone = true };
	unsigned from;

	up(2);
	from = b.s[SPOKE].n_note;
	core_dp_event(b.s[SPOKE].core, b.now, &ev);
	bench_carry(&b, SPOKE);
	ck_assert_uint_eq(bench_count(&b.s[SPOKE], CORE_ACT_TUNNEL_SET, from), 1);
	bench_run(&b, 10000);
	ck_assert_int_ge(bench_find(&b.s[SPOKE], CORE_ACT_NEIGH_SET, from), 0);
	ck_assert(bench_registered(&b.s[SPOKE]));
	bench_fini(&b);
}
END_TEST

START_TEST(interface_that_is_refused_is_tried_again)
{
	struct dp_event ev = { .kind = DP_EV_LINK, .tunnel = 1, .link_gone = true };
	struct core_act refused = { .kind = CORE_ACT_TUNNEL_SET, .tunnel = 1 };
	unsigned from;

	up(2);
	core_dp_event(b.s[SPOKE].core, b.now, &ev);
	bench_carry(&b, SPOKE);
	from = b.s[SPOKE].n_note;
	core_dp_event(b.s[SPOKE].core, b.now, &ev);
	while (core_next(b.s[SPOKE].core, b.now))
		;
	core_result(b.s[SPOKE].core, b.now, &refused, false, "the name is taken");
	ck_assert_int_eq(bench_peer(&b.s[SPOKE], 0, reason).step, CORE_STEP_INTF);
	ck_assert_str_eq(reason, "the name is taken");
	bench_run(&b, 10000);
	ck_assert_uint_eq(bench_count(&b.s[SPOKE], CORE_ACT_TUNNEL_SET, from), 1);
	ck_assert(bench_registered(&b.s[SPOKE]));
	bench_fini(&b);
}
END_TEST

START_TEST(source_address_changes)
{
	struct core_peer_info p;
	unsigned from;
	int at;

	up(2);
	from = b.s[SPOKE].n_note;
	bench_source(&b, SPOKE, "203.0.113.77");
	at = bench_find(&b.s[SPOKE], CORE_ACT_TUNNEL_SET, from);
	ck_assert_int_ge(at, 0);
	ck_assert(addr_eq(&b.s[SPOKE].note[at].source, &b.s[SPOKE].addr));
	bench_run(&b, 20000);
	ck_assert(bench_registered(&b.s[SPOKE]));
	p = bench_peer(&b.s[HUB], 0, reason);
	ck_assert(addr_eq(&p.nbma, &b.s[SPOKE].addr));
	ck_assert_uint_eq(bench_peers(&b.s[HUB]), 1);
	bench_fini(&b);
}
END_TEST

START_TEST(source_address_comes_late)
{
	bench_init(&b, 2);
	ck_assert(bench_start(&b, HUB));
	b.s[SPOKE].addr = (struct addr){ 0 };
	ck_assert(bench_start(&b, SPOKE));
	bench_run(&b, 2000);
	ck_assert_uint_eq(bench_count(&b.s[SPOKE], CORE_ACT_IKE_SEND, 0), 0);
	bench_source(&b, SPOKE, "203.0.113.2");
	bench_run(&b, 3000);
	ck_assert(bench_registered(&b.s[SPOKE]));
	bench_fini(&b);
}
END_TEST

START_TEST(names_fail_then_answer)
{
	bench_init(&b, 2);
	b.s[SPOKE].no_names = true;
	bench_start_all(&b);
	bench_run(&b, 1000);
	bench_peer(&b.s[SPOKE], 0, reason);
	ck_assert_msg(strstr(reason, "no such name") != NULL, "%s", reason);
	b.s[SPOKE].no_names = false;
	bench_run(&b, 20000);
	ck_assert(bench_registered(&b.s[SPOKE]));
	bench_fini(&b);
}
END_TEST

START_TEST(shutdown_withdraws_before_it_deletes)
{
	unsigned from;
	int neigh, sa;

	up(2);
	from = b.s[SPOKE].n_note;
	core_shutdown(b.s[SPOKE].core, b.now);
	bench_carry(&b, SPOKE);
	bench_run(&b, 1);	/* IKE says goodbye to each peer with a tick of its own */
	neigh = bench_find(&b.s[SPOKE], CORE_ACT_NEIGH_DEL, from);
	sa = bench_find(&b.s[SPOKE], CORE_ACT_SA_DEL, from);
	ck_assert_int_ge(neigh, 0);
	ck_assert_int_gt(sa, neigh);
	ck_assert_int_lt(bench_find(&b.s[SPOKE], CORE_ACT_NHRP_SEND, from), sa);	/* the purge still has an SA */
	bench_run(&b, 500);
	ck_assert_uint_eq(bench_peers(&b.s[HUB]), 0);
	ck_assert_uint_eq(bench_sas(&b.s[HUB]), 0);
	bench_fini(&b);
}
END_TEST

/* New keys, old peers: nothing goes down. */
START_TEST(operator_rekeys_a_peer)
{
	struct addr wrong = bench_addr("10.255.0.99"), all = { 0 };
	unsigned from;

	up(3);
	ck_assert_uint_eq(core_rekey_peer(b.s[HUB].core, b.now, 1, &wrong, true), 0);
	for (unsigned ike = 0; ike < 2; ike++) {
		from = b.s[HUB].n_note;
		ck_assert_uint_eq(core_rekey_peer(b.s[HUB].core, b.now, 1, &b.s[SPOKE].overlay, ike), 1);
		bench_carry(&b, HUB);
		bench_run(&b, 5000);
		ck_assert_uint_eq(bench_count(&b.s[HUB], CORE_ACT_SA_ADD, from), ike ? 0 : 1);
		ck_assert_uint_eq(bench_count(&b.s[HUB], CORE_ACT_NEIGH_DEL, from), 0);
	}
	from = b.s[HUB].n_note;
	ck_assert_uint_eq(core_rekey_peer(b.s[HUB].core, b.now, 0, &all, false), 2);
	bench_carry(&b, HUB);
	bench_run(&b, 5000);
	ck_assert_uint_eq(bench_count(&b.s[HUB], CORE_ACT_SA_ADD, from), 2);
	ck_assert(bench_registered(&b.s[SPOKE]) && bench_registered(&b.s[OTHER]));
	bench_fini(&b);
}
END_TEST

START_TEST(operator_clears_a_peer)
{
	struct addr wrong = bench_addr("10.255.0.99"), all = { 0 };
	unsigned from;

	up(3);
	ck_assert_uint_eq(core_clear_peer(b.s[HUB].core, b.now, 1, &wrong), 0);
	from = b.s[HUB].n_note;
	ck_assert_uint_eq(core_clear_peer(b.s[HUB].core, b.now, 1, &b.s[SPOKE].overlay), 1);
	bench_carry(&b, HUB);
	ck_assert_uint_eq(bench_count(&b.s[HUB], CORE_ACT_SA_DEL, from), 1);
	bench_run(&b, 5000);
	ck_assert(bench_registered(&b.s[SPOKE]));
	ck_assert_uint_eq(core_clear_peer(b.s[HUB].core, b.now, 0, &b.s[OTHER].addr), 1);	/* by outer address, any tunnel */
	bench_carry(&b, HUB);
	bench_run(&b, 5000);
	ck_assert_uint_eq(core_clear_peer(b.s[HUB].core, b.now, 1, &all), 2);
	bench_carry(&b, HUB);
	bench_run(&b, 5000);
	ck_assert(bench_registered(&b.s[SPOKE]) && bench_registered(&b.s[OTHER]));
	bench_fini(&b);
}
END_TEST

START_TEST(operator_clears_nhrp)
{
	struct addr all = { 0 };
	unsigned from;

	up(2);
	from = b.s[HUB].n_note;
	core_clear_nhrp(b.s[HUB].core, b.now, 1, &all, 0, false);
	bench_carry(&b, HUB);
	bench_run(&b, 100);
	ck_assert_uint_ge(bench_count(&b.s[HUB], CORE_ACT_NEIGH_DEL, from), 1);
	bench_run(&b, 40000);	/* until the spoke's refresh */
	ck_assert_int_eq(bench_peer(&b.s[HUB], 0, reason).step, CORE_STEP_UP);
	bench_fini(&b);
}
END_TEST

START_TEST(unknown_tunnel_is_ignored)
{
	struct dp_event ev = { .kind = DP_EV_NHRP, .tunnel = 7, .peer = 1, .packet = SPAN_STR("x") };
	struct core_act act = { .kind = CORE_ACT_NEIGH_SET, .tunnel = 9 };
	struct addr a = bench_addr("192.0.2.1");

	up(2);
	core_dp_event(b.s[SPOKE].core, b.now, &ev);
	ev = (struct dp_event){ .kind = DP_EV_LINK, .tunnel = 0, .link_up = true };
	core_dp_event(b.s[SPOKE].core, b.now, &ev);
	ev = (struct dp_event){ .kind = DP_EV_SA_USED, .tunnel = 1, .spi_in = 0xdeadbeef };
	core_dp_event(b.s[SPOKE].core, b.now, &ev);
	ev.kind = DP_EV_UNRESOLVED;
	ev.tunnel = 5;
	core_dp_event(b.s[SPOKE].core, b.now, &ev);
	core_result(b.s[SPOKE].core, b.now, &act, false, "nobody");
	core_names(b.s[SPOKE].core, b.now, 3, 0, &a, 1, NULL);
	core_source(b.s[SPOKE].core, b.now, 3, &a);
	core_ifindex(b.s[SPOKE].core, 3, 1);
	ck_assert_ptr_null(core_nhrp(b.s[SPOKE].core, 0));
	ck_assert_ptr_null(core_nhrp(b.s[SPOKE].core, 2));
	bench_carry(&b, SPOKE);
	bench_run(&b, 1000);
	ck_assert(bench_registered(&b.s[SPOKE]));
	bench_fini(&b);
}
END_TEST

START_TEST(route_that_is_lost_is_said)
{
	struct rib_event ev = { .kind = RIB_EV_FAILED, .reason = "why" };

	up(2);
	core_rib_event(b.s[SPOKE].core, b.now, &ev);
	ck_assert_str_eq(b.s[SPOKE].t.last_word, "route-refused");
	bench_fini(&b);
}
END_TEST

/* A spoke's life: start, registration, an address change, the operator, the end. */
static void
life(struct side *s)
{
	struct addr all = { 0 };

	if (!bench_start(&b, SPOKE))
		return;
	bench_run(&b, 6000);
	bench_source(&b, SPOKE, "203.0.113.50");
	bench_run(&b, 3000);
	core_clear_peer(s->core, b.now, 0, &all);
	bench_carry(&b, SPOKE);
	bench_run(&b, 3000);
	core_shutdown(s->core, b.now);
	bench_carry(&b, SPOKE);
	bench_run(&b, 200);
}

/* Every N-th allocation of it fails, once each: nothing leaks, nothing crashes, and in the end it is registered all the same. */
START_TEST(every_allocation_fails_once)
{
	bench_init(&b, 2);
	for (long n = 1;; n++) {
		struct side *s = &b.s[SPOKE];
		bool hit;

		bench_fini(&b);
		bench_init(&b, 2);
		ck_assert(bench_start(&b, HUB));
		s->t.fail_at = n;
		life(s);
		hit = s->t.fail_at == 0;
		s->t.fail_at = 0;
		if (!s->core)
			continue;
		bench_kill(&b, SPOKE);
		if (!hit) {
			ck_assert_int_gt(n, 40);
			break;
		}
	}
	bench_fini(&b);
}
END_TEST

START_TEST(an_allocation_fails_and_it_registers_all_the_same)
{
	for (long n = 1; n < 400; n += 3) {
		bench_init(&b, 2);
		ck_assert(bench_start(&b, HUB));
		ck_assert(bench_start(&b, SPOKE));
		b.s[SPOKE].t.fail_at = n;
		bench_run(&b, 60000);
		ck_assert_msg(bench_registered(&b.s[SPOKE]), "not registered after allocation %ld failed", n);
		b.s[SPOKE].t.fail_at = 0;
		bench_fini(&b);
	}
}
END_TEST

Suite *
core_suite(void)
{
	Suite *s = suite_create("core");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, registers);
	tcase_add_test(t, interface_refused);
	tcase_add_test(t, interface_down_and_up);
	tcase_add_test(t, interface_deleted_is_made_again);
	tcase_add_test(t, interface_that_is_refused_is_tried_again);
	tcase_add_test(t, source_address_changes);
	tcase_add_test(t, source_address_comes_late);
	tcase_add_test(t, names_fail_then_answer);
	tcase_add_test(t, shutdown_withdraws_before_it_deletes);
	tcase_add_test(t, operator_rekeys_a_peer);
	tcase_add_test(t, operator_clears_a_peer);
	tcase_add_test(t, operator_clears_nhrp);
	tcase_add_test(t, unknown_tunnel_is_ignored);
	tcase_add_test(t, route_that_is_lost_is_said);
	tcase_add_test(t, every_allocation_fails_once);
	tcase_add_test(t, an_allocation_fails_and_it_registers_all_the_same);
	suite_add_tcase(s, t);
	return s;
}
