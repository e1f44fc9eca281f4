/* Twin of nhrpd/daemon/pidfile.c. */
#include "nhrpd/daemon/pidfile.h"

#include <stdio.h>
#include <unistd.h>

#include "tests/unit/daemon_io/world.h"

static char path[64], why[256];

static void
name_it(void)
{
	snprintf(path, sizeof(path), "/tmp/odm-pidfile.%d", (int)getpid());
	unlink(path);
}

START_TEST(held_once)
{
	char want[128], got[32] = "";
	int fd, again;
	FILE *f;

	name_it();
	fd = pidfile_open(path, why, sizeof(why));
	ck_assert_msg(fd >= 0, "%s", why);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(fgets(got, sizeof(got), f));
	fclose(f);
	snprintf(want, sizeof(want), "%d\n", (int)getpid());
	ck_assert_str_eq(got, want);
	again = pidfile_open(path, why, sizeof(why));	/* another description of the file: another process to flock() */
	ck_assert_int_eq(again, -1);
	snprintf(want, sizeof(want), "another nhrpd is running: process %d holds %s", (int)getpid(), path);
	ck_assert_str_eq(why, want);
	pidfile_close(fd, path);
	ck_assert_int_ne(access(path, F_OK), 0);
	fd = pidfile_open(path, why, sizeof(why));
	ck_assert_int_ge(fd, 0);
	pidfile_close(fd, path);
	pidfile_close(-1, path);
}
END_TEST

/* Of a daemon that was killed: nobody holds it. */
START_TEST(left_over)
{
	int fd;

	name_it();
	world_put(path, "123456789 and more text than a number\n");
	fd = pidfile_open(path, why, sizeof(why));
	ck_assert_msg(fd >= 0, "%s", why);
	pidfile_close(fd, path);
}
END_TEST

START_TEST(cannot)
{
	ck_assert_int_eq(pidfile_open("/proc/self/none/pid", why, sizeof(why)), -1);
	ck_assert_str_eq(why, "cannot write /proc/self/none/pid: No such file or directory");
	ck_assert_int_eq(pidfile_open("/tmp", why, sizeof(why)), -1);
}
END_TEST

Suite *
suite_pidfile(void)
{
	Suite *s = suite_create("pidfile");
	TCase *c = tcase_create("pidfile");

	tcase_add_test(c, held_once);
	tcase_add_test(c, left_over);
	tcase_add_test(c, cannot);
	suite_add_tcase(s, c);
	return s;
}
