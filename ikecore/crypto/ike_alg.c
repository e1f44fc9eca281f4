/* ikecore/crypto/ike_alg.c: which algorithms there are. One row each; a row whose algorithm the library cannot fetch counts as
 * unknown, so nothing is offered that cannot be done (CVE-2016-3071). Fetching is costly in OpenSSL 3 and is done once
 * for all threads; the fetched objects live as long as the process. */
#include "ikecore/crypto/crypto_priv.h"

#include <stdatomic.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

enum { ENCR_3DES = 3, ENCR_NULL = 11, ENCR_AES_CBC = 12, ENCR_AES_CTR = 13, ENCR_AES_GCM_16 = 20, ENCR_CHACHA20_POLY1305 = 28 };
enum { HMAC_SHA1 = 2 /* as PRF and as integrity transform */, MODP_1024 = 2, MODP_1536 = 5 };

#define GCM(bits, name) { ENCR_AES_GCM_16, bits, CIPHER_AEAD, { bits / 8, 4, 8, 1, 16, true }, name, NULL }
#define CBC(bits, name) { ENCR_AES_CBC, bits, CIPHER_CBC, { bits / 8, 0, 16, 16, 0, false }, name, NULL }
#define CTR(bits, name) { ENCR_AES_CTR, bits, CIPHER_CTR, { bits / 8, 4, 8, 1, 0, false }, name, NULL }
static struct cipher_alg ciphers[] = {
	GCM(128, "AES-128-GCM"),
	GCM(192, "AES-192-GCM"),
	GCM(256, "AES-256-GCM"),
	{ ENCR_CHACHA20_POLY1305, 0, CIPHER_AEAD, { 32, 4, 8, 1, 16, true }, "ChaCha20-Poly1305", NULL },
	CBC(128, "AES-128-CBC"),
	CBC(192, "AES-192-CBC"),
	CBC(256, "AES-256-CBC"),
	CTR(128, "AES-128-CTR"),
	CTR(192, "AES-192-CTR"),
	CTR(256, "AES-256-CTR"),
	{ ENCR_3DES, 0, CIPHER_CBC, { 24, 0, 8, 8, 0, false }, "DES-EDE3-CBC", NULL },
	{ ENCR_NULL, 0, CIPHER_NULL, { 0, 0, 8, 1, 16, true }, NULL, NULL },
};

static struct hmac_alg hmacs[] = {
	{ HMAC_SHA1, HMAC_SHA1, 20, 12, "SHA1", NULL },
	{ 5, 12, 32, 16, "SHA256", NULL },
	{ 6, 13, 48, 24, "SHA384", NULL },
	{ 7, 14, 64, 32, "SHA512", NULL },
	{ IKE_PRF_TEST_SHA224, IKE_PRF_TEST_SHA224, 28, 14, "SHA224", NULL },
};

static EVP_MD *md_sha1, *md_sha256;
static atomic_bool tests_allowed;
static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

static EVP_MAC_CTX *
hmac_ready(EVP_MAC *mac, const char *digest)
{
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t)digest, 0), OSSL_PARAM_END };
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);

	/* A keyless HMAC cannot be copied; this key is replaced in every copy. */
	if (ctx && !EVP_MAC_init(ctx, (const unsigned char *)"x", 1, params)) {
		EVP_MAC_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

static void
fetch_all(void)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	for (size_t i = 0; i < N_OF(ciphers); i++)
		if (ciphers[i].name)
			ciphers[i].evp = EVP_CIPHER_fetch(NULL, ciphers[i].name, NULL);
	for (size_t i = 0; mac && i < N_OF(hmacs); i++)
		hmacs[i].ready = hmac_ready(mac, hmacs[i].digest);
	EVP_MAC_free(mac);
	md_sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	md_sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

static void
fetch_once(void)
{
	CRYPTO_THREAD_run_once(&once, fetch_all);
}

const struct cipher_alg *
alg_cipher(uint16_t encr, uint16_t bits)
{
	fetch_once();
	for (size_t i = 0; i < N_OF(ciphers); i++) {
		const struct cipher_alg *a = &ciphers[i];

		if (a->id == encr && a->bits == bits)
			return a->evp || (a->kind == CIPHER_NULL && atomic_load(&tests_allowed)) ? a : NULL;
	}
	return NULL;
}

static const struct hmac_alg *
hmac_usable(const struct hmac_alg *a)
{
	return a->ready && (a->prf != IKE_PRF_TEST_SHA224 || atomic_load(&tests_allowed)) ? a : NULL;
}

const struct hmac_alg *
alg_prf(uint16_t prf)
{
	fetch_once();
	for (size_t i = 0; i < N_OF(hmacs); i++)
		if (hmacs[i].prf == prf)
			return hmac_usable(&hmacs[i]);
	return NULL;
}

const struct hmac_alg *
alg_integ(uint16_t integ)
{
	fetch_once();
	for (size_t i = 0; i < N_OF(hmacs); i++)
		if (hmacs[i].integ == integ)
			return hmac_usable(&hmacs[i]);
	return NULL;
}

const EVP_MD *
alg_sha1(void)
{
	fetch_once();
	return md_sha1;
}

const EVP_MD *
alg_sha256(void)
{
	fetch_once();
	return md_sha256;
}

bool
ike_encr_info(uint16_t encr, uint16_t bits, struct ike_encr_info *out)
{
	const struct cipher_alg *a = alg_cipher(encr, bits);

	if (!a)
		return false;
	*out = a->info;
	return true;
}

bool
ike_integ_info(uint16_t integ, struct ike_integ_info *out)
{
	const struct hmac_alg *a = alg_integ(integ);

	if (!a)
		return false;
	*out = (struct ike_integ_info){ a->len, a->icv_len };
	return true;
}

size_t
ike_prf_len(uint16_t prf)
{
	const struct hmac_alg *a = alg_prf(prf);

	return a ? a->len : 0;
}

bool
ike_encr_legacy(uint16_t encr)
{
	return encr == ENCR_3DES;
}

bool
ike_hash_legacy(uint16_t prf_or_integ)
{
	return prf_or_integ == HMAC_SHA1;
}

bool
ike_group_legacy(uint16_t group)
{
	return group == MODP_1024 || group == MODP_1536;
}

void
ike_crypto_allow_for_tests(bool allow)
{
	atomic_store(&tests_allowed, allow);
}

bool
ike_ct_eq(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

void
ike_wipe(void *p, size_t n)
{
	OPENSSL_cleanse(p, n);
}
