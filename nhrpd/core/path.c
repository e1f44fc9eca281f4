/* nhrpd/core/path.c: the data plane asks whether packets of some size get through to a peer, IKE finds out. */
#include "nhrpd/core/core_priv.h"

static void
answer(struct core *c, uint32_t tunnel, uint32_t peer, unsigned size, enum dp_path_result r)
{
	struct core_act *a = core_act(c, CORE_ACT_PATH_RESULT, tunnel);

	if (!a)
		return;	/* the data plane asks again after a while */
	a->peer = peer;
	a->size = size;
	a->path = r;
}

void
core_path_ask(struct core *c, const struct dp_event *ev)
{
	struct core_peer *p = core_peer(c, ev->peer);
	struct ike_event e = { .kind = IKE_EV_PROBE, .size = ev->size };

	if (!p || p->tunnel != ev->tunnel || !p->ikes) {
		answer(c, ev->tunnel, ev->peer, ev->size, DP_PATH_BUSY);
		return;
	}
	e.sa = p->ikes->sa;
	core_tell_ike(c, &e);
}

void
core_path_result(struct core *c, const struct ike_act *a)
{
	static const enum dp_path_result to[] = { [IKE_PROBE_FITS] = DP_PATH_FITS, [IKE_PROBE_TOO_BIG] = DP_PATH_TOO_BIG,
		[IKE_PROBE_BUSY] = DP_PATH_BUSY };
	struct core_ike *k = core_ike_sa(c, a->sa);

	if (k)
		answer(c, k->peer->tunnel, k->peer->id, a->size, to[a->probe]);
}
