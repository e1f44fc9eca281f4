/* Twin of nhrpd/core/show.c: the ladder INTF, IKE, IPSEC, NHRP, UP. */
#include "tests/unit/core/bench.h"

static struct bench b;
static char reason[256];

START_TEST(steps_have_the_names_of_ios)
{
	static const char *const name[] = { "INTF", "IKE", "IPSEC", "NHRP", "UP" };

	for (unsigned i = 0; i < 5; i++)
		ck_assert_str_eq(core_step_name((enum core_step)i), name[i]);
}
END_TEST

START_TEST(each_step_is_seen_on_the_way_up)
{
	struct side *s = &b.s[SPOKE];

	bench_init(&b, 2);
	ck_assert(bench_start(&b, HUB));
	s->no_link = true;
	ck_assert(bench_start(&b, SPOKE));
	bench_run(&b, 100);
	ck_assert_int_eq(bench_peer(s, 0, reason).step, CORE_STEP_INTF);
	ck_assert_str_eq(reason, "interface is down");
	bench_kill(&b, SPOKE);

	s->no_link = false;
	b.s[HUB].deaf_ike = true;
	ck_assert(bench_start(&b, SPOKE));
	bench_run(&b, 100);
	ck_assert_int_eq(bench_peer(s, 0, reason).step, CORE_STEP_IKE);
	b.s[HUB].deaf_ike = false;
	s->refuse_sa = 1;
	bench_run(&b, 1000);
	ck_assert_int_eq(bench_peer(s, 0, reason).step, CORE_STEP_IPSEC);
	ck_assert_str_eq(reason, "the data plane took no SA: no such luck");
	b.s[HUB].deaf_nhrp = true;
	bench_run(&b, 4000);
	ck_assert_int_eq(bench_peer(s, 0, reason).step, CORE_STEP_NHRP);
	ck_assert_str_ne(reason, "");
	b.s[HUB].deaf_nhrp = false;
	bench_run(&b, 30000);
	ck_assert_int_eq(bench_peer(s, 0, reason).step, CORE_STEP_UP);
	ck_assert_str_eq(reason, "");
	bench_fini(&b);
}
END_TEST

START_TEST(what_is_told_of_a_peer)
{
	struct core_peer_info p;

	bench_init(&b, 2);
	bench_start_all(&b);
	bench_run(&b, 3000);
	p = bench_peer(&b.s[SPOKE], 0, reason);
	ck_assert(p.nhs && !p.dynamic && !p.natted && !p.incomplete);
	ck_assert_uint_eq(p.tunnel, 1);
	ck_assert(addr_eq(&p.proto, &b.s[HUB].overlay));
	ck_assert(addr_eq(&p.nbma, &b.s[HUB].addr));
	ck_assert_ptr_nonnull(bench_sa(&b.s[SPOKE], p.spi_in));
	ck_assert_ptr_nonnull(bench_sa(&b.s[HUB], p.spi_out));
	ck_assert_uint_le(p.since, b.now);
	p = bench_peer(&b.s[HUB], 0, reason);
	ck_assert(!p.nhs && p.dynamic);
	ck_assert(addr_eq(&p.proto, &b.s[SPOKE].overlay));
	ck_assert_str_eq(p.identity, "fqdn spoke.test");
	ck_assert_uint_eq(p.n_proto, 1);
	bench_fini(&b);
}
END_TEST

/* Registered before the restart and not here yet: there, and why it is not up. With its registration it is no more than a peer. */
START_TEST(who_is_known_from_before_the_restart)
{
	struct nhrp_mapping m = { .type = NHRP_CT_DYNAMIC, .identity = SPAN_STR("fqdn spoke.test"), .unique = true };
	struct core_peer_info p;

	bench_init(&b, 2);
	ck_assert(bench_start(&b, HUB));
	m.prefix = prefix_host(&b.s[SPOKE].overlay);
	m.nbma = b.s[SPOKE].addr;
	m.expires = b.now + TICK_S(300);
	ck_assert(nhrp_restore(core_nhrp(b.s[HUB].core, 1), b.now, &m));
	ck_assert_uint_eq(bench_peers(&b.s[HUB]), 1);
	p = bench_peer(&b.s[HUB], 0, reason);
	ck_assert_int_eq(p.step, CORE_STEP_IKE);
	ck_assert_str_eq(reason, "known from before the restart, not confirmed yet");
	ck_assert_str_eq(p.identity, "fqdn spoke.test");
	ck_assert(p.peer == 0 && p.dynamic && p.incomplete && !p.nhs && addr_eq(&p.proto, &b.s[SPOKE].overlay) && addr_eq(&p.nbma, &b.s[SPOKE].addr));
	ck_assert(bench_start(&b, SPOKE));
	bench_run(&b, 3000);
	ck_assert_uint_eq(bench_peers(&b.s[HUB]), 1);
	p = bench_peer(&b.s[HUB], 0, reason);
	ck_assert_int_eq(p.step, CORE_STEP_UP);
	bench_fini(&b);
}
END_TEST

static bool
stop_at_once(void *ctx, const struct core_peer_info *i)
{
	(void)i;
	++*(unsigned *)ctx;
	return false;
}

START_TEST(a_walk_can_be_stopped)
{
	unsigned n = 0;

	bench_init(&b, 3);
	bench_start_all(&b);
	bench_run(&b, 3000);
	core_visit_peer(b.s[HUB].core, 1, stop_at_once, &n);
	ck_assert_uint_eq(n, 1);
	core_visit_peer(b.s[HUB].core, 2, stop_at_once, &n);	/* no such tunnel */
	ck_assert_uint_eq(n, 1);
	bench_fini(&b);
}
END_TEST

Suite *
show_suite(void)
{
	Suite *s = suite_create("show");
	TCase *t = tcase_create("show");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, steps_have_the_names_of_ios);
	tcase_add_test(t, each_step_is_seen_on_the_way_up);
	tcase_add_test(t, what_is_told_of_a_peer);
	tcase_add_test(t, who_is_known_from_before_the_restart);
	tcase_add_test(t, a_walk_can_be_stopped);
	suite_add_tcase(s, t);
	return s;
}
