/* xfrm/stale.h: peers of an earlier life of this program whose states still stand in the kernel, and until when they may. Pure.
 *
 * Their traffic goes on while we get to know them again: a peer that has a new SA at the same outer address needs the old one a
 * moment longer, one that never comes back until the end of the grace time. A peer is known by the number in its states' reqid. */
#ifndef XFRM_STALE_H
#define XFRM_STALE_H

#include "lib/addr.h"
#include "lib/map.h"
#include "lib/tick.h"

struct stale {
	const struct env *env;
	struct map by_id, by_remote;
	tick_t next;	/* when stale_due() is to be asked; TICK_NEVER: there is none */
};

void	stale_init(struct stale *s, const struct env *env);
void	stale_fini(struct stale *s);
/* A state of `peer` was found; remote: where its packets go (of an outbound one), or NULL. False: no memory, it is to go. */
bool	stale_note(struct stale *s, uint32_t tunnel, uint32_t peer, const struct endpoint *remote, tick_t until);
bool	stale_has(const struct stale *s, uint32_t tunnel, uint32_t peer);	/* and it is not due */
bool	stale_taken(const struct stale *s, uint32_t peer);	/* in any tunnel */
void	stale_shorten(struct stale *s, uint32_t tunnel, const struct endpoint *remote, tick_t until);	/* that one has a new SA */
unsigned stale_due(struct stale *s, tick_t now);	/* marks and counts those whose time is over: stale_has() denies them, */
void	stale_reap(struct stale *s);	/* and this forgets them */
static inline size_t
stale_count(const struct stale *s)
{
	return s->by_id.n;
}

#endif
