#include "nhrpd/daemon/control_words.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

const struct control_word control_words[CONTROL_VERBS] = {
	[CONTROL_SHOW_DMVPN] = { "show dmvpn", NULL, "", false, "Peers of all tunnels, how far each has come, and why not further" },
	[CONTROL_SHOW_NHRP] = { "show ip nhrp", "prefix", "[PREFIX]", false, "NHRP cache" },
	[CONTROL_SHOW_NHS] = { "show ip nhrp nhs", NULL, "", false, "Hubs and our registrations with them" },
	[CONTROL_SHOW_SHORTCUT] = { "show ip nhrp shortcut", NULL, "", false, "Direct ways to other spokes" },
	[CONTROL_SHOW_TRAFFIC] = { "show ip nhrp traffic", NULL, "", false, "NHRP packets sent, received and refused" },
	[CONTROL_SHOW_SESSION] = { "show crypto session", NULL, "", false, "IKE SAs, each with its ESP SAs" },
	[CONTROL_SHOW_IKE] = { "show crypto ikev2 sa", NULL, "", false, "IKE SAs" },
	[CONTROL_SHOW_IPSEC] = { "show crypto ipsec sa", NULL, "", false, "ESP SAs" },
	[CONTROL_SHOW_INTERFACE] = { "show interface", "interface", "[NAME]", false, "Tunnel interfaces" },
	[CONTROL_SHOW_COUNTERS] = { "show counters", NULL, "", false, "Everything that is counted" },
	[CONTROL_CLEAR_PEER] = { "clear dmvpn peer", "peer", "ADDRESS|all", true, "End the SAs of a peer (tunnel or outer address) or of all" },
	[CONTROL_CLEAR_NHRP] = { "clear ip nhrp", "address", "[ADDRESS]", false, "Forget what NHRP learnt" },
	[CONTROL_CLEAR_SHORTCUT] = { "clear ip nhrp shortcut", NULL, "", false, "Forget direct ways" },
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
	unsigned full;	/* of these, written in full */
	bool all;	/* all words of the command were there */
};

static struct fit
fit(const struct control_word *c, const struct words *line)
{
	struct words cmd;
	struct fit f = { 0, 0, false };

	split(c->words, &cmd);
	while (f.words < cmd.count && f.words < line->count && line->n[f.words] <= cmd.n[f.words] &&
	    strncasecmp(line->p[f.words], cmd.p[f.words], line->n[f.words]) == 0) {
		f.full += line->n[f.words] == cmd.n[f.words];
		f.words++;
	}
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

/* The command that takes most words of the line; with as many, the one with more of them in full. */
bool
control_parse(const char *line, struct control_cmd *out, char *why, size_t size)
{
	struct fit best = { 0, 0, false }, f;
	const struct control_word *c = NULL;
	unsigned reach = 0, same = 0;
	struct words w;

	split(line, &w);
	for (unsigned i = 0; i < CONTROL_VERBS; i++) {
		f = fit(&control_words[i], &w);
		reach = f.words > reach ? f.words : reach;
		if (!f.all || (c && (f.words < best.words || (f.words == best.words && f.full < best.full))))
			continue;
		same = c && f.words == best.words && f.full == best.full ? same + 1 : 0;
		c = &control_words[i];
		best = f;
	}
	if (!c || reach > best.words || w.count > best.words + (c->arg ? 1 : 0)) {
		expected(&w, reach, why, size);
		return false;
	}
	if (same) {
		snprintf(why, size, "\"%.*s\" may mean more than one command", 60, line);
		return false;
	}
	out->verb = (enum control_verb)(c - control_words);
	out->arg[0] = '\0';
	if (w.count > best.words) {
		if (w.n[best.words] >= sizeof(out->arg)) {
			snprintf(why, size, "the argument is too long");
			return false;
		}
		memcpy(out->arg, w.p[best.words], w.n[best.words]);
		out->arg[w.n[best.words]] = '\0';
	} else if (c->arg_needed) {
		snprintf(why, size, "expected %s behind \"%s\"", c->arg_text, c->words);
		return false;
	}
	return true;
}
