/* nhrpd/daemon/dp_kernel.h: the kernel data plane put together: GRE devices from mgre/kernel.c, states and policies from
 * xfrm/kernel.c, one face (lib/dplane.h) outside. Packets stay in the kernel. Needs CAP_NET_ADMIN and CAP_NET_RAW, a kernel with
 * ip_gre, xfrm_user, esp4 or esp6. Owns UDP port 4500, where the kernel takes what is ESP; port 500 is the daemon's. */
#ifndef NHRPD_DAEMON_DP_KERNEL_H
#define NHRPD_DAEMON_DP_KERNEL_H

#include "lib/dplane.h"
#include "lib/host.h"

/* What is asked of the kernel beyond ip_gre and xfrm_user. */
struct dp_kernel_needs {
	bool esp4, esp6;	/* some tunnel is protected, with that outside */
	bool bare6;	/* one is not, with IPv6 outside */
	bool two_vrfs;	/* a tunnel is in a VRF, and its outer packets are in one */
	bool mss;	/* TCP's MSS is to be lowered (mgre/guard.h) */
	bool bpf;	/* what leaves by the device has to be seen: multicast, redirects (mgre/leaving.h) */
};
/* False with a sentence in err: what is missing, by its module's and option's name. Leaves nothing behind. */
bool	dp_kernel_probe(const struct host *host, const struct dp_kernel_needs *needs, char *err, size_t errlen);

/* NULL with a sentence in err: which module is missing. `host` must outlive the plane. Events come from the loop's thread; the
 * handler may call any verb but free(). */
struct dp *dp_kernel_new(const struct host *host, dp_event_fn *fn, void *ctx, char *err, size_t errlen);

#endif
