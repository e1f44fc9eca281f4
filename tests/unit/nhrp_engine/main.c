#include "tests/unit/harness.h"

Suite *nhs_suite(void);
Suite *nhc_suite(void);
Suite *shortcut_suite(void);
Suite *three_suite(void);

TEST_MAIN(nhs_suite, nhc_suite, shortcut_suite, three_suite)
