/* nhrpd/daemon/control_words.c: the table of commands and the one walk over it that parses a line, says what was expected
 * where it is wrong, and knows what may come next.
 *
 * All rows are walked at once, word by word; a row's position is how many of its elements (words, argument, flag) are
 * behind. A word of the line is first taken as a keyword in full, then as an argument, then as the beginning of a keyword,
 * which must be the only one possible: the order that the configuration's parser has too. */
#include "nhrpd/daemon/control_words.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/addr.h"

const struct control_word control_words[CONTROL_VERBS] = {
	[CONTROL_SHOW_DMVPN] = { "show dmvpn", CONTROL_ARG_NONE, "", false,
	    "Peers of all tunnels, how far each has come, and why not further", "detail" },
	[CONTROL_SHOW_PEER] = { "show dmvpn peer", CONTROL_ARG_ADDR, "ADDRESS", true, "One peer, by its tunnel or outer address",
	    "detail" },
	[CONTROL_SHOW_NHRP] = { "show ip nhrp", CONTROL_ARG_PREFIX, "[PREFIX]", false, "NHRP cache", "detail" },
	[CONTROL_SHOW_NHS] = { "show ip nhrp nhs", CONTROL_ARG_NONE, "", false, "Hubs and our registrations with them", "detail" },
	[CONTROL_SHOW_SHORTCUT] = { "show ip nhrp shortcut", CONTROL_ARG_NONE, "", false, "Direct ways to other spokes" },
	[CONTROL_SHOW_TRAFFIC] = { "show ip nhrp traffic", CONTROL_ARG_NONE, "", false, "NHRP packets sent, received and refused" },
	[CONTROL_SHOW_MULTICAST] = { "show ip nhrp multicast", CONTROL_ARG_NONE, "", false, "Where multicast goes" },
	[CONTROL_SHOW_SESSION] = { "show crypto session", CONTROL_ARG_NONE, "", false, "IKE SAs, each with its ESP SAs" },
	[CONTROL_SHOW_IKE] = { "show crypto ikev2 sa", CONTROL_ARG_NONE, "", false, "IKE SAs", "detail" },
	[CONTROL_SHOW_REFUSED] = { "show crypto ikev2 diagnose error", CONTROL_ARG_NONE, "", false, "Peers that were refused lately, and why" },
	[CONTROL_SHOW_PKI] = { "show crypto pki certificates", CONTROL_ARG_NONE, "", false, "Our certificates, CAs, and those of peers that are up" },
	[CONTROL_SHOW_IPSEC] = { "show crypto ipsec sa", CONTROL_ARG_NONE, "", false, "ESP SAs" },
	[CONTROL_SHOW_INTERFACE] = { "show interface", CONTROL_ARG_NAME, "[NAME]", false, "Tunnel interfaces" },
	[CONTROL_SHOW_COUNTERS] = { "show counters", CONTROL_ARG_NONE, "", false, "Everything that is counted" },
	[CONTROL_SHOW_RUN] = { "show running-config", CONTROL_ARG_NONE, "", false, "The configuration in force, as it can be loaded again",
	    "secrets" },
	[CONTROL_SHOW_LOG] = { "show logging", CONTROL_ARG_NUMBER, "[LINES]", false, "The last lines of the log" },
	[CONTROL_SHOW_VERSION] = { "show version", CONTROL_ARG_NONE, "", false, "What runs, since when, and where" },
	[CONTROL_SHOW_TECH] = { "show tech-support", CONTROL_ARG_NONE, "", false, "All shows, for a report; without secrets" },
	[CONTROL_CLEAR_PEER] = { "clear dmvpn peer", CONTROL_ARG_ADDR_OR_ALL, "ADDRESS|all", true,
	    "End the SAs of a peer (tunnel or outer address) or of all" },
	[CONTROL_CLEAR_NHRP] = { "clear ip nhrp", CONTROL_ARG_ADDR, "[ADDRESS]", false, "Forget what NHRP learnt" },
	[CONTROL_CLEAR_SHORTCUT] = { "clear ip nhrp shortcut", CONTROL_ARG_NONE, "", false, "Forget direct ways" },
	[CONTROL_DEBUG_PEER] = { "debug dmvpn peer", CONTROL_ARG_NAME, "ADDRESS|IDENTITY", true, "Log everything that names this peer" },
	[CONTROL_NO_DEBUG] = { "no debug", CONTROL_ARG_NONE, "", false, "End all debugging" },
	[CONTROL_RELOAD] = { "reload", CONTROL_ARG_NONE, "", false, "Read the configuration again and apply what is different" },
};

/* Words in the middle of commands; the last one has the help of its command. */
static const struct {
	const char *word, *help;
} helps[] = {
	{ "show", "What the daemon knows" }, { "clear", "Forget, to begin anew" }, { "debug", "Log more" }, { "no", "Take something back" },
	{ "ip", "What is inside the tunnels, IPv4 and IPv6" }, { "nhrp", "Next Hop Resolution Protocol" }, { "dmvpn", "Peers" },
	{ "crypto", "IKE and IPsec" }, { "ikev2", "Internet Key Exchange version 2" }, { "diagnose", "What went wrong" }, { "pki", "Certificates" }, { "ipsec", "IPsec" }, { "peer", "A peer" },
	{ "detail", "More about each" }, { "secrets", "With the secrets in clear; only for root" },
};

static const struct {
	const char *expected, *help;
} args[CONTROL_ARGS] = {
	[CONTROL_ARG_PREFIX] = { "an address or prefix", "An address, or all addresses of a prefix" },
	[CONTROL_ARG_ADDR] = { "an address", "An IPv4 or IPv6 address" },
	[CONTROL_ARG_ADDR_OR_ALL] = { "an address or \"all\"", "An IPv4 or IPv6 address, or all" },
	[CONTROL_ARG_NAME] = { "a name", "A name" },
	[CONTROL_ARG_NUMBER] = { "a number", "A number" },
};

const char *
control_default_path(void)
{
	return RUNSTATEDIR "/nhrpd/control.sock";
}

/* ---- a row as elements */

enum { ELEMS_MAX = 8 };
struct elem {
	const char *word;	/* NULL: the argument */
	size_t n;
	bool optional;
};
struct row {
	struct elem el[ELEMS_MAX];
	unsigned n;
};

static void
row_of(const struct control_word *c, struct row *r)
{
	r->n = 0;
	for (const char *s = c->words; *s; s += strspn(s, " ")) {
		size_t n = strcspn(s, " ");

		r->el[r->n++] = (struct elem){ s, n, false };
		s += n;
	}
	if (c->arg != CONTROL_ARG_NONE)
		r->el[r->n++] = (struct elem){ NULL, 0, !c->arg_needed };
	if (c->flag)
		r->el[r->n++] = (struct elem){ c->flag, strlen(c->flag), true };
}

static bool
arg_is(enum control_arg kind, const char *text, size_t n)
{
	char arg[CONTROL_ARG_MAX];
	struct prefix p;
	struct addr a;

	if (n == 0 || n >= sizeof(arg))
		return false;
	memcpy(arg, text, n);
	arg[n] = '\0';
	switch (kind) {
	case CONTROL_ARG_PREFIX:
		return prefix_parse(arg, &p);
	case CONTROL_ARG_ADDR:
		return addr_parse(arg, &a);
	case CONTROL_ARG_ADDR_OR_ALL:
		return strcasecmp(arg, "all") == 0 || addr_parse(arg, &a);
	case CONTROL_ARG_NUMBER:
		return n < 7 && arg[strspn(arg, "0123456789")] == '\0';
	case CONTROL_ARG_NAME:
		return true;
	case CONTROL_ARG_NONE:
	case CONTROL_ARGS:
		break;
	}
	return false;
}

/* ---- the walk */

enum how { HOW_FULL, HOW_ARG, HOW_BEGINNING, HOW_NOT };
enum { OUT = ELEMS_MAX + 1 };

struct walk {
	struct row row[CONTROL_VERBS];
	unsigned at[CONTROL_VERBS];	/* position of each row; OUT */
	struct { const char *text; size_t n; } arg[CONTROL_VERBS];
	bool flag[CONTROL_VERBS];
};

static void
walk_begin(struct walk *w)
{
	memset(w, 0, sizeof(*w));
	for (unsigned i = 0; i < CONTROL_VERBS; i++)
		row_of(&control_words[i], &w->row[i]);
}

/* Can element e of row i be next? Between the position and it everything may be left out. */
static bool
reachable(const struct walk *w, unsigned i, unsigned e)
{
	if (w->at[i] == OUT || e < w->at[i] || e >= w->row[i].n)
		return false;
	for (unsigned k = w->at[i]; k < e; k++) {
		if (!w->row[i].el[k].optional)
			return false;
	}
	return true;
}

static bool
complete(const struct walk *w, unsigned i)
{
	return w->at[i] != OUT && (w->at[i] == w->row[i].n || (w->row[i].el[w->at[i]].optional && reachable(w, i, w->row[i].n - 1)));
}

static bool
begins(const struct elem *e, const char *text, size_t n)
{
	return e->word && n <= e->n && strncasecmp(e->word, text, n) == 0;
}

static bool
takes(unsigned i, const struct elem *e, const char *text, size_t n, enum how how)
{
	if (!e->word)
		return how == HOW_ARG && arg_is(control_words[i].arg, text, n);
	return how != HOW_ARG && begins(e, text, n) && (how == HOW_FULL) == (n == e->n);
}

/* Where row i is behind this word, or OUT. */
static unsigned
step(const struct walk *w, unsigned i, const char *text, size_t n, enum how how)
{
	for (unsigned e = w->at[i]; w->at[i] != OUT && e < w->row[i].n; e++) {
		if (reachable(w, i, e) && takes(i, &w->row[i].el[e], text, n, how))
			return e + 1;
	}
	return OUT;
}

/* A list "a, b or c" that grows. */
struct list {
	char *out;
	size_t used, size;
	unsigned n;
	const char *seen[CONTROL_HINTS_MAX];
	size_t seen_n[CONTROL_HINTS_MAX];
};

static bool
list_add(struct list *l, const char *text, size_t n)
{
	for (unsigned i = 0; i < l->n; i++) {
		if (l->seen_n[i] == n && memcmp(l->seen[i], text, n) == 0)
			return false;
	}
	if (l->n == CONTROL_HINTS_MAX)
		return false;
	l->seen[l->n] = text;
	l->seen_n[l->n++] = n;
	return true;
}

static void
list_print(struct list *l, const char *before, const char *last)
{
	for (unsigned i = 0; i < l->n && l->used < l->size; i++) {
		const char *sep = i == 0 ? before : i + 1 == l->n ? last : ", ";

		l->used += (size_t)snprintf(l->out + l->used, l->size - l->used, "%s%.*s", sep, (int)l->seen_n[i], l->seen[i]);
	}
}

/* Says what may stand here; text NULL: the line ends. */
static void
expected(const struct walk *w, const char *text, size_t n, char *why, size_t size)
{
	struct list l = { .out = why, .size = size };
	bool end = false;

	for (unsigned i = 0; i < CONTROL_VERBS; i++) {
		for (unsigned e = 0; e < w->row[i].n; e++) {
			const struct elem *el = &w->row[i].el[e];
			const char *what = el->word ? el->word : args[control_words[i].arg].expected;

			if (reachable(w, i, e))
				list_add(&l, what, el->word ? el->n : strlen(what));
		}
		end = end || complete(w, i);
	}
	if (end && text)
		list_add(&l, "the end of the line", 19);
	list_print(&l, "expected ", " or ");
	if (l.used < size && text)
		snprintf(why + l.used, size - l.used, "; found \"%.*s\"", n > 40 ? 40 : (int)n, text);
	else if (l.used < size)
		snprintf(why + l.used, size - l.used, "; the line ends");
}

static bool
ambiguous(const struct walk *w, const char *text, size_t n, char *why, size_t size)
{
	struct list l = { .out = why, .size = size };

	for (unsigned i = 0; i < CONTROL_VERBS; i++) {
		for (unsigned e = 0; e < w->row[i].n; e++) {
			if (reachable(w, i, e) && begins(&w->row[i].el[e], text, n))
				list_add(&l, w->row[i].el[e].word, w->row[i].el[e].n);
		}
	}
	if (l.n < 2)
		return false;
	l.used = (size_t)snprintf(why, size, "\"%.*s\"", n > 40 ? 40 : (int)n, text);
	list_print(&l, " may be ", " or ");
	return true;
}

static void
note(struct walk *w, unsigned i, unsigned to, const char *text, size_t n)
{
	const struct elem *e = to == OUT ? NULL : &w->row[i].el[to - 1];

	w->at[i] = to;
	if (e && !e->word) {
		w->arg[i].text = text;
		w->arg[i].n = n;
	}
	w->flag[i] = w->flag[i] || (e && e->word && e->optional);
}

/* One word further; false: no row goes on. */
static bool
advance(struct walk *w, const char *text, size_t n, char *why, size_t size)
{
	unsigned to[CONTROL_VERBS];

	for (enum how how = HOW_FULL; how < HOW_NOT; how++) {
		bool any = false;

		if (how == HOW_BEGINNING && ambiguous(w, text, n, why, size))
			return false;
		for (unsigned i = 0; i < CONTROL_VERBS; i++) {
			to[i] = step(w, i, text, n, how);
			any = any || to[i] != OUT;
		}
		for (unsigned i = 0; i < CONTROL_VERBS && any; i++)
			note(w, i, to[i], text, n);
		if (any)
			return true;
	}
	expected(w, text, n, why, size);
	return false;
}

static const char spaces[] = " \t\r\n";

bool
control_parse(const char *line, struct control_cmd *out, char *why, size_t size)
{
	struct walk w;
	size_t n;

	walk_begin(&w);
	for (line += strspn(line, spaces); *line; line += n, line += strspn(line, spaces)) {
		n = strcspn(line, spaces);
		if (!advance(&w, line, n, why, size))
			return false;
	}
	for (unsigned i = 0; i < CONTROL_VERBS; i++) {
		if (!complete(&w, i))
			continue;
		memset(out, 0, sizeof(*out));
		out->verb = (enum control_verb)i;
		out->flag = w.flag[i];
		if (w.arg[i].n)
			memcpy(out->arg, w.arg[i].text, w.arg[i].n);	/* arg_is() saw to the length */
		return true;
	}
	expected(&w, NULL, 0, why, size);
	return false;
}

/* ---- what may come next */

/* The help of the command that ends with element e of row i; else of the word. */
static const char *
word_help(const struct walk *w, unsigned i, unsigned e)
{
	const struct elem *el = &w->row[i].el[e];
	size_t n = (size_t)(el->word + el->n - control_words[i].words);

	for (unsigned k = 0; k < CONTROL_VERBS && !el->optional; k++) {
		if (strlen(control_words[k].words) == n && memcmp(control_words[k].words, control_words[i].words, n) == 0)
			return control_words[k].help;
	}
	for (size_t k = 0; k < sizeof(helps) / sizeof(helps[0]); k++) {
		if (strlen(helps[k].word) == el->n && memcmp(helps[k].word, el->word, el->n) == 0)
			return helps[k].help;
	}
	return "";
}

static void
hint(struct control_hint *out, unsigned *n, enum control_hint_kind kind, const char *text, size_t len, const char *help)
{
	if (*n == CONTROL_HINTS_MAX || len >= sizeof(out->text))
		return;
	for (unsigned i = 0; i < *n; i++) {
		if (strlen(out[i].text) == len && memcmp(out[i].text, text, len) == 0)
			return;
	}
	out[*n].kind = kind;
	memcpy(out[*n].text, text, len);
	out[*n].text[len] = '\0';
	out[(*n)++].help = help;
}

static void
arg_hint(unsigned i, struct control_hint *out, unsigned *n)
{
	const char *text = control_words[i].arg_text;
	size_t len = strlen(text);

	if (text[0] == '[') {
		text++;
		len -= 2;
	}
	hint(out, n, CONTROL_HINT_ARG, text, len, args[control_words[i].arg].help);
}

unsigned
control_hints(const char *line, struct control_hint out[static CONTROL_HINTS_MAX])
{
	unsigned n_out = 0;
	struct walk w;
	char why[64];
	size_t n;

	walk_begin(&w);
	for (line += strspn(line, spaces); line[n = strcspn(line, spaces)]; line += n, line += strspn(line, spaces)) {
		if (!advance(&w, line, n, why, sizeof(why)))
			return 0;
	}
	for (unsigned i = 0; i < CONTROL_VERBS; i++) {
		for (unsigned e = 0; e < w.row[i].n; e++) {
			if (reachable(&w, i, e) && begins(&w.row[i].el[e], line, n))
				hint(out, &n_out, CONTROL_HINT_WORD, w.row[i].el[e].word, w.row[i].el[e].n, word_help(&w, i, e));
		}
	}
	for (unsigned i = 0; i < CONTROL_VERBS; i++) {
		for (unsigned e = 0; e < w.row[i].n; e++) {
			if (reachable(&w, i, e) && !w.row[i].el[e].word && (n == 0 || n_out == 0))
				arg_hint(i, out, &n_out);
		}
	}
	for (unsigned i = 0; i < CONTROL_VERBS && n == 0; i++) {
		if (complete(&w, i))
			hint(out, &n_out, CONTROL_HINT_END, "<cr>", 4, "");
	}
	return n_out;
}
