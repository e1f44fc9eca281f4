#include "tests/unit/store/place.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

char place[64], db[80];

void
place_make(void)
{
	snprintf(place, sizeof(place), "/tmp/odm-store.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(place));
	snprintf(db, sizeof(db), "%s/var/x.db", place);
}

void
place_remove(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", place);
	ck_assert_int_eq(system(command), 0);
}

unsigned
place_count(const char *pattern)
{
	char all[160];
	glob_t g;
	unsigned n;

	snprintf(all, sizeof(all), "%s/var/%s", place, pattern);
	n = glob(all, 0, NULL, &g) == 0 ? (unsigned)g.gl_pathc : 0;
	if (n)
		globfree(&g);
	return n;
}

void
place_scribble(const char *path, long at, size_t n)
{
	FILE *f = fopen(path, "r+");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fseek(f, at, at < 0 ? SEEK_END : SEEK_SET), 0);
	for (size_t i = 0; i < n; i++)
		fputc((int)(i * 131 + 77) & 0xff, f);
	ck_assert_int_eq(fclose(f), 0);
}

struct addr
A(const char *text)
{
	struct addr a;

	ck_assert_msg(addr_parse(text, &a), "%s", text);
	return a;
}

struct prefix
P(const char *text)
{
	struct prefix p;

	ck_assert_msg(prefix_parse(text, &p), "%s", text);
	return p;
}
