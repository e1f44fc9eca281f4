/* tests/fuzz/script.h: what the targets that run an engine by a script share: reading the script, an environment whose
 * allocator fails when the script says so and whose memory is counted, and saying what went wrong.
 *
 * A script is read octet by octet and never ends in the middle of something: past its end everything is 0. */
#ifndef TESTS_FUZZ_SCRIPT_H
#define TESTS_FUZZ_SCRIPT_H

#include "lib/addr.h"
#include "lib/env.h"
#include "lib/log.h"
#include "lib/span.h"

struct fuzz_env {
	struct env env;	/* hand it to the engine */
	struct log log;
	uint64_t seed;
	long fail_in, fail_n;	/* after fail_in good allocations fail_n are refused */
	long live;	/* allocations not released yet */
	size_t octets, most;	/* now and at the worst moment */
};
void	fuzz_env_init(struct fuzz_env *e, uint64_t seed);
void	fuzz_env_fail(struct fuzz_env *e, uint8_t in, uint8_t n);
void	fuzz_env_calm(struct fuzz_env *e);	/* nothing fails from now on */

/* Says what does not hold and aborts, so that libFuzzer keeps the input. FUZZ_TRACE=1 in the environment prints each step. */
_Noreturn void fuzz_die(const char *file, int line, const char *fmt, ...) LOG_FMT(3, 4);
#define HOLDS(cond, ...) do { if (!(cond)) fuzz_die(__FILE__, __LINE__, __VA_ARGS__); } while (0)
void	fuzz_trace(const char *fmt, ...) LOG_FMT(1, 2);

uint8_t	script_u8(struct cur *c);
uint16_t script_be16(struct cur *c);
unsigned script_below(struct cur *c, unsigned n);	/* 0 .. n-1, n at most 256 */
struct span script_take(struct cur *c, size_t n);	/* what is left of it where it is less */

/* A copy of exactly its size, so that a sanitizer sees a read past the end. */
uint8_t	*fuzz_exact(struct span s);

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#endif
