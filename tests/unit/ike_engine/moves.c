/* Peers that move (MOBIKE, RFC 4555, as responder) and gateways that send us elsewhere (RFC 5685, as their client). */
#include "tests/unit/ike_engine/suites.h"

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

/* ---- MOBIKE, the peer's moves. Ours of GRE do not, so one is made to: the SA's flag, and what it asks. */
static void
up(bool mobike)
{
	w_up(&w);
	w_sa(&w, 1)->ext.mobike = mobike;
}

static bool hide_cookie2;

static bool
without_cookie2(struct world *x, struct w_msg *m)
{
	(void)x;
	return !(hide_cookie2 && m->from == 0 && (m->octets[19] & IKE_FLAG_RESPONSE));
}

static void
update(const char *addr, bool no_nats, bool lie)
{
	struct ike_sa *sa = w_sa(&w, 0);
	uint8_t data[12];
	struct wr b = wr_of(data, sizeof(data));
	struct ike_tx t;

	w.s[0].addr = sa->local.addr = w_addr(addr);
	w.s[0].k->out = &w.s[0].out;
	w.s[0].k->now = w.now;
	ike_tx_request(&t, sa, IKE_INFORMATIONAL);
	ike_tx_notify(&t, IKE_N_UPDATE_SA_ADDRESSES);
	ike_natt_build(w.s[0].k, &t.b, sa->spi_i, sa->spi_r, &sa->local, &sa->remote);
	if (no_nats) {
		wr_put(&b, addr_span(&sa->local.addr));
		wr_put(&b, addr_span(&sa->remote.addr));
		wr_be16(&b, lie ? 1 : sa->local.port);
		wr_be16(&b, sa->remote.port);
		ike_tx_notify_data(&t, IKE_N_NO_NATS_ALLOWED, wr_span(&b));
	}
	ike_tx_notify_data(&t, IKE_N_COOKIE2, SPAN_STR("12345678"));
	ck_assert(ike_x_start(w.s[0].k, sa, IKE_X_LIVE, &t));
	w_event(&w, 0, &(struct ike_event){ .kind = IKE_EV_SA_USED });
}

START_TEST(a_peer_moves)
{
	up(true);
	update("192.0.2.99", _i, false);
	w_settle(&w);
	ck_assert(addr_eq(&w_sa(&w, 1)->remote.addr, &w.s[0].addr));
	ck_assert(addr_eq(&w.s[1].child[0].dp.remote.addr, &w.s[0].addr));
	ck_assert_uint_eq(w.s[1].moves, 1);
	ck_assert(!w_sa(&w, 1)->cookie2_wanted);	/* asked, and answered from there */
	ck_assert_uint_eq(w.s[1].downs, 0);
	w_run(&w, TICK_S(60));
	ck_assert_uint_eq(w.s[1].downs, 0);
	ck_assert_ptr_eq(ike_sa_by_remote(w.s[1].k, &w_sa(&w, 1)->at_remote), w_sa(&w, 1));
}
END_TEST

START_TEST(who_is_not_there_loses_the_sa)
{
	up(true);
	update("192.0.2.99", false, false);
	hide_cookie2 = true;
	w.hook = without_cookie2;
	w_run(&w, TICK_S(120));
	hide_cookie2 = false;
	ck_assert_uint_eq(w.s[1].downs, 1);
	ck_assert_int_eq(w.s[1].last_down, IKE_DOWN_DEAD);
}
END_TEST

START_TEST(not_moved)
{
	up(_i == 0);
	update("192.0.2.99", _i == 0, true);	/* a NAT where none may be; or not agreed on */
	w_settle(&w);
	ck_assert(!addr_eq(&w_sa(&w, 1)->remote.addr, &w.s[0].addr));
	ck_assert_uint_eq(w.s[1].moves, 0);
	ck_assert_uint_eq(w.s[1].downs, 0);
}
END_TEST

/* ---- our own moves. A tunnel of plain IP packets: those of GRE are dialled anew. */
static void
plain_up(void)
{
	for (unsigned i = 0; i < 2; i++) {
		struct dp_selectors *s = &w.s[i].profile[0].plain;

		s->n_local = s->n_remote = 1;
		s->local[0] = (struct dp_range){ w_addr(i ? "10.2.0.0" : "10.1.0.0"), w_addr(i ? "10.2.255.255" : "10.1.255.255") };
		s->remote[0] = (struct dp_range){ w_addr(i ? "10.1.0.0" : "10.2.0.0"), w_addr(i ? "10.1.255.255" : "10.2.255.255") };
	}
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_settle(&w);
	w_check_pair(&w);
	ck_assert(w_sa(&w, 0)->ext.moves && w_sa(&w, 1)->ext.mobike);
	ck_assert(!w_sa(&w, 1)->ext.moves && !w_sa(&w, 0)->ext.mobike);
}

static void
readdress(const char *from, const char *to)
{
	struct ike_event ev = { .kind = IKE_EV_LOCAL_ADDR, .local.addr = w_addr(from) };

	if (to)
		ev.remote.addr = w.s[0].addr = w_addr(to);
	w_event(&w, 0, &ev);
}

static void
moved_to(const char *to, bool nat)
{
	struct w_child *here = &w.s[0].child[0], *there = &w.s[1].child[0];

	w_check_pair(&w);
	ck_assert(addr_eq(&w_sa(&w, 0)->local.addr, &w.s[0].addr));
	ck_assert(addr_eq(&here->dp.local.addr, &w.s[0].addr));
	ck_assert(addr_eq(&w_sa(&w, 1)->remote.addr, &(struct addr[]){ w_addr(to) }[0]));
	ck_assert(addr_eq(&there->dp.remote.addr, &w_sa(&w, 1)->remote.addr));
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_uint_eq(w.s[i].downs, 0);
		ck_assert_uint_eq(w.s[i].ups, 1);
		ck_assert_int_eq(w_sa(&w, i)->encap, nat);
		ck_assert_int_eq(w_engine_child(&w, i)->encap, nat);
	}
	ck_assert_ptr_eq(ike_sa_by_remote(w.s[1].k, &w_sa(&w, 1)->at_remote), w_sa(&w, 1));
	ck_assert(!w_sa(&w, 1)->cookie2_wanted);
}

/* At once; by way of no address at all; to behind a NAT; twice, before the first is answered; with the SA of the peer's making. */
START_TEST(we_move)
{
	plain_up();
	if (_i == 4) {	/* the roles in the exchanges are not those of the IKE SA any more */
		w_sa(&w, 1)->want_rekey = true;
		timer_arm(&w.s[1].k->timers, &w_sa(&w, 1)->t_kick, w.now);
		w_run(&w, TICK_S(20));
		ck_assert(!w_sa(&w, 0)->initiator && w_sa(&w, 0)->ext.moves);
	}
	if (_i == 1) {
		readdress("192.0.2.1", NULL);
		w_run(&w, IKE_AWAY_LIFE - TICK_S(1));
	}
	if (_i == 2) {
		w.s[0].nat = w_addr("203.0.113.200");
		w.s[0].nat_shift = 7;
	}
	readdress("192.0.2.1", "192.0.2.77");
	if (_i == 3)
		readdress("192.0.2.77", "192.0.2.78");
	w_run(&w, TICK_S(10));
	moved_to(_i == 2 ? "203.0.113.200" : _i == 3 ? "192.0.2.78" : "192.0.2.77", _i == 2);
	if (_i == 2) {
		ck_assert_uint_eq(w.s[1].child[0].dp.remote.port, 4507);
		w.s[0].nat = (struct addr){ 0 };	/* and home again */
		w.s[0].nat_shift = 0;
		readdress("192.0.2.77", "192.0.2.1");
		w_run(&w, TICK_S(10));
		moved_to("192.0.2.1", false);
	}
	ck_assert_uint_eq(w_sa(&w, 0)->dials->id, 1);
}
END_TEST

static unsigned lose_nth, seen_informational;

static bool
lose_some(struct world *x, struct w_msg *m)
{
	(void)x;
	return m->octets[18] != IKE_INFORMATIONAL || seen_informational++ != lose_nth;
}

START_TEST(move_with_losses)
{
	plain_up();
	lose_nth = (unsigned)_i;
	seen_informational = 0;
	w.hook = lose_some;
	readdress("192.0.2.1", "192.0.2.77");
	w_run(&w, TICK_S(20));
	moved_to("192.0.2.77", false);
}
END_TEST

/* Something else is under way: ours (_i & 1: rekeying the IKE SA, else the pair), or the peer's (_i & 2). */
START_TEST(move_while_busy)
{
	struct ike_event ev = { .kind = IKE_EV_SA_SOFT };
	unsigned side = _i >> 1 & 1;

	plain_up();
	w.manual = true;
	if (_i & 1) {
		w_sa(&w, side)->want_rekey = true;
		timer_arm(&w.s[side].k->timers, &w_sa(&w, side)->t_kick, w.now);
		w_run(&w, 0);
	} else {
		ev.spi_in = w_engine_child(&w, side)->spi_in;
		w_event(&w, side, &ev);
	}
	ck_assert_uint_eq(w.n_msg, 1);
	if (_i & 4)
		w_deliver(&w, side);
	readdress("192.0.2.1", "192.0.2.77");
	w.manual = false;
	w_run(&w, TICK_S(150));	/* what was rekeyed goes, told or not */
	moved_to("192.0.2.77", false);
	ck_assert_uint_eq(w.s[0].rekeys, _i & 1);
}
END_TEST

/* Nobody answers there, the peer cannot do it, it does not follow, there is no address for too long: dialled anew. */
enum { M_SILENT, M_CANNOT, M_DOES_NOT, M_TOO_LONG, M_GRE, M_WAYS };

START_TEST(dialled_anew)
{
	if (_i == M_GRE) {
		w_go(&w);
		w_dial(&w, 0, 1, 1);
		w_settle(&w);
		ck_assert(!w_sa(&w, 0)->ext.moves && !w_sa(&w, 1)->ext.mobike);
	} else {
		plain_up();
	}
	if (_i == M_CANNOT)
		w_sa(&w, 0)->ext.moves = false;
	if (_i == M_DOES_NOT)
		w_sa(&w, 1)->ext.mobike = false;
	if (_i == M_TOO_LONG) {
		readdress("192.0.2.1", NULL);
		w_run(&w, IKE_AWAY_LIFE + TICK_S(1));
		ck_assert_uint_eq(w.s[0].downs, 1);
		ck_assert_str_eq(w.s[0].down_text, "our address is gone");
		ck_assert_uint_eq(w.s[0].dial_fails, 0);	/* nothing is tried from nowhere */
	}
	w.s[1].dead = _i == M_SILENT;
	readdress("192.0.2.1", "192.0.2.77");
	w_run(&w, TICK_S(40));
	w.s[1].dead = false;
	w_run(&w, TICK_S(60));
	ck_assert_uint_eq(w.s[0].downs, 1);
	ck_assert_uint_eq(w.s[0].ups, 2);
	w_check_pair(&w);
	ck_assert(addr_eq(&w_sa(&w, 1)->remote.addr, &w.s[0].addr));
}
END_TEST

/* The address that went is back: others on it, made meanwhile, do not notice. */
START_TEST(back_on_the_same)
{
	plain_up();
	readdress("192.0.2.1", "192.0.2.1");
	w_run(&w, TICK_S(2));
	ck_assert_uint_eq(w.s[0].moves, 0);
	readdress("192.0.2.1", NULL);
	w_run(&w, TICK_S(2));
	readdress("192.0.2.1", "192.0.2.1");
	w_run(&w, TICK_S(30));
	ck_assert_uint_eq(w.s[0].moves, 1);
	moved_to("192.0.2.1", false);
}
END_TEST

/* ---- redirect. Three sides: 0 dials 1, which sends it to 2, which may send it back. */
enum { AT_INIT = 1 };
static int when[W_SIDES];
static bool wrong_nonce, by_name;
static struct span nonce_of;

static size_t
gateway(uint8_t out[64], unsigned to, bool nonce)
{
	struct wr b = wr_of(out, 64);

	if (by_name) {
		wr_u8(&b, 3);
		wr_u8(&b, 5);
		wr_bytes(&b, "a.net", 5);
	} else {
		wr_u8(&b, 1);
		wr_u8(&b, 4);
		wr_put(&b, addr_span(&w.s[to].addr));
	}
	if (nonce)
		wr_put(&b, nonce_of);
	return wr_len(&b);
}

static void
clear_redirect(struct w_msg *m, unsigned to)
{
	struct wr o = wr_of(m->octets, sizeof(m->octets));
	uint8_t data[64];
	struct ike_build b;
	struct ike_hdr h;

	ck_assert(ike_hdr_parse(span_of(m->octets, m->n), &h));
	h.spi_r = 0;
	ike_build_start(&b, &o, &h);
	ike_build_notify(&b, 0, span_of("", 0), IKE_N_REDIRECT, span_of(data, gateway(data, to, true)));
	m->n = ike_build_end(&b);
}

static bool
send_away(struct world *x, struct w_msg *m)
{
	static uint8_t nonce[IKE_NONCE_LEN];
	struct ike_msg p;
	bool answer = m->octets[19] & IKE_FLAG_RESPONSE;

	(void)x;
	if (m->octets[18] != IKE_SA_INIT)
		return true;
	ck_assert_int_eq(ike_msg_parse(span_of(m->octets, m->n), &p), IKE_OK);
	if (!answer) {
		memcpy(nonce, p.nonce.p, sizeof(nonce));
		nonce[0] ^= wrong_nonce;
		nonce_of = span_of(nonce, sizeof(nonce));
		ck_assert(ike_msg_notify(&p, IKE_N_REDIRECT_SUPPORTED) || ike_msg_notify(&p, IKE_N_REDIRECTED_FROM));
	} else if (when[m->from] == AT_INIT) {
		clear_redirect(m, 3 - m->from);
	}
	return true;
}

static void
three(void)
{
	w.n_sides = 3;
	w.hook = send_away;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
}

START_TEST(sent_away_at_once)
{
	when[1] = AT_INIT;
	three();
	w_run(&w, TICK_S(2));
	ck_assert_uint_eq(w.s[0].ups, 1);
	ck_assert_uint_eq(w.s[1].ups, 0);
	ck_assert_uint_eq(w.s[2].ups, 1);
	ck_assert_uint_eq(w.s[0].up_dial, 1);
	ck_assert(addr_eq(&w_sa(&w, 0)->remote.addr, &w.s[2].addr));
	ck_assert_uint_eq(w.s[0].dial_fails, 0);
}
END_TEST

START_TEST(who_forges_must_know_the_nonce)
{
	when[1] = AT_INIT;
	wrong_nonce = !_i;
	by_name = _i;
	three();
	w_run(&w, TICK_MS(300));
	wrong_nonce = by_name = false;
	ck_assert_uint_ge(ike_count_drop(w.s[0].k, IKE_DROP_REDIRECT), 1);
	when[1] = 0;
	w_run(&w, TICK_S(40));
	ck_assert_uint_eq(w.s[1].ups, 1);
	ck_assert_uint_eq(w.s[2].ups, 0);
}
END_TEST

START_TEST(in_circles)
{
	when[1] = when[2] = AT_INIT;
	three();
	w_run(&w, TICK_S(60));
	ck_assert_uint_eq(w.s[0].ups, 0);
	ck_assert_uint_le(ike_count_exchange(w.s[1].k, false, IKE_SA_INIT) + ike_count_exchange(w.s[2].k, false, IKE_SA_INIT), 90);	/* of which five follow a redirect */
	ck_assert_uint_ge(ike_count_drop(w.s[0].k, IKE_DROP_REDIRECT), 1);
	when[1] = when[2] = 0;
	w_run(&w, TICK_S(120));
	ck_assert_uint_eq(w.s[0].ups, 1);
}
END_TEST

/* A gateway that nobody answers at: back to the one that is configured. */
START_TEST(sent_nowhere)
{
	when[1] = AT_INIT;
	three();
	w.s[2].dead = true;
	w_run(&w, TICK_S(5));
	when[1] = 0;
	w_run(&w, TICK_S(60));
	ck_assert_uint_eq(w.s[1].ups, 1);
	ck_assert(addr_eq(&w_sa(&w, 0)->remote.addr, &w.s[1].addr));
}
END_TEST

START_TEST(sent_away_later)
{
	struct ike_tx t;
	struct ike_sa *sa;
	uint8_t data[64];

	three();
	w_run(&w, TICK_S(2));
	ck_assert_uint_eq(w.s[1].ups, 1);
	sa = w_sa(&w, 1);
	w.s[1].k->out = &w.s[1].out;
	w.s[1].k->now = w.now;
	ike_tx_request(&t, sa, IKE_INFORMATIONAL);
	ike_tx_notify_data(&t, IKE_N_REDIRECT, span_of(data, gateway(data, 2, false)));
	ck_assert(ike_x_start(w.s[1].k, sa, IKE_X_LIVE, &t));
	w_event(&w, 1, &(struct ike_event){ .kind = IKE_EV_SA_USED });
	w_run(&w, TICK_S(5));
	ck_assert_uint_eq(w.s[2].ups, 1);
	ck_assert_uint_eq(w.s[1].downs, 1);
	ck_assert_str_eq(w.s[0].down_text, "sent to another gateway");
	ck_assert(addr_eq(&w_sa(&w, 0)->remote.addr, &w.s[2].addr));
	ck_assert_uint_eq(w_sa(&w, 0)->dials->id, 1);
}
END_TEST

static void
begin_three(void)
{
	begin();
	memset(when, 0, sizeof(when));
}

Suite *
moves_suite(void)
{
	Suite *s = suite_create("moves");
	TCase *tc = tcase_create("mobike"), *r = tcase_create("redirect");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, a_peer_moves, 0, 2);
	tcase_add_test(tc, who_is_not_there_loses_the_sa);
	tcase_add_loop_test(tc, not_moved, 0, 2);
	tcase_add_loop_test(tc, we_move, 0, 5);
	tcase_add_loop_test(tc, move_with_losses, 0, 5);
	tcase_add_loop_test(tc, move_while_busy, 0, 8);
	tcase_add_loop_test(tc, dialled_anew, 0, M_WAYS);
	tcase_add_test(tc, back_on_the_same);
	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(r, begin_three, end);
	tcase_add_test(r, sent_away_at_once);
	tcase_add_loop_test(r, who_forges_must_know_the_nonce, 0, 2);
	tcase_add_test(r, in_circles);
	tcase_add_test(r, sent_nowhere);
	tcase_add_test(r, sent_away_later);
	suite_add_tcase(s, r);
	return s;
}
