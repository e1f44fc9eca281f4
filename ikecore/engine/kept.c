/* ikecore/engine/kept.c: ESP SAs that outlive the IKE SA which made them, because the other end's do.
 *
 * A daemon that was killed leaves its SAs in a kernel, and traffic goes on in them. When it is back it has no IKE SA; it says so by a
 * crash token (qcd.c), or by INITIAL_CONTACT; and that its ESP SAs still carry by which token it is, or by a notify of our own beside
 * INITIAL_CONTACT (IKE_N_ODM_ESP_KEPT, private use, no data). Who hears that forgets the IKE SA as ever, but sends on in the pair that it has until there is another one:
 * make before break. Whoever dials makes the new pair; who is dialled holds it back until it is used, as beside any SA of the same
 * pair (ike_sa_has_twin()).
 *
 * Nothing is trusted more for it: token or authentication are what counts; the pair lasts KEPT_LIFE at
 * most, and a moment after its successor is there. Who does not say it lost his SAs: then all goes at once. */
#include "ikecore/engine/ike_priv.h"

#define KEPT_LIFE	TICK_S(20)
#define KEPT_SAID	TICK_S(60)	/* so long after the start */

struct ike_kept {
	struct map_node by_peer;
	struct ike_child *child;
	unsigned profile;
	struct ike_id peer;
};

struct kept_key {
	unsigned profile;
	const struct ike_id *peer;
};

static bool
kept_is(const struct map_node *node, const void *key)
{
	const struct ike_kept *h = container_of(node, struct ike_kept, by_peer);
	const struct kept_key *k = key;

	return h->profile == k->profile && ike_id_eq(&h->peer, k->peer);
}

static struct ike_kept *
find(const struct ike *k, const struct ike_sa *sa)
{
	struct kept_key key = { sa->profile, &sa->peer_id };
	struct map_node *n = k->kept.n ? map_find(&k->kept, ike_id_hash(&k->kept, &sa->peer_id), kept_is, &key) : NULL;

	return n ? container_of(n, struct ike_kept, by_peer) : NULL;
}

bool
ike_kept_say(const struct ike *k)
{
	return k->env.esp_kept && k->now - k->started < KEPT_SAID;
}

static bool
has_successor(const struct ike *k, const struct ike_sa *sa)
{
	struct ike_sa *same[IKE_SAME_MAX];
	unsigned n = ike_sa_same_pair(k, sa, same);

	for (unsigned i = 0; i < n; i++) {
		if (!same[i]->doom && ike_child_count_up(same[i]))
			return true;
	}
	return false;
}

/* Its SA is going down. The one that is sent on stays; what else there is goes. */
void
ike_kept_add(struct ike *k, struct ike_child *c)
{
	struct ike_sa *sa = c->sa;
	struct ike_kept *was = find(k, sa), *h;

	if (!c->active || !c->installed || c->state == IKE_CH_DELETING || !(h = env_alloc(&k->env.env, sizeof(*h)))) {
		ike_child_drop(k, c);
		return;
	}
	if (was)
		ike_child_drop(k, was->child);
	h->child = c;
	h->profile = sa->profile;
	h->peer = sa->peer_id;
	map_add(&k->kept, &h->by_peer, ike_id_hash(&k->kept, &h->peer));
	c->kept = h;
	ike_child_linger(k, c);
	h = find(k, sa);	/* there may have been no room to let it linger */
	if (h)
		timer_arm(&k->timers, &h->child->timer, k->now + (has_successor(k, sa) ? IKE_LINGER : KEPT_LIFE));
}

void
ike_kept_del(struct ike *k, struct ike_child *c)
{
	if (!c->kept)
		return;
	map_del(&k->kept, &c->kept->by_peer);
	env_free(&k->env.env, c->kept);
	c->kept = NULL;
}

bool
ike_kept_has(const struct ike *k, const struct ike_sa *sa)
{
	return find(k, sa) != NULL;
}

/* The data plane took a new pair with that peer. */
void
ike_kept_over(struct ike *k, const struct ike_sa *sa)
{
	struct ike_kept *h = find(k, sa);

	if (h && h->child->timer.at > k->now + IKE_LINGER)
		timer_arm(&k->timers, &h->child->timer, k->now + IKE_LINGER);
}
