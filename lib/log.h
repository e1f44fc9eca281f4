/* lib/log.h: where log lines go. Engines write to a sink they were given; the daemon, a test or the simulator owns it.
 *
 * Every line has a stable word ("peer-up", "registration-refused") that does not change between releases and that
 * scripts may rely on; the rest is for people. Lines a peer can cause go through log_limit() with a bucket. */
#ifndef LIB_LOG_H
#define LIB_LOG_H

#include <stdarg.h>
#include <stdbool.h>

#include "lib/bucket.h"

enum log_level { LOG_LV_ERROR, LOG_LV_WARN, LOG_LV_NOTICE, LOG_LV_INFO, LOG_LV_DEBUG };

struct logbook;

/* What can be debugged. A line of a facility is formatted only while its bit is set in struct log. */
enum log_facility { LOG_DBG_NHRP = 1, LOG_DBG_IKE = 2, LOG_DBG_IPSEC = 4, LOG_DBG_ROUTE = 8, LOG_DBG_DATA = 16, LOG_DBG_ALL = 31 };

struct log {
	void (*write)(void *ctx, enum log_level lv, const char *word, const char *text);
	void *ctx;
	enum log_level level;	/* lines above it are not formatted */
	struct logbook *book;	/* shares of members (lib/logbook.h); NULL: no limits */
	unsigned debug;	/* enum log_facility: whose lines are, whatever the level */
	unsigned facility;	/* of the debug line being written; 0: it is none */
};

/* A limit for lines that a peer can cause. Zero-initialised it lets LOG_BURST lines pass, then LOG_PER_S a second. */
enum { LOG_BURST = 10, LOG_PER_S = 2 };
struct log_limit {
	struct bucket bucket;
	unsigned long held;	/* lines not written since the last one that was */
};

#define LOG_FMT(f, a) __attribute__((format(printf, f, a)))

void	log_at(struct log *l, enum log_level lv, const char *word, const char *fmt, ...) LOG_FMT(4, 5);
void	log_limited(struct log *l, struct log_limit *lim, tick_t now, enum log_level lv, const char *word,
	    const char *fmt, ...) LOG_FMT(6, 7);
/* A line about a member, by its identity: it has its share of them. Debugging is not limited. */
void	log_of(struct log *l, tick_t now, const char *who, enum log_level lv, const char *word, const char *fmt, ...) LOG_FMT(6, 7);
bool	logbook_takes(struct logbook *b, tick_t now, const char *who, const char *word);	/* log_of()'s */
void	logbook_held(struct logbook *b, tick_t now, const char *word);	/* log_limited()'s: it held one back */
/* log_debug(l, LOG_DBG_NHRP, "nhrp-packet", "...", ...): off, it is one test and no argument is evaluated. */
#define log_debugs(l, fac) ((l) && ((l)->debug & (fac)))
#define log_debug(l, fac, ...) \
	do { \
		if (log_debugs(l, fac)) \
			log_debug_at(l, fac, __VA_ARGS__); \
	} while (0)
void	log_debug_at(struct log *l, enum log_facility f, const char *word, const char *fmt, ...) LOG_FMT(4, 5);
const char *log_level_name(enum log_level lv);
bool	log_level_parse(const char *text, enum log_level *out);	/* IOS words: errors, warnings, notifications, informational, debugging */

#endif
