#include "tests/unit/mgre/super.h"

#include "tests/unit/mgre/mgre_test.h"

enum { TCP = 6, UDP = 17 };

static bool
is_v6(const uint8_t *p)
{
	return p[0] >> 4 == 6;
}

static uint8_t
proto_of(const uint8_t *p)
{
	return is_v6(p) ? p[6] : p[9];
}

static size_t
l4_of(const uint8_t *p)
{
	return is_v6(p) ? 40 : 20;
}

/* One octet at a time; at: whether the first one is the high half. */
static uint32_t
add(uint32_t sum, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

static uint16_t
transport(const uint8_t *p, size_t n)
{
	size_t l4 = l4_of(p), len = n - l4;
	uint8_t tail[4] = { (uint8_t)(len >> 8), (uint8_t)len, 0, proto_of(p) };
	uint32_t sum = is_v6(p) ? add(0, p + 8, 32) : add(0, p + 12, 8);

	return (uint16_t)add(add(sum, tail, 4), p + l4, len);
}

size_t
super_head(const uint8_t *p)
{
	return l4_of(p) + (proto_of(p) == UDP ? 8 : (size_t)(p[l4_of(p) + 12] >> 4) * 4);
}

void
super_sign(uint8_t *p, size_t n)
{
	uint8_t *sum = p + l4_of(p) + (proto_of(p) == UDP ? 6 : 16);

	if (!is_v6(p)) {
		put_be16(p + 10, 0);
		put_be16(p + 10, (uint16_t)~add(0, p, 20));
	}
	put_be16(sum, 0);
	put_be16(sum, (uint16_t)~transport(p, n));
	if (proto_of(p) == UDP && get_be16(sum) == 0)
		put_be16(sum, 0xffff);
}

bool
super_good(const uint8_t *p, size_t n)
{
	size_t l4 = l4_of(p), len = is_v6(p) ? 40 + (size_t)get_be16(p + 4) : get_be16(p + 2);

	return len == n && (is_v6(p) || add(0, p, 20) == 0xffff) && transport(p, n) == 0xffff &&
	    (proto_of(p) != UDP || (get_be16(p + l4 + 4) == n - l4 && get_be16(p + l4 + 6) != 0));
}

static size_t
put_ip(uint8_t *p, const struct super_conf *c, size_t payload)
{
	uint8_t proto = c->udp ? UDP : TCP;

	if (c->v6) {
		put_be32(p, 6u << 28 | (uint32_t)c->tos << 20 | 0x12345);
		put_be16(p + 4, (uint16_t)payload);
		p[6] = proto;
		p[7] = 63;
		memcpy(p + 8, A("fd09::12").b, 16);
		memcpy(p + 24, A("fd09::13").b, 16);
		return 40;
	}
	p[0] = 0x45;
	p[1] = c->tos;
	put_be16(p + 2, (uint16_t)(20 + payload));
	put_be16(p + 4, c->id);
	put_be16(p + 6, c->off);
	p[8] = 63;
	p[9] = proto;
	memcpy(p + 12, (uint8_t[]){ 10, 9, 0, 12, 10, 9, 0, 13 }, 8);
	return 20;
}

size_t
super_make(uint8_t *p, const struct super_conf *c)
{
	size_t head = c->udp ? 8 : 20 + c->options, ip, n;
	uint8_t *l4;

	memset(p, 0, 100);
	ip = put_ip(p, c, head + c->payload);
	n = ip + head + c->payload;
	l4 = p + ip;
	put_be16(l4, c->sport);
	put_be16(l4 + 2, 5001);
	if (c->udp) {
		put_be16(l4 + 4, (uint16_t)(8 + c->payload));
	} else {
		put_be32(l4 + 4, c->seq);
		put_be32(l4 + 8, 77);
		l4[12] = (uint8_t)(head / 4 << 4);
		l4[13] = c->flags;
		put_be16(l4 + 14, 500);
		memset(l4 + 20, 1, c->options);
	}
	for (size_t i = 0; i < c->payload; i++)
		l4[head + i] = (uint8_t)((c->seq + i) * 7 + (c->seq + i) / 251);
	super_sign(p, n);
	return n;
}

struct inner
super_parse(uint8_t *p, size_t n)
{
	struct inner in;

	ck_assert_int_eq(inner_parse(p, n, is_v6(p) ? GRE_IPV6 : GRE_IPV4, &in), MGRE_OK);
	return in;
}
