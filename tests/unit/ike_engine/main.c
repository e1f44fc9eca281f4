#include "tests/unit/ike_engine/suites.h"

TEST_MAIN(init_suite, create_child_suite, exchange_suite, sa_suite, natt_suite, info_suite, auth_suite,
    cookie_suite, dial_suite, ike_suite, vectors_suite, proposal_suite, names_suite, reconf_suite, job_suite, words_suite,
    /* the protocol's extensions and its tables of cases */
    frag_suite,
    hold_suite,
    kept_suite,
    moves_suite,
    mke_suite,
    narrow_suite,
    ppk_suite,
    follow_suite,
    reauth_suite,
    collide_suite,
    probe_suite,
    reject_suite,
    dos_suite,
    qcd_suite,
    proof_suite,
    pairs_suite,
    selector_suite)
