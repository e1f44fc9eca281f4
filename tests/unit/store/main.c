#include "tests/unit/harness.h"

Suite *store_sqlite_suite(void);
Suite *keep_suite(void);
Suite *keep_sa_suite(void);
Suite *secret_suite(void);

TEST_MAIN(store_sqlite_suite, keep_suite, keep_sa_suite, secret_suite)
