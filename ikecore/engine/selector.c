/* ikecore/engine/selector.c: what an ESP SA is for: its mode and traffic selectors (RFC 7296 1.3.1, 2.9), by the profile.
 *
 * GRE between the two hosts travels in transport mode, or in tunnel mode where the profile says so or the peer takes no other and
 * the profile does not insist (enum ike_mode); natt.c has its selectors, because NAT gets into them. In tunnel mode they are the
 * addresses of the IP header inside: of a peer behind NAT those it has there, which several may share, as what is told apart
 * is the SA. A profile with selectors of its own is for plain IP packets in tunnel mode: the ranges it names, which a responder
 * narrows to what both ends have and an initiator takes narrowed. A peer that asks for transport mode where only tunnel mode is
 * to be had gets that: the answer does not name the other, as 1.3.1 has it. Rekeying negotiates anew, from the profile and not
 * from what came of it last time.
 *
 * A range may be of one protocol and of some ports (3.13.1). Not here: types of ICMP and of mobility headers, which stand where ports do,
 * and ports that are OPAQUE. A range that a peer limits so is passed over; so is one of GRE where plain packets are meant: it is for the
 * other kind of tunnel. */
#include "ikecore/engine/ike_priv.h"

#include <stdio.h>

#include "lib/traffic.h"

enum { PORT_MAX = 65535, GRE = 47 };

static bool
all_ports(const struct ike_ts *t)
{
	return t->port_lo == 0 && t->port_hi == PORT_MAX;
}

static bool
understood(const struct ike_ts *t)
{
	return t->proto != GRE && (all_ports(t) || (traffic_has_ports(t->proto) && t->port_lo <= t->port_hi)) && addr_cmp(&t->lo, &t->hi) <= 0;
}

static struct ike_ts
ts_of(const struct dp_range *r)
{
	return (struct ike_ts){ .type = r->lo.n == 16 ? IKE_TS_IPV6 : IKE_TS_IPV4, .proto = r->proto, .port_lo = r->ports ? r->port_lo : 0,
		.port_hi = r->ports ? r->port_hi : PORT_MAX, .lo = r->lo, .hi = r->hi };
}

static struct dp_range
range_of(const struct ike_ts *t)
{
	struct dp_range r = { .lo = t->lo, .hi = t->hi, .proto = t->proto, .ports = !all_ports(t) };

	if (r.ports) {
		r.port_lo = t->port_lo;
		r.port_hi = t->port_hi;
	}
	return r;
}

static void
list_of(const struct dp_range *r, unsigned n, struct ike_ts_list *out)
{
	for (out->n = 0; out->n < n && out->n < IKE_MSG_TS_MAX; out->n++)
		out->ts[out->n] = ts_of(&r[out->n]);
}

static uint8_t
ranges_of(const struct ike_ts_list *l, struct dp_range out[static DP_RANGES])
{
	uint8_t n = 0;

	for (unsigned i = 0; i < l->n && n < DP_RANGES; i++)
		out[n++] = range_of(&l->ts[i]);
	return n;
}

static bool
common(const struct ike_ts *a, const struct ike_ts *b, struct ike_ts *out)
{
	if (a->lo.n != b->lo.n || (a->proto && b->proto && a->proto != b->proto))
		return false;
	*out = *a;
	out->proto = a->proto ? a->proto : b->proto;
	out->lo = addr_cmp(&b->lo, &a->lo) > 0 ? b->lo : a->lo;
	out->hi = addr_cmp(&b->hi, &a->hi) < 0 ? b->hi : a->hi;
	out->port_lo = b->port_lo > a->port_lo ? b->port_lo : a->port_lo;
	out->port_hi = b->port_hi < a->port_hi ? b->port_hi : a->port_hi;
	return addr_cmp(&out->lo, &out->hi) <= 0 && out->port_lo <= out->port_hi;
}

static bool
contains(const struct ike_ts *t, const struct ike_ts *in)
{
	return t->lo.n == in->lo.n && (!t->proto || t->proto == in->proto) && addr_cmp(&in->lo, &t->lo) >= 0 && addr_cmp(&in->hi, &t->hi) <= 0 &&
	    in->port_lo >= t->port_lo && in->port_hi <= t->port_hi;
}

/* What theirs and ours have in common. False: nothing. */
static bool
narrow(const struct ike_ts_list *theirs, const struct dp_range *own, unsigned n_own, struct ike_ts_list *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < n_own; i++) {
		for (unsigned j = 0; j < theirs->n && out->n < DP_RANGES; j++) {
			struct ike_ts ours = ts_of(&own[i]);

			if (understood(&theirs->ts[j]) && common(&theirs->ts[j], &ours, &out->ts[out->n]))
				out->n++;
		}
	}
	return out->n > 0;
}

/* Is all of the answer within what was asked for? */
static bool
inside(const struct ike_ts_list *l, const struct dp_range *own, unsigned n_own)
{
	unsigned in = 0;

	for (unsigned i = 0; i < l->n; i++) {
		for (unsigned j = 0; j < n_own; j++) {
			struct ike_ts ours = ts_of(&own[j]);

			if (understood(&l->ts[i]) && contains(&ours, &l->ts[i])) {
				in++;
				break;
			}
		}
	}
	return in > 0 && in == l->n && l->n <= DP_RANGES && l->skipped == 0;
}

void
ike_sel_ask_mode(const struct ike_profile *p, struct ike_tx *t)
{
	if (!dp_plain(&p->plain) && p->mode != IKE_MODE_TUNNEL)
		ike_tx_notify(t, IKE_N_USE_TRANSPORT_MODE);
}

void
ike_sel_answer_mode(const struct dp_selectors *sel, struct ike_tx *t)
{
	if (!sel->n_local)
		ike_tx_notify(t, IKE_N_USE_TRANSPORT_MODE);
}

/* Does the profile take tunnel mode for GRE? */
static bool
takes_tunnel(const struct ike *k, const struct ike_profile *p)
{
	return p->mode != IKE_MODE_TRANSPORT_ONLY && !k->conf->no_tunnel;
}

static void
gre_in_tunnel(const struct addr *local, const struct addr *remote, struct dp_selectors *sel)
{
	sel->gre = true;
	sel->n_local = sel->n_remote = 1;
	sel->local[0] = (struct dp_range){ .lo = *local, .hi = *local };
	sel->remote[0] = (struct dp_range){ .lo = *remote, .hi = *remote };
}

void
ike_sel_build(struct ike_tx *t, const struct ike_ts_pair *ts)
{
	ike_build_ts(&t->b, IKE_PL_TSI, ts->i.ts, ts->i.n);
	ike_build_ts(&t->b, IKE_PL_TSR, ts->r.ts, ts->r.n);
}

/* The hosts of our requests. In tunnel mode a peer behind NAT knows itself by the address that it has there, and refuses the one we
 * see: so those that were agreed on last, if there are any (RFC 7296 2.9.2). */
static void
in_use(const struct ike_sa *sa, struct endpoint *local, struct endpoint *remote)
{
	*local = sa->local;
	*remote = sa->remote;
	if (sa->inner_local.n) {
		local->addr = sa->inner_local;
		remote->addr = sa->inner_remote;
	}
}

void
ike_sel_note(struct ike_sa *sa, const struct dp_selectors *agreed)
{
	static const struct addr none;

	sa->inner_local = agreed->gre ? agreed->local[0].lo : none;
	sa->inner_remote = agreed->gre ? agreed->remote[0].lo : none;
}

void
ike_sel_offer(const struct ike_profile *p, const struct ike_sa *sa, uint32_t set, struct ike_ts_pair *out)
{
	const struct dp_selectors *s = ike_pair_of(p, set);
	struct endpoint ends[2];

	memset(out, 0, sizeof(*out));
	if (dp_plain(&p->plain)) {
		s = s ? s : &p->plain;	/* a configuration changed in between: refused with the answer */
		list_of(s->local, s->n_local, &out->i);
		list_of(s->remote, s->n_remote, &out->r);
		return;
	}
	out->i.n = out->r.n = 1;
	in_use(sa, &ends[0], &ends[1]);
	ike_natt_ts(&ends[0], &out->i.ts[0]);
	ike_natt_ts(&ends[1], &out->r.ts[0]);
}

static enum ike_drop
narrow_gre(const struct ike *k, const struct ike_profile *p, const struct ike_sa *sa, const struct ike_rx *rx, const struct ike_msg *m,
    struct ike_ts_pair *out, struct dp_selectors *sel)
{
	bool tunnel = p->mode == IKE_MODE_TUNNEL || !ike_msg_notify(m, IKE_N_USE_TRANSPORT_MODE);
	enum ike_drop d;

	if (tunnel && !takes_tunnel(k, p))
		return IKE_DROP_MODE;
	out->i.n = out->r.n = 1;
	d = ike_natt_ts_select(sa, rx, m, tunnel, &out->i.ts[0], &out->r.ts[0]);
	if (d == IKE_OK && tunnel)
		gre_in_tunnel(&out->r.ts[0].lo, &out->i.ts[0].lo, sel);
	return d;
}

static bool
narrow_to(const struct dp_selectors *s, const struct ike_msg *m, struct ike_ts_pair *out)
{
	return narrow(&m->tsi, s->remote, s->n_remote, &out->i) && narrow(&m->tsr, s->local, s->n_local, &out->r);
}

/* The set that has all of what is asked for, else the first that has some of it. A child that is rekeyed stays with its own. */
static const struct dp_selectors *
set_for(const struct ike_profile *p, const struct ike_msg *m, const struct ike_child *old, struct ike_ts_pair *out)
{
	const struct dp_selectors *s = old ? ike_pair_of(p, old->set) : NULL, *some = NULL;

	if (s && narrow_to(s, m, out))
		return s;
	for (unsigned i = 0; i < ike_pairs(p); i++) {
		s = ike_pair_at(p, i);
		if (!narrow_to(s, m, out))
			continue;
		if (inside(&m->tsi, s->remote, s->n_remote) && inside(&m->tsr, s->local, s->n_local))
			return s;
		some = some ? some : s;
	}
	return some && narrow_to(some, m, out) ? some : NULL;
}

enum ike_drop
ike_sel_narrow(const struct ike *k, const struct ike_sa *sa, const struct ike_rx *rx, const struct ike_msg *m, const struct ike_child *old,
    struct ike_ts_pair *out, struct dp_selectors *sel)
{
	const struct ike_profile *p = ike_profile(k, sa->profile);
	const struct dp_selectors *s;

	memset(out, 0, sizeof(*out));
	memset(sel, 0, sizeof(*sel));
	if (!dp_plain(&p->plain))
		return narrow_gre(k, p, sa, rx, m, out, sel);
	if (!(s = set_for(p, m, old, out)))
		return IKE_DROP_SELECTORS;
	sel->set = s->set;
	sel->order = s->order;
	sel->n_local = ranges_of(&out->r, sel->local);
	sel->n_remote = ranges_of(&out->i, sel->remote);
	return IKE_OK;
}

enum ike_drop
ike_sel_agreed(const struct ike *k, const struct ike_sa *sa, const struct ike_msg *m, uint32_t set, struct dp_selectors *sel)
{
	const struct ike_profile *p = ike_profile(k, sa->profile);
	const struct dp_selectors *s = ike_pair_of(p, set);
	bool plain = dp_plain(&p->plain), transport = ike_msg_notify(m, IKE_N_USE_TRANSPORT_MODE);
	struct endpoint ends[2];

	memset(sel, 0, sizeof(*sel));
	if (transport ? plain || p->mode == IKE_MODE_TUNNEL : !plain && !takes_tunnel(k, p))
		return IKE_DROP_MODE;
	if (!plain) {
		in_use(sa, &ends[0], &ends[1]);
		if (!ike_natt_ts_is(&m->tsi, sa->natted_local, &ends[0]) || !ike_natt_ts_is(&m->tsr, sa->natted_remote, &ends[1]))
			return IKE_DROP_SELECTORS;
		if (!transport)
			gre_in_tunnel(&m->tsi.ts[0].lo, &m->tsr.ts[0].lo, sel);
		return IKE_OK;
	}
	sel->set = set;	/* also of one that is refused: it is closed under it */
	if (!s || !inside(&m->tsi, s->local, s->n_local) || !inside(&m->tsr, s->remote, s->n_remote))
		return IKE_DROP_SELECTORS;
	sel->order = s->order;
	sel->n_local = ranges_of(&m->tsi, sel->local);
	sel->n_remote = ranges_of(&m->tsr, sel->remote);
	return IKE_OK;
}

static bool
asks_gre(const struct ike_msg *m)
{
	for (unsigned i = 0; i < m->tsi.n; i++) {
		if (m->tsi.ts[i].proto == GRE)
			return true;
	}
	return ike_msg_notify(m, IKE_N_USE_TRANSPORT_MODE) != NULL;
}

bool
ike_sel_fits(const struct ike_profile *p, const struct ike_msg *m)
{
	struct ike_ts_pair out;

	if (!ike_msg_has(m, IKE_PL_SA))
		return true;
	if (asks_gre(m) || !dp_plain(&p->plain))
		return asks_gre(m) && !dp_plain(&p->plain);
	return set_for(p, m, NULL, &out) != NULL;
}

/* ---- in words */

/* "10.1.0.0/16", or "10.1.0.1-10.1.0.9" for what is no prefix; "10.1.0.0/16[tcp/443]". */
static size_t
put_range(char *out, size_t size, const struct dp_range *r)
{
	char lo[ADDR_STRLEN], hi[ADDR_STRLEN], of[TRAFFIC_STRLEN];

	for (unsigned bits = 0; bits <= addr_bits(&r->lo); bits++) {
		struct prefix p = prefix_of(&r->lo, (uint8_t)bits);
		struct addr last = r->lo;

		for (unsigned i = bits; i < addr_bits(&last); i++)
			last.b[i / 8] |= (uint8_t)(0x80 >> i % 8);
		if (addr_eq(&p.addr, &r->lo) && addr_eq(&last, &r->hi))
			return (size_t)snprintf(out, size, "%s/%u%s", addr_fmt(&r->lo, lo), bits, traffic_fmt(r, of));
	}
	return (size_t)snprintf(out, size, "%s-%s%s", addr_fmt(&r->lo, lo), addr_fmt(&r->hi, hi), traffic_fmt(r, of));
}

static void
put_side(char *out, size_t size, const struct dp_range *r, unsigned n)
{
	size_t at = 0;

	snprintf(out, size, "nothing");
	for (unsigned i = 0; i < n && at + 2 < size; i++) {
		if (i)
			out[at++] = ',';
		at += put_range(out + at, size - at, &r[i]);
	}
}

char *
ike_selectors_fmt(const struct dp_selectors *s, char *out, size_t size)
{
	char local[IKE_WORDS_MAX / 2 - 4], remote[IKE_WORDS_MAX / 2 - 4];

	put_side(local, sizeof(local), s->local, s->n_local);
	put_side(remote, sizeof(remote), s->remote, s->n_remote);
	snprintf(out, size, "%s to %s", local, remote);
	return out;
}

/* As the peer sees it: from its side to ours. */
const char *
ike_sel_mismatch(const struct ike_profile *p, const struct ike_msg *m, char out[static IKE_REASON_MAX])
{
	char theirs[IKE_WORDS_MAX], ours[IKE_WORDS_MAX] = "GRE between our two addresses";
	struct dp_selectors s = { .n_local = 0 };

	if (dp_plain(&p->plain))
		ike_pairs_fmt(p, ours, sizeof(ours));
	s.n_local = ranges_of(&m->tsr, s.local);
	s.n_remote = ranges_of(&m->tsi, s.remote);
	snprintf(out, IKE_REASON_MAX, "no traffic selectors in common: peer asks for %s%s, here is %s", asks_gre(m) ? "GRE, " : "",
	    ike_selectors_fmt(&s, theirs, sizeof(theirs)), ours);
	return out;
}

const char *
ike_sel_refused(const struct ike_profile *p, uint32_t set, uint16_t type, const char *otherwise, char out[static IKE_REASON_MAX])
{
	const struct dp_selectors *s = ike_pair_of(p, set);
	char ours[IKE_WORDS_MAX];

	if (!s && (p->mode != IKE_MODE_TUNNEL || type != IKE_N_NO_PROPOSAL_CHOSEN))
		return otherwise;
	if (type == IKE_N_NO_PROPOSAL_CHOSEN)
		return "no IPsec proposal in common, or the peer does not take tunnel mode";
	if (type != IKE_N_TS_UNACCEPTABLE || !s)
		return otherwise;
	snprintf(out, IKE_REASON_MAX, "peer refuses our traffic selectors, %s (TS_UNACCEPTABLE)", ike_selectors_fmt(s, ours, sizeof(ours)));
	return out;
}
