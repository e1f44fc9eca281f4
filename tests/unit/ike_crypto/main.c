#include "tests/unit/harness.h"

suite_fn suite_ike_alg, suite_ike_prf, suite_ike_keys, suite_ike_seal, suite_ike_kex;
suite_fn claims_suite, known_suite, certmap_suite, cert_suite, trust_suite, chain_suite, sign_suite, revoked_suite;

TEST_MAIN(suite_ike_alg, suite_ike_prf, suite_ike_keys, suite_ike_seal, suite_ike_kex, cert_suite, claims_suite, trust_suite, chain_suite, known_suite, certmap_suite, sign_suite, revoked_suite)
