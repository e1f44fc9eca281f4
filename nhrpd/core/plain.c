/* nhrpd/core/plain.c: a tunnel without NHRP: plain IPsec to one peer at a time.
 *
 * Such an interface has a list of destinations (headends), the best first, or none: then it waits to be called. It stands where
 * the NHRP engine of other tunnels stands, hears the same events and answers with the same actions: wants for destinations, and
 * one neighbour, the fallback, which is where all its traffic goes.
 *
 * The best destination is wanted first; each PLAIN_WIDEN that nobody is up, or at once when the last one wanted has failed, the
 * next one is wanted as well, and none is given up: who is up first is taken, the others are hung up. When it is not the best,
 * the better ones are wanted again after the time of `tunnel reactivate`; the first of them that is up takes over, its SA is there
 * before the old one goes. A peer that calls is taken where nobody is up; a second one is sent away, because there would be no
 * telling which of the two a packet is for.
 *
 * `set connect traffic`: nobody is wanted before the data plane had a packet that one of the profile's sets of selectors is for and nobody
 * to send it to (it tells so at most once a second for each destination). All sets are asked for then. The search ends when no such
 * packet came for PLAIN_PATIENCE; who is up is hung up when no packet went either way for conf->idle_s; after each search the next one
 * begins PLAIN_AGAIN after its beginning at the earliest. A peer that calls may do so at any time, and stays as long as it likes. */
#include <stdio.h>

#include "lib/traffic.h"
#include "nhrpd/core/core_priv.h"

#define PLAIN_WIDEN	TICK_S(3)
#define PLAIN_PATIENCE	TICK_S(30)
#define PLAIN_AGAIN	TICK_S(5)	/* a name that did not resolve, a neighbour that was refused */
#define PLAIN_NAME_AGE	TICK_S(30)	/* a name is asked for again when its addresses fail, but not more often */

enum { NEIGH_COOKIE = 1 };

struct dest {
	char name[NHRP_NAME_MAX];
	bool literal;	/* the name is an address */
	bool wanted, dialling;	/* dialling: there was an address for it, so the core has the want */
	uint32_t want;
	struct addr addrs[NHRP_WANT_ADDRS];
	unsigned n_addrs;
	tick_t asked, again_at;	/* name: asked for, to be asked for */
	tick_t since;
	char reason[CORE_REASON_MAX * 2];
};

struct core_plain {
	const struct core_plain_conf *conf;
	struct dest dest[CORE_DESTS_MAX];
	unsigned n_dest, reach;	/* reach: wanted since nobody is up, from the best on */
	uint32_t last_want;
	uint32_t peer;	/* where traffic goes; 0: nowhere */
	unsigned rank;	/* its destination; n_dest: it called us */
	tick_t since, widen_at, back_at, neigh_at;
	bool awake;	/* conf->on_traffic: a packet came */
	tick_t began, heard, rest_at;	/* the search; the last packet that had nowhere to go; to be looked at whether all this is still needed */
	uint64_t data_seen;	/* packets both ways, */
	tick_t data_at;	/* and when there were more of them than before */
	bool started, closed;
};

static void
set_dest(struct core_plain *q, struct dest *d, const char *name)
{
	memset(d, 0, sizeof(*d));
	snprintf(d->name, sizeof(d->name), "%s", name);
	d->literal = addr_parse(name, &d->addrs[0]);
	d->n_addrs = d->literal;
	d->again_at = TICK_NEVER;
	d->want = ++q->last_want;
}

struct core_plain *
core_plain_new(struct core *c, const struct core_plain_conf *conf)
{
	struct core_plain *q = conf->n_dest <= CORE_DESTS_MAX ? env_alloc(c->mem, sizeof(*q)) : NULL;

	if (!q)
		return NULL;
	q->conf = conf;
	q->n_dest = conf->n_dest;
	q->rank = q->n_dest;
	q->widen_at = q->back_at = q->neigh_at = q->rest_at = TICK_NEVER;
	for (unsigned i = 0; i < q->n_dest; i++)
		set_dest(q, &q->dest[i], conf->dest[i]);
	return q;
}

/* ---- actions */

static struct nhrp_act *
act(struct core *c, struct core_tunnel *t, enum nhrp_act_kind kind)
{
	struct nhrp_act *a = outq_add(&t->out);

	if (!a) {
		log_limited(c->log, &c->limit, c->now, LOG_LV_ERROR, "queue-full", "%s: the action queue is full: an action was lost", t->dp.name);
		return NULL;
	}
	a->kind = kind;
	return a;
}

static void
dial(struct core *c, struct core_tunnel *t, struct dest *d)
{
	struct nhrp_act *a = act(c, t, NHRP_ACT_WANT);

	if (!a)
		return;
	a->want = d->want;
	a->n_addrs = d->n_addrs;
	memcpy(a->addrs, d->addrs, sizeof(a->addrs));
	a->hub = true;
	d->dialling = true;
}

static void
ask_name(struct core *c, struct core_tunnel *t, struct dest *d)
{
	struct nhrp_act *a = act(c, t, NHRP_ACT_RESOLVE_NAME);

	d->asked = c->now;
	d->again_at = a ? TICK_NEVER : c->now + PLAIN_AGAIN;
	if (!a)
		return;
	a->nhs = (uint32_t)(d - t->plain->dest);
	a->hint = t->plain->conf->dest[a->nhs];
}

static void
want(struct core *c, struct core_tunnel *t, struct dest *d)
{
	if (d->wanted)
		return;
	d->wanted = true;
	d->since = c->now;
	if (d->n_addrs)
		dial(c, t, d);
	if (!d->literal)
		ask_name(c, t, d);
}

static void
unwant(struct core *c, struct core_tunnel *t, struct dest *d)
{
	struct nhrp_act *a = d->dialling ? act(c, t, NHRP_ACT_UNWANT) : NULL;

	if (a)
		a->want = d->want;
	d->wanted = d->dialling = false;
	d->again_at = TICK_NEVER;
}

static void
drop(struct core *c, struct core_tunnel *t, uint32_t peer, const char *reason)
{
	struct nhrp_act *a = act(c, t, NHRP_ACT_DROP_PEER);

	if (!a)
		return;
	a->peer = peer;
	a->reason = reason;
}

static void
set_neighbour(struct core *c, struct core_tunnel *t)
{
	struct nhrp_act *a = act(c, t, t->plain->peer ? NHRP_ACT_NEIGH_SET : NHRP_ACT_NEIGH_DEL);

	t->plain->neigh_at = a || !t->plain->peer ? TICK_NEVER : c->now + PLAIN_AGAIN;
	if (!a)
		return;
	a->cookie = NEIGH_COOKIE;
	a->peer = t->plain->peer;
	a->mcast = !t->plain->conf->policy;
}

/* ---- only when there is traffic */

static bool
waits(const struct core_plain *q)
{
	return q->conf->on_traffic && !q->awake && !q->peer;
}

static void
rest(struct core *c, struct core_tunnel *t)
{
	struct core_plain *q = t->plain;

	q->awake = false;
	q->reach = 0;
	q->widen_at = q->back_at = q->rest_at = TICK_NEVER;
	for (unsigned i = 0; i < q->n_dest; i++) {
		unwant(c, t, &q->dest[i]);
		q->dest[i].since = c->now;
	}
}

/* From now on somebody is used, who is hung up when idle. */
static void
watch_use(struct core *c, struct core_plain *q)
{
	bool ours = q->peer && q->rank < q->n_dest;

	if (!q->conf->on_traffic || !ours)
		return;
	q->data_at = c->now;
	q->rest_at = q->conf->idle_s ? c->now : TICK_NEVER;
}

/* Without counters nobody can say that it is idle. */
static bool
is_idle(struct core *c, struct core_tunnel *t)
{
	struct core_plain *q = t->plain;
	struct dp_peer_stats st = { 0 };

	if (!c->env.peer_stats || !c->env.peer_stats(c->mem->ctx, (uint32_t)(t - c->tunnel) + 1, q->peer, &st) || st.rx_packets + st.tx_packets != q->data_seen)
		q->data_at = c->now;
	q->data_seen = st.rx_packets + st.tx_packets;
	return c->now >= q->data_at + TICK_S(q->conf->idle_s);
}

static void
look(struct core *c, struct core_tunnel *t)
{
	struct core_plain *q = t->plain;
	bool ours = q->peer && q->rank < q->n_dest;
	tick_t step = TICK_S(q->conf->idle_s) / 8;

	if (ours && !is_idle(c, t)) {
		q->rest_at = c->now + (step > TICK_S(1) ? step : TICK_S(1));
		return;
	}
	if (!ours && c->now < q->heard + PLAIN_PATIENCE) {
		q->rest_at = q->heard + PLAIN_PATIENCE;
		return;
	}
	log_at(c->log, LOG_LV_INFO, ours ? "peer-idle" : "no-traffic", "%s: %s; waiting for traffic", t->dp.name, ours ? "no packet went either way for a while" :
	    "nobody is up, and nothing is to be sent any more");
	rest(c, t);
	if (ours)
		drop(c, t, q->peer, "idle: no traffic");
}

static bool
is_for_an_sa(const struct core *c, const struct core_tunnel *t, struct span ip)
{
	const struct ike_profile *p = &c->conf->ike.profile[t->conf->profile];
	struct traffic of;

	if (!ip.n || !traffic_begin(&of, ip, ip.p[0] >> 4 == 6))
		return false;
	for (unsigned i = 0; i < 1 + p->n_more; i++) {
		const struct dp_selectors *s = i ? &p->more[i - 1] : &p->plain;

		if (traffic_from(&of, s->local, s->n_local) && traffic_to(&of, s->remote, s->n_remote))
			return true;
	}
	return false;
}

static void start_over(struct core *c, struct core_tunnel *t);

static void
packet_waits(struct core *c, struct core_tunnel *t, const struct nhrp_event *ev)
{
	struct core_plain *q = t->plain;
	char src[ADDR_STRLEN], dst[ADDR_STRLEN];

	if (!q->conf->on_traffic || q->peer || q->closed || !t->link_up || !q->n_dest || !is_for_an_sa(c, t, ev->packet))
		return;
	q->heard = c->now;
	if (q->awake || (q->began && c->now < q->began + PLAIN_AGAIN))
		return;
	log_at(c->log, LOG_LV_INFO, "traffic", "%s: %s sends to %s: a peer is dialled", t->dp.name, addr_fmt(&ev->src, src), addr_fmt(&ev->dst, dst));
	q->awake = true;
	q->began = c->now;
	q->rest_at = c->now + PLAIN_PATIENCE;
	start_over(c, t);
}

/* ---- who is used */

static void
widen(struct core *c, struct core_tunnel *t)
{
	struct core_plain *q = t->plain;

	if (q->reach < q->n_dest)
		want(c, t, &q->dest[q->reach++]);
	q->widen_at = q->reach < q->n_dest ? c->now + PLAIN_WIDEN : TICK_NEVER;
}

static void
start_over(struct core *c, struct core_tunnel *t)
{
	if (waits(t->plain))
		return;
	t->plain->reach = 0;
	t->plain->back_at = TICK_NEVER;
	widen(c, t);
}

/* The clock for going back runs from when this one came up. */
static void
set_rank(struct core *c, struct core_tunnel *t, unsigned rank)
{
	struct core_plain *q = t->plain;

	q->rank = rank;
	q->back_at = rank && rank < q->n_dest && q->conf->reactivate_s ? c->now + TICK_S(q->conf->reactivate_s) : TICK_NEVER;
	if (rank == q->n_dest)
		return;
	q->widen_at = TICK_NEVER;
	q->dest[rank].reason[0] = '\0';
	for (unsigned i = 0; i < q->n_dest; i++) {
		if (i != rank)
			unwant(c, t, &q->dest[i]);
	}
}

static void
use(struct core *c, struct core_tunnel *t, uint32_t peer, unsigned rank)
{
	struct core_plain *q = t->plain;
	uint32_t old = q->peer;

	set_rank(c, t, rank);
	q->peer = peer;
	watch_use(c, q);
	if (old == peer)
		return;
	q->since = c->now;
	set_neighbour(c, t);
	log_at(c->log, LOG_LV_NOTICE, "peer-used", "%s: traffic goes to %s%s%s", t->dp.name, core_peer(c, peer) ? core_peer(c, peer)->identity : "?",
	    rank < q->n_dest ? ", destination " : ", which called", rank < q->n_dest ? q->dest[rank].name : "");
	if (old)
		drop(c, t, old, "another destination has taken over");
}

static void
peer_up(struct core *c, struct core_tunnel *t, uint32_t peer)
{
	const struct core_peer *p = core_peer(c, peer);

	if (p && p->dials)	/* one we dialled: its want is up, which we hear next */
		return;
	if (!t->plain->peer)
		use(c, t, peer, t->plain->n_dest);
	else if (t->plain->peer != peer)
		drop(c, t, peer, "the interface has a peer already");
}

static void
peer_down(struct core *c, struct core_tunnel *t, uint32_t peer)
{
	struct core_plain *q = t->plain;

	if (q->peer != peer)
		return;
	q->peer = 0;
	q->rank = q->n_dest;
	q->since = c->now;
	set_neighbour(c, t);
	if (q->conf->on_traffic)
		rest(c, t);
	if (!q->closed)
		start_over(c, t);
}

static struct dest *
dest_of(struct core_plain *q, uint32_t want)
{
	for (unsigned i = 0; i < q->n_dest; i++) {
		if (q->dest[i].want == want && q->dest[i].wanted)
			return &q->dest[i];
	}
	return NULL;
}

static void
want_up(struct core *c, struct core_tunnel *t, const struct nhrp_event *ev)
{
	struct core_plain *q = t->plain;
	struct dest *d = dest_of(q, ev->want);
	unsigned i = d ? (unsigned)(d - q->dest) : 0;

	if (!d)
		return;
	if (!q->peer || i < q->rank || q->peer == ev->peer) {
		if (i != q->rank || q->peer != ev->peer)
			use(c, t, ev->peer, i);
		return;
	}
	if (i == q->rank)
		return;
	unwant(c, t, d);
	drop(c, t, ev->peer, "another destination was there first");
}

static void
want_failed(struct core *c, struct core_tunnel *t, const struct nhrp_event *ev)
{
	struct core_plain *q = t->plain;
	struct dest *d = dest_of(q, ev->want);

	if (!d)
		return;
	snprintf(d->reason, sizeof(d->reason), "%s", ev->reason ? ev->reason : "");
	if (!d->literal && c->now >= d->asked + PLAIN_NAME_AGE)
		ask_name(c, t, d);
	if (!q->peer && d == &q->dest[q->reach ? q->reach - 1 : 0])
		widen(c, t);
}

static void
name_known(struct core *c, struct core_tunnel *t, const struct nhrp_event *ev)
{
	struct core_plain *q = t->plain;
	struct dest *d = ev->nhs < q->n_dest ? &q->dest[ev->nhs] : NULL;
	unsigned n = ev->n_addrs < NHRP_WANT_ADDRS ? ev->n_addrs : NHRP_WANT_ADDRS;

	if (!d || d->literal || !d->wanted)
		return;
	if (n == 0) {
		d->again_at = c->now + PLAIN_AGAIN;
		snprintf(d->reason, sizeof(d->reason), "cannot resolve its name: %.96s", ev->reason ? ev->reason : "no address");
		if (!q->peer && !d->dialling && d == &q->dest[q->reach ? q->reach - 1 : 0])
			widen(c, t);
		return;
	}
	if (d->dialling && n == d->n_addrs && memcmp(d->addrs, ev->addrs, sizeof(d->addrs[0]) * n) == 0)
		return;
	memcpy(d->addrs, ev->addrs, sizeof(d->addrs[0]) * n);
	d->n_addrs = n;
	dial(c, t, d);	/* the same want again: with other addresses */
}

static void
link_changed(struct core *c, struct core_tunnel *t, bool up)
{
	if (!up || t->plain->started)
		return;
	t->plain->started = true;
	start_over(c, t);
}

static void
probe(struct core *c, struct core_tunnel *t, uint32_t cookie)
{
	struct nhrp_act *a = act(c, t, NHRP_ACT_PROBED);

	if (!a)
		return;
	a->cookie = cookie;
	a->reason = "there is no NHRP on this interface";
}

void
core_plain_event(struct core *c, struct core_tunnel *t, const struct nhrp_event *ev)
{
	switch (ev->kind) {
	case NHRP_EV_PEER_UP:
		peer_up(c, t, ev->peer);
		break;
	case NHRP_EV_PEER_DOWN:
		peer_down(c, t, ev->peer);
		break;
	case NHRP_EV_WANT_UP:
		want_up(c, t, ev);
		break;
	case NHRP_EV_WANT_FAIL:
		want_failed(c, t, ev);
		break;
	case NHRP_EV_NHS_ADDRS:
		name_known(c, t, ev);
		break;
	case NHRP_EV_LINK:
		link_changed(c, t, ev->ok);
		break;
	case NHRP_EV_UNRESOLVED:
		packet_waits(c, t, ev);
		break;
	case NHRP_EV_PROBE:
		probe(c, t, ev->cookie);
		break;
	case NHRP_EV_RESULT:
		if (ev->cookie == NEIGH_COOKIE && !ev->ok && t->plain->peer)
			t->plain->neigh_at = c->now + PLAIN_AGAIN;
		break;
	case NHRP_EV_SHUTDOWN:
		t->plain->closed = true;
		break;
	case NHRP_EV_PEER_MOVED:
	case NHRP_EV_SHAPED:
	case NHRP_EV_PEER_MAY:
	case NHRP_EV_PEER_AGAIN:
	case NHRP_EV_DOUBT:
	case NHRP_EV_REDIRECT:
	case NHRP_EV_ROUTE:
	case NHRP_EV_ROUTE_GONE:
	case NHRP_EV_ROUTES_READY:
	case NHRP_EV_NBMA:
	case NHRP_EV_CLEAR:
		break;
	}
}

/* ---- time */

void
core_plain_tick(struct core *c, struct core_tunnel *t)
{
	struct core_plain *q = t->plain;

	if (q->closed)
		return;
	if (c->now >= q->neigh_at)
		set_neighbour(c, t);
	if (c->now >= q->rest_at)
		look(c, t);
	if (c->now >= q->widen_at)
		widen(c, t);
	if (c->now >= q->back_at) {
		q->back_at = TICK_NEVER;
		for (unsigned i = 0; i < q->rank && i < q->n_dest; i++)
			want(c, t, &q->dest[i]);
	}
	for (unsigned i = 0; i < q->n_dest; i++) {
		if (c->now >= q->dest[i].again_at)
			ask_name(c, t, &q->dest[i]);
	}
}

tick_t
core_plain_deadline(const struct core_tunnel *t)
{
	const struct core_plain *q = t->plain;
	tick_t at = tick_min(tick_min(q->neigh_at, q->rest_at), tick_min(q->widen_at, q->back_at));

	for (unsigned i = 0; i < q->n_dest; i++)
		at = tick_min(at, q->dest[i].again_at);
	return q->closed ? TICK_NEVER : at;
}

/* ---- another configuration */

static unsigned
place_of(const struct core_plain_conf *conf, const char *name)
{
	unsigned i = 0;

	while (i < conf->n_dest && strcmp(conf->dest[i], name) != 0)
		i++;
	return i;
}

/* What is up stays; whether it is needed shows with time. */
static void
other_way_to_begin(struct core *c, struct core_tunnel *t)
{
	struct core_plain *q = t->plain;

	q->rest_at = TICK_NEVER;
	if (!q->conf->on_traffic) {
		q->awake = false;
		if (!q->peer && q->started)
			start_over(c, t);
	} else if (q->peer && q->rank < q->n_dest) {
		q->awake = true;
		watch_use(c, q);
	} else {
		rest(c, t);
	}
}

static void	other_dests(struct core *c, struct core_tunnel *t, const struct core_plain *was);

/* A destination that stays keeps all it has, wherever it stands now. */
void
core_plain_reconf(struct core *c, struct core_tunnel *t, const struct core_plain_conf *conf)
{
	struct core_plain *q = t->plain, was = *q;
	bool same = was.n_dest == conf->n_dest;

	q->conf = conf;
	for (unsigned i = 0; i < was.n_dest; i++) {
		same = same && place_of(conf, was.dest[i].name) == i;
		if (place_of(conf, was.dest[i].name) == conf->n_dest)
			unwant(c, t, &q->dest[i]);
	}
	if (!same)
		other_dests(c, t, &was);
	else if (q->peer && was.conf->reactivate_s != conf->reactivate_s)
		set_rank(c, t, q->rank);
	if (was.conf->on_traffic != conf->on_traffic || was.conf->idle_s != conf->idle_s)
		other_way_to_begin(c, t);
}

static void
other_dests(struct core *c, struct core_tunnel *t, const struct core_plain *was)
{
	struct core_plain *q = t->plain;
	const struct core_plain_conf *conf = q->conf;

	for (unsigned i = 0; i < conf->n_dest; i++)
		set_dest(q, &q->dest[i], conf->dest[i]);
	q->n_dest = q->rank = conf->n_dest;
	for (unsigned i = 0; i < was->n_dest; i++) {
		unsigned at = place_of(conf, was->dest[i].name);

		if (at == conf->n_dest)
			continue;
		q->dest[at] = was->dest[i];
		if (i == was->rank)
			q->rank = at;
	}
	if (!q->peer)
		start_over(c, t);
	else if (was->rank < was->n_dest && q->rank == q->n_dest)
		drop(c, t, q->peer, "its destination is not configured any more");
	else
		set_rank(c, t, q->rank);
}

/* ---- show */

bool
core_plain_waits(const struct core_tunnel *t)
{
	return t->link_up && waits(t->plain);
}

bool
core_plain_uses(const struct core_tunnel *t, uint32_t peer, tick_t *since)
{
	*since = t->plain->since;
	return t->plain->peer == peer;
}

/* Destinations that are not up; of those behind the one in use nobody wants anything. */
bool
core_plain_absent(const struct core_tunnel *t, uint32_t tunnel, core_peer_fn *fn, void *ctx)
{
	const struct core_plain *q = t->plain;
	unsigned n = q->peer && q->rank < q->n_dest ? q->rank : q->n_dest;
	char waiting[sizeof(q->dest[0].reason) + 48];

	for (unsigned i = 0; i < n; i++) {
		const struct dest *d = &q->dest[i];
		struct core_peer_info p = { .tunnel = tunnel, .nbma = d->n_addrs ? d->addrs[0] : (struct addr){ 0 }, .step = CORE_STEP_IKE, .since = d->since,
			.nhs = true, .incomplete = true, .identity = "", .reason = d->reason };

		p.remote.addr = p.nbma_claimed = p.nbma;
		for (const struct core_dial *l = t->dials; l && d->dialling; l = l->next) {
			if (l->n_addrs == d->n_addrs && addr_eq(&l->addrs[0], &d->addrs[0]) && l->at_ipsec)
				p.step = CORE_STEP_IPSEC;
		}
		if (q->conf->on_traffic && !q->awake) {
			snprintf(waiting, sizeof(waiting), "waits for traffic%s%s", *d->reason ? "; the last time: " : "", d->reason);
			p.reason = waiting;
		} else if (!*p.reason)
			p.reason = d->dialling ? "dialing, no answer yet" : d->wanted ? "resolving its name" :
			    q->peer ? "it is tried again after a while" : "those before it are tried first";
		if (!t->link_up) {
			p.step = CORE_STEP_INTF;
			p.reason = t->reason;
		}
		p.link_since = t->link_since;
		if (!fn(ctx, &p))
			return false;
	}
	return true;
}
