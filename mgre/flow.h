/* mgre/flow.h: two small tables with a fixed bound. Who sent what lately: a packet that a peer sent us and that the kernel then
 * routes back into the tunnel is one to send a redirect for. And which destinations were reported as unresolved lately.
 * Both are two-way sets under a keyed hash: a full set gives up its older entry, and nothing is allocated by a packet. */
#ifndef MGRE_FLOW_H
#define MGRE_FLOW_H

#include "lib/addr.h"
#include "lib/bucket.h"
#include "lib/map.h"

enum {
	FLOWS = 4096,
	FLOW_FRESH_MS = 2000,	/* the kernel routes a packet at once, but may wait for a full queue */
	FLOW_TELL_EVERY_S = 2, FLOW_TELL_BURST = 1,
	DESTS = 1024,
	DEST_TELL_EVERY_MS = 1000, DEST_TELL_BURST = 2,
};

struct flow {
	struct addr src, dst;
	uint32_t peer;	/* who sent it */
	tick_t at;
	struct bucket told;
};

struct dest {
	struct addr dst;
	tick_t at;
	struct bucket told;
};

struct flow_table {
	const struct env *env;
	struct map hash;	/* only for its keyed hash */
	struct flow *flow;	/* NULL: redirects are off */
	struct dest dest[DESTS];
};

void	flow_init(struct flow_table *t, const struct env *env);
void	flow_fini(struct flow_table *t);
bool	flow_enable(struct flow_table *t, bool on);	/* false without memory */
void	flow_seen(struct flow_table *t, tick_t now, const struct addr *src, const struct addr *dst, uint32_t peer);
/* The packet leaves to out_peer: true when a redirect is due, *from is who sent it. */
bool	flow_redirect(struct flow_table *t, tick_t now, const struct addr *src, const struct addr *dst, uint32_t out_peer, uint32_t *from);
bool	dest_unresolved(struct flow_table *t, tick_t now, const struct addr *dst);	/* true when it is to be reported */

#endif
