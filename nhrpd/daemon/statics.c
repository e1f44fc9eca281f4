#include "nhrpd/daemon/statics.h"

#include <string.h>

static struct rib_route
route_of(const struct conf_static *s, uint32_t ifindex)
{
	return (struct rib_route){ .dst = s->dst, .via = s->via, .ifindex = ifindex, .fixed = true };
}

void
statics_set(struct rib *rib, const struct conf *c, const char *name, uint32_t ifindex, struct log *log)
{
	char dst[PREFIX_STRLEN], via[ADDR_STRLEN];

	for (unsigned i = 0; rib && i < c->n_static && ifindex; i++) {
		struct rib_route r = route_of(&c->route[i], ifindex);
		int e = strcmp(c->route[i].name, name) == 0 ? rib->ops->route_set(rib, &r) : 0;

		if (e < 0)
			log_at(log, LOG_LV_WARN, "static-refused", "route to %s by %s on %s: %s", prefix_fmt(&r.dst, dst), addr_fmt(&r.via, via), name,
			    strerror(-e));
	}
}

static bool
has(const struct conf *c, const struct conf_static *s)
{
	for (unsigned i = 0; i < c->n_static; i++) {
		if (prefix_eq(&c->route[i].dst, &s->dst) && addr_eq(&c->route[i].via, &s->via) && strcmp(c->route[i].name, s->name) == 0)
			return true;
	}
	return false;
}

void
statics_leave(statics_rib_fn *rib_of, const struct conf *was, const struct conf *is, uint32_t (*ifindex)(void *ctx, const char *name), void *ctx)
{
	for (unsigned i = 0; i < was->n_static; i++) {
		struct rib_route r = route_of(&was->route[i], was->route[i].name[0] ? ifindex(ctx, was->route[i].name) : 0);

		struct rib *rib = rib_of(ctx, was->route[i].name);

		if (r.ifindex && rib && !has(is, &was->route[i]))
			rib->ops->route_del(rib, &r);
	}
}
