/* Twin of nhrpd/daemon/conf_qos.c: groups, rates, and who may be of which. */
#include <stdio.h>

#include "nhrpd/daemon/conf.h"
#include "tests/unit/harness.h"

suite_fn conf_qos_suite;

#define TUNNEL "interface d0\n ip address 10.0.0.1/24\n tunnel source 192.0.2.1\n tunnel protection none\n ip nhrp network-id 1\n"
#define POLICY "crypto ikev2 authorization policy A\n match identity remote any\n"

START_TEST(all_of_it)
{
	struct conf *c = conf_read_text("t", TUNNEL " ip nhrp group branch-1\n nhrp map group gold service-policy output 20mbit\n"
	    " ip nhrp map group silver service-policy output 512000\n ipv6 nhrp map group s!~ service-policy output 1.5gbit\n"
	    POLICY " ip nhrp allow group gold silver\n ip nhrp allow group lead\n"
	    "crypto ikev2 authorization policy B\n match identity remote any\n ip nhrp allow group none\n");
	const struct core_policy *p = c->core.policy;
	const struct nhrp_conf *n;

	ck_assert_msg(c->n_error == 0, "%s", c->error[0].text);
	n = &c->core.tunnel[0].nhrp;
	ck_assert_str_eq(n->group, "branch-1");
	ck_assert_uint_eq(n->n_group_map, 3);
	ck_assert_str_eq(n->group_map[0].name, "gold");
	ck_assert_uint_eq(n->group_map[0].rate, 20000000);
	ck_assert_uint_eq(n->group_map[1].rate, 512000);
	ck_assert_str_eq(n->group_map[2].name, "s!~");
	ck_assert_uint_eq(n->group_map[2].rate, 1500000000);
	ck_assert(p[0].says_groups && p[0].says == 0 && p[0].n_allow == 3);
	ck_assert_str_eq(p[0].allow[2].group, "lead");
	ck_assert(p[1].says_groups && p[1].n_allow == 0);
	conf_free(c);
}
END_TEST

static const struct {
	const char *text;
	uint64_t rate;	/* 0: refused */
} rates[] = {
	{ "8000", 8000 }, { "7999", 0 }, { "8kbit", 8000 }, { "0.5mbit", 500000 }, { "2.000001m", 2000001 }, { "64K", 64000 }, { "10Mbps", 10000000 },
	{ "400gbit", 400000000000 }, { "400.1gbit", 0 }, { "999999999999gbit", 0 }, { "1000000000000", 0 }, { "20mbyte", 0 }, { "20 mbit", 0 }, { "20.mbit", 0 },
	{ ".5mbit", 0 }, { "-1mbit", 0 }, { "mbit", 0 }, { "1e9", 0 },
};

START_TEST(rate)
{
	char text[400];
	struct conf *c;

	snprintf(text, sizeof(text), TUNNEL " nhrp map group g service-policy output %s\n", rates[_i].text);
	c = conf_read_text("t", text);
	ck_assert_msg((c->n_error == 0) == (rates[_i].rate != 0), "%s", rates[_i].text);
	if (!c->n_error)
		ck_assert_uint_eq(c->core.tunnel[0].nhrp.group_map[0].rate, rates[_i].rate);
	conf_free(c);
}
END_TEST

static const struct {
	const char *text, *error;
} refused[] = {
	{ TUNNEL " nhrp map group g service-policy output 1m\n nhrp map group g service-policy output 2m\n", "mapped already at t:6" },
	{ TUNNEL " nhrp group 0123456789abcdef0123456789abcdefg\n", "the name of a group is longer than 32 characters" },
	{ TUNNEL " nhrp group \"a b\"\n", "expected a name of at most 32 characters without blanks, found \"a b\"" },
	{ TUNNEL " nhrp group a\n nhrp group b\n", "set to something else already, at t:6" },
	{ TUNNEL " nhrp map group g service-policy output 1kbit\n", "expected a rate from 8kbit to 400gbit" },
	{ POLICY " ip nhrp allow group none\n ip nhrp allow group a\n", "\"none\" and a list of them cannot both be" },
	{ POLICY " ip nhrp allow group a\n ip nhrp allow group none\n", "\"none\" and a list of them cannot both be" },
	{ POLICY " ip nhrp allow group a b c d e f g h\n ip nhrp allow group i\n", "more than 8 groups in one policy" },
	{ "dataplane kernel\n" TUNNEL " nhrp map group g service-policy output 1m\n", "\"nhrp map group\" needs \"dataplane user\"" },
	{ "interface d0\n ip address 10.0.0.1/24\n tunnel source 192.0.2.1\n tunnel mode ipsec ipv4\n tunnel destination 192.0.2.2\n nhrp group a\n",
	    "\"nhrp group\" is not for a tunnel of mode ipsec" },
};

START_TEST(errors)
{
	struct conf *c = conf_read_text("t", refused[_i].text);
	bool said = false;

	for (unsigned i = 0; i < c->n_error; i++)
		said |= strcmp(c->error[i].text, refused[_i].error) == 0;
	ck_assert_msg(said, "%s", c->n_error ? c->error[0].text : "taken");
	conf_free(c);
}
END_TEST

static void
has_line(void *ctx, const char *line)
{
	static const char *const want[] = { " ip nhrp group a", " nhrp map group g service-policy output 20mbit", " ip nhrp allow group a b" };
	unsigned *found = ctx;

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		*found += strcmp(line, want[i]) == 0;
}

START_TEST(said_again)
{
	struct conf *c = conf_read_text("t", TUNNEL " ip nhrp gro a\n nhrp map gr g serv out 20mbit\n" POLICY " ip nhrp allow gro a b\n");
	unsigned found = 0;

	ck_assert_msg(c->n_error == 0, "%s", c->error[0].text);
	conf_each_line(c, false, has_line, &found);
	ck_assert_uint_eq(found, 3);
	conf_free(c);
	c = conf_read_text("t", TUNNEL " ip nhrp group a\n no nhrp group\n");
	ck_assert_msg(c->n_error == 0, "%s", c->error[0].text);
	ck_assert_str_eq(c->core.tunnel[0].nhrp.group, "");
	conf_free(c);
}
END_TEST

Suite *
conf_qos_suite(void)
{
	Suite *s = suite_create("conf_qos");
	TCase *t = tcase_create("conf_qos");

	tcase_add_test(t, all_of_it);
	tcase_add_loop_test(t, rate, 0, (int)(sizeof(rates) / sizeof(rates[0])));
	tcase_add_loop_test(t, errors, 0, (int)(sizeof(refused) / sizeof(refused[0])));
	tcase_add_test(t, said_again);
	suite_add_tcase(s, t);
	return s;
}
