/* nhrpd/daemon/daemon.c: composes and runs. See daemon.h.
 *
 * Everything outside arrives through a callback on the loop (a datagram, a netlink message, a timer, a name) and is fed to
 * the core; after each callback the core's actions are carried out here, by verbs of the data plane and of the routing table,
 * and their results fed back. Nothing else decides anything. */
#include "nhrpd/daemon/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/logbook.h"
#include "nhrpd/daemon/bfd.h"
#include "nhrpd/daemon/certwatch.h"
#include "nhrpd/daemon/conf.h"
#include "nhrpd/daemon/control.h"
#include "nhrpd/daemon/dp_kernel.h"
#include "nhrpd/daemon/dp_user.h"
#include "nhrpd/daemon/ikesock.h"
#include "nhrpd/daemon/keep.h"
#include "nhrpd/daemon/later.h"
#include "nhrpd/daemon/logout.h"
#include "nhrpd/daemon/logring.h"
#include "nhrpd/daemon/loop.h"
#include "nhrpd/daemon/names.h"
#include "nhrpd/daemon/notify.h"
#include "nhrpd/daemon/pidfile.h"
#include "nhrpd/daemon/privilege.h"
#include "nhrpd/daemon/secret.h"
#include "nhrpd/daemon/revoke.h"
#include "nhrpd/daemon/source.h"
#include "nhrpd/daemon/mapguard.h"
#include "nhrpd/daemon/maproutes.h"
#include "nhrpd/daemon/statics.h"
#include "nhrpd/daemon/vrfs.h"
#include "nhrpd/daemon/workers.h"
#include "nhrpd/daemon/zdial.h"
#include "routing/lookup.h"
#include "routing/routes.h"

enum { STOP_GRACE_MS = 300 /* for deletes and purges to leave, and their answers to come */, PENDING_MAX = 1024 };

struct daemon {
	const struct daemon_options *o;
	struct log log;
	struct logring *ring;
	struct loop loop;
	struct conf *conf;
	struct core *core;
	struct dp *dp;
	struct later later;
	struct rib *rib;
	struct maproutes *maps;
	struct mapguard *map_guard;	/* NULL: the kernel plane, which has no crypto maps */
	bool addrs_changed;	/* of this host: they look for theirs again, once the routing table is not being read */
	struct bfd *bfd;
	struct zdial *zdial;	/* NULL: none is needed, or none can be */
	struct vrfs *vrfs;
	struct ikesock *ike;
	struct names *names;
	struct source *source;
	struct revoke *revoke;
	struct certwatch *certs;
	struct workers *workers;
	struct control *control;
	struct keep *keep;	/* NULL: registrations are not kept */
	FILE *keylog;
	ev_timer tick;
	ev_signal on_term, on_int, on_hup;
	ev_timer stop, watchdog;
	struct notify notify;
	int pid_fd;
	tick_t started;
	struct reload *reload;	/* one is running: what goes wrong is to be reported */
	bool starting, failed, carrying;
	bool kernel_plane;
	char plane_why[256];	/* `dataplane auto` and not the kernel's: what that lacks; "" */
	char why[256];	/* failed: the first thing that went wrong while starting */
	struct log_limit limit;
};

static tick_t
now_of(struct daemon *d)
{
	return loop_now(&d->loop);
}

/* ---- carrying out what the core decides */

static void
result(struct daemon *d, const struct core_act *a, int e, const char *why)
{
	core_result(d->core, now_of(d), a, e == 0, e == 0 ? "" : why ? why : strerror(-e));
}

/* The routes of an interface are its VRF's. */
static struct rib *
rib_of(const struct daemon *d, const char *vrf)
{
	return *vrf ? vrfs_rib(d->vrfs, vrf) : d->rib;
}

static struct rib *
rib_of_tunnel(const struct daemon *d, uint32_t tunnel)
{
	return tunnel && tunnel <= d->conf->core.n_tunnel ? rib_of(d, d->conf->core.tunnel[tunnel - 1].dp.vrf) : d->rib;
}

static struct rib *
rib_of_name(void *ctx, const char *name)
{
	struct daemon *d = ctx;

	for (uint32_t i = 0; i < d->conf->core.n_tunnel; i++) {
		if (strcmp(d->conf->core.tunnel[i].dp.name, name) == 0)
			return rib_of_tunnel(d, i + 1);
	}
	return d->rib;
}

static void
act_tunnel_set(struct daemon *d, const struct core_act *a)
{
	int e = d->dp->ops->tunnel_set(d->dp, a->dp_tunnel);
	struct dp_link_info info = { 0 };
	const char *why = d->dp->ops->error(d->dp);

	if (e == 0 && d->dp->ops->link_info(d->dp, a->tunnel, &info)) {
		core_ifindex(d->core, a->tunnel, info.ifindex);
		bfd_link(d->bfd, a->tunnel, info.ifindex);
		statics_set(rib_of(d, a->dp_tunnel->vrf), d->conf, a->dp_tunnel->name, info.ifindex, &d->log);
		maproutes_link(d->maps, a->dp_tunnel->name, info.ifindex, true);
	}
	if (e != 0 && d->starting) {
		d->failed = true;
		snprintf(d->why, sizeof(d->why), "interface %s: %s", a->dp_tunnel->name, why && *why ? why : strerror(-e));
	}
	if (e != 0 && d->reload)
		reload_add(d->reload, &d->log, RELOAD_ERROR, "interface %s: %s", a->dp_tunnel->name, why && *why ? why : strerror(-e));
	result(d, a, e, why && *why ? why : NULL);
}

/* Ours says nothing beyond the number; the kernel's names what was refused. */
static void
act_sa_add(struct daemon *d, const struct core_act *a)
{
	int e = d->dp->ops->sa_add(d->dp, a->sa);
	const char *why = e != 0 && d->kernel_plane ? d->dp->ops->error(d->dp) : NULL;

	if (e != -EINPROGRESS || !later_wait(&d->later, a))
		result(d, a, e, why && *why ? why : NULL);
}

/* The kernel's plane may have answered for several together. */
static void
settled(void *ctx, const struct core_act *a, int e, const char *why)
{
	struct daemon *d = ctx;

	if (e == 0 && a->kind == CORE_ACT_NEIGH_SET)
		bfd_neigh(d->bfd, &a->neigh);
	result(d, a, e, why);
}

static void
act_neigh_set(struct daemon *d, const struct core_act *a)
{
	int e = d->dp->ops->neigh_set(d->dp, &a->neigh);

	if (e != -EINPROGRESS || !later_wait(&d->later, a))
		settled(d, a, e, NULL);
}

static void
act_shape(struct daemon *d, const struct core_act *a)
{
	int e = d->dp->ops->shape ? d->dp->ops->shape(d->dp, a->tunnel, a->peer, a->rate) : -EOPNOTSUPP;
	const char *why = e != 0 && d->dp->ops->shape ? d->dp->ops->error(d->dp) : NULL;

	result(d, a, e, why && *why ? why : NULL);
}

/* zebra's answer comes later. */
static void
act_route_set(struct daemon *d, const struct core_act *a)
{
	struct rib *rib = rib_of_tunnel(d, a->tunnel);
	int e = rib ? rib->ops->route_set(rib, &a->route) : -ENODEV;

	if (e != -EINPROGRESS)
		result(d, a, e, NULL);
}

static void
act_oper_set(struct daemon *d, const struct core_act *a)
{
	int e = d->dp->ops->oper_set ? d->dp->ops->oper_set(d->dp, a->tunnel, a->up) : -EOPNOTSUPP;

	if (e < 0)
		log_at(&d->log, LOG_LV_WARN, "if-state-refused", "%s: the state of the interface cannot be set: %s", d->conf->core.tunnel[a->tunnel - 1].dp.name, strerror(-e));
}

static void
act_ike_send(struct daemon *d, const struct core_act *a)
{
	static const uint8_t keepalive = 0xff;
	char text[ENDPOINT_STRLEN];
	int e;

	if (a->kind != CORE_ACT_KEEPALIVE && a->local.port == 500)
		e = ikesock_send(d->ike, &a->local, &a->remote, a->packet, a->whole);
	else if (a->kind == CORE_ACT_KEEPALIVE)
		e = d->dp->ops->send_udp(d->dp, &a->local, &a->remote, span_of(&keepalive, 1), DP_UDP_KEEPALIVE);
	else
		e = d->dp->ops->send_udp(d->dp, &a->local, &a->remote, a->packet, a->whole ? DP_UDP_IKE_WHOLE : DP_UDP_IKE);
	if (e < 0 && e != -EAGAIN && !a->whole)
		log_limited(&d->log, &d->limit, now_of(d), LOG_LV_INFO, "send-failed", "IKE to %s: %s", endpoint_fmt(&a->remote, text), strerror(-e));
}

static void
carry_out(void *ctx, const struct core_act *a)
{
	struct daemon *d = ctx;
	const struct dp_ops *dp = d->dp->ops;
	struct rib *rib;

	switch (a->kind) {
	case CORE_ACT_TUNNEL_SET:
		act_tunnel_set(d, a);
		break;
	case CORE_ACT_TUNNEL_DEL:
		dp->tunnel_del(d->dp, a->tunnel);
		break;
	case CORE_ACT_NEIGH_SET:
		act_neigh_set(d, a);
		break;
	case CORE_ACT_NEIGH_DEL:
		bfd_neigh_gone(d->bfd, a->tunnel, &a->neigh.proto);
		dp->neigh_del(d->dp, a->tunnel, &a->neigh.proto);
		break;
	case CORE_ACT_SA_ADD:
		act_sa_add(d, a);
		break;
	case CORE_ACT_SA_ACTIVATE:
		dp->sa_update(d->dp, a->spi_in, DP_SA_ACTIVATE, NULL, NULL, false);
		break;
	case CORE_ACT_SA_MOVE:
		dp->sa_update(d->dp, a->spi_in, DP_SA_MOVE, &a->local, &a->remote, a->encap);
		break;
	case CORE_ACT_SA_DEL:
		dp->sa_del(d->dp, a->spi_in);
		break;
	case CORE_ACT_NHRP_SEND:
		dp->send(d->dp, a->tunnel, a->peer, a->packet);
		break;
	case CORE_ACT_ROUTE_SET:
		act_route_set(d, a);
		break;
	case CORE_ACT_ROUTE_DEL:
		if ((rib = rib_of_tunnel(d, a->tunnel)))
			rib->ops->route_del(rib, &a->route);
		break;
	case CORE_ACT_IKE_SEND:
	case CORE_ACT_KEEPALIVE:
		act_ike_send(d, a);
		break;
	case CORE_ACT_SHAPE:
		act_shape(d, a);
		break;
	case CORE_ACT_PATH_RESULT:
		if (dp->path_result)
			dp->path_result(d->dp, a->tunnel, a->peer, a->size, a->path);
		break;
	case CORE_ACT_JOB:
		if (!workers_submit(d->workers, a->job, ike_job_known(a->job)))
			core_job_done(d->core, now_of(d), a->job);	/* not run: the peer will ask again */
		break;
	case CORE_ACT_REVOCATION:
		revoke_check(d->revoke, a->job);
		break;
	case CORE_ACT_TRACK:
		bfd_track(d->bfd, &a->nbma, a->up);
		break;
	case CORE_ACT_OPER_SET:
		act_oper_set(d, a);
		break;
	case CORE_ACT_LOOKUP:
		names_lookup(d->names, a->tunnel, a->nhs, a->name);
		break;
	}
}

/* Verbs may raise events, and events end up here again: the outer run carries out what the inner one caused. */
static void
carry_all(struct daemon *d)
{
	const struct core_act *a;
	tick_t at, now;

	if (d->carrying || !d->core)
		return;
	d->carrying = true;
	for (;;) {
		if (core_pending(d->core) == 0)	/* what is held is the core's until it has no more */
			later_settle(&d->later);
		if (!(a = core_next(d->core, now_of(d))))
			break;
		later_act(&d->later, a);
	}
	d->carrying = false;
	keep_poll(d->keep);
	at = tick_min(core_deadline(d->core), logbook_deadline(d->log.book));
	now = now_of(d);
	ev_timer_stop(d->loop.ev, &d->tick);
	if (at == TICK_NEVER)
		return;
	ev_timer_set(&d->tick, at <= now ? 0. : (double)(at - now) / 1e6, 0.);
	ev_now_update(d->loop.ev);
	ev_timer_start(d->loop.ev, &d->tick);
}

static void
after_callback(void *ctx)
{
	struct daemon *d = ctx;

	if (d->addrs_changed && d->maps) {
		d->addrs_changed = false;
		maproutes_addrs(d->maps);
	}
	carry_all(d);
}

/* ---- what comes in */

static void
on_dp(void *ctx, const struct dp_event *ev)
{
	struct daemon *d = ctx;
	struct dp_link_info info;

	if (!d->core)
		return;
	if (ev->kind == DP_EV_LINK && ev->link_up && d->dp->ops->link_info(d->dp, ev->tunnel, &info)) {
		core_ifindex(d->core, ev->tunnel, info.ifindex);
		bfd_link(d->bfd, ev->tunnel, info.ifindex);
		statics_set(rib_of_tunnel(d, ev->tunnel), d->conf, d->conf->core.tunnel[ev->tunnel - 1].dp.name, info.ifindex, &d->log);	/* the kernel took them when it went down */
		maproutes_link(d->maps, d->conf->core.tunnel[ev->tunnel - 1].dp.name, info.ifindex, true);
	}
	core_dp_event(d->core, now_of(d), ev);
	if (core_pending(d->core) > PENDING_MAX)
		carry_all(d);
}

static void
on_ike(void *ctx, const struct endpoint *local, const struct endpoint *remote, struct span message)
{
	struct daemon *d = ctx;
	struct ike_rx rx = { *local, *remote, false, message };

	core_rx_ike(d->core, now_of(d), &rx);
	if (core_pending(d->core) > PENDING_MAX)
		carry_all(d);
}

static void
on_rib(void *ctx, const struct rib_event *ev)
{
	struct daemon *d = ctx;

	core_rib_event(d->core, now_of(d), ev);
	d->addrs_changed |= ev->kind == RIB_EV_GONE || ev->route.kind == RIB_LOCAL;
	if (core_pending(d->core) > PENDING_MAX)
		carry_all(d);
}

static void
on_names(void *ctx, uint32_t tunnel, uint32_t nhs, const struct addr *addrs, unsigned n, const char *reason)
{
	struct daemon *d = ctx;

	core_names(d->core, now_of(d), tunnel, nhs, addrs, n, reason);
}

static void
on_source(void *ctx, uint32_t tunnel, const struct addr *addr)
{
	struct daemon *d = ctx;
	char text[ADDR_STRLEN];

	log_at(&d->log, LOG_LV_INFO, "source-address", "%s: %s", d->conf->core.tunnel[tunnel - 1].dp.name,
	    addr->n ? addr_fmt(addr, text) : "the tunnel source has no address");
	core_source(d->core, now_of(d), tunnel, addr);
}

static void
on_tick(struct ev_loop *ev, ev_timer *t, int events)
{
	struct daemon *d = t->data;

	(void)ev;
	(void)events;
	core_tick(d->core, now_of(d));
	logbook_tick(d->log.book, now_of(d));
	carry_all(d);
}

/* ---- what the core asks */

static uint32_t
spi_alloc(void *ctx)
{
	struct daemon *d = ctx;

	return d->dp->ops->spi_alloc(d->dp);
}

static bool
peer_stats(void *ctx, uint32_t tunnel, uint32_t peer, struct dp_peer_stats *out)
{
	struct daemon *d = ctx;

	return d->dp->ops->peer_stats(d->dp, tunnel, peer, out);
}

static bool
sa_stats(void *ctx, uint32_t spi_in, struct dp_sa_stats *out)
{
	struct daemon *d = ctx;

	return d->dp->ops->sa_stats(d->dp, spi_in, out);
}

static void
peer_watch(void *ctx, uint32_t tunnel, uint32_t peer)
{
	struct daemon *d = ctx;

	if (d->dp->ops->peer_watch)
		d->dp->ops->peer_watch(d->dp, tunnel, peer);
}

static bool
kept_peer(void *ctx, uint32_t peer)
{
	struct daemon *d = ctx;

	return d->dp->ops->kept_peer && d->dp->ops->kept_peer(d->dp, peer);
}

static void
probed(void *ctx, uint32_t cookie, bool ok, tick_t took, const char *reason)
{
	struct daemon *d = ctx;

	if (d->control)
		control_probed(d->control, cookie, ok, took, reason);
}

static void
keylog(void *ctx, const char *line)
{
	struct daemon *d = ctx;

	fprintf(d->keylog, "%s\n", line);
	fflush(d->keylog);
}

/* An answer may come before revoke_check() returns, in the middle of carrying out: then the outer run goes on with it. */
static void
on_revocation(void *ctx, struct ike_job *job)
{
	struct daemon *d = ctx;

	core_job_done(d->core, now_of(d), job);
}

static int64_t
wall_clock(void)
{
	return (int64_t)time(NULL);
}

static int64_t
wall(void *ctx)
{
	(void)ctx;
	return wall_clock();
}

/* The engines' environment: the loop's memory and random source, with the daemon as context. */
static void *
env_calloc(void *ctx, size_t n)
{
	(void)ctx;
	return calloc(1, n ? n : 1);
}

static void
env_release(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

static void
env_bytes(void *ctx, void *out, size_t n)
{
	struct daemon *d = ctx;

	d->loop.env.random(NULL, out, n);
}

/* ---- start and stop */

static void
on_stop(struct ev_loop *ev, ev_timer *t, int events)
{
	(void)t;
	(void)events;
	ev_break(ev, EVBREAK_ALL);
}

static void
on_end_signal(struct ev_loop *ev, ev_signal *s, int events)
{
	struct daemon *d = s->data;

	(void)events;
	if (ev_is_active(&d->stop)) {	/* asked twice */
		ev_break(ev, EVBREAK_ALL);
		return;
	}
	log_at(&d->log, LOG_LV_NOTICE, "stopping", "telling peers");
	notify_send(&d->notify, "STOPPING=1\nSTATUS=telling peers");
	core_shutdown(d->core, now_of(d));
	carry_all(d);
	ev_timer_init(&d->stop, on_stop, STOP_GRACE_MS / 1e3, 0.);
	ev_timer_start(ev, &d->stop);
}

/* ---- reload */

static void
reload_line(void *ctx, const char *text)
{
	struct daemon *d = ctx;

	reload_add(d->reload, &d->log, RELOAD_CHANGE, "%s", text);
}

static bool
has_plain(const struct conf *c)
{
	bool any = false;

	for (unsigned i = 0; i < c->core.n_tunnel; i++)
		any |= c->core.tunnel[i].dp.name[0] && c->core.tunnel[i].plain;
	return any;
}

/* The kernel's GRE sees each peer under a synthetic address. In tunnel mode that would stand in the header inside, where the
 * peer expects its own, and nothing between GRE and XFRM rewrites it. */
static bool
has_gre_in_tunnel(const struct conf *c)
{
	bool any = false;

	for (unsigned i = 0; i < c->core.n_tunnel; i++)
		any |= c->core.tunnel[i].dp.name[0] && c->core.tunnel[i].dp.gre_in_tunnel;
	return any;
}

static bool
has_rates(const struct conf *c)
{
	bool any = false;

	for (unsigned i = 0; i < c->core.n_tunnel; i++)
		any |= c->core.tunnel[i].dp.name[0] && c->core.tunnel[i].nhrp.n_group_map;
	return any;
}

/* What the kernel's plane has not, in the words of the configuration; NULL: it has all. */
static const char *
needs_ours(const struct conf *c)
{
	return has_plain(c) ? "tunnel mode ipsec" : has_gre_in_tunnel(c) ? "mode tunnel" : has_rates(c) ? "nhrp map group" : NULL;
}

static void
set_offload(struct daemon *d)
{
	if (d->dp->ops->offload)
		d->dp->ops->offload(d->dp, d->conf->offload_off);
	if (d->dp->ops->crypto)
		d->dp->ops->crypto(d->dp, d->conf->crypto);
}

/* NULL: what is wrong with it has been reported. */
static struct conf *
reload_read(struct daemon *d)
{
	struct conf *c = conf_read(d->o->conf_path);

	if (!c)
		reload_add(d->reload, &d->log, RELOAD_ERROR, "out of memory");
	for (unsigned i = 0; c && i < c->n_error; i++) {
		const struct conf_error *e = &c->error[i];

		if (e->line)
			reload_add(d->reload, &d->log, RELOAD_ERROR, "%s:%u:%u: %s", e->file, e->line, e->column, e->text);
		else
			reload_add(d->reload, &d->log, RELOAD_ERROR, "%s%s%s", e->file, e->file[0] ? ": " : "", e->text);
	}
	if (c && !c->n_error && c->plane != CONF_PLANE_AUTO && (c->plane == CONF_PLANE_KERNEL) != d->kernel_plane)
		reload_add(d->reload, &d->log, RELOAD_ERROR, "`dataplane` does not change by a reload: restart nhrpd");
	if (c && !c->n_error && d->kernel_plane && needs_ours(c))
		reload_add(d->reload, &d->log, RELOAD_ERROR, "`%s` needs our own data plane, and the kernel's is in use: restart nhrpd", needs_ours(c));
	if (c)
		c->core.ike.no_tunnel = d->kernel_plane;
	if (!d->reload->errors)
		return c;
	conf_free(c);
	return NULL;
}

static void
reload_notes(struct daemon *d, const struct conf *to)
{
	for (unsigned i = 0; i < to->n_warning; i++)
		reload_add(d->reload, &d->log, RELOAD_NOTE, "%s:%u: %s", to->warning[i].file, to->warning[i].line, to->warning[i].text);
	if (!d->o->control_path && strcmp(to->control_path, d->conf->control_path) != 0)
		reload_add(d->reload, &d->log, RELOAD_NOTE, "the control socket stays where it is until the daemon is started anew");
	if (to->store_off != d->conf->store_off || strcmp(to->store_path, d->conf->store_path) != 0)
		reload_add(d->reload, &d->log, RELOAD_NOTE, "the store stays as it is until the daemon is started anew");
	if (strcmp(vrfs_underlay(&to->core) ? vrfs_underlay(&to->core) : "", d->loop.host.underlay ? d->loop.host.underlay : "") != 0)
		reload_add(d->reload, &d->log, RELOAD_NOTE, "the tunnel vrf stays as it is until the daemon is started anew: its sockets are bound to it");
	if (!to->log_syslog && d->conf->log_syslog)
		reload_add(d->reload, &d->log, RELOAD_NOTE, "the log goes on to syslog until the daemon is started anew");
}

static const struct core_tunnel_conf *
tunnel_at(const struct conf *c, uint32_t i)
{
	return i < c->core.n_tunnel && c->core.tunnel[i].dp.name[0] ? &c->core.tunnel[i] : NULL;
}

static bool
same_source(const struct core_tunnel_conf *a, const struct core_tunnel_conf *b)
{
	return a && b && strcmp(a->dp.name, b->dp.name) == 0 && !a->plain == !b->plain && a->dp.bare == b->dp.bare && a->source_if && b->source_if && strcmp(a->source_if, b->source_if) == 0 &&
	    a->source_family == b->source_family;
}

/* Answers whether there is a new interface. */
static bool
reload_sources(struct daemon *d, const struct conf *was)
{
	bool fresh = false;

	for (uint32_t i = 0; i < CORE_TUNNELS_MAX; i++) {	/* those that go make room */
		if (!same_source(tunnel_at(was, i), tunnel_at(d->conf, i)))
			source_forget(d->source, i + 1);
	}
	for (uint32_t i = 0; i < CORE_TUNNELS_MAX; i++) {
		const struct core_tunnel_conf *from = tunnel_at(was, i), *to = tunnel_at(d->conf, i);

		fresh |= to && (!from || strcmp(from->dp.name, to->dp.name) != 0 || !from->plain != !to->plain || from->dp.bare != to->dp.bare);
		if (!to || same_source(from, to))
			continue;
		if (!to->source_if)
			core_source(d->core, now_of(d), i + 1, &to->dp.source);
		else if (!source_follow(d->source, i + 1, to->source_if, to->source_family))
			reload_add(d->reload, &d->log, RELOAD_ERROR, "interface %s: too many tunnel sources", to->dp.name);
	}
	return fresh;
}

static void
reload_log(struct daemon *d, const struct conf *to)
{
	struct log sink = d->ring ? d->ring->next : d->log;

	sink.level = to->log_level;
	if (to->log_syslog && !d->conf->log_syslog)
		logout_syslog(&sink);
	if (d->ring)
		logring_sink(d->ring, &sink);
	else
		d->log = sink;
}

static uint32_t
ifindex_of(void *ctx, const char *name)
{
	struct daemon *d = ctx;
	struct dp_link_info info = { 0 };

	for (uint32_t i = 0; i < d->conf->core.n_tunnel; i++) {
		if (strcmp(d->conf->core.tunnel[i].dp.name, name) == 0 && d->dp->ops->link_info(d->dp, i + 1, &info))
			return info.ifindex;
	}
	return 0;
}

static struct control_src control_src_of(struct daemon *d);

static void
map_counters(void *ctx, dp_counter_fn *fn, void *arg)
{
	struct daemon *d = ctx;

	if (d->map_guard)
		mapguard_counters(d->map_guard, fn, arg);
}

static void
reload_apply(struct daemon *d, struct conf *to)
{
	struct conf *was = d->conf;
	struct control_src src;

	reload_log(d, to);
	statics_leave(rib_of_name, was, to, ifindex_of, d);
	if (d->map_guard)
		mapguard_conf(d->map_guard, to);
	if (!maproutes_conf(d->maps, to))
		reload_add(d->reload, &d->log, RELOAD_ERROR, "out of memory: routes of crypto maps are as they were");
	d->conf = to;
	set_offload(d);
	if (!vrfs_open(d->vrfs, &to->core, d->why, sizeof(d->why)))
		reload_add(d->reload, &d->log, RELOAD_ERROR, "%s", d->why);
	bfd_conf(d->bfd, to, d->core);
	certwatch_conf(d->certs, to);
	src = control_src_of(d);
	control_set_src(d->control, &src);
	keep_tunnels(d->keep, d->conf, d->core);
	carry_all(d);	/* interfaces go before others come */
	if (reload_sources(d, was)) {
		carry_all(d);
		routes_again(d->rib);
		vrfs_again(d->vrfs);
	}
	for (uint32_t i = 0; i < to->core.n_tunnel; i++) {
		statics_set(rib_of_tunnel(d, i + 1), to, to->core.tunnel[i].dp.name, ifindex_of(d, to->core.tunnel[i].dp.name), &d->log);
		maproutes_link(d->maps, to->core.tunnel[i].dp.name, ifindex_of(d, to->core.tunnel[i].dp.name), false);
	}
	core_tick(d->core, now_of(d));
	carry_all(d);
	if (!routes_zebra(d->rib, &to->zebra))
		reload_add(d->reload, &d->log, RELOAD_ERROR, "out of memory");
	conf_free(was);	/* nobody looks at it any more */
}

static void
reload(void *ctx, struct reload *r)
{
	struct daemon *d = ctx;
	struct conf *to;

	d->reload = r;
	notify_send(&d->notify, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)now_of(d));
	carry_all(d);
	if ((to = reload_read(d))) {
		conf_keep_places(to, d->conf);
		conf_diff(d->conf, to, reload_line, d);
		reload_notes(d, to);
		r->applied = core_reconf(d->core, now_of(d), &to->core);
		if (r->applied) {
			reload_apply(d, to);
		} else {
			reload_add(r, &d->log, RELOAD_ERROR, "out of memory");
			conf_free(to);
		}
	}
	if (!r->applied)
		snprintf(r->summary, sizeof(r->summary), "not reloaded: %u error%s, nothing has changed", r->errors, r->errors == 1 ? "" : "s");
	else if (r->changes == 0)
		snprintf(r->summary, sizeof(r->summary), "reloaded: nothing is different");
	else
		snprintf(r->summary, sizeof(r->summary), "reloaded: %u line%s different%s", r->changes, r->changes == 1 ? " is" : "s are",
		    r->errors ? ", not all of it succeeded" : "");
	log_at(&d->log, r->errors ? LOG_LV_ERROR : LOG_LV_NOTICE, r->applied ? "reloaded" : "reload-failed", "%s", r->summary);
	notify_send(&d->notify, "READY=1\nSTATUS=%s", r->summary);
	d->reload = NULL;
}

static void
on_hup_signal(struct ev_loop *ev, ev_signal *s, int events)
{
	struct daemon *d = s->data;
	struct reload r = { 0 };

	(void)ev;
	(void)events;
	if (ev_is_active(&d->stop))
		return;
	reload(d, &r);
	reload_fini(&r);
}

/* ---- start */

static void
on_watchdog(struct ev_loop *ev, ev_timer *t, int events)
{
	struct daemon *d = t->data;

	(void)ev;
	(void)events;
	notify_send(&d->notify, "WATCHDOG=1");
}

static bool
fail(struct daemon *d, const char *what)
{
	log_at(&d->log, LOG_LV_ERROR, "cannot-start", "%s", what);
	return false;
}

static void
job_run(void *job)
{
	ike_job_run(job);
}

static void
job_drop(void *job)
{
	ike_job_discard(job);
}

static void
on_job(void *ctx, void *job)
{
	struct daemon *d = ctx;

	core_job_done(d->core, now_of(d), job);
}

static bool
keylog_to(struct daemon *d, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "a");

	if (!f) {
		snprintf(d->why, sizeof(d->why), "cannot write %.150s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	if (d->keylog)
		fclose(d->keylog);
	d->keylog = f;
	log_at(&d->log, LOG_LV_WARN, "keylog", "session keys are written to %s: whoever reads it can read all traffic", path);
	return true;
}

/* `debug crypto keys`, on and off. */
static const char *
keys_to(void *ctx, const char *path)
{
	struct daemon *d = ctx;

	if (path && !keylog_to(d, path))
		return d->why;
	ike_set_keylog(core_ike(d->core), path ? keylog : NULL);
	if (!path && d->keylog) {
		log_at(&d->log, LOG_LV_NOTICE, "keylog", "session keys are not written any more");
		fclose(d->keylog);
		d->keylog = NULL;
	}
	return NULL;
}

/* `auto` takes the kernel's where nothing is missing there; `kernel` does without multicast and redirects if it must. */
static bool
choose_plane(struct daemon *d, char *why, size_t n)
{
	struct dp_kernel_needs needs = { .bpf = d->conf->plane == CONF_PLANE_AUTO };

	for (unsigned i = 0; i < d->conf->core.n_tunnel; i++) {
		const struct core_tunnel_conf *t = &d->conf->core.tunnel[i];

		if (!t->dp.name[0])
			continue;
		needs.bare6 |= t->dp.outer == 16 && t->dp.bare;
		needs.esp4 |= t->dp.outer != 16 && !t->dp.bare;
		needs.esp6 |= t->dp.outer == 16 && !t->dp.bare;
		needs.two_vrfs |= t->dp.vrf[0] && t->outer_vrf;
		needs.mss |= t->dp.mss && d->conf->plane == CONF_PLANE_AUTO;
	}
	if (needs_ours(d->conf)) {	/* with `kernel` the configuration was refused */
		snprintf(why, n, has_plain(d->conf) ? "tunnel mode ipsec and crypto maps are not in the kernel's yet" :
		    has_gre_in_tunnel(d->conf) ? "GRE in ESP tunnel mode is not possible with the kernel's synthetic addresses" :
		    "rates of groups (nhrp map group) are held by it only");
		d->kernel_plane = false;
		return true;
	}
	d->kernel_plane = d->conf->plane != CONF_PLANE_USER && dp_kernel_probe(&d->loop.host, &needs, why, n);
	return d->kernel_plane || d->conf->plane != CONF_PLANE_KERNEL;
}

static struct dp *
open_plane(struct daemon *d)
{
	char why[200] = "";

	if (!choose_plane(d, why, sizeof(why))) {
		snprintf(d->why, sizeof(d->why), "dataplane kernel: %s", why);
		return NULL;
	}
	d->conf->core.ike.no_tunnel = d->kernel_plane;
	if (d->conf->plane == CONF_PLANE_AUTO) {
		snprintf(d->plane_why, sizeof(d->plane_why), "%s", why);
		log_at(&d->log, LOG_LV_NOTICE, "dataplane", "%s%s", d->kernel_plane ? "the kernel's: it has all that is needed" : "our own: ", why);
	}
	return d->kernel_plane ? dp_kernel_new(&d->loop.host, on_dp, d, d->why, sizeof(d->why)) :
				 dp_user_new(&d->loop.host, on_dp, d, d->why, sizeof(d->why));
}

/* From here on: before there is a thread, an interface, or anything from a peer. */
static bool
drop_privileges(struct daemon *d)
{
	enum privilege_filter f = PRIVILEGE_NO_FILTER;

	if (!privilege_drop(d->why, sizeof(d->why)))
		return false;
	if (d->o->no_seccomp)
		snprintf(d->why, sizeof(d->why), "--no-seccomp");
	else
		f = privilege_filter(d->why, sizeof(d->why));
	switch (f) {
	case PRIVILEGE_FILTERED:
		log_at(&d->log, LOG_LV_INFO, "privileges", "CAP_NET_ADMIN, CAP_NET_RAW and a list of system calls are left");
		break;
	case PRIVILEGE_NO_FILTER:
		log_at(&d->log, LOG_LV_WARN, "privileges", "CAP_NET_ADMIN and CAP_NET_RAW are left; all system calls are: %s", d->why);
		break;
	case PRIVILEGE_FAILED:
		return false;
	}
	return true;
}

/* Without one nhrpd is served as whoever it runs as. */
static void
zebra_dial(void *ctx, const char *path, void (*done)(void *arg, int fd), void *arg)
{
	struct daemon *d = ctx;

	if (d->zdial)
		zdial_ask(d->zdial, path, done, arg);
	else if (path)
		done(arg, -EACCES);
}

/* The callback's end carries out what follows. */
static void
on_bfd_down(void *ctx, uint32_t tunnel, uint32_t peer, const struct addr *proto, tick_t within, const char *why)
{
	struct daemon *d = ctx;

	core_peer_doubted(d->core, now_of(d), tunnel, peer, proto, within, why);
}

static void
on_way(void *ctx, const struct addr *to, bool reachable)
{
	struct daemon *d = ctx;

	core_way(d->core, now_of(d), to, reachable);
}

static void
on_zebra(void *ctx, const struct zapi_version *v, const char *path)
{
	struct daemon *d = ctx;

	bfd_zebra(d->bfd, v, path);
}

/* What can be missing or taken on this machine, before anything is changed on it. */
static bool
open_all(struct daemon *d)
{
	static const struct bfd_face bfd_face = { .down = on_bfd_down, .way = on_way, .dial = zebra_dial };

	if (d->o->pid_path && (d->pid_fd = pidfile_open(d->o->pid_path, d->why, sizeof(d->why))) < 0)
		return fail(d, d->why);
	if (d->o->keylog_path && !keylog_to(d, d->o->keylog_path))
		return fail(d, d->why);
	d->zdial = zdial_new(&d->loop.host, d->why, sizeof(d->why));	/* the first: it gets nothing of what is opened here */
	d->loop.host.underlay = vrfs_underlay(&d->conf->core);
	if (!(d->vrfs = vrfs_new(&d->loop.host, on_rib, d)))
		return fail(d, "out of memory");
	if ((d->dp = open_plane(d)))
		set_offload(d);
	if (!d->dp ||
	    !(d->ike = ikesock_new(&d->loop.host, IKESOCK_500, on_ike, d, d->why, sizeof(d->why))) ||
	    !drop_privileges(d) ||
	    !(d->rib = routes_new(&d->loop.host, on_rib, d, d->why, sizeof(d->why))) || !vrfs_open(d->vrfs, &d->conf->core, d->why, sizeof(d->why)) ||
	    !(d->maps = maproutes_new(d->rib, &d->log)) || (!d->kernel_plane && !(d->map_guard = mapguard_new(&d->loop.host))) ||
	    !(d->source = source_new(&d->loop.host, on_source, d, d->why, sizeof(d->why))) ||
	    !(d->workers = workers_new(&d->loop.host, 0, job_run, on_job, d, d->why, sizeof(d->why))))
		return fail(d, d->why);
	d->later = (struct later){ .dp = d->dp, .carry = carry_out, .result = settled, .ctx = d };
	if (!(d->bfd = bfd_new(&d->loop.host, d->conf, &bfd_face, d)) || !(d->names = names_new(&d->loop.host, on_names, d)) ||
	    !(d->revoke = revoke_new(&d->loop, wall, on_revocation, d)) || !(d->certs = certwatch_new(&d->loop.host, d->conf, wall_clock)))
		return fail(d, "out of memory");
	return true;
}

static const char *
store_path(const struct daemon *d)
{
	return d->conf->store_path[0] ? d->conf->store_path : keep_default_path();
}

/* Beside the store. Without it all works, only that peers take longer to notice a restart of ours. */
static bool
load_secret(struct daemon *d, uint8_t out[static SECRET_LEN])
{
	char path[PATH_MAX + 8], why[160];

	if (d->conf->store_off)
		return false;
	snprintf(path, sizeof(path), "%s.secret", store_path(d));
	if (secret_load(path, env_bytes, d, out, why, sizeof(why)))
		return true;
	log_at(&d->log, LOG_LV_WARN, "secret-failed", "%s: %s; peers notice a restart by their liveness checks only", path, why);
	return false;
}

static bool
make_core(struct daemon *d)
{
	uint8_t secret[SECRET_LEN];
	struct core_env env = { .ike.env = { d, env_calloc, env_release, env_bytes, &d->log }, .ike.spi_alloc = spi_alloc, .ike.wall = wall,
		.ike.keylog = d->keylog ? keylog : NULL, .peer_stats = peer_stats, .sa_stats = sa_stats, .peer_watch = peer_watch, .kept_peer = kept_peer,
		.probed = probed };

	env.ike.qcd_secret = load_secret(d, secret) ? secret : NULL;
	env.ike.esp_kept = d->dp->ops->kept && d->dp->ops->kept(d->dp);
	d->core = core_new(&d->conf->core, &env);
	explicit_bzero(secret, sizeof(secret));
	return d->core ? true : fail(d, "out of memory");
}

static bool
restore(struct daemon *d)
{
	if (d->conf->store_off)
		return true;
	d->keep = keep_new(&d->loop.host, store_path(d), wall_clock);
	if (!d->keep)
		return fail(d, "out of memory");
	keep_tunnels(d->keep, d->conf, d->core);
	return true;
}

static void
probe(void *ctx, uint32_t tunnel, const struct addr *proto, uint32_t cookie)
{
	struct daemon *d = ctx;

	core_probe(d->core, now_of(d), tunnel, proto, cookie);
}

static void
ask_route(void *ctx, const struct addr *to, struct route_answer *out)
{
	(void)ctx;
	route_lookup(to, out);
}

static int
ask_neigh(void *ctx, uint32_t ifindex, const struct addr *hop)
{
	(void)ctx;
	return neigh_lookup(ifindex, hop);
}

static void
routes_of(void *ctx, struct routes_info *out)
{
	struct daemon *d = ctx;

	routes_info(d->rib, out);
}

static const char *
route_by(void *ctx, const struct prefix *dst, uint32_t tunnel)
{
	struct daemon *d = ctx;
	struct dp_link_info info = { 0 };

	if (!d->dp->ops->link_info(d->dp, tunnel, &info))
		return routes_place_name(ROUTES_NOWHERE);
	return routes_place_name(routes_where(d->rib, dst, info.ifindex));
}

static bool
bfd_of(void *ctx, uint32_t tunnel, const struct addr *proto, struct watch_peer_info *out, const char **why)
{
	struct daemon *d = ctx;

	return bfd_info(d->bfd, tunnel, proto, out, why);
}

static bool
way_of(void *ctx, const struct addr *to, struct watch_way_info *out)
{
	struct daemon *d = ctx;

	return bfd_way(d->bfd, to, out);
}

static struct control_src
control_src_of(struct daemon *d)
{
	return (struct control_src){ .core = d->core, .dp = d->dp, .conf = d->conf, .started = d->started, .conf_path = d->o->conf_path, .plane = d->kernel_plane ? "kernel" : "user",
		.plane_why = d->plane_why, .log = d->ring,
		.reload = reload, .probe = probe, .keys = keys_to, .route = ask_route, .neigh = ask_neigh, .routes = routes_of, .route_by = route_by, .bfd = bfd_of, .way = way_of,
		.counters = map_counters, .ctx = d };
}

static bool
start_control(struct daemon *d)
{
	struct control_src src = control_src_of(d);
	const char *path = d->o->control_path ? d->o->control_path : d->conf->control_path;

	d->control = control_new(&d->loop.host, path, &src, d->why, sizeof(d->why));
	return d->control ? true : fail(d, d->why);
}

/* Interfaces come up with the source addresses; routes of an earlier life go before new ones are read. */
static bool
start_tunnels(struct daemon *d)
{
	d->starting = true;
	if (d->map_guard)
		mapguard_conf(d->map_guard, d->conf);
	if (!maproutes_conf(d->maps, d->conf))	/* what holds packets back comes before anything of an earlier life goes */
		return fail(d, "out of memory");
	d->rib->ops->flush(d->rib);
	for (uint32_t i = 0; i < d->conf->core.n_tunnel; i++) {
		const struct core_tunnel_conf *t = &d->conf->core.tunnel[i];

		if (!t->source_if)
			core_source(d->core, now_of(d), i + 1, &t->dp.source);
		else if (!source_follow(d->source, i + 1, t->source_if, t->source_family))
			return fail(d, "too many tunnel sources");
	}
	carry_all(d);
	d->starting = false;
	if (d->failed)
		return fail(d, d->why);
	routes_start(d->rib);
	routes_dial(d->rib, zebra_dial, d);
	routes_on_session(d->rib, on_zebra, d);
	vrfs_start(d->vrfs);
	if (!routes_zebra(d->rib, &d->conf->zebra))
		return fail(d, "out of memory");
	core_tick(d->core, now_of(d));
	carry_all(d);
	return true;
}

static void
start_signals(struct daemon *d)
{
	signal(SIGPIPE, SIG_IGN);
	ev_signal_init(&d->on_term, on_end_signal, SIGTERM);
	ev_signal_init(&d->on_int, on_end_signal, SIGINT);
	ev_signal_init(&d->on_hup, on_hup_signal, SIGHUP);
	d->on_term.data = d->on_int.data = d->on_hup.data = d;
	ev_signal_start(d->loop.ev, &d->on_term);
	ev_signal_start(d->loop.ev, &d->on_int);
	ev_signal_start(d->loop.ev, &d->on_hup);
}

static void
close_all(struct daemon *d)
{
	control_free(d->control);
	revoke_free(d->revoke);
	certwatch_free(d->certs);
	names_free(d->names);
	workers_free(d->workers, job_drop);
	source_free(d->source);
	keep_free(d->keep);
	core_free(d->core);
	d->core = NULL;
	vrfs_free(d->vrfs);
	if (d->rib) {
		d->rib->ops->flush(d->rib);
		d->rib->ops->free(d->rib);
		maproutes_free(d->maps);
	}
	mapguard_free(d->map_guard);
	bfd_free(d->bfd);
	zdial_free(d->zdial);
	ikesock_free(d->ike);
	if (d->dp)
		d->dp->ops->free(d->dp);
	if (d->keylog)
		fclose(d->keylog);
	pidfile_close(d->pid_fd, d->o->pid_path);
	notify_close(&d->notify);
}

static void
start_notify(struct daemon *d)
{
	double every = (double)d->notify.watchdog_ms / 1e3;

	notify_send(&d->notify, "READY=1\nSTATUS=%u tunnel%s", d->conf->core.n_tunnel, d->conf->core.n_tunnel == 1 ? "" : "s");
	ev_timer_init(&d->watchdog, on_watchdog, every, every);
	d->watchdog.data = d;
	if (d->notify.watchdog_ms)
		ev_timer_start(d->loop.ev, &d->watchdog);
}

static int
run(struct daemon *d)
{
	if (!loop_init(&d->loop, &d->log))
		return fail(d, "libev finds no way to wait for events on this system"), EXIT_START;
	d->loop.after = after_callback;
	d->loop.ctx = d;
	ev_timer_init(&d->tick, on_tick, 0., 0.);
	d->tick.data = d;
	d->started = now_of(d);
	logbook_new(&d->loop.env, &d->log);	/* without memory for it lines are not limited */
	start_signals(d);
	if (!open_all(d) || !make_core(d) || !restore(d) || !start_control(d) || !start_tunnels(d)) {
		close_all(d);
		loop_fini(&d->loop);
		logbook_free(d->log.book);
		return EXIT_START;
	}
	log_at(&d->log, LOG_LV_NOTICE, "ready", "%s: %u tunnel%s, %s data plane, %s", d->conf->hostname, d->conf->core.n_tunnel,
	    d->conf->core.n_tunnel == 1 ? "" : "s", d->kernel_plane ? "kernel" : "user", d->o->conf_path);
	start_notify(d);
	ev_run(d->loop.ev, 0);
	close_all(d);
	loop_fini(&d->loop);
	log_at(&d->log, LOG_LV_NOTICE, "stopped", "done");
	logbook_free(d->log.book);
	return EXIT_OK;
}

static void
log_warnings(struct daemon *d)
{
	for (unsigned i = 0; i < d->conf->n_warning; i++) {
		const struct conf_error *w = &d->conf->warning[i];

		log_at(&d->log, LOG_LV_WARN, "configuration", "%s:%u: %s", w->file, w->line, w->text);
	}
}

int
daemon_run(const struct daemon_options *o)
{
	struct daemon d = { .o = o, .pid_fd = -1 };
	int code = EXIT_CONF;


	notify_open(&d.notify);
	logout_init(&d.log, LOG_LV_INFO);
	d.conf = conf_read(o->conf_path);
	if (!d.conf) {
		fail(&d, "out of memory");
		return EXIT_START;
	}
	if (d.conf->n_error) {
		conf_print_errors(d.conf, stderr);
	} else {
		d.log.level = d.conf->log_level;
		if (d.conf->log_syslog)
			logout_syslog(&d.log);
		d.ring = logring_new(&d.log);	/* without memory for it the log is only not kept */
		log_warnings(&d);
		code = run(&d);
		logring_free(d.ring);
	}
	conf_free(d.conf);
	return code;
}

int
daemon_check(const char *conf_path, FILE *out)
{
	struct conf *c = conf_read(conf_path);
	int code = c && c->n_error == 0 ? EXIT_OK : EXIT_CONF;

	if (!c)
		fprintf(stderr, "nhrpd: out of memory\n");
	else if (c->n_error || c->n_warning)
		conf_print_errors(c, stderr);
	if (code == EXIT_OK)
		fprintf(out, "%s: good (%u tunnel%s)\n", conf_path, c->core.n_tunnel, c->core.n_tunnel == 1 ? "" : "s");
	conf_free(c);
	return code;
}
