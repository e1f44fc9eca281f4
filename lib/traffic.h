/* lib/traffic.h: what traffic selectors look at in an IP packet (RFC 4301, 4.4.1.1): addresses, protocol, ports.
 *
 * Protocol and ports are looked up when a selector asks for them, not before. A fragment has no ports: the first one shows some, but the
 * others do not, and what cannot be told of all of them counts for none. */
#ifndef LIB_TRAFFIC_H
#define LIB_TRAFFIC_H

#include "lib/dplane.h"

struct traffic {
	struct span ip;
	bool v6, looked;
	const uint8_t *src, *dst;
	uint8_t n;	/* octets of an address */
	uint8_t proto;	/* behind IPv6 extension headers; 0 where it cannot be told */
	bool fragment, ports;	/* ports: it has some */
	uint16_t sport, dport;
};

/* From its IP header on. False: too short for its addresses, or of another version. */
bool	traffic_begin(struct traffic *t, struct span ip, bool v6);
bool	traffic_from(struct traffic *t, const struct dp_range *r, unsigned n);	/* is its source in one of them? */
bool	traffic_to(struct traffic *t, const struct dp_range *r, unsigned n);
bool	traffic_is_fragment(struct traffic *t);
bool	traffic_has_ports(uint8_t proto);	/* TCP and its like */

/* ---- in words */

enum { TRAFFIC_STRLEN = 32 };
bool	traffic_proto_parse(const char *text, uint8_t *proto);	/* "tcp", "6" */
bool	traffic_port_parse(const char *text, uint16_t *port);	/* "443", "www" */
char	*traffic_fmt(const struct dp_range *r, char out[static TRAFFIC_STRLEN]);	/* "[tcp/443]", "[udp]", "[tcp/1024-65535]"; "" for all */

#endif
