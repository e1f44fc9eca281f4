/* nhrpd/daemon/dp_user.h: the user data plane put together: tunnels from mgre/, security from xfrm/, the seam lib/dpsec.h
 * between them, one face (lib/dplane.h) outside. Needs CAP_NET_ADMIN, CAP_NET_RAW and /dev/net/tun; root of an unprivileged
 * user and network namespace has all of them. Owns UDP port 4500 (ESP and IKE behind NAT); port 500 is the daemon's. */
#ifndef NHRPD_DAEMON_DP_USER_H
#define NHRPD_DAEMON_DP_USER_H

#include "lib/dplane.h"
#include "lib/host.h"

/* Opens sockets; tunnels come later by tunnel_set. NULL with a sentence in err. `host` must outlive the plane. Events come
 * from the loop's thread; the handler may call any verb but free(). */
struct dp *dp_user_new(const struct host *host, dp_event_fn *fn, void *ctx, char *err, size_t errlen);

#endif
