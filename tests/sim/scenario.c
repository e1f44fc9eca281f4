/* tests/sim/scenario.c: the stories. Each builds a world, lets time pass, breaks something, and says what must have come of it. */
#include "tests/sim/sim.h"

#define MOVE_SETTLES TICK_S(1)

static struct node *
hub(const struct sim *s)
{
	return s->node[0];
}

static struct node *
spoke(const struct sim *s, unsigned i)	/* from 1, where there is one hub */
{
	return s->node[i];
}

void
start_all(struct sim *s)
{
	for (unsigned i = 0; i < s->n_node; i++)
		node_start(s->node[i]);
	check_now(s);	/* and every second from here */
}

static void
cloud(struct sim *s, unsigned spokes)
{
	node_hub(s);
	for (unsigned i = 0; i < spokes; i++)
		node_spoke(s, NULL);
}

static void
all_pairs(struct sim *s, tick_t every, tick_t for_how_long)
{
	for (unsigned i = 1; i < s->n_node; i++) {
		for (unsigned k = 1; k < s->n_node; k++) {
			if (i != k)
				flow_new(s, s->node[i], s->node[k], every, for_how_long);
		}
	}
}

void
stop_flows(struct sim *s)
{
	for (unsigned i = 0; i < s->n_flow; i++) {
		if (!s->flow[i].stopped)
			s->flow[i].until = s->now;
	}
	sim_run(s, TICK_S(1));
	for (unsigned i = 0; i < s->n_flow; i++)
		s->flow[i].stopped = true;
	sim_run(s, TICK_S(1));	/* what is under way arrives */
}

/* Every packet that the network did not lose has arrived. */
void
expect_delivered(struct sim *s)
{
	for (unsigned i = 0; i < s->n_flow; i++) {
		const struct flow *f = &s->flow[i];

		for (unsigned d = 0; d < FLOW_DROPS; d++) {
			if (d != DROP_NET && f->drop[d])
				sim_complain(s, f->from, "%u of %u packets to %s were dropped: %s", f->drop[d], f->sent, f->to->name, flow_drop_name(d));
		}
		if (f->got + f->drop[DROP_NET] != f->sent)
			sim_complain(s, f->from, "to %s %u packets went, %u came, the network lost %u", f->to->name, f->sent, f->got, f->drop[DROP_NET]);
	}
}

void
at_rest(struct sim *s)
{
	sim_run(s, TICK_S(30));
	check_rest(s);
}

/* ---- (1) everybody reaches everybody, first by the hub, then directly; multicast; one leaves politely */

static void
mcast_reaches_each(struct sim *s)
{
	for (unsigned i = 0; i < s->n_node; i++)
		s->node[i]->mcast_got = 0;
	plane_mcast(hub(s));
	plane_mcast(spoke(s, 1));
	sim_run(s, TICK_S(1));
	for (unsigned i = 0; i < s->n_node; i++) {
		if (s->node[i]->mcast_got != 1)
			sim_complain(s, s->node[i], "%u copies of one multicast packet", s->node[i]->mcast_got);
	}
}

static bool
first_spoke_forgotten(struct sim *s)
{
	for (unsigned i = 0; i < s->n_node; i++) {
		if (s->node[i]->core && (plane_neigh(s->node[i], 1, &spoke(s, 1)->member[0].overlay) || sa_pairs(s->node[i], spoke(s, 1), 0)))
			return false;
	}
	return true;
}

static void
run_basic(struct sim *s)
{
	cloud(s, 10);
	start_all(s);
	sim_expect(s, TICK_S(10), all_registered, "all spokes registered");
	all_pairs(s, TICK_MS(500), TICK_S(40));
	sim_expect(s, TICK_S(20), all_direct, "each pair of spokes direct");
	stop_flows(s);
	expect_delivered(s);
	mcast_reaches_each(s);
	at_rest(s);
	node_stop(spoke(s, 1));
	sim_expect(s, TICK_S(3), first_spoke_forgotten, "a spoke that said goodbye is forgotten");
	node_start(spoke(s, 1));
	sim_expect(s, TICK_S(10), all_registered, "the spoke is back");
	at_rest(s);
}

/* ---- (2) several behind one NAT box */

static void
distinct_ports(struct sim *s, const struct node *a, const struct node *b)
{
	const struct plane_neigh *x = plane_neigh(hub(s), 1, &a->member[0].overlay), *y = plane_neigh(hub(s), 1, &b->member[0].overlay);
	const struct plane_sa *p = hub(s)->plane.peer[x->n.peer].out, *q = hub(s)->plane.peer[y->n.peer].out;

	if (x->n.peer == y->n.peer || !addr_eq(&p->sa.remote.addr, &q->sa.remote.addr) || p->sa.remote.port == q->sa.remote.port)
		sim_complain(s, hub(s), "%s and %s are not told apart behind their one public address", a->name, b->name);
}

static bool
public_and_natted_direct(struct sim *s)
{
	return path_direct(spoke(s, 3), spoke(s, 1)) && path_direct(spoke(s, 1), spoke(s, 3)) && path_direct(spoke(s, 2), spoke(s, 3)) &&
	    path_direct(spoke(s, 1), spoke(s, 2)) && path_direct(spoke(s, 2), spoke(s, 1));
}

static void
run_nat(struct sim *s)
{
	struct nat *site = net_nat(s), *other = net_nat(s);

	node_hub(s);
	node_spoke(s, site);
	node_spoke(s, site);
	node_spoke(s, NULL);
	node_spoke(s, other);
	start_all(s);
	sim_expect(s, TICK_S(10), all_registered, "all spokes registered");
	distinct_ports(s, spoke(s, 1), spoke(s, 2));
	all_pairs(s, TICK_MS(200), TICK_S(120));
	sim_expect(s, TICK_S(60), public_and_natted_direct, "direct between a public and a NATed spoke, and inside one site");
	sim_run(s, TICK_S(30));
	stop_flows(s);
	expect_delivered(s);
	at_rest(s);
	mcast_reaches_each(s);
}

/* ---- (3) a bad network */

static void
run_lossy(struct sim *s)
{
	cloud(s, 10);
	start_all(s);
	sim_expect(s, TICK_S(120), all_registered, "all spokes registered over a network that loses a fifth");
	all_pairs(s, TICK_MS(500), TICK_S(3600));
	sim_expect(s, TICK_S(300), all_direct, "each pair direct over a network that loses a fifth");
	s->conf.loss = s->conf.dup = 0;
	sim_note(s, NULL, "network", "is good from now on");
	sim_expect(s, TICK_S(90), all_registered, "all registered when the network is good again");
	sim_run(s, TICK_S(60));	/* whoever was given up wrongly is found out by the traffic */
	sim_expect(s, TICK_S(180), all_direct, "each pair direct when the network is good again");
	stop_flows(s);
	sim_run(s, TICK_S(10));
	check_rest(s);
}

/* ---- (4) crash and restart */

bool
flows_flow(struct sim *s)
{
	for (unsigned i = 0; i < s->n_flow; i++) {
		const struct flow *f = &s->flow[i];

		if (!f->stopped && node_awake(f->from) && node_awake(f->to) && s->now - f->last_got > 3 * f->every)
			return false;
	}
	return true;
}

static void
run_crash(struct sim *s)
{
	cloud(s, 6);
	start_all(s);
	sim_expect(s, TICK_S(10), all_registered, "all spokes registered");
	all_pairs(s, TICK_MS(500), TICK_S(3600));
	sim_expect(s, TICK_S(20), all_direct, "each pair direct");
	node_crash(hub(s));
	sim_run(s, TICK_S(5));
	if (!all_direct(s))
		sim_complain(s, NULL, "direct paths fell with the hub");
	node_start(hub(s));
	sim_run(s, TICK_S(2));
	sim_expect(s, TICK_S(60), all_registered, "all spokes are back at a hub that lost its memory");
	sim_expect(s, TICK_S(60), flows_flow, "all flows flow after the hub came back");
	node_crash(spoke(s, 2));
	sim_run(s, TICK_S(2));
	node_start(spoke(s, 2));
	sim_run(s, TICK_S(2));
	sim_expect(s, TICK_S(60), all_registered, "a spoke that crashed is back");
	sim_expect(s, TICK_S(90), flows_flow, "all flows flow after a spoke came back");
	sim_expect(s, TICK_S(120), all_direct, "each pair direct again");
	node_crash(hub(s));
	sim_run(s, TICK_S(600));	/* away for ten minutes */
	node_start(hub(s));
	sim_run(s, TICK_S(2));
	sim_expect(s, TICK_S(90), all_registered, "all spokes are back after ten minutes without a hub");
	sim_expect(s, TICK_S(60), flows_flow, "all flows flow after ten minutes without a hub");
	stop_flows(s);
	at_rest(s);
}

/* ---- (5) both dial at once */

static void
run_dials(struct sim *s)
{
	cloud(s, 8);
	start_all(s);
	sim_expect(s, TICK_S(10), all_registered, "all spokes registered");
	for (unsigned i = 1; i < s->n_node; i += 2) {	/* at the same instant, in both directions */
		flow_new(s, spoke(s, i), spoke(s, i + 1), TICK_MS(20), TICK_S(60));
		flow_new(s, spoke(s, i + 1), spoke(s, i), TICK_MS(20), TICK_S(60));
	}
	sim_expect(s, TICK_S(20), all_direct, "each pair direct");
	sim_run(s, TICK_S(30));
	for (unsigned i = 1; i < s->n_node; i += 2) {
		unsigned mine = sa_pairs(spoke(s, i), spoke(s, i + 1), 0), theirs = sa_pairs(spoke(s, i + 1), spoke(s, i), 0);

		if (mine != 1 || theirs != 1)
			sim_complain(s, spoke(s, i), "%u SA pairs with %s, who has %u", mine, spoke(s, i + 1)->name, theirs);
	}
	stop_flows(s);
	expect_delivered(s);
	at_rest(s);
}

/* ---- (6) rekeys under a steady flow */

static void
run_rekey(struct sim *s)
{
	cloud(s, 4);
	start_all(s);
	sim_expect(s, TICK_S(10), all_registered, "all spokes registered");
	all_pairs(s, TICK_MS(20), TICK_S(600));
	flow_new(s, spoke(s, 1), hub(s), TICK_MS(20), TICK_S(600));
	flow_new(s, hub(s), spoke(s, 1), TICK_MS(20), TICK_S(600));
	sim_run(s, TICK_S(300));
	stop_flows(s);
	expect_delivered(s);
	at_rest(s);
}

/* ---- (7) NAT rebinding, a new address */

static void
run_rebind(struct sim *s)
{
	struct nat *site = net_nat(s);
	struct addr to;

	node_hub(s);
	node_spoke(s, site);
	node_spoke(s, site);
	node_spoke(s, NULL);
	start_all(s);
	sim_expect(s, TICK_S(10), all_registered, "all spokes registered");
	all_pairs(s, TICK_MS(200), TICK_S(3600));
	sim_expect(s, TICK_S(60), flows_flow, "all flows flow");
	sim_run(s, TICK_S(20));
	for (unsigned i = 0; i < 3; i++) {
		net_rebind(s, site);
		sim_run(s, TICK_S(2));
		sim_expect(s, TICK_S(60), flows_flow, "all flows flow after the NAT forgot its mappings");
		sim_expect(s, TICK_S(60), all_registered, "registered after the NAT forgot its mappings");
		sim_run(s, TICK_S(40));
	}
	to = spoke(s, 3)->host.addr;
	to.b[to.n - 2] ^= 0x40;
	node_readdress(spoke(s, 3), &to);
	sim_run(s, TICK_S(2));
	sim_expect(s, TICK_S(60), all_registered, "registered from its new address");
	sim_expect(s, TICK_S(90), flows_flow, "all flows flow after the address changed");
	sim_run(s, TICK_S(60));
	sim_expect(s, TICK_S(1), flows_flow, "all flows still flow after the address changed");
	sim_expect(s, TICK_S(120), all_direct, "each pair direct after the address changed");
	stop_flows(s);
	at_rest(s);
}

/* ---- (8) the network falls in two */

static void
run_partition(struct sim *s)
{
	cloud(s, 8);
	for (unsigned i = 5; i < s->n_node; i++)
		s->node[i]->host.group = 1;
	start_all(s);
	sim_expect(s, TICK_S(10), all_registered, "all spokes registered");
	all_pairs(s, TICK_MS(500), TICK_S(3600));
	sim_expect(s, TICK_S(30), all_direct, "each pair direct");
	sim_note(s, NULL, "partition", "begins");
	s->partition = true;
	sim_run(s, TICK_S(60));
	sim_note(s, NULL, "partition", "ends");
	s->partition = false;
	sim_expect(s, TICK_S(90), all_registered, "all registered after a partition of a minute");
	sim_expect(s, TICK_S(90), flows_flow, "all flows flow after a partition of a minute");
	sim_expect(s, TICK_S(240), all_direct, "each pair direct after a partition of a minute");
	stop_flows(s);
	at_rest(s);
}

/* ---- (9) refused actions, and memory that runs out now and then */

static void
run_refused(struct sim *s)
{
	cloud(s, 6);
	start_all(s);
	all_pairs(s, TICK_MS(500), TICK_S(3600));
	sim_run(s, TICK_S(120));
	s->conf.refuse_neigh = s->conf.refuse_route = s->conf.refuse_sa = s->conf.alloc_fail = 0;
	sim_note(s, NULL, "refusals", "end");
	sim_expect(s, TICK_S(120), all_registered, "all registered once nothing is refused any more");
	sim_expect(s, TICK_S(120), flows_flow, "all flows flow once nothing is refused any more");
	sim_expect(s, TICK_S(300), all_direct, "each pair direct once nothing is refused any more");
	stop_flows(s);
	sim_run(s, TICK_S(60));
	at_rest(s);
}

/* ---- (10) a hundred spokes, random traffic */

static void
run_hundred(struct sim *s)
{
	cloud(s, 100);
	start_all(s);
	sim_expect(s, TICK_S(30), all_registered, "a hundred spokes registered");
	for (unsigned round = 0; round < 60; round++) {
		for (unsigned i = 0; i < 8; i++) {
			struct node *a = spoke(s, 1 + sim_below(s, 100)), *b = spoke(s, 1 + sim_below(s, 100));

			if (a != b)
				flow_new(s, a, b, TICK_MS(100 + sim_below(s, 900)), TICK_S(5 + sim_below(s, 60)));
		}
		sim_run(s, TICK_S(10));
	}
	stop_flows(s);
	expect_delivered(s);
	at_rest(s);
}

/* ---- (11) the same with IPv6 outside and inside, and across families */

static void
run_six(struct sim *s)
{
	cloud(s, 4);
	start_all(s);
	sim_expect(s, TICK_S(10), all_registered, "all spokes registered");
	all_pairs(s, TICK_MS(500), TICK_S(40));
	sim_expect(s, TICK_S(20), all_direct, "each pair of spokes direct");
	stop_flows(s);
	expect_delivered(s);
	mcast_reaches_each(s);
	at_rest(s);
}

/* ---- (12) two clouds: one hub and some spokes are in both, over the same addresses */

static void
pairs_of_cloud(struct sim *s, uint8_t cloud, tick_t every, tick_t for_how_long)
{
	for (unsigned i = 0; i < s->n_lan; i++) {
		for (unsigned k = 0; k < s->n_lan; k++) {
			const struct lan *a = s->lan[i], *b = s->lan[k];

			if (i != k && a->cloud == cloud && b->cloud == cloud && !a->owner->hub && !b->owner->hub)
				flow_between(s, a, b, every, for_how_long);
		}
	}
}

static void
run_clouds(struct sim *s)
{
	struct nat *site = net_nat(s);

	node_new(s, NULL, true, 3);
	node_new(s, NULL, true, 2);
	for (unsigned i = 0; i < 9; i++)
		node_new(s, i == 0 || i == 4 ? site : NULL, false, i < 3 ? 3 : i < 6 ? 1 : 2);
	start_all(s);
	sim_expect(s, TICK_S(15), all_registered, "all spokes registered in their clouds");
	pairs_of_cloud(s, 0, TICK_MS(500), TICK_S(40));
	pairs_of_cloud(s, 1, TICK_MS(500), TICK_S(40));
	sim_expect(s, TICK_S(70), all_direct, "each pair of each cloud direct");
	stop_flows(s);
	expect_delivered(s);
	pairs_of_cloud(s, 0, TICK_MS(500), TICK_S(3600));
	pairs_of_cloud(s, 1, TICK_MS(500), TICK_S(3600));
	node_crash(hub(s));
	sim_run(s, TICK_S(5));
	node_start(hub(s));
	sim_run(s, TICK_S(2));
	sim_expect(s, TICK_S(60), all_registered, "all are back in both clouds of a hub that lost its memory");
	node_crash(s->node[2]);
	sim_run(s, TICK_S(5));
	node_start(s->node[2]);
	sim_run(s, TICK_S(2));
	sim_expect(s, TICK_S(60), all_registered, "a spoke is back in both of its clouds");
	sim_expect(s, TICK_S(90), flows_flow, "all flows flow in both clouds");
	sim_expect(s, TICK_S(180), all_direct, "each pair of each cloud direct again");
	stop_flows(s);
	at_rest(s);
}

/* ---- (13) registrations outlive a hub's daemon */

static bool
all_confirmed(struct sim *s)
{
	return unconfirmed(hub(s)) == 0;
}

static void
hub_again(struct sim *s, tick_t away, int64_t clock, unsigned expected)
{
	node_crash(hub(s));
	sim_run(s, away);
	hub(s)->wall_off += clock;
	node_start(hub(s));
	if (restored(hub(s)) != expected)
		sim_complain(s, hub(s), "%u registrations came back, %u were expected", restored(hub(s)), expected);
	sim_run(s, TICK_MS(300));	/* it tells its peers that it lost their SAs (RFC 6290), and they come */
	sim_expect(s, away > TICK_S(60) ? TICK_S(90) : expected ? TICK_MS(2700) : TICK_S(20), all_registered,
	    "all registered at a hub that was away");
	sim_expect(s, TICK_S(1), all_confirmed, "all of what was kept is confirmed");
	sim_expect(s, TICK_S(30), flows_flow, "all flows flow after the hub came back");
	sim_run(s, TICK_S(3));	/* and it is written */
}

static void
run_kept(struct sim *s)
{
	enum { SPOKES = 12, DAY = 86400 };

	cloud(s, SPOKES);
	start_all(s);
	sim_expect(s, TICK_S(10), all_registered, "all spokes registered");
	all_pairs(s, TICK_S(1), TICK_S(3600));
	sim_run(s, TICK_S(10));
	hub_again(s, TICK_S(2), 0, SPOKES);
	hub_again(s, TICK_S(2), DAY, 0);	/* all of it is over by the clock */
	hub_again(s, TICK_S(2), -2 * DAY, SPOKES);
	hub_again(s, TICK_S(700), 0, 0);
	node_stop(spoke(s, 3));	/* says goodbye: what is kept of it goes, too */
	sim_run(s, TICK_S(3));
	if (store_count(hub(s)) != SPOKES - 1)
		sim_complain(s, hub(s), "%u registrations are kept of %u", store_count(hub(s)), SPOKES - 1);
	node_crash(spoke(s, 4));	/* does not, and never comes back */
	hub_again(s, TICK_S(2), 0, SPOKES - 1);
	stop_flows(s);
	at_rest(s);
	sim_run(s, TICK_S(650));
	if (restored(hub(s)))
		sim_complain(s, hub(s), "%u registrations of another life outlived their holding time", restored(hub(s)));
	at_rest(s);
}

/* ---- (14) clocks */

static void
run_clocks(struct sim *s)
{
	static const tick_t gap[] = { TICK_S(3), TICK_S(40), TICK_S(900) };

	cloud(s, 6);
	start_all(s);
	sim_expect(s, TICK_S(10), all_registered, "all spokes registered");
	all_pairs(s, TICK_MS(500), TICK_S(36000));
	sim_expect(s, TICK_S(20), all_direct, "each pair direct");
	for (unsigned i = 0; i < 2 * sizeof(gap) / sizeof(gap[0]); i++) {
		enum sim_sleep how = i % 2 ? SLEEP_STOPPED : SLEEP_SUSPENDED;

		node_sleep(spoke(s, 1 + sim_below(s, 6)), how, gap[i / 2]);
		if (sim_below(s, 2))
			node_sleep(hub(s), how, gap[i / 2]);
		hub(s)->wall_off += sim_below(s, 100000) - 50000;
		sim_run(s, gap[i / 2] + TICK_S(2));
		sim_expect(s, TICK_S(90), all_registered, "all registered after somebody slept");
		sim_expect(s, TICK_S(60), flows_flow, "all flows flow after somebody slept");
		sim_expect(s, TICK_S(120), all_direct, "each pair direct after somebody slept");
	}
	for (unsigned i = 0; i < s->n_node; i++)	/* everybody at once */
		node_sleep(s->node[i], i % 2 ? SLEEP_STOPPED : SLEEP_SUSPENDED, TICK_S(5000));
	sim_run(s, TICK_S(5002));
	sim_expect(s, TICK_S(90), all_registered, "all registered after all slept");
	sim_expect(s, TICK_S(120), all_direct, "each pair direct after all slept");
	stop_flows(s);
	at_rest(s);
}

/* ---- (15) routes move: a LAN to another spoke, behind a hub, back; all LANs from a hub that died to the next */

static void
run_moves(struct sim *s)
{
	struct lan *l;

	node_hub(s);
	node_hub(s);
	for (unsigned i = 0; i < 6; i++)
		node_spoke(s, NULL);
	l = s->node[2]->member[0].lan;
	start_all(s);
	sim_expect(s, TICK_S(15), all_registered, "all registered, the second hub at the first too");
	for (unsigned i = 2; i < s->n_node; i++) {
		for (unsigned k = 2; k < s->n_node; k++) {
			if (i != k)
				flow_new(s, s->node[i], s->node[k], TICK_MS(200), TICK_S(3600));
		}
	}
	sim_run(s, TICK_S(50));	/* both hubs are heard of by now */
	sim_expect(s, TICK_S(1), all_direct, "each pair direct");
	for (unsigned round = 0; round < 6; round++) {
		struct node *to = s->node[round % 3 == 1 ? 1 : 3 + sim_below(s, 5)];

		lan_move(s, l, to);
		sim_run(s, MOVE_SETTLES);
		sim_expect(s, TICK_S(1), flows_flow, "all flows flow after the LAN moved");
		sim_expect(s, TICK_S(9), all_direct, "each pair direct after the LAN moved");
		sim_run(s, TICK_S(12));
	}
	node_crash(s->node[0]);
	sim_run(s, TICK_S(45));
	sim_expect(s, TICK_S(30), flows_flow, "all flows flow by the second hub");
	lan_move(s, l, s->node[4]);
	sim_run(s, TICK_S(2));
	sim_expect(s, TICK_S(20), all_direct, "each pair direct, told by the second hub");
	node_start(s->node[0]);
	sim_run(s, TICK_S(30));
	sim_expect(s, TICK_S(60), all_registered, "all registered at the first hub again");
	lan_move(s, l, s->node[2]);
	sim_run(s, TICK_S(2));
	sim_expect(s, TICK_S(20), all_direct, "each pair direct, told by either hub");
	stop_flows(s);
	at_rest(s);
}

/* ---- (16) a spoke dies for good */

static bool
flows_of_the_living(struct sim *s)
{
	return flows_flow(s) && all_direct(s);
}

static void
run_dead(struct sim *s)
{
	cloud(s, 6);
	start_all(s);
	sim_expect(s, TICK_S(10), all_registered, "all spokes registered");
	all_pairs(s, TICK_MS(500), TICK_S(3600));
	sim_expect(s, TICK_S(20), all_direct, "each pair direct");
	node_crash(spoke(s, 1));
	stop_flows(s);	/* no traffic that would show it: only time */
	sim_run(s, TICK_S(200));
	for (unsigned i = 2; i < s->n_node; i++)
		flow_new(s, spoke(s, i), spoke(s, i % 6 + 1), TICK_MS(500), TICK_S(600));
	sim_expect(s, TICK_S(30), flows_of_the_living, "those who live reach each other");
	stop_flows(s);
	at_rest(s);
}

enum { SEEDS = 20 };
#define WORLD(u, o) .under = (u), .over = (o), .delay_min = TICK_MS(2), .delay_max = TICK_MS(40)
#define GOOD WORLD(4, 4)

#define LIVELY .hello = TICK_S(10), .reroute = true, .mesh = true, .keep = true

const struct scenario scenarios[] = {
	{ "basic", "hub and 10 spokes: by the hub, then directly; one leaves and comes back", run_basic, { GOOD }, SEEDS },
	{ "nat", "two spokes behind one NAT, a third public, a fourth behind another", run_nat, { GOOD }, SEEDS },
	{ "lossy", "20 % loss, reordering, duplicates", run_lossy, { GOOD, .loss = 20 * PPM_PERCENT, .dup = 5 * PPM_PERCENT, .jitter = TICK_MS(60),
		.hello = TICK_S(10) }, SEEDS },
	{ "crash", "hub and spoke killed, hub away for ten minutes", run_crash, { GOOD, .hello = TICK_S(10) }, SEEDS },
	{ "dials", "both spokes of a pair dial at once: one SA pair stays", run_dials, { GOOD }, SEEDS },
	{ "rekey", "SAs of half a minute under a steady flow: nothing lost", run_rekey, { GOOD, .child_life_s = 30, .ike_life_s = 100 }, SEEDS },
	{ "rebind", "the NAT box forgets; a spoke gets another address", run_rebind, { GOOD, .hello = TICK_S(10) }, SEEDS },
	{ "partition", "the network falls in two for a minute", run_partition, { GOOD }, SEEDS },
	{ "refused", "one action in ten refused for two minutes", run_refused, { GOOD, .refuse_sa = 10 * PPM_PERCENT,
		.refuse_neigh = 10 * PPM_PERCENT, .refuse_route = 10 * PPM_PERCENT }, SEEDS },
	{ "memory", "one allocation in fifty fails for two minutes", run_refused, { GOOD, .alloc_fail = 2 * PPM_PERCENT }, SEEDS },
	{ "clouds", "two clouds, a hub and three spokes in both", run_clouds, { GOOD, .hello = TICK_S(10) }, SEEDS },
	{ "kept", "a hub's registrations outlive its daemon, whatever the clock does", run_kept, { GOOD, .hello = TICK_S(10), .keep = true }, SEEDS },
	{ "clocks", "machines suspended, processes stopped, clocks set, for seconds and for hours", run_clocks, { GOOD, .hello = TICK_S(10),
		.keep = true }, SEEDS },
	{ "moves", "a LAN moves between spokes and hubs, and all of them to the second hub", run_moves, { GOOD, LIVELY }, SEEDS },
	{ "dead", "a spoke dies for good: nothing leads there after the holding time", run_dead, { GOOD, .hold_s = 60 }, SEEDS },
	{ "six", "IPv6 outside and inside", run_six, { WORLD(16, 16) }, SEEDS },
	{ "six-in-four", "IPv6 inside, IPv4 outside", run_six, { WORLD(4, 16) }, SEEDS },
	{ "four-in-six", "IPv4 inside, IPv6 outside", run_six, { WORLD(16, 4) }, SEEDS },
	{ "hundred", "100 spokes, random traffic for ten minutes", run_hundred, { GOOD, .loss = PPM_PERCENT / 10, .jitter = TICK_MS(2) }, SEEDS },
	{ "chaos", "two hubs, 16 spokes, 40 faults of all kinds, then quiet", run_chaos, { GOOD, LIVELY }, SEEDS },
	{ "crowd", "3 hubs, 500 spokes, ten minutes of faults of all kinds, then quiet", run_crowd, { GOOD, LIVELY }, 0 },
	{ "hour", "3 hubs, 500 spokes, one hour of faults of all kinds, then quiet", run_hour, { GOOD, LIVELY }, 1 },
};
const unsigned n_scenarios = sizeof(scenarios) / sizeof(scenarios[0]);
