/* Twin of lib/claims.c. */
#include "lib/claims.h"
#include "tests/unit/lib/suites.h"

static struct prefix
P(const char *text)
{
	struct prefix p;

	ck_assert_msg(prefix_parse(text, &p), "%s", text);
	return p;
}

static bool
allows(const struct claims *c, unsigned kind, const char *text)
{
	struct prefix p = P(text);

	return claims_allow(c, kind, &p);
}

static void
add(struct claims *c, unsigned kinds, const char *text)
{
	struct prefix p = P(text);

	ck_assert(claims_add(c, kinds, &p));
}

START_TEST(nothing_said_forbids_nothing)
{
	struct claims c = { .n = 0 };

	ck_assert(allows(NULL, CLAIM_ADDRESS, "10.0.0.2") && allows(&c, CLAIM_PREFIX, "0.0.0.0/0"));
	ck_assert(!claims_speak(NULL, CLAIM_ADDRESS, 4) && !claims_speak(&c, CLAIM_PREFIX, 16));
	ck_assert(claims_eq(NULL, &c) && claims_eq(&c, NULL) && claims_eq(NULL, NULL));
}
END_TEST

START_TEST(kinds_and_families_are_apart)
{
	struct claims c = { .source = "test" };

	add(&c, CLAIM_ADDRESS, "10.0.0.2");
	ck_assert(allows(&c, CLAIM_ADDRESS, "10.0.0.2") && !allows(&c, CLAIM_ADDRESS, "10.0.0.3"));
	ck_assert(allows(&c, CLAIM_PREFIX, "10.2.0.0/24") && allows(&c, CLAIM_ADDRESS, "2001:db8::1"));
	add(&c, CLAIM_PREFIX, "10.2.0.0/16");
	ck_assert(allows(&c, CLAIM_PREFIX, "10.2.3.0/24") && allows(&c, CLAIM_PREFIX, "10.2.0.0/16") && !allows(&c, CLAIM_PREFIX, "10.0.0.0/8"));
	ck_assert(!allows(&c, CLAIM_PREFIX, "10.3.0.0/24") && !allows(&c, CLAIM_PREFIX, "10.0.0.2"));
	claims_say(&c, CLAIM_BOTH, CLAIM_ANY);
	ck_assert(!allows(&c, CLAIM_ADDRESS, "2001:db8::1") && !allows(&c, CLAIM_PREFIX, "::/0"));
	add(&c, CLAIM_PREFIX, "10.0.0.2");	/* the same for another kind: one item */
	ck_assert_uint_eq(c.n, 2);
	ck_assert(allows(&c, CLAIM_PREFIX, "10.0.0.2"));
}
END_TEST

START_TEST(bounded)
{
	struct claims c = { .n = 0 };
	struct prefix p = P("10.0.0.0/32");

	for (unsigned i = 0; i < CLAIMS_MAX; i++, p.addr.b[3]++)
		ck_assert(claims_add(&c, CLAIM_ADDRESS, &p));
	ck_assert(!claims_add(&c, CLAIM_ADDRESS, &p));
	ck_assert(!claims_allow(&c, CLAIM_ADDRESS, &p));
}
END_TEST

START_TEST(copies)
{
	struct claims c = { .source = "test" }, *d;
	struct test_env t;
	bool ok;

	test_env_init(&t);
	ck_assert(claims_copy(&t.env, NULL, &ok) == NULL && ok);
	ck_assert(claims_copy(&t.env, &c, &ok) == NULL && ok);
	add(&c, CLAIM_BOTH, "10.2.0.0/16");
	d = claims_copy(&t.env, &c, &ok);
	ck_assert(d && ok && claims_eq(&c, d));
	add(&c, CLAIM_BOTH, "10.3.0.0/16");
	ck_assert(!claims_eq(&c, d) && !claims_eq(NULL, d));
	env_free(&t.env, d);
	t.fail_at = 1;
	ck_assert(claims_copy(&t.env, &c, &ok) == NULL && !ok);
	ck_assert_int_eq(t.live, 0);
}
END_TEST

START_TEST(in_words)
{
	struct claims c = { .source = "certificate's SAN" };
	char text[CLAIMS_TEXT_MAX];

	claims_say(&c, CLAIM_BOTH, CLAIM_ANY);
	ck_assert_str_eq(claims_fmt(&c, CLAIM_ADDRESS, text), "nothing (certificate's SAN)");
	add(&c, CLAIM_ADDRESS, "10.0.0.2");
	add(&c, CLAIM_PREFIX, "10.3.0.0/24");
	ck_assert_str_eq(claims_fmt(&c, CLAIM_ADDRESS, text), "10.0.0.2 (certificate's SAN)");
	add(&c, CLAIM_ADDRESS, "10.0.0.3");
	ck_assert_str_eq(claims_fmt(&c, CLAIM_ADDRESS, text), "10.0.0.2 and 10.0.0.3 (certificate's SAN)");
	add(&c, CLAIM_ADDRESS, "10.0.0.4");
	add(&c, CLAIM_ADDRESS, "2001:db8::/64");
	ck_assert_str_eq(claims_fmt(&c, CLAIM_ADDRESS, text), "10.0.0.2, 10.0.0.3, 10.0.0.4 and 1 more (certificate's SAN)");
	ck_assert_str_eq(claims_fmt(&c, CLAIM_PREFIX, text), "10.3.0.0/24 (certificate's SAN)");
}
END_TEST

START_TEST(templates)
{
	struct prefix p;

	ck_assert(claims_fill("10.0.{n}.1", "7", &p) && p.bits == 32 && p.addr.b[2] == 7);
	ck_assert(claims_fill("10.{n}.{n}.0/24", "9", &p) && p.bits == 24 && p.addr.b[1] == 9 && p.addr.b[2] == 9);
	ck_assert(claims_fill("2001:db8:{n}::/48", "12", &p) && p.bits == 48 && p.addr.b[5] == 0x12);
	ck_assert(!claims_fill("10.0.{n}.1", "256", &p));
	ck_assert(!claims_fill("{n}{n}{n}{n}{n}{n}{n}{n}{n}{n}{n}{n}{n}{n}{n}{n}{n}{n}{n}{n}{n}{n}{n}{n}{n}", "99999", &p));
}
END_TEST

SUITE(claims, templates, nothing_said_forbids_nothing, kinds_and_families_are_apart, bounded, copies, in_words)
