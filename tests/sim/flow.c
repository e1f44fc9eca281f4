/* tests/sim/flow.c: data packets from LAN to LAN, numbered and counted by what became of them. Every packet that the network did
 * not lose must arrive; what a router dropped is held against it. */
#include "tests/sim/sim.h"

#define ROUTES_SETTLE TICK_S(60)	/* a routing protocol may lead in circles until then, and TTL ends them */

struct flow *
flow_between(struct sim *s, const struct lan *src, const struct lan *dst, tick_t every, tick_t for_how_long)
{
	struct flow *f;

	if (s->n_flow == SIM_FLOWS_MAX)
		sim_complain(s, src->owner, "more than %d flows", SIM_FLOWS_MAX);
	f = &s->flow[s->n_flow];
	*f = (struct flow){ .src = src, .dst = dst, .from = src->owner, .to = dst->owner, .every = every, .until = s->now + for_how_long,
		.id = s->n_flow++ };
	sim_at(s, s->now + sim_below(s, (uint32_t)every), SIM_EV_FLOW, NULL)->u.flow = f->id;
	return f;
}

struct flow *
flow_new(struct sim *s, struct node *from, struct node *to, tick_t every, tick_t for_how_long)
{
	return flow_between(s, from->member[0].lan, to->member[0].lan, every, for_how_long);
}

void
flow_tick(struct sim *s, uint32_t id)
{
	struct flow *f = &s->flow[id];
	struct inner in = { .kind = INNER_DATA, .src = f->src->host, .dst = f->dst->host, .flow = id, .seq = ++f->sent, .ttl = 16 };

	if (f->stopped || s->now > f->until) {
		f->sent--;
		f->stopped = true;
		return;
	}
	if (node_awake(f->from))
		plane_data(f->from, in, 0);
	else
		flow_drop(s, f->from, &in, DROP_DOWN);
	sim_at(s, s->now + f->every, SIM_EV_FLOW, NULL)->u.flow = id;
}

void
flow_got(struct sim *s, struct node *at, const struct inner *in)
{
	struct flow *f = &s->flow[in->flow];

	if (at != f->to)
		sim_complain(s, at, "a packet for %s ended here", f->to->name);
	f->got++;
	f->last_got = s->now;
	f->last_hops = in->hops;
	if (in->hops <= 1) {
		f->direct++;
		f->first_direct = f->first_direct ? f->first_direct : s->now;
	} else {
		f->via_hub++;
	}
	if (in->seq < f->top)
		f->late++;
	else
		f->top = in->seq;
}

void
flow_drop(struct sim *s, const struct node *at, const struct inner *in, enum flow_drop why)
{
	struct flow *f = &s->flow[in->flow];
	struct endpoint src = { in->src, 0 }, dst = { in->dst, 0 };

	if (in->mcast)
		return;
	f->drop[why]++;
	if (why != DROP_NET)
		sim_trace(s, at, flow_drop_name(why), in->flow, in->seq, &src, &dst);
	if (why == DROP_TTL && (!s->conf.reroute || s->now - s->calm_since > ROUTES_SETTLE))
		sim_complain(s, at, "a packet from %s to %s goes round in a loop", f->from->name, f->to->name);
}

uint32_t
flow_dropped(const struct flow *f)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < FLOW_DROPS; i++)
		n += i == DROP_NET || i == DROP_DOWN ? 0 : f->drop[i];
	return n;
}

const char *
flow_drop_name(enum flow_drop why)
{
	static const char *const name[FLOW_DROPS] = { "net", "no-route", "no-neighbour", "no-sa", "unknown-spi", "bad-seal", "replay", "hard-life",
		"ttl", "down" };

	return name[why];
}
