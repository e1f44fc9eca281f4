/* nhrpd/wire/checksum.c: the IP checksum over a whole packet, RFC 2332 5.1 (ar$chksum). */
#include "nhrpd/wire/nhrp_packet.h"

uint16_t
nhrp_checksum(struct span packet)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i + 1 < packet.n; i += 2)
		sum += get_be16(packet.p + i);
	if (i < packet.n)	/* odd: as if one zero octet followed */
		sum += (uint64_t)packet.p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}
