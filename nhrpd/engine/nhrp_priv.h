/* nhrpd/engine/nhrp_priv.h: what the files of this folder share; nobody else includes it.
 *
 * Who owns what: the engine owns peers, bindings (the cache), shortcuts, routes and told entries. A binding is the one
 * object per protocol address: it knows the peer behind it, owns the neighbour in the data plane and the want that keeps
 * an SA towards it; shortcuts, registrations and the NHS client are its users. Lists between them are intrusive.
 *
 * `now` and `out` of the running call stand in struct nhrp, so that they need not be handed through every function. */
#ifndef NHRPD_ENGINE_NHRP_PRIV_H
#define NHRPD_ENGINE_NHRP_PRIV_H

#include "lib/bucket.h"
#include "lib/list.h"
#include "lib/log.h"
#include "lib/map.h"
#include "lib/timer.h"
#include "lib/trace.h"
#include "lib/trie.h"
#include "nhrpd/engine/nhrp.h"

/* Bounds. What is turned away is counted as a drop or told in words. */
enum {
	CACHE_MAX_DEFAULT = 1000000,
	PEER_BINDINGS_MAX = 16,	/* registrations of one peer */
	SHORTCUTS_MAX = 65536,
	PENDING_MAX = 1024,	/* shortcuts that are not up yet */
	ANSWERED_MAX = 16384,	/* prefixes we answered for */
	TOLD_PER_PREFIX = 64,	/* requesters remembered for each */
	TOLD_MAX = 65536,
	REDIRECT_PAIRS_MAX = 4096,
	PKT_MAX = 1500, MTU_DEFAULT = 1400,
	HOLD_DEFAULT = 600,
	REDIRECT_RATE_DEFAULT = 200, REDIRECT_BURST_DEFAULT = 4, REDIRECT_EVERY_S = 5,
	REFUSAL_MAX = 448,	/* text kept of the last refused claim of a peer */
	PROBES_MAX = 8,	/* of an operator, at once */
	ROUTES_LATE_MAX = 64,	/* that wait for memory */
	ERROR_RATE = 50, ERROR_BURST = 100,
	ERROR_PEER_EVERY_MS = 200, ERROR_PEER_BURST = 20,	/* of them for one peer */
	RECEIVE_PACKETS_DEFAULT = 1000, RECEIVE_EVERY_DEFAULT_S = 10,
	HOPS_OUT = 255, HOPS_ONE = 1,
	ROOM_ITEMS = 12, ROOM_OCTETS = 6 * PKT_MAX,	/* one step of work needs at most this */
};

/* ---- handles: numbers we give out (request ids, wants, cookies) and get back. One space, one map. */

enum handle_kind {
	H_REGISTRATION, H_WANT_NHS, H_WANT_BINDING, H_NEIGH, H_FALLBACK, H_RESOLUTION, H_PROBE, H_ROUTE, H_USE, H_PURGE, H_HELLO,
	H_ASKED, H_DOUBT,
};

struct handle {
	struct map_node node;
	uint32_t id;	/* 0: not open */
	uint8_t kind;
};

enum timer_kind { T_NHC, T_LEVEL, T_BINDING, T_SHORTCUT, T_TOLD, T_ROUTES, T_PROBE, T_DOUBT, T_GROUPS };

struct peer {
	struct map_node node;
	uint32_t id;
	struct endpoint remote;
	bool natted;
	bool heard;	/* an authenticated NHRP packet came over its SA: their direction works */
	bool gone;	/* its SA is, and its users are being told: nobody is to begin anything with it */
	tick_t used_at;	/* when a query last said that data went there */
	struct list bindings;
	unsigned n_registered;
	struct bucket rate, answers, errors;	/* what it may send us: rate.c; errors we tell it */
	uint64_t received, limited, limited_unsaid;
	tick_t limited_at, limited_said;	/* 0: never */
	struct claims *may;	/* what it may claim: authority.c; NULL: nothing is said */
	char *refusal;	/* the last claim that was refused; NULL: none */
	uint64_t refusals;
	tick_t refused_at;
	struct {	/* doubt.c; handle open: it is doubted */
		struct handle handle;
		struct timer timer;
		struct addr dst;
		const char *reason;
		tick_t step;
		unsigned asked;
	} doubt;
	uint64_t out_rate;	/* as told the data plane: group.c; 0: no limit */
	char *out_refused;	/* it did not take it: why; NULL: it did */
	size_t identity_len;
	char identity[];
};

/* The identity that registered some bindings; outlives its peer. */
struct holder {
	struct map_node node;
	struct list bindings;
	size_t len;
	char text[];
};

struct neigh_refused {
	unsigned tries;
	char reason[96];
};

enum neigh_state { NEIGH_NONE, NEIGH_WAIT, NEIGH_OK };

struct binding {
	struct map_node node;
	struct addr proto;
	enum nhrp_cache_type type;
	struct addr nbma, nbma_claimed;	/* public, and as its owner says */
	struct peer *peer;	/* NULL: no live SA */
	struct list by_peer;
	struct list shortcuts;	/* that use it */
	struct handle want, neigh, hello;
	struct timer timer;
	enum neigh_state neigh_state;
	unsigned n_routed;	/* shortcuts that need the neighbour */
	unsigned pinned;	/* not to be freed while somebody walks it */
	uint16_t mtu;
	bool unique, natted, mcast;
	bool want_stale;	/* the want is for addresses that are not its any more */
	bool proven;	/* the direct path to `peer` works both ways */
	tick_t created, expires;	/* TICK_NEVER for configured ones */
	tick_t retry_at;	/* of a refused neighbour */
	struct neigh_refused *refused;	/* the data plane did not take it; NULL */
	tick_t dial_at;	/* responder: dial the requester then, unless it came; TICK_NEVER: not */
	bool dial;	/* it did not come: our want stands while the entry lasts */
	tick_t hello_at;	/* we dialled: say who we are until it answers */
	unsigned hellos;
	struct holder *holder;	/* registered: by whom */
	struct list by_holder;
	char *group;	/* said with the registration; NULL: none */
	bool restored;	/* of an earlier life; not confirmed by its holder yet */
	struct list changed;	/* marked for nhrp_visit_changes() */
	tick_t kept_expires;	/* as handed out there last; 0: never */
	bool cleared;	/* operator: goes with the next timer */
};

struct route {
	enum nhrp_route_kind kind;
	struct addr via;
};

struct late_route {	/* nobody tells of a route twice */
	struct prefix prefix;
	struct route route;
};

enum nhc_state { NHC_NAME, NHC_STANDBY, NHC_DIALING, NHC_REGISTERING, NHC_REGISTERED, NHC_WAITING, NHC_STATES };

struct nhc {	/* our side of one configured NHS; a place may be free after a reload */
	const struct nhrp_conf_nhs *conf;	/* &said */
	struct nhrp_conf_nhs said;
	bool used;
	unsigned order;	/* in the configuration */
	uint32_t index;	/* its place, plus NHRP_NHS_MAX for each one that had it before: late answers for those are known by it */
	enum nhc_state state;
	struct addr proto;	/* configured or learnt */
	struct addr addrs[NHRP_NHS_ADDRS];
	unsigned n_addrs;
	struct handle want, reg;
	struct peer *peer;
	struct timer timer;
	unsigned tries;	/* registrations sent without an answer */
	unsigned lookups;	/* that failed in a row */
	unsigned naks;	/* in a row */
	tick_t since, next;
	struct addr public_nbma;
	uint32_t requests, replies, failures;
	char reason[400];	/* a copy; IKE says both ends' proposals in it */
	const char *hint;	/* what an error indication said about the request that waits; NULL */
};

enum sc_state { SC_IDLE, SC_RESOLVING, SC_SECURING, SC_PROBING, SC_NEIGH, SC_ROUTE, SC_UP, SC_REFRESH, SC_NEGATIVE, SC_STATES };

enum sc_event {
	SC_EV_NONE,
	SC_EV_TRAFFIC,	/* somebody wants to go there */
	SC_EV_REPLY,	/* n->reply holds the answer */
	SC_EV_NAK,
	SC_EV_TIMEOUT,
	SC_EV_PEER,	/* binding has a live peer now */
	SC_EV_WANT_FAIL,
	SC_EV_REFUSED,	/* who is there may not have the address */
	SC_EV_PROVEN,	/* both directions of the direct path */
	SC_EV_NEIGH_OK, SC_EV_NEIGH_FAIL, SC_EV_ROUTE_OK, SC_EV_ROUTE_FAIL,
	SC_EV_USED, SC_EV_UNUSED,
	SC_EV_PEER_DOWN,
	SC_EV_PURGED,	/* told to forget: ask again */
	SC_EV_RECHECK,	/* covering route has another next hop: ask, but stay up */
	SC_EV_GONE,	/* route withdrawn, operator, link: forget */
	SC_EVENTS
};

struct shortcut {
	struct prefix prefix;	/* key in n->shortcuts: the host while asking, what the answer covers after */
	struct addr dst, src;	/* asked for; our address in the request */
	enum sc_state state;
	enum sc_event due;	/* event put off to the next tick */
	struct binding *binding;
	struct list by_binding;
	struct handle request, probe, route, use;
	struct timer timer;
	tick_t at;	/* what the timer is for; it runs early when an event is due */
	bool busy;	/* in a handler: what that causes is not an event for itself */
	unsigned tries, negatives, want_fails;
	bool routed;	/* counts in binding->n_routed */
	bool has_route;	/* ROUTE_SET went out */
	bool probe_replied;
	uint16_t mtu, hold_s;
	tick_t since, expires, retry_at;
	uint32_t attempt;	/* lib/trace.h */
	char reason[256];	/* a copy: texts of IKE do not last */
};

/* What a positive Resolution Reply said; lives while SC_EV_REPLY is handled. */
struct sc_reply {
	struct prefix prefix;
	struct addr proto, nbma, nbma_claimed;
	struct peer *direct;	/* it came straight from this peer, no NHS of ours; or NULL */
	uint16_t hold_s, mtu;
};

/* A prefix we answered for, and who was told. */
struct answered {
	struct prefix prefix;
	struct list told;
	unsigned n;
};

struct told {
	struct answered *in;
	struct list link;
	struct addr requester;
	struct handle purge;
	struct timer timer;
	unsigned tries;
	bool purging;
	bool anew;	/* it was answered again since the purge began */
	tick_t expires;
};

struct redirect_pair {
	struct map_node node;
	struct addr src, dst;
	struct bucket bucket;
	struct list age;
};

struct probe {	/* probe.c */
	bool used;
	struct handle handle;
	struct timer timer;
	uint32_t cookie, peer;
	struct addr dst;
	tick_t sent;
};

struct nhrp {
	struct nhrp_conf conf;
	struct env env;
	struct log *log;
	struct log_limit limit;
	struct timers timers;
	struct map handles, peers, cache, pairs, holders;
	struct list changed, gone;	/* registrations marked; struct gone */
	size_t n_changes, n_gone, n_restored, n_confirmed;	/* n_confirmed: of those restored */
	tick_t restored_at;
	bool changes_lost;	/* some that went away are not in `gone` */
	struct list pairs_age;	/* oldest first */
	struct bucket redirects, errors, sends;
	struct trie routes;	/* struct route: OUT, NBMA, REJECT */
	struct trie locals;	/* our own addresses, on any interface */
	bool routes_ready;
	struct late_route late[ROUTES_LATE_MAX];
	unsigned n_late;
	struct timer late_timer;
	struct trie shortcuts;	/* struct shortcut */
	size_t n_shortcuts, n_pending;
	const struct sc_reply *reply;
	struct trie answered;	/* struct answered */
	size_t n_answered, n_told;
	struct nhc nhc[NHRP_NHS_MAX];
	unsigned n_nhc;	/* places in use or left free */
	struct timer level_timer;
	struct timer group_timer;	/* some peers have another rate than the data plane knows */
	struct nhs_group {
		unsigned level;	/* hubs up to this rank (priority; place, where connections are counted) are wanted */
		bool better;	/* it is about to fall */
		tick_t at;	/* when it may change; TICK_NEVER: no reason to */
	} group[2][NHRP_CLUSTERS];	/* by family */
	struct peer *fallback;	/* the neighbour for what has none */
	struct handle fallback_ck;
	bool fallback_stale;	/* the data plane has another one: it could not be told */
	struct addr nbma, public_nbma;
	bool natted, started, stopping, link_up;
	enum if_told { IF_UNTOLD, IF_TOLD_UP, IF_TOLD_DOWN } if_told;	/* ifstate.c */
	struct probe probes[PROBES_MAX];
	uint32_t next_id;
	tick_t now;
	struct outq *out;
	uint32_t attempt;	/* on whose behalf actions are made just now */
	bool redirected;	/* a Traffic Indication is being handled */
	uint64_t by_type[2][NHRP_TYPES], by_drop[NHRP_DROPS_N];
	struct nhrp_route_work route_work;
};

/* A packet that came in, parsed. */
struct rx {
	struct peer *peer;
	const struct addr *outer;
	struct span raw;
	const struct nhrp_packet *p;
};

/* A packet being made, and the room its extensions need. */
struct tx {
	struct nhrp_packet p;
	struct wr w;
	uint8_t buf[PKT_MAX];
};

/* nhrp.c */
struct nhrp_act *act(struct nhrp *n, enum nhrp_act_kind kind);	/* NULL: no room, counted by the queue */
bool	room(const struct nhrp *n);	/* for one more step */
void	handle_open(struct nhrp *n, struct handle *h, enum handle_kind kind);	/* a new number; an open one is closed */
void	handle_close(struct nhrp *n, struct handle *h);
struct handle *handle_find(const struct nhrp *n, uint32_t id);
void	arm(struct nhrp *n, struct timer *t, tick_t at);
tick_t	jitter(struct nhrp *n, tick_t base);
enum nhrp_drop drop(struct nhrp *n, enum nhrp_drop d);	/* counts; returns d */
void	conf_defaults(struct nhrp_conf *c);	/* for what was not said, and bounds kept */

/* own addresses */
const struct prefix *own_prefix(const struct nhrp *n, uint8_t family);	/* the main one of a family, or NULL */
bool	own_has(const struct nhrp *n, const struct addr *proto);
bool	own_subnet(const struct nhrp *n, const struct addr *proto);	/* on link in one of our tunnel prefixes */
bool	own_subnet_sane(const struct nhrp *n, const struct addr *proto);	/* may a client of ours have it */
bool	we_are_natted(const struct nhrp *n);

/* ext.c */
void	tx_init(struct nhrp *n, struct tx *t, const struct peer *to, uint8_t type, const struct addr *src, const struct addr *dst);
void	tx_copy(struct tx *t, const struct nhrp_packet *p);	/* header and CIEs; no extensions */
void	tx_ext(struct tx *t, uint16_t type, bool compulsory, struct span value);	/* the value must outlive t */
void	tx_ext_cies(struct tx *t, uint16_t type, bool compulsory, const struct nhrp_cie *cie, unsigned n);
bool	tx_send(struct nhrp *n, struct tx *t, const struct peer *to);
struct nhrp_cie cie_own(const struct nhrp *n, uint16_t afn, const struct addr *proto, uint16_t hold_s);
struct nhrp_cie cie_public(const struct addr *nbma, const struct addr *proto);	/* entry of a NAT extension */
enum nhrp_drop auth_check(const struct nhrp *n, const struct nhrp_packet *p);
bool	ext_unknown_compulsory(const struct nhrp_packet *p);
bool	ext_names_us(const struct nhrp *n, const struct nhrp_packet *p, uint16_t type);
bool	ext_empty(const struct nhrp_packet *p, uint16_t type);	/* absent or empty */
struct addr ext_nat_of(const struct nhrp_packet *p, const struct addr *proto);	/* public address of proto, or none */
void	request_exts(const struct nhrp *n, struct tx *t, const struct nhrp_cie *nat, unsigned n_nat);
/* Extensions of a request put into its reply; `nat` replaces what type 9 holds. */
void	reply_exts(const struct nhrp *n, struct tx *t, const struct nhrp_packet *req, const struct nhrp_cie *nat, unsigned n_nat);
uint16_t mtu_of(const struct nhrp *n);
uint8_t	cie_bits(const struct nhrp_cie *cie, const struct addr *proto);	/* prefix length, 0 and 0xff meaning the host */

static inline void
reason_set(char *reason, size_t size, const char *text)
{
	size_t n = text ? strlen(text) : 0;

	n = n < size ? n : size - 1;
	if (n)
		memmove(reason, text, n);
	reason[n] = 0;
}

/* peer.c */
struct peer *peer_find(const struct nhrp *n, uint32_t id);
void	peer_event(struct nhrp *n, const struct nhrp_event *ev);
void	peer_gone(struct nhrp *n, struct peer *p, const char *reason);
bool	peer_same_identity(const struct peer *a, const struct peer *b);
static inline const char *
peer_name(const struct peer *p)
{
	return p->identity_len ? p->identity : "not authenticated";
}
bool	peer_is_nhs(const struct nhrp *n, const struct peer *p);
void	peer_unneeded(struct nhrp *n, struct peer *p, const char *reason);	/* ends its SA where nothing is behind it any more */
void	peers_fini(struct nhrp *n);

/* authority.c */
bool	peer_may(const struct peer *p, unsigned kind, const struct prefix *what);
bool	peer_may_have(const struct peer *p, const struct addr *proto);	/* as a tunnel address */
bool	peer_may_lead(const struct nhrp *n, const struct peer *p, const struct prefix *what);	/* what a shortcut over it is for */
bool	peer_is_entitled(const struct peer *p, const struct addr *proto);
const char *peer_refuse(struct nhrp *n, struct peer *p, unsigned kind, const struct prefix *what);	/* notes it; the reason in words */
/* May it be reached by `proto` and lead to `what` (NULL: no matter)? NULL, or the reason in words. */
const char *peer_judge(struct nhrp *n, struct peer *p, const struct addr *proto, const struct prefix *what);
bool	peer_set_may(struct nhrp *n, struct peer *p, const struct claims *may);
bool	peer_may_group(const struct peer *p, struct span group);
const char *peer_refuse_group(struct nhrp *n, struct peer *p, struct span group);	/* notes it; the reason in words */
void	peer_authority_free(struct nhrp *n, struct peer *p);

/* group.c */
struct span qos_group_of(const struct binding *b);	/* empty: none */
bool	qos_group_note(struct nhrp *n, struct binding *b, struct span name);	/* false: no memory, and nothing changed */
/* The same in two steps, where something else may fail between them: a copy of the name, or what the binding has already, if that is it. */
bool	qos_group_copy(struct nhrp *n, const struct binding *b, struct span name, char **copy);	/* false: no memory */
void	qos_group_take(struct nhrp *n, struct binding *b, char *copy);
void	qos_group_leave(struct nhrp *n, const struct binding *b, char *copy);
void	qos_group_sync(struct nhrp *n, struct peer *p);	/* the data plane hears what goes to it, where that changed */
void	qos_group_result(struct nhrp *n, const struct nhrp_event *ev);
void	qos_group_peer_gone(struct nhrp *n, struct peer *p);
void	qos_group_reconf(struct nhrp *n);	/* n->conf is the new one */
void	qos_group_timer(struct nhrp *n);

/* rate.c */
bool	rate_take(struct nhrp *n, struct peer *p, struct span raw);	/* false: over its share */
bool	rate_send(struct nhrp *n);
void	rate_peer_gone(struct nhrp *n, struct peer *p);

/* cache.c */
struct binding *binding_find(const struct nhrp *n, const struct addr *proto);
struct binding *binding_get(struct nhrp *n, const struct addr *proto);	/* finds or makes; NULL: full or no memory */
void	binding_set_nbma(struct nhrp *n, struct binding *b, const struct addr *nbma, const struct addr *claimed);
void	binding_set_type(struct nhrp *n, struct binding *b, enum nhrp_cache_type type, tick_t expires);
void	binding_attach(struct nhrp *n, struct binding *b, struct peer *p);
void	binding_detach(struct nhrp *n, struct binding *b, const char *reason);
void	binding_sync(struct nhrp *n, struct binding *b);	/* neighbour, want and timer as its users need them */
void	binding_reinstall(struct nhrp *n, struct binding *b);
void	binding_gc(struct nhrp *n, struct binding *b);	/* frees it when nobody needs it */
void	binding_forget(struct nhrp *n, struct binding *b);	/* not registered any more */
void	binding_timer(struct nhrp *n, struct binding *b);
void	binding_moved(struct nhrp *n, struct binding *b);
void	binding_want(struct nhrp *n, struct binding *b, const struct nhrp_event *ev);
void	binding_neigh_result(struct nhrp *n, struct binding *b, bool ok, const char *reason);
void	binding_tell(struct nhrp *n, struct binding *b, enum sc_event ev, const char *reason);	/* its shortcuts */
void	binding_dial(struct nhrp *n, struct binding *b, bool requester_natted);
unsigned binding_addrs(const struct nhrp *n, const struct binding *b, struct addr out[static 2]);
bool	binding_owned(const struct binding *b, const struct rx *rx);	/* a reply to a question for its own address */
void	binding_disown(struct nhrp *n, struct binding *b, const char *reason);
void	binding_hello_reply(struct nhrp *n, struct binding *b, const struct rx *rx);
bool	binding_matches(const struct binding *b, const struct peer *p);	/* by outer address */
void	cache_static(struct nhrp *n);	/* entries of `ip nhrp map` */
void	cache_reconf(struct nhrp *n, const struct nhrp_conf *old);	/* n->conf is the new one */
void	cache_mcast(struct nhrp *n);	/* who gets copies may have changed */
void	cache_clear(struct nhrp *n, const struct addr *proto, uint8_t family);
void	cache_fini(struct nhrp *n);

/* nhc.c */
void	nhc_init(struct nhrp *n);
void	nhc_start(struct nhrp *n);
void	nhc_timer(struct nhrp *n, struct nhc *c);
void	nhc_level_timer(struct nhrp *n);
void	nhc_addrs(struct nhrp *n, const struct nhrp_event *ev);
void	nhc_judge(struct nhrp *n, const struct peer *p);	/* what it may claim changed */
void	nhc_want(struct nhrp *n, struct nhc *c, const struct nhrp_event *ev);
void	nhc_peer_lost(struct nhrp *n, struct peer *p, const char *reason);
void	nhc_hint(struct nhrp *n, struct nhc *c, uint16_t code);	/* an error indication about our request */
enum nhrp_drop nhc_reply(struct nhrp *n, const struct rx *rx);
void	nhc_again(struct nhrp *n, const struct peer *p);	/* registers anew with that one; NULL: with all */
void	nhc_fallback_result(struct nhrp *n, bool ok);
void	nhc_fallback_again(struct nhrp *n, const struct peer *p);
void	nhc_shutdown(struct nhrp *n);
void	nhc_leave(struct nhrp *n, const struct nhrp_conf *conf);	/* those that conf has no more */
void	nhc_reconf(struct nhrp *n);	/* n->conf is the new one: those that are new or changed */
void	nhc_moved(struct nhrp *n, const struct prefix *own);	/* what we registered under an address that is ours no more */
const struct nhc *nhc_at(const struct nhrp *n, const struct addr *proto);	/* that is registered there, or NULL */
bool	nhc_mcast(const struct nhrp *n, const struct nhc *c);
struct peer *nhc_peer(const struct nhrp *n, uint8_t family, const struct peer *not);	/* a registered hub, best first */
bool	nhc_serves(const struct nhrp *n, const struct addr *proto);
extern const char *const nhc_state_name[NHC_STATES];

/* keep.c */
bool	keep_hold(struct nhrp *n, struct binding *b, struct span identity);	/* registered by that one now; false: no memory */
bool	keep_is_for(const struct binding *b, const struct peer *p, const struct addr *claimed);	/* p is who registered it; claimed may be NULL */
void	keep_changed(struct nhrp *n, struct binding *b);
void	keep_refreshed(struct nhrp *n, struct binding *b, tick_t hold);	/* nothing but its end changed */
void	keep_gone(struct nhrp *n, struct binding *b);	/* not registered any more */
void	keep_peer_up(struct nhrp *n, struct peer *p);
void	keep_confirmed(struct nhrp *n, struct binding *b);	/* registered again */
bool	keep_awaits(const struct nhrp *n, const struct addr *proto);	/* the way there is restored, and nobody there yet */
void	keep_fini(struct nhrp *n);

/* nhs.c */
enum nhrp_drop nhs_request(struct nhrp *n, const struct rx *rx);

/* resolve.c */
enum nhrp_drop resolve_request(struct nhrp *n, const struct rx *rx);
enum nhrp_drop resolve_reply(struct nhrp *n, const struct rx *rx);
void	resolve_send(struct nhrp *n, struct peer *to, uint32_t id, uint8_t hops, const struct addr *src, const struct addr *dst);
struct peer *resolve_path(const struct nhrp *n, const struct addr *dst);	/* routed path for a request of ours */

/* shortcut.c */
void	shortcut_traffic(struct nhrp *n, const struct addr *dst);
void	shortcut_event(struct nhrp *n, struct shortcut *s, enum sc_event ev, const char *reason);
void	shortcut_later(struct nhrp *n, struct shortcut *s, enum sc_event ev, const char *reason);
void	shortcut_timer(struct nhrp *n, struct shortcut *s);
void	shortcut_probe_reply(struct nhrp *n, struct shortcut *s, const struct rx *rx);
void	shortcuts_route_change(struct nhrp *n, const struct prefix *p, bool gone);
void	shortcuts_clear(struct nhrp *n, const struct addr *dst, uint8_t family, const char *reason);	/* dst NULL: all of the family, 0 both */
void	shortcuts_fini(struct nhrp *n);
extern const char *const sc_state_name[SC_STATES];

/* forward.c */
struct peer *next_hop(const struct nhrp *n, const struct addr *proto, const struct peer *from);
enum nhrp_drop forward(struct nhrp *n, const struct rx *rx, const struct peer *to);
enum nhrp_drop forward_to_dst(struct nhrp *n, const struct rx *rx);	/* requests, errors */
enum nhrp_drop forward_to_src(struct nhrp *n, const struct rx *rx);	/* replies */

/* debug.c */
void	debug_packet(const struct nhrp *n, const char *word, const struct peer *peer, const struct nhrp_packet *p);	/* "nhrp-in", "nhrp-out" */
#define NHRP_DEBUG(n, ...) log_debug((n)->log, LOG_DBG_NHRP, __VA_ARGS__)

/* doubt.c */
void	doubt_start(struct nhrp *n, const struct nhrp_event *ev);
void	doubt_end(struct nhrp *n, struct peer *p);
void	doubt_timer(struct nhrp *n, struct peer *p);
enum nhrp_drop doubt_reply(struct nhrp *n, struct peer *p, const struct rx *rx);

/* ifstate.c */
bool	if_state_update(struct nhrp *n);	/* false: it could not be told, again later */
void	if_state_anew(struct nhrp *n);	/* the interface is another one */

/* probe.c */
void	probe_start(struct nhrp *n, const struct nhrp_event *ev);
void	probe_timer(struct nhrp *n, struct probe *p);
enum nhrp_drop probe_reply(struct nhrp *n, struct probe *p, const struct rx *rx);

/* redirect.c */
void	redirect_send(struct nhrp *n, const struct nhrp_event *ev);
enum nhrp_drop redirect_rx(struct nhrp *n, const struct rx *rx);
void	redirect_fini(struct nhrp *n);

/* purge.c */
enum nhrp_drop purge_request(struct nhrp *n, const struct rx *rx);
enum nhrp_drop purge_reply(struct nhrp *n, const struct rx *rx);
bool	purge_send(struct nhrp *n, struct peer *to, uint32_t id, const struct addr *src, const struct addr *dst, const struct prefix *what);
void	told_add(struct nhrp *n, const struct prefix *p, const struct addr *requester, uint16_t hold_s);
void	told_timer(struct nhrp *n, struct told *t);
void	told_route_change(struct nhrp *n, const struct prefix *p);
void	told_purge_all(struct nhrp *n, bool now);
void	told_purge_host(struct nhrp *n, const struct addr *proto);
void	told_fini(struct nhrp *n);

/* error.c */
void	error_send(struct nhrp *n, const struct rx *rx, uint16_t code, uint16_t offset);
enum nhrp_drop error_rx(struct nhrp *n, const struct rx *rx);
const char *error_text(uint16_t code);

/* route.c */
void	route_event(struct nhrp *n, const struct nhrp_event *ev);
void	route_timer(struct nhrp *n);
const struct route *route_find(const struct nhrp *n, const struct addr *a, struct prefix *matched);	/* NULL: none known */
bool	route_local(const struct nhrp *n, const struct addr *a);	/* an address of this host */
bool	route_behind(const struct nhrp *n, const struct addr *a);	/* ours, or leaves the network here (not by default) */
void	routes_fini(struct nhrp *n);

#endif
