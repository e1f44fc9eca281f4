/* tools/dump_frame.c: from a captured frame to the NHRP packet in it.
 *
 * A walk over layers, each a function that takes what it knows off the cursor and says which layer follows. The walk ends at
 * NHRP, at something that cannot hold it, or after DUMP_LAYERS_MAX layers. NHRP is found in GRE (RFC 2784, RFC 2890; protocol
 * 0x2001), as IP protocol 54, and bare under an ethertype, as captures on a GRE device have it. Not looked into: ESP, UDP,
 * AH, GRE with routing, other link layers. Fragments are not put together. */
#include "tools/dump.h"

enum layer { L_ETHER, L_SLL, L_SLL2, L_NULL, L_ETHERTYPE, L_IP, L_PROTO, L_GRE, L_DONE };

enum {
	ETHER_VLAN = 0x8100, ETHER_QINQ = 0x88a8, ETHER_BRIDGED = 0x6558,
	PROTO_HOP_BY_HOP = 0, PROTO_IPIP = 4, PROTO_IPV6 = 41, PROTO_ROUTING = 43, PROTO_FRAGMENT = 44, PROTO_GRE = 47, PROTO_ESP = 50,
	PROTO_NHRP = 54, PROTO_DSTOPTS = 60,
	GRE_SUM = 0x8000, GRE_ROUTING = 0x4000, GRE_KEY = 0x2000, GRE_SEQ = 0x1000, GRE_VERSION = 7,
};

struct walk {
	struct cur c;
	struct dump_frame *out;
	uint16_t ether;	/* for L_ETHERTYPE */
	uint8_t proto;	/* for L_PROTO */
	bool later_fragment;
	enum dump_kind kind;	/* for L_DONE */
};
typedef enum layer layer_fn(struct walk *w);

enum dump_link
dump_link_of(int dlt)
{
	static const struct {
		int dlt;
		enum dump_link link;
	} known[] = {	/* 12, 14: DLT_RAW of Linux and OpenBSD; 101: LINKTYPE_RAW; 228, 229: raw IPv4, IPv6; 108: DLT_LOOP */
		{ 0, DUMP_LINK_NULL }, { 108, DUMP_LINK_NULL }, { 1, DUMP_LINK_ETHERNET }, { 12, DUMP_LINK_RAW }, { 14, DUMP_LINK_RAW },
		{ 101, DUMP_LINK_RAW }, { 228, DUMP_LINK_RAW }, { 229, DUMP_LINK_RAW }, { 113, DUMP_LINK_SLL }, { 276, DUMP_LINK_SLL2 },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].dlt == dlt)
			return known[i].link;
	}
	return DUMP_LINK_NONE;
}

static enum layer
done(struct walk *w, enum dump_kind kind)
{
	w->kind = kind;
	return L_DONE;
}

static enum layer
found(struct walk *w)
{
	if (w->later_fragment)
		return done(w, DUMP_FRAGMENT);
	w->out->nhrp = cur_rest(&w->c);
	return done(w, DUMP_NHRP);
}

/* ---- link layers: they lead to an ethertype */

static enum layer
ether(struct walk *w)
{
	cur_take(&w->c, 12);
	w->ether = cur_be16(&w->c);
	return L_ETHERTYPE;
}

static enum layer
sll(struct walk *w)
{
	cur_take(&w->c, 14);
	w->ether = cur_be16(&w->c);
	return L_ETHERTYPE;
}

static enum layer
sll2(struct walk *w)
{
	w->ether = cur_be16(&w->c);
	cur_take(&w->c, 18);
	return L_ETHERTYPE;
}

static enum layer
null_link(struct walk *w)	/* an address family in some byte order: the IP version says the same */
{
	cur_take(&w->c, 4);
	return L_IP;
}

static enum layer
ethertype(struct walk *w)
{
	uint16_t tag;

	switch (w->ether) {
	case ETHER_VLAN:
	case ETHER_QINQ:
		tag = cur_be16(&w->c) & 0x0fff;
		if (w->out->n_vlan < DUMP_VLANS_MAX)
			w->out->vlan[w->out->n_vlan++] = tag;
		w->ether = cur_be16(&w->c);
		return L_ETHERTYPE;
	case ETHER_BRIDGED:
		return L_ETHER;
	case NHRP_ETH_IPV4:
	case NHRP_ETH_IPV6:
		return L_IP;
	case NHRP_GRE_PROTO:
		return found(w);
	}
	return done(w, DUMP_OTHER);
}

/* ---- IP */

/* What follows the header belongs to the packet only as far as its length says; the rest is padding. */
static void
limit(struct walk *w, size_t n)
{
	if (n < cur_left(&w->c))
		w->c.end = w->c.p + n;
}

static enum layer
ipv4(struct walk *w, uint8_t first)
{
	size_t header = (size_t)(first & 15) * 4, length;
	uint16_t frag;

	cur_take(&w->c, 1);
	length = cur_be16(&w->c);
	cur_take(&w->c, 2);
	frag = cur_be16(&w->c);
	w->out->ttl = cur_u8(&w->c);
	w->proto = cur_u8(&w->c);
	cur_take(&w->c, 2);
	w->out->src = addr_of_span(cur_take(&w->c, 4));
	w->out->dst = addr_of_span(cur_take(&w->c, 4));
	if (header < 20 || (length && length < header))
		return done(w, DUMP_OTHER);
	cur_take(&w->c, header - 20);
	if (length)	/* 0: left to the network card */
		limit(w, length - header);
	w->out->more_fragments = frag & 0x2000;
	w->later_fragment = frag & 0x1fff;
	return L_PROTO;
}

static enum layer
ipv6(struct walk *w)
{
	size_t length;

	cur_take(&w->c, 3);
	length = cur_be16(&w->c);
	w->proto = cur_u8(&w->c);
	w->out->ttl = cur_u8(&w->c);
	w->out->src = addr_of_span(cur_take(&w->c, 16));
	w->out->dst = addr_of_span(cur_take(&w->c, 16));
	if (length)
		limit(w, length);
	w->out->more_fragments = w->later_fragment = false;
	return L_PROTO;
}

static enum layer
ip(struct walk *w)
{
	uint8_t first = cur_u8(&w->c);

	w->out->gre = w->out->has_key = w->out->has_seq = w->out->has_sum = false;	/* that was another tunnel's */
	switch (first >> 4) {
	case 4:
		return ipv4(w, first);
	case 6:
		return ipv6(w);
	}
	return done(w, DUMP_OTHER);
}

static enum layer
ipv6_options(struct walk *w)
{
	uint8_t n;

	w->proto = cur_u8(&w->c);
	n = cur_u8(&w->c);
	cur_take(&w->c, 6 + (size_t)n * 8);
	return L_PROTO;
}

static enum layer
ipv6_fragment(struct walk *w)
{
	uint16_t at;

	w->proto = cur_u8(&w->c);
	cur_take(&w->c, 1);
	at = cur_be16(&w->c);
	cur_take(&w->c, 4);
	w->out->more_fragments = at & 1;
	w->later_fragment = at & 0xfff8;
	return L_PROTO;
}

static enum layer
proto(struct walk *w)
{
	if (w->later_fragment && w->proto != PROTO_ESP)
		return done(w, w->proto == PROTO_GRE || w->proto == PROTO_NHRP ? DUMP_FRAGMENT : DUMP_OTHER);
	switch (w->proto) {
	case PROTO_GRE:
		return L_GRE;
	case PROTO_NHRP:
		return found(w);
	case PROTO_ESP:
		return done(w, DUMP_ESP);
	case PROTO_IPIP:
	case PROTO_IPV6:
		return L_IP;
	case PROTO_HOP_BY_HOP:
	case PROTO_ROUTING:
	case PROTO_DSTOPTS:
		return w->out->src.n == 16 ? ipv6_options(w) : done(w, DUMP_OTHER);
	case PROTO_FRAGMENT:
		return w->out->src.n == 16 ? ipv6_fragment(w) : done(w, DUMP_OTHER);
	}
	return done(w, DUMP_OTHER);
}

static enum layer
gre(struct walk *w)
{
	uint16_t flags = cur_be16(&w->c);
	struct dump_frame *out = w->out;

	w->ether = cur_be16(&w->c);
	if (flags & (GRE_ROUTING | GRE_VERSION))
		return done(w, DUMP_OTHER);
	out->gre = true;
	out->has_sum = flags & GRE_SUM;
	out->has_key = flags & GRE_KEY;
	out->has_seq = flags & GRE_SEQ;
	if (out->has_sum)
		cur_take(&w->c, 4);
	if (out->has_key)
		out->key = cur_be32(&w->c);
	if (out->has_seq)
		out->seq = cur_be32(&w->c);
	return L_ETHERTYPE;
}

enum dump_kind
dump_frame(enum dump_link link, struct span frame, struct dump_frame *out)
{
	static layer_fn *const fn[L_DONE] = {
		[L_ETHER] = ether, [L_SLL] = sll, [L_SLL2] = sll2, [L_NULL] = null_link, [L_ETHERTYPE] = ethertype, [L_IP] = ip,
		[L_PROTO] = proto, [L_GRE] = gre,
	};
	static const enum layer first[] = {
		[DUMP_LINK_NONE] = L_DONE, [DUMP_LINK_ETHERNET] = L_ETHER, [DUMP_LINK_RAW] = L_IP, [DUMP_LINK_NULL] = L_NULL, [DUMP_LINK_SLL] = L_SLL,
		[DUMP_LINK_SLL2] = L_SLL2,
	};
	struct walk w = { .c = cur_of(frame), .out = out, .kind = DUMP_OTHER };
	enum layer l = first[link];

	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; l != L_DONE; i++) {
		if (i == DUMP_LAYERS_MAX)
			return DUMP_OTHER;
		l = fn[l](&w);
		if (w.c.bad)
			return DUMP_CUT;
	}
	return w.kind;
}
