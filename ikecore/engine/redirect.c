/* ikecore/engine/redirect.c: being sent to another gateway, RFC 5685, as a client of hubs.
 *
 * In the answer to IKE_SA_INIT (unprotected, so it must say our nonce, and whoever answers there must prove to be a peer that the
 * profile takes), in the answer to IKE_AUTH, and by a request of the gateway at any time. The dial goes there next; where that fails
 * it returns to what is configured. Who is sent on more than IKE_REDIRECTS times in IKE_REDIRECT_LOOP is being sent in circles.
 * Not here: gateways given by name (the engine resolves none), and sending others away. */
#include "ikecore/engine/ike_priv.h"

enum { GW_IPV4 = 1, GW_IPV6 = 2 };

/* Gateway, and behind it the nonce where there must be one. */
static bool
target(const struct ike_notify *n, struct span nonce, struct addr *to)
{
	struct cur c = cur_of(n->data);
	uint8_t type = cur_u8(&c), len = cur_u8(&c);
	struct span gw = cur_take(&c, len);

	if (c.bad || !span_eq(cur_rest(&c), nonce) || gw.n != (type == GW_IPV4 ? 4u : type == GW_IPV6 ? 16u : 255u))
		return false;
	*to = addr_of_span(gw);
	return addr_is_unicast(to);
}

static bool
in_circles(const struct ike *k, struct ike_dial *d)
{
	if (!d->n_redirect || k->now - d->redirect_since > IKE_REDIRECT_LOOP) {
		d->redirect_since = k->now;
		d->n_redirect = 0;
	}
	return ++d->n_redirect > IKE_REDIRECTS;
}

/* The dial of an SA is to go somewhere else. NULL: no, and why has been counted. */
static struct ike_dial *
accept(struct ike *k, struct ike_sa *sa, const struct ike_notify *n, struct span nonce, struct addr *to)
{
	struct ike_dial *d = sa->dials;
	char from[ADDR_STRLEN], gw[ADDR_STRLEN];

	if (!d || !d->hub || !target(n, nonce, to) || addr_eq(to, &sa->remote.addr) || in_circles(k, d))
		return NULL;
	log_at(k->env.env.log, LOG_LV_NOTICE, "ike-redirect", "%s sends us to %s", addr_fmt(&sa->remote.addr, from), addr_fmt(to, gw));
	d->redirected_from = sa->remote.addr;
	return d;
}

static void
go(struct ike *k, struct ike_dial *d, const struct addr *to)
{
	d->redirected = true;
	d->redirect = (struct endpoint){ *to, 500 };
	d->n_cand = d->cand_i = 0;
	timer_arm(&k->timers, &d->timer, k->now);
}

/* What an initiator says in IKE_SA_INIT. */
void
ike_redirect_build(const struct ike_sa *sa, struct ike_build *b)
{
	const struct ike_dial *d = sa->dials;
	uint8_t data[2 + 16];

	if (!d || !d->hub)
		return;
	if (!d->redirected) {
		ike_build_notify(b, IKE_PROTO_NONE, span_of("", 0), IKE_N_REDIRECT_SUPPORTED, span_of("", 0));
		return;
	}
	data[0] = d->redirected_from.n == 16 ? GW_IPV6 : GW_IPV4;
	data[1] = d->redirected_from.n;
	memcpy(data + 2, d->redirected_from.b, d->redirected_from.n);
	ike_build_notify(b, IKE_PROTO_NONE, span_of("", 0), IKE_N_REDIRECTED_FROM, span_of(data, 2u + d->redirected_from.n));
}

enum ike_drop
ike_redirect_init(struct ike *k, struct ike_sa *sa, const struct ike_notify *n)
{
	struct addr to;
	struct ike_dial *d = accept(k, sa, n, span_of(sa->hs->ni.b, sa->hs->ni.n), &to);

	if (!d)
		return IKE_DROP_REDIRECT;
	ike_dial_detach(k, d);
	ike_sa_free(k, sa);
	go(k, d, &to);
	return IKE_OK;
}

/* The gateway has proved itself and has no room for us. True: the SA has ended. */
bool
ike_redirect_auth(struct ike *k, struct ike_sa *sa, const struct ike_msg *m)
{
	const struct ike_notify *n = ike_msg_notify(m, IKE_N_REDIRECT);
	struct addr to;
	struct ike_dial *d = n ? accept(k, sa, n, span_of("", 0), &to) : NULL;

	if (!d)
		return false;
	ike_dial_detach(k, d);
	ike_fail_and_tell(k, sa, IKE_DOWN_CLOSED, false, "sent to another gateway");
	go(k, d, &to);
	return true;
}

/* By a request, which has been answered. */
enum ike_drop
ike_redirect_request(struct ike *k, struct ike_sa *sa, const struct ike_notify *n)
{
	struct addr to;
	struct ike_dial *d = sa->state == IKE_SA_EST ? accept(k, sa, n, span_of("", 0), &to) : NULL;

	if (!d)
		return IKE_DROP_REDIRECT;
	ike_sa_down(k, sa, IKE_DOWN_CLOSED, "sent to another gateway", 0, true);
	go(k, d, &to);
	return IKE_OK;
}
