/* xfrm/select.h: is a packet one that an SA of plain tunnel mode is for? (RFC 4301, 5.1 and 5.2.) */
#ifndef XFRM_SELECT_H
#define XFRM_SELECT_H

#include "lib/dplane.h"

/* ip: from its IP header on; next: the protocol number that said what it is. A packet too short for its addresses, or of another
 * version than `next` says, belongs to no SA. */
bool	select_fragment(uint8_t next, struct span ip);	/* a part of a packet */
bool	select_out(const struct dp_selectors *s, uint8_t next, struct span ip);	/* from a local to a remote range */
enum select_verdict {
	SELECT_OK,
	SELECT_OTHER,	/* not what the SA is for */
	SELECT_FRAGMENT,	/* a part of a packet, whose ports cannot be told */
};
enum select_verdict select_in(const struct dp_selectors *s, uint8_t next, struct span ip);	/* the other way round */

#endif
