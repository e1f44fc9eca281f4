/* nhrpd/daemon/store_none.c: the store of a build without SQLite. */
#include "nhrpd/daemon/store.h"

#include <stdio.h>

struct store *
store_open(const char *path, bool create, enum store_error *e, char *why, size_t n)
{
	(void)path, (void)create;
	*e = STORE_NONE;
	snprintf(why, n, "this nhrpd was built without SQLite");
	return NULL;
}

void
store_close(struct store *s)
{
	(void)s;
}

bool
store_set_aside(const char *path, int64_t now, char *to, size_t to_n, char *why, size_t n)
{
	(void)path, (void)now, (void)to, (void)to_n, (void)why, (void)n;
	return false;
}

void
store_begin(struct store *s)
{
	(void)s;
}

void
store_put(struct store *s, const struct store_entry *e)
{
	(void)s, (void)e;
}

void
store_del(struct store *s, const char *tunnel, uint32_t network_id, const struct prefix *p)
{
	(void)s, (void)tunnel, (void)network_id, (void)p;
}

void
store_forget(struct store *s, const char *tunnel, uint32_t network_id)
{
	(void)s, (void)tunnel, (void)network_id;
}

void
store_expire(struct store *s, int64_t now)
{
	(void)s, (void)now;
}

void
store_sa_put(struct store *s, const struct store_sa *sa)
{
	(void)s, (void)sa;
}

void
store_sa_del(struct store *s, uint64_t spi_i, uint64_t spi_r)
{
	(void)s, (void)spi_i, (void)spi_r;
}

void
store_sa_forget(struct store *s)
{
	(void)s;
}

enum store_error
store_sa_load(struct store *s, store_sa_fn *fn, void *ctx)
{
	(void)s, (void)fn, (void)ctx;
	return STORE_NONE;
}

enum store_error
store_commit(struct store *s)
{
	(void)s;
	return STORE_NONE;
}

enum store_error
store_load(struct store *s, const char *tunnel, uint32_t network_id, store_fn *fn, void *ctx)
{
	(void)s, (void)tunnel, (void)network_id, (void)fn, (void)ctx;
	return STORE_NONE;
}

const char *
store_why(const struct store *s)
{
	(void)s;
	return "";
}
