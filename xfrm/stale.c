#include "xfrm/stale.h"

#include "lib/container_of.h"

enum { STALE_TUNNELS = 16 };

struct stale_peer {
	struct map_node by_id, by_remote;
	uint32_t tunnel, peer;
	struct endpoint remote;
	bool has_remote, due;
	tick_t until;
};

struct stale_id {
	uint32_t tunnel, peer;
};
struct stale_at {
	uint32_t tunnel;
	const struct endpoint *remote;
};

static bool
id_eq(const struct map_node *n, const void *key)
{
	const struct stale_peer *p = container_of(n, struct stale_peer, by_id);
	const struct stale_id *k = key;

	return p->tunnel == k->tunnel && p->peer == k->peer;
}

static bool
remote_eq(const struct map_node *n, const void *key)
{
	const struct stale_peer *p = container_of(n, struct stale_peer, by_remote);
	const struct stale_at *k = key;

	return p->tunnel == k->tunnel && endpoint_eq(&p->remote, k->remote);
}

static struct stale_peer *
find(const struct stale *s, uint32_t tunnel, uint32_t peer)
{
	struct stale_id k = { tunnel, peer };
	struct map_node *n = s->by_id.n ? map_find(&s->by_id, map_hash(&s->by_id, &k, sizeof(k)), id_eq, &k) : NULL;

	return n ? container_of(n, struct stale_peer, by_id) : NULL;
}

static uint64_t
remote_hash(const struct stale *s, const struct endpoint *remote)
{
	return map_hash(&s->by_remote, remote->addr.b, remote->addr.n) + remote->port;
}

void
stale_init(struct stale *s, const struct env *env)
{
	s->env = env;
	s->next = TICK_NEVER;
	map_init(&s->by_id, env);
	map_init(&s->by_remote, env);
}

static void
forget(struct stale *s, struct stale_peer *p)
{
	map_del(&s->by_id, &p->by_id);
	if (p->has_remote)
		map_del(&s->by_remote, &p->by_remote);
	env_free(s->env, p);
}

static void
forget_if(struct stale *s, bool all)
{
	struct map_iter it;

	for (struct map_node *n = map_first(&s->by_id, &it); n; n = map_next(&s->by_id, &it)) {
		struct stale_peer *p = container_of(n, struct stale_peer, by_id);

		if (all || p->due)
			forget(s, p);
	}
}

void
stale_reap(struct stale *s)
{
	forget_if(s, false);
}

void
stale_fini(struct stale *s)
{
	forget_if(s, true);
	map_fini(&s->by_id);
	map_fini(&s->by_remote);
}

bool
stale_note(struct stale *s, uint32_t tunnel, uint32_t peer, const struct endpoint *remote, tick_t until)
{
	struct stale_peer *p = find(s, tunnel, peer);
	struct stale_id k = { tunnel, peer };

	if (!p) {
		if (!(p = env_alloc(s->env, sizeof(*p))))
			return false;
		*p = (struct stale_peer){ .tunnel = tunnel, .peer = peer };
		map_add(&s->by_id, &p->by_id, map_hash(&s->by_id, &k, sizeof(k)));
	}
	p->until = until;
	s->next = tick_min(s->next, until);
	if (remote && !p->has_remote) {
		p->has_remote = true;
		p->remote = *remote;
		map_add(&s->by_remote, &p->by_remote, remote_hash(s, remote));
	}
	return true;
}

bool
stale_has(const struct stale *s, uint32_t tunnel, uint32_t peer)
{
	const struct stale_peer *p = find(s, tunnel, peer);

	return p && !p->due;
}

bool
stale_taken(const struct stale *s, uint32_t peer)
{
	for (uint32_t t = 1; s->by_id.n && t <= STALE_TUNNELS; t++) {
		if (find(s, t, peer))
			return true;
	}
	return false;
}

void
stale_shorten(struct stale *s, uint32_t tunnel, const struct endpoint *remote, tick_t until)
{
	struct stale_at k = { tunnel, remote };
	struct map_node *n = s->by_remote.n ? map_find(&s->by_remote, remote_hash(s, remote), remote_eq, &k) : NULL;
	struct stale_peer *p = n ? container_of(n, struct stale_peer, by_remote) : NULL;

	if (!p || p->until <= until)
		return;
	p->until = until;
	s->next = tick_min(s->next, until);
}

unsigned
stale_due(struct stale *s, tick_t now)
{
	unsigned due = 0;
	struct map_iter it;

	s->next = TICK_NEVER;
	for (struct map_node *n = map_first(&s->by_id, &it); n; n = map_next(&s->by_id, &it)) {
		struct stale_peer *p = container_of(n, struct stale_peer, by_id);

		p->due = p->until <= now;
		due += p->due;
		if (!p->due)
			s->next = tick_min(s->next, p->until);
	}
	return due;
}
