/* Dials: several remotes, backoff, hanging up, an address that changes. */
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

START_TEST(next_remote)
{
	struct ike_event ev = { .dial = 3, .n_remotes = 3, .hub = true };

	w_go(&w);
	ev.local.addr = w.s[0].addr;
	ev.remotes[0].addr = w_addr("203.0.113.200");	/* nobody there */
	ev.remotes[1].addr = w_addr("203.0.113.201");
	ev.remotes[2].addr = w.s[1].addr;
	w_dial_ev(&w, 0, &ev);
	w_run(&w, TICK_S(80));
	w_check_pair(&w);
	ck_assert_uint_eq(w.s[0].up_dial, 3);
	ck_assert_uint_eq(w.s[0].dial_fails, 0);
}
END_TEST

/* A hub is tried without long pauses: many wait for it. */
START_TEST(backoff_grows_and_ends_with_the_peer)
{
	struct ike_event ev = { .dial = 1, .n_remotes = 1, .hub = _i };
	unsigned sends;

	w_go(&w);
	w.s[1].dead = true;
	ev.local.addr = w.s[0].addr;
	ev.remotes[0].addr = w.s[1].addr;
	w_dial_ev(&w, 0, &ev);
	w_run(&w, TICK_S(1200));
	ck_assert_uint_ge(w.s[0].dial_fails, _i ? 28 : 11);
	ck_assert_uint_le(w.s[0].dial_fails, _i ? 40 : 22);
	w.s[1].dead = false;
	w_run(&w, TICK_S(_i ? 9 : 100));
	w_check_pair(&w);
	sends = w.s[0].sends;
	w_run(&w, TICK_S(100));
	ck_assert_uint_eq(w.s[0].sends, sends);
}
END_TEST

START_TEST(hangup_at_any_time)
{
	struct ike_event ev = { .kind = IKE_EV_HANGUP, .dial = 1 };

	w.manual = true;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	for (int i = 0; i < _i; i++)
		w_deliver(&w, (unsigned)i & 1);
	w_event(&w, 0, &ev);
	w.manual = false;
	w_run(&w, TICK_S(40));
	if (_i < 4) {
		ck_assert_uint_eq(w_count_sa(&w, 0, NULL) + w_count_sa(&w, 1, NULL), 0);
		ck_assert_uint_eq(w_count_child(&w, 1), 0);
	} else {
		w_check_pair(&w);
	}
	w_event(&w, 0, &ev);	/* twice is fine */
}
END_TEST

START_TEST(hangup_while_a_job_is_out)
{
	struct ike_event ev = { .kind = IKE_EV_HANGUP, .dial = 1 };

	w.s[0].hold_jobs = true;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_settle(&w);
	ck_assert_uint_eq(w.s[0].n_jobs, 1);
	w_event(&w, 0, &ev);
	w.s[0].hold_jobs = false;
	w_event(&w, 0, &(struct ike_event){ .kind = IKE_EV_HANGUP });
	ck_assert_uint_eq(w.s[0].n_jobs, 0);
	w_run(&w, TICK_S(40));
	ck_assert_uint_eq(w.s[0].ups, 0);
	ck_assert_uint_eq(w_count_sa(&w, 1, NULL), 0);
}
END_TEST

START_TEST(local_address_changes)
{
	struct ike_event ev = { .kind = IKE_EV_LOCAL_ADDR };

	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_settle(&w);
	ev.local.addr = w.s[0].addr;
	ev.remote.addr = w_addr("192.0.2.77");
	w.s[0].addr = ev.remote.addr;
	w_event(&w, 0, &ev);
	w_run(&w, TICK_S(3));
	ck_assert_int_eq(w.s[0].last_down, IKE_DOWN_UNREACHABLE);
	ck_assert_int_eq(w.s[1].last_down, IKE_DOWN_REPLACED);
	w_check_pair(&w);
	ck_assert(addr_eq(&w.s[1].child[0].dp.remote.addr, &ev.remote.addr));
}
END_TEST

START_TEST(nonsense)
{
	struct ike_event ev = { .dial = 1 };

	w_go(&w);
	w_dial_ev(&w, 0, &ev);
	ck_assert_uint_eq(w.s[0].dial_fails, 1);
	ev.n_remotes = 1;
	ev.profile = 5;
	w_dial_ev(&w, 0, &ev);
	ck_assert_uint_eq(w.s[0].dial_fails, 2);
	w_event(&w, 0, &(struct ike_event){ .kind = IKE_EV_CLOSE, .sa = 99 });
	w_event(&w, 0, &(struct ike_event){ .kind = IKE_EV_CHILD_RESULT, .spi_in = 99 });
	w_event(&w, 0, &(struct ike_event){ .kind = IKE_EV_SA_HARD, .spi_in = 99 });
	w_event(&w, 0, &(struct ike_event){ .kind = IKE_EV_SA_MOVED, .spi_in = 99 });
	w_event(&w, 0, &(struct ike_event){ .kind = IKE_EV_USE, .spi_in = 99 });
	ck_assert_uint_eq(w.s[0].sends, 0);
}
END_TEST

START_TEST(two_dials_to_one_peer)
{
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_dial(&w, 0, 1, 2);
	w_run(&w, TICK_S(10));
	w_check_pair(&w);
	ck_assert_ptr_nonnull(w_sa(&w, 0)->dials);
	ck_assert_ptr_nonnull(w_sa(&w, 0)->dials->next_on_sa);	/* both satisfied by one */
	ck_assert_int_eq(w.s[0].last_down, IKE_DOWN_DUPLICATE);
}
END_TEST

/* Nobody hears side 0: as a filter in front of the peer, which lets out but not in. */
static bool
no_request_of_0(struct world *world, struct w_msg *m)
{
	(void)world;
	return m->from != 0 || m->n < IKE_HDR_LEN || m->octets[18] != IKE_SA_INIT || (m->octets[19] & IKE_FLAG_RESPONSE);
}

START_TEST(the_peer_calls_first)
{
	struct ike_event close = { .kind = IKE_EV_CLOSE, .text = "test" };

	w_go(&w);
	w.hook = no_request_of_0;
	w_dial(&w, 0, 1, 7);
	w_run(&w, TICK_S(_i));	/* in an attempt, between two */
	ck_assert_ptr_null(w_sa(&w, 0));
	w_dial(&w, 1, 0, 1);
	w_run(&w, TICK_S(2));
	w_check_pair(&w);
	ck_assert_uint_eq(w.s[0].up_dial, 7);
	ck_assert(!w_sa(&w, 0)->initiator);
	ck_assert_ptr_nonnull(w_sa(&w, 0)->dials);
	w.s[0].sends = 0;
	w_run(&w, TICK_S(300));
	w_check_pair(&w);
	ck_assert_uint_eq(w.s[0].sends, 0);	/* nothing more is tried */
	ck_assert_uint_eq(w.s[0].ups, 1);

	w.hook = NULL;	/* when it goes the dial begins again */
	close.sa = w_sa(&w, 1)->id;
	w_event(&w, 1, &(struct ike_event){ .kind = IKE_EV_HANGUP, .dial = 1 });
	w_event(&w, 1, &close);
	w_run(&w, TICK_S(20));
	w_check_pair(&w);
	ck_assert(w_sa(&w, 0)->initiator);
	ck_assert_uint_eq(w.s[0].up_dial, 7);
}
END_TEST

START_TEST(another_behind_that_address_is_not_the_one_called)
{
	w.s[1].nat = w_addr("203.0.113.9");
	w_go(&w);
	w.hook = no_request_of_0;
	w_dial_ev(&w, 0, &(struct ike_event){ .dial = 7, .n_remotes = 1, .local.addr = w.s[0].addr, .remotes[0].addr = w.s[1].nat });
	w_dial(&w, 1, 0, 1);
	w_run(&w, TICK_S(5));
	ck_assert_ptr_nonnull(w_sa(&w, 0));
	ck_assert(w_sa(&w, 0)->natted_remote);
	ck_assert_ptr_null(w_sa(&w, 0)->dials);
	ck_assert_uint_eq(w.s[0].up_dial, 0);
}
END_TEST

START_TEST(one_of_several_addresses_calls)
{
	struct ike_event ev = { .dial = 7, .n_remotes = 3 };

	w_go(&w);
	ev.local.addr = w.s[0].addr;
	ev.remotes[0].addr = w_addr("203.0.113.200");
	ev.remotes[1].addr = w.s[1].addr;
	ev.remotes[2].addr = w_addr("203.0.113.201");
	w.hook = no_request_of_0;
	w_dial_ev(&w, 0, &ev);
	ev.n_remotes = 2;	/* said again: other remotes */
	w_dial_ev(&w, 0, &ev);
	w_dial(&w, 1, 0, 1);
	w_run(&w, TICK_S(5));
	w_check_pair(&w);
	ck_assert_uint_eq(w.s[0].up_dial, 7);
}
END_TEST

Suite *
dial_suite(void)
{
	Suite *s = suite_create("dial");
	TCase *tc = tcase_create("dial");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, next_remote);
	tcase_add_loop_test(tc, backoff_grows_and_ends_with_the_peer, 0, 2);
	tcase_add_loop_test(tc, hangup_at_any_time, 0, 5);
	tcase_add_test(tc, hangup_while_a_job_is_out);
	tcase_add_test(tc, local_address_changes);
	tcase_add_test(tc, nonsense);
	tcase_add_test(tc, two_dials_to_one_peer);
	tcase_add_loop_test(tc, the_peer_calls_first, 0, 60);
	tcase_add_test(tc, another_behind_that_address_is_not_the_one_called);
	tcase_add_test(tc, one_of_several_addresses_calls);
	suite_add_tcase(s, tc);
	return s;
}
