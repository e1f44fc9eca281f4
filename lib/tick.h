/* lib/tick.h: time as the engines see it. Microseconds on a clock that never runs backwards; the caller owns the clock. */
#ifndef LIB_TICK_H
#define LIB_TICK_H

#include <stdint.h>

typedef uint64_t tick_t;

#define TICK_NEVER UINT64_MAX
#define TICK_MS(n) ((tick_t)(n) * 1000)
#define TICK_S(n)  ((tick_t)(n) * 1000000)

static inline tick_t
tick_min(tick_t a, tick_t b)
{
	return a < b ? a : b;
}

/* Whole seconds left until `at`, rounded up; 0 once it has passed. */
static inline uint32_t
tick_left_s(tick_t now, tick_t at)
{
	return at <= now ? 0 : at == TICK_NEVER ? UINT32_MAX : (uint32_t)((at - now + 999999) / 1000000);
}

#endif
