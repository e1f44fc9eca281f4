/* IKE_FOLLOWUP_KE (RFC 9370 2.2.4): additional key exchanges when an IKE SA or a child is rekeyed. */
#include "tests/seeded.h"
#include "tests/unit/ike_engine/suites.h"
#include "tests/unit/toy_kem.h"

#include <stdlib.h>

static struct world w;
static struct ike_keys keys;	/* of the SA on which answers are read */
static uint64_t spi_i;
static uint16_t last_error;	/* in an answer of side 1 */
static unsigned lose, twice, n_asked[2];

static void
begin(void)
{
	w_init(&w);
	spi_i = 0;
	last_error = 0;
	lose = UINT32_MAX;
	twice = 0;
	memset(n_asked, 0, sizeof(n_asked));
}

static void
end(void)
{
	w_fini(&w);
	ike_wipe(&keys, sizeof(keys));
}

static void
also(unsigned side, bool esp, unsigned place, uint16_t id)
{
	struct ike_proposal *p = esp ? &w.s[side].profile[0].esp[0] : &w.s[side].profile[0].ike[0];

	if (esp && !p->n_group)
		p->group[p->n_group++] = IKE_KE_CURVE25519;
	p->addke[place][p->n_addke[place]++] = id;
}

static void
all(unsigned place, uint16_t id)
{
	for (unsigned i = 0; i < 4; i++)
		also(i % 2, i / 2, place, id);
}

static void
nothing_left(void)
{
	for (unsigned i = 0; i < 2; i++) {
		struct ike_sa *sa = w_sa(&w, i);

		ck_assert_ptr_null(sa->cc_tx);
		ck_assert_ptr_null(sa->cc_rx);
		ck_assert_ptr_null(sa->cc_more);
		ck_assert_uint_eq(w.s[i].k->n_sa, 1);
		ck_assert_msg(w.s[i].downs == 0, "%s", w.s[i].down_text);
	}
}

/* How many IKE_FOLLOWUP_KE messages with requests that side sent; every hook counts. */
static unsigned
asked(unsigned side)
{
	return n_asked[side];
}

static void
note(const struct w_msg *m)
{
	n_asked[m->from] += m->octets[18] == IKE_FOLLOWUP_KE && !(m->octets[19] & IKE_FLAG_RESPONSE);
}

/* Reads the answers of side 1 on the SA that came up first; loses, or repeats. */
static bool
listen(struct world *x, struct w_msg *m)
{
	static uint8_t plain[8192];
	const struct ike_notify *n;
	struct ike_msg p;
	long len;

	note(m);
	if (m->from == 1 && ike_msg_parse(span_of(m->octets, m->n), &p) == IKE_OK && p.response && p.hdr.spi_i == spi_i && p.sk.body.n && !p.sk.total) {
		len = ike_open(&keys.r, p.sk.aad, p.sk.body, plain);
		ck_assert_int_gt(len, 0);
		ck_assert_int_eq(ike_msg_parse_inner(&p, span_of(plain, (size_t)len)), IKE_OK);
		n = ike_msg_error(&p);
		last_error = n ? n->type : 0;
	}
	return x->serial - 1 != lose;
}

static bool
repeat(struct world *x, struct w_msg *m)
{
	struct w_msg *copy;

	note(m);
	if (m->from != (twice & 1) || x->n_msg == W_MSGS)
		return true;
	copy = malloc(sizeof(*copy));
	ck_assert_ptr_nonnull(copy);
	*copy = *m;
	copy->at += TICK_MS(1);
	x->msg[x->n_msg++] = copy;
	return true;
}

static void
up(void)
{
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_settle(&w);
	w_check_pair(&w);
	w_sa(&w, 0)->want_live = true;	/* so that the responder knows that its answer came */
	w_kick(&w, 0);
	w_settle(&w);
	keys = w_sa(&w, 0)->keys;
	spi_i = w_sa(&w, 0)->spi_i;
	w.hook = listen;
}

/* ---- what it is for */

/* Child and IKE SA, by either side, whole and in pieces, in order and not. */
START_TEST(rekeyed_with_more)
{
	bool ike = _i & 1, in_pieces = _i & 4, shuffled = _i & 8, doubled = _i & 16;
	unsigned side = _i >> 1 & 1;
	uint32_t was;

	all(0, IKE_KE_ECP384);
	all(2, IKE_KE_ECP256);
	if (in_pieces)
		w.s[0].conf.frag_mtu = w.s[1].conf.frag_mtu = 200;
	up();
	if (doubled)
		w.hook = repeat;
	twice = side;
	w.shuffle = shuffled ? 99 : 0;
	was = w_engine_child(&w, side)->spi_in;
	w_rekey(&w, side, ike);
	w_run(&w, TICK_S(20));
	w_check_pair(&w);
	nothing_left();
	ck_assert_uint_ge(asked(side), 2);
	ck_assert_uint_eq(asked(!side), 0);
	ck_assert_int_eq(w.s[0].gap, 0);
	if (!ike) {
		ck_assert_uint_ne(w_engine_child(&w, side)->spi_in, was);
		return;
	}
	ck_assert_uint_eq(w.s[0].rekeys, 1);
	for (unsigned i = 0; i < 2; i++) {
		struct ike_sa *sa = w_sa(&w, i);

		ck_assert_mem_ne(sa->keys.d, keys.d, keys.prf_len);
		ck_assert_mem_eq(sa->keys.d, w_sa(&w, !i)->keys.d, keys.prf_len);
		ck_assert_uint_eq(sa->addke[0], IKE_KE_ECP384);
		ck_assert_uint_eq(sa->addke[2], IKE_KE_ECP256);
	}
}
END_TEST

/* A KEM: values of two lengths, and the answer made from the question; as first method, as an additional one, and for PFS. */
START_TEST(kem)
{
	static const uint16_t first[] = { IKE_KE_CURVE25519, IKE_KE_MLKEM768, IKE_KE_MLKEM1024 }, more[] = { IKE_KE_MLKEM768, IKE_KE_ECP256, 0 };
	unsigned i = (unsigned)_i % 3;

	for (unsigned side = 0; side < 2; side++) {
		w.s[side].profile[0].ike[0].group[0] = first[i];
		w.s[side].profile[0].esp[0].group[0] = first[i];
		w.s[side].profile[0].esp[0].n_group = 1;
	}
	if (more[i])
		all(0, more[i]);
	if (_i >= 3)
		w.s[0].hold_jobs = false, w.s[0].conf.cookie_threshold = w.s[1].conf.cookie_threshold = 1;
	up();
	ck_assert_uint_eq(w_sa(&w, 0)->suite.group, first[i]);
	ck_assert_uint_eq(w_sa(&w, 0)->addke[0], more[i]);
	w_rekey(&w, _i & 1, false);
	w_run(&w, TICK_S(10));
	w_rekey(&w, _i & 1, true);
	w_run(&w, TICK_S(20));
	w_check_pair(&w);
	nothing_left();
	ck_assert_uint_eq(asked(_i & 1), i == 0 ? 4 : i == 1 ? 2 : 0);	/* a key of ML-KEM goes in two pieces */
	ck_assert_int_eq(w.s[0].gap, 0);
}
END_TEST

/* SKEYSEED = prf(SK_d, SK(0) | Ni | Nr | SK(1) | SK(2)), KEYMAT likewise. */
START_TEST(keys_of_all_secrets)
{
	struct ike_suite suite = { .encr = IKE_ENCR_AES_GCM_16, .encr_bits = 256, .prf = IKE_PRF_HMAC_SHA2_256, .group = 31 };
	struct ike_seed seed = { .g_ir = SPAN_STR("zero"), .ni = SPAN_STR("ni"), .nr = SPAN_STR("nr"), .spi_i = 1, .spi_r = 2, .more = SPAN_STR("onetwo") };
	struct ike_keys old = { .prf = IKE_PRF_HMAC_SHA2_256, .prf_len = 32 }, got;
	struct span all_of_it = SPAN_STR("zeroninronetwo"), spis[3] = { SPAN_STR("ni"), SPAN_STR("nr") };
	uint8_t skeyseed[32], want[2 * 36], spi[16] = { [7] = 1, [15] = 2 };
	struct ike_keymat km;

	memset(old.d, 7, 32);
	ck_assert(ike_keys_rekey(&suite, &old, &seed, &got));
	ck_assert(ike_prf(suite.prf, span_of(old.d, 32), &all_of_it, 1, skeyseed));
	spis[2] = span_of(spi, 16);
	ck_assert(ike_prf_plus(suite.prf, span_of(skeyseed, 32), spis, 3, want, 32));
	ck_assert_mem_eq(got.d, want, 32);
	ck_assert(ike_keymat(&old, &seed, IKE_ENCR_AES_GCM_16, 256, 0, &km));
	ck_assert(ike_prf_plus(suite.prf, span_of(old.d, 32), &all_of_it, 1, want, sizeof(want)));
	ck_assert_mem_eq(km.i2r.enc, want, 36);
	ck_assert_mem_eq(km.r2i.enc, want + 36, 36);
}
END_TEST

/* ---- what is chosen */
static const struct choice {
	const char *what;
	uint16_t a[3], b[3];	/* 0xffff: none more */
	int got;	/* -1: no agreement */
} choices[] = {
	{ "both want it", { IKE_KE_ECP384, 0xffff }, { IKE_KE_ECP384, 0xffff }, IKE_KE_ECP384 },
	{ "the responder's order decides", { IKE_KE_ECP384, IKE_KE_ECP256, 0xffff }, { IKE_KE_ECP256, IKE_KE_ECP384, 0xffff }, IKE_KE_ECP256 },
	{ "only the initiator, and it must", { IKE_KE_ECP384, 0xffff }, { 0xffff }, -1 },
	{ "only the initiator, and it may", { IKE_KE_ECP384, 0, 0xffff }, { 0xffff }, 0 },
	{ "only the responder, and it must", { 0xffff }, { IKE_KE_ECP384, 0xffff }, -1 },
	{ "only the responder, and it may", { 0xffff }, { IKE_KE_ECP384, 0, 0xffff }, 0 },
	{ "the method of the first again", { IKE_KE_CURVE25519, 0xffff }, { IKE_KE_CURVE25519, 0xffff }, -1 },
	{ "nothing in common, but both may leave it", { IKE_KE_ECP384, 0, 0xffff }, { IKE_KE_ECP521, 0, 0xffff }, 0 },
};

START_TEST(what_is_chosen)
{
	const struct choice *c = &choices[_i];
	uint32_t was;

	also(0, true, 3, IKE_KE_NONE);	/* a place that may stay empty */
	for (unsigned i = 0; i < 2; i++) {
		w.s[i].profile[0].esp[0].n_addke[3] = 0;
		w.s[i].profile[0].esp[0].group[0] = IKE_KE_CURVE25519;
		w.s[i].profile[0].esp[0].n_group = 1;
	}
	for (unsigned i = 0; i < 3 && c->a[i] != 0xffff; i++)
		also(0, true, 1, c->a[i]);
	for (unsigned i = 0; i < 3 && c->b[i] != 0xffff; i++)
		also(1, true, 1, c->b[i]);
	up();
	w.hook = listen;
	was = w_engine_child(&w, 0)->spi_in;
	w_rekey(&w, 0, false);
	w_run(&w, TICK_S(4));
	w_check_pair(&w);
	ck_assert_msg((w_engine_child(&w, 0)->spi_in != was) == (c->got >= 0), "%s", c->what);
	ck_assert_msg(asked(0) == (c->got > 0), "%s", c->what);
	if (c->got < 0)
		ck_assert_uint_eq(ike_count_drop(w.s[1].k, IKE_DROP_PROPOSAL), 1);
}
END_TEST

/* ---- what gets lost */
START_TEST(a_message_lost)
{
	bool ike = _i & 1;
	unsigned side = _i >> 1 & 1;

	all(0, IKE_KE_ECP384);
	all(2, IKE_KE_ECP256);
	up();
	lose = w.serial + (unsigned)_i / 4;
	w.hook = listen;
	w_rekey(&w, side, ike);
	w_run(&w, TICK_S(20));
	w_check_pair(&w);
	nothing_left();
	ck_assert_uint_ge(asked(side), 2);
	ck_assert_int_eq(w.s[0].gap, 0);
	ck_assert_uint_eq(w.s[0].rekeys, (unsigned)ike);
}
END_TEST

static bool silent;

static bool
silence(struct world *x, struct w_msg *m)
{
	(void)x;
	note(m);
	return !(silent && m->from == 0 && m->octets[18] == IKE_FOLLOWUP_KE);
}

/* The peer does not go on: what was kept for it goes, and nothing else. */
START_TEST(given_up)
{
	struct ike_sa *sa;

	all(0, IKE_KE_ECP384);
	up();
	w.hook = silence;
	silent = true;
	w_rekey(&w, 0, _i);
	w_run(&w, TICK_S(1));
	sa = w_sa(&w, 1);
	ck_assert_ptr_nonnull(sa->cc_more);
	ck_assert_uint_eq(w.s[1].k->n_sa, 1u + (unsigned)_i);
	w_stop(&w, 0);
	w_run(&w, IKE_MORE_LIFE);
	ck_assert_ptr_null(sa->cc_more);
	ck_assert_uint_eq(w.s[1].k->n_sa, 1);
	ck_assert_uint_eq(w_count_child(&w, 1), 1);
	ck_assert_uint_eq(w.s[1].downs, 0);
}
END_TEST

/* The peer forgot: STATE_NOT_FOUND, and all begins anew. */
START_TEST(forgotten)
{
	all(0, IKE_KE_ECP384);
	up();
	w.hook = silence;
	silent = true;
	w_rekey(&w, 0, _i);
	w_run(&w, TICK_MS(100));
	silent = false;
	w.hook = listen;
	ck_assert_ptr_nonnull(w_sa(&w, 1)->cc_more);
	ike_follow_drop(w.s[1].k, w_sa(&w, 1));
	w_run(&w, TICK_MS(700));
	ck_assert_uint_eq(last_error, IKE_N_STATE_NOT_FOUND);
	ck_assert_uint_eq(w.s[1].rekeys, 0);
	w_run(&w, TICK_S(30));
	w_check_pair(&w);
	nothing_left();
	ck_assert_uint_eq(w.s[0].rekeys, (unsigned)_i);
	ck_assert_uint_eq(asked(0), 3);	/* lost, not found, good */
	ck_assert_int_eq(w.s[0].gap, 0);
}
END_TEST

START_TEST(memory)
{
	unsigned side = _i & 1, n = (unsigned)_i / 4;

	all(0, IKE_KE_ECP384);
	up();
	w.s[side].t.fail_at = n + 1;
	w_rekey(&w, 0, _i & 2);
	w_run(&w, TICK_S(250));
	w_check_pair(&w);
	nothing_left();
	ck_assert_int_eq(w.s[0].gap, 0);
}
END_TEST

/* ---- both at once. Orders of requests and answers of the two CREATE_CHILD_SA; then whatever follows. `mixed`: each takes the other's
 * without more exchanges, but not the other way round. */
START_TEST(both_at_once)
{
	static const char *const orders[] = { "0101", "0110", "1010", "1001", "0011", "1100", "010", "101" };
	const char *order = orders[_i % 8];
	bool ike = _i / 8 & 1, mixed = _i / 16 & 1, loss = _i / 32 & 1;

	w.s[0].t.seed = 5000 + (uint64_t)_i / 8;
	all(0, IKE_KE_ECP384);
	if (mixed) {
		struct ike_proposal *p[] = { &w.s[0].profile[0].esp[0], &w.s[0].profile[0].ike[0], &w.s[1].profile[0].esp[0], &w.s[1].profile[0].ike[0] };

		for (unsigned i = 0; i < 4; i++) {
			p[i]->addke[0][i / 2] = IKE_KE_NONE;
			p[i]->addke[0][!(i / 2)] = IKE_KE_ECP384;
			p[i]->n_addke[0] = 2;
		}
	}
	up();
	w.manual = true;
	w_rekey(&w, 0, ike);
	w_rekey(&w, 1, ike);
	ck_assert_uint_eq(w.n_msg, 2);
	for (; *order; order++)
		w_deliver(&w, (unsigned)(*order - '0'));
	if (loss && w.n_msg) {
		free(w.msg[0]);
		memmove(&w.msg[0], &w.msg[1], --w.n_msg * sizeof(w.msg[0]));
	}
	w.manual = false;
	w_run(&w, TICK_S(250));
	w_check_pair(&w);
	nothing_left();
	ck_assert_int_eq(w.s[0].gap, 0);
	if (ike)
		ck_assert_uint_ge(w.s[0].rekeys, 1);
	if (!mixed && !loss)	/* only one of the two went on */
		ck_assert_uint_eq(asked(0) + asked(1), 1);
}
END_TEST

/* Each end hears and computes in whatever order it comes to: messages as they were sent, results as the workers have them. Nothing is
 * lost and no time passes, so one of the two gets through, and without being asked to wait. */
static void
something_happens(uint64_t *seed)
{
	unsigned from = (unsigned)(splitmix64(seed) % 2);

	if (w.s[from].n_jobs && splitmix64(seed) % 3 == 0)
		w_job_back(&w, from, (unsigned)(splitmix64(seed) % w.s[from].n_jobs), true);
	else
		w_deliver(&w, from);
}

START_TEST(in_any_order)
{
	uint64_t seed = 7000 + (uint64_t)_i;
	bool ike = _i & 1;
	uint32_t was;

	w.s[0].t.seed = seed;
	all(0, IKE_KE_ECP384);
	all(2, IKE_KE_ECP256);
	up();
	was = ike ? w_sa(&w, 0)->id : w_engine_child(&w, 0)->spi_in;
	w.manual = true;
	w.s[0].hold_jobs = w.s[1].hold_jobs = true;
	w_rekey(&w, 0, ike);
	w_rekey(&w, 1, ike);
	while (w.n_msg + w.s[0].n_jobs + w.s[1].n_jobs)
		something_happens(&seed);
	ck_assert_uint_ne(ike ? w_sa(&w, 0)->id : w_engine_child(&w, 0)->spi_in, was);
	w.s[0].hold_jobs = w.s[1].hold_jobs = w.manual = false;
	w_run(&w, TICK_S(250));
	w_check_pair(&w);
	nothing_left();
	ck_assert_int_eq(w.s[0].gap, 0);
}
END_TEST

/* Of the two exchanges the one with the lowest of the four nonces ends. */
START_TEST(lowest_nonce_stops)
{
	struct ike_low low[2];

	w.s[0].t.seed = 6000 + (uint64_t)_i;
	all(0, IKE_KE_ECP384);
	up();
	w.manual = true;
	w_rekey(&w, 0, _i & 1);
	w_rekey(&w, 1, _i & 1);
	w_deliver(&w, 0);
	w_deliver(&w, 1);
	for (unsigned i = 0; i < 2; i++)
		ike_low_of(&low[i], &w_sa(&w, i)->cc_tx->ni, &w_sa(&w, !i)->cc_more->nr);
	w.manual = false;
	w_run(&w, TICK_S(30));
	w_check_pair(&w);
	nothing_left();
	for (unsigned i = 0; i < 2; i++)
		ck_assert_uint_eq(asked(i), ike_low_cmp(&low[i], &low[!i]) > 0);
}
END_TEST

/* The peer rekeys what we rekey, past the point where nonces decide: it must wait. */
START_TEST(too_late_to_collide)
{
	all(0, IKE_KE_ECP384);
	up();
	w.manual = true;
	w_rekey(&w, 1, _i);
	w_deliver(&w, 1);
	w_deliver(&w, 0);	/* side 1 goes on: its IKE_FOLLOWUP_KE is on the way */
	ck_assert_int_eq(w_sa(&w, 1)->cc_tx->stage, IKE_CC_MORE);
	w.hook = listen;
	w_rekey(&w, 0, _i);
	w.msg[0]->at = 0;
	w_deliver(&w, 0);	/* 1 hears of it now */
	ck_assert_uint_eq(last_error, IKE_N_TEMPORARY_FAILURE);
	w.manual = false;
	w_run(&w, TICK_S(30));
	w_check_pair(&w);
	nothing_left();
	ck_assert_uint_eq(asked(0), 0);
	ck_assert_uint_eq(w.s[0].rekeys, (unsigned)_i);
	ck_assert_int_eq(w.s[0].gap, 0);
}
END_TEST

/* ---- what must not pass. Side 0 says what it likes in an IKE_FOLLOWUP_KE; or side 1 answers so. */
enum bad { B_NO_LINK, B_OTHER_LINK, B_LONGER_LINK, B_GROUP, B_LENGTH, B_POINT, B_NOTHING_ASKED, B_NO_KE, BADS };
static const struct bad_row {
	const char *what;
	uint16_t error;
	enum ike_drop drop;
	bool kept;	/* what waits is still there */
} bads[BADS] = {
	[B_NO_LINK] = { "without a link", IKE_N_STATE_NOT_FOUND, IKE_DROP_STATE, true },
	[B_OTHER_LINK] = { "with another link", IKE_N_STATE_NOT_FOUND, IKE_DROP_STATE, true },
	[B_LONGER_LINK] = { "with a longer link", IKE_N_STATE_NOT_FOUND, IKE_DROP_STATE, true },
	[B_GROUP] = { "with another method", IKE_N_INVALID_SYNTAX, IKE_DROP_GROUP, false },
	[B_LENGTH] = { "with a value of another length", IKE_N_INVALID_SYNTAX, IKE_DROP_GROUP, false },
	[B_POINT] = { "with a point off the curve", IKE_N_INVALID_SYNTAX, IKE_OK, false },
	[B_NOTHING_ASKED] = { "out of the blue", IKE_N_STATE_NOT_FOUND, IKE_DROP_STATE, false },
	[B_NO_KE] = { "without a value", IKE_N_INVALID_SYNTAX, IKE_DROP_PAYLOAD_PLACE, true },
};

static void
say(struct ike_sa *sa, enum bad what)
{
	static const uint8_t value[2 * 66] = { 1 };
	struct ike_cc *cc = sa->cc_tx;
	uint8_t link[IKE_LINK_MAX] = { 0 };
	size_t n = cc ? cc->link_len : IKE_LINK_LEN;
	struct ike_tx t;

	if (cc)
		memcpy(link, cc->link, n);
	link[0] ^= what == B_OTHER_LINK;
	w.s[0].k->out = &w.s[0].out;
	w.s[0].k->now = w.now;
	ike_x_done(w.s[0].k, sa);
	ike_tx_request(&t, sa, IKE_FOLLOWUP_KE);
	if (what != B_NO_KE)
		ike_build_ke(&t.b, what == B_GROUP ? IKE_KE_ECP521 : IKE_KE_ECP384, span_of(value, what == B_GROUP ? 132 : what == B_LENGTH ? 95 : 96));
	if (what != B_NO_LINK)
		ike_tx_notify_data(&t, IKE_N_ADDITIONAL_KEY_EXCHANGE, span_of(link, what == B_LONGER_LINK ? n + 1 : n));
	ck_assert(ike_x_start(w.s[0].k, sa, IKE_X_FOLLOW, &t));
	w_event(&w, 0, &(struct ike_event){ .kind = IKE_EV_USE });
}

START_TEST(bad_request)
{
	enum bad what = (enum bad)_i;
	struct ike_sa *sa;
	uint32_t was;

	all(0, IKE_KE_ECP384);
	up();
	was = w_engine_child(&w, 1)->spi_in;
	w.hook = silence;
	silent = true;
	if (what != B_NOTHING_ASKED) {
		w_rekey(&w, 0, false);
		w_run(&w, TICK_MS(100));
		ck_assert_ptr_nonnull(w_sa(&w, 1)->cc_more);
	}
	silent = false;
	w.hook = listen;
	w.manual = true;
	say(w_sa(&w, 0), what);
	w_deliver(&w, 0);
	sa = w_sa(&w, 1);
	ck_assert_msg(last_error == bads[what].error, "%s: answered %s", bads[what].what, ike_notify_name(last_error));
	if (bads[what].drop != IKE_OK)
		ck_assert_msg(w.last_drop == bads[what].drop, "%s: %s", bads[what].what, ike_drop_word(w.last_drop));
	ck_assert_msg((sa->cc_more != NULL) == bads[what].kept, "%s: kept or not", bads[what].what);
	ck_assert_uint_eq(w_engine_child(&w, 1)->spi_in, was);
	w.manual = false;
	w_run(&w, TICK_S(250));	/* and the rekeying succeeds in the end */
	w_check_pair(&w);
	nothing_left();
	ck_assert_int_eq(w.s[0].gap, 0);
}
END_TEST

/* Answers that are not what was agreed on. */
enum answer { A_NO_LINK, A_GROUP, A_LENGTH, A_EMPTY, A_LATER_NO_LINK, ANSWERS };

static void
answer(struct ike_sa *sa, enum answer what)
{
	static const uint8_t value[2 * 66] = { 1 };
	struct ike_rx rx = { .local = sa->local, .remote = sa->remote };
	struct ike_tx t;

	w.s[1].k->out = &w.s[1].out;
	w.s[1].k->now = w.now;
	ike_tx_response(&t, sa, IKE_FOLLOWUP_KE, sa->rx_mid);
	if (what == A_LATER_NO_LINK)	/* of the first of two */
		ike_build_ke(&t.b, IKE_KE_ECP384, ike_kex_public(w_sa(&w, 0)->cc_tx->job->kex));
	else if (what != A_EMPTY)
		ike_build_ke(&t.b, what == A_GROUP ? IKE_KE_ECP521 : IKE_KE_ECP384, span_of(value, what == A_GROUP ? 132 : what == A_LENGTH ? 95 : 96));
	ck_assert(ike_spare(w.s[1].k));
	ike_respond(w.s[1].k, sa, &t, &rx);
	w_event(&w, 1, &(struct ike_event){ .kind = IKE_EV_USE });
}

static bool strip_link;

/* CREATE_CHILD_SA answers without the link that there must be. */
static bool
without_link(struct world *x, struct w_msg *m)
{
	static uint8_t plain[8192];
	struct ike_sa *sa = w_sa(x, 1);
	struct ike_msg p;
	struct ike_hdr h;
	struct ike_tx t;
	struct ike_seal_room room;
	struct ike_sk_sizes sizes;
	long len;

	note(m);
	if (!strip_link || m->from != 1 || ike_msg_parse(span_of(m->octets, m->n), &p) != IKE_OK || p.hdr.exchange != IKE_CREATE_CHILD_SA || !p.response)
		return true;
	strip_link = false;
	len = ike_open(&sa->keys.r, p.sk.aad, p.sk.body, plain);
	ck_assert_int_gt(len, 0);
	ck_assert_int_eq(ike_msg_parse_inner(&p, span_of(plain, (size_t)len)), IKE_OK);
	ck_assert_ptr_nonnull(ike_msg_notify(&p, IKE_N_ADDITIONAL_KEY_EXCHANGE));
	h = p.hdr;
	t.w = wr_of(t.buf, sizeof(t.buf));
	ck_assert(ike_sk_sizes(&sa->keys.r, &sizes));
	ike_build_start(&t.b, &t.w, &h);
	ike_build_sk(&t.b, sizes.iv_len);
	ike_build_sa(&t.b, p.prop, p.n_prop, p.xform);
	ike_build_nonce(&t.b, p.nonce);
	ike_build_ke(&t.b, p.ke_group, p.ke);
	ike_tx_notify(&t, IKE_N_USE_TRANSPORT_MODE);
	ike_build_ts(&t.b, IKE_PL_TSI, p.tsi.ts, p.tsi.n);
	ike_build_ts(&t.b, IKE_PL_TSR, p.tsr.ts, p.tsr.n);
	ck_assert_uint_gt(ike_build_seal(&t.b, sizes.block, sizes.icv_len, &room), 0);
	ck_assert(ike_sk_iv(&sa->keys.r, sa->iv++, &x->s[1].k->env.env, room.iv) &&
	    ike_seal(&sa->keys.r, room.aad, room.iv, room.text, room.text_len, room.icv));
	m->n = wr_len(&t.w);
	memcpy(m->octets, t.buf, m->n);
	return true;
}

START_TEST(bad_answer)
{
	enum answer what = (enum answer)_i;

	all(0, IKE_KE_ECP384);
	all(2, IKE_KE_ECP256);
	up();
	if (what == A_NO_LINK) {
		strip_link = true;
		w.hook = without_link;
		w_rekey(&w, 0, false);
		w_run(&w, TICK_S(1));
		ck_assert(!strip_link);
		ck_assert_uint_eq(asked(0), 0);
	} else {
		w.manual = true;
		w_rekey(&w, 0, false);
		w_deliver(&w, 0);
		w_deliver(&w, 1);
		ck_assert_int_eq(w_sa(&w, 0)->cc_tx->stage, IKE_CC_MORE);
		w_lose_everything(&w);
		answer(w_sa(&w, 1), what);
		w_deliver(&w, 1);
		ck_assert(!w_sa(&w, 0)->cc_tx);
		w.manual = false;
	}
	ck_assert_int_eq(w_engine_child(&w, 0)->state, IKE_CH_UP);
	w_run(&w, TICK_S(250));
	w_check_pair(&w);
	nothing_left();
	ck_assert_int_eq(w.s[0].gap, 0);
}
END_TEST

/* Another request of the peer ends what waits for its next key exchange. */
START_TEST(another_request)
{
	struct ike_sa *sa;

	all(0, IKE_KE_ECP384);
	up();
	w.hook = silence;
	silent = true;
	w_rekey(&w, 0, false);
	w_run(&w, TICK_MS(100));
	sa = w_sa(&w, 0);
	ike_cc_free(w.s[0].k, &sa->cc_tx);
	ike_x_done(w.s[0].k, sa);
	ck_assert_ptr_nonnull(w_sa(&w, 1)->cc_more);
	silent = false;
	w_kick(&w, 0);	/* it is still wanted */
	w_run(&w, TICK_S(5));
	w_check_pair(&w);
	nothing_left();
}
END_TEST

Suite *
follow_suite(void)
{
	Suite *s = suite_create("follow");
	TCase *tc = tcase_create("follow");

	toy_kem_load();
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, rekeyed_with_more, 0, 32);
	tcase_add_loop_test(tc, kem, 0, 6);
	tcase_add_test(tc, keys_of_all_secrets);
	tcase_add_loop_test(tc, what_is_chosen, 0, sizeof(choices) / sizeof(choices[0]));
	tcase_add_loop_test(tc, a_message_lost, 0, 4 * 8);
	tcase_add_loop_test(tc, given_up, 0, 2);
	tcase_add_loop_test(tc, forgotten, 0, 2);
	tcase_add_loop_test(tc, memory, 0, 4 * 30);
	tcase_add_loop_test(tc, both_at_once, 0, 64);
	tcase_add_loop_test(tc, lowest_nonce_stops, 0, 8);
	tcase_add_loop_test(tc, in_any_order, 0, 200);
	tcase_add_loop_test(tc, too_late_to_collide, 0, 2);
	tcase_add_loop_test(tc, bad_request, 0, BADS);
	tcase_add_loop_test(tc, bad_answer, 0, ANSWERS);
	tcase_add_test(tc, another_request);
	suite_add_tcase(s, tc);
	return s;
}
