/* Twin of ikecore/engine/qcd.c: tokens given, kept, presented and believed; and never shown while the SA lives. */
#include "tests/unit/ike_engine/suites.h"

static struct world w;
static const uint8_t secret[2][IKE_CRASH_SECRET] = { "the first machine's own secret!", "the other machine's own secret" };
static struct ike_trace trace[8], gone[8];
static unsigned n_trace, n_gone;

static void
begin(void)
{
	w_init(&w);
	w.s[0].qcd = secret[0];
	w.s[1].qcd = secret[1];
	n_trace = n_gone = 0;
}

static void
end(void)
{
	w_fini(&w);
}

static void
up(void)
{
	w_up(&w);
}

static void
note(void *ctx, const struct ike_trace *t)
{
	(void)ctx;
	ck_assert_uint_lt(n_trace, 8);
	ck_assert_uint_lt(n_gone, 8);
	if (t->gone)
		gone[n_gone++] = *t;
	else
		trace[n_trace++] = *t;
}

static void
read_traces(unsigned side)
{
	n_trace = n_gone = 0;
	ck_assert(ike_visit_changes(w.s[side].k, 100, note, NULL));
	ck_assert_uint_eq(ike_changes(w.s[side].k), 0);
}

/* Only the next look tells: the restarted side does not know of anybody. */
static void
look(unsigned side)
{
	struct ike_sa *sa = w_sa(&w, side);

	sa->want_live = true;
	timer_arm(&w.s[side].k->timers, &sa->t_kick, w.now);
}

static void
restart(unsigned side)
{
	w_stop(&w, side);
	w_start(&w, side);
}

START_TEST(both_sides_have_tokens)
{
	struct ike_sa *a, *b;
	uint8_t want[IKE_CRASH_TOKEN_LEN];

	up();
	a = w_sa(&w, 0);
	b = w_sa(&w, 1);
	ck_assert_uint_eq(a->token_len, IKE_CRASH_TOKEN_LEN);
	ck_assert(ike_crash_token(secret[1], a->spi_i, a->spi_r, &w.s[1].addr, want));
	ck_assert_mem_eq(a->token, want, sizeof(want));
	ck_assert(ike_crash_token(secret[0], a->spi_i, a->spi_r, &w.s[0].addr, want));
	ck_assert_mem_eq(b->token, want, sizeof(want));
}
END_TEST

/* The dialling side is told by the answer to its look, the other one likewise; new SAs come by the dial. */
START_TEST(restarted_peer_proves_it)
{
	up();
	restart((unsigned)!_i);
	look((unsigned)_i);
	w_run(&w, TICK_MS(30));	/* there and back */
	ck_assert_uint_eq(w.s[_i].downs, 1);
	ck_assert_int_eq(w.s[_i].last_down, IKE_DOWN_RESTARTED);
	ck_assert_str_eq(ike_down_word(w.s[_i].last_down), "peer-restarted");
	ck_assert_uint_eq(w_count_child(&w, (unsigned)_i), 0);
	if (_i == 0) {
		w_run(&w, TICK_S(1));
		w_check_pair(&w);
	}
}
END_TEST

/* Without the secret, with another one, or from another address there is no proof: as before, liveness decides. */
START_TEST(no_proof_no_effect)
{
	up();
	w_stop(&w, 1);
	if (_i == 0)
		w.s[1].qcd = NULL;
	else if (_i == 1)
		w.s[1].qcd = secret[0];
	w_start(&w, 1);
	look(0);
	w_run(&w, TICK_MS(200));
	ck_assert_uint_eq(w.s[0].downs, 0);
	ck_assert_uint_eq(ike_count_drop(w.s[0].k, IKE_DROP_TOKEN), _i);
	w_run(&w, TICK_S(6));
	ck_assert_int_eq(w.s[0].last_down, IKE_DOWN_DEAD);
	w_check_pair(&w);
}
END_TEST

static struct w_msg
clear_msg(const struct ike_sa *sa, const uint8_t *token, size_t n, unsigned copies)
{
	struct w_msg m = { .from = 1 };
	struct wr x = wr_of(m.octets, sizeof(m.octets));
	struct ike_hdr h = { .spi_i = sa->spi_i, .spi_r = sa->spi_r, .version = IKE_VERSION_2, .exchange = IKE_INFORMATIONAL,
		.flags = IKE_FLAG_RESPONSE };
	struct ike_build b;

	ike_build_start(&b, &x, &h);
	ike_build_notify(&b, 0, span_of("", 0), IKE_N_INVALID_IKE_SPI, span_of("", 0));
	for (unsigned i = 0; i < copies; i++) {
		uint8_t other[IKE_CRASH_TOKEN_MAX + 1] = { 0 };

		if (i + 1 == copies && token)
			memcpy(other, token, n);
		ike_build_notify(&b, IKE_PROTO_IKE, span_of("", 0), IKE_N_QUICK_CRASH_DETECTION, span_of(other, n));
	}
	m.n = ike_build_end(&b);
	m.src = sa->remote;
	m.dst = sa->local;
	return m;
}

START_TEST(wrong_tokens)
{
	uint8_t token[IKE_CRASH_TOKEN_LEN], longer[IKE_CRASH_TOKEN_LEN + 1] = { 0 };
	struct w_msg m;

	up();
	memcpy(token, w_sa(&w, 0)->token, sizeof(token));
	for (unsigned bit = 0; bit < 8 * sizeof(token); bit++) {
		token[bit / 8] ^= (uint8_t)(1 << bit % 8);
		m = clear_msg(w_sa(&w, 0), token, sizeof(token), 1);
		ck_assert_int_eq(w_inject(&w, 0, &m), IKE_DROP_TOKEN);
		token[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t n = 0; n < sizeof(token); n++) {	/* the start of it is not it */
		m = clear_msg(w_sa(&w, 0), token, n, 1);
		ck_assert_int_eq(w_inject(&w, 0, &m), IKE_DROP_TOKEN);
	}
	memcpy(longer, token, sizeof(token));
	m = clear_msg(w_sa(&w, 0), longer, sizeof(longer), 1);	/* nor is more than it */
	ck_assert_int_eq(w_inject(&w, 0, &m), IKE_DROP_TOKEN);
	m = clear_msg(w_sa(&w, 0), token, sizeof(token), 5);	/* behind four others it is not looked at */
	ck_assert_int_eq(w_inject(&w, 0, &m), IKE_DROP_TOKEN);
	w_run(&w, TICK_S(30));
	ck_assert_uint_eq(w.s[0].downs, 0);
	w_check_pair(&w);
	m = clear_msg(w_sa(&w, 0), token, sizeof(token), 4);
	ck_assert_int_eq(w_inject(&w, 0, &m), IKE_OK);
	ck_assert_int_eq(w.s[0].last_down, IKE_DOWN_RESTARTED);
}
END_TEST

/* A peer that gave no token: nothing matches, not even an empty one. */
START_TEST(none_given_none_taken)
{
	struct w_msg m;

	w.s[1].qcd = NULL;
	up();
	ck_assert_uint_eq(w_sa(&w, 0)->token_len, 0);
	for (size_t n = 0; n <= IKE_CRASH_TOKEN_MAX; n += 16) {
		m = clear_msg(w_sa(&w, 0), NULL, n, 1);
		ck_assert_int_eq(w_inject(&w, 0, &m), IKE_DROP_TOKEN);
	}
	ck_assert_uint_eq(w.s[0].downs, 0);
}
END_TEST

/* RFC 6290, 9.2: whatever is sent in clear or made up for an SA we have, its token does not leave. */
static unsigned tokens_seen;
static uint64_t alive;	/* SPI of whose SA none may be seen */

static bool
watch(struct world *x, struct w_msg *m)
{
	struct ike_msg p;

	(void)x;
	if (ike_msg_parse(span_of(m->octets, m->n), &p) != IKE_OK || !ike_msg_notify(&p, IKE_N_QUICK_CRASH_DETECTION))
		return true;
	tokens_seen++;
	ck_assert(!alive || (p.hdr.spi_i != alive && p.hdr.spi_r != alive));
	return true;
}

START_TEST(token_of_a_living_sa_is_not_shown)
{
	static const uint8_t junk[64] = { 1 };
	uint64_t spi[3];
	unsigned at = (unsigned)_i;

	tokens_seen = 0;
	alive = 0;
	w.hook = watch;
	up();
	alive = at ? w_sa(&w, 0)->spi_r : w_sa(&w, 0)->spi_i;
	spi[0] = w_sa(&w, 0)->spi_i;
	spi[1] = w_sa(&w, 0)->spi_r;
	spi[2] = 0x1122334455667788;
	for (unsigned i = 0; i < 3 * 3 * 4; i++) {
		struct w_msg m = { .from = !at, .src = { w.s[!at].addr, 500 }, .dst = { w.s[at].addr, 500 } };
		struct ike_hdr h = { .spi_i = spi[i % 3], .spi_r = spi[i / 3 % 3], .version = IKE_VERSION_2, .exchange = IKE_INFORMATIONAL,
			.flags = (uint8_t)(i / 9 % 2 ? IKE_FLAG_INITIATOR : 0), .mid = 7 };
		struct wr x = wr_of(m.octets, sizeof(m.octets));
		struct ike_build b;

		h.exchange = i / 18 ? IKE_AUTH : IKE_INFORMATIONAL;
		ike_build_start(&b, &x, &h);
		ike_build_raw(&b, IKE_PL_SK, span_of(junk, sizeof(junk)));
		m.n = ike_build_end(&b);
		w_inject(&w, at, &m);
	}
	ck_assert_uint_eq(tokens_seen, 4 * 4);	/* pairs without ours, which no SA can ever have: that does no harm */
	alive = 0;
	w.hook = NULL;
	w_run(&w, TICK_S(20));
	w_check_pair(&w);
}
END_TEST

/* The second SPI of an SA in the making is known to whoever sees its first answer, before we do. */
START_TEST(token_of_an_sa_in_the_making_is_not_shown)
{
	struct w_msg m, forged;

	tokens_seen = 0;
	w.manual = true;
	w.hook = watch;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_deliver(&w, 0);
	m = *w.msg[0];
	forged = m;
	forged.octets[16] = IKE_PL_SK;
	forged.octets[18] = IKE_INFORMATIONAL;
	forged.octets[19] = 0;	/* a request of the responder */
	forged.n = IKE_HDR_LEN + 40;
	put_be32(forged.octets + 24, (uint32_t)forged.n);
	memset(forged.octets + IKE_HDR_LEN, 0, 40);
	put_be16(forged.octets + IKE_HDR_LEN + 2, 40);
	w_inject(&w, 0, &forged);
	ck_assert_int_eq(w.last_drop, IKE_DROP_UNKNOWN_SA);
	ck_assert_uint_eq(tokens_seen, 0);
	w_lose_everything(&w);
	w_stop(&w, 0);
	w_start(&w, 0);
	w_inject(&w, 0, &forged);	/* the same, when that SA is no more */
	ck_assert_uint_eq(tokens_seen, 1);
}
END_TEST

/* Not larger than what it answers, and not more often than fits; a message that is too small gets INVALID_IKE_SPI alone. */
START_TEST(answers_are_small_and_few)
{
	unsigned sent;

	tokens_seen = 0;
	w.hook = watch;
	w_go(&w);
	ike_tick(w.s[1].k, w.now, &w.s[1].out);
	w.now += TICK_S(_i ? 100 : 0);
	for (unsigned i = 0; i < 3000; i++) {
		struct w_msg m = { .from = 0, .src = { w.s[0].addr, 500 }, .dst = { w.s[1].addr, 500 } };
		struct ike_hdr h = { .spi_i = 1 + i, .spi_r = 2, .version = IKE_VERSION_2, .exchange = IKE_INFORMATIONAL, .flags = IKE_FLAG_INITIATOR };
		static const uint8_t junk[64];
		struct wr x = wr_of(m.octets, sizeof(m.octets));
		size_t n = 24 + i % 8;
		struct ike_build b;

		ike_build_start(&b, &x, &h);
		ike_build_raw(&b, IKE_PL_SK, span_of(junk, n));
		m.n = ike_build_end(&b);
		sent = w.s[1].sends;
		w_inject(&w, 1, &m);
		if (w.s[1].sends > sent)
			ck_assert_uint_le(w.msg[w.n_msg - 1]->n, m.n);
		w_lose_everything(&w);
	}
	ck_assert_uint_le(w.s[1].sends, _i ? 60 : 1000);
	ck_assert_uint_ge(w.s[1].sends, _i ? 40 : 1000);
	ck_assert_uint_gt(tokens_seen, 0);
	ck_assert_uint_lt(tokens_seen, w.s[1].sends);
}
END_TEST

/* A rekeyed SA has a token of its own, from both: in the answer to the rekey, and in a look right after it. */
START_TEST(rekeyed)
{
	uint8_t old[2][IKE_CRASH_TOKEN_LEN], want[IKE_CRASH_TOKEN_LEN];

	up();
	for (unsigned i = 0; i < 2; i++)
		memcpy(old[i], w_sa(&w, i)->token, sizeof(old[i]));
	w_sa(&w, (unsigned)_i)->want_rekey = true;
	timer_arm(&w.s[_i].k->timers, &w_sa(&w, (unsigned)_i)->t_kick, w.now);
	w_run(&w, TICK_S(1));
	ck_assert_uint_eq(w.s[_i].rekeys, 1);
	for (unsigned i = 0; i < 2; i++) {
		struct ike_sa *sa = w_sa(&w, i);

		ck_assert_uint_eq(sa->token_len, IKE_CRASH_TOKEN_LEN);
		ck_assert_mem_ne(sa->token, old[i], sizeof(old[i]));
		ck_assert(ike_crash_token(secret[!i], sa->spi_i, sa->spi_r, &w.s[!i].addr, want));
		ck_assert_mem_eq(sa->token, want, sizeof(want));
	}
	restart(1);
	look(0);
	w_run(&w, TICK_MS(50));
	ck_assert_int_eq(w.s[0].last_down, IKE_DOWN_RESTARTED);
}
END_TEST

/* ---- traces */

START_TEST(traces_follow_the_sa)
{
	struct ike_event ev = { .kind = IKE_EV_CLOSE };
	uint64_t spi;

	up();
	read_traces(1);
	ck_assert_uint_eq(n_trace, 1);
	ck_assert_uint_eq(trace[0].spi_i, w_sa(&w, 1)->spi_i);
	ck_assert_uint_eq(trace[0].spi_r, w_sa(&w, 1)->spi_r);
	ck_assert(!trace[0].initiator && addr_eq(&trace[0].remote.addr, &w.s[0].addr) && trace[0].remote.port == 500);
	spi = trace[0].spi_i;
	w_sa(&w, 0)->want_rekey = true;
	timer_arm(&w.s[0].k->timers, &w_sa(&w, 0)->t_kick, w.now);
	w_run(&w, TICK_S(20));
	read_traces(1);
	ck_assert_uint_eq(n_trace, 1);
	ck_assert_uint_ne(trace[0].spi_i, spi);
	ck_assert_uint_eq(n_gone, 1);
	ck_assert_uint_eq(gone[0].spi_i, spi);
	ike_changes_again(w.s[1].k);
	read_traces(1);
	ck_assert_uint_eq(n_trace, 1);
	spi = trace[0].spi_i;
	ev.sa = w_sa(&w, 0)->id;
	w_event(&w, 0, &ev);
	w_run(&w, TICK_S(10));
	read_traces(1);
	ck_assert_uint_ge(n_gone, 1);
	ck_assert_uint_eq(gone[0].spi_i, spi);
}
END_TEST

/* Whoever was up hears of it on our own accord, without having anything to send, and is back within a second. */
START_TEST(peers_are_told)
{
	uint64_t old;
	tick_t since;

	w.s[0].nat = _i ? w_addr("203.0.113.9") : (struct addr){ 0 };
	w.s[0].nat_shift = 7000;
	up();
	read_traces(1);
	restart(1);
	since = w.now;
	w.s[1].ups = 0;
	ck_assert(ike_lost(w.s[1].k, w.now, &trace[0]));
	while (!w.s[1].ups && w.now - since < TICK_S(10))
		w_run(&w, TICK_MS(10));
	ck_assert_uint_lt(w.now - since, TICK_S(1));
	ck_assert_int_eq(w.s[0].last_down, IKE_DOWN_RESTARTED);
	w_settle(&w);
	w_check_pair(&w);
	w_run(&w, TICK_S(5));
	w_check_pair(&w);	/* and is left alone then */
	ck_assert_uint_eq(w.s[0].downs, 1);
	old = trace[0].spi_i;
	read_traces(1);
	ck_assert_uint_eq(n_gone, 1);	/* the old one need not be kept any more */
	ck_assert_uint_eq(gone[0].spi_i, old);
	ck_assert_uint_eq(n_trace, 1);
	ck_assert_uint_ne(trace[0].spi_i, old);
}
END_TEST

START_TEST(peers_that_do_not_hear_are_told_three_times)
{
	up();
	read_traces(1);
	restart(1);
	w.s[0].dead = true;
	w.s[1].sends = 0;
	ck_assert(ike_lost(w.s[1].k, w.now, &trace[0]));
	w_run(&w, TICK_S(30));
	ck_assert_uint_eq(w.s[1].sends, 3);
	read_traces(1);
	ck_assert_uint_eq(n_gone, 1);
	ck_assert(timers_next(&w.s[1].k->timers) == TICK_NEVER);
}
END_TEST

START_TEST(lost_ones_that_make_no_sense)
{
	struct ike_trace good = { .spi_i = 5, .spi_r = 6, .local = { w.s[1].addr, 500 }, .remote = { w.s[0].addr, 500 }, .expires = TICK_NEVER }, t;
	struct ike *k;

	w_go(&w);
	k = w.s[1].k;
	ck_assert((t = good, t.spi_i = 0, !ike_lost(k, w.now, &t)));
	ck_assert((t = good, t.expires = w.now, !ike_lost(k, w.now, &t)));
	ck_assert((t = good, t.remote.port = 0, !ike_lost(k, w.now, &t)));
	ck_assert((t = good, t.remote.addr = w_addr("224.0.0.1"), !ike_lost(k, w.now, &t)));
	ck_assert((t = good, t.local.addr.n = 0, !ike_lost(k, w.now, &t)));
	w.s[1].t.fail_at = 1;
	ck_assert(!ike_lost(k, w.now, &good));
	w.s[1].t.fail_at = 0;
	for (unsigned i = 0; i < w.s[1].conf.sa_max; i++)
		ck_assert((t = good, t.spi_i += i, ike_lost(k, w.now, &t)));
	ck_assert(!ike_lost(k, w.now, &good));	/* not more than we can have SAs */
}
END_TEST

/* A thousand of them: paced, so that those who hear do not come all at once. */
START_TEST(paced)
{
	struct ike_trace t = { .spi_r = 6, .local = { w.s[1].addr, 500 }, .remote = { w.s[0].addr, 500 }, .expires = TICK_NEVER };

	w_go(&w);
	for (t.spi_i = 1; t.spi_i <= 1000; t.spi_i++)
		ck_assert(ike_lost(w.s[1].k, w.now, &t));
	w_run(&w, TICK_MS(200));
	ck_assert_uint_ge(w.s[1].sends, 60);
	ck_assert_uint_le(w.s[1].sends, 200);
	w_run(&w, TICK_MS(1500));
	ck_assert_uint_ge(w.s[1].sends, 1000);
	w_run(&w, TICK_S(20));
	ck_assert_uint_eq(w.s[1].sends, 3000);
}
END_TEST

/* Every allocation failing once: what is lost is said to be lost, and nothing else changes. */
START_TEST(without_memory)
{
	struct w_msg m;

	for (long n = 1; n < 12; n++) {
		w_fini(&w);
		begin();
		w_go(&w);
		w_dial(&w, 0, 1, 1);
		w.s[0].t.fail_at = n;
		w_run(&w, TICK_S(5));
		w.s[0].t.fail_at = 0;
		w_run(&w, TICK_S(40));
		w_check_pair(&w);
	}
	read_traces(0);
	ck_assert_uint_eq(w_sa(&w, 0)->token_len, IKE_CRASH_TOKEN_LEN);
	m = clear_msg(w_sa(&w, 0), w_sa(&w, 0)->token, IKE_CRASH_TOKEN_LEN, 1);
	w.s[0].t.fail_at = 1;	/* that it went cannot be kept */
	ck_assert_int_eq(w_inject(&w, 0, &m), IKE_OK);
	w.s[0].t.fail_at = 0;
	ck_assert_uint_gt(ike_changes(w.s[0].k), 0);
	ck_assert(!ike_visit_changes(w.s[0].k, 100, note, NULL));
	ck_assert(ike_visit_changes(w.s[0].k, 100, note, NULL));
}
END_TEST

Suite *
qcd_suite(void)
{
	Suite *s = suite_create("qcd");
	TCase *tc = tcase_create("qcd");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, both_sides_have_tokens);
	tcase_add_loop_test(tc, restarted_peer_proves_it, 0, 2);
	tcase_add_loop_test(tc, no_proof_no_effect, 0, 2);
	tcase_add_test(tc, wrong_tokens);
	tcase_add_test(tc, none_given_none_taken);
	tcase_add_loop_test(tc, token_of_a_living_sa_is_not_shown, 0, 2);
	tcase_add_test(tc, token_of_an_sa_in_the_making_is_not_shown);
	tcase_add_loop_test(tc, answers_are_small_and_few, 0, 2);
	tcase_add_loop_test(tc, rekeyed, 0, 2);
	tcase_add_test(tc, traces_follow_the_sa);
	tcase_add_loop_test(tc, peers_are_told, 0, 2);
	tcase_add_test(tc, peers_that_do_not_hear_are_told_three_times);
	tcase_add_test(tc, lost_ones_that_make_no_sense);
	tcase_add_test(tc, paced);
	tcase_add_test(tc, without_memory);
	suite_add_tcase(s, tc);
	return s;
}
