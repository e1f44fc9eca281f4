/* xfrm/user.h: the security side of the user data plane: ESP by this process (see user.c). */
#ifndef XFRM_USER_H
#define XFRM_USER_H

#include "lib/dpsec.h"
#include "lib/host.h"

struct xfrm_user;

/* `in` is copied. NULL with a sentence in err. */
struct xfrm_user *xfrm_user_new(const struct host *host, dp_event_fn *fn, void *ctx, const struct dpsec_in *in, char *err, size_t errlen);
void	xfrm_user_free(struct xfrm_user *x);
struct dpsec_out xfrm_user_seam(struct xfrm_user *x);

/* The verbs of struct dp_ops that are ours. */
int	xfrm_user_sa_add(struct xfrm_user *x, const struct dp_sa *sa);
int	xfrm_user_sa_update(struct xfrm_user *x, uint32_t spi_in, enum dp_sa_update what, const struct endpoint *local,
	    const struct endpoint *remote, bool encap);
bool	xfrm_user_sa_del(struct xfrm_user *x, uint32_t spi_in, uint32_t *tunnel, uint32_t *peer);	/* whose it was; false: none such */
uint32_t xfrm_user_spi_alloc(struct xfrm_user *x);
bool	xfrm_user_sa_stats(struct xfrm_user *x, uint32_t spi_in, struct dp_sa_stats *out);
uint64_t xfrm_user_peer_rx_drops(struct xfrm_user *x, uint32_t tunnel, uint32_t peer);
bool	xfrm_user_peer_path(struct xfrm_user *x, uint32_t tunnel, uint32_t peer, struct dp_peer_stats *out);	/* path_* of it but path_mtu */
void	xfrm_user_path_result(struct xfrm_user *x, uint32_t tunnel, uint32_t peer, unsigned size, enum dp_path_result r);
void	xfrm_user_counters(struct xfrm_user *x, dp_counter_fn *fn, void *ctx);
void	xfrm_user_snapshot(struct xfrm_user *x, dp_sa_fn *fn, void *ctx);

/* From the encapsulation port: an IKE message (marker) or a keepalive. 0 or a negative errno. */
int	xfrm_user_send_udp(struct xfrm_user *x, const struct endpoint *local, const struct endpoint *remote, struct span payload, bool marker);
/* An IKE message with DF, whatever its size: one too large for the path is to get lost. */
int	xfrm_user_send_whole(struct xfrm_user *x, const struct endpoint *local, const struct endpoint *remote, struct span message);

void	xfrm_user_offload(struct xfrm_user *x, unsigned off);	/* enum dp_offload */
unsigned xfrm_user_offloads(const struct xfrm_user *x);	/* in use */

/* Of the whole process. */
void	xfrm_user_crypto(enum dp_crypto want);
void	xfrm_user_crypto_info(struct dp_link_info *out);	/* only what is about it */

#endif
