/* lib/claims.h: what somebody may claim for himself in the tunnel: addresses of his own, prefixes behind him, and a group for QoS.
 *
 * A list is immutable once made, one piece of memory, and short: CLAIMS_MAX items. It says something about a kind of claim and a
 * family, or it does not; of what it does not speak of, nothing is forbidden. No list at all (NULL) speaks of nothing. */
#ifndef LIB_CLAIMS_H
#define LIB_CLAIMS_H

#include "lib/addr.h"
#include "lib/env.h"

enum { CLAIMS_MAX = 64, CLAIMS_SOURCE_MAX = 96, CLAIMS_TEXT_MAX = 256, CLAIMS_GROUPS_MAX = 8, CLAIMS_GROUP_MAX = 32 };
enum { CLAIM_ADDRESS = 1, CLAIM_PREFIX = 2, CLAIM_BOTH = 3 };	/* kinds; masks */
enum { CLAIM_V4 = 1, CLAIM_V6 = 2, CLAIM_ANY = 3 };	/* families; masks */

struct claims_item {
	struct prefix p;
	uint8_t kinds;
};

struct claims {
	uint8_t says[CLAIM_BOTH];	/* by kind: the families it speaks of */
	bool says_groups;
	uint8_t n_group;
	char group[CLAIMS_GROUPS_MAX][CLAIMS_GROUP_MAX + 1];
	unsigned n;
	char source[CLAIMS_SOURCE_MAX];	/* who says so, in words: "certificate's SAN" */
	struct claims_item item[CLAIMS_MAX];	/* of a copy only the first n are there */
};

void	claims_say(struct claims *c, unsigned kinds, unsigned families);	/* from now on what is not listed is forbidden */
bool	claims_add(struct claims *c, unsigned kinds, const struct prefix *p);	/* false: full */
bool	claims_speak(const struct claims *c, unsigned kind, uint8_t family);	/* family 4 or 16; c may be NULL */
bool	claims_allow(const struct claims *c, unsigned kind, const struct prefix *p);	/* also what it does not speak of */
void	claims_say_groups(struct claims *c);	/* none but those added; and to claim none is always allowed */
bool	claims_add_group(struct claims *c, struct span name);	/* false: full, or no name of 1 to CLAIMS_GROUP_MAX octets without NUL */
bool	claims_allow_group(const struct claims *c, struct span name);
bool	claims_eq(const struct claims *a, const struct claims *b);	/* NULL is equal to one that speaks of nothing */
/* A copy of just the room it needs, from env; NULL also for a list that speaks of nothing (then *ok stays true). */
struct claims *claims_copy(const struct env *env, const struct claims *c, bool *ok);
/* "10.255.0.2 and 10.255.0.3 (certificate's SAN)", "nothing (...)"; cut where there are many. */
char	*claims_fmt(const struct claims *c, unsigned kind, char out[static CLAIMS_TEXT_MAX]);

char	*claims_fmt_groups(const struct claims *c, char out[static CLAIMS_TEXT_MAX]);

/* A template is the text of an address or prefix with CLAIMS_HOLE in it, which `number` fills. False: that makes no prefix. */
#define CLAIMS_HOLE "{n}"
bool	claims_fill(const char *template, const char *number, struct prefix *out);

#endif
