/* ikecore/crypto/ike_prf.c: prf and prf+, RFC 7296 2.13; and the small hashes built from them. */
#include "ikecore/crypto/crypto_priv.h"

enum { PRF_BLOCKS_MAX = 255 };

/* Ready for data under this key; NULL: failed. */
static EVP_MAC_CTX *
hmac_begin(const struct hmac_alg *a, struct span key)
{
	static const uint8_t none[1];
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(a->ready);

	/* OpenSSL takes a NULL key for "the one before". */
	if (ctx && EVP_MAC_init(ctx, key.n ? key.p : none, key.n, NULL))
		return ctx;
	EVP_MAC_CTX_free(ctx);
	return NULL;
}

static bool
hmac_run(const struct hmac_alg *a, EVP_MAC_CTX *ctx, const struct span *data, unsigned n_data, uint8_t *out)
{
	size_t len = 0;

	for (unsigned i = 0; i < n_data; i++)
		if (data[i].n && !EVP_MAC_update(ctx, data[i].p, data[i].n))
			return false;
	return EVP_MAC_final(ctx, out, &len, IKE_PRF_LEN_MAX) && len == a->len;
}

bool
hmac_spans(const struct hmac_alg *a, struct span key, const struct span *data, unsigned n_data, uint8_t *out, size_t n)
{
	EVP_MAC_CTX *ctx = n <= a->len ? hmac_begin(a, key) : NULL;
	uint8_t mac[IKE_PRF_LEN_MAX];
	bool ok = ctx && hmac_run(a, ctx, data, n_data, mac);

	if (ok)
		memcpy(out, mac, n);
	EVP_MAC_CTX_free(ctx);
	OPENSSL_cleanse(mac, sizeof(mac));
	return ok;
}

bool
ike_prf(uint16_t prf, struct span key, const struct span *data, unsigned n_data, uint8_t *out)
{
	const struct hmac_alg *a = alg_prf(prf);

	return a && hmac_spans(a, key, data, n_data, out, a->len);
}

/* T1 = prf(K, S | 1), Tn = prf(K, Tn-1 | S | n). The key is set up once for all blocks. The seed is at most four spans: every
 * use in IKEv2 is. */
bool
ike_prf_plus(uint16_t prf, struct span key, const struct span *seed, unsigned n_seed, uint8_t *out, size_t n)
{
	enum { SEEDS_MAX = 4 };
	const struct hmac_alg *a = alg_prf(prf);
	struct span part[SEEDS_MAX + 2];
	uint8_t t[IKE_PRF_LEN_MAX], count = 0;
	EVP_MAC_CTX *ctx = NULL;
	size_t done = 0;
	bool ok = false;

	if (!a || n_seed > SEEDS_MAX || n > (size_t)a->len * PRF_BLOCKS_MAX)
		goto out;
	for (unsigned i = 0; i < n_seed; i++)
		part[1 + i] = seed[i];
	part[1 + n_seed] = span_of(&count, 1);
	ctx = hmac_begin(a, key);
	while (done < n) {
		size_t take = n - done < a->len ? n - done : a->len;

		part[0] = span_of(t, count ? a->len : 0);
		count++;
		if (!ctx || (count > 1 && !EVP_MAC_init(ctx, NULL, 0, NULL)) || !hmac_run(a, ctx, part, n_seed + 2, t))
			goto out;
		memcpy(out + done, t, take);
		done += take;
	}
	ok = true;
out:
	EVP_MAC_CTX_free(ctx);
	OPENSSL_cleanse(t, sizeof(t));
	if (!ok)
		OPENSSL_cleanse(out, n);
	return ok;
}

bool
ike_natd_hash(uint64_t spi_i, uint64_t spi_r, const struct endpoint *ep, uint8_t out[static IKE_SHA1_LEN])
{
	uint8_t buf[8 + 8 + 16 + 2];
	struct wr w = wr_of(buf, sizeof(buf));

	wr_be64(&w, spi_i);
	wr_be64(&w, spi_r);
	wr_put(&w, addr_span(&ep->addr));
	wr_be16(&w, ep->port);
	return !w.bad && alg_sha1() && EVP_Digest(buf, wr_len(&w), out, NULL, alg_sha1(), NULL) == 1;
}

/* The port belongs to it: spokes behind one address must not share a cookie. */
bool
ike_cookie_mac(const uint8_t secret[static IKE_COOKIE_SECRET_LEN], struct span ni, const struct endpoint *peer, uint64_t spi_i,
    uint8_t out[static IKE_COOKIE_MAC_LEN])
{
	const struct hmac_alg *a = alg_prf(5);	/* HMAC-SHA2-256 */
	uint8_t buf[16 + 2 + 8];
	struct wr w = wr_of(buf, sizeof(buf));
	struct span data[2];

	wr_put(&w, addr_span(&peer->addr));
	wr_be16(&w, peer->port);
	wr_be64(&w, spi_i);
	data[0] = ni;
	data[1] = wr_span(&w);
	return a && !w.bad && hmac_spans(a, span_of(secret, IKE_COOKIE_SECRET_LEN), data, 2, out, IKE_COOKIE_MAC_LEN);
}

bool
ike_crash_token(const uint8_t secret[static IKE_CRASH_SECRET_LEN], uint64_t spi_i, uint64_t spi_r, const struct addr *own,
    uint8_t out[static IKE_CRASH_TOKEN_LEN])
{
	const struct hmac_alg *a = alg_prf(5);	/* HMAC-SHA2-256 */
	uint8_t buf[8 + 8 + 16];
	struct wr w = wr_of(buf, sizeof(buf));
	struct span data;

	wr_be64(&w, spi_i);
	wr_be64(&w, spi_r);
	wr_put(&w, addr_span(own));
	data = wr_span(&w);
	return a && !w.bad && hmac_spans(a, span_of(secret, IKE_CRASH_SECRET_LEN), &data, 1, out, IKE_CRASH_TOKEN_LEN);
}

bool
ike_digest(struct span message, uint8_t out[static 32])
{
	return alg_sha256() && EVP_Digest(message.p, message.n, out, NULL, alg_sha256(), NULL) == 1;
}
