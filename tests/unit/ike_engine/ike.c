/* The engine as a whole: memory that fails anywhere, a full queue, shutdown, show, many peers. */
#include "tests/unit/ike_engine/suites.h"

#include <stdio.h>

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

/* Set-up, child rekey with PFS, IKE rekey, delete; in each the n-th allocation of one side fails, and it comes out right. */
static void
whole_life(void)
{
	struct ike_event ev = { .kind = IKE_EV_SA_SOFT };
	struct ike_event hangup = { .kind = IKE_EV_HANGUP, .dial = 1 };

	w_dial(&w, 0, 1, 1);
	if (w.s[0].dial_fails && w.s[0].k->by_dial.n == 0)
		w_dial(&w, 0, 1, 1);	/* the dial itself could not be kept */
	w_run(&w, TICK_S(40));
	ck_assert_ptr_nonnull(w_sa(&w, 0));
	ck_assert(w_usable(&w));
	ev.spi_in = w_engine_child(&w, 0)->spi_in;
	w_event(&w, 0, &ev);
	w_run(&w, TICK_S(40));
	ck_assert(w_usable(&w));
	w_sa(&w, 0)->want_rekey = true;
	ike_sa_kick_at(w.s[0].k, w_sa(&w, 0), w.now);
	w_run(&w, TICK_S(70));
	w_check_pair(&w);
	w_event(&w, 0, &hangup);
	ev.kind = IKE_EV_CLOSE;
	ev.sa = w_sa(&w, 0)->id;
	w_event(&w, 0, &ev);
	w_run(&w, TICK_S(50));
	ck_assert_uint_eq(w_count_sa(&w, 0, NULL) + w_count_sa(&w, 1, NULL), 0);
	ck_assert_uint_eq(w_count_child(&w, 0) + w_count_child(&w, 1), 0);
}

START_TEST(nth_allocation_fails)
{
	unsigned side = (unsigned)_i & 1;

	for (unsigned i = 0; i < 2; i++) {
		w.s[i].profile[0].esp[0].group[0] = IKE_KE_CURVE25519;
		w.s[i].profile[0].esp[0].n_group = 1;
	}
	w_go(&w);
	w.s[side].t.fail_at = _i / 2 + 1;
	whole_life();
	if (_i / 2 >= 119)
		ck_assert_int_gt(w.s[side].t.fail_at, 0);	/* all of them were tried */
}
END_TEST

START_TEST(new_fails)
{
	struct ike_env env = { w.s[0].t.env, NULL, NULL };

	w.s[0].t.fail_at = 1;
	ck_assert_ptr_null(ike_new(&w.s[0].conf, &env));
	ike_free(NULL);
}
END_TEST

START_TEST(full_queue)
{
	struct ike_rx rx = { 0 };

	w_go(&w);
	while (outq_room(&w.s[1].out, IKE_STEP_ITEMS, 0))
		((struct ike_act *)outq_add(&w.s[1].out))->kind = IKE_ACT_KEEPALIVE;
	ck_assert_int_eq(ike_rx(w.s[1].k, w.now, &rx, &w.s[1].out), IKE_DROP_ROOM);
	ike_out_reset(&w.s[1].out);
	w_dial(&w, 0, 1, 1);
	w_settle(&w);
	w_check_pair(&w);
	while (outq_add(&w.s[0].out))
		;
	w_sa(&w, 0)->want_live = true;
	ike_sa_kick_at(w.s[0].k, w_sa(&w, 0), w.now);
	ike_tick(w.s[0].k, w.now, &w.s[0].out);
	ck_assert_uint_le(ike_deadline(w.s[0].k), w.now);	/* still due */
	ike_out_reset(&w.s[0].out);
	w_settle(&w);
	ck_assert(!w_sa(&w, 0)->want_live);
}
END_TEST

START_TEST(keys_are_wiped_from_the_queue)
{
	struct ike_act *a;
	const struct dp_sa *d;
	static const uint8_t zero[DP_KEY_MAX];

	w_go(&w);
	a = outq_add(&w.s[0].out);
	a->kind = IKE_ACT_CHILD_ADD;
	d = (const struct dp_sa *)(const void *)outq_octets(&w.s[0].out, sizeof(*d));
	a->child = d;
	memset((void *)(uintptr_t)d, 0x55, sizeof(*d));
	ike_out_reset(&w.s[0].out);
	ck_assert_mem_eq(d->keys.encr_in, zero, sizeof(zero));
	ck_assert_uint_eq(w.s[0].out.n, 0);
}
END_TEST

START_TEST(shutdown)
{
	struct ike_event ev = { .kind = IKE_EV_SHUTDOWN };

	w.n_sides = 3;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_dial(&w, 2, 1, 1);
	w_settle(&w);
	ck_assert_uint_eq(w_count_sa(&w, 1, "established"), 2);
	w_event(&w, 1, &ev);
	w_settle(&w);
	ck_assert_uint_eq(w.s[1].downs, 2);
	ck_assert_int_eq(w.s[0].last_down, IKE_DOWN_DELETED);
	ck_assert_int_eq(w.s[2].last_down, IKE_DOWN_DELETED);
	ck_assert_uint_eq(w_count_sa(&w, 1, NULL), 0);
	ck_assert_uint_eq(w_count_child(&w, 1), 0);
	w_run(&w, TICK_S(3));	/* nobody gets in any more */
	ck_assert_uint_eq(w.s[1].ups, 2);
}
END_TEST

/* 200 peers, because of the queue: more than fits one step. */
START_TEST(shutdown_of_many)
{
	struct ike_event ev = { .kind = IKE_EV_SHUTDOWN };

	w.s[0].conf.cookie_threshold = w.s[1].conf.cookie_threshold = 1000;
	w.s[1].conf.half_open_max = 1000;
	w_go(&w);
	for (unsigned i = 0; i < 200; i++) {	/* each from an identity of its own */
		char name[32];

		snprintf(name, sizeof(name), "s%u.example.net", i);
		w.s[0].profile[0].local_id = w_fqdn(name);
		w_dial(&w, 0, 1, i + 1);
		w_settle(&w);
		w.s[0].n_child = w.s[1].n_child = 0;
		w_event(&w, 0, &(struct ike_event){ .kind = IKE_EV_HANGUP, .dial = i + 1 });
	}
	ck_assert_uint_eq(w_count_sa(&w, 1, "established"), 200);
	w.forget_children = true;
	w_event(&w, 1, &ev);
	w_run(&w, TICK_S(5));
	ck_assert_uint_eq(w.s[1].downs, 200);
	ck_assert_uint_eq(w.s[0].downs, 200);
	ck_assert_uint_eq(w_count_sa(&w, 0, NULL) + w_count_sa(&w, 1, NULL), 200);	/* 0 keeps them to answer again */
	w_run(&w, TICK_S(6));
	ck_assert_uint_eq(w_count_sa(&w, 0, NULL), 0);
}
END_TEST

static bool
note_child(void *ctx, const struct ike_child_info *i)
{
	*(struct ike_child_info *)ctx = *i;
	return true;
}

START_TEST(show)
{
	struct ike_child_info c = { 0 };

	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_settle(&w);
	ck_assert_uint_eq(w_count_sa(&w, 0, "established"), 1);
	ike_visit_child(w.s[0].k, 0, note_child, &c);
	ck_assert_uint_eq(c.spi_in, w.s[0].child[0].dp.spi_in);
	ck_assert_uint_eq(c.spi_out, w.s[1].child[0].dp.spi_in);
	ck_assert_str_eq(c.state, "installed");
	ck_assert(c.esn);
	ck_assert_uint_eq(ike_count_exchange(w.s[0].k, true, IKE_SA_INIT), 1);
	ck_assert_uint_eq(ike_count_exchange(w.s[0].k, false, IKE_SA_INIT), 1);
	ck_assert_uint_eq(ike_count_exchange(w.s[1].k, true, IKE_AUTH), 1);
	ck_assert_uint_eq(ike_count_drop(w.s[1].k, IKE_OK), 3);	/* the waiting IKE_AUTH counts twice: kept, opened */
	ck_assert_uint_eq(ike_count_drop(w.s[1].k, (enum ike_drop)9999), 0);
}
END_TEST

Suite *
ike_suite(void)
{
	Suite *s = suite_create("ike");
	TCase *tc = tcase_create("ike");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, nth_allocation_fails, 0, 240);
	tcase_add_test(tc, new_fails);
	tcase_add_test(tc, full_queue);
	tcase_add_test(tc, keys_are_wiped_from_the_queue);
	tcase_add_test(tc, shutdown);
	tcase_add_test(tc, shutdown_of_many);
	tcase_add_test(tc, show);
	suite_add_tcase(s, tc);
	return s;
}
