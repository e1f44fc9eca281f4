#include "tests/unit/harness.h"
#include "tests/unit/mgre/mgre_test.h"

TEST_MAIN(gre_suite, inner_suite, flow_suite, join_suite, seg_suite, tap_suite, tunnel_suite, leaving_suite, guard_suite, shape_suite, lent_suite)
