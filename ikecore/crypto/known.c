/* ikecore/crypto/known.c: paths that were found good before, so that a peer that comes again (reauthentication, a new address, a
 * restart of its own; for a spoke: its hub) costs one signature and not its certificates' as well. Half of what an ECDSA handshake
 * computes is reading them and verifying that path.
 *
 * Each trustpoint has its own table, and dies with it: a reload makes new trustpoints, so CAs and CRL files never change behind a
 * path in here. A path is found by the SHA-256 of all the peer's certificates, octet by octet as they came. It holds what no time and no
 * question changes: the certificates as they were read, their order up to the anchor, that keys and signatures are ones we take, and that
 * the leaf may sign. It counts only while each certificate in it, the anchor too, is in its time. What is decided
 * anew each time: CRL files, the question of revocation to the outside (which has a memory of its own, and whose "revoked" ends the
 * path here), identity, and the peer's signature. A path gets in only behind a good signature: who merely knows others' certificates
 * cannot push anybody out.
 *
 * Bounded: KNOWN_MAX paths of some 6 kB, in sets of four; the one that was not used for longest leaves. Used by several threads. */
#include "ikecore/crypto/cert_priv.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdlib.h>

enum { KNOWN_MAX = 1024, WAYS = 4 };

struct path {
	uint8_t key[32];
	int64_t from, until;	/* in its time, as X509_verify_cert() counts: until is too late already */
	uint64_t used;
	struct ike_cert_facts leaf;
	STACK_OF(X509) *cert;	/* leaf first, anchor last */
	uint8_t fingerprint[IKE_CHAIN_MAX + 1][32];
};

struct known {
	CRYPTO_RWLOCK *lock;
	uint64_t clock;	/* counts uses */
	struct path *path[KNOWN_MAX];
};

static void
path_free(struct path *p)
{
	if (!p)
		return;
	sk_X509_pop_free(p->cert, X509_free);
	free(p);
}

struct known *
known_new(void)
{
	struct known *k = calloc(1, sizeof(*k));

	if (k && !(k->lock = CRYPTO_THREAD_lock_new())) {
		free(k);
		k = NULL;
	}
	return k;
}

void
known_free(struct known *k)
{
	if (!k)
		return;
	for (unsigned i = 0; i < KNOWN_MAX; i++)
		path_free(k->path[i]);
	CRYPTO_THREAD_lock_free(k->lock);
	free(k);
}

bool
known_key(const struct span *cert, unsigned n, uint8_t out[static 32])
{
	EVP_MD_CTX *m = EVP_MD_CTX_new();
	uint8_t len[4];
	bool ok = m && EVP_DigestInit_ex(m, EVP_sha256(), NULL) == 1;

	for (unsigned i = 0; ok && i < n; i++) {
		put_be32(len, (uint32_t)cert[i].n);	/* where one ends and the next begins is said too */
		ok = EVP_DigestUpdate(m, len, sizeof(len)) == 1 && EVP_DigestUpdate(m, cert[i].p, cert[i].n) == 1;
	}
	ok = ok && EVP_DigestFinal_ex(m, out, NULL) == 1;
	EVP_MD_CTX_free(m);
	return ok;
}

static struct path **
set_of(struct known *k, const uint8_t *key)
{
	return &k->path[get_be32(key) % (KNOWN_MAX / WAYS) * WAYS];
}

/* ---- looking */

static struct ike_chain *
chain_of(const struct ike_trust *t, const struct path *p)
{
	struct ike_chain *c = calloc(1, sizeof(*c));

	if (!c || !(c->cert = X509_chain_up_ref(p->cert))) {
		free(c);
		return NULL;
	}
	c->trust = ike_trust_get(t);
	memcpy(c->fingerprint, p->fingerprint, sizeof(c->fingerprint));
	c->known = true;
	return c;
}

struct ike_chain *
known_find(const struct ike_trust *t, const uint8_t key[static 32], int64_t wall, struct ike_cert_facts *leaf)
{
	struct known *k = t->known;
	struct ike_chain *c = NULL;
	struct path **set;

	if (!k || !CRYPTO_THREAD_write_lock(k->lock))
		return NULL;
	set = set_of(k, key);
	for (unsigned i = 0; i < WAYS && !c; i++) {
		struct path *p = set[i];

		if (!p || memcmp(p->key, key, sizeof(p->key)) != 0 || wall < p->from || wall >= p->until || !(c = chain_of(t, p)))
			continue;
		p->used = ++k->clock;
		*leaf = p->leaf;
	}
	CRYPTO_THREAD_unlock(k->lock);
	ERR_clear_error();
	return c;
}

/* ---- keeping */

static struct path *
path_new(const struct ike_chain *c, const uint8_t *key, const struct ike_cert_facts *leaf)
{
	struct path *p = calloc(1, sizeof(*p));

	if (!p || !(p->cert = X509_chain_up_ref(c->cert))) {
		free(p);
		return NULL;
	}
	memcpy(p->key, key, sizeof(p->key));
	memcpy(p->fingerprint, c->fingerprint, sizeof(p->fingerprint));
	p->leaf = *leaf;
	p->from = INT64_MIN;
	p->until = INT64_MAX;
	for (int i = 0; i < sk_X509_num(p->cert); i++) {
		int64_t from = cert_time(X509_get0_notBefore(sk_X509_value(p->cert, i))), until = cert_time(X509_get0_notAfter(sk_X509_value(p->cert, i)));

		p->from = from > p->from ? from : p->from;
		p->until = until < p->until ? until : p->until;
	}
	return p;
}

void
known_keep(const struct ike_chain *c, const uint8_t key[static 32], const struct ike_cert_facts *leaf)
{
	struct known *k = c->trust->known;
	struct path *p = k ? path_new(c, key, leaf) : NULL, *old, **set;
	unsigned at = 0;

	if (!p || !CRYPTO_THREAD_write_lock(k->lock)) {
		path_free(p);	/* then it is verified again */
		return;
	}
	set = set_of(k, key);
	for (unsigned i = 0; i < WAYS; i++) {
		if (!set[i] || memcmp(set[i]->key, key, sizeof(p->key)) == 0) {
			at = i;
			break;
		}
		if (set[i]->used < set[at]->used)
			at = i;
	}
	old = set[at];
	p->used = ++k->clock;
	set[at] = p;
	CRYPTO_THREAD_unlock(k->lock);
	path_free(old);
}

/* ---- forgetting */

void
ike_chain_forget(const struct ike_chain *c)
{
	struct known *k = c->trust->known;

	if (!k || !CRYPTO_THREAD_write_lock(k->lock))
		return;
	for (unsigned i = 0; i < KNOWN_MAX; i++) {
		if (k->path[i] && memcmp(k->path[i]->fingerprint[0], c->fingerprint[0], 32) == 0) {
			path_free(k->path[i]);
			k->path[i] = NULL;
		}
	}
	CRYPTO_THREAD_unlock(k->lock);
}

bool
ike_chain_was_known(const struct ike_chain *c)
{
	return c->known;
}
