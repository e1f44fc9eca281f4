/* mgre/tap.h: a TAP device: one queue per worker, Ethernet frames behind a virtio header. */
#ifndef MGRE_TAP_H
#define MGRE_TAP_H

#include "lib/addr.h"
#include "lib/span.h"
#include "mgre/drops.h"
#include "mgre/seg.h"

enum { TAP_ETH = 14, TAP_VNET = 10, TAP_HEAD = TAP_VNET + TAP_ETH, TAP_MAC = 6 };

/* What the kernel may leave to us in the frames it hands over: checksums, TCP segments, UDP segments (Linux 6.2). */
enum tap_offload { TAP_OFF, TAP_TCP, TAP_TCP_UDP };

/* Opens one queue of the device `name`; first: it must not exist yet. *vnet: whether frames carry a virtio header. A file descriptor,
 * or -1 with a sentence in err. */
int	tap_open(const char *name, bool first, bool *vnet, char *err, size_t errlen);

/* Carrier of the device, by any of its queues: 0 or a negative errno. */
int	tap_carrier(int fd, bool on);

/* As much of `want` as the kernel does; answers what it is. */
enum tap_offload tap_set_offload(int fd, enum tap_offload want);

/* What the virtio header of a frame read asks for. frame: from the Ethernet header on. A missing checksum is filled in. A super-packet,
 * *kind not SEG_NONE, is to be cut by seg_begin() with that step. */
enum mgre_count tap_finish(const uint8_t *vnet, uint8_t *frame, size_t n, enum seg_kind *kind, size_t *step);

/* The device's own MAC address, from its first tunnel address: 06:00 and those of IPv4, 06:01 and a hash of others. So it, and with it the IPv6
 * link-local address, is the same after a restart, and another at each member of a cloud. */
void	tap_own_mac(const struct addr *a, uint8_t out[static TAP_MAC]);

/* A peer's MAC address is its number: 02:00 and 32 bits. */
static inline void
tap_peer_mac(uint32_t peer, uint8_t out[static TAP_MAC])
{
	out[0] = 0x02;
	out[1] = 0;
	put_be32(out + 2, peer);
}

static inline bool
tap_mac_peer(const uint8_t *mac, uint32_t *peer)
{
	*peer = get_be32(mac + 2);
	return mac[0] == 0x02 && mac[1] == 0;
}

#endif
