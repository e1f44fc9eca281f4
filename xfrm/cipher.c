#include "xfrm/cipher.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "lib/span.h"

struct esp_key {
	const struct env *env;
	const struct esp_suite *suite;
	EVP_CIPHER_CTX *ctx;
	EVP_MAC_CTX *mac;	/* NULL with an AEAD */
	uint8_t salt[4];
};

enum { AAD_MAX = 12, AEAD_NONCE = 12, HMAC_MAX = 64 };

/* RFC 4106, section 5: SPI and sequence number, the latter 64 bits wide with ESN. */
static size_t
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

static bool
aead_seal(struct esp_key *k, const struct esp_block *b)
{
	uint8_t *iv = b->esp + ESP_HEADER, *text = iv + k->suite->iv;
	uint8_t nonce[AEAD_NONCE], aad[AAD_MAX];
	int n = 0, aad_n = (int)aead_aad(b, aad);

	put_be32(iv, b->seq_hi);
	memcpy(iv + 4, b->esp + 4, 4);
	memcpy(nonce, k->salt, 4);
	memcpy(nonce + 4, iv, 8);
	return EVP_EncryptInit_ex(k->ctx, NULL, NULL, NULL, nonce) == 1 && EVP_EncryptUpdate(k->ctx, NULL, &n, aad, aad_n) == 1 &&
	    EVP_EncryptUpdate(k->ctx, text, &n, text, (int)b->text) == 1 && EVP_EncryptFinal_ex(k->ctx, text + b->text, &n) == 1 &&
	    EVP_CIPHER_CTX_ctrl(k->ctx, EVP_CTRL_AEAD_GET_TAG, k->suite->icv, text + b->text) == 1;
}

static bool
aead_open(struct esp_key *k, const struct esp_block *b)
{
	uint8_t *iv = b->esp + ESP_HEADER, *text = iv + k->suite->iv;
	uint8_t nonce[AEAD_NONCE], aad[AAD_MAX], none[16];
	int n = 0, aad_n = (int)aead_aad(b, aad);

	memcpy(nonce, k->salt, 4);
	memcpy(nonce + 4, iv, 8);
	return EVP_DecryptInit_ex(k->ctx, NULL, NULL, NULL, nonce) == 1 && EVP_DecryptUpdate(k->ctx, NULL, &n, aad, aad_n) == 1 &&
	    EVP_DecryptUpdate(k->ctx, text, &n, text, (int)b->text) == 1 &&
	    EVP_CIPHER_CTX_ctrl(k->ctx, EVP_CTRL_AEAD_SET_TAG, k->suite->icv, text + b->text) == 1 &&
	    EVP_DecryptFinal_ex(k->ctx, none, &n) == 1;
}

/* RFC 4303, section 2.8: over header, IV and text, and the high sequence half that is not sent. */
static bool
cbc_icv(struct esp_key *k, const struct esp_block *b, uint8_t out[static HMAC_MAX])
{
	uint8_t hi[4];
	size_t n = 0;

	put_be32(hi, b->seq_hi);
	return EVP_MAC_init(k->mac, NULL, 0, NULL) == 1 &&
	    EVP_MAC_update(k->mac, b->esp, ESP_HEADER + (size_t)k->suite->iv + b->text) == 1 &&
	    (!b->esn || EVP_MAC_update(k->mac, hi, sizeof(hi)) == 1) && EVP_MAC_final(k->mac, out, &n, HMAC_MAX) == 1;
}

static bool
cbc_seal(struct esp_key *k, const struct esp_block *b)
{
	uint8_t *iv = b->esp + ESP_HEADER, *text = iv + k->suite->iv, icv[HMAC_MAX];
	int n = 0;

	k->env->random(k->env->ctx, iv, k->suite->iv);	/* RFC 3602: not to be predicted */
	if (EVP_EncryptInit_ex(k->ctx, NULL, NULL, NULL, iv) != 1 || EVP_EncryptUpdate(k->ctx, text, &n, text, (int)b->text) != 1 ||
	    !cbc_icv(k, b, icv))
		return false;
	memcpy(text + b->text, icv, k->suite->icv);
	return true;
}

static bool
cbc_open(struct esp_key *k, const struct esp_block *b)
{
	uint8_t *iv = b->esp + ESP_HEADER, *text = iv + k->suite->iv, icv[HMAC_MAX];
	int n = 0;

	return cbc_icv(k, b, icv) && CRYPTO_memcmp(icv, text + b->text, k->suite->icv) == 0 &&
	    EVP_DecryptInit_ex(k->ctx, NULL, NULL, NULL, iv) == 1 && EVP_DecryptUpdate(k->ctx, text, &n, text, (int)b->text) == 1;
}

#define GCM(bits)                                                                                                                          \
	{                                                                                                                                  \
		"aes-gcm-" #bits, ESP_ENCR_AES_GCM_16, bits, 0, bits / 8, 4, 8, 16, 4, 0, "AES-" #bits "-GCM", NULL, aead_seal, aead_open  \
	}
#define CBC(bits, word, id, icv, mac, digest)                                                                                              \
	{                                                                                                                                  \
		"aes-cbc-" #bits "-" word, ESP_ENCR_AES_CBC, bits, id, bits / 8, 0, 16, icv, 16, mac, "AES-" #bits "-CBC", digest,         \
		    cbc_seal, cbc_open                                                                                                     \
	}
#define CBC_ALL(word, id, icv, mac, digest)                                                                                                \
	CBC(128, word, id, icv, mac, digest), CBC(192, word, id, icv, mac, digest), CBC(256, word, id, icv, mac, digest)

static const struct esp_suite suites[] = {
	GCM(128), GCM(192), GCM(256),
	{ "chacha20-poly1305", ESP_ENCR_CHACHA20, 0, 0, 32, 4, 8, 16, 4, 0, "ChaCha20-Poly1305", NULL, aead_seal, aead_open },
	CBC_ALL("sha1-96", ESP_INTEG_SHA1_96, 12, 20, "SHA1"), CBC_ALL("sha256-128", ESP_INTEG_SHA256_128, 16, 32, "SHA256"),
	CBC_ALL("sha384-192", ESP_INTEG_SHA384_192, 24, 48, "SHA384"), CBC_ALL("sha512-256", ESP_INTEG_SHA512_256, 32, 64, "SHA512"),
};

const struct esp_suite *
esp_suite_find(uint16_t encr, uint16_t bits, uint16_t integ)
{
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		if (suites[i].encr == encr && suites[i].bits == bits && suites[i].integ == integ)
			return &suites[i];
	return NULL;
}

static bool
key_cipher(struct esp_key *k, const uint8_t *key, bool sealing)
{
	const struct esp_suite *s = k->suite;
	EVP_CIPHER *c = EVP_CIPHER_fetch(NULL, s->cipher, NULL);
	bool ok = false;

	k->ctx = EVP_CIPHER_CTX_new();
	if (!c || !k->ctx || EVP_CipherInit_ex(k->ctx, c, NULL, NULL, NULL, sealing) != 1)
		goto out;
	if (!s->digest && EVP_CIPHER_CTX_ctrl(k->ctx, EVP_CTRL_AEAD_SET_IVLEN, AEAD_NONCE, NULL) != 1)
		goto out;
	ok = EVP_CipherInit_ex(k->ctx, NULL, NULL, key, NULL, sealing) == 1 && EVP_CIPHER_CTX_set_padding(k->ctx, 0) == 1;
out:
	EVP_CIPHER_free(c);
	return ok;
}

static bool
key_mac(struct esp_key *k, const uint8_t *key)
{
	EVP_MAC *m = EVP_MAC_fetch(NULL, "HMAC", NULL);
	char name[16] = { 0 };
	OSSL_PARAM p[2];

	strncpy(name, k->suite->digest, sizeof(name) - 1);
	p[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0);
	p[1] = OSSL_PARAM_construct_end();
	k->mac = m ? EVP_MAC_CTX_new(m) : NULL;
	EVP_MAC_free(m);
	return k->mac && EVP_MAC_init(k->mac, key, k->suite->integ_key, p) == 1;
}

struct esp_key *
esp_key_new(const struct env *env, const struct esp_suite *s, const uint8_t *encr, const uint8_t *integ, bool sealing)
{
	struct esp_key *k = env_alloc(env, sizeof(*k));

	if (!k)
		return NULL;
	k->env = env;
	k->suite = s;
	memcpy(k->salt, encr + s->key, s->salt);
	if (!key_cipher(k, encr, sealing) || (s->digest && !key_mac(k, integ))) {
		esp_key_free(k);
		return NULL;
	}
	return k;
}

void
esp_key_free(struct esp_key *k)
{
	const struct env *env;

	if (!k)
		return;
	env = k->env;
	EVP_CIPHER_CTX_free(k->ctx);	/* OpenSSL wipes its key schedule */
	EVP_MAC_CTX_free(k->mac);
	OPENSSL_cleanse(k, sizeof(*k));
	env_free(env, k);
}

bool
esp_seal(struct esp_key *k, const struct esp_block *b)
{
	return k->suite->seal(k, b);
}

bool
esp_open(struct esp_key *k, const struct esp_block *b)
{
	return k->suite->open(k, b);
}
