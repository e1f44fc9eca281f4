/* tools/ctl.h: a question to the daemon and its answer. */
#ifndef TOOLS_CTL_H
#define TOOLS_CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { CTL_OK = 0, CTL_NOT_UP = 1, CTL_USAGE = 2, CTL_UNREACHABLE = 3, CTL_TIMEOUT_S = 30, CTL_PROBES = 5 };

struct ctl {
	const char *path;	/* of the control socket */
	bool as_json;
	const char *mark;	/* what errors begin with: "nhrpctl: " on the command line, "% " in the shell */
};

/* Sends one request, a line with its end, and reads the answer line, from malloc. NULL: `why` says what went wrong and what to do next. */
char	*ctl_ask(const char *path, const char *request, char *why, size_t n);
/* One command line, perhaps with "| include WORD" behind it: asks, prints, answers the exit status. */
int	ctl_line(const struct ctl *c, const char *line, FILE *out, FILE *err);
void	ctl_help(FILE *f);	/* all commands */
int	ctl_main(int argc, char **argv);	/* all of nhrpctl */

#endif
