/* Real sockets in a namespace of the test's own. "They" are plain sockets of the test, on another port or address. */
#include "nhrpd/daemon/ikesock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <linux/capability.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/daemon_io/world.h"

struct heard {
	unsigned n;
	struct endpoint local, remote;
	uint8_t message[65536];
	size_t len;
};

static struct world w;
static struct heard h;
static char err[256];

static void
hear(void *ctx, const struct endpoint *local, const struct endpoint *remote, struct span message)
{
	struct heard *to = ctx;

	to->n++;
	to->local = *local;
	to->remote = *remote;
	memcpy(to->message, message.p, message.n);
	to->len = message.n;
}

/* Two addresses of each family to tell apart, and one octet of path MTU less than a big IKE_AUTH needs. */
static bool
start_world(void)
{
	world_init(&w);
	h = (struct heard){ 0 };
	err[0] = 0;
	if (!world_netns())
		return false;
	world_sh("ip addr add 10.1.0.1/32 dev lo && ip addr add 10.1.0.2/32 dev lo && "
		 "ip addr add fd01::1/128 dev lo nodad && ip addr add fd01::2/128 dev lo nodad && ip link set lo mtu 1500");
	return true;
}

static struct ikesock *
start(void)
{
	struct ikesock *s = ikesock_new(&w.host, IKESOCK_500, hear, &h, err, sizeof(err));

	ck_assert_msg(s != NULL, "%s", err);
	return s;
}

static void
stop(struct ikesock *s)
{
	ikesock_free(s);
	ck_assert_int_eq(w.watching, 0);
	ck_assert_int_eq(w.t.live, 0);
}

static struct endpoint
E(const char *text, uint16_t port)
{
	struct endpoint e = { .port = port };

	ck_assert(addr_parse(text, &e.addr));
	return e;
}

static socklen_t
sockaddr_of(const char *text, uint16_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (void *)out;
	struct sockaddr_in6 *v6 = (void *)out;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return sizeof(*v4);
	}
	ck_assert_int_eq(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	return sizeof(*v6);
}

static int
their_socket(const char *at, uint16_t port)
{
	struct sockaddr_storage ss;
	socklen_t n = sockaddr_of(at, port, &ss);
	int fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&ss, n), 0);
	return fd;
}

static void
they_send(int fd, const char *to, const void *p, size_t n)
{
	struct sockaddr_storage ss;
	socklen_t len = sockaddr_of(to, 500, &ss);

	ck_assert_int_eq(sendto(fd, p, n, 0, (struct sockaddr *)&ss, len), (ssize_t)n);
}

/* Who sent what they received: "ADDRESS PORT". */
static const char *
they_hear(int fd, char *text, size_t n)
{
	static char from[128];
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct timeval tv = { 2, 0 };
	char a[INET6_ADDRSTRLEN];
	ssize_t got;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	got = recvfrom(fd, text, n - 1, 0, (struct sockaddr *)&ss, &len);
	ck_assert_msg(got >= 0, "nothing came");
	text[got] = 0;
	if (ss.ss_family == AF_INET)
		snprintf(from, sizeof(from), "%s %u", inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)&ss)->sin_addr, a, sizeof(a)),
		    ntohs(((struct sockaddr_in *)(void *)&ss)->sin_port));
	else
		snprintf(from, sizeof(from), "%s %u", inet_ntop(AF_INET6, &((struct sockaddr_in6 *)(void *)&ss)->sin6_addr, a, sizeof(a)),
		    ntohs(((struct sockaddr_in6 *)(void *)&ss)->sin6_port));
	return from;
}

static const struct {
	const char *us[2], *they, *from[2];
} family[] = {
	{ { "10.1.0.1", "10.1.0.2" }, "127.0.0.9", { "10.1.0.1 500", "10.1.0.2 500" } },
	{ { "fd01::1", "fd01::2" }, "::1", { "fd01::1 500", "fd01::2 500" } },
};

START_TEST(a_message_comes_with_both_ends)
{
	struct endpoint local, remote;
	struct ikesock *s;
	int fd;

	if (!start_world())
		return;
	s = start();
	fd = their_socket(family[_i].they, 40500);
	remote = E(family[_i].they, 40500);
	for (unsigned k = 0; k < 2; k++) {
		they_send(fd, family[_i].us[k], "hello", 5);
		ck_assert(world_until(&w, &h.n, k + 1, 2000));
		local = E(family[_i].us[k], 500);
		ck_assert(endpoint_eq(&h.local, &local));
		ck_assert(endpoint_eq(&h.remote, &remote));
		ck_assert(h.len == 5 && memcmp(h.message, "hello", 5) == 0);
	}
	close(fd);
	stop(s);
}
END_TEST

START_TEST(the_source_asked_for_is_used)
{
	struct endpoint remote, local;
	struct ikesock *s;
	char text[64];
	int fd;

	if (!start_world())
		return;
	s = start();
	fd = their_socket(family[_i].they, 40500);
	remote = E(family[_i].they, 40500);
	for (unsigned k = 0; k < 2; k++) {
		local = E(family[_i].us[k], 500);
		ck_assert_int_eq(ikesock_send(s, &local, &remote, span_of("answer", 6), false), 0);
		ck_assert_str_eq(they_hear(fd, text, sizeof(text)), family[_i].from[k]);
		ck_assert_str_eq(text, "answer");
	}
	close(fd);
	stop(s);
}
END_TEST

/* No address asked for: the kernel's choice. An address that is not ours is an error of the kernel's, not another source. */
START_TEST(the_source_free_or_wrong)
{
	struct endpoint none = { .port = 500 }, remote, wrong;
	struct ikesock *s;
	char text[64];
	int fd;

	if (!start_world())
		return;
	s = start();
	fd = their_socket(family[_i].they, 40500);
	remote = E(family[_i].they, 40500);
	ck_assert_int_eq(ikesock_send(s, &none, &remote, span_of("1", 1), false), 0);
	they_hear(fd, text, sizeof(text));
	ck_assert_str_eq(text, "1");
	wrong = E(_i ? "fd01::9" : "10.1.0.9", 500);
	ck_assert_int_lt(ikesock_send(s, &wrong, &remote, span_of("2", 1), false), 0);
	wrong = E(_i ? "10.1.0.1" : "fd01::1", 500);	/* of the other family: as none */
	ck_assert_int_eq(ikesock_send(s, &wrong, &remote, span_of("3", 1), false), 0);
	they_hear(fd, text, sizeof(text));
	ck_assert_str_eq(text, "3");
	close(fd);
	stop(s);
}
END_TEST

/* An IKE_AUTH with certificates is larger than the path: IP cuts it, we put it together. */
START_TEST(large_messages_pass_both_ways)
{
	static uint8_t big[9000];
	static char back[10000];
	struct endpoint local, remote;
	struct ikesock *s;
	int fd;

	if (!start_world())
		return;
	s = start();
	fd = their_socket(family[_i].they, 40500);
	memset(big, 'x', sizeof(big));
	they_send(fd, family[_i].us[0], big, sizeof(big));
	ck_assert(world_until(&w, &h.n, 1, 2000));
	ck_assert_uint_eq(h.len, sizeof(big));
	local = E(family[_i].us[0], 500);
	remote = E(family[_i].they, 40500);
	ck_assert_int_eq(ikesock_send(s, &local, &remote, span_of(big, sizeof(big)), false), 0);
	they_hear(fd, back, sizeof(back));
	ck_assert_uint_eq(strlen(back), sizeof(big));
	close(fd);
	stop(s);
}
END_TEST

START_TEST(an_empty_datagram_and_a_flood_are_survived)
{
	struct ikesock *s;
	int fd;

	if (!start_world())
		return;
	s = start();
	fd = their_socket(family[_i].they, 40500);
	they_send(fd, family[_i].us[0], "", 0);
	for (int i = 0; i < 150; i++)
		they_send(fd, family[_i].us[0], "x", 1);
	ck_assert(world_until(&w, &h.n, 151, 2000));	/* more than one wake-up's worth: all come */
	ck_assert_uint_eq(h.len, 1);
	close(fd);
	stop(s);
}
END_TEST

/* The text is what the operator acts on. */
START_TEST(a_taken_port_is_said_so)
{
	int fd;

	if (!start_world())
		return;
	fd = their_socket(_i ? "::" : "127.0.0.1", 500);
	ck_assert_ptr_null(ikesock_new(&w.host, IKESOCK_500, hear, &h, err, sizeof(err)));
	ck_assert_str_eq(err, "cannot bind UDP port 500: Address already in use; another IKE daemon holds it (see: ss -lunp sport = 500)");
	ck_assert_int_eq(w.watching, 0);
	ck_assert_int_eq(w.t.live, 0);
	close(fd);
	stop(start());	/* and nothing of the first try is left in the way */
}
END_TEST

/* Without the capability, and with the port a privileged one (containers often lower the bound). */
START_TEST(no_permission_is_said_so)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[2] = { 0 };

	if (!start_world())
		return;
	world_put("/proc/sys/net/ipv4/ip_unprivileged_port_start", "1024");
	if (syscall(SYS_capset, &head, none) != 0) {
		printf("skipped: cannot drop capabilities here\n");
		return;
	}
	ck_assert_ptr_null(ikesock_new(&w.host, IKESOCK_500, hear, &h, err, sizeof(err)));
	ck_assert_str_eq(err, "cannot bind UDP port 500: Permission denied; run as root or with CAP_NET_BIND_SERVICE");
	ck_assert_int_eq(w.t.live, 0);
}
END_TEST

START_TEST(no_memory_leaves_nothing)
{
	if (!start_world())
		return;
	w.t.fail_at = 1;
	ck_assert_ptr_null(ikesock_new(&w.host, IKESOCK_500, hear, &h, err, sizeof(err)));
	ck_assert_str_eq(err, "out of memory");
	for (int k = 1; k <= 2; k++) {
		w.fail_watch = k;
		ck_assert_ptr_null(ikesock_new(&w.host, IKESOCK_500, hear, &h, err, sizeof(err)));
		ck_assert_str_eq(err, "out of memory");
		ck_assert_int_eq(w.watching, 0);
		ck_assert_int_eq(w.t.live, 0);
	}
	stop(start());
}
END_TEST

/* A host whose IPv6 is switched off still takes part in IPv4. */
START_TEST(ipv6_switched_off_is_fine)
{
	struct endpoint local, remote;
	struct ikesock *s;

	if (!start_world())
		return;
	world_sh("echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6");
	s = start();
	local = E("fd01::1", 500);
	remote = E("fd01::2", 500);
	ck_assert_int_lt(ikesock_send(s, &local, &remote, span_of("x", 1), false), 0);
	local = E("10.1.0.1", 500);
	remote = E("10.1.0.2", 500);
	ck_assert_int_eq(ikesock_send(s, &local, &remote, span_of("x", 1), false), 0);
	ck_assert(world_until(&w, &h.n, 1, 2000));	/* to ourselves */
	ck_assert(endpoint_eq(&h.local, &remote) && endpoint_eq(&h.remote, &local));
	stop(s);
}
END_TEST

START_TEST(free_takes_null)
{
	ikesock_free(NULL);
}
END_TEST

Suite *
suite_ikesock(void)
{
	Suite *s = suite_create("daemon_io/ikesock");
	TCase *c = tcase_create("ikesock");

	tcase_set_timeout(c, 30);
	tcase_add_loop_test(c, a_message_comes_with_both_ends, 0, 2);
	tcase_add_loop_test(c, the_source_asked_for_is_used, 0, 2);
	tcase_add_loop_test(c, the_source_free_or_wrong, 0, 2);
	tcase_add_loop_test(c, large_messages_pass_both_ways, 0, 2);
	tcase_add_loop_test(c, an_empty_datagram_and_a_flood_are_survived, 0, 2);
	tcase_add_loop_test(c, a_taken_port_is_said_so, 0, 2);
	tcase_add_test(c, no_permission_is_said_so);
	tcase_add_test(c, no_memory_leaves_nothing);
	tcase_add_test(c, ipv6_switched_off_is_fine);
	tcase_add_test(c, free_takes_null);
	suite_add_tcase(s, c);
	return s;
}
