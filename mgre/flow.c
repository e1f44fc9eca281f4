#include "mgre/flow.h"

void
flow_init(struct flow_table *t, const struct env *env)
{
	memset(t, 0, sizeof(*t));
	t->env = env;
	map_init(&t->hash, env);
}

void
flow_fini(struct flow_table *t)
{
	env_free(t->env, t->flow);
	t->flow = NULL;
	map_fini(&t->hash);
}

bool
flow_enable(struct flow_table *t, bool on)
{
	if (!on) {
		env_free(t->env, t->flow);
		t->flow = NULL;
	} else if (!t->flow) {
		t->flow = env_alloc(t->env, FLOWS * sizeof(*t->flow));
	}
	return !on || t->flow;
}

static size_t
flow_slot(const struct flow_table *t, const struct addr *src, const struct addr *dst)
{
	uint8_t key[32];

	memcpy(key, src->b, 16);
	memcpy(key + 16, dst->b, 16);
	return map_hash(&t->hash, key, sizeof(key)) % FLOWS;
}

static struct flow *
flow_find(struct flow_table *t, size_t at, const struct addr *src, const struct addr *dst)
{
	for (size_t i = 0; i < 2; i++) {
		struct flow *f = &t->flow[at ^ i];

		if (addr_eq(&f->src, src) && addr_eq(&f->dst, dst))
			return f;
	}
	return NULL;
}

void
flow_seen(struct flow_table *t, tick_t now, const struct addr *src, const struct addr *dst, uint32_t peer)
{
	struct flow *f;
	size_t at;

	if (!t->flow)
		return;
	at = flow_slot(t, src, dst);
	f = flow_find(t, at, src, dst);
	if (!f) {
		f = t->flow[at].at <= t->flow[at ^ 1].at ? &t->flow[at] : &t->flow[at ^ 1];
		*f = (struct flow){ .src = *src, .dst = *dst };
	}
	f->peer = peer;
	f->at = now;
}

bool
flow_redirect(struct flow_table *t, tick_t now, const struct addr *src, const struct addr *dst, uint32_t out_peer, uint32_t *from)
{
	struct flow *f = t->flow ? flow_find(t, flow_slot(t, src, dst), src, dst) : NULL;

	if (!f || f->peer == out_peer || now - f->at > TICK_MS(FLOW_FRESH_MS))
		return false;
	*from = f->peer;
	return bucket_take_slow(&f->told, now, TICK_S(FLOW_TELL_EVERY_S), FLOW_TELL_BURST);
}

bool
dest_unresolved(struct flow_table *t, tick_t now, const struct addr *dst)
{
	size_t at = map_hash(&t->hash, dst->b, sizeof(dst->b)) % DESTS;
	struct dest *d = &t->dest[at];

	if (!addr_eq(&d->dst, dst)) {
		struct dest *other = &t->dest[at ^ 1];

		if (addr_eq(&other->dst, dst) || other->at < d->at)
			d = other;
		if (!addr_eq(&d->dst, dst))
			*d = (struct dest){ .dst = *dst };
	}
	d->at = now;
	return bucket_take_slow(&d->told, now, TICK_MS(DEST_TELL_EVERY_MS), DEST_TELL_BURST);
}
