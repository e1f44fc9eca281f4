/* mgre/inner.h: the packet inside a tunnel: what must be read of it, and the few octets that are changed on the way: ECN
 * (RFC 6040), the MSS option of a SYN, fragments, and the ICMP message that says a packet is too big. Bytes only. */
#ifndef MGRE_INNER_H
#define MGRE_INNER_H

#include "lib/addr.h"
#include "mgre/drops.h"

enum { IP_ICMP = 1, IP_TCP = 6, IP_UDP = 17, IP_ICMP6 = 58 };
enum { ICMP4_QUOTE_MAX = 576, ICMP6_QUOTE_MAX = 1280, INNER_MTU6_MIN = 1280 };	/* whole ICMP packet */

enum seg_kind { SEG_NONE, SEG_TCP4, SEG_TCP6, SEG_UDP };

struct inner {
	uint8_t *p;
	size_t n;	/* of the packet by its own header; what followed is cut off */
	bool v6;
	bool df;	/* may not be fragmented: DF, or IPv6 */
	bool later;	/* a fragment other than the first: no transport header */
	uint8_t tos, proto;	/* proto: behind IPv6 extension headers */
	enum seg_kind kind;	/* of a super-packet, */
	uint16_t step;	/* and how much payload goes into each segment of it: seg.h */
	size_t l4;	/* where the transport header begins; 0 when it cannot be told */
	struct addr src, dst;
};

/* ethertype: what the frame or GRE header says it is. */
enum mgre_count inner_parse(uint8_t *p, size_t n, uint16_t ethertype, struct inner *out);
/* RFC 6040, 4.2: brings congestion marks of the outer header into the inner one. */
enum mgre_count inner_ecn(struct inner *in, uint8_t outer_tos);
/* Lowers the MSS option of a SYN so that segments fit `mss` octets of payload. True when changed. */
bool	inner_clamp_mss(struct inner *in, unsigned mss);
bool	inner_is_redirect(const struct inner *in);	/* ICMP or ICMPv6 redirect */

uint64_t csum_add(uint64_t sum, const void *p, size_t n);	/* n odd: only as the last piece */
uint16_t csum_fold(uint64_t sum);	/* not inverted; as a number, to be stored by put_be16() */
uint64_t csum_pseudo(const struct inner *in, uint8_t proto, size_t l4_len);

void	inner_sum_udp(struct inner *in);	/* writes the checksum of UDP, whatever stood there; nothing else has it written */

bool	icmp_may_answer(const struct inner *in);	/* RFC 1122, 3.2.2; RFC 4443, 2.4 (e) */
/* The whole packet "too big", from src to the sender. Its length; 0 where it does not fit. */
size_t	icmp_too_big(const struct inner *in, const struct addr *src, unsigned mtu, uint8_t *out, size_t max);

struct frag {	/* RFC 791, 3.2: cuts an IPv4 packet into pieces */
	const struct inner *in;
	size_t ihl, step, at;
};
bool	frag_begin(struct frag *f, const struct inner *in, size_t max);	/* max: octets of a piece; false: cannot be cut so */
size_t	frag_next(struct frag *f, uint8_t *out);	/* writes the next piece; its length, 0 at the end */

#endif
