/* tools/filter.h: "show ... | include WORD", as the hands of IOS users expect it: one filter behind a command. */
#ifndef TOOLS_FILTER_H
#define TOOLS_FILTER_H

#include <regex.h>
#include <stdbool.h>
#include <stdio.h>

#include "nhrpd/daemon/control_words.h"

enum filter_kind { FILTER_NONE, FILTER_INCLUDE, FILTER_EXCLUDE, FILTER_JSON };
struct filter {
	enum filter_kind kind;
	regex_t re;	/* INCLUDE, EXCLUDE: an extended regular expression */
};

const char *filter_at(const char *line);	/* the '|' that begins a word, or NULL */
/* Takes the filter off the line. False: `why` says what is wrong with it. */
bool	filter_take(char *line, struct filter *f, char *why, size_t n);
void	filter_free(struct filter *f);
void	filter_text(const struct filter *f, char *text, FILE *out);	/* text is cut up */
unsigned filter_hints(const char *behind, struct control_hint out[static CONTROL_HINTS_MAX]);	/* what may stand behind the '|' */

#endif
