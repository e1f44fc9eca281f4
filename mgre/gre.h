/* mgre/gre.h: the GRE header (RFC 2784, with the key of RFC 2890): four octets, or eight with a key. Nothing optional is sent
 * and nothing but what the tunnel has been told to expect is taken. */
#ifndef MGRE_GRE_H
#define MGRE_GRE_H

#include "lib/span.h"
#include "mgre/drops.h"

enum { GRE_IPV4 = 0x0800, GRE_IPV6 = 0x86dd, GRE_NHRP = 0x2001 };
enum { GRE_FLAG_KEY = 0x2000, GRE_HEADER_MAX = 8 };

struct gre {
	bool has_key;
	uint32_t key;
};

static inline size_t
gre_size(const struct gre *g)
{
	return g->has_key ? 8 : 4;
}

void	gre_put(const struct gre *g, uint16_t proto, uint8_t *out);	/* gre_size() octets */
/* Flags first and exactly, then the key, then the protocol. */
enum mgre_count gre_parse(const struct gre *want, struct span packet, uint16_t *proto);

#endif
