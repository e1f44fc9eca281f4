/* mgre/guard.h: rules of our own in the packet filter, one set for each tunnel: TCP's MSS is lowered (`ip tcp adjust-mss`), and GRE that
 * no ESP has transformed, or will, is dropped: the second lock beside the IPsec policies (see guard.c). Or, for plain IPsec of the user
 * plane, what comes in clear although an SA is for it is dropped (RFC 4301, 5.2). */
#ifndef MGRE_GUARD_H
#define MGRE_GUARD_H

#include "lib/dplane.h"
#include "lib/host.h"

enum { GUARD_LINES_MAX = 32 };
struct guard_line {	/* an SA carries it */
	struct dp_range near, far;
};

struct guard_want {
	char name[DP_NAME];	/* the interface */
	bool has_key;
	uint32_t key;
	struct addr source;	/* without a key, GRE is told by our address; without either it cannot be */
	unsigned mss4, mss6;	/* TCP payload in one packet, of each family; 0: left alone */
	char outside[DP_NAME];	/* with lines, and then nothing of the above: the interface their packets may not come by */
	struct guard_line line[GUARD_LINES_MAX];
	unsigned n_line;
};

struct guard_counts {
	uint64_t mss, clear_out, clear_in;	/* SYNs made smaller; GRE dropped */
	uint64_t line_in;	/* dropped because of a line */
};

struct guard;
struct guard *guard_new(const struct host *host);	/* NULL without memory */
struct guard *guard_new_quiet(const struct host *host);	/* says nothing where the kernel cannot do it */
bool	guard_takes_lines(const struct guard *g);
void	guard_free(struct guard *g);	/* the lock and lines stay, the rest goes */
bool	guard_probe(const struct host *host, char *err, size_t errlen);	/* whether this kernel can do it; leaves nothing behind */

int	guard_set(struct guard *g, const struct guard_want *w);	/* 0 or a negative errno; as set before: nothing is done */
void	guard_del(struct guard *g, const char *name);
const char *guard_word(const struct guard *g, const char *name);	/* "nftables", "iptables-legacy"; NULL: there are no rules */
bool	guard_counts(struct guard *g, const char *name, struct guard_counts *out);
void	guard_counters(struct guard *g, dp_counter_fn *fn, void *ctx);
void	guard_line_counters(struct guard *g, dp_counter_fn *fn, void *ctx);
int	guard_sweep(struct guard *g);	/* removes lines of an earlier life, of names that are not set now; how many, or a negative errno */
/* Removes what carries our names, of whatever tunnel and life; `before` each. How many sets, or a negative errno. */
typedef void guard_name_fn(void *ctx, const char *name);
int	guard_purge(const struct host *host, guard_name_fn *before, void *ctx);

#endif
