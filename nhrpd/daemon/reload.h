/* nhrpd/daemon/reload.h: what a reload has to report: to who asked for it, and to the log. */
#ifndef NHRPD_DAEMON_RELOAD_H
#define NHRPD_DAEMON_RELOAD_H

#include <stdbool.h>

#include "lib/log.h"

enum { RELOAD_LINES_MAX = 200, RELOAD_LINE = 512 };

enum reload_kind { RELOAD_CHANGE, RELOAD_NOTE /* done, but */, RELOAD_ERROR };

struct reload {
	bool applied;
	char summary[160];
	unsigned n, not_kept;	/* more than RELOAD_LINES_MAX, or no memory to keep it */
	unsigned changes, errors;
	struct {
		enum reload_kind kind;
		char *text;
	} line[RELOAD_LINES_MAX];
};

/* Notes a line and logs it. */
void	reload_add(struct reload *r, struct log *log, enum reload_kind kind, const char *fmt, ...) LOG_FMT(4, 5);
void	reload_fini(struct reload *r);

#endif
