/* mgre/join.h: packets of one flow that came in together become one super-packet for the TAP, so that the kernel walks its receive path
 * once for all of them. What may be joined is what the kernel's own GRO would join and could take apart again: nothing that a
 * receiver could tell is changed. Each packet's checksums are verified first; a wrong one goes on alone, as it came, to be counted by who
 * knows about such things.
 *
 * Packets stay where they are, in the receive buffers, until join_flush() at the end of the burst: nothing waits for what may come. */
#ifndef MGRE_JOIN_H
#define MGRE_JOIN_H

#include <sys/uio.h>

#include "mgre/inner.h"
#include "mgre/tap.h"

enum {
	JOIN_FLOWS = 8,	/* held at a time; one more pushes out the oldest */
	JOIN_PACKETS = 64,	/* in a super-packet: what kernels take of UDP */
	JOIN_HEAD = TAP_HEAD + 40 + 60,	/* IPv6 and TCP with all options */
	JOIN_REFUSALS = 3,	/* by the kernel, then no more is joined */
};

struct join_flow {
	struct inner in;	/* the first packet's; n 0: free */
	uint32_t peer;
	uint8_t eth[TAP_ETH];
	size_t head, size, total;	/* octets of headers, of payload in the first packet, in all */
	uint32_t seq;	/* TCP: what comes next */
	bool push;
	unsigned n;
	uint64_t born;
	struct iovec iov[1 + JOIN_PACKETS];	/* the new headers, payloads */
};

/* One frame behind its virtio header, of so many packets with so many octets of IP. 0, or what was wrong: -errno. */
typedef int join_write_fn(void *ctx, uint32_t peer, const struct iovec *iov, unsigned n_iov, unsigned packets, size_t octets);

struct join {
	join_write_fn *write;
	void *ctx;
	bool off;	/* each alone: by configuration, */
	unsigned refused;	/* or by the kernel, JOIN_REFUSALS times */
	unsigned held;
	uint64_t serial;
	uint64_t joined;	/* super-packets made */
	struct join_flow flow[JOIN_FLOWS];
	uint8_t head[JOIN_HEAD];
};

/* eth: the frame's Ethernet header. in: stays untouched until the next join_flush(). */
void	join_add(struct join *j, uint32_t peer, const uint8_t eth[static TAP_ETH], const struct inner *in);
void	join_flush(struct join *j);
void	join_forget(struct join *j);	/* drops what is held: the device is gone */

#endif
