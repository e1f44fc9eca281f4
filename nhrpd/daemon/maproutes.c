#include "nhrpd/daemon/maproutes.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct map_route {
	struct prefix dst;
	char name[DP_NAME];	/* of the device */
	struct prefix near[IKE_PAIRS_MAX];	/* of the lines that lead there */
	unsigned n_near;
	uint32_t ifindex;	/* 0: there is no route into the device */
	struct addr src;	/* it has */
};

struct maproutes {
	struct rib *rib;
	struct log *log;
	struct map_route *r;
	unsigned n;
};

struct maproutes *
maproutes_new(struct rib *rib, struct log *log)
{
	struct maproutes *m = calloc(1, sizeof(*m));

	if (m)
		*m = (struct maproutes){ .rib = rib, .log = log };
	return m;
}

void
maproutes_free(struct maproutes *m)
{
	if (m)
		free(m->r);
	free(m);
}

/* ---- which address of ours speaks to a prefix */

static bool
is_near(const struct map_route *r, const struct addr *a)
{
	for (unsigned i = 0; i < r->n_near; i++) {
		if (prefix_has(&r->near[i], a))
			return true;
	}
	return false;
}

static struct addr
addr_of_if(const struct ifaddrs *i)
{
	const void *p = i->ifa_addr;

	if (p && i->ifa_addr->sa_family == AF_INET)
		return addr_of(&((const struct sockaddr_in *)p)->sin_addr, 4);
	if (p && i->ifa_addr->sa_family == AF_INET6)
		return addr_of(&((const struct sockaddr_in6 *)p)->sin6_addr, 16);
	return (struct addr){ 0 };
}

/* The one in use stays as long as it is there. */
static struct addr
source_of(const struct map_route *r, const struct ifaddrs *all)
{
	struct addr found = { 0 };

	for (; all; all = all->ifa_next) {
		struct addr a = addr_of_if(all);

		if (!a.n || !is_near(r, &a))
			continue;
		if (addr_eq(&a, &r->src))
			return a;
		found = found.n ? found : a;
	}
	return found;
}

/* ---- setting them */

static void
complain(const struct maproutes *m, const struct map_route *r, int e)
{
	char dst[PREFIX_STRLEN];

	if (e < 0)
		log_at(m->log, LOG_LV_WARN, "map-route-refused", "route to %s into %s: %s", prefix_fmt(&r->dst, dst), r->name, strerror(-e));
}

static struct rib_route
device_route(const struct map_route *r)
{
	return (struct rib_route){ .dst = r->dst, .ifindex = r->ifindex, .src = r->src, .fixed = true, .before = true };
}

static struct rib_route
guard_route(const struct map_route *r)
{
	return (struct rib_route){ .dst = r->dst, .kind = RIB_REJECT, .fixed = true };
}

static void
set_device(struct maproutes *m, struct map_route *r, uint32_t ifindex, const struct ifaddrs *all)
{
	struct rib_route route;

	r->ifindex = ifindex;
	r->src = source_of(r, all);
	route = device_route(r);
	complain(m, r, m->rib->ops->route_set(m->rib, &route));
}

void
maproutes_link(struct maproutes *m, const char *name, uint32_t ifindex, bool anew)
{
	struct ifaddrs *all = NULL;

	for (unsigned i = 0; i < m->n && ifindex; i++) {
		struct map_route *r = &m->r[i];

		if (strcmp(r->name, name) != 0 || (r->ifindex == ifindex && !anew))
			continue;
		if (!all && getifaddrs(&all) < 0)
			all = NULL;	/* then without a source of its own */
		set_device(m, r, ifindex, all);
	}
	freeifaddrs(all);
}

void
maproutes_addrs(struct maproutes *m)
{
	struct ifaddrs *all = NULL;

	if (m->n == 0 || getifaddrs(&all) < 0)
		return;
	for (unsigned i = 0; i < m->n; i++) {
		struct map_route *r = &m->r[i];
		struct addr src = source_of(r, all);

		if (r->ifindex && !addr_eq(&src, &r->src))
			set_device(m, r, r->ifindex, all);
	}
	freeifaddrs(all);
}

/* ---- another configuration */

static struct map_route *
find(struct map_route *r, unsigned n, const struct prefix *dst)
{
	for (unsigned i = 0; i < n; i++) {
		if (prefix_eq(&r[i].dst, dst))
			return &r[i];
	}
	return NULL;
}

static unsigned
count(const struct conf *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->core.n_tunnel; i++)
		n += c->tunnel[i].map ? c->tunnel[i].map->n_line : 0;
	return n;
}

/* Lines that lead to one prefix share a route. */
static unsigned
collect(const struct conf *c, struct map_route *out)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->core.n_tunnel; i++) {
		const struct conf_map *map = c->tunnel[i].map;

		for (unsigned k = 0; map && k < map->n_line; k++) {
			struct map_route *r = find(out, n, &map->line[k].remote);

			if (!r) {
				r = &out[n++];
				r->dst = map->line[k].remote;
				memcpy(r->name, c->core.tunnel[i].dp.name, sizeof(r->name));
			}
			r->near[r->n_near++] = map->line[k].local;
		}
	}
	return n;
}

static bool
is_configured(void *ctx, const struct prefix *dst)
{
	struct maproutes *m = ctx;

	return find(m->r, m->n, dst) != NULL;
}

bool
maproutes_conf(struct maproutes *m, const struct conf *c)
{
	unsigned n = count(c), n_was = m->n;
	struct map_route *is = n ? calloc(n, sizeof(*is)) : NULL, *was = m->r;

	if (n && !is)
		return false;
	m->r = is;
	m->n = collect(c, is);
	for (unsigned i = 0; i < m->n; i++) {
		struct map_route *r = &is[i], *old = find(was, n_was, &r->dst);
		struct rib_route guard = guard_route(r);

		if (old && strcmp(old->name, r->name) == 0) {
			r->ifindex = old->ifindex;
			r->src = old->src;
			old->ifindex = 0;
		}
		if (!old)
			complain(m, r, m->rib->ops->route_set(m->rib, &guard));
	}
	for (unsigned i = 0; i < n_was; i++) {
		struct rib_route route = device_route(&was[i]);

		if (was[i].ifindex)
			m->rib->ops->route_del(m->rib, &route);
	}
	m->rib->ops->sweep(m->rib, is_configured, m);
	free(was);
	maproutes_addrs(m);
	return true;
}
