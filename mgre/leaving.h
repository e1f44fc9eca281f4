/* mgre/leaving.h: a look at what leaves by a GRE device of the kernel, without netfilter: a packet socket whose filter, a small
 * eBPF program, takes two kinds of packets only (see leaving.c). */
#ifndef MGRE_LEAVING_H
#define MGRE_LEAVING_H

#include <sys/types.h>

#include "lib/addr.h"

enum { LEAVING_CUT = 160 /* octets of the inner packet that a sample has at least, where it is that long */ };

/* The outer address the device gives multicast, which it must not be able to send to: how its packets are known. One for each tunnel,
 * the last but one among the addresses of its peers. */
struct addr leaving_mark(uint32_t tunnel, unsigned n /* 4 or 16 */);
unsigned leaving_head(unsigned n, bool key);	/* octets of outer IP and GRE header before the inner packet */

/* The programs, one for each kind of device: loaded while the process may still do so, and kept. Where the kernel takes none, prog of a kind
 * says why, and leaving_open() answers it. */
enum { LEAVING_KINDS = 16 };
struct leaving {
	int prog[LEAVING_KINDS];	/* or a negative errno */
	int counts;	/* table of packets by device and outer destination, or a negative errno */
};
void	leaving_load(struct leaving *l, unsigned n);	/* octets of outer addresses */
void	leaving_close(struct leaving *l);

/* A socket to read from, not blocking, or a negative errno. Each packet begins with the outer IP header. With `redirect`, also one
 * packet a second of each pair of inner addresses that came in by this device, or with `vrf` by any, and leaves by it, cut. */
int	leaving_open(const struct leaving *l, unsigned ifindex, bool key, bool redirect, bool count, bool vrf /* the device is in one */);

/* As recvfrom() without waiting. proto: ETH_P_ of what is inside the tunnel, in network order. unsummed: the device was to compute a checksum,
 * which it has not done yet; inner_sum_udp() does it. */
ssize_t	leaving_read(int fd, uint8_t *buf, size_t size, uint16_t *proto, bool *unsummed);

/* With `count`: packets to these outer destinations (IPv4) are counted. Where nobody else can tell. */
int	leaving_count(const struct leaving *l, unsigned ifindex, const struct addr *to);	/* from now on */
void	leaving_count_no_more(const struct leaving *l, unsigned ifindex, const struct addr *to);
bool	leaving_counted(const struct leaving *l, unsigned ifindex, const struct addr *to, uint64_t *packets);
int	leaving_probe(void);	/* whether the kernel takes the program, of its longest form: 0 or a negative errno */

#endif
