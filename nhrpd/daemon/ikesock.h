/* nhrpd/daemon/ikesock.h: UDP port 500, IPv4 and IPv6, with the local address of each message. Port 4500 belongs to the data
 * plane, which hands IKE messages up. */
#ifndef NHRPD_DAEMON_IKESOCK_H
#define NHRPD_DAEMON_IKESOCK_H

#include "lib/addr.h"
#include "lib/host.h"

struct ikesock;
typedef void ikesock_fn(void *ctx, const struct endpoint *local, const struct endpoint *remote, struct span message);

/* NULL with a sentence in err. A host without IPv6 is fine. */
struct ikesock *ikesock_new(const struct host *host, ikesock_fn *fn, void *ctx, char *err, size_t errlen);
void	ikesock_free(struct ikesock *s);
int	ikesock_send(struct ikesock *s, const struct endpoint *local, const struct endpoint *remote, struct span message);	/* 0 or -errno */
int	ikesock_send_whole(struct ikesock *s, const struct endpoint *local, const struct endpoint *remote, struct span message);	/* with DF: too large is to get lost */

#endif
