#include "tests/unit/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/seeded.h"

static void *
failing_alloc(void *ctx, size_t n)
{
	struct test_env *t = ctx;
	void *p;

	t->allocs++;
	if (t->fail_at > 0 && --t->fail_at == 0)
		return NULL;
	p = calloc(1, n ? n : 1);
	if (p)
		t->live++;
	return p;
}

static void
counted_release(void *ctx, void *p)
{
	struct test_env *t = ctx;

	if (p)
		t->live--;
	free(p);
}

static void
seeded_random(void *ctx, void *out, size_t n)
{
	struct test_env *t = ctx;

	seeded_fill(&t->seed, out, n);
}

static void
keep_line(void *ctx, enum log_level lv, const char *word, const char *text)
{
	struct test_env *t = ctx;

	(void)lv;
	snprintf(t->last_word, sizeof(t->last_word), "%s", word);
	snprintf(t->last_text, sizeof(t->last_text), "%s", text);
	t->lines++;
}

void
test_env_init(struct test_env *t)
{
	memset(t, 0, sizeof(*t));
	t->env = (struct env){ t, failing_alloc, counted_release, seeded_random, &t->log };
	t->log = (struct log){ keep_line, t, LOG_LV_DEBUG };
	t->seed = 1;
}

uint8_t *
test_file(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	uint8_t *p = NULL;
	long len;

	if (!f)
		return NULL;
	if (fseek(f, 0, SEEK_END) == 0 && (len = ftell(f)) >= 0 && fseek(f, 0, SEEK_SET) == 0 && (p = malloc((size_t)len + 1))) {
		*n = fread(p, 1, (size_t)len, f);
		p[*n] = 0;
	}
	fclose(f);
	return p;
}

uint8_t *
test_shared(const char *relative, size_t *n)
{
	const char *base = getenv("SHARED");
	char path[4096];
	uint8_t *p;

	snprintf(path, sizeof(path), "%s/%s", base ? base : "../shared", relative);
	p = test_file(path, n);
	if (!p)
		printf("skipped: %s is not here\n", path);
	return p;
}

const char *
test_src(const char *relative)
{
	static char path[4096];
	const char *base = getenv("SRCDIR");

	snprintf(path, sizeof(path), "%s/%s", base ? base : ".", relative);
	return path;
}

static int
hexdigit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

size_t
test_unhex(const char *hex, uint8_t *out, size_t max)
{
	size_t n = 0;

	while (n < max) {
		int hi, lo;

		while (*hex == ' ' || *hex == '\t' || *hex == '\n' || *hex == '\r')
			hex++;
		hi = hexdigit(hex[0]);
		lo = hi < 0 ? -1 : hexdigit(hex[1]);
		if (lo < 0)
			break;
		out[n++] = (uint8_t)(hi << 4 | lo);
		hex += 2;
	}
	return n;
}

int
test_main(suite_fn *const *suites, size_t n)
{
	SRunner *sr = srunner_create(NULL);
	int failed;

	setenv("CK_DEFAULT_TIMEOUT", "120", 0);	/* check's 4 s judge the machine: sanitizers and neighbours make it ten times slower */
	for (size_t i = 0; i < n; i++)
		srunner_add_suite(sr, suites[i]());
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
