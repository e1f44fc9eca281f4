/* Twin of nhrpd/engine/doubt.c: a peer that is not heard any more is asked, and kept or left. */
#include "tests/unit/nhrp_engine/bench.h"

Suite *doubt_suite(void);

static struct bench b;
static const char why[] = "BFD does not hear it any more";

static void
setup(void)
{
	bench_init(&b, "10.255.0.3/24", NULL);
	b.conf.n_nhs = 1;
	b.conf.nhs[0].family = 4;
	strcpy(b.conf.nhs[0].name, "203.0.113.1");
	bench_start(&b);
	bench_nhs_up(&b, "10.255.0.1");
	bench_clear(&b);
}

static void
doubt(uint32_t peer, const char *dst)
{
	struct nhrp_event e = { .kind = NHRP_EV_DOUBT, .peer = peer, .dst = A(dst), .within = TICK_MS(180), .reason = why };

	bench_event(&b, &e);
}

static struct nhrp_packet
reply_to(const struct nhrp_packet *q)
{
	struct nhrp_packet r = *q;

	r.type = NHRP_RESOLUTION_REPLY;
	r.cie[0] = cie_of(0, 32, "203.0.113.1", "10.255.0.1", 600);
	return r;
}

START_TEST(silence_ends_its_sa)
{
	doubt(1, "10.255.0.1");
	ck_assert_uint_eq(bench_sent(&b, 0).type, NHRP_RESOLUTION_REQUEST);
	ck_assert_uint_eq(bench_sent(&b, 0).hops, 1);
	doubt(1, "10.255.0.1");	/* is under way */
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_SEND), 1);
	bench_run(&b, TICK_MS(175));
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_SEND), 3);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_DROP_PEER), 0);
	bench_run(&b, TICK_MS(10));
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_DROP_PEER, 0)->peer, 1);
	ck_assert_str_eq(bench_act(&b, NHRP_ACT_DROP_PEER, 0)->reason, why);
	bench_clear(&b);
	bench_run(&b, TICK_S(1));
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_DROP_PEER), 0);	/* once */
	bench_free(&b);
}
END_TEST

START_TEST(an_answer_keeps_it)
{
	struct nhrp_packet q, r;

	doubt(1, "10.255.0.1");
	q = bench_sent(&b, 0);
	r = reply_to(&q);
	bench_run(&b, TICK_MS(100));
	ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &r), NHRP_OK);
	ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &r), NHRP_DROP_UNSOLICITED);
	bench_clear(&b);
	bench_run(&b, TICK_S(1));
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_DROP_PEER), 0);
	doubt(1, "10.255.0.1");	/* and may be doubted again */
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_SEND), 1);
	bench_free(&b);
}
END_TEST

/* By another peer's SA, or passed on: it may be dead all the same. */
START_TEST(others_do_not_answer_for_it)
{
	struct nhrp_cie rec = cie_of(0, 0, "203.0.113.1", "10.255.0.1", 600);
	struct nhrp_packet q, r;

	bench_peer(&b, 2, "203.0.113.9", "other");
	bench_clear(&b);
	doubt(1, "10.255.0.1");
	q = bench_sent(&b, 0);
	r = reply_to(&q);
	ck_assert_int_eq(bench_rx(&b, 2, "203.0.113.9", &r), NHRP_DROP_UNSOLICITED);
	for (unsigned i = 0; i < r.n_ext; i++) {
		if (r.ext[i].type == NHRP_EXT_FORWARD)
			r.ext[i].value = cies(&rec, 1);
	}
	ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &r), NHRP_DROP_UNSOLICITED);
	bench_run(&b, TICK_MS(200));
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_DROP_PEER), 1);
	bench_free(&b);
}
END_TEST

START_TEST(its_sa_goes_meanwhile)
{
	doubt(1, "10.255.0.1");
	bench_peer_down(&b, 1);
	bench_clear(&b);
	bench_run(&b, TICK_S(1));
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_DROP_PEER), 0);
	doubt(1, "10.255.0.1");	/* not there */
	doubt(77, "10.255.0.1");
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_SEND), 0);
	bench_free(&b);
}
END_TEST

START_TEST(nothing_to_ask_with)
{
	doubt(1, "2001:db8::1");	/* we have no such address */
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_DROP_PEER), 1);
	bench_free(&b);
}
END_TEST

Suite *
doubt_suite(void)
{
	Suite *s = suite_create("nhrp_engine/doubt");
	TCase *c = tcase_create("doubt");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, silence_ends_its_sa);
	tcase_add_test(c, an_answer_keeps_it);
	tcase_add_test(c, others_do_not_answer_for_it);
	tcase_add_test(c, its_sa_goes_meanwhile);
	tcase_add_test(c, nothing_to_ask_with);
	suite_add_tcase(s, c);
	return s;
}
