/* Work placed elsewhere: results late, in another order, for nobody, or without having run; and how much of it strangers get. */
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
flood(struct w_msg *m, unsigned from, unsigned n)
{
	for (unsigned i = from; i < from + n; i++) {
		for (unsigned j = 0; j < 4; j++)
			m->octets[j] = (uint8_t)((i + 1) >> (8 * j));
		memcpy(m->src.addr.b, (uint8_t[4]){ 100, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i }, 4);
		m->src.port = 500;
		w_inject(&w, 1, m);
		w_lose_everything(&w);
	}
}

static struct w_msg
first_message(void)
{
	struct w_msg m;

	w.manual = true;
	w_dial(&w, 0, 1, 1);
	m = *w.msg[0];
	w.manual = false;
	return m;
}

/* With room for thousands of half-open, computations are what is short: past the bound even the first message of a stranger
 * gets a cookie; a peer that was authenticated from its address before is taken all the same. */
START_TEST(strangers_get_so_much)
{
	struct w_msg m;

	w.s[1].conf.cookie_threshold = w.s[1].conf.half_open_max = 5000;
	w_go(&w);
	m = first_message();
	w_settle(&w);
	w_check_pair(&w);
	w.s[1].hold_jobs = true;
	flood(&m, 0, 400);
	ck_assert_uint_eq(w.s[1].k->n_strange, IKE_JOBS_STRANGERS);
	ck_assert_uint_eq(w.s[1].n_jobs, IKE_JOBS_STRANGERS);
	ck_assert_uint_eq(w.s[1].k->n_half, IKE_JOBS_STRANGERS);
	ck_assert_uint_eq(ike_count_drop(w.s[1].k, IKE_DROP_COOKIE), 400 - IKE_JOBS_STRANGERS);
	for (unsigned i = 0; i < w.s[1].n_jobs; i++)
		ck_assert(!ike_job_known(w.s[1].jobs[i]));
	m.octets[7] ^= 1;	/* another SPI from an address we know */
	m.src.addr = w.s[0].addr;
	ck_assert_int_eq(w_inject(&w, 1, &m), IKE_OK);
	w_lose_everything(&w);
	ck_assert_uint_eq(w.s[1].n_jobs, IKE_JOBS_STRANGERS + 1);
	ck_assert(ike_job_known(w.s[1].jobs[IKE_JOBS_STRANGERS]));
	while (w.s[1].n_jobs) {
		w_job_back(&w, 1, 0, true);
		w_lose_everything(&w);
	}
	ck_assert_uint_eq(w.s[1].k->n_strange, 0);
	flood(&m, 1000, 1);
	ck_assert_uint_eq(w.s[1].n_jobs, 1);
	w.s[1].hold_jobs = false;
	w_job_back(&w, 1, 0, true);
}
END_TEST

START_TEST(rekeys_are_known)
{
	struct ike_event ev = { .kind = IKE_EV_SA_SOFT };

	w.s[0].profile[0].esp[0].group[0] = w.s[1].profile[0].esp[0].group[0] = IKE_KE_CURVE25519;
	w.s[0].profile[0].esp[0].n_group = w.s[1].profile[0].esp[0].n_group = 1;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_settle(&w);
	memset(w.s[1].k->worked, 0, sizeof(w.s[1].k->worked));
	w.s[1].hold_jobs = true;
	ev.spi_in = w_engine_child(&w, 0)->spi_in;
	w_event(&w, 0, &ev);
	w_settle(&w);
	ck_assert_uint_eq(w.s[1].n_jobs, 1);
	ck_assert(ike_job_known(w.s[1].jobs[0]));
	w.s[1].hold_jobs = false;
	w_job_back(&w, 1, 0, true);
	w_run(&w, TICK_S(5));
	w_check_pair(&w);
}
END_TEST

/* Not run, at each of the places of a handshake (_i says which job of which side): the responder's peer says it again,
 * the initiator computes it itself, and all is well in the end. */
START_TEST(not_run_is_like_lost)
{
	unsigned side = (unsigned)_i % 2, which = (unsigned)_i / 2;

	for (unsigned i = 0; i < 2 && which > 1; i++) {	/* two more places: IKE_INTERMEDIATE */
		w.s[i].profile[0].ike[0].addke[0][0] = IKE_KE_ECP256;
		w.s[i].profile[0].ike[0].n_addke[0] = 1;
	}
	w_go(&w);
	w.s[side].hold_jobs = true;
	w_dial(&w, 0, 1, 1);
	for (unsigned i = 0; i < which; i++) {
		w_settle(&w);
		w_job_back(&w, side, 0, true);
	}
	w_settle(&w);
	ck_assert_uint_eq(w.s[side].n_jobs, 1);
	w.s[side].hold_jobs = false;
	w_job_back(&w, side, 0, false);
	w_settle(&w);
	if (which < 2)	/* else it is time to repeat it already */
		ck_assert_uint_eq(w_count_sa(&w, 1, "established"), side == 0);
	ck_assert_uint_eq(ike_count_drop(w.s[side].k, IKE_DROP_BUSY), side == 1);
	ck_assert_uint_eq(w.s[0].dial_fails, 0);
	w_run(&w, TICK_S(10));
	w_check_pair(&w);
}
END_TEST

START_TEST(rekey_not_run)
{
	struct ike_event ev = { .kind = IKE_EV_SA_SOFT };
	unsigned side = (unsigned)_i;

	w.s[0].profile[0].esp[0].group[0] = w.s[1].profile[0].esp[0].group[0] = IKE_KE_CURVE25519;
	w.s[0].profile[0].esp[0].n_group = w.s[1].profile[0].esp[0].n_group = 1;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_settle(&w);
	w.s[side].hold_jobs = true;
	ev.spi_in = w_engine_child(&w, 0)->spi_in;
	w_event(&w, 0, &ev);
	w_settle(&w);
	ck_assert_uint_eq(w.s[side].n_jobs, 1);
	w.s[side].hold_jobs = false;
	w_job_back(&w, side, 0, false);
	w_run(&w, TICK_S(30));
	w_check_pair(&w);
	ck_assert_int_eq(w.s[0].gap, 0);
	ck_assert_uint_ne(w_engine_child(&w, 0)->spi_in, ev.spi_in);
}
END_TEST

/* ---- our own value of a CREATE_CHILD_SA is a job too: nothing is said before it is there, and the peer is served meanwhile */
static void
up_with_pfs(void)
{
	for (unsigned i = 0; i < 2; i++) {
		w.s[i].profile[0].esp[0].group[0] = IKE_KE_CURVE25519;
		w.s[i].profile[0].esp[0].n_group = 1;
	}
	w_up(&w);
	w_sa(&w, 0)->want_live = true;	/* so that the responder knows that its answer came */
	w_kick(&w, 0);
	w_settle(&w);
}

START_TEST(our_value_is_a_job)
{
	struct ike_sa *peer;
	unsigned sends;
	tick_t asked;

	up_with_pfs();
	w.s[0].hold_jobs = true;
	sends = w.s[0].sends;
	w_rekey(&w, 0, _i);
	ck_assert_uint_eq(w.s[0].n_jobs, 1);
	ck_assert(ike_job_known(w.s[0].jobs[0]));
	ck_assert_uint_eq(w.s[0].sends, sends);
	peer = w_sa(&w, 1);
	peer->want_live = true;
	asked = w.now;
	w_kick(&w, 1);
	w_settle(&w);
	ck_assert_uint_eq(w.s[0].sends, sends + 1);	/* the answer to that, while ours is being computed */
	ck_assert(peer->last_rx >= asked);
	ck_assert_int_eq(peer->x.kind, IKE_X_NONE);
	w.s[0].hold_jobs = false;
	w_job_back(&w, 0, 0, true);
	w_run(&w, TICK_S(20));
	w_check_pair(&w);
	ck_assert_uint_eq(w.s[0].rekeys, (unsigned)_i);
	ck_assert_int_eq(w.s[0].gap, 0);
}
END_TEST

/* What the peer does while our value is being computed: we had not asked yet, so it is served as if we wanted nothing. */
enum { P_REKEY, P_DELETE, P_REKEY_IKE, P_DELETE_IKE, P_ACTS };

static void
peer_does(unsigned what)
{
	struct ike_event ev = { .kind = what == P_DELETE ? IKE_EV_SA_HARD : IKE_EV_CLOSE };

	ev.spi_in = w_sa(&w, 1)->children->spi_in;
	ev.sa = w_sa(&w, 1)->id;
	if (what == P_DELETE || what == P_DELETE_IKE)
		w_event(&w, 1, &ev);
	else
		w_rekey(&w, 1, what == P_REKEY_IKE);
	for (unsigned i = 0; i < 4; i++) {	/* its request is computed on, ours is not */
		w_settle(&w);
		if (w.s[0].n_jobs > 1)
			w_job_back(&w, 0, 1, true);
	}
}

START_TEST(overtaken_while_computing)
{
	unsigned what = (unsigned)_i % P_ACTS;
	bool ike = _i / P_ACTS;

	up_with_pfs();
	w.s[0].hold_jobs = true;
	w_rekey(&w, 0, ike);
	ck_assert_uint_eq(w.s[0].n_jobs, 1);
	peer_does(what);
	ck_assert_uint_eq(w.s[1].rekeys, what == P_REKEY_IKE);
	ck_assert_uint_eq(w.s[0].downs, what == P_DELETE_IKE);
	w.s[0].hold_jobs = false;
	while (w.s[0].n_jobs)
		w_job_back(&w, 0, 0, true);
	w_run(&w, TICK_S(60));
	w_check_pair(&w);
	ck_assert(what == P_DELETE || what == P_DELETE_IKE || w.s[0].gap == 0);
	ck_assert(what == P_DELETE_IKE || w.s[0].downs + w.s[1].downs == 0);
}
END_TEST

/* The SA went while its job was under way: half-open by time and by flood, dialled by hangup. */
START_TEST(result_for_nobody)
{
	struct ike_event ev = { .kind = IKE_EV_HANGUP, .dial = 1 };
	struct w_msg m;

	w_go(&w);
	w.s[1].hold_jobs = true;
	m = first_message();
	w_settle(&w);
	flood(&m, 0, 10);
	ck_assert_uint_eq(w.s[1].n_jobs, 11);
	w.s[0].hold_jobs = true;
	w_event(&w, 0, &ev);
	w_dial(&w, 0, 1, 1);
	w_event(&w, 0, &ev);
	w_lose_everything(&w);
	w_run(&w, TICK_S(40));
	ck_assert_uint_eq(w.s[1].k->n_half, 0);
	w.s[0].hold_jobs = w.s[1].hold_jobs = false;
	while (w.s[1].n_jobs)
		w_job_back(&w, 1, w.s[1].n_jobs / 2, w.s[1].n_jobs % 2);
	while (w.s[0].n_jobs)
		w_job_back(&w, 0, 0, true);
	ck_assert_uint_eq(w.s[1].k->n_strange, 0);
	ck_assert_uint_eq(w.s[0].k->n_sa, 0);
	ck_assert_uint_eq(w.s[1].k->n_sa, 0);
	w_dial(&w, 0, 1, 2);
	w_settle(&w);
	w_check_pair(&w);
}
END_TEST

/* The same request again while its answer is being computed makes neither a second record nor a second job. */
START_TEST(asked_again_meanwhile)
{
	struct w_msg m;

	w_go(&w);
	w.s[1].hold_jobs = true;
	m = first_message();
	w_settle(&w);
	for (unsigned i = 0; i < 5; i++)
		ck_assert_int_eq(w_inject(&w, 1, &m), IKE_OK);
	ck_assert_uint_eq(w.s[1].n_jobs, 1);
	ck_assert_uint_eq(w.s[1].k->n_half, 1);
	w.s[1].hold_jobs = false;
	w_job_back(&w, 1, 0, true);
	w_settle(&w);
	w_check_pair(&w);
}
END_TEST

Suite *
job_suite(void)
{
	Suite *s = suite_create("job");
	TCase *tc = tcase_create("job");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, strangers_get_so_much);
	tcase_add_test(tc, rekeys_are_known);
	tcase_add_loop_test(tc, not_run_is_like_lost, 0, 7);
	tcase_add_loop_test(tc, rekey_not_run, 0, 2);
	tcase_add_loop_test(tc, our_value_is_a_job, 0, 2);
	tcase_add_loop_test(tc, overtaken_while_computing, 0, 2 * P_ACTS);
	tcase_add_test(tc, result_for_nobody);
	tcase_add_test(tc, asked_again_meanwhile);
	suite_add_tcase(s, tc);
	return s;
}
