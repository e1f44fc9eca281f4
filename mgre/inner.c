#include "mgre/inner.h"

#include <arpa/inet.h>

#include "mgre/gre.h"

enum { EXT_MAX = 8 /* extension headers looked behind */, TCP_SYN = 2, ICMP4_REDIRECT = 5, ICMP6_REDIRECT = 137 };

/* A sum of 32-bit words in 64-bit lanes cannot overflow in a packet. The compiler makes of it what the target has. */
typedef uint64_t lanes __attribute__((vector_size(32)));
enum { LANES_MIN = 128 };	/* below, they cost more than they save */

static inline __attribute__((always_inline)) uint64_t
add_blocks(uint64_t sum, const uint8_t *b, size_t n)
{
	lanes low = { 0 }, high = { 0 }, v;

	for (; n >= sizeof(v); n -= sizeof(v), b += sizeof(v)) {
		memcpy(&v, b, sizeof(v));
		low += v & 0xffffffff;
		high += v >> 32;
	}
	low += high;
	return sum + low[0] + low[1] + low[2] + low[3];
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static uint64_t
add_blocks_avx2(uint64_t sum, const uint8_t *b, size_t n)
{
	return add_blocks(sum, b, n);
}
#endif

static uint64_t
add_long(uint64_t sum, const uint8_t *b, size_t n)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2"))
		return add_blocks_avx2(sum, b, n);
#endif
	return add_blocks(sum, b, n);
}

uint64_t
csum_add(uint64_t sum, const void *p, size_t n)
{
	const uint8_t *b = p;
	uint16_t half;
	uint32_t word;

	if (n >= LANES_MIN) {
		size_t blocks = n & ~(sizeof(lanes) - 1);

		sum = add_long(sum, b, blocks);
		b += blocks;
		n -= blocks;
	}
	for (; n >= 4; n -= 4, b += 4) {
		memcpy(&word, b, 4);
		sum += word;
	}
	if (n >= 2) {
		memcpy(&half, b, 2);
		sum += half;
		b += 2;
		n -= 2;
	}
	if (n) {
		uint8_t last[2] = { *b, 0 };

		memcpy(&half, last, 2);
		sum += half;
	}
	return sum;
}

uint16_t
csum_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ntohs((uint16_t)sum);
}

uint64_t
csum_pseudo(const struct inner *in, uint8_t proto, size_t l4_len)
{
	uint8_t tail[8] = { 0 };

	put_be32(tail, (uint32_t)l4_len);
	tail[7] = proto;
	return csum_add(csum_add(csum_add(0, in->src.b, in->src.n), in->dst.b, in->dst.n), tail, sizeof(tail));
}

void
inner_sum_udp(struct inner *in)
{
	size_t n = in->n - in->l4;
	uint8_t *udp = in->p + in->l4;
	uint16_t sum;

	if (in->proto != IP_UDP || !in->l4 || in->later || n < 8 || get_be16(udp + 4) != n)	/* length: nor is it a first fragment */
		return;
	put_be16(udp + 6, 0);
	sum = (uint16_t)~csum_fold(csum_add(csum_pseudo(in, IP_UDP, n), udp, n));
	put_be16(udp + 6, sum ? sum : 0xffff);	/* zero means none */
}

/* RFC 1624: a 16-bit field under a checksum changes. */
static void
csum_replace(uint8_t *check, uint16_t old, uint16_t new)
{
	uint32_t sum = (uint16_t)~get_be16(check) + (uint32_t)(uint16_t)~old + new;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	put_be16(check, (uint16_t)~sum);
}

static enum mgre_count
parse4(uint8_t *p, size_t n, struct inner *out)
{
	size_t ihl, total;
	uint16_t off;

	if (n < 20)
		return MGRE_DROP_INNER_SHORT;
	if (p[0] >> 4 != 4)
		return MGRE_DROP_INNER_VERSION;
	ihl = (size_t)(p[0] & 15) * 4;
	total = get_be16(p + 2);
	if (ihl < 20 || total < ihl || total > n)
		return MGRE_DROP_INNER_LENGTH;
	off = get_be16(p + 6);
	*out = (struct inner){ .p = p, .n = total, .df = off & 0x4000, .later = off & 0x1fff, .tos = p[1], .proto = p[9],
		.l4 = off & 0x1fff ? 0 : ihl, .src = addr_of(p + 12, 4), .dst = addr_of(p + 16, 4) };
	return MGRE_OK;
}

/* Goes behind the extension headers as far as they can be read; l4 stays 0 where they cannot. */
static void
skip_extensions(struct inner *in)
{
	size_t at = 40;
	uint8_t next = in->p[6];

	for (int i = 0; i < EXT_MAX; i++) {
		bool fragment = next == 44, plain = next == 0 || next == 43 || next == 60;

		if (!fragment && !plain) {
			in->proto = next;
			in->l4 = at;
			return;
		}
		if (in->n < at + 8)
			return;
		if (fragment && get_be16(in->p + at + 2) & 0xfff8) {
			in->proto = in->p[at];
			in->later = true;
			return;
		}
		next = in->p[at];
		at += fragment ? 8 : ((size_t)in->p[at + 1] + 1) * 8;
		if (at > in->n)
			return;
	}
}

static enum mgre_count
parse6(uint8_t *p, size_t n, struct inner *out)
{
	if (n < 40)
		return MGRE_DROP_INNER_SHORT;
	if (p[0] >> 4 != 6)
		return MGRE_DROP_INNER_VERSION;
	*out = (struct inner){ .p = p, .n = 40 + (size_t)get_be16(p + 4), .v6 = true, .df = true, .tos = (uint8_t)(p[0] << 4 | p[1] >> 4),
		.proto = p[6], .src = addr_of(p + 8, 16), .dst = addr_of(p + 24, 16) };
	if (out->n > n)
		return MGRE_DROP_INNER_LENGTH;
	skip_extensions(out);
	return MGRE_OK;
}

enum mgre_count
inner_parse(uint8_t *p, size_t n, uint16_t ethertype, struct inner *out)
{
	return ethertype == GRE_IPV6 ? parse6(p, n, out) : parse4(p, n, out);
}

static void
set_tos(struct inner *in, uint8_t tos)
{
	uint16_t old = get_be16(in->p);
	uint16_t new = in->v6 ? (uint16_t)((old & 0xf00f) | tos << 4) : (uint16_t)((old & 0xff00) | tos);

	put_be16(in->p, new);
	if (!in->v6)
		csum_replace(in->p + 10, old, new);
	in->tos = tos;
}

/* Rows: inner; columns: outer; each Not-ECT, ECT(1), ECT(0), CE as on the wire. 4: drop. */
static const uint8_t ecn_table[4][4] = {
	{ 0, 0, 0, 4 },
	{ 1, 1, 1, 3 },
	{ 2, 1, 2, 3 },
	{ 3, 3, 3, 3 },
};

enum mgre_count
inner_ecn(struct inner *in, uint8_t outer_tos)
{
	uint8_t out = ecn_table[in->tos & 3][outer_tos & 3];

	if (out > 3)
		return MGRE_DROP_ECN;
	if (out != (in->tos & 3))
		set_tos(in, (uint8_t)((in->tos & 0xfc) | out));
	return MGRE_OK;
}

/* Where the MSS value stands in the options of a SYN; 0 nowhere. */
static size_t
find_mss(const uint8_t *tcp, size_t doff)
{
	size_t at = 20;

	while (at < doff && tcp[at] != 0) {
		size_t len = tcp[at] == 1 ? 1 : at + 1 < doff ? tcp[at + 1] : 0;

		if (len == 0 || (len < 2 && tcp[at] != 1) || at + len > doff)
			return 0;
		if (tcp[at] == 2 && len == 4)
			return at + 2;
		at += len;
	}
	return 0;
}

bool
inner_clamp_mss(struct inner *in, unsigned mss)
{
	uint8_t *tcp = in->p + in->l4;
	size_t doff, at;

	if (in->proto != IP_TCP || !in->l4 || in->n < in->l4 + 20 || !(tcp[13] & TCP_SYN))
		return false;
	doff = (size_t)(tcp[12] >> 4) * 4;
	if (doff < 20 || in->n < in->l4 + doff)
		return false;
	at = find_mss(tcp, doff);
	if (!at || get_be16(tcp + at) <= mss)
		return false;
	if (at & 1) {	/* not on a 16-bit boundary: the octets are summed in swapped places */
		csum_replace(tcp + 16, (uint16_t)(tcp[at + 1] << 8 | tcp[at]), (uint16_t)((mss & 0xff) << 8 | mss >> 8));
	} else {
		csum_replace(tcp + 16, get_be16(tcp + at), (uint16_t)mss);
	}
	put_be16(tcp + at, (uint16_t)mss);
	return true;
}

bool
inner_is_redirect(const struct inner *in)
{
	return in->l4 && in->n > in->l4 && in->proto == (in->v6 ? IP_ICMP6 : IP_ICMP) &&
	    in->p[in->l4] == (in->v6 ? ICMP6_REDIRECT : ICMP4_REDIRECT);
}

static bool
is_icmp_error(const struct inner *in)
{
	uint8_t type;

	if (in->proto != (in->v6 ? IP_ICMP6 : IP_ICMP))
		return false;
	if (!in->l4 || in->n <= in->l4)
		return true;	/* not to be told: no answer */
	type = in->p[in->l4];
	return in->v6 ? type < 128 : type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

bool
icmp_may_answer(const struct inner *in)
{
	return !in->later && addr_is_unicast(&in->src) && !addr_is_multicast(&in->dst) && !is_icmp_error(in);
}

static size_t
too_big4(const struct inner *in, const struct addr *src, unsigned mtu, uint8_t *out, size_t max)
{
	size_t quote = in->n < ICMP4_QUOTE_MAX - 28 ? in->n : ICMP4_QUOTE_MAX - 28, n = 28 + quote;

	if (n > max)
		return 0;
	memset(out, 0, 28);
	out[0] = 0x45;
	out[1] = 0xc0;	/* RFC 1812, 4.3.2.5: internetwork control */
	put_be16(out + 2, (uint16_t)n);
	out[8] = 64;
	out[9] = IP_ICMP;
	memcpy(out + 12, src->b, 4);
	memcpy(out + 16, in->src.b, 4);
	put_be16(out + 10, (uint16_t)~csum_fold(csum_add(0, out, 20)));
	out[20] = 3;
	out[21] = 4;
	put_be16(out + 26, (uint16_t)mtu);
	memcpy(out + 28, in->p, quote);
	put_be16(out + 22, (uint16_t)~csum_fold(csum_add(0, out + 20, n - 20)));
	return n;
}

static size_t
too_big6(const struct inner *in, const struct addr *src, unsigned mtu, uint8_t *out, size_t max)
{
	size_t quote = in->n < ICMP6_QUOTE_MAX - 48 ? in->n : ICMP6_QUOTE_MAX - 48, n = 48 + quote;
	struct inner back = { .src = *src, .dst = in->src };

	if (n > max)
		return 0;
	memset(out, 0, 48);
	out[0] = 0x60;
	put_be16(out + 4, (uint16_t)(n - 40));
	out[6] = IP_ICMP6;
	out[7] = 64;
	memcpy(out + 8, src->b, 16);
	memcpy(out + 24, in->src.b, 16);
	out[40] = 2;
	put_be32(out + 44, mtu);
	memcpy(out + 48, in->p, quote);
	put_be16(out + 42, (uint16_t)~csum_fold(csum_add(csum_pseudo(&back, IP_ICMP6, n - 40), out + 40, n - 40)));
	return n;
}

size_t
icmp_too_big(const struct inner *in, const struct addr *src, unsigned mtu, uint8_t *out, size_t max)
{
	return in->v6 ? too_big6(in, src, mtu, out, max) : too_big4(in, src, mtu, out, max);
}

bool
frag_begin(struct frag *f, const struct inner *in, size_t max)
{
	size_t ihl = in->v6 ? 0 : (size_t)(in->p[0] & 15) * 4;

	*f = (struct frag){ in, ihl, max > ihl ? (max - ihl) & ~(size_t)7 : 0, 0 };
	return !in->v6 && f->step > 0;
}

/* Options without the copy bit stand only in the first piece: no-operations take their place in the others. */
static void
blank_options(uint8_t *p, size_t ihl)
{
	size_t at = 20;

	while (at < ihl && p[at] != 0) {
		size_t len = p[at] == 1 ? 1 : at + 1 < ihl && p[at + 1] >= 2 ? p[at + 1] : ihl - at;

		if (at + len > ihl)
			len = ihl - at;
		if (!(p[at] & 0x80))
			memset(p + at, 1, len);
		at += len;
	}
}

size_t
frag_next(struct frag *f, uint8_t *out)
{
	const struct inner *in = f->in;
	size_t left = in->n - f->ihl - f->at, take = left < f->step ? left : f->step;
	uint16_t off = get_be16(in->p + 6);
	bool more = take < left || off & 0x2000;

	if (take == 0)
		return 0;
	memcpy(out, in->p, f->ihl);
	memcpy(out + f->ihl, in->p + f->ihl + f->at, take);
	if (f->at)
		blank_options(out, f->ihl);
	put_be16(out + 2, (uint16_t)(f->ihl + take));
	put_be16(out + 6, (uint16_t)((off & 0xc000) | (more ? 0x2000 : 0) | ((off & 0x1fff) + f->at / 8)));
	put_be16(out + 10, 0);
	put_be16(out + 10, (uint16_t)~csum_fold(csum_add(0, out, f->ihl)));
	f->at += take;
	return f->ihl + take;
}
