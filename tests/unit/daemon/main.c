#include "tests/unit/harness.h"

suite_fn conf_suite, conf_words_suite, conf_match_suite, conf_build_suite, conf_plain_suite, conf_p2p_suite, conf_map_suite, conf_diff_suite, conf_suite_suite, control_suite, control_words_suite, show_suite,
    conf_said_suite, logring_suite, json_doc_suite, later_suite, conf_pki_suite, why_suite, conf_authz_suite, conf_qos_suite, conf_certmap_suite;
TEST_MAIN(conf_suite, conf_words_suite, conf_match_suite, conf_build_suite, conf_plain_suite, conf_p2p_suite, conf_map_suite, conf_diff_suite, conf_suite_suite, control_suite, control_words_suite, show_suite,
    conf_said_suite, logring_suite, json_doc_suite, later_suite, conf_pki_suite, why_suite, conf_authz_suite, conf_qos_suite, conf_certmap_suite)
