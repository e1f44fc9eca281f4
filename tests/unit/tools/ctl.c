/* nhrpctl as it is called: exit status and messages, against a daemon of one answer. */
#include "tools/ctl.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/harness.h"

suite_fn ctl_suite;

static char dir[64], path[96], out_path[96], err_path[96];

static void
setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/check_ctl.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	snprintf(out_path, sizeof(out_path), "%s/out", dir);
	snprintf(err_path, sizeof(err_path), "%s/err", dir);
}

static void
teardown(void)
{
	unlink(path);
	unlink(out_path);
	unlink(err_path);
	rmdir(dir);
}

/* Somebody who takes one line and gives `answer`, then ends; what was asked goes to `asked` of the parent by a pipe. */
static pid_t
daemon_of(const char *answer, int *asked)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), p[2], c;
	char buf[4096];
	pid_t pid;
	ssize_t n;

	memcpy(sun.sun_path, path, strlen(path) + 1);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(pipe(p), 0);
	pid = fork();
	if (pid == 0) {
		c = accept(fd, NULL, NULL);
		n = recv(c, buf, sizeof(buf), 0);
		n = n > 0 ? write(p[1], buf, (size_t)n) : 0;
		n = send(c, answer, strlen(answer), MSG_NOSIGNAL);
		_exit(n < 0);
	}
	close(fd);
	close(p[1]);
	*asked = p[0];
	return pid;
}

/* ctl_main() in a child, its outputs in files. Answers its exit status. */
static int
call(int argc, char **argv)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		int o = open(out_path, O_WRONLY | O_CREAT | O_TRUNC, 0600), e = open(err_path, O_WRONLY | O_CREAT | O_TRUNC, 0600), rc;

		dup2(o, 1);
		dup2(e, 2);
		optind = 1;
		rc = ctl_main(argc, argv);
		fflush(NULL);
		_exit(rc);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}
#define CALL(...) call((int)(sizeof((char *[]){ W("nhrpctl"), __VA_ARGS__ }) / sizeof(char *)), (char *[]){ W("nhrpctl"), __VA_ARGS__, NULL })
#define W(s) ((char *)(s))

static const char *
file(const char *name)
{
	static char buf[8192];
	size_t n;
	uint8_t *p = test_file(name, &n);

	ck_assert_ptr_nonnull(p);
	snprintf(buf, sizeof(buf), "%s", (char *)p);
	free(p);
	return buf;
}

START_TEST(unreachable)
{
	char want[512];

	ck_assert_int_eq(CALL(W("-s"), path, W("show"), W("dmvpn")), 3);
	snprintf(want, sizeof(want), "nhrpctl: cannot reach nhrpd at %s: No such file or directory; is the daemon running? systemctl status nhrpd, "
	    "or name its socket with -s\n", path);
	ck_assert_str_eq(file(err_path), want);
	ck_assert_str_eq(file(out_path), "");
}
END_TEST

START_TEST(usage)
{
	ck_assert_int_eq(CALL(W("show"), W("foo")), 2);
	ck_assert_str_eq(file(err_path), "nhrpctl: expected dmvpn, ip, ipv6, zebra, crypto, interface, counters, running-config, logging, "
	    "debugging, version or tech-support; found \"foo\"\nTry \"nhrpctl help\".\n");
	ck_assert_int_eq(CALL(W("-x")), 2);
	ck_assert_int_eq(CALL(W("help")), 0);
	ck_assert_ptr_nonnull(strstr(file(out_path), "show dmvpn"));
	ck_assert_ptr_nonnull(strstr(file(out_path), "clear dmvpn peer ADDRESS|all"));
	ck_assert_int_eq(CALL(W("-V")), 0);
	ck_assert_ptr_nonnull(strstr(file(out_path), "OpenDMVPN"));
}
END_TEST

static const struct {
	const char *answer, *out, *err;
	int rc;
} asked[] = {
	{ "{\"ok\":true,\"cmd\":\"clear dmvpn peer\",\"data\":{\"cleared\":2}}\n", "cleared 2 peers\n", "", 0 },
	{ "{\"ok\":true,\"cmd\":\"clear dmvpn peer\",\"data\":{\"cleared\":0}}\n", "cleared 0 peers\n", "", 1 },
	{ "{\"ok\":false,\"error\":\"no\"}\n", "", "nhrpctl: no\n", 1 },
	{ "garbage\n", "", "nhrpctl: the answer cannot be understood: are nhrpctl and nhrpd of one version?\n", 1 },
};

START_TEST(one_shot)
{
	char want[] = "{\"line\":\"cl dm peer 10.0.0.1\"}\n", got[256] = "";
	int fd, status;
	pid_t pid = daemon_of(asked[_i].answer, &fd);

	ck_assert_int_eq(CALL(W("-s"), path, W("cl"), W("dm"), W("peer"), W("10.0.0.1")), asked[_i].rc);
	ck_assert_str_eq(file(out_path), asked[_i].out);
	ck_assert_str_eq(file(err_path), asked[_i].err);
	ck_assert_int_gt(read(fd, got, sizeof(got) - 1), 0);
	ck_assert_int_eq(strncmp(got, want, strlen(got)), 0);
	close(fd);
	waitpid(pid, &status, 0);
}
END_TEST

START_TEST(json)
{
	int fd, status;
	pid_t pid = daemon_of(asked[0].answer, &fd);

	ck_assert_int_eq(CALL(W("-j"), W("-s"), path, W("clear"), W("dmvpn"), W("peer"), W("10.0.0.1")), 0);
	ck_assert_str_eq(file(out_path), "{\n  \"cleared\": 2\n}\n");
	close(fd);
	waitpid(pid, &status, 0);
}
END_TEST

START_TEST(hangs_up)
{
	int fd, status;
	pid_t pid = daemon_of("{\"ok\":tr", &fd);
	char want[256];

	ck_assert_int_eq(CALL(W("-s"), path, W("show"), W("dmvpn")), 3);
	snprintf(want, sizeof(want), "nhrpctl: nhrpd at %s did not answer: Connection reset by peer; look at its log: journalctl -u nhrpd\n", path);
	ck_assert_str_eq(file(err_path), want);
	close(fd);
	waitpid(pid, &status, 0);
}
END_TEST

Suite *
ctl_suite(void)
{
	Suite *s = suite_create("ctl");
	TCase *t = tcase_create("nhrpctl");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, unreachable);
	tcase_add_test(t, usage);
	tcase_add_loop_test(t, one_shot, 0, (int)(sizeof(asked) / sizeof(asked[0])));
	tcase_add_test(t, json);
	tcase_add_test(t, hangs_up);
	suite_add_tcase(s, t);
	return s;
}
