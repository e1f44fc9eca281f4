/* nhrpd/daemon/conf_qos.c: quality of service: of which group we are, what goes to peers of a group, and who may be of which. */
#include "nhrpd/daemon/conf_priv.h"

static struct conf_place
place(const struct conf_cmd *c, unsigned column)
{
	return (struct conf_place){ c->line, column };
}

/* "ip nhrp map group NAME service-policy output RATE" */
void
conf_set_group_map(struct conf_parse *p, const struct conf_cmd *c)
{
	struct conf_b_interface *b = p->block[CONF_INTERFACE];
	struct conf_place at = place(c, c->arg[0].column);

	for (unsigned i = 0; i < b->n_group_map; i++) {
		if (strcmp(b->group_map[i].name, c->arg[0].v.s) == 0) {
			conf_error_at(p, at, "mapped already at %s", conf_place_text(p, b->group_map_at[i]));
			return;
		}
	}
	if (b->n_group_map == NHRP_GROUPS_MAX) {
		conf_error_at(p, at, "more than %d groups on one interface", NHRP_GROUPS_MAX);
		return;
	}
	snprintf(b->group_map[b->n_group_map].name, sizeof(b->group_map[0].name), "%s", c->arg[0].v.s);
	b->group_map[b->n_group_map].rate = c->arg[1].v.n;
	b->group_map_at[b->n_group_map++] = at;
}

/* "ip nhrp allow group NAME...|none" of an authorization policy */
void
conf_set_allow_group(struct conf_parse *p, const struct conf_cmd *c)
{
	struct conf_b_authz *b = p->block[CONF_AUTHZ];
	bool none = conf_has(c, "none");

	if (b->no_groups || (none && b->n_groups)) {
		conf_error_at(p, place(c, c->column), "\"none\" and a list of them cannot both be");
		return;
	}
	b->no_groups = none;
	for (unsigned i = 0; i < c->n_arg; i++) {
		if (b->n_groups == CLAIMS_GROUPS_MAX || b->n_allow == CLAIMS_MAX) {
			conf_error_at(p, place(c, c->arg[i].column), "more than %d groups in one policy", CLAIMS_GROUPS_MAX);
			return;
		}
		b->n_groups++;
		b->allow[b->n_allow++] = (struct core_policy_allow){ .group = c->arg[i].v.s };
	}
}

void
conf_check_groups(struct conf_parse *p, const struct conf_b_interface *b)
{
	if (b->n_group_map && p->global.plane.at.line && p->global.plane.n == CONF_PLANE_KERNEL)
		conf_error_at(p, b->group_map_at[0], "\"nhrp map group\" needs \"dataplane user\"");
}

void
conf_build_groups(const struct conf_b_interface *b, struct nhrp_conf *o)
{
	if (b->group.at.line)
		snprintf(o->group, sizeof(o->group), "%s", b->group.s);
	memcpy(o->group_map, b->group_map, sizeof(o->group_map));
	o->n_group_map = b->n_group_map;
}
