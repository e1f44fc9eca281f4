/* ikecore/engine/frag.c: IKE fragmentation, RFC 7383, and messages that wait for keys.
 *
 * Sending. Where both ends said FRAGMENTATION_SUPPORTED, a message whose IP packet would be larger than the configured limit
 * is cut; each piece is a message of its own with its own IV and ICV. A message that was cut is kept as its pieces one behind
 * the other: the length in each header says where the next begins, so repeating it is sending all of them again.
 *
 * Receiving. A piece is opened before anything of it is kept. Per SA there is at most one unfinished message each way, in
 * at most IKE_FRAGS_MAX pieces and IKE_FRAG_OCTETS octets; a finer cut of the same message replaces a coarser one, a coarser
 * is dropped, and so is what is there already. An unfinished set goes with the SA, or when another message begins.
 *
 * A responder computes the secret when the first encrypted message comes; whatever of it arrives until the secret is known
 * waits in the half-open record, at most IKE_STASH_OCTETS. It has not been opened by then, so any of it may be rubbish.
 *
 * Smaller pieces when there is no answer (2.5.2): narrow.c. */
#include "ikecore/engine/ike_priv.h"

/* ---- sending */
size_t
ike_octets_in(const struct ike_sa *sa, unsigned mtu)
{
	unsigned ip = sa->remote.addr.n == 16 ? 40 : 20;

	return mtu - ip - 8 - (sa->local.port == 500 ? 0 : 4);	/* UDP, non-ESP marker */
}

size_t
ike_send_limit(const struct ike *k, const struct ike_sa *sa)
{
	return ike_octets_in(sa, ike_frag_mtu(k, sa));
}

/* Most octets of payloads that one piece can hold. */
static size_t
piece_len(size_t limit, const struct ike_sk_sizes *s)
{
	size_t fixed = IKE_HDR_LEN + IKE_PL_HDR_LEN + 4u + s->iv_len + s->icv_len, room = limit > fixed ? limit - fixed : 0;

	room -= room % s->block;
	return room > 1 ? room - 1 : 0;	/* pad length octet */
}

static bool
seal_piece(struct ike *k, struct ike_sa *sa, const struct ike_cut *cut, uint16_t no, struct span text, struct wr *w)
{
	struct ike_seal_room room;
	struct ike_build b;

	ike_build_start(&b, w, &cut->hdr);
	ike_build_skf(&b, cut->sizes.iv_len, cut->first, no, cut->total);
	wr_put(w, text);
	return ike_build_seal(&b, cut->sizes.block, cut->sizes.icv_len, &room) && ike_sk_iv(cut->key, sa->iv++, &k->env.env, room.iv) &&
	    ike_seal(cut->key, room.aad, room.iv, room.text, room.text_len, room.icv);
}

struct span
ike_frag_seal(struct ike *k, struct ike_sa *sa, struct ike_tx *t, const struct ike_protect *key)
{
	struct ike_cut cut = { .key = key };
	struct cur text = cur_of(span_of(t->buf + t->b.text_at, wr_len(&t->w) - t->b.text_at));
	struct wr w = wr_of(t->cut, sizeof(t->cut));
	size_t each;

	if (t->w.bad || !ike_sk_sizes(key, &cut.sizes) || !ike_hdr_parse(wr_span(&t->w), &cut.hdr))
		return span_of(t->cut, 0);
	each = piece_len(ike_send_limit(k, sa), &cut.sizes);
	if (each == 0 || (cur_left(&text) + each - 1) / each > IKE_FRAGS_MAX)
		return span_of(t->cut, 0);
	cut.first = t->buf[t->b.sk_at];
	cut.total = (uint16_t)((cur_left(&text) + each - 1) / each);
	for (uint16_t no = 1; no <= cut.total; no++) {
		size_t n = cur_left(&text) < each ? cur_left(&text) : each;

		if (!seal_piece(k, sa, &cut, no, cur_take(&text, n), &w))
			return span_of(t->cut, 0);
		k->fragments[1]++;
	}
	return wr_span(&w);
}

/* What was kept of a message: itself, or its pieces. */
void
ike_send_all(struct ike *k, const struct endpoint *local, const struct endpoint *remote, struct span msgs)
{
	struct cur c = cur_of(msgs);
	struct ike_hdr h;

	while (cur_left(&c) && ike_hdr_parse(span_of(c.p, cur_left(&c)), &h) && h.length <= cur_left(&c) && h.length >= IKE_HDR_LEN)
		ike_send(k, local, remote, cur_take(&c, h.length));
}

/* ---- receiving */
void
ike_frags_free(struct ike *k, struct ike_sa *sa, bool response)
{
	struct ike_frags *f = sa->frags[response];

	if (!f)
		return;
	sa->frags[response] = NULL;
	for (unsigned i = 0; i < f->total; i++) {
		if (f->piece[i].p)
			ike_wipe(f->piece[i].p, f->piece[i].n);
		env_free(&k->env.env, f->piece[i].p);
	}
	env_free(&k->env.env, f);
}

/* The set this piece belongs to, begun anew where it is of another message or a finer cut. */
static enum ike_drop
find_set(struct ike *k, struct ike_sa *sa, const struct ike_msg *m, struct ike_frags **out)
{
	struct ike_frags *f = sa->frags[m->response];

	if (m->sk.total > IKE_FRAGS_MAX)
		return IKE_DROP_FRAGMENT_MANY;
	if (f && f->mid == m->hdr.mid && f->exchange == m->hdr.exchange) {
		*out = f;
		if (f->total == m->sk.total)
			return f->piece[m->sk.frag - 1].p ? IKE_DROP_FRAGMENT_OLD : IKE_OK;
		if (f->total > m->sk.total)
			return IKE_DROP_FRAGMENT_OLD;
		if (!m->response)
			ike_narrow_told(k, sa);
	}
	ike_frags_free(k, sa, m->response);
	f = env_alloc(&k->env.env, sizeof(*f));
	if (!f)
		return IKE_DROP_MEMORY;
	f->mid = m->hdr.mid;
	f->exchange = m->hdr.exchange;
	f->total = m->sk.total;
	sa->frags[m->response] = *out = f;
	return IKE_OK;
}

static bool
keep_piece(struct ike *k, struct ike_frags *f, const struct ike_msg *m, struct span text)
{
	uint8_t *p = env_alloc(&k->env.env, text.n + 1);	/* never nothing: an empty piece is there too */

	if (!p)
		return false;
	memcpy(p, text.p, text.n);
	f->piece[m->sk.frag - 1].p = p;
	f->piece[m->sk.frag - 1].n = (uint16_t)text.n;
	f->octets += text.n;
	f->have++;
	if (m->sk.frag == 1)
		f->first = m->sk.first;
	return true;
}

/* All of them in one, and the octet that says "no padding". */
static uint8_t *
join(struct ike *k, const struct ike_frags *f)
{
	uint8_t *whole = env_alloc(&k->env.env, f->octets + 1);
	size_t at = 0;

	for (unsigned i = 0; whole && i < f->total; i++) {
		memcpy(whole + at, f->piece[i].p, f->piece[i].n);
		at += f->piece[i].n;
	}
	return whole;
}

enum ike_drop
ike_frag_rx(struct ike *k, struct ike_sa *sa, struct ike_msg *m, struct span plain, uint8_t **whole, size_t *n)
{
	struct span text = ike_frag_text(plain);
	struct ike_frags *f;
	enum ike_drop d;

	*whole = NULL;
	if (!text.p)
		return IKE_DROP_SK_SYNTAX;
	d = find_set(k, sa, m, &f);
	if (d != IKE_OK)
		return d;
	if (f->octets + text.n > IKE_FRAG_OCTETS) {
		ike_frags_free(k, sa, m->response);
		return IKE_DROP_FRAGMENT_MANY;
	}
	if (!keep_piece(k, f, m, text))
		return IKE_DROP_MEMORY;
	k->fragments[0]++;
	if (f->have < f->total)
		return IKE_OK;
	*whole = join(k, f);
	*n = f->octets + 1;
	m->sk.first = f->first;
	ike_frags_free(k, sa, m->response);
	return *whole ? IKE_OK : IKE_DROP_MEMORY;
}

/* ---- waiting for keys */
void
ike_stash_free(struct ike *k, struct ike_stash *s)
{
	while (s) {
		struct ike_stash *next = s->next;

		env_free(&k->env.env, s);
		s = next;
	}
}

enum ike_drop
ike_stash_add(struct ike *k, struct ike_shake *hs, const struct ike_rx *rx)
{
	struct ike_stash *s, **end = &hs->stash;
	size_t octets = rx->packet.n;

	for (; *end; end = &(*end)->next) {
		if (span_eq(span_of((*end)->octets, (*end)->n), rx->packet))
			return IKE_DROP_STATE;	/* a repetition: it is being worked on */
		octets += (*end)->n;
	}
	if (octets > IKE_STASH_OCTETS)
		return IKE_DROP_FRAGMENT_MANY;
	s = env_alloc(&k->env.env, sizeof(*s) + rx->packet.n);
	if (!s)
		return IKE_DROP_MEMORY;
	s->rx = *rx;
	s->n = rx->packet.n;
	memcpy(s->octets, rx->packet.p, s->n);
	*end = s;
	return IKE_OK;
}

/* The keys are there. What one message does may end the SA for those behind it. */
void
ike_stash_open(struct ike *k, struct ike_sa *sa)
{
	struct ike_stash *s = sa->hs->stash;
	uint8_t plain[IKE_RX_MAX];
	uint32_t id = sa->id;

	sa->hs->stash = NULL;
	for (const struct ike_stash *at = s; at; at = at->next) {
		struct ike_rx rx = at->rx;
		struct ike_msg m;
		enum ike_drop d;

		sa = ike_sa_find(k, id);
		if (!sa)
			break;
		rx.packet = span_of(at->octets, at->n);
		d = ike_msg_parse(rx.packet, &m);
		if (d == IKE_OK)
			d = ike_rx_open(k, sa, &rx, &m, plain);
		ike_count(k, d);
	}
	ike_stash_free(k, s);
}
