/* ikecore/crypto/ike_cert.h: X.509 in IKEv2: trustpoints, chains, signatures, revocation, and a lab CA (RFC 5280, 4945, 7427,
 * 4754, 8420, 6960), on OpenSSL.
 *
 * Objects here are immutable once they are complete, counted, and may be used on several threads: a job that checks a chain
 * holds its trustpoint while a reload takes another one. (What a trustpoint remembers of paths it verified, known.c, has a lock.) The time is always given by the caller (seconds since 1970, UTC).
 * Nothing here opens a file or a connection; bytes of files and of answers come in as spans. Their memory is OpenSSL's and
 * libc's: a handful of objects per trustpoint, and one chain per handshake that is being decided.
 *
 * What a refusal says it says in words, in a `why` of IKE_WHY_MAX octets, with names and dates out of the certificate; text out of
 * certificates is printable (OpenSSL escapes it). */
#ifndef IKECORE_CRYPTO_IKE_CERT_H
#define IKECORE_CRYPTO_IKE_CERT_H

#include "ikecore/crypto/ike_crypto.h"
#include "lib/claims.h"

enum {
	IKE_CHAIN_MAX = 5, IKE_CHAIN_OCTETS_MAX = 16384,	/* of a peer */
	IKE_OWN_OCTETS_MAX = 6144,	/* our chain, in every IKE_AUTH of ours */
	IKE_TRUST_CAS_MAX = 32, IKE_TRUST_CRLS_MAX = 32, IKE_TRUST_URLS_MAX = 4,
	IKE_FILE_MAX = 1 << 20,	/* PEM and DER files */
	IKE_CRL_MAX = 16 << 20,
	IKE_SIG_MAX = 1152,	/* AUTH data: RSA-8192 with its AlgorithmIdentifier */
	IKE_WHY_MAX = 256, IKE_URL_MAX = 512, IKE_URLS_MAX = 4,
	IKE_CERT_TEXT_MAX = 160, IKE_SERIAL_TEXT_MAX = 48, IKE_DATE_MAX = 32, IKE_KEY_TEXT_MAX = 24,
};

/* ---- kinds of signature; masks */
enum { IKE_SIGN_RSA = 1 /* PKCS#1 v1.5 */, IKE_SIGN_RSA_PSS = 2, IKE_SIGN_ECDSA = 4, IKE_SIGN_EDDSA = 8, IKE_SIGN_ANY = 15,
	IKE_SIGN_SHA1 = 16 /* and method 1, RSA with SHA-1: only where the user names it */ };
enum { IKE_HASH_SHA1 = 1, IKE_HASH_SHA256 = 2, IKE_HASH_SHA384 = 3, IKE_HASH_SHA512 = 4, IKE_HASH_IDENTITY = 5 };	/* RFC 7427, 8420 */

enum ike_cert_fault {
	IKE_CERT_OK,
	IKE_CERT_NONE,	/* there is none */
	IKE_CERT_SYNTAX,	/* cannot be read, or too many or too large */
	IKE_CERT_EXPIRED, IKE_CERT_NOT_YET, IKE_CERT_REVOKED,
	IKE_CERT_UNKNOWN,	/* whether it is revoked cannot be found out, and must be */
	IKE_CERT_UNTRUSTED, IKE_CERT_KEY, IKE_CERT_USAGE, IKE_CERT_IDENTITY,
	IKE_CERT_METHOD,	/* a kind of signature that the policy does not take */
	IKE_CERT_SIGNATURE,	/* it does not fit */
	IKE_CERT_MEMORY,
};

/* What a certificate says, for people and for comparing after a reload. */
struct ike_cert_facts {
	char subject[IKE_CERT_TEXT_MAX], issuer[IKE_CERT_TEXT_MAX], serial[IKE_SERIAL_TEXT_MAX], key[IKE_KEY_TEXT_MAX] /* "ECDSA P-256" */;
	int64_t not_before, not_after;
	uint8_t fingerprint[32];	/* SHA-256 of the whole */
};
char	*ike_date_fmt(int64_t wall, char out[static IKE_DATE_MAX]);	/* "2026-11-23 14:00:00 UTC" */

/* What the certificate (checked before) says its owner may claim in a tunnel: addresses of subjectAltName as CLAIM_ADDRESS, blocks of
 * RFC 3779 as both kinds. False: no memory; nothing is found in what cannot be read. `out` is zeroed by the caller. claims.c */
bool	ike_cert_claims(struct span der, struct claims *out);

/* ---- distinguished names, as DER */
size_t	ike_dn_parse(const char *text, uint8_t *out, size_t max);	/* "CN=spoke1, O=Lab" (any order of writing is kept); 0: not one */
char	*ike_dn_fmt(struct span der, char *out, size_t n);	/* "cannot be read" */
/* The same, but an attribute whose value is "*" in `pattern` takes any value. */
bool	ike_dn_eq(struct span a, struct span b);	/* the same name, semantically */
bool	ike_dn_match(struct span pattern, struct span der);

/* ---- certificate maps: certificates as the operator describes them. certmap.c */
enum { IKE_CERTMAPS_MAX = 4 /* where one is named */ };
enum ike_map_what { IKE_MAP_SUBJECT, IKE_MAP_ISSUER, IKE_MAP_ALT_NAME };
enum ike_map_op { IKE_MAP_CO, IKE_MAP_NC, IKE_MAP_EQ, IKE_MAP_NE };	/* contains, does not; equals, does not */
struct ike_certmap_rule {
	enum ike_map_what what;
	enum ike_map_op op;
	const char *value;
};
struct ike_certmap_entry {	/* all its rules must hold */
	const struct ike_certmap_rule *rule;
	unsigned n;
};
struct ike_certmap {	/* one of its entries is enough */
	const char *name;
	const struct ike_certmap_entry *entry;
	unsigned n;
};
bool	ike_certmap_rule_ok(const struct ike_certmap_rule *r);	/* its value can be compared with */
bool	ike_certmap_match(const struct ike_certmap *m, struct span leaf);	/* DER; an empty one matches nothing */
bool	ike_certmaps_match(const struct ike_certmap *const *m, unsigned n, struct span leaf);	/* one of them; none at all take everybody */

/* ---- a trustpoint: whom we trust, who we are */
enum ike_revocation { IKE_REV_NONE, IKE_REV_CRL, IKE_REV_OCSP };
struct ike_trust_conf {
	const char *name;
	enum ike_revocation method[2];	/* in order; NONE ends */
	bool relaxed;	/* no answer to be had is good enough */
	const char *crl_url, *ocsp_url;	/* instead of what certificates name; NULL: as they name it */
	bool sha1;	/* our RSA key may make SHA-1 signatures for peers that know no others */
};
struct ike_trust;
struct ike_trust *ike_trust_new(const struct ike_trust_conf *conf);	/* NULL: no memory */
struct ike_trust *ike_trust_get(const struct ike_trust *t);
void	ike_trust_put(struct ike_trust *t);	/* NULL is fine */
/* Each file is PEM or DER. False: why. */
bool	ike_trust_add_ca(struct ike_trust *t, struct span file, char *why);
bool	ike_trust_add_own(struct ike_trust *t, struct span file, char *why);	/* ours, then intermediates */
bool	ike_trust_set_key(struct ike_trust *t, struct span file, struct span passphrase, char *why);
bool	ike_trust_set_pkcs12(struct ike_trust *t, struct span file, struct span passphrase, char *why);	/* key, certificate, and what else is in it */
bool	ike_trust_add_crl(struct ike_trust *t, struct span file, char *why);
/* All there, and it fits together? A certificate of ours that is out of its time is no error here: ike_trust_own_fault(). */
bool	ike_trust_complete(struct ike_trust *t, char *why);

const struct ike_trust_conf *ike_trust_conf(const struct ike_trust *t);
bool	ike_trust_has_key(const struct ike_trust *t);
unsigned ike_trust_n_own(const struct ike_trust *t);
struct span ike_trust_own(const struct ike_trust *t, unsigned i);	/* DER, ours first */
unsigned ike_trust_n_ca(const struct ike_trust *t);
const uint8_t *ike_trust_ca_hash(const struct ike_trust *t, unsigned i);	/* IKE_SHA1_LEN octets, for CERTREQ */
bool	ike_trust_own_facts(const struct ike_trust *t, unsigned i, struct ike_cert_facts *out);
bool	ike_trust_ca_facts(const struct ike_trust *t, unsigned i, struct ike_cert_facts *out);
bool	ike_trust_own_has_id(const struct ike_trust *t, uint8_t id_type, struct span id, char *why);
size_t	ike_trust_own_dn(const struct ike_trust *t, uint8_t *out, size_t max);	/* subject, DER; 0: too long */
enum ike_cert_fault ike_trust_own_fault(const struct ike_trust *t, int64_t wall, char *why);
unsigned ike_trust_own_kind(const struct ike_trust *t);	/* IKE_SIGN_* our key can make */
bool	ike_trust_was_issued_by(const struct ike_trust *t, const uint8_t *hash);	/* our chain has, or leads to, the CA of that CERTREQ hash */
bool	ike_trust_is_anchor(const struct ike_trust *t, const uint8_t fingerprint[static 32]);
bool	ike_trust_revokes(const struct ike_trust *t, struct span leaf, char *why);	/* its CRL files say so */
bool	ike_trust_eq(const struct ike_trust *a, const struct ike_trust *b);	/* same own certificate and key, CAs, CRLs, policy */

/* ---- the AUTH payload's signature. Octets: RealMessage | nonce | prf(SK_p, ID body). */
struct ike_sign_as {
	unsigned kinds;	/* IKE_SIGN_* allowed */
	unsigned hashes;	/* 1 << IKE_HASH_*: what the peer takes; 0: it does not know RFC 7427 */
};
/* Octets of AUTH data; 0: why. */
size_t	ike_sign(const struct ike_trust *t, const struct ike_sign_as *as, struct span octets, uint8_t *method, uint8_t out[static IKE_SIG_MAX],
    char *why);

/* ---- the peer's certificates and signature */
struct ike_proof {
	const struct ike_trust *const *trust;
	unsigned n_trust;
	int64_t wall;
	const struct span *cert;	/* DER, leaf first */
	unsigned n_cert;
	uint8_t id_type;
	struct span id;
	unsigned kinds;	/* IKE_SIGN_* taken */
	uint8_t method;
	struct span auth, octets;
};
struct ike_chain;	/* what was found good, up to its trust anchor */
struct ike_proved {
	enum ike_cert_fault fault;
	char why[IKE_WHY_MAX];	/* of the fault */
	unsigned trust;	/* which one vouches */
	struct ike_cert_facts leaf;
	uint8_t anchor[32];	/* fingerprint */
	int64_t until;	/* when the first certificate of the chain expires */
	struct ike_chain *chain;	/* the caller's to free; NULL with a fault */
};
enum ike_cert_fault ike_proof_check(const struct ike_proof *p, struct ike_proved *out);

/* ---- revocation of a chain, by answers that somebody else fetched */
enum ike_status { IKE_STATUS_GOOD, IKE_STATUS_REVOKED, IKE_STATUS_UNKNOWN };
void	ike_chain_free(struct ike_chain *c);	/* NULL is fine */
const struct ike_trust *ike_chain_trust(const struct ike_chain *c);
bool	ike_chain_was_known(const struct ike_chain *c);	/* its path was verified before, not this time */
void	ike_chain_forget(const struct ike_chain *c);	/* next time it is verified again: something about it was bad */
unsigned ike_chain_n(const struct ike_chain *c);	/* to be asked about: all but the anchor */
const uint8_t *ike_chain_fingerprint(const struct ike_chain *c, unsigned i);	/* 32 octets */
void	ike_chain_name(const struct ike_chain *c, unsigned i, char *out, size_t n);
bool	ike_chain_known_good(const struct ike_chain *c, unsigned i, int64_t wall);	/* a CRL file has it covered */
unsigned ike_chain_urls(const struct ike_chain *c, unsigned i, enum ike_revocation method, char out[static IKE_URLS_MAX][IKE_URL_MAX]);	/* http only */
size_t	ike_chain_ocsp_request(const struct ike_chain *c, unsigned i, uint8_t *out, size_t max);	/* 0: cannot be made */
/* until: how long the answer may be kept (at most a day). `why` where it is not GOOD. */
enum ike_status ike_chain_ocsp_answer(const struct ike_chain *c, unsigned i, struct span der, int64_t wall, int64_t *until, char *why);
enum ike_status ike_chain_crl_answer(const struct ike_chain *c, unsigned i, struct span crl, int64_t wall, int64_t *until, char *why);

/* ---- a small certification authority, for laboratories and tests */
struct ike_pem {
	char *p;	/* from malloc; wiped by ike_pem_free() */
	size_t n;
};
void	ike_pem_free(struct ike_pem *p);
struct ike_issue {
	const char *dn;	/* subject as text; NULL: CN=the first name */
	const char *const *fqdn, *const *email;
	unsigned n_fqdn, n_email;
	const struct addr *addr;
	unsigned n_addr;
	const char *key;	/* "ecdsa-256" (also NULL), "ecdsa-384", "ecdsa-521", "rsa-2048", "rsa-3072", "rsa-4096", "ed25519" */
	int64_t from, to;
	bool ca;
	const char *crl_url, *ocsp_url;	/* NULL: none */
	bool ocsp_signing;
};
/* ca NULL: signed by itself. */
bool	ike_issue(const struct ike_issue *want, const struct ike_pem *ca, const struct ike_pem *ca_key, struct ike_pem *cert, struct ike_pem *key,
    char *why);
struct ike_revoked {
	char serial[IKE_SERIAL_TEXT_MAX];	/* as in ike_cert_facts */
	int64_t when;
};
bool	ike_issue_crl(const struct ike_pem *ca, const struct ike_pem *ca_key, const struct ike_revoked *r, unsigned n, int64_t from, int64_t to,
    struct ike_pem *crl, char *why);
bool	ike_pem_facts(struct span pem, struct ike_cert_facts *out);	/* of the first certificate */
/* Key and certificates in one file, sealed with a passphrase. */
bool	ike_issue_pkcs12(const struct ike_pem *cert, const struct ike_pem *key, const struct ike_pem *ca, const char *passphrase, struct ike_pem *out, char *why);

#endif
