/* nhrpd/daemon/conf_match.c: which rule do these words follow?
 *
 * All rules of a context are walked at once, word by word; each rule is a set of positions in its syntax. A word is first
 * taken as a keyword written in full, then as an argument, then as the beginning of a keyword, which must be the only one
 * possible. What could have stood where no rule goes on is what the error says. */
#include "nhrpd/daemon/conf_priv.h"

#include <stdlib.h>

/* ---- syntax text to elements */

static const struct conf_type *
find_type(const char *name, size_t n)
{
	for (size_t i = 0; i < conf_n_types; i++) {
		if (strlen(conf_types[i].name) == n && memcmp(conf_types[i].name, name, n) == 0)
			return &conf_types[i];
	}
	return NULL;
}

static bool
compile_arg(const char *s, size_t n, struct conf_elem *e)
{
	const char *colon = memchr(s, ':', n);
	char *end;

	e->kind = CONF_EL_ARG;
	e->type = find_type(s, colon ? (size_t)(colon - s) : n);
	if (colon) {
		e->lo = strtoull(colon + 1, &end, 10);
		e->hi = *end == '-' ? strtoull(end + 1, NULL, 10) : e->lo;
	}
	return e->type != NULL;
}

static bool
compile_elem(const char **at, struct conf_elem *e)
{
	const char *s = *at;
	size_t n;

	if (*s == '<') {
		n = strcspn(s, ">");
		if (!compile_arg(s + 1, n - 1, e))
			return false;
		n++;
		e->repeat = strncmp(s + n, "...", 3) == 0;
		*at = s + n + (e->repeat ? 3 : 0);
		return true;
	}
	e->kind = *s == '{' ? CONF_EL_CHOICE : CONF_EL_WORD;
	n = strcspn(s, *s == '{' ? "}" : " ]");
	e->word = s + (*s == '{');
	e->len = n - (*s == '{');
	*at = s + n + (*s == '{');
	return e->len > 0;
}

bool
conf_compile(const char *syntax, bool no, const struct conf_rule *rule, struct conf_syntax *out)
{
	unsigned open = 0;
	bool is_open = false;

	memset(out, 0, sizeof(*out));
	out->rule = rule;
	out->no = no;
	if (no)
		out->el[out->n++] = (struct conf_elem){ .kind = CONF_EL_WORD, .word = "no", .len = 2 };
	for (const char *s = syntax; *s;) {
		if (*s == ' ') {
			s++;
		} else if (*s == '[' && !is_open) {
			open = out->n;
			is_open = true;
			s++;
		} else if (*s == ']' && is_open && out->n > open) {
			out->el[open].skip = out->n;
			is_open = false;
			s++;
		} else if (out->n == CONF_ELEMS_MAX || !compile_elem(&s, &out->el[out->n++])) {
			return false;
		}
	}
	return out->n > 0 && !is_open;
}

/* ---- words */

/* Is text one of the words "a|b"? 2: in full, 1: the beginning of one, 0: no. `which` is its number. More than one
 * beginning is ambiguous: the first is named in `which`, the second in `also`. */
static int
word_is(const struct conf_elem *e, const struct conf_token *t, unsigned *which, const char **full, size_t *full_n)
{
	const char *w = e->word, *end = e->word + e->len;
	size_t n = strlen(t->text);
	int best = 0;

	for (unsigned i = 0; w < end && !t->quoted && n; i++) {
		const char *bar = memchr(w, '|', (size_t)(end - w));
		size_t len = (size_t)((bar ? bar : end) - w);

		if (n <= len && strncasecmp(w, t->text, n) == 0 && (n == len || best == 0)) {
			*which = i;
			*full = w;
			*full_n = len;
			best = n == len ? 2 : 1;
			if (best == 2)
				break;
		}
		w = bar ? bar + 1 : end;
	}
	return best;
}

static uint32_t
closure(const struct conf_syntax *s, unsigned at)
{
	uint32_t set = 1u << at;

	while (at < s->n && s->el[at].skip) {
		at = s->el[at].skip;
		set |= 1u << at;
	}
	return set;
}

static uint32_t
behind(const struct conf_syntax *s, unsigned at)
{
	return closure(s, at + 1) | (s->el[at].repeat ? 1u << at : 0);
}

enum how { HOW_FULL, HOW_ARG, HOW_BEGINNING, HOW_NOT };

struct walk {
	const struct conf_parse *p;
	uint32_t set[CONF_RULES_MAX * 2];	/* positions of each syntax; 0: out */
	uint16_t in[CONF_RULES_MAX * 2];	/* those that are not out, in order */
	size_t n_in;
	enum conf_ctx ctx;
	unsigned keywords;	/* how many of the first words were keywords */
};

static bool
arg_is(const struct conf_elem *e, const struct conf_token *t, struct conf_val *v, char *why, size_t n)
{
	why[0] = '\0';
	memset(v, 0, sizeof(*v));
	v->s = e->type->rest ? t->rest : t->text;
	return e->type->parse(v->s, e->lo, e->hi, v, why, n);
}

static bool
elem_takes(const struct conf_elem *e, const struct conf_token *t, enum how how)
{
	struct conf_val v;
	char why[256];
	const char *full;
	unsigned which;
	size_t n;

	if (e->kind == CONF_EL_ARG)
		return how == HOW_ARG && arg_is(e, t, &v, why, sizeof(why));
	return (how == HOW_FULL && word_is(e, t, &which, &full, &n) == 2) || (how == HOW_BEGINNING && word_is(e, t, &which, &full, &n) == 1);
}

static uint32_t
step(const struct conf_syntax *s, uint32_t set, const struct conf_token *t, enum how how)
{
	uint32_t next = 0;

	for (set &= (1u << s->n) - 1; set; set &= set - 1) {
		unsigned i = (unsigned)__builtin_ctz(set);

		if (elem_takes(&s->el[i], t, how))
			next |= behind(s, i);
	}
	return next;
}

/* ---- what could stand here */

struct expect {
	char item[CONF_EXPECT_MAX][80];
	unsigned n, more;
};

static void
expect_add(struct expect *x, const char *text, size_t n)
{
	char item[80];

	snprintf(item, sizeof(item), "%.*s", (int)n, text);
	for (unsigned i = 0; i < x->n; i++) {
		if (strcmp(x->item[i], item) == 0)
			return;
	}
	if (x->n == CONF_EXPECT_MAX)
		x->more++;
	else
		memcpy(x->item[x->n++], item, sizeof(item));
}

static void
expect_words(struct expect *x, const struct conf_elem *e, const struct conf_token *beginning)
{
	const char *w = e->word, *end = e->word + e->len;
	size_t n = beginning ? strlen(beginning->text) : 0;

	while (w < end) {
		const char *bar = memchr(w, '|', (size_t)(end - w));
		size_t len = (size_t)((bar ? bar : end) - w);

		if (n <= len && (n == 0 || strncasecmp(w, beginning->text, n) == 0))
			expect_add(x, w, len);
		w = bar ? bar + 1 : end;
	}
}

static void
expect_elem(struct expect *x, const struct conf_elem *e)
{
	char range[80];

	if (e->kind != CONF_EL_ARG) {
		expect_words(x, e, NULL);
	} else if (e->lo || e->hi) {
		snprintf(range, sizeof(range), "a number from %llu to %llu", (unsigned long long)e->lo, (unsigned long long)e->hi);
		expect_add(x, range, strlen(range));
	} else {
		expect_add(x, e->type->what, strlen(e->type->what));
	}
}

static void
expect_text(const struct expect *x, char *out, size_t n)
{
	size_t used = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < x->n && used < n; i++) {
		const char *sep = i == 0 ? "" : i + 1 == x->n && !x->more ? " or " : ", ";
		int k = snprintf(out + used, n - used, "%s%s", sep, x->item[i]);

		used += k > 0 ? (size_t)k : 0;
	}
	if (x->more && used < n)
		snprintf(out + used, n - used, ", ...");
}

/* Secrets are not repeated in errors: where a rule that is still in has one, all behind the keywords is masked; where
 * the first word of a line about a peer is misspelt, all behind it. */
static void
set_miss(const struct walk *w, const struct conf_words *words, unsigned i, struct conf_miss *m)
{
	unsigned from = i < w->keywords ? i : w->keywords;
	bool secret = false;

	for (size_t in = 0; in < w->n_in; in++) {
		size_t k = w->in[in];
		const struct conf_syntax *s = &w->p->syntax[k];

		for (unsigned e = 0; e < s->n; e++)
			secret = secret || (w->set[k] >> e != 0 && s->el[e].kind == CONF_EL_ARG && s->el[e].type->secret);
	}
	if (i == 0 && w->ctx == CONF_PEER) {
		secret = true;
		from = 1;
	}
	m->depth = i;
	m->column = i < words->n ? words->token[i].column : words->end;
	m->mask = secret && from < words->n ? words->token[from].column : 0;
}

/* No rule goes on at word i (or the line ends there). */
static void
missed(const struct walk *w, const struct conf_words *words, unsigned i, struct conf_miss *m)
{
	struct expect x = { .n = 0 };
	char why[256] = "", first_why[256] = "", list[200], found[48];
	const struct conf_token *t = i < words->n ? &words->token[i] : NULL;
	bool end = false, hide;
	struct conf_val v;

	set_miss(w, words, i, m);
	hide = m->mask && m->mask <= m->column;
	for (size_t in = 0; in < w->n_in; in++) {
		size_t k = w->in[in];
		const struct conf_syntax *s = &w->p->syntax[k];

		for (unsigned e = 0; e < s->n; e++) {
			if (!(w->set[k] & 1u << e))
				continue;
			expect_elem(&x, &s->el[e]);
			if (t && s->el[e].kind == CONF_EL_ARG && !arg_is(&s->el[e], t, &v, why, sizeof(why)) && why[0] && !first_why[0])
				memcpy(first_why, why, sizeof(why));
		}
		end = end || (w->set[k] & 1u << s->n);
	}
	if (end)
		expect_add(&x, "the end of the line", 19);
	expect_text(&x, list, sizeof(list));
	if (first_why[0])
		snprintf(m->text, sizeof(m->text), "%s", first_why);
	else if (!t)
		snprintf(m->text, sizeof(m->text), "expected %s, but the line ends", list);
	else
		snprintf(m->text, sizeof(m->text), "expected %s, found %s", list, hide ? "something else" : conf_found(t->text, found));
}

/* True where the beginning fits more than one keyword among all rules still in. */
static bool
ambiguous(const struct walk *w, const struct conf_words *words, unsigned i, struct conf_miss *m)
{
	const struct conf_token *t = &words->token[i];
	struct expect x = { .n = 0 };
	char list[200], found[48];

	for (size_t in = 0; in < w->n_in; in++) {
		size_t k = w->in[in];
		const struct conf_syntax *s = &w->p->syntax[k];

		for (unsigned e = 0; e < s->n; e++) {
			if ((w->set[k] & 1u << e) && s->el[e].kind != CONF_EL_ARG && elem_takes(&s->el[e], t, HOW_BEGINNING))
				expect_words(&x, &s->el[e], t);
		}
	}
	if (x.n < 2)
		return false;
	expect_text(&x, list, sizeof(list));
	set_miss(w, words, i, m);
	snprintf(m->text, sizeof(m->text), "%s may be %s", conf_found(t->text, found), list);
	return true;
}

/* ---- the rule found: what its words mean */

static void
take(struct conf_cmd *c, const struct conf_elem *e, const struct conf_token *t)
{
	struct conf_arg *a = &c->arg[c->n_arg];
	char why[256];
	const char *full = NULL;
	unsigned which = 0;
	size_t n = 0;

	if (e->kind == CONF_EL_ARG) {
		a->type = e->type;
		a->column = t->column;
		arg_is(e, t, &a->v, why, sizeof(why));
		c->n_arg++;
		return;
	}
	word_is(e, t, &which, &full, &n);
	c->word[c->n_word].word = full;
	c->word[c->n_word].len = n;
	c->word[c->n_word].column = t->column;
	if (e->kind == CONF_EL_CHOICE) {
		memset(a, 0, sizeof(*a));
		a->column = t->column;
		a->v.n = which;
		a->v.s = t->text;
		c->n_arg++;
	}
	c->word[c->n_word++].next_arg = c->n_arg;
}

static void
understand(const struct conf_syntax *s, const struct conf_words *w, struct conf_cmd *c)
{
	uint32_t set = closure(s, 0);

	memset(c, 0, sizeof(*c));
	c->rule = s->rule;
	c->no = s->no;
	c->column = w->token[0].column;
	for (unsigned i = 0; i < w->n; i++) {
		bool done = false;

		for (enum how how = HOW_FULL; how < HOW_NOT && !done; how++) {
			for (unsigned e = 0; e < s->n && !done; e++) {
				if (!(set & 1u << e) || !elem_takes(&s->el[e], &w->token[i], how))
					continue;
				take(c, &s->el[e], &w->token[i]);
				if (s->el[e].kind == CONF_EL_ARG && s->el[e].type->rest)
					return;
				set = behind(s, e);
				done = true;
			}
		}
	}
}

/* One rule takes the rest of the line: what follows is no more words. */
static bool
takes_rest(const struct walk *w, const struct conf_words *words, unsigned i, struct conf_cmd *c)
{
	char why[256];
	struct conf_val v;

	for (size_t in = 0; in < w->n_in; in++) {
		size_t k = w->in[in];
		const struct conf_syntax *s = &w->p->syntax[k];

		for (unsigned e = 0; e < s->n; e++) {
			if ((w->set[k] & 1u << e) && s->el[e].kind == CONF_EL_ARG && s->el[e].type->rest &&
			    arg_is(&s->el[e], &words->token[i], &v, why, sizeof(why))) {
				understand(s, words, c);
				return true;
			}
		}
	}
	return false;
}

/* The rules that went on stay in. */
static void
keep(struct walk *w, const uint32_t *next)
{
	size_t n = 0;

	for (size_t in = 0; in < w->n_in; in++) {
		w->set[w->in[in]] = next[in];
		if (next[in])
			w->in[n++] = w->in[in];
	}
	w->n_in = n;
}

/* One word further in all rules; false when none is left. */
static bool
advance(struct walk *w, const struct conf_words *words, unsigned i, struct conf_miss *m)
{
	uint32_t next[CONF_RULES_MAX * 2];

	for (enum how how = HOW_FULL; how < HOW_NOT; how++) {
		bool any = false;

		if (how == HOW_BEGINNING && ambiguous(w, words, i, m))
			return false;
		for (size_t in = 0; in < w->n_in; in++) {
			size_t k = w->in[in];

			next[in] = step(&w->p->syntax[k], w->set[k], &words->token[i], how);
			any = any || next[in];
		}
		if (any) {
			keep(w, next);
			if (how != HOW_ARG && w->keywords == i)
				w->keywords++;
			return true;
		}
	}
	missed(w, words, i, m);
	return false;
}

bool
conf_match(const struct conf_parse *p, enum conf_ctx ctx, const struct conf_words *words, struct conf_cmd *c, struct conf_miss *m)
{
	struct walk w = { .p = p, .ctx = ctx };

	for (size_t k = 0; k < p->n_syntax; k++) {
		if (p->syntax[k].rule->ctx != ctx)
			continue;
		w.set[k] = closure(&p->syntax[k], 0);
		w.in[w.n_in++] = (uint16_t)k;
	}
	for (unsigned i = 0; i < words->n; i++) {
		if (i > 0 && takes_rest(&w, words, i, c))
			return true;
		if (!advance(&w, words, i, m))
			return false;
	}
	for (size_t in = 0; in < w.n_in; in++) {
		const struct conf_syntax *s = &p->syntax[w.in[in]];

		if (w.set[w.in[in]] & 1u << s->n) {
			understand(s, words, c);
			return true;
		}
	}
	missed(&w, words, words->n, m);
	return false;
}

bool
conf_has(const struct conf_cmd *c, const char *word)
{
	for (unsigned i = 0; i < c->n_word; i++) {
		if (c->word[i].len == strlen(word) && memcmp(c->word[i].word, word, c->word[i].len) == 0)
			return true;
	}
	return false;
}

const struct conf_arg *
conf_after(const struct conf_cmd *c, const char *word)
{
	for (unsigned i = 0; i < c->n_word; i++) {
		if (c->word[i].len == strlen(word) && memcmp(c->word[i].word, word, c->word[i].len) == 0 && c->word[i].next_arg < c->n_arg)
			return &c->arg[c->word[i].next_arg];
	}
	return NULL;
}
