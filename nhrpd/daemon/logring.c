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
is_debugged(const struct logring *r, const char *text)
{
	for (unsigned i = 0; i < r->n_peer; i++) {
		if (logring_names(text, r->peer[i]))
			return true;
	}
	return false;
}

static void
ring_write(void *ctx, enum log_level lv, const char *word, const char *text)
{
	struct logring *r = ctx;
	struct logring_line *l;

	if (lv > r->level && !is_debugged(r, text))
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
	if (!r->n_peer)
		r->log->level = level;
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

bool
logring_debug(struct logring *r, const char *peer)
{
	size_t n = strlen(peer);

	for (unsigned i = 0; i < r->n_peer; i++) {
		if (strcmp(r->peer[i], peer) == 0)
			return true;
	}
	if (r->n_peer == LOGRING_PEERS_MAX || n == 0 || n >= LOGRING_PEER_LEN)
		return false;
	memcpy(r->peer[r->n_peer++], peer, n + 1);
	r->log->level = LOG_LV_DEBUG;
	return true;
}

unsigned
logring_no_debug(struct logring *r)
{
	unsigned n = r->n_peer;

	r->n_peer = 0;
	r->log->level = r->level;
	return n;
}
