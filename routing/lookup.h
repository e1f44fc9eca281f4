/* routing/lookup.h: one question to the kernel: where would a packet to this address go, and does it know the next hop? For
 * shows, at the moment somebody asks; the engines follow the tables instead (kernel.c). */
#ifndef ROUTING_LOOKUP_H
#define ROUTING_LOOKUP_H

#include "lib/rib.h"

struct route_answer {
	int error;	/* 0, or why there is no way: errno (ENETUNREACH; EHOSTUNREACH, EACCES, EINVAL of a route that refuses) */
	struct rib_route route;	/* the route it takes: dst as the table has it, via, ifindex, kind; metric and mtu where it has one */
	char name[16];	/* of the interface, "" unknown */
	struct addr src;	/* the address it would come from; or none */
	uint8_t protocol;	/* who set it: RTPROT_*, ROUTING_PROTO */
	unsigned link_mtu;	/* 0 unknown */
};

void	route_lookup(const struct addr *to, struct route_answer *out);
/* Has the kernel an entry for this next hop on this interface that can be used? 1, 0; negative errno: not to be told. */
int	neigh_lookup(uint32_t ifindex, const struct addr *hop);

#endif
