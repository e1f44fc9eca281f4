/* Paths that were verified before: what a second time spares, and all that is asked again each time. */
#include "tests/unit/lab_ca.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

suite_fn known_suite;

enum { KNOWN_MAX = 1024 };	/* as in known.c */

static const char *const fqdn[] = { "spoke1.example.net" };
static const uint8_t octets[] = "what is signed";
static struct lab_ca ca;
static struct lab_pair own;
static struct ike_trust *trust[2], *mine;
static uint8_t der[2][4096], sig[IKE_SIG_MAX];
static struct span cert[2];
static struct ike_proof p;
static struct ike_proved out;

static void
begin(void)
{
	struct ike_sign_as as = { IKE_SIGN_ANY, 1 << IKE_HASH_SHA256 };
	struct ike_issue w = lab_want(fqdn);
	char why[IKE_WHY_MAX] = "";

	lab_init(&ca, "CN=Root, O=Lab");
	own = lab_issue(&ca.root, &w);
	trust[0] = lab_trust(&ca.root, NULL);
	trust[1] = NULL;
	mine = lab_trust(NULL, &own);
	memset(&p, 0, sizeof(p));
	p = (struct ike_proof){ .trust = (const struct ike_trust *const *)trust, .n_trust = 1, .wall = LAB_NOW, .cert = cert, .n_cert = 1, .id_type = 2,
		.id = span_of(fqdn[0], strlen(fqdn[0])), .kinds = IKE_SIGN_ANY, .octets = SPAN_STR(octets) };
	cert[0] = span_of(der[0], lab_der(&own.cert, der[0], sizeof(der[0])));
	p.auth = span_of(sig, ike_sign(mine, &as, p.octets, &p.method, sig, why));
	ck_assert_msg(p.auth.n != 0, "%s", why);
}

static void
end(void)
{
	ike_chain_free(out.chain);
	out.chain = NULL;
	for (unsigned i = 0; i < 2; i++)
		ike_trust_put(trust[i]);
	ike_trust_put(mine);
	lab_free(&own);
	lab_fini(&ca);
}

static enum ike_cert_fault
prove(void)
{
	ike_chain_free(out.chain);
	return ike_proof_check(&p, &out);
}

/* Good, and verified now (false) or before (true). */
static void
good(bool known)
{
	ck_assert_msg(prove() == IKE_CERT_OK, "%s", out.why);
	ck_assert_int_eq(ike_chain_was_known(out.chain), known);
}

START_TEST(second_time)
{
	struct ike_cert_facts leaf;
	uint8_t anchor[32];
	int64_t until;

	good(false);
	leaf = out.leaf;
	until = out.until;
	memcpy(anchor, out.anchor, sizeof(anchor));
	good(true);
	ck_assert_mem_eq(&out.leaf, &leaf, sizeof(leaf));
	ck_assert_mem_eq(out.anchor, anchor, sizeof(anchor));
	ck_assert_int_eq(out.until, until);
	ck_assert_uint_eq(ike_chain_n(out.chain), 1);
	ck_assert_mem_eq(ike_chain_fingerprint(out.chain, 0), leaf.fingerprint, 32);
}
END_TEST

/* As the crypto workers do it: several at once with the same trustpoints, for one of whom now and then the path is revoked; and each signs.
 * (With a thread sanitizer this is where it would speak.) */
static void *
worker(void *arg)
{
	struct ike_sign_as as = { IKE_SIGN_ANY, 1 << IKE_HASH_SHA256 };
	bool forgets = arg != NULL;
	uint8_t mine_sig[IKE_SIG_MAX], method;
	char why[IKE_WHY_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < 40; i++) {
		struct ike_proved o;

		if (ike_proof_check(&p, &o) == IKE_CERT_OK && ike_sign(mine, &as, p.octets, &method, mine_sig, why))
			n++;
		if (forgets && o.chain && i % 4 == 0)
			ike_chain_forget(o.chain);
		ike_chain_free(o.chain);
	}
	return n == 40 ? arg ? arg : (void *)&p : NULL;
}

START_TEST(several_threads)
{
	enum { N = 6 };
	pthread_t th[N];

	for (unsigned i = 0; i < N; i++)
		ck_assert_int_eq(pthread_create(&th[i], NULL, worker, i == 0 ? &out : NULL), 0);
	for (unsigned i = 0; i < N; i++) {
		void *ok = NULL;

		pthread_join(th[i], &ok);
		ck_assert_ptr_nonnull(ok);
	}
	prove();
	good(true);
}
END_TEST

/* Of a bad proof nothing is remembered, and a good path excuses nothing. */
START_TEST(signature_and_identity_each_time)
{
	sig[p.auth.n - 1] ^= 1;
	ck_assert_int_eq(prove(), IKE_CERT_SIGNATURE);
	sig[p.auth.n - 1] ^= 1;
	good(false);
	sig[p.auth.n - 1] ^= 1;
	ck_assert_int_eq(prove(), IKE_CERT_SIGNATURE);
	sig[p.auth.n - 1] ^= 1;
	p.id = span_of("spoke2.example.net", 18);
	ck_assert_int_eq(prove(), IKE_CERT_IDENTITY);
	p.id = span_of(fqdn[0], 18);
	p.kinds = IKE_SIGN_RSA;
	ck_assert_int_eq(prove(), IKE_CERT_METHOD);
	p.kinds = IKE_SIGN_ANY;
	good(true);
}
END_TEST

START_TEST(dates)
{
	good(false);
	p.wall = LAB_NOW + 365 * LAB_DAY - 1;	/* its last second */
	good(true);
	p.wall++;
	ck_assert_int_eq(prove(), IKE_CERT_EXPIRED);
	p.wall = LAB_NOW - 2 * LAB_DAY;	/* somebody set the clock back */
	ck_assert_int_eq(prove(), IKE_CERT_NOT_YET);
	p.wall = LAB_NOW;
	good(true);
}
END_TEST

/* The anchor's time counts as well: here it ends before its certificate does. */
START_TEST(anchor_expires)
{
	struct ike_issue w = lab_want(NULL);
	struct lab_pair root;

	w.dn = "CN=Short";
	w.ca = true;
	w.to = LAB_NOW + 10 * LAB_DAY;
	root = lab_issue(NULL, &w);
	w = lab_want(fqdn);
	lab_free(&own);
	own = lab_issue(&root, &w);
	ike_trust_put(trust[0]);
	trust[0] = lab_trust(&root, NULL);
	lab_free(&root);
	cert[0].n = lab_der(&own.cert, der[0], sizeof(der[0]));
	ike_trust_put(mine);
	mine = lab_trust(NULL, &own);
	p.auth.n = ike_sign(mine, &(struct ike_sign_as){ IKE_SIGN_ANY, 1 << IKE_HASH_SHA256 }, p.octets, &p.method, sig, out.why);
	good(false);
	p.wall = LAB_NOW + 10 * LAB_DAY - 1;
	good(true);
	p.wall++;
	ck_assert_int_eq(prove(), IKE_CERT_EXPIRED);
}
END_TEST

/* Other octets are another path, and so are the same ones cut elsewhere. */
START_TEST(octets_as_they_came)
{
	good(false);
	der[0][cert[0].n / 2] ^= 0x10;
	ck_assert_int_ne(prove(), IKE_CERT_OK);
	der[0][cert[0].n / 2] ^= 0x10;
	memcpy(der[1], der[0], cert[0].n);
	cert[1] = span_of(der[1], cert[0].n);
	p.n_cert = 2;
	good(false);
	good(true);
	p.n_cert = 1;
	good(true);
	cert[0].n--;
	ck_assert_int_eq(prove(), IKE_CERT_SYNTAX);
}
END_TEST

/* CRL files are asked each time; a trustpoint that is given one begins anew, and the old one (a job may still have it) does not change. */
START_TEST(crl_file)
{
	struct ike_pem crl = lab_crl(&ca.root, &own, LAB_NOW - LAB_DAY, LAB_NOW + LAB_DAY);
	struct ike_trust *old = trust[0];
	char why[IKE_WHY_MAX] = "";

	good(false);
	trust[0] = lab_trust(&ca.root, NULL);
	ck_assert(ike_trust_add_crl(trust[0], lab_span(&crl), why) && ike_trust_complete(trust[0], why));
	ck_assert_int_eq(prove(), IKE_CERT_REVOKED);
	ck_assert_int_eq(prove(), IKE_CERT_REVOKED);
	ike_trust_put(trust[0]);
	trust[0] = old;
	good(true);
	ike_pem_free(&crl);
}
END_TEST

/* A CRL that arrives behind a path that is known, in the same trustpoint: it is looked at all the same. */
START_TEST(crl_behind_a_known_path)
{
	struct ike_pem crl = lab_crl(&ca.root, &own, LAB_NOW - LAB_DAY, LAB_NOW + LAB_DAY);
	char why[IKE_WHY_MAX] = "";

	good(false);
	good(true);
	ck_assert(ike_trust_add_crl(trust[0], lab_span(&crl), why));
	ck_assert_int_eq(prove(), IKE_CERT_REVOKED);
	ike_pem_free(&crl);
}
END_TEST

START_TEST(forgotten)
{
	good(false);
	good(true);
	ike_chain_forget(out.chain);
	good(false);
	good(true);
}
END_TEST

/* A reload: the CA is not trusted any more. What another trustpoint knows is nothing to this one. */
START_TEST(another_trustpoint)
{
	struct lab_ca other;

	lab_init(&other, "CN=Other");
	good(false);
	trust[1] = trust[0];
	trust[0] = lab_trust(&other.root, NULL);
	lab_fini(&other);
	ck_assert_int_eq(prove(), IKE_CERT_UNTRUSTED);
	p.n_trust = 2;
	good(true);
	ck_assert_uint_eq(out.trust, 1);
	ike_trust_put(trust[0]);	/* now the first one has a path too: it decides, and the second one's memory does not */
	trust[0] = lab_trust(&ca.root, NULL);
	good(false);
	ck_assert_uint_eq(out.trust, 0);
}
END_TEST

/* More paths than there is room for: the newest are there, none is mistaken for another. A second certificate, which the path does not
 * need, makes them different by two octets of its signature, at which nobody looks. */
START_TEST(bounded)
{
	struct ike_issue w = lab_want(fqdn);
	struct lab_pair other = lab_issue(&ca.root, &w);
	unsigned kept = 0;

	cert[1] = span_of(der[1], lab_der(&other.cert, der[1], sizeof(der[1])));
	lab_free(&other);
	p.n_cert = 2;
	for (unsigned i = 0; i < KNOWN_MAX + 64; i++) {
		put_be16(der[1] + cert[1].n - 2, (uint16_t)i);
		good(false);
	}
	for (unsigned i = KNOWN_MAX; i < KNOWN_MAX + 64; i++) {
		put_be16(der[1] + cert[1].n - 2, (uint16_t)i);
		ck_assert_int_eq(prove(), IKE_CERT_OK);
		kept += ike_chain_was_known(out.chain);
	}
	ck_assert_uint_ge(kept, 60);	/* five of them may be of one set of four */
}
END_TEST

Suite *
known_suite(void)
{
	Suite *s = suite_create("known");
	TCase *tc = tcase_create("known");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, second_time);
	tcase_add_test(tc, several_threads);
	tcase_add_test(tc, signature_and_identity_each_time);
	tcase_add_test(tc, dates);
	tcase_add_test(tc, anchor_expires);
	tcase_add_test(tc, octets_as_they_came);
	tcase_add_test(tc, crl_file);
	tcase_add_test(tc, crl_behind_a_known_path);
	tcase_add_test(tc, forgotten);
	tcase_add_test(tc, another_trustpoint);
	tcase_add_test(tc, bounded);
	suite_add_tcase(s, tc);
	return s;
}
