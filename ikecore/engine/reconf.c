/* ikecore/engine/reconf.c: another configuration for a running engine.
 *
 * The question for each SA is whether it would come up today as it did: is its profile still there, are we still who we said
 * we were, does the profile still take the peer, is the key that was used still one for it, the post-quantum one too. If so it stays as it is, and new
 * proposals, lifetimes and liveness times count from its next rekeying or timer on. If not it is closed, telling the peer.
 * Handshakes of ours that began with what is gone fail; the peer's are judged by the new configuration when they
 * authenticate. Dials that wait to be tried again are tried at once. */
#include "ikecore/engine/ike_priv.h"

static bool
same_profile(const struct ike_profile *a, const struct ike_profile *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(a->use, b->use) == 0;
}

/* The profile of that name; of several (one IKE profile with several sets of ESP words) the one in the same place among them. */
static unsigned
profile_now(const struct ike_conf *was, unsigned i, const struct ike_conf *is)
{
	unsigned place = 0, found = UINT32_MAX;

	if (i >= was->n_profile)
		return UINT32_MAX;
	for (unsigned k = 0; k < i; k++)
		place += same_profile(&was->profile[k], &was->profile[i]);
	for (unsigned k = 0; k < is->n_profile; k++) {
		if (!same_profile(&is->profile[k], &was->profile[i]))
			continue;
		found = k;
		if (place-- == 0)
			break;
	}
	return found;
}

static bool
same_secret(const struct ike_key *a, const struct ike_key *b)
{
	return a->psk_len != 0 && a->psk_len == b->psk_len && ike_ct_eq(a->psk, b->psk, a->psk_len);
}

/* Where the key of an SA stands now: under the same name, or another one. -1: nowhere. A peer whose identity is not known
 * yet (a handshake of ours) will be compared with the entry's rule when it answers. */
static int
key_now(const struct ike_key *key, const struct ike_profile *p, const struct ike_sa *sa)
{
	bool known = sa->state == IKE_SA_EST;
	int found = -1;

	for (unsigned i = 0; i < p->n_key; i++) {
		const struct ike_key *k = &p->key[i];
		bool name = strcmp(k->name, key->name) == 0;

		if (!same_secret(k, key) || (known ? !ike_key_fits(k, &sa->peer_id, &sa->remote.addr) : !name))
			continue;
		if (found < 0 || name)
			found = (int)i;
	}
	return found;
}

static const char *
unwelcome(const struct ike_profile *p, const struct ike_sa *sa, int key)
{
	struct ike_id own = sa->local_id;

	if (sa->local_id.type != IKE_ID_NONE)	/* it has been said */
		ike_own_id(p, sa, &own);
	if (!ike_id_eq(&own, &sa->local_id))
		return "our identity was changed";
	if (sa->state == IKE_SA_EST && !ike_profile_takes(p, &sa->peer_id, ike_proof_cert(sa)))
		return "the profile does not take its identity any more";
	return key < 0 ? "its pre-shared key was changed or removed" : NULL;
}

static bool
same_times(const struct ike_profile *a, const struct ike_profile *b)
{
	return a->dpd == b->dpd && a->dpd_s == b->dpd_s && a->keepalive_s == b->keepalive_s;
}

static void
sa_reconf(struct ike *k, const struct ike_conf *was, struct ike_sa *sa)
{
	bool proving = sa->hs && (sa->state == IKE_SA_I_SIGN || sa->state == IKE_SA_I_CHECK);
	bool ours = proving || (sa->hs && (sa->state == IKE_SA_I_INIT || sa->state == IKE_SA_I_KEX || sa->state == IKE_SA_I_INTER ||
	    sa->state == IKE_SA_I_AUTH));
	unsigned i = profile_now(was, sa->profile, k->conf), entry = sa->hs ? sa->hs->key : sa->key;
	const struct ike_profile *from = sa->profile < was->n_profile ? &was->profile[sa->profile] : NULL, *to;
	int key;

	sa->profile = i == UINT32_MAX ? 0 : i;
	if (sa->state == IKE_SA_R_CHECK) {	/* begins anew with the peer's next repetition */
		sa->job = 0;
		sa->state = IKE_SA_R_AUTH;
	}
	if (!ours && sa->state != IKE_SA_EST)
		return;
	to = ike_profile(k, sa->profile);
	key = from && i != UINT32_MAX && entry < from->n_key ? key_now(&from->key[entry], to, sa) : -1;
	if (entry == IKE_NO_KEY)
		key = 0;
	if (!sa->unwelcome)
		sa->unwelcome = i == UINT32_MAX ? "its profile is not configured any more" : unwelcome(to, sa, key);
	if (!sa->unwelcome)
		sa->unwelcome = ike_ppk_reconf(sa, from, to, entry == IKE_NO_KEY ? IKE_NO_KEY : (unsigned)key);
	if (!sa->unwelcome && !ike_pairs_reconf(k, sa, from, to))
		sa->unwelcome = "its traffic selectors were changed";
	if (!sa->unwelcome)
		sa->unwelcome = proving ? "the configuration was changed meanwhile" : ike_proof_unwelcome(to, sa);
	if (sa->unwelcome) {
		if (ours || sa->announced)	/* else it may yet inherit an SA: then it hears */
			timer_arm(&k->timers, &sa->t_life, k->now);
		return;
	}
	*(sa->hs ? &sa->hs->key : &sa->key) = entry == IKE_NO_KEY ? IKE_NO_KEY : (unsigned)key;
	if (sa->state == IKE_SA_EST && !same_times(from, to)) {
		sa->use_live = sa->use_keep = false;
		ike_live_arm(k, sa);
	}
}

bool
ike_sa_unwelcome(struct ike *k, struct ike_sa *sa)
{
	if (sa->state == IKE_SA_EST && sa->announced)
		ike_sa_down(k, sa, IKE_DOWN_CLOSED, sa->unwelcome, 0, true);
	else if (sa->hs && sa->initiator)
		ike_sa_fail(k, sa, IKE_DOWN_AUTH, false, sa->unwelcome);
	else
		return false;
	return true;
}

void
ike_reconf(struct ike *k, tick_t now, const struct ike_conf *conf, struct outq *out)
{
	const struct ike_conf *was = k->conf;
	struct map_iter it = { 0 };

	k->now = now > k->now ? now : k->now;
	k->out = out;
	k->conf = conf;
	memset(k->worked, 0, sizeof(k->worked));
	ike_hold_forget_all(k);	/* profiles have other places; what was refused may be asked of the data plane at once */
	for (struct map_node *n = map_first(&k->by_id, &it); n; n = map_next(&k->by_id, &it))
		sa_reconf(k, was, container_of(n, struct ike_sa, by_id));
	for (struct map_node *n = map_first(&k->by_dial, &it); n; n = map_next(&k->by_dial, &it)) {
		struct ike_dial *d = container_of(n, struct ike_dial, by_id);

		ike_dial_reconf(k, d, profile_now(was, d->profile, conf));
	}
}
