/* nhrpd/daemon/loop.h: lib/host.h on libev. After every callback, `after` runs: there the daemon carries out what the core
 * decided meanwhile. */
#ifndef NHRPD_DAEMON_LOOP_H
#define NHRPD_DAEMON_LOOP_H

#include <ev.h>

#include "lib/host.h"

struct loop {
	struct host host;	/* hand out &loop.host */
	struct ev_loop *ev;
	struct env env;	/* calloc, getrandom */
	void (*after)(void *ctx);
	void *ctx;
};

bool	loop_init(struct loop *l, struct log *log);	/* false: libev found no backend */
void	loop_fini(struct loop *l);
tick_t	loop_now(const struct loop *l);

#endif
