#include "lib/map.h"
#include "tests/unit/lib/suites.h"

struct item {
	struct map_node node;
	uint32_t key;
	bool seen;
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

static struct item item[5000];

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

SUITE(map, finds_all_and_only_what_is_there, never_fails_for_memory, walk_with_removal, hash_depends_on_key_and_length)
