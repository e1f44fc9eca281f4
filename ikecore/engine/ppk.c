/* ikecore/engine/ppk.c: post-quantum pre-shared keys, RFC 8784: a second secret of a keyring entry, mixed into SK_d, SK_pi and SK_pr
 * before AUTH, so that who records today and breaks the key exchange later still has nothing.
 *
 * Both ends say USE_PPK in IKE_SA_INIT. The initiator names its key (PPK_IDENTITY) and, where the key is not required, says AUTH also
 * without it (NO_PPK_AUTH): a pre-shared key's value, or a second signature, made in the same job as the first (proof.c). A responder
 * that has the key says PPK_IDENTITY back; one that has not goes on without, unless its own entry requires one.
 *
 * Which key it is, the keyring says: the entry of the pre-shared key that is in use; beside certificates the entry, of those that have
 * one, that fits the peer best. An initiator guesses it before it knows who will answer. Where the guess was wrong and the entry of
 * who answered requires one, the attempt fails and the next one names that entry's (ike_ppk_owed()). */
#include "ikecore/engine/ike_priv.h"

enum { PPK_ID_FIXED = 2 };

/* ---- whose */

static bool
by_certs(const struct ike_profile *p)
{
	return p->auth_local || (p->auth_remote & ~(unsigned)IKE_TAKE_PSK);
}

/* True: the entry of the pre-shared key decides, and there is no other. */
static bool
decided(const struct ike_profile *p, unsigned key, unsigned *out)
{
	*out = key < p->n_key && p->key[key].ppk_len ? key : IKE_NO_KEY;
	return *out != IKE_NO_KEY || !by_certs(p);
}

unsigned
ike_ppk_for(const struct ike_profile *p, unsigned key, const struct ike_id *id, const struct addr *remote)
{
	unsigned i;
	int best;

	if (decided(p, key, &i))
		return i;
	best = ike_key_for_ppk(p, id, remote);
	return best < 0 ? IKE_NO_KEY : (unsigned)best;
}

unsigned
ike_ppk_likely(const struct ike *k, const struct ike_dial *d, const struct addr *remote, unsigned key)
{
	unsigned i;
	int best;

	if (decided(ike_profile(k, d->profile), key, &i))
		return i;
	best = ike_key_likely_ppk(k, d, remote);
	return best < 0 ? IKE_NO_KEY : (unsigned)best;
}

static const struct ike_key *
entry(const struct ike *k, const struct ike_sa *sa)
{
	const struct ike_profile *p = ike_profile(k, sa->profile);

	return sa->hs && sa->ppk < p->n_key ? &p->key[sa->ppk] : NULL;
}

static bool
mix(struct ike_sa *sa, const struct ike_key *e)
{
	struct ike_shake *hs = sa->hs;

	hs->plain = sa->keys;
	if (!ike_keys_ppk(&sa->keys, span_of(e->ppk, e->ppk_len))) {
		sa->keys = hs->plain;
		return false;
	}
	hs->mixed = true;
	return true;
}

void
ike_ppk_undo(struct ike_sa *sa)
{
	if (sa->hs->mixed)
		sa->keys = sa->hs->plain;
	sa->hs->mixed = sa->ext.ppk_used = false;
}

/* ---- initiator */

/* NULL, or why it cannot go on. */
const char *
ike_ppk_begin(struct ike *k, struct ike_sa *sa)
{
	const struct ike_key *e = entry(k, sa);

	if (!e || !e->ppk_len)
		return NULL;
	if (!sa->ext.ppk)
		return e->ppk_required ? "authentication failed: peer does not use post-quantum pre-shared keys, and ours is required" : NULL;
	return mix(sa, e) ? NULL : "out of memory";
}

bool
ike_ppk_optional(const struct ike *k, const struct ike_sa *sa)
{
	const struct ike_key *e = entry(k, sa);

	return sa->initiator && e && sa->hs->mixed && !e->ppk_required;
}

static void
build_without(struct ike *k, struct ike_sa *sa, struct ike_tx *t)
{
	const struct ike_profile *p = ike_profile(k, sa->profile);
	const struct ike_proof_job *proof = sa->hs->proof;
	uint8_t auth[IKE_PRF_LEN_MAX];
	struct ike_keys mixed = sa->keys;
	size_t n = 0;

	if (p->auth_local) {
		if (proof && proof->plain_len)
			ike_tx_notify_data(t, IKE_N_NO_PPK_AUTH, span_of(proof->plain_sig, proof->plain_len));
		ike_keys_wipe(&mixed);
		return;
	}
	sa->keys = sa->hs->plain;
	if (sa->hs->key < p->n_key)
		n = ike_auth_own_psk(sa, &p->key[sa->hs->key], auth);
	sa->keys = mixed;
	ike_keys_wipe(&mixed);
	if (n)
		ike_tx_notify_data(t, IKE_N_NO_PPK_AUTH, span_of(auth, n));
	ike_wipe(auth, sizeof(auth));
}

void
ike_ppk_build(struct ike *k, struct ike_sa *sa, struct ike_tx *t)
{
	const struct ike_key *e = entry(k, sa);
	uint8_t id[1 + IKE_PPK_ID_MAX];

	if (!sa->hs->mixed || !e)
		return;
	if (!sa->initiator) {
		ike_tx_notify(t, IKE_N_PPK_IDENTITY);
		return;
	}
	id[0] = PPK_ID_FIXED;
	memcpy(id + 1, e->ppk_id, e->ppk_id_len);
	ike_tx_notify_data(t, IKE_N_PPK_IDENTITY, span_of(id, 1u + e->ppk_id_len));
	if (ike_ppk_optional(k, sa))
		build_without(k, sa, t);
}

/* The answer says whether the peer has the key. False: it must have it. */
bool
ike_ppk_answered(struct ike *k, struct ike_sa *sa, const struct ike_msg *m)
{
	const struct ike_key *e = entry(k, sa);

	if (!sa->hs->mixed || ike_msg_notify(m, IKE_N_PPK_IDENTITY)) {
		sa->ext.ppk_used = sa->hs->mixed;
		return true;
	}
	if (!e || e->ppk_required)
		return false;
	ike_ppk_undo(sa);
	return true;
}

static bool
same_ppk(const struct ike_key *a, const struct ike_key *b)
{
	return a->ppk_len == b->ppk_len && a->ppk_id_len == b->ppk_id_len && ike_ct_eq(a->ppk, b->ppk, a->ppk_len) &&
	    memcmp(a->ppk_id, b->ppk_id, a->ppk_id_len) == 0;
}

/* Who it is, is known and proved now. The next attempt there begins with the entry that is for it. */
bool
ike_ppk_owed(struct ike *k, const struct ike_sa *sa)
{
	const struct ike_profile *p = ike_profile(k, sa->profile);
	unsigned i = ike_ppk_for(p, sa->hs->key, &sa->peer_id, &sa->remote.addr);

	if (i == IKE_NO_KEY || !p->key[i].ppk_required || (sa->ext.ppk_used && same_ppk(&p->key[i], &p->key[sa->ppk])))
		return false;
	ike_worked_set(k, &sa->remote.addr, sa->profile, i);
	return true;
}

/* ---- responder: the entry is known now. What AUTH must be compared with follows from what the peer said. */
enum ike_drop
ike_ppk_request(struct ike *k, struct ike_sa *sa, struct ike_msg *m)
{
	const struct ike_notify *n = ike_msg_notify(m, IKE_N_PPK_IDENTITY), *without = ike_msg_notify(m, IKE_N_NO_PPK_AUTH);
	const struct ike_key *e = entry(k, sa);
	bool named = n && sa->ext.ppk && n->data.n > 1, ours = e && e->ppk_len != 0;

	if (sa->hs->mixed)	/* looked at before; certificates are checked in between */
		return IKE_OK;
	if (named && ours && n->data.p[0] == PPK_ID_FIXED && span_eq(span_of(n->data.p + 1, n->data.n - 1), span_of(e->ppk_id, e->ppk_id_len))) {
		sa->ext.ppk_used = mix(sa, e);
		return sa->ext.ppk_used ? IKE_OK : IKE_DROP_MEMORY;
	}
	if (ours && e->ppk_required)
		return IKE_DROP_PPK;
	if (!named)
		return IKE_OK;
	if (!without)
		return IKE_DROP_PPK;
	m->auth = without->data;
	return IKE_OK;
}

/* ---- another configuration: the key is part of what an SA came up by, where it was used; where it was not, it may have to be now */

static bool
same_entry(const struct ike_key *a, const struct ike_key *b)
{
	return same_ppk(a, b) && a->ppk_required == b->ppk_required && strcmp(a->name, b->name) == 0;
}

static const char *
reconf_attempt(struct ike_sa *sa, const struct ike_key *was, const struct ike_profile *to, unsigned key)
{
	unsigned i;

	if (!was)
		return decided(to, key, &i) && i != IKE_NO_KEY ? "the post-quantum pre-shared key was changed meanwhile" : NULL;
	for (i = 0; i < to->n_key && !same_entry(was, &to->key[i]); i++)
		;
	if (i == to->n_key)
		return "the post-quantum pre-shared key was changed meanwhile";
	sa->ppk = i;
	return NULL;
}

const char *
ike_ppk_reconf(struct ike_sa *sa, const struct ike_profile *from, const struct ike_profile *to, unsigned key)
{
	const struct ike_key *was = sa->ppk < from->n_key ? &from->key[sa->ppk] : NULL;
	unsigned is;

	if (sa->hs)
		return reconf_attempt(sa, was, to, key);
	is = ike_ppk_for(to, key, &sa->peer_id, &sa->remote.addr);
	if (!sa->ext.ppk_used) {
		sa->ppk = IKE_NO_KEY;
		return is != IKE_NO_KEY && to->key[is].ppk_required ? "a post-quantum pre-shared key is required now" : NULL;
	}
	if (!was || is == IKE_NO_KEY || !same_ppk(was, &to->key[is]))
		return "its post-quantum pre-shared key was changed or removed";
	sa->ppk = is;
	return NULL;
}
