/* nhrpd/wire/wire_priv.h: what the files of this folder share; nobody else includes it. */
#ifndef NHRPD_WIRE_WIRE_PRIV_H
#define NHRPD_WIRE_WIRE_PRIV_H

#include "nhrpd/wire/nhrp_packet.h"

enum {	/* offsets in the fixed header, RFC 2332 5.1 */
	NHRP_AT_SIZE = 10, NHRP_AT_CHECKSUM = 12, NHRP_AT_EXTOFF = 14,
	NHRP_VERSION = 1, NHRP_MANDATORY_LEN = 8,	/* lengths, flags and request id, before the addresses */
	NHRP_EXT_HDR_LEN = 4, NHRP_EXT_TYPE_MASK = 0x3fff,
};

/* Address octets of a family; 0 for a family we do not know. */
static inline uint8_t
nhrp_nbma_octets(uint16_t afn)
{
	return afn == NHRP_AFN_IPV4 ? 4 : afn == NHRP_AFN_IPV6 ? 16 : 0;
}

static inline uint8_t
nhrp_proto_octets(uint16_t pro_type)
{
	return pro_type == NHRP_ETH_IPV4 ? 4 : pro_type == NHRP_ETH_IPV6 ? 16 : 0;
}

/* A type-and-length octet: reserved bit, E.164 bit, six bits of length. */
static inline uint8_t
nhrp_tl_octets(uint8_t tl)
{
	return tl & 0x3f;
}

/* Native format: reserved bit clear, and not E.164, a bit that means nothing where the length is 0. */
static inline bool
nhrp_tl_native(uint8_t tl)
{
	return !(tl & 0x80) && (!(tl & 0x40) || nhrp_tl_octets(tl) == 0);
}

static inline bool
nhrp_tl_none(uint8_t tl)
{
	return nhrp_tl_native(tl) && nhrp_tl_octets(tl) == 0;
}

static inline bool
nhrp_len_fits(size_t n, uint8_t family)
{
	return n == 0 || n == family;
}

/* Errors and traffic indications quote a packet where the other types have client information entries. */
static inline bool
nhrp_type_quotes(uint8_t type)
{
	return type == NHRP_ERROR_INDICATION || type == NHRP_TRAFFIC_INDICATION;
}

/* RFC 2332 5.2.1 to 5.2.6: zero or one CIE in a resolution request, one or more in the others. */
static inline unsigned
nhrp_cies_min(uint8_t type)
{
	return type == NHRP_RESOLUTION_REQUEST || nhrp_type_quotes(type) ? 0 : 1;
}

#endif
