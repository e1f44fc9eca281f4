/* nhrpd/core/show.c: the state ladder of each peer, with the reason where it is not up. */
#include "nhrpd/core/core_priv.h"

static const char *const step_name[] = { "INTF", "IKE", "IPSEC", "NHRP", "UP" };

const char *
core_step_name(enum core_step s)
{
	return step_name[s];
}

struct nhs_of_peer {
	uint32_t peer;
	bool found;
	struct nhrp_nhs_info info;
};

static bool
nhs_of_peer(void *ctx, const struct nhrp_nhs_info *i)
{
	struct nhs_of_peer *f = ctx;

	if (!i->has_peer || i->peer != f->peer)
		return true;
	f->found = true;
	f->info = *i;
	return false;
}

/* INTF first: without an interface nothing else matters. */
static bool
interface_down(const struct core_tunnel *t, struct core_peer_info *out)
{
	out->link_since = t->link_since;
	if (t->link_up)
		return false;
	out->step = CORE_STEP_INTF;
	out->since = t->link_since;
	out->reason = t->reason;
	out->retry = t->again ? t->again_at : 0;
	return true;
}

static void
nhrp_step(const struct core_tunnel *t, const struct core_peer *p, struct core_peer_info *out)
{
	struct nhs_of_peer f = { .peer = p->id };
	struct nhrp_cache_info proto[4];
	struct nhrp_may_info may;

	if (t->plain) {
		out->nhs = p->dials != NULL;
		out->dynamic = !out->nhs;
		out->step = core_plain_uses(t, p->id, &out->since) ? CORE_STEP_UP : CORE_STEP_NHRP;
		out->reason = out->step == CORE_STEP_UP ? "" : "another peer is in use";
		return;
	}
	nhrp_visit_nhs(t->nhrp, nhs_of_peer, &f);
	out->n_proto = nhrp_peer_protos(t->nhrp, p->id, proto, 4);
	out->nhs = f.found;
	out->dynamic = !f.found;
	if (out->n_proto) {
		out->proto = proto[0].prefix.addr;
		out->nbma_claimed = proto[0].nbma_claimed;
	} else if (f.found) {
		out->proto = f.info.proto;
	}
	for (unsigned i = 0; i < out->n_proto && i < 4; i++) {
		if (proto[i].refused) {	/* it may say it is there, but nothing can be sent to it */
			out->step = CORE_STEP_NHRP;
			out->reason = proto[i].reason;
			out->retry = proto[i].retry;
			return;
		}
	}
	if (f.found ? f.info.up : out->n_proto > 0) {
		out->step = CORE_STEP_UP;
		out->since = f.found ? f.info.since : proto[0].created;
		return;
	}
	out->step = CORE_STEP_NHRP;
	if (!f.found && nhrp_peer_may(t->nhrp, p->id, &may) && may.refusals) {
		out->reason = may.reason;
		return;
	}
	out->reason = f.found ? (*f.info.reason ? f.info.reason : "no answer to the registration yet") :
	    t->conf->nhrp.n_nhs ? "it has not told its tunnel address yet" : "it has not registered";
}

static void
peer_info(const struct core *c, const struct core_peer *p, struct core_peer_info *out)
{
	const struct core_tunnel *t = &c->tunnel[p->tunnel - 1];
	const struct core_child *ch = p->children;

	*out = (struct core_peer_info){ .tunnel = p->tunnel, .peer = p->id, .nbma = p->remote.addr, .remote = p->remote, .since = p->since,
		.natted = p->natted_remote, .identity = t->dp.bare ? "not authenticated" : p->identity, .reason = "", .step = CORE_STEP_IPSEC, .ike_sa = p->ikes ? p->ikes->sa : 0 };
	for (; ch && !t->dp.bare; ch = ch->next) {
		if (ch->active || !ch->next) {
			out->spi_in = ch->spi_in;
			out->spi_out = ch->spi_out;
			out->encap = ch->encap;
			break;
		}
	}
	if (p->up)
		nhrp_step(t, p, out);
	else
		out->reason = p->refused[0] ? p->refused : "no IPsec SA yet";
	out->retry = p->up || !p->refused[0] ? out->retry : ike_retry_at(c->ike, out->ike_sa);
	interface_down(t, out);
}

/* An NHS without a live peer: its dial tells how far it is. */
struct absent {
	const struct core *c;
	uint32_t tunnel;
	core_peer_fn *fn;
	void *ctx;
	bool go_on;
};

static const struct core_dial *
dial_to(const struct core_tunnel *t, const struct addr *nbma, bool hub)
{
	for (const struct core_dial *d = t->dials; d; d = d->next) {
		for (unsigned i = 0; i < d->n_addrs && d->hub == hub; i++) {
			if (addr_eq(&d->addrs[i], nbma))
				return d;
		}
	}
	return NULL;
}

static enum core_step
step_of_dial(const struct core_dial *d)
{
	return d && d->at_ipsec ? CORE_STEP_IPSEC : CORE_STEP_IKE;
}

static bool
absent_nhs(void *ctx, const struct nhrp_nhs_info *i)
{
	struct absent *w = ctx;
	const struct core_tunnel *t = &w->c->tunnel[w->tunnel - 1];
	const struct core_dial *d = dial_to(t, &i->nbma, true);
	struct core_peer_info p = { .tunnel = w->tunnel, .proto = i->proto, .nbma = i->nbma, .remote.addr = i->nbma, .nbma_claimed = i->nbma,
		.step = step_of_dial(d), .since = d ? d->since : i->since, .nhs = true, .incomplete = true, .identity = "", .reason = i->reason };

	if (i->has_peer)
		return true;
	if (d && *d->reason)
		p.reason = d->reason;
	else if (!*p.reason)
		p.reason = d ? "dialing, no answer yet" : i->state;
	interface_down(t, &p);
	return w->go_on = w->fn(w->ctx, &p);
}

static bool
absent_dials(const struct core *c, uint32_t tunnel, core_peer_fn *fn, void *ctx)
{
	const struct core_tunnel *t = &c->tunnel[tunnel - 1];

	for (const struct core_dial *d = t->dials; d; d = d->next) {
		struct core_peer_info p = { .tunnel = tunnel, .nbma = d->addrs[0], .remote.addr = d->addrs[0], .step = step_of_dial(d), .since = d->since,
			.dynamic = true, .incomplete = true, .identity = "", .reason = *d->reason ? d->reason : "dialing, no answer yet" };

		if (d->hub || d->peer)
			continue;
		interface_down(t, &p);
		if (!fn(ctx, &p))
			return false;
	}
	return true;
}

/* Registered before we were started, and not here yet. */
static bool
absent_client(void *ctx, const struct nhrp_cache_info *i)
{
	struct absent *w = ctx;
	struct core_peer_info p = { .tunnel = w->tunnel, .proto = i->prefix.addr, .nbma = i->nbma, .remote.addr = i->nbma,
		.nbma_claimed = i->nbma_claimed, .step = CORE_STEP_IKE, .since = i->created, .dynamic = true, .natted = i->natted, .incomplete = true,
		.identity = i->identity, .n_proto = 1, .reason = "known from before the restart, not confirmed yet" };

	if (!i->restored || i->has_peer)
		return true;
	interface_down(&w->c->tunnel[w->tunnel - 1], &p);
	return w->go_on = w->fn(w->ctx, &p);
}

static bool
visit_tunnel(const struct core *c, uint32_t tunnel, core_peer_fn *fn, void *ctx)
{
	struct absent w = { c, tunnel, fn, ctx, true };

	for (uint32_t id = 1; id < c->peer_cap; id++) {
		struct core_peer_info info;

		if (!c->peer[id] || c->peer[id]->tunnel != tunnel)
			continue;
		peer_info(c, c->peer[id], &info);
		if (!fn(ctx, &info))
			return false;
	}
	if (c->tunnel[tunnel - 1].plain)
		return core_plain_absent(&c->tunnel[tunnel - 1], tunnel, fn, ctx);
	nhrp_visit_nhs(c->tunnel[tunnel - 1].nhrp, absent_nhs, &w);
	if (w.go_on)
		nhrp_visit_cache(c->tunnel[tunnel - 1].nhrp, NULL, absent_client, &w);
	return w.go_on && absent_dials(c, tunnel, fn, ctx);
}

void
core_visit_peer(const struct core *c, uint32_t tunnel, core_peer_fn *fn, void *ctx)
{
	for (uint32_t i = 1; i <= c->n_tunnel; i++) {
		if (core_used(&c->tunnel[i - 1]) && (tunnel == 0 || tunnel == i) && !visit_tunnel(c, i, fn, ctx))
			return;
	}
}

bool
core_waits(const struct core *c, uint32_t tunnel)
{
	return tunnel >= 1 && tunnel <= c->n_tunnel && c->tunnel[tunnel - 1].plain && core_plain_waits(&c->tunnel[tunnel - 1]);
}
