#include "lib/addr.h"

#include <stdio.h>
#include <stdlib.h>

/* Text forms are written here and not with inet_pton(), because pure modules include no socket header. */

struct addr
addr_of(const void *octets, size_t n)
{
	struct addr a = { 0 };

	if (n == 4 || n == 16) {
		a.n = (uint8_t)n;
		memcpy(a.b, octets, n);
	}
	return a;
}

int
addr_cmp(const struct addr *a, const struct addr *b)
{
	return a->n != b->n ? a->n - b->n : memcmp(a->b, b->b, sizeof(a->b));
}

bool
addr_is_zero(const struct addr *a)
{
	static const uint8_t zero[16];

	return memcmp(a->b, zero, sizeof(zero)) == 0;
}

bool
addr_is_multicast(const struct addr *a)
{
	return (a->n == 4 && (a->b[0] & 0xf0) == 0xe0) || (a->n == 16 && a->b[0] == 0xff);
}

bool
addr_is_unicast(const struct addr *a)
{
	static const uint8_t loopback[16] = { [15] = 1 };

	if (addr_is_zero(a) || addr_is_multicast(a))
		return false;
	if (a->n == 4)
		return a->b[0] != 127 && a->b[0] != 0 && get_be32(a->b) != 0xffffffff;
	return memcmp(a->b, loopback, 16) != 0;
}

static bool
parse_ipv4(const char *s, uint8_t out[static 4])
{
	for (int i = 0; i < 4; i++) {
		unsigned v = 0, digits = 0;

		for (; *s >= '0' && *s <= '9' && digits < 4; s++, digits++)
			v = v * 10 + (unsigned)(*s - '0');
		if (digits == 0 || digits > 3 || v > 255 || *s != (i < 3 ? '.' : '\0'))
			return false;
		out[i] = (uint8_t)v;
		s++;
	}
	return true;
}

static int
hexdigit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* RFC 4291 2.2: groups, one "::", a dotted quad at the end. */
static bool
parse_ipv6(const char *s, uint8_t out[static 16])
{
	uint8_t b[16] = { 0 };
	int n = 0, gap = -1;

	if (s[0] == ':' && s[1] != ':')
		return false;
	while (*s) {
		unsigned v = 0, digits = 0;
		const char *group = s;

		if (s[0] == ':' && s[1] == ':') {
			if (gap >= 0)
				return false;
			gap = n;
			s += 2;
			continue;
		}
		if (*s == ':')
			group = ++s;
		for (; hexdigit(*s) >= 0 && digits < 5; s++, digits++)
			v = v << 4 | (unsigned)hexdigit(*s);
		if (*s == '.' && n <= 12 && parse_ipv4(group, b + n)) {
			n += 4;
			break;
		}
		if (digits == 0 || digits > 4 || n > 14 || (*s && *s != ':'))
			return false;
		put_be16(b + n, (uint16_t)v);
		n += 2;
	}
	if (gap >= 0) {
		if (n == 16)
			return false;
		memmove(b + 16 - (n - gap), b + gap, (size_t)(n - gap));
		memset(b + gap, 0, (size_t)(16 - n));
		n = 16;
	}
	if (n != 16)
		return false;
	memcpy(out, b, 16);
	return true;
}

bool
addr_parse(const char *text, struct addr *out)
{
	uint8_t b[16];
	size_t n = 0;

	if (parse_ipv4(text, b))
		n = 4;
	else if (parse_ipv6(text, b))
		n = 16;
	if (n)
		*out = addr_of(b, n);
	return n != 0;
}

/* RFC 5952: the longest run of two or more zero groups is shortened, the first one where they tie. */
static void
zero_run(const uint8_t *b, int *at, int *len)
{
	int best = -1, best_len = 1;

	for (int i = 0; i < 8; i++) {
		int k = i;

		while (k < 8 && get_be16(b + 2 * k) == 0)
			k++;
		if (k - i > best_len) {
			best = i;
			best_len = k - i;
		}
		if (k > i)
			i = k;
	}
	*at = best;
	*len = best < 0 ? 0 : best_len;
}

static void
fmt_ipv6(const uint8_t *b, char *out)
{
	int at, len;
	char *p = out;

	zero_run(b, &at, &len);
	for (int i = 0; i < 8; i++) {
		if (i == at) {
			p += sprintf(p, "::");
			i += len - 1;
			continue;
		}
		p += sprintf(p, "%s%x", i == 0 || i == at + len ? "" : ":", get_be16(b + 2 * i));
	}
}

char *
addr_fmt(const struct addr *a, char out[static ADDR_STRLEN])
{
	if (a->n == 4)
		snprintf(out, ADDR_STRLEN, "%u.%u.%u.%u", a->b[0], a->b[1], a->b[2], a->b[3]);
	else if (a->n == 16)
		fmt_ipv6(a->b, out);
	else
		snprintf(out, ADDR_STRLEN, "-");
	return out;
}

struct prefix
prefix_of(const struct addr *a, uint8_t bits)
{
	struct prefix p = { *a, bits };
	unsigned whole;

	if (p.bits > addr_bits(a))
		p.bits = addr_bits(a);
	whole = p.bits / 8;
	if (whole < a->n) {
		p.addr.b[whole] &= (uint8_t)(0xff00 >> (p.bits % 8));
		memset(p.addr.b + whole + 1, 0, sizeof(p.addr.b) - whole - 1);
	}
	return p;
}

struct prefix
prefix_host(const struct addr *a)
{
	return (struct prefix){ *a, addr_bits(a) };
}

bool
prefix_has(const struct prefix *p, const struct addr *a)
{
	unsigned whole = p->bits / 8, rest = p->bits % 8;

	if (p->addr.n != a->n || a->n == 0 || memcmp(p->addr.b, a->b, whole) != 0)
		return false;
	return rest == 0 || ((p->addr.b[whole] ^ a->b[whole]) & (0xff00 >> rest) & 0xff) == 0;
}

bool
prefix_covers(const struct prefix *wide, const struct prefix *narrow)
{
	return wide->bits <= narrow->bits && prefix_has(wide, &narrow->addr);
}

/* "255.255.255.0" -> 24; -1 where the ones do not stand together. */
static int
mask_bits(const uint8_t b[static 4])
{
	uint32_t m = get_be32(b);
	int n = 0;

	while (n < 32 && m & 0x80000000u) {
		m <<= 1;
		n++;
	}
	return m ? -1 : n;
}

static bool
parse_length(const char *s, unsigned max, uint8_t *bits)
{
	unsigned v = 0;

	if (!*s || strlen(s) > 3)
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return false;
		v = v * 10 + (unsigned)(*s - '0');
	}
	*bits = (uint8_t)v;
	return v <= max;
}

bool
prefix_parse_host(const char *text, struct prefix *out)
{
	char a[PREFIX_STRLEN];
	size_t k = strcspn(text, "/ ");
	struct prefix p;
	uint8_t mask[4];
	int bits;

	if (k >= sizeof(a))
		return false;
	memcpy(a, text, k);
	a[k] = '\0';
	if (!addr_parse(a, &p.addr))
		return false;
	p.bits = addr_bits(&p.addr);
	if (text[k] == '/' && !parse_length(text + k + 1, p.bits, &p.bits))
		return false;
	if (text[k] == ' ') {
		if (p.addr.n != 4 || !parse_ipv4(text + k + 1, mask) || (bits = mask_bits(mask)) < 0)
			return false;
		p.bits = (uint8_t)bits;
	}
	*out = p;
	return true;
}

bool
prefix_parse(const char *text, struct prefix *out)
{
	struct prefix p;

	if (!prefix_parse_host(text, &p))
		return false;
	*out = prefix_of(&p.addr, p.bits);
	return true;
}

char *
prefix_fmt(const struct prefix *p, char out[static PREFIX_STRLEN])
{
	char a[ADDR_STRLEN];

	snprintf(out, PREFIX_STRLEN, "%s/%u", addr_fmt(&p->addr, a), p->bits);
	return out;
}

char *
endpoint_fmt(const struct endpoint *e, char out[static ENDPOINT_STRLEN])
{
	char a[ADDR_STRLEN];

	snprintf(out, ENDPOINT_STRLEN, e->addr.n == 16 ? "[%s]:%u" : "%s:%u", addr_fmt(&e->addr, a), e->port);
	return out;
}
