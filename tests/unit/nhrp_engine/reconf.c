/* Twin of nhrpd/engine/reconf.c: another configuration while it runs. */
#include "tests/unit/nhrp_engine/bench.h"

static struct bench b;
static struct world w;

static unsigned
letters(unsigned node, char c)
{
	unsigned n = 0;

	for (const char *s = w.log[node]; *s; s++)
		n += *s == c;
	return n;
}

struct by_name {
	const char *name, *state;
};

static bool
is_name(void *ctx, const struct nhrp_nhs_info *i)
{
	struct by_name *f = ctx;

	if (strcmp(i->name, f->name) == 0)
		f->state = i->state;
	return true;
}

static const char *
state_of(struct node *x, const char *name)
{
	struct by_name f = { name, "" };

	nhrp_visit_nhs(x->n, is_name, &f);
	return f.state;
}

START_TEST(the_same_again_does_nothing)
{
	char before[WORLD_LOG];
	unsigned sent;

	trio(&w, NULL, NULL);
	memcpy(before, w.log[1], sizeof(before));
	sent = w.sent[NHRP_REGISTRATION_REQUEST];
	node_reconf(&w.node[1]);
	node_reconf(&w.node[0]);
	world_run(&w, TICK_S(5));
	ck_assert_str_eq(w.log[1], before);
	ck_assert_uint_eq(w.sent[NHRP_REGISTRATION_REQUEST], sent);
	ck_assert_str_eq(node_nhs_state(&w.node[1], 0), "registered");
	world_free(&w);
}
END_TEST

/* The hub hears of it at once and keeps the entry that long. */
START_TEST(holding_time)
{
	tick_t was;

	trio(&w, NULL, NULL);
	was = node_cache(&w.node[0], "10.255.0.2").expires;
	w.node[1].conf.hold_s = 6000;
	node_reconf(&w.node[1]);
	world_run(&w, TICK_S(1));
	ck_assert_uint_gt(node_cache(&w.node[0], "10.255.0.2").expires, was + TICK_S(3000));
	ck_assert_uint_eq(w.node[1].dropped, 0);
	ck_assert_uint_eq(letters(1, 'n'), 0);
	world_free(&w);
}
END_TEST

START_TEST(an_nhs_more)
{
	struct node *x = &w.node[1];
	uint32_t peer;

	trio_conf(&w, NULL, NULL);
	world_node(&w, "10.255.0.9/24", "192.0.2.9", NULL);
	trio_start(&w);
	world_run(&w, TICK_S(2));
	peer = x->peer_of[0];
	node_nhs(x, "10.255.0.9", "192.0.2.9", 0);
	node_reconf(x);
	world_run(&w, TICK_S(3));
	ck_assert_str_eq(node_nhs_state(x, 0), "registered");
	ck_assert_str_eq(node_nhs_state(x, 1), "registered");
	ck_assert_uint_eq(x->peer_of[0], peer);
	ck_assert_int_eq(node_cache(&w.node[3], "10.255.0.2").type, NHRP_CT_DYNAMIC);
	world_free(&w);
}
END_TEST

/* The hub forgets us by our word, the SA is let go, the fallback neighbour moves; the other hub notices nothing. */
START_TEST(an_nhs_less)
{
	struct node *x = &w.node[1];
	uint32_t peer;

	trio_conf(&w, NULL, NULL);
	world_node(&w, "10.255.0.9/24", "192.0.2.9", NULL);
	node_nhs(x, "10.255.0.9", "192.0.2.9", 0);
	trio_start(&w);
	world_run(&w, TICK_S(15));
	ck_assert_str_eq(state_of(x, "192.0.2.9"), "registered");
	peer = x->peer_of[3];
	ck_assert(node_neigh(x, "")->peer != peer);
	x->conf.nhs[0] = x->conf.nhs[1];
	x->conf.n_nhs = 1;
	node_reconf(x);
	world_run(&w, TICK_S(2));
	ck_assert_uint_eq(x->dropped, 1);
	ck_assert_uint_eq(x->n_want, 1);
	ck_assert(!node_neigh(x, "10.255.0.1"));
	ck_assert_uint_eq(node_neigh(x, "")->peer, peer);
	ck_assert_uint_eq(x->peer_of[3], peer);
	ck_assert_str_eq(state_of(x, "192.0.2.9"), "registered");
	ck_assert_str_eq(state_of(x, "192.0.2.1"), "");
	ck_assert_int_ne(node_cache(&w.node[0], "10.255.0.2").type, NHRP_CT_DYNAMIC);
	/* and back: its place is taken by a fresh one */
	x->conf.n_nhs = 2;
	x->conf.nhs[1] = x->conf.nhs[0];
	x->conf.nhs[0].proto = A("10.255.0.1");
	strcpy(x->conf.nhs[0].name, "192.0.2.1");
	node_reconf(x);
	world_run(&w, TICK_S(3));
	ck_assert_str_eq(state_of(x, "192.0.2.1"), "registered");
	ck_assert_str_eq(state_of(x, "192.0.2.9"), "registered");
	ck_assert_uint_eq(x->peer_of[3], peer);
	world_free(&w);
}
END_TEST

/* An answer of the name server for an NHS that is gone is not taken for that of its successor. */
START_TEST(late_answer_for_a_gone_nhs)
{
	struct addr wrong = A("192.168.9.9");
	struct nhrp_event ev = { .kind = NHRP_EV_NHS_ADDRS, .addrs = &wrong, .n_addrs = 1 };
	uint32_t first, second;

	bench_init(&b, "172.16.1.4/24", "192.0.2.1");
	b.conf.n_nhs = 1;
	b.conf.nhs[0].family = 4;
	strcpy(b.conf.nhs[0].name, "old.example");
	bench_start(&b);
	first = bench_act(&b, NHRP_ACT_RESOLVE_NAME, 0)->nhs;
	strcpy(b.conf.nhs[0].name, "new.example");
	bench_clear(&b);
	nhrp_reconf(b.n, b.now, &b.conf, &b.q);
	bench_run(&b, 0);
	second = bench_act(&b, NHRP_ACT_RESOLVE_NAME, 0)->nhs;
	ck_assert_str_eq(bench_act(&b, NHRP_ACT_RESOLVE_NAME, 0)->hint, "new.example");
	ck_assert_uint_ne(first, second);
	ev.nhs = first;
	bench_event(&b, &ev);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_WANT), 0);
	ev.nhs = second;
	bench_event(&b, &ev);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_WANT), 1);
	bench_free(&b);
}
END_TEST

START_TEST(priorities)
{
	struct node *x = &w.node[1];

	trio_conf(&w, NULL, NULL);
	world_node(&w, "10.255.0.9/24", "192.0.2.9", NULL);
	node_nhs(x, "10.255.0.9", "192.0.2.9", 5);
	trio_start(&w);
	world_run(&w, TICK_S(3));
	ck_assert_str_eq(node_nhs_state(x, 1), "standby");
	x->conf.nhs[1].priority = 0;
	node_reconf(x);
	world_run(&w, TICK_S(3));
	ck_assert_str_eq(node_nhs_state(x, 0), "registered");
	ck_assert_str_eq(node_nhs_state(x, 1), "registered");
	x->conf.nhs[0].priority = 7;
	x->conf.nhs[1].priority = 7;	/* both move: nobody is left standing */
	node_reconf(x);
	world_run(&w, TICK_S(3));
	ck_assert_str_eq(node_nhs_state(x, 0), "registered");
	ck_assert_str_eq(node_nhs_state(x, 1), "registered");
	ck_assert_uint_eq(x->dropped, 0);
	world_free(&w);
}
END_TEST

START_TEST(maps_come_and_go)
{
	struct nhrp_event up = { .kind = NHRP_EV_WANT_UP, .peer = 4 };

	bench_init(&b, "172.16.1.4/24", "192.0.2.1");
	bench_start(&b);
	b.conf.n_map = 2;
	b.conf.map[0] = (struct nhrp_conf_map){ .proto = A("172.16.1.7"), .nbma = A("192.0.2.7"), .mcast = true };
	b.conf.map[1] = (struct nhrp_conf_map){ .proto = A("172.16.1.8"), .nbma = A("192.0.2.8") };
	bench_clear(&b);
	nhrp_reconf(b.n, b.now, &b.conf, &b.q);
	bench_run(&b, 0);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_WANT), 2);
	bench_peer(&b, 4, "192.0.2.7", "seven");
	for (unsigned i = 0; i < 2; i++) {
		if (addr_eq(&bench_act(&b, NHRP_ACT_WANT, i)->addrs[0], &b.conf.map[0].nbma))
			up.want = bench_act(&b, NHRP_ACT_WANT, i)->want;
	}
	bench_event(&b, &up);
	ck_assert(bench_act(&b, NHRP_ACT_NEIGH_SET, 0)->mcast);
	bench_answer(&b, true);
	/* it wants no copies any more */
	b.conf.map[0].mcast = false;
	nhrp_reconf(b.n, b.now, &b.conf, &b.q);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_NEIGH_SET), 1);
	ck_assert(!bench_act(&b, NHRP_ACT_NEIGH_SET, 0)->mcast);
	bench_answer(&b, true);
	/* the unchanged one is not even asked about, the other goes neighbour first */
	b.conf.map[0] = b.conf.map[1];
	b.conf.n_map = 1;
	nhrp_reconf(b.n, b.now, &b.conf, &b.q);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_NEIGH_DEL), 1);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_UNWANT), 1);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_WANT), 0);
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_DROP_PEER, 0)->peer, 4);
	ck_assert(!binding_find(b.n, &(struct addr){ 4, { 172, 16, 1, 7 } }));
	bench_clear(&b);
	/* elsewhere: dialled there */
	b.conf.map[0].nbma = A("192.0.2.88");
	nhrp_reconf(b.n, b.now, &b.conf, &b.q);
	bench_run(&b, 0);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_UNWANT), 1);
	ck_assert(addr_eq(&bench_act(&b, NHRP_ACT_WANT, 0)->addrs[0], &b.conf.map[0].nbma));
	bench_free(&b);
}
END_TEST

START_TEST(multicast_of_clients)
{
	trio(&w, NULL, NULL);
	ck_assert(node_neigh(&w.node[0], "10.255.0.2")->mcast);
	w.node[0].conf.mcast_dynamic = false;
	node_reconf(&w.node[0]);
	world_run(&w, TICK_S(1));
	ck_assert(!node_neigh(&w.node[0], "10.255.0.2")->mcast);
	ck_assert(!node_neigh(&w.node[0], "10.255.0.3")->mcast);
	ck_assert_uint_eq(letters(0, 'n'), 0);
	world_free(&w);
}
END_TEST

START_TEST(shortcuts_off)
{
	trio(&w, NULL, NULL);
	node_traffic(&w.node[1], "10.2.0.1", "10.3.0.1");
	world_run(&w, TICK_S(5));
	ck_assert_str_eq(node_shortcut(&w.node[1], "10.3.0.1").state, "up");
	w.node[1].conf.shortcut = false;
	node_reconf(&w.node[1]);
	world_run(&w, TICK_S(1));
	ck_assert_uint_eq(node_shortcuts(&w.node[1]), 0);
	ck_assert(!node_rt(&w.node[1], "10.3.0.0/24"));
	ck_assert_str_eq(node_nhs_state(&w.node[1], 0), "registered");
	world_free(&w);
}
END_TEST

/* The hub forgets the old address and knows the new one. */
START_TEST(another_address_of_the_tunnel)
{
	trio(&w, NULL, NULL);
	ck_assert(prefix_parse_host("10.255.0.77/24", &w.node[1].conf.own[0]));
	node_reconf(&w.node[1]);
	world_run(&w, TICK_S(2));
	ck_assert_int_ne(node_cache(&w.node[0], "10.255.0.2").type, NHRP_CT_DYNAMIC);
	ck_assert_int_eq(node_cache(&w.node[0], "10.255.0.77").type, NHRP_CT_DYNAMIC);
	ck_assert_uint_eq(w.node[1].dropped, 0);
	world_free(&w);
}
END_TEST

START_TEST(password)
{
	trio(&w, NULL, NULL);
	for (unsigned i = 0; i < 3; i++) {
		memcpy(w.node[i].conf.auth, "newpass", 7);
		w.node[i].conf.auth_len = 7;
		w.node[i].conf.reg_s = 20;
		node_reconf(&w.node[i]);
	}
	world_run(&w, TICK_S(40));
	ck_assert_str_eq(node_nhs_state(&w.node[1], 0), "registered");
	ck_assert_uint_eq(w.node[1].dropped + w.node[2].dropped, 0);
	world_free(&w);
}
END_TEST

/* The place of an NHS that went is free when all ends. */
START_TEST(shutdown_with_a_free_place)
{
	struct nhrp_event ev = { .kind = NHRP_EV_SHUTDOWN };

	trio(&w, NULL, NULL);
	w.node[1].conf.n_nhs = 0;
	node_reconf(&w.node[1]);
	world_run(&w, TICK_S(1));
	ck_assert(!w.node[1].n->nhc[0].used);
	node_event(&w.node[1], &ev);
	world_free(&w);
}
END_TEST

Suite *reconf_suite(void);
Suite *
reconf_suite(void)
{
	Suite *s = suite_create("reconf");
	TCase *c = tcase_create("reconf");

	tcase_add_test(c, the_same_again_does_nothing);
	tcase_add_test(c, holding_time);
	tcase_add_test(c, an_nhs_more);
	tcase_add_test(c, an_nhs_less);
	tcase_add_test(c, late_answer_for_a_gone_nhs);
	tcase_add_test(c, priorities);
	tcase_add_test(c, maps_come_and_go);
	tcase_add_test(c, multicast_of_clients);
	tcase_add_test(c, shortcuts_off);
	tcase_add_test(c, another_address_of_the_tunnel);
	tcase_add_test(c, password);
	tcase_add_test(c, shutdown_with_a_free_place);
	suite_add_tcase(s, c);
	return s;
}
