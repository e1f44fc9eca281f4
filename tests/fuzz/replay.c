/* tests/fuzz/replay.c: main() for a fuzz target where there is no libFuzzer: runs the scripts of $SRCDIR/tests/corpus/CORPUS, so
 * that every compiler's `make check` goes their way. X.hex is one script with comments, X.hexes one a line. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/script.h"

enum { SCRIPT_ROOM = 4096 };

struct script {
	uint8_t b[SCRIPT_ROOM];
	size_t n;
	unsigned done;
};

static void
run(struct script *s)
{
	if (s->n == 0)
		return;
	LLVMFuzzerTestOneInput(s->b, s->n);
	s->done++;
	s->n = 0;
}

static int
digit(int c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void
line(struct script *s, const char *p)
{
	int hi = -1, d;

	for (; *p && *p != '#'; p++) {
		if ((d = digit(*p)) < 0)
			continue;
		if (hi >= 0) {
			HOLDS(s->n < SCRIPT_ROOM, "a script is too long");
			s->b[s->n++] = (uint8_t)(hi << 4 | d);
		}
		hi = hi < 0 ? d : -1;
	}
	HOLDS(hi < 0, "half an octet");
}

static void
file(struct script *s, const char *dir, const char *name)
{
	static char text[2 * SCRIPT_ROOM + 256], path[4096 + 257];
	const char *dot = strrchr(name, '.');
	bool many = dot && strcmp(dot, ".hexes") == 0;
	FILE *f;

	if (!dot || (!many && strcmp(dot, ".hex") != 0))
		return;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	HOLDS(f, "%s cannot be read", path);
	fuzz_trace("== %s", path);
	while (fgets(text, sizeof(text), f)) {
		line(s, text);
		if (many)
			run(s);
	}
	run(s);
	fclose(f);
}

int
main(void)
{
	const char *src = getenv("SRCDIR");
	static struct script s;
	static char dir[4096];
	struct dirent *e;
	DIR *d;

	snprintf(dir, sizeof(dir), "%s/tests/corpus/%s", src ? src : ".", CORPUS);
	d = opendir(dir);
	HOLDS(d, "%s cannot be read", dir);
	while ((e = readdir(d)))
		file(&s, dir, e->d_name);
	closedir(d);
	printf("ok %s: %u scripts\n", CORPUS, s.done);
	return s.done ? EXIT_SUCCESS : EXIT_FAILURE;
}
