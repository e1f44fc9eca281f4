/* ikecore/engine/natt.c: NAT detection, the move to port 4500, following a mapping, and the selectors of a transport-mode
 * SA behind NAT (RFC 7296 2.23, 2.23.1).
 *
 * Who may follow: the peer is behind NAT and we are not, by an authenticated message or packet that is not a repetition.
 * One case more: both are behind NAT and we are the responder. Then ours is a fixed mapping (we were reachable through
 * it, as a hub in a cloud is), the peer's is the one that moves. */
#include "ikecore/engine/ike_priv.h"

void
ike_natt_build(
    struct ike *k, struct ike_build *b, uint64_t spi_i, uint64_t spi_r, const struct endpoint *local, const struct endpoint *remote)
{
	uint8_t hash[IKE_SHA1_LEN];

	if (local->addr.n) {
		ike_natd_hash(spi_i, spi_r, local, hash);
	} else {	/* we do not know our address: say something that matches nothing, which forces encapsulation */
		k->env.env.random(k->env.env.ctx, hash, sizeof(hash));
	}
	ike_build_notify(b, 0, span_of("", 0), IKE_N_NAT_DETECTION_SOURCE_IP, span_of(hash, sizeof(hash)));
	ike_natd_hash(spi_i, spi_r, remote, hash);
	ike_build_notify(b, 0, span_of("", 0), IKE_N_NAT_DETECTION_DESTINATION_IP, span_of(hash, sizeof(hash)));
}

/* Where encapsulation is forced we say that we do not know our address, which matches nothing. */
const struct endpoint *
ike_natt_said(const struct ike *k, const struct ike_sa *sa, const struct endpoint *local)
{
	static const struct endpoint unknown;

	return ike_profile(k, sa->profile)->encap_force ? &unknown : local;
}

static bool
any_is(const struct ike_msg *m, uint16_t type, const uint8_t hash[static IKE_SHA1_LEN])
{
	for (unsigned i = 0; i < m->n_notify; i++) {
		if (m->notify[i].type == type && span_eq(m->notify[i].data, span_of(hash, IKE_SHA1_LEN)))
			return true;
	}
	return false;
}

/* Leaves natted_local set where it was: it may have been forced by an unknown local address. */
void
ike_natt_detect(struct ike *k, struct ike_sa *sa, const struct ike_rx *rx, const struct ike_msg *m, uint64_t spi_i, uint64_t spi_r)
{
	uint8_t src[IKE_SHA1_LEN], dst[IKE_SHA1_LEN];

	(void)k;
	if (!ike_msg_notify(m, IKE_N_NAT_DETECTION_SOURCE_IP) || !ike_msg_notify(m, IKE_N_NAT_DETECTION_DESTINATION_IP)) {
		sa->ext.natt = sa->natted_local = sa->natted_remote = sa->encap = false;	/* peer does not do NAT traversal */
		return;
	}
	sa->ext.natt = true;
	if (!ike_natd_hash(spi_i, spi_r, &rx->remote, src) || !ike_natd_hash(spi_i, spi_r, &rx->local, dst))
		return;
	sa->natted_local = sa->natted_local || !any_is(m, IKE_N_NAT_DETECTION_DESTINATION_IP, dst);
	sa->natted_remote = !any_is(m, IKE_N_NAT_DETECTION_SOURCE_IP, src);
	sa->encap = sa->natted_local || sa->natted_remote;
}

void
ike_natt_float(struct ike_sa *sa)
{
	if (!sa->encap || sa->local.port == 4500)
		return;
	sa->local.port = 4500;
	if (sa->remote.port == 500)
		sa->remote.port = 4500;
}

bool
ike_natt_may_move(const struct ike_sa *sa)
{
	return sa->natted_remote && (!sa->natted_local || !sa->initiator);
}

void
ike_natt_move(struct ike *k, struct ike_sa *sa, const struct endpoint *local, const struct endpoint *remote)
{
	struct ike_act *a;

	if (sa->state != IKE_SA_EST || !ike_natt_may_move(sa) || remote->addr.n == 0 || remote->port == 0 ||
	    (endpoint_eq(&sa->remote, remote) && endpoint_eq(&sa->local, local)))
		return;
	sa->remote = *remote;
	sa->local = *local;
	ike_sa_set_remote(k, sa);
	ike_qcd_mark(k, sa);
	ike_qcd_renew(k, sa);
	if (sa->announced)
		ike_act(k, IKE_ACT_IKE_MOVED, sa);
	for (struct ike_child *c = sa->children; c; c = c->next) {
		if (c->installed && (a = ike_act(k, IKE_ACT_CHILD_MOVE, sa))) {
			a->spi_in = c->spi_in;
			a->encap = c->encap;
		}
	}
}

void
ike_natt_ts(const struct endpoint *e, struct ike_ts *ts)
{
	*ts = (struct ike_ts){ .type = e->addr.n == 16 ? IKE_TS_IPV6 : IKE_TS_IPV4, .proto = 47, .port_lo = 0, .port_hi = 65535,
		.lo = e->addr, .hi = e->addr };
}

static bool
ts_is_gre(const struct ike_ts *t)
{
	return (t->proto == 47 || t->proto == 0) && t->port_lo == 0 && t->port_hi == 65535;
}

enum {
	TS_COVER = 1,	/* a range that covers the host is fine, */
	TS_OTHER = 2,	/* or any other single one */
	TS_NAMED = 4,	/* GRE must be named, or one host: all of IP for a network is something else */
};

/* The selector of the peer that will do for GRE with `host`. */
static bool
ts_pick(const struct ike_ts_list *l, unsigned how, const struct addr *host, struct ike_ts *out)
{
	for (unsigned i = 0; i < l->n; i++) {
		const struct ike_ts *t = &l->ts[i];
		bool single = addr_eq(&t->lo, &t->hi), covers = how & TS_COVER && addr_cmp(&t->lo, host) <= 0 && addr_cmp(&t->hi, host) >= 0;

		if (!ts_is_gre(t) || t->lo.n != host->n || !(covers || (how & TS_OTHER && single)) || (how & TS_NAMED && !t->proto && !single))
			continue;
		*out = *t;
		out->proto = 47;
		if (covers)
			out->lo = out->hi = *host;
		return true;
	}
	return false;
}

/* Responder. The answer repeats the original addresses (2.23.1). The peer is the initiator of this exchange, which need not
 * be the one of the IKE SA. Who is behind NAT cannot name the address that the other sees. In tunnel mode the peer's
 * GRE may come from another address than its IKE: a loopback's, for one. */
enum ike_drop
ike_natt_ts_select(const struct ike_sa *sa, const struct ike_rx *rx, const struct ike_msg *m, bool tunnel, struct ike_ts *tsi, struct ike_ts *tsr)
{
	unsigned named = tunnel ? TS_NAMED : 0, theirs = sa->natted_remote ? TS_OTHER : tunnel ? TS_COVER | TS_OTHER : TS_COVER;

	return ts_pick(&m->tsi, theirs | named, &rx->remote.addr, tsi) &&
	    ts_pick(&m->tsr, (sa->natted_local ? TS_OTHER : TS_COVER) | named, &rx->local.addr, tsr) ? IKE_OK : IKE_DROP_SELECTORS;
}

/* Initiator: the answer must be the one host we asked for. Who sits behind NAT may answer with the address it has there
 * (strongSwan does); SAs are set up between the addresses of IKE in any case (RFC 7296 2.23.1), so any one host will do. */
bool
ike_natt_ts_is(const struct ike_ts_list *l, bool natted, const struct endpoint *e)
{
	const struct ike_ts *t = &l->ts[0];

	return l->n == 1 && l->skipped == 0 && ts_is_gre(t) && t->lo.n == e->addr.n && addr_eq(&t->lo, &t->hi) && (natted || addr_eq(&t->lo, &e->addr));
}
