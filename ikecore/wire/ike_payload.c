/* ikecore/wire/ike_payload.c: readers of single payloads but SA. RFC 7296 3.4, 3.5, 3.8 to 3.11, 3.13. */
#include "ikecore/wire/wire_priv.h"

enum ike_drop
ike_pl_ke(struct ike_msg *m, struct span body)
{
	struct cur c = cur_of(body);

	m->ke_group = cur_be16(&c);
	cur_take(&c, 2);
	m->ke = cur_rest(&c);
	return c.bad || m->ke.n == 0 ? IKE_DROP_KE_SYNTAX : IKE_OK;
}

enum ike_drop
ike_pl_nonce(struct ike_msg *m, struct span body)
{
	m->nonce = body;
	return body.n < IKE_NONCE_MIN || body.n > IKE_NONCE_MAX ? IKE_DROP_NONCE : IKE_OK;
}

enum ike_drop
ike_pl_auth(struct ike_msg *m, struct span body)
{
	struct cur c = cur_of(body);

	m->auth_method = cur_u8(&c);
	cur_take(&c, 3);
	m->auth = cur_rest(&c);
	return c.bad || m->auth.n == 0 || m->auth_method == 0 ? IKE_DROP_AUTH_SYNTAX : IKE_OK;
}

/* ---- identities. Types that are not in the table (ID_NULL among them) name nobody and are refused. */

static bool
id_address(struct span s, size_t n)
{
	return s.n == n;
}

static bool
id_text(struct span s, size_t n)
{
	(void)n;
	return s.n > 0 && !memchr(s.p, 0, s.n);
}

static bool
id_octets(struct span s, size_t n)
{
	(void)n;
	return s.n > 0;
}

/* One DER SEQUENCE that fills the whole value. What is inside is compared by whoever takes certificates. */
static bool
id_der(struct span s, size_t n)
{
	struct cur c = cur_of(s);
	uint8_t tag, first;
	size_t len = 0;

	(void)n;
	tag = cur_u8(&c);
	first = cur_u8(&c);
	if (c.bad || tag != 0x30 || first == 0x80 || first > 0x82)
		return false;
	if (first < 0x80)
		return first == cur_left(&c);
	for (uint8_t i = first & 0x7f; i > 0; i--)
		len = len << 8 | cur_u8(&c);
	return !c.bad && len >= (first == 0x81 ? 0x80 : 0x100) && len == cur_left(&c);
}

static const struct id_kind {
	bool (*ok)(struct span s, size_t n);
	size_t n;
} id_kind[] = {
	[1] = { id_address, 4 },
	[2] = { id_text, 0 },	/* FQDN */
	[3] = { id_text, 0 },	/* RFC822 */
	[5] = { id_address, 16 },
	[9] = { id_der, 0 },	/* DN */
	[10] = { id_der, 0 },	/* GN */
	[11] = { id_octets, 0 },	/* KEY_ID */
};

static enum ike_drop
id_read(struct ike_id_pl *id, struct span body)
{
	struct cur c = cur_of(body);

	id->body = body;
	id->type = cur_u8(&c);
	cur_take(&c, 3);
	id->data = cur_rest(&c);
	if (c.bad || id->type >= sizeof(id_kind) / sizeof(id_kind[0]) || !id_kind[id->type].ok)
		return IKE_DROP_ID_SYNTAX;
	return id_kind[id->type].ok(id->data, id_kind[id->type].n) ? IKE_OK : IKE_DROP_ID_SYNTAX;
}

enum ike_drop
ike_pl_idi(struct ike_msg *m, struct span body)
{
	return id_read(&m->idi, body);
}

enum ike_drop
ike_pl_idr(struct ike_msg *m, struct span body)
{
	return id_read(&m->idr, body);
}

/* ---- notify: what we act on must have the shape we act on */

static const struct notify_shape {
	uint16_t type;
	uint8_t spi_size;
	uint16_t min, max;
} notify_shape[] = {
	{ IKE_N_INVALID_KE_PAYLOAD, 0, 2, 2 },
	{ IKE_N_COOKIE, 0, 1, IKE_COOKIE_MAX },
	{ IKE_N_COOKIE2, 0, 8, IKE_COOKIE_MAX },
	{ IKE_N_NAT_DETECTION_SOURCE_IP, 0, 20, 20 },
	{ IKE_N_NAT_DETECTION_DESTINATION_IP, 0, 20, 20 },
	{ IKE_N_SET_WINDOW_SIZE, 0, 4, 4 },
	{ IKE_N_REKEY_SA, 4, 0, 0 },
	{ IKE_N_REDIRECT, 0, 3, 2 + 255 + IKE_NONCE_MAX },
};

static bool
notify_ok(const struct ike_notify *n)
{
	if (n->type == IKE_N_REKEY_SA && n->proto != IKE_PROTO_AH && n->proto != IKE_PROTO_ESP)
		return false;
	for (size_t i = 0; i < sizeof(notify_shape) / sizeof(notify_shape[0]); i++) {
		const struct notify_shape *s = &notify_shape[i];

		if (s->type != n->type)
			continue;
		if (n->data.n < s->min || n->data.n > s->max || (s->spi_size && n->spi.n != s->spi_size))
			return false;
	}
	return true;
}

enum ike_drop
ike_pl_notify(struct ike_msg *m, struct span body)
{
	struct cur c = cur_of(body);
	struct ike_notify *n;
	uint8_t spi_size;

	if (m->n_notify == IKE_MSG_NOTIFIES_MAX)
		return IKE_DROP_PAYLOAD_MANY;
	n = &m->notify[m->n_notify];
	n->proto = cur_u8(&c);
	spi_size = cur_u8(&c);
	n->type = cur_be16(&c);
	n->spi = cur_take(&c, spi_size);
	n->data = cur_rest(&c);
	if (c.bad || !notify_ok(n))
		return IKE_DROP_NOTIFY_SYNTAX;
	m->n_notify++;
	return IKE_OK;
}

/* ---- delete */

/* The same SPI twice in one message is refused (CVE-2023-38712). Both numbers have a bound. */
static bool
delete_repeats(const struct ike_msg *m, const struct ike_delete *d, unsigned i)
{
	uint32_t spi = ike_delete_spi(d, i);

	for (unsigned k = 0; k < i; k++)
		if (ike_delete_spi(d, k) == spi)
			return true;
	for (unsigned j = 0; j < m->n_del; j++)
		for (unsigned k = 0; m->del[j].proto == d->proto && k < m->del[j].n; k++)
			if (ike_delete_spi(&m->del[j], k) == spi)
				return true;
	return false;
}

static bool
delete_ok(const struct ike_msg *m, const struct ike_delete *d)
{
	if (d->proto == IKE_PROTO_IKE) {
		for (unsigned j = 0; j < m->n_del; j++)
			if (m->del[j].proto == IKE_PROTO_IKE)
				return false;
		return d->spi_size == 0 && d->n == 0 && d->spis.n == 0;
	}
	if ((d->proto != IKE_PROTO_AH && d->proto != IKE_PROTO_ESP) || d->spi_size != 4 || d->n == 0)
		return false;
	if (d->spis.n != 4 * (size_t)d->n || d->n > IKE_MSG_DELETE_SPIS_MAX - m->n_del_spis)
		return false;
	for (unsigned i = 0; i < d->n; i++)
		if (delete_repeats(m, d, i))
			return false;
	return true;
}

enum ike_drop
ike_pl_delete(struct ike_msg *m, struct span body)
{
	struct cur c = cur_of(body);
	struct ike_delete *d;

	if (m->n_del == IKE_MSG_DELETES_MAX)
		return IKE_DROP_PAYLOAD_MANY;
	d = &m->del[m->n_del];
	d->proto = cur_u8(&c);
	d->spi_size = cur_u8(&c);
	d->n = cur_be16(&c);
	d->spis = cur_rest(&c);
	if (c.bad || !delete_ok(m, d))
		return IKE_DROP_DELETE_SYNTAX;
	m->n_del_spis += d->n;
	m->n_del++;
	return IKE_OK;
}

/* ---- traffic selectors */

static bool
ts_ranges_ok(const struct ike_ts *t)
{
	bool opaque = t->port_lo == 65535 && t->port_hi == 0;

	return (opaque || t->port_lo <= t->port_hi) && memcmp(t->lo.b, t->hi.b, t->lo.n) <= 0;
}

static enum ike_drop
ts_one(struct ike_ts_list *l, struct cur *c)
{
	struct ike_ts t = { 0 };
	struct cur in;
	size_t n;
	uint16_t len;

	t.type = cur_u8(c);
	t.proto = cur_u8(c);
	len = cur_be16(c);
	if (c->bad || len < 4)
		return IKE_DROP_TS_SYNTAX;
	in = cur_of(cur_take(c, len - 4u));
	if (c->bad)
		return IKE_DROP_TS_SYNTAX;
	if (t.type != IKE_TS_IPV4 && t.type != IKE_TS_IPV6) {
		l->skipped++;
		return IKE_OK;
	}
	n = t.type == IKE_TS_IPV4 ? 4 : 16;
	t.port_lo = cur_be16(&in);
	t.port_hi = cur_be16(&in);
	t.lo = addr_of_span(cur_take(&in, n));
	t.hi = addr_of_span(cur_take(&in, n));
	if (in.bad || cur_left(&in) || !ts_ranges_ok(&t))
		return IKE_DROP_TS_SYNTAX;
	if (l->n < IKE_MSG_TS_MAX)
		l->ts[l->n++] = t;
	else
		l->skipped++;
	return IKE_OK;
}

static enum ike_drop
ts_read(struct ike_ts_list *l, struct span body)
{
	struct cur c = cur_of(body);
	enum ike_drop d = IKE_OK;
	uint8_t count;

	count = cur_u8(&c);
	cur_take(&c, 3);
	if (c.bad || count == 0)
		return IKE_DROP_TS_SYNTAX;
	while (count-- && d == IKE_OK)
		d = ts_one(l, &c);
	return d == IKE_OK && cur_left(&c) ? IKE_DROP_TS_SYNTAX : d;
}

enum ike_drop
ike_pl_tsi(struct ike_msg *m, struct span body)
{
	return ts_read(&m->tsi, body);
}

enum ike_drop
ike_pl_tsr(struct ike_msg *m, struct span body)
{
	return ts_read(&m->tsr, body);
}
