/* ikecore/crypto/ike_kex.c: key exchange methods: MODP (RFC 2409, 3526), ECP (RFC 5903), Curve25519 and Curve448 (RFC 8031), ML-KEM
 * (ike_kem.c).
 *
 * The private value is made from random octets drawn at ike_kex_new() and nowhere else, so the same octets give the same
 * keys. MODP exponents have the lengths of RFC 7919, appendix A, which are more than twice the strength of the group, and a
 * set top bit; ECP scalars are eight octets longer than the order before they are reduced to 1 .. q-1, which leaves no bias
 * worth the name. Arithmetic with private values is OpenSSL's constant-time kind. Our object is only memory: no OpenSSL
 * objects live in it, so it can be wiped whole. What belongs to a group (curve, prime, its Montgomery form) is made once
 * for all threads, which only read it, and lives as long as the process. */
#include "ikecore/crypto/crypto_priv.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/params.h>

enum { PRIVATE_MAX = 80, ECP_EXTRA = 8, ECP_UNCOMPRESSED = 4, RAW_MAX = 56 };

struct group_alg {
	uint16_t id;
	uint16_t public_len, answer_len, shared_len, private_len;
	int nid;	/* ECP: the curve */
	const char *raw;	/* Curve25519, Curve448: the name of the key type */
	const char *kem;
	BIGNUM *(*prime)(BIGNUM *);	/* MODP */
	bool (*make_public)(const struct group_alg *, struct ike_kex *);
	bool (*make_shared)(const struct group_alg *, const struct ike_kex *, struct span peer, uint8_t *out);
	/* made by prepare_all(); NULL: the library lacks it, or there was no memory */
	EC_GROUP *curve;
	BIGNUM *p;
	BN_MONT_CTX *mont;
	bool has_kem;
};

struct ike_kex {
	const struct group_alg *alg;
	uint8_t priv[PRIVATE_MAX];
	bool has_pub;
	bool answers;	/* KEM: pub is a ciphertext, */
	uint8_t secret[KEM_SECRET_LEN];	/* of this */
	uint8_t pub[];	/* alg->public_len, or answer_len of the one who answers */
};

/* ---- MODP */

/* out = base ^ private mod p, left-padded to the length of p. */
static bool
modp_power(const struct group_alg *g, const struct ike_kex *x, const BIGNUM *base, uint8_t *out)
{
	BN_CTX *ctx = BN_CTX_secure_new();
	BIGNUM *e = BN_secure_new(), *r = BN_secure_new();
	bool ok = false;

	if (!ctx || !r || !e || !BN_bin2bn(x->priv, g->private_len, e))
		goto out;
	BN_set_flags(e, BN_FLG_CONSTTIME);
	ok = BN_mod_exp_mont_consttime(r, base, e, g->p, ctx, g->mont) && BN_bn2binpad(r, out, g->public_len) == g->public_len;
out:
	BN_clear_free(e);
	BN_clear_free(r);
	BN_CTX_free(ctx);
	return ok;
}

static bool
modp_public(const struct group_alg *g, struct ike_kex *x)
{
	BIGNUM *two = BN_new();
	bool ok = two && BN_set_word(two, 2) && modp_power(g, x, two, x->pub);

	BN_free(two);
	return ok;
}

static bool
modp_shared(const struct group_alg *g, const struct ike_kex *x, struct span peer, uint8_t *out)
{
	BIGNUM *y = BN_bin2bn(peer.p, (int)peer.n, NULL), *top = BN_dup(g->p);
	bool ok;

	/* 1 < y < p-1 */
	ok = top && y && BN_sub_word(top, 1) && BN_cmp(y, BN_value_one()) > 0 && BN_cmp(y, top) < 0 && modp_power(g, x, y, out);
	BN_free(top);
	BN_free(y);
	return ok;
}

/* ---- ECP */

static BIGNUM *
ecp_scalar(const struct group_alg *g, const struct ike_kex *x, BN_CTX *ctx)
{
	BIGNUM *k = BN_secure_new(), *q = BN_dup(EC_GROUP_get0_order(g->curve));

	if (k && q && BN_bin2bn(x->priv, g->private_len, k)) {
		BN_set_flags(k, BN_FLG_CONSTTIME);
		if (BN_sub_word(q, 1) && BN_mod(k, k, q, ctx) && BN_add_word(k, 1)) {
			BN_free(q);
			return k;
		}
	}
	BN_free(q);
	BN_clear_free(k);
	return NULL;
}

static bool
ecp_public(const struct group_alg *g, struct ike_kex *x)
{
	BN_CTX *ctx = BN_CTX_secure_new();
	EC_POINT *pub = EC_POINT_new(g->curve);
	BIGNUM *k = pub && ctx ? ecp_scalar(g, x, ctx) : NULL;
	uint8_t point[1 + IKE_ECP_PUBLIC_MAX];
	bool ok;

	ok = k && EC_POINT_mul(g->curve, pub, k, NULL, NULL, ctx) &&
	    EC_POINT_point2oct(g->curve, pub, POINT_CONVERSION_UNCOMPRESSED, point, sizeof(point), ctx) == 1u + g->public_len;
	if (ok)
		memcpy(x->pub, point + 1, g->public_len);
	BN_clear_free(k);
	EC_POINT_free(pub);
	BN_CTX_free(ctx);
	return ok;
}

/* x | y to a point that is on the curve; a lone 0 for infinity cannot be said in this form. */
static bool
ecp_import(const struct group_alg *g, struct span peer, EC_POINT *out, BN_CTX *ctx)
{
	uint8_t point[1 + IKE_ECP_PUBLIC_MAX];

	point[0] = ECP_UNCOMPRESSED;
	memcpy(point + 1, peer.p, g->public_len);
	return EC_POINT_oct2point(g->curve, out, point, 1u + g->public_len, ctx) && EC_POINT_is_on_curve(g->curve, out, ctx) == 1 &&
	    !EC_POINT_is_at_infinity(g->curve, out);
}

static bool
ecp_shared(const struct group_alg *g, const struct ike_kex *x, struct span peer, uint8_t *out)
{
	BN_CTX *ctx = BN_CTX_secure_new();
	EC_POINT *theirs = EC_POINT_new(g->curve), *product = EC_POINT_new(g->curve);
	BIGNUM *k = ctx ? ecp_scalar(g, x, ctx) : NULL, *sx = BN_secure_new();
	bool ok;

	ok = theirs && product && k && sx && ecp_import(g, peer, theirs, ctx) &&
	    EC_POINT_mul(g->curve, product, NULL, theirs, k, ctx) && !EC_POINT_is_at_infinity(g->curve, product) &&
	    EC_POINT_get_affine_coordinates(g->curve, product, sx, NULL, ctx) && BN_bn2binpad(sx, out, g->shared_len) == g->shared_len;
	BN_clear_free(sx);
	BN_clear_free(k);
	EC_POINT_clear_free(product);
	EC_POINT_free(theirs);
	BN_CTX_free(ctx);
	return ok;
}

/* ---- Curve25519, Curve448 */

static bool
raw_public(const struct group_alg *g, struct ike_kex *x)
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key_ex(NULL, g->raw, NULL, x->priv, g->private_len);
	size_t n = g->public_len;
	bool ok = key && EVP_PKEY_get_raw_public_key(key, x->pub, &n) == 1 && n == g->public_len;

	EVP_PKEY_free(key);
	return ok;
}

/* With the public half at hand, OpenSSL need not compute it again. */
static EVP_PKEY *
raw_pair(const struct group_alg *g, const struct ike_kex *x)
{
	OSSL_PARAM params[3];
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *key = NULL;

	if (!x->has_pub)
		return EVP_PKEY_new_raw_private_key_ex(NULL, g->raw, NULL, x->priv, g->private_len);
	params[0] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, (void *)(uintptr_t)x->priv, g->private_len);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)x->pub, g->public_len);
	params[2] = OSSL_PARAM_construct_end();
	ctx = EVP_PKEY_CTX_new_from_name(NULL, g->raw, NULL);
	if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static bool
raw_shared(const struct group_alg *g, const struct ike_kex *x, struct span peer, uint8_t *out)
{
	static const uint8_t zero[RAW_MAX];
	EVP_PKEY *mine = raw_pair(g, x);
	EVP_PKEY *theirs = EVP_PKEY_new_raw_public_key_ex(NULL, g->raw, NULL, peer.p, peer.n);
	EVP_PKEY_CTX *ctx = mine ? EVP_PKEY_CTX_new_from_pkey(NULL, mine, NULL) : NULL;
	size_t n = g->shared_len;
	bool ok;

	ok = ctx && theirs && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer_ex(ctx, theirs, 0) == 1 &&
	    EVP_PKEY_derive(ctx, out, &n) == 1 && n == g->shared_len && !ike_ct_eq(out, zero, g->shared_len);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(theirs);
	EVP_PKEY_free(mine);
	return ok;
}

/* ---- ML-KEM */

static bool
ml_public(const struct group_alg *g, struct ike_kex *x)
{
	return kem_public(g->kem, x->priv, x->pub, g->public_len);
}

static bool
ml_shared(const struct group_alg *g, const struct ike_kex *x, struct span peer, uint8_t *out)
{
	if (!x->answers)
		return kem_decapsulate(g->kem, x->priv, peer, out);
	memcpy(out, x->secret, sizeof(x->secret));
	return true;
}

/* ---- the face */

#define MODP(n, bits, exponent, rfc) \
	{ .id = n, .public_len = bits / 8, .answer_len = bits / 8, .shared_len = bits / 8, .private_len = exponent / 8, \
		.prime = BN_get_rfc##rfc##_prime_##bits, .make_public = modp_public, .make_shared = modp_shared }
#define ECP(n, octets, curve_nid) \
	{ .id = n, .public_len = 2 * octets, .answer_len = 2 * octets, .shared_len = octets, .private_len = octets + ECP_EXTRA, \
		.nid = curve_nid, .make_public = ecp_public, .make_shared = ecp_shared }
#define RAW(n, octets, name) \
	{ .id = n, .public_len = octets, .answer_len = octets, .shared_len = octets, .private_len = octets, .raw = name, \
		.make_public = raw_public, .make_shared = raw_shared }
#define KEM(n, ek, ciphertext, name) \
	{ .id = n, .public_len = ek, .answer_len = ciphertext, .shared_len = KEM_SECRET_LEN, .private_len = KEM_SEED_LEN, .kem = name, \
		.make_public = ml_public, .make_shared = ml_shared }
static struct group_alg groups[] = {
	MODP(2, 1024, 160, 2409),
	MODP(5, 1536, 200, 3526),
	MODP(14, 2048, 232, 3526),
	MODP(15, 3072, 280, 3526),
	MODP(16, 4096, 328, 3526),
	MODP(17, 6144, 376, 3526),
	MODP(18, 8192, 400, 3526),
	ECP(19, 32, NID_X9_62_prime256v1),
	ECP(20, 48, NID_secp384r1),
	ECP(21, 66, NID_secp521r1),
	RAW(31, 32, "X25519"),
	RAW(32, 56, "X448"),
	KEM(36, 1184, 1088, "ML-KEM-768"),
	KEM(37, 1568, 1568, "ML-KEM-1024"),
};
static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;

static void
prepare_modp(struct group_alg *g)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *p = g->prime(NULL);
	BN_MONT_CTX *mont = BN_MONT_CTX_new();

	if (ctx && p && mont && BN_MONT_CTX_set(mont, p, ctx)) {
		g->p = p;
		g->mont = mont;
	} else {
		BN_free(p);
		BN_MONT_CTX_free(mont);
	}
	BN_CTX_free(ctx);
}

static void
prepare_all(void)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		struct group_alg *g = &groups[i];

		if (g->prime)
			prepare_modp(g);
		else if (g->kem)
			g->has_kem = kem_has(g->kem);
		else if (g->nid != NID_undef)
			g->curve = EC_GROUP_new_by_curve_name(g->nid);
	}
}

static const struct group_alg *
group_find(uint16_t id)
{
	CRYPTO_THREAD_run_once(&once, prepare_all);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (groups[i].id == id)
			return groups[i].p || groups[i].curve || groups[i].raw || groups[i].has_kem ? &groups[i] : NULL;
	return NULL;
}

size_t
ike_group_public_len(uint16_t group)
{
	const struct group_alg *g = group_find(group);

	return g ? g->public_len : 0;
}

size_t
ike_group_answer_len(uint16_t group)
{
	const struct group_alg *g = group_find(group);

	return g ? g->answer_len : 0;
}

static size_t
pub_room(const struct group_alg *g)
{
	return g->public_len > g->answer_len ? g->public_len : g->answer_len;
}

struct ike_kex *
ike_kex_new(const struct env *env, uint16_t group)
{
	const struct group_alg *g = group_find(group);
	struct ike_kex *x = g ? env_alloc(env, sizeof(*x) + pub_room(g)) : NULL;

	if (!x)
		return NULL;
	x->alg = g;
	env->random(env->ctx, x->priv, g->private_len);
	if (g->prime)
		x->priv[0] |= 0x80;
	return x;
}

void
ike_kex_free(const struct env *env, struct ike_kex *x)
{
	if (!x)
		return;
	OPENSSL_cleanse(x, sizeof(*x) + pub_room(x->alg));
	env_free(env, x);
}

uint16_t
ike_kex_group(const struct ike_kex *x)
{
	return x->alg->id;
}

struct span
ike_kex_public(struct ike_kex *x)
{
	if (!x->has_pub)
		x->has_pub = !x->answers && x->alg->make_public(x->alg, x);
	return span_of(x->pub, !x->has_pub ? 0 : x->answers ? x->alg->answer_len : x->alg->public_len);
}

struct span
ike_kex_answer(struct ike_kex *x, struct span peer)
{
	const struct group_alg *g = x->alg;

	if (g->kem && !x->has_pub) {
		x->answers = true;
		x->has_pub = peer.n == g->public_len && kem_encapsulate(g->kem, peer, x->priv, x->pub, g->answer_len, x->secret);
		if (!x->has_pub)
			ERR_clear_error();
	}
	return ike_kex_public(x);
}

size_t
ike_kex_shared(struct ike_kex *x, struct span peer, uint8_t out[static IKE_SHARED_MAX])
{
	size_t want = x->answers || !x->alg->kem ? x->alg->public_len : x->alg->answer_len;

	if (peer.n == want && (!x->answers || x->has_pub) && x->alg->make_shared(x->alg, x, peer, out))
		return x->alg->shared_len;
	/* What a peer sent must not pile up in this thread's error queue. */
	ERR_clear_error();
	OPENSSL_cleanse(out, IKE_SHARED_MAX);
	return 0;
}
