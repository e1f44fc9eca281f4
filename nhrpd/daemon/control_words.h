/* nhrpd/daemon/control_words.h: the commands of the control socket, shared by the daemon and nhrpctl.
 *
 * A request is one line of JSON, {"line":"show ip nhrp 10.0.0.0/8"} or {"cmd":"show ip nhrp","args":{"prefix":"10.0.0.0/8"}};
 * the answer is one line, {"ok":true,"cmd":"show ip nhrp","data":{...}} or {"ok":false,"error":"..."}. Words may be
 * abbreviated as long as they mean one command. One table is the parser, the completion and the help of the shell. */
#ifndef NHRPD_DAEMON_CONTROL_WORDS_H
#define NHRPD_DAEMON_CONTROL_WORDS_H

#include <stdbool.h>
#include <stddef.h>

enum { CONTROL_REQUEST_MAX = 4096, CONTROL_ARG_MAX = 128, CONTROL_HINTS_MAX = 32 };

enum control_verb {	/* shows come first */
	CONTROL_SHOW_DMVPN, CONTROL_SHOW_PEER, CONTROL_SHOW_NHRP, CONTROL_SHOW_NHS, CONTROL_SHOW_SHORTCUT, CONTROL_SHOW_TRAFFIC,
	CONTROL_SHOW_MULTICAST,
	CONTROL_SHOW_SESSION, CONTROL_SHOW_IKE, CONTROL_SHOW_REFUSED, CONTROL_SHOW_IPSEC, CONTROL_SHOW_PKI, CONTROL_SHOW_INTERFACE, CONTROL_SHOW_COUNTERS, CONTROL_SHOW_RUN,
	CONTROL_SHOW_LOG,
	CONTROL_SHOW_VERSION, CONTROL_SHOW_TECH,
	CONTROL_CLEAR_PEER, CONTROL_CLEAR_NHRP, CONTROL_CLEAR_SHORTCUT, CONTROL_DEBUG_PEER, CONTROL_NO_DEBUG, CONTROL_RELOAD,
	CONTROL_VERBS
};

enum control_arg { CONTROL_ARG_NONE, CONTROL_ARG_PREFIX, CONTROL_ARG_ADDR, CONTROL_ARG_ADDR_OR_ALL, CONTROL_ARG_NAME, CONTROL_ARG_NUMBER,
    CONTROL_ARGS };

/* The words, then the argument, then the flag. */
struct control_word {
	const char *words;	/* "show ip nhrp" */
	enum control_arg arg;
	const char *arg_text;	/* as help writes it: "ADDRESS|all", "[PREFIX]" */
	bool arg_needed;
	const char *help;
	const char *flag;	/* a last word that may stand there, "detail"; NULL: none */
};
extern const struct control_word control_words[CONTROL_VERBS];

struct control_cmd {
	enum control_verb verb;
	char arg[CONTROL_ARG_MAX];	/* "": none; else it is what `arg` of its control_word says */
	bool flag;	/* it was there */
};

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
