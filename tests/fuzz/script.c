#include "tests/fuzz/script.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/seeded.h"

/* The size stands before each block, 16 octets to keep its alignment. */
enum { HEAD = 16 };

static void *
counted_alloc(void *ctx, size_t n)
{
	struct fuzz_env *e = ctx;
	uint8_t *p;

	if (e->fail_in > 0) {
		e->fail_in--;
	} else if (e->fail_n > 0) {
		e->fail_n--;
		return NULL;
	}
	p = calloc(1, HEAD + n);
	HOLDS(p, "no memory for %zu octets", n);
	memcpy(p, &n, sizeof(n));
	e->live++;
	e->octets += n;
	e->most = e->octets > e->most ? e->octets : e->most;
	return p + HEAD;
}

static void
counted_release(void *ctx, void *p)
{
	struct fuzz_env *e = ctx;
	size_t n;

	if (!p)
		return;
	memcpy(&n, (uint8_t *)p - HEAD, sizeof(n));
	e->live--;
	e->octets -= n;
	free((uint8_t *)p - HEAD);
}

static void
seeded_random(void *ctx, void *out, size_t n)
{
	struct fuzz_env *e = ctx;

	seeded_fill(&e->seed, out, n);
}

static void
log_line(void *ctx, enum log_level lv, const char *word, const char *text)
{
	(void)ctx;
	HOLDS(word[0], "a log line without a word");
	fuzz_trace("    log %s %s: %s", log_level_name(lv), word, text);
}

void
fuzz_env_init(struct fuzz_env *e, uint64_t seed)
{
	memset(e, 0, sizeof(*e));
	e->env = (struct env){ e, counted_alloc, counted_release, seeded_random, &e->log };
	e->log = (struct log){ log_line, e, LOG_LV_DEBUG };
	e->seed = seed;
}

void
fuzz_env_fail(struct fuzz_env *e, uint8_t in, uint8_t n)
{
	e->fail_in = in;
	e->fail_n = n;
}

void
fuzz_env_calm(struct fuzz_env *e)
{
	e->fail_in = e->fail_n = 0;
}

void
fuzz_die(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%d: ", file, line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

void
fuzz_trace(const char *fmt, ...)
{
	static int on = -1;
	va_list ap;

	if (on < 0)
		on = getenv("FUZZ_TRACE") != NULL;
	if (!on)
		return;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

uint8_t
script_u8(struct cur *c)
{
	return cur_left(c) ? cur_u8(c) : 0;
}

uint16_t
script_be16(struct cur *c)
{
	uint8_t hi = script_u8(c);

	return (uint16_t)(hi << 8 | script_u8(c));
}

unsigned
script_below(struct cur *c, unsigned n)
{
	return script_u8(c) % n;
}

struct span
script_take(struct cur *c, size_t n)
{
	return cur_take(c, n < cur_left(c) ? n : cur_left(c));
}

uint8_t *
fuzz_exact(struct span s)
{
	uint8_t *p = malloc(s.n ? s.n : 1);

	HOLDS(p, "no memory");
	if (s.n)
		memcpy(p, s.p, s.n);
	return p;
}
