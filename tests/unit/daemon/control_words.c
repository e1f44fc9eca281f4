/* Commands by their words: abbreviations, arguments, and what is expected where they are wrong. */
#include <stdio.h>
#include <string.h>

#include "nhrpd/daemon/control_words.h"
#include "tests/unit/harness.h"

suite_fn control_words_suite;

static const struct {
	const char *line;
	enum control_verb verb;
	const char *arg;
	bool flag;
} good[] = {
	{ "show dmvpn", CONTROL_SHOW_DMVPN, "" }, { "sh dm", CONTROL_SHOW_DMVPN, "" }, { "  SHOW\tdmvpn \n", CONTROL_SHOW_DMVPN, "" },
	{ "sh dm de", CONTROL_SHOW_DMVPN, "", true }, { "sh dm p 10.0.0.1", CONTROL_SHOW_PEER, "10.0.0.1" },
	{ "show dmvpn peer fe80::1 detail", CONTROL_SHOW_PEER, "fe80::1", true },
	{ "show ip nhrp", CONTROL_SHOW_NHRP, "" }, { "sh ip nh 10.0.0.0/8", CONTROL_SHOW_NHRP, "10.0.0.0/8" },
	{ "show ip nhrp 2001:db8::1", CONTROL_SHOW_NHRP, "2001:db8::1" }, { "show ip nhrp nhs", CONTROL_SHOW_NHS, "" },
	{ "sh ip nh d", CONTROL_SHOW_NHRP, "", true }, { "sh ip nh 10.0.0.0/8 DETAIL", CONTROL_SHOW_NHRP, "10.0.0.0/8", true },
	{ "sh ip nh n", CONTROL_SHOW_NHS, "" }, { "sh ip nh s", CONTROL_SHOW_SHORTCUT, "" }, { "sh ip nh t", CONTROL_SHOW_TRAFFIC, "" },
	{ "sh ip nh n d", CONTROL_SHOW_NHS, "", true }, { "sh ip nh m", CONTROL_SHOW_MULTICAST, "" },
	{ "sh cr s", CONTROL_SHOW_SESSION, "" }, { "sh cr ik s", CONTROL_SHOW_IKE, "" }, { "sh cr ips sa", CONTROL_SHOW_IPSEC, "" },
	{ "sh int", CONTROL_SHOW_INTERFACE, "" }, { "sh int dmvpn0", CONTROL_SHOW_INTERFACE, "dmvpn0" }, { "sh cou", CONTROL_SHOW_COUNTERS, "" },
	{ "sh run", CONTROL_SHOW_RUN, "" }, { "sh run sec", CONTROL_SHOW_RUN, "", true }, { "show log", CONTROL_SHOW_LOG, "" },
	{ "show logging 20", CONTROL_SHOW_LOG, "20" }, { "sh ver", CONTROL_SHOW_VERSION, "" }, { "sh tech", CONTROL_SHOW_TECH, "" },
	{ "clear dmvpn peer all", CONTROL_CLEAR_PEER, "all" }, { "cl d p 10.0.0.1", CONTROL_CLEAR_PEER, "10.0.0.1" },
	{ "clear ip nhrp", CONTROL_CLEAR_NHRP, "" }, { "clear ip nhrp 10.0.0.1", CONTROL_CLEAR_NHRP, "10.0.0.1" },
	{ "clear ip nhrp short", CONTROL_CLEAR_SHORTCUT, "" }, { "debug dm peer site-11.example.net", CONTROL_DEBUG_PEER, "site-11.example.net" },
	{ "no deb", CONTROL_NO_DEBUG, "" }, { "rel", CONTROL_RELOAD, "" },
};

START_TEST(understood)
{
	struct control_cmd cmd;
	char why[512] = "";

	ck_assert_msg(control_parse(good[_i].line, &cmd, why, sizeof(why)), "%s: %s", good[_i].line, why);
	ck_assert_int_eq(cmd.verb, good[_i].verb);
	ck_assert_str_eq(cmd.arg, good[_i].arg);
	ck_assert_int_eq(cmd.flag, good[_i].flag);
}
END_TEST

static const struct {
	const char *line, *why;
} bad[] = {
#define SHOWS "dmvpn, ip, crypto, interface, counters, running-config, logging, version or tech-support"
	{ "", "expected show, clear, debug, no or reload; the line ends" },
	{ "shew dmvpn", "expected show, clear, debug, no or reload; found \"shew\"" },
	{ "show", "expected " SHOWS "; the line ends" },
	{ "show c", "\"c\" may be crypto or counters" },
	{ "show i", "\"i\" may be ip or interface" },
	{ "show ip", "expected nhrp; the line ends" },
	{ "show ip nhrp foo", "expected an address or prefix, detail, nhs, shortcut, traffic, multicast or the end of the line; found \"foo\"" },
	{ "show ip nhrp 10.0.0.0/8 x", "expected detail or the end of the line; found \"x\"" },
	{ "show dmvpn x", "expected detail, peer or the end of the line; found \"x\"" },
	{ "show dmvpn detail x", "expected the end of the line; found \"x\"" },
	{ "show dmvpn peer", "expected an address; the line ends" },
	{ "show dmvpn peer detail", "expected an address; found \"detail\"" },
	{ "show logging x", "expected a number or the end of the line; found \"x\"" },
	{ "show crypto i sa", "\"i\" may be ikev2 or ipsec" },
	{ "show crypto isakmp sa", "expected session, ikev2, ipsec or pki; found \"isakmp\"" },
	{ "clear dmvpn peer", "expected an address or \"all\"; the line ends" },
	{ "clear dmvpn peer foo", "expected an address or \"all\"; found \"foo\"" },
	{ "clear ip nhrp foo", "expected an address, shortcut or the end of the line; found \"foo\"" },
	{ "debug dmvpn peer", "expected a name; the line ends" },
};

START_TEST(refused)
{
	struct control_cmd cmd;
	char why[512] = "";

	ck_assert(!control_parse(bad[_i].line, &cmd, why, sizeof(why)));
	ck_assert_str_eq(why, bad[_i].why);
}
END_TEST

START_TEST(long_lines)
{
	char line[CONTROL_REQUEST_MAX], why[64];
	struct control_cmd cmd;

	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	memcpy(line, "show interface ", 15);
	ck_assert(!control_parse(line, &cmd, why, sizeof(why)));
	ck_assert_str_eq(why, "expected a name or the end of the line; found \"xxxxxxxxxxxxxxxx");
	memset(line, 's', 20);
	ck_assert(!control_parse(line, &cmd, why, sizeof(why)));
	ck_assert_uint_lt(strlen(why), sizeof(why));
}
END_TEST

/* ---- what may come next: kind, text and help in one line each */

static const char *
hints_text(const char *line)
{
	struct control_hint h[CONTROL_HINTS_MAX];
	unsigned n = control_hints(line, h);
	static char out[4096];
	size_t used = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < n; i++)
		used += (size_t)snprintf(out + used, sizeof(out) - used, "%s%s%s%s", h[i].kind == CONTROL_HINT_ARG ? "=" : "", h[i].text, h[i].help[0] ? ": " : "", h[i].help);
	return out;
}

static const struct {
	const char *line, *hints;
} next[] = {
	{ "", "show: What the daemon knowsclear: Forget, to begin anewdebug: Log moreno: Take something backreload: Read the configuration again and apply what is different" },
	{ "s", "show: What the daemon knows" },
	{ "sh", "show: What the daemon knows" },
	{ "sh ", "dmvpn: Peers of all tunnels, how far each has come, and why not furtherip: What is inside the tunnels, IPv4 and IPv6crypto: IKE and IPsec"
	    "interface: Tunnel interfacescounters: Everything that is countedrunning-config: The configuration in force, as it can be loaded again"
	    "logging: The last lines of the logversion: What runs, since when, and wheretech-support: All shows, for a report; without secrets" },
	{ "sh c", "crypto: IKE and IPseccounters: Everything that is counted" },
	{ "sh ip ", "nhrp: NHRP cache" },
	{ "sh dm ", "detail: More about eachpeer: One peer, by its tunnel or outer address<cr>" },
	{ "sh dm pe ", "=ADDRESS: An IPv4 or IPv6 address" },
	{ "sh dm pe 10.", "=ADDRESS: An IPv4 or IPv6 address" },
	{ "sh dm pe 10.0.0.1 ", "detail: More about each<cr>" },
	{ "sh ip nh ", "detail: More about eachnhs: Hubs and our registrations with themshortcut: Direct ways to other spokestraffic: NHRP packets sent, received "
	    "and refusedmulticast: Where multicast goes=PREFIX: An address, or all addresses of a prefix<cr>" },
	{ "sh ip nh n", "nhs: Hubs and our registrations with them" },
	{ "sh ver ", "<cr>" },
	{ "sh run ", "secrets: With the secrets in clear; only for root<cr>" },
	{ "sh cry ik ", "sa: IKE SAsdiagnose: What went wrong" },
	{ "clear dmvpn ", "peer: End the SAs of a peer (tunnel or outer address) or of all" },
	{ "clear dmvpn peer ", "=ADDRESS|all: An IPv4 or IPv6 address, or all" },
	{ "no ", "debug: End all debugging" },
	{ "x", "" }, { "sh i ", "" }, { "sh ver x ", "" },
};

START_TEST(hints)
{
	ck_assert_str_eq(hints_text(next[_i].line), next[_i].hints);
}
END_TEST

/* Every word of every command completes from any beginning of it, and has a help. */
START_TEST(every_word)
{
	for (unsigned v = 0; v < CONTROL_VERBS; v++) {
		const char *words = control_words[v].words;

		for (size_t n = 0; words[n]; n++) {
			struct control_hint h[CONTROL_HINTS_MAX];
			char line[128];
			size_t from = n;
			unsigned k, found = 0;

			while (from && words[from - 1] != ' ')
				from--;
			snprintf(line, sizeof(line), "%.*s", (int)n, words);
			k = control_hints(line, h);
			for (unsigned i = 0; i < k; i++) {
				found += strncmp(h[i].text, words + from, strcspn(words + from, " ")) == 0;
				ck_assert_msg(h[i].kind == CONTROL_HINT_END || h[i].help[0], "%s: %s has no help", line, h[i].text);
			}
			ck_assert_msg(words[n] == ' ' || found, "%s", line);
		}
	}
}
END_TEST

Suite *
control_words_suite(void)
{
	Suite *s = suite_create("control_words");
	TCase *t = tcase_create("words");

	tcase_add_loop_test(t, understood, 0, (int)(sizeof(good) / sizeof(good[0])));
	tcase_add_loop_test(t, refused, 0, (int)(sizeof(bad) / sizeof(bad[0])));
	tcase_add_test(t, long_lines);
	tcase_add_loop_test(t, hints, 0, (int)(sizeof(next) / sizeof(next[0])));
	tcase_add_test(t, every_word);
	suite_add_tcase(s, t);
	return s;
}
