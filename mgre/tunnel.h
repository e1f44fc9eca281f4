/* mgre/tunnel.h: what a tunnel of the user plane knows: its peers by number, its neighbours by overlay address, who gets
 * copies of multicast, and where frames go whose next hop has no neighbour. Tables only; packets are user.c's. */
#ifndef MGRE_TUNNEL_H
#define MGRE_TUNNEL_H

#include "lib/dplane.h"
#include "lib/host.h"
#include "mgre/flow.h"
#include "mgre/gre.h"
#include "mgre/join.h"
#include "mgre/shape.h"
#include "mgre/tap.h"

enum {
	TUN_WORKERS = 1,	/* queues of the device, each with its own buffer; all on the loop's thread for now */
	TUN_PEERS_FIRST = 16,	/* the peer table doubles from here to DP_PEERS_MAX */
	TUN_NEIGHS_MAX = 1 << 20,
	TUN_FRAME = TAP_HEAD + 65536,	/* octets of a worker's buffer: the largest super-packet */
};

#define TUN_NOT_LISTED UINT32_MAX

struct tun_peer {
	uint32_t refs;	/* neighbours and SAs; 0: the number is free */
	uint32_t mcast;	/* neighbours that ask for multicast */
	uint32_t listed;	/* place in the multicast list, or TUN_NOT_LISTED */
	bool watch_tx, watch_rx;	/* somebody waits for its next packet */
	struct shaped *shaped;	/* what goes to it is held to a rate; NULL: not. Ends with the peer */
	struct dp_peer_stats st;
};

struct tun_neigh {
	struct map_node node;
	struct addr proto;
	uint32_t peer;
	bool mcast;
};

struct tun_worker {
	struct tunnel *t;
	int fd;
	struct host_watch *watch;
	uint8_t *buf;	/* TUN_FRAME octets */
};

struct tunnel {
	struct tunnel *next;
	struct mgre_user *owner;
	const struct env *env;
	struct dp_tunnel conf;
	struct gre gre;
	unsigned ifindex, mtu;
	uint8_t mac[TAP_MAC];
	bool vnet, up, gone;
	enum tap_offload offload;	/* what the kernel leaves to us */
	struct join join;
	bool no_carrier;
	bool settled;	/* netlink has told that it is up as we set it up: what comes now is news */
	struct tun_worker worker[TUN_WORKERS];
	struct tun_peer *peer;
	uint32_t n_peer;	/* room in the table */
	uint32_t *mcast;	/* peers that get copies */
	uint32_t n_mcast, room_mcast;
	struct map neigh;
	struct tun_neigh fallback;	/* proto none */
	bool has_fallback;
	struct flow_table flows;
	struct dp_link_info total;	/* only its counters */
	struct bucket unresolved, icmp;
	unsigned busy;	/* in a loop over packets that may call out */
	bool doomed;	/* deleted meanwhile: freed when not busy */
};

struct tunnel *tunnel_new(const struct env *env, const struct dp_tunnel *conf);	/* tables only; NULL without memory */
void	tunnel_free(struct tunnel *t);	/* the device is closed already */

bool	tunnel_peer_ref(struct tunnel *t, uint32_t peer);	/* false without memory; nothing changed */
void	tunnel_peer_unref(struct tunnel *t, uint32_t peer);
static inline struct tun_peer *
tunnel_peer(struct tunnel *t, uint32_t peer)
{
	return peer < t->n_peer && t->peer[peer].refs ? &t->peer[peer] : NULL;
}

struct tun_neigh *tunnel_neigh(const struct tunnel *t, const struct addr *proto);	/* NULL: none */
int	tunnel_neigh_set(struct tunnel *t, const struct dp_neigh *n);	/* -ENOMEM, -ENOSPC: nothing changed */
void	tunnel_neigh_del(struct tunnel *t, const struct addr *proto);
bool	tunnel_is_own(const struct tunnel *t, const struct addr *a);
/* The tunnel's address of a family, to speak from; NULL none. */
const struct addr *tunnel_source(const struct tunnel *t, bool v6);
bool	tunnel_is_broadcast(const struct tunnel *t, const struct addr *dst);	/* IPv4: all ones, or of one of our subnets */

#endif
