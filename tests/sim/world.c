/* tests/sim/world.c: who there is. Nodes and the clouds they are members of, their LANs, how each is configured; and the routes.
 *
 * A cloud is one overlay: a node in two of them has two tunnels, with an IKE profile, identity and secret of its own for each. Hubs
 * have a route to each LAN of their clouds, spokes one to all of them, by the first hub; and each router its own LAN. That is where
 * it ends without sim_conf.reroute. With it there is a routing protocol, in as few lines as can be: who hears whom is told by the
 * multicast hellos that came through the tunnels, in both directions; a spoke takes the first hub it is adjacent to, a hub
 * reaches the LAN of a spoke it does not hear by a hub that hears it. */
#include "tests/sim/sim.h"

#include <stdlib.h>

enum { DEAD_HELLOS = 4 };
static const char psk[] = "a secret for the simulator, cloud ";

/* ---- addresses: 10.255.i/16 in the first cloud and 10.i/24 behind it, 11 in the second; or fd00:ff::i/32 and fd00:1:i::/64, fd01 */

static struct addr
make_overlay(const struct sim *s, uint8_t cloud, uint16_t i)
{
	uint8_t v4[4] = { (uint8_t)(10 + cloud), 255, (uint8_t)(i >> 8), (uint8_t)i }, v6[16] = { 0xfd, cloud, 0, 0xff };

	put_be16(v6 + 14, i);
	return s->conf.over == 4 ? addr_of(v4, 4) : addr_of(v6, 16);
}

static struct addr
make_inside(const struct sim *s, uint8_t cloud, uint16_t i, uint8_t host)
{
	uint8_t v4[4] = { (uint8_t)(10 + cloud), (uint8_t)(i >> 8), (uint8_t)i, host }, v6[16] = { 0xfd, cloud, 0, 1 };

	put_be16(v6 + 4, i);
	v6[15] = host;
	return s->conf.over == 4 ? addr_of(v4, 4) : addr_of(v6, 16);
}

static struct prefix
tunnel_net(const struct node *n, const struct member *m)
{
	return (struct prefix){ m->overlay, n->sim->conf.over == 4 ? 16 : 32 };
}

static struct prefix
all_lans(const struct node *n, const struct member *m)
{
	return prefix_of(&m->overlay, n->sim->conf.over == 4 ? 8 : 16);
}

static struct lan *
lan_new(struct sim *s, uint8_t cloud, struct node *owner)
{
	struct lan *l = calloc(1, sizeof(*l));

	if (!l || s->n_lan == SIM_LANS_MAX)
		abort();
	l->cloud = cloud;
	l->owner = owner;
	l->router = make_inside(s, cloud, (uint16_t)owner->index, 1);
	l->host = make_inside(s, cloud, (uint16_t)owner->index, 10);
	l->net = prefix_of(&l->router, s->conf.over == 4 ? 24 : 64);
	l->index = s->n_lan;
	s->lan[s->n_lan++] = l;
	return l;
}

/* ---- configuration */

static struct ike_id
fqdn(const char *name)
{
	struct ike_id id = { .type = IKE_ID_FQDN };

	id.len = (uint8_t)snprintf((char *)id.data, sizeof(id.data), "%s", name);
	return id;
}

static void
make_profile(struct node *n, unsigned i)
{
	const struct sim_conf *c = &n->sim->conf;
	const char cloud = (char)('a' + n->member[i].cloud);
	struct ike_profile *p = &n->profile[i];
	char name[32];

	snprintf(name, sizeof(name), "%s.%c.sim", n->name, cloud);
	snprintf(p->name, sizeof(p->name), "%c.sim", cloud);
	p->local_id = fqdn(name);
	p->remote[0] = (struct ike_match){ .kind = IKE_MATCH_DOMAIN, .id = fqdn(p->name) };
	p->n_remote = 1;
	n->key[i] = (struct ike_key){ .name = "all", .id = p->remote[0], .has_id = true, .psk_len = sizeof(psk) };
	memcpy(n->key[i].psk, psk, sizeof(psk));
	n->key[i].psk[sizeof(psk) - 1] = (uint8_t)cloud;
	p->key = &n->key[i];
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
add_nhs(struct node *n, unsigned i, const struct node *hub)
{
	const struct member *of_hub = node_member(hub, n->member[i].cloud, NULL);
	struct nhrp_conf *c = &n->tunnel[i].nhrp;
	struct nhrp_conf_nhs *s = &c->nhs[c->n_nhs];

	if (!of_hub || hub == n || c->n_nhs == NHRP_NHS_MAX || (n->hub && (!n->sim->conf.mesh || hub->index > n->index)))
		return;
	*s = (struct nhrp_conf_nhs){ .proto = of_hub->overlay, .family = n->sim->conf.over, .mcast = true };
	snprintf(s->name, sizeof(s->name), "%s.%c.sim", hub->name, 'a' + n->member[i].cloud);
	c->n_nhs++;
	if (!n->hub && !n->member[i].via)
		n->member[i].via = hub;
}

static void
make_nhrp(struct node *n, unsigned i)
{
	struct nhrp_conf *c = &n->tunnel[i].nhrp;

	c->network_id = 1u + n->member[i].cloud;
	c->own[0] = tunnel_net(n, &n->member[i]);
	c->n_own = 1;
	c->hold_s = n->sim->conf.hold_s ? n->sim->conf.hold_s : 600;
	memcpy(c->auth, "sim", 3);
	c->auth_len = 3;
	c->shortcut = true;
	c->redirect = c->mcast_dynamic = n->hub;
	c->no_unique = true;
	c->keep = n->sim->conf.keep;
	for (unsigned h = 0; h < n->sim->n_hub; h++)
		add_nhs(n, i, n->sim->hub[h]);
}

static void
join(struct node *n, uint8_t cloud)
{
	unsigned i = n->n_member++;
	struct member *m = &n->member[i];
	struct core_tunnel_conf *t = &n->tunnel[i];

	m->cloud = cloud;
	m->overlay = make_overlay(n->sim, cloud, (uint16_t)n->index);
	m->lan = lan_new(n->sim, cloud, n);
	make_profile(n, i);
	make_nhrp(n, i);
	t->profile = i;
	t->dp = (struct dp_tunnel){ .id = i + 1, .n_addr = 1, .redirect = n->hub, .has_key = true, .key = 1u + cloud };
	snprintf(t->dp.name, sizeof(t->dp.name), "gre%u", 1u + cloud);
	t->dp.addr[0] = tunnel_net(n, m);
}

static unsigned
count(const struct sim *s, bool hub)
{
	return hub ? s->n_hub : s->n_node - s->n_hub;
}

struct node *
node_new(struct sim *s, struct nat *nat, bool hub, unsigned clouds)
{
	struct node *n = calloc(1, sizeof(*n));

	if (!n || s->n_node == SIM_NODES_MAX || (hub && s->n_hub == SIM_HUBS_MAX))
		abort();
	n->sim = s;
	n->hub = hub;
	n->index = s->n_node + 1;
	snprintf(n->name, sizeof(n->name), "%s-%u", hub ? "hub" : "spoke", count(s, hub) + 1);
	s->node[s->n_node++] = n;
	if (hub)
		s->hub[s->n_hub++] = n;
	net_attach(s, n, nat);
	for (uint8_t c = 0; c < SIM_CLOUDS; c++) {
		if (clouds >> c & 1)
			join(n, c);
	}
	n->conf = (struct core_conf){ .tunnel = n->tunnel, .n_tunnel = n->n_member,
		.ike = { .profile = n->profile, .n_profile = n->n_member, .half_open_max = 4096, .cookie_threshold = 100, .sa_max = 200000 } };
	return n;
}

struct node *
node_hub(struct sim *s)
{
	return node_new(s, NULL, true, 1);
}

struct node *
node_spoke(struct sim *s, struct nat *nat)
{
	return node_new(s, nat, false, 1);
}

/* ---- who is it */

const struct member *
node_member(const struct node *n, uint8_t cloud, uint32_t *tunnel)
{
	for (unsigned i = 0; i < n->n_member; i++) {
		if (n->member[i].cloud != cloud)
			continue;
		if (tunnel)
			*tunnel = i + 1;
		return &n->member[i];
	}
	return NULL;
}

static unsigned
number_in(const struct addr *a)
{
	return get_be16(a->b + a->n - 2);
}

struct node *
node_of_overlay(const struct sim *s, const struct addr *overlay)
{
	unsigned i = overlay->n ? number_in(overlay) : 0;
	struct node *n = i && i <= s->n_node ? s->node[i - 1] : NULL;

	for (unsigned k = 0; n && k < n->n_member; k++) {
		if (addr_eq(&n->member[k].overlay, overlay))
			return n;
	}
	return NULL;
}

const struct lan *
lan_of(const struct sim *s, const struct addr *a)
{
	unsigned i = a->n == 4 ? get_be16(a->b + 1) : a->n == 16 ? get_be16(a->b + 4) : 0;
	const struct node *n = i && i <= s->n_node ? s->node[i - 1] : NULL;

	for (unsigned k = 0; n && k < n->n_member; k++) {
		if (prefix_has(&n->member[k].lan->net, a))
			return n->member[k].lan;
	}
	return NULL;
}

/* ---- routes */

void
node_rib(struct node *n, const struct rib_route *r, bool gone)
{
	struct rib_event ev = { .kind = gone ? RIB_EV_GONE : RIB_EV_ROUTE, .route = *r };

	if (gone)
		plane_route_del(n, &r->dst, false);
	else
		plane_route_set(n, r, false);
	core_rib_event(n->core, node_now(n), &ev);
	node_carry(n);
}

/* Hellos of each came to the other in time. */
static bool
adjacent(const struct node *a, const struct node *b)
{
	tick_t now = a->sim->now, dead = a->sim->conf.hello * DEAD_HELLOS;

	return a->heard[b->index] && b->heard[a->index] && now - a->heard[b->index] < dead && now - b->heard[a->index] < dead;
}

/* Where the LAN is for a hub: behind its owner; or behind a hub that hears it, when this one does not. */
static const struct node *
way_to(const struct node *n, const struct lan *l)
{
	const struct sim *s = n->sim;

	if (!s->conf.reroute || adjacent(n, l->owner))
		return l->owner;
	for (unsigned i = 0; i < s->n_hub; i++) {
		const struct node *h = s->hub[i];

		if (h != n && h->core && adjacent(n, h) && (h == l->owner || (h->lan_via[l->index] == l->owner && adjacent(h, l->owner))))
			return h;
	}
	return l->owner;
}

static void
set_lan(struct node *n, const struct lan *l, const struct node *to)
{
	struct prefix router = prefix_host(&l->router);
	const struct node *was = n->lan_via[l->index];
	const struct member *m = to ? node_member(to, l->cloud, NULL) : NULL;
	uint32_t tunnel = 0;

	if (was == to)
		return;
	node_member(n, l->cloud, &tunnel);
	if (was == n)
		node_rib(n, &(struct rib_route){ .dst = router }, true);
	n->lan_via[l->index] = to;
	if (!to) {
		node_rib(n, &(struct rib_route){ .dst = l->net }, true);
	} else if (to == n) {
		node_rib(n, &(struct rib_route){ .dst = l->net, .ifindex = LAN_IF }, false);
		node_rib(n, &(struct rib_route){ .dst = router, .ifindex = LAN_IF, .kind = RIB_LOCAL }, false);
	} else {
		node_rib(n, &(struct rib_route){ .dst = l->net, .via = m->overlay, .ifindex = TUNNEL_IF + tunnel - 1 }, false);
	}
}

void
routes_sync(struct node *n)
{
	const struct sim *s = n->sim;

	for (unsigned i = 0; i < s->n_lan; i++) {
		const struct lan *l = s->lan[i];

		if (l->owner == n)
			set_lan(n, l, n);
		else if (n->hub && node_member(n, l->cloud, NULL))
			set_lan(n, l, way_to(n, l));
		else
			set_lan(n, l, NULL);
	}
}

static void
set_all(struct node *n, unsigned i)
{
	struct member *m = &n->member[i];
	const struct member *of_hub = m->via ? node_member(m->via, m->cloud, NULL) : NULL;

	if (of_hub)
		node_rib(n, &(struct rib_route){ .dst = all_lans(n, m), .via = of_hub->overlay, .ifindex = TUNNEL_IF + i }, false);
}

void
routes_start(struct node *n)
{
	struct rib_event ready = { .kind = RIB_EV_READY };

	memset(n->lan_via, 0, sizeof(n->lan_via));
	memset(n->heard, 0, sizeof(n->heard));
	for (unsigned i = 0; i < n->n_member; i++) {
		struct member *m = &n->member[i];
		struct prefix net = tunnel_net(n, m);

		node_rib(n, &(struct rib_route){ .dst = prefix_host(&m->overlay), .ifindex = TUNNEL_IF + i, .kind = RIB_LOCAL }, false);
		node_rib(n, &(struct rib_route){ .dst = prefix_of(&net.addr, net.bits), .ifindex = TUNNEL_IF + i }, false);
		set_all(n, i);
	}
	routes_sync(n);
	core_rib_event(n->core, node_now(n), &ready);
	node_carry(n);
}

static void
choose_hub(struct node *n, unsigned i)
{
	struct member *m = &n->member[i];

	for (unsigned h = 0; h < n->sim->n_hub; h++) {
		const struct node *hub = n->sim->hub[h];

		if (!hub->core || !node_member(hub, m->cloud, NULL) || !adjacent(n, hub))
			continue;
		if (m->via == hub)
			return;
		m->via = hub;
		sim_note(n->sim, n, "reroute", hub->name);
		set_all(n, i);
		return;
	}
}

void
routes_tick(struct node *n)
{
	for (unsigned i = 0; i < n->n_member && !n->hub; i++)
		choose_hub(n, i);
	if (n->hub)
		routes_sync(n);
	sim_at(n->sim, n->sim->now + TICK_S(2), SIM_EV_ROUTING, n);
}

/* The new owner hears of it first, the old one last: so no packet goes round in between. */
void
lan_move(struct sim *s, struct lan *l, struct node *to)
{
	struct node *was = l->owner;

	if (was == to)
		return;
	sim_fault(s, to, "lan-moves", was->name);
	l->owner = to;
	l->moved_at = s->now;
	for (unsigned i = 0; i < s->n_flow; i++) {
		struct flow *f = &s->flow[i];

		f->from = f->src->owner;
		f->to = f->dst->owner;
	}
	if (node_awake(to))
		set_lan(to, l, to);
	for (unsigned i = 0; i < s->n_hub; i++) {
		struct node *h = s->hub[i];

		if (h != to && h != was && node_awake(h) && node_member(h, l->cloud, NULL))
			set_lan(h, l, way_to(h, l));
	}
	if (node_awake(was))
		set_lan(was, l, was->hub ? way_to(was, l) : NULL);
}
