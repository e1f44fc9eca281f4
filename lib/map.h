/* lib/map.h: intrusive hash map. The owner embeds a struct map_node and brings the comparison; the map brings keyed
 * hashing (SipHash, so that peers cannot choose collisions) and growth. Inserting never fails: where the table cannot
 * grow, chains get longer. It grows by one slot with each insert (linear hashing), so that no insert pays for a rehash. */
#ifndef LIB_MAP_H
#define LIB_MAP_H

#include "lib/container_of.h"
#include "lib/env.h"
#include "lib/span.h"

struct map_node {
	struct map_node *next;
	uint64_t hash;
};

struct map {
	const struct env *env;
	struct map_node *only;	/* the chain used while there is no table */
	struct map_node **first;	/* the first slots; NULL: `only` is all there is */
	struct map_node ***more;	/* the others, by segments */
	uint64_t key[2];
	size_t n, slots, room;	/* nodes; slots in use; slots there is memory for */
	size_t mask;	/* 2^(k+1) - 1, where 2^k is the highest power that slots reaches */
};

typedef bool map_eq_fn(const struct map_node *node, const void *key);

void	map_init(struct map *m, const struct env *env);	/* draws the hash key from env */
void	map_fini(struct map *m);	/* frees the table, not the nodes; it is empty then */
uint64_t map_hash(const struct map *m, const void *key, size_t n);
void	map_add(struct map *m, struct map_node *node, uint64_t hash);	/* the caller knows it is not there yet */
struct map_node *map_find(const struct map *m, uint64_t hash, map_eq_fn *eq, const void *key);
void	map_del(struct map *m, struct map_node *node);
/* Walks all nodes; the current one may be removed, nothing may be added meanwhile. NULL at the end. */
struct map_iter {
	size_t slot;
	struct map_node *next;
};
struct map_node *map_first(const struct map *m, struct map_iter *it);
struct map_node *map_next(const struct map *m, struct map_iter *it);
/* Walks all nodes in pieces, between which anything may be added and removed: what is there all the while is seen exactly once. A zeroed
 * cursor begins; each call gives one chain, linked by `next` and perhaps empty. False at the end. */
struct map_cursor {
	uint64_t at;	/* order is by the hash, lowest bit first */
	bool end;
};
bool	map_chain(const struct map *m, struct map_cursor *c, struct map_node **chain);

#endif
