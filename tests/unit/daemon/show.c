/* Shows: engine structs to JSON, key by key; bounds; clears. */
#include <stdlib.h>

#include "tests/unit/daemon/fakes.h"
#include "tests/unit/harness.h"

suite_fn show_suite;

static struct conf *conf;
static struct control_src src;

static void
setup(void)
{
	fakes_fill();
	conf = fakes_conf();
	ck_assert_uint_eq(conf->n_error, 0);
	src = (struct control_src){ .core = (struct core *)&fakes, .dp = &fakes_dp, .conf = conf, .started = TICK_S(1) };
}

static void
teardown(void)
{
	conf_free(conf);
}

static json_t *
run(const char *line)
{
	struct control_cmd cmd;
	char why[512] = "";
	json_t *o;

	ck_assert_msg(control_parse(line, &cmd, why, sizeof(why)), "%s", why);
	o = show_command(&src, FAKES_NOW, &cmd, why, sizeof(why));
	ck_assert_msg(o != NULL, "%s", why);
	return o;
}

static void
same(const char *line, const char *want)
{
	json_t *o = run(line);
	char *got = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER);

	ck_assert_str_eq(got, want);
	free(got);
	json_decref(o);
}

START_TEST(dmvpn)
{
	same("show dmvpn",
	    "{\"tunnels\":[{\"interface\":\"dmvpn0\",\"tunnel\":1,\"up\":true,\"ifindex\":9,\"mtu\":1400,\"addresses\":[\"10.255.0.1/24\"],\"source\":\"192.0.2.1\","
	    "\"source_interface\":\"eth0\",\"has_key\":true,\"key\":42,\"plane\":\"user\",\"description\":\"all sites\",\"network_id\":1,"
	    "\"rx_packets\":3,\"rx_bytes\":0,\"tx_packets\":0,\"tx_bytes\":0,\"role\":\"hub\",\"peers\":["
	    "{\"peer\":3,\"nbma\":\"198.51.100.7\",\"claimed_nbma\":\"192.168.1.2\",\"remote\":\"198.51.100.7:4500\",\"tunnel_address\":\"10.255.0.11\","
	    "\"state\":\"UP\",\"age_s\":600,\"up\":true,\"attributes\":\"DN\",\"nhs\":false,\"dynamic\":true,\"incomplete\":false,\"natted\":true,"
	    "\"encap\":true,\"identity\":\"fqdn site-11.example.net\",\"entries\":1,\"reason\":\"\",\"spi_in\":\"0x00000abc\",\"spi_out\":\"0xdef00001\","
	    "\"ike_sa\":1,\"prefixes\":[\"10.255.0.11/32\",\"10.11.0.0/16\"],\"traffic\":{\"rx_packets\":10,\"rx_bytes\":1000,\"tx_packets\":20,"
	    "\"tx_bytes\":2000,\"rx_drops\":0,\"tx_drops\":0,\"path_mtu\":1400}},"
	    "{\"peer\":null,\"nbma\":\"203.0.113.9\",\"claimed_nbma\":\"\",\"remote\":\"\",\"tunnel_address\":\"\",\"state\":\"IKE\",\"age_s\":10,\"up\":false,"
	    "\"attributes\":\"S\",\"nhs\":true,\"dynamic\":false,\"incomplete\":false,\"natted\":false,\"encap\":false,\"identity\":\"\",\"entries\":0,"
	    "\"reason\":\"no answer\",\"spi_in\":\"0x00000000\",\"spi_out\":\"0x00000000\",\"ike_sa\":0}]}],\"hostname\":\"hub1\",\"uptime_s\":999}");
}
END_TEST

START_TEST(nhrp)
{
#define HOST "{\"prefix\":\"10.255.0.11/32\",\"type\":\"dynamic\",\"nbma\":\"198.51.100.7\",\"claimed_nbma\":\"192.168.1.2\",\"peer\":3,\"unique\":true," \
	"\"registered\":true,\"used\":true,\"natted\":true,\"multicast\":true,\"installed\":true,\"restored\":false,\"age_s\":62,\"expires_in_s\":238,\"identity\":\"fqdn site-11.example.net\"," \
	"\"reason\":\"\",\"via\":\"10.255.0.11\",\"interface\":\"dmvpn0\"}"
	same("show ip nhrp", "{\"entries\":[" HOST ",{\"prefix\":\"10.11.0.0/16\",\"type\":\"dynamic\",\"nbma\":\"198.51.100.7\",\"claimed_nbma\":\"192.168.1.2\","
	    "\"peer\":3,\"unique\":true,\"registered\":true,\"used\":true,\"natted\":true,\"multicast\":true,\"installed\":true,\"restored\":false,\"age_s\":62,\"expires_in_s\":null,"
	    "\"identity\":\"fqdn site-11.example.net\",\"reason\":\"\",\"via\":\"10.255.0.11\",\"interface\":\"dmvpn0\"},"
	    "{\"prefix\":\"10.255.0.1/32\",\"type\":\"local\",\"nbma\":\"192.0.2.1\",\"claimed_nbma\":\"192.0.2.1\",\"peer\":null,\"unique\":false,"
	    "\"registered\":false,\"used\":false,\"natted\":false,\"multicast\":false,\"installed\":false,\"restored\":false,\"age_s\":999,\"expires_in_s\":null,\"identity\":\"\","
	    "\"reason\":\"\",\"via\":\"10.255.0.1\",\"interface\":\"dmvpn0\"}]}");
	ck_assert(!fakes.has_within);
	same("show ip nhrp 10.255.0.11", "{\"entries\":[" HOST "]}");
	ck_assert(fakes.has_within && fakes.within.bits == 32);
	same("show ip nhrp 10.99.0.0/16", "{\"entries\":[]}");
}
END_TEST

START_TEST(others)
{
	same("show ip nhrp nhs", "{\"servers\":[{\"index\":0,\"tunnel_address\":\"10.255.0.1\",\"nbma\":\"192.0.2.1\",\"name\":\"hub1.example.net\","
	    "\"state\":\"registered\",\"up\":true,\"priority\":1,\"cluster\":0,\"peer\":0,\"age_s\":990,\"next_in_s\":20,\"requests\":3,\"replies\":2,\"failures\":1,"
	    "\"reason\":\"\",\"interface\":\"dmvpn0\"}]}");
	same("show ip nhrp shortcut", "{\"shortcuts\":[{\"destination\":\"10.12.0.1\",\"prefix\":\"10.12.0.0/16\",\"via\":\"10.255.0.12\",\"nbma\":\"198.51.100.7\","
	    "\"state\":\"up\",\"peer\":null,\"age_s\":1,\"expires_in_s\":1,\"reason\":\"\",\"interface\":\"dmvpn0\"}]}");
	same("show ip nhrp traffic", "{\"interfaces\":[{\"received\":{\"Resolution-Request\":1,\"2\":2,\"3\":3,\"4\":4,\"5\":5,\"6\":6,\"7\":7,\"8\":8},"
	    "\"sent\":{\"Resolution-Request\":0,\"2\":0,\"3\":0,\"4\":0,\"5\":0,\"6\":0,\"7\":0,\"8\":0},\"refused\":{\"auth\":{\"count\":7,\"text\":\"auth\"}},"
	    "\"route_changes\":{\"heard\":12,\"looked_at\":34,\"asked_again\":5,\"dropped\":6,\"purged\":7},"
	    "\"rate_limited\":[{\"peer\":3,\"identity\":\"fqdn site-11.example.net\",\"remote\":\"\",\"received\":5000,\"dropped\":4000,\"now\":true,"
	    "\"last_age_s\":3}],\"not_allowed\":[{\"peer\":3,\"identity\":\"fqdn site-11.example.net\",\"remote\":\"\",\"refused\":2,"
	    "\"reason\":\"refused: fqdn site-11.example.net claims 10.255.0.12, may claim 10.255.0.11 (certificate's SAN)\",\"last_age_s\":999}],"
	    "\"interface\":\"dmvpn0\"}]}");
}
END_TEST

START_TEST(crypto)
{
#define IKE "\"sa\":1,\"spi_i\":\"1122334455667788\",\"spi_r\":\"0000000000000001\",\"state\":\"established\",\"local\":\"192.0.2.1:4500\"," \
	"\"remote\":\"198.51.100.7:4500\",\"local_id\":\"fqdn hub1.example.net\",\"peer_id\":\"\",\"initiator\":false,\"natted_local\":false," \
	"\"natted_remote\":true,\"encryption\":\"aes-gcm-256\",\"prf\":\"sha384\",\"group\":\"curve25519\",\"age_s\":600,\"rekey_in_s\":1000," \
	"\"expires_in_s\":null,\"last_rx_s\":null,\"reason\":\"\",\"auth_local\":\"\",\"auth_remote\":\"\",\"profile\":\"P\""
#define CHILD "\"ike_sa\":1,\"spi_in\":\"0x00000abc\",\"spi_out\":\"0xdef00001\",\"state\":\"installed\",\"encryption\":\"aes-gcm-256\"," \
	"\"pfs_group\":\"ecp256\",\"mode\":\"transport\",\"encap\":true,\"esn\":false,\"age_s\":600,\"rekey_in_s\":2600,\"expires_in_s\":3000,\"rx_packets\":1,\"rx_bytes\":100," \
	"\"tx_packets\":2,\"tx_bytes\":200"
	same("show crypto ikev2 sa", "{\"sas\":[{" IKE "}]}");
	same("show crypto session", "{\"sessions\":[{" IKE ",\"children\":[{" CHILD "}]}]}");
	same("show crypto ipsec sa", "{\"sas\":[{" CHILD ",\"local\":\"192.0.2.1:4500\",\"remote\":\"198.51.100.7:4500\",\"peer_id\":\"\"}]}");
}
END_TEST

static json_t *
member(json_t *o, const char *list, size_t i)
{
	return json_array_get(json_object_get(o, list), i);
}

static void
part_is(json_t *o, const char *key, const char *want)
{
	char *got = json_dumps(json_object_get(o, key), JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENCODE_ANY);

	ck_assert_str_eq(got ? got : "nothing", want);
	free(got);
}

START_TEST(interfaces_and_counters)
{
	json_t *o = run("show interface dmvpn0");

	ck_assert_uint_eq(json_array_size(json_object_get(o, "interfaces")), 1);
	part_is(member(o, "interfaces", 0), "mss", "1360");
	part_is(member(o, "interfaces", 0), "mss_lowered", "7");
	part_is(member(o, "interfaces", 0), "filter", "\"nftables\"");
	part_is(member(o, "interfaces", 0), "filter_locks", "true");
	part_is(member(o, "interfaces", 0), "clear_dropped", "2");
	part_is(member(o, "interfaces", 0), "offloads", "[{\"name\":\"tap\",\"on\":true,\"why\":\"\"},{\"name\":\"gso\",\"on\":false,\"why\":\"configuration\"},"
	    "{\"name\":\"gro\",\"on\":true,\"why\":\"\"},{\"name\":\"coalesce\",\"on\":false,\"why\":\"refused by the kernel\"}]");
	part_is(member(o, "interfaces", 0), "crypto", "\"OpenSSL 3.0.0\"");
	part_is(member(o, "interfaces", 0), "crypto_why", "\"configuration\"");
	json_decref(o);
	same("show interface other", "{\"interfaces\":[]}");
	o = run("show counters");
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(o, "dataplane"), "esp-replay")), 4);
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(json_object_get(o, "ike"), "refused"), "icv")), 5);
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(json_object_get(o, "ike"), "received"), "IKE_AUTH")), 35);
	ck_assert_uint_eq(json_object_size(json_object_get(json_object_get(o, "ike"), "refused")), IKE_DROPS_N - 1);
	json_decref(o);
	src.dp = NULL;
	json_decref(run("show counters"));
	json_decref(run("show dmvpn"));
	json_decref(run("show crypto session"));
}
END_TEST

START_TEST(details)
{
#define SESSION "{\"remote\":\"198.51.100.7:4500\",\"encap\":true,\"ike_sa\":1,\"spi_in\":\"0x00000abc\",\"spi_out\":\"0xdef00001\"," \
	"\"ike_age_s\":600,\"ipsec_age_s\":600,\"rekey_in_s\":2600}"
	json_t *o = run("show dmvpn detail"), *peer = member(member(o, "tunnels", 0), "peers", 0);

	part_is(peer, "ladder", "{\"intf_age_s\":900,\"ike_age_s\":600,\"ipsec_age_s\":600,\"nhrp_age_s\":600}");
	part_is(peer, "expires_in_s", "238");
	part_is(peer, "rekey_in_s", "2600");
	part_is(peer, "sa_expires_in_s", "3000");
	peer = member(member(o, "tunnels", 0), "peers", 1);
	part_is(peer, "ladder", "{\"intf_age_s\":900,\"ike_age_s\":null,\"ipsec_age_s\":null,\"nhrp_age_s\":null}");
	part_is(peer, "expires_in_s", "null");
	json_decref(o);
	o = run("show ip nhrp detail");
	part_is(member(o, "entries", 0), "session", SESSION);
	part_is(member(o, "entries", 2), "session", "null");
	json_decref(o);
	fakes.nhs[0].peer = 3;
	o = run("show ip nhrp nhs detail");
	part_is(member(o, "servers", 0), "session", SESSION);
	part_is(member(o, "servers", 0), "multicast", "false");
	json_decref(o);
}
END_TEST

static const struct {
	const char *line;
	size_t tunnels, peers;
} one[] = {
	{ "show dmvpn peer 10.255.0.11", 1, 1 }, { "show dmvpn peer 198.51.100.7 detail", 1, 1 }, { "show dmvpn peer 192.168.1.2", 1, 1 },
	{ "show dmvpn peer 203.0.113.9", 1, 1 }, { "show dmvpn peer 10.11.0.0", 1, 1 }, { "show dmvpn peer 10.255.0.12", 0, 0 },
};

START_TEST(one_peer)
{
	json_t *o = run(one[_i].line);

	ck_assert_uint_eq(json_array_size(json_object_get(o, "tunnels")), one[_i].tunnels);
	ck_assert_uint_eq(json_array_size(json_object_get(member(o, "tunnels", 0), "peers")), one[_i].peers);
	json_decref(o);
}
END_TEST

START_TEST(multicast)
{
	fakes.cache[1].mcast = false;
	same("show ip nhrp multicast", "{\"entries\":[{\"prefix\":\"10.255.0.11/32\",\"nbma\":\"198.51.100.7\",\"type\":\"dynamic\",\"up\":true,"
	    "\"interface\":\"dmvpn0\"}]}");
}
END_TEST

static void
refused(const char *line, const char *want)
{
	struct control_cmd cmd;
	char why[512] = "";

	ck_assert(control_parse(line, &cmd, why, sizeof(why)));
	ck_assert_ptr_null(show_command(&src, FAKES_NOW, &cmd, why, sizeof(why)));
	ck_assert_str_eq(why, want);
}

START_TEST(running_config)
{
#define RUN(psk, secrets) "{\"lines\":[\"hostname hub1\",\"ip route 10.11.0.0/16 10.255.0.11\",\"!\",\"crypto ikev2 keyring K\",\" peer any\",\"  address 0.0.0.0 0.0.0.0\"," \
	"\"  pre-shared-key " psk "\",\"!\",\"crypto ikev2 profile P\",\"!\",\"crypto ipsec profile V\",\"!\",\"interface dmvpn0\",\" description all sites\"," \
	"\" ip address 10.255.0.1/24\",\" tunnel source eth0\",\" tunnel key 42\",\" tunnel protection ipsec profile V\",\" ip nhrp network-id 1\"]," \
	"\"secrets\":" secrets "}"
	same("show running-config", RUN("<secret hidden>", "false"));
	refused("show running-config secrets", "secrets are shown to root only");
	src.secrets = true;
	same("show running-config secrets", RUN("s3cret", "true"));
	same("show running-config", RUN("<secret hidden>", "false"));
}
END_TEST

static int64_t
clock_ms(void)
{
	return 1700000000042;
}

START_TEST(log_and_debugging)
{
	struct test_env env;

	refused("show logging", "no log is kept");
	refused("debug dmvpn peer x", "no log is kept");
	refused("debug crypto keys /x", "keys are written for root only");
	refused("no debug crypto keys", "keys are written for root only");
	same("no debug", "{\"debugging\":[],\"ended\":0}");
	same("show debugging", "{\"debugging\":[]}");
	ck_assert_int_eq(setenv("TZ", "UTC", 1), 0);
	test_env_init(&env);
	src.log = logring_new(&env.log);
	src.log->clock_ms = clock_ms;
	log_at(&env.log, LOG_LV_NOTICE, "ready", "one");
	log_at(&env.log, LOG_LV_WARN, "bad", "two \xff");
	same("debug nhrp peer 192.0.2.1", "{\"debugging\":[{\"facility\":\"nhrp\",\"peer\":\"192.0.2.1\"}]}");
	same("undebug nhrp peer 192.0.2.1", "{\"debugging\":[],\"ended\":1}");
	json_decref(run("debug dmvpn peer 192.0.2.1"));
#define TWO "{\"time\":\"2023-11-14T22:13:20.042\",\"level\":\"warning\",\"word\":\"bad\",\"text\":\"two ?\"}]"
#define LOG_TAIL ",\"level\":\"debug\",\"written\":2,\"room\":1000,\"debugged\":[\"192.0.2.1\"]}"
	same("show logging", "{\"lines\":[{\"time\":\"2023-11-14T22:13:20.042\",\"level\":\"notice\",\"word\":\"ready\",\"text\":\"one\"}," TWO LOG_TAIL);
	same("show logging 1", "{\"lines\":[" TWO LOG_TAIL);
	for (char line[] = "debug dmvpn peer 0"; line[17] < '0' + LOGRING_DEBUGS_MAX - 1; line[17]++)
		json_decref(run(line));
	refused("debug dmvpn peer z", "at most 16 peers can be debugged at once: \"no debug\" ends all of it");
	same("no debug", "{\"debugging\":[],\"ended\":16}");
	logring_free(src.log);
}
END_TEST

/* A peer is debugged by all its names, whichever was given. */
START_TEST(debugging_by_name)
{
	struct test_env env;

	test_env_init(&env);
	src.log = logring_new(&env.log);
	json_decref(run("debug ike peer 10.255.0.11"));
	ck_assert_uint_eq(src.log->debug[0].n_name, 3);
	log_debug(&env.log, LOG_DBG_IKE, "ike-in", "from 198.51.100.7:4500");
	log_debug(&env.log, LOG_DBG_IKE, "ike-in", "from 198.51.100.8:4500");
	log_debug(&env.log, LOG_DBG_IKE, "ike-key", "fqdn site-11.example.net at a new address");
	ck_assert_uint_eq(src.log->written, 2);
	json_decref(run("undebug all"));
	json_decref(run("debug ike peer site-11"));
	log_debug(&env.log, LOG_DBG_IKE, "ike-in", "from 198.51.100.7:4500");
	ck_assert_uint_eq(src.log->written, 3);
	logring_free(src.log);
	src.log = NULL;
}
END_TEST

/* Oldest first, though the core hands them out otherwise; times are microseconds. */
START_TEST(timeline)
{
	json_t *o = run("show dmvpn peer 10.255.0.11 timeline"), *a;

	ck_assert_uint_eq(json_array_size(json_object_get(o, "attempts")), 2);
	part_is(member(o, "attempts", 0), "attempt", "4");
	part_is(member(o, "attempts", 0), "up_after_us", "null");
	part_is(member(o, "attempts", 0), "ended_after_us", "1000000");
	a = member(o, "attempts", 1);
	part_is(a, "attempt", "7");
	part_is(a, "kind", "\"shortcut\"");
	part_is(a, "prefix", "\"10.11.0.0/16\"");
	part_is(a, "up_after_us", "2000");
	part_is(member(a, "steps", 1), "at_us", "1200");
	part_is(member(a, "steps", 1), "layer", "\"IPSEC\"");
	part_is(member(a, "steps", 1), "step", "\"sa-installed\"");
	part_is(member(a, "steps", 1), "detail", "\"SPI 0x00000abc\"");
	json_decref(o);
	same("show dmvpn peer 10.9.9.9 timeline", "{\"attempts\":[]}");
}
END_TEST

/* Without a socket nobody can wait, but what is missing is said. */
START_TEST(probe_says_which_layer)
{
	json_t *o = run("probe 10.255.0.11");

	part_is(o, "asked", "true");
	part_is(o, "state", "\"UP\"");
	json_decref(o);
	o = run("probe 203.0.113.9");
	part_is(o, "asked", "false");
	part_is(o, "state", "\"IKE\"");
	part_is(o, "reason", "\"no answer\"");
	json_decref(o);
	o = run("probe 10.9.9.9");
	part_is(o, "reason", "\"no such peer\"");
	json_decref(o);
}
END_TEST

START_TEST(families)
{
	json_t *o = run("show ip nhrp summary");

	part_is(o, "entries", "3");
	json_decref(o);
	same("show ipv6 nhrp", "{\"entries\":[]}");
	same("show ipv6 nhrp shortcut", "{\"shortcuts\":[]}");
	o = run("show ip route nhrp");
	part_is(member(o, "routes", 0), "origin", "\"nhrp\"");
	part_is(member(o, "routes", 0), "prefix", "\"10.12.0.0/16\"");
	part_is(member(o, "routes", 1), "origin", "\"static\"");
	part_is(member(o, "routes", 1), "via", "\"10.255.0.11\"");
	json_decref(o);
	same("show ipv6 route nhrp", "{\"routes\":[]}");
	same("clear ipv6 nhrp", "{}");
	ck_assert_uint_eq(fakes.cleared_family, 16);
}
END_TEST

START_TEST(version_and_report)
{
	json_t *o = run("show version");

	part_is(o, "hostname", "\"hub1\"");
	part_is(o, "uptime_s", "999");
	part_is(o, "configuration", "\"\"");
	part_is(o, "plane_why", "\"\"");
	json_decref(o);
	src.plane = "user";
	src.plane_why = "no ip_gre";
	o = run("show version");
	part_is(o, "plane", "\"user\"");
	part_is(o, "plane_why", "\"no ip_gre\"");
	json_decref(o);
	o = run("show interface");
	part_is(member(o, "interfaces", 0), "plane_why", "\"no ip_gre\"");
	json_decref(o);
	src.plane = src.plane_why = NULL;
	src.secrets = true;
	o = run("show tech-support");
	ck_assert_str_eq(json_string_value(json_object_get(member(o, "sections", 0), "command")), "show version");
	part_is(member(o, "sections", 23), "error", "\"no log is kept\"");
	for (size_t i = 0; i < json_array_size(json_object_get(o, "sections")); i++) {
		char *text = json_dumps(member(o, "sections", i), 0);

		ck_assert_ptr_null(strstr(text, "s3cret"));
		free(text);
	}
	json_decref(o);
}
END_TEST

START_TEST(lists_are_bounded)
{
	json_t *o;

	fakes.cache_times = SHOW_ENTRIES_MAX;
	o = run("show ip nhrp");
	ck_assert_uint_eq(json_array_size(json_object_get(o, "entries")), SHOW_ENTRIES_MAX);
	ck_assert_int_eq(json_integer_value(json_object_get(o, "not_shown")), 2 * SHOW_ENTRIES_MAX);
	json_decref(o);
}
END_TEST

START_TEST(clears)
{
	struct addr a = fakes_addr("10.255.0.11");

	fakes.clear_answer = 2;
	same("clear dmvpn peer all", "{\"cleared\":2}");
	ck_assert_uint_eq(fakes.cleared.n, 0);
	same("clear dmvpn peer 10.255.0.11", "{\"cleared\":2}");
	ck_assert(addr_eq(&fakes.cleared, &a));
	same("rekey crypto ikev2 sa 10.255.0.11", "{\"rekeyed\":2}");
	ck_assert(addr_eq(&fakes.cleared, &a) && fakes.rekeyed_ike);
	same("rekey crypto ipsec sa all", "{\"rekeyed\":2}");
	ck_assert(fakes.cleared.n == 0 && !fakes.rekeyed_ike);
	same("clear ip nhrp 10.255.0.11", "{}");
	ck_assert(addr_eq(&fakes.cleared, &a) && !fakes.cleared_shortcuts);
	same("clear ip nhrp shortcut", "{}");
	ck_assert(fakes.cleared.n == 0 && fakes.cleared_shortcuts);
	same("clear ip nhrp", "{}");
	ck_assert(fakes.cleared.n == 0 && !fakes.cleared_shortcuts);
	ck_assert_uint_eq(fakes.n_cleared, 5);
}
END_TEST

START_TEST(text_that_is_not_utf8)
{
	json_t *o;

	fakes.nhs[0].reason = "bad \xff octet";
	o = run("show ip nhrp nhs");
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(json_object_get(o, "servers"), 0), "reason")), "bad ? octet");
	json_decref(o);
}
END_TEST

Suite *
show_suite(void)
{
	Suite *s = suite_create("show");
	TCase *t = tcase_create("show");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, dmvpn);
	tcase_add_test(t, nhrp);
	tcase_add_test(t, others);
	tcase_add_test(t, crypto);
	tcase_add_test(t, interfaces_and_counters);
	tcase_add_test(t, details);
	tcase_add_loop_test(t, one_peer, 0, (int)(sizeof(one) / sizeof(one[0])));
	tcase_add_test(t, multicast);
	tcase_add_test(t, running_config);
	tcase_add_test(t, log_and_debugging);
	tcase_add_test(t, debugging_by_name);
	tcase_add_test(t, timeline);
	tcase_add_test(t, probe_says_which_layer);
	tcase_add_test(t, families);
	tcase_add_test(t, version_and_report);
	tcase_add_test(t, lists_are_bounded);
	tcase_add_test(t, clears);
	tcase_add_test(t, text_that_is_not_utf8);
	suite_add_tcase(s, t);
	return s;
}
