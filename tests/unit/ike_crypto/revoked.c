/* Answers about revocation: believed when they are signed, about this certificate, and of today. OCSP answers are made here
 * with OpenSSL, as a responder would. */
#include "ikecore/crypto/cert_priv.h"
#include "tests/unit/lab_ca.h"

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <string.h>

suite_fn revoked_suite;

static const char *const fqdn[] = { "spoke1.example.net" };
static const uint8_t octets[] = "x";
static struct lab_ca ca, other;
static struct lab_pair own, responder;
static struct ike_trust *mine;
static struct ike_proved out;
static char why[IKE_WHY_MAX];
static int64_t until;

static void
begin(void)
{
	struct ike_sign_as as = { IKE_SIGN_ANY, 1 << IKE_HASH_SHA256 };
	struct ike_issue w = lab_want(fqdn), r = lab_want(NULL);
	static uint8_t der[4096], sig[IKE_SIG_MAX];
	struct ike_proof p = { .wall = LAB_NOW, .id_type = 2, .kinds = IKE_SIGN_ANY, .n_trust = 1, .n_cert = 1 };
	struct span cert;

	lab_init(&ca, "CN=Root");
	lab_init(&other, "CN=Root");
	w.crl_url = "http://ca.example.net/crl.pem";
	w.ocsp_url = "http://ca.example.net/ocsp";
	own = lab_issue(&ca.root, &w);
	r.dn = "CN=OCSP";
	r.ocsp_signing = true;
	responder = lab_issue(&ca.root, &r);
	mine = lab_trust(&ca.root, &own);
	cert = span_of(der, lab_der(&own.cert, der, sizeof(der)));
	p.trust = (const struct ike_trust *const *)&mine;
	p.cert = &cert;
	p.id = span_of(fqdn[0], strlen(fqdn[0]));
	p.octets = SPAN_STR(octets);
	p.auth = span_of(sig, ike_sign(mine, &as, p.octets, &p.method, sig, why));
	ck_assert_int_eq(ike_proof_check(&p, &out), IKE_CERT_OK);
}

static void
end(void)
{
	ike_chain_free(out.chain);
	ike_trust_put(mine);
	lab_free(&own);
	lab_free(&responder);
	lab_fini(&ca);
	lab_fini(&other);
}

START_TEST(where)
{
	char url[IKE_URLS_MAX][IKE_URL_MAX];

	ck_assert_uint_eq(ike_chain_urls(out.chain, 0, IKE_REV_CRL, url), 1);
	ck_assert_str_eq(url[0], "http://ca.example.net/crl.pem");
	ck_assert_uint_eq(ike_chain_urls(out.chain, 0, IKE_REV_OCSP, url), 1);
	ck_assert_str_eq(url[0], "http://ca.example.net/ocsp");
	ck_assert_uint_eq(ike_chain_urls(out.chain, 0, IKE_REV_NONE, url), 0);
}
END_TEST

static const char *const bad_urls[] = { "https://ca.example.net/", "ldap://x/", "file:///etc/passwd", "gopher://x/" };

START_TEST(where_not)
{
	struct ike_issue w = lab_want(fqdn);
	char url[IKE_URLS_MAX][IKE_URL_MAX];
	struct lab_pair p;
	struct ike_chain c = { .trust = mine, .cert = sk_X509_new_null() };
	uint8_t der[4096];

	w.crl_url = bad_urls[_i];
	p = lab_issue(&ca.root, &w);
	sk_X509_push(c.cert, cert_read(span_of(der, lab_der(&p.cert, der, sizeof(der)))));
	ck_assert_uint_eq(ike_chain_urls(&c, 0, IKE_REV_CRL, url), 0);
	sk_X509_pop_free(c.cert, X509_free);
	lab_free(&p);
}
END_TEST

static enum ike_status
crl(const struct lab_ca *by, const struct lab_pair *names, int64_t from, int64_t to)
{
	struct ike_pem c = lab_crl(&by->root, names, from, to);
	enum ike_status st = ike_chain_crl_answer(out.chain, 0, lab_span(&c), LAB_NOW, &until, why);
	uint8_t der[4096];

	ck_assert_int_eq(ike_chain_crl_answer(out.chain, 0, span_of(der, lab_der(&c, der, sizeof(der))), LAB_NOW, &until, why), st);	/* DER is the same */
	ike_pem_free(&c);
	return st;
}

START_TEST(crl_answers)
{
	ck_assert_int_eq(crl(&ca, NULL, LAB_NOW - 60, LAB_NOW + 7200), IKE_STATUS_GOOD);
	ck_assert_int_eq(until, LAB_NOW + 7200);
	ck_assert_int_eq(crl(&ca, &own, LAB_NOW - 60, LAB_NOW + 100 * LAB_DAY), IKE_STATUS_REVOKED);
	ck_assert_int_eq(until, LAB_NOW + LAB_DAY);	/* not kept for longer */
	ck_assert_str_eq(why, "certificate CN=spoke1.example.net was revoked at 2025-12-31 12:00:00 UTC");
	ck_assert_int_eq(crl(&ca, NULL, LAB_NOW - LAB_DAY, LAB_NOW - 1), IKE_STATUS_UNKNOWN);
	ck_assert_str_eq(why, "the CRL was to be replaced by 2025-12-31 23:59:59 UTC");
	ck_assert_int_eq(crl(&ca, &own, LAB_NOW - LAB_DAY, LAB_NOW - 1), IKE_STATUS_REVOKED);	/* once revoked, always */
	ck_assert_int_eq(crl(&other, NULL, LAB_NOW - 60, LAB_NOW + 7200), IKE_STATUS_UNKNOWN);	/* of the same name */
	ck_assert_str_eq(why, "the CRL is not signed by the CA that issued the certificate");
	ck_assert_int_eq(ike_chain_crl_answer(out.chain, 0, SPAN_STR("<html>"), LAB_NOW, &until, why), IKE_STATUS_UNKNOWN);
	ck_assert_str_eq(why, "the CRL cannot be read");
}
END_TEST

/* ---- OCSP */
struct ocsp_want {
	int status;
	const struct lab_pair *signer;
	const struct ike_pem *about;
	int64_t from, to;
};

static size_t
ocsp(const struct ocsp_want *w, uint8_t *to, size_t max)
{
	BIO *b[4] = { BIO_new_mem_buf(w->signer->cert.p, -1), BIO_new_mem_buf(w->signer->key.p, -1), BIO_new_mem_buf(w->about->p, -1),
		BIO_new_mem_buf(ca.root.cert.p, -1) };
	X509 *signer = PEM_read_bio_X509(b[0], NULL, NULL, NULL), *x = PEM_read_bio_X509(b[2], NULL, NULL, NULL), *root = PEM_read_bio_X509(b[3], NULL, NULL, NULL);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(b[1], NULL, NULL, NULL);
	ASN1_TIME *from = ASN1_TIME_adj(NULL, (time_t)w->from, 0, 0), *till = ASN1_TIME_adj(NULL, (time_t)w->to, 0, 0);
	ASN1_GENERALIZEDTIME *a = ASN1_TIME_to_generalizedtime(from, NULL), *z = ASN1_TIME_to_generalizedtime(till, NULL);
	OCSP_BASICRESP *br = OCSP_BASICRESP_new();
	OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), x, root);
	OCSP_RESPONSE *r;
	unsigned char *der = NULL;
	int n;

	ck_assert_ptr_nonnull(OCSP_basic_add1_status(br, id, w->status, 0, from, from, till));
	ck_assert_int_eq(OCSP_basic_sign(br, signer, key, EVP_sha256(), NULL, 0), 1);
	r = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, br);
	n = i2d_OCSP_RESPONSE(r, &der);
	ck_assert(n > 0 && (size_t)n <= max);
	memcpy(to, der, (size_t)n);
	OPENSSL_free(der);
	OCSP_RESPONSE_free(r);
	OCSP_BASICRESP_free(br);
	OCSP_CERTID_free(id);
	ASN1_TIME_free(from);
	ASN1_TIME_free(till);
	ASN1_GENERALIZEDTIME_free(a);
	ASN1_GENERALIZEDTIME_free(z);
	X509_free(signer);
	X509_free(x);
	X509_free(root);
	EVP_PKEY_free(key);
	for (int i = 0; i < 4; i++)
		BIO_free(b[i]);
	return (size_t)n;
}

static enum ike_status
ask(const struct ocsp_want *w)
{
	uint8_t der[8192];
	size_t n = ocsp(w, der, sizeof(der));

	why[0] = '\0';
	return ike_chain_ocsp_answer(out.chain, 0, span_of(der, n), LAB_NOW, &until, why);
}

START_TEST(ocsp_answers)
{
	struct ocsp_want w = { V_OCSP_CERTSTATUS_GOOD, &responder, &own.cert, LAB_NOW - 60, LAB_NOW + 3600 };

	ck_assert_msg(ask(&w) == IKE_STATUS_GOOD, "%s", why);
	ck_assert_int_eq(until, LAB_NOW + 3600);
	w.signer = &ca.root;
	ck_assert_int_eq(ask(&w), IKE_STATUS_GOOD);
	w.status = V_OCSP_CERTSTATUS_REVOKED;
	ck_assert_int_eq(ask(&w), IKE_STATUS_REVOKED);
	ck_assert_str_eq(why, "certificate CN=spoke1.example.net was revoked at 2025-12-31 23:59:00 UTC (OCSP)");
	w.status = V_OCSP_CERTSTATUS_UNKNOWN;
	ck_assert_int_eq(ask(&w), IKE_STATUS_UNKNOWN);
	ck_assert_str_eq(why, "the OCSP responder does not know the certificate");
}
END_TEST

START_TEST(ocsp_not_believed)
{
	struct ocsp_want w = { V_OCSP_CERTSTATUS_GOOD, &other.root, &own.cert, LAB_NOW - 60, LAB_NOW + 3600 };

	ck_assert_int_eq(ask(&w), IKE_STATUS_UNKNOWN);
	ck_assert_str_eq(why, "the OCSP answer is not signed by the CA, nor by whom it made its responder");
	w.signer = &own;	/* has a certificate of that CA, but not to answer with */
	ck_assert_int_eq(ask(&w), IKE_STATUS_UNKNOWN);
	w.signer = &responder;
	w.about = &responder.cert;
	ck_assert_int_eq(ask(&w), IKE_STATUS_UNKNOWN);
	ck_assert_str_eq(why, "the OCSP answer is about another certificate");
	w.about = &own.cert;
	w.from = LAB_NOW - 7200;
	w.to = LAB_NOW - 3600;
	ck_assert_int_eq(ask(&w), IKE_STATUS_UNKNOWN);
	ck_assert_str_eq(why, "the OCSP answer is out of date");
	w.from = LAB_NOW + 3600;
	w.to = LAB_NOW + 7200;
	ck_assert_int_eq(ask(&w), IKE_STATUS_UNKNOWN);
	ck_assert_int_eq(ike_chain_ocsp_answer(out.chain, 0, SPAN_STR("<html>"), LAB_NOW, &until, why), IKE_STATUS_UNKNOWN);
	ck_assert_str_eq(why, "the OCSP answer cannot be read");
}
END_TEST

START_TEST(ocsp_octets)
{
	struct ocsp_want w = { V_OCSP_CERTSTATUS_REVOKED, &responder, &own.cert, LAB_NOW - 60, LAB_NOW + 3600 };
	uint8_t der[8192], req[512];
	size_t n = ocsp(&w, der, sizeof(der));

	for (size_t i = 0; i < n; i += 3)
		ck_assert_int_eq(ike_chain_ocsp_answer(out.chain, 0, span_of(der, i), LAB_NOW, &until, why), IKE_STATUS_UNKNOWN);
	ck_assert_uint_ne(ike_chain_ocsp_request(out.chain, 0, req, sizeof(req)), 0);
	ck_assert_uint_eq(ike_chain_ocsp_request(out.chain, 0, req, 10), 0);
}
END_TEST

Suite *
revoked_suite(void)
{
	Suite *s = suite_create("revoked");
	TCase *tc = tcase_create("revoked");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, where);
	tcase_add_loop_test(tc, where_not, 0, 4);
	tcase_add_test(tc, crl_answers);
	tcase_add_test(tc, ocsp_answers);
	tcase_add_test(tc, ocsp_not_believed);
	tcase_add_test(tc, ocsp_octets);
	suite_add_tcase(s, tc);
	return s;
}
