#include "tests/unit/harness.h"

Suite *suite_kernel(void), *suite_lookup(void), *suite_zapi(void), *suite_zebra(void), *suite_watch(void);

TEST_MAIN(suite_kernel, suite_lookup, suite_zapi, suite_zebra, suite_watch)
