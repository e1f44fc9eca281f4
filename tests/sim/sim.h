/* tests/sim/sim.h: a deterministic world of real cores. One process, virtual time, one seed.
 *
 * Each node is a struct core (with both real protocol engines inside) over a simulated data plane (plane.c) on a simulated
 * underlay (net.c) with delay, loss, reordering, duplication, NAT boxes and partitions. node.c does what nhrpd/daemon/daemon.c
 * does: feeds the core and carries its actions out; hubs run the daemon's real keep.c over a store that outlives them (store.c).
 * world.c says who there is: nodes in one or two clouds, LANs, configuration, and the routes a routing protocol would bring. What
 * is random comes from splitmix64 states that the seed starts; nothing reads a clock. So a seed replays bit for bit, and the hash
 * over the trace proves it.
 *
 * Time. s->now is the world's. A node has its own: it stands still while the machine is suspended (CLOCK_MONOTONIC does), and it
 * leaps while the process is stopped. Its wall clock is a third, which somebody may set.
 *
 * Nothing here knows what the engines mean to do. check.c judges from outside, by what is installed in the planes and what came
 * through the network: a neighbour's peer has an SA, a route's next hop has a neighbour, no packet leaves unsealed, both ends of
 * an SA agree, nothing leads to a node dead for longer than the holding time, packets get where they should. A complaint stops the
 * run and prints the last events and how to replay it. Bugs put in on purpose (enum sabotage) show in each `make check` that the
 * checkers see. */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <setjmp.h>
#include <stdio.h>

#include "lib/log.h"
#include "lib/map.h"
#include "lib/trie.h"
#include "nhrpd/core/core.h"
#include "nhrpd/daemon/keep.h"
#include "tests/seeded.h"

enum {
	SIM_NODES_MAX = 1024, SIM_FLOWS_MAX = 8192, SIM_NATS_MAX = 64, SIM_CLOUDS = 2, SIM_LANS_MAX = SIM_NODES_MAX * SIM_CLOUDS,
	SIM_HUBS_MAX = 8,
	SIM_TRACE = 8192,	/* events kept for the reader of a failure */
	SIM_EVENTS_MAX = 4 << 20,	/* more than that in flight is a storm */
	SIM_ACTS_MAX = 4000,	/* actions one event may cause at a node */
	SIM_SPIN_MAX = 200,	/* ticks at one instant */
	SIM_NAT_MAPS = 4096,
	SIM_BYTES_MAX = 32 << 20,	/* memory of one core, at any time; */
	SIM_BYTES_SELF = 8 << 20, SIM_BYTES_PEER = 48 << 10,	/* at rest: for itself, and for each of its peers */
	SIM_BACKLOG = 64,	/* packets that wait in the sockets of a stopped process */
};

#define PPM_PERCENT 10000u

struct sim;
struct node;
struct nat;
struct lan;
struct plane_sa;

/* ---- packets on the underlay */

enum pkt_kind { PKT_IKE, PKT_KEEPALIVE, PKT_ESP };
enum inner_kind { INNER_NHRP, INNER_DATA };

/* What ESP carries. The payload of a sealed packet is a struct, readable by nobody who has not the SA with the same keys. */
struct inner {
	enum inner_kind kind;
	struct addr src, dst;
	uint32_t flow, seq;
	uint16_t from;	/* mcast: index of the node */
	uint8_t ttl, hops;	/* hops: tunnels crossed */
	uint8_t key;	/* of the GRE header: the cloud */
	bool mcast;
};

struct pkt {
	enum pkt_kind kind;
	struct endpoint src, dst;	/* ports 0: ESP without UDP */
	uint32_t spi;
	uint64_t seq, seal;	/* seal: digest of SPI, cipher and key; opens only with the same */
	struct inner inner;
	bool copy;	/* made by the network */
	size_t n;
	uint8_t octets[];	/* IKE message or NHRP packet */
};

struct pkt *pkt_new(enum pkt_kind kind, struct span octets);

/* ---- the world */

enum sim_ev_kind {
	SIM_EV_PACKET, SIM_EV_TICK, SIM_EV_JOB, SIM_EV_NAMES, SIM_EV_SA_LIFE, SIM_EV_FLOW, SIM_EV_HELLO, SIM_EV_REPORT,
	SIM_EV_WAKE, SIM_EV_TIMER, SIM_EV_ROUTING,
};

struct sim_ev {
	tick_t at;
	uint64_t order;	/* of two at the same time the one that was asked for first */
	enum sim_ev_kind kind;
	uint32_t life;	/* of the node: events of a crashed one are void */
	struct node *node;
	union {
		struct pkt *pkt;
		struct ike_job *job;
		struct { uint32_t tunnel, nhs; } name;
		uint32_t spi, flow, timer;
	} u;
};

struct trace {
	tick_t at;
	const char *word;
	const struct node *node;
	uint32_t a, b;
	struct endpoint from, to;
	char text[120];
};

enum flow_drop {	/* why a data packet ended before its destination */
	DROP_NET,	/* lost by the network, as the seed or the scenario wanted */
	DROP_NO_ROUTE, DROP_NO_NEIGH, DROP_NO_SA, DROP_UNKNOWN_SPI, DROP_SEAL, DROP_REPLAY, DROP_HARD_LIFE, DROP_TTL, DROP_DOWN,
	FLOW_DROPS
};

struct flow {
	const struct lan *src, *dst;
	struct node *from, *to;	/* whose LANs they are now */
	tick_t every, until, jitter;
	uint32_t id, sent, got, direct, via_hub, late;	/* late: overtaken by one sent after it */
	uint32_t top;	/* highest sequence number that arrived */
	uint32_t drop[FLOW_DROPS];
	tick_t last_got, first_direct;
	uint8_t last_hops;
	bool stopped;
};

struct sim_conf {
	uint8_t under, over;	/* families: 4 or 16 */
	tick_t delay_min, delay_max;	/* of a host's link */
	tick_t jitter;	/* a packet takes up to so much longer: reorders */
	uint32_t loss, dup;	/* per million packets */
	uint32_t refuse_sa, refuse_neigh, refuse_route;	/* actions per million */
	uint16_t hold_s;
	uint32_t child_life_s, ike_life_s, child_packets;
	uint32_t alloc_fail;	/* allocations per million */
	tick_t hello;	/* a routing protocol sends multicast so often; 0: none runs */
	bool reroute;	/* and it moves routes away from hubs and spokes it does not hear */
	bool mesh;	/* each hub is also a client of the hubs before it */
	bool keep;	/* hubs keep registrations over a restart */
	uint32_t store_fail;	/* batches per million */
};

/* Bugs put in on purpose, to see the checkers catch them. */
enum sabotage {
	SABOTAGE_NONE,
	SABOTAGE_SKIP_SA,	/* the data plane says an SA is there, and sends without one */
	SABOTAGE_SKIP_SA_UNSEEN,	/* the same, and nobody looks at what leaves */
	SABOTAGE_FORGET_PURGE, SABOTAGE_KEEP_NEIGH, SABOTAGE_KEEP_ROUTE, SABOTAGE_WRONG_PEER,
	SABOTAGE_KEEP_DEAD,	/* nothing ever ends at hubs */
	SABOTAGE_KEEP_DEAD_UNSEEN,	/* the same, and nobody looks at what they say of it */
	SABOTAGE_WRONG_CLOUD,	/* packets take an SA of the other cloud */
	SABOTAGE_STORE_FORGETS,	/* what was kept does not come back */
};

struct sim {
	const char *scenario;
	uint64_t seed, rng, hash, order;
	tick_t now;
	struct sim_conf conf;
	struct env env;	/* of the simulator's own maps */
	struct sim_ev *ev;	/* binary heap */
	size_t n_ev, ev_cap;
	struct node *node[SIM_NODES_MAX];
	unsigned n_node;
	struct node *hub[SIM_HUBS_MAX];
	unsigned n_hub;
	struct lan *lan[SIM_LANS_MAX];
	unsigned n_lan;
	struct nat *nat[SIM_NATS_MAX];
	unsigned n_nat;
	struct flow flow[SIM_FLOWS_MAX];
	unsigned n_flow;
	struct map hosts;	/* by (NAT, address) */
	struct map seals;	/* installed inbound SAs of the whole world */
	bool partition;	/* hosts of different groups do not reach each other */
	tick_t calm_since;	/* the last fault, or the end of one */
	enum sabotage sabotage;
	struct trace *trace;	/* ring */
	uint64_t n_trace;
	uint64_t packets, lost, events, acts;
	uint64_t by_kind[3];
	size_t ev_peak;
	bool verbose;
	char complaint[512];
	jmp_buf stop;	/* a complaint ends the scenario */
};

struct sim *sim_new(const char *scenario, uint64_t seed, const struct sim_conf *conf);
void	sim_free(struct sim *s);
uint32_t sim_below(struct sim *s, uint32_t n);
bool	sim_chance(struct sim *s, uint32_t ppm);
struct sim_ev *sim_at(struct sim *s, tick_t at, enum sim_ev_kind kind, struct node *n);	/* valid until the next call */
void	sim_run(struct sim *s, tick_t for_how_long);
typedef bool sim_test_fn(struct sim *s);
bool	sim_until(struct sim *s, tick_t at_most, sim_test_fn *test);	/* looked at every 50 ms */
void	sim_expect(struct sim *s, tick_t at_most, sim_test_fn *test, const char *what);	/* complains when it does not come */
void	sim_trace(struct sim *s, const struct node *n, const char *word, uint32_t a, uint32_t b, const struct endpoint *from,
	    const struct endpoint *to);
void	sim_note(struct sim *s, const struct node *n, const char *word, const char *text);
void	sim_trace_print(const struct sim *s, FILE *out, unsigned last);
_Noreturn void sim_complain(struct sim *s, const struct node *n, const char *fmt, ...) LOG_FMT(3, 4);
void	sim_fault(struct sim *s, const struct node *n, const char *word, const char *text);	/* a note; and it is not calm any more */

/* ---- net.c */

struct uplink {
	struct map_node by_addr;
	struct addr addr;
	struct nat *nat;	/* behind it; NULL: public */
	tick_t delay;
	uint8_t group;
};

struct nat_map {
	struct endpoint in, remote;
	uint16_t port;	/* outside; 0 for ESP without UDP */
	bool replied;
	tick_t used;
};

struct nat {
	unsigned index;	/* from 1 */
	struct addr pub;
	tick_t delay;
	uint8_t group;
	bool keep_port;	/* until the first rebinding */
	struct nat_map map[SIM_NAT_MAPS];
	unsigned n_map;
	unsigned n_inside;
};

struct nat *net_nat(struct sim *s);
void	net_attach(struct sim *s, struct node *n, struct nat *nat);	/* gives it an address */
void	net_readdress(struct sim *s, struct node *n, const struct addr *to);
void	net_rebind(struct sim *s, struct nat *nat);	/* forgets all mappings; new ones get other ports */
void	net_send(struct sim *s, struct node *from, struct pkt *p);	/* takes p */
void	net_deliver(struct sim *s, struct pkt *p);	/* at its time; takes p */
bool	net_open(const struct sim *s, const struct plane_sa *sa);	/* what is sent on it gets through the receiver's NAT */

/* ---- plane.c */

enum { PLANE_WINDOW = 1024 };

struct plane_sa {
	struct map_node by_spi, by_seal, by_out;
	struct plane_sa *next, *prev;	/* of the node */
	struct node *node;
	struct dp_sa sa;	/* without keys */
	uint64_t seal_in, seal_out, seq_out, top;
	uint64_t seen[PLANE_WINDOW / 64];
	struct dp_sa_stats st;
	bool used, soft, hard;
	bool clear;	/* sabotage: it is not there */
	tick_t moved_at, born, hard_at;	/* by the node's clock */
	tick_t orphan_at;	/* since when there is nobody who could open what it seals, by the world's; 0: there is */
	tick_t tried_at, sent_at;	/* sent on for the first time since then, for the last time */
};

struct plane_neigh {
	struct map_node by_proto;
	struct plane_neigh *next, *prev;	/* of the tunnel, in the order they came */
	struct dp_neigh n;
};

struct plane_route {
	struct plane_route *next, *prev;	/* of shortcuts, or of what the routing protocol brought */
	struct rib_route r;
};

struct plane_peer {
	struct plane_sa *out;
	unsigned n_sa, n_neigh, n_mcast;
	struct dp_peer_stats st;
};

struct report {	/* limits of the events that data packets raise */
	struct map_node node;
	struct addr a, b;
	tick_t at;
};

struct plane_tunnel {
	bool up;
	struct plane_neigh *neighs;
	struct map protos;
	bool has_fallback;
	struct dp_neigh fallback;
};

struct plane {
	struct plane_tunnel tunnel[SIM_CLOUDS];	/* by number less one */
	struct plane_sa *sas;
	struct map spis, outs;
	struct plane_peer *peer;
	uint32_t n_peer;
	struct plane_route *routes, *cuts;
	struct trie best;	/* of `routes` */
	struct trie shortcuts;
	struct map reports;
	tick_t unknown_at;
};

void	plane_init(struct node *n);
void	plane_fini(struct node *n);	/* all that a crash takes along */
uint32_t plane_spi_alloc(struct node *n);
struct plane_sa *plane_sa(const struct node *n, uint32_t spi_in);
bool	plane_seals(const struct node *n, uint32_t spi, uint64_t seal);	/* an SA is installed that seals so */
struct plane_neigh *plane_neigh(const struct node *n, uint32_t tunnel, const struct addr *proto);
struct plane_peer *plane_peer(struct node *n, uint32_t peer);	/* made when not there */
bool	plane_sa_add(struct node *n, const struct dp_sa *sa);
void	plane_sa_activate(struct node *n, uint32_t spi_in);
void	plane_sa_move(struct node *n, uint32_t spi_in, const struct endpoint *local, const struct endpoint *remote, bool encap);
void	plane_sa_del(struct node *n, uint32_t spi_in);
void	plane_sa_life(struct node *n, uint32_t spi_in);	/* a time limit may have come */
void	plane_neigh_set(struct node *n, const struct dp_neigh *neigh);
void	plane_neigh_del(struct node *n, uint32_t tunnel, const struct addr *proto);
bool	plane_route_set(struct node *n, const struct rib_route *r, bool ours);
void	plane_route_del(struct node *n, const struct prefix *dst, bool ours);
void	plane_send_nhrp(struct node *n, uint32_t tunnel, uint32_t peer, struct span nhrp);
void	plane_rx(struct node *n, const struct pkt *p);	/* ESP for this node */
void	plane_data(struct node *n, struct inner in, uint32_t from_peer);	/* a data packet at this router; from_peer 0: from the LAN */
void	plane_mcast(struct node *n);
/* Whom the SA leads to, by who could open what it seals; NULL nobody. And the next tunnel hop for dst, where there is one. */
struct node *plane_far(const struct plane_sa *sa);
struct plane_sa *plane_other(const struct plane_sa *sa);
enum plane_way { WAY_HERE, WAY_PEER, WAY_NO_ROUTE, WAY_NO_NEIGH };
struct plane_hop {
	uint32_t tunnel, peer;
	bool fallback;
};
enum plane_way plane_lookup(const struct node *n, const struct addr *dst, struct plane_hop *hop);
struct node *plane_next(const struct node *n, const struct addr *dst);	/* NULL: no way, or here */

/* ---- node.c, world.c */

enum { TUNNEL_IF = 7 /* of tunnel 1 */, LAN_IF = 3 };

struct lan {
	struct prefix net;
	struct addr router, host;
	uint8_t cloud;
	unsigned index;
	struct node *owner;
	tick_t moved_at;
};

struct member {	/* of a cloud; its place is the number of the tunnel less one */
	uint8_t cloud;
	struct addr overlay;
	struct lan *lan;	/* the one it began with */
	const struct node *via;	/* spokes: the hub that all of the cloud's LANs are routed by */
};

enum sim_sleep {
	SLEEP_NOT,
	SLEEP_SUSPENDED,	/* the machine: its monotonic clock stands still, what is sent to it is lost */
	SLEEP_STOPPED,	/* the process: time leaps, sockets keep what fits */
};

struct stored;
struct host_watch {	/* a timer of the daemon's */
	struct node *node;
	uint32_t serial;	/* 0: free */
	void (*fn)(void *arg);
	void *arg;
};

struct node {
	struct sim *sim;
	unsigned index;	/* from 1; overlay and LAN addresses follow from it */
	char name[16];
	bool hub;
	struct uplink host;
	struct member member[SIM_CLOUDS];
	unsigned n_member;
	struct core_conf conf;
	struct core_tunnel_conf tunnel[SIM_CLOUDS];
	struct ike_profile profile[SIM_CLOUDS];
	struct ike_key key[SIM_CLOUDS];
	struct log log;
	struct core *core;	/* NULL: down */
	uint32_t life;	/* grows with every start and crash */
	uint64_t rng;
	long live;	/* allocations of the core that stand */
	size_t bytes, bytes_peak;
	tick_t tick_at, spin_at;
	unsigned spins, acts_peak;
	bool carrying;
	bool refused;	/* a neighbour, in this step */
	struct ike_job *jobs[4096];
	unsigned n_jobs;
	struct plane plane;
	uint32_t mcast_got;
	tick_t behind;	/* how far its clock is behind the world's */
	enum sim_sleep sleep;
	tick_t slept_at, wake_at, down_at;
	struct pkt *backlog[SIM_BACKLOG];
	unsigned n_backlog;
	tick_t heard[SIM_NODES_MAX + 1];	/* the routing protocol of each node */
	const struct node *lan_via[SIM_LANS_MAX];	/* by index: its route goes there; itself: it is the owner; NULL: it has none */
	struct keep *keep;
	struct host daemon;	/* what keep is given */
	struct host_watch watch[4];
	uint32_t watch_serial;
	int64_t wall_off;	/* of its wall clock, seconds */
	struct stored *stored;	/* outlives its daemon */
};

struct node *node_hub(struct sim *s);
struct node *node_spoke(struct sim *s, struct nat *nat);
struct node *node_new(struct sim *s, struct nat *nat, bool hub, unsigned clouds);	/* clouds: bits */
tick_t	node_now(const struct node *n);
bool	node_awake(const struct node *n);
void	node_start(struct node *n);
void	node_crash(struct node *n);	/* kill -9: nothing is said, nothing remembered but what is stored */
void	node_stop(struct node *n);	/* graceful: purges, deletes, then down */
void	node_readdress(struct node *n, const struct addr *to);
void	node_sleep(struct node *n, enum sim_sleep how, tick_t for_how_long);
void	node_wake(struct node *n);	/* at its time, or early */
void	node_tick(struct node *n, tick_t at);
void	node_job(struct node *n, struct ike_job *job);
void	node_names(struct node *n, uint32_t tunnel, uint32_t nhs);
void	node_hello(struct node *n);
void	node_dp_event(struct node *n, const struct dp_event *ev);
void	node_rx_ike(struct node *n, const struct pkt *p);
void	node_rib(struct node *n, const struct rib_route *r, bool gone);	/* a route of the routing protocol came or went */
void	node_carry(struct node *n);
void	node_timer(struct node *n, uint32_t serial);
const struct member *node_member(const struct node *n, uint8_t cloud, uint32_t *tunnel);	/* NULL: it is not in it; tunnel may be NULL */
struct node *node_of_overlay(const struct sim *s, const struct addr *overlay);
void	routes_start(struct node *n);
void	routes_sync(struct node *n);	/* what differs from how it should be */
void	routes_tick(struct node *n);
const struct lan *lan_of(const struct sim *s, const struct addr *a);
void	lan_move(struct sim *s, struct lan *l, struct node *to);

/* ---- store.c: what nhrpd/daemon/store.h is here */
void	store_of(struct node *n);	/* who the functions without a context are about, for the next call */
int64_t	store_wall(void);	/* that node's wall clock */
unsigned store_count(const struct node *n);
void	store_lose(struct node *n);	/* while its daemon does not run: all of it */
void	store_die(struct node *n, bool dead);	/* what is written from here on is never seen again: its writer is dead */

/* ---- flow.c */
struct flow *flow_new(struct sim *s, struct node *from, struct node *to, tick_t every, tick_t for_how_long);	/* in the first cloud */
struct flow *flow_between(struct sim *s, const struct lan *src, const struct lan *dst, tick_t every, tick_t for_how_long);
void	flow_tick(struct sim *s, uint32_t id);
void	flow_got(struct sim *s, struct node *at, const struct inner *in);
void	flow_drop(struct sim *s, const struct node *at, const struct inner *in, enum flow_drop why);
uint32_t flow_dropped(const struct flow *f);	/* by anybody but the network */
const char *flow_drop_name(enum flow_drop why);

/* ---- check.c */
/* At the moment an action is carried out. */
void	check_neigh_set(struct node *n, const struct dp_neigh *neigh);
void	check_neigh_del(struct node *n, uint32_t tunnel, const struct addr *proto);
void	check_route_set(struct node *n, const struct rib_route *r);
void	check_sa_del(struct node *n, uint32_t spi_in);
void	check_sent(struct node *n, const struct pkt *p);
void	check_opened(struct node *n, const struct plane_sa *sa, const struct pkt *p);
void	check_acts(struct node *n, unsigned acts);
/* What must hold at any time, and what must hold some seconds after the last fault. */
void	check_now(struct sim *s);
void	check_rest(struct sim *s);
void	check_explain(const struct sim *s, FILE *out);	/* what is not as it should be, in the engines' words */
bool	all_registered(struct sim *s);
bool	all_direct(struct sim *s);	/* each flow that runs takes the direct way at this moment */
bool	spoke_registered(const struct node *n);
bool	flow_direct(const struct flow *f);
bool	path_direct(const struct node *from, const struct node *to);	/* in the first cloud */
unsigned sa_pairs(const struct node *a, const struct node *b, uint8_t cloud);	/* installed at a and leading to b */
/* Registrations from an earlier life that nobody confirmed yet: all, and of spokes that are here. */
unsigned restored(const struct node *n);
unsigned unconfirmed(const struct node *n);

/* ---- scenario.c */
struct scenario {
	const char *name, *what;
	void (*run)(struct sim *s);
	struct sim_conf conf;
	unsigned seeds;	/* in make check */
};
extern const struct scenario scenarios[];
extern const unsigned n_scenarios;

/* What stories have in common. */
void	start_all(struct sim *s);
void	stop_flows(struct sim *s);
void	at_rest(struct sim *s);
void	expect_delivered(struct sim *s);	/* every packet that the network did not lose */
bool	flows_flow(struct sim *s);

/* ---- chaos.c */
void	run_chaos(struct sim *s);
void	run_crowd(struct sim *s);
void	run_hour(struct sim *s);

#endif
