/* xfrm/sock.h: the outside of the user plane: four sockets (UDP 4500 and protocol 50, each IPv4 and IPv6), a batch of packets
 * going out by sendmmsg, a batch coming in by recvmmsg, and what the network says back through the error queue.
 *
 * Packets of one length that follow each other to one place leave as one message, which the kernel or the device cuts
 * (UDP_SEGMENT), and come in so (UDP_GRO): a system call then carries 64 KiB. Where the kernel refuses the first, each goes alone.
 *
 * Wildcard bound, so the local address of a packet travels as PKTINFO in both directions. DF is set and the kernel's own
 * idea of the path MTU is ignored (PMTUDISC_PROBE): xfrm/user.c keeps one per peer. Linux only. */
#ifndef XFRM_SOCK_H
#define XFRM_SOCK_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "lib/dpsec.h"
#include "lib/env.h"
#include "xfrm/drops.h"

enum sock_kind { SOCK_UDP4, SOCK_UDP6, SOCK_ESP4, SOCK_ESP6, SOCK_KINDS };
enum {
	SOCK_PORT = 4500,
	SOCK_TX_SLOTS = 256, SOCK_TX_ROOM = 512 * 1024,	/* of packets, one behind the other */
	SOCK_GSO_MAX = 64, SOCK_GSO_OCTETS = 65507,	/* packets of one message, and all of them together */
	SOCK_RX_SLOTS = 16,
	SOCK_RX_SIZE = 65536,
	SOCK_CONTROL = 96,
	SOCK_BUFFER = 8 << 20,	/* asked of the kernel, each direction */
	SOCK_FULL_WAIT_MS = 2,	/* for room in a full socket, before packets are dropped */
	SOCK_ERRORS_MAX = 64,	/* read from an error queue at a time */
};

union sock_addr {
	struct sockaddr sa;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
};

/* Where packets of an SA go: everything sendmsg wants, made once. */
struct sock_path {
	enum sock_kind kind;
	union sock_addr to;
	_Alignas(8) uint8_t control[SOCK_CONTROL];
	size_t control_len;
	size_t tos_at;	/* of the int in control */
};

struct sock_slot {
	uint8_t *mem;	/* DPSEC_HEAD, DPSEC_PAYLOAD, DPSEC_TAIL; behind the packet is the next one's */
	unsigned path;	/* number of its copy in the batch: the SA may be gone when it is sent */
	uint32_t tunnel, peer;	/* the caller's, for refused() */
	bool may_fragment;
};

struct sock_tx {
	uint8_t *mem;
	struct sock_slot slot[SOCK_TX_SLOTS];
	struct sock_path path[SOCK_TX_SLOTS];
	struct iovec iov[SOCK_TX_SLOTS];
	unsigned n, n_path;
	size_t used;	/* octets of mem */
	struct sock_path last;	/* the newest of path[], as it was given */
	uint8_t last_tos;
	/* of what is being sent */
	struct mmsghdr msg[SOCK_TX_SLOTS];
	_Alignas(8) uint8_t control[SOCK_TX_SLOTS / 2][SOCK_CONTROL];	/* with the length of a segment: a message of two at least */
};

struct sock_msg {	/* one that came in */
	uint8_t *p;
	size_t n;
	size_t step;	/* it is several of that length, the last may be shorter; 0: one */
	struct endpoint local, remote;
	uint8_t tos;
	enum xfrm_count drop;	/* not to be used, and why */
};

struct sock_rx {
	uint8_t *mem;
	struct mmsghdr msg[SOCK_RX_SLOTS];
	struct iovec iov[SOCK_RX_SLOTS];
	union sock_addr from[SOCK_RX_SLOTS];
	_Alignas(8) uint8_t control[SOCK_RX_SLOTS][SOCK_CONTROL];
};

struct sock_error {	/* a router on the path says that it is narrower than thought. Not authenticated. */
	unsigned mtu;
	struct endpoint remote;	/* whereto */
	struct span quoted;	/* start of what we sent, behind IP and UDP header; may be empty */
};

struct socks {
	int fd[SOCK_KINDS];	/* -1: not there */
	bool gso, gro;	/* in use */
	bool no_gso;	/* the kernel or a device refused it once */
	struct sock_tx tx;
	struct sock_rx rx;
	uint64_t *count;	/* by enum xfrm_count; the owner's */
	void *ctx;
	void (*too_big)(void *ctx, enum sock_kind kind, const struct sock_error *e);
	void (*refused)(void *ctx, uint32_t tunnel, uint32_t peer);	/* larger than the first hop takes */
};

/* Opens all; without IPv6 in the kernel, IPv4 only. False with a sentence in err. */
bool	socks_open(struct socks *s, const struct env *env, const char *underlay, char *err, size_t errlen);	/* underlay: a VRF, or NULL */
void	socks_close(struct socks *s, const struct env *env);
void	sock_path_set(struct sock_path *p, const struct endpoint *local, const struct endpoint *remote, bool encap);
unsigned sock_route_mtu(const char *underlay, const struct endpoint *local, const struct endpoint *remote);	/* of the first hop; 0 not known */

void	socks_offload(struct socks *s, bool gso, bool gro);	/* as far as the kernel has them */
struct sock_slot *sock_slot(struct socks *s);	/* the next free one; sends the batch when there is none */
void	sock_queue(struct socks *s, const struct sock_path *path, struct span packet, uint8_t tos,
    bool may_fragment);	/* packet: inside the slot */
void	sock_flush(struct socks *s);
int	sock_send_now(struct socks *s, const struct sock_path *path, const struct iovec *iov, unsigned n, bool may_fragment);
unsigned sock_receive(struct socks *s, enum sock_kind kind, struct sock_msg out[static SOCK_RX_SLOTS]);	/* how many */
unsigned sock_errors(struct socks *s, enum sock_kind kind);	/* reads the error queue; how many there were */

#endif
