/* routing/routes.c: see routes.h.
 *
 * A destination of ours (struct ours) has the routes that were asked for, one an interface; zebra has one route a destination, so of
 * several (two clouds with one prefix) it gets the newest, and the next one when that goes. What is to be told to zebra is a mark on
 * the destination and its place in a list; messages are written when there is room. So the queue is bounded by what there is to tell. */
#include "routing/routes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/trie.h"
#include "routing/kernel.h"

struct want {	/* one route that was asked for */
	struct want *next;
	struct rib_route route;
	bool in_kernel;
	bool pending;	/* the asker waits */
};

struct ours {
	struct prefix dst;
	struct want *want;	/* the newest first; NULL: it goes */
	struct ours *next, **at;	/* in the list of what is to be told; at NULL: not in it */
	enum routes_place zebra;	/* NOWHERE, ASKED, ZEBRA or REFUSED */
	bool told;	/* zebra may have it */
};

struct routes {
	struct rib rib;
	const struct host *host;
	rib_event_fn *fn;
	void *ctx;
	struct rib *kernel;
	struct zebra *zebra;	/* NULL: not looked for */
	struct zebra *left;	/* what it had told is being forgotten; NULL */
	struct zebra_conf conf;
	struct trie ours;
	struct ours *first, **last;	/* to be told */
	uint64_t moved;
	bool started;
	routes_dial_fn *dial;	/* NULL: nobody */
	void *dial_ctx;
	routes_session_fn *session;	/* NULL: nobody */
	void *session_ctx;
};

const char *
routes_place_name(enum routes_place p)
{
	static const char *const name[] = { [ROUTES_NOWHERE] = "nowhere", [ROUTES_KERNEL] = "kernel", [ROUTES_ASKED] = "zebra, not answered yet", [ROUTES_ZEBRA] = "zebra",
		[ROUTES_REFUSED] = "refused by zebra" };

	return name[p];
}

static bool
by_zebra(const struct routes *r)
{
	return r->zebra && zebra_up(r->zebra);
}

/* ---- the list of what is to be told */

static void
unmark(struct routes *r, struct ours *o)
{
	if (!o->at)
		return;
	*o->at = o->next;
	if (o->next)
		o->next->at = o->at;
	else
		r->last = o->at;
	o->at = NULL;
}

static void
mark(struct routes *r, struct ours *o)
{
	if (o->at || !by_zebra(r))
		return;
	o->next = NULL;
	o->at = r->last;
	*r->last = o;
	r->last = &o->next;
}

/* ---- destinations */

static struct ours *
ours_get(struct routes *r, const struct prefix *dst)
{
	struct ours *o = trie_get(&r->ours, dst);

	if (o)
		return o;
	o = r->ours.n < ROUTES_OURS_MAX ? env_alloc(r->host->env, sizeof(*o)) : NULL;
	if (o && trie_set(&r->ours, dst, o)) {
		o->dst = *dst;
		return o;
	}
	env_free(r->host->env, o);
	return NULL;
}

static void
ours_free(struct routes *r, struct ours *o)
{
	unmark(r, o);
	trie_del(&r->ours, &o->dst);
	env_free(r->host->env, o);
}

static struct want **
want_at(struct ours *o, uint32_t ifindex)
{
	struct want **at = &o->want;

	while (*at && (*at)->route.ifindex != ifindex)
		at = &(*at)->next;
	return at;
}

/* Whoever asked may set and delete routes before this returns. */
static void
tell_result(struct routes *r, const struct rib_route *route, int error, const char *reason)
{
	struct rib_event ev = { .kind = RIB_EV_RESULT, .route = *route, .error = error, .reason = reason };

	r->fn(r->ctx, &ev);
}

/* All who wait for this destination, one by one: it may be gone after each. */
static void
answer(struct routes *r, const struct prefix *p, int error, const char *reason)
{
	struct prefix dst = *p;
	struct rib_route route;
	struct ours *o;
	struct want *w;

	while ((o = trie_get(&r->ours, &dst))) {
		for (w = o->want; w && !w->pending; w = w->next)
			;
		if (!w)
			return;
		w->pending = false;
		route = w->route;
		tell_result(r, &route, error, reason);
	}
}

static int
into_kernel(struct routes *r, struct want *w)
{
	int e = r->kernel->ops->route_set(r->kernel, &w->route);

	w->in_kernel = e == 0;
	return e;
}

static void
out_of_kernel(struct routes *r, struct want *w)
{
	if (w->in_kernel)
		r->kernel->ops->route_del(r->kernel, &w->route);
	w->in_kernel = false;
}

/* ---- the contract */

static int
route_set(struct rib *rib, const struct rib_route *route)
{
	struct routes *r = (struct routes *)rib;
	struct ours *o;
	struct want **at, *w;

	if (route->fixed)
		return r->kernel->ops->route_set(r->kernel, route);
	if (!(o = ours_get(r, &route->dst)))
		return -ENOMEM;
	at = want_at(o, route->ifindex);
	w = *at;
	if (w) {
		*at = w->next;
	} else if (!(w = env_alloc(r->host->env, sizeof(*w)))) {
		if (!o->want && !o->told)
			ours_free(r, o);
		return -ENOMEM;
	}
	w->route = *route;
	w->next = o->want;
	o->want = w;
	w->pending = by_zebra(r);
	if (!w->pending)
		return into_kernel(r, w);
	if (w->in_kernel)
		into_kernel(r, w);	/* the old one may lead elsewhere; it goes when zebra has the new one */
	mark(r, o);
	zebra_kick(r->zebra);
	return -EINPROGRESS;
}

static int
route_del(struct rib *rib, const struct rib_route *route)
{
	struct routes *r = (struct routes *)rib;
	struct ours *o = route->fixed ? NULL : trie_get(&r->ours, &route->dst);
	struct want **at = o ? want_at(o, route->ifindex) : NULL, *w = at ? *at : NULL;

	if (!w)
		return route->fixed ? r->kernel->ops->route_del(r->kernel, route) : 0;
	out_of_kernel(r, w);
	*at = w->next;
	env_free(r->host->env, w);
	if (o->told && by_zebra(r)) {
		mark(r, o);
		zebra_kick(r->zebra);
	} else if (!o->want) {
		ours_free(r, o);
	}
	return 0;
}

static int
flush(struct rib *rib)
{
	struct routes *r = (struct routes *)rib;

	return r->kernel->ops->flush(r->kernel);
}

static int
sweep(struct rib *rib, bool (*stays)(void *ctx, const struct prefix *), void *ctx)
{
	struct routes *r = (struct routes *)rib;

	return r->kernel->ops->sweep(r->kernel, stays, ctx);
}

/* ---- all of ours, at a change */

static void
walk(const struct routes *r, trie_fn *fn, void *ctx)
{
	static const struct prefix all[2] = { { .addr = { .n = 4 } }, { .addr = { .n = 16 } } };

	for (unsigned i = 0; i < 2; i++)
		trie_within(&r->ours, &all[i], fn, ctx);
}

static void
mark_each(void *ctx, const struct prefix *p, void *val)
{
	struct routes *r = ctx;
	struct ours *o = val;

	(void)p;
	o->zebra = ROUTES_NOWHERE;
	o->told = false;
	mark(r, o);
}

/* zebra has gone. What it installed may stand in the kernel or not: ours goes there now, then what is left of zebra's. */
static void
move_to_kernel(struct routes *r, struct ours *o)
{
	bool told = o->told;

	unmark(r, o);
	o->zebra = ROUTES_NOWHERE;
	o->told = false;
	for (struct want *w = o->want; w; w = w->next) {
		if (!w->in_kernel)
			into_kernel(r, w);
	}
	if (told)
		rib_kernel_forget(r->kernel, &o->dst);
}

struct leave {
	struct routes *r;
	struct ours *gone;	/* linked by `next` */
};

static void
leave_each(void *ctx, const struct prefix *p, void *val)
{
	struct leave *l = ctx;
	struct ours *o = val;

	(void)p;
	move_to_kernel(l->r, o);
	if (o->want)
		return;
	o->next = l->gone;
	l->gone = o;
}

enum { WAITERS = 64 };
struct waiters {
	struct want *w[WAITERS];
	unsigned n;
};

static void
waiting_each(void *ctx, const struct prefix *p, void *val)
{
	struct waiters *x = ctx;

	(void)p;
	for (struct want *w = ((struct ours *)val)->want; w; w = w->next) {
		if (w->pending && x->n < WAITERS)
			x->w[x->n++] = w;
	}
}

/* In rounds, and by copies: who is told may change everything. */
static void
answer_waiting(struct routes *r)
{
	struct rib_route route[WAITERS];
	bool ok[WAITERS];
	struct waiters x;

	do {
		x.n = 0;
		walk(r, waiting_each, &x);
		for (unsigned i = 0; i < x.n; i++) {
			x.w[i]->pending = false;
			route[i] = x.w[i]->route;
			ok[i] = x.w[i]->in_kernel;
		}
		for (unsigned i = 0; i < x.n; i++)
			tell_result(r, &route[i], ok[i] ? 0 : -EIO, ok[i] ? NULL : "the kernel refused the route");
	} while (x.n == WAITERS);
}

static void
all_to_kernel(struct routes *r)
{
	struct leave l = { r, NULL };
	struct ours *o;

	walk(r, leave_each, &l);
	while ((o = l.gone)) {
		l.gone = o->next;
		ours_free(r, o);
	}
	r->moved += r->ours.n != 0;
	answer_waiting(r);
}

/* ---- zebra's side */

static void
tell_session(const struct routes *r, bool up)
{
	struct zebra_info i = { .path = "" };

	if (r->zebra)
		zebra_info(r->zebra, &i);
	if (r->session)
		r->session(r->session_ctx, up ? zebra_release(r->zebra) : NULL, i.path);
}

static void
on_session(void *ctx, bool up)
{
	struct routes *r = ctx;

	tell_session(r, up);
	if (!up) {
		all_to_kernel(r);
		return;
	}
	walk(r, mark_each, r);
	r->moved += r->ours.n != 0;
	zebra_kick(r->zebra);
}

static void
put(const struct routes *r, const struct zapi_version *v, const struct want *w, struct wr *out)
{
	const struct rib_route *a = &w->route;
	uint32_t device = zebra_mtu(r->zebra, a->ifindex, a->dst.addr.n);
	struct zapi_route z = { .flags = ZAPI_RF_RECURSION | ZAPI_RF_FIB_OVERRIDE, .dst = a->dst, .n_nexthop = 1, .has_distance = true,
		.distance = r->conf.distance ? r->conf.distance : ZEBRA_DISTANCE, .has_metric = true, .metric = r->conf.metric };

	z.nexthop = (struct zapi_nexthop){ .type = !a->via.n ? ZAPI_NH_IFINDEX : a->via.n == 4 ? ZAPI_NH_IPV4_IFINDEX : ZAPI_NH_IPV6_IFINDEX, .via = a->via, .ifindex = a->ifindex,
		.onlink = a->via.n != 0 };
	/* Said with each route: one without it would get that of another with the same next hop, because the kernel shares them */
	z.mtu = a->mtu && (!device || a->mtu < device) ? a->mtu : device;
	z.has_mtu = z.mtu != 0;
	zapi_put_route(out, v, &z);
}

static bool
fill(void *ctx, const struct zapi_version *v, struct wr *w)
{
	struct routes *r = ctx;
	struct ours *o;

	while ((o = r->first)) {
		struct wr before = *w;

		if (o->want)
			put(r, v, o->want, w);
		else
			zapi_put_route_del(w, v, &o->dst);
		if (w->bad) {
			*w = before;
			return true;
		}
		unmark(r, o);
		o->told = true;
		o->zebra = ROUTES_ASKED;
	}
	return false;
}

/* It stands: whoever asked is told, and what the kernel had from us leaves. */
static void
installed(struct routes *r, struct ours *o)
{
	o->zebra = ROUTES_ZEBRA;
	for (struct want *w = o->want; w; w = w->next)
		out_of_kernel(r, w);
	answer(r, &o->dst, 0, NULL);
}

static void
refused(struct routes *r, struct ours *o, const struct zapi_note *n, const char *reason)
{
	struct rib_event ev = { .kind = RIB_EV_FAILED, .route = o->want->route, .reason = reason };
	bool had = o->zebra == ROUTES_ZEBRA;

	o->zebra = ROUTES_REFUSED;
	if (had)
		r->fn(r->ctx, &ev);
	answer(r, &n->dst, -EHOSTUNREACH, reason);
}

static void
on_note(void *ctx, const struct zapi_note *n)
{
	struct routes *r = ctx;
	struct ours *o = trie_get(&r->ours, &n->dst);

	if (!o || o->at)
		return;	/* gone, or it changed since: another note comes */
	switch (n->kind) {
	case ZAPI_NOTE_INSTALLED:
		if (o->want)
			installed(r, o);
		break;
	case ZAPI_NOTE_FAILED:
		if (o->want)
			refused(r, o, n, "zebra could not install the route");
		break;
	case ZAPI_NOTE_BETTER:
		if (o->want)
			refused(r, o, n, "zebra has a better route to the same prefix");
		break;
	case ZAPI_NOTE_REMOVED:
	case ZAPI_NOTE_REMOVE_FAILED:
		if (!o->want)
			ours_free(r, o);
		break;
	case ZAPI_NOTES:
		break;
	}
}

struct again {
	struct routes *r;
	uint32_t ifindex;
};

static void
again_each(void *ctx, const struct prefix *p, void *val)
{
	struct again *a = ctx;
	struct ours *o = val;

	(void)p;
	if (o->want && o->want->route.ifindex == a->ifindex)
		mark(a->r, o);
}

static void
on_link(void *ctx, uint32_t ifindex)
{
	struct again a = { ctx, ifindex };

	walk(a.r, again_each, &a);
	zebra_kick(a.r->zebra);
}

/* ---- everybody else's */

static void
on_learnt(void *ctx, const struct rib_event *ev)
{
	struct routes *r = ctx;
	struct rib_route other;

	if (!r->started || rib_kernel_told(r->kernel, &ev->route.dst))
		return;
	if (ev->kind == RIB_EV_GONE && r->zebra && zebra_learnt(r->zebra, &ev->route.dst, &other))
		return;	/* a session that was left had it, but the present one has it, too */
	r->fn(r->ctx, ev);
}

static void
on_kernel(void *ctx, const struct rib_event *ev)
{
	struct routes *r = ctx;
	struct rib_event other = { .kind = RIB_EV_ROUTE };

	if (ev->kind == RIB_EV_GONE && r->zebra && zebra_learnt(r->zebra, &ev->route.dst, &other.route))
		r->fn(r->ctx, &other);
	else
		r->fn(r->ctx, ev);
}

static void
tell_learnt(void *ctx, const struct rib_route *route)
{
	struct rib_event ev = { .kind = RIB_EV_ROUTE, .route = *route };

	on_learnt(ctx, &ev);
}

void
routes_start(struct rib *rib)
{
	struct routes *r = (struct routes *)rib;

	r->started = true;
	rib_kernel_start(r->kernel);
}

void
routes_again(struct rib *rib)
{
	struct routes *r = (struct routes *)rib;

	if (r->zebra)
		zebra_each(r->zebra, tell_learnt, r);
	rib_kernel_again(r->kernel);
}

/* ---- begin, change, end */

static bool
same_conf(const struct zebra_conf *a, const struct zebra_conf *b)
{
	return a->off == b->off && strcmp(a->path, b->path) == 0 && a->version == b->version && a->distance == b->distance && a->metric == b->metric;
}

static void
gone_each(void *ctx, const struct rib_route *route)
{
	const struct rib_event ev = { .kind = RIB_EV_GONE, .route.dst = route->dst };

	on_learnt(ctx, &ev);
}

static void
on_left(void *ctx, struct zebra *z)
{
	struct routes *r = ctx;

	r->left = NULL;
	zebra_free(z);
}

static void
on_dial(void *ctx, const char *path, void (*done)(void *arg, int fd), void *arg)
{
	struct routes *r = ctx;

	if (r->dial)
		r->dial(r->dial_ctx, path, done, arg);
	else if (path)
		done(arg, -EACCES);
}

void
routes_dial(struct rib *rib, routes_dial_fn *fn, void *ctx)
{
	struct routes *r = (struct routes *)rib;

	r->dial = fn;
	r->dial_ctx = ctx;
}

void
routes_on_session(struct rib *rib, routes_session_fn *fn, void *ctx)
{
	struct routes *r = (struct routes *)rib;

	r->session = fn;
	r->session_ctx = ctx;
}

bool
routes_zebra(struct rib *rib, const struct zebra_conf *conf)
{
	static const struct zebra_face face = { .session = on_session, .fill = fill, .note = on_note, .link = on_link, .learnt = on_learnt, .dial = on_dial, .left = on_left };
	struct routes *r = (struct routes *)rib;
	struct zebra *was = r->zebra;

	if (was && same_conf(conf, &r->conf))
		return true;
	r->zebra = NULL;
	if (was) {
		tell_session(r, false);
		all_to_kernel(r);	/* before zebra hears that we leave and takes them away */
		if (r->left)
			zebra_each(r->left, gone_each, r);
		zebra_free(r->left);
		r->left = was;
		zebra_leave(was);
	}
	r->conf = *conf;
	if (conf->off)
		return true;
	r->zebra = zebra_new(r->host, conf, &face, r);
	return r->zebra != NULL;
}

static void
free_ours(void *ctx, const struct prefix *p, void *val)
{
	struct routes *r = ctx;
	struct ours *o = val;
	struct want *w;

	(void)p;
	while ((w = o->want)) {
		o->want = w->next;
		env_free(r->host->env, w);
	}
	env_free(r->host->env, o);
}

static void
routes_free(struct rib *rib)
{
	struct routes *r = (struct routes *)rib;

	zebra_free(r->zebra);
	zebra_free(r->left);
	if (r->kernel)
		r->kernel->ops->free(r->kernel);
	walk(r, free_ours, r);
	trie_fini(&r->ours);
	env_free(r->host->env, r);
}

static const struct rib_ops routes_ops = { route_set, route_del, flush, sweep, routes_free };

struct rib *
routes_new(const struct host *host, rib_event_fn *fn, void *ctx, char *err, size_t errlen)
{
	struct routes *r = env_alloc(host->env, sizeof(*r));

	if (!r) {
		snprintf(err, errlen, "out of memory");
		return NULL;
	}
	r->rib.ops = &routes_ops;
	r->host = host;
	r->fn = fn;
	r->ctx = ctx;
	r->last = &r->first;
	trie_init(&r->ours, host->env);
	if (!(r->kernel = rib_kernel_new(host, on_kernel, r, err, errlen))) {
		routes_free(&r->rib);
		return NULL;
	}
	return &r->rib;
}

/* ---- what shows ask */

enum routes_place
routes_where(const struct rib *rib, const struct prefix *dst, uint32_t ifindex)
{
	const struct routes *r = (const struct routes *)rib;
	struct ours *o = trie_get(&r->ours, dst);
	const struct want *w = o ? *want_at(o, ifindex) : NULL;

	if (!w)
		return ROUTES_NOWHERE;
	return w->in_kernel ? ROUTES_KERNEL : w == o->want ? o->zebra : ROUTES_NOWHERE;
}

static void
count_each(void *ctx, const struct prefix *p, void *val)
{
	struct routes_info *i = ctx;
	const struct ours *o = val;

	(void)p;
	for (const struct want *w = o->want; w; w = w->next) {
		i->ours++;
		i->in_kernel += w->in_kernel;
	}
	i->in_zebra += o->zebra == ROUTES_ZEBRA;
	i->asked += o->zebra == ROUTES_ASKED;
	i->refused += o->zebra == ROUTES_REFUSED;
}

void
routes_info(const struct rib *rib, struct routes_info *out)
{
	const struct routes *r = (const struct routes *)rib;

	memset(out, 0, sizeof(*out));
	out->moved = r->moved;
	walk(r, count_each, out);
	out->on = r->zebra != NULL;
	if (r->zebra)
		zebra_info(r->zebra, &out->zebra);
}
