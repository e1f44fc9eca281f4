/* mgre/guard.h: rules of our own in the packet filter, one set for each tunnel: TCP's MSS is lowered (`ip tcp adjust-mss`), and GRE that
 * no ESP has transformed, or will, is dropped: the second lock beside the IPsec policies (see guard.c). */
#ifndef MGRE_GUARD_H
#define MGRE_GUARD_H

#include "lib/dplane.h"
#include "lib/host.h"

struct guard_want {
	char name[DP_NAME];	/* the interface */
	bool has_key;
	uint32_t key;
	struct addr source;	/* without a key, GRE is told by our address; without either it cannot be */
	unsigned mss4, mss6;	/* TCP payload in one packet, of each family; 0: left alone */
};

struct guard_counts {
	uint64_t mss, clear_out, clear_in;	/* SYNs made smaller; GRE dropped */
};

struct guard;
struct guard *guard_new(const struct host *host);	/* NULL without memory */
void	guard_free(struct guard *g);	/* the lock stays, the rest goes */
bool	guard_probe(const struct host *host, char *err, size_t errlen);	/* whether this kernel can do it; leaves nothing behind */

int	guard_set(struct guard *g, const struct guard_want *w);	/* 0 or a negative errno; as set before: nothing is done */
void	guard_del(struct guard *g, const char *name);
const char *guard_word(const struct guard *g, const char *name);	/* "nftables", "iptables-legacy"; NULL: there are no rules */
bool	guard_counts(struct guard *g, const char *name, struct guard_counts *out);
void	guard_counters(struct guard *g, dp_counter_fn *fn, void *ctx);
/* Removes what carries our names, of whatever tunnel and life; `before` each. How many sets, or a negative errno. */
typedef void guard_name_fn(void *ctx, const char *name);
int	guard_purge(const struct host *host, guard_name_fn *before, void *ctx);

#endif
