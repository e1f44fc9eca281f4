/* nhrpd/daemon/workers.h: a few threads that compute, so that the loop need not.
 *
 * An item is the caller's; `work` runs on one of the threads and may touch nothing but the item, `done` gets it back on the
 * loop, in any order. There are two queues, each bounded: items that are urgent go before the others, but every
 * WORKERS_TURN-th one is taken from the others if there is one, so that no crowd of the one kind stops the other for good.
 * The threads are a little less important than the loop to the scheduler. */
#ifndef NHRPD_DAEMON_WORKERS_H
#define NHRPD_DAEMON_WORKERS_H

#include <stdbool.h>

#include "lib/host.h"

enum { WORKERS_THREADS_MAX = 16, WORKERS_QUEUE_MAX = 4096 /* items of either kind that wait */, WORKERS_TURN = 8 };

typedef void work_fn(void *item);
typedef void work_done_fn(void *ctx, void *item);

struct workers;
/* threads: 0 means one for each processor but one, from 1 to 4. NULL: why says what is missing. */
struct workers *workers_new(const struct host *host, unsigned threads, work_fn *work, work_done_fn *done, void *ctx, char *why, size_t n_why);
/* What has not come back is given to `drop`, on this thread; what is being worked on is waited for. */
void	workers_free(struct workers *w, work_fn *drop);
bool	workers_submit(struct workers *w, void *item, bool urgent);	/* false: full; the item is the caller's still */

struct workers_stats {
	unsigned threads, waiting[2], most[2];	/* [1]: urgent; most: that ever waited */
	uint64_t done, refused;
};
void	workers_stats(struct workers *w, struct workers_stats *out);

#endif
