/* nhrpd/wire/nhrp_packet.h: NHRP packets, bytes <-> structs. RFC 2332 section 5, Cisco's authentication, NAT address
 * extension and redirect (type 8). No state, no clock.
 *
 * Parsing reads the whole packet into a struct nhrp_packet whose spans point into the packet, or refuses it with a named
 * reason; nothing is half read. Building writes what the struct says: lengths, extension offset and checksum are
 * computed. Extensions keep their order, unknown ones included. */
#ifndef NHRPD_WIRE_NHRP_PACKET_H
#define NHRPD_WIRE_NHRP_PACKET_H

#include "lib/addr.h"
#include "lib/span.h"

enum nhrp_type {
	NHRP_RESOLUTION_REQUEST = 1, NHRP_RESOLUTION_REPLY, NHRP_REGISTRATION_REQUEST, NHRP_REGISTRATION_REPLY,
	NHRP_PURGE_REQUEST, NHRP_PURGE_REPLY, NHRP_ERROR_INDICATION, NHRP_TRAFFIC_INDICATION, NHRP_TYPES
};

enum {	/* flags, by type */
	NHRP_FLAG_ROUTER = 0x8000,	/* resolution: Q, source is a router */
	NHRP_FLAG_AUTHORITATIVE = 0x4000,	/* resolution: A */
	NHRP_FLAG_DST_STABLE = 0x2000,	/* resolution reply: D */
	NHRP_FLAG_UNIQUE = 0x1000,	/* resolution: U */
	NHRP_FLAG_SRC_STABLE = 0x0800,	/* resolution: S */
	NHRP_FLAG_REG_UNIQUE = 0x8000,	/* registration: U */
	NHRP_FLAG_NO_REPLY = 0x8000,	/* purge: N */
	NHRP_FLAG_NAT = 0x0002,	/* Cisco, resolution and registration */
};

enum {	/* CIE codes, RFC 2332 5.2.0.1 */
	NHRP_CODE_OK = 0, NHRP_CODE_PROHIBITED = 4, NHRP_CODE_NO_RESOURCES = 5, NHRP_CODE_NO_BINDING_OLD = 11 /* FRR, OpenNHRP; accept only */,
	NHRP_CODE_NO_BINDING = 12, NHRP_CODE_NOT_UNIQUE = 13, NHRP_CODE_UNIQUE_TAKEN = 14,
};

enum {	/* error indication codes, RFC 2332 5.2.7 */
	NHRP_ERR_EXTENSION = 1, NHRP_ERR_LOOP_OLD = 2 /* FRR, OpenNHRP; accept only */, NHRP_ERR_LOOP = 3, NHRP_ERR_UNREACHABLE = 6,
	NHRP_ERR_PROTOCOL = 7, NHRP_ERR_SIZE = 8, NHRP_ERR_INVALID_EXTENSION = 9, NHRP_ERR_INVALID_REPLY = 10, NHRP_ERR_AUTH = 11,
	NHRP_ERR_HOPS = 15,
};

enum {	/* extension types (14 bits) and the compulsory bit */
	NHRP_EXT_END = 0, NHRP_EXT_RESPONDER = 3, NHRP_EXT_FORWARD = 4, NHRP_EXT_REVERSE = 5, NHRP_EXT_AUTH = 7, NHRP_EXT_VENDOR = 8,
	NHRP_EXT_NAT = 9, NHRP_EXT_COMPULSORY = 0x8000,
};

enum {
	NHRP_HDR_LEN = 20, NHRP_CIE_LEN = 12, NHRP_CIES_MAX = 32, NHRP_EXTS_MAX = 24, NHRP_EXT_CIES_MAX = 16,
	NHRP_AFN_IPV4 = 1, NHRP_AFN_IPV6 = 2, NHRP_ETH_IPV4 = 0x0800, NHRP_ETH_IPV6 = 0x86dd, NHRP_GRE_PROTO = 0x2001,
};

/* Every way to refuse or drop an NHRP packet: enum, stable word (counter, log, test), sentence for people. The first
 * block is the parser's, the second the engine's. */
#define NHRP_DROPS(X) \
	X(NHRP_OK, "ok", "accepted") \
	X(NHRP_DROP_SHORT, "short", "shorter than the fixed header") \
	X(NHRP_DROP_VERSION, "version", "NHRP version is not 1") \
	X(NHRP_DROP_TYPE, "type", "unknown packet type") \
	X(NHRP_DROP_AFN, "afn", "NBMA address family is neither IPv4 nor IPv6") \
	X(NHRP_DROP_PROTO_TYPE, "protocol-type", "protocol type is neither IPv4 nor IPv6") \
	X(NHRP_DROP_SIZE, "size", "packet size field disagrees with what arrived") \
	X(NHRP_DROP_CHECKSUM, "checksum", "bad checksum") \
	X(NHRP_DROP_NBMA_LEN, "nbma-length", "NBMA address length does not fit the family") \
	X(NHRP_DROP_SUBADDRESS, "subaddress", "E.164 or subaddress is not supported") \
	X(NHRP_DROP_PROTO_LEN, "protocol-length", "protocol address length does not fit the family") \
	X(NHRP_DROP_MANDATORY, "mandatory-short", "mandatory part is cut off") \
	X(NHRP_DROP_EXT_OFFSET, "extension-offset", "extension offset points outside the packet") \
	X(NHRP_DROP_CIE_SHORT, "cie-short", "client information entry is cut off") \
	X(NHRP_DROP_CIE_ADDR_LEN, "cie-address-length", "address length in a client information entry does not fit") \
	X(NHRP_DROP_CIE_MANY, "cie-too-many", "more client information entries than we take") \
	X(NHRP_DROP_CIE_NONE, "cie-missing", "no client information entry where one is needed") \
	X(NHRP_DROP_EXT_SHORT, "extension-short", "extension is cut off") \
	X(NHRP_DROP_EXT_MANY, "extension-too-many", "more extensions than we take") \
	X(NHRP_DROP_EXT_TWICE, "extension-twice", "an extension stands twice") \
	X(NHRP_DROP_EXT_BAD, "extension-bad", "malformed extension content") \
	/* engine */ \
	X(NHRP_DROP_VENDOR, "vendor-bad", "malformed vendor extension of our own kind") \
	X(NHRP_DROP_NO_PEER, "no-peer", "sender has no live SA") \
	X(NHRP_DROP_FAMILY, "family", "this network has no address of that family") \
	X(NHRP_DROP_AUTH, "auth", "authentication string missing or wrong") \
	X(NHRP_DROP_COMPULSORY, "compulsory", "unknown compulsory extension") \
	X(NHRP_DROP_LOOP, "loop", "we are in its transit record already") \
	X(NHRP_DROP_HOPS, "hops", "hop count used up") \
	X(NHRP_DROP_NO_ROUTE, "no-route", "no way to its destination inside this network") \
	X(NHRP_DROP_AWAITED, "awaited", "who serves its destination has not come back since our restart") \
	X(NHRP_DROP_TOO_BIG, "too-big", "does not fit the MTU with our record added") \
	X(NHRP_DROP_UNSOLICITED, "unsolicited", "answers nothing we asked") \
	X(NHRP_DROP_NOT_NHS, "not-served", "registration for another server and none to pass it on to") \
	X(NHRP_DROP_CLAIM, "claim", "claims an address it may not have") \
	X(NHRP_DROP_NOT_ALLOWED, "not-allowed", "claims what its certificate or the configuration does not allow it") \
	X(NHRP_DROP_UNIQUE, "unique", "unique address registered by another") \
	X(NHRP_DROP_REDIRECT_OFF, "redirect-off", "redirect received, but ip nhrp shortcut is off") \
	X(NHRP_DROP_REDIRECT_SRC, "redirect-source", "redirect for traffic that is not ours") \
	X(NHRP_DROP_REDIRECT_FROM, "redirect-sender", "redirect by somebody who does not forward for us") \
	X(NHRP_DROP_REDIRECT_BAD, "redirect-packet", "redirect holds no usable IP packet") \
	X(NHRP_DROP_RATE, "rate", "rate limit") \
	X(NHRP_DROP_LIMITED, "rate-limited", "sender is over its share: ip nhrp max-receive") \
	X(NHRP_DROP_SEND_LIMIT, "send-limited", "not sent: ip nhrp max-send is reached") \
	X(NHRP_DROP_MEMORY, "memory", "out of memory or table full") \
	X(NHRP_DROP_ROOM, "room", "action queue full") \
	X(NHRP_DROP_ERROR_LOOP, "error-loop", "error about an error, or our own back") \
	X(NHRP_DROP_STALE, "stale", "about a binding or request that is gone")

enum nhrp_drop {
#define X(e, word, text) e,
	NHRP_DROPS(X)
#undef X
	NHRP_DROPS_N
};
const char *nhrp_drop_word(enum nhrp_drop d);
const char *nhrp_drop_text(enum nhrp_drop d);
const char *nhrp_type_name(uint8_t type);	/* "Resolution-Request"; "unknown" */

struct nhrp_cie {	/* 5.2.0.1; addresses none where the length is 0 */
	uint8_t code, prefix_len;
	uint16_t mtu, hold_s;
	uint8_t preference;
	struct addr nbma, proto;
};

struct nhrp_ext {
	uint16_t type;	/* 14 bits */
	bool compulsory;
	struct span value;
};

struct nhrp_packet {
	uint16_t afn, pro_type;
	uint8_t hops, type;
	uint16_t flags;
	uint32_t request_id;	/* types 1..6 */
	uint16_t code, offset;	/* type 7: error code and offset; type 8: code */
	struct addr src_nbma, src_proto, dst_proto;	/* src_nbma none where its length is 0 */
	struct nhrp_cie cie[NHRP_CIES_MAX];	/* types 1..6; at least one, but a resolution request may have none */
	unsigned n_cie;
	struct span payload;	/* types 7, 8: the packet it is about */
	struct nhrp_ext ext[NHRP_EXTS_MAX];	/* without End */
	unsigned n_ext;
	bool has_ext;	/* building: write an extension part (End at least). Parsing: extoff was not 0. */
};

/* Parses one packet. `in` may be longer than the packet (padding); pktsz rules. */
enum nhrp_drop nhrp_packet_parse(struct span in, struct nhrp_packet *out);
/* Writes the packet with size, offset and checksum, and answers its length. 0 when it does not fit in w or the parser would
 * refuse it (address of another family, extension twice, no CIE where one is needed ...); w is then bad, its length as before. */
size_t	nhrp_packet_build(struct wr *w, const struct nhrp_packet *p);
uint16_t nhrp_checksum(struct span packet);	/* ones' complement, odd length padded; 0 over a good packet */

enum nhrp_drop nhrp_cie_parse(struct cur *c, uint16_t afn, uint16_t pro_type, struct nhrp_cie *out);
void	nhrp_cie_build(struct wr *w, const struct nhrp_cie *cie);
/* CIEs of an extension's value (records, responder, NAT). Answers how many, or -1 where they are malformed or more than max.
 * An address that does not fit the families is given as none: FRR writes such responder entries for IPv6 over IPv4. */
int	nhrp_ext_cies(struct span value, uint16_t afn, uint16_t pro_type, struct nhrp_cie *out, unsigned max);
const struct nhrp_ext *nhrp_ext_find(const struct nhrp_packet *p, uint16_t type);
/* True where a type 9 extension is Cisco's NAT address list and not RFC 2735 capabilities (8) or IGP info (4). */
bool	nhrp_ext_is_nat(const struct nhrp_ext *e);
/* Cisco cleartext authentication: the string in a type 7 value; empty span where it is another form. */
struct span nhrp_auth_string(struct span value);
void	nhrp_auth_build(struct wr *w, struct span password);	/* value of the extension */

/* Our own vendor private extension: what our daemons say to each other beyond the RFC. The OUI is a locally administered one, so that it
 * is nobody's; behind it items of type, length and value. Items of other types are for later daemons and are passed over. */
enum { NHRP_GROUP_MAX = 32 };
struct nhrp_vendor {
	struct span group;	/* `ip nhrp group`: printable, without blanks; empty: said nothing */
};
static inline bool
nhrp_group_is_sane(struct span text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '!' || text.p[i] > '~')
			return false;
	}
	return text.n > 0 && text.n <= NHRP_GROUP_MAX;
}
bool	nhrp_vendor_is_ours(const struct nhrp_ext *e);
/* NHRP_OK, also where there is none of ours (all empty then), or NHRP_DROP_VENDOR. */
enum nhrp_drop nhrp_vendor_parse(const struct nhrp_packet *p, struct nhrp_vendor *out);
void	nhrp_vendor_build(struct wr *w, const struct nhrp_vendor *v);	/* value of the extension */

/* The header of a packet quoted in an error indication: leniently, it may be cut after the addresses. */
struct nhrp_quoted {
	uint8_t type;
	uint32_t request_id;
	struct addr src_proto, dst_proto;
};
bool	nhrp_quoted_parse(struct span payload, struct nhrp_quoted *out);

#endif
