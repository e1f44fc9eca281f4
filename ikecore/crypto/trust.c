/* ikecore/crypto/trust.c: trustpoints: whom we trust (any certificate given as a CA is an anchor, so an issuing CA alone will do),
 * who we are (certificate, intermediates, key), and which CRLs came with the configuration. Made by the configuration, then
 * never changed: whoever needs it longer than the configuration lives counts itself in. */
#include "ikecore/crypto/cert_priv.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <stdio.h>
#include <stdlib.h>

static char *
copy_text(const char *s)
{
	return s ? strdup(s) : NULL;
}

struct ike_trust *
ike_trust_new(const struct ike_trust_conf *conf)
{
	struct ike_trust *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	atomic_init(&t->users, 1);
	t->conf = *conf;
	t->conf.name = copy_text(conf->name);
	t->conf.crl_url = copy_text(conf->crl_url);
	t->conf.ocsp_url = copy_text(conf->ocsp_url);
	t->ca = sk_X509_new_null();
	t->own = sk_X509_new_null();
	t->crl = sk_X509_CRL_new_null();
	t->store = X509_STORE_new();
	if (t->conf.name && t->ca && t->own && t->crl && t->store)
		return t;
	ike_trust_put(t);
	return NULL;
}

struct ike_trust *
ike_trust_get(const struct ike_trust *t)
{
	struct ike_trust *mine = (struct ike_trust *)(uintptr_t)t;

	if (mine)
		atomic_fetch_add(&mine->users, 1);
	return mine;
}

void
ike_trust_put(struct ike_trust *t)
{
	if (!t || atomic_fetch_sub(&t->users, 1) > 1)
		return;
	for (unsigned i = 0; i < IKE_CHAIN_MAX; i++)
		OPENSSL_free((void *)(uintptr_t)t->der[i].p);
	sk_X509_pop_free(t->ca, X509_free);
	sk_X509_pop_free(t->own, X509_free);
	sk_X509_CRL_pop_free(t->crl, X509_CRL_free);
	X509_STORE_free(t->store);
	known_free(t->known);
	EVP_PKEY_free(t->key);	/* OpenSSL wipes private parts */
	free((void *)(uintptr_t)t->conf.name);
	free((void *)(uintptr_t)t->conf.crl_url);
	free((void *)(uintptr_t)t->conf.ocsp_url);
	free(t);
}

/* ---- files */

static bool
is_pem(struct span file)
{
	static const char mark[] = "-----BEGIN ";

	return file.n >= sizeof(mark) && memmem(file.p, file.n, mark, sizeof(mark) - 1);
}

/* All certificates of a file; NULL: why. */
static STACK_OF(X509) *
read_certs(struct span file, char *why)
{
	STACK_OF(X509) *all = sk_X509_new_null();
	BIO *b = BIO_new_mem_buf(file.p, file.n > IKE_FILE_MAX ? 0 : (int)file.n);
	X509 *x = NULL;
	bool ok = all && b;

	if (ok && !is_pem(file)) {
		x = d2i_X509_bio(b, NULL);
		ok = x && sk_X509_push(all, x) > 0;
	}
	while (ok && is_pem(file) && (x = PEM_read_bio_X509(b, NULL, NULL, (void *)(uintptr_t)""))) {
		if (sk_X509_push(all, x) <= 0) {
			X509_free(x);
			ok = false;
		}
	}
	if (ok && is_pem(file) && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		ok = false;
	ERR_clear_error();
	BIO_free(b);
	if (ok && sk_X509_num(all) > 0)
		return all;
	snprintf(why, IKE_WHY_MAX, ok ? "there is no certificate in it" : "a certificate in it cannot be read");
	sk_X509_pop_free(all, X509_free);
	return NULL;
}

static bool
move_certs(STACK_OF(X509) *from, STACK_OF(X509) *to, int max, char *why)
{
	X509 *x;

	while ((x = sk_X509_shift(from))) {
		if (sk_X509_num(to) < max && sk_X509_push(to, x) > 0)
			continue;
		X509_free(x);
		snprintf(why, IKE_WHY_MAX, "more than %d certificates", max);
		return false;
	}
	return true;
}

static bool
ca_ok(X509 *x, char *why)
{
	char subject[IKE_CERT_TEXT_MAX], reason[IKE_WHY_MAX];

	cert_name_fmt(X509_get_subject_name(x), subject, sizeof(subject));
	if (X509_check_ca(x) <= 0)
		snprintf(why, IKE_WHY_MAX, "%.120s is not a CA (basic constraints do not say CA, or key usage forbids signing certificates)", subject);
	else if (!cert_key_ok(x, reason))
		snprintf(why, IKE_WHY_MAX, "CA %.80s: %.120s", subject, reason);
	else
		return true;
	return false;
}

bool
ike_trust_add_ca(struct ike_trust *t, struct span file, char *why)
{
	STACK_OF(X509) *all = read_certs(file, why);
	bool ok = all != NULL;

	for (int i = 0; ok && i < sk_X509_num(all); i++)
		ok = ca_ok(sk_X509_value(all, i), why);
	ok = ok && move_certs(all, t->ca, IKE_TRUST_CAS_MAX, why);
	sk_X509_pop_free(all, X509_free);
	return ok;
}

bool
ike_trust_add_own(struct ike_trust *t, struct span file, char *why)
{
	STACK_OF(X509) *all = read_certs(file, why);
	bool ok = all && move_certs(all, t->own, IKE_CHAIN_MAX, why);

	sk_X509_pop_free(all, X509_free);
	return ok;
}

struct passphrase {
	struct span text;
	bool asked;
};

static int
give_passphrase(char *buf, int size, int rwflag, void *arg)
{
	struct passphrase *p = arg;

	(void)rwflag;
	p->asked = true;
	if (p->text.n > (size_t)size)
		return -1;
	memcpy(buf, p->text.p, p->text.n);
	return (int)p->text.n;
}

bool
ike_trust_set_key(struct ike_trust *t, struct span file, struct span passphrase, char *why)
{
	struct passphrase p = { passphrase, false };
	BIO *b = BIO_new_mem_buf(file.p, file.n > IKE_FILE_MAX ? 0 : (int)file.n);
	bool pem = is_pem(file);

	EVP_PKEY_free(t->key);
	t->key = !b ? NULL : pem ? PEM_read_bio_PrivateKey(b, NULL, give_passphrase, &p) : d2i_PrivateKey_bio(b, NULL);
	BIO_free(b);
	if (!t->key && p.asked)
		snprintf(why, IKE_WHY_MAX, passphrase.n ? "wrong passphrase for the key in it" : "the key in it is encrypted: \"password file\" is missing");
	else if (!t->key)
		snprintf(why, IKE_WHY_MAX, "there is no private key in it that can be read");
	ERR_clear_error();
	return t->key != NULL;
}

static bool
open_pkcs12(PKCS12 *p, const char *pass, EVP_PKEY **key, X509 **own, STACK_OF(X509) **more)
{
	if (!PKCS12_verify_mac(p, pass, -1) && !(!*pass && PKCS12_verify_mac(p, NULL, 0)))
		return false;
	return PKCS12_parse(p, pass, key, own, more) == 1;
}

/* Certificates behind our own in the file: intermediates, and roots (signed by themselves), which become CAs. */
static bool
take_more(struct ike_trust *t, STACK_OF(X509) *more, char *why)
{
	X509 *x;

	while (more && (x = sk_X509_shift(more))) {
		bool root = X509_check_issued(x, x) == X509_V_OK;
		STACK_OF(X509) *to = root ? t->ca : t->own;

		if ((root && !ca_ok(x, why)) || sk_X509_num(to) >= (root ? IKE_TRUST_CAS_MAX : IKE_CHAIN_MAX) || sk_X509_push(to, x) <= 0) {
			X509_free(x);
			return false;
		}
	}
	return true;
}

bool
ike_trust_set_pkcs12(struct ike_trust *t, struct span file, struct span passphrase, char *why)
{
	const unsigned char *at = file.p;
	PKCS12 *p = file.n && file.n <= IKE_FILE_MAX ? d2i_PKCS12(NULL, &at, (long)file.n) : NULL;
	STACK_OF(X509) *more = NULL;
	char pass[256] = "";
	X509 *own = NULL;
	bool ok = false;

	snprintf(why, IKE_WHY_MAX, "too many certificates in it");
	if (passphrase.n < sizeof(pass))
		memcpy(pass, passphrase.p, passphrase.n);
	EVP_PKEY_free(t->key);
	t->key = NULL;
	if (!p)
		snprintf(why, IKE_WHY_MAX, "not a PKCS#12 file");
	else if (!open_pkcs12(p, pass, &t->key, &own, &more))
		snprintf(why, IKE_WHY_MAX, passphrase.n ? "wrong passphrase for it" : "it is encrypted: \"password file\" is missing");
	else if (!t->key || !own)
		snprintf(why, IKE_WHY_MAX, "there is no %s in it", t->key ? "certificate for the key" : "private key");
	else if (sk_X509_push(t->own, own) > 0) {
		own = NULL;
		ok = take_more(t, more, why);
	}
	OPENSSL_cleanse(pass, sizeof(pass));
	X509_free(own);
	sk_X509_pop_free(more, X509_free);
	PKCS12_free(p);
	ERR_clear_error();
	return ok;
}

bool
ike_trust_add_crl(struct ike_trust *t, struct span file, char *why)
{
	BIO *b = BIO_new_mem_buf(file.p, file.n > IKE_CRL_MAX ? 0 : (int)file.n);
	X509_CRL *c = NULL;
	unsigned n = 0;
	bool ok = b != NULL, pem = is_pem(file);

	while (ok && (c = pem ? PEM_read_bio_X509_CRL(b, NULL, NULL, NULL) : n ? NULL : d2i_X509_CRL_bio(b, NULL))) {
		n++;
		ok = sk_X509_CRL_num(t->crl) < IKE_TRUST_CRLS_MAX && sk_X509_CRL_push(t->crl, c) > 0;
		if (!ok)
			X509_CRL_free(c);
	}
	BIO_free(b);
	ERR_clear_error();
	if (!ok || n == 0)
		snprintf(why, IKE_WHY_MAX, ok ? "there is no CRL in it that can be read" : "too many CRLs");
	return ok && n > 0;
}

/* ---- does it fit together? */

static bool
crl_has_ca(const struct ike_trust *t, X509_CRL *c)
{
	for (int i = 0; i < sk_X509_num(t->ca); i++) {
		X509 *ca = sk_X509_value(t->ca, i);

		if (X509_NAME_cmp(X509_get_subject_name(ca), X509_CRL_get_issuer(c)) == 0 && X509_CRL_verify(c, X509_get0_pubkey(ca)) == 1)
			return true;
	}
	ERR_clear_error();
	return false;
}

static bool
crls_ok(const struct ike_trust *t, char *why)
{
	char issuer[IKE_CERT_TEXT_MAX];

	for (int i = 0; i < sk_X509_CRL_num(t->crl); i++) {
		X509_CRL *c = sk_X509_CRL_value(t->crl, i);

		if (crl_has_ca(t, c))
			continue;
		cert_name_fmt(X509_CRL_get_issuer(c), issuer, sizeof(issuer));
		snprintf(why, IKE_WHY_MAX, "the CRL of %.140s is not signed by a CA of this trustpoint", issuer);
		return false;
	}
	return true;
}

static bool
own_ok(struct ike_trust *t, char *why)
{
	X509 *x = sk_X509_num(t->own) ? sk_X509_value(t->own, 0) : NULL;
	char reason[IKE_WHY_MAX];
	size_t all = 0;

	if (!x && !t->key)
		return true;
	if (!x || !t->key) {
		snprintf(why, IKE_WHY_MAX, x ? "a certificate, but no key" : "a key, but no certificate");
		return false;
	}
	if (X509_check_private_key(x, t->key) != 1) {
		ERR_clear_error();
		snprintf(why, IKE_WHY_MAX, "the key does not fit the certificate");
		return false;
	}
	if (!cert_key_ok(x, reason) || !cert_may_sign(x, reason)) {
		snprintf(why, IKE_WHY_MAX, "our certificate: %.200s", reason);
		return false;
	}
	for (int i = 0; i < sk_X509_num(t->own); i++) {
		unsigned char *der = NULL;
		int n = i2d_X509(sk_X509_value(t->own, i), &der);

		t->der[i] = span_of(der, n > 0 ? (size_t)n : 0);
		all += t->der[i].n;
	}
	if (all > IKE_OWN_OCTETS_MAX)
		snprintf(why, IKE_WHY_MAX, "our certificates have %zu octets together, %d fit into a message", all, IKE_OWN_OCTETS_MAX);
	return all <= IKE_OWN_OCTETS_MAX;
}

bool
ike_trust_complete(struct ike_trust *t, char *why)
{
	known_free(t->known);
	t->known = known_new();
	for (int i = 0; i < sk_X509_num(t->ca); i++) {
		X509 *ca = sk_X509_value(t->ca, i);

		X509_check_purpose(ca, -1, 0);	/* caches its extensions while it is still ours alone */
		if (!cert_spki_hash(ca, t->ca_hash[i]) || X509_STORE_add_cert(t->store, ca) != 1) {
			snprintf(why, IKE_WHY_MAX, "out of memory");
			return false;
		}
	}
	for (int i = 0; i < sk_X509_num(t->own); i++)
		X509_check_purpose(sk_X509_value(t->own, i), -1, 0);
	return own_ok(t, why) && crls_ok(t, why);
}

/* ---- questions */

const struct ike_trust_conf *
ike_trust_conf(const struct ike_trust *t)
{
	return &t->conf;
}

bool
ike_trust_has_key(const struct ike_trust *t)
{
	return t->key != NULL;
}

unsigned
ike_trust_n_own(const struct ike_trust *t)
{
	return (unsigned)sk_X509_num(t->own);
}

struct span
ike_trust_own(const struct ike_trust *t, unsigned i)
{
	return t->der[i];
}

unsigned
ike_trust_n_ca(const struct ike_trust *t)
{
	return (unsigned)sk_X509_num(t->ca);
}

const uint8_t *
ike_trust_ca_hash(const struct ike_trust *t, unsigned i)
{
	return t->ca_hash[i];
}

bool
ike_trust_own_facts(const struct ike_trust *t, unsigned i, struct ike_cert_facts *out)
{
	if (i >= ike_trust_n_own(t))
		return false;
	cert_facts(sk_X509_value(t->own, (int)i), out);
	return true;
}

bool
ike_trust_ca_facts(const struct ike_trust *t, unsigned i, struct ike_cert_facts *out)
{
	if (i >= ike_trust_n_ca(t))
		return false;
	cert_facts(sk_X509_value(t->ca, (int)i), out);
	return true;
}

bool
ike_trust_own_has_id(const struct ike_trust *t, uint8_t id_type, struct span id, char *why)
{
	snprintf(why, IKE_WHY_MAX, "there is no certificate");
	return ike_trust_n_own(t) && cert_has_id(sk_X509_value(t->own, 0), id_type, id, why);
}

size_t
ike_trust_own_dn(const struct ike_trust *t, uint8_t *out, size_t max)
{
	unsigned char *der = NULL;
	int n = ike_trust_n_own(t) ? i2d_X509_NAME(X509_get_subject_name(sk_X509_value(t->own, 0)), &der) : 0;

	if (n > 0 && (size_t)n <= max)
		memcpy(out, der, (size_t)n);
	else
		n = 0;
	OPENSSL_free(der);
	return (size_t)n;
}

enum ike_cert_fault
ike_trust_own_fault(const struct ike_trust *t, int64_t wall, char *why)
{
	char date[IKE_DATE_MAX];

	for (int i = 0; i < sk_X509_num(t->own); i++) {
		const X509 *x = sk_X509_value(t->own, i);
		int64_t from = cert_time(X509_get0_notBefore(x)), to = cert_time(X509_get0_notAfter(x));
		bool expired = wall > to;

		if (!expired && wall >= from)
			continue;
		snprintf(why, IKE_WHY_MAX, "our certificate of trustpoint %.60s %s %s", t->conf.name, expired ? "expired at" : "is not valid before",
		    ike_date_fmt(expired ? to : from, date));
		return expired ? IKE_CERT_EXPIRED : IKE_CERT_NOT_YET;
	}
	return IKE_CERT_OK;
}

unsigned
ike_trust_own_kind(const struct ike_trust *t)
{
	return t->key ? cert_key_kinds(t->key) | (t->conf.sha1 ? IKE_SIGN_SHA1 : 0) : 0;
}

/* Ours and our intermediates themselves, or a CA of the trustpoint that one of them names as its issuer. */
bool
ike_trust_was_issued_by(const struct ike_trust *t, const uint8_t *hash)
{
	uint8_t mine[IKE_SHA1_LEN];

	for (int i = 0; i < sk_X509_num(t->own); i++) {
		if (cert_spki_hash(sk_X509_value(t->own, i), mine) && memcmp(mine, hash, sizeof(mine)) == 0)
			return true;
		for (int k = 0; k < sk_X509_num(t->ca); k++) {
			if (memcmp(t->ca_hash[k], hash, IKE_SHA1_LEN) == 0 &&
			    X509_check_issued(sk_X509_value(t->ca, k), sk_X509_value(t->own, i)) == X509_V_OK)
				return true;
		}
	}
	return false;
}

bool
ike_trust_is_anchor(const struct ike_trust *t, const uint8_t fingerprint[static 32])
{
	uint8_t mine[EVP_MAX_MD_SIZE];
	unsigned n;

	for (int i = 0; i < sk_X509_num(t->ca); i++) {
		if (X509_digest(sk_X509_value(t->ca, i), EVP_sha256(), mine, &n) && memcmp(mine, fingerprint, 32) == 0)
			return true;
	}
	return false;
}

static bool
same_certs(STACK_OF(X509) *a, STACK_OF(X509) *b)
{
	if (sk_X509_num(a) != sk_X509_num(b))
		return false;
	for (int i = 0; i < sk_X509_num(a); i++) {
		if (X509_cmp(sk_X509_value(a, i), sk_X509_value(b, i)) != 0)
			return false;
	}
	return true;
}

static bool
same_text(const char *a, const char *b)
{
	return (!a && !b) || (a && b && strcmp(a, b) == 0);
}

bool
ike_trust_eq(const struct ike_trust *a, const struct ike_trust *b)
{
	if (!same_certs(a->ca, b->ca) || !same_certs(a->own, b->own) || sk_X509_CRL_num(a->crl) != sk_X509_CRL_num(b->crl))
		return false;
	for (int i = 0; i < sk_X509_CRL_num(a->crl); i++) {
		if (X509_CRL_match(sk_X509_CRL_value(a->crl, i), sk_X509_CRL_value(b->crl, i)) != 0)
			return false;
	}
	if (!a->key != !b->key || (a->key && EVP_PKEY_eq(a->key, b->key) != 1))
		return false;
	return memcmp(a->conf.method, b->conf.method, sizeof(a->conf.method)) == 0 && a->conf.relaxed == b->conf.relaxed &&
	    same_text(a->conf.crl_url, b->conf.crl_url) && same_text(a->conf.ocsp_url, b->conf.ocsp_url) && a->conf.sha1 == b->conf.sha1;
}
