#include "lib/map.h"
#include "tests/unit/lib/suites.h"

struct item {
	struct map_node node;
	uint32_t key;
	bool seen;
	unsigned times;
};

static bool
item_eq(const struct map_node *n, const void *key)
{
	return container_of(n, struct item, node)->key == *(const uint32_t *)key;
}

static struct item *
find(const struct map *m, uint32_t key)
{
	struct map_node *n = map_find(m, map_hash(m, &key, sizeof(key)), item_eq, &key);

	return n ? container_of(n, struct item, node) : NULL;
}

enum { N_ITEMS = 5000 };
static struct item item[N_ITEMS];

static void
fill(struct map *m, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		item[i] = (struct item){ .key = i * 7 };
		map_add(m, &item[i].node, map_hash(m, &item[i].key, sizeof(item[i].key)));
	}
}

START_TEST(finds_all_and_only_what_is_there)
{
	struct test_env t;
	struct map m;

	test_env_init(&t);
	map_init(&m, &t.env);
	ck_assert_ptr_null(find(&m, 0));
	fill(&m, 5000);
	ck_assert_uint_eq(m.n, 5000);
	for (uint32_t k = 0; k < 35000; k++)
		ck_assert_msg((find(&m, k) != NULL) == (k % 7 == 0), "%u", k);
	for (uint32_t i = 0; i < 5000; i += 2)
		map_del(&m, &item[i].node);
	for (uint32_t i = 0; i < 5000; i++)
		ck_assert((find(&m, i * 7) != NULL) == (i % 2 == 1));
	map_fini(&m);
	ck_assert_int_eq(t.live, 0);
}
END_TEST

/* Without memory to grow, the chains get longer and everything is still found. */
START_TEST(never_fails_for_memory)
{
	struct test_env t;
	struct map m;

	for (long fail = 1; fail <= 3; fail++) {
		test_env_init(&t);
		map_init(&m, &t.env);
		t.fail_at = fail;
		fill(&m, 300);
		for (uint32_t i = 0; i < 300; i++)
			ck_assert_ptr_nonnull(find(&m, i * 7));
		map_fini(&m);
		ck_assert_int_eq(t.live, 0);
	}
}
END_TEST

START_TEST(walk_with_removal)
{
	struct map_iter it;
	struct test_env t;
	struct map m;
	unsigned n = 0;

	test_env_init(&t);
	map_init(&m, &t.env);
	ck_assert_ptr_null(map_first(&m, &it));
	fill(&m, 1000);
	for (struct map_node *x = map_first(&m, &it); x; x = map_next(&m, &it)) {
		struct item *i = container_of(x, struct item, node);

		ck_assert(!i->seen);
		i->seen = true;
		n++;
		map_del(&m, x);
	}
	ck_assert_uint_eq(n, 1000);
	ck_assert_uint_eq(m.n, 0);
	map_fini(&m);
}
END_TEST

/* As many slots as nodes from the first to the last, each chain holds what belongs there, and no insert allocates more than a segment and
 * now and then its directory: nobody pays for the others. */
START_TEST(grows_by_a_slot_with_each_insert)
{
	struct test_env t;
	struct map m;
	long most = 0;

	test_env_init(&t);
	map_init(&m, &t.env);
	for (uint32_t i = 0; i < N_ITEMS; i++) {
		long before = t.allocs;

		item[i] = (struct item){ .key = i };
		map_add(&m, &item[i].node, map_hash(&m, &i, sizeof(i)));
		most = t.allocs - before > most ? t.allocs - before : most;
		ck_assert_uint_eq(m.n, i + 1);
		ck_assert_uint_eq(m.slots, i + 1);
		ck_assert_uint_ge(m.mask, m.slots);
		ck_assert_uint_lt(m.mask >> 1, m.slots);
		ck_assert_uint_ge(m.room, m.slots);
		ck_assert_uint_lt(m.room, m.slots + 512);
	}
	ck_assert_int_le(most, 2);
	for (uint32_t i = 0; i < N_ITEMS; i++)
		ck_assert_ptr_eq(find(&m, i), &item[i]);
	map_fini(&m);
	ck_assert_int_eq(t.live, 0);
}
END_TEST

/* Whichever allocation fails, all is found; the table catches up when there is memory again. */
START_TEST(catches_up_after_a_failure)
{
	struct test_env t;
	struct map m;

	for (long fail = 1; fail <= 12; fail++) {
		test_env_init(&t);
		map_init(&m, &t.env);
		t.fail_at = fail;
		fill(&m, N_ITEMS);
		ck_assert_uint_ge(m.slots, N_ITEMS - 1);
		for (uint32_t i = 0; i < N_ITEMS; i++)
			ck_assert_ptr_eq(find(&m, i * 7), &item[i]);
		map_fini(&m);
		ck_assert_int_eq(t.live, 0);
	}
}
END_TEST

static unsigned
chain_of(const struct map *m, struct map_cursor *c)
{
	struct map_node *node = NULL;
	unsigned n = 0;

	if (!map_chain(m, c, &node))
		return 0;
	for (; node; node = node->next, n++)
		container_of(node, struct item, node)->times++;
	return n;
}

static void
each_seen_once(uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++)
		ck_assert_msg(item[i].times == 1, "%u is seen %u times", i, item[i].times);
}

START_TEST(walk_in_pieces)
{
	for (uint32_t n = 0; n < 1100; n += n < 40 ? 1 : 53) {
		struct map_cursor c = { 0 };
		struct map_node *none;
		struct test_env t;
		struct map m;
		unsigned seen = 0, chains = 0;

		test_env_init(&t);
		map_init(&m, &t.env);
		fill(&m, n);
		for (; !c.end; chains++)
			seen += chain_of(&m, &c);
		ck_assert_uint_eq(seen, n);
		ck_assert_uint_eq(chains, m.slots);
		each_seen_once(0, n);
		ck_assert(!map_chain(&m, &c, &none));
		map_fini(&m);
	}
}
END_TEST

/* The table grows tenfold while it is walked, and others go: whoever is there from begin to end is seen once. */
START_TEST(walk_in_pieces_while_it_grows)
{
	struct map_cursor c = { 0 };
	struct test_env t;
	struct map m;
	uint32_t there = 500, gone = 300;

	test_env_init(&t);
	map_init(&m, &t.env);
	fill(&m, 500);
	while (!c.end) {
		chain_of(&m, &c);
		for (unsigned k = 0; k < 4 && there < N_ITEMS; k++, there++) {
			item[there] = (struct item){ .key = there * 7 };
			map_add(&m, &item[there].node, map_hash(&m, &item[there].key, sizeof(item[there].key)));
		}
		if (gone < 500)
			map_del(&m, &item[gone++].node);
	}
	ck_assert_uint_eq(gone, 500);
	ck_assert_uint_gt(there, 1500);
	each_seen_once(0, 300);
	for (uint32_t i = 300; i < there; i++)
		ck_assert_uint_le(item[i].times, 1);
	map_fini(&m);
	ck_assert_int_eq(t.live, 0);
}
END_TEST

START_TEST(hash_depends_on_key_and_length)
{
	struct test_env t;
	struct map a, b;
	uint8_t z[32] = { 0 };

	test_env_init(&t);
	map_init(&a, &t.env);
	map_init(&b, &t.env);
	ck_assert_uint_ne(map_hash(&a, z, 8), map_hash(&b, z, 8));
	for (size_t n = 0; n < 32; n++)
		ck_assert_uint_ne(map_hash(&a, z, n), map_hash(&a, z, n + 1 <= 32 ? n + 1 : 0));
}
END_TEST

SUITE(map, finds_all_and_only_what_is_there, never_fails_for_memory, walk_with_removal, grows_by_a_slot_with_each_insert, catches_up_after_a_failure,
    walk_in_pieces, walk_in_pieces_while_it_grows, hash_depends_on_key_and_length)
