/* tests/unit/revoke/server.h: an HTTP server for these tests, in a process of its own on loopback, one process more for each
 * connection. What it does follows from the path that is asked for; what it was asked is counted in memory that both see. */
#ifndef TESTS_UNIT_REVOKE_SERVER_H
#define TESTS_UNIT_REVOKE_SERVER_H

#include "lib/span.h"

#include <stdatomic.h>
#include <sys/types.h>

struct server {
	pid_t pid;
	unsigned port;
	struct span good;	/* the body of /good */
	struct counts {
		atomic_uint asked;	/* requests in all */
		atomic_uint good, other;	/* of /good; of what a redirection leads to */
		atomic_uint holding;	/* requests of /hold... that wait */
		atomic_uint release;	/* test: 1 lets those go on, with the good body */
		atomic_uint posts;	/* with POST and the type of OCSP */
	} *seen;
};

void	server_start(struct server *s, struct span good);
void	server_stop(struct server *s);
void	server_wait(const atomic_uint *what, unsigned least);	/* fails the test after 10 s */

#endif
