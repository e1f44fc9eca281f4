/* ikecore/engine/probe.c: does a packet of some size get through to the peer? (RFC 8899 leaves open who carries the question.)
 *
 * An INFORMATIONAL request, padded to that size by a notification that nobody knows and everybody must ignore (RFC 7296 3.10.1),
 * goes out whole, with DF. Every IKEv2 peer answers it, with a small message. No answer to WHOLE_TRIES of them says that the size
 * does not get through, or that the peer is dead: so the same octets go once more without DF, and after that, as the window must
 * not stay shut where fragments get lost too, an empty request under the same message id; the peer has not seen that id. An answer
 * now says "too big"; none is what none always is, a dead peer. It counts as a liveness check all the time. */
#include "ikecore/engine/ike_priv.h"

enum { WHOLE_TRIES = 2, AGAIN_TRIES = WHOLE_TRIES + 1, PAD_NOTIFY = 40990 /* private use, status */, PAD_MAX = IKE_TX_MAX - 256 };
#define WHOLE_WAIT TICK_MS(700)

static void
report(struct ike *k, uint32_t sa, unsigned size, enum ike_probe r)
{
	struct ike_act *a = ike_act(k, IKE_ACT_PROBE_RESULT, ike_sa_find(k, sa));

	if (!a)
		return;
	a->sa = sa;
	a->size = size;
	a->probe = r;
}

/* IP and UDP header, and the marker of port 4500. */
static unsigned
outer(const struct ike_sa *sa)
{
	return (sa->remote.addr.n == 16 ? 40 : 20) + 8 + (sa->local.port == 500 ? 0 : 4);
}

/* Of a message with so much in the notification; ciphers that work in blocks round up. */
static size_t
sealed_len(struct ike_sa *sa, size_t pad)
{
	static const uint8_t zero[PAD_MAX];
	struct ike_sk_sizes sizes;
	struct ike_seal_room room;
	struct ike_tx t;

	ike_tx_request(&t, sa, IKE_INFORMATIONAL);
	ike_tx_notify_data(&t, PAD_NOTIFY, span_of(zero, pad));
	ike_sk_sizes(sa->initiator ? &sa->keys.i : &sa->keys.r, &sizes);
	return ike_build_seal(&t.b, sizes.block, sizes.icv_len, &room);
}

/* 0: as small as that it cannot be. */
static size_t
pad_for(struct ike_sa *sa, unsigned size)
{
	size_t empty = sealed_len(sa, 0) + outer(sa), pad = size > empty ? size - empty : 0;

	if (pad > PAD_MAX)
		return 0;
	while (pad && sealed_len(sa, pad) + outer(sa) > size)
		pad--;
	return pad;
}

static bool
start(struct ike *k, struct ike_sa *sa, size_t pad)
{
	static const uint8_t zero[PAD_MAX];
	struct ike_tx t;

	ike_tx_request(&t, sa, IKE_INFORMATIONAL);
	ike_tx_notify_data(&t, PAD_NOTIFY, span_of(zero, pad));
	t.whole = true;
	return ike_x_start(k, sa, IKE_X_PROBE, &t);
}

void
ike_probe(struct ike *k, uint32_t id, unsigned size)
{
	struct ike_sa *sa = ike_sa_find(k, id);
	size_t pad = sa && sa->state == IKE_SA_EST && sa->x.kind == IKE_X_NONE && !sa->cc_tx ? pad_for(sa, size) : 0;

	if (!pad || !outq_room(k->out, 4, 2 * IKE_TX_MAX) || !start(k, sa, pad))
		report(k, id, size, IKE_PROBE_BUSY);
}

void
ike_probe_begin(struct ike_sa *sa)
{
	sa->x.wait = WHOLE_WAIT;
	sa->x.tries_max = AGAIN_TRIES + IKE_LIVE_TRIES;
	sa->x.size = (unsigned)sa->x.len + outer(sa);
}

static void
send_empty(struct ike *k, struct ike_sa *sa)
{
	struct ike_tx t;

	ike_tx_request(&t, sa, IKE_INFORMATIONAL);
	ike_x_replace(k, sa, &t);	/* without memory the large one goes on */
	sa->x.wait = ike_live_retry(k, sa);
}

/* The n-th of its tries, x.tries. */
void
ike_probe_send(struct ike *k, struct ike_sa *sa)
{
	struct ike_act *a;
	struct span copy;

	if (sa->x.tries == AGAIN_TRIES + 1)
		send_empty(k, sa);
	if (!outq_copy(k->out, span_of(sa->x.msg, sa->x.len), &copy) || !(a = ike_act(k, IKE_ACT_SEND, NULL))) {
		ike_count(k, IKE_DROP_ROOM);
		return;
	}
	a->local = sa->local;
	a->remote = sa->remote;
	a->packet = copy;
	a->whole = sa->x.tries <= WHOLE_TRIES;
}

void
ike_probe_answered(struct ike *k, const struct ike_sa *sa, const struct ike_exch *x)
{
	report(k, sa->id, x->size, x->tries <= WHOLE_TRIES ? IKE_PROBE_FITS : IKE_PROBE_TOO_BIG);
}
