/* mgre/seg.h: cuts a super-packet of the TAP into the packets it stands for: what the kernel's segmentation offload would have made of
 * it (net/ipv4/tcp_offload.c and udp_offload.c set the standard). Bytes only; the source is not changed, so copies of multicast can
 * be cut from it again. */
#ifndef MGRE_SEG_H
#define MGRE_SEG_H

#include "mgre/inner.h"

struct seg {
	const struct inner *in;
	size_t head;	/* octets of IP and transport header, the same in each segment */
	size_t at;	/* of the next one's payload */
	size_t step;	/* payload of each but the last */
	unsigned n;	/* made so far */
	uint64_t pseudo;	/* sum of addresses */
};

/* step: payload octets of a segment. The headers are read here, whatever the kernel said of their length. */
enum mgre_count seg_begin(struct seg *s, const struct inner *in, enum seg_kind kind, size_t step);
size_t	seg_next(struct seg *s, uint8_t *out);	/* writes the next packet, checksums and all; its length, 0 at the end */
static inline size_t
seg_longest(const struct seg *s)
{
	return s->in->n - s->head < s->step ? s->in->n : s->head + s->step;
}
static inline bool
seg_more(const struct seg *s)
{
	return s->at < s->in->n;
}

#endif
