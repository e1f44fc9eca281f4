/* Twin of nhrpd/daemon/conf_plain.c: interfaces of mode ipsec. */
#include "nhrpd/daemon/conf.h"
#include "tests/unit/harness.h"

suite_fn conf_plain_suite;

#define CRYPTO \
	"crypto ikev2 keyring K\n peer any\n  address 0.0.0.0 0.0.0.0\n  pre-shared-key s3cret\n" \
	"crypto ikev2 profile P\n" \
	"crypto ipsec profile V\n"
#define TUNNEL(name) "interface " name "\n ip address 10.0.0.1/24\n tunnel source eth0\n tunnel protection ipsec profile V\n"
#define PLAIN(name) TUNNEL(name) " tunnel mode ipsec ipv4\n"
#define GRE(name) "interface " name "\n ip address 10.0.1.1/24\n tunnel source eth0\n tunnel protection ipsec profile V\n ip nhrp network-id 1\n"

START_TEST(defaults)
{
	struct conf *c = conf_read_text("t", CRYPTO PLAIN("Tunnel1"));
	const struct core_tunnel_conf *t = c->core.tunnel;
	ck_assert_uint_eq(c->n_error, 0);
	ck_assert_uint_eq(c->core.n_tunnel, 1);
	ck_assert(t->plain && t->dp.plain && t->source_family == 4);
	ck_assert_uint_eq(t->plain->n_dest, 0);
	ck_assert_uint_eq(t->plain->reactivate_s, 60);
	ck_assert(dp_plain(&c->core.ike.profile[t->profile].plain));
	ck_assert_str_eq(c->core.ike.profile[t->profile].use, "Tunnel1");
	ck_assert_str_eq(c->core.ike.profile[t->profile].name, "P");
	conf_free(c);
}
END_TEST

START_TEST(all_of_it)
{
	struct conf *c = conf_read_text("t", CRYPTO "interface Tunnel1\n ip address 10.0.0.1/24\n ipv6 address fd00::1/64\n tunnel source eth0\n"
	    " tunnel mode ipsec ipv6\n tunnel destination 2001:db8::1\n tunnel destination hq.example.net\n tunnel reactivate 9\n"
	    " tunnel protection ipsec profile V\n");
	const struct core_tunnel_conf *t = c->core.tunnel;
	const struct dp_selectors *s;

	ck_assert_uint_eq(c->n_error, 0);
	ck_assert_uint_eq(t->source_family, 16);
	ck_assert_uint_eq(t->plain->n_dest, 2);
	ck_assert_str_eq(t->plain->dest[0], "2001:db8::1");
	ck_assert_str_eq(t->plain->dest[1], "hq.example.net");
	ck_assert_uint_eq(t->plain->reactivate_s, 9);
	s = &c->core.ike.profile[t->profile].plain;
	ck_assert(s->n_local == 2 && s->n_remote == 2 && s->local[0].lo.n == 4 && s->local[1].lo.n == 16);
	ck_assert(addr_is_zero(&s->remote[1].lo) && s->remote[1].hi.b[0] == 0xff && s->remote[1].hi.b[15] == 0xff);
	conf_free(c);
}
END_TEST

START_TEST(never_back)
{
	struct conf *c = conf_read_text("t", CRYPTO PLAIN("Tunnel1") " no tunnel reactivate\n");

	ck_assert_uint_eq(c->n_error, 0);
	ck_assert_uint_eq(c->core.tunnel[0].plain->reactivate_s, 0);
	conf_free(c);
}
END_TEST

/* Each has a profile of its own, DMVPN tunnels share theirs; and one source will do for all. */
START_TEST(beside_dmvpn)
{
	struct conf *c = conf_read_text("t", CRYPTO GRE("dmvpn0") PLAIN("Tunnel1") "interface Tunnel2\n ip address 10.0.2.1/24\n tunnel source eth0\n"
	    " tunnel protection ipsec profile V\n tunnel mode ipsec ipv4\n");

	ck_assert_uint_eq(c->n_error, 0);
	ck_assert_uint_eq(c->core.n_tunnel, 3);
	ck_assert_uint_eq(c->core.ike.n_profile, 3);
	ck_assert(!c->core.tunnel[0].plain && c->core.tunnel[1].plain && c->core.tunnel[2].plain);
	ck_assert(!dp_plain(&c->core.ike.profile[c->core.tunnel[0].profile].plain));
	ck_assert_uint_ne(c->core.tunnel[1].profile, c->core.tunnel[2].profile);
	conf_free(c);
}
END_TEST

static const struct {
	const char *text, *error;
} refused[] = {
	{ CRYPTO GRE("d0") " tunnel destination 192.0.2.1\n",
	    "\"tunnel destination\" is for \"tunnel mode gre ip\" and \"tunnel mode ipsec\": hubs of a multipoint tunnel are named by \"ip nhrp nhs\"" },
	{ CRYPTO GRE("d0") " tunnel reactivate 10\n", "\"tunnel reactivate\" is for \"tunnel mode ipsec\"" },
	{ CRYPTO PLAIN("d0") " tunnel key 4\n", "\"tunnel key\" is not for a tunnel of mode ipsec" },
	{ CRYPTO PLAIN("d0") " tunnel mode gre multipoint\n", "\"tunnel mode gre multipoint\" is not for a tunnel of mode ipsec" },
	{ CRYPTO PLAIN("d0") " ip nhrp network-id 4\n", "\"nhrp network-id\" is not for a tunnel of mode ipsec" },
	{ CRYPTO PLAIN("d0") " ip nhrp nhs 10.0.0.2 nbma 192.0.2.1\n", "\"nhrp nhs\" is not for a tunnel of mode ipsec" },
	{ CRYPTO PLAIN("d0") " ip nhrp map 10.0.0.2 192.0.2.1\n", "\"nhrp map\" is not for a tunnel of mode ipsec" },
	{ CRYPTO PLAIN("d0") " tunnel destination 2001:db8::1\n", "2001:db8::1 is not of the family of the tunnel's source" },
	{ CRYPTO PLAIN("d0") " tunnel destination 224.0.0.1\n", "not an address a host can have" },
	{ CRYPTO PLAIN("d0") " tunnel destination a.b\n tunnel destination a.b\n", "this destination stands already at t:12" },
	{ CRYPTO "dataplane kernel\n" PLAIN("d0"), "\"tunnel mode ipsec\" needs \"dataplane user\"" },
	{ CRYPTO "interface d0\n ip address 10.0.0.1/24\n tunnel source 192.0.2.1\n tunnel mode ipsec ipv6\n tunnel protection ipsec profile V\n",
	    "an IPv4 source for a tunnel of mode \"ipsec ipv6\"" },
	{ CRYPTO "interface d0\n tunnel mode ipsec ipv4\n ip address 10.0.0.1/24\n tunnel source eth0\n",
	    "interface d0 needs \"tunnel protection ipsec profile NAME\": it never sends in clear" },
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

	*found += strcmp(line, " tunnel mode ipsec ipv4") == 0 || strcmp(line, " tunnel destination hq.example.net") == 0 ||
	    strcmp(line, " tunnel reactivate 9") == 0;
}

START_TEST(said_again)
{
	struct conf *c = conf_read_text("t", CRYPTO PLAIN("Tunnel1") " tun dest hq.example.net\n tunnel reac 9\n");
	unsigned found = 0;

	ck_assert_uint_eq(c->n_error, 0);
	conf_each_line(c, false, has_line, &found);
	ck_assert_uint_eq(found, 3);
	conf_free(c);
}
END_TEST

Suite *
conf_plain_suite(void)
{
	Suite *s = suite_create("conf_plain");
	TCase *t = tcase_create("conf_plain");

	tcase_add_test(t, defaults);
	tcase_add_test(t, all_of_it);
	tcase_add_test(t, never_back);
	tcase_add_test(t, beside_dmvpn);
	tcase_add_loop_test(t, errors, 0, sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(t, said_again);
	suite_add_tcase(s, t);
	return s;
}
