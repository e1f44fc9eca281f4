#include "mgre/tunnel.h"

#include <errno.h>
#include <stdio.h>

#include "tests/unit/mgre/mgre_test.h"

static struct test_env t;
static struct tunnel *tun;

static void
setup(void)
{
	struct dp_tunnel conf = { .id = 1, .name = "dm0", .n_addr = 2 };

	test_env_init(&t);
	conf.addr[0] = (struct prefix){ A("10.9.0.1"), 24 };
	conf.addr[1] = (struct prefix){ A("fd09::1"), 64 };
	tun = tunnel_new(&t.env, &conf);
	ck_assert_ptr_nonnull(tun);
}

static void
teardown(void)
{
	tunnel_free(tun);
	ck_assert_int_eq(t.live, 0);
}

static int
neigh(const char *proto, uint32_t peer, bool mcast)
{
	struct dp_neigh n = { .tunnel = 1, .peer = peer, .mcast = mcast };

	if (proto)
		n.proto = A(proto);
	return tunnel_neigh_set(tun, &n);
}

static void
gone(const char *proto)
{
	struct addr a = { 0 };

	if (proto)
		a = A(proto);
	tunnel_neigh_del(tun, &a);
}

static bool
gets_copies(uint32_t peer)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < tun->n_mcast; i++)
		n += tun->mcast[i] == peer;
	ck_assert_uint_le(n, 1);
	return n;
}

START_TEST(peers_live_while_something_names_them)
{
	ck_assert_ptr_null(tunnel_peer(tun, 5));
	ck_assert_int_eq(neigh("10.9.0.5", 5, false), 0);
	ck_assert_int_eq(neigh("fd09::5", 5, false), 0);
	tunnel_peer(tun, 5)->st.rx_packets = 7;
	gone("10.9.0.5");
	ck_assert_uint_eq(tunnel_peer(tun, 5)->st.rx_packets, 7);
	gone("fd09::5");
	ck_assert_ptr_null(tunnel_peer(tun, 5));
	gone("fd09::5");
	ck_assert(tunnel_peer_ref(tun, 5));
	ck_assert_uint_eq(tunnel_peer(tun, 5)->st.rx_packets, 0);	/* another peer of that number */
	tunnel_peer_unref(tun, 5);
	tunnel_peer_unref(tun, 5);
	ck_assert(tunnel_peer_ref(tun, 100000));
	ck_assert(!tunnel_peer_ref(tun, DP_PEERS_MAX));
}
END_TEST

START_TEST(a_neighbour_may_change_its_peer)
{
	ck_assert_int_eq(neigh("10.9.0.5", 5, true), 0);
	ck_assert_int_eq(neigh("10.9.0.5", 5, true), 0);
	ck_assert_int_eq(neigh("10.9.0.5", 6, false), 0);
	ck_assert_ptr_null(tunnel_peer(tun, 5));
	ck_assert(!gets_copies(5) && !gets_copies(6));
	struct addr a = A("10.9.0.5");
	ck_assert_uint_eq(tunnel_neigh(tun, &a)->peer, 6);
	ck_assert_uint_eq(tun->neigh.n, 1);
}
END_TEST

START_TEST(copies_go_to_each_peer_once)
{
	for (uint32_t i = 0; i < 100; i++) {
		char a[32];

		snprintf(a, sizeof(a), "10.9.0.%u", i + 2);
		ck_assert_int_eq(neigh(a, i, true), 0);
	}
	ck_assert_int_eq(neigh("fd09::5", 5, true), 0);
	ck_assert_uint_eq(tun->n_mcast, 100);
	gone("10.9.0.7");
	ck_assert(gets_copies(5));	/* by its other address */
	gone("fd09::5");
	ck_assert(!gets_copies(5));
	for (uint32_t i = 0; i < 100; i++)
		ck_assert(i == 5 || gets_copies(i));
	gone("10.9.0.101");	/* peer 99: it had moved into the gap */
	for (uint32_t i = 0; i < 100; i++)
		ck_assert_int_eq(gets_copies(i), i != 5 && i != 99);
	ck_assert_int_eq(neigh("10.9.0.9", 7, false), 0);
	ck_assert(!gets_copies(7));
	ck_assert_uint_eq(tun->n_mcast, 97);
}
END_TEST

START_TEST(one_fallback)
{
	ck_assert_int_eq(neigh(NULL, 3, true), 0);
	ck_assert(tun->has_fallback && tun->fallback.peer == 3 && gets_copies(3));
	ck_assert_int_eq(neigh(NULL, 4, false), 0);
	ck_assert(tun->has_fallback && tun->fallback.peer == 4 && !gets_copies(3));
	ck_assert_ptr_null(tunnel_peer(tun, 3));
	gone(NULL);
	ck_assert(!tun->has_fallback);
	gone(NULL);
	ck_assert_uint_eq(tun->neigh.n, 0);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
	for (long n = 1; n < 20; n++) {
		int rc;

		t.fail_at = n;
		rc = neigh("10.9.0.5", 5, true);
		t.fail_at = 0;
		if (rc == 0)
			return;
		ck_assert_int_eq(rc, -ENOMEM);
		ck_assert_ptr_null(tunnel_peer(tun, 5));
		ck_assert_uint_eq(tun->neigh.n, 0);
		ck_assert_uint_eq(tun->n_mcast, 0);
	}
	ck_abort_msg("never succeeds");
}
END_TEST

START_TEST(own_and_broadcast)
{
	static const struct {
		const char *a;
		bool own, broadcast;
	} c[] = { { "10.9.0.1", true, false }, { "10.9.0.255", false, true }, { "10.9.1.255", false, false },
		{ "255.255.255.255", false, true }, { "10.9.0.2", false, false }, { "fd09::1", true, false },
		{ "fd09::ffff:ffff:ffff:ffff", false, false } };

	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		struct addr a = A(c[i].a);

		ck_assert_int_eq(tunnel_is_own(tun, &a), c[i].own);
		ck_assert_msg(tunnel_is_broadcast(tun, &a) == c[i].broadcast, "%s", c[i].a);
	}
	ck_assert_uint_eq(tunnel_source(tun, true)->n, 16);
	ck_assert_uint_eq(tunnel_source(tun, false)->n, 4);
	tun->conf.n_addr = 1;
	ck_assert_ptr_null(tunnel_source(tun, true));
}
END_TEST

Suite *
tunnel_suite(void)
{
	Suite *s = suite_create("mgre/tunnel");
	TCase *c = tcase_create("tunnel");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, peers_live_while_something_names_them);
	tcase_add_test(c, a_neighbour_may_change_its_peer);
	tcase_add_test(c, copies_go_to_each_peer_once);
	tcase_add_test(c, one_fallback);
	tcase_add_test(c, every_allocation_may_fail);
	tcase_add_test(c, own_and_broadcast);
	suite_add_tcase(s, c);
	return s;
}
