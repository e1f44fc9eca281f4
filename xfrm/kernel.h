/* xfrm/kernel.h: the security side of the kernel data plane: XFRM states and policies by netlink (see kernel.c). */
#ifndef XFRM_KERNEL_H
#define XFRM_KERNEL_H

#include "lib/dplane.h"
#include "lib/host.h"

struct xfrm_kernel;

/* Whether this kernel has XFRM and ESP, over IPv6 with `v6`; false with a sentence that names the module. Leaves nothing behind. */
bool	xfrm_kernel_probe(const struct env *env, bool v6, char *err, size_t errlen);

/* NULL with a sentence in err. What an earlier life left of peers carries on for a while, its blocks for ever. */
struct xfrm_kernel *xfrm_kernel_new(const struct host *host, dp_event_fn *fn, void *ctx, char *err, size_t errlen);
void	xfrm_kernel_free(struct xfrm_kernel *x);	/* removes states and policies; what blocks clear GRE stays */
const char *xfrm_kernel_error(const struct xfrm_kernel *x);

/* Before the device comes up: clear GRE of this tunnel is blocked, then allowed under ESP where the source is known. Nothing goes
 * to `never` in any form. */
int	xfrm_kernel_tunnel_set(struct xfrm_kernel *x, const struct dp_tunnel *conf, const struct addr *never);
/* A tunnel that is not protected: what blocked its GRE in clear goes. */
int	xfrm_kernel_unblock(struct xfrm_kernel *x, const struct dp_tunnel *conf);
int	xfrm_kernel_tunnel_del(struct xfrm_kernel *x, uint32_t tunnel);	/* after the device is gone: takes the block away too */

/* The verbs of struct dp_ops that are ours. `lladdr` tells what the GRE device has to use as the peer's outer address: its own,
 * or a synthetic one where it may share that with others. */
int	xfrm_kernel_sa_add(struct xfrm_kernel *x, const struct dp_sa *sa, struct addr *lladdr);
/* The same with others in one batch: -EINPROGRESS, and after xfrm_kernel_flush() sa_added() tells what came of it; or -EAGAIN, where it cannot
 * wait: ask by sa_add(), after a flush. Until then nothing is to be done to that SA. */
int	xfrm_kernel_sa_ask(struct xfrm_kernel *x, const struct dp_sa *sa, struct addr *lladdr);
int	xfrm_kernel_sa_added(struct xfrm_kernel *x, uint32_t spi_in);
bool	xfrm_kernel_sa_alone(const struct xfrm_kernel *x, uint32_t spi_in);	/* its peer has no other */
void	xfrm_kernel_collect(struct xfrm_kernel *x, bool on);	/* deletions wait for xfrm_kernel_flush() */
void	xfrm_kernel_flush(struct xfrm_kernel *x);
size_t	xfrm_kernel_waiting(const struct xfrm_kernel *x);	/* messages */
int	xfrm_kernel_sa_update(struct xfrm_kernel *x, uint32_t spi_in, enum dp_sa_update what, const struct endpoint *local,
	    const struct endpoint *remote, bool encap, struct addr *lladdr);
bool	xfrm_kernel_sa_del(struct xfrm_kernel *x, uint32_t spi_in, uint32_t *tunnel, uint32_t *peer);	/* whose it was; false: none such */
/* The real outer addresses of the newest SA in use. False: none. */
bool	xfrm_kernel_peer_outer(const struct xfrm_kernel *x, uint32_t tunnel, uint32_t peer, struct endpoint *local, struct endpoint *remote);
bool	xfrm_kernel_sa_find(const struct xfrm_kernel *x, uint32_t spi_in, uint32_t *tunnel, uint32_t *peer);
uint32_t xfrm_kernel_spi_alloc(struct xfrm_kernel *x);
void	xfrm_kernel_heard(struct xfrm_kernel *x);	/* something came in: it may be the first packet of an SA */
/* Of an earlier life: how many peers have SAs that still carry traffic; whether a peer's number, or outer address, is one of theirs. */
size_t	xfrm_kernel_kept(const struct xfrm_kernel *x);
bool	xfrm_kernel_kept_peer(const struct xfrm_kernel *x, uint32_t peer);
bool	xfrm_kernel_kept_at(const struct xfrm_kernel *x, uint32_t tunnel, const struct addr *lladdr);
void	xfrm_kernel_on_swept(struct xfrm_kernel *x, void (*ended)(void *ctx), void *ctx);	/* some of them are gone */
bool	xfrm_kernel_sa_stats(struct xfrm_kernel *x, uint32_t spi_in, struct dp_sa_stats *out);
bool	xfrm_kernel_peer_stats(struct xfrm_kernel *x, uint32_t tunnel, uint32_t peer, struct dp_peer_stats *out);
void	xfrm_kernel_peer_watch(struct xfrm_kernel *x, uint32_t tunnel, uint32_t peer);	/* DP_EV_PEER_USED, each way, when the kernel has counted one */
/* Packets of our own, which are no use of a peer: how many there were, without outer headers; and whether some that were counted here have not
 * been counted there yet. */
struct xfrm_own {
	void *ctx;
	bool (*count)(void *ctx, uint32_t tunnel, uint32_t peer, struct dp_peer_stats *out);
	bool (*unread)(void *ctx);
};
void	xfrm_kernel_own(struct xfrm_kernel *x, const struct xfrm_own *own);
void	xfrm_kernel_counters(struct xfrm_kernel *x, dp_counter_fn *fn, void *ctx);
void	xfrm_kernel_snapshot(struct xfrm_kernel *x, dp_sa_fn *fn, void *ctx);

#endif
