/* nhrpd/daemon/conf_authz.c: `crypto ikev2 authorization policy`: what peers of some identities may claim by NHRP. A policy says for whom it
 * is, and lists tunnel addresses, prefixes behind the peer, or groups (conf_qos.c); what it has no list of it does not limit. */
#include "nhrpd/daemon/conf_priv.h"

static struct conf_place
place(const struct conf_cmd *c, unsigned column)
{
	return (struct conf_place){ c->line, column };
}

void
conf_open_authz(struct conf_parse *p, const struct conf_cmd *c)
{
	conf_open_block(p, c, CONF_AUTHZ, &p->authz, sizeof(struct conf_b_authz));
}

static bool
set_pattern(struct conf_parse *p, const struct conf_cmd *c, struct conf_b_authz *b, struct core_policy_match *m)
{
	static const char *const kinds[] = { "fqdn ", "email ", "address ", "dn ", "key-id " };
	const struct conf_arg *a = &c->arg[0];
	const char *hole = strstr(a->v.s, CLAIMS_HOLE);
	bool known = false;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		known |= strncasecmp(a->v.s, kinds[i], strlen(kinds[i])) == 0;
	if (!known)
		conf_error_at(p, place(c, a->column), "expected an identity as it is shown, like \"fqdn site-%s.example.net\"", CLAIMS_HOLE);
	else if (hole && strstr(hole + 1, CLAIMS_HOLE))
		conf_error_at(p, place(c, a->column), "%s stands twice: one number at most", CLAIMS_HOLE);
	else
		m->pattern = a->v.s;
	b->numbered |= hole != NULL;
	return m->pattern != NULL;
}

void
conf_set_authz_match(struct conf_parse *p, const struct conf_cmd *c)
{
	struct conf_b_authz *b = p->block[CONF_AUTHZ];
	struct core_policy_match *m = &b->match[b->n_match];

	if (b->n_match == CONF_AUTHZ_MATCHES)
		conf_error_at(p, place(c, c->column), "more than %d match lines in one policy", CONF_AUTHZ_MATCHES);
	else if (conf_has(c, "pattern") ? set_pattern(p, c, b, m) : conf_match_of(p, c, &m->id))
		b->n_match++;
}

void
conf_set_authz_cert(struct conf_parse *p, const struct conf_cmd *c)
{
	struct conf_b_authz *b = p->block[CONF_AUTHZ];

	conf_add_certmap(p, c, &b->certmaps);
}

void
conf_set_allow(struct conf_parse *p, const struct conf_cmd *c)
{
	struct conf_b_authz *b = p->block[CONF_AUTHZ];
	unsigned kind = conf_has(c, "address") ? CLAIM_ADDRESS : CLAIM_PREFIX;

	if ((b->none & kind) || ((b->says & kind) && conf_has(c, "none"))) {
		conf_error_at(p, place(c, c->column), "\"none\" and a list of them cannot both be");
		return;
	}
	b->says |= kind;
	b->none |= conf_has(c, "none") ? kind : 0;
	for (unsigned i = 0; i < c->n_arg; i++) {
		const struct conf_arg *a = &c->arg[i];

		if (b->n_allow == CLAIMS_MAX) {
			conf_error_at(p, place(c, a->column), "more than %d addresses and prefixes in one policy", CLAIMS_MAX);
			return;
		}
		if (a->v.n)
			b->template_at = place(c, a->column);
		b->allow[b->n_allow++] = (struct core_policy_allow){ .kind = kind, .prefix = a->v.p, .template = a->v.n ? a->v.s : NULL };
	}
}

static void
build(struct conf_parse *p, const struct conf_b_authz *b, struct core_policy *o)
{
	char source[CLAIMS_SOURCE_MAX];

	if (!b->n_match && !b->certmaps.n)
		conf_error_at(p, b->b.at, "policy %s needs \"match identity remote\" or \"match certificate\": whom is it for?", b->b.name);
	else if (!b->says && !b->n_groups && !b->no_groups)
		conf_error_at(p, b->b.at, "policy %s allows nothing and forbids nothing: add \"ip nhrp allow address\", \"prefix\" or \"group\"", b->b.name);
	if (b->template_at.line && !b->numbered)
		conf_error_at(p, b->template_at, "%s, but no \"match identity remote pattern\" with it", CLAIMS_HOLE);
	snprintf(source, sizeof(source), "authorization policy %.*s", IKE_NAME_MAX, b->b.name);
	*o = (struct core_policy){ .source = conf_strdup(p->mem, source, strlen(source)), .match = b->match, .n_match = b->n_match, .says = b->says,
		.says_groups = b->n_groups || b->no_groups, 		.allow = b->allow, .n_allow = b->n_allow };
	o->n_certmap = conf_build_certmaps(p, &b->certmaps, o->certmap);
}

void
conf_build_authz(struct conf_parse *p)
{
	struct core_policy *list;
	unsigned n = 0;

	for (const struct conf_block *b = p->authz; b; b = b->next)
		n++;
	list = n ? conf_alloc(p->mem, n * sizeof(*list)) : NULL;
	p->conf->core.policy = list;
	for (const struct conf_block *b = p->authz; b && list; b = b->next)
		build(p, (const struct conf_b_authz *)b, &list[p->conf->core.n_policy++]);
}
