#include "nhrpd/daemon/logout.h"

#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>

/* syslog.h has LOG_* macros for priorities; lib/log.h's enum is LOG_LV_*. */
static const int priority[] = { LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG };

static void
to_stderr(void *ctx, enum log_level lv, const char *word, const char *text)
{
	char stamp[32] = "";
	struct timespec ts;
	struct tm tm;

	(void)ctx;
	clock_gettime(CLOCK_REALTIME, &ts);
	if (localtime_r(&ts.tv_sec, &tm))
		strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	fprintf(stderr, "%s.%03ld %-7s %s: %s\n", stamp, ts.tv_nsec / 1000000, log_level_name(lv), word, text);
}

static void
to_journal(void *ctx, enum log_level lv, const char *word, const char *text)
{
	(void)ctx;
	fprintf(stderr, "<%d>%s: %s\n", priority[lv], word, text);
}

static void
to_syslog(void *ctx, enum log_level lv, const char *word, const char *text)
{
	(void)ctx;
	syslog(priority[lv], "%s: %s", word, text);
}

/* The variable names the journal's stream, and is inherited also by what has its standard error elsewhere. */
static bool
is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%ju:%ju", &dev, &ino) == 2 && fstat(fileno(stderr), &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

void
logout_init(struct log *l, enum log_level level)
{
	setvbuf(stderr, NULL, _IOLBF, 0);
	*l = (struct log){ is_journal() ? to_journal : to_stderr, NULL, level };
}

void
logout_syslog(struct log *l)
{
	openlog("nhrpd", LOG_PID, LOG_DAEMON);
	l->write = to_syslog;
}
