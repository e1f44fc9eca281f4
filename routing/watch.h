/* routing/watch.h: what FRRouting watches for us: peers by BFD (its bfdd), and the ways to outer addresses (its zebra).
 *
 * A session of its own with zebra, beside that of the routes (zebra.h) and only while that one stands: zebra passes BFD on to clients of some
 * routing protocols only, and NHRP is none of them. So this one says that it is of another kind, has no routes, and cannot take any along
 * when it ends. What is watched stays the owner's wish: it is told to each new session, and to a bfdd that was started anew. */
#ifndef ROUTING_WATCH_H
#define ROUTING_WATCH_H

#include "lib/host.h"
#include "routing/zapi.h"

enum { WATCH_PEERS_MAX = 65536, WATCH_WAYS_MAX = 1024, WATCH_NAME = 16 };

enum watch_state {
	WATCH_OFF,	/* there is no session with zebra, or it does not know the VRF */
	WATCH_ASKED,	/* no answer so far: no bfdd */
	WATCH_WAITING,	/* not up so far: the peer does not do BFD, or not yet */
	WATCH_UP,
	WATCH_DOWN,	/* it was up */
	WATCH_STATES
};

struct watch_peer {
	char vrf[WATCH_NAME], ifname[WATCH_NAME];	/* vrf: "" for none */
	uint32_t ifindex;
	struct addr peer, local;
	uint32_t min_rx_ms, min_tx_ms;
	uint8_t multiplier;
	uint32_t tunnel, tag;	/* the owner's */
};
struct watch_peer_info {
	struct watch_peer what;
	enum watch_state state;
	const char *state_name;
	tick_t since;
	uint64_t ups, downs;
};
struct watch_way_info {
	struct addr to;
	bool known, reachable;
	struct prefix by;
	struct zapi_nexthop nexthop;
	tick_t since;
};

struct watch_face {
	void (*peer)(void *ctx, const struct watch_peer_info *i);	/* it is up now, or down now. May set and end watches. */
	void (*way)(void *ctx, const struct watch_way_info *i);	/* the first answer, and each change */
	void (*dial)(void *ctx, const char *path, void (*done)(void *arg, int fd), void *arg);	/* as in struct zebra_face */
};

struct watch;
struct watch *watch_new(const struct host *host, const struct watch_face *face, void *ctx);	/* NULL without memory */
void	watch_free(struct watch *w);	/* bfdd ends its sessions; NULL is fine */
void	watch_zebra(struct watch *w, const struct zapi_version *v, const char *path);	/* zebra is there, or not (v NULL) */
bool	watch_up(const struct watch *w);	/* what is asked for gets there */

/* Known by interface and both addresses; set again with other times it is changed. False: no memory, or too many. */
bool	watch_peer_set(struct watch *w, const struct watch_peer *p);
void	watch_peer_del(struct watch *w, const struct watch_peer *p);	/* by the same three; absent is fine */
bool	watch_peer_info(const struct watch *w, const struct watch_peer *p, struct watch_peer_info *out);
void	watch_peers_keep(struct watch *w, bool (*stays)(void *ctx, const struct watch_peer *), void *ctx);	/* ends the others */

bool	watch_way_set(struct watch *w, const char *vrf, const struct addr *to);	/* "" for no VRF; as often as it is ended */
void	watch_way_del(struct watch *w, const char *vrf, const struct addr *to);
bool	watch_way_info(const struct watch *w, const char *vrf, const struct addr *to, struct watch_way_info *out);

#endif
