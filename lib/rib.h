/* lib/rib.h: routes, whoever installs them: zebra, or the kernel by rtnetlink.
 *
 * Down: route_set and route_del for shortcut prefixes and peer routes, marked as ours. Up: the best route per prefix
 * of everybody else (ours are never reported), first as a dump ended by RIB_EV_READY, then as changes. */
#ifndef LIB_RIB_H
#define LIB_RIB_H

#include "lib/addr.h"

enum rib_kind {
	RIB_UNICAST,	/* by `via` and `ifindex` */
	RIB_LOCAL,	/* one of this host's addresses */
	RIB_REJECT,	/* blackhole, unreachable, prohibit */
};

struct rib_route {
	struct prefix dst;
	struct addr via;	/* none: on link */
	uint32_t ifindex;
	enum rib_kind kind;
	uint32_t metric;
	uint32_t mtu;	/* route_set: 0 for none */
	uint32_t tunnel, cookie, attempt;	/* route_set: the asker's, given back with RIB_EV_RESULT */
	bool fixed;	/* route_set, route_del: configured. Unlike others of ours it is reported, as somebody else's would be. */
	bool before;	/* fixed: goes before equal routes of others */
	struct addr src;	/* route_set: what this host speaks from there; none: whatever */
};

enum rib_event_kind {
	RIB_EV_ROUTE, RIB_EV_GONE, RIB_EV_READY,
	RIB_EV_RESULT,	/* of a route_set that answered -EINPROGRESS */
	RIB_EV_FAILED,	/* a route of ours that was there is not any more */
};

struct rib_event {
	enum rib_event_kind kind;
	struct rib_route route;	/* GONE: only dst is meant */
	int error;	/* RESULT: 0 or a negative errno */
	const char *reason;	/* RESULT with an error, FAILED: in words; static */
	const char *vrf;	/* whose table it is; NULL: the main one */
};

typedef void rib_event_fn(void *ctx, const struct rib_event *ev);

struct rib;
struct rib_ops {
	/* Adds or replaces ours; 0 or negative errno. -EINPROGRESS: RIB_EV_RESULT follows. fixed, of kind REJECT: one behind the others to the
	 * same prefix, which flush() leaves alone. */
	int (*route_set)(struct rib *, const struct rib_route *);
	int (*route_del)(struct rib *, const struct rib_route *);	/* dst, ifindex; absent is fine */
	int (*flush)(struct rib *);	/* removes all that carry our mark, e.g. of an earlier life */
	int (*sweep)(struct rib *, bool (*stays)(void *ctx, const struct prefix *), void *ctx);	/* removes those of kind REJECT that do not */
	void (*free)(struct rib *);
};

struct rib {
	const struct rib_ops *ops;
};

#endif
