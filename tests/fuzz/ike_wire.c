/* tests/fuzz/ike_wire.c: libFuzzer target of ikecore/wire. Seeds:
 *	mkdir c; for f in tests/golden/ike/[a-z]*.hex; do xxd -r -p $f c/$(basename $f .hex); done
 *
 * Each input is tried as it is, and once more with the header mended (version, length, an initiator's SPI) and the
 * encrypted payload's body taken for its own text, as after decryption with a null cipher. What is accepted has every
 * span inside the message, and proposals and selectors built from what was read are read the same again. */
#include <stdlib.h>

#include "ikecore/wire/ike_msg.h"

enum { MAX = 65535, NULL_IV = 8, NULL_ICV = 16 };

static void
inside(const struct ike_msg *m, struct span s)
{
	if (s.n && (s.p < m->raw.p || s.n > m->raw.n || s.p + s.n > m->raw.p + m->raw.n))
		abort();
}

static void
spans(const struct ike_msg *m)
{
	inside(m, m->ke);
	inside(m, m->nonce);
	inside(m, m->auth);
	inside(m, m->idi.body);
	inside(m, m->idi.data);
	inside(m, m->idr.body);
	inside(m, m->idr.data);
	inside(m, m->sk.aad);
	inside(m, m->sk.body);
	for (unsigned i = 0; i < m->n_notify; i++) {
		inside(m, m->notify[i].spi);
		inside(m, m->notify[i].data);
	}
	for (unsigned i = 0; i < m->n_del; i++) {
		inside(m, m->del[i].spis);
		for (unsigned k = 0; k < m->del[i].n; k++)
			ike_delete_spi(&m->del[i], k);
	}
	for (unsigned i = 0; i < m->n_rawpl; i++)
		inside(m, m->rawpl[i].body);
	for (unsigned i = 0; i < m->n_prop; i++) {
		inside(m, m->prop[i].spi);
		if (m->prop[i].first + m->prop[i].n > m->n_xform)
			abort();
	}
}

static void
same_sa(const struct ike_msg *a, const struct ike_msg *b)
{
	if (a->n_prop != b->n_prop)
		abort();
	for (unsigned i = 0; i < a->n_prop; i++) {
		const struct ike_prop *p = &a->prop[i], *q = &b->prop[i];

		if (p->num != q->num || p->proto != q->proto || !span_eq(p->spi, q->spi) || p->n != q->n)
			abort();
		for (unsigned k = 0; k < p->n; k++) {
			const struct ike_xform *x = &a->xform[p->first + k], *y = &b->xform[q->first + k];

			if (x->type != y->type || x->id != y->id || x->key_bits != y->key_bits)
				abort();
		}
	}
}

static void
same_ts(const struct ike_ts_list *a, const struct ike_ts_list *b)
{
	if (a->n != b->n)
		abort();
	for (unsigned i = 0; i < a->n; i++) {
		const struct ike_ts *x = &a->ts[i], *y = &b->ts[i];

		if (x->type != y->type || x->proto != y->proto || x->port_lo != y->port_lo || x->port_hi != y->port_hi ||
		    !addr_eq(&x->lo, &y->lo) || !addr_eq(&x->hi, &y->hi))
			abort();
	}
}

static void
again(const struct ike_msg *m)
{
	static uint8_t buf[MAX];
	static struct ike_msg n;
	struct ike_hdr h = { .spi_i = 1, .spi_r = 1, .version = IKE_VERSION_2, .exchange = IKE_INFORMATIONAL };
	struct wr w = wr_of(buf, sizeof(buf));
	struct ike_build b;
	bool sa = m->n_prop > 0;

	for (unsigned i = 0; i < m->n_prop; i++)
		if (m->prop[i].unknown)
			sa = false;	/* may be kept in part only */
	ike_build_start(&b, &w, &h);
	if (sa)
		ike_build_sa(&b, m->prop, m->n_prop, m->xform);
	if (m->tsi.n)
		ike_build_ts(&b, IKE_PL_TSI, m->tsi.ts, m->tsi.n);
	if (m->tsr.n)
		ike_build_ts(&b, IKE_PL_TSR, m->tsr.ts, m->tsr.n);
	if (!ike_build_end(&b) || ike_msg_parse(wr_span(&w), &n) != IKE_OK)
		abort();
	if (sa)
		same_sa(m, &n);
	same_ts(&m->tsi, &n.tsi);
	same_ts(&m->tsr, &n.tsr);
}

static void
try(struct span in)
{
	static struct ike_msg m;

	if (ike_msg_parse(in, &m) != IKE_OK)
		return;
	spans(&m);
	if (ike_msg_check_clear(&m) == IKE_OK)
		again(&m);
	if (m.sk.body.n <= NULL_IV + NULL_ICV)
		return;
	if (ike_msg_parse_inner(&m, span_of(m.sk.body.p + NULL_IV, m.sk.body.n - NULL_IV - NULL_ICV)) != IKE_OK)
		return;
	spans(&m);
	if (ike_msg_check_inner(&m) == IKE_OK)
		again(&m);
}

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t *mended;

	if (n > MAX)
		return 0;
	try(span_of(data, n));
	if (n < IKE_HDR_LEN)
		return 0;
	mended = malloc(n);	/* exact size, for the sanitizer */
	if (!mended)
		return 0;
	memcpy(mended, data, n);
	mended[0] |= 1;
	mended[17] = IKE_VERSION_2;
	put_be32(mended + 24, (uint32_t)n);
	try(span_of(mended, n));
	free(mended);
	return 0;
}
