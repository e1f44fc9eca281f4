/* routing/routes.h: the routing table, by zebra where it runs, else the kernel alone; behind lib/rib.h.
 *
 * Everybody else's routes are heard from the kernel always, and from zebra those that the kernel does not have (a route of ours stands
 * in their place). Routes of ours are with zebra while a session stands and with the kernel else. When that changes they are made in the
 * new place before they leave the old one. Static routes of the configuration stay with the kernel, where zebra sees them. */
#ifndef ROUTING_ROUTES_H
#define ROUTING_ROUTES_H

#include "lib/host.h"
#include "lib/rib.h"
#include "routing/zebra.h"

enum { ROUTES_OURS_MAX = 100000 };

struct rib *routes_new(const struct host *host, rib_event_fn *fn, void *ctx, char *err, size_t errlen);	/* NULL with a sentence in err */
void	routes_start(struct rib *rib);	/* fn hears the dump and RIB_EV_READY from here on */
void	routes_again(struct rib *rib);	/* all that is known once more, and RIB_EV_READY: somebody new listens */
typedef void routes_dial_fn(void *ctx, const char *path, void (*done)(void *arg, int fd), void *arg);
void	routes_dial(struct rib *rib, routes_dial_fn *fn, void *ctx);	/* who connects where we may not, see zebra_face; before routes_zebra() */
bool	routes_zebra(struct rib *rib, const struct zebra_conf *conf);	/* look for zebra, or do not any more; false without memory */

/* Hears of each session with zebra, v NULL: that there is none any more; before routes_zebra(). */
typedef void routes_session_fn(void *ctx, const struct zapi_version *v, const char *path);
void	routes_on_session(struct rib *rib, routes_session_fn *fn, void *ctx);

enum routes_place { ROUTES_NOWHERE, ROUTES_KERNEL, ROUTES_ASKED /* zebra, no answer yet */, ROUTES_ZEBRA, ROUTES_REFUSED /* by zebra */ };
const char *routes_place_name(enum routes_place p);
enum routes_place routes_where(const struct rib *rib, const struct prefix *dst, uint32_t ifindex);	/* a route of ours */

struct routes_info {
	bool on;	/* zebra is looked for */
	struct zebra_info zebra;
	size_t ours, in_kernel, in_zebra, asked, refused;
	uint64_t moved;	/* times that routes changed places */
};
void	routes_info(const struct rib *rib, struct routes_info *out);

#endif
