#include "lib/trie.h"
#include "tests/unit/lib/suites.h"

static struct prefix
P(const char *text)
{
	struct prefix p;

	ck_assert_msg(prefix_parse(text, &p), "%s", text);
	return p;
}

static struct addr
A(const char *text)
{
	struct addr a;

	ck_assert(addr_parse(text, &a));
	return a;
}

static void
add(struct trie *t, const char *const *list)
{
	for (; *list; list++) {
		struct prefix p = P(*list);

		ck_assert(trie_set(t, &p, (void *)(uintptr_t)*list));
	}
}

static void
count(void *ctx, const struct prefix *p, void *val)
{
	(void)p;
	(void)val;
	++*(unsigned *)ctx;
}

START_TEST(match_and_walks)
{
	static const char *const list[] = { "0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3/32", "192.168.0.0/16", "2001:db8::/32",
		"2001:db8:1::/48", NULL };
	struct prefix p, within = P("10.1.0.0/16"), none = P("172.16.0.0/12");
	struct addr a = A("10.1.2.3"), b = A("10.1.9.9"), c = A("8.8.8.8"), d = A("2001:db8:1::5"), e = A("2002::1");
	struct test_env t;
	struct trie tr;
	unsigned n = 0;

	test_env_init(&t);
	trie_init(&tr, &t.env);
	add(&tr, list);
	ck_assert_uint_eq(tr.n, 8);
	ck_assert_str_eq(trie_match(&tr, &a, &p), "10.1.2.3/32");
	ck_assert_str_eq(trie_match(&tr, &b, &p), "10.1.0.0/16");
	ck_assert_uint_eq(p.bits, 16);
	ck_assert_str_eq(trie_match(&tr, &c, NULL), "0.0.0.0/0");
	ck_assert_str_eq(trie_match(&tr, &d, NULL), "2001:db8:1::/48");
	ck_assert_ptr_null(trie_match(&tr, &e, NULL));
	trie_within(&tr, &within, count, &n);
	ck_assert_uint_eq(n, 3);
	trie_within(&tr, &none, count, &n);
	ck_assert_uint_eq(n, 3);
	n = 0;
	trie_above(&tr, &a, count, &n);
	ck_assert_uint_eq(n, 5);
	trie_fini(&tr);
	ck_assert_int_eq(t.live, 0);
}
END_TEST

/* RFC 2332 6.3: the shortest prefix around the address with no more specific route inside. */
START_TEST(widest)
{
	static const struct { const char *routes[6], *addr, *want; } row[] = {
		{ { "172.16.0.0/16" }, "172.16.9.1", "172.16.0.0/16" },
		{ { "172.16.0.0/16", "172.16.5.0/24" }, "172.16.9.1", "172.16.8.0/21" },
		{ { "172.16.0.0/16", "172.16.5.0/24" }, "172.16.5.1", "172.16.5.0/24" },
		{ { "172.16.0.0/16", "172.16.5.0/24" }, "172.16.4.1", "172.16.4.0/24" },
		{ { "172.16.0.0/16", "172.16.5.0/24", "172.16.200.0/24" }, "172.16.9.1", "172.16.8.0/21" },
		{ { "172.16.0.0/16", "172.16.200.0/24" }, "172.16.9.1", "172.16.0.0/17" },
		{ { "172.16.0.0/16", "172.16.9.2/32" }, "172.16.9.1", "172.16.9.0/31" },
		{ { "172.16.0.0/16", "172.16.9.0/32" }, "172.16.9.1", "172.16.9.1/32" },
		{ { "0.0.0.0/0", "128.0.0.0/8" }, "1.2.3.4", "0.0.0.0/1" },
		{ { "172.16.0.0/16", "10.0.0.0/8", "172.17.0.0/16" }, "172.16.9.1", "172.16.0.0/16" },
		{ { "2001:db8::/32", "2001:db8:8000::/48" }, "2001:db8:1::1", "2001:db8::/33" },
		{ { "172.16.9.1/32", "172.16.0.0/16" }, "172.16.9.1", "172.16.9.1/32" },
	};
	char text[PREFIX_STRLEN];

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct addr a = A(row[i].addr);
		struct test_env t;
		struct prefix p;
		struct trie tr;

		test_env_init(&t);
		trie_init(&tr, &t.env);
		add(&tr, row[i].routes);
		ck_assert(trie_widest(&tr, &a, &p));
		ck_assert_msg(strcmp(prefix_fmt(&p, text), row[i].want) == 0, "row %zu: %s, not %s", i, text, row[i].want);
		trie_fini(&tr);
	}
}
END_TEST

/* Random operations beside a plain list that answers the same questions the slow way. */
struct slow {
	struct prefix p[300];
	unsigned n;
};

static int
slow_find(const struct slow *s, const struct prefix *p)
{
	for (unsigned i = 0; i < s->n; i++) {
		if (prefix_eq(&s->p[i], p))
			return (int)i;
	}
	return -1;
}

static struct prefix
random_prefix(struct test_env *t)
{
	uint8_t b[4] = { 10, (uint8_t)env_random_below(&t->env, 3), (uint8_t)(env_random_below(&t->env, 4) * 64), (uint8_t)env_random_below(&t->env, 4) };
	struct addr a = addr_of(b, 4);

	return prefix_of(&a, (uint8_t)env_random_below(&t->env, 33));
}

static bool
slow_widest(const struct slow *s, const struct addr *a, struct prefix *out)
{
	const struct prefix *m = NULL;

	for (unsigned i = 0; i < s->n; i++) {
		if (prefix_has(&s->p[i], a) && (!m || s->p[i].bits > m->bits))
			m = &s->p[i];
	}
	for (unsigned bits = m ? m->bits : 33; bits <= 32; bits++) {
		bool hole = false;

		*out = prefix_of(a, (uint8_t)bits);
		for (unsigned i = 0; i < s->n; i++)
			hole |= s->p[i].bits > m->bits && prefix_covers(out, &s->p[i]);
		if (!hole)
			return true;
	}
	return false;
}

START_TEST(same_as_the_slow_way)
{
	static struct slow s;
	struct test_env t;
	struct trie tr;

	test_env_init(&t);
	trie_init(&tr, &t.env);
	for (int round = 0; round < 20000; round++) {
		struct prefix p = random_prefix(&t), got, want;
		int at = slow_find(&s, &p);

		ck_assert((trie_get(&tr, &p) != NULL) == (at >= 0));
		if (env_random_below(&t.env, 2) && s.n < 40) {
			ck_assert(trie_set(&tr, &p, &s));
			if (at < 0)
				s.p[s.n++] = p;
		} else {
			ck_assert((trie_del(&tr, &p) != NULL) == (at >= 0));
			if (at >= 0)
				s.p[at] = s.p[--s.n];
		}
		ck_assert_uint_eq(tr.n, s.n);
		p = random_prefix(&t);
		ck_assert(trie_widest(&tr, &p.addr, &got) == slow_widest(&s, &p.addr, &want));
		if (trie_match(&tr, &p.addr, NULL))
			ck_assert(prefix_eq(&got, &want));
	}
	trie_fini(&tr);
	ck_assert_int_eq(t.live, 0);
}
END_TEST

START_TEST(without_memory_nothing_changes)
{
	static const char *const list[] = { "10.0.0.0/9", NULL };
	struct prefix p = P("10.200.0.0/16"), old = P("10.0.0.0/9");
	struct test_env t;
	struct trie tr;

	for (long fail = 1; fail <= 2; fail++) {
		test_env_init(&t);
		trie_init(&tr, &t.env);
		add(&tr, list);
		t.fail_at = fail;
		ck_assert(!trie_set(&tr, &p, &t));
		ck_assert(trie_get(&tr, &old) && !trie_get(&tr, &p) && tr.n == 1);
		trie_fini(&tr);
		ck_assert_int_eq(t.live, 0);
	}
}
END_TEST

SUITE(trie, match_and_walks, widest, same_as_the_slow_way, without_memory_nothing_changes)
