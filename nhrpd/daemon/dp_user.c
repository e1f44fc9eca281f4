#include "nhrpd/daemon/dp_user.h"

#include <stdio.h>

#include "mgre/link.h"
#include "mgre/user.h"
#include "xfrm/bare.h"
#include "xfrm/user.h"

struct dp_user {
	struct dp dp;
	const struct env *env;
	struct mgre_user *mgre;
	struct xfrm_user *xfrm;
	struct bare *bare;	/* tunnels without protection */
	struct dpsec_out sealed;	/* xfrm's */
	bool by_bare;	/* whose error() is the last one's */
};

enum { LINK_MTU = 1500 /* where the source address is nobody's yet */ };

static struct dp_user *
of(struct dp *dp)
{
	return (struct dp_user *)(void *)dp;
}

static int
tunnel_set(struct dp *dp, const struct dp_tunnel *t)
{
	struct dp_user *d = of(dp);
	unsigned link = t->bare && t->source.n ? link_mtu_of_address(&t->source) : 0;
	int rc = t->bare ? bare_tunnel_set(d->bare, t, (link ? link : LINK_MTU) - (t->source.n == 16 ? 40 : 20)) : 0;

	d->by_bare = rc != 0;
	return rc != 0 ? rc : mgre_user_tunnel_set(d->mgre, t);
}

static int
tunnel_del(struct dp *dp, uint32_t tunnel)
{
	bare_tunnel_del(of(dp)->bare, tunnel);
	return mgre_user_tunnel_del(of(dp)->mgre, tunnel);
}

static int
neigh_set(struct dp *dp, const struct dp_neigh *n)
{
	return mgre_user_neigh_set(of(dp)->mgre, n);
}

static int
neigh_del(struct dp *dp, uint32_t tunnel, const struct addr *proto)
{
	return mgre_user_neigh_del(of(dp)->mgre, tunnel, proto);
}

static int
oper_set(struct dp *dp, uint32_t tunnel, bool up)
{
	return mgre_user_oper_set(of(dp)->mgre, tunnel, up);
}

static int
sa_add(struct dp *dp, const struct dp_sa *sa)
{
	struct dp_user *d = of(dp);
	struct dp_sa_stats st;
	uint32_t tunnel, peer;
	bool again = sa->bare ? bare_sa_find(d->bare, sa->spi_in, &tunnel, &peer) : xfrm_user_sa_stats(d->xfrm, sa->spi_in, &st);
	int rc = again ? 0 : mgre_user_peer_ref(d->mgre, sa->tunnel, sa->peer);

	if (rc != 0)
		return rc;
	rc = sa->bare ? bare_sa_add(d->bare, sa) : xfrm_user_sa_add(d->xfrm, sa);
	if (rc != 0 && !again)
		mgre_user_peer_unref(d->mgre, sa->tunnel, sa->peer);
	return rc;
}

static int
sa_update(struct dp *dp, uint32_t spi_in, enum dp_sa_update what, const struct endpoint *local, const struct endpoint *remote, bool encap)
{
	return xfrm_user_sa_update(of(dp)->xfrm, spi_in, what, local, remote, encap);
}

static int
sa_del(struct dp *dp, uint32_t spi_in)
{
	struct dp_user *d = of(dp);
	uint32_t tunnel, peer;

	if (bare_sa_del(d->bare, spi_in, &tunnel, &peer) || xfrm_user_sa_del(d->xfrm, spi_in, &tunnel, &peer))
		mgre_user_peer_unref(d->mgre, tunnel, peer);
	return 0;
}

static uint32_t
spi_alloc(struct dp *dp)
{
	return xfrm_user_spi_alloc(of(dp)->xfrm);
}

static int
send_nhrp(struct dp *dp, uint32_t tunnel, uint32_t peer, struct span nhrp)
{
	return mgre_user_send(of(dp)->mgre, tunnel, peer, nhrp);
}

/* What the security side refused before a tunnel saw it counts as the peer's too. */
static bool
peer_stats(struct dp *dp, uint32_t tunnel, uint32_t peer, struct dp_peer_stats *out)
{
	if (!mgre_user_peer_stats(of(dp)->mgre, tunnel, peer, out))
		return false;
	out->rx_drops += xfrm_user_peer_rx_drops(of(dp)->xfrm, tunnel, peer);
	xfrm_user_peer_path(of(dp)->xfrm, tunnel, peer, out);
	return true;
}

static bool
sa_stats(struct dp *dp, uint32_t spi_in, struct dp_sa_stats *out)
{
	return xfrm_user_sa_stats(of(dp)->xfrm, spi_in, out);
}

static bool
link_info(struct dp *dp, uint32_t tunnel, struct dp_link_info *out)
{
	if (!mgre_user_link_info(of(dp)->mgre, tunnel, out))
		return false;
	out->offload |= xfrm_user_offloads(of(dp)->xfrm);
	out->has_offload = true;
	xfrm_user_crypto_info(out);
	return true;
}

static void
crypto(struct dp *dp, enum dp_crypto want)
{
	(void)dp;
	xfrm_user_crypto(want);
}

static void
offload(struct dp *dp, unsigned off)
{
	mgre_user_offload(of(dp)->mgre, off);
	xfrm_user_offload(of(dp)->xfrm, off);
}

static void
counters(struct dp *dp, dp_counter_fn *fn, void *ctx)
{
	mgre_user_counters(of(dp)->mgre, fn, ctx);
	xfrm_user_counters(of(dp)->xfrm, fn, ctx);
	bare_counters(of(dp)->bare, fn, ctx);
}

static void
snapshot(struct dp *dp, dp_sa_fn *fn, void *ctx)
{
	xfrm_user_snapshot(of(dp)->xfrm, fn, ctx);
}

static int
send_udp(struct dp *dp, const struct endpoint *local, const struct endpoint *remote, struct span payload, enum dp_udp what)
{
	return what == DP_UDP_IKE_WHOLE ? xfrm_user_send_whole(of(dp)->xfrm, local, remote, payload) :
					  xfrm_user_send_udp(of(dp)->xfrm, local, remote, payload, what == DP_UDP_IKE);
}

static const char *
error(const struct dp *dp)
{
	const struct dp_user *d = (const struct dp_user *)(const void *)dp;

	return d->by_bare ? bare_error(d->bare) : mgre_user_error(d->mgre);
}

static void
peer_watch(struct dp *dp, uint32_t tunnel, uint32_t peer)
{
	mgre_user_peer_watch(of(dp)->mgre, tunnel, peer);
}

static int
shape(struct dp *dp, uint32_t tunnel, uint32_t peer, uint64_t rate)
{
	of(dp)->by_bare = false;
	return mgre_user_shape(of(dp)->mgre, tunnel, peer, rate);
}

static void
free_user(struct dp *dp)
{
	struct dp_user *d = of(dp);

	if (!d)
		return;
	bare_free(d->bare);
	mgre_user_free(d->mgre);	/* the devices first: nothing is left that could send */
	xfrm_user_free(d->xfrm);
	env_free(d->env, d);
}

static void
path_result(struct dp *dp, uint32_t tunnel, uint32_t peer, unsigned size, enum dp_path_result r)
{
	xfrm_user_path_result(of(dp)->xfrm, tunnel, peer, size, r);
}

static const struct dp_ops user_ops = {
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
	.link_info = link_info,
	.counters = counters,
	.snapshot = snapshot,
	.send_udp = send_udp,
	.error = error,
	.path_result = path_result,
	.peer_watch = peer_watch,
	.shape = shape,
	.offload = offload,
	.crypto = crypto,
	.free = free_user,
};

/* ---- the seam: each packet goes where its tunnel belongs */

static void
slot(void *ctx, struct dpsec_pkt *pkt)
{
	const struct dp_user *d = ctx;

	d->sealed.slot(d->sealed.ctx, pkt);
}

static bool
seal(void *ctx, uint32_t tunnel, uint32_t peer, const struct dpsec_pkt *pkt)
{
	const struct dp_user *d = ctx;

	return bare_has(d->bare, tunnel) ? bare_seal(d->bare, tunnel, peer, pkt) : d->sealed.seal(d->sealed.ctx, tunnel, peer, pkt);
}

static void
flush(void *ctx)
{
	const struct dp_user *d = ctx;

	d->sealed.flush(d->sealed.ctx);
}

static unsigned
payload_max(void *ctx, uint32_t tunnel, uint32_t peer)
{
	const struct dp_user *d = ctx;

	return bare_has(d->bare, tunnel) ? bare_payload_max(d->bare, tunnel, peer) : d->sealed.payload_max(d->sealed.ctx, tunnel, peer);
}

static unsigned
payload_guess(void *ctx, unsigned link_mtu, bool outer_v6)
{
	const struct dp_user *d = ctx;

	return d->sealed.payload_guess(d->sealed.ctx, link_mtu, outer_v6);
}

struct dp *
dp_user_new(const struct host *host, dp_event_fn *fn, void *ctx, char *err, size_t errlen)
{
	struct dp_user *d = env_alloc(host->env, sizeof(*d));
	struct dpsec_in in;
	struct dpsec_out out;

	if (!d) {
		snprintf(err, errlen, "no memory");
		return NULL;
	}
	d->dp.ops = &user_ops;
	d->env = host->env;
	d->mgre = mgre_user_new(host, fn, ctx, err, errlen);
	if (!d->mgre)
		goto fail;
	in = mgre_user_seam(d->mgre);
	d->xfrm = xfrm_user_new(host, fn, ctx, &in, err, errlen);
	if (!d->xfrm)
		goto fail;
	if (!(d->bare = bare_new(host, fn, ctx, &in))) {
		snprintf(err, errlen, "no memory");
		goto fail;
	}
	d->sealed = xfrm_user_seam(d->xfrm);
	out = (struct dpsec_out){ d, slot, seal, flush, payload_max, payload_guess };
	mgre_user_connect(d->mgre, &out);
	return &d->dp;
fail:
	free_user(&d->dp);
	return NULL;
}
