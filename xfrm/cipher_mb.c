/* xfrm/cipher_mb.c: the AEADs of ESP by Intel's Multi-Buffer Crypto for IPsec (ipsec-mb), where the build found it and the processor has the
 * instructions.
 *
 * OpenSSL 3.0 has no AES-GCM for VAES, and its interface alone costs 200 ns a packet. ipsec-mb's direct calls work in place on one packet and need
 * nothing but an expanded key, which nobody writes to afterwards. Its queues of jobs, which give the library its name, gain nothing for
 * GCM, so they are not used; CBC and CTR with HMAC stay with OpenSSL.
 *
 * It is not trusted: mb_start() has it seal and open packets of many lengths next to OpenSSL and wants the same octets, and a refusal for
 * each changed one, before the first key is made with it. ..._DEC of the library only computes the integrity value: comparing it is
 * done here, before anybody looks at the text. */
#include "config.h"

#include "xfrm/cipher_priv.h"

#include <openssl/crypto.h>

#ifdef HAVE_IPSEC_MB
#include <intel-ipsec-mb.h>
#include <stdio.h>

enum {
	ALIGN = 64,	/* of an expanded key */
	TAG = 16,
	TRY_TEXT = 1600, TRY_ROOM = ESP_HEADER + 8 + TRY_TEXT + TAG, TRY_KEY = 36,
};

struct mb_gcm {
	aes_gcm_pre_t pre;
	aes_gcm_enc_dec_t enc, dec;
};

struct mb_key {
	void *mem;	/* where it was allocated */
	const struct mb_gcm *gcm;	/* NULL: ChaCha20-Poly1305 */
	union {
		struct gcm_key_data gcm_key;
		uint8_t chacha_key[32];
	};
};

static struct {
	IMB_MGR *mgr;	/* functions for this processor; nothing else of it is used */
	struct mb_gcm gcm[3];	/* by key length: 16, 24, 32 octets */
	char what[64];
	const char *why;	/* not to be used */
} mb;
static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;

/* What the library keeps of the packet it is at: scratch, one for each thread. */
static _Thread_local struct gcm_context_data gcm_ctx;
static _Thread_local struct chacha20_poly1305_context_data chacha_ctx;

bool
mb_has(const struct esp_suite *s)
{
	return s->encr == ESP_ENCR_AES_GCM_16 || s->encr == ESP_ENCR_CHACHA20;
}

static void
put_iv(const struct esp_block *b)
{
	put_be32(b->esp + ESP_HEADER, b->seq_hi);
	memcpy(b->esp + ESP_HEADER + 4, b->esp + 4, 4);
}

static bool
gcm_seal(struct esp_key *k, const struct esp_block *b)
{
	uint8_t *iv = b->esp + ESP_HEADER, *text = iv + 8, nonce[AEAD_NONCE], aad[AAD_MAX];
	size_t n = aead_aad(b, aad);

	put_iv(b);
	aead_nonce(k, iv, nonce);
	k->mb->gcm->enc(&k->mb->gcm_key, &gcm_ctx, text, text, b->text, nonce, aad, n, text + b->text, TAG);
	return true;
}

static bool
gcm_open(struct esp_key *k, const struct esp_block *b)
{
	uint8_t *iv = b->esp + ESP_HEADER, *text = iv + 8, nonce[AEAD_NONCE], aad[AAD_MAX], tag[TAG];
	size_t n = aead_aad(b, aad);

	aead_nonce(k, iv, nonce);
	k->mb->gcm->dec(&k->mb->gcm_key, &gcm_ctx, text, text, b->text, nonce, aad, n, tag, TAG);
	return CRYPTO_memcmp(tag, text + b->text, TAG) == 0;
}

static bool
chacha_seal(struct esp_key *k, const struct esp_block *b)
{
	uint8_t *iv = b->esp + ESP_HEADER, *text = iv + 8, nonce[AEAD_NONCE], aad[AAD_MAX];
	size_t n = aead_aad(b, aad);

	put_iv(b);
	aead_nonce(k, iv, nonce);
	IMB_CHACHA20_POLY1305_INIT(mb.mgr, k->mb->chacha_key, &chacha_ctx, nonce, aad, n);
	IMB_CHACHA20_POLY1305_ENC_UPDATE(mb.mgr, k->mb->chacha_key, &chacha_ctx, text, text, b->text);
	IMB_CHACHA20_POLY1305_ENC_FINALIZE(mb.mgr, &chacha_ctx, text + b->text, TAG);
	return true;
}

static bool
chacha_open(struct esp_key *k, const struct esp_block *b)
{
	uint8_t *iv = b->esp + ESP_HEADER, *text = iv + 8, nonce[AEAD_NONCE], aad[AAD_MAX], tag[TAG];
	size_t n = aead_aad(b, aad);

	aead_nonce(k, iv, nonce);
	IMB_CHACHA20_POLY1305_INIT(mb.mgr, k->mb->chacha_key, &chacha_ctx, nonce, aad, n);
	IMB_CHACHA20_POLY1305_DEC_UPDATE(mb.mgr, k->mb->chacha_key, &chacha_ctx, text, text, b->text);
	IMB_CHACHA20_POLY1305_DEC_FINALIZE(mb.mgr, &chacha_ctx, tag, TAG);
	return CRYPTO_memcmp(tag, text + b->text, TAG) == 0;
}

bool
mb_key(struct esp_key *k, const uint8_t *key)
{
	void *mem = env_alloc(k->env, sizeof(struct mb_key) + ALIGN);

	if (!mem)
		return false;
	k->mb = (struct mb_key *)(((uintptr_t)mem + ALIGN - 1) & ~(uintptr_t)(ALIGN - 1));
	k->mb->mem = mem;
	if (k->suite->encr == ESP_ENCR_CHACHA20) {
		memcpy(k->mb->chacha_key, key, sizeof(k->mb->chacha_key));
		k->seal = chacha_seal;
		k->open = chacha_open;
	} else {
		k->mb->gcm = &mb.gcm[k->suite->key / 8 - 2];
		k->mb->gcm->pre(key, &k->mb->gcm_key);
		k->seal = gcm_seal;
		k->open = gcm_open;
	}
	return true;
}

void
mb_key_free(struct esp_key *k)
{
	void *mem = k->mb ? k->mb->mem : NULL;

	if (!k->mb)
		return;
	OPENSSL_cleanse(k->mb, sizeof(*k->mb));
	OPENSSL_cleanse(&gcm_ctx, sizeof(gcm_ctx));
	OPENSSL_cleanse(&chacha_ctx, sizeof(chacha_ctx));
	env_free(k->env, mem);
	k->mb = NULL;
}

/* --- the self-test */

struct attempt {
	struct esp_key *ssl_seal, *ssl_open, *mb_seal, *mb_open;
};

/* The same packet sealed by both; then each opens the other's, and not when a bit of text, header or integrity value has turned. */
static bool
same_packet(const struct attempt *a, size_t text, uint32_t seq, bool esn)
{
	uint8_t ssl[TRY_ROOM], own[TRY_ROOM], plain[TRY_ROOM];
	size_t n = ESP_HEADER + 8 + text + TAG, odd = (seq * 7 + text) % n;
	struct esp_block bs = { ssl, text, esn ? seq * 3 : 0, esn }, bm = { own, text, bs.seq_hi, esn };

	for (size_t i = 0; i < n; i++)
		plain[i] = (uint8_t)(i * 13 + seq);
	put_be32(plain + 4, seq);
	memcpy(ssl, plain, n);
	memcpy(own, plain, n);
	if (!a->ssl_seal->seal(a->ssl_seal, &bs) || !a->mb_seal->seal(a->mb_seal, &bm) || memcmp(ssl, own, n) != 0)
		return false;
	own[odd] ^= 1;
	if (a->mb_open->open(a->mb_open, &bm))
		return false;
	memcpy(own, ssl, n);
	return a->mb_open->open(a->mb_open, &bm) && a->ssl_open->open(a->ssl_open, &bs) && memcmp(own, ssl, n - TAG) == 0 &&
	    memcmp(own + ESP_HEADER + 8, plain + ESP_HEADER + 8, text) == 0;
}

static bool
try_suite(const struct env *env, const struct esp_suite *s)
{
	uint8_t key[TRY_KEY];
	struct attempt a;
	uint32_t seq = 1;
	bool ok;

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(i * 31 + s->key + s->encr);
	a = (struct attempt){ esp_key_by_openssl(env, s, key, NULL, true), esp_key_by_openssl(env, s, key, NULL, false),
		esp_key_by_mb(env, s, key), esp_key_by_mb(env, s, key) };
	ok = a.ssl_seal && a.ssl_open && a.mb_seal && a.mb_open;
	for (size_t text = 4; ok && text <= TRY_TEXT; text += text < 400 ? 4 : 100, seq++)
		ok = same_packet(&a, text, seq * 0x01010107u, seq & 1);
	esp_key_free(a.ssl_seal);
	esp_key_free(a.ssl_open);
	esp_key_free(a.mb_seal);
	esp_key_free(a.mb_open);
	return ok;
}

static bool
try_all(void)
{
	static const uint16_t bits[] = { 128, 192, 256 };
	struct env env = { .ctx = NULL };

	env_libc(&env);
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if (!try_suite(&env, esp_suite_find(ESP_ENCR_AES_GCM_16, bits[i], 0)))
			return false;
	return try_suite(&env, esp_suite_find(ESP_ENCR_CHACHA20, 0, 0));
}

static const char *
arch_name(IMB_ARCH a)
{
	return a == IMB_ARCH_AVX512 ? "AVX512" : a == IMB_ARCH_AVX2 ? "AVX2" : a == IMB_ARCH_AVX ? "AVX" : "SSE";
}

static void
start(void)
{
	IMB_ARCH arch = IMB_ARCH_NONE;

	mb.mgr = alloc_mb_mgr(0);
	if (!mb.mgr) {
		mb.why = "no memory for ipsec-mb";
		return;
	}
	init_mb_mgr_auto(mb.mgr, &arch);
	if (arch == IMB_ARCH_NONE || arch == IMB_ARCH_NOAESNI || !(mb.mgr->features & IMB_FEATURE_AESNI)) {
		mb.why = "the processor has no AES instructions";
		return;
	}
	mb.gcm[0] = (struct mb_gcm){ mb.mgr->gcm128_pre, mb.mgr->gcm128_enc, mb.mgr->gcm128_dec };
	mb.gcm[1] = (struct mb_gcm){ mb.mgr->gcm192_pre, mb.mgr->gcm192_enc, mb.mgr->gcm192_dec };
	mb.gcm[2] = (struct mb_gcm){ mb.mgr->gcm256_pre, mb.mgr->gcm256_enc, mb.mgr->gcm256_dec };
	snprintf(mb.what, sizeof(mb.what), "ipsec-mb %s, %s%s", imb_get_version_str(), arch_name(arch),
	    mb.mgr->features & IMB_FEATURE_VAES ? " with VAES" : "");
	if (!try_all())
		mb.why = "ipsec-mb failed its self-test against OpenSSL";
}

const char *
mb_start(void)
{
	CRYPTO_THREAD_run_once(&once, start);
	return mb.why;
}

const char *
mb_what(void)
{
	return mb.what;
}

#else

const char *
mb_start(void)
{
	return "this program was built without ipsec-mb";
}

const char *
mb_what(void)
{
	return "";
}

bool
mb_has(const struct esp_suite *s)
{
	(void)s;
	return false;
}

bool
mb_key(struct esp_key *k, const uint8_t *key)
{
	(void)k;
	(void)key;
	return false;
}

void
mb_key_free(struct esp_key *k)
{
	(void)k;
}

#endif
