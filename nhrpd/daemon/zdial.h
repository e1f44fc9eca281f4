/* nhrpd/daemon/zdial.h: connects to zebra's socket where this process may not.
 *
 * FRR's socket belongs to its own user and to nobody else (mode 0700), and zebra makes another at each start. root connects by
 * CAP_DAC_OVERRIDE, which the daemon gives up (privilege.c). So before it does, it makes a process that keeps this one capability,
 * can do nothing but connect to a path and hand the connection back, and ends with the daemon. */
#ifndef NHRPD_DAEMON_ZDIAL_H
#define NHRPD_DAEMON_ZDIAL_H

#include "lib/host.h"

struct zdial;
/* Before there are threads and before privileges go. NULL with a sentence in err: then there is none, and who asks is told EACCES. */
struct zdial *zdial_new(const struct host *host, char *err, size_t errlen);
void	zdial_free(struct zdial *d);	/* NULL is fine */
/* done gets a connection, or a negative errno; one question at a time, a second one takes the first one's place. path NULL: nobody asks any more. */
void	zdial_ask(struct zdial *d, const char *path, void (*done)(void *arg, int fd), void *arg);

#endif
