#include "tests/unit/daemon_io/world.h"

TEST_MAIN(suite_ikesock, suite_logout, suite_loop, suite_names, suite_notify, suite_pidfile, suite_source, suite_workers)
