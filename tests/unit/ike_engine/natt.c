/* NAT: detection in every constellation, the move to 4500, following a mapping, keepalives, selectors. */
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

static void
behind(unsigned side, const char *priv, uint16_t shift)
{
	w.s[side].nat = w.s[side].addr;
	w.s[side].addr = w_addr(priv);
	w.s[side].nat_shift = shift;
}

/* _i: bit 0 the initiator, bit 1 the responder behind NAT. */
START_TEST(each_constellation)
{
	bool a = _i & 1, b = _i & 2;

	if (a)
		behind(0, "10.0.0.1", 20000);
	if (b)
		behind(1, "10.1.0.1", 0);	/* one to one, as clouds do */
	w_up(&w);
	ck_assert(w.s[0].up_natted_local == a && w.s[0].up_natted_remote == b);
	ck_assert(w.s[1].up_natted_local == b && w.s[1].up_natted_remote == a);
	ck_assert(w.s[0].child[0].dp.encap == (a || b));
	ck_assert(w.s[1].child[0].dp.encap == (a || b));
	ck_assert_uint_eq(w.s[0].child[0].dp.local.port, a || b ? 4500 : 500);
	ck_assert_uint_eq(w.s[1].child[0].dp.remote.port, a ? 24500 : b ? 4500 : 500);
	ck_assert(addr_eq(&w.s[1].child[0].dp.remote.addr, a ? &w.s[0].nat : &w.s[0].addr));
	ck_assert(addr_eq(&w.s[1].child[0].dp.local.addr, &w.s[1].addr));
}
END_TEST

START_TEST(rekeys_behind_nat)
{
	struct ike_event ev = { .kind = IKE_EV_SA_SOFT };

	behind(0, "10.0.0.1", 20000);
	if (_i & 2)
		behind(1, "10.1.0.1", 0);
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_settle(&w);
	ev.spi_in = w.s[_i & 1].child[0].dp.spi_in;
	w_event(&w, _i & 1, &ev);
	w_run(&w, TICK_S(5));
	w_check_pair(&w);
	ck_assert_uint_eq(w.s[0].child_adds, 2);
	ck_assert(w.s[0].child[0].dp.encap);
}
END_TEST

static void
live_check(unsigned side)
{
	struct ike_sa *sa = w_sa(&w, side);

	sa->want_live = true;
	timer_arm(&w.s[side].k->timers, &sa->t_kick, w.now);
	w_run(&w, TICK_MS(100));
}

START_TEST(mapping_is_followed)
{
	behind(0, "10.0.0.1", 20000);
	if (_i)
		behind(1, "10.1.0.1", 0);
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_settle(&w);
	w.s[0].nat_shift = 30000;
	live_check(0);
	ck_assert_uint_eq(w.s[1].moves, 1);
	ck_assert_uint_eq(w_sa(&w, 1)->remote.port, 34500);
	ck_assert_uint_eq(w.s[1].child[0].dp.remote.port, 34500);
	ck_assert_uint_eq(w.s[0].moves, 0);
	live_check(1);	/* and it can be reached there */
	w_check_pair(&w);
}
END_TEST

START_TEST(esp_moves_it_too)
{
	struct ike_event ev = { .kind = IKE_EV_SA_MOVED };

	behind(0, "10.0.0.1", 20000);
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_settle(&w);
	ev.spi_in = w.s[1].child[0].dp.spi_in;
	ev.remote = (struct endpoint){ w.s[0].nat, 40001 };
	w_event(&w, 1, &ev);
	ck_assert_uint_eq(w_sa(&w, 1)->remote.port, 40001);
	ck_assert_uint_eq(w.s[1].child[0].dp.remote.port, 40001);
	ck_assert_ptr_eq(ike_sa_by_remote(w.s[1].k, &ev.remote), w_sa(&w, 1));
	ev.spi_in = w.s[0].child[0].dp.spi_in;	/* who is behind NAT does not move */
	w_event(&w, 0, &ev);
	ck_assert_uint_eq(w.s[0].moves, 0);
}
END_TEST

START_TEST(no_nat_no_move)
{
	struct ike_event ev = { .kind = IKE_EV_SA_MOVED };

	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_settle(&w);
	ev.spi_in = w.s[1].child[0].dp.spi_in;
	ev.remote = (struct endpoint){ w_addr("203.0.113.99"), 4500 };
	w_event(&w, 1, &ev);
	ck_assert_uint_eq(w.s[1].moves, 0);
}
END_TEST

static struct w_msg kept;

static bool
keep_last_request(struct world *x, struct w_msg *m)
{
	(void)x;
	if (m->from == 0)
		kept = *m;
	return true;
}

START_TEST(repeated_and_forged_messages_do_not_move)
{
	behind(0, "10.0.0.1", 20000);
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_settle(&w);
	w.hook = keep_last_request;
	live_check(0);
	w.hook = NULL;
	kept.src.port = 666;
	ck_assert_int_eq(w_inject(&w, 1, &kept), IKE_OK);	/* answered, where it came from */
	ck_assert_uint_eq(w.s[1].moves, 0);
	kept.octets[23]++;
	ck_assert_int_eq(w_inject(&w, 1, &kept), IKE_DROP_ICV);
	ck_assert_uint_eq(w.s[1].moves, 0);
	w_settle(&w);
	w_check_pair(&w);
}
END_TEST

START_TEST(keepalives)
{
	unsigned nat = (unsigned)_i;

	behind(nat, "10.0.0.1", nat ? 0 : 20000);
	w.s[nat].use_sent = false;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_S(110));
	ck_assert_uint_eq(w.s[nat].keepalives, 5);
	ck_assert_uint_eq(w.s[1 - nat].keepalives, 0);
	w.s[nat].use_sent = true;	/* ESP goes out: none needed */
	w_run(&w, TICK_S(100));
	ck_assert_uint_eq(w.s[nat].keepalives, 5);
}
END_TEST

START_TEST(selectors)
{
	struct ike_sa sa = { 0 };
	struct ike_rx rx = { 0 };
	static struct ike_msg m;
	struct ike_ts tsi, tsr;

	rx.local.addr = w_addr("192.0.2.1");
	rx.remote.addr = w_addr("198.51.100.2");
	ike_natt_ts(&rx.remote, &m.tsi.ts[0]);
	ike_natt_ts(&rx.local, &m.tsr.ts[0]);
	m.tsi.n = m.tsr.n = 1;
	ck_assert_int_eq(ike_natt_ts_select(&sa, &rx, &m, false, &tsi, &tsr), IKE_OK);
	m.tsi.ts[0].hi = w_addr("198.51.100.9");	/* wider: narrowed to the host */
	ck_assert_int_eq(ike_natt_ts_select(&sa, &rx, &m, false, &tsi, &tsr), IKE_OK);
	ck_assert(addr_eq(&tsi.lo, &rx.remote.addr) && addr_eq(&tsi.hi, &rx.remote.addr));
	sa.natted_remote = true;	/* behind NAT it must be one host, whichever */
	ck_assert_int_eq(ike_natt_ts_select(&sa, &rx, &m, false, &tsi, &tsr), IKE_DROP_SELECTORS);
	m.tsi.ts[0].lo = m.tsi.ts[0].hi = w_addr("10.0.0.7");
	ck_assert_int_eq(ike_natt_ts_select(&sa, &rx, &m, false, &tsi, &tsr), IKE_OK);
	ck_assert(addr_eq(&tsi.lo, &m.tsi.ts[0].lo));	/* said back as it came */
	sa.natted_remote = false;
	ck_assert_int_eq(ike_natt_ts_select(&sa, &rx, &m, false, &tsi, &tsr), IKE_DROP_SELECTORS);
	ike_natt_ts(&rx.remote, &m.tsi.ts[0]);
	m.tsi.ts[0].proto = 6;
	ck_assert_int_eq(ike_natt_ts_select(&sa, &rx, &m, false, &tsi, &tsr), IKE_DROP_SELECTORS);
	m.tsi.ts[0].proto = 0;
	ck_assert_int_eq(ike_natt_ts_select(&sa, &rx, &m, false, &tsi, &tsr), IKE_OK);
	ck_assert_uint_eq(tsi.proto, 47);
	m.tsi.ts[0].port_lo = 1;
	ck_assert_int_eq(ike_natt_ts_select(&sa, &rx, &m, false, &tsi, &tsr), IKE_DROP_SELECTORS);
	m.tsi.n = 0;
	ck_assert_int_eq(ike_natt_ts_select(&sa, &rx, &m, false, &tsi, &tsr), IKE_DROP_SELECTORS);
}
END_TEST

/* GRE may come from another address of the peer than IKE, and must be named: a range of addresses is for another kind of tunnel. */
START_TEST(selectors_in_tunnel_mode)
{
	struct ike_sa sa = { 0 };
	struct ike_rx rx = { .local.addr = w_addr("192.0.2.1"), .remote.addr = w_addr("198.51.100.2") };
	static struct ike_msg m;
	struct ike_ts tsi, tsr;

	ike_natt_ts(&rx.remote, &m.tsi.ts[0]);
	ike_natt_ts(&rx.local, &m.tsr.ts[0]);
	m.tsi.n = m.tsr.n = 1;
	ck_assert_int_eq(ike_natt_ts_select(&sa, &rx, &m, true, &tsi, &tsr), IKE_OK);
	m.tsi.ts[0].lo = m.tsi.ts[0].hi = w_addr("10.0.0.7");	/* its loopback */
	ck_assert_int_eq(ike_natt_ts_select(&sa, &rx, &m, true, &tsi, &tsr), IKE_OK);
	ck_assert(addr_eq(&tsi.lo, &m.tsi.ts[0].lo));
	m.tsi.ts[0].proto = 0;
	ck_assert_int_eq(ike_natt_ts_select(&sa, &rx, &m, true, &tsi, &tsr), IKE_OK);
	ck_assert_uint_eq(tsi.proto, 47);
	m.tsi.ts[0].lo = w_addr("0.0.0.0");
	m.tsi.ts[0].hi = w_addr("255.255.255.255");
	ck_assert_int_eq(ike_natt_ts_select(&sa, &rx, &m, true, &tsi, &tsr), IKE_DROP_SELECTORS);
	m.tsi.ts[0].proto = 47;
	ck_assert_int_eq(ike_natt_ts_select(&sa, &rx, &m, true, &tsi, &tsr), IKE_OK);
	ck_assert(addr_eq(&tsi.lo, &rx.remote.addr) && addr_eq(&tsi.hi, &rx.remote.addr));
	sa.natted_remote = true;	/* which of them has it behind its NAT? */
	ck_assert_int_eq(ike_natt_ts_select(&sa, &rx, &m, true, &tsi, &tsr), IKE_DROP_SELECTORS);
	ike_natt_ts(&rx.remote, &m.tsi.ts[0]);
	m.tsr.ts[0].lo = m.tsr.ts[0].hi = w_addr("10.9.9.9");	/* not ours */
	ck_assert_int_eq(ike_natt_ts_select(&sa, &rx, &m, true, &tsi, &tsr), IKE_DROP_SELECTORS);
	sa.natted_local = true;
	ck_assert_int_eq(ike_natt_ts_select(&sa, &rx, &m, true, &tsi, &tsr), IKE_OK);
	ck_assert(addr_eq(&tsr.lo, &m.tsr.ts[0].lo));
}
END_TEST

/* Seen with strongSwan 5.9.8 as a responder behind NAT: its answer names the address it has there. */
START_TEST(selectors_of_the_answer)
{
	struct endpoint e = { .addr = w_addr("198.18.12.2"), .port = 4500 };
	struct ike_ts_list l = { .n = 1 };

	ike_natt_ts(&e, &l.ts[0]);
	ck_assert(ike_natt_ts_is(&l, false, &e));
	ck_assert(ike_natt_ts_is(&l, true, &e));
	l.ts[0].lo = l.ts[0].hi = w_addr("192.168.12.10");
	ck_assert(!ike_natt_ts_is(&l, false, &e));
	ck_assert(ike_natt_ts_is(&l, true, &e));
	l.ts[0].hi = w_addr("192.168.12.11");	/* more than one host */
	ck_assert(!ike_natt_ts_is(&l, true, &e));
	l.ts[0].lo = l.ts[0].hi = w_addr("2001:db8::1");	/* another family */
	ck_assert(!ike_natt_ts_is(&l, true, &e));
	ike_natt_ts(&e, &l.ts[0]);
	l.ts[0].proto = 6;
	ck_assert(!ike_natt_ts_is(&l, true, &e));
	ike_natt_ts(&e, &l.ts[0]);
	l.n = 2;
	ck_assert(!ike_natt_ts_is(&l, true, &e));
}
END_TEST

Suite *
natt_suite(void)
{
	Suite *s = suite_create("natt");
	TCase *tc = tcase_create("natt");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, each_constellation, 0, 4);
	tcase_add_loop_test(tc, rekeys_behind_nat, 0, 4);
	tcase_add_loop_test(tc, mapping_is_followed, 0, 2);
	tcase_add_test(tc, esp_moves_it_too);
	tcase_add_test(tc, no_nat_no_move);
	tcase_add_test(tc, repeated_and_forged_messages_do_not_move);
	tcase_add_loop_test(tc, keepalives, 0, 2);
	tcase_add_test(tc, selectors);
	tcase_add_test(tc, selectors_in_tunnel_mode);
	tcase_add_test(tc, selectors_of_the_answer);
	suite_add_tcase(s, tc);
	return s;
}
