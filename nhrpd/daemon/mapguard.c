#include "nhrpd/daemon/mapguard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mgre/guard.h"

_Static_assert((int)GUARD_LINES_MAX >= (int)IKE_PAIRS_MAX, "a line of each set");

struct mapguard {
	const struct host *host;
	struct guard *guard;
	char name[CORE_TUNNELS_MAX][DP_NAME];	/* set */
	unsigned n;
	bool said;
};

struct mapguard *
mapguard_new(const struct host *host)
{
	struct mapguard *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->host = host;
	if ((m->guard = guard_new_quiet(host)))
		return m;
	free(m);
	return NULL;
}

void
mapguard_free(struct mapguard *m)
{
	if (m)
		guard_free(m->guard);
	free(m);
}

static void
set(struct mapguard *m, const struct core_tunnel_conf *t, const struct conf_map *map)
{
	struct guard_want w = { .n_line = map->n_line };

	memcpy(w.name, t->dp.name, sizeof(w.name));
	snprintf(w.outside, sizeof(w.outside), "%s", map->interface);
	for (unsigned i = 0; i < map->n_line; i++)
		w.line[i] = (struct guard_line){ .near = map->line[i].from, .far = map->line[i].to };
	guard_set(m->guard, &w);	/* what is refused is said there, and tried again */
}

static bool
has_map(const struct conf *c, const char *name)
{
	for (unsigned i = 0; i < c->core.n_tunnel; i++) {
		if (c->tunnel[i].map && strcmp(c->core.tunnel[i].dp.name, name) == 0)
			return true;
	}
	return false;
}

void
mapguard_conf(struct mapguard *m, const struct conf *c)
{
	unsigned n_was = m->n;
	char was[CORE_TUNNELS_MAX][DP_NAME];

	memcpy(was, m->name, sizeof(was));
	m->n = 0;
	for (unsigned i = 0; i < c->core.n_tunnel; i++) {
		if (!c->tunnel[i].map)
			continue;
		memcpy(m->name[m->n++], c->core.tunnel[i].dp.name, DP_NAME);
		if (guard_takes_lines(m->guard))
			set(m, &c->core.tunnel[i], c->tunnel[i].map);
	}
	for (unsigned i = 0; i < n_was; i++) {
		if (!has_map(c, was[i]))
			guard_del(m->guard, was[i]);
	}
	guard_sweep(m->guard);
	if (m->n && !guard_takes_lines(m->guard) && !m->said)
		log_at(m->host->log, LOG_LV_WARN, "no-filter",
		    "this kernel has no nf_tables (CONFIG_NF_TABLES_INET): what crypto maps protect is taken from outside in clear, too");
	m->said = m->n > 0;
}

void
mapguard_counters(struct mapguard *m, dp_counter_fn *fn, void *ctx)
{
	if (m->n && guard_takes_lines(m->guard))
		guard_line_counters(m->guard, fn, ctx);
}
