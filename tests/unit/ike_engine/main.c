#include "tests/unit/ike_engine/suites.h"

TEST_MAIN(setup_suite)
