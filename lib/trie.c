#include "lib/trie.h"

/* Path-compressed binary trie. A node is a prefix; it has a value, or exactly two children (a fork). The child to take is
 * the bit behind the node's prefix. */
struct trie_node {
	struct prefix p;
	void *val;	/* NULL: only a fork */
	struct trie_node *kid[2];
};

static unsigned
bit_at(const struct addr *a, unsigned i)
{
	return a->b[i / 8] >> (7 - i % 8) & 1;
}

static unsigned
common_bits(const struct addr *a, const struct addr *b, unsigned max)
{
	unsigned i = 0;

	while (i + 8 <= max && a->b[i / 8] == b->b[i / 8])
		i += 8;
	while (i < max && bit_at(a, i) == bit_at(b, i))
		i++;
	return i;
}

static struct trie_node **
root_of(const struct trie *t, const struct addr *a)
{
	return (struct trie_node **)&t->root[a->n == 16];
}

void
trie_init(struct trie *t, const struct env *env)
{
	*t = (struct trie){ .env = env };
}

/* Recursion here and in visit() goes down at most 128 levels: one bit a level. */
static void
free_nodes(struct trie *t, struct trie_node *n)
{
	if (!n)
		return;
	free_nodes(t, n->kid[0]);
	free_nodes(t, n->kid[1]);
	env_free(t->env, n);
}

void
trie_fini(struct trie *t)
{
	free_nodes(t, t->root[0]);
	free_nodes(t, t->root[1]);
	trie_init(t, t->env);
}

static struct trie_node *
new_node(struct trie *t, const struct prefix *p, void *val)
{
	struct trie_node *n = env_alloc(t->env, sizeof(*n));

	if (n) {
		n->p = *p;
		n->val = val;
	}
	return n;
}

bool
trie_set(struct trie *t, const struct prefix *prefix, void *val)
{
	struct prefix p = prefix_of(&prefix->addr, prefix->bits);
	struct trie_node **at = root_of(t, &p.addr), *n, *leaf, *fork;
	unsigned same = 0;
	struct prefix fp;

	for (; (n = *at); at = &n->kid[bit_at(&p.addr, n->p.bits)]) {
		same = common_bits(&n->p.addr, &p.addr, n->p.bits < p.bits ? n->p.bits : p.bits);
		if (same < n->p.bits || n->p.bits == p.bits)
			break;
	}
	if (n && same == n->p.bits && n->p.bits == p.bits) {
		t->n += !n->val;
		n->val = val;
		return true;
	}
	if (!(leaf = new_node(t, &p, val)))
		return false;
	if (!n) {
		*at = leaf;
	} else if (same == p.bits) {	/* the new one stands above n */
		leaf->kid[bit_at(&n->p.addr, same)] = n;
		*at = leaf;
	} else {
		fp = prefix_of(&p.addr, (uint8_t)same);
		if (!(fork = new_node(t, &fp, NULL))) {
			env_free(t->env, leaf);
			return false;
		}
		fork->kid[bit_at(&p.addr, same)] = leaf;
		fork->kid[bit_at(&n->p.addr, same)] = n;
		*at = fork;
	}
	t->n++;
	return true;
}

static struct trie_node **
find(const struct trie *t, const struct prefix *p, struct trie_node ***above)
{
	struct trie_node **at = root_of(t, &p->addr), *n;

	*above = NULL;
	while ((n = *at) && n->p.bits <= p->bits && prefix_has(&n->p, &p->addr)) {
		if (n->p.bits == p->bits)
			return at;
		*above = at;
		at = &n->kid[bit_at(&p->addr, n->p.bits)];
	}
	return NULL;
}

void *
trie_get(const struct trie *t, const struct prefix *prefix)
{
	struct prefix p = prefix_of(&prefix->addr, prefix->bits);
	struct trie_node **above, **at = p.addr.n ? find(t, &p, &above) : NULL;

	return at ? (*at)->val : NULL;
}

/* A node without value must have two children: else it is replaced by its only one, or goes. */
static void
prune(struct trie *t, struct trie_node **at)
{
	struct trie_node *n = *at;

	if (!n || n->val || (n->kid[0] && n->kid[1]))
		return;
	*at = n->kid[0] ? n->kid[0] : n->kid[1];
	env_free(t->env, n);
}

void *
trie_del(struct trie *t, const struct prefix *prefix)
{
	struct prefix p = prefix_of(&prefix->addr, prefix->bits);
	struct trie_node **above, **at = p.addr.n ? find(t, &p, &above) : NULL;
	void *val = at ? (*at)->val : NULL;

	if (!val)
		return NULL;
	(*at)->val = NULL;
	t->n--;
	prune(t, at);
	if (above)
		prune(t, above);
	return val;
}

void *
trie_match(const struct trie *t, const struct addr *a, struct prefix *matched)
{
	struct trie_node *n = a->n ? *root_of(t, a) : NULL;
	void *val = NULL;

	while (n && prefix_has(&n->p, a)) {
		if (n->val) {
			val = n->val;
			if (matched)
				*matched = n->p;
		}
		n = n->p.bits < addr_bits(a) ? n->kid[bit_at(a, n->p.bits)] : NULL;
	}
	return val;
}

static void
visit(const struct trie_node *n, trie_fn *fn, void *ctx)
{
	if (!n)
		return;
	if (n->val)
		fn(ctx, &n->p, n->val);
	visit(n->kid[0], fn, ctx);
	visit(n->kid[1], fn, ctx);
}

void
trie_within(const struct trie *t, const struct prefix *prefix, trie_fn *fn, void *ctx)
{
	struct prefix p = prefix_of(&prefix->addr, prefix->bits);
	const struct trie_node *n = p.addr.n ? *root_of(t, &p.addr) : NULL;

	while (n && n->p.bits < p.bits && prefix_has(&n->p, &p.addr))
		n = n->kid[bit_at(&p.addr, n->p.bits)];
	if (n && prefix_covers(&p, &n->p))
		visit(n, fn, ctx);
}

void
trie_above(const struct trie *t, const struct addr *a, trie_fn *fn, void *ctx)
{
	const struct trie_node *n = a->n ? *root_of(t, a) : NULL;

	while (n && prefix_has(&n->p, a)) {
		if (n->val)
			fn(ctx, &n->p, n->val);
		n = n->p.bits < addr_bits(a) ? n->kid[bit_at(a, n->p.bits)] : NULL;
	}
}

/* Down the path of `a`: below the matching entry, every node that leaves the path hangs on some branch; the answer must
 * be one bit longer than what `a` shares with the deepest such branch. */
bool
trie_widest(const struct trie *t, const struct addr *a, struct prefix *out)
{
	const struct trie_node *n = a->n ? *root_of(t, a) : NULL;
	struct prefix matched;
	unsigned bits, same;

	if (!trie_match(t, a, &matched))
		return false;
	bits = matched.bits;
	while (n) {
		same = common_bits(&n->p.addr, a, n->p.bits);
		if (same < n->p.bits) {	/* this subtree leaves the path at bit `same` */
			if (n->p.bits > matched.bits && same + 1 > bits)
				bits = same + 1;
			break;
		}
		if (n->p.bits >= addr_bits(a))
			break;
		if (n->p.bits >= matched.bits && n->kid[!bit_at(a, n->p.bits)] && n->p.bits + 1u > bits)
			bits = n->p.bits + 1;
		n = n->kid[bit_at(a, n->p.bits)];
	}
	*out = prefix_of(a, (uint8_t)bits);
	return true;
}
