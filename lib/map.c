#include "lib/map.h"

enum { FIRST_BITS = 4, LAST_BITS = 24 };

void
map_init(struct map *m, const struct env *env)
{
	memset(m, 0, sizeof(*m));
	m->env = env;
	env->random(env->ctx, m->key, sizeof(m->key));
}

void
map_fini(struct map *m)
{
	env_free(m->env, m->slot);
	m->slot = NULL;
	m->only = NULL;
	m->n = 0;
	m->bits = 0;
}

/* SipHash-1-3 (Aumasson, Bernstein): a keyed hash for tables, fast on short keys. Not used where secrecy matters. */
#define ROTL(x, b) ((x) << (b) | (x) >> (64 - (b)))

static inline void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = ROTL(v[1], 13) ^ v[0];
	v[0] = ROTL(v[0], 32);
	v[2] += v[3];
	v[3] = ROTL(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = ROTL(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = ROTL(v[1], 17) ^ v[2];
	v[2] = ROTL(v[2], 32);
}

uint64_t
map_hash(const struct map *m, const void *key, size_t n)
{
	uint64_t v[4] = { m->key[0] ^ 0x736f6d6570736575u, m->key[1] ^ 0x646f72616e646f6du, m->key[0] ^ 0x6c7967656e657261u,
		m->key[1] ^ 0x7465646279746573u };
	const uint8_t *p = key;
	uint64_t w, tail = (uint64_t)n << 56;

	for (; n >= 8; n -= 8, p += 8) {
		memcpy(&w, p, 8);
		v[3] ^= w;
		sip_round(v);
		v[0] ^= w;
	}
	for (size_t i = 0; i < n; i++)
		tail |= (uint64_t)p[i] << (8 * i);
	v[3] ^= tail;
	sip_round(v);
	v[0] ^= tail;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static struct map_node **
chain(const struct map *m, uint64_t hash)
{
	return m->slot ? &m->slot[hash >> (64 - m->bits)] : (struct map_node **)&m->only;
}

static void
grow(struct map *m)
{
	unsigned bits = m->slot ? m->bits + 1 : FIRST_BITS;
	size_t old = m->slot ? (size_t)1 << m->bits : 1;
	struct map_node **from = m->slot, **to, *rest = m->only;

	if (bits > LAST_BITS || !(to = env_alloc(m->env, sizeof(*to) << bits)))
		return;	/* longer chains, still right */
	for (size_t i = 0; i < old; i++) {
		struct map_node *node = from ? from[i] : rest;

		while (node) {
			struct map_node *next = node->next, **slot = &to[node->hash >> (64 - bits)];

			node->next = *slot;
			*slot = node;
			node = next;
		}
	}
	env_free(m->env, from);
	m->slot = to;
	m->bits = bits;
	m->only = NULL;
}

void
map_add(struct map *m, struct map_node *node, uint64_t hash)
{
	struct map_node **slot;

	if (m->n >= (m->slot ? (size_t)1 << m->bits : 1))
		grow(m);
	slot = chain(m, hash);
	node->hash = hash;
	node->next = *slot;
	*slot = node;
	m->n++;
}

struct map_node *
map_find(const struct map *m, uint64_t hash, map_eq_fn *eq, const void *key)
{
	for (struct map_node *node = *chain(m, hash); node; node = node->next) {
		if (node->hash == hash && eq(node, key))
			return node;
	}
	return NULL;
}

void
map_del(struct map *m, struct map_node *node)
{
	for (struct map_node **p = chain(m, node->hash); *p; p = &(*p)->next) {
		if (*p == node) {
			*p = node->next;
			node->next = NULL;
			m->n--;
			return;
		}
	}
}

/* The iterator holds the successor, so that the node handed out may be removed. */
static struct map_node *
step(const struct map *m, struct map_iter *it)
{
	size_t slots = m->slot ? (size_t)1 << m->bits : 1;
	struct map_node *node = it->next;

	while (!node && it->slot < slots) {
		node = m->slot ? m->slot[it->slot] : m->only;
		it->slot++;
	}
	it->next = node ? node->next : NULL;
	return node;
}

struct map_node *
map_first(const struct map *m, struct map_iter *it)
{
	it->slot = 0;
	it->next = NULL;
	return step(m, it);
}

struct map_node *
map_next(const struct map *m, struct map_iter *it)
{
	return step(m, it);
}
