#include "nhrpd/daemon/logring.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t
wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* What an address or a name may go on with, behind `c` or before it. */
static bool
goes_on(char c, char then)
{
	if (c == '.' || c == '-' || c == '_')
		return isalnum((unsigned char)then);
	return isalnum((unsigned char)c);
}

bool
logring_names(const char *text, const char *peer)
{
	size_t n = strlen(peer);
	bool v6 = strchr(peer, ':') != NULL;

	for (const char *at = text; n && (at = strstr(at, peer)); at++) {
		char before = at == text ? ' ' : at[-1], first = at - text < 2 ? ' ' : at[-2], after = at[n],
		    next = after ? at[n + 1] : ' ';

		if (goes_on(before, first) || goes_on(after, next))
			continue;
		if (v6 && (before == ':' || (after == ':' && (isxdigit((unsigned char)next) || next == ':'))))
			continue;
		return true;
	}
	return false;
}

static bool
names_one(const struct logring_debug *d, const char *text)
{
	for (unsigned i = 0; i < d->n_name; i++) {
		if (logring_names(text, d->name[i]))
			return true;
	}
	return d->n_name == 0;
}

/* facility 0: an ordinary line, above the level. */
static bool
is_debugged(const struct logring *r, unsigned facility, const char *text)
{
	for (unsigned i = 0; i < r->n_debug; i++) {
		const struct logring_debug *d = &r->debug[i];

		if ((facility ? (d->facility & facility) != 0 : d->facility == LOG_DBG_ALL) && names_one(d, text))
			return true;
	}
	return false;
}

/* What the engines have to format. */
static void
retune(struct logring *r)
{
	bool all = false;

	r->log->debug = 0;
	for (unsigned i = 0; i < r->n_debug; i++) {
		r->log->debug |= r->debug[i].facility;
		all = all || r->debug[i].facility == LOG_DBG_ALL;
	}
	r->log->level = all ? LOG_LV_DEBUG : r->level;
}

static void
ring_write(void *ctx, enum log_level lv, const char *word, const char *text)
{
	struct logring *r = ctx;
	struct logring_line *l;

	if ((r->log->facility || lv > r->level) && !is_debugged(r, r->log->facility, text))
		return;
	l = &r->line[r->written++ % LOGRING_LINES];
	l->at_ms = r->clock_ms();
	l->lv = lv;
	snprintf(l->word, sizeof(l->word), "%s", word);
	snprintf(l->text, sizeof(l->text), "%s", text);
	if (r->next.write)
		r->next.write(r->next.ctx, lv, word, text);
}

struct logring *
logring_new(struct log *log)
{
	struct logring *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->log = log;
	r->next = *log;
	r->level = log->level;
	r->clock_ms = wall_ms;
	log->write = ring_write;
	log->ctx = r;
	return r;
}

void
logring_free(struct logring *r)
{
	if (!r)
		return;
	*r->log = r->next;
	free(r);
}

void
logring_level(struct logring *r, enum log_level level)
{
	r->level = level;
	retune(r);
}

void
logring_sink(struct logring *r, const struct log *sink)
{
	r->next = *sink;
	logring_level(r, sink->level);
}

void
logring_visit(const struct logring *r, unsigned n, logring_fn *fn, void *ctx)
{
	uint64_t have = r->written < LOGRING_LINES ? r->written : LOGRING_LINES;

	for (uint64_t i = r->written - (n < have ? n : have); i < r->written; i++)
		fn(ctx, &r->line[i % LOGRING_LINES]);
}

static bool
same_peer(const struct logring_debug *d, const char *peer)
{
	return strcmp(d->n_name ? d->name[0] : "", peer) == 0;
}

bool
logring_debug(struct logring *r, const struct logring_debug *d)
{
	unsigned i = 0;

	while (i < r->n_debug && !same_peer(&r->debug[i], d->n_name ? d->name[0] : ""))
		i++;
	if (i == LOGRING_DEBUGS_MAX)
		return false;
	if (i == r->n_debug)
		r->debug[r->n_debug++] = (struct logring_debug){ 0 };
	else
		r->debug[i].n_name = 0;
	r->debug[i].facility |= d->facility;
	for (unsigned k = 0; k < d->n_name && k < LOGRING_NAMES_MAX; k++)
		memcpy(r->debug[i].name[r->debug[i].n_name++], d->name[k], sizeof(d->name[k]));
	retune(r);
	return true;
}

unsigned
logring_undebug(struct logring *r, unsigned facility, const char *peer)
{
	unsigned n = 0;

	for (unsigned i = 0; i < r->n_debug; i++) {
		struct logring_debug *d = &r->debug[i];

		if ((d->facility & facility) == 0 || (peer[0] && !same_peer(d, peer)))
			continue;
		d->facility &= ~facility;
		n++;
		if (!d->facility)
			r->debug[i--] = r->debug[--r->n_debug];
	}
	retune(r);
	return n;
}
