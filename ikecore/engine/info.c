/* ikecore/engine/info.c: INFORMATIONAL exchanges (deletes and liveness), RFC 7296 1.4, 2.4.
 *
 * Liveness. Anything authentic from the peer counts, and so does ESP that came in: before a peer is asked, the data plane
 * is (IKE_ACT_QUERY_USE), so where traffic flows nothing is sent. Timers carry jitter. Whoever claims without protection
 * that the peer has lost our SA (INVALID_IKE_SPI, ESP with an unknown SPI) only makes us look sooner and less patiently. */
#include "ikecore/engine/ike_priv.h"

/* ---- our requests */
bool
ike_info_live(struct ike *k, struct ike_sa *sa)
{
	bool token = sa->want_token;
	char ep[ENDPOINT_STRLEN];
	struct ike_tx t;

	ike_tx_request(&t, sa, IKE_INFORMATIONAL);
	ike_mobike_check(sa, &t);
	t.align = 4;	/* so that a peer that lost the SA can answer with its token, and not say more than we did */
	if (token)
		ike_qcd_put(k, sa, &t);
	if (!ike_x_start(k, sa, IKE_X_LIVE, &t)) {
		sa->want_token = token;
		return false;
	}
	IKE_DEBUG(k, "ike-liveness", "%s is asked whether it lives%s", endpoint_fmt(&sa->remote, ep), sa->live_wait ? ", with little patience" : "");
	sa->want_live = false;
	sa->live_wait = 0;
	sa->live_tries = 0;
	return true;
}

bool
ike_info_delete_children(struct ike *k, struct ike_sa *sa)
{
	uint8_t spis[4 * IKE_CHILDREN_TOP];
	struct wr w = wr_of(spis, sizeof(spis));
	struct ike_tx t;

	for (struct ike_child *c = sa->children; c; c = c->next) {
		if (c->state == IKE_CH_DELETING && !c->del_sent && ike_child_sure(c, k->now))
			wr_be32(&w, c->spi_in);
	}
	ike_tx_request(&t, sa, IKE_INFORMATIONAL);
	ike_build_delete(&t.b, IKE_PROTO_ESP, 4, wr_span(&w));
	if (!ike_x_start(k, sa, IKE_X_DEL_CHILD, &t))
		return false;
	for (struct ike_child *c = sa->children; c; c = c->next)
		c->del_sent = c->state == IKE_CH_DELETING && ike_child_sure(c, k->now);
	return true;
}

bool
ike_info_delete_ike(struct ike *k, struct ike_sa *sa)
{
	struct ike_tx t;

	ike_tx_request(&t, sa, IKE_INFORMATIONAL);
	if (sa->peer_refused)
		ike_tx_notify(&t, IKE_N_AUTHENTICATION_FAILED);
	ike_build_delete(&t.b, IKE_PROTO_IKE, 0, span_of("", 0));
	return ike_x_start(k, sa, IKE_X_DEL_IKE, &t);
}

/* An SA without a child serves nobody: who dialled makes a new one, the other waits a while for it. */
void
ike_info_mind_childless(struct ike *k, struct ike_sa *sa)
{
	if (sa->state == IKE_SA_EST && ike_profile(k, sa->profile)->n_more)	/* one of several may be missing: who wants it sees that */
		ike_sa_kick_at(k, sa, k->now + TICK_MS(200));
	if (sa->state != IKE_SA_EST || ike_child_count_up(sa) || (sa->cc_tx && sa->cc_tx->kind != IKE_CC_REKEY_IKE) || sa->cc_rx)
		return;
	if (sa->dialled || (sa->want_child && sa->retry_at > k->now)) {
		sa->want_child = true;
		ike_sa_kick_at(k, sa, k->now + TICK_MS(200));
	} else {
		sa->orphan_at = k->now + IKE_ORPHAN_LIFE;
		ike_sa_arm_life(k, sa);
	}
}

/* Gone by agreement. It lingers where another pair carries the traffic; else it goes at once, nobody would hear us. */
static void
child_over(struct ike *k, struct ike_sa *sa, struct ike_child *c)
{
	ike_child_gone(k, sa, c);
	if (ike_pair_up(sa, c->set) > (c->state == IKE_CH_UP))
		ike_child_linger(k, c);
	else
		ike_child_drop(k, c);
}

enum ike_drop
ike_info_response(struct ike *k, struct ike_sa *sa, enum ike_xkind kind, struct ike_msg *m)
{
	if (kind == IKE_X_DEL_IKE) {
		ike_sa_free(k, sa);
		return IKE_OK;
	}
	if (kind == IKE_X_DEL_CHILD) {
		for (struct ike_child *c = sa->children, *next; c; c = next) {
			next = c->next;
			if (c->del_sent)
				child_over(k, sa, c);
		}
		ike_info_mind_childless(k, sa);
	}
	if (kind == IKE_X_LIVE && sa->state == IKE_SA_EST && !ike_mobike_checked(sa, m)) {
		ike_sa_down(k, sa, IKE_DOWN_PROTOCOL, "peer is not at the address that it moved to", 0, true);
		return IKE_DROP_AUTH;
	}
	if (sa->state == IKE_SA_EST && !ike_msg_error(m))
		ike_dup_confirmed(k, sa);
	return IKE_OK;
}

/* ---- the peer's */
/* Another SA with the same peer that carries its traffic: this one was only one of two, as after the peer authenticated anew. */
static struct ike_sa *
other_with_child(struct ike *k, struct ike_sa *sa)
{
	struct ike_sa *same[IKE_SAME_MAX];
	unsigned n = sa->in_pair ? ike_sa_same_pair(k, sa, same) : 0;

	for (unsigned i = 0; i < n; i++) {
		if (!same[i]->doom && ike_child_count_up(same[i]))
			return same[i];
	}
	return NULL;
}

static void
peer_deletes_ike(struct ike *k, struct ike_sa *sa, enum ike_down why, const char *reason)
{
	struct ike_sa *heir = ike_sa_find(k, sa->peer_successor), *winner = ike_sa_find(k, sa->dup_winner);

	if (sa->state == IKE_SA_EST && !winner && why == IKE_DOWN_DELETED)
		winner = other_with_child(k, sa);

	if (sa->state == IKE_SA_EST && heir) {	/* it rekeyed while we did: our rekey is forgotten, its SA inherits */
		ike_cc_free(k, &sa->cc_tx);
		sa->job = 0;
		ike_sa_takeover(k, sa, heir);
	}
	if (sa->state == IKE_SA_EST && winner) {
		ike_sa_down(k, sa, IKE_DOWN_DUPLICATE, "both ends opened an SA, the other one stays", winner->id, false);
		return;
	}
	if (sa->state == IKE_SA_EST) {
		ike_sa_down(k, sa, why, reason, 0, false);
		return;
	}
	ike_x_done(k, sa);	/* rekeyed or being closed by us as well: it stays to answer retransmissions */
	sa->state = IKE_SA_CLOSING;
	sa->want_close = false;
	timer_arm(&k->timers, &sa->t_life, k->now + IKE_FAILED_LIFE);
}

/* Takes the peer's deletes and writes ours for the other direction, unless that is already on its way. */
static void
peer_deletes_children(struct ike *k, struct ike_sa *sa, const struct ike_delete *d, struct wr *answer)
{
	for (unsigned i = 0; i < d->n; i++) {
		struct ike_child *c = ike_child_by_out(sa, ike_delete_spi(d, i));

		if (!c)
			continue;
		if (!c->del_sent)
			wr_be32(answer, c->spi_in);
		if (c->state == IKE_CH_UP)	/* made to replace one, and not to be had after all */
			ike_child_stays(k, sa, c, 0);
		child_over(k, sa, c);
	}
}

enum ike_drop
ike_info_request(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, struct ike_msg *m)
{
	const struct ike_notify *failed = ike_msg_notify(m, IKE_N_AUTHENTICATION_FAILED);
	uint8_t spis[4 * (IKE_CHILDREN_TOP + 1)];
	struct wr w = wr_of(spis, sizeof(spis));
	const struct ike_notify *redirect = ike_msg_notify(m, IKE_N_REDIRECT);
	bool ike = false, child = false, moved;
	struct ike_tx t;

	if (sa->state == IKE_SA_EST)
		ike_qcd_take(k, sa, m);
	for (unsigned i = 0; i < m->n_del; i++) {
		ike |= m->del[i].proto == IKE_PROTO_IKE;
		if (m->del[i].proto == IKE_PROTO_ESP && sa->state == IKE_SA_EST) {
			child = true;
			peer_deletes_children(k, sa, &m->del[i], &w);
		}
	}
	ike_tx_response(&t, sa, IKE_INFORMATIONAL, m->hdr.mid);
	if (wr_len(&w) && !ike)
		ike_build_delete(&t.b, IKE_PROTO_ESP, 4, wr_span(&w));
	moved = ike_mobike_answer(k, sa, rx, m, &t);
	ike_respond(k, sa, &t, rx);
	if (moved)
		ike_mobike_move(k, sa, rx, m);
	if (redirect && !failed && !ike)
		return ike_redirect_request(k, sa, redirect);
	if (failed && sa->state == IKE_SA_EST)	/* with a delete or without (RFC 7296 2.21.2) */
		peer_deletes_ike(k, sa, IKE_DOWN_AUTH, "authentication failed: peer did not accept our answer");
	else if (ike)
		peer_deletes_ike(k, sa, IKE_DOWN_DELETED, "peer deleted it");
	else if (child)
		ike_info_mind_childless(k, sa);
	return IKE_OK;
}

/* ---- liveness and keepalive */
struct live {
	enum ike_dpd mode;
	uint32_t every_s, retry_s;
	unsigned tries;
};

/* A spoke without traffic has nobody to tell it that its hub died, and its next registration may be minutes away: a hub is never
 * watched on demand only. */
static struct live
live_of(const struct ike *k, const struct ike_sa *sa)
{
	const struct ike_profile *p = ike_profile(k, sa->profile);
	bool hub = false;

	for (const struct ike_dial *d = sa->dials; d; d = d->next_on_sa)
		hub |= d->hub;
	if (p->dpd != IKE_DPD_DEFAULT)
		return (struct live){ hub && p->dpd == IKE_DPD_ON_DEMAND ? IKE_DPD_PERIODIC : p->dpd, p->dpd_s, p->dpd_retry_s ? p->dpd_retry_s : 2, IKE_LIVE_TRIES };
	if (hub)
		return (struct live){ IKE_DPD_PERIODIC, IKE_HUB_DPD_S, IKE_HUB_DPD_RETRY_S, IKE_HUB_DPD_TRIES };
	return (struct live){ IKE_DPD_ON_DEMAND, p->dpd_s, p->dpd_retry_s ? p->dpd_retry_s : 2, IKE_LIVE_TRIES };
}

static tick_t
live_every(const struct ike *k, const struct ike_sa *sa)
{
	struct live l = live_of(k, sa);

	return l.mode == IKE_DPD_OFF || !l.every_s ? TICK_NEVER : TICK_S(l.every_s);
}

tick_t
ike_live_retry(const struct ike *k, const struct ike_sa *sa)
{
	return TICK_S(live_of(k, sa).retry_s);
}

static tick_t
keep_every(const struct ike *k, const struct ike_sa *sa)
{
	uint32_t s = ike_profile(k, sa->profile)->keepalive_s;

	return sa->natted_local && s ? TICK_S(s) : TICK_NEVER;
}

static void
arm(struct ike *k, struct ike_sa *sa)
{
	timer_arm(&k->timers, &sa->t_live, sa->use_pending ? sa->use_until : tick_min(sa->live_at, sa->keep_at));
}

void
ike_live_arm(struct ike *k, struct ike_sa *sa)
{
	tick_t live = live_every(k, sa), keep = keep_every(k, sa);

	sa->live_at = live == TICK_NEVER ? live : k->now + env_jitter(&k->env.env, live, 10);
	sa->keep_at = keep == TICK_NEVER ? keep : k->now + keep;
	arm(k, sa);
}

void
ike_live_rx(struct ike *k, struct ike_sa *sa)
{
	sa->last_rx = k->now;
	sa->sent_since_rx = false;
	if (sa->state == IKE_SA_EST)
		sa->proven = true;
}

static void
decide_live(struct ike *k, struct ike_sa *sa)
{
	struct live l = live_of(k, sa);

	sa->use_live = false;
	sa->live_at = (sa->use_ok ? sa->last_rx : k->now) + env_jitter(&k->env.env, live_every(k, sa), 10);
	if (sa->use_ok || (l.mode == IKE_DPD_ON_DEMAND && !sa->sent_since_rx))
		return;
	sa->want_live = true;
	sa->live_wait = TICK_S(l.retry_s);
	sa->live_tries = l.tries;
	ike_sa_kick(k, sa);
}

static void
decide_keep(struct ike *k, struct ike_sa *sa)
{
	sa->use_keep = false;
	sa->keep_at = k->now + keep_every(k, sa);
	if (sa->use_sent || !ike_act(k, IKE_ACT_KEEPALIVE, sa))
		return;
	sa->last_tx = k->now;
}

static void
decide(struct ike *k, struct ike_sa *sa)
{
	sa->use_pending = 0;
	if (sa->use_sent) {
		sa->last_esp_tx = k->now;
		sa->sent_since_rx = true;
	}
	if (sa->use_ok) {
		tick_t before = sa->last_rx;

		ike_live_rx(k, sa);
		if (sa->use_at && sa->use_at < k->now)	/* it may have come just after the last question, and nothing since */
			sa->last_rx = sa->use_at > before ? sa->use_at : before;
	}
	if (sa->use_live)
		decide_live(k, sa);
	if (sa->use_keep)
		decide_keep(k, sa);
	arm(k, sa);
}

static void
query(struct ike *k, struct ike_sa *sa)
{
	struct ike_act *a;

	sa->use_ok = sa->use_sent = false;
	sa->use_at = 0;
	sa->use_pending = 0;
	for (struct ike_child *c = sa->children; c; c = c->next) {
		if (c->installed && (a = ike_act(k, IKE_ACT_QUERY_USE, sa))) {
			a->spi_in = c->spi_in;
			sa->use_pending++;
		}
	}
	sa->use_until = k->now + TICK_S(1);
	if (sa->use_pending == 0)
		decide(k, sa);
	else
		arm(k, sa);
}

void
ike_live_use(struct ike *k, struct ike_sa *sa, bool ok, bool sent, tick_t at)
{
	if (sa->use_pending == 0)
		return;
	sa->use_ok |= ok;
	sa->use_at = at > sa->use_at ? at : sa->use_at;
	sa->use_sent |= sent;
	if (--sa->use_pending == 0)
		decide(k, sa);
}

void
ike_live_timer(struct ike *k, struct ike_sa *sa)
{
	tick_t live = live_every(k, sa), keep = keep_every(k, sa), tx = sa->last_tx > sa->last_esp_tx ? sa->last_tx : sa->last_esp_tx;

	if (sa->state != IKE_SA_EST)
		return;
	if (sa->use_pending) {	/* the data plane does not say: as if nothing came in */
		sa->sent_since_rx = true;
		decide(k, sa);
		return;
	}
	if (sa->live_at <= k->now && k->now - sa->last_rx < live / 10 * 8)
		sa->live_at = sa->last_rx + env_jitter(&k->env.env, live, 10);
	if (sa->live_at <= k->now && sa->x.kind != IKE_X_NONE)
		sa->live_at = k->now + live;	/* a request in flight tells as much */
	if (sa->keep_at <= k->now && k->now - tx < keep)
		sa->keep_at = tx + keep;
	sa->use_live = sa->live_at <= k->now;
	sa->use_keep = sa->keep_at <= k->now;
	if (sa->use_live || sa->use_keep)
		query(k, sa);
	else
		arm(k, sa);
}

void
ike_live_suspect(struct ike *k, struct ike_sa *sa)
{
	if (sa->state != IKE_SA_EST || (sa->last_suspect && k->now - sa->last_suspect < IKE_SUSPECT_EVERY))
		return;
	sa->last_suspect = k->now ? k->now : 1;
	if (sa->x.kind == IKE_X_NONE) {
		sa->want_live = true;
		sa->live_wait = IKE_SHORT_RETRY;
		sa->live_tries = 0;
		ike_sa_kick(k, sa);
		return;
	}
	if (sa->x.wait == IKE_SHORT_RETRY)
		return;
	sa->x.wait = IKE_SHORT_RETRY;
	sa->x.tries_max = sa->x.tries + 4;
	timer_arm(&k->timers, &sa->t_retx, k->now + IKE_SHORT_RETRY);
}
