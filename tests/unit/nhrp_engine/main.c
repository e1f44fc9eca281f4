#include "tests/unit/harness.h"

Suite *three_suite(void);

TEST_MAIN(three_suite)
