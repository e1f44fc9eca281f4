/* ikecore/crypto/sign.c: signatures in the AUTH payload: method 14 (RFC 7427, RFC 8420), 9 to 11 (RFC 4754), and 1 with SHA-1
 * where the user asked for it (RFC 7296 2.15).
 *
 * What the peer sends is taken apart by a table: the AlgorithmIdentifier must be, octet by octet, one of those we write ourselves.
 * So no ASN.1 of a signature is parsed here, parameters cannot be played with, and behind the identifier there is nothing but
 * the signature, whose length must be exact where the algorithm has one; OpenSSL refuses DER with anything behind it. Good is
 * what EVP_DigestVerify() answers 1 to, and nothing else. */
#include "ikecore/crypto/cert_priv.h"

#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdio.h>

enum { METHOD_RSA = 1, METHOD_ECDSA256 = 9, METHOD_ECDSA384 = 10, METHOD_ECDSA521 = 11, METHOD_SIGNATURE = 14 };
enum { ALGID_MAX = 67 };

struct sig_alg {
	unsigned kind;	/* IKE_SIGN_* */
	uint8_t hash;
	const char *name, *md;	/* md NULL: the algorithm has its own */
	uint8_t id_len;
	uint8_t id[ALGID_MAX];
};

#define PSS(n, salt) 0x30, 0x41, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a, 0x30, 0x34, 0xa0, 0x0f, 0x30, 0x0d, \
	0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, n, 0x05, 0x00, 0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86, \
	0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, n, 0x05, \
	0x00, 0xa2, 0x03, 0x02, 0x01, salt
#define RSA15(n) 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, n, 0x05, 0x00
#define ECDSA(n) 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, n

static const struct sig_alg algs[] = {
	{ IKE_SIGN_EDDSA, IKE_HASH_IDENTITY, "Ed25519", NULL, 7, { 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70 } },
	{ IKE_SIGN_ECDSA, IKE_HASH_SHA256, "ecdsa-with-SHA256", "SHA256", 12, { ECDSA(2) } },
	{ IKE_SIGN_ECDSA, IKE_HASH_SHA384, "ecdsa-with-SHA384", "SHA384", 12, { ECDSA(3) } },
	{ IKE_SIGN_ECDSA, IKE_HASH_SHA512, "ecdsa-with-SHA512", "SHA512", 12, { ECDSA(4) } },
	{ IKE_SIGN_RSA, IKE_HASH_SHA256, "RSA with SHA-256", "SHA256", 15, { RSA15(0x0b) } },
	{ IKE_SIGN_RSA, IKE_HASH_SHA384, "RSA with SHA-384", "SHA384", 15, { RSA15(0x0c) } },
	{ IKE_SIGN_RSA, IKE_HASH_SHA512, "RSA with SHA-512", "SHA512", 15, { RSA15(0x0d) } },
	{ IKE_SIGN_RSA_PSS, IKE_HASH_SHA256, "RSA-PSS with SHA-256", "SHA256", 67, { PSS(1, 0x20) } },
	{ IKE_SIGN_RSA_PSS, IKE_HASH_SHA384, "RSA-PSS with SHA-384", "SHA384", 67, { PSS(2, 0x30) } },
	{ IKE_SIGN_RSA_PSS, IKE_HASH_SHA512, "RSA-PSS with SHA-512", "SHA512", 67, { PSS(3, 0x40) } },
};
enum { N_ALGS = sizeof(algs) / sizeof(algs[0]) };

static const struct sig_alg rsa_sha1 = { IKE_SIGN_SHA1, IKE_HASH_SHA1, "RSA with SHA-1", "SHA1", 0, { 0 } };

/* RFC 4754: each method one curve and one hash; r and s side by side. */
static const struct old_ecdsa {
	uint8_t method, hash;
	int bits;
	size_t half;
	const char *md;
} old_ecdsa[] = {
	{ METHOD_ECDSA256, IKE_HASH_SHA256, 256, 32, "SHA256" },
	{ METHOD_ECDSA384, IKE_HASH_SHA384, 384, 48, "SHA384" },
	{ METHOD_ECDSA521, IKE_HASH_SHA512, 521, 66, "SHA512" },
};

static const struct old_ecdsa *
old_by(uint8_t method, const EVP_PKEY *key)
{
	int bits = EVP_PKEY_get_bits(key);

	for (size_t i = 0; i < sizeof(old_ecdsa) / sizeof(old_ecdsa[0]); i++) {
		if (old_ecdsa[i].bits == bits && (!method || old_ecdsa[i].method == method))
			return &old_ecdsa[i];
	}
	return NULL;
}

static bool
prepare(EVP_PKEY_CTX *px, const struct sig_alg *a)
{
	if (a->kind != IKE_SIGN_RSA_PSS)
		return true;
	return EVP_PKEY_CTX_set_rsa_padding(px, RSA_PKCS1_PSS_PADDING) == 1 && EVP_PKEY_CTX_set_rsa_pss_saltlen(px, RSA_PSS_SALTLEN_DIGEST) == 1;
}

/* ---- making */

static size_t
do_sign(EVP_PKEY *key, const struct sig_alg *a, struct span octets, uint8_t *out, size_t max)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_PKEY_CTX *px;
	size_t n = max;
	bool ok = c && EVP_DigestSignInit_ex(c, &px, a->md, NULL, NULL, key, NULL) == 1 && prepare(px, a) &&
	    EVP_DigestSign(c, out, &n, octets.p, octets.n) == 1;

	EVP_MD_CTX_free(c);
	return ok ? n : 0;
}

/* The hash that suits the key's strength, then any other that the peer takes. */
static const struct sig_alg *
choose(const EVP_PKEY *key, const struct ike_sign_as *as)
{
	unsigned kinds = cert_key_kinds(key) & as->kinds;
	const struct old_ecdsa *curve = (kinds & IKE_SIGN_ECDSA) ? old_by(0, key) : NULL;
	const struct sig_alg *first = NULL;

	for (size_t i = 0; i < N_ALGS; i++) {
		const struct sig_alg *a = &algs[i];

		if (!(a->kind & kinds) || !(as->hashes & 1u << a->hash))
			continue;
		if (!curve || curve->hash == a->hash)
			return a;
		if (!first)
			first = a;
	}
	return first;
}

static size_t
sign_blob(EVP_PKEY *key, const struct sig_alg *a, struct span octets, uint8_t out[static IKE_SIG_MAX])
{
	size_t head = 1u + a->id_len, n = do_sign(key, a, octets, out + head, IKE_SIG_MAX - head);

	out[0] = a->id_len;
	memcpy(out + 1, a->id, a->id_len);
	return n ? head + n : 0;
}

static size_t
sign_old_ecdsa(EVP_PKEY *key, const struct old_ecdsa *o, struct span octets, uint8_t out[static IKE_SIG_MAX])
{
	struct sig_alg a = { .kind = IKE_SIGN_ECDSA, .md = o->md };
	uint8_t der[160];
	const unsigned char *p = der;
	size_t n = do_sign(key, &a, octets, der, sizeof(der));
	ECDSA_SIG *s = n ? d2i_ECDSA_SIG(NULL, &p, (long)n) : NULL;
	bool ok = s && BN_bn2binpad(ECDSA_SIG_get0_r(s), out, (int)o->half) == (int)o->half &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(s), out + o->half, (int)o->half) == (int)o->half;

	ECDSA_SIG_free(s);
	return ok ? 2 * o->half : 0;
}

/* For a peer that does not know RFC 7427. */
static size_t
sign_old(const struct ike_trust *t, const struct ike_sign_as *as, struct span octets, uint8_t *method, uint8_t out[static IKE_SIG_MAX], char *why)
{
	unsigned kinds = ike_trust_own_kind(t) & as->kinds;
	const struct old_ecdsa *o = (kinds & IKE_SIGN_ECDSA) ? old_by(0, t->key) : NULL;

	if (o) {
		*method = o->method;
		return sign_old_ecdsa(t->key, o, octets, out);
	}
	if ((kinds & (IKE_SIGN_RSA | IKE_SIGN_RSA_PSS)) && (t->conf.sha1 || (as->kinds & IKE_SIGN_SHA1))) {
		*method = METHOD_RSA;
		return do_sign(t->key, &rsa_sha1, octets, out, IKE_SIG_MAX);
	}
	snprintf(why, IKE_WHY_MAX, "peer takes no signature that the key of trustpoint %.60s can make without SHA-1", t->conf.name);
	return 0;
}

size_t
ike_sign(const struct ike_trust *t, const struct ike_sign_as *as, struct span octets, uint8_t *method, uint8_t out[static IKE_SIG_MAX], char *why)
{
	const struct sig_alg *a = as->hashes ? choose(t->key, as) : NULL;
	char reason[128];
	size_t n;

	*method = METHOD_SIGNATURE;
	why[0] = '\0';
	if (!a && as->hashes) {
		snprintf(why, IKE_WHY_MAX, "peer takes no hash that the key of trustpoint %.60s can sign with", t->conf.name);
		return 0;
	}
	n = a ? sign_blob(t->key, a, octets, out) : sign_old(t, as, octets, method, out, why);
	if (!n && !why[0])
		snprintf(why, IKE_WHY_MAX, "signing with trustpoint %.60s failed: %s", t->conf.name, openssl_why(reason, sizeof(reason)));
	return n;
}

/* ---- checking */

static bool
do_verify(EVP_PKEY *key, const struct sig_alg *a, struct span sig, struct span octets)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_PKEY_CTX *px;
	bool ok = c && EVP_DigestVerifyInit_ex(c, &px, a->md, NULL, NULL, key, NULL) == 1 && prepare(px, a) &&
	    EVP_DigestVerify(c, sig.p, sig.n, octets.p, octets.n) == 1;

	EVP_MD_CTX_free(c);
	ERR_clear_error();
	return ok;
}

/* DER of an ECDSA signature must be the only way to write it. */
static bool
is_canonical(struct span sig)
{
	const unsigned char *p = sig.p;
	ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &p, (long)sig.n);
	unsigned char *again = NULL;
	int n = s ? i2d_ECDSA_SIG(s, &again) : 0;
	bool ok = n > 0 && span_eq(sig, span_of(again, (size_t)n));

	OPENSSL_free(again);
	ECDSA_SIG_free(s);
	ERR_clear_error();
	return ok;
}

static const struct sig_alg *
alg_of(struct span id)
{
	for (size_t i = 0; i < N_ALGS; i++) {
		if (span_eq(id, span_of(algs[i].id, algs[i].id_len)))
			return &algs[i];
	}
	return NULL;
}

static enum ike_cert_fault
fault(enum ike_cert_fault f, char *why, const char *text)
{
	snprintf(why, IKE_WHY_MAX, "%s", text);
	return f;
}

static enum ike_cert_fault
check_blob(EVP_PKEY *key, unsigned kinds, struct span auth, struct span octets, char *why)
{
	struct cur c = cur_of(auth);
	struct span id, sig;
	const struct sig_alg *a;
	uint8_t n = cur_u8(&c);

	id = cur_take(&c, n);
	sig = cur_rest(&c);
	a = alg_of(id);
	if (c.bad || !a || sig.n == 0)
		return fault(IKE_CERT_METHOD, why, "signature of an algorithm that is not supported");
	if (!(a->kind & cert_key_kinds(key)))
		return fault(IKE_CERT_SIGNATURE, why, "signature algorithm does not fit the key of the certificate");
	if (!(a->kind & kinds)) {
		snprintf(why, IKE_WHY_MAX, "%s is not what \"authentication remote\" takes", a->name);
		return IKE_CERT_METHOD;
	}
	if ((a->kind & (IKE_SIGN_RSA | IKE_SIGN_RSA_PSS)) && sig.n != (size_t)EVP_PKEY_get_size(key))
		return fault(IKE_CERT_SIGNATURE, why, "signature has the wrong length");
	if ((a->kind == IKE_SIGN_ECDSA && !is_canonical(sig)) || !do_verify(key, a, sig, octets))
		return fault(IKE_CERT_SIGNATURE, why, "signature is wrong: whoever sent it does not have the certificate's key");
	return IKE_CERT_OK;
}

static enum ike_cert_fault
check_old_ecdsa(EVP_PKEY *key, unsigned kinds, uint8_t method, struct span auth, struct span octets, char *why)
{
	const struct old_ecdsa *o = (cert_key_kinds(key) & IKE_SIGN_ECDSA) ? old_by(method, key) : NULL;
	struct sig_alg a = { .kind = IKE_SIGN_ECDSA, .md = o ? o->md : NULL };
	unsigned char *der = NULL;
	ECDSA_SIG *s;
	BIGNUM *r, *t;
	int n = 0;
	bool ok;

	if (!(kinds & IKE_SIGN_ECDSA))
		return fault(IKE_CERT_METHOD, why, "ECDSA is not what \"authentication remote\" takes");
	if (!o || auth.n != 2 * o->half)
		return fault(IKE_CERT_SIGNATURE, why, "ECDSA signature does not fit the key of the certificate");
	s = ECDSA_SIG_new();
	r = BN_bin2bn(auth.p, (int)o->half, NULL);
	t = BN_bin2bn(auth.p + o->half, (int)o->half, NULL);
	if (s && r && t && ECDSA_SIG_set0(s, r, t) == 1) {
		r = t = NULL;
		n = i2d_ECDSA_SIG(s, &der);
	}
	ok = n > 0 && do_verify(key, &a, span_of(der, (size_t)n), octets);
	OPENSSL_free(der);
	ECDSA_SIG_free(s);
	BN_free(r);
	BN_free(t);
	return ok ? IKE_CERT_OK : fault(IKE_CERT_SIGNATURE, why, "signature is wrong: whoever sent it does not have the certificate's key");
}

static enum ike_cert_fault
check_rsa_sha1(EVP_PKEY *key, unsigned kinds, struct span auth, struct span octets, char *why)
{
	if (!(kinds & IKE_SIGN_SHA1))
		return fault(IKE_CERT_METHOD, why, "RSA with SHA-1 (method 1): taken only with the word legacy");
	if (!(cert_key_kinds(key) & IKE_SIGN_RSA) || auth.n != (size_t)EVP_PKEY_get_size(key) || !do_verify(key, &rsa_sha1, auth, octets))
		return fault(IKE_CERT_SIGNATURE, why, "signature is wrong: whoever sent it does not have the certificate's key");
	return IKE_CERT_OK;
}

enum ike_cert_fault
sign_check(EVP_PKEY *key, unsigned kinds, uint8_t method, struct span auth, struct span octets, char *why)
{
	switch (method) {
	case METHOD_SIGNATURE:
		return check_blob(key, kinds, auth, octets, why);
	case METHOD_ECDSA256:
	case METHOD_ECDSA384:
	case METHOD_ECDSA521:
		return check_old_ecdsa(key, kinds, method, auth, octets, why);
	case METHOD_RSA:
		return check_rsa_sha1(key, kinds, auth, octets, why);
	default:	/* an octet from the wire */
		return fault(IKE_CERT_METHOD, why, "an authentication method that is not supported");
	}
}
