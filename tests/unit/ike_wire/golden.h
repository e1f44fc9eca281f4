/* The messages of our own that these tests work on, and how to make crooked ones.
 *
 * tests/golden/ike/NAME.hex hold whole messages; encrypted ones carry their text in clear with an IV of 8 octets and an ICV of
 * 16 zeros, so that the text inside can be read without keys. GOLDEN_WRITE=1 in the environment writes them anew. */
#ifndef TESTS_UNIT_IKE_WIRE_GOLDEN_H
#define TESTS_UNIT_IKE_WIRE_GOLDEN_H

#include "ikecore/wire/ike_msg.h"
#include "tests/unit/ike_vectors.h"

enum { GOLDEN_IV = 8, GOLDEN_ICV = 16, GOLDEN_MAX = 2048 };

struct golden {
	const char *name;
	size_t (*build)(uint8_t *buf, size_t n);	/* 0: does not fit */
};
extern const struct golden golden[];
extern const int golden_n;

struct span golden_read(const char *name);	/* static buffer */
/* Everything: parse, check, and where there is an encrypted payload its text. */
enum ike_drop golden_parse(struct span message, struct ike_msg *m);
/* The text inside, of a message that was parsed. */
struct span golden_text(const struct ike_msg *m);
/* Reads every span there is, so that a sanitizer sees a wrong one. */
void	golden_touch(const struct ike_msg *m);

/* A message of raw payloads: exchange, flags, first payload, hex of the chain in clear. */
enum ike_drop raw_parse(uint8_t exchange, uint8_t flags, uint8_t first, const char *hex, struct ike_msg *m);
/* The same inside an encrypted payload; check_inner too. Pad length 0 is added. */
enum ike_drop raw_inner(uint8_t exchange, uint8_t flags, uint8_t first, const char *hex, struct ike_msg *m);

#endif
