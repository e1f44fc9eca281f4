/* lib/dpsec.h: the seam inside the user data plane, between tunnels (mgre/) and security (xfrm/).
 *
 * The tunnel side knows frames, GRE and neighbours; the security side knows SAs, sockets and the path. Neither includes
 * the other: nhrpd/daemon/dp_user.c hands each a small struct of functions of the other. There is no way around: a GRE
 * packet leaves only through dpsec_out.seal and comes in only through dpsec_in.packet, so nothing travels in clear.
 *
 * Nothing here is called from another thread than the host's loop. */
#ifndef LIB_DPSEC_H
#define LIB_DPSEC_H

#include "lib/dplane.h"

enum { DPSEC_GRE = 47, DPSEC_IPV4 = 4, DPSEC_IPV6 = 41 };	/* protocol numbers: next header of ESP */

enum {
	DPSEC_HEAD = 64,	/* octets free before the GRE header: ESP header and IV, or frame and offload headers */
	DPSEC_TAIL = 80,	/* octets free behind it: padding, trailer and integrity value */
	DPSEC_PAYLOAD = 9600,	/* GRE and inner packet of one slot at most */
	DPSEC_INNER_MAX = 9216,	/* largest tunnel MTU */
};

/* A packet in somebody's buffer. */
struct dpsec_pkt {
	uint8_t *p;
	size_t n;
	size_t room;	/* outbound: octets that may be used from p on, DPSEC_TAIL not counted */
	uint8_t tos;	/* outer DSCP and ECN: to be sent, or as received */
	uint8_t next;	/* what it is: DPSEC_GRE, or an IP packet, DPSEC_IPV4 or DPSEC_IPV6; p points at that header then */
	bool may_fragment;	/* outbound: must get through though it exceeds the path MTU, so leave DF clear */
};

/* Where an inbound packet came from, as proved by the SA that opened it. */
struct dpsec_from {
	uint32_t tunnel, peer, spi_in;
	struct endpoint local, remote;
};

/* What the tunnel side calls. */
struct dpsec_out {
	void *ctx;
	/* An empty slot of the send batch: p, room set. Always succeeds; sends the batch when it is full. */
	void (*slot)(void *ctx, struct dpsec_pkt *pkt);
	/* Encrypts the slot last handed out and queues it. False: not sent, and counted by the security side. */
	bool (*seal)(void *ctx, uint32_t tunnel, uint32_t peer, const struct dpsec_pkt *pkt);
	void (*flush)(void *ctx);	/* end of a burst: send what is queued, raise what is to be raised */
	/* Largest GRE packet (header and inner), or plain packet, that fits the path to the peer now; 0 without an SA to send on. */
	unsigned (*payload_max)(void *ctx, uint32_t tunnel, uint32_t peer);
	/* The same for a link that is only supposed: for an MTU before there is an SA. */
	unsigned (*payload_guess)(void *ctx, unsigned link_mtu, bool outer_v6);
};

/* What the security side calls: an authenticated packet, GRE or, of an SA for plain IP, one its selectors allow. In place: the receiver may write
 * there, and nowhere else, and until its flush() returns the octets stay where they are. It may call back into the plane, even delete the SA. */
struct dpsec_in {
	void *ctx;
	void (*packet)(void *ctx, const struct dpsec_from *from, struct dpsec_pkt *pkt);
	void (*flush)(void *ctx);	/* end of a burst: before the packets' memory is used again */
};

#endif
