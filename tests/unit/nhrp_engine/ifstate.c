/* Twin of nhrpd/engine/ifstate.c: what the interface is told, and when. */
#include "tests/unit/nhrp_engine/bench.h"

Suite *ifstate_suite(void);

static struct bench b;

static void
setup(bool on)
{
	bench_init(&b, "10.255.0.3/24", NULL);
	b.conf.n_nhs = 1;
	b.conf.nhs[0].family = 4;
	strcpy(b.conf.nhs[0].name, "203.0.113.1");
	b.conf.if_state = on;
	bench_start(&b);
}

static void
link_is(bool up)
{
	struct nhrp_event e = { .kind = NHRP_EV_LINK, .ok = up };

	bench_event(&b, &e);
}

static void
told(bool up)
{
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_IF_STATE), 1);
	ck_assert_int_eq(bench_act(&b, NHRP_ACT_IF_STATE, 0)->ok, up);
	bench_clear(&b);
}

START_TEST(follows_the_hub)
{
	setup(true);
	bench_run(&b, TICK_S(1));
	told(false);
	bench_nhs_up(&b, "10.255.0.1");
	ck_assert_int_eq(b.n->if_told, IF_TOLD_UP);
	bench_run(&b, TICK_S(5));
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_IF_STATE), 0);
	bench_clear(&b);
	link_is(false);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_IF_STATE), 0);
	link_is(true);	/* another interface: it begins as one that is of use, and it is */
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_IF_STATE), 0);
	bench_clear(&b);
	bench_peer_down(&b, 1);
	told(false);
	link_is(true);	/* and another one: not of use */
	told(false);
	bench_free(&b);
}
END_TEST

START_TEST(not_asked_for)
{
	setup(false);
	bench_run(&b, TICK_S(1));
	bench_nhs_up(&b, "10.255.0.1");
	bench_peer_down(&b, 1);
	link_is(true);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_IF_STATE), 0);
	bench_free(&b);
}
END_TEST

START_TEST(reload)
{
	setup(false);
	bench_run(&b, TICK_S(1));
	bench_clear(&b);
	b.conf.if_state = true;
	nhrp_reconf(b.n, b.now, &b.conf, &b.q);
	told(false);
	b.conf.if_state = false;
	nhrp_reconf(b.n, b.now, &b.conf, &b.q);
	told(true);
	bench_free(&b);
}
END_TEST

Suite *
ifstate_suite(void)
{
	Suite *s = suite_create("nhrp_engine/ifstate");
	TCase *c = tcase_create("ifstate");

	tcase_add_test(c, follows_the_hub);
	tcase_add_test(c, not_asked_for);
	tcase_add_test(c, reload);
	suite_add_tcase(s, c);
	return s;
}
