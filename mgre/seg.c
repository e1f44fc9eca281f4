#include "config.h"

#include "mgre/seg.h"

enum {
	IP4_LENGTH = 2, IP4_ID = 4, IP4_OFFSET = 6, IP4_SUM = 10, IP4_MORE = 0x2000, IP6_LENGTH = 4, IP6 = 40,
	TCP_HEAD = 20, TCP_SEQ = 4, TCP_DOFF = 12, TCP_FLAGS = 13, TCP_SUM = 16, TCP_FIN = 0x01, TCP_PSH = 0x08, TCP_CWR = 0x80,
	UDP_HEAD = 8, UDP_LENGTH = 4, UDP_SUM = 6,
};

static bool
kind_fits(const struct inner *in, enum seg_kind kind)
{
	switch (kind) {
	case SEG_NONE:
		return false;
	case SEG_TCP4:
		return !in->v6 && in->proto == IP_TCP;
	case SEG_TCP6:
		return in->v6 && in->proto == IP_TCP;
	case SEG_UDP:
		return in->proto == IP_UDP;
	}
	return false;
}

enum mgre_count
seg_begin(struct seg *s, const struct inner *in, enum seg_kind kind, size_t step)
{
	size_t l4;

	if (!kind_fits(in, kind) || step == 0 || !in->l4 || in->later || (!in->v6 && get_be16(in->p + IP4_OFFSET) & IP4_MORE))
		return MGRE_DROP_FRAME_OFFLOAD;
	if (in->n < in->l4 + (kind == SEG_UDP ? UDP_HEAD : TCP_HEAD))
		return MGRE_DROP_FRAME_OFFLOAD;
	l4 = kind == SEG_UDP ? UDP_HEAD : (size_t)(in->p[in->l4 + TCP_DOFF] >> 4) * 4;
	if (l4 < UDP_HEAD || (kind != SEG_UDP && l4 < TCP_HEAD) || in->n <= in->l4 + l4)
		return MGRE_DROP_FRAME_OFFLOAD;
	*s = (struct seg){ .in = in, .head = in->l4 + l4, .at = in->l4 + l4, .step = step };
	s->pseudo = csum_add(csum_add(0, in->src.b, in->src.n), in->dst.b, in->dst.n);
	return MGRE_OK;
}

static void
fix_ip(const struct seg *s, uint8_t *out, size_t n)
{
	if (s->in->v6) {
		put_be16(out + IP6_LENGTH, (uint16_t)(n - IP6));
		return;
	}
	put_be16(out + IP4_LENGTH, (uint16_t)n);
	put_be16(out + IP4_ID, (uint16_t)(get_be16(s->in->p + IP4_ID) + s->n));
	put_be16(out + IP4_SUM, 0);
	put_be16(out + IP4_SUM, (uint16_t)~csum_fold(csum_add(0, out, s->in->l4)));
}

/* FIN and PSH belong to the last octet, CWR to the first packet: RFC 3168, 6.1.2. */
static void
fix_tcp(const struct seg *s, uint8_t *tcp, bool last)
{
	put_be32(tcp + TCP_SEQ, (uint32_t)(get_be32(tcp + TCP_SEQ) + s->n * s->step));
	if (!last)
		tcp[TCP_FLAGS] &= (uint8_t)~(TCP_FIN | TCP_PSH);
	if (s->n)
		tcp[TCP_FLAGS] &= (uint8_t)~TCP_CWR;
}

static uint16_t
transport_sum(const struct seg *s, const uint8_t *l4, size_t n)
{
	uint8_t tail[8] = { 0 };

	put_be32(tail, (uint32_t)n);
	tail[7] = s->in->proto;
	return (uint16_t)~csum_fold(csum_add(csum_add(s->pseudo, tail, sizeof(tail)), l4, n));
}

size_t
seg_next(struct seg *s, uint8_t *out)
{
	const struct inner *in = s->in;
	size_t left = in->n - s->at, take = left < s->step ? left : s->step, n = s->head + take;
	uint8_t *l4 = out + in->l4;
	uint16_t sum;

	if (take == 0)
		return 0;
	memcpy(out, in->p, s->head);
	memcpy(out + s->head, in->p + s->at, take);
	fix_ip(s, out, n);
	if (in->proto == IP_TCP) {
		fix_tcp(s, l4, take == left);
		put_be16(l4 + TCP_SUM, 0);
		put_be16(l4 + TCP_SUM, transport_sum(s, l4, n - in->l4));
	} else {
		put_be16(l4 + UDP_LENGTH, (uint16_t)(n - in->l4));
		put_be16(l4 + UDP_SUM, 0);
		sum = transport_sum(s, l4, n - in->l4);
		put_be16(l4 + UDP_SUM, sum ? sum : 0xffff);	/* zero means none */
	}
	s->at += take;
	s->n++;
	return n;
}
