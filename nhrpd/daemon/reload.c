#include "nhrpd/daemon/reload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
reload_add(struct reload *r, struct log *log, enum reload_kind kind, const char *fmt, ...)
{
	static const enum log_level level[] = { [RELOAD_CHANGE] = LOG_LV_INFO, [RELOAD_NOTE] = LOG_LV_WARN, [RELOAD_ERROR] = LOG_LV_ERROR };
	char text[RELOAD_LINE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->changes += kind == RELOAD_CHANGE;
	r->errors += kind == RELOAD_ERROR;
	if (r->n < RELOAD_LINES_MAX && (r->line[r->n].text = strdup(text)))
		r->line[r->n++].kind = kind;
	else
		r->not_kept++;
	log_at(log, level[kind], "reload", "%s", text);
}

void
reload_fini(struct reload *r)
{
	while (r->n)
		free(r->line[--r->n].text);
}
