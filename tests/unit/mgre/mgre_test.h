#ifndef TESTS_UNIT_MGRE_TEST_H
#define TESTS_UNIT_MGRE_TEST_H

#include "lib/addr.h"
#include "tests/unit/harness.h"

Suite	*gre_suite(void);
Suite	*inner_suite(void);
Suite	*flow_suite(void);
Suite	*join_suite(void);
Suite	*seg_suite(void);
Suite	*tap_suite(void);
Suite	*tunnel_suite(void);
Suite	*leaving_suite(void);
Suite	*guard_suite(void);
Suite	*shape_suite(void);
Suite	*lent_suite(void);

static inline struct addr
A(const char *text)
{
	struct addr a = { 0 };

	ck_assert(addr_parse(text, &a));
	return a;
}

#endif
