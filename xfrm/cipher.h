/* xfrm/cipher.h: the ciphers of ESP behind one seal and one open, over OpenSSL's EVP or, where it is there, ipsec-mb (cipher_mb.c).
 *
 * A suite is a row: IKEv2 transform numbers, lengths, and two functions. A key is one direction of one SA: contexts are
 * made, keyed and given their IV length once; sealing a packet then only sets the IV, works in place and allocates
 * nothing. RFC 4106 (AES-GCM), RFC 7634 (ChaCha20-Poly1305), RFC 3602 and 3686 with RFC 4868 (AES-CBC and AES-CTR with HMAC-SHA2);
 * for configurations that name them RFC 2404 (HMAC-SHA-1) and RFC 2451 (3DES). */
#ifndef XFRM_CIPHER_H
#define XFRM_CIPHER_H

#include <stdbool.h>

#include "lib/dplane.h"
#include "lib/env.h"

enum { ESP_HEADER = 8, ESP_IV_MAX = 16, ESP_ICV_MAX = 32 };
enum { ESP_ENCR_3DES = 3, ESP_ENCR_AES_CBC = 12, ESP_ENCR_AES_CTR = 13, ESP_ENCR_AES_GCM_16 = 20, ESP_ENCR_CHACHA20 = 28 };	/* IKEv2 transform type 1 */
enum { ESP_INTEG_SHA1_96 = 2, ESP_INTEG_SHA256_128 = 12, ESP_INTEG_SHA384_192 = 13, ESP_INTEG_SHA512_256 = 14 };	/* type 3 */

struct esp_key;

/* A packet to be sealed or opened in place: header (SPI, sequence), IV, `text` octets, room for the integrity value. */
struct esp_block {
	uint8_t *esp;
	size_t text;
	uint32_t seq_hi;	/* high half of the extended sequence number; 0 without ESN */
	bool esn;
};

typedef bool esp_pass_fn(struct esp_key *, const struct esp_block *);

struct esp_suite {
	const char *name;
	uint16_t encr, bits, integ;	/* IKEv2 transforms; bits is 0 for ChaCha20 and 3DES */
	uint8_t key, salt, iv, icv, align, integ_key;	/* octets; align: of the encrypted text */
	const char *cipher, *digest;	/* OpenSSL's names */
	esp_pass_fn *seal, *open;	/* by OpenSSL */
};

/* Who makes keys from now on; those that are there stay as they are. Before the first call, OpenSSL. AUTO and IPSEC_MB are ipsec-mb where it is
 * there and does what OpenSSL does in a test of some milliseconds at the first call; OpenSSL does the suites that it has not. */
void	esp_crypto_use(enum dp_crypto want);
const char *esp_crypto_what(void);	/* name and version */
const char *esp_crypto_why(void);	/* why not ipsec-mb; NULL: it is */

const struct esp_suite *esp_suite_find(uint16_t encr, uint16_t bits, uint16_t integ);	/* NULL: not known */
/* encr: key and salt, integ: integrity key, of the suite's lengths. NULL without memory. */
struct esp_key *esp_key_new(const struct env *env, const struct esp_suite *s, const uint8_t *encr, const uint8_t *integ, bool sealing);
void	esp_key_free(struct esp_key *k);	/* wiped; NULL is fine */

/* Fills in IV and integrity value. The sequence number in the header, with seq_hi, never repeats under one key: it is
 * the IV of all but CBC. */
bool	esp_seal(struct esp_key *k, const struct esp_block *b);
/* True when the packet is what the other side sealed. False: the text is garbage, nothing of it may be used. */
bool	esp_open(struct esp_key *k, const struct esp_block *b);

#endif
