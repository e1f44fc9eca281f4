#include "tests/unit/harness.h"

Suite *suite_kernel(void), *suite_lookup(void);

TEST_MAIN(suite_kernel, suite_lookup)
