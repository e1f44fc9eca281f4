/* nhrpd/core/peer.c: peers by identity, their IKE SAs and SA pairs. */
#include <stdio.h>

#include "nhrpd/core/core_priv.h"

/* ---- tables */

static bool
spi_eq(const struct map_node *node, const void *key)
{
	return container_of(node, struct core_child, by_spi)->spi_in == *(const uint32_t *)key;
}

static bool
sa_eq(const struct map_node *node, const void *key)
{
	return container_of(node, struct core_ike, by_sa)->sa == *(const uint32_t *)key;
}

struct identity_key {
	uint32_t tunnel;
	const char *text;
};

static bool
identity_eq(const struct map_node *node, const void *key)
{
	const struct core_peer *p = container_of(node, struct core_peer, by_identity);
	const struct identity_key *k = key;

	return p->tunnel == k->tunnel && strcmp(p->identity, k->text) == 0;
}

struct core_peer *
core_peer(const struct core *c, uint32_t id)
{
	return id < c->peer_cap ? c->peer[id] : NULL;
}

struct core_child *
core_child(const struct core *c, uint32_t spi_in)
{
	struct map_node *n = map_find(&c->spis, map_hash(&c->spis, &spi_in, sizeof(spi_in)), spi_eq, &spi_in);

	return n ? container_of(n, struct core_child, by_spi) : NULL;
}

struct core_ike *
core_ike_sa(const struct core *c, uint32_t sa)
{
	struct map_node *n = map_find(&c->sas, map_hash(&c->sas, &sa, sizeof(sa)), sa_eq, &sa);

	return n ? container_of(n, struct core_ike, by_sa) : NULL;
}

/* ---- peers */

/* Room for more ids: the array doubles. */
static bool
grow_peers(struct core *c)
{
	uint32_t cap = c->peer_cap ? c->peer_cap * 2 : 64;
	struct core_peer **p;

	if (cap > c->peers_max + 1)
		cap = c->peers_max + 1;
	if (cap <= c->peer_cap || !(p = env_alloc(c->mem, sizeof(*p) * cap)))
		return false;
	if (c->peer)
		memcpy(p, c->peer, sizeof(*p) * c->peer_cap);
	env_free(c->mem, c->peer);
	c->peer = p;
	c->peer_cap = cap;
	return true;
}

/* The lowest that is neither a peer's nor, in the data plane, one of an earlier life. 0: none. */
static uint32_t
free_id(struct core *c)
{
	for (uint32_t id = c->peer_free;; id++) {
		if (id >= c->peer_cap && !grow_peers(c))
			return 0;
		if (!c->peer[id] && (!c->env.kept_peer || !c->env.kept_peer(c->mem->ctx, id)))
			return id;
	}
}

static struct core_peer *
peer_new(struct core *c, uint32_t tunnel, const char *identity, uint64_t hash)
{
	uint32_t id = free_id(c);
	struct core_peer *p = id ? env_alloc(c->mem, sizeof(*p)) : NULL;

	if (!p)
		return NULL;
	p->id = id;
	p->tunnel = tunnel;
	memcpy(p->identity, identity, sizeof(p->identity));
	c->peer[p->id] = p;
	map_add(&c->identities, &p->by_identity, hash);
	while (c->peer_free < c->peer_cap && c->peer[c->peer_free])
		c->peer_free++;
	return p;
}

static void
peer_free(struct core *c, struct core_peer *p)
{
	timer_disarm(&c->timers, &p->idle);
	map_del(&c->identities, &p->by_identity);
	c->peer[p->id] = NULL;
	if (p->id < c->peer_free)
		c->peer_free = p->id;
	while (p->dials)
		core_dial_serve(p->dials, NULL);
	env_free(c->mem, p->cert);
	env_free(c->mem, p);
}

/* Text of the identity, in lower case where case does not matter: the key of a peer. */
static void
identity_text(const struct ike_id *id, char out[static NHRP_IDENTITY_MAX])
{
	memset(out, 0, NHRP_IDENTITY_MAX);
	ike_id_fmt(id, out, NHRP_IDENTITY_MAX);
	for (char *s = out; *s && (id->type == IKE_ID_FQDN || id->type == IKE_ID_EMAIL); s++) {
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s + 'a' - 'A');
	}
}

struct core_peer *
core_peer_get(struct core *c, uint32_t tunnel, const struct ike_id *id)
{
	char text[NHRP_IDENTITY_MAX];
	struct identity_key k = { tunnel, text };
	struct map_node *n;
	uint64_t hash;

	identity_text(id, text);
	hash = map_hash(&c->identities, text, strlen(text)) + tunnel;
	n = map_find(&c->identities, hash, identity_eq, &k);
	return n ? container_of(n, struct core_peer, by_identity) : peer_new(c, tunnel, text, hash);
}

void
core_peer_up(struct core *c, struct core_peer *p)
{
	struct core_tunnel *t = core_tunnel(c, p->tunnel);
	struct claims may;
	struct nhrp_event e = { .kind = NHRP_EV_PEER_UP, .peer = p->id, .remote = p->remote, .natted = p->natted_remote,
		.identity = span_of(p->identity, t->dp.bare ? 0 : strlen(p->identity)), .may = &may };
	char text[ENDPOINT_STRLEN];

	p->up = true;
	p->since = c->now;
	p->tx_seen = 0;
	core_idle_watch(c, p);
	core_authority(c, p, &may);
	if (t->dp.bare)
		log_of(c->log, c->now, p->identity, LOG_LV_NOTICE, "peer-unprotected", "%s peer %u at %s, in clear", t->dp.name, p->id, addr_fmt(&p->remote.addr, text));
	else
		log_of(c->log, c->now, p->identity, LOG_LV_NOTICE, "peer-secured", "%s peer %u (%s) at %s%s", t->dp.name, p->id, p->identity,
		    endpoint_fmt(&p->remote, text), p->natted_remote ? " behind NAT" : "");
	core_tell_nhrp(c, t, &e);
	for (struct core_dial *d = p->dials; d; d = d->next_of_peer)
		core_dial_up(c, d, p);
}

/* NHRP withdraws routes and neighbours; its actions go out before the SA's deletion. */
void
core_peer_down(struct core *c, struct core_peer *p, const char *reason)
{
	struct core_tunnel *t = core_tunnel(c, p->tunnel);
	struct nhrp_event e = { .kind = NHRP_EV_PEER_DOWN, .peer = p->id, .reason = reason };

	if (!p->up)
		return;
	p->up = false;
	p->since = c->now;
	CORE_TRACE(c, p->tunnel, .attempt = p->attempt, .step = TRACE_DOWN, .peer = p->id, .reason = reason);
	timer_disarm(&c->timers, &p->idle);
	for (struct core_dial *d = p->dials; d; d = d->next_of_peer)
		d->since = c->now;
	log_of(c->log, c->now, p->identity, LOG_LV_NOTICE, "peer-lost", "%s peer %u (%s): %s", t->dp.name, p->id, p->identity, reason);
	core_tell_nhrp(c, t, &e);
	core_pump_nhrp(c, t);
}

void
core_peer_maybe_free(struct core *c, struct core_peer *p)
{
	if (!p->ikes && !p->children)
		peer_free(c, p);
}

void
core_peer_close(struct core *c, struct core_peer *p, const char *why)
{
	if (c->tunnel[p->tunnel - 1].dp.bare) {
		core_bare_close(c, p, why);
		return;
	}
	for (struct core_ike *k = p->ikes; k; k = k->next) {
		struct ike_event e = { .kind = IKE_EV_CLOSE, .sa = k->sa, .text = why };

		core_tell_ike(c, &e);
	}
}

void
core_peer_rekey(struct core *c, struct core_peer *p, bool ike)
{
	for (struct core_ike *k = ike ? p->ikes : NULL; k; k = k->next) {
		struct ike_event e = { .kind = IKE_EV_REKEY, .sa = k->sa };

		core_tell_ike(c, &e);
	}
	for (struct core_child *x = ike ? NULL : p->children; x; x = x->next) {
		struct ike_event e = { .kind = IKE_EV_SA_SOFT, .spi_in = x->spi_in };

		if (x->active)
			core_tell_ike(c, &e);
	}
}

void
core_peer_drop(struct core *c, struct core_peer *p)
{
	uint32_t id = p->id;
	struct core_ike *k;

	while ((k = p->ikes)) {
		p->ikes = k->next;
		map_del(&c->sas, &k->by_sa);
		env_free(c->mem, k);
	}
	while (core_peer(c, id) && p->children)	/* the last one takes the peer along */
		core_child_del(c, p->children->spi_in);
	if (core_peer(c, id))
		peer_free(c, p);
}

void
core_peers_fini(struct core *c)
{
	for (uint32_t id = 1; id < c->peer_cap; id++) {
		struct core_peer *p = c->peer[id];
		struct core_child *ch;
		struct core_ike *k;

		if (!p)
			continue;
		while ((ch = p->children)) {
			p->children = ch->next;
			env_free(c->mem, ch);
		}
		while ((k = p->ikes)) {
			p->ikes = k->next;
			env_free(c->mem, k);
		}
		env_free(c->mem, p->cert);
		env_free(c->mem, p);
	}
	env_free(c->mem, c->peer);
	c->peer = NULL;
	c->peer_cap = 0;
}

/* ---- IKE SAs */

/* An incoming SA belongs to the tunnel of its profile; where several share one, to that with the local address. */
static struct core_tunnel *
tunnel_of(struct core *c, const struct ike_act *a)
{
	struct core_dial *d = a->dial ? core_dial(c, a->dial) : NULL;
	struct core_tunnel *found = NULL;

	if (d)
		return core_tunnel(c, d->tunnel);
	for (unsigned i = 0; i < c->n_tunnel; i++) {
		struct core_tunnel *t = &c->tunnel[i];

		if (!core_used(t) || t->leaving || t->dp.bare || t->conf->profile != a->profile)
			continue;
		if (addr_eq(&t->dp.source, &a->local.addr))
			return t;
		found = found ? found : t;
	}
	return found;
}

static void
take_addresses(struct core_peer *p, const struct ike_act *a)
{
	p->local = a->local;
	p->remote = a->remote;
	p->natted_local = a->natted_local;
	p->natted_remote = a->natted_remote;
}

void
core_ike_up(struct core *c, const struct ike_act *a)
{
	struct core_tunnel *t = tunnel_of(c, a);
	struct core_peer *p = t ? core_peer_get(c, (uint32_t)(t - c->tunnel) + 1, a->peer_id) : NULL;
	struct core_ike *k = p ? env_alloc(c->mem, sizeof(*k)) : NULL;
	struct core_dial *d = a->dial ? core_dial(c, a->dial) : NULL;

	if (!k) {
		struct ike_event e = { .kind = IKE_EV_CLOSE, .sa = a->sa, .text = t ? "out of memory" : "no tunnel for this profile" };

		if (p)
			core_peer_maybe_free(c, p);
		core_tell_ike(c, &e);
		return;
	}
	k->sa = a->sa;
	k->dial = a->dial;
	k->peer = p;
	k->next = p->ikes;
	p->ikes = k;
	map_add(&c->sas, &k->by_sa, map_hash(&c->sas, &k->sa, sizeof(k->sa)));
	take_addresses(p, a);
	if (a->cert_lost || !core_authority_take(c, p, a)) {	/* never somebody who may claim more than he should */
		struct ike_event e = { .kind = IKE_EV_CLOSE, .sa = a->sa, .text = "out of memory" };

		core_tell_ike(c, &e);
	}
	if (!p->up)
		p->since = c->now;
	if (d)
		CORE_TRACE(c, p->tunnel, .attempt = core_attempt_of_dial(c, d), .step = TRACE_IKE_UP, .peer = p->id, .nbma = &p->remote.addr, .n = a->sa);
	else
		core_trace_incoming(c, p, a);
	if (d && !p->up)
		p->attempt = d->attempt;
	k->attempt = d ? d->attempt : p->attempt;
	if (d) {
		core_dial_serve(d, p);
		d->again = false;
		d->reason = "";
		if (p->up)
			core_dial_up(c, d, p);
	}
}

void
core_ike_moved(struct core *c, const struct ike_act *a)
{
	struct core_ike *k = core_ike_sa(c, a->sa);
	struct nhrp_event e = { .kind = NHRP_EV_PEER_MOVED, .remote = a->remote };
	char text[ENDPOINT_STRLEN];
	bool ours;	/* it is we who moved */

	if (!k)
		return;
	ours = a->local.addr.n && k->peer->local.addr.n && !addr_eq(&a->local.addr, &k->peer->local.addr) && addr_eq(&a->remote.addr, &k->peer->remote.addr);
	k->peer->remote = a->remote;
	if (a->local.addr.n)
		k->peer->local = a->local;
	e.peer = k->peer->id;
	CORE_TRACE(c, k->peer->tunnel, .attempt = k->peer->attempt, .step = TRACE_MOVED, .nbma = &a->remote.addr);
	log_of(c->log, c->now, k->peer->identity, LOG_LV_INFO, "peer-moved", "%s peer %u (%s) %s %s", core_tunnel(c, k->peer->tunnel)->dp.name, k->peer->id,
	    k->peer->identity, ours ? "has followed us to" : "is now at", endpoint_fmt(ours ? &a->local : &a->remote, text));
	if (k->peer->up)
		core_tell_nhrp(c, core_tunnel(c, k->peer->tunnel), &e);
}

void
core_ike_rekeyed(struct core *c, const struct ike_act *a)
{
	struct core_ike *k = core_ike_sa(c, a->sa);

	if (!k)
		return;
	for (struct core_child *ch = k->peer->children; ch; ch = ch->next) {
		if (ch->sa == a->sa)
			ch->sa = a->other;
	}
	CORE_TRACE(c, k->peer->tunnel, .attempt = k->attempt, .step = TRACE_IKE_REKEYED, .n = a->other);
	map_del(&c->sas, &k->by_sa);
	k->sa = a->other;
	map_add(&c->sas, &k->by_sa, map_hash(&c->sas, &k->sa, sizeof(k->sa)));
}

static void
make_active(struct core *c, struct core_child *ch)
{
	struct core_act *a;

	if (ch->active)
		return;
	for (struct core_child *o = ch->peer->children; o; o = o->next)
		o->active = o->active && o->set != ch->set;
	ch->active = true;
	if ((a = core_act(c, CORE_ACT_SA_ACTIVATE, ch->peer->tunnel)))
		a->spi_in = ch->spi_in;
}

/* The newest pair that may be sent on, for what a set of selectors says. */
static struct core_child *
best_child(const struct core_peer *p, uint32_t set)
{
	for (struct core_child *ch = p->children; ch; ch = ch->next) {
		if (!ch->lingering && ch->set == set)
			return ch;
	}
	return NULL;
}

static bool
all_linger(const struct core_peer *p)
{
	const struct core_child *ch = p->children;

	while (ch && ch->lingering)
		ch = ch->next;
	return !ch;
}

/* On one that lingers, at least: its other end was restarted, and has it still. */
static bool
sends_on(const struct core_peer *p)
{
	const struct core_child *ch = p->children;

	while (ch && !ch->active)
		ch = ch->next;
	return ch;
}

static void
retire(struct core *c, struct core_child *ch)
{
	struct core_child *other;

	ch->lingering = true;
	other = best_child(ch->peer, ch->set);
	if (ch->active && other)
		make_active(c, other);
}

/* Children of an SA that went are gone too, should IKE not have said so; those of a duplicate only stop being sent on, because
 * the other end still does until it hears. A dial that lost as a duplicate is served by the SA that stays: same identity, same peer. */
void
core_ike_down(struct core *c, const struct ike_act *a)
{
	struct core_ike *k = core_ike_sa(c, a->sa), **at;
	struct core_peer *p;
	struct core_child *ch, *next;

	if (!k)
		return;
	p = k->peer;
	CORE_TRACE(c, p->tunnel, .attempt = k->attempt, .step = TRACE_IKE_DOWN, .n = a->sa, .reason = a->text && *a->text ? a->text : ike_down_word(a->down));
	for (at = &p->ikes; *at != k; at = &(*at)->next)
		;
	*at = k->next;
	map_del(&c->sas, &k->by_sa);
	env_free(c->mem, k);
	if (!p->ikes && !a->kept)
		core_peer_down(c, p, a->text && *a->text ? a->text : ike_down_word(a->down));
	if (!p->children) {
		core_peer_maybe_free(c, p);
		return;
	}
	p->restarted |= a->kept;
	for (ch = p->children; ch; ch = next) {	/* the last one may take the peer along */
		next = ch->next;
		if (ch->sa == a->sa && a->kept)
			ch->lingering = true;	/* sent on until there is another one; IKE says which of them go at once */
		else if (ch->sa == a->sa && a->down == IKE_DOWN_DUPLICATE && p->ikes)
			retire(c, ch);
		else if (ch->sa == a->sa)
			core_child_del(c, ch->spi_in);
	}
}

/* ---- SA pairs */

static void
refuse_child(struct core *c, uint32_t spi_in)
{
	struct ike_event e = { .kind = IKE_EV_CHILD_RESULT, .spi_in = spi_in, .ok = false };

	core_tell_ike(c, &e);
}

static bool
has_active(const struct core_peer *p, uint32_t set)
{
	for (const struct core_child *ch = p->children; ch; ch = ch->next) {
		if (ch->active && ch->set == set)
			return true;
	}
	return false;
}

struct core_act *
core_sa_add(struct core *c, struct core_peer *p, const struct dp_sa *from, bool active)
{
	struct dp_sa *sa = (struct dp_sa *)(void *)outq_octets(&c->out, sizeof(*sa));
	struct dp_selectors *sel = from->sel ? (struct dp_selectors *)(void *)outq_octets(&c->out, sizeof(*sel)) : NULL;
	struct core_act *a = sa && (sel || !from->sel) ? core_act(c, CORE_ACT_SA_ADD, p->tunnel) : NULL;

	if (!a)
		return NULL;
	*sa = *from;
	if (sel)
		*sel = *from->sel;
	sa->sel = sel;
	sa->tunnel = p->tunnel;
	sa->peer = p->id;
	sa->active = active;
	a->sa = sa;
	a->spi_in = sa->spi_in;
	return a;
}

void
core_child_link(struct core *c, struct core_child *ch)
{
	ch->next = ch->peer->children;
	ch->peer->children = ch;
	map_add(&c->spis, &ch->by_spi, map_hash(&c->spis, &ch->spi_in, sizeof(ch->spi_in)));
}

/* The first pair of a peer (for some selectors) is used at once, whoever made it: there is nothing else to send on. */
void
core_child_add(struct core *c, const struct ike_act *a)
{
	struct core_ike *k = core_ike_sa(c, a->sa);
	struct core_child *ch = k ? env_alloc(c->mem, sizeof(*ch)) : NULL;

	if (ch) {
		ch->peer = k->peer;
		ch->sa = a->sa;
		ch->spi_in = a->child->spi_in;
		ch->spi_out = a->child->spi_out;
		ch->encap = a->child->encap;
		ch->attempt = k->attempt;
		ch->set = a->child->sel ? a->child->sel->set : 0;
		ch->active = a->child->active || !has_active(k->peer, ch->set);
	}
	if (!ch || !core_sa_add(c, k->peer, a->child, ch->active)) {
		env_free(c->mem, ch);
		refuse_child(c, a->child->spi_in);
		return;
	}
	if (ch->active) {
		for (struct core_child *o = k->peer->children; o; o = o->next)
			o->active = o->active && o->set != ch->set;
	}
	CORE_TRACE(c, k->peer->tunnel, .attempt = ch->attempt, .step = TRACE_SA_ASKED, .n = ch->spi_in);
	core_child_link(c, ch);
}

void
core_child_result(struct core *c, uint32_t spi_in, bool ok, const char *reason)
{
	struct core_child *ch = core_child(c, spi_in);
	struct ike_event e = { .kind = IKE_EV_CHILD_RESULT, .spi_in = spi_in, .ok = ok };
	char who[NHRP_IDENTITY_MAX];
	uint32_t sa;
	bool bare = ch && c->tunnel[ch->peer->tunnel - 1].dp.bare;

	if (!ch)
		return;
	ch->installed = ok;
	CORE_TRACE(c, ch->peer->tunnel, .attempt = ch->attempt, .step = ok ? TRACE_SA_INSTALLED : TRACE_SA_REFUSED, .n = spi_in,
	    .reason = ok ? NULL : reason);
	if (ok) {
		ch->peer->refused[0] = '\0';
		if (!ch->peer->up)
			core_peer_up(c, ch->peer);
		else if (ch->peer->restarted)
			core_tell_nhrp(c, core_tunnel(c, ch->peer->tunnel), &(struct nhrp_event){ .kind = NHRP_EV_PEER_AGAIN, .peer = ch->peer->id });
		ch->peer->restarted = false;
		if (!bare)
			core_tell_ike(c, &e);
		return;
	}
	sa = ch->sa;
	snprintf(ch->peer->refused, sizeof(ch->peer->refused), "the data plane took no SA: %s", reason);
	memcpy(who, ch->peer->identity, sizeof(who));
	for (struct core_dial *d = bare ? ch->peer->dials : NULL; d; d = d->next_of_peer)
		core_dial_again(c, d);
	core_child_del(c, spi_in);
	if (bare) {
		log_of(c->log, c->now, who, LOG_LV_ERROR, "peer-refused", "%s: the data plane takes no such peer: %s", who, reason);
		return;
	}
	core_tell_ike(c, &e);
	log_of(c->log, c->now, who, LOG_LV_ERROR, "sa-refused", "%s: the data plane refused an SA: %s; next try in %u s", who, reason,
	    tick_left_s(c->now, ike_retry_at(c->ike, sa)));
}

void
core_child_activate(struct core *c, uint32_t spi_in)
{
	struct core_child *ch = core_child(c, spi_in);

	if (ch)
		make_active(c, ch);
}

void
core_child_move(struct core *c, const struct ike_act *a)
{
	struct core_child *ch = core_child(c, a->spi_in);
	struct core_act *m = ch ? core_act(c, CORE_ACT_SA_MOVE, ch->peer->tunnel) : NULL;

	if (!m)
		return;
	m->spi_in = a->spi_in;
	m->local = a->local;
	m->remote = a->remote;
	m->encap = a->encap;
	ch->encap = a->encap;
}

/* Before the pair that is sent on goes, another takes over; before the last one goes, NHRP withdraws what points here. */
void
core_child_del(struct core *c, uint32_t spi_in)
{
	struct core_child *ch = core_child(c, spi_in), *other, **at;
	struct core_peer *p;
	struct core_act *a;

	if (!ch)
		return;
	p = ch->peer;
	for (at = &p->children; *at != ch; at = &(*at)->next)
		;
	*at = ch->next;
	CORE_TRACE(c, p->tunnel, .attempt = ch->attempt, .step = TRACE_SA_DELETED, .n = spi_in);
	map_del(&c->spis, &ch->by_spi);
	other = best_child(p, ch->set);
	if (ch->active && other)
		make_active(c, other);
	if (all_linger(p) && !sends_on(p))
		core_peer_down(c, p, p->ikes ? "its IPsec SA was deleted" : "its SAs are gone");
	if ((a = core_act(c, CORE_ACT_SA_DEL, p->tunnel)))
		a->spi_in = spi_in;
	env_free(c->mem, ch);
	core_peer_maybe_free(c, p);
}
