/* tools/dump.h: the parts of nhrpdump that need no libpcap: finding the NHRP packet in a frame, and showing it as text or as
 * an object. Tests and the fuzz target link these. */
#ifndef TOOLS_DUMP_H
#define TOOLS_DUMP_H

#include <jansson.h>
#include <stdio.h>

#include "nhrpd/wire/nhrp_packet.h"

/* Layers of a capture's file header; the numbers are ours. */
enum dump_link { DUMP_LINK_NONE, DUMP_LINK_ETHERNET, DUMP_LINK_RAW, DUMP_LINK_NULL, DUMP_LINK_SLL, DUMP_LINK_SLL2 };
enum dump_link dump_link_of(int dlt);	/* a DLT_ or LINKTYPE_ number; NONE: we do not read that */

/* What a frame turned out to be. */
enum dump_kind {
	DUMP_NHRP,
	DUMP_OTHER,	/* no NHRP in it */
	DUMP_ESP,	/* encrypted, whatever it is */
	DUMP_FRAGMENT,	/* GRE, but not the beginning of the packet */
	DUMP_CUT,	/* ends before one could tell */
	DUMP_KINDS
};

enum { DUMP_VLANS_MAX = 2, DUMP_LAYERS_MAX = 16 };

struct dump_frame {
	struct addr src, dst;	/* of the IP header next to NHRP; none where the capture has no IP header */
	uint8_t ttl;
	bool more_fragments;	/* the rest of the packet is in another frame */
	uint16_t vlan[DUMP_VLANS_MAX];
	unsigned n_vlan;
	bool gre, has_key, has_seq, has_sum;
	uint32_t key, seq;
	struct span nhrp;	/* in the frame; may be longer (padding) or shorter (cut) than the packet */
};
/* Looks through link layer, VLAN tags, IP in IP and GRE down to NHRP. `out` is filled as far as one came. */
enum dump_kind dump_frame(enum dump_link link, struct span frame, struct dump_frame *out);

struct dump_when {
	int64_t s;
	uint32_t us;
};
struct dump_shown {	/* one packet, ready to be shown */
	unsigned long no;	/* of the frame in the file, from 1 */
	struct dump_when when;
	size_t on_wire, captured;	/* octets of the frame */
	const struct dump_frame *frame;
	enum nhrp_drop drop;	/* why it was refused; NHRP_OK: packet is valid */
	struct nhrp_packet packet;
};
void	dump_parse(struct dump_shown *s);	/* frame -> drop, packet */
void	dump_text(FILE *f, const struct dump_shown *s);
json_t	*dump_json(const struct dump_shown *s);	/* NULL without memory */

/* ---- words, dump_names.c. NULL where there is none */
const char *dump_cie_code(uint8_t code);
const char *dump_error_code(uint16_t code);
/* The set bits with a name, one after another: at is 0 at first, answers NULL behind the last. */
const char *dump_flag(uint8_t type, uint16_t flags, unsigned *at);

enum dump_ext { DUMP_EXT_CIES, DUMP_EXT_AUTH, DUMP_EXT_OCTETS };
struct dump_ext_name {
	const char *name, *word;	/* "Responder Address", "responder-address" */
	enum dump_ext form;
};
struct dump_ext_name dump_ext_name(const struct nhrp_ext *e);

/* What a quoted IP packet says of itself. False: it is no IP header. */
struct dump_inner {
	struct addr src, dst;
	uint8_t proto;
	uint16_t length;
};
bool	dump_inner(struct span payload, struct dump_inner *out);

char	*dump_time(struct dump_when t, char sep, char out[static 40]);	/* "2026-01-02 03:04:05.678901", UTC; sep between day and hour */
/* Hex digits of s, at most max octets of it; NULL without memory. Freed by the caller. */
char	*dump_hex(struct span s, size_t max);
bool	dump_printable(struct span s);	/* not empty, all of it visible ASCII or blanks */

#endif
