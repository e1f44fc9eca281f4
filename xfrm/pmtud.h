/* xfrm/pmtud.h: the path MTU towards one peer, found by asking: packetization layer path MTU discovery (RFC 8899) for paths whose
 * routers say nothing. Pure: packet sizes and time come in, "ask whether so many octets get through" comes out.
 *
 * Sizes are whole outer IP packets. The question is carried by somebody else (an IKE message of that size with DF, answered by
 * any IKEv2 peer); an answer to it proves the size, an answer only to what was sent smaller afterwards proves that the peer lives
 * and the size does not. Nothing is asked where nothing large is sent, so an idle peer costs nothing and needs no timer. */
#ifndef XFRM_PMTUD_H
#define XFRM_PMTUD_H

#include <stdbool.h>

#include "lib/dplane.h"

enum {
	PMTUD_BASE = 1280,	/* every path but a strange one takes it */
	PMTUD_STEP = 8,	/* known well enough */
	PMTUD_MAX = 6000,	/* what a question can measure */
	PMTUD_CONFIRM_S = 15,	/* while large packets go out, the size is confirmed so often */
	PMTUD_RAISE_S = 600,	/* larger ones are tried so often */
	PMTUD_ASK_S = 20,	/* a question that got neither answer in that time is forgotten */
	PMTUD_BIG = 3,	/* so many large ones, and nothing came back: is it a black hole? */
};
#define PMTUD_QUIET TICK_S(1)	/* at least since so long; doubles up to PMTUD_CONFIRM_S where nothing is ever sent back */

enum pmtud_state {	/* RFC 8899, 5.2 */
	PMTUD_COMPLETE,	/* mtu is what there is */
	PMTUD_SEARCHING,	/* between lo and hi; mtu is lo meanwhile */
};

struct pmtud {
	enum pmtud_state state;
	enum dp_path_how how;	/* who said mtu */
	unsigned mtu;	/* 0: not known */
	unsigned limit, floor;	/* the first hop's; no less than that */
	unsigned lo, hi;	/* searching: lo gets through, or is hoped to; hi does not */
	unsigned asked;	/* 0: no question is out */
	unsigned n_big;	/* large ones since something came back */
	unsigned holes;	/* black holes found */
	tick_t asked_at, confirmed_at, big_at, wait_until, raise_at, quiet;
};

/* The first hop takes so much (again: after a route changed). Larger than before is not believed but tried. */
void	pmtud_route(struct pmtud *p, tick_t now, unsigned mtu, unsigned floor);
void	pmtud_start(struct pmtud *p, tick_t now, unsigned mtu, unsigned floor);	/* another path: what was known is forgotten */
void	pmtud_told(struct pmtud *p, tick_t now, unsigned mtu);	/* by a router (ICMP); lower than mtu */
/* A packet of `size` octets was sent; last_rx: when something came from the peer. Answers the size to ask about, 0: nothing. */
unsigned pmtud_sent(struct pmtud *p, tick_t now, unsigned size, tick_t last_rx);
/* What came of the question. Answers the next one, or 0. */
unsigned pmtud_result(struct pmtud *p, tick_t now, unsigned size, enum dp_path_result r);

#endif
