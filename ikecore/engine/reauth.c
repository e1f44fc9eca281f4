/* ikecore/engine/reauth.c: authentication that has an end: a new IKE SA from the beginning, make before break (RFC 7296 2.8.3,
 * RFC 4478).
 *
 * Whoever dialled opens it, between 80 and 90 % of the time, beside the one that is up; the old one and its pairs carry on
 * until the new one has a pair of its own. Then the old one is deleted by us, as a duplicate is: its inbound side lingers, so
 * no packet is lost. An attempt that fails is repeated every minute; at the end of the time the SA goes.
 *
 * A responder that limits the time says so (AUTH_LIFETIME) and waits; an initiator takes the shorter of the peer's limit and its
 * own. Rekeying changes nothing: heirs inherit the times. */
#include "ikecore/engine/ike_priv.h"

static uint32_t
limit(const struct ike *k, const struct ike_sa *sa)
{
	uint32_t own = ike_profile(k, sa->profile)->reauth_s;

	return sa->initiator && sa->auth_life && (!own || sa->auth_life < own) ? sa->auth_life : own;
}

/* Established: the time begins. */
void
ike_reauth_arm(struct ike *k, struct ike_sa *sa)
{
	tick_t life = TICK_S(limit(k, sa));

	if (!life)
		return;
	sa->reauth_end = k->now + life;
	sa->reauth_at = sa->initiator ? k->now + life / 100 * (80 + env_random_below(&k->env.env, 11)) : sa->reauth_end;
}

/* What a responder says in IKE_AUTH, and an initiator hears. */
void
ike_reauth_build(struct ike *k, const struct ike_sa *sa, struct ike_tx *t)
{
	uint8_t s[4];

	put_be32(s, limit(k, sa));
	if (limit(k, sa))
		ike_tx_notify_data(t, IKE_N_AUTH_LIFETIME, span_of(s, 4));
}

void
ike_reauth_note(struct ike_sa *sa, const struct ike_msg *m)
{
	const struct ike_notify *n = ike_msg_notify(m, IKE_N_AUTH_LIFETIME);
	uint32_t s = n && n->data.n == 4 ? get_be32(n->data.p) : 0;

	sa->auth_life = s && s < IKE_AUTH_LIFE_MIN ? IKE_AUTH_LIFE_MIN : s;	/* nobody makes us do nothing else */
}

static void
choose_keys(const struct ike *k, struct ike_sa *sa, const struct ike_sa *old)
{
	sa->hs->key = old->key;
	sa->ppk = ike_ppk_for(ike_profile(k, sa->profile), old->key, &old->peer_id, &old->remote.addr);
}

static bool
begin(struct ike *k, struct ike_sa *old)
{
	struct ike_sa *sa = ike_sa_new(k, true);

	if (!sa)
		return false;
	sa->profile = old->profile;
	sa->local = old->local;
	sa->remote = old->remote;
	if (!ike_sa_to_shake(k, sa) || (choose_keys(k, sa, old), !ike_init_start(k, sa))) {
		ike_sa_free(k, sa);
		return false;
	}
	sa->reauth_of = old->id;
	old->reauth_sa = sa->id;
	return true;
}

/* reauth_at came. True: the SA has ended. */
bool
ike_reauth_due(struct ike *k, struct ike_sa *sa)
{
	if (k->now >= sa->reauth_end) {
		sa->reauth_at = sa->reauth_end = TICK_NEVER;
		ike_sa_down(k, sa, IKE_DOWN_EXPIRED, sa->dialled ? "authenticating anew did not succeed in time" :
		    "peer did not authenticate anew in time", 0, true);
		return true;
	}
	sa->reauth_at = tick_min(sa->reauth_end, k->now + env_jitter(&k->env.env, IKE_REAUTH_RETRY, 25));
	if (sa->dialled && !ike_sa_find(k, sa->reauth_sa))
		begin(k, sa);
	return false;
}

/* A new SA is up that was opened to take the place of another: the other one, or NULL. */
struct ike_sa *
ike_reauth_old(const struct ike *k, const struct ike_sa *sa)
{
	struct ike_sa *old = ike_sa_find(k, sa->reauth_of);

	return old && old->state == IKE_SA_EST && ike_id_eq(&old->peer_id, &sa->peer_id) ? old : NULL;
}

/* The old one has been rekeyed meanwhile. */
void
ike_reauth_inherit(struct ike *k, const struct ike_sa *old, struct ike_sa *heir)
{
	struct ike_sa *new = ike_sa_find(k, old->reauth_sa);

	heir->reauth_at = old->reauth_at;
	heir->reauth_end = old->reauth_end;
	heir->reauth_sa = old->reauth_sa;
	heir->auth_life = old->auth_life;
	if (new)
		new->reauth_of = heir->id;
}
