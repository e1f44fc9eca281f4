/* ikecore/crypto/chain.c: is this peer who it says? The certificates it sent are read with a bound on their number and size, the
 * leaf's key is looked at before anything is computed with it, then in this order: chain to a trust anchor at the given time,
 * CRL files, what the leaf may be used for, identity, and last the signature. Everything is decided before anybody fetches anything
 * from an address that a certificate names.
 *
 * A chain ends at whatever certificate the configuration gives as a CA. Its time and signature are not looked at again beyond what
 * OpenSSL does; keys of intermediates must be as strong as those of leaves, their signatures SHA-2 (security level 2). */
#include "ikecore/crypto/cert_priv.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>

struct certs {	/* as the peer sent them; read when somebody must look into them */
	X509 *leaf;
	STACK_OF(X509) *more;
	uint8_t key[32];	/* by which their path is known */
};

static enum ike_cert_fault
fault(struct ike_proved *o, enum ike_cert_fault f, const char *text)
{
	o->fault = f;
	snprintf(o->why, sizeof(o->why), "%s", text);
	return f;
}

static enum ike_cert_fault
measure(const struct ike_proof *p, struct certs *c, struct ike_proved *o)
{
	size_t octets = 0;

	if (p->n_cert == 0)
		return fault(o, IKE_CERT_NONE, "it sent no certificate");
	for (unsigned i = 0; i < p->n_cert; i++)
		octets += p->cert[i].n;
	if (p->n_cert > IKE_CHAIN_MAX || octets > IKE_CHAIN_OCTETS_MAX)
		return fault(o, IKE_CERT_SYNTAX, "it sent more than 5 certificates, or more than 16 KiB of them");
	return known_key(p->cert, p->n_cert, c->key) ? IKE_CERT_OK : fault(o, IKE_CERT_MEMORY, "out of memory");
}

static enum ike_cert_fault
read_all(const struct ike_proof *p, struct certs *c, struct ike_proved *o)
{
	char reason[IKE_WHY_MAX];

	c->more = sk_X509_new_null();
	if (!c->more)
		return fault(o, IKE_CERT_MEMORY, "out of memory");
	for (unsigned i = 0; i < p->n_cert; i++) {
		X509 *x = cert_read(p->cert[i]);

		if (!x)
			return fault(o, IKE_CERT_SYNTAX, "a certificate cannot be read");
		if (i == 0) {
			c->leaf = x;
		} else if (sk_X509_push(c->more, x) <= 0) {
			X509_free(x);
			return fault(o, IKE_CERT_MEMORY, "out of memory");
		}
	}
	cert_facts(c->leaf, &o->leaf);
	if (cert_key_ok(c->leaf, reason))
		return IKE_CERT_OK;
	snprintf(o->why, sizeof(o->why), "certificate %.100s: %.120s", o->leaf.subject, reason);
	return o->fault = IKE_CERT_KEY;
}

static void
free_all(struct certs *c)
{
	X509_free(c->leaf);
	sk_X509_pop_free(c->more, X509_free);
}

/* ---- the chain */

struct vfy_word {
	int error;
	enum ike_cert_fault fault;
	const char *text;	/* %s: subject */
};
static const struct vfy_word vfy_words[] = {
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, IKE_CERT_UNTRUSTED, NULL },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, IKE_CERT_UNTRUSTED, NULL },
	{ X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, IKE_CERT_UNTRUSTED, NULL },
	{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, IKE_CERT_UNTRUSTED, NULL },
	{ X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, IKE_CERT_UNTRUSTED, NULL },
	{ X509_V_ERR_CERT_UNTRUSTED, IKE_CERT_UNTRUSTED, NULL },
	{ X509_V_ERR_CERT_SIGNATURE_FAILURE, IKE_CERT_UNTRUSTED, "its signature is not that of the CA it names" },
	{ X509_V_ERR_INVALID_CA, IKE_CERT_UNTRUSTED, "who issued it is not a CA" },
	{ X509_V_ERR_KEYUSAGE_NO_CERTSIGN, IKE_CERT_UNTRUSTED, "who issued it may not sign certificates" },
	{ X509_V_ERR_PATH_LENGTH_EXCEEDED, IKE_CERT_UNTRUSTED, "the chain is longer than a CA in it allows" },
	{ X509_V_ERR_CERT_CHAIN_TOO_LONG, IKE_CERT_UNTRUSTED, "the chain is too long" },
	{ X509_V_ERR_CERT_HAS_EXPIRED, IKE_CERT_EXPIRED, NULL },
	{ X509_V_ERR_CERT_NOT_YET_VALID, IKE_CERT_NOT_YET, NULL },
	{ X509_V_ERR_EE_KEY_TOO_SMALL, IKE_CERT_KEY, "its key is too small" },
	{ X509_V_ERR_CA_KEY_TOO_SMALL, IKE_CERT_KEY, "the key of a CA in its chain is too small" },
	{ X509_V_ERR_CA_MD_TOO_WEAK, IKE_CERT_KEY, "a signature in its chain is made with a weak hash" },
	{ X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, IKE_CERT_USAGE, "it has a critical extension that is not understood" },
	{ X509_V_ERR_OUT_OF_MEM, IKE_CERT_MEMORY, "out of memory" },
};

static void
say_dates(X509 *x, int error, struct ike_proved *o)
{
	struct ike_cert_facts f;
	char date[IKE_DATE_MAX];

	cert_facts(x, &f);
	if (error == X509_V_ERR_CERT_HAS_EXPIRED)
		snprintf(o->why, sizeof(o->why), "certificate %.150s expired at %s", f.subject, ike_date_fmt(f.not_after, date));
	else
		snprintf(o->why, sizeof(o->why), "certificate %.150s is not valid before %s", f.subject, ike_date_fmt(f.not_before, date));
}

static enum ike_cert_fault
say_vfy(X509_STORE_CTX *sx, const struct certs *c, struct ike_proved *o)
{
	int error = X509_STORE_CTX_get_error(sx);
	X509 *at = X509_STORE_CTX_get_current_cert(sx);
	char subject[IKE_CERT_TEXT_MAX], issuer[IKE_CERT_TEXT_MAX];
	const struct vfy_word *w = vfy_words, *end = vfy_words + sizeof(vfy_words) / sizeof(vfy_words[0]);

	at = at ? at : c->leaf;
	while (w < end && w->error != error)
		w++;
	o->fault = w < end ? w->fault : IKE_CERT_UNTRUSTED;
	cert_name_fmt(X509_get_subject_name(at), subject, sizeof(subject));
	cert_name_fmt(X509_get_issuer_name(at), issuer, sizeof(issuer));
	if (o->fault == IKE_CERT_EXPIRED || o->fault == IKE_CERT_NOT_YET)
		say_dates(at, error, o);
	else if (w < end && w->text)
		snprintf(o->why, sizeof(o->why), "certificate %.110s: %.100s", subject, w->text);
	else if (w < end)
		snprintf(o->why, sizeof(o->why), "certificate %.90s is issued by %.90s, which is no CA of ours", subject, issuer);
	else
		snprintf(o->why, sizeof(o->why), "certificate %.110s: %.100s", subject, X509_verify_cert_error_string(error));
	return o->fault;
}

/* Against one trustpoint. The chain that was built is the answer; NULL: o says why. */
static STACK_OF(X509) *
build(const struct ike_trust *t, const struct certs *c, int64_t wall, struct ike_proved *o)
{
	X509_STORE_CTX *sx = X509_STORE_CTX_new();
	STACK_OF(X509) *untrusted = sk_X509_dup(c->more), *chain = NULL;
	X509_VERIFY_PARAM *param;
	bool ok = sx && untrusted;

	for (int i = 1; ok && i < sk_X509_num(t->own); i++)	/* our own intermediates may be theirs too */
		ok = sk_X509_push(untrusted, sk_X509_value(t->own, i)) > 0;
	ok = ok && X509_STORE_CTX_init(sx, t->store, c->leaf, untrusted) == 1;
	if (!ok) {
		fault(o, IKE_CERT_MEMORY, "out of memory");
	} else {
		param = X509_STORE_CTX_get0_param(sx);
		X509_VERIFY_PARAM_set_time(param, (time_t)wall);
		X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
		X509_VERIFY_PARAM_set_depth(param, IKE_CHAIN_MAX - 1);
		X509_VERIFY_PARAM_set_auth_level(param, 2);
		if (X509_verify_cert(sx) == 1)
			chain = X509_STORE_CTX_get1_chain(sx);
		else
			say_vfy(sx, c, o);
	}
	sk_X509_free(untrusted);
	X509_STORE_CTX_free(sx);
	ERR_clear_error();
	return chain;
}

static struct ike_chain *
chain_new(const struct ike_trust *t, STACK_OF(X509) *certs, struct ike_proved *o)
{
	struct ike_chain *c = calloc(1, sizeof(*c));
	int n = sk_X509_num(certs);
	unsigned len;

	if (!c || n < 1 || n > IKE_CHAIN_MAX + 1) {
		free(c);
		sk_X509_pop_free(certs, X509_free);
		fault(o, c ? IKE_CERT_UNTRUSTED : IKE_CERT_MEMORY, c ? "the chain is too long" : "out of memory");
		return NULL;
	}
	c->trust = ike_trust_get(t);
	c->cert = certs;
	for (int i = 0; i < n; i++)
		X509_digest(sk_X509_value(certs, i), EVP_sha256(), c->fingerprint[i], &len);
	return c;
}

/* The first trustpoint that has a path decides, also where a later one has verified it before. The trustpoint whose complaint is
 * the most telling is the one that is heard: not "no CA of ours" where another one knows the CA. */
static struct ike_chain *
find_trust(const struct ike_proof *p, struct certs *c, struct ike_proved *o)
{
	struct ike_proved told = { .fault = IKE_CERT_UNTRUSTED }, here;
	struct ike_chain *known;

	snprintf(told.why, sizeof(told.why), "no trustpoint has a CA to check certificates with");
	for (unsigned i = 0; i < p->n_trust; i++) {
		STACK_OF(X509) *chain;

		if (ike_trust_n_ca(p->trust[i]) == 0)
			continue;
		o->trust = i;
		known = known_find(p->trust[i], c->key, p->wall, &o->leaf);
		if (known)
			return known;
		if (!c->leaf && read_all(p, c, o) != IKE_CERT_OK)
			return NULL;
		here = (struct ike_proved){ .fault = IKE_CERT_OK };
		chain = build(p->trust[i], c, p->wall, &here);
		if (chain)
			return chain_new(p->trust[i], chain, o);
		if (told.fault == IKE_CERT_UNTRUSTED)
			told = here;
	}
	o->fault = told.fault;
	memcpy(o->why, told.why, sizeof(o->why));
	return NULL;
}

/* ---- what is in the chain */

static enum ike_cert_fault
check_members(const struct ike_chain *c, int64_t wall, struct ike_proved *o)
{
	char reason[IKE_WHY_MAX], subject[IKE_CERT_TEXT_MAX];

	for (int i = 0; i < sk_X509_num(c->cert); i++) {
		X509 *x = sk_X509_value(c->cert, i);
		bool anchor = i + 1 == sk_X509_num(c->cert) && i > 0;
		enum ike_cert_fault f;

		if (anchor)
			break;
		if (!c->known && !cert_key_ok(x, reason)) {
			cert_name_fmt(X509_get_subject_name(x), subject, sizeof(subject));
			snprintf(o->why, sizeof(o->why), "certificate %.100s: %.120s", subject, reason);
			return o->fault = IKE_CERT_KEY;
		}
		f = trust_crls_check(c->trust, x, wall, o->why);
		if (f != IKE_CERT_OK)
			return o->fault = f;
	}
	return IKE_CERT_OK;
}

static void
take_facts(const struct ike_chain *c, struct ike_proved *o)
{
	int n = sk_X509_num(c->cert);

	memcpy(o->anchor, c->fingerprint[n - 1], sizeof(o->anchor));
	o->until = INT64_MAX;
	for (int i = 0; i < n; i++) {
		int64_t t = cert_time(X509_get0_notAfter(sk_X509_value(c->cert, i)));

		o->until = t < o->until ? t : o->until;
	}
}

static enum ike_cert_fault
check_leaf(const struct ike_proof *p, X509 *leaf, struct ike_proved *o)
{
	char reason[IKE_WHY_MAX];

	if (!o->chain->known && !cert_may_sign(leaf, reason)) {
		snprintf(o->why, sizeof(o->why), "certificate %.110s: %.120s", o->leaf.subject, reason);
		return o->fault = IKE_CERT_USAGE;
	}
	if (!cert_has_id(leaf, p->id_type, p->id, reason)) {
		snprintf(o->why, sizeof(o->why), "it is not the holder of its certificate's names: %.200s", reason);
		return o->fault = IKE_CERT_IDENTITY;
	}
	return o->fault = sign_check(X509_get0_pubkey(leaf), p->kinds, p->method, p->auth, p->octets, o->why);
}

static enum ike_cert_fault
check(const struct ike_proof *p, struct certs *c, struct ike_proved *o)
{
	if (measure(p, c, o) != IKE_CERT_OK)
		return o->fault;
	o->chain = find_trust(p, c, o);
	if (!o->chain)
		return o->fault;
	take_facts(o->chain, o);
	if (check_members(o->chain, p->wall, o) != IKE_CERT_OK || check_leaf(p, sk_X509_value(o->chain->cert, 0), o) != IKE_CERT_OK)
		return o->fault;
	if (!o->chain->known)
		known_keep(o->chain, c->key, &o->leaf);
	return IKE_CERT_OK;
}

enum ike_cert_fault
ike_proof_check(const struct ike_proof *p, struct ike_proved *out)
{
	struct certs c = { .leaf = NULL };

	memset(out, 0, sizeof(*out));
	check(p, &c, out);
	free_all(&c);
	if (out->fault != IKE_CERT_OK) {
		ike_chain_free(out->chain);
		out->chain = NULL;
	}
	return out->fault;
}

void
ike_chain_free(struct ike_chain *c)
{
	if (!c)
		return;
	sk_X509_pop_free(c->cert, X509_free);
	ike_trust_put(c->trust);
	free(c);
}
