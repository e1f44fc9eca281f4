/* nhrpd/core/want.c: wishes of NHRP, and the dials of IKE that serve them. Wants for the same addresses share a dial. */
#include <stdio.h>

#include "nhrpd/core/core_priv.h"

#define RETRY_AFTER TICK_S(5)
#define RETRY_MOST TICK_S(60)

struct want_key {
	uint32_t tunnel, want;
};

static bool
want_eq(const struct map_node *node, const void *key)
{
	const struct core_want *w = container_of(node, struct core_want, by_want);
	const struct want_key *k = key;

	return w->tunnel == k->tunnel && w->want == k->want;
}

static bool
dial_eq(const struct map_node *node, const void *key)
{
	return container_of(node, struct core_dial, by_id)->id == *(const uint32_t *)key;
}

static struct core_want *
want_find(const struct core *c, uint32_t tunnel, uint32_t want)
{
	struct want_key k = { tunnel, want };
	struct map_node *n = map_find(&c->wants, map_hash(&c->wants, &k, sizeof(k)), want_eq, &k);

	return n ? container_of(n, struct core_want, by_want) : NULL;
}

struct core_dial *
core_dial(const struct core *c, uint32_t id)
{
	struct map_node *n = map_find(&c->dials, map_hash(&c->dials, &id, sizeof(id)), dial_eq, &id);

	return n ? container_of(n, struct core_dial, by_id) : NULL;
}

static void
tell_want(struct core *c, const struct core_want *w, enum nhrp_event_kind kind, uint32_t peer, const char *reason)
{
	struct nhrp_event e = { .kind = kind, .want = w->want, .peer = peer, .reason = reason };

	core_tell_nhrp(c, core_tunnel(c, w->tunnel), &e);
}

/* What there is of a dial's addresses one after the other, each time it is tried. */
static void
issue_bare(struct core *c, struct core_tunnel *t, struct core_dial *d, const struct ike_event *e)
{
	const struct addr *to = &e->remotes[d->turn++ % e->n_remotes].addr;

	CORE_TRACE(c, d->tunnel, .attempt = core_attempt_of_dial(c, d), .step = TRACE_DIAL, .nbma = to);
	if (!core_bare_dial(c, t, d, to))
		core_dial_again(c, d);
}

/* IKE hears of a dial once there is an address to dial from, and with the remotes that address can reach. */
static void
issue(struct core *c, struct core_tunnel *t, struct core_dial *d)
{
	struct ike_event e = { .kind = IKE_EV_DIAL, .dial = d->id, .profile = t->dp.bare ? 0 : t->conf->profile, .local.addr = t->dp.source,
		.hint = d->hint[0] ? d->hint : NULL, .hub = d->hub };

	for (unsigned i = 0; i < d->n_addrs && e.n_remotes < IKE_REMOTES_MAX; i++) {
		if (d->addrs[i].n == t->dp.source.n)
			e.remotes[e.n_remotes++].addr = d->addrs[i];
	}
	if (!t->dp.source.n) {
		d->reason = "the tunnel source has no address yet";
	} else if (!e.n_remotes) {
		d->reason = "none of its addresses is of the tunnel source's family";
	} else {
		d->issued = true;
		d->again = false;
		d->reason = "";
		d->at_ipsec = false;
		if (t->dp.bare) {
			issue_bare(c, t, d, &e);
			return;
		}
		CORE_TRACE(c, d->tunnel, .attempt = core_attempt_of_dial(c, d), .step = TRACE_DIAL, .nbma = &e.remotes[0].addr);
		core_tell_ike(c, &e);
	}
}

struct dial_key {
	uint32_t tunnel;
	const struct nhrp_act *want;
};

static bool
addrs_eq(const struct map_node *node, const void *key)
{
	const struct core_dial *d = container_of(node, struct core_dial, by_addrs);
	const struct dial_key *k = key;

	return d->tunnel == k->tunnel && d->hub == k->want->hub && d->n_addrs == k->want->n_addrs &&
	    memcmp(d->addrs, k->want->addrs, sizeof(d->addrs[0]) * d->n_addrs) == 0;
}

static uint64_t
addrs_hash(const struct core *c, const struct nhrp_act *a)
{
	return map_hash(&c->dial_addrs, a->addrs, sizeof(a->addrs[0]) * a->n_addrs);
}

static struct core_dial *
same_dial(const struct core *c, uint32_t tunnel, const struct nhrp_act *a)
{
	struct dial_key k = { tunnel, a };
	struct map_node *n = map_find(&c->dial_addrs, addrs_hash(c, a), addrs_eq, &k);

	return n ? container_of(n, struct core_dial, by_addrs) : NULL;
}

static struct core_dial *
dial_new(struct core *c, struct core_tunnel *t, const struct nhrp_act *a)
{
	struct core_dial *d = c->dials.n < CORE_DIALS_MAX ? env_alloc(c->mem, sizeof(*d)) : NULL;

	if (!d)
		return NULL;
	while (++c->next_dial == 0 || core_dial(c, c->next_dial))
		;
	d->id = c->next_dial;
	d->tunnel = (uint32_t)(t - c->tunnel) + 1;
	memcpy(d->addrs, a->addrs, sizeof(d->addrs));
	d->n_addrs = a->n_addrs;
	snprintf(d->hint, sizeof(d->hint), "%s", a->hint ? a->hint : "");
	d->hub = a->hub;
	d->attempt = a->attempt;
	d->reason = "";
	d->since = c->now;
	d->next = t->dials;
	if (d->next)
		d->next->prev = d;
	t->dials = d;
	map_add(&c->dial_addrs, &d->by_addrs, addrs_hash(c, a));
	map_add(&c->dials, &d->by_id, map_hash(&c->dials, &d->id, sizeof(d->id)));
	core_track(c, d, true);
	return d;
}

static void
dial_free(struct core *c, struct core_dial *d)
{
	core_track(c, d, false);
	core_dial_serve(d, NULL);
	if (d->prev)
		d->prev->next = d->next;
	else
		core_tunnel(c, d->tunnel)->dials = d->next;
	if (d->next)
		d->next->prev = d->prev;
	map_del(&c->dials, &d->by_id);
	map_del(&c->dial_addrs, &d->by_addrs);
	env_free(c->mem, d);
}

/* ---- no memory for a want, or for a dial in IKE: later */

static void
lose_want(struct core *c, uint32_t tunnel, const struct nhrp_act *a)
{
	if (c->n_lost == CORE_LOST_MAX) {
		log_limited(c->log, &c->limit, c->now, LOG_LV_ERROR, "want-lost", "out of memory: a peer that is wanted will not be dialled");
		return;
	}
	c->lost[c->n_lost] = (struct core_lost){ .tunnel = tunnel, .want = *a };
	snprintf(c->lost[c->n_lost++].hint, sizeof(c->lost[0].hint), "%s", a->hint ? a->hint : "");
	c->retry_at = tick_min(c->retry_at, c->now + RETRY_AFTER);
}

static void
forget_lost(struct core *c, uint32_t tunnel, uint32_t want)
{
	for (unsigned i = 0; i < c->n_lost; i++) {
		if (c->lost[i].tunnel == tunnel && c->lost[i].want.want == want) {
			c->lost[i] = c->lost[--c->n_lost];
			return;
		}
	}
}

/* An interface that could not be made: the data plane may have had no memory, another program may have had the name. */
void
core_tunnel_later(struct core *c, struct core_tunnel *t)
{
	tick_t wait = RETRY_AFTER << (t->refusals < 4 ? t->refusals : 4);

	t->again = true;
	t->again_at = c->now + env_jitter(c->mem, tick_min(wait, RETRY_MOST), 25);
	c->retry_at = tick_min(c->retry_at, t->again_at);
}

static void
tunnel_again(struct core *c, struct core_tunnel *t)
{
	struct core_act *a = core_act(c, CORE_ACT_TUNNEL_SET, (uint32_t)(t - c->tunnel) + 1);

	t->again = false;
	if (a)
		a->dp_tunnel = &t->dp;
	else
		core_tunnel_later(c, t);
}

void
core_wants_retry(struct core *c)
{
	unsigned n = c->n_lost;

	if (c->now < c->retry_at)
		return;
	c->retry_at = TICK_NEVER;
	for (unsigned i = 0; i < c->n_tunnel; i++) {
		if (c->tunnel[i].again && c->tunnel[i].conf && c->tunnel[i].again_at <= c->now)	/* not one that leaves */
			tunnel_again(c, &c->tunnel[i]);
		else if (c->tunnel[i].again && c->tunnel[i].conf)
			c->retry_at = tick_min(c->retry_at, c->tunnel[i].again_at);
		for (struct core_dial *d = c->tunnel[i].dials; d; d = d->next) {
			if (d->again)
				issue(c, &c->tunnel[i], d);
		}
	}
	while (n--) {	/* what finds no memory again goes to the end */
		struct core_lost l = c->lost[0];

		memmove(c->lost, c->lost + 1, sizeof(c->lost[0]) * --c->n_lost);
		l.want.hint = l.hint[0] ? l.hint : NULL;
		core_want_add(c, core_tunnel(c, l.tunnel), &l.want);
	}
}

void
core_want_add(struct core *c, struct core_tunnel *t, const struct nhrp_act *a)
{
	uint32_t tunnel = (uint32_t)(t - c->tunnel) + 1;
	struct want_key k = { tunnel, a->want };
	struct core_want *w;
	struct core_dial *d;

	core_want_del(c, t, a->want);
	if (t->leaving)
		return;
	w = env_alloc(c->mem, sizeof(*w));
	d = w ? same_dial(c, tunnel, a) : NULL;
	if (d)
		CORE_TRACE(c, tunnel, .attempt = a->attempt, .step = TRACE_SHARED, .nbma = &d->addrs[0], .n = d->attempt);
	if (w && !d && (d = dial_new(c, t, a)))
		issue(c, t, d);
	if (!d) {
		struct nhrp_event e = { .kind = NHRP_EV_WANT_FAIL, .want = a->want, .reason = "out of memory" };

		env_free(c->mem, w);
		lose_want(c, tunnel, a);
		core_tell_nhrp(c, t, &e);
		return;
	}
	w->tunnel = tunnel;
	w->want = a->want;
	w->dial = d;
	w->next = d->wants;
	d->wants = w;
	map_add(&c->wants, &w->by_want, map_hash(&c->wants, &k, sizeof(k)));
	if (d->peer && d->peer->up)
		CORE_TRACE(c, tunnel, .attempt = a->attempt, .step = TRACE_SECURED, .peer = d->peer->id);
	if (d->peer && d->peer->up)
		tell_want(c, w, NHRP_EV_WANT_UP, d->peer->id, NULL);
	else if (!d->issued)
		tell_want(c, w, NHRP_EV_WANT_FAIL, 0, d->reason);
}

void
core_want_del(struct core *c, struct core_tunnel *t, uint32_t want)
{
	uint32_t tunnel = (uint32_t)(t - c->tunnel) + 1;
	struct core_want *w = want_find(c, tunnel, want), **at;
	struct core_dial *d;

	forget_lost(c, tunnel, want);
	if (!w)
		return;
	d = w->dial;
	for (at = &d->wants; *at != w; at = &(*at)->next)
		;
	*at = w->next;
	map_del(&c->wants, &w->by_want);
	env_free(c->mem, w);
	if (d->wants)
		return;
	if (d->issued && !t->dp.bare) {
		struct ike_event e = { .kind = IKE_EV_HANGUP, .dial = d->id };

		core_tell_ike(c, &e);
	}
	dial_free(c, d);
}

void
core_dial_serve(struct core_dial *d, struct core_peer *p)
{
	struct core_dial **at;

	if (d->peer == p)
		return;
	if (d->peer) {
		for (at = &d->peer->dials; *at != d; at = &(*at)->next_of_peer)
			;
		*at = d->next_of_peer;
	}
	d->peer = p;
	d->next_of_peer = p ? p->dials : NULL;
	if (p)
		p->dials = d;
}

void
core_dial_up(struct core *c, struct core_dial *d, struct core_peer *p)
{
	d->since = c->now;
	for (struct core_want *w = d->wants; w; w = w->next)
		tell_want(c, w, NHRP_EV_WANT_UP, p->id, NULL);
}

/* IKE's text lives until its next call only, and `show` wants it later. */
void
core_dial_fail(struct core *c, const struct ike_act *a)
{
	struct core_dial *d = core_dial(c, a->dial);

	if (!d)
		return;
	snprintf(d->reason_buf, sizeof(d->reason_buf), "%s", a->text ? a->text : "");
	if (a->down == IKE_DOWN_RESOURCES) {	/* it may not even have been taken */
		d->again = true;
		c->retry_at = tick_min(c->retry_at, c->now + RETRY_AFTER);
	}
	CORE_TRACE(c, d->tunnel, .attempt = core_attempt_of_dial(c, d), .step = d->hub ? TRACE_FAILED : TRACE_IKE_FAILED, .reason = d->reason_buf);
	d->at_ipsec = a->down == IKE_DOWN_IPSEC;
	if (d->reason != d->reason_buf)
		d->since = c->now;
	d->reason = d->reason_buf;
	for (struct core_want *w = d->wants; w; w = w->next)
		tell_want(c, w, NHRP_EV_WANT_FAIL, 0, d->reason_buf);
}

void
core_dial_again(struct core *c, struct core_dial *d)
{
	d->again = true;
	c->retry_at = tick_min(c->retry_at, c->now + RETRY_AFTER);
}

void
core_dials_issue(struct core *c, struct core_tunnel *t, bool keep)
{
	for (struct core_dial *d = t->dials; d && (!keep || t->dp.source.n); d = d->next) {
		if (d->issued && !keep && !t->dp.bare) {
			struct ike_event e = { .kind = IKE_EV_HANGUP, .dial = d->id };

			core_tell_ike(c, &e);
		}
		d->issued = false;
		issue(c, t, d);
	}
}

void
core_wants_forget(struct core *c, struct core_tunnel *t)
{
	uint32_t tunnel = (uint32_t)(t - c->tunnel) + 1;

	while (t->dials)	/* goes with its last want */
		core_want_del(c, t, t->dials->wants->want);
	for (unsigned i = 0; i < c->n_lost; i++) {
		if (c->lost[i].tunnel == tunnel)
			c->lost[i--] = c->lost[--c->n_lost];
	}
}

void
core_wants_fini(struct core *c)
{
	for (unsigned i = 0; i < c->n_tunnel; i++) {
		struct core_dial *d;

		while ((d = c->tunnel[i].dials)) {
			struct core_want *w;

			while ((w = d->wants)) {
				d->wants = w->next;
				env_free(c->mem, w);
			}
			c->tunnel[i].dials = d->next;
			env_free(c->mem, d);
		}
	}
}
