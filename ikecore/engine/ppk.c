/* ikecore/engine/ppk.c: post-quantum pre-shared keys, RFC 8784: a second secret of a keyring entry, mixed into SK_d, SK_pi and SK_pr
 * before AUTH, so that who records today and breaks the key exchange later still has nothing.
 *
 * Both ends say USE_PPK in IKE_SA_INIT. The initiator names its key (PPK_IDENTITY) and, where the key is not required and it proves
 * itself by a pre-shared key, says AUTH also without it (NO_PPK_AUTH). A responder that has the key says PPK_IDENTITY back; one
 * that has not goes on without, unless its own entry requires one. Which key it is, the keyring entry of the identity says. */
#include "ikecore/engine/ike_priv.h"

enum { PPK_ID_FIXED = 2 };

static const struct ike_key *
entry(const struct ike *k, const struct ike_sa *sa)
{
	const struct ike_profile *p = ike_profile(k, sa->profile);

	return sa->hs && sa->hs->key < p->n_key ? &p->key[sa->hs->key] : NULL;
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

void
ike_ppk_build(struct ike *k, struct ike_sa *sa, struct ike_tx *t)
{
	const struct ike_key *e = entry(k, sa);
	uint8_t id[1 + IKE_PPK_ID_MAX], auth[IKE_PRF_LEN_MAX];
	struct ike_keys mixed;
	size_t n;

	if (!sa->hs->mixed || !e)
		return;
	if (!sa->initiator) {
		ike_tx_notify(t, IKE_N_PPK_IDENTITY);
		return;
	}
	id[0] = PPK_ID_FIXED;
	memcpy(id + 1, e->ppk_id, e->ppk_id_len);
	ike_tx_notify_data(t, IKE_N_PPK_IDENTITY, span_of(id, 1u + e->ppk_id_len));
	if (e->ppk_required || sa->auth_local != IKE_AUTH_PSK)
		return;
	mixed = sa->keys;
	sa->keys = sa->hs->plain;
	n = ike_auth_own_psk(sa, e, auth);
	sa->keys = mixed;
	ike_keys_wipe(&mixed);
	if (n)
		ike_tx_notify_data(t, IKE_N_NO_PPK_AUTH, span_of(auth, n));
	ike_wipe(auth, sizeof(auth));
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
	sa->keys = sa->hs->plain;
	sa->hs->mixed = false;
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
	if (!without || m->auth_method != IKE_AUTH_PSK)
		return IKE_DROP_PPK;
	m->auth = without->data;
	return IKE_OK;
}
