/* Twin of nhrpd/daemon/conf_authz.c: authorization policies as they are read, refused and said again. */
#include "nhrpd/daemon/conf.h"
#include "tests/unit/harness.h"

suite_fn conf_authz_suite;

#define POLICY "crypto ikev2 authorization policy A\n"
#define ANY	" match identity remote any\n"

START_TEST(all_of_it)
{
	struct conf *c = conf_read_text("t", POLICY " match identity remote fqdn domain example.net\n match identity remote pattern fqdn site-{n}.example.org\n"
	    " match identity remote dn CN=*, O=Lab\n ip nhrp allow address 10.255.0.{n} 10.255.1.7\n ipv6 nhrp allow address 2001:db8::{n}\n"
	    " ip nhrp allow prefix 10.{n}.0.0/16 172.16.0.0/12\n description branches\n"
	    "crypto ikev2 authorization policy B\n" ANY " ip nhrp allow prefix none\n");
	const struct core_policy *p = c->core.policy;
	char text[PREFIX_STRLEN];

	ck_assert_uint_eq(c->n_error, 0);
	ck_assert_uint_eq(c->core.n_policy, 2);
	ck_assert_str_eq(p[0].source, "authorization policy A");
	ck_assert_uint_eq(p[0].n_match, 3);
	ck_assert(p[0].match[0].id.kind == IKE_MATCH_DOMAIN && !p[0].match[0].pattern);
	ck_assert_str_eq(p[0].match[1].pattern, "fqdn site-{n}.example.org");
	ck_assert(p[0].match[2].id.kind == IKE_MATCH_EXACT && p[0].match[2].id.id.type == IKE_ID_DN);
	ck_assert_uint_eq(p[0].says, CLAIM_BOTH);
	ck_assert_uint_eq(p[0].n_allow, 5);
	ck_assert_str_eq(p[0].allow[0].template, "10.255.0.{n}");
	ck_assert_uint_eq(p[0].allow[0].kind, CLAIM_ADDRESS);
	ck_assert(!p[0].allow[1].template);
	ck_assert_str_eq(prefix_fmt(&p[0].allow[1].prefix, text), "10.255.1.7/32");
	ck_assert_str_eq(p[0].allow[2].template, "2001:db8::{n}");
	ck_assert_uint_eq(p[0].allow[4].kind, CLAIM_PREFIX);
	ck_assert_str_eq(prefix_fmt(&p[0].allow[4].prefix, text), "172.16.0.0/12");
	ck_assert_str_eq(p[1].source, "authorization policy B");
	ck_assert(p[1].says == CLAIM_PREFIX && p[1].n_allow == 0);
	conf_free(c);
}
END_TEST

static const struct {
	const char *text, *place, *error;
} refused[] = {
	{ POLICY " ip nhrp allow prefix none\n", "t:1:35", "policy A needs \"match identity remote\" or \"match certificate\": whom is it for?" },
	{ POLICY ANY, "t:1:35", "policy A allows nothing and forbids nothing: add \"ip nhrp allow address\", \"prefix\" or \"group\"" },
	{ POLICY ANY " ip nhrp allow address 10.255.0.{n}\n", "t:3:24", "{n}, but no \"match identity remote pattern\" with it" },
	{ POLICY " match identity remote pattern site-{n}\n", "t:2:32", "expected an identity as it is shown, like \"fqdn site-{n}.example.net\"" },
	{ POLICY " match identity remote pattern fqdn {n}.{n}.net\n", "t:2:32", "{n} stands twice: one number at most" },
	{ POLICY ANY " ip nhrp allow address none\n ip nhrp allow address 10.0.0.1\n", "t:4:2", "\"none\" and a list of them cannot both be" },
	{ POLICY ANY " ip nhrp allow address 10.0.0.1\n ip nhrp allow address none\n", "t:4:2", "\"none\" and a list of them cannot both be" },
	{ POLICY ANY " ip nhrp allow address 10.0.0.x\n", "t:3:24", NULL },
	{ POLICY ANY " ip nhrp allow prefix 10.{n}.0.0/99\n", "t:3:23", NULL },
};

START_TEST(errors)
{
	struct conf *c = conf_read_text("t", refused[_i].text);
	char place[64];

	ck_assert_uint_ge(c->n_error, 1);
	snprintf(place, sizeof(place), "%.8s:%u:%u", c->error[0].file, c->error[0].line, c->error[0].column);
	ck_assert_str_eq(place, refused[_i].place);
	if (refused[_i].error)
		ck_assert_str_eq(c->error[0].text, refused[_i].error);
	conf_free(c);
}
END_TEST

/* So many and no more, told at the one too many. */
START_TEST(bounds)
{
	char text[8192], line[96];
	size_t n = (size_t)snprintf(text, sizeof(text), POLICY);
	struct conf *c;
	unsigned max = _i ? CLAIMS_MAX : 16;

	if (_i)
		n += (size_t)snprintf(text + n, sizeof(text) - n, ANY);
	for (unsigned i = 0; i <= max; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, _i ? " ip nhrp allow address 10.0.0.%u\n" : " match identity remote fqdn s%u.example.net\n", i);
	if (!_i)
		snprintf(text + n, sizeof(text) - n, " ip nhrp allow prefix none\n");
	c = conf_read_text("t", text);
	ck_assert_uint_eq(c->n_error, 1);
	ck_assert_uint_eq(c->error[0].line, max + 2 + (unsigned)_i);
	snprintf(line, sizeof(line), _i ? "more than %u addresses and prefixes in one policy" : "more than %u match lines in one policy", max);
	ck_assert_str_eq(c->error[0].text, line);
	conf_free(c);
}
END_TEST

static void
has_line(void *ctx, const char *line)
{
	static const char *const want[] = { "crypto ikev2 authorization policy A", " match identity remote pattern fqdn site-{n}.example.net",
		" ip nhrp allow address 10.255.0.{n}", " ip nhrp allow prefix none" };
	unsigned *found = ctx;

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		*found += strcmp(line, want[i]) == 0;
}

START_TEST(said_again)
{
	struct conf *c = conf_read_text("t", POLICY " match id rem pattern fqdn site-{n}.example.net\n ip nhrp all addr 10.255.0.{n}\n ip nhrp allow pref none\n");
	unsigned found = 0;

	ck_assert_uint_eq(c->n_error, 0);
	conf_each_line(c, false, has_line, &found);
	ck_assert_uint_eq(found, 4);
	conf_free(c);
}
END_TEST

Suite *
conf_authz_suite(void)
{
	Suite *s = suite_create("conf_authz");
	TCase *t = tcase_create("conf_authz");

	tcase_add_test(t, all_of_it);
	tcase_add_loop_test(t, errors, 0, sizeof(refused) / sizeof(refused[0]));
	tcase_add_loop_test(t, bounds, 0, 2);
	tcase_add_test(t, said_again);
	suite_add_tcase(s, t);
	return s;
}
