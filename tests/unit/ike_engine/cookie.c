/* Floods: bounded records, no computation, and honest peers still get in. */
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

static struct w_msg
template_request(void)
{
	struct w_msg m;

	w.manual = true;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	m = *w.msg[0];
	w.manual = false;
	w_settle(&w);
	w_check_pair(&w);
	return m;
}

/* From ever new SPIs, addresses (or one) and ports, as spoofers do. */
static void
flood(struct w_msg *m, unsigned n, bool one_address)
{
	w.s[0].dead = true;	/* answers go to who never asked */
	for (unsigned i = 0; i < n; i++) {
		for (unsigned j = 0; j < 4; j++)
			m->octets[j] = (uint8_t)((i + 1) >> (8 * j));
		if (!one_address)
			memcpy(m->src.addr.b, (uint8_t[4]){ 100, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i }, 4);
		m->src.port = (uint16_t)(1024 + i % 50000);
		w_inject(&w, 1, m);
		w_lose_everything(&w);
	}
	w.s[0].dead = false;
}

START_TEST(flood_is_bounded)
{
	struct w_msg m = template_request();
	long live;

	flood(&m, 100, false);
	live = w.s[1].t.live;
	flood(&m, 20000, false);
	ck_assert_uint_le(w.s[1].k->n_half, 32);	/* the cookie threshold */
	ck_assert_int_le(w.s[1].t.live - live, 16);	/* hash tables may grow a little */
	ck_assert_uint_gt(ike_count_drop(w.s[1].k, IKE_DROP_COOKIE), 19000);
	ck_assert_uint_eq(w.s[1].n_jobs, 0);
	w_run(&w, TICK_S(31));
	ck_assert_uint_eq(w.s[1].k->n_half, 0);
	w_check_pair(&w);
}
END_TEST

START_TEST(honest_peer_gets_in_during_a_flood)
{
	struct w_msg m = template_request();
	struct ike_event ev = { .kind = IKE_EV_CLOSE, .sa = w_sa(&w, 0)->id };

	w_event(&w, 0, &ev);
	w_settle(&w);
	flood(&m, 5000, false);
	w_run(&w, TICK_S(2));
	ck_assert_ptr_nonnull(w_sa(&w, 0));
	ck_assert(w_usable(&w));
}
END_TEST

START_TEST(one_address_pays_a_round_trip_and_no_more)
{
	struct w_msg m = template_request();
	struct ike_event ev = { .kind = IKE_EV_CLOSE, .sa = w_sa(&w, 0)->id };

	w_event(&w, 0, &ev);
	w_settle(&w);
	flood(&m, 5000, true);	/* the spoke's own address: its NAT neighbours */
	ck_assert_uint_le(w.s[1].k->n_half, IKE_ADDR_HALF);
	w_run(&w, TICK_S(2));
	ck_assert(w_usable(&w));
}
END_TEST

/* At the hard bound who proved its address takes the place of the oldest who did not. */
START_TEST(proven_ones_push_out)
{
	struct w_msg m;

	w.s[1].conf.half_open_max = 8;
	w.s[1].conf.cookie_threshold = 8;
	m = template_request();
	flood(&m, 100, false);
	ck_assert_uint_eq(w.s[1].k->n_half, 8);
	{
		struct ike_event ev = { .kind = IKE_EV_CLOSE, .sa = w_sa(&w, 0)->id };

		w_event(&w, 0, &ev);
	}
	w_run(&w, TICK_S(2));
	ck_assert(w_usable(&w));
}
END_TEST

START_TEST(a_cookie_is_bound_to_address_port_spi_and_nonce)
{
	struct w_msg m, again;
	struct ike_msg parsed;

	w.s[1].conf.cookie_threshold = 0;
	w.manual = true;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_deliver(&w, 0);
	w_deliver(&w, 1);
	m = *w.msg[0];	/* with cookie */
	ck_assert_int_eq(ike_msg_parse(span_of(m.octets, m.n), &parsed), IKE_OK);
	ck_assert_ptr_nonnull(ike_msg_notify(&parsed, IKE_N_COOKIE));
	again = m;
	again.src.port++;
	ck_assert_int_eq(w_inject(&w, 1, &again), IKE_DROP_COOKIE_BAD);
	again = m;
	again.src.addr.b[3]++;
	ck_assert_int_eq(w_inject(&w, 1, &again), IKE_DROP_COOKIE_BAD);
	again = m;
	again.octets[0] ^= 1;
	ck_assert_int_eq(w_inject(&w, 1, &again), IKE_DROP_COOKIE_BAD);
	again = m;
	again.octets[(size_t)(parsed.nonce.p - m.octets)] ^= 1;
	ck_assert_int_eq(w_inject(&w, 1, &again), IKE_DROP_COOKIE_BAD);
	again = m;
	again.octets[40] ^= 1;
	ck_assert_int_eq(w_inject(&w, 1, &again), IKE_DROP_COOKIE_BAD);
	w.now += IKE_COOKIE_ROTATE + 1;	/* the one before still serves */
	ck_assert_int_eq(w_inject(&w, 1, &m), IKE_OK);
	ck_assert_uint_eq(w.s[1].k->n_half, 1);
}
END_TEST

START_TEST(an_old_cookie_expires)
{
	struct w_msg m;

	w.s[1].conf.cookie_threshold = 0;
	w.manual = true;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_deliver(&w, 0);
	w_deliver(&w, 1);
	m = *w.msg[0];
	for (unsigned i = 0; i < 2; i++) {
		struct w_msg other = m;

		w.now += IKE_COOKIE_ROTATE + 1;
		other.octets[0] ^= 1;	/* somebody else asks meanwhile, which turns the secret */
		w_inject(&w, 1, &other);
	}
	ck_assert_int_eq(w_inject(&w, 1, &m), IKE_DROP_COOKIE_BAD);
}
END_TEST

START_TEST(answers_in_clear_are_small_and_go_to_hosts)
{
	struct w_msg m = template_request();

	w.s[1].k->conf = &w.s[1].conf;
	w.s[1].conf.cookie_threshold = 0;
	w.manual = true;
	m.octets[0] ^= 1;
	w_inject(&w, 1, &m);
	ck_assert_uint_eq(w_held(&w, 1), 1);
	ck_assert_uint_lt(w.msg[0]->n, m.n);
	w_lose_everything(&w);
	m.src.addr = w_addr("224.0.0.1");
	w_inject(&w, 1, &m);
	m.src.addr = w_addr("255.255.255.255");
	w_inject(&w, 1, &m);
	m.src = m.dst;
	w_inject(&w, 1, &m);
	ck_assert_uint_eq(w.n_msg, 0);
}
END_TEST

Suite *
cookie_suite(void)
{
	Suite *s = suite_create("cookie");
	TCase *tc = tcase_create("cookie");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, flood_is_bounded);
	tcase_add_test(tc, honest_peer_gets_in_during_a_flood);
	tcase_add_test(tc, one_address_pays_a_round_trip_and_no_more);
	tcase_add_test(tc, proven_ones_push_out);
	tcase_add_test(tc, a_cookie_is_bound_to_address_port_spi_and_nonce);
	tcase_add_test(tc, an_old_cookie_expires);
	tcase_add_test(tc, answers_in_clear_are_small_and_go_to_hosts);
	suite_add_tcase(s, tc);
	return s;
}
