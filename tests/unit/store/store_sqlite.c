/* Twin of nhrpd/daemon/store_sqlite.c: what goes in comes out, batches are whole, and what can happen to a file. */
#include "nhrpd/daemon/store.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/store/place.h"

static char why[200];
static enum store_error bad;
static struct {
	struct store_entry e[8];
	char identity[8][300];
	unsigned n;
} got;

static struct store *
opened(bool create)
{
	struct store *s = store_open(db, create, &bad, why, sizeof(why));

	ck_assert_msg(s != NULL, "%d %s", bad, why);
	return s;
}

static struct store_entry
entry(const char *tunnel, uint32_t net, const char *prefix, int64_t expires)
{
	return (struct store_entry){ .tunnel = tunnel, .network_id = net, .prefix = P(prefix), .type = 4, .nbma = A("203.0.113.7"),
		.nbma_claimed = A("192.168.1.2"), .identity = SPAN_STR("fqdn spoke.example"), .unique = true, .mtu = 1400, .hold_s = 600,
		.expires = expires, .group = SPAN_STR("gold") };
}

static enum store_error
put(struct store *s, const struct store_entry *e)
{
	store_begin(s);
	store_put(s, e);
	return store_commit(s);
}

static void
take(void *ctx, const struct store_entry *e)
{
	(void)ctx;
	if (got.n < 8) {
		got.e[got.n] = *e;
		snprintf(got.identity[got.n], sizeof(got.identity[0]), "%.*s", (int)e->identity.n, (const char *)e->identity.p);
		ck_assert(span_eq(e->group, SPAN_STR("gold")) || !e->group.n);
	}
	got.n++;
}

static unsigned
load(struct store *s, const char *tunnel, uint32_t net)
{
	got.n = 0;
	ck_assert_int_eq(store_load(s, tunnel, net, take, NULL), STORE_OK);
	return got.n;
}

START_TEST(in_and_out)
{
	struct store_entry e = entry("dmvpn0", 1, "10.255.0.2/32", 4000000000), six = entry("dmvpn0", 1, "2001:db8::2/128", 7);
	struct stat st;
	struct store *s;

	ck_assert_ptr_null(store_open(db, false, &bad, why, sizeof(why)));
	ck_assert_int_eq(bad, STORE_ABSENT);
	s = opened(true);
	six.nbma = six.nbma_claimed = A("2001:db8:ffff::9");
	six.identity = SPAN_STR("");
	six.unique = false;
	ck_assert_int_eq(put(s, &e), STORE_OK);
	ck_assert_int_eq(put(s, &six), STORE_OK);
	e.mtu = 1300;
	ck_assert_int_eq(put(s, &e), STORE_OK);	/* in its place */
	e.network_id = 2;
	ck_assert_int_eq(put(s, &e), STORE_OK);
	e.tunnel = "dmvpn1";
	ck_assert_int_eq(put(s, &e), STORE_OK);
	store_close(s);
	ck_assert_int_eq(stat(db, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	*strrchr(strcpy(why, db), '/') = '\0';
	ck_assert_int_eq(stat(why, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0700);
	s = opened(false);
	ck_assert_uint_eq(load(s, "dmvpn0", 1), 2);
	ck_assert(prefix_eq(&got.e[0].prefix, &(struct prefix){ A("10.255.0.2"), 32 }));
	ck_assert_uint_eq(got.e[0].type, 4);
	ck_assert(addr_eq(&got.e[0].nbma, &(struct addr){ .n = 4, .b = { 203, 0, 113, 7 } }));
	ck_assert(addr_eq(&got.e[0].nbma_claimed, &(struct addr){ .n = 4, .b = { 192, 168, 1, 2 } }));
	ck_assert_str_eq(got.identity[0], "fqdn spoke.example");
	ck_assert(got.e[0].unique && !got.e[1].unique);
	ck_assert_uint_eq(got.e[0].mtu, 1300);
	ck_assert_uint_eq(got.e[0].hold_s, 600);
	ck_assert_int_eq(got.e[0].expires, 4000000000);
	ck_assert_str_eq(got.identity[1], "");
	ck_assert_uint_eq(load(s, "dmvpn0", 2), 1);
	ck_assert_uint_eq(load(s, "dmvpn1", 2), 1);
	ck_assert_uint_eq(load(s, "dmvpn1", 1), 0);
	store_begin(s);
	store_del(s, "dmvpn0", 1, &e.prefix);
	store_del(s, "dmvpn0", 9, &e.prefix);	/* not there */
	store_forget(s, "dmvpn1", 2);
	ck_assert_int_eq(store_commit(s), STORE_OK);
	ck_assert_uint_eq(load(s, "dmvpn0", 1), 1);
	ck_assert_uint_eq(load(s, "dmvpn1", 2), 0);
	store_begin(s);
	store_expire(s, 7);
	ck_assert_int_eq(store_commit(s), STORE_OK);
	ck_assert_uint_eq(load(s, "dmvpn0", 1), 0);
	ck_assert_uint_eq(load(s, "dmvpn0", 2), 1);
	store_close(s);
}
END_TEST

START_TEST(a_batch_is_whole)
{
	struct store_entry a = entry("t", 1, "10.0.0.1/32", 9), b = entry("t", 1, "10.0.0.2/32", 9);
	struct store *s = opened(true);

	ck_assert_int_eq(put(s, &a), STORE_OK);
	store_begin(s);
	store_put(s, &b);
	store_del(s, "t", 1, &a.prefix);
	store_close(s);	/* never committed */
	s = opened(false);
	ck_assert_uint_eq(load(s, "t", 1), 1);
	ck_assert(prefix_eq(&got.e[0].prefix, &a.prefix));
	store_close(s);
}
END_TEST

/* Killed between batches: all that was committed is there, with no orderly end. And the lock ends with the process. */
START_TEST(two_processes_and_a_kill)
{
	struct store_entry a = entry("t", 1, "10.0.0.1/32", 9);
	struct store *s;
	int ready[2];
	char c;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		s = store_open(db, true, &bad, why, sizeof(why));
		c = s && put(s, &a) == STORE_OK ? 'y' : 'n';
		store_begin(s);
		store_forget(s, "t", 1);
		if (write(ready[1], &c, 1) == 1)
			pause();
		_exit(1);
	}
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	ck_assert_int_eq(c, 'y');
	for (int create = 0; create < 2; create++) {
		ck_assert_ptr_null(store_open(db, create, &bad, why, sizeof(why)));
		ck_assert_int_eq(bad, STORE_BUSY);
		ck_assert_str_eq(why, "another process has it open");
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	s = opened(false);
	ck_assert_uint_eq(load(s, "t", 1), 1);
	store_close(s);
}
END_TEST

static void
fill(unsigned n)
{
	struct store *s = opened(true);
	char text[32];

	store_begin(s);
	for (unsigned i = 0; i < n; i++) {
		struct store_entry e;

		snprintf(text, sizeof(text), "10.%u.%u.%u/32", i >> 16 & 255, i >> 8 & 255, i & 255);
		e = entry("t", 1, text, 9);
		store_put(s, &e);
	}
	ck_assert_int_eq(store_commit(s), STORE_OK);
	store_close(s);
}

static void
garbage(void)
{
	ck_assert_int_eq(truncate(db, 0), 0);
	place_scribble(db, 0, 5000);
}

static void
few_octets(void)
{
	ck_assert_int_eq(truncate(db, 50), 0);
}

static void
last_page_missing(void)
{
	struct stat st;

	ck_assert_int_eq(stat(db, &st), 0);
	ck_assert_int_eq(truncate(db, st.st_size - 4096), 0);
}

static void
half(void)
{
	struct stat st;

	ck_assert_int_eq(stat(db, &st), 0);
	ck_assert_int_eq(truncate(db, st.st_size / 2 + 100), 0);
}

static void
scribbled(void)
{
	place_scribble(db, 3 * 4096, 4096);
}

static void
sql(const char *text)
{
	sqlite3 *h;

	ck_assert_int_eq(sqlite3_open(db, &h), SQLITE_OK);
	ck_assert_msg(sqlite3_exec(h, text, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", text, sqlite3_errmsg(h));
	sqlite3_close(h);
}

static void
newer(void)
{
	sql("PRAGMA user_version=3");
}

static void
other_columns(void)
{
	sql("DROP TABLE mapping; CREATE TABLE mapping(a, b)");
}

/* A file of the release before groups. */
START_TEST(layout_before_is_taken_over)
{
	struct store *s;

	fill(3);
	sql("ALTER TABLE mapping DROP COLUMN grp; PRAGMA user_version=1");
	s = opened(true);
	ck_assert_uint_eq(load(s, "t", 1), 3);
	store_close(s);
	s = opened(true);	/* and once only */
	ck_assert_uint_eq(load(s, "t", 1), 3);
	store_close(s);
}
END_TEST

START_TEST(damage_is_set_aside)
{
	static void (*const how[])(void) = { garbage, few_octets, last_page_missing, half, scribbled, newer, other_columns };
	char to[200];
	struct store *s;

	for (unsigned i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
		fill(2000);
		how[i]();
		ck_assert_msg(store_open(db, i & 1, &bad, why, sizeof(why)) == NULL, "%u is not seen", i);
		ck_assert_msg(bad == STORE_DAMAGED && why[0], "%u: %d %s", i, bad, why);
		ck_assert(store_set_aside(db, 1700000000 + i, to, sizeof(to), why, sizeof(why)));
		ck_assert_msg(strstr(to, "x.db.damaged-20231114T2213") != NULL, "%s", to);
		ck_assert_int_eq(access(to, F_OK), 0);
		ck_assert_int_ne(access(db, F_OK), 0);
		s = opened(true);
		ck_assert_uint_eq(load(s, "t", 1), 0);
		store_close(s);
	}
	ck_assert_uint_eq(place_count("x.db.damaged-*Z"), sizeof(how) / sizeof(how[0]));
}
END_TEST

START_TEST(what_is_not_ours_is_left_alone)
{
	char to[200];

	fill(1);
	sql("PRAGMA application_id=77");
	ck_assert_ptr_null(store_open(db, true, &bad, why, sizeof(why)));
	ck_assert_int_eq(bad, STORE_FOREIGN);
	unlink(db);
	ck_assert_int_eq(mkdir(db, 0700), 0);
	ck_assert_ptr_null(store_open(db, true, &bad, why, sizeof(why)));
	ck_assert_int_eq(bad, STORE_FOREIGN);
	ck_assert_int_eq(rmdir(db), 0);
	fill(1);
	garbage();
	ck_assert_int_eq(chmod(db, 0644), 0);	/* `store /etc/passwd` */
	ck_assert_ptr_null(store_open(db, true, &bad, why, sizeof(why)));
	ck_assert_int_eq(bad, STORE_DAMAGED);
	ck_assert(!store_set_aside(db, 1, to, sizeof(to), why, sizeof(why)));
	ck_assert_int_eq(access(db, F_OK), 0);
}
END_TEST

START_TEST(no_place_to_write)
{
	static const char *const path[] = { "/proc/nowhere/x.db", "/dev/null/x.db", "/proc/self/comm" };

	for (unsigned i = 0; i < sizeof(path) / sizeof(path[0]); i++) {
		ck_assert_ptr_null(store_open(path[i], true, &bad, why, sizeof(why)));
		ck_assert_msg(bad == STORE_FAILED || bad == STORE_FOREIGN || bad == STORE_DAMAGED, "%s: %d", path[i], bad);
		ck_assert(why[0] != '\0');
	}
	ck_assert_ptr_null(store_open("/dev/null/x.db", false, &bad, why, sizeof(why)));
	ck_assert_int_eq(bad, STORE_ABSENT);
	if (geteuid() == 0)
		return;	/* root writes everywhere */
	fill(1);
	*strrchr(strcpy(why, db), '/') = '\0';
	ck_assert_int_eq(chmod(why, 0500), 0);
	ck_assert_int_eq(chmod(db, 0400), 0);
	ck_assert_ptr_null(store_open(db, true, &bad, why, sizeof(why)));
	ck_assert_int_eq(bad, STORE_FAILED);
	*strrchr(strcpy(why, db), '/') = '\0';
	ck_assert_int_eq(chmod(why, 0700), 0);
}
END_TEST

/* The batch is refused whole, and the next one works when there is room again. check itself writes files: not a word of it
 * while the limit stands. */
START_TEST(disk_full)
{
	struct rlimit was, full;
	struct store *s = opened(true);
	struct store_entry e = entry("t", 1, "10.0.0.1/32", 9);
	enum store_error at_commit;

	ck_assert_int_eq(put(s, &e), STORE_OK);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &was), 0);
	full = (struct rlimit){ 256 << 10, was.rlim_max };
	if (setrlimit(RLIMIT_FSIZE, &full) != 0)
		abort();
	store_begin(s);
	for (unsigned i = 2; i < 20000; i++) {
		e.prefix.addr.b[2] = (uint8_t)(i >> 8);
		e.prefix.addr.b[3] = (uint8_t)i;
		store_put(s, &e);
	}
	at_commit = store_commit(s);
	if (setrlimit(RLIMIT_FSIZE, &was) != 0)
		abort();
	ck_assert_int_eq(at_commit, STORE_FAILED);
	ck_assert(store_why(s)[0] != '\0');
	ck_assert_uint_eq(load(s, "t", 1), 1);
	e = entry("t", 1, "10.0.0.2/32", 9);
	ck_assert_int_eq(put(s, &e), STORE_OK);
	store_close(s);
	s = opened(false);
	ck_assert_uint_eq(load(s, "t", 1), 2);
	store_close(s);
}
END_TEST

START_TEST(rows_that_make_no_sense)
{
	struct store *s;

	fill(1);
	sql("INSERT INTO mapping VALUES('t', 1, 'nonsense', 4, '1.2.3.4', '1.2.3.4', '', 1, 1400, 600, 9, x'')");
	sql("INSERT INTO mapping VALUES('t', 1, '10.0.0.7/32', 4, '', '', '', 1, 1400, 600, 9, x'')");
	sql("INSERT INTO mapping VALUES('t', 1, '10.0.0.8/32', 4000, '1.2.3.4', '1.2.3.4', '', 1, 1400, 600, 9, x'')");
	sql("INSERT INTO mapping VALUES('t', 1, '10.0.0.9/32', 4, '1.2.3.4', '1.2.3.4', '', 1, -1, 600, 9, x'')");
	sql("INSERT INTO mapping VALUES('t', 1, '10.0.0.10/32', 4, '1.2.3.4', '1.2.3.4', '', 1, 1400, 'x', 9, x'')");	/* x is 0 */
	s = opened(false);
	ck_assert_uint_eq(load(s, "t", 1), 2);
	store_close(s);
}
END_TEST

/* ---- IKE SAs */

static struct store_sa sas[8];
static unsigned n_sas;

static void
take_sa(void *ctx, const struct store_sa *sa)
{
	(void)ctx;
	if (n_sas < 8)
		sas[n_sas] = *sa;
	n_sas++;
}

static unsigned
load_sas(struct store *s)
{
	n_sas = 0;
	ck_assert_int_eq(store_sa_load(s, take_sa, NULL), STORE_OK);
	return n_sas;
}

static struct store_sa
an_sa(uint64_t spi_i, uint64_t spi_r)
{
	return (struct store_sa){ .spi_i = spi_i, .spi_r = spi_r, .initiator = true, .local = { A("2001:db8::1"), 4500 },
		.remote = { A("203.0.113.7"), 65535 }, .expires = 4000000000 };
}

START_TEST(sas_in_and_out)
{
	struct store_sa a = an_sa(UINT64_MAX, 1), b = an_sa(1, 0x8000000000000000);
	struct store *s = opened(true);

	store_begin(s);
	store_sa_put(s, &a);
	store_sa_put(s, &b);
	b.initiator = false;
	b.remote.port = 1;
	store_sa_put(s, &b);	/* in its place */
	ck_assert_int_eq(store_commit(s), STORE_OK);
	store_close(s);
	s = opened(false);
	ck_assert_uint_eq(load_sas(s), 2);
	ck_assert_uint_eq(sas[0].spi_i, UINT64_MAX);	/* SQLite takes it for -1 */
	ck_assert(sas[0].spi_r == 1 && sas[0].initiator && endpoint_eq(&sas[0].local, &a.local) && endpoint_eq(&sas[0].remote, &a.remote));
	ck_assert_int_eq(sas[0].expires, a.expires);
	ck_assert(sas[1].spi_r == b.spi_r && !sas[1].initiator && sas[1].remote.port == 1);
	store_begin(s);
	store_sa_del(s, a.spi_i, a.spi_r);
	store_sa_del(s, 77, 77);	/* none such */
	ck_assert_int_eq(store_commit(s), STORE_OK);
	ck_assert_uint_eq(load_sas(s), 1);
	store_begin(s);
	store_expire(s, b.expires);
	ck_assert_int_eq(store_commit(s), STORE_OK);
	ck_assert_uint_eq(load_sas(s), 0);
	store_begin(s);
	store_sa_put(s, &a);
	store_sa_forget(s);
	ck_assert_int_eq(store_commit(s), STORE_OK);
	ck_assert_uint_eq(load_sas(s), 0);
	store_close(s);
}
END_TEST

/* A file of a version that did not know of SAs gets their table, and keeps its registrations. */
START_TEST(an_older_file)
{
	struct store_sa a = an_sa(1, 2);
	struct store *s;

	fill(2);
	sql("DROP TABLE sa");
	s = opened(false);
	ck_assert_uint_eq(load(s, "t", 1), 2);
	store_begin(s);
	store_sa_put(s, &a);
	ck_assert_int_eq(store_commit(s), STORE_OK);
	ck_assert_uint_eq(load_sas(s), 1);
	store_close(s);
}
END_TEST

START_TEST(sas_that_make_no_sense)
{
	struct store *s;

	fill(1);
	sql("INSERT INTO sa VALUES(1, 2, 1, '1.2.3.4', 500, '1.2.3.5', 500, 9)");
	sql("INSERT INTO sa VALUES(1, 3, 1, 'x', 500, '1.2.3.5', 500, 9)");
	sql("INSERT INTO sa VALUES(1, 4, 1, '1.2.3.4', 500, '', 500, 9)");
	sql("INSERT INTO sa VALUES(1, 5, 1, '1.2.3.4', 0, '1.2.3.5', 500, 9)");
	sql("INSERT INTO sa VALUES(1, 6, 1, '1.2.3.4', 500, '1.2.3.5', 65536, 9)");
	sql("INSERT INTO sa VALUES('y', 7, 1, '1.2.3.4', 500, '1.2.3.5', -1, 9)");
	s = opened(false);
	ck_assert_uint_eq(load_sas(s), 1);
	store_close(s);
}
END_TEST

Suite *store_sqlite_suite(void);

Suite *
store_sqlite_suite(void)
{
	Suite *s = suite_create("store_sqlite");
	TCase *c = tcase_create("store_sqlite");

	tcase_add_checked_fixture(c, place_make, place_remove);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, in_and_out);
	tcase_add_test(c, a_batch_is_whole);
	tcase_add_test(c, two_processes_and_a_kill);
	tcase_add_test(c, layout_before_is_taken_over);
	tcase_add_test(c, damage_is_set_aside);
	tcase_add_test(c, what_is_not_ours_is_left_alone);
	tcase_add_test(c, no_place_to_write);
	tcase_add_test(c, disk_full);
	tcase_add_test(c, rows_that_make_no_sense);
	tcase_add_test(c, sas_in_and_out);
	tcase_add_test(c, an_older_file);
	tcase_add_test(c, sas_that_make_no_sense);
	suite_add_tcase(s, c);
	return s;
}
