/* nhrpd/engine/nhrp.h: the NHRP engine of one tunnel (one NBMA network). RFC 2332 with Cisco's NAT extension and redirect.
 *
 * Owns the cache (protocol address -> peer), registrations as client and as server, resolutions, shortcuts, redirects,
 * purges and the list of those who were told a binding. Takes bytes, events and the time; answers with actions.
 * Knows no socket, kernel, clock or random source. Not here: packet layout (nhrpd/wire), peer security (ikecore, core).
 *
 * Peers and wants. A *peer* is a number the core gives to a partner with a live SA (PEER_UP ... PEER_DOWN); packets come
 * from peers and go to peers. A *want* is a number the engine gives to its wish to reach somebody at one of some NBMA
 * addresses; the core dials and answers WANT_UP with the peer (an already live one if it is the same identity) or
 * WANT_FAIL, and goes on trying as long as the want stands.
 *
 * Actions are carried out in order. NEIGH_SET, ROUTE_SET and SEND carry a cookie; for NEIGH_SET and ROUTE_SET the
 * result comes back as NHRP_EV_RESULT, and the next step of the owner (route after neighbour, UP after route) waits for it. */
#ifndef NHRPD_ENGINE_NHRP_H
#define NHRPD_ENGINE_NHRP_H

#include "lib/addr.h"
#include "lib/claims.h"
#include "lib/env.h"
#include "lib/outq.h"
#include "lib/tick.h"
#include "nhrpd/wire/nhrp_packet.h"

enum {
	NHRP_NHS_MAX = 16, NHRP_NHS_ADDRS = 8, NHRP_MAPS_MAX = 64, NHRP_OWN_ADDRS = 8, NHRP_AUTH_MAX = 8,
	NHRP_IDENTITY_MAX = 256, NHRP_WANT_ADDRS = 8, NHRP_NAME_MAX = 128, NHRP_CLUSTERS = 11, NHRP_GROUPS_MAX = 32,
};

struct nhrp_conf_nhs {	/* ip nhrp nhs PROTO|dynamic nbma ADDR|NAME [multicast] [priority N] [cluster N] */
	struct addr proto;	/* none: dynamic */
	uint8_t family;	/* 4 or 16: overlay family it serves */
	bool mcast;
	uint8_t priority;	/* lower is better; hubs of the best reachable priority of a cluster are used, or so many of the best */
	uint8_t cluster;	/* below NHRP_CLUSTERS */
	char name[NHRP_NAME_MAX];	/* what the user wrote for nbma; text for logs and for the IKE hint */
};

struct nhrp_conf_map {	/* ip nhrp map PROTO NBMA; ip nhrp map multicast NBMA */
	struct addr proto;
	struct addr nbma;
	bool mcast;
};

struct nhrp_conf_rate {	/* so many packets in so many seconds */
	uint16_t packets, every_s;
};

struct nhrp_conf_group {	/* ip nhrp map group NAME service-policy output RATE: what goes to a peer of that group */
	char name[NHRP_GROUP_MAX + 1];
	uint64_t rate;	/* bit/s */
};

struct nhrp_conf {
	uint32_t network_id;
	struct prefix own[NHRP_OWN_ADDRS];	/* protocol addresses of the tunnel, host bits kept */
	unsigned n_own;
	uint16_t hold_s;	/* default 600 */
	uint16_t reg_s;	/* refresh; 0: a third of hold_s */
	uint8_t auth[NHRP_AUTH_MAX];	/* Cisco cleartext string */
	uint8_t auth_len;	/* 0: none */
	bool shortcut, redirect, no_unique, mcast_dynamic;
	bool one_way;	/* phase 1: there is no other way to us than by our hub, and resolutions that were passed on to us are told so */
	bool keep;	/* changes of registrations are marked for nhrp_visit_changes() */
	bool if_state;	/* the interface is of use only while an NHS is registered with: NHRP_ACT_IF_STATE */
	bool steal;	/* a unique registration may be taken over by another identity */
	struct nhrp_conf_nhs nhs[NHRP_NHS_MAX];
	unsigned n_nhs;
	uint8_t max_connections[NHRP_CLUSTERS];	/* hubs of the cluster that are used at a time; 0: all of the best reachable priority */
	uint8_t fallback_s;	/* a better hub is up for so long before worse ones are left; 0: 5 */
	struct nhrp_conf_map map[NHRP_MAPS_MAX];
	unsigned n_map;
	uint16_t mtu;	/* of the tunnel: bounds packets we build and the MTU field; 0: 1400 */
	uint32_t cache_max;	/* bindings; 0: 1,000,000 */
	/* redirect limits: per (source, destination) pair and for all */
	uint32_t redirect_pair_burst, redirect_rate;	/* 0: 4 and 200/s */
	struct nhrp_conf_rate max_receive;	/* of one peer; 0: 1000 in 10 s */
	struct nhrp_conf_rate max_send;	/* of the interface; 0: no limit */
	char group[NHRP_GROUP_MAX + 1];	/* we say in registrations that we are of; "": none */
	struct nhrp_conf_group group_map[NHRP_GROUPS_MAX];
	unsigned n_group_map;
};

enum nhrp_event_kind {
	NHRP_EV_PEER_UP, NHRP_EV_PEER_DOWN, NHRP_EV_PEER_MOVED,
	NHRP_EV_PEER_AGAIN,	/* the peer was restarted and has a new SA, but was never down: what it forgot is to be told again */
	NHRP_EV_PEER_MAY,	/* what the peer may claim changed: `may` */
	NHRP_EV_WANT_UP, NHRP_EV_WANT_FAIL,
	NHRP_EV_UNRESOLVED,	/* local or transit traffic to `dst` has no neighbour */
	NHRP_EV_REDIRECT,	/* a packet came in from `peer` and left to `out_peer`; `packet` */
	NHRP_EV_ROUTE, NHRP_EV_ROUTE_GONE, NHRP_EV_ROUTES_READY,
	NHRP_EV_RESULT,	/* of an action with a cookie */
	NHRP_EV_SHAPED,	/* of NHRP_ACT_SHAPE: `peer`, ok, reason */
	NHRP_EV_NHS_ADDRS,	/* name resolution: `nhs`, `addrs` (n_addrs 0: failed, `reason`) */
	NHRP_EV_NBMA,	/* own NBMA address is now `nbma` */
	NHRP_EV_LINK,	/* tunnel interface: ok = up */
	NHRP_EV_CLEAR,	/* operator: forget cache entry `dst` (none: all), shortcuts only if `ok` */
	NHRP_EV_DOUBT,	/* a watcher (BFD) does not hear `peer` any more: unless it answers for `dst`, its own address, within `within`, its SA ends for `reason`, static text */
	NHRP_EV_PROBE,	/* operator: does `dst` answer over its SA? NHRP_ACT_PROBED with the same cookie, after two seconds at most */
	NHRP_EV_SHUTDOWN,	/* graceful stop: purge what we registered and told */
};

enum nhrp_route_kind {
	NHRP_RT_LOCAL,	/* our own address, on any interface */
	NHRP_RT_OUT,	/* leaves this NBMA network here: we are the egress */
	NHRP_RT_NBMA,	/* through this tunnel; `via` is the next hop (none: on link) */
	NHRP_RT_REJECT,
};

struct nhrp_event {
	enum nhrp_event_kind kind;
	uint32_t peer, out_peer, want, nhs, cookie;
	struct endpoint remote;	/* PEER_UP, PEER_MOVED: outer address and port of the peer */
	struct addr nbma;	/* NBMA: ours */
	bool natted;	/* PEER_UP: peer is behind NAT. NBMA: we are */
	struct span identity;	/* PEER_UP: authenticated, printable text without NUL, compared as octets */
	const struct claims *may;	/* PEER_UP, PEER_MAY: what it may claim, copied; NULL: nothing is said about it */
	struct addr dst, src;
	struct span packet;
	struct prefix prefix;	/* ROUTE* */
	enum nhrp_route_kind route;
	struct addr via;
	const struct addr *addrs;
	unsigned n_addrs;
	bool ok;	/* RESULT, LINK, CLEAR */
	tick_t within;	/* DOUBT */
	uint8_t family;	/* CLEAR without dst: 4 or 16; 0: both */
	const char *reason;	/* WANT_FAIL, PEER_DOWN, RESULT, NHS_ADDRS; lives as long as the call */
};

enum nhrp_act_kind {
	NHRP_ACT_SEND,	/* `packet` to `peer` */
	NHRP_ACT_WANT,	/* reach somebody at addrs (tried in order, again and again) */
	NHRP_ACT_UNWANT,
	NHRP_ACT_NEIGH_SET, NHRP_ACT_NEIGH_DEL,	/* proto (none: fallback), peer, mcast */
	NHRP_ACT_ROUTE_SET, NHRP_ACT_ROUTE_DEL,	/* prefix, via, mtu */
	NHRP_ACT_RESOLVE_NAME,	/* look up `hint`, the name of `nhs` */
	NHRP_ACT_DROP_PEER,	/* its registration got no answer, or it was cleared: end the SA and dial anew */
	NHRP_ACT_PROBED,	/* `cookie` of NHRP_EV_PROBE: ok, or `reason`; `took` */
	NHRP_ACT_IF_STATE,	/* the interface is of use now (ok), or not */
	NHRP_ACT_SHAPE,	/* no more than `rate` goes to `peer` from now on; 0: as much as there is */
	NHRP_ACT_QUERY_USE,	/* answer NHRP_EV_RESULT: ok = data went to `peer` since the last query */
};

struct nhrp_act {
	enum nhrp_act_kind kind;
	uint32_t peer, want, nhs, cookie;
	uint32_t attempt;	/* for whose sake, lib/trace.h; 0: unknown */
	struct addr addrs[NHRP_WANT_ADDRS];
	unsigned n_addrs;
	bool hub;	/* WANT: for an NHS */
	const char *hint;	/* WANT: the NHS's configured name, or NULL; RESOLVE_NAME. Lives until the configuration changes. */
	struct addr proto;
	struct addr nbma;	/* NEIGH_SET: the peer's outer address */
	bool mcast;
	struct prefix prefix;
	struct addr via;
	uint16_t mtu;
	struct span packet;	/* in the queue's arena */
	const char *reason;	/* DROP_PEER, PROBED; static */
	bool ok;
	tick_t took;	/* PROBED: the round trip */
	uint64_t rate;	/* SHAPE: bit/s */
};

struct nhrp_rx {
	uint32_t peer;
	struct endpoint remote;	/* outer source */
	struct span packet;	/* NHRP, GRE taken off */
};

struct nhrp;

/* conf is copied. NULL without memory. The first actions (name look-ups, wants) come from nhrp_tick(). */
struct nhrp *nhrp_new(const struct nhrp_conf *conf, const struct env *env);
void	nhrp_free(struct nhrp *n);
/* Another configuration, of the same tunnel: what is as it was is not touched, an NHS keeps its registration. The queue is to be
 * empty and to have this much room. */
enum { NHRP_RECONF_ITEMS = 400, NHRP_RECONF_OCTETS = 200 * 1500 };
void	nhrp_reconf(struct nhrp *n, tick_t now, const struct nhrp_conf *conf, struct outq *out);
/* The queue for this engine's actions: items are struct nhrp_act. NHRP_OUT_ITEMS and _OCTETS are the room one call may need. */
enum { NHRP_OUT_ITEMS = 64, NHRP_OUT_OCTETS = 64 * 1500 };
/* Where nothing is authenticated: is this a packet that somebody unknown may become a peer by? A request or an answer, whole and with the
 * network's password. Refusals are counted. */
bool	nhrp_admits(struct nhrp *n, struct span packet);
enum nhrp_drop nhrp_rx(struct nhrp *n, tick_t now, const struct nhrp_rx *rx, struct outq *out);
void	nhrp_event(struct nhrp *n, tick_t now, const struct nhrp_event *ev, struct outq *out);
void	nhrp_tick(struct nhrp *n, tick_t now, struct outq *out);	/* does what is due, as far as the room in `out` goes */
tick_t	nhrp_deadline(const struct nhrp *n);

enum nhrp_cache_type {	/* low to high: a lower one never replaces a higher one */
	NHRP_CT_NONE, NHRP_CT_INCOMPLETE, NHRP_CT_NEGATIVE, NHRP_CT_CACHED, NHRP_CT_DYNAMIC, NHRP_CT_NHS, NHRP_CT_STATIC, NHRP_CT_LOCAL,
	NHRP_CTS,
};

/* ---- registrations over a restart: engine/keep.c */

struct nhrp_mapping {
	struct prefix prefix;
	enum nhrp_cache_type type;	/* DYNAMIC; NONE: gone, and all but `prefix` empty */
	struct addr nbma, nbma_claimed;
	struct span identity;	/* of who registered it; empty where nothing is authenticated */
	bool unique;
	uint16_t mtu;
	tick_t expires;
	struct span group;	/* empty: none */
};
typedef void nhrp_mapping_fn(void *ctx, const struct nhrp_mapping *);
size_t	nhrp_changes(const struct nhrp *n);	/* that wait to be visited */
/* Hands out at most max registrations that changed since they were handed out last. False: some that went away could not be
 * remembered; forget all that was handed out and call nhrp_changes_again(), which marks every registration. */
bool	nhrp_visit_changes(struct nhrp *n, size_t max, nhrp_mapping_fn *fn, void *ctx);
void	nhrp_changes_again(struct nhrp *n);
/* A registration of an earlier life: held for its identity until that confirms it. False: refused, nothing happened. */
bool	nhrp_restore(struct nhrp *n, tick_t now, const struct nhrp_mapping *m);

/* ---- what show sees. Structs are copies; strings are static or live until the next call into the engine. */

struct nhrp_cache_info {
	struct prefix prefix;	/* what it answers for; a host for registrations */
	enum nhrp_cache_type type;
	struct addr nbma;	/* public (as seen), */
	struct addr nbma_claimed;	/* and as the client says; equal without NAT */
	uint32_t peer;
	bool restored;	/* from before the restart, and not confirmed yet */
	bool has_peer, unique, natted, registered, used, mcast, installed;	/* installed: neighbour is in the data plane */
	tick_t created, expires;	/* TICK_NEVER for static */
	const char *identity;	/* "" when unknown */
	const char *reason;	/* negative, incomplete, refused: why, in words; else "" */
	bool refused;	/* the data plane did not take its neighbour: `reason`, */
	tick_t retry;	/* and when it is asked again */
	const char *group;	/* said in the registration, or "" */
	uint64_t rate;	/* what goes to its peer is held to, bit/s; 0: no limit */
	const char *rate_reason;	/* the data plane did not take it: why, or "" */
};

struct nhrp_nhs_info {
	uint32_t index;
	struct addr proto;	/* as configured or learnt */
	struct addr nbma;	/* in use, or first candidate */
	const char *name;
	const char *state;	/* "resolving name", "dialing", "registering", "registered", "standby", "waiting" */
	bool up, mcast;
	uint8_t priority, cluster, family;
	uint32_t peer;
	bool has_peer;
	tick_t since, next;	/* next: retry or refresh */
	uint32_t requests, replies, failures;
	const char *reason;	/* last failure in words, "" */
};

struct nhrp_shortcut_info {
	struct addr dst;	/* what was asked for */
	struct prefix prefix;	/* what the answer covers; bits of a host while unknown */
	struct addr via;
	const char *state;	/* "resolving", "securing", "probing", "installing", "up", "negative" */
	struct addr nbma;
	uint32_t peer;
	bool has_peer;
	tick_t since, expires;
	const char *reason;
};

typedef bool nhrp_cache_fn(void *ctx, const struct nhrp_cache_info *);	/* false stops the walk */
typedef bool nhrp_nhs_fn(void *ctx, const struct nhrp_nhs_info *);
typedef bool nhrp_shortcut_fn(void *ctx, const struct nhrp_shortcut_info *);
void	nhrp_visit_cache(const struct nhrp *n, const struct prefix *within, nhrp_cache_fn *fn, void *ctx);	/* within NULL: all */
void	nhrp_visit_nhs(const struct nhrp *n, nhrp_nhs_fn *fn, void *ctx);
void	nhrp_visit_shortcut(const struct nhrp *n, nhrp_shortcut_fn *fn, void *ctx);
/* The protocol addresses registered or learnt for a peer, at most max; answers how many. For show dmvpn. */
unsigned nhrp_peer_protos(const struct nhrp *n, uint32_t peer, struct nhrp_cache_info *out, unsigned max);
const char *nhrp_cache_type_name(enum nhrp_cache_type t);

enum nhrp_dir { NHRP_RX, NHRP_TX };
uint64_t nhrp_count_type(const struct nhrp *n, enum nhrp_dir d, uint8_t type);	/* packets by type 1..8 */
uint64_t nhrp_count_drop(const struct nhrp *n, enum nhrp_drop d);

/* What changes of other people's routes cost: what hangs on a route is found through a trie, so `looked_at` grows by what lies inside
 * the prefix that changed or around it, and not by what lies elsewhere; a covering route counts all that is inside of it. */
struct nhrp_route_work {
	uint64_t changes;	/* routes that came, went or lead elsewhere */
	uint64_t looked_at;	/* shortcuts and answers of ours */
	uint64_t asked, dropped, purged;	/* shortcuts to be asked for again, shortcuts that went, requesters that were told */
};
struct nhrp_route_work nhrp_route_work(const struct nhrp *n);

struct nhrp_rate_info {	/* of a peer: what it sent, and what was over `ip nhrp max-receive` */
	uint32_t peer;
	const char *identity;
	struct endpoint remote;
	uint64_t received, limited;
	tick_t last;	/* dropped; 0: never */
	bool now;	/* it is at it */
};
typedef bool nhrp_rate_fn(void *ctx, const struct nhrp_rate_info *);
bool	nhrp_peer_rate(const struct nhrp *n, uint32_t peer, tick_t now, struct nhrp_rate_info *out);
void	nhrp_visit_limited(const struct nhrp *n, tick_t now, nhrp_rate_fn *fn, void *ctx);	/* those that had packets dropped for it */

struct nhrp_may_info {	/* of a peer: what it may claim, and the last claim that was refused */
	uint32_t peer;
	const char *identity;
	struct endpoint remote;
	const struct claims *may;	/* NULL: nothing is said */
	uint64_t refusals;
	tick_t last;	/* 0: never */
	const char *reason;	/* "refused: fqdn x claims 10.2.0.0/24, may claim 10.3.0.0/24 (certificate's SAN)", or "" */
};
typedef bool nhrp_may_fn(void *ctx, const struct nhrp_may_info *);
bool	nhrp_peer_may(const struct nhrp *n, uint32_t peer, struct nhrp_may_info *out);
void	nhrp_visit_refused(const struct nhrp *n, nhrp_may_fn *fn, void *ctx);	/* those that claimed what they may not */

#endif
