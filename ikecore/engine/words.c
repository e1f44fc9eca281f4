/* ikecore/engine/words.c: proposals in words, for those who must make two ends agree: "aes-gcm-256,aes-gcm-128/sha384/ecp384 or
 * aes-cbc-256/sha256/modp2048". Within a proposal the kinds stand between slashes: cipher, integrity where there is one, PRF
 * where it is another hash, group; alternatives of a kind are separated by commas. What does not fit ends in "...".
 *
 * What a peer offered is made of numbers only: nothing of a message gets into a log but names of ours. */
#include "ikecore/engine/ike_priv.h"

#include <stdio.h>

enum { LIST_MAX = 16 };

struct text {
	char *p;
	size_t n, size;
};

static void
put(struct text *t, const char *s)
{
	size_t n = strlen(s);

	if (t->n + n + 4 > t->size) {	/* "..." always fits behind what stands there */
		if (t->size >= 4 && t->n + 4 <= t->size && (t->n < 3 || strcmp(t->p + t->n - 3, "...") != 0))
			memcpy(t->p + t->n, "...", 4);
		t->size = 0;	/* and nothing behind it */
		return;
	}
	memcpy(t->p + t->n, s, n + 1);
	t->n += n;
}

/* One proposal, ours or a peer's, as lists by kind. */
struct kinds {
	uint16_t encr[LIST_MAX], bits[LIST_MAX], integ[LIST_MAX], prf[LIST_MAX], group[LIST_MAX];
	unsigned n_encr, n_integ, n_prf, n_group;
};

static void
put_known(struct text *t, const char *name, const char *kind, uint16_t id, uint16_t bits)
{
	char number[40];

	if (strcmp(name, "unknown") != 0) {
		put(t, name);
		return;
	}
	snprintf(number, sizeof(number), bits ? "%s-%u-%u" : "%s-%u", kind, id, bits);
	put(t, number);
}

static void
put_list(struct text *t, const char *kind, const char *(*name)(uint16_t), const uint16_t *id, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		put(t, i ? "," : "/");
		put_known(t, name(id[i]), kind, id[i], 0);
	}
}

/* The same hash for both, as nearly everybody has it, is said once. */
static bool
same_hashes(const struct kinds *k)
{
	if (k->n_integ != k->n_prf)
		return false;
	for (unsigned i = 0; i < k->n_prf; i++) {
		if (strcmp(ike_integ_name(k->integ[i]), ike_prf_name(k->prf[i])) != 0 || strcmp(ike_prf_name(k->prf[i]), "unknown") == 0)
			return false;
	}
	return true;
}

static void
put_kinds(struct text *t, const struct kinds *k)
{
	for (unsigned i = 0; i < k->n_encr; i++) {
		put(t, i ? "," : "");
		put_known(t, ike_encr_name(k->encr[i], k->bits[i]), "encr", k->encr[i], k->bits[i]);
	}
	put_list(t, "integ", ike_integ_name, k->integ, k->n_integ);
	if (!same_hashes(k))
		put_list(t, "prf", ike_prf_name, k->prf, k->n_prf);
	put_list(t, "group", ike_group_name, k->group, k->n_group);
}

static void
add(uint16_t *list, unsigned *n, uint16_t id)
{
	if (*n < LIST_MAX)
		list[(*n)++] = id;
}

static void
kinds_of_peer(const struct ike_msg *m, const struct ike_prop *p, struct kinds *k)
{
	memset(k, 0, sizeof(*k));
	for (unsigned i = 0; i < p->n; i++) {
		const struct ike_xform *x = &m->xform[p->first + i];

		if (x->type == IKE_T_ENCR && k->n_encr < LIST_MAX) {
			k->bits[k->n_encr] = x->key_bits;
			k->encr[k->n_encr++] = x->id;
		} else if (x->type == IKE_T_INTEG && x->id != IKE_INTEG_NONE) {
			add(k->integ, &k->n_integ, x->id);
		} else if (x->type == IKE_T_PRF) {
			add(k->prf, &k->n_prf, x->id);
		} else if (x->type == IKE_T_KE && x->id != IKE_KE_NONE) {
			add(k->group, &k->n_group, x->id);
		}
	}
}

char *
ike_words_offered(const struct ike_msg *m, char *out, size_t size)
{
	struct text t = { out, 0, size };
	struct kinds k;

	out[0] = '\0';
	for (unsigned i = 0; i < m->n_prop; i++) {
		put(&t, i ? " or " : "");
		kinds_of_peer(m, &m->prop[i], &k);
		put_kinds(&t, &k);
	}
	if (!out[0])
		put(&t, "nothing");
	return out;
}

char *
ike_words_wanted(const struct ike_profile *p, bool esp, bool groups, char *out, size_t size)
{
	struct text t = { out, 0, size };
	struct kinds k;

	out[0] = '\0';
	for (unsigned i = 0; i < (esp ? p->n_esp : p->n_ike); i++) {
		const struct ike_proposal *own = esp ? &p->esp[i] : &p->ike[i];

		put(&t, i ? " or " : "");
		memset(&k, 0, sizeof(k));
		for (unsigned j = 0; j < own->n_encr; j++) {
			k.bits[k.n_encr] = own->encr_bits[j];
			k.encr[k.n_encr++] = own->encr[j];
		}
		for (unsigned j = 0; j < own->n_integ; j++)
			add(k.integ, &k.n_integ, own->integ[j]);
		for (unsigned j = 0; j < own->n_prf && !esp; j++)
			add(k.prf, &k.n_prf, own->prf[j]);
		for (unsigned j = 0; j < own->n_group && groups; j++)
			add(k.group, &k.n_group, own->group[j]);
		put_kinds(&t, &k);
	}
	return out;
}

char *
ike_words_mismatch(const struct ike_profile *p, const struct ike_msg *m, bool esp, bool groups, char out[static IKE_REASON_MAX])
{
	char offered[IKE_WORDS_MAX], wanted[IKE_WORDS_MAX];

	snprintf(out, IKE_REASON_MAX, "no %sproposal in common: peer offered %s, wanted %s", esp ? "IPsec " : "",
	    ike_words_offered(m, offered, sizeof(offered)), ike_words_wanted(p, esp, groups, wanted, sizeof(wanted)));
	return out;
}

char *
ike_words_refused(const struct ike_profile *p, bool esp, bool groups, const char *what, char out[static IKE_REASON_MAX])
{
	char wanted[IKE_WORDS_MAX];

	snprintf(out, IKE_REASON_MAX, "%s: we offered %s", what, ike_words_wanted(p, esp, groups, wanted, sizeof(wanted)));
	return out;
}
