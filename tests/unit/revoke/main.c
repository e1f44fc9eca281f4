#include "tests/unit/harness.h"

suite_fn revoke_suite;

TEST_MAIN(revoke_suite)
