#include "lib/timer.h"

/* A pairing heap: every node has a first child and siblings; `prev` of a first child is its parent. */

static struct timer *
meld(struct timer *a, struct timer *b)
{
	struct timer *t;

	if (!a)
		return b;
	if (!b)
		return a;
	if (b->at < a->at) {
		t = a;
		a = b;
		b = t;
	}
	b->next = a->child;
	if (b->next)
		b->next->prev = b;
	b->prev = a;
	a->child = b;
	return a;
}

/* Melds a list of siblings: pairs from left to right, then all from right to left. Loops, because lists can be long. */
static struct timer *
meld_list(struct timer *first)
{
	struct timer *pairs = NULL, *root = NULL;

	while (first) {
		struct timer *a = first, *b = a->next, *both;

		first = b ? b->next : NULL;
		a->next = a->prev = NULL;
		if (b)
			b->next = b->prev = NULL;
		both = meld(a, b);
		both->next = pairs;
		pairs = both;
	}
	while (pairs) {
		struct timer *rest = pairs->next;

		pairs->next = NULL;
		root = meld(root, pairs);
		pairs = rest;
	}
	return root;
}

void
timer_disarm(struct timers *ts, struct timer *t)
{
	struct timer *kids;

	if (!t->armed)
		return;
	kids = meld_list(t->child);
	if (t == ts->root) {
		ts->root = kids;
	} else {
		if (t->prev->child == t)
			t->prev->child = t->next;
		else
			t->prev->next = t->next;
		if (t->next)
			t->next->prev = t->prev;
		ts->root = meld(ts->root, kids);
	}
	t->child = t->next = t->prev = NULL;
	t->armed = false;
	ts->n--;
}

void
timer_arm(struct timers *ts, struct timer *t, tick_t at)
{
	timer_disarm(ts, t);
	if (at == TICK_NEVER)
		return;
	t->at = at;
	t->child = t->next = t->prev = NULL;
	t->armed = true;
	ts->root = meld(ts->root, t);
	ts->n++;
}

tick_t
timers_next(const struct timers *ts)
{
	return ts->root ? ts->root->at : TICK_NEVER;
}

struct timer *
timers_due(struct timers *ts, tick_t now)
{
	struct timer *t = ts->root;

	if (!t || t->at > now)
		return NULL;
	timer_disarm(ts, t);
	return t;
}
