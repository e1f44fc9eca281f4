/* tests/unit/tools_dump/frames.h: golden NHRP packets, and frames around them in every shape that nhrpdump knows. */
#ifndef TESTS_UNIT_TOOLS_DUMP_FRAMES_H
#define TESTS_UNIT_TOOLS_DUMP_FRAMES_H

#include "tests/unit/harness.h"
#include "tools/dump.h"

enum { FRAME_MAX = 4096 };
struct octets {
	uint8_t b[FRAME_MAX];
	size_t n;
};
static inline struct span
octets_span(const struct octets *o)
{
	return span_of(o->b, o->n);
}

struct octets golden(const char *name);	/* tests/golden/nhrp/NAME.hex; fails the test where it cannot be read */
extern const char *const golden_name[];	/* a packet of each kind, sound; ends at NULL */

enum carrier { BARE, IP4, IP6 };
struct shape {	/* how a packet is wrapped */
	enum dump_link link;
	enum carrier carrier;
	unsigned n_vlan;
	uint16_t vlan[DUMP_VLANS_MAX];
	bool no_gre;	/* IP protocol 54 */
	uint16_t gre;	/* flags */
	unsigned options;	/* octets of IPv4 options, or IPv6 extension headers of 8 */
	bool in_ip;	/* IPv4 over all of it once more */
	bool bridged;	/* GRE with Ethernet, and IP and GRE in it */
	bool fragment;	/* IPv6 fragment header, IPv4 more-fragments bit: the first one */
	unsigned pad;	/* octets behind the IP packet */
};
extern const struct shape shapes[];
extern const size_t n_shapes;
enum { SHAPE_KEY = 0x01020304, SHAPE_SEQ = 77, SHAPE_TTL = 63 };

void	wrap(const struct shape *s, struct span nhrp, struct octets *out);

suite_fn suite_dump_frame, suite_dump_names, suite_dump_text, suite_dump_json, suite_nhrpdump;

#endif
