/* tests/sim/net.c: the underlay. Hosts with a public address, or behind a NAT box that masquerades as Linux does: mappings per
 * inside endpoint and remote, the port kept where it is free, only answers let in. Hosts behind one box reach each other directly;
 * nothing turns around at the box (no hairpin). Delay is the sum of both ends' links; jitter reorders. */
#include "tests/sim/sim.h"

#include <stdlib.h>

enum { NAT_UNREPLIED_S = 30, NAT_REPLIED_S = 120, LAN_DELAY_US = 500 };

struct pkt *
pkt_new(enum pkt_kind kind, struct span octets)
{
	struct pkt *p = calloc(1, sizeof(*p) + octets.n);

	if (!p)
		abort();
	p->kind = kind;
	p->n = octets.n;
	if (octets.n)
		memcpy(p->octets, octets.p, octets.n);
	return p;
}

/* ---- hosts */

struct host_key {
	const struct nat *nat;
	const struct addr *addr;
};

static bool
host_eq(const struct map_node *node, const void *key)
{
	const struct uplink *h = container_of(node, struct uplink, by_addr);
	const struct host_key *k = key;

	return h->nat == k->nat && addr_eq(&h->addr, k->addr);
}

static uint64_t
host_hash(const struct sim *s, const struct nat *nat, const struct addr *a)
{
	return map_hash(&s->hosts, a, sizeof(*a)) + (nat ? nat->index : 0);
}

static struct node *
host_find(const struct sim *s, const struct nat *nat, const struct addr *a)
{
	struct host_key k = { nat, a };
	struct map_node *m = map_find(&s->hosts, host_hash(s, nat, a), host_eq, &k);

	return m ? container_of(container_of(m, struct uplink, by_addr), struct node, host) : NULL;
}

/* 45.0.x.y for hosts, 46.0.0.x for NAT boxes, 192.168.nat.x inside; 2a00::, 2a01::, fdaa:nat:: */
static struct addr
make_addr(uint8_t family, uint8_t what, uint16_t group, uint16_t n)
{
	uint8_t v4[4] = { what == 0 ? 45 : what == 1 ? 46 : 192, what == 2 ? 168 : 0, what == 2 ? (uint8_t)group : (uint8_t)(n >> 8), (uint8_t)n };
	uint8_t v6[16] = { what == 2 ? 0xfd : 0x2a, what == 2 ? 0xaa : what };

	put_be16(v6 + 2, group);
	put_be16(v6 + 14, n);
	return family == 4 ? addr_of(v4, 4) : addr_of(v6, 16);
}

struct nat *
net_nat(struct sim *s)
{
	struct nat *t = calloc(1, sizeof(*t));

	if (!t || s->n_nat == SIM_NATS_MAX)
		abort();
	s->nat[s->n_nat++] = t;
	t->index = s->n_nat;
	t->pub = make_addr(s->conf.under, 1, 0, (uint16_t)t->index);
	t->delay = s->conf.delay_min + sim_below(s, (uint32_t)(s->conf.delay_max - s->conf.delay_min) + 1);
	t->keep_port = true;
	return t;
}

void
net_attach(struct sim *s, struct node *n, struct nat *nat)
{
	struct uplink *h = &n->host;

	h->nat = nat;
	h->delay = s->conf.delay_min + sim_below(s, (uint32_t)(s->conf.delay_max - s->conf.delay_min) + 1);
	h->addr = nat ? make_addr(s->conf.under, 2, (uint16_t)nat->index, (uint16_t)(10 + nat->n_inside++)) :
	    make_addr(s->conf.under, 0, 0, (uint16_t)n->index);
	map_add(&s->hosts, &h->by_addr, host_hash(s, nat, &h->addr));
}

void
net_readdress(struct sim *s, struct node *n, const struct addr *to)
{
	map_del(&s->hosts, &n->host.by_addr);
	n->host.addr = *to;
	map_add(&s->hosts, &n->host.by_addr, host_hash(s, n->host.nat, to));
}

/* ---- NAT */

void
net_rebind(struct sim *s, struct nat *nat)
{
	sim_fault(s, NULL, "nat-rebind", "mappings forgotten, ports change");
	nat->n_map = 0;
	nat->keep_port = false;
}

static struct nat *
nat_find(const struct sim *s, const struct addr *pub)
{
	for (unsigned i = 0; i < s->n_nat; i++) {
		if (addr_eq(&s->nat[i]->pub, pub))
			return s->nat[i];
	}
	return NULL;
}

static bool
nat_stale(const struct sim *s, const struct nat_map *m)
{
	return s->now - m->used > TICK_S(m->replied ? NAT_REPLIED_S : NAT_UNREPLIED_S);
}

static bool
nat_taken(const struct nat *t, uint16_t port, const struct endpoint *remote)
{
	for (unsigned i = 0; i < t->n_map; i++) {
		if (t->map[i].port == port && endpoint_eq(&t->map[i].remote, remote))
			return true;
	}
	return false;
}

static struct nat_map *
nat_map_new(struct sim *s, struct nat *t, const struct endpoint *in, const struct endpoint *remote)
{
	uint16_t port = in->port;
	struct nat_map *m;

	for (unsigned i = 0; i < t->n_map;) {
		if (nat_stale(s, &t->map[i]))
			t->map[i] = t->map[--t->n_map];
		else
			i++;
	}
	if (t->n_map == SIM_NAT_MAPS || (port == 0 && nat_taken(t, 0, remote)))
		return NULL;
	while (port && ((!t->keep_port && port == in->port) || nat_taken(t, port, remote)))
		port = (uint16_t)(1024 + sim_below(s, 64512));
	m = &t->map[t->n_map++];
	*m = (struct nat_map){ .in = *in, .remote = *remote, .port = port, .used = s->now };
	return m;
}

static bool
nat_out(struct sim *s, struct nat *t, struct pkt *p)
{
	struct nat_map *m = NULL;

	for (unsigned i = 0; i < t->n_map && !m; i++) {
		if (endpoint_eq(&t->map[i].in, &p->src) && endpoint_eq(&t->map[i].remote, &p->dst) && !nat_stale(s, &t->map[i]))
			m = &t->map[i];
	}
	if (!m && !(m = nat_map_new(s, t, &p->src, &p->dst)))
		return false;
	m->used = s->now;
	p->src = (struct endpoint){ t->pub, m->port };
	return true;
}

static struct node *
nat_in(struct sim *s, struct nat *t, struct pkt *p)
{
	for (unsigned i = 0; i < t->n_map; i++) {
		struct nat_map *m = &t->map[i];

		if (m->port != p->dst.port || !endpoint_eq(&m->remote, &p->src) || nat_stale(s, m))
			continue;
		m->used = s->now;
		m->replied = true;
		p->dst = m->in;
		return host_find(s, t, &m->in.addr);
	}
	return NULL;
}

/* ---- sending */

static void
lose(struct sim *s, const struct node *at, struct pkt *p, const char *word)
{
	s->lost++;
	sim_trace(s, at, word, p->spi, (uint32_t)p->seq, &p->src, &p->dst);
	if (p->kind == PKT_ESP && p->inner.kind == INNER_DATA && !p->copy)
		flow_drop(s, at, &p->inner, DROP_NET);
	free(p);
}

static void
fly(struct sim *s, struct pkt *p, tick_t delay)
{
	tick_t jitter = s->conf.jitter ? sim_below(s, (uint32_t)s->conf.jitter) : 0;

	sim_at(s, s->now + delay + jitter, SIM_EV_PACKET, NULL)->u.pkt = p;
}

static struct pkt *
copy_of(const struct pkt *p)
{
	struct pkt *c = pkt_new(p->kind, span_of(p->octets, p->n));

	memcpy(c, p, sizeof(*p));
	c->copy = true;
	return c;
}

/* How long it takes to whom, and whether there is a way at all. */
static bool
way(const struct sim *s, const struct node *from, const struct endpoint *dst, tick_t *delay)
{
	const struct node *to = host_find(s, NULL, &dst->addr);
	const struct nat *t = to ? NULL : nat_find(s, &dst->addr);
	uint8_t mine = from->host.nat ? from->host.nat->group : from->host.group;
	tick_t out = from->host.delay + (from->host.nat ? from->host.nat->delay : 0);

	if (!to && !t)
		return false;
	*delay = out + (to ? to->host.delay : t->delay);
	return !s->partition || mine == (to ? to->host.group : t->group);
}

void
net_send(struct sim *s, struct node *from, struct pkt *p)
{
	static const char *const word[] = { "ike", "keepalive", "esp" };
	tick_t delay;

	check_sent(from, p);
	s->packets++;
	s->by_kind[p->kind]++;
	sim_trace(s, from, word[p->kind], p->spi, (uint32_t)p->seq, &p->src, &p->dst);
	if (from->host.nat && host_find(s, from->host.nat, &p->dst.addr)) {
		sim_at(s, s->now + LAN_DELAY_US, SIM_EV_PACKET, NULL)->u.pkt = p;
		return;
	}
	if (!way(s, from, &p->dst, &delay)) {
		lose(s, from, p, "no-way");
		return;
	}
	if (from->host.nat && !nat_out(s, from->host.nat, p)) {
		lose(s, from, p, "nat-full");
		return;
	}
	if (sim_chance(s, s->conf.loss)) {
		lose(s, from, p, "lost");
		return;
	}
	if (sim_chance(s, s->conf.dup))
		fly(s, copy_of(p), delay);
	fly(s, p, delay);
}

/* Of who sends from behind a NAT itself it is not known: no. */
bool
net_open(const struct sim *s, const struct plane_sa *sa)
{
	const struct nat *t = nat_find(s, &sa->sa.remote.addr);
	struct endpoint from = { sa->node->host.addr, sa->sa.encap ? sa->sa.local.port : 0 };
	uint16_t port = sa->sa.encap ? sa->sa.remote.port : 0;

	if (sa->node->host.nat)
		return false;
	for (unsigned i = 0; t && i < t->n_map; i++) {
		const struct nat_map *m = &t->map[i];

		if (m->port == port && endpoint_eq(&m->remote, &from) && !nat_stale(s, m))
			return true;
	}
	return !t;
}

static struct node *
receiver(struct sim *s, struct pkt *p)
{
	struct node *n = host_find(s, NULL, &p->dst.addr);
	struct nat *t;

	if (n)
		return n;
	if ((t = nat_find(s, &p->dst.addr)))
		return nat_in(s, t, p);
	for (unsigned i = 0; i < s->n_nat; i++) {	/* a LAN behind one: the source was not translated either */
		if (host_find(s, s->nat[i], &p->src.addr) && (n = host_find(s, s->nat[i], &p->dst.addr)))
			return n;
	}
	return NULL;
}

void
net_deliver(struct sim *s, struct pkt *p)
{
	struct node *n = receiver(s, p);

	if (!n || !n->core) {
		lose(s, n, p, n ? "host-down" : "nat-closed");
		return;
	}
	if (n->sleep != SLEEP_NOT) {
		if (n->sleep == SLEEP_STOPPED && n->n_backlog < SIM_BACKLOG)
			n->backlog[n->n_backlog++] = p;
		else
			lose(s, n, p, "host-asleep");
		return;
	}
	switch (p->kind) {
	case PKT_IKE:
		node_rx_ike(n, p);
		break;
	case PKT_KEEPALIVE:
		break;
	case PKT_ESP:
		plane_rx(n, p);
		break;
	}
	free(p);
}
