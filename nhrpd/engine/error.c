/* nhrpd/engine/error.c: Error Indications (RFC 2332 5.2.7). Sent in the RFC's form: source is us, hop count 255, no extensions
 * and so no authentication, never about an error. Received they are hints only, since nobody can authenticate them hop by
 * hop: they are heard where they quote a request that we have outstanding. */
#include "nhrpd/engine/nhrp_priv.h"

enum { QUOTE_MAX = 512 };

const char *
error_text(uint16_t code)
{
	switch (code) {
	case NHRP_ERR_EXTENSION:
		return "error: unrecognized compulsory extension";
	case NHRP_ERR_LOOP_OLD:
	case NHRP_ERR_LOOP:
		return "error: loop detected";
	case NHRP_ERR_UNREACHABLE:
		return "error: protocol address unreachable";
	case NHRP_ERR_PROTOCOL:
		return "error: protocol error";
	case NHRP_ERR_SIZE:
		return "error: packet too big";
	case NHRP_ERR_INVALID_EXTENSION:
		return "error: invalid extension";
	case NHRP_ERR_INVALID_REPLY:
		return "error: invalid resolution reply";
	case NHRP_ERR_AUTH:
		return "error: NHRP authentication string is not the hub's";
	case NHRP_ERR_HOPS:
		return "error: hop count exceeded";
	default:
		return "error indication";
	}
}

void
error_send(struct nhrp *n, const struct rx *rx, uint16_t code, uint16_t offset)
{
	const struct prefix *own = own_prefix(n, rx->p->src_proto.n);
	size_t quote = rx->raw.n < QUOTE_MAX ? rx->raw.n : QUOTE_MAX;
	struct tx t;

	if (rx->p->type == NHRP_ERROR_INDICATION || !own ||
	    !bucket_take_slow(&rx->peer->errors, n->now, TICK_MS(ERROR_PEER_EVERY_MS), ERROR_PEER_BURST) || !bucket_take(&n->errors, n->now, ERROR_RATE, ERROR_BURST))
		return;
	tx_init(n, &t, rx->peer, NHRP_ERROR_INDICATION, &own->addr, &rx->p->src_proto);
	t.p.code = code;
	t.p.offset = offset;
	t.p.payload = span_of(rx->raw.p, quote);
	tx_send(n, &t, rx->peer);
}

static enum nhrp_drop
about_resolution(struct nhrp *n, struct shortcut *s, const struct nhrp_quoted *q, uint16_t code)
{
	if (!addr_eq(&q->dst_proto, &s->dst) || !addr_eq(&q->src_proto, &s->src))
		return NHRP_DROP_UNSOLICITED;
	if (code == NHRP_ERR_UNREACHABLE)
		shortcut_event(n, s, SC_EV_NAK, error_text(code));
	else
		reason_set(s->reason, sizeof(s->reason), error_text(code));	/* a hint: retries go on */
	return NHRP_OK;
}

static enum nhrp_drop
about(struct nhrp *n, const struct nhrp_quoted *q, uint16_t code)
{
	struct handle *h = handle_find(n, q->request_id);

	if (!h || !own_has(n, &q->src_proto))
		return NHRP_DROP_UNSOLICITED;
	if (h->kind == H_RESOLUTION && q->type == NHRP_RESOLUTION_REQUEST)
		return about_resolution(n, container_of(h, struct shortcut, request), q, code);
	if (h->kind == H_REGISTRATION && q->type == NHRP_REGISTRATION_REQUEST) {
		nhc_hint(n, container_of(h, struct nhc, reg), code);
		return NHRP_OK;
	}
	return NHRP_DROP_UNSOLICITED;
}

enum nhrp_drop
error_rx(struct nhrp *n, const struct rx *rx)
{
	const struct nhrp_packet *p = rx->p;
	struct nhrp_quoted q;

	if (own_has(n, &p->src_proto))
		return NHRP_DROP_ERROR_LOOP;
	/* FRR gives the original destination as source and is answered all the same; the quoted packet says whose it is */
	if (nhrp_quoted_parse(p->payload, &q) && own_has(n, &q.src_proto))
		return q.type == NHRP_ERROR_INDICATION ? NHRP_DROP_ERROR_LOOP : about(n, &q, p->code);
	if (own_has(n, &p->dst_proto))
		return NHRP_DROP_UNSOLICITED;
	return forward_to_dst(n, rx);
}
