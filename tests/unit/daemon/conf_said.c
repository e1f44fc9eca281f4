/* The configuration in force as text: what it looks like, and that it loads to the same again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "nhrpd/daemon/conf.h"
#include "tests/unit/harness.h"

suite_fn conf_said_suite;

static char dir[64];

static void
setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/check_said.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void
teardown(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

static const char *
put(const char *name, const char *text)
{
	static char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
	ck_assert_int_eq(chmod(path, 0600), 0);
	return path;
}

static struct conf *
load(const char *name, const char *text)
{
	struct conf *c = conf_read(put(name, text));

	ck_assert_ptr_nonnull(c);
	if (c->n_error)
		conf_print_errors(c, stdout);
	ck_assert_uint_eq(c->n_error, 0);
	return c;
}

static void
line(void *ctx, const char *s)
{
	fprintf(ctx, "%s\n", s);
}

static char *
text_of(const struct conf *c, bool secrets)
{
	char *out;
	size_t n;
	FILE *f = open_memstream(&out, &n);

	conf_each_line(c, secrets, line, f);
	fclose(f);
	return out;
}

static void
same_profiles(const struct conf *a, const struct conf *b)
{
	ck_assert_uint_eq(a->core.ike.n_profile, b->core.ike.n_profile);
	for (unsigned i = 0; i < a->core.ike.n_profile; i++) {
		struct ike_profile p = a->core.ike.profile[i], q = b->core.ike.profile[i];

		ck_assert_uint_eq(p.n_key, q.n_key);
		if (p.n_key)
			ck_assert_mem_eq(p.key, q.key, p.n_key * sizeof(p.key[0]));
		p.key = q.key = NULL;
		ck_assert_mem_eq(&p, &q, sizeof(p));
	}
}

/* All that the engines and the daemon are given. */
static void
same(const struct conf *a, const struct conf *b)
{
	ck_assert_str_eq(a->hostname, b->hostname);
	ck_assert_int_eq(a->plane, b->plane);
	ck_assert_int_eq(a->log_level, b->log_level);
	ck_assert_int_eq(a->log_syslog, b->log_syslog);
	ck_assert_uint_eq(a->offload_off, b->offload_off);
	ck_assert_int_eq(a->crypto, b->crypto);
	ck_assert_str_eq(a->control_path, b->control_path);
	ck_assert_uint_eq(a->n_shutdown, b->n_shutdown);
	ck_assert_uint_eq(a->core.ike.half_open_max, b->core.ike.half_open_max);
	ck_assert_uint_eq(a->core.ike.cookie_threshold, b->core.ike.cookie_threshold);
	ck_assert_uint_eq(a->core.ike.sa_max, b->core.ike.sa_max);
	same_profiles(a, b);
	ck_assert_uint_eq(a->core.n_tunnel, b->core.n_tunnel);
	for (unsigned i = 0; i < a->core.n_tunnel; i++) {
		struct core_tunnel_conf t = a->core.tunnel[i], u = b->core.tunnel[i];

		ck_assert_str_eq(a->tunnel[i].description, b->tunnel[i].description);
		ck_assert_str_eq(t.source_if ? t.source_if : "", u.source_if ? u.source_if : "");
		t.source_if = u.source_if = NULL;
		ck_assert_mem_eq(&t.dp, &u.dp, sizeof(t.dp));
		ck_assert_mem_eq(&t.nhrp, &u.nhrp, sizeof(t.nhrp));
		ck_assert_uint_eq(t.profile, u.profile);
		ck_assert_uint_eq(t.source_family, u.source_family);
	}
}

/* What is shown loads to the same and is shown the same again. Answers the text. */
static char *
round_trip(struct conf *c)
{
	char *text = text_of(c, true), *again;
	struct conf *d = load("again.conf", text);

	same(c, d);
	again = text_of(d, true);
	ck_assert_str_eq(again, text);
	free(again);
	conf_free(d);
	return text;
}

static void
example(const char *name)
{
	char rel[64], *text;
	struct conf *c;
	size_t n;
	uint8_t *p;

	snprintf(rel, sizeof(rel), "examples/%s", name);
	p = test_shared(rel, &n);
	if (!p)
		return;
	put("others.psk", "the-others\n");
	c = load("it.conf", (char *)p);
	text = round_trip(c);
	ck_assert_ptr_nonnull(strstr(text, "others.psk\n"));
	free(text);
	conf_free(c);
	free(p);
}

START_TEST(examples)
{
	example("hub.conf");
	example("spoke.conf");
}
END_TEST

#define REST \
	"crypto ikev2 profile P\ncrypto ipsec profile V\ninterface d0\n ip address 10.0.0.1/24\n tunnel source eth0\n" \
	" tunnel protection ipsec profile V\n ip nhrp network-id 1\n"

static const char busy[] =
	"! a comment\nhostn r1\ndatap user\ndatap cry ipsec\nno dataplane offload gro\nno datap off tap\ndatap off tap\nlog lev warnings\nlog syslog\ncontrol socket /run/x\ncrypto ikev2 nat keepalive 30\n"
	"no crypto ikev2 fragmentation\n"
	"crypto ikev2 cookie-challenge 7\ncrypto ikev2 limit max-in-negotiation-sa 70\ncrypto ikev2 limit max-sa 700\ncrypto ikev2 dpd 30 5 on-demand\n"
	"crypto ikev2 proposal A\n encr aes-gcm-256\n encr chacha20-poly1305 aes-gcm-128\n prf sha384\n group 31 19\n"
	" additional-key-exchange 2 20 none\n additional-key-exchange 2 none\n additional-key-exchange 7 14\n no additional-key-exchange 7\n"
	"crypto ikev2 proposal B\n"
	"crypto ikev2 policy Q\n match fvrf any\n proposal B A\n"
	"crypto ikev2 keyring K\n peer one\n  descr the first\n  identity fqdn a.example\n  pre-shared-key \"with blank\"\n"
	" peer two\n  address 192.0.2.0 255.255.255.0\n  pre-shared-key hex 00ff10\n"
	"  ppk manual id one key first\n  ppk manual id q1 key hex 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff required\n"
	" peer three\n  identity email domain b.example\n  pre-shared-key \"hex\"\n"
	" peer four\n  identity address 2001:db8::/32\n  pre-shared-key 0 quo\"te\\d\n"
	" peer five\n  identity key-id \"an id\"\n  pre-shared-key first\n  no pre-shared-key\n  pre-shared-key \"\\\"x\"\n"
	" peer six\n  address 0.0.0.0/0\n  pre-shared-key file s.psk\n"
	"crypto ikev2 profile P\n match identity remote fqdn domain example\n match identity remote email x@b.example\n"
	" match identity remote address 10.0.0.0/8\n match identity remote key-id k\n match identity remote any\n"
	" identity local key-id \"it is me\"\n authentication local pre-share\n authentication remote pre-share\n keyring local K\n"
	" dpd 20 5 periodic\n lifetime 1000\n reauth 7200\n encapsulation force\n"
	"crypto ikev2 profile N\n no dpd\n identity local address 192.0.2.1\n keyring local K\n"
	"crypto ipsec transform-set T esp-gcm\n mode tunnel\n no mode\n mode transport require\ncrypto ipsec transform-set U esp-chacha20-poly1305\n mode transport require\n"
	"crypto ipsec profile V\n set transform-set U T\n set pfs\n set additional-key-exchange 1 20\n set additional-key-exchange 1 21 none\n set additional-key-exchange 3 14\n no set additional-key-exchange 3\n set security-association lifetime seconds 600\n"
	" set security-association lifetime kilobytes 5000\n set security-association lifetime packets 5000\n"
	" set security-association replay window-size 128\n set ikev2-profile P\n"
	"crypto ipsec profile W\n set pfs group31\n set ikev2-profile N\n"
	"interface d0\n description \"  two\" words ! and this is left out\n ip address 10.0.0.1 255.255.255.0\n ip address 10.1.0.1/16 secondary\n"
	" ipv6 address fd00::1/64\n ip mtu 1300\n no ip tcp adjust-mss\n tunnel source eth0\n tunnel mode gre multipoint\n"
	" tunnel key 7\n no tunnel key\n tunnel key 8\n tunnel protection ipsec profile V\n ip nhrp network-id 128\n"
	" ip nhrp authentication \"a b\"\n ip nhrp holdtime 300\n ip nhrp registration timeout 60\n ip nhrp registration no-unique\n bfd interval 300 min_rx 250 multiplier 4\n if-state nhrp\n ip nhrp max-receive 50 every 5\n ip nhrp max-send 5000 every 10\n"
	" ip nhrp shortcut\n no ip nhrp shortcut\n ip nhrp redirect\n ip nhrp map 10.0.0.9 192.0.2.9\n ip nhrp map multicast 192.0.2.9\n"
	" ip nhrp map multicast dynamic\n ip nhrp nhs 10.0.0.9\n ip nhrp nhs dynamic nbma hub.example multicast priority 3\n"
	" ipv6 nhrp nhs fd00::9 nbma 192.0.2.9\n no shutdown\n"
	"interface d1\n ip address 10.2.0.1/24\n tunnel source 192.0.2.7\n tunnel protection ipsec profile W\n ip nhrp network-id 2\n ip tcp adjust-mss 1200\n"
	"interface d2\n ip address 10.3.0.1/24\n tunnel source 2001:db8::7\n tunnel protection ipsec profile W\n ip nhrp network-id 3\n shutdown\n";

START_TEST(everything)
{
	char *text, want[4096];
	struct conf *c;

	put("s.psk", "in a file\n");
	c = load("busy.conf", busy);
	text = round_trip(c);
	snprintf(want, sizeof(want),
	    "hostname r1\ndataplane user\ndataplane crypto ipsec-mb\nno dataplane offload gro\ndataplane offload tap\nlog level warnings\nlog syslog\ncontrol socket /run/x\ncrypto ikev2 nat keepalive 30\n"
	    "no crypto ikev2 fragmentation\n"
	    "crypto ikev2 cookie-challenge 7\ncrypto ikev2 limit max-in-negotiation-sa 70\ncrypto ikev2 limit max-sa 700\ncrypto ikev2 dpd 30 5 on-demand\n!\n"
	    "crypto ikev2 proposal A\n encryption chacha20-poly1305 aes-gcm-128\n prf sha384\n group 31 19\n additional-key-exchange 2 none\n!\n"
	    "crypto ikev2 proposal B\n!\n"
	    "crypto ikev2 policy Q\n match fvrf any\n proposal B A\n!\n"
	    "crypto ikev2 keyring K\n peer one\n  description the first\n  identity fqdn a.example\n  pre-shared-key \"with blank\"\n"
	    " peer two\n  address 192.0.2.0 255.255.255.0\n  pre-shared-key hex 00ff10\n"
	    "  ppk manual id q1 key hex 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff required\n"
	    " peer three\n  identity email domain b.example\n  pre-shared-key \"hex\"\n"
	    " peer four\n  identity address 2001:db8::/32\n  pre-shared-key 0 quo\"te\\d\n"
	    " peer five\n  identity key-id \"an id\"\n  pre-shared-key \"\\\"x\"\n"
	    " peer six\n  address 0.0.0.0/0\n  pre-shared-key file %s/s.psk\n!\n"
	    "crypto ikev2 profile P\n match identity remote fqdn domain example\n match identity remote email x@b.example\n"
	    " match identity remote address 10.0.0.0/8\n match identity remote key-id k\n match identity remote any\n"
	    " identity local key-id \"it is me\"\n authentication local pre-share\n authentication remote pre-share\n keyring local K\n"
	    " dpd 20 5 periodic\n lifetime 1000\n reauth 7200\n encapsulation force\n!\n"
	    "crypto ikev2 profile N\n no dpd\n identity local address 192.0.2.1\n keyring local K\n!\n"
	    "crypto ipsec transform-set T esp-gcm\n mode transport require\n!\ncrypto ipsec transform-set U esp-chacha20-poly1305\n mode transport require\n!\n"
	    "crypto ipsec profile V\n set transform-set U T\n set pfs\n set additional-key-exchange 1 21 none\n set security-association lifetime seconds 600\n"
	    " set security-association lifetime kilobytes 5000\n set security-association lifetime packets 5000\n"
	    " set security-association replay window-size 128\n set ikev2-profile P\n!\n"
	    "crypto ipsec profile W\n set pfs group31\n set ikev2-profile N\n!\n"
	    "interface d0\n description \"  two\" words\n ip address 10.0.0.1 255.255.255.0\n ip address 10.1.0.1/16 secondary\n"
	    " ipv6 address fd00::1/64\n ip mtu 1300\n no ip tcp adjust-mss\n tunnel source eth0\n tunnel mode gre multipoint\n"
	    " tunnel key 8\n tunnel protection ipsec profile V\n ip nhrp network-id 128\n"
	    " ip nhrp authentication \"a b\"\n ip nhrp holdtime 300\n ip nhrp registration timeout 60\n ip nhrp registration no-unique\n bfd interval 300 min_rx 250 multiplier 4\n if-state nhrp\n ip nhrp max-receive 50 every 5\n ip nhrp max-send 5000 every 10\n"
	    " ip nhrp redirect\n ip nhrp map 10.0.0.9 192.0.2.9\n ip nhrp map multicast 192.0.2.9\n"
	    " ip nhrp map multicast dynamic\n ip nhrp nhs 10.0.0.9\n ip nhrp nhs dynamic nbma hub.example multicast priority 3\n"
	    " ipv6 nhrp nhs fd00::9 nbma 192.0.2.9\n!\n"
	    "interface d1\n ip address 10.2.0.1/24\n tunnel source 192.0.2.7\n tunnel protection ipsec profile W\n ip nhrp network-id 2\n"
	    " ip tcp adjust-mss 1200\n!\n"
	    "interface d2\n ip address 10.3.0.1/24\n tunnel source 2001:db8::7\n tunnel protection ipsec profile W\n ip nhrp network-id 3\n shutdown\n", dir);
	ck_assert_str_eq(text, want);
	free(text);
	conf_free(c);
}
END_TEST

/* Masked, and what is masked does not load. */
START_TEST(secrets_are_hidden)
{
	struct conf *c = load("c", "crypto ikev2 keyring K\n peer a\n  address 0.0.0.0/0\n  pre-shared-key 0 TOPSECRET\n peer b\n  address ::/0\n"
	    "  pre-shared-key hex 544f50\n" REST " ip nhrp authentication TOP\n"), *d;
	char *text = text_of(c, false);

	ck_assert_str_eq(text, "crypto ikev2 keyring K\n peer a\n  address 0.0.0.0/0\n  pre-shared-key 0 <secret hidden>\n peer b\n  address ::/0\n"
	    "  pre-shared-key hex <secret hidden>\n!\ncrypto ikev2 profile P\n!\ncrypto ipsec profile V\n!\ninterface d0\n ip address 10.0.0.1/24\n"
	    " tunnel source eth0\n tunnel protection ipsec profile V\n ip nhrp network-id 1\n ip nhrp authentication <secret hidden>\n");
	d = conf_read_text("masked", text);
	ck_assert_uint_eq(d->n_error, 5);	/* three secrets, and two peers without one */
	conf_free(d);
	free(text);
	free(round_trip(c));
	conf_free(c);
}
END_TEST

/* What is taken back, said twice, or read from elsewhere. */
START_TEST(only_what_is_in_force)
{
	struct conf *c;
	char *text;

	put("keys", "crypto ikev2 keyring K\n peer a\n  address 0.0.0.0/0\n  identity fqdn a.example\n  no identity\n  description old\n  no description\n"
	    "  description new\n  pre-shared-key x\nend\nnonsense\n");
	c = load("c", "hostname a\nno hostname\nhostname b\nlog syslog\nno log syslog\ninclude keys\ncrypto ikev2 profile P\n dpd 30 5 periodic\n no dpd\n"
	    " identity local fqdn x.example\n no identity local\n identity local fqdn y.example\n exit\ncrypto ipsec profile V\n"
	    "interface d0\n ip address 10.0.0.1/24\n tunnel source eth0\n tunnel protection ipsec profile V\n ip nhrp network-id 1\n ipv6 nhrp network-id 1\n"
	    " ip tcp adjust-mss 1000\n no ip tcp adjust-mss\n shutdown\n no shutdown\nlog level debugging\n");
	text = text_of(c, true);
	ck_assert_str_eq(text, "hostname b\n!\ncrypto ikev2 keyring K\n peer a\n  address 0.0.0.0/0\n  description new\n  pre-shared-key x\n!\n"
	    "crypto ikev2 profile P\n no dpd\n identity local fqdn y.example\n!\ncrypto ipsec profile V\n!\ninterface d0\n ip address 10.0.0.1/24\n"
	    " tunnel source eth0\n tunnel protection ipsec profile V\n ipv6 nhrp network-id 1\n no ip tcp adjust-mss\n!\nlog level debugging\n");
	free(text);
	conf_free(c);
}
END_TEST

/* A large keyring is read in a moment. */
START_TEST(large)
{
	size_t n = 0, room = 2 << 20;
	char *text = malloc(room), *shown;
	struct conf *c;

	ck_assert_ptr_nonnull(text);
	n += (size_t)snprintf(text + n, room - n, "crypto ikev2 keyring K\n");
	for (int i = 0; i < 3000; i++)
		n += (size_t)snprintf(text + n, room - n, " peer p%d\n  identity fqdn p%d.example\n  pre-shared-key secret%d\n", i, i, i);
	snprintf(text + n, room - n, REST);
	c = load("c", text);
	ck_assert_uint_eq(c->core.ike.profile[0].n_key, 3000);
	shown = round_trip(c);
	ck_assert_ptr_nonnull(strstr(shown, "  pre-shared-key secret2999\n!\n"));
	free(shown);
	free(text);
	conf_free(c);
}
END_TEST

Suite *
conf_said_suite(void)
{
	Suite *s = suite_create("conf_said");
	TCase *t = tcase_create("show running-config");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, examples);
	tcase_add_test(t, everything);
	tcase_add_test(t, secrets_are_hidden);
	tcase_add_test(t, only_what_is_in_force);
	tcase_add_test(t, large);
	suite_add_tcase(s, t);
	return s;
}
