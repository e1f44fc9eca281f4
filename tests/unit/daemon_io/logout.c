/* Where log lines end, read back from the other side: a pipe in place of standard error, a socket in place of /dev/log. */
#include "nhrpd/daemon/logout.h"

#include <fcntl.h>
#include <regex.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/daemon_io/world.h"

static int theirs = -1;	/* our end of standard error */
static char line[2048];

static void
take_stderr(void)
{
	int fd[2];

	ck_assert_int_eq(pipe2(fd, O_CLOEXEC | O_NONBLOCK), 0);
	ck_assert_int_eq(dup2(fd[1], STDERR_FILENO), STDERR_FILENO);
	close(fd[1]);
	theirs = fd[0];
}

static const char *
said(void)
{
	ssize_t n = read(theirs, line, sizeof(line) - 1);

	line[n > 0 ? n : 0] = 0;
	return line;
}

static void
journal_is(const struct stat *st)
{
	char stream[64];

	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st->st_dev, (uintmax_t)st->st_ino);
	ck_assert_int_eq(setenv("JOURNAL_STREAM", stream, 1), 0);
}

static void
match(const char *text, const char *pattern)
{
	regex_t re;

	ck_assert_int_eq(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	ck_assert_msg(regexec(&re, text, 0, NULL, 0) == 0, "\"%s\" is not like \"%s\"", text, pattern);
	regfree(&re);
}

START_TEST(people_get_time_level_and_word)
{
	struct log l;

	unsetenv("JOURNAL_STREAM");
	take_stderr();
	logout_init(&l, LOG_LV_INFO);
	log_at(&l, LOG_LV_WARN, "peer-down", "%s is gone", "spoke2");
	match(said(), "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3} warning peer-down: spoke2 is gone\n$");
	log_at(&l, LOG_LV_INFO, "x", "y");
	match(said(), " info    x: y\n$");
	log_at(&l, LOG_LV_DEBUG, "x", "not asked for");
	ck_assert_str_eq(said(), "");
}
END_TEST

/* Two lines in one write would be one record to whoever reads the pipe; a line must be there when the call returns. */
START_TEST(a_line_is_out_at_once)
{
	struct log l;

	unsetenv("JOURNAL_STREAM");
	take_stderr();
	logout_init(&l, LOG_LV_INFO);
	log_at(&l, LOG_LV_INFO, "one", "1");
	match(said(), "one: 1\n$");
	log_at(&l, LOG_LV_INFO, "two", "2");
	match(said(), "^[^\n]*two: 2\n$");
}
END_TEST

START_TEST(the_journal_gets_priorities)
{
	static const struct {
		enum log_level lv;
		const char *line;
	} want[] = { { LOG_LV_ERROR, "<3>w: t\n" }, { LOG_LV_WARN, "<4>w: t\n" }, { LOG_LV_NOTICE, "<5>w: t\n" }, { LOG_LV_INFO, "<6>w: t\n" },
		{ LOG_LV_DEBUG, "<7>w: t\n" } };
	struct stat st;
	struct log l;

	take_stderr();
	ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
	journal_is(&st);
	logout_init(&l, LOG_LV_DEBUG);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		log_at(&l, want[i].lv, "w", "t");
		ck_assert_str_eq(said(), want[i].line);
	}
}
END_TEST

/* The variable is inherited by everything under a service, also by what has its standard error elsewhere. */
START_TEST(a_journal_that_is_not_ours_is_none)
{
	struct stat st;
	struct log l;

	take_stderr();
	ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
	st.st_ino++;
	journal_is(&st);
	logout_init(&l, LOG_LV_INFO);
	log_at(&l, LOG_LV_INFO, "w", "t");
	match(said(), "^2.* info    w: t\n$");
	ck_assert_int_eq(setenv("JOURNAL_STREAM", "nonsense", 1), 0);
	logout_init(&l, LOG_LV_INFO);
	log_at(&l, LOG_LV_INFO, "w", "t");
	match(said(), "^2.* info    w: t\n$");
}
END_TEST

/* A mount namespace whose /dev/log is ours. */
static int
take_syslog(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (!world_userns() || unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", "/dev", "tmpfs", 0, NULL) != 0 || fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
		printf("skipped: cannot put a /dev/log of our own in place here\n");
		close(fd);
		return -1;
	}
	return fd;
}

START_TEST(syslog_gets_name_pid_and_priority)
{
	char want[64];
	struct log l;
	ssize_t n;
	int fd;

	fd = take_syslog();
	if (fd < 0)
		return;
	take_stderr();
	logout_init(&l, LOG_LV_NOTICE);
	logout_syslog(&l);
	log_at(&l, LOG_LV_WARN, "peer-down", "spoke%d", 2);
	n = recv(fd, line, sizeof(line) - 1, MSG_DONTWAIT);
	ck_assert_int_gt(n, 0);
	line[n] = 0;
	snprintf(want, sizeof(want), "^<28>.* nhrpd\\[%d\\]: peer-down: spoke2", (int)getpid());	/* daemon.warning */
	match(line, want);
	log_at(&l, LOG_LV_INFO, "x", "the level stays what it was");
	ck_assert_int_lt(recv(fd, line, sizeof(line), MSG_DONTWAIT), 0);
	ck_assert_str_eq(said(), "");
}
END_TEST

Suite *
suite_logout(void)
{
	Suite *s = suite_create("daemon_io/logout");
	TCase *c = tcase_create("logout");

	tcase_add_test(c, people_get_time_level_and_word);
	tcase_add_test(c, a_line_is_out_at_once);
	tcase_add_test(c, the_journal_gets_priorities);
	tcase_add_test(c, a_journal_that_is_not_ours_is_none);
	tcase_add_test(c, syslog_gets_name_pid_and_priority);
	suite_add_tcase(s, c);
	return s;
}
