/* ikecore/engine/mobike.c: a peer that changes its address, RFC 4555, as its responder.
 *
 * MOBIKE_SUPPORTED is said to who says it. UPDATE_SA_ADDRESSES of the peer that dialled moves the IKE SA and its pairs to where the
 * request came from, after which a liveness check with a COOKIE2 must come back from there: who moves itself to an address that is
 * not its own loses the SA. NO_NATS_ALLOWED is obeyed.
 *
 * We do not move SAs of our own this way: a transport-mode pair's selectors, and what NHRP has told the hub, name our old address
 * (RFC 4555 is for tunnel mode). When our address changes we close and dial anew, which takes one round trip more and leaves
 * nothing half moved; behind NAT, where only the mapping changes, natt.c follows without any message. */
#include "ikecore/engine/ike_priv.h"

/* Addresses and ports as the initiator sees them: source, destination, as long as the family says. */
static bool
nats_found(const struct ike_notify *n, const struct ike_rx *rx)
{
	struct cur c = cur_of(n->data);
	struct span src = cur_take(&c, rx->remote.addr.n), dst = cur_take(&c, rx->local.addr.n);
	uint16_t sport = cur_be16(&c), dport = cur_be16(&c);

	return c.bad || cur_left(&c) || !span_eq(src, addr_span(&rx->remote.addr)) || !span_eq(dst, addr_span(&rx->local.addr)) ||
	    sport != rx->remote.port || dport != rx->local.port;
}

/* Writes what belongs into the answer. True: the SA is to be moved when that has been sent. */
bool
ike_mobike_answer(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, const struct ike_msg *m, struct ike_tx *t)
{
	const struct ike_notify *cookie = ike_msg_notify(m, IKE_N_COOKIE2), *no_nats = ike_msg_notify(m, IKE_N_NO_NATS_ALLOWED);

	if (cookie)
		ike_tx_notify_data(t, IKE_N_COOKIE2, cookie->data);
	if (!ike_msg_notify(m, IKE_N_UPDATE_SA_ADDRESSES) || sa->state != IKE_SA_EST || !sa->ext.mobike || sa->dialled)
		return false;
	if (no_nats && nats_found(no_nats, rx)) {
		ike_tx_notify(t, IKE_N_UNEXPECTED_NAT_DETECTED);
		return false;
	}
	ike_natt_build(k, &t->b, sa->spi_i, sa->spi_r, ike_natt_said(k, sa, &rx->local), &rx->remote);
	return true;
}

void
ike_mobike_move(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, const struct ike_msg *m)
{
	struct ike_act *a;

	sa->natted_local = !ike_natt_said(k, sa, &rx->local)->addr.n;
	ike_natt_detect(k, sa, rx, m, sa->spi_i, sa->spi_r);
	sa->remote = rx->remote;
	sa->local = rx->local;
	ike_sa_set_remote(k, sa);
	ike_act(k, IKE_ACT_IKE_MOVED, sa);
	for (struct ike_child *c = sa->children; c; c = c->next) {
		c->encap = sa->encap;
		if (c->installed && (a = ike_act(k, IKE_ACT_CHILD_MOVE, sa))) {
			a->spi_in = c->spi_in;
			a->encap = c->encap;
		}
	}
	k->env.env.random(k->env.env.ctx, sa->cookie2, sizeof(sa->cookie2));
	sa->cookie2_wanted = true;
	sa->want_live = true;
}

/* A liveness check on its way out, and its answer. False: the peer is not where it says. */
void
ike_mobike_check(const struct ike_sa *sa, struct ike_tx *t)
{
	if (sa->cookie2_wanted)
		ike_tx_notify_data(t, IKE_N_COOKIE2, span_of(sa->cookie2, sizeof(sa->cookie2)));
}

bool
ike_mobike_checked(struct ike_sa *sa, const struct ike_msg *m)
{
	const struct ike_notify *n = ike_msg_notify(m, IKE_N_COOKIE2);
	bool wanted = sa->cookie2_wanted;

	sa->cookie2_wanted = false;
	return !wanted || (n && n->data.n == sizeof(sa->cookie2) && ike_ct_eq(n->data.p, sa->cookie2, sizeof(sa->cookie2)));
}
