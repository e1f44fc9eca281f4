/* nhrpd/engine/resolve.c: resolution, the asking and the answering (RFC 2332 5.2.1, 5.2.2, 6.3; reference 9).
 *
 * Who answers: the egress. A hub passes a request on to the registered client whose address or network it is (Cisco's phase
 * 3), and answers itself only for what leaves the network at the hub; "no binding" and "unreachable" are said by the last one
 * that knows. The default route makes nobody an egress, and no answer is wider than RFC 2332 6.3 allows. The reply goes
 * straight to the requester where its SA is up, else back along the path. A probe is a request for the peer's own tunnel
 * address over the SA to it; it is answered to where it came from.
 *
 * From a request that an NHS passed on we learn where the requester lives, so that its SA is recognised when it comes,
 * and so that we dial it where it cannot dial us (binding_dial()). */
#include "nhrpd/engine/nhrp_priv.h"

enum { PREFIX_MIN_V4 = 8, PREFIX_MIN_V6 = 16 };

/* ---- asking */

/* Next hop on the routed path: never a shortcut's own neighbour. */
struct peer *
resolve_path(const struct nhrp *n, const struct addr *dst)
{
	return next_hop(n, dst, NULL);
}

void
resolve_send(struct nhrp *n, struct peer *to, uint32_t id, uint8_t hops, const struct addr *src, const struct addr *dst)
{
	struct nhrp_cie nat = cie_public(&n->public_nbma, src);
	struct tx t;

	tx_init(n, &t, to, NHRP_RESOLUTION_REQUEST, src, dst);
	t.p.flags = NHRP_FLAG_ROUTER | NHRP_FLAG_AUTHORITATIVE | NHRP_FLAG_SRC_STABLE | NHRP_FLAG_NAT;
	t.p.request_id = id;
	t.p.hops = hops;
	t.p.cie[t.p.n_cie++] = (struct nhrp_cie){ .prefix_len = 0xff, .mtu = n->conf.mtu, .hold_s = n->conf.hold_s };
	request_exts(n, &t, &nat, we_are_natted(n) && n->public_nbma.n == t.p.src_nbma.n);
	tx_send(n, &t, to);
}

/* ---- answering */

struct answer {
	uint8_t code, bits;
	struct addr proto;	/* our tunnel address it is reached by */
};

/* Straight to the requester where we have its SA; else towards it as routed; else back to where it came from. */
static struct peer *
reply_path(const struct nhrp *n, const struct rx *rx)
{
	const struct binding *b = binding_find(n, &rx->p->src_proto);
	struct peer *p = b && b->peer && (b->peer->heard || b->type > NHRP_CT_CACHED) ? b->peer : NULL;

	if (ext_empty(rx->p, NHRP_EXT_FORWARD) && !peer_is_nhs(n, rx->peer))
		return rx->peer;	/* a probe, or a client asking its hub */
	if (!p)
		p = next_hop(n, &rx->p->src_proto, NULL);
	return p ? p : rx->peer;
}

static void
learn_requester(struct nhrp *n, const struct rx *rx)
{
	const struct nhrp_packet *p = rx->p;
	bool passed_on = peer_is_nhs(n, rx->peer) || !ext_empty(p, NHRP_EXT_FORWARD);
	struct addr public = ext_nat_of(p, &p->src_proto);
	struct binding *b;
	uint16_t hold = p->n_cie ? p->cie[0].hold_s : 0;

	if (!passed_on || !(p->flags & NHRP_FLAG_SRC_STABLE) || !hold || !own_subnet_sane(n, &p->src_proto) || !addr_is_unicast(&p->src_nbma))
		return;
	b = binding_get(n, &p->src_proto);
	if (!b || b->type > NHRP_CT_CACHED)
		return;
	binding_set_nbma(n, b, public.n ? &public : &p->src_nbma, &p->src_nbma);
	binding_set_type(n, b, NHRP_CT_CACHED, n->now + TICK_S(hold));
	binding_dial(n, b, public.n && !addr_eq(&public, &p->src_nbma));
	binding_sync(n, b);
}

static enum nhrp_drop
answer(struct nhrp *n, const struct rx *rx, const struct answer *a)
{
	const struct nhrp_packet *p = rx->p;
	bool ok = a->code == NHRP_CODE_OK;
	struct nhrp_cie nat = cie_public(&n->public_nbma, &a->proto), *cie;
	struct prefix told = prefix_of(&p->dst_proto, a->bits);
	struct tx t;

	tx_copy(&t, p);
	t.p.type = NHRP_RESOLUTION_REPLY;
	t.p.hops = HOPS_OUT;
	t.p.flags = p->flags & (NHRP_FLAG_ROUTER | NHRP_FLAG_SRC_STABLE | NHRP_FLAG_NAT);
	t.p.n_cie = 1;
	cie = &t.p.cie[0];
	*cie = (struct nhrp_cie){ .code = a->code };
	if (ok) {
		*cie = cie_own(n, p->afn, &a->proto, n->conf.hold_s);
		cie->prefix_len = a->bits;
		t.p.flags |= NHRP_FLAG_AUTHORITATIVE | NHRP_FLAG_DST_STABLE;
	}
	reply_exts(n, &t, p, &nat, ok && we_are_natted(n) && n->public_nbma.n == p->src_nbma.n);
	if (!tx_send(n, &t, reply_path(n, rx)))
		return NHRP_DROP_TOO_BIG;
	if (ok && !(own_has(n, &p->dst_proto) && ext_empty(p, NHRP_EXT_FORWARD)))	/* probes are not remembered */
		told_add(n, &told, &p->src_proto, n->conf.hold_s);
	return NHRP_OK;
}

/* The widest prefix that is all ours; true where we are the egress. */
static bool
egress(const struct nhrp *n, const struct addr *dst, struct answer *a)
{
	uint8_t host = addr_bits(dst), least = dst->n == 4 ? PREFIX_MIN_V4 : PREFIX_MIN_V6;
	struct prefix matched, widest;
	const struct route *r = route_find(n, dst, &matched);

	*a = (struct answer){ .bits = host, .proto = own_has(n, dst) ? *dst : own_prefix(n, dst->n)->addr };
	if (own_has(n, dst))
		return true;
	if (r && r->kind == NHRP_RT_OUT && matched.bits > 0 && trie_widest(&n->routes, dst, &widest)) {
		a->bits = widest.bits > least ? widest.bits : least;
		return true;
	}
	return route_local(n, dst);
}

static enum nhrp_drop
refuse(struct nhrp *n, const struct rx *rx)
{
	struct prefix matched;
	const struct route *r = route_find(n, &rx->p->dst_proto, &matched);
	bool on_link = own_subnet(n, &rx->p->dst_proto) || (r && r->kind == NHRP_RT_NBMA);
	struct answer a = { .code = NHRP_CODE_NO_BINDING };

	if (keep_awaits(n, &rx->p->dst_proto))
		return NHRP_DROP_AWAITED;
	if (on_link || (r && r->kind == NHRP_RT_OUT)) {	/* OUT: only the default route, which is nobody's answer */
		answer(n, rx, &a);
		return NHRP_OK;
	}
	if (n->routes_ready)	/* before, we do not know; it will ask again */
		error_send(n, rx, NHRP_ERR_UNREACHABLE, 0);
	return NHRP_DROP_NO_ROUTE;
}

enum nhrp_drop
resolve_request(struct nhrp *n, const struct rx *rx)
{
	const struct nhrp_packet *p = rx->p;
	char dst[ADDR_STRLEN];
	struct answer a;
	struct peer *to;

	if (ext_names_us(n, p, NHRP_EXT_FORWARD)) {
		error_send(n, rx, NHRP_ERR_LOOP, 0);
		return NHRP_DROP_LOOP;
	}
	if (!egress(n, &p->dst_proto, &a)) {
		to = next_hop(n, &p->dst_proto, rx->peer);
		if (to)
			NHRP_DEBUG(n, "resolution", "question for %s is passed on to peer %u (%.*s)", addr_fmt(&p->dst_proto, dst), (unsigned)to->id,
			    (int)to->identity_len, to->identity);
		else
			NHRP_DEBUG(n, "resolution", "question for %s is refused: no way there inside this network", addr_fmt(&p->dst_proto, dst));
		return to ? forward(n, rx, to) : refuse(n, rx);
	}
	if (ext_unknown_compulsory(p)) {
		error_send(n, rx, NHRP_ERR_EXTENSION, 0);
		return NHRP_DROP_COMPULSORY;
	}
	if (n->conf.one_way && !ext_empty(p, NHRP_EXT_FORWARD)) {	/* who asks would send us what we never take from anybody but the hub */
		NHRP_DEBUG(n, "resolution", "question for %s is refused: there is no way to us but by our hub", addr_fmt(&p->dst_proto, dst));
		return answer(n, rx, &(struct answer){ .code = NHRP_CODE_PROHIBITED });
	}
	NHRP_DEBUG(n, "resolution", "question for %s is answered: %s, and %u bits of it", addr_fmt(&p->dst_proto, dst),
	    own_has(n, &p->dst_proto) ? "the address is ours" : "it leaves the network here", a.bits);
	learn_requester(n, rx);
	return answer(n, rx, &a);
}

/* ---- the answer comes */

static const char *
nak_text(uint8_t code)
{
	switch (code) {
	case NHRP_CODE_PROHIBITED:
		return "refused: administratively prohibited";
	case NHRP_CODE_NO_RESOURCES:
		return "refused: no resources";
	case NHRP_CODE_NO_BINDING_OLD:
	case NHRP_CODE_NO_BINDING:
		return "no binding exists";
	case NHRP_CODE_NOT_UNIQUE:
		return "refused: binding is not unique";
	default:
		return "refused";
	}
}

/* Where a positive reply leads; false where it makes no sense. Only the first entry counts (highest preference). */
static bool
read_reply(const struct nhrp *n, const struct rx *rx, const struct shortcut *s, struct sc_reply *out)
{
	const struct nhrp_cie *cie = &rx->p->cie[0];
	uint8_t bits, least = s->dst.n == 4 ? PREFIX_MIN_V4 : PREFIX_MIN_V6;
	struct prefix matched;
	const struct route *r = route_find(n, &s->dst, &matched);

	if (!addr_is_unicast(&cie->proto) || own_has(n, &cie->proto) || !addr_is_unicast(&cie->nbma) || !cie->hold_s)
		return false;
	bits = cie_bits(cie, &s->dst);
	if (bits < least || own_subnet(n, &s->dst))
		bits = addr_bits(&s->dst);
	if (r && r->kind == NHRP_RT_NBMA && matched.bits > bits)
		bits = matched.bits;	/* its view is wider than our route: elsewhere the path may be another */
	out->prefix = prefix_of(&s->dst, bits);
	out->proto = cie->proto;
	out->hold_s = cie->hold_s;
	out->mtu = cie->mtu >= 576 && cie->mtu < n->conf.mtu ? cie->mtu : 0;	/* Cisco sends 17916 */
	out->nbma_claimed = cie->nbma;
	out->nbma = ext_nat_of(rx->p, &cie->proto);
	out->direct = !peer_is_nhs(n, rx->peer) && ext_empty(rx->p, NHRP_EXT_REVERSE) ? rx->peer : NULL;
	if (!out->nbma.n && out->direct && rx->outer->n == cie->nbma.n)
		out->nbma = *rx->outer;
	if (!out->nbma.n)
		out->nbma = cie->nbma;
	return true;
}

enum nhrp_drop
resolve_reply(struct nhrp *n, const struct rx *rx)
{
	struct handle *h = handle_find(n, rx->p->request_id);
	struct shortcut *s;
	struct sc_reply reply;
	const char *why;

	if (ext_names_us(n, rx->p, NHRP_EXT_REVERSE))
		return NHRP_DROP_LOOP;
	if (!rx->p->n_cie)
		return NHRP_DROP_CIE_NONE;
	if (h && h->kind == H_PROBE) {
		s = container_of(h, struct shortcut, probe);
		if (!s->binding || !addr_eq(&rx->p->dst_proto, &s->binding->proto))
			return NHRP_DROP_UNSOLICITED;
		shortcut_probe_reply(n, s, rx);
		return NHRP_OK;
	}
	if (h && h->kind == H_HELLO) {
		binding_hello_reply(n, container_of(h, struct binding, hello), rx);
		return NHRP_OK;
	}
	if (h && h->kind == H_ASKED)
		return probe_reply(n, container_of(h, struct probe, handle), rx);
	if (h && h->kind == H_DOUBT)
		return doubt_reply(n, container_of(h, struct peer, doubt.handle), rx);
	if (!h || h->kind != H_RESOLUTION)
		return NHRP_DROP_UNSOLICITED;
	s = container_of(h, struct shortcut, request);
	if (!addr_eq(&rx->p->src_proto, &s->src) || !addr_eq(&rx->p->dst_proto, &s->dst))
		return NHRP_DROP_UNSOLICITED;
	if (rx->p->cie[0].code != NHRP_CODE_OK) {
		shortcut_event(n, s, SC_EV_NAK, nak_text(rx->p->cie[0].code));
		return NHRP_OK;
	}
	if (!read_reply(n, rx, s, &reply))
		return NHRP_DROP_CLAIM;
	why = reply.direct ? peer_judge(n, reply.direct, &reply.proto, &reply.prefix) : NULL;
	if (why) {	/* the question stands: who the answer is from may answer yet */
		reason_set(s->reason, sizeof(s->reason), why);
		return NHRP_DROP_NOT_ALLOWED;
	}
	n->reply = &reply;
	shortcut_event(n, s, SC_EV_REPLY, NULL);
	n->reply = NULL;
	return NHRP_OK;
}
