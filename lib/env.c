#include "lib/env.h"

#include <stdlib.h>

uint32_t
env_random32(const struct env *e)
{
	uint32_t v;

	e->random(e->ctx, &v, sizeof(v));
	return v;
}

uint64_t
env_random64(const struct env *e)
{
	uint64_t v;

	e->random(e->ctx, &v, sizeof(v));
	return v;
}

/* Multiply-shift: the bias for n far below 2^32 does not matter for timers and choices. */
uint32_t
env_random_below(const struct env *e, uint32_t n)
{
	return (uint32_t)(((uint64_t)env_random32(e) * n) >> 32);
}

uint64_t
env_jitter(const struct env *e, uint64_t base, unsigned pct)
{
	uint64_t span = base / 100 * pct;

	if (span == 0)
		return base;
	return base - span + env_random64(e) % (2 * span + 1);
}

static void *
libc_alloc(void *ctx, size_t n)
{
	(void)ctx;
	return calloc(1, n ? n : 1);
}

static void
libc_release(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

void
env_libc(struct env *e)
{
	e->alloc = libc_alloc;
	e->release = libc_release;
}
