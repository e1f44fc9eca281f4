/* nhrpd/daemon/control_words.c: the table of commands and the one walk over it that parses a line, says what was expected
 * where it is wrong, and knows what may come next.
 *
 * All rows are walked at once, word by word; a row's position is how many of its elements (words, argument, flag) are
 * behind. A word of the line is first taken as a keyword in full, then as an argument, then as the beginning of a keyword,
 * which must be the only one possible: the order that the configuration's parser has too. */
#include "nhrpd/daemon/control_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/addr.h"

#define DEBUGGED "nhrp|ike|ipsec|route|data|dmvpn|all"
const struct control_word control_words[CONTROL_VERBS] = {
	[CONTROL_SHOW_DMVPN] = { "show dmvpn", "show dmvpn [detail]", "Peers of all tunnels, how far each has come, and why not further" },
	[CONTROL_SHOW_PEER] = { "show dmvpn peer", "show dmvpn peer <address> [detail]", "One peer, by its tunnel or outer address" },
	[CONTROL_SHOW_TIMELINE] = { "show dmvpn peer timeline", "show dmvpn peer <address> timeline",
	    "What happened with a peer or destination, step by step over all layers" },
	[CONTROL_SHOW_HISTORY] = { "show dmvpn timeline", "show dmvpn timeline", "What happened with all peers, step by step" },
	[CONTROL_SHOW_NHRP] = { "show ip nhrp", "show ip|ipv6 nhrp [<prefix>] [detail]", "NHRP cache" },
	[CONTROL_SHOW_BRIEF] = { "show ip nhrp brief", "show ip|ipv6 nhrp brief", "NHRP cache, one line each" },
	[CONTROL_SHOW_SUMMARY] = { "show ip nhrp summary", "show ip|ipv6 nhrp summary", "How many NHRP entries of each type" },
	[CONTROL_SHOW_NHS] = { "show ip nhrp nhs", "show ip|ipv6 nhrp nhs [detail]", "Hubs and our registrations with them" },
	[CONTROL_SHOW_SHORTCUT] = { "show ip nhrp shortcut", "show ip|ipv6 nhrp shortcut", "Direct ways to other spokes" },
	[CONTROL_SHOW_TRAFFIC] = { "show ip nhrp traffic", "show ip|ipv6 nhrp traffic", "NHRP packets sent, received and refused" },
	[CONTROL_SHOW_MULTICAST] = { "show ip nhrp multicast", "show ip|ipv6 nhrp multicast", "Where multicast goes" },
	[CONTROL_SHOW_GROUPS] = { "show ip nhrp group-map", "show ip|ipv6 nhrp group-map", "QoS groups, what is mapped to each, and the peers of each" },
	[CONTROL_SHOW_ROUTE] = { "show ip route nhrp", "show ip|ipv6 route nhrp", "Routes of shortcuts, and static ones of the configuration" },
	[CONTROL_SHOW_ZEBRA] = { "show zebra", "show zebra", "The session with FRRouting's zebra, and where our routes are" },
	[CONTROL_SHOW_SESSION] = { "show crypto session", "show crypto session", "IKE SAs, each with its ESP SAs" },
	[CONTROL_SHOW_IKE] = { "show crypto ikev2 sa", "show crypto ikev2 sa [detail]", "IKE SAs" },
	[CONTROL_SHOW_REFUSED] = { "show crypto ikev2 diagnose error", "show crypto ikev2 diagnose error", "Peers that were refused lately, and why" },
	[CONTROL_SHOW_PKI] = { "show crypto pki certificates", "show crypto pki certificates", "Our certificates, CAs, and those of peers that are up" },
	[CONTROL_SHOW_IPSEC] = { "show crypto ipsec sa", "show crypto ipsec sa", "ESP SAs" },
	[CONTROL_SHOW_MAP] = { "show crypto map", "show crypto map [<name>]", "Policy-based IPsec: what is protected, by whom, and the SAs of each line" },
	[CONTROL_SHOW_INTERFACE] = { "show interface", "show interface [<name>]", "Tunnel interfaces" },
	[CONTROL_SHOW_COUNTERS] = { "show counters", "show counters", "Everything that is counted" },
	[CONTROL_SHOW_RUN] = { "show running-config", "show running-config [secrets]", "The configuration in force, as it can be loaded again" },
	[CONTROL_SHOW_LOG] = { "show logging", "show logging [<lines>]", "The last lines of the log" },
	[CONTROL_SHOW_DEBUG] = { "show debugging", "show debugging", "What is debugged" },
	[CONTROL_SHOW_VERSION] = { "show version", "show version", "What runs, since when, and where" },
	[CONTROL_SHOW_TECH] = { "show tech-support", "show tech-support", "All shows, for a report; without secrets" },
	[CONTROL_CLEAR_PEER] = { "clear dmvpn peer", "clear dmvpn peer <address|all>", "End the SAs of a peer (tunnel or outer address) or of all" },
	[CONTROL_CLEAR_NHRP] = { "clear ip nhrp", "clear ip|ipv6 nhrp [<address>]", "Forget NHRP entries; those of living peers come back" },
	[CONTROL_CLEAR_SHORTCUT] = { "clear ip nhrp shortcut", "clear ip|ipv6 nhrp shortcut", "Forget the direct ways" },
	[CONTROL_REKEY_IKE] = { "rekey crypto ikev2 sa", "rekey crypto ikev2 sa <address|all>", "Replace the IKE SA of a peer, or all, now; traffic goes on" },
	[CONTROL_REKEY_IPSEC] = { "rekey crypto ipsec sa", "rekey crypto ipsec sa <address|all>", "Replace the ESP SA of a peer, or all, now; traffic goes on" },
	[CONTROL_PROBE] = { "probe", "probe <address> [count <count>]", "Ask a peer over its SA, with the time each answer takes" },
	[CONTROL_WHY] = { "why", "why <address>", "Does a packet to there arrive, and if not, which layer is to blame and what to do" },
	[CONTROL_DEBUG] = { "debug", "debug " DEBUGGED " [peer <peer>]", "Log what is decided and why, and every packet" },
	[CONTROL_UNDEBUG] = { "undebug", "undebug " DEBUGGED " [peer <peer>]", "Stop debugging" },
	[CONTROL_NO_DEBUG] = { "no debug", "no debug [" DEBUGGED "] [peer <peer>]", "Stop debugging, of all of it where nothing is named" },
	[CONTROL_DEBUG_KEYS] = { "debug crypto keys", "debug crypto keys <file>",
	    "Append the keys of new SAs to a file of the daemon's, for tshark; only for root" },
	[CONTROL_NO_DEBUG_KEYS] = { "no debug crypto keys", "no debug crypto keys", "Write no more keys" },
	[CONTROL_RELOAD] = { "reload", "reload", "Read the configuration again and apply what is different" },
};

/* Words in the middle of commands; the last one has the help of its command. */
static const struct {
	const char *word, *help;
} helps[] = {
	{ "show", "What the daemon knows" }, { "clear", "Forget, to begin anew" }, { "rekey", "New keys now, as at the end of a lifetime" },
	{ "debug", "Log more" }, { "no", "Take something back" },
	{ "ip", "What is inside the tunnels, IPv4" }, { "nhrp", "Next Hop Resolution Protocol" }, { "dmvpn", "Peers" },
	{ "crypto", "IKE and IPsec" }, { "ikev2", "Internet Key Exchange version 2" }, { "diagnose", "What went wrong" }, { "pki", "Certificates" }, { "ipsec", "IPsec" }, { "peer", "A peer" },
	{ "ipv6", "What is inside the tunnels, IPv6 only" }, { "route", "Routes" }, { "count", "How many questions (5)" },
	{ "ike", "IKE: messages, negotiation, dials" }, { "data", "Tunnel interfaces: unresolved traffic, redirects, first packets" },
	{ "all", "All of it" }, { "undebug", "Stop debugging" }, { "timeline", "What happened, step by step over all layers" },
	{ "detail", "More about each" }, { "keys", "Session keys, for tshark" }, { "secrets", "With the secrets in clear; only for root" },
};

enum arg_kind { ARG_PREFIX, ARG_ADDR, ARG_ADDR_OR_ALL, ARG_NAME, ARG_PEER, ARG_LINES, ARG_FILE, ARG_COUNT, ARGS };
static const struct {
	const char *name, *label, *expected, *help;
} arg_type[ARGS] = {
	[ARG_PREFIX] = { "prefix", "PREFIX", "an address or prefix", "An address, or all addresses of a prefix" },
	[ARG_ADDR] = { "address", "ADDRESS", "an address", "An IPv4 or IPv6 address" },
	[ARG_ADDR_OR_ALL] = { "address|all", "ADDRESS|all", "an address or \"all\"", "An IPv4 or IPv6 address, or all" },
	[ARG_NAME] = { "name", "NAME", "a name", "A name" },
	[ARG_PEER] = { "peer", "PEER", "a peer", "A tunnel address, outer address or identity" },
	[ARG_LINES] = { "lines", "LINES", "a number", "A number" },
	[ARG_FILE] = { "file", "FILE", "a file name", "A file name, from /" },
	[ARG_COUNT] = { "count", "N", "a number from 1 to 100000", "How often" },
};

const char *
control_default_path(void)
{
	return RUNSTATEDIR "/nhrpd/control.sock";
}

/* ---- a row as elements */

enum { ELEMS_MAX = 8 };
struct elem {
	const char *word;	/* "a|b"; NULL: an argument */
	size_t n;
	enum arg_kind arg;
	bool optional;
	bool bound;	/* goes with the element before it: not without it, and not left out behind it */
};
struct row {
	struct elem el[ELEMS_MAX];
	unsigned n;
};

static enum arg_kind
arg_kind_of(const char *s, size_t n)
{
	enum arg_kind k = 0;

	while (k < ARGS - 1 && (strlen(arg_type[k].name) != n || memcmp(arg_type[k].name, s, n) != 0))
		k++;
	return k;
}

static void
row_of(const struct control_word *c, struct row *r)
{
	bool optional = false, first = false;

	r->n = 0;
	for (const char *s = c->syntax; *s;) {
		size_t n = *s == '<' ? strcspn(s, ">") + 1 : strcspn(s, " ]");

		if (*s == ' ' || *s == ']') {
			optional = optional && *s == ' ';
			s++;
		} else if (*s == '[') {
			optional = first = true;
			s++;
		} else {
			struct elem *e = &r->el[r->n++];

			*e = (struct elem){ .word = *s == '<' ? NULL : s, .n = n, .optional = optional, .bound = optional && !first };
			if (*s == '<')
				e->arg = arg_kind_of(s + 1, n - 2);
			first = false;
			s += n;
		}
	}
}

char *
control_usage(const struct control_word *w, char *out, size_t n)
{
	size_t used = 0;

	out[0] = '\0';
	for (const char *s = w->syntax; *s && used < n;) {
		size_t k = *s == '<' ? strcspn(s, ">") + 1 : 1;

		if (*s == '<')
			used += (size_t)snprintf(out + used, n - used, "%s", arg_type[arg_kind_of(s + 1, k - 2)].label);
		else
			used += (size_t)snprintf(out + used, n - used, "%c", *s);
		s += k;
	}
	return out;
}

static bool
is_number(const char *s, unsigned long lo, unsigned long hi)
{
	unsigned long v = strtoul(s, NULL, 10);

	return strlen(s) < 7 && s[strspn(s, "0123456789")] == '\0' && v >= lo && v <= hi;
}

static bool
arg_is(enum arg_kind kind, const char *text, size_t n)
{
	char arg[CONTROL_ARG_MAX];
	struct prefix p;
	struct addr a;

	if (n == 0 || n >= sizeof(arg))
		return false;
	memcpy(arg, text, n);
	arg[n] = '\0';
	switch (kind) {
	case ARG_PREFIX:
		return prefix_parse(arg, &p);
	case ARG_ADDR:
		return addr_parse(arg, &a);
	case ARG_ADDR_OR_ALL:
		return strcasecmp(arg, "all") == 0 || addr_parse(arg, &a);
	case ARG_LINES:
		return is_number(arg, 0, 999999);
	case ARG_COUNT:
		return is_number(arg, 1, 100000);
	case ARG_NAME:
	case ARG_PEER:
		return true;
	case ARG_FILE:
		return arg[0] == '/';
	case ARGS:
		break;
	}
	return false;
}

/* The alternatives of "a|b", one after the other: *at begins at the element's word. False: no more. */
static bool
alternative(const struct elem *e, const char **at, const char **word, size_t *n)
{
	const char *end;

	if (!e->word)
		return false;
	end = e->word + e->n;
	if (*at >= end)
		return false;
	*word = *at;
	for (*n = 0; *at < end && **at != '|'; (*at)++)
		(*n)++;
	(*at)++;
	return true;
}

/* ---- the walk */

enum how { HOW_FULL, HOW_ARG, HOW_BEGINNING, HOW_NOT };
enum { OUT = ELEMS_MAX + 1 };

struct walk {
	struct row row[CONTROL_VERBS];
	unsigned at[CONTROL_VERBS];	/* position of each row; OUT */
	struct { const char *text; size_t n; } arg[CONTROL_VERBS][2];
	bool flag[CONTROL_VERBS];
	int choice[CONTROL_VERBS];
};

static void
walk_begin(struct walk *w)
{
	memset(w, 0, sizeof(*w));
	for (unsigned i = 0; i < CONTROL_VERBS; i++) {
		row_of(&control_words[i], &w->row[i]);
		w->choice[i] = -1;
	}
}

/* May everything from the position to element e (without it) be left out? */
static bool
skippable(const struct walk *w, unsigned i, unsigned e)
{
	for (unsigned k = w->at[i]; k < e; k++) {
		const struct elem *el = &w->row[i].el[k];

		if (!el->optional || (el->bound && k == w->at[i]))
			return false;
	}
	return true;
}

/* Can element e of row i be next? */
static bool
reachable(const struct walk *w, unsigned i, unsigned e)
{
	if (w->at[i] == OUT || e < w->at[i] || e >= w->row[i].n)
		return false;
	return e == w->at[i] || (!w->row[i].el[e].bound && skippable(w, i, e));
}

static bool
complete(const struct walk *w, unsigned i)
{
	return w->at[i] != OUT && skippable(w, i, w->row[i].n);
}

/* Which alternative of e the text begins (HOW_BEGINNING) or is (HOW_FULL), from 0; -1: none. */
static int
word_is(const struct elem *e, const char *text, size_t n, enum how how)
{
	const char *at = e->word, *word;
	size_t len;

	for (int k = 0; alternative(e, &at, &word, &len); k++) {
		if ((how == HOW_FULL ? n == len : n <= len) && strncasecmp(word, text, n) == 0)
			return k;
	}
	return -1;
}

static bool
takes(const struct elem *e, const char *text, size_t n, enum how how)
{
	if (!e->word)
		return how == HOW_ARG && arg_is(e->arg, text, n);
	return how != HOW_ARG && word_is(e, text, n, how) >= 0;
}

/* Where row i is behind this word, or OUT. */
static unsigned
step(const struct walk *w, unsigned i, const char *text, size_t n, enum how how)
{
	for (unsigned e = w->at[i]; w->at[i] != OUT && e < w->row[i].n; e++) {
		if (reachable(w, i, e) && takes(&w->row[i].el[e], text, n, how))
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

static void
list_elem(struct list *l, const struct elem *e, const char *text, size_t n)
{
	const char *at = e->word, *word;
	size_t len;

	while (alternative(e, &at, &word, &len)) {
		if (!text || (n <= len && strncasecmp(word, text, n) == 0))
			list_add(l, word, len);
	}
	if (!e->word && !text)
		list_add(l, arg_type[e->arg].expected, strlen(arg_type[e->arg].expected));
}

/* Says what may stand here; text NULL: the line ends. */
static void
expected(const struct walk *w, const char *text, size_t n, char *why, size_t size)
{
	struct list l = { .out = why, .size = size };
	bool end = false;

	for (unsigned i = 0; i < CONTROL_VERBS; i++) {
		for (unsigned e = 0; e < w->row[i].n; e++) {
			if (reachable(w, i, e))
				list_elem(&l, &w->row[i].el[e], NULL, 0);
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
			if (reachable(w, i, e))
				list_elem(&l, &w->row[i].el[e], text, n);
		}
	}
	if (l.n < 2)
		return false;
	l.used = (size_t)snprintf(why, size, "\"%.*s\"", n > 40 ? 40 : (int)n, text);
	list_print(&l, " may be ", " or ");
	return true;
}

static void
note(struct walk *w, unsigned i, unsigned to, const char *text, size_t n, enum how how)
{
	const struct elem *e = to == OUT ? NULL : &w->row[i].el[to - 1];

	w->at[i] = to;
	if (!e)
		return;
	if (!e->word) {
		unsigned k = w->arg[i][0].n != 0;

		w->arg[i][k].text = text;
		w->arg[i][k].n = n;
	} else if (memchr(e->word, '|', e->n)) {
		w->choice[i] = word_is(e, text, n, how);
	} else if (e->optional && !e->bound && (to == w->row[i].n || !w->row[i].el[to].bound)) {
		w->flag[i] = true;
	}
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
			note(w, i, to[i], text, n, how);
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
		out->choice = w.choice[i];
		if (w.arg[i][0].n)	/* arg_is() saw to the length */
			memcpy(out->arg, w.arg[i][0].text, w.arg[i][0].n);
		if (w.arg[i][1].n)
			memcpy(out->arg2, w.arg[i][1].text, w.arg[i][1].n);
		return true;
	}
	expected(&w, NULL, 0, why, size);
	return false;
}

/* ---- what may come next */

static const char *
plain_help(const char *word, size_t n)
{
	for (size_t k = 0; k < sizeof(helps) / sizeof(helps[0]); k++) {
		if (strlen(helps[k].word) == n && memcmp(helps[k].word, word, n) == 0)
			return helps[k].help;
	}
	return "";
}

/* Does row k say the same as row i up to element e, and then end? Its help is that of the word. */
static bool
ends_at(const struct walk *w, unsigned k, unsigned i, unsigned e)
{
	const struct row *a = &w->row[k], *b = &w->row[i];

	for (unsigned x = 0; x <= e; x++) {
		if (x >= a->n || !a->el[x].word || !b->el[x].word || a->el[x].n != b->el[x].n || memcmp(a->el[x].word, b->el[x].word, a->el[x].n) != 0)
			return false;
	}
	for (unsigned x = e + 1; x < a->n; x++) {
		if (a->el[x].word && !a->el[x].optional)
			return false;
	}
	return true;
}

/* The help of the command that ends with element e of row i; else of the word. */
static const char *
word_help(const struct walk *w, unsigned i, unsigned e, const char *word, size_t n)
{
	const struct elem *el = &w->row[i].el[e];

	for (unsigned k = 0; k < CONTROL_VERBS && !el->optional && n == el->n; k++) {
		if (ends_at(w, k, i, e))
			return control_words[k].help;
	}
	return plain_help(word, n);
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
word_hints(const struct walk *w, unsigned i, unsigned e, const char *line, size_t n, struct control_hint *out, unsigned *n_out)
{
	const struct elem *el = &w->row[i].el[e];
	const char *at = el->word, *word;
	size_t len;

	while (alternative(el, &at, &word, &len)) {
		if (n <= len && strncasecmp(word, line, n) == 0)
			hint(out, n_out, CONTROL_HINT_WORD, word, len, word_help(w, i, e, word, len));
	}
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
			if (reachable(&w, i, e))
				word_hints(&w, i, e, line, n, out, &n_out);
		}
	}
	for (unsigned i = 0; i < CONTROL_VERBS; i++) {
		for (unsigned e = 0; e < w.row[i].n; e++) {
			enum arg_kind k = w.row[i].el[e].arg;

			if (reachable(&w, i, e) && !w.row[i].el[e].word && (n == 0 || n_out == 0))
				hint(out, &n_out, CONTROL_HINT_ARG, arg_type[k].label, strlen(arg_type[k].label), arg_type[k].help);
		}
	}
	for (unsigned i = 0; i < CONTROL_VERBS && n == 0; i++) {
		if (complete(&w, i))
			hint(out, &n_out, CONTROL_HINT_END, "<cr>", 4, "");
	}
	return n_out;
}
