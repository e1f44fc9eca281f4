/* tests/sim/check.c: what must hold, judged from outside: from the planes, the network and the engines' own `show`. */
#include "tests/sim/sim.h"

#define EXPIRY_GRACE TICK_S(2)
#define DEATH_GRACE TICK_S(30)	/* beyond the holding time: what was registered or asked for a moment before */
#define MOVE_GRACE TICK_S(45)	/* for purges and new resolutions when a LAN moves and the network is good: they are repeated that often */
#define DELETE_GRACE TICK_S(60)
#define ORPHAN_GRACE TICK_S(75)	/* liveness is asked for after 10 s (30 s where a single packet was all), and five times */
enum { CHECK_EVERY_S = 1, CROWD = 64, CROWD_ROUNDS = 10 /* of a crowd a tenth is looked at each time */,
	EXPLAIN_LINES = 12 };

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
	return peer < n->plane.n_peer && n->plane.peer[peer].out && !n->plane.peer[peer].out->clear;
}

void
check_neigh_set(struct node *n, const struct dp_neigh *neigh)
{
	if (!has_sa(n, neigh->peer))
		sim_complain(n->sim, n, "neighbour %s is set for peer %u, which has no SA", text(&neigh->proto), neigh->peer);
	if (n->plane.peer[neigh->peer].out->sa.tunnel != neigh->tunnel)
		sim_complain(n->sim, n, "neighbour %s of tunnel %u is set for a peer of tunnel %u", text(&neigh->proto), neigh->tunnel,
		    n->plane.peer[neigh->peer].out->sa.tunnel);
}

void
check_neigh_del(struct node *n, uint32_t tunnel, const struct addr *proto)
{
	if (!plane_neigh(n, tunnel, proto))
		return;
	for (const struct plane_route *r = n->plane.cuts; r; r = r->next) {
		if (r->r.ifindex == TUNNEL_IF + tunnel - 1 && addr_eq(&r->r.via, proto))
			sim_complain(n->sim, n, "neighbour %s goes while the shortcut to %s still uses it", text(proto), text(&r->r.dst.addr));
	}
}

void
check_route_set(struct node *n, const struct rib_route *r)
{
	if (r->ifindex < TUNNEL_IF || !plane_neigh(n, r->ifindex - TUNNEL_IF + 1, &r->via))
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
	if (p->kind == PKT_ESP && !plane_seals(n, p->spi, p->seal) && n->sim->sabotage != SABOTAGE_SKIP_SA_UNSEEN)
		sim_complain(n->sim, n, "a tunnelled packet left without an SA");
}

void
check_opened(struct node *n, const struct plane_sa *sa, const struct pkt *p)
{
	uint8_t cloud = n->member[sa->sa.tunnel - 1].cloud;

	if (p->inner.key != cloud)
		sim_complain(n->sim, n, "a packet of cloud %c came by an SA of cloud %c", 'a' + p->inner.key, 'a' + cloud);
}

/* ---- at any time */

struct walk {
	struct sim *s;
	struct node *n;
	unsigned count;
	uint32_t tunnel;
};

static bool
cache_fresh(void *ctx, const struct nhrp_cache_info *i)
{
	struct walk *w = ctx;

	if (i->type >= NHRP_CT_CACHED && i->expires != TICK_NEVER && i->expires + EXPIRY_GRACE < node_now(w->n))
		sim_complain(w->s, w->n, "cache entry %s outlived its holding time by %.0f s", text(&i->prefix.addr),
		    (double)(node_now(w->n) - i->expires) / 1e6);
	return true;
}

static bool
shortcut_fresh(void *ctx, const struct nhrp_shortcut_info *i)
{
	struct walk *w = ctx;

	if (strcmp(i->state, "up") == 0 && i->expires != TICK_NEVER && i->expires + EXPIRY_GRACE < node_now(w->n))
		sim_complain(w->s, w->n, "shortcut to %s outlived its holding time by %.0f s", text(&i->prefix.addr),
		    (double)(node_now(w->n) - i->expires) / 1e6);
	return true;
}

/* Whatever the engines believe: nothing leads to a node that has been dead for longer than the holding time. */
static void
check_not_dead(struct sim *s, struct node *n, const struct plane_neigh *g)
{
	const struct node *owner = node_of_overlay(s, &g->n.proto);
	tick_t most = TICK_S(n->tunnel[g->n.tunnel - 1].nhrp.hold_s) + DEATH_GRACE;

	if (owner && !owner->core && n->slept_at <= owner->down_at && s->now - owner->down_at > most)
		sim_complain(s, n, "neighbour %s leads to %s, which has been dead for %.0f s", text(&g->n.proto), owner->name,
		    (double)(s->now - owner->down_at) / 1e6);
}

/* A shortcut leads to the router whose LAN it is, a little after that has changed and while nothing is wrong with the network. */
static void
check_egress(struct sim *s, struct node *n, const struct plane_route *r)
{
	const struct lan *l = lan_of(s, &r->r.dst.addr);
	const struct node *to = node_of_overlay(s, &r->r.via);
	tick_t since = l && l->moved_at > s->calm_since ? l->moved_at : s->calm_since;
	const struct plane_neigh *g = plane_neigh(n, r->r.ifindex - TUNNEL_IF + 1, &r->r.via);
	const struct plane_sa *sa = g && g->n.peer < n->plane.n_peer ? n->plane.peer[g->n.peer].out : NULL;

	if (!l || !l->moved_at || to == l->owner || s->partition || s->conf.loss || s->now - since < MOVE_GRACE)
		return;
	if (!sa || sa->orphan_at || !net_open(s, plane_other(sa)))
		return;	/* nobody could tell it: check_sa_heard() */
	sim_complain(s, n, "the shortcut to %s leads to %s, the LAN moved to %s %.0f s ago", text(&r->r.dst.addr), to ? to->name : "nobody",
	    l->owner->name, (double)(s->now - l->moved_at) / 1e6);
}

/* The data plane stops an SA at its hard limit; IKE may need a while to agree with the other end. */
static void
check_sa_age(struct sim *s, struct node *n, const struct plane_sa *sa)
{
	tick_t life = TICK_S(sa->sa.life.hard_s), over = sa->hard ? sa->hard_at + DELETE_GRACE : sa->born + life + EXPIRY_GRACE;

	if (life && node_now(n) > over)
		sim_complain(s, n, "SA %08x outlived its lifetime by %.0f s", sa->sa.spi_in, (double)(node_now(n) - sa->born - life) / 1e6);
}

/* Who is sent to for a while and cannot open it is found out, unless the network is to blame. */
static void
check_sa_heard(struct sim *s, struct node *n, const struct plane_sa *sa)
{
	tick_t since = sa->tried_at > s->calm_since ? sa->tried_at : s->calm_since;

	if (!sa->orphan_at || sa->tried_at < sa->orphan_at || s->partition || s->conf.loss || sa->sent_at < since + ORPHAN_GRACE)
		return;
	sim_complain(s, n, "SA %08x to %s had no other end for %.0f s, and was sent on", sa->sa.spi_in, text(&sa->sa.remote.addr),
	    (double)(s->now - sa->orphan_at) / 1e6);
}

static void
check_tunnel_now(struct sim *s, struct node *n, uint32_t tunnel)
{
	const struct plane_tunnel *t = &n->plane.tunnel[tunnel - 1];
	struct walk w = { s, n, 0 };

	for (const struct plane_neigh *g = t->neighs; g; g = g->next) {
		if (!has_sa(n, g->n.peer))
			sim_complain(s, n, "neighbour %s leads to peer %u, which has no SA", text(&g->n.proto), g->n.peer);
		check_not_dead(s, n, g);
	}
	if (t->has_fallback && !has_sa(n, t->fallback.peer))
		sim_complain(s, n, "the fallback leads to peer %u, which has no SA", t->fallback.peer);
	if (s->sabotage == SABOTAGE_KEEP_DEAD_UNSEEN)
		return;
	nhrp_visit_cache(core_nhrp(n->core, tunnel), NULL, cache_fresh, &w);
	nhrp_visit_shortcut(core_nhrp(n->core, tunnel), shortcut_fresh, &w);
}

static void
check_node_now(struct sim *s, struct node *n)
{
	for (uint32_t tunnel = 1; tunnel <= n->n_member; tunnel++)
		check_tunnel_now(s, n, tunnel);
	for (const struct plane_route *r = n->plane.cuts; r; r = r->next) {
		if (!plane_neigh(n, r->r.ifindex - TUNNEL_IF + 1, &r->r.via))
			sim_complain(s, n, "the shortcut to %s lost its neighbour %s", text(&r->r.dst.addr), text(&r->r.via));
		check_egress(s, n, r);
	}
	for (const struct plane_sa *sa = n->plane.sas; sa; sa = sa->next) {
		check_sa_age(s, n, sa);
		check_sa_heard(s, n, sa);
	}
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
	unsigned step = s->n_node > CROWD ? CROWD_ROUNDS : 1, from = (unsigned)(s->now / TICK_S(CHECK_EVERY_S)) % step;

	for (unsigned i = from; i < s->n_node; i += step) {
		if (node_awake(s->node[i]))
			check_node_now(s, s->node[i]);
	}
	sim_at(s, s->now + TICK_S(CHECK_EVERY_S), SIM_EV_REPORT, NULL);
}

/* ---- at rest */

static bool
installed_is(void *ctx, const struct nhrp_cache_info *i)
{
	struct walk *w = ctx;
	const struct plane_neigh *g = plane_neigh(w->n, w->tunnel, &i->prefix.addr);
	const struct node *owner = node_of_overlay(w->s, &i->prefix.addr);

	if (i->restored && owner && owner->core)
		sim_complain(w->s, w->n, "%s is still to be confirmed, and %s is here", text(&i->prefix.addr), owner->name);

	if (!i->installed || !owner)	/* an address behind a spoke is a shortcut's: seen there */
		return true;
	w->count++;
	if (!g)
		sim_complain(w->s, w->n, "the cache says %s is installed; it is not", text(&i->prefix.addr));
	if (!i->has_peer || g->n.peer != i->peer)
		sim_complain(w->s, w->n, "neighbour %s leads to peer %u, the cache says %u", text(&i->prefix.addr), g->n.peer, i->peer);
	return true;
}

static void
rest_neighs(struct sim *s, struct node *n, uint32_t tunnel)
{
	struct walk w = { s, n, 0, tunnel };
	unsigned count = 0;

	for (const struct plane_neigh *g = n->plane.tunnel[tunnel - 1].neighs; g; g = g->next) {
		const struct node *far = plane_far(n->plane.peer[g->n.peer].out), *owner = node_of_overlay(s, &g->n.proto);

		count++;
		if (far && far != owner)	/* nobody: as above */
			sim_complain(s, n, "neighbour %s leads to %s, it belongs to %s", text(&g->n.proto), far->name, owner ? owner->name : "nobody");
	}
	nhrp_visit_cache(core_nhrp(n->core, tunnel), NULL, installed_is, &w);
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
	struct walk w = { s, n, 0, 0 };
	unsigned count = 0;

	for (const struct plane_route *r = n->plane.cuts; r; r = r->next)
		count++;
	for (uint32_t tunnel = 1; tunnel <= n->n_member; tunnel++)
		nhrp_visit_shortcut(core_nhrp(n->core, tunnel), shortcut_has_route, &w);
	if (w.count != count)
		sim_complain(s, n, "%u shortcut routes are installed, the engine knows %u", count, w.count);
}

static bool
child_is_installed(void *ctx, const struct ike_child_info *i)
{
	struct walk *w = ctx;

	/* One that was refused is deleted at the peer when that surely knows of it, three minutes later at the most. */
	if (strcmp(i->state, "deleting") == 0 && !plane_sa(w->n, i->spi_in) && w->s->now < i->created + TICK_S(200))
		return true;
	w->count++;
	if (!plane_sa(w->n, i->spi_in))
		sim_complain(w->s, w->n, "IKE has SA %08x (%s), the data plane has not", i->spi_in, i->state);
	return true;
}

unsigned
sa_pairs(const struct node *a, const struct node *b, uint8_t cloud)
{
	unsigned n = 0;

	for (const struct plane_sa *sa = a->plane.sas; sa; sa = sa->next)
		n += a->member[sa->sa.tunnel - 1].cloud == cloud && plane_far(sa) == b;
	return n;
}

struct ending {
	const struct node *n, *far;
	uint8_t cloud;
	unsigned count;
};

static bool
count_ending(void *ctx, const struct ike_child_info *i)
{
	struct ending *e = ctx;
	const struct plane_sa *sa = strcmp(i->state, "deleting") == 0 ? plane_sa(e->n, i->spi_in) : NULL;

	e->count += sa && e->n->member[sa->sa.tunnel - 1].cloud == e->cloud && plane_far(sa) == e->far;
	return true;
}

/* A pair that was replaced stays for three seconds, for what is still under way. */
static unsigned
pairs_in_use(const struct node *n, const struct node *far, uint8_t cloud)
{
	struct ending e = { n, far, cloud, 0 };

	ike_visit_child(core_ike(n->core), 0, count_ending, &e);
	return sa_pairs(n, far, cloud) - e.count;
}

static void
rest_sas(struct sim *s, struct node *n)
{
	struct walk w = { s, n, 0, 0 };
	unsigned count = 0;

	for (const struct plane_sa *sa = n->plane.sas; sa; sa = sa->next) {
		const struct node *far = plane_far(sa);
		const struct plane_sa *theirs = far ? plane_sa(far, sa->sa.spi_out) : NULL;
		uint8_t cloud = n->member[sa->sa.tunnel - 1].cloud;

		count++;
		if (!far)
			continue;	/* where nobody sends nobody asks: check_sa_heard() */
		if (theirs->seal_out != sa->seal_in)
			sim_complain(s, n, "SA %08x and its other end at %s do not agree", sa->sa.spi_in, far->name);
		if (sa_pairs(n, far, cloud) != 1 && pairs_in_use(n, far, cloud) != 1)
			sim_complain(s, n, "%u SA pairs with %s", sa_pairs(n, far, cloud), far->name);
	}
	ike_visit_child(core_ike(n->core), 0, child_is_installed, &w);
	if (w.count != count)
		sim_complain(s, n, "%u SAs are installed, IKE knows %u", count, w.count);
}

struct established {
	struct sim *s;
	const struct node *n;
	uint8_t with[SIM_CLOUDS][SIM_NODES_MAX + 1];
};

static bool
count_child(void *ctx, const struct ike_child_info *i)
{
	(void)i;
	(*(unsigned *)ctx)++;
	return true;
}

/* Where both rekey at once and the old SA's end overtakes the answer to one of them, that one's creator has forgotten it: it carries
 * nothing, never was confirmed, and its other end lets it go after half a minute. */
static bool
is_orphan(const struct established *e, const struct ike_sa_info *i)
{
	unsigned children = 0;

	ike_visit_child(core_ike(e->n->core), i->sa, count_child, &children);
	return children == 0 && (!i->established || e->s->now < i->established + TICK_S(31));
}

/* By the identity: hub-3.a.sim. Hubs come first, so a number and the kind of node are its index. */
static bool
ike_is_single(void *ctx, const struct ike_sa_info *i)
{
	struct established *e = ctx;
	unsigned number = 0, at;
	char cloud = 0, name[64];
	bool hub;

	if (strcmp(i->state, "established") != 0 || !i->peer_id || is_orphan(e, i))
		return true;
	snprintf(name, sizeof(name), "%.*s", (int)i->peer_id->len, (const char *)i->peer_id->data);
	hub = sscanf(name, "hub-%u.%c.sim", &number, &cloud) == 2;
	if (!hub && sscanf(name, "spoke-%u.%c.sim", &number, &cloud) != 2)
		sim_complain(e->s, e->n, "an IKE SA with somebody called %s", name);
	at = hub ? number : number + e->s->n_hub;
	if (at > e->s->n_node || e->with[cloud - 'a'][at]++)
		sim_complain(e->s, e->n, "more than one IKE SA with %s", name);
	return true;
}

static void
rest_ike(struct sim *s, struct node *n)
{
	static struct established e;

	memset(&e, 0, sizeof(e));
	e.s = s;
	e.n = n;
	ike_visit_sa(core_ike(n->core), ike_is_single, &e);
}

static bool
count_peer(void *ctx, const struct core_peer_info *i)
{
	unsigned *n = ctx;

	(void)i;
	++*n;
	return true;
}

static void
rest_queues(struct sim *s, struct node *n)
{
	unsigned peers = 0;

	core_visit_peer(n->core, 0, count_peer, &peers);
	if (n->n_jobs)
		sim_complain(s, n, "%u jobs under way at rest", n->n_jobs);
	if (n->bytes > SIM_BYTES_SELF * n->n_member + (size_t)peers * SIM_BYTES_PEER)
		sim_complain(s, n, "the core holds %zu octets for %u peers", n->bytes, peers);
}

static bool
jobs_wait(const struct sim *s)
{
	for (unsigned i = 0; i < s->n_node; i++) {
		if (s->node[i]->core && s->node[i]->n_jobs)
			return true;
	}
	return false;
}

void
check_rest(struct sim *s)
{
	for (unsigned i = 0; i < 100 && jobs_wait(s); i++)	/* a rekeying may have begun this moment: a job takes a millisecond or so */
		sim_run(s, TICK_MS(10));
	for (unsigned i = 0; i < s->n_node; i++) {
		struct node *n = s->node[i];

		if (!n->core)
			continue;
		check_node_now(s, n);
		rest_sas(s, n);
		rest_ike(s, n);
		for (uint32_t tunnel = 1; tunnel <= n->n_member; tunnel++)
			rest_neighs(s, n, tunnel);
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

	if (hub && node_awake(hub) && !i->up)
		w->count++;
	return true;
}

static bool
hub_knows(const struct node *h, const struct node *n, unsigned i)
{
	uint32_t tunnel = 0;

	if (!node_member(h, n->member[i].cloud, &tunnel))
		return true;
	return plane_neigh(h, tunnel, &n->member[i].overlay) && plane_next(h, &n->member[i].overlay) == n;
}

bool
spoke_registered(const struct node *n)
{
	struct walk w = { n->sim, NULL, 0, 0 };

	for (unsigned i = 0; i < n->n_member; i++)
		nhrp_visit_nhs(core_nhrp(n->core, i + 1), nhs_is_up, &w);
	for (unsigned i = 0; i < n->sim->n_hub; i++) {
		const struct node *h = n->sim->hub[i];

		for (unsigned k = 0; k < n->n_member && !n->hub; k++) {
			if (node_awake(h) && !hub_knows(h, n, k))
				return false;
		}
	}
	return w.count == 0;
}

bool
all_registered(struct sim *s)
{
	for (unsigned i = 0; i < s->n_node; i++) {
		if (node_awake(s->node[i]) && !spoke_registered(s->node[i]))
			return false;
	}
	return true;
}

bool
flow_direct(const struct flow *f)
{
	return f->from == f->to || (plane_next(f->from, &f->dst->host) == f->to && f->last_hops == 1);
}

bool
path_direct(const struct node *from, const struct node *to)
{
	return plane_next(from, &to->member[0].lan->host) == to;
}

bool
all_direct(struct sim *s)
{
	for (unsigned i = 0; i < s->n_flow; i++) {
		const struct flow *f = &s->flow[i];

		if (!f->stopped && node_awake(f->from) && node_awake(f->to) && !flow_direct(f))
			return false;
	}
	return true;
}

struct restored_count {
	const struct sim *s;
	unsigned all, here;
};

static bool
count_restored(void *ctx, const struct nhrp_cache_info *i)
{
	struct restored_count *c = ctx;
	const struct node *owner = node_of_overlay(c->s, &i->prefix.addr);

	c->all += i->restored;
	c->here += i->restored && owner && owner->core;
	return true;
}

unsigned
restored(const struct node *n)
{
	struct restored_count c = { n->sim, 0, 0 };

	for (unsigned i = 0; i < n->n_member; i++)
		nhrp_visit_cache(core_nhrp(n->core, i + 1), NULL, count_restored, &c);
	return c.all;
}

unsigned
unconfirmed(const struct node *n)
{
	struct restored_count c = { n->sim, 0, 0 };

	for (unsigned i = 0; i < n->n_member; i++)
		nhrp_visit_cache(core_nhrp(n->core, i + 1), NULL, count_restored, &c);
	return c.here;
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

static void
explain_flow(const struct flow *f, struct explain *e)
{
	const struct node *next = plane_next(f->from, &f->dst->host);

	fprintf(e->out, "  %s to %s (%s) goes by %s; last packet came %.1f s ago over %u hops; shortcut:", f->from->name, f->to->name,
	    text(&f->dst->host), next ? next->name : "nobody", (double)(f->from->sim->now - f->last_got) / 1e6, f->last_hops);
	e->n = f->from;
	e->dst = &f->dst->host;
	for (unsigned i = 0; i < f->from->n_member; i++)
		nhrp_visit_shortcut(core_nhrp(f->from->core, i + 1), explain_shortcut, e);
	fputc('\n', e->out);
}

void
check_explain(const struct sim *s, FILE *out)
{
	struct explain e = { .out = out };
	unsigned lines = 0;

	for (unsigned i = 0; i < s->n_node; i++) {
		e.n = s->node[i];
		for (unsigned k = 0; e.n->core && k < e.n->n_member; k++)
			nhrp_visit_nhs(core_nhrp(e.n->core, k + 1), explain_nhs, &e);
	}
	for (unsigned i = 0; i < s->n_flow; i++) {
		const struct flow *f = &s->flow[i];

		if (!f->stopped && f->from->core && f->to->core && !flow_direct(f) && lines++ < EXPLAIN_LINES)
			explain_flow(f, &e);
	}
}
