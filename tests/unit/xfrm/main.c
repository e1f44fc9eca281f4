#include "tests/unit/harness.h"
#include "tests/unit/xfrm/xfrm_test.h"

TEST_MAIN(cipher_suite, replay_suite, esp_suite_tests, sa_suite, select_suite, tunnel_suite, pmtud_suite, kmsg_suite, stale_suite)
