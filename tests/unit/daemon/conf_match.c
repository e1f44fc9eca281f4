/* Words to rules: what is understood, and the exact place and text of what is not. Lexer, matcher and argument types. */
#include <stdlib.h>

#include "nhrpd/daemon/conf_priv.h"
#include "tests/unit/harness.h"

suite_fn conf_match_suite;

static const struct {
	const char *text, *error;	/* the first error; NULL: none that is about a line by itself */
} lines[] = {
	/* empty lines, comments */
	{ "", NULL },
	{ "! a comment\n# another\n   ! indented\n\t\r\n", NULL },
	{ "hostname hub1 ! trailing\r\n", NULL },
	{ "interface d0\n description what!is this ! but not this\n", NULL },
	{ "hostname hub1 # no comment", "t:1:15: expected the end of the line, found \"#\"" },
	/* abbreviations */
	{ "host hub1\n", NULL },
	{ "cr ik propo X\n", NULL },
	{ "int d0\n tun sou eth0\n tun pro ips prof X\n ip nh net 1\n ip nh auth x\n no shut\n", NULL },
	{ "HOSTNAME hub1\n", NULL },
	{ "interface d0\n ip nhrp re\n", "t:2:10: \"re\" may be registration or redirect" },
	{ "crypto ikev2 p X\n", "t:1:14: \"p\" may be proposal, policy or profile" },
	{ "interface d0\n s\n exit\n crypto ipsec profile X\n set se x", "t:5:9: expected lifetime or replay, found \"x\"" },
	/* unknown words */
	{ "hostnames x\n", "t:1:1: expected hostname, dataplane, log, control, store, include, end, exit, crypto, ip, ipv6, interface, ..., found \"hostnames\"" },
	{ "interface d0\n tunnel kex 4\n", "t:2:9: expected source, vrf, mode, destination, reactivate, key or protection, found \"kex\"" },
	{ "interface d0\n tunnel\n", "t:2:8: expected source, vrf, mode, destination, reactivate, key or protection, but the line ends" },
	{ "interface d0\n tunnel key\n", "t:2:12: expected a number from 0 to 4294967295, but the line ends" },
	{ "interface d0\n tunnel key 1 2\n", "t:2:15: expected the end of the line, found \"2\"" },
	{ "interface d0\n no tunnel keys\n", "t:2:12: expected source, vrf, mode, reactivate or key, found \"keys\"" },
	/* numbers */
	{ "interface d0\n tunnel key 4294967296\n", "t:2:13: expected a number from 0 to 4294967295, found \"4294967296\"" },
	{ "interface d0\n tunnel key -1\n", "t:2:13: expected a number from 0 to 4294967295, found \"-1\"" },
	{ "interface d0\n tunnel key 0x10\n", "t:2:13: expected a number from 0 to 4294967295, found \"0x10\"" },
	{ "interface d0\n ip nhrp holdtime 0\n", "t:2:19: expected a number from 1 to 65535, found \"0\"" },
	{ "interface d0\n ip nhrp holdtime 65536\n", "t:2:19: expected a number from 1 to 65535, found \"65536\"" },
	{ "interface d0\n ip nhrp holdtime 99999999999999999999999999999999\n",
	    "t:2:19: expected a number from 1 to 65535, found \"99999999999999999999999999999999\"" },
	{ "interface d0\n ip mtu 575\n", "t:2:9: expected a number from 576 to 9216, found \"575\"" },
	/* addresses and names */
	{ "interface d0\n ip address foo\n", "t:2:13: expected an IPv4 address, found \"foo\"" },
	{ "interface d0\n ip address 10.0.0.1 255.0.255.0\n", "t:2:22: expected a mask, secondary or the end of the line, found \"255.0.255.0\"" },
	{ "interface d0\n ip address 10.0.0.1\n", "t:2:13: expected a length (10.0.0.1/24) or a mask (10.0.0.1 255.255.255.0)" },
	{ "interface d0\n ip address 10.0.0.1/24 255.0.0.0\n", "t:2:25: a mask, but the length is given already" },
	{ "interface d0\n ip address 10.0.0.1/33\n", "t:2:13: expected an IPv4 address, found \"10.0.0.1/33\"" },
	{ "interface d0\n ip address 224.0.0.1/24\n", "t:2:13: not an address a host can have" },
	{ "interface d0\n ip address 10.0.0.1/24\n ip address 10.0.1.1/24\n",
	    "t:3:13: there is an address already at t:2: add \"secondary\" to have both" },
	{ "interface d0\n ip address 10.0.0.1/24\n ip address 10.0.0.1/24 secondary\n", "t:3:13: this address stands already at t:2" },
	{ "interface d0\n ipv6 address 2001:db8::1\n", "t:2:15: expected an IPv6 address with a length, like 2001:db8::1/64, found \"2001:db8::1\"" },
	{ "interface d0\n tunnel source 10.0.0\n", "t:2:16: expected an address or interface name, found \"10.0.0\"" },
	{ "interface a-very-long-name0\n", "t:1:11: expected an interface name of at most 15 characters, found \"a-very-long-name0\"" },
	{ "interface d0\n ip nhrp nhs 10.0.0.300 nbma x\n", "t:2:14: expected cluster, fallback, dynamic or an IPv4 address, found \"10.0.0.300\"" },
	{ "interface d0\n ip nhrp nhs 10.0.0.3 nbma 1.2.3\n", "t:2:28: expected an address or host name, found \"1.2.3\"" },
	{ "interface d0\n ip nhrp nhs 10.0.0.3 nbma a..b\n", "t:2:28: expected an address or host name, found \"a..b\"" },
	{ "interface d0\n ip nhrp nhs 10.0.0.3 nbma b priority 1 multicast\n", "t:2:41: expected cluster or the end of the line, found \"multicast\"" },
	{ "interface d0\n ip nhrp map 10.0.0.1 2001:db8::1 x\n", "t:2:35: expected the end of the line, found \"x\"" },
	{ "interface d0\n ipv6 nhrp map 10.0.0.1 192.0.2.1\n", "t:2:16: expected an IPv6 address, multicast or group, found \"10.0.0.1\"" },
	{ "interface d0\n ip nhrp map 10.0.0.1 224.0.0.1\n", "t:2:23: not an address a host can have" },
	{ "interface d0\n ip nhrp map 10.0.0.1 192.0.2.1\n ip nhrp map 10.0.0.1 192.0.2.2\n", "t:3:14: mapped already at t:2" },
	/* algorithms */
	{ "crypto ikev2 proposal X\n encryption aes-cbc-512\n",
	    "t:2:13: \"aes-cbc-512\" is not supported: use aes-gcm-256, aes-gcm-192, aes-gcm-128, chacha20-poly1305, aes-cbc-256, aes-cbc-192, "
	    "aes-cbc-128, aes-ctr-256, aes-ctr-192 or aes-ctr-128" },
	{ "crypto ikev2 proposal X\n encryption des\n",
	    "t:2:13: \"des\" is not supported: use aes-gcm-256, aes-gcm-192, aes-gcm-128, chacha20-poly1305, aes-cbc-256, aes-cbc-192, "
	    "aes-cbc-128, aes-ctr-256, aes-ctr-192 or aes-ctr-128" },
	{ "crypto ikev2 proposal X\n encryption foo\n", "t:2:13: expected a cipher like aes-gcm-256, found \"foo\"" },
	{ "crypto ikev2 proposal X\n encryption aes-gcm-256 aes-gcm-256\n", "t:2:25: aes-gcm-256 stands twice" },
	{ "crypto ikev2 proposal X\n prf md5\n", "t:2:6: \"md5\" is not supported: use sha384, sha256 or sha512" },
	{ "crypto ikev2 proposal X\n integrity md5\n", "t:2:12: \"md5\" is not supported: use sha256, sha384 or sha512" },
	{ "crypto ikev2 proposal X\n integrity foo\n", "t:2:12: expected sha256, sha384 or sha512, found \"foo\"" },
	{ "crypto ikev2 proposal X\n group 1\n", "t:2:8: \"1\" is not supported: use 31, 19, 20, 21, 32, 14, 15, 16, 17 or 18" },
	{ "crypto ikev2 proposal X\n group 24\n", "t:2:8: \"24\" is not supported: use 31, 19, 20, 21, 32, 14, 15, 16, 17 or 18" },
	{ "crypto ikev2 proposal X\n suite best\n", "t:2:8: expected default, cnsa or legacy, found \"best\"" },
	{ "crypto ipsec transform-set X esp-aes 256\n",
	    "t:1:41: expected esp-sha256-hmac, esp-sha384-hmac, esp-sha512-hmac or esp-sha-hmac, but the line ends" },
	{ "crypto ipsec transform-set X esp-aes 256 esp-md5-hmac\n",
	    "t:1:42: expected esp-sha256-hmac, esp-sha384-hmac, esp-sha512-hmac or esp-sha-hmac, found \"esp-md5-hmac\"" },
	{ "crypto ipsec transform-set X esp-des esp-md5-hmac\n",
	    "t:1:30: that protects too little: use esp-gcm 256, esp-chacha20-poly1305 or esp-aes 256 esp-sha256-hmac" },
	{ "crypto ipsec transform-set X esp-null esp-sha256-hmac\n",
	    "t:1:30: that protects too little: use esp-gcm 256, esp-chacha20-poly1305 or esp-aes 256 esp-sha256-hmac" },
	{ "crypto ipsec transform-set X esp-gcm 512\n", "t:1:38: expected 128, 192, 256 or the end of the line, found \"512\"" },
	{ "crypto ipsec transform-set X esp-gcm\n mode transport\n mode tunnel\n", "t:3:2: set to something else already, at t:2" },
	{ "crypto ipsec transform-set X esp-gcm\n mode tunnel require\n", "t:2:14: expected the end of the line, found \"require\"" },
	{ "crypto ipsec transform-set X esp-gcm\n mode beet\n", "t:2:7: expected transport or tunnel, found \"beet\"" },
	{ "crypto ikev2 profile X\n authentication remote eap\n", "t:2:24: EAP is not supported: use pre-share, ecdsa-sig, rsa-sig or digital-signature" },
	{ "crypto ipsec profile X\n set pfs group22\n",
	    "t:2:10: \"group22\" is not supported: use group31, group19, group20, group21, group32, group14, group15, group16, group17 or group18" },
	/* identities */
	{ "crypto ikev2 profile X\n identity local fqdn a@b\n", "t:2:22: expected a full host name without @" },
	{ "crypto ikev2 profile X\n identity local email b\n", "t:2:23: expected a mail address" },
	{ "crypto ikev2 profile X\n identity local fqdn b.\n", "t:2:22: expected a full name, found \"b.\"" },
	{ "crypto ikev2 profile X\n identity local fqdn a.b\n identity local fqdn a.b\n", "t:3:2: the local identity is set already at t:2" },
	{ "crypto ikev2 profile X\n dpd 9 3 periodic\n", "t:2:6: expected a number from 10 to 3600, found \"9\"" },
	/* words quoted */
	{ "crypto ikev2 keyring X\n peer a\n  identity fqdn \"a.b\n", "t:3:17: the quoted text does not end on this line" },
	{ "hostname \"hub\"1\n", "t:1:15: expected white space behind the quoted text" },
	{ "\"hostname\" hub\n", "t:1:1: expected hostname, dataplane, log, control, store, include, end, exit, crypto, ip, ipv6, interface, ..., found \"hostname\"" },
	/* twice */
	{ "hostname a\nhostname a\n", NULL },
	{ "hostname a\nhostname b\n", "t:2:10: set to something else already, at t:1" },
	{ "hostname a\nno hostname\nhostname b\n", NULL },
	{ "interface d0\ninterface d0\n", "t:2:11: interface d0 stands already at t:1" },
	{ "crypto ikev2 keyring K\n peer a\n peer a\n", "t:3:7: peer a stands already at t:2" },
	{ "crypto ikev2 keyring K\n peer a\n  identity key-id x\n  identity key-id y\n", "t:4:3: peer a has an identity already, at t:3" },
	/* secrets do not show */
	{ "crypto ikev2 keyring K\n peer a\n  pre-shared-key one two\n", "t:3:22: expected the end of the line, found something else" },
	{ "interface d0\n ip nhrp authentication ninechars\n", "t:2:25: the authentication string is longer than 8 characters" },
	/* what needs files */
	{ "include x\n", "t:1:9: files are not read here" },
	{ "end\nthis is not read\n", NULL },
};

/* True for errors of conf_build(), which come when all lines are read: not what is tested here. */
static bool
is_semantic(const struct conf_error *e)
{
	return strstr(e->text, " needs ") || strstr(e->text, " has no peer") || strstr(e->text, "no pre-shared-key") || strstr(e->text, "there is no");
}

START_TEST(line)
{
	struct conf *c = conf_read_text("t", lines[_i].text);
	char got[600] = "";

	ck_assert_ptr_nonnull(c);
	if (c->n_error && !is_semantic(&c->error[0]))
		snprintf(got, sizeof(got), "t:%u:%u: %s", c->error[0].line, c->error[0].column, c->error[0].text);
	ck_assert_msg(strcmp(got, lines[_i].error ? lines[_i].error : "") == 0, "%s\ngave \"%s\"\nnot  \"%s\"", lines[_i].text, got,
	    lines[_i].error ? lines[_i].error : "");
	conf_free(c);
}
END_TEST

/* Every proper beginning of a keyword either works or is told to be ambiguous; nothing else. */
START_TEST(beginnings)
{
	static const char *const words[] = { "shortcut", "redirect", "network-id", "authentication", "holdtime", "registration" };
	char text[256];

	for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
		for (size_t n = 1; n <= strlen(words[w]); n++) {
			struct conf *c;
			const char *arg = w < 2 ? "" : w == 5 ? "timeout 5" : "7";

			snprintf(text, sizeof(text), "interface d0\n ip nhrp %.*s %s\n", (int)n, words[w], arg);
			c = conf_read_text("t", text);
			ck_assert_ptr_nonnull(c);
			ck_assert_msg(c->n_error > 0, "%s", text);
			ck_assert_msg(is_semantic(&c->error[0]) || strstr(c->error[0].text, " may be "), "%s: %s", text, c->error[0].text);
			if (n == strlen(words[w]))
				ck_assert(is_semantic(&c->error[0]));
			conf_free(c);
		}
	}
}
END_TEST

Suite *
conf_match_suite(void)
{
	Suite *s = suite_create("conf_match");
	TCase *t = tcase_create("lines");

	tcase_add_loop_test(t, line, 0, (int)(sizeof(lines) / sizeof(lines[0])));
	tcase_add_test(t, beginnings);
	suite_add_tcase(s, t);
	return s;
}
