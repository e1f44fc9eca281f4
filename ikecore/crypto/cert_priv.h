/* ikecore/crypto/cert_priv.h: what the files about certificates share. */
#ifndef IKECORE_CRYPTO_CERT_PRIV_H
#define IKECORE_CRYPTO_CERT_PRIV_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>

#include "ikecore/crypto/ike_cert.h"

struct ike_trust {
	atomic_uint users;
	struct ike_trust_conf conf;	/* strings are ours */
	STACK_OF(X509) *ca, *own;	/* own: ours, then intermediates */
	STACK_OF(X509_CRL) *crl;	/* each verified with its CA's key */
	EVP_PKEY *key;
	X509_STORE *store;
	uint8_t ca_hash[IKE_TRUST_CAS_MAX][IKE_SHA1_LEN];
	struct span der[IKE_CHAIN_MAX];	/* own */
	struct known *known;	/* paths; NULL: none are kept */
};

struct ike_chain {
	struct ike_trust *trust;
	STACK_OF(X509) *cert;	/* leaf first, anchor last */
	uint8_t fingerprint[IKE_CHAIN_MAX + 1][32];
	bool known;	/* not verified now, but before */
};

enum { ID_IPV4 = 1, ID_FQDN = 2, ID_EMAIL = 3, ID_IPV6 = 5, ID_DN = 9 };	/* RFC 7296 3.5 */

/* ---- cert.c */
X509	*cert_read(struct span der);	/* exactly one certificate; NULL */
void	cert_facts(X509 *x, struct ike_cert_facts *out);
void	cert_name_fmt(const X509_NAME *name, char *out, size_t n);
bool	cert_has_id(X509 *x, uint8_t type, struct span id, char *why);
bool	cert_key_ok(X509 *x, char *why);	/* kinds and sizes that we take */
unsigned cert_key_kinds(const EVP_PKEY *k);	/* IKE_SIGN_* */
bool	cert_may_sign(X509 *x, char *why);	/* key usage of an end entity in IKE */
int64_t	cert_time(const ASN1_TIME *t);	/* INT64_MIN: cannot be read */
bool	cert_spki_hash(X509 *x, uint8_t out[static IKE_SHA1_LEN]);
const char *openssl_why(char *out, size_t n);	/* the last error's reason, and forgets it */

/* ---- sign.c */
enum ike_cert_fault sign_check(EVP_PKEY *key, unsigned kinds, uint8_t method, struct span auth, struct span octets, char *why);

/* ---- known.c */
struct known *known_new(void);	/* NULL: no memory */
void	known_free(struct known *k);	/* NULL is fine */
bool	known_key(const struct span *cert, unsigned n, uint8_t out[static 32]);	/* of certificates as they came */
struct ike_chain *known_find(const struct ike_trust *t, const uint8_t key[static 32], int64_t wall, struct ike_cert_facts *leaf);	/* NULL: verify it */
void	known_keep(const struct ike_chain *c, const uint8_t key[static 32], const struct ike_cert_facts *leaf);

/* ---- revoked.c */
bool	crl_revokes(X509_CRL *crl, X509 *x, char *why);
enum ike_cert_fault trust_crls_check(const struct ike_trust *t, X509 *x, int64_t wall, char *why);
X509_CRL *trust_crl_for(const struct ike_trust *t, X509 *x);

#endif
