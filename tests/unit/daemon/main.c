#include "tests/unit/harness.h"

suite_fn conf_suite, conf_words_suite, conf_match_suite, conf_build_suite, control_suite, control_words_suite, show_suite;
TEST_MAIN(conf_suite, conf_words_suite, conf_match_suite, conf_build_suite, control_suite, control_words_suite, show_suite)
