#include "xfrm/sa.h"

#include <errno.h>

#include "tests/unit/xfrm/xfrm_test.h"

static struct test_env t;
static struct sadb db;
static const tick_t T0 = TICK_S(1000);

static void
setup(void)
{
	test_env_init(&t);
	sadb_init(&db, &t.env, 32);
}

static void
teardown(void)
{
	sadb_fini(&db);
	ck_assert_int_eq(t.live, 0);
}

static struct dp_sa
conf(uint32_t spi, uint32_t peer)
{
	struct dp_sa sa = { .tunnel = 1, .peer = peer, .spi_in = spi, .spi_out = spi + 1000, .encap = true, .active = true };

	addr_parse("192.0.2.1", &sa.local.addr);
	addr_parse("198.51.100.7", &sa.remote.addr);
	sa.local.port = sa.remote.port = 4500;
	sa.keys = (struct dp_sa_keys){ .encr = 20, .encr_bits = 128, .encr_len = 20 };
	memset(sa.keys.encr_in, (int)spi, 20);
	memset(sa.keys.encr_out, (int)spi + 1, 20);
	return sa;
}

static struct xsa *
add(const struct dp_sa *c)
{
	struct xsa *sa = NULL;

	ck_assert_int_eq(sadb_add(&db, T0, c, &sa), 0);
	return sa;
}

static enum dp_event_kind
next_event(uint32_t *spi)
{
	struct dp_event ev;

	if (!sadb_event(&db, &ev))
		return DP_EV_LINK;	/* none */
	*spi = ev.spi_in;
	return ev.kind;
}

START_TEST(found_by_spi_and_by_peer)
{
	struct dp_sa a = conf(5000, 3), b = conf(5001, 4);
	struct xsa *sa = add(&a), *sb = add(&b);
	struct dp_sa said = sadb_as_added(sa);
	struct addr other;

	addr_parse("198.51.100.8", &other);
	ck_assert_ptr_eq(sadb_find(&db, 5000), sa);
	ck_assert_ptr_null(sadb_find(&db, 6000));
	ck_assert_ptr_eq(sadb_peer(&db, 1, 4)->active, sb);
	ck_assert_ptr_null(sadb_peer(&db, 2, 4));
	ck_assert_ptr_eq(sadb_find_sent(&db, 6000, &a.remote.addr), sa);
	ck_assert_ptr_null(sadb_find_sent(&db, 6000, &other));
	for (size_t i = 0; i < DP_KEY_MAX; i++)
		ck_assert_uint_eq(said.keys.encr_in[i] | said.keys.encr_out[i], 0);
	ck_assert(said.spi_out == a.spi_out && said.active == (sa->peer->active == sa) && endpoint_eq(&said.remote, &a.remote));
	ck_assert(said.keys.encr == a.keys.encr && said.keys.encr_bits == a.keys.encr_bits && said.keys.integ == a.keys.integ);
}
END_TEST

START_TEST(adding_again_keeps_the_numbers)
{
	struct dp_sa a = conf(5000, 3);
	struct xsa *sa = add(&a), *again;

	sa->out.seq = 77;
	ck_assert_int_eq(sadb_add(&db, T0, &a, &again), 0);
	ck_assert_ptr_eq(again, sa);
	ck_assert_uint_eq(sa->out.seq, 77);
	a.spi_out++;
	ck_assert_int_eq(sadb_add(&db, T0, &a, &again), -EEXIST);
	a = conf(5000, 4);
	ck_assert_int_eq(sadb_add(&db, T0, &a, &again), -EEXIST);
}
END_TEST

START_TEST(the_last_activated_sends)
{
	struct dp_sa a = conf(5000, 3), b = conf(5001, 3), c = conf(5002, 3);
	struct xsa *sa, *sb, *sc;

	b.active = c.active = false;
	sa = add(&a), sb = add(&b), sc = add(&c);
	ck_assert_ptr_eq(sa->peer->active, sa);
	sadb_activate(&db, sb);
	ck_assert_ptr_eq(sa->peer->active, sb);
	sadb_del(&db, sb);
	ck_assert_ptr_eq(sa->peer->active, sa);	/* and not one never activated */
	sadb_del(&db, sa);
	ck_assert_ptr_null(sc->peer->active);
	sadb_activate(&db, sc);
	ck_assert_ptr_eq(sc->peer->active, sc);
}
END_TEST

static struct xsa *
add_for(uint32_t spi, uint8_t local, uint8_t remote)
{
	struct dp_selectors sel = { .n_local = 1, .n_remote = 1, .set = (uint32_t)local << 8 | remote };
	struct dp_sa c = conf(spi, 5);

	sel.local[0] = (struct dp_range){ .lo = { 4, { 10, local } }, .hi = { 4, { 10, local, 255, 255 } } };
	sel.remote[0] = (struct dp_range){ .lo = { 4, { 10, remote } }, .hi = { 4, { 10, remote, 255, 255 } } };
	c.sel = &sel;
	return add(&c);
}

/* A set of TCP's, and one of all, in either order; of two sets that allow a packet the first one carries it, whichever SA is newer. */
static struct xsa *
add_ordered(uint32_t spi, uint8_t order, uint8_t proto)
{
	struct dp_selectors sel = { .n_local = 1, .n_remote = 1, .set = 100u + order, .order = order };
	struct dp_sa c = conf(spi, 5);

	sel.local[0] = (struct dp_range){ .lo = { 4, { 10, 1 } }, .hi = { 4, { 10, 1, 255, 255 } }, .proto = proto };
	sel.remote[0] = (struct dp_range){ .lo = { 4, { 10, 2 } }, .hi = { 4, { 10, 2, 255, 255 } }, .proto = proto };
	c.sel = &sel;
	return add(&c);
}

START_TEST(the_first_set_that_allows_it_sends)
{
	uint8_t ip[40] = { 0x45, [9] = 6, [12] = 10, 1, 0, 1, 10, 2, 0, 1 };
	struct span p = span_of(ip, sizeof(ip));
	struct xsa *tcp = add_ordered(1001, 3, 6), *all = add_ordered(1002, 7, 0), *again;
	struct xpeer *peer = sadb_peer(&db, 1, 5);

	ck_assert_ptr_eq(peer->active, all);
	ck_assert_ptr_eq(sadb_for(peer, 4, p), tcp);
	again = add_ordered(1003, 3, 6);
	ck_assert_ptr_eq(sadb_for(peer, 4, p), again);
	ip[9] = 17;
	ck_assert_ptr_eq(sadb_for(peer, 4, p), all);
	ip[9] = 6;
	sadb_del(&db, tcp);
	sadb_del(&db, again);
	ck_assert_ptr_eq(sadb_for(peer, 4, p), all);
}
END_TEST

static struct xsa *
sent_on(uint8_t src, uint8_t dst)
{
	uint8_t ip[20] = { 0x45, [12] = 10, src, 0, 1, 10, dst, 0, 1 };

	return sadb_for(sadb_peer(&db, 1, 5), 4, span_of(ip, sizeof(ip)));
}

/* Several sets of selectors side by side: each packet on the newest active SA that allows it, and on none else. */
START_TEST(the_sa_that_allows_it_sends)
{
	struct xsa *a = add_for(1001, 1, 2), *b = add_for(1002, 1, 3), *again;

	ck_assert_ptr_eq(sent_on(1, 2), a);
	ck_assert_ptr_eq(sent_on(1, 3), b);
	ck_assert_ptr_null(sent_on(1, 4));
	ck_assert_ptr_null(sent_on(2, 2));
	again = add_for(1003, 1, 2);	/* rekeyed */
	ck_assert_ptr_eq(sent_on(1, 2), again);
	ck_assert_ptr_eq(sent_on(1, 3), b);
	sadb_activate(&db, a);
	ck_assert_ptr_eq(sent_on(1, 2), a);
	sadb_del(&db, a);
	ck_assert_ptr_eq(sent_on(1, 2), again);
	again->stopped = true;
	ck_assert_ptr_null(sent_on(1, 2));
	ck_assert_ptr_eq(sent_on(1, 3), b);
}
END_TEST

START_TEST(what_cannot_be_is_refused)
{
	struct xsa *sa;

	for (int i = 0; i < 8; i++) {
		struct dp_sa a = conf(5000, 3);

		switch (i) {
		case 0: a.spi_in = 255; break;
		case 1: a.spi_out = 0; break;
		case 2: a.keys.encr_len = 16; break;
		case 3: a.keys.encr_bits = 64; break;
		case 4: a.keys.integ = 12; break;
		case 5: a.remote.addr.n = 0; break;
		case 6: a.local.addr.n = 16; break;
		case 7: a.remote.port = 0; break;
		}
		ck_assert_msg(sadb_add(&db, T0, &a, &sa) == -EINVAL, "case %d", i);
	}
	ck_assert_uint_eq(db.n, 0);
	ck_assert_uint_eq(db.peers.n, 0);
}
END_TEST

START_TEST(one_peer_has_a_bound)
{
	struct xsa *sa;
	struct dp_sa a;

	for (uint32_t i = 0; i < SADB_PEER_SAS_MAX; i++) {
		a = conf(5000 + i, 3);
		add(&a);
	}
	a = conf(9000, 3);
	ck_assert_int_eq(sadb_add(&db, T0, &a, &sa), -ENOSPC);
	a = conf(9000, 4);
	add(&a);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
	struct dp_sa a = conf(5000, 3);
	struct xsa *sa;
	int rc;

	for (long n = 1; n < 50; n++) {
		t.fail_at = n;
		rc = sadb_add(&db, T0, &a, &sa);
		t.fail_at = 0;
		if (rc == 0)
			break;
		ck_assert_int_eq(rc, -ENOMEM);
		ck_assert_uint_eq(db.n, 0);
		ck_assert_uint_eq(db.peers.n, 0);
		ck_assert_ptr_null(sadb_find(&db, 5000));
	}
	ck_assert_int_eq(rc, 0);
}
END_TEST

START_TEST(limits_by_packets_and_octets)
{
	struct dp_sa a = conf(5000, 3), b = conf(5001, 4);
	struct xsa *sa, *sb;
	uint32_t spi = 0;

	a.life = (struct dp_life){ .soft_packets = 2, .hard_packets = 4 };
	b.life = (struct dp_life){ .soft_bytes = 100, .hard_bytes = 200 };
	sa = add(&a), sb = add(&b);
	sadb_sent(&db, sa, T0, 10);
	ck_assert_int_eq(next_event(&spi), DP_EV_LINK);
	sadb_sent(&db, sa, T0, 10);
	ck_assert_int_eq(next_event(&spi), DP_EV_SA_SOFT);
	ck_assert_uint_eq(spi, 5000);
	sadb_sent(&db, sa, T0, 10);
	ck_assert_int_eq(next_event(&spi), DP_EV_LINK);	/* once */
	sadb_sent(&db, sa, T0, 10);
	ck_assert_int_eq(next_event(&spi), DP_EV_SA_HARD);
	ck_assert(sa->stopped);
	ck_assert_ptr_null(sa->peer->active);
	sadb_received(&db, sb, T0, 250, true, NULL, NULL);
	ck_assert_int_eq(next_event(&spi), DP_EV_SA_USED);
	ck_assert_int_eq(next_event(&spi), DP_EV_SA_SOFT);
	ck_assert_int_eq(next_event(&spi), DP_EV_SA_HARD);
	ck_assert_uint_eq(spi, 5001);
	ck_assert_int_eq(next_event(&spi), DP_EV_LINK);
}
END_TEST

START_TEST(limits_by_time)
{
	struct dp_sa a = conf(5000, 3);
	uint32_t spi;

	a.life = (struct dp_life){ .soft_s = 10, .hard_s = 20 };
	add(&a);
	ck_assert_uint_eq(timers_next(&db.timers), T0 + TICK_S(10));
	sadb_tick(&db, T0 + TICK_S(9));
	ck_assert_int_eq(next_event(&spi), DP_EV_LINK);
	sadb_tick(&db, T0 + TICK_S(10));
	ck_assert_int_eq(next_event(&spi), DP_EV_SA_SOFT);
	ck_assert_uint_eq(timers_next(&db.timers), T0 + TICK_S(20));
	sadb_tick(&db, T0 + TICK_S(20));
	ck_assert_int_eq(next_event(&spi), DP_EV_SA_HARD);
	ck_assert_uint_eq(timers_next(&db.timers), TICK_NEVER);
}
END_TEST

START_TEST(the_end_of_the_numbers_is_told_early)
{
	struct dp_sa a = conf(5000, 3);
	struct xsa *sa = add(&a);
	uint32_t spi;

	sa->out.seq = UINT32_MAX - SADB_SEQ_SOFT;
	sadb_sent(&db, sa, T0, 10);
	ck_assert_int_eq(next_event(&spi), DP_EV_SA_SOFT);
	sa->out.seq = UINT32_MAX;
	sadb_sent(&db, sa, T0, 10);
	ck_assert_int_eq(next_event(&spi), DP_EV_SA_HARD);
}
END_TEST

START_TEST(moving_needs_a_newer_packet)
{
	struct dp_sa a = conf(5000, 3);
	struct xsa *sa = add(&a);
	struct endpoint there = a.remote;
	struct dp_event ev;
	uint32_t spi;

	sadb_received(&db, sa, T0, 10, true, &a.local, &a.remote);
	ck_assert_int_eq(next_event(&spi), DP_EV_SA_USED);
	ck_assert_int_eq(next_event(&spi), DP_EV_LINK);
	there.port = 40000;
	sadb_received(&db, sa, T0, 10, false, &a.local, &there);	/* late, not newer */
	ck_assert_int_eq(next_event(&spi), DP_EV_LINK);
	sadb_received(&db, sa, T0, 10, true, &a.local, &there);
	ck_assert(sadb_event(&db, &ev));
	ck_assert_int_eq(ev.kind, DP_EV_SA_MOVED);
	ck_assert(endpoint_eq(&ev.remote, &there));
	sadb_received(&db, sa, T0 + 1000, 10, true, &a.local, &there);
	ck_assert_int_eq(next_event(&spi), DP_EV_LINK);	/* told */
	sadb_received(&db, sa, T0 + TICK_S(2), 10, true, &a.local, &there);
	ck_assert_int_eq(next_event(&spi), DP_EV_SA_MOVED);	/* and again, unheard */
	sadb_move(&db, sa, &a.local, &there, true);
	sadb_received(&db, sa, T0 + TICK_S(9), 10, true, &a.local, &there);
	ck_assert_int_eq(next_event(&spi), DP_EV_LINK);
	sadb_received(&db, sa, T0 + TICK_S(9), 10, true, &a.local, NULL);	/* native */
	ck_assert_int_eq(next_event(&spi), DP_EV_LINK);
}
END_TEST

START_TEST(events_of_a_deleted_sa_are_gone)
{
	struct dp_sa a = conf(5000, 3), b = conf(5001, 3), c = conf(5002, 3);
	struct xsa *sa = add(&a), *sb = add(&b), *sc = add(&c);
	uint32_t spi;

	sadb_received(&db, sa, T0, 1, true, NULL, NULL);
	sadb_received(&db, sb, T0, 1, true, NULL, NULL);
	sadb_received(&db, sc, T0, 1, true, NULL, NULL);
	sadb_del(&db, sb);
	ck_assert_int_eq(next_event(&spi), DP_EV_SA_USED);
	ck_assert_uint_eq(spi, 5000);
	sadb_del(&db, sc);
	ck_assert_int_eq(next_event(&spi), DP_EV_LINK);
	sadb_received(&db, sa, T0, 1, true, NULL, NULL);
	ck_assert_int_eq(next_event(&spi), DP_EV_LINK);
}
END_TEST

START_TEST(sizes_follow_path_and_sa)
{
	struct dp_sa a = conf(5000, 3);
	struct xsa *sa = add(&a);

	pmtud_start(&sa->peer->path, T0, 1500, SADB_PMTU_MIN4);
	sadb_path_changed(sa->peer);
	ck_assert_uint_eq(sa->peer->payload_max, 1438);	/* 1430 inside, with a GRE key */
	addr_parse("2001:db8::1", &a.remote.addr);
	addr_parse("2001:db8::2", &a.local.addr);
	sadb_move(&db, sa, &a.local, &a.remote, true);
	ck_assert_uint_eq(sa->peer->payload_max, 1418);
	sadb_move(&db, sa, &a.local, &a.remote, false);
	ck_assert_uint_eq(sa->peer->payload_max, 1426);
}
END_TEST

START_TEST(spis_do_not_repeat)
{
	uint32_t spi[200];

	for (int i = 0; i < 200; i++) {
		spi[i] = sadb_spi_alloc(&db);
		ck_assert_uint_ge(spi[i], 256);
		for (int j = 0; j < i; j++)
			ck_assert_uint_ne(spi[i], spi[j]);
	}
}
END_TEST

Suite *
sa_suite(void)
{
	Suite *s = suite_create("xfrm/sa");
	TCase *c = tcase_create("sa");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, found_by_spi_and_by_peer);
	tcase_add_test(c, adding_again_keeps_the_numbers);
	tcase_add_test(c, the_last_activated_sends);
	tcase_add_test(c, the_sa_that_allows_it_sends);
	tcase_add_test(c, the_first_set_that_allows_it_sends);
	tcase_add_test(c, what_cannot_be_is_refused);
	tcase_add_test(c, one_peer_has_a_bound);
	tcase_add_test(c, every_allocation_may_fail);
	tcase_add_test(c, limits_by_packets_and_octets);
	tcase_add_test(c, limits_by_time);
	tcase_add_test(c, the_end_of_the_numbers_is_told_early);
	tcase_add_test(c, moving_needs_a_newer_packet);
	tcase_add_test(c, events_of_a_deleted_sa_are_gone);
	tcase_add_test(c, sizes_follow_path_and_sa);
	tcase_add_test(c, spis_do_not_repeat);
	suite_add_tcase(s, c);
	return s;
}
