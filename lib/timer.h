/* lib/timer.h: timers of an engine as an intrusive pairing heap. Arming never allocates and so never fails; the
 * earliest is O(1), arm and disarm O(log n) amortised. The owner embeds a struct timer, gives it a kind, and asks for
 * what is due; there are no callbacks. */
#ifndef LIB_TIMER_H
#define LIB_TIMER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/container_of.h"
#include "lib/tick.h"

struct timer {
	tick_t at;
	struct timer *child, *next, *prev;	/* prev: left sibling, or the parent for the first child */
	bool armed;
	uint8_t kind;	/* the owner's; tells container_of() what this is embedded in */
};

struct timers {
	struct timer *root;
	size_t n;
};

void	timer_arm(struct timers *ts, struct timer *t, tick_t at);	/* moves it when already armed; TICK_NEVER disarms */
void	timer_disarm(struct timers *ts, struct timer *t);	/* fine when not armed */
tick_t	timers_next(const struct timers *ts);	/* TICK_NEVER when empty */
struct timer *timers_due(struct timers *ts, tick_t now);	/* takes out and returns the earliest with at <= now, or NULL */

#endif
