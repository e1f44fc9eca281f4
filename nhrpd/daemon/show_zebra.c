/* nhrpd/daemon/show_zebra.c: show zebra: the session with FRRouting's zebra, and where routes of ours are; and what its bfdd sees. */
#include "nhrpd/daemon/show_priv.h"

static json_t *
router_id(const struct prefix *p)
{
	return show_addr(&p->addr);
}

static json_t *
notes(const struct zebra_info *z)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "installed", (json_int_t)z->notes[ZAPI_NOTE_INSTALLED], "removed", (json_int_t)z->notes[ZAPI_NOTE_REMOVED],
	    "failed", (json_int_t)z->notes[ZAPI_NOTE_FAILED], "better", (json_int_t)z->notes[ZAPI_NOTE_BETTER], "remove-failed",
	    (json_int_t)z->notes[ZAPI_NOTE_REMOVE_FAILED]);
}

json_t *
show_zebra(struct show *s)
{
	struct routes_info i = { .on = false };
	const struct zebra_info *z = &i.zebra;

	if (s->src->routes)
		s->src->routes(s->src->ctx, &i);
	return json_pack("{s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:{s:I, s:I, s:I, s:I, s:I, s:I}}", "configured", i.on, "up",
	    i.on && z->up, "state", show_text(i.on ? z->state_name : "off"), "reason", show_text(z->up ? "" : z->reason), "socket", show_text(z->path), "age_s",
	    i.on ? show_age(z->since, s->now) : json_null(), "release_from", show_text(z->oldest), "release_to", show_text(z->newest), "router_id", router_id(&z->router_id),
	    "interfaces", (json_int_t)z->interfaces, "learnt", (json_int_t)z->learnt, "sessions", (json_int_t)z->sessions, "received", (json_int_t)z->rx, "sent",
	    (json_int_t)z->tx, "not_understood", (json_int_t)z->unread, "notes", notes(z), "routes", "ours", (json_int_t)i.ours, "zebra", (json_int_t)i.in_zebra, "kernel",
	    (json_int_t)i.in_kernel, "asked", (json_int_t)i.asked, "refused", (json_int_t)i.refused, "moved", (json_int_t)i.moved);
}

void
show_bfd(const struct show *s, const struct addr *proto, json_t *o)
{
	struct watch_peer_info i;
	const char *why = "";

	if (!s->src->bfd || !s->src->bfd(s->src->ctx, s->tunnel, proto, &i, &why))
		return;
	json_object_set_new(o, "bfd", json_pack("{s:s, s:o, s:s, s:o, s:I, s:I, s:I, s:I, s:I}", "state", i.state_name, "age_s", show_age(i.since, s->now),
	    "reason", why, "local", show_addr(&i.what.local), "interval_ms", (json_int_t)i.what.min_tx_ms, "min_rx_ms", (json_int_t)i.what.min_rx_ms, "multiplier",
	    (json_int_t)i.what.multiplier, "ups", (json_int_t)i.ups, "downs", (json_int_t)i.downs));
}

void
show_way(const struct show *s, const struct addr *nbma, json_t *o)
{
	struct watch_way_info i;
	char by[PREFIX_STRLEN];

	if (!nbma->n || !s->src->way || !s->src->way(s->src->ctx, nbma, &i))
		return;
	json_object_set_new(o, "way", json_pack("{s:b, s:s, s:o, s:I, s:o}", "reachable", i.reachable, "prefix", i.reachable ? prefix_fmt(&i.by, by) : "", "via",
	    show_addr(&i.nexthop.via), "ifindex", (json_int_t)i.nexthop.ifindex, "age_s", show_age(i.since, s->now)));
}
