/* tests/sim/scenario.c: the stories. Each builds a world, lets time pass, breaks something, and says what must have come of it. */
#include "tests/sim/sim.h"

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

static void
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

static void
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
static void
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

static void
rest(struct sim *s)
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
	plane_mcast(hub(s), 0, 0);
	plane_mcast(spoke(s, 1), 0, 0);
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
		if (s->node[i]->core && (plane_neigh(s->node[i], &spoke(s, 1)->overlay) || sa_pairs(s->node[i], spoke(s, 1))))
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
	rest(s);
	node_stop(spoke(s, 1));
	sim_expect(s, TICK_S(3), first_spoke_forgotten, "a spoke that said goodbye is forgotten");
	node_start(spoke(s, 1));
	sim_expect(s, TICK_S(10), all_registered, "the spoke is back");
	rest(s);
}

/* ---- (2) several behind one NAT box */

static void
distinct_ports(struct sim *s, const struct node *a, const struct node *b)
{
	const struct plane_neigh *x = plane_neigh(hub(s), &a->overlay), *y = plane_neigh(hub(s), &b->overlay);
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
	rest(s);
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

static bool
flows_flow(struct sim *s)
{
	for (unsigned i = 0; i < s->n_flow; i++) {
		const struct flow *f = &s->flow[i];

		if (!f->stopped && f->from->core && f->to->core && s->now - f->last_got > 3 * f->every)
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
	rest(s);
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
		if (sa_pairs(spoke(s, i), spoke(s, i + 1)) != 1 || sa_pairs(spoke(s, i + 1), spoke(s, i)) != 1)
			sim_complain(s, spoke(s, i), "%u SA pairs with %s, who has %u", sa_pairs(spoke(s, i), spoke(s, i + 1)), spoke(s, i + 1)->name,
			    sa_pairs(spoke(s, i + 1), spoke(s, i)));
	}
	stop_flows(s);
	expect_delivered(s);
	rest(s);
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
	rest(s);
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
	rest(s);
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
	rest(s);
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
	rest(s);
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
	rest(s);
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
	rest(s);
}

/* ---- (12) chaos: everything at once, then quiet, then all must be well. (13) the same with many */

struct chaos {
	unsigned hubs, spokes, flows, faults;
	tick_t gap;	/* up to so long between two faults */
};

static struct node *
any_spoke(struct sim *s, const struct chaos *c)
{
	return s->node[c->hubs + sim_below(s, c->spokes)];
}

static void
fault_crash(struct sim *s, const struct chaos *c)
{
	node_crash(any_spoke(s, c));
}

static void
fault_hub(struct sim *s, const struct chaos *c)
{
	node_crash(s->node[sim_below(s, c->hubs)]);
}

static void
fault_stop(struct sim *s, const struct chaos *c)
{
	node_stop(any_spoke(s, c));
}

static void
fault_rebind(struct sim *s, const struct chaos *c)
{
	(void)c;
	net_rebind(s, s->nat[sim_below(s, s->n_nat)]);
}

static void
fault_address(struct sim *s, const struct chaos *c)
{
	struct node *n = any_spoke(s, c);
	struct addr to = n->host.addr;

	if (n->host.nat || !n->core)
		return;
	to.b[to.n - 2] ^= 0x40;
	node_readdress(n, &to);
}

static void
fault_partition(struct sim *s, const struct chaos *c)
{
	for (unsigned i = 0; i < c->hubs + c->spokes; i++)
		s->node[i]->host.group = (uint8_t)sim_below(s, 2);
	sim_note(s, NULL, "partition", "begins");
	s->partition = true;
}

static void
fault_loss(struct sim *s, const struct chaos *c)
{
	(void)c;
	s->conf.loss = (5 + sim_below(s, 30)) * PPM_PERCENT;
	s->conf.dup = 5 * PPM_PERCENT;
	s->conf.jitter = TICK_MS(50);
	sim_note(s, NULL, "network", "is bad");
}

static void
fault_refuse(struct sim *s, const struct chaos *c)
{
	(void)c;
	s->conf.refuse_sa = s->conf.refuse_neigh = s->conf.refuse_route = 20 * PPM_PERCENT;
	s->conf.alloc_fail = PPM_PERCENT / 2;
	sim_note(s, NULL, "refusals", "begin");
}

/* All that can be mended from outside: daemons run again, the network is whole. What the cores make of it is theirs. */
static void
mend(struct sim *s)
{
	s->partition = false;
	s->conf.loss = s->conf.dup = s->conf.refuse_sa = s->conf.refuse_neigh = s->conf.refuse_route = s->conf.alloc_fail = 0;
	s->conf.jitter = 0;
	sim_note(s, NULL, "mended", "");
	for (unsigned i = 0; i < s->n_node; i++)
		node_start(s->node[i]);
}

static void
faults(struct sim *s, const struct chaos *c)
{
	static void (*const fault[])(struct sim *, const struct chaos *) = { fault_crash, fault_crash, fault_hub, fault_stop, fault_rebind,
		fault_address, fault_partition, fault_loss, fault_refuse };

	for (unsigned i = 0; i < c->faults; i++) {
		fault[sim_below(s, sizeof(fault) / sizeof(fault[0]))](s, c);
		sim_run(s, TICK_MS(100) + sim_below(s, (uint32_t)c->gap));
		if (sim_below(s, 3) == 0)
			mend(s);
	}
	mend(s);
}

static void
chaos_cloud(struct sim *s, const struct chaos *c)
{
	for (unsigned i = 0; i < c->hubs; i++)
		node_hub(s);
	for (unsigned i = 0; i < 1 + c->spokes / 20; i++)
		net_nat(s);
	for (unsigned i = 0; i < c->spokes; i++)
		node_spoke(s, i % 4 == 0 ? s->nat[i / 4 % s->n_nat] : NULL);
	start_all(s);
	sim_expect(s, TICK_S(60), all_registered, "all spokes registered");
	for (unsigned i = 0; i < c->flows; i++) {
		struct node *a = any_spoke(s, c), *b = any_spoke(s, c);

		if (a != b)
			flow_new(s, a, b, TICK_MS(500), TICK_S(36000));
	}
}

/* Two behind different NAT boxes whose ports changed cannot meet; one of them in the open is enough. */
static bool
possible_direct(struct sim *s)
{
	for (unsigned i = 0; i < s->n_flow; i++) {
		const struct flow *f = &s->flow[i];
		bool both = f->from->host.nat && f->to->host.nat && f->from->host.nat != f->to->host.nat;

		if (!f->stopped && !both && (!path_direct(f->from, f->to) || f->last_hops != 1))
			return false;
	}
	return true;
}

static void
run_faults(struct sim *s, const struct chaos *c)
{
	chaos_cloud(s, c);
	faults(s, c);
	sim_run(s, TICK_S(5));
	sim_expect(s, TICK_S(180), all_registered, "all registered after the last fault");
	sim_expect(s, TICK_S(120), flows_flow, "all flows flow after the last fault");
	sim_expect(s, TICK_S(400), possible_direct, "each pair that can be is direct after the last fault");
	sim_run(s, TICK_S(30));
	stop_flows(s);
	sim_run(s, TICK_S(10));
	check_rest(s);
}

static void
run_chaos(struct sim *s)
{
	run_faults(s, &(struct chaos){ .hubs = 2, .spokes = 16, .flows = 40, .faults = 40, .gap = TICK_S(40) });
}

static void
run_crowd(struct sim *s)
{
	run_faults(s, &(struct chaos){ .hubs = 3, .spokes = 500, .flows = 250, .faults = 60, .gap = TICK_S(60) });
}

#define WORLD(u, o) .under = (u), .over = (o), .delay_min = TICK_MS(2), .delay_max = TICK_MS(40)
#define GOOD WORLD(4, 4)

const struct scenario scenarios[] = {
	{ "basic", "hub and 10 spokes: by the hub, then directly; one leaves and comes back", run_basic, { GOOD }, 3 },
	{ "nat", "two spokes behind one NAT, a third public, a fourth behind another", run_nat, { GOOD }, 3 },
	{ "lossy", "20 % loss, reordering, duplicates", run_lossy, { GOOD, .loss = 20 * PPM_PERCENT, .dup = 5 * PPM_PERCENT, .jitter = TICK_MS(60),
		.hello = TICK_S(10) }, 3 },
	{ "crash", "hub and spoke killed, hub away for ten minutes", run_crash, { GOOD, .hello = TICK_S(10) }, 3 },
	{ "dials", "both spokes of a pair dial at once: one SA pair stays", run_dials, { GOOD }, 5 },
	{ "rekey", "SAs of half a minute under a steady flow: nothing lost", run_rekey, { GOOD, .child_life_s = 30, .ike_life_s = 100 }, 2 },
	{ "rebind", "the NAT box forgets; a spoke gets another address", run_rebind, { GOOD, .hello = TICK_S(10) }, 3 },
	{ "partition", "the network falls in two for a minute", run_partition, { GOOD }, 3 },
	{ "refused", "one action in ten refused for two minutes", run_refused, { GOOD, .refuse_sa = 10 * PPM_PERCENT,
		.refuse_neigh = 10 * PPM_PERCENT, .refuse_route = 10 * PPM_PERCENT }, 3 },
	{ "memory", "one allocation in fifty fails for two minutes", run_refused, { GOOD, .alloc_fail = 2 * PPM_PERCENT }, 3 },
	{ "hundred", "100 spokes, random traffic for ten minutes", run_hundred, { GOOD, .loss = PPM_PERCENT / 10, .jitter = TICK_MS(2) }, 2 },
	{ "chaos", "two hubs, 16 spokes, 40 faults of all kinds, then quiet", run_chaos, { GOOD, .hello = TICK_S(10) }, 4 },
	{ "crowd", "3 hubs, 500 spokes, 60 faults of all kinds in half an hour, then quiet", run_crowd, { GOOD, .hello = TICK_S(10) }, 0 },
	{ "six", "IPv6 outside and inside", run_six, { WORLD(16, 16) }, 1 },
	{ "six-in-four", "IPv6 inside, IPv4 outside", run_six, { WORLD(4, 16) }, 1 },
	{ "four-in-six", "IPv4 inside, IPv6 outside", run_six, { WORLD(16, 4) }, 1 },
};
const unsigned n_scenarios = sizeof(scenarios) / sizeof(scenarios[0]);
