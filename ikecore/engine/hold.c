/* ikecore/engine/hold.c: peers the data plane took no SA for, and until when nothing is asked of it for their sake.
 *
 * A refusal (a cipher the kernel lacks, a full table, a device that is gone) does not end the IKE SA. The pair is deleted at the
 * peer and made anew by us after a wait that doubles each time, with jitter; until then the peer's own requests are answered
 * TEMPORARY_FAILURE (RFC 7296 2.25), in IKE_AUTH as well as later. What is remembered belongs to the identity, not to the SA: a peer
 * that dials anew does not begin anew. A pair that was taken forgets it.
 *
 * Bounded by IKE_HOLDS_MAX; where there is no room or memory the longest wait is taken, which nothing need be remembered for. */
#include "ikecore/engine/ike_priv.h"

enum { IKE_HOLDS_MAX = 4096 };

#define HOLD_FIRST	TICK_S(1)
#define HOLD_MOST	TICK_S(60)
#define HOLD_MEMORY	TICK_S(600)	/* after that it begins with the shortest wait again */

struct ike_hold {
	struct map_node by_peer;
	struct ike_hold *older, *newer;
	unsigned profile, tries;
	tick_t until;
	struct ike_id peer;
};

struct hold_key {
	unsigned profile;
	const struct ike_id *peer;
};

static bool
hold_is(const struct map_node *node, const void *key)
{
	const struct ike_hold *h = container_of(node, struct ike_hold, by_peer);
	const struct hold_key *k = key;

	return h->profile == k->profile && ike_id_eq(&h->peer, k->peer);
}

static struct ike_hold *
find(const struct ike *k, const struct ike_sa *sa)
{
	struct hold_key key = { sa->profile, &sa->peer_id };
	struct map_node *n = k->holds.n ? map_find(&k->holds, ike_id_hash(&k->holds, &sa->peer_id), hold_is, &key) : NULL;

	return n ? container_of(n, struct ike_hold, by_peer) : NULL;
}

static void
unlink_hold(struct ike *k, struct ike_hold *h)
{
	*(h->older ? &h->older->newer : &k->hold_oldest) = h->newer;
	*(h->newer ? &h->newer->older : &k->hold_newest) = h->older;
}

static void
link_newest(struct ike *k, struct ike_hold *h)
{
	h->newer = NULL;
	h->older = k->hold_newest;
	*(h->older ? &h->older->newer : &k->hold_oldest) = h;
	k->hold_newest = h;
}

static void
forget(struct ike *k, struct ike_hold *h)
{
	unlink_hold(k, h);
	map_del(&k->holds, &h->by_peer);
	env_free(&k->env.env, h);
}

static struct ike_hold *
remember(struct ike *k, const struct ike_sa *sa)
{
	struct ike_hold *h;

	while (k->hold_oldest && (k->holds.n >= IKE_HOLDS_MAX || k->hold_oldest->until + HOLD_MEMORY <= k->now))
		forget(k, k->hold_oldest);
	h = find(k, sa);
	if (h) {
		unlink_hold(k, h);
	} else {
		if (!(h = env_alloc(&k->env.env, sizeof(*h))))
			return NULL;
		h->profile = sa->profile;
		h->peer = sa->peer_id;
		map_add(&k->holds, &h->by_peer, ike_id_hash(&k->holds, &sa->peer_id));
	}
	link_newest(k, h);
	return h;
}

tick_t
ike_hold_more(struct ike *k, const struct ike_sa *sa)
{
	struct ike_hold *h = remember(k, sa);
	unsigned tries = h ? h->tries : UINT8_MAX;
	tick_t wait = tries < 6 ? HOLD_FIRST << tries : HOLD_MOST;

	wait = env_jitter(&k->env.env, tick_min(wait, HOLD_MOST), 25);
	if (h) {
		h->tries++;
		h->until = k->now + wait;
	}
	return k->now + wait;
}

void
ike_hold_clear(struct ike *k, const struct ike_sa *sa)
{
	struct ike_hold *h = find(k, sa);

	if (h)
		forget(k, h);
}

tick_t
ike_hold_until(const struct ike *k, const struct ike_sa *sa)
{
	const struct ike_hold *h = find(k, sa);

	return h && h->until > k->now ? h->until : 0;
}

tick_t
ike_retry_at(const struct ike *k, uint32_t sa)
{
	const struct ike_sa *s = ike_sa_find(k, sa);

	return s ? ike_hold_until(k, s) : 0;
}

void
ike_hold_forget_all(struct ike *k)
{
	while (k->hold_oldest)
		forget(k, k->hold_oldest);
}
