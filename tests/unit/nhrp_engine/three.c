/* Hub and spokes end to end: registration, redirect, resolution, probe, shortcut, and what takes them down again. */
#include "tests/unit/nhrp_engine/world.h"

static struct world w;
static struct node *hub, *a, *b;

static void
start(const char *a_public, const char *b_public)
{
	trio(&w, a_public, b_public);
	hub = &w.node[0];
	a = &w.node[1];
	b = &w.node[2];
}

static void
stop(void)
{
	world_free(&w);
}

START_TEST(spokes_register)
{
	start(NULL, NULL);
	ck_assert_str_eq(node_nhs_state(a, 0), "registered");
	ck_assert_str_eq(node_nhs_state(b, 0), "registered");
	ck_assert(node_neigh(hub, "10.255.0.2") && node_neigh(hub, "10.255.0.2")->mcast);
	ck_assert(node_neigh(a, "10.255.0.1") && node_neigh(a, "10.255.0.1")->mcast);
	ck_assert(node_neigh(a, "") && node_neigh(a, "")->peer == a->peer_of[0]);
	ck_assert_int_eq(node_cache(hub, "10.255.0.3").type, NHRP_CT_DYNAMIC);
	ck_assert_str_eq(node_cache(hub, "10.255.0.3").identity, "198.51.100.3");
	stop();
}
END_TEST

static void
shortcut_is_up(void)
{
	ck_assert_str_eq(node_shortcut(a, "10.3.0.9").state, "up");
	ck_assert(node_rt(a, "10.3.0.0/24") != NULL);
	ck_assert(node_neigh(a, "10.255.0.3") && node_neigh(a, "10.255.0.3")->peer == a->peer_of[b->index]);
}

START_TEST(redirect_makes_a_shortcut)
{
	start(NULL, NULL);
	node_redirect(hub, a, b, "10.2.0.5", "10.3.0.9");
	world_run(&w, TICK_S(1));
	shortcut_is_up();
	ck_assert_str_eq(w.log[1] + strlen(w.log[1]) - 3, "WNR");
	ck_assert_uint_eq(b->n_route, 0);	/* b has asked nothing */
	ck_assert(!node_neigh(b, "10.255.0.2"));
	stop();
}
END_TEST

/* The hub goes and stays away: the direct path, which is used, outlives every holding time; when that spoke goes too, it ends. */
START_TEST(direct_path_outlives_the_hub)
{
	trio_conf(&w, NULL, NULL);
	for (unsigned i = 0; i < 3; i++)
		w.node[i].conf.hold_s = 60;
	trio_start(&w);
	hub = &w.node[0];
	a = &w.node[1];
	b = &w.node[2];
	node_redirect(hub, a, b, "10.2.0.5", "10.3.0.9");
	world_run(&w, TICK_S(1));
	shortcut_is_up();
	a->used = true;
	node_stop(hub);
	world_run(&w, TICK_S(600));
	ck_assert_str_ne(node_nhs_state(a, 0), "registered");
	shortcut_is_up();
	w.cut[2][1] = true;	/* it asks whom it leads to, so it notices */
	world_run(&w, TICK_S(120));
	ck_assert_ptr_null(node_rt(a, "10.3.0.0/24"));
	stop();
}
END_TEST

START_TEST(peer_down_takes_it_down)
{
	start(NULL, NULL);
	node_redirect(hub, a, b, "10.2.0.5", "10.3.0.9");
	world_run(&w, TICK_S(1));
	shortcut_is_up();
	w.log[1][0] = 0;
	memset(w.log[1], 0, sizeof(w.log[1]));
	world_sa_down(&w, a, b);
	world_run(&w, TICK_MS(100));
	ck_assert_str_eq(w.log[1], "rnw");
	ck_assert_uint_eq(node_shortcuts(a), 0);
	ck_assert(node_neigh(a, "") != NULL);
	stop();
}
END_TEST

START_TEST(both_ask_at_once)
{
	start(NULL, NULL);
	node_redirect(hub, a, b, "10.2.0.5", "10.3.0.9");
	node_redirect(hub, b, a, "10.3.0.9", "10.2.0.5");
	world_run(&w, TICK_S(2));
	shortcut_is_up();
	ck_assert_str_eq(node_shortcut(b, "10.2.0.5").state, "up");
	ck_assert(node_rt(b, "10.2.0.0/24") != NULL);
	stop();
}
END_TEST

/* Shutting down one side: the hub forgets the registration, the requester the shortcut. */
START_TEST(shutdown_purges)
{
	struct nhrp_event ev = { .kind = NHRP_EV_SHUTDOWN };

	start(NULL, NULL);
	node_redirect(hub, a, b, "10.2.0.5", "10.3.0.9");
	world_run(&w, TICK_S(1));
	shortcut_is_up();
	node_event(b, &ev);
	world_run(&w, TICK_MS(15));
	ck_assert(!node_rt(a, "10.3.0.0/24"));
	ck_assert_int_eq(node_cache(hub, "10.255.0.3").type, NHRP_CT_NONE);
	ck_assert(!node_neigh(hub, "10.255.0.3"));
	stop();
}
END_TEST

START_TEST(all_with_loss)
{
	for (uint64_t seed = 1; seed <= 40; seed++) {
		start(NULL, NULL);
		w.t.seed = seed;
		w.loss = 20;
		node_redirect(hub, a, b, "10.2.0.5", "10.3.0.9");
		node_redirect(hub, b, a, "10.3.0.9", "10.2.0.5");
		for (unsigned i = 0; i < 60 && strcmp(node_shortcut(a, "10.3.0.9").state, "up") != 0; i++) {
			world_run(&w, TICK_S(5));
			if (a->peer_of[0] && b->peer_of[0])
				node_redirect(hub, a, b, "10.2.0.5", "10.3.0.9");
		}
		shortcut_is_up();
		stop();
	}
}
END_TEST

START_TEST(natted_requester)
{
	start("203.0.113.2", NULL);
	ck_assert(node_cache(hub, "10.255.0.2").natted);
	node_redirect(hub, a, b, "10.2.0.5", "10.3.0.9");
	world_run(&w, TICK_S(2));
	shortcut_is_up();
	stop();
}
END_TEST

/* It cannot be dialled: it hears of the requester and dials itself. */
START_TEST(natted_responder)
{
	start(NULL, "203.0.113.3");
	node_redirect(hub, a, b, "10.2.0.5", "10.3.0.9");
	world_run(&w, TICK_S(2));
	shortcut_is_up();
	stop();
}
END_TEST

START_TEST(same_nat_uses_the_inside_address)
{
	start("203.0.113.9", "203.0.113.9");
	node_redirect(hub, a, b, "10.2.0.5", "10.3.0.9");
	world_run(&w, TICK_MS(80));
	ck_assert_uint_eq(a->n_want, 2);
	ck_assert_uint_eq(a->want[1].n_addrs, 2);
	ck_assert(addr_eq(&a->want[1].addrs[0], &b->nbma));
	ck_assert(addr_eq(&a->want[1].addrs[1], &b->public));
	world_run(&w, TICK_S(2));
	shortcut_is_up();
	stop();
}
END_TEST

Suite *three_suite(void);
Suite *
three_suite(void)
{
	Suite *s = suite_create("three nodes");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, spokes_register);
	tcase_add_test(t, redirect_makes_a_shortcut);
	tcase_add_test(t, direct_path_outlives_the_hub);
	tcase_add_test(t, peer_down_takes_it_down);
	tcase_add_test(t, both_ask_at_once);
	tcase_add_test(t, shutdown_purges);
	tcase_add_test(t, all_with_loss);
	tcase_add_test(t, natted_requester);
	tcase_add_test(t, natted_responder);
	tcase_add_test(t, same_nat_uses_the_inside_address);
	suite_add_tcase(s, t);
	return s;
}
