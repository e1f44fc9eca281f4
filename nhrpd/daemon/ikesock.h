/* nhrpd/daemon/ikesock.h: UDP port 500, IPv4 and IPv6, with the local address of each message. Port 4500 belongs to the data
 * plane, which hands IKE messages up: the user plane has sockets of its own, the kernel plane takes this one, where the kernel
 * keeps what is ESP. */
#ifndef NHRPD_DAEMON_IKESOCK_H
#define NHRPD_DAEMON_IKESOCK_H

#include "lib/addr.h"
#include "lib/host.h"

struct ikesock;
typedef void ikesock_fn(void *ctx, const struct endpoint *local, const struct endpoint *remote, struct span message);

enum ikesock_port { IKESOCK_500, IKESOCK_4500 };
/* NULL with a sentence in err. A host without IPv6 is fine. On 4500 the marker is taken off what comes in; keepalives are dropped. */
struct ikesock *ikesock_new(const struct host *host, enum ikesock_port port, ikesock_fn *fn, void *ctx, char *err, size_t errlen);
void	ikesock_free(struct ikesock *s);
/* 0 or a negative errno. local.addr none: the kernel picks. On 4500 the marker is put before it, unless it is a keepalive of one
 * octet. `whole`: with DF, too large is to get lost. */
int	ikesock_send(struct ikesock *s, const struct endpoint *local, const struct endpoint *remote, struct span message, bool whole);

#endif
