/* Twin of ikecore/engine/kept.c: a peer that was restarted and whose ESP SAs carry on costs no moment without an SA. */
#include "tests/unit/ike_engine/suites.h"

static struct world w;
static const uint8_t secret[2][IKE_CRASH_SECRET] = { "the first machine's own secret!", "the other machine's own secret" };

static void
begin(void)
{
	w_init(&w);
	w.s[0].qcd = secret[0];
	w.s[1].qcd = secret[1];
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_settle(&w);
	w_check_pair(&w);
}

static void
end(void)
{
	w_fini(&w);
}

/* It is asked about the SA that it lost, and answers with the token. */
static void
restart_and_tell(bool kept)
{
	struct ike_sa *sa = w_sa(&w, 0);

	w_stop(&w, 1);
	w.s[1].esp_kept = kept;
	w_start(&w, 1);
	sa->want_live = true;
	timer_arm(&w.s[0].k->timers, &sa->t_kick, w.now);
	w_run(&w, TICK_MS(30));
	ck_assert_int_eq(w.s[0].last_down, IKE_DOWN_RESTARTED);
}

static uint32_t
sent_on(unsigned side)
{
	const struct w_child *best = NULL;

	for (unsigned i = 0; i < w.s[side].n_child; i++) {
		if (w.s[side].child[i].active && (!best || w.s[side].child[i].order > best->order))
			best = &w.s[side].child[i];
	}
	return best ? best->dp.spi_in : 0;
}

/* The IKE SA is gone, the pair is there and sent on, until the dial has made another; a moment later it is gone as well. */
START_TEST(token_and_kept)
{
	uint32_t old = w.s[0].child[0].dp.spi_in;

	restart_and_tell(true);
	ck_assert_ptr_null(w_sa(&w, 0));
	ck_assert_uint_eq(w_count_child(&w, 0), 1);
	ck_assert_uint_eq(sent_on(0), old);
	w_run(&w, TICK_S(1));
	ck_assert_uint_eq(w_count_child(&w, 0), 2);
	ck_assert_uint_ne(sent_on(0), old);
	w_run(&w, TICK_S(4));
	w_check_pair(&w);
	ck_assert_uint_eq(w.s[0].k->kept.n, 0);
}
END_TEST

/* Whose plane lost them does not say so: all goes at once, as ever. */
START_TEST(token_alone)
{
	restart_and_tell(false);
	ck_assert_uint_eq(w_count_child(&w, 0), 0);
	w_run(&w, TICK_S(1));
	w_check_pair(&w);
}
END_TEST

/* Nobody comes back: the pair lasts its time and no longer. */
START_TEST(not_for_ever)
{
	w.s[0].profile[0].dpd = IKE_DPD_OFF;
	restart_and_tell(true);
	w_stop(&w, 1);
	w_run(&w, TICK_S(18));
	ck_assert_uint_eq(w_count_child(&w, 0), 1);
	w_run(&w, TICK_S(4));
	ck_assert_uint_eq(w_count_child(&w, 0), 0);
}
END_TEST

/* The notify alone, in clear, from anybody, is nothing. */
START_TEST(without_token_nothing_happens)
{
	struct ike_sa *sa = w_sa(&w, 0);
	struct w_msg m = { .from = 1, .src = sa->remote, .dst = sa->local };
	struct wr x = wr_of(m.octets, sizeof(m.octets));
	struct ike_hdr h = { .spi_i = sa->spi_i, .spi_r = sa->spi_r, .version = IKE_VERSION_2, .exchange = IKE_INFORMATIONAL,
		.flags = IKE_FLAG_RESPONSE };
	struct ike_build b;

	ike_build_start(&b, &x, &h);
	ike_build_notify(&b, 0, span_of("", 0), IKE_N_INVALID_IKE_SPI, span_of("", 0));
	ike_build_notify(&b, 0, span_of("", 0), IKE_N_ODM_ESP_KEPT, span_of("", 0));
	m.n = ike_build_end(&b);
	w_inject(&w, 0, &m);
	w_run(&w, TICK_S(5));
	ck_assert_uint_eq(w.s[0].downs, 0);
	w_check_pair(&w);
}
END_TEST

/* Who dials is the one that was restarted: INITIAL_CONTACT tells. The one that is called goes on with the old pair until the new one
 * is used, for its packets would come before the other end has it. */
static void
the_dialler_restarts(bool kept)
{
	w_stop(&w, 0);
	w.s[0].esp_kept = kept;
	w_start(&w, 0);
	w_dial(&w, 0, 1, 1);
	w_settle(&w);
	w_run(&w, TICK_MS(100));
	ck_assert_int_eq(w.s[1].last_down, IKE_DOWN_REPLACED);
}

START_TEST(contact_and_kept)
{
	uint32_t old = w.s[1].child[0].dp.spi_in, new;
	struct ike_event used = { .kind = IKE_EV_SA_USED };

	the_dialler_restarts(true);
	ck_assert_uint_eq(w_count_child(&w, 1), 2);
	ck_assert_uint_eq(sent_on(1), old);
	new = w_engine_child(&w, 1)->spi_in;
	used.spi_in = new;
	w_event(&w, 1, &used);
	ck_assert_uint_eq(sent_on(1), new);
	w_run(&w, TICK_S(5));
	w_check_pair(&w);
}
END_TEST

START_TEST(contact_alone)
{
	the_dialler_restarts(false);
	ck_assert_uint_eq(w_count_child(&w, 1), 1);
	ck_assert_uint_eq(sent_on(1), w_engine_child(&w, 1)->spi_in);
}
END_TEST

/* A minute after the start it is not true any more. */
START_TEST(said_for_a_minute)
{
	w_stop(&w, 1);
	w.s[1].esp_kept = true;
	w_start(&w, 1);
	ike_tick(w.s[1].k, w.now, &w.s[1].out);
	ck_assert(ike_kept_say(w.s[1].k));
	ike_tick(w.s[1].k, w.now + TICK_S(61), &w.s[1].out);
	ck_assert(!ike_kept_say(w.s[1].k));
}
END_TEST

START_TEST(no_memory_to_keep_it)
{
	struct ike_sa *sa = w_sa(&w, 0);

	sa->kept = true;
	w.s[0].k->now = w.now;
	w.s[0].k->out = &w.s[0].out;
	w.s[0].t.fail_at = 1;
	ike_sa_down(w.s[0].k, sa, IKE_DOWN_RESTARTED, "peer was restarted", 0, false);
	w.s[0].t.fail_at = 0;
	ck_assert_uint_eq(w.s[0].k->kept.n, 0);
	w_run(&w, TICK_S(2));
	ck_assert_uint_eq(w.s[0].k->n_lingering, 0);
}
END_TEST

Suite *
kept_suite(void)
{
	Suite *s = suite_create("kept");
	TCase *tc = tcase_create("kept");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, token_and_kept);
	tcase_add_test(tc, token_alone);
	tcase_add_test(tc, not_for_ever);
	tcase_add_test(tc, without_token_nothing_happens);
	tcase_add_test(tc, contact_and_kept);
	tcase_add_test(tc, contact_alone);
	tcase_add_test(tc, said_for_a_minute);
	tcase_add_test(tc, no_memory_to_keep_it);
	suite_add_tcase(s, tc);
	return s;
}
