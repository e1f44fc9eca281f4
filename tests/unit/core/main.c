#include "tests/unit/core/bench.h"

TEST_MAIN(core_suite, idle_suite, peer_suite, pump_suite, want_suite, way_suite, show_suite, reconf_suite, timeline_suite, plain_suite, authority_suite, bare_suite)
