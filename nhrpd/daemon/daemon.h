/* nhrpd/daemon/daemon.h: the program: puts configuration, core, data plane, routes and sockets together and runs the loop. */
#ifndef NHRPD_DAEMON_DAEMON_H
#define NHRPD_DAEMON_DAEMON_H

#include <stdbool.h>
#include <stdio.h>

struct daemon_options {
	const char *conf_path;
	const char *control_path;	/* NULL: from the configuration, else the default */
	const char *pid_path;	/* NULL: none */
	bool no_seccomp;	/* for debuggers and tracers */
	const char *keylog_path;	/* NULL: none. For tests with tshark: whoever reads this file reads the traffic. */
};

enum { EXIT_OK = 0, EXIT_START = 1 /* something it needs is missing or taken */, EXIT_CONF = 2 };

int	daemon_check(const char *conf_path, FILE *out);	/* nhrpd --check: reads, prints errors; exit code */
int	daemon_run(const struct daemon_options *o);	/* until SIGTERM or SIGINT; exit code */

#endif
