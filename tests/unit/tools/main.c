#include "tests/unit/harness.h"

suite_fn render_suite, ctl_suite, filter_suite, shell_suite, pki_suite;
TEST_MAIN(render_suite, ctl_suite, filter_suite, shell_suite, pki_suite)
