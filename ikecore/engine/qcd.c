/* ikecore/engine/qcd.c: quick crash detection (RFC 6290), both sides: who lost an SA can prove it, and who hears the proof starts
 * over at once instead of waiting for liveness checks to fail.
 *
 * Maker. Each IKE SA has a token that only we can compute: a MAC over both SPIs and our address, under a secret that survives
 * restarts (struct ike_env). The peer is given it under the protection of the SA: with IKE_AUTH, with the answer to a rekey of the
 * IKE SA, or, where the rekey was ours or our address changed, in a liveness check right after it. When a protected message comes for
 * an SA that we do not have, the answer is INVALID_IKE_SPI with the token, in clear.
 *
 * So that a peer that has nothing to send hears of it too, the caller may keep a trace of each SA (ike_visit_changes()) and hand
 * back those that were up when it died (ike_lost()): each such peer is sent the same message on our own accord, a few at a time,
 * a few times, until it is back.
 *
 * Taker. A token in clear that is the one this SA was given ends it, silently, and its dial begins anew. Anything else in clear
 * is no more than a cause for a liveness check, as before.
 *
 * What makes it safe (RFC 6290, 9 and 10). A token never leaves in clear while one of the SPIs in the message is ours: not even
 * for an SA that is only being made, whose second SPI others may know before us. SPIs are random, 64 bits of each peer's, so that
 * tokens cannot be collected in advance, and answers are limited in rate, tightly when the restart is a while ago. Our own address
 * is part of the token, and the secret is ours alone: another member of a cluster, or the copy of a machine, makes other tokens at
 * its own address. An answer is never larger than what it answers. Tokens are compared in constant time.
 *
 * Left out: tokens by the peer's address (5.2: it would not survive NAT), and the mapping of ESP SPIs to IKE SAs: for ESP we do
 * not know INVALID_SPI is said instead (cookie.c), the peer looks, and its look is answered with the token. */
#include "ikecore/engine/ike_priv.h"

enum { TOKENS_MAX = 4 /* looked at in one message */, LOST_TRIES = 3, LOST_BATCH = 16, LOST_BUSY = 200, GONE_MAX = 65536 };

#define LOST_FIRST	TICK_MS(50)
#define LOST_PACE	TICK_MS(20)	/* a batch each */
#define LOST_AGAIN	TICK_MS(900)
#define LOST_HOLD	TICK_MS(500)	/* as long as so many handshakes are in flight: one batch in this time */
#define FRESH		TICK_S(60)	/* we were started not longer ago */

struct ike_gone {	/* an SA that was traced, and is no more */
	struct ike_gone *next;
	uint64_t spi_i, spi_r;
};

struct ike_lost {	/* an SA from before the restart whose peer may not know */
	struct ike_lost *next;
	struct ike_trace t;
	tick_t at;
	unsigned sent;
};

/* ---- making */

static bool
make(const struct ike *k, uint64_t spi_i, uint64_t spi_r, const struct addr *own, uint8_t out[static IKE_CRASH_TOKEN_LEN])
{
	return k->has_qcd && ike_crash_token(k->qcd_secret, spi_i, spi_r, own, out);
}

void
ike_qcd_put(const struct ike *k, struct ike_sa *sa, struct ike_tx *t)
{
	uint8_t token[IKE_CRASH_TOKEN_LEN];

	if (!make(k, sa->spi_i, sa->spi_r, &sa->local.addr, token))
		return;
	ike_build_notify(&t->b, IKE_PROTO_IKE, span_of("", 0), IKE_N_QUICK_CRASH_DETECTION, span_of(token, sizeof(token)));
	sa->token_addr = sa->local.addr;
	sa->want_token = false;
}

/* What is said instead where our ESP SAs carry on (kept.c): only who was given the token can make this of it, and know it. A peer that
 * does not know it takes it for a cause to look. */
static bool
kept_token(const uint8_t token[static IKE_CRASH_TOKEN_LEN], uint64_t spi_i, uint64_t spi_r, uint8_t out[static IKE_CRASH_TOKEN_LEN])
{
	static const struct addr nowhere;
	uint8_t key[IKE_CRASH_SECRET_LEN] = { 0 };
	bool ok;

	memcpy(key, token, IKE_CRASH_TOKEN_LEN);
	ok = ike_crash_token(key, spi_i, spi_r, &nowhere, out);
	ike_wipe(key, sizeof(key));
	return ok;
}

/* The peer has none for this SA, or an outdated one: it goes with the next look, which is now. */
void
ike_qcd_renew(struct ike *k, struct ike_sa *sa)
{
	if (!k->has_qcd || sa->state != IKE_SA_EST || addr_eq(&sa->token_addr, &sa->local.addr))
		return;
	sa->want_token = sa->want_live = true;
	ike_sa_kick_at(k, sa, k->now);
}

/* INVALID_IKE_SPI, with the token where there is one. */
static size_t
build(const struct ike_hdr *h, struct span token, struct span kept, struct wr *w)
{
	struct ike_build b;

	ike_build_start(&b, w, h);
	ike_build_notify(&b, IKE_PROTO_NONE, span_of("", 0), IKE_N_INVALID_IKE_SPI, span_of("", 0));
	if (token.n)
		ike_build_notify(&b, IKE_PROTO_IKE, span_of("", 0), IKE_N_QUICK_CRASH_DETECTION, token);
	if (kept.n)
		ike_build_notify(&b, IKE_PROTO_IKE, span_of("", 0), IKE_N_QUICK_CRASH_DETECTION, kept);
	return ike_build_end(&b);
}

static bool
ours(const struct ike *k, uint64_t spi_i, uint64_t spi_r)
{
	return ike_sa_by_spi(k, spi_i) || ike_sa_by_spi(k, spi_r);
}

void
ike_qcd_answer(struct ike *k, const struct ike_rx *rx, const struct ike_msg *m)
{
	struct ike_hdr h = { .spi_i = m->hdr.spi_i, .spi_r = m->hdr.spi_r, .version = IKE_VERSION_2, .exchange = m->hdr.exchange, .mid = m->hdr.mid };
	uint8_t buf[IKE_HDR_LEN + 16 + IKE_CRASH_TOKEN_LEN], token[IKE_CRASH_TOKEN_LEN];
	bool fresh = k->has_qcd && k->now - k->started < FRESH, known;
	struct wr w = wr_of(buf, sizeof(buf));

	if (rx->packet.n < IKE_HDR_LEN + 8 || !ike_may_answer_clear(k, rx) || !bucket_take(&k->unknown_spi, k->now, fresh ? 500 : 20, fresh ? 1000 : 40))
		return;
	known = m->sk.body.n && rx->packet.n >= sizeof(buf) && !ours(k, h.spi_i, h.spi_r) && make(k, h.spi_i, h.spi_r, &rx->local.addr, token) &&
	    (!ike_kept_say(k) || kept_token(token, h.spi_i, h.spi_r, token));
	h.flags = (uint8_t)(IKE_FLAG_RESPONSE | (m->hdr.flags & IKE_FLAG_INITIATOR ? 0 : IKE_FLAG_INITIATOR));
	if (!build(&h, span_of(token, known ? sizeof(token) : 0), span_of("", 0), &w))
		return;
	k->exchanges[1][h.exchange]++;
	ike_send(k, &rx->local, &rx->remote, wr_span(&w));
}

/* ---- taking */

/* Only called with what came protected. Without memory, or of a size that makes no sense: no token, and things are as without. */
void
ike_qcd_take(struct ike *k, struct ike_sa *sa, const struct ike_msg *m)
{
	const struct ike_notify *n = ike_msg_notify(m, IKE_N_QUICK_CRASH_DETECTION);
	uint8_t *copy;

	if (!n || n->data.n < IKE_CRASH_TOKEN_LEN || n->data.n > IKE_CRASH_TOKEN_MAX)
		return;
	copy = env_alloc(&k->env.env, n->data.n);
	if (!copy)
		return;
	memcpy(copy, n->data.p, n->data.n);
	env_free(&k->env.env, sa->token);
	sa->token = copy;
	sa->token_len = (uint8_t)n->data.n;
}

/* In clear, for an SA we have. */
enum ike_drop
ike_qcd_judge(struct ike *k, struct ike_sa *sa, const struct ike_msg *m)
{
	uint8_t kept[IKE_CRASH_TOKEN_LEN] = { 0 };
	bool match = false, may_keep = sa->token_len == sizeof(kept) && kept_token(sa->token, sa->spi_i, sa->spi_r, kept);
	unsigned looked = 0;

	for (unsigned i = 0; i < m->n_notify && looked < TOKENS_MAX; i++) {
		const struct ike_notify *n = &m->notify[i];

		if (n->type != IKE_N_QUICK_CRASH_DETECTION)
			continue;
		looked++;
		match |= sa->token_len && n->data.n == sa->token_len && ike_ct_eq(sa->token, n->data.p, sa->token_len);
		sa->kept |= may_keep && n->data.n == sizeof(kept) && ike_ct_eq(kept, n->data.p, sizeof(kept));
	}
	match |= sa->kept;
	if (!looked)
		return IKE_DROP_UNSOLICITED;
	if (!match || sa->state != IKE_SA_EST)
		return IKE_DROP_TOKEN;
	ike_sa_down(k, sa, IKE_DOWN_RESTARTED, "peer was restarted", 0, false);
	return IKE_OK;
}

/* ---- traces of SAs */

void
ike_qcd_mark(struct ike *k, struct ike_sa *sa)
{
	if (!k->has_qcd || !sa->announced || sa->marked)
		return;
	sa->marked = sa->traced = true;
	sa->mark_next = NULL;
	sa->mark_prev = k->mark_last;
	*(k->mark_last ? &k->mark_last->mark_next : &k->mark_first) = sa;
	k->mark_last = sa;
	k->n_marks++;
}

static void
unmark(struct ike *k, struct ike_sa *sa)
{
	if (!sa->marked)
		return;
	*(sa->mark_prev ? &sa->mark_prev->mark_next : &k->mark_first) = sa->mark_next;
	*(sa->mark_next ? &sa->mark_next->mark_prev : &k->mark_last) = sa->mark_prev;
	sa->marked = false;
	k->n_marks--;
}

static void
gone(struct ike *k, uint64_t spi_i, uint64_t spi_r)
{
	struct ike_gone *g = k->n_gone < GONE_MAX ? env_alloc(&k->env.env, sizeof(*g)) : NULL;

	if (!g) {
		k->marks_lost = true;
		return;
	}
	*g = (struct ike_gone){ .next = k->gone, .spi_i = spi_i, .spi_r = spi_r };
	k->gone = g;
	k->n_gone++;
}

void
ike_qcd_forget(struct ike *k, struct ike_sa *sa)
{
	unmark(k, sa);
	if (sa->traced)
		gone(k, sa->spi_i, sa->spi_r);
	sa->traced = false;
	env_free(&k->env.env, sa->token);
	sa->token = NULL;
	sa->token_len = 0;
}

size_t
ike_changes(const struct ike *k)
{
	return k->n_marks + k->n_gone + k->marks_lost;
}

static void
hand_out_gone(struct ike *k, ike_trace_fn *fn, void *ctx)
{
	struct ike_gone *g = k->gone;
	struct ike_trace t = { .spi_i = g->spi_i, .spi_r = g->spi_r, .gone = true };

	k->gone = g->next;
	k->n_gone--;
	env_free(&k->env.env, g);
	if (fn)
		fn(ctx, &t);
}

bool
ike_visit_changes(struct ike *k, size_t max, ike_trace_fn *fn, void *ctx)
{
	bool lost = k->marks_lost;

	for (; max && k->gone; max--)
		hand_out_gone(k, fn, ctx);
	for (; max && k->mark_first; max--) {
		struct ike_sa *sa = k->mark_first;
		struct ike_trace t = { .spi_i = sa->spi_i, .spi_r = sa->spi_r, .initiator = sa->initiator, .local = sa->local, .remote = sa->remote,
			.expires = sa->expires };

		unmark(k, sa);
		fn(ctx, &t);
	}
	k->marks_lost = false;
	return !lost;
}

void
ike_changes_again(struct ike *k)
{
	struct map_iter it = { 0 };

	while (k->gone)
		hand_out_gone(k, NULL, NULL);
	k->marks_lost = false;
	for (struct map_node *n = map_first(&k->by_id, &it); n; n = map_next(&k->by_id, &it)) {
		struct ike_sa *sa = container_of(n, struct ike_sa, by_id);

		if (sa->state == IKE_SA_EST)
			ike_qcd_mark(k, sa);
	}
}

/* ---- SAs from before a restart */

static void
lost_append(struct ike *k, struct ike_lost *l)
{
	l->next = NULL;
	*(k->lost_last ? &k->lost_last->next : &k->lost_first) = l;
	k->lost_last = l;
}

static struct ike_lost *
lost_shift(struct ike *k)
{
	struct ike_lost *l = k->lost_first;

	k->lost_first = l->next;
	if (!k->lost_first)
		k->lost_last = NULL;
	return l;
}

bool
ike_lost(struct ike *k, tick_t now, const struct ike_trace *t)
{
	struct ike_lost *l;

	if (now > k->now)
		k->now = now;
	if (!k->has_qcd || k->n_lost >= k->conf->sa_max || t->expires <= k->now || !t->spi_i || !t->spi_r || ours(k, t->spi_i, t->spi_r) ||
	    !t->remote.addr.n || !t->local.addr.n || !addr_is_unicast(&t->remote.addr) || !addr_is_unicast(&t->local.addr) || !t->remote.port || !t->local.port)
		return false;
	l = env_alloc(&k->env.env, sizeof(*l));
	if (!l)
		return false;
	l->t = *t;
	l->at = k->now + LOST_FIRST;
	lost_append(k, l);
	k->n_lost++;
	if (!k->t_lost.armed)
		timer_arm(&k->timers, &k->t_lost, l->at);
	return true;
}

static void
tell(struct ike *k, const struct ike_trace *t)
{
	struct ike_hdr h = { .spi_i = t->spi_i, .spi_r = t->spi_r, .version = IKE_VERSION_2, .exchange = IKE_INFORMATIONAL };
	uint8_t buf[IKE_HDR_LEN + 2 * (16 + IKE_CRASH_TOKEN_LEN)], token[IKE_CRASH_TOKEN_LEN], kept[IKE_CRASH_TOKEN_LEN];
	struct wr w = wr_of(buf, sizeof(buf));
	bool say = ike_kept_say(k);

	h.flags = (uint8_t)(IKE_FLAG_RESPONSE | (t->initiator ? IKE_FLAG_INITIATOR : 0));
	if (!make(k, h.spi_i, h.spi_r, &t->local.addr, token) || (say && !kept_token(token, h.spi_i, h.spi_r, kept)) ||
	    !build(&h, span_of(token, sizeof(token)), span_of(kept, say ? sizeof(kept) : 0), &w))
		return;
	k->exchanges[1][h.exchange]++;
	ike_send(k, &t->local, &t->remote, wr_span(&w));
}

/* True: it is still of use. */
static bool
again(struct ike *k, struct ike_lost *l)
{
	if (l->sent == LOST_TRIES || l->t.expires <= k->now || ours(k, l->t.spi_i, l->t.spi_r) || ike_sa_of_esp(k, &l->t.remote))
		return false;
	tell(k, &l->t);
	l->sent++;
	l->at = k->now + LOST_AGAIN;
	return true;
}

/* A peer that hears of it is here with a handshake a moment later: not faster than those are worked off. */
void
ike_qcd_timer(struct ike *k)
{
	bool hold = k->n_half > LOST_BUSY && k->now - k->lost_batch < LOST_HOLD;

	for (unsigned n = hold ? 0 : LOST_BATCH; n && k->lost_first && k->lost_first->at <= k->now && outq_room(k->out, 1, 256); n--) {
		struct ike_lost *l = lost_shift(k);

		k->lost_batch = k->now;
		if (!k->shutdown && again(k, l)) {
			lost_append(k, l);
			continue;
		}
		gone(k, l->t.spi_i, l->t.spi_r);
		k->n_lost--;
		env_free(&k->env.env, l);
	}
	if (k->lost_first)
		timer_arm(&k->timers, &k->t_lost, k->lost_first->at > k->now + LOST_PACE ? k->lost_first->at : k->now + LOST_PACE);
}

/* ---- life */

void
ike_qcd_init(struct ike *k)
{
	k->has_qcd = k->env.qcd_secret != NULL;
	if (k->has_qcd)
		memcpy(k->qcd_secret, k->env.qcd_secret, sizeof(k->qcd_secret));
	k->env.qcd_secret = NULL;	/* it need not live longer than the call */
	k->t_lost.kind = TM_LOST;
}

void
ike_qcd_fini(struct ike *k)
{
	timer_disarm(&k->timers, &k->t_lost);
	while (k->gone)
		hand_out_gone(k, NULL, NULL);
	while (k->lost_first)
		env_free(&k->env.env, lost_shift(k));
}
