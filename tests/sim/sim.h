/* tests/sim/sim.h: a deterministic world of real cores. One process, virtual time, one seed.
 *
 * Each node is a struct core (with both real protocol engines inside) over a simulated data plane (plane.c) on a simulated
 * underlay (net.c) with delay, loss, reordering, duplication, NAT boxes and partitions. node.c does what nhrpd/daemon/daemon.c
 * does: feeds the core and carries its actions out. What is random comes from splitmix64 states that the seed starts; nothing
 * reads a clock. So a seed replays bit for bit, and the hash over the trace proves it.
 *
 * Nothing here knows what the engines mean to do. check.c judges from outside, by what is installed in the planes and what came
 * through the network: a neighbour's peer has an SA, a route's next hop has a neighbour, no packet leaves unsealed, both ends of
 * an SA agree, packets get where they should. A complaint stops the run and prints the last events and how to replay it. */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <setjmp.h>
#include <stdio.h>

#include "lib/log.h"
#include "lib/map.h"
#include "lib/trie.h"
#include "nhrpd/core/core.h"

enum {
	SIM_NODES_MAX = 1024, SIM_FLOWS_MAX = 8192, SIM_NATS_MAX = 64,
	SIM_TRACE = 8192,	/* events kept for the reader of a failure */
	SIM_EVENTS_MAX = 4 << 20,	/* more than that in flight is a storm */
	SIM_ACTS_MAX = 4000,	/* actions one event may cause at a node */
	SIM_SPIN_MAX = 200,	/* ticks at one instant */
	SIM_NAT_MAPS = 4096,
	SIM_BYTES_MAX = 64 << 20,	/* memory of one core beyond its queues */
};

#define PPM_PERCENT 10000u

struct sim;
struct node;
struct nat;

/* ---- packets on the underlay */

enum pkt_kind { PKT_IKE, PKT_KEEPALIVE, PKT_ESP };
enum inner_kind { INNER_NHRP, INNER_DATA };

/* What ESP carries. The payload of a sealed packet is a struct, readable by nobody who has not the SA with the same keys. */
struct inner {
	enum inner_kind kind;
	struct addr src, dst;
	uint32_t flow, seq;
	uint8_t ttl, hops;	/* hops: tunnels crossed */
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

enum sim_ev_kind { SIM_EV_PACKET, SIM_EV_TICK, SIM_EV_JOB, SIM_EV_NAMES, SIM_EV_SA_LIFE, SIM_EV_FLOW, SIM_EV_HELLO, SIM_EV_REPORT };

struct sim_ev {
	tick_t at;
	uint64_t order;	/* of two at the same time the one that was asked for first */
	enum sim_ev_kind kind;
	uint32_t life;	/* of the node: events of a crashed one are void */
	struct node *node;
	union {
		struct pkt *pkt;
		struct ike_job *job;
		uint32_t spi, nhs, flow;
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
	struct node *from, *to;
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
};

/* Bugs put in on purpose, to see the checkers catch them. */
enum sabotage { SABOTAGE_NONE, SABOTAGE_SKIP_SA, SABOTAGE_KEEP_NEIGH, SABOTAGE_KEEP_ROUTE, SABOTAGE_WRONG_PEER };

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
	struct nat *nat[SIM_NATS_MAX];
	unsigned n_nat;
	struct flow flow[SIM_FLOWS_MAX];
	unsigned n_flow;
	struct map hosts;	/* by (NAT, address) */
	struct map seals;	/* installed inbound SAs of the whole world */
	bool partition;	/* hosts of different groups do not reach each other */
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
uint64_t splitmix64(uint64_t *state);
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

/* ---- net.c */

struct host {
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

/* ---- plane.c */

enum { PLANE_WINDOW = 1024 };

struct plane_sa {
	struct map_node by_spi, by_seal;
	struct plane_sa *next;	/* of the node */
	struct node *node;
	struct dp_sa sa;	/* without keys */
	uint64_t seal_in, seal_out, seq_out, top;
	uint64_t seen[PLANE_WINDOW / 64];
	struct dp_sa_stats st;
	bool used, soft, hard;
	tick_t moved_at, born;
};

struct plane_neigh {
	struct map_node by_proto;
	struct plane_neigh *next;	/* of the node, in the order they came */
	struct dp_neigh n;
};

struct plane_route {
	struct plane_route *next;
	struct rib_route r;
	bool ours;	/* by a shortcut; else configured */
};

struct plane_peer {
	struct plane_sa *out;
	unsigned n_sa, n_neigh;
	struct dp_peer_stats st;
};

struct report {	/* limits of the events that data packets raise */
	struct map_node node;
	struct addr a, b;
	tick_t at;
};

struct plane {
	bool up;
	struct plane_sa *sas;
	struct map spis;
	struct plane_neigh *neighs;
	struct map protos;
	bool has_fallback;
	struct dp_neigh fallback;
	struct plane_peer *peer;
	uint32_t n_peer;
	struct plane_route *routes;
	struct trie best;	/* of configured ones */
	struct trie shortcuts;
	struct map reports;
	tick_t unknown_at;
};

void	plane_init(struct node *n);
void	plane_fini(struct node *n);	/* all that a crash takes along */
uint32_t plane_spi_alloc(struct node *n);
struct plane_sa *plane_sa(const struct node *n, uint32_t spi_in);
struct plane_neigh *plane_neigh(const struct node *n, const struct addr *proto);
struct plane_peer *plane_peer(struct node *n, uint32_t peer);	/* made when not there */
bool	plane_sa_add(struct node *n, const struct dp_sa *sa);
void	plane_sa_activate(struct node *n, uint32_t spi_in);
void	plane_sa_move(struct node *n, uint32_t spi_in, const struct endpoint *local, const struct endpoint *remote, bool encap);
void	plane_sa_del(struct node *n, uint32_t spi_in);
void	plane_sa_life(struct node *n, uint32_t spi_in);	/* a time limit may have come */
void	plane_neigh_set(struct node *n, const struct dp_neigh *neigh);
void	plane_neigh_del(struct node *n, const struct addr *proto);
bool	plane_route_set(struct node *n, const struct rib_route *r, bool ours);
void	plane_route_del(struct node *n, const struct prefix *dst, bool ours);
void	plane_send_nhrp(struct node *n, uint32_t peer, struct span nhrp);
void	plane_rx(struct node *n, const struct pkt *p);	/* ESP for this node */
void	plane_data(struct node *n, struct inner in, uint32_t from_peer);	/* a data packet at this router; from_peer 0: from the LAN */
void	plane_mcast(struct node *n, uint32_t flow, uint32_t seq);
/* Whom the SA leads to, by who could open what it seals; NULL nobody. And the next tunnel hop for dst, where there is one. */
struct node *plane_far(const struct plane_sa *sa);
enum plane_way { WAY_HERE, WAY_PEER, WAY_NO_ROUTE, WAY_NO_NEIGH };
enum plane_way plane_lookup(const struct node *n, const struct addr *dst, uint32_t *peer, struct addr *next_hop, bool *fallback);
struct node *plane_next(const struct node *n, const struct addr *dst);	/* NULL: no way, or here */

/* ---- node.c */

struct node {
	struct sim *sim;
	unsigned index;	/* from 1; overlay and LAN addresses follow from it */
	char name[16];
	bool hub;
	struct host host;
	struct addr overlay, lan_addr, lan_host;
	struct prefix lan;
	struct core_conf conf;
	struct core_tunnel_conf tunnel;
	struct ike_profile profile;
	struct ike_key key;
	struct log log;
	struct core *core;	/* NULL: down */
	uint32_t life;	/* grows with every start and crash */
	uint64_t rng;
	long live;	/* allocations of the core that stand */
	size_t bytes;
	tick_t tick_at, spin_at;
	unsigned spins, acts_peak;
	bool carrying;
	bool refused;	/* a neighbour, in this step */
	struct ike_job *jobs[4096];
	unsigned n_jobs;
	struct plane plane;
	uint32_t mcast_got;
};

struct node *node_hub(struct sim *s);
struct node *node_spoke(struct sim *s, struct nat *nat);
void	node_start(struct node *n);
void	node_crash(struct node *n);	/* kill -9: nothing is said, nothing remembered */
void	node_stop(struct node *n);	/* graceful: purges, deletes, then down */
void	node_readdress(struct node *n, const struct addr *to);
void	node_tick(struct node *n, tick_t at);
void	node_job(struct node *n, struct ike_job *job);
void	node_names(struct node *n, uint32_t nhs);
void	node_hello(struct node *n);
void	node_dp_event(struct node *n, const struct dp_event *ev);
void	node_rx_ike(struct node *n, const struct pkt *p);
void	node_rib(struct node *n, const struct rib_route *r, bool gone);	/* a configured route came or went */
void	node_carry(struct node *n);
struct node *node_of_overlay(const struct sim *s, const struct addr *overlay);

/* ---- flow.c */
struct flow *flow_new(struct sim *s, struct node *from, struct node *to, tick_t every, tick_t for_how_long);
void	flow_tick(struct sim *s, uint32_t id);
void	flow_got(struct sim *s, struct node *at, const struct inner *in);
void	flow_drop(struct sim *s, const struct node *at, const struct inner *in, enum flow_drop why);
uint32_t flow_dropped(const struct flow *f);	/* by anybody but the network */
const char *flow_drop_name(enum flow_drop why);

/* ---- check.c */
/* At the moment an action is carried out. */
void	check_neigh_set(struct node *n, const struct dp_neigh *neigh);
void	check_neigh_del(struct node *n, const struct addr *proto);
void	check_route_set(struct node *n, const struct rib_route *r);
void	check_sa_del(struct node *n, uint32_t spi_in);
void	check_sent(struct node *n, const struct pkt *p);
void	check_acts(struct node *n, unsigned acts);
/* What must hold at any time, and what must hold some seconds after the last fault. */
void	check_now(struct sim *s);
void	check_rest(struct sim *s);
void	check_explain(const struct sim *s, FILE *out);	/* what is not as it should be, in the engines' words */
bool	all_registered(struct sim *s);
bool	all_direct(struct sim *s);	/* each flow that runs takes the direct way at this moment */
bool	spoke_registered(const struct node *n);
bool	path_direct(const struct node *from, const struct node *to);
unsigned sa_pairs(const struct node *a, const struct node *b);	/* installed at a and leading to b */

/* ---- scenario.c */
struct scenario {
	const char *name, *what;
	void (*run)(struct sim *s);
	struct sim_conf conf;
	unsigned seeds;	/* in make check */
};
extern const struct scenario scenarios[];
extern const unsigned n_scenarios;

#endif
