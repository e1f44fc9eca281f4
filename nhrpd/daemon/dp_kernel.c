#include "nhrpd/daemon/dp_kernel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/dpsec.h"
#include "lib/nlq.h"
#include "mgre/guard.h"
#include "mgre/kernel.h"
#include "mgre/leaving.h"
#include "mgre/link.h"
#include "nhrpd/core/core.h"
#include "nhrpd/daemon/ikesock.h"
#include "xfrm/bare.h"
#include "xfrm/esp.h"
#include "xfrm/kernel.h"

enum {
	LINK_MTU = 1500,	/* where the source address is nobody's yet */
	MTU_MIN = 576, MTU_MIN6 = 1280,	/* IPv6 inside goes away below */
	TCP4 = 40, TCP6 = 60,	/* octets of IP and TCP header */
	MESSAGES = NLQ_MESSAGES / 2,	/* collected; one verb adds a few */
};

/* The inner MTU where none is configured: what the link of the source address leaves with the SA that adds most. */
struct room {
	bool automatic, v6, v6_inside;
	unsigned link, head, mtu;
};

/* Up: SA, then neighbour. Down: neighbour, then SA. What is collected goes one way at a time. */
enum way { WAY_NONE, WAY_UP, WAY_DOWN };

/* Of those answered -EINPROGRESS, in their order. */
struct later {
	bool neighbour;
	uint32_t spi_in, tunnel, peer;	/* an SA's */
	struct dp_neigh neigh;
	int rc, peer_rc;	/* peer_rc: of our own table */
	char why[96];
};

struct dp_kernel {
	struct dp dp;
	bool collecting;	/* between begin() and settle() */
	enum way way;
	struct later later[DP_LATER_MAX];
	unsigned n_later, n_done;
	struct room room[CORE_TUNNELS_MAX];
	bool by_xfrm;	/* whose error() is the last one's */
	const struct env *env;
	dp_event_fn *fn;
	void *ctx;
	struct mgre_kernel *mgre;
	struct xfrm_kernel *xfrm;
	struct guard *guard;
	struct guard_want guarded[CORE_TUNNELS_MAX];	/* by tunnel; no name: none */
	unsigned mss[CORE_TUNNELS_MAX];	/* as in dp_tunnel */
	struct bare *bare;	/* tunnels without protection: who their peers are */
	struct ikesock *sock;	/* 4500 */
};

static struct dp_kernel *
of(struct dp *dp)
{
	return (struct dp_kernel *)(void *)dp;
}

static unsigned
fits(const struct room *r, uint16_t encr, uint16_t bits, uint16_t integ, bool encap)
{
	const struct esp_suite *s = esp_suite_find(encr, bits, integ);
	unsigned payload = s ? esp_payload_guess(s, encap, r->v6, r->link) : 0, least = r->v6_inside ? MTU_MIN6 : MTU_MIN;

	payload = payload > DPSEC_INNER_MAX + r->head ? DPSEC_INNER_MAX + r->head : payload;
	return payload > least + r->head ? payload - r->head : least;
}

static bool
v6_outside(const struct dp_tunnel *t)
{
	return t->source.n == 16 || (!t->source.n && t->outer == 16);
}

/* Before there is an SA: the common case, an AEAD in UDP. */
static void
make_room(struct room *r, const struct dp_tunnel *t)
{
	struct room was = *r;

	*r = (struct room){ .automatic = t->mtu == 0, .v6 = v6_outside(t), .link = t->source.n ? link_mtu_of_address(&t->source) : 0,
		.head = t->has_key ? 8 : 4 };
	for (unsigned i = 0; i < t->n_addr; i++)
		r->v6_inside |= t->addr[i].addr.n == 16;
	r->link = r->link ? r->link : LINK_MTU;
	r->mtu = t->mtu ? t->mtu : t->bare ? r->link - (r->v6 ? 40 : 20) - r->head : fits(r, ESP_ENCR_AES_GCM_16, 128, 0, true);
	if (was.automatic && r->automatic && was.link == r->link && was.v6 == r->v6 && was.mtu < r->mtu)
		r->mtu = was.mtu;	/* an SA wanted more */
}

/* The packet filter's part, for the MTU as it is. Without a filter the tunnel works; what cannot be done has been said. */
static void
guard_tunnel(struct dp_kernel *d, uint32_t tunnel)
{
	struct guard_want *w = &d->guarded[tunnel - 1];
	unsigned mss = d->mss[tunnel - 1], mtu = d->room[tunnel - 1].mtu;

	w->mss4 = mss == 1 ? mtu - TCP4 : mss;
	w->mss6 = mss == 1 ? mtu - TCP6 : mss;
	guard_set(d->guard, w);
}

static void
guard_conf(struct dp_kernel *d, const struct dp_tunnel *t)
{
	struct guard_want *w = &d->guarded[t->id - 1];

	if (w->name[0] && strcmp(w->name, t->name) != 0)
		guard_del(d->guard, w->name);
	*w = (struct guard_want){ .name[0] = 0 };
	if (!t->bare) {	/* else its GRE is not locked in */
		w->has_key = t->has_key;
		w->key = t->key;
		w->source = t->source;
	}
	memcpy(w->name, t->name, sizeof(w->name));
	d->mss[t->id - 1] = t->mss;
	guard_tunnel(d, t->id);
}

static void
room_for(struct dp_kernel *d, const struct dp_sa *sa)
{
	struct room *r = &d->room[sa->tunnel - 1];
	unsigned mtu = r->automatic ? fits(r, sa->keys.encr, sa->keys.encr_bits, sa->keys.integ, sa->encap) : r->mtu;

	if (mtu < r->mtu && mgre_kernel_mtu(d->mgre, sa->tunnel, mtu) == 0) {
		r->mtu = mtu;
		guard_tunnel(d, sa->tunnel);
	}
}

/* ---- verbs that may wait for others: peers are programmed in batches */

static void
neigh_answer(void *ctx, uint64_t which, int error)
{
	struct dp_kernel *d = ctx;

	d->later[which].rc = error;
}

static void
finish(struct dp_kernel *d, struct later *l)
{
	uint32_t tunnel, peer;

	if (l->neighbour) {
		mgre_kernel_neigh_answered(d->mgre, &l->neigh, l->rc);
		return;
	}
	l->rc = xfrm_kernel_sa_added(d->xfrm, l->spi_in);
	if (l->rc == 0 && l->peer_rc != 0 && xfrm_kernel_sa_del(d->xfrm, l->spi_in, &tunnel, &peer))
		l->rc = l->peer_rc;
	else if (l->rc != 0)
		snprintf(l->why, sizeof(l->why), "%s", xfrm_kernel_error(d->xfrm));
	if (l->rc == 0)
		return;
	mgre_kernel_peer_del(d->mgre, l->tunnel, l->peer);	/* it had no other */
}

/* What is collected is done, and what came of it known. */
static void
flush(struct dp_kernel *d)
{
	if (d->way == WAY_DOWN)
		mgre_kernel_flush(d->mgre);
	xfrm_kernel_flush(d->xfrm);
	if (d->way == WAY_UP)
		mgre_kernel_flush(d->mgre);
	d->way = WAY_NONE;
	for (; d->n_done < d->n_later; d->n_done++)
		finish(d, &d->later[d->n_done]);
	xfrm_kernel_flush(d->xfrm);	/* what took back a part of those that were refused */
	mgre_kernel_flush(d->mgre);
}

/* The next goes that way. False: it cannot wait, and nothing else does. Neither queue is ever so full that it goes by itself, before its turn. */
static bool
goes(struct dp_kernel *d, enum way way)
{
	bool waits = d->collecting && (way == WAY_DOWN || d->n_later < DP_LATER_MAX);

	if (!waits || d->way != way || xfrm_kernel_waiting(d->xfrm) >= MESSAGES || mgre_kernel_waiting(d->mgre) >= MESSAGES)
		flush(d);
	if (waits)
		d->way = way;
	return waits;
}

/* ---- verbs */

/* What blocked clear GRE of this key in an earlier life goes, and nothing comes in its place. */
static int
tunnel_set_bare(struct dp_kernel *d, const struct dp_tunnel *conf)
{
	struct dp_tunnel t = *conf;
	int rc = t.id && t.id <= CORE_TUNNELS_MAX ? xfrm_kernel_unblock(d->xfrm, &t) : -EINVAL;

	d->by_xfrm = rc != 0;
	if (rc == 0)
		rc = bare_tunnel_set(d->bare, &t, 0);
	if (rc != 0)
		return rc;
	make_room(&d->room[t.id - 1], &t);
	t.mtu = d->room[t.id - 1].mtu;
	guard_conf(d, &t);
	return mgre_kernel_tunnel_set(d->mgre, &t);
}

/* The tunnel as GRE, policies and the packet filter see it, before ESP. */
static void
see_inside(struct dp_tunnel *t)
{
	if (!v6_outside(t))
		return;
	t->source = mgre_kernel_self(t->id);
	t->outer = 4;
}

/* The block before the device, always. */
static int
tunnel_set_protected(struct dp_kernel *d, const struct dp_tunnel *conf)
{
	struct dp_tunnel t = *conf;
	struct addr mark = mgre_kernel_mark(t.id);
	int rc = -EINVAL;

	see_inside(&t);
	if (t.plain)
		rc = -EOPNOTSUPP;
	else if (t.id && t.id <= CORE_TUNNELS_MAX)
		rc = xfrm_kernel_tunnel_set(d->xfrm, &t, &mark);
	d->by_xfrm = rc != 0;
	if (rc != 0)
		return rc;
	make_room(&d->room[t.id - 1], conf);
	t.mtu = d->room[t.id - 1].mtu;
	guard_conf(d, &t);
	return mgre_kernel_tunnel_set(d->mgre, &t);
}

static int
tunnel_set(struct dp *dp, const struct dp_tunnel *conf)
{
	flush(of(dp));
	return conf->bare ? tunnel_set_bare(of(dp), conf) : tunnel_set_protected(of(dp), conf);
}

static int
tunnel_del(struct dp *dp, uint32_t tunnel)
{
	struct dp_kernel *d = of(dp);
	int rc = 0;

	flush(d);
	mgre_kernel_tunnel_del(d->mgre, tunnel);
	if (bare_has(d->bare, tunnel))
		bare_tunnel_del(d->bare, tunnel);
	else
		rc = xfrm_kernel_tunnel_del(d->xfrm, tunnel);
	if (tunnel && tunnel <= CORE_TUNNELS_MAX && d->guarded[tunnel - 1].name[0]) {
		guard_del(d->guard, d->guarded[tunnel - 1].name);
		d->guarded[tunnel - 1] = (struct guard_want){ 0 };
	}
	return rc;
}

static int
neigh_set(struct dp *dp, const struct dp_neigh *n)
{
	struct dp_kernel *d = of(dp);
	struct later *l = &d->later[d->n_later];
	int rc;

	if (!goes(d, WAY_UP))
		return mgre_kernel_neigh_set(d->mgre, n);
	rc = mgre_kernel_neigh_ask(d->mgre, n, neigh_answer, d, d->n_later);
	if (rc == -EAGAIN) {
		flush(d);
		return mgre_kernel_neigh_set(d->mgre, n);
	}
	if (rc == -EINPROGRESS) {
		*l = (struct later){ .neighbour = true, .neigh = *n };
		d->n_later++;
	}
	return rc;
}

static int
oper_set(struct dp *dp, uint32_t tunnel, bool up)
{
	return mgre_kernel_oper_set(of(dp)->mgre, tunnel, up);
}

static int
neigh_del(struct dp *dp, uint32_t tunnel, const struct addr *proto)
{
	goes(of(dp), WAY_DOWN);
	return mgre_kernel_neigh_del(of(dp)->mgre, tunnel, proto);
}

static int
sa_add_bare(struct dp_kernel *d, const struct dp_sa *sa)
{
	uint32_t tunnel, peer;
	int rc = bare_sa_add(d->bare, sa);

	d->by_xfrm = false;
	if (rc == 0 && (rc = mgre_kernel_peer_set(d->mgre, sa->tunnel, sa->peer, &sa->remote.addr)) != 0)
		bare_sa_del(d->bare, sa->spi_in, &tunnel, &peer);
	return rc;
}

/* As sa_add(), but the kernel may be asked later. */
static int
sa_ask(struct dp_kernel *d, const struct dp_sa *sa)
{
	struct addr lladdr;
	int rc = xfrm_kernel_sa_ask(d->xfrm, sa, &lladdr);

	if (rc != -EINPROGRESS)
		return rc;
	d->later[d->n_later] = (struct later){ .spi_in = sa->spi_in, .tunnel = sa->tunnel, .peer = sa->peer };
	d->later[d->n_later++].peer_rc = mgre_kernel_peer_set(d->mgre, sa->tunnel, sa->peer, &lladdr);
	room_for(d, sa);
	return -EINPROGRESS;
}

static int
sa_add(struct dp *dp, const struct dp_sa *sa)
{
	struct dp_kernel *d = of(dp);
	struct addr lladdr;
	uint32_t tunnel, peer;
	int rc;

	if (sa->bare)
		return sa_add_bare(d, sa);
	if (goes(d, WAY_UP) && (rc = sa_ask(d, sa)) != -EAGAIN) {
		d->by_xfrm = true;
		return rc;
	}
	flush(d);
	rc = xfrm_kernel_sa_add(d->xfrm, sa, &lladdr);

	d->by_xfrm = rc != 0;
	if (rc == 0)
		room_for(d, sa);
	if (rc == 0 && (rc = mgre_kernel_peer_set(d->mgre, sa->tunnel, sa->peer, &lladdr)) != 0)
		xfrm_kernel_sa_del(d->xfrm, sa->spi_in, &tunnel, &peer);
	return rc;
}

static int
sa_update(struct dp *dp, uint32_t spi_in, enum dp_sa_update what, const struct endpoint *local, const struct endpoint *remote, bool encap)
{
	struct dp_kernel *d = of(dp);
	struct addr lladdr;
	uint32_t tunnel, peer;
	int rc;

	if (bare_sa_find(d->bare, spi_in, &tunnel, &peer))	/* sent on since it is there, and never elsewhere */
		return 0;
	flush(d);
	rc = xfrm_kernel_sa_update(d->xfrm, spi_in, what, local, remote, encap, &lladdr);

	if (rc == 0 && xfrm_kernel_sa_find(d->xfrm, spi_in, &tunnel, &peer))
		rc = mgre_kernel_peer_set(d->mgre, tunnel, peer, &lladdr);
	return rc;
}

static int
sa_del(struct dp *dp, uint32_t spi_in)
{
	struct dp_kernel *d = of(dp);
	struct dp_peer_stats st;
	uint32_t tunnel, peer;

	if (!xfrm_kernel_sa_alone(d->xfrm, spi_in))	/* another may take over, at once */
		flush(d);
	goes(d, WAY_DOWN);
	if (bare_sa_del(d->bare, spi_in, &tunnel, &peer))
		mgre_kernel_peer_del(d->mgre, tunnel, peer);
	else if (xfrm_kernel_sa_del(d->xfrm, spi_in, &tunnel, &peer) && !xfrm_kernel_peer_stats(d->xfrm, tunnel, peer, &st))
		mgre_kernel_peer_del(d->mgre, tunnel, peer);	/* that was its last one */
	return 0;
}

static uint32_t
spi_alloc(struct dp *dp)
{
	return xfrm_kernel_spi_alloc(of(dp)->xfrm);
}

static int
send_nhrp(struct dp *dp, uint32_t tunnel, uint32_t peer, struct span nhrp)
{
	return mgre_kernel_send(of(dp)->mgre, tunnel, peer, nhrp);
}

/* Reading sends what waits before it. */
static void
before_reading(struct dp_kernel *d)
{
	if (d->way == WAY_DOWN)
		flush(d);
}

static bool
peer_stats(struct dp *dp, uint32_t tunnel, uint32_t peer, struct dp_peer_stats *out)
{
	before_reading(of(dp));
	return bare_has(of(dp)->bare, tunnel) ? mgre_kernel_peer_stats(of(dp)->mgre, tunnel, peer, out) :
						xfrm_kernel_peer_stats(of(dp)->xfrm, tunnel, peer, out);
}

static void
peer_watch(struct dp *dp, uint32_t tunnel, uint32_t peer)
{
	if (!bare_has(of(dp)->bare, tunnel))	/* of those only what is sent is counted */
		xfrm_kernel_peer_watch(of(dp)->xfrm, tunnel, peer);
}

/* NHRP among what XFRM has counted: it sees the GRE header, and the IP header that goes before it, unless that becomes one of IPv6 (Linux 6.1). */
static bool
own_count(void *ctx, uint32_t tunnel, uint32_t peer, struct dp_peer_stats *out)
{
	const struct dp_kernel *d = ctx;
	const struct room *r = &d->room[tunnel - 1];
	unsigned head = r->head + (r->v6 ? 0 : 20);
	struct mgre_own own;

	if (!mgre_kernel_own(d->mgre, tunnel, peer, &own))
		return false;
	*out = (struct dp_peer_stats){ .rx_packets = own.rx_packets, .rx_bytes = own.rx_bytes + own.rx_packets * head, .tx_packets = own.tx_packets,
		.tx_bytes = own.tx_bytes + own.tx_packets * head };
	return true;
}

static bool
own_unread(void *ctx)
{
	const struct dp_kernel *d = ctx;

	return mgre_kernel_unread(d->mgre);
}

static bool
sa_stats(struct dp *dp, uint32_t spi_in, struct dp_sa_stats *out)
{
	before_reading(of(dp));
	return xfrm_kernel_sa_stats(of(dp)->xfrm, spi_in, out);
}

static bool
link_info(struct dp *dp, uint32_t tunnel, struct dp_link_info *out)
{
	struct dp_kernel *d = of(dp);
	const struct guard_want *w = tunnel && tunnel <= CORE_TUNNELS_MAX ? &d->guarded[tunnel - 1] : NULL;
	struct guard_counts c;

	if (!mgre_kernel_link_info(d->mgre, tunnel, out))
		return false;
	if (w && guard_counts(d->guard, w->name, &c)) {
		out->filter = guard_word(d->guard, w->name);
		out->filter_locks = out->filter && (w->has_key || w->source.n);
		out->mss = w->mss4;
		out->mss_lowered = c.mss;
		out->clear_dropped = c.clear_out + c.clear_in;
	}
	return true;
}

static void
counters(struct dp *dp, dp_counter_fn *fn, void *ctx)
{
	mgre_kernel_counters(of(dp)->mgre, fn, ctx);
	xfrm_kernel_counters(of(dp)->xfrm, fn, ctx);
	guard_counters(of(dp)->guard, fn, ctx);
}

static void
snapshot(struct dp *dp, dp_sa_fn *fn, void *ctx)
{
	xfrm_kernel_snapshot(of(dp)->xfrm, fn, ctx);
}

static int
send_udp(struct dp *dp, const struct endpoint *local, const struct endpoint *remote, struct span payload, enum dp_udp what)
{
	static const struct endpoint any;

	return ikesock_send(of(dp)->sock, local ? local : &any, remote, payload, what == DP_UDP_IKE_WHOLE);
}

static const char *
error(const struct dp *dp)
{
	const struct dp_kernel *d = (const struct dp_kernel *)(const void *)dp;

	return d->by_xfrm ? xfrm_kernel_error(d->xfrm) : mgre_kernel_error(d->mgre);
}

static void
begin(struct dp *dp)
{
	struct dp_kernel *d = of(dp);

	d->collecting = true;
	xfrm_kernel_collect(d->xfrm, true);
	mgre_kernel_collect(d->mgre, true);
}

static void
settle(struct dp *dp, dp_settled_fn *fn, void *ctx)
{
	struct dp_kernel *d = of(dp);
	unsigned n;

	d->collecting = false;
	xfrm_kernel_collect(d->xfrm, false);
	mgre_kernel_collect(d->mgre, false);
	flush(d);
	n = d->n_later;
	d->n_later = d->n_done = 0;
	for (unsigned i = 0; i < n; i++)	/* whoever is told asks for nothing of this plane before he has heard all */
		fn(ctx, i, d->later[i].rc, d->later[i].why);
}

/* The devices first: nothing is left that could send. */
static void
free_kernel(struct dp *dp)
{
	struct dp_kernel *d = of(dp);

	if (!d)
		return;
	mgre_kernel_free(d->mgre);
	bare_free(d->bare);
	xfrm_kernel_free(d->xfrm);
	guard_free(d->guard);
	ikesock_free(d->sock);
	env_free(d->env, d);
}

static size_t
kept(struct dp *dp)
{
	return xfrm_kernel_kept(of(dp)->xfrm);
}

static bool
kept_peer(struct dp *dp, uint32_t peer)
{
	return xfrm_kernel_kept_peer(of(dp)->xfrm, peer);
}

static bool
kept_at(void *ctx, uint32_t tunnel, const struct addr *lladdr)
{
	struct dp_kernel *d = ctx;

	return xfrm_kernel_kept_at(d->xfrm, tunnel, lladdr);
}

static void
on_swept(void *ctx)
{
	struct dp_kernel *d = ctx;

	mgre_kernel_sweep(d->mgre);
}

static const struct dp_ops kernel_ops = {
	.tunnel_set = tunnel_set,
	.tunnel_del = tunnel_del,
	.neigh_set = neigh_set,
	.neigh_del = neigh_del,
	.oper_set = oper_set,
	.sa_add = sa_add,
	.sa_update = sa_update,
	.sa_del = sa_del,
	.spi_alloc = spi_alloc,
	.send = send_nhrp,
	.peer_stats = peer_stats,
	.sa_stats = sa_stats,
	.peer_watch = peer_watch,
	.link_info = link_info,
	.counters = counters,
	.snapshot = snapshot,
	.send_udp = send_udp,
	.error = error,
	.kept = kept,
	.kept_peer = kept_peer,
	.begin = begin,
	.settle = settle,
	.free = free_kernel,
};

/* The device sees addresses that may be synthetic: what is outside is known by the SA. */
static void
on_mgre(void *ctx, const struct dp_event *ev)
{
	struct dp_kernel *d = ctx;
	struct dp_event real = *ev;

	if (ev->kind == DP_EV_NHRP)	/* by an SA that may be new: it is sent on from now on */
		xfrm_kernel_heard(d->xfrm);
	if (ev->kind == DP_EV_NHRP && !bare_has(d->bare, ev->tunnel) && !xfrm_kernel_peer_outer(d->xfrm, ev->tunnel, ev->peer, &real.local, &real.remote))
		return;
	d->fn(d->ctx, &real);
}

static void
on_ike(void *ctx, const struct endpoint *local, const struct endpoint *remote, struct span message)
{
	struct dp_kernel *d = ctx;
	struct dp_event ev = { .kind = DP_EV_IKE, .local = *local, .remote = *remote, .packet = message, .natt = true };

	d->fn(d->ctx, &ev);
}

static bool
probe_bpf(char *err, size_t errlen)
{
	int rc = leaving_probe();

	if (rc == -ENOSYS)
		snprintf(err, errlen, "this kernel has no eBPF: CONFIG_BPF_SYSCALL");
	else if (rc == -EPERM)
		snprintf(err, errlen, "this kernel takes no eBPF program from us: CAP_BPF or CAP_SYS_ADMIN is missing");
	else if (rc != 0)
		snprintf(err, errlen, "this kernel takes no eBPF program from us: %s", strerror(-rc));
	return rc == 0;
}

bool
dp_kernel_probe(const struct host *host, const struct dp_kernel_needs *needs, char *err, size_t errlen)
{
	if (needs->bare6) {
		snprintf(err, errlen, "a tunnel without protection has IPv6 outside: the kernel's GRE over IPv6 (ip6_gre) cannot send to more than one peer");
		return false;
	}
	if (needs->two_vrfs) {	/* seen on Linux 6.1: either alone works */
		snprintf(err, errlen, "a tunnel is in a VRF and its outer packets in another: the kernel's GRE in ESP stands still there");
		return false;
	}
	if (!mgre_kernel_probe(err, errlen) || (needs->esp4 && !xfrm_kernel_probe(host->env, false, err, errlen)) ||
	    (needs->esp6 && !xfrm_kernel_probe(host->env, true, err, errlen)))
		return false;
	return (!needs->mss || guard_probe(host, err, errlen)) && (!needs->bpf || probe_bpf(err, errlen));
}

struct dp *
dp_kernel_new(const struct host *host, dp_event_fn *fn, void *ctx, char *err, size_t errlen)
{
	struct dp_kernel *d;

	if (!(d = env_alloc(host->env, sizeof(*d)))) {
		snprintf(err, errlen, "out of memory");
		return NULL;
	}
	*d = (struct dp_kernel){ .dp.ops = &kernel_ops, .env = host->env, .fn = fn, .ctx = ctx };
	if (!(d->guard = guard_new(host)) || !(d->bare = bare_new(host, fn, ctx, NULL)))
		snprintf(err, errlen, "out of memory");
	else if ((d->xfrm = xfrm_kernel_new(host, fn, ctx, err, errlen)) && (d->mgre = mgre_kernel_new(host, on_mgre, d, err, errlen)) &&
	    (d->sock = ikesock_new(host, IKESOCK_4500, on_ike, d, err, errlen))) {
		mgre_kernel_keep(d->mgre, kept_at, d);
		xfrm_kernel_on_swept(d->xfrm, on_swept, d);
		xfrm_kernel_own(d->xfrm, &(struct xfrm_own){ d, own_count, own_unread });
		return &d->dp;
	}
	free_kernel(&d->dp);
	return NULL;
}
