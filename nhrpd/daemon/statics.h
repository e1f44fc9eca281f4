/* nhrpd/daemon/statics.h: static routes of the configuration. They go through tunnel interfaces, which live and die with the daemon,
 * so nobody else could keep them: set whenever their interface comes, taken away by a reload that has them no more, and at the end. */
#ifndef NHRPD_DAEMON_STATICS_H
#define NHRPD_DAEMON_STATICS_H

#include "lib/host.h"
#include "lib/rib.h"
#include "nhrpd/daemon/conf.h"

typedef struct rib *statics_rib_fn(void *ctx, const char *name);	/* whose routes the interface's are; NULL: nobody's */
/* The interface is there: all its routes. */
void	statics_set(struct rib *rib, const struct conf *c, const char *name, uint32_t ifindex, struct log *log);
/* Before a reload sets the new ones: takes away what `is` does not have. ifindex answers 0 for an interface that is gone. */
void	statics_leave(statics_rib_fn *rib_of, const struct conf *was, const struct conf *is, uint32_t (*ifindex)(void *ctx, const char *name), void *ctx);

#endif
