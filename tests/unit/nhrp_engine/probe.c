/* Twin of nhrpd/engine/probe.c: an operator's question, its answer, and every way there is none. */
#include "tests/unit/nhrp_engine/bench.h"

Suite *probe_suite(void);

static struct bench b;

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
ask(const char *dst, uint32_t cookie)
{
	struct nhrp_event e = { .kind = NHRP_EV_PROBE, .dst = A(dst), .cookie = cookie };

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

static void
told(uint32_t cookie, bool ok, const char *reason)
{
	struct nhrp_act *a = bench_act(&b, NHRP_ACT_PROBED, 0);

	ck_assert_uint_eq(a->cookie, cookie);
	ck_assert_int_eq(a->ok, ok);
	ck_assert_str_eq(a->reason, reason);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_PROBED), 1);
}

START_TEST(round_trip)
{
	struct nhrp_packet q, r;

	ask("10.255.0.1", 77);
	q = bench_sent(&b, 0);
	ck_assert_uint_eq(q.type, NHRP_RESOLUTION_REQUEST);
	ck_assert_uint_eq(q.hops, 1);
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_SEND, 0)->peer, 1);
	r = reply_to(&q);
	bench_clear(&b);
	b.now += 1234;
	ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &r), NHRP_OK);
	told(77, true, "");
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_PROBED, 0)->took, 1234);
	ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &r), NHRP_DROP_UNSOLICITED);	/* once */
	bench_free(&b);
}
END_TEST

START_TEST(silence)
{
	ask("10.255.0.1", 5);
	bench_clear(&b);
	bench_run(&b, TICK_MS(1900));
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_PROBED), 0);
	bench_run(&b, TICK_MS(200));
	told(5, false, "no answer over the SA");
	bench_free(&b);
}
END_TEST

START_TEST(the_sa_goes)
{
	ask("10.255.0.1", 6);
	bench_peer_down(&b, 1);
	bench_clear(&b);
	bench_run(&b, TICK_S(3));
	told(6, false, "its SA went away");
	bench_free(&b);
}
END_TEST

START_TEST(not_possible)
{
	ask("10.255.0.9", 1);
	told(1, false, "it has not told its tunnel address");
	bench_clear(&b);
	ask("2001:db8::1", 2);
	told(2, false, "the tunnel has no address of its family");
	bench_clear(&b);
	for (unsigned i = 0; i < PROBES_MAX; i++)
		ask("10.255.0.1", i + 10);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_SEND), PROBES_MAX);
	bench_clear(&b);
	ask("10.255.0.1", 3);
	told(3, false, "too many probes at once");
	bench_clear(&b);
	bench_run(&b, TICK_S(3));
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_PROBED), PROBES_MAX);	/* and all of them end */
	bench_clear(&b);
	ask("10.255.0.1", 4);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_SEND), 1);
	bench_free(&b);
}
END_TEST

/* Passed on, the answer says nothing about the SA; a refusal is an answer, but not the one that was hoped for. */
START_TEST(answers_of_others)
{
	struct nhrp_cie rec = cie_of(0, 0, "203.0.113.1", "10.255.0.1", 600);
	struct nhrp_packet q, r;

	ask("10.255.0.1", 8);
	q = bench_sent(&b, 0);
	r = reply_to(&q);
	r.n_ext = 0;
	pkt_ext(&r, NHRP_EXT_FORWARD, true, cies(&rec, 1));
	bench_clear(&b);
	bench_rx(&b, 1, "203.0.113.1", &r);
	told(8, false, "the peer at the other end of the SA does not own the address");
	bench_clear(&b);
	ask("10.255.0.1", 9);
	q = bench_sent(&b, 0);
	r = reply_to(&q);
	r.cie[0].code = NHRP_CODE_NO_BINDING;
	bench_clear(&b);
	bench_rx(&b, 1, "203.0.113.1", &r);
	told(9, false, "it answers that it does not have the address");
	bench_clear(&b);
	ask("10.255.0.1", 10);
	q = bench_sent(&b, 0);
	r = reply_to(&q);
	r.dst_proto = A("10.255.0.7");
	ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &r), NHRP_DROP_UNSOLICITED);
	bench_free(&b);
}
END_TEST

Suite *
probe_suite(void)
{
	Suite *s = suite_create("probe");
	TCase *c = tcase_create("probe");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, round_trip);
	tcase_add_test(c, silence);
	tcase_add_test(c, the_sa_goes);
	tcase_add_test(c, not_possible);
	tcase_add_test(c, answers_of_others);
	suite_add_tcase(s, c);
	return s;
}
