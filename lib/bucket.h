/* lib/bucket.h: token bucket. Holds up to `burst` tokens, gains `rate` a second; one bucket is 24 octets and no timer. */
#ifndef LIB_BUCKET_H
#define LIB_BUCKET_H

#include <stdbool.h>

#include "lib/tick.h"

struct bucket {
	tick_t last;	/* when `level` was true */
	uint64_t level;	/* tokens times 1e6 */
	bool started;	/* a zeroed bucket starts full on first use */
};

bool	bucket_take(struct bucket *b, tick_t now, uint32_t rate, uint32_t burst);
/* The same with a rate below one a second: one token every `every` microseconds. */
bool	bucket_take_slow(struct bucket *b, tick_t now, tick_t every, uint32_t burst);

#endif
