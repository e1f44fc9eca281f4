/* nhrpd/daemon/logout.h: where the daemon's log lines end: standard error (with time, or with systemd's priority prefix where the
 * journal reads it) or syslog. */
#ifndef NHRPD_DAEMON_LOGOUT_H
#define NHRPD_DAEMON_LOGOUT_H

#include "lib/log.h"

void	logout_init(struct log *l, enum log_level level);	/* standard error */
void	logout_syslog(struct log *l);

#endif
