/* lib/host.h: what an adapter (data plane, routes) asks of the program it lives in: watch a file descriptor, wake me
 * then, the time, the log. The daemon does it with libev, tests with poll(). Callbacks run on the loop's thread. */
#ifndef LIB_HOST_H
#define LIB_HOST_H

#include "lib/env.h"
#include "lib/log.h"
#include "lib/tick.h"

struct host_watch;	/* opaque handle */

struct host {
	void *ctx;
	tick_t (*now)(void *ctx);
	struct host_watch *(*watch)(void *ctx, int fd, void (*readable)(void *arg), void *arg);	/* NULL without memory */
	struct host_watch *(*watch_out)(void *ctx, int fd, void (*writable)(void *arg), void *arg);	/* only for who says so; NULL without memory */
	void (*unwatch)(void *ctx, struct host_watch *w);	/* before the fd is closed; NULL is fine */
	/* One-shot timer; a new handle each time. NULL without memory. */
	struct host_watch *(*after)(void *ctx, tick_t delay, void (*fn)(void *arg), void *arg);
	const struct env *env;
	struct log *log;
	const char *underlay;	/* sockets for outer packets are bound to this interface, a VRF; NULL: to none */
};

#endif
