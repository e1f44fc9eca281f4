#include "nhrpd/daemon/dp_kernel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "mgre/kernel.h"
#include "mgre/leaving.h"
#include "nhrpd/daemon/ikesock.h"
#include "xfrm/kernel.h"

struct dp_kernel {
	struct dp dp;
	const struct env *env;
	dp_event_fn *fn;
	void *ctx;
	struct mgre_kernel *mgre;
	struct xfrm_kernel *xfrm;
	struct ikesock *sock;	/* 4500 */
};

static struct dp_kernel *
of(struct dp *dp)
{
	return (struct dp_kernel *)(void *)dp;
}

/* The block before the device, always. */
static int
tunnel_set(struct dp *dp, const struct dp_tunnel *t)
{
	struct addr mark = mgre_kernel_mark(t->source.n == 16 ? 16 : 4);
	int rc = xfrm_kernel_tunnel_set(of(dp)->xfrm, t, &mark);

	return rc != 0 ? rc : mgre_kernel_tunnel_set(of(dp)->mgre, t);
}

static int
tunnel_del(struct dp *dp, uint32_t tunnel)
{
	mgre_kernel_tunnel_del(of(dp)->mgre, tunnel);
	return xfrm_kernel_tunnel_del(of(dp)->xfrm, tunnel);
}

static int
neigh_set(struct dp *dp, const struct dp_neigh *n)
{
	return mgre_kernel_neigh_set(of(dp)->mgre, n);
}

static int
neigh_del(struct dp *dp, uint32_t tunnel, const struct addr *proto)
{
	return mgre_kernel_neigh_del(of(dp)->mgre, tunnel, proto);
}

static int
sa_add(struct dp *dp, const struct dp_sa *sa)
{
	struct dp_kernel *d = of(dp);
	struct addr lladdr;
	uint32_t tunnel, peer;
	int rc = xfrm_kernel_sa_add(d->xfrm, sa, &lladdr);

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
	int rc = xfrm_kernel_sa_update(d->xfrm, spi_in, what, local, remote, encap, &lladdr);

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

	if (xfrm_kernel_sa_del(d->xfrm, spi_in, &tunnel, &peer) && !xfrm_kernel_peer_stats(d->xfrm, tunnel, peer, &st))
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

static bool
peer_stats(struct dp *dp, uint32_t tunnel, uint32_t peer, struct dp_peer_stats *out)
{
	return xfrm_kernel_peer_stats(of(dp)->xfrm, tunnel, peer, out);
}

static bool
sa_stats(struct dp *dp, uint32_t spi_in, struct dp_sa_stats *out)
{
	return xfrm_kernel_sa_stats(of(dp)->xfrm, spi_in, out);
}

static bool
link_info(struct dp *dp, uint32_t tunnel, struct dp_link_info *out)
{
	return mgre_kernel_link_info(of(dp)->mgre, tunnel, out);
}

static void
counters(struct dp *dp, dp_counter_fn *fn, void *ctx)
{
	mgre_kernel_counters(of(dp)->mgre, fn, ctx);
	xfrm_kernel_counters(of(dp)->xfrm, fn, ctx);
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
	const char *mgre = mgre_kernel_error(d->mgre);

	return *mgre ? mgre : xfrm_kernel_error(d->xfrm);
}

/* The devices first: nothing is left that could send. */
static void
free_kernel(struct dp *dp)
{
	struct dp_kernel *d = of(dp);

	if (!d)
		return;
	mgre_kernel_free(d->mgre);
	xfrm_kernel_free(d->xfrm);
	ikesock_free(d->sock);
	env_free(d->env, d);
}

static const struct dp_ops kernel_ops = {
	.tunnel_set = tunnel_set,
	.tunnel_del = tunnel_del,
	.neigh_set = neigh_set,
	.neigh_del = neigh_del,
	.sa_add = sa_add,
	.sa_update = sa_update,
	.sa_del = sa_del,
	.spi_alloc = spi_alloc,
	.send = send_nhrp,
	.peer_stats = peer_stats,
	.sa_stats = sa_stats,
	.link_info = link_info,
	.counters = counters,
	.snapshot = snapshot,
	.send_udp = send_udp,
	.error = error,
	.free = free_kernel,
};

/* The device sees addresses that may be synthetic: what is outside is known by the SA. */
static void
on_mgre(void *ctx, const struct dp_event *ev)
{
	struct dp_kernel *d = ctx;
	struct dp_event real = *ev;

	if (ev->kind == DP_EV_NHRP && !xfrm_kernel_peer_outer(d->xfrm, ev->tunnel, ev->peer, &real.local, &real.remote))
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
	for (int v6 = 0; v6 < 2; v6++) {
		if ((v6 ? needs->v6 : needs->v4) && (!mgre_kernel_probe(v6, err, errlen) || !xfrm_kernel_probe(host->env, v6, err, errlen)))
			return false;
	}
	return !needs->bpf || probe_bpf(err, errlen);
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
	if ((d->xfrm = xfrm_kernel_new(host, fn, ctx, err, errlen)) && (d->mgre = mgre_kernel_new(host, on_mgre, d, err, errlen)) &&
	    (d->sock = ikesock_new(host, IKESOCK_4500, on_ike, d, err, errlen)))
		return &d->dp;
	free_kernel(&d->dp);
	return NULL;
}
