/* ikecore/engine/create_child.c: CREATE_CHILD_SA, both sides: a new child, rekeying a child, rekeying the IKE SA, and what
 * happens when both ends ask at once (RFC 7296 1.3, 2.8, 2.25).
 *
 * Objects that an exchange will make are allocated before it is begun (ours) or answered (theirs), so that memory cannot
 * fail once the peer believes in them. Key exchange values, ours and the peer's, are jobs. One of ours begins with a job: until our
 * value is there nothing was said, so to the peer it does not exist, and what it asks meanwhile may make it pointless. A request of
 * the peer whose key exchange is being computed waits in cc_rx. The state is judged again when a result is there.
 *
 *	I am			peer asks		answer
 *	rekeying child X	rekey X			normal; the SA made with the lowest of four nonces is closed by its creator
 *	rekeying child X	delete X		normal; our rekey will get CHILD_SA_NOT_FOUND
 *	deleting X		rekey X			TEMPORARY_FAILURE
 *	deleting X		delete X		answer without it (info.c)
 *	(no X)			rekey X			CHILD_SA_NOT_FOUND
 *	rekeying IKE		rekey IKE		normal; nonce rule; the winner inherits the children
 *	rekeying IKE		new, rekey child	TEMPORARY_FAILURE
 *	rekeying IKE		delete child, IKE	normal (info.c)
 *	busy with a child	rekey IKE		TEMPORARY_FAILURE
 *	deleting, rekeyed IKE	anything here		TEMPORARY_FAILURE
 *
 * Several pairs where one is enough (both asked for a new one) are judged in child.c (ike_child_spare), once all is quiet.
 *
 * In a collision both exchanges must be known before one loses: our side judges when our own answer comes, with what it
 * answered to the peer meanwhile (cc->peer_new, sa->peer_successor). A child that lost is never installed by its creator. */
#include "ikecore/engine/ike_priv.h"

static struct span
nonce_span(const struct ike_nonce *n)
{
	return span_of(n->b, n->n);
}

/* Our exchange, as far as the peer can know of it. */
static struct ike_cc *
asked(const struct ike_sa *sa)
{
	return sa->cc_tx && sa->cc_tx->stage != IKE_CC_BEGUN ? sa->cc_tx : NULL;
}

void
ike_cc_free(struct ike *k, struct ike_cc **cc)
{
	struct ike_cc *c = *cc;
	struct ike_sa *heir;

	if (!c)
		return;
	*cc = NULL;
	heir = ike_sa_find(k, c->heir);
	if (heir)
		ike_sa_free(k, heir);
	ike_child_free(k, c->child);
	ike_kex_free(&k->env.env, c->kex);
	ike_job_discard(c->job);
	if (c->more)
		ike_wipe(c->more, sizeof(*c->more));
	env_free(&k->env.env, c->more);
	ike_wipe(c, sizeof(*c));
	env_free(&k->env.env, c);
}

static struct ike_cc *
cc_new(struct ike *k, enum ike_cc_kind kind, bool ours, uint16_t group, bool more)
{
	struct ike_cc *cc = env_alloc(&k->env.env, sizeof(*cc));
	struct ike_nonce *mine;
	struct ike_sa *heir = NULL;

	if (!cc)
		return NULL;
	cc->kind = kind;
	cc->ours = ours;
	cc->group = group;
	mine = ours ? &cc->ni : &cc->nr;
	mine->n = IKE_NONCE_LEN;
	k->env.env.random(k->env.env.ctx, mine->b, mine->n);
	if (group)
		cc->kex = ike_kex_new(&k->env.env, group);
	if (kind == IKE_CC_REKEY_IKE)
		heir = ike_sa_new(k, ours);
	else
		cc->child = ike_child_new(k);
	if (heir)
		heir->state = IKE_SA_FAILED;	/* takes nothing until it has keys */
	cc->heir = heir ? heir->id : 0;
	if (more)
		cc->more = env_alloc(&k->env.env, sizeof(*cc->more));
	if ((!group || cc->kex) && (heir || cc->child) && (!more || cc->more))
		return cc;
	ike_cc_free(k, &cc);
	return NULL;
}

struct secrets {
	struct span first, more;
};
static const struct secrets no_secrets = { { (const uint8_t *)"", 0 }, { (const uint8_t *)"", 0 } };

/* An heir that is given keys: a copy of the old one in all but those. */
static bool
make_heir(struct ike_sa *sa, struct ike_sa *heir, const struct ike_cc *cc, const struct secrets *s)
{
	struct ike_seed seed = { .g_ir = s->first, .ni = nonce_span(&cc->ni), .nr = nonce_span(&cc->nr), .more = s->more };
	const struct ike_choice *ch = &cc->choice;

	*(heir->initiator ? &heir->spi_r : &heir->spi_i) = ch->ike_spi;
	heir->suite = (struct ike_suite){ .encr = ch->encr, .encr_bits = ch->bits, .prf = ch->prf, .integ = ch->integ, .group = ch->group };
	seed.spi_i = heir->spi_i;
	seed.spi_r = heir->spi_r;
	if (!ike_keys_rekey(&heir->suite, &sa->keys, &seed, &heir->keys))
		return false;
	heir->has_keys = true;
	heir->local = sa->local;
	heir->remote = sa->remote;
	heir->natted_local = sa->natted_local;
	heir->natted_remote = sa->natted_remote;
	heir->encap = sa->encap;
	heir->inner_local = sa->inner_local;
	heir->inner_remote = sa->inner_remote;
	heir->profile = sa->profile;
	heir->key = sa->key;
	heir->ppk = sa->ppk;
	heir->ext = sa->ext;
	memcpy(heir->addke, ike_follow_chosen(ch) ? ch->addke : sa->addke, sizeof(heir->addke));	/* what those gave is in SK_d */
	heir->unwelcome = sa->unwelcome;
	heir->local_id = sa->local_id;
	heir->peer_id = sa->peer_id;
	heir->state = IKE_SA_EST;
	ike_low_of(&heir->low, &cc->ni, &cc->nr);
	return true;
}

static struct ike_child_made
made_of(const struct ike_cc *cc, const struct secrets *s)
{
	return (struct ike_child_made){ .ch = &cc->choice, .ni = &cc->ni, .nr = &cc->nr, .g_ir = s->first, .more = s->more, .ours = cc->ours,
		.sel = &cc->sel };
}

/* A secret is there, the last one or the only one: all there are. */
static struct secrets
all_secrets(const struct ike_cc *cc, const struct ike_job *job)
{
	const struct ike_more *m = cc->more;

	if (!ike_follow_chosen(&cc->choice))
		return (struct secrets){ span_of(job->shared, job->shared_len), span_of("", 0) };
	return (struct secrets){ span_of(m->first, m->n_first), span_of(m->rest, m->n_rest) };
}

/* ---- our request */
/* It is tried again later, several times while what it is to replace still lives. */
void
ike_cc_hold(struct ike *k, struct ike_sa *sa, const struct ike_cc *cc, tick_t wait)
{
	struct ike_child *old = ike_child_find(k, cc->old);
	tick_t at;

	if (old && old->expires > k->now)
		wait = tick_min(wait, TICK_MS(250) + (old->expires - k->now) / 4);
	at = k->now + env_jitter(&k->env.env, wait, 25);
	if (old && old->sa) {
		old->retry_at = at;
		ike_sa_kick_at(k, old->sa, at);
	} else {
		sa->retry_at = at;
		ike_sa_kick_at(k, sa, at);
	}
}

static void
build_rekey_notify(struct ike_tx *t, uint16_t type, uint32_t spi)
{
	uint8_t b[4];

	put_be32(b, spi);
	ike_build_notify(&t->b, IKE_PROTO_ESP, span_of(b, 4), type, span_of("", 0));
}

static void
build_request(struct ike *k, struct ike_sa *sa, struct ike_cc *cc, struct span pub, struct ike_tx *t)
{
	const struct ike_profile *p = ike_profile(k, sa->profile);
	struct ike_sa *heir = ike_sa_find(k, cc->heir);
	struct ike_ts_pair ts;
	struct ike_offer o;

	ike_tx_request(t, sa, IKE_CREATE_CHILD_SA);
	if (heir) {
		ike_offer_ike(p, sa->suite.prf, heir->spi_i, &o);
	} else {
		if (cc->old)
			build_rekey_notify(t, IKE_N_REKEY_SA, cc->old);
		ike_sel_ask_mode(p, t);
		ike_offer_esp(p, true, cc->child->spi_in, &o);
	}
	ike_build_sa(&t->b, o.prop, o.n_prop, o.xf);
	ike_build_nonce(&t->b, nonce_span(&cc->ni));
	if (cc->group)
		ike_build_ke(&t->b, cc->group, pub);
	if (!heir) {
		ike_sel_offer(p, sa, cc->sel.set, &ts);
		ike_sel_build(t, &ts);
	}
}

static bool
send_request(struct ike *k, struct ike_sa *sa, struct ike_cc *cc, struct span pub)
{
	struct ike_tx t;

	build_request(k, sa, cc, pub, &t);
	if (!ike_x_start(k, sa, IKE_X_CREATE, &t))
		return false;
	cc->stage = IKE_CC_ASKED;
	return true;
}

/* A job carries the key exchange away from here; the rest of the exchange stays in cc. */
bool
ike_cc_job_begin(struct ike *k, struct ike_sa *sa, struct ike_cc *cc, enum ike_job_kind kind, struct span peer)
{
	struct ike_job *job = cc->kex ? ike_job_new(k, sa, kind, &cc->kex, peer) : NULL;
	uint32_t *serial = cc->ours ? &sa->job : &sa->job_rx;

	if (!job)
		return false;
	*serial = job->serial;
	if (ike_job_emit(k, sa, job))
		return true;
	*serial = 0;
	return false;
}

/* With a key exchange of its own the request is sent when our value is there. */
static bool
start(struct ike *k, struct ike_sa *sa, const struct ike_cc *what, uint16_t group, unsigned ke_rounds)
{
	bool more = group && ike_follow_offers(ike_profile(k, sa->profile), what->kind);
	struct ike_cc *cc = NULL;

	if (sa->n_children < ike_children_max(k, sa) || what->kind == IKE_CC_REKEY_IKE)
		cc = cc_new(k, what->kind, true, group, more);
	if (!cc)
		return false;
	cc->old = what->old;
	cc->sel.set = what->sel.set;
	cc->ke_rounds = ke_rounds;
	if (group ? !ike_cc_job_begin(k, sa, cc, IKE_JOB_PUBLIC, span_of("", 0)) : !send_request(k, sa, cc, span_of("", 0))) {
		ike_cc_free(k, &cc);
		return false;
	}
	sa->cc_tx = cc;
	return true;
}

/* Our value is there. Is what it is for still wanted? The peer may have made or deleted something meanwhile. */
static bool
still_wanted(struct ike *k, struct ike_sa *sa, const struct ike_cc *cc)
{
	const struct ike_child *old = ike_child_find(k, cc->old);

	if (sa->state != IKE_SA_EST || sa->doom)
		return false;
	if (cc->kind == IKE_CC_REKEY_IKE)
		return !ike_sa_find(k, sa->peer_successor);
	if (cc->kind == IKE_CC_REKEY_CHILD)
		return old && old->sa == sa && old->state == IKE_CH_UP;
	return !sa->want_child || !ike_pair_up(sa, cc->sel.set);
}

static void
our_value(struct ike *k, struct ike_sa *sa, struct ike_cc *cc)
{
	struct span pub = ike_kex_public(cc->job->kex);

	if (!still_wanted(k, sa, cc)) {
		ike_cc_free(k, &cc);
		ike_info_mind_childless(k, sa);
		return;
	}
	if (pub.n && sa->x.kind == IKE_X_NONE && send_request(k, sa, cc, pub)) {
		sa->cc_tx = cc;
		return;
	}
	ike_cc_hold(k, sa, cc, TICK_S(1));
	ike_cc_free(k, &cc);
}

bool
ike_cc_start(struct ike *k, struct ike_sa *sa, enum ike_cc_kind kind, struct ike_child *old, uint32_t set)
{
	struct ike_cc what = { .kind = kind, .old = old ? old->spi_in : 0, .sel.set = old ? old->set : set };
	const struct ike_profile *p = ike_profile(k, sa->profile);
	uint16_t group = kind == IKE_CC_REKEY_IKE ? sa->suite.group : ike_first_group(p, true);
	char ep[ENDPOINT_STRLEN];

	if (kind == IKE_CC_REKEY_IKE && !ike_offers_group(p, false, group))
		group = ike_first_group(p, false);
	IKE_DEBUG(k, "ike-rekey", "%s: %s", endpoint_fmt(&sa->remote, ep), kind == IKE_CC_NEW ? "another ESP SA is asked for" :
	    kind == IKE_CC_REKEY_IKE ? "the IKE SA is to be replaced" : "an ESP SA is to be replaced");
	return start(k, sa, &what, group, 0);
}

/* ---- our request was refused */
static void
refused_child(struct ike *k, struct ike_sa *sa, const struct ike_cc *cc, uint16_t type)
{
	if (cc->kind == IKE_CC_NEW && ike_pair_refused(k, sa, cc->sel.set, type))
		return;
	if (cc->kind == IKE_CC_NEW && ike_child_count_up(sa) == 0 && ++sa->child_tries >= 3) {
		ike_sa_down(k, sa, IKE_DOWN_PROPOSAL,
		    ike_words_refused(ike_profile(k, sa->profile), true, true, "peer refuses the IPsec SA", k->text), 0, true);
		return;
	}
	ike_cc_hold(k, sa, cc, TICK_S(10));	/* until its lifetime ends */
}

static void
not_found(struct ike *k, struct ike_sa *sa, const struct ike_cc *cc)
{
	struct ike_child *old = ike_child_find(k, cc->old);

	if (old && old->sa == sa && old->state != IKE_CH_LINGER)
		ike_child_drop(k, old);	/* the peer does not have it; nothing to delete there */
	if (!ike_pair_up(sa, cc->sel.set))
		sa->want_child = true;
}

void
ike_cc_refused(struct ike *k, struct ike_sa *sa, const struct ike_cc *cc, const struct ike_notify *n)
{
	struct ike_sa *heir = ike_sa_find(k, sa->peer_successor);

	if (cc->kind == IKE_CC_REKEY_IKE && heir) {	/* it refused ours, and we took its */
		ike_sa_takeover(k, sa, heir);
		return;
	}
	if (cc->kind == IKE_CC_REKEY_CHILD && (cc->peer_new || !ike_child_find(k, cc->old))) {
		if (!ike_pair_up(sa, cc->sel.set))
			sa->want_child = true;
		return;
	}
	switch (n ? n->type : 0) {
	case IKE_N_TEMPORARY_FAILURE:
		if (++sa->temp_tries > IKE_TEMP_TRIES)
			ike_sa_down(k, sa, IKE_DOWN_PROTOCOL, "peer puts rekeying off for too long", 0, true);
		else
			ike_cc_hold(k, sa, cc, IKE_TEMP_RETRY);
		return;
	case IKE_N_CHILD_SA_NOT_FOUND:
		not_found(k, sa, cc);
		return;
	case IKE_N_NO_ADDITIONAL_SAS:	/* it wants a new IKE SA for that, or has enough */
		if (cc->kind != IKE_CC_NEW || !ike_pair_refused(k, sa, cc->sel.set, n->type))
			ike_sa_down(k, sa, IKE_DOWN_EXPIRED, "peer takes no more SAs in this IKE SA", 0, true);
		return;
	default:	/* from the wire */
		refused_child(k, sa, cc, n ? n->type : 0);
		return;
	}
}

static bool
other_group(struct ike *k, struct ike_sa *sa, const struct ike_cc *cc, const struct ike_notify *n)
{
	uint16_t group = n->data.n == 2 ? get_be16(n->data.p) : 0;

	return group && group != cc->group && cc->ke_rounds < IKE_KE_ROUNDS &&
	    ike_offers_group(ike_profile(k, sa->profile), cc->kind != IKE_CC_REKEY_IKE, group) &&
	    start(k, sa, cc, group, cc->ke_rounds + 1);
}

/* ---- our request was granted */
static void
finish_child(struct ike *k, struct ike_sa *sa, struct ike_cc *cc, const struct secrets *s)
{
	struct ike_child_made made = made_of(cc, s);
	struct ike_child *old = ike_child_find(k, cc->old), *theirs = ike_child_find(k, cc->peer_new), *c = cc->child;
	struct ike_low low;

	cc->child = NULL;
	sa->temp_tries = 0;
	sa->want_child = false;	/* others are found missing when it goes on */
	ike_low_of(&low, &cc->ni, &cc->nr);
	if (theirs && theirs->sa == sa && ike_low_cmp(&low, &cc->peer_low) < 0) {	/* ours loses: never installed, closed by us */
		ike_child_file(k, sa, c, &made);
		ike_child_want_delete(k, c);
		if (old && old->state == IKE_CH_UP) {
			old->state = IKE_CH_REKEYED;
			old->successor = cc->peer_new;
			timer_arm(&k->timers, &old->timer, k->now + IKE_REPLACED_LIFE);
		}
		return;
	}
	c->replaces = cc->old;
	if (!ike_child_install(k, sa, c, &made, true)) {
		ike_cc_hold(k, sa, cc, TICK_S(10));
		return;
	}
	if (old && old->sa == sa && old->state != IKE_CH_LINGER) {
		old->successor = c->spi_in;	/* deleted when the data plane has taken that: ike_child_taken() */
		old->state = IKE_CH_REKEYED;
		timer_arm(&k->timers, &old->timer, k->now + IKE_REPLACED_LIFE);
	}
}

static void
finish_ike(struct ike *k, struct ike_sa *sa, struct ike_cc *cc, const struct secrets *s)
{
	struct ike_sa *heir = ike_sa_find(k, cc->heir), *theirs = ike_sa_find(k, sa->peer_successor);

	if (!heir || !make_heir(sa, heir, cc, s)) {
		ike_cc_hold(k, sa, cc, TICK_S(10));
		return;
	}
	cc->heir = 0;
	ike_keylog_sa(k, heir);
	if (theirs && ike_low_cmp(&heir->low, &theirs->low) < 0) {	/* ours loses: closed by us; the peer deletes the old one */
		ike_sa_takeover(k, sa, theirs);
		heir->state = IKE_SA_CLOSING;
		heir->want_close = true;
		timer_arm(&k->timers, &heir->t_life, k->now + IKE_HALF_LIFE);
		ike_sa_kick(k, heir);
		return;
	}
	if (theirs) {	/* the peer closes it */
		theirs->orphan_at = k->now + IKE_ORPHAN_LIFE;
		ike_sa_arm_life(k, theirs);
	}
	ike_sa_takeover(k, sa, heir);
	sa->want_close = true;
	ike_sa_kick(k, sa);
	ike_sa_kick_at(k, heir, k->now);
}

static void
finish(struct ike *k, struct ike_sa *sa, struct ike_cc *cc, const struct secrets *s)
{
	if (cc->kind == IKE_CC_REKEY_IKE)
		finish_ike(k, sa, cc, s);
	else
		finish_child(k, sa, cc, s);
}

static enum ike_drop
check_answer(struct ike *k, struct ike_sa *sa, struct ike_cc *cc, const struct ike_msg *m)
{
	const struct ike_profile *p = ike_profile(k, sa->profile);
	bool ike = cc->kind == IKE_CC_REKEY_IKE;

	if (!ike_msg_has(m, IKE_PL_SA) || m->nonce.n < IKE_NONCE_MIN || m->nonce.n > IKE_NONCE_MAX)
		return IKE_DROP_PAYLOAD_PLACE;
	if (ike ? !ike_answer_ike(p, m, sa->suite.prf, true, &cc->choice) : !ike_answer_esp(p, m, true, &cc->choice))
		return IKE_DROP_PROPOSAL;
	if (cc->choice.group != cc->group || (cc->group && (m->ke_group != cc->group || m->ke.n != ike_group_answer_len(cc->group))))
		return IKE_DROP_GROUP;
	if (span_eq(m->nonce, nonce_span(&cc->ni)))
		return IKE_DROP_NONCE;
	if (ike)
		return cc->choice.ike_spi ? IKE_OK : IKE_DROP_SPI_ZERO;
	return ike_sel_agreed(k, sa, m, cc->sel.set, &cc->sel);
}

/* Something that we cannot use: the peer has it, so it must be deleted there. */
void
ike_cc_undo(struct ike *k, struct ike_sa *sa, struct ike_cc *cc)
{
	struct ike_child_made made = made_of(cc, &no_secrets);
	struct ike_child *c = cc->child;

	if (c) {
		cc->child = NULL;
		ike_child_file(k, sa, c, &made);
		ike_child_want_delete(k, c);
	}
	ike_cc_refused(k, sa, cc, NULL);
}

enum ike_drop
ike_cc_response(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, struct ike_msg *m)
{
	const struct ike_notify *n = ike_msg_error(m);
	struct ike_cc *cc = sa->cc_tx;
	enum ike_drop d;

	(void)rx;
	if (!cc || sa->state != IKE_SA_EST)
		return IKE_DROP_STATE;
	sa->cc_tx = NULL;	/* put back where it goes on */
	if (n) {
		if (n->type != IKE_N_INVALID_KE_PAYLOAD || !other_group(k, sa, cc, n))
			ike_cc_refused(k, sa, cc, n);
		ike_cc_free(k, &cc);
		return IKE_DROP_STATE;
	}
	d = check_answer(k, sa, cc, m);
	if (d == IKE_OK && ike_follow_chosen(&cc->choice) && !ike_follow_link(cc, m))
		d = IKE_DROP_NOTIFY_SYNTAX;
	if (d == IKE_OK && cc->heir && ike_sa_find(k, cc->heir))
		ike_qcd_take(k, ike_sa_find(k, cc->heir), m);
	if (d == IKE_OK && cc->group)
		d = ike_job_again(k, sa, &cc->job, m->ke) ? IKE_OK : IKE_DROP_ROOM;
	if (d != IKE_OK) {
		ike_cc_undo(k, sa, cc);
		ike_cc_free(k, &cc);
		return d;
	}
	cc->nr.n = (uint16_t)m->nonce.n;
	memcpy(cc->nr.b, m->nonce.p, m->nonce.n);
	if (cc->group) {
		sa->cc_tx = cc;
		return IKE_OK;
	}
	finish(k, sa, cc, &no_secrets);
	ike_cc_free(k, &cc);
	return IKE_OK;
}

/* ---- the peer's request */
static void
answer_error(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, uint32_t mid, uint16_t type, struct span data)
{
	ike_respond_error(k, sa, IKE_CREATE_CHILD_SA, mid, rx, type, data);
}

static void
answer_not_found(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, uint32_t mid, const struct ike_notify *n)
{
	struct ike_tx t;

	ike_tx_response(&t, sa, IKE_CREATE_CHILD_SA, mid);
	ike_build_notify(&t.b, n->proto, n->spi, IKE_N_CHILD_SA_NOT_FOUND, span_of("", 0));
	ike_respond(k, sa, &t, rx);
}

/* Is the time right? Error to answer with, or 0. `old` is the child to be rekeyed, if that is what is asked. */
static uint16_t
timing(const struct ike *k, const struct ike_sa *sa, enum ike_cc_kind kind, const struct ike_child *old)
{
	const struct ike_cc *ours = asked(sa);
	bool child_busy = (ours && ours->kind != IKE_CC_REKEY_IKE) || sa->x.kind == IKE_X_DEL_CHILD;
	bool rekeying_ike = ours && ours->kind == IKE_CC_REKEY_IKE;

	if (sa->state != IKE_SA_EST || sa->doom)
		return IKE_N_TEMPORARY_FAILURE;
	if (ours && ours->stage == IKE_CC_MORE && ours->kind == kind && kind != IKE_CC_NEW && (!old || ours->old == old->spi_in))
		return IKE_N_TEMPORARY_FAILURE;	/* RFC 9370 2.2.4.1: past the point where nonces decide */
	if (kind == IKE_CC_REKEY_IKE)
		return child_busy || ike_sa_find(k, sa->peer_successor) ? IKE_N_TEMPORARY_FAILURE : 0;	/* 2.25.2 */
	if (rekeying_ike || ike_hold_until(k, sa))
		return IKE_N_TEMPORARY_FAILURE;
	if (kind == IKE_CC_REKEY_CHILD && old->state != IKE_CH_UP)
		return IKE_N_TEMPORARY_FAILURE;
	return sa->n_children >= ike_children_max(k, sa) ? IKE_N_NO_ADDITIONAL_SAS : 0;
}

static bool
select_for(struct ike *k, struct ike_sa *sa, enum ike_cc_kind kind, const struct ike_msg *m, struct ike_choice *ch)
{
	const struct ike_profile *p = ike_profile(k, sa->profile);

	if (kind == IKE_CC_REKEY_IKE)
		return ike_select_ike(p, m, m->ke_group, sa->suite.prf, ch) && ch->ike_spi;
	return ike_select_esp(p, m, true, m->ke_group, ch);
}

static void
log_mismatch(struct ike *k, const struct ike_sa *sa, const struct ike_msg *m, enum ike_cc_kind kind, bool selectors)
{
	char text[IKE_REASON_MAX], id[600];

	ike_log_id(&sa->peer_id, id);
	log_limited(k->env.env.log, &k->log_prop, k->now, LOG_LV_NOTICE, selectors ? "rekey-selectors" : "rekey-no-proposal", "%s: %s", id,
	    selectors ? ike_sel_mismatch(ike_profile(k, sa->profile), m, text) :
	    ike_words_mismatch(ike_profile(k, sa->profile), m, kind != IKE_CC_REKEY_IKE, true, text));
}

/* Proposal, group, mode and selectors. 0 or the error to answer with. */
static uint16_t
examine(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, const struct ike_msg *m, const struct ike_child *old, struct ike_cc *want)
{
	enum ike_cc_kind kind = want->kind;
	enum ike_drop d;

	if (!select_for(k, sa, kind, m, &want->choice)) {
		want->choice.encr = 0;	/* something of a try may stand there */
		return IKE_N_NO_PROPOSAL_CHOSEN;
	}
	if (m->nonce.n < IKE_NONCE_MIN || m->nonce.n > IKE_NONCE_MAX)
		return IKE_N_INVALID_SYNTAX;
	if (want->choice.group) {
		if (m->ke_group != want->choice.group)
			return IKE_N_INVALID_KE_PAYLOAD;
		if (m->ke.n != ike_group_public_len(want->choice.group))
			return IKE_N_INVALID_SYNTAX;
	}
	if (kind == IKE_CC_REKEY_IKE)
		return 0;
	d = ike_sel_narrow(k, sa, rx, m, old, &want->ts, &want->sel);
	return d == IKE_OK ? 0 : d == IKE_DROP_MODE ? IKE_N_NO_PROPOSAL_CHOSEN : IKE_N_TS_UNACCEPTABLE;
}

static enum ike_exchange
exchange_of(const struct ike_cc *cc)
{
	return cc->stage == IKE_CC_MORE ? IKE_FOLLOWUP_KE : IKE_CREATE_CHILD_SA;
}

static bool
build_answer(struct ike *k, struct ike_sa *sa, struct ike_cc *cc, struct span pub, struct ike_tx *t)
{
	struct ike_sa *heir = ike_sa_find(k, cc->heir);
	struct ike_offer o;

	ike_tx_response(t, sa, exchange_of(cc), cc->mid);
	if (cc->stage == IKE_CC_MORE) {
		ike_build_ke(&t->b, cc->choice.addke[cc->at], pub);
		return pub.n != 0;
	}
	if (heir) {
		ike_offer_choice(&cc->choice, IKE_PROTO_IKE, heir->spi_r, &o);
	} else {
		ike_sel_answer_mode(&cc->sel, t);
		ike_offer_choice(&cc->choice, IKE_PROTO_ESP, cc->child->spi_in, &o);
	}
	ike_build_sa(&t->b, o.prop, o.n_prop, o.xf);
	ike_build_nonce(&t->b, nonce_span(&cc->nr));
	if (cc->group)
		ike_build_ke(&t->b, cc->group, pub);
	if (!heir)
		ike_sel_build(t, &cc->ts);
	return pub.n || !cc->group;
}

/* The peer's new child: installed, but not sent on before the peer does. */
static bool
grant_child(struct ike *k, struct ike_sa *sa, struct ike_cc *cc, const struct secrets *s)
{
	struct ike_child_made made = made_of(cc, s);
	struct ike_child *old = ike_child_find(k, cc->old), *c = cc->child;
	struct ike_cc *ours = asked(sa);
	bool several = ike_profile(k, sa->profile)->n_more > 0;
	bool alone = !ike_pair_up(sa, cc->sel.set) && !(several && ike_sa_has_twin(k, sa));

	cc->child = NULL;
	c->replaces = cc->old;
	if (!ike_child_install(k, sa, c, &made, alone))
		return false;
	c->unsure = true;
	if (!old)
		return true;
	if (ours && ours->kind == IKE_CC_REKEY_CHILD && ours->old == cc->old) {
		ours->peer_new = c->spi_in;	/* both at once: judged when our own answer comes */
		ike_low_of(&ours->peer_low, &cc->ni, &cc->nr);
		return true;
	}
	old->state = IKE_CH_REKEYED;
	old->successor = c->spi_in;
	timer_arm(&k->timers, &old->timer, k->now + IKE_REPLACED_LIFE);
	return true;
}

static void
grant_ike(struct ike *k, struct ike_sa *sa, struct ike_sa *heir)
{
	ike_keylog_sa(k, heir);
	if (asked(sa) && asked(sa)->kind == IKE_CC_REKEY_IKE) {
		sa->peer_successor = heir->id;
		heir->orphan_at = k->now + 2 * IKE_ORPHAN_LIFE;
		ike_sa_arm_life(k, heir);
	} else {
		ike_sa_takeover(k, sa, heir);
	}
}

/* All is known and possible: act, then answer. cc is the caller's to free. */
static enum ike_drop
grant(struct ike *k, struct ike_sa *sa, struct ike_cc *cc, struct span pub, const struct secrets *s)
{
	struct ike_sa *heir = ike_sa_find(k, cc->heir);
	struct ike_rx rx = cc->rx;
	struct ike_tx t;

	if (!build_answer(k, sa, cc, pub, &t))
		return IKE_DROP_MEMORY;
	if (heir ? !make_heir(sa, heir, cc, s) : !grant_child(k, sa, cc, s)) {
		ike_respond_error(k, sa, exchange_of(cc), cc->mid, &rx, IKE_N_NO_PROPOSAL_CHOSEN, span_of("", 0));
		return IKE_DROP_PROPOSAL;
	}
	cc->heir = 0;
	if (heir)
		ike_qcd_put(k, heir, &t);
	ike_respond(k, sa, &t, &rx);
	if (heir)
		grant_ike(k, sa, heir);
	return IKE_OK;
}

static enum ike_drop
accept_request(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, const struct ike_msg *m, enum ike_cc_kind kind,
    const struct ike_cc *want, uint32_t old)
{
	struct ike_cc *cc = cc_new(k, kind, false, want->choice.group, ike_follow_chosen(&want->choice));
	enum ike_drop d;

	if (!cc)
		return IKE_DROP_MEMORY;	/* counts as lost; the peer asks again */
	ike_follow_drop(k, sa);	/* the peer does not go on with that */
	cc->stage = IKE_CC_ASKED;
	cc->choice = want->choice;
	cc->ts = want->ts;
	cc->sel = want->sel;
	cc->old = old;
	cc->mid = m->hdr.mid;
	cc->rx = *rx;
	cc->rx.packet = span_of("", 0);
	cc->ni.n = (uint16_t)m->nonce.n;
	memcpy(cc->ni.b, m->nonce.p, m->nonce.n);
	if (cc->group) {
		if (ike_cc_job_begin(k, sa, cc, IKE_JOB_BOTH, m->ke)) {
			sa->cc_rx = cc;
			return IKE_OK;
		}
		d = IKE_DROP_MEMORY;
	} else {
		d = grant(k, sa, cc, span_of("", 0), &no_secrets);
	}
	ike_cc_free(k, &cc);
	return d;
}

enum ike_drop
ike_cc_request(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, struct ike_msg *m)
{
	const struct ike_notify *n = ike_msg_notify(m, IKE_N_REKEY_SA);
	enum ike_cc_kind kind = m->n_prop && m->prop[0].proto == IKE_PROTO_IKE ? IKE_CC_REKEY_IKE : n ? IKE_CC_REKEY_CHILD : IKE_CC_NEW;
	struct ike_child *old = NULL;
	struct ike_cc want = { .kind = kind };
	uint8_t group[2] = { 0 };
	uint16_t error;

	if (kind == IKE_CC_REKEY_CHILD) {
		if (n->proto != IKE_PROTO_ESP || n->spi.n != 4) {
			answer_error(k, sa, rx, m->hdr.mid, IKE_N_INVALID_SYNTAX, span_of("", 0));
			return IKE_DROP_NOTIFY_SYNTAX;
		}
		old = ike_child_by_out(sa, get_be32(n->spi.p));
		if (!old && sa->state == IKE_SA_EST) {
			answer_not_found(k, sa, rx, m->hdr.mid, n);
			return IKE_DROP_STATE;
		}
	}
	error = timing(k, sa, kind, old);
	if (error) {
		answer_error(k, sa, rx, m->hdr.mid, error, span_of("", 0));
		return IKE_DROP_STATE;
	}
	error = examine(k, sa, rx, m, old, &want);
	if (error) {
		put_be16(group, want.choice.group);
		if (!want.choice.encr || error == IKE_N_TS_UNACCEPTABLE)
			log_mismatch(k, sa, m, kind, want.choice.encr != 0);
		answer_error(k, sa, rx, m->hdr.mid, error, span_of(group, error == IKE_N_INVALID_KE_PAYLOAD ? 2 : 0));
		return error == IKE_N_INVALID_KE_PAYLOAD ? IKE_DROP_GROUP
		       : error == IKE_N_TS_UNACCEPTABLE	 ? IKE_DROP_SELECTORS
							 : IKE_DROP_PROPOSAL;
	}
	return accept_request(k, sa, rx, m, kind, &want, old ? old->spi_in : 0);
}

/* ---- a value or a secret is computed */
/* One of several: answers, and waits for the peer's next. */
static void
answer_part(struct ike *k, struct ike_sa *sa, struct ike_cc *cc, struct span pub)
{
	struct ike_rx rx = cc->rx;
	struct ike_tx t;

	if (!build_answer(k, sa, cc, pub, &t)) {
		ike_cc_free(k, &cc);
		return;
	}
	ike_follow_link_new(k, cc, &t);
	ike_respond(k, sa, &t, &rx);
	ike_follow_wait(k, sa, cc);
}

static void
theirs_computed(struct ike *k, struct ike_sa *sa, struct ike_job *job)
{
	struct ike_cc *cc = sa->cc_rx;
	struct ike_child *old = ike_child_find(k, cc->old);
	struct secrets s;
	uint16_t error;

	sa->cc_rx = NULL;
	if (!ike_spare(k)) {
		ike_cc_free(k, &cc);
		return;
	}
	error = cc->kind == IKE_CC_REKEY_CHILD && (!old || old->sa != sa || old->state == IKE_CH_LINGER) ? IKE_N_TEMPORARY_FAILURE :
	    timing(k, sa, cc->kind, old);	/* much may have happened meanwhile */
	if (!error && job->shared_len == 0)
		error = IKE_N_INVALID_SYNTAX;
	if (error) {
		ike_respond_error(k, sa, exchange_of(cc), cc->mid, &cc->rx, error, span_of("", 0));
	} else if (ike_follow_chosen(&cc->choice) && !ike_follow_keep(cc, job)) {
		answer_part(k, sa, cc, ike_kex_public(job->kex));
		ike_sa_kick(k, sa);
		return;
	} else {
		s = all_secrets(cc, job);
		grant(k, sa, cc, ike_kex_public(job->kex), &s);
	}
	ike_cc_free(k, &cc);
	ike_sa_kick(k, sa);
}

/* A secret of ours: the SA is there, or the next exchange begins. */
static void
our_secret(struct ike *k, struct ike_sa *sa, struct ike_cc *cc, struct ike_job *job)
{
	struct secrets s;

	if (job->shared_len == 0) {
		ike_cc_undo(k, sa, cc);
	} else if (ike_follow_chosen(&cc->choice) && !ike_follow_keep(cc, job)) {
		if (ike_follow_yields(k, sa, cc)) {
			ike_cc_free(k, &cc);
			return;
		}
		if (ike_follow_begin(k, sa, cc)) {
			sa->cc_tx = cc;
			return;
		}
		ike_cc_hold(k, sa, cc, TICK_S(1));
	} else {
		s = all_secrets(cc, job);
		finish(k, sa, cc, &s);
	}
	ike_cc_free(k, &cc);
}

static void
our_next_value(struct ike *k, struct ike_sa *sa, struct ike_cc *cc)
{
	if (sa->state == IKE_SA_EST && ike_follow_ask(k, sa, cc)) {
		sa->cc_tx = cc;
		return;
	}
	ike_cc_hold(k, sa, cc, TICK_S(1));
	ike_cc_free(k, &cc);
}

void
ike_cc_job(struct ike *k, struct ike_sa *sa, struct ike_job **job, bool ours)
{
	struct ike_cc *cc = sa->cc_tx;
	uint32_t id = sa->id;

	if (!ours) {
		theirs_computed(k, sa, *job);
		return;
	}
	sa->cc_tx = NULL;
	if ((*job)->kind != IKE_JOB_PUBLIC) {
		our_secret(k, sa, cc, *job);
	} else {
		cc->job = *job;
		*job = NULL;
		if (cc->stage == IKE_CC_BEGUN)
			our_value(k, sa, cc);
		else
			our_next_value(k, sa, cc);
	}
	sa = ike_sa_find(k, id);
	if (sa)
		ike_sa_kick(k, sa);
}
