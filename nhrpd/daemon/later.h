/* nhrpd/daemon/later.h: actions of the core whose answers the data plane gives together (dp->begin(), dp->settle()), and those that must
 * not be done before it has: a message to a peer, a route. So the kernel is told of many peers at once, and nothing leaves for one before its SA and
 * neighbour stand. With a plane that answers everything at once it only hands on. */
#ifndef NHRPD_DAEMON_LATER_H
#define NHRPD_DAEMON_LATER_H

#include "nhrpd/core/core.h"

enum { LATER_HELD_MAX = 512 };

struct later {
	struct dp *dp;
	void (*carry)(void *ctx, const struct core_act *a);	/* does it; may call later_wait() */
	void (*result)(void *ctx, const struct core_act *a, int error, const char *why);
	void *ctx;
	bool begun;
	unsigned n_wait, n_held;
	struct core_act wait[DP_LATER_MAX];	/* answered -EINPROGRESS */
	const struct core_act *held[LATER_HELD_MAX];	/* the core's, until core_next() answers NULL */
};

/* Carries it out, now or in later_settle(). */
void	later_act(struct later *l, const struct core_act *a);
/* The data plane answered -EINPROGRESS to this one. False: it has never said so before that it would. */
bool	later_wait(struct later *l, const struct core_act *a);
/* Everything that waits is answered and carried out; before core_next() answers NULL. */
void	later_settle(struct later *l);

#endif
