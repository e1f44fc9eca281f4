/* Twin of nhrpd/daemon/secret.c (and folder.c): made once, read again, and only if nobody else could have read or written it. */
#include "nhrpd/daemon/secret.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/store/place.h"

static uint8_t next;
static char why[160];

static void
count_up(void *ctx, void *out, size_t n)
{
	(void)ctx;
	memset(out, ++next, n);
}

static bool
get(uint8_t out[static SECRET_LEN])
{
	return secret_load(db, count_up, NULL, out, why, sizeof(why));
}

START_TEST(made_once)
{
	uint8_t a[SECRET_LEN], b[SECRET_LEN];
	struct stat st;

	ck_assert_msg(get(a), "%s", why);
	ck_assert_int_eq(stat(db, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_uint_eq((size_t)st.st_size, SECRET_LEN);
	ck_assert(get(b));
	ck_assert_mem_eq(a, b, sizeof(a));
	ck_assert_uint_eq(place_count("*"), 1);	/* nothing beside it */
}
END_TEST

START_TEST(one_of_a_wrong_length_is_replaced)
{
	uint8_t a[SECRET_LEN], b[SECRET_LEN];

	ck_assert(get(a));
	ck_assert_int_eq(truncate(db, _i), 0);
	ck_assert(get(b));
	ck_assert_mem_ne(a, b, sizeof(a));
	ck_assert(get(a));
	ck_assert_mem_eq(a, b, sizeof(a));
}
END_TEST

START_TEST(one_that_others_may_see_is_not_used)
{
	uint8_t a[SECRET_LEN];
	char other[128];

	ck_assert(get(a));
	for (mode_t m = 01; m <= 040; m <<= 1) {
		ck_assert_int_eq(chmod(db, 0600 | m), 0);
		ck_assert(!get(a));
		ck_assert_str_ne(why, "");
	}
	ck_assert_int_eq(chmod(db, 0600), 0);
	ck_assert(get(a));
	snprintf(other, sizeof(other), "%s.real", db);
	ck_assert_int_eq(rename(db, other), 0);
	ck_assert_int_eq(symlink(other, db), 0);
	ck_assert(!get(a));
	ck_assert_int_eq(unlink(db), 0);
	ck_assert_int_eq(mkdir(db, 0700), 0);
	ck_assert(!get(a));
	ck_assert_int_eq(rmdir(db), 0);
	ck_assert_int_eq(mkfifo(db, 0600), 0);
	ck_assert(!get(a));	/* and does not wait for a writer */
}
END_TEST

START_TEST(nowhere_to_write)
{
	uint8_t a[SECRET_LEN];

	ck_assert(!secret_load("/proc/nowhere/x", count_up, NULL, a, why, sizeof(why)));
	ck_assert_str_ne(why, "");
	ck_assert(!secret_load("/proc/x", count_up, NULL, a, why, sizeof(why)));
}
END_TEST

Suite *secret_suite(void);

Suite *
secret_suite(void)
{
	Suite *s = suite_create("secret");
	TCase *c = tcase_create("secret");

	tcase_add_checked_fixture(c, place_make, place_remove);
	tcase_add_test(c, made_once);
	tcase_add_loop_test(c, one_of_a_wrong_length_is_replaced, 0, 3);
	tcase_add_test(c, one_that_others_may_see_is_not_used);
	tcase_add_test(c, nowhere_to_write);
	suite_add_tcase(s, c);
	return s;
}
