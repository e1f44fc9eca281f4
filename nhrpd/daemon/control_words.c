#include "nhrpd/daemon/control_words.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/addr.h"

const struct control_word control_words[CONTROL_VERBS] = {
	[CONTROL_SHOW_DMVPN] = { "show dmvpn", CONTROL_ARG_NONE, "", false, "Peers of all tunnels, how far each has come, and why not further" },
	[CONTROL_SHOW_NHRP] = { "show ip nhrp", CONTROL_ARG_PREFIX, "[PREFIX]", false, "NHRP cache" },
	[CONTROL_SHOW_NHS] = { "show ip nhrp nhs", CONTROL_ARG_NONE, "", false, "Hubs and our registrations with them" },
	[CONTROL_SHOW_SHORTCUT] = { "show ip nhrp shortcut", CONTROL_ARG_NONE, "", false, "Direct ways to other spokes" },
	[CONTROL_SHOW_TRAFFIC] = { "show ip nhrp traffic", CONTROL_ARG_NONE, "", false, "NHRP packets sent, received and refused" },
	[CONTROL_SHOW_SESSION] = { "show crypto session", CONTROL_ARG_NONE, "", false, "IKE SAs, each with its ESP SAs" },
	[CONTROL_SHOW_IKE] = { "show crypto ikev2 sa", CONTROL_ARG_NONE, "", false, "IKE SAs" },
	[CONTROL_SHOW_IPSEC] = { "show crypto ipsec sa", CONTROL_ARG_NONE, "", false, "ESP SAs" },
	[CONTROL_SHOW_INTERFACE] = { "show interface", CONTROL_ARG_NAME, "[NAME]", false, "Tunnel interfaces" },
	[CONTROL_SHOW_COUNTERS] = { "show counters", CONTROL_ARG_NONE, "", false, "Everything that is counted" },
	[CONTROL_CLEAR_PEER] = { "clear dmvpn peer", CONTROL_ARG_ADDR_OR_ALL, "ADDRESS|all", true, "End the SAs of a peer (tunnel or outer address) or of all" },
	[CONTROL_CLEAR_NHRP] = { "clear ip nhrp", CONTROL_ARG_ADDR, "[ADDRESS]", false, "Forget what NHRP learnt" },
	[CONTROL_CLEAR_SHORTCUT] = { "clear ip nhrp shortcut", CONTROL_ARG_NONE, "", false, "Forget direct ways" },
};

const char *
control_default_path(void)
{
	return RUNSTATEDIR "/nhrpd/control.sock";
}

enum { WORDS_MAX = 6 };
struct words {
	const char *p[WORDS_MAX + 1];
	size_t n[WORDS_MAX + 1];
	unsigned count;
};

static void
split(const char *line, struct words *w)
{
	w->count = 0;
	while (w->count <= WORDS_MAX) {
		line += strspn(line, " \t\r\n");
		if (!*line)
			return;
		w->p[w->count] = line;
		w->n[w->count] = strcspn(line, " \t\r\n");
		line += w->n[w->count++];
	}
}

struct fit {
	unsigned words;	/* that this command and the line share, from the beginning */
	bool all;	/* all words of the command were there */
};

static struct fit
fit(const struct control_word *c, const struct words *line)
{
	struct words cmd;
	struct fit f = { 0, false };

	split(c->words, &cmd);
	while (f.words < cmd.count && f.words < line->count && line->n[f.words] <= cmd.n[f.words] &&
	    strncasecmp(line->p[f.words], cmd.p[f.words], line->n[f.words]) == 0)
		f.words++;
	f.all = f.words == cmd.count;
	return f;
}

/* What may stand behind the first n words of the line. */
static void
expected(const struct words *line, unsigned n, char *why, size_t size)
{
	const char *found = n < line->count ? line->p[n] : NULL, *last = "";
	size_t used = 0;
	struct words cmd;

	for (unsigned i = 0; i < CONTROL_VERBS && used < size; i++) {
		split(control_words[i].words, &cmd);
		if (fit(&control_words[i], line).words < n || cmd.count <= n ||
		    (cmd.n[n] == strcspn(last, " ") && strncmp(last, cmd.p[n], cmd.n[n]) == 0))
			continue;
		last = cmd.p[n];
		used += (size_t)snprintf(why + used, size - used, "%s%.*s", used ? ", " : "expected ", (int)cmd.n[n], cmd.p[n]);
	}
	if (used == 0)
		used += (size_t)snprintf(why, size, "expected the end of the line");
	if (used < size && found)
		snprintf(why + used, size - used, "; found \"%.*s\"", line->n[n] > 40 ? 40 : (int)line->n[n], found);
	else if (used < size)
		snprintf(why + used, size - used, "; the line ends");
}

static bool
check_arg(enum control_arg kind, const char *arg, char *why, size_t size)
{
	static const char *const what[] = {
		[CONTROL_ARG_PREFIX] = "an address or prefix", [CONTROL_ARG_ADDR] = "an address", [CONTROL_ARG_ADDR_OR_ALL] = "an address or \"all\"",
	};
	struct prefix p;
	struct addr a;
	bool ok = true;

	switch (kind) {
	case CONTROL_ARG_PREFIX:
		ok = prefix_parse(arg, &p);
		break;
	case CONTROL_ARG_ADDR:
		ok = addr_parse(arg, &a);
		break;
	case CONTROL_ARG_ADDR_OR_ALL:
		ok = strcasecmp(arg, "all") == 0 || addr_parse(arg, &a);
		break;
	case CONTROL_ARG_NAME:
	case CONTROL_ARG_NONE:
		break;
	}
	if (!ok)
		snprintf(why, size, "expected %s, found \"%.40s\"", what[kind], arg);
	return ok;
}

static bool
same_words(const struct words *a, const struct words *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (a->n[i] != b->n[i] || memcmp(a->p[i], b->p[i], a->n[i]) != 0)
			return false;
	}
	return true;
}

/* Does word i of the line, short as it is, begin another keyword as well that may stand there? */
static bool
ambiguous(const struct words *line, const struct words *chosen, unsigned i, char *why, size_t size)
{
	struct words cmd;

	if (line->n[i] == chosen->n[i])
		return false;
	for (unsigned k = 0; k < CONTROL_VERBS; k++) {
		split(control_words[k].words, &cmd);
		if (cmd.count <= i || !same_words(&cmd, chosen, i) || same_words(&cmd, chosen, i + 1) || cmd.n[i] < line->n[i] ||
		    strncasecmp(cmd.p[i], line->p[i], line->n[i]) != 0)
			continue;
		snprintf(why, size, "\"%.*s\" may be %.*s or %.*s", (int)line->n[i], line->p[i], (int)chosen->n[i], chosen->p[i], (int)cmd.n[i], cmd.p[i]);
		return true;
	}
	return false;
}

static bool
take_arg(const struct control_word *c, const struct words *w, unsigned at, struct control_cmd *out, char *why, size_t size)
{
	out->arg[0] = '\0';
	if (w->count == at) {
		if (c->arg_needed)
			snprintf(why, size, "expected %s behind \"%s\"", c->arg_text, c->words);
		return !c->arg_needed;
	}
	if (w->n[at] >= sizeof(out->arg)) {
		snprintf(why, size, "the argument is too long");
		return false;
	}
	memcpy(out->arg, w->p[at], w->n[at]);
	out->arg[w->n[at]] = '\0';
	return check_arg(c->arg, out->arg, why, size);
}

/* The command that takes most words of the line. */
bool
control_parse(const char *line, struct control_cmd *out, char *why, size_t size)
{
	const struct control_word *c = NULL;
	struct fit best = { 0, false }, f;
	struct words w, chosen;
	unsigned reach = 0;

	split(line, &w);
	for (unsigned i = 0; i < CONTROL_VERBS; i++) {
		f = fit(&control_words[i], &w);
		reach = f.words > reach ? f.words : reach;
		if (f.all && (!c || f.words > best.words)) {
			c = &control_words[i];
			best = f;
		}
	}
	if (!c || reach > best.words || w.count > best.words + (c->arg != CONTROL_ARG_NONE ? 1 : 0)) {
		expected(&w, reach, why, size);
		return false;
	}
	split(c->words, &chosen);
	for (unsigned i = 0; i < best.words; i++) {
		if (ambiguous(&w, &chosen, i, why, size))
			return false;
	}
	out->verb = (enum control_verb)(c - control_words);
	return take_arg(c, &w, best.words, out, why, size);
}
