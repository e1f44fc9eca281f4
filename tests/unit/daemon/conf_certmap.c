/* Twin of nhrpd/daemon/conf_certmap.c: certificate maps as they are read, named, refused and said again. */
#include "nhrpd/daemon/conf.h"
#include "tests/unit/harness.h"

suite_fn conf_certmap_suite;

#define MAP "crypto pki certificate map SITES 10\n subject-name co OU=branch\n issuer-name eq CN=Root, O=Lab\n"
#define OTHER "crypto pki certificate map SITES 20\n alt-subject-name nc test.example.net\n"
#define POLICY "crypto ikev2 authorization policy A\n match certificate SITES\n ip nhrp allow prefix none\n"

START_TEST(in_a_policy)
{
	struct conf *c = conf_read_text("t", POLICY MAP OTHER);
	const struct core_policy *p = c->core.policy;
	const struct ike_certmap *m;

	ck_assert_msg(c->n_error == 0, "%s", c->error[0].text);
	ck_assert_uint_eq(p->n_match, 0);
	ck_assert_uint_eq(p->n_certmap, 1);
	m = p->certmap[0];
	ck_assert_str_eq(m->name, "SITES");
	ck_assert_uint_eq(m->n, 2);
	ck_assert_uint_eq(m->entry[0].n, 2);
	ck_assert(m->entry[0].rule[0].what == IKE_MAP_SUBJECT && m->entry[0].rule[0].op == IKE_MAP_CO);
	ck_assert_str_eq(m->entry[0].rule[0].value, "OU=branch");
	ck_assert(m->entry[0].rule[1].what == IKE_MAP_ISSUER && m->entry[0].rule[1].op == IKE_MAP_EQ);
	ck_assert_str_eq(m->entry[0].rule[1].value, "CN=Root, O=Lab");
	ck_assert(m->entry[1].rule[0].what == IKE_MAP_ALT_NAME && m->entry[1].rule[0].op == IKE_MAP_NC);
	conf_free(c);
}
END_TEST

static const struct {
	const char *text, *error;
} refused[] = {
	{ POLICY, "there is no \"crypto pki certificate map SITES\"" },
	{ "crypto ikev2 profile P\n match certificate SITES\n", "there is no \"crypto pki certificate map SITES\"" },
	{ "crypto pki certificate map M 10\n", "certificate map M 10 says nothing: add \"subject-name\", \"issuer-name\" or \"alt-subject-name\"" },
	{ MAP MAP, "crypto pki certificate map SITES 10 stands already at t:1" },
	{ "crypto pki certificate map M 10\n subject-name co nonsense=x\n", "expected a distinguished name like OU=branch, O=Example" },
	{ "crypto pki certificate map M 10\n subject-name eq x\n", "expected a distinguished name like OU=branch, O=Example" },
	{ MAP "crypto ikev2 keyring K\n peer any\n  address 0.0.0.0 0.0.0.0\n  pre-shared-key s3cret\ncrypto ikev2 profile P\n match certificate SITES\n"
	      "crypto ipsec profile V\ninterface d0\n ip address 10.0.0.1/24\n tunnel source eth0\n tunnel protection ipsec profile V\n ip nhrp network-id 1\n",
	    "profile P would match nobody: \"authentication remote\" takes no certificates" },
	{ MAP POLICY " match certificate SITES\n match certificate SITES\n match certificate SITES\n match certificate SITES\n", "more than 4 certificate maps here" },
};

START_TEST(errors)
{
	struct conf *c = conf_read_text("t", refused[_i].text);

	ck_assert_uint_ge(c->n_error, 1);
	ck_assert_str_eq(c->error[0].text, refused[_i].error);
	conf_free(c);
}
END_TEST

static void
has_line(void *ctx, const char *line)
{
	static const char *const want[] = { "crypto pki certificate map SITES 10", " subject-name co OU=branch", " issuer-name eq CN=Root, O=Lab",
		"crypto pki certificate map SITES 20", " alt-subject-name nc test.example.net", " match certificate SITES" };
	unsigned *found = ctx;

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		*found += strcmp(line, want[i]) == 0;
}

START_TEST(said_again)
{
	struct conf *c = conf_read_text("t", POLICY MAP OTHER);
	unsigned found = 0;

	conf_each_line(c, false, has_line, &found);
	ck_assert_uint_eq(found, 6);
	conf_free(c);
}
END_TEST

Suite *
conf_certmap_suite(void)
{
	Suite *s = suite_create("conf_certmap");
	TCase *t = tcase_create("conf_certmap");

	tcase_add_test(t, in_a_policy);
	tcase_add_loop_test(t, errors, 0, sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(t, said_again);
	suite_add_tcase(s, t);
	return s;
}
