/* nhrpd/daemon/mapguard.h: what crypto maps protect does not come in clear by the interface they are applied to (RFC 4301, 5.2): rules in the
 * packet filter, by mgre/guard.h. They stand before routes do and stay when the daemon has gone, however it went; only a
 * configuration without the entry takes them away. */
#ifndef NHRPD_DAEMON_MAPGUARD_H
#define NHRPD_DAEMON_MAPGUARD_H

#include "lib/host.h"
#include "nhrpd/daemon/conf.h"

struct mapguard;

struct mapguard *mapguard_new(const struct host *host);	/* NULL without memory */
void	mapguard_free(struct mapguard *m);	/* leaves the rules where they are; NULL is fine */
void	mapguard_conf(struct mapguard *m, const struct conf *c);	/* the configuration in force */
void	mapguard_counters(struct mapguard *m, dp_counter_fn *fn, void *ctx);

#endif
