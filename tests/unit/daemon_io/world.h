/* tests/unit/daemon_io/world.h: what the tests of the daemon's OS adapters share: a host that polls, with memory that can
 * fail, and a network namespace of the test's own (check forks each test, so nothing needs to be undone). */
#ifndef TESTS_UNIT_DAEMON_IO_WORLD_H
#define TESTS_UNIT_DAEMON_IO_WORLD_H

#include "lib/host.h"
#include "tests/unit/harness.h"

struct world {
	struct test_env t;
	struct host host;
	int fail_watch;	/* the n-th watch from now finds no memory; 0: none */
	int watching;
};

void	world_init(struct world *w);
bool	world_netns(void);	/* false, with a word on stdout, where there can be none; `lo` is up */
bool	world_userns(void);	/* root in a user namespace of its own where the user is not root */
void	world_spin(struct world *w, int quiet_ms);	/* runs what is readable until nothing was for quiet_ms */
bool	world_until(struct world *w, const unsigned *what, unsigned least, int ms);	/* spins until *what >= least */
void	world_sh(const char *command);
bool	world_try(const char *command);
void	world_put(const char *path, const char *text);

Suite	*suite_ikesock(void);
Suite	*suite_logout(void);
Suite	*suite_loop(void);
Suite	*suite_names(void);
Suite	*suite_notify(void);
Suite	*suite_pidfile(void);
Suite	*suite_source(void);
Suite	*suite_workers(void);

#endif
