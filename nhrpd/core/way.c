/* nhrpd/core/way.c: the ways to hubs outside, as somebody (zebra) tells of them. What depends on them is asked again at once, instead of when
 * its timers say so: a hub that is not up is dialled when a way comes, one that is up is doubted when its way goes or is another one. */
#include "nhrpd/core/core_priv.h"

enum { DOUBT_MS = 3000 };

void
core_track(struct core *c, const struct core_dial *d, bool on)
{
	for (unsigned i = 0; i < d->n_addrs && d->hub; i++) {
		struct core_act *a = core_act(c, CORE_ACT_TRACK, d->tunnel);

		if (!a)
			return;
		a->nbma = d->addrs[i];
		a->up = on;
	}
}

static bool
leads_to(const struct core_dial *d, const struct addr *nbma)
{
	unsigned i = 0;

	while (i < d->n_addrs && !addr_eq(&d->addrs[i], nbma))
		i++;
	return d->hub && i < d->n_addrs;
}

static void
doubt(struct core *c, struct core_tunnel *t, const struct core_peer *p, bool reachable)
{
	struct nhrp_event e = { .kind = NHRP_EV_DOUBT, .peer = p->id, .within = TICK_MS(DOUBT_MS),
		.reason = reachable ? "its outer address is reached by another way" : "no route to its outer address" };
	struct nhrp_cache_info known;

	if (t->plain || !nhrp_peer_protos(t->nhrp, p->id, &known, 1))
		return;
	e.dst = known.prefix.addr;
	core_tell_nhrp(c, t, &e);
}

/* A dial that is waiting begins at once. */
static void
dial_again(struct core *c, struct core_tunnel *t, struct core_dial *d)
{
	struct ike_event e = { .kind = IKE_EV_HANGUP, .dial = d->id };

	if (!t->dp.source.n || t->dp.bare)
		return;
	if (d->issued)
		core_tell_ike(c, &e);
	d->again = true;
	c->retry_at = c->now;
}

static void
news(struct core *c, struct core_tunnel *t, struct core_dial *d, const struct addr *nbma, bool reachable)
{
	bool came = d->no_way && reachable;
	char text[ADDR_STRLEN];

	d->no_way = !reachable && d->n_addrs == 1;
	if (d->peer && d->peer->up && addr_eq(&d->peer->remote.addr, nbma))
		doubt(c, t, d->peer, reachable);
	else if ((!d->peer || !d->peer->up) && came)
		dial_again(c, t, d);
	log_limited(c->log, &c->limit, c->now, LOG_LV_INFO, reachable ? "underlay-way" : "underlay-no-way", "%s: the hub at %s %s", t->dp.name,
	    addr_fmt(nbma, text), reachable ? "is reached, by another way or again" : "cannot be reached: no route");
}

void
core_way(struct core *c, tick_t now, const struct addr *nbma, bool reachable)
{
	c->now = now;
	for (unsigned i = 0; i < c->n_tunnel; i++) {
		struct core_tunnel *t = &c->tunnel[i];

		for (struct core_dial *d = t->dials; d; d = d->next) {
			if (core_used(t) && !t->leaving && leads_to(d, nbma))
				news(c, t, d, nbma, reachable);
		}
	}
	core_pump(c);
}
