/* ikecore/engine/mke.c: more key exchanges before IKE_AUTH, so that one of them may be broken: IKE_INTERMEDIATE (RFC 9242) and
 * additional key exchanges (RFC 9370).
 *
 * Each method that was chosen beside the first (transform types 6 to 12, in that order) takes one IKE_INTERMEDIATE with a KE payload
 * each way, under the keys there are so far; then all keys are made anew from SK_d, the new secret and the nonces. What was
 * said in these exchanges is chained with SK_p into IntAuth, which both ends sign in IKE_AUTH: a message changed on its way, or left
 * out, fails there. After the last one a post-quantum pre-shared key (ppk.c) is mixed in where both have it.
 *
 * The responder keeps the key it opened the last request with, because the peer repeats it under that key. Rekeying: follow.c. */
#include "ikecore/engine/ike_priv.h"

/* Place of the next method, from 0; IKE_ADDKE_MAX: none is left. */
static unsigned
next_method(const struct ike_sa *sa)
{
	unsigned i = sa->hs->addke_at;

	while (i < IKE_ADDKE_MAX && !sa->addke[i])
		i++;
	return i;
}

bool
ike_mke_pending(const struct ike_sa *sa)
{
	return sa->hs && next_method(sa) < IKE_ADDKE_MAX;
}

/* IntAuth of one side = prf(SK_p, [the one before |] A | P): A is the message up to the payloads with lengths as if those were all. */
static bool
chain(struct ike_sa *sa, bool initiator, const struct ike_hdr *h, uint8_t first, struct span inner)
{
	struct ike_shake *hs = sa->hs;
	uint8_t head[IKE_HDR_LEN + IKE_PL_HDR_LEN], *sum = initiator ? hs->int_i : hs->int_r;
	struct span sk_p = span_of(initiator ? sa->keys.pi : sa->keys.pr, sa->keys.prf_len), part[3];
	struct wr w = wr_of(head, sizeof(head));

	wr_be64(&w, h->spi_i);
	wr_be64(&w, h->spi_r);
	wr_u8(&w, IKE_PL_SK);
	wr_u8(&w, h->version);
	wr_u8(&w, h->exchange);
	wr_u8(&w, h->flags);
	wr_be32(&w, h->mid);
	wr_be32(&w, (uint32_t)(sizeof(head) + inner.n));
	wr_u8(&w, first);
	wr_u8(&w, 0);
	wr_be16(&w, (uint16_t)(IKE_PL_HDR_LEN + inner.n));
	part[0] = span_of(sum, hs->n_int ? sa->keys.prf_len : 0);
	part[1] = wr_span(&w);
	part[2] = inner;
	return ike_prf(sa->keys.prf, sk_p, part, 3, sum);
}

/* Of a message of ours that is not sealed yet. */
static bool
chain_own(struct ike_sa *sa, const struct ike_tx *t)
{
	struct ike_hdr h;

	return !t->w.bad && ike_hdr_parse(wr_span(&t->w), &h) &&
	    chain(sa, sa->initiator, &h, t->buf[t->b.sk_at], span_of(t->buf + t->b.text_at, wr_len(&t->w) - t->b.text_at));
}

static bool
chain_theirs(struct ike_sa *sa, const struct ike_msg *m)
{
	return chain(sa, !sa->initiator, &m->hdr, m->sk.first, m->inner);
}

/* IntAuth_i | IntAuth_r | message id of IKE_AUTH: what is signed behind the rest. */
struct span
ike_mke_int_auth(const struct ike_sa *sa)
{
	struct ike_shake *hs = sa->hs;
	size_t n = sa->keys.prf_len;

	if (!hs->n_int)
		return span_of("", 0);
	memcpy(hs->int_auth, hs->int_i, n);
	memcpy(hs->int_auth + n, hs->int_r, n);
	put_be32(hs->int_auth + 2 * n, hs->n_int + 1);
	return span_of(hs->int_auth, 2 * n + 4);
}

/* The exchange is over: keys from what was and what it gave. */
static bool
turn_keys(struct ike *k, struct ike_sa *sa, const struct ike_job *job)
{
	struct ike_shake *hs = sa->hs;
	struct ike_seed seed = { .g_ir = span_of(job->shared, job->shared_len), .ni = span_of(hs->ni.b, hs->ni.n),
		.nr = span_of(hs->nr.b, hs->nr.n), .spi_i = sa->spi_i, .spi_r = sa->spi_r };
	struct ike_keys new;

	if (!ike_keys_rekey(&sa->suite, &sa->keys, &seed, &new))
		return false;
	hs->was_in = sa->initiator ? sa->keys.r : sa->keys.i;
	hs->was_out = sa->initiator ? sa->keys.i : sa->keys.r;
	hs->has_was = true;
	sa->keys = new;
	ike_keys_wipe(&new);
	hs->n_int++;
	hs->addke_at = next_method(sa) + 1;
	ike_keylog_sa(k, sa);
	return true;
}

/* ---- initiator. Our value is computed elsewhere, the request follows. */
static bool
begin(struct ike *k, struct ike_sa *sa, uint16_t group)
{
	struct ike_shake *hs = sa->hs;

	ike_kex_free(&k->env.env, hs->kex);
	hs->kex = ike_kex_new(&k->env.env, group);
	sa->state = IKE_SA_I_KEX;
	return hs->kex && ike_shake_job(k, sa, IKE_JOB_PUBLIC, span_of("", 0));
}

void
ike_mke_public(struct ike *k, struct ike_sa *sa, struct ike_job *job)
{
	struct span pub = ike_kex_public(job->kex);
	struct ike_tx t;

	sa->hs->kex = job->kex;
	job->kex = NULL;
	sa->state = IKE_SA_I_INTER;
	ike_tx_request(&t, sa, IKE_INTERMEDIATE);
	ike_build_ke(&t.b, ike_kex_group(sa->hs->kex), pub);
	if (pub.n == 0 || !chain_own(sa, &t) || !ike_x_start(k, sa, IKE_X_INTER, &t))
		ike_sa_fail(k, sa, IKE_DOWN_RESOURCES, false, "out of memory");
}

/* Keys are there: the next additional exchange, or authentication. */
void
ike_mke_next(struct ike *k, struct ike_sa *sa)
{
	unsigned i = next_method(sa);
	const char *why;

	if (i == IKE_ADDKE_MAX) {
		why = ike_ppk_begin(k, sa);
		if (why)
			ike_sa_fail(k, sa, IKE_DOWN_AUTH, true, why);
		else
			ike_auth_start(k, sa);
		return;
	}
	if (!begin(k, sa, sa->addke[i]))
		ike_sa_fail(k, sa, IKE_DOWN_RESOURCES, false, "out of memory");
}

enum ike_drop
ike_mke_response(struct ike *k, struct ike_sa *sa, const struct ike_msg *m)
{
	uint16_t group = sa->addke[next_method(sa)];

	if (m->ke_group != group || m->ke.n == 0 || m->ke.n != ike_group_answer_len(group) || !chain_theirs(sa, m)) {
		ike_sa_fail(k, sa, IKE_DOWN_PROTOCOL, false, "peer's IKE_INTERMEDIATE answer is not what was agreed on");
		return IKE_DROP_GROUP;
	}
	sa->state = IKE_SA_I_KEX;
	if (ike_shake_job(k, sa, IKE_JOB_SHARED, m->ke))
		return IKE_OK;
	ike_sa_fail(k, sa, IKE_DOWN_RESOURCES, false, "out of memory");
	return IKE_DROP_MEMORY;
}

/* ---- responder */
enum ike_drop
ike_mke_request(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, struct ike_msg *m)
{
	struct ike_shake *hs = sa->hs;
	unsigned i = next_method(sa);

	if (i == IKE_ADDKE_MAX)
		return IKE_DROP_STATE;
	if (m->ke_group != sa->addke[i] || m->ke.n != ike_group_public_len(sa->addke[i])) {
		ike_respond_error(k, sa, IKE_INTERMEDIATE, m->hdr.mid, rx, IKE_N_INVALID_SYNTAX, span_of("", 0));
		sa->state = IKE_SA_FAILED;
		timer_arm(&k->timers, &sa->t_life, k->now + IKE_FAILED_LIFE);
		return IKE_DROP_GROUP;
	}
	ike_kex_free(&k->env.env, hs->kex);
	hs->kex = ike_kex_new(&k->env.env, sa->addke[i]);
	if (!hs->kex || !ike_shake_job(k, sa, IKE_JOB_BOTH, m->ke))
		return IKE_DROP_MEMORY;	/* counts as lost */
	memcpy(hs->int_was, hs->int_i, sizeof(hs->int_was));
	if (!chain_theirs(sa, m)) {
		sa->job = 0;
		return IKE_DROP_MEMORY;
	}
	hs->inter_rx = *rx;
	hs->inter_rx.packet = span_of("", 0);
	hs->inter_mid = m->hdr.mid;
	sa->state = IKE_SA_R_INTER;
	return IKE_OK;
}

/* Nobody had time for it: the request counts as lost, and is not in the chain. */
void
ike_mke_later(struct ike_sa *sa)
{
	memcpy(sa->hs->int_i, sa->hs->int_was, sizeof(sa->hs->int_i));
	sa->state = IKE_SA_R_AUTH;
}

static void
answer(struct ike *k, struct ike_sa *sa, struct ike_job *job)
{
	struct ike_shake *hs = sa->hs;
	struct ike_tx t;

	sa->state = IKE_SA_R_AUTH;
	if (!ike_spare(k))
		return;	/* never sent: the half-open SA runs out, and the peer begins anew */
	ike_tx_response(&t, sa, IKE_INTERMEDIATE, hs->inter_mid);
	ike_build_ke(&t.b, ike_kex_group(job->kex), ike_kex_public(job->kex));
	if (chain_own(sa, &t)) {
		ike_respond(k, sa, &t, &hs->inter_rx);
		turn_keys(k, sa, job);
	}
}

/* A secret of an additional exchange is computed. */
void
ike_mke_keys(struct ike *k, struct ike_sa *sa, struct ike_job *job)
{
	if (job->shared_len == 0) {
		ike_count(k, IKE_DROP_KE_SYNTAX);
		ike_sa_fail(k, sa, IKE_DOWN_PROTOCOL, false, "peer's key exchange value is impossible");
	} else if (!sa->initiator) {
		answer(k, sa, job);
	} else if (turn_keys(k, sa, job)) {
		ike_mke_next(k, sa);
	} else {
		ike_sa_fail(k, sa, IKE_DOWN_RESOURCES, false, "out of memory");
	}
}
