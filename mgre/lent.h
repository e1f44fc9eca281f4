/* mgre/lent.h: next hops that have no neighbour yet are lent the fallback's, the hub's, so that their traffic has a way meanwhile (kernel plane). */
#ifndef MGRE_LENT_H
#define MGRE_LENT_H

#include "lib/addr.h"
#include "lib/map.h"

enum { LENT_MAX = 4096 };	/* next hops of a tunnel; those above wait in the kernel, as without a fallback */

struct nlq;

struct lent {
	struct map at;	/* by next hop */
	struct addr to;	/* the fallback's hardware address; none: there is no fallback */
};

void	lent_init(struct lent *l, const struct env *env);
void	lent_fini(struct lent *l);	/* the interface is gone, or goes */
/* The fallback is there now, or nowhere (NULL): what was lent follows, or is taken back. Messages are queued, see lib/nlq.h. */
void	lent_move(struct lent *l, struct nlq *q, unsigned ifindex, const struct addr *to);
bool	lent_lend(struct lent *l, struct nlq *q, unsigned ifindex, const struct addr *proto);	/* false: it has to wait */
void	lent_forget(struct lent *l, const struct addr *proto);	/* it has a neighbour of its own, or the kernel dropped what it was lent */
void	lent_clear(struct lent *l);	/* the interface is another one */

#endif
