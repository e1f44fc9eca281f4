/* xfrm/tunnel.c: GRE in ESP tunnel mode (RFC 4303, 3.1.2): the same packet as in transport mode behind an IP header of its own,
 * between the two addresses of the SA's selectors. They are what each end calls itself, and are compared, nothing else: who sent a
 * packet is told by the SA.
 *
 * Congestion marks go through both headers (RFC 6040); DSCP is copied outward, and of what comes in the inner header's counts. What
 * a peer cut into fragments before it encrypted them is refused: GRE that is too large is for the tunnel's MTU to prevent. */
#include "xfrm/tunnel.h"

#include "lib/dpsec.h"

enum {
	V4 = 20, V4_TOS = 1, V4_LENGTH = 2, V4_FRAG = 6, V4_TTL = 8, V4_PROTO = 9, V4_SUM = 10, V4_SRC = 12,
	V4_DF = 0x4000, V4_OFFSET = 0x3fff,	/* "more fragments" as well */
	V6 = 40, V6_LENGTH = 4, V6_NEXT = 6, V6_HOPS = 7, V6_SRC = 8,
	TTL = 64,
	CE = 3,
};

size_t
tunnel_head(const struct dp_selectors *s)
{
	return !s || !s->gre ? 0 : s->local[0].lo.n == 16 ? V6 : V4;
}

static uint16_t
sum_of(const uint8_t *p, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < n; i += 2)
		sum += get_be16(p + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

uint8_t
tunnel_put(const struct dp_selectors *s, uint8_t *p, size_t n, uint8_t tos)
{
	const struct addr *src = &s->local[0].lo, *dst = &s->remote[0].lo;
	uint8_t *h = p - tunnel_head(s);

	memset(h, 0, tunnel_head(s));
	if (src->n == 16) {
		put_be32(h, 6u << 28 | (uint32_t)tos << 20);
		put_be16(h + V6_LENGTH, (uint16_t)n);
		h[V6_NEXT] = DPSEC_GRE;
		h[V6_HOPS] = TTL;
		memcpy(h + V6_SRC, src->b, 16);
		memcpy(h + V6_SRC + 16, dst->b, 16);
		return DPSEC_IPV6;
	}
	h[0] = 0x45;
	h[V4_TOS] = tos;
	put_be16(h + V4_LENGTH, (uint16_t)(V4 + n));
	put_be16(h + V4_FRAG, V4_DF);
	h[V4_TTL] = TTL;
	h[V4_PROTO] = DPSEC_GRE;
	memcpy(h + V4_SRC, src->b, 4);
	memcpy(h + V4_SRC + 4, dst->b, 4);
	put_be16(h + V4_SUM, sum_of(h, V4));
	return DPSEC_IPV4;
}

/* Padding for confidentiality of the flow may follow the packet (RFC 4303, 2.7): its own length counts. */
static bool
header4(uint8_t *p, size_t n, uint8_t *tos, struct span *gre)
{
	size_t head = n >= V4 ? (size_t)(p[0] & 15) * 4 : 0, len;

	if (head < V4 || p[0] >> 4 != 4 || (len = get_be16(p + V4_LENGTH)) < head || len > n || sum_of(p, head) != 0 ||
	    get_be16(p + V4_FRAG) & V4_OFFSET)
		return false;
	*tos = p[V4_TOS];
	*gre = span_of(p + head, len - head);
	return true;
}

static bool
header6(uint8_t *p, size_t n, uint8_t *tos, struct span *gre)
{
	if (n < V6 || p[0] >> 4 != 6 || (size_t)V6 + get_be16(p + V6_LENGTH) > n)
		return false;
	*tos = (uint8_t)(get_be32(p) >> 20);
	*gre = span_of(p + V6, get_be16(p + V6_LENGTH));
	return true;
}

enum tunnel_fault
tunnel_take(const struct dp_selectors *s, uint8_t next, uint8_t *p, size_t n, uint8_t *tos, struct span *gre)
{
	bool v6 = next == DPSEC_IPV6;
	const struct addr *src = &s->remote[0].lo, *dst = &s->local[0].lo;
	uint8_t inner = 0;

	if (!(v6 ? header6 : header4)(p, n, &inner, gre))
		return TUNNEL_HEADER;
	if (src->n != (v6 ? 16 : 4) || p[v6 ? V6_NEXT : V4_PROTO] != DPSEC_GRE || memcmp(p + (v6 ? V6_SRC : V4_SRC), src->b, src->n) != 0 ||
	    memcmp(p + (v6 ? V6_SRC : V4_SRC) + src->n, dst->b, dst->n) != 0)
		return TUNNEL_SELECTOR;
	*tos = (*tos & CE) == CE ? inner | CE : inner;
	return TUNNEL_OK;
}
