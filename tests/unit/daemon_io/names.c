/* Look-ups against files and a name server of the test's own: a mount namespace where /etc/hosts, /etc/nsswitch.conf and
 * /etc/resolv.conf are ours, and a network namespace where a socket on 127.0.0.1:53 hears questions and never answers. */
#include "nhrpd/daemon/names.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/daemon_io/world.h"

struct heard {
	unsigned n;
	uint32_t tunnel, nhs;
	struct addr addrs[NAMES_ADDRS_MAX];
	unsigned n_addrs;
	char reason[128];
	unsigned failed;
};

static struct world w;
static struct heard h;

static void
hear(void *ctx, uint32_t tunnel, uint32_t nhs, const struct addr *addrs, unsigned n, const char *reason)
{
	struct heard *to = ctx;

	ck_assert_uint_le(n, NAMES_ADDRS_MAX);
	ck_assert_ptr_nonnull(reason);
	to->n++;
	to->tunnel = tunnel;
	to->nhs = nhs;
	if (n)
		memcpy(to->addrs, addrs, n * sizeof(*addrs));
	to->n_addrs = n;
	to->failed += n == 0;
	snprintf(to->reason, sizeof(to->reason), "%s", reason);
}

static bool
ours(const char *path, const char *text)
{
	char mine[] = "/tmp/daemon_io-XXXXXX";
	int fd = mkstemp(mine);
	bool ok;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ok = fchmod(fd, 0644) == 0 && mount(mine, path, NULL, MS_BIND, NULL) == 0;
	close(fd);
	unlink(mine);
	return ok;
}

/* A world where names are what we say. False: skipped. */
static bool
start_world(void)
{
	struct sockaddr_in dns = { .sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd;

	world_init(&w);
	h = (struct heard){ 0 };
	if (!world_netns())
		return false;
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    !ours("/etc/nsswitch.conf", "hosts: files dns\n") ||
	    !ours("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n") ||
	    !ours("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n192.0.2.7 hub.example\n"
				"192.0.2.1 many\n192.0.2.2 many\n192.0.2.3 many\n192.0.2.4 many\n192.0.2.5 many\n192.0.2.6 many\n192.0.2.7 many\n"
				"192.0.2.8 many\n192.0.2.9 many\n192.0.2.10 many\n")) {
		printf("skipped: cannot put files of our own in place of /etc/hosts and others here\n");
		return false;
	}
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);	/* stays open: questions are heard and not answered */
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&dns, sizeof(dns)), 0);
	return true;
}

static struct names *
start(void)
{
	struct names *n = names_new(&w.host, hear, &h);

	ck_assert_ptr_nonnull(n);
	return n;
}

static void
stop(struct names *n)
{
	names_free(n);
	ck_assert_int_eq(w.watching, 0);
	ck_assert_int_eq(w.t.live, 0);
}

static bool
has(const char *text)
{
	struct addr a;

	ck_assert(addr_parse(text, &a));
	for (unsigned i = 0; i < h.n_addrs; i++) {
		if (addr_eq(&h.addrs[i], &a))
			return true;
	}
	return false;
}

static unsigned
entries(const char *folder)
{
	DIR *d = opendir(folder);
	unsigned n = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* Waits until no look-up runs any more. */
static void
threads_end(void)
{
	for (int i = 0; i < 500 && entries("/proc/self/task") > 3; i++)
		usleep(20000);
	ck_assert_uint_eq(entries("/proc/self/task"), 3);	/* ".", "..", us */
}

START_TEST(a_literal_is_answered_at_once)
{
	struct names *n;

	world_init(&w);
	h = (struct heard){ 0 };
	n = start();
	names_lookup(n, 3, 5, "192.0.2.1");
	ck_assert(h.n == 1 && h.tunnel == 3 && h.nhs == 5 && h.n_addrs == 1 && has("192.0.2.1"));
	ck_assert_str_eq(h.reason, "");
	names_lookup(n, 4, 6, "2001:db8::1");
	ck_assert(h.n == 2 && h.tunnel == 4 && h.nhs == 6 && h.n_addrs == 1 && has("2001:db8::1"));
	stop(n);
}
END_TEST

START_TEST(a_name_is_answered_on_the_loop)
{
	struct names *n;

	if (!start_world())
		return;
	n = start();
	names_lookup(n, 1, 2, "hub.example");
	ck_assert_uint_eq(h.n, 0);
	ck_assert(world_until(&w, &h.n, 1, 10000));
	ck_assert(h.tunnel == 1 && h.nhs == 2 && h.n_addrs == 1 && has("192.0.2.7"));
	ck_assert_str_eq(h.reason, "");
	names_lookup(n, 1, 3, "localhost");
	ck_assert(world_until(&w, &h.n, 2, 10000));
	ck_assert(h.nhs == 3 && has("127.0.0.1") && has("::1"));
	stop(n);
}
END_TEST

START_TEST(no_more_addresses_than_there_is_room_for)
{
	struct names *n;

	if (!start_world())
		return;
	n = start();
	names_lookup(n, 1, 1, "many");
	ck_assert(world_until(&w, &h.n, 1, 10000));
	ck_assert_uint_eq(h.n_addrs, NAMES_ADDRS_MAX);
	stop(n);
}
END_TEST

START_TEST(a_failure_has_a_reason)
{
	struct names *n;

	if (!start_world())
		return;
	n = start();
	names_lookup(n, 7, 8, "nowhere.example");
	ck_assert(world_until(&w, &h.n, 1, 20000));
	ck_assert(h.tunnel == 7 && h.nhs == 8 && h.n_addrs == 0);
	ck_assert_str_eq(h.reason, "Temporary failure in name resolution");
	stop(n);
}
END_TEST

/* Cut to fit it would be another name, and somebody may own that. */
START_TEST(a_name_too_long_is_refused)
{
	char name[300];
	struct names *n;

	if (!start_world())
		return;
	n = start();
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	names_lookup(n, 1, 1, name);
	ck_assert_uint_eq(h.n, 1);
	ck_assert_str_eq(h.reason, "the name is longer than 253 characters");
	name[253] = 0;	/* as long as they come: asked */
	for (int i = 50; i < 253; i += 50)
		name[i] = '.';
	names_lookup(n, 1, 1, name);
	ck_assert_uint_eq(h.n, 1);
	ck_assert(world_until(&w, &h.n, 2, 20000));
	ck_assert_str_eq(h.reason, "Temporary failure in name resolution");
	stop(n);
}
END_TEST

START_TEST(too_many_at_once_are_refused)
{
	struct names *n;

	if (!start_world())
		return;
	n = start();
	for (uint32_t i = 0; i < NAMES_RUNNING_MAX; i++)
		names_lookup(n, 1, i, "slow.example");
	ck_assert_uint_eq(h.n, 0);
	names_lookup(n, 1, 99, "slow.example");
	ck_assert(h.n == 1 && h.nhs == 99 && h.n_addrs == 0);
	ck_assert_str_eq(h.reason, "too many name look-ups at once");
	names_lookup(n, 1, 98, "192.0.2.1");	/* costs nothing, so is not refused */
	ck_assert(h.n == 2 && h.nhs == 98 && h.n_addrs == 1);
	ck_assert(world_until(&w, &h.n, 2 + NAMES_RUNNING_MAX, 30000));
	names_lookup(n, 1, 97, "hub.example");
	ck_assert(world_until(&w, &h.n, 3 + NAMES_RUNNING_MAX, 10000));
	ck_assert(h.nhs == 97 && has("192.0.2.7"));
	ck_assert_uint_eq(h.failed, 1 + NAMES_RUNNING_MAX);
	stop(n);
}
END_TEST

/* What runs ends into nothing: nobody is called, nothing dies of a closed pipe, no descriptor stays. */
START_TEST(freed_while_look_ups_run)
{
	struct names *n;
	unsigned fds;

	if (!start_world())
		return;
	fds = entries("/proc/self/fd");
	n = start();
	for (uint32_t i = 0; i < 5; i++)
		names_lookup(n, 1, i, "slow.example");
	stop(n);
	threads_end();
	ck_assert_uint_eq(h.n, 0);
	ck_assert_uint_eq(entries("/proc/self/fd"), fds);
}
END_TEST

START_TEST(freed_with_answers_waiting)
{
	struct names *n;
	unsigned fds;

	if (!start_world())
		return;
	fds = entries("/proc/self/fd");
	n = start();
	for (uint32_t i = 0; i < 5; i++)
		names_lookup(n, 1, i, "hub.example");
	threads_end();
	stop(n);
	ck_assert_uint_eq(h.n, 0);
	ck_assert_uint_eq(entries("/proc/self/fd"), fds);
}
END_TEST

START_TEST(no_memory_leaves_nothing)
{
	unsigned fds = entries("/proc/self/fd");

	world_init(&w);
	w.t.fail_at = 1;
	ck_assert_ptr_null(names_new(&w.host, hear, &h));
	w.fail_watch = 1;
	ck_assert_ptr_null(names_new(&w.host, hear, &h));
	ck_assert_int_eq(w.t.live, 0);
	ck_assert_uint_eq(entries("/proc/self/fd"), fds);
	names_free(NULL);
}
END_TEST

Suite *
suite_names(void)
{
	Suite *s = suite_create("daemon_io/names");
	TCase *c = tcase_create("names");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, a_literal_is_answered_at_once);
	tcase_add_test(c, a_name_is_answered_on_the_loop);
	tcase_add_test(c, no_more_addresses_than_there_is_room_for);
	tcase_add_test(c, a_failure_has_a_reason);
	tcase_add_test(c, a_name_too_long_is_refused);
	tcase_add_test(c, too_many_at_once_are_refused);
	tcase_add_test(c, freed_while_look_ups_run);
	tcase_add_test(c, freed_with_answers_waiting);
	tcase_add_test(c, no_memory_leaves_nothing);
	suite_add_tcase(s, c);
	return s;
}
