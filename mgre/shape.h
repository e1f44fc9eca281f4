/* mgre/shape.h: holds what goes to a peer to a rate, and shares that rate among its flows (see shape.c). Knows packets, not where they go:
 * what is due is handed to a function of the owner's, which also says what time it is. */
#ifndef MGRE_SHAPE_H
#define MGRE_SHAPE_H

#include "lib/env.h"
#include "lib/tick.h"
#include "mgre/inner.h"

struct shaper;	/* of a plane: the pool of held packets, and who waits */
struct shaped;	/* of a peer */

struct shape_pkt {
	struct span bytes;	/* an inner packet, or a piece of one; may be changed until the call returns */
	bool v6, may_fragment;
	uint8_t tos;
};
/* A packet that is due. May call back into all functions here, shaped_free() of the same peer included. */
typedef void shape_send_fn(void *owner, uint32_t peer, const struct shape_pkt *p);

struct shaper *shaper_new(const struct env *env, shape_send_fn *send, uint64_t *count);	/* count: by enum mgre_count; NULL without memory */
void	shaper_free(struct shaper *s);	/* behind its peers */
void	shaper_run(struct shaper *s, tick_t now);	/* sends what is due */
tick_t	shaper_deadline(const struct shaper *s);	/* when it wants to be called; TICK_NEVER: nobody waits */

/* NULL without memory. overhead: octets that a packet is longer outside. */
struct shaped *shaped_new(struct shaper *s, void *owner, uint32_t peer, uint64_t rate, unsigned overhead);
void	shaped_free(struct shaped *q);	/* what it holds is dropped; NULL is fine */
void	shaped_flush(struct shaped *q, tick_t now);	/* what it holds leaves at once */
void	shaped_set(struct shaped *q, uint64_t rate, unsigned overhead);

enum shape_verdict { SHAPE_NOW /* the caller may send it */, SHAPE_HELD /* copied: it comes back when it is due */, SHAPE_DROPPED };
/* bytes: the packet, or a piece of it; in: the packet, for what flow it is of. */
enum shape_verdict shape_put(struct shaped *q, tick_t now, const struct inner *in, struct span bytes, bool may_fragment);

struct shape_info {
	uint64_t rate, held, sent, dropped, marked;	/* held: packets that waited, in all; sent: all that left */
	uint32_t backlog, backlog_octets, flows;	/* now */
};
void	shaped_info(const struct shaped *q, struct shape_info *out);

#endif
