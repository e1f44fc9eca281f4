#include "xfrm/cipher_priv.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>

enum { HMAC_MAX = 64, BLOCK = 16, IVS_OCTETS = 256 };

/* IVs that nobody can foresee (RFC 3602, section 3; RFC 2451 for 3DES), without asking the system for each packet: the key
 * stream of AES in counter mode under a key that was drawn for this SA, a few packets' worth at a time. */
struct iv_source {
	EVP_CIPHER_CTX *stream;
	unsigned used;
	uint8_t octets[IVS_OCTETS];
};

static bool
aead_seal(struct esp_key *k, const struct esp_block *b)
{
	uint8_t *iv = b->esp + ESP_HEADER, *text = iv + k->suite->iv;
	uint8_t nonce[AEAD_NONCE], aad[AAD_MAX];
	int n = 0, aad_n = (int)aead_aad(b, aad);

	put_be32(iv, b->seq_hi);
	memcpy(iv + 4, b->esp + 4, 4);
	aead_nonce(k, iv, nonce);
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

	aead_nonce(k, iv, nonce);
	return EVP_DecryptInit_ex(k->ctx, NULL, NULL, NULL, nonce) == 1 && EVP_DecryptUpdate(k->ctx, NULL, &n, aad, aad_n) == 1 &&
	    EVP_DecryptUpdate(k->ctx, text, &n, text, (int)b->text) == 1 &&
	    EVP_CIPHER_CTX_ctrl(k->ctx, EVP_CTRL_AEAD_SET_TAG, k->suite->icv, text + b->text) == 1 &&
	    EVP_DecryptFinal_ex(k->ctx, none, &n) == 1;
}

/* RFC 4303, section 2.8: over header, IV and text, and the high sequence half that is not sent. */
static bool
mac_icv(struct esp_key *k, const struct esp_block *b, uint8_t out[static HMAC_MAX])
{
	uint8_t hi[4];
	size_t n = 0;

	put_be32(hi, b->seq_hi);
	return EVP_MAC_init(k->mac, NULL, 0, NULL) == 1 &&
	    EVP_MAC_update(k->mac, b->esp, ESP_HEADER + (size_t)k->suite->iv + b->text) == 1 &&
	    (!b->esn || EVP_MAC_update(k->mac, hi, sizeof(hi)) == 1) && EVP_MAC_final(k->mac, out, &n, HMAC_MAX) == 1;
}

static bool
iv_draw(struct iv_source *s, uint8_t *out, size_t n)
{
	int len = 0;

	if (s->used + n > sizeof(s->octets)) {
		memset(s->octets, 0, sizeof(s->octets));
		if (EVP_EncryptUpdate(s->stream, s->octets, &len, s->octets, sizeof(s->octets)) != 1)
			return false;
		s->used = 0;
	}
	memcpy(out, s->octets + s->used, n);
	s->used += (unsigned)n;
	return true;
}

/* What the cipher starts from. RFC 3686, section 4: with CTR salt, IV and a counter from 1. */
static const uint8_t *
first_block(const struct esp_key *k, const uint8_t *iv, uint8_t block[static BLOCK])
{
	if (k->suite->encr != ESP_ENCR_AES_CTR)
		return iv;
	memcpy(block, k->salt, 4);
	memcpy(block + 4, iv, 8);
	put_be32(block + 12, 1);
	return block;
}

static bool
mac_seal(struct esp_key *k, const struct esp_block *b)
{
	uint8_t *iv = b->esp + ESP_HEADER, *text = iv + k->suite->iv, icv[HMAC_MAX], block[BLOCK];
	int n = 0;

	if (k->ivs) {
		if (!iv_draw(k->ivs, iv, k->suite->iv))
			return false;
	} else {	/* CTR: never the same twice, as with an AEAD */
		put_be32(iv, b->seq_hi);
		memcpy(iv + 4, b->esp + 4, 4);
	}
	if (EVP_EncryptInit_ex(k->ctx, NULL, NULL, NULL, first_block(k, iv, block)) != 1 ||
	    EVP_EncryptUpdate(k->ctx, text, &n, text, (int)b->text) != 1 || !mac_icv(k, b, icv))
		return false;
	memcpy(text + b->text, icv, k->suite->icv);
	return true;
}

static bool
mac_open(struct esp_key *k, const struct esp_block *b)
{
	uint8_t *iv = b->esp + ESP_HEADER, *text = iv + k->suite->iv, icv[HMAC_MAX], block[BLOCK];
	int n = 0;

	return mac_icv(k, b, icv) && CRYPTO_memcmp(icv, text + b->text, k->suite->icv) == 0 &&
	    EVP_DecryptInit_ex(k->ctx, NULL, NULL, NULL, first_block(k, iv, block)) == 1 &&
	    EVP_DecryptUpdate(k->ctx, text, &n, text, (int)b->text) == 1;
}

#define GCM(bits)                                                                                                                          \
	{                                                                                                                                  \
		"aes-gcm-" #bits, ESP_ENCR_AES_GCM_16, bits, 0, bits / 8, 4, 8, 16, 4, 0, "AES-" #bits "-GCM", NULL, aead_seal, aead_open  \
	}
/* One cipher with each of the hashes. */
#define MAC(name, encr, bits, key, salt, iv, align, cipher)                                                                                \
	{ name "-sha1-96", encr, bits, ESP_INTEG_SHA1_96, key, salt, iv, 12, align, 20, cipher, "SHA1", mac_seal, mac_open },              \
	{ name "-sha256-128", encr, bits, ESP_INTEG_SHA256_128, key, salt, iv, 16, align, 32, cipher, "SHA256", mac_seal, mac_open },      \
	{ name "-sha384-192", encr, bits, ESP_INTEG_SHA384_192, key, salt, iv, 24, align, 48, cipher, "SHA384", mac_seal, mac_open },      \
	{ name "-sha512-256", encr, bits, ESP_INTEG_SHA512_256, key, salt, iv, 32, align, 64, cipher, "SHA512", mac_seal, mac_open }
#define CBC(bits) MAC("aes-cbc-" #bits, ESP_ENCR_AES_CBC, bits, bits / 8, 0, 16, 16, "AES-" #bits "-CBC")
#define CTR(bits) MAC("aes-ctr-" #bits, ESP_ENCR_AES_CTR, bits, bits / 8, 4, 8, 4, "AES-" #bits "-CTR")

static const struct esp_suite suites[] = {
	GCM(128), GCM(192), GCM(256),
	{ "chacha20-poly1305", ESP_ENCR_CHACHA20, 0, 0, 32, 4, 8, 16, 4, 0, "ChaCha20-Poly1305", NULL, aead_seal, aead_open },
	CBC(128), CBC(192), CBC(256), CTR(128), CTR(192), CTR(256),
	MAC("3des", ESP_ENCR_3DES, 0, 24, 0, 8, 8, "DES-EDE3-CBC"),
};
enum { SUITES = sizeof(suites) / sizeof(suites[0]) };

/* ---- what OpenSSL has, fetched once: a fetch costs more than a packet */
static struct {
	EVP_CIPHER *cipher[SUITES];
	EVP_MAC_CTX *mac[SUITES];	/* with the digest set, to be copied */
	EVP_CIPHER *stream;
} have;
static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;

static EVP_MAC_CTX *
mac_ready(EVP_MAC *hmac, const char *digest)
{
	OSSL_PARAM p[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t)digest, 0), OSSL_PARAM_END };
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(hmac);

	if (ctx && EVP_MAC_CTX_set_params(ctx, p) != 1) {
		EVP_MAC_CTX_free(ctx);
		ctx = NULL;
	}
	return ctx;
}

static void
fetch_all(void)
{
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	for (size_t i = 0; i < SUITES; i++) {
		have.cipher[i] = EVP_CIPHER_fetch(NULL, suites[i].cipher, NULL);
		if (hmac && suites[i].digest)
			have.mac[i] = mac_ready(hmac, suites[i].digest);
	}
	have.stream = EVP_CIPHER_fetch(NULL, "AES-128-CTR", NULL);
	EVP_MAC_free(hmac);
}

static size_t
suite_number(const struct esp_suite *s)
{
	CRYPTO_THREAD_run_once(&once, fetch_all);
	return (size_t)(s - suites);
}

const struct esp_suite *
esp_suite_find(uint16_t encr, uint16_t bits, uint16_t integ)
{
	for (size_t i = 0; i < SUITES; i++)
		if (suites[i].encr == encr && suites[i].bits == bits && suites[i].integ == integ)
			return &suites[i];
	return NULL;
}

static bool
key_cipher(struct esp_key *k, const uint8_t *key, bool sealing)
{
	const struct esp_suite *s = k->suite;
	EVP_CIPHER *c = have.cipher[suite_number(s)];

	k->ctx = EVP_CIPHER_CTX_new();
	if (!c || !k->ctx || EVP_CipherInit_ex(k->ctx, c, NULL, NULL, NULL, sealing) != 1)
		return false;
	if (!s->digest && EVP_CIPHER_CTX_ctrl(k->ctx, EVP_CTRL_AEAD_SET_IVLEN, AEAD_NONCE, NULL) != 1)
		return false;
	return EVP_CipherInit_ex(k->ctx, NULL, NULL, key, NULL, sealing) == 1 && EVP_CIPHER_CTX_set_padding(k->ctx, 0) == 1;
}

static bool
key_mac(struct esp_key *k, const uint8_t *key)
{
	const EVP_MAC_CTX *ready = have.mac[suite_number(k->suite)];

	k->mac = ready ? EVP_MAC_CTX_dup(ready) : NULL;
	return k->mac && EVP_MAC_init(k->mac, key, k->suite->integ_key, NULL) == 1;
}

static bool
key_ivs(struct esp_key *k)
{
	uint8_t seed[2 * BLOCK];
	bool ok;

	if (k->suite->encr == ESP_ENCR_AES_CTR)
		return true;
	k->ivs = env_alloc(k->env, sizeof(*k->ivs));
	if (!k->ivs)
		return false;
	k->ivs->used = IVS_OCTETS;
	k->ivs->stream = EVP_CIPHER_CTX_new();
	k->env->random(k->env->ctx, seed, sizeof(seed));
	ok = have.stream && k->ivs->stream && EVP_EncryptInit_ex(k->ivs->stream, have.stream, NULL, seed, seed + BLOCK) == 1;
	OPENSSL_cleanse(seed, sizeof(seed));
	return ok;
}

/* ---- keys */

static struct {
	bool mb;
	const char *why;	/* ipsec-mb is not used; NULL: it is */
	char what[64];
} chosen = { .why = "not asked for" };

/* The space of a key and what goes before its cipher. */
static struct esp_key *
key_begin(const struct env *env, const struct esp_suite *s, const uint8_t *encr)
{
	struct esp_key *k = env_alloc(env, sizeof(*k));

	if (!k)
		return NULL;
	k->env = env;
	k->suite = s;
	k->seal = s->seal;
	k->open = s->open;
	memcpy(k->salt, encr + s->key, s->salt);
	return k;
}

static struct esp_key *
key_end(struct esp_key *k, bool ok)
{
	if (ok)
		return k;
	esp_key_free(k);
	return NULL;
}

struct esp_key *
esp_key_by_openssl(const struct env *env, const struct esp_suite *s, const uint8_t *encr, const uint8_t *integ, bool sealing)
{
	struct esp_key *k = key_begin(env, s, encr);

	return key_end(k, k && key_cipher(k, encr, sealing) && (!s->digest || (key_mac(k, integ) && (!sealing || key_ivs(k)))));
}

struct esp_key *
esp_key_by_mb(const struct env *env, const struct esp_suite *s, const uint8_t *encr)
{
	struct esp_key *k = key_begin(env, s, encr);

	return key_end(k, k && mb_key(k, encr));
}

struct esp_key *
esp_key_new(const struct env *env, const struct esp_suite *s, const uint8_t *encr, const uint8_t *integ, bool sealing)
{
	return chosen.mb && mb_has(s) ? esp_key_by_mb(env, s, encr) : esp_key_by_openssl(env, s, encr, integ, sealing);
}

void
esp_key_free(struct esp_key *k)
{
	const struct env *env;

	if (!k)
		return;
	env = k->env;
	mb_key_free(k);
	EVP_CIPHER_CTX_free(k->ctx);	/* OpenSSL wipes its key schedule */
	EVP_MAC_CTX_free(k->mac);
	if (k->ivs) {
		EVP_CIPHER_CTX_free(k->ivs->stream);
		OPENSSL_cleanse(k->ivs, sizeof(*k->ivs));
		env_free(env, k->ivs);
	}
	OPENSSL_cleanse(k, sizeof(*k));
	env_free(env, k);
}

void
esp_crypto_use(enum dp_crypto want)
{
	chosen.why = want == DP_CRYPTO_OPENSSL ? "configuration" : mb_start();
	chosen.mb = !chosen.why;
}

const char *
esp_crypto_what(void)
{
	if (chosen.mb)
		return mb_what();
	snprintf(chosen.what, sizeof(chosen.what), "OpenSSL %s", OpenSSL_version(OPENSSL_VERSION_STRING));
	return chosen.what;
}

const char *
esp_crypto_why(void)
{
	return chosen.why;
}

bool
esp_seal(struct esp_key *k, const struct esp_block *b)
{
	return k->seal(k, b);
}

bool
esp_open(struct esp_key *k, const struct esp_block *b)
{
	return k->open(k, b);
}
