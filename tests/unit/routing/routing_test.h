#ifndef TESTS_UNIT_ROUTING_TEST_H
#define TESTS_UNIT_ROUTING_TEST_H

#include <stdbool.h>

/* kernel.c: a namespace with two ends of a veth, va and vb; 10.0.0.1/24 and fd00::1/64 on va. False: cannot be made here. */
bool	in_namespace(void);
void	sh(const char *cmd);

#endif
