/* ikecore/wire/ike_msg.c: the header and the chain of payloads.
 *
 * A message is read straight through, once, into a struct of fixed size; whatever a peer can repeat has a bound there.
 * The chain in clear ends with NextPayload 0 or with the encrypted payload, which must reach the end of the message; the
 * chain inside ends where the padding begins. Of each payload only the syntax is looked at here and in ike_payload.c and
 * ike_sa.c; which payloads an exchange needs is in ike_check.c. RFC 7296 3.1, 3.2, 3.14; IKEv1 payload numbers (1 to 32)
 * are refused, unknown payloads skipped unless they are marked critical. */
#include "ikecore/wire/wire_priv.h"

enum pl_flag {
	PL_ONCE = 1,	/* twice is an error wherever it stands */
	PL_RAW = 2,	/* kept as it is */
};

static const struct pl_kind {
	ike_pl_fn *read;
	unsigned flags;
} pl_kind[IKE_PL_N] = {
	[IKE_PL_SA] = { ike_pl_sa, PL_ONCE },
	[IKE_PL_KE] = { ike_pl_ke, PL_ONCE },
	[IKE_PL_IDI] = { ike_pl_idi, PL_ONCE },
	[IKE_PL_IDR] = { ike_pl_idr, PL_ONCE },
	[IKE_PL_CERT] = { NULL, PL_RAW },
	[IKE_PL_CERTREQ] = { NULL, PL_RAW },
	[IKE_PL_AUTH] = { ike_pl_auth, PL_ONCE },
	[IKE_PL_NONCE] = { ike_pl_nonce, PL_ONCE },
	[IKE_PL_NOTIFY] = { ike_pl_notify, 0 },
	[IKE_PL_DELETE] = { ike_pl_delete, 0 },
	[IKE_PL_VENDOR] = { NULL, PL_RAW },
	[IKE_PL_TSI] = { ike_pl_tsi, PL_ONCE },
	[IKE_PL_TSR] = { ike_pl_tsr, PL_ONCE },
	[IKE_PL_CP] = { NULL, PL_RAW },
	[IKE_PL_EAP] = { NULL, PL_RAW },
};

static bool
pl_is_known(uint8_t type)
{
	return type < IKE_PL_N && (pl_kind[type].read || pl_kind[type].flags);
}

enum { PL_CRITICAL = 0x80, PL_V1_LAST = 32 };

struct chain {	/* one chain on its way through */
	struct ike_msg *m;
	struct cur c;
	uint8_t *count;	/* n_clear or n_inner */
	bool inner;
	uint8_t type;	/* of the payload at c */
};

bool
ike_hdr_parse(struct span in, struct ike_hdr *out)
{
	struct cur c = cur_of(in);

	out->spi_i = cur_be64(&c);
	out->spi_r = cur_be64(&c);
	out->next = cur_u8(&c);
	out->version = cur_u8(&c);
	out->exchange = cur_u8(&c);
	out->flags = cur_u8(&c);
	out->mid = cur_be32(&c);
	out->length = cur_be32(&c);
	return !c.bad;
}

static enum ike_drop
raw_keep(struct ike_msg *m, uint8_t type, struct span body)
{
	if (m->n_rawpl == IKE_MSG_RAWS_MAX)
		return IKE_DROP_PAYLOAD_MANY;
	m->rawpl[m->n_rawpl++] = (struct ike_raw){ type, body };
	return IKE_OK;
}

/* Numbers of a fragment (RFC 7383 2.5): nothing else stands beside it, and only the first names a payload. */
static enum ike_drop
skf_numbers(struct ike_msg *m, struct cur *body)
{
	m->sk.frag = cur_be16(body);
	m->sk.total = cur_be16(body);
	if (body->bad || cur_left(body) == 0)
		return IKE_DROP_SK_SYNTAX;
	if (m->sk.frag == 0 || m->sk.frag > m->sk.total || m->n_payloads != 1)
		return IKE_DROP_FRAGMENT;
	return (m->sk.frag == 1) == (m->sk.first != IKE_PL_NONE) ? IKE_OK : IKE_DROP_FRAGMENT;
}

/* The encrypted payload or a fragment of it: must be the last, and stands only in clear. Its NextPayload names the first one
 * inside. For the rules of an exchange both are SK. */
static enum ike_drop
sk_keep(struct chain *ch, uint8_t next, struct span body)
{
	struct ike_msg *m = ch->m;
	struct cur c = cur_of(body);
	enum ike_drop d;

	if (ch->inner || cur_left(&ch->c) || body.n == 0)
		return IKE_DROP_SK_SYNTAX;
	m->n_clear[IKE_PL_SK] = 1;
	m->sk.first = next;
	m->sk.at = (size_t)(body.p - m->raw.p) - IKE_PL_HDR_LEN;
	if (ch->type == IKE_PL_SKF) {
		d = skf_numbers(m, &c);
		if (d != IKE_OK)
			return d;
	}
	m->sk.body = cur_rest(&c);
	m->sk.aad = span_of(m->raw.p, (size_t)(m->sk.body.p - m->raw.p));
	ch->type = IKE_PL_NONE;
	return IKE_OK;
}

static enum ike_drop
payload_known(struct chain *ch, struct span body)
{
	const struct pl_kind *k = &pl_kind[ch->type];
	struct ike_msg *m = ch->m;

	if ((k->flags & PL_ONCE) && ike_msg_has(m, ch->type))
		return IKE_DROP_PAYLOAD_PLACE;
	ch->count[ch->type]++;
	return (k->flags & PL_RAW) ? raw_keep(m, ch->type, body) : k->read(m, body);
}

static enum ike_drop
payload_unknown(struct chain *ch, uint8_t flags)
{
	if (ch->type <= PL_V1_LAST)
		return IKE_DROP_PAYLOAD_V1;
	if (!(flags & PL_CRITICAL))
		return IKE_OK;
	ch->m->critical = ch->type;
	return IKE_DROP_CRITICAL;
}

/* Reads the payload at the cursor and steps to the next. */
static enum ike_drop
payload_step(struct chain *ch)
{
	enum ike_drop d;
	uint8_t next, flags;
	uint16_t len;
	struct span body;

	if (++ch->m->n_payloads > IKE_MSG_PAYLOADS_MAX)
		return IKE_DROP_PAYLOAD_MANY;
	next = cur_u8(&ch->c);
	flags = cur_u8(&ch->c);
	len = cur_be16(&ch->c);
	if (ch->c.bad || len < IKE_PL_HDR_LEN)
		return IKE_DROP_PAYLOAD_SHORT;
	body = cur_take(&ch->c, len - IKE_PL_HDR_LEN);
	if (ch->c.bad)
		return IKE_DROP_PAYLOAD_SHORT;
	if (ch->type == IKE_PL_SK || ch->type == IKE_PL_SKF)
		return sk_keep(ch, next, body);
	d = pl_is_known(ch->type) ? payload_known(ch, body) : payload_unknown(ch, flags);
	ch->type = next;
	return d;
}

static enum ike_drop
chain_read(struct chain *ch)
{
	enum ike_drop d = IKE_OK;

	while (ch->type != IKE_PL_NONE && d == IKE_OK)
		d = payload_step(ch);
	return d;
}

static enum ike_drop
hdr_check(const struct ike_hdr *h, size_t arrived)
{
	bool init = h->exchange == IKE_SA_INIT, response = h->flags & IKE_FLAG_RESPONSE;

	if (h->version >> 4 != 2)
		return IKE_DROP_VERSION;
	if (h->length != arrived)
		return IKE_DROP_LENGTH;
	if (h->spi_i == 0 || (init && !response && h->spi_r != 0) || (!init && h->spi_r == 0))
		return IKE_DROP_SPI_ZERO;
	if (init && h->mid != 0)
		return IKE_DROP_MESSAGE_ID;
	if (init && response == ((h->flags & IKE_FLAG_INITIATOR) != 0))
		return IKE_DROP_FLAGS;
	return IKE_OK;
}

enum ike_drop
ike_msg_parse(struct span in, struct ike_msg *out)
{
	struct chain ch;
	enum ike_drop d;

	memset(out, 0, sizeof(*out));
	if (!ike_hdr_parse(in, &out->hdr))
		return IKE_DROP_SHORT;
	out->raw = in;
	out->response = out->hdr.flags & IKE_FLAG_RESPONSE;
	d = hdr_check(&out->hdr, in.n);
	if (d != IKE_OK)
		return d;
	ch = (struct chain){ out, cur_of(in), out->n_clear, false, out->hdr.next };
	cur_take(&ch.c, IKE_HDR_LEN);
	d = chain_read(&ch);
	if (d == IKE_OK && cur_left(&ch.c))
		return IKE_DROP_LENGTH;
	return d;
}

struct span
ike_frag_text(struct span plain)
{
	size_t pad = plain.n ? plain.p[plain.n - 1] + (size_t)1 : 1;

	return pad > plain.n ? span_of(NULL, 0) : span_of(plain.p, plain.n - pad);
}

enum ike_drop
ike_msg_parse_inner(struct ike_msg *m, struct span plain)
{
	struct chain ch;
	enum ike_drop d;

	plain = ike_frag_text(plain);
	if (!plain.p)
		return IKE_DROP_SK_SYNTAX;
	m->inner = plain;
	ch = (struct chain){ m, cur_of(plain), m->n_inner, true, m->sk.first };
	d = chain_read(&ch);
	if (d == IKE_OK && cur_left(&ch.c))
		return IKE_DROP_SK_SYNTAX;
	return d;
}

const struct ike_notify *
ike_msg_notify(const struct ike_msg *m, uint16_t type)
{
	for (unsigned i = 0; i < m->n_notify; i++)
		if (m->notify[i].type == type)
			return &m->notify[i];
	return NULL;
}

const struct ike_notify *
ike_msg_error(const struct ike_msg *m)
{
	for (unsigned i = 0; i < m->n_notify; i++)
		if (ike_notify_is_error(m->notify[i].type))
			return &m->notify[i];
	return NULL;
}

uint32_t
ike_delete_spi(const struct ike_delete *d, unsigned i)
{
	return d->spi_size == 4 && i < d->n ? get_be32(d->spis.p + 4 * (size_t)i) : 0;
}
