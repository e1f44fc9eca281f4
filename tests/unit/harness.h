/* tests/unit/harness.h: what all unit tests share: an environment with a seeded random source and an allocator that can be
 * told to fail, a log that is kept, files under $SHARED (../shared) or a skip said in words, hex, and the main loop. */
#ifndef TESTS_UNIT_HARNESS_H
#define TESTS_UNIT_HARNESS_H

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>

#include "lib/env.h"
#include "lib/log.h"
#include "lib/span.h"

struct test_env {
	struct env env;	/* hand &t.env to the code under test */
	struct log log;
	uint64_t seed;	/* random state; set for another sequence */
	long fail_at;	/* the n-th allocation from now fails (1: the next); 0: none. Counts down to 0 and stays. */
	long allocs, live;	/* made in all, and not released yet */
	char last_word[64], last_text[1024];	/* of the last log line */
	unsigned lines;
};
void	test_env_init(struct test_env *t);

/* Contents of a file, from malloc; NULL when it cannot be read. */
uint8_t	*test_file(const char *path, size_t *n);
/* The same under $SHARED (default ../shared). When absent says "skipped: ..." on stdout and answers NULL. */
uint8_t	*test_shared(const char *relative, size_t *n);
/* A path inside the source tree: $SRCDIR (default ".") + "/" + relative. Static buffer. */
const char *test_src(const char *relative);
size_t	test_unhex(const char *hex, uint8_t *out, size_t max);	/* skips white space; stops at anything else */

typedef Suite *suite_fn(void);
int	test_main(suite_fn *const *suites, size_t n);
#define TEST_MAIN(...) \
	int main(void) { static suite_fn *const s[] = { __VA_ARGS__ }; return test_main(s, sizeof(s) / sizeof(s[0])); }

#endif
