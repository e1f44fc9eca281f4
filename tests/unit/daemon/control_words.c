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
	int choice;	/* plus one; 0: none */
	const char *arg2;
} good[] = {
	{ "show dmvpn peer 10.0.0.1 timeline", CONTROL_SHOW_TIMELINE, "10.0.0.1" }, { "sh dm p 10.0.0.1 t", CONTROL_SHOW_TIMELINE, "10.0.0.1" },
	{ "sh dm t", CONTROL_SHOW_HISTORY, "" }, { "sh ipv6 nh", CONTROL_SHOW_NHRP, "", false, 2 }, { "show ipv6 nhrp nhs detail", CONTROL_SHOW_NHS, "", true, 2 },
	{ "sh ip nh b", CONTROL_SHOW_BRIEF, "", false, 1 }, { "sh ip nh su", CONTROL_SHOW_SUMMARY, "", false, 1 },
	{ "sh z", CONTROL_SHOW_ZEBRA, "" }, { "sh ip ro nh", CONTROL_SHOW_ROUTE, "", false, 1 }, { "show ipv6 route nhrp", CONTROL_SHOW_ROUTE, "", false, 2 },
	{ "sh deb", CONTROL_SHOW_DEBUG, "" }, { "w 10.0.0.1", CONTROL_WHY, "10.0.0.1" }, { "probe 10.0.0.1", CONTROL_PROBE, "10.0.0.1" },
	{ "probe 10.0.0.1 count 3", CONTROL_PROBE, "10.0.0.1", false, 0, "3" }, { "p fe80::1 c 100000", CONTROL_PROBE, "fe80::1", false, 0, "100000" },
	{ "debug nhrp", CONTROL_DEBUG, "", false, 1 }, { "deb ike peer 192.0.2.1", CONTROL_DEBUG, "192.0.2.1", false, 2 },
	{ "undebug all", CONTROL_UNDEBUG, "", false, 7 }, { "u all", CONTROL_UNDEBUG, "", false, 7 }, { "un ips peer x", CONTROL_UNDEBUG, "x", false, 3 },
	{ "no debug ike", CONTROL_NO_DEBUG, "", false, 2 }, { "no debug peer x", CONTROL_NO_DEBUG, "x" }, { "no debug data peer x", CONTROL_NO_DEBUG, "x", false, 5 },
	{ "clear ipv6 nhrp", CONTROL_CLEAR_NHRP, "", false, 2 },
	{ "show dmvpn", CONTROL_SHOW_DMVPN, "" }, { "sh dm", CONTROL_SHOW_DMVPN, "" }, { "  SHOW\tdmvpn \n", CONTROL_SHOW_DMVPN, "" },
	{ "sh dm de", CONTROL_SHOW_DMVPN, "", true }, { "sh dm p 10.0.0.1", CONTROL_SHOW_PEER, "10.0.0.1" },
	{ "show dmvpn peer fe80::1 detail", CONTROL_SHOW_PEER, "fe80::1", true },
	{ "show ip nhrp", CONTROL_SHOW_NHRP, "", false, 1 }, { "sh ip nh 10.0.0.0/8", CONTROL_SHOW_NHRP, "10.0.0.0/8", false, 1 },
	{ "show ip nhrp 2001:db8::1", CONTROL_SHOW_NHRP, "2001:db8::1", false, 1 }, { "show ip nhrp nhs", CONTROL_SHOW_NHS, "", false, 1 },
	{ "sh ip nh d", CONTROL_SHOW_NHRP, "", true, 1 }, { "sh ip nh 10.0.0.0/8 DETAIL", CONTROL_SHOW_NHRP, "10.0.0.0/8", true, 1 },
	{ "sh ip nh n", CONTROL_SHOW_NHS, "", false, 1 }, { "sh ip nh sh", CONTROL_SHOW_SHORTCUT, "", false, 1 }, { "sh ip nh t", CONTROL_SHOW_TRAFFIC, "", false, 1 },
	{ "sh ip nh n d", CONTROL_SHOW_NHS, "", true, 1 }, { "sh ip nh m", CONTROL_SHOW_MULTICAST, "", false, 1 },
	{ "sh cr s", CONTROL_SHOW_SESSION, "" }, { "sh cr ik s", CONTROL_SHOW_IKE, "" }, { "sh cr ips sa", CONTROL_SHOW_IPSEC, "" }, { "sh cr map", CONTROL_SHOW_MAP, "" }, { "sh cr m VPN", CONTROL_SHOW_MAP, "VPN" },
	{ "sh int", CONTROL_SHOW_INTERFACE, "" }, { "sh int dmvpn0", CONTROL_SHOW_INTERFACE, "dmvpn0" }, { "sh cou", CONTROL_SHOW_COUNTERS, "" },
	{ "sh run", CONTROL_SHOW_RUN, "" }, { "sh run sec", CONTROL_SHOW_RUN, "", true }, { "show log", CONTROL_SHOW_LOG, "" },
	{ "show logging 20", CONTROL_SHOW_LOG, "20" }, { "sh ver", CONTROL_SHOW_VERSION, "" }, { "sh tech", CONTROL_SHOW_TECH, "" },
	{ "clear dmvpn peer all", CONTROL_CLEAR_PEER, "all" }, { "cl d p 10.0.0.1", CONTROL_CLEAR_PEER, "10.0.0.1" },
	{ "clear ip nhrp", CONTROL_CLEAR_NHRP, "", false, 1 }, { "clear ip nhrp 10.0.0.1", CONTROL_CLEAR_NHRP, "10.0.0.1", false, 1 },
	{ "clear ip nhrp short", CONTROL_CLEAR_SHORTCUT, "", false, 1 }, { "debug dm peer site-11.example.net", CONTROL_DEBUG, "site-11.example.net", false, 6 },
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
	ck_assert_int_eq(cmd.choice, good[_i].choice - 1);
	ck_assert_str_eq(cmd.arg2, good[_i].arg2 ? good[_i].arg2 : "");
}
END_TEST

static const struct {
	const char *line, *why;
} bad[] = {
#define SHOWS "dmvpn, ip, ipv6, zebra, crypto, interface, counters, running-config, logging, debugging, version or tech-support"
	{ "", "expected show, clear, rekey, probe, why, debug, undebug, no or reload; the line ends" },
	{ "shew dmvpn", "expected show, clear, rekey, probe, why, debug, undebug, no or reload; found \"shew\"" },
	{ "show", "expected " SHOWS "; the line ends" },
	{ "show c", "\"c\" may be crypto or counters" },
	{ "show i", "\"i\" may be ip, ipv6 or interface" },
	{ "show ip", "expected nhrp or route; the line ends" },
	{ "show ip nhrp foo", "expected an address or prefix, detail, brief, summary, nhs, shortcut, traffic, multicast, group-map or the end of the line; found \"foo\"" },
	{ "show ip nhrp 10.0.0.0/8 x", "expected detail or the end of the line; found \"x\"" },
	{ "show dmvpn x", "expected detail, peer, timeline or the end of the line; found \"x\"" },
	{ "show dmvpn detail x", "expected the end of the line; found \"x\"" },
	{ "show dmvpn peer", "expected an address; the line ends" },
	{ "show dmvpn peer detail", "expected an address; found \"detail\"" },
	{ "show logging x", "expected a number or the end of the line; found \"x\"" },
	{ "show crypto i sa", "\"i\" may be ikev2 or ipsec" },
	{ "show crypto isakmp sa", "expected session, ikev2, ipsec, map or pki; found \"isakmp\"" },
	{ "clear dmvpn peer", "expected an address or \"all\"; the line ends" },
	{ "clear dmvpn peer foo", "expected an address or \"all\"; found \"foo\"" },
	{ "clear ip nhrp foo", "expected an address, shortcut or the end of the line; found \"foo\"" },
	{ "debug dmvpn peer", "expected a peer; the line ends" },
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
	{ "", "show: What the daemon knowsclear: Forget, to begin anewrekey: New keys now, as at the end of a lifetimeprobe: Ask a peer over its SA, with the time each answer takeswhy: Does a packet to there arrive, and if not, which layer is to blame and what to dodebug: Log moreundebug: Stop debuggingno: Take something backreload: Read the configuration again and apply what is different" },
	{ "s", "show: What the daemon knows" },
	{ "sh", "show: What the daemon knows" },
	{ "sh ", "dmvpn: Peers of all tunnels, how far each has come, and why not furtherip: What is inside the tunnels, IPv4ipv6: What is inside the tunnels, IPv6 onlyzebra: The session with FRRouting's zebra, and where our routes arecrypto: IKE and IPsec"
	    "interface: Tunnel interfacescounters: Everything that is countedrunning-config: The configuration in force, as it can be loaded again"
	    "logging: The last lines of the logdebugging: What is debuggedversion: What runs, since when, and wheretech-support: All shows, for a report; without secrets" },
	{ "sh c", "crypto: IKE and IPseccounters: Everything that is counted" },
	{ "sh ip ", "nhrp: NHRP cacheroute: Routes" },
	{ "sh dm ", "detail: More about eachpeer: One peer, by its tunnel or outer addresstimeline: What happened with all peers, step by step<cr>" },
	{ "sh dm pe ", "=ADDRESS: An IPv4 or IPv6 address" },
	{ "sh dm pe 10.", "=ADDRESS: An IPv4 or IPv6 address" },
	{ "sh dm pe 10.0.0.1 ", "detail: More about eachtimeline: What happened, step by step over all layers<cr>" },
	{ "sh ip nh ", "detail: More about eachbrief: NHRP cache, one line eachsummary: How many NHRP entries of each typenhs: Hubs and our registrations with themshortcut: Direct ways to other spokestraffic: NHRP packets sent, received "
	    "and refusedmulticast: Where multicast goesgroup-map: QoS groups, what is mapped to each, and the peers of each=PREFIX: An address, or all addresses of a prefix<cr>" },
	{ "sh ip nh n", "nhs: Hubs and our registrations with them" },
	{ "sh ver ", "<cr>" },
	{ "sh run ", "secrets: With the secrets in clear; only for root<cr>" },
	{ "sh cry ik ", "sa: IKE SAsdiagnose: What went wrong" },
	{ "clear dmvpn ", "peer: End the SAs of a peer (tunnel or outer address) or of all" },
	{ "clear dmvpn peer ", "=ADDRESS|all: An IPv4 or IPv6 address, or all" },
	{ "no ", "debug: Stop debugging, of all of it where nothing is named" },
	{ "x", "" }, { "sh i ", "" }, { "sh ver x ", "" },
};

START_TEST(hints)
{
	ck_assert_str_eq(hints_text(next[_i].line), next[_i].hints);
}
END_TEST

/* Goes through the whole grammar: at each place every word that may stand there has a help, completes from each of its beginnings,
 * and leads on; each way ends in a command. Arguments are taken by an example. */
struct grammar {
	unsigned lines, words;
	bool seen[CONTROL_VERBS];
};

static const char *
example(const char *label)
{
	static const struct {
		const char *label, *text;
	} of[] = { { "PREFIX", "10.0.0.0/8" }, { "ADDRESS", "10.0.0.1" }, { "ADDRESS|all", "all" }, { "NAME", "dmvpn0" }, { "PEER", "192.0.2.1" },
		{ "LINES", "20" }, { "N", "3" }, { "FILE", "/x" } };

	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		if (strcmp(of[i].label, label) == 0)
			return of[i].text;
	}
	ck_abort_msg("no example for %s", label);
	return "";
}

static void
begins_with_itself(const char *line, const char *word)
{
	struct control_hint h[CONTROL_HINTS_MAX];
	char typed[256];

	for (size_t n = 1; n <= strlen(word); n++) {
		unsigned k, found = 0;

		snprintf(typed, sizeof(typed), "%s%.*s", line, (int)n, word);
		k = control_hints(typed, h);
		for (unsigned i = 0; i < k; i++)
			found += h[i].kind == CONTROL_HINT_WORD && strcmp(h[i].text, word) == 0;
		ck_assert_msg(found == 1, "\"%s\" does not complete to %s", typed, word);
	}
}

static void
walk(struct grammar *g, const char *line)
{
	struct control_hint h[CONTROL_HINTS_MAX];
	unsigned n = control_hints(line, h);
	struct control_cmd cmd;
	char longer[256], why[256];

	ck_assert_msg(n > 0 && n < CONTROL_HINTS_MAX, "\"%s\" leads nowhere, or to too many", line);
	g->lines++;
	for (unsigned i = 0; i < n; i++) {
		if (h[i].kind == CONTROL_HINT_END) {
			ck_assert_msg(control_parse(line, &cmd, why, sizeof(why)), "%s: %s", line, why);
			g->seen[cmd.verb] = true;
			continue;
		}
		ck_assert_msg(h[i].help[0], "\"%s\": %s has no help", line, h[i].text);
		if (h[i].kind == CONTROL_HINT_WORD)
			begins_with_itself(line, h[i].text);
		snprintf(longer, sizeof(longer), "%s%s ", line, h[i].kind == CONTROL_HINT_WORD ? h[i].text : example(h[i].text));
		g->words++;
		walk(g, longer);
	}
}

START_TEST(every_word)
{
	struct grammar g = { .lines = 0 };

	walk(&g, "");
	for (unsigned v = 0; v < CONTROL_VERBS; v++)
		ck_assert_msg(g.seen[v], "no way leads to %s", control_words[v].words);
	ck_assert_uint_gt(g.words, 80);
}
END_TEST

/* What people read is what may be typed. */
START_TEST(usages)
{
	char out[160];

	ck_assert_str_eq(control_usage(&control_words[CONTROL_SHOW_NHRP], out, sizeof(out)), "show ip|ipv6 nhrp [PREFIX] [detail]");
	ck_assert_str_eq(control_usage(&control_words[CONTROL_PROBE], out, sizeof(out)), "probe ADDRESS [count N]");
	ck_assert_str_eq(control_usage(&control_words[CONTROL_CLEAR_PEER], out, sizeof(out)), "clear dmvpn peer ADDRESS|all");
	ck_assert_str_eq(control_usage(&control_words[CONTROL_SHOW_TIMELINE], out, 12), "show dmvpn ");
}
END_TEST

/* A command that ends where its argument should stand says what is missing (fuzzing found a table walked before its beginning). */
START_TEST(arguments_missing)
{
	static const char *const line[] = { "probe", "clear dmvpn peer", "debug crypto keys", "show dmvpn peer", "probe 10.255.0.1 count" };
	struct control_cmd cmd;
	char why[256] = "";

	ck_assert(!control_parse(line[_i], &cmd, why, sizeof(why)));
	ck_assert_msg(why[0], "nothing is said of: %s", line[_i]);
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
	tcase_add_test(t, usages);
	tcase_add_loop_test(t, arguments_missing, 0, 5);
	suite_add_tcase(s, t);
	return s;
}
