/* nhrpd/daemon/conf_certmap.c: `crypto pki certificate map NAME SEQ`, and `match certificate NAME` in profiles and authorization policies.
 * Each NAME SEQ is a block of its own; all with one NAME are a map, of which one block must fit (ikecore/crypto/certmap.c). */
#include "nhrpd/daemon/conf_priv.h"

static struct conf_place
place(const struct conf_cmd *c, unsigned column)
{
	return (struct conf_place){ c->line, column };
}

void
conf_open_certmap(struct conf_parse *p, const struct conf_cmd *c)
{
	char name[IKE_NAME_MAX + 8];
	struct conf_cmd both = *c;
	struct conf_b_certmap *m;

	snprintf(name, sizeof(name), "%.*s %u", IKE_NAME_MAX, c->arg[0].v.s, (unsigned)c->arg[1].v.n);
	both.arg[0].v.s = conf_strdup(p->mem, name, strlen(name));
	m = both.arg[0].v.s ? conf_open_block(p, &both, CONF_CERTMAP, &p->certmap, sizeof(*m)) : NULL;
	if (m)
		m->name = c->arg[0].v.s;
}

void
conf_set_certmap(struct conf_parse *p, const struct conf_cmd *c)
{
	struct conf_b_certmap *m = p->block[CONF_CERTMAP];
	struct ike_certmap_rule r = { (enum ike_map_what)c->arg[0].v.n, (enum ike_map_op)c->arg[1].v.n, c->arg[2].v.s };

	if (m->n_rule == CONF_CERTMAP_RULES)
		conf_error_at(p, place(c, c->column), "more than %d lines in one entry of a map", CONF_CERTMAP_RULES);
	else if (!ike_certmap_rule_ok(&r))
		conf_error_at(p, place(c, c->arg[2].column), "expected a distinguished name like OU=branch, O=Example");
	else
		m->rule[m->n_rule++] = r;
}

void
conf_add_certmap(struct conf_parse *p, const struct conf_cmd *c, struct conf_certmaps *to)
{
	if (to->n == IKE_CERTMAPS_MAX)
		conf_error_at(p, place(c, c->column), "more than %d certificate maps here", IKE_CERTMAPS_MAX);
	else
		to->map[to->n++] = (struct conf_named){ place(c, c->arg[0].column), c->arg[0].v.s };
}

void
conf_set_match_cert(struct conf_parse *p, const struct conf_cmd *c)
{
	struct conf_b_profile *b = p->block[CONF_PROFILE];

	conf_add_certmap(p, c, &b->certmaps);
}

/* ---- all together */

void
conf_check_certmaps(struct conf_parse *p)
{
	for (const struct conf_block *b = p->certmap; b; b = b->next) {
		if (((const struct conf_b_certmap *)b)->n_rule == 0)
			conf_error_at(p, b->at, "certificate map %s says nothing: add \"subject-name\", \"issuer-name\" or \"alt-subject-name\"", b->name);
	}
}

static const struct ike_certmap *
build(struct conf_parse *p, const struct conf_named *ref)
{
	struct ike_certmap *m = conf_alloc(p->mem, sizeof(*m));
	struct ike_certmap_entry *entry;
	unsigned n = 0;

	for (const struct conf_block *b = p->certmap; b; b = b->next)
		n += strcmp(((const struct conf_b_certmap *)b)->name, ref->name) == 0;
	if (n == 0)
		conf_error_at(p, ref->at, "there is no \"crypto pki certificate map %s\"", ref->name);
	entry = n ? conf_alloc(p->mem, n * sizeof(*entry)) : NULL;
	if (!m || !entry)
		return NULL;
	m->name = ref->name;
	m->entry = entry;
	for (const struct conf_block *b = p->certmap; b; b = b->next) {
		const struct conf_b_certmap *c = (const struct conf_b_certmap *)b;

		if (strcmp(c->name, ref->name) == 0)
			entry[m->n++] = (struct ike_certmap_entry){ c->rule, c->n_rule };
	}
	return m;
}

unsigned
conf_build_certmaps(struct conf_parse *p, const struct conf_certmaps *from, const struct ike_certmap *out[static IKE_CERTMAPS_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < from->n; i++) {
		out[n] = build(p, &from->map[i]);
		n += out[n] != NULL;
	}
	return n;
}
