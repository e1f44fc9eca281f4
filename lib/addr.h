/* lib/addr.h: IPv4 and IPv6 addresses, prefixes and endpoints, without a socket header in sight.
 *
 * One type for protocol (overlay) and NBMA (underlay) addresses: `n` is 4, 16 or 0 for "none"; octets in network
 * order, those past n are zero so that whole structs compare. Ports are host order. */
#ifndef LIB_ADDR_H
#define LIB_ADDR_H

#include "lib/span.h"

struct addr {
	uint8_t n; /* 0 none, 4 IPv4, 16 IPv6 */
	uint8_t b[16];
};

struct prefix {
	struct addr addr; /* bits past `bits` are zero after prefix_of() */
	uint8_t bits;
};

struct endpoint {
	struct addr addr;
	uint16_t port; /* host order */
};

enum { ADDR_STRLEN = 46, PREFIX_STRLEN = 50, ENDPOINT_STRLEN = 56 };

/* An address from n octets; none where n is neither 4 nor 16. */
struct addr addr_of(const void *octets, size_t n);
static inline struct addr
addr_of_span(struct span s)
{
	return addr_of(s.p, s.n);
}
static inline struct span
addr_span(const struct addr *a)
{
	return (struct span){ a->b, a->n };
}

static inline bool
addr_eq(const struct addr *a, const struct addr *b)
{
	return a->n == b->n && memcmp(a->b, b->b, sizeof(a->b)) == 0;
}
int	addr_cmp(const struct addr *a, const struct addr *b);	/* total order: none, IPv4, IPv6; then by octets */
bool	addr_is_zero(const struct addr *a);	/* none, 0.0.0.0 or :: */
bool	addr_is_multicast(const struct addr *a);
bool	addr_is_unicast(const struct addr *a);	/* may name one host: not zero, multicast, loopback or broadcast */
bool	addr_parse(const char *text, struct addr *out);	/* dotted quad or RFC 4291 text; false leaves *out alone */
char	*addr_fmt(const struct addr *a, char out[static ADDR_STRLEN]);	/* returns out; "-" for none */

static inline uint8_t
addr_bits(const struct addr *a)
{
	return (uint8_t)(a->n * 8);
}

struct prefix prefix_of(const struct addr *a, uint8_t bits);	/* host bits cleared; bits cut to the family's */
struct prefix prefix_host(const struct addr *a);
bool	prefix_has(const struct prefix *p, const struct addr *a);	/* false across families */
bool	prefix_covers(const struct prefix *wide, const struct prefix *narrow);	/* also when equal */
static inline bool
prefix_eq(const struct prefix *a, const struct prefix *b)
{
	return a->bits == b->bits && addr_eq(&a->addr, &b->addr);
}
/* "A/LEN", "A MASK" (IPv4 mask as IOS writes it), or "A" for a host. prefix_parse_host() keeps the host bits. */
bool	prefix_parse(const char *text, struct prefix *out);
bool	prefix_parse_host(const char *text, struct prefix *out);
char	*prefix_fmt(const struct prefix *p, char out[static PREFIX_STRLEN]);

static inline bool
endpoint_eq(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && addr_eq(&a->addr, &b->addr);
}
char	*endpoint_fmt(const struct endpoint *e, char out[static ENDPOINT_STRLEN]);	/* "1.2.3.4:500", "[::1]:500" */

#endif
