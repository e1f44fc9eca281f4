/* nhrpd/daemon/store_sqlite.c: the store as an SQLite file in WAL mode.
 *
 * The file is locked for as long as it is open (exclusive locking mode, which also does without shared memory): two daemons
 * that wrote into one file would bring each other's registrations back. Locks are the kernel's and end with the process,
 * however it ends. A commit reaches the log without waiting for the disk (synchronous NORMAL): a power failure may lose the last
 * batches, never more, and a kill -9 none.
 *
 * The file carries our application id and a version of its layout. Another program's database is left alone; a layout we do
 * not know, like damage, is set aside: what is in there will be registered anew within minutes. */
#include "nhrpd/daemon/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "nhrpd/daemon/folder.h"

enum { APPLICATION_ID = 0x4e485250 /* "NHRP" */, LAYOUT = 2, LAYOUT_BEFORE = 1 /* without groups */, WAL_LIMIT = 4 << 20 };

static const char set_up[] = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; "
    "PRAGMA temp_store=MEMORY;";
static const char layout[] =
    "CREATE TABLE IF NOT EXISTS mapping(tunnel TEXT NOT NULL, network INTEGER NOT NULL, prefix TEXT NOT NULL, type INTEGER NOT NULL, "
    "nbma TEXT NOT NULL, claimed TEXT NOT NULL, identity BLOB NOT NULL, uniq INTEGER NOT NULL, mtu INTEGER NOT NULL, "
    "hold INTEGER NOT NULL, expires INTEGER NOT NULL, grp BLOB NOT NULL DEFAULT x'', PRIMARY KEY(tunnel, network, prefix)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS sa(spi_i INTEGER NOT NULL, spi_r INTEGER NOT NULL, initiator INTEGER NOT NULL, local TEXT NOT NULL, "
    "local_port INTEGER NOT NULL, remote TEXT NOT NULL, remote_port INTEGER NOT NULL, expires INTEGER NOT NULL, "
    "PRIMARY KEY(spi_i, spi_r)) WITHOUT ROWID;";

enum query { Q_PUT, Q_DEL, Q_FORGET, Q_EXPIRE, Q_LOAD, Q_SA_PUT, Q_SA_DEL, Q_SA_FORGET, Q_SA_EXPIRE, Q_SA_LOAD, Q_BEGIN, Q_COMMIT, QUERIES };

static const char *const query_text[QUERIES] = {
	[Q_PUT] = "INSERT OR REPLACE INTO mapping VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",	/* in the order of `layout` */
	[Q_DEL] = "DELETE FROM mapping WHERE tunnel = ? AND network = ? AND prefix = ?",
	[Q_FORGET] = "DELETE FROM mapping WHERE tunnel = ? AND network = ?",
	[Q_EXPIRE] = "DELETE FROM mapping WHERE expires <= ?",
	[Q_LOAD] = "SELECT prefix, type, nbma, claimed, identity, uniq, mtu, hold, expires, grp FROM mapping WHERE tunnel = ? AND network = ?",
	[Q_SA_PUT] = "INSERT OR REPLACE INTO sa VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
	[Q_SA_DEL] = "DELETE FROM sa WHERE spi_i = ? AND spi_r = ?",
	[Q_SA_FORGET] = "DELETE FROM sa",
	[Q_SA_EXPIRE] = "DELETE FROM sa WHERE expires <= ?",
	[Q_SA_LOAD] = "SELECT spi_i, spi_r, initiator, local, local_port, remote, remote_port, expires FROM sa",
	[Q_BEGIN] = "BEGIN IMMEDIATE",
	[Q_COMMIT] = "COMMIT",
};

struct store {
	sqlite3 *db;
	sqlite3_stmt *q[QUERIES];
	enum store_error bad;	/* of this batch */
	int layout;	/* of the file as found; 0: a new one */
	char why[160];
};

/* ---- errors */

static enum store_error
error_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return STORE_OK;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT:
		return STORE_DAMAGED;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return STORE_BUSY;
	default:	/* codes of SQLite, not our enum */
		return STORE_FAILED;
	}
}

static enum store_error
note(struct store *s, enum store_error e, const char *why)
{
	if (e != STORE_OK && s->bad == STORE_OK) {
		s->bad = e;
		snprintf(s->why, sizeof(s->why), "%s", why);
	}
	return e;
}

static enum store_error
check(struct store *s, int rc)
{
	enum store_error e = error_of(rc);

	return note(s, e, e == STORE_BUSY ? "another process has it open" : sqlite3_errmsg(s->db));
}

const char *
store_why(const struct store *s)
{
	return s->why;
}

/* ---- opening */

/* Made here and not by SQLite, so that nobody but the owner can ever read it. */
static enum store_error
make_file(const char *path, bool create, char *why, size_t n)
{
	struct stat st;
	int fd;

	if (stat(path, &st) == 0) {
		if (S_ISREG(st.st_mode))
			return STORE_OK;
		snprintf(why, n, "not a regular file");
		return STORE_FOREIGN;
	}
	if (!create && (errno == ENOENT || errno == ENOTDIR))
		return STORE_ABSENT;
	if (create && !folder_make(path, why, n))
		return STORE_FAILED;
	fd = create ? open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
	if (fd < 0) {
		snprintf(why, n, "%s", strerror(errno));
		return STORE_FAILED;
	}
	close(fd);
	return STORE_OK;
}

static bool
answer(struct store *s, const char *sql, char *out, size_t n)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &q, NULL);
	const unsigned char *text;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(q);
	text = rc == SQLITE_ROW ? sqlite3_column_text(q, 0) : NULL;
	snprintf(out, n, "%s", text ? (const char *)text : "");
	check(s, rc);
	sqlite3_finalize(q);
	return rc == SQLITE_ROW;
}

/* Whose it is, before anything is changed in it. */
static bool
ours(struct store *s)
{
	char id[32], version[32], tables[32];

	if (!answer(s, "PRAGMA application_id", id, sizeof(id)) || !answer(s, "PRAGMA user_version", version, sizeof(version)) ||
	    !answer(s, "SELECT count(*) FROM sqlite_master", tables, sizeof(tables)))
		return false;
	if (strcmp(tables, "0") == 0 && strcmp(id, "0") == 0)
		return true;	/* new, or the start of it was cut off */
	if (strtol(id, NULL, 10) != APPLICATION_ID)
		note(s, STORE_FOREIGN, "a database of another program");
	s->layout = (int)strtol(version, NULL, 10);
	if (s->bad == STORE_OK && s->layout != LAYOUT && s->layout != LAYOUT_BEFORE)
		note(s, STORE_DAMAGED, "its layout is of another version of nhrpd");
	return s->bad == STORE_OK;
}

static bool
execute(struct store *s, const char *sql)
{
	return check(s, sqlite3_exec(s->db, sql, NULL, NULL, NULL)) == STORE_OK;
}

static bool
lay_out(struct store *s)
{
	char text[160];

	snprintf(text, sizeof(text), "PRAGMA synchronous=NORMAL; PRAGMA journal_size_limit=%d;", WAL_LIMIT);
	if (!execute(s, text))
		return false;
	snprintf(text, sizeof(text), "PRAGMA application_id=%d; PRAGMA user_version=%d;", APPLICATION_ID, LAYOUT);
	return execute(s, "BEGIN IMMEDIATE") && execute(s, text) && execute(s, layout) &&
	    (s->layout != LAYOUT_BEFORE || execute(s, "ALTER TABLE mapping ADD COLUMN grp BLOB NOT NULL DEFAULT x''")) && execute(s, "COMMIT");
}

static bool
prepare(struct store *s)
{
	for (int i = 0; i < QUERIES; i++) {
		int rc = sqlite3_prepare_v3(s->db, query_text[i], -1, SQLITE_PREPARE_PERSISTENT, &s->q[i], NULL);

		if (rc == SQLITE_ERROR)	/* a table of that name without our columns */
			note(s, STORE_DAMAGED, sqlite3_errmsg(s->db));
		else
			check(s, rc);
	}
	return s->bad == STORE_OK;
}

static bool
start(struct store *s)
{
	char text[160];

	if (!execute(s, set_up) || !ours(s) || !answer(s, "PRAGMA journal_mode=WAL", text, sizeof(text)))
		return false;
	if (strcmp(text, "wal") != 0)
		return note(s, STORE_FAILED, "cannot be written to"), false;
	if (!answer(s, "PRAGMA quick_check(1)", text, sizeof(text)))
		return false;
	if (strcmp(text, "ok") != 0)
		return note(s, STORE_DAMAGED, text), false;
	return lay_out(s) && prepare(s);
}

struct store *
store_open(const char *path, bool create, enum store_error *e, char *why, size_t n)
{
	struct store *s;
	int rc;

	*e = make_file(path, create, why, n);
	if (*e != STORE_OK)
		return NULL;
	s = calloc(1, sizeof(*s));
	if (!s) {
		*e = STORE_FAILED;
		snprintf(why, n, "out of memory");
		return NULL;
	}
	rc = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	if (check(s, rc) == STORE_OK && start(s))
		return s;
	*e = s->bad != STORE_OK ? s->bad : STORE_FAILED;
	snprintf(why, n, "%s", s->why);
	store_close(s);
	return NULL;
}

void
store_close(struct store *s)
{
	if (!s)
		return;
	for (int i = 0; i < QUERIES; i++)
		sqlite3_finalize(s->q[i]);
	sqlite3_close(s->db);
	free(s);
}

/* A slip in the configuration may name any file of the system. Ours are readable by the owner only. */
bool
store_set_aside(const char *path, int64_t now, char *to, size_t to_n, char *why, size_t n)
{
	static const char *const part[] = { "-wal", "-journal", "" };	/* the file itself last: without its log it would be older */
	char from[PATH_MAX + 16], name[PATH_MAX + 64], stamp[32];
	time_t at = (time_t)now;
	struct stat st;
	struct tm tm;

	if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode) || (st.st_mode & 077) != 0 || st.st_uid != geteuid()) {
		snprintf(why, n, "not made by nhrpd (it would have mode 0600): left alone");
		return false;
	}
	if (!gmtime_r(&at, &tm) || !strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm))
		snprintf(stamp, sizeof(stamp), "%lld", (long long)now);
	snprintf(to, to_n, "%s.damaged-%s", path, stamp);
	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
		snprintf(from, sizeof(from), "%s%s", path, part[i]);
		snprintf(name, sizeof(name), "%s%s", to, part[i]);
		if (rename(from, name) != 0 && (errno != ENOENT || !part[i][0])) {
			snprintf(why, n, "%s", strerror(errno));
			return false;
		}
	}
	return true;
}

/* ---- changes */

static void
run(struct store *s, enum query q)
{
	check(s, sqlite3_step(s->q[q]));
	sqlite3_reset(s->q[q]);
	sqlite3_clear_bindings(s->q[q]);
}

static void
bind_text(struct store *s, enum query q, int at, const char *text)
{
	check(s, sqlite3_bind_text(s->q[q], at, text, -1, SQLITE_TRANSIENT));
}

static void
bind_number(struct store *s, enum query q, int at, int64_t v)
{
	check(s, sqlite3_bind_int64(s->q[q], at, v));
}

static void
bind_addr(struct store *s, enum query q, int at, const struct addr *a)
{
	char text[ADDR_STRLEN];

	bind_text(s, q, at, a->n ? addr_fmt(a, text) : "");
}

static void
bind_blob(struct store *s, enum query q, int at, struct span v)
{
	check(s, sqlite3_bind_blob(s->q[q], at, v.n ? (const void *)v.p : "", (int)v.n, SQLITE_TRANSIENT));
}

static void
bind_key(struct store *s, enum query q, const char *tunnel, uint32_t network_id, const struct prefix *p)
{
	char text[PREFIX_STRLEN];

	bind_text(s, q, 1, tunnel);
	bind_number(s, q, 2, network_id);
	if (p)
		bind_text(s, q, 3, prefix_fmt(p, text));
}

void
store_begin(struct store *s)
{
	s->bad = STORE_OK;
	run(s, Q_BEGIN);
}

void
store_put(struct store *s, const struct store_entry *e)
{
	if (s->bad != STORE_OK)
		return;
	bind_key(s, Q_PUT, e->tunnel, e->network_id, &e->prefix);
	bind_number(s, Q_PUT, 4, e->type);
	bind_addr(s, Q_PUT, 5, &e->nbma);
	bind_addr(s, Q_PUT, 6, &e->nbma_claimed);
	bind_blob(s, Q_PUT, 7, e->identity);
	bind_number(s, Q_PUT, 8, e->unique);
	bind_number(s, Q_PUT, 9, e->mtu);
	bind_number(s, Q_PUT, 10, e->hold_s);
	bind_number(s, Q_PUT, 11, e->expires);
	bind_blob(s, Q_PUT, 12, e->group);
	run(s, Q_PUT);
}

void
store_del(struct store *s, const char *tunnel, uint32_t network_id, const struct prefix *p)
{
	if (s->bad != STORE_OK)
		return;
	bind_key(s, Q_DEL, tunnel, network_id, p);
	run(s, Q_DEL);
}

void
store_forget(struct store *s, const char *tunnel, uint32_t network_id)
{
	if (s->bad != STORE_OK)
		return;
	bind_key(s, Q_FORGET, tunnel, network_id, NULL);
	run(s, Q_FORGET);
}

void
store_expire(struct store *s, int64_t now)
{
	if (s->bad != STORE_OK)
		return;
	bind_number(s, Q_EXPIRE, 1, now);
	run(s, Q_EXPIRE);
	bind_number(s, Q_SA_EXPIRE, 1, now);
	run(s, Q_SA_EXPIRE);
}

/* SPIs use all 64 bits; SQLite's integers have as many, with a sign. */
static void
bind_spis(struct store *s, enum query q, uint64_t spi_i, uint64_t spi_r)
{
	bind_number(s, q, 1, (int64_t)spi_i);
	bind_number(s, q, 2, (int64_t)spi_r);
}

void
store_sa_put(struct store *s, const struct store_sa *sa)
{
	if (s->bad != STORE_OK)
		return;
	bind_spis(s, Q_SA_PUT, sa->spi_i, sa->spi_r);
	bind_number(s, Q_SA_PUT, 3, sa->initiator);
	bind_addr(s, Q_SA_PUT, 4, &sa->local.addr);
	bind_number(s, Q_SA_PUT, 5, sa->local.port);
	bind_addr(s, Q_SA_PUT, 6, &sa->remote.addr);
	bind_number(s, Q_SA_PUT, 7, sa->remote.port);
	bind_number(s, Q_SA_PUT, 8, sa->expires);
	run(s, Q_SA_PUT);
}

void
store_sa_del(struct store *s, uint64_t spi_i, uint64_t spi_r)
{
	if (s->bad != STORE_OK)
		return;
	bind_spis(s, Q_SA_DEL, spi_i, spi_r);
	run(s, Q_SA_DEL);
}

void
store_sa_forget(struct store *s)
{
	if (s->bad == STORE_OK)
		run(s, Q_SA_FORGET);
}

enum store_error
store_commit(struct store *s)
{
	if (s->bad == STORE_OK)
		run(s, Q_COMMIT);
	if (s->bad != STORE_OK && !sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return s->bad;
}

/* ---- reading */

static const char *
text_at(sqlite3_stmt *q, int at)
{
	const unsigned char *t = sqlite3_column_text(q, at);

	return t ? (const char *)t : "";
}

/* False: a row that makes no sense. Whether it may be believed is the engine's to say. */
static bool
row(sqlite3_stmt *q, struct store_entry *e)
{
	int64_t type = sqlite3_column_int64(q, 1), mtu = sqlite3_column_int64(q, 6), hold = sqlite3_column_int64(q, 7);

	if (!prefix_parse(text_at(q, 0), &e->prefix) || !addr_parse(text_at(q, 2), &e->nbma) || !addr_parse(text_at(q, 3), &e->nbma_claimed))
		return false;
	if (type < 0 || type > UINT8_MAX || mtu < 0 || mtu > UINT16_MAX || hold < 0 || hold > UINT32_MAX)
		return false;
	e->type = (unsigned)type;
	e->identity = span_of(sqlite3_column_blob(q, 4), (size_t)sqlite3_column_bytes(q, 4));
	e->unique = sqlite3_column_int(q, 5) != 0;
	e->mtu = (uint16_t)mtu;
	e->hold_s = (uint32_t)hold;
	e->expires = sqlite3_column_int64(q, 8);
	e->group = span_of(sqlite3_column_blob(q, 9), (size_t)sqlite3_column_bytes(q, 9));
	return true;
}

enum store_error
store_load(struct store *s, const char *tunnel, uint32_t network_id, store_fn *fn, void *ctx)
{
	sqlite3_stmt *q = s->q[Q_LOAD];
	int rc;

	s->bad = STORE_OK;
	bind_key(s, Q_LOAD, tunnel, network_id, NULL);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		struct store_entry e = { .tunnel = tunnel, .network_id = network_id };

		if (row(q, &e))
			fn(ctx, &e);
	}
	check(s, rc);
	sqlite3_reset(q);
	sqlite3_clear_bindings(q);
	return s->bad;
}

static bool
sa_row(sqlite3_stmt *q, struct store_sa *sa)
{
	int64_t local = sqlite3_column_int64(q, 4), remote = sqlite3_column_int64(q, 6);

	if (!addr_parse(text_at(q, 3), &sa->local.addr) || !addr_parse(text_at(q, 5), &sa->remote.addr) || local <= 0 || local > UINT16_MAX ||
	    remote <= 0 || remote > UINT16_MAX)
		return false;
	sa->spi_i = (uint64_t)sqlite3_column_int64(q, 0);
	sa->spi_r = (uint64_t)sqlite3_column_int64(q, 1);
	sa->initiator = sqlite3_column_int(q, 2) != 0;
	sa->local.port = (uint16_t)local;
	sa->remote.port = (uint16_t)remote;
	sa->expires = sqlite3_column_int64(q, 7);
	return true;
}

enum store_error
store_sa_load(struct store *s, store_sa_fn *fn, void *ctx)
{
	sqlite3_stmt *q = s->q[Q_SA_LOAD];
	int rc;

	s->bad = STORE_OK;
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		struct store_sa sa = { 0 };

		if (sa_row(q, &sa))
			fn(ctx, &sa);
	}
	check(s, rc);
	sqlite3_reset(q);
	return s->bad;
}
