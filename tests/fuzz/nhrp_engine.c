/* tests/fuzz/nhrp_engine.c: libFuzzer target of nhrpd/engine: one engine, hub or spoke or both, under a script.
 *
 * The first octets choose the configuration, then each step is an octet that chooses what happens and those that choose
 * how: peers come and go, packets (raw, built, or made of what the engine itself sent), results of actions, names, routes,
 * traffic, time, failing allocations. The core is played here, and what the engine may not do is checked from outside
 * after every call (struct model) and, for what must agree with it, against the engine's own tables.
 *
 * At the end all partners go and all is cleared; then nothing may be left standing, and nothing allocated. */
#include <stdlib.h>

#include "nhrpd/engine/nhrp_priv.h"
#include "tests/fuzz/script.h"

enum {
	PEERS = 8, WANTS = 512, NEIGHS = 512, ROUTES = 512, COOKIES = 1024, SENT = 8, LOOKUPS = 16, SCRIPT_MAX = 4096, TICKS_MAX = 2000,
	MEMORY_MAX = 8 << 20, PACKETS_MAX = 4 * SCRIPT_MAX,
};

struct m_neigh {
	struct addr proto;
	uint32_t cookie;	/* of the last set */
	bool ok;	/* its result came and was good */
};

struct m_route {
	struct prefix prefix;
	struct addr via;
};

struct m_want {
	uint32_t id;
	struct addr addr;
};

struct m_cookie {
	uint32_t id;
	enum nhrp_act_kind kind;
};

struct m_sent {
	uint32_t peer;
	size_t n;
	uint8_t b[PKT_MAX];
};

struct model {
	struct fuzz_env e;
	struct nhrp_conf conf;
	struct nhrp *n;
	struct outq q;
	tick_t now;
	bool up[PEERS + 1];	/* by peer number, from 1 */
	struct endpoint at[PEERS + 1];
	struct m_neigh neigh[NEIGHS];
	unsigned n_neigh;
	struct m_route route[ROUTES];
	unsigned n_route;
	struct m_want want[WANTS];
	unsigned n_want;
	struct m_cookie cookie[COOKIES];
	unsigned n_cookie;
	struct m_sent sent[SENT];
	unsigned n_sent;
	uint32_t lookup[LOOKUPS];	/* NHS whose name is being looked up */
	unsigned n_lookup;
	bool dropped[PEERS + 1];	/* the engine asked for it */
	bool kept;	/* registrations are answered by themselves while time passes */
	unsigned answered;	/* of n_sent */
};

/* ---- addresses to choose from */

static const char *const protos[] = {
	"10.255.0.1", "10.255.0.2", "10.255.0.3", "10.255.0.4", "10.255.0.5", "10.2.0.9", "10.3.0.7", "10.3.1.7", "10.255.0.255", "0.0.0.0",
	"224.0.0.5", "255.255.255.255", "fd00::1", "fd00::2", "fd00::3", "fd03::7", "fe80::1", "ff02::5", "::", "127.0.0.1",
};
static const char *const nbmas[] = { "192.0.2.1", "198.51.100.2", "198.51.100.3", "203.0.113.9", "192.168.1.2", "192.168.1.3", "2001:db8::1",
	"2001:db8::2" };
static const char *const nets[] = { "10.2.0.0/24", "10.3.0.0/24", "10.3.1.0/24", "10.0.0.0/8", "10.255.0.0/24", "0.0.0.0/0", "10.3.0.7/32",
	"fd03::/16", "fd00::/64", "::/0", "10.2.0.9/32", "10.255.0.3/32" };
#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

static struct addr
A(const char *text)
{
	struct addr a = { 0 };

	HOLDS(addr_parse(text, &a), "%s", text);
	return a;
}

static struct addr
pick_proto(struct cur *c)
{
	uint8_t x = script_u8(c);

	if (x < 0xf0)
		return A(protos[x % N_OF(protos)]);
	if (x == 0xf0)
		return (struct addr){ 0 };
	return addr_of_span(script_take(c, x & 1 ? 4 : 16));
}

static struct addr
pick_nbma(struct cur *c)
{
	uint8_t x = script_u8(c);

	return x == 0xff ? (struct addr){ 0 } : A(nbmas[x % N_OF(nbmas)]);
}

static struct prefix
pick_net(struct cur *c)
{
	uint8_t x = script_u8(c);
	struct prefix p = { 0 };
	struct addr a;

	if (x < 0xf0) {
		HOLDS(prefix_parse(nets[x % N_OF(nets)], &p), "%s", nets[x % N_OF(nets)]);
		return p;
	}
	a = pick_proto(c);
	return a.n ? prefix_of(&a, script_u8(c)) : p;
}

/* ---- what the engine wants done */

static struct m_neigh *
neigh_find(struct model *m, const struct addr *proto)
{
	for (unsigned i = 0; i < m->n_neigh; i++) {
		if (addr_eq(&m->neigh[i].proto, proto))
			return &m->neigh[i];
	}
	return NULL;
}

static struct m_route *
route_at(struct model *m, const struct prefix *p)
{
	for (unsigned i = 0; i < m->n_route; i++) {
		if (prefix_eq(&m->route[i].prefix, p))
			return &m->route[i];
	}
	return NULL;
}

static struct m_want *
want_find(struct model *m, uint32_t id)
{
	for (unsigned i = 0; i < m->n_want; i++) {
		if (m->want[i].id == id)
			return &m->want[i];
	}
	return NULL;
}

static void
owe(struct model *m, const struct nhrp_act *a)
{
	HOLDS(a->cookie, "action %d without a cookie", (int)a->kind);
	if (m->n_cookie == COOKIES)	/* the oldest is never answered */
		memmove(&m->cookie[0], &m->cookie[1], sizeof(m->cookie[0]) * --m->n_cookie);
	m->cookie[m->n_cookie++] = (struct m_cookie){ a->cookie, a->kind };
}

static bool
alive(const struct model *m, uint32_t peer)
{
	return peer >= 1 && peer <= PEERS && m->up[peer];
}

static void
do_send(struct model *m, const struct nhrp_act *a)
{
	struct nhrp_packet p;
	struct m_sent *s = &m->sent[m->n_sent++ % SENT];
	enum nhrp_drop d = nhrp_packet_parse(a->packet, &p);

	HOLDS(alive(m, a->peer), "packet to peer %u, which is down", a->peer);
	HOLDS(d == NHRP_OK, "it sends what it would refuse: %s", nhrp_drop_text(d));
	HOLDS(a->packet.n <= sizeof(s->b), "packet of %zu octets", a->packet.n);
	s->peer = a->peer;
	s->n = a->packet.n;
	memcpy(s->b, a->packet.p, a->packet.n);
}

static void
do_want(struct model *m, const struct nhrp_act *a)
{
	HOLDS(a->want && !want_find(m, a->want), "want %u stands already", a->want);
	HOLDS(a->n_addrs >= 1 && a->n_addrs <= NHRP_WANT_ADDRS, "want with %u addresses", a->n_addrs);
	HOLDS(m->n_want < WANTS, "too many wants");
	for (unsigned i = 0; i < a->n_addrs; i++)
		HOLDS(a->addrs[i].n, "want of no address");
	m->want[m->n_want++] = (struct m_want){ a->want, a->addrs[0] };
}

static void
do_unwant(struct model *m, const struct nhrp_act *a)
{
	struct m_want *w = want_find(m, a->want);

	HOLDS(w, "unwant of %u, which does not stand", a->want);
	*w = m->want[--m->n_want];
}

static void
do_neigh_set(struct model *m, const struct nhrp_act *a)
{
	struct m_neigh *nb = neigh_find(m, &a->proto);

	HOLDS(alive(m, a->peer), "neighbour over peer %u, which is down", a->peer);
	HOLDS(nb || m->n_neigh < NEIGHS, "too many neighbours");
	nb = nb ? nb : &m->neigh[m->n_neigh++];
	*nb = (struct m_neigh){ a->proto, a->cookie, false };
	owe(m, a);
}

static void
do_neigh_del(struct model *m, const struct nhrp_act *a)
{
	struct m_neigh *nb = neigh_find(m, &a->proto);

	HOLDS(nb, "deletes a neighbour that is not set");
	for (unsigned i = 0; i < m->n_route; i++)
		HOLDS(!a->proto.n || !addr_eq(&m->route[i].via, &a->proto), "neighbour goes before the route over it");
	*nb = m->neigh[--m->n_neigh];
}

static void
do_route_set(struct model *m, const struct nhrp_act *a)
{
	struct m_neigh *nb = neigh_find(m, &a->via);

	HOLDS(!route_at(m, &a->prefix), "sets a route that stands");
	HOLDS(nb && nb->ok, "route before its neighbour");
	HOLDS(m->n_route < ROUTES, "too many routes");
	m->route[m->n_route++] = (struct m_route){ a->prefix, a->via };
	owe(m, a);
}

static void
do_route_del(struct model *m, const struct nhrp_act *a)
{
	struct m_route *r = route_at(m, &a->prefix);

	HOLDS(r, "deletes a route that is not set");
	HOLDS(addr_eq(&r->via, &a->via), "deletes a route by another next hop");
	*r = m->route[--m->n_route];
}

static void
perform(struct model *m, const struct nhrp_act *a)
{
	static const char *const word[] = { "send", "want", "unwant", "neigh-set", "neigh-del", "route-set", "route-del", "resolve", "drop-peer",
		"probed", "if-state", "shape", "query-use" };

	_Static_assert(sizeof(word) / sizeof(word[0]) == NHRP_ACT_QUERY_USE + 1, "a word for each");
	char via[ADDR_STRLEN], pre[PREFIX_STRLEN], proto[ADDR_STRLEN];

	fuzz_trace("  %s peer %u want %u cookie %u proto %s prefix %s via %s %s", word[a->kind], a->peer, a->want, a->cookie,
	    addr_fmt(&a->proto, proto), prefix_fmt(&a->prefix, pre), addr_fmt(&a->via, via),
	    a->kind == NHRP_ACT_SEND ? nhrp_type_name(a->packet.p[17]) : "");
	switch (a->kind) {
	case NHRP_ACT_SEND:
		do_send(m, a);
		break;
	case NHRP_ACT_WANT:
		do_want(m, a);
		break;
	case NHRP_ACT_UNWANT:
		do_unwant(m, a);
		break;
	case NHRP_ACT_NEIGH_SET:
		do_neigh_set(m, a);
		break;
	case NHRP_ACT_NEIGH_DEL:
		do_neigh_del(m, a);
		break;
	case NHRP_ACT_ROUTE_SET:
		do_route_set(m, a);
		break;
	case NHRP_ACT_ROUTE_DEL:
		do_route_del(m, a);
		break;
	case NHRP_ACT_RESOLVE_NAME:
		HOLDS(a->hint && a->hint[0], "the name of NHS %u is nothing", a->nhs);
		if (m->n_lookup < LOOKUPS)
			m->lookup[m->n_lookup++] = a->nhs;
		break;
	case NHRP_ACT_DROP_PEER:
		HOLDS(alive(m, a->peer), "drops peer %u, which is down", a->peer);
		m->dropped[a->peer] = true;
		break;
	case NHRP_ACT_PROBED:
	case NHRP_ACT_IF_STATE:
		break;
	case NHRP_ACT_SHAPE:
		HOLDS(m->up[a->peer] || !a->rate, "shapes peer %u, which is down", a->peer);
		HOLDS(!a->rate || m->conf.n_group_map, "a rate that nobody configured");
		break;
	case NHRP_ACT_QUERY_USE:
		HOLDS(alive(m, a->peer), "asks for the use of peer %u, which is down", a->peer);
		owe(m, a);
		break;
	}
}

/* ---- what must agree with the engine's own tables */

static unsigned
agree_bindings(struct model *m, unsigned *wants)
{
	struct map_iter it;
	unsigned neighs = 0;

	for (struct map_node *x = map_first(&m->n->cache, &it); x; x = map_next(&m->n->cache, &it)) {
		const struct binding *b = container_of(x, struct binding, node);
		const struct m_neigh *nb = neigh_find(m, &b->proto);

		HOLDS(b->neigh_state == NEIGH_NONE || nb, "it believes in a neighbour that is not there");
		HOLDS(b->neigh_state != NEIGH_OK || nb->ok, "it believes in a neighbour that was not confirmed");
		HOLDS(!b->want.id || want_find(m, b->want.id), "it believes in want %u", b->want.id);
		HOLDS(!b->peer || alive(m, b->peer->id), "a binding holds on to a dead peer");
		HOLDS(!b->pinned, "a binding stays pinned");
		neighs += b->neigh_state != NEIGH_NONE;
		*wants += b->want.id != 0;
	}
	return neighs;
}

struct routes_seen {
	struct model *m;
	unsigned routes, shortcuts, pending;
};

static void
agree_shortcut(void *ctx, const struct prefix *p, void *val)
{
	struct routes_seen *r = ctx;
	const struct shortcut *s = val;

	HOLDS(prefix_eq(p, &s->prefix), "a shortcut stands under another key");
	HOLDS(s->state != SC_IDLE && s->state < SC_STATES, "a shortcut without a state");
	HOLDS(!s->busy, "a shortcut stays busy");
	HOLDS(!s->has_route || route_at(r->m, p), "it believes in a route that is not there");
	HOLDS(!s->has_route || s->binding, "a route without a neighbour");
	HOLDS(s->timer.armed, "a shortcut without an end (%s)", sc_state_name[s->state]);
	r->routes += s->has_route;
	r->pending += s->state > SC_IDLE && s->state < SC_UP;
	r->shortcuts++;
}

static void
agree(struct model *m)
{
	static const struct prefix all[2] = { { .addr = { .n = 4 } }, { .addr = { .n = 16 } } };
	struct routes_seen r = { .m = m };
	unsigned wants = 0, neighs = agree_bindings(m, &wants);

	for (unsigned i = 0; i < 2; i++)
		trie_within(&m->n->shortcuts, &all[i], agree_shortcut, &r);
	for (unsigned i = 0; i < m->n->n_nhc; i++) {
		const struct nhc *c = &m->n->nhc[i];

		HOLDS(!c->want.id || want_find(m, c->want.id), "it believes in want %u of NHS %u", c->want.id, i);
		HOLDS(!c->peer || alive(m, c->peer->id), "NHS %u holds on to a dead peer", i);
		wants += c->want.id != 0;
	}
	HOLDS(!m->n->fallback || alive(m, m->n->fallback->id), "the fallback leads to a dead peer");
	HOLDS(r.routes == m->n_route, "%u routes stand, the engine knows of %u", m->n_route, r.routes);
	HOLDS(r.pending == m->n->n_pending && r.shortcuts == m->n->n_shortcuts, "its counts of shortcuts are wrong");
	HOLDS(wants == m->n_want, "%u wants stand, the engine knows of %u", m->n_want, wants);
	HOLDS(!neigh_find(m, &(struct addr){ 0 }) || m->n->fallback, "a fallback stands that the engine does not know of");
	neighs += neigh_find(m, &(struct addr){ 0 }) != NULL;
	HOLDS(neighs == m->n_neigh, "%u neighbours stand, the engine knows of %u", m->n_neigh, neighs);
}

static void
drain(struct model *m)
{
	HOLDS(m->q.n <= m->q.cap && m->q.used <= m->q.arena_cap, "the queue overflowed");
	for (size_t i = 0; i < m->q.n; i++)
		perform(m, outq_at(&m->q, i));
	outq_reset(&m->q);
	HOLDS(m->e.octets <= MEMORY_MAX, "%zu octets in use", m->e.octets);
}

/* ---- what happens to it */

static void
event(struct model *m, const struct nhrp_event *ev)
{
	static const char *const word[] = { "peer-up", "peer-down", "peer-moved", "peer-again", "peer-may", "want-up", "want-fail", "unresolved", "redirect", "route", "route-gone",
		"routes-ready", "result", "shaped", "nhs-addrs", "nbma", "link", "clear", "doubt", "probe", "shutdown" };

	_Static_assert(sizeof(word) / sizeof(word[0]) == NHRP_EV_SHUTDOWN + 1, "a word for each");

	fuzz_trace("%.3f event %s peer %u want %u cookie %u ok %d", (double)m->now / 1e6, word[ev->kind], ev->peer, ev->want, ev->cookie, ev->ok);
	nhrp_event(m->n, m->now, ev, &m->q);
	drain(m);
}

/* Until nothing is due. What is due again and again would keep a real daemon at 100 %. */
static void
tick(struct model *m)
{
	unsigned turns = 0;

	do {
		fuzz_trace("%.3f tick", (double)m->now / 1e6);
		nhrp_tick(m->n, m->now, &m->q);
		drain(m);
		HOLDS(++turns < TICKS_MAX, "it does not come to rest");
	} while (nhrp_deadline(m->n) <= m->now);
	agree(m);
}

static void	keep_registered(struct model *m);

static void
pass(struct model *m, tick_t span)
{
	tick_t end = m->now + span;

	for (unsigned turns = 0; nhrp_deadline(m->n) <= end && turns < 64; turns++) {
		m->now = nhrp_deadline(m->n) > m->now ? nhrp_deadline(m->n) : m->now;
		tick(m);
		if (m->kept)
			keep_registered(m);
	}
	m->now = end;
	tick(m);
}

static const char *const identity[] = { "fqdn hub.example.net", "fqdn a.example.net", "fqdn b.example.net", "" };

static void
peer_up(struct model *m, uint32_t peer, const struct addr *at, const char *who, bool natted)
{
	struct nhrp_event ev = { .kind = NHRP_EV_PEER_UP, .peer = peer, .remote = { *at, 4500 }, .natted = natted, .identity = span_of(who, strlen(who)) };

	m->up[peer] = true;
	m->dropped[peer] = false;
	m->at[peer] = ev.remote;
	event(m, &ev);
}

static void
peer_down(struct model *m, uint32_t peer, bool reason)
{
	struct nhrp_event ev = { .kind = NHRP_EV_PEER_DOWN, .peer = peer, .reason = reason ? "the script says so" : NULL };

	m->up[peer] = false;
	event(m, &ev);
}

/* What it may claim from now on: nothing is said, nothing at all, or one or both of two networks. */
static void
op_may(struct model *m, uint32_t peer, unsigned how)
{
	struct claims c = { .source = "the script" };
	struct prefix p;

	if (how & 1)
		claims_say(&c, CLAIM_BOTH, CLAIM_ANY);
	if ((how & 2) && prefix_parse(nets[0], &p))
		claims_add(&c, CLAIM_BOTH, &p);
	if ((how & 4) && prefix_parse(nets[1], &p))
		claims_add(&c, CLAIM_PREFIX, &p);
	if (how == 5)
		claims_add_group(&c, SPAN_STR("gold"));
	event(m, &(struct nhrp_event){ .kind = NHRP_EV_PEER_MAY, .peer = peer, .may = how ? &c : NULL });
}

static void
op_peer(struct model *m, struct cur *c)
{
	uint32_t peer = 1 + script_below(c, PEERS);
	uint8_t how = script_u8(c);
	struct addr at = A(nbmas[(how >> 2) % N_OF(nbmas)]);

	if ((how & 3) == 0 && m->up[peer])
		peer_down(m, peer, how & 4);
	else if ((how & 0x13) == 0x11 && m->up[peer])
		op_may(m, peer, how >> 5);
	else if ((how & 3) == 1 && m->up[peer])
		event(m, &(struct nhrp_event){ .kind = NHRP_EV_PEER_MOVED, .peer = peer, .remote = { at, 4501 }, .natted = how & 0x80 });
	else
		peer_up(m, peer, &at, identity[how >> 6], how & 0x20);
}

static void
result(struct model *m, unsigned i, bool ok)
{
	struct m_cookie k = m->cookie[i];

	memmove(&m->cookie[i], &m->cookie[i + 1], sizeof(m->cookie[0]) * (--m->n_cookie - i));
	for (unsigned j = 0; k.kind == NHRP_ACT_NEIGH_SET && j < m->n_neigh; j++) {
		if (m->neigh[j].cookie != k.id)
			continue;
		m->neigh[j].ok = ok;	/* where it was refused, one that it was to replace may stand yet */
	}
	event(m, &(struct nhrp_event){ .kind = NHRP_EV_RESULT, .cookie = k.id, .ok = ok, .reason = ok ? NULL : "refused" });
}

static void
want_up(struct model *m, const struct m_want *w, uint32_t peer)
{
	uint32_t id = w->id;
	struct addr at = w->addr;

	if (!m->up[peer])
		peer_up(m, peer, &at, identity[peer % N_OF(identity)], false);
	if (want_find(m, id))
		event(m, &(struct nhrp_event){ .kind = NHRP_EV_WANT_UP, .want = id, .peer = peer });
}

static void
names(struct model *m, struct cur *c, bool ok)
{
	struct addr a[NHRP_NHS_ADDRS + 1];
	struct nhrp_event ev = { .kind = NHRP_EV_NHS_ADDRS, .addrs = a };

	for (unsigned n = m->n_lookup; n; n--) {
		ev.nhs = m->lookup[0];
		memmove(&m->lookup[0], &m->lookup[1], sizeof(m->lookup[0]) * --m->n_lookup);
		ev.n_addrs = ok ? 1 + script_u8(c) % (NHRP_NHS_ADDRS + 1) : 0;
		for (unsigned k = 0; k < ev.n_addrs; k++)
			a[k] = A(nbmas[(ev.nhs + k) % N_OF(nbmas)]);
		event(m, &ev);
	}
}

static void
op_result(struct model *m, struct cur *c)
{
	uint8_t how = script_u8(c);

	if (m->n_cookie)
		result(m, (how >> 1) % m->n_cookie, how & 1);
}

static void
op_want(struct model *m, struct cur *c)
{
	uint8_t how = script_u8(c);
	struct m_want *w = m->n_want ? &m->want[how % m->n_want] : NULL;

	how = script_u8(c);
	if (w && how & 1)
		want_up(m, w, 1 + (how >> 1) % PEERS);
	else if (w)
		event(m, &(struct nhrp_event){ .kind = NHRP_EV_WANT_FAIL, .want = w->id, .reason = how & 2 ? "no proposal chosen" : NULL });
}

/* ---- packets */

static void
deliver(struct model *m, uint32_t peer, struct span packet)
{
	uint8_t *exact = fuzz_exact(packet);
	struct nhrp_rx rx = { .peer = peer, .remote = m->at[peer <= PEERS ? peer : 0], .packet = span_of(exact, packet.n) };
	enum nhrp_drop d = nhrp_rx(m->n, m->now, &rx, &m->q);

	fuzz_trace("%.3f packet from peer %u: %s: %s", (double)m->now / 1e6, peer, packet.n > 17 ? nhrp_type_name(packet.p[17]) : "-", nhrp_drop_word(d));
	HOLDS(d < NHRP_DROPS_N, "drop %d", (int)d);
	free(exact);
	drain(m);
}

static void
mend(uint8_t *p, size_t n)
{
	if (n < NHRP_HDR_LEN || n > UINT16_MAX)
		return;
	put_be16(p + 10, (uint16_t)n);
	put_be16(p + 12, 0);
	put_be16(p + 12, nhrp_checksum(span_of(p, n)));
}

static void
op_raw(struct model *m, struct cur *c)
{
	uint8_t buf[256];
	uint8_t how = script_u8(c);
	struct span s = script_take(c, script_u8(c));

	memcpy(buf, s.p, s.n);
	if (how & 0x80)
		mend(buf, s.n);
	deliver(m, how & 0x7f & 15, span_of(buf, s.n));
}

/* What the engine sent, with some octets changed, to somebody it knows. */
static void
op_echo(struct model *m, struct cur *c)
{
	const struct m_sent *s = &m->sent[script_below(c, SENT)];
	uint8_t buf[PKT_MAX];
	uint32_t peer = 1 + script_below(c, PEERS);
	unsigned changes = script_below(c, 4);

	if (!s->n)
		return;
	memcpy(buf, s->b, s->n);
	for (unsigned i = 0; i < changes; i++) {
		uint8_t at = script_u8(c);

		buf[at % s->n] = script_u8(c);
	}
	mend(buf, s->n);
	deliver(m, peer, span_of(buf, s->n));
}

static void
cie(struct cur *c, const struct nhrp_packet *p, struct nhrp_cie *out)
{
	uint8_t how = script_u8(c);

	out->code = how & 0x80 ? script_u8(c) : 0;
	out->prefix_len = how & 0x40 ? script_u8(c) : how & 0x20 ? 0xff : 24;
	out->mtu = how & 0x10 ? script_be16(c) : 1400;
	out->hold_s = how & 0x08 ? script_be16(c) : 600;
	out->preference = how & 1;
	if (how & 0x04)
		out->proto = pick_proto(c);
	if (how & 0x02)
		out->nbma = pick_nbma(c);
	if (out->proto.n && out->proto.n != (p->pro_type == NHRP_ETH_IPV4 ? 4 : 16))
		out->proto = (struct addr){ 0 };
	if (out->nbma.n && out->nbma.n != (p->afn == NHRP_AFN_IPV4 ? 4 : 16))
		out->nbma = (struct addr){ 0 };
}

/* Extensions: a bit each for the usual ones, then one of the script's own. */
static void
exts(struct model *m, struct cur *c, struct nhrp_packet *p, uint8_t room[static 1024])
{
	static const uint16_t types[] = { NHRP_EXT_RESPONDER, NHRP_EXT_FORWARD, NHRP_EXT_REVERSE, NHRP_EXT_AUTH, NHRP_EXT_NAT };
	struct wr w = wr_of(room, 1024);
	uint8_t which = script_u8(c);

	p->n_ext = 0;
	p->has_ext = which != 0;
	for (unsigned i = 0; i < N_OF(types); i++) {
		uint8_t *at = w.p;
		struct nhrp_cie e = { 0 };

		if (!(which & 1u << i))
			continue;
		if (types[i] == NHRP_EXT_AUTH) {
			nhrp_auth_build(&w, which & 0x40 ? SPAN_STR("wrong") : span_of(m->conf.auth, m->conf.auth_len));
		} else if (which & 0x80) {
			cie(c, p, &e);
			nhrp_cie_build(&w, &e);
		}
		p->ext[p->n_ext++] = (struct nhrp_ext){ types[i], true, span_of(at, (size_t)(w.p - at)) };
	}
	if (which & 0x20) {
		uint16_t type = script_u8(c);
		uint8_t *at = w.p;

		if (type & 0x80) {	/* ours, sane or not */
			nhrp_vendor_build(&w, &(struct nhrp_vendor){ .group = script_take(c, type & 63) });
			p->ext[p->n_ext++] = (struct nhrp_ext){ NHRP_EXT_VENDOR, which & 0x40, span_of(at, (size_t)(w.p - at)) };
			return;
		}
		p->ext[p->n_ext++] = (struct nhrp_ext){ type, which & 0x40, script_take(c, script_u8(c) & 31) };
	}
}

static void
quoted(struct model *m, struct cur *c, struct nhrp_packet *p, uint8_t room[static 1024])
{
	const struct m_sent *s = &m->sent[script_below(c, SENT)];
	uint8_t how = script_u8(c);
	struct addr src = pick_proto(c), dst = pick_proto(c);
	bool v6 = src.n == 16;

	p->code = script_u8(c) & 15;
	p->offset = script_u8(c);
	p->payload = span_of(s->b, how & 0x80 ? how & 0x3f : s->n < 600 ? s->n : 600);
	if (p->payload.n > s->n)
		p->payload.n = s->n;
	if (p->type == NHRP_ERROR_INDICATION)
		return;
	memset(room, 0, 64);
	room[0] = v6 ? 0x60 : 0x45;
	room[8] = 64;
	memcpy(room + (v6 ? 8 : 12), src.b, src.n);
	memcpy(room + (v6 ? 24 : 16), dst.b, dst.n);
	p->payload = span_of(room, how & 0x80 ? how & 0x3f : 64);
}

static void
build_deliver(struct model *m, uint32_t peer, const struct nhrp_packet *p)
{
	uint8_t buf[4096];
	struct wr w = wr_of(buf, sizeof(buf));
	size_t n = nhrp_packet_build(&w, p);

	if (n)
		deliver(m, peer, span_of(buf, n));
}

static void
op_build(struct model *m, struct cur *c)
{
	uint8_t extroom[1024], quote[1024];
	struct nhrp_packet p = { 0 };
	uint8_t how = script_u8(c), cies;
	uint32_t peer = 1 + (how & 7);

	p.type = (uint8_t)(1 + script_below(c, NHRP_TYPES - 1));
	p.hops = how & 0x80 ? script_u8(c) : 255;
	p.flags = how & 0x40 ? script_be16(c) : NHRP_FLAG_NAT;
	p.src_proto = pick_proto(c);
	p.dst_proto = pick_proto(c);
	p.src_nbma = how & 0x20 ? pick_nbma(c) : m->at[peer].addr;
	p.pro_type = p.src_proto.n == 16 ? NHRP_ETH_IPV6 : NHRP_ETH_IPV4;
	p.afn = p.src_nbma.n == 16 ? NHRP_AFN_IPV6 : NHRP_AFN_IPV4;
	if (p.src_proto.n != p.dst_proto.n)
		p.dst_proto = p.src_proto;
	p.request_id = how & 0x10 ? script_u8(c) : m->n->next_id - script_below(c, 4);
	if (p.type >= NHRP_ERROR_INDICATION) {
		quoted(m, c, &p, quote);
	} else {
		cies = script_u8(c) & 7;
		for (unsigned i = 0; i < cies; i++)
			cie(c, &p, &p.cie[p.n_cie++]);
	}
	exts(m, c, &p, extroom);
	build_deliver(m, peer, &p);
}

/* An answer to what the engine asked, as a good partner would give it, and as a bad one would. */
static void
op_answer(struct model *m, struct cur *c)
{
	static const uint8_t reply[NHRP_TYPES] = { [NHRP_RESOLUTION_REQUEST] = NHRP_RESOLUTION_REPLY, [NHRP_REGISTRATION_REQUEST] = NHRP_REGISTRATION_REPLY,
		[NHRP_PURGE_REQUEST] = NHRP_PURGE_REPLY };
	uint8_t how = script_u8(c), extroom[1024];
	const struct m_sent *s = &m->sent[(m->n_sent - 1 - (how & 7)) % SENT];
	struct nhrp_packet p;
	uint32_t peer = how & 0x80 ? 1 + script_below(c, PEERS) : s->peer;

	if (!s->n || nhrp_packet_parse(span_of(s->b, s->n), &p) != NHRP_OK || p.type >= NHRP_TYPES || !reply[p.type])
		return;
	if (how & 0x08 || (p.type == NHRP_RESOLUTION_REQUEST && !p.n_cie)) {
		p.n_cie = 1;
		cie(c, &p, &p.cie[0]);
	}
	p.type = reply[p.type];
	p.hops = 255;
	if (how & 0x10)
		exts(m, c, &p, extroom);
	if (how & 0x20)
		p.dst_proto = pick_proto(c);
	if (p.dst_proto.n != p.src_proto.n)
		p.dst_proto = p.src_proto;
	build_deliver(m, peer, &p);
}

/* What was sent since the last time, as far as it is remembered. */
static void
keep_registered(struct model *m)
{
	struct nhrp_packet p;

	m->answered = m->n_sent - m->answered > SENT ? m->n_sent - SENT : m->answered;
	for (; m->answered != m->n_sent; m->answered++) {
		const struct m_sent *s = &m->sent[m->answered % SENT];

		if (nhrp_packet_parse(span_of(s->b, s->n), &p) != NHRP_OK || p.type != NHRP_REGISTRATION_REQUEST || !alive(m, s->peer))
			continue;
		p.type = NHRP_REGISTRATION_REPLY;
		build_deliver(m, s->peer, &p);
	}
}

/* A partner that asks: for our network (1), to be registered (3), to forget (5), in the usual form. */
static void
op_ask(struct model *m, struct cur *c)
{
	uint8_t how = script_u8(c), extroom[1024];
	uint32_t peer = 1 + (how & 7);
	struct nhrp_packet p = { .hops = 255, .type = (uint8_t)(1 + 2 * ((how >> 3) % 3)), .flags = NHRP_FLAG_NAT, .n_cie = 1 };
	struct wr w = wr_of(extroom, sizeof(extroom));
	uint8_t *at;

	p.src_proto = pick_proto(c);
	p.dst_proto = pick_proto(c);
	p.src_nbma = m->at[peer].addr;
	p.pro_type = p.src_proto.n == 16 ? NHRP_ETH_IPV6 : NHRP_ETH_IPV4;
	p.afn = p.src_nbma.n == 16 ? NHRP_AFN_IPV6 : NHRP_AFN_IPV4;
	p.request_id = script_u8(c);
	p.flags |= how & 0x80 ? 0x8000 : 0;
	p.cie[0] = (struct nhrp_cie){ .prefix_len = 0xff, .mtu = 1400, .hold_s = how & 0x40 ? script_be16(c) : 600 };
	if (p.type == NHRP_PURGE_REQUEST) {
		struct prefix net = pick_net(c);

		p.cie[0].prefix_len = net.bits;
		p.cie[0].proto = net.addr.n == p.src_proto.n ? net.addr : p.src_proto;
	}
	p.has_ext = true;
	for (unsigned i = 0; i < 3; i++)
		p.ext[p.n_ext++] = (struct nhrp_ext){ (uint16_t)(NHRP_EXT_RESPONDER + i), true, SPAN_STR("") };
	if (p.type == NHRP_REGISTRATION_REQUEST && (p.request_id & 3)) {
		nhrp_vendor_build(&w, &(struct nhrp_vendor){ .group = p.request_id & 1 ? SPAN_STR("gold") : SPAN_STR("lead") });
		p.ext[p.n_ext++] = (struct nhrp_ext){ NHRP_EXT_VENDOR, false, wr_span(&w) };
	}
	if (m->conf.auth_len) {
		at = w.p;
		nhrp_auth_build(&w, span_of(m->conf.auth, m->conf.auth_len));
		p.ext[p.n_ext++] = (struct nhrp_ext){ NHRP_EXT_AUTH, true, span_of(at, (size_t)(w.p - at)) };
	}
	build_deliver(m, peer, &p);
}

/* ---- configuration */

static void
conf_own(struct nhrp_conf *k, const char *own)
{
	HOLDS(prefix_parse_host(own, &k->own[k->n_own++]), "%s", own);
}

static void
conf(struct model *m, struct cur *c)
{
	uint8_t role = script_u8(c), more = script_u8(c);
	struct nhrp_conf *k = &m->conf;

	memset(k, 0, sizeof(*k));
	conf_own(k, role & 1 ? "10.255.0.1/24" : "10.255.0.2/24");
	if (role & 4) {
		conf_own(k, role & 1 ? "fd00::1/64" : "fd00::2/64");
		conf_own(k, "fe80::1/64");
	}
	k->redirect = k->mcast_dynamic = role & 1;
	k->shortcut = role & 8;
	k->no_unique = more & 1;
	k->steal = more & 2;
	k->cache_max = more & 4 ? 4 : 0;
	k->reg_s = more & 8 ? 5 : 0;
	k->hold_s = more & 16 ? 20 : 0;
	k->mtu = more & 32 ? 200 : 0;
	if (more & 128) {
		strcpy(k->group, "gold");
		k->group_map[k->n_group_map++] = (struct nhrp_conf_group){ "gold", 20000000 };
		k->group_map[k->n_group_map++] = (struct nhrp_conf_group){ "lead", role & 1 ? 1000000 : 64000 };
	}
	if (role & 16) {
		memcpy(k->auth, "secret", 6);
		k->auth_len = 6;
	}
	if (role & 2) {
		k->n_nhs = 1u + (role >> 5 & 3);
		for (unsigned i = 0; i < k->n_nhs; i++) {
			k->nhs[i] = (struct nhrp_conf_nhs){ .family = i == 1 && role & 4 ? 16 : 4, .mcast = true, .priority = (uint8_t)(i == 2) };
			if (more & 64)
				k->nhs[i].proto = A(k->nhs[i].family == 16 ? "fd00::1" : "10.255.0.1");
			strcpy(k->nhs[i].name, i == 3 ? "" : "hub0.example.net");
			k->nhs[i].name[3] += i == 3 ? 0 : (char)i;
		}
	}
	if (role & 0x80) {
		k->map[k->n_map++] = (struct nhrp_conf_map){ A("10.255.0.3"), A("198.51.100.3"), true };
		k->map[k->n_map++] = (struct nhrp_conf_map){ A("10.255.0.1"), A("192.0.2.1"), false };
		k->map[k->n_map++] = (struct nhrp_conf_map){ { 0 }, A("192.0.2.1"), true };
	}
}

static void
op_reconf(struct model *m, struct cur *c)
{
	conf(m, c);
	fuzz_trace("%.3f reconf", (double)m->now / 1e6);
	m->q.cap = NHRP_RECONF_ITEMS;
	m->q.arena_cap = NHRP_RECONF_OCTETS;
	nhrp_reconf(m->n, m->now, &m->conf, &m->q);
	drain(m);
	m->q.cap = NHRP_OUT_ITEMS;
	m->q.arena_cap = NHRP_OUT_OCTETS;
	tick(m);
}

/* ---- the rest of the world */

static void
op_route(struct model *m, struct cur *c)
{
	uint8_t how = script_u8(c);
	struct nhrp_event ev = { .kind = how & 0x80 ? NHRP_EV_ROUTE_GONE : NHRP_EV_ROUTE, .prefix = pick_net(c), .route = how & 3 };

	if (how & 0x40)
		ev.via = pick_proto(c);
	event(m, &ev);
}

static void
op_traffic(struct model *m, struct cur *c)
{
	struct nhrp_event ev = { .kind = NHRP_EV_UNRESOLVED };

	ev.dst = pick_proto(c);
	if (script_u8(c) & 1)
		ev.src = pick_proto(c);
	if (ev.dst.n)
		event(m, &ev);
}

static void
op_redirect(struct model *m, struct cur *c)
{
	uint8_t how = script_u8(c), ip[128] = { 0 };
	struct addr src = pick_proto(c), dst = pick_proto(c);
	struct nhrp_event ev = { .kind = NHRP_EV_REDIRECT, .peer = 1 + (how & 7), .out_peer = 1 + (how >> 3 & 7) };
	uint8_t *exact;

	ip[0] = src.n == 16 ? 0x60 : 0x45;
	memcpy(ip + (src.n == 16 ? 8 : 12), src.b, src.n);
	memcpy(ip + (src.n == 16 ? 24 : 16), dst.b, dst.n);
	ev.packet.n = how & 0x80 ? script_u8(c) & 127 : 100;
	exact = fuzz_exact(span_of(ip, ev.packet.n));
	ev.packet.p = exact;
	event(m, &ev);
	free(exact);
}

static void
op_time(struct model *m, struct cur *c)
{
	static const tick_t unit[] = { TICK_MS(10), TICK_MS(500), TICK_S(5), TICK_S(60) };
	uint8_t how = script_u8(c);

	pass(m, unit[how >> 6] * ((how & 0x3f) + 1u));
}

static void
op_operator(struct model *m, struct cur *c)
{
	uint8_t how = script_u8(c);
	struct nhrp_event ev = { .kind = NHRP_EV_CLEAR, .ok = how & 1 };

	switch (how >> 4) {
	case 0: case 1: case 2:
		if (how & 2)
			ev.dst = pick_proto(c);
		break;
	case 3: case 4:
		ev.kind = NHRP_EV_LINK;
		if (ev.ok)	/* the interface comes back empty */
			m->n_neigh = 0;
		break;
	case 5: case 6:
		ev.kind = NHRP_EV_NBMA;
		ev.nbma = pick_nbma(c);
		ev.natted = how & 2;
		break;
	case 7:
		ev.kind = NHRP_EV_ROUTES_READY;
		break;
	case 8:
		ev.kind = NHRP_EV_PROBE;
		ev.dst = pick_proto(c);
		ev.cookie = 1 + (how & 15);
		break;
	case 9:
		ev.kind = NHRP_EV_DOUBT;
		ev.peer = how & 7;
		ev.dst = pick_proto(c);
		ev.within = TICK_MS(180);
		ev.reason = "fuzz";
		break;
	case 15:
		ev.kind = NHRP_EV_SHUTDOWN;
		break;
	default:
		return;
	}
	event(m, &ev);
}

static bool
seen_cache(void *ctx, const struct nhrp_cache_info *i)
{
	HOLDS(i->identity && i->reason && nhrp_cache_type_name(i->type), "show leaves a text out");
	(*(unsigned *)ctx)++;
	return true;
}

static bool
seen_nhs(void *ctx, const struct nhrp_nhs_info *i)
{
	HOLDS(i->name && i->state && i->reason, "show leaves a text out");
	(*(unsigned *)ctx)++;
	return true;
}

static bool
seen_shortcut(void *ctx, const struct nhrp_shortcut_info *i)
{
	HOLDS(i->state && i->reason, "show leaves a text out");
	(*(unsigned *)ctx)++;
	return true;
}

static void
op_show(struct model *m, struct cur *c)
{
	struct nhrp_cache_info info[4];
	struct prefix within = pick_net(c);
	unsigned seen = 0;

	nhrp_visit_cache(m->n, NULL, seen_cache, &seen);
	HOLDS(seen >= m->n->cache.n, "show leaves entries out");
	if (within.addr.n)
		nhrp_visit_cache(m->n, &within, seen_cache, &seen);
	nhrp_visit_nhs(m->n, seen_nhs, &seen);
	nhrp_visit_shortcut(m->n, seen_shortcut, &seen);
	nhrp_peer_protos(m->n, 1 + within.bits % PEERS, info, 4);
}

/* All that is asked for is given, so that a short script gets far. */
static void
op_settle(struct model *m, struct cur *c)
{
	uint8_t how = script_u8(c);

	m->kept = how & 4;
	names(m, c, !(how & 1));
	for (unsigned i = 0; i < m->n_want && i < PEERS; i++) {
		uint32_t peer = 1;

		while (peer < PEERS && m->up[peer] && !addr_eq(&m->at[peer].addr, &m->want[i].addr))
			peer++;
		want_up(m, &m->want[i], peer);
	}
	for (unsigned i = 0; m->n_cookie && i < 32; i++)
		result(m, 0, !(how & 2));
	for (uint32_t peer = 1; peer <= PEERS; peer++) {
		if (m->dropped[peer] && m->up[peer])
			peer_down(m, peer, true);
	}
}

static void
op_memory(struct model *m, struct cur *c)
{
	uint8_t in = script_u8(c);

	fuzz_env_fail(&m->e, in & 15, script_u8(c));
}

static void (*const ops[])(struct model *, struct cur *) = {
	op_settle, op_time, op_peer, op_answer, op_ask, op_traffic, op_result, op_want, op_build, op_route, op_redirect, op_echo, op_operator,
	op_memory, op_show, op_raw, op_reconf,
};

/* ---- beginning and end */

/* Everybody leaves and the operator clears all: what stands then is only what the configuration says, and a want each. */
static void
farewell(struct model *m)
{
	fuzz_env_calm(&m->e);
	m->kept = false;
	while (m->n_cookie)
		result(m, 0, false);
	for (uint32_t peer = 1; peer <= PEERS; peer++) {
		if (m->up[peer])
			peer_down(m, peer, true);
	}
	tick(m);
	event(m, &(struct nhrp_event){ .kind = NHRP_EV_CLEAR });
	tick(m);
	event(m, &(struct nhrp_event){ .kind = NHRP_EV_CLEAR });
	pass(m, TICK_S(400));
	HOLDS(m->n_route == 0, "routes are left when all are gone");
	HOLDS(m->n_neigh == 0, "neighbours are left when all are gone");
	HOLDS(m->n_want <= m->conf.n_nhs + m->conf.n_map, "%u wants are left when all are gone", m->n_want);
	HOLDS(m->n->n_shortcuts == 0 && m->n->n_pending == 0, "shortcuts are left when all are gone");
	HOLDS(m->n->peers.n == 0, "peers are left when all are gone");
}

static struct model *
model(void)
{
	static struct model m;
	static uint8_t *item, *arena;

	if (!item) {
		item = calloc(NHRP_RECONF_ITEMS, sizeof(struct nhrp_act));
		arena = calloc(1, NHRP_RECONF_OCTETS);
	}
	HOLDS(item && arena, "no memory");
	memset(&m, 0, sizeof(m));
	m.q = (struct outq){ .item = item, .item_size = sizeof(struct nhrp_act), .cap = NHRP_OUT_ITEMS, .arena = arena, .arena_cap = NHRP_OUT_OCTETS };
	return &m;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct model *m = model();
	struct cur c = cur_of(span_of(data, n));
	struct addr nbma = A("198.51.100.2");

	if (n > SCRIPT_MAX)
		return -1;
	fuzz_env_init(&m->e, 1);
	conf(m, &c);
	m->now = TICK_S(1000);
	m->n = nhrp_new(&m->conf, &m->e.env);
	HOLDS(m->n, "no engine");
	event(m, &(struct nhrp_event){ .kind = NHRP_EV_NBMA, .nbma = nbma });
	tick(m);
	while (cur_left(&c)) {
		ops[script_u8(&c) % N_OF(ops)](m, &c);
		agree(m);
	}
	farewell(m);
	nhrp_free(m->n);
	HOLDS(m->e.live == 0, "%ld allocations are not released", m->e.live);
	return 0;
}
