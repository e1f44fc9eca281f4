#include "nhrpd/daemon/vrfs.h"

#include <stdio.h>
#include <string.h>

#include "routing/kernel.h"

struct vrf {
	char name[DP_NAME];
	struct vrfs *owner;
	struct rib *rib;
	bool started;
};

struct vrfs {
	const struct host *host;
	rib_event_fn *fn;
	void *ctx;
	struct vrf vrf[CORE_TUNNELS_MAX];	/* at most one for each tunnel; those that are not used any more make room */
};

struct vrfs *
vrfs_new(const struct host *host, rib_event_fn *fn, void *ctx)
{
	struct vrfs *v = env_alloc(host->env, sizeof(*v));

	if (v)
		*v = (struct vrfs){ .host = host, .fn = fn, .ctx = ctx };
	return v;
}

static void
close_one(struct vrf *r)
{
	if (r->rib) {
		r->rib->ops->flush(r->rib);
		r->rib->ops->free(r->rib);
	}
	*r = (struct vrf){ .rib = NULL };
}

void
vrfs_free(struct vrfs *v)
{
	if (!v)
		return;
	for (unsigned i = 0; i < CORE_TUNNELS_MAX; i++)
		close_one(&v->vrf[i]);
	env_free(v->host->env, v);
}

static void
on_rib(void *ctx, const struct rib_event *ev)
{
	struct vrf *r = ctx;
	struct rib_event with = *ev;

	with.vrf = r->name;
	r->owner->fn(r->owner->ctx, &with);
}

static bool
is_used(const struct core_conf *c, const char *name)
{
	for (unsigned i = 0; i < c->n_tunnel; i++) {
		if (c->tunnel[i].dp.name[0] && strcmp(c->tunnel[i].dp.vrf, name) == 0)
			return true;
	}
	return false;
}

static bool
open_one(struct vrfs *v, const char *name, char *err, size_t errlen)
{
	struct vrf *r = v->vrf;

	if (!*name || vrfs_rib(v, name))
		return true;
	while (r->rib)	/* there are no more names than tunnels */
		r++;
	*r = (struct vrf){ .owner = v };
	snprintf(r->name, sizeof(r->name), "%s", name);
	r->rib = rib_kernel_vrf_new(v->host, r->name, on_rib, r, err, errlen);
	return r->rib;
}

bool
vrfs_open(struct vrfs *v, const struct core_conf *conf, char *err, size_t errlen)
{
	for (unsigned i = 0; i < CORE_TUNNELS_MAX; i++) {
		if (v->vrf[i].rib && !is_used(conf, v->vrf[i].name))
			close_one(&v->vrf[i]);
	}
	for (unsigned i = 0; i < conf->n_tunnel; i++) {
		if (conf->tunnel[i].dp.name[0] && !open_one(v, conf->tunnel[i].dp.vrf, err, errlen))
			return false;
	}
	return true;
}

struct rib *
vrfs_rib(const struct vrfs *v, const char *vrf)
{
	for (unsigned i = 0; i < CORE_TUNNELS_MAX; i++) {
		if (v->vrf[i].rib && strcmp(v->vrf[i].name, vrf) == 0)
			return v->vrf[i].rib;
	}
	return NULL;
}

static void
start(struct vrf *r)
{
	r->started = true;
	rib_kernel_start(r->rib);
}

void
vrfs_start(struct vrfs *v)
{
	for (unsigned i = 0; i < CORE_TUNNELS_MAX; i++) {
		if (v->vrf[i].rib && !v->vrf[i].started)
			start(&v->vrf[i]);
	}
}

void
vrfs_again(struct vrfs *v)
{
	for (unsigned i = 0; i < CORE_TUNNELS_MAX; i++) {
		struct vrf *r = &v->vrf[i];

		if (r->rib && r->started)
			rib_kernel_again(r->rib);
		else if (r->rib)
			start(r);
	}
}

const char *
vrfs_underlay(const struct core_conf *conf)
{
	for (unsigned i = 0; i < conf->n_tunnel; i++) {
		if (conf->tunnel[i].dp.name[0] && conf->tunnel[i].outer_vrf)
			return conf->tunnel[i].outer_vrf;
	}
	return NULL;
}
