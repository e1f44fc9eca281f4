/* ikecore/crypto/ike_seal.c: the octets of the encrypted payload, RFC 7296 3.14 (CBC with HMAC), RFC 5282 (AEAD), RFC 5930 (AES-CTR).
 *
 * AEAD: nonce is salt | IV, additional data is the message up to the end of the generic header. CBC and CTR: the ICV is an
 * HMAC over the message up to the ICV, compared in constant time before anything is decrypted. CTR: the first counter
 * block is salt | IV | 1, and the IV must never repeat under a key, as with AEAD; that of CBC must not be foreseen. */
#include "ikecore/crypto/crypto_priv.h"

enum { AEAD_NONCE = 12, TEXT_MAX = 65535 };

static bool
sizes(const struct ike_protect *k, const struct cipher_alg **c, const struct hmac_alg **h, struct ike_sk_sizes *s)
{
	*c = alg_cipher(k->encr, k->encr_bits);
	*h = k->integ ? alg_integ(k->integ) : NULL;
	if (!*c || (*c)->info.aead == (k->integ != 0) || (k->integ && !*h))
		return false;
	*s = (struct ike_sk_sizes){ (*c)->info.iv_len, (*c)->info.block, *h ? (*h)->icv_len : (*c)->info.icv_len };
	return true;
}

bool
ike_sk_sizes(const struct ike_protect *k, struct ike_sk_sizes *out)
{
	const struct cipher_alg *c;
	const struct hmac_alg *h;

	return sizes(k, &c, &h, out);
}

bool
ike_sk_iv(const struct ike_protect *k, uint64_t counter, const struct env *env, uint8_t *iv)
{
	struct ike_sk_sizes s;

	if (!ike_sk_sizes(k, &s))
		return false;
	if (alg_cipher(k->encr, k->encr_bits)->kind != CIPHER_CBC) {
		put_be32(iv, (uint32_t)(counter >> 32));
		put_be32(iv + 4, (uint32_t)counter);
	} else {
		env->random(env->ctx, iv, s.iv_len);
	}
	return true;
}

static void
aead_nonce(const struct cipher_alg *c, const struct ike_protect *k, const uint8_t *iv, uint8_t out[static AEAD_NONCE])
{
	memcpy(out, k->enc + c->info.key_len, c->info.salt_len);
	memcpy(out + c->info.salt_len, iv, c->info.iv_len);
}

static bool
aead_seal(const struct cipher_alg *c, const struct ike_protect *k, struct span aad, const uint8_t *iv, uint8_t *text, int n, uint8_t *icv)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t nonce[AEAD_NONCE];
	int len = 0;
	bool ok;

	aead_nonce(c, k, iv, nonce);
	ok = ctx && EVP_EncryptInit_ex2(ctx, c->evp, k->enc, nonce, NULL) &&
	    (aad.n == 0 || EVP_EncryptUpdate(ctx, NULL, &len, aad.p, (int)aad.n)) &&
	    (n == 0 || EVP_EncryptUpdate(ctx, text, &len, text, n)) && EVP_EncryptFinal_ex(ctx, text + n, &len) &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, c->info.icv_len, icv);
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

static bool
aead_open(const struct cipher_alg *c, const struct ike_protect *k, struct span aad, const uint8_t *iv, struct span text, const uint8_t *icv,
    uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t nonce[AEAD_NONCE], tag[IKE_ICV_LEN_MAX], spare[IKE_IV_LEN_MAX];
	int len = 0;
	bool ok;

	aead_nonce(c, k, iv, nonce);
	memcpy(tag, icv, c->info.icv_len);
	ok = ctx && EVP_DecryptInit_ex2(ctx, c->evp, k->enc, nonce, NULL) &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, c->info.icv_len, tag) &&
	    (aad.n == 0 || EVP_DecryptUpdate(ctx, NULL, &len, aad.p, (int)aad.n)) &&
	    (text.n == 0 || EVP_DecryptUpdate(ctx, out, &len, text.p, (int)text.n)) && EVP_DecryptFinal_ex(ctx, spare, &len) > 0;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

/* The IV for OpenSSL: with CTR the first counter block. */
static const uint8_t *
first_block(const struct cipher_alg *c, const struct ike_protect *k, const uint8_t *iv, uint8_t block[static IKE_IV_LEN_MAX])
{
	if (c->kind == CIPHER_CBC)
		return iv;
	aead_nonce(c, k, iv, block);
	put_be32(block + AEAD_NONCE, 1);
	return block;
}

static bool
mac_run(const struct cipher_alg *c, const struct ike_protect *k, const uint8_t *iv, struct span in, uint8_t *out, bool encrypt)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t spare[2 * IKE_IV_LEN_MAX], block[IKE_IV_LEN_MAX];
	int len = 0;
	bool ok;

	iv = first_block(c, k, iv, block);
	ok = ctx && EVP_CipherInit_ex2(ctx, c->evp, k->enc, iv, encrypt, NULL) && EVP_CIPHER_CTX_set_padding(ctx, 0) &&
	    EVP_CipherUpdate(ctx, out, &len, in.p, (int)in.n) && (size_t)len == in.n && EVP_CipherFinal_ex(ctx, spare, &len) && len == 0;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

static bool
mac_icv(const struct hmac_alg *h, const struct ike_protect *k, struct span aad, struct span iv, struct span text, uint8_t *icv)
{
	struct span part[3] = { aad, iv, text };

	return hmac_spans(h, span_of(k->mac, k->mac_len), part, 3, icv, h->icv_len);
}

bool
ike_seal(const struct ike_protect *k, struct span aad, const uint8_t *iv, uint8_t *text, size_t text_len, uint8_t *icv)
{
	const struct cipher_alg *c;
	const struct hmac_alg *h;
	struct ike_sk_sizes s;

	if (!sizes(k, &c, &h, &s) || text_len > TEXT_MAX || aad.n > TEXT_MAX || text_len % s.block)
		return false;
	switch (c->kind) {
	case CIPHER_AEAD:
		return aead_seal(c, k, aad, iv, text, (int)text_len, icv);
	case CIPHER_CBC:
	case CIPHER_CTR:
		return mac_run(c, k, iv, span_of(text, text_len), text, true) &&
		    mac_icv(h, k, aad, span_of(iv, s.iv_len), span_of(text, text_len), icv);
	case CIPHER_NULL:
		memset(icv, 0, s.icv_len);
		return true;
	}
	return false;
}

static bool
open_text(const struct ike_protect *k, const struct cipher_alg *c, const struct hmac_alg *h, struct span aad, struct span iv,
    struct span text, struct span icv, uint8_t *out)
{
	uint8_t want[IKE_ICV_LEN_MAX];

	switch (c->kind) {
	case CIPHER_AEAD:
		return aead_open(c, k, aad, iv.p, text, icv.p, out);
	case CIPHER_CBC:
	case CIPHER_CTR:
		return mac_icv(h, k, aad, iv, text, want) && ike_ct_eq(want, icv.p, icv.n) && mac_run(c, k, iv.p, text, out, false);
	case CIPHER_NULL:
		memmove(out, text.p, text.n);
		return true;
	}
	return false;
}

long
ike_open(const struct ike_protect *k, struct span aad, struct span body, uint8_t *out)
{
	const struct cipher_alg *c;
	const struct hmac_alg *h;
	struct ike_sk_sizes s;
	struct span iv, text, icv;
	struct cur cur = cur_of(body);

	if (!sizes(k, &c, &h, &s) || body.n > TEXT_MAX || aad.n > TEXT_MAX || body.n < (size_t)s.iv_len + s.icv_len)
		return -1;
	iv = cur_take(&cur, s.iv_len);
	text = cur_take(&cur, cur_left(&cur) - s.icv_len);
	icv = cur_rest(&cur);
	/* There is always a pad length octet inside. */
	if (text.n == 0 || text.n % s.block)
		return -1;
	if (open_text(k, c, h, aad, iv, text, icv, out))
		return (long)text.n;
	OPENSSL_cleanse(out, text.n);
	return -1;
}
