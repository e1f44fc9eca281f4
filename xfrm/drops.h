/* xfrm/drops.h: every way the security side of the user plane turns a packet away, and what else it counts. The word is the
 * counter's name and the test's; it does not change between releases. */
#ifndef XFRM_DROPS_H
#define XFRM_DROPS_H

#define XFRM_DROPS(X) \
	X(SHORT, "esp-short") \
	X(ALIGN, "esp-alignment") \
	X(SPI_RESERVED, "esp-spi-reserved") \
	X(SPI_UNKNOWN, "esp-spi-unknown") \
	X(SEQ_ZERO, "esp-sequence-zero") \
	X(REPLAY, "esp-replay") \
	X(TOO_OLD, "esp-too-old") \
	X(AUTH, "esp-auth") \
	X(PADDING, "esp-padding") \
	X(DUMMY, "esp-dummy") \
	X(NEXT_HEADER, "esp-next-header") \
	X(SELECTOR_IN, "selector-in") \
	X(FRAGMENT_IN, "selector-fragment-in") \
	X(INNER_HEADER, "tunnel-header") \
	X(SA_STOPPED_IN, "sa-stopped-in") \
	X(NO_SA, "no-sa") \
	X(MODE, "sa-mode") \
	X(SELECTOR_OUT, "selector-out") \
	X(FRAGMENT_OUT, "selector-fragment-out") \
	X(SA_STOPPED_OUT, "sa-stopped-out") \
	X(SEQ_END, "sequence-exhausted") \
	X(SEAL, "seal-failed") \
	X(SIZE, "seal-too-big") \
	X(NO_SOCKET, "send-no-socket") \
	X(SEND_TOO_BIG, "send-too-big") \
	X(SEND_FULL, "send-queue-full") \
	X(SEND_ERROR, "send-error") \
	X(RX_RUNT, "udp-runt") \
	X(RX_CUT, "receive-truncated") \
	X(RX_IP, "receive-ip-header")

/* Counted, but nothing was lost. */
#define XFRM_COUNTS(X) \
	X(RX_PACKETS, "esp-in") \
	X(TX_PACKETS, "esp-out") \
	X(RX_KEEPALIVE, "keepalive-in") \
	X(RX_IKE, "ike-in") \
	X(TX_IKE, "ike-out") \
	X(UNKNOWN_HELD, "spi-unknown-not-reported") \
	X(PMTU_LOWERED, "path-mtu-lowered") \
	X(PMTU_REFUSED, "path-mtu-refused") \
	X(PATH_FITS, "path-probe-fits") \
	X(PATH_TOO_BIG, "path-probe-lost") \
	X(PATH_BUSY, "path-probe-later") \
	X(ERRORS, "network-errors") \
	X(SEND_RETRY, "send-retried") \
	X(TX_PIECES, "esp-out-in-pieces") \
	X(TX_GSO, "udp-segment-sends") \
	X(TX_GSO_APART, "udp-segment-refused") \
	X(RX_GRO, "udp-gro-receives")

enum xfrm_count {
	XFRM_OK,
#define X(id, word) XFRM_DROP_##id,
	XFRM_DROPS(X)
#undef X
#define X(id, word) XFRM_N_##id,
	XFRM_COUNTS(X)
#undef X
	XFRM_COUNTERS
};

const char *xfrm_count_word(enum xfrm_count c);

#endif
