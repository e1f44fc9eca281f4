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

/* The outer address of multicast (of 4 or 16 octets): nothing may ever be sent there. */
struct addr mgre_kernel_mark(uint32_t tunnel, unsigned n);
/* Where the outer addresses of this tunnel's peers, and that one, are: none of the internet's. They are routed into the device, so that
 * what nothing has transformed on its way out is dropped there. */
struct prefix mgre_kernel_synthetic(uint32_t tunnel, unsigned n);

/* The verbs of struct dp_ops that are ours. */
int	mgre_kernel_tunnel_set(struct mgre_kernel *m, const struct dp_tunnel *conf);
int	mgre_kernel_mtu(struct mgre_kernel *m, uint32_t tunnel, unsigned mtu);	/* another MTU than tunnel_set() gave it */
int	mgre_kernel_tunnel_del(struct mgre_kernel *m, uint32_t tunnel);
int	mgre_kernel_neigh_set(struct mgre_kernel *m, const struct dp_neigh *n);
int	mgre_kernel_oper_set(struct mgre_kernel *m, uint32_t tunnel, bool up);
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
void	mgre_kernel_peer_del(struct mgre_kernel *m, uint32_t tunnel, uint32_t peer);

#endif
