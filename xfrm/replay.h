/* xfrm/replay.h: the anti-replay window of an inbound SA. RFC 4303, sections 3.4.3 and A2; ring of words as in RFC 6479.
 *
 * check() before authentication moves nothing; commit() after it. With ESN the high half of a number is not on the wire:
 * replay_seq() infers it from where the window stands. */
#ifndef XFRM_REPLAY_H
#define XFRM_REPLAY_H

#include <stdbool.h>

#include "lib/env.h"

enum { REPLAY_MIN = 64, REPLAY_DEFAULT = 4096, REPLAY_MAX = 1 << 18 };	/* packets */

struct replay {
	uint64_t top;	/* highest number authenticated; 0 none */
	uint32_t window;	/* packets, 1 .. REPLAY_MAX */
	uint32_t mask;	/* words in the ring, less one */
	bool esn;
	uint64_t bits[];
};

enum replay_verdict { REPLAY_OK, REPLAY_ZERO, REPLAY_OLD, REPLAY_SEEN };

struct replay *replay_new(const struct env *env, uint32_t window, bool esn);	/* 0: the default; cut to the bounds above */
uint64_t replay_seq(const struct replay *r, uint32_t lo);	/* the full number; 0 where none can be meant */
enum replay_verdict replay_check(const struct replay *r, uint64_t seq);
bool	replay_commit(struct replay *r, uint64_t seq);	/* of a number that check() let pass; true when it is the newest */

#endif
