/* The user plane as a whole inside one process and a network namespace of its own: two SAs over the loopback make it its own
 * peer (what goes to peer 1 comes back from peer 2). Failing allocations, error texts, and handlers that pull the rug away. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>

#include "nhrpd/daemon/dp_user.h"
#include "tests/net/poll_host.h"
#include "tests/unit/harness.h"

static struct test_env t;
static struct poll_host *loop;
static struct host host;
static struct dp *dp;
static char err[256];
static unsigned got[DP_EV_LINK + 1];
static struct dp_event last;
static uint8_t last_packet[2048];
static void (*rug)(const struct dp_event *ev);

static void
event(void *ctx, const struct dp_event *ev)
{
	(void)ctx;
	got[ev->kind]++;
	last = *ev;
	if (ev->packet.n && ev->packet.n <= sizeof(last_packet))
		memcpy(last_packet, ev->packet.p, ev->packet.n);
	if (rug)
		rug(ev);
}

static void
put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd >= 0) {
		(void)!write(fd, text, strlen(text));
		close(fd);
	}
}

static bool
own_world(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	char map[64];
	int fd, uid = (int)getuid();

	if (uid != 0) {
		if (unshare(CLONE_NEWUSER) != 0)
			return false;
		snprintf(map, sizeof(map), "0 %d 1", uid);
		put("/proc/self/setgroups", "deny");
		put("/proc/self/uid_map", map);
	}
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &ifr), 0);
	close(fd);
	fd = open("/dev/net/tun", O_RDWR);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* False where this machine does not let us, said once per test. */
static bool
setup(void)
{
	test_env_init(&t);
	if (!own_world()) {
		printf("skipped: no network namespace or no /dev/net/tun here\n");
		return false;
	}
	t.seed = (uint64_t)getpid();
	loop = poll_host_new();
	host = *poll_host_face(loop);
	host.env = &t.env;
	host.log = &t.log;
	return true;
}

static void
start(void)
{
	dp = dp_user_new(&host, event, NULL, err, sizeof(err));
	ck_assert_msg(dp != NULL, "%s", err);
}

static void
finish(void)
{
	if (dp)
		dp->ops->free(dp);
	poll_host_free(loop);
	ck_assert_int_eq(t.live, 0);
}

static void
run_for(tick_t us)
{
	poll_host_run(loop, us);
}

static void
until(enum dp_event_kind kind)
{
	for (int i = 0; i < 100 && !got[kind]; i++)
		run_for(TICK_MS(20));
	ck_assert_msg(got[kind] > 0, "no event of kind %d", (int)kind);
}

static struct dp_tunnel
tunnel(void)
{
	struct dp_tunnel c = { .id = 1, .name = "dm0", .has_key = true, .key = 7, .n_addr = 2, .redirect = true };

	prefix_parse_host("10.9.0.1/24", &c.addr[0]);
	prefix_parse_host("fd09::1/64", &c.addr[1]);
	return c;
}

static struct dp_sa
sa(uint32_t in, uint32_t out, uint32_t peer, bool v6, bool encap)
{
	struct dp_sa s = { .tunnel = 1, .peer = peer, .spi_in = in, .spi_out = out, .encap = encap, .active = true };

	addr_parse(v6 ? "::1" : "127.0.0.1", &s.local.addr);
	s.remote = s.local;
	s.remote.port = s.local.port = 4500;
	s.keys = (struct dp_sa_keys){ .encr = 20, .encr_bits = 128, .encr_len = 20 };
	memset(s.keys.encr_in, (int)in, 20);
	memset(s.keys.encr_out, (int)out, 20);
	return s;
}

static void
mirror(bool v6, bool encap)
{
	struct dp_tunnel c = tunnel();
	struct dp_sa a = sa(1001, 1002, 1, v6, encap), b = sa(1002, 1001, 2, v6, encap);

	ck_assert_msg(dp->ops->tunnel_set(dp, &c) == 0, "%s", dp->ops->error(dp));
	ck_assert_int_eq(dp->ops->sa_add(dp, &a), 0);
	ck_assert_int_eq(dp->ops->sa_add(dp, &b), 0);
}

START_TEST(nhrp_goes_round)
{
	if (!setup())
		return;
	start();
	mirror(_i & 1, _i & 2);
	ck_assert_int_eq(dp->ops->send(dp, 1, 1, SPAN_STR("round")), 0);
	until(DP_EV_NHRP);
	ck_assert_uint_eq(last.peer, 2);
	ck_assert_uint_eq(last.spi_in, 1002);
	ck_assert_uint_eq(last.packet.n, 5);
	ck_assert_mem_eq(last_packet, "round", 5);
	ck_assert_uint_eq(last.remote.addr.n, _i & 1 ? 16 : 4);
	ck_assert_uint_eq(last.remote.port, _i & 2 ? 4500 : 0);
	ck_assert_uint_eq(last.local.addr.n, _i & 1 ? 16 : 4);
	ck_assert_uint_eq(got[DP_EV_SA_USED], 1);
	ck_assert_uint_eq(got[DP_EV_LINK], 0);	/* it was up when tunnel_set came back */
	ck_assert_int_eq(dp->ops->send(dp, 1, 3, SPAN_STR("nobody")), -ENOTCONN);
	ck_assert_int_eq(dp->ops->send(dp, 9, 1, SPAN_STR("nowhere")), -ENOENT);
	finish();
}
END_TEST

START_TEST(ike_goes_round)
{
	struct endpoint to = { .port = 4500 };
	uint8_t big[9000] = { 0x55 };

	if (!setup())
		return;
	start();
	addr_parse(_i ? "::1" : "127.0.0.1", &to.addr);
	ck_assert_int_eq(dp->ops->send_udp(dp, &to, &to, SPAN_STR("ike!"), DP_UDP_IKE), 0);
	until(DP_EV_IKE);
	ck_assert(last.natt);
	ck_assert_uint_eq(last.packet.n, 4);
	ck_assert_mem_eq(last_packet, "ike!", 4);
	ck_assert(endpoint_eq(&last.remote, &to) && endpoint_eq(&last.local, &to));
	got[DP_EV_IKE] = 0;
	ck_assert_int_eq(dp->ops->send_udp(dp, NULL, &to, SPAN_STR("\xff"), DP_UDP_KEEPALIVE), 0);	/* keepalive */
	ck_assert_int_eq(dp->ops->send_udp(dp, NULL, &to, SPAN_STR("ab"), DP_UDP_KEEPALIVE), 0);	/* runt */
	ck_assert_int_eq(dp->ops->send_udp(dp, NULL, &to, span_of(big, sizeof(big)), DP_UDP_IKE), 0);
	until(DP_EV_IKE);
	ck_assert_uint_eq(last.packet.n, sizeof(big));
	ck_assert_uint_eq(got[DP_EV_SA_UNKNOWN], 0);
	finish();
}
END_TEST

/* A packet of our own into the tunnel; the kernel has no neighbour for it. */
static void
poke(const char *to)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(9) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct addr dst;

	ck_assert(addr_parse(to, &dst));
	memcpy(&a.sin_addr, dst.b, 4);
	ck_assert_int_gt(sendto(fd, "poke", 4, 0, (struct sockaddr *)(void *)&a, sizeof(a)), 0);
	close(fd);
}

static void
delete_all(const struct dp_event *ev)
{
	(void)ev;
	rug = NULL;
	dp->ops->sa_del(dp, 1001);
	dp->ops->sa_del(dp, 1002);
	dp->ops->tunnel_del(dp, 1);
}

static void
delete_sas(const struct dp_event *ev)
{
	(void)ev;
	dp->ops->sa_del(dp, 1001);
	dp->ops->sa_del(dp, 1002);
}

static void
answer(const struct dp_event *ev)
{
	if (ev->kind == DP_EV_UNRESOLVED)
		dp->ops->send(dp, 1, 1, SPAN_STR("who is it?"));
}

START_TEST(handlers_may_pull_the_rug)
{
	static void (*const rugs[])(const struct dp_event *) = { delete_all, delete_sas, answer };

	for (unsigned first = 0; first < 2; first++) {
		struct addr none = { 0 };
		struct dp_neigh back = { .tunnel = 1, .peer = 1 };

		if (first == 0 && !setup())
			return;
		start();
		mirror(false, true);
		ck_assert_int_eq(dp->ops->neigh_set(dp, &back), 0);
		memset(got, 0, sizeof(got));
		rug = rugs[_i];
		if (first)
			ck_assert_int_eq(dp->ops->send(dp, 1, 1, SPAN_STR("x")), 0);
		for (int i = 0; i < 5 && !first; i++)
			poke("10.9.0.77");
		until(first ? DP_EV_SA_USED : DP_EV_UNRESOLVED);
		run_for(TICK_MS(50));
		rug = NULL;
		dp->ops->neigh_del(dp, 1, &none);
		dp->ops->free(dp);
	}
	dp = NULL;
	finish();
}
END_TEST

START_TEST(a_frame_reaches_the_other_side)	/* peer 1 is peer 2: the source is our own address, which nobody else may use */
{
	struct dp_neigh n = { .tunnel = 1, .peer = 1 };
	struct dp_peer_stats st;

	if (!setup())
		return;
	start();
	mirror(false, true);
	addr_parse("10.9.0.2", &n.proto);
	ck_assert_int_eq(dp->ops->neigh_set(dp, &n), 0);
	ck_assert_int_eq(dp->ops->neigh_set(dp, &n), 0);
	poke("10.9.0.2");
	until(DP_EV_SA_USED);
	ck_assert(dp->ops->peer_stats(dp, 1, 1, &st));
	ck_assert_uint_eq(st.tx_packets, 1);
	ck_assert(dp->ops->peer_stats(dp, 1, 2, &st));
	ck_assert_uint_eq(st.rx_drops, 1);
	ck_assert_str_eq(t.last_word, "inner-source-own");
	finish();
}
END_TEST

/* Until it succeeds: nothing may be left of an attempt that failed. */
START_TEST(every_allocation_may_fail)
{
	struct dp_tunnel c = tunnel();
	struct dp_sa a = sa(1001, 1002, 1, false, true);
	struct dp_neigh n = { .tunnel = 1, .peer = 40, .mcast = true };
	int rc = -1;

	if (!setup())
		return;
	addr_parse("10.9.0.2", &n.proto);
	for (long i = 1; !dp; i++) {
		t.fail_at = i;
		dp = dp_user_new(&host, event, NULL, err, sizeof(err));
		t.fail_at = 0;
		ck_assert(dp || (strstr(err, "memory") && t.live == 0));
	}
	for (long i = 1; rc != 0; i++) {
		t.fail_at = i;
		rc = dp->ops->tunnel_set(dp, &c);
		t.fail_at = 0;
		ck_assert(rc == 0 || (dp->ops->error(dp)[0] && if_nametoindex("dm0") == 0));
	}
	rc = -1;
	for (long i = 1; rc != 0; i++) {
		t.fail_at = i;
		rc = dp->ops->sa_add(dp, &a);
		t.fail_at = 0;
		ck_assert(rc == 0 || rc == -ENOMEM);
	}
	rc = -1;
	for (long i = 1; rc != 0; i++) {
		t.fail_at = i;
		rc = dp->ops->neigh_set(dp, &n);
		t.fail_at = 0;
		ck_assert(rc == 0 || rc == -ENOMEM);
	}
	finish();
}
END_TEST

START_TEST(what_is_wrong_is_said)
{
	struct dp_tunnel c = tunnel();
	struct dp_neigh n = { .tunnel = 8, .peer = 1 };
	struct dp_sa a = sa(1001, 1002, 1, false, true);

	if (!setup())
		return;
	start();
	ck_assert_ptr_null(dp_user_new(&host, event, NULL, err, sizeof(err)));
	ck_assert_msg(strstr(err, "UDP port 4500") && strstr(err, "in use"), "%s", err);
	snprintf(c.name, sizeof(c.name), "lo");
	ck_assert_int_lt(dp->ops->tunnel_set(dp, &c), 0);
	ck_assert_msg(strstr(dp->ops->error(dp), "cannot create interface lo"), "%s", dp->ops->error(dp));
	c = tunnel();
	c.mtu = 20000;
	ck_assert_int_eq(dp->ops->tunnel_set(dp, &c), -EINVAL);
	ck_assert_msg(strstr(dp->ops->error(dp), "MTU"), "%s", dp->ops->error(dp));
	ck_assert_int_eq(dp->ops->neigh_set(dp, &n), -ENOENT);
	ck_assert_int_eq(dp->ops->neigh_del(dp, 8, &n.proto), 0);
	ck_assert_int_eq(dp->ops->sa_add(dp, &a), -ENOENT);
	ck_assert_int_eq(dp->ops->sa_del(dp, 77), 0);
	ck_assert_int_eq(dp->ops->sa_update(dp, 77, DP_SA_ACTIVATE, NULL, NULL, false), -ENOENT);
	ck_assert_int_eq(dp->ops->tunnel_del(dp, 77), 0);
	if (mount("none", "/dev/net", "tmpfs", 0, NULL) == 0) {
		c = tunnel();
		ck_assert_int_eq(dp->ops->tunnel_set(dp, &c), -ENOENT);
		ck_assert_msg(strstr(dp->ops->error(dp), "cannot open /dev/net/tun: No such file or directory; load the tun module"), "%s",
		    dp->ops->error(dp));
	}
	finish();
}
END_TEST

static bool
has_address(const char *text)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct addr want;
	bool ok;

	addr_parse(text, &want);
	memcpy(&a.sin_addr, want.b, 4);
	ok = bind(fd, (struct sockaddr *)(void *)&a, sizeof(a)) == 0;
	close(fd);
	return ok;
}

START_TEST(a_tunnel_is_changed_in_place)
{
	struct dp_tunnel c = tunnel();
	struct dp_link_info li;
	unsigned index;

	if (!setup())
		return;
	start();
	ck_assert_int_eq(dp->ops->tunnel_set(dp, &c), 0);
	index = if_nametoindex("dm0");
	ck_assert_int_eq(dp->ops->tunnel_set(dp, &c), 0);
	ck_assert(dp->ops->link_info(dp, 1, &li));
	ck_assert(li.up && li.mtu == 1430 && strcmp(li.plane, "user") == 0);
	prefix_parse_host("10.9.0.9/24", &c.addr[0]);
	c.mtu = 1400;
	c.redirect = false;
	ck_assert_int_eq(dp->ops->tunnel_set(dp, &c), 0);
	ck_assert_uint_eq(if_nametoindex("dm0"), index);
	ck_assert(has_address("10.9.0.9") && !has_address("10.9.0.1"));
	ck_assert(dp->ops->link_info(dp, 1, &li));
	ck_assert_uint_eq(li.mtu, 1400);
	snprintf(c.name, sizeof(c.name), "dm1");
	ck_assert_int_eq(dp->ops->tunnel_set(dp, &c), -EINVAL);
	ck_assert_int_eq(dp->ops->tunnel_del(dp, 1), 0);
	ck_assert_uint_eq(if_nametoindex("dm0"), 0);
	finish();
}
END_TEST

static Suite *
plane_suite(void)
{
	Suite *s = suite_create("plane");
	TCase *c = tcase_create("plane");

	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, nhrp_goes_round, 0, 4);
	tcase_add_loop_test(c, ike_goes_round, 0, 2);
	tcase_add_loop_test(c, handlers_may_pull_the_rug, 0, 3);
	tcase_add_test(c, a_frame_reaches_the_other_side);
	tcase_add_test(c, every_allocation_may_fail);
	tcase_add_test(c, what_is_wrong_is_said);
	tcase_add_test(c, a_tunnel_is_changed_in_place);
	suite_add_tcase(s, c);
	return s;
}

TEST_MAIN(plane_suite)
