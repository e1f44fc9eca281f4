/* tests/unit/mgre/super.h: packets for the tests of segmentation and joining, and checksums made the slow way, octet by octet. */
#ifndef TESTS_UNIT_MGRE_SUPER_H
#define TESTS_UNIT_MGRE_SUPER_H

#include "mgre/gre.h"
#include "mgre/inner.h"

struct super_conf {
	bool v6, udp;
	uint8_t flags, tos;	/* flags: of TCP */
	uint16_t off, id;	/* IPv4 */
	size_t options;	/* octets of TCP's, a multiple of four */
	size_t payload;
	uint32_t seq;
	uint16_t sport;
};

size_t	super_make(uint8_t *p, const struct super_conf *c);	/* a packet with right checksums; its length */
bool	super_good(const uint8_t *p, size_t n);	/* lengths and checksums of IPv4 or IPv6 without extensions, with TCP or UDP */
void	super_sign(uint8_t *p, size_t n);	/* makes the checksums right again */
struct inner super_parse(uint8_t *p, size_t n);
size_t	super_head(const uint8_t *p);	/* octets of all headers */

#endif
