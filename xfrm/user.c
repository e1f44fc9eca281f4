/* xfrm/user.c: the security side of the user data plane.
 *
 * Owns the SAs (sa.c), the ESP transform (esp.c, cipher.c, replay.c) and the sockets (sock.c). Outbound, the tunnel side asks
 * for a slot of the send batch, writes GRE and inner packet there and has it sealed in place; at the end of its burst the
 * batch goes out in one system call per socket. Inbound, a datagram is told apart (IKE, keepalive, ESP), opened in place
 * and handed up with the tunnel and peer of the SA that opened it; outer addresses say nothing about who sent it.
 *
 * Protocol 47 in transport mode or in tunnel mode (tunnel.c), and under SAs with selectors for them the IP packets these allow
 * (select.c), are all that is accepted and sent; there is no socket that could carry GRE in clear.
 *
 * The path MTU is kept per peer (pmtud.c): asked of the route when an SA comes, lowered by ICMP messages that quote a packet of
 * ours, never below a floor (they prove nothing), and found by asking where routers say nothing.
 *
 * Events run the caller's code, which may add and delete SAs: they are raised where no SA is held.
 *
 * RFC 4303, 3948, 4106, 7634, 8200; 1191 and 8899 for the path. Not here: more than one worker. */
#include "config.h"

#include "xfrm/user.h"

#include <errno.h>
#include <stdio.h>

#include "xfrm/sa.h"
#include "xfrm/select.h"
#include "xfrm/sock.h"
#include "xfrm/tunnel.h"

enum {
	BURST_ROUNDS = 4,	/* receive batches before the other side gets its turn */
	PMTU_AGE_S = 600,
	PMTU_GUESS = 1500,	/* no route yet */
	ICMP_PER_S = 50,	/* reports of the path looked at */
	UNKNOWN_EVERY_MS = 200, UNKNOWN_BURST = 10,
	WHOLE_MAX = SADB_PMTU_MIN4 - 28 - 4,	/* fits any path */
	SEQ_PLAUSIBLE = 1 << 16,	/* a quoted number so far behind the last one sent is not ours */
};

struct watch_arg {
	struct xfrm_user *x;
	enum sock_kind kind;
};

struct xfrm_user {
	const struct host *host;
	dp_event_fn *fn;
	void *ctx;
	struct dpsec_in in;
	struct sadb sas;
	struct socks socks;
	uint64_t count[XFRM_COUNTERS];
	struct host_watch *watch[SOCK_KINDS];
	struct watch_arg arg[SOCK_KINDS];
	struct host_watch *timer;
	tick_t timer_at, now;
	struct bucket icmp, unknown;
	struct log_limit said;
	bool raising;
};

static enum xfrm_count
counted(struct xfrm_user *x, enum xfrm_count c)
{
	x->count[c]++;
	return c;
}

static void raise_events(struct xfrm_user *x);
static void arm_timer(struct xfrm_user *x);

static void
timer_fired(void *arg)
{
	struct xfrm_user *x = arg;

	x->timer = NULL;
	x->now = x->host->now(x->host->ctx);
	sadb_tick(&x->sas, x->now);
	arm_timer(x);
	raise_events(x);
}

static void
arm_timer(struct xfrm_user *x)
{
	tick_t at = timers_next(&x->sas.timers), now;

	if (at == TICK_NEVER || (x->timer && x->timer_at <= at))
		return;
	if (x->timer)
		x->host->unwatch(x->host->ctx, x->timer);
	now = x->host->now(x->host->ctx);
	x->timer_at = at;
	x->timer = x->host->after(x->host->ctx, at > now ? at - now : 0, timer_fired, x);
}

/* The handler may delete the very SA: what it needs has been copied. Not nested: what comes up meanwhile waits its turn. */
static void
raise_events(struct xfrm_user *x)
{
	struct dp_event ev;

	if (x->raising || !x->sas.pend_head)
		return;
	x->raising = true;
	while (sadb_event(&x->sas, &ev))
		x->fn(x->ctx, &ev);
	x->raising = false;
}

static unsigned
pmtu_floor(bool v6)
{
	return v6 ? SADB_PMTU_MIN6 : SADB_PMTU_MIN4;
}

static void
pmtu_ask_route(struct xfrm_user *x, struct xpeer *p, bool fresh)
{
	const struct xsa *sa = p->active ? p->active : p->sas;
	bool v6 = sa->conf.remote.addr.n == 16;
	unsigned mtu = sock_route_mtu(x->host->underlay, &sa->conf.local, &sa->conf.remote);

	if (mtu == 0)
		mtu = PMTU_GUESS;
	p->route_until = x->now + TICK_S(PMTU_AGE_S);
	if (fresh)
		pmtud_start(&p->path, x->now, mtu, pmtu_floor(v6));
	else
		pmtud_route(&p->path, x->now, mtu, pmtu_floor(v6));
	sadb_path_changed(p);
}

static void
pmtu_refused(void *ctx, uint32_t tunnel, uint32_t peer)
{
	struct xfrm_user *x = ctx;
	struct xpeer *p = sadb_peer(&x->sas, tunnel, peer);

	if (p)
		pmtu_ask_route(x, p, false);
}

/* Quotes from a router may end after the UDP header (RFC 792 asks for eight octets): then any SA to that very endpoint. */
static struct xsa *
quoted_sa(struct xfrm_user *x, const struct sock_error *e)
{
	struct map_iter it;
	struct xsa *sa;

	if (e->quoted.n >= ESP_HEADER) {
		sa = sadb_find_sent(&x->sas, get_be32(e->quoted.p), &e->remote.addr);
		return sa && (uint32_t)sa->out.seq - get_be32(e->quoted.p + 4) < SEQ_PLAUSIBLE ? sa : NULL;
	}
	for (struct map_node *n = map_first(&x->sas.by_in, &it); n; n = map_next(&x->sas.by_in, &it)) {
		sa = container_of(n, struct xsa, by_in);
		if (sa->conf.encap && endpoint_eq(&sa->conf.remote, &e->remote))
			return sa;
	}
	return NULL;
}

static void
pmtu_report(void *ctx, enum sock_kind kind, const struct sock_error *e)
{
	struct xfrm_user *x = ctx;
	bool v6 = kind == SOCK_UDP6 || kind == SOCK_ESP6;
	struct xsa *sa = bucket_take(&x->icmp, x->now, ICMP_PER_S, ICMP_PER_S) ? quoted_sa(x, e) : NULL;
	unsigned mtu = e->mtu < pmtu_floor(v6) ? pmtu_floor(v6) : e->mtu;

	if (!sa || sa->conf.encap != (kind == SOCK_UDP4 || kind == SOCK_UDP6) || (sa->peer->path.mtu && mtu >= sa->peer->path.mtu)) {
		counted(x, XFRM_N_PMTU_REFUSED);
		return;
	}
	pmtud_told(&sa->peer->path, x->now, mtu);
	sadb_path_changed(sa->peer);
	counted(x, XFRM_N_PMTU_LOWERED);
	log_limited(x->host->log, &x->said, x->now, LOG_LV_INFO, xfrm_count_word(XFRM_N_PMTU_LOWERED),
	    "the path to peer %u of tunnel %u takes %u octets", sa->conf.peer, sa->conf.tunnel, mtu);
}

/* --- out */

static void
user_slot(void *ctx, struct dpsec_pkt *pkt)
{
	struct xfrm_user *x = ctx;

	if (x->socks.tx.n == 0)
		x->now = x->host->now(x->host->ctx);
	*pkt = (struct dpsec_pkt){ .p = sock_slot(&x->socks)->mem + DPSEC_HEAD, .room = DPSEC_PAYLOAD, .next = DPSEC_GRE };
}

static bool
is_plain(const struct xsa *sa)
{
	return sa->conf.sel && !sa->conf.sel->gre;
}

static enum xfrm_count
seal(struct xfrm_user *x, struct xpeer *p, const struct dpsec_pkt *pkt)
{
	struct xsa *sa = p ? p->active : NULL;
	uint8_t next = pkt->next;
	struct sock_slot *slot;
	enum xfrm_count drop;
	struct span packet;
	size_t head;

	if (!sa)
		return p && p->sas && p->sas->stopped ? XFRM_DROP_SA_STOPPED_OUT : XFRM_DROP_NO_SA;
	if (pkt->n > DPSEC_PAYLOAD)
		return XFRM_DROP_SIZE;
	if (is_plain(sa) != (next != DPSEC_GRE))
		return XFRM_DROP_MODE;
	if (next != DPSEC_GRE && !(sa = sadb_for(p, next, span_of(pkt->p, pkt->n))))
		return select_fragment(next, span_of(pkt->p, pkt->n)) ? XFRM_DROP_FRAGMENT_OUT : XFRM_DROP_SELECTOR_OUT;
	head = tunnel_head(sa->conf.sel);
	if (head)
		next = tunnel_put(sa->conf.sel, pkt->p, pkt->n, pkt->tos);
	drop = esp_wrap(&sa->out, next, pkt->p - head, pkt->n + head, &packet);
	if (drop != XFRM_OK)
		return drop;
	slot = sock_slot(&x->socks);
	slot->tunnel = p->tunnel;
	slot->peer = p->peer;
	sock_queue(&x->socks, sa->path, packet, pkt->tos, pkt->may_fragment);
	sadb_sent(&x->sas, sa, x->now, pkt->n);
	if (pmtud_sent(&p->path, x->now, (unsigned)packet.n + sadb_outer(sa), p->last_rx))
		sadb_ask_path(&x->sas, p);
	return XFRM_OK;
}

static bool
user_seal(void *ctx, uint32_t tunnel, uint32_t peer, const struct dpsec_pkt *pkt)
{
	struct xfrm_user *x = ctx;
	struct xpeer *p = sadb_peer(&x->sas, tunnel, peer);
	enum xfrm_count drop = seal(x, p, pkt);

	if (drop != XFRM_OK)
		counted(x, drop);
	return drop == XFRM_OK;
}

static void
user_flush(void *ctx)
{
	struct xfrm_user *x = ctx;

	sock_flush(&x->socks);
	raise_events(x);
}

static unsigned
user_payload_max(void *ctx, uint32_t tunnel, uint32_t peer)
{
	struct xfrm_user *x = ctx;
	struct xpeer *p = sadb_peer(&x->sas, tunnel, peer);

	if (!p || !p->active)
		return 0;
	if (x->now >= p->route_until)
		pmtu_ask_route(x, p, false);
	return p->payload_max < DPSEC_PAYLOAD ? p->payload_max : DPSEC_PAYLOAD;
}

/* The common case: an AEAD, in UDP. */
static unsigned
user_payload_guess(void *ctx, unsigned link_mtu, bool outer_v6)
{
	const struct esp_suite *s = esp_suite_find(ESP_ENCR_AES_GCM_16, 128, 0);

	(void)ctx;
	return esp_payload_guess(s, true, outer_v6, link_mtu);
}

struct dpsec_out
xfrm_user_seam(struct xfrm_user *x)
{
	return (struct dpsec_out){ x, user_slot, user_seal, user_flush, user_payload_max, user_payload_guess };
}

/* --- in */

static enum xfrm_count
unknown_spi(struct xfrm_user *x, uint32_t spi, const struct sock_msg *m)
{
	struct dp_event ev = { .kind = DP_EV_SA_UNKNOWN, .spi_in = spi, .local = m->local, .remote = m->remote };

	if (bucket_take_slow(&x->unknown, x->now, TICK_MS(UNKNOWN_EVERY_MS), UNKNOWN_BURST))
		x->fn(x->ctx, &ev);
	else
		counted(x, XFRM_N_UNKNOWN_HELD);
	return XFRM_DROP_SPI_UNKNOWN;
}

/* Is an authentic packet what the SA is for? GRE in tunnel mode loses the header it came in. */
static enum xfrm_count
judge(const struct xsa *sa, struct esp_opened *o, uint8_t *tos)
{
	static const enum xfrm_count drop[] = { [SELECT_OK] = XFRM_OK, [SELECT_OTHER] = XFRM_DROP_SELECTOR_IN, [SELECT_FRAGMENT] = XFRM_DROP_FRAGMENT_IN };
	enum tunnel_fault f;
	struct span gre;

	if (!sa->conf.sel)
		return XFRM_OK;
	if (is_plain(sa))
		return drop[select_in(sa->conf.sel, o->next, span_of(o->p, o->n))];
	f = tunnel_take(sa->conf.sel, o->next, o->p, o->n, tos, &gre);
	if (f != TUNNEL_OK)
		return f == TUNNEL_HEADER ? XFRM_DROP_INNER_HEADER : XFRM_DROP_SELECTOR_IN;
	o->p += gre.p - o->p;
	o->n = gre.n;
	o->next = DPSEC_GRE;
	return XFRM_OK;
}

/* After this the SA is not touched any more. */
static enum xfrm_count
open_esp(struct xfrm_user *x, struct xsa *sa, const struct sock_msg *m, bool udp, struct esp_opened *o, uint8_t *tos)
{
	enum xfrm_count drop = sa->stopped ? XFRM_DROP_SA_STOPPED_IN : esp_unwrap(&sa->in, m->p, m->n, o);
	bool authentic = drop == XFRM_OK || drop == XFRM_DROP_DUMMY;

	if (drop == XFRM_OK)
		drop = judge(sa, o, tos);
	if (authentic)
		sadb_received(&x->sas, sa, x->now, drop == XFRM_OK ? o->n : 0, o->newest, &m->local, udp ? &m->remote : NULL);
	if (drop != XFRM_OK)
		sa->peer->rx_drops++;
	return drop;
}

static enum xfrm_count
rx_esp(struct xfrm_user *x, const struct sock_msg *m, bool udp)
{
	struct dpsec_pkt pkt = { .tos = m->tos };
	struct dpsec_from from = { .local = m->local, .remote = m->remote };
	struct esp_opened o = { 0 };
	enum xfrm_count drop;
	struct xsa *sa;
	uint32_t spi;

	if (m->n < ESP_HEADER)
		return XFRM_DROP_SHORT;
	spi = get_be32(m->p);
	if (spi < ESP_SPI_MIN)
		return XFRM_DROP_SPI_RESERVED;
	sa = sadb_find(&x->sas, spi);
	if (!sa)
		return unknown_spi(x, spi, m);
	from.tunnel = sa->conf.tunnel;
	from.peer = sa->conf.peer;
	from.spi_in = spi;
	drop = open_esp(x, sa, m, udp, &o, &pkt.tos);
	raise_events(x);
	if (drop != XFRM_OK)
		return drop;
	pkt.p = o.p;
	pkt.n = o.n;
	pkt.next = o.next;
	x->in.packet(x->in.ctx, &from, &pkt);
	return XFRM_N_RX_PACKETS;
}

static enum xfrm_count
rx_ike(struct xfrm_user *x, const struct sock_msg *m)
{
	struct dp_event ev = {
		.kind = DP_EV_IKE, .local = m->local, .remote = m->remote, .packet = span_of(m->p + 4, m->n - 4), .natt = true
	};

	x->fn(x->ctx, &ev);
	return XFRM_N_RX_IKE;
}

/* RFC 3948, 2.2 to 2.4. */
static enum xfrm_count
rx_udp(struct xfrm_user *x, const struct sock_msg *m)
{
	if (m->n == 1 && m->p[0] == 0xff)
		return XFRM_N_RX_KEEPALIVE;
	if (m->n < 4)
		return XFRM_DROP_RX_RUNT;
	return get_be32(m->p) == 0 ? rx_ike(x, m) : rx_esp(x, m, true);
}

static void
receive_one(struct xfrm_user *x, const struct sock_msg *m, bool udp)
{
	enum xfrm_count c = counted(x, m->drop ? m->drop : udp ? rx_udp(x, m) : rx_esp(x, m, false));
	char from[ENDPOINT_STRLEN], to[ENDPOINT_STRLEN];

	if (c < XFRM_N_RX_PACKETS && c != XFRM_DROP_DUMMY)
		log_limited(x->host->log, &x->said, x->now, LOG_LV_INFO, xfrm_count_word(c), "%zu octets from %s to %s dropped", m->n,
		    endpoint_fmt(&m->remote, from), endpoint_fmt(&m->local, to));
}

/* What the network or the kernel has put together was several datagrams: each is looked at for itself, an IKE message or a keepalive
 * may be among them. */
static void
receive(struct xfrm_user *x, const struct sock_msg *m, bool udp)
{
	struct sock_msg one = *m;
	size_t step = m->step && !m->drop ? m->step : m->n, left = m->n;

	do {
		one.n = left < step ? left : step;
		receive_one(x, &one, udp);
		one.p += one.n;
		left -= one.n;
	} while (left > 0);
}

static void
readable(void *arg)
{
	const struct watch_arg *w = arg;
	struct xfrm_user *x = w->x;
	struct sock_msg msg[SOCK_RX_SLOTS];
	bool udp = w->kind == SOCK_UDP4 || w->kind == SOCK_UDP6;

	for (int round = 0; round < BURST_ROUNDS; round++) {
		unsigned n = sock_receive(&x->socks, w->kind, msg);

		x->now = x->host->now(x->host->ctx);
		for (unsigned i = 0; i < n; i++)
			receive(x, &msg[i], udp);
		x->in.flush(x->in.ctx);
		if (n == 0 && sock_errors(&x->socks, w->kind) == 0)
			break;
		if (n < SOCK_RX_SLOTS)
			break;
	}
	user_flush(x);
}

/* --- verbs */

int
xfrm_user_sa_add(struct xfrm_user *x, const struct dp_sa *conf)
{
	struct xsa *sa;
	int rc;

	x->now = x->host->now(x->host->ctx);
	rc = sadb_add(&x->sas, x->now, conf, &sa);
	if (rc != 0)
		return rc;
	sock_path_set(sa->path, &sa->conf.local, &sa->conf.remote, sa->conf.encap);
	if (!sa->peer->path.mtu || x->now >= sa->peer->route_until)	/* rekeying forgets nothing */
		pmtu_ask_route(x, sa->peer, false);
	arm_timer(x);
	return 0;
}

int
xfrm_user_sa_update(struct xfrm_user *x, uint32_t spi_in, enum dp_sa_update what, const struct endpoint *local,
    const struct endpoint *remote, bool encap)
{
	struct xsa *sa = sadb_find(&x->sas, spi_in);

	if (!sa)
		return -ENOENT;
	switch (what) {
	case DP_SA_ACTIVATE:
		sadb_activate(&x->sas, sa);
		return 0;
	case DP_SA_MOVE:
		if (!remote || !remote->addr.n || (local && local->addr.n && local->addr.n != remote->addr.n) || (encap && !remote->port))
			return -EINVAL;
		sadb_move(&x->sas, sa, local ? local : &sa->conf.local, remote, encap);
		sock_path_set(sa->path, &sa->conf.local, &sa->conf.remote, encap);
		pmtu_ask_route(x, sa->peer, true);
		return 0;
	}
	return -EINVAL;
}

bool
xfrm_user_sa_del(struct xfrm_user *x, uint32_t spi_in, uint32_t *tunnel, uint32_t *peer)
{
	struct xsa *sa = sadb_find(&x->sas, spi_in);

	if (!sa)
		return false;
	*tunnel = sa->conf.tunnel;
	*peer = sa->conf.peer;
	sadb_del(&x->sas, sa);
	return true;
}

uint32_t
xfrm_user_spi_alloc(struct xfrm_user *x)
{
	return sadb_spi_alloc(&x->sas);
}

bool
xfrm_user_sa_stats(struct xfrm_user *x, uint32_t spi_in, struct dp_sa_stats *out)
{
	const struct xsa *sa = sadb_find(&x->sas, spi_in);

	if (!sa)
		return false;
	*out = sa->st;
	return true;
}

uint64_t
xfrm_user_peer_rx_drops(struct xfrm_user *x, uint32_t tunnel, uint32_t peer)
{
	const struct xpeer *p = sadb_peer(&x->sas, tunnel, peer);

	return p ? p->rx_drops : 0;
}

void
xfrm_user_counters(struct xfrm_user *x, dp_counter_fn *fn, void *ctx)
{
	for (int i = XFRM_OK + 1; i < XFRM_COUNTERS; i++)
		fn(ctx, xfrm_count_word((enum xfrm_count)i), x->count[i]);
}

void
xfrm_user_snapshot(struct xfrm_user *x, dp_sa_fn *fn, void *ctx)
{
	struct map_iter it;

	for (struct map_node *n = map_first(&x->sas.by_in, &it); n; n = map_next(&x->sas.by_in, &it)) {
		struct dp_sa copy = sadb_as_added(container_of(n, struct xsa, by_in));

		fn(ctx, &copy);
	}
}

void
xfrm_user_offload(struct xfrm_user *x, unsigned off)
{
	socks_offload(&x->socks, !(off & DP_OFFLOAD_GSO), !(off & DP_OFFLOAD_GRO));
}

unsigned
xfrm_user_offloads(const struct xfrm_user *x)
{
	return (x->socks.gso ? DP_OFFLOAD_GSO : 0u) | (x->socks.gro ? DP_OFFLOAD_GRO : 0u);
}

bool
xfrm_user_peer_path(struct xfrm_user *x, uint32_t tunnel, uint32_t peer, struct dp_peer_stats *out)
{
	const struct xpeer *p = sadb_peer(&x->sas, tunnel, peer);

	if (!p)
		return false;
	out->path_outer = p->path.mtu;
	out->path_how = p->path.how;
	out->path_confirmed = p->path.confirmed_at;
	out->path_holes = p->path.holes;
	return true;
}

void
xfrm_user_path_result(struct xfrm_user *x, uint32_t tunnel, uint32_t peer, unsigned size, enum dp_path_result r)
{
	struct xpeer *p = sadb_peer(&x->sas, tunnel, peer);
	unsigned holes, was;

	if (!p)
		return;
	x->now = x->host->now(x->host->ctx);
	holes = p->path.holes;
	was = p->path.mtu;
	counted(x, r == DP_PATH_FITS ? XFRM_N_PATH_FITS : r == DP_PATH_TOO_BIG ? XFRM_N_PATH_TOO_BIG : XFRM_N_PATH_BUSY);
	if (pmtud_result(&p->path, x->now, size, r))
		sadb_ask_path(&x->sas, p);
	sadb_path_changed(p);
	if (p->path.holes != holes)
		log_limited(x->host->log, &x->said, x->now, LOG_LV_WARN, "path-black-hole",
		    "packets of %u octets to peer %u of tunnel %u vanish without a word: %u from now on, and looking for more", size, peer, tunnel,
		    p->path.mtu);
	else if (p->path.mtu != was && p->path.state == PMTUD_COMPLETE)
		log_limited(x->host->log, &x->said, x->now, LOG_LV_INFO, "path-mtu", "the path to peer %u of tunnel %u takes %u octets, found by probing",
		    peer, tunnel, p->path.mtu);
	raise_events(x);
}

/* DF would lose a large IKE message for good; whole: that is what is to be found out. */
static int
send_udp(struct xfrm_user *x, const struct endpoint *local, const struct endpoint *remote, struct span payload, bool marker, bool whole)
{
	static const uint8_t zero[4];
	struct iovec iov[2] = { { (void *)(uintptr_t)zero, marker ? sizeof(zero) : 0 }, { (void *)(uintptr_t)payload.p, payload.n } };
	static const struct endpoint any;
	struct sock_path path;
	int rc;

	if (!remote->addr.n || !remote->port)
		return -EINVAL;
	sock_path_set(&path, local ? local : &any, remote, true);
	rc = sock_send_now(&x->socks, &path, iov, 2, !whole && payload.n > WHOLE_MAX);
	if (rc == 0 && marker)
		counted(x, XFRM_N_TX_IKE);
	return rc;
}

int
xfrm_user_send_udp(struct xfrm_user *x, const struct endpoint *local, const struct endpoint *remote, struct span payload, bool marker)
{
	return send_udp(x, local, remote, payload, marker, false);
}

int
xfrm_user_send_whole(struct xfrm_user *x, const struct endpoint *local, const struct endpoint *remote, struct span message)
{
	return send_udp(x, local, remote, message, true, true);
}

static bool
watch_sockets(struct xfrm_user *x)
{
	for (int k = 0; k < SOCK_KINDS; k++) {
		if (x->socks.fd[k] < 0)
			continue;
		x->arg[k] = (struct watch_arg){ x, (enum sock_kind)k };
		x->watch[k] = x->host->watch(x->host->ctx, x->socks.fd[k], readable, &x->arg[k]);
		if (!x->watch[k])
			return false;
	}
	return true;
}

struct xfrm_user *
xfrm_user_new(const struct host *host, dp_event_fn *fn, void *ctx, const struct dpsec_in *in, char *err, size_t errlen)
{
	struct xfrm_user *x = env_alloc(host->env, sizeof(*x));

	if (!x) {
		snprintf(err, errlen, "no memory");
		return NULL;
	}
	x->host = host;
	x->fn = fn;
	x->ctx = ctx;
	x->in = *in;
	x->now = host->now(host->ctx);
	sadb_init(&x->sas, host->env, sizeof(struct sock_path));
	x->socks.count = x->count;
	x->socks.ctx = x;
	x->socks.too_big = pmtu_report;
	x->socks.refused = pmtu_refused;
	if (!socks_open(&x->socks, host->env, host->underlay, err, errlen)) {
		sadb_fini(&x->sas);
		env_free(host->env, x);
		return NULL;
	}
	if (!watch_sockets(x)) {
		snprintf(err, errlen, "no memory");
		xfrm_user_free(x);
		return NULL;
	}
	return x;
}

void
xfrm_user_free(struct xfrm_user *x)
{
	const struct env *env;

	if (!x)
		return;
	env = x->host->env;
	if (x->timer)
		x->host->unwatch(x->host->ctx, x->timer);
	for (int k = 0; k < SOCK_KINDS; k++)
		if (x->watch[k])
			x->host->unwatch(x->host->ctx, x->watch[k]);
	sadb_fini(&x->sas);
	socks_close(&x->socks, env);
	env_free(env, x);
}

void
xfrm_user_crypto(enum dp_crypto want)
{
	esp_crypto_use(want);
}

void
xfrm_user_crypto_info(struct dp_link_info *out)
{
	out->crypto = esp_crypto_what();
	out->crypto_why = esp_crypto_why();
}
