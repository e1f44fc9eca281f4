/* nhrpd/daemon/vrfs.h: the routing tables of the VRFs that tunnels are in (`vrf forwarding NAME`), each by the kernel alone. A VRF is a
 * device that the operator makes (ip link add NAME type vrf table N); here it is only used. */
#ifndef NHRPD_DAEMON_VRFS_H
#define NHRPD_DAEMON_VRFS_H

#include "lib/host.h"
#include "lib/rib.h"
#include "nhrpd/core/core.h"

struct vrfs;

struct vrfs *vrfs_new(const struct host *host, rib_event_fn *fn, void *ctx);	/* NULL without memory */
void	vrfs_free(struct vrfs *v);	/* takes our routes away */
/* Opens what the tunnels are in, before they are made. False with a sentence in err where one is not there. */
bool	vrfs_open(struct vrfs *v, const struct core_conf *conf, char *err, size_t errlen);
void	vrfs_start(struct vrfs *v);	/* fn hears the routes of each, with rib_event.vrf, from here on */
void	vrfs_again(struct vrfs *v);	/* once more, and of those that are new: somebody new listens */
struct rib *vrfs_rib(const struct vrfs *v, const char *vrf);	/* NULL: it is not open */

/* The one VRF that outer packets of all tunnels are in (`tunnel vrf NAME`); NULL: none. */
const char *vrfs_underlay(const struct core_conf *conf);

#endif
