/* lib/dplane.h: the data plane as a handful of verbs and one event callback.
 *
 * The user plane (TAP, GRE and ESP in this process), the kernel plane (ip_gre, XFRM) and the simulator each fill in a
 * struct dp_ops. Plain structs, no netlink types. A peer is a small number that the caller hands out (an array index:
 * the lowest free one); the data plane tells peers apart by SA, never by outer address.
 *
 * Order going up: sa_add, neigh_set, then the route. Going down: route, neigh_del, sa_del. Every verb answers 0 or a
 * negative errno at once (but see begin()), and is idempotent: setting what is set and deleting what is not there succeed. */
#ifndef LIB_DPLANE_H
#define LIB_DPLANE_H

#include "lib/addr.h"
#include "lib/tick.h"

enum { DP_LATER_MAX = 128 /* answers that wait for settle() */, DP_TUNNEL_ADDRS = 8, DP_RANGES = 4, DP_NAME = 16, DP_KEY_MAX = 64, DP_PEERS_MAX = 1 << 20 };

struct dp_tunnel {
	uint32_t id;	/* chosen by the caller, from 1 */
	char name[DP_NAME];	/* interface name */
	bool bare;	/* GRE without ESP: not protected at all */
	bool plain;	/* no GRE: IP packets in ESP tunnel mode, all of them to one peer, the fallback neighbour */
	bool ports;	/* plain: SAs may be for some ports only, so what is too large for the path leaves in fragments outside */
	bool gre_in_tunnel;	/* SAs will have GRE in tunnel mode: for an MTU before there is one */
	char vrf[DP_NAME];	/* the interface is in this VRF; "": in none. It does not change while there is a tunnel */
	struct addr source;	/* outer address; none: whatever the kernel picks */
	uint8_t outer;	/* octets of outer addresses, 4 or 16, also while there is no source; 0: as the source, else 4 */
	bool has_key;
	uint32_t key;	/* GRE key */
	struct prefix addr[DP_TUNNEL_ADDRS];	/* host bits kept: 10.255.0.1/24 */
	unsigned n_addr;
	unsigned mtu;	/* inner MTU; 0: from the real overhead of the SAs */
	unsigned mss;	/* TCP MSS clamp: 0 off, 1 from the MTU, else the value */
	bool redirect;	/* raise DP_EV_REDIRECT for packets that come from a peer and leave to a peer */
};

struct dp_neigh {
	uint32_t tunnel;
	struct addr proto;	/* overlay address; none: the fallback for frames whose next hop is not resolved */
	uint32_t peer;
	struct addr nbma;	/* outer address, for planes that tell peers apart by it */
	bool mcast;	/* copy multicast to this peer */
};

/* Cipher of an SA. `encr` and `integ` are IKEv2 transform ids (RFC 7296 3.3.2): 20 AES-GCM-16, 28 ChaCha20-Poly1305, 12 AES-CBC,
 * 13 AES-CTR, 3 3DES; 12, 13, 14 HMAC-SHA-256, -384, -512, 2 HMAC-SHA-1, 0 with an AEAD. Keys carry the salt (nonce of AES-CTR)
 * behind the key, as in KEYMAT. */
struct dp_sa_keys {
	uint16_t encr, encr_bits;	/* bits: 128, 192, 256; 0 for ChaCha20 and 3DES */
	uint16_t integ;
	uint8_t encr_in[DP_KEY_MAX], encr_out[DP_KEY_MAX];
	uint8_t integ_in[DP_KEY_MAX], integ_out[DP_KEY_MAX];
	uint8_t encr_len, integ_len;
};

struct dp_life {	/* 0: no such limit. A soft limit raises an event, a hard one stops the SA and raises one. */
	uint64_t soft_bytes, hard_bytes, soft_packets, hard_packets;
	uint32_t soft_s, hard_s;
};

/* Whose packets an SA is for (RFC 4301, 4.4.1.2): from a local range to a remote one, and back. With nothing on either side,
 * for GRE between the two hosts, in transport mode. Else in tunnel mode: packets as they are, or, with `gre`, GRE with an IP header
 * of its own, from the one local address to the one remote one. */
struct dp_range {
	struct addr lo, hi;	/* of one family */
	uint8_t proto;	/* 0: all */
	bool ports;	/* of this side, and only those from port_lo to port_hi; else all, also what has none */
	uint16_t port_lo, port_hi;
};
struct dp_selectors {
	struct dp_range local[DP_RANGES], remote[DP_RANGES];
	uint8_t n_local, n_remote;
	bool gre;
	uint8_t order;	/* of several sets that allow a packet it leaves on an SA of the lowest */
	uint32_t set;	/* SAs of a peer with the same number stand for each other, those with another one stand beside them */
};
static inline bool
dp_plain(const struct dp_selectors *s)
{
	return s->n_local && s->n_remote && !s->gre;
}
bool	dp_selectors_ports(const struct dp_selectors *s);	/* lib/traffic.c: for some ports only */

/* A pair of ESP SAs, named by its inbound SPI everywhere. Transport mode, protocol 47, unless it has selectors. */
struct dp_sa {
	uint32_t tunnel, peer;
	uint32_t spi_in, spi_out;	/* host order */
	struct endpoint local, remote;	/* outer; ports mean something when encap */
	bool encap;	/* UDP encapsulation (RFC 3948); inbound is taken both ways */
	bool esn;
	bool bare;	/* of a tunnel without protection: names the outer addresses, has neither SPIs on the wire nor keys */
	bool active;	/* send on it at once; else after sa_update(DP_SA_ACTIVATE). With selectors: for what they say */
	uint32_t replay_window;	/* packets */
	struct dp_life life;
	const struct dp_selectors *sel;	/* NULL: GRE in transport mode; borrowed for the call */
	struct dp_sa_keys keys;	/* wiped by the caller after sa_add */
};

enum dp_sa_update { DP_SA_ACTIVATE /* this is the one to send on now */, DP_SA_MOVE /* new remote, local, encap */ };

enum dp_path_how { DP_PATH_FIRST_HOP, DP_PATH_ICMP, DP_PATH_PROBE };	/* how the path MTU was found */
enum dp_path_result { DP_PATH_FITS, DP_PATH_TOO_BIG /* only smaller ones were answered */, DP_PATH_BUSY /* not asked: again later */ };

struct dp_peer_stats {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes, rx_drops, tx_drops;	/* inner packets and octets */
	tick_t last_rx, last_tx;	/* 0: never */
	uint32_t path_mtu;	/* largest inner packet that fits now; 0 unknown */
	uint32_t path_outer;	/* the same with all outer headers; 0: the plane does not know */
	enum dp_path_how path_how;
	tick_t path_confirmed;	/* when a packet of that size was last seen to get through; 0: never asked */
	uint32_t path_holes;	/* how often larger ones were found to vanish */
	uint64_t shape_rate;	/* bit/s; 0: none, and no other word of the shaper */
	uint64_t shape_sent, shape_held, shape_dropped, shape_marked;	/* packets; held: that waited */
	uint32_t shape_backlog, shape_flows;	/* packets that wait now, and of how many flows */
};

struct dp_sa_stats {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
	tick_t last_rx, last_tx;
};

enum dp_offload {	/* of the user plane; together in an unsigned */
	DP_OFFLOAD_TAP = 1,	/* the kernel leaves segments and checksums to us */
	DP_OFFLOAD_GSO = 2,	/* many ESP packets leave in one message */
	DP_OFFLOAD_GRO = 4,	/* or come in as one */
	DP_OFFLOAD_COALESCE = 8,	/* segments go to the kernel as one packet */
	DP_OFFLOAD_ALL = 15,
};

enum dp_crypto { DP_CRYPTO_AUTO, DP_CRYPTO_OPENSSL, DP_CRYPTO_IPSEC_MB };	/* who encrypts in the user plane */

struct dp_link_info {	/* for show interface */
	bool up;
	bool no_carrier;	/* oper_set said so */
	unsigned ifindex, mtu;
	const char *plane;	/* "user", "kernel", "sim" */
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
	unsigned mss;	/* TCP's MSS is lowered to that; 0: left alone */
	uint64_t mss_lowered;	/* SYNs */
	unsigned offload, offload_off;	/* enum dp_offload: in use, and switched off; what is neither, the kernel refused */
	bool has_offload;	/* a plane that has such */
	const char *crypto, *crypto_why;	/* who encrypts: name and version; why not ipsec-mb (NULL: it is). NULL: not this plane */
	const char *filter;	/* kernel plane: whose rules do that, and drop GRE in clear where filter_locks; NULL: none stand */
	bool filter_locks;
	uint64_t clear_dropped;
};

enum dp_event_kind {
	DP_EV_NHRP,	/* an NHRP packet came in, authenticated by ESP; peer 0: in a bare tunnel, from an address that is no peer's */
	DP_EV_UNRESOLVED,	/* traffic whose next hop has no neighbour; rate-limited by the plane per destination */
	DP_EV_REDIRECT,	/* came in from a peer, left to a peer; rate-limited by the plane per pair */
	DP_EV_IKE,	/* IKE message that arrived on the plane's UDP encapsulation socket (marker taken off) */
	DP_EV_SA_USED,	/* first authenticated packet on an inbound SA */
	DP_EV_SA_SOFT, DP_EV_SA_HARD,	/* lifetime */
	DP_EV_SA_MOVED,	/* an authenticated, newest packet came from another endpoint (NAT rebinding) */
	DP_EV_SA_UNKNOWN,	/* ESP with an SPI we do not have; rate-limited */
	DP_EV_LINK,	/* interface up, down or gone */
	DP_EV_PATH,	/* does an outer packet of `size` octets get through to the peer? Answered by path_result() or not at all */
	DP_EV_PEER_USED,	/* the first inner packet to (`sent`) or from a peer since peer_watch() */
};

struct dp_event {
	enum dp_event_kind kind;
	uint32_t tunnel, peer;	/* peer: who sent it (NHRP, REDIRECT) or whose SA */
	uint32_t spi_in;
	struct endpoint local, remote;	/* outer addresses of the packet (NHRP, IKE, SA_MOVED, SA_UNKNOWN) */
	struct addr dst;	/* UNRESOLVED: inner destination */
	struct addr src;	/* UNRESOLVED: inner source */
	uint32_t out_peer;	/* REDIRECT: the peer it left to */
	struct span packet;	/* NHRP: after GRE. REDIRECT: inner packet, may be cut to 128 octets or more. IKE: the message. Borrowed. */
	bool natt;	/* IKE: came to the encapsulation port */
	unsigned size;	/* PATH */
	bool link_up, link_gone;
	bool sent;	/* PEER_USED */
};

typedef void dp_event_fn(void *ctx, const struct dp_event *ev);
typedef void dp_counter_fn(void *ctx, const char *name, uint64_t value);	/* name: stable word */
typedef void dp_sa_fn(void *ctx, const struct dp_sa *sa);
typedef void dp_settled_fn(void *ctx, unsigned n, int error, const char *why);	/* the n-th, from 0, that was answered -EINPROGRESS; why: "" or in words */

enum dp_udp { DP_UDP_IKE /* four zero octets are put before it */, DP_UDP_IKE_WHOLE /* with DF: too large is to get lost */, DP_UDP_KEEPALIVE /* as it is */ };

struct dp;
struct dp_ops {
	int (*tunnel_set)(struct dp *, const struct dp_tunnel *);	/* made or changed, and up; DP_EV_LINK tells what happens to it later */
	int (*tunnel_del)(struct dp *, uint32_t tunnel);
	int (*neigh_set)(struct dp *, const struct dp_neigh *);
	int (*neigh_del)(struct dp *, uint32_t tunnel, const struct addr *proto);
	int (*sa_add)(struct dp *, const struct dp_sa *);
	int (*sa_update)(struct dp *, uint32_t spi_in, enum dp_sa_update, const struct endpoint *local,
	    const struct endpoint *remote, bool encap);
	int (*sa_del)(struct dp *, uint32_t spi_in);
	uint32_t (*spi_alloc)(struct dp *);	/* an inbound SPI not in use, above 255; 0 when there is none */
	int (*send)(struct dp *, uint32_t tunnel, uint32_t peer, struct span nhrp);	/* an NHRP packet in GRE 0x2001, sealed */
	bool (*peer_stats)(struct dp *, uint32_t tunnel, uint32_t peer, struct dp_peer_stats *);
	bool (*sa_stats)(struct dp *, uint32_t spi_in, struct dp_sa_stats *);
	bool (*link_info)(struct dp *, uint32_t tunnel, struct dp_link_info *);
	void (*counters)(struct dp *, dp_counter_fn *, void *);	/* every drop reason and total */
	void (*snapshot)(struct dp *, dp_sa_fn *, void *);	/* what of ours is installed; keys are left empty */
	/* From the encapsulation port. local.addr none: the kernel picks. */
	int (*send_udp)(struct dp *, const struct endpoint *local, const struct endpoint *remote, struct span payload, enum dp_udp what);
	/* Optional (NULL: it cannot): the interface has a carrier, or not; it stays up either way. A new one has it. */
	int (*oper_set)(struct dp *, uint32_t tunnel, bool up);
	const char *(*error)(const struct dp *);	/* why the last verb failed, for people; "" */
	/* Answer to DP_EV_PATH; size: what was really sent. NULL in a plane that never asks. */
	void (*path_result)(struct dp *, uint32_t tunnel, uint32_t peer, unsigned size, enum dp_path_result);
	/* Optional (NULL): raise DP_EV_PEER_USED for the next inner packet each way. One test of a flag for the others. */
	void (*peer_watch)(struct dp *, uint32_t tunnel, uint32_t peer);
	/* Optional (NULL: none): SAs of an earlier life of the program that still carry traffic: of how many peers; whether a number is one
	 * of theirs, and so not to be given to another peer. */
	size_t (*kept)(struct dp *);
	bool (*kept_peer)(struct dp *, uint32_t peer);
	/* Optional (NULL), both or none: from begin() on, what is asked may be collected, and deletions with it: sa_add and neigh_set may answer
	 * -EINPROGRESS, at most DP_LATER_MAX of them. settle() does what was collected, in an order that is right (up: SA, neighbour; down:
	 * neighbour, SA), tells what came of each, and ends it. */
	void (*begin)(struct dp *);
	void (*settle)(struct dp *, dp_settled_fn *fn, void *ctx);
	/* Optional (NULL: cannot): what goes to a peer, but NHRP, is held to `rate` bit/s, its flows sharing that fairly; 0: no limit any more. It ends
	 * with the peer at the latest. */
	int (*shape)(struct dp *, uint32_t tunnel, uint32_t peer, uint64_t rate);
	void (*offload)(struct dp *, unsigned off);	/* optional: those (enum dp_offload) are not to be used, all others are */
	void (*crypto)(struct dp *, enum dp_crypto want);	/* optional: for SAs from now on */
	void (*free)(struct dp *);	/* removes what it made */
};

struct dp {	/* implementations embed it first */
	const struct dp_ops *ops;
};

#endif
