/* Trustpoints: what loads, and what is said of what does not. */
#include "tests/unit/lab_ca.h"

#include <openssl/pem.h>
#include <string.h>

suite_fn trust_suite;

static const char *const fqdn[] = { "hub.example.net" };
static struct lab_ca ca;
static struct lab_pair own;
static struct ike_trust *t;
static char why[IKE_WHY_MAX];

static void
begin(void)
{
	struct ike_trust_conf conf = { .name = "LAB" };
	struct ike_issue w = lab_want(fqdn);

	lab_init(&ca, "CN=Root");
	own = lab_issue(&ca.root, &w);
	t = ike_trust_new(&conf);
	why[0] = '\0';
}

static void
end(void)
{
	ike_trust_put(t);
	lab_free(&own);
	lab_fini(&ca);
}

static struct ike_pem
sealed(const struct ike_pem *key, const char *pass)
{
	BIO *in = BIO_new_mem_buf(key->p, (int)key->n), *b = BIO_new(BIO_s_mem());
	EVP_PKEY *k = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
	struct ike_pem o;
	char *p;
	long n;

	ck_assert_int_eq(PEM_write_bio_PKCS8PrivateKey(b, k, EVP_aes_256_cbc(), pass, (int)strlen(pass), NULL, NULL), 1);
	n = BIO_get_mem_data(b, &p);
	o = (struct ike_pem){ malloc((size_t)n + 1), (size_t)n };
	memcpy(o.p, p, o.n);
	EVP_PKEY_free(k);
	BIO_free(in);
	BIO_free(b);
	return o;
}

static void
refused(bool ok, const char *text)
{
	ck_assert(!ok);
	ck_assert_str_eq(why, text);
}

START_TEST(whole)
{
	struct ike_cert_facts f;
	uint8_t der[4096], dn[256];
	size_t n = lab_der(&own.cert, der, sizeof(der));
	struct ike_trust *same = lab_trust(&ca.root, &own), *more = lab_trust(&ca.root, NULL);

	ck_assert(ike_trust_add_ca(t, lab_span(&ca.root.cert), why) && ike_trust_add_own(t, span_of(der, n), why));	/* DER too */
	ck_assert(ike_trust_set_key(t, lab_span(&own.key), span_of("", 0), why) && ike_trust_complete(t, why));
	ck_assert(ike_trust_has_key(t) && ike_trust_n_own(t) == 1 && ike_trust_n_ca(t) == 1);
	ck_assert(span_eq(ike_trust_own(t, 0), span_of(der, n)));
	ck_assert(ike_trust_own_facts(t, 0, &f) && !ike_trust_own_facts(t, 1, &f) && ike_trust_ca_facts(t, 0, &f) && !ike_trust_ca_facts(t, 1, &f));
	ck_assert_uint_eq(ike_trust_own_kind(t), IKE_SIGN_ECDSA);
	ck_assert(ike_trust_own_has_id(t, 2, span_of(fqdn[0], strlen(fqdn[0])), why));
	ck_assert(!ike_trust_own_has_id(t, 2, span_of("spoke1", 6), why));
	ck_assert_str_eq(why, "its certificate is for dn CN=hub.example.net, fqdn hub.example.net");
	ck_assert_uint_eq(ike_trust_own_dn(t, dn, 3), 0);
	ck_assert_uint_ne(ike_trust_own_dn(t, dn, sizeof(dn)), 0);
	ck_assert(ike_trust_was_issued_by(t, ike_trust_ca_hash(t, 0)));
	ck_assert(ike_trust_eq(t, same) && !ike_trust_eq(t, more));
	ike_trust_put(same);
	ike_trust_put(more);
}
END_TEST

START_TEST(certreq_of_others)
{
	struct lab_ca other;
	struct ike_trust *o;

	lab_init(&other, "CN=Other");
	o = lab_trust(&other.root, NULL);
	ck_assert(ike_trust_add_ca(t, lab_span(&ca.root.cert), why) && ike_trust_add_ca(t, lab_span(&other.root.cert), why));
	ck_assert(ike_trust_add_own(t, lab_span(&own.cert), why) && ike_trust_set_key(t, lab_span(&own.key), span_of("", 0), why) && ike_trust_complete(t, why));
	ck_assert(!ike_trust_was_issued_by(t, ike_trust_ca_hash(o, 0)));	/* trusted, but not whom ours is from */
	ike_trust_put(o);
	lab_fini(&other);
}
END_TEST

START_TEST(own_dates)
{
	struct ike_trust *mine = lab_trust(&ca.root, &own);

	ck_assert_int_eq(ike_trust_own_fault(mine, LAB_NOW, why), IKE_CERT_OK);
	ck_assert_int_eq(ike_trust_own_fault(mine, LAB_NOW + 366 * LAB_DAY, why), IKE_CERT_EXPIRED);
	ck_assert_str_eq(why, "our certificate of trustpoint LAB expired at 2027-01-01 00:00:00 UTC");
	ck_assert_int_eq(ike_trust_own_fault(mine, LAB_NOW - 2 * LAB_DAY, why), IKE_CERT_NOT_YET);
	ck_assert_str_eq(why, "our certificate of trustpoint LAB is not valid before 2025-12-31 00:00:00 UTC");
	ike_trust_put(mine);
}
END_TEST

START_TEST(passphrases)
{
	struct ike_pem key = sealed(&own.key, "open sesame");

	refused(ike_trust_set_key(t, lab_span(&key), span_of("", 0), why), "the key in it is encrypted: \"password file\" is missing");
	refused(ike_trust_set_key(t, lab_span(&key), span_of("wrong", 5), why), "wrong passphrase for the key in it");
	ck_assert(ike_trust_set_key(t, lab_span(&key), span_of("open sesame", 11), why));
	ck_assert(ike_trust_has_key(t));
	ike_pem_free(&key);
}
END_TEST

START_TEST(pkcs12)
{
	struct ike_pem p;

	ck_assert(ike_issue_pkcs12(&own.cert, &own.key, &ca.root.cert, "open sesame", &p, why));
	refused(ike_trust_set_pkcs12(t, lab_span(&p), span_of("", 0), why), "it is encrypted: \"password file\" is missing");
	refused(ike_trust_set_pkcs12(t, lab_span(&p), span_of("wrong", 5), why), "wrong passphrase for it");
	refused(ike_trust_set_pkcs12(t, span_of("nonsense", 8), span_of("", 0), why), "not a PKCS#12 file");
	ck_assert(ike_trust_set_pkcs12(t, lab_span(&p), span_of("open sesame", 11), why));
	ck_assert(ike_trust_complete(t, why) && ike_trust_has_key(t) && ike_trust_n_own(t) == 1 && ike_trust_n_ca(t) == 1);
	ike_pem_free(&p);
}
END_TEST

START_TEST(does_not_fit)
{
	struct ike_issue w = lab_want(fqdn);
	struct lab_pair other = lab_issue(&ca.root, &w);

	ck_assert(ike_trust_add_own(t, lab_span(&own.cert), why));
	refused(ike_trust_complete(t, why), "a certificate, but no key");
	ck_assert(ike_trust_set_key(t, lab_span(&other.key), span_of("", 0), why));
	refused(ike_trust_complete(t, why), "the key does not fit the certificate");
	lab_free(&other);
}
END_TEST

START_TEST(no_ca)
{
	struct lab_pair weak;
	struct ike_issue w = { .dn = "CN=Weak", .ca = true, .key = "rsa-1024", .from = LAB_NOW, .to = LAB_NOW + LAB_DAY };

	refused(ike_trust_add_ca(t, lab_span(&own.cert), why),
	    "CN=hub.example.net is not a CA (basic constraints do not say CA, or key usage forbids signing certificates)");
	refused(ike_trust_add_ca(t, span_of("", 0), why), "a certificate in it cannot be read");
	refused(ike_trust_add_ca(t, lab_span(&own.key), why), "there is no certificate in it");
	weak = lab_issue(NULL, &w);
	refused(ike_trust_add_ca(t, lab_span(&weak.cert), why), "CA CN=Weak: its RSA key has 1024 bits, 2048 to 8192 are taken");
	lab_free(&weak);
	ck_assert(!ike_trust_set_key(t, lab_span(&own.cert), span_of("", 0), why));
	ck_assert_str_eq(why, "there is no private key in it that can be read");
}
END_TEST

/* Cut anywhere a file is refused or is what it was, and never more. */
START_TEST(cut)
{
	struct ike_trust_conf conf = { .name = "CUT" };

	for (size_t n = 0; n < own.cert.n; n += 5) {
		struct ike_trust *x = ike_trust_new(&conf);

		if (ike_trust_add_own(x, span_of(own.cert.p, n), why))
			ck_assert_uint_eq(ike_trust_n_own(x), 1);
		ike_trust_set_key(x, span_of(own.key.p, n < own.key.n ? n : own.key.n), span_of("", 0), why);
		ike_trust_add_crl(x, span_of(own.cert.p, n), why);
		ike_trust_put(x);
	}
}
END_TEST

START_TEST(crls)
{
	struct ike_pem crl = lab_crl(&ca.root, &own, LAB_NOW, LAB_NOW + LAB_DAY), strange;
	struct lab_ca other;
	uint8_t der[4096];
	size_t n = lab_der(&own.cert, der, sizeof(der));

	lab_init(&other, "CN=Other");
	strange = lab_crl(&other.root, NULL, LAB_NOW, LAB_NOW + LAB_DAY);
	ck_assert(ike_trust_add_ca(t, lab_span(&ca.root.cert), why) && ike_trust_add_crl(t, lab_span(&crl), why) && ike_trust_complete(t, why));
	ck_assert(ike_trust_revokes(t, span_of(der, n), why));
	ck_assert_str_eq(why, "certificate CN=hub.example.net was revoked at 2025-12-31 12:00:00 UTC");
	ck_assert(!ike_trust_revokes(t, span_of(der, n - 1), why));
	ck_assert(ike_trust_add_crl(t, lab_span(&strange), why));
	refused(ike_trust_complete(t, why), "the CRL of CN=Other is not signed by a CA of this trustpoint");
	refused(ike_trust_add_crl(t, lab_span(&own.cert), why), "there is no CRL in it that can be read");
	ike_pem_free(&crl);
	ike_pem_free(&strange);
	lab_fini(&other);
}
END_TEST

Suite *
trust_suite(void)
{
	Suite *s = suite_create("trust");
	TCase *tc = tcase_create("trust");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, whole);
	tcase_add_test(tc, certreq_of_others);
	tcase_add_test(tc, own_dates);
	tcase_add_test(tc, passphrases);
	tcase_add_test(tc, pkcs12);
	tcase_add_test(tc, does_not_fit);
	tcase_add_test(tc, no_ca);
	tcase_add_test(tc, cut);
	tcase_add_test(tc, crls);
	suite_add_tcase(s, tc);
	return s;
}
