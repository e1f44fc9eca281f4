/* nhrpd/daemon/store.h: where registrations are kept over a restart: rows by tunnel, network and prefix, written in batches; and
 * beside them the IKE SAs that are up, rows by their SPIs.
 *
 * An engine of the store is what stands behind these functions: store_sqlite.c, or store_none.c where SQLite was not found. One
 * that several hubs share can take their place. What is written when, and what is done about errors, is keep.c's. */
#ifndef NHRPD_DAEMON_STORE_H
#define NHRPD_DAEMON_STORE_H

#include "lib/addr.h"
#include "lib/span.h"

struct store_entry {
	const char *tunnel;	/* name of the interface */
	uint32_t network_id;
	struct prefix prefix;
	unsigned type;	/* enum nhrp_cache_type */
	struct addr nbma, nbma_claimed;
	struct span identity;
	bool unique;
	uint16_t mtu;
	uint32_t hold_s;	/* from when it was written: no more than this is left of it, whatever happened to the clock */
	int64_t expires;	/* seconds since 1970 */
	struct span group;
};

struct store_sa {	/* an IKE SA that is up: whom to tell after a restart */
	uint64_t spi_i, spi_r;
	bool initiator;
	struct endpoint local, remote;
	int64_t expires;
};

enum store_error {
	STORE_OK,
	STORE_ABSENT,	/* there is none, and it was not to be made */
	STORE_BUSY,	/* another process has it */
	STORE_DAMAGED,	/* store_set_aside() and begin anew */
	STORE_FOREIGN,	/* not ours: leave it alone */
	STORE_FAILED,	/* disk full, read-only, no memory, ... : may work later */
	STORE_NONE,	/* there is no engine in this build */
};

struct store;
/* Opens it, for this process alone. create: where it is not there it is made, and so is its folder, for the owner only.
 * NULL: *e and `why`. */
struct store *store_open(const char *path, bool create, enum store_error *e, char *why, size_t n);
void	store_close(struct store *s);	/* what was not committed is gone; NULL is fine */
/* Moves a damaged one out of the way; its new name in `to`. False: could not, or the file does not look like one of ours; why. */
bool	store_set_aside(const char *path, int64_t now, char *to, size_t to_n, char *why, size_t n);

/* A batch: begin, any number of changes, commit. An error spoils the batch: store_commit() tells, and nothing of it is kept. */
void	store_begin(struct store *s);
void	store_put(struct store *s, const struct store_entry *e);	/* adds or replaces */
void	store_del(struct store *s, const char *tunnel, uint32_t network_id, const struct prefix *p);	/* one that is not there: fine */
void	store_forget(struct store *s, const char *tunnel, uint32_t network_id);	/* all of a tunnel */
void	store_expire(struct store *s, int64_t now);	/* all that are over, of any tunnel, and SAs */
void	store_sa_put(struct store *s, const struct store_sa *sa);	/* adds or replaces, by SPIs */
void	store_sa_del(struct store *s, uint64_t spi_i, uint64_t spi_r);
void	store_sa_forget(struct store *s);	/* all */
enum store_error store_commit(struct store *s);

typedef void store_fn(void *ctx, const struct store_entry *e);
enum store_error store_load(struct store *s, const char *tunnel, uint32_t network_id, store_fn *fn, void *ctx);
typedef void store_sa_fn(void *ctx, const struct store_sa *sa);
enum store_error store_sa_load(struct store *s, store_sa_fn *fn, void *ctx);
const char *store_why(const struct store *s);	/* of the last error, in words */

#endif
