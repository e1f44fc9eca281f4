/* Against the real kernel, in a namespace as kernel.c makes them. */
#include "routing/lookup.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "tests/unit/harness.h"
#include "tests/unit/routing/routing_test.h"

static struct route_answer
look(const char *to)
{
	struct route_answer a;
	struct addr addr;

	ck_assert(addr_parse(to, &addr));
	route_lookup(&addr, &a);
	return a;
}

static void
is(const char *to, const char *dst, const char *via, const char *src)
{
	struct route_answer a = look(to);
	char text[PREFIX_STRLEN];

	ck_assert_msg(a.error == 0, "%s: error %d", to, a.error);
	ck_assert_str_eq(prefix_fmt(&a.route.dst, text), dst);
	ck_assert_str_eq(a.route.via.n ? addr_fmt(&a.route.via, text) : "", via);
	ck_assert_str_eq(a.src.n ? addr_fmt(&a.src, text) : "", src);
	ck_assert_str_eq(a.name, "va");
	ck_assert_uint_eq(a.route.ifindex, if_nametoindex("va"));
}

START_TEST(ways)
{
	if (!in_namespace())
		return;
	sh("ip link set va mtu 1400; ip route add 172.16.0.0/16 via 10.0.0.9 proto 145 metric 30 mtu 1300; ip -6 route add fd77::/32 via fd00::9; ip route add default via 10.0.0.8");
	is("10.0.0.7", "10.0.0.0/24", "", "10.0.0.1");
	is("172.16.5.5", "172.16.0.0/16", "10.0.0.9", "10.0.0.1");
	is("fd77::5", "fd77::/32", "fd00::9", "fd00::1");
	is("192.0.2.1", "0.0.0.0/0", "10.0.0.8", "10.0.0.1");
	ck_assert_uint_eq(look("172.16.5.5").protocol, 145);
	ck_assert_uint_eq(look("172.16.5.5").route.metric, 30);
	ck_assert_uint_eq(look("172.16.5.5").route.mtu, 1300);
	ck_assert_uint_eq(look("172.16.5.5").link_mtu, 1400);
	ck_assert_int_eq(look("10.0.0.1").route.kind, RIB_LOCAL);
	sh("ip route add 172.17.0.0/16 nexthop via 10.0.0.4 nexthop via 10.0.0.5");
	is("172.17.0.1", "172.17.0.0/16", "10.0.0.4", "10.0.0.1");
}
END_TEST

START_TEST(no_way)
{
	if (!in_namespace())
		return;
	sh("ip route add blackhole 172.16.0.0/16; ip route add prohibit 172.17.0.0/16; ip route add unreachable 172.18.0.0/16");
	ck_assert_int_eq(look("192.0.2.1").error, ENETUNREACH);
	ck_assert(look("172.16.0.1").error == EINVAL || look("172.16.0.1").route.kind == RIB_REJECT);
	ck_assert(look("172.17.0.1").error == EACCES || look("172.17.0.1").route.kind == RIB_REJECT);
	ck_assert(look("172.18.0.1").error == EHOSTUNREACH || look("172.18.0.1").route.kind == RIB_REJECT);
	ck_assert_int_ne(look("fd99::1").error, 0);
}
END_TEST

START_TEST(next_hops)
{
	struct addr hop, six;

	if (!in_namespace())
		return;
	ck_assert(addr_parse("10.0.0.9", &hop) && addr_parse("fd00::9", &six));
	ck_assert_int_eq(neigh_lookup(if_nametoindex("va"), &hop), 0);
	sh("ip neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev va nud permanent; ip neigh add fd00::9 lladdr 02:00:00:00:00:09 dev va nud permanent");
	ck_assert_int_eq(neigh_lookup(if_nametoindex("va"), &hop), 1);
	ck_assert_int_eq(neigh_lookup(if_nametoindex("va"), &six), 1);
	ck_assert_int_eq(neigh_lookup(if_nametoindex("vb"), &hop), 0);
	sh("ip neigh replace 10.0.0.9 dev va nud failed");
	ck_assert_int_eq(neigh_lookup(if_nametoindex("va"), &hop), 0);
	ck_assert_int_lt(neigh_lookup(9999, &hop), 0);
}
END_TEST

Suite *suite_lookup(void);

Suite *
suite_lookup(void)
{
	Suite *s = suite_create("routing/lookup");
	TCase *c = tcase_create("lookup");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, ways);
	tcase_add_test(c, no_way);
	tcase_add_test(c, next_hops);
	suite_add_tcase(s, c);
	return s;
}
