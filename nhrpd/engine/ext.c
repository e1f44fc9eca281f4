/* nhrpd/engine/ext.c: making packets: headers, client entries, extensions, authentication, and sending them.
 *
 * Authentication is Cisco's clear text and hop by hop (RFC 2332 5.3.4): what came in is taken off and our own put on, last
 * before End. Extensions of a request come back in its reply, unknown ones included (5.3). */
#include "nhrpd/engine/nhrp_priv.h"

uint16_t
mtu_of(const struct nhrp *n)
{
	return n->conf.mtu < PKT_MAX ? n->conf.mtu : PKT_MAX;
}

static struct addr
zero_addr(uint8_t octets)
{
	static const uint8_t zero[16];

	return addr_of(zero, octets);
}

static uint8_t
afn_octets(uint16_t afn)
{
	return afn == NHRP_AFN_IPV4 ? 4 : 16;
}

/* Our NBMA address in the family the packet speaks; zero, "claims nothing", where we have none of it. */
static struct addr
own_nbma(const struct nhrp *n, uint16_t afn)
{
	return n->nbma.n == afn_octets(afn) ? n->nbma : zero_addr(afn_octets(afn));
}

void
tx_init(struct nhrp *n, struct tx *t, const struct peer *to, uint8_t type, const struct addr *src, const struct addr *dst)
{
	uint8_t family = n->nbma.n ? n->nbma.n : to->remote.addr.n;

	memset(&t->p, 0, sizeof(t->p));
	t->w = wr_of(t->buf, sizeof(t->buf));
	t->p.afn = family == 16 ? NHRP_AFN_IPV6 : NHRP_AFN_IPV4;
	t->p.pro_type = dst->n == 16 ? NHRP_ETH_IPV6 : NHRP_ETH_IPV4;
	t->p.hops = HOPS_OUT;
	t->p.type = type;
	t->p.src_nbma = own_nbma(n, t->p.afn);
	t->p.src_proto = *src;
	t->p.dst_proto = *dst;
}

void
tx_copy(struct tx *t, const struct nhrp_packet *p)
{
	t->p = *p;
	t->p.n_ext = 0;
	t->w = wr_of(t->buf, sizeof(t->buf));
}

void
tx_ext(struct tx *t, uint16_t type, bool compulsory, struct span value)
{
	if (t->p.n_ext == NHRP_EXTS_MAX) {
		t->w.bad = true;
		return;
	}
	t->p.ext[t->p.n_ext++] = (struct nhrp_ext){ type, compulsory, value };
	t->p.has_ext = true;
}

void
tx_ext_cies(struct tx *t, uint16_t type, bool compulsory, const struct nhrp_cie *cie, unsigned n)
{
	uint8_t *start = t->w.p;

	for (unsigned i = 0; i < n; i++)
		nhrp_cie_build(&t->w, &cie[i]);
	tx_ext(t, type, compulsory, span_of(start, (size_t)(t->w.p - start)));
}

static void
tx_strip(struct tx *t, uint16_t type)
{
	unsigned k = 0;

	for (unsigned i = 0; i < t->p.n_ext; i++) {
		if (t->p.ext[i].type != type)
			t->p.ext[k++] = t->p.ext[i];
	}
	t->p.n_ext = k;
}

static void
put_auth(struct nhrp *n, struct tx *t)
{
	uint8_t *start;

	if (!n->conf.auth_len || t->p.type == NHRP_ERROR_INDICATION)
		return;
	tx_strip(t, NHRP_EXT_AUTH);
	start = t->w.p;
	nhrp_auth_build(&t->w, span_of(n->conf.auth, n->conf.auth_len));
	tx_ext(t, NHRP_EXT_AUTH, true, span_of(start, (size_t)(t->w.p - start)));
}

bool
tx_send(struct nhrp *n, struct tx *t, const struct peer *to)
{
	uint8_t buf[PKT_MAX];
	struct wr w = wr_of(buf, mtu_of(n));
	struct nhrp_act *a;
	struct span copy;

	if (!rate_send(n))
		return false;
	put_auth(n, t);
	if (t->w.bad || !nhrp_packet_build(&w, &t->p) || !outq_copy(n->out, wr_span(&w), &copy))
		return false;
	a = act(n, NHRP_ACT_SEND);
	if (!a)
		return false;
	a->peer = to->id;
	a->packet = copy;
	if (log_debugs(n->log, LOG_DBG_NHRP))
		debug_packet(n, "nhrp-out", to, &t->p);
	n->by_type[NHRP_TX][t->p.type]++;
	return true;
}

struct nhrp_cie
cie_own(const struct nhrp *n, uint16_t afn, const struct addr *proto, uint16_t hold_s)
{
	return (struct nhrp_cie){ .mtu = n->conf.mtu, .hold_s = hold_s, .nbma = own_nbma(n, afn), .proto = *proto };
}

struct nhrp_cie
cie_public(const struct addr *nbma, const struct addr *proto)
{
	return (struct nhrp_cie){ .prefix_len = addr_bits(proto), .nbma = *nbma, .proto = *proto };
}

uint8_t
cie_bits(const struct nhrp_cie *cie, const struct addr *proto)
{
	uint8_t host = addr_bits(proto);

	return cie->prefix_len == 0 || cie->prefix_len > host ? host : cie->prefix_len;
}

/* Compared without stopping at the first difference. */
enum nhrp_drop
auth_check(const struct nhrp *n, const struct nhrp_packet *p)
{
	const struct nhrp_ext *e = nhrp_ext_find(p, NHRP_EXT_AUTH);
	struct span got = e ? nhrp_auth_string(e->value) : SPAN_STR("");
	volatile uint8_t differ = 0;

	if (!n->conf.auth_len)
		return NHRP_OK;
	if (got.n != n->conf.auth_len)
		return NHRP_DROP_AUTH;
	for (size_t i = 0; i < got.n; i++)
		differ |= got.p[i] ^ n->conf.auth[i];
	return differ ? NHRP_DROP_AUTH : NHRP_OK;
}

bool
ext_unknown_compulsory(const struct nhrp_packet *p)
{
	for (unsigned i = 0; i < p->n_ext; i++) {
		switch (p->ext[i].type) {
		case NHRP_EXT_RESPONDER:
		case NHRP_EXT_FORWARD:
		case NHRP_EXT_REVERSE:
		case NHRP_EXT_AUTH:
		case NHRP_EXT_VENDOR:
		case NHRP_EXT_NAT:
			break;
		default:
			if (p->ext[i].compulsory)
				return true;
		}
	}
	return false;
}

bool
ext_names_us(const struct nhrp *n, const struct nhrp_packet *p, uint16_t type)
{
	const struct nhrp_ext *e = nhrp_ext_find(p, type);
	struct nhrp_cie cie[NHRP_EXT_CIES_MAX];
	int k = e ? nhrp_ext_cies(e->value, p->afn, p->pro_type, cie, NHRP_EXT_CIES_MAX) : 0;

	for (int i = 0; i < k; i++) {
		if (cie[i].proto.n && own_has(n, &cie[i].proto))
			return true;
	}
	return false;
}

bool
ext_empty(const struct nhrp_packet *p, uint16_t type)
{
	const struct nhrp_ext *e = nhrp_ext_find(p, type);

	return !e || e->value.n == 0;
}

struct addr
ext_nat_of(const struct nhrp_packet *p, const struct addr *proto)
{
	const struct nhrp_ext *e = nhrp_ext_find(p, NHRP_EXT_NAT);
	struct nhrp_cie cie[NHRP_EXT_CIES_MAX];
	int k = e && nhrp_ext_is_nat(e) ? nhrp_ext_cies(e->value, p->afn, p->pro_type, cie, NHRP_EXT_CIES_MAX) : 0;

	for (int i = 0; i < k; i++) {
		if (addr_eq(&cie[i].proto, proto) && addr_is_unicast(&cie[i].nbma))
			return cie[i].nbma;
	}
	return (struct addr){ 0 };
}

void
request_exts(const struct nhrp *n, struct tx *t, const struct nhrp_cie *nat, unsigned n_nat)
{
	(void)n;
	tx_ext(t, NHRP_EXT_FORWARD, true, SPAN_STR(""));
	tx_ext(t, NHRP_EXT_REVERSE, true, SPAN_STR(""));
	tx_ext(t, NHRP_EXT_RESPONDER, true, SPAN_STR(""));
	tx_ext_cies(t, NHRP_EXT_NAT, false, nat, n_nat);
}

void
reply_exts(const struct nhrp *n, struct tx *t, const struct nhrp_packet *req, const struct nhrp_cie *nat, unsigned n_nat)
{
	const struct prefix *own = own_prefix(n, req->src_proto.n);
	struct nhrp_cie responder = cie_own(n, req->afn, &own->addr, n->conf.hold_s);

	t->p.has_ext = req->has_ext;
	for (unsigned i = 0; i < req->n_ext; i++) {
		const struct nhrp_ext *e = &req->ext[i];

		if (e->type == NHRP_EXT_RESPONDER)
			tx_ext_cies(t, e->type, e->compulsory, &responder, 1);
		else if (nhrp_ext_is_nat(e))
			tx_ext_cies(t, e->type, e->compulsory, nat, n_nat);
		else
			tx_ext(t, e->type, e->compulsory, e->value);
	}
}
