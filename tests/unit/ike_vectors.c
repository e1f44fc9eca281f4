#include "tests/unit/ike_vectors.h"

#include <stdlib.h>
#include <string.h>

static void
line_read(struct vec_line *l, const char *text, size_t name_n)
{
	const char *value = text + name_n + 3;
	size_t max = strlen(value) / 2 + 1;
	uint8_t *p = malloc(max);

	memcpy(l->name, text, name_n);
	l->name[name_n] = 0;
	l->value = span_of(p, test_unhex(value, p, max));
	l->number = strtoul(value, NULL, 10);
}

struct vec *
vec_open(const char *relative)
{
	size_t n;
	char *text = (char *)test_shared(relative, &n), *save = NULL;
	struct vec *v;

	if (!text)
		return NULL;
	v = calloc(1, sizeof(*v));
	for (char *s = strtok_r(text, "\n", &save); s && v->n < VEC_LINES_MAX; s = strtok_r(NULL, "\n", &save)) {
		char *eq = strstr(s, " = ");

		if (s[0] != '#' && eq && eq - s < VEC_NAME_MAX)
			line_read(&v->line[v->n++], s, (size_t)(eq - s));
	}
	free(text);
	return v;
}

void
vec_free(struct vec *v)
{
	for (size_t i = 0; v && i < v->n; i++)
		free((void *)(uintptr_t)v->line[i].value.p);
	free(v);
}

const struct vec_line *
vec_find(const struct vec *v, const char *name)
{
	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->line[i].name, name) == 0)
			return &v->line[i];
	return NULL;
}

struct span
vec_get(const struct vec *v, const char *name)
{
	const struct vec_line *l = vec_find(v, name);

	ck_assert_msg(l != NULL, "no line \"%s\"", name);
	return l->value;
}

uint8_t *
exact_copy(struct span s)
{
	uint8_t *p = malloc(s.n ? s.n : 1);

	if (s.n)
		memcpy(p, s.p, s.n);
	return p;
}
