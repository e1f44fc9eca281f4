/* nhrpd/daemon/purge.h: `nhrpd --purge`: what the kernel plane leaves behind on purpose, so that no GRE leaves in clear while no daemon
 * runs, is taken away: for when it will not run here any more. */
#ifndef NHRPD_DAEMON_PURGE_H
#define NHRPD_DAEMON_PURGE_H

#include <stdio.h>

int	daemon_purge(FILE *out);	/* exit code; says what it did, or on standard error why not */

#endif
