/* mgre/drops.h: every way the tunnel side of the user plane turns a packet away, and what else it counts. The word is the
 * counter's name and the test's; it does not change between releases. */
#ifndef MGRE_DROPS_H
#define MGRE_DROPS_H

#define MGRE_DROPS(X) \
	X(GRE_SHORT, "gre-short") \
	X(GRE_FLAGS, "gre-flags") \
	X(GRE_KEY, "gre-key") \
	X(GRE_PROTO, "gre-protocol") \
	X(NO_TUNNEL, "no-tunnel") \
	X(KIND, "tunnel-kind") \
	X(INNER_SHORT, "inner-short") \
	X(INNER_VERSION, "inner-version") \
	X(INNER_LENGTH, "inner-length") \
	X(INNER_OWN_SOURCE, "inner-source-own") \
	X(ECN, "inner-ecn") \
	X(TAP_WRITE, "tap-write") \
	X(FRAME_SHORT, "frame-short") \
	X(FRAME_TYPE, "frame-type") \
	X(FRAME_ADDRESS, "frame-address") \
	X(FRAME_OFFLOAD, "frame-offload") \
	X(FRAME_CHECKSUM, "frame-checksum") \
	X(NO_PEER, "no-peer") \
	X(NO_NEXT_HOP, "no-next-hop") \
	X(KERNEL_REDIRECT, "kernel-redirect") \
	X(TOO_BIG, "too-big") \
	X(NHRP_TOO_BIG, "nhrp-too-big") \
	X(SHAPE_CODEL, "shape-codel") \
	X(SHAPE_OVERFLOW, "shape-overflow") \
	X(SHAPE_NO_ROOM, "shape-no-room") \
	X(SHAPE_GONE, "shape-peer-gone")

/* Counted, but nothing was lost. */
#define MGRE_COUNTS(X) \
	X(NHRP_IN, "nhrp-in") \
	X(NHRP_OUT, "nhrp-out") \
	X(TUNNEL_IN, "tunnel-in") \
	X(TUNNEL_OUT, "tunnel-out") \
	X(UNRESOLVED, "unresolved") \
	X(UNRESOLVED_HELD, "unresolved-not-reported") \
	X(REDIRECT, "redirect") \
	X(REPLICATED, "multicast-copies") \
	X(ICMP_SENT, "icmp-too-big-sent") \
	X(ICMP_HELD, "icmp-too-big-held") \
	X(FRAGMENTED, "fragmented") \
	X(SEGMENTED, "super-packets-segmented") \
	X(JOINED, "super-packets-joined") \
	X(JOIN_REFUSED, "super-packets-refused") \
	X(MSS, "mss-clamped") \
	X(SHAPE_HELD, "shape-held") \
	X(SHAPE_MARKED, "shape-ecn-marked")

enum mgre_count {
	MGRE_OK,
#define X(id, word) MGRE_DROP_##id,
	MGRE_DROPS(X)
#undef X
#define X(id, word) MGRE_N_##id,
	MGRE_COUNTS(X)
#undef X
	MGRE_COUNTERS
};

const char *mgre_count_word(enum mgre_count c);

#endif
