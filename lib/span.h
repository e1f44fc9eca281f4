/* lib/span.h: reading and writing octets without running past an end.
 *
 * A cursor reads a packet straight through; one read past the end turns it bad for good and everything it hands out
 * from then on is empty (never NULL), so a parser asks once, at the end. A writer is the same in the other direction:
 * what does not fit turns it bad and is not written. All multi-octet integers are network byte order.
 * Spans borrow: they point into somebody else's memory and own nothing. */
#ifndef LIB_SPAN_H
#define LIB_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const uint8_t *p;
	size_t n;
};

struct cur {
	const uint8_t *p, *end;
	bool bad;
};

struct wr {
	uint8_t *base, *p, *end;
	bool bad;
};

#define SPAN_STR(s) ((struct span){ (const uint8_t *)(s), sizeof(s) - 1 })

static inline struct span
span_of(const void *p, size_t n)
{
	return (struct span){ p, n };
}

static inline bool
span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline struct cur
cur_of(struct span s)
{
	return (struct cur){ s.p, s.p + s.n, false };
}

static inline size_t
cur_left(const struct cur *c)
{
	return (size_t)(c->end - c->p);
}

static inline struct span
cur_take(struct cur *c, size_t n)
{
	static const uint8_t none[1];
	struct span s = { c->p, n };

	if (c->bad || n > cur_left(c)) {
		c->bad = true;
		c->p = c->end;
		return (struct span){ none, 0 };
	}
	c->p += n;
	return s;
}

static inline struct span
cur_rest(struct cur *c)
{
	return cur_take(c, cur_left(c));
}

static inline uint8_t
cur_u8(struct cur *c)
{
	struct span s = cur_take(c, 1);

	return s.n ? s.p[0] : 0;
}

static inline uint16_t
cur_be16(struct cur *c)
{
	struct span s = cur_take(c, 2);

	return s.n ? (uint16_t)(s.p[0] << 8 | s.p[1]) : 0;
}

static inline uint32_t
cur_be32(struct cur *c)
{
	struct span s = cur_take(c, 4);

	return s.n ? (uint32_t)s.p[0] << 24 | (uint32_t)s.p[1] << 16 | (uint32_t)s.p[2] << 8 | s.p[3] : 0;
}

static inline uint64_t
cur_be64(struct cur *c)
{
	struct cur d = cur_of(cur_take(c, 8));
	uint64_t hi = cur_be32(&d);

	return hi << 32 | cur_be32(&d);
}

static inline struct wr
wr_of(void *p, size_t n)
{
	return (struct wr){ p, p, (uint8_t *)p + n, false };
}

static inline size_t
wr_len(const struct wr *w)
{
	return (size_t)(w->p - w->base);
}

static inline struct span
wr_span(const struct wr *w)
{
	return (struct span){ w->base, wr_len(w) };
}

/* Room for n octets, to be filled by the caller; NULL (and bad) where there is none. */
static inline uint8_t *
wr_room(struct wr *w, size_t n)
{
	uint8_t *p = w->p;

	if (w->bad || n > (size_t)(w->end - w->p)) {
		w->bad = true;
		return NULL;
	}
	w->p += n;
	return p;
}

static inline void
wr_bytes(struct wr *w, const void *src, size_t n)
{
	uint8_t *p = wr_room(w, n);

	if (p && n)
		memcpy(p, src, n);
}

static inline void
wr_put(struct wr *w, struct span s)
{
	wr_bytes(w, s.p, s.n);
}

static inline void
wr_zero(struct wr *w, size_t n)
{
	uint8_t *p = wr_room(w, n);

	if (p && n)
		memset(p, 0, n);
}

static inline void
put_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void
put_be32(uint8_t *p, uint32_t v)
{
	put_be16(p, (uint16_t)(v >> 16));
	put_be16(p + 2, (uint16_t)v);
}

static inline uint16_t
get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t
get_be32(const uint8_t *p)
{
	return (uint32_t)get_be16(p) << 16 | get_be16(p + 2);
}

static inline void
wr_u8(struct wr *w, uint8_t v)
{
	wr_bytes(w, &v, 1);
}

static inline void
wr_be16(struct wr *w, uint16_t v)
{
	uint8_t *p = wr_room(w, 2);

	if (p)
		put_be16(p, v);
}

static inline void
wr_be32(struct wr *w, uint32_t v)
{
	uint8_t *p = wr_room(w, 4);

	if (p)
		put_be32(p, v);
}

static inline void
wr_be64(struct wr *w, uint64_t v)
{
	wr_be32(w, (uint32_t)(v >> 32));
	wr_be32(w, (uint32_t)v);
}

/* Fills in an octet pair written before, e.g. a length known only now. `at` counts from the writer's base. */
static inline void
wr_patch16(struct wr *w, size_t at, uint16_t v)
{
	if (!w->bad && at + 2 <= wr_len(w))
		put_be16(w->base + at, v);
}

#endif
