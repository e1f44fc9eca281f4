/* Against the kernel: interfaces in a namespace of the test's own get, change and lose addresses. */
#include "nhrpd/daemon/source.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/unit/daemon_io/world.h"

enum { TUNNELS = 24, QUIET_MS = 150 };

struct heard {
	unsigned n;	/* calls in all */
	unsigned of[TUNNELS];	/* per tunnel */
	struct addr last[TUNNELS];
};

static struct world w;
static struct heard h;

static void
hear(void *ctx, uint32_t tunnel, const struct addr *addr)
{
	struct heard *to = ctx;

	ck_assert_uint_lt(tunnel, TUNNELS);
	to->n++;
	to->of[tunnel]++;
	to->last[tunnel] = *addr;
}

static struct source *
start(void)
{
	char err[128] = "";
	struct source *s;

	world_init(&w);
	h = (struct heard){ 0 };
	if (!world_netns())
		return NULL;
	if (!world_try("ip link add name va type veth peer name vb 2>/dev/null")) {
		printf("skipped: no veth interfaces here\n");
		return NULL;
	}
	world_sh("ip link set vb up && ip link set va up");
	s = source_new(&w.host, hear, &h, err, sizeof(err));
	ck_assert_msg(s != NULL, "%s", err);
	return s;
}

static void
stop(struct source *s)
{
	source_free(s);
	ck_assert_int_eq(w.watching, 0);
	ck_assert_int_eq(w.t.live, 0);
}

static const char *
last(unsigned tunnel)
{
	static char text[ADDR_STRLEN];

	world_spin(&w, QUIET_MS);
	return addr_fmt(&h.last[tunnel], text);
}

START_TEST(the_present_state_is_told_at_once)
{
	struct source *s = start();

	if (!s)
		return;
	world_sh("ip addr add 10.0.0.1/24 dev va && ip addr add fd00::1/64 dev va nodad");
	world_spin(&w, QUIET_MS);
	ck_assert(source_follow(s, 1, "va", 4));
	ck_assert(source_follow(s, 2, "va", 16));
	ck_assert(source_follow(s, 3, "vb", 4));
	ck_assert_uint_eq(h.n, 3);
	ck_assert_str_eq(last(1), "10.0.0.1");
	ck_assert_str_eq(last(2), "fd00::1");
	ck_assert_str_eq(last(3), "-");	/* none is told too */
	ck_assert_uint_eq(h.n, 3);
	stop(s);
}
END_TEST

START_TEST(an_address_comes_changes_and_goes)
{
	static const char *const cmd[][3] = {
		{ "ip addr add 10.0.0.1/24 dev va", "ip addr add 10.9.0.1/24 dev va && ip addr del 10.0.0.1/24 dev va", "ip addr flush dev va scope global" },
		{ "ip addr add fd00::1/64 dev va nodad", "ip addr add fd09::1/64 dev va nodad && ip addr del fd00::1/64 dev va",
		    "ip addr flush dev va scope global" },
	};
	static const char *const want[][2] = { { "10.0.0.1", "10.9.0.1" }, { "fd00::1", "fd09::1" } };
	struct source *s = start();

	if (!s)
		return;
	ck_assert(source_follow(s, 1, "va", _i ? 16 : 4));
	ck_assert_str_eq(last(1), "-");
	world_sh(cmd[_i][0]);
	ck_assert_str_eq(last(1), want[_i][0]);
	world_sh(cmd[_i][1]);
	ck_assert_str_eq(last(1), want[_i][1]);
	world_sh(cmd[_i][2]);
	ck_assert_str_eq(last(1), "-");
	ck_assert_uint_eq(h.n, 4);
	stop(s);
}
END_TEST

/* Tunnels hang on the address: a further one on the interface is no reason to move, whatever order the kernel lists them in. */
START_TEST(a_further_address_changes_nothing)
{
	struct source *s = start();

	if (!s)
		return;
	world_sh("ip addr add 10.0.0.1/24 dev va && ip addr add fd00::1/64 dev va nodad");
	ck_assert(source_follow(s, 1, "va", 4) && source_follow(s, 2, "va", 16));
	ck_assert_str_eq(last(2), "fd00::1");
	h.n = 0;
	world_sh("ip addr add 10.0.0.2/24 dev va && ip addr add 10.7.0.1/16 dev va && ip addr add fd00::2/64 dev va nodad");
	world_sh("ip addr add 10.8.0.1/24 dev vb && ip addr add fd08::1/64 dev vb nodad && ip link set va mtu 1400");
	ck_assert_str_eq(last(1), "10.0.0.1");
	ck_assert_str_eq(last(2), "fd00::1");
	ck_assert_uint_eq(h.n, 0);
	stop(s);
}
END_TEST

/* Renumbering: the old prefix is deprecated first, and taken away much later. */
START_TEST(a_deprecated_address_is_left_for_a_better_one)
{
	struct source *s = start();

	if (!s)
		return;
	world_sh("ip addr add fd00::1/64 dev va nodad");
	ck_assert(source_follow(s, 1, "va", 16));
	ck_assert_str_eq(last(1), "fd00::1");
	world_sh("ip addr change fd00::1/64 dev va valid_lft 1000 preferred_lft 0");
	ck_assert_str_eq(last(1), "fd00::1");	/* better than none */
	world_sh("ip addr add fd09::1/64 dev va nodad");
	ck_assert_str_eq(last(1), "fd09::1");
	stop(s);
}
END_TEST

START_TEST(tentative_and_duplicate_addresses_are_not_used)
{
	struct source *s = start();

	if (!s)
		return;
	world_put("/proc/sys/net/ipv6/conf/va/dad_transmits", "3");
	world_put("/proc/sys/net/ipv6/conf/va/accept_dad", "1");
	world_sh("ip addr add fd00::7/64 dev vb nodad");
	ck_assert(source_follow(s, 1, "va", 16));
	world_sh("ip addr add fd00::7/64 dev va");	/* the other end has it */
	world_sh("ip addr add fd00::1/64 dev va");
	if (!world_try("ip -6 addr show dev va tentative | grep -q fd00::1")) {
		printf("skipped: this kernel does not look for duplicate addresses here\n");
		return;
	}
	ck_assert_str_eq(last(1), "-");
	for (int i = 0; i < 100 && h.last[1].n == 0; i++)
		world_spin(&w, QUIET_MS);
	ck_assert_str_eq(last(1), "fd00::1");
	ck_assert(world_try("ip -6 addr show dev va dadfailed | grep -q fd00::7"));
	world_sh("ip addr del fd00::1/64 dev va");
	ck_assert_str_eq(last(1), "-");
	stop(s);
}
END_TEST

START_TEST(link_local_and_host_addresses_are_not_used)
{
	struct source *s = start();

	if (!s)
		return;
	world_sh("ip addr add fe80::9/64 dev va nodad && ip addr add 169.254.3.3/16 scope link dev va");
	ck_assert(source_follow(s, 1, "va", 16) && source_follow(s, 2, "va", 4));
	ck_assert(source_follow(s, 3, "lo", 4) && source_follow(s, 4, "lo", 16));
	for (unsigned t = 1; t <= 4; t++)
		ck_assert_str_eq(last(t), "-");
	world_sh("ip addr add 192.0.2.5/32 dev lo");	/* a loopback address to be reached by: fine */
	ck_assert_str_eq(last(3), "192.0.2.5");
	stop(s);
}
END_TEST

START_TEST(an_interface_may_come_later_and_go)
{
	struct source *s = start();

	if (!s)
		return;
	ck_assert(source_follow(s, 1, "later", 4));
	ck_assert(source_follow(s, 2, "later", 16));
	ck_assert_str_eq(last(1), "-");
	world_sh("ip link add later type veth peer name vl && ip link set later up && ip addr add 10.3.0.1/24 dev later && "
		 "ip addr add fd03::1/64 dev later nodad");
	ck_assert_str_eq(last(1), "10.3.0.1");
	ck_assert_str_eq(last(2), "fd03::1");
	world_sh("ip link del later");
	ck_assert_str_eq(last(1), "-");
	ck_assert_str_eq(last(2), "-");
	world_sh("ip link set va down && ip link set va name later && ip addr add 10.3.0.2/24 dev later");	/* another by that name */
	ck_assert_str_eq(last(1), "10.3.0.2");
	stop(s);
}
END_TEST

/* More news than the socket holds: what was lost is made up for by asking again. */
START_TEST(a_flood_of_news_ends_in_the_truth)
{
	struct source *s = start();

	if (!s)
		return;
	world_sh("ip addr add 10.0.0.1/24 dev va");
	ck_assert(source_follow(s, 1, "va", 4));
	world_sh("for i in $(seq 1 600); do echo addr add 10.20.0.1/24 dev vb; echo addr del 10.20.0.1/24 dev vb; done | ip -batch -");
	world_sh("ip addr flush dev va scope global && ip addr add 10.5.0.1/24 dev va");
	world_sh("for i in $(seq 1 600); do echo addr add 10.20.0.1/24 dev vb; echo addr del 10.20.0.1/24 dev vb; done | ip -batch -");
	ck_assert_str_eq(last(1), "10.5.0.1");
	world_sh("ip addr add 10.6.0.1/24 dev va && ip addr del 10.5.0.1/24 dev va");
	ck_assert_str_eq(last(1), "10.6.0.1");
	stop(s);
}
END_TEST

START_TEST(there_is_a_bound)
{
	struct source *s = start();

	if (!s)
		return;
	for (uint32_t i = 0; i < SOURCES_MAX; i++)
		ck_assert(source_follow(s, i, "va", 4));
	ck_assert(!source_follow(s, SOURCES_MAX, "va", 4));
	world_sh("ip addr add 10.0.0.1/24 dev va");
	for (uint32_t i = 0; i < SOURCES_MAX; i++)
		ck_assert_str_eq(last(i), "10.0.0.1");
	ck_assert_uint_eq(h.of[SOURCES_MAX], 0);
	stop(s);
}
END_TEST

START_TEST(what_is_missing_is_said)
{
	struct rlimit lim, none;
	char err[128];

	world_init(&w);
	w.t.fail_at = 1;
	ck_assert_ptr_null(source_new(&w.host, hear, &h, err, sizeof(err)));
	ck_assert_str_eq(err, "out of memory");
	w.fail_watch = 1;
	ck_assert_ptr_null(source_new(&w.host, hear, &h, err, sizeof(err)));
	ck_assert_str_eq(err, "cannot open a netlink address socket: Cannot allocate memory");
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &lim), 0);
	none = (struct rlimit){ 0, lim.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert_ptr_null(source_new(&w.host, hear, &h, err, sizeof(err)));
	ck_assert_str_eq(err, "cannot open a netlink address socket: Too many open files");
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &lim), 0);	/* the leak checker opens files */
	ck_assert_int_eq(w.t.live, 0);
	source_free(NULL);
}
END_TEST

START_TEST(forgotten)
{
	struct source *s = start();
	unsigned n;

	if (!s)
		return;
	world_sh("ip addr add 192.0.2.1/24 dev va");
	world_spin(&w, QUIET_MS);
	ck_assert(source_follow(s, 1, "va", 4));
	ck_assert(source_follow(s, 2, "va", 4));
	source_forget(s, 1);
	source_forget(s, 7);
	n = h.of[1];
	world_sh("ip addr del 192.0.2.1/24 dev va && ip addr add 192.0.2.9/24 dev va");
	world_spin(&w, QUIET_MS);
	ck_assert_uint_eq(h.of[1], n);
	ck_assert_uint_eq(h.last[2].b[3], 9);
	stop(s);
}
END_TEST

Suite *
suite_source(void)
{
	Suite *s = suite_create("daemon_io/source");
	TCase *c = tcase_create("source");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, the_present_state_is_told_at_once);
	tcase_add_loop_test(c, an_address_comes_changes_and_goes, 0, 2);
	tcase_add_test(c, a_further_address_changes_nothing);
	tcase_add_test(c, a_deprecated_address_is_left_for_a_better_one);
	tcase_add_test(c, tentative_and_duplicate_addresses_are_not_used);
	tcase_add_test(c, link_local_and_host_addresses_are_not_used);
	tcase_add_test(c, an_interface_may_come_later_and_go);
	tcase_add_test(c, a_flood_of_news_ends_in_the_truth);
	tcase_add_test(c, there_is_a_bound);
	tcase_add_test(c, what_is_missing_is_said);
	tcase_add_test(c, forgotten);
	suite_add_tcase(s, c);
	return s;
}
