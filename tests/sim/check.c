/* tests/sim/check.c: what must hold, judged from outside: from the planes, the network and the engines' own `show`. */
#include "tests/sim/sim.h"

#define EXPIRY_GRACE TICK_S(2)

/* ---- while an action is carried out: going up SA, neighbour, route; going down route, neighbour, SA */

static const char *
text(const struct addr *a)
{
	static char out[4][ADDR_STRLEN];
	static unsigned i;

	return addr_fmt(a, out[i++ % 4]);
}

static bool
has_sa(const struct node *n, uint32_t peer)
{
	return peer < n->plane.n_peer && n->plane.peer[peer].out;
}

void
check_neigh_set(struct node *n, const struct dp_neigh *neigh)
{
	if (!has_sa(n, neigh->peer))
		sim_complain(n->sim, n, "neighbour %s is set for peer %u, which has no SA", text(&neigh->proto), neigh->peer);
}

void
check_neigh_del(struct node *n, const struct addr *proto)
{
	if (!plane_neigh(n, proto))
		return;
	for (const struct plane_route *r = n->plane.routes; r; r = r->next) {
		if (r->ours && addr_eq(&r->r.via, proto))
			sim_complain(n->sim, n, "neighbour %s goes while the shortcut to %s still uses it", text(proto), text(&r->r.dst.addr));
	}
}

void
check_route_set(struct node *n, const struct rib_route *r)
{
	if (!plane_neigh(n, &r->via))
		sim_complain(n->sim, n, "shortcut to %s by %s, which has no neighbour entry", text(&r->dst.addr), text(&r->via));
}

void
check_sa_del(struct node *n, uint32_t spi_in)
{
	const struct plane_sa *sa = plane_sa(n, spi_in);
	const struct plane_peer *p = sa ? plane_peer(n, sa->sa.peer) : NULL;

	if (!p)
		return;
	if (p->out == sa && p->n_neigh && !n->refused)	/* a refused replacement is taken out at the end of the same step */
		sim_complain(n->sim, n, "SA %08x of peer %u goes while %u neighbours lead to it and no other took over", spi_in, sa->sa.peer, p->n_neigh);
}

/* Nothing leaves a node in clear: an ESP packet must be sealed by an SA that is installed there at this moment. */
void
check_sent(struct node *n, const struct pkt *p)
{
	const struct plane_sa *sa = p->kind == PKT_ESP ? n->plane.sas : NULL;

	if (p->kind != PKT_ESP)
		return;
	while (sa && (sa->seal_out != p->seal || sa->sa.spi_out != p->spi))
		sa = sa->next;
	if (!sa)
		sim_complain(n->sim, n, "a tunnelled packet left without an SA");
}

/* ---- at any time */

struct walk {
	struct sim *s;
	struct node *n;
	unsigned count;
};

static bool
cache_fresh(void *ctx, const struct nhrp_cache_info *i)
{
	struct walk *w = ctx;

	if (i->type >= NHRP_CT_CACHED && i->expires != TICK_NEVER && i->expires + EXPIRY_GRACE < w->s->now)
		sim_complain(w->s, w->n, "cache entry %s outlived its holding time by %.0f s", text(&i->prefix.addr),
		    (double)(w->s->now - i->expires) / 1e6);
	return true;
}

static void
check_node_now(struct sim *s, struct node *n)
{
	struct walk w = { s, n, 0 };

	for (const struct plane_neigh *g = n->plane.neighs; g; g = g->next) {
		if (!has_sa(n, g->n.peer))
			sim_complain(s, n, "neighbour %s leads to peer %u, which has no SA", text(&g->n.proto), g->n.peer);
	}
	if (n->plane.has_fallback && !has_sa(n, n->plane.fallback.peer))
		sim_complain(s, n, "the fallback leads to peer %u, which has no SA", n->plane.fallback.peer);
	for (const struct plane_route *r = n->plane.routes; r; r = r->next) {
		if (r->ours && !plane_neigh(n, &r->r.via))
			sim_complain(s, n, "the shortcut to %s lost its neighbour %s", text(&r->r.dst.addr), text(&r->r.via));
	}
	nhrp_visit_cache(core_nhrp(n->core, 1), NULL, cache_fresh, &w);
}

void
check_acts(struct node *n, unsigned acts)
{
	if (acts > n->acts_peak)
		n->acts_peak = acts;
	if (n->refused)
		check_node_now(n->sim, n);
	n->refused = false;
	if (acts > SIM_ACTS_MAX)
		sim_complain(n->sim, n, "one event caused %u actions", acts);
	if (core_pending(n->core))
		sim_complain(n->sim, n, "%zu actions are left over", core_pending(n->core));
	if (n->bytes > SIM_BYTES_MAX)
		sim_complain(n->sim, n, "the core holds %zu octets", n->bytes);
}

void
check_now(struct sim *s)
{
	for (unsigned i = 0; i < s->n_node; i++) {
		if (s->node[i]->core)
			check_node_now(s, s->node[i]);
	}
	sim_at(s, s->now + TICK_S(1), SIM_EV_REPORT, NULL);
}

/* ---- at rest */

static bool
installed_is(void *ctx, const struct nhrp_cache_info *i)
{
	struct walk *w = ctx;
	const struct plane_neigh *g = plane_neigh(w->n, &i->prefix.addr);

	if (!i->installed || !node_of_overlay(w->s, &i->prefix.addr))	/* an address behind a spoke is a shortcut's: seen there */
		return true;
	w->count++;
	if (!g)
		sim_complain(w->s, w->n, "the cache says %s is installed; it is not", text(&i->prefix.addr));
	if (!i->has_peer || g->n.peer != i->peer)
		sim_complain(w->s, w->n, "neighbour %s leads to peer %u, the cache says %u", text(&i->prefix.addr), g->n.peer, i->peer);
	return true;
}

static void
rest_neighs(struct sim *s, struct node *n)
{
	struct walk w = { s, n, 0 };
	unsigned count = 0;

	for (const struct plane_neigh *g = n->plane.neighs; g; g = g->next) {
		const struct node *far = plane_far(n->plane.peer[g->n.peer].out), *owner = node_of_overlay(s, &g->n.proto);

		count++;
		if (!far || far != owner)
			sim_complain(s, n, "neighbour %s leads to %s, it belongs to %s", text(&g->n.proto), far ? far->name : "nobody",
			    owner ? owner->name : "nobody");
	}
	nhrp_visit_cache(core_nhrp(n->core, 1), NULL, installed_is, &w);
	if (w.count != count)
		sim_complain(s, n, "%u neighbours are installed, the cache knows %u", count, w.count);
}

static bool
shortcut_has_route(void *ctx, const struct nhrp_shortcut_info *i)
{
	struct walk *w = ctx;
	const struct plane_route *r = trie_get(&w->n->plane.shortcuts, &i->prefix);

	if (r)
		w->count++;
	if (strcmp(i->state, "up") == 0 && !r)
		sim_complain(w->s, w->n, "shortcut to %s is up without a route", text(&i->prefix.addr));
	if (r && !addr_eq(&r->r.via, &i->via))
		sim_complain(w->s, w->n, "shortcut to %s goes by %s, its route by %s", text(&i->prefix.addr), text(&i->via), text(&r->r.via));
	return true;
}

static void
rest_shortcuts(struct sim *s, struct node *n)
{
	struct walk w = { s, n, 0 };
	unsigned count = 0;

	for (const struct plane_route *r = n->plane.routes; r; r = r->next)
		count += r->ours;
	nhrp_visit_shortcut(core_nhrp(n->core, 1), shortcut_has_route, &w);
	if (w.count != count)
		sim_complain(s, n, "%u shortcut routes are installed, the engine knows %u", count, w.count);
}

static bool
child_is_installed(void *ctx, const struct ike_child_info *i)
{
	struct walk *w = ctx;

	w->count++;
	if (!plane_sa(w->n, i->spi_in))
		sim_complain(w->s, w->n, "IKE has SA %08x (%s), the data plane has not", i->spi_in, i->state);
	return true;
}

unsigned
sa_pairs(const struct node *a, const struct node *b)
{
	unsigned n = 0;

	for (const struct plane_sa *sa = a->plane.sas; sa; sa = sa->next)
		n += plane_far(sa) == b;
	return n;
}

static void
rest_sas(struct sim *s, struct node *n)
{
	struct walk w = { s, n, 0 };
	unsigned count = 0;

	for (const struct plane_sa *sa = n->plane.sas; sa; sa = sa->next) {
		const struct node *far = plane_far(sa);
		const struct plane_sa *theirs = far ? plane_sa(far, sa->sa.spi_out) : NULL;

		count++;
		if ((!far || !far->core) && !n->plane.peer[sa->sa.peer].n_neigh)
			continue;	/* nobody sends there, so nobody asks: on-demand liveness */
		if (!far || !far->core)
			sim_complain(s, n, "SA %08x has no other end", sa->sa.spi_in);
		if (theirs->seal_out != sa->seal_in)
			sim_complain(s, n, "SA %08x and its other end at %s do not agree", sa->sa.spi_in, far->name);
		if (sa_pairs(n, far) != 1)
			sim_complain(s, n, "%u SA pairs with %s", sa_pairs(n, far), far->name);
	}
	ike_visit_child(core_ike(n->core), 0, child_is_installed, &w);
	if (w.count != count)
		sim_complain(s, n, "%u SAs are installed, IKE knows %u", count, w.count);
}

static void
rest_queues(struct sim *s, struct node *n)
{
	if (n->n_jobs)
		sim_complain(s, n, "%u jobs under way at rest", n->n_jobs);
}

void
check_rest(struct sim *s)
{
	for (unsigned i = 0; i < s->n_node; i++) {
		struct node *n = s->node[i];

		if (!n->core)
			continue;
		check_node_now(s, n);
		rest_sas(s, n);
		rest_neighs(s, n);
		rest_shortcuts(s, n);
		rest_queues(s, n);
	}
}

/* ---- questions the scenarios ask */

static bool
nhs_is_up(void *ctx, const struct nhrp_nhs_info *i)
{
	struct walk *w = ctx;
	const struct node *hub = node_of_overlay(w->s, &i->proto);

	if (hub && hub->core && !i->up)
		w->count++;
	return true;
}

bool
spoke_registered(const struct node *n)
{
	struct walk w = { n->sim, NULL, 0 };

	nhrp_visit_nhs(core_nhrp(n->core, 1), nhs_is_up, &w);
	for (unsigned i = 0; i < n->sim->n_node; i++) {
		const struct node *h = n->sim->node[i];

		if (h->hub && h->core && (!plane_neigh(h, &n->overlay) || plane_next(h, &n->lan_host) != n))
			return false;
	}
	return w.count == 0;
}

bool
all_registered(struct sim *s)
{
	for (unsigned i = 0; i < s->n_node; i++) {
		if (!s->node[i]->hub && s->node[i]->core && !spoke_registered(s->node[i]))
			return false;
	}
	return true;
}

bool
path_direct(const struct node *from, const struct node *to)
{
	return plane_next(from, &to->lan_host) == to;
}

bool
all_direct(struct sim *s)
{
	for (unsigned i = 0; i < s->n_flow; i++) {
		const struct flow *f = &s->flow[i];

		if (!f->stopped && f->from->core && f->to->core && (!path_direct(f->from, f->to) || f->last_hops != 1))
			return false;
	}
	return true;
}

/* ---- for the reader of a failure */

struct explain {
	FILE *out;
	const struct node *n;
	const struct addr *dst;
};

static bool
explain_nhs(void *ctx, const struct nhrp_nhs_info *i)
{
	const struct explain *e = ctx;

	if (!i->up)
		fprintf(e->out, "  %s: hub %s is %s%s%s\n", e->n->name, i->name, i->state, *i->reason ? ": " : "", i->reason);
	return true;
}

static bool
explain_shortcut(void *ctx, const struct nhrp_shortcut_info *i)
{
	const struct explain *e = ctx;

	if (!prefix_has(&i->prefix, e->dst))
		return true;
	fprintf(e->out, " %s by %s%s%s", i->state, text(&i->via), *i->reason ? ": " : "", i->reason);
	return true;
}

void
check_explain(const struct sim *s, FILE *out)
{
	struct explain e = { .out = out };

	for (unsigned i = 0; i < s->n_node; i++) {
		e.n = s->node[i];
		if (e.n->core)
			nhrp_visit_nhs(core_nhrp(e.n->core, 1), explain_nhs, &e);
	}
	for (unsigned i = 0; i < s->n_flow; i++) {
		const struct flow *f = &s->flow[i];
		const struct node *next;

		if (f->stopped || !f->from->core || !f->to->core || (path_direct(f->from, f->to) && f->last_hops == 1))
			continue;
		next = plane_next(f->from, &f->to->lan_host);
		fprintf(out, "  %s to %s goes by %s; last packet came %.1f s ago over %u hops; shortcut:", f->from->name, f->to->name,
		    next ? next->name : "nobody", (double)(s->now - f->last_got) / 1e6, f->last_hops);
		e.n = f->from;
		e.dst = &f->to->lan_host;
		nhrp_visit_shortcut(core_nhrp(f->from->core, 1), explain_shortcut, &e);
		fputc('\n', out);
	}
}
