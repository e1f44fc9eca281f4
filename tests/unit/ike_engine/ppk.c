/* Post-quantum pre-shared keys (RFC 8784) beside certificates: who has which key, who must have it, what the second signature is for,
 * which entry of the keyring it is, and what a reload of it does. Beside pre-shared keys: mke.c, reconf.c. */
#include "tests/unit/ike_engine/certs.h"
#include "tests/unit/ike_engine/suites.h"

static struct world w;

static void
begin(void)
{
	w_certs(&w, "ecdsa-256", false);
}

static void
end(void)
{
	w_certs_fini(&w);
}

/* An entry for that name (as w_key()), without a pre-shared key. */
static struct ike_key *
give(unsigned side, const char *name, const char *id, const char *secret, bool required)
{
	struct ike_key *e;

	w_key(&w.s[side], 0, name, "");
	e = &w.s[side].key[w.s[side].profile[0].n_key - 1];
	w.s[side].conf.ppk = true;
	e->ppk_id_len = (uint8_t)strlen(id);
	memcpy(e->ppk_id, id, e->ppk_id_len);
	e->ppk_len = (uint8_t)strlen(secret);
	memcpy(e->ppk, secret, e->ppk_len);
	e->ppk_required = required;
	return e;
}

static void
go(void)
{
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_S(2));
}

static void
used(bool yes)
{
	w_check_pair(&w);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_int_eq(w_sa(&w, i)->ext.ppk_used, yes);
		ck_assert_uint_eq(w_sa(&w, i)->auth_remote, IKE_AUTH_SIGNATURE);
	}
	ck_assert_mem_eq(w_sa(&w, 0)->keys.d, w_sa(&w, 1)->keys.d, 48);
}

enum { NONE, HAVE, OTHER_ID, OTHER_KEY };
static const struct row {
	const char *what;
	int a, b;
	bool a_must, b_must, up, used;
} rows[] = {
	{ "neither", NONE, NONE, false, false, true, false },
	{ "both may", HAVE, HAVE, false, false, true, true },
	{ "both must", HAVE, HAVE, true, true, true, true },
	{ "the initiator must", HAVE, HAVE, true, false, true, true },
	{ "the responder must", HAVE, HAVE, false, true, true, true },
	{ "the responder has none", HAVE, NONE, false, false, true, false },
	{ "the initiator has none", NONE, HAVE, false, false, true, false },
	{ "the responder has none, the initiator must", HAVE, NONE, true, false, false, false },
	{ "the initiator has none, the responder must", NONE, HAVE, false, true, false, false },
	{ "unknown to the responder", HAVE, OTHER_ID, false, false, true, false },
	{ "unknown to the responder, the initiator must", HAVE, OTHER_ID, true, false, false, false },
	{ "unknown to the responder, which must", HAVE, OTHER_ID, false, true, false, false },
	{ "of another value", HAVE, OTHER_KEY, false, false, false, false },
	{ "of another value, both must", HAVE, OTHER_KEY, true, true, false, false },
};

static void
of(unsigned side, int what, bool must)
{
	if (what != NONE)
		give(side, "*", what == OTHER_ID ? "ppk2" : "ppk1", what == OTHER_KEY ? "another quantum secret" : "a quantum secret", must);
}

static void
one_row(const struct row *r)
{
	of(0, r->a, r->a_must);
	of(1, r->b, r->b_must);
	go();
	ck_assert_msg((w_sa(&w, 0) != NULL) == r->up && (w_sa(&w, 1) != NULL) == r->up, "%s", r->what);
	if (!r->up) {
		ck_assert_int_eq(w.s[0].last_fail, IKE_DOWN_AUTH);
		return;
	}
	used(r->used);
	w_rekey(&w, 1, true);
	w_run(&w, TICK_S(10));
	used(r->used);
}

START_TEST(who_has_what)
{
	one_row(&rows[_i]);
}
END_TEST

/* RSA signatures are of another length than the message was planned for; with IKE messages in pieces. */
START_TEST(with_rsa)
{
	end();
	w_certs(&w, "rsa-2048", false);
	one_row(&rows[_i]);
}
END_TEST

/* Signatures one way, a pre-shared key the other: each its own way of saying it without. */
START_TEST(mixed_methods)
{
	unsigned psk = (unsigned)_i % 2;
	bool known = _i < 2;

	for (unsigned i = 0; i < 2; i++) {
		struct ike_key *e = give(i, "*", i && !known ? "ppk2" : "ppk1", "a quantum secret", false);

		e->psk_len = 6;
		memcpy(e->psk, "secret", 6);
	}
	w.s[psk].profile[0].auth_local = 0;
	w.s[!psk].profile[0].auth_remote = 0;
	go();
	w_check_pair(&w);
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(w_sa(&w, i)->ext.ppk_used, known);
}
END_TEST

/* A key that must be used is never done without: nothing is said that would let the peer do so. Otherwise there are two signatures. */
static unsigned proofs, plain;

static void
look(unsigned side)
{
	for (unsigned i = 0; i < w.s[side].n_jobs; i++) {
		const struct ike_proof_job *p = w.s[side].jobs[i]->proof;

		proofs += p != NULL;
		plain += p && p->plain.n;
		if (p && p->plain.n) {
			ck_assert_uint_eq(p->plain.n, p->octets.n);
			ck_assert_mem_ne(p->plain.p, p->octets.p, p->plain.n);
		}
	}
}

START_TEST(second_signature)
{
	proofs = plain = 0;
	of(0, _i == 0 ? NONE : HAVE, _i == 1);
	of(1, HAVE, false);
	w.s[0].hold_jobs = true;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	for (unsigned i = 0; i < 10; i++) {
		look(0);
		for (unsigned n = w.s[0].n_jobs; n; n--) {
			struct ike_event ev = { .kind = IKE_EV_JOB, .job = w.s[0].jobs[0] };

			memmove(w.s[0].jobs, w.s[0].jobs + 1, --w.s[0].n_jobs * sizeof(ev.job));
			ike_job_run(ev.job);
			w_event(&w, 0, &ev);
		}
		w_run(&w, TICK_MS(100));
	}
	ck_assert_uint_eq(proofs, 2);	/* ours made, the peer's checked */
	ck_assert_uint_eq(plain, _i == 2);
	used(_i != 0);
}
END_TEST

/* The signature without the key must be good, too: with what is signed other at one end, it is refused. */
START_TEST(plain_signature_is_checked)
{
	struct map_iter it = { 0 };
	struct ike_sa *sa;

	of(0, HAVE, false);
	of(1, OTHER_ID, false);
	w.manual = true;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_deliver(&w, 0);
	w_deliver(&w, 1);
	sa = container_of(map_first(&w.s[1].k->by_id, &it), struct ike_sa, by_id);
	sa->hs->theirs[sa->hs->theirs_len - 1] ^= (uint8_t)_i;
	w.manual = false;
	w_run(&w, TICK_S(1));
	ck_assert_uint_eq(w.s[1].ups, _i == 0);
	ck_assert_uint_eq(ike_count_drop(w.s[1].k, IKE_DROP_AUTH), _i);
}
END_TEST

/* ---- which entry */
START_TEST(entry_that_fits_best)
{
	give(0, "*", "all", "of everybody, quite long enough", false);
	give(0, "b.example.net", "b", "of the two of us, quite long", true);
	give(1, ".example.net", "all", "of everybody, quite long enough", false);
	give(1, "a.example.net", "b", "of the two of us, quite long", true);
	go();
	used(true);
	ck_assert_uint_eq(w_sa(&w, 0)->ppk, 1);
	ck_assert_uint_eq(w_sa(&w, 1)->ppk, 1);
}
END_TEST

/* Several hubs, and nothing says which of them it will be: the first attempt names the wrong key, the second the right one. */
START_TEST(entry_of_who_answered)
{
	give(0, "c.example.net", "c", "of another hub, quite long", false);
	give(0, "b.example.net", "b", "of the two of us, quite long", true);
	give(1, "*", "b", "of the two of us, quite long", false);
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_MS(500));	/* before the next attempt */
	ck_assert_uint_eq(w.s[0].ups, 0);
	ck_assert_str_eq(w.s[0].fail_text, "authentication failed: fqdn b.example.net must use the post-quantum pre-shared key that is for it");
	ck_assert_uint_eq(ike_count_drop(w.s[0].k, IKE_DROP_PPK), 1);
	w_run(&w, TICK_S(20));
	used(true);
	ck_assert_uint_eq(w_sa(&w, 0)->ppk, 1);
}
END_TEST

/* An entry without a pre-shared key is none for who comes with one. */
START_TEST(no_empty_pre_shared_key)
{
	for (unsigned i = 0; i < 2; i++) {
		give(i, "*", "q", "a quantum secret", false);
		w.s[i].profile[0].auth_local = 0;
		w.s[i].profile[0].auth_remote = IKE_TAKE_PSK;
	}
	go();
	ck_assert_uint_eq(w.s[0].ups + w.s[1].ups, 0);
	ck_assert_ptr_nonnull(strstr(w.s[0].fail_text, "no pre-shared key fits"));
	w.s[0].key[0].psk_len = 1;	/* and the peer has one */
	w_run(&w, TICK_S(60));
	ck_assert_uint_eq(w.s[0].ups + w.s[1].ups, 0);
	ck_assert_uint_ge(ike_count_drop(w.s[1].k, IKE_DROP_NO_KEY), 1);
}
END_TEST

/* ---- lost messages, no memory, authentication anew */
static unsigned lose;

static bool
lose_one(struct world *x, struct w_msg *m)
{
	(void)x;
	return m->serial != lose;
}

START_TEST(a_message_lost)
{
	of(0, HAVE, false);
	of(1, _i % 2 ? HAVE : OTHER_ID, false);
	lose = (unsigned)_i / 2;
	w.hook = lose_one;
	go();
	w_run(&w, TICK_S(5));
	used(_i % 2);
	ck_assert_uint_eq(w.s[0].ups + w.s[1].ups, 2);
}
END_TEST

START_TEST(memory)
{
	of(0, HAVE, false);
	of(1, _i & 2 ? HAVE : OTHER_ID, false);
	w_go(&w);
	w.s[_i % 2].t.fail_at = _i / 4 + 2;
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_S(90));
	used(_i & 2);
}
END_TEST

START_TEST(authenticated_anew)
{
	of(0, HAVE, true);
	of(1, HAVE, true);
	w.s[0].profile[0].reauth_s = 100;
	go();
	used(true);
	w_run(&w, TICK_S(110));
	ck_assert_uint_ge(w.s[0].ups, 2);
	used(true);
	ck_assert_uint_eq(w_sa(&w, 0)->ppk, 0);
}
END_TEST

/* ---- a reload */
static const struct change {
	const char *what;
	const char *was, *is;
	bool must, stays;
} changes[] = {
	{ "the same", "one", "one", false, true },
	{ "the same, required now", "one", "one", true, true },
	{ "another one", "one", "two", false, false },
	{ "removed", "one", NULL, false, false },
	{ "one where there was none", NULL, "one", false, true },
	{ "one where there was none, required", NULL, "one", true, false },
	{ "none, as before", NULL, NULL, false, true },
};

START_TEST(reloaded)
{
	const struct change *c = &changes[_i];
	struct ike_profile profile;
	struct ike_conf conf;
	struct ike_key key = { .name = "*" };

	for (unsigned i = 0; c->was && i < 2; i++)
		give(i, "*", "q", c->was, false);
	go();
	used(c->was != NULL);
	profile = w.s[0].profile[0];
	profile.key = &key;
	profile.n_key = c->is != NULL;
	if (c->is) {
		key.ppk_id_len = 1;
		key.ppk_id[0] = 'q';
		key.ppk_len = (uint8_t)strlen(c->is);
		memcpy(key.ppk, c->is, key.ppk_len);
		key.ppk_required = c->must;
	}
	conf = w.s[0].conf;
	conf.profile = &profile;
	ike_reconf(w.s[0].k, w.now, &conf, &w.s[0].out);
	w_run(&w, TICK_MS(50));
	ck_assert_msg((w.s[0].downs == 0) == c->stays, "%s", c->what);
	w_stop(&w, 0);
}
END_TEST

Suite *
ppk_suite(void)
{
	Suite *s = suite_create("ppk");
	TCase *tc = tcase_create("ppk");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, who_has_what, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_loop_test(tc, with_rsa, 4, 6);
	tcase_add_loop_test(tc, mixed_methods, 0, 4);
	tcase_add_loop_test(tc, second_signature, 0, 3);
	tcase_add_loop_test(tc, plain_signature_is_checked, 0, 2);
	tcase_add_test(tc, entry_that_fits_best);
	tcase_add_test(tc, entry_of_who_answered);
	tcase_add_test(tc, no_empty_pre_shared_key);
	tcase_add_loop_test(tc, a_message_lost, 0, 10);
	tcase_add_loop_test(tc, memory, 0, 120);
	tcase_add_test(tc, authenticated_anew);
	tcase_add_loop_test(tc, reloaded, 0, sizeof(changes) / sizeof(changes[0]));
	suite_add_tcase(s, tc);
	return s;
}
