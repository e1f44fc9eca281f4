/* tools/render.h: the daemon's answers as text for people who know IOS or FRR, and as an exit status. */
#ifndef TOOLS_RENDER_H
#define TOOLS_RENDER_H

#include <jansson.h>
#include <stdio.h>

#include "nhrpd/daemon/control_words.h"

void	render(FILE *f, enum control_verb verb, json_t *data);
/* 0: what was asked about is there and up; 1: something is not. */
int	render_status(const struct control_cmd *cmd, json_t *data);
char	*render_time(json_t *seconds, char out[static 16]);	/* "00:01:02", "3d04h", "2w1d", "never" for null */

#endif
