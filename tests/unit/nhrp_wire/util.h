/* tests/unit/nhrp_wire/util.h: golden packets and what the tests of this area do with packets. */
#ifndef TESTS_UNIT_NHRP_WIRE_UTIL_H
#define TESTS_UNIT_NHRP_WIRE_UTIL_H

#include "nhrpd/wire/nhrp_packet.h"
#include "tests/unit/harness.h"

enum { PKT_MAX = 2048 };

struct pkt {
	uint8_t b[PKT_MAX];
	size_t n;
};

extern const char *const golden_name[];
extern const size_t golden_n;

struct pkt golden(const char *name);	/* tests/golden/nhrp/NAME.hex; fails the test where it cannot be read */
size_t	unhex_text(const char *text, uint8_t *out, size_t max);	/* hex with # comments to the end of the line */
struct span pkt_span(const struct pkt *k);
void	pkt_refit(struct pkt *k);	/* size field from n, and the checksum */
void	pkt_resum(struct pkt *k);	/* the checksum alone, over what the size field says */
/* Parses a copy that ends where its memory ends, so that the sanitizer sees every read past it. The spans of `out` do
 * not outlive the call; `build` (may be NULL) receives what building makes of it, n = 0 when refused. */
enum nhrp_drop pkt_try(const uint8_t *octets, size_t n, struct nhrp_packet *out, struct pkt *build);
bool	packet_eq(const struct nhrp_packet *a, const struct nhrp_packet *b);
struct addr ip(const char *text);
struct nhrp_packet sample_request(void);	/* a registration request, IPv4 over IPv4, one CIE, no extensions */

#endif
