/* routing/kernel.h: routes in the Linux routing table, by rtnetlink (libnl-route), behind lib/rib.h. For hosts where no
 * zebra runs. Ours carry protocol number ROUTING_PROTO, so that an operator sees them (`ip route show proto 145`) and an
 * earlier life's can be found and removed. */
#ifndef ROUTING_KERNEL_H
#define ROUTING_KERNEL_H

#include "lib/host.h"
#include "lib/rib.h"

enum {
	ROUTING_PROTO = 145, ROUTING_METRIC_IPV6 = 10,
	/* Static routes of the configuration: behind those of shortcuts to the same prefix. */
	ROUTING_PROTO_FIXED = 146, ROUTING_METRIC_FIXED = 30,
	ROUTING_PROTO_ZEBRA = 191,	/* ours too, installed by zebra */
	/* "Unreachable", behind the routes of crypto maps: it stays when the daemon has gone, so that nothing leaves in clear. */
	ROUTING_PROTO_GUARD = 147, ROUTING_METRIC_GUARD = 1, ROUTING_METRIC_GUARD6 = ROUTING_METRIC_IPV6 + 1,
};

/* Starts to follow the main and local tables; fn hears the dump and RIB_EV_READY from rib_kernel_start() on. NULL with a
 * sentence in err. */
struct rib *rib_kernel_new(const struct host *host, rib_event_fn *fn, void *ctx, char *err, size_t errlen);
/* The same for the table of a VRF, which has to be there. */
struct rib *rib_kernel_vrf_new(const struct host *host, const char *vrf, rib_event_fn *fn, void *ctx, char *err, size_t errlen);
void	rib_kernel_start(struct rib *rib);
void	rib_kernel_again(struct rib *rib);	/* tells all that is known once more, and RIB_EV_READY: somebody new listens */
bool	rib_kernel_told(const struct rib *rib, const struct prefix *dst);	/* somebody else's route to dst is known */
int	rib_kernel_forget(struct rib *rib, const struct prefix *dst);	/* takes away what a zebra that is gone left of ours; 0 or negative errno */

#endif
