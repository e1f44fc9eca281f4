/* nhrpd/daemon/show_qos.c: QoS groups: what each is mapped to, and who is of it. */
#include "nhrpd/daemon/show_priv.h"

#include <stdio.h>

void
show_group(json_t *o, const struct nhrp_cache_info *i)
{
	if (!i->group || !i->group[0])
		return;
	json_object_set_new(o, "group", show_text(i->group));
	json_object_set_new(o, "rate", i->rate ? json_integer((json_int_t)i->rate) : json_null());
	json_object_set_new(o, "rate_reason", show_text(i->rate_reason));
}

static json_t *
group_in(const struct show *s, const char *name)
{
	size_t i;
	json_t *g;

	json_array_foreach(s->children, i, g) {
		if (strcmp(json_string_value(json_object_get(g, "group")), name) == 0)
			return g;
	}
	return NULL;
}

static json_t *
add_group(struct show *s, const char *name, uint64_t rate)
{
	json_t *g = json_pack("{s:o, s:o, s:[]}", "group", show_text(name), "rate", rate ? json_integer((json_int_t)rate) : json_null(), "peers");

	json_array_append_new(s->children, g);
	return g;
}

static bool
peer_of_group(void *ctx, const struct nhrp_cache_info *i)
{
	struct show *s = ctx;
	json_t *g, *p;

	if (!i->group || !i->group[0] || i->type == NHRP_CT_LOCAL || !show_room(s))
		return true;
	g = group_in(s, i->group);
	if (!g)
		g = add_group(s, i->group, 0);	/* said, but not mapped */
	p = json_pack("{s:o, s:o, s:o, s:b}", "tunnel_address", show_addr(&i->prefix.addr), "nbma", show_addr(&i->nbma), "identity", show_text(i->identity),
	    "up", i->has_peer);
	if (p)
		show_group(p, i);
	json_array_append_new(json_object_get(g, "peers"), p);
	return true;
}

static void
groups_tunnel(struct show *s)
{
	const struct nhrp_conf *c = &s->conf->nhrp;

	s->children = json_array();
	for (unsigned i = 0; i < c->n_group_map; i++)
		add_group(s, c->group_map[i].name, c->group_map[i].rate);
	nhrp_visit_cache(s->nhrp, NULL, peer_of_group, s);
	show_append(s, json_pack("{s:o, s:o}", "own_group", show_text(c->group), "groups", s->children));
	s->children = NULL;
}

json_t *
show_groups(struct show *s)
{
	show_each_tunnel(s, groups_tunnel);
	return show_finish(s, "interfaces");
}
