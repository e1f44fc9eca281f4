/* ikecore/crypto/ike_crypto.h: the cryptography of IKEv2 (RFC 7296 2.13-2.18, RFC 5282), on OpenSSL.
 *
 * Algorithms are named by their transform ids as on the wire (numbers in ikecore/wire/ike_msg.h). What this module does
 * not know or the library lacks is answered by ike_*_info() with false, and every other function refuses it too, so an
 * id from the wire never reaches a table it is not in. Functions are pure: same input, same output; randomness comes in
 * through struct env. They may be called from any thread; the algorithm objects are fetched once, at the first call.
 *
 * Keys live in plain structs that the caller owns and wipes (ike_keys_wipe(), ike_keymat_wipe(), ike_wipe()); temporaries are
 * wiped here on every path. A function that failed leaves its output wiped. Spans are only read during the call.
 *
 * Here: PRF HMAC-SHA2, AES-GCM-16, ChaCha20-Poly1305, AES-CBC and AES-CTR with HMAC-SHA2, MODP 2048 to 8192, ECP 256/384/521,
 * Curve25519, Curve448, ML-KEM (OpenSSL 3.5), PSK; and, for configurations that name them (ike_*_legacy()), 3DES, HMAC-SHA1, MODP 1024 and 1536.
 * Not here and never to be: DES, MD5, MODP-768, groups 22 to 24. Not here: signatures and certificates (ike_cert.h). */
#ifndef IKECORE_CRYPTO_IKE_CRYPTO_H
#define IKECORE_CRYPTO_IKE_CRYPTO_H

#include "lib/addr.h"
#include "lib/env.h"
#include "lib/span.h"

enum {
	IKE_PRF_LEN_MAX = 64,	/* output and preferred key of a PRF */
	IKE_ENC_KEY_MAX = 36,	/* cipher key with its salt */
	IKE_MAC_KEY_MAX = 64,
	IKE_IV_LEN_MAX = 16, IKE_ICV_LEN_MAX = 32,
	IKE_PUBLIC_MAX = 1568, IKE_SHARED_MAX = 1024,	/* ML-KEM-1024, MODP-8192 */
	IKE_ECP_PUBLIC_MAX = 132,
	IKE_SHA1_LEN = 20, IKE_COOKIE_SECRET_LEN = 32, IKE_COOKIE_MAC_LEN = 32,
	IKE_CRASH_SECRET_LEN = 32, IKE_CRASH_TOKEN_LEN = 16,	/* RFC 6290: tokens have 16 to 128 octets */
};

/* ---- what we can do */
struct ike_encr_info {
	uint8_t key_len, salt_len;	/* octets; KEYMAT and SK_e take key_len + salt_len, salt behind the key */
	uint8_t iv_len, block, icv_len;	/* icv_len 0: the integrity transform has it */
	bool aead;	/* no integrity transform with it */
};
struct ike_integ_info {
	uint8_t key_len, icv_len;
};
bool	ike_encr_info(uint16_t encr, uint16_t bits, struct ike_encr_info *out);	/* bits: key length attribute, 0 for none */
bool	ike_integ_info(uint16_t integ, struct ike_integ_info *out);
size_t	ike_prf_len(uint16_t prf);	/* 0: unknown */
size_t	ike_group_answer_len(uint16_t group);	/* of the one who answers: differs where the method is a KEM */
size_t	ike_group_public_len(uint16_t group);	/* exact length of KE data; 0: unknown */
/* Only where somebody named them, and with a warning: 3DES, SHA-1, MODP below 2048 (RFC 8247). */
bool	ike_encr_legacy(uint16_t encr);
bool	ike_hash_legacy(uint16_t prf_or_integ);
bool	ike_group_legacy(uint16_t group);
/* Only tests call it. Lets ENCR_NULL be used as an AEAD that protects nothing, so that a fuzzer can reach the engine, and a PRF
 * by a private number that IKEv2 does not have but NIST's vectors do. */
enum { IKE_PRF_TEST_SHA224 = 0xff22 };
void	ike_crypto_allow_for_tests(bool allow);

bool	ike_ct_eq(const void *a, const void *b, size_t n);	/* in constant time */
void	ike_wipe(void *p, size_t n);

/* ---- prf: key and the concatenation of data; out takes ike_prf_len(prf) octets. False on an unknown prf. */
bool	ike_prf(uint16_t prf, struct span key, const struct span *data, unsigned n_data, uint8_t *out);
bool	ike_prf_plus(uint16_t prf, struct span key, const struct span *seed, unsigned n_seed, uint8_t *out, size_t n);	/* n <= 255 blocks */

/* ---- keys of an IKE SA */
struct ike_suite {	/* the chosen proposal */
	uint16_t encr, encr_bits, prf, integ, group;	/* integ 0 with AEAD */
};
struct ike_protect {	/* one direction of an SA: keys with what they are for */
	uint16_t encr, encr_bits, integ;
	uint8_t enc[IKE_ENC_KEY_MAX], mac[IKE_MAC_KEY_MAX];
	uint8_t enc_len, mac_len;
};
struct ike_keys {
	uint16_t prf;
	uint8_t prf_len;	/* length of d, pi, pr */
	uint8_t d[IKE_PRF_LEN_MAX], pi[IKE_PRF_LEN_MAX], pr[IKE_PRF_LEN_MAX];
	struct ike_protect i, r;	/* SK_ei and SK_ai: what the original initiator seals with; SK_er and SK_ar */
};
struct ike_seed {	/* what both sides contributed */
	struct span g_ir;	/* shared secret; empty for a child SA without PFS */
	struct span ni, nr;
	uint64_t spi_i, spi_r;	/* IKE SA only */
	struct span more;	/* secrets of additional key exchanges, one behind the other (RFC 9370 2.2.4); after a rekey and for a child only */
};

bool	ike_skeyseed(uint16_t prf, const struct ike_seed *s, uint8_t *out);	/* prf(Ni | Nr, g^ir) */
bool	ike_keys_first(const struct ike_suite *suite, const struct ike_seed *s, struct ike_keys *out);	/* after IKE_SA_INIT */
/* After a rekey: SKEYSEED = prf(SK_d of old, g^ir | Ni | Nr [| more]), both steps with the old SA's PRF (suite->prf must be the same). */
bool	ike_keys_rekey(const struct ike_suite *suite, const struct ike_keys *old, const struct ike_seed *s, struct ike_keys *out);
/* Mixes a post-quantum pre-shared key into SK_d, SK_pi and SK_pr (RFC 8784). */
bool	ike_keys_ppk(struct ike_keys *k, struct span ppk);
void	ike_keys_wipe(struct ike_keys *k);

/* ---- keys of a child SA: KEYMAT = prf+(SK_d, [g^ir |] Ni | Nr [| more]), cut up for ESP */
struct ike_keymat {
	struct ike_protect i2r, r2i;	/* from the exchange's initiator to its responder, and back; enc has the salt behind it */
};
bool	ike_keymat(const struct ike_keys *k, const struct ike_seed *s, uint16_t encr, uint16_t bits, uint16_t integ, struct ike_keymat *out);
void	ike_keymat_wipe(struct ike_keymat *k);

/* ---- AUTH with a pre-shared key. sk_p: SK_pi over the initiator's data, SK_pr over the responder's. out takes the PRF's
 * length, which is answered; 0 where it failed (an empty PSK is refused). */
struct ike_auth_in {
	struct span message;	/* the signer's own IKE_SA_INIT message (last one sent) */
	struct span nonce;	/* the other side's */
	struct span id_body;	/* the signer's identity as on the wire, without generic header */
	struct span int_auth;	/* of IKE_INTERMEDIATE exchanges (RFC 9242); empty where there were none */
};
/* The octets that signatures are made over: message | nonce | prf(SK_p, ID body). Answers their number; 0: it does not fit. */
size_t	ike_auth_octets(const struct ike_keys *k, bool initiator, const struct ike_auth_in *in, uint8_t *out, size_t max);
size_t	ike_auth_psk(const struct ike_keys *k, bool initiator, struct span psk, const struct ike_auth_in *in, uint8_t out[static IKE_PRF_LEN_MAX]);

/* ---- hashes */
bool	ike_natd_hash(uint64_t spi_i, uint64_t spi_r, const struct endpoint *ep, uint8_t out[static IKE_SHA1_LEN]);
bool	ike_cookie_mac(const uint8_t secret[static IKE_COOKIE_SECRET_LEN], struct span ni, const struct endpoint *peer, uint64_t spi_i,
    uint8_t out[static IKE_COOKIE_MAC_LEN]);
/* RFC 6290, 5.1, with the maker's address. */
bool	ike_crash_token(const uint8_t secret[static IKE_CRASH_SECRET_LEN], uint64_t spi_i, uint64_t spi_r, const struct addr *own,
    uint8_t out[static IKE_CRASH_TOKEN_LEN]);
/* Digest of a message (SHA-256), to know a retransmission by. */
bool	ike_digest(struct span message, uint8_t out[static 32]);

/* ---- the SK payload. Sizes of a direction: AEAD from the cipher, else ICV from the integrity transform. */
struct ike_sk_sizes {
	uint8_t iv_len, block, icv_len;
};
bool	ike_sk_sizes(const struct ike_protect *k, struct ike_sk_sizes *out);
/* An IV: AEAD takes the counter, which must never repeat under one key; CBC takes random octets. */
bool	ike_sk_iv(const struct ike_protect *k, uint64_t counter, const struct env *env, uint8_t *iv);
/* Encrypts text in place and writes the ICV. Text must be a multiple of `block` (ike_build_seal() pads). aad: header to the
 * end of the generic header of SK; iv, text and icv lengths must be those of ike_sk_sizes(). With CBC + HMAC the ICV is
 * over aad | iv | ciphertext. */
bool	ike_seal(const struct ike_protect *k, struct span aad, const uint8_t *iv, uint8_t *text, size_t text_len, uint8_t *icv);
/* Opens body (IV, ciphertext, ICV) into out, which takes body.n octets and does not overlap body (or is exactly the place of
 * the ciphertext, body.p + iv_len). Answers the length of the text with padding, or -1: too short, not whole blocks, or
 * wrong ICV. Nothing is given out before the ICV is checked; out is wiped when that fails. */
long	ike_open(const struct ike_protect *k, struct span aad, struct span body, uint8_t *out);

/* ---- key exchange. The private key is drawn from env at ike_kex_new(), so a simulation's sequence does not depend on when
 * a worker runs; the costly parts, ike_kex_public(), _answer() and _shared(), touch only the object and may run on any
 * thread, one at a time per object. */
struct ike_kex;
struct ike_kex *ike_kex_new(const struct env *env, uint16_t group);	/* NULL: unknown group or no memory */
void	ike_kex_free(const struct env *env, struct ike_kex *x);	/* wipes; NULL is fine */
uint16_t ike_kex_group(const struct ike_kex *x);
/* Our KE data: ike_group_public_len() octets, computed at the first call and kept. Empty span: failed. Lives as long as x. */
struct span ike_kex_public(struct ike_kex *x);
/* The same of the side that answers, ike_group_answer_len() octets: of a KEM the ciphertext for the peer's value; others do not look
 * at that here. Is what ike_kex_public() gives from then on. */
struct span ike_kex_answer(struct ike_kex *x, struct span peer);
/* The shared secret, as RFC 7296 2.14, 5903 and 8031 want it. Refuses (0) a peer value of wrong length, MODP not in
 * 2 .. p-2, a point not on the curve, an all-zero result. Answers its length. The caller wipes out.
 * Of a KEM: after ike_kex_public() from the peer's ciphertext, after ike_kex_answer() what that made. */
size_t	ike_kex_shared(struct ike_kex *x, struct span peer, uint8_t out[static IKE_SHARED_MAX]);

#endif
