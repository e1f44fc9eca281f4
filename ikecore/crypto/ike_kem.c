/* ikecore/crypto/ike_kem.c: ML-KEM (FIPS 203) as a key exchange method, draft-ietf-ipsecme-ikev2-mlkem.
 *
 * Who begins sends an encapsulation key, who answers a ciphertext for it; the secret has 32 octets. There is no value of the
 * answering side before the other one's is known. As for the other methods all randomness is drawn by the caller: a key pair comes
 * of 64 octets (d | z of FIPS 203, 7.1), a ciphertext of 32 (m of 7.2), so that the same octets give the same values.
 *
 * OpenSSL has it from 3.5 on. Everything here goes by fetched names, so what is built with an older one works with a newer one, and
 * where the library at hand has no such KEM kem_has() says so. An encapsulation key that is not one (7.2, modulus check) is refused by
 * the library when it is taken in. A wrong ciphertext of the right length gives another secret and no error (implicit
 * rejection): authentication then fails. */
#include "ikecore/crypto/crypto_priv.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>

/* Names of parameters that older headers do not have. */
#define PARAM_SEED	"seed"
#define PARAM_IKME	"ikme"

bool
kem_has(const char *name)
{
	EVP_KEM *kem = EVP_KEM_fetch(NULL, name, NULL);
	bool has = kem != NULL;

	EVP_KEM_free(kem);
	if (!has)
		ERR_clear_error();
	return has;
}

static OSSL_PARAM
octets(const char *name, const uint8_t *p, size_t n)
{
	return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)p, n);
}

static EVP_PKEY *
pair_of(const char *name, const uint8_t seed[static KEM_SEED_LEN])
{
	OSSL_PARAM params[2] = { octets(PARAM_SEED, seed, KEM_SEED_LEN), OSSL_PARAM_construct_end() };
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, name, NULL);
	EVP_PKEY *key = NULL;

	if (!ctx || EVP_PKEY_keygen_init(ctx) != 1 || EVP_PKEY_CTX_set_params(ctx, params) != 1 || EVP_PKEY_generate(ctx, &key) != 1) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	EVP_PKEY_CTX_free(ctx);
	return key;
}

bool
kem_public(const char *name, const uint8_t seed[static KEM_SEED_LEN], uint8_t *out, size_t n)
{
	EVP_PKEY *key = pair_of(name, seed);
	size_t len = 0;
	bool ok = key && EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, out, n, &len) == 1 && len == n;

	EVP_PKEY_free(key);
	return ok;
}

static EVP_PKEY *
public_of(const char *name, struct span ek)
{
	OSSL_PARAM params[2] = { octets(OSSL_PKEY_PARAM_PUB_KEY, ek.p, ek.n), OSSL_PARAM_construct_end() };
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, name, NULL);
	EVP_PKEY *key = NULL;

	if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

bool
kem_encapsulate(const char *name, struct span ek, const uint8_t m[static KEM_SECRET_LEN], uint8_t *out, size_t n, uint8_t secret[static KEM_SECRET_LEN])
{
	OSSL_PARAM params[2] = { octets(PARAM_IKME, m, KEM_SECRET_LEN), OSSL_PARAM_construct_end() };
	EVP_PKEY *key = public_of(name, ek);
	EVP_PKEY_CTX *ctx = key ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL) : NULL;
	size_t len = n, secret_len = KEM_SECRET_LEN;
	bool ok;

	ok = ctx && EVP_PKEY_encapsulate_init(ctx, params) == 1 && EVP_PKEY_encapsulate(ctx, out, &len, secret, &secret_len) == 1 &&
	    len == n && secret_len == KEM_SECRET_LEN;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	return ok;
}

bool
kem_decapsulate(const char *name, const uint8_t seed[static KEM_SEED_LEN], struct span ciphertext, uint8_t secret[static KEM_SECRET_LEN])
{
	EVP_PKEY *key = pair_of(name, seed);
	EVP_PKEY_CTX *ctx = key ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL) : NULL;
	size_t len = KEM_SECRET_LEN;
	bool ok;

	ok = ctx && EVP_PKEY_decapsulate_init(ctx, NULL) == 1 && EVP_PKEY_decapsulate(ctx, secret, &len, ciphertext.p, ciphertext.n) == 1 &&
	    len == KEM_SECRET_LEN;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	return ok;
}
