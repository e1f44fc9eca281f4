/* tests/sim/chaos.c: everything at once, then quiet, then all must be well: with few, and with many for an hour. */
#include "tests/sim/sim.h"

struct chaos {
	unsigned hubs, spokes, flows;
	unsigned faults;	/* so many, or */
	tick_t time;	/* for so long */
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

	if (n->host.nat || !node_awake(n))
		return;
	to.b[to.n - 2] ^= 0x40;
	node_readdress(n, &to);
}

static void
fault_partition(struct sim *s, const struct chaos *c)
{
	for (unsigned i = 0; i < c->hubs + c->spokes; i++)
		s->node[i]->host.group = (uint8_t)sim_below(s, 2);
	sim_fault(s, NULL, "partition", "begins");
	s->partition = true;
}

static void
fault_loss(struct sim *s, const struct chaos *c)
{
	(void)c;
	s->conf.loss = (5 + sim_below(s, 30)) * PPM_PERCENT;
	s->conf.dup = 5 * PPM_PERCENT;
	s->conf.jitter = TICK_MS(50);
	sim_fault(s, NULL, "network", "is bad");
}

static void
fault_refuse(struct sim *s, const struct chaos *c)
{
	(void)c;
	s->conf.refuse_sa = s->conf.refuse_neigh = s->conf.refuse_route = 20 * PPM_PERCENT;
	s->conf.alloc_fail = PPM_PERCENT / 2;
	s->conf.store_fail = 50 * PPM_PERCENT;
	sim_fault(s, NULL, "refusals", "begin");
}

static struct node *
anybody(struct sim *s, const struct chaos *c)
{
	return sim_below(s, 8) ? any_spoke(s, c) : s->hub[sim_below(s, c->hubs)];
}

static void
fault_suspend(struct sim *s, const struct chaos *c)
{
	node_sleep(anybody(s, c), SLEEP_SUSPENDED, TICK_S(1) + TICK_MS(sim_below(s, 300000)));
}

static void
fault_stopped(struct sim *s, const struct chaos *c)
{
	node_sleep(anybody(s, c), SLEEP_STOPPED, TICK_S(1) + TICK_MS(sim_below(s, 120000)));
}

static void
fault_wall(struct sim *s, const struct chaos *c)
{
	struct node *n = s->hub[sim_below(s, c->hubs)];

	n->wall_off += (int64_t)sim_below(s, 400000) - 200000;
	sim_fault(s, n, "wall-clock", "is set");
}

static void
fault_lan(struct sim *s, const struct chaos *c)
{
	lan_move(s, s->lan[sim_below(s, s->n_lan)], anybody(s, c));
}

/* All that can be mended from outside: daemons run again, the network is whole. What the cores make of it is theirs. */
static void
mend(struct sim *s)
{
	s->partition = false;
	s->conf.loss = s->conf.dup = s->conf.refuse_sa = s->conf.refuse_neigh = s->conf.refuse_route = s->conf.alloc_fail = 0;
	s->conf.jitter = 0;
	s->conf.store_fail = 0;
	sim_fault(s, NULL, "mended", "");
	for (unsigned i = 0; i < s->n_node; i++) {
		node_wake(s->node[i]);
		node_start(s->node[i]);
	}
}

static void
faults(struct sim *s, const struct chaos *c)
{
	static void (*const fault[])(struct sim *, const struct chaos *) = { fault_crash, fault_crash, fault_hub, fault_stop, fault_rebind,
		fault_address, fault_partition, fault_loss, fault_refuse, fault_suspend, fault_stopped, fault_wall, fault_lan, fault_lan };
	tick_t end = s->now + c->time;

	for (unsigned i = 0; c->faults ? i < c->faults : s->now < end; i++) {
		fault[sim_below(s, sizeof(fault) / sizeof(fault[0]))](s, c);
		sim_run(s, TICK_MS(100) + sim_below(s, (uint32_t)c->gap));
		if (sim_below(s, 3) == 0)
			mend(s);
	}
	mend(s);
}

/* A quarter of the spokes is behind NAT boxes, one half of these behind the first few. */
static struct nat *
some_nat(const struct sim *s, unsigned spoke)
{
	unsigned i = spoke / 4;

	return spoke % 4 ? NULL : s->nat[i % 2 ? i / 2 % s->n_nat : i / 2 % (1 + s->n_nat / 8)];
}

static void
chaos_cloud(struct sim *s, const struct chaos *c)
{
	for (unsigned i = 0; i < c->hubs; i++)
		node_hub(s);
	for (unsigned i = 0; i < 1 + c->spokes / 20; i++)
		net_nat(s);
	for (unsigned i = 0; i < c->spokes; i++)
		node_spoke(s, some_nat(s, i));
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

		if (!f->stopped && !both && !flow_direct(f))
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
	sim_run(s, TICK_S(75));	/* of several SAs of one pair all but one have gone by then, though the judging took two rounds */
	check_rest(s);
}

void
run_chaos(struct sim *s)
{
	run_faults(s, &(struct chaos){ .hubs = 2, .spokes = 16, .flows = 40, .faults = 40, .gap = TICK_S(40) });
}

void
run_crowd(struct sim *s)
{
	run_faults(s, &(struct chaos){ .hubs = 3, .spokes = 500, .flows = 250, .time = TICK_S(600), .gap = TICK_S(30) });
}

void
run_hour(struct sim *s)
{
	run_faults(s, &(struct chaos){ .hubs = 3, .spokes = 500, .flows = 250, .time = TICK_S(3600), .gap = TICK_S(60) });
}
