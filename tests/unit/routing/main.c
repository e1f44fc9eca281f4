#include "tests/unit/harness.h"

Suite *suite_kernel(void);

TEST_MAIN(suite_kernel)
