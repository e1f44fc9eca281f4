/* nhrpd/daemon/keep.h: registrations and IKE SAs over a restart of the daemon: what of the engines' goes into the store, and when. */
#ifndef NHRPD_DAEMON_KEEP_H
#define NHRPD_DAEMON_KEEP_H

#include "lib/host.h"
#include "nhrpd/daemon/conf.h"

enum {
	KEEP_DELAY_MS = 1000,	/* from the first change to the batch that has it, */
	KEEP_BATCH_MAX = 1024,	/* or until there are so many; more wait for the next batch, a moment later */
	KEEP_RETRY_S = 30,	/* a store that failed is tried again */
};

struct keep;
/* Opens the store at path. Whatever is wrong with it is said once, and the daemon works on without. wall: seconds since 1970.
 * NULL only without memory. */
struct keep *keep_new(const struct host *host, const char *path, int64_t (*wall)(void));
/* At the start and after each reload: registrations of tunnels that are new here are restored. */
void	keep_tunnels(struct keep *k, const struct conf *conf, struct core *core);
void	keep_poll(struct keep *k);	/* after whatever may have changed a registration; NULL is fine, as below */
void	keep_free(struct keep *k);	/* writes what waits; before core_free() */
const char *keep_default_path(void);	/* systemd's $STATE_DIRECTORY, else that of the build */

#endif
