/* nhrpd/core/core.h: "peer P is reachable at N under SA C". Joins the NHRP engine of each tunnel, the IKE engine, the data
 * plane and routes; itself as pure as they are.
 *
 * Owns the peers: who is behind an SA, by authenticated identity; which wants of NHRP are served by which dial of IKE.
 * Feeds each engine the events the others cause and turns their actions into one stream for the daemon (or simulator):
 * verbs of lib/dplane.h and lib/rib.h, datagrams, jobs, names to look up. Everything that can fail comes back as an
 * event. Order: going up SA, neighbour, route; going down route, neighbour, SA. */
#ifndef NHRPD_CORE_CORE_H
#define NHRPD_CORE_CORE_H

#include "ikecore/engine/ike.h"
#include "lib/dplane.h"
#include "lib/rib.h"
#include "lib/trace.h"
#include "nhrpd/engine/nhrp.h"

enum { CORE_TUNNELS_MAX = 16, CORE_DESTS_MAX = 8 };

struct core_plain_conf {	/* a tunnel without NHRP */
	char dest[CORE_DESTS_MAX][NHRP_NAME_MAX];	/* addresses or names, the best first; none: who calls is the peer */
	unsigned n_dest;
	uint32_t reactivate_s;	/* until better ones are tried again; 0: never */
	bool policy;	/* for some prefixes: no multicast travels in it */
	bool on_traffic;	/* nobody is wanted before a packet comes that an SA would be for, */
	uint32_t idle_s;	/* and nobody any more after so long without one; 0: who is up stays */
};

struct core_tunnel_conf {
	struct dp_tunnel dp;	/* id is the index from 1 */
	struct nhrp_conf nhrp;	/* not looked at where there is */
	const struct core_plain_conf *plain;	/* NULL: DMVPN. Else dp.plain is set */
	unsigned profile;	/* into ike_conf; not looked at where dp.bare */
	const char *outer_vrf;	/* the same for all tunnels; NULL: none */
	const char *source_if;	/* name of the source interface, or NULL when an address was given */
	uint8_t source_family;	/* 4 or 16: which of its addresses */
};

/* crypto ikev2 authorization policy NAME: what peers of some identities may claim; authority.c */
struct core_policy_match {
	struct ike_match id;
	const char *pattern;	/* instead: an identity's text, with CLAIMS_HOLE for a number; NULL */
};
struct core_policy_allow {
	unsigned kind;	/* CLAIM_ADDRESS, CLAIM_PREFIX; or `group` */
	struct prefix prefix;
	const char *template;	/* instead: text of a prefix with CLAIMS_HOLE; NULL */
	const char *group;	/* instead: a name; NULL */
};
struct core_policy {
	const char *source;	/* "authorization policy NAME, hub.conf:12" */
	const struct core_policy_match *match;	/* one of them */
	unsigned n_match;	/* 0: anybody */
	const struct ike_certmap *certmap[IKE_CERTMAPS_MAX];	/* and one of these fits its certificate, where there are any */
	unsigned n_certmap;
	unsigned says;	/* kinds it has a list of, which may be empty */
	bool says_groups;
	const struct core_policy_allow *allow;
	unsigned n_allow;
};

struct core_conf {
	struct ike_conf ike;
	const struct core_tunnel_conf *tunnel;
	unsigned n_tunnel;	/* after a reload the place of an interface that went may be free: its name is "" */
	uint32_t peers_max;	/* 0: 100,000 */
	const struct core_policy *policy;	/* the first that matches counts */
	unsigned n_policy;
};

enum core_act_kind {
	CORE_ACT_TUNNEL_SET, CORE_ACT_TUNNEL_DEL, CORE_ACT_NEIGH_SET, CORE_ACT_NEIGH_DEL, CORE_ACT_SA_ADD, CORE_ACT_SA_ACTIVATE, CORE_ACT_SA_MOVE, CORE_ACT_SA_DEL,
	CORE_ACT_NHRP_SEND,	/* dp->send */
	CORE_ACT_ROUTE_SET, CORE_ACT_ROUTE_DEL,
	CORE_ACT_IKE_SEND,	/* datagram; non-ESP marker when local.port is not 500 */
	CORE_ACT_KEEPALIVE,
	CORE_ACT_JOB,
	CORE_ACT_REVOCATION,	/* job: ike_job_chain() is to be asked about; back by core_job_done() */
	CORE_ACT_SHAPE,	/* dp->shape: `rate` to `peer` */
	CORE_ACT_PATH_RESULT,	/* dp->path_result, where there is one */
	CORE_ACT_OPER_SET,	/* dp->oper_set, where there is one: the interface is of use (up), or not */
	CORE_ACT_TRACK,	/* the way to the outer address `nbma` of a hub matters from now on (up), or once less; core_way() hears of it */
	CORE_ACT_LOOKUP,	/* resolve the name of NHS `nhs` of `tunnel` */
};

/* The daemon answers TUNNEL_SET, NEIGH_SET, SA_ADD, SHAPE and ROUTE_SET with core_result() on the same action. */
struct core_act {
	enum core_act_kind kind;
	uint32_t tunnel, cookie, nhs, spi_in, peer;
	uint32_t attempt;	/* for whose sake: lib/trace.h; 0: nobody's */
	struct dp_neigh neigh;
	const struct dp_sa *sa;	/* SA_ADD: with keys, wiped when the queue is reset */
	const struct dp_tunnel *dp_tunnel;	/* TUNNEL_SET */
	struct endpoint local, remote;
	bool encap;
	bool up;	/* OPER_SET, TRACK */
	struct addr nbma;	/* TRACK */
	struct span packet;
	struct rib_route route;	/* ROUTE_SET, ROUTE_DEL: ifindex from core_ifindex() */
	struct ike_job *job;
	const char *name;	/* LOOKUP */
	bool whole;	/* IKE_SEND: with DF, and no word when it is too large for the first hop */
	uint64_t rate;	/* SHAPE: bit/s; 0: no limit */
	unsigned size;	/* PATH_RESULT */
	enum dp_path_result path;
};

struct core;
struct core_env {
	struct ike_env ike;	/* ike.env is everybody's env; spi_alloc the data plane's */
	/* Counters are read, not changed: how much went to and came from a peer or SA so far. May fail (false). */
	bool (*peer_stats)(void *ctx, uint32_t tunnel, uint32_t peer, struct dp_peer_stats *);
	bool (*sa_stats)(void *ctx, uint32_t spi_in, struct dp_sa_stats *);
	/* Optional: tell DP_EV_PEER_USED of the next packet to and from the peer. */
	void (*peer_watch)(void *ctx, uint32_t tunnel, uint32_t peer);
	/* Optional: is the number one of an earlier life, whose SAs still carry traffic? It is not given to a new peer. */
	bool (*kept_peer)(void *ctx, uint32_t peer);
	/* Optional: what came of core_probe(). May call nothing of the core. */
	void (*probed)(void *ctx, uint32_t cookie, bool ok, tick_t took, const char *reason);
};

/* conf stays the caller's and lives until core_free() or the next core_reconf(), whose actions carried out. */
struct core *core_new(const struct core_conf *conf, const struct core_env *env);
void	core_free(struct core *c);
/* Actions collect inside; carry them out one by one, in order, after each call. An action and what it points to live until
 * core_next() answers NULL: then the queue is reset and keys are wiped. */
const struct core_act *core_next(struct core *c, tick_t now);
size_t	core_pending(const struct core *c);	/* actions that wait */

void	core_rx_ike(struct core *c, tick_t now, const struct ike_rx *rx);
void	core_dp_event(struct core *c, tick_t now, const struct dp_event *ev);
void	core_ifindex(struct core *c, uint32_t tunnel, uint32_t ifindex);	/* before routes through it are reported */
void	core_rib_event(struct core *c, tick_t now, const struct rib_event *ev);
void	core_result(struct core *c, tick_t now, const struct core_act *act, bool ok, const char *reason);	/* reason: static text */
void	core_job_done(struct core *c, tick_t now, struct ike_job *job);
void	core_names(struct core *c, tick_t now, uint32_t tunnel, uint32_t nhs, const struct addr *addrs, unsigned n, const char *reason);
void	core_source(struct core *c, tick_t now, uint32_t tunnel, const struct addr *source);	/* outer address appeared, changed, went (none) */
/* Somebody who watches it (BFD) does not hear a peer any more, that was at this tunnel address. Unless it answers over its SA within that
 * time, all that led there goes at once, its SAs end, and who is wanted there is dialled anew. reason: static text. */
void	core_peer_doubted(struct core *c, tick_t now, uint32_t tunnel, uint32_t peer, const struct addr *proto, tick_t within, const char *reason);
/* The way to an outer address of a hub is there (again), is another one (anew), or is not there. Who is not up is dialled at once where it is, and
 * who is up is asked over its SA whether it still is. */
void	core_way(struct core *c, tick_t now, const struct addr *nbma, bool reachable);
void	core_tick(struct core *c, tick_t now);
tick_t	core_deadline(const struct core *c);
/* Applies the difference: an interface of the same name has the same place in both configurations; one that did not change is
 * not touched. Sources are told by core_source() as at the start, routes again when there are new interfaces. False: no memory
 * for a new interface, and nothing has changed. */
bool	core_reconf(struct core *c, tick_t now, const struct core_conf *conf);
void	core_shutdown(struct core *c, tick_t now);	/* purges, deletes; take the actions, then free */

/* ---- operator */
/* Ends SAs of the peers that match (protocol or NBMA address); answers how many. addr none: all of the tunnel. */
unsigned core_clear_peer(struct core *c, tick_t now, uint32_t tunnel, const struct addr *which);
/* The same, but they are replaced by new ones, as at the end of their lifetime: the IKE SAs, or the ESP SAs. */
unsigned core_rekey_peer(struct core *c, tick_t now, uint32_t tunnel, const struct addr *which, bool ike);
/* proto none: all of the family, 4 or 16; 0: both. */
void	core_clear_nhrp(struct core *c, tick_t now, uint32_t tunnel, const struct addr *proto, uint8_t family, bool shortcuts_only);
/* Asks the peer with this tunnel address over its SA; the answer, or that there was none, comes as core_env.probed. */
void	core_probe(struct core *c, tick_t now, uint32_t tunnel, const struct addr *proto, uint32_t cookie);

enum core_step { CORE_STEP_INTF, CORE_STEP_IKE, CORE_STEP_IPSEC, CORE_STEP_NHRP, CORE_STEP_UP };	/* the state ladder of IOS */
const char *core_step_name(enum core_step s);

struct core_peer_info {
	uint32_t tunnel, peer;	/* peer 0: not there yet, only wanted */
	struct addr proto;	/* first of its protocol addresses, or none */
	struct addr nbma;	/* public */
	struct endpoint remote;
	struct addr nbma_claimed;
	enum core_step step;
	tick_t since;	/* of this step */
	tick_t link_since;	/* of the interface's state */
	bool nhs, dynamic, natted, incomplete;	/* attributes of show dmvpn: S/D, N, I */
	const char *identity;	/* "" unknown */
	const char *reason;	/* why it is not UP; "" */
	tick_t retry;	/* when what the data plane refused is tried again; 0: nothing of the kind */
	uint32_t ike_sa, spi_in, spi_out;
	bool encap;
	unsigned n_proto;
};
typedef bool core_peer_fn(void *ctx, const struct core_peer_info *);
void	core_visit_peer(const struct core *c, uint32_t tunnel, core_peer_fn *fn, void *ctx);	/* tunnel 0: all */
bool	core_waits(const struct core *c, uint32_t tunnel);	/* a tunnel without NHRP: for traffic, nobody is wanted before */

/* ---- what happened: timeline.c */
enum core_attempt_state { CORE_ATTEMPT_RUNNING, CORE_ATTEMPT_SECURED, CORE_ATTEMPT_UP, CORE_ATTEMPT_FAILED, CORE_ATTEMPT_DOWN };
const char *core_attempt_state_name(enum core_attempt_state s);

struct core_mark {
	tick_t at;
	uint32_t n;	/* SPI, or number of a try */
	uint8_t step;	/* enum trace_step */
};

struct core_attempt_info {
	uint32_t attempt, tunnel, peer;
	enum trace_kind kind;
	enum core_attempt_state state;
	struct addr dst;	/* a shortcut's destination, or none */
	struct addr proto, nbma;	/* of the partner, as far as known */
	struct prefix prefix;	/* a shortcut's, once the reply came */
	tick_t began, settled, ended;	/* settled: up for the first time; 0: not */
	const char *reason;	/* of the last failure, or "" */
	const struct core_mark *mark;	/* oldest first */
	unsigned n_mark, left_out;	/* left_out: between the first and the last ones */
};
typedef bool core_attempt_fn(void *ctx, const struct core_attempt_info *);
/* Attempts to reach `which` (a tunnel address, an outer address, or a destination behind it; none: all), in no order. */
void	core_visit_attempts(const struct core *c, uint32_t tunnel, const struct addr *which, core_attempt_fn *fn, void *ctx);

struct nhrp *core_nhrp(const struct core *c, uint32_t tunnel);	/* for its visit functions; NULL when unknown, or plain */
struct addr core_source_addr(const struct core *c, uint32_t tunnel);	/* outer address in use, or none */
struct ike *core_ike(const struct core *c);

#endif
