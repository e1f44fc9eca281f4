/* tools/shell.c: the shell. Commands, their completion and their help come from the table of nhrpd/daemon/control_words.c;
 * here are the few words that need no daemon, and what Tab and "?" make of the hints. Each command is a question of its own
 * to the daemon, so a shell lives through a restart of it. */
#include "tools/shell.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "tools/filter.h"

enum { EXIT, HELP, QUIT, OWN };
static const struct {
	const char *word, *help;
} own[OWN] = { [EXIT] = { "exit", "Leave the shell" }, [HELP] = { "help", "All commands" }, [QUIT] = { "quit", "Leave the shell" } };

static const char spaces[] = " \t";

/* ---- hints */

static bool
has_blank(const char *word)
{
	return word[strcspn(word, spaces)] != '\0';
}

unsigned
shell_hints(const char *line, struct control_hint out[static CONTROL_HINTS_MAX])
{
	const char *bar = filter_at(line), *word = line + strspn(line, spaces);
	unsigned n;

	if (bar)
		return filter_hints(bar + 1, out);
	n = control_hints(line, out);
	if (n && out[n - 1].kind == CONTROL_HINT_END && n < CONTROL_HINTS_MAX) {
		out[n] = out[n - 1];
		out[n - 1] = (struct control_hint){ CONTROL_HINT_ARG, "|", "Filter what is shown" };
		n++;
	}
	for (unsigned i = 0; i < OWN && !has_blank(word) && n < CONTROL_HINTS_MAX; i++) {
		if (strncasecmp(own[i].word, word, strlen(word)) != 0)
			continue;
		out[n] = (struct control_hint){ .kind = CONTROL_HINT_WORD, .help = own[i].help };
		snprintf(out[n++].text, sizeof(out[0].text), "%s", own[i].word);
	}
	return n;
}

void
shell_print_hints(const char *line, FILE *f)
{
	struct control_hint h[CONTROL_HINTS_MAX];
	struct control_cmd cmd;
	unsigned n = shell_hints(line, h);
	char why[512];

	for (unsigned i = 0; i < n; i++)
		fprintf(f, h[i].help[0] ? "  %-20s %s\n" : "  %s\n", h[i].text, h[i].help);
	if (n)
		return;
	if (control_parse(line, &cmd, why, sizeof(why)))
		snprintf(why, sizeof(why), "no more words");
	fprintf(f, "%% %s\n", why);
}

const char *
shell_completion(const char *line, char out[static 32])
{
	struct control_hint h[CONTROL_HINTS_MAX];
	unsigned n = shell_hints(line, h), words = 0;
	const char *first = NULL;
	size_t typed = 0, common = 0;

	for (const char *p = line; *p; p++)
		typed = strchr(spaces, *p) ? 0 : typed + 1;
	for (unsigned i = 0; i < n; i++) {
		if (h[i].kind != CONTROL_HINT_WORD)
			continue;
		if (!words++) {
			first = h[i].text;
			common = strlen(first);
		}
		for (size_t k = 0; k < common; k++)
			common = h[i].text[k] == first[k] ? common : k;
	}
	out[0] = '\0';
	if (words && common >= typed)
		snprintf(out, 32, "%.*s%s", (int)(common - typed), first + typed, words == 1 ? " " : "");
	return out;
}

/* ---- lines */

static unsigned
own_word(const char *line)
{
	const char *word = line + strspn(line, spaces);
	size_t n = strcspn(word, spaces);

	for (unsigned i = 0; i < OWN; i++) {
		if (n && n <= strlen(own[i].word) && strncasecmp(own[i].word, word, n) == 0 && word[n + strspn(word + n, spaces)] == '\0')
			return i;
	}
	return OWN;
}

static bool
is_comment(const char *line)
{
	line += strspn(line, spaces);
	return *line == '\0' || *line == '!' || *line == '#';
}

/* "show ip ?": help, where no key asks for it. The pattern of a filter may end so. */
static bool
asks(const char *line, char *before, size_t n)
{
	size_t len = strlen(line);

	while (len && strchr(spaces, line[len - 1]))
		len--;
	if (!len || line[len - 1] != '?' || len > n || filter_at(line))
		return false;
	snprintf(before, n, "%.*s", (int)(len - 1), line);
	return true;
}

/* False: leave. */
static bool
do_line(const struct ctl *c, const char *line, int *status)
{
	char before[CONTROL_REQUEST_MAX];
	unsigned word = own_word(line);
	int rc = CTL_OK;

	if (is_comment(line))
		return true;
	if (word == EXIT || word == QUIT)
		return false;
	if (word == HELP)
		ctl_help(stdout);
	else if (asks(line, before, sizeof(before)))
		shell_print_hints(before, stdout);
	else
		rc = ctl_line(c, line, stdout, stdout);
	fflush(stdout);
	*status = *status ? *status : rc;
	return true;
}

static int
piped(const struct ctl *c)
{
	int status = CTL_OK;
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	while ((n = getline(&line, &room, stdin)) >= 0) {
		while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
			line[--n] = '\0';
		if (!do_line(c, line, &status))
			break;
	}
	free(line);
	return status;
}

/* The daemon's name for itself. False: it cannot be reached (said). */
static bool
hostname_of(const struct ctl *c, char *out, size_t n)
{
	static const char ask[] = "{\"line\":\"show version\"}\n";
	char why[512], *answer = ctl_ask(c->path, ask, why, sizeof(why));
	const char *name;
	json_t *o;

	if (!answer) {
		fprintf(stderr, "nhrpctl: %s\n", why);
		return false;
	}
	o = json_loads(answer, 0, NULL);
	name = json_string_value(json_object_get(json_object_get(o, "data"), "hostname"));
	snprintf(out, n, "%s", name && *name ? name : "nhrpd");
	json_decref(o);
	free(answer);
	return true;
}

static int
interactive(const struct ctl *c)
{
	const char *home = getenv("HOME"), *line;
	char name[64], prompt[72], history[512];
	struct lineread *r;
	int ignored = CTL_OK;	/* whoever is at the terminal has seen it */

	if (!hostname_of(c, name, sizeof(name)))
		return CTL_UNREACHABLE;
	snprintf(prompt, sizeof(prompt), "%s# ", name);
	snprintf(history, sizeof(history), "%s/.nhrpctl_history", home ? home : "");
	r = lineread_new(prompt, home && *home ? history : NULL);
	if (!r) {
		fprintf(stderr, "nhrpctl: out of memory\n");
		return CTL_UNREACHABLE;
	}
	while ((line = lineread_next(r)) && do_line(c, line, &ignored))
		;
	lineread_free(r);
	return CTL_OK;
}

int
shell_run(const struct ctl *c)
{
	struct ctl mine = *c;

	mine.mark = "% ";
	return isatty(STDIN_FILENO) ? interactive(&mine) : piped(&mine);
}
