/* Authentication with an end, make before break; and what a profile may force or refuse: encapsulation, EAP, a first child. */
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

/* The initiator's limit, or the responder's that it says in IKE_AUTH; either end may have rekeyed the IKE SA meanwhile. */
START_TEST(never_without_a_pair)
{
	unsigned limits = (unsigned)_i % 2, rekeys = (unsigned)_i / 2 % 3;
	uint32_t first;

	w.s[limits].profile[0].reauth_s = 600;
	if (rekeys)
		w.s[rekeys - 1].profile[0].ike_life_s = 300;
	w.s[0].t.seed = 500 + (uint64_t)_i;
	w_up(&w);
	first = w_sa(&w, 0)->id;
	w_run(&w, TICK_S(700));
	w_check_pair(&w);
	ck_assert_uint_eq(w.s[0].ups, 2);
	ck_assert_uint_eq(w.s[1].ups, 2);
	ck_assert_uint_ne(w_sa(&w, 0)->id, first);
	ck_assert_uint_eq(w.s[0].downs, 1);
	ck_assert_uint_eq(w.s[1].downs, 1);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_int_eq(w.s[i].last_down, IKE_DOWN_DUPLICATE);	/* the other one stays, and who has it is not gone */
		ck_assert_uint_eq(w.s[i].last_down_other, w_sa(&w, i)->id);
	}
	ck_assert_str_eq(w.s[0].down_text, "authenticated anew");
	ck_assert_int_eq(w.s[0].gap, 0);
	ck_assert_uint_eq(w_sa(&w, 0)->dials->id, 1);
	w_run(&w, TICK_S(3000));
	w_check_pair(&w);
	ck_assert_uint_ge(w.s[0].ups, 6);
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
	w.s[0].profile[0].reauth_s = 600;
	w_up(&w);
	lose = w.serial + (unsigned)_i;
	w.hook = lose_one;
	w_run(&w, TICK_S(720));
	w_check_pair(&w);
	ck_assert_int_eq(w.s[0].gap, 0);
	ck_assert_uint_eq(w.s[0].downs, 1);
	ck_assert_int_eq(w.s[0].last_down, IKE_DOWN_DUPLICATE);
}
END_TEST

/* The peer does not let us in any more: it was true until the end of the time, and not longer. */
START_TEST(refused_in_the_end)
{
	w.s[0].profile[0].reauth_s = 600;
	w_up(&w);
	w.s[1].key[0].psk[0] ^= 1;
	w_run(&w, TICK_S(590));
	w_check_pair(&w);
	ck_assert_uint_ge(ike_count_drop(w.s[1].k, IKE_DROP_AUTH), 1);
	ck_assert_uint_le(ike_count_drop(w.s[1].k, IKE_DROP_AUTH), 4);
	w_run(&w, TICK_S(60));
	ck_assert_ptr_null(w_sa(&w, 0));
	ck_assert_int_eq(w.s[0].last_down, IKE_DOWN_EXPIRED);
	ck_assert_int_eq(w.s[1].last_down, IKE_DOWN_DELETED);
}
END_TEST

/* A responder's limit holds also where the initiator does not know of it. */
static bool
deaf(struct world *x, struct w_msg *m)
{
	return m->octets[18] != IKE_SA_INIT || x->now < TICK_S(1100);
}

START_TEST(responder_insists)
{
	w.s[1].profile[0].reauth_s = 600;
	w.hook = deaf;
	w_up(&w);
	w_run(&w, TICK_S(599));
	ck_assert_uint_eq(w.s[1].downs, 0);
	w_run(&w, TICK_S(20));
	ck_assert_uint_eq(w.s[1].downs, 1);
	ck_assert_int_eq(w.s[0].last_down == IKE_DOWN_EXPIRED || w.s[1].last_down == IKE_DOWN_EXPIRED, 1);
}
END_TEST

START_TEST(a_peer_cannot_make_us_do_nothing_else)
{
	w.s[1].profile[0].reauth_s = 1;
	w_up(&w);
	ck_assert_uint_eq(w_sa(&w, 0)->auth_life, IKE_AUTH_LIFE_MIN);
}
END_TEST

/* ---- encapsulation force */
START_TEST(encapsulation_forced)
{
	w.s[_i].profile[0].encap_force = true;
	w_up(&w);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert(w.s[i].child[0].dp.encap);
		ck_assert_uint_eq(w.s[i].child[0].dp.remote.port, 4500);
	}
	w_run(&w, TICK_S(60));
	w_check_pair(&w);
	ck_assert_uint_eq(w.s[0].moves + w.s[1].moves, 0);
}
END_TEST

/* ---- EAP: no, and in words */
static unsigned bent;	/* whose IKE_AUTH it is */

static size_t
reseal(const struct ike_sa *from, struct w_msg *m, bool eap)
{
	const struct ike_protect *key = from->initiator ? &from->keys.i : &from->keys.r;
	static uint8_t plain[4096];
	struct wr o;
	struct ike_build b;
	struct ike_seal_room room;
	struct ike_sk_sizes s;
	struct ike_msg p;
	struct cur c;
	uint8_t type, next;
	long n;

	ck_assert_int_eq(ike_msg_parse(span_of(m->octets, m->n), &p), IKE_OK);
	n = ike_open(key, p.sk.aad, p.sk.body, plain);
	ck_assert_int_gt(n, 0);
	c = cur_of(ike_frag_text(span_of(plain, (size_t)n)));
	o = wr_of(m->octets, sizeof(m->octets));
	ck_assert(ike_sk_sizes(key, &s));
	ike_build_start(&b, &o, &p.hdr);
	ike_build_sk(&b, s.iv_len);
	for (type = p.sk.first; type; type = next) {
		struct span body;

		next = cur_u8(&c);
		cur_u8(&c);
		body = cur_take(&c, cur_be16(&c) - 4u);
		if (type == IKE_PL_AUTH && !eap)
			continue;
		if (type == IKE_PL_AUTH)
			ike_build_raw(&b, IKE_PL_EAP, SPAN_STR("\1\0\0\5\1"));
		else if (!eap || type == IKE_PL_IDR)
			ike_build_raw(&b, type, body);
	}
	m->n = ike_build_seal(&b, s.block, s.icv_len, &room);
	ck_assert(ike_sk_iv(key, 77, &w.s[0].t.env, room.iv) && ike_seal(key, room.aad, room.iv, room.text, room.text_len, room.icv));
	return m->n;
}

static struct ike_sa *
any(unsigned side)
{
	struct map_iter it = { 0 };

	return container_of(map_first(&w.s[side].k->by_id, &it), struct ike_sa, by_id);
}

static bool
as_with_eap(struct world *x, struct w_msg *m)
{
	(void)x;
	if (m->octets[18] == IKE_AUTH && m->from == bent)
		reseal(any(m->from), m, m->from == 1);
	return true;
}

START_TEST(eap_is_refused_in_words)
{
	bent = (unsigned)_i;
	w.hook = as_with_eap;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_MS(500));
	if (bent == 1) {
		ck_assert_str_eq(w.s[0].fail_text, "authentication failed: peer wants EAP, which is not done here");
		ck_assert_int_eq(w.s[0].last_fail, IKE_DOWN_AUTH);
		return;
	}
	ck_assert_uint_eq(ike_count_drop(w.s[1].k, IKE_DROP_EAP), 1);
	ck_assert_ptr_nonnull(strstr(w.s[1].t.last_text, "fqdn a.example.net at 192.0.2.1:500: peer wants EAP"));
	ck_assert_uint_eq(w.s[1].ups, 0);
	ck_assert_int_eq(w.s[0].last_fail, IKE_DOWN_AUTH);
}
END_TEST

/* ---- childless */
static bool
see_childless(struct world *x, struct w_msg *m)
{
	struct ike_msg p;

	(void)x;
	if (m->from == 1 && m->octets[18] == IKE_SA_INIT && ike_msg_parse(span_of(m->octets, m->n), &p) == IKE_OK)
		ck_assert_ptr_nonnull(ike_msg_notify(&p, IKE_N_CHILDLESS_IKEV2_SUPPORTED));
	return true;
}

START_TEST(childless_is_said)
{
	w.hook = see_childless;
	w_up(&w);
}
END_TEST

Suite *
reauth_suite(void)
{
	Suite *s = suite_create("reauth");
	TCase *tc = tcase_create("reauth");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, never_without_a_pair, 0, 12);
	tcase_add_loop_test(tc, a_message_lost, 0, 8);
	tcase_add_test(tc, refused_in_the_end);
	tcase_add_test(tc, responder_insists);
	tcase_add_test(tc, a_peer_cannot_make_us_do_nothing_else);
	tcase_add_loop_test(tc, encapsulation_forced, 0, 2);
	tcase_add_loop_test(tc, eap_is_refused_in_words, 0, 2);
	tcase_add_test(tc, childless_is_said);
	suite_add_tcase(s, tc);
	return s;
}
