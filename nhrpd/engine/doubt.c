/* nhrpd/engine/doubt.c: somebody who watches a peer (BFD, by who runs us) has stopped hearing it. Is it dead, or has only the watch at
 * its end been taken away or begun anew? A dead hub is to be left at once, a watch that ends is to cost nobody a packet.
 *
 * So the peer is asked over its SA, by the way that all traffic takes: a Resolution Request for its own tunnel address, DOUBT_TRIES times
 * within what the watcher grants, which is a part of the time it took to find out. An answer keeps everything as it is. Silence ends the
 * SA, and with it goes all that led there: route, neighbour, registration. */
#include "nhrpd/engine/nhrp_priv.h"

enum { DOUBT_TRIES = 3, DOUBT_LATER_MS = 50 };

void
doubt_end(struct nhrp *n, struct peer *p)
{
	handle_close(n, &p->doubt.handle);
	timer_disarm(&n->timers, &p->doubt.timer);
}

static void
dead(struct nhrp *n, struct peer *p)
{
	struct nhrp_act *a = act(n, NHRP_ACT_DROP_PEER);

	if (!a) {
		arm(n, &p->doubt.timer, n->now + TICK_MS(DOUBT_LATER_MS));
		return;
	}
	a->peer = p->id;
	a->reason = p->doubt.reason;
	doubt_end(n, p);
}

void
doubt_timer(struct nhrp *n, struct peer *p)
{
	const struct prefix *own = own_prefix(n, p->doubt.dst.n);

	if (!own || p->doubt.asked == DOUBT_TRIES) {
		dead(n, p);
		return;
	}
	resolve_send(n, p, p->doubt.handle.id, HOPS_ONE, &own->addr, &p->doubt.dst);
	p->doubt.asked++;
	arm(n, &p->doubt.timer, n->now + p->doubt.step);
}

void
doubt_start(struct nhrp *n, const struct nhrp_event *ev)
{
	struct peer *p = peer_find(n, ev->peer);

	if (!p || p->gone || p->doubt.handle.id)
		return;
	p->doubt.timer.kind = T_DOUBT;
	p->doubt.dst = ev->dst;
	p->doubt.reason = ev->reason;
	p->doubt.asked = 0;
	p->doubt.step = ev->within / DOUBT_TRIES;
	handle_open(n, &p->doubt.handle, H_DOUBT);
	doubt_timer(n, p);
}

/* Only its own word counts: one that was passed on came by another way. */
enum nhrp_drop
doubt_reply(struct nhrp *n, struct peer *p, const struct rx *rx)
{
	char dst[ADDR_STRLEN];

	if (rx->peer != p || !addr_eq(&rx->p->dst_proto, &p->doubt.dst) || !ext_empty(rx->p, NHRP_EXT_FORWARD))
		return NHRP_DROP_UNSOLICITED;
	doubt_end(n, p);
	log_limited(n->log, &n->limit, n->now, LOG_LV_NOTICE, "peer-answers", "%s: %s. It answers over its SA, and is kept",
	    addr_fmt(&p->doubt.dst, dst), p->doubt.reason);
	return NHRP_OK;
}
