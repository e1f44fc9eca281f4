/* tests/sim/plane.c: the simulated data plane of one node, by the words of lib/dplane.h and lib/rib.h.
 *
 * SAs by SPI with replay windows and lifetimes, neighbours with a fallback, routes as tries, forwarding hop by hop. Sealing a
 * packet stamps it with a digest over SPI, cipher and key of the SA; only an SA with the same digest opens it, so ends that do not
 * agree on keys do not understand each other. A packet cannot leave by any other function. */
#include "tests/sim/sim.h"

#include <stdlib.h>

#define REPORT_EVERY TICK_S(1)

/* ---- start, end */

void
plane_init(struct node *n)
{
	struct plane *p = &n->plane;

	memset(p, 0, sizeof(*p));
	map_init(&p->spis, &n->sim->env);
	map_init(&p->outs, &n->sim->env);
	for (unsigned i = 0; i < SIM_CLOUDS; i++)
		map_init(&p->tunnel[i].protos, &n->sim->env);
	map_init(&p->reports, &n->sim->env);
	trie_init(&p->best, &n->sim->env);
	trie_init(&p->shortcuts, &n->sim->env);
}

static void
free_reports(struct plane *p)
{
	struct map_iter it;

	for (struct map_node *m = map_first(&p->reports, &it); m; m = map_next(&p->reports, &it)) {
		map_del(&p->reports, m);
		free(container_of(m, struct report, node));
	}
}

/* The one at the other end learns that it has an other end, or since when it has none. */
static void
other_end(struct plane_sa *sa, tick_t orphan_at)
{
	struct plane_sa *other = plane_other(sa);

	if (other)
		other->orphan_at = orphan_at;
}

static void
free_neighs(struct plane_tunnel *t)
{
	while (t->neighs) {
		struct plane_neigh *g = t->neighs;

		t->neighs = g->next;
		free(g);
	}
	map_fini(&t->protos);
}

static void
free_routes(struct plane_route *r)
{
	while (r) {
		struct plane_route *next = r->next;

		free(r);
		r = next;
	}
}

void
plane_fini(struct node *n)
{
	struct plane *p = &n->plane;

	if (!p->spis.env)
		return;
	while (p->sas) {
		struct plane_sa *sa = p->sas;

		p->sas = sa->next;
		other_end(sa, n->sim->now);
		map_del(&n->sim->seals, &sa->by_seal);
		free(sa);
	}
	for (unsigned i = 0; i < SIM_CLOUDS; i++)
		free_neighs(&p->tunnel[i]);
	free_routes(p->routes);
	free_routes(p->cuts);
	free_reports(p);
	map_fini(&p->spis);
	map_fini(&p->outs);
	map_fini(&p->reports);
	trie_fini(&p->best);
	trie_fini(&p->shortcuts);
	free(p->peer);
	memset(p, 0, sizeof(*p));
}

/* ---- SAs */

static bool
spi_eq(const struct map_node *m, const void *key)
{
	return container_of(m, struct plane_sa, by_spi)->sa.spi_in == *(const uint32_t *)key;
}

static bool
seal_eq(const struct map_node *m, const void *key)
{
	return container_of(m, struct plane_sa, by_seal)->seal_in == *(const uint64_t *)key;
}

struct plane_sa *
plane_sa(const struct node *n, uint32_t spi_in)
{
	struct map_node *m = map_find(&n->plane.spis, map_hash(&n->plane.spis, &spi_in, sizeof(spi_in)), spi_eq, &spi_in);

	return m ? container_of(m, struct plane_sa, by_spi) : NULL;
}

struct out_key {
	uint64_t seal;
	uint32_t spi;
};

static bool
out_eq(const struct map_node *m, const void *key)
{
	const struct plane_sa *sa = container_of(m, struct plane_sa, by_out);
	const struct out_key *k = key;

	return sa->seal_out == k->seal && sa->sa.spi_out == k->spi && !sa->clear;
}

bool
plane_seals(const struct node *n, uint32_t spi, uint64_t seal)
{
	return map_find(&n->plane.outs, seal, out_eq, &(struct out_key){ seal, spi }) != NULL;
}

struct plane_sa *
plane_other(const struct plane_sa *sa)
{
	const struct map *seals = &sa->node->sim->seals;
	struct map_node *m = map_find(seals, sa->seal_out, seal_eq, &sa->seal_out);

	return m ? container_of(m, struct plane_sa, by_seal) : NULL;
}

struct node *
plane_far(const struct plane_sa *sa)
{
	const struct plane_sa *other = plane_other(sa);

	return other ? other->node : NULL;
}

uint32_t
plane_spi_alloc(struct node *n)
{
	for (;;) {
		uint32_t spi = (uint32_t)splitmix64(&n->rng);

		if (spi > 255 && !plane_sa(n, spi))
			return spi;
	}
}

struct plane_peer *
plane_peer(struct node *n, uint32_t peer)
{
	struct plane *p = &n->plane;

	if (peer >= p->n_peer) {
		uint32_t cap = peer + 64;

		if (!(p->peer = realloc(p->peer, cap * sizeof(*p->peer))))
			abort();
		memset(p->peer + p->n_peer, 0, (cap - p->n_peer) * sizeof(*p->peer));
		p->n_peer = cap;
	}
	return &p->peer[peer];
}

static uint64_t
seal_of(uint32_t spi, const struct dp_sa_keys *k, const uint8_t *key)
{
	uint64_t state = (uint64_t)spi << 32 | (uint32_t)k->encr << 16 | k->encr_bits, h = splitmix64(&state);

	for (unsigned i = 0; i < k->encr_len; i++) {
		state = h ^ key[i];
		h = splitmix64(&state);
	}
	return h;
}

static void
send_on(struct node *n, struct plane_sa *sa)
{
	plane_peer(n, sa->sa.peer)->out = sa;
}

bool
plane_sa_add(struct node *n, const struct dp_sa *from)
{
	struct plane_sa *sa;

	if (plane_sa(n, from->spi_in))
		sim_complain(n->sim, n, "SA %08x is added twice", from->spi_in);
	if (from->keys.encr_len < 16 || memcmp(from->keys.encr_in, from->keys.encr_out, from->keys.encr_len) == 0)
		sim_complain(n->sim, n, "SA %08x comes without good keys", from->spi_in);
	if (!(sa = calloc(1, sizeof(*sa))))
		abort();
	sa->node = n;
	sa->sa = *from;
	sa->seal_in = seal_of(from->spi_in, &from->keys, from->keys.encr_in);
	sa->seal_out = seal_of(from->spi_out, &from->keys, from->keys.encr_out);
	memset(&sa->sa.keys, 0, sizeof(sa->sa.keys));
	sa->clear = n->sim->sabotage == SABOTAGE_SKIP_SA || n->sim->sabotage == SABOTAGE_SKIP_SA_UNSEEN;
	sa->next = n->plane.sas;
	if (sa->next)
		sa->next->prev = sa;
	n->plane.sas = sa;
	map_add(&n->plane.spis, &sa->by_spi, map_hash(&n->plane.spis, &from->spi_in, sizeof(from->spi_in)));
	map_add(&n->plane.outs, &sa->by_out, sa->seal_out);
	map_add(&n->sim->seals, &sa->by_seal, sa->seal_in);
	plane_peer(n, from->peer)->n_sa++;
	if (from->active)
		send_on(n, sa);
	if (from->life.soft_s)
		sim_at(n->sim, n->sim->now + TICK_S(from->life.soft_s), SIM_EV_SA_LIFE, n)->u.spi = from->spi_in;
	if (from->life.hard_s)
		sim_at(n->sim, n->sim->now + TICK_S(from->life.hard_s), SIM_EV_SA_LIFE, n)->u.spi = from->spi_in;
	sa->born = node_now(n);
	sa->orphan_at = plane_other(sa) ? 0 : n->sim->now;
	other_end(sa, 0);
	return true;
}

void
plane_sa_activate(struct node *n, uint32_t spi_in)
{
	struct plane_sa *sa = plane_sa(n, spi_in);

	if (!sa)
		sim_complain(n->sim, n, "SA %08x is to be used and is not there", spi_in);
	send_on(n, sa);
}

void
plane_sa_move(struct node *n, uint32_t spi_in, const struct endpoint *local, const struct endpoint *remote, bool encap)
{
	struct plane_sa *sa = plane_sa(n, spi_in);

	if (!sa)
		return;
	if (local->addr.n)
		sa->sa.local = *local;
	sa->sa.remote = *remote;
	sa->sa.encap = encap;
	sa->moved_at = 0;
}

void
plane_sa_del(struct node *n, uint32_t spi_in)
{
	struct plane_sa *sa = plane_sa(n, spi_in);
	struct plane_peer *p;

	if (!sa)
		return;
	if (sa->prev)
		sa->prev->next = sa->next;
	else
		n->plane.sas = sa->next;
	if (sa->next)
		sa->next->prev = sa->prev;
	p = plane_peer(n, sa->sa.peer);
	p->n_sa--;
	if (p->out == sa)
		p->out = NULL;
	other_end(sa, n->sim->now);
	map_del(&n->plane.spis, &sa->by_spi);
	map_del(&n->plane.outs, &sa->by_out);
	map_del(&n->sim->seals, &sa->by_seal);
	free(sa);
}

static void
sa_event(struct node *n, const struct plane_sa *sa, enum dp_event_kind kind, const struct endpoint *remote)
{
	static const char *const word[] = { [DP_EV_SA_USED] = "sa-used", [DP_EV_SA_SOFT] = "sa-soft", [DP_EV_SA_HARD] = "sa-hard",
		[DP_EV_SA_MOVED] = "sa-moved" };
	struct dp_event ev = { .kind = kind, .tunnel = sa->sa.tunnel, .peer = sa->sa.peer, .spi_in = sa->sa.spi_in, .local = sa->sa.local };

	ev.remote = remote ? *remote : sa->sa.remote;
	sim_trace(n->sim, n, word[kind], sa->sa.spi_in, sa->sa.peer, NULL, &ev.remote);
	node_dp_event(n, &ev);
}

static bool
over(uint64_t limit, uint64_t is)
{
	return limit && is >= limit;
}

/* Raises a limit's event once. The SA may be gone after it: false then. */
static bool
sa_limits(struct node *n, uint32_t spi_in, bool by_time)
{
	struct plane_sa *sa = plane_sa(n, spi_in);
	const struct dp_life *l = sa ? &sa->sa.life : NULL;
	uint64_t packets, bytes;
	tick_t age;

	if (!sa)
		return false;
	packets = sa->st.tx_packets > sa->st.rx_packets ? sa->st.tx_packets : sa->st.rx_packets;
	bytes = sa->st.tx_bytes > sa->st.rx_bytes ? sa->st.tx_bytes : sa->st.rx_bytes;
	age = by_time ? node_now(n) - sa->born : 0;
	if (!sa->hard && (over(l->hard_packets, packets) || over(l->hard_bytes, bytes) || over(TICK_S(l->hard_s), age))) {
		sa->hard = sa->soft = true;
		sa->hard_at = node_now(n);
		sa_event(n, sa, DP_EV_SA_HARD, NULL);
	} else if (!sa->soft && (over(l->soft_packets, packets) || over(l->soft_bytes, bytes) || over(TICK_S(l->soft_s), age))) {
		sa->soft = true;
		sa_event(n, sa, DP_EV_SA_SOFT, NULL);
	}
	return plane_sa(n, spi_in) != NULL;
}

void
plane_sa_life(struct node *n, uint32_t spi_in)
{
	sa_limits(n, spi_in, true);
}

/* ---- neighbours, routes */

static bool
proto_eq(const struct map_node *m, const void *key)
{
	return addr_eq(&container_of(m, struct plane_neigh, by_proto)->n.proto, key);
}

struct plane_neigh *
plane_neigh(const struct node *n, uint32_t tunnel, const struct addr *proto)
{
	const struct map *m = &n->plane.tunnel[tunnel - 1].protos;
	struct map_node *found = m->n ? map_find(m, map_hash(m, proto, sizeof(*proto)), proto_eq, proto) : NULL;

	return found ? container_of(found, struct plane_neigh, by_proto) : NULL;
}

static void
count_neigh(struct node *n, const struct dp_neigh *neigh, int by)
{
	struct plane_peer *p = plane_peer(n, neigh->peer);

	p->n_neigh += (unsigned)by;
	p->n_mcast += neigh->mcast ? (unsigned)by : 0;
}

void
plane_neigh_set(struct node *n, const struct dp_neigh *neigh)
{
	struct plane_tunnel *t = &n->plane.tunnel[neigh->tunnel - 1];
	struct plane_neigh *g;

	plane_neigh_del(n, neigh->tunnel, &neigh->proto);
	count_neigh(n, neigh, 1);
	if (neigh->proto.n == 0) {
		t->has_fallback = true;
		t->fallback = *neigh;
		return;
	}
	if (!(g = calloc(1, sizeof(*g))))
		abort();
	g->n = *neigh;
	g->next = t->neighs;
	if (g->next)
		g->next->prev = g;
	t->neighs = g;
	map_add(&t->protos, &g->by_proto, map_hash(&t->protos, &neigh->proto, sizeof(neigh->proto)));
}

void
plane_neigh_del(struct node *n, uint32_t tunnel, const struct addr *proto)
{
	struct plane_tunnel *t = &n->plane.tunnel[tunnel - 1];
	struct plane_neigh *g = proto->n ? plane_neigh(n, tunnel, proto) : NULL;

	if (proto->n == 0 && t->has_fallback) {
		t->has_fallback = false;
		count_neigh(n, &t->fallback, -1);
	}
	if (!g)
		return;
	if (g->prev)
		g->prev->next = g->next;
	else
		t->neighs = g->next;
	if (g->next)
		g->next->prev = g->prev;
	count_neigh(n, &g->n, -1);
	map_del(&t->protos, &g->by_proto);
	free(g);
}

bool
plane_route_set(struct node *n, const struct rib_route *r, bool ours)
{
	struct plane_route **list = ours ? &n->plane.cuts : &n->plane.routes, *e;

	plane_route_del(n, &r->dst, ours);
	if (!(e = calloc(1, sizeof(*e))))
		abort();
	e->r = *r;
	e->next = *list;
	if (e->next)
		e->next->prev = e;
	*list = e;
	return trie_set(ours ? &n->plane.shortcuts : &n->plane.best, &r->dst, e);
}

void
plane_route_del(struct node *n, const struct prefix *dst, bool ours)
{
	struct plane_route **list = ours ? &n->plane.cuts : &n->plane.routes;
	struct plane_route *e = trie_del(ours ? &n->plane.shortcuts : &n->plane.best, dst);

	if (!e)
		return;
	if (e->prev)
		e->prev->next = e->next;
	else
		*list = e->next;
	if (e->next)
		e->next->prev = e->prev;
	free(e);
}

/* The longest match of both tables; of two equal ones the shortcut, whose metric is better. */
enum plane_way
plane_lookup(const struct node *n, const struct addr *dst, struct plane_hop *hop)
{
	struct prefix a, b;
	const struct plane_route *best = trie_match(&n->plane.best, dst, &a), *cut = trie_match(&n->plane.shortcuts, dst, &b);
	const struct plane_tunnel *t;
	const struct plane_neigh *g;
	struct addr next_hop;

	*hop = (struct plane_hop){ .peer = 0 };
	if (cut && (!best || b.bits >= a.bits))
		best = cut;
	if (!best || best->r.kind == RIB_REJECT)
		return WAY_NO_ROUTE;
	if (best->r.kind == RIB_LOCAL || best->r.ifindex < TUNNEL_IF)
		return WAY_HERE;
	hop->tunnel = best->r.ifindex - TUNNEL_IF + 1;
	t = &n->plane.tunnel[hop->tunnel - 1];
	next_hop = best->r.via.n ? best->r.via : *dst;
	g = plane_neigh(n, hop->tunnel, &next_hop);
	hop->fallback = !g;
	if (!g && !t->has_fallback)
		return WAY_NO_NEIGH;
	hop->peer = g ? g->n.peer : t->fallback.peer;
	return WAY_PEER;
}

struct node *
plane_next(const struct node *n, const struct addr *dst)
{
	struct plane_hop hop;

	if (plane_lookup(n, dst, &hop) != WAY_PEER || hop.peer >= n->plane.n_peer || !n->plane.peer[hop.peer].out)
		return NULL;
	return plane_far(n->plane.peer[hop.peer].out);
}

/* ---- sending */

static void
count_tx(struct node *n, struct plane_sa *sa, size_t octets)
{
	struct plane_peer *p = plane_peer(n, sa->sa.peer);

	sa->st.tx_packets++;
	sa->st.tx_bytes += octets;
	p->st.tx_packets++;
	p->st.tx_bytes += octets;
	p->st.last_tx = node_now(n);
	sa->sent_at = n->sim->now;
	if (sa->tried_at <= sa->orphan_at)
		sa->tried_at = sa->sent_at;
}

/* The only way out of a node for what is inside a tunnel. */
static void
seal_and_send(struct node *n, struct plane_sa *sa, struct pkt *p)
{
	uint32_t spi_in = sa->sa.spi_in;

	p->spi = sa->sa.spi_out;
	p->seal = sa->seal_out;
	p->seq = ++sa->seq_out;
	p->src.addr = n->host.addr;
	p->src.port = sa->sa.encap ? sa->sa.local.port : 0;
	p->dst = sa->sa.remote;
	if (!sa->sa.encap)
		p->dst.port = 0;
	count_tx(n, sa, p->kind == PKT_ESP && p->inner.kind == INNER_NHRP ? p->n : 1000);
	net_send(n->sim, n, p);
	sa_limits(n, spi_in, false);
}

void
plane_send_nhrp(struct node *n, uint32_t tunnel, uint32_t peer, struct span nhrp)
{
	enum { OP_TYPE = 17, PURGE_REQUEST = 5 };
	struct plane_sa *sa = plane_peer(n, peer)->out;
	struct pkt *p;

	if (n->sim->sabotage == SABOTAGE_FORGET_PURGE && nhrp.n > OP_TYPE && nhrp.p[OP_TYPE] == PURGE_REQUEST)
		return;
	if (!sa) {
		sim_trace(n->sim, n, "nhrp-no-sa", peer, 0, NULL, NULL);
		return;
	}
	p = pkt_new(PKT_ESP, nhrp);
	p->inner.kind = INNER_NHRP;
	p->inner.key = n->member[tunnel - 1].cloud;
	seal_and_send(n, sa, p);
}

/* Some SA of the other cloud. */
static struct plane_sa *
wrong_sa(const struct node *n, struct plane_sa *right)
{
	for (struct plane_sa *sa = n->plane.sas; sa && right; sa = sa->next) {
		if (sa->sa.tunnel != right->sa.tunnel)
			return sa;
	}
	return right;
}

static void
send_data(struct node *n, const struct inner *in, uint32_t peer)
{
	struct plane_sa *sa = plane_peer(n, peer)->out;
	struct pkt *p;

	if (n->sim->sabotage == SABOTAGE_WRONG_CLOUD)
		sa = wrong_sa(n, sa);
	if (!sa || sa->hard) {
		flow_drop(n->sim, n, in, sa ? DROP_HARD_LIFE : DROP_NO_SA);
		return;
	}
	p = pkt_new(PKT_ESP, span_of("", 0));
	p->inner = *in;
	p->inner.hops++;
	seal_and_send(n, sa, p);
}

/* Copies to each peer with a neighbour that takes multicast. */
void
plane_mcast(struct node *n)
{
	struct inner in = { .kind = INNER_DATA, .from = (uint16_t)n->index, .ttl = 2, .mcast = true };

	for (uint32_t peer = 1; peer < n->plane.n_peer; peer++) {
		const struct plane_peer *p = &n->plane.peer[peer];

		if (!p->n_mcast)
			continue;
		in.key = p->out ? n->member[p->out->sa.tunnel - 1].cloud : 0;
		send_data(n, &in, peer);
	}
}

/* ---- what is reported to the core, and how often */

static bool
report_eq(const struct map_node *m, const void *key)
{
	const struct report *r = container_of(m, struct report, node);
	const struct addr *k = key;

	return addr_eq(&r->a, &k[0]) && addr_eq(&r->b, &k[1]);
}

static bool
report_due(struct node *n, const struct addr *a, const struct addr *b)
{
	struct addr key[2] = { *a, *b };
	uint64_t hash = map_hash(&n->plane.reports, key, sizeof(key));
	struct map_node *m = map_find(&n->plane.reports, hash, report_eq, key);
	struct report *r = m ? container_of(m, struct report, node) : NULL;

	if (r && n->sim->now - r->at < REPORT_EVERY)
		return false;
	if (!r) {
		if (!(r = calloc(1, sizeof(*r))))
			abort();
		r->a = *a;
		r->b = *b;
		map_add(&n->plane.reports, &r->node, hash);
	}
	r->at = n->sim->now;
	return true;
}

static void
report_unresolved(struct node *n, const struct inner *in, const struct plane_hop *hop, uint32_t from_peer)
{
	struct dp_event ev = { .kind = DP_EV_UNRESOLVED, .tunnel = hop->tunnel, .peer = from_peer, .dst = in->dst, .src = in->src };
	struct endpoint e = { in->src, 0 }, to = { in->dst, 0 };

	if (!report_due(n, &in->dst, &(struct addr){ 0 }))
		return;
	sim_trace(n->sim, n, "unresolved", in->flow, from_peer, &e, &to);
	node_dp_event(n, &ev);
}

/* An IP header as the redirect quotes it. */
static size_t
ip_header(const struct inner *in, uint8_t out[static 48])
{
	bool v6 = in->dst.n == 16;
	size_t n = v6 ? 48 : 28;

	memset(out, 0, 48);
	if (v6) {
		out[0] = 0x60;
		put_be16(out + 4, 8);
		out[6] = 17;
		out[7] = in->ttl;
		memcpy(out + 8, in->src.b, 16);
		memcpy(out + 24, in->dst.b, 16);
	} else {
		out[0] = 0x45;
		put_be16(out + 2, 28);
		out[8] = in->ttl;
		out[9] = 17;
		memcpy(out + 12, in->src.b, 4);
		memcpy(out + 16, in->dst.b, 4);
	}
	put_be16(out + n - 4, 8);
	return n;
}

static void
report_redirect(struct node *n, const struct inner *in, const struct plane_hop *hop, uint32_t from_peer)
{
	uint8_t quoted[48];
	size_t len = ip_header(in, quoted);
	struct dp_event ev = { .kind = DP_EV_REDIRECT, .tunnel = hop->tunnel, .peer = from_peer, .out_peer = hop->peer, .dst = in->dst, .src = in->src,
		.packet = span_of(quoted, len) };
	struct endpoint e = { in->src, 0 }, to = { in->dst, 0 };

	if (!n->hub || !report_due(n, &in->src, &in->dst))
		return;
	sim_trace(n->sim, n, "redirect", from_peer, hop->peer, &e, &to);
	node_dp_event(n, &ev);
}

/* ---- forwarding */

/* A redirect is for what came from a peer of the same tunnel as it leaves by. */
static bool
turns_around(const struct node *n, const struct plane_hop *hop, uint32_t from_peer)
{
	const struct plane_sa *sa = from_peer && from_peer < n->plane.n_peer ? n->plane.peer[from_peer].out : NULL;

	return from_peer && hop->peer != from_peer && (!sa || sa->sa.tunnel == hop->tunnel);
}

void
plane_data(struct node *n, struct inner in, uint32_t from_peer)
{
	struct plane_hop hop;

	switch (plane_lookup(n, &in.dst, &hop)) {
	case WAY_HERE:
		flow_got(n->sim, n, &in);
		return;
	case WAY_NO_ROUTE:
		flow_drop(n->sim, n, &in, DROP_NO_ROUTE);
		return;
	case WAY_NO_NEIGH:
		flow_drop(n->sim, n, &in, DROP_NO_NEIGH);
		report_unresolved(n, &in, &hop, from_peer);
		return;
	case WAY_PEER:
		break;
	}
	if (in.ttl-- <= 1) {
		flow_drop(n->sim, n, &in, DROP_TTL);
		return;
	}
	in.key = n->member[hop.tunnel - 1].cloud;
	send_data(n, &in, hop.peer);
	if (hop.fallback)
		report_unresolved(n, &in, &hop, from_peer);
	if (turns_around(n, &hop, from_peer))
		report_redirect(n, &in, &hop, from_peer);
}

/* Inside the window, not seen before; then it is noted. RFC 4303, 3.4.3. */
static bool
replay_ok(struct plane_sa *sa, uint64_t seq)
{
	uint64_t *word, bit = 1ull << (seq % 64);

	if (seq == 0 || seq + PLANE_WINDOW <= sa->top)
		return false;
	for (; sa->top < seq; sa->top++)
		sa->seen[(sa->top + 1) % PLANE_WINDOW / 64] &= ~(1ull << ((sa->top + 1) % 64));
	word = &sa->seen[seq % PLANE_WINDOW / 64];
	if (*word & bit)
		return false;
	*word |= bit;
	return true;
}

static void
drop(struct node *n, const struct pkt *p, enum flow_drop why)
{
	sim_trace(n->sim, n, flow_drop_name(why), p->spi, (uint32_t)p->seq, &p->src, &p->dst);
	if (p->inner.kind == INNER_DATA && !p->copy)
		flow_drop(n->sim, n, &p->inner, why);
}

static void
unknown_spi(struct node *n, const struct pkt *p)
{
	struct dp_event ev = { .kind = DP_EV_SA_UNKNOWN, .spi_in = p->spi, .local = p->dst, .remote = p->src };

	drop(n, p, DROP_UNKNOWN_SPI);
	if (n->plane.unknown_at && n->sim->now - n->plane.unknown_at < TICK_MS(200))
		return;
	n->plane.unknown_at = n->sim->now;
	node_dp_event(n, &ev);
}

static void
hand_up(struct node *n, const struct pkt *p, uint32_t peer, uint32_t tunnel)
{
	struct dp_event ev = { .kind = DP_EV_NHRP, .tunnel = tunnel, .peer = peer, .local = p->dst, .remote = p->src,
		.packet = span_of(p->octets, p->n) };

	if (p->inner.kind == INNER_NHRP) {
		sim_trace(n->sim, n, p->n > 17 ? "nhrp-in" : "nhrp-odd", p->n > 17 ? p->octets[17] : 0, peer, &p->src, NULL);
		node_dp_event(n, &ev);
	} else if (p->inner.mcast) {
		n->mcast_got++;
		n->heard[p->inner.from] = n->sim->now;
	} else {
		plane_data(n, p->inner, peer);
	}
}

void
plane_rx(struct node *n, const struct pkt *p)
{
	struct plane_sa *sa = plane_sa(n, p->spi);
	uint32_t peer, tunnel, life = n->life;
	bool first, newest, moved;

	if (!sa || sa->hard || sa->seal_in != p->seal) {
		if (!sa)
			unknown_spi(n, p);
		else
			drop(n, p, sa->hard ? DROP_HARD_LIFE : DROP_SEAL);
		return;
	}
	newest = p->seq > sa->top;
	if (!replay_ok(sa, p->seq)) {
		drop(n, p, DROP_REPLAY);
		return;
	}
	peer = sa->sa.peer;
	tunnel = sa->sa.tunnel;
	check_opened(n, sa, p);
	sa->st.rx_packets++;
	sa->st.rx_bytes += p->inner.kind == INNER_NHRP ? p->n : 1000;
	plane_peer(n, peer)->st.rx_packets++;
	plane_peer(n, peer)->st.last_rx = node_now(n);
	first = !sa->used;
	sa->used = true;
	moved = newest && p->src.port && !endpoint_eq(&p->src, &sa->sa.remote) && (!sa->moved_at || n->sim->now - sa->moved_at > REPORT_EVERY);
	if (moved)
		sa->moved_at = n->sim->now;
	if (first)
		sa_event(n, sa, DP_EV_SA_USED, &p->src);
	if (moved && (sa = plane_sa(n, p->spi)))
		sa_event(n, sa, DP_EV_SA_MOVED, &p->src);
	if (n->life == life)
		hand_up(n, p, peer, tunnel);
	sa_limits(n, p->spi, false);
}
