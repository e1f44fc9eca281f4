/* lib/map.c: linear hashing (Litwin 1980).
 *
 * With 2^k <= slots < 2^(k+1), the slot of a hash is its lowest k+1 bits where there is such a slot, and its lowest k bits otherwise. The
 * table grows by splitting slot `slots - 2^k` into itself and a new last one, the slots in their order: one split for an insert keeps as
 * many slots as nodes. Slots stand in segments that never move; below one segment the array doubles, which copies 2 KiB at most. Only the
 * directory of segments is copied when it doubles, 16 octets for each 512 slots. It never shrinks. */
#include "lib/map.h"

enum { FIRST_ROOM = 16, SEG_BITS = 9, SEG = 1 << SEG_BITS, SLOTS_MAX = 1 << 24, SPLITS = 2 };

static void
table_reset(struct map *m)
{
	m->only = NULL;
	m->first = NULL;
	m->more = NULL;
	m->n = 0;
	m->slots = m->room = m->mask = 1;
}

void
map_init(struct map *m, const struct env *env)
{
	m->env = env;
	table_reset(m);
	env->random(env->ctx, m->key, sizeof(m->key));
}

void
map_fini(struct map *m)
{
	for (size_t i = 1; i < m->room >> SEG_BITS; i++)
		env_free(m->env, m->more[i - 1]);
	env_free(m->env, m->more);
	env_free(m->env, m->first);
	table_reset(m);
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
slot_at(const struct map *m, size_t i)
{
	if (i >= SEG)
		return &m->more[(i >> SEG_BITS) - 1][i & (SEG - 1)];
	return m->first ? &m->first[i] : (struct map_node **)&m->only;
}

static size_t
slot_of(const struct map *m, uint64_t hash)
{
	size_t i = hash & m->mask;

	return i < m->slots ? i : i & m->mask >> 1;
}

/* The first segment, twice as long. */
static bool
first_longer(struct map *m)
{
	size_t room = m->room < FIRST_ROOM ? FIRST_ROOM : 2 * m->room;
	struct map_node **to = env_alloc(m->env, sizeof(*to) * room);

	if (!to)
		return false;
	for (size_t i = 0; i < m->slots; i++)
		to[i] = *slot_at(m, i);
	env_free(m->env, m->first);
	m->first = to;
	m->only = NULL;
	m->room = room;
	return true;
}

/* The directory holds a power of two of segments: there is place unless their number is one. */
static bool
directory_longer(struct map *m, size_t n)
{
	struct map_node ***to;

	if (n & (n - 1))
		return true;
	to = env_alloc(m->env, sizeof(*to) * 2 * n);
	if (!to)
		return false;
	for (size_t i = 0; i + 1 < n; i++)
		to[i] = m->more[i];
	env_free(m->env, m->more);
	m->more = to;
	return true;
}

static bool
more_room(struct map *m)
{
	size_t n = m->room >> SEG_BITS;	/* segments */
	struct map_node **seg;

	if (m->slots < m->room)
		return true;
	if (n == 0)
		return first_longer(m);
	if (m->slots >= SLOTS_MAX)
		return false;
	seg = env_alloc(m->env, sizeof(*seg) * SEG);
	if (!seg || !directory_longer(m, n)) {
		env_free(m->env, seg);
		return false;
	}
	m->more[n - 1] = seg;
	m->room += SEG;
	return true;
}

static void
split(struct map *m)
{
	size_t high = (m->mask >> 1) + 1;	/* 2^k */
	struct map_node **p = slot_at(m, m->slots - high), **to = slot_at(m, m->slots);

	while (*p) {
		struct map_node *node = *p;

		if (node->hash & high) {
			*p = node->next;
			node->next = *to;
			*to = node;
		} else {
			p = &node->next;
		}
	}
	if (++m->slots > m->mask)
		m->mask = 2 * m->mask + 1;
}

/* Two splits at most: where memory was short, it catches up. Without any, longer chains, still right. */
void
map_add(struct map *m, struct map_node *node, uint64_t hash)
{
	struct map_node **slot;

	for (unsigned i = 0; i < SPLITS && m->n >= m->slots && more_room(m); i++)
		split(m);
	slot = slot_at(m, slot_of(m, hash));
	node->hash = hash;
	node->next = *slot;
	*slot = node;
	m->n++;
}

struct map_node *
map_find(const struct map *m, uint64_t hash, map_eq_fn *eq, const void *key)
{
	for (struct map_node *node = *slot_at(m, slot_of(m, hash)); node; node = node->next) {
		if (node->hash == hash && eq(node, key))
			return node;
	}
	return NULL;
}

void
map_del(struct map *m, struct map_node *node)
{
	for (struct map_node **p = slot_at(m, slot_of(m, node->hash)); *p; p = &(*p)->next) {
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
	struct map_node *node = it->next;

	while (!node && it->slot < m->slots)
		node = *slot_at(m, it->slot++);
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

static uint64_t
bits_reversed(uint64_t x)
{
	x = (x & 0x5555555555555555u) << 1 | (x >> 1 & 0x5555555555555555u);
	x = (x & 0x3333333333333333u) << 2 | (x >> 2 & 0x3333333333333333u);
	x = (x & 0x0f0f0f0f0f0f0f0fu) << 4 | (x >> 4 & 0x0f0f0f0f0f0f0f0fu);
	x = (x & 0x00ff00ff00ff00ffu) << 8 | (x >> 8 & 0x00ff00ff00ff00ffu);
	x = (x & 0x0000ffff0000ffffu) << 16 | (x >> 16 & 0x0000ffff0000ffffu);
	return x << 32 | x >> 32;
}

/* A slot of d bits holds the hashes whose reversed form begins with them: a stretch of 2^(64-d) that a split halves and nothing joins, so the
 * beginning of a stretch stays one. */
bool
map_chain(const struct map *m, struct map_cursor *c, struct map_node **chain)
{
	uint64_t hash = bits_reversed(c->at), low = m->mask >> 1;
	bool is_split = (hash & low) + low + 1 < m->slots;
	uint64_t depth_bit = is_split ? low + 1 : (low + 1) >> 1;	/* the highest bit that tells the slot; 0: there is but one */

	if (c->end)
		return false;
	*chain = *slot_at(m, slot_of(m, hash));
	c->at += bits_reversed(depth_bit);
	c->end = c->at == 0;
	return true;
}
