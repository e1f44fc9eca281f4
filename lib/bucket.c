#include "lib/bucket.h"

#define UNIT 1000000u	/* a token, so that a rate per second gains `rate` units a microsecond */

static bool
take(struct bucket *b, tick_t now, uint64_t gain, uint32_t burst)
{
	uint64_t full = (uint64_t)burst * UNIT;

	b->level = !b->started || gain > full - b->level ? full : b->level + gain;
	b->started = true;
	b->last = now;
	if (b->level < UNIT)
		return false;
	b->level -= UNIT;
	return true;
}

/* Microseconds since the last call, cut where multiplying them would overflow. */
static uint64_t
elapsed(const struct bucket *b, tick_t now)
{
	uint64_t dt = b->started && now > b->last ? now - b->last : 0;

	return dt > TICK_S(3600) ? TICK_S(3600) : dt;
}

bool
bucket_take(struct bucket *b, tick_t now, uint32_t rate, uint32_t burst)
{
	if (b->level > (uint64_t)burst * UNIT)	/* the burst was made smaller */
		b->level = (uint64_t)burst * UNIT;
	return take(b, now, elapsed(b, now) * rate, burst);
}

bool
bucket_take_slow(struct bucket *b, tick_t now, tick_t every, uint32_t burst)
{
	uint64_t dt = elapsed(b, now);

	if (b->level > (uint64_t)burst * UNIT)
		b->level = (uint64_t)burst * UNIT;
	return take(b, now, every ? dt * UNIT / every : (uint64_t)burst * UNIT, burst);
}
