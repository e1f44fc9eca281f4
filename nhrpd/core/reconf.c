/* nhrpd/core/reconf.c: another configuration.
 *
 * All that needs memory (engines of new interfaces) is made first, so that nothing is half applied. Then IKE compares its
 * profiles; interfaces that are gone say goodbye, those that stay compare theirs, new ones take free places. Peers that have to
 * go are closed a bounded number at a time, the rest with core_tick(): a hub's ten thousand do not fit into one queue. */
#include "nhrpd/core/core_priv.h"

static const char *
name_at(const struct core_conf *conf, unsigned i)
{
	return i < conf->n_tunnel ? conf->tunnel[i].dp.name : "";
}

/* One that becomes another kind of tunnel is another one. */
static bool
same_place(const struct core_conf *a, const struct core_conf *b, unsigned i)
{
	return strcmp(name_at(a, i), name_at(b, i)) == 0 && (!*name_at(a, i) || (!a->tunnel[i].plain == !b->tunnel[i].plain &&
	    a->tunnel[i].dp.bare == b->tunnel[i].dp.bare && strcmp(a->tunnel[i].dp.vrf, b->tunnel[i].dp.vrf) == 0));
}

/* ---- peers that have to go */

static void
outdate(struct core *c, struct core_tunnel *t)
{
	uint32_t tunnel = (uint32_t)(t - c->tunnel) + 1;

	for (uint32_t id = 1; id < c->peer_cap; id++) {
		if (c->peer[id] && c->peer[id]->tunnel == tunnel)
			c->peer[id]->outdated = true;
	}
	t->closing = true;
}

/* Answers whether all of them are gone. */
static bool
close_some(struct core *c, struct core_tunnel *t, unsigned n)
{
	uint32_t tunnel = (uint32_t)(t - c->tunnel) + 1;

	for (uint32_t id = 1; id < c->peer_cap; id++) {
		struct core_peer *p = c->peer[id];

		if (!p || p->tunnel != tunnel || !(p->outdated || t->leaving))
			continue;
		if (n-- == 0)
			return false;
		p->outdated = false;
		core_peer_close(c, p, t->leaving ? "the interface is not configured any more" : "the tunnel protection was changed");
		core_pump(c);
		if (t->leaving && core_peer(c, id) == p)
			core_peer_drop(c, p);
		core_pump(c);
	}
	t->closing = false;
	return true;
}

/* ---- interfaces that go */

static void
say_goodbye(struct core *c, struct core_tunnel *t)
{
	struct nhrp_event e = { .kind = NHRP_EV_SHUTDOWN };

	t->said_goodbye = true;
	core_tell_nhrp(c, t, &e);
	core_pump(c);
	core_wants_forget(c, t);
	core_pump(c);
}

static void
leave_some(struct core *c, struct core_tunnel *t, unsigned n)
{
	if (!t->said_goodbye)
		say_goodbye(c, t);
	if (!close_some(c, t, n))
		return;
	core_wants_forget(c, t);	/* what the ends of its peers gave rise to */
	core_pump(c);
	core_act(c, CORE_ACT_TUNNEL_DEL, (uint32_t)(t - c->tunnel) + 1);
	core_tunnel_fini(c, t);
}

void
core_reconf_tick(struct core *c)
{
	for (unsigned i = 0; i < c->n_tunnel; i++) {
		struct core_tunnel *t = &c->tunnel[i];

		if (t->leaving)
			leave_some(c, t, CORE_CLOSE_STEP);
		else if (t->closing)
			close_some(c, t, CORE_CLOSE_STEP);
	}
}

bool
core_reconf_due(const struct core *c)
{
	for (unsigned i = 0; i < c->n_tunnel; i++) {
		if (c->tunnel[i].leaving || c->tunnel[i].closing)
			return true;
	}
	return false;
}

static void
leave(struct core *c, struct core_tunnel *t)
{
	t->leaving = true;
	t->closing = false;
	t->conf = NULL;
	log_at(c->log, LOG_LV_NOTICE, "interface-removed", "%s", t->dp.name);
	leave_some(c, t, CORE_CLOSE_STEP);
}

/* ---- interfaces that stay */

static bool
same_addrs(const struct dp_tunnel *a, const struct dp_tunnel *b)
{
	for (unsigned i = 0; i < a->n_addr; i++) {
		if (!prefix_eq(&a->addr[i], &b->addr[i]))
			return false;
	}
	return true;
}

/* But for the source, which core_source() tells. */
static bool
same_interface(const struct dp_tunnel *a, const struct dp_tunnel *b)
{
	return a->has_key == b->has_key && a->key == b->key && a->mtu == b->mtu && a->mss == b->mss && a->redirect == b->redirect &&
	    a->gre_in_tunnel == b->gre_in_tunnel && a->ports == b->ports && a->n_addr == b->n_addr && same_addrs(a, b);
}

static void
stay(struct core *c, struct core_tunnel *t, const struct core_conf *was, const struct core_tunnel_conf *to)
{
	bool same = same_interface(&t->conf->dp, &to->dp);
	bool protection = !to->dp.bare && strcmp(was->ike.profile[t->conf->profile].name, c->conf->ike.profile[to->profile].name) != 0;
	struct addr source = t->dp.source;
	struct core_act *a;

	t->conf = to;
	t->dp = to->dp;
	t->dp.source = source;
	if (!same && (a = core_act(c, CORE_ACT_TUNNEL_SET, to->dp.id)))
		a->dp_tunnel = &t->dp;
	if (t->plain)
		core_plain_reconf(c, t, to->plain);
	else
		nhrp_reconf(t->nhrp, c->now, &to->nhrp, &t->out);
	core_pump(c);
	core_authority_again(c, to->dp.id);
	if (!protection)
		return;
	outdate(c, t);
	close_some(c, t, CORE_CLOSE_STEP);
	core_dials_issue(c, t, false);
	core_pump(c);
}

/* ---- new interfaces */

static bool
is_new(const struct core *c, const struct core_conf *conf, unsigned i)
{
	return *name_at(conf, i) && !same_place(conf, c->conf, i);
}

static bool
prepare(struct core *c, const struct core_conf *conf, struct core_tunnel fresh[static CORE_TUNNELS_MAX])
{
	bool ok = conf->n_tunnel <= CORE_TUNNELS_MAX;

	memset(fresh, 0, sizeof(*fresh) * CORE_TUNNELS_MAX);
	for (unsigned i = 0; ok && i < conf->n_tunnel; i++) {
		if (is_new(c, conf, i))
			ok = core_tunnel_init(c, &fresh[i], &conf->tunnel[i]);
	}
	for (unsigned i = 0; !ok && i < CORE_TUNNELS_MAX; i++)
		core_tunnel_fini(c, &fresh[i]);
	return ok;
}

/* A place may still be taken by an interface that is being closed: it ends now. */
static void
move_in(struct core *c, unsigned i, const struct core_tunnel *fresh)
{
	struct core_tunnel *t = &c->tunnel[i];

	if (core_used(t))
		leave_some(c, t, UINT32_MAX);
	*t = *fresh;
	if (i >= c->n_tunnel)
		c->n_tunnel = i + 1;
}

/* ---- all of it */

static void
end_of(struct core *c, const char *name)
{
	for (unsigned i = 0; i < c->n_tunnel; i++) {	/* a new one of the same name cannot be made while it is there */
		struct core_tunnel *t = &c->tunnel[i];

		if (t->leaving && strcmp(t->dp.name, name) == 0)
			leave_some(c, t, UINT32_MAX);
	}
}

bool
core_reconf(struct core *c, tick_t now, const struct core_conf *conf)
{
	const struct core_conf *was = c->conf;
	struct core_tunnel fresh[CORE_TUNNELS_MAX];

	c->now = now;
	core_pump(c);
	if (!prepare(c, conf, fresh))
		return false;
	for (unsigned i = 0; i < c->n_tunnel; i++) {
		if (*name_at(was, i) && !same_place(was, conf, i))
			leave(c, &c->tunnel[i]);
	}
	c->conf = conf;
	ike_reconf(c->ike, now, &conf->ike, &c->ike_out);
	core_pump(c);
	c->peers_max = conf->peers_max ? conf->peers_max : CORE_PEERS_DEFAULT;
	for (unsigned i = 0; i < conf->n_tunnel; i++) {
		if (core_used(&fresh[i])) {
			end_of(c, conf->tunnel[i].dp.name);
			move_in(c, i, &fresh[i]);
		} else if (*name_at(conf, i)) {
			stay(c, &c->tunnel[i], was, &conf->tunnel[i]);
		}
	}
	core_pump(c);
	return true;
}
