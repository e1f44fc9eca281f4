/* nhrpd/daemon/control_words.h: the commands of the control socket, shared by the daemon and nhrpctl.
 *
 * A request is one line of JSON, {"line":"show ip nhrp 10.0.0.0/8"} or {"cmd":"show ip nhrp","args":{"prefix":"10.0.0.0/8"}};
 * the answer is one line, {"ok":true,"cmd":"show ip nhrp","data":{...}} or {"ok":false,"error":"..."}. Words may be
 * abbreviated as long as they mean one command. */
#ifndef NHRPD_DAEMON_CONTROL_WORDS_H
#define NHRPD_DAEMON_CONTROL_WORDS_H

#include <stdbool.h>
#include <stddef.h>

enum { CONTROL_REQUEST_MAX = 4096, CONTROL_ARG_MAX = 128 };

enum control_verb {
	CONTROL_SHOW_DMVPN, CONTROL_SHOW_NHRP, CONTROL_SHOW_NHS, CONTROL_SHOW_SHORTCUT, CONTROL_SHOW_TRAFFIC, CONTROL_SHOW_SESSION, CONTROL_SHOW_IKE,
	CONTROL_SHOW_IPSEC, CONTROL_SHOW_INTERFACE, CONTROL_SHOW_COUNTERS, CONTROL_CLEAR_PEER, CONTROL_CLEAR_NHRP, CONTROL_CLEAR_SHORTCUT,
	CONTROL_VERBS
};

enum control_arg { CONTROL_ARG_NONE, CONTROL_ARG_PREFIX, CONTROL_ARG_ADDR, CONTROL_ARG_ADDR_OR_ALL, CONTROL_ARG_NAME };

struct control_word {
	const char *words;	/* "show ip nhrp" */
	enum control_arg arg;
	const char *arg_text;	/* as help writes it: "PEER|all", "[PREFIX]" */
	bool arg_needed;
	const char *help;
};
extern const struct control_word control_words[CONTROL_VERBS];

struct control_cmd {
	enum control_verb verb;
	char arg[CONTROL_ARG_MAX];	/* "": none; else it is what `arg` of its control_word says */
};

/* False: `why` says what was expected. */
bool	control_parse(const char *line, struct control_cmd *out, char *why, size_t n);
const char *control_default_path(void);

#endif
