/* The shell: hints and completion as functions; lines from a pipe; and all of it on a pseudo terminal, key by key, against a
 * daemon of canned answers. */
#include "config.h"

#include "tools/shell.h"

#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/harness.h"

suite_fn shell_suite;

/* ---- completion */

static const struct {
	const char *line, *add;
} tab[] = {
	{ "sh", "ow " }, { "show", " " }, { "show ", "" }, { "show d", "" }, { "show dm", "vpn " }, { "show dmvpn ", "" }, { "show dmvpn d", "etail " },
	{ "show i", "" }, { "show in", "terface " }, { "show interface ", "" }, { "show c", "" }, { "show cr", "ypto " }, { "sh cr i", "" },
	{ "sh cr ip", "sec " }, { "sh cr ip s", "a " }, { "SH", "ow " }, { "show run s", "ecrets " }, { "show ip n", "hrp " },
	    { "show ip nhrp 10.0.0.1 ", "detail " },
	{ "cl", "ear " }, { "clear dmvpn peer ", "" }, { "de", "bug " }, { "debug ", "" }, { "debug dm", "vpn " }, { "ex", "it " }, { "q", "uit " },
	    { "h", "elp " }, { "no d", "ebug " },
	{ "x", "" }, { "show x ", "" }, { "show dmvpn |", "" }, { "show dmvpn | i", "nclude " }, { "show dmvpn | include x", "" },
	    { "show dmvpn | j", "son " },
};

START_TEST(tab_adds)
{
	char out[32];

	ck_assert_str_eq(shell_completion(tab[_i].line, out), tab[_i].add);
}
END_TEST

#define COMMANDS \
	"  show                 What the daemon knows\n  clear                Forget, to begin anew\n  rekey                New keys now, as at the end of a lifetime\n  probe                Ask a peer over its SA, with the time each answer takes\n  why                  Does a packet to there arrive, and if not, which layer is to blame and what to do\n  debug                Log more\n  undebug              Stop debugging\n" \
	"  no                   Take something back\n  reload               Read the configuration again and apply what is different\n"
static const struct {
	const char *line, *text;
} asked[] = {
	{ "", COMMANDS "  exit                 Leave the shell\n  help                 All commands\n  quit                 Leave the shell\n" },
	{ "e", "  exit                 Leave the shell\n" },
	{ "show ip ", "  nhrp                 NHRP cache\n  route                Routes\n" },
	{ "show dmvpn ", "  detail               More about each\n  peer                 One peer, by its tunnel or outer address\n  timeline             What happened with all peers, step by step\n"
	    "  |                    Filter what is shown\n  <cr>\n" },
	{ "show dmvpn peer ", "  ADDRESS              An IPv4 or IPv6 address\n" },
	{ "show dmvpn | ", "  exclude              Only lines that do not match\n  include              Only lines that match\n  json                 As JSON\n" },
	{ "show dmvpn | inc ", "  REGEXP               What to look for\n" },
	{ "show dmvpn | json ", "  <cr>\n" },
	{ "show version x", "% expected the end of the line; found \"x\"\n" },
	{ "foo ", "% expected show, clear, rekey, probe, why, debug, undebug, no or reload; found \"foo\"\n" },
	{ "show i ", "% \"i\" may be ip, ipv6 or interface\n" },
};

START_TEST(question_mark)
{
	char *got = NULL;
	size_t n;
	FILE *f = open_memstream(&got, &n);

	shell_print_hints(asked[_i].line, f);
	fclose(f);
	ck_assert_str_eq(got, asked[_i].text);
	free(got);
}
END_TEST

/* ---- a daemon */

static char dir[64], path[96], history[128];
static pid_t daemon_pid;

static void
answer(int c)
{
	char buf[4096];
	const char *text = "{\"ok\":true,\"cmd\":\"clear dmvpn peer\",\"data\":{\"cleared\":0}}\n";
	ssize_t n = recv(c, buf, sizeof(buf) - 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	if (strstr(buf, "\"show ver"))
		text = "{\"ok\":true,\"cmd\":\"show version\",\"data\":{\"program\":\"nhrpd\",\"version\":\"1\",\"hostname\":\"hub1\",\"uptime_s\":5,\"pid\":7,"
		       "\"configuration\":\"/c\",\"dataplane\":\"user\",\"tunnels\":2,\"kernel\":\"6\",\"machine\":\"m\"}}\n";
	else if (strstr(buf, "all"))
		text = "{\"ok\":false,\"error\":\"not today\"}\n";
	(void)!send(c, text, strlen(text), MSG_NOSIGNAL);
	close(c);
}

static void
setup(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(dir, sizeof(dir), "/tmp/check_shell.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	snprintf(history, sizeof(history), "%s/.nhrpctl_history", dir);
	memcpy(sun.sun_path, path, strlen(path) + 1);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(listen(fd, 4), 0);
	daemon_pid = fork();
	if (daemon_pid == 0) {
		alarm(60);
		for (;;)
			answer(accept(fd, NULL, NULL));
	}
	close(fd);
}

static void
teardown(void)
{
	char cmd[128];

	kill(daemon_pid, SIGKILL);
	waitpid(daemon_pid, NULL, 0);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

static void
run_nhrpctl(void)
{
	char *argv[] = { (char *)"nhrpctl", (char *)"-s", path, NULL };
	int rc;

	setenv("HOME", dir, 1);
	setenv("TERM", "dumb", 1);
	unsetenv("EDITRC");
	optind = 1;
	rc = ctl_main(3, argv);
	fflush(NULL);
	_exit(rc);
}

/* ---- from a pipe */

#define SHOWN_VERSION "OpenDMVPN nhrpd 1\nhub1 uptime is 00:00:05, process 7\nConfiguration: /c, 2 tunnels, data plane user\nLinux 6, m\n"
static const struct {
	const char *in, *out;
	int status;
} pipes[] = {
	{ "", "", 0 },
	{ "show ver\n", SHOWN_VERSION, 0 },
	{ "! a comment\n\n  # another\nshow version | include uptime\r\nshow ver | inc Linux",
	    "hub1 uptime is 00:00:05, process 7\nLinux 6, m\n", 0 },
	{ "clear dmvpn peer 10.0.0.1\nshow ver | exclude [a-z]\n", "cleared 0 peers\n", 1 },
	{ "show foo\nclear dmvpn peer 10.0.0.1\n",
	    "% expected dmvpn, ip, ipv6, zebra, crypto, interface, counters, running-config, logging, debugging, version or tech-support; "
	    "found \"foo\"\ncleared 0 peers\n", 2 },
	{ "clear dmvpn peer all\n", "% not today\n", 1 },
	{ "show ver | bar\n", "% expected include, exclude or json behind \"|\"; found \"bar\"\n", 2 },
	{ "exit\nshow ver\n", "", 0 }, { "quit\nshow ver\n", "", 0 }, { "ex\nshow ver\n", "", 0 },
	{ "show ip ?\n", "  nhrp                 NHRP cache\n  route                Routes\n", 0 },
	{ "show ver | inc h?ub1\n", "hub1 uptime is 00:00:05, process 7\n", 0 },
	{ "show ver | inc upt?\n", "hub1 uptime is 00:00:05, process 7\n", 0 },
};

START_TEST(from_a_pipe)
{
	int in[2], out[2], status;
	char got[4096];
	size_t used = 0;
	ssize_t n;
	pid_t pid;

	ck_assert_int_eq(pipe(in), 0);
	ck_assert_int_eq(pipe(out), 0);
	pid = fork();
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		run_nhrpctl();
	}
	close(in[0]);
	close(out[1]);
	ck_assert_int_eq(write(in[1], pipes[_i].in, strlen(pipes[_i].in)), (int)strlen(pipes[_i].in));
	close(in[1]);
	while ((n = read(out[0], got + used, sizeof(got) - 1 - used)) > 0)
		used += (size_t)n;
	got[used] = '\0';
	close(out[0]);
	waitpid(pid, &status, 0);
	ck_assert_str_eq(got, pipes[_i].out);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), pipes[_i].status);
}
END_TEST

/* ---- on a terminal */

static int tty = -1;
static pid_t shell_pid;
static char screen[32768];
static size_t screen_n;

static void
open_terminal(void)
{
	screen_n = 0;
	screen[0] = '\0';
	shell_pid = forkpty(&tty, NULL, NULL, &(struct winsize){ .ws_row = 24, .ws_col = 132 });
	ck_assert_int_ge(shell_pid, 0);
	if (shell_pid == 0)
		run_nhrpctl();
}

/* Until `text` has come, which with all before it is then forgotten. NUL padding of dumb terminals is left out. */
static void
expect(const char *text)
{
	struct pollfd p = { tty, POLLIN, 0 };
	char buf[1024], *at;
	ssize_t n;

	while (!(at = strstr(screen, text))) {
		ck_assert_msg(poll(&p, 1, 20000) == 1, "waited for \"%s\", came \"%s\"", text, screen);
		n = read(tty, buf, sizeof(buf));
		ck_assert_msg(n > 0, "ended before \"%s\", came \"%s\"", text, screen);
		for (ssize_t i = 0; i < n && screen_n < sizeof(screen) - 1; i++) {
			if (buf[i])
				screen[screen_n++] = buf[i];
		}
		screen[screen_n] = '\0';
	}
	at += strlen(text);
	screen_n -= (size_t)(at - screen);
	memmove(screen, at, screen_n + 1);
}

static void
type(const char *keys)
{
	ck_assert_int_eq(write(tty, keys, strlen(keys)), (int)strlen(keys));
}

static int
close_terminal(void)
{
	int status;

	waitpid(shell_pid, &status, 0);
	close(tty);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

START_TEST(unreachable)
{
	kill(daemon_pid, SIGKILL);
	waitpid(daemon_pid, NULL, 0);
	open_terminal();
	expect("nhrpctl: cannot reach nhrpd at ");
	ck_assert_int_eq(close_terminal(), 3);
	daemon_pid = fork();
	if (daemon_pid == 0)
		_exit(0);
}
END_TEST

START_TEST(prompt_and_leave)
{
	static const char *const leave[] = { "exit\r", "quit\r", "\x04" };

	open_terminal();
	expect("hub1# ");
	type("show ver\r");
	expect("hub1 uptime is 00:00:05, process 7\r\n");
	expect("hub1# ");
	type("show foo\r");
	expect("\r\n% expected dmvpn, ");
	expect("hub1# ");
	type(leave[_i]);
	ck_assert_int_eq(close_terminal(), 0);
}
END_TEST

#ifdef HAVE_LIBEDIT
START_TEST(keys)
{
	open_terminal();
	expect("hub1# ");
	type("sh\t");
	expect("ow ");
	type("ver\t");
	expect("sion ");
	type("\r");
	expect("OpenDMVPN nhrpd 1\r\n");
	expect("hub1# ");
	type("show ip ?");
	expect("\r\n  nhrp                 NHRP cache\r\n");
	expect("hub1# show ip ");
	type("nh ?");
	expect("  PREFIX               An address, or all addresses of a prefix\r\n  |                    Filter what is shown\r\n  <cr>\r\n");
	expect("hub1# show ip nh ");
	type("\x15");	/* Ctrl-U */
	type("sh c\t");
	expect("  crypto               IKE and IPsec\r\n  counters             Everything that is counted\r\n");
	expect("hub1# sh c");
	type("\x03");	/* Ctrl-C: the line goes, the shell stays */
	expect("hub1# ");
	type("show ver | inc upt?ime\r");	/* here it is no question */
	expect("hub1 uptime is 00:00:05, process 7\r\n");
	expect("hub1# ");
	type("foo ?");
	expect("% expected show, clear, rekey, probe, why, debug, undebug, no or reload; found \"foo\"\r\n");
	expect("hub1# foo ");
	type("\x15\x04");
	ck_assert_int_eq(close_terminal(), 0);
}
END_TEST

/* As soon as the shell has written, that is before it waits for a key, if the test is quick enough. */
START_TEST(interrupts_at_once)
{
	open_terminal();
	expect("hub1# ");
	for (unsigned i = 0; i < 500; i++) {
		type("x");
		expect("x");
		type("\x03");
		expect("hub1# ");
	}
	type("show ver | inc \xc3\xa4|upt\r");	/* a letter of two octets */
	expect("hub1 uptime is 00:00:05, process 7\r\n");
	expect("hub1# ");
	type("\x04");
	ck_assert_int_eq(close_terminal(), 0);
}
END_TEST

START_TEST(remembers)
{
	struct stat st;

	open_terminal();
	expect("hub1# ");
	type("clear dmvpn peer 10.0.0.1\r");
	expect("cleared 0 peers\r\n");
	expect("hub1# ");
	type("exit\r");
	ck_assert_int_eq(close_terminal(), 0);
	ck_assert_int_eq(stat(history, &st), 0);
	ck_assert_int_eq(st.st_mode & 077, 0);
	open_terminal();
	expect("hub1# ");
	type("\x10\x10\r");	/* Ctrl-P twice: behind "exit" */
	expect("cleared 0 peers\r\n");
	expect("hub1# ");
	type("\x04");
	ck_assert_int_eq(close_terminal(), 0);
}
END_TEST

START_TEST(history_is_bounded)
{
	char line[64];
	unsigned lines = 0;
	FILE *f = fopen(history, "w");

	ck_assert_ptr_nonnull(f);
	fputs("_HiStOrY_V2_\n", f);
	for (int i = 0; i < 2 * SHELL_HISTORY_MAX; i++)
		fprintf(f, "show\\040interface\\040i%d\n", i);
	fclose(f);
	open_terminal();
	expect("hub1# ");
	type("\x04");
	ck_assert_int_eq(close_terminal(), 0);
	f = fopen(history, "r");
	while (fgets(line, sizeof(line), f))
		lines++;
	fclose(f);
	ck_assert_uint_eq(lines, SHELL_HISTORY_MAX + 1);
	ck_assert_str_eq(line, "show\\040interface\\040i999\n");
}
END_TEST
#else
START_TEST(keys)
{
	open_terminal();
	expect("hub1# ");
	type("show ip ?\r");
	expect("  nhrp                 NHRP cache\r\n");
	expect("hub1# ");
	type("\x04");
	ck_assert_int_eq(close_terminal(), 0);
}
END_TEST
#endif

Suite *
shell_suite(void)
{
	Suite *s = suite_create("shell");
	TCase *t = tcase_create("words"), *d = tcase_create("nhrpctl");

	tcase_add_loop_test(t, tab_adds, 0, (int)(sizeof(tab) / sizeof(tab[0])));
	tcase_add_loop_test(t, question_mark, 0, (int)(sizeof(asked) / sizeof(asked[0])));
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(d, setup, teardown);
	tcase_set_timeout(d, 60);
	tcase_add_loop_test(d, from_a_pipe, 0, (int)(sizeof(pipes) / sizeof(pipes[0])));
	tcase_add_test(d, unreachable);
	tcase_add_loop_test(d, prompt_and_leave, 0, 3);
	tcase_add_test(d, keys);
#ifdef HAVE_LIBEDIT
	tcase_add_test(d, interrupts_at_once);
	tcase_add_test(d, remembers);
	tcase_add_test(d, history_is_bounded);
#endif
	suite_add_tcase(s, d);
	return s;
}
