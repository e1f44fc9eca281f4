/* nhrpd/engine/purge.c: purges (RFC 2332 5.2.5, 5.2.6), and the memory of who was told what.
 *
 * A client may purge what it registered, an NHS of ours anything, a responder what it answered. Every prefix we answered for
 * keeps its requesters; when the route behind the answer changes they are sent a purge, retransmitted ever more slowly until it is
 * acknowledged or the holding time they were given ends (FRR never acknowledges). A requester may be out of reach for a while, and
 * would go on sending here what it was told. */
#include "nhrpd/engine/nhrp_priv.h"

enum { PURGE_BACKOFF = 5 /* 1, 2, 4 ... 32 s */, WIDEST_V4 = 8, WIDEST_V6 = 16 };

/* ---- purges that come in */

struct purge_walk {
	struct nhrp *n;
	const struct rx *rx;
	struct prefix what;
	bool trusted;	/* made by an NHS of ours, not passed on by it */
	bool passed_on;	/* by who stands between us and its source; else whose SA it came over counts */
	unsigned hits;
};

static void
purge_shortcut(void *ctx, const struct prefix *p, void *val)
{
	struct purge_walk *w = ctx;
	struct shortcut *s = val;

	(void)p;
	if (!s->binding || !(w->trusted || addr_eq(&s->binding->proto, &w->rx->p->src_proto)))
		return;
	if (!w->trusted && !w->passed_on && !(s->binding->peer && (s->binding->peer == w->rx->peer || peer_same_identity(s->binding->peer, w->rx->peer))))
		return;	/* in another's name */
	w->hits++;
	shortcut_later(w->n, s, SC_EV_PURGED, "purged by the responder");
}

static void
purge_wider_shortcut(void *ctx, const struct prefix *p, void *val)
{
	struct purge_walk *w = ctx;

	if (p->bits < w->what.bits)
		purge_shortcut(ctx, p, val);
}

/* A registration goes with the word of who made it; a cached one with that of an NHS or of its owner. */
static void
purge_binding(struct nhrp *n, const struct purge_walk *w)
{
	struct binding *b = w->what.bits == addr_bits(&w->what.addr) ? binding_find(n, &w->what.addr) : NULL;
	const struct peer *from = w->rx->peer;
	bool owner;

	if (!b || b->type > NHRP_CT_DYNAMIC)
		return;
	owner = b->peer && (b->peer == from || peer_same_identity(b->peer, from));
	if (b->type == NHRP_CT_DYNAMIC && owner) {
		binding_forget(n, b);
	} else if (b->type <= NHRP_CT_CACHED && (owner || w->trusted)) {
		LIST_EACH(it, nx, &b->shortcuts) {
			shortcut_later(n, container_of(it, struct shortcut, by_binding), SC_EV_PURGED, "purged by its owner");
		}
	}
}

static void
purge_one(struct nhrp *n, const struct rx *rx, const struct nhrp_cie *cie)
{
	struct purge_walk w = { .n = n, .rx = rx, .trusted = peer_is_nhs(n, rx->peer) && ext_empty(rx->p, NHRP_EXT_FORWARD),
		.passed_on = peer_is_nhs(n, rx->peer) || next_hop(n, &rx->p->src_proto, NULL) == rx->peer };

	if (!cie->proto.n)
		return;
	w.what = prefix_of(&cie->proto, cie_bits(cie, &cie->proto));
	if (w.what.bits < (cie->proto.n == 4 ? WIDEST_V4 : WIDEST_V6))
		return;	/* nobody answered for that much */
	purge_binding(n, &w);
	trie_within(&n->shortcuts, &w.what, purge_shortcut, &w);
	trie_above(&n->shortcuts, &w.what.addr, purge_wider_shortcut, &w);
}

static enum nhrp_drop
acknowledge(struct nhrp *n, const struct rx *rx)
{
	struct tx t;

	if (rx->p->flags & NHRP_FLAG_NO_REPLY)
		return NHRP_OK;
	tx_copy(&t, rx->p);
	t.p.type = NHRP_PURGE_REPLY;
	t.p.hops = HOPS_OUT;
	reply_exts(n, &t, rx->p, NULL, 0);
	return tx_send(n, &t, rx->peer) ? NHRP_OK : NHRP_DROP_TOO_BIG;
}

enum nhrp_drop
purge_request(struct nhrp *n, const struct rx *rx)
{
	const struct nhrp_packet *p = rx->p;
	char text[ADDR_STRLEN];

	if (!own_has(n, &p->dst_proto) && !addr_eq(&p->dst_proto, &p->src_proto))
		return forward_to_dst(n, rx);
	if (ext_unknown_compulsory(p)) {
		error_send(n, rx, NHRP_ERR_EXTENSION, 0);
		return NHRP_DROP_COMPULSORY;
	}
	for (unsigned i = 0; i < p->n_cie && room(n); i++)
		NHRP_DEBUG(n, "purge", "peer %u (%.*s) takes back %s/%u", (unsigned)rx->peer->id, (int)rx->peer->identity_len, rx->peer->identity,
		    addr_fmt(&p->cie[i].proto, text), p->cie[i].prefix_len);
	for (unsigned i = 0; i < p->n_cie && room(n); i++)
		purge_one(n, rx, &p->cie[i]);
	return acknowledge(n, rx);
}

/* ---- purges that go out */

bool
purge_send(struct nhrp *n, struct peer *to, uint32_t id, const struct addr *src, const struct addr *dst, const struct prefix *what)
{
	struct tx t;

	tx_init(n, &t, to, NHRP_PURGE_REQUEST, src, dst->n ? dst : src);
	t.p.flags = id ? 0 : NHRP_FLAG_NO_REPLY;
	t.p.request_id = id ? id : ++n->next_id;
	t.p.cie[t.p.n_cie++] = (struct nhrp_cie){ .prefix_len = what->bits, .proto = what->addr };
	tx_ext(&t, NHRP_EXT_FORWARD, true, SPAN_STR(""));
	tx_ext(&t, NHRP_EXT_REVERSE, true, SPAN_STR(""));
	return tx_send(n, &t, to);
}

static void
told_free(struct nhrp *n, struct told *t)
{
	struct answered *in = t->in;

	handle_close(n, &t->purge);
	timer_disarm(&n->timers, &t->timer);
	list_remove(&t->link);
	env_free(&n->env, t);
	n->n_told--;
	if (--in->n)
		return;
	trie_del(&n->answered, &in->prefix);
	env_free(&n->env, in);
	n->n_answered--;
}

static struct answered *
answered_get(struct nhrp *n, const struct prefix *p)
{
	struct answered *in = trie_get(&n->answered, p);

	if (in)
		return in;
	in = n->n_answered < ANSWERED_MAX ? env_alloc(&n->env, sizeof(*in)) : NULL;
	if (!in)
		return NULL;
	in->prefix = *p;
	list_init(&in->told);
	if (!trie_set(&n->answered, p, in)) {
		env_free(&n->env, in);
		return NULL;
	}
	n->n_answered++;
	return in;
}

/* Without room for one more the oldest is forgotten; it will find out when its holding time ends. */
void
told_add(struct nhrp *n, const struct prefix *p, const struct addr *requester, uint16_t hold_s)
{
	struct answered *in = answered_get(n, p);
	struct told *t = NULL;

	if (!in) {
		drop(n, NHRP_DROP_MEMORY);
		return;
	}
	LIST_EACH(it, nx, &in->told) {
		if (addr_eq(&container_of(it, struct told, link)->requester, requester))
			t = container_of(it, struct told, link);
	}
	if (!t) {
		t = n->n_told < TOLD_MAX ? env_alloc(&n->env, sizeof(*t)) : NULL;
		if (!t) {
			drop(n, NHRP_DROP_MEMORY);
			if (list_empty(&in->told)) {
				trie_del(&n->answered, &in->prefix);
				env_free(&n->env, in);
				n->n_answered--;
			}
			return;
		}
		t->in = in;
		t->requester = *requester;
		t->timer.kind = T_TOLD;
		list_append(&in->told, &t->link);
		n->n_told++;
		if (++in->n > TOLD_PER_PREFIX)
			told_free(n, container_of(in->told.next, struct told, link));
	}
	t->expires = n->now + TICK_S(hold_s);
	t->anew = t->purging;	/* what is being taken back is an older answer */
	if (!t->purging)
		arm(n, &t->timer, t->expires);
}

/* The purge has done its work. What was answered since it began still holds. */
static void
told_purged(struct nhrp *n, struct told *t)
{
	if (!t->anew) {
		told_free(n, t);
		return;
	}
	handle_close(n, &t->purge);
	t->purging = t->anew = false;
	arm(n, &t->timer, t->expires);
}

void
told_timer(struct nhrp *n, struct told *t)
{
	const struct binding *b = binding_find(n, &t->requester);
	struct peer *to = b && b->peer ? b->peer : next_hop(n, &t->requester, NULL);
	const struct prefix *own = own_prefix(n, t->requester.n);

	if (n->now >= t->expires || !own) {
		told_free(n, t);
		return;
	}
	if (!t->purge.id)
		handle_open(n, &t->purge, H_PURGE);
	if (to)
		purge_send(n, to, t->purge.id, &own->addr, &t->requester, &t->in->prefix);
	arm(n, &t->timer, tick_min(n->now + jitter(n, TICK_S(1u << t->tries)), t->expires));
	if (t->tries < PURGE_BACKOFF)
		t->tries++;
}

enum nhrp_drop
purge_reply(struct nhrp *n, const struct rx *rx)
{
	struct handle *h = handle_find(n, rx->p->request_id);
	struct told *t = h && h->kind == H_PURGE ? container_of(h, struct told, purge) : NULL;

	if (!t || !addr_eq(&t->requester, &rx->p->dst_proto))
		return NHRP_DROP_UNSOLICITED;
	told_purged(n, t);
	return NHRP_OK;
}

/* The purges themselves go out with the next tick, as far as its room goes. */
static unsigned
purge_told(struct nhrp *n, struct answered *in)
{
	unsigned told = 0;

	LIST_EACH(it, nx, &in->told) {
		struct told *t = container_of(it, struct told, link);

		if (t->purging && !t->anew)
			continue;
		handle_close(n, &t->purge);	/* an acknowledgement under way is of the purge before */
		t->purging = true;
		t->anew = false;
		t->tries = 0;
		arm(n, &t->timer, n->now);
		told++;
	}
	return told;
}

/* Still the answer we would give today? */
static bool
still_true(const struct nhrp *n, const struct answered *in)
{
	struct prefix matched, widest;
	const struct route *r = route_find(n, &in->prefix.addr, &matched);

	if (own_has(n, &in->prefix.addr) && in->prefix.bits == addr_bits(&in->prefix.addr))
		return true;
	if (r && r->kind == NHRP_RT_OUT && matched.bits > 0 && trie_widest(&n->routes, &in->prefix.addr, &widest))
		return widest.bits <= in->prefix.bits;
	return in->prefix.bits == addr_bits(&in->prefix.addr) && route_local(n, &in->prefix.addr);
}

static void
recheck(void *ctx, const struct prefix *p, void *val)
{
	struct nhrp *n = ctx;

	(void)p;
	n->route_work.looked_at++;
	if (!still_true(n, val))
		n->route_work.purged += purge_told(n, val);
}

struct told_change {
	struct nhrp *n;
	struct prefix p;
};

static void
recheck_above(void *ctx, const struct prefix *p, void *val)
{
	struct told_change *c = ctx;

	if (p->bits < c->p.bits)
		recheck(c->n, p, val);
}

void
told_route_change(struct nhrp *n, const struct prefix *p)
{
	trie_above(&n->answered, &p->addr, recheck_above, &(struct told_change){ n, *p });
	trie_within(&n->answered, p, recheck, n);
}

static void
purge_any(void *ctx, const struct prefix *p, void *val)
{
	(void)p;
	purge_told(ctx, val);
}

static const struct prefix everything[2] = { { .addr = { .n = 4 } }, { .addr = { .n = 16 } } };

/* now: as many as fit at once, because there may be no later. */
void
told_purge_all(struct nhrp *n, bool now)
{
	struct timer *t;

	for (unsigned i = 0; i < 2; i++)
		trie_within(&n->answered, &everything[i], purge_any, n);
	while (now && room(n) && timers_next(&n->timers) <= n->now && (t = timers_due(&n->timers, n->now))) {
		if (t->kind == T_TOLD)
			told_timer(n, container_of(t, struct told, timer));
		else
			arm(n, t, n->now + 1);	/* not ours to swallow */
	}
}

void
told_purge_host(struct nhrp *n, const struct addr *proto)
{
	struct prefix host = prefix_host(proto);
	struct answered *in = trie_get(&n->answered, &host);

	if (in)
		purge_told(n, in);
}

static void
free_told(void *ctx, const struct prefix *p, void *val)
{
	struct nhrp *n = ctx;
	struct answered *in = val;

	(void)p;
	LIST_EACH(it, nx, &in->told) {
		env_free(&n->env, container_of(it, struct told, link));
	}
	env_free(&n->env, in);
}

void
told_fini(struct nhrp *n)
{
	for (unsigned i = 0; i < 2; i++)
		trie_within(&n->answered, &everything[i], free_told, n);
	trie_fini(&n->answered);
}
