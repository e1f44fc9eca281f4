/* Twin of nhrpd/engine/shortcut.c: every state, and each way out of it. */
#include "tests/unit/nhrp_engine/world.h"

static struct world w;
static struct node *hub, *a, *b;

static void
begin(void)
{
	hub = &w.node[0];
	a = &w.node[1];
	b = &w.node[2];
}

static void
start(void)
{
	trio(&w, NULL, NULL);
	begin();
}

static void
redirect(void)
{
	node_redirect(hub, a, b, "10.2.0.5", "10.3.0.9");
}

static void
state_is(const char *want)
{
	ck_assert_str_eq(node_shortcut(a, "10.3.0.9").state, want);
}

static void
up(void)
{
	redirect();
	world_run(&w, TICK_S(1));
	state_is("up");
}

/* Nothing of a shortcut is left in the data plane. */
static void
clean(void)
{
	ck_assert_uint_eq(a->n_route, 0);
	ck_assert(!node_neigh(a, "10.255.0.3"));
	ck_assert_uint_eq(a->n_want, 1);	/* the hub */
	ck_assert(node_neigh(a, "") != NULL);
}

static void
clean_so_far(void)
{
	ck_assert_uint_eq(a->n_route, 0);
	ck_assert(!node_neigh(a, "10.255.0.3"));
}

START_TEST(steps_in_order)
{
	static const char *const ladder[] = { "resolving", "securing", "probing", "installing", "up" };
	unsigned at = 0;

	start();
	redirect();
	for (unsigned i = 0; i < 500 && at < 5; i++) {
		const char *st = node_shortcut(a, "10.3.0.9").state;

		if (strcmp(st, ladder[at]) == 0)
			at++;
		else if (at && strcmp(st, ladder[at - 1]) != 0)
			ck_abort_msg("%s after %s", st, ladder[at - 1]);
		if (at < 4)
			clean_so_far();
		world_run(&w, TICK_MS(1) / 2);
	}
	ck_assert_uint_eq(at, 5);
	world_free(&w);
}
END_TEST

START_TEST(no_route_for_an_address_on_link)
{
	start();
	node_traffic(a, NULL, "10.255.0.3");
	world_run(&w, TICK_S(1));
	ck_assert_str_eq(node_shortcut(a, "10.255.0.3").state, "up");
	ck_assert_uint_eq(a->n_route, 0);
	ck_assert(node_neigh(a, "10.255.0.3") != NULL);
	node_traffic(a, "10.2.0.7", "10.255.0.1");	/* the hub has its neighbour already */
	ck_assert_uint_eq(node_shortcuts(a), 1);
	world_free(&w);
}
END_TEST

START_TEST(what_is_not_worth_it)
{
	static const struct {
		const char *src, *dst;
	} row[] = {
		{ "10.2.0.5", "10.2.0.6" },	/* own network */
		{ "10.3.0.5", "10.3.0.9" },	/* domino rule: not traffic of ours */
		{ "8.8.8.8", "10.3.0.9" },	/* behind us by the default route only */
		{ "10.2.0.5", "8.8.8.8" },	/* leaves by the default route */
		{ "10.2.0.5", "10.255.0.2" },	/* ourselves */
		{ "10.2.0.5", "224.0.0.5" },
		{ "10.2.0.5", "2001:db8::1" },	/* a family without a tunnel address */
	};

	start();
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		node_traffic(a, row[i].src, row[i].dst);
		ck_assert_msg(node_shortcuts(a) == 0, "row %u", i);
	}
	node_traffic(hub, NULL, "10.3.0.9");	/* shortcut is off there */
	ck_assert_uint_eq(node_shortcuts(hub), 0);
	world_free(&w);
}
END_TEST

START_TEST(nobody_answers)
{
	start();
	w.no_dial[2][1] = true;	/* else b comes and tells it straight */
	w.cut[0][1] = true;	/* hub to a */
	w.sent[NHRP_RESOLUTION_REQUEST] = 0;
	node_traffic(a, "10.2.0.5", "10.3.0.9");
	world_run(&w, TICK_S(29));
	state_is("resolving");
	ck_assert_uint_eq(w.sent[NHRP_RESOLUTION_REQUEST], 7 * 2);	/* each once by a and once passed on */
	world_run(&w, TICK_S(2));
	state_is("negative");
	ck_assert_str_eq(node_shortcut(a, "10.3.0.9").reason, "no answer to the resolution request");
	clean();
	world_free(&w);
}
END_TEST

/* An SA comes up, but nothing passes: traffic stays on the hub, and we try again later and later. */
START_TEST(dead_path_backs_off)
{
	static const unsigned wait[] = { 30, 60, 120, 180, 180 };

	start();
	w.cut[1][2] = w.cut[2][1] = true;
	for (unsigned i = 0; i < 5; i++) {
		tick_t at;

		node_traffic(a, "10.2.0.5", "10.3.0.9");
		world_run(&w, TICK_S(6));
		state_is("negative");
		ck_assert_str_eq(node_shortcut(a, "10.3.0.9").reason, "no answer on the direct path");
		clean();
		at = node_shortcut(a, "10.3.0.9").expires;
		ck_assert_uint_ge(at, w.now + TICK_S(wait[i]) * 9 / 10 - TICK_S(6));
		ck_assert_uint_le(at, w.now + TICK_S(wait[i]) * 11 / 10);
		node_traffic(a, "10.2.0.5", "10.3.0.9");	/* too early */
		state_is("negative");
		world_run(&w, at - w.now + 1);
	}
	w.cut[1][2] = w.cut[2][1] = false;
	node_traffic(a, "10.2.0.5", "10.3.0.9");
	world_run(&w, TICK_S(2));
	state_is("up");
	ck_assert_uint_eq(a->n_route, 1);
	world_free(&w);
}
END_TEST

START_TEST(one_way_is_no_way)
{
	start();
	w.cut[2][1] = true;	/* from b straight to a; the hub path works */
	redirect();
	world_run(&w, TICK_S(40));
	state_is("negative");
	clean();
	world_free(&w);
}
END_TEST

START_TEST(negative_is_forgotten)
{
	start();
	w.cut[1][2] = true;
	redirect();
	world_run(&w, TICK_S(10));
	state_is("negative");
	world_run(&w, TICK_S(240));
	ck_assert_uint_eq(node_shortcuts(a), 0);
	world_free(&w);
}
END_TEST

START_TEST(cannot_be_dialled)
{
	start();
	w.no_dial[1][2] = w.no_dial[2][1] = true;
	redirect();
	world_run(&w, TICK_MS(200));
	state_is("securing");
	world_run(&w, TICK_S(8));
	state_is("negative");
	ck_assert_str_eq(node_shortcut(a, "10.3.0.9").reason, "no proposal chosen");
	clean();
	world_free(&w);
}
END_TEST

/* Both have public addresses, and only the responder gets through: it dials after a while. */
START_TEST(responder_dials_when_nobody_came)
{
	start();
	w.no_dial[1][2] = true;
	redirect();
	world_run(&w, TICK_S(2));
	ck_assert_uint_eq(b->n_want, 1);
	world_run(&w, TICK_S(3));
	ck_assert_uint_eq(b->n_want, 2);
	state_is("up");
	world_free(&w);
}
END_TEST

/* Asked again after a while: it ends like this, and nothing is left. */
static void
negative(tick_t wait, tick_t takes, const char *why)
{
	world_run(&w, wait);
	redirect();
	world_run(&w, takes);
	state_is("negative");
	ck_assert_str_eq(node_shortcut(a, "10.3.0.9").reason, why);
	clean();
}

START_TEST(refused_by_the_data_plane)
{
	start();
	a->route_fails = true;
	negative(0, TICK_S(1), "the route was refused");
	a->route_fails = false;
	a->neigh_fails = true;
	negative(TICK_S(40), TICK_S(1), "its neighbour was refused: no reason given");
	world_free(&w);
}
END_TEST

/* Before it is given up it waits for the answer, with what it has installed. */
START_TEST(silent_data_plane)
{
	bool *const silent[] = { &w.node[1].neigh_silent, &w.node[1].route_silent };

	start();
	for (unsigned i = 0; i < 2; i++) {
		*silent[i] = true;
		redirect();
		world_run(&w, TICK_S(1));
		state_is("installing");
		negative(0, TICK_S(6), "the data plane did not answer");
		*silent[i] = false;
		world_run(&w, TICK_S(i ? 80 : 40));
	}
	up();
	world_free(&w);
}
END_TEST

/* The want stands, so it is dialled again; a probe of the new SA makes it. */
START_TEST(sa_goes_while_it_is_probed)
{
	start();
	w.cut[1][2] = true;
	redirect();
	world_run(&w, TICK_MS(400));
	state_is("probing");
	world_sa_down(&w, a, b);
	state_is("securing");
	clean_so_far();
	w.cut[1][2] = false;
	world_run(&w, TICK_S(2));
	state_is("up");
	ck_assert_uint_eq(a->n_route, 1);
	world_free(&w);
}
END_TEST

/* Used to the end, but nobody confirms it any more: it goes when its time is over, not before. */
START_TEST(refresh_without_an_answer)
{
	trio_conf(&w, NULL, NULL);
	begin();
	b->conf.hold_s = 90;
	trio_start(&w);
	a->used = true;
	up();
	w.cut[1][0] = true;
	world_run(&w, TICK_S(85));
	state_is("up");
	ck_assert_uint_eq(a->n_route, 1);
	world_run(&w, TICK_S(6));
	ck_assert_uint_eq(node_shortcuts(a), 0);
	clean();
	world_free(&w);
}
END_TEST

START_TEST(unknown_destination)
{
	start();
	node_traffic(a, "10.2.0.5", "10.99.0.1");	/* the hub has no route */
	world_run(&w, TICK_S(1));
	ck_assert_str_eq(node_shortcut(a, "10.99.0.1").state, "negative");
	ck_assert_str_eq(node_shortcut(a, "10.99.0.1").reason, "error: protocol address unreachable");
	node_traffic(a, "10.2.0.5", "10.255.0.77");	/* nobody registered it */
	world_run(&w, TICK_S(1));
	ck_assert_str_eq(node_shortcut(a, "10.255.0.77").reason, "no binding exists");
	ck_assert_uint_eq(a->n_route, 0);
	world_free(&w);
}
END_TEST

START_TEST(used_is_refreshed_unused_expires)
{
	trio_conf(&w, NULL, NULL);
	begin();
	b->conf.hold_s = 90;
	trio_start(&w);
	a->used = true;
	up();
	world_run(&w, TICK_S(300));
	state_is("up");
	ck_assert_uint_eq(a->n_route, 1);
	a->used = false;
	world_run(&w, TICK_S(100));
	ck_assert_uint_eq(node_shortcuts(a), 0);
	clean();
	world_free(&w);
}
END_TEST

START_TEST(second_prefix_over_the_same_peer)
{
	start();
	node_route(b, "10.33.0.0/16", NHRP_RT_OUT, NULL);
	node_route(hub, "10.33.0.0/16", NHRP_RT_NBMA, "10.255.0.3");
	up();
	w.sent[NHRP_RESOLUTION_REQUEST] = 0;
	node_redirect(hub, a, b, "10.2.0.5", "10.33.1.1");
	world_run(&w, TICK_S(1));
	ck_assert(node_rt(a, "10.33.0.0/16") != NULL);
	ck_assert_uint_eq(w.sent[NHRP_RESOLUTION_REQUEST], 2);	/* no second probe */
	ck_assert_uint_eq(a->n_want, 2);
	world_sa_down(&w, a, b);
	world_run(&w, TICK_MS(10));
	clean();
	world_free(&w);
}
END_TEST

START_TEST(two_hosts_of_one_prefix)
{
	start();
	redirect();
	node_redirect(hub, a, b, "10.2.0.5", "10.3.0.10");
	world_run(&w, TICK_S(1));
	state_is("up");
	ck_assert_uint_eq(node_shortcuts(a), 1);
	ck_assert_uint_eq(a->n_route, 1);
	world_free(&w);
}
END_TEST

/* The responder loses the network: it purges, and who was told asks again. */
START_TEST(purged_when_the_egress_goes)
{
	start();
	up();
	node_route_gone(b, "10.3.0.0/24");
	world_run(&w, TICK_MS(50));
	ck_assert_uint_eq(a->n_route, 0);
	ck_assert_uint_ge(w.sent[NHRP_PURGE_REPLY], 1);
	world_run(&w, TICK_S(3));
	state_is("negative");
	clean();
	world_free(&w);
}
END_TEST

START_TEST(narrower_after_a_more_specific_route)
{
	start();
	up();
	node_route(b, "10.3.0.128/25", NHRP_RT_NBMA, "10.255.0.1");	/* half of it moved away */
	world_run(&w, TICK_S(2));
	state_is("up");
	ck_assert(!node_rt(a, "10.3.0.0/24"));
	ck_assert(node_rt(a, "10.3.0.0/25") != NULL);
	world_free(&w);
}
END_TEST

START_TEST(own_routes_change)
{
	start();
	up();
	node_route(a, "10.0.0.0/8", NHRP_RT_NBMA, "10.255.0.99");	/* another next hop: asked again, stays up */
	world_run(&w, TICK_MS(5));
	ck_assert(node_rt(a, "10.3.0.0/24") != NULL);
	world_run(&w, TICK_S(1));
	state_is("up");
	node_route(a, "10.7.0.0/16", NHRP_RT_OUT, NULL);	/* elsewhere */
	world_run(&w, TICK_MS(5));
	state_is("up");
	node_route(a, "10.3.0.0/16", NHRP_RT_OUT, NULL);	/* a better way outside this network */
	world_run(&w, TICK_MS(5));
	ck_assert_uint_eq(node_shortcuts(a), 0);
	clean();
	world_run(&w, TICK_S(1));
	node_route_gone(a, "10.3.0.0/16");
	up();
	node_route_gone(a, "10.0.0.0/8");
	world_run(&w, TICK_MS(5));
	clean();
	world_free(&w);
}
END_TEST

START_TEST(operator_and_link)
{
	struct nhrp_event ev = { .kind = NHRP_EV_CLEAR, .ok = true };

	start();
	up();
	node_event(a, &ev);
	world_run(&w, TICK_MS(5));
	ck_assert_uint_eq(node_shortcuts(a), 0);
	clean();
	world_run(&w, TICK_S(10));
	up();
	ev.dst = A("10.3.0.77");
	node_event(a, &ev);
	world_run(&w, TICK_MS(5));
	clean();
	world_run(&w, TICK_S(10));
	up();
	ev.dst = A("10.255.0.3");
	node_event(a, &ev);
	world_run(&w, TICK_MS(5));
	clean();
	world_run(&w, TICK_S(10));
	up();
	ev = (struct nhrp_event){ .kind = NHRP_EV_LINK, .ok = false };
	node_event(a, &ev);
	world_run(&w, TICK_MS(5));
	ck_assert_uint_eq(a->n_route, 0);
	redirect();
	world_run(&w, TICK_S(1));
	ck_assert_uint_eq(node_shortcuts(a), 0);
	world_free(&w);
}
END_TEST

START_TEST(peer_moves)
{
	struct nhrp_event ev = { .kind = NHRP_EV_PEER_MOVED };

	start();
	up();
	memset(w.log[1], 0, sizeof(w.log[1]));
	ev.peer = a->peer_of[2];
	ev.remote.addr = A("198.51.100.33");
	node_event(a, &ev);
	ck_assert_str_eq(w.log[1], "N");	/* in place, nothing goes */
	node_event(a, &ev);
	ck_assert_str_eq(w.log[1], "N");
	world_run(&w, TICK_S(1));
	state_is("up");
	world_free(&w);
}
END_TEST

Suite *shortcut_suite(void);
Suite *
shortcut_suite(void)
{
	Suite *s = suite_create("shortcut");
	TCase *t = tcase_create("all");

	tcase_add_test(t, steps_in_order);
	tcase_add_test(t, no_route_for_an_address_on_link);
	tcase_add_test(t, what_is_not_worth_it);
	tcase_add_test(t, nobody_answers);
	tcase_add_test(t, dead_path_backs_off);
	tcase_add_test(t, one_way_is_no_way);
	tcase_add_test(t, negative_is_forgotten);
	tcase_add_test(t, cannot_be_dialled);
	tcase_add_test(t, responder_dials_when_nobody_came);
	tcase_add_test(t, refused_by_the_data_plane);
	tcase_add_test(t, silent_data_plane);
	tcase_add_test(t, sa_goes_while_it_is_probed);
	tcase_add_test(t, refresh_without_an_answer);
	tcase_add_test(t, unknown_destination);
	tcase_add_test(t, used_is_refreshed_unused_expires);
	tcase_add_test(t, second_prefix_over_the_same_peer);
	tcase_add_test(t, two_hosts_of_one_prefix);
	tcase_add_test(t, purged_when_the_egress_goes);
	tcase_add_test(t, narrower_after_a_more_specific_route);
	tcase_add_test(t, own_routes_change);
	tcase_add_test(t, operator_and_link);
	tcase_add_test(t, peer_moves);
	suite_add_tcase(s, t);
	return s;
}
