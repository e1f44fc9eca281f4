/* Twin of mgre/shape.c: rates are upper bounds, flows share them, delay and memory are bounded. */
#include "mgre/shape.h"

#include "mgre/gre.h"
#include "tests/unit/mgre/mgre_test.h"

enum { PEERS = 400 };

static struct test_env t;
static struct shaper *s;
static uint64_t count[MGRE_COUNTERS];
static struct {
	uint64_t octets, packets, by_port[16];
	struct shaped *free_on_send;
	uint8_t last[9600], tos;
	size_t last_n;
	bool fragment, v6;
} out[PEERS];

static void
sent(void *owner, uint32_t peer, const struct shape_pkt *p)
{
	ck_assert_ptr_eq(owner, &t);
	out[peer].octets += p->bytes.n;
	out[peer].packets++;
	memcpy(out[peer].last, p->bytes.p, p->bytes.n);
	out[peer].last_n = p->bytes.n;
	out[peer].tos = p->tos;
	out[peer].v6 = p->v6;
	out[peer].fragment = p->may_fragment;
	if (!p->v6 && p->bytes.n >= 24)
		out[peer].by_port[get_be16(p->bytes.p + 22) & 15]++;
	if (out[peer].free_on_send)
		shaped_free(out[peer].free_on_send);
	out[peer].free_on_send = NULL;
}

static void
setup(void)
{
	test_env_init(&t);
	memset(count, 0, sizeof(count));
	memset(out, 0, sizeof(out));
	s = shaper_new(&t.env, sent, count);
	ck_assert_ptr_nonnull(s);
}

static void
teardown(void)
{
	shaper_free(s);
	ck_assert_int_eq(t.live, 0);
}

/* A UDP packet of a flow, told by its destination port. */
static enum shape_verdict
put(struct shaped *q, tick_t now, unsigned flow, size_t n, uint8_t tos)
{
	static uint8_t b[9600];
	struct inner in;

	memset(b, 0, sizeof(b));
	b[0] = 0x45;
	b[1] = tos;
	put_be16(b + 2, (uint16_t)n);
	b[8] = 64;
	b[9] = IP_UDP;
	put_be32(b + 12, 0x0a000001);
	put_be32(b + 16, 0x0a000002);
	put_be16(b + 10, (uint16_t)~csum_fold(csum_add(0, b, 20)));
	put_be16(b + 20, 4000);
	put_be16(b + 22, (uint16_t)flow);
	for (size_t i = 28; i < n; i++)
		b[i] = (uint8_t)i;
	ck_assert_int_eq(inner_parse(b, n, GRE_IPV4, &in), MGRE_OK);
	return shape_put(q, now, &in, span_of(b, n), false);
}

/* Until what it may catch up on is used up: nothing leaves at once. */
static void
busy(struct shaped *q, tick_t now)
{
	while (put(q, now, 15, 1400, 0) == SHAPE_NOW)
		;
}

/* A flood of `flows`, for so long; every packet that may leave at once is counted as sent, as the caller does. */
static void
flood(struct shaped *q, uint32_t peer, tick_t from, tick_t to, tick_t step, unsigned flows, size_t n)
{
	for (tick_t now = from; now < to; now += step) {
		if (shaper_deadline(s) <= now)
			shaper_run(s, now);
		for (unsigned f = 1; f <= flows; f++) {
			if (put(q, now, f, n, 0) == SHAPE_NOW) {
				out[peer].octets += n;
				out[peer].packets++;
				out[peer].by_port[f & 15]++;
			}
		}
	}
}

START_TEST(rate_is_an_upper_bound_and_is_reached)
{
	static const uint64_t rates[] = { 64000, 1000000, 20000000, 300000000 };
	uint64_t rate = rates[_i];
	struct shaped *q = shaped_new(s, &t, 1, rate, 60);
	tick_t step = rate < 1000000 ? 5000 : rate < 100000000 ? 200 : 20;
	struct shape_info i;
	double got;

	flood(q, 1, TICK_S(10), TICK_S(14), step, 1, 1400);
	got = (double)(out[1].octets + 60 * out[1].packets) * 8;
	ck_assert_double_le(got, (double)rate * 4.01 + 1460 * 8 + 64);	/* and BURST, which was not used */
	ck_assert_double_ge(got, (double)rate * 3.9 - 1460 * 8);
	shaped_info(q, &i);
	ck_assert_uint_eq(i.rate, rate);
	ck_assert_uint_eq(i.sent, out[1].packets);
	ck_assert_uint_gt(i.backlog, 0);
	ck_assert_uint_eq(i.flows, 1);
	ck_assert(i.dropped > 0 || rate == rates[0]);	/* the slowest has not waited for long enough */
	shaped_free(q);
	ck_assert_uint_eq(count[MGRE_DROP_SHAPE_GONE], i.backlog);
}
END_TEST

START_TEST(below_its_rate_nothing_waits)
{
	struct shaped *q = shaped_new(s, &t, 1, 20000000, 60);

	for (tick_t now = TICK_S(1); now < TICK_S(2); now += 1000)	/* 11.7 Mbit/s */
		ck_assert_int_eq(put(q, now, 1, 1400, 0), SHAPE_NOW);
	ck_assert_uint_eq(shaper_deadline(s), TICK_NEVER);
	ck_assert_uint_eq(count[MGRE_N_SHAPE_HELD], 0);
	shaped_free(q);
}
END_TEST

START_TEST(late_wakeups_catch_up_and_no_more)
{
	struct shaped *q = shaped_new(s, &t, 1, 8000000, 0);	/* an octet a microsecond */
	uint64_t before;

	flood(q, 1, TICK_S(1), TICK_S(1) + TICK_MS(20), 500, 1, 1000);
	before = out[1].octets;
	shaper_run(s, TICK_S(1) + TICK_MS(28));	/* eight late */
	ck_assert_uint_ge(out[1].octets - before, 7000);
	ck_assert_uint_le(out[1].octets - before, 10000);
	flood(q, 1, TICK_S(2), TICK_S(2) + TICK_MS(20), 500, 1, 1000);
	before = out[1].octets;
	shaper_run(s, TICK_S(5));
	ck_assert_uint_le(out[1].octets - before, 11000);	/* BURST, and a packet */
	shaped_free(q);
}
END_TEST

START_TEST(flows_share)
{
	struct shaped *q = shaped_new(s, &t, 1, 10000000, 0);
	uint64_t least = UINT64_MAX, most = 0;

	flood(q, 1, TICK_S(1), TICK_S(3), 500, 4, 1250);
	for (unsigned f = 1; f <= 4; f++) {
		least = out[1].by_port[f] < least ? out[1].by_port[f] : least;
		most = out[1].by_port[f] > most ? out[1].by_port[f] : most;
	}
	ck_assert_uint_ge(most, 400);
	ck_assert_uint_ge(least * 10, most * 9);
	shaped_free(q);
}
END_TEST

/* Whatever the hash: as many flows as a set has queues find one each, at first and when others were there before. */
START_TEST(a_handful_of_flows_has_a_queue_each)
{
	for (unsigned seed = 0; seed < 200; seed++) {
		struct shaper *one = shaper_new(&t.env, sent, count);
		struct shaped *q = shaped_new(one, &t, 1, 1000000, 0);

		for (unsigned round = 0; round < 3; round++) {
			struct shape_info i;

			busy(q, TICK_S(1 + round));	/* port 15 */
			for (unsigned f = 1; f <= 14; f++)
				put(q, TICK_S(1 + round), 1000 * round + f % 7, 100, 0);
			shaped_info(q, &i);
			ck_assert_uint_eq(i.flows, 8);
			ck_assert_uint_eq(i.backlog, 15);
			shaped_flush(q, TICK_S(1 + round));
		}
		shaped_free(q);
		shaper_free(one);
	}
}
END_TEST

/* It goes before those that flood, and is never dropped. */
START_TEST(a_quiet_flow_does_not_wait)
{
	struct shaped *q = shaped_new(s, &t, 1, 2000000, 0);
	uint64_t pings = 0;

	for (tick_t now = TICK_S(1); now < TICK_S(4); now += TICK_MS(100)) {
		uint64_t others;

		flood(q, 1, now, now + TICK_MS(100), 1000, 3, 1250);
		others = out[1].packets;
		ck_assert_int_ne(put(q, now + TICK_MS(100), 9, 100, 0), SHAPE_DROPPED);
		pings++;
		for (tick_t at = now + TICK_MS(100); out[1].by_port[9] < pings; at += 500) {
			ck_assert_uint_lt(at, now + TICK_MS(120));
			shaper_run(s, at);
		}
		ck_assert_uint_le(out[1].packets - others, 3);
	}
	ck_assert_uint_gt(count[MGRE_DROP_SHAPE_CODEL], 0);
	shaped_free(q);
}
END_TEST

/* RFC 8289: a queue that stands is dropped from, one that is short is left alone. */
START_TEST(codel)
{
	struct shaped *q = shaped_new(s, &t, 1, 10000000, 0);
	struct shape_info i;

	for (tick_t now = TICK_S(1); now < TICK_S(2); now += 1200) {	/* some over 8 Mbit/s, in bursts of two */
		if (shaper_deadline(s) <= now)
			shaper_run(s, now);
		put(q, now, 1, 600, 0);
		put(q, now, 1, 600, 0);
	}
	ck_assert_uint_eq(count[MGRE_DROP_SHAPE_CODEL], 0);
	shaper_run(s, TICK_S(3));
	flood(q, 1, TICK_S(3), TICK_S(4), 900, 1, 1250);	/* 11.1 Mbit/s */
	ck_assert_uint_gt(count[MGRE_DROP_SHAPE_CODEL], 3);
	ck_assert_uint_eq(count[MGRE_DROP_SHAPE_OVERFLOW], 0);
	shaped_info(q, &i);
	ck_assert_uint_lt(i.backlog, 100);
	shaped_free(q);
}
END_TEST

START_TEST(marked_instead_of_dropped)
{
	struct shaped *q = shaped_new(s, &t, 1, 10000000, 0);
	struct inner in;
	uint64_t seen = 0;

	for (tick_t now = TICK_S(1); now < TICK_S(2); now += 900) {
		if (shaper_deadline(s) <= now)
			shaper_run(s, now);
		put(q, now, 1, 1250, 0xb8 | 2);	/* EF, ECT(0) */
		if (out[1].packets && (out[1].tos & 3) == 3) {
			seen++;
			ck_assert_uint_eq(out[1].tos, 0xb8 | 3);
			ck_assert_int_eq(inner_parse(out[1].last, out[1].last_n, GRE_IPV4, &in), MGRE_OK);
			ck_assert_uint_eq(in.tos, 0xb8 | 3);
			ck_assert_uint_eq(csum_fold(csum_add(0, out[1].last, 20)), 0xffff);
		}
	}
	ck_assert_uint_gt(seen, 0);
	ck_assert_uint_gt(count[MGRE_N_SHAPE_MARKED], 0);
	ck_assert_uint_eq(count[MGRE_DROP_SHAPE_CODEL], 0);
	shaped_free(q);
}
END_TEST

START_TEST(slow_lines_keep_a_packet)
{
	struct shaped *q = shaped_new(s, &t, 1, 64000, 0);	/* a large packet takes 190 ms */

	for (tick_t now = TICK_S(1); now < TICK_S(60); now += TICK_MS(200)) {
		if (shaper_deadline(s) <= now)
			shaper_run(s, now);
		put(q, now, 1, 1400, 0);
		put(q, now, 2, 60, 0);
	}
	ck_assert_uint_eq(count[MGRE_DROP_SHAPE_CODEL], 0);
	shaped_free(q);
}
END_TEST

START_TEST(large_packets_come_back_whole)
{
	struct shaped *q = shaped_new(s, &t, 1, 8000000, 0);

	for (size_t n = 28; n <= 9216; n += 459) {
		size_t at = out[1].packets;

		busy(q, TICK_S(1));
		put(q, TICK_S(1), 15, n, 0x2e << 2);	/* of the flow that waits, so behind that */
		shaped_flush(q, TICK_S(1));
		ck_assert_uint_ge(out[1].packets, at + 2);
		ck_assert_uint_eq(out[1].last_n, n);
		ck_assert_uint_eq(out[1].tos, 0x2e << 2);
		for (size_t i = 28; i < n; i++)
			ck_assert_uint_eq(out[1].last[i], (uint8_t)i);
	}
	shaped_free(q);
}
END_TEST

START_TEST(order_within_a_flow)
{
	struct shaped *q = shaped_new(s, &t, 1, 8000000, 0);
	size_t last = 0;

	busy(q, TICK_S(1));
	for (size_t n = 100; n < 150; n++)
		ck_assert_int_eq(put(q, TICK_S(1), 1, n, 0), SHAPE_HELD);
	for (tick_t now = TICK_S(1); shaper_deadline(s) != TICK_NEVER; now += 1000) {
		shaper_run(s, now);
		if (out[1].last_n == 1400)
			continue;
		ck_assert_uint_ge(out[1].last_n, last);
		last = out[1].last_n;
	}
	ck_assert_uint_eq(last, 149);
	ck_assert_uint_eq(out[1].packets, 51);
	shaped_free(q);
}
END_TEST

/* All peers flood: memory does not grow with packets, nobody has nothing, and one that begins late finds room. */
START_TEST(many_peers_share_the_pool)
{
	static struct shaped *q[PEERS];
	struct shape_info i;
	long live;

	for (uint32_t k = 0; k < PEERS; k++) {
		q[k] = shaped_new(s, &t, k, 1000000, 0);
		ck_assert_ptr_nonnull(q[k]);
	}
	live = t.live;
	for (tick_t now = TICK_S(1); now < TICK_S(2); now += TICK_MS(10)) {
		shaper_run(s, now);
		for (uint32_t k = 0; k < PEERS - 1; k++) {
			for (unsigned j = 0; j < 20; j++)
				put(q[k], now, j, 1400, 0);
		}
	}
	ck_assert_int_eq(t.live, live);
	ck_assert_uint_gt(count[MGRE_DROP_SHAPE_OVERFLOW], 0);
	for (uint32_t k = 0; k < PEERS - 1; k++) {
		shaped_info(q[k], &i);
		ck_assert_uint_ge(i.sent, 80);
		ck_assert_uint_le(i.backlog, 14000);
	}
	ck_assert_int_eq(put(q[PEERS - 1], TICK_S(2), 1, 1400, 0), SHAPE_NOW);
	ck_assert_int_eq(put(q[PEERS - 1], TICK_S(2), 1, 1400, 0), SHAPE_HELD);
	for (uint32_t k = 0; k < PEERS; k++)
		shaped_free(q[k]);
}
END_TEST

START_TEST(another_rate)
{
	struct shaped *q = shaped_new(s, &t, 1, 8000, 0);
	uint64_t before;

	flood(q, 1, TICK_S(1), TICK_S(2), TICK_MS(10), 1, 1400);
	shaped_set(q, 80000000, 0);
	before = out[1].packets;
	flood(q, 1, TICK_S(2), TICK_S(2) + TICK_MS(200), 100, 1, 1400);
	ck_assert_uint_ge(out[1].packets - before, 1000);	/* not held up by what the old rate took */
	before = out[1].packets;
	shaped_set(q, 80000, 0);
	flood(q, 1, TICK_S(3), TICK_S(4), 1000, 1, 1000);
	ck_assert_uint_le(out[1].packets - before, 12);
	shaped_free(q);
}
END_TEST

START_TEST(freed_while_it_sends)
{
	struct shaped *q = shaped_new(s, &t, 1, 8000000, 0);

	flood(q, 1, TICK_S(1), TICK_S(1) + TICK_MS(5), 100, 1, 1400);
	out[1].free_on_send = q;
	out[1].packets = 0;
	shaper_run(s, TICK_S(2));
	ck_assert_uint_eq(out[1].packets, 1);
	ck_assert_uint_gt(count[MGRE_DROP_SHAPE_GONE], 0);
	ck_assert_uint_eq(shaper_deadline(s), TICK_NEVER);
}
END_TEST

START_TEST(without_memory)
{
	for (long k = 1; k < 8; k++) {
		struct shaped *q;

		t.fail_at = k;
		q = shaped_new(s, &t, 1, 1000000, 0);
		t.fail_at = 0;
		if (q) {	/* with the part of the pool that there was memory for */
			flood(q, 1, TICK_S(1), TICK_S(1) + TICK_MS(100), 100, 3, 1400);
			ck_assert_uint_gt(out[1].packets, 0);
		}
		shaped_free(q);
		shaper_free(s);
		ck_assert_int_eq(t.live, 0);
		s = shaper_new(&t.env, sent, count);
	}
	t.fail_at = 1;
	ck_assert_ptr_null(shaper_new(&t.env, sent, count));
}
END_TEST

Suite *
shape_suite(void)
{
	Suite *suite = suite_create("shape");
	TCase *c = tcase_create("shape");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, rate_is_an_upper_bound_and_is_reached, 0, 4);
	tcase_add_test(c, below_its_rate_nothing_waits);
	tcase_add_test(c, late_wakeups_catch_up_and_no_more);
	tcase_add_test(c, flows_share);
	tcase_add_test(c, a_quiet_flow_does_not_wait);
	tcase_add_test(c, codel);
	tcase_add_test(c, marked_instead_of_dropped);
	tcase_add_test(c, slow_lines_keep_a_packet);
	tcase_add_test(c, large_packets_come_back_whole);
	tcase_add_test(c, order_within_a_flow);
	tcase_add_test(c, many_peers_share_the_pool);
	tcase_add_test(c, another_rate);
	tcase_add_test(c, freed_while_it_sends);
	tcase_add_test(c, a_handful_of_flows_has_a_queue_each);
	tcase_add_test(c, without_memory);
	suite_add_tcase(suite, c);
	return suite;
}
