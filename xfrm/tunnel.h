/* xfrm/tunnel.h: the IP header that GRE has inside an ESP packet of tunnel mode. Bytes in, bytes out. */
#ifndef XFRM_TUNNEL_H
#define XFRM_TUNNEL_H

#include "lib/dplane.h"
#include "lib/span.h"

size_t	tunnel_head(const struct dp_selectors *s);	/* octets of it; 0 where GRE has none */
/* Writes it before the n octets of GRE at p. What it is: the next header of ESP. */
uint8_t	tunnel_put(const struct dp_selectors *s, uint8_t *p, size_t n, uint8_t tos);

enum tunnel_fault {
	TUNNEL_OK,
	TUNNEL_HEADER,	/* not a whole IP header, or a part of a packet that was cut */
	TUNNEL_SELECTOR,	/* not GRE, or not between the two addresses that were agreed on */
};
/* Takes it off: *gre is what is behind. *tos: of the packet outside; then of the one inside, with the congestion mark of the other. */
enum tunnel_fault tunnel_take(const struct dp_selectors *s, uint8_t next, uint8_t *p, size_t n, uint8_t *tos, struct span *gre);

#endif
