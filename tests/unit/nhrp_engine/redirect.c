/* Twins of nhrpd/engine/redirect.c and purge.c. */
#include "tests/unit/nhrp_engine/bench.h"

#include <stdio.h>

static struct bench b;

static void
hub(bool redirect)
{
	bench_init(&b, "10.255.0.1/24", NULL);
	b.conf.redirect = redirect;
	bench_start(&b);
	bench_peer(&b, 5, "198.51.100.2", "a");
	bench_peer(&b, 6, "198.51.100.3", "b");
}

static struct span
ip4(const char *src, const char *dst)
{
	static uint8_t ip[1500];
	struct addr s = A(src), d = A(dst);

	memset(ip, 0, sizeof(ip));
	ip[0] = 0x45;
	memcpy(ip + 12, s.b, 4);
	memcpy(ip + 16, d.b, 4);
	return span_of(ip, 84);
}

static void
through(uint32_t in, uint32_t out, struct span packet)
{
	struct nhrp_event ev = { .kind = NHRP_EV_REDIRECT, .peer = in, .out_peer = out, .packet = packet };

	bench_event(&b, &ev);
}

START_TEST(as_cisco_has_it)
{
	struct nhrp_packet p;

	hub(true);
	through(5, 6, ip4("10.2.0.5", "10.3.0.9"));
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_SEND, 0)->peer, 5);
	p = bench_sent(&b, 0);
	ck_assert_uint_eq(p.type, NHRP_TRAFFIC_INDICATION);
	ck_assert_uint_eq(p.hops, 1);
	ck_assert_uint_eq(p.code, 0);
	ck_assert_str_eq(addr_fmt(&p.dst_proto, (char[ADDR_STRLEN]){ 0 }), "10.2.0.5");	/* the source of the packet */
	ck_assert_str_eq(addr_fmt(&p.src_proto, (char[ADDR_STRLEN]){ 0 }), "10.255.0.1");
	ck_assert(span_eq(p.payload, ip4("10.2.0.5", "10.3.0.9")));
	ck_assert(p.has_ext && p.n_ext == 0);
	ck_assert_uint_eq(get_be16(bench_act(&b, NHRP_ACT_SEND, 0)->packet.p + 14), 124);
	bench_free(&b);
}
END_TEST

START_TEST(not_sent)
{
	struct span cut = ip4("10.2.0.5", "10.3.0.9");

	hub(true);
	through(5, 5, ip4("10.2.0.5", "10.3.0.9"));
	through(99, 6, ip4("10.2.0.5", "10.3.0.9"));
	through(5, 6, ip4("10.255.0.1", "10.3.0.9"));
	through(5, 6, ip4("10.2.0.5", "10.255.0.1"));
	through(5, 6, ip4("10.2.0.5", "224.0.0.5"));
	cut.n = 19;
	through(5, 6, cut);
	through(5, 6, SPAN_STR(""));
	through(5, 6, SPAN_STR("\x60" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));	/* a family we do not have */
	ck_assert_uint_eq(b.q.n, 0);
	bench_free(&b);
	hub(false);
	through(5, 6, ip4("10.2.0.5", "10.3.0.9"));
	ck_assert_uint_eq(b.q.n, 0);
	bench_free(&b);
}
END_TEST

START_TEST(rates)
{
	struct span big = ip4("10.2.0.5", "10.3.0.9");

	hub(true);
	for (unsigned i = 0; i < 20; i++)
		through(5, 6, ip4("10.2.0.5", "10.3.0.9"));
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_SEND), 4);	/* of one pair */
	b.now += TICK_S(5);
	through(5, 6, ip4("10.2.0.5", "10.3.0.9"));
	through(5, 6, ip4("10.2.0.5", "10.3.0.9"));
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_SEND), 5);
	for (unsigned i = 0; i < 400; i++) {
		char dst[32];

		snprintf(dst, sizeof(dst), "10.3.%u.%u", i / 200, 1 + i % 200);
		through(5, 6, ip4("10.2.0.6", dst));
	}
	ck_assert_uint_le(bench_count(&b, NHRP_ACT_SEND), 205);	/* of all */
	ck_assert_uint_gt(nhrp_count_drop(b.n, NHRP_DROP_RATE), 200);
	bench_clear(&b);
	b.now += TICK_S(60);
	big.n = 1500;
	through(5, 6, big);
	ck_assert_uint_le(bench_act(&b, NHRP_ACT_SEND, 0)->packet.n, 1400);
	bench_free(&b);
}
END_TEST

START_TEST(the_oldest_pair_is_forgotten)
{
	hub(true);
	for (unsigned i = 0; i < REDIRECT_PAIRS_MAX + 50; i++) {
		char dst[32];

		snprintf(dst, sizeof(dst), "10.3.%u.%u", i / 200, 1 + i % 200);
		bench_clear(&b);
		through(5, 6, ip4("10.2.0.6", dst));
	}
	ck_assert_uint_eq(b.n->pairs.n, REDIRECT_PAIRS_MAX);
	bench_free(&b);
}
END_TEST

/* ---- received */

static void
spoke(bool shortcut)
{
	bench_init(&b, "10.255.0.3/24", NULL);
	b.conf.shortcut = shortcut;
	b.conf.n_nhs = 1;
	b.conf.nhs[0].family = 4;
	strcpy(b.conf.nhs[0].name, "203.0.113.1");
	bench_start(&b);
	bench_nhs_up(&b, "10.255.0.1");
	bench_route(&b, "10.3.0.0/24", NHRP_RT_OUT, NULL);
	bench_route(&b, "10.5.0.0/24", NHRP_RT_OUT, NULL);
	bench_route(&b, "10.0.0.0/8", NHRP_RT_NBMA, "10.255.0.1");
	bench_clear(&b);
}

static enum nhrp_drop
indication(struct span payload)
{
	struct nhrp_packet p = pkt(NHRP_TRAFFIC_INDICATION, "203.0.113.1", "10.255.0.1", "10.3.0.9");

	p.hops = 1;
	p.payload = payload;
	return bench_rx(&b, 1, "203.0.113.1", &p);
}

START_TEST(checked_on_receipt)
{
	struct span cut;

	spoke(false);
	ck_assert_int_eq(indication(ip4("10.3.0.9", "10.9.0.9")), NHRP_DROP_REDIRECT_OFF);
	bench_free(&b);
	spoke(true);
	ck_assert_int_eq(indication(ip4("10.8.0.9", "10.9.0.9")), NHRP_DROP_REDIRECT_SRC);
	ck_assert_int_eq(indication(ip4("10.3.0.9", "10.255.0.3")), NHRP_DROP_REDIRECT_BAD);
	ck_assert_int_eq(indication(ip4("10.3.0.9", "10.5.0.9")), NHRP_DROP_REDIRECT_BAD);
	ck_assert_int_eq(indication(ip4("10.3.0.9", "224.0.0.1")), NHRP_DROP_REDIRECT_BAD);
	cut = ip4("10.3.0.9", "10.9.0.9");
	cut.n = 12;
	ck_assert_int_eq(indication(cut), NHRP_DROP_REDIRECT_BAD);
	ck_assert_uint_eq(b.q.n, 0);
	ck_assert_int_eq(indication(ip4("10.3.0.9", "10.9.0.9")), NHRP_OK);
	ck_assert_int_eq(indication(ip4("10.3.0.9", "10.9.0.9")), NHRP_OK);
	ck_assert_int_eq(indication(ip4("10.255.0.3", "10.9.0.10")), NHRP_OK);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_SEND), 2);	/* one question per destination */
	bench_free(&b);
}
END_TEST

START_TEST(pending_is_bounded)
{
	spoke(true);
	for (unsigned i = 0; i < PENDING_MAX + 20; i++) {
		char dst[32];

		snprintf(dst, sizeof(dst), "10.9.%u.%u", i / 200, 1 + i % 200);
		indication(ip4("10.3.0.9", dst));
		bench_clear(&b);
	}
	ck_assert_uint_eq(b.n->n_pending, PENDING_MAX);
	ck_assert_uint_eq(nhrp_count_drop(b.n, NHRP_DROP_MEMORY), 20);
	bench_free(&b);
}
END_TEST

/* ---- purges */

static struct nhrp_packet
purge(const char *src, const char *dst, const char *what, uint8_t bits, bool quiet)
{
	struct nhrp_packet p = pkt(NHRP_PURGE_REQUEST, "198.51.100.2", src, dst);

	p.cie[0] = cie_of(0, bits, NULL, what, 0);
	p.flags = quiet ? NHRP_FLAG_NO_REPLY : 0;
	return p;
}

START_TEST(clients_purge_their_own)
{
	struct nhrp_packet p = pkt(NHRP_REGISTRATION_REQUEST, "198.51.100.2", "10.255.0.2", "10.255.0.1");
	struct addr a = A("10.255.0.2");

	hub(false);
	bench_rx(&b, 5, "198.51.100.2", &p);
	bench_answer(&b, true);
	p = purge("10.255.0.3", "10.255.0.1", "10.255.0.2", 32, false);	/* not theirs, but acknowledged */
	bench_clear(&b);
	ck_assert_int_eq(bench_rx(&b, 6, "198.51.100.3", &p), NHRP_OK);
	ck_assert_uint_eq(bench_sent(&b, 0).type, NHRP_PURGE_REPLY);
	ck_assert(binding_find(b.n, &a) != NULL);
	p = purge("10.255.0.2", "10.255.0.2", "10.255.0.2", 0xff, true);	/* NHS unknown: own address as destination */
	bench_clear(&b);
	ck_assert_int_eq(bench_rx(&b, 5, "198.51.100.2", &p), NHRP_OK);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_SEND), 0);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_NEIGH_DEL), 1);
	ck_assert(binding_find(b.n, &a) == NULL);
	p.dst_proto = A("10.255.0.77");
	ck_assert_int_eq(bench_rx(&b, 5, "198.51.100.2", &p), NHRP_DROP_NO_ROUTE);
	p.dst_proto = A("10.255.0.1");
	pkt_ext(&p, 0x300, true, SPAN_STR(""));
	ck_assert_int_eq(bench_rx(&b, 5, "198.51.100.2", &p), NHRP_DROP_COMPULSORY);
	bench_free(&b);
}
END_TEST

/* We answered for a network and lose it: purges go out, same id again and again, until acknowledged or the holding time ends. */
START_TEST(told_are_purged)
{
	struct nhrp_packet p = pkt(NHRP_RESOLUTION_REQUEST, "198.51.100.2", "10.255.0.2", "10.3.0.9"), r;
	struct nhrp_cie rec = cie_of(0, 0, "203.0.113.1", "10.255.0.1", 600);
	struct nhrp_event ev = { .kind = NHRP_EV_ROUTE_GONE, .prefix = P("10.3.0.0/24") };
	uint32_t id;

	spoke(false);
	pkt_ext(&p, NHRP_EXT_FORWARD, true, cies(&rec, 1));
	bench_rx(&b, 1, "203.0.113.1", &p);
	bench_rx(&b, 1, "203.0.113.1", &p);
	p.src_proto = A("10.255.0.4");
	bench_rx(&b, 1, "203.0.113.1", &p);
	ck_assert_uint_eq(b.n->n_told, 2);
	bench_route(&b, "10.77.0.0/16", NHRP_RT_OUT, NULL);	/* elsewhere */
	bench_clear(&b);
	bench_run(&b, TICK_MS(1));
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_SEND), 0);
	bench_event(&b, &ev);
	bench_run(&b, TICK_MS(1));
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_SEND), 2);
	r = bench_sent(&b, 0);
	ck_assert_uint_eq(r.type, NHRP_PURGE_REQUEST);
	ck_assert_uint_eq(r.flags, 0);
	ck_assert_str_eq(addr_fmt(&r.cie[0].proto, (char[ADDR_STRLEN]){ 0 }), "10.3.0.0");
	ck_assert_uint_eq(r.cie[0].prefix_len, 24);
	id = r.request_id;
	r.type = NHRP_PURGE_REPLY;
	ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &r), NHRP_OK);
	ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &r), NHRP_DROP_UNSOLICITED);
	ck_assert_uint_eq(b.n->n_told, 1);
	bench_clear(&b);
	bench_run(&b, TICK_S(20));
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_SEND), 4);	/* after 1, 3, 7, 15 s */
	ck_assert_uint_ne(bench_sent(&b, 0).request_id, id);
	ck_assert_uint_eq(bench_sent(&b, 0).request_id, bench_sent(&b, 3).request_id);
	ck_assert_uint_eq(b.n->n_told, 1);
	bench_clear(&b);
	bench_run(&b, TICK_S(600));	/* out of reach for minutes: still told */
	ck_assert_uint_ge(bench_count(&b, NHRP_ACT_SEND), 4);
	ck_assert_uint_le(bench_count(&b, NHRP_ACT_SEND), 24);
	ck_assert_uint_eq(b.n->n_told, 0);
	ck_assert_uint_eq(b.n->n_answered, 0);
	bench_free(&b);
}
END_TEST

/* Answered again while the purge of the older answer is under way, which the requester acknowledges: it stays remembered. */
START_TEST(answered_during_a_purge)
{
	struct nhrp_packet p = pkt(NHRP_RESOLUTION_REQUEST, "198.51.100.2", "10.255.0.2", "10.3.0.9"), r;
	struct nhrp_cie rec = cie_of(0, 0, "203.0.113.1", "10.255.0.1", 600);
	struct nhrp_event moved = { .kind = NHRP_EV_NBMA, .nbma = A("192.0.2.99") };
	struct nhrp_event gone = { .kind = NHRP_EV_ROUTE_GONE, .prefix = P("10.3.0.0/24") };

	spoke(false);
	pkt_ext(&p, NHRP_EXT_FORWARD, true, cies(&rec, 1));
	bench_rx(&b, 1, "203.0.113.1", &p);
	bench_event(&b, &moved);
	bench_clear(&b);
	bench_run(&b, TICK_S(2));
	r = bench_sent(&b, bench_count(&b, NHRP_ACT_SEND) - 1);
	ck_assert_uint_eq(r.type, NHRP_PURGE_REQUEST);
	bench_rx(&b, 1, "203.0.113.1", &p);	/* with the new address */
	r.type = NHRP_PURGE_REPLY;
	ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &r), NHRP_OK);
	ck_assert_uint_eq(b.n->n_told, 1);
	bench_clear(&b);
	bench_run(&b, TICK_S(6));
	for (unsigned i = 0; i < bench_count(&b, NHRP_ACT_SEND); i++)
		ck_assert_uint_ne(bench_sent(&b, i).type, NHRP_PURGE_REQUEST);
	bench_clear(&b);
	bench_event(&b, &gone);
	bench_run(&b, TICK_MS(1));
	ck_assert_uint_eq(bench_sent(&b, 0).type, NHRP_PURGE_REQUEST);
	bench_rx(&b, 1, "203.0.113.1", &r);	/* of the one before */
	ck_assert_uint_eq(b.n->n_told, 1);
	bench_free(&b);
}
END_TEST

START_TEST(told_is_bounded_and_expires)
{
	struct nhrp_packet p = pkt(NHRP_RESOLUTION_REQUEST, "198.51.100.2", "10.255.0.2", "10.3.0.9");
	struct nhrp_cie rec = cie_of(0, 0, "203.0.113.1", "10.255.0.1", 600);

	spoke(false);
	pkt_ext(&p, NHRP_EXT_FORWARD, true, cies(&rec, 1));
	for (unsigned i = 0; i < TOLD_PER_PREFIX + 10; i++) {
		p.src_proto.b[3] = (uint8_t)(10 + i);
		bench_rx(&b, 1, "203.0.113.1", &p);
		bench_clear(&b);
	}
	ck_assert_uint_eq(b.n->n_told, TOLD_PER_PREFIX);
	bench_run(&b, TICK_S(601));
	ck_assert_uint_eq(b.n->n_told, 0);
	bench_free(&b);
}
END_TEST

START_TEST(new_address_takes_answers_back)
{
	struct nhrp_packet p = pkt(NHRP_RESOLUTION_REQUEST, "198.51.100.2", "10.255.0.2", "10.3.0.9");
	struct nhrp_cie rec = cie_of(0, 0, "203.0.113.1", "10.255.0.1", 600);
	struct nhrp_event ev = { .kind = NHRP_EV_NBMA, .nbma = A("192.0.2.99") };

	spoke(false);
	pkt_ext(&p, NHRP_EXT_FORWARD, true, cies(&rec, 1));
	bench_rx(&b, 1, "203.0.113.1", &p);
	bench_clear(&b);
	bench_event(&b, &ev);
	bench_run(&b, TICK_MS(1));
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_SEND), 2);	/* a registration and a purge */
	ck_assert_uint_eq(bench_sent(&b, 0).type + bench_sent(&b, 1).type, NHRP_REGISTRATION_REQUEST + NHRP_PURGE_REQUEST);
	bench_free(&b);
}
END_TEST

Suite *redirect_suite(void);
Suite *
redirect_suite(void)
{
	Suite *s = suite_create("redirect and purge");
	TCase *t = tcase_create("all");

	tcase_add_test(t, as_cisco_has_it);
	tcase_add_test(t, not_sent);
	tcase_add_test(t, rates);
	tcase_add_test(t, the_oldest_pair_is_forgotten);
	tcase_add_test(t, checked_on_receipt);
	tcase_add_test(t, pending_is_bounded);
	tcase_add_test(t, clients_purge_their_own);
	tcase_add_test(t, told_are_purged);
	tcase_add_test(t, answered_during_a_purge);
	tcase_add_test(t, told_is_bounded_and_expires);
	tcase_add_test(t, new_address_takes_answers_back);
	suite_add_tcase(s, t);
	return s;
}
