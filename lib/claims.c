/* lib/claims.c: what somebody may claim. */
#include "lib/claims.h"

#include <stddef.h>
#include <stdio.h>

enum { SHOWN_MAX = 3 };

static unsigned
family_bit(uint8_t family)
{
	return family == 4 ? CLAIM_V4 : CLAIM_V6;
}

void
claims_say(struct claims *c, unsigned kinds, unsigned families)
{
	for (unsigned kind = CLAIM_ADDRESS; kind <= CLAIM_PREFIX; kind++) {
		if (kinds & kind)
			c->says[kind] |= (uint8_t)families;
	}
}

bool
claims_add(struct claims *c, unsigned kinds, const struct prefix *p)
{
	claims_say(c, kinds, family_bit(p->addr.n));
	for (unsigned i = 0; i < c->n; i++) {
		if (prefix_eq(&c->item[i].p, p)) {
			c->item[i].kinds |= (uint8_t)kinds;
			return true;
		}
	}
	if (c->n == CLAIMS_MAX)
		return false;
	c->item[c->n++] = (struct claims_item){ prefix_of(&p->addr, p->bits), (uint8_t)kinds };
	return true;
}

bool
claims_speak(const struct claims *c, unsigned kind, uint8_t family)
{
	return c && (c->says[kind] & family_bit(family));
}

bool
claims_allow(const struct claims *c, unsigned kind, const struct prefix *p)
{
	if (!claims_speak(c, kind, p->addr.n))
		return true;
	for (unsigned i = 0; i < c->n; i++) {
		if ((c->item[i].kinds & kind) && prefix_covers(&c->item[i].p, p))
			return true;
	}
	return false;
}

void
claims_say_groups(struct claims *c)
{
	c->says_groups = true;
}

bool
claims_add_group(struct claims *c, struct span name)
{
	claims_say_groups(c);
	if (name.n == 0 || name.n > CLAIMS_GROUP_MAX || memchr(name.p, 0, name.n))
		return false;
	if (claims_allow_group(c, name))
		return true;
	if (c->n_group == CLAIMS_GROUPS_MAX)
		return false;
	memcpy(c->group[c->n_group], name.p, name.n);
	c->group[c->n_group++][name.n] = '\0';
	return true;
}

bool
claims_allow_group(const struct claims *c, struct span name)
{
	if (!c || !c->says_groups || !name.n)
		return true;
	for (unsigned i = 0; i < c->n_group; i++) {
		if (span_eq(span_of(c->group[i], strlen(c->group[i])), name))
			return true;
	}
	return false;
}

static bool
same_groups(const struct claims *a, const struct claims *b)
{
	return a->says_groups == b->says_groups && a->n_group == b->n_group && memcmp(a->group, b->group, sizeof(a->group)) == 0;
}

static bool
silent(const struct claims *c)
{
	return !c || !(c->says[CLAIM_ADDRESS] | c->says[CLAIM_PREFIX] | c->says_groups);
}

bool
claims_eq(const struct claims *a, const struct claims *b)
{
	if (silent(a) || silent(b))
		return silent(a) == silent(b);
	if (a->n != b->n || memcmp(a->says, b->says, sizeof(a->says)) != 0 || strcmp(a->source, b->source) != 0 || !same_groups(a, b))
		return false;
	for (unsigned i = 0; i < a->n; i++) {
		if (a->item[i].kinds != b->item[i].kinds || !prefix_eq(&a->item[i].p, &b->item[i].p))
			return false;
	}
	return true;
}

struct claims *
claims_copy(const struct env *env, const struct claims *c, bool *ok)
{
	size_t n = c ? offsetof(struct claims, item) + c->n * sizeof(c->item[0]) : 0;
	struct claims *out;

	*ok = true;
	if (silent(c))
		return NULL;
	out = env_alloc(env, n);
	*ok = out != NULL;
	if (out)
		memcpy(out, c, n);
	return out;
}

/* A host without its length: that is how people write it. */
static const char *
item_fmt(const struct prefix *p, char out[static PREFIX_STRLEN])
{
	return p->bits == addr_bits(&p->addr) ? addr_fmt(&p->addr, out) : prefix_fmt(p, out);
}

char *
claims_fmt(const struct claims *c, unsigned kind, char out[static CLAIMS_TEXT_MAX])
{
	char text[PREFIX_STRLEN];
	unsigned n = 0, k = 0;
	size_t at = 0;

	for (unsigned i = 0; c && i < c->n; i++)
		n += (c->item[i].kinds & kind) != 0;
	out[0] = '\0';
	for (unsigned i = 0; c && i < c->n && k < n && k < SHOWN_MAX; i++) {
		if (!(c->item[i].kinds & kind))
			continue;
		at += (size_t)snprintf(out + at, CLAIMS_TEXT_MAX - at, "%s%s", k == 0 ? "" : k + 1 == n ? " and " : ", ", item_fmt(&c->item[i].p, text));
		k++;
	}
	if (n > k)
		at += (size_t)snprintf(out + at, CLAIMS_TEXT_MAX - at, " and %u more", n - k);
	snprintf(out + at, CLAIMS_TEXT_MAX - at, "%s (%s)", n ? "" : "nothing", c ? c->source : "");
	return out;
}

char *
claims_fmt_groups(const struct claims *c, char out[static CLAIMS_TEXT_MAX])
{
	unsigned n = c ? c->n_group : 0, k;
	size_t at = 0;

	out[0] = '\0';
	for (k = 0; k < n && k < SHOWN_MAX; k++)
		at += (size_t)snprintf(out + at, CLAIMS_TEXT_MAX - at, "%s%s", k == 0 ? "" : k + 1 == n ? " and " : ", ", c->group[k]);
	if (n > k)
		at += (size_t)snprintf(out + at, CLAIMS_TEXT_MAX - at, " and %u more", n - k);
	snprintf(out + at, CLAIMS_TEXT_MAX - at, "%s (%s)", n ? "" : "none", c ? c->source : "");
	return out;
}

bool
claims_fill(const char *template, const char *number, struct prefix *out)
{
	char text[2 * PREFIX_STRLEN];
	size_t at = 0;

	for (const char *s = template; *s;) {
		bool hole = strncmp(s, CLAIMS_HOLE, strlen(CLAIMS_HOLE)) == 0;

		if (hole)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s", number);
		else
			text[at++] = *s;
		if (at >= sizeof(text) - 1)
			return false;
		s += hole ? strlen(CLAIMS_HOLE) : 1;
	}
	text[at] = '\0';
	return prefix_parse(text, out);
}
