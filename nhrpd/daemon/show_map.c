/* nhrpd/daemon/show_map.c: show crypto map: each entry with its peers, and each line of its access lists with the SAs that carry it. */
#include "nhrpd/daemon/show_priv.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/traffic.h"

static bool
peer_entry(void *ctx, const struct core_peer_info *i)
{
	struct show *s = ctx;

	if (show_room(s))
		json_array_append_new(s->children, show_peer_json(i, s->now));
	return true;
}

/* ---- the SAs of a line */

struct line_sas {
	struct show *s;
	const struct conf_permit *line;
	json_t *list;
};

static bool
child_entry(void *ctx, const struct ike_child_info *i)
{
	struct line_sas *l = ctx;
	json_t *o = i->sel && i->sel->set == l->line->set && show_room(l->s) ? show_child_json(i, l->s->now) : NULL;

	if (!o)
		return true;
	show_child_traffic(l->s, i->spi_in, o);
	json_array_append_new(l->list, o);
	return true;
}

static bool
sas_of_peer(void *ctx, const struct core_peer_info *i)
{
	const struct line_sas *l = ctx;

	if (i->ike_sa)
		ike_visit_child(core_ike(l->s->src->core), i->ike_sa, child_entry, ctx);
	return true;
}

static json_t *
line_json(struct show *s, const struct conf_permit *line)
{
	struct line_sas l = { s, line, json_array() };
	char prefix[PREFIX_STRLEN], of[TRAFFIC_STRLEN], side[2][PREFIX_STRLEN + TRAFFIC_STRLEN];

	core_visit_peer(s->src->core, s->tunnel, sas_of_peer, &l);
	snprintf(side[0], sizeof(side[0]), "%s%s", prefix_fmt(&line->local, prefix), traffic_fmt(&line->from, of));
	snprintf(side[1], sizeof(side[1]), "%s%s", prefix_fmt(&line->remote, prefix), traffic_fmt(&line->to, of));
	return json_pack("{s:s, s:s, s:o}", "local", side[0], "remote", side[1], "sas", l.list);
}

/* ---- an entry */

static json_t *
texts(const char *const *t, unsigned n)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(list, show_text(t[i]));
	return list;
}

static void
entry(struct show *s)
{
	const struct conf_map *m = s->src->conf->tunnel[s->tunnel - 1].map;
	const struct core_plain_conf *q = s->conf->plain;
	const char *peer[CORE_DESTS_MAX];
	json_t *lines = json_array();

	if (!m || (s->cmd->arg[0] && strcasecmp(s->cmd->arg, m->name) != 0)) {
		json_decref(lines);
		return;
	}
	for (unsigned i = 0; i < q->n_dest; i++)
		peer[i] = q->dest[i];
	for (unsigned i = 0; i < m->n_line; i++)
		json_array_append_new(lines, line_json(s, &m->line[i]));
	s->children = json_array();
	core_visit_peer(s->src->core, s->tunnel, peer_entry, s);
	json_array_append_new(s->list, json_pack("{s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:s, s:I, s:b, s:o, s:o}", "name", show_text(m->name),
	    "number", (json_int_t)m->number, "description", show_text(s->src->conf->tunnel[s->tunnel - 1].description), "applied_to", show_text(m->interface),
	    "interface", show_text(s->conf->dp.name), "ikev2_profile", show_text(m->profile), "access_lists", texts(m->acl, m->n_acl),
	    "destinations", texts(peer, q->n_dest), "reactivate_s", (json_int_t)q->reactivate_s,
	    "connect", q->on_traffic ? "traffic" : "auto", "idle_s", (json_int_t)q->idle_s, "waits_for_traffic", core_waits(s->src->core, s->tunnel), "peers", s->children, "lines", lines));
}

json_t *
show_map(struct show *s)
{
	show_each_plain(s, entry);
	return show_finish(s, "maps");
}
