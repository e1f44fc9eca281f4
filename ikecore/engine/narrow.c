/* ikecore/engine/narrow.c: smaller pieces where larger ones vanish (RFC 7383 2.5.2): firewalls that drop the fragments of IP packets,
 * tunnels that say nothing of their size.
 *
 * Our request. After every two that stayed without an answer the next one goes out cut finer: nothing of the message changes, its
 * pieces are opened with our own key and sealed anew, each with an IV and ICV of its own. The limit goes down in steps (1280 octets,
 * 576 with IPv4) until that makes the pieces smaller. An answer confirms it.
 *
 * Our answer. A responder learns of it when the request comes again: at the second repetition the answer that was kept is cut finer; at
 * the first where the request comes in smaller pieces than our answer has; and from the beginning where the peer began to cut its
 * request finer before it was whole. The next request confirms it. The answer to an IKE_INTERMEDIATE has keys that are not in use any
 * more; they are kept until authentication is over.
 *
 * What was confirmed goes to the SA's heirs, and is remembered for the peer's address for an hour, so that a handshake does not
 * lose the time again. Whoever comes from there begins with it: with NAT that may be others on the same path. */
#include "ikecore/engine/ike_priv.h"

#define REMEMBERED	TICK_S(3600)

static struct ike_narrow *
place(const struct ike *k, const struct addr *a)
{
	return (struct ike_narrow *)(uintptr_t)&k->narrow[map_hash(&k->addr_key, a->b, a->n) % IKE_NARROW];
}

uint16_t
ike_frag_mtu(const struct ike *k, const struct ike_sa *sa)
{
	uint16_t mtu = k->conf->frag_mtu ? k->conf->frag_mtu : IKE_FRAG_MTU, found = sa->ext.frag_mtu;
	const struct ike_narrow *n = place(k, &sa->remote.addr);

	if (!found && n->mtu && k->now < n->until && addr_eq(&n->addr, &sa->remote.addr))
		found = n->mtu;
	return found && found < mtu ? found : mtu;
}

/* The largest packet of what was kept of a message. */
static size_t
largest(struct span msgs)
{
	struct cur c = cur_of(msgs);
	struct ike_hdr h;
	size_t n = 0;

	while (cur_left(&c) && ike_hdr_parse(span_of(c.p, cur_left(&c)), &h) && h.length <= cur_left(&c) && h.length >= IKE_HDR_LEN) {
		n = h.length > n ? h.length : n;
		cur_take(&c, h.length);
	}
	return n;
}

/* The next limit by which a message of that size would be cut finer; 0: there is none. */
static uint16_t
next_limit(const struct ike *k, const struct ike_sa *sa, size_t size)
{
	static const uint16_t step[] = { 1280, 576 };
	unsigned n = sa->remote.addr.n == 16 ? 1 : 2;	/* any IPv6 path takes 1280 */
	uint16_t now = ike_frag_mtu(k, sa);

	for (unsigned i = 0; i < n; i++) {
		if (step[i] < now && size > ike_octets_in(sa, step[i]))
			return step[i];
	}
	return 0;
}

/* The text of all pieces, opened with our own key, into t as if it had just been written. */
static bool
reopen(const struct ike_protect *key, struct span msgs, struct ike_tx *t)
{
	struct cur c = cur_of(msgs);
	uint8_t plain[IKE_TX_MAX];
	struct ike_msg m;
	struct ike_hdr h;
	bool first = true, good = true;

	while (good && cur_left(&c)) {
		struct span text;
		long n;

		good = ike_hdr_parse(span_of(c.p, cur_left(&c)), &h) && h.length <= cur_left(&c) && ike_msg_parse(cur_take(&c, h.length), &m) == IKE_OK &&
		    m.sk.body.n && m.sk.body.n <= sizeof(plain);
		n = good ? ike_open(key, m.sk.aad, m.sk.body, plain) : -1;
		text = n < 0 ? span_of(NULL, 0) : ike_frag_text(span_of(plain, (size_t)n));
		good = text.p != NULL;
		if (good && first) {
			struct ike_sk_sizes sizes;

			t->w = wr_of(t->buf, sizeof(t->buf));
			t->whole = false;
			good = ike_sk_sizes(key, &sizes);
			ike_build_start(&t->b, &t->w, &m.hdr);
			ike_build_sk(&t->b, sizes.iv_len);
			t->buf[t->b.sk_at] = m.sk.first;
			first = false;
		}
		if (good)
			wr_put(&t->w, text);
	}
	ike_wipe(plain, sizeof(plain));
	return good && !first && !t->w.bad;
}

/* Puts the same message in smaller pieces in the place of what was kept; false: it stays as it is. */
static bool
cut_again(struct ike *k, struct ike_sa *sa, bool answer, uint8_t **msg, size_t *len)
{
	const struct ike_protect *key = sa->initiator ? &sa->keys.i : &sa->keys.r;
	struct ike_tx t;
	struct span out = span_of("", 0);
	uint8_t *copy;
	bool good = reopen(key, span_of(*msg, *len), &t);

	if (!good && answer && sa->hs && sa->hs->has_was) {
		key = &sa->hs->was_out;
		good = reopen(key, span_of(*msg, *len), &t);
	}
	if (good)
		out = ike_frag_seal(k, sa, &t, key);
	ike_wipe(t.buf, sizeof(t.buf));
	copy = out.n ? env_alloc(&k->env.env, out.n) : NULL;
	if (!copy)
		return false;
	memcpy(copy, out.p, out.n);
	env_free(&k->env.env, *msg);
	*msg = copy;
	*len = out.n;
	return true;
}

static bool
step_down(struct ike *k, struct ike_sa *sa, bool answer, uint8_t **msg, size_t *len)
{
	uint16_t was = sa->ext.frag_mtu, mtu;
	char ep[ENDPOINT_STRLEN];

	mtu = sa->ext.frag && sa->has_keys ? next_limit(k, sa, largest(span_of(*msg, *len))) : 0;
	if (!mtu)
		return false;
	sa->ext.frag_mtu = mtu;
	if (!cut_again(k, sa, answer, msg, len)) {
		sa->ext.frag_mtu = was;
		return false;
	}
	IKE_DEBUG(k, "ike-smaller", "%s: %s goes on in pieces of at most %u octets", endpoint_fmt(&sa->remote, ep), answer ? "an answer" : "a request", mtu);
	sa->narrowing |= answer ? IKE_NARROW_ANSWER : IKE_NARROW_REQUEST;
	return true;
}

/* The request in flight is to be sent again. */
void
ike_narrow_request(struct ike *k, struct ike_sa *sa)
{
	if (sa->x.tries && sa->x.tries % IKE_RETX_AS_IS == 0 && sa->x.kind != IKE_X_INIT && sa->x.kind != IKE_X_PROBE)
		step_down(k, sa, false, &sa->x.msg, &sa->x.len);
}

/* So is the answer to the last request, which came in pieces of that size again; 0: as a whole. */
void
ike_narrow_answer(struct ike *k, struct ike_sa *sa, size_t piece)
{
	bool larger = piece && largest(span_of(sa->resp, sa->resp_len)) > piece;

	if ((++sa->resp_again >= IKE_RETX_AS_IS || larger) && step_down(k, sa, true, &sa->resp, &sa->resp_len))
		sa->resp_again = 0;
}

/* The peer cut its request finer: so should we our answer, whatever its size will be. */
void
ike_narrow_told(struct ike *k, struct ike_sa *sa)
{
	uint16_t mtu = next_limit(k, sa, SIZE_MAX);

	if (!mtu)
		return;
	sa->ext.frag_mtu = mtu;
	sa->narrowing |= IKE_NARROW_ANSWER;
}

/* A message that could be opened: an answer to our request, or the request after the one that we answered. */
void
ike_narrow_heard(struct ike *k, struct ike_sa *sa, bool response)
{
	uint8_t what = response ? IKE_NARROW_REQUEST : IKE_NARROW_ANSWER;
	char ep[ENDPOINT_STRLEN];

	if (!(sa->narrowing & what))
		return;
	sa->narrowing = (uint8_t)(sa->narrowing & ~what);
	*place(k, &sa->remote.addr) = (struct ike_narrow){ sa->remote.addr, sa->ext.frag_mtu, k->now + REMEMBERED };
	log_limited(k->env.env.log, &k->log_narrow, k->now, LOG_LV_NOTICE, "ike-path-narrow",
	    "%s: larger IKE messages got lost on the way, pieces of at most %u octets arrive: so from now on", endpoint_fmt(&sa->remote, ep),
	    sa->ext.frag_mtu);
}
