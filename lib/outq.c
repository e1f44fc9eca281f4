#include "lib/outq.h"

bool
outq_init(struct outq *q, const struct env *env, size_t item_size, size_t cap, size_t arena_cap)
{
	memset(q, 0, sizeof(*q));
	q->item = env_alloc(env, item_size * cap);
	q->arena = env_alloc(env, arena_cap);
	if (!q->item || !q->arena) {
		outq_fini(q, env);
		return false;
	}
	q->item_size = item_size;
	q->cap = cap;
	q->arena_cap = arena_cap;
	return true;
}

void
outq_fini(struct outq *q, const struct env *env)
{
	env_free(env, q->item);
	env_free(env, q->arena);
	memset(q, 0, sizeof(*q));
}

void
outq_reset(struct outq *q)
{
	q->n = 0;
	q->used = 0;
}

void *
outq_add(struct outq *q)
{
	void *p;

	if (q->n == q->cap) {
		q->turned_away++;
		return NULL;
	}
	p = q->item + q->item_size * q->n++;
	memset(p, 0, q->item_size);
	return p;
}

void *
outq_at(struct outq *q, size_t i)
{
	return i < q->n ? q->item + q->item_size * i : NULL;
}

/* Aligned, because structs are put here too. */
uint8_t *
outq_octets(struct outq *q, size_t n)
{
	size_t at = (q->used + 15) & ~(size_t)15;

	if (at > q->arena_cap || n > q->arena_cap - at) {
		q->turned_away++;
		return NULL;
	}
	q->used = at + n;
	return q->arena + at;
}

bool
outq_copy(struct outq *q, struct span s, struct span *out)
{
	uint8_t *p = outq_octets(q, s.n);

	*out = (struct span){ (const uint8_t *)"", 0 };
	if (!p)
		return false;
	if (s.n)
		memcpy(p, s.p, s.n);
	*out = span_of(p, s.n);
	return true;
}
