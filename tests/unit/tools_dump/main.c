/* tests/unit/tools_dump/main.c: nhrpdump's parts and the program. */
#include "tests/unit/tools_dump/frames.h"

TEST_MAIN(suite_dump_frame, suite_dump_names, suite_dump_text, suite_dump_json, suite_nhrpdump)
