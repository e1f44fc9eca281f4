/* nhrpd/engine/probe.c: an operator's question whether a peer answers over its SA: a Resolution Request for its own tunnel
 * address, as a shortcut sends before it takes traffic, which every NHRP implementation answers. The time from the question to
 * the answer is the round trip. PROBES_MAX run at once. */
#include "nhrpd/engine/nhrp_priv.h"

enum { PROBE_S = 2 };

static void
done(struct nhrp *n, struct probe *p, bool ok, const char *reason)
{
	struct nhrp_act *a = act(n, NHRP_ACT_PROBED);

	handle_close(n, &p->handle);
	timer_disarm(&n->timers, &p->timer);
	p->used = false;
	if (!a)
		return;	/* who asked waits no longer than the control socket lets him */
	a->cookie = p->cookie;
	a->ok = ok;
	a->reason = reason;
	a->took = n->now - p->sent;
}

void
probe_start(struct nhrp *n, const struct nhrp_event *ev)
{
	const struct prefix *own = own_prefix(n, ev->dst.n);
	struct binding *b = binding_find(n, &ev->dst);
	struct probe none = { .cookie = ev->cookie, .sent = n->now }, *p = n->probes;

	while (p < n->probes + PROBES_MAX && p->used)
		p++;
	if (!b || !b->peer || !own || p == n->probes + PROBES_MAX) {
		done(n, &none, false, !own ? "the tunnel has no address of its family" : !b ? "it has not told its tunnel address" :
		    !b->peer ? "no SA with it" : "too many probes at once");
		return;
	}
	*p = (struct probe){ .used = true, .cookie = ev->cookie, .dst = ev->dst, .sent = n->now, .peer = b->peer->id };
	p->timer.kind = T_PROBE;
	handle_open(n, &p->handle, H_ASKED);
	resolve_send(n, b->peer, p->handle.id, HOPS_ONE, &own->addr, &p->dst);
	arm(n, &p->timer, n->now + TICK_S(PROBE_S));
}

void
probe_timer(struct nhrp *n, struct probe *p)
{
	done(n, p, false, peer_find(n, p->peer) ? "no answer over the SA" : "its SA went away");
}

/* The reply carries the request's Forward record: an entry there says that somebody passed the question on. */
enum nhrp_drop
probe_reply(struct nhrp *n, struct probe *p, const struct rx *rx)
{
	const struct nhrp_cie *cie = &rx->p->cie[0];

	if (!addr_eq(&rx->p->dst_proto, &p->dst))
		return NHRP_DROP_UNSOLICITED;
	if (!ext_empty(rx->p, NHRP_EXT_FORWARD))
		done(n, p, false, "the peer at the other end of the SA does not own the address");
	else if (cie->code != NHRP_CODE_OK || !addr_eq(&cie->proto, &p->dst))
		done(n, p, false, "it answers that it does not have the address");
	else
		done(n, p, true, "");
	return NHRP_OK;
}
