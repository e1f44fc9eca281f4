/* Twin of nhrpd/daemon/conf_map.c: crypto maps and their access lists. */
#include "nhrpd/daemon/conf.h"
#include "tests/unit/harness.h"

suite_fn conf_map_suite;

#define CRYPTO \
	"crypto ikev2 keyring K\n peer any\n  address 0.0.0.0 0.0.0.0\n  pre-shared-key s3cret\n" \
	"crypto ikev2 profile P\n"
#define ACL "ip access-list extended A\n permit ip 10.1.0.0 0.0.255.255 10.2.0.0 0.0.255.255\n"
#define MAP(n) "crypto map VPN " n " ipsec-isakmp\n"
#define ENTRY MAP("10") " set peer 192.0.2.1\n match address A\n"
#define ON "interface eth0\n crypto map VPN\n"

static void
is_line(const struct conf_permit *l, const char *local, const char *remote)
{
	char a[PREFIX_STRLEN], b[PREFIX_STRLEN];

	ck_assert_str_eq(prefix_fmt(&l->local, a), local);
	ck_assert_str_eq(prefix_fmt(&l->remote, b), remote);
	ck_assert_uint_ne(l->set, 0);
}

static struct conf *
read_good(const char *text)
{
	struct conf *c = conf_read_text("t", text);

	ck_assert_msg(c->n_error == 0, "%s", c->n_error ? c->error[0].text : "");
	return c;
}

START_TEST(one_entry)
{
	struct conf *c = read_good(CRYPTO ACL ENTRY ON);
	const struct core_tunnel_conf *t = c->core.tunnel;
	const struct ike_profile *p = &c->core.ike.profile[t->profile];

	ck_assert_uint_eq(c->core.n_tunnel, 1);
	ck_assert_str_eq(t->dp.name, "VPN-10");
	ck_assert(t->plain && t->plain->policy && t->dp.plain && t->dp.mss == 1 && t->dp.n_addr == 0);
	ck_assert_str_eq(t->source_if, "eth0");
	ck_assert_str_eq(t->plain->dest[0], "192.0.2.1");
	ck_assert_uint_eq(t->plain->reactivate_s, 60);
	ck_assert_str_eq(p->use, "VPN-10");
	ck_assert(dp_plain(&p->plain) && p->n_more == 0 && p->n_from == 1 && p->plain.set == c->tunnel[0].map->line[0].set);
	ck_assert(p->plain.remote[0].hi.b[1] == 2 && p->plain.remote[0].hi.b[3] == 255 && p->plain.remote[0].lo.b[3] == 0);
	ck_assert_uint_eq(c->tunnel[0].map->n_line, 1);
	is_line(c->tunnel[0].map->line, "10.1.0.0/16", "10.2.0.0/16");
	conf_free(c);
}
END_TEST

/* All ways to write a side, numbers out of order, both families for one peer. */
START_TEST(ways_to_write_it)
{
	struct conf *c = read_good(CRYPTO
	    "ip access-list extended A\n remark what the branch may reach\n 30 permit ip host 10.1.0.1 10.2.3.4/24\n 10 permit ip any host 10.9.0.1\n"
	    " permit ip 10.1.0.0/16 10.3.0.0 0.0.0.255\n 20 permit ip 10.1.2.3 0.0.255.255 10.4.0.0/16\n"
	    "ipv6 access-list A6\n permit ipv6 2001:db8:1::/48 host 2001:db8:2::1\n"
	    MAP("10") " set peer hq.example.net\n match address A A6\n set reactivate 9\n set pfs group20\n reverse-route static\n description x\n" ON);
	const struct conf_map *m = c->tunnel[0].map;
	const struct ike_profile *p = &c->core.ike.profile[0];

	ck_assert_uint_eq(m->n_line, 5);
	is_line(&m->line[0], "0.0.0.0/0", "10.9.0.1/32");
	is_line(&m->line[1], "10.1.0.0/16", "10.4.0.0/16");
	is_line(&m->line[2], "10.1.0.1/32", "10.2.3.0/24");
	is_line(&m->line[3], "10.1.0.0/16", "10.3.0.0/24");
	is_line(&m->line[4], "2001:db8:1::/48", "2001:db8:2::1/128");
	ck_assert_uint_eq(p->n_more, 4);
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_uint_eq(p->more[i].set, m->line[i + 1].set);
		for (unsigned k = 0; k <= i; k++)
			ck_assert_uint_ne(p->more[i].set, m->line[k].set);
	}
	ck_assert_uint_eq(p->n_from, 0);	/* a name may lead anywhere */
	ck_assert_uint_eq(c->core.tunnel[0].plain->reactivate_s, 9);
	ck_assert_uint_eq(p->esp[0].group[0], 20);
	ck_assert_uint_eq(m->n_acl, 2);
	conf_free(c);
}
END_TEST

static void
is_ports(const struct dp_range *r, uint8_t proto, bool some, unsigned lo, unsigned hi)
{
	ck_assert_uint_eq(r->proto, proto);
	ck_assert(r->ports == some);
	ck_assert_uint_eq(r->port_lo, lo);
	ck_assert_uint_eq(r->port_hi, hi);
}

/* Protocols and ports, as IOS has them. The order of lines is that of SAs. */
START_TEST(protocols_and_ports)
{
	struct conf *c = read_good(CRYPTO
	    "ip access-list extended A\n permit tcp 10.1.0.0 0.0.255.255 10.2.0.0 0.0.255.255 eq 443\n permit udp any eq domain host 10.2.0.9 gt 1023\n"
	    " permit tcp 10.1.0.0/16 range ftp-data 21 10.2.0.0/16 lt 1024\n permit icmp 10.1.0.0/16 10.2.0.0/16\n"
	    " permit 89 10.1.0.0/16 10.2.0.0/16\n permit ip 10.1.0.0/16 10.2.0.0/16\n permit sctp 10.1.0.0/16 gt 0 10.2.0.0/16 range 0 65535\n"
	    "ipv6 access-list A6\n permit icmp 2001:db8:1::/48 2001:db8:2::/48\n permit udp 2001:db8:1::/48 2001:db8:2::/48 eq 4789\n"
	    MAP("10") " set peer 192.0.2.1\n match address A A6\n" ON);
	const struct conf_map *m = c->tunnel[0].map;
	const struct ike_profile *p = &c->core.ike.profile[0];

	ck_assert_uint_eq(m->n_line, 9);
	ck_assert(c->core.tunnel[0].dp.ports);
	is_ports(&m->line[0].from, 6, false, 0, 0);
	is_ports(&m->line[0].to, 6, true, 443, 443);
	is_ports(&m->line[1].from, 17, true, 53, 53);
	is_ports(&m->line[1].to, 17, true, 1024, 65535);
	is_ports(&m->line[2].from, 6, true, 20, 21);
	is_ports(&m->line[2].to, 6, true, 0, 1023);
	is_ports(&m->line[3].from, 1, false, 0, 0);
	is_ports(&m->line[4].to, 89, false, 0, 0);
	is_ports(&m->line[5].to, 0, false, 0, 0);
	is_ports(&m->line[6].from, 132, true, 1, 65535);
	is_ports(&m->line[6].to, 132, false, 0, 0);
	is_ports(&m->line[7].to, 58, false, 0, 0);
	is_ports(&m->line[8].to, 17, true, 4789, 4789);
	for (unsigned i = 0; i < 9; i++) {
		const struct dp_selectors *s = i ? &p->more[i - 1] : &p->plain;

		ck_assert_mem_eq(&s->local[0], &m->line[i].from, sizeof(s->local[0]));
		ck_assert_mem_eq(&s->remote[0], &m->line[i].to, sizeof(s->local[0]));
		ck_assert(s->order == i && s->set == m->line[i].set);
		for (unsigned k = 0; k < i; k++)
			ck_assert_uint_ne(m->line[k].set, s->set);
	}
	conf_free(c);
	c = read_good(CRYPTO ACL ENTRY ON);
	ck_assert(!c->core.tunnel[0].dp.ports);
	conf_free(c);
}
END_TEST

/* In the order of their numbers; "default" goes first. A line keeps its number wherever it stands. */
START_TEST(several_entries)
{
	struct conf *c = read_good(CRYPTO ACL "ip access-list extended B\n permit ip 10.1.0.0/16 10.3.0.0/16\n permit ip 10.8.0.0/16 10.2.0.0/17\n"
	    MAP("20") " set peer 192.0.2.2\n set peer 192.0.2.3 default\n match address B\n" ENTRY ON);
	struct conf *d = read_good(CRYPTO ACL ENTRY ON);

	ck_assert_uint_eq(c->core.n_tunnel, 2);
	ck_assert_str_eq(c->core.tunnel[0].dp.name, "VPN-10");
	ck_assert_str_eq(c->core.tunnel[1].dp.name, "VPN-20");
	ck_assert_str_eq(c->core.tunnel[1].plain->dest[0], "192.0.2.3");
	ck_assert_uint_eq(c->tunnel[0].map->line[0].set, d->tunnel[0].map->line[0].set);
	conf_keep_places(d, c);
	ck_assert_ptr_nonnull(d->tunnel[0].map);
	conf_free(c);
	conf_free(d);
}
END_TEST

START_TEST(beside_tunnels)
{
	struct conf *c = read_good(CRYPTO ACL ENTRY "crypto ipsec profile V\ninterface Tunnel1\n ip address 10.0.0.1/24\n tunnel source eth0\n"
	    " tunnel mode ipsec ipv4\n tunnel protection ipsec profile V\n" ON);

	ck_assert_uint_eq(c->core.n_tunnel, 2);
	ck_assert(!c->tunnel[0].map && c->tunnel[1].map);
	conf_free(c);
	c = read_good(CRYPTO ACL ENTRY ON " shutdown\n");
	ck_assert(c->core.n_tunnel == 0 && c->n_shutdown == 1);
	conf_free(c);
	c = read_good(CRYPTO ACL ENTRY);
	ck_assert_uint_eq(c->n_warning, 1);
	ck_assert_str_eq(c->warning[0].text, "crypto map VPN is not applied to an interface");
	conf_free(c);
}
END_TEST

static const struct {
	const char *text, *error;
} refused[] = {
	{ CRYPTO "ip access-list extended A\n permit ip 10.1.0.0 10.2.0.0\n",
	    "expected a wildcard without holes, like 0.0.255.255 for a /16" },
	{ CRYPTO "ip access-list extended A\n permit ip 10.1.0.0 255.255.0.0 10.2.0.0 255.255.0.0\n",
	    "expected a wildcard without holes, like 0.0.255.255 for a /16" },
	{ CRYPTO "ip access-list extended A\n permit ip 10.1.0.0/16 10.2.0.0\n",
	    "expected a wildcard behind it (10.1.0.0 0.0.255.255), a length (10.1.0.0/16), or \"host\" before it" },
	{ CRYPTO "ip access-list extended A\n permit ip 10.1.0.0/16\n", "expected also where packets go to" },
	{ CRYPTO "ip access-list extended A\n permit ip host any any\n", "expected an address behind \"host\"" },
	{ CRYPTO "ip access-list extended A\n permit ip any 10.1.0.0/16 10.2.0.0/16\n", "expected nothing more" },
	{ CRYPTO "ip access-list extended A\n permit ip any host 10.2.0.1 eq 80\n", "ports are for tcp, udp and sctp" },
	{ CRYPTO "ip access-list extended A\n permit icmp any host 10.2.0.1 range 1 2\n", "ports are for tcp, udp and sctp" },
	{ CRYPTO "ip access-list extended A\n permit tcp any host 10.2.0.1 eq\n", "expected a port" },
	{ CRYPTO "ip access-list extended A\n permit tcp any eq host 10.2.0.1\n", "expected a port" },
	{ CRYPTO "ip access-list extended A\n permit tcp any host 10.2.0.1 range 80\n", "expected the first and the last port" },
	{ CRYPTO "ip access-list extended A\n permit tcp any host 10.2.0.1 range 81 80\n", "there is no such port" },
	{ CRYPTO "ip access-list extended A\n permit tcp any host 10.2.0.1 lt 0\n", "there is no such port" },
	{ CRYPTO "ip access-list extended A\n permit tcp any host 10.2.0.1 gt 65535\n", "there is no such port" },
	{ CRYPTO "ip access-list extended A\n permit tcp any eq 80\n", "expected also where packets go to" },
	{ CRYPTO "ip access-list extended A\n permit tcp eq 80 any\n", "expected a prefix, an address and a wildcard, host or any" },
	{ CRYPTO "ip access-list extended A\n permit gre host 10.1.0.1 host 10.2.0.1\n", "GRE has tunnels of its own: \"tunnel mode gre multipoint\"" },
	{ CRYPTO "ip access-list extended A\n permit 47 host 10.1.0.1 host 10.2.0.1\n", "GRE has tunnels of its own: \"tunnel mode gre multipoint\"" },
	{ CRYPTO "ip access-list extended A\n permit ipv6 any any\n", "expected ip: IPv6 stands in an \"ipv6 access-list\"" },
	{ CRYPTO "ipv6 access-list A\n permit ip any any\n", "expected ipv6" },
	{ CRYPTO "ip access-list extended A\n permit tcp any host 10.2.0.1 eq 80\n permit tcp any host 10.2.0.1 eq www\n", "this line stands already at t:7" },
	{ CRYPTO ACL "ip access-list extended B\n permit tcp any 10.2.0.0/16 eq 22\n" ENTRY MAP("20") " set peer 192.0.2.2\n match address B\n" ON,
	    "10.2.0.0/16 is where crypto map VPN 10 leads already: a far prefix belongs to one entry" },
	{ CRYPTO "ip access-list extended A\n permit ip any 2001:db8::/32\n", "expected IPv4: IPv6 stands in an \"ipv6 access-list\"" },
	{ CRYPTO "ipv6 access-list A\n permit ipv6 any 10.0.0.0/8\n", "expected IPv6" },
	{ CRYPTO "ip access-list extended A\n permit ip any host 10.2.0.1\n permit ip any host 10.2.0.1\n", "this line stands already at t:7" },
	{ CRYPTO "ip access-list extended A\n 5 permit ip any host 10.2.0.1\n 5 permit ip any host 10.2.0.2\n", "this number stands already at t:7" },
	{ CRYPTO "ip access-list extended A\n deny ip any any\n", "deny is not supported: only what is permitted is protected" },
	{ CRYPTO "ip access-list extended A\n" MAP("1") " match address A\n" ON, "access list A permits nothing" },
	{ CRYPTO MAP("1") " match address A\n" ON, "there is no access list A: \"ip access-list extended A\"" },
	{ CRYPTO MAP("1") ON, "crypto map VPN 1 needs \"match address NAME\"" },
	{ CRYPTO ACL MAP("10") " set connect traffic\n match address A\n" ON, "crypto map VPN 10 has no \"set peer\" that traffic could make it connect to" },
	{ CRYPTO ACL ENTRY " set security-association idle-time 60\n" ON,
	    "\"set security-association idle-time\" is for \"set connect traffic\": else SAs are opened again at once" },
	{ CRYPTO ACL ENTRY MAP("10"), "crypto map VPN 10 stands already at t:8" },
	{ CRYPTO "interface eth0\n crypto map VPN\n", "there is no \"crypto map VPN\"" },
	{ CRYPTO ACL ENTRY ON "interface eth1\n crypto map VPN\n", "crypto map VPN is applied already, at t:12" },
	{ CRYPTO ACL ENTRY ON " ip address 192.0.2.9/24\n", "the addresses of eth0 are the system's to set: only tunnels have theirs here" },
	{ CRYPTO ACL ENTRY ON " tunnel source eth1\n", "\"tunnel source\" is for a tunnel: a crypto map is applied to the interface that packets leave by" },
	{ CRYPTO "dataplane kernel\n" ACL ENTRY ON, "\"crypto map\" needs \"dataplane user\"" },
	{ CRYPTO ACL MAP("10") " set peer 10.2.3.4\n match address A\n" ON, "the peer 10.2.3.4 of crypto map VPN 10 is itself in 10.2.0.0/16" },
	{ CRYPTO "ip access-list extended A\n permit ip 10.1.0.0/16 any\n" ENTRY ON,
	    "packets for everywhere cannot be protected: the way to the peer is one of them" },
	{ CRYPTO ACL ENTRY MAP("20") " set peer 192.0.2.2\n match address A\n" ON,
	    "10.2.0.0/16 is where crypto map VPN 10 leads already: a far prefix belongs to one entry" },
	{ CRYPTO ACL "ip access-list extended B\n permit ip any 10.7.0.0/16\n" ENTRY MAP("20") " set peer 192.0.2.1\n match address B\n" ON,
	    "crypto map VPN 10 has this peer already (t:11): add lines to its access list instead" },
	{ CRYPTO ACL ENTRY " set peer 192.0.2.1\n" ON, "this peer stands already at t:9" },
	{ CRYPTO ACL ENTRY " set peer 2001:db8::1\n" ON, "2001:db8::1 is not of the family of the peers before it" },
	{ CRYPTO ACL ENTRY " set peer 224.0.0.1\n" ON, "not an address a host can have" },
	{ CRYPTO ACL ENTRY ON "crypto ipsec profile V\ninterface Tunnel1\n ip address 10.0.0.1/24\n tunnel source eth0\n tunnel mode ipsec ipv4\n"
	    " tunnel protection ipsec profile V\nip route 10.2.0.0/16 10.0.0.2\n", "this prefix is protected by crypto map VPN 10, which has its own route" },
	{ CRYPTO ACL ENTRY " set ikev2-profile NONE\n" ON, "there is no \"crypto ikev2 profile NONE\"" },
};

START_TEST(errors)
{
	struct conf *c = conf_read_text("t", refused[_i].text);

	ck_assert_uint_ge(c->n_error, 1);
	ck_assert_str_eq(c->error[0].text, refused[_i].error);
	conf_free(c);
}
END_TEST

/* One more line than fit, one more peer, one more entry. */
START_TEST(bounds)
{
	char text[8192];
	struct conf *c;
	size_t n = (size_t)snprintf(text, sizeof(text), CRYPTO "ip access-list extended A\n");

	for (unsigned i = 0; i <= IKE_PAIRS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " permit ip any 10.%u.0.0/16\n", i);
	c = conf_read_text("t", text);
	ck_assert_str_eq(c->error[0].text, "more than 32 lines in one access list");
	conf_free(c);
	n = (size_t)snprintf(text, sizeof(text), CRYPTO ACL MAP("10"));
	for (unsigned i = 0; i <= CORE_DESTS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " set peer 192.0.2.%u\n", i + 1);
	c = conf_read_text("t", text);
	ck_assert_str_eq(c->error[0].text, "more than 8 peers");
	conf_free(c);
	n = (size_t)snprintf(text, sizeof(text), CRYPTO ON);
	for (unsigned i = 1; i <= CORE_TUNNELS_MAX + 1; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "ip access-list extended A%u\n permit ip any 10.%u.0.0/16\ncrypto map VPN %u ipsec-isakmp\n match address A%u\n", i, i, i, i);
	c = conf_read_text("t", text);
	ck_assert_uint_ge(c->n_error, 1);
	ck_assert(strncmp(c->error[0].text, "more than ", 10) == 0);
	conf_free(c);
}
END_TEST

START_TEST(when_it_connects)
{
	static const struct {
		const char *words;
		bool on_traffic;
		unsigned idle_s;
	} t[] = { { "", false, 0 }, { " set connect auto\n", false, 0 }, { " set connect traffic\n", true, 300 },
		{ " set connect traffic\n set security-association idle-time 60\n", true, 60 },
		{ " set connect traffic\n no set security-association idle-time\n", true, 0 }, { " set connect traffic\n no set connect\n", false, 0 } };

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		char text[2048];
		struct conf *c;

		snprintf(text, sizeof(text), CRYPTO ACL ENTRY "%s" ON, t[i].words);
		c = read_good(text);
		ck_assert(c->core.tunnel[0].plain->on_traffic == t[i].on_traffic);
		ck_assert_uint_eq(c->core.tunnel[0].plain->idle_s, t[i].idle_s);
		conf_free(c);
	}
}
END_TEST

static void
collect(void *ctx, const char *line)
{
	char *out = ctx;

	snprintf(out + strlen(out), 4096 - strlen(out), "%s\n", line);
}

/* What show run says loads to the same again. */
START_TEST(said_again)
{
	struct conf *c = read_good(CRYPTO "ip acc ext A\n 20 perm ip host 10.1.0.1 10.2.0.0 0.0.255.255\n 30 perm tcp any eq www 10.2.0.0/16 range 1 2\n remark x\n" MAP("10")
	    " set peer 192.0.2.1\n set peer 192.0.2.2 def\n match addr A\n no set reactivate\n set conn traf\n set security idle 45\n" ON);
	char text[4096] = "", again[4096] = "";
	struct conf *d;

	conf_each_line(c, true, collect, text);
	ck_assert_ptr_nonnull(strstr(text, "ip access-list extended A\n 20 permit ip host 10.1.0.1 10.2.0.0 0.0.255.255\n 30 permit tcp any eq www 10.2.0.0/16 range 1 2\n remark x\n"));
	ck_assert_ptr_nonnull(strstr(text, "interface eth0\n crypto map VPN\n"));
	d = read_good(text);
	conf_each_line(d, true, collect, again);
	ck_assert_str_eq(text, again);
	ck_assert_str_eq(d->core.tunnel[0].plain->dest[0], "192.0.2.2");
	ck_assert_uint_eq(d->core.tunnel[0].plain->reactivate_s, 0);
	ck_assert(d->core.tunnel[0].plain->on_traffic && d->core.tunnel[0].plain->idle_s == 45);
	conf_free(c);
	conf_free(d);
}
END_TEST

Suite *
conf_map_suite(void)
{
	Suite *s = suite_create("conf_map");
	TCase *t = tcase_create("conf_map");

	tcase_add_test(t, one_entry);
	tcase_add_test(t, ways_to_write_it);
	tcase_add_test(t, protocols_and_ports);
	tcase_add_test(t, several_entries);
	tcase_add_test(t, beside_tunnels);
	tcase_add_loop_test(t, errors, 0, sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(t, bounds);
	tcase_add_test(t, when_it_connects);
	tcase_add_test(t, said_again);
	suite_add_tcase(s, t);
	return s;
}
