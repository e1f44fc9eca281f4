/* Messages in pieces (RFC 7383): both ways, lost, repeated, out of order, of every impossible kind, within bounds. */
#include "tests/unit/ike_engine/suites.h"

#include <stdlib.h>

static struct world w;
static size_t largest;	/* message seen */
static unsigned n_pieces, lose_piece;

static void
begin(void)
{
	w_init(&w);
	largest = n_pieces = 0;
	lose_piece = UINT32_MAX;
}

static void
end(void)
{
	w_fini(&w);
}

static bool
is_piece(const struct w_msg *m)
{
	return m->octets[16] == IKE_PL_SKF;
}

static bool
watch(struct world *x, struct w_msg *m)
{
	(void)x;
	if (m->octets[18] != IKE_SA_INIT && m->n > largest)
		largest = m->n;
	if (!is_piece(m))
		return true;
	return n_pieces++ != lose_piece;
}

static void
small(uint16_t mtu)
{
	w.hook = watch;
	w.s[0].conf.frag_mtu = w.s[1].conf.frag_mtu = mtu;
}

static void
up(void)
{
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_S(5));
	w_check_pair(&w);
}

static void
rekey(unsigned side)
{
	struct ike_event ev = { .kind = IKE_EV_SA_SOFT, .spi_in = w.s[side].child[0].dp.spi_in };

	w_event(&w, side, &ev);
	w_run(&w, TICK_S(10));
	w_check_pair(&w);
}

START_TEST(both_ways_no_packet_above_the_limit)
{
	static const uint16_t mtu[] = { 140, 150, 200, 260 };
	uint16_t limit = mtu[_i];

	small(limit);
	w.s[0].profile[0].esp[0].group[0] = w.s[1].profile[0].esp[0].group[0] = IKE_KE_ECP384;
	w.s[0].profile[0].esp[0].n_group = w.s[1].profile[0].esp[0].n_group = 1;
	up();
	rekey(0);
	rekey(1);
	ck_assert_uint_gt(largest, limit / 2u);
	ck_assert_uint_le(largest, limit - 28u);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert(w_sa(&w, i)->ext.frag);
		ck_assert_uint_gt(ike_count_fragments(w.s[i].k, true), 3);
		ck_assert_uint_eq(ike_count_fragments(w.s[i].k, true), ike_count_fragments(w.s[1 - i].k, false));
	}
}
END_TEST

/* CBC pads every piece, and IPv6 and the marker of port 4500 take their part. */
START_TEST(limit_counts_every_header)
{
	for (unsigned i = 0; i < 2; i++) {
		struct ike_proposal *p = &w.s[i].profile[0].ike[0];

		p->encr[0] = IKE_ENCR_AES_CBC;
		p->integ[0] = IKE_INTEG_HMAC_SHA2_256_128;
		p->n_integ = 1;
	}
	if (_i) {
		w.s[0].addr = w_addr("2001:db8::1");
		w.s[1].addr = w_addr("2001:db8::2");
	} else {
		w.s[0].nat = w_addr("203.0.113.77");
	}
	small(240);
	up();
	ck_assert_uint_gt(n_pieces, 3);
	ck_assert_uint_le(largest, 240 - 8 - (_i ? 40u : 24u));
	ck_assert_uint_gt(largest, 240 - 8 - (_i ? 40u : 24u) - 16);
}
END_TEST

START_TEST(not_agreed_not_done)
{
	small(150);
	w.s[_i].conf.frag_off = true;
	up();
	ck_assert_uint_eq(n_pieces, 0);
	ck_assert(!w_sa(&w, 0)->ext.frag && !w_sa(&w, 1)->ext.frag);
}
END_TEST

START_TEST(nothing_is_cut_that_fits)
{
	small(1280);
	up();
	rekey(1);
	ck_assert_uint_eq(n_pieces, 0);
	ck_assert(w_sa(&w, 0)->ext.frag && w_sa(&w, 1)->ext.frag);
}
END_TEST

/* Whichever piece is lost, repeating the message brings it. */
START_TEST(kth_piece_lost)
{
	small(150);
	lose_piece = (unsigned)_i;
	up();
	rekey(0);
	ck_assert_uint_gt(n_pieces, lose_piece);
	ck_assert_uint_eq(w.s[0].ups + w.s[1].ups, 2);
}
END_TEST

START_TEST(pieces_in_any_order)
{
	small(140);
	w.shuffle = 77 + (unsigned)_i;
	up();
	rekey(0);
	rekey(1);
	ck_assert_uint_eq(w.s[0].ups + w.s[1].ups, 2);
}
END_TEST

static bool
twice(struct world *x, struct w_msg *m)
{
	struct w_msg *copy = malloc(sizeof(*copy));

	*copy = *m;
	copy->at += TICK_MS(3);
	x->msg[x->n_msg++] = copy;
	return watch(x, m);
}

START_TEST(every_piece_twice)
{
	small(150);
	w.hook = twice;
	up();
	rekey(0);
	ck_assert_uint_eq(w.s[0].ups + w.s[1].ups, 2);
	ck_assert_uint_gt(ike_count_drop(w.s[1].k, IKE_DROP_FRAGMENT_OLD) + ike_count_drop(w.s[1].k, IKE_DROP_STATE), 0);
}
END_TEST

/* ---- pieces made here, sealed with the initiator's keys */
struct cutter {
	struct w_msg m[80];
	unsigned n;
};

static void
piece(struct cutter *c, uint8_t exchange, uint32_t mid, uint8_t first, uint16_t no, uint16_t total, struct span text)
{
	struct ike_sa *sa = w_sa(&w, 0);
	struct ike_hdr h = { .spi_i = sa->spi_i, .spi_r = sa->spi_r, .version = IKE_VERSION_2, .exchange = exchange,
		.flags = IKE_FLAG_INITIATOR, .mid = mid };
	struct w_msg *m = &c->m[c->n++];
	struct wr b;
	struct ike_sk_sizes s;
	struct ike_seal_room room;
	struct ike_build build;

	memset(m, 0, sizeof(*m));
	b = wr_of(m->octets, sizeof(m->octets));
	m->src = (struct endpoint){ w.s[0].addr, 500 };
	m->dst = (struct endpoint){ w.s[1].addr, 500 };
	ck_assert(ike_sk_sizes(&sa->keys.i, &s));
	ike_build_start(&build, &b, &h);
	ike_build_skf(&build, s.iv_len, first, no, total);
	wr_put(&b, text);
	m->n = ike_build_seal(&build, s.block, s.icv_len, &room);
	ck_assert_uint_gt(m->n, 0);
	ck_assert(ike_sk_iv(&sa->keys.i, sa->iv++, &w.s[0].t.env, room.iv));
	ck_assert(ike_seal(&sa->keys.i, room.aad, room.iv, room.text, room.text_len, room.icv));
}

/* An INFORMATIONAL request with one notify, in pieces of `each` octets of text. */
static void
cut(struct cutter *c, uint32_t mid, size_t each)
{
	uint8_t text[68] = { 0, 0, 0, 68, 0, 0, 0x60, 0x01 };
	uint16_t total = (uint16_t)((sizeof(text) + each - 1) / each);

	c->n = 0;
	for (uint16_t i = 0; i < total; i++) {
		size_t at = i * each, n = sizeof(text) - at < each ? sizeof(text) - at : each;

		piece(c, IKE_INFORMATIONAL, mid, i ? IKE_PL_NONE : IKE_PL_NOTIFY, (uint16_t)(i + 1), total, span_of(text + at, n));
	}
}

static struct cutter c;

START_TEST(coarser_cut_is_dropped_and_finer_begins_anew)
{
	static struct cutter fine;
	uint32_t mid;

	up();
	w.manual = true;
	mid = w_sa(&w, 1)->rx_mid;
	cut(&c, mid, 30);	/* three */
	cut(&fine, mid, 10);	/* seven */
	ck_assert_uint_eq(c.n, 3);
	ck_assert_uint_eq(fine.n, 7);
	ck_assert_int_eq(w_inject(&w, 1, &c.m[0]), IKE_OK);
	ck_assert_int_eq(w_inject(&w, 1, &c.m[0]), IKE_DROP_FRAGMENT_OLD);
	ck_assert_int_eq(w_inject(&w, 1, &fine.m[6]), IKE_OK);
	ck_assert_int_eq(w_inject(&w, 1, &c.m[1]), IKE_DROP_FRAGMENT_OLD);
	ck_assert_int_eq(w_inject(&w, 1, &c.m[2]), IKE_DROP_FRAGMENT_OLD);
	for (unsigned i = 5; i > 0; i--)
		ck_assert_int_eq(w_inject(&w, 1, &fine.m[i]), IKE_OK);
	ck_assert_uint_eq(w_held(&w, 1), 0);
	ck_assert_int_eq(w_inject(&w, 1, &fine.m[0]), IKE_OK);
	ck_assert_uint_eq(w_held(&w, 1), 1);
	ck_assert_uint_eq(w_sa(&w, 1)->rx_mid, mid + 1);
	ck_assert_ptr_null(w_sa(&w, 1)->frags[0]);
	/* The whole request again: its first piece asks for the answer, the others for nothing. */
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(w_inject(&w, 1, &c.m[i]), i ? IKE_DROP_FRAGMENT_OLD : IKE_OK);
	ck_assert_uint_eq(w_held(&w, 1), 2);
	w_lose_everything(&w);
}
END_TEST

START_TEST(a_forged_piece_is_not_kept)
{
	uint32_t mid;

	up();
	w.manual = true;
	mid = w_sa(&w, 1)->rx_mid;
	cut(&c, mid, 30);
	c.m[1].octets[c.m[1].n - 1] ^= 1;
	ck_assert_int_eq(w_inject(&w, 1, &c.m[1]), IKE_DROP_ICV);
	ck_assert_ptr_null(w_sa(&w, 1)->frags[0]);
	c.m[1].octets[c.m[1].n - 1] ^= 1;
	c.m[2].octets[35] ^= 1;	/* total is covered too */
	ck_assert_int_ne(w_inject(&w, 1, &c.m[2]), IKE_OK);
	c.m[2].octets[35] ^= 1;
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(w_inject(&w, 1, &c.m[i]), IKE_OK);
	ck_assert_uint_eq(w_held(&w, 1), 1);
	w_lose_everything(&w);
}
END_TEST

START_TEST(bounds)
{
	static uint8_t zeros[1100];
	enum ike_drop d = IKE_OK;
	uint32_t mid;
	long live;

	up();
	w.manual = true;
	mid = w_sa(&w, 1)->rx_mid;
	live = w.s[1].t.live;
	c.n = 0;
	piece(&c, IKE_INFORMATIONAL, mid, IKE_PL_NONE, 2, IKE_FRAGS_MAX + 1, span_of(zeros, 10));
	ck_assert_int_eq(w_inject(&w, 1, &c.m[0]), IKE_DROP_FRAGMENT_MANY);
	ck_assert_int_eq(w.s[1].t.live, live);
	c.n = 0;
	for (uint16_t i = 2; i <= IKE_FRAGS_MAX; i++)
		piece(&c, IKE_INFORMATIONAL, mid, IKE_PL_NONE, i, IKE_FRAGS_MAX, span_of(zeros, sizeof(zeros)));
	for (unsigned i = 0; i < c.n && d == IKE_OK; i++)
		d = w_inject(&w, 1, &c.m[i]);
	ck_assert_int_eq(d, IKE_DROP_FRAGMENT_MANY);
	ck_assert_ptr_null(w_sa(&w, 1)->frags[0]);
	ck_assert_int_eq(w.s[1].t.live, live);
	w_lose_everything(&w);
}
END_TEST

/* What the pieces come to is judged like a whole message. */
START_TEST(nonsense_in_pieces_is_answered)
{
	static const uint8_t text[] = { 0, 0, 0, 3, 9, 9 };	/* a payload shorter than its header */
	uint32_t mid;

	up();
	w.manual = true;
	mid = w_sa(&w, 1)->rx_mid;
	c.n = 0;
	piece(&c, IKE_INFORMATIONAL, mid, IKE_PL_NOTIFY, 1, 2, span_of(text, 3));
	piece(&c, IKE_INFORMATIONAL, mid, IKE_PL_NONE, 2, 2, span_of(text + 3, 3));
	ck_assert_int_eq(w_inject(&w, 1, &c.m[0]), IKE_OK);
	ck_assert_int_eq(w_inject(&w, 1, &c.m[1]), IKE_DROP_PAYLOAD_SHORT);
	ck_assert_uint_eq(w_held(&w, 1), 1);
	ck_assert_uint_eq(w_sa(&w, 1)->rx_mid, mid + 1);
	/* An empty piece, and one whose padding is impossible. */
	c.n = 0;
	piece(&c, IKE_INFORMATIONAL, mid + 1, IKE_PL_NOTIFY, 1, 2, span_of(text, 0));
	ck_assert_int_eq(w_inject(&w, 1, &c.m[0]), IKE_OK);
	ck_assert_int_eq(w_inject(&w, 1, &c.m[0]), IKE_DROP_FRAGMENT_OLD);
	w_lose_everything(&w);
}
END_TEST

/* A piece where pieces were not agreed on: dropped before anything is computed. */
START_TEST(unwanted_piece)
{
	w.s[1].conf.frag_off = true;
	up();
	w.manual = true;
	cut(&c, w_sa(&w, 1)->rx_mid, 30);
	ck_assert_int_eq(w_inject(&w, 1, &c.m[0]), IKE_DROP_FRAGMENT);
	ck_assert_int_eq(ike_count_drop(w.s[1].k, IKE_DROP_FRAGMENT), 1);
}
END_TEST

/* All pieces of IKE_AUTH come while the secret is being computed; of what comes more than the bound is refused. */
START_TEST(pieces_wait_for_the_keys)
{
	static struct w_msg rubbish;
	struct ike_job *job;
	struct ike_event ev = { .kind = IKE_EV_JOB };
	unsigned taken = 0;

	small(150);
	w.s[1].hold_jobs = true;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_MS(100));
	ck_assert_uint_eq(w.s[1].n_jobs, 1);	/* our own value */
	ev.job = w.s[1].jobs[0];
	w.s[1].n_jobs = 0;
	ike_job_run(ev.job);
	w_event(&w, 1, &ev);
	w_run(&w, TICK_MS(100));
	ck_assert_uint_eq(w.s[1].n_jobs, 1);	/* the secret */
	ck_assert_uint_gt(n_pieces, 2);
	ck_assert_uint_eq(w.s[1].ups, 0);
	w.manual = true;
	w_run(&w, TICK_MS(600));	/* the initiator repeats itself: nothing is kept twice */
	job = w.s[1].jobs[0];
	w.s[1].n_jobs = 0;
	rubbish.src = (struct endpoint){ w.s[0].addr, 500 };
	rubbish.dst = (struct endpoint){ w.s[1].addr, 500 };
	for (unsigned i = 0; i < 20; i++) {
		struct map_iter it = { 0 };
		struct ike_sa *sa = container_of(map_first(&w.s[1].k->by_id, &it), struct ike_sa, by_id);
		struct wr b = wr_of(rubbish.octets, sizeof(rubbish.octets));
		struct ike_hdr h = { .spi_i = sa->spi_i, .spi_r = sa->spi_r, .version = IKE_VERSION_2, .exchange = IKE_AUTH,
			.flags = IKE_FLAG_INITIATOR, .mid = 1 };
		struct ike_build build;
		struct ike_seal_room room;

		ike_build_start(&build, &b, &h);
		ike_build_sk(&build, 8);
		wr_zero(&b, 1900);
		wr_u8(&b, (uint8_t)i);
		rubbish.n = ike_build_seal(&build, 1, 16, &room);
		taken += w_inject(&w, 1, &rubbish) == IKE_OK;
	}
	ck_assert_uint_gt(taken, 5);
	ck_assert_uint_lt(taken, 13);
	ck_assert_uint_gt(ike_count_drop(w.s[1].k, IKE_DROP_FRAGMENT_MANY), 5);
	w.s[1].hold_jobs = false;
	w.manual = false;
	ev.job = job;
	ike_job_run(job);
	w_event(&w, 1, &ev);
	w_run(&w, TICK_S(5));
	w_check_pair(&w);
	ck_assert_uint_eq(ike_count_drop(w.s[1].k, IKE_DROP_ICV), taken);
}
END_TEST

START_TEST(every_allocation_fails_once)
{
	small(150);
	w_go(&w);
	w.s[_i % 2].t.fail_at = _i / 2 + 1;
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_S(40));
	w_check_pair(&w);
}
END_TEST

Suite *
frag_suite(void)
{
	Suite *s = suite_create("frag");
	TCase *tc = tcase_create("frag");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, both_ways_no_packet_above_the_limit, 0, 4);
	tcase_add_loop_test(tc, limit_counts_every_header, 0, 2);
	tcase_add_loop_test(tc, not_agreed_not_done, 0, 2);
	tcase_add_test(tc, nothing_is_cut_that_fits);
	tcase_add_loop_test(tc, kth_piece_lost, 0, 12);
	tcase_add_loop_test(tc, pieces_in_any_order, 0, 20);
	tcase_add_test(tc, every_piece_twice);
	tcase_add_test(tc, coarser_cut_is_dropped_and_finer_begins_anew);
	tcase_add_test(tc, a_forged_piece_is_not_kept);
	tcase_add_test(tc, bounds);
	tcase_add_test(tc, nonsense_in_pieces_is_answered);
	tcase_add_test(tc, unwanted_piece);
	tcase_add_test(tc, pieces_wait_for_the_keys);
	tcase_add_loop_test(tc, every_allocation_fails_once, 1, 120);
	suite_add_tcase(s, tc);
	return s;
}
