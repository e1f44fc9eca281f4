/* Twin of nhrpd/engine/rate.c: what one peer may have of us. And the fallback neighbour when there is no room for it. */
#include "tests/unit/nhrp_engine/bench.h"

static struct bench b;

static void
hub(uint16_t packets, uint16_t every_s)
{
	bench_init(&b, "10.255.0.1/24", NULL);
	b.conf.max_receive = (struct nhrp_conf_rate){ packets, every_s };
	bench_start(&b);
	bench_peer(&b, 5, "198.51.100.2", "fqdn flood.example");
	bench_peer(&b, 6, "198.51.100.3", "fqdn good.example");
}

static enum nhrp_drop
registers(uint32_t peer)
{
	struct nhrp_packet p = peer == 5 ? pkt(NHRP_REGISTRATION_REQUEST, "198.51.100.2", "10.255.0.5", "10.255.0.1") :
	    pkt(NHRP_REGISTRATION_REQUEST, "198.51.100.3", "10.255.0.6", "10.255.0.1");

	bench_clear(&b);
	return bench_rx(&b, peer, peer == 5 ? "198.51.100.2" : "198.51.100.3", &p);
}

static struct nhrp_rate_info
rate_of(uint32_t peer)
{
	struct nhrp_rate_info i;

	ck_assert(nhrp_peer_rate(b.n, peer, b.now, &i));
	return i;
}

/* Ten a second are its share, ten thousand come: it gets its share, and the others do not notice. */
START_TEST(a_flood_costs_its_sender_only)
{
	unsigned taken = 0, lines;

	hub(100, 10);
	lines = b.t.lines;
	for (unsigned i = 0; i < 10000; i++) {
		enum nhrp_drop d = registers(5);

		ck_assert(d == NHRP_OK || d == NHRP_DROP_LIMITED);
		taken += d == NHRP_OK;
		if (i % 100 == 0)
			ck_assert_int_eq(registers(6), NHRP_OK);
		b.now += TICK_MS(1);
	}
	ck_assert_uint_ge(taken, 100 + 95);
	ck_assert_uint_le(taken, 100 + 105);
	ck_assert_uint_eq(nhrp_count_drop(b.n, NHRP_DROP_LIMITED), 10000 - taken);
	ck_assert_uint_eq(rate_of(5).limited, 10000 - taken);
	ck_assert_uint_eq(rate_of(5).received, 10000);
	ck_assert(rate_of(5).now);
	ck_assert_uint_eq(rate_of(6).limited, 0);
	ck_assert_uint_le(b.t.lines, lines + 3);	/* two registrations, and one line about the flood */
	b.now += TICK_S(11);
	ck_assert(!rate_of(5).now);
	ck_assert_int_eq(registers(5), NHRP_OK);	/* who is sane again is taken again */
	bench_free(&b);
}
END_TEST

static bool
one(void *ctx, const struct nhrp_rate_info *i)
{
	ck_assert_str_eq(i->identity, "fqdn flood.example");
	ck_assert_uint_eq(i->peer, 5);
	++*(unsigned *)ctx;
	return true;
}

START_TEST(said_once_a_minute_and_at_the_end)
{
	unsigned lines, n = 0;

	hub(1, 10);
	ck_assert_int_eq(registers(5), NHRP_OK);
	lines = b.t.lines;
	for (unsigned i = 0; i < 50; i++)
		ck_assert_int_eq(registers(5), NHRP_DROP_LIMITED);
	ck_assert_uint_eq(b.t.lines, lines + 1);
	ck_assert_str_eq(b.t.last_word, "nhrp-rate-limited");
	ck_assert_str_eq(b.t.last_text,
	    "peer 5 (fqdn flood.example) sends more than 1 NHRP packets in 10 s: 1 dropped, the last one a Registration-Request");
	b.now += TICK_S(61);
	ck_assert_int_eq(registers(5), NHRP_OK);
	ck_assert_int_eq(registers(5), NHRP_DROP_LIMITED);
	ck_assert_uint_eq(b.t.lines, lines + 2);
	ck_assert_str_eq(b.t.last_text,
	    "peer 5 (fqdn flood.example) sends more than 1 NHRP packets in 10 s: 50 dropped, the last one a Registration-Request");
	ck_assert_int_eq(registers(5), NHRP_DROP_LIMITED);
	nhrp_visit_limited(b.n, b.now, one, &n);
	ck_assert_uint_eq(n, 1);
	bench_peer_down(&b, 5);
	ck_assert_str_eq(b.t.last_text, "peer 5 (fqdn flood.example) is gone: 1 more NHRP packets of it were dropped");
	n = 0;
	nhrp_visit_limited(b.n, b.now, one, &n);
	ck_assert_uint_eq(n, 0);
	bench_free(&b);
}
END_TEST

/* Junk is not even parsed, whatever it is; and a packet too short to have a type is no answer. */
START_TEST(before_anything_is_parsed)
{
	static const uint8_t junk[1];

	hub(1, 10);
	ck_assert_int_eq(bench_raw(&b, 5, "198.51.100.2", span_of(junk, 1)), NHRP_DROP_SHORT);
	ck_assert_int_eq(bench_raw(&b, 5, "198.51.100.2", span_of(junk, 1)), NHRP_DROP_LIMITED);
	ck_assert_str_eq(b.t.last_text, "peer 5 (fqdn flood.example) sends more than 1 NHRP packets in 10 s: 1 dropped, the last one a fragment");
	ck_assert_int_eq(bench_raw(&b, 6, "198.51.100.3", span_of(junk, 0)), NHRP_DROP_SHORT);
	bench_free(&b);
}
END_TEST

/* An NHS speaks for many. */
START_TEST(our_hub_is_exempt)
{
	struct nhrp_packet p = pkt(NHRP_RESOLUTION_REQUEST, "198.51.100.9", "10.255.0.9", "10.255.0.4");

	bench_init(&b, "10.255.0.4/24", NULL);
	b.conf.max_receive = (struct nhrp_conf_rate){ 1, 10 };
	b.conf.n_nhs = 1;
	b.conf.nhs[0].family = 4;
	strcpy(b.conf.nhs[0].name, "203.0.113.1");
	bench_start(&b);
	bench_nhs_up(&b, "10.255.0.1");
	for (unsigned i = 0; i < 100; i++) {
		ck_assert_int_ne(bench_rx(&b, 1, "203.0.113.1", &p), NHRP_DROP_LIMITED);
		bench_clear(&b);
	}
	ck_assert_uint_eq(rate_of(1).limited, 0);
	bench_free(&b);
}
END_TEST

/* A peer over its share answers a question of ours: taken. That it says "reply" a thousand times does not help it. */
START_TEST(answers_have_a_share_of_their_own)
{
	struct nhrp_packet junk, reply;
	uint32_t id;

	bench_init(&b, "10.255.0.4/24", NULL);
	b.conf.max_receive = (struct nhrp_conf_rate){ 2, 10 };
	b.conf.n_nhs = 1;
	b.conf.nhs[0].family = 4;
	strcpy(b.conf.nhs[0].name, "203.0.113.1");
	bench_start(&b);
	bench_nhs_up(&b, "10.255.0.1");
	bench_peer(&b, 5, "198.51.100.2", "fqdn flood.example");
	handle_open(b.n, &b.n->fallback_ck, H_PROBE);	/* some question that is open */
	id = b.n->fallback_ck.id;
	junk = pkt(NHRP_RESOLUTION_REPLY, "192.0.2.1", "10.255.0.4", "10.255.0.5");
	junk.request_id = id + 1;
	ck_assert_int_ne(bench_rx(&b, 5, "198.51.100.2", &junk), NHRP_DROP_LIMITED);
	ck_assert_int_ne(bench_rx(&b, 5, "198.51.100.2", &junk), NHRP_DROP_LIMITED);
	ck_assert_int_eq(bench_rx(&b, 5, "198.51.100.2", &junk), NHRP_DROP_LIMITED);
	handle_close(b.n, &b.n->fallback_ck);
	handle_open(b.n, &b.n->fallback_ck, H_FALLBACK);	/* of a kind that no reply is for: it is looked at, and refused */
	reply = junk;
	reply.request_id = b.n->fallback_ck.id;
	ck_assert_int_eq(bench_rx(&b, 5, "198.51.100.2", &reply), NHRP_DROP_UNSOLICITED);
	ck_assert_int_eq(bench_rx(&b, 5, "198.51.100.2", &reply), NHRP_DROP_UNSOLICITED);
	ck_assert_int_eq(bench_rx(&b, 5, "198.51.100.2", &reply), NHRP_DROP_LIMITED);
	handle_close(b.n, &b.n->fallback_ck);
	bench_free(&b);
}
END_TEST

START_TEST(the_default_and_another_one)
{
	unsigned taken = 0;

	hub(0, 0);
	for (unsigned i = 0; i < 2000; i++)
		taken += registers(5) == NHRP_OK;
	ck_assert_uint_eq(taken, 1000);
	b.conf.max_receive = (struct nhrp_conf_rate){ 3, 1 };
	nhrp_reconf(b.n, b.now, &b.conf, &b.q);
	b.now += TICK_S(100);
	for (unsigned i = taken = 0; i < 2000; i++)
		taken += registers(5) == NHRP_OK;
	ck_assert_uint_eq(taken, 3);	/* a smaller share holds at once */
	bench_free(&b);
}
END_TEST

START_TEST(max_send)
{
	bench_init(&b, "10.255.0.1/24", NULL);
	b.conf.max_send = (struct nhrp_conf_rate){ 2, 10 };
	bench_start(&b);
	bench_peer(&b, 5, "198.51.100.2", "fqdn a.example");
	for (unsigned i = 0; i < 5; i++) {
		registers(5);
		ck_assert_uint_eq(bench_count(&b, NHRP_ACT_SEND), i < 2);
	}
	ck_assert_uint_eq(nhrp_count_drop(b.n, NHRP_DROP_SEND_LIMIT), 3);
	b.now += TICK_S(5);
	registers(5);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_SEND), 1);
	bench_free(&b);
}
END_TEST

/* One peer's bad packets use up neither the errors that others are told nor the lines of the log. */
START_TEST(errors_by_peer)
{
	struct nhrp_packet p = pkt(NHRP_REGISTRATION_REQUEST, "198.51.100.2", "10.255.0.5", "10.255.0.1");
	unsigned errors = 0;

	bench_init(&b, "10.255.0.1/24", NULL);
	memcpy(b.conf.auth, "secret", b.conf.auth_len = 6);
	bench_start(&b);
	bench_peer(&b, 5, "198.51.100.2", "fqdn bad.example");
	bench_peer(&b, 6, "198.51.100.3", "fqdn mistaken.example");
	for (unsigned i = 0; i < 500; i++) {
		bench_clear(&b);
		ck_assert_int_eq(bench_rx(&b, 5, "198.51.100.2", &p), NHRP_DROP_AUTH);
		errors += bench_count(&b, NHRP_ACT_SEND);
	}
	ck_assert_uint_eq(errors, ERROR_PEER_BURST);
	bench_clear(&b);
	ck_assert_int_eq(bench_rx(&b, 6, "198.51.100.3", &p), NHRP_DROP_AUTH);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_SEND), 1);
	bench_free(&b);
}
END_TEST

static unsigned
fallbacks(enum nhrp_act_kind kind)
{
	unsigned n = 0;

	for (unsigned i = 0; i < bench_count(&b, kind); i++)
		n += bench_act(&b, kind, i)->proto.n == 0;
	return n;
}

static void
fill_queue(void)
{
	while (outq_add(&b.q))
		;
}

/* The action found no room: the fallback is not taken for set, the timer tries again, also when its peer has gone meanwhile. */
START_TEST(fallback_that_found_no_room)
{
	struct nhrp_event moved = { .kind = NHRP_EV_PEER_MOVED, .peer = 1 };
	struct peer *p;

	bench_init(&b, "10.255.0.4/24", NULL);
	b.conf.n_nhs = 1;
	b.conf.nhs[0].family = 4;
	strcpy(b.conf.nhs[0].name, "203.0.113.1");
	bench_start(&b);
	bench_nhs_up(&b, "10.255.0.1");
	p = b.n->fallback;
	ck_assert_ptr_nonnull(p);
	fill_queue();
	moved.remote.addr = A("203.0.113.77");
	bench_event(&b, &moved);
	ck_assert_ptr_null(b.n->fallback);
	bench_clear(&b);
	bench_run(&b, TICK_S(2));
	ck_assert_uint_eq(fallbacks(NHRP_ACT_NEIGH_SET), 1);
	ck_assert_ptr_eq(b.n->fallback, p);
	bench_answer(&b, true);
	bench_clear(&b);
	fill_queue();
	bench_peer_down(&b, 1);	/* nor could it be said that it is none any more */
	ck_assert_ptr_null(b.n->fallback);
	bench_clear(&b);
	bench_run(&b, TICK_S(2));
	ck_assert_uint_eq(fallbacks(NHRP_ACT_NEIGH_DEL), 1);
	ck_assert(!b.n->fallback_stale);
	bench_free(&b);
}
END_TEST

Suite *rate_suite(void);
Suite *
rate_suite(void)
{
	Suite *s = suite_create("rate");
	TCase *t = tcase_create("all");

	tcase_add_test(t, a_flood_costs_its_sender_only);
	tcase_add_test(t, said_once_a_minute_and_at_the_end);
	tcase_add_test(t, before_anything_is_parsed);
	tcase_add_test(t, our_hub_is_exempt);
	tcase_add_test(t, answers_have_a_share_of_their_own);
	tcase_add_test(t, the_default_and_another_one);
	tcase_add_test(t, max_send);
	tcase_add_test(t, errors_by_peer);
	tcase_add_test(t, fallback_that_found_no_room);
	suite_add_tcase(s, t);
	return s;
}
