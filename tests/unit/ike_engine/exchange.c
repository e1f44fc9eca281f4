/* Message ids, retransmission, repeated answers, replay, and every octet of every message changed. */
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
close_from(unsigned side)
{
	struct ike_event ev = { .kind = IKE_EV_CLOSE, .sa = w_sa(&w, side)->id, .text = "test" };

	w_event(&w, side, &ev);
}

static unsigned lose;

static bool
lose_one(struct world *x, struct w_msg *m)
{
	(void)x;
	return m->serial != lose;
}

/* Cookies, another method, set-up, delete: whichever message is lost, it comes out right. */
START_TEST(kth_message_lost)
{
	struct ike_event hangup = { .kind = IKE_EV_HANGUP, .dial = 1 };
	struct ike_proposal *p = &w.s[0].profile[0].ike[0];

	p->group[1] = IKE_KE_ECP256;
	p->n_group = 2;
	w.s[1].profile[0].ike[0].group[0] = IKE_KE_ECP256;
	w.s[1].conf.cookie_threshold = 0;
	lose = (unsigned)_i;
	w.hook = lose_one;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_S(35));	/* half-open records of lost rounds run out */
	w_check_pair(&w);
	ck_assert_uint_eq(w.s[0].ups, 1);
	ck_assert_uint_eq(w.s[1].ups, 1);
	w_event(&w, 0, &hangup);
	lose = w.serial + (unsigned)_i % 2;
	close_from(0);
	w_run(&w, TICK_S(20));
	ck_assert_uint_eq(w_count_sa(&w, 0, NULL) + w_count_sa(&w, 1, NULL), 0);
	ck_assert_uint_eq(w_count_child(&w, 0) + w_count_child(&w, 1), 0);
	ck_assert_int_eq(w.s[1].last_down, IKE_DOWN_DELETED);
}
END_TEST

static struct w_msg *kept[64];
static unsigned n_kept;

static bool
keep(struct world *x, struct w_msg *m)
{
	(void)x;
	if (n_kept < 64) {
		kept[n_kept] = malloc(sizeof(*m));
		*kept[n_kept++] = *m;
	}
	return true;
}

static void
drop_kept(void)
{
	while (n_kept)
		free(kept[--n_kept]);
}

static bool
twice(struct world *x, struct w_msg *m)
{
	struct w_msg *copy = malloc(sizeof(*copy));

	*copy = *m;
	copy->at += TICK_MS(3);
	x->msg[x->n_msg++] = copy;
	return true;
}

START_TEST(every_message_twice)
{
	w.s[1].conf.cookie_threshold = _i ? 0 : 32;
	w.hook = twice;
	w_up(&w);
	close_from(0);
	w_settle(&w);
	ck_assert_uint_eq(w.s[0].downs, 1);
	ck_assert_uint_eq(w.s[1].downs, 1);
	w_run(&w, TICK_S(3));
	w.hook = NULL;
	w_run(&w, TICK_S(40));
	ck_assert_uint_eq(w.s[0].ups, 2);	/* the dial goes on */
	w_check_pair(&w);
}
END_TEST

/* All of an SA's messages again, in every order of two, change nothing. */
START_TEST(replay)
{
	struct ike_event ev = { .kind = IKE_EV_SA_SOFT };
	unsigned n;

	w.hook = keep;
	w_up(&w);
	ev.spi_in = w.s[0].child[0].dp.spi_in;
	w_event(&w, 0, &ev);
	w_run(&w, TICK_S(5));
	w_check_pair(&w);
	w.hook = NULL;
	w.manual = true;
	n = n_kept;
	for (unsigned i = 0; i < n; i++) {
		for (unsigned j = 0; j < n; j++) {
			w_inject(&w, 1 - kept[i]->from, kept[i]);
			w_inject(&w, 1 - kept[j]->from, kept[j]);
		}
	}
	w_lose_everything(&w);
	w.manual = false;
	drop_kept();
	ck_assert_uint_eq(w.s[0].downs + w.s[1].downs, 0);
	ck_assert_uint_eq(w.s[0].ups + w.s[1].ups, 2);
	ck_assert_uint_eq(w.s[0].child_adds, 2);
	w_run(&w, TICK_S(40));
	w_check_pair(&w);
}
END_TEST

START_TEST(answer_is_repeated_octet_by_octet)
{
	struct ike_event ev = { .kind = IKE_EV_SA_SOFT };
	struct w_msg req, first;

	w_up(&w);
	w.manual = true;
	ev.spi_in = w.s[0].child[0].dp.spi_in;
	w_event(&w, 0, &ev);
	req = *w.msg[0];
	w_deliver(&w, 0);
	first = *w.msg[0];
	ck_assert_uint_eq(first.from, 1);
	ck_assert_int_eq(w_inject(&w, 1, &req), IKE_OK);
	ck_assert_uint_eq(w_held(&w, 1), 2);
	ck_assert_uint_eq(w.msg[1]->n, first.n);
	ck_assert_mem_eq(w.msg[1]->octets, first.octets, first.n);
	ck_assert_uint_eq(w.s[1].child_adds, 2);
}
END_TEST

/* For a hub, which may be starting, it does not grow beyond 2 s. */
START_TEST(retransmission_doubles_and_ends)
{
	struct ike_event ev = { .dial = 9, .n_remotes = 1, .hub = _i };
	tick_t at = w.now;

	w_go(&w);
	w.s[1].dead = true;
	ev.local.addr = w.s[0].addr;
	ev.remotes[0].addr = w.s[1].addr;
	w_dial_ev(&w, 0, &ev);
	w_run(&w, TICK_S(26));
	ck_assert_uint_ge(w.s[0].sends, _i ? 14 : 6);
	ck_assert_uint_le(w.s[0].sends, _i ? 17 : 6);
	ck_assert_uint_eq(w.s[0].dial_fails, 0);
	w_run(&w, TICK_S(9));
	ck_assert_uint_eq(w.s[0].dial_fails, 1);
	ck_assert_int_eq(w.s[0].last_fail, IKE_DOWN_UNREACHABLE);
	ck_assert_str_eq(w.s[0].fail_text, "no answer from 198.51.100.2:500");
	ck_assert_uint_ge(w.now - at, TICK_S(28));
}
END_TEST

START_TEST(wrong_message_ids)
{
	struct w_msg m;

	w.hook = keep;
	w_up(&w);
	w.hook = NULL;
	m = *kept[2];	/* IKE_AUTH request */
	m.octets[23] = 7;
	ck_assert_int_eq(w_inject(&w, 1, &m), IKE_DROP_MESSAGE_ID);
	m.octets[23] = 0;
	ck_assert_int_eq(w_inject(&w, 1, &m), IKE_DROP_MESSAGE_ID);
	m = *kept[2];
	m.octets[19] |= IKE_FLAG_RESPONSE;
	ck_assert_int_eq(w_inject(&w, 1, &m), IKE_DROP_UNSOLICITED);
	m = *kept[3];	/* its answer, again */
	ck_assert_int_eq(w_inject(&w, 0, &m), IKE_DROP_UNSOLICITED);
	m = *kept[2];
	m.octets[19] ^= IKE_FLAG_INITIATOR;
	ck_assert_int_ne(w_inject(&w, 1, &m), IKE_OK);
	m = *kept[2];
	m.octets[m.n - 1] ^= 1;
	ck_assert_int_eq(w_inject(&w, 1, &m), IKE_DROP_ICV);
	m = *kept[2];
	m.octets[7] ^= 1;
	ck_assert_int_eq(w_inject(&w, 1, &m), IKE_DROP_UNKNOWN_SA);
	drop_kept();
	w_check_pair(&w);
}
END_TEST

/* Before AUTH nothing but IKE_AUTH; and a bad first message does not close the door for the good one. */
START_TEST(only_auth_before_auth)
{
	struct w_msg m, bad;

	w.manual = true;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_deliver(&w, 0);
	w_deliver(&w, 1);
	m = *w.msg[0];
	bad = m;
	bad.octets[18] = IKE_CREATE_CHILD_SA;
	ck_assert_int_eq(w_inject(&w, 1, &bad), IKE_DROP_STATE);
	bad.octets[18] = IKE_INFORMATIONAL;
	ck_assert_int_eq(w_inject(&w, 1, &bad), IKE_DROP_STATE);
	bad = m;
	bad.octets[60] ^= 4;
	ck_assert_int_eq(w_inject(&w, 1, &bad), IKE_OK);	/* waits for the secret; then it does not open */
	ck_assert_uint_eq(ike_count_drop(w.s[1].k, IKE_DROP_ICV), 1);
	ck_assert_int_eq(w_inject(&w, 1, &bad), IKE_DROP_ICV);	/* no second computation */
	w.manual = false;
	w_settle(&w);
	w_check_pair(&w);
}
END_TEST

START_TEST(a_second_auth_is_refused)
{
	struct ike_sa *sa;
	struct ike_tx t;

	w_up(&w);
	sa = w_sa(&w, 0);
	ike_tx_request(&t, sa, IKE_AUTH);
	ike_tx_notify(&t, IKE_N_INITIAL_CONTACT);
	w.s[0].k->out = &w.s[0].out;
	ck_assert(ike_x_start(w.s[0].k, sa, IKE_X_LIVE, &t));
	w_event(&w, 0, &(struct ike_event){ .kind = IKE_EV_SA_USED });
	w_settle(&w);
	w_check_pair(&w);
	ck_assert_uint_eq(w.s[0].downs + w.s[1].downs, 0);
	ck_assert_uint_eq(ike_count_drop(w.s[1].k, IKE_DROP_STATE) + ike_count_drop(w.s[1].k, IKE_DROP_PAYLOAD_PLACE), 1);
}
END_TEST

/* Each octet of each message of a set-up changed, one at a time, just before the good copy comes. */
static unsigned mutated_in, accepted;

static bool
mutate_all(struct world *x, struct w_msg *m)
{
	struct w_msg bad = *m;
	unsigned to = 1 - m->from;

	if (mutated_in++ != (unsigned)lose)
		return true;
	x->hook = NULL;
	x->manual = true;
	for (size_t i = 0; i < m->n; i++) {
		unsigned before = x->n_msg;

		bad.octets[i] = m->octets[i] ^ (uint8_t)(1u << (i % 8));
		accepted += w_inject(x, to, &bad) == IKE_OK;
		bad.octets[i] = m->octets[i];
		while (x->n_msg > before)	/* what is said to it goes nowhere */
			free(x->msg[--x->n_msg]);
	}
	for (size_t n = 0; n < m->n; n++) {
		bad.n = n;
		ck_assert_int_ne(w_inject(x, to, &bad), IKE_OK);
	}
	x->manual = false;
	return true;
}

START_TEST(each_octet_changed)
{
	mutated_in = accepted = 0;
	lose = (unsigned)_i;
	w.s[1].conf.half_open_max = 4096;
	w.s[1].conf.cookie_threshold = 4096;
	w.hook = mutate_all;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_S(35));
	ck_assert_ptr_nonnull(w_sa(&w, 0));
	ck_assert(w_usable(&w));
	ck_assert_uint_eq(w.s[0].downs + w.s[1].downs, 0);
	ck_assert_uint_eq(w.s[1].ups, 1);
	if (_i >= 2)	/* the first encrypted one waits for the secret, whatever it is */
		ck_assert_uint_eq(accepted, _i == 2);
}
END_TEST

START_TEST(unknown_spis_are_told_sparingly)
{
	struct w_msg m = { .from = 0, .n = 32, .natt = false };

	w_go(&w);
	m.src = (struct endpoint){ w.s[0].addr, 500 };
	m.dst = (struct endpoint){ w.s[1].addr, 500 };
	memset(m.octets, 7, 16);
	m.octets[16] = IKE_PL_SK;
	m.octets[17] = IKE_VERSION_2;
	m.octets[18] = IKE_INFORMATIONAL;
	m.octets[19] = IKE_FLAG_INITIATOR;
	m.octets[27] = 40;
	m.octets[31] = 12;
	m.n = 40;
	w.manual = true;
	for (unsigned i = 0; i < 1000; i++)
		ck_assert_int_eq(w_inject(&w, 1, &m), IKE_DROP_UNKNOWN_SA);
	ck_assert_uint_gt(w.s[1].sends, 0);
	ck_assert_uint_le(w.s[1].sends, 60);
	m.octets[19] |= IKE_FLAG_RESPONSE;	/* never an answer to an answer */
	w.s[1].sends = 0;
	w.now += TICK_S(100);
	ck_assert_int_eq(w_inject(&w, 1, &m), IKE_DROP_UNKNOWN_SA);
	ck_assert_uint_eq(w.s[1].sends, 0);
}
END_TEST

Suite *
exchange_suite(void)
{
	Suite *s = suite_create("exchange");
	TCase *tc = tcase_create("exchange");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, kth_message_lost, 0, 8);
	tcase_add_loop_test(tc, every_message_twice, 0, 2);
	tcase_add_test(tc, replay);
	tcase_add_test(tc, answer_is_repeated_octet_by_octet);
	tcase_add_loop_test(tc, retransmission_doubles_and_ends, 0, 2);
	tcase_add_test(tc, wrong_message_ids);
	tcase_add_test(tc, only_auth_before_auth);
	tcase_add_test(tc, a_second_auth_is_refused);
	tcase_add_loop_test(tc, each_octet_changed, 0, 4);
	tcase_add_test(tc, unknown_spis_are_told_sparingly);
	suite_add_tcase(s, tc);
	return s;
}
