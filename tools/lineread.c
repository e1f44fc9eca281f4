/* tools/lineread.c: lines from a terminal. With libedit: history, Tab, "?" as soon as it is typed; without, as the terminal
 * itself edits them, and "?" at the end of a line. */
#include "config.h"

#include "tools/shell.h"

#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_LIBEDIT
#include <histedit.h>
#include <wchar.h>

#include "tools/filter.h"

struct lineread {
	EditLine *el;
	History *history;
	const char *prompt, *path;
	char *line;
	sigset_t waiting;	/* the signal mask while it waits for a key: only there is SIGINT let in */
};

static volatile sig_atomic_t interrupted;

static void
on_interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

static char *
prompt_of(EditLine *el)
{
	struct lineread *r;

	el_get(el, EL_CLIENTDATA, &r);
	return (char *)(uintptr_t)r->prompt;
}

/* The next character. libedit's own reading has a gap: an interrupt just before its read() is seen only at the next key. Here
 * SIGINT is blocked but for the wait. */
static int
next_char(EditLine *el, wchar_t *wc)
{
	char bytes[MB_LEN_MAX];
	struct lineread *r;
	mbstate_t state;
	size_t used;

	el_get(el, EL_CLIENTDATA, &r);
	for (size_t n = 1; n <= sizeof(bytes); n++) {
		if (ppoll(&(struct pollfd){ STDIN_FILENO, POLLIN, 0 }, 1, NULL, &r->waiting) < 0)
			return -1;
		if (read(STDIN_FILENO, bytes + n - 1, 1) != 1)
			return 0;
		memset(&state, 0, sizeof(state));
		used = mbrtowc(wc, bytes, n, &state);
		if (used == (size_t)-1)
			n = 0;	/* no character: it begins anew */
		else if (used != (size_t)-2)
			return 1;
	}
	return -1;
}

/* The line up to the cursor, from malloc. */
static char *
before_cursor(EditLine *el)
{
	const LineInfo *li = el_line(el);

	return strndup(li->buffer, (size_t)(li->cursor - li->buffer));
}

static unsigned char
list(const char *before)
{
	putchar('\n');
	shell_print_hints(before, stdout);
	fflush(stdout);
	return CC_REDISPLAY;
}

static unsigned char
complete(EditLine *el, int ch)
{
	char add[32], *before = before_cursor(el);
	unsigned char rc;

	(void)ch;
	if (!before)
		return CC_ERROR;
	shell_completion(before, add);
	if (add[0])
		rc = el_insertstr(el, add) == 0 ? CC_REFRESH : CC_ERROR;
	else
		rc = list(before);
	free(before);
	return rc;
}

/* In the pattern of a filter a question mark is one. */
static unsigned char
help(EditLine *el, int ch)
{
	char *before = before_cursor(el);
	struct control_hint h[CONTROL_HINTS_MAX];
	unsigned char rc;

	(void)ch;
	if (!before)
		return CC_ERROR;
	if (filter_at(before) && shell_hints(before, h) == 0)
		rc = el_insertstr(el, "?") == 0 ? CC_REFRESH : CC_ERROR;
	else
		rc = list(before);
	free(before);
	return rc;
}

static void
open_history(struct lineread *r)
{
	HistEvent ev;

	r->history = history_init();
	if (!r->history)
		return;
	history(r->history, &ev, H_SETSIZE, SHELL_HISTORY_MAX);
	history(r->history, &ev, H_SETUNIQUE, 1);
	if (r->path)
		history(r->history, &ev, H_LOAD, r->path);
	el_set(r->el, EL_HIST, history, r->history);
}

struct lineread *
lineread_new(const char *prompt, const char *history_path)
{
	struct lineread *r = calloc(1, sizeof(*r));
	struct sigaction sa = { .sa_handler = on_interrupt };	/* no SA_RESTART: reading ends */

	if (!r)
		return NULL;
	setlocale(LC_CTYPE, "");
	r->prompt = prompt;
	r->path = history_path;
	r->el = el_init("nhrpctl", stdin, stdout, stderr);
	if (!r->el) {
		free(r);
		return NULL;
	}
	sigaction(SIGINT, &sa, NULL);
	el_set(r->el, EL_CLIENTDATA, r);
	el_set(r->el, EL_PROMPT, prompt_of);
	el_set(r->el, EL_GETCFN, next_char);
	el_set(r->el, EL_EDITOR, "emacs");
	open_history(r);
	el_set(r->el, EL_ADDFN, "nhrpctl-complete", "Complete a word", complete);
	el_set(r->el, EL_ADDFN, "nhrpctl-help", "What may come next", help);
	el_source(r->el, NULL);	/* ~/.editrc; our keys come behind it */
	el_set(r->el, EL_BIND, "\t", "nhrpctl-complete", NULL);
	el_set(r->el, EL_BIND, "?", "nhrpctl-help", NULL);
	el_set(r->el, EL_SIGNAL, 0);
	return r;
}

void
lineread_free(struct lineread *r)
{
	HistEvent ev;

	if (!r)
		return;
	if (r->history) {
		if (r->path)
			history(r->history, &ev, H_SAVE, r->path);
		history_end(r->history);
	}
	el_end(r->el);
	free(r->line);
	free(r);
}

/* One line of the editor's, NULL at its end. */
static const char *
edited(struct lineread *r)
{
	const char *got;
	int n;

	for (;;) {
		interrupted = 0;
		el_set(r->el, EL_PREP_TERM, 1);	/* before the prompt is seen: who waits for it may type Ctrl-D at once */
		got = el_gets(r->el, &n);
		if (got && n > 0)
			return got;
		if (!interrupted)
			return NULL;
		el_reset(r->el);	/* Ctrl-C: another line */
		putchar('\n');
	}
}

const char *
lineread_next(struct lineread *r)
{
	sigset_t interrupt;
	const char *got;
	HistEvent ev;

	sigemptyset(&interrupt);
	sigaddset(&interrupt, SIGINT);
	sigprocmask(SIG_BLOCK, &interrupt, &r->waiting);
	got = edited(r);
	sigprocmask(SIG_SETMASK, &r->waiting, NULL);
	if (!got) {
		putchar('\n');
		return NULL;
	}
	free(r->line);
	r->line = strndup(got, strcspn(got, "\r\n"));
	if (r->line && r->line[strspn(r->line, " \t")] && r->history)
		history(r->history, &ev, H_ENTER, r->line);
	return r->line;
}

#else

struct lineread {
	const char *prompt;
	char *line;
	size_t room;
};

struct lineread *
lineread_new(const char *prompt, const char *history_path)
{
	struct lineread *r = calloc(1, sizeof(*r));

	(void)history_path;
	if (r)
		r->prompt = prompt;
	return r;
}

void
lineread_free(struct lineread *r)
{
	if (r)
		free(r->line);
	free(r);
}

const char *
lineread_next(struct lineread *r)
{
	ssize_t n;

	fputs(r->prompt, stdout);
	fflush(stdout);
	n = getline(&r->line, &r->room, stdin);
	if (n < 0) {
		putchar('\n');
		return NULL;
	}
	while (n > 0 && (r->line[n - 1] == '\n' || r->line[n - 1] == '\r'))
		r->line[--n] = '\0';
	return r->line;
}

#endif
