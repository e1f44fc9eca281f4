#include "tests/unit/nhrp_engine/world.h"

#include <stdlib.h>

struct addr
A(const char *text)
{
	struct addr a = { 0 };

	ck_assert_msg(addr_parse(text, &a), "%s", text);
	return a;
}

struct prefix
P(const char *text)
{
	struct prefix p;

	ck_assert_msg(prefix_parse(text, &p), "%s", text);
	return p;
}

void
world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	test_env_init(&w->t);
	env_libc(&w->own);
	w->next_peer = 100;
}

static void
letter(struct node *x, char c)
{
	char *log = x->w->log[x->index];
	size_t n = strlen(log);

	if (n + 1 < WORLD_LOG)
		log[n] = c;
}

static struct w_event *
later(struct world *w, tick_t after, enum w_kind kind, int from, int to)
{
	struct w_event *e = calloc(1, sizeof(*e));

	ck_assert(e != NULL && w->n_ev < WORLD_EVENTS);
	e->at = w->now + after;
	e->kind = kind;
	e->from = from;
	e->to = to;
	w->ev[w->n_ev++] = e;
	return e;
}

void
world_free(struct world *w)
{
	for (unsigned i = 0; i < w->n; i++)
		node_stop(&w->node[i]);
	for (unsigned i = 0; i < w->n_ev; i++)
		free(w->ev[i]);
	ck_assert_int_eq(w->t.live, 0);
}

struct node *
world_node(struct world *w, const char *own, const char *nbma, const char *public)
{
	struct node *x = &w->node[w->n];

	x->w = w;
	x->index = (int)w->n++;
	ck_assert(prefix_parse_host(own, &x->conf.own[0]));
	x->conf.n_own = 1;
	x->nbma = A(nbma);
	x->public = A(public ? public : nbma);
	x->identity = nbma;
	return x;
}

void
node_nhs(struct node *x, const char *proto, const char *name, uint8_t priority)
{
	struct nhrp_conf_nhs *s = &x->conf.nhs[x->conf.n_nhs++];

	s->family = x->conf.own[0].addr.n;
	if (proto)
		s->proto = A(proto);
	s->priority = priority;
	s->mcast = true;
	strcpy(s->name, name);
}

/* ---- the core's part */

static struct node *
other(struct node *x, uint32_t peer)
{
	for (unsigned i = 0; i < x->w->n; i++) {
		if (peer && x->peer_of[i] == peer)
			return &x->w->node[i];
	}
	return NULL;
}

static void
peer_up(struct node *x, struct node *y)
{
	struct nhrp_event ev = { .kind = NHRP_EV_PEER_UP, .peer = x->peer_of[y->index], .natted = !addr_eq(&y->nbma, &y->public),
		.identity = span_of(y->identity, strlen(y->identity)), .may = y->may };
	bool inside = !addr_eq(&x->nbma, &x->public) && addr_eq(&x->public, &y->public);

	ev.remote.addr = inside ? y->nbma : y->public;
	ev.remote.port = 4500;
	node_event(x, &ev);
}

static void
peer_down(struct node *x, struct node *y)
{
	struct nhrp_event ev = { .kind = NHRP_EV_PEER_DOWN, .peer = x->peer_of[y->index], .reason = "test" };

	x->peer_of[y->index] = 0;
	if (ev.peer && x->n)
		node_event(x, &ev);
}

static void
redial(struct node *x, struct node *y)
{
	for (unsigned i = 0; i < x->n_want; i++) {
		if (x->want[i].to == y->index) {
			struct w_event *e = later(x->w, TICK_MS(500), W_DIALED, x->index, y->index);

			x->want[i].to = -1;
			e->want = x->want[i].id;
		}
	}
}

void
world_sa_down(struct world *w, struct node *a, struct node *b)
{
	(void)w;
	peer_down(a, b);
	peer_down(b, a);
	redial(a, b);
	redial(b, a);
}

static bool
reaches(const struct node *x, const struct node *y, const struct addr *a)
{
	bool inside = !addr_eq(&x->nbma, &x->public) && addr_eq(&x->public, &y->public);

	if (x->w->no_dial[x->index][y->index] || !y->n)
		return false;
	if (addr_eq(a, &y->nbma))
		return inside || addr_eq(&y->nbma, &y->public);
	return false;
}

static void
dialed(struct world *w, const struct w_event *e)
{
	struct node *x = &w->node[e->from], *y = NULL;
	struct nhrp_event ev = { .want = e->want };
	struct w_want *want = NULL;

	for (unsigned i = 0; i < x->n_want; i++) {
		if (x->want[i].id == e->want)
			want = &x->want[i];
	}
	if (!want || !x->n || want->to >= 0)
		return;
	for (unsigned i = 0; i < want->n_addrs && !y; i++) {
		for (unsigned k = 0; k < w->n; k++) {
			if (k != (unsigned)x->index && reaches(x, &w->node[k], &want->addrs[i]))
				y = &w->node[k];
		}
	}
	if (!y) {
		struct w_event *again = later(w, TICK_S(5), W_DIALED, x->index, -1);

		again->want = e->want;
		ev.kind = NHRP_EV_WANT_FAIL;
		ev.reason = "no proposal chosen";
		node_event(x, &ev);
		return;
	}
	want->to = y->index;
	if (!x->peer_of[y->index]) {
		x->peer_of[y->index] = w->next_peer++;
		y->peer_of[x->index] = w->next_peer++;
		peer_up(x, y);
		peer_up(y, x);
	}
	ev.kind = NHRP_EV_WANT_UP;
	ev.peer = x->peer_of[y->index];
	node_event(x, &ev);
}

static void
do_want(struct node *x, const struct nhrp_act *a)
{
	struct w_want *want = &x->want[x->n_want++];
	struct w_event *e = later(x->w, TICK_MS(50), W_DIALED, x->index, -1);

	ck_assert_uint_lt(x->n_want, WORLD_WANTS);
	want->id = a->want;
	want->n_addrs = a->n_addrs;
	memcpy(want->addrs, a->addrs, sizeof(want->addrs));
	want->to = -1;
	e->want = a->want;
	letter(x, 'W');
}

static bool
wants(const struct node *x, int to)
{
	for (unsigned i = 0; i < x->n_want; i++) {
		if (x->want[i].to == to)
			return true;
	}
	return false;
}

static void
do_unwant(struct node *x, uint32_t id)
{
	for (unsigned i = 0; i < x->n_want; i++) {
		int to = x->want[i].to;

		if (x->want[i].id != id)
			continue;
		x->want[i] = x->want[--x->n_want];
		letter(x, 'w');
		if (to >= 0 && !wants(x, to) && !wants(&x->w->node[to], x->index)) {
			struct w_event *e = later(x->w, TICK_MS(20), W_DOWN, x->index, to);	/* it hears of it behind our last packet */

			e->cookie = x->w->node[to].peer_of[x->index];
			peer_down(x, &x->w->node[to]);
		}
		return;
	}
	ck_abort_msg("unwant of nothing");
}

static void
do_neigh_set(struct node *x, const struct nhrp_act *a)
{
	struct w_neigh *nb = NULL;

	letter(x, 'N');
	ck_assert_msg(other(x, a->peer) != NULL, "neighbour over a dead peer");
	if (!x->neigh_fails) {
		for (unsigned i = 0; i < x->n_neigh; i++) {
			if (addr_eq(&x->neigh[i].proto, &a->proto))
				nb = &x->neigh[i];
		}
		ck_assert_uint_lt(x->n_neigh, WORLD_NEIGH);
		nb = nb ? nb : &x->neigh[x->n_neigh++];
		*nb = (struct w_neigh){ a->proto, a->peer, a->mcast };
	}
	if (a->cookie && !x->neigh_silent) {
		struct w_event *e = later(x->w, TICK_MS(1), W_RESULT, x->index, x->index);

		e->cookie = a->cookie;
		e->ok = !x->neigh_fails;
	}
}

static void
do_neigh_del(struct node *x, const struct nhrp_act *a)
{
	letter(x, 'n');
	for (unsigned i = 0; i < x->n_route; i++)
		ck_assert_msg(!a->proto.n || !addr_eq(&x->route[i].via, &a->proto), "neighbour goes before the route over it");
	for (unsigned i = 0; i < x->n_neigh; i++) {
		if (addr_eq(&x->neigh[i].proto, &a->proto)) {
			x->neigh[i] = x->neigh[--x->n_neigh];
			return;
		}
	}
}

static void
do_route_set(struct node *x, const struct nhrp_act *a)
{
	struct w_event *e;
	bool there = false;

	letter(x, 'R');
	for (unsigned i = 0; i < x->n_neigh; i++)
		there |= addr_eq(&x->neigh[i].proto, &a->via);
	ck_assert_msg(there, "route before its neighbour");
	if (!x->route_fails)
		x->route[x->n_route++] = (struct w_route){ a->prefix, a->via, a->mtu };
	if (x->route_silent)
		return;
	e = later(x->w, TICK_MS(1), W_RESULT, x->index, x->index);
	e->cookie = a->cookie;
	e->ok = !x->route_fails;
}

static void
do_route_del(struct node *x, const struct nhrp_act *a)
{
	letter(x, 'r');
	for (unsigned i = 0; i < x->n_route; i++) {
		if (prefix_eq(&x->route[i].prefix, &a->prefix)) {
			x->route[i] = x->route[--x->n_route];
			return;
		}
	}
}

static void
do_send(struct node *x, const struct nhrp_act *a)
{
	struct node *y = other(x, a->peer);
	struct w_event *e;

	ck_assert_msg(y != NULL, "packet to a dead peer");
	ck_assert_uint_le(a->packet.n, 1500);
	x->w->sent[a->packet.p[17]]++;
	if (x->w->cut[x->index][y->index] || (x->w->loss && env_random_below(&x->w->t.env, 100) < x->w->loss))
		return;
	e = later(x->w, TICK_MS(10), W_PACKET, x->index, y->index);
	e->n = a->packet.n;
	memcpy(e->packet, a->packet.p, a->packet.n);
}

static void
do_result(struct node *x, uint32_t cookie, bool ok)
{
	struct w_event *e = later(x->w, TICK_MS(1), W_RESULT, x->index, x->index);

	e->cookie = cookie;
	e->ok = ok;
}

static void
do_drop(struct node *x, uint32_t peer)
{
	struct node *y = other(x, peer);

	x->dropped++;
	letter(x, 'D');
	if (y)
		world_sa_down(x->w, x, y);
}

static void
perform(struct node *x, const struct nhrp_act *a)
{
	struct w_event *e;

	switch (a->kind) {
	case NHRP_ACT_SEND:
		do_send(x, a);
		break;
	case NHRP_ACT_WANT:
		do_want(x, a);
		break;
	case NHRP_ACT_UNWANT:
		do_unwant(x, a->want);
		break;
	case NHRP_ACT_NEIGH_SET:
		do_neigh_set(x, a);
		break;
	case NHRP_ACT_NEIGH_DEL:
		do_neigh_del(x, a);
		break;
	case NHRP_ACT_ROUTE_SET:
		do_route_set(x, a);
		break;
	case NHRP_ACT_ROUTE_DEL:
		do_route_del(x, a);
		break;
	case NHRP_ACT_RESOLVE_NAME:
		x->lookups++;
		e = later(x->w, TICK_MS(5), W_ADDRS, x->index, x->index);
		e->nhs = a->nhs;
		e->n = strlen(a->hint);
		memcpy(e->packet, a->hint, e->n + 1);
		break;
	case NHRP_ACT_DROP_PEER:
		do_drop(x, a->peer);
		break;
	case NHRP_ACT_PROBED:
	case NHRP_ACT_IF_STATE:
	case NHRP_ACT_SHAPE:
		break;
	case NHRP_ACT_QUERY_USE:
		do_result(x, a->cookie, x->used);
		break;
	}
}

/* Actions are copied out first: carrying one out may call the engine again. */
static void
drain(struct node *x)
{
	while (x->q.n) {
		struct outq q = x->q;
		struct outq fresh;

		ck_assert(outq_init(&fresh, &x->w->own, sizeof(struct nhrp_act), NHRP_OUT_ITEMS, NHRP_OUT_OCTETS));
		x->q = fresh;
		for (size_t i = 0; i < q.n; i++)
			perform(x, outq_at(&q, i));
		outq_fini(&q, &x->w->own);
	}
}

void
node_event(struct node *x, const struct nhrp_event *ev)
{
	if (!x->n)
		return;
	nhrp_event(x->n, x->w->now, ev, &x->q);
	drain(x);
}

void
node_start(struct node *x)
{
	struct nhrp_event ev = { .kind = NHRP_EV_NBMA, .nbma = x->nbma };

	x->n = nhrp_new(&x->conf, &x->w->t.env);
	ck_assert(x->n != NULL);
	ck_assert(outq_init(&x->q, &x->w->own, sizeof(struct nhrp_act), NHRP_OUT_ITEMS, NHRP_OUT_OCTETS));
	node_event(x, &ev);
	ev.kind = NHRP_EV_ROUTES_READY;
	node_event(x, &ev);
}

void
node_stop(struct node *x)
{
	if (!x->n)
		return;
	nhrp_free(x->n);
	x->n = NULL;
	outq_fini(&x->q, &x->w->own);
	x->n_want = x->n_neigh = x->n_route = 0;
	memset(x->peer_of, 0, sizeof(x->peer_of));
}

void
node_reconf(struct node *x)
{
	struct outq usual = x->q;

	ck_assert(outq_init(&x->q, &x->w->own, sizeof(struct nhrp_act), NHRP_RECONF_ITEMS, NHRP_RECONF_OCTETS));
	nhrp_reconf(x->n, x->w->now, &x->conf, &x->q);
	ck_assert_uint_eq(x->q.turned_away, 0);
	drain(x);
	outq_fini(&x->q, &x->w->own);
	x->q = usual;
}

/* The others still think that the SAs live. */
void
node_restart(struct node *x)
{
	node_stop(x);
	node_start(x);
}

void
node_route(struct node *x, const char *prefix, enum nhrp_route_kind kind, const char *via)
{
	struct nhrp_event ev = { .kind = NHRP_EV_ROUTE, .prefix = P(prefix), .route = kind };

	if (via)
		ev.via = A(via);
	node_event(x, &ev);
}

void
node_route_gone(struct node *x, const char *prefix)
{
	struct nhrp_event ev = { .kind = NHRP_EV_ROUTE_GONE, .prefix = P(prefix) };

	node_event(x, &ev);
}

void
node_traffic(struct node *x, const char *src, const char *dst)
{
	struct nhrp_event ev = { .kind = NHRP_EV_UNRESOLVED, .dst = A(dst) };

	if (src)
		ev.src = A(src);
	node_event(x, &ev);
}

void
node_redirect(struct node *hub, struct node *from, struct node *to, const char *src, const char *dst)
{
	struct nhrp_event ev = { .kind = NHRP_EV_REDIRECT, .peer = hub->peer_of[from->index], .out_peer = hub->peer_of[to->index] };
	struct addr s = A(src), d = A(dst);
	uint8_t ip[84] = { 0 };

	ip[0] = s.n == 4 ? 0x45 : 0x60;
	memcpy(ip + (s.n == 4 ? 12 : 8), s.b, s.n);
	memcpy(ip + (s.n == 4 ? 16 : 24), d.b, d.n);
	ev.packet = span_of(ip, sizeof(ip));
	node_event(hub, &ev);
}

/* ---- time */

static void
addrs(struct world *w, const struct w_event *e)
{
	struct node *x = &w->node[e->from];
	struct addr a;
	struct nhrp_event ev = { .kind = NHRP_EV_NHS_ADDRS, .nhs = e->nhs, .addrs = &a, .reason = "no such name" };

	ev.n_addrs = !x->name_fails && addr_parse((const char *)e->packet, &a);
	node_event(x, &ev);
}

static void
deliver(struct world *w, const struct w_event *e)
{
	struct node *x = &w->node[e->from], *y = e->to >= 0 ? &w->node[e->to] : NULL;
	struct nhrp_event ev = { .kind = NHRP_EV_RESULT, .cookie = e->cookie, .ok = e->ok };
	struct nhrp_rx rx = { .packet = span_of(e->packet, e->n) };
	bool inside;

	switch (e->kind) {
	case W_PACKET:
		rx.peer = y->peer_of[x->index];
		inside = !addr_eq(&x->nbma, &x->public) && addr_eq(&x->public, &y->public);
		rx.remote.addr = inside ? x->nbma : x->public;
		rx.remote.port = 4500;
		if (y->n && rx.peer) {
			nhrp_rx(y->n, w->now, &rx, &y->q);
			drain(y);
		}
		break;
	case W_DIALED:
		dialed(w, e);
		break;
	case W_RESULT:
		node_event(x, &ev);
		break;
	case W_DOWN:
		if (y->peer_of[x->index] == e->cookie)
			peer_down(y, x);
		break;
	case W_ADDRS:
		addrs(w, e);
		break;
	}
}

static tick_t
next_time(const struct world *w, int *which)
{
	tick_t at = TICK_NEVER;

	*which = -1;
	for (unsigned i = 0; i < w->n_ev; i++) {
		if (w->ev[i]->at < at) {
			at = w->ev[i]->at;
			*which = (int)i;
		}
	}
	for (unsigned i = 0; i < w->n; i++) {
		tick_t d = w->node[i].n ? nhrp_deadline(w->node[i].n) : TICK_NEVER;

		if (d < at) {
			at = d;
			*which = -2 - (int)i;
		}
	}
	return at;
}

void
world_run(struct world *w, tick_t for_)
{
	tick_t end = w->now + for_, at;
	unsigned turns = 0;
	int which;

	while ((at = next_time(w, &which)) <= end) {
		w->now = at > w->now ? at : w->now;
		ck_assert_msg(++turns < 1000000, "the world does not come to rest");
		if (which <= -2) {
			struct node *x = &w->node[-2 - which];

			nhrp_tick(x->n, w->now, &x->q);
			drain(x);
		} else {
			struct w_event *e = w->ev[which];

			memmove(&w->ev[which], &w->ev[which + 1], sizeof(w->ev[0]) * (--w->n_ev - (unsigned)which));
			deliver(w, e);
			free(e);
		}
	}
	w->now = end;
}

/* ---- looking */

struct w_neigh *
node_neigh(struct node *x, const char *proto)
{
	struct addr a = { 0 };

	if (*proto)
		a = A(proto);
	for (unsigned i = 0; i < x->n_neigh; i++) {
		if (addr_eq(&x->neigh[i].proto, &a))
			return &x->neigh[i];
	}
	return NULL;
}

struct w_route *
node_rt(struct node *x, const char *prefix)
{
	struct prefix p = P(prefix);

	for (unsigned i = 0; i < x->n_route; i++) {
		if (prefix_eq(&x->route[i].prefix, &p))
			return &x->route[i];
	}
	return NULL;
}

static bool
one_nhs(void *ctx, const struct nhrp_nhs_info *i)
{
	const char **out = ctx;

	if (out[0] == NULL && i->index == (uint32_t)(uintptr_t)out[1])
		out[0] = i->state;
	return true;
}

const char *
node_nhs_state(struct node *x, unsigned i)
{
	const char *out[2] = { NULL, (const char *)(uintptr_t)i };

	nhrp_visit_nhs(x->n, one_nhs, out);
	return out[0] ? out[0] : "";
}

struct sc_find {
	struct addr dst;
	struct nhrp_shortcut_info info;
	unsigned n;
};

static bool
one_shortcut(void *ctx, const struct nhrp_shortcut_info *i)
{
	struct sc_find *f = ctx;

	f->n++;
	if (f->dst.n && (addr_eq(&i->dst, &f->dst) || prefix_has(&i->prefix, &f->dst)))
		f->info = *i;
	return true;
}

struct nhrp_shortcut_info
node_shortcut(struct node *x, const char *dst)
{
	struct sc_find f = { .dst = A(dst), .info = { .state = "", .reason = "" } };

	nhrp_visit_shortcut(x->n, one_shortcut, &f);
	return f.info;
}

unsigned
node_shortcuts(struct node *x)
{
	struct sc_find f = { .n = 0 };

	nhrp_visit_shortcut(x->n, one_shortcut, &f);
	return f.n;
}

static bool
one_entry(void *ctx, const struct nhrp_cache_info *i)
{
	*(struct nhrp_cache_info *)ctx = *i;
	return false;
}

struct nhrp_cache_info
node_cache(struct node *x, const char *proto)
{
	struct nhrp_cache_info i = { .type = NHRP_CT_NONE, .identity = "", .reason = "" };
	struct addr a = A(proto);
	struct prefix p = prefix_host(&a);

	nhrp_visit_cache(x->n, &p, one_entry, &i);
	return i;
}

/* ---- the usual three */

void
trio_conf(struct world *w, const char *a_public, const char *b_public)
{
	struct node *a, *b;

	world_init(w);
	world_node(w, "10.255.0.1/24", "192.0.2.1", NULL);
	a = world_node(w, "10.255.0.2/24", a_public ? "192.168.1.2" : "198.51.100.2", a_public);
	b = world_node(w, "10.255.0.3/24", b_public ? "192.168.1.3" : "198.51.100.3", b_public);
	w->node[0].conf.redirect = w->node[0].conf.mcast_dynamic = true;
	a->conf.shortcut = b->conf.shortcut = true;
	node_nhs(a, NULL, "192.0.2.1", 0);
	node_nhs(b, NULL, "192.0.2.1", 0);
}

static void
networks(struct node *hub, struct node *spoke, const char *lan, const char *via_spoke)
{
	node_route(spoke, lan, NHRP_RT_OUT, NULL);
	node_route(spoke, "10.0.0.0/8", NHRP_RT_NBMA, "10.255.0.1");
	node_route(spoke, "10.255.0.0/24", NHRP_RT_NBMA, NULL);
	node_route(spoke, "0.0.0.0/0", NHRP_RT_OUT, "198.51.100.254");
	node_route(hub, lan, NHRP_RT_NBMA, via_spoke);
}

void
trio_start(struct world *w)
{
	for (unsigned i = 0; i < w->n; i++)
		node_start(&w->node[i]);
	node_route(&w->node[0], "10.255.0.0/24", NHRP_RT_NBMA, NULL);
	networks(&w->node[0], &w->node[1], "10.2.0.0/24", "10.255.0.2");
	networks(&w->node[0], &w->node[2], "10.3.0.0/24", "10.255.0.3");
	world_run(w, TICK_S(2));
}

void
trio(struct world *w, const char *a_public, const char *b_public)
{
	trio_conf(w, a_public, b_public);
	trio_start(w);
}
