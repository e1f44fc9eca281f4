/* tools/manual.c: fills in templates of manual pages and of the shell's completion from the tables that the programs
 * themselves use, so that they cannot disagree. Run by make; not installed.
 *
 * usage: manual NAME=VALUE... <TEMPLATE >OUTPUT
 * A line of the template that is one of these words alone is replaced:
 *   @RULES@       the keyword table of the configuration, block by block (man)
 *   @ARGUMENTS@   what stands for the arguments in it (man)
 *   @COMMANDS@    the commands of nhrpctl (man)
 *   @WORDS@       the commands of nhrpctl, one a line: words|argument
 *   @file=NAME@   the file whose path is the VALUE of NAME, as an example (man)
 * Anywhere in a line, @NAME@ becomes VALUE. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nhrpd/daemon/conf_priv.h"
#include "nhrpd/daemon/control_words.h"

/* ---- roff */

static void
put(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\\')
			fputs("\\e", stdout);
		else if (s[i] == '-')
			fputs("\\-", stdout);
		else
			putchar(s[i]);
	}
}

static void
font(char f, const char *s, size_t n)
{
	if (!n)
		return;
	printf("\\f%c", f);
	put(s, n);
	fputs("\\fP", stdout);
}

/* A line that roff must not take for a request. */
static void
line(const char *s)
{
	fputs(*s == '.' || *s == '\'' ? "\\&" : "", stdout);
	put(s, strlen(s));
	putchar('\n');
}

static void
sentence(const char *s)
{
	put(s, strlen(s));
	fputs(".\n", stdout);
}

/* ---- configuration: keywords bold, arguments italic; a range stands for its number, as IOS has it: <5-3600> */

static const char *
argument(const char *s)
{
	const char *end = strchr(s, '>'), *range = memchr(s, ':', (size_t)(end - s));

	if (range) {
		font('I', "<", 1);
		font('I', range + 1, (size_t)(end - range - 1));
		font('I', ">", 1);
	} else {
		font('I', s + 1, (size_t)(end - s - 1));
	}
	return end + 1;
}

static void
syntax(const char *s)
{
	fputs("\\&", stdout);
	while (*s) {
		size_t n = strcspn(s, " |{}[]<>.");

		if (*s == '<') {
			s = argument(s);
		} else if (n) {
			font('B', s, n);
			s += n;
		} else {
			putchar(*s++);
		}
	}
	putchar('\n');
}

static void
rule(const struct conf_rule *r)
{
	fputs(".TP\n", stdout);
	syntax(r->syntax);
	sentence(r->help);
	if (r->no[0]) {
		fputs("Taken back by\n", stdout);
		font('B', "no", 2);
		putchar(' ');
		syntax(r->no);
	}
}

static void
refused(enum conf_ctx ctx)
{
	bool any = false;

	for (size_t i = 0; i < conf_n_rules; i++) {
		const struct conf_rule *r = &conf_rules[i];

		if (r->ctx != ctx || r->fn != conf_not_yet)
			continue;
		if (!any)
			fputs(".PP\nUnderstood, and refused with a message, since there is no support for it:\n", stdout);
		fputs(any ? ".br\n" : ".PP\n.RS\n.nf\n", stdout);
		syntax(r->syntax);
		any = true;
	}
	if (any)
		fputs(".fi\n.RE\n", stdout);
}

static void
rules(void)
{
	for (enum conf_ctx c = CONF_GLOBAL; c < CONF_CTXS; c++) {
		if (c == CONF_GLOBAL) {
			fputs(".SS Outside of blocks\n", stdout);
		} else {
			fputs(".SS In a block \\(lq", stdout);
			put(conf_ctx_name(c), strlen(conf_ctx_name(c)));
			fputs("\\(rq\n", stdout);
		}
		for (size_t i = 0; i < conf_n_rules; i++) {
			if (conf_rules[i].ctx == c && conf_rules[i].fn != conf_not_yet)
				rule(&conf_rules[i]);
		}
		refused(c);
	}
}

static void
arguments(void)
{
	for (size_t i = 0; i < conf_n_types; i++) {
		fputs(".TP\n", stdout);
		font('I', conf_types[i].name, strlen(conf_types[i].name));
		putchar('\n');
		line(conf_types[i].what);
	}
}

/* ---- nhrpctl */

/* Words bold, arguments in capitals italic, brackets plain. */
static void
usage(const char *s)
{
	while (*s) {
		size_t n = strspn(s, "[] "), k;

		for (; n; n--)
			putchar(*s++);
		k = strcspn(s, "[] ");
		if (k)
			font(s[0] >= 'A' && s[0] <= 'Z' ? 'I' : 'B', s, k);
		s += k;
	}
}

static void
commands(void)
{
	char text[160];

	for (unsigned i = 0; i < CONTROL_VERBS; i++) {
		fputs(".TP\n", stdout);
		usage(control_usage(&control_words[i], text, sizeof(text)));
		putchar('\n');
		sentence(control_words[i].help);
	}
}

/* One row: words of the completion, "a|b" being one of them, "[" and "]" around what may be left out. */
static void
words(void)
{
	char text[160];

	for (unsigned i = 0; i < CONTROL_VERBS; i++)
		puts(control_usage(&control_words[i], text, sizeof(text)));
}

/* ---- templates */

static bool
file(const char *path)
{
	char text[1024];
	FILE *f = fopen(path, "r");

	if (!f) {
		fprintf(stderr, "manual: %s: %s\n", path, strerror(errno));
		return false;
	}
	fputs(".PP\n.nf\n.RS\n", stdout);
	while (fgets(text, sizeof(text), f)) {
		text[strcspn(text, "\n")] = '\0';
		line(text);
	}
	fputs(".RE\n.fi\n", stdout);
	fclose(f);
	return true;
}

/* The value of the name that s begins with, if an @ stands behind it. */
static const char *
value(char **vars, const char *s, size_t *length)
{
	for (; *vars; vars++) {
		*length = strcspn(*vars, "=");
		if ((*vars)[*length] && strncmp(s, *vars, *length) == 0 && s[*length] == '@')
			return *vars + *length + 1;
	}
	return NULL;
}

static void
ordinary(char **vars, const char *s)
{
	const char *v;
	size_t n;

	while (*s) {
		v = *s == '@' ? value(vars, s + 1, &n) : NULL;
		if (v) {
			fputs(v, stdout);
			s += n + 2;
		} else {
			putchar(*s++);
		}
	}
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *word;
		void (*fn)(void);
	} parts[] = { { "@RULES@\n", rules }, { "@ARGUMENTS@\n", arguments }, { "@COMMANDS@\n", commands }, { "@WORDS@\n", words } };
	const char *path;
	char text[4096];
	size_t i, n;

	(void)argc;
	while (fgets(text, sizeof(text), stdin)) {
		for (i = 0; i < sizeof(parts) / sizeof(parts[0]) && strcmp(text, parts[i].word) != 0; i++)
			;
		if (i < sizeof(parts) / sizeof(parts[0])) {
			parts[i].fn();
		} else if (strncmp(text, "@file=", 6) == 0) {
			path = value(argv + 1, text + 6, &n);
			if (!path || !file(path))
				return 1;
		} else {
			ordinary(argv + 1, text);
		}
	}
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
