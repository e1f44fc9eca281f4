/* ikecore/engine/follow.c: IKE_FOLLOWUP_KE, RFC 9370 2.2.4: additional key exchanges in a CREATE_CHILD_SA, so that a rekeying gives
 * again what mke.c gave at first.
 *
 * The methods are negotiated in CREATE_CHILD_SA (transform types 6 to 12). Where one was chosen that exchange makes nothing yet: its
 * answer carries a link (ADDITIONAL_KEY_EXCHANGE), the initiator says the link back in an IKE_FOLLOWUP_KE with its value of the first
 * method, and so on; the answer to the last is without a link and means that the SA is there. Keys come of all secrets:
 * prf(SK_d, SK(0) | Ni | Nr | SK(1) | ..) where it was prf(SK_d, SK(0) | Ni | Nr), prf+ likewise. Ours to the window of one: an SA takes
 * part in one such series of its own (cc_tx) and one of the peer's (cc_more between two exchanges) at a time; another request of the peer's
 * ends the latter, as does IKE_MORE_LIFE. What links to nothing is answered STATE_NOT_FOUND, and who is answered so begins anew.
 *
 * Both at once. When the answers to both CREATE_CHILD_SA have come, each end knows all four nonces, and the one whose exchange has the
 * lowest just does not go on: there is nothing to delete. Who is past that answers TEMPORARY_FAILURE. Where only one of the two needs
 * more exchanges the other one is done, and stays. */
#include "ikecore/engine/ike_priv.h"

static bool
names_any(const struct ike_proposal *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		for (unsigned t = 0; t < IKE_ADDKE_MAX; t++) {
			if (p[i].n_addke[t])
				return true;
		}
	}
	return false;
}

bool
ike_follow_offers(const struct ike_profile *p, enum ike_cc_kind kind)
{
	return kind == IKE_CC_REKEY_IKE ? names_any(p->ike, p->n_ike) : names_any(p->esp, p->n_esp);
}

/* Place of the next method, from `at` on; IKE_ADDKE_MAX: none. */
static unsigned
next_from(const struct ike_choice *ch, unsigned at)
{
	while (at < IKE_ADDKE_MAX && !ch->addke[at])
		at++;
	return at;
}

bool
ike_follow_chosen(const struct ike_choice *ch)
{
	return next_from(ch, 0) < IKE_ADDKE_MAX;
}

static uint16_t
method(const struct ike_cc *cc)
{
	return cc->choice.addke[cc->at];
}

/* Of our first exchange, or of the one that is over. */
static unsigned
next(const struct ike_cc *cc)
{
	return next_from(&cc->choice, cc->stage == IKE_CC_MORE ? cc->at + 1 : 0);
}

bool
ike_follow_keep(struct ike_cc *cc, const struct ike_job *job)
{
	struct ike_more *m = cc->more;

	if (cc->stage == IKE_CC_MORE) {
		memcpy(m->rest + m->n_rest, job->shared, job->shared_len);
		m->n_rest += job->shared_len;
	} else {
		memcpy(m->first, job->shared, job->shared_len);
		m->n_first = job->shared_len;
	}
	return next(cc) == IKE_ADDKE_MAX;
}

bool
ike_follow_link(struct ike_cc *cc, const struct ike_msg *m)
{
	const struct ike_notify *n = ike_msg_notify(m, IKE_N_ADDITIONAL_KEY_EXCHANGE);

	if (!n || n->data.n == 0 || n->data.n > IKE_LINK_MAX)
		return false;
	memcpy(cc->link, n->data.p, n->data.n);
	cc->link_len = (uint16_t)n->data.n;
	return true;
}

/* ---- ours */
/* The peer's exchange as far as it has got: between two requests, or with the latest of them being computed. */
static const struct ike_cc *
peers(const struct ike_sa *sa)
{
	return sa->cc_rx && sa->cc_rx->stage == IKE_CC_MORE ? sa->cc_rx : sa->cc_more;
}

bool
ike_follow_yields(struct ike *k, struct ike_sa *sa, struct ike_cc *cc)
{
	const struct ike_cc *theirs = peers(sa);
	struct ike_low mine, other;

	if (cc->kind == IKE_CC_NEW || cc->stage != IKE_CC_ASKED)
		return false;
	if (cc->kind == IKE_CC_REKEY_IKE ? ike_sa_find(k, sa->peer_successor) != NULL : ike_child_find(k, cc->peer_new) != NULL) {
		ike_cc_refused(k, sa, cc, NULL);	/* its SA is there already */
		return true;
	}
	if (!theirs || theirs->kind != cc->kind || theirs->old != cc->old)
		return false;
	ike_low_of(&mine, &cc->ni, &cc->nr);
	ike_low_of(&other, &theirs->ni, &theirs->nr);
	if (ike_low_cmp(&mine, &other) < 0) {
		ike_cc_hold(k, sa, cc, TICK_S(10));	/* by then the peer's is done, or came to nothing */
		return true;
	}
	ike_follow_drop(k, sa);
	return false;
}

bool
ike_follow_begin(struct ike *k, struct ike_sa *sa, struct ike_cc *cc)
{
	cc->at = next(cc);
	cc->stage = IKE_CC_MORE;
	ike_kex_free(&k->env.env, cc->kex);
	cc->kex = ike_kex_new(&k->env.env, method(cc));
	return ike_cc_job_begin(k, sa, cc, IKE_JOB_PUBLIC, span_of("", 0));
}

bool
ike_follow_ask(struct ike *k, struct ike_sa *sa, struct ike_cc *cc)
{
	struct span pub = ike_kex_public(cc->job->kex);
	struct ike_tx t;

	ike_tx_request(&t, sa, IKE_FOLLOWUP_KE);
	ike_build_ke(&t.b, method(cc), pub);
	ike_tx_notify_data(&t, IKE_N_ADDITIONAL_KEY_EXCHANGE, span_of(cc->link, cc->link_len));
	return pub.n && sa->x.kind == IKE_X_NONE && ike_x_start(k, sa, IKE_X_FOLLOW, &t);
}

static void
refused(struct ike *k, struct ike_sa *sa, const struct ike_cc *cc, const struct ike_notify *n)
{
	struct ike_notify anew = { .type = IKE_N_TEMPORARY_FAILURE };

	ike_cc_refused(k, sa, cc, n->type == IKE_N_STATE_NOT_FOUND ? &anew : n);
}

enum ike_drop
ike_follow_response(struct ike *k, struct ike_sa *sa, const struct ike_msg *m)
{
	const struct ike_notify *n = ike_msg_error(m);
	struct ike_cc *cc = sa->cc_tx;
	enum ike_drop d = IKE_OK;

	if (!cc || sa->state != IKE_SA_EST)
		return IKE_DROP_STATE;
	sa->cc_tx = NULL;
	if (n) {
		refused(k, sa, cc, n);
		ike_cc_free(k, &cc);
		return IKE_DROP_STATE;
	}
	if (m->ke_group != method(cc) || m->ke.n == 0 || m->ke.n != ike_group_answer_len(method(cc)))
		d = IKE_DROP_GROUP;
	else if (next(cc) < IKE_ADDKE_MAX && !ike_follow_link(cc, m))
		d = IKE_DROP_NOTIFY_SYNTAX;
	else if (!ike_job_again(k, sa, &cc->job, m->ke))
		d = IKE_DROP_ROOM;
	if (d == IKE_OK) {
		if (cc->heir && ike_sa_find(k, cc->heir))
			ike_qcd_take(k, ike_sa_find(k, cc->heir), m);
		sa->cc_tx = cc;
		return IKE_OK;
	}
	ike_cc_undo(k, sa, cc);
	ike_cc_free(k, &cc);
	return d;
}

/* ---- the peer's */
void
ike_follow_link_new(struct ike *k, struct ike_cc *cc, struct ike_tx *t)
{
	cc->link_len = IKE_LINK_LEN;
	k->env.env.random(k->env.env.ctx, cc->link, cc->link_len);
	ike_tx_notify_data(t, IKE_N_ADDITIONAL_KEY_EXCHANGE, span_of(cc->link, cc->link_len));
}

void
ike_follow_wait(struct ike *k, struct ike_sa *sa, struct ike_cc *cc)
{
	cc->at = next(cc);
	cc->stage = IKE_CC_MORE;
	ike_follow_drop(k, sa);
	sa->cc_more = cc;
	sa->more_until = k->now + IKE_MORE_LIFE;
	ike_sa_arm_life(k, sa);
}

void
ike_follow_drop(struct ike *k, struct ike_sa *sa)
{
	ike_cc_free(k, &sa->cc_more);
	sa->more_until = TICK_NEVER;
}

static enum ike_drop
refuse(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, uint32_t mid, uint16_t type, enum ike_drop d)
{
	ike_respond_error(k, sa, IKE_FOLLOWUP_KE, mid, rx, type, span_of("", 0));
	return d;
}

enum ike_drop
ike_follow_request(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, struct ike_msg *m)
{
	const struct ike_notify *n = ike_msg_notify(m, IKE_N_ADDITIONAL_KEY_EXCHANGE);
	struct ike_cc *cc = sa->cc_more;

	if (!cc || !n || !span_eq(n->data, span_of(cc->link, cc->link_len)))
		return refuse(k, sa, rx, m->hdr.mid, IKE_N_STATE_NOT_FOUND, IKE_DROP_STATE);
	if (m->ke_group != method(cc) || m->ke.n != ike_group_public_len(method(cc))) {
		ike_follow_drop(k, sa);
		return refuse(k, sa, rx, m->hdr.mid, IKE_N_INVALID_SYNTAX, IKE_DROP_GROUP);
	}
	ike_kex_free(&k->env.env, cc->kex);
	cc->kex = ike_kex_new(&k->env.env, method(cc));
	if (!ike_cc_job_begin(k, sa, cc, IKE_JOB_BOTH, m->ke))
		return IKE_DROP_MEMORY;	/* counts as lost; the peer asks again */
	cc->mid = m->hdr.mid;
	cc->rx = *rx;
	cc->rx.packet = span_of("", 0);
	sa->cc_more = NULL;
	sa->more_until = TICK_NEVER;
	sa->cc_rx = cc;
	return IKE_OK;
}
