#include "tests/unit/harness.h"

suite_fn suite_ike_drop, suite_ike_names, suite_ike_msg, suite_ike_payload, suite_ike_sa, suite_ike_check, suite_ike_build, suite_ike_frag, suite_captures;

TEST_MAIN(suite_ike_drop, suite_ike_names, suite_ike_msg, suite_ike_payload, suite_ike_sa, suite_ike_check, suite_ike_build, suite_ike_frag, suite_captures)
