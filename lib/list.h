/* lib/list.h: intrusive lists in a ring; a list's head and its members are the same struct. */
#ifndef LIB_LIST_H
#define LIB_LIST_H

#include <stdbool.h>

struct list {
	struct list *next, *prev;
};

static inline void
list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool
list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void
list_append(struct list *head, struct list *l)
{
	l->prev = head->prev;
	l->next = head;
	head->prev->next = l;
	head->prev = l;
}

static inline void
list_remove(struct list *l)	/* fine when it stands in none */
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}

#define LIST_EACH(it, nx, head) for (struct list *it = (head)->next, *nx = it->next; it != (head); it = nx, nx = it->next)

#endif
