/* mgre/guard_priv.h: the two kinds of packet filter behind guard.h. */
#ifndef MGRE_GUARD_PRIV_H
#define MGRE_GUARD_PRIV_H

#include "mgre/guard.h"

struct guard_seen {	/* what stands in the kernel for one tunnel */
	uint64_t mark;	/* of the rules themselves: another one says that somebody changed them; 0: there are none */
	struct guard_counts count;
};

struct guard_kind {
	const char *word;
	void *(*open)(const struct env *env);	/* NULL: not here */
	void (*close)(void *k);
	int (*probe)(void *k);	/* 0 or a negative errno */
	int (*set)(void *k, const struct guard_want *w);	/* in place of what stands */
	int (*del)(void *k, const char *name);	/* what is not there is fine */
	int (*look)(void *k, const char *name, struct guard_seen *out);
	int (*purge)(void *k, guard_name_fn *before, void *ctx);	/* how many */
	/* Those with lines whose name is none of those that stay; how many. NULL: this kind has no lines. */
	int (*sweep)(void *k, bool (*stays)(void *ctx, const char *name), void *ctx);
};
extern const struct guard_kind guard_nft, guard_ipt;

#endif
