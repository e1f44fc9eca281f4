#include "tools/filter.h"

#include <string.h>
#include <strings.h>

static const struct {
	const char *word, *help;
	enum filter_kind kind;
} words[] = {
	{ "exclude", "Only lines that do not match", FILTER_EXCLUDE },
	{ "include", "Only lines that match", FILTER_INCLUDE },
	{ "json", "As JSON", FILTER_JSON },
};
enum { WORDS = sizeof(words) / sizeof(words[0]) };

static const char spaces[] = " \t";

const char *
filter_at(const char *line)
{
	for (const char *p = line; (p = strchr(p, '|')); p++) {
		if (p == line || strchr(spaces, p[-1]))
			return p;
	}
	return NULL;
}

/* The only word that begins like this, or WORDS. */
static size_t
find(const char *s, size_t n)
{
	size_t found = WORDS;

	for (size_t i = 0; i < WORDS; i++) {
		if (n && n <= strlen(words[i].word) && strncasecmp(words[i].word, s, n) == 0)
			found = i;
	}
	return found;	/* they differ in their first letters */
}

bool
filter_take(char *line, struct filter *f, char *why, size_t size)
{
	char *at = (char *)filter_at(line), *word, *rest, *end;
	size_t i, n;
	int e;

	f->kind = FILTER_NONE;
	if (!at)
		return true;
	*at = '\0';
	word = at + 1 + strspn(at + 1, spaces);
	n = strcspn(word, spaces);
	i = find(word, n);
	rest = word + n + strspn(word + n, spaces);
	for (end = rest + strlen(rest); end > rest && strchr(spaces, end[-1]);)
		*--end = '\0';
	if (i == WORDS) {
		snprintf(why, size, "expected include, exclude or json behind \"|\"; %s%.*s%s", n ? "found \"" : "the line ends",
		    n > 40 ? 40 : (int)n, word,
		    n ? "\"" : "");
		return false;
	}
	if ((words[i].kind == FILTER_JSON) != (*rest == '\0')) {
		snprintf(why, size, *rest ? "expected the end of the line behind \"| json\"" : "expected what to look for behind \"| %s\"",
		    words[i].word);
		return false;
	}
	e = words[i].kind == FILTER_JSON ? 0 : regcomp(&f->re, rest, REG_EXTENDED | REG_NOSUB);
	if (e) {
		char text[128];

		regerror(e, &f->re, text, sizeof(text));
		snprintf(why, size, "\"%.100s\" is no regular expression: %s", rest, text);
		return false;
	}
	f->kind = words[i].kind;
	return true;
}

void
filter_free(struct filter *f)
{
	if (f->kind == FILTER_INCLUDE || f->kind == FILTER_EXCLUDE)
		regfree(&f->re);
	f->kind = FILTER_NONE;
}

void
filter_text(const struct filter *f, char *text, FILE *out)
{
	while (*text) {
		char *end = text + strcspn(text, "\n"), *next = *end ? end + 1 : end;

		*end = '\0';
		if ((f->kind != FILTER_INCLUDE && f->kind != FILTER_EXCLUDE) ||
		    (regexec(&f->re, text, 0, NULL, 0) == 0) == (f->kind == FILTER_INCLUDE))
			fprintf(out, "%s\n", text);
		text = next;
	}
}

unsigned
filter_hints(const char *behind, struct control_hint out[static CONTROL_HINTS_MAX])
{
	const char *word = behind + strspn(behind, spaces);
	size_t n = strcspn(word, spaces), i = find(word, n);
	unsigned k = 0;

	if (word[n]) {
		if (i < WORDS && words[i].kind != FILTER_JSON && word[n + strspn(word + n, spaces)] == '\0')
			out[k++] = (struct control_hint){ CONTROL_HINT_ARG, "REGEXP", "What to look for" };
		else if (i < WORDS && word[n + strspn(word + n, spaces)] == '\0')
			out[k++] = (struct control_hint){ CONTROL_HINT_END, "<cr>", "" };
		return k;
	}
	for (i = 0; i < WORDS; i++) {
		if (n > strlen(words[i].word) || strncasecmp(words[i].word, word, n) != 0)
			continue;
		out[k] = (struct control_hint){ .kind = CONTROL_HINT_WORD, .help = words[i].help };
		snprintf(out[k++].text, sizeof(out[0].text), "%s", words[i].word);
	}
	return k;
}
