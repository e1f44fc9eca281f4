#ifndef TESTS_UNIT_LIB_SUITES_H
#define TESTS_UNIT_LIB_SUITES_H

#include "tests/unit/harness.h"

Suite *suite_addr(void), *suite_bucket(void), *suite_claims(void), *suite_env(void), *suite_log(void), *suite_logbook(void), *suite_map(void), *suite_nlq(void), *suite_outq(void), *suite_span(void),
    *suite_timer(void), *suite_traffic(void), *suite_trie(void);

/* One suite of one case: all tests of a twin. */
static inline Suite *
suite_of(const char *name, const TTest *const *tests, size_t n)
{
	Suite *s = suite_create(name);
	TCase *c = tcase_create(name);

	for (size_t i = 0; i < n; i++)
		tcase_add_test(c, tests[i]);
	suite_add_tcase(s, c);
	return s;
}

#define SUITE(name, ...) \
	Suite *suite_##name(void) \
	{ \
		const TTest *const tests[] = { __VA_ARGS__ }; \
		return suite_of("lib/" #name, tests, sizeof(tests) / sizeof(tests[0])); \
	}

#endif
