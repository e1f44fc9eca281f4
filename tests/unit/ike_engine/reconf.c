/* Twin of ikecore/engine/reconf.c: another configuration while SAs are up. The new one is a copy that the test changes; the old
 * one is overwritten, so that whoever still looks at it is found out. */
#include "tests/unit/ike_engine/suites.h"

static struct world w;
static struct ike_conf conf;
static struct ike_profile profile[3];
static struct ike_key key[W_KEYS];

static void
begin(void)
{
	w_init(&w);
	w.s[0].n_jobs = 0;
	w_key(&w.s[0], 0, "b.example.net", "secret of b");
	w_key(&w.s[1], 0, "a.example.net", "secret of b");
	w_go(&w);
}

static void
end(void)
{
	w_fini(&w);
}

static void
copy_conf(void)
{
	struct w_side *s = &w.s[0];

	memcpy(profile, s->profile, sizeof(s->profile));
	memcpy(key, s->profile[0].key, sizeof(key[0]) * s->profile[0].n_key);
	profile[0].key = key;
	conf = s->conf;
	conf.profile = profile;
}

static void
apply(void)
{
	struct w_side *s = &w.s[0];

	ike_reconf(s->k, w.now, &conf, &s->out);
	memset(s->profile, 0xee, sizeof(s->profile));
	memset(s->key, 0xee, sizeof(s->key));
	w_run(&w, TICK_S(1));
}

static void
up(void)
{
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_S(1));
	w_check_pair(&w);
	copy_conf();
}

START_TEST(the_same_again)
{
	unsigned sends;

	up();
	sends = w.s[0].sends;
	apply();
	w_check_pair(&w);
	ck_assert_uint_eq(w.s[0].sends, sends);
	ck_assert_uint_eq(w.s[0].downs, 0);
}
END_TEST

START_TEST(key_removed)
{
	up();
	profile[0].n_key = 1;	/* the wildcard is left */
	apply();
	ck_assert_uint_eq(w.s[0].downs, 1);
	ck_assert_int_eq(w.s[0].last_down, IKE_DOWN_CLOSED);
	ck_assert_str_eq(w.s[0].down_text, "its pre-shared key was changed or removed");
	ck_assert_uint_eq(w.s[1].downs, 1);	/* it was told */
	ck_assert_int_eq(w.s[1].last_down, IKE_DOWN_DELETED);
}
END_TEST

START_TEST(key_changed)
{
	up();
	key[1].psk[0] ^= 1;
	apply();
	ck_assert_uint_eq(w.s[0].downs, 1);
	ck_assert_uint_eq(w_count_child(&w, 0), 0);
	ck_assert_uint_eq(w_count_child(&w, 1), 0);
	ck_assert_ptr_null(w_sa(&w, 0));
	w_run(&w, TICK_S(5));
	ck_assert_uint_ge(w.s[0].dial_fails, 1);	/* it goes on with what it has now */
}
END_TEST

/* Only the post-quantum pre-shared key is another one: what has it in its keys goes; what has not stays, unless it must have one now. */
static const struct ppk_row {
	const char *what;
	const char *was, *is;
	bool must, stays;
} ppks[] = {
	{ "the same", "one", "one", false, true },
	{ "the same, required now", "one", "one", true, true },
	{ "another one", "one", "two", false, false },
	{ "a longer one", "one", "one2", false, false },
	{ "removed", "one", "", false, false },
	{ "one where there was none", "", "one", false, true },
	{ "one where there was none, required", "", "one", true, false },
};

static void
set_ppk(struct ike_key *e, const char *secret, bool must)
{
	e->ppk_id_len = 1;
	e->ppk_id[0] = 'q';
	e->ppk_len = (uint8_t)strlen(secret);
	memset(e->ppk, 0, sizeof(e->ppk));
	memcpy(e->ppk, secret, e->ppk_len);
	e->ppk_required = must;
}

START_TEST(post_quantum_key)
{
	const struct ppk_row *r = &ppks[_i];

	for (unsigned i = 0; i < 2; i++) {
		w.s[i].conf.ppk = r->was[0] != 0;
		for (unsigned j = 0; j < w.s[i].profile[0].n_key; j++)
			set_ppk(&w.s[i].key[j], r->was, false);
	}
	up();
	ck_assert_int_eq(w_sa(&w, 0)->ext.ppk_used, r->was[0] != 0);
	for (unsigned j = 0; j < profile[0].n_key; j++)
		set_ppk(&key[j], r->is, r->must);
	conf.ppk = r->is[0] != 0;
	apply();
	ck_assert_msg(w.s[0].downs == !r->stays, "%s: %s", r->what, w.s[0].down_text);
	if (!r->stays)
		ck_assert(strstr(w.s[0].down_text, "post-quantum"));
}
END_TEST

/* Entries before it went, it has another name, another rule that still takes the peer: it is the same key. */
START_TEST(key_elsewhere)
{
	up();
	key[0] = key[1];
	strcpy(key[0].name, "other");
	profile[0].n_key = 1;
	apply();
	w_check_pair(&w);
	ck_assert_uint_eq(w.s[0].downs, 0);
	ck_assert_uint_eq(w_sa(&w, 0)->key, 0);
	key[0].id = w_exact("x.example.net");
	ike_reconf(w.s[0].k, w.now, &conf, &w.s[0].out);	/* only the rule, in place: as good as another object */
	w_run(&w, TICK_S(1));
	ck_assert_uint_eq(w.s[0].downs, 1);
}
END_TEST

START_TEST(identities)
{
	up();
	profile[0].remote[0] = w_exact("b.example.net");
	profile[0].n_remote = 1;
	apply();
	w_check_pair(&w);
	profile[0].remote[0] = w_exact("c.example.net");
	ike_reconf(w.s[0].k, w.now, &conf, &w.s[0].out);
	w_run(&w, TICK_S(1));
	ck_assert_str_eq(w.s[0].down_text, "the profile does not take its identity any more");
}
END_TEST

START_TEST(our_identity)
{
	up();
	profile[0].local_id = w_fqdn("z.example.net");
	apply();
	ck_assert_uint_eq(w.s[0].downs, 1);
	ck_assert_str_eq(w.s[0].down_text, "our identity was changed");
}
END_TEST

START_TEST(profiles_by_name)
{
	up();
	profile[1] = profile[0];
	memset(&profile[0], 0, sizeof(profile[0]));
	strcpy(profile[0].name, "first");
	conf.n_profile = 2;
	apply();
	w_check_pair(&w);
	ck_assert_uint_eq(w_sa(&w, 0)->profile, 1);
	conf.n_profile = 1;
	ike_reconf(w.s[0].k, w.now, &conf, &w.s[0].out);
	w_run(&w, TICK_S(1));
	ck_assert_str_eq(w.s[0].down_text, "its profile is not configured any more");
	w_run(&w, TICK_S(10));
	ck_assert_str_eq(w.s[0].fail_text, "its profile is not configured any more");
}
END_TEST

START_TEST(no_profile_left)
{
	up();
	conf.n_profile = 0;
	conf.profile = NULL;
	apply();
	ck_assert_uint_eq(w.s[0].downs, 1);
	w_run(&w, TICK_S(100));
	ck_assert_uint_eq(w_count_child(&w, 0), 0);
	w_dial(&w, 1, 0, 7);	/* somebody calls */
	w_run(&w, TICK_S(20));
	ck_assert_ptr_null(w_sa(&w, 0));
}
END_TEST

/* Other proposals and lifetimes: nothing now, the next rekeying has them. */
START_TEST(proposals_at_rekey)
{
	uint16_t bits;

	w.s[1].profile[0].esp[0].encr[1] = w.s[1].profile[0].esp[0].encr[0];
	w.s[1].profile[0].esp[0].encr_bits[1] = 128;
	w.s[1].profile[0].esp[0].n_encr = 2;
	w.s[0].profile[0].child_life.hard_s = 1000;
	up();
	profile[0].esp[0].encr_bits[0] = 128;
	apply();
	w_check_pair(&w);
	bits = w_engine_child(&w, 0)->bits;
	ck_assert_uint_eq(bits, 256);
	w_run(&w, TICK_S(1000));
	w_check_pair(&w);
	ck_assert_uint_eq(w_engine_child(&w, 0)->bits, 128);
	ck_assert_uint_eq(w.s[0].downs, 0);
}
END_TEST

START_TEST(liveness_now)
{
	unsigned n;

	up();
	w_run(&w, TICK_S(60));
	n = w.s[0].sends;
	profile[0].dpd = IKE_DPD_PERIODIC;
	apply();
	w_run(&w, TICK_S(60));
	ck_assert_uint_ge(w.s[0].sends, n + 4);
	profile[0].dpd = IKE_DPD_OFF;
	ike_reconf(w.s[0].k, w.now, &conf, &w.s[0].out);
	w_run(&w, TICK_S(20));
	n = w.s[0].sends;
	w_run(&w, TICK_S(100));
	ck_assert_uint_eq(w.s[0].sends, n);
}
END_TEST

/* While a handshake is under way all keys go, or all but the one that fits: without it nothing comes up. */
static void
apply_during_handshake(bool gone)
{
	copy_conf();
	if (gone) {
		profile[0].n_key = 0;
	} else {
		key[0] = key[1];
		profile[0].n_key = 1;
	}
	w.manual = false;
	apply();
	w_run(&w, TICK_S(20));
	if (gone)
		ck_assert_ptr_null(w_sa(&w, 0));
	else
		w_check_pair(&w);
}

/* In the middle of a handshake, at each message: with the key still there it comes up, without it does not, and nobody crashes. */
START_TEST(during_a_handshake)
{
	unsigned steps = (unsigned)_i / 2;

	w.manual = true;
	w_dial(&w, 0, 1, 1);
	for (unsigned i = 0; i < steps; i++)
		w_deliver(&w, i & 1);
	apply_during_handshake(_i & 1);
}
END_TEST

START_TEST(during_a_handshake_of_theirs)
{
	unsigned steps = (unsigned)_i / 2;

	w.manual = true;
	w_dial(&w, 1, 0, 1);
	for (unsigned i = 0; i < steps; i++)
		w_deliver(&w, !(i & 1));
	apply_during_handshake(_i & 1);
}
END_TEST

/* What failed before is tried at once, not after its long pause. */
START_TEST(a_mended_key_is_tried_at_once)
{
	w.s[0].key[1].psk[0] ^= 1;
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_S(200));
	ck_assert_ptr_null(w_sa(&w, 0));
	copy_conf();
	key[1].psk[0] ^= 1;
	apply();
	w_run(&w, TICK_S(1));
	w_check_pair(&w);
}
END_TEST

Suite *
reconf_suite(void)
{
	Suite *s = suite_create("reconf");
	TCase *c = tcase_create("reconf");

	tcase_add_checked_fixture(c, begin, end);
	tcase_add_test(c, the_same_again);
	tcase_add_test(c, key_removed);
	tcase_add_test(c, key_changed);
	tcase_add_loop_test(c, post_quantum_key, 0, sizeof(ppks) / sizeof(ppks[0]));
	tcase_add_test(c, key_elsewhere);
	tcase_add_test(c, identities);
	tcase_add_test(c, our_identity);
	tcase_add_test(c, profiles_by_name);
	tcase_add_test(c, no_profile_left);
	tcase_add_test(c, proposals_at_rekey);
	tcase_add_test(c, liveness_now);
	tcase_add_loop_test(c, during_a_handshake, 0, 10);
	tcase_add_loop_test(c, during_a_handshake_of_theirs, 0, 10);
	tcase_add_test(c, a_mended_key_is_tried_at_once);
	suite_add_tcase(s, c);
	return s;
}
