/* tests/sim/node.c: one hub or spoke: its configuration, its core's environment, and the carrying out of actions as
 * nhrpd/daemon/daemon.c does it. A crash frees the core and everything in its plane at once; nothing survives but the wires. */
#include "tests/sim/sim.h"

#include <stdlib.h>

enum { TUNNEL_IF = 7, LAN_IF = 3 };
static const char psk[] = "a secret for the simulator";

/* ---- what the core is given of the world */

struct block {
	size_t n;
	max_align_t data[];
};

static void *
node_alloc(void *ctx, size_t n)
{
	struct node *nd = ctx;
	struct block *b;

	if (nd->core && sim_chance(nd->sim, nd->sim->conf.alloc_fail))
		return NULL;
	if (!(b = calloc(1, sizeof(*b) + n)))
		abort();
	b->n = n;
	nd->live++;
	nd->bytes += n;
	return b->data;
}

static void
node_release(void *ctx, void *p)
{
	struct node *nd = ctx;
	struct block *b = p ? container_of(p, struct block, data) : NULL;

	if (!b)
		return;
	nd->live--;
	nd->bytes -= b->n;
	free(b);
}

static void
node_random(void *ctx, void *out, size_t n)
{
	struct node *nd = ctx;
	uint8_t *p = out;

	while (n) {
		uint64_t z = splitmix64(&nd->rng);
		size_t k = n < 8 ? n : 8;

		memcpy(p, &z, k);
		p += k;
		n -= k;
	}
}

static void
node_log(void *ctx, enum log_level lv, const char *word, const char *text)
{
	struct node *n = ctx;
	char line[120];

	(void)lv;
	snprintf(line, sizeof(line), "%s: %s", word, text);
	sim_note(n->sim, n, "log", line);
}

static uint32_t
env_spi(void *ctx)
{
	return plane_spi_alloc(ctx);
}

static bool
env_peer_stats(void *ctx, uint32_t tunnel, uint32_t peer, struct dp_peer_stats *out)
{
	struct node *n = ctx;

	if (tunnel != 1 || peer >= n->plane.n_peer)
		return false;
	*out = n->plane.peer[peer].st;
	return true;
}

static bool
env_sa_stats(void *ctx, uint32_t spi_in, struct dp_sa_stats *out)
{
	struct plane_sa *sa = plane_sa(ctx, spi_in);

	if (!sa)
		return false;
	*out = sa->st;
	return true;
}

/* ---- configuration */

/* 10.255.i/16 in the tunnel and 10.i/24 behind it; or fd00:ff::i/32 and fd00:1:i::/64. */
static void
make_overlay(struct node *n)
{
	uint16_t i = (uint16_t)n->index;
	uint8_t t4[4] = { 10, 255, (uint8_t)(i >> 8), (uint8_t)i }, l4[4] = { 10, (uint8_t)(i >> 8), (uint8_t)i, 1 };
	uint8_t t6[16] = { 0xfd, 0, 0, 0xff }, l6[16] = { 0xfd, 0, 0, 1 };
	bool v4 = n->sim->conf.over == 4;

	put_be16(t6 + 14, i);
	put_be16(l6 + 4, i);
	l6[15] = 1;
	n->overlay = v4 ? addr_of(t4, 4) : addr_of(t6, 16);
	n->lan_addr = v4 ? addr_of(l4, 4) : addr_of(l6, 16);
	l4[3] = l6[15] = 10;
	n->lan_host = v4 ? addr_of(l4, 4) : addr_of(l6, 16);
	n->lan = prefix_of(&n->lan_addr, v4 ? 24 : 64);
}

static struct prefix
tunnel_net(const struct node *n)
{
	return (struct prefix){ n->overlay, n->sim->conf.over == 4 ? 16 : 32 };
}

static struct ike_id
fqdn(const char *name)
{
	struct ike_id id = { .type = IKE_ID_FQDN };

	id.len = (uint8_t)snprintf((char *)id.data, sizeof(id.data), "%s", name);
	return id;
}

static void
make_profile(struct node *n)
{
	const struct sim_conf *c = &n->sim->conf;
	struct ike_profile *p = &n->profile;
	char name[32];

	snprintf(name, sizeof(name), "%s.sim", n->name);
	snprintf(p->name, sizeof(p->name), "sim");
	p->local_id = fqdn(name);
	p->remote[0] = (struct ike_match){ .kind = IKE_MATCH_DOMAIN, .id = fqdn("sim") };
	p->n_remote = 1;
	n->key = (struct ike_key){ .name = "all", .id = p->remote[0], .has_id = true, .psk_len = sizeof(psk) - 1 };
	memcpy(n->key.psk, psk, sizeof(psk) - 1);
	p->key = &n->key;
	p->n_key = 1;
	p->ike[0] = (struct ike_proposal){ .encr = { 20 }, .encr_bits = { 256 }, .n_encr = 1, .prf = { 5 }, .n_prf = 1,
		.group = { 31 }, .n_group = 1 };
	p->n_ike = 1;
	p->esp[0] = (struct ike_proposal){ .encr = { 20 }, .encr_bits = { 256 }, .n_encr = 1, .esn = { true, true } };
	p->n_esp = 1;
	p->dpd = IKE_DPD_ON_DEMAND;
	p->dpd_s = 10;
	p->dpd_retry_s = 3;
	p->ike_life_s = c->ike_life_s ? c->ike_life_s : 86400;
	p->child_life.hard_s = c->child_life_s ? c->child_life_s : 3600;
	p->child_life.hard_packets = c->child_packets;
	p->replay_window = PLANE_WINDOW;
	p->keepalive_s = 20;
}

static void
make_nhrp(struct node *n)
{
	struct nhrp_conf *c = &n->tunnel.nhrp;

	c->network_id = 1;
	c->own[0] = tunnel_net(n);
	c->n_own = 1;
	c->hold_s = n->sim->conf.hold_s ? n->sim->conf.hold_s : 600;
	memcpy(c->auth, "sim", 3);
	c->auth_len = 3;
	c->shortcut = true;
	c->redirect = c->mcast_dynamic = n->hub;
	c->no_unique = true;
	for (unsigned i = 0; i < n->sim->n_node && !n->hub; i++) {
		const struct node *h = n->sim->node[i];
		struct nhrp_conf_nhs *s = &c->nhs[c->n_nhs];

		if (!h->hub || c->n_nhs == NHRP_NHS_MAX)
			continue;
		*s = (struct nhrp_conf_nhs){ .proto = h->overlay, .family = n->sim->conf.over, .mcast = true };
		snprintf(s->name, sizeof(s->name), "%s.sim", h->name);
		c->n_nhs++;
	}
}

static struct node *
node_new(struct sim *s, struct nat *nat, bool hub, unsigned number)
{
	struct node *n = calloc(1, sizeof(*n));

	if (!n || s->n_node == SIM_NODES_MAX)
		abort();
	n->sim = s;
	n->hub = hub;
	n->index = s->n_node + 1;
	snprintf(n->name, sizeof(n->name), "%s-%u", hub ? "hub" : "spoke", number);
	s->node[s->n_node++] = n;
	net_attach(s, n, nat);
	make_overlay(n);
	make_profile(n);
	make_nhrp(n);
	n->tunnel.dp = (struct dp_tunnel){ .id = 1, .name = "gre1", .n_addr = 1, .redirect = hub, .has_key = true, .key = 1 };
	n->tunnel.dp.addr[0] = tunnel_net(n);
	n->conf = (struct core_conf){ .tunnel = &n->tunnel, .n_tunnel = 1,
		.ike = { .profile = &n->profile, .n_profile = 1, .half_open_max = 4096, .cookie_threshold = 100, .sa_max = 200000 } };
	return n;
}

static unsigned
count(const struct sim *s, bool hub)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->n_node; i++)
		n += s->node[i]->hub == hub;
	return n;
}

struct node *
node_hub(struct sim *s)
{
	return node_new(s, NULL, true, count(s, true) + 1);
}

struct node *
node_spoke(struct sim *s, struct nat *nat)
{
	return node_new(s, nat, false, count(s, false) + 1);
}

struct node *
node_of_overlay(const struct sim *s, const struct addr *overlay)
{
	for (unsigned i = 0; i < s->n_node; i++) {
		if (addr_eq(&s->node[i]->overlay, overlay))
			return s->node[i];
	}
	return NULL;
}

/* ---- routes that a routing protocol would bring: the hubs know each LAN, spokes know "all of it, by the first hub" */

void
node_rib(struct node *n, const struct rib_route *r, bool gone)
{
	struct rib_event ev = { .kind = gone ? RIB_EV_GONE : RIB_EV_ROUTE, .route = *r };

	if (gone)
		plane_route_del(n, &r->dst, false);
	else
		plane_route_set(n, r, false);
	core_rib_event(n->core, n->sim->now, &ev);
	node_carry(n);
}

static void
start_routes(struct node *n)
{
	const struct sim *s = n->sim;
	struct rib_event ready = { .kind = RIB_EV_READY };
	struct prefix net = tunnel_net(n), all = prefix_of(&n->lan_addr, s->conf.over == 4 ? 8 : 16);

	node_rib(n, &(struct rib_route){ .dst = n->lan, .ifindex = LAN_IF }, false);
	node_rib(n, &(struct rib_route){ .dst = prefix_host(&n->lan_addr), .ifindex = LAN_IF, .kind = RIB_LOCAL }, false);
	node_rib(n, &(struct rib_route){ .dst = prefix_host(&n->overlay), .ifindex = TUNNEL_IF, .kind = RIB_LOCAL }, false);
	node_rib(n, &(struct rib_route){ .dst = prefix_of(&net.addr, net.bits), .ifindex = TUNNEL_IF }, false);
	for (unsigned i = 0; i < s->n_node; i++) {
		const struct node *o = s->node[i];

		if (o == n)
			continue;
		if (n->hub)
			node_rib(n, &(struct rib_route){ .dst = o->lan, .via = o->overlay, .ifindex = TUNNEL_IF }, false);
		else if (o->hub && !trie_get(&n->plane.best, &all))
			node_rib(n, &(struct rib_route){ .dst = all, .via = o->overlay, .ifindex = TUNNEL_IF }, false);
	}
	core_rib_event(n->core, s->now, &ready);
	node_carry(n);
}

/* ---- start and end of a life */

void
node_start(struct node *n)
{
	struct core_env env = { .ike.env = { n, node_alloc, node_release, node_random, &n->log }, .ike.spi_alloc = env_spi,
		.peer_stats = env_peer_stats, .sa_stats = env_sa_stats };

	if (n->core)
		return;
	n->life++;
	n->rng = n->sim->seed ^ (uint64_t)n->index << 40 ^ (uint64_t)n->life << 20;
	splitmix64(&n->rng);
	n->log = (struct log){ node_log, n, LOG_LV_INFO };
	n->tick_at = TICK_NEVER;
	n->bytes = 0;
	plane_init(n);
	sim_note(n->sim, n, "start", "");
	if (!(n->core = core_new(&n->conf, &env)))
		sim_complain(n->sim, n, "the core did not start");
	core_source(n->core, n->sim->now, 1, &n->host.addr);
	node_carry(n);
	start_routes(n);
	core_tick(n->core, n->sim->now);
	node_carry(n);
	if (n->sim->conf.hello)
		sim_at(n->sim, n->sim->now + sim_below(n->sim, (uint32_t)n->sim->conf.hello), SIM_EV_HELLO, n);
}

static void
discard_jobs(struct node *n)
{
	for (unsigned i = 0; i < n->n_jobs; i++)
		ike_job_discard(n->jobs[i]);
	n->n_jobs = 0;
}

/* Also looks for leaks: what the core took it must have given back. */
void
node_crash(struct node *n)
{
	struct core *c = n->core;

	if (!c)
		return;
	n->life++;
	sim_note(n->sim, n, "crash", "");
	discard_jobs(n);
	n->core = NULL;
	core_free(c);
	plane_fini(n);
	if (n->live != 0 && !n->sim->complaint[0]) {
		long live = n->live;

		n->live = 0;
		sim_complain(n->sim, n, "%ld allocations were never given back", live);
	}
}

void
node_stop(struct node *n)
{
	if (!n->core)
		return;
	sim_note(n->sim, n, "shutdown", "");
	core_shutdown(n->core, n->sim->now);
	node_carry(n);
	sim_run(n->sim, TICK_MS(300));
	node_crash(n);
}

void
node_readdress(struct node *n, const struct addr *to)
{
	sim_note(n->sim, n, "new-address", "");
	net_readdress(n->sim, n, to);
	core_source(n->core, n->sim->now, 1, to);
	node_carry(n);
}

/* ---- carrying out */

static bool
refused(struct node *n, const struct core_act *a, uint32_t ppm)
{
	if (!sim_chance(n->sim, ppm))
		return false;
	sim_trace(n->sim, n, "refused", a->kind, a->spi_in, NULL, NULL);
	core_result(n->core, n->sim->now, a, false, "refused by the simulator");
	return true;
}

static void
act_tunnel(struct node *n, const struct core_act *a)
{
	struct dp_event up = { .kind = DP_EV_LINK, .tunnel = a->tunnel, .link_up = true };

	core_ifindex(n->core, a->tunnel, TUNNEL_IF);
	core_result(n->core, n->sim->now, a, true, "");
	if (n->plane.up)
		return;
	n->plane.up = true;
	core_dp_event(n->core, n->sim->now, &up);
}

static void
act_neigh_set(struct node *n, const struct core_act *a)
{
	struct endpoint e = { a->neigh.proto, 0 };
	struct dp_neigh g = a->neigh;

	sim_trace(n->sim, n, "neigh-set", a->neigh.peer, a->neigh.mcast, NULL, &e);
	if (refused(n, a, n->sim->conf.refuse_neigh)) {
		n->refused = true;
		return;
	}
	if (n->sim->sabotage == SABOTAGE_WRONG_PEER && g.proto.n && g.peer > 1)
		g.peer--;
	check_neigh_set(n, &g);
	plane_neigh_set(n, &g);
	core_result(n->core, n->sim->now, a, true, "");
}

static void
act_neigh_del(struct node *n, const struct core_act *a)
{
	struct endpoint e = { a->neigh.proto, 0 };

	sim_trace(n->sim, n, "neigh-del", a->neigh.peer, 0, NULL, &e);
	if (n->sim->sabotage == SABOTAGE_KEEP_NEIGH)
		return;
	check_neigh_del(n, &a->neigh.proto);
	plane_neigh_del(n, &a->neigh.proto);
}

static void
act_sa_add(struct node *n, const struct core_act *a)
{
	sim_trace(n->sim, n, "sa-add", a->spi_in, a->sa->peer, &a->sa->local, &a->sa->remote);
	if (refused(n, a, n->sim->conf.refuse_sa))
		return;
	if (n->sim->sabotage != SABOTAGE_SKIP_SA)
		plane_sa_add(n, a->sa);
	core_result(n->core, n->sim->now, a, true, "");
}

static void
act_sa_del(struct node *n, const struct core_act *a)
{
	sim_trace(n->sim, n, "sa-del", a->spi_in, 0, NULL, NULL);
	check_sa_del(n, a->spi_in);
	plane_sa_del(n, a->spi_in);
}

static void
act_route(struct node *n, const struct core_act *a)
{
	bool set = a->kind == CORE_ACT_ROUTE_SET;
	struct endpoint dst = { a->route.dst.addr, a->route.dst.bits }, via = { a->route.via, 0 };

	sim_trace(n->sim, n, set ? "route-set" : "route-del", 0, 0, &dst, &via);
	if (!set) {
		if (n->sim->sabotage != SABOTAGE_KEEP_ROUTE)
			plane_route_del(n, &a->route.dst, true);
		return;
	}
	if (refused(n, a, n->sim->conf.refuse_route))
		return;
	check_route_set(n, &a->route);
	plane_route_set(n, &a->route, true);
	core_result(n->core, n->sim->now, a, true, "");
}

static void
act_ike(struct node *n, const struct core_act *a)
{
	struct pkt *p;

	if (a->local.addr.n && !addr_eq(&a->local.addr, &n->host.addr)) {	/* the kernel would refuse the source address */
		sim_trace(n->sim, n, "bad-source", 0, 0, &a->local, &a->remote);
		return;
	}
	p = pkt_new(a->kind == CORE_ACT_KEEPALIVE ? PKT_KEEPALIVE : PKT_IKE, a->packet);
	p->src = (struct endpoint){ n->host.addr, a->local.port };
	p->dst = a->remote;
	if (p->n > 18)
		p->spi = p->octets[18];	/* exchange type, for the trace */
	if (p->n > 24)
		p->seq = get_be32(p->octets + 20);	/* message id */
	net_send(n->sim, n, p);
}

/* Computed now, answered a little later: other things happen in between. */
static void
act_job(struct node *n, const struct core_act *a)
{
	if (n->n_jobs == sizeof(n->jobs) / sizeof(n->jobs[0]))
		sim_complain(n->sim, n, "%u jobs under way", n->n_jobs);
	ike_job_run(a->job);
	n->jobs[n->n_jobs++] = a->job;
	sim_at(n->sim, n->sim->now + 100 + sim_below(n->sim, 900), SIM_EV_JOB, n)->u.job = a->job;
}

static void
carry_out(struct node *n, const struct core_act *a)
{
	switch (a->kind) {
	case CORE_ACT_TUNNEL_SET:
		act_tunnel(n, a);
		break;
	case CORE_ACT_TUNNEL_DEL:	/* configurations do not change here */
	case CORE_ACT_PATH_RESULT:	/* nor does this plane ask */
		break;
	case CORE_ACT_NEIGH_SET:
		act_neigh_set(n, a);
		break;
	case CORE_ACT_NEIGH_DEL:
		act_neigh_del(n, a);
		break;
	case CORE_ACT_SA_ADD:
		act_sa_add(n, a);
		break;
	case CORE_ACT_SA_ACTIVATE:
		sim_trace(n->sim, n, "sa-activate", a->spi_in, 0, NULL, NULL);
		plane_sa_activate(n, a->spi_in);
		break;
	case CORE_ACT_SA_MOVE:
		sim_trace(n->sim, n, "sa-move", a->spi_in, a->encap, &a->local, &a->remote);
		plane_sa_move(n, a->spi_in, &a->local, &a->remote, a->encap);
		break;
	case CORE_ACT_SA_DEL:
		act_sa_del(n, a);
		break;
	case CORE_ACT_NHRP_SEND:
		plane_send_nhrp(n, a->peer, a->packet);
		break;
	case CORE_ACT_ROUTE_SET:
	case CORE_ACT_ROUTE_DEL:
		act_route(n, a);
		break;
	case CORE_ACT_IKE_SEND:
	case CORE_ACT_KEEPALIVE:
		act_ike(n, a);
		break;
	case CORE_ACT_REVOCATION:
		ike_job_answer(a->job, IKE_STATUS_GOOD, "");
		/* fall through */
	case CORE_ACT_JOB:
		act_job(n, a);
		break;
	case CORE_ACT_LOOKUP:
		sim_at(n->sim, n->sim->now + TICK_MS(5) + sim_below(n->sim, 40000), SIM_EV_NAMES, n)->u.nhs = a->nhs;
		break;
	}
}

static void
schedule(struct node *n)
{
	tick_t at = core_deadline(n->core);

	if (at == n->tick_at)
		return;
	n->tick_at = at;
	if (at != TICK_NEVER)
		sim_at(n->sim, at, SIM_EV_TICK, n);
}

void
node_carry(struct node *n)
{
	const struct core_act *a;
	unsigned acts = 0;

	if (n->carrying || !n->core)
		return;
	n->carrying = true;
	while ((a = core_next(n->core, n->sim->now))) {
		carry_out(n, a);
		acts++;
	}
	n->carrying = false;
	n->sim->acts += acts;
	check_acts(n, acts);
	schedule(n);
}

/* ---- what comes in */

void
node_tick(struct node *n, tick_t at)
{
	(void)at;
	if (n->tick_at > n->sim->now)
		return;	/* moved since */
	n->tick_at = TICK_NEVER;
	n->spins = n->spin_at == n->sim->now ? n->spins + 1 : 0;
	n->spin_at = n->sim->now;
	if (n->spins > SIM_SPIN_MAX)
		sim_complain(n->sim, n, "%u ticks at one instant: a deadline in the past is never served", n->spins);
	core_tick(n->core, n->sim->now);
	node_carry(n);
}

void
node_hello(struct node *n)
{
	plane_mcast(n, 0, 0);
	sim_at(n->sim, n->sim->now + n->sim->conf.hello, SIM_EV_HELLO, n);
}

void
node_job(struct node *n, struct ike_job *job)
{
	for (unsigned i = 0; i < n->n_jobs; i++) {
		if (n->jobs[i] == job) {
			n->jobs[i] = n->jobs[--n->n_jobs];
			break;
		}
	}
	core_job_done(n->core, n->sim->now, job);
	node_carry(n);
}

void
node_names(struct node *n, uint32_t nhs)
{
	const struct nhrp_conf_nhs *c = &n->tunnel.nhrp.nhs[nhs];

	for (unsigned i = 0; i < n->sim->n_node; i++) {
		const struct node *h = n->sim->node[i];
		size_t len = strlen(h->name);

		if (!h->hub || strncmp(c->name, h->name, len) != 0 || c->name[len] != '.')
			continue;
		core_names(n->core, n->sim->now, 1, nhs, &h->host.addr, 1, NULL);
		node_carry(n);
		return;
	}
}

void
node_dp_event(struct node *n, const struct dp_event *ev)
{
	core_dp_event(n->core, n->sim->now, ev);
	node_carry(n);
}

void
node_rx_ike(struct node *n, const struct pkt *p)
{
	struct ike_rx rx = { .local = p->dst, .remote = p->src, .natt = p->dst.port != 500, .packet = span_of(p->octets, p->n) };
	struct dp_event ev = { .kind = DP_EV_IKE, .local = p->dst, .remote = p->src, .natt = true, .packet = rx.packet };

	sim_trace(n->sim, n, "ike-in", p->spi, (uint32_t)p->seq, &p->src, &p->dst);
	if (rx.natt) {
		node_dp_event(n, &ev);
		return;
	}
	core_rx_ike(n->core, n->sim->now, &rx);
	node_carry(n);
}
