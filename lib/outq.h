/* lib/outq.h: the bounded queue of actions that an engine writes and its caller empties.
 *
 * Fixed-size actions in an array, packet octets in an arena beside it; emptying is resetting two counters, so there is
 * no allocation per action. An engine typed by X wraps it: `struct x_act *x_out_add(struct outq *, enum)`. When it is
 * full, adding returns NULL and `turned_away` counts: engines ask outq_room() before they start a step that they could
 * not finish, and a tick stops early with its deadline still due. */
#ifndef LIB_OUTQ_H
#define LIB_OUTQ_H

#include "lib/env.h"
#include "lib/span.h"

struct outq {
	uint8_t *item;
	size_t item_size, n, cap;
	uint8_t *arena;
	size_t used, arena_cap;
	uint64_t turned_away;
};

bool	outq_init(struct outq *q, const struct env *env, size_t item_size, size_t cap, size_t arena_cap);
void	outq_fini(struct outq *q, const struct env *env);
void	outq_reset(struct outq *q);	/* empties; octets handed out before are gone */
void	*outq_add(struct outq *q);	/* a zeroed item, or NULL */
void	*outq_at(struct outq *q, size_t i);
uint8_t	*outq_octets(struct outq *q, size_t n);	/* room for n octets that live until the reset, or NULL */
/* Copies s into the arena; an empty span and false when there is no room. */
bool	outq_copy(struct outq *q, struct span s, struct span *out);
static inline bool
outq_room(const struct outq *q, size_t items, size_t octets)
{
	return q->cap - q->n >= items && q->arena_cap - q->used >= octets;
}

#endif
