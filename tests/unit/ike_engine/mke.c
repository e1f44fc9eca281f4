/* More than one key exchange (RFC 9242, 9370) and post-quantum pre-shared keys (RFC 8784). */
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
also(unsigned side, unsigned place, uint16_t id)
{
	struct ike_proposal *p = &w.s[side].profile[0].ike[0];

	p->addke[place][p->n_addke[place]++] = id;
}

static void
both(unsigned place, uint16_t id)
{
	also(0, place, id);
	also(1, place, id);
}

static void
up(void)
{
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_S(5));
	w_check_pair(&w);
}

static void
agreed(uint16_t a, uint16_t b)
{
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_uint_eq(w_sa(&w, i)->addke[0], a);
		ck_assert_uint_eq(w_sa(&w, i)->addke[2], b);
		ck_assert_mem_eq(w_sa(&w, i)->keys.d, w_sa(&w, 1 - i)->keys.d, w_sa(&w, i)->keys.prf_len);
	}
}

/* Two more, one of them at a place behind an empty one; in pieces; rekeyed afterwards. */
START_TEST(three_key_exchanges)
{
	struct ike_event ev = { .kind = IKE_EV_SA_SOFT };

	both(0, IKE_KE_ECP384);
	both(2, IKE_KE_ECP256);
	if (_i & 1)
		w.s[0].conf.frag_mtu = w.s[1].conf.frag_mtu = 150;
	if (_i & 2)
		w.shuffle = 99;
	up();
	agreed(IKE_KE_ECP384, IKE_KE_ECP256);
	ck_assert_uint_ge(ike_count_exchange(w.s[0].k, true, IKE_INTERMEDIATE), 2);
	ev.spi_in = w.s[1].child[0].dp.spi_in;
	w_event(&w, 1, &ev);
	w_run(&w, TICK_S(10));
	w_check_pair(&w);
	w_sa(&w, 0)->want_rekey = true;
	timer_arm(&w.s[0].k->timers, &w_sa(&w, 0)->t_kick, w.now);
	w_run(&w, TICK_S(10));
	w_check_pair(&w);
	ck_assert_uint_eq(w.s[0].rekeys, 1);
	agreed(IKE_KE_ECP384, IKE_KE_ECP256);
	ck_assert_int_eq(w.s[0].gap, 0);
}
END_TEST

static unsigned lose;

static bool
lose_one(struct world *x, struct w_msg *m)
{
	(void)x;
	return m->serial != lose;
}

START_TEST(a_message_lost)
{
	both(0, IKE_KE_ECP384);
	both(2, IKE_KE_ECP256);
	if (_i >= 10)
		w.s[0].conf.frag_mtu = w.s[1].conf.frag_mtu = 150;
	lose = (unsigned)_i % 10;
	w.hook = lose_one;
	up();
	agreed(IKE_KE_ECP384, IKE_KE_ECP256);
	ck_assert_uint_eq(w.s[0].ups + w.s[1].ups, 2);
}
END_TEST

static const struct choice {
	const char *what;
	uint16_t a[3], b[3];	/* 0xffff: none more */
	int got;	/* -1: no agreement */
} choices[] = {
	{ "both want it", { IKE_KE_ECP384, 0xffff }, { IKE_KE_ECP384, 0xffff }, IKE_KE_ECP384 },
	{ "the responder's order decides", { IKE_KE_ECP384, IKE_KE_ECP256, 0xffff }, { IKE_KE_ECP256, IKE_KE_ECP384, 0xffff }, IKE_KE_ECP256 },
	{ "only the initiator, and it must", { IKE_KE_ECP384, 0xffff }, { 0xffff }, -1 },
	{ "only the initiator, and it may", { IKE_KE_ECP384, 0, 0xffff }, { 0xffff }, 0 },
	{ "only the responder, and it must", { 0xffff }, { IKE_KE_ECP384, 0xffff }, -1 },
	{ "only the responder, and it may", { 0xffff }, { IKE_KE_ECP384, 0, 0xffff }, 0 },
	{ "nothing in common", { IKE_KE_ECP384, 0xffff }, { IKE_KE_ECP521, 0xffff }, -1 },
	{ "nothing in common, but both may leave it", { IKE_KE_ECP384, 0, 0xffff }, { IKE_KE_ECP521, 0, 0xffff }, 0 },
	{ "the method of the first again", { IKE_KE_CURVE25519, 0xffff }, { IKE_KE_CURVE25519, 0xffff }, -1 },
	{ "the method of the first again, or another", { IKE_KE_CURVE25519, IKE_KE_ECP256, 0xffff }, { IKE_KE_CURVE25519, IKE_KE_ECP256, 0xffff }, IKE_KE_ECP256 },
	{ "a method we cannot do (ML-KEM-512)", { 35, IKE_KE_ECP256, 0xffff }, { 35, IKE_KE_ECP256, 0xffff }, IKE_KE_ECP256 },
};

START_TEST(what_is_chosen)
{
	const struct choice *c = &choices[_i];

	for (unsigned i = 0; i < 3 && c->a[i] != 0xffff; i++)
		also(0, 0, c->a[i]);
	for (unsigned i = 0; i < 3 && c->b[i] != 0xffff; i++)
		also(1, 0, c->b[i]);
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_S(10));
	ck_assert_msg((w_sa(&w, 0) != NULL) == (c->got >= 0), "%s", c->what);
	if (c->got < 0) {
		ck_assert_int_eq(w.s[0].last_fail, IKE_DOWN_PROPOSAL);
		return;
	}
	w_check_pair(&w);
	agreed((uint16_t)c->got, 0);
}
END_TEST

/* ---- what must not pass */
static struct ike_sa *
any(unsigned side)
{
	struct map_iter it = { 0 };

	return container_of(map_first(&w.s[side].k->by_id, &it), struct ike_sa, by_id);
}

/* What was said in IKE_INTERMEDIATE is signed: one bit of it other at one end, and authentication fails. */
START_TEST(int_auth_is_signed)
{
	both(0, IKE_KE_ECP384);
	w.manual = true;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	for (unsigned i = 0; i < 2; i++) {	/* IKE_SA_INIT, IKE_INTERMEDIATE */
		w_deliver(&w, 0);
		w_deliver(&w, 1);
	}
	ck_assert_int_eq(any(0)->state, IKE_SA_I_AUTH);
	ck_assert_uint_eq(any(1)->hs->n_int, 1);
	ck_assert_mem_eq(any(1)->hs->int_i, any(0)->hs->int_i, 48);
	ck_assert_mem_eq(any(1)->hs->int_r, any(0)->hs->int_r, 48);
	(_i ? any(1)->hs->int_i : any(1)->hs->int_r)[5] ^= 1;
	w_deliver(&w, 0);
	ck_assert_uint_eq(ike_count_drop(w.s[1].k, IKE_DROP_AUTH), 1);
	ck_assert_uint_eq(w.s[1].ups, 0);
}
END_TEST

/* IKE_AUTH before what was agreed on is not looked at. */
START_TEST(nothing_is_left_out)
{
	both(0, IKE_KE_ECP384);
	w.manual = true;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_deliver(&w, 0);
	w_deliver(&w, 1);
	w.msg[0]->octets[18] = IKE_AUTH;
	w_deliver(&w, 0);
	ck_assert_uint_eq(w.s[1].n_jobs + w.s[1].ups, 0);
	ck_assert_int_eq(any(1)->state, IKE_SA_R_INIT);
	ck_assert_uint_eq(ike_count_drop(w.s[1].k, IKE_DROP_STATE), 1);
	w.manual = false;
	w_run(&w, TICK_S(5));
	w_check_pair(&w);
}
END_TEST

START_TEST(memory)
{
	both(0, IKE_KE_ECP384);
	w_go(&w);
	w.s[_i % 2].t.fail_at = _i / 2 + 2;
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_S(60));
	w_check_pair(&w);
}
END_TEST

/* ---- PPK */
static void
ppk(unsigned side, const char *id, const char *secret, bool required)
{
	struct ike_key *e = &w.s[side].key[0];

	w.s[side].conf.ppk = true;
	e->ppk_id_len = (uint8_t)strlen(id);
	memcpy(e->ppk_id, id, e->ppk_id_len);
	e->ppk_len = (uint8_t)strlen(secret);
	memcpy(e->ppk, secret, e->ppk_len);
	e->ppk_required = required;
}

enum { NONE, HAVE, OTHER_ID, OTHER_KEY };
static const struct ppk_case {
	int a, b;
	bool a_must, b_must, up, used;
} ppks[] = {
	{ NONE, NONE, false, false, true, false }, { HAVE, HAVE, false, false, true, true }, { HAVE, HAVE, true, true, true, true },
	{ HAVE, HAVE, true, false, true, true }, { HAVE, NONE, false, false, true, false }, { NONE, HAVE, false, false, true, false },
	{ HAVE, NONE, true, false, false, false }, { NONE, HAVE, false, true, false, false }, { HAVE, OTHER_ID, false, false, true, false },
	{ HAVE, OTHER_ID, true, false, false, false }, { HAVE, OTHER_ID, false, true, false, false }, { HAVE, OTHER_KEY, false, false, false, false },
	{ HAVE, OTHER_KEY, true, true, false, false },
};

static void
ppk_of(unsigned side, int what, bool must)
{
	if (what != NONE)
		ppk(side, what == OTHER_ID ? "ppk2" : "ppk1", what == OTHER_KEY ? "another quantum secret" : "a quantum secret", must);
}

START_TEST(ppk_cases)
{
	const struct ppk_case *c = &ppks[_i];

	ppk_of(0, c->a, c->a_must);
	ppk_of(1, c->b, c->b_must);
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_S(2));
	ck_assert_int_eq(w_sa(&w, 0) != NULL, c->up);
	ck_assert_int_eq(w_sa(&w, 1) != NULL, c->up);
	if (!c->up) {
		ck_assert_int_eq(w.s[0].last_fail, IKE_DOWN_AUTH);
		return;
	}
	w_check_pair(&w);
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(w_sa(&w, i)->ext.ppk_used, c->used);
	ck_assert_mem_eq(w_sa(&w, 0)->keys.d, w_sa(&w, 1)->keys.d, 48);
	w_sa(&w, 1)->want_rekey = true;
	timer_arm(&w.s[1].k->timers, &w_sa(&w, 1)->t_kick, w.now);
	w_run(&w, TICK_S(10));
	w_check_pair(&w);
	ck_assert_int_eq(w_sa(&w, 0)->ext.ppk_used, c->used);
}
END_TEST

/* RFC 8784: prf+ with the PPK as key over each of the three; the others stay. */
START_TEST(ppk_changes_three_keys)
{
	struct ike_keys k = { .prf = IKE_PRF_HMAC_SHA2_256, .prf_len = 32 }, was;
	uint8_t want[32];
	struct span d = span_of(want, 32), one = SPAN_STR("\1"), part[2];

	memset(k.d, 1, 32);
	memset(k.pi, 2, 32);
	memset(k.pr, 3, 32);
	memset(k.i.enc, 4, 32);
	was = k;
	ck_assert(ike_keys_ppk(&k, SPAN_STR("secret")));
	part[0] = span_of(was.d, 32);
	part[1] = one;
	ck_assert(ike_prf(IKE_PRF_HMAC_SHA2_256, SPAN_STR("secret"), part, 2, want));
	ck_assert(span_eq(span_of(k.d, 32), d));
	ck_assert_mem_ne(k.pi, was.pi, 32);
	ck_assert_mem_ne(k.pr, was.pr, 32);
	ck_assert_mem_eq(k.i.enc, was.i.enc, 32);
	ck_assert(!ike_keys_ppk(&k, span_of("", 0)));
}
END_TEST

START_TEST(ppk_and_more_key_exchanges)
{
	both(0, IKE_KE_ECP384);
	ppk_of(0, HAVE, true);
	ppk_of(1, HAVE, true);
	up();
	agreed(IKE_KE_ECP384, 0);
	ck_assert(w_sa(&w, 0)->ext.ppk_used && w_sa(&w, 1)->ext.ppk_used);
}
END_TEST

Suite *
mke_suite(void)
{
	Suite *s = suite_create("mke");
	TCase *tc = tcase_create("mke");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, three_key_exchanges, 0, 4);
	tcase_add_loop_test(tc, a_message_lost, 0, 20);
	tcase_add_loop_test(tc, what_is_chosen, 0, sizeof(choices) / sizeof(choices[0]));
	tcase_add_loop_test(tc, int_auth_is_signed, 0, 2);
	tcase_add_test(tc, nothing_is_left_out);
	tcase_add_loop_test(tc, memory, 0, 70);
	tcase_add_loop_test(tc, ppk_cases, 0, sizeof(ppks) / sizeof(ppks[0]));
	tcase_add_test(tc, ppk_changes_three_keys);
	tcase_add_test(tc, ppk_and_more_key_exchanges);
	suite_add_tcase(s, tc);
	return s;
}
