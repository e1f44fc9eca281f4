/* nhrpd/daemon/conf_lex.c: a line into words. White space separates; "..." holds white space and '!', with \" and \\ inside;
 * '!' or '#' at the beginning makes the line a comment, '!' behind white space starts one at the end of a line. */
#include "nhrpd/daemon/conf_priv.h"

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

/* A word from text[i]; answers where it ends and puts what it means into out (as long as the word at most). */
static size_t
word(const char *text, size_t i, size_t n, char *out, bool *closed)
{
	size_t k = 0;

	*closed = true;
	if (text[i] != '"') {
		while (i < n && !is_space(text[i]))
			out[k++] = text[i++];
		out[k] = '\0';
		return i;
	}
	for (i++; i < n && text[i] != '"'; i++) {
		if (text[i] == '\\' && i + 1 < n && (text[i + 1] == '"' || text[i + 1] == '\\'))
			i++;
		out[k++] = text[i];
	}
	out[k] = '\0';
	*closed = i < n;
	return i < n ? i + 1 : n;
}

/* The rest of the line from its first word on, for arguments that take it whole. */
static size_t
comment_from(const char *text, size_t n)
{
	bool quoted = false;

	for (size_t i = 0; i < n; i++) {
		if (text[i] == '"' && (quoted || i == 0 || is_space(text[i - 1])))
			quoted = !quoted;
		else if (quoted && text[i] == '\\')
			i++;
		else if (!quoted && text[i] == '!' && (i == 0 || is_space(text[i - 1])))
			return i;
	}
	return n;
}

static bool
add_token(struct conf_mem *m, const char *text, size_t *at, size_t n, struct conf_words *out)
{
	struct conf_token *t = &out->token[out->n];
	char *buf = conf_alloc(m, n - *at + 1), *rest = conf_strdup(m, text + *at, n - *at);
	bool closed;

	if (!buf || !rest)
		return false;
	for (size_t k = n - *at; k > 0 && is_space(rest[k - 1]); k--)
		rest[k - 1] = '\0';
	t->column = (unsigned)*at + 1;
	t->quoted = text[*at] == '"';
	*at = word(text, *at, n, buf, &closed);
	t->end = (unsigned)*at + 1;
	t->text = buf;
	t->rest = rest;
	out->n++;
	out->end = t->end;
	if (!closed) {
		out->error = "the quoted text does not end on this line";
		out->end = t->column;
	} else if (t->quoted && *at < n && !is_space(text[*at])) {
		out->error = "expected white space behind the quoted text";
	}
	return true;
}

bool
conf_lex(struct conf_mem *m, const char *line, size_t n, struct conf_words *out)
{
	size_t i = 0, stop;

	out->n = 0;
	out->error = NULL;
	out->end = 1;
	while (i < n && is_space(line[i]))
		i++;
	out->indent = (unsigned)i;
	if (i == n || line[i] == '!' || line[i] == '#')
		return true;
	stop = comment_from(line, n);
	while (!out->error) {
		while (i < stop && is_space(line[i]))
			i++;
		if (i >= stop)
			break;
		if (out->n == CONF_TOKENS_MAX) {
			out->error = "too many words on one line";
			out->end = (unsigned)i + 1;
			break;
		}
		if (!add_token(m, line, &i, stop, out))
			return false;
	}
	return true;
}
