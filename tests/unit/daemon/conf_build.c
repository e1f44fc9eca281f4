/* Blocks to structs: defaults, references across blocks, and what is refused because it cannot work. */
#include <stdlib.h>

#include "nhrpd/daemon/conf.h"
#include "tests/unit/harness.h"

suite_fn conf_build_suite;

#define CRYPTO \
	"crypto ikev2 keyring K\n peer any\n  address 0.0.0.0 0.0.0.0\n  pre-shared-key s3cret\n" \
	"crypto ikev2 profile P\n" \
	"crypto ipsec profile V\n"
#define TUNNEL(name, source) \
	"interface " name "\n ip address 10.0.0.1/24\n tunnel source " source "\n tunnel protection ipsec profile V\n ip nhrp network-id 1\n"

static const struct {
	const char *text, *errors;	/* all of them, one a line */
} refused[] = {
	{ "", "" },
	{ CRYPTO TUNNEL("d0", "eth0"), "" },
	{ CRYPTO "ip route 172.16.0.0/16 10.0.0.254\n" TUNNEL("d0", "eth0") "ip route 172.17.0.0 255.255.0.0 10.0.0.254\n", "" },
	{ CRYPTO TUNNEL("d0", "eth0") "ip route 172.16.0.0 10.0.0.254\n", "t:12:10: expected a length (172.16.0.0/16) or a mask (172.16.0.0 255.255.0.0)\n" },
	{ CRYPTO TUNNEL("d0", "eth0") "ip route 172.16.0.0/16 10.0.1.254\n",
	    "t:12:24: no tunnel interface here leads to 10.0.1.254: it is in none of their networks, or an address of ours\n" },
	{ CRYPTO TUNNEL("d0", "eth0") "ip route 172.16.0.0/16 10.0.0.1\n",
	    "t:12:24: no tunnel interface here leads to 10.0.0.1: it is in none of their networks, or an address of ours\n" },
	{ CRYPTO TUNNEL("d0", "eth0") "ip route 172.16.0.0/16 10.0.0.2\nip route 172.16.1.1 255.255.0.0 10.0.0.3\n",
	    "t:13:10: there is a route to it already, at t:12\n" },
	{ CRYPTO TUNNEL("d0", "eth0") "ipv6 route fd00::/8 fd10::1\n",
	    "t:12:21: no tunnel interface here leads to fd10::1: it is in none of their networks, or an address of ours\n" },
	{ "interface d0\n", "t:1:11: interface d0 needs \"ip address\" or \"ipv6 address\"\nt:1:11: interface d0 needs \"tunnel source\"\n"
	    "t:1:11: interface d0 needs \"ip nhrp network-id\"\nt:1:11: interface d0 needs \"tunnel protection ipsec profile NAME\": it never sends in clear\n" },
	{ CRYPTO "interface d0\n ip address 10.0.0.1/24\n tunnel source eth0\n ip nhrp network-id 1\n",
	    "t:7:11: interface d0 needs \"tunnel protection ipsec profile NAME\": it never sends in clear\n" },
	{ TUNNEL("d0", "eth0"), "t:4:34: there is no \"crypto ipsec profile V\"\n" },
	{ CRYPTO TUNNEL("d0", "eth0") TUNNEL("d1", "eth0"), "t:14:16: interface d0 has the source eth0 already (t:9): each needs a \"tunnel key\" of its own\n" },
	{ CRYPTO TUNNEL("d0", "eth0") " tunnel key 1\n" TUNNEL("d1", "eth0") " tunnel key 1\n",
	    "t:15:16: interface d0 has the source eth0 already (t:9): each needs a \"tunnel key\" of its own\n" },
	{ CRYPTO TUNNEL("d0", "eth0") " tunnel key 1\n" TUNNEL("d1", "eth0") " tunnel key 2\n",
	    "t:15:16: interface d0 has the source eth0 already (t:9): each needs an ikev2 profile of its own, for peers of its own\n" },
	{ CRYPTO " set ikev2-profile P\ncrypto ikev2 profile Q\ncrypto ipsec profile W\n set ikev2-profile Q\n" TUNNEL("d0", "eth0") " tunnel key 1\n"
	    "interface d1\n ip address 10.1.0.1/24\n tunnel source eth0\n tunnel protection ipsec profile W\n ip nhrp network-id 2\n tunnel key 2\n", "" },
	{ CRYPTO TUNNEL("d0", "eth0") " tunnel vrf u\n vrf forwarding a\n" TUNNEL("d1", "eth1") " tunnel vrf u\n vrf forwarding b\n", "" },
	{ CRYPTO TUNNEL("d0", "eth0") " tunnel vrf u\n" TUNNEL("d1", "eth1") " tunnel vrf v\n",
	    "t:18:13: interface d0 has tunnel vrf u: outer packets of all tunnels are in one VRF\n" },
	{ CRYPTO TUNNEL("d0", "eth0") TUNNEL("d1", "eth1") " tunnel vrf v\n",
	    "t:17:13: interface d0 has no tunnel vrf: outer packets of all tunnels are in one VRF\n" },
	{ CRYPTO TUNNEL("d0", "192.0.2.1") TUNNEL("d1", "192.0.2.1"),
	    "t:14:16: interface d0 has the source 192.0.2.1 already (t:9): each needs a \"tunnel key\" of its own\n" },
	{ CRYPTO TUNNEL("d0", "eth0") " shutdown\n" TUNNEL("d1", "eth0"), "" },
	{ CRYPTO " set transform-set A B\ncrypto ipsec transform-set A esp-gcm\n", "t:7:22: there is no \"crypto ipsec transform-set B\"\n" },
	{ CRYPTO " set ikev2-profile Q\n", "t:7:20: there is no \"crypto ikev2 profile Q\"\n" },
	{ CRYPTO "crypto ikev2 profile Q\n",
	    "t:6:22: profile V needs \"set ikev2-profile NAME\": there are more than one to choose from\n" },
	{ "crypto ipsec profile V\n", "t:1:22: profile V needs a \"crypto ikev2 profile\": there is none\n" },
	{ "crypto ikev2 profile P\n keyring local X\n", "t:2:16: there is no \"crypto ikev2 keyring X\"\n" },
	{ "crypto ikev2 profile P\n", "t:1:22: profile P needs a \"crypto ikev2 keyring\": there is none\n" },
	{ "crypto ikev2 keyring K\n", "t:1:22: keyring K has no peer\n" },
	{ "crypto ikev2 keyring K\n peer a\n  pre-shared-key x\n", "t:2:7: peer a needs \"identity\" or \"address\": whose secret is it?\n" },
	{ "crypto ikev2 keyring K\n peer a\n  address 10.0.0.1\n", "t:2:7: peer a has no pre-shared-key\n" },
	{ "crypto ikev2 policy P\n", "t:1:21: policy P names no proposal\n" },
	{ "crypto ikev2 proposal A\n additional-key-exchange 1 mlkem768\n", "t:2:28: mlkem768 is not available: the OpenSSL library linked here has no ML-KEM (it comes with 3.5)\n" },
	{ "crypto ikev2 proposal A\n additional-key-exchange 1 20 21 19 14 15\n", "t:2:40: more than 4 methods for one exchange\n" },
	{ CRYPTO " set additional-key-exchange 1 20\n", "t:7:32: an additional key exchange needs \"set pfs\"\n" },
	{ "crypto ikev2 keyring K\n peer a\n  address 192.0.2.1\n  pre-shared-key x\n  ppk manual id q key 0123456789012345678901234567890123456789012345678901234567890123456789\n",
	    "t:5:23: a name of at most 64 characters and a key of at most 64 octets\n" },
	{ "crypto ikev2 policy P\n proposal A B\ncrypto ikev2 proposal A\n", "t:2:13: there is no \"crypto ikev2 proposal B\"\n" },
	{ CRYPTO TUNNEL("d0", "eth0") " ip nhrp holdtime 60\n ip nhrp registration timeout 60\n",
	    "t:13:31: the registration timeout must be shorter than the holdtime of 60 seconds\n" },
	{ CRYPTO TUNNEL("d0", "eth0") " ip nhrp nhs 10.0.0.1 nbma x\n", "t:12:14: 10.0.0.1 is our own address\n" },
	{ CRYPTO TUNNEL("d0", "eth0") " ip nhrp nhs 10.0.0.2\n",
	    "t:12:14: hub 10.0.0.2 has no outer address: add \"nbma ADDRESS\" here, or \"ip nhrp map 10.0.0.2 ADDRESS\"\n" },
	{ CRYPTO TUNNEL("d0", "eth0") " ip nhrp nhs 10.0.0.2 nbma 2001:db8::1\n",
	    "t:12:28: the outer address 2001:db8::1 is not of the family of the tunnel's source\n" },
	{ CRYPTO TUNNEL("d0", "eth0") " ipv6 nhrp nhs 2001:db8::2 nbma x\n", "t:12:16: interface d0 has no IPv6 address to register\n" },
	{ CRYPTO TUNNEL("d0", "eth0") " ip nhrp map 10.0.0.2 2001:db8::1\n",
	    "t:12:14: the outer address is not of the family of the tunnel's source\n" },
	{ CRYPTO TUNNEL("d0", "192.0.2.1") " tunnel mode gre multipoint ipv6\n",
	    "t:9:16: an IPv4 source for a tunnel of mode \"gre multipoint ipv6\"\n" },
	{ CRYPTO TUNNEL("d0", "2001:db8::1") " tunnel mode gre multipoint\n", "t:9:16: an IPv6 source for a tunnel of mode \"gre multipoint\"\n" },
	/* a block that could not be opened: what it holds and what refers to it is not complained about */
	{ "crypto ipsec profiles V\n set pfs\n" TUNNEL("d0", "eth0"),
	    "t:1:14: expected transform-set or profile, found \"profiles\"\n" },
};

START_TEST(refuse)
{
	struct conf *c = conf_read_text("t", refused[_i].text);
	char got[4096] = "";

	ck_assert_ptr_nonnull(c);
	for (unsigned i = 0; i < c->n_error; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s:%u:%u: %s\n", c->error[i].file, c->error[i].line, c->error[i].column,
		    c->error[i].text);
	ck_assert_msg(strcmp(got, refused[_i].errors) == 0, "%s\ngave\n%snot\n%s", refused[_i].text, got, refused[_i].errors);
	ck_assert(c->n_error == 0 || (c->core.n_tunnel == 0 && c->core.ike.n_profile == 0));
	conf_free(c);
}
END_TEST

START_TEST(defaults)
{
	struct conf *c = conf_read_text("t", CRYPTO TUNNEL("d0", "eth0"));
	const struct core_tunnel_conf *t;
	const struct ike_profile *p;

	ck_assert_uint_eq(c->n_error, 0);
	ck_assert_uint_eq(c->core.n_tunnel, 1);
	t = &c->core.tunnel[0];
	p = &c->core.ike.profile[t->profile];
	ck_assert_int_eq(c->plane, CONF_PLANE_AUTO);
	ck_assert_int_eq(c->log_level, LOG_LV_INFO);
	ck_assert_str_eq(c->control_path, "");
	ck_assert_uint_eq(c->core.ike.half_open_max, 4096);
	ck_assert_uint_eq(c->core.ike.cookie_threshold, 100);
	ck_assert_uint_eq(c->core.ike.sa_max, 200000);
	ck_assert_uint_eq(p->n_ike, 2);
	ck_assert_uint_eq(p->ike[0].n_encr, 3);
	ck_assert_uint_eq(p->ike[0].encr[0], 20);
	ck_assert_uint_eq(p->ike[0].encr_bits[0], 256);
	ck_assert_uint_eq(p->ike[0].encr_bits[1], 128);
	ck_assert_uint_eq(p->ike[0].encr[2], 28);
	ck_assert_uint_eq(p->ike[0].encr_bits[2], 0);
	ck_assert_uint_eq(p->ike[0].n_prf, 3);
	ck_assert_uint_eq(p->ike[0].prf[0], 6);
	ck_assert_uint_eq(p->ike[0].n_integ, 0);
	ck_assert_uint_eq(p->ike[0].n_group, 4);
	ck_assert_uint_eq(p->ike[0].group[0], 31);
	ck_assert_uint_eq(p->ike[0].group[3], 14);
	ck_assert_uint_eq(p->n_esp, 2);
	ck_assert_uint_eq(p->esp[0].n_encr, 3);
	ck_assert_uint_eq(p->esp[0].n_group, 0);
	ck_assert(p->esp[0].esn[0] && p->esp[0].esn[1]);
	ck_assert_int_eq(p->dpd, IKE_DPD_DEFAULT);
	ck_assert_uint_eq(p->dpd_s, 10);
	ck_assert_uint_eq(p->ike_life_s, 86400);
	ck_assert_uint_eq(p->child_life.hard_s, 3600);
	ck_assert_uint_eq(p->child_life.hard_bytes, 4608000ull * 1024);
	ck_assert_uint_eq(p->child_life.hard_packets, 0);
	ck_assert_uint_eq(p->replay_window, 1024);
	ck_assert_uint_eq(p->keepalive_s, 20);
	ck_assert_uint_eq(p->local_id.type, IKE_ID_NONE);
	ck_assert_uint_eq(p->n_key, 1);
	ck_assert_uint_eq(p->key[0].psk_len, 6);
	ck_assert_mem_eq(p->key[0].psk, "s3cret", 6);
	ck_assert(p->key[0].has_address && !p->key[0].has_id);
	ck_assert_uint_eq(t->dp.id, 1);
	ck_assert_uint_eq(t->dp.mss, 1);
	ck_assert_uint_eq(t->dp.mtu, 0);
	ck_assert(!t->dp.has_key && !t->dp.redirect);
	ck_assert_uint_eq(t->nhrp.hold_s, 600);
	ck_assert_uint_eq(t->nhrp.reg_s, 0);
	ck_assert_uint_eq(t->source_family, 4);
	conf_free(c);
}
END_TEST

/* "pre-shared-key file": a keyword in full goes before an argument and needs its path; "fil" is a secret. */
START_TEST(file_is_no_secret)
{
	struct conf *c = conf_read_text("t", "crypto ikev2 keyring K\n peer c\n  address 2001:db8::/32\n  pre-shared-key file\n");

	ck_assert_uint_ge(c->n_error, 1);
	ck_assert_str_eq(c->error[0].text, "expected a file name, but the line ends");
	conf_free(c);
}
END_TEST

START_TEST(where_registrations_are_kept)
{
	static const struct {
		const char *text, *path;
		bool off;
	} row[] = {
		{ "", "", false }, { "store /srv/x.db\n", "/srv/x.db", false }, { "store off\n", "", true }, { "store off\nno store\n", "", false },
	};
	char text[1024];
	struct conf *c;

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		snprintf(text, sizeof(text), "%sinterface d0\n ip address 10.0.0.1/24\n tunnel source 192.0.2.1\n ip nhrp network-id 7\n", row[i].text);
		c = conf_read_text("t", text);
		ck_assert_str_eq(c->store_path, row[i].path);
		ck_assert_msg(c->store_off == row[i].off, "%s", row[i].text);
		ck_assert_msg(c->core.n_tunnel == 0 || c->core.tunnel[0].nhrp.keep == !row[i].off, "%s", row[i].text);
		conf_free(c);
	}
	c = conf_read_text("t", "store x.db\n");
	ck_assert_uint_eq(c->n_error, 1);
	ck_assert_str_eq(c->error[0].text, "expected \"off\" or a file name that begins with \"/\", found \"x.db\"");
	conf_free(c);
}
END_TEST

/* Every word once, looked at block by block. */
static const char everything[] =
	"crypto ikev2 nat keepalive 30\ncrypto ikev2 fragmentation mtu 900\ncrypto ikev2 cookie-challenge 5\ncrypto ikev2 limit max-in-negotiation-sa 50\ncrypto ikev2 limit max-sa 60\n"
	"dataplane kernel\ndataplane crypto openssl\nno dataplane offload tap\ndataplane offload gso\nno dataplane offload coalesce\nlog level debugging\nlog syslog\ncontrol socket /run/x.sock\nstore /x.db\n"
	"crypto ikev2 proposal A\n encryption chacha20-poly1305\n prf sha256\n group 21\n"
	"crypto ikev2 proposal B\n"
	"crypto ikev2 policy X\n match fvrf any\n proposal B A\n"
	"crypto ikev2 keyring K\n peer a\n  identity key-id blob\n  pre-shared-key hex 00ff10\n peer b\n  identity email domain example.net\n"
	"  pre-shared-key 0 \"two words ! \\\"q\\\"\"\n peer c\n  address 2001:db8::/32\n  pre-shared-key fil\n"
	"crypto ikev2 profile P\n match identity remote any\n match identity remote address 10.0.0.0 255.0.0.0\n match identity remote email a@b.c\n"
	" match identity remote key-id kk\n identity local address 192.0.2.1\n no dpd\n lifetime 3600\n reauth 7200\n encapsulation force\n keyring local K\n"
	"crypto ipsec transform-set C esp-chacha20-poly1305\ncrypto ipsec transform-set G esp-gcm 192\n mode transport\n"
	"crypto ipsec profile V\n set transform-set C G\n set pfs\n set additional-key-exchange 2 20 none\n set additional-key-exchange 7 21\n set security-association lifetime seconds 120\n"
	" set security-association lifetime kilobytes 2560\n set security-association lifetime packets 1000\n"
	" set security-association replay window-size 64\n set ikev2-profile P\n"
	"interface d0\n description two words\n ip address 10.0.0.1 255.255.255.0\n ip address 10.1.0.1/16 secondary\n ipv6 address 2001:db8:1::1/64\n"
	" tunnel source 2001:db8::1\n tunnel mode gre multipoint ipv6\n tunnel key 0\n tunnel protection ipsec profile V\n ip mtu 1400\n"
	" no ip tcp adjust-mss\n ipv6 nhrp network-id 7\n ip nhrp network-id 7\n ip nhrp holdtime 90\n ip nhrp registration timeout 30\n"
	" ip nhrp registration no-unique\n ip nhrp shortcut\n ip nhrp redirect\n no ip nhrp redirect\n ip nhrp map multicast dynamic\n"
	" ip nhrp map 10.0.0.2 2001:db8::2\n ip nhrp map multicast 2001:db8::2\n ip nhrp nhs 10.0.0.2 priority 3\n"
	" ipv6 nhrp nhs 2001:db8:1::2 nbma hub.example.net multicast\n";

static struct conf *
read_everything(void)
{
	struct conf *c = conf_read_text("t", everything);

	ck_assert_msg(c->n_error == 0, "%u: %s", c->error[0].line, c->error[0].text);
	return c;
}

START_TEST(everything_global)
{
	struct conf *c = read_everything();

	ck_assert_int_eq(c->plane, CONF_PLANE_KERNEL);
	ck_assert_int_eq(c->log_level, LOG_LV_DEBUG);
	ck_assert(c->log_syslog);
	ck_assert_uint_eq(c->offload_off, DP_OFFLOAD_TAP | DP_OFFLOAD_COALESCE);
	ck_assert_int_eq(c->crypto, DP_CRYPTO_OPENSSL);
	ck_assert_str_eq(c->control_path, "/run/x.sock");
	ck_assert_uint_eq(c->core.ike.cookie_threshold, 5);
	ck_assert_uint_eq(c->core.ike.half_open_max, 50);
	ck_assert_uint_eq(c->core.ike.sa_max, 60);
	ck_assert_uint_eq(c->core.ike.frag_mtu, 900);
	ck_assert(!c->core.ike.frag_off);
	conf_free(c);
}
END_TEST

START_TEST(everything_keys)
{
	struct conf *c = read_everything();
	const struct ike_profile *p = &c->core.ike.profile[0];

	ck_assert_uint_eq(p->n_ike, 3);
	ck_assert_uint_eq(p->ike[0].n_encr, 3);
	ck_assert_uint_eq(p->ike[1].n_encr, 2);	/* CBC, apart */
	ck_assert_uint_eq(p->ike[2].n_encr, 1);
	ck_assert_uint_eq(p->ike[2].group[0], 21);
	ck_assert_uint_eq(p->n_key, 3);
	ck_assert_uint_eq(p->key[0].psk_len, 3);
	ck_assert_mem_eq(p->key[0].psk, "\x00\xff\x10", 3);
	ck_assert_int_eq(p->key[0].id.kind, IKE_MATCH_EXACT);
	ck_assert_uint_eq(p->key[0].id.id.type, IKE_ID_KEY_ID);
	ck_assert_int_eq(p->key[1].id.kind, IKE_MATCH_DOMAIN);
	ck_assert_uint_eq(p->key[1].id.id.type, IKE_ID_EMAIL);
	ck_assert_uint_eq(p->key[1].psk_len, 15);
	ck_assert_mem_eq(p->key[1].psk, "two words ! \"q\"", 15);
	ck_assert_mem_eq(p->key[2].psk, "fil", 3);
	ck_assert_uint_eq(p->key[2].address.bits, 32);
	for (unsigned i = 0; i < p->n_esp; i++) {
		ck_assert_uint_eq(p->esp[i].n_addke[0], 0);
		ck_assert_uint_eq(p->esp[i].n_addke[1], 2);
		ck_assert_uint_eq(p->esp[i].addke[1][0], 20);
		ck_assert_uint_eq(p->esp[i].addke[1][1], 0);
		ck_assert_uint_eq(p->esp[i].n_addke[6], 1);
		ck_assert_uint_eq(p->esp[i].addke[6][0], 21);
	}
	conf_free(c);
}
END_TEST

START_TEST(everything_profile)
{
	struct conf *c = read_everything();
	const struct ike_profile *p = &c->core.ike.profile[0];

	ck_assert_uint_eq(p->n_remote, 4);
	ck_assert_int_eq(p->remote[0].kind, IKE_MATCH_ANY);
	ck_assert_int_eq(p->remote[1].kind, IKE_MATCH_NET);
	ck_assert_uint_eq(p->remote[1].net.bits, 8);
	ck_assert_uint_eq(p->remote[2].id.type, IKE_ID_EMAIL);
	ck_assert_uint_eq(p->local_id.type, IKE_ID_IPV4);
	ck_assert_uint_eq(p->local_id.len, 4);
	ck_assert_int_eq(p->dpd, IKE_DPD_OFF);
	ck_assert_uint_eq(p->ike_life_s, 3600);
	ck_assert_uint_eq(p->reauth_s, 7200);
	ck_assert(p->encap_force);
	ck_assert_uint_eq(p->keepalive_s, 30);
	ck_assert_uint_eq(p->n_esp, 2);
	ck_assert_uint_eq(p->esp[0].encr[0], 28);
	ck_assert_uint_eq(p->esp[1].encr_bits[0], 192);
	ck_assert_uint_eq(p->esp[1].group[0], 19);
	ck_assert_uint_eq(p->child_life.hard_s, 120);
	ck_assert_uint_eq(p->child_life.hard_bytes, 2560 * 1024);
	ck_assert_uint_eq(p->child_life.hard_packets, 1000);
	ck_assert_uint_eq(p->replay_window, 64);
	conf_free(c);
}
END_TEST

START_TEST(everything_interface)
{
	struct conf *c = read_everything();
	const struct core_tunnel_conf *t = &c->core.tunnel[0];

	ck_assert_str_eq(c->tunnel[0].description, "two words");
	ck_assert_uint_eq(t->dp.n_addr, 3);
	ck_assert_uint_eq(t->dp.addr[1].bits, 16);
	ck_assert_uint_eq(t->dp.addr[1].addr.b[3], 1);
	ck_assert_uint_eq(t->dp.mtu, 1400);
	ck_assert_uint_eq(t->nhrp.mtu, 1400);
	ck_assert_uint_eq(t->dp.mss, 0);
	ck_assert(t->dp.has_key);
	ck_assert_ptr_null(t->source_if);
	ck_assert_uint_eq(t->source_family, 16);
	ck_assert_uint_eq(t->dp.source.n, 16);
	ck_assert_uint_eq(t->nhrp.network_id, 7);
	ck_assert_uint_eq(t->nhrp.hold_s, 90);
	ck_assert_uint_eq(t->nhrp.reg_s, 30);
	ck_assert(t->nhrp.no_unique && t->nhrp.shortcut && !t->nhrp.redirect && t->nhrp.mcast_dynamic);
	ck_assert_uint_eq(t->nhrp.n_map, 2);
	ck_assert_uint_eq(t->nhrp.n_nhs, 2);
	ck_assert_str_eq(t->nhrp.nhs[0].name, "2001:db8::2");
	ck_assert(t->nhrp.nhs[0].mcast);
	ck_assert_uint_eq(t->nhrp.nhs[0].priority, 3);
	ck_assert_uint_eq(t->nhrp.nhs[1].family, 16);
	ck_assert_str_eq(t->nhrp.nhs[1].name, "hub.example.net");
	conf_free(c);
}
END_TEST

/* More wrong lines than are kept, and blocks beyond their bounds. */
START_TEST(bounds)
{
	static char text[64 * 1024];
	struct conf *c;

	text[0] = '\0';
	for (int i = 0; i < 100; i++)
		strcat(text, "foo\n");
	c = conf_read_text("t", text);
	ck_assert_uint_eq(c->n_error, CONF_ERRORS_MAX);
	ck_assert_uint_eq(c->error[CONF_ERRORS_MAX - 1].line, CONF_ERRORS_MAX);
	conf_free(c);
	strcpy(text, CRYPTO TUNNEL("d0", "eth0"));
	for (int i = 0; i < NHRP_MAPS_MAX + 1; i++)
		sprintf(text + strlen(text), " ip nhrp map 10.0.1.%d 192.0.2.%d\n", i + 1, i + 1);
	c = conf_read_text("t", text);
	ck_assert_uint_eq(c->n_error, 1);
	ck_assert_str_eq(c->error[0].text, "more than 64 map lines on one interface");
	conf_free(c);
	strcpy(text, CRYPTO);
	for (int i = 0; i < CORE_TUNNELS_MAX + 1; i++)
		sprintf(text + strlen(text), TUNNEL("d%d", "eth%d"), i, i);
	c = conf_read_text("t", text);
	ck_assert_uint_eq(c->n_error, 1);
	ck_assert_str_eq(c->error[0].text, "more than 16 tunnel interfaces");
	conf_free(c);
}
END_TEST

START_TEST(profiles_shared)
{
	struct conf *c = conf_read_text("t", CRYPTO "crypto ipsec profile W\n set pfs group31\n" TUNNEL("d0", "eth0") TUNNEL("d1", "eth1")
	    "interface d2\n ip address 10.2.0.1/24\n tunnel source eth2\n tunnel protection ipsec profile W\n ip nhrp network-id 2\n");

	ck_assert_uint_eq(c->n_error, 0);
	ck_assert_uint_eq(c->core.n_tunnel, 3);
	ck_assert_uint_eq(c->core.ike.n_profile, 2);
	ck_assert_uint_eq(c->core.tunnel[0].profile, 0);
	ck_assert_uint_eq(c->core.tunnel[1].profile, 0);
	ck_assert_uint_eq(c->core.tunnel[2].profile, 1);
	ck_assert_uint_eq(c->core.tunnel[2].dp.id, 3);
	ck_assert_uint_eq(c->core.ike.profile[1].esp[0].group[0], 31);
	conf_free(c);
}
END_TEST

START_TEST(shut_down_is_left_out)
{
	struct conf *c = conf_read_text("t", CRYPTO TUNNEL("d0", "eth0") " shutdown\n" TUNNEL("d1", "eth0") " shutdown\n no shutdown\n");

	ck_assert_uint_eq(c->n_error, 0);
	ck_assert_uint_eq(c->core.n_tunnel, 1);
	ck_assert_uint_eq(c->n_shutdown, 1);
	ck_assert_str_eq(c->core.tunnel[0].dp.name, "d1");
	ck_assert_uint_eq(c->core.tunnel[0].dp.id, 1);
	conf_free(c);
}
END_TEST

/* Each knows its interface by name, as places may change with a reload; one that is shut down leads nowhere. */
START_TEST(static_routes)
{
	struct conf *c = conf_read_text("t", CRYPTO "ip route 172.16.9.9/16 10.0.0.2\nipv6 route fd00::/8 fd10::2\nip route 0.0.0.0/0 10.7.0.2\n"
	    TUNNEL("d0", "eth0") " ipv6 address fd10::1/64\ninterface d1\n ip address 10.7.0.1/24\n tunnel source eth1\n shutdown\n"
	    " tunnel protection ipsec profile V\n ip nhrp network-id 1\n");
	char text[PREFIX_STRLEN];

	ck_assert_uint_eq(c->n_error, 0);
	ck_assert_uint_eq(c->n_static, 3);
	ck_assert_str_eq(prefix_fmt(&c->route[0].dst, text), "172.16.0.0/16");
	ck_assert_str_eq(c->route[0].name, "d0");
	ck_assert_str_eq(prefix_fmt(&c->route[1].dst, text), "fd00::/8");
	ck_assert_str_eq(c->route[1].name, "d0");
	ck_assert_str_eq(c->route[2].name, "");
	ck_assert_uint_eq(c->n_warning, 1);
	ck_assert_ptr_nonnull(strstr(c->warning[0].text, "the default route goes into the tunnel"));
	conf_free(c);
}
END_TEST

Suite *
conf_build_suite(void)
{
	Suite *s = suite_create("conf_build");
	TCase *t = tcase_create("build");

	tcase_add_loop_test(t, refuse, 0, (int)(sizeof(refused) / sizeof(refused[0])));
	tcase_add_test(t, defaults);
	tcase_add_test(t, everything_global);
	tcase_add_test(t, everything_keys);
	tcase_add_test(t, everything_profile);
	tcase_add_test(t, everything_interface);
	tcase_add_test(t, where_registrations_are_kept);
	tcase_add_test(t, file_is_no_secret);
	tcase_add_test(t, bounds);
	tcase_add_test(t, profiles_shared);
	tcase_add_test(t, shut_down_is_left_out);
	tcase_add_test(t, static_routes);
	suite_add_tcase(s, t);
	return s;
}
