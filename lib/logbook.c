#include "lib/logbook.h"

#include <stdio.h>
#include <string.h>

struct page {	/* of one member */
	char who[LOGBOOK_WHO];	/* "": free; cut where it is longer, so the hash counts too */
	uint64_t hash;
	struct bucket bucket;
	tick_t last;	/* line, written or not */
	unsigned long held;
	tick_t held_since;	/* the first that was not written */
	char word[32];	/* of the last that was not written */
};

struct logbook {
	const struct env *env;
	struct log *log;
	tick_t due;	/* no sum is due before */
	struct page page[LOGBOOK_SETS][LOGBOOK_WAYS];
};

/* FNV-1a: members are authenticated, and what they gain by a collision is a line less of their own. */
static uint64_t
hash_of(const char *who)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *who; who++)
		h = (h ^ (unsigned char)*who) * 0x100000001b3u;
	return h;
}

struct logbook *
logbook_new(const struct env *env, struct log *log)
{
	struct logbook *b = env_alloc(env, sizeof(*b));

	if (!b)
		return NULL;
	b->env = env;
	b->log = log;
	b->due = TICK_NEVER;
	log->book = b;
	return b;
}

static void
sum_up(struct logbook *b, struct page *p, tick_t now)
{
	if (!p->held)
		return;
	log_at(b->log, LOG_LV_NOTICE, "log-suppressed", "%s: %lu line%s of the last %lu s not written%s%s", p->who, p->held,
	    p->held == 1 ? "" : "s", (unsigned long)((now - p->held_since) / TICK_S(1)), p->word[0] ? ", the last one " : "", p->word);
	p->held = 0;
}

void
logbook_free(struct logbook *b)
{
	if (!b)
		return;
	for (unsigned i = 0; i < LOGBOOK_SETS; i++) {
		for (unsigned k = 0; k < LOGBOOK_WAYS; k++)
			sum_up(b, &b->page[i][k], b->page[i][k].last);
	}
	b->log->book = NULL;
	env_free(b->env, b);
}

static struct page *
page_of(struct logbook *b, tick_t now, const char *who)
{
	uint64_t hash = hash_of(who);
	struct page *set = b->page[hash % LOGBOOK_SETS], *oldest = set;

	for (unsigned k = 0; k < LOGBOOK_WAYS; k++) {
		struct page *p = &set[k];

		if (p->who[0] && p->hash == hash && strncmp(p->who, who, sizeof(p->who) - 1) == 0)
			return p;
		if (!p->who[0] || (oldest->who[0] && p->last < oldest->last))
			oldest = p;
	}
	sum_up(b, oldest, now);
	*oldest = (struct page){ .hash = hash };
	snprintf(oldest->who, sizeof(oldest->who), "%s", who);
	return oldest;
}

static void
hold(struct logbook *b, struct page *p, tick_t now, const char *word)
{
	p->last = now;
	if (!p->held++)
		p->held_since = now;
	snprintf(p->word, sizeof(p->word), "%s", word);
	b->due = tick_min(b->due, p->held_since + TICK_S(LOGBOOK_SUM_S));
}

bool
logbook_takes(struct logbook *b, tick_t now, const char *who, const char *word)
{
	struct page *p = page_of(b, now, *who ? who : "?");

	if (bucket_take_slow(&p->bucket, now, TICK_S(LOGBOOK_EVERY_S), LOGBOOK_BURST)) {
		p->last = now;
		sum_up(b, p, now);
		return true;
	}
	hold(b, p, now, word);
	return false;
}

void
logbook_held(struct logbook *b, tick_t now, const char *word)
{
	hold(b, page_of(b, now, word), now, "");
}

tick_t
logbook_deadline(const struct logbook *b)
{
	return b ? b->due : TICK_NEVER;
}

void
logbook_tick(struct logbook *b, tick_t now)
{
	if (!b || now < b->due)
		return;
	b->due = TICK_NEVER;
	for (unsigned i = 0; i < LOGBOOK_SETS * LOGBOOK_WAYS; i++) {
		struct page *p = &b->page[i / LOGBOOK_WAYS][i % LOGBOOK_WAYS];

		if (!p->held)
			continue;
		if (now >= p->held_since + TICK_S(LOGBOOK_SUM_S))
			sum_up(b, p, now);
		else
			b->due = tick_min(b->due, p->held_since + TICK_S(LOGBOOK_SUM_S));
	}
}
