/* nhrpd/daemon/notify.h: tells systemd how it goes (sd_notify(3), a datagram to $NOTIFY_SOCKET), and keeps its watchdog quiet. */
#ifndef NHRPD_DAEMON_NOTIFY_H
#define NHRPD_DAEMON_NOTIFY_H

#include "lib/log.h"

struct notify {
	int fd;	/* -1: nobody listens; then everything here does nothing */
	unsigned long watchdog_ms;	/* WATCHDOG=1 is due this often; 0: no watchdog */
};

void	notify_open(struct notify *n);	/* from the environment, which it clears: children of ours are not meant */
void	notify_close(struct notify *n);
void	notify_send(const struct notify *n, const char *fmt, ...) LOG_FMT(2, 3);	/* "READY=1\nSTATUS=..." */

#endif
