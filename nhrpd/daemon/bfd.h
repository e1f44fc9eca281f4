/* nhrpd/daemon/bfd.h: which peers FRRouting's bfdd watches for us, and what of it the core hears.
 *
 * A tunnel with `bfd interval` has a session with each neighbour that stands in its data plane: hubs, those who registered, and the far
 * ends of shortcuts in use. So whatever NHRP installs is watched, and nothing else is. */
#ifndef NHRPD_DAEMON_BFD_H
#define NHRPD_DAEMON_BFD_H

#include "nhrpd/daemon/conf.h"
#include "routing/watch.h"

struct bfd_face {
	/* A peer that was there is not heard any more; within: what it may take to find out whether it is really dead. why is static. */
	void (*down)(void *ctx, uint32_t tunnel, uint32_t peer, const struct addr *proto, tick_t within, const char *why);
	void (*way)(void *ctx, const struct addr *to, bool reachable);	/* the way to an outer address came, went, or is another one */
	void (*dial)(void *ctx, const char *path, void (*done)(void *arg, int fd), void *arg);	/* as in struct zebra_face */
};

struct bfd;
struct bfd *bfd_new(const struct host *host, const struct conf *conf, const struct bfd_face *face, void *ctx);	/* NULL without memory */
void	bfd_free(struct bfd *b);	/* NULL is fine */
void	bfd_zebra(struct bfd *b, const struct zapi_version *v, const char *path);	/* routes_session_fn, but for the context */
void	bfd_link(struct bfd *b, uint32_t tunnel, uint32_t ifindex);	/* the interface is there */
void	bfd_neigh(struct bfd *b, const struct dp_neigh *n);	/* it stands in the data plane */
void	bfd_neigh_gone(struct bfd *b, uint32_t tunnel, const struct addr *proto);
void	bfd_conf(struct bfd *b, const struct conf *conf, const struct core *core);	/* after a reload: the configuration in force */
void	bfd_track(struct bfd *b, const struct addr *to, bool on);	/* an outer address */
bool	bfd_way(const struct bfd *b, const struct addr *to, struct watch_way_info *out);	/* false: nothing is known */
/* False: it is not to be watched. why: where it is not up, in words; static. */
bool	bfd_info(const struct bfd *b, uint32_t tunnel, const struct addr *proto, struct watch_peer_info *out, const char **why);

#endif
