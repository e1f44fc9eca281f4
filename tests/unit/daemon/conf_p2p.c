/* Twin of nhrpd/daemon/conf_p2p.c: GRE to one destination. */
#include "nhrpd/daemon/conf.h"
#include "tests/unit/harness.h"

suite_fn conf_p2p_suite;

#define CRYPTO \
	"crypto ikev2 keyring K\n peer any\n  address 0.0.0.0 0.0.0.0\n  pre-shared-key s3cret\n" \
	"crypto ikev2 profile P\n" \
	"crypto ipsec profile V\n"
#define BASE CRYPTO "interface d0\n ip address 10.0.0.2/24\n tunnel source eth0\n tunnel protection ipsec profile V\n ip nhrp network-id 1\n"
#define MODE BASE " tunnel mode gre ip\n"
#define SPOKE MODE " tunnel destination 192.0.2.1\n ip nhrp nhs 10.0.0.1\n"

START_TEST(a_spoke_with_one_hub)
{
	struct conf *c = conf_read_text("t", SPOKE);
	const struct core_tunnel_conf *t = c->core.tunnel;

	ck_assert_uint_eq(c->n_error, 0);
	ck_assert(!t->plain && !t->dp.plain && t->source_family == 4);
	ck_assert(t->nhrp.one_way && !t->nhrp.shortcut);
	ck_assert_uint_eq(t->nhrp.n_nhs, 1);
	ck_assert_str_eq(t->nhrp.nhs[0].name, "192.0.2.1");
	ck_assert(t->nhrp.nhs[0].mcast);	/* there is nowhere else for it */
	conf_free(c);
	c = conf_read_text("t", BASE " tunnel destination hub.example.net\n tunnel mode gre ipv6\n ip nhrp nhs 10.0.0.1 nbma hub.example.net\n"
	    " ipv6 address fd00::2/64\n ipv6 nhrp nhs fd00::1\n no ip nhrp shortcut\n");
	t = c->core.tunnel;
	ck_assert_uint_eq(c->n_error, 0);
	ck_assert(t->nhrp.one_way && t->source_family == 16);
	ck_assert_uint_eq(t->nhrp.n_nhs, 2);	/* the same hub, for each family inside */
	ck_assert_str_eq(t->nhrp.nhs[1].name, "hub.example.net");
	conf_free(c);
	c = conf_read_text("t", BASE " tunnel mode gre multipoint\n ip nhrp nhs 10.0.0.1 nbma 192.0.2.1\n");
	ck_assert(c->n_error == 0 && !c->core.tunnel[0].nhrp.one_way && !c->core.tunnel[0].nhrp.nhs[0].mcast);
	conf_free(c);
}
END_TEST

static const struct {
	const char *text, *error;
} refused[] = {
	{ MODE " ip nhrp nhs 10.0.0.1\n", "interface d0 needs \"tunnel destination ADDRESS\"" },
	{ MODE " tunnel destination 192.0.2.1\n", "interface d0 needs \"ip nhrp nhs ADDRESS\": the tunnel address of the hub at its destination" },
	{ SPOKE " tunnel destination 192.0.2.2\n", "a tunnel of mode gre ip has one destination, which stands at t:13" },
	{ SPOKE " ip nhrp nhs 10.0.0.3\n", "a tunnel of mode gre ip has one hub, which stands at t:14" },
	{ MODE " tunnel destination 192.0.2.1\n ip nhrp nhs 10.0.0.1 nbma 192.0.2.9\n",
	    "the hub of a tunnel of mode gre ip is at its destination, 192.0.2.1 (t:13)" },
	{ SPOKE " ip nhrp map 10.0.0.1 192.0.2.9\n", "the one outer address of a tunnel of mode gre ip is its destination, 192.0.2.1 (t:13)" },
	{ SPOKE " tunnel mode gre multipoint\n", "\"tunnel mode gre multipoint\" is not for a tunnel of mode gre ip, which has one peer" },
	{ SPOKE " ip nhrp shortcut\n", "\"nhrp shortcut\" is not for a tunnel of mode gre ip, which has one peer" },
	{ SPOKE " ip nhrp redirect\n", "\"nhrp redirect\" is not for a tunnel of mode gre ip, which has one peer" },
	{ SPOKE " ip nhrp map multicast dynamic\n", "\"nhrp map multicast dynamic\" is not for a tunnel of mode gre ip, which has one peer" },
	{ SPOKE " nhrp map group a service-policy output 1m\n", "\"nhrp map group\" is not for a tunnel of mode gre ip, which has one peer" },
	{ SPOKE " tunnel mode ipsec ipv4\n", "\"tunnel mode gre ip\" is not for a tunnel of mode ipsec" },
	{ MODE " tunnel destination 2001:db8::1\n ip nhrp nhs 10.0.0.1\n", "2001:db8::1 is not of the family of the tunnel's source" },
	{ MODE " tunnel destination 224.0.0.1\n ip nhrp nhs 10.0.0.1\n", "not an address a host can have" },
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
	unsigned *found = ctx;

	*found += strcmp(line, " tunnel mode gre ip") == 0 || strcmp(line, " tunnel destination 192.0.2.1") == 0 || strcmp(line, " ip nhrp nhs 10.0.0.1") == 0;
}

START_TEST(said_again)
{
	struct conf *c = conf_read_text("t", SPOKE);
	unsigned found = 0;

	conf_each_line(c, false, has_line, &found);
	ck_assert_uint_eq(found, 3);
	conf_free(c);
}
END_TEST

Suite *
conf_p2p_suite(void)
{
	Suite *s = suite_create("conf_p2p");
	TCase *t = tcase_create("conf_p2p");

	tcase_add_test(t, a_spoke_with_one_hub);
	tcase_add_loop_test(t, errors, 0, sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(t, said_again);
	suite_add_tcase(s, t);
	return s;
}
