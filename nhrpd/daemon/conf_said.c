/* nhrpd/daemon/conf_said.c: what was said, kept for `show running-config`.
 *
 * Every line that was understood is kept in its canonical form: keywords in full, arguments as they were written, secrets'
 * files by their whole path. A line that another one replaces or takes back goes, so what is left is what is in force.
 * The parser's table is the only source: a new keyword is shown without a word here. Includes are shown where they
 * were read. Lines stay in the order of the files; blocks stand together because none can be opened twice. */
#include "nhrpd/daemon/conf_priv.h"

#include <ctype.h>
#include <stdlib.h>

struct conf_said {
	struct conf_said *next;
	const struct conf_rule *rule;
	const void *block;	/* it belongs to; an opener: its own */
	bool gone;
	unsigned depth;
	const char *text;
	const char *secret;	/* in text: what is masked from here to the end; NULL: none */
};

enum { TEXT_ROOM = 2 * CONF_TEXT_MAX + PATH_MAX };
struct text {
	char s[TEXT_ROOM];
	size_t n, secret;	/* secret: where it begins; 0: none */
};

static void
put(struct text *t, const char *s, size_t n)
{
	if (n > sizeof(t->s) - 1 - t->n)
		n = sizeof(t->s) - 1 - t->n;
	memcpy(t->s + t->n, s, n);
	t->n += n;
	t->s[t->n] = '\0';
}

static bool
is_keyword(const char *s)
{
	char low[32];
	size_t n = strlen(s);

	if (n >= sizeof(low))
		return false;
	for (size_t i = 0; i <= n; i++)
		low[i] = (char)tolower((unsigned char)s[i]);
	return conf_word_help(low) != NULL;
}

static bool
needs_quotes(const char *s)
{
	return s[0] == '\0' || s[0] == '"' || s[0] == '!' || s[0] == '#' || s[strcspn(s, " \t\r\f\v")] != '\0';
}

/* Quoted also where a keyword may stand instead: the secret "hex". No other argument has that. */
static void
put_word(struct text *t, const char *s, bool secret)
{
	if (!needs_quotes(s) && !(secret && is_keyword(s))) {
		put(t, s, strlen(s));
		return;
	}
	put(t, "\"", 1);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			put(t, "\\", 1);
		put(t, s, 1);
	}
	put(t, "\"", 1);
}

static void
put_arg(struct conf_parse *p, struct text *t, const struct conf_cmd *c, const struct conf_arg *a)
{
	char *path, *whole;

	if (a->type->secret && !t->secret)
		t->secret = t->n;
	if (a->type->rest) {
		put(t, a->v.s, strlen(a->v.s));
	} else if (c->rule->fn == conf_set_psk_file || c->rule->fn == conf_set_pki_file) {
		path = conf_path(p, a->v.s);
		whole = path ? realpath(path, NULL) : NULL;
		put_word(t, whole ? whole : path ? path : a->v.s, false);
		free(whole);
	} else {
		put_word(t, a->v.s, a->type->secret);
	}
}

/* Keywords and arguments in the order of the line. Choices are both: the keyword is what is shown. */
static void
line_text(struct conf_parse *p, const struct conf_cmd *c, struct text *t)
{
	unsigned w = 0, a = 0;

	t->n = t->secret = 0;
	t->s[0] = '\0';
	while (w < c->n_word || a < c->n_arg) {
		if (a < c->n_arg && !c->arg[a].type) {
			a++;
			continue;
		}
		if (t->n)
			put(t, " ", 1);
		if (w < c->n_word && (a == c->n_arg || c->word[w].column < c->arg[a].column)) {
			put(t, c->word[w].word, c->word[w].len);
			w++;
		} else {
			put_arg(p, t, c, &c->arg[a++]);
		}
	}
}

static unsigned
depth_of(enum conf_ctx ctx)
{
	unsigned n = 0;

	for (; ctx != CONF_GLOBAL; ctx = conf_ctx_up(ctx))
		n++;
	return n;
}

static bool
is_plain(const struct conf_rule *r)
{
	return r->fn == conf_set_value || r->fn == conf_set_flag || r->fn == conf_set_choice || r->fn == conf_set_list || r->fn == conf_set_mss ||
	    r->fn == conf_set_mask_pair || r->fn == conf_set_rate || r->fn == conf_set_bfd || r->fn == conf_set_mode;
}

/* Do both set, or take back, the same thing? Of what is only noted, the words tell. */
static bool
same_thing(const struct conf_said *s, const struct conf_cmd *c, const char *text)
{
	const struct conf_rule *a = s->rule, *b = c->rule;
	size_t n;

	if (a == b && (a->fn == conf_set_nothing || a->fn == conf_set_auth)) {
		text += c->no ? 3 : 0;
		n = strlen(text);
		return c->no ? strncmp(s->text, text, n) == 0 && (s->text[n] == ' ' || s->text[n] == '\0') : strcmp(s->text, text) == 0;
	}
	if (a->ctx != b->ctx)
		return false;
	if (is_plain(a) && is_plain(b))
		return a->off == b->off;
	if (a->fn == conf_set_addke && b->fn == conf_set_addke)	/* by its number */
		return strncmp(s->text, text + (c->no ? 3 : 0), strlen(a->ctx == CONF_IPSEC ? "set additional-key-exchange 1" : "additional-key-exchange 1")) == 0;
	if (a->fn == conf_set_psk || a->fn == conf_set_psk_file)
		return b->fn == conf_set_psk || b->fn == conf_set_psk_file;
	return a->fn == b->fn && (a->fn == conf_set_dpd || a->fn == conf_set_ppk || a->fn == conf_set_peer_id || a->fn == conf_set_local_id ||
	    a->fn == conf_set_revocation);
}

/* "no X" stays where it says something that silence does not. */
static bool
no_is_a_choice(const struct conf_rule *r)
{
	return r->fn == conf_set_mss || r->fn == conf_set_choice || r->fn == conf_set_dpd;
}

static bool
is_kept(const struct conf_cmd *c)
{
	if (c->rule->fn == conf_include || c->rule->fn == conf_leave || c->rule->fn == conf_end)
		return false;
	return !c->no || no_is_a_choice(c->rule);
}

void
conf_say(struct conf_parse *p, const struct conf_cmd *c)
{
	const void *block = p->block[p->ctx];
	struct conf_said *s;
	struct text t;

	line_text(p, c, &t);
	for (s = block && p->said_open ? p->said_open : p->said; s; s = s->next)	/* lines of a block follow its opener */
		s->gone = s->gone || (s->block == block && same_thing(s, c, t.s));
	s = is_kept(c) ? conf_alloc(p->mem, sizeof(*s)) : NULL;
	if (s)
		s->text = conf_strdup(p->mem, t.s, t.n);
	if (s && s->text) {
		s->rule = c->rule;
		s->block = block;
		s->depth = depth_of(c->rule->ctx);
		s->secret = t.secret ? s->text + t.secret : NULL;
		*p->said_end = s;
		p->said_end = &s->next;
		if (block && (!p->said_open || p->said_open->block != block))
			p->said_open = s;
	}
	explicit_bzero(&t, sizeof(t));
}

void
conf_each_line(const struct conf *c, bool secrets, conf_line_fn *fn, void *ctx)
{
	char line[TEXT_ROOM + 32];
	unsigned last = 0;
	bool first = true;

	for (const struct conf_said *s = c->said; s; s = s->next) {
		if (s->gone)
			continue;
		if (s->depth == 0 && (s->block || last) && !first)
			fn(ctx, "!");
		first = false;
		last = s->depth;
		if (secrets || !s->secret)
			snprintf(line, sizeof(line), "%*s%s", (int)s->depth, "", s->text);
		else
			snprintf(line, sizeof(line), "%*s%.*s<secret hidden>", (int)s->depth, "", (int)(s->secret - s->text), s->text);
		fn(ctx, line);
	}
	explicit_bzero(line, sizeof(line));
}
