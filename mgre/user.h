/* mgre/user.h: the tunnel side of the user data plane: TAP devices, GRE, neighbours (see user.c). */
#ifndef MGRE_USER_H
#define MGRE_USER_H

#include "lib/dpsec.h"
#include "lib/host.h"

struct mgre_user;

/* NULL with a sentence in err. */
struct mgre_user *mgre_user_new(const struct host *host, dp_event_fn *fn, void *ctx, char *err, size_t errlen);
void	mgre_user_free(struct mgre_user *m);	/* removes devices, and with them neighbours and addresses */
struct dpsec_in mgre_user_seam(struct mgre_user *m);
void	mgre_user_connect(struct mgre_user *m, const struct dpsec_out *out);	/* before any tunnel */
const char *mgre_user_error(const struct mgre_user *m);	/* why the last tunnel_set failed */

/* The verbs of struct dp_ops that are ours. */
int	mgre_user_tunnel_set(struct mgre_user *m, const struct dp_tunnel *conf);
int	mgre_user_tunnel_del(struct mgre_user *m, uint32_t tunnel);
int	mgre_user_neigh_set(struct mgre_user *m, const struct dp_neigh *n);
int	mgre_user_neigh_del(struct mgre_user *m, uint32_t tunnel, const struct addr *proto);
int	mgre_user_oper_set(struct mgre_user *m, uint32_t tunnel, bool up);
int	mgre_user_send(struct mgre_user *m, uint32_t tunnel, uint32_t peer, struct span nhrp);
bool	mgre_user_peer_stats(struct mgre_user *m, uint32_t tunnel, uint32_t peer, struct dp_peer_stats *out);
void	mgre_user_offload(struct mgre_user *m, unsigned off);	/* enum dp_offload */
bool	mgre_user_link_info(struct mgre_user *m, uint32_t tunnel, struct dp_link_info *out);
void	mgre_user_peer_watch(struct mgre_user *m, uint32_t tunnel, uint32_t peer);
int	mgre_user_shape(struct mgre_user *m, uint32_t tunnel, uint32_t peer, uint64_t rate);
void	mgre_user_counters(struct mgre_user *m, dp_counter_fn *fn, void *ctx);

/* A peer lives, and its counters run, as long as it has a neighbour or an SA: the composition tells of the latter. */
int	mgre_user_peer_ref(struct mgre_user *m, uint32_t tunnel, uint32_t peer);	/* -ENOENT, -ENOMEM */
void	mgre_user_peer_unref(struct mgre_user *m, uint32_t tunnel, uint32_t peer);

#endif
