/* nhrpd/daemon/bfd.c: see bfd.h. The sessions themselves are watch.c's; here neighbours become sessions. */
#include "nhrpd/daemon/bfd.h"

#include <stdio.h>
#include <string.h>

enum { GRACE_MS = 60, GRACE_MAX_MS = 1000 };

struct bfd {
	const struct host *host;
	const struct conf *conf;
	const struct bfd_face *face;
	void *ctx;
	struct watch *watch;
	uint32_t ifindex[CORE_TUNNELS_MAX];
	struct log_limit full;	/* no room to watch more: as often as peers come */
};

static bool
is_link_local(const struct addr *a)
{
	return a->n == 16 && a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

/* Ours that the peer is to see: of the same network, else of the family. */
static bool
local_of(const struct core_tunnel_conf *t, const struct addr *proto, struct addr *out)
{
	const struct prefix *best = NULL;

	for (unsigned i = 0; i < t->dp.n_addr; i++) {
		const struct prefix *p = &t->dp.addr[i];
		struct prefix net = prefix_of(&p->addr, p->bits);

		if (p->addr.n == proto->n && !is_link_local(&p->addr) && (!best || prefix_has(&net, proto)))
			best = p;
	}
	if (best)
		*out = best->addr;
	return best;
}

/* The session with a neighbour. False: there is to be none. */
static bool
session_of(const struct bfd *b, uint32_t tunnel, const struct addr *proto, struct watch_peer *out)
{
	const struct conf_bfd_times *times;
	const struct core_tunnel_conf *t;

	if (!tunnel || tunnel > b->conf->core.n_tunnel || !proto->n || is_link_local(proto))
		return false;
	t = &b->conf->core.tunnel[tunnel - 1];
	times = &b->conf->tunnel[tunnel - 1].bfd;
	if (!t->dp.name[0] || !times->multiplier)
		return false;
	*out = (struct watch_peer){ .ifindex = b->ifindex[tunnel - 1], .peer = *proto, .min_rx_ms = times->min_rx_ms, .min_tx_ms = times->interval_ms,
		.multiplier = times->multiplier, .tunnel = tunnel };
	snprintf(out->vrf, sizeof(out->vrf), "%s", t->dp.vrf);
	snprintf(out->ifname, sizeof(out->ifname), "%s", t->dp.name);
	return local_of(t, proto, &out->local);
}

void
bfd_neigh(struct bfd *b, const struct dp_neigh *n)
{
	struct watch_peer p;

	if (!session_of(b, n->tunnel, &n->proto, &p))
		return;
	p.tag = n->peer;
	if (!watch_peer_set(b->watch, &p))
		log_limited(b->host->log, &b->full, b->host->now(b->host->ctx), LOG_LV_WARN, "bfd-full", "no room for a BFD session more: peer %u of %s is watched by IKE only",
		    (unsigned)n->peer, p.ifname);
}

void
bfd_neigh_gone(struct bfd *b, uint32_t tunnel, const struct addr *proto)
{
	struct watch_peer p;

	if (session_of(b, tunnel, proto, &p))
		watch_peer_del(b->watch, &p);
}

void
bfd_link(struct bfd *b, uint32_t tunnel, uint32_t ifindex)
{
	if (tunnel && tunnel <= CORE_TUNNELS_MAX)
		b->ifindex[tunnel - 1] = ifindex;
}

void
bfd_zebra(struct bfd *b, const struct zapi_version *v, const char *path)
{
	watch_zebra(b->watch, v, path);
}

/* ---- what is heard */

/* A fifth of the time that it took, so that there is little more to it. */
static tick_t
grace(const struct watch_peer *p)
{
	uint32_t ms = (p->min_rx_ms > p->min_tx_ms ? p->min_rx_ms : p->min_tx_ms) * p->multiplier / 5;

	return TICK_MS(ms < GRACE_MS ? GRACE_MS : ms > GRACE_MAX_MS ? GRACE_MAX_MS : ms);
}

static void
on_peer(void *ctx, const struct watch_peer_info *i)
{
	static const char why[] = "BFD does not hear it any more";
	struct bfd *b = ctx;
	char peer[ADDR_STRLEN];

	if (i->state == WATCH_UP) {
		log_at(b->host->log, LOG_LV_INFO, "bfd-up", "%s %s", i->what.ifname, addr_fmt(&i->what.peer, peer));
		return;
	}
	log_at(b->host->log, LOG_LV_NOTICE, "bfd-down", "%s %s: peer %u is not heard any more", i->what.ifname, addr_fmt(&i->what.peer, peer),
	    (unsigned)i->what.tag);
	b->face->down(b->ctx, i->what.tunnel, i->what.tag, &i->what.peer, grace(&i->what), why);
}

static void
on_way(void *ctx, const struct watch_way_info *i)
{
	struct bfd *b = ctx;

	b->face->way(b->ctx, &i->to, i->reachable);
}

static const char *
underlay(const struct bfd *b)
{
	return b->host->underlay ? b->host->underlay : "";
}

void
bfd_track(struct bfd *b, const struct addr *to, bool on)
{
	if (!on)
		watch_way_del(b->watch, underlay(b), to);
	else if (!watch_way_set(b->watch, underlay(b), to))
		log_limited(b->host->log, &b->full, b->host->now(b->host->ctx), LOG_LV_WARN, "track-full", "no room to follow one more way outside");
}

bool
bfd_way(const struct bfd *b, const struct addr *to, struct watch_way_info *out)
{
	return watch_way_info(b->watch, underlay(b), to, out) && out->known;
}

static void
on_dial(void *ctx, const char *path, void (*done)(void *arg, int fd), void *arg)
{
	struct bfd *b = ctx;

	b->face->dial(b->ctx, path, done, arg);
}

/* ---- reload */

static bool
stays(void *ctx, const struct watch_peer *was)
{
	const struct bfd *b = ctx;
	struct watch_peer is;

	return session_of(b, was->tunnel, &was->peer, &is) && strcmp(is.ifname, was->ifname) == 0 && addr_eq(&is.local, &was->local);
}

struct entry {
	struct bfd *b;
	uint32_t tunnel;
};

static bool
neighbour(void *ctx, const struct nhrp_cache_info *i)
{
	const struct entry *e = ctx;
	struct dp_neigh n = { .tunnel = e->tunnel, .proto = i->prefix.addr, .peer = i->peer };

	if (i->installed && i->has_peer)
		bfd_neigh(e->b, &n);
	return true;
}

void
bfd_conf(struct bfd *b, const struct conf *conf, const struct core *core)
{
	b->conf = conf;
	watch_peers_keep(b->watch, stays, b);
	for (uint32_t i = 1; i <= conf->core.n_tunnel; i++) {
		struct entry e = { b, i };

		if (conf->tunnel[i - 1].bfd.multiplier && core_nhrp(core, i))
			nhrp_visit_cache(core_nhrp(core, i), NULL, neighbour, &e);
	}
}

bool
bfd_info(const struct bfd *b, uint32_t tunnel, const struct addr *proto, struct watch_peer_info *out, const char **why)
{
	static const char *const words[WATCH_STATES] = { [WATCH_OFF] = "there is no session with zebra", [WATCH_ASKED] = "bfdd does not answer: is it running?",
		[WATCH_WAITING] = "the peer is not heard, or not yet: does it do BFD?", [WATCH_UP] = "", [WATCH_DOWN] = "the peer is not heard any more" };
	struct watch_peer p;

	if (!session_of(b, tunnel, proto, &p))
		return false;
	if (!watch_peer_info(b->watch, &p, out)) {
		*out = (struct watch_peer_info){ .what = p, .state_name = "off" };
		*why = watch_up(b->watch) ? "it is no neighbour now" : words[WATCH_OFF];
	} else {
		*why = out->state == WATCH_OFF && watch_up(b->watch) ? "zebra does not know the VRF" : words[out->state];
	}
	return true;
}

struct bfd *
bfd_new(const struct host *host, const struct conf *conf, const struct bfd_face *face, void *ctx)
{
	static const struct watch_face watch = { .peer = on_peer, .way = on_way, .dial = on_dial };
	struct bfd *b = env_alloc(host->env, sizeof(*b));

	if (!b)
		return NULL;
	b->host = host;
	b->conf = conf;
	b->face = face;
	b->ctx = ctx;
	b->watch = watch_new(host, &watch, b);
	if (b->watch)
		return b;
	bfd_free(b);
	return NULL;
}

void
bfd_free(struct bfd *b)
{
	if (!b)
		return;
	watch_free(b->watch);
	env_free(b->host->env, b);
}
