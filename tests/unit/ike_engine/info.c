/* Liveness, deletes, what the data plane says. */
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
up(enum ike_dpd dpd)
{
	w.s[0].profile[0].dpd = w.s[1].profile[0].dpd = dpd;
	w_up(&w);
}

START_TEST(periodic_when_idle)
{
	up(IKE_DPD_PERIODIC);
	w.s[0].sends = w.s[1].sends = 0;
	w_run(&w, TICK_S(100));
	ck_assert_uint_ge(w.s[0].sends + w.s[1].sends, 16);	/* requests and answers */
	ck_assert_uint_le(w.s[0].sends + w.s[1].sends, 44);
	ck_assert_uint_eq(w.s[0].downs, 0);
	w_check_pair(&w);
}
END_TEST

START_TEST(esp_is_life)
{
	w.s[0].use_ok = w.s[1].use_ok = true;
	up(IKE_DPD_PERIODIC);
	w.s[0].sends = w.s[1].sends = 0;
	w_run(&w, TICK_S(100));
	ck_assert_uint_eq(w.s[0].sends + w.s[1].sends, 0);
	ck_assert_uint_ge(w.s[0].queries, 8);
}
END_TEST

/* Of a spoke, not of a hub. */
static void
up_spoke(enum ike_dpd dpd)
{
	struct ike_event ev = { .dial = 1, .n_remotes = 1 };

	w.s[0].profile[0].dpd = w.s[1].profile[0].dpd = dpd;
	w_go(&w);
	ev.local.addr = w.s[0].addr;
	ev.remotes[0].addr = w.s[1].addr;
	w_dial_ev(&w, 0, &ev);
	w_settle(&w);
	w_check_pair(&w);
}

/* A hub we dialled is watched though nothing is sent: a quiet spoke hears of its death. Configured times are kept. */
START_TEST(a_hub_is_always_watched)
{
	tick_t since;

	up(_i ? IKE_DPD_ON_DEMAND : IKE_DPD_DEFAULT);
	w_run(&w, TICK_S(100));
	ck_assert_uint_eq(w.s[0].downs, 0);
	w_stop(&w, 1);
	since = w.now;
	while (!w.s[0].downs && w.now - since < TICK_S(60))
		w_run(&w, TICK_MS(100));
	ck_assert_int_eq(w.s[0].last_down, IKE_DOWN_DEAD);
	ck_assert_uint_le(w.now - since, _i ? TICK_S(29) : TICK_S(11));
}
END_TEST

START_TEST(on_demand)
{
	up_spoke(_i ? IKE_DPD_DEFAULT : IKE_DPD_ON_DEMAND);
	w.s[0].sends = w.s[1].sends = 0;
	w_run(&w, TICK_S(50));
	ck_assert_uint_eq(w.s[0].sends, 0);
	w.s[0].use_sent = true;	/* we send and nothing comes */
	w_run(&w, TICK_S(50));
	ck_assert_uint_ge(w.s[0].sends, 3);
	ck_assert_uint_eq(w.s[0].downs, 0);
}
END_TEST

/* dpd 10 3: dead after about 10 + 5 * 3 s; and the dial starts over. */
START_TEST(dead_peer)
{
	tick_t since;

	w.s[0].no_use_answer = _i;
	up(_i ? IKE_DPD_ON_DEMAND : IKE_DPD_PERIODIC);
	w_stop(&w, 1);
	since = w.now;
	while (!w.s[0].downs && w.now - since < TICK_S(60))
		w_run(&w, TICK_MS(100));
	ck_assert_uint_ge(w.now - since, TICK_S(22));
	ck_assert_uint_le(w.now - since, TICK_S(29));
	ck_assert_int_eq(w.s[0].last_down, IKE_DOWN_DEAD);
	ck_assert_uint_eq(w.s[0].last_down_dial, 1);
	ck_assert_uint_eq(w_count_child(&w, 0), 0);
	w_start(&w, 1);
	w_run(&w, TICK_S(70));
	w_check_pair(&w);
}
END_TEST

/* Somebody says that the peer does not know us: looked at once and briefly. */
START_TEST(invalid_ike_spi_hastens)
{
	tick_t since;
	struct ike_sa *sa;

	up(IKE_DPD_PERIODIC);
	w_stop(&w, 1);
	w_start(&w, 1);
	since = w.now;
	sa = w_sa(&w, 0);	/* the next request is answered with INVALID_IKE_SPI */
	sa->want_live = true;
	timer_arm(&w.s[0].k->timers, &sa->t_kick, w.now);
	while (!w.s[0].downs && w.now - since < TICK_S(60))
		w_run(&w, TICK_MS(100));
	ck_assert_uint_le(w.now - since, TICK_S(6));
	w_run(&w, TICK_S(5));
	w_check_pair(&w);
}
END_TEST

START_TEST(unknown_esp_hastens)
{
	struct ike_event ev = { .kind = IKE_EV_SA_UNKNOWN };
	tick_t since;

	up(IKE_DPD_OFF);
	ev.remote = (struct endpoint){ w.s[1].addr, 0 };
	w.s[0].sends = 0;
	for (unsigned i = 0; i < 100; i++)
		w_event(&w, 0, &ev);
	w_settle(&w);
	ck_assert_uint_eq(w.s[0].sends, 1);	/* one look, and the peer is there */
	w_run(&w, TICK_S(20));
	ck_assert_uint_eq(w.s[0].downs, 0);
	w_stop(&w, 1);
	since = w.now;
	w_event(&w, 0, &ev);
	while (!w.s[0].downs && w.now - since < TICK_S(60))
		w_run(&w, TICK_MS(100));
	ck_assert_uint_le(w.now - since, TICK_S(6));
	ev.remote.addr = w_addr("203.0.113.77");
	w_event(&w, 0, &ev);	/* nobody we know */
}
END_TEST

START_TEST(forged_invalid_ike_spi_kills_nothing)
{
	struct w_msg m = { .from = 1 };
	struct wr x = wr_of(m.octets, sizeof(m.octets));
	struct ike_hdr h = { .version = IKE_VERSION_2, .exchange = IKE_INFORMATIONAL, .flags = IKE_FLAG_RESPONSE };
	struct ike_build b;

	up(IKE_DPD_OFF);
	h.spi_i = w_sa(&w, 0)->spi_i;
	h.spi_r = w_sa(&w, 0)->spi_r;
	ike_build_start(&b, &x, &h);
	ike_build_notify(&b, 0, span_of("", 0), IKE_N_INVALID_IKE_SPI, span_of("", 0));
	m.n = ike_build_end(&b);
	m.src = w_sa(&w, 0)->remote;
	m.dst = w_sa(&w, 0)->local;
	for (unsigned i = 0; i < 50; i++) {
		ck_assert_int_eq(w_inject(&w, 0, &m), IKE_DROP_UNSOLICITED);
		w_run(&w, TICK_MS(500));
	}
	ck_assert_uint_eq(w.s[0].downs, 0);
	ck_assert_uint_le(w.s[0].sends, 10);
	w_check_pair(&w);
}
END_TEST

START_TEST(peer_deletes_the_last_child)
{
	struct ike_event ev = { .kind = IKE_EV_SA_HARD };

	up(IKE_DPD_OFF);
	ev.spi_in = w.s[_i].child[0].dp.spi_in;
	w_event(&w, (unsigned)_i, &ev);
	w_settle(&w);
	w_run(&w, TICK_S(5));
	w_check_pair(&w);	/* who dialled made another */
	ck_assert_uint_eq(w.s[0].ups, 1);
	ck_assert_uint_eq(w.s[0].child_adds, 2);
}
END_TEST

START_TEST(closed)
{
	struct ike_event hangup = { .kind = IKE_EV_HANGUP, .dial = 1 };
	struct ike_event ev = { .kind = IKE_EV_CLOSE, .text = "because" };

	up(IKE_DPD_OFF);
	w_event(&w, 0, &hangup);
	ev.sa = w_sa(&w, 0)->id;
	w_event(&w, 0, &ev);
	ck_assert_uint_eq(w.s[0].downs, 1);
	ck_assert_int_eq(w.s[0].last_down, IKE_DOWN_CLOSED);
	ck_assert_str_eq(w.s[0].down_text, "because");
	ck_assert_uint_eq(w_count_child(&w, 0), 0);
	w_settle(&w);
	ck_assert_int_eq(w.s[1].last_down, IKE_DOWN_DELETED);
	ck_assert_uint_eq(w_count_child(&w, 1), 0);
	w_run(&w, TICK_S(10));
	ck_assert_uint_eq(w_count_sa(&w, 0, NULL) + w_count_sa(&w, 1, NULL), 0);
	ck_assert_uint_eq(w.s[0].ups, 1);
	ck_assert(timers_next(&w.s[0].k->timers) == TICK_NEVER);
}
END_TEST

START_TEST(close_while_an_exchange_is_in_flight)
{
	struct ike_event soft = { .kind = IKE_EV_SA_SOFT }, hangup = { .kind = IKE_EV_HANGUP, .dial = 1 }, ev = { .kind = IKE_EV_CLOSE };

	up(IKE_DPD_OFF);
	w.manual = true;
	soft.spi_in = w.s[0].child[0].dp.spi_in;
	w_event(&w, 0, &soft);
	w_event(&w, 0, &hangup);
	ev.sa = w_sa(&w, 0)->id;
	w_event(&w, 0, &ev);
	ck_assert_uint_eq(w_held(&w, 0), 1);	/* window of one */
	if (_i)
		w_lose_everything(&w);
	w.manual = false;
	w_run(&w, TICK_S(20));
	ck_assert_uint_eq(w_count_sa(&w, 0, NULL) + w_count_sa(&w, 1, NULL), 0);
	ck_assert_uint_eq(w_count_child(&w, 0) + w_count_child(&w, 1), 0);
	ck_assert_int_eq(w.s[1].last_down, IKE_DOWN_DELETED);
}
END_TEST

START_TEST(data_plane_refuses)
{
	w.s[_i].refuse_child = true;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_S(3));
	ck_assert_uint_eq(w_count_child(&w, (unsigned)_i), 0);
	w.s[_i].refuse_child = false;
	w_run(&w, TICK_S(70));
	w_check_pair(&w);
}
END_TEST

/* A peer that was started anew names the SPI it does not have: we look, find nobody, and are there again within seconds. Another
 * SPI, or from elsewhere, is no cause. */
START_TEST(restarted_peer_names_the_spi)
{
	struct ike_event ev = { .kind = IKE_EV_SA_UNKNOWN };

	w.s[0].profile[0].dpd = IKE_DPD_OFF;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_S(1));
	w_check_pair(&w);
	ev.spi_in = w.s[0].child[0].dp.spi_out + (_i == 1);
	ev.local.addr = w.s[1].addr;
	ev.remote.addr = w.s[0].addr;
	w_stop(&w, 1);
	w_start(&w, 1);
	w_event(&w, 1, &ev);
	w_run(&w, TICK_S(6));
	ck_assert_uint_eq(w.s[0].downs, _i == 0);
	if (_i == 0)
		w_check_pair(&w);
}
END_TEST

Suite *
info_suite(void)
{
	Suite *s = suite_create("info");
	TCase *tc = tcase_create("info");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, periodic_when_idle);
	tcase_add_test(tc, esp_is_life);
	tcase_add_loop_test(tc, on_demand, 0, 2);
	tcase_add_loop_test(tc, a_hub_is_always_watched, 0, 2);
	tcase_add_loop_test(tc, dead_peer, 0, 2);
	tcase_add_test(tc, invalid_ike_spi_hastens);
	tcase_add_test(tc, unknown_esp_hastens);
	tcase_add_test(tc, forged_invalid_ike_spi_kills_nothing);
	tcase_add_loop_test(tc, peer_deletes_the_last_child, 0, 2);
	tcase_add_test(tc, closed);
	tcase_add_loop_test(tc, close_while_an_exchange_is_in_flight, 0, 2);
	tcase_add_loop_test(tc, data_plane_refuses, 0, 2);
	tcase_add_loop_test(tc, restarted_peer_names_the_spi, 0, 2);
	suite_add_tcase(s, tc);
	return s;
}
