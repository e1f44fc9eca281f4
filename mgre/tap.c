#include "config.h"

#include "mgre/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "mgre/inner.h"

#ifndef IFF_TUN_EXCL
#define IFF_TUN_EXCL 0x8000
#endif
#ifndef TUN_F_USO4	/* Linux 6.2 */
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif
#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

static const char *
open_hint(int e)
{
	return e == ENOENT || e == ENODEV || e == ENXIO
		   ? "load the tun module (modprobe tun), or give the container the device (--device /dev/net/tun)"
	       : e == EACCES || e == EPERM ? "run as root, or make /dev/net/tun readable and writable for this user"
					   : "see the kernel log";
}

static const char *
attach_hint(int e)
{
	return e == EPERM ? "creating an interface needs CAP_NET_ADMIN: run as root, or inside a user and network namespace"
	    : e == EBUSY ? "an interface of that name exists; choose another, or remove it (ip link del)"
	    : e == EINVAL ? "the name is not one for an interface, or is that of another kind of device"
			 : "see the kernel log";
}

static int
attach(int fd, const char *name, short flags)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	ifr.ifr_flags = flags;
	return ioctl(fd, TUNSETIFF, &ifr);
}

/* The virtio header's size, and offloads off: the kernel completes checksums and segments for us until told otherwise. */
static bool
set_vnet(int fd)
{
	int size = TAP_VNET;

	return ioctl(fd, TUNSETVNETHDRSZ, &size) == 0 && ioctl(fd, TUNSETOFFLOAD, 0ul) == 0;
}

/* Not TSO_ECN: the kernel itself cuts the rare super-packet with CWR, which must be on the first segment only. */
enum tap_offload
tap_set_offload(int fd, enum tap_offload want)
{
	static const unsigned long flags[] = {
		[TAP_OFF] = 0,
		[TAP_TCP] = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6,
		[TAP_TCP_UDP] = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_USO4 | TUN_F_USO6,
	};

	while (want != TAP_OFF && ioctl(fd, TUNSETOFFLOAD, flags[want]) != 0)
		want--;
	if (want == TAP_OFF)
		ioctl(fd, TUNSETOFFLOAD, flags[TAP_OFF]);
	return want;
}

static enum seg_kind
kind_of(uint8_t gso_type)
{
	switch (gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
		return SEG_TCP4;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return SEG_TCP6;
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		return SEG_UDP;
	default:
		return SEG_NONE;
	}
}

int
tap_open(const char *name, bool first, bool *vnet, char *err, size_t errlen)
{
	unsigned flags = IFF_TAP | IFF_NO_PI | IFF_MULTI_QUEUE | (first ? (unsigned)IFF_TUN_EXCL : 0);
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		snprintf(err, errlen, "cannot open /dev/net/tun: %s; %s", strerror(errno), open_hint(errno));
		return -1;
	}
	*vnet = attach(fd, name, (short)(flags | IFF_VNET_HDR)) == 0;
	if (!*vnet && (errno != EINVAL || attach(fd, name, (short)flags) != 0)) {
		snprintf(err, errlen, "cannot create interface %s: %s; %s", name, strerror(errno), attach_hint(errno));
		close(fd);
		return -1;
	}
	if (*vnet && !set_vnet(fd)) {
		snprintf(err, errlen, "interface %s refuses its offload settings: %s", name, strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

int
tap_carrier(int fd, bool on)
{
	int carrier = on;

	return ioctl(fd, TUNSETCARRIER, &carrier) == 0 ? 0 : -errno;
}

enum mgre_count
tap_finish(const uint8_t *vnet, uint8_t *frame, size_t n, enum seg_kind *kind, size_t *step)
{
	struct virtio_net_hdr h;
	size_t start, at;
	uint16_t sum;

	memcpy(&h, vnet, sizeof(h));
	*kind = kind_of(h.gso_type);
	*step = h.gso_size;
	if (h.gso_type != VIRTIO_NET_HDR_GSO_NONE)	/* its checksums are made with the segments */
		return *kind != SEG_NONE && h.gso_size ? MGRE_OK : MGRE_DROP_FRAME_OFFLOAD;
	if (!(h.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return MGRE_OK;
	start = h.csum_start;	/* native byte order unless asked otherwise; from the Ethernet header on */
	at = start + h.csum_offset;
	if (start < TAP_ETH || start > n || at + 2 > n)
		return MGRE_DROP_FRAME_CHECKSUM;
	sum = (uint16_t)~csum_fold(csum_add(0, frame + start, n - start));	/* the field holds the pseudo header's sum */
	put_be16(frame + at, sum == 0 && h.csum_offset == 6 ? 0xffff : sum);	/* UDP: zero means none */
	return MGRE_OK;
}

void
tap_own_mac(const struct addr *a, uint8_t out[static TAP_MAC])
{
	uint32_t h = 0x811c9dc5u;	/* FNV-1a */

	for (unsigned i = 0; i < a->n; i++)
		h = (h ^ a->b[i]) * 0x01000193u;
	out[0] = 0x06;	/* locally administered, and not like a peer's */
	out[1] = a->n != 4;
	put_be32(out + 2, a->n == 4 ? get_be32(a->b) : h);
}
