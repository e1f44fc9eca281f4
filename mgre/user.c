/* mgre/user.c: the tunnel side of the user data plane.
 *
 * Owns the TAP devices and what hangs on them in the kernel: addresses, MTU, neighbour entries. The kernel routes; this code
 * does no route lookup. ARP is off and every neighbour is a permanent entry "overlay address -> MAC 02:00:peer number", so the
 * destination MAC of a frame read is the peer, an array index. A next hop without an entry arrives with the device's own MAC:
 * the frame takes the routed path (the fallback peer, a spoke's hub) and the event "unresolved" is raised. A multicast MAC
 * means copies to the peers that asked for them; IPv4 broadcast, which with ARP off also comes with the own MAC, the same.
 *
 * Outbound: TTL is the kernel's business, DSCP and ECN go to the outer header (RFC 6040 normal mode), SYNs have their MSS
 * lowered, what does not fit the path to the peer is answered with ICMP or cut into fragments (RFC 1191, 8201, 4459). Those
 * ICMP messages leave by raw sockets from the tunnel's address rather than through the TAP: a packet that came in by an
 * interface with one of the host's own addresses as its source would be dropped as a martian.
 *
 * Inbound: flags of GRE exactly as configured, then key, then protocol; then the inner packet's lengths; then ECN. A packet
 * that a peer sent and that is not for us is remembered for a moment: when the kernel routes it back into the tunnel to
 * another peer, that is the moment for an NHRP redirect. ICMP redirects the kernel makes of the same occasion stay here.
 *
 * A plain tunnel is the same device without GRE: nothing has a neighbour there, so all frames come with the device's own MAC and go
 * to the fallback peer, as IP packets in tunnel mode; what comes in is one that the SA's selectors allow. Without that peer frames are
 * dropped, and "unresolved" is raised.
 *
 * What goes to a peer may be held to a rate: shape.c, asked where a packet leaves for a peer. NHRP goes past it.
 *
 * Super-packets: the TAP hands over what TCP and UDP have made of up to 64 KiB as one frame; the way to the peer is looked up once
 * for it, and seg.c cuts it straight into the slots of the send batch. What comes in is put together again by join.c, up to the end
 * of the receive burst, before it is written.
 *
 * Relies on lib/dpsec.h to carry packets: sealed, or not at all. Not here: more than one worker. */
#include "config.h"

#include "mgre/user.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "mgre/inner.h"
#include "mgre/link.h"
#include "mgre/tunnel.h"

enum {
	BURST = 64, BURST_OCTETS = 256 * 1024,	/* frames read before the other side gets its turn */
	EVENT_PACKET = 256,	/* octets of a packet shown in DP_EV_REDIRECT */
	LINK_MTU = 1500,	/* supposed where the source address is not known */
	TUN_MTU_MIN = 1280,	/* IPv6 asks for no less */
	MTU_MIN4 = 68,
	MSS_MIN = 216,
	UNRESOLVED_PER_S = 500,	/* reports of a tunnel, all destinations */
	ICMP_PER_S = 100,
	NHRP_TOS = 0xc0,	/* network control */
};

struct mgre_user {
	const struct host *host;
	dp_event_fn *fn;
	void *ctx;
	struct dpsec_out out;
	struct link_nl link;
	struct host_watch *news;
	struct shaper *shaper;	/* NULL: nobody has been shaped so far */
	int shape_fd;	/* its alarm */
	struct host_watch *shape_watch;
	tick_t shape_at;	/* when that rings; TICK_NEVER: not */
	int icmp[2];	/* raw sockets with own header, IPv4 and IPv6; -1: none */
	struct tunnel *tunnels;
	tick_t now;
	unsigned offload_off;	/* enum dp_offload: by configuration */
	bool bursting;	/* packets of a receive burst: now is from its first one */
	uint64_t count[MGRE_COUNTERS];
	struct log_limit said;
	char err[256];
};

static enum mgre_count
counted(struct mgre_user *m, enum mgre_count c)
{
	m->count[c]++;
	return c;
}

static struct tunnel *
find(const struct mgre_user *m, uint32_t id)
{
	for (struct tunnel *t = m->tunnels; t; t = t->next)
		if (t->conf.id == id)
			return t;
	return NULL;
}

static void
refresh_now(struct mgre_user *m)
{
	m->now = m->host->now(m->host->ctx);
}

/* Octets of ours between the ESP header and the inner packet. */
static unsigned
head_size(const struct dp_tunnel *conf)
{
	return conf->plain ? 0 : conf->has_key ? 8 : 4;
}

/* --- out: from the device to peers */

static unsigned
mss_limit(const struct tunnel *t, bool v6, unsigned inner_max)
{
	unsigned mtu = inner_max && inner_max < t->mtu ? inner_max : t->mtu, headers = v6 ? 60 : 40;
	unsigned mss = t->conf.mss == 1 ? (mtu > headers ? mtu - headers : 0) : t->conf.mss;

	return mss < MSS_MIN ? MSS_MIN : mss;
}

static void
clamp(struct mgre_user *m, struct tunnel *t, struct inner *in, unsigned inner_max)
{
	if (t->conf.mss && inner_clamp_mss(in, mss_limit(t, in->v6, inner_max))) {
		counted(m, MGRE_N_MSS);
		t->total.mss_lowered++;
	}
}

/* A slot for a packet of that many octets: where it goes, behind GRE; NULL, there is no room. */
static uint8_t *
slot_for(struct tunnel *t, uint16_t proto, size_t n, struct dpsec_pkt *pkt)
{
	struct mgre_user *m = t->owner;
	size_t head = head_size(&t->conf);

	m->out.slot(m->out.ctx, pkt);
	if (head + n > pkt->room)
		return NULL;
	if (t->conf.plain)
		pkt->next = proto == GRE_IPV6 ? DPSEC_IPV6 : DPSEC_IPV4;
	else
		gre_put(&t->gre, proto, pkt->p);
	pkt->n = head + n;
	return pkt->p + head;
}

static bool
sealed(struct tunnel *t, uint32_t peer, uint16_t proto, struct span inner, uint8_t tos, bool may_fragment)
{
	struct mgre_user *m = t->owner;
	struct tun_peer *p = tunnel_peer(t, peer);
	struct dpsec_pkt pkt;
	uint8_t *at = slot_for(t, proto, inner.n, &pkt);
	bool ok = at;

	if (ok) {
		if (inner.n)
			memcpy(at, inner.p, inner.n);
		pkt.tos = tos;
		pkt.may_fragment = may_fragment;
		ok = m->out.seal(m->out.ctx, t->conf.id, peer, &pkt);
	}
	if (!p || (ok && proto == GRE_NHRP))	/* talk of ours is no use of the peer: two ends would keep a shortcut alive by asking each other */
		return ok;
	if (ok) {
		p->st.tx_packets++;
		p->st.tx_bytes += inner.n;
		p->st.last_tx = m->now;
	} else {
		p->st.tx_drops++;
	}
	return ok;
}

static void
tell_used(struct tunnel *t, uint32_t peer, bool *watch, bool sent)
{
	struct dp_event ev = { .kind = DP_EV_PEER_USED, .tunnel = t->conf.id, .peer = peer, .sent = sent };

	*watch = false;
	t->owner->fn(t->owner->ctx, &ev);
}

static void
note_sent(struct tunnel *t, uint32_t peer, unsigned packets, size_t octets)
{
	struct tun_peer *p = tunnel_peer(t, peer);

	t->owner->count[MGRE_N_TUNNEL_OUT] += packets;
	t->total.tx_packets += packets;
	t->total.tx_bytes += octets;
	if (p && p->watch_tx)
		tell_used(t, peer, &p->watch_tx, true);
}

static bool
send_now(struct tunnel *t, uint32_t peer, bool v6, struct span bytes, uint8_t tos, bool may_fragment)
{
	if (!sealed(t, peer, v6 ? GRE_IPV6 : GRE_IPV4, bytes, tos, may_fragment))
		return false;
	note_sent(t, peer, 1, bytes.n);
	return true;
}

static void
shape_alarm(struct mgre_user *m)
{
	tick_t at = shaper_deadline(m->shaper), wait = at > m->now ? at - m->now : 1;
	struct itimerspec when = { .it_value = { .tv_sec = (time_t)(wait / 1000000), .tv_nsec = (long)(wait % 1000000) * 1000 } };

	if (at >= m->shape_at || timerfd_settime(m->shape_fd, 0, &when, NULL) != 0)
		return;
	m->shape_at = at;
}

/* Here a packet leaves for a peer, unless it is of a super-packet to one without a rate. */
static bool
send_inner(struct tunnel *t, uint32_t peer, const struct inner *in, struct span bytes, bool may_fragment)
{
	struct tun_peer *p = tunnel_peer(t, peer);
	enum shape_verdict v = p && p->shaped ? shape_put(p->shaped, t->owner->now, in, bytes, may_fragment) : SHAPE_NOW;

	if (v == SHAPE_NOW)
		return send_now(t, peer, in->v6, bytes, in->tos, may_fragment);
	shape_alarm(t->owner);
	return v == SHAPE_HELD;
}

/* A raw socket, so that the kernel routes it like any packet of its own: see the head of this file. */
static void
answer_too_big(struct tunnel *t, const struct inner *in, unsigned mtu)
{
	struct mgre_user *m = t->owner;
	const struct addr *src = tunnel_source(t, in->v6);
	struct addr routed;	/* where the device has no address */
	struct sockaddr_in to4 = { .sin_family = AF_INET };
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6 };
	uint8_t packet[ICMP6_QUOTE_MAX];
	size_t n;

	if (!icmp_may_answer(in) || !bucket_take(&t->icmp, m->now, ICMP_PER_S, ICMP_PER_S) || (!src && !link_source_for(&in->src, &routed))) {
		counted(m, MGRE_N_ICMP_HELD);
		return;
	}
	n = icmp_too_big(in, src ? src : &routed, mtu, packet, sizeof(packet));
	memcpy(&to4.sin_addr, in->src.b, 4);
	memcpy(&to6.sin6_addr, in->src.b, 16);
	if (in->v6)
		n = sendto(m->icmp[1], packet, n, MSG_DONTWAIT, (struct sockaddr *)(void *)&to6, sizeof(to6)) > 0 ? n : 0;
	else
		n = sendto(m->icmp[0], packet, n, MSG_DONTWAIT, (struct sockaddr *)(void *)&to4, sizeof(to4)) > 0 ? n : 0;
	counted(m, n ? MGRE_N_ICMP_SENT : MGRE_N_ICMP_HELD);
}

/* RFC 4459, 3.2 to 3.4. IPv6 below its minimum MTU goes out in outer fragments: RFC 2473, 7.1 (b). So does what an SA for some ports may
 * carry: fragments inside have none (RFC 4301, 7). */
static void
send_too_big(struct tunnel *t, uint32_t peer, const struct inner *in, unsigned inner_max)
{
	uint8_t piece[DPSEC_INNER_MAX];
	struct frag f;
	size_t n;

	if ((in->v6 && in->n <= INNER_MTU6_MIN) || (t->conf.ports && !in->v6 && !in->df)) {
		send_inner(t, peer, in, span_of(in->p, in->n), true);
		return;
	}
	if (in->df || inner_max > sizeof(piece) || !frag_begin(&f, in, inner_max)) {
		counted(t->owner, MGRE_DROP_TOO_BIG);
		if (tunnel_peer(t, peer))
			tunnel_peer(t, peer)->st.tx_drops++;
		if (in->df)
			answer_too_big(t, in, in->v6 && inner_max < INNER_MTU6_MIN ? INNER_MTU6_MIN : inner_max);
		return;
	}
	counted(t->owner, MGRE_N_FRAGMENTED);
	while ((n = frag_next(&f, piece)))
		send_inner(t, peer, in, span_of(piece, n), false);
}

static unsigned
inner_max(const struct tunnel *t, uint32_t peer)
{
	const struct dpsec_out *out = &t->owner->out;
	unsigned max = out->payload_max(out->ctx, t->conf.id, peer), head = head_size(&t->conf);

	return max > head ? max - head : 0;
}

/* Its segments are too large for the path, or held to a rate: each has to take the way of those that are. One answer is enough for all. */
static void
send_apart(struct tunnel *t, uint32_t peer, struct seg *s, unsigned max)
{
	uint8_t packet[DPSEC_INNER_MAX];
	struct inner in;
	size_t n;

	while ((n = seg_next(s, packet))) {
		if (inner_parse(packet, n, s->in->v6 ? GRE_IPV6 : GRE_IPV4, &in) != MGRE_OK)
			return;
		if (n <= max)
			send_inner(t, peer, &in, span_of(packet, n), false);
		else
			send_too_big(t, peer, &in, max);
		if (n > max && in.df && !(in.v6 && n <= INNER_MTU6_MIN))
			return;
	}
}

/* A super-packet: one look at the peer, and no copy but the one into the slots. What fails for one segment would fail for the next. */
static void
send_segments(struct tunnel *t, uint32_t peer, struct seg *s)
{
	struct mgre_user *m = t->owner;
	const struct inner *in = s->in;
	uint16_t proto = in->v6 ? GRE_IPV6 : GRE_IPV4;
	struct tun_peer *p = tunnel_peer(t, peer);
	size_t octets = 0, n;
	unsigned packets = 0;
	bool ok = true;

	while (ok && seg_more(s)) {
		struct dpsec_pkt pkt;
		uint8_t *at = slot_for(t, proto, seg_longest(s), &pkt);

		n = at ? seg_next(s, at) : 0;
		pkt.n = head_size(&t->conf) + n;
		pkt.tos = in->tos;
		pkt.may_fragment = false;
		ok = at && m->out.seal(m->out.ctx, t->conf.id, peer, &pkt);
		packets += ok;
		octets += ok ? n : 0;
	}
	counted(m, MGRE_N_SEGMENTED);
	if (p) {
		p->st.tx_packets += packets;
		p->st.tx_bytes += octets;
		p->st.tx_drops += !ok;
		if (packets)
			p->st.last_tx = m->now;
	}
	if (packets)
		note_sent(t, peer, packets, octets);
}

static void
send_super(struct tunnel *t, uint32_t peer, const struct inner *in, unsigned max)
{
	const struct tun_peer *p = tunnel_peer(t, peer);
	struct seg s;

	if (seg_begin(&s, in, in->kind, in->step) != MGRE_OK)
		return;	/* has been looked at: frame_out() */
	if ((p && p->shaped) || (max && seg_longest(&s) > max))
		send_apart(t, peer, &s, max ? max : DPSEC_INNER_MAX);
	else
		send_segments(t, peer, &s);
}

/* Every packet of the tunnel's users that leaves for a peer comes by here, a super-packet as one: in->n octets. */
static void
send_to(struct tunnel *t, uint32_t peer, struct inner *in)
{
	unsigned max = inner_max(t, peer);

	if (in->kind != SEG_NONE) {
		send_super(t, peer, in, max);
		return;
	}
	clamp(t->owner, t, in, max);
	if (max && in->n > max)
		send_too_big(t, peer, in, max);
	else
		send_inner(t, peer, in, span_of(in->p, in->n), false);	/* max 0: refused there for want of an SA, and counted */
}

static void
replicate(struct tunnel *t, struct inner *in)
{
	for (uint32_t i = 0; i < t->n_mcast; i++) {
		send_to(t, t->mcast[i], in);
		counted(t->owner, MGRE_N_REPLICATED);
	}
}

static struct span
event_packet(const struct inner *in)
{
	return span_of(in->p, in->n < EVENT_PACKET ? in->n : EVENT_PACKET);
}

static void
maybe_redirect(struct tunnel *t, uint32_t peer, const struct inner *in)
{
	struct mgre_user *m = t->owner;
	struct dp_event ev = {
		.kind = DP_EV_REDIRECT, .tunnel = t->conf.id, .out_peer = peer, .packet = event_packet(in), .src = in->src, .dst = in->dst
	};

	if (!t->conf.redirect || tunnel_is_own(t, &in->src) || !flow_redirect(&t->flows, m->now, &in->src, &in->dst, peer, &ev.peer))
		return;
	counted(m, MGRE_N_REDIRECT);
	m->fn(m->ctx, &ev);
}

static enum mgre_count
unresolved(struct tunnel *t, struct inner *in)
{
	struct mgre_user *m = t->owner;
	struct dp_event ev = { .kind = DP_EV_UNRESOLVED, .tunnel = t->conf.id, .src = in->src, .dst = in->dst, .packet = event_packet(in) };
	bool have = t->has_fallback;

	if (tunnel_is_broadcast(t, &in->dst)) {
		replicate(t, in);
		return MGRE_OK;
	}
	if (have) {
		send_to(t, t->fallback.peer, in);
		maybe_redirect(t, t->fallback.peer, in);
	}
	if (t->conf.plain && have)	/* nobody else could be meant */
		return MGRE_OK;
	counted(m, MGRE_N_UNRESOLVED);
	if (!t->doomed && dest_unresolved(&t->flows, m->now, &in->dst) &&
	    bucket_take(&t->unresolved, m->now, UNRESOLVED_PER_S, UNRESOLVED_PER_S))
		m->fn(m->ctx, &ev);
	else
		counted(m, MGRE_N_UNRESOLVED_HELD);
	return have ? MGRE_OK : MGRE_DROP_NO_NEXT_HOP;
}

/* The packet in a frame, whole or to be cut, as the virtio header before it says. */
static enum mgre_count
read_frame(uint8_t *vnet, uint8_t *frame, size_t n, uint16_t type, struct inner *in)
{
	enum seg_kind kind = SEG_NONE;
	size_t step = 0;
	enum mgre_count drop = vnet ? tap_finish(vnet, frame, n, &kind, &step) : MGRE_OK;
	struct seg s;

	if (drop == MGRE_OK)
		drop = inner_parse(frame + TAP_ETH, n - TAP_ETH, type, in);
	if (drop != MGRE_OK || kind == SEG_NONE)
		return drop;
	in->kind = kind;
	in->step = (uint16_t)step;
	drop = seg_begin(&s, in, kind, step);
	return drop == MGRE_OK && seg_longest(&s) > DPSEC_INNER_MAX ? MGRE_DROP_FRAME_OFFLOAD : drop;
}

static enum mgre_count
frame_out(struct tunnel *t, uint8_t *vnet, uint8_t *frame, size_t n)
{
	struct inner in;
	enum mgre_count drop;
	uint16_t type;
	uint32_t peer;

	if (n < TAP_ETH)
		return MGRE_DROP_FRAME_SHORT;
	type = get_be16(frame + 12);
	if (type != GRE_IPV4 && type != GRE_IPV6)
		return MGRE_DROP_FRAME_TYPE;
	drop = read_frame(vnet, frame, n, type, &in);
	if (drop != MGRE_OK)
		return drop;
	if (inner_is_redirect(&in))	/* on this network redirects are NHRP's */
		return MGRE_DROP_KERNEL_REDIRECT;
	if (frame[0] & 1) {
		replicate(t, &in);
		return MGRE_OK;
	}
	if (memcmp(frame, t->mac, TAP_MAC) == 0)
		return unresolved(t, &in);
	if (!tap_mac_peer(frame, &peer))
		return MGRE_DROP_FRAME_ADDRESS;
	if (!tunnel_peer(t, peer))
		return MGRE_DROP_NO_PEER;
	send_to(t, peer, &in);
	maybe_redirect(t, peer, &in);
	return MGRE_OK;
}

static void destroy(struct mgre_user *m, struct tunnel *t);

/* A lost device is heard of twice, by its queue and by netlink. */
static void
tell_link(struct tunnel *t, bool up, bool gone)
{
	struct dp_event ev = { .kind = DP_EV_LINK, .tunnel = t->conf.id, .link_up = up, .link_gone = gone };

	if (t->gone || (t->up == up && !gone))
		return;
	t->up = up;
	t->gone = gone;
	t->owner->fn(t->owner->ctx, &ev);
}

static void
busy_end(struct tunnel *t)
{
	if (--t->busy == 0 && t->doomed)
		destroy(t->owner, t);
}

static void
queue_lost(struct tun_worker *w)
{
	w->t->owner->host->unwatch(w->t->owner->host->ctx, w->watch);
	w->watch = NULL;
	tell_link(w->t, false, true);
}

static void
readable(void *arg)
{
	struct tun_worker *w = arg;
	struct tunnel *t = w->t;
	struct mgre_user *m = t->owner;
	size_t head = t->vnet ? TAP_VNET : 0, octets = 0;
	ssize_t n = 0;

	refresh_now(m);
	t->busy++;
	for (int i = 0; i < BURST && octets < BURST_OCTETS && !t->doomed; i++) {
		enum mgre_count drop;

		n = read(w->fd, w->buf, TUN_FRAME);
		if (n < 0)
			break;
		octets += (size_t)n;
		drop = (size_t)n < head ? MGRE_DROP_FRAME_SHORT : frame_out(t, t->vnet ? w->buf : NULL, w->buf + head, (size_t)n - head);
		if (drop != MGRE_OK)
			counted(m, drop);
	}
	if (n < 0 && errno != EAGAIN && errno != EINTR && !t->doomed)
		queue_lost(w);
	m->out.flush(m->out.ctx);
	busy_end(t);
}

static void
shape_send(void *owner, uint32_t peer, const struct shape_pkt *p)
{
	struct tunnel *t = owner;

	t->busy++;
	send_now(t, peer, p->v6, p->bytes, p->tos, p->may_fragment);
	busy_end(t);
}

static void
shape_due(void *arg)
{
	struct mgre_user *m = arg;
	uint64_t rings;

	if (read(m->shape_fd, &rings, sizeof(rings)) < 0 && errno != EAGAIN)
		return;
	refresh_now(m);
	m->shape_at = TICK_NEVER;
	shaper_run(m->shaper, m->now);
	m->out.flush(m->out.ctx);
	shape_alarm(m);
}

/* --- in: from peers to the device */

/* What the device does not take has not come in after all. What is refused as a super-packet comes again in pieces. */
static int
write_tap(void *ctx, uint32_t peer, const struct iovec *iov, unsigned n_iov, unsigned packets, size_t octets)
{
	struct tunnel *t = ctx;
	struct mgre_user *m = t->owner;
	struct iovec first = { (uint8_t *)iov[0].iov_base + TAP_VNET, iov[0].iov_len - TAP_VNET }, bare[2] = { first, iov[1] };
	struct tun_peer *p = tunnel_peer(t, peer);
	int e;

	if ((t->vnet ? writev(t->worker[0].fd, iov, (int)n_iov) : writev(t->worker[0].fd, bare, 2)) >= 0) {
		m->count[MGRE_N_JOINED] += packets > 1;
		return 0;
	}
	e = errno;
	if (packets > 1 && e == EINVAL) {
		counted(m, MGRE_N_JOIN_REFUSED);
		return -e;
	}
	m->count[MGRE_DROP_TAP_WRITE] += packets;
	m->count[MGRE_N_TUNNEL_IN] -= packets;
	t->total.rx_packets -= packets;
	t->total.rx_bytes -= octets;
	if (p) {
		p->st.rx_packets -= packets;
		p->st.rx_bytes -= octets;
		p->st.rx_drops += packets;
	}
	return -e;
}

static void
write_frame(struct tunnel *t, uint32_t peer, const struct inner *in)
{
	uint8_t eth[TAP_ETH];

	memcpy(eth, t->mac, TAP_MAC);
	if (addr_is_multicast(&in->dst) && in->v6) {
		put_be16(eth, 0x3333);
		memcpy(eth + 2, in->dst.b + 12, 4);
	} else if (addr_is_multicast(&in->dst)) {
		memcpy(eth, (const uint8_t[]){ 0x01, 0x00, 0x5e, in->dst.b[1] & 0x7f, in->dst.b[2], in->dst.b[3] }, TAP_MAC);
	}
	tap_peer_mac(peer, eth + TAP_MAC);
	put_be16(eth + 12, in->v6 ? GRE_IPV6 : GRE_IPV4);
	join_add(&t->join, peer, eth, in);
}

static enum mgre_count
inner_in(struct tunnel *t, const struct dpsec_from *from, uint16_t proto, uint8_t *p, size_t n, uint8_t tos)
{
	struct mgre_user *m = t->owner;
	struct tun_peer *peer;
	struct inner in;
	enum mgre_count drop = inner_parse(p, n, proto, &in);

	if (drop == MGRE_OK)
		drop = inner_ecn(&in, tos);
	if (drop != MGRE_OK)
		return drop;
	if (tunnel_is_own(t, &in.src))
		return MGRE_DROP_INNER_OWN_SOURCE;
	clamp(m, t, &in, t->conf.mss == 1 ? inner_max(t, from->peer) : 0);
	if (!tunnel_is_own(t, &in.dst) && !addr_is_multicast(&in.dst))
		flow_seen(&t->flows, m->now, &in.src, &in.dst, from->peer);
	peer = tunnel_peer(t, from->peer);
	if (peer) {
		peer->st.rx_packets++;
		peer->st.rx_bytes += in.n;
		peer->st.last_rx = m->now;
	}
	t->total.rx_packets++;
	t->total.rx_bytes += in.n;
	counted(m, MGRE_N_TUNNEL_IN);
	write_frame(t, from->peer, &in);
	if (peer && peer->watch_rx)
		tell_used(t, from->peer, &peer->watch_rx, false);
	return MGRE_OK;
}

static enum mgre_count
nhrp_in(struct tunnel *t, const struct dpsec_from *from, struct span packet)
{
	struct mgre_user *m = t->owner;
	struct dp_event ev = { .kind = DP_EV_NHRP, .tunnel = from->tunnel, .peer = from->peer, .spi_in = from->spi_in, .local = from->local,
		.remote = from->remote, .packet = packet };

	if (tunnel_peer(t, from->peer))
		tunnel_peer(t, from->peer)->st.last_rx = m->now;
	counted(m, MGRE_N_NHRP_IN);
	m->fn(m->ctx, &ev);
	return MGRE_OK;
}

static enum mgre_count
gre_in(struct tunnel *t, const struct dpsec_from *from, const struct dpsec_pkt *pkt)
{
	size_t head = gre_size(&t->gre);
	uint16_t proto;
	enum mgre_count c = gre_parse(&t->gre, span_of(pkt->p, pkt->n), &proto);

	if (c != MGRE_OK)
		return c;
	return proto == GRE_NHRP ? nhrp_in(t, from, span_of(pkt->p + head, pkt->n - head)) :
				   inner_in(t, from, proto, pkt->p + head, pkt->n - head, pkt->tos);
}

static enum mgre_count
packet_in(struct mgre_user *m, const struct dpsec_from *from, const struct dpsec_pkt *pkt)
{
	struct tunnel *t = find(m, from->tunnel);
	enum mgre_count c = MGRE_DROP_KIND;

	if (!t)
		return MGRE_DROP_NO_TUNNEL;
	if (!m->bursting)
		refresh_now(m);
	m->bursting = true;
	if (t->conf.plain && pkt->next != DPSEC_GRE)
		c = inner_in(t, from, pkt->next == DPSEC_IPV6 ? GRE_IPV6 : GRE_IPV4, pkt->p, pkt->n, pkt->tos);
	else if (!t->conf.plain && pkt->next == DPSEC_GRE)
		c = gre_in(t, from, pkt);
	if (c != MGRE_OK && tunnel_peer(t, from->peer))
		tunnel_peer(t, from->peer)->st.rx_drops++;
	return c;
}

static void
user_packet(void *ctx, const struct dpsec_from *from, struct dpsec_pkt *pkt)
{
	struct mgre_user *m = ctx;
	enum mgre_count c = packet_in(m, from, pkt);

	if (c == MGRE_OK)
		return;
	counted(m, c);
	if (c == MGRE_DROP_GRE_KEY)
		log_limited(m->host->log, &m->said, m->now, LOG_LV_WARN, "gre-key", "peer %u of tunnel %u sends tunnel key %u, ours is %u",
		    from->peer, from->tunnel, (unsigned)get_be32(pkt->p + 4), find(m, from->tunnel)->gre.key);
	else
		log_limited(m->host->log, &m->said, m->now, LOG_LV_INFO, mgre_count_word(c), "%zu octets from peer %u of tunnel %u dropped",
		    pkt->n, from->peer, from->tunnel);
}

static void
user_flush(void *ctx)
{
	struct mgre_user *m = ctx;

	for (struct tunnel *t = m->tunnels; t; t = t->next)
		join_flush(&t->join);
	m->bursting = false;
}

struct dpsec_in
mgre_user_seam(struct mgre_user *m)
{
	return (struct dpsec_in){ m, user_packet, user_flush };
}

void
mgre_user_connect(struct mgre_user *m, const struct dpsec_out *out)
{
	m->out = *out;
}

/* --- tunnels */

const char *
mgre_user_error(const struct mgre_user *m)
{
	return m->err;
}

/* Counts the drop in words of the caller: what failed, for which interface. */
static int
failed(struct mgre_user *m, const struct dp_tunnel *conf, const char *what, int rc)
{
	snprintf(m->err, sizeof(m->err), "cannot %s interface %s: %s", what, conf->name, strerror(-rc));
	return rc;
}

static void
close_device(struct mgre_user *m, struct tunnel *t)
{
	join_forget(&t->join);
	for (int i = 0; i < TUN_WORKERS; i++) {
		struct tun_worker *w = &t->worker[i];

		if (w->watch)
			m->host->unwatch(m->host->ctx, w->watch);
		if (w->fd >= 0)
			close(w->fd);
		w->watch = NULL;
		w->fd = -1;
	}
}

static void
destroy(struct mgre_user *m, struct tunnel *t)
{
	close_device(m, t);
	tunnel_free(t);
}

static void
set_offload(const struct mgre_user *m, struct tunnel *t)
{
	t->offload = t->vnet ? tap_set_offload(t->worker[0].fd, m->offload_off & DP_OFFLOAD_TAP ? TAP_OFF : TAP_TCP_UDP) : TAP_OFF;
	t->join.off = !t->vnet || m->offload_off & DP_OFFLOAD_COALESCE;
}

void
mgre_user_offload(struct mgre_user *m, unsigned off)
{
	m->offload_off = off;
	for (struct tunnel *t = m->tunnels; t; t = t->next)
		if (t->worker[0].fd >= 0)
			set_offload(m, t);
}

static bool
open_queues(struct mgre_user *m, struct tunnel *t)
{
	for (int i = 0; i < TUN_WORKERS; i++) {
		struct tun_worker *w = &t->worker[i];

		if (!w->buf)
			w->buf = env_alloc(t->env, TUN_FRAME);
		if (!w->buf) {
			snprintf(m->err, sizeof(m->err), "no memory for interface %s", t->conf.name);
			return false;
		}
		w->fd = tap_open(t->conf.name, i == 0, &t->vnet, m->err, sizeof(m->err));
		if (w->fd < 0)
			return false;
		w->watch = m->host->watch(m->host->ctx, w->fd, readable, w);
		if (!w->watch) {
			snprintf(m->err, sizeof(m->err), "no memory for interface %s", t->conf.name);
			return false;
		}
	}
	t->join.write = write_tap;
	t->join.ctx = t;
	t->join.refused = 0;
	set_offload(m, t);
	t->ifindex = link_index(t->conf.name);
	t->no_carrier = false;
	return t->ifindex != 0;
}

/* Inner MTU: as configured, or what the link of the source address leaves. With SAs for some ports all of the link's, so that the kernel does
 * not cut what comes to it whole: send_too_big() says or does what is needed. */
static unsigned
choose_mtu(const struct mgre_user *m, const struct dp_tunnel *conf)
{
	unsigned link = conf->source.n ? link_mtu_of_address(&conf->source) : 0, room, head = head_size(conf);

	if (conf->mtu)
		return conf->mtu;
	if (conf->ports)
		return !link ? LINK_MTU : link < DPSEC_INNER_MAX ? link : DPSEC_INNER_MAX;
	if (conf->gre_in_tunnel)	/* the IP header before it */
		head += conf->source.n == 16 ? 40 : 20;
	if (conf->bare)
		room = (link ? link : LINK_MTU) - (conf->source.n == 16 ? 40 : 20);
	else
		room = m->out.payload_guess(m->out.ctx, link ? link : LINK_MTU, conf->source.n == 16);
	if (room > DPSEC_INNER_MAX + head)
		return DPSEC_INNER_MAX;
	return room > head + TUN_MTU_MIN ? room - head : TUN_MTU_MIN;
}

static bool
conf_ok(struct mgre_user *m, const struct dp_tunnel *conf)
{
	const char *why = NULL;

	if (!conf->id || !conf->name[0] || !memchr(conf->name, 0, sizeof(conf->name)))
		why = "a tunnel needs a number and a name";
	else if (conf->n_addr > DP_TUNNEL_ADDRS)
		why = "too many addresses";
	else if (conf->mtu && (conf->mtu < MTU_MIN4 || conf->mtu > DPSEC_INNER_MAX))
		why = "the MTU is not one this plane can carry (68 to 9216)";
	if (why)
		snprintf(m->err, sizeof(m->err), "%s", why);
	return !why;
}

static bool
lists(const struct dp_tunnel *conf, const struct prefix *a)
{
	for (unsigned i = 0; i < conf->n_addr; i++)
		if (prefix_eq(&conf->addr[i], a))
			return true;
	return false;
}

/* Adds what `to` has and `from` has not; what is there already is fine. On failure takes back what it added. */
static int
add_addresses(struct mgre_user *m, unsigned ifindex, const struct dp_tunnel *from, const struct dp_tunnel *to)
{
	for (unsigned i = 0; i < to->n_addr; i++) {
		int rc = lists(from, &to->addr[i]) ? 0 : link_addr(&m->link, ifindex, &to->addr[i], true);

		if (rc == 0)
			continue;
		while (i-- > 0)
			if (!lists(from, &to->addr[i]))
				link_addr(&m->link, ifindex, &to->addr[i], false);
		return rc;
	}
	return 0;
}

/* The kernel lets an address take others of its subnet with it, so those that stay are set again. */
static void
del_addresses(struct mgre_user *m, unsigned ifindex, const struct dp_tunnel *from, const struct dp_tunnel *to)
{
	static const struct dp_tunnel nothing;
	bool any = false;

	for (unsigned i = 0; i < from->n_addr; i++) {
		if (lists(to, &from->addr[i]))
			continue;
		link_addr(&m->link, ifindex, &from->addr[i], false);
		any = true;
	}
	if (any)
		add_addresses(m, ifindex, &nothing, to);
}

static void
own_mac(struct tunnel *t)
{
	if (t->conf.n_addr) {
		tap_own_mac(&t->conf.addr[0].addr, t->mac);
		return;
	}
	t->env->random(t->env->ctx, t->mac, TAP_MAC);
	t->mac[0] = 0x06;	/* locally administered, and not like a peer's */
}

static int
build(struct mgre_user *m, struct tunnel *t)
{
	static const struct dp_tunnel nothing;
	const struct dp_tunnel *conf = &t->conf;
	int rc;

	if (!open_queues(m, t))
		return errno ? -errno : -EIO;
	own_mac(t);
	t->settled = false;
	rc = conf->vrf[0] ? link_into(&m->link, t->ifindex, conf->vrf) : 0;	/* before it is up and has addresses */
	if (rc != 0)
		return failed(m, conf, "put into its VRF", rc);
	rc = link_setup(&m->link, t->ifindex, t->mac, t->mtu);
	if (rc != 0)
		return failed(m, conf, "set up", rc);
	rc = add_addresses(m, t->ifindex, &nothing, conf);
	return rc != 0 ? failed(m, conf, "set an address of", rc) : 0;
}

static int
create(struct mgre_user *m, const struct dp_tunnel *conf)
{
	struct tunnel *t = tunnel_new(m->host->env, conf);
	int rc;

	if (!t || !flow_enable(&t->flows, conf->redirect)) {
		if (t)
			tunnel_free(t);
		return failed(m, conf, "create", -ENOMEM);
	}
	t->owner = m;
	t->gre = (struct gre){ conf->has_key, conf->key };
	t->mtu = choose_mtu(m, conf);
	errno = 0;
	rc = build(m, t);
	if (rc != 0) {
		destroy(m, t);
		return rc;
	}
	t->up = true;
	t->next = m->tunnels;
	m->tunnels = t;
	return 0;
}

/* The interface was deleted under us: another of that name, with the tables that this tunnel has. */
static int
remake(struct mgre_user *m, struct tunnel *t, const struct dp_tunnel *conf)
{
	struct map_node *node;
	struct map_iter it;
	uint8_t mac[TAP_MAC];
	int rc;

	close_device(m, t);
	t->conf = *conf;
	t->gre = (struct gre){ conf->has_key, conf->key };
	t->mtu = choose_mtu(m, conf);
	errno = 0;
	rc = build(m, t);
	for (node = map_first(&t->neigh, &it); rc == 0 && node; node = map_next(&t->neigh, &it)) {
		const struct tun_neigh *n = container_of(node, struct tun_neigh, node);

		tap_peer_mac(n->peer, mac);
		rc = link_neigh(&m->link, t->ifindex, &n->proto, mac);
	}
	if (rc != 0) {
		close_device(m, t);
		return rc;
	}
	t->gone = false;
	t->up = true;
	return 0;
}

static int
modify(struct mgre_user *m, struct tunnel *t, const struct dp_tunnel *conf)
{
	unsigned mtu = choose_mtu(m, conf);
	int rc;

	if (strcmp(conf->name, t->conf.name) != 0)
		return failed(m, conf, "rename to", -EINVAL);
	if (conf->plain != t->conf.plain)
		return failed(m, conf, "change the mode of", -EINVAL);
	if (conf->redirect && !flow_enable(&t->flows, true))
		return failed(m, conf, "change", -ENOMEM);
	rc = add_addresses(m, t->ifindex, &t->conf, conf);
	if (rc != 0)
		return failed(m, conf, "set an address of", rc);
	rc = mtu == t->mtu ? 0 : link_mtu(&m->link, t->ifindex, mtu);
	if (rc != 0) {
		del_addresses(m, t->ifindex, conf, &t->conf);
		return failed(m, conf, "set the MTU of", rc);
	}
	del_addresses(m, t->ifindex, &t->conf, conf);
	flow_enable(&t->flows, conf->redirect);
	t->conf = *conf;
	t->gre = (struct gre){ conf->has_key, conf->key };
	t->mtu = mtu;
	return 0;
}

int
mgre_user_tunnel_set(struct mgre_user *m, const struct dp_tunnel *conf)
{
	struct tunnel *t = find(m, conf->id);

	m->err[0] = 0;
	if (!conf_ok(m, conf))
		return -EINVAL;
	return !t ? create(m, conf) : t->gone ? remake(m, t, conf) : modify(m, t, conf);
}

int
mgre_user_tunnel_del(struct mgre_user *m, uint32_t tunnel)
{
	for (struct tunnel **at = &m->tunnels; *at; at = &(*at)->next) {
		struct tunnel *t = *at;

		if (t->conf.id != tunnel)
			continue;
		*at = t->next;
		if (t->busy)
			t->doomed = true;
		else
			destroy(m, t);
		return 0;
	}
	return 0;
}

/* --- neighbours, peers */

int
mgre_user_neigh_set(struct mgre_user *m, const struct dp_neigh *n)
{
	struct tunnel *t = find(m, n->tunnel);
	const struct tun_neigh *old = t && n->proto.n ? tunnel_neigh(t, &n->proto) : NULL;
	struct dp_neigh before = { .tunnel = n->tunnel, .proto = n->proto };
	bool had = old;
	uint8_t mac[TAP_MAC];
	int rc;

	if (!t)
		return -ENOENT;
	if (n->peer >= DP_PEERS_MAX)
		return -EINVAL;
	if (had) {
		before.peer = old->peer;
		before.mcast = old->mcast;
	}
	rc = tunnel_neigh_set(t, n);
	if (rc != 0 || !n->proto.n)
		return rc;
	tap_peer_mac(n->peer, mac);
	rc = link_neigh(&m->link, t->ifindex, &n->proto, mac);
	if (rc != 0) {	/* as it was */
		if (had)
			tunnel_neigh_set(t, &before);
		else
			tunnel_neigh_del(t, &n->proto);
	}
	return rc;
}

int
mgre_user_neigh_del(struct mgre_user *m, uint32_t tunnel, const struct addr *proto)
{
	struct tunnel *t = find(m, tunnel);
	int rc = 0;

	if (!t)
		return 0;
	if (proto->n && tunnel_neigh(t, proto))
		rc = link_neigh_del(&m->link, t->ifindex, proto);
	if (rc == 0)
		tunnel_neigh_del(t, proto);
	return rc;
}

int
mgre_user_peer_ref(struct mgre_user *m, uint32_t tunnel, uint32_t peer)
{
	struct tunnel *t = find(m, tunnel);

	return !t ? -ENOENT : tunnel_peer_ref(t, peer) ? 0 : -ENOMEM;
}

void
mgre_user_peer_unref(struct mgre_user *m, uint32_t tunnel, uint32_t peer)
{
	struct tunnel *t = find(m, tunnel);

	if (t)
		tunnel_peer_unref(t, peer);
}

int
mgre_user_send(struct mgre_user *m, uint32_t tunnel, uint32_t peer, struct span nhrp)
{
	struct tunnel *t = find(m, tunnel);
	unsigned max;
	bool ok;

	if (!t)
		return -ENOENT;
	if (nhrp.n > DPSEC_INNER_MAX) {
		counted(m, MGRE_DROP_NHRP_TOO_BIG);
		return -EMSGSIZE;
	}
	refresh_now(m);
	max = inner_max(t, peer);
	ok = sealed(t, peer, GRE_NHRP, nhrp, NHRP_TOS, max && nhrp.n > max);
	if (ok)
		counted(m, MGRE_N_NHRP_OUT);
	m->out.flush(m->out.ctx);
	return ok ? 0 : -ENOTCONN;
}

void
mgre_user_peer_watch(struct mgre_user *m, uint32_t tunnel, uint32_t peer)
{
	struct tunnel *t = find(m, tunnel);
	struct tun_peer *p = t ? tunnel_peer(t, peer) : NULL;

	if (p)
		p->watch_tx = p->watch_rx = true;
}

int
mgre_user_oper_set(struct mgre_user *m, uint32_t tunnel, bool up)
{
	struct tunnel *t = find(m, tunnel);
	int rc = !t || t->gone ? -ENODEV : tap_carrier(t->worker[0].fd, up);

	if (rc == 0)
		t->no_carrier = !up;
	return rc;
}

static void
shaper_close(struct mgre_user *m)
{
	if (m->shape_watch)
		m->host->unwatch(m->host->ctx, m->shape_watch);
	m->shape_watch = NULL;
	if (m->shape_fd >= 0)
		close(m->shape_fd);
	m->shape_fd = -1;
	shaper_free(m->shaper);
	m->shaper = NULL;
}

static bool
shaper_open(struct mgre_user *m)
{
	if (m->shaper)
		return true;
	m->shape_at = TICK_NEVER;
	m->shape_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (m->shape_fd >= 0)
		m->shape_watch = m->host->watch(m->host->ctx, m->shape_fd, shape_due, m);
	if (m->shape_watch)
		m->shaper = shaper_new(m->host->env, shape_send, m->count);
	if (!m->shaper)
		shaper_close(m);
	return m->shaper != NULL;
}

/* What a packet is longer outside. */
static unsigned
shape_overhead(const struct mgre_user *m, const struct dp_tunnel *conf)
{
	bool v6 = conf->source.n == 16 || conf->outer == 16;
	unsigned room = conf->bare ? LINK_MTU - (v6 ? 40 : 20) : m->out.payload_guess(m->out.ctx, LINK_MTU, v6);

	return LINK_MTU - room + head_size(conf);
}

int
mgre_user_shape(struct mgre_user *m, uint32_t tunnel, uint32_t peer, uint64_t rate)
{
	struct tunnel *t = find(m, tunnel);
	struct tun_peer *p = t ? tunnel_peer(t, peer) : NULL;
	struct shaped *q = p ? p->shaped : NULL;

	m->err[0] = 0;
	if (!rate && !q)
		return 0;
	if (!p)
		return -ENOENT;
	refresh_now(m);
	if (!rate) {
		p->shaped = NULL;
		shaped_flush(q, m->now);
		shaped_free(q);
		m->out.flush(m->out.ctx);
		return 0;
	}
	if (q)
		shaped_set(q, rate, shape_overhead(m, &t->conf));
	else if (!shaper_open(m) || !(p->shaped = shaped_new(m->shaper, t, peer, rate, shape_overhead(m, &t->conf))))
		return -ENOMEM;
	shape_alarm(m);
	return 0;
}

static void
shape_stats(const struct shaped *q, struct dp_peer_stats *out)
{
	struct shape_info i;

	shaped_info(q, &i);
	out->tx_drops += i.dropped;
	out->shape_rate = i.rate;
	out->shape_sent = i.sent;
	out->shape_held = i.held;
	out->shape_dropped = i.dropped;
	out->shape_marked = i.marked;
	out->shape_backlog = i.backlog;
	out->shape_flows = i.flows;
}

bool
mgre_user_peer_stats(struct mgre_user *m, uint32_t tunnel, uint32_t peer, struct dp_peer_stats *out)
{
	struct tunnel *t = find(m, tunnel);
	const struct tun_peer *p = t ? tunnel_peer(t, peer) : NULL;

	if (!p)
		return false;
	*out = p->st;
	if (p->shaped)
		shape_stats(p->shaped, out);
	out->path_mtu = inner_max(t, peer);
	return true;
}

bool
mgre_user_link_info(struct mgre_user *m, uint32_t tunnel, struct dp_link_info *out)
{
	const struct tunnel *t = find(m, tunnel);

	if (!t)
		return false;
	*out = t->total;
	out->plane = "user";
	out->ifindex = t->ifindex;
	out->mtu = t->mtu;
	out->mss = t->conf.mss ? mss_limit(t, false, 0) : 0;
	out->no_carrier = t->no_carrier;
	out->has_offload = true;
	out->offload_off = m->offload_off;
	out->offload = (t->offload != TAP_OFF ? DP_OFFLOAD_TAP : 0u) | (!t->join.off && t->join.refused < JOIN_REFUSALS ? DP_OFFLOAD_COALESCE : 0u);
	link_get(t->ifindex, &out->up, &out->mtu);
	return true;
}

void
mgre_user_counters(struct mgre_user *m, dp_counter_fn *fn, void *ctx)
{
	for (int i = MGRE_OK + 1; i < MGRE_COUNTERS; i++)
		fn(ctx, mgre_count_word((enum mgre_count)i), m->count[i]);
}

/* --- the whole */

static void
link_changed(void *ctx, const struct link_change *c)
{
	struct mgre_user *m = ctx;
	struct tunnel *t = m->tunnels;
	bool up = c->up;
	unsigned mtu;

	while (t && t->ifindex != c->ifindex)
		t = t->next;
	if (!t)
		return;
	/* The first ones may be from before it was set up: what counts is how it is now. Then each as it stands: down and at once up
	 * again took routes and neighbours with it. */
	if (!c->gone && !t->settled) {
		t->settled = c->up;
		link_get(t->ifindex, &up, &mtu);
	}
	tell_link(t, up, c->gone);
}

static void
news(void *arg)
{
	struct mgre_user *m = arg;

	link_news(&m->link, link_changed, m);
}

static bool
open_icmp(struct mgre_user *m, char *err, size_t errlen)
{
	m->icmp[0] = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
	if (m->icmp[0] < 0) {
		snprintf(err, errlen, "cannot open a raw socket: %s; it needs CAP_NET_RAW: run as root, or inside a user namespace",
		    strerror(errno));
		return false;
	}
	m->icmp[1] = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);	/* -1: a kernel without IPv6 */
	return true;
}

struct mgre_user *
mgre_user_new(const struct host *host, dp_event_fn *fn, void *ctx, char *err, size_t errlen)
{
	struct mgre_user *m = env_alloc(host->env, sizeof(*m));

	if (!m) {
		snprintf(err, errlen, "no memory");
		return NULL;
	}
	m->host = host;
	m->fn = fn;
	m->ctx = ctx;
	m->icmp[0] = m->icmp[1] = m->shape_fd = -1;
	if (!link_open(&m->link, err, errlen)) {
		env_free(host->env, m);
		return NULL;
	}
	m->news = open_icmp(m, err, errlen) ? host->watch(host->ctx, m->link.news, news, m) : NULL;
	if (!m->news) {
		if (m->icmp[0] >= 0)
			snprintf(err, errlen, "no memory");
		mgre_user_free(m);
		return NULL;
	}
	return m;
}

void
mgre_user_free(struct mgre_user *m)
{
	const struct env *env;

	if (!m)
		return;
	env = m->host->env;
	while (m->tunnels)
		mgre_user_tunnel_del(m, m->tunnels->conf.id);
	shaper_close(m);
	if (m->news)
		m->host->unwatch(m->host->ctx, m->news);
	link_close(&m->link);
	for (int i = 0; i < 2; i++)
		if (m->icmp[i] >= 0)
			close(m->icmp[i]);
	env_free(env, m);
}
