/* lib/env.h: what an engine may use of the world: memory, random octets, a log. Nothing else, and all of it can be
 * replaced by a test: an allocator that fails, a random source with a seed, a log that is read. */
#ifndef LIB_ENV_H
#define LIB_ENV_H

#include <stddef.h>
#include <stdint.h>

struct log;
struct trace_sink;

struct env {
	void *ctx;
	void *(*alloc)(void *ctx, size_t n);	/* zeroed, like calloc; NULL when there is none */
	void (*release)(void *ctx, void *p);	/* NULL is fine */
	void (*random)(void *ctx, void *out, size_t n);
	struct log *log;	/* may be NULL: silence */
	const struct trace_sink *trace;	/* may be NULL: steps are not recorded (lib/trace.h) */
};

static inline void *
env_alloc(const struct env *e, size_t n)
{
	return e->alloc(e->ctx, n);
}

static inline void
env_free(const struct env *e, void *p)
{
	e->release(e->ctx, p);
}

uint32_t env_random32(const struct env *e);
uint64_t env_random64(const struct env *e);
uint32_t env_random_below(const struct env *e, uint32_t n);	/* 0 .. n-1; 0 where n is 0 */
/* base plus or minus up to pct percent of it: timers of many peers must not beat together. */
uint64_t env_jitter(const struct env *e, uint64_t base, unsigned pct);
void	env_libc(struct env *e);	/* calloc, free; random stays the caller's to set */

#endif
