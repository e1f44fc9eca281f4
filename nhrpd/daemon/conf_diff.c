/* nhrpd/daemon/conf_diff.c: what a reload changes, in the words of the configuration.
 *
 * Both configurations say their lines in force; each line is known by the block it stands in. Sorted and laid side by side,
 * what only one of them has is a difference. Secrets are compared and not shown. A secret in a file of its own changes
 * without any line that does: the keys themselves are compared for those. */
#include "nhrpd/daemon/conf.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 4 };

struct line {
	char *path;	/* "interface dmvpn0\nip nhrp holdtime 600", secrets and all */
	char *shown;	/* "interface dmvpn0: ip nhrp holdtime 600" */
	size_t behind;	/* of shown: where the line itself begins */
	unsigned order;
	bool only;	/* the other one does not have it */
};

struct lines {
	struct line *v;
	unsigned n, cap, at;
	bool secrets, failed;
	char *block[DEPTH_MAX];
};

static unsigned
depth_of(const char *line)
{
	unsigned n = (unsigned)strspn(line, " ");

	return n < DEPTH_MAX ? n : DEPTH_MAX - 1;
}

static bool
is_line(const char *line)
{
	line += strspn(line, " ");
	return *line && *line != '!' && strcmp(line, "end") != 0;
}

/* The blocks around it, the line, with `between` between them; from malloc. */
static char *
joined(const struct lines *l, const char *line, unsigned depth, const char *between, size_t *behind)
{
	size_t n = strlen(line) + 1, used = 0;
	char *out;

	for (unsigned i = 0; i < depth; i++)
		n += strlen(l->block[i] ? l->block[i] : "") + strlen(between);
	out = malloc(n);
	for (unsigned i = 0; out && i < depth; i++)
		used += (size_t)snprintf(out + used, n - used, "%s%s", l->block[i] ? l->block[i] : "", between);
	*behind = used;
	if (out)
		snprintf(out + used, n - used, "%s", line);
	return out;
}

static struct line *
more(struct lines *l)
{
	unsigned cap = l->cap ? l->cap * 2 : 256;
	struct line *v;

	if (l->n == l->cap) {
		v = realloc(l->v, cap * sizeof(*v));
		if (!v)
			return NULL;
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n] = (struct line){ .order = l->n };
	return &l->v[l->n++];
}

/* Told twice in the same order: with secrets for the paths, without for what is shown. */
static void
take(void *ctx, const char *text)
{
	struct lines *l = ctx;
	unsigned depth = depth_of(text);
	const char *line = text + strspn(text, " ");
	size_t behind;
	char **to;

	if (l->failed || !is_line(text))
		return;
	if (l->secrets && !more(l)) {
		l->failed = true;
		return;
	}
	if (!l->secrets && l->at == l->n)
		return;
	to = l->secrets ? &l->v[l->n - 1].path : &l->v[l->at].shown;
	*to = joined(l, line, depth, l->secrets ? "\n" : ": ", &behind);
	if (!l->secrets)
		l->v[l->at++].behind = behind;
	free(l->block[depth]);
	l->block[depth] = strdup(line);
	l->failed = !*to || !l->block[depth];
}

static int
by_path(const void *a, const void *b)
{
	return strcmp(((const struct line *)a)->path, ((const struct line *)b)->path);
}

static int
by_order(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	return (x->order > y->order) - (x->order < y->order);
}

static bool
read_lines(const struct conf *c, struct lines *l)
{
	memset(l, 0, sizeof(*l));
	l->secrets = true;
	conf_each_line(c, true, take, l);
	l->secrets = false;
	conf_each_line(c, false, take, l);
	return !l->failed && l->at == l->n;
}

static void
free_lines(struct lines *l)
{
	for (unsigned i = 0; i < l->n; i++) {
		if (l->v[i].path)
			explicit_bzero(l->v[i].path, strlen(l->v[i].path));
		free(l->v[i].path);
		free(l->v[i].shown);
	}
	for (unsigned i = 0; i < DEPTH_MAX; i++)
		free(l->block[i]);
	free(l->v);
}

static void
compare(struct lines *a, struct lines *b)
{
	unsigned i = 0, k = 0;

	if (a->n)
		qsort(a->v, a->n, sizeof(a->v[0]), by_path);
	if (b->n)
		qsort(b->v, b->n, sizeof(b->v[0]), by_path);
	while (i < a->n || k < b->n) {
		int c = i == a->n ? 1 : k == b->n ? -1 : strcmp(a->v[i].path, b->v[k].path);

		if (c < 0)
			a->v[i].only = true;
		if (c > 0)
			b->v[k].only = true;
		i += c <= 0;
		k += c >= 0;
	}
	if (a->n)
		qsort(a->v, a->n, sizeof(a->v[0]), by_order);
	if (b->n)
		qsort(b->v, b->n, sizeof(b->v[0]), by_order);
}

static unsigned
tell(const struct lines *l, char sign, conf_line_fn *fn, void *ctx)
{
	char text[512];
	unsigned n = 0;

	for (unsigned i = 0; i < l->n; i++) {
		const struct line *s = &l->v[i];

		if (!s->only)
			continue;
		snprintf(text, sizeof(text), "%.*s%c %s", (int)s->behind, s->shown, sign, s->shown + s->behind);
		fn(ctx, text);
		n++;
	}
	return n;
}

static const struct ike_key *
key_named(const struct ike_profile *p, const char *name)
{
	for (unsigned i = 0; i < p->n_key; i++) {
		if (strcmp(p->key[i].name, name) == 0)
			return &p->key[i];
	}
	return NULL;
}

static unsigned
changed_keys(const struct ike_profile *was, const struct ike_profile *is, conf_line_fn *fn, void *ctx)
{
	char text[2 * IKE_NAME_MAX + 96];
	unsigned n = 0;

	for (unsigned i = 0; i < is->n_key; i++) {
		const struct ike_key *k = &is->key[i], *old = key_named(was, k->name);

		bool psk = old && old->psk_len == k->psk_len && memcmp(old->psk, k->psk, k->psk_len) == 0;
		bool ppk = old && old->ppk_len == k->ppk_len && memcmp(old->ppk, k->ppk, k->ppk_len) == 0 && old->ppk_id_len == k->ppk_id_len &&
		    memcmp(old->ppk_id, k->ppk_id, k->ppk_id_len) == 0 && old->ppk_required == k->ppk_required;

		if (!old || (psk && ppk))
			continue;
		snprintf(text, sizeof(text), "crypto ikev2 profile %s: the %skey of peer %s is another one", is->name, psk ? "post-quantum " : "", k->name);
		fn(ctx, text);
		n++;
	}
	return n;
}

static unsigned
changed_trusts(const struct conf *was, const struct conf *is, conf_line_fn *fn, void *ctx)
{
	char text[IKE_NAME_MAX + 96];
	unsigned n = 0;

	for (unsigned i = 0; i < is->n_trust; i++) {
		const char *name = ike_trust_conf(is->trust[i])->name;

		for (unsigned k = 0; k < was->n_trust; k++) {
			if (strcmp(name, ike_trust_conf(was->trust[k])->name) != 0 || ike_trust_eq(was->trust[k], is->trust[i]))
				continue;
			snprintf(text, sizeof(text), "crypto pki trustpoint %s: certificates, key or CRLs are others", name);
			fn(ctx, text);
			n++;
		}
	}
	return n;
}

int
conf_diff(const struct conf *was, const struct conf *is, conf_line_fn *fn, void *ctx)
{
	struct lines a, b;
	unsigned n = 0;
	bool ok = read_lines(was, &a);

	ok = read_lines(is, &b) && ok;
	if (ok) {
		compare(&a, &b);
		n = tell(&a, '-', fn, ctx);
		n += tell(&b, '+', fn, ctx);
		n += changed_trusts(was, is, fn, ctx);
		for (unsigned i = 0; i < is->core.ike.n_profile; i++) {
			for (unsigned k = 0; k < was->core.ike.n_profile; k++) {
				if (strcmp(is->core.ike.profile[i].name, was->core.ike.profile[k].name) == 0) {
					n += changed_keys(&was->core.ike.profile[k], &is->core.ike.profile[i], fn, ctx);
					break;
				}
			}
		}
	}
	free_lines(&a);
	free_lines(&b);
	return ok ? (int)n : -1;
}
