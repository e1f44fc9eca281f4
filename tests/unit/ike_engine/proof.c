/* Certificates in IKE_AUTH between two engines: who is let in, who is refused with which words at both ends, what jobs and answers
 * that are late, lost or without memory do, what a reload changes. Certificates themselves are tried in ike_crypto/chain.c. */
#include "tests/unit/ike_engine/suites.h"
#include "tests/unit/lab_ca.h"

#include <stdio.h>

static const char *const names[] = { "a.example.net", "b.example.net" };
static struct world w;
static struct lab_ca ca;
static struct lab_pair own[2];
static struct ike_trust *trust[2][2];

static void
forget(unsigned i)
{
	lab_free(&own[i]);
	for (unsigned k = 0; k < 2; k++) {
		ike_trust_put(trust[i][k]);
		trust[i][k] = NULL;
	}
}

/* Side i by a certificate of that kind. */
static void
give(unsigned i, const struct lab_pair *by, const struct ike_issue *want)
{
	struct ike_profile *p = &w.s[i].profile[0];

	forget(i);
	own[i] = lab_issue(by, want);
	trust[i][0] = lab_trust(&ca.root, &own[i]);
	p->trust = trust[i];
	p->n_trust = 1;
	p->auth_local = p->auth_remote = IKE_SIGN_ANY;
}

static void
begin(void)
{
	w_init(&w);
	lab_init(&ca, "CN=Root");
	for (unsigned i = 0; i < 2; i++) {
		struct ike_issue want = lab_want(&names[i]);

		w.s[i].wall = LAB_NOW;
		w.s[i].profile[0].n_key = 0;
		w.s[i].conf.frag_mtu = 0;
		give(i, &ca.root, &want);
	}
}

static void
end(void)
{
	w_fini(&w);
	forget(0);
	forget(1);
	lab_fini(&ca);
}

static void
go(void)
{
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_S(1));
}

static const struct ike_refused_info *
last_refused(unsigned side)
{
	static struct ike_refused_info last;
	static char why[IKE_REASON_MAX];
	unsigned n = w.s[side].k->n_refused;
	const struct ike_refused *r = &w.s[side].k->refused[(n - 1) % IKE_REFUSED_MAX];

	ck_assert_uint_ge(n, 1);
	snprintf(why, sizeof(why), "%s", r->why);
	last = (struct ike_refused_info){ .at = r->at, .drop = r->drop, .why = why };
	return &last;
}

/* The responder refuses; the initiator hears no more than that. */
static void
refused(enum ike_drop d, const char *why)
{
	ck_assert_uint_eq(w.s[0].ups + w.s[1].ups, 0);
	ck_assert_uint_ge(ike_count_drop(w.s[1].k, d), 1);
	ck_assert_int_eq(last_refused(1)->drop, d);
	ck_assert_str_eq(last_refused(1)->why, why);
	ck_assert_str_eq(w.s[1].t.last_word, "ike-auth-refused");
	ck_assert_ptr_nonnull(strstr(w.s[1].t.last_text, why));
	ck_assert_int_eq(w.s[0].last_fail, IKE_DOWN_AUTH);
}

/* ---- let in */
static const char *const kinds[] = { "ecdsa-256", "ecdsa-384", "ecdsa-521", "rsa-2048", "ed25519" };

START_TEST(every_kind)
{
	for (unsigned i = 0; i < 2; i++) {
		struct ike_issue want = lab_want(&names[i]);

		want.key = kinds[i ? _i % 5 : _i / 5];
		give(i, &ca.root, &want);
	}
	go();
	w_check_pair(&w);
	ck_assert_uint_eq(w_sa(&w, 0)->auth_local, IKE_AUTH_SIGNATURE);
	ck_assert_uint_eq(w_sa(&w, 1)->auth_remote, IKE_AUTH_SIGNATURE);
	ck_assert_str_eq(w_sa(&w, 1)->vouched->facts.subject, "CN=a.example.net");
	ck_assert_str_eq(w_sa(&w, 0)->vouched->facts.subject, "CN=b.example.net");
	ck_assert_str_eq(w_sa(&w, 0)->vouched->trust, "LAB");
}
END_TEST

/* Each side in its own way. */
START_TEST(mixed)
{
	unsigned psk = (unsigned)_i;

	for (unsigned i = 0; i < 2; i++)
		w_key(&w.s[i], 0, "*", "a secret");
	w.s[psk].profile[0].auth_local = 0;
	w.s[!psk].profile[0].auth_remote = _i ? 0 : (unsigned)IKE_TAKE_PSK | IKE_SIGN_ECDSA;
	go();
	w_check_pair(&w);
	ck_assert_uint_eq(w_sa(&w, psk)->auth_local, IKE_AUTH_PSK);
	ck_assert_uint_eq(w_sa(&w, psk)->auth_remote, IKE_AUTH_SIGNATURE);
	ck_assert_uint_eq(w_sa(&w, !psk)->auth_remote, IKE_AUTH_PSK);
	ck_assert_ptr_null(w_sa(&w, !psk)->vouched);
}
END_TEST

static bool
no_hashes(struct world *x, struct w_msg *m)
{
	static const uint8_t head[] = { 0x40, 0x2f };	/* SIGNATURE_HASH_ALGORITHMS becomes a status nobody knows */
	uint8_t *at;

	(void)x;
	if (m->octets[18] == IKE_SA_INIT && (at = memmem(m->octets, m->n, head, 2)))
		at[1] = 0xff;
	return true;
}

static struct ike_sa *
only_sa(unsigned side)
{
	struct map_iter it = { 0 };
	struct map_node *n = map_first(&w.s[side].k->by_id, &it);

	ck_assert_ptr_nonnull(n);
	return container_of(n, struct ike_sa, by_id);
}

static void
run_first(unsigned side)
{
	struct ike_event ev = { .kind = IKE_EV_JOB, .job = w.s[side].jobs[0] };

	memmove(w.s[side].jobs, w.s[side].jobs + 1, --w.s[side].n_jobs * sizeof(ev.job));
	ike_job_run(ev.job);
	w_event(&w, side, &ev);
}

static void
release(unsigned side)
{
	w.s[side].hold_jobs = false;
	while (w.s[side].n_jobs)
		run_first(side);
}

/* RFC 4754 with a peer that does not know RFC 7427. Both sign what they themselves saw, so the change is made in what they know. */
START_TEST(old_methods)
{
	static const uint8_t method[] = { IKE_AUTH_ECDSA256, IKE_AUTH_ECDSA384, IKE_AUTH_ECDSA521 };

	for (unsigned i = 0; i < 2; i++) {
		struct ike_issue want = lab_want(&names[i]);

		want.key = kinds[_i];
		give(i, &ca.root, &want);
	}
	w.manual = true;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_deliver(&w, 0);
	only_sa(1)->hs->hashes = 0;	/* as if it had not been said */
	w.manual = false;
	w.s[0].hold_jobs = true;
	w_run(&w, TICK_S(1));
	only_sa(0)->hs->hashes = 0;
	release(0);
	w_run(&w, TICK_S(2));
	w_check_pair(&w);
	ck_assert_uint_eq(w_sa(&w, 0)->auth_local, method[_i]);
	ck_assert_uint_eq(w_sa(&w, 0)->auth_remote, method[_i]);
}
END_TEST

/* Who changes the list of hashes on the way breaks the signatures, which cover the message. */
START_TEST(hashes_changed_on_the_way)
{
	w.hook = no_hashes;
	go();
	ck_assert_uint_eq(w.s[0].ups + w.s[1].ups, 0);
	refused(IKE_DROP_AUTH, "signature is wrong: whoever sent it does not have the certificate's key");
}
END_TEST

START_TEST(rekeyed_sa_keeps_its_certificate)
{
	w.s[0].profile[0].ike_life_s = 100;
	go();
	w_run(&w, TICK_S(95));
	ck_assert_uint_ge(w.s[0].rekeys, 1);
	w_check_pair(&w);
	ck_assert_str_eq(w_sa(&w, 1)->vouched->facts.subject, "CN=a.example.net");
	ck_assert_uint_eq(w_sa(&w, 1)->auth_remote, IKE_AUTH_SIGNATURE);
	ck_assert(w_sa(&w, 1)->cert_until != TICK_NEVER);
}
END_TEST

/* ---- refused */
START_TEST(expired)
{
	struct ike_issue want = lab_want(&names[0]);

	want.to = LAB_NOW + 10;
	give(0, &ca.root, &want);
	w.s[1].wall = LAB_NOW + 11;	/* our own clock is late, so we still try */
	go();
	refused(IKE_DROP_CERT_EXPIRED, "certificate CN=a.example.net expired at 2026-01-01 00:00:10 UTC");
	ck_assert_str_eq(w.s[0].fail_text, "authentication failed: peer rejected our certificate, signature or identity: its log says why");
}
END_TEST

START_TEST(own_expired)
{
	w.s[0].wall = LAB_NOW + 400LL * LAB_DAY;
	go();
	ck_assert_uint_eq(w.s[0].ups + w.s[1].ups, 0);
	ck_assert_str_eq(w.s[0].fail_text, "our certificate of trustpoint LAB expired at 2027-01-01 00:00:00 UTC");
	ck_assert_int_eq(w.s[0].last_fail, IKE_DOWN_AUTH);
}
END_TEST

START_TEST(responder_expired)
{
	struct ike_issue want = lab_want(&names[1]);

	want.to = LAB_NOW + 10;
	give(1, &ca.root, &want);
	w.s[0].wall = LAB_NOW + 11;
	go();
	ck_assert_str_eq(w.s[0].fail_text, "authentication failed: certificate CN=b.example.net expired at 2026-01-01 00:00:10 UTC");
	ck_assert_uint_eq(ike_count_drop(w.s[0].k, IKE_DROP_CERT_EXPIRED), 1);
	ck_assert_ptr_null(w_sa(&w, 0));
	w_run(&w, TICK_S(5));
	ck_assert_ptr_null(w_sa(&w, 1));	/* it was told */
}
END_TEST

/* A member of good standing says that it is somebody else. */
START_TEST(names_another)
{
	w.s[0].profile[0].local_id = w_fqdn("victim.example.net");
	go();
	refused(IKE_DROP_CERT_IDENTITY,
	    "it is not the holder of its certificate's names: its certificate is for dn CN=a.example.net, fqdn a.example.net");
}
END_TEST

START_TEST(responder_names_another)
{
	w.s[1].profile[0].local_id = w_fqdn("victim.example.net");
	go();
	ck_assert_str_eq(w.s[0].fail_text, "authentication failed: it is not the holder of its certificate's names: its certificate is for "
	    "dn CN=b.example.net, fqdn b.example.net");
	ck_assert_ptr_null(w_sa(&w, 0));
}
END_TEST

START_TEST(strange_ca)
{
	struct lab_ca strange;
	struct ike_issue want = lab_want(&names[0]);
	char why[IKE_WHY_MAX];

	lab_init(&strange, "CN=Strange");
	give(0, &strange.root, &want);
	lab_fini(&strange);
	(void)why;
	go();
	refused(IKE_DROP_CERT_UNTRUSTED, "certificate CN=a.example.net is issued by CN=Strange, which is no CA of ours");
}
END_TEST

START_TEST(kind_not_taken)
{
	w.s[1].profile[0].auth_remote = IKE_SIGN_RSA;
	go();
	refused(IKE_DROP_AUTH_METHOD, "ecdsa-with-SHA256 is not what \"authentication remote\" takes");
}
END_TEST

/* From a certificate down to a key that everybody may know: never, in either direction. */
START_TEST(no_downgrade)
{
	for (unsigned i = 0; i < 2; i++)
		w_key(&w.s[i], 0, "*", "a secret");
	w.s[_i].profile[0].auth_local = 0;
	if (_i == 0)
		w.s[0].profile[0].auth_remote = IKE_SIGN_ANY;
	go();
	ck_assert_uint_eq(w.s[0].ups, 0);
	if (_i == 0)
		refused(IKE_DROP_AUTH_METHOD, "authentication method is not the configured one");
	else
		ck_assert_str_eq(w.s[0].fail_text, "authentication failed: peer uses a pre-shared key (method 2), which profile p does not take");
}
END_TEST

START_TEST(certificate_where_a_key_is_wanted)
{
	w_key(&w.s[1], 0, "*", "a secret");
	w.s[1].profile[0].auth_local = w.s[1].profile[0].auth_remote = 0;
	go();
	ck_assert_uint_eq(w.s[0].ups + w.s[1].ups, 0);
	ck_assert_uint_eq(ike_count_drop(w.s[1].k, IKE_DROP_AUTH), 1);
}
END_TEST

/* ---- revocation */
static void
ask_about(unsigned side, bool relaxed)
{
	struct ike_trust_conf conf = { .name = "ASK", .method = { IKE_REV_OCSP }, .relaxed = relaxed };
	struct ike_trust *t = ike_trust_new(&conf);
	char why[IKE_WHY_MAX];

	ck_assert(ike_trust_add_ca(t, lab_span(&ca.root.cert), why) && ike_trust_add_own(t, lab_span(&own[side].cert), why));
	ck_assert(ike_trust_set_key(t, lab_span(&own[side].key), span_of("", 0), why) && ike_trust_complete(t, why));
	ike_trust_put(trust[side][0]);
	trust[side][0] = t;
}

START_TEST(revocation_asked)
{
	ask_about(1, _i == 3);
	w.s[1].revocation = _i == 0 ? IKE_STATUS_GOOD : _i == 1 ? IKE_STATUS_REVOKED : IKE_STATUS_UNKNOWN;
	go();
	ck_assert_uint_ge(w.s[1].asked, 1);
	if (_i == 0 || _i == 3)
		w_check_pair(&w);
	else
		refused(_i == 1 ? IKE_DROP_CERT_REVOKED : IKE_DROP_CERT_UNKNOWN, "asked");
	if (_i == 3)
		ck_assert_uint_eq(w.s[1].asked, 1);
	else
		w_run(&w, TICK_S(60));
	/* Asked at each attempt, whether or not the path is known; one that was revoked is not known any more. */
	ck_assert_uint_eq(w.s[1].asked_known, _i == 2 ? w.s[1].asked - 1 : 0);
	ck_assert(_i == 0 || _i == 3 || w.s[1].asked >= 2);
}
END_TEST

/* Nobody is asked about who did not prove to have the key. */
START_TEST(not_asked_before_the_signature)
{
	ask_about(1, false);
	w.hook = no_hashes;
	go();
	ck_assert_uint_eq(w.s[1].asked, 0);
	ck_assert_uint_eq(w.s[1].ups, 0);
}
END_TEST

START_TEST(initiator_asks)
{
	ask_about(0, false);
	w.s[0].revocation = _i ? IKE_STATUS_REVOKED : IKE_STATUS_GOOD;
	go();
	ck_assert_uint_eq(w.s[0].asked, 1);
	if (_i)
		ck_assert_str_eq(w.s[0].fail_text, "authentication failed: asked");
	else
		w_check_pair(&w);
}
END_TEST

/* ---- certificate maps */
static struct ike_certmap_rule rule;
static const struct ike_certmap_entry entry = { &rule, 1 };
static const struct ike_certmap map = { "M", &entry, 1 };

static void
only(unsigned side, enum ike_map_what what, enum ike_map_op op, const char *value)
{
	rule = (struct ike_certmap_rule){ what, op, value };
	w.s[side].profile[0].certmap[0] = &map;
	w.s[side].profile[0].n_certmap = 1;
}

START_TEST(map_of_the_responder)
{
	only(1, IKE_MAP_ALT_NAME, _i ? IKE_MAP_NC : IKE_MAP_CO, "a.example");
	go();
	if (_i == 0) {
		struct span cert;

		w_check_pair(&w);
		cert = ike_sa_cert(w.s[1].k, w_sa(&w, 1)->id);
		ck_assert(ike_certmap_match(&map, cert));
		ck_assert_uint_eq(ike_sa_cert(w.s[1].k, 0).n, 0);
		return;
	}
	ck_assert_uint_eq(w.s[0].ups + w.s[1].ups, 0);
	ck_assert_int_eq(w.s[0].last_fail, IKE_DOWN_AUTH);
	ck_assert_uint_ge(ike_count_drop(w.s[1].k, IKE_DROP_IDENTITY), 1);
}
END_TEST

START_TEST(map_of_the_initiator)
{
	only(0, IKE_MAP_ISSUER, _i ? IKE_MAP_NE : IKE_MAP_EQ, "CN=Root");
	go();
	if (_i == 0)
		w_check_pair(&w);
	else
		ck_assert_str_eq(w.s[0].fail_text, "authentication failed: identity fqdn b.example.net or its certificate does not match profile p");
}
END_TEST

/* By a pre-shared key there is no certificate, whatever is sent along; so there is none without that name either. */
START_TEST(map_and_a_pre_shared_key)
{
	for (unsigned i = 0; i < 2; i++)
		w_key(&w.s[i], 0, "*", "a secret");
	w.s[0].profile[0].auth_local = 0;
	w.s[1].profile[0].auth_remote = (unsigned)IKE_TAKE_PSK | IKE_SIGN_ECDSA;
	if (_i)
		only(1, IKE_MAP_ALT_NAME, IKE_MAP_NC, "nobody");
	go();
	ck_assert_uint_eq(w.s[1].ups, _i == 0);
}
END_TEST

/* ---- which of our certificates */
START_TEST(by_certreq)
{
	struct lab_ca other;
	struct ike_issue want = lab_want(&names[0]);
	struct lab_pair more;

	lab_init(&other, "CN=Other");
	more = lab_issue(&other.root, &want);
	trust[0][1] = trust[0][0];
	trust[0][0] = lab_trust(&other.root, &more);	/* the first one, but not of the CA that the peer names */
	w.s[0].profile[0].n_trust = 2;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_S(1));
	w_check_pair(&w);
	ck_assert_str_eq(w_sa(&w, 1)->vouched->facts.issuer, "CN=Root");
	lab_free(&more);
	lab_fini(&other);
}
END_TEST

/* ---- time */
START_TEST(expires_while_up)
{
	struct ike_issue want = lab_want(&names[0]);

	want.to = LAB_NOW + 100;
	give(0, &ca.root, &want);
	go();
	w_check_pair(&w);
	w_run(&w, TICK_S(90));
	w_check_pair(&w);
	w.s[0].wall = w.s[1].wall = LAB_NOW + 103;
	w_run(&w, TICK_S(12));
	ck_assert_uint_eq(w.s[1].downs, 1);
	ck_assert_str_eq(w.s[1].down_text, "the peer's certificate, or a CA of it, has expired");
	w_run(&w, TICK_S(5));
	ck_assert_str_eq(w.s[0].fail_text, "our certificate of trustpoint LAB expired at 2026-01-01 00:01:40 UTC");
}
END_TEST

/* ---- reload */
static void
reconf(unsigned side, struct ike_profile *p, struct ike_conf *conf)
{
	*conf = w.s[side].conf;
	conf->profile = p;
	ike_reconf(w.s[side].k, w.now, conf, &w.s[side].out);
	w_run(&w, TICK_S(1));
}

START_TEST(reload_with_another_certificate)
{
	struct ike_profile p = w.s[1].profile[0];
	struct ike_issue want = lab_want(&names[1]);
	struct lab_pair fresh = lab_issue(&ca.root, &want);
	struct ike_trust *t = lab_trust(&ca.root, &fresh);
	struct ike_conf conf;

	go();
	p.trust = &t;
	reconf(1, &p, &conf);
	w_check_pair(&w);
	ck_assert_uint_eq(w.s[0].downs + w.s[1].downs, 0);
	w_stop(&w, 1);
	lab_free(&fresh);
	ike_trust_put(t);
}
END_TEST

START_TEST(reload_without_the_ca)
{
	struct ike_profile p = w.s[1].profile[0];
	struct lab_ca other;
	struct ike_trust *t;
	struct ike_conf conf;
	const char *want[] = { "the CA of its certificate is not trusted any more", "its certificate was revoked", "the way to authenticate was changed" };

	go();
	lab_init(&other, "CN=Other");
	t = lab_trust(_i ? &ca.root : &other.root, NULL);
	p.trust = &t;
	if (_i == 1) {
		struct ike_pem crl = lab_crl(&ca.root, &own[0], LAB_NOW, LAB_NOW + LAB_DAY);
		char why[IKE_WHY_MAX];

		ck_assert(ike_trust_add_crl(t, lab_span(&crl), why));
		ike_pem_free(&crl);
	}
	if (_i == 2)
		p.auth_remote = 0;
	reconf(1, &p, &conf);
	ck_assert_uint_eq(w.s[1].downs, 1);
	ck_assert_str_eq(w.s[1].down_text, want[_i]);
	w_stop(&w, 1);
	ike_trust_put(t);
	lab_fini(&other);
}
END_TEST

/* Until a proof of that side waits to be run; key exchanges before it are run. */
static struct ike_job *
until_proof(unsigned side)
{
	w.s[side].hold_jobs = true;
	for (unsigned n = 0; n < 2000; n++) {
		if (w.s[side].n_jobs && w.s[side].jobs[0]->proof)
			return w.s[side].jobs[0];
		if (w.s[side].n_jobs)
			run_first(side);
		w_run(&w, TICK_MS(1));
	}
	ck_abort_msg("there is no proof");
	return NULL;
}

/* A job that is out while the configuration changes, or its SA ends: nothing is decided by what it brings. */
START_TEST(job_out_at_reload)
{
	struct ike_profile p = w.s[_i].profile[0];
	struct ike_conf conf;

	w_go(&w);
	w_dial(&w, 0, 1, 1);
	until_proof((unsigned)_i);
	reconf((unsigned)_i, &p, &conf);
	release((unsigned)_i);
	w_run(&w, TICK_S(40));
	w_check_pair(&w);	/* by what came after it */
	w_stop(&w, (unsigned)_i);
}
END_TEST

/* The peer repeats while its certificate is looked at: one job, one answer. */
START_TEST(repeated_while_checked)
{
	unsigned proofs = 0;

	w_go(&w);
	w_dial(&w, 0, 1, 1);
	until_proof(1);
	w_run(&w, TICK_S(8));
	for (unsigned i = 0; i < w.s[1].n_jobs; i++)
		proofs += w.s[1].jobs[i]->proof != NULL;
	ck_assert_uint_eq(proofs, 1);
	release(1);
	w_run(&w, TICK_S(20));
	w_check_pair(&w);
}
END_TEST

/* No room for strangers: as if the message had been lost. */
START_TEST(not_run)
{
	struct ike_event ev = { .kind = IKE_EV_JOB };

	w_go(&w);
	w_dial(&w, 0, 1, 1);
	ev.job = until_proof(1);
	ck_assert(!ev.job->known);
	w.s[1].n_jobs = 0;
	w_event(&w, 1, &ev);
	ck_assert_uint_eq(w.s[1].ups, 0);
	release(1);
	w_run(&w, TICK_S(5));
	w_check_pair(&w);
}
END_TEST

/* Every allocation of either side fails in turn; then things go on. */
START_TEST(without_memory)
{
	unsigned side = (unsigned)_i % 2;

	w_go(&w);
	w.s[side].t.fail_at = _i / 2 + 1;
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_S(1));
	w.s[side].t.fail_at = 0;
	w_run(&w, TICK_S(60));
	if (w.s[0].dial_fails && !w_sa(&w, 0))
		w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_S(60));
	w_check_pair(&w);
}
END_TEST

Suite *
proof_suite(void)
{
	Suite *s = suite_create("proof");
	TCase *tc = tcase_create("proof");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, every_kind, 0, 25);
	tcase_add_loop_test(tc, mixed, 0, 2);
	tcase_add_loop_test(tc, old_methods, 0, 3);
	tcase_add_test(tc, hashes_changed_on_the_way);
	tcase_add_test(tc, rekeyed_sa_keeps_its_certificate);
	tcase_add_test(tc, expired);
	tcase_add_test(tc, own_expired);
	tcase_add_test(tc, responder_expired);
	tcase_add_test(tc, names_another);
	tcase_add_test(tc, responder_names_another);
	tcase_add_test(tc, strange_ca);
	tcase_add_test(tc, kind_not_taken);
	tcase_add_loop_test(tc, no_downgrade, 0, 2);
	tcase_add_test(tc, certificate_where_a_key_is_wanted);
	tcase_add_loop_test(tc, revocation_asked, 0, 4);
	tcase_add_test(tc, not_asked_before_the_signature);
	tcase_add_loop_test(tc, map_of_the_responder, 0, 2);
	tcase_add_loop_test(tc, map_of_the_initiator, 0, 2);
	tcase_add_loop_test(tc, map_and_a_pre_shared_key, 0, 2);
	tcase_add_loop_test(tc, initiator_asks, 0, 2);
	tcase_add_test(tc, by_certreq);
	tcase_add_test(tc, expires_while_up);
	tcase_add_test(tc, reload_with_another_certificate);
	tcase_add_loop_test(tc, reload_without_the_ca, 0, 3);
	tcase_add_loop_test(tc, job_out_at_reload, 0, 2);
	tcase_add_test(tc, repeated_while_checked);
	tcase_add_test(tc, not_run);
	tcase_add_loop_test(tc, without_memory, 0, 60);
	suite_add_tcase(s, tc);
	return s;
}
