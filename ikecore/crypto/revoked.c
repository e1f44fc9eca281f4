/* ikecore/crypto/revoked.c: is a certificate of a chain revoked? By CRLs that came as files with the trustpoint, by CRLs that
 * somebody fetched, by OCSP answers (RFC 6960). Who fetches is not this module's business; whatever is brought is believed only
 * when the issuer signed it (or, for OCSP, a responder that the issuer certified for that), it is about this certificate, and its
 * time is right. */
#include "ikecore/crypto/cert_priv.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { CLOCK_SLACK_S = 300, KEEP_MAX_S = 86400, KEEP_MIN_S = 60 };

const struct ike_trust *
ike_chain_trust(const struct ike_chain *c)
{
	return c->trust;
}

/* A chain that is its own anchor has nobody to be asked about it. */
unsigned
ike_chain_n(const struct ike_chain *c)
{
	return (unsigned)sk_X509_num(c->cert) - 1;
}

const uint8_t *
ike_chain_fingerprint(const struct ike_chain *c, unsigned i)
{
	return c->fingerprint[i];
}

void
ike_chain_name(const struct ike_chain *c, unsigned i, char *out, size_t n)
{
	cert_name_fmt(X509_get_subject_name(sk_X509_value(c->cert, (int)i)), out, n);
}

/* ---- CRLs */

bool
crl_revokes(X509_CRL *crl, X509 *x, char *why)
{
	char subject[IKE_CERT_TEXT_MAX], date[IKE_DATE_MAX];
	X509_REVOKED *r = NULL;

	if (X509_CRL_get0_by_cert(crl, &r, x) != 1)	/* 2: on hold, then taken back */
		return false;
	cert_name_fmt(X509_get_subject_name(x), subject, sizeof(subject));
	snprintf(why, IKE_WHY_MAX, "certificate %.150s was revoked at %s", subject,
	    ike_date_fmt(cert_time(X509_REVOKED_get0_revocationDate(r)), date));
	return true;
}

/* The newest CRL file of its issuer; NULL: none. */
X509_CRL *
trust_crl_for(const struct ike_trust *t, X509 *x)
{
	X509_CRL *best = NULL;

	for (int i = 0; i < sk_X509_CRL_num(t->crl); i++) {
		X509_CRL *c = sk_X509_CRL_value(t->crl, i);

		if (X509_NAME_cmp(X509_CRL_get_issuer(c), X509_get_issuer_name(x)) == 0 &&
		    (!best || cert_time(X509_CRL_get0_lastUpdate(c)) > cert_time(X509_CRL_get0_lastUpdate(best))))
			best = c;
	}
	return best;
}

static bool
crl_is_current(X509_CRL *c, int64_t wall)
{
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(c);

	return cert_time(X509_CRL_get0_lastUpdate(c)) <= wall + CLOCK_SLACK_S && (!next || wall <= cert_time(next));
}

/* A CRL that is given counts whatever revocation-check says, for what it revokes; that it does not name a certificate means
 * something only while it is current. */
enum ike_cert_fault
trust_crls_check(const struct ike_trust *t, X509 *x, int64_t wall, char *why)
{
	X509_CRL *c = trust_crl_for(t, x);

	(void)wall;
	return c && crl_revokes(c, x, why) ? IKE_CERT_REVOKED : IKE_CERT_OK;
}

bool
ike_trust_revokes(const struct ike_trust *t, struct span leaf, char *why)
{
	X509 *x = cert_read(leaf);
	X509_CRL *c = x ? trust_crl_for(t, x) : NULL;
	bool yes = c && crl_revokes(c, x, why);

	X509_free(x);
	ERR_clear_error();
	return yes;
}

bool
ike_chain_known_good(const struct ike_chain *c, unsigned i, int64_t wall)
{
	X509_CRL *crl = trust_crl_for(c->trust, sk_X509_value(c->cert, (int)i));

	return crl && crl_is_current(crl, wall);
}

static X509_CRL *
crl_read(struct span in)
{
	const unsigned char *p = in.p;
	X509_CRL *c = in.n && in.n <= IKE_CRL_MAX ? d2i_X509_CRL(NULL, &p, (long)in.n) : NULL;
	BIO *b;

	if (c && p == in.p + in.n)
		return c;
	X509_CRL_free(c);
	b = in.n <= IKE_CRL_MAX ? BIO_new_mem_buf(in.p, (int)in.n) : NULL;
	c = b ? PEM_read_bio_X509_CRL(b, NULL, NULL, NULL) : NULL;
	BIO_free(b);
	ERR_clear_error();
	return c;
}

static int64_t
keep_until(int64_t next, int64_t wall)
{
	int64_t most = wall + KEEP_MAX_S, least = wall + KEEP_MIN_S;

	next = next > most ? most : next;
	return next < least ? least : next;
}

enum ike_status
ike_chain_crl_answer(const struct ike_chain *c, unsigned i, struct span der, int64_t wall, int64_t *until, char *why)
{
	X509 *x = sk_X509_value(c->cert, (int)i), *issuer = sk_X509_value(c->cert, (int)i + 1);
	X509_CRL *crl = crl_read(der);
	enum ike_status st = IKE_STATUS_UNKNOWN;
	const ASN1_TIME *next = crl ? X509_CRL_get0_nextUpdate(crl) : NULL;
	char date[IKE_DATE_MAX];

	*until = wall + KEEP_MIN_S;
	if (!crl)
		snprintf(why, IKE_WHY_MAX, "the CRL cannot be read");
	else if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)) != 0 || X509_CRL_verify(crl, X509_get0_pubkey(issuer)) != 1)
		snprintf(why, IKE_WHY_MAX, "the CRL is not signed by the CA that issued the certificate");
	else if (crl_revokes(crl, x, why))
		st = IKE_STATUS_REVOKED;
	else if (!crl_is_current(crl, wall))
		snprintf(why, IKE_WHY_MAX, "the CRL was to be replaced by %s", next ? ike_date_fmt(cert_time(next), date) : "a later one");
	else
		st = IKE_STATUS_GOOD;
	if (st != IKE_STATUS_UNKNOWN)
		*until = keep_until(next ? cert_time(next) : wall + KEEP_MAX_S, wall);
	X509_CRL_free(crl);
	ERR_clear_error();
	return st;
}

/* ---- where to ask */

static unsigned
add_url(const char *url, size_t len, char out[static IKE_URLS_MAX][IKE_URL_MAX], unsigned n)
{
	if (n == IKE_URLS_MAX || len >= IKE_URL_MAX || len < 8 || memchr(url, 0, len) || strncasecmp(url, "http://", 7) != 0)
		return n;	/* https would need what it is asked about; ldap is not spoken */
	for (size_t i = 0; i < len; i++) {
		if (url[i] <= ' ' || url[i] > '~')
			return n;
	}
	memcpy(out[n], url, len);
	out[n][len] = '\0';
	return n + 1;
}

static unsigned
crl_urls(X509 *x, char out[static IKE_URLS_MAX][IKE_URL_MAX])
{
	CRL_DIST_POINTS *points = X509_get_ext_d2i(x, NID_crl_distribution_points, NULL, NULL);
	unsigned n = 0;

	for (int i = 0; points && i < sk_DIST_POINT_num(points); i++) {
		const DIST_POINT *d = sk_DIST_POINT_value(points, i);
		const GENERAL_NAMES *names = d->distpoint && d->distpoint->type == 0 ? d->distpoint->name.fullname : NULL;

		for (int k = 0; names && k < sk_GENERAL_NAME_num(names); k++) {
			const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, k);

			if (g->type == GEN_URI)
				n = add_url((const char *)ASN1_STRING_get0_data(g->d.uniformResourceIdentifier),
				    (size_t)ASN1_STRING_length(g->d.uniformResourceIdentifier), out, n);
		}
	}
	CRL_DIST_POINTS_free(points);
	return n;
}

static unsigned
ocsp_urls(X509 *x, char out[static IKE_URLS_MAX][IKE_URL_MAX])
{
	STACK_OF(OPENSSL_STRING) *urls = X509_get1_ocsp(x);
	unsigned n = 0;

	for (int i = 0; urls && i < sk_OPENSSL_STRING_num(urls); i++) {
		const char *s = sk_OPENSSL_STRING_value(urls, i);

		n = add_url(s, strlen(s), out, n);
	}
	X509_email_free(urls);
	return n;
}

unsigned
ike_chain_urls(const struct ike_chain *c, unsigned i, enum ike_revocation method, char out[static IKE_URLS_MAX][IKE_URL_MAX])
{
	X509 *x = sk_X509_value(c->cert, (int)i);
	const char *fixed = method == IKE_REV_CRL ? c->trust->conf.crl_url : c->trust->conf.ocsp_url;
	unsigned n = 0;

	if (fixed)
		return add_url(fixed, strlen(fixed), out, 0);
	if (method != IKE_REV_NONE)
		n = method == IKE_REV_CRL ? crl_urls(x, out) : ocsp_urls(x, out);
	ERR_clear_error();
	return n;
}

/* ---- OCSP */

static OCSP_CERTID *
ocsp_id(const struct ike_chain *c, unsigned i)
{
	return OCSP_cert_to_id(EVP_sha1(), sk_X509_value(c->cert, (int)i), sk_X509_value(c->cert, (int)i + 1));
}

size_t
ike_chain_ocsp_request(const struct ike_chain *c, unsigned i, uint8_t *out, size_t max)
{
	OCSP_REQUEST *r = OCSP_REQUEST_new();
	OCSP_CERTID *id = r ? ocsp_id(c, i) : NULL;
	unsigned char *der = NULL;
	int n = 0;

	if (id && OCSP_request_add0_id(r, id))
		n = i2d_OCSP_REQUEST(r, &der);
	else
		OCSP_CERTID_free(id);
	if (n > 0 && (size_t)n <= max)
		memcpy(out, der, (size_t)n);
	else
		n = 0;
	OPENSSL_free(der);
	OCSP_REQUEST_free(r);
	ERR_clear_error();
	return (size_t)n;
}

/* Signed by the issuer, or by whom it certified for OCSP; the store is the trustpoint's, the time the caller's. */
static bool
ocsp_signed(const struct ike_chain *c, unsigned i, OCSP_BASICRESP *b, int64_t wall)
{
	X509_STORE *store = X509_STORE_new();
	STACK_OF(X509) *helpers = sk_X509_new_null();
	X509_VERIFY_PARAM *param = store ? X509_STORE_get0_param(store) : NULL;
	X509 *issuer = sk_X509_value(c->cert, (int)i + 1);
	bool ok = store && helpers && X509_STORE_add_cert(store, issuer) == 1 && sk_X509_push(helpers, issuer) > 0;

	if (ok) {
		X509_VERIFY_PARAM_set_time(param, (time_t)wall);
		X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
		X509_VERIFY_PARAM_set_auth_level(param, 2);
		ok = OCSP_basic_verify(b, helpers, store, 0) == 1;
	}
	sk_X509_free(helpers);
	X509_STORE_free(store);
	return ok;
}

static void
say_revoked(const struct ike_chain *c, unsigned i, const ASN1_GENERALIZEDTIME *when, char *why)
{
	char subject[IKE_CERT_TEXT_MAX], date[IKE_DATE_MAX];

	ike_chain_name(c, i, subject, sizeof(subject));
	snprintf(why, IKE_WHY_MAX, "certificate %.140s was revoked at %s (OCSP)", subject, ike_date_fmt(cert_time(when), date));
}

static enum ike_status
ocsp_status(const struct ike_chain *c, unsigned i, OCSP_BASICRESP *b, int64_t wall, int64_t *until, char *why)
{
	ASN1_GENERALIZEDTIME *when = NULL, *this_up = NULL, *next = NULL;
	OCSP_CERTID *id = ocsp_id(c, i);
	int status = -1, reason;
	bool found = id && OCSP_resp_find_status(b, id, &status, &reason, &when, &this_up, &next) == 1;

	OCSP_CERTID_free(id);
	if (!found) {
		snprintf(why, IKE_WHY_MAX, "the OCSP answer is about another certificate");
		return IKE_STATUS_UNKNOWN;
	}
	if (cert_time(this_up) > wall + CLOCK_SLACK_S || (next && wall > cert_time(next) + CLOCK_SLACK_S)) {
		snprintf(why, IKE_WHY_MAX, "the OCSP answer is out of date");
		return IKE_STATUS_UNKNOWN;
	}
	*until = keep_until(next ? cert_time(next) : wall + KEEP_MIN_S, wall);
	if (status == V_OCSP_CERTSTATUS_GOOD)
		return IKE_STATUS_GOOD;
	if (status == V_OCSP_CERTSTATUS_REVOKED) {
		say_revoked(c, i, when, why);
		return IKE_STATUS_REVOKED;
	}
	snprintf(why, IKE_WHY_MAX, "the OCSP responder does not know the certificate");
	return IKE_STATUS_UNKNOWN;
}

enum ike_status
ike_chain_ocsp_answer(const struct ike_chain *c, unsigned i, struct span der, int64_t wall, int64_t *until, char *why)
{
	const unsigned char *p = der.p;
	OCSP_RESPONSE *r = der.n && der.n <= IKE_FILE_MAX ? d2i_OCSP_RESPONSE(NULL, &p, (long)der.n) : NULL;
	OCSP_BASICRESP *b = NULL;
	enum ike_status st = IKE_STATUS_UNKNOWN;

	*until = wall + KEEP_MIN_S;
	if (!r || p != der.p + der.n)
		snprintf(why, IKE_WHY_MAX, "the OCSP answer cannot be read");
	else if (OCSP_response_status(r) != OCSP_RESPONSE_STATUS_SUCCESSFUL || !(b = OCSP_response_get1_basic(r)))
		snprintf(why, IKE_WHY_MAX, "the OCSP responder answers: %s", OCSP_response_status_str(OCSP_response_status(r)));
	else if (!ocsp_signed(c, i, b, wall))
		snprintf(why, IKE_WHY_MAX, "the OCSP answer is not signed by the CA, nor by whom it made its responder");
	else
		st = ocsp_status(c, i, b, wall, until, why);
	OCSP_BASICRESP_free(b);
	OCSP_RESPONSE_free(r);
	ERR_clear_error();
	return st;
}
