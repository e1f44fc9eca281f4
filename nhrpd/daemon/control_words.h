/* nhrpd/daemon/control_words.h: the commands of the control socket, shared by the daemon and nhrpctl.
 *
 * A request is one line of JSON, {"line":"show ip nhrp 10.0.0.0/8"} or {"cmd":"show ip nhrp","args":{"prefix":"10.0.0.0/8"}};
 * the answer is one line, {"ok":true,"cmd":"show ip nhrp","data":{...}} or {"ok":false,"error":"..."}. Words may be
 * abbreviated as long as they mean one command. One table is the parser, the completion and the help of the shell. */
#ifndef NHRPD_DAEMON_CONTROL_WORDS_H
#define NHRPD_DAEMON_CONTROL_WORDS_H

#include <stdbool.h>
#include <stddef.h>

enum { CONTROL_REQUEST_MAX = 4096, CONTROL_ARG_MAX = 128, CONTROL_HINTS_MAX = 40 };

enum control_verb {	/* shows come first */
	CONTROL_SHOW_DMVPN, CONTROL_SHOW_PEER, CONTROL_SHOW_TIMELINE, CONTROL_SHOW_HISTORY, CONTROL_SHOW_NHRP, CONTROL_SHOW_BRIEF, CONTROL_SHOW_SUMMARY, CONTROL_SHOW_NHS,
	CONTROL_SHOW_SHORTCUT, CONTROL_SHOW_TRAFFIC, CONTROL_SHOW_MULTICAST, CONTROL_SHOW_GROUPS, CONTROL_SHOW_ROUTE, CONTROL_SHOW_ZEBRA,
	CONTROL_SHOW_SESSION, CONTROL_SHOW_IKE, CONTROL_SHOW_REFUSED, CONTROL_SHOW_IPSEC, CONTROL_SHOW_MAP, CONTROL_SHOW_PKI, CONTROL_SHOW_INTERFACE, CONTROL_SHOW_COUNTERS, CONTROL_SHOW_RUN,
	CONTROL_SHOW_LOG, CONTROL_SHOW_DEBUG,
	CONTROL_SHOW_VERSION, CONTROL_SHOW_TECH,
	CONTROL_CLEAR_PEER, CONTROL_CLEAR_NHRP, CONTROL_CLEAR_SHORTCUT, CONTROL_REKEY_IKE, CONTROL_REKEY_IPSEC, CONTROL_PROBE, CONTROL_WHY, CONTROL_DEBUG, CONTROL_UNDEBUG, CONTROL_NO_DEBUG,
	CONTROL_DEBUG_KEYS, CONTROL_NO_DEBUG_KEYS, CONTROL_RELOAD,
	CONTROL_VERBS
};

/* `syntax` is words and arguments, as in the configuration's table:
 *   word  a|b    a keyword, or one of some      <type>   an argument: see arg_type[] in control_words.c
 *   [ ... ]      may be left out, as a whole */
struct control_word {
	const char *words;	/* its name: "show ip nhrp"; a section of doc/json.md */
	const char *syntax;
	const char *help;
};
extern const struct control_word control_words[CONTROL_VERBS];

/* What `debug` takes, in the order of the table's choice. */
enum control_facility { CONTROL_DBG_NHRP, CONTROL_DBG_IKE, CONTROL_DBG_IPSEC, CONTROL_DBG_ROUTE, CONTROL_DBG_DATA, CONTROL_DBG_DMVPN, CONTROL_DBG_ALL };

struct control_cmd {
	enum control_verb verb;
	char arg[CONTROL_ARG_MAX], arg2[CONTROL_ARG_MAX];	/* the first and second argument that was given, "": none */
	bool flag;	/* a word that may be left out was there: "detail" */
	int choice;	/* which of a|b, from 0; -1: none was given */
};

/* The syntax as people read it: "show ip|ipv6 nhrp [PREFIX] [detail]". */
char	*control_usage(const struct control_word *w, char *out, size_t n);
/* False: `why` says what was expected. */
bool	control_parse(const char *line, struct control_cmd *out, char *why, size_t n);
const char *control_default_path(void);

/* What may stand at the end of an unfinished line, which ends inside a word (that it begins) or behind white space. */
enum control_hint_kind { CONTROL_HINT_WORD, CONTROL_HINT_ARG, CONTROL_HINT_END };
struct control_hint {
	enum control_hint_kind kind;
	char text[24];	/* "dmvpn"; "PREFIX"; "<cr>" */
	const char *help;
};
/* Answers how many; 0 where no command begins like this. In the order of the table, arguments and the end last. */
unsigned control_hints(const char *line, struct control_hint out[static CONTROL_HINTS_MAX]);

#endif
