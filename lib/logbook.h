/* lib/logbook.h: who wrote how many log lines. A member that flaps, floods or misbehaves on purpose gets its share of lines and
 * no more; what is held back is summed up in a line of its own, so nothing is silently missing, and it takes no line from others.
 *
 * Hangs in struct log; without one log_of() writes all. Bounded: of so many members the one that was quiet longest is forgotten
 * first, its sum written. Time comes in; the owner calls logbook_tick() at logbook_deadline(). */
#ifndef LIB_LOGBOOK_H
#define LIB_LOGBOOK_H

#include "lib/env.h"
#include "lib/log.h"

/* A life of a member (ike-up, peer-secured, registered, peer-lost, ike-down) is five or six lines: five lives at once, then one line
 * in ten seconds. */
enum { LOGBOOK_BURST = 30, LOGBOOK_EVERY_S = 10, LOGBOOK_SUM_S = 60, LOGBOOK_SETS = 256, LOGBOOK_WAYS = 4, LOGBOOK_WHO = 96 };

struct logbook;

struct logbook *logbook_new(const struct env *env, struct log *log);	/* NULL without memory; then in *log */
void	logbook_free(struct logbook *b);	/* writes what is owed */
void	logbook_tick(struct logbook *b, tick_t now);
tick_t	logbook_deadline(const struct logbook *b);

#endif
