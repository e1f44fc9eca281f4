/* tests/sim/plane.c: the simulated data plane of one node, by the words of lib/dplane.h and lib/rib.h.
 *
 * SAs by SPI with replay windows and lifetimes, neighbours with a fallback, routes as tries, forwarding hop by hop. Sealing a
 * packet stamps it with a digest over SPI, cipher and key of the SA; only an SA with the same digest opens it, so ends that do not
 * agree on keys do not understand each other. A packet cannot leave by any other function. */
#include "tests/sim/sim.h"

#include <stdlib.h>

enum { TUNNEL_IF = 7, LAN_IF = 3 };
#define REPORT_EVERY TICK_S(1)

/* ---- start, end */

void
plane_init(struct node *n)
{
	struct plane *p = &n->plane;

	memset(p, 0, sizeof(*p));
	map_init(&p->spis, &n->sim->env);
	map_init(&p->protos, &n->sim->env);
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

void
plane_fini(struct node *n)
{
	struct plane *p = &n->plane;

	while (p->sas) {
		struct plane_sa *sa = p->sas;

		p->sas = sa->next;
		map_del(&n->sim->seals, &sa->by_seal);
		free(sa);
	}
	while (p->neighs) {
		struct plane_neigh *g = p->neighs;

		p->neighs = g->next;
		free(g);
	}
	while (p->routes) {
		struct plane_route *r = p->routes;

		p->routes = r->next;
		free(r);
	}
	if (p->spis.env) {
		free_reports(p);
		map_fini(&p->spis);
		map_fini(&p->protos);
		map_fini(&p->reports);
		trie_fini(&p->best);
		trie_fini(&p->shortcuts);
	}
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

struct node *
plane_far(const struct plane_sa *sa)
{
	const struct map *seals = &sa->node->sim->seals;
	struct map_node *m = map_find(seals, map_hash(seals, &sa->seal_out, sizeof(sa->seal_out)), seal_eq, &sa->seal_out);

	return m ? container_of(m, struct plane_sa, by_seal)->node : NULL;
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
	sa->next = n->plane.sas;
	n->plane.sas = sa;
	map_add(&n->plane.spis, &sa->by_spi, map_hash(&n->plane.spis, &from->spi_in, sizeof(from->spi_in)));
	map_add(&n->sim->seals, &sa->by_seal, map_hash(&n->sim->seals, &sa->seal_in, sizeof(sa->seal_in)));
	plane_peer(n, from->peer)->n_sa++;
	if (from->active)
		send_on(n, sa);
	if (from->life.soft_s)
		sim_at(n->sim, n->sim->now + TICK_S(from->life.soft_s), SIM_EV_SA_LIFE, n)->u.spi = from->spi_in;
	if (from->life.hard_s)
		sim_at(n->sim, n->sim->now + TICK_S(from->life.hard_s), SIM_EV_SA_LIFE, n)->u.spi = from->spi_in;
	sa->born = n->sim->now;
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
	struct plane_sa *sa = plane_sa(n, spi_in), **at;
	struct plane_peer *p;

	if (!sa)
		return;
	for (at = &n->plane.sas; *at != sa; at = &(*at)->next)
		;
	*at = sa->next;
	p = plane_peer(n, sa->sa.peer);
	p->n_sa--;
	if (p->out == sa)
		p->out = NULL;
	map_del(&n->plane.spis, &sa->by_spi);
	map_del(&n->sim->seals, &sa->by_seal);
	free(sa);
}

static void
sa_event(struct node *n, const struct plane_sa *sa, enum dp_event_kind kind, const struct endpoint *remote)
{
	static const char *const word[] = { [DP_EV_SA_USED] = "sa-used", [DP_EV_SA_SOFT] = "sa-soft", [DP_EV_SA_HARD] = "sa-hard",
		[DP_EV_SA_MOVED] = "sa-moved" };
	struct dp_event ev = { .kind = kind, .tunnel = 1, .peer = sa->sa.peer, .spi_in = sa->sa.spi_in, .local = sa->sa.local };

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
	age = by_time ? n->sim->now - sa->born : 0;
	if (!sa->hard && (over(l->hard_packets, packets) || over(l->hard_bytes, bytes) || over(TICK_S(l->hard_s), age))) {
		sa->hard = sa->soft = true;
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
plane_neigh(const struct node *n, const struct addr *proto)
{
	struct map_node *m = map_find(&n->plane.protos, map_hash(&n->plane.protos, proto, sizeof(*proto)), proto_eq, proto);

	return m ? container_of(m, struct plane_neigh, by_proto) : NULL;
}

void
plane_neigh_set(struct node *n, const struct dp_neigh *neigh)
{
	struct plane_neigh *g = plane_neigh(n, &neigh->proto);

	plane_neigh_del(n, &neigh->proto);
	plane_peer(n, neigh->peer)->n_neigh++;
	if (neigh->proto.n == 0) {
		n->plane.has_fallback = true;
		n->plane.fallback = *neigh;
		return;
	}
	if (!(g = calloc(1, sizeof(*g))))
		abort();
	g->n = *neigh;
	g->next = n->plane.neighs;
	n->plane.neighs = g;
	map_add(&n->plane.protos, &g->by_proto, map_hash(&n->plane.protos, &neigh->proto, sizeof(neigh->proto)));
}

void
plane_neigh_del(struct node *n, const struct addr *proto)
{
	struct plane_neigh *g = proto->n ? plane_neigh(n, proto) : NULL, **at;

	if (proto->n == 0 && n->plane.has_fallback) {
		n->plane.has_fallback = false;
		plane_peer(n, n->plane.fallback.peer)->n_neigh--;
	}
	if (!g)
		return;
	for (at = &n->plane.neighs; *at != g; at = &(*at)->next)
		;
	*at = g->next;
	plane_peer(n, g->n.peer)->n_neigh--;
	map_del(&n->plane.protos, &g->by_proto);
	free(g);
}

bool
plane_route_set(struct node *n, const struct rib_route *r, bool ours)
{
	struct plane_route *e;

	plane_route_del(n, &r->dst, ours);
	if (!(e = calloc(1, sizeof(*e))))
		abort();
	e->r = *r;
	e->ours = ours;
	e->next = n->plane.routes;
	n->plane.routes = e;
	return trie_set(ours ? &n->plane.shortcuts : &n->plane.best, &r->dst, e);
}

void
plane_route_del(struct node *n, const struct prefix *dst, bool ours)
{
	struct plane_route *e = trie_del(ours ? &n->plane.shortcuts : &n->plane.best, dst), **at;

	if (!e)
		return;
	for (at = &n->plane.routes; *at != e; at = &(*at)->next)
		;
	*at = e->next;
	free(e);
}

/* The longest match of both tables; of two equal ones the shortcut, whose metric is better. */
enum plane_way
plane_lookup(const struct node *n, const struct addr *dst, uint32_t *peer, struct addr *next_hop, bool *fallback)
{
	struct prefix a, b;
	const struct plane_route *best = trie_match(&n->plane.best, dst, &a), *cut = trie_match(&n->plane.shortcuts, dst, &b);
	const struct plane_neigh *g;

	if (cut && (!best || b.bits >= a.bits))
		best = cut;
	if (!best || best->r.kind == RIB_REJECT)
		return WAY_NO_ROUTE;
	if (best->r.kind == RIB_LOCAL || best->r.ifindex != TUNNEL_IF)
		return WAY_HERE;
	*next_hop = best->r.via.n ? best->r.via : *dst;
	g = plane_neigh(n, next_hop);
	*fallback = !g;
	if (!g && !n->plane.has_fallback)
		return WAY_NO_NEIGH;
	*peer = g ? g->n.peer : n->plane.fallback.peer;
	return WAY_PEER;
}

struct node *
plane_next(const struct node *n, const struct addr *dst)
{
	struct addr next_hop;
	uint32_t peer;
	bool fallback;

	if (plane_lookup(n, dst, &peer, &next_hop, &fallback) != WAY_PEER || peer >= n->plane.n_peer || !n->plane.peer[peer].out)
		return NULL;
	return plane_far(n->plane.peer[peer].out);
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
	p->st.last_tx = n->sim->now;
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
plane_send_nhrp(struct node *n, uint32_t peer, struct span nhrp)
{
	struct plane_sa *sa = plane_peer(n, peer)->out;
	struct pkt *p;

	if (!sa) {
		sim_trace(n->sim, n, "nhrp-no-sa", peer, 0, NULL, NULL);
		return;
	}
	p = pkt_new(PKT_ESP, nhrp);
	p->inner.kind = INNER_NHRP;
	seal_and_send(n, sa, p);
}

static void
send_data(struct node *n, const struct inner *in, uint32_t peer)
{
	struct plane_sa *sa = plane_peer(n, peer)->out;
	struct pkt *p;

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
plane_mcast(struct node *n, uint32_t flow, uint32_t seq)
{
	struct inner in = { .kind = INNER_DATA, .flow = flow, .seq = seq, .ttl = 2, .mcast = true };

	for (uint32_t peer = 1; peer < n->plane.n_peer; peer++) {
		bool wants = n->plane.has_fallback && n->plane.fallback.mcast && n->plane.fallback.peer == peer;

		for (const struct plane_neigh *g = n->plane.neighs; g && !wants; g = g->next)
			wants = g->n.peer == peer && g->n.mcast;
		if (wants)
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
report_unresolved(struct node *n, const struct inner *in, uint32_t from_peer)
{
	struct dp_event ev = { .kind = DP_EV_UNRESOLVED, .tunnel = 1, .peer = from_peer, .dst = in->dst, .src = in->src };
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
report_redirect(struct node *n, const struct inner *in, uint32_t from_peer, uint32_t to_peer)
{
	uint8_t quoted[48];
	size_t len = ip_header(in, quoted);
	struct dp_event ev = { .kind = DP_EV_REDIRECT, .tunnel = 1, .peer = from_peer, .out_peer = to_peer, .dst = in->dst, .src = in->src,
		.packet = span_of(quoted, len) };
	struct endpoint e = { in->src, 0 }, to = { in->dst, 0 };

	if (!n->tunnel.dp.redirect || !report_due(n, &in->src, &in->dst))
		return;
	sim_trace(n->sim, n, "redirect", from_peer, to_peer, &e, &to);
	node_dp_event(n, &ev);
}

/* ---- forwarding */

void
plane_data(struct node *n, struct inner in, uint32_t from_peer)
{
	struct addr next_hop;
	uint32_t peer = 0;
	bool fallback = false;

	switch (plane_lookup(n, &in.dst, &peer, &next_hop, &fallback)) {
	case WAY_HERE:
		flow_got(n->sim, n, &in);
		return;
	case WAY_NO_ROUTE:
		flow_drop(n->sim, n, &in, DROP_NO_ROUTE);
		return;
	case WAY_NO_NEIGH:
		flow_drop(n->sim, n, &in, DROP_NO_NEIGH);
		report_unresolved(n, &in, from_peer);
		return;
	case WAY_PEER:
		break;
	}
	if (in.ttl-- <= 1) {
		flow_drop(n->sim, n, &in, DROP_TTL);
		return;
	}
	send_data(n, &in, peer);
	if (fallback)
		report_unresolved(n, &in, from_peer);
	if (from_peer && peer != from_peer)
		report_redirect(n, &in, from_peer, peer);
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
	struct dp_event ev = { .kind = DP_EV_SA_UNKNOWN, .tunnel = 1, .spi_in = p->spi, .local = p->dst, .remote = p->src };

	drop(n, p, DROP_UNKNOWN_SPI);
	if (n->plane.unknown_at && n->sim->now - n->plane.unknown_at < TICK_MS(200))
		return;
	n->plane.unknown_at = n->sim->now;
	node_dp_event(n, &ev);
}

static void
hand_up(struct node *n, const struct pkt *p, uint32_t peer)
{
	struct dp_event ev = { .kind = DP_EV_NHRP, .tunnel = 1, .peer = peer, .local = p->dst, .remote = p->src,
		.packet = span_of(p->octets, p->n) };

	if (p->inner.kind == INNER_NHRP) {
		sim_trace(n->sim, n, p->n > 17 ? "nhrp-in" : "nhrp-odd", p->n > 17 ? p->octets[17] : 0, peer, &p->src, NULL);
		node_dp_event(n, &ev);
	} else if (p->inner.mcast) {
		n->mcast_got++;
	} else {
		plane_data(n, p->inner, peer);
	}
}

void
plane_rx(struct node *n, const struct pkt *p)
{
	struct plane_sa *sa = plane_sa(n, p->spi);
	uint32_t peer, life = n->life;
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
	sa->st.rx_packets++;
	sa->st.rx_bytes += p->inner.kind == INNER_NHRP ? p->n : 1000;
	plane_peer(n, peer)->st.rx_packets++;
	plane_peer(n, peer)->st.last_rx = n->sim->now;
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
		hand_up(n, p, peer);
	sa_limits(n, p->spi, false);
}
