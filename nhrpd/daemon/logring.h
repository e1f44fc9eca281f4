/* nhrpd/daemon/logring.h: the last lines of the log, kept for `show logging`; and debugging of single peers.
 *
 * Stands between the engines and where lines end (logout.h): every line that passes is kept and handed on. Debugging turns the
 * lines of facilities on (lib/log.h), of all peers or of those that name one; a peer has several names (tunnel address, outer
 * address, identity), because not every layer knows each. Debugging all of a peer lets its ordinary lines of all levels through. */
#ifndef NHRPD_DAEMON_LOGRING_H
#define NHRPD_DAEMON_LOGRING_H

#include <stdint.h>

#include "lib/log.h"

enum { LOGRING_LINES = 1000, LOGRING_TEXT_MAX = 400, LOGRING_WORD_MAX = 32, LOGRING_DEBUGS_MAX = 16, LOGRING_NAMES_MAX = 4, LOGRING_PEER_LEN = 128 };

struct logring_line {
	int64_t at_ms;	/* wall clock, since 1970 */
	enum log_level lv;
	char word[LOGRING_WORD_MAX], text[LOGRING_TEXT_MAX];	/* longer ones are cut here, not in the log itself */
};

struct logring_debug {
	unsigned facility;	/* enum log_facility */
	char name[LOGRING_NAMES_MAX][LOGRING_PEER_LEN];	/* the first as it was asked for; none: everybody */
	unsigned n_name;
};

struct logring {
	struct log *log;	/* the sink it stands in */
	struct log next;	/* where lines go on to */
	enum log_level level;	/* without debugging */
	int64_t (*clock_ms)(void);
	struct logring_debug debug[LOGRING_DEBUGS_MAX];
	unsigned n_debug;
	uint64_t written;	/* in all */
	struct logring_line line[LOGRING_LINES];
};

/* NULL without memory. From here on `log` writes through the ring; set its sink before, its level from then on here. */
struct logring *logring_new(struct log *log);
void	logring_free(struct logring *r);	/* and takes itself out again; NULL is fine */
void	logring_level(struct logring *r, enum log_level level);
void	logring_sink(struct logring *r, const struct log *sink);	/* lines go on to this one, and its level counts */
/* The n last lines at most, oldest first. */
typedef void logring_fn(void *ctx, const struct logring_line *line);
void	logring_visit(const struct logring *r, unsigned n, logring_fn *fn, void *ctx);
bool	logring_debug(struct logring *r, const struct logring_debug *d);	/* false: too many */
/* Ends these facilities for that peer; "" for all peers. Answers how many entries changed. */
unsigned logring_undebug(struct logring *r, unsigned facility, const char *peer);
/* Does the line name the peer? As a whole word: 10.0.0.1 is not in 10.0.0.11. */
bool	logring_names(const char *text, const char *peer);

#endif
