/* Rekeying of children and of the IKE SA, alone and against each other: the collision table of create_child.c, row by row. */
#include "tests/unit/ike_engine/suites.h"

#include <stdlib.h>

static struct world w;

static void
begin(void)
{
	w_init(&w);
}

static void
end(void)
{
	w_fini(&w);
}

static void
ev_spi(unsigned side, enum ike_event_kind kind, uint32_t spi)
{
	struct ike_event ev = { .kind = kind, .spi_in = spi };

	w_event(&w, side, &ev);
}

static void
rekey_child(unsigned side)
{
	ev_spi(side, IKE_EV_SA_SOFT, w_engine_child(&w, side)->spi_in);
}

static void
rekey_ike(unsigned side)
{
	struct ike_sa *sa = w_sa(&w, side);

	sa->want_rekey = true;
	timer_arm(&w.s[side].k->timers, &sa->t_kick, w.now);
	w_run(&w, 0);
}

static void
delete_child(unsigned side)
{
	ev_spi(side, IKE_EV_SA_HARD, w_engine_child(&w, side)->spi_in);
}

/* All quiet in the end: one SA, one pair, never without one meanwhile. */
static void
calm(void)
{
	w.manual = false;
	w_run(&w, TICK_S(70));
	w_check_pair(&w);
	ck_assert_int_eq(w.s[0].gap, 0);
	ck_assert_uint_eq(w.s[0].downs + w.s[1].downs, 0);
}

static void
use_esp(uint16_t a, uint16_t b)
{
	for (unsigned i = 0; i < 2; i++) {
		struct ike_proposal *p = &w.s[i].profile[0].esp[0];

		p->group[0] = a;
		p->group[1] = b;
		p->n_group = (a != 0) + (b != 0);
	}
}

START_TEST(child_rekey)
{
	uint32_t old;

	use_esp(_i ? IKE_KE_ECP256 : 0, 0);
	w_up(&w);
	old = w.s[0].child[0].dp.spi_in;
	rekey_child(_i & 1);
	w_settle(&w);
	ck_assert_uint_eq(w_count_child(&w, 0), 2);	/* the old one lingers */
	ck_assert(w_usable(&w));
	w_run(&w, TICK_S(4));
	w_check_pair(&w);
	ck_assert_uint_ne(w.s[0].child[0].dp.spi_in, old);
	ck_assert_uint_eq(w_engine_child(&w, 0)->pfs_group, _i ? IKE_KE_ECP256 : 0);
	ck_assert_int_eq(w.s[0].gap, 0);
}
END_TEST

START_TEST(responder_sends_on_the_new_one_when_it_is_used)
{
	w_up(&w);
	w.manual = true;
	rekey_child(0);
	ck_assert(w_deliver(&w, 0));
	ck_assert_uint_eq(w_count_child(&w, 1), 2);
	ck_assert(!w.s[1].child[1].active);
	ck_assert(w_deliver(&w, 1));
	ck_assert(w.s[0].child[1].active);
	ev_spi(1, IKE_EV_SA_USED, w.s[1].child[1].dp.spi_in);
	ck_assert(w.s[1].child[1].active);
	calm();
}
END_TEST

START_TEST(responder_sends_on_the_new_one_when_the_old_is_deleted)
{
	w_up(&w);
	w.manual = true;
	rekey_child(0);
	w_deliver(&w, 0);
	w_deliver(&w, 1);
	ck_assert(!w.s[1].child[1].active);
	w_deliver(&w, 0);	/* the delete */
	ck_assert(w.s[1].child[1].active);
	calm();
}
END_TEST

START_TEST(pfs_group_mismatch)
{
	use_esp(IKE_KE_CURVE25519, IKE_KE_ECP256);
	w.s[1].profile[0].esp[0].group[0] = IKE_KE_ECP256;
	w.s[1].profile[0].esp[0].n_group = 1;
	w_up(&w);
	rekey_child(0);
	w_run(&w, TICK_S(5));
	w_check_pair(&w);
	ck_assert_uint_eq(w_engine_child(&w, 0)->pfs_group, IKE_KE_ECP256);
	ck_assert_int_eq(w.s[0].gap, 0);
}
END_TEST

START_TEST(ike_rekey)
{
	uint32_t sa, spi;

	w_up(&w);
	sa = w_sa(&w, 0)->id;
	spi = w.s[0].child[0].dp.spi_in;
	rekey_ike(_i);
	w_settle(&w);
	ck_assert_uint_ne(w_sa(&w, 0)->id, sa);
	ck_assert_uint_eq(w.s[0].rekeys, 1);
	ck_assert_uint_eq(w.s[1].rekeys, 1);
	ck_assert_uint_eq(w.s[0].rekeyed_to, w_sa(&w, 0)->id);
	ck_assert_uint_eq(w_sa(&w, 0)->initiator, _i == 0);
	ck_assert_uint_eq(w.s[0].child[0].dp.spi_in, spi);
	ck_assert_uint_eq(w_sa(&w, 0)->dials->id, 1);
	calm();
	rekey_child(1 - _i);	/* keys of the new SA serve */
	w_run(&w, TICK_S(5));
	w_check_pair(&w);
	rekey_ike(1 - _i);
	w_run(&w, TICK_S(10));
	w_check_pair(&w);
}
END_TEST

/* ---- collisions. Each side has sent its own request before it sees the other's. In which order the four messages
 * then arrive is the loop's. */
static const char *const orders[] = { "0101", "0110", "1010", "1001", "0011", "1100" };

static void
play(const char *order)
{
	for (; *order; order++)
		w_deliver(&w, (unsigned)(*order - '0'));
}

/* The operator wants it now, and not of an SA that is no more. */
START_TEST(rekey_when_told)
{
	struct ike_event ev = { .kind = IKE_EV_REKEY, .sa = 0xdead };
	unsigned side = (unsigned)_i;
	uint32_t was;

	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_settle(&w);
	w_event(&w, side, &ev);
	w_settle(&w);
	ck_assert_uint_eq(w.s[side].rekeys, 0);
	was = ev.sa = w_sa(&w, side)->id;
	w_event(&w, side, &ev);
	calm();
	ck_assert_uint_eq(w.s[0].rekeys, 1);
	ck_assert_uint_eq(w.s[1].rekeys, 1);
	ck_assert_uint_ne(w_sa(&w, side)->id, was);
	w_check_pair(&w);
	ck_assert_uint_eq(w.s[0].child_adds, 1);
}
END_TEST

START_TEST(both_rekey_the_child)
{
	use_esp(_i & 1 ? IKE_KE_CURVE25519 : 0, 0);
	w.s[0].t.seed = 77 + (uint64_t)_i;	/* who loses differs */
	w_up(&w);
	w.manual = true;
	rekey_child(0);
	rekey_child(1);
	play(orders[_i % 6]);
	w.manual = false;
	w_run(&w, TICK_S(1));
	ck_assert(w_usable(&w));
	calm();
}
END_TEST

/* The rule itself, or both ends could agree on its opposite. */
START_TEST(the_lowest_nonce_loses)
{
	struct ike_low best = { 0 };
	uint32_t old;
	unsigned made = 0;

	w.s[0].t.seed = 900 + (uint64_t)_i;
	w_up(&w);
	old = w.s[0].child[0].dp.spi_in;
	w.manual = true;
	rekey_child(0);
	rekey_child(1);
	play("0101");
	for (struct ike_child *c = w_sa(&w, 0)->children; c; c = c->next) {
		if (c->spi_in == old)
			continue;
		made++;
		if (ike_low_cmp(&c->low, &best) > 0)
			best = c->low;
	}
	ck_assert_uint_eq(made, 2);
	calm();
	ck_assert_int_eq(ike_low_cmp(&w_engine_child(&w, 0)->low, &best), 0);
}
END_TEST

START_TEST(the_ike_sa_with_the_lowest_nonce_loses)
{
	struct map_iter it = { 0 };
	struct ike_low best = { 0 };
	uint32_t old;
	unsigned made = 0;

	w.s[0].t.seed = 900 + (uint64_t)_i;
	w_up(&w);
	old = w_sa(&w, 0)->id;
	w.manual = true;
	rekey_ike(0);
	rekey_ike(1);
	play("0101");
	for (struct map_node *n = map_first(&w.s[0].k->by_id, &it); n; n = map_next(&w.s[0].k->by_id, &it)) {
		struct ike_sa *sa = container_of(n, struct ike_sa, by_id);

		if (sa->id == old)
			continue;
		made++;
		if (ike_low_cmp(&sa->low, &best) > 0)
			best = sa->low;
	}
	ck_assert_uint_eq(made, 2);
	calm();
	ck_assert_int_eq(ike_low_cmp(&w_sa(&w, 0)->low, &best), 0);
}
END_TEST

START_TEST(both_rekey_the_child_and_an_answer_is_lost)
{
	unsigned from = (unsigned)_i & 1;

	w.s[0].t.seed = 77 + (uint64_t)_i;
	w_up(&w);
	w.manual = true;
	rekey_child(0);
	rekey_child(1);
	w_deliver(&w, 0);
	w_deliver(&w, 1);
	for (unsigned i = 0; i < w.n_msg; i++) {
		if (w.msg[i]->from == from) {
			free(w.msg[i]);
			memmove(&w.msg[i], &w.msg[i + 1], (--w.n_msg - i) * sizeof(w.msg[0]));
			break;
		}
	}
	calm();
}
END_TEST

START_TEST(both_rekey_but_one_request_is_late)
{
	w_up(&w);
	w.manual = true;
	rekey_child(0);
	rekey_child(1);
	w_deliver(&w, 0);	/* 1 answers 0 */
	for (unsigned i = 0; i < w.n_msg; i++) {	/* the answer overtakes 1's own request */
		if (w.msg[i]->from == 1 && (w.msg[i]->octets[19] & IKE_FLAG_RESPONSE)) {
			w_deliver_at(&w, i);
			break;
		}
	}
	ck_assert_uint_eq(w_held(&w, 1), 1);
	w_deliver(&w, 1);	/* deleting the old one: TEMPORARY_FAILURE */
	calm();
}
END_TEST

START_TEST(rekeying_child_and_peer_deletes_it)
{
	w_up(&w);
	w.manual = true;
	rekey_child(0);
	delete_child(1);
	play(orders[_i]);
	w.manual = false;
	w_run(&w, TICK_S(20));
	w_check_pair(&w);	/* whoever dialled makes a new one */
	ck_assert_uint_eq(w.s[0].downs, 0);
}
END_TEST

START_TEST(both_delete_the_child)
{
	w_up(&w);
	w.manual = true;
	delete_child(0);
	delete_child(1);
	play(orders[_i]);
	w.manual = false;
	w_run(&w, TICK_S(20));
	w_check_pair(&w);
	ck_assert_uint_eq(w.s[0].downs, 0);
}
END_TEST

static void
craft_rekey_of_unknown(uint8_t proto, uint16_t expect)
{
	struct ike_sa *sa = w_sa(&w, 0);
	struct ike_tx t;
	struct ike_offer o;
	struct ike_ts ts;
	uint8_t spi[4] = { 9, 9, 9, 9 }, nonce[32] = { 1 };
	struct ike_msg m;
	uint8_t plain[4096];
	long n;

	w.manual = true;
	ike_tx_request(&t, sa, IKE_CREATE_CHILD_SA);
	ike_build_notify(&t.b, proto, span_of(spi, 4), IKE_N_REKEY_SA, span_of("", 0));
	ike_tx_notify(&t, IKE_N_USE_TRANSPORT_MODE);
	ike_offer_esp(&w.s[0].profile[0], true, 0x12345, &o);
	ike_build_sa(&t.b, o.prop, o.n_prop, o.xf);
	ike_build_nonce(&t.b, span_of(nonce, 32));
	ike_natt_ts(&sa->local, &ts);
	ike_build_ts(&t.b, IKE_PL_TSI, &ts, 1);
	ike_natt_ts(&sa->remote, &ts);
	ike_build_ts(&t.b, IKE_PL_TSR, &ts, 1);
	w.s[0].k->out = &w.s[0].out;
	ck_assert(ike_x_start(w.s[0].k, sa, IKE_X_LIVE, &t));
	w_event(&w, 0, &(struct ike_event){ .kind = IKE_EV_SA_USED });	/* drains */
	ck_assert(w_deliver(&w, 0));
	ck_assert_uint_eq(w_held(&w, 1), 1);
	ck_assert_int_eq(ike_msg_parse(span_of(w.msg[0]->octets, w.msg[0]->n), &m), IKE_OK);
	n = ike_open(&sa->keys.r, m.sk.aad, m.sk.body, plain);
	ck_assert_int_ge(n, 0);
	ck_assert_int_eq(ike_msg_parse_inner(&m, span_of(plain, (size_t)n)), IKE_OK);
	ck_assert_ptr_nonnull(ike_msg_notify(&m, expect));
	if (expect == IKE_N_CHILD_SA_NOT_FOUND) {
		ck_assert_uint_eq(ike_msg_notify(&m, expect)->proto, proto);
		ck_assert(span_eq(ike_msg_notify(&m, expect)->spi, span_of(spi, 4)));
	}
	w_lose_everything(&w);
}

/* ---- what the answers say, cell by cell. Opens the newest message that `side` sent. */
static struct ike_msg said;
static uint8_t said_plain[4096];

static void
open_answer(unsigned side, const struct ike_sa *sa)
{
	const struct w_msg *m = w.msg[w.n_msg - 1];
	bool from_i = m->octets[19] & IKE_FLAG_INITIATOR;
	long n;

	ck_assert_uint_eq(m->from, side);
	ck_assert_int_eq(ike_msg_parse(span_of(m->octets, m->n), &said), IKE_OK);
	ck_assert(said.response);
	n = ike_open(from_i ? &sa->keys.i : &sa->keys.r, said.sk.aad, said.sk.body, said_plain);
	ck_assert_int_ge(n, 0);
	ck_assert_int_eq(ike_msg_parse_inner(&said, span_of(said_plain, (size_t)n)), IKE_OK);
}

static void
close_ike(unsigned side)
{
	struct ike_event ev = { .kind = IKE_EV_CLOSE, .sa = w_sa(&w, side)->id };

	w_event(&w, side, &ev);
}

static void
new_child(unsigned side)
{
	struct ike_sa *sa = w_sa(&w, side);

	w.s[side].k->out = &w.s[side].out;
	ck_assert(ike_cc_start(w.s[side].k, sa, IKE_CC_NEW, NULL, 0));
	w_event(&w, side, &(struct ike_event){ .kind = IKE_EV_SA_USED });
}

typedef void doing(unsigned side);
static const struct cell {
	doing *mine, *theirs;
	uint16_t notify;	/* 0: no error */
	unsigned deletes;	/* Delete payloads in the answer */
} cells[] = {
	{ rekey_child, rekey_child, 0, 0 },
	{ rekey_child, delete_child, 0, 1 },
	{ rekey_child, rekey_ike, IKE_N_TEMPORARY_FAILURE, 0 },
	{ rekey_child, close_ike, 0, 0 },
	{ delete_child, rekey_child, IKE_N_TEMPORARY_FAILURE, 0 },
	{ delete_child, delete_child, 0, 0 },
	{ delete_child, rekey_ike, IKE_N_TEMPORARY_FAILURE, 0 },
	{ rekey_ike, rekey_ike, 0, 0 },
	{ rekey_ike, rekey_child, IKE_N_TEMPORARY_FAILURE, 0 },
	{ rekey_ike, new_child, IKE_N_TEMPORARY_FAILURE, 0 },
	{ rekey_ike, delete_child, 0, 1 },
	{ rekey_ike, close_ike, 0, 0 },
	{ close_ike, rekey_ike, IKE_N_TEMPORARY_FAILURE, 0 },
	{ close_ike, rekey_child, IKE_N_TEMPORARY_FAILURE, 0 },
	{ close_ike, new_child, IKE_N_TEMPORARY_FAILURE, 0 },
	{ close_ike, close_ike, 0, 0 },
};
enum { N_CELLS = sizeof(cells) / sizeof(cells[0]) };

START_TEST(answers_by_the_table)
{
	const struct cell *c = &cells[_i % N_CELLS];
	unsigned me = _i >= N_CELLS, peer = 1 - me;
	struct ike_sa sa;
	uint32_t mine;

	w_up(&w);
	sa = *w_sa(&w, me);	/* its keys */
	mine = w.s[me].child[0].dp.spi_in;
	w.manual = true;
	c->mine(me);
	c->theirs(peer);
	w_deliver(&w, peer);
	open_answer(me, &sa);
	if (c->notify)
		ck_assert_ptr_nonnull(ike_msg_notify(&said, c->notify));
	else
		ck_assert_ptr_null(ike_msg_error(&said));
	ck_assert_uint_eq(said.n_del, c->deletes);
	if (c->deletes) {	/* the other direction: our own inbound SPI */
		ck_assert_uint_eq(said.del[0].proto, IKE_PROTO_ESP);
		ck_assert_uint_eq(said.del[0].n, 1);
		ck_assert_uint_eq(ike_delete_spi(&said.del[0], 0), mine);
	}
	ike_keys_wipe(&sa.keys);
}
END_TEST

START_TEST(children_are_bounded)
{
	struct ike_sa *sa;

	w_up(&w);
	for (unsigned i = 0; i < 3 * IKE_CHILDREN_MAX; i++) {
		sa = w_sa(&w, 0);
		w.s[0].k->out = &w.s[0].out;
		w.s[0].k->now = w.now;
		if (sa->n_children < IKE_CHILDREN_MAX)
			ck_assert(ike_cc_start(w.s[0].k, sa, IKE_CC_NEW, NULL, 0));
		w_event(&w, 0, &(struct ike_event){ .kind = IKE_EV_SA_USED });
		w_settle(&w);
		ck_assert_uint_le(w_sa(&w, 1)->n_children, IKE_CHILDREN_MAX);
	}
	ck_assert(w_usable(&w));
}
END_TEST

/* While a computation is out the same request again changes nothing, and the answer comes once. */
START_TEST(request_repeated_while_its_job_is_out)
{
	use_esp(IKE_KE_CURVE25519, 0);
	w_up(&w);
	w.s[1].hold_jobs = true;
	rekey_child(0);
	w_run(&w, TICK_S(4));
	ck_assert_uint_eq(w.s[1].n_jobs, 1);
	ck_assert_uint_gt(ike_count_drop(w.s[1].k, IKE_DROP_STATE), 1);
	w.s[1].hold_jobs = false;
	calm();
	ck_assert_uint_eq(w.s[1].child_adds, 2);
}
END_TEST

/* Both rekey, and both computations come back late, in either order. */
START_TEST(collisions_with_slow_jobs)
{
	use_esp(IKE_KE_CURVE25519, 0);
	w.s[0].t.seed = 500 + (uint64_t)_i;
	w_up(&w);
	w.s[0].hold_jobs = _i & 1;
	w.s[1].hold_jobs = _i & 2;
	w.manual = true;
	if (_i & 4) {
		rekey_ike(0);
		rekey_ike(1);
	} else {
		rekey_child(0);
		rekey_child(1);
	}
	play(orders[_i % 6]);
	w.manual = false;
	w_run(&w, TICK_MS(300));
	w.s[0].hold_jobs = false;
	w_event(&w, 0, &(struct ike_event){ .kind = IKE_EV_SA_USED });
	w_run(&w, TICK_MS(50));
	w.s[1].hold_jobs = false;
	w_event(&w, 1, &(struct ike_event){ .kind = IKE_EV_SA_USED });
	calm();
}
END_TEST

START_TEST(rekey_of_what_is_not_there)
{
	w_up(&w);
	craft_rekey_of_unknown(IKE_PROTO_ESP, IKE_N_CHILD_SA_NOT_FOUND);
}
END_TEST

START_TEST(rekey_with_a_wrong_protocol)
{
	w_up(&w);
	craft_rekey_of_unknown(IKE_PROTO_AH, IKE_N_INVALID_SYNTAX);
}
END_TEST

START_TEST(deleting_child_and_peer_rekeys_it)
{
	w_up(&w);
	w.manual = true;
	delete_child(1);	/* 1 deletes; 0 rekeys; 1 sees the rekey first: TEMPORARY_FAILURE */
	rekey_child(0);
	w_deliver(&w, 0);
	w.manual = false;
	w_run(&w, TICK_S(30));
	w_check_pair(&w);
	ck_assert_uint_eq(w.s[0].downs, 0);
}
END_TEST

START_TEST(both_rekey_ike)
{
	w.s[0].t.seed = 77 + (uint64_t)_i;
	w_up(&w);
	w.manual = true;
	rekey_ike(0);
	rekey_ike(1);
	play(orders[_i % 6]);
	calm();
	ck_assert_uint_eq(w.s[0].rekeys, 1);
	ck_assert_uint_eq(w.s[1].rekeys, 1);
}
END_TEST

START_TEST(both_rekey_ike_and_an_answer_is_lost)
{
	unsigned from = (unsigned)_i & 1;

	w.s[0].t.seed = 77 + (uint64_t)_i;
	w_up(&w);
	w.manual = true;
	rekey_ike(0);
	rekey_ike(1);
	w_deliver(&w, 0);
	w_deliver(&w, 1);
	for (unsigned i = 0; i < w.n_msg; i++) {
		if (w.msg[i]->from == from) {
			free(w.msg[i]);
			memmove(&w.msg[i], &w.msg[i + 1], (--w.n_msg - i) * sizeof(w.msg[0]));
			break;
		}
	}
	w.manual = false;
	w_run(&w, TICK_S(150));
	w_check_pair(&w);
	ck_assert_int_eq(w.s[0].gap, 0);
	ck_assert_uint_eq(w.s[0].downs + w.s[1].downs, 0);
}
END_TEST

START_TEST(rekeying_ike_and_peer_rekeys_child)
{
	w_up(&w);
	w.manual = true;
	rekey_ike((unsigned)_i & 1);
	rekey_child(1 - ((unsigned)_i & 1));
	play(orders[_i % 6]);
	calm();
	ck_assert_uint_eq(w.s[0].rekeys, 1);
	ck_assert_uint_eq(w.s[0].child_adds, 2);	/* both happened in the end */
}
END_TEST

START_TEST(rekeying_ike_and_peer_deletes_child)
{
	w_up(&w);
	w.manual = true;
	rekey_ike(0);
	delete_child(1);
	play(orders[_i % 6]);
	w.manual = false;
	w_run(&w, TICK_S(70));
	w_check_pair(&w);
	ck_assert_msg(w.s[0].downs == 0, "%s", w.s[0].down_text);
}
END_TEST

START_TEST(rekeying_ike_and_peer_deletes_it)
{
	struct ike_event ev = { .kind = IKE_EV_CLOSE };

	w_up(&w);
	w.manual = true;
	rekey_ike(0);
	ev.sa = w_sa(&w, 1)->id;
	w_event(&w, 1, &ev);
	play(orders[_i % 6]);
	w.manual = false;
	w_run(&w, TICK_S(1));
	ck_assert_uint_eq(w.s[0].downs, 1);
	ck_assert_uint_eq(w.s[1].downs, 1);
	w_run(&w, TICK_S(70));
	w_check_pair(&w);	/* the dial makes another */
}
END_TEST

START_TEST(deleting_ike_and_peer_rekeys)
{
	struct ike_event ev = { .kind = IKE_EV_CLOSE };

	w_up(&w);
	w.manual = true;
	ev.sa = w_sa(&w, 1)->id;
	w_event(&w, 1, &ev);
	if (_i & 1)
		rekey_ike(0);
	else
		rekey_child(0);
	w_deliver(&w, 0);
	w.manual = false;
	w_run(&w, TICK_S(70));
	ck_assert_uint_eq(w.s[0].downs, 1);
	ck_assert_int_eq(w.s[0].last_down, IKE_DOWN_DELETED);
	w_check_pair(&w);
}
END_TEST

START_TEST(both_delete_ike)
{
	struct ike_event ev = { .kind = IKE_EV_CLOSE };
	struct ike_event hangup = { .kind = IKE_EV_HANGUP, .dial = 1 };

	w_up(&w);
	w.manual = true;
	w_event(&w, 0, &hangup);
	ck_assert_uint_eq(w.s[0].downs, 0);	/* only nothing more is tried */
	for (unsigned i = 0; i < 2; i++) {
		ev.sa = w_sa(&w, i)->id;
		w_event(&w, i, &ev);
	}
	play(orders[_i % 6]);
	w.manual = false;
	w_run(&w, TICK_S(20));
	ck_assert_uint_eq(w_count_sa(&w, 0, NULL), 0);
	ck_assert_uint_eq(w_count_sa(&w, 1, NULL), 0);
	ck_assert_uint_eq(w_count_child(&w, 0) + w_count_child(&w, 1), 0);
	ck_assert_uint_eq(w.s[0].downs, 1);
	ck_assert_uint_eq(w.s[1].downs, 1);
}
END_TEST

/* ---- under loss: the k-th message after set-up is lost */
static unsigned lose;

static bool
lose_one(struct world *x, struct w_msg *m)
{
	(void)x;
	return m->serial != lose;
}

START_TEST(rekey_with_a_lost_message)
{
	use_esp(_i & 1 ? IKE_KE_CURVE25519 : 0, 0);
	w_up(&w);
	lose = w.serial + (unsigned)_i / 2 % 4;
	w.hook = lose_one;
	if (_i >= 8)
		rekey_ike(0);
	else
		rekey_child(0);
	calm();
}
END_TEST

/* Rekeying all the time, both ends, everything lost, late and twice now and then. */
static bool
rough(struct world *x, struct w_msg *m)
{
	(void)m;
	x->shuffle = x->shuffle * 6364136223846793005u + 1442695040888963407u;
	return (x->shuffle >> 40) % 100 >= 20;
}

START_TEST(rough_life)
{
	use_esp(_i & 1 ? IKE_KE_CURVE25519 : 0, 0);
	for (unsigned i = 0; i < 2; i++) {
		w.s[i].t.seed = (uint64_t)_i * 31 + i;
		w.s[i].profile[0].child_life.hard_s = 100;
		w.s[i].profile[0].ike_life_s = 260;
	}
	w_up(&w);
	w.shuffle = (uint64_t)_i + 1;
	w.hook = rough;
	w_run(&w, TICK_S(1800));
	w.hook = NULL;
	w_run(&w, TICK_S(90));
	ck_assert(w_usable(&w));
	ck_assert_uint_ge(w.s[0].rekeys + w.s[0].ups, 4);
	ck_assert_uint_le(w.s[0].downs, 1 + w.s[0].ups);
	ck_assert_int_eq(w.s[0].downs ? 0 : w.s[0].gap, 0);
}
END_TEST

/* What is refused or in the way is tried again while the pair still lives, however short its life. */
START_TEST(tried_again_in_time)
{
	static const struct { uint32_t hard_s; tick_t least, most; } rows[] = {
		{ 8, TICK_MS(500), TICK_S(3) }, { 1000, TICK_S(7), TICK_S(13) }, { 0, TICK_S(7), TICK_S(13) },
	};
	const struct ike_child *c;
	struct ike_cc cc = { 0 };

	w.s[0].profile[0].child_life.hard_s = rows[_i].hard_s;
	w_up(&w);
	c = w_engine_child(&w, 0);
	cc.old = c->spi_in;
	ike_cc_hold(w.s[0].k, w_sa(&w, 0), &cc, TICK_S(10));
	ck_assert_uint_ge(c->retry_at, w.s[0].k->now + rows[_i].least);
	ck_assert_uint_le(c->retry_at, w.s[0].k->now + rows[_i].most);
}
END_TEST

START_TEST(lifetimes)
{
	w.s[0].profile[0].child_life = (struct dp_life){ .hard_s = 1000, .hard_bytes = 1000000, .hard_packets = 1000 };
	w.s[0].profile[0].ike_life_s = 5000;
	w_up(&w);
	ck_assert_uint_ge(w.s[0].child[0].dp.life.soft_s, 800);
	ck_assert_uint_le(w.s[0].child[0].dp.life.soft_s, 900);
	ck_assert_uint_ge(w.s[0].child[0].dp.life.soft_bytes, 800000);
	ck_assert_uint_le(w.s[0].child[0].dp.life.soft_packets, 900);
	w_run(&w, TICK_S(950));
	ck_assert_uint_eq(w.s[0].child_adds, 2);
	w_run(&w, TICK_S(3650));
	ck_assert_uint_eq(w.s[0].rekeys, 1);
	w_run(&w, TICK_S(10));
	ck_assert(w_usable(&w));
	ck_assert_int_eq(w.s[0].gap, 0);
}
END_TEST

Suite *
create_child_suite(void)
{
	Suite *s = suite_create("create_child");
	TCase *tc = tcase_create("create_child");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, rekey_when_told, 0, 2);
	tcase_add_loop_test(tc, child_rekey, 0, 4);
	tcase_add_test(tc, responder_sends_on_the_new_one_when_it_is_used);
	tcase_add_test(tc, responder_sends_on_the_new_one_when_the_old_is_deleted);
	tcase_add_test(tc, pfs_group_mismatch);
	tcase_add_loop_test(tc, ike_rekey, 0, 2);
	tcase_add_loop_test(tc, both_rekey_the_child, 0, 48);
	tcase_add_loop_test(tc, the_lowest_nonce_loses, 0, 8);
	tcase_add_loop_test(tc, the_ike_sa_with_the_lowest_nonce_loses, 0, 8);
	tcase_add_loop_test(tc, both_rekey_the_child_and_an_answer_is_lost, 0, 16);
	tcase_add_test(tc, both_rekey_but_one_request_is_late);
	tcase_add_loop_test(tc, rekeying_child_and_peer_deletes_it, 0, 6);
	tcase_add_loop_test(tc, both_delete_the_child, 0, 6);
	tcase_add_loop_test(tc, answers_by_the_table, 0, 2 * N_CELLS);
	tcase_add_test(tc, children_are_bounded);
	tcase_add_test(tc, request_repeated_while_its_job_is_out);
	tcase_add_loop_test(tc, collisions_with_slow_jobs, 0, 48);
	tcase_add_test(tc, rekey_of_what_is_not_there);
	tcase_add_test(tc, rekey_with_a_wrong_protocol);
	tcase_add_test(tc, deleting_child_and_peer_rekeys_it);
	tcase_add_loop_test(tc, both_rekey_ike, 0, 48);
	tcase_add_loop_test(tc, both_rekey_ike_and_an_answer_is_lost, 0, 16);
	tcase_add_loop_test(tc, rekeying_ike_and_peer_rekeys_child, 0, 12);
	tcase_add_loop_test(tc, rekeying_ike_and_peer_deletes_child, 0, 6);
	tcase_add_loop_test(tc, rekeying_ike_and_peer_deletes_it, 0, 6);
	tcase_add_loop_test(tc, deleting_ike_and_peer_rekeys, 0, 2);
	tcase_add_loop_test(tc, both_delete_ike, 0, 6);
	tcase_add_loop_test(tc, rekey_with_a_lost_message, 0, 16);
	tcase_add_loop_test(tc, rough_life, 0, 30);
	tcase_add_loop_test(tc, tried_again_in_time, 0, 3);
	tcase_add_test(tc, lifetimes);
	suite_add_tcase(s, tc);
	return s;
}
