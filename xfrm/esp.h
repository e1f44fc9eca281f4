/* xfrm/esp.h: one ESP packet (RFC 4303): GRE in transport mode, or IP in tunnel mode. Bytes in, bytes out, in place; no socket, no clock. */
#ifndef XFRM_ESP_H
#define XFRM_ESP_H

#include "lib/span.h"
#include "xfrm/cipher.h"
#include "xfrm/drops.h"
#include "xfrm/replay.h"

enum { ESP_NEXT_GRE = 47, ESP_NEXT_IPV4 = 4, ESP_NEXT_IPV6 = 41, ESP_NEXT_NONE = 59, ESP_SPI_MIN = 256 };

struct esp_out {	/* sending half of an SA */
	const struct esp_suite *suite;
	struct esp_key *key;
	uint32_t spi;
	bool esn;
	uint64_t seq;	/* last one used */
};

struct esp_in {	/* receiving half */
	const struct esp_suite *suite;
	struct esp_key *key;
	struct replay *replay;
	bool plain;	/* tunnel mode: IP packets are what it takes, not GRE */
};

struct esp_opened {
	uint8_t *p;	/* what was inside, in the packet's buffer */
	size_t n;
	uint8_t next;	/* what it is: ESP_NEXT_* */
	bool newest;	/* of all authenticated so far */
};

size_t	esp_head(const struct esp_suite *s);	/* octets before the payload */
size_t	esp_size(const struct esp_suite *s, size_t payload);	/* of the whole packet */
size_t	esp_payload_max(const struct esp_suite *s, size_t room);	/* largest payload whose packet fits; 0: none */
unsigned esp_payload_guess(const struct esp_suite *s, bool encap, bool v6, unsigned link_mtu);	/* the same with all headers outside */
uint64_t esp_seq_left(const struct esp_out *o);	/* numbers not used yet */

/* Wraps the n octets at `payload`: header and IV go before, trailer and integrity value behind; the caller has the room
 * (esp_head() and esp_size()). Uses up one sequence number. *out is the packet. */
enum xfrm_count esp_wrap(struct esp_out *o, uint8_t next, uint8_t *payload, size_t n, struct span *out);
/* Checks and opens a packet in place. Replay state moves only when it is authentic. */
enum xfrm_count esp_unwrap(struct esp_in *in, uint8_t *packet, size_t n, struct esp_opened *out);

#endif
