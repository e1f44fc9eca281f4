/* tools/ctl.h: a question to the daemon and its answer. */
#ifndef TOOLS_CTL_H
#define TOOLS_CTL_H

#include <stddef.h>

enum { CTL_OK = 0, CTL_NOT_UP = 1, CTL_USAGE = 2, CTL_UNREACHABLE = 3, CTL_TIMEOUT_S = 30 };

/* Sends one request, a line with its end, and reads the answer line, from malloc. NULL: `why` says what went wrong and what to do next. */
char	*ctl_ask(const char *path, const char *request, char *why, size_t n);
int	ctl_main(int argc, char **argv);	/* all of nhrpctl */

#endif
