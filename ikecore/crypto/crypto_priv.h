/* ikecore/crypto/crypto_priv.h: the tables of algorithms and what the files of crypto/ share. */
#ifndef IKECORE_CRYPTO_CRYPTO_PRIV_H
#define IKECORE_CRYPTO_CRYPTO_PRIV_H

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "ikecore/crypto/ike_crypto.h"

enum cipher_kind { CIPHER_AEAD, CIPHER_CBC, CIPHER_CTR, CIPHER_NULL };

struct cipher_alg {
	uint16_t id, bits;
	enum cipher_kind kind;
	struct ike_encr_info info;
	const char *name;
	EVP_CIPHER *evp;	/* fetched; NULL: the library lacks it */
};

struct hmac_alg {	/* one hash serves as PRF and as integrity transform */
	uint16_t prf, integ;
	uint8_t len, icv_len;
	const char *digest;
	EVP_MAC_CTX *ready;	/* with digest set, to be copied; NULL: the library lacks it */
};

/* NULL where there is none. The first call of any fetches everything. */
const struct cipher_alg *alg_cipher(uint16_t encr, uint16_t bits);
const struct hmac_alg *alg_prf(uint16_t prf);
const struct hmac_alg *alg_integ(uint16_t integ);
const EVP_MD *alg_sha1(void);
const EVP_MD *alg_sha256(void);

/* HMAC of the concatenation; n octets of it go to out (n <= a->len). */
bool	hmac_spans(const struct hmac_alg *a, struct span key, const struct span *data, unsigned n_data, uint8_t *out, size_t n);
/* What a direction needs: fills in ids and lengths; false where encr and integ are unknown or do not go together. */
bool	protect_shape(struct ike_protect *p, uint16_t encr, uint16_t bits, uint16_t integ);

/* ---- ike_kem.c; name: of the KEM in OpenSSL. Any thread. Temporaries are the library's, which wipes them. */
enum { KEM_SEED_LEN = 64, KEM_SECRET_LEN = 32 };
bool	kem_has(const char *name);
bool	kem_public(const char *name, const uint8_t seed[static KEM_SEED_LEN], uint8_t *out, size_t n);	/* encapsulation key */
bool	kem_encapsulate(const char *name, struct span ek, const uint8_t m[static KEM_SECRET_LEN], uint8_t *out, size_t n,
    uint8_t secret[static KEM_SECRET_LEN]);	/* out: ciphertext */
bool	kem_decapsulate(const char *name, const uint8_t seed[static KEM_SEED_LEN], struct span ciphertext, uint8_t secret[static KEM_SECRET_LEN]);

#endif
