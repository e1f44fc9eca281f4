/* mgre/kernel.h: the tunnel side of the kernel data plane: GRE devices, neighbours, NHRP by packet socket (see kernel.c). */
#ifndef MGRE_KERNEL_H
#define MGRE_KERNEL_H

#include "lib/dplane.h"
#include "lib/host.h"

struct mgre_kernel;

struct mgre_kernel *mgre_kernel_new(const struct host *host, dp_event_fn *fn, void *ctx, char *err, size_t errlen);
void	mgre_kernel_free(struct mgre_kernel *m);	/* removes devices, and with them neighbours and addresses */
const char *mgre_kernel_error(const struct mgre_kernel *m);	/* why the last tunnel_set failed */
/* Whether this kernel makes GRE devices at all; false with a sentence that names the module. Leaves nothing behind. */
bool	mgre_kernel_probe(char *err, size_t errlen);
bool	mgre_kernel_purge(const char *name);	/* deletes this GRE interface, whoever made it; false: there is none */

/* The outer address of multicast: nothing may ever be sent there. */
struct addr mgre_kernel_mark(uint32_t tunnel);
/* Our own among the synthetic ones, the source of a tunnel whose real one is not of IPv4. */
struct addr mgre_kernel_self(uint32_t tunnel);
/* Where the outer addresses of this tunnel's peers, and that one, are: none of the internet's. They are routed into the device, so that
 * what nothing has transformed on its way out is dropped there. */
struct prefix mgre_kernel_synthetic(uint32_t tunnel);

/* The verbs of struct dp_ops that are ours. */
int	mgre_kernel_tunnel_set(struct mgre_kernel *m, const struct dp_tunnel *conf);
int	mgre_kernel_mtu(struct mgre_kernel *m, uint32_t tunnel, unsigned mtu);	/* another MTU than tunnel_set() gave it */
int	mgre_kernel_tunnel_del(struct mgre_kernel *m, uint32_t tunnel);
int	mgre_kernel_neigh_set(struct mgre_kernel *m, const struct dp_neigh *n);
int	mgre_kernel_oper_set(struct mgre_kernel *m, uint32_t tunnel, bool up);
/* The same with others in one batch: -EINPROGRESS, then `answer` is called with the cookie from mgre_kernel_flush(), or earlier, and after that
 * neigh_answered() says so here; or -EAGAIN, where the one before it still waits. */
int	mgre_kernel_neigh_ask(struct mgre_kernel *m, const struct dp_neigh *n, void (*answer)(void *ctx, uint64_t cookie, int error), void *ctx, uint64_t cookie);
void	mgre_kernel_neigh_answered(struct mgre_kernel *m, const struct dp_neigh *n, int error);
void	mgre_kernel_collect(struct mgre_kernel *m, bool on);	/* deletions wait for mgre_kernel_flush() */
void	mgre_kernel_flush(struct mgre_kernel *m);
size_t	mgre_kernel_waiting(const struct mgre_kernel *m);	/* messages */
int	mgre_kernel_neigh_del(struct mgre_kernel *m, uint32_t tunnel, const struct addr *proto);
int	mgre_kernel_send(struct mgre_kernel *m, uint32_t tunnel, uint32_t peer, struct span nhrp);
bool	mgre_kernel_link_info(struct mgre_kernel *m, uint32_t tunnel, struct dp_link_info *out);
void	mgre_kernel_counters(struct mgre_kernel *m, dp_counter_fn *fn, void *ctx);

/* Neighbours of a device that was there at the start: those that lead to a `kept` address stay, until mgre_kernel_sweep() finds that it
 * is not any more. */
void	mgre_kernel_keep(struct mgre_kernel *m, bool (*kept)(void *ctx, uint32_t tunnel, const struct addr *lladdr), void *ctx);
void	mgre_kernel_sweep(struct mgre_kernel *m);

/* A peer is there as long as it has an SA: the composition tells, with the outer address the device has to use for it; when
 * that changes, its neighbours follow. */
int	mgre_kernel_peer_set(struct mgre_kernel *m, uint32_t tunnel, uint32_t peer, const struct addr *lladdr);
/* Of a bare tunnel, where no SA counts: packets to the peer, and nothing else. False: nobody knows. */
bool	mgre_kernel_peer_stats(struct mgre_kernel *m, uint32_t tunnel, uint32_t peer, struct dp_peer_stats *out);
/* NHRP packets of ours to a peer, and of its to us, since it is there: what is no use of it. False: no such peer. */
struct mgre_own {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;	/* octets of NHRP alone */
};
bool	mgre_kernel_own(const struct mgre_kernel *m, uint32_t tunnel, uint32_t peer, struct mgre_own *out);
bool	mgre_kernel_unread(const struct mgre_kernel *m);	/* some have come in and are not counted yet */
void	mgre_kernel_peer_del(struct mgre_kernel *m, uint32_t tunnel, uint32_t peer);

#endif
