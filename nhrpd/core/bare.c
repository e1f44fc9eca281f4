/* nhrpd/core/bare.c: peers of a tunnel that is left without protection on purpose (`tunnel protection none`), for other routers that
 * have none, or an underlay that protects already.
 *
 * There is no IKE, and nobody is authenticated: a peer is an NBMA address. A want is true as soon as it is known where; whoever sends a
 * packet of NHRP that the network's password lets in becomes a peer by it. To the data plane a peer's pair is one without keys, which
 * names the outer addresses; to NHRP the peer has no identity, so the claimed NBMA address stands for one (RFC 2332's unique
 * rule, nhs.c). An `authorization policy` that matches the address, as `identity address`, limits what it may claim.
 *
 * Who forges addresses makes peers. A bound on how many a second, and a check after a minute whether anybody needs them (idle.c), keep
 * that small; what a forger says is what an unprotected network has to live with. */
#include "nhrpd/core/core_priv.h"

enum { STRANGERS_PER_S = 200, STRANGERS_BURST = 2000 };

static bool
give_pair(struct core *c, struct core_peer *p)
{
	struct core_child *ch = env_alloc(c->mem, sizeof(*ch));
	struct dp_sa none = { .local = p->local, .remote = p->remote, .bare = true };

	if (!ch)
		return false;
	do
		none.spi_in = c->env.ike.spi_alloc(c->mem->ctx);	/* a name for it, never on the wire */
	while (none.spi_in && core_child(c, none.spi_in));
	if (!none.spi_in || !core_sa_add(c, p, &none, true)) {
		env_free(c->mem, ch);
		return false;
	}
	*ch = (struct core_child){ .peer = p, .spi_in = none.spi_in, .active = true };
	core_child_link(c, ch);
	return true;
}

/* What it causes stands behind the pair's installation in the queue; should that fail, all of it is taken back. */
static struct core_peer *
peer_at(struct core *c, struct core_tunnel *t, const struct addr *nbma)
{
	struct ike_id who = { .type = nbma->n == 16 ? IKE_ID_IPV6 : IKE_ID_IPV4, .len = nbma->n };
	struct core_peer *p;

	memcpy(who.data, nbma->b, nbma->n);
	p = core_peer_get(c, (uint32_t)(t - c->tunnel) + 1, &who);
	if (p && p->children)
		return p->up ? p : NULL;	/* it is just being closed */
	if (!p)
		return NULL;
	p->who = who;
	p->local.addr = t->dp.source;
	p->remote.addr = *nbma;
	if (give_pair(c, p)) {
		core_peer_up(c, p);
		return p;
	}
	core_peer_maybe_free(c, p);
	return NULL;
}

bool
core_bare_dial(struct core *c, struct core_tunnel *t, struct core_dial *d, const struct addr *nbma)
{
	struct core_peer *p = peer_at(c, t, nbma);

	if (!p)
		return false;
	core_dial_serve(d, p);
	core_dial_up(c, d, p);
	return true;
}

uint32_t
core_bare_heard(struct core *c, struct core_tunnel *t, const struct dp_event *ev)
{
	struct core_peer *p;

	if (!t->dp.source.n || !addr_is_unicast(&ev->remote.addr) || addr_eq(&ev->remote.addr, &t->dp.source) ||
	    !nhrp_admits(t->nhrp, ev->packet) || !bucket_take(&t->strangers, c->now, STRANGERS_PER_S, STRANGERS_BURST))
		return 0;
	p = peer_at(c, t, &ev->remote.addr);
	return p ? p->id : 0;
}

/* Wants that led to it are tried again after a while, with the next of their addresses. */
void
core_bare_close(struct core *c, struct core_peer *p, const char *why)
{
	uint32_t id = p->id;

	if (!p->up)	/* under way already */
		return;
	for (struct core_dial *d = p->dials; d; d = d->next_of_peer)
		core_dial_again(c, d);
	core_peer_down(c, p, why);
	while (core_peer(c, id) && p->children)	/* the last one takes the peer along */
		core_child_del(c, p->children->spi_in);
}

/* Another source address: each pair is one from there. */
void
core_bare_source(struct core *c, struct core_tunnel *t)
{
	uint32_t tunnel = (uint32_t)(t - c->tunnel) + 1;

	for (uint32_t id = 1; id < c->peer_cap; id++) {
		if (!c->peer[id] || c->peer[id]->tunnel != tunnel)
			continue;
		core_bare_close(c, c->peer[id], "the tunnel source has another address");
		core_pump(c);
	}
}
