/* Twin of nhrpd/daemon/notify.c: a socket of the test's own stands for systemd's. */
#include "nhrpd/daemon/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/daemon_io/world.h"

static int
listen_at(const char *name)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t n = strlen(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	memcpy(sun.sun_path, name, n);
	if (name[0] == '@')
		sun.sun_path[0] = '\0';
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)), 0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void
says(int fd, const char *want)
{
	char got[256] = "";

	ck_assert_int_gt(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT), 0);
	ck_assert_str_eq(got, want);
}

START_TEST(by_path)
{
	char path[64];
	struct notify n;
	int fd;

	snprintf(path, sizeof(path), "/tmp/odm-notify.%d", (int)getpid());
	fd = listen_at(path);
	setenv("WATCHDOG_USEC", "30000000", 1);
	notify_open(&n);
	unlink(path);
	ck_assert_uint_eq(n.watchdog_ms, 15000);
	ck_assert_ptr_null(getenv("NOTIFY_SOCKET"));
	notify_send(&n, "READY=1\nSTATUS=%u tunnels", 3);
	says(fd, "READY=1\nSTATUS=3 tunnels");
	close(fd);
	notify_send(&n, "WATCHDOG=1");	/* nobody listens any more */
	notify_close(&n);
	notify_send(&n, "WATCHDOG=1");
}
END_TEST

START_TEST(by_abstract_name)
{
	char name[64];
	struct notify n;
	int fd;

	snprintf(name, sizeof(name), "@odm-notify.%d", (int)getpid());
	fd = listen_at(name);
	notify_open(&n);
	ck_assert_uint_eq(n.watchdog_ms, 0);
	notify_send(&n, "STOPPING=1");
	says(fd, "STOPPING=1");
	notify_close(&n);
	close(fd);
}
END_TEST

START_TEST(watchdog_of_another_process)
{
	char name[64];
	struct notify n;
	int fd;

	snprintf(name, sizeof(name), "@odm-notify2.%d", (int)getpid());
	fd = listen_at(name);
	setenv("WATCHDOG_USEC", "30000000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	notify_open(&n);
	ck_assert_uint_eq(n.watchdog_ms, 0);
	notify_close(&n);
	close(fd);
}
END_TEST

START_TEST(nobody_listens)
{
	static const char *const bad[] = { "", "relative", "/nonexistent/notify", "@" };
	struct notify n;

	unsetenv("NOTIFY_SOCKET");
	notify_open(&n);
	ck_assert_int_eq(n.fd, -1);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		setenv("NOTIFY_SOCKET", bad[i], 1);
		notify_open(&n);
		ck_assert_int_eq(n.fd, -1);
		notify_send(&n, "READY=1");
		notify_close(&n);
	}
}
END_TEST

Suite *
suite_notify(void)
{
	Suite *s = suite_create("notify");
	TCase *c = tcase_create("notify");

	tcase_add_test(c, by_path);
	tcase_add_test(c, by_abstract_name);
	tcase_add_test(c, watchdog_of_another_process);
	tcase_add_test(c, nobody_listens);
	suite_add_tcase(s, c);
	return s;
}
