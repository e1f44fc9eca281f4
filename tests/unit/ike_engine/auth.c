/* Identities and keys: who is let in, which keyring entry is tried, what people are told. */
#include "tests/unit/ike_engine/suites.h"

static struct world w;

static void
begin(void)
{
	w_init(&w);
	for (unsigned i = 0; i < 2; i++)
		w.s[i].profile[0].n_key = 0;
}

static void
end(void)
{
	w_fini(&w);
}

static void
dial_hint(const char *hint, bool hub)
{
	struct ike_event ev = { .dial = 1, .n_remotes = 1, .hint = hint, .hub = hub };

	ev.local.addr = w.s[0].addr;
	ev.remotes[0].addr = w.s[1].addr;
	w_dial_ev(&w, 0, &ev);
}

static void
go(void)
{
	w_go(&w);
	dial_hint(NULL, true);
	w_run(&w, TICK_S(1));
}

START_TEST(wrong_psk)
{
	w_key(&w.s[0], 0, "*", "this");
	w_key(&w.s[1], 0, "*", "that");
	go();
	ck_assert_uint_eq(w.s[0].ups + w.s[1].ups, 0);
	ck_assert_uint_eq(w.s[0].dial_fails, 1);
	ck_assert_int_eq(w.s[0].last_fail, IKE_DOWN_AUTH);
	ck_assert_str_eq(w.s[0].fail_text, "authentication failed: peer rejected our pre-shared key or identity");
	ck_assert_uint_eq(ike_count_drop(w.s[1].k, IKE_DROP_AUTH), 1);
	ck_assert_str_eq(w.s[1].t.last_word, "ike-auth-refused");
	w_run(&w, TICK_S(60));
	ck_assert_uint_ge(w.s[0].dial_fails, 4);	/* backs off and goes on */
	ck_assert_uint_le(w.s[0].dial_fails, 8);
	w.s[0].conf.n_profile = 1;
}
END_TEST

START_TEST(empty_psk_is_never_used)
{
	w_key(&w.s[0], 0, "*", "");
	w_key(&w.s[1], 0, "*", "");
	go();
	ck_assert_uint_eq(w.s[0].sends, 0);
	ck_assert_uint_eq(w.s[0].dial_fails, 1);
	ck_assert_str_eq(w.s[0].fail_text, "no pre-shared key fits 198.51.100.2");
}
END_TEST

START_TEST(no_key_for_the_identity)
{
	w_key(&w.s[0], 0, "*", "x");
	w_key(&w.s[1], 0, "other.example.net", "x");
	go();
	ck_assert_uint_eq(ike_count_drop(w.s[1].k, IKE_DROP_NO_KEY), 1);
	ck_assert_uint_eq(w.s[1].ups, 0);
}
END_TEST

START_TEST(identity_matches_no_profile)
{
	w_key(&w.s[0], 0, "*", "x");
	w_key(&w.s[1], 0, "*", "x");
	w.s[1].profile[0].remote[0] = w_exact("other.example.net");
	w.s[1].profile[0].n_remote = 1;
	go();
	ck_assert_uint_eq(ike_count_drop(w.s[1].k, IKE_DROP_IDENTITY), 1);
	ck_assert_ptr_nonnull(strstr(w.s[1].t.last_text, "fqdn a.example.net at 192.0.2.1:500: no profile for this identity"));
}
END_TEST

START_TEST(second_profile_takes_it)
{
	struct ike_profile *p = w.s[1].profile;

	w_key(&w.s[0], 0, "*", "x");
	w_key(&w.s[1], 0, "*", "y");
	p[0].remote[0] = w_exact("other.example.net");
	p[0].n_remote = 1;
	p[1].local_id = w_fqdn("second.example.net");
	p[1].n_key = 1;
	p[1].key = &w.s[1].key[4];
	w.s[1].key[4] = w.s[1].key[0];
	w.s[1].key[4].psk[0] = 'x';
	w.s[1].conf.n_profile = 2;
	go();
	w_check_pair(&w);
	ck_assert_uint_eq(w_sa(&w, 1)->profile, 1);
	ck_assert(ike_id_eq(&w.s[0].up_id, &p[1].local_id));
}
END_TEST

START_TEST(exact_before_domain_before_address_before_any)
{
	w_key(&w.s[0], 0, "*", "exact");
	w_key(&w.s[1], 0, "*", "any");
	w_key(&w.s[1], 0, "192.0.2.1", "address");
	w_key(&w.s[1], 0, ".example.net", "domain");
	w_key(&w.s[1], 0, "A.example.NET", "exact");
	go();
	w_check_pair(&w);
}
END_TEST

/* The key of another peer or of all does not open the door of one that has its own. */
START_TEST(wildcard_cannot_speak_for_a_peer_with_its_own_key)
{
	w_key(&w.s[0], 0, "*", "any");
	w_key(&w.s[1], 0, "*", "any");
	w_key(&w.s[1], 0, "a.example.net", "its own");
	go();
	ck_assert_uint_eq(w.s[1].ups, 0);
	ck_assert_uint_eq(ike_count_drop(w.s[1].k, IKE_DROP_AUTH), 1);
}
END_TEST

START_TEST(candidates_fall_back)
{
	w_key(&w.s[0], 0, "wrong.example.net", "wrong 1");
	w_key(&w.s[0], 0, "also.example.net", "wrong 2");
	w_key(&w.s[0], 0, "*", "right");
	w_key(&w.s[1], 0, "*", "right");
	go();
	ck_assert_uint_eq(w.s[0].ups, 1);
	w_run(&w, TICK_S(6));	/* refused ones stay a moment */
	w_check_pair(&w);
	ck_assert_uint_eq(w.s[0].dial_fails, 0);
	ck_assert_uint_eq(w.serial, 12);
	/* and it is remembered */
	{
		struct ike_event ev = { .kind = IKE_EV_CLOSE, .sa = w_sa(&w, 0)->id };

		w_event(&w, 0, &ev);
		w_run(&w, TICK_S(10));
		w_check_pair(&w);
		ck_assert_uint_eq(w.serial, 18);	/* delete 2, set-up 4 */
	}
}
END_TEST

static unsigned
order(const char *hint, bool hub, unsigned *out)
{
	struct ike_dial d = { .hub = hub };

	if (hint) {
		d.has_hint = true;
		d.hint = w_fqdn(hint);
	}
	return ike_key_candidates(w.s[0].k, &d, &w.s[1].addr, out);
}

START_TEST(candidate_order)
{
	unsigned c[IKE_CANDS_MAX];

	w_key(&w.s[0], 0, "*", "0");
	w_key(&w.s[0], 0, ".example.net", "1");
	w_key(&w.s[0], 0, "hub.example.net", "2");
	w_key(&w.s[0], 0, "198.51.100.2", "3");
	w_key(&w.s[0], 0, "203.0.113.9", "4");
	w_key(&w.s[0], 0, "two.example.org", "5");
	w_key(&w.s[0], 0, "empty.example.org", "");
	w_go(&w);
	ck_assert_uint_eq(order(NULL, true, c), 5);
	ck_assert_uint_eq(c[0], 3);
	ck_assert_uint_eq(c[1], 2);
	ck_assert_uint_eq(c[2], 5);
	ck_assert_uint_eq(c[3], 1);
	ck_assert_uint_eq(c[4], 0);
	order(NULL, false, c);
	ck_assert_uint_eq(c[0], 3);
	ck_assert_uint_eq(c[1], 1);
	ck_assert_uint_eq(c[2], 0);
	ck_assert_uint_eq(c[3], 2);
	order("two.example.org", false, c);
	ck_assert_uint_eq(c[0], 5);
	ck_assert_uint_eq(c[1], 3);
	ike_worked_set(w.s[0].k, &w.s[1].addr, 0, 0);
	order("two.example.org", false, c);
	ck_assert_uint_eq(c[0], 0);
	ck_assert_uint_eq(c[1], 5);
}
END_TEST

/* The peer knows the key that we use, but is not whom the entry is for. */
START_TEST(answering_identity_must_fit_the_entry)
{
	w_key(&w.s[0], 0, "hub.example.net", "shared");
	w_key(&w.s[1], 0, "*", "shared");
	go();
	ck_assert_uint_eq(w.s[0].ups, 0);
	ck_assert_uint_eq(w.s[0].dial_fails, 1);
	ck_assert_ptr_nonnull(strstr(w.s[0].fail_text, "fqdn b.example.net is not whom keyring entry hub.example.net is for"));
	ck_assert_uint_eq(w_count_child(&w, 1), 0);	/* told to go */
}
END_TEST

START_TEST(answering_identity_must_fit_the_profile)
{
	w_key(&w.s[0], 0, "*", "shared");
	w_key(&w.s[1], 0, "*", "shared");
	w.s[0].profile[0].remote[0] = (struct ike_match){ .kind = IKE_MATCH_DOMAIN, .id = w_fqdn("example.org") };
	w.s[0].profile[0].n_remote = 1;
	go();
	ck_assert_uint_eq(w.s[0].ups, 0);
	ck_assert_ptr_nonnull(strstr(w.s[0].fail_text, "does not match profile"));
	ck_assert_uint_eq(w_count_child(&w, 1), 0);
}
END_TEST

START_TEST(hint_is_sent)
{
	w_key(&w.s[0], 0, "*", "x");
	w_key(&w.s[1], 0, "*", "x");
	w_go(&w);
	dial_hint("b.example.net", true);
	w_settle(&w);
	w_check_pair(&w);
}
END_TEST

START_TEST(own_address_as_identity)
{
	struct ike_id id = { .type = IKE_ID_IPV4, .len = 4, .data = { 192, 0, 2, 1 } };

	w.s[0].profile[0].local_id.type = IKE_ID_NONE;
	w_key(&w.s[0], 0, "*", "x");
	w_key(&w.s[1], 0, "192.0.2.1", "x");
	w.s[1].profile[0].remote[0] = (struct ike_match){ .kind = IKE_MATCH_NET, .net = prefix_host(&w.s[0].addr) };
	w.s[1].profile[0].n_remote = 1;
	go();
	w_check_pair(&w);
	ck_assert(ike_id_eq(&w.s[1].up_id, &id));
}
END_TEST

START_TEST(esp_proposals_differ)
{
	w_key(&w.s[0], 0, "*", "x");
	w_key(&w.s[1], 0, "*", "x");
	w.s[1].profile[0].esp[0].encr_bits[0] = 128;
	go();
	ck_assert_uint_eq(w.s[0].ups, 0);
	ck_assert_int_eq(w.s[0].last_fail, IKE_DOWN_IPSEC);
	ck_assert_str_eq(w.s[0].fail_text, "no IPsec proposal in common, or the peer does not take transport mode: we offered aes-gcm-256");
	ck_assert_uint_eq(w.s[1].k->n_refused, 1);
	ck_assert_str_eq(w.s[1].k->refused[0].why, "no IPsec proposal in common: peer offered aes-gcm-256, wanted aes-gcm-128");
	w_run(&w, TICK_MS(100));
	ck_assert_uint_eq(w_count_sa(&w, 1, "established"), 0);
}
END_TEST

START_TEST(profile_of_the_identity_has_other_proposals)
{
	struct ike_profile *p = w.s[1].profile;

	w_key(&w.s[0], 0, "*", "x");
	w_key(&w.s[1], 0, "*", "x");
	p[1] = p[0];
	p[0].ike[0].prf[0] = IKE_PRF_HMAC_SHA2_512;	/* first profile takes the identity, second would take the proposal */
	w.s[1].conf.n_profile = 2;
	go();
	ck_assert_uint_eq(w.s[1].ups, 0);
	ck_assert_uint_eq(ike_count_drop(w.s[1].k, IKE_DROP_PROPOSAL), 1);
}
END_TEST

Suite *
auth_suite(void)
{
	Suite *s = suite_create("auth");
	TCase *tc = tcase_create("auth");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, wrong_psk);
	tcase_add_test(tc, empty_psk_is_never_used);
	tcase_add_test(tc, no_key_for_the_identity);
	tcase_add_test(tc, identity_matches_no_profile);
	tcase_add_test(tc, second_profile_takes_it);
	tcase_add_test(tc, exact_before_domain_before_address_before_any);
	tcase_add_test(tc, wildcard_cannot_speak_for_a_peer_with_its_own_key);
	tcase_add_test(tc, candidates_fall_back);
	tcase_add_test(tc, candidate_order);
	tcase_add_test(tc, answering_identity_must_fit_the_entry);
	tcase_add_test(tc, answering_identity_must_fit_the_profile);
	tcase_add_test(tc, hint_is_sent);
	tcase_add_test(tc, own_address_as_identity);
	tcase_add_test(tc, esp_proposals_differ);
	tcase_add_test(tc, profile_of_the_identity_has_other_proposals);
	suite_add_tcase(s, tc);
	return s;
}
