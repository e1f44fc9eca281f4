#include "lib/log.h"

#include <stdio.h>
#include <string.h>

#include "lib/span.h"

enum { LINE_MAX_LEN = 1024 };

static const char *const level_name[] = { "error", "warning", "notice", "info", "debug" };

/* IOS and syslog spell these in several ways. */
static const struct {
	const char *word;
	enum log_level lv;
} level_word[] = {
	{ "errors", LOG_LV_ERROR }, { "error", LOG_LV_ERROR }, { "critical", LOG_LV_ERROR },
	{ "warnings", LOG_LV_WARN }, { "warning", LOG_LV_WARN },
	{ "notifications", LOG_LV_NOTICE }, { "notice", LOG_LV_NOTICE },
	{ "informational", LOG_LV_INFO }, { "info", LOG_LV_INFO },
	{ "debugging", LOG_LV_DEBUG }, { "debug", LOG_LV_DEBUG },
};

const char *
log_level_name(enum log_level lv)
{
	return level_name[lv];
}

bool
log_level_parse(const char *text, enum log_level *out)
{
	for (size_t i = 0; i < sizeof(level_word) / sizeof(level_word[0]); i++) {
		if (strcmp(text, level_word[i].word) == 0) {
			*out = level_word[i].lv;
			return true;
		}
	}
	return false;
}

/* What came from a peer may stand in a line: control characters become '?', so that nobody can forge lines. */
LOG_FMT(4, 0)
static void
write_line(struct log *l, enum log_level lv, const char *word, const char *fmt, va_list ap)
{
	char text[LINE_MAX_LEN];

	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		return;
	for (char *p = text; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	}
	l->write(l->ctx, lv, word, text);
}

void
log_at(struct log *l, enum log_level lv, const char *word, const char *fmt, ...)
{
	va_list ap;

	if (!l || !l->write || lv > l->level)
		return;
	va_start(ap, fmt);
	write_line(l, lv, word, fmt, ap);
	va_end(ap);
}

void
log_of(struct log *l, tick_t now, const char *who, enum log_level lv, const char *word, const char *fmt, ...)
{
	va_list ap;

	if (!l || !l->write || lv > l->level || (l->book && lv < LOG_LV_DEBUG && !logbook_takes(l->book, now, who, word)))
		return;
	va_start(ap, fmt);
	write_line(l, lv, word, fmt, ap);
	va_end(ap);
}

void
log_debug_at(struct log *l, enum log_facility f, const char *word, const char *fmt, ...)
{
	va_list ap;

	if (!l->write)
		return;
	l->facility = f;
	va_start(ap, fmt);
	write_line(l, LOG_LV_DEBUG, word, fmt, ap);
	va_end(ap);
	l->facility = 0;
}

void
log_limited(struct log *l, struct log_limit *lim, tick_t now, enum log_level lv, const char *word, const char *fmt, ...)
{
	va_list ap;

	if (!l || !l->write || lv > l->level)
		return;
	if (!bucket_take(&lim->bucket, now, LOG_PER_S, LOG_BURST)) {
		if (l->book)	/* sums up also where no other line follows */
			logbook_held(l->book, now, word);
		else
			lim->held++;
		return;
	}
	if (lim->held) {
		log_at(l, lv, "log-held", "%lu lines like the next one were not written", lim->held);
		lim->held = 0;
	}
	va_start(ap, fmt);
	write_line(l, lv, word, fmt, ap);
	va_end(ap);
}
