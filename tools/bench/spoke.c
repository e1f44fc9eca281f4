/* tools/bench/spoke.c: one spoke: its core, and the carrying out of what it decides. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "tools/bench/swarm.h"

enum { BIG = 64 << 10, CHUNK = 64 << 20 };

/* ---- memory. A core's queues are large and mostly untouched: from pages that come into being when they are written to. They go
 * with the process. */

static void *
big_alloc(size_t n)
{
	static uint8_t *chunk;
	static size_t left;

	n = (n + 4095) & ~(size_t)4095;
	if (n > left) {
		size_t want = n > CHUNK ? n : CHUNK;
		void *p = mmap(NULL, want, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (p == MAP_FAILED)
			return NULL;
		chunk = p;
		left = want;
	}
	chunk += n;
	left -= n;
	return chunk - n;
}

struct head {	/* before each piece: how it is given back */
	size_t big;
	size_t pad;
};

static void *
mem_alloc(void *ctx, size_t n)
{
	struct head *h = n >= BIG ? big_alloc(n + sizeof(*h)) : calloc(1, n + sizeof(*h));

	(void)ctx;
	if (!h)
		return NULL;
	h->big = n >= BIG;
	return h + 1;
}

static void
mem_release(void *ctx, void *p)
{
	struct head *h = p;

	(void)ctx;
	if (h && !h[-1].big)
		free(h - 1);
}

static void
mem_random(void *ctx, void *out, size_t n)
{
	struct spoke *s = ctx;

	s->w->loop.env.random(NULL, out, n);
}

/* ---- what its core asks */

static uint32_t
spi_alloc(void *ctx)
{
	struct spoke *s = ctx;

	return xfrm_user_spi_alloc(s->w->xfrm);
}

static bool
sa_stats(void *ctx, uint32_t spi_in, struct dp_sa_stats *out)
{
	struct spoke *s = ctx;

	return xfrm_user_sa_stats(s->w->xfrm, spi_in, out);
}

static int64_t
wall(void *ctx)
{
	(void)ctx;
	return (int64_t)time(NULL);
}

static void
write_log(void *ctx, enum log_level lv, const char *word, const char *text)
{
	struct spoke *s = ctx;

	log_at(&s->w->log, lv, word, "%s %s", s->name, text);
}

/* ---- carrying out. The planes know a spoke as a tunnel: its index, from 1. */

static void
dirty(struct spoke *s)
{
	struct swarm *w = s->w;

	if (s->dirty)
		return;
	s->dirty = s;
	if (w->dirty_last)
		w->dirty_last->dirty = s;
	else
		w->dirty_first = s;
	w->dirty_last = s;
}

static void
result(struct spoke *s, const struct core_act *a, int e)
{
	core_result(s->core, loop_now(&s->w->loop), a, e == 0, e == 0 ? "" : strerror(-e));
}

static int
add_sa(struct spoke *s, const struct dp_sa *from)
{
	struct dp_sa sa = *from;
	int e;

	sa.tunnel = s->index + 1;
	e = xfrm_user_sa_add(s->w->xfrm, &sa);
	explicit_bzero(&sa.keys, sizeof(sa.keys));
	if (e == 0 && !s->up)
		s->secured_at = loop_now(&s->w->loop);
	return e;
}

static void
send_nhrp(struct spoke *s, uint32_t peer, struct span packet)
{
	struct swarm *w = s->w;
	size_t head = gre_size(&w->gre);
	struct dpsec_pkt pkt;

	if (packet.n > 2 && packet.n <= sizeof(s->reg) && packet.n > 17 && packet.p[17] == 3) {	/* a registration request */
		memcpy(s->reg, packet.p, packet.n);
		s->reg_len = packet.n;
		s->reg_peer = peer;
	}
	w->out.slot(w->out.ctx, &pkt);
	if (packet.n + head > pkt.room) {
		w->dropped++;
		return;
	}
	gre_put(&w->gre, GRE_NHRP, pkt.p);
	memcpy(pkt.p + head, packet.p, packet.n);
	pkt.n = head + packet.n;
	pkt.tos = 0xc0;
	w->nhrp_tx++;
	if (!w->out.seal(w->out.ctx, s->index + 1, peer, &pkt))
		w->dropped++;
}

static void
send_ike(struct spoke *s, const struct core_act *a)
{
	static const uint8_t keepalive = 0xff;
	struct swarm *w = s->w;

	if (a->kind == CORE_ACT_KEEPALIVE) {
		xfrm_user_send_udp(w->xfrm, &a->local, &a->remote, span_of(&keepalive, 1), false);
		return;
	}
	w->ike_tx++;
	if (!w->init_len && a->packet.n > 18 && a->packet.p[18] == 34 && a->packet.n <= sizeof(w->init)) {
		memcpy(w->init, a->packet.p, a->packet.n);
		w->init_len = a->packet.n;
		w->init_to = a->remote;
	}
	if (a->local.port == 500)
		ikesock_send(w->ike, &a->local, &a->remote, a->packet, false);
	else
		xfrm_user_send_udp(w->xfrm, &a->local, &a->remote, a->packet, true);
}

static void
lookup(struct spoke *s, const struct core_act *a)
{
	struct addr addr;
	bool ok = addr_parse(a->name, &addr);

	core_names(s->core, loop_now(&s->w->loop), a->tunnel, a->nhs, &addr, ok, ok ? "" : "the template's NHS must be given by address");
}

static void
act(struct spoke *s, const struct core_act *a)
{
	struct xfrm_user *x = s->w->xfrm;
	uint32_t tunnel, peer;

	switch (a->kind) {
	case CORE_ACT_TUNNEL_SET:
	case CORE_ACT_NEIGH_SET:
	case CORE_ACT_ROUTE_SET:
		result(s, a, 0);
		return;
	case CORE_ACT_SA_ADD:
		result(s, a, add_sa(s, a->sa));
		return;
	case CORE_ACT_SA_ACTIVATE:
		xfrm_user_sa_update(x, a->spi_in, DP_SA_ACTIVATE, NULL, NULL, false);
		return;
	case CORE_ACT_SA_MOVE:
		xfrm_user_sa_update(x, a->spi_in, DP_SA_MOVE, &a->local, &a->remote, a->encap);
		return;
	case CORE_ACT_SA_DEL:
		xfrm_user_sa_del(x, a->spi_in, &tunnel, &peer);
		return;
	case CORE_ACT_NHRP_SEND:
		send_nhrp(s, a->peer, a->packet);
		return;
	case CORE_ACT_IKE_SEND:
	case CORE_ACT_KEEPALIVE:
		send_ike(s, a);
		return;
	case CORE_ACT_JOB:
		ike_job_run(a->job);
		core_job_done(s->core, loop_now(&s->w->loop), a->job);
		return;
	case CORE_ACT_REVOCATION:
		ike_job_answer(a->job, IKE_STATUS_UNKNOWN, "the swarm does not look");
		core_job_done(s->core, loop_now(&s->w->loop), a->job);
		return;
	case CORE_ACT_LOOKUP:
		lookup(s, a);
		return;
	case CORE_ACT_OPER_SET:
	case CORE_ACT_TRACK:
	case CORE_ACT_TUNNEL_DEL:
	case CORE_ACT_SHAPE:
	case CORE_ACT_PATH_RESULT:
	case CORE_ACT_NEIGH_DEL:
	case CORE_ACT_ROUTE_DEL:
		return;
	}
}

static bool
nhs_up(void *ctx, const struct nhrp_nhs_info *i)
{
	*(bool *)ctx = i->up;
	return !i->up;
}

static void
note_state(struct spoke *s)
{
	struct swarm *w = s->w;
	tick_t now = loop_now(&w->loop);
	bool up = false;

	nhrp_visit_nhs(core_nhrp(s->core, 1), nhs_up, &up);
	if (up == s->up)
		return;
	s->up = up;
	if (up) {
		if (s->ups++)
			s->recovery = now - s->down_at;
		else
			s->setup = now - s->started_at;
		s->up_at = now;
		w->n_up++;
		if (w->n_up > w->most_up)
			w->most_up = w->n_up;
		if (w->n_up == w->o.n)
			w->all_up_at = now;
	} else {
		s->down_at = now;
		s->downs++;
		w->n_up--;
	}
	report_event(s, up ? "registered" : "lost");
	if (w->o.until_up && w->n_up == w->o.n)
		ev_break(w->loop.ev, EVBREAK_ALL);
}

static void
carry(struct spoke *s)
{
	const struct core_act *a;

	while ((a = core_next(s->core, loop_now(&s->w->loop))))
		act(s, a);
	note_state(s);
	timer_arm(&s->w->timers, &s->timer, core_deadline(s->core));
}

/* What one causes may concern others of the list, and itself again. */
void
spoke_run(struct swarm *w)
{
	tick_t at, now;

	while (w->dirty_first) {
		struct spoke *s = w->dirty_first;

		w->dirty_first = s->dirty == s ? NULL : s->dirty;
		if (!w->dirty_first)
			w->dirty_last = NULL;
		s->dirty = NULL;
		carry(s);
	}
	w->out.flush(w->out.ctx);
	at = timers_next(&w->timers);
	now = loop_now(&w->loop);
	ev_timer_stop(w->loop.ev, &w->tick);
	if (at == TICK_NEVER)
		return;
	ev_now_update(w->loop.ev);
	ev_timer_set(&w->tick, at <= now ? 0. : (double)(at - now) / 1e6, 0.);
	ev_timer_start(w->loop.ev, &w->tick);
}

void
spoke_tick(struct swarm *w)
{
	tick_t now = loop_now(&w->loop);
	struct timer *t;

	while ((t = timers_due(&w->timers, now))) {
		struct spoke *s = container_of(t, struct spoke, timer);

		core_tick(s->core, now);
		dirty(s);
	}
}

/* ---- what comes in */

static unsigned
distance(const struct addr *from, const struct addr *to)
{
	uint32_t d = get_be32(to->b + to->n - 4) - get_be32(from->b + from->n - 4);

	return from->n == to->n && memcmp(from->b, to->b, from->n - 4u) == 0 ? d : UINT32_MAX;
}

static struct spoke *
spoke_at(const struct swarm *w, const struct addr *outer)
{
	unsigned i = outer->n ? distance(&w->o.outer, outer) : UINT32_MAX;

	return i < w->n_started ? w->spoke[i] : NULL;
}

static void
on_ike(void *ctx, const struct endpoint *local, const struct endpoint *remote, struct span message)
{
	struct swarm *w = ctx;
	struct spoke *s = spoke_at(w, &local->addr);
	struct ike_rx rx = { *local, *remote, false, message };

	if (!s)
		return;
	w->ike_rx++;
	core_rx_ike(s->core, loop_now(&w->loop), &rx);
	dirty(s);
}

static void
on_plane(void *ctx, const struct dp_event *ev)
{
	struct swarm *w = ctx;
	struct dp_event e = *ev;
	struct spoke *s = ev->tunnel ? (ev->tunnel <= w->n_started ? w->spoke[ev->tunnel - 1] : NULL) : spoke_at(w, &ev->local.addr);

	if (!s)
		return;
	w->ike_rx += ev->kind == DP_EV_IKE;
	e.tunnel = ev->tunnel ? 1 : 0;
	core_dp_event(s->core, loop_now(&w->loop), &e);
	dirty(s);
}

static void
on_gre(void *ctx, const struct dpsec_from *from, struct dpsec_pkt *pkt)
{
	struct swarm *w = ctx;
	struct dp_event e = { .kind = DP_EV_NHRP, .tunnel = 1, .peer = from->peer, .local = from->local, .remote = from->remote };
	struct spoke *s = from->tunnel <= w->n_started ? w->spoke[from->tunnel - 1] : NULL;
	uint16_t proto;

	if (!s || gre_parse(&w->gre, span_of(pkt->p, pkt->n), &proto) != MGRE_OK || proto != GRE_NHRP) {
		w->dropped++;
		return;
	}
	w->nhrp_rx++;
	e.packet = span_of(pkt->p + gre_size(&w->gre), pkt->n - gre_size(&w->gre));
	core_dp_event(s->core, loop_now(&w->loop), &e);
	dirty(s);
}

/* Nothing is kept of a packet. */
static void
on_burst_end(void *ctx)
{
	(void)ctx;
}

bool
spoke_planes(struct swarm *w, char *err, size_t n)
{
	struct dpsec_in in = { w, on_gre, on_burst_end };

	w->ike = ikesock_new(&w->loop.host, IKESOCK_500, on_ike, w, err, n);
	w->xfrm = w->ike ? xfrm_user_new(&w->loop.host, on_plane, w, &in, err, n) : NULL;
	if (!w->xfrm)
		return false;
	w->out = xfrm_user_seam(w->xfrm);
	return true;
}

/* ---- life */

static struct addr
counted_up(const struct addr *first, unsigned i)
{
	struct addr a = *first;

	put_be32(a.b + a.n - 4, get_be32(a.b + a.n - 4) + i);
	return a;
}

/* Its own words in place of the template's. Proposals, keys and lifetimes are shared. */
static void
configure(struct spoke *s)
{
	const struct core_conf *c = &s->w->conf->core;
	char domain[IKE_ID_MAX + 1] = "";
	struct ike_id *id = &s->profile.local_id;

	s->tunnel = c->tunnel[0];
	s->profile = c->ike.profile[s->tunnel.profile];
	s->tunnel.profile = 0;
	s->tunnel.source_if = NULL;
	s->tunnel.dp.source = s->outer;
	s->tunnel.dp.addr[0].addr = s->overlay;
	s->tunnel.nhrp.own[0].addr = s->overlay;
	s->tunnel.nhrp.keep = false;
	memcpy(domain, id->data, id->len);
	id->len = (uint8_t)snprintf((char *)id->data, sizeof(id->data), "%s.%.200s", s->name, domain);
	s->conf = (struct core_conf){ .ike = c->ike, .tunnel = &s->tunnel, .n_tunnel = 1, .peers_max = 64 };
	s->conf.ike.profile = &s->profile;
	s->conf.ike.n_profile = 1;
}

struct spoke *
spoke_new(struct swarm *w, unsigned index)
{
	struct spoke *s = calloc(1, sizeof(*s));
	struct core_env env;

	if (!s)
		return NULL;
	s->w = w;
	s->index = index;
	snprintf(s->name, sizeof(s->name), "s%u", index);
	s->outer = counted_up(&w->o.outer, index);
	s->overlay = counted_up(&w->o.overlay, index);
	s->log = (struct log){ write_log, s, w->o.level };
	configure(s);
	env = (struct core_env){ .ike.env = { s, mem_alloc, mem_release, mem_random, &s->log }, .ike.spi_alloc = spi_alloc, .ike.wall = wall,
		.sa_stats = sa_stats };
	s->core = core_new(&s->conf, &env);
	if (!s->core) {
		free(s);
		return NULL;
	}
	s->started_at = loop_now(&w->loop);
	core_ifindex(s->core, 1, 1);
	core_source(s->core, s->started_at, 1, &s->outer);
	core_tick(s->core, s->started_at);
	dirty(s);
	return s;
}

void
spoke_shutdown(struct spoke *s)
{
	core_shutdown(s->core, loop_now(&s->w->loop));
	dirty(s);
}

void
spoke_free(struct spoke *s)
{
	timer_disarm(&s->w->timers, &s->timer);
	core_free(s->core);
	free(s);
}
