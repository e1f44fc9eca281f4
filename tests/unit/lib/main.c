#include "tests/unit/lib/suites.h"

TEST_MAIN(suite_addr, suite_bucket, suite_claims, suite_env, suite_log, suite_logbook, suite_map, suite_nlq, suite_outq, suite_span, suite_timer, suite_traffic, suite_trie)
