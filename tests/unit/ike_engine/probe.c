/* Does a size get through? And an SA that outlives the question, whatever the network does. */
#include "tests/unit/ike_engine/suites.h"

static struct world w;

static void
begin(void)
{
	w_init(&w);
	w.s[0].profile[0].dpd = w.s[1].profile[0].dpd = IKE_DPD_OFF;
	w_up(&w);
}

static void
end(void)
{
	w_fini(&w);
}

static void
ask(unsigned size)
{
	struct ike_event ev = { .kind = IKE_EV_PROBE, .sa = w_sa(&w, 0)->id, .size = size };

	w.s[0].n_probes = w.s[0].sent_whole = 0;
	w_event(&w, 0, &ev);
}

static void
answered(enum ike_probe r, unsigned size)
{
	ck_assert_uint_eq(w.s[0].n_probes, 1);
	ck_assert_int_eq(w.s[0].probe, r);
	ck_assert_uint_eq(w.s[0].probe_size, size);
}

/* AES-GCM rounds nothing up: what is asked is what is sent. */
START_TEST(fits)
{
	unsigned sends;

	for (unsigned size = 576; size <= 1500; size += 77) {
		w.path_mtu = size;
		sends = w.s[0].sends;
		ask(size);
		w_run(&w, TICK_S(1));
		answered(IKE_PROBE_FITS, size);
		ck_assert_uint_eq(w.s[0].sends, sends + 1);
		ck_assert_uint_eq(w.s[0].sent_whole, 1);
	}
	w_check_pair(&w);
}
END_TEST

/* Two with DF, then fragments get through: too big, and the SA is well. */
START_TEST(too_big)
{
	w.path_mtu = 1399;
	ask(1400);
	w_run(&w, TICK_S(1));
	ck_assert_uint_eq(w.s[0].n_probes, 0);
	w_run(&w, TICK_S(2));
	answered(IKE_PROBE_TOO_BIG, 1400);
	ck_assert_uint_eq(w.s[0].sent_whole, 2);
	ask(1399);
	w_run(&w, TICK_S(1));
	answered(IKE_PROBE_FITS, 1399);
	w_run(&w, TICK_S(60));
	ck_assert_uint_eq(w.s[0].downs + w.s[1].downs, 0);
}
END_TEST

/* Fragments get lost as well: an empty one under the same message id opens the window again. */
START_TEST(too_big_and_no_fragments)
{
	w.path_mtu = 1280;
	w.no_fragments = true;
	for (unsigned i = 0; i < 3; i++) {
		ask(1500);
		w_run(&w, TICK_S(5));
		answered(IKE_PROBE_TOO_BIG, 1500);
	}
	ask(1280);
	w_run(&w, TICK_S(1));
	answered(IKE_PROBE_FITS, 1280);
	w_run(&w, TICK_S(60));
	ck_assert_uint_eq(w.s[0].downs + w.s[1].downs, 0);
	w_check_pair(&w);
}
END_TEST

/* Nobody answers anything: no word about the size, the peer is dead. */
START_TEST(dead_peer)
{
	w_stop(&w, 1);
	ask(1500);
	w_run(&w, TICK_S(25));
	ck_assert_uint_eq(w.s[0].n_probes, 0);
	ck_assert_uint_eq(w.s[0].downs, 1);
	ck_assert_int_eq(w.s[0].last_down, IKE_DOWN_DEAD);
}
END_TEST

/* One thing at a time; and of what is not there nothing is asked. */
START_TEST(busy)
{
	struct ike_event ev = { .kind = IKE_EV_PROBE, .sa = 4711, .size = 1500 };

	w_stop(&w, 1);
	ask(1500);
	ask(1400);
	answered(IKE_PROBE_BUSY, 1400);
	w.s[0].n_probes = 0;
	w_event(&w, 0, &ev);
	answered(IKE_PROBE_BUSY, 1500);
	ev.sa = w_sa(&w, 0)->id;
	ev.size = 60;	/* smaller than any message */
	w.s[0].n_probes = 0;
	w_event(&w, 0, &ev);
	answered(IKE_PROBE_BUSY, 60);
}
END_TEST

/* The answer is lost, not the question: the peer has seen the message id, and the empty request is answered by what it has kept. */
static unsigned lost;

static bool
lose_answers(struct world *world, struct w_msg *m)
{
	(void)world;
	return m->from == 0 || lost++ >= 3;
}

START_TEST(answers_lost)
{
	w.hook = lose_answers;
	lost = 0;
	ask(1500);
	w_run(&w, TICK_S(10));
	answered(IKE_PROBE_TOO_BIG, 1500);	/* better too small than a black hole */
	w.hook = NULL;
	ask(1500);
	w_run(&w, TICK_S(1));
	answered(IKE_PROBE_FITS, 1500);
	ck_assert_uint_eq(w.s[0].downs + w.s[1].downs, 0);
}
END_TEST

START_TEST(no_memory)
{
	w.s[0].t.fail_at = 1;
	ask(1500);
	answered(IKE_PROBE_BUSY, 1500);
	w.path_mtu = 1280;
	w.no_fragments = true;
	ask(1500);
	w_run(&w, TICK_MS(2000));
	w.s[0].t.fail_at = 1;	/* none for the empty one: the large one goes on, and the next try has memory or not */
	w_run(&w, TICK_S(40));
	ck_assert_uint_le(w.s[0].n_probes, 1);
}
END_TEST

Suite *
probe_suite(void)
{
	Suite *s = suite_create("probe");
	TCase *tc = tcase_create("probe");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, fits);
	tcase_add_test(tc, too_big);
	tcase_add_test(tc, too_big_and_no_fragments);
	tcase_add_test(tc, dead_peer);
	tcase_add_test(tc, busy);
	tcase_add_test(tc, answers_lost);
	tcase_add_test(tc, no_memory);
	suite_add_tcase(s, tc);
	return s;
}
