/* Commands by their words: abbreviations, arguments, and what is expected where they are wrong. */
#include "nhrpd/daemon/control_words.h"
#include "tests/unit/harness.h"

suite_fn control_words_suite;

static const struct {
	const char *line;
	enum control_verb verb;
	const char *arg;
} good[] = {
	{ "show dmvpn", CONTROL_SHOW_DMVPN, "" }, { "sh dm", CONTROL_SHOW_DMVPN, "" }, { "  SHOW\tdmvpn \n", CONTROL_SHOW_DMVPN, "" },
	{ "show ip nhrp", CONTROL_SHOW_NHRP, "" }, { "sh ip nh 10.0.0.0/8", CONTROL_SHOW_NHRP, "10.0.0.0/8" },
	{ "show ip nhrp 2001:db8::1", CONTROL_SHOW_NHRP, "2001:db8::1" }, { "show ip nhrp nhs", CONTROL_SHOW_NHS, "" },
	{ "sh ip nh n", CONTROL_SHOW_NHS, "" }, { "sh ip nh s", CONTROL_SHOW_SHORTCUT, "" }, { "sh ip nh t", CONTROL_SHOW_TRAFFIC, "" },
	{ "sh cr s", CONTROL_SHOW_SESSION, "" }, { "sh cr ik s", CONTROL_SHOW_IKE, "" }, { "sh cr ips sa", CONTROL_SHOW_IPSEC, "" },
	{ "sh int", CONTROL_SHOW_INTERFACE, "" }, { "sh int dmvpn0", CONTROL_SHOW_INTERFACE, "dmvpn0" }, { "sh cou", CONTROL_SHOW_COUNTERS, "" },
	{ "clear dmvpn peer all", CONTROL_CLEAR_PEER, "all" }, { "cl d p 10.0.0.1", CONTROL_CLEAR_PEER, "10.0.0.1" },
	{ "clear ip nhrp", CONTROL_CLEAR_NHRP, "" }, { "clear ip nhrp 10.0.0.1", CONTROL_CLEAR_NHRP, "10.0.0.1" },
	{ "clear ip nhrp short", CONTROL_CLEAR_SHORTCUT, "" },
};

START_TEST(understood)
{
	struct control_cmd cmd;
	char why[512] = "";

	ck_assert_msg(control_parse(good[_i].line, &cmd, why, sizeof(why)), "%s: %s", good[_i].line, why);
	ck_assert_int_eq(cmd.verb, good[_i].verb);
	ck_assert_str_eq(cmd.arg, good[_i].arg);
}
END_TEST

static const struct {
	const char *line, *why;
} bad[] = {
	{ "", "expected show, clear; the line ends" },
	{ "shew dmvpn", "expected show, clear; found \"shew\"" },
	{ "show", "expected dmvpn, ip, crypto, interface, counters; the line ends" },
	{ "show c", "\"c\" may be counters or crypto" },
	{ "show i", "\"i\" may be interface or ip" },
	{ "show ip", "expected nhrp; the line ends" },
	{ "show ip nhrp foo", "expected an address or prefix, found \"foo\"" },
	{ "show ip nhrp 10.0.0.0/8 x", "expected nhs, shortcut, traffic; found \"10.0.0.0/8\"" },
	{ "show dmvpn x", "expected the end of the line; found \"x\"" },
	{ "show crypto i sa", "\"i\" may be ikev2 or ipsec" },
	{ "show crypto isakmp sa", "expected session, ikev2, ipsec; found \"isakmp\"" },
	{ "clear dmvpn peer", "expected ADDRESS|all behind \"clear dmvpn peer\"" },
	{ "clear dmvpn peer foo", "expected an address or \"all\", found \"foo\"" },
	{ "clear ip nhrp foo", "expected an address, found \"foo\"" },
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
	ck_assert_str_eq(why, "the argument is too long");
	memset(line, 's', 20);
	ck_assert(!control_parse(line, &cmd, why, sizeof(why)));
	ck_assert_uint_lt(strlen(why), sizeof(why));
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
	suite_add_tcase(s, t);
	return s;
}
