/* ikecore/crypto/issue.c: a certification authority for laboratories and tests: keys, certificates, CRLs. Everything is decided by
 * the caller, times included; keys come from OpenSSL's random source. Profiles are those that strict peers take: version 3, random
 * serial of 128 bits, key identifiers, basic constraints and key usage critical, EKU for IKE and TLS ends. */
#include "ikecore/crypto/cert_priv.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

void
ike_pem_free(struct ike_pem *p)
{
	if (p->p)
		OPENSSL_cleanse(p->p, p->n);
	free(p->p);
	*p = (struct ike_pem){ NULL, 0 };
}

static bool
take_bio(BIO *b, struct ike_pem *out)
{
	char *p;
	long n = BIO_get_mem_data(b, &p);

	out->p = n > 0 ? malloc((size_t)n + 1) : NULL;
	if (!out->p)
		return false;
	memcpy(out->p, p, (size_t)n);
	out->p[n] = '\0';
	out->n = (size_t)n;
	return true;
}

static X509 *
pem_cert(const struct ike_pem *p)
{
	BIO *b = BIO_new_mem_buf(p->p, (int)p->n);
	X509 *x = b ? PEM_read_bio_X509(b, NULL, NULL, NULL) : NULL;

	BIO_free(b);
	return x;
}

static EVP_PKEY *
pem_key(const struct ike_pem *p)
{
	BIO *b = BIO_new_mem_buf(p->p, (int)p->n);
	EVP_PKEY *k = b ? PEM_read_bio_PrivateKey(b, NULL, NULL, (void *)(uintptr_t)"") : NULL;

	BIO_free(b);
	return k;
}

bool
ike_pem_facts(struct span pem, struct ike_cert_facts *out)
{
	struct ike_pem p = { (char *)(uintptr_t)pem.p, pem.n };
	X509 *x = pem.n <= IKE_FILE_MAX ? pem_cert(&p) : NULL;

	ERR_clear_error();
	if (x)
		cert_facts(x, out);
	X509_free(x);
	return x != NULL;
}

/* ---- keys */

static const struct key_kind {
	const char *word, *type, *curve;
	unsigned bits;
} key_kinds[] = {
	{ "ecdsa-256", "EC", "P-256", 0 }, { "ecdsa-384", "EC", "P-384", 0 }, { "ecdsa-521", "EC", "P-521", 0 },
	{ "rsa-2048", "RSA", NULL, 2048 }, { "rsa-3072", "RSA", NULL, 3072 }, { "rsa-4096", "RSA", NULL, 4096 },
	{ "ed25519", "ED25519", NULL, 0 },
	{ "rsa-1024", "RSA", NULL, 1024 },	/* for tests of its being refused */
};

static EVP_PKEY *
make_key(const char *word, char *why)
{
	const struct key_kind *k = key_kinds;

	for (size_t i = 0; i < sizeof(key_kinds) / sizeof(key_kinds[0]); i++, k++) {
		if (strcmp(k->word, word ? word : "ecdsa-256") != 0)
			continue;
		snprintf(why, IKE_WHY_MAX, "the key cannot be made");
		return k->curve ? EVP_PKEY_Q_keygen(NULL, NULL, k->type, k->curve)
		       : k->bits ? EVP_PKEY_Q_keygen(NULL, NULL, k->type, (size_t)k->bits) : EVP_PKEY_Q_keygen(NULL, NULL, k->type);
	}
	snprintf(why, IKE_WHY_MAX, "%.40s is no kind of key: ecdsa-256, ecdsa-384, ecdsa-521, rsa-2048, rsa-3072, rsa-4096 or ed25519", word);
	return NULL;
}

static const EVP_MD *
hash_for(const EVP_PKEY *k)
{
	int bits = EVP_PKEY_get_bits(k);

	if (EVP_PKEY_get_base_id(k) == EVP_PKEY_ED25519)
		return NULL;
	if (EVP_PKEY_get_base_id(k) == EVP_PKEY_RSA)
		return EVP_sha256();
	return bits <= 256 ? EVP_sha256() : bits <= 384 ? EVP_sha384() : EVP_sha512();
}

/* ---- certificates */

static bool
add_ext(X509 *x, X509V3_CTX *cx, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, cx, nid, value);
	bool ok = e && X509_add_ext(x, e, -1) == 1;

	X509_EXTENSION_free(e);
	return ok;
}

static bool
add_san(GENERAL_NAMES *all, int type, const void *value, int n)
{
	GENERAL_NAME *g = GENERAL_NAME_new();
	ASN1_STRING *s = type == GEN_IPADD ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();

	if (!g || !s || !ASN1_STRING_set(s, value, n)) {
		GENERAL_NAME_free(g);
		ASN1_STRING_free(s);
		return false;
	}
	GENERAL_NAME_set0_value(g, type, s);
	if (sk_GENERAL_NAME_push(all, g) > 0)
		return true;
	GENERAL_NAME_free(g);
	return false;
}

static bool
add_sans(X509 *x, const struct ike_issue *w)
{
	GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
	bool ok = all != NULL;

	for (unsigned i = 0; ok && i < w->n_fqdn; i++)
		ok = add_san(all, GEN_DNS, w->fqdn[i], (int)strlen(w->fqdn[i]));
	for (unsigned i = 0; ok && i < w->n_email; i++)
		ok = add_san(all, GEN_EMAIL, w->email[i], (int)strlen(w->email[i]));
	for (unsigned i = 0; ok && i < w->n_addr; i++)
		ok = add_san(all, GEN_IPADD, w->addr[i].b, w->addr[i].n);
	if (ok && sk_GENERAL_NAME_num(all) > 0)
		ok = X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, X509V3_ADD_DEFAULT) == 1;
	GENERAL_NAMES_free(all);
	return ok;
}

static bool
set_subject(X509 *x, const struct ike_issue *w)
{
	const char *cn = w->n_fqdn ? w->fqdn[0] : w->n_email ? w->email[0] : "unnamed";
	uint8_t der[1024];
	const unsigned char *p = der;
	size_t n = w->dn ? ike_dn_parse(w->dn, der, sizeof(der)) : 0;
	X509_NAME *name = w->dn ? (n ? d2i_X509_NAME(NULL, &p, (long)n) : NULL) : X509_NAME_new();
	bool ok = name && (w->dn || X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0) == 1) &&
	    X509_set_subject_name(x, name) == 1;

	X509_NAME_free(name);
	return ok;
}

static bool
set_serial(X509 *x)
{
	uint8_t b[16];
	BIGNUM *bn;
	bool ok;

	if (RAND_bytes(b, sizeof(b)) != 1)
		return false;
	b[0] = (uint8_t)((b[0] & 0x7f) | 0x40);	/* positive, and always of one length */
	bn = BN_bin2bn(b, sizeof(b), NULL);
	ok = bn && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x));
	BN_free(bn);
	return ok;
}

static bool
set_times(X509 *x, const struct ike_issue *w)
{
	return ASN1_TIME_adj(X509_getm_notBefore(x), (time_t)w->from, 0, 0) && ASN1_TIME_adj(X509_getm_notAfter(x), (time_t)w->to, 0, 0);
}

static bool
add_exts(X509 *x, const struct ike_issue *w, X509 *issuer)
{
	char text[IKE_URL_MAX + 32];
	X509V3_CTX cx;
	bool ok;

	X509V3_set_ctx(&cx, issuer, x, NULL, NULL, 0);
	X509V3_set_ctx_nodb(&cx);
	ok = add_ext(x, &cx, NID_basic_constraints, w->ca ? "critical,CA:TRUE" : "critical,CA:FALSE") &&
	    add_ext(x, &cx, NID_key_usage, w->ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature") &&
	    add_ext(x, &cx, NID_subject_key_identifier, "hash") && add_ext(x, &cx, NID_authority_key_identifier, "keyid:always");
	if (ok && !w->ca)
		ok = add_ext(x, &cx, NID_ext_key_usage, w->ocsp_signing ? "OCSPSigning" : "serverAuth,clientAuth,1.3.6.1.5.5.7.3.17");
	if (ok && w->crl_url) {
		snprintf(text, sizeof(text), "URI:%s", w->crl_url);
		ok = add_ext(x, &cx, NID_crl_distribution_points, text);
	}
	if (ok && w->ocsp_url) {
		snprintf(text, sizeof(text), "OCSP;URI:%s", w->ocsp_url);
		ok = add_ext(x, &cx, NID_info_access, text);
	}
	return ok && add_sans(x, w);
}

static bool
fill(X509 *x, const struct ike_issue *w, X509 *issuer, EVP_PKEY *mine, EVP_PKEY *signer)
{
	return X509_set_version(x, 2) == 1 && set_serial(x) && set_times(x, w) && set_subject(x, w) && X509_set_pubkey(x, mine) == 1 &&
	    X509_set_issuer_name(x, X509_get_subject_name(issuer)) == 1 && add_exts(x, w, issuer) && X509_sign(x, signer, hash_for(signer)) > 0;
}

static bool
give(X509 *x, EVP_PKEY *k, struct ike_pem *cert, struct ike_pem *key)
{
	BIO *a = BIO_new(BIO_s_mem()), *b = BIO_new(BIO_s_secmem());
	bool ok = a && b && PEM_write_bio_X509(a, x) == 1 && PEM_write_bio_PKCS8PrivateKey(b, k, NULL, NULL, 0, NULL, NULL) == 1 &&
	    take_bio(a, cert) && take_bio(b, key);

	BIO_free(a);
	BIO_free(b);
	if (!ok)
		ike_pem_free(cert);
	return ok;
}

bool
ike_issue(const struct ike_issue *want, const struct ike_pem *ca, const struct ike_pem *ca_key, struct ike_pem *cert, struct ike_pem *key, char *why)
{
	X509 *x = X509_new(), *issuer = ca ? pem_cert(ca) : x;
	EVP_PKEY *mine, *signer = NULL;
	char reason[128];
	bool ok = false;

	*cert = *key = (struct ike_pem){ NULL, 0 };
	mine = make_key(want->key, why);
	signer = ca ? pem_key(ca_key) : mine;
	if (ca && (!issuer || !signer))
		snprintf(why, IKE_WHY_MAX, "the %s of the CA cannot be read", issuer ? "key" : "certificate");
	else if (mine && x) {
		ok = fill(x, want, issuer, mine, signer) && give(x, mine, cert, key);
		if (!ok)
			snprintf(why, IKE_WHY_MAX, "the certificate cannot be made: %s", openssl_why(reason, sizeof(reason)));
	}
	if (ca) {
		X509_free(issuer);
		EVP_PKEY_free(signer);
	}
	X509_free(x);
	EVP_PKEY_free(mine);
	ERR_clear_error();
	return ok;
}

/* ---- CRLs */

static bool
crl_add(X509_CRL *crl, const struct ike_revoked *r)
{
	X509_REVOKED *e = X509_REVOKED_new();
	ASN1_TIME *when = ASN1_TIME_adj(NULL, (time_t)r->when, 0, 0);
	BIGNUM *bn = NULL;
	ASN1_INTEGER *serial = BN_hex2bn(&bn, r->serial) ? BN_to_ASN1_INTEGER(bn, NULL) : NULL;
	bool ok = e && when && serial && X509_REVOKED_set_serialNumber(e, serial) && X509_REVOKED_set_revocationDate(e, when) &&
	    X509_CRL_add0_revoked(crl, e);

	if (!ok)
		X509_REVOKED_free(e);
	ASN1_INTEGER_free(serial);
	ASN1_TIME_free(when);
	BN_free(bn);
	return ok;
}

static bool
crl_fill(X509_CRL *crl, X509 *ca, const struct ike_revoked *r, unsigned n, int64_t from, int64_t to)
{
	ASN1_TIME *a = ASN1_TIME_adj(NULL, (time_t)from, 0, 0), *b = ASN1_TIME_adj(NULL, (time_t)to, 0, 0);
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	AUTHORITY_KEYID *akid = AUTHORITY_KEYID_new();
	const ASN1_OCTET_STRING *skid = X509_get0_subject_key_id(ca);
	bool ok = a && b && number && akid && X509_CRL_set_version(crl, 1) && X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca)) &&
	    X509_CRL_set1_lastUpdate(crl, a) && X509_CRL_set1_nextUpdate(crl, b) && ASN1_INTEGER_set_int64(number, from) &&
	    X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, X509V3_ADD_DEFAULT) == 1;

	if (ok && skid) {
		akid->keyid = ASN1_OCTET_STRING_dup(skid);
		ok = akid->keyid && X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier, akid, 0, X509V3_ADD_DEFAULT) == 1;
	}
	for (unsigned i = 0; ok && i < n; i++)
		ok = crl_add(crl, &r[i]);
	AUTHORITY_KEYID_free(akid);
	ASN1_INTEGER_free(number);
	ASN1_TIME_free(a);
	ASN1_TIME_free(b);
	return ok;
}

bool
ike_issue_crl(const struct ike_pem *ca, const struct ike_pem *ca_key, const struct ike_revoked *r, unsigned n, int64_t from, int64_t to,
    struct ike_pem *out, char *why)
{
	X509 *x = pem_cert(ca);
	EVP_PKEY *k = pem_key(ca_key);
	X509_CRL *crl = X509_CRL_new();
	BIO *b = BIO_new(BIO_s_mem());
	char reason[128];
	bool ok = x && k && crl && b && crl_fill(crl, x, r, n, from, to) && X509_CRL_sort(crl) && X509_CRL_sign(crl, k, hash_for(k)) > 0 &&
	    PEM_write_bio_X509_CRL(b, crl) == 1 && take_bio(b, out);

	if (!ok)
		snprintf(why, IKE_WHY_MAX, "the CRL cannot be made: %s", openssl_why(reason, sizeof(reason)));
	BIO_free(b);
	X509_CRL_free(crl);
	EVP_PKEY_free(k);
	X509_free(x);
	ERR_clear_error();
	return ok;
}

bool
ike_issue_pkcs12(const struct ike_pem *cert, const struct ike_pem *key, const struct ike_pem *ca, const char *passphrase, struct ike_pem *out, char *why)
{
	X509 *x = pem_cert(cert), *root = ca ? pem_cert(ca) : NULL;
	EVP_PKEY *k = pem_key(key);
	STACK_OF(X509) *more = sk_X509_new_null();
	bool ok = x && k && more && (!root || sk_X509_push(more, root) > 0);
	PKCS12 *p = ok ? PKCS12_create(passphrase, NULL, k, x, more, 0, 0, 0, 0, 0) : NULL;
	BIO *b = BIO_new(BIO_s_mem());
	char reason[128];

	ok = p && b && i2d_PKCS12_bio(b, p) == 1 && take_bio(b, out);
	if (!ok)
		snprintf(why, IKE_WHY_MAX, "the PKCS#12 file cannot be made: %s", openssl_why(reason, sizeof(reason)));
	BIO_free(b);
	PKCS12_free(p);
	sk_X509_free(more);
	X509_free(root);
	EVP_PKEY_free(k);
	X509_free(x);
	ERR_clear_error();
	return ok;
}
