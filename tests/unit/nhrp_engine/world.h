/* tests/unit/nhrp_engine/world.h: several engines and what stands between them: SAs that are dialled, NAT, loss, a data
 * plane that remembers neighbours and routes, a name server. Plays the core for each node; time is virtual. */
#ifndef TESTS_NHRP_ENGINE_WORLD_H
#define TESTS_NHRP_ENGINE_WORLD_H

#include "lib/addr.h"
#include "nhrpd/engine/nhrp.h"
#include "tests/unit/harness.h"

enum { NODES = 6, WORLD_WANTS = 64, WORLD_NEIGH = 64, WORLD_EVENTS = 4096, WORLD_LOG = 4096 };

struct world;

struct w_neigh {
	struct addr proto;
	uint32_t peer;
	bool mcast;
};

struct w_route {
	struct prefix prefix;
	struct addr via;
	uint16_t mtu;
};

struct w_want {
	uint32_t id;
	struct addr addrs[NHRP_WANT_ADDRS];
	unsigned n_addrs;
	int to;	/* node it leads to, -1: nobody yet */
};

struct node {
	struct world *w;
	int index;
	struct nhrp_conf conf;
	struct nhrp *n;
	struct outq q;
	struct addr nbma, public;	/* equal without NAT */
	const char *identity;
	const struct claims *may;	/* what all are told it may claim */
	struct w_want want[WORLD_WANTS];
	unsigned n_want;
	struct w_neigh neigh[WORLD_NEIGH];
	unsigned n_neigh;
	struct w_route route[WORLD_NEIGH];
	unsigned n_route;
	uint32_t peer_of[NODES];	/* my number for that node; 0: no SA */
	bool neigh_fails, route_fails, used, name_fails;
	bool neigh_silent, route_silent;	/* no result comes */
	unsigned dropped;	/* DROP_PEER seen */
	unsigned lookups;
};

enum w_kind { W_PACKET, W_DIALED, W_RESULT, W_ADDRS, W_DOWN };

struct w_event {
	tick_t at;
	enum w_kind kind;
	int from, to;
	uint32_t cookie, want, nhs;
	bool ok;
	size_t n;
	uint8_t packet[1500];
};

/* One letter per action of interest, to look at their order: N n (neighbour set, deleted), R r (route), W w (want), D drop peer. */
struct world {
	struct test_env t;	/* the engines' */
	struct env own;	/* the world's: never fails */
	tick_t now;
	struct node node[NODES];
	unsigned n;
	struct w_event *ev[WORLD_EVENTS];
	unsigned n_ev;
	unsigned loss;	/* percent of packets */
	bool cut[NODES][NODES];	/* packets from, to vanish; the SA stays */
	bool no_dial[NODES][NODES];
	char log[NODES][WORLD_LOG];
	uint32_t next_peer;
	unsigned sent[NHRP_TYPES];
};

void	world_init(struct world *w);
void	world_free(struct world *w);
struct node *world_node(struct world *w, const char *own, const char *nbma, const char *public);	/* own: "10.255.0.1/24"; then set conf */
void	node_nhs(struct node *x, const char *proto, const char *name, uint8_t priority);
void	node_start(struct node *x);
void	node_stop(struct node *x);	/* gone without a word */
void	node_restart(struct node *x);
void	node_reconf(struct node *x);	/* conf was changed */
void	node_route(struct node *x, const char *prefix, enum nhrp_route_kind kind, const char *via);
void	node_route_gone(struct node *x, const char *prefix);
void	node_event(struct node *x, const struct nhrp_event *ev);
void	node_traffic(struct node *x, const char *src, const char *dst);	/* no neighbour for it */
void	node_redirect(struct node *hub, struct node *from, struct node *to, const char *src, const char *dst);
void	world_sa_down(struct world *w, struct node *a, struct node *b);
void	world_run(struct world *w, tick_t for_);
struct w_neigh *node_neigh(struct node *x, const char *proto);	/* NULL: none; proto "": the fallback */
struct w_route *node_rt(struct node *x, const char *prefix);
const char *node_nhs_state(struct node *x, unsigned i);
struct nhrp_shortcut_info node_shortcut(struct node *x, const char *dst);	/* state "" where there is none */
struct nhrp_cache_info node_cache(struct node *x, const char *proto);	/* type NONE where there is none */
unsigned node_shortcuts(struct node *x);
/* The usual three: node 0 a hub (10.255.0.1, redirect), 1 and 2 spokes with shortcut and networks 10.2.0.0/24 and 10.3.0.0/24,
 * registered after two seconds. A public address puts a spoke behind NAT. */
void	trio(struct world *w, const char *a_public, const char *b_public);
void	trio_conf(struct world *w, const char *a_public, const char *b_public);	/* the same before node_start() */
void	trio_start(struct world *w);
struct addr A(const char *text);
struct prefix P(const char *text);

#endif
