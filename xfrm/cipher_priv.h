/* xfrm/cipher_priv.h: between cipher.c, which does every suite by OpenSSL, and cipher_mb.c, which does some of them by ipsec-mb. */
#ifndef XFRM_CIPHER_PRIV_H
#define XFRM_CIPHER_PRIV_H

#include "lib/span.h"
#include "xfrm/cipher.h"

enum { AAD_MAX = 12, AEAD_NONCE = 12 };

struct iv_source;
struct mb_key;

struct esp_key {
	const struct env *env;
	const struct esp_suite *suite;
	esp_pass_fn *seal, *open;
	struct mb_key *mb;	/* ipsec-mb's; else NULL, and what follows is used */
	struct evp_cipher_ctx_st *ctx;
	struct evp_mac_ctx_st *mac;	/* NULL with an AEAD */
	struct iv_source *ivs;	/* sealing with CBC */
	uint8_t salt[4];
};

/* RFC 4106, section 5: SPI and sequence number, the latter 64 bits wide with ESN. Octets written. */
static inline size_t
aead_aad(const struct esp_block *b, uint8_t out[static AAD_MAX])
{
	if (!b->esn) {
		memcpy(out, b->esp, 8);
		return 8;
	}
	memcpy(out, b->esp, 4);
	put_be32(out + 4, b->seq_hi);
	memcpy(out + 8, b->esp + 4, 4);
	return 12;
}

static inline void
aead_nonce(const struct esp_key *k, const uint8_t *iv, uint8_t out[static AEAD_NONCE])
{
	memcpy(out, k->salt, 4);
	memcpy(out + 4, iv, 8);
}

/* Is it there, and can it do what this program asks of it? Once for the whole process: a sentence that says why not, or NULL. */
const char *mb_start(void);
const char *mb_what(void);	/* "ipsec-mb 1.3.0, AVX512" */
bool	mb_has(const struct esp_suite *s);
/* Key and functions of k for a suite it has. False without memory. */
bool	mb_key(struct esp_key *k, const uint8_t *key);
void	mb_key_free(struct esp_key *k);

/* By OpenSSL whatever was chosen; what mb_start() compares with. */
struct esp_key *esp_key_by_openssl(const struct env *env, const struct esp_suite *s, const uint8_t *encr, const uint8_t *integ, bool sealing);
struct esp_key *esp_key_by_mb(const struct env *env, const struct esp_suite *s, const uint8_t *encr);

#endif
