/* ikecore/wire/ike_build.c: writing messages. A payload is opened with its generic header, whose NextPayload stays 0 until
 * another follows; the octet that names the next payload is remembered in next_at and patched then. */
#include "ikecore/wire/ike_msg.h"

enum { HDR_NEXT = 16, HDR_LENGTH = 24, SUB_LAST = 0, SUB_PROPOSAL = 2, SUB_TRANSFORM = 3, ATTR_KEY_LENGTH = 0x800e };

static void
patch8(struct wr *w, size_t at, uint8_t v)
{
	if (!w->bad && at < wr_len(w))
		w->base[at] = v;
}

/* A length that does not fit its field turns the writer bad. */
static void
patch_len(struct wr *w, size_t at, size_t start)
{
	size_t n = wr_len(w) - start;

	if (n > UINT16_MAX)
		w->bad = true;
	wr_patch16(w, at, (uint16_t)n);
}

static size_t
payload_open(struct ike_build *b, uint8_t type)
{
	size_t at = wr_len(b->w);

	patch8(b->w, b->next_at, type);
	b->next_at = at;
	wr_zero(b->w, IKE_PL_HDR_LEN);
	return at;
}

static void
payload_close(struct ike_build *b, size_t at)
{
	patch_len(b->w, at + 2, at);
}

void
ike_build_start(struct ike_build *b, struct wr *w, const struct ike_hdr *h)
{
	*b = (struct ike_build){ .w = w, .base = wr_len(w), .next_at = wr_len(w) + HDR_NEXT };
	wr_be64(w, h->spi_i);
	wr_be64(w, h->spi_r);
	wr_u8(w, IKE_PL_NONE);
	wr_u8(w, h->version);
	wr_u8(w, h->exchange);
	wr_u8(w, h->flags);
	wr_be32(w, h->mid);
	wr_be32(w, 0);
}

void
ike_build_sk(struct ike_build *b, size_t iv_len)
{
	b->sk_at = payload_open(b, IKE_PL_SK);
	wr_zero(b->w, iv_len);
	b->iv_len = iv_len;
	b->text_at = wr_len(b->w);
}

/* A piece of what would stand in SK. Only the first names the payload it begins with. */
void
ike_build_skf(struct ike_build *b, size_t iv_len, uint8_t first, uint16_t frag, uint16_t total)
{
	b->sk_at = payload_open(b, IKE_PL_SKF);
	patch8(b->w, b->sk_at, frag == 1 ? first : IKE_PL_NONE);
	wr_be16(b->w, frag);
	wr_be16(b->w, total);
	wr_zero(b->w, iv_len);
	b->iv_len = iv_len;
	b->text_at = wr_len(b->w);
}

static void
transform_write(struct wr *w, const struct ike_xform *x, bool last)
{
	wr_u8(w, last ? SUB_LAST : SUB_TRANSFORM);
	wr_u8(w, 0);
	wr_be16(w, x->key_bits ? 12 : 8);
	wr_u8(w, x->type);
	wr_u8(w, 0);
	wr_be16(w, x->id);
	if (x->key_bits) {
		wr_be16(w, ATTR_KEY_LENGTH);
		wr_be16(w, x->key_bits);
	}
}

static void
proposal_write(struct wr *w, const struct ike_prop *p, const struct ike_xform *x, bool last)
{
	size_t at = wr_len(w);

	if (p->n > UINT8_MAX || p->spi.n > UINT8_MAX)
		w->bad = true;
	wr_u8(w, last ? SUB_LAST : SUB_PROPOSAL);
	wr_zero(w, 3);
	wr_u8(w, p->num);
	wr_u8(w, p->proto);
	wr_u8(w, (uint8_t)p->spi.n);
	wr_u8(w, (uint8_t)p->n);
	wr_put(w, p->spi);
	for (unsigned i = 0; i < p->n; i++)
		transform_write(w, &x[i], i + 1 == p->n);
	patch_len(w, at + 2, at);
}

void
ike_build_sa(struct ike_build *b, const struct ike_prop *prop, unsigned n_prop, const struct ike_xform *xform)
{
	size_t at = payload_open(b, IKE_PL_SA);

	for (unsigned i = 0; i < n_prop; i++)
		proposal_write(b->w, &prop[i], xform + prop[i].first, i + 1 == n_prop);
	payload_close(b, at);
}

void
ike_build_ke(struct ike_build *b, uint16_t group, struct span pub)
{
	size_t at = payload_open(b, IKE_PL_KE);

	wr_be16(b->w, group);
	wr_zero(b->w, 2);
	wr_put(b->w, pub);
	payload_close(b, at);
}

void
ike_build_nonce(struct ike_build *b, struct span nonce)
{
	ike_build_raw(b, IKE_PL_NONCE, nonce);
}

void
ike_id_body(struct wr *w, uint8_t id_type, struct span data)
{
	wr_u8(w, id_type);
	wr_zero(w, 3);
	wr_put(w, data);
}

void
ike_build_id(struct ike_build *b, enum ike_payload which, uint8_t id_type, struct span data)
{
	size_t at = payload_open(b, (uint8_t)which);

	ike_id_body(b->w, id_type, data);
	payload_close(b, at);
}

void
ike_build_auth(struct ike_build *b, uint8_t method, struct span data)
{
	size_t at = payload_open(b, IKE_PL_AUTH);

	ike_id_body(b->w, method, data);	/* the same shape: one octet, three reserved, data */
	payload_close(b, at);
}

void
ike_build_notify(struct ike_build *b, uint8_t proto, struct span spi, uint16_t type, struct span data)
{
	size_t at = payload_open(b, IKE_PL_NOTIFY);

	if (spi.n > UINT8_MAX)
		b->w->bad = true;
	wr_u8(b->w, proto);
	wr_u8(b->w, (uint8_t)spi.n);
	wr_be16(b->w, type);
	wr_put(b->w, spi);
	wr_put(b->w, data);
	payload_close(b, at);
}

void
ike_build_delete(struct ike_build *b, uint8_t proto, uint8_t spi_size, struct span spis)
{
	size_t at = payload_open(b, IKE_PL_DELETE), n = spi_size ? spis.n / spi_size : 0;

	if (n * spi_size != spis.n || n > UINT16_MAX)
		b->w->bad = true;
	wr_u8(b->w, proto);
	wr_u8(b->w, spi_size);
	wr_be16(b->w, (uint16_t)n);
	wr_put(b->w, spis);
	payload_close(b, at);
}

void
ike_build_ts(struct ike_build *b, enum ike_payload which, const struct ike_ts *ts, unsigned n)
{
	size_t at = payload_open(b, (uint8_t)which);

	if (n > UINT8_MAX)
		b->w->bad = true;
	wr_u8(b->w, (uint8_t)n);
	wr_zero(b->w, 3);
	for (unsigned i = 0; i < n; i++) {
		wr_u8(b->w, ts[i].type);
		wr_u8(b->w, ts[i].proto);
		wr_be16(b->w, (uint16_t)(8 + ts[i].lo.n + ts[i].hi.n));
		wr_be16(b->w, ts[i].port_lo);
		wr_be16(b->w, ts[i].port_hi);
		wr_put(b->w, addr_span(&ts[i].lo));
		wr_put(b->w, addr_span(&ts[i].hi));
	}
	payload_close(b, at);
}

void
ike_build_raw(struct ike_build *b, uint8_t type, struct span body)
{
	size_t at = payload_open(b, type);

	wr_put(b->w, body);
	payload_close(b, at);
}

size_t
ike_build_end(struct ike_build *b)
{
	size_t n = wr_len(b->w) - b->base;

	if (b->w->bad)
		return 0;
	put_be32(b->w->base + b->base + HDR_LENGTH, (uint32_t)n);
	return n;
}

/* Padding is as short as the block allows; its octets count up like those of ESP, the last one is its length. */
size_t
ike_build_seal(struct ike_build *b, size_t block, size_t icv_len, struct ike_seal_room *room)
{
	size_t text = wr_len(b->w) - b->text_at, pad, n;
	uint8_t *p;

	if (b->sk_at == 0 || block == 0 || block > 256) {
		b->w->bad = true;
		return 0;
	}
	pad = (block - (text + 1) % block) % block;
	for (size_t i = 1; i <= pad; i++)
		wr_u8(b->w, (uint8_t)i);
	wr_u8(b->w, (uint8_t)pad);
	text = wr_len(b->w) - b->text_at;
	wr_zero(b->w, icv_len);
	payload_close(b, b->sk_at);
	n = ike_build_end(b);
	if (n == 0)
		return 0;
	p = b->w->base + b->text_at - b->iv_len;
	*room = (struct ike_seal_room){
		.aad = span_of(b->w->base + b->base, (size_t)(p - (b->w->base + b->base))),
		.iv = p, .iv_len = b->iv_len,
		.text = p + b->iv_len, .text_len = text,
		.icv = p + b->iv_len + text, .icv_len = icv_len,
	};
	return n;
}
