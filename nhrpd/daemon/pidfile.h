/* nhrpd/daemon/pidfile.h: a file with our process id, locked while we run, so that a second instance knows who was first. */
#ifndef NHRPD_DAEMON_PIDFILE_H
#define NHRPD_DAEMON_PIDFILE_H

#include <stdbool.h>
#include <stddef.h>

int	pidfile_open(const char *path, char *why, size_t n);	/* a descriptor to keep; -1: `why` says who holds it or what is wrong */
void	pidfile_close(int fd, const char *path);	/* and removes it; -1 is fine */

#endif
