/* lib/trie.h: prefixes to pointers, path-compressed binary trie, both address families.
 *
 * Serves longest-prefix match, walks below and above a prefix, and the one question RFC 2332 section 6.3 asks: the
 * widest prefix around an address that no more-specific entry pokes a hole into. Values are never NULL and stay the caller's. */
#ifndef LIB_TRIE_H
#define LIB_TRIE_H

#include "lib/addr.h"
#include "lib/env.h"

struct trie_node;
struct trie {
	const struct env *env;
	struct trie_node *root[2];	/* IPv4, IPv6 */
	size_t n;
};

typedef void trie_fn(void *ctx, const struct prefix *p, void *val);

void	trie_init(struct trie *t, const struct env *env);
void	trie_fini(struct trie *t);	/* frees nodes, not values */
bool	trie_set(struct trie *t, const struct prefix *p, void *val);	/* adds or replaces; false without memory, nothing changed */
void	*trie_get(const struct trie *t, const struct prefix *p);	/* exact */
void	*trie_del(struct trie *t, const struct prefix *p);	/* returns the value taken out, or NULL */
void	*trie_match(const struct trie *t, const struct addr *a, struct prefix *matched);	/* longest; matched may be NULL */
void	trie_within(const struct trie *t, const struct prefix *p, trie_fn *fn, void *ctx);	/* p and all inside it; fn must not change the trie */
void	trie_above(const struct trie *t, const struct addr *a, trie_fn *fn, void *ctx);	/* all that hold a, widest first */
/* The shortest prefix that holds `a`, lies inside the entry that matches `a`, and holds no more-specific entry. False
 * where nothing matches. */
bool	trie_widest(const struct trie *t, const struct addr *a, struct prefix *out);

#endif
