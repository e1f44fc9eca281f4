#include "tests/unit/nhrp_wire/util.h"

Suite *suite_build(void);
Suite *suite_captures(void);
Suite *suite_checksum(void);
Suite *suite_cie(void);
Suite *suite_drops(void);
Suite *suite_ext(void);
Suite *suite_golden(void);
Suite *suite_names(void);
Suite *suite_parse(void);
Suite *suite_quoted(void);
Suite *suite_vendor(void);

TEST_MAIN(suite_names, suite_checksum, suite_cie, suite_ext, suite_quoted, suite_parse, suite_build, suite_drops, suite_golden,
    suite_captures, suite_vendor)
