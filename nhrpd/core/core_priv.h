/* nhrpd/core/core_priv.h: what the files of the core share. See core.h for the face and core.c for the story. */
#ifndef NHRPD_CORE_CORE_PRIV_H
#define NHRPD_CORE_CORE_PRIV_H

#include "lib/bucket.h"
#include "lib/log.h"
#include "lib/map.h"
#include "lib/timer.h"
#include "nhrpd/core/core.h"

enum {
	CORE_OUT_ITEMS = 4096, CORE_OUT_OCTETS = 2 << 20,	/* what one external event may cause, with all that follows from it */
	CORE_ENGINE_DEPTH = 8,	/* how often an engine may be called before its queue is emptied */
	CORE_PEERS_DEFAULT = 100000, CORE_DIALS_MAX = 65536,
	CORE_LOST_MAX = 64,	/* wants kept for later because there was no memory */
	CORE_CLOSE_STEP = 64,	/* peers closed at once by a reload */
	CORE_ATTEMPTS_MAX = 8192,	/* kept in all, of less than 1 KB each: 8 MB; */
	CORE_ATTEMPTS_SAME = 8,	/* to one partner */
	CORE_MARKS_FIRST = 24, CORE_MARKS_LAST = 16,	/* steps kept of each */
	CORE_REASON_MAX = 96,
};

/* An ESP SA pair in the data plane, or on its way there. */
struct core_child {
	struct map_node by_spi;
	struct core_child *next;	/* of the peer, newest first */
	struct core_peer *peer;
	uint32_t spi_in, spi_out, sa;
	uint32_t set;	/* of its selectors: one of each is sent on */
	uint32_t attempt;	/* timeline.c */
	bool installed, active, encap;
	bool lingering;	/* its IKE SA lost as a duplicate: only for what is on its way to us; IKE says when it goes */
	uint64_t rx_seen, tx_seen;	/* counters at the last QUERY_USE of IKE */
};

/* An IKE SA that is up. */
struct core_ike {
	struct map_node by_sa;
	struct core_ike *next;	/* of the peer */
	struct core_peer *peer;
	uint32_t sa, dial;
	uint32_t attempt;	/* timeline.c: of the dial, or of the peer */
};

/* A partner: one authenticated identity in one tunnel, whatever the number of SAs with it at the moment. */
struct core_peer {
	struct map_node by_identity;
	uint32_t id, tunnel;	/* id is the data plane's peer number */
	char identity[NHRP_IDENTITY_MAX];
	struct ike_id who;	/* the same, not as text */
	struct claims *cert;	/* what its certificate says it may claim; NULL: nothing */
	struct endpoint local, remote;
	bool natted_local, natted_remote, up;	/* up: NHRP knows it */
	char refused[CORE_REASON_MAX];	/* why the data plane took no SA; "" */
	bool restarted;	/* its SAs carry on; with the next one NHRP begins anew */
	bool outdated;	/* by a reload: to be closed */
	struct core_ike *ikes;
	struct core_child *children;
	struct core_dial *dials;	/* that led here, by next_of_peer */
	uint32_t attempt;	/* that made it: timeline.c */
	uint32_t watched;	/* attempt that waits for the first packet */
	tick_t since;	/* of the present step: IKE up, or SA up */
	uint64_t tx_seen;	/* at the last QUERY_USE of NHRP */
	struct timer idle;	/* idle.c, while up */
	uint64_t data_seen;
	unsigned idle_checks;
};

/* Addresses IKE keeps dialling for one or more wants. */
struct core_dial {
	struct map_node by_id, by_addrs;
	struct core_dial *next, *prev;	/* of the tunnel */
	struct core_dial *next_of_peer;
	uint32_t id, tunnel;
	struct addr addrs[NHRP_WANT_ADDRS];
	unsigned n_addrs;
	char hint[NHRP_NAME_MAX];	/* "": none */
	bool hub, issued;	/* issued: IKE was told; not while the tunnel has no source address */
	bool again;	/* IKE had no memory for it: tell it once more; without IKE: what it led to is gone */
	unsigned turn;	/* without IKE: which of its addresses */
	struct core_peer *peer;	/* who answered; NULL while dialling */
	struct core_want *wants;
	uint32_t attempt;	/* timeline.c; 0: the next step begins one */
	bool no_way;	/* core_way(): to none of its addresses that was told of */
	bool at_ipsec;	/* the last failure: IKE was fine, IPsec was not */
	const char *reason;	/* of the last failure; "" */
	char reason_buf[400];
	tick_t since;
};

struct core_want {
	struct map_node by_want;
	struct core_want *next;	/* of the dial */
	struct core_dial *dial;
	uint32_t tunnel, want;
};

/* A want there was no memory for. NHRP says it once and trusts that it stands, so it is kept where nothing is allocated. */
struct core_lost {
	uint32_t tunnel;
	struct nhrp_act want;	/* without its hint, */
	char hint[NHRP_NAME_MAX];	/* which is here */
};

struct core_plain;
struct core_tunnel {	/* its place is free when it has neither of the two */
	const struct core_tunnel_conf *conf;	/* not while leaving */
	bool again;	/* it was refused: try again at again_at */
	tick_t again_at;
	unsigned refusals;	/* in a row */
	struct dp_tunnel dp;	/* as in force: the source may change */
	struct addr had_source;	/* the last one there was */
	struct nhrp *nhrp;
	struct core_plain *plain;	/* plain.c, in its stead */
	struct outq out;	/* of either */
	size_t at;	/* first action not carried over */
	uint32_t ifindex;
	bool set, link_up;
	bool closing;	/* may have peers that are outdated */
	bool leaving, said_goodbye;	/* not configured any more; goes when its peers have gone */
	const char *reason;	/* why the interface is not there */
	char reason_buf[CORE_REASON_MAX];	/* a copy of what the data plane said */
	tick_t link_since;
	struct core_dial *dials;
	struct bucket strangers;	/* bare.c */
};

struct core_sink {	/* where the NHRP engine of a tunnel marks steps; stays where it is as long as the core */
	struct core *core;
	uint32_t tunnel;
	struct trace_sink trace;
};

/* What happened lately: attempts by number, those marked longest ago first. */
struct core_attempt;
struct core_timeline {
	struct map by_id, by_key;
	struct core_attempt *oldest, *newest;
	unsigned n;
	uint32_t next_id;
};

struct core {
	const struct core_conf *conf;
	struct core_env env;
	const struct env *mem;	/* &env.ike.env */
	struct log *log;
	struct core_tunnel *tunnel;	/* CORE_TUNNELS_MAX */
	unsigned n_tunnel;	/* places in use or left free */
	struct ike *ike;
	struct outq ike_out;
	size_t ike_at;
	struct outq out;
	size_t at;
	struct core_peer **peer;	/* by id; [0] unused */
	uint32_t peers_max, peer_cap, peer_free;	/* peer_free: no free id below it */
	struct map identities, spis, sas, dials, dial_addrs, wants;
	uint32_t next_dial;
	struct core_lost lost[CORE_LOST_MAX];
	unsigned n_lost;
	struct timers timers;	/* of peers */
	tick_t retry_at;	/* of lost wants and of dials that IKE had no memory for; TICK_NEVER: none */
	tick_t now;
	struct log_limit limit;
	struct trace_sink trace;	/* of IKE */
	struct core_sink sink[CORE_TUNNELS_MAX];
	struct core_timeline timeline;
};

/* pump.c: carries actions of the engines over, until none is left. */
void	core_pump(struct core *c);
void	core_pump_nhrp(struct core *c, struct core_tunnel *t);
void	core_tell_nhrp(struct core *c, struct core_tunnel *t, const struct nhrp_event *ev);
void	core_tell_ike(struct core *c, const struct ike_event *ev);
struct core_act *core_act(struct core *c, enum core_act_kind kind, uint32_t tunnel);	/* NULL when the queue is full: counted */
static inline bool
core_used(const struct core_tunnel *t)
{
	return t->nhrp || t->plain;
}
static inline struct core_tunnel *
core_tunnel(struct core *c, uint32_t id)
{
	return id >= 1 && id <= c->n_tunnel && core_used(&c->tunnel[id - 1]) ? &c->tunnel[id - 1] : NULL;
}

/* core.c */
bool	core_tunnel_init(struct core *c, struct core_tunnel *t, const struct core_tunnel_conf *conf);	/* false: no memory; core_tunnel_fini() it */
void	core_tunnel_fini(struct core *c, struct core_tunnel *t);	/* leaves the place free */

/* reconf.c */
void	core_reconf_tick(struct core *c);	/* goes on with what is being closed */
bool	core_reconf_due(const struct core *c);

/* peer.c */
struct core_peer *core_peer(const struct core *c, uint32_t id);
struct core_child *core_child(const struct core *c, uint32_t spi_in);
struct core_ike *core_ike_sa(const struct core *c, uint32_t sa);
void	core_ike_up(struct core *c, const struct ike_act *a);
void	core_ike_moved(struct core *c, const struct ike_act *a);
void	core_ike_rekeyed(struct core *c, const struct ike_act *a);
void	core_ike_down(struct core *c, const struct ike_act *a);
void	core_child_add(struct core *c, const struct ike_act *a);
void	core_child_activate(struct core *c, uint32_t spi_in);
void	core_child_move(struct core *c, const struct ike_act *a);
void	core_child_del(struct core *c, uint32_t spi_in);
void	core_child_result(struct core *c, uint32_t spi_in, bool ok, const char *reason);
void	core_peer_close(struct core *c, struct core_peer *p, const char *why);	/* ends its IKE SAs */
void	core_peer_rekey(struct core *c, struct core_peer *p, bool ike);	/* or its ESP SAs */
void	core_peer_drop(struct core *c, struct core_peer *p);	/* whatever IKE says or does not say */
void	core_peers_fini(struct core *c);
struct core_peer *core_peer_get(struct core *c, uint32_t tunnel, const struct ike_id *id);	/* found or made; NULL: no memory */
void	core_peer_maybe_free(struct core *c, struct core_peer *p);	/* if it has nothing any more */
void	core_peer_up(struct core *c, struct core_peer *p);
void	core_peer_down(struct core *c, struct core_peer *p, const char *reason);
struct core_act *core_sa_add(struct core *c, struct core_peer *p, const struct dp_sa *from, bool active);
void	core_child_link(struct core *c, struct core_child *ch);

/* bare.c: peers of a tunnel without protection */
bool	core_bare_dial(struct core *c, struct core_tunnel *t, struct core_dial *d, const struct addr *nbma);	/* false: no memory */
uint32_t core_bare_heard(struct core *c, struct core_tunnel *t, const struct dp_event *ev);	/* a packet of nobody known: now a peer's; 0: not */
void	core_bare_close(struct core *c, struct core_peer *p, const char *why);
void	core_bare_source(struct core *c, struct core_tunnel *t);

/* plain.c: stands where an NHRP engine would */
struct core_plain *core_plain_new(struct core *c, const struct core_plain_conf *conf);
void	core_plain_event(struct core *c, struct core_tunnel *t, const struct nhrp_event *ev);
void	core_plain_tick(struct core *c, struct core_tunnel *t);
tick_t	core_plain_deadline(const struct core_tunnel *t);
void	core_plain_reconf(struct core *c, struct core_tunnel *t, const struct core_plain_conf *conf);
bool	core_plain_waits(const struct core_tunnel *t);
bool	core_plain_uses(const struct core_tunnel *t, uint32_t peer, tick_t *since);
bool	core_plain_absent(const struct core_tunnel *t, uint32_t tunnel, core_peer_fn *fn, void *ctx);

/* authority.c */
void	core_authority(const struct core *c, const struct core_peer *p, struct claims *out);	/* what it may claim */
bool	core_authority_take(struct core *c, struct core_peer *p, const struct ike_act *a);	/* IKE_UP: who it is now; false: no memory */
void	core_authority_again(struct core *c, uint32_t tunnel);	/* after a reload */

/* path.c */
void	core_path_ask(struct core *c, const struct dp_event *ev);
void	core_path_result(struct core *c, const struct ike_act *a);

/* timeline.c */
void	core_timeline_init(struct core *c);
void	core_timeline_fini(struct core *c);
void	core_timeline_tunnel(struct core *c, const struct core_tunnel_conf *conf, struct env *env);	/* env: with a sink of its own */
uint32_t core_attempt_of_dial(struct core *c, struct core_dial *d);	/* the one that runs, or another */
void	core_trace_reply(struct core *c, const struct core_act *act, bool ok, const char *reason);
void	core_trace_incoming(struct core *c, struct core_peer *p, const struct ike_act *a);	/* an SA that we did not ask for */
void	core_trace_used(struct core *c, struct core_peer *p, bool sent);
void	core_trace(struct core *c, uint32_t tunnel, const struct trace_mark *m);
#define CORE_TRACE(c, tunnel, ...) core_trace(c, tunnel, &(struct trace_mark){ __VA_ARGS__ })

/* idle.c */
void	core_idle_watch(struct core *c, struct core_peer *p);	/* from now, while it is up */
void	core_idle_tick(struct core *c);	/* with the time */

/* way.c */
void	core_track(struct core *c, const struct core_dial *d, bool on);

/* want.c */
void	core_want_add(struct core *c, struct core_tunnel *t, const struct nhrp_act *a);
void	core_want_del(struct core *c, struct core_tunnel *t, uint32_t want);
struct core_dial *core_dial(const struct core *c, uint32_t id);
void	core_dial_serve(struct core_dial *d, struct core_peer *p);	/* p (or nobody: NULL) is who it led to */
void	core_dial_up(struct core *c, struct core_dial *d, struct core_peer *p);	/* its peer has an SA: satisfies the wants */
void	core_dial_fail(struct core *c, const struct ike_act *a);
void	core_dial_again(struct core *c, struct core_dial *d);	/* after a while */
void	core_dials_issue(struct core *c, struct core_tunnel *t, bool keep);	/* after the source address came or changed; keep: what is up may move */
void	core_wants_retry(struct core *c);	/* with the time */
void	core_wants_forget(struct core *c, struct core_tunnel *t);	/* all of the tunnel */
void	core_tunnel_later(struct core *c, struct core_tunnel *t);
void	core_wants_fini(struct core *c);

#endif
