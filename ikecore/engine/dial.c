/* ikecore/engine/dial.c: peers that the core wants secured. A dial tries its remotes in turn, each with the keyring entries
 * that may fit, most likely first; after a round without success it says why and waits, longer each time, with jitter.
 * It is satisfied by the SA it made, by the one that took its place, or by one that came from where it calls: the other end may
 * be behind a filter that lets nobody in. When that goes down it begins again. */
#include "ikecore/engine/ike_priv.h"

#include <stdio.h>

static bool
id_is(const struct map_node *node, const void *key)
{
	return container_of(node, struct ike_dial, by_id)->id == *(const uint32_t *)key;
}

static struct ike_dial *
find(const struct ike *k, uint32_t id)
{
	struct map_node *n = map_find(&k->by_dial, map_hash(&k->by_dial, &id, sizeof(id)), id_is, &id);

	return n ? container_of(n, struct ike_dial, by_id) : NULL;
}

static bool
addr_is(const struct map_node *node, const void *key)
{
	const struct ike_dial_addr *at = container_of(node, struct ike_dial_addr, by_addr);

	return addr_eq(&at->dial->remotes[at - at->dial->at].addr, key);
}

static uint64_t
addr_hash(const struct ike *k, const struct addr *a)
{
	return map_hash(&k->by_dial_addr, a->b, a->n);
}

/* Two remotes may have one address with different ports; the map finds one of them, which is enough. */
static void
file_remotes(struct ike *k, struct ike_dial *d)
{
	for (unsigned i = 0; i < d->n_remotes; i++) {
		d->at[i].dial = d;
		map_add(&k->by_dial_addr, &d->at[i].by_addr, addr_hash(k, &d->remotes[i].addr));
	}
}

static void
unfile_remotes(struct ike *k, struct ike_dial *d)
{
	for (unsigned i = 0; i < d->n_remotes; i++)
		map_del(&k->by_dial_addr, &d->at[i].by_addr);
	d->n_remotes = 0;
}

void
ike_dial_attach(struct ike_dial *d, struct ike_sa *sa)
{
	d->sa = sa->id;
	d->next_on_sa = sa->dials;
	sa->dials = d;
}

void
ike_dial_detach(struct ike *k, struct ike_dial *d)
{
	struct ike_sa *sa = ike_sa_find(k, d->sa);

	if (sa) {
		for (struct ike_dial **p = &sa->dials; *p; p = &(*p)->next_on_sa) {
			if (*p == d) {
				*p = d->next_on_sa;
				break;
			}
		}
	}
	d->sa = 0;
	d->next_on_sa = NULL;
}

void
ike_dial_trace(struct ike *k, const struct ike_sa *sa, enum trace_step step)
{
	for (const struct ike_dial *d = sa->dials; d; d = d->next_on_sa)
		TRACE(&k->env.env, .dial = d->id, .step = step);
}

/* ---- a round is over */
static void
report(struct ike *k, struct ike_dial *d)
{
	struct ike_act *a = ike_act(k, IKE_ACT_DIAL_FAIL, NULL);
	uint64_t said;

	if (a) {
		a->dial = d->id;
		a->profile = d->profile;
		a->remote = d->remotes[d->cur < d->n_remotes ? d->cur : 0];
		a->down = d->why;
		a->text = d->reason;
	}
	said = map_hash(&k->by_dial, d->reason, strlen(d->reason));
	if (said == d->said && k->now - d->said_at < IKE_DIAL_SAY)
		return;
	d->said = said;
	d->said_at = k->now;
	log_at(k->env.env.log, LOG_LV_NOTICE, "ike-dial-failed", "%s", d->reason);
}

static void
back_off(struct ike *k, struct ike_dial *d)
{
	tick_t wait = IKE_BACKOFF_FIRST << (d->backoff < 10 ? d->backoff : 10);
	tick_t most = !d->hub ? IKE_BACKOFF_MAX : d->why == IKE_DOWN_UNREACHABLE ? IKE_BACKOFF_SILENT : IKE_BACKOFF_HUB;
	char at[ENDPOINT_STRLEN];

	wait = env_jitter(&k->env.env, tick_min(wait, most), 25);
	report(k, d);
	IKE_DEBUG(k, "ike-dial", "%s: next try in %u ms", endpoint_fmt(&d->remotes[0], at), (unsigned)(wait / 1000));
	d->cur = 0;
	d->n_cand = d->cand_i = 0;
	d->backoff++;
	timer_arm(&k->timers, &d->timer, k->now + wait);
}

void
ike_dial_failed(struct ike *k, struct ike_dial *d, enum ike_down why, bool retry_key, const char *reason)
{
	d->why = why;
	snprintf(d->reason, sizeof(d->reason), "%s", reason);
	d->up = false;
	if ((retry_key && d->cand_i + 1 < d->n_cand) || d->cur + 1 < d->n_remotes)
		TRACE(&k->env.env, .dial = d->id, .step = TRACE_IKE_RETRY, .reason = reason);
	if (d->redirected && (!retry_key || d->cand_i + 1 >= d->n_cand)) {	/* back to where we were told at first */
		d->redirected = false;
		d->n_cand = d->cand_i = 0;
		timer_arm(&k->timers, &d->timer, k->now + env_jitter(&k->env.env, IKE_BACKOFF_FIRST, 25));
		return;
	}
	if (retry_key && ++d->cand_i < d->n_cand) {
		timer_arm(&k->timers, &d->timer, k->now);
		return;
	}
	d->n_cand = d->cand_i = 0;
	if (d->cur + 1 < d->n_remotes) {
		d->cur++;
		timer_arm(&k->timers, &d->timer, k->now);
		return;
	}
	back_off(k, d);
}

/* ---- an attempt */
static const struct endpoint *
where(const struct ike_dial *d)
{
	return d->redirected ? &d->redirect : &d->remotes[d->cur];
}

static void
choose_keys(const struct ike *k, const struct ike_dial *d, struct ike_sa *sa)
{
	sa->hs->key = d->cand[d->cand_i];
	sa->ppk = ike_ppk_likely(k, d, &sa->remote.addr, sa->hs->key);
}

static bool
attempt(struct ike *k, struct ike_dial *d)
{
	struct ike_sa *sa = ike_sa_new(k, true);

	if (!sa)
		return false;
	sa->profile = d->profile;
	sa->local = d->local;
	if (!sa->local.port)
		sa->local.port = where(d)->port == 4500 ? 4500 : 500;
	sa->remote = *where(d);
	if (!ike_sa_to_shake(k, sa) || (choose_keys(k, d, sa), !ike_init_start(k, sa))) {
		ike_sa_free(k, sa);
		return false;
	}
	ike_dial_attach(d, sa);
	return true;
}

/* With certificates on both sides, or where the peer may have one, a pre-shared key need not be there. */
static bool
needs_key(const struct ike_profile *p)
{
	return !p->auth_local || !(p->auth_remote & ~(unsigned)IKE_TAKE_PSK);
}

static void
try(struct ike *k, struct ike_dial *d)
{
	char text[IKE_REASON_MAX], ep[ADDR_STRLEN], at[ENDPOINT_STRLEN];

	timer_disarm(&k->timers, &d->timer);
	if (d->sa || d->homeless)
		return;
	if (d->profile >= k->conf->n_profile) {
		ike_dial_failed(k, d, IKE_DOWN_PROTOCOL, false, "its profile is not configured any more");
		return;
	}
	if (d->cand_i == 0 && (needs_key(ike_profile(k, d->profile)) || ike_takes_psk(ike_profile(k, d->profile))))
		d->n_cand = ike_key_candidates(k, d, &where(d)->addr, d->cand);
	if (d->n_cand == 0 && d->profile < k->conf->n_profile && !needs_key(ike_profile(k, d->profile))) {
		d->cand[0] = IKE_NO_KEY;
		d->n_cand = 1;
	}
	if (d->n_cand)
		IKE_DEBUG(k, "ike-dial", "%s, %s%s, try %u of %u there", endpoint_fmt(&d->remotes[d->cur], at),
		    d->cand[d->cand_i] == IKE_NO_KEY ? "by certificate" : "keyring entry ",
		    d->cand[d->cand_i] == IKE_NO_KEY ? "" : ike_profile(k, d->profile)->key[d->cand[d->cand_i]].name, d->cand_i + 1, d->n_cand);
	if (d->n_cand == 0) {
		snprintf(text, sizeof(text), "no pre-shared key fits %s", addr_fmt(&d->remotes[d->cur].addr, ep));
		ike_dial_failed(k, d, IKE_DOWN_AUTH, false, text);
	} else if (ike_first_group(ike_profile(k, d->profile), false) == 0) {
		ike_dial_failed(k, d, IKE_DOWN_PROPOSAL, false, "profile has no proposal with a key exchange group that we know");
	} else if (!attempt(k, d)) {
		ike_dial_failed(k, d, IKE_DOWN_RESOURCES, false, "out of memory or too many IKE SAs");
	}
}

void
ike_dial_timer(struct ike *k, struct ike_dial *d)
{
	if (!k->shutdown)
		try(k, d);
}

/* ---- events */
static void
forget(struct ike *k, struct ike_dial *d)
{
	timer_disarm(&k->timers, &d->timer);
	unfile_remotes(k, d);
	map_del(&k->by_dial, &d->by_id);
	env_free(&k->env.env, d);
}

static void
take_hint(struct ike_dial *d, const char *hint)
{
	size_t n = hint ? strlen(hint) : 0;

	d->has_hint = n > 0 && n <= IKE_ID_MAX;
	memset(&d->hint, 0, sizeof(d->hint));
	if (!d->has_hint)
		return;
	d->hint.type = IKE_ID_FQDN;
	d->hint.len = (uint8_t)n;
	memcpy(d->hint.data, hint, n);
}

static void
refuse(struct ike *k, const struct ike_event *ev, enum ike_down why, const char *text)
{
	struct ike_act *a = ike_act(k, IKE_ACT_DIAL_FAIL, NULL);

	if (a) {
		a->dial = ev->dial;
		a->down = why;
		a->text = text;
	}
}

/* The same number again means other remotes; an SA that is up stays. */
void
ike_dial_event(struct ike *k, const struct ike_event *ev)
{
	struct ike_dial *d = find(k, ev->dial);

	if (k->shutdown || ev->profile >= k->conf->n_profile || ev->n_remotes == 0) {
		refuse(k, ev, IKE_DOWN_PROTOCOL, k->shutdown ? "shutting down" : "no remote to dial");
		return;
	}
	if (!d && k->by_dial.n < IKE_DIALS_MAX && (d = env_alloc(&k->env.env, sizeof(*d)))) {
		d->id = ev->dial;
		d->timer.kind = TM_DIAL;
		map_add(&k->by_dial, &d->by_id, map_hash(&k->by_dial, &d->id, sizeof(d->id)));
	}
	if (!d) {
		refuse(k, ev, IKE_DOWN_RESOURCES, "out of memory or too many dials");
		return;
	}
	d->profile = ev->profile;
	d->local = ev->local;
	d->homeless = false;
	d->hub = ev->hub;
	unfile_remotes(k, d);
	d->n_remotes = ev->n_remotes < IKE_REMOTES_MAX ? ev->n_remotes : IKE_REMOTES_MAX;
	for (unsigned i = 0; i < d->n_remotes; i++) {
		d->remotes[i] = ev->remotes[i];
		if (!d->remotes[i].port)
			d->remotes[i].port = 500;
	}
	file_remotes(k, d);
	take_hint(d, ev->hint);
	d->redirected = false;
	d->cur = d->cand_i = d->backoff = 0;
	try(k, d);
}

/* Nothing more is tried. An SA that is up stays up: IKE_EV_CLOSE ends one. */
void
ike_dial_hangup(struct ike *k, uint32_t id)
{
	struct ike_dial *d = find(k, id);
	struct ike_sa *sa;

	if (!d)
		return;
	sa = ike_sa_find(k, d->sa);
	ike_dial_detach(k, d);
	if (sa && sa->state != IKE_SA_EST) {
		sa->want_close = sa->has_keys && (sa->state == IKE_SA_I_AUTH || sa->state == IKE_SA_I_CHECK);	/* the peer may have it up already */
		if (sa->want_close)
			ike_sa_down(k, sa, IKE_DOWN_CLOSED, "not wanted any more", 0, true);
		else
			ike_sa_free(k, sa);
	}
	forget(k, d);
}

void
ike_dial_up(struct ike *k, struct ike_sa *sa)
{
	for (struct ike_dial *d = sa->dials; d; d = d->next_on_sa) {
		d->up = true;
		d->said = 0;
		d->cur = d->cand_i = d->backoff = 0;
		timer_disarm(&k->timers, &d->timer);
	}
}

/* A peer with an address of its own is who a call to that address would reach. An attempt that has proved nothing yet is given up,
 * one beyond that is not: both ends might drop what the other keeps; the rule for duplicates takes that. */
void
ike_dial_adopt(struct ike *k, struct ike_sa *sa)
{
	struct map_node *n = map_find(&k->by_dial_addr, addr_hash(k, &sa->remote.addr), addr_is, &sa->remote.addr);
	struct ike_dial *d = n ? container_of(n, struct ike_dial_addr, by_addr)->dial : NULL;
	struct ike_sa *own = d ? ike_sa_find(k, d->sa) : NULL;

	if (!d || sa->natted_remote || d->profile != sa->profile || (d->has_hint && !ike_id_eq(&d->hint, &sa->peer_id)))
		return;
	if (own && own->state != IKE_SA_I_INIT && own->state != IKE_SA_I_KEX)
		return;
	if (own) {
		ike_dial_detach(k, d);
		ike_sa_free(k, own);
	}
	ike_dial_attach(d, sa);
	sa->dialled = true;
}

void
ike_dial_down(struct ike *k, struct ike_sa *sa, uint32_t other)
{
	struct ike_sa *to = ike_sa_find(k, other);
	tick_t held = ike_hold_until(k, sa);	/* what our own data plane refuses need not be agreed on */

	while (sa->dials) {
		struct ike_dial *d = sa->dials;

		ike_dial_detach(k, d);
		if (to && to->state == IKE_SA_EST) {
			ike_dial_attach(d, to);
			to->dialled = true;
			ike_live_arm(k, to);	/* it may be a hub's now */
			continue;
		}
		d->up = d->redirected = false;
		d->cur = d->cand_i = 0;
		timer_arm(&k->timers, &d->timer, held ? held : k->now + env_jitter(&k->env.env, TICK_MS(300), 50));
	}
}

void
ike_dial_free_all(struct ike *k)
{
	struct map_iter it = { 0 };

	for (struct map_node *n = map_first(&k->by_dial, &it); n; n = map_next(&k->by_dial, &it)) {
		struct ike_dial *d = container_of(n, struct ike_dial, by_id);

		ike_dial_detach(k, d);
		forget(k, d);
	}
}

/* Places in the old keyring mean nothing in the new one. What waits does not: the reason may have been mended. */
void
ike_dial_reconf(struct ike *k, struct ike_dial *d, unsigned profile)
{
	d->profile = profile;
	d->n_cand = d->cand_i = d->backoff = 0;
	if (!d->sa)
		timer_arm(&k->timers, &d->timer, k->now);
}

/* Our address changed: attempts from the old one are pointless. */
void
ike_dial_local(struct ike *k, const struct addr *was, const struct addr *is)
{
	struct map_iter it = { 0 };

	for (struct map_node *n = map_first(&k->by_dial, &it); n; n = map_next(&k->by_dial, &it)) {
		struct ike_dial *d = container_of(n, struct ike_dial, by_id);

		if (!addr_eq(&d->local.addr, was))
			continue;
		d->homeless = !is->n;
		if (d->homeless)
			continue;
		d->local.addr = *is;
		d->cur = d->cand_i = d->backoff = 0;
		if (!d->sa)
			timer_arm(&k->timers, &d->timer, k->now);
	}
}
