/* ikecore/crypto/ike_keys.c: the key schedule, RFC 7296 2.14, 2.15, 2.17, 2.18, and RFC 5282 7 for AEAD (no SK_a, salt behind SK_e). */
#include "ikecore/crypto/crypto_priv.h"

enum { NONCES_MAX = 512, SK_BLOCK_MAX = 3 * IKE_PRF_LEN_MAX + 2 * (IKE_MAC_KEY_MAX + IKE_ENC_KEY_MAX) };

bool
protect_shape(struct ike_protect *p, uint16_t encr, uint16_t bits, uint16_t integ)
{
	const struct cipher_alg *c = alg_cipher(encr, bits);
	const struct hmac_alg *h = integ ? alg_integ(integ) : NULL;

	memset(p, 0, sizeof(*p));
	if (!c || c->info.aead == (integ != 0) || (integ && !h))
		return false;
	p->encr = encr;
	p->encr_bits = bits;
	p->integ = integ;
	p->enc_len = c->info.key_len + c->info.salt_len;
	p->mac_len = h ? h->len : 0;
	return true;
}

static void
take(struct cur *c, uint8_t *out, size_t n)
{
	struct span s = cur_take(c, n);

	memcpy(out, s.p, s.n);
}

bool
ike_skeyseed(uint16_t prf, const struct ike_seed *s, uint8_t *out)
{
	uint8_t key[NONCES_MAX];

	if (s->ni.n > NONCES_MAX || s->nr.n > NONCES_MAX - s->ni.n)
		return false;
	memcpy(key, s->ni.p, s->ni.n);
	memcpy(key + s->ni.n, s->nr.p, s->nr.n);
	return ike_prf(prf, span_of(key, s->ni.n + s->nr.n), &s->g_ir, 1, out);
}

/* {SK_d SK_ai SK_ar SK_ei SK_er SK_pi SK_pr} = prf+(SKEYSEED, Ni | Nr | SPIi | SPIr) */
static bool
keys_cut(const struct ike_suite *suite, const uint8_t *skeyseed, const struct ike_seed *s, struct ike_keys *out)
{
	uint8_t block[SK_BLOCK_MAX], spis[16];
	struct wr w = wr_of(spis, sizeof(spis));
	struct span seed[3] = { s->ni, s->nr, span_of(spis, sizeof(spis)) };
	struct cur c;
	size_t len, n;

	len = out->prf_len;
	n = 3 * len + 2u * out->i.mac_len + 2u * out->i.enc_len;
	wr_be64(&w, s->spi_i);
	wr_be64(&w, s->spi_r);
	if (!ike_prf_plus(suite->prf, span_of(skeyseed, len), seed, 3, block, n))
		return false;
	c = cur_of(span_of(block, n));
	take(&c, out->d, len);
	take(&c, out->i.mac, out->i.mac_len);
	take(&c, out->r.mac, out->r.mac_len);
	take(&c, out->i.enc, out->i.enc_len);
	take(&c, out->r.enc, out->r.enc_len);
	take(&c, out->pi, len);
	take(&c, out->pr, len);
	OPENSSL_cleanse(block, sizeof(block));
	return !c.bad;
}

static bool
keys_shape(const struct ike_suite *suite, struct ike_keys *out)
{
	memset(out, 0, sizeof(*out));
	out->prf = suite->prf;
	out->prf_len = (uint8_t)ike_prf_len(suite->prf);
	return out->prf_len && protect_shape(&out->i, suite->encr, suite->encr_bits, suite->integ) &&
	    protect_shape(&out->r, suite->encr, suite->encr_bits, suite->integ);
}

bool
ike_keys_first(const struct ike_suite *suite, const struct ike_seed *s, struct ike_keys *out)
{
	uint8_t skeyseed[IKE_PRF_LEN_MAX];
	bool ok;

	ok = keys_shape(suite, out) && s->g_ir.n && ike_skeyseed(suite->prf, s, skeyseed) && keys_cut(suite, skeyseed, s, out);
	OPENSSL_cleanse(skeyseed, sizeof(skeyseed));
	if (!ok)
		ike_keys_wipe(out);
	return ok;
}

bool
ike_keys_rekey(const struct ike_suite *suite, const struct ike_keys *old, const struct ike_seed *s, struct ike_keys *out)
{
	uint8_t skeyseed[IKE_PRF_LEN_MAX];
	struct span data[4] = { s->g_ir, s->ni, s->nr, s->more };
	bool ok;

	ok = keys_shape(suite, out) && old->prf == suite->prf && s->g_ir.n &&
	    ike_prf(old->prf, span_of(old->d, old->prf_len), data, 4, skeyseed) && keys_cut(suite, skeyseed, s, out);
	OPENSSL_cleanse(skeyseed, sizeof(skeyseed));
	if (!ok)
		ike_keys_wipe(out);
	return ok;
}

bool
ike_keys_ppk(struct ike_keys *k, struct span ppk)
{
	uint8_t *part[3] = { k->d, k->pi, k->pr }, out[3][IKE_PRF_LEN_MAX];
	bool ok = ppk.n != 0;

	for (unsigned i = 0; i < 3 && ok; i++) {
		struct span old = span_of(part[i], k->prf_len);

		ok = ike_prf_plus(k->prf, ppk, &old, 1, out[i], k->prf_len);
	}
	for (unsigned i = 0; i < 3 && ok; i++)
		memcpy(part[i], out[i], k->prf_len);
	OPENSSL_cleanse(out, sizeof(out));
	return ok;
}

void
ike_keys_wipe(struct ike_keys *k)
{
	OPENSSL_cleanse(k, sizeof(*k));
}

bool
ike_keymat(const struct ike_keys *k, const struct ike_seed *s, uint16_t encr, uint16_t bits, uint16_t integ, struct ike_keymat *out)
{
	struct span seed[4] = { s->g_ir, s->ni, s->nr, s->more };
	uint8_t block[2 * (IKE_ENC_KEY_MAX + IKE_MAC_KEY_MAX)];
	struct cur c;
	size_t n;

	if (!protect_shape(&out->i2r, encr, bits, integ) || !protect_shape(&out->r2i, encr, bits, integ))
		goto fail;
	n = 2u * (out->i2r.enc_len + out->i2r.mac_len);
	if (!ike_prf_plus(k->prf, span_of(k->d, k->prf_len), seed, 4, block, n))
		goto fail;
	c = cur_of(span_of(block, n));
	take(&c, out->i2r.enc, out->i2r.enc_len);
	take(&c, out->i2r.mac, out->i2r.mac_len);
	take(&c, out->r2i.enc, out->r2i.enc_len);
	take(&c, out->r2i.mac, out->r2i.mac_len);
	OPENSSL_cleanse(block, sizeof(block));
	return true;
fail:
	ike_keymat_wipe(out);
	return false;
}

void
ike_keymat_wipe(struct ike_keymat *k)
{
	OPENSSL_cleanse(k, sizeof(*k));
}

/* prf( prf(PSK, "Key Pad for IKEv2"), message | nonce | prf(SK_p, ID body) ) */
size_t
ike_auth_psk(const struct ike_keys *k, bool initiator, struct span psk, const struct ike_auth_in *in, uint8_t out[static IKE_PRF_LEN_MAX])
{
	static const struct span pad = { (const uint8_t *)"Key Pad for IKEv2", 17 };
	struct span sk_p = span_of(initiator ? k->pi : k->pr, k->prf_len), octets[4];
	uint8_t key[IKE_PRF_LEN_MAX], maced_id[IKE_PRF_LEN_MAX];
	bool ok = false;

	if (psk.n == 0 || !ike_prf(k->prf, psk, &pad, 1, key) || !ike_prf(k->prf, sk_p, &in->id_body, 1, maced_id))
		goto out;
	octets[0] = in->message;
	octets[1] = in->nonce;
	octets[2] = span_of(maced_id, k->prf_len);
	octets[3] = in->int_auth;
	ok = ike_prf(k->prf, span_of(key, k->prf_len), octets, 4, out);
out:
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(maced_id, sizeof(maced_id));
	if (!ok)
		OPENSSL_cleanse(out, IKE_PRF_LEN_MAX);
	return ok ? k->prf_len : 0;
}

size_t
ike_auth_octets(const struct ike_keys *k, bool initiator, const struct ike_auth_in *in, uint8_t *out, size_t max)
{
	struct span sk_p = span_of(initiator ? k->pi : k->pr, k->prf_len);
	struct wr w = wr_of(out, max);
	uint8_t *at;

	wr_put(&w, in->message);
	wr_put(&w, in->nonce);
	at = wr_room(&w, k->prf_len);
	wr_put(&w, in->int_auth);
	return at && !w.bad && ike_prf(k->prf, sk_p, &in->id_body, 1, at) ? wr_len(&w) : 0;
}
