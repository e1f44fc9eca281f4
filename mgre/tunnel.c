#include "mgre/tunnel.h"

#include <errno.h>

#include "lib/timer.h"

static bool
neigh_eq(const struct map_node *n, const void *key)
{
	return addr_eq(&container_of(n, struct tun_neigh, node)->proto, key);
}

struct tunnel *
tunnel_new(const struct env *env, const struct dp_tunnel *conf)
{
	struct tunnel *t = env_alloc(env, sizeof(*t));

	if (!t)
		return NULL;
	t->env = env;
	t->conf = *conf;
	for (int i = 0; i < TUN_WORKERS; i++)
		t->worker[i] = (struct tun_worker){ .t = t, .fd = -1 };
	map_init(&t->neigh, env);
	flow_init(&t->flows, env);
	return t;
}

void
tunnel_free(struct tunnel *t)
{
	struct map_iter it;
	struct map_node *n;

	while ((n = map_first(&t->neigh, &it))) {
		map_del(&t->neigh, n);
		env_free(t->env, container_of(n, struct tun_neigh, node));
	}
	map_fini(&t->neigh);
	flow_fini(&t->flows);
	for (int i = 0; i < TUN_WORKERS; i++)
		env_free(t->env, t->worker[i].buf);
	for (uint32_t i = 0; i < t->n_peer; i++)
		shaped_free(t->peer[i].shaped);
	env_free(t->env, t->peer);
	env_free(t->env, t->mcast);
	env_free(t->env, t);
}

static bool
grow_peers(struct tunnel *t, uint32_t peer)
{
	uint32_t n = t->n_peer ? t->n_peer : TUN_PEERS_FIRST;
	struct tun_peer *p;

	if (peer < t->n_peer)
		return true;
	while (n <= peer)
		n *= 2;
	p = env_alloc(t->env, n * sizeof(*p));
	if (!p)
		return false;
	if (t->n_peer)
		memcpy(p, t->peer, t->n_peer * sizeof(*p));
	env_free(t->env, t->peer);
	t->peer = p;
	t->n_peer = n;
	return true;
}

bool
tunnel_peer_ref(struct tunnel *t, uint32_t peer)
{
	struct tun_peer *p;

	if (peer >= DP_PEERS_MAX || !grow_peers(t, peer))
		return false;
	p = &t->peer[peer];
	if (p->refs++ == 0)
		*p = (struct tun_peer){ .refs = 1, .listed = TUN_NOT_LISTED };
	return true;
}

void
tunnel_peer_unref(struct tunnel *t, uint32_t peer)
{
	struct tun_peer *p = tunnel_peer(t, peer);

	if (!p || --p->refs)
		return;
	shaped_free(p->shaped);
	p->shaped = NULL;
}

static bool
room_in_list(struct tunnel *t)
{
	uint32_t n = t->room_mcast ? t->room_mcast * 2 : TUN_PEERS_FIRST;
	uint32_t *list;

	if (t->n_mcast < t->room_mcast)
		return true;
	list = env_alloc(t->env, n * sizeof(*list));
	if (!list)
		return false;
	if (t->n_mcast)
		memcpy(list, t->mcast, t->n_mcast * sizeof(*list));
	env_free(t->env, t->mcast);
	t->mcast = list;
	t->room_mcast = n;
	return true;
}

/* One neighbour more or less of the peer wants multicast. Room has been made. */
static void
mcast_add(struct tunnel *t, uint32_t peer)
{
	struct tun_peer *p = &t->peer[peer];

	if (p->mcast++ == 0) {
		p->listed = t->n_mcast;
		t->mcast[t->n_mcast++] = peer;
	}
}

static void
mcast_del(struct tunnel *t, uint32_t peer)
{
	struct tun_peer *p = &t->peer[peer];
	uint32_t last;

	if (--p->mcast > 0)
		return;
	last = t->mcast[--t->n_mcast];
	t->mcast[p->listed] = last;
	t->peer[last].listed = p->listed;
	p->listed = TUN_NOT_LISTED;
}

struct tun_neigh *
tunnel_neigh(const struct tunnel *t, const struct addr *proto)
{
	struct map_node *n = map_find(&t->neigh, map_hash(&t->neigh, proto, sizeof(*proto)), neigh_eq, proto);

	return n ? container_of(n, struct tun_neigh, node) : NULL;
}

static struct tun_neigh *
neigh_place(struct tunnel *t, const struct addr *proto, bool *fresh)
{
	struct tun_neigh *n = proto->n ? tunnel_neigh(t, proto) : &t->fallback;

	*fresh = proto->n ? !n : !t->has_fallback;
	if (n || t->neigh.n >= TUN_NEIGHS_MAX)
		return n;
	n = env_alloc(t->env, sizeof(*n));
	if (n)
		n->proto = *proto;
	return n;
}

int
tunnel_neigh_set(struct tunnel *t, const struct dp_neigh *conf)
{
	struct tun_neigh *n;
	struct tun_neigh old;
	bool fresh;

	if ((conf->mcast && !room_in_list(t)) || !tunnel_peer_ref(t, conf->peer))
		return -ENOMEM;
	n = neigh_place(t, &conf->proto, &fresh);
	if (!n) {
		tunnel_peer_unref(t, conf->peer);
		return t->neigh.n >= TUN_NEIGHS_MAX ? -ENOSPC : -ENOMEM;
	}
	old = *n;
	n->peer = conf->peer;
	n->mcast = conf->mcast;
	if (n->mcast)
		mcast_add(t, n->peer);
	if (!fresh) {
		if (old.mcast)
			mcast_del(t, old.peer);
		tunnel_peer_unref(t, old.peer);
	} else if (conf->proto.n) {
		map_add(&t->neigh, &n->node, map_hash(&t->neigh, &n->proto, sizeof(n->proto)));
	} else {
		t->has_fallback = true;
	}
	return 0;
}

void
tunnel_neigh_del(struct tunnel *t, const struct addr *proto)
{
	struct tun_neigh *n = proto->n ? tunnel_neigh(t, proto) : t->has_fallback ? &t->fallback : NULL;

	if (!n)
		return;
	if (n->mcast)
		mcast_del(t, n->peer);
	tunnel_peer_unref(t, n->peer);
	if (n == &t->fallback) {
		t->has_fallback = false;
		return;
	}
	map_del(&t->neigh, &n->node);
	env_free(t->env, n);
}

bool
tunnel_is_own(const struct tunnel *t, const struct addr *a)
{
	for (unsigned i = 0; i < t->conf.n_addr; i++)
		if (addr_eq(&t->conf.addr[i].addr, a))
			return true;
	return false;
}

const struct addr *
tunnel_source(const struct tunnel *t, bool v6)
{
	for (unsigned i = 0; i < t->conf.n_addr; i++)
		if (t->conf.addr[i].addr.n == (v6 ? 16 : 4))
			return &t->conf.addr[i].addr;
	return NULL;
}

bool
tunnel_is_broadcast(const struct tunnel *t, const struct addr *dst)
{
	static const uint8_t ones[4] = { 255, 255, 255, 255 };
	uint32_t a = dst->n == 4 ? get_be32(dst->b) : 0;

	if (dst->n != 4)
		return false;
	if (memcmp(dst->b, ones, 4) == 0)
		return true;
	for (unsigned i = 0; i < t->conf.n_addr; i++) {
		const struct prefix *p = &t->conf.addr[i];
		uint32_t host = p->bits < 31 ? 0xffffffffu >> p->bits : 0;

		if (p->addr.n == 4 && host && (a & host) == host && (a | host) == (get_be32(p->addr.b) | host))
			return true;
	}
	return false;
}
