/* nhrpd/daemon/names.h: host names to addresses without stopping the loop. getaddrinfo() runs in a thread; its answer
 * comes back on the loop. */
#ifndef NHRPD_DAEMON_NAMES_H
#define NHRPD_DAEMON_NAMES_H

#include "lib/addr.h"
#include "lib/host.h"

enum { NAMES_ADDRS_MAX = 8, NAMES_RUNNING_MAX = 32 };

struct names;
/* n 0: failed, and reason (static text) says why. */
typedef void names_fn(void *ctx, uint32_t tunnel, uint32_t nhs, const struct addr *addrs, unsigned n, const char *reason);

struct names *names_new(const struct host *host, names_fn *fn, void *ctx);	/* NULL: no memory or no descriptor */
void	names_free(struct names *n);	/* does not wait: threads that still run end into nothing */
void	names_lookup(struct names *n, uint32_t tunnel, uint32_t nhs, const char *name);	/* a literal is answered at once */

#endif
