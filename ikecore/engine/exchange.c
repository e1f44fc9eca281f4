/* ikecore/engine/exchange.c: requests and responses of one IKE SA (RFC 7296 2.1-2.4, 2.21).
 *
 * The window is one each way. Only the requester retransmits; the last answer is kept and sent again, octet by octet, when
 * its request comes again. Nothing is believed before it opened: a message that fails its check changes no state, address
 * or message id. A request that could be opened is always answered, if only with an error, or the peer's window would
 * stay shut. An answer that cannot be kept for lack of memory is not given: the request then counts as lost. */
#include "ikecore/engine/ike_priv.h"

#include <stdio.h>

static const struct ike_protect *
key_out(const struct ike_sa *sa)
{
	return sa->initiator ? &sa->keys.i : &sa->keys.r;
}

static const struct ike_protect *
key_in(const struct ike_sa *sa)
{
	return sa->initiator ? &sa->keys.r : &sa->keys.i;
}

/* ---- building */
static void
tx_start(struct ike_tx *t, const struct ike_sa *sa, uint8_t exchange, uint8_t flags, uint32_t mid)
{
	struct ike_hdr h = { .spi_i = sa->spi_i, .spi_r = sa->spi_r, .version = IKE_VERSION_2, .exchange = exchange, .mid = mid };
	struct ike_sk_sizes sizes = { 0 };

	h.flags = (uint8_t)(flags | (sa->initiator ? IKE_FLAG_INITIATOR : 0));
	t->align = 1;
	t->w = wr_of(t->buf, sizeof(t->buf));
	t->whole = false;
	ike_sk_sizes(key_out(sa), &sizes);
	ike_build_start(&t->b, &t->w, &h);
	ike_build_sk(&t->b, sizes.iv_len);
}

void
ike_tx_request(struct ike_tx *t, const struct ike_sa *sa, enum ike_exchange x)
{
	tx_start(t, sa, (uint8_t)x, 0, sa->tx_mid);
}

void
ike_tx_response(struct ike_tx *t, const struct ike_sa *sa, uint8_t x, uint32_t mid)
{
	tx_start(t, sa, x, IKE_FLAG_RESPONSE, mid);
}

void
ike_tx_notify(struct ike_tx *t, uint16_t type)
{
	ike_build_notify(&t->b, IKE_PROTO_NONE, span_of("", 0), type, span_of("", 0));
}

void
ike_tx_notify_data(struct ike_tx *t, uint16_t type, struct span data)
{
	ike_build_notify(&t->b, IKE_PROTO_NONE, span_of("", 0), type, data);
}

static struct span
tx_seal(struct ike *k, struct ike_sa *sa, struct ike_tx *t)
{
	const struct ike_protect *key = key_out(sa);
	struct ike_sk_sizes sizes;
	struct ike_seal_room room;

	if (!ike_sk_sizes(key, &sizes))
		return span_of(t->buf, 0);
	if (sa->ext.frag && !t->whole && wr_len(&t->w) + sizes.block + sizes.icv_len > ike_send_limit(k, sa))
		return ike_frag_seal(k, sa, t, key);
	if (ike_build_seal(&t->b, sizes.block > t->align ? sizes.block : t->align, sizes.icv_len, &room) == 0 ||
	    !ike_sk_iv(key, sa->iv++, &k->env.env, room.iv) ||
	    !ike_seal(key, room.aad, room.iv, room.text, room.text_len, room.icv))
		return span_of(t->buf, 0);
	return wr_span(&t->w);
}

/* ---- our requests */
static bool
calls_hub(const struct ike_sa *sa)
{
	return sa->x.kind == IKE_X_INIT && sa->dials && sa->dials->hub && !(sa->hs && sa->hs->soft);
}

static tick_t
retx_wait(struct ike *k, const struct ike_sa *sa)
{
	const struct ike_exch *x = &sa->x;
	tick_t base = x->wait ? x->wait : IKE_RETX_FIRST << (x->tries - 1);

	if (calls_hub(sa) && base > IKE_RETX_HUB)
		base = IKE_RETX_HUB;
	return env_jitter(&k->env.env, base, x->wait ? 5 : 10);
}

static void
trace_sent(struct ike *k, const struct ike_sa *sa)
{
	for (const struct ike_dial *d = sa->dials; d && (sa->x.kind == IKE_X_INIT || sa->x.kind == IKE_X_AUTH); d = d->next_on_sa)
		TRACE(&k->env.env, .dial = d->id, .step = sa->x.kind == IKE_X_INIT ? TRACE_INIT_SENT : TRACE_AUTH_SENT, .n = sa->x.tries,
		    .nbma = &sa->remote.addr);
}

static void
x_send(struct ike *k, struct ike_sa *sa)
{
	sa->x.tries++;
	sa->x.sent = k->now;
	sa->last_tx = k->now;
	k->exchanges[1][sa->x.msg[18]]++;
	trace_sent(k, sa);
	if (sa->x.kind == IKE_X_PROBE)
		ike_probe_send(k, sa);
	else
		ike_send_all(k, &sa->local, &sa->remote, span_of(sa->x.msg, sa->x.len));
	timer_arm(&k->timers, &sa->t_retx, k->now + retx_wait(k, sa));
}

static bool
x_begin(struct ike *k, struct ike_sa *sa, enum ike_xkind kind, struct span msg)
{
	uint8_t *copy = msg.n ? env_alloc(&k->env.env, msg.n) : NULL;

	if (!copy)
		return false;
	memcpy(copy, msg.p, msg.n);
	env_free(&k->env.env, sa->x.msg);
	sa->x = (struct ike_exch){ .kind = kind, .mid = sa->tx_mid, .msg = copy, .len = msg.n, .tries_max = IKE_RETX_TRIES };
	if (kind == IKE_X_LIVE && sa->live_wait) {
		sa->x.wait = sa->live_wait;
		sa->x.tries_max = sa->live_tries ? sa->live_tries : IKE_LIVE_TRIES;
	}
	if (kind == IKE_X_DEL_IKE)
		sa->x.tries_max = IKE_DEL_TRIES;
	if (kind == IKE_X_PROBE)
		ike_probe_begin(sa);
	x_send(k, sa);
	return true;
}

bool
ike_x_start(struct ike *k, struct ike_sa *sa, enum ike_xkind kind, struct ike_tx *t)
{
	return x_begin(k, sa, kind, tx_seal(k, sa, t));
}

bool
ike_x_start_clear(struct ike *k, struct ike_sa *sa, struct span msg)
{
	return x_begin(k, sa, IKE_X_INIT, msg);
}

void
ike_x_replace(struct ike *k, struct ike_sa *sa, struct ike_tx *t)
{
	struct span msg = tx_seal(k, sa, t);
	uint8_t *copy = msg.n ? env_alloc(&k->env.env, msg.n) : NULL;

	if (!copy)
		return;
	memcpy(copy, msg.p, msg.n);
	env_free(&k->env.env, sa->x.msg);
	sa->x.msg = copy;
	sa->x.len = msg.n;
}

void
ike_x_done(struct ike *k, struct ike_sa *sa)
{
	timer_disarm(&k->timers, &sa->t_retx);
	env_free(&k->env.env, sa->x.msg);
	sa->x = (struct ike_exch){ .kind = IKE_X_NONE };
}

static void
soft_failure(struct ike *k, struct ike_sa *sa)
{
	struct ike_shake *hs = sa->hs;
	char text[IKE_REASON_MAX], what[IKE_WORDS_MAX];

	if (hs->soft_why != IKE_DOWN_PROPOSAL) {
		ike_sa_fail(k, sa, hs->soft_why, false, hs->soft);
		return;
	}
	if (hs->soft_group)
		snprintf(what, sizeof(what), "%s %s (%u)", hs->soft, ike_group_name(hs->soft_group), hs->soft_group);
	else
		snprintf(what, sizeof(what), "%s", hs->soft);
	ike_sa_fail(k, sa, hs->soft_why, false, ike_words_refused(ike_profile(k, sa->profile), false, true, what, text));
}

static void
no_answer(struct ike *k, struct ike_sa *sa)
{
	char text[IKE_REASON_MAX], ep[ENDPOINT_STRLEN];

	if (sa->hs && sa->hs->soft) {	/* what was said without protection turned out to be all that is said */
		soft_failure(k, sa);
		return;
	}
	log_at(k->env.env.log, LOG_LV_DEBUG, "ike-no-answer", "%s", endpoint_fmt(&sa->remote, ep));
	strcpy(text, "no answer from ");
	strcat(text, ep);
	ike_sa_fail(k, sa, IKE_DOWN_UNREACHABLE, false, text);
}

/* Who never hears back: an SA that was never up fails, a delete counts as done, everything else means that the peer is dead. */
static void
give_up(struct ike *k, struct ike_sa *sa)
{
	enum ike_xkind kind = sa->x.kind;

	ike_x_done(k, sa);
	switch (kind) {
	case IKE_X_NONE:
		return;
	case IKE_X_INIT:
	case IKE_X_INTER:
	case IKE_X_AUTH:
		no_answer(k, sa);
		return;
	case IKE_X_DEL_IKE:
		ike_sa_free(k, sa);
		return;
	case IKE_X_CREATE:
	case IKE_X_FOLLOW:
	case IKE_X_DEL_CHILD:
	case IKE_X_LIVE:
	case IKE_X_PROBE:
	case IKE_X_UPDATE:
		if (sa->state == IKE_SA_EST)
			ike_sa_down(k, sa, IKE_DOWN_DEAD, "peer does not answer any more", 0, false);
		else
			ike_sa_free(k, sa);
		return;
	case IKE_X_KINDS:
		return;
	}
}

void
ike_x_retransmit(struct ike *k, struct ike_sa *sa)
{
	if (sa->x.kind == IKE_X_NONE)
		return;
	if (sa->x.tries >= (calls_hub(sa) ? IKE_RETX_HUB_TRIES : sa->x.tries_max)) {
		give_up(k, sa);
		return;
	}
	ike_narrow_request(k, sa);
	x_send(k, sa);
}

/* ---- answering */
bool
ike_spare(struct ike *k)
{
	if (!k->spare)
		k->spare = env_alloc(&k->env.env, IKE_CUT_MAX);
	return k->spare != NULL;
}

void
ike_respond(struct ike *k, struct ike_sa *sa, struct ike_tx *t, const struct ike_rx *rx)
{
	struct span msg = tx_seal(k, sa, t);
	uint8_t *copy;

	if (msg.n == 0)
		return;
	copy = env_alloc(&k->env.env, msg.n);
	if (!copy) {
		copy = k->spare;
		k->spare = NULL;
	}
	if (!copy)
		return;
	memcpy(copy, msg.p, msg.n);
	env_free(&k->env.env, sa->resp);
	sa->resp = copy;
	sa->resp_len = msg.n;
	sa->resp_again = 0;
	sa->rx_mid++;
	sa->last_tx = k->now;
	k->exchanges[1][msg.p[18]]++;
	ike_send_all(k, &rx->local, &rx->remote, msg);
}

void
ike_respond_error(
    struct ike *k, struct ike_sa *sa, uint8_t exchange, uint32_t mid, const struct ike_rx *rx, uint16_t type, struct span data)
{
	struct ike_tx t;

	ike_tx_response(&t, sa, exchange, mid);
	ike_tx_notify_data(&t, type, data);
	ike_respond(k, sa, &t, rx);
}

/* ---- receiving */
/* Somebody says that it does not have the SA we send on. Who names its SPI sees our packets, or is the peer. */
static enum ike_drop
lost_spi(struct ike *k, const struct ike_rx *rx, const struct ike_notify *n)
{
	struct ike_sa *sa = ike_sa_of_esp(k, &rx->remote);

	for (; sa && n->data.n == 4; sa = ike_sa_next_remote(sa)) {
		if (ike_child_by_out(sa, get_be32(n->data.p)))
			ike_live_suspect(k, sa);
	}
	return IKE_DROP_UNSOLICITED;
}

static enum ike_drop
unknown_sa(struct ike *k, const struct ike_rx *rx, const struct ike_msg *m)
{
	const struct ike_notify *n = m->sk.body.n == 0 ? ike_msg_notify(m, IKE_N_INVALID_SPI) : NULL;

	if (n && !m->response && m->hdr.exchange == IKE_INFORMATIONAL)
		return lost_spi(k, rx, n);
	if (!m->response && m->hdr.exchange != IKE_SA_INIT)
		ike_qcd_answer(k, rx, m);
	return IKE_DROP_UNKNOWN_SA;
}

/* The first encrypted message: the secret is computed now and not before. The message waits for it, and what comes meanwhile. */
static enum ike_drop
first_sealed(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, const struct ike_msg *m)
{
	struct ike_shake *hs = sa->hs;
	enum ike_drop d;

	if (m->response || m->hdr.mid != 1 || m->hdr.exchange != (ike_mke_pending(sa) ? IKE_INTERMEDIATE : IKE_AUTH))
		return IKE_DROP_STATE;
	if (m->sk.total && !sa->ext.frag)
		return IKE_DROP_FRAGMENT;
	if (rx->packet.n > IKE_RX_MAX)
		return IKE_DROP_MEMORY;
	if (sa->state == IKE_SA_R_INIT && !hs->kex)
		return IKE_DROP_STATE;	/* we have not answered yet */
	if (sa->state == IKE_SA_R_INIT && ike_job_crowded(k) && !ike_job_knows(k, &sa->remote.addr))
		return IKE_DROP_BUSY;
	d = ike_stash_add(k, hs, rx);
	if (d != IKE_OK || sa->state == IKE_SA_R_KEX)
		return d;
	hs->auth_at = k->now;
	if (!ike_shake_job(k, sa, IKE_JOB_SHARED, span_of(hs->theirs + hs->ke_at, hs->ke_len))) {
		ike_stash_free(k, hs->stash);
		hs->stash = NULL;
		return IKE_DROP_MEMORY;
	}
	sa->state = IKE_SA_R_KEX;
	return IKE_OK;
}

/* In clear, for an SA we have: the peer's proof that it lost it; else only INVALID_IKE_SPI means something, and that is no more
 * than a cause to look. */
static enum ike_drop
clear_for_sa(struct ike *k, struct ike_sa *sa, const struct ike_msg *m)
{
	enum ike_drop d = ike_qcd_judge(k, sa, m);

	if (d != IKE_OK && m->response && sa->state == IKE_SA_EST && ike_msg_notify(m, IKE_N_INVALID_IKE_SPI))
		ike_live_suspect(k, sa);
	return d;
}

enum ike_drop
ike_rx_sealed(struct ike *k, const struct ike_rx *rx, struct ike_msg *m)
{
	bool from_initiator = m->hdr.flags & IKE_FLAG_INITIATOR;
	struct ike_sa *sa = ike_sa_by_spi(k, from_initiator ? m->hdr.spi_r : m->hdr.spi_i);
	uint8_t plain[IKE_RX_MAX];
	enum ike_drop d;

	if (!sa || sa->spi_i != m->hdr.spi_i || sa->spi_r != m->hdr.spi_r)
		return unknown_sa(k, rx, m);
	if (sa->initiator == from_initiator)
		return IKE_DROP_FLAGS;
	if (m->sk.body.n == 0)
		return clear_for_sa(k, sa, m);
	d = ike_msg_check_clear(m);
	if (d != IKE_OK)
		return d;
	if (sa->state == IKE_SA_R_INIT || sa->state == IKE_SA_R_KEX)
		return first_sealed(k, sa, rx, m);
	if (!sa->has_keys)
		return IKE_DROP_STATE;
	if (m->sk.total && !sa->ext.frag)
		return IKE_DROP_FRAGMENT;
	if (m->sk.body.n > sizeof(plain))
		return IKE_DROP_LENGTH;
	return ike_rx_open(k, sa, rx, m, plain);
}

static enum ike_drop
check_window(const struct ike_sa *sa, const struct ike_msg *m)
{
	if (m->response) {
		if (sa->x.kind == IKE_X_NONE || m->hdr.mid != sa->x.mid || m->hdr.exchange != sa->x.msg[18])
			return IKE_DROP_UNSOLICITED;
		return IKE_OK;
	}
	if (m->hdr.mid == sa->rx_mid)
		return sa->cc_rx || sa->state == IKE_SA_R_CHECK || sa->state == IKE_SA_R_INTER ? IKE_DROP_STATE : IKE_OK;	/* being worked on */
	return m->hdr.mid + 1 == sa->rx_mid ? IKE_OK : IKE_DROP_MESSAGE_ID;
}

/* Which requests an SA takes in which state. A missing one is answered with an error, so that the window moves on. */
typedef enum ike_drop request_fn(struct ike *, struct ike_sa *, const struct ike_rx *, struct ike_msg *);
static request_fn *const on_request[IKE_SA_STATES][IKE_FOLLOWUP_KE - IKE_SA_INIT + 1] = {
	[IKE_SA_R_AUTH] = { [IKE_AUTH - IKE_SA_INIT] = ike_auth_request, [IKE_INTERMEDIATE - IKE_SA_INIT] = ike_mke_request },
	[IKE_SA_EST] = { [IKE_CREATE_CHILD_SA - IKE_SA_INIT] = ike_cc_request, [IKE_INFORMATIONAL - IKE_SA_INIT] = ike_info_request,
		[IKE_FOLLOWUP_KE - IKE_SA_INIT] = ike_follow_request },
	[IKE_SA_REKEYED] = { [IKE_CREATE_CHILD_SA - IKE_SA_INIT] = ike_cc_request, [IKE_INFORMATIONAL - IKE_SA_INIT] = ike_info_request,
		[IKE_FOLLOWUP_KE - IKE_SA_INIT] = ike_follow_request },
	[IKE_SA_CLOSING] = { [IKE_CREATE_CHILD_SA - IKE_SA_INIT] = ike_cc_request, [IKE_INFORMATIONAL - IKE_SA_INIT] = ike_info_request,
		[IKE_FOLLOWUP_KE - IKE_SA_INIT] = ike_follow_request },
};

static void
answer_syntax(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, const struct ike_msg *m, enum ike_drop d)
{
	bool critical = d == IKE_DROP_CRITICAL;

	if (sa->state == IKE_SA_R_AUTH)
		return;	/* not authenticated yet; the half-open record runs out by itself */
	ike_respond_error(k, sa, m->hdr.exchange, m->hdr.mid, rx, critical ? IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD : IKE_N_INVALID_SYNTAX,
	    span_of(&m->critical, critical ? 1 : 0));
}

static enum ike_drop
handle_request(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, struct ike_msg *m, enum ike_drop d)
{
	unsigned col = (unsigned)(m->hdr.exchange - IKE_SA_INIT);
	request_fn *fn = col <= IKE_FOLLOWUP_KE - IKE_SA_INIT ? on_request[sa->state][col] : NULL;

	if (sa->state == IKE_SA_I_AUTH || sa->state == IKE_SA_I_SIGN || sa->state == IKE_SA_I_CHECK || sa->state == IKE_SA_I_INTER ||
	    sa->state == IKE_SA_I_KEX)
		return IKE_DROP_STATE;	/* overtook the answer that would authenticate it; it comes again */
	if (!ike_spare(k))
		return IKE_DROP_MEMORY;
	ike_live_rx(k, sa);
	ike_natt_move(k, sa, &rx->local, &rx->remote);
	if (d != IKE_OK) {
		answer_syntax(k, sa, rx, m, d);
		return d;
	}
	if (fn == ike_auth_request && ike_mke_pending(sa))
		return IKE_DROP_STATE;	/* not before what was agreed on */
	if (!fn) {
		answer_syntax(k, sa, rx, m, IKE_DROP_STATE);
		return IKE_DROP_STATE;
	}
	return fn(k, sa, rx, m);
}

static enum ike_drop
handle_response(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, struct ike_msg *m, enum ike_drop d)
{
	struct ike_exch x = sa->x;
	enum ike_xkind kind = x.kind;
	uint32_t id = sa->id;

	if (d != IKE_OK) {	/* an answer that makes no sense: as if it were empty, which handlers take as failure */
		m->n_notify = m->n_prop = m->n_del = m->tsi.n = m->tsr.n = 0;
		m->nonce.n = m->ke.n = 0;
	}
	if (d != IKE_OK && (sa->state == IKE_SA_I_AUTH || sa->state == IKE_SA_I_INTER)) {
		ike_x_done(k, sa);
		ike_sa_fail(k, sa, IKE_DOWN_PROTOCOL, false, kind == IKE_X_AUTH ? "peer's IKE_AUTH answer is malformed" : "peer's IKE_INTERMEDIATE answer is malformed");
		return d;
	}
	sa->tx_mid++;
	ike_x_done(k, sa);
	ike_live_rx(k, sa);
	ike_natt_move(k, sa, &rx->local, &rx->remote);
	switch (kind) {
	case IKE_X_INTER:
		if (sa->state == IKE_SA_I_INTER)
			d = ike_mke_response(k, sa, m);
		break;
	case IKE_X_AUTH:
		ike_dial_trace(k, sa, TRACE_AUTH_ANSWERED);
		if (sa->state == IKE_SA_I_AUTH)	/* else given up meanwhile: the delete follows */
			d = ike_auth_response(k, sa, rx, m);
		break;
	case IKE_X_CREATE:
		ike_cc_response(k, sa, rx, m);
		break;
	case IKE_X_FOLLOW:
		ike_follow_response(k, sa, m);
		break;
	case IKE_X_DEL_CHILD:
	case IKE_X_DEL_IKE:
	case IKE_X_LIVE:
		ike_info_response(k, sa, kind, m);
		break;
	case IKE_X_UPDATE:
		ike_info_response(k, sa, kind, m);
		ike_mobike_updated(k, sa, rx, m);
		break;
	case IKE_X_PROBE:
		ike_info_response(k, sa, kind, m);
		ike_probe_answered(k, sa, &x);
		break;
	case IKE_X_NONE:
	case IKE_X_INIT:
	case IKE_X_KINDS:
		break;
	}
	sa = ike_sa_find(k, id);
	if (sa)
		ike_sa_kick(k, sa);
	return d;
}

static enum ike_drop
resend(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, const struct ike_msg *m)
{
	if (!sa->resp)
		return IKE_DROP_MESSAGE_ID;
	ike_narrow_answer(k, sa, m->sk.total ? rx->packet.n : 0);
	sa->last_tx = k->now;
	k->exchanges[1][sa->resp[18]]++;
	ike_send_all(k, &rx->local, &rx->remote, span_of(sa->resp, sa->resp_len));
	return IKE_OK;
}

static enum ike_drop
rx_whole(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, struct ike_msg *m, struct span plain)
{
	enum ike_drop d = ike_msg_parse_inner(m, plain);

	ike_frags_free(k, sa, m->response);
	ike_narrow_heard(k, sa, m->response);
	if (d == IKE_OK)
		d = ike_msg_check_inner(m);
	if (!m->response) {
		uint32_t id = sa->id;

		d = handle_request(k, sa, rx, m, d);
		sa = ike_sa_find(k, id);
		if (sa)
			ike_sa_kick(k, sa);
		return d;
	}
	return handle_response(k, sa, rx, m, d);
}

static enum ike_drop
rx_piece(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, struct ike_msg *m, struct span plain)
{
	uint8_t *whole;
	size_t n = 0;
	enum ike_drop d = ike_frag_rx(k, sa, m, plain, &whole, &n);

	if (!whole)
		return d;
	d = rx_whole(k, sa, rx, m, span_of(whole, n));
	ike_wipe(whole, n);
	env_free(&k->env.env, whole);
	return d;
}

/* Before authentication anybody who saw the SPIs can make us open rubbish. */
static bool
may_open(struct ike *k, struct ike_sa *sa)
{
	struct ike_shake *hs = sa->hs;

	return !hs || hs->bad_icv < IKE_ICV_TRIES || bucket_take(&hs->icv_tries, k->now, IKE_ICV_RATE, IKE_ICV_RATE);
}

enum ike_drop
ike_rx_open(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, struct ike_msg *m, uint8_t *plain)
{
	enum ike_drop d = check_window(sa, m);
	long n;

	if (d != IKE_OK)
		return d;
	if (!may_open(k, sa))
		return IKE_DROP_RATE;
	n = ike_open(key_in(sa), m->sk.aad, m->sk.body, plain);
	if (n < 0 && sa->hs && sa->hs->has_was && m->hdr.mid + 1 == sa->rx_mid)	/* said again under the keys of then */
		n = ike_open(&sa->hs->was_in, m->sk.aad, m->sk.body, plain);
	if (n < 0) {
		if (sa->hs)
			sa->hs->bad_icv++;
		return IKE_DROP_ICV;
	}
	if (!m->response && m->hdr.mid + 1 == sa->rx_mid)	/* of a request in pieces the first one asks for the answer again */
		return m->sk.frag > 1 ? IKE_DROP_FRAGMENT_OLD : resend(k, sa, rx, m);
	return m->sk.total ? rx_piece(k, sa, rx, m, span_of(plain, (size_t)n)) : rx_whole(k, sa, rx, m, span_of(plain, (size_t)n));
}
