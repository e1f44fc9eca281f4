/* tests/net/poll_host.h: a struct host (lib/host.h) on poll(), for programs that test an adapter without the daemon. */
#ifndef TESTS_NET_POLL_HOST_H
#define TESTS_NET_POLL_HOST_H

#include "lib/host.h"

struct poll_host;

struct poll_host *poll_host_new(void);	/* NULL without memory; log lines go to stderr */
void	poll_host_free(struct poll_host *p);
const struct host *poll_host_face(struct poll_host *p);
void	poll_host_run(struct poll_host *p, tick_t for_us);	/* until that much time has passed, or poll_host_stop() */
void	poll_host_stop(struct poll_host *p);

#endif
