/* tools/shell.h: nhrpctl without a command: a shell on a terminal, line by line from anything else. */
#ifndef TOOLS_SHELL_H
#define TOOLS_SHELL_H

#include "nhrpd/daemon/control_words.h"
#include "tools/ctl.h"

enum { SHELL_HISTORY_MAX = 500 };

int	shell_run(const struct ctl *c);	/* standard input; exit status: 0, or that of the first line that failed */

/* What may come at the end of an unfinished line: commands, the shell's own words, filters. */
unsigned shell_hints(const char *line, struct control_hint out[static CONTROL_HINTS_MAX]);
void	shell_print_hints(const char *line, FILE *f);	/* "?" */
/* What Tab adds to the line: the rest of a word that is the only one possible, with a blank, or what all have in common; "" for nothing. */
const char *shell_completion(const char *line, char out[static 32]);

/* ---- reading lines, lineread.c */
struct lineread;
struct lineread *lineread_new(const char *prompt, const char *history_path);	/* NULL without memory; history_path may be NULL */
void	lineread_free(struct lineread *r);	/* and saves the history */
/* The next line without its end, which lives until the next call. NULL: the end. */
const char *lineread_next(struct lineread *r);

#endif
