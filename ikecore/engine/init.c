/* ikecore/engine/init.c: IKE_SA_INIT, both sides (RFC 7296 1.2, 2.6, 2.7), and the keys that come of it.
 *
 * Responder: admission (cookie.c) comes before anything that costs. A half-open record holds our answer, so that the same
 * request gets the same octets again; the shared secret is computed when the first encrypted message arrives, never
 * before. Initiator: cookies and another key exchange method are asked for at most a few times; refusals that come
 * unprotected are remembered but not believed until retransmissions have run out (2.21.1). */
#include "ikecore/engine/ike_priv.h"

/* ---- initiator */
static size_t
build_request(struct ike *k, struct ike_sa *sa, struct ike_tx *t)
{
	struct ike_shake *hs = sa->hs;
	struct ike_hdr h = { .spi_i = sa->spi_i, .version = IKE_VERSION_2, .exchange = IKE_SA_INIT, .flags = IKE_FLAG_INITIATOR };
	struct span pub = ike_kex_public(hs->kex);
	struct ike_offer o;

	if (pub.n == 0)
		return 0;
	ike_offer_ike(ike_profile(k, sa->profile), 0, 0, &o);
	t->w = wr_of(t->buf, sizeof(t->buf));
	ike_build_start(&t->b, &t->w, &h);
	if (hs->cookie_len)
		ike_tx_notify_data(t, IKE_N_COOKIE, span_of(hs->cookie, hs->cookie_len));
	ike_build_sa(&t->b, o.prop, o.n_prop, o.xf);
	ike_build_ke(&t->b, hs->group, pub);
	ike_build_nonce(&t->b, span_of(hs->ni.b, hs->ni.n));
	ike_natt_build(k, &t->b, sa->spi_i, 0, ike_natt_said(k, sa, &sa->local), &sa->remote);
	ike_ext_build(k, sa, &t->b);
	ike_proof_build_init(k, t, false);
	return ike_build_end(&t->b);
}

/* Sends (again) with what hs says now: cookie, method. */
static bool
send_request(struct ike *k, struct ike_sa *sa)
{
	struct ike_shake *hs = sa->hs;
	struct ike_tx t;
	size_t n = build_request(k, sa, &t);
	uint8_t *copy = n ? env_alloc(&k->env.env, n) : NULL;

	if (!copy)
		return false;
	memcpy(copy, t.buf, n);
	if (!ike_x_start_clear(k, sa, span_of(t.buf, n))) {
		env_free(&k->env.env, copy);
		return false;
	}
	env_free(&k->env.env, hs->mine);
	hs->mine = copy;
	hs->mine_len = n;
	return true;
}

/* Our value first; the message is built when it is there (ike_shake_public()). */
static bool
public_job(struct ike *k, struct ike_sa *sa, struct ike_kex **kex, struct span peer)
{
	struct ike_job *job = ike_job_new(k, sa, peer.n ? IKE_JOB_ANSWER : IKE_JOB_PUBLIC, kex, peer);

	if (!job || !ike_job_emit(k, sa, job))
		return false;
	sa->job = job->serial;
	return true;
}

bool
ike_init_start(struct ike *k, struct ike_sa *sa)
{
	struct ike_shake *hs = sa->hs;

	hs->group = ike_first_group(ike_profile(k, sa->profile), false);
	hs->kex = ike_kex_new(&k->env.env, hs->group);
	if (!hs->kex)
		return false;
	hs->ni.n = IKE_NONCE_LEN;
	k->env.env.random(k->env.env.ctx, hs->ni.b, hs->ni.n);
	hs->started = k->now;
	if (!ike_natt_said(k, sa, &sa->local)->addr.n)
		sa->natted_local = true;	/* see ike_natt_build() */
	sa->state = IKE_SA_I_INIT;
	return public_job(k, sa, &hs->kex, span_of("", 0));
}

static enum ike_drop
got_cookie(struct ike *k, struct ike_sa *sa, const struct ike_notify *n)
{
	struct ike_shake *hs = sa->hs;

	if (n->data.n == 0 || n->data.n > IKE_COOKIE_MAX)
		return IKE_DROP_NOTIFY_SYNTAX;
	if (span_eq(n->data, span_of(hs->cookie, hs->cookie_len)) || hs->cookie_rounds >= IKE_COOKIE_ROUNDS)
		return IKE_DROP_COOKIE_BAD;	/* a late copy, or somebody plays with us */
	hs->cookie_rounds++;
	memcpy(hs->cookie, n->data.p, n->data.n);
	hs->cookie_len = (uint8_t)n->data.n;
	return send_request(k, sa) ? IKE_OK : IKE_DROP_MEMORY;
}

static enum ike_drop
got_invalid_ke(struct ike *k, struct ike_sa *sa, const struct ike_notify *n)
{
	struct ike_shake *hs = sa->hs;
	struct ike_kex *kex;
	uint16_t group;

	if (n->data.n != 2)
		return IKE_DROP_NOTIFY_SYNTAX;
	if (sa->job)	/* said twice: the first is being followed */
		return IKE_DROP_UNSOLICITED;
	group = get_be16(n->data.p);
	if (group == hs->group || hs->ke_rounds >= IKE_KE_ROUNDS || !ike_offers_group(ike_profile(k, sa->profile), false, group)) {
		hs->soft = "no proposal in common: peer wants key exchange group";
		hs->soft_group = group;
		hs->soft_why = IKE_DOWN_PROPOSAL;
		return IKE_DROP_GROUP;
	}
	kex = ike_kex_new(&k->env.env, group);
	if (!kex || !public_job(k, sa, &kex, span_of("", 0))) {
		ike_kex_free(&k->env.env, kex);
		return IKE_DROP_MEMORY;
	}
	hs->ke_rounds++;
	return IKE_OK;
}

/* Our value is computed: of the first request, or of the one that says it with another group. */
static void
request_ready(struct ike *k, struct ike_sa *sa, struct ike_job *job)
{
	struct ike_shake *hs = sa->hs;
	struct ike_kex *old = hs->kex;
	uint16_t was = hs->group;

	hs->kex = job->kex;
	hs->group = ike_kex_group(job->kex);
	if (send_request(k, sa)) {
		job->kex = old;
		return;
	}
	hs->kex = old;
	hs->group = was;
	if (!old)
		ike_sa_fail(k, sa, IKE_DOWN_RESOURCES, false, "out of memory");
}

struct soft_reason {
	uint16_t type;
	enum ike_down why;
	enum ike_drop drop;
	const char *text;
};
static const struct soft_reason soft_reasons[] = {
	{ IKE_N_NO_PROPOSAL_CHOSEN, IKE_DOWN_PROPOSAL, IKE_DROP_PROPOSAL, "no proposal in common: the peer takes none of ours" },
	{ IKE_N_INVALID_SYNTAX, IKE_DOWN_PROTOCOL, IKE_DROP_STATE, "peer calls our IKE_SA_INIT malformed" },
	{ IKE_N_INVALID_MAJOR_VERSION, IKE_DOWN_PROTOCOL, IKE_DROP_VERSION, "peer does not speak IKEv2" },
	{ 0, IKE_DOWN_PROTOCOL, IKE_DROP_STATE, "peer refuses IKE_SA_INIT" },
};

static enum ike_drop
got_refusal(struct ike_sa *sa, uint16_t type)
{
	const struct soft_reason *r = soft_reasons;

	while (r->type && r->type != type)
		r++;
	sa->hs->soft = r->text;
	sa->hs->soft_why = r->why;
	if (sa->x.tries_max > 4)
		sa->x.tries_max = 4;	/* it may be forged, so try a little longer, but not the whole time */
	return r->drop;
}

static enum ike_drop
check_answer(struct ike *k, struct ike_sa *sa, const struct ike_msg *m, struct ike_choice *ch)
{
	struct ike_shake *hs = sa->hs;

	if (m->hdr.spi_r == 0)
		return IKE_DROP_SPI_ZERO;
	if (!ike_answer_ike(ike_profile(k, sa->profile), m, 0, false, ch)) {
		hs->soft = "peer answers with a proposal that we did not offer";
		hs->soft_why = IKE_DOWN_PROPOSAL;
		return IKE_DROP_PROPOSAL;
	}
	if (ch->group != hs->group || m->ke_group != hs->group)
		return IKE_DROP_GROUP;
	if (m->ke.n != ike_group_answer_len(hs->group))
		return IKE_DROP_KE_SYNTAX;
	if (m->nonce.n * 2 < ike_prf_len(ch->prf) || span_eq(m->nonce, span_of(hs->ni.b, hs->ni.n)))
		return IKE_DROP_NONCE;
	return IKE_OK;
}

static void
set_suite(struct ike_sa *sa, const struct ike_choice *ch)
{
	sa->suite = (struct ike_suite){ .encr = ch->encr, .encr_bits = ch->bits, .prf = ch->prf, .integ = ch->integ, .group = ch->group };
	memcpy(sa->addke, ch->addke, sizeof(sa->addke));
}

static enum ike_drop
got_answer(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, const struct ike_msg *m)
{
	struct ike_shake *hs = sa->hs;
	struct ike_choice ch;
	enum ike_drop d = check_answer(k, sa, m, &ch);
	char ep[ENDPOINT_STRLEN];
	uint8_t *copy;

	if (d != IKE_OK)
		return d;
	copy = env_alloc(&k->env.env, rx->packet.n);
	if (!copy)
		return IKE_DROP_MEMORY;
	if (!ike_shake_job(k, sa, IKE_JOB_SHARED, m->ke)) {
		env_free(&k->env.env, copy);
		return IKE_DROP_MEMORY;
	}
	memcpy(copy, rx->packet.p, rx->packet.n);
	hs->theirs = copy;
	hs->theirs_len = rx->packet.n;
	sa->spi_r = m->hdr.spi_r;
	hs->nr.n = (uint16_t)m->nonce.n;
	memcpy(hs->nr.b, m->nonce.p, m->nonce.n);
	set_suite(sa, &ch);
	ike_ext_note(k, sa, m);
	ike_natt_detect(k, sa, rx, m, m->hdr.spi_i, m->hdr.spi_r);
	ike_proof_hashes(sa, m);
	ike_proof_choose(k, sa, m);
	sa->local = rx->local;
	ike_natt_float(sa);
	ike_x_done(k, sa);
	sa->tx_mid = 1;
	sa->state = IKE_SA_I_KEX;
	IKE_DEBUG(k, "ike-proposal", "%s chose %s, %s, group %s%s%s", endpoint_fmt(&sa->remote, ep), ike_encr_name(ch.encr, ch.bits), ike_prf_name(ch.prf),
	    ike_group_name(ch.group), sa->natted_local ? "; we are behind NAT" : "", sa->natted_remote ? "; it is behind NAT" : "");
	ike_dial_trace(k, sa, TRACE_INIT_ANSWERED);
	return IKE_OK;
}

enum ike_drop
ike_init_response(struct ike *k, const struct ike_rx *rx, struct ike_msg *m)
{
	struct ike_sa *sa = ike_sa_by_spi(k, m->hdr.spi_i);
	const struct ike_notify *n;

	if (!sa || !sa->initiator)
		return IKE_DROP_UNKNOWN_SA;
	if (m->hdr.flags & IKE_FLAG_INITIATOR)
		return IKE_DROP_FLAGS;
	if (sa->state != IKE_SA_I_INIT || m->hdr.mid != 0 || !sa->hs->kex)
		return IKE_DROP_UNSOLICITED;
	sa->last_rx = k->now;
	n = ike_msg_notify(m, IKE_N_COOKIE);
	if (n)
		return got_cookie(k, sa, n);
	n = ike_msg_notify(m, IKE_N_REDIRECT);
	if (n)
		return ike_redirect_init(k, sa, n);
	n = ike_msg_error(m);
	if (n && n->type == IKE_N_INVALID_KE_PAYLOAD)
		return got_invalid_ke(k, sa, n);
	if (n)
		return got_refusal(sa, n->type);
	return got_answer(k, sa, rx, m);
}

/* ---- responder */
struct half_key {
	uint64_t spi_i;
	const struct endpoint *remote;
	const uint8_t *digest;
};

static uint64_t
half_hash(const struct ike *k, uint64_t spi_i, const struct endpoint *remote)
{
	uint8_t key[8 + 2 + 16] = { 0 };

	memcpy(key, &spi_i, 8);
	memcpy(key + 8, &remote->port, 2);
	memcpy(key + 10, remote->addr.b, 16);
	return map_hash(&k->by_half, key, sizeof(key));
}

static bool
half_eq(const struct map_node *node, const void *key)
{
	const struct ike_sa *sa = container_of(node, struct ike_sa, by_half);
	const struct half_key *want = key;

	return sa->spi_i == want->spi_i && endpoint_eq(&sa->remote, want->remote) && memcmp(sa->hs->digest, want->digest, 32) == 0;
}

static bool
answer_again(struct ike *k, const struct ike_rx *rx, uint64_t spi_i, const uint8_t digest[static 32])
{
	struct half_key key = { spi_i, &rx->remote, digest };
	struct map_node *node = map_find(&k->by_half, half_hash(k, spi_i, &rx->remote), half_eq, &key);
	const struct ike_sa *sa;

	if (!node)
		return false;
	sa = container_of(node, struct ike_sa, by_half);
	if (!sa->hs->mine)
		return true;	/* on its way */
	k->exchanges[1][IKE_SA_INIT]++;
	ike_send(k, &rx->local, &rx->remote, span_of(sa->hs->mine, sa->hs->mine_len));
	return true;
}

/* Whose proposals match decides; which profile it is in the end, the identity says in IKE_AUTH. */
static bool
select_any(const struct ike *k, const struct ike_msg *m, struct ike_choice *ch, unsigned *profile)
{
	for (unsigned i = 0; i < k->conf->n_profile; i++) {
		if (ike_select_ike(&k->conf->profile[i], m, m->ke_group, 0, ch) && ike_kex_known(ch->group)) {
			*profile = i;
			return true;
		}
	}
	return false;
}

static enum ike_drop
refuse(struct ike *k, const struct ike_rx *rx, const struct ike_msg *m, uint16_t type, struct span data, enum ike_drop d)
{
	char ep[ENDPOINT_STRLEN], text[IKE_REASON_MAX];

	if (bucket_take(&k->refusals, k->now, 50, 200))
		ike_refuse_clear(k, rx, &m->hdr, IKE_PROTO_NONE, type, data);
	if (d == IKE_DROP_PROPOSAL && k->conf->n_profile)
		log_limited(k->env.env.log, &k->log_prop, k->now, LOG_LV_NOTICE, "ike-no-proposal", "%s: %s", endpoint_fmt(&rx->remote, ep),
		    ike_words_mismatch(&k->conf->profile[0], m, false, true, text));
	return d;
}

static bool
build_answer(struct ike *k, struct ike_sa *sa)
{
	struct ike_shake *hs = sa->hs;
	struct ike_hdr h = {
		.spi_i = sa->spi_i, .spi_r = sa->spi_r, .version = IKE_VERSION_2, .exchange = IKE_SA_INIT, .flags = IKE_FLAG_RESPONSE
	};
	struct span pub = ike_kex_public(hs->kex);
	struct ike_offer o;
	struct ike_tx t;
	size_t n;

	if (pub.n == 0)
		return false;
	ike_offer_choice(&hs->choice, IKE_PROTO_IKE, 0, &o);
	t.w = wr_of(t.buf, sizeof(t.buf));
	ike_build_start(&t.b, &t.w, &h);
	ike_build_sa(&t.b, o.prop, o.n_prop, o.xf);
	ike_build_ke(&t.b, hs->group, pub);
	ike_build_nonce(&t.b, span_of(hs->nr.b, hs->nr.n));
	ike_natt_build(k, &t.b, sa->spi_i, sa->spi_r, ike_natt_said(k, sa, &sa->local), &sa->remote);
	ike_ext_build(k, sa, &t.b);
	ike_proof_build_init(k, &t, true);
	n = ike_build_end(&t.b);
	hs->mine = n ? env_alloc(&k->env.env, n) : NULL;
	if (!hs->mine)
		return false;
	memcpy(hs->mine, t.buf, n);
	hs->mine_len = n;
	return true;
}

/* Everything that may fail, on an SA that nobody knows yet. */
static bool
fill_half(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, const struct ike_msg *m, const struct ike_choice *ch)
{
	struct ike_shake *hs;

	if (!ike_sa_to_shake(k, sa))
		return false;
	hs = sa->hs;
	sa->spi_i = m->hdr.spi_i;
	sa->local = rx->local;
	sa->remote = rx->remote;
	sa->state = IKE_SA_R_INIT;
	sa->rx_mid = 1;
	set_suite(sa, ch);
	ike_ext_note(k, sa, m);
	hs->group = ch->group;
	hs->ni.n = (uint16_t)m->nonce.n;
	memcpy(hs->ni.b, m->nonce.p, m->nonce.n);
	hs->nr.n = IKE_NONCE_LEN;
	k->env.env.random(k->env.env.ctx, hs->nr.b, hs->nr.n);
	hs->choice = *ch;
	hs->ke_len = (uint16_t)m->ke.n;
	hs->ke_at = (size_t)(m->ke.p - rx->packet.p);
	ike_proof_hashes(sa, m);
	hs->kex = ike_kex_new(&k->env.env, hs->group);
	hs->theirs = env_alloc(&k->env.env, rx->packet.n);
	if (!hs->kex || !hs->theirs)
		return false;
	memcpy(hs->theirs, rx->packet.p, rx->packet.n);
	hs->theirs_len = rx->packet.n;
	return public_job(k, sa, &hs->kex, m->ke);
}

static enum ike_drop
open_half(struct ike *k, const struct ike_rx *rx, const struct ike_msg *m, const struct ike_choice *ch, unsigned profile, bool proven,
    const uint8_t digest[static 32])
{
	struct ike_sa *sa = ike_sa_new(k, false);

	if (!sa)
		return IKE_DROP_MEMORY;
	sa->profile = profile;
	if (!fill_half(k, sa, rx, m, ch)) {
		ike_sa_free(k, sa);
		return IKE_DROP_MEMORY;
	}
	sa->hs->proven = proven;
	sa->hs->started = k->now;
	memcpy(sa->hs->digest, digest, 32);
	sa->natted_local = !ike_natt_said(k, sa, &rx->local)->addr.n;
	ike_natt_detect(k, sa, rx, m, m->hdr.spi_i, 0);
	ike_half_add(k, sa);
	map_add(&k->by_half, &sa->by_half, half_hash(k, sa->spi_i, &sa->remote));
	sa->in_half = true;
	timer_arm(&k->timers, &sa->t_life, k->now + IKE_HALF_LIFE);
	return IKE_OK;
}

static void
answer_ready(struct ike *k, struct ike_sa *sa, struct ike_job *job)
{
	sa->hs->kex = job->kex;
	job->kex = NULL;
	if (!job->ran || !build_answer(k, sa)) {	/* the peer will ask again */
		ike_count(k, !job->ran ? IKE_DROP_BUSY : ike_kex_public(sa->hs->kex).n ? IKE_DROP_MEMORY : IKE_DROP_KE_SYNTAX);
		ike_sa_free(k, sa);
		return;
	}
	k->exchanges[1][IKE_SA_INIT]++;
	ike_send(k, &sa->local, &sa->remote, span_of(sa->hs->mine, sa->hs->mine_len));
}

static enum ike_drop
admit(struct ike *k, const struct ike_rx *rx, const struct ike_msg *m, bool *proven)
{
	char ep[ENDPOINT_STRLEN];

	*proven = false;
	switch (ike_admission(k, rx, m)) {
	case IKE_ADMIT_COOKIE:
		ike_cookie_send(k, rx, m);
		return IKE_DROP_COOKIE;
	case IKE_ADMIT_BAD:
		ike_cookie_send(k, rx, m);	/* our secret may have changed since */
		return IKE_DROP_COOKIE_BAD;
	case IKE_ADMIT_FULL:
		log_limited(k->env.env.log, &k->log_half, k->now, LOG_LV_WARN, "ike-half-open", "%u half-open exchanges, %s must wait",
		    (unsigned)k->n_half, endpoint_fmt(&rx->remote, ep));
		return IKE_DROP_HALF_OPEN;
	case IKE_ADMIT_PROVEN:
		*proven = true;
		return IKE_OK;
	case IKE_ADMIT:
		return IKE_OK;
	}
	return IKE_DROP_HALF_OPEN;
}

static enum ike_drop
check_request(struct ike *k, const struct ike_msg *m)
{
	const struct ike_sa *own = ike_sa_by_spi(k, m->hdr.spi_i);

	if (!(m->hdr.flags & IKE_FLAG_INITIATOR))
		return IKE_DROP_FLAGS;
	if (m->hdr.mid != 0)
		return IKE_DROP_MESSAGE_ID;
	if (own && own->initiator)
		return IKE_DROP_REFLECTED;
	return m->nonce.n > IKE_NONCE_MAX ? IKE_DROP_NONCE : IKE_OK;
}

enum ike_drop
ike_init_request(struct ike *k, const struct ike_rx *rx, struct ike_msg *m)
{
	struct ike_choice ch;
	uint8_t digest[32], group[2];
	char ep[ENDPOINT_STRLEN];
	enum ike_drop d = check_request(k, m);
	unsigned profile = 0;
	bool proven;

	if (d != IKE_OK)
		return d;
	if (k->shutdown || rx->packet.n > IKE_RX_MAX || !ike_digest(rx->packet, digest))
		return IKE_DROP_STATE;
	if (answer_again(k, rx, m->hdr.spi_i, digest))
		return IKE_OK;
	d = admit(k, rx, m, &proven);
	if (d != IKE_OK)
		return d;
	if (!select_any(k, m, &ch, &profile))
		return refuse(k, rx, m, IKE_N_NO_PROPOSAL_CHOSEN, span_of("", 0), IKE_DROP_PROPOSAL);
	if (ch.group != m->ke_group) {
		put_be16(group, ch.group);
		return refuse(k, rx, m, IKE_N_INVALID_KE_PAYLOAD, span_of(group, 2), IKE_DROP_GROUP);
	}
	if (m->ke.n != ike_group_public_len(ch.group))
		return IKE_DROP_KE_SYNTAX;
	if (m->nonce.n * 2 < ike_prf_len(ch.prf))
		return IKE_DROP_NONCE;
	if (k->n_half >= k->conf->half_open_max)
		ike_sa_free(k, k->half_old[0]);	/* admission saw to it that there is one */
	IKE_DEBUG(k, "ike-proposal", "%s offers, and we take %s, %s, group %s%s", endpoint_fmt(&rx->remote, ep), ike_encr_name(ch.encr, ch.bits),
	    ike_prf_name(ch.prf), ike_group_name(ch.group), proven ? "; it came with a cookie" : "");
	return open_half(k, rx, m, &ch, profile, proven, digest);
}

/* ---- keys */
bool
ike_shake_job(struct ike *k, struct ike_sa *sa, enum ike_job_kind kind, struct span peer)
{
	struct ike_shake *hs = sa->hs;
	struct ike_job *job = hs->kex ? ike_job_new(k, sa, kind, &hs->kex, peer) : NULL;

	if (!job)
		return false;
	sa->job = job->serial;
	if (ike_job_emit(k, sa, job))
		return true;
	sa->job = 0;
	return false;
}

void
ike_shake_public(struct ike *k, struct ike_sa *sa, struct ike_job *job)
{
	if (sa->has_keys)
		ike_mke_public(k, sa, job);
	else if (sa->initiator)
		request_ready(k, sa, job);
	else
		answer_ready(k, sa, job);
}

/* Nobody had time to compute for a stranger: as if the message that asked for it had been lost. */
static void
keys_later(struct ike *k, struct ike_sa *sa, struct ike_job *job)
{
	struct ike_shake *hs = sa->hs;

	ike_count(k, IKE_DROP_BUSY);
	hs->kex = job->kex;
	job->kex = NULL;
	if (sa->has_keys) {
		ike_mke_later(sa);
		return;
	}
	ike_stash_free(k, hs->stash);
	hs->stash = NULL;
	sa->state = IKE_SA_R_INIT;
}

void
ike_shake_keys(struct ike *k, struct ike_sa *sa, struct ike_job *job)
{
	struct ike_shake *hs = sa->hs;
	struct ike_seed seed = { span_of(job->shared, job->shared_len), span_of(hs->ni.b, hs->ni.n), span_of(hs->nr.b, hs->nr.n), sa->spi_i,
		sa->spi_r };

	if (!job->ran) {
		keys_later(k, sa, job);
		return;
	}
	if (sa->has_keys) {
		ike_mke_keys(k, sa, job);
		return;
	}
	if (job->shared_len == 0 || !ike_keys_first(&sa->suite, &seed, &sa->keys)) {
		ike_count(k, IKE_DROP_KE_SYNTAX);
		ike_sa_fail(k, sa, IKE_DOWN_PROTOCOL, false, "peer's key exchange value is impossible");
		return;
	}
	sa->has_keys = true;
	ike_keylog_sa(k, sa);
	if (sa->initiator) {
		ike_mke_next(k, sa);
	} else {
		sa->state = IKE_SA_R_AUTH;
		ike_stash_open(k, sa);
	}
}
