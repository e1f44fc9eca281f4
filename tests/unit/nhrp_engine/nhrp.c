/* Twin of nhrpd/engine/nhrp.c, peer.c, cache.c, route.c and show.c: bad days. Memory that runs out at every place, packets
 * that are garbage, queues that are full, a whole life over IPv6, and what show tells. */
#include "tests/unit/nhrp_engine/bench.h"

static struct world w;

/* ---- the n-th allocation fails */

static void
life(struct world *x)
{
	struct node *hub = &x->node[0], *a = &x->node[1], *b = &x->node[2];

	node_redirect(hub, a, b, "10.2.0.5", "10.3.0.9");
	node_redirect(hub, b, a, "10.3.0.9", "10.2.0.5");
	world_run(x, TICK_S(2));
	node_route(b, "10.3.0.128/25", NHRP_RT_NBMA, "10.255.0.1");
	world_run(x, TICK_S(2));
	world_sa_down(x, a, b);
	world_run(x, TICK_S(2));
}

START_TEST(every_allocation_may_fail)
{
	size_t routes[3];
	long total;

	trio_conf(&w, NULL, NULL);
	trio_start(&w);
	life(&w);
	total = w.t.allocs;
	for (unsigned i = 0; i < 3; i++)
		routes[i] = w.node[i].n->routes.n;
	world_free(&w);
	ck_assert_int_gt(total, 50);
	for (long i = 1; i <= total; i++) {
		trio_conf(&w, NULL, NULL);
		w.t.fail_at = i + 3;	/* nhrp_new() itself is tried below */
		trio_start(&w);
		life(&w);
		w.t.fail_at = 0;
		world_run(&w, TICK_S(400));	/* and it heals */
		node_redirect(&w.node[0], &w.node[1], &w.node[2], "10.2.0.5", "10.3.0.9");
		world_run(&w, TICK_S(2));
		ck_assert_msg(strcmp(node_nhs_state(&w.node[1], 0), "registered") == 0, "allocation %ld", i);
		for (unsigned k = 0; k < 3; k++)
			ck_assert_uint_eq(w.node[k].n->routes.n, routes[k]);
		ck_assert_msg(strcmp(node_shortcut(&w.node[1], "10.3.0.9").state, "up") == 0, "allocation %ld: %s, %s", i,
		    node_shortcut(&w.node[1], "10.3.0.9").state, node_shortcut(&w.node[1], "10.3.0.9").reason);
		world_free(&w);
	}
}
END_TEST

START_TEST(no_memory_for_the_engine)
{
	struct nhrp_conf conf = { .n_own = 1, .n_map = 200, .n_nhs = 200, .auth_len = 99 };
	struct test_env t;
	struct nhrp *n;

	test_env_init(&t);
	t.fail_at = 1;
	ck_assert(nhrp_new(&conf, &t.env) == NULL);
	conf.own[0] = (struct prefix){ A("10.0.0.1"), 24 };
	n = nhrp_new(&conf, &t.env);	/* counts beyond the arrays are cut */
	ck_assert(n != NULL);
	nhrp_free(n);
	nhrp_free(NULL);
	ck_assert_int_eq(t.live, 0);
}
END_TEST

/* ---- garbage */

static struct bench b;

static void
busy_bench(void)
{
	struct nhrp_packet p = pkt(NHRP_REGISTRATION_REQUEST, "198.51.100.2", "10.255.0.2", "10.255.0.1");

	bench_init(&b, "10.255.0.1/24", NULL);
	b.conf.shortcut = b.conf.redirect = true;
	b.conf.n_nhs = 1;
	b.conf.nhs[0].family = 4;
	strcpy(b.conf.nhs[0].name, "203.0.113.1");
	bench_start(&b);
	bench_nhs_up(&b, "10.255.0.254");
	bench_peer(&b, 5, "198.51.100.2", "a");
	bench_peer(&b, 6, "198.51.100.3", "b");
	bench_rx(&b, 5, "198.51.100.2", &p);
	bench_route(&b, "10.0.0.0/8", NHRP_RT_NBMA, "10.255.0.254");
	bench_route(&b, "10.1.0.0/16", NHRP_RT_OUT, NULL);
	bench_route(&b, "10.2.0.0/16", NHRP_RT_NBMA, "10.255.0.2");
}

static struct nhrp_packet
any_packet(void)
{
	static const char *const addr[] = { "10.255.0.1", "10.255.0.2", "10.255.0.3", "10.1.0.9", "10.2.0.9", "10.9.0.9", "10.255.0.254",
		"0.0.0.0" };
#define ANY addr[env_random_below(&b.t.env, 8)]
	struct nhrp_packet p = pkt((uint8_t)(1 + env_random_below(&b.t.env, 8)), "198.51.100.2", ANY, ANY);
	static const uint16_t ext[] = { 3, 4, 5, 7, 8, 9, 0x300 };
	struct nhrp_cie c = cie_of(0, (uint8_t)env_random_below(&b.t.env, 40), ANY, ANY, 60);

	p.flags = (uint16_t)env_random32(&b.t.env);
	p.hops = (uint8_t)env_random_below(&b.t.env, 3);
	if (b.n->next_id && env_random_below(&b.t.env, 2))
		p.request_id = b.n->next_id - env_random_below(&b.t.env, 8);
	if (p.n_cie)
		p.cie[0] = c;
	if (p.n_cie)
		p.cie[0].code = (uint8_t)(env_random_below(&b.t.env, 3) == 0 ? 12 : 0);
	if (p.type >= NHRP_ERROR_INDICATION)
		p.payload = span_of(b.raw, b.raw_n < 200 ? b.raw_n : 200);
	for (unsigned i = 0; i < 7; i++) {
		if (env_random_below(&b.t.env, 2))
			pkt_ext(&p, ext[i], env_random_below(&b.t.env, 2), env_random_below(&b.t.env, 2) ? cies(&c, 1) : SPAN_STR(""));
	}
	return p;
}

START_TEST(garbage_in)
{
	static uint8_t copy[1600];

	busy_bench();
	for (unsigned i = 0; i < 60000; i++) {
		struct nhrp_packet p = any_packet();
		struct wr wr = wr_of(copy, sizeof(copy));
		size_t len = nhrp_packet_build(&wr, &p);
		uint32_t peer = 1 + 4 * env_random_below(&b.t.env, 2) + env_random_below(&b.t.env, 2);

		if (len && env_random_below(&b.t.env, 3) == 0) {	/* break something, and mend the checksum */
			copy[env_random_below(&b.t.env, (uint32_t)len)] = (uint8_t)env_random32(&b.t.env);
			put_be16(copy + 12, 0);
			put_be16(copy + 12, nhrp_checksum(span_of(copy, len)));
		}
		bench_raw(&b, peer, "198.51.100.2", span_of(copy, len));
		if (len && len <= sizeof(b.raw)) {
			memcpy(b.raw, copy, len);
			b.raw_n = len;
		}
		if (i % 4 == 0)
			bench_answer(&b, i % 8 == 0);
		if (i % 16 == 0)
			bench_run(&b, TICK_MS(env_random_below(&b.t.env, 4000)));
		if (i % 1024 == 0) {
			bench_peer_down(&b, 5 + i / 1024 % 2);
			bench_peer(&b, 5 + i / 1024 % 2, "198.51.100.2", "a");
		}
		if (i % 32 == 0)
			bench_clear(&b);
	}
	bench_free(&b);
}
END_TEST

/* ---- no room */

START_TEST(full_queue)
{
	struct nhrp_packet p = pkt(NHRP_REGISTRATION_REQUEST, "198.51.100.2", "10.255.0.2", "10.255.0.1");
	struct outq small;
	struct nhrp_rx rx = { .peer = 5 };

	bench_init(&b, "10.255.0.1/24", NULL);
	b.conf.n_nhs = 8;
	for (unsigned i = 0; i < 8; i++) {
		b.conf.nhs[i].family = 4;
		strcpy(b.conf.nhs[i].name, "hub");
	}
	b.n = nhrp_new(&b.conf, &b.t.env);
	ck_assert(outq_init(&b.q, &b.t.env, sizeof(struct nhrp_act), 512, 512 * 1500));
	ck_assert(outq_init(&small, &b.t.env, sizeof(struct nhrp_act), ROOM_ITEMS + 2, ROOM_OCTETS));
	nhrp_tick(b.n, b.now, &small);
	ck_assert_uint_lt(small.n, 8);	/* not all */
	ck_assert_uint_le(nhrp_deadline(b.n), b.now);	/* the rest is still due */
	nhrp_tick(b.n, b.now, &b.q);
	ck_assert_uint_eq(small.n + b.q.n, 8);
	ck_assert_uint_gt(nhrp_deadline(b.n), b.now);
	bench_peer(&b, 5, "198.51.100.2", "a");
	bench_rx(&b, 5, "198.51.100.2", &p);
	rx.packet = span_of(b.raw, b.raw_n);
	rx.remote.addr = A("198.51.100.2");
	ck_assert_int_eq(nhrp_rx(b.n, b.now, &rx, &small), NHRP_DROP_ROOM);
	outq_fini(&small, &b.t.env);
	bench_free(&b);
}
END_TEST

START_TEST(peers_change_identity_under_a_number)
{
	struct nhrp_packet p = pkt(NHRP_REGISTRATION_REQUEST, "198.51.100.2", "10.255.0.2", "10.255.0.1");

	bench_init(&b, "10.255.0.1/24", NULL);
	bench_start(&b);
	bench_peer(&b, 5, "198.51.100.2", "a");
	bench_rx(&b, 5, "198.51.100.2", &p);
	bench_clear(&b);
	bench_peer(&b, 5, "198.51.100.2", "a");	/* again the same */
	ck_assert_uint_eq(b.q.n, 0);
	bench_peer(&b, 5, "198.51.100.2", "z");
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_NEIGH_DEL), 1);
	ck_assert_uint_eq(nhrp_peer_protos(b.n, 5, NULL, 0), 0);
	bench_peer_down(&b, 77);
	bench_free(&b);
}
END_TEST

/* ---- IPv6 over IPv4 and over IPv6 */

static void
six(const char *hub_nbma, const char *a_nbma, const char *b_nbma)
{
	struct node *hub, *a, *s;

	world_init(&w);
	hub = world_node(&w, "2001:db8:ff::1/64", hub_nbma, NULL);
	a = world_node(&w, "2001:db8:ff::2/64", a_nbma, NULL);
	s = world_node(&w, "2001:db8:ff::3/64", b_nbma, NULL);
	hub->conf.redirect = true;
	a->conf.shortcut = s->conf.shortcut = true;
	node_nhs(a, NULL, hub_nbma, 0);
	node_nhs(s, "2001:db8:ff::1", hub_nbma, 0);
	for (unsigned i = 0; i < 3; i++)
		node_start(&w.node[i]);
	node_route(hub, "2001:db8:ff::/64", NHRP_RT_NBMA, NULL);
	node_route(hub, "2001:db8:3::/48", NHRP_RT_NBMA, "2001:db8:ff::3");
	node_route(a, "2001:db8:2::/48", NHRP_RT_OUT, NULL);
	node_route(a, "::/0", NHRP_RT_NBMA, "2001:db8:ff::1");
	node_route(s, "2001:db8:3::/48", NHRP_RT_OUT, NULL);
	world_run(&w, TICK_S(2));
	ck_assert_str_eq(node_nhs_state(s, 0), "registered");
	node_redirect(hub, a, s, "2001:db8:2::5", "2001:db8:3::9");
	world_run(&w, TICK_S(2));
	ck_assert_str_eq(node_shortcut(a, "2001:db8:3::9").state, "up");
	ck_assert(node_rt(a, "2001:db8:3::/48") != NULL);
	ck_assert(node_neigh(a, "2001:db8:ff::3") != NULL);
	world_free(&w);
}

START_TEST(overlay_of_ipv6)
{
	six("192.0.2.1", "198.51.100.2", "198.51.100.3");
	six("2001:db8:ffff::1", "2001:db8:ffff::2", "2001:db8:ffff::3");
}
END_TEST

/* ---- show */

static bool
count(void *ctx, const struct nhrp_cache_info *i)
{
	unsigned *n = ctx;

	n[i->type]++;
	ck_assert(i->identity && i->reason);
	ck_assert(nhrp_cache_type_name(i->type)[0]);
	return true;
}

static bool
count_n(void *ctx, const struct nhrp_cache_info *i)
{
	(void)i;
	return --*(unsigned *)ctx;
}

START_TEST(what_show_tells)
{
	unsigned n[8] = { 0 }, left = 1;
	struct nhrp_cache_info protos[4];
	struct node *a;

	trio(&w, NULL, "203.0.113.3");
	a = &w.node[1];
	node_redirect(&w.node[0], a, &w.node[2], "10.2.0.5", "10.3.0.9");
	node_traffic(a, NULL, "10.99.0.1");
	world_run(&w, TICK_S(2));
	w.cut[1][0] = true;
	node_traffic(a, NULL, "10.98.0.1");
	nhrp_visit_cache(a->n, NULL, count, n);
	ck_assert_uint_eq(n[NHRP_CT_LOCAL], 1);
	ck_assert_uint_eq(n[NHRP_CT_NHS], 1);
	ck_assert_uint_eq(n[NHRP_CT_CACHED], 2);	/* the partner, and its prefix */
	ck_assert_uint_eq(n[NHRP_CT_NEGATIVE], 1);
	ck_assert_uint_eq(n[NHRP_CT_INCOMPLETE], 1);
	nhrp_visit_cache(a->n, NULL, count_n, &left);
	ck_assert_uint_eq(left, 0);
	ck_assert(node_cache(a, "10.255.0.3").installed);
	ck_assert(node_cache(&w.node[0], "10.255.0.3").natted);
	ck_assert(node_cache(&w.node[0], "10.255.0.3").unique);
	ck_assert_uint_eq(nhrp_peer_protos(w.node[0].n, w.node[0].peer_of[2], protos, 4), 1);
	ck_assert_str_eq(protos[0].identity, "192.168.1.3");
	ck_assert_uint_eq(nhrp_peer_protos(w.node[0].n, 4711, protos, 4), 0);
	ck_assert_uint_eq(nhrp_count_type(w.node[0].n, NHRP_RX, NHRP_REGISTRATION_REQUEST), 2);
	ck_assert_uint_eq(nhrp_count_type(w.node[0].n, NHRP_TX, NHRP_TRAFFIC_INDICATION), 1);
	ck_assert_uint_eq(nhrp_count_type(a->n, NHRP_RX, 200), 0);
	ck_assert_uint_eq(nhrp_count_drop(a->n, NHRP_DROPS_N), 0);
	ck_assert_str_eq(nhrp_cache_type_name(NHRP_CT_DYNAMIC), "dynamic");
	ck_assert_str_eq(nhrp_cache_type_name((enum nhrp_cache_type)99), "none");
	world_free(&w);
}
END_TEST

/* ---- routes */

START_TEST(routes_change_their_kind)
{
	struct addr lan = A("10.3.0.1");

	bench_init(&b, "10.255.0.1/24", NULL);
	bench_start(&b);
	bench_route(&b, "10.3.0.1/32", NHRP_RT_LOCAL, NULL);
	ck_assert(route_local(b.n, &lan));
	bench_route(&b, "10.3.0.1/32", NHRP_RT_OUT, NULL);
	ck_assert(!route_local(b.n, &lan));
	ck_assert(route_behind(b.n, &lan));
	bench_route(&b, "10.3.0.1/32", NHRP_RT_LOCAL, NULL);
	ck_assert(route_local(b.n, &lan));
	ck_assert(route_find(b.n, &lan, NULL) == NULL);
	bench_event(&b, &(struct nhrp_event){ .kind = NHRP_EV_ROUTE_GONE, .prefix = P("10.3.0.1/32") });
	bench_event(&b, &(struct nhrp_event){ .kind = NHRP_EV_ROUTE_GONE, .prefix = P("10.3.0.1/32") });
	ck_assert(!route_local(b.n, &lan));
	bench_event(&b, &(struct nhrp_event){ .kind = NHRP_EV_ROUTE });	/* no address at all */
	b.t.fail_at = 1;
	bench_route(&b, "10.4.0.0/16", NHRP_RT_OUT, NULL);	/* no memory now: later */
	b.t.fail_at = 2;
	bench_route(&b, "10.5.0.0/16", NHRP_RT_OUT, NULL);
	ck_assert_uint_eq(b.n->n_late, 2);
	ck_assert_uint_eq(b.n->routes.n, 0);
	bench_event(&b, &(struct nhrp_event){ .kind = NHRP_EV_ROUTE_GONE, .prefix = P("10.5.0.0/16") });
	ck_assert_uint_eq(b.n->n_late, 1);
	bench_run(&b, TICK_S(1));
	ck_assert_uint_eq(b.n->routes.n, 1);
	ck_assert_uint_eq(b.n->n_late, 0);
	b.t.fail_at = 0;
	bench_free(&b);
}
END_TEST

/* ---- what the fuzzer of sequences found (tests/fuzz/nhrp_engine.c) */

/* The interface comes back empty while a result is still on its way: that one is about what was before. */
START_TEST(result_of_the_interface_that_was)
{
	struct nhrp_event link = { .kind = NHRP_EV_LINK, .ok = true }, late = { .kind = NHRP_EV_RESULT, .ok = true };
	struct nhrp_packet p = pkt(NHRP_REGISTRATION_REQUEST, "192.0.2.9", "10.255.0.9", "10.255.0.1");
	struct addr client = A("10.255.0.9");

	bench_init(&b, "10.255.0.1/24", NULL);
	bench_start(&b);
	bench_peer(&b, 7, "192.0.2.9", "spoke");
	ck_assert_int_eq(bench_rx(&b, 7, "192.0.2.9", &p), NHRP_OK);
	late.cookie = bench_act(&b, NHRP_ACT_NEIGH_SET, 0)->cookie;
	bench_clear(&b);
	bench_event(&b, &link);
	bench_event(&b, &late);
	ck_assert_int_eq(binding_find(b.n, &client)->neigh_state, NEIGH_NONE);
	bench_run(&b, TICK_MS(1));
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_NEIGH_SET), 1);	/* and it is set anew */
	bench_answer(&b, true);
	ck_assert_int_eq(binding_find(b.n, &client)->neigh_state, NEIGH_OK);
	bench_free(&b);
}
END_TEST

static void
nhs_up(unsigned i, uint32_t want)
{
	struct nhrp_event up = { .kind = NHRP_EV_WANT_UP, .peer = 1, .want = want };
	struct nhrp_packet p;

	bench_clear(&b);
	bench_event(&b, &up);
	p = bench_sent(&b, 0);
	p.type = NHRP_REGISTRATION_REPLY;
	p.dst_proto = A(i ? "10.255.0.2" : "10.255.0.1");
	ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &p), NHRP_OK);
	bench_answer(&b, false);	/* no neighbour, no fallback */
}

/* Two NHS entries over one SA, and that goes: nothing is set over the second meanwhile. */
START_TEST(nobody_begins_with_a_peer_that_goes)
{
	struct addr hub = A("203.0.113.1");
	struct nhrp_event addrs = { .kind = NHRP_EV_NHS_ADDRS, .addrs = &hub, .n_addrs = 1 };
	uint32_t want[2];

	bench_init(&b, "10.255.0.9/24", NULL);
	b.conf.n_nhs = 2;
	for (unsigned i = 0; i < 2; i++) {
		b.conf.nhs[i].family = 4;
		strcpy(b.conf.nhs[i].name, i ? "two.example" : "one.example");
	}
	bench_start(&b);
	for (unsigned i = 0; i < 2; i++) {
		addrs.nhs = i;
		bench_event(&b, &addrs);
		want[i] = bench_act(&b, NHRP_ACT_WANT, i)->want;
	}
	bench_peer(&b, 1, "203.0.113.1", "hub");
	nhs_up(0, want[0]);
	nhs_up(1, want[1]);
	bench_clear(&b);
	bench_peer_down(&b, 1);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_NEIGH_SET), 0);
	ck_assert_ptr_null(b.n->fallback);
	bench_free(&b);
}
END_TEST

/* A shutdown sends what purges it can at once; the timers of others that are due come due yet. */
START_TEST(shutdown_swallows_no_timer)
{
	struct nhrp_event ev = { .kind = NHRP_EV_UNRESOLVED, .dst = A("10.3.0.9") };

	bench_init(&b, "10.255.0.9/24", NULL);
	b.conf.shortcut = true;
	b.conf.n_nhs = 1;
	b.conf.nhs[0].family = 4;
	strcpy(b.conf.nhs[0].name, "203.0.113.1");
	bench_start(&b);
	bench_nhs_up(&b, "10.255.0.1");
	bench_event(&b, &ev);
	ck_assert_uint_eq(b.n->n_shortcuts, 1);
	ev = (struct nhrp_event){ .kind = NHRP_EV_CLEAR, .ok = true };	/* goes with the next tick, */
	bench_event(&b, &ev);
	ev = (struct nhrp_event){ .kind = NHRP_EV_SHUTDOWN };	/* which is after this */
	bench_event(&b, &ev);
	bench_run(&b, TICK_MS(1));
	ck_assert_uint_eq(b.n->n_shortcuts, 0);
	bench_free(&b);
}
END_TEST

Suite *nhrp_suite(void);
Suite *
nhrp_suite(void)
{
	Suite *s = suite_create("nhrp");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, every_allocation_may_fail);
	tcase_add_test(t, no_memory_for_the_engine);
	tcase_add_test(t, garbage_in);
	tcase_add_test(t, full_queue);
	tcase_add_test(t, peers_change_identity_under_a_number);
	tcase_add_test(t, overlay_of_ipv6);
	tcase_add_test(t, what_show_tells);
	tcase_add_test(t, routes_change_their_kind);
	tcase_add_test(t, result_of_the_interface_that_was);
	tcase_add_test(t, nobody_begins_with_a_peer_that_goes);
	tcase_add_test(t, shutdown_swallows_no_timer);
	suite_add_tcase(s, t);
	return s;
}
