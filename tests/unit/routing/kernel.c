/* Against the real kernel, in a network namespace made for each test (check forks). Skips where none can be made. */
#include "routing/kernel.h"

#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/harness.h"
#include "tests/unit/routing/routing_test.h"

struct host_watch {
	int fd;
	void (*fn)(void *);
	void *arg;
};

static struct host_watch watch[2], timer;	/* its listener, its reader */
static unsigned n_watch;
static struct test_env env;
static struct host host;

struct heard {
	struct rib_event ev[200];
	unsigned n;
};

static struct host_watch *
do_watch(void *ctx, int fd, void (*readable)(void *), void *arg)
{
	(void)ctx;
	watch[n_watch % 2] = (struct host_watch){ fd, readable, arg };
	return &watch[n_watch++ % 2];
}

static struct host_watch *
do_after(void *ctx, tick_t delay, void (*fn)(void *), void *arg)
{
	(void)ctx;
	(void)delay;
	timer = (struct host_watch){ -1, fn, arg };
	return &timer;
}

static void
do_unwatch(void *ctx, struct host_watch *w)
{
	(void)ctx;
	if (w)
		w->fn = NULL;
}

static void
hear(void *ctx, const struct rib_event *ev)
{
	struct heard *h = ctx;

	if (h->n < 200)
		h->ev[h->n++] = *ev;
}

static void
spin(void)
{
	struct pollfd p[2] = { { watch[0].fd, POLLIN, 0 }, { watch[1].fd, POLLIN, 0 } };
	void (*fn)(void *);

	while (timer.fn || poll(p, 2, 150) > 0) {
		for (unsigned i = 0; i < 2; i++) {
			if (p[i].revents)
				watch[i].fn(watch[i].arg);
		}
		if ((fn = timer.fn)) {
			timer.fn = NULL;
			fn(timer.arg);
		}
		if (timer.fn)
			poll(p, 2, 0);
	}
}

static void
put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		ck_assert(write(fd, text, strlen(text)) >= 0);
		close(fd);
	}
}

void
sh(const char *cmd)
{
	ck_assert_msg(system(cmd) == 0, "%s", cmd);
}

bool
in_namespace(void)
{
	char map[64];
	uid_t uid = getuid();

	if (uid != 0) {
		if (unshare(CLONE_NEWUSER) != 0)
			return false;
		snprintf(map, sizeof(map), "0 %d 1", (int)uid);
		put("/proc/self/uid_map", map);
	}
	if (unshare(CLONE_NEWNET) != 0 || system("ip link add name va type veth peer name vb 2>/dev/null") != 0) {
		printf("skipped: cannot make a network namespace with a veth pair here\n");
		return false;
	}
	sh("ip addr add 10.0.0.1/24 dev va && ip addr add fd00::1/64 dev va nodad && ip link set vb up && ip link set va up && ip link set lo up");
	test_env_init(&env);
	host = (struct host){ .watch = do_watch, .unwatch = do_unwatch, .after = do_after, .env = &env.env, .log = &env.log };
	return true;
}

static struct rib *
start(struct heard *h)
{
	char err[128] = "";
	struct rib *r = rib_kernel_new(&host, hear, h, err, sizeof(err));

	ck_assert_msg(r != NULL, "%s", err);
	rib_kernel_start(r);
	return r;
}

static struct prefix
P(const char *text)
{
	struct prefix p;

	ck_assert(prefix_parse(text, &p));
	return p;
}

/* What was last said of a prefix: its kind, or -1 for gone or never. */
static const struct rib_event *
last(const struct heard *h, const char *text)
{
	struct prefix p = P(text);

	for (unsigned i = h->n; i-- > 0;) {
		if (h->ev[i].kind != RIB_EV_READY && prefix_eq(&h->ev[i].route.dst, &p))
			return &h->ev[i];
	}
	return NULL;
}

START_TEST(dump_then_changes)
{
	struct heard h = { .n = 0 };
	const struct rib_event *e;
	struct rib *r;

	if (!in_namespace())
		return;
	sh("ip route add 172.16.0.0/16 via 10.0.0.9 && ip route add blackhole 192.0.2.0/24 && ip -6 route add fd77::/32 via fd00::9");
	r = start(&h);
	ck_assert_int_eq(h.ev[h.n - 1].kind, RIB_EV_READY);
	e = last(&h, "172.16.0.0/16");
	ck_assert(e && e->kind == RIB_EV_ROUTE && e->route.via.b[3] == 9 && e->route.ifindex == if_nametoindex("va"));
	ck_assert_int_eq(last(&h, "192.0.2.0/24")->route.kind, RIB_REJECT);
	ck_assert_int_eq(last(&h, "10.0.0.1/32")->route.kind, RIB_LOCAL);
	ck_assert_int_eq(last(&h, "fd77::/32")->kind, RIB_EV_ROUTE);
	ck_assert(last(&h, "10.0.0.0/24")->route.via.n == 0);

	sh("ip route add 172.16.5.0/24 via 10.0.0.8; ip route del 172.16.0.0/16");
	spin();
	ck_assert_int_eq(last(&h, "172.16.5.0/24")->kind, RIB_EV_ROUTE);
	ck_assert_int_eq(last(&h, "172.16.0.0/16")->kind, RIB_EV_GONE);
	r->ops->free(r);
	ck_assert_int_eq(env.live, 0);
}
END_TEST

START_TEST(best_of_several)
{
	struct heard h = { .n = 0 };
	unsigned before;
	struct rib *r;

	if (!in_namespace())
		return;
	r = start(&h);
	sh("ip route add 172.16.0.0/16 via 10.0.0.9 metric 50; ip route add 172.16.0.0/16 via 10.0.0.8 metric 10");
	spin();
	ck_assert_uint_eq(last(&h, "172.16.0.0/16")->route.via.b[3], 8);
	before = h.n;
	sh("ip route add 172.16.0.0/16 via 10.0.0.7 metric 90");
	spin();
	ck_assert_uint_eq(h.n, before);	/* a worse one is nobody's news */
	sh("ip route del 172.16.0.0/16 via 10.0.0.8 metric 10");
	spin();
	ck_assert_uint_eq(last(&h, "172.16.0.0/16")->route.via.b[3], 9);
	sh("ip route replace 172.16.0.0/16 via 10.0.0.6 metric 50");
	spin();
	ck_assert_uint_eq(last(&h, "172.16.0.0/16")->route.via.b[3], 6);
	r->ops->free(r);
}
END_TEST

/* The kernel says nothing of the IPv4 routes that go with an interface. */
/* A route of the configuration is told like anybody's, stands behind a shortcut's to the same prefix, and goes with flush. */
START_TEST(fixed_routes)
{
	struct heard h = { .n = 0 };
	struct rib_route r = { .dst = { addr_of((const uint8_t[]){ 172, 16, 0, 0 }, 4), 16 }, .via = addr_of((const uint8_t[]){ 10, 0, 0, 9 }, 4), .fixed = true };
	struct rib_route ours = { .dst = r.dst, .via = addr_of((const uint8_t[]){ 10, 0, 0, 8 }, 4) };
	struct rib *rib;

	if (!in_namespace())
		return;
	rib = start(&h);
	r.ifindex = ours.ifindex = if_nametoindex("va");
	ck_assert_int_eq(rib->ops->route_set(rib, &r), 0);
	ck_assert_int_eq(rib->ops->route_set(rib, &r), 0);
	spin();
	ck_assert(last(&h, "172.16.0.0/16")->kind == RIB_EV_ROUTE && last(&h, "172.16.0.0/16")->route.via.b[3] == 9);
	sh("ip route show proto 146 | grep -q '172.16.0.0/16 via 10.0.0.9'");
	ck_assert_int_eq(rib->ops->route_set(rib, &ours), 0);
	sh("ip route get 172.16.1.1 | grep -q 'via 10.0.0.8'");
	ck_assert_int_eq(rib->ops->route_del(rib, &ours), 0);
	sh("ip route get 172.16.1.1 | grep -q 'via 10.0.0.9'");
	ck_assert_int_eq(rib->ops->route_del(rib, &r), 0);
	spin();
	ck_assert_int_eq(last(&h, "172.16.0.0/16")->kind, RIB_EV_GONE);
	ck_assert_int_eq(rib->ops->route_set(rib, &r), 0);
	ck_assert_int_eq(rib->ops->flush(rib), 0);
	sh("test -z \"$(ip route show proto 146)\"");
	rib->ops->free(rib);
}
END_TEST

START_TEST(interface_down_takes_its_routes)
{
	struct heard h = { .n = 0 };
	struct rib *r;

	if (!in_namespace())
		return;
	sh("ip route add 172.16.0.0/16 via 10.0.0.9");
	r = start(&h);
	sh("ip link set va down");
	spin();
	ck_assert_int_eq(last(&h, "172.16.0.0/16")->kind, RIB_EV_GONE);
	ck_assert_int_eq(last(&h, "10.0.0.0/24")->kind, RIB_EV_GONE);
	r->ops->free(r);
}
END_TEST

static int
has_route(const char *what)
{
	char cmd[256];

	snprintf(cmd, sizeof(cmd), "ip route show %s | grep -q . || ip -6 route show %s 2>/dev/null | grep -q .", what, what);
	return system(cmd) == 0;
}

START_TEST(ours_are_set_moved_and_flushed_and_never_reported)
{
	struct heard h = { .n = 0 };
	struct rib_route v4 = { .dst = P("172.16.9.0/24"), .metric = 0 }, v6 = { .dst = P("fd16:9::/64") }, absent = { .dst = P("1.2.3.0/24") };
	struct rib *r;

	if (!in_namespace())
		return;
	addr_parse("10.0.0.9", &v4.via);
	addr_parse("fd00::9", &v6.via);
	v4.ifindex = v6.ifindex = absent.ifindex = if_nametoindex("va");
	sh("ip route add 172.16.9.0/24 via 10.0.0.1 dev va onlink 2>/dev/null || ip route add 172.16.9.0/24 dev vb");
	r = start(&h);
	ck_assert_int_eq(r->ops->route_set(r, &v4), 0);
	ck_assert_int_eq(r->ops->route_set(r, &v4), 0);	/* again is fine */
	ck_assert_int_eq(r->ops->route_set(r, &v6), 0);
	ck_assert(has_route("172.16.9.0/24 proto 145 via 10.0.0.9") && has_route("fd16:9::/64 proto 145"));
	sh("ip route get 172.16.9.5 | grep -q 'via 10.0.0.9'");	/* before the operator's own */
	addr_parse("10.0.0.8", &v4.via);
	ck_assert_int_eq(r->ops->route_set(r, &v4), 0);
	ck_assert(has_route("172.16.9.0/24 via 10.0.0.8") && !has_route("172.16.9.0/24 via 10.0.0.9"));
	spin();
	ck_assert(last(&h, "fd16:9::/64") == NULL);
	ck_assert_int_eq(r->ops->route_del(r, &v4), 0);
	ck_assert_int_eq(r->ops->route_del(r, &v4), 0);
	ck_assert_int_eq(r->ops->route_del(r, &absent), 0);
	ck_assert(has_route("172.16.9.0/24") && !has_route("172.16.9.0/24 proto 145"));	/* theirs stands */
	ck_assert_int_eq(r->ops->route_set(r, &v4), 0);
	ck_assert_int_eq(r->ops->flush(r), 0);
	ck_assert(!has_route("proto 145"));
	v4.ifindex = 9999;
	ck_assert_int_lt(r->ops->route_set(r, &v4), 0);
	r->ops->free(r);
}
END_TEST

/* What zebra installs for us is ours too. It replaces somebody else's of the same metric, which is then gone from the kernel. */
START_TEST(routes_by_zebra)
{
	struct heard h = { .n = 0 };
	struct rib_route v6 = { .dst = P("fd16:9::/64") };
	struct prefix p4 = P("172.16.9.0/24"), p6 = P("fd16:9::/64");
	struct rib *r;

	if (!in_namespace())
		return;
	r = start(&h);
	sh("ip route add 172.16.9.0/24 via 10.0.0.9 proto ospf metric 20");
	spin();
	ck_assert(last(&h, "172.16.9.0/24")->kind == RIB_EV_ROUTE && rib_kernel_told(r, &p4));
	sh("ip route replace 172.16.9.0/24 via 10.0.0.8 proto 191 metric 20");
	spin();
	ck_assert(last(&h, "172.16.9.0/24")->kind == RIB_EV_GONE && !rib_kernel_told(r, &p4));
	sh("ip route replace 172.16.9.0/24 via 10.0.0.9 proto ospf metric 20");
	spin();
	ck_assert(last(&h, "172.16.9.0/24")->kind == RIB_EV_ROUTE && last(&h, "172.16.9.0/24")->route.via.b[3] == 9);
	sh("ip route del 172.16.9.0/24 && ip route add 172.16.9.0/24 via 10.0.0.8 proto 191 metric 20");
	/* beside zebra's stands ours, and stays when zebra's goes */
	sh("ip -6 route add fd16:9::/64 via fd00::8 proto 191 metric 20");
	addr_parse("fd00::8", &v6.via);
	v6.ifindex = if_nametoindex("va");
	ck_assert_int_eq(r->ops->route_set(r, &v6), 0);
	ck_assert(has_route("fd16:9::/64 proto 145") && has_route("fd16:9::/64 proto 191"));
	ck_assert_int_eq(rib_kernel_forget(r, &p4), 0);
	ck_assert_int_eq(rib_kernel_forget(r, &p6), 0);
	ck_assert_int_eq(rib_kernel_forget(r, &p6), 0);	/* absent is fine */
	ck_assert(!has_route("proto 191") && has_route("fd16:9::/64 proto 145"));
	r->ops->free(r);
}
END_TEST

Suite *suite_kernel(void);

Suite *
suite_kernel(void)
{
	Suite *s = suite_create("routing/kernel");
	TCase *c = tcase_create("kernel");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, dump_then_changes);
	tcase_add_test(c, best_of_several);
	tcase_add_test(c, fixed_routes);
	tcase_add_test(c, routes_by_zebra);
	tcase_add_test(c, interface_down_takes_its_routes);
	tcase_add_test(c, ours_are_set_moved_and_flushed_and_never_reported);
	suite_add_tcase(s, c);
	return s;
}
