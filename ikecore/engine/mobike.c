/* ikecore/engine/mobike.c: who changes its address and keeps its SAs, RFC 4555.
 *
 * MOBIKE_SUPPORTED is said to who says it. UPDATE_SA_ADDRESSES of the peer that dialled moves the IKE SA and its pairs to where the
 * request came from, after which a liveness check with a COOKIE2 must come back from there: who moves itself to an address that is
 * not its own loses the SA. NO_NATS_ALLOWED is obeyed.
 *
 * We move SAs of our own that carry plain IP packets in tunnel mode, where the peer takes it. When our address is gone such an SA waits a
 * little for another one; then what is in flight is repeated from there, UPDATE_SA_ADDRESSES follows with a COOKIE2, and when it is answered
 * all pairs are moved, into UDP or out of it as NAT is found on the new path. No answer ends the SA, and its dial begins anew.
 *
 * We do not move what carries GRE: the selectors of such a pair name our old address (RFC 4555 is for tunnel mode), and so does what NHRP
 * has told the hub. There we close and dial anew, which takes one round trip more and leaves nothing half moved; behind NAT, where only
 * the mapping changes, natt.c follows without any message. */
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

/* ---- ours */
bool
ike_mobike_wanted(const struct ike_profile *p)
{
	return dp_plain(&p->plain);
}

void
ike_mobike_readdress(struct ike *k, struct ike_sa *sa, const struct addr *is)
{
	if (!is->n) {
		sa->away_until = k->now + IKE_AWAY_LIFE;
		ike_sa_arm_life(k, sa);
		return;
	}
	sa->away_until = TICK_NEVER;
	ike_sa_arm_life(k, sa);
	sa->local.addr = *is;
	if (sa->ext.natt && sa->remote.port == 500) {	/* RFC 4555 3.3: there may be a NAT on the way now */
		sa->local.port = 4500;
		sa->remote.port = 4500;
	}
	sa->want_update = true;
	if (sa->x.kind == IKE_X_NONE)
		ike_sa_kick_at(k, sa, k->now);
	else
		timer_arm(&k->timers, &sa->t_retx, k->now);	/* from there, at once */
}

bool
ike_mobike_update(struct ike *k, struct ike_sa *sa)
{
	char ep[ENDPOINT_STRLEN];
	struct ike_tx t;

	k->env.env.random(k->env.env.ctx, sa->cookie2, sizeof(sa->cookie2));
	ike_tx_request(&t, sa, IKE_INFORMATIONAL);
	ike_tx_notify(&t, IKE_N_UPDATE_SA_ADDRESSES);
	if (sa->ext.natt)
		ike_natt_build(k, &t.b, sa->spi_i, sa->spi_r, ike_natt_said(k, sa, &sa->local), &sa->remote);
	ike_tx_notify_data(&t, IKE_N_COOKIE2, span_of(sa->cookie2, sizeof(sa->cookie2)));
	if (!ike_x_start(k, sa, IKE_X_UPDATE, &t))
		return false;
	sa->cookie2_wanted = true;
	sa->want_update = false;
	sa->x.tries_max = IKE_UPDATE_TRIES;
	IKE_DEBUG(k, "ike-moving", "%s is told that we are at another address", endpoint_fmt(&sa->remote, ep));
	return true;
}

static void
move_pairs(struct ike *k, struct ike_sa *sa)
{
	struct ike_act *a;

	for (struct ike_child *c = sa->children; c; c = c->next) {
		c->encap = sa->encap;
		if (c->installed && (a = ike_act(k, IKE_ACT_CHILD_MOVE, sa))) {
			a->spi_in = c->spi_in;
			a->encap = c->encap;
		}
	}
}

void
ike_mobike_updated(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, const struct ike_msg *m)
{
	bool good = ike_mobike_checked(sa, m) && !ike_msg_error(m) && (!sa->ext.natt || ike_msg_notify(m, IKE_N_NAT_DETECTION_SOURCE_IP));

	if (sa->state != IKE_SA_EST || sa->want_update)	/* moved on meanwhile: said once more */
		return;
	if (!good) {
		ike_sa_down(k, sa, IKE_DOWN_PROTOCOL, "peer does not follow us to our new address", 0, true);
		return;
	}
	if (sa->ext.natt) {
		sa->natted_local = !ike_natt_said(k, sa, &rx->local)->addr.n;
		ike_natt_detect(k, sa, rx, m, sa->spi_i, sa->spi_r);
	}
	ike_sa_set_remote(k, sa);
	ike_qcd_mark(k, sa);
	ike_qcd_renew(k, sa);
	ike_act(k, IKE_ACT_IKE_MOVED, sa);
	move_pairs(k, sa);
	ike_live_arm(k, sa);
}

/* ---- the peer's. Writes what belongs into the answer. True: the SA is to be moved when that has been sent. */
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
	sa->natted_local = !ike_natt_said(k, sa, &rx->local)->addr.n;
	ike_natt_detect(k, sa, rx, m, sa->spi_i, sa->spi_r);
	sa->remote = rx->remote;
	sa->local = rx->local;
	ike_sa_set_remote(k, sa);
	ike_act(k, IKE_ACT_IKE_MOVED, sa);
	move_pairs(k, sa);
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
