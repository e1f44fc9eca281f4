#include "tests/unit/harness.h"

Suite *nhs_suite(void);
Suite *nhc_suite(void);
Suite *shortcut_suite(void);
Suite *resolve_suite(void);
Suite *forward_suite(void);
Suite *redirect_suite(void);
Suite *nhrp_suite(void);
Suite *keep_suite(void);
Suite *captures_suite(void);
Suite *three_suite(void);
Suite *reconf_suite(void);
Suite *rate_suite(void);
Suite *probe_suite(void);
Suite *doubt_suite(void);
Suite *ifstate_suite(void);
Suite *authority_suite(void);
Suite *group_suite(void);
Suite *route_suite(void);

TEST_MAIN(nhs_suite, nhc_suite, shortcut_suite, resolve_suite, forward_suite, redirect_suite, nhrp_suite, keep_suite, captures_suite, three_suite, reconf_suite,
    rate_suite, probe_suite, doubt_suite, ifstate_suite, authority_suite, group_suite, route_suite)
