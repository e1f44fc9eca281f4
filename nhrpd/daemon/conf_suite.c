/* nhrpd/daemon/conf_suite.c: algorithms under the names of IOS, suites of them, and the proposals that come of both.
 *
 * What a proposal does not name it has from its suite, that of `crypto suite`, or "default". Ciphers that bring their own
 * integrity and those that do not never stand in one proposal (RFC 7296 3.3): such a block becomes two, the former first.
 * Suites: "default" is what RFC 8247 and 8221 recommend; "cnsa" is RFC 9206; "legacy" adds, behind the others, what is
 * outdated but still met. DES, MD5 and groups 1 and 22 to 24 have no names here and cannot be had. */
#include "nhrpd/daemon/conf_priv.h"

#include <stdlib.h>

enum { ENCR_3DES = 3, ENCR_CBC = 12, ENCR_CTR = 13, ENCR_GCM = 20, ENCR_CHACHA = 28 };
enum { SUITE_DEFAULT, SUITE_CNSA, SUITE_LEGACY };	/* as the words stand in the table */
enum { IDS_MAX = 10, PFS_DEFAULT = 19 };

const struct conf_alg conf_ike_encr[] = {
	{ "aes-gcm-256", CONF_CIPHER(ENCR_GCM, 256), false }, { "aes-gcm-192", CONF_CIPHER(ENCR_GCM, 192), false },
	{ "aes-gcm-128", CONF_CIPHER(ENCR_GCM, 128), false }, { "chacha20-poly1305", CONF_CIPHER(ENCR_CHACHA, 0), false },
	{ "aes-cbc-256", CONF_CIPHER(ENCR_CBC, 256), false }, { "aes-cbc-192", CONF_CIPHER(ENCR_CBC, 192), false },
	{ "aes-cbc-128", CONF_CIPHER(ENCR_CBC, 128), false }, { "aes-ctr-256", CONF_CIPHER(ENCR_CTR, 256), false },
	{ "aes-ctr-192", CONF_CIPHER(ENCR_CTR, 192), false }, { "aes-ctr-128", CONF_CIPHER(ENCR_CTR, 128), false },
	{ "3des", CONF_CIPHER(ENCR_3DES, 0), true }, { NULL, 0, false },
};
const struct conf_alg conf_integs[] = {
	{ "sha256", 12, false }, { "sha384", 13, false }, { "sha512", 14, false }, { "sha1", 2, true }, { "sha", 2, true }, { NULL, 0, false },
};
const struct conf_alg conf_prfs[] = {
	{ "sha384", 6, false }, { "sha256", 5, false }, { "sha512", 7, false }, { "sha1", 2, true }, { "sha", 2, true }, { NULL, 0, false },
};
const struct conf_alg conf_groups[] = {
	{ "31", 31, false }, { "19", 19, false }, { "20", 20, false }, { "21", 21, false }, { "32", 32, false }, { "14", 14, false },
	{ "15", 15, false }, { "16", 16, false }, { "17", 17, false }, { "18", 18, false }, { "5", 5, true }, { "2", 2, true }, { NULL, 0, false },
};

struct suite {	/* lists end at 0 */
	uint64_t encr[IDS_MAX];
	uint16_t integ[IDS_MAX], prf[IDS_MAX], group[IDS_MAX];
	uint16_t pfs;
};
#define MODERN                                                                                                                             \
	CONF_CIPHER(ENCR_GCM, 256), CONF_CIPHER(ENCR_GCM, 128), CONF_CIPHER(ENCR_CHACHA, 0), CONF_CIPHER(ENCR_CBC, 256), CONF_CIPHER(ENCR_CBC, 128)
static const struct suite suites[] = {
	[SUITE_DEFAULT] = { { MODERN }, { 12, 13, 14 }, { 6, 5, 7 }, { 31, 19, 20, 14 }, 0 },
	[SUITE_CNSA] = { { CONF_CIPHER(ENCR_GCM, 256) }, { 13 }, { 6 }, { 20 }, 20 },
	[SUITE_LEGACY] = { { MODERN, CONF_CIPHER(ENCR_3DES, 0) }, { 12, 13, 14, 2 }, { 6, 5, 7, 2 }, { 31, 19, 20, 14, 5, 2 }, 0 },
};

static void
warn_suite(struct conf_parse *p, const struct conf_val *v)
{
	if (v->at.line && v->n == SUITE_LEGACY)
		conf_warn_at(p, v->at, "suite legacy: 3DES, SHA-1 and groups 5 and 2 are outdated, for old peers only");
}

static const struct suite *
suite_of(struct conf_parse *p, const struct conf_val *own)
{
	const struct conf_val *v = own->at.line ? own : &p->global.suite;

	warn_suite(p, own);	/* of the global one once and for all: conf_build_ike() */
	return &suites[v->at.line ? v->n : SUITE_DEFAULT];
}

/* ---- lists */

static bool
is_legacy(const struct conf_alg *t, uint64_t v)
{
	for (; t->name; t++) {
		if (t->v == v)
			return t->legacy;
	}
	return false;
}

static void
warn_legacy(struct conf_parse *p, const char *word, const struct conf_list *l, const struct conf_alg *t)
{
	for (unsigned i = 0; i < l->n; i++) {
		if (is_legacy(t, l->v[i]))
			conf_warn_at(p, l->at[i], "%s %s is outdated, for old peers only", word, l->s[i]);
	}
}

/* What is named, or what the suite has. The arrays of a proposal have room for either. */
static void
add_ids(uint16_t *out, unsigned *n, const struct conf_list *l, const uint16_t *suite)
{
	for (unsigned i = 0; i < l->n; i++)
		out[(*n)++] = (uint16_t)l->v[i];
	for (; l->n == 0 && *suite; suite++)
		out[(*n)++] = *suite;
}

static bool
brings_integrity(uint64_t cipher)
{
	return cipher >> 16 == ENCR_GCM || cipher >> 16 == ENCR_CHACHA;
}

static void
add_cipher(struct ike_proposal *o, uint64_t v)
{
	o->encr[o->n_encr] = (uint16_t)(v >> 16);
	o->encr_bits[o->n_encr++] = (uint16_t)v;
}

/* Those of one kind. */
static void
add_ciphers(struct ike_proposal *o, const struct conf_list *l, const uint64_t *suite, bool aead)
{
	for (unsigned i = 0; i < l->n; i++) {
		if (brings_integrity(l->v[i]) == aead)
			add_cipher(o, l->v[i]);
	}
	for (; l->n == 0 && *suite; suite++) {
		if (brings_integrity(*suite) == aead)
			add_cipher(o, *suite);
	}
}

/* Integrity names the hash: as in IOS the PRF is the same where nothing else is said. */
static void
add_prfs(struct ike_proposal *o, const struct conf_b_proposal *b, const struct suite *s)
{
	static const uint16_t of_integ[][2] = { { 12, 5 }, { 13, 6 }, { 14, 7 }, { 2, 2 } };

	if (b->prf.n || !b->integ.n) {
		add_ids(o->prf, &o->n_prf, &b->prf, s->prf);
		return;
	}
	for (unsigned i = 0; i < b->integ.n; i++) {
		for (size_t j = 0; j < sizeof(of_integ) / sizeof(of_integ[0]); j++) {
			if (of_integ[j][0] == b->integ.v[i])
				o->prf[o->n_prf++] = of_integ[j][1];
		}
	}
}

/* ---- IKE */

static void
add_one(struct conf_parse *p, struct conf_place at, const struct ike_proposal *o, struct conf_proposals *out)
{
	if (out->n == IKE_PROPOSALS_MAX)
		conf_error_at(p, at, "more than %d IKE proposals (ciphers with and without integrity of their own count apart)", IKE_PROPOSALS_MAX);
	else
		out->item[out->n++] = *o;
}

/* Additional key exchanges: only what is said. */
static void
add_addke(struct ike_proposal *o, const struct conf_list said[static IKE_ADDKE_MAX])
{
	for (unsigned t = 0; t < IKE_ADDKE_MAX; t++) {
		for (unsigned i = 0; i < said[t].n; i++)
			o->addke[t][o->n_addke[t]++] = (uint16_t)said[t].v[i];
	}
}

/* Additional to what? RFC 9370 2.2.4 has none without a first. */
static void
addke_needs_pfs(struct conf_parse *p, const struct conf_b_ipsec *b)
{
	for (unsigned t = 0; t < IKE_ADDKE_MAX; t++) {
		if (b->addke[t].n)
			conf_error_at(p, b->addke[t].at[0], "an additional key exchange needs \"set pfs\"");
	}
}

static void
add_proposal(struct conf_parse *p, struct conf_place at, const struct conf_b_proposal *b, struct conf_proposals *out)
{
	const struct suite *s = suite_of(p, &b->suite);
	bool none = true;

	warn_legacy(p, "encryption", &b->encr, conf_ike_encr);
	warn_legacy(p, "integrity", &b->integ, conf_integs);
	warn_legacy(p, "prf", &b->prf, conf_prfs);
	warn_legacy(p, "group", &b->group, conf_groups);
	for (int aead = 1; aead >= 0; aead--) {
		struct ike_proposal o = { 0 };

		add_ciphers(&o, &b->encr, s->encr, aead);
		if (o.n_encr == 0)
			continue;
		if (!aead)
			add_ids(o.integ, &o.n_integ, &b->integ, s->integ);
		add_prfs(&o, b, s);
		add_ids(o.group, &o.n_group, &b->group, s->group);
		add_addke(&o, b->addke);
		add_one(p, at, &o, out);
		none &= aead;
	}
	if (none && b->integ.n)
		conf_warn_at(p, b->integ.at[0], "no cipher of this proposal takes an integrity: it only names the PRF");
}

/* Those that policies name, in order; all there are where there is no policy; the default where there are none. */
void
conf_build_ike(struct conf_parse *p, struct conf_proposals *out)
{
	static const struct conf_b_proposal all;

	warn_suite(p, &p->global.suite);
	for (struct conf_block *b = p->policy; b; b = b->next) {
		const struct conf_list *l = &((struct conf_b_policy *)b)->proposal;

		if (l->n == 0)
			conf_error_at(p, b->at, "policy %s names no proposal", b->name);
		for (unsigned i = 0; i < l->n; i++) {
			const struct conf_b_proposal *found = conf_find(p->proposal, l->s[i]);

			if (found)
				add_proposal(p, l->at[i], found, out);
			else
				conf_error_at(p, l->at[i], "there is no \"crypto ikev2 proposal %s\"", l->s[i]);
		}
	}
	for (struct conf_block *b = p->proposal; b && !p->policy; b = b->next)
		add_proposal(p, b->at, (struct conf_b_proposal *)b, out);
	if (!p->proposal && !p->policy)
		add_proposal(p, (struct conf_place){ 0 }, &all, out);
}

/* ---- ESP */

static void
esp_of_sets(struct conf_parse *p, const struct conf_b_ipsec *b, struct ike_profile *o)
{
	for (unsigned i = 0; i < b->set.n; i++) {
		const struct conf_b_transform *t = conf_find(p->transform, b->set.s[i]);

		if (t && i && t->mode.n != o->mode)	/* IKEv2 negotiates it for the SA, not for each proposal */
			conf_error_at(p, b->set.at[i], "transform-set %s has another mode than %s", t->b.name, b->set.s[0]);
		else if (t)
			o->mode = (enum ike_mode)t->mode.n;
		if (!t) {
			conf_error_at(p, b->set.at[i], "there is no \"crypto ipsec transform-set %s\"", b->set.s[i]);
		} else if (o->n_esp == IKE_PROPOSALS_MAX) {
			conf_error_at(p, b->set.at[i], "more than %d transform sets", IKE_PROPOSALS_MAX);
		} else {
			if (t->integ)
				o->esp[o->n_esp].integ[o->esp[o->n_esp].n_integ++] = t->integ;
			add_cipher(&o->esp[o->n_esp++], t->cipher);
		}
	}
}

static void
esp_of_suite(const struct suite *s, struct ike_profile *o)
{
	static const struct conf_list none;

	for (int aead = 1; aead >= 0; aead--) {
		struct ike_proposal *e = &o->esp[o->n_esp];

		add_ciphers(e, &none, s->encr, aead);
		if (!aead)
			add_ids(e->integ, &e->n_integ, &none, s->integ);
		o->n_esp += e->n_encr != 0;
	}
}

void
conf_build_esp(struct conf_parse *p, const struct conf_b_ipsec *b, struct ike_profile *o)
{
	const struct suite *s = suite_of(p, &b->suite);
	uint16_t pfs = b->pfs.n ? (uint16_t)b->pfs.n : b->pfs.at.line && !s->pfs ? PFS_DEFAULT : s->pfs;

	if (b->set.n)
		esp_of_sets(p, b, o);
	else
		esp_of_suite(s, o);
	if (b->pfs.at.line && is_legacy(conf_groups, pfs))
		conf_warn_at(p, b->pfs.at, "group %u is outdated, for old peers only", pfs);
	if (!pfs)
		addke_needs_pfs(p, b);
	for (unsigned i = 0; i < o->n_esp; i++) {
		o->esp[i].esn[0] = o->esp[i].esn[1] = true;
		if (pfs)
			o->esp[i].group[o->esp[i].n_group++] = pfs;
		add_addke(&o->esp[i], b->addke);
	}
}
