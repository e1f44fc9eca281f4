/* Twin of nhrpd/daemon/conf_diff.c, and of conf_keep_places(): what a reload changes, and where interfaces stand after it. */
#include <stdlib.h>

#include "nhrpd/daemon/conf.h"
#include "tests/unit/harness.h"

suite_fn conf_diff_suite;

#define CRYPTO(secret) \
	"crypto ikev2 keyring K\n peer joe\n  address 0.0.0.0 0.0.0.0\n  pre-shared-key " secret "\n" \
	"crypto ikev2 profile P\ncrypto ipsec profile V\n"
#define TUNNEL(name, more) \
	"interface " name "\n ip address 10.0.0.1/24\n tunnel source " name "x\n tunnel protection ipsec profile V\n ip nhrp network-id 1\n" more

static char said[2048];

static void
note(void *ctx, const char *line)
{
	size_t n = strlen(said);

	(void)ctx;
	snprintf(said + n, sizeof(said) - n, "%s\n", line);
}

static struct conf *
good(const char *text)
{
	struct conf *c = conf_read_text("t", text);

	ck_assert_ptr_nonnull(c);
	ck_assert_msg(c->n_error == 0, "%s", c->error[0].text);
	return c;
}

static int
diff(const char *a, const char *b)
{
	struct conf *was = good(a), *is = good(b);
	int n;

	said[0] = 0;
	n = conf_diff(was, is, note, NULL);
	conf_free(was);
	conf_free(is);
	return n;
}

START_TEST(nothing)
{
	ck_assert_int_eq(diff(CRYPTO("a") TUNNEL("d0", ""), "! other comments\n" CRYPTO("a") "!\n" TUNNEL("d0", "")), 0);
	ck_assert_str_eq(said, "");
	ck_assert_int_eq(diff("", ""), 0);
}
END_TEST

/* The same line in another block is another line; abbreviations are not. */
START_TEST(lines)
{
	ck_assert_int_eq(diff(CRYPTO("a") TUNNEL("d0", " ip nhrp holdtime 60\n") TUNNEL("d1", ""),
	    CRYPTO("a") TUNNEL("d0", "") TUNNEL("d1", " ip nhrp hold 60\n ip mtu 1300\n")), 3);
	ck_assert_str_eq(said, "interface d0: - ip nhrp holdtime 60\ninterface d1: + ip nhrp holdtime 60\ninterface d1: + ip mtu 1300\n");
	ck_assert_int_eq(diff("hostname a\n", "hostname b\n"), 2);
	ck_assert_str_eq(said, "- hostname a\n+ hostname b\n");
}
END_TEST

START_TEST(secrets_are_not_shown)
{
	ck_assert_int_ge(diff(CRYPTO("old-secret") TUNNEL("d0", ""), CRYPTO("new-secret") TUNNEL("d0", "")), 2);
	ck_assert_ptr_null(strstr(said, "old-secret"));
	ck_assert_ptr_null(strstr(said, "new-secret"));
	ck_assert_ptr_nonnull(strstr(said, "crypto ikev2 keyring K: peer joe: - pre-shared-key"));
	ck_assert_ptr_nonnull(strstr(said, "the key of peer joe is another one"));
}
END_TEST

START_TEST(interface_gone)
{
	ck_assert_int_eq(diff(CRYPTO("a") TUNNEL("d0", "") TUNNEL("d1", ""), CRYPTO("a") TUNNEL("d1", "")), 5);
	ck_assert_ptr_nonnull(strstr(said, "- interface d0\n"));
	ck_assert_ptr_null(strstr(said, "d1"));
}
END_TEST

static const char *
name(const struct conf *c, unsigned i)
{
	return i < c->core.n_tunnel ? c->core.tunnel[i].dp.name : "none";
}

START_TEST(places)
{
	struct conf *a = good(CRYPTO("a") TUNNEL("d0", "") TUNNEL("d1", " description one\n") TUNNEL("d2", ""));
	struct conf *b = good(CRYPTO("a") TUNNEL("d9", " description nine\n") TUNNEL("d2", "") TUNNEL("d1", " description one\n"));
	struct conf *c = good(CRYPTO("a") TUNNEL("d8", "") TUNNEL("d1", "")), *none = good("");

	conf_keep_places(b, a);
	ck_assert_uint_eq(b->core.n_tunnel, 4);
	ck_assert_str_eq(name(b, 0), "");	/* d0 went; it may take its time */
	ck_assert_str_eq(name(b, 1), "d1");
	ck_assert_str_eq(b->tunnel[1].description, "one");
	ck_assert_str_eq(name(b, 2), "d2");
	ck_assert_str_eq(name(b, 3), "d9");
	ck_assert_str_eq(b->tunnel[3].description, "nine");
	for (unsigned i = 1; i < 4; i++)
		ck_assert_uint_eq(b->core.tunnel[i].dp.id, i + 1);
	conf_keep_places(c, b);
	ck_assert_uint_eq(c->core.n_tunnel, 2);
	ck_assert_str_eq(name(c, 0), "d8");
	ck_assert_str_eq(name(c, 1), "d1");
	conf_keep_places(none, c);
	ck_assert_uint_eq(none->core.n_tunnel, 0);
	conf_free(a);
	conf_free(b);
	conf_free(c);
	conf_free(none);
}
END_TEST

/* All places taken: a new one gets that of one that goes. */
START_TEST(places_full)
{
	char text[16 * 200 + 400], other[sizeof(text)];
	struct conf *a, *b;
	size_t n = 0;

	n += (size_t)snprintf(text, sizeof(text), "%s", CRYPTO("a"));
	for (int i = 0; i < CORE_TUNNELS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "interface t%02d\n ip address 10.0.%d.1/24\n tunnel source e%d\n"
		    " tunnel protection ipsec profile V\n ip nhrp network-id 1\n", i, i, i);
	memcpy(other, text, sizeof(text));
	memcpy(strstr(other, "t07"), "n07", 3);
	a = good(text);
	b = good(other);
	conf_keep_places(b, a);
	ck_assert_uint_eq(b->core.n_tunnel, CORE_TUNNELS_MAX);
	ck_assert_str_eq(name(b, 7), "n07");
	ck_assert_str_eq(name(b, 15), "t15");
	conf_free(a);
	conf_free(b);
}
END_TEST

Suite *
conf_diff_suite(void)
{
	Suite *s = suite_create("conf_diff");
	TCase *c = tcase_create("conf_diff");

	tcase_add_test(c, nothing);
	tcase_add_test(c, lines);
	tcase_add_test(c, secrets_are_not_shown);
	tcase_add_test(c, interface_gone);
	tcase_add_test(c, places);
	tcase_add_test(c, places_full);
	suite_add_tcase(s, c);
	return s;
}
