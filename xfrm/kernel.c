/* xfrm/kernel.c: ESP by the kernel, through XFRM.
 *
 * What stands in the kernel for a tunnel, by priority:
 *   never     BLOCK                    the next hop of multicast: the device has one that leads nowhere (mgre/leaving.c)
 *   per peer  ALLOW, BEET template     each peer has a synthetic address, so many may share a public one
 *   tunnel    ALLOW, transport, reqid  a wildcard pair: what is no peer's wants ESP, of which there is none
 *   block     BLOCK                    whatever else carries the tunnel's GRE key, both families, in and out
 * The block is there before the device and outlives this process, so GRE never leaves or comes in clear. A tunnel without a key
 * cannot be told from other GRE, so there the wildcard pair, which wants ESP, is what stays.
 *
 * BEET without IP options looks like transport mode on the wire; the kernel rewrites the addresses: the GRE device and its
 * neighbours only know the synthetic one, 240.T.., and a NAT that rebinds changes nothing but the outer addresses
 * of the two states (reseat()). With IPv6 outside it rewrites the header's family as well: GRE is over IPv4 always, from an address
 * of ours that is synthetic, too. The route to those addresses leads into the GRE device itself (mgre/kernel.c), where the kernel
 * drops what it has not transformed: so a packet in clear has no way to the underlay even while all policies are gone.
 *
 * A pair of states is installed in two steps: inbound at once, outbound when it becomes active; keys are held until then and wiped.
 * One outbound state per peer, so there is no doubt which one the kernel picks; the one before it is kept ready until it is
 * deleted. First use, counters and what others removed are
 * found by one dump of all states, taken when somebody asks and the last one is old; expiry, acquire and NAT rebinding are told
 * by the kernel.
 *
 * What an earlier life of this program left is read back at the start: states and policies of its peers go on carrying traffic, under
 * numbers that are not given to others, until the peer has new ones or a minute is over. IKE learns of it, and tells peers not to
 * forget theirs at once (ikecore/engine/kept.c).
 *
 * When a state vanishes by another hand (ip xfrm state flush), DP_EV_SA_HARD says so and IKE makes a new one: keys are not kept
 * to put the old one back. Policies are put back, and counted. */
#include "xfrm/kernel.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/map.h"
#include "lib/nlq.h"
#include "xfrm/kmsg.h"
#include "xfrm/stale.h"

enum {
	DUMP_AGE = TICK_MS(500),	/* counters younger than this are good enough */
	FRESH_EVERY = TICK_MS(100), FRESH_FOR = TICK_S(60),	/* new states are looked at so often, so long, for their first packet */
	HEARD_EVERY = TICK_MS(10),
	AUDIT_EVERY = TICK_S(2),
	SHARE = 20,	/* reading all states takes no more than this part of the time: with thousands it is done less often */
	STALE_GRACE = TICK_S(60),	/* states of an earlier life whose peers do not come back */
	STALE_AFTER = TICK_S(10),	/* and where they came: until both ends send on the new ones */
	SKIP_NUMBERS = 65536,	/* of outbound packets when a state is made again: whatever left meanwhile */
	TUNNELS_MAX = 16,
	PUT_OFF_MAX = 8,
};

#define XK_COUNTS(X) \
	X(ACQUIRE, "xfrm-acquire") \
	X(EXPIRE_SOFT, "xfrm-expire-soft") \
	X(EXPIRE_HARD, "xfrm-expire-hard") \
	X(MAPPING, "xfrm-mapping") \
	X(STATE_LOST, "xfrm-state-lost") \
	X(POLICY_RESTORED, "xfrm-policy-restored") \
	X(REFUSED, "xfrm-refused") \
	X(FELL_BACK, "xfrm-outbound-again") \
	X(NEWS_LOST, "xfrm-news-lost") \
	X(STALE_KEPT, "xfrm-kept-over-restart") \
	X(STALE_SWEPT, "xfrm-swept")
#define X(name, word) XK_##name,
enum xk_count { XK_COUNTS(X) XK_COUNT_N };
#undef X
#define X(name, word) word,
static const char *const count_word[] = { XK_COUNTS(X) };
#undef X

struct xk_tunnel {
	bool used;
	struct dp_tunnel conf;
	struct addr never;	/* where nothing goes: the device's next hop of multicast */
	bool allowed;	/* the wildcard pair stands, for conf.source */
};

struct xk_peer {
	struct map_node node;
	uint32_t tunnel, number;
	struct xk_sa *sas;
	uint32_t refs;	/* of those */
	struct xk_sa *out;	/* whose outbound state is installed */
	struct endpoint outer_local, outer_remote;	/* of the SA that came or moved last */
	struct addr lladdr;
	bool beet;	/* its policies stand, for: */
	struct addr inside, local, remote;	/* inside: our own address there */
	struct dp_peer_stats all;	/* everything that its states carried */
	struct dp_peer_stats seen, own;	/* the same when they were compared last, and what of it was our own */
	struct dp_peer_stats st;	/* the rest: data */
	bool watch_in, watch_out;	/* the next packet of data is told */
	bool used_in, used_out;	/* to be told */
	tick_t watched;
};

/* What belongs together goes in one batch; the first that is refused is what is told. */
struct batch {
	struct xfrm_kernel *x;
	int rc;
	uint64_t what;	/* was refused */
	bool in, out;	/* states that were made */
};

struct xk_sa {
	struct map_node by_in, by_out;
	struct batch asked;
	bool waiting;	/* for what comes of that */
	struct xk_peer *peer;
	struct xk_sa *next, **prev;	/* of the peer */
	struct kmsg_algs *parked;	/* the outbound state that was installed and made room for another; NULL */
	uint64_t activated;	/* serial */
	struct dp_sa sa;	/* keys wiped when `active` */
	bool out_there;	/* the outbound state is installed */
	bool used;	/* told */
	tick_t since;
	uint32_t seen_in, seen_out;	/* number of the dump that saw it last */
	struct dp_sa_stats st;
};

struct xfrm_kernel {
	const struct host *host;
	dp_event_fn *fn;
	void *ctx;
	struct nlq q;
	int news;
	struct host_watch *watch, *timer;
	struct xk_tunnel tunnel[TUNNELS_MAX];
	struct map peers, in, out;
	uint32_t fresh;	/* states that have not been used yet */
	uint32_t dump;	/* number of the last one */
	tick_t dumped, audited, took;	/* took: the last dump, or look */
	uint64_t serial;
	bool ending, collecting;
	uint32_t policies;	/* of ours that the kernel has, by the last audit */
	struct stale stale;	/* of an earlier life */
	void (*stale_ended)(void *ctx);
	void *stale_ctx;
	struct xfrm_own own_of;
	unsigned put_off;	/* comparing with it */
	uint32_t watched;	/* peers, at the last look */
	bool used;	/* of those, some are to be told */
	uint64_t count[XK_COUNT_N];
	char err[256];
};

static tick_t
now_of(const struct xfrm_kernel *x)
{
	return x->host->now(x->host->ctx);
}

/* Not sooner than that, and later where a dump takes long. */
static tick_t
at_least(const struct xfrm_kernel *x, tick_t t)
{
	return SHARE * x->took > t ? SHARE * x->took : t;
}

static int
refused(struct xfrm_kernel *x, const char *what, int rc)
{
	x->count[XK_REFUSED]++;
	snprintf(x->err, sizeof(x->err), "the kernel refused %s: %s", what, strerror(-rc));
	return rc;
}

/* ---- tables */

struct peer_key {
	uint32_t tunnel, number;
};
struct out_key {
	uint32_t spi;
	struct addr remote;
};

static bool
peer_eq(const struct map_node *n, const void *key)
{
	const struct xk_peer *p = container_of(n, struct xk_peer, node);
	const struct peer_key *k = key;

	return p->tunnel == k->tunnel && p->number == k->number;
}

static struct xk_peer *
peer_find(const struct xfrm_kernel *x, uint32_t tunnel, uint32_t number)
{
	struct peer_key k = { tunnel, number };
	struct map_node *n = map_find(&x->peers, map_hash(&x->peers, &k, sizeof(k)), peer_eq, &k);

	return n ? container_of(n, struct xk_peer, node) : NULL;
}

static struct xk_peer *
peer_get(struct xfrm_kernel *x, uint32_t tunnel, uint32_t number)
{
	struct xk_peer *p = peer_find(x, tunnel, number);
	struct peer_key k = { tunnel, number };

	if (p || !(p = env_alloc(x->host->env, sizeof(*p))))
		return p;
	*p = (struct xk_peer){ .tunnel = tunnel, .number = number };
	map_add(&x->peers, &p->node, map_hash(&x->peers, &k, sizeof(k)));
	return p;
}

static bool
in_eq(const struct map_node *n, const void *key)
{
	return container_of(n, struct xk_sa, by_in)->sa.spi_in == *(const uint32_t *)key;
}

static bool
out_eq(const struct map_node *n, const void *key)
{
	const struct xk_sa *s = container_of(n, struct xk_sa, by_out);
	const struct out_key *k = key;

	return s->sa.spi_out == k->spi && addr_eq(&s->sa.remote.addr, &k->remote);
}

static struct xk_sa *
sa_find(const struct xfrm_kernel *x, uint32_t spi_in)
{
	struct map_node *n = map_find(&x->in, map_hash(&x->in, &spi_in, sizeof(spi_in)), in_eq, &spi_in);

	return n ? container_of(n, struct xk_sa, by_in) : NULL;
}

static uint64_t
out_hash(const struct xfrm_kernel *x, uint32_t spi)
{
	return map_hash(&x->out, &spi, sizeof(spi));
}

/* By what the kernel tells of a state; `out` says which of the pair it is. */
static struct xk_sa *
sa_of_id(const struct xfrm_kernel *x, const struct xfrm_id *id, unsigned family, bool *out)
{
	struct xk_sa *s = sa_find(x, ntohl(id->spi));
	struct out_key k = { ntohl(id->spi), kmsg_addr(&id->daddr, family) };
	struct map_node *n;

	*out = false;
	if (s && addr_eq(&s->sa.local.addr, &k.remote))
		return s;
	*out = true;
	n = map_find(&x->out, out_hash(x, k.spi), out_eq, &k);
	return n ? container_of(n, struct xk_sa, by_out) : NULL;
}

static void
tell(struct xfrm_kernel *x, enum dp_event_kind kind, const struct xk_sa *s, const struct endpoint *remote)
{
	struct dp_event ev = { .kind = kind, .tunnel = s->sa.tunnel, .peer = s->sa.peer, .spi_in = s->sa.spi_in, .local = s->sa.local,
		.remote = remote ? *remote : s->sa.remote };

	x->fn(x->ctx, &ev);
}

/* ---- what a state looks like to the kernel */

/* Where the peer may share its address: one of its own that nobody else in this network has. */
static struct addr
synthetic(uint32_t tunnel, uint32_t peer)
{
	return (struct addr){ 4, { 0xf0, (uint8_t)((tunnel - 1) << 4 | peer >> 16), (uint8_t)(peer >> 8), (uint8_t)peer } };
}

static struct addr
lladdr_of(const struct dp_sa *sa)
{
	return synthetic(sa->tunnel, sa->peer);
}

/* Our own address inside: with IPv6 outside one of GRE's own, which is IPv4 always. */
static struct addr
inner_local(const struct xfrm_kernel *x, const struct dp_sa *sa)
{
	return sa->local.addr.n == 16 ? x->tunnel[sa->tunnel - 1].conf.source : sa->local.addr;
}

static uint32_t
tunnel_of_reqid(uint32_t reqid)
{
	return (reqid >> 20 & 0xf) + 1;
}

static uint32_t
peer_of_reqid(uint32_t reqid)
{
	return reqid & (DP_PEERS_MAX - 1);
}

static uint32_t
reqid_of(const struct dp_sa *sa)
{
	return KMSG_REQID_PEER + ((sa->tunnel - 1) << 20) + sa->peer;
}

static struct kmsg_state
state_with(const struct dp_sa *sa, const struct addr *inside, bool out, const struct kmsg_algs *algs)
{
	return (struct kmsg_state){ .out = out, .local = sa->local, .remote = sa->remote, .spi = out ? sa->spi_out : sa->spi_in, .reqid = reqid_of(sa),
		.encap = sa->encap, .esn = sa->esn, .beet = true, .inner_local = *inside, .inner_remote = lladdr_of(sa), .life = sa->life, .algs = algs };
}

static struct kmsg_state
state_of(const struct xfrm_kernel *x, const struct dp_sa *sa, bool out, const struct kmsg_algs *algs)
{
	struct addr inside = inner_local(x, sa);

	return state_with(sa, &inside, out, algs);
}

static void
gone_is_fine(void *ctx, uint64_t what, int error)
{
	struct xfrm_kernel *x = ctx;

	if (error != 0 && error != -ESRCH && error != -ENOENT)
		refused(x, what ? "to remove a policy" : "to remove a state", error);
}

static void
state_del(struct xfrm_kernel *x, const struct dp_sa *sa, bool out)
{
	struct kmsg_state st = state_of(x, sa, out, NULL);

	nlq_add(&x->q, kmsg_state_del(&st), gone_is_fine, x, 0);
}

static const char *const batch_what[] = { "an inbound ESP state", "an outbound ESP state", "the policy of a peer" };
enum { BATCH_IN, BATCH_OUT, BATCH_POLICY };

static void
first_refused(void *ctx, uint64_t what, int error)
{
	struct batch *b = ctx;

	b->in |= error == 0 && what == BATCH_IN;
	b->out |= error == 0 && what == BATCH_OUT;
	if (error == 0 || b->rc != 0)
		return;
	b->what = what;
	b->rc = refused(b->x, batch_what[what], error);
}

static void
state_add(struct xfrm_kernel *x, const struct dp_sa *sa, bool out, struct batch *b)
{
	struct kmsg_algs algs = { .replay_n = 0 };
	struct kmsg_state st = state_of(x, sa, out, &algs);
	uint64_t what = out ? BATCH_OUT : BATCH_IN;

	if (kmsg_algs_of(sa, out, &algs))
		nlq_add(&x->q, kmsg_state_add(&st), first_refused, b, what);
	else
		first_refused(b, what, -EOPNOTSUPP);
	kmsg_algs_wipe(&algs);
}

/* ---- policies of a peer */

static struct kmsg_sel
peer_sel(const struct xfrm_kernel *x, const struct xk_peer *p, bool out)
{
	const struct dp_tunnel *t = &x->tunnel[p->tunnel - 1].conf;
	struct kmsg_sel s = { .has_key = t->has_key, .key = t->key };

	s.src = out ? p->inside : p->lladdr;
	s.dst = out ? p->lladdr : p->inside;
	return s;
}

static void
peer_policies_del(struct xfrm_kernel *x, struct xk_peer *p)
{
	struct kmsg_sel out = peer_sel(x, p, true), in = peer_sel(x, p, false);

	if (!p->beet)
		return;
	p->beet = false;
	nlq_add(&x->q, kmsg_policy_del(true, &out), gone_is_fine, x, 1);
	nlq_add(&x->q, kmsg_policy_del(false, &in), gone_is_fine, x, 1);
}

static void
peer_policies_put(struct xfrm_kernel *x, const struct xk_peer *p, struct batch *b)
{
	uint32_t reqid = KMSG_REQID_PEER + ((p->tunnel - 1) << 20) + p->number;
	struct kmsg_sel out = peer_sel(x, p, true), in = peer_sel(x, p, false);

	nlq_add(&x->q, kmsg_policy_set(KMSG_PEER, true, &out, reqid, &p->local, &p->remote), first_refused, b, BATCH_POLICY);
	nlq_add(&x->q, kmsg_policy_set(KMSG_PEER, false, &in, reqid, &p->local, &p->remote), first_refused, b, BATCH_POLICY);
}

/* The policies that this SA needs, outer addresses included. */
static void
peer_policies(struct xfrm_kernel *x, struct xk_peer *p, const struct dp_sa *sa, struct batch *b)
{
	struct addr inside = inner_local(x, sa);

	if (p->beet && !addr_eq(&p->inside, &inside))
		peer_policies_del(x, p);
	p->lladdr = lladdr_of(sa);
	p->outer_local = sa->local;
	p->outer_remote = sa->remote;
	if (p->beet && addr_eq(&p->remote, &sa->remote.addr) && addr_eq(&p->local, &sa->local.addr))
		return;
	p->inside = inside;
	p->local = sa->local.addr;
	p->remote = sa->remote.addr;
	p->beet = true;
	peer_policies_put(x, p, b);
}

/* ---- policies of a tunnel */

static struct kmsg_sel
tunnel_sel(const struct dp_tunnel *t, bool out, bool block, bool v6)
{
	struct kmsg_sel s = { .v6 = v6, .has_key = t->has_key, .key = t->key };

	if (!block)
		*(out ? &s.src : &s.dst) = t->source;
	return s;
}

static struct kmsg_sel
never_sel(const struct xk_tunnel *t)
{
	return (struct kmsg_sel){ .dst = t->never, .v6 = t->never.n == 16, .has_key = t->conf.has_key, .key = t->conf.key };
}

static int
never_put(struct xfrm_kernel *x, const struct xk_tunnel *t)
{
	struct kmsg_sel s = never_sel(t);
	int rc = nlq_do(&x->q, kmsg_policy_set(KMSG_NEVER, true, &s, 0, NULL, NULL));

	return rc == 0 ? 0 : refused(x, "the policy for multicast", rc);
}

static void
never_del(struct xfrm_kernel *x, const struct xk_tunnel *t)
{
	struct kmsg_sel s = never_sel(t);

	nlq_add(&x->q, kmsg_policy_del(true, &s), gone_is_fine, x, 1);
}

static int
block_put(struct xfrm_kernel *x, const struct dp_tunnel *t)
{
	int rc = 0;

	for (unsigned i = 0; t->has_key && rc == 0 && i < 4; i++) {
		struct kmsg_sel s = tunnel_sel(t, i & 1, true, i & 2);

		rc = nlq_do(&x->q, kmsg_policy_set(KMSG_BLOCK, i & 1, &s, 0, NULL, NULL));
	}
	return rc == 0 ? 0 : refused(x, "the policy that blocks GRE in clear", rc);
}

static void
block_del(struct xfrm_kernel *x, const struct dp_tunnel *t)
{
	for (unsigned i = 0; t->has_key && i < 4; i++) {
		struct kmsg_sel s = tunnel_sel(t, i & 1, true, i & 2);

		nlq_add(&x->q, kmsg_policy_del(i & 1, &s), gone_is_fine, x, 1);
	}
}

static int
allow_put(struct xfrm_kernel *x, struct xk_tunnel *t)
{
	int rc = 0;

	for (unsigned out = 0; t->conf.source.n && rc == 0 && out < 2; out++) {
		struct kmsg_sel s = tunnel_sel(&t->conf, out, false, false);

		rc = nlq_do(&x->q, kmsg_policy_set(KMSG_TUNNEL, out, &s, KMSG_REQID_TUNNEL + t->conf.id, NULL, NULL));
	}
	t->allowed = rc == 0 && t->conf.source.n;
	return rc == 0 ? 0 : refused(x, "the policy of the tunnel", rc);
}

static void
allow_del(struct xfrm_kernel *x, struct xk_tunnel *t)
{
	for (unsigned out = 0; t->allowed && out < 2; out++) {
		struct kmsg_sel s = tunnel_sel(&t->conf, out, false, false);

		nlq_add(&x->q, kmsg_policy_del(out, &s), gone_is_fine, x, 1);
	}
	t->allowed = false;
}

static bool
same_gre(const struct dp_tunnel *a, const struct dp_tunnel *b)
{
	return a->has_key == b->has_key && (!a->has_key || a->key == b->key);
}

int
xfrm_kernel_tunnel_set(struct xfrm_kernel *x, const struct dp_tunnel *conf, const struct addr *never)
{
	struct xk_tunnel *t, was;
	int rc;

	if (conf->id == 0 || conf->id > TUNNELS_MAX)
		return -EINVAL;
	t = &x->tunnel[conf->id - 1];
	was = *t;
	if (was.used && (!same_gre(&was.conf, conf) || !addr_eq(&was.conf.source, &conf->source)))
		allow_del(x, t);
	t->used = true;
	t->conf = *conf;
	t->never = *never;
	rc = block_put(x, conf);
	if (rc == 0)
		rc = never_put(x, t);
	if (rc == 0 && !t->allowed)
		rc = allow_put(x, t);
	if (rc == 0 && was.used && !same_gre(&was.conf, conf))
		block_del(x, &was.conf);
	if (rc == 0 && was.used && (!same_gre(&was.conf, conf) || !addr_eq(&was.never, never)))
		never_del(x, &was);
	nlq_flush(&x->q);
	return rc;
}

int
xfrm_kernel_unblock(struct xfrm_kernel *x, const struct dp_tunnel *conf)
{
	uint64_t before = x->count[XK_REFUSED];

	block_del(x, conf);
	nlq_flush(&x->q);
	return x->count[XK_REFUSED] == before ? 0 : -EPERM;
}

int
xfrm_kernel_tunnel_del(struct xfrm_kernel *x, uint32_t tunnel)
{
	struct xk_tunnel *t = tunnel >= 1 && tunnel <= TUNNELS_MAX ? &x->tunnel[tunnel - 1] : NULL;

	if (!t || !t->used)
		return 0;
	allow_del(x, t);
	never_del(x, t);
	block_del(x, &t->conf);
	nlq_flush(&x->q);
	t->used = false;
	return 0;
}

/* ---- reading states */

static void
count_in(struct xfrm_kernel *x, struct xk_sa *s, const struct xfrm_usersa_info *i)
{
	struct dp_peer_stats *p = &s->peer->all;
	uint64_t packets = i->curlft.packets - s->st.rx_packets, bytes = i->curlft.bytes - s->st.rx_bytes;

	s->seen_in = x->dump;
	if (i->curlft.packets <= s->st.rx_packets)
		return;
	s->st.rx_packets += packets;
	s->st.rx_bytes += bytes;
	p->rx_packets += packets;
	p->rx_bytes += bytes;
	s->st.last_rx = now_of(x);
}

static void
count_out(struct xfrm_kernel *x, struct xk_sa *s, const struct xfrm_usersa_info *i)
{
	struct dp_peer_stats *p = &s->peer->all;
	uint64_t packets = i->curlft.packets - s->st.tx_packets, bytes = i->curlft.bytes - s->st.tx_bytes;

	s->seen_out = x->dump;
	if (i->curlft.packets <= s->st.tx_packets)
		return;
	s->st.tx_packets += packets;
	s->st.tx_bytes += bytes;
	p->tx_packets += packets;
	p->tx_bytes += bytes;
	s->st.last_tx = now_of(x);
}

static void
on_state(void *ctx, struct nlmsghdr *h)
{
	struct xfrm_kernel *x = ctx;
	const struct xfrm_usersa_info *i = nlmsg_data(h);
	struct xk_sa *s;
	bool out;

	if (h->nlmsg_type != XFRM_MSG_NEWSA || h->nlmsg_len < NLMSG_LENGTH(sizeof(*i)) || !kmsg_reqid_ours(i->reqid) ||
	    !(s = sa_of_id(x, &i->id, i->family, &out)))
		return;
	if (out)
		count_out(x, s, i);
	else
		count_in(x, s, i);
}

/* Packets that the kernel has counted since the last time, less those that we have. An SA that goes takes a few uncounted ones with it: what
 * is too little is forgotten, never owed. */
static uint64_t
data(uint64_t all, uint64_t was_all, uint64_t own, uint64_t was_own)
{
	return all - was_all > own - was_own ? all - was_all - (own - was_own) : 0;
}

static void
compare(struct xfrm_kernel *x, struct xk_peer *p, const struct dp_peer_stats *own)
{
	uint64_t rx = data(p->all.rx_packets, p->seen.rx_packets, own->rx_packets, p->own.rx_packets);
	uint64_t tx = data(p->all.tx_packets, p->seen.tx_packets, own->tx_packets, p->own.tx_packets);

	if (rx) {
		p->st.rx_packets += rx;
		p->st.rx_bytes += data(p->all.rx_bytes, p->seen.rx_bytes, own->rx_bytes, p->own.rx_bytes);
		p->st.last_rx = now_of(x);
	}
	if (tx) {
		p->st.tx_packets += tx;
		p->st.tx_bytes += data(p->all.tx_bytes, p->seen.tx_bytes, own->tx_bytes, p->own.tx_bytes);
		p->st.last_tx = now_of(x);
	}
	p->used_in |= rx && p->watch_in;
	p->used_out |= tx && p->watch_out;
	x->used |= p->used_in || p->used_out;
	p->seen = p->all;
	p->own = *own;
}

/* While NHRP packets wait to be read they would be taken for data: the next dump tells. */
static void
compare_all(struct xfrm_kernel *x)
{
	struct map_iter it;

	if (x->own_of.unread && x->put_off < PUT_OFF_MAX && x->own_of.unread(x->own_of.ctx)) {
		x->put_off++;
		return;
	}
	x->put_off = 0;
	for (struct map_node *n = map_first(&x->peers, &it); n; n = map_next(&x->peers, &it)) {
		struct xk_peer *p = container_of(n, struct xk_peer, node);
		struct dp_peer_stats own = p->own;

		if (x->own_of.count)
			x->own_of.count(x->own_of.ctx, p->tunnel, p->number, &own);
		compare(x, p, &own);
	}
}

static bool
read_states(struct xfrm_kernel *x)
{
	int rc;

	tick_t began = now_of(x);

	x->dump++;
	rc = nlq_get(&x->q, kmsg_state_dump(), on_state, x);
	x->dumped = now_of(x);
	x->took = x->dumped - began;
	if (rc == 0)
		compare_all(x);
	return rc == 0;
}

static void
read_if_old(struct xfrm_kernel *x)
{
	if (x->dumped + at_least(x, DUMP_AGE) <= now_of(x))
		read_states(x);
}

/* ---- looking after: first use, and what somebody else removed */

/* Whoever is told may remove states: so they are collected first, and the rest is told the next time. */
struct told {
	uint32_t spi[256];
	unsigned n;
};

static void
tell_all(struct xfrm_kernel *x, const struct told *t, enum dp_event_kind kind)
{
	for (unsigned i = 0; i < t->n; i++) {
		const struct xk_sa *s = sa_find(x, t->spi[i]);

		if (s)
			tell(x, kind, s, NULL);
	}
}

static void
tell_first_use(struct xfrm_kernel *x)
{
	struct told t = { .n = 0 };
	struct map_iter it;

	x->fresh = 0;
	for (struct map_node *n = map_first(&x->in, &it); n; n = map_next(&x->in, &it)) {
		struct xk_sa *s = container_of(n, struct xk_sa, by_in);

		if (s->used)
			continue;
		if (s->st.rx_packets && t.n < 256) {
			s->used = true;
			t.spi[t.n++] = s->sa.spi_in;
		} else if (s->st.rx_packets || s->since + FRESH_FOR > now_of(x)) {
			x->fresh++;
		}
	}
	tell_all(x, &t, DP_EV_SA_USED);
}

struct use {
	struct peer_key who;
	bool sent;
};

/* Those that were watched, and used since. */
static void
tell_used(struct xfrm_kernel *x)
{
	struct use use[256];
	unsigned k = 0;
	struct map_iter it;

	x->watched = 0;
	x->used = false;
	for (struct map_node *n = map_first(&x->peers, &it); n; n = map_next(&x->peers, &it)) {
		struct xk_peer *p = container_of(n, struct xk_peer, node);

		if (k + 2 <= 256 && p->used_in) {
			use[k++] = (struct use){ { p->tunnel, p->number }, false };
			p->used_in = p->watch_in = false;
		}
		if (k + 2 <= 256 && p->used_out) {
			use[k++] = (struct use){ { p->tunnel, p->number }, true };
			p->used_out = p->watch_out = false;
		}
		x->used |= p->used_in || p->used_out;
		x->watched += (p->watch_in || p->watch_out) && p->watched + FRESH_FOR > now_of(x);
	}
	for (unsigned i = 0; i < k; i++) {
		struct dp_event ev = { .kind = DP_EV_PEER_USED, .tunnel = use[i].who.tunnel, .peer = use[i].who.number, .sent = use[i].sent };

		if (peer_find(x, ev.tunnel, ev.peer))
			x->fn(x->ctx, &ev);
	}
}

/* Whether both halves were in the dump just read. */
static void
tell_lost(struct xfrm_kernel *x)
{
	struct told t = { .n = 0 };
	struct map_iter it;

	for (struct map_node *n = map_first(&x->in, &it); n && t.n < 256; n = map_next(&x->in, &it)) {
		struct xk_sa *s = container_of(n, struct xk_sa, by_in);

		if (s->seen_in != x->dump || (s->out_there && s->seen_out != x->dump))
			t.spi[t.n++] = s->sa.spi_in;
	}
	x->count[XK_STATE_LOST] += t.n;
	tell_all(x, &t, DP_EV_SA_HARD);
}

/* Of a peer of an earlier life, which nobody of today stands for. */
static bool
is_stale(const struct xfrm_kernel *x, uint32_t reqid)
{
	return stale_taken(&x->stale, peer_of_reqid(reqid)) && !peer_find(x, tunnel_of_reqid(reqid), peer_of_reqid(reqid));
}

static void
on_policy(void *ctx, struct nlmsghdr *h)
{
	struct xfrm_kernel *x = ctx;
	const struct xfrm_userpolicy_info *p = nlmsg_data(h);

	if (h->nlmsg_type != XFRM_MSG_NEWPOLICY || h->nlmsg_len < NLMSG_LENGTH(sizeof(*p)) || !kmsg_priority_ours(p->priority))
		return;
	if (p->priority != KMSG_PRIO_PEER || !stale_count(&x->stale) || !is_stale(x, kmsg_policy_reqid(h)))
		x->policies++;
}

static uint32_t
policies_wanted(const struct xfrm_kernel *x)
{
	uint32_t n = 0;
	struct map_iter it;

	for (unsigned i = 0; i < TUNNELS_MAX; i++) {
		if (x->tunnel[i].used)
			n += 1 + (x->tunnel[i].conf.has_key ? 4 : 0) + (x->tunnel[i].allowed ? 2 : 0);
	}
	for (struct map_node *m = map_first(&x->peers, &it); m; m = map_next(&x->peers, &it))
		n += container_of(m, struct xk_peer, node)->beet ? 2 : 0;
	return n;
}

static void
restore_policies(struct xfrm_kernel *x)
{
	struct batch b = { .x = x };
	struct map_iter it;

	for (unsigned i = 0; i < TUNNELS_MAX; i++) {
		if (!x->tunnel[i].used)
			continue;
		block_put(x, &x->tunnel[i].conf);
		never_put(x, &x->tunnel[i]);
		allow_put(x, &x->tunnel[i]);
	}
	for (struct map_node *m = map_first(&x->peers, &it); m; m = map_next(&x->peers, &it)) {
		struct xk_peer *p = container_of(m, struct xk_peer, node);

		if (p->beet)
			peer_policies_put(x, p, &b);
	}
	nlq_flush(&x->q);
}

static void
audit_policies(struct xfrm_kernel *x)
{
	uint32_t wanted = policies_wanted(x);

	x->policies = 0;
	if (nlq_get(&x->q, kmsg_policy_dump(), on_policy, x) != 0 || x->policies >= wanted)
		return;
	x->count[XK_POLICY_RESTORED] += wanted - x->policies;
	log_at(x->host->log, LOG_LV_WARN, "xfrm-policy-lost", "%u of %u IPsec policies were removed by another program; put back", wanted - x->policies, wanted);
	restore_policies(x);
}

static void on_timer(void *arg);
static void end_stale(struct xfrm_kernel *x, tick_t now);

static void
rearm(struct xfrm_kernel *x)
{
	tick_t wait = at_least(x, x->fresh || x->watched ? FRESH_EVERY : AUDIT_EVERY), now = now_of(x);

	if (x->stale.next != TICK_NEVER)
		wait = tick_min(wait, at_least(x, x->stale.next > now ? x->stale.next - now : FRESH_EVERY));
	if (!x->timer)
		x->timer = x->host->after(x->host->ctx, wait, on_timer, x);
}

/* Than the audit. */
static void
sooner(struct xfrm_kernel *x)
{
	x->host->unwatch(x->host->ctx, x->timer);
	x->timer = NULL;
	rearm(x);
}

static void
look(struct xfrm_kernel *x, bool audit)
{
	tick_t began = now_of(x);

	if (read_states(x)) {
		tell_first_use(x);
		if (x->used || x->watched)
			tell_used(x);
		if (audit)
			tell_lost(x);
	}
	if (audit) {
		x->audited = now_of(x);
		audit_policies(x);
	}
	x->took = now_of(x) - began;	/* not the states alone */
}

void
xfrm_kernel_heard(struct xfrm_kernel *x)
{
	if (x->fresh && x->dumped + at_least(x, HEARD_EVERY) <= now_of(x))
		look(x, false);
}

static void
on_timer(void *arg)
{
	struct xfrm_kernel *x = arg;
	bool audit = x->audited + AUDIT_EVERY <= now_of(x);

	x->timer = NULL;
	if (x->fresh || x->watched || audit)
		look(x, audit);
	if (x->stale.next <= now_of(x))
		end_stale(x, now_of(x));
	rearm(x);
}

/* ---- what the kernel tells */

static void
on_expire(struct xfrm_kernel *x, const struct xfrm_user_expire *e)
{
	bool out;
	struct xk_sa *s = sa_of_id(x, &e->state.id, e->state.family, &out);

	if (!s)
		return;
	x->count[e->hard ? XK_EXPIRE_HARD : XK_EXPIRE_SOFT]++;
	tell(x, e->hard ? DP_EV_SA_HARD : DP_EV_SA_SOFT, s, NULL);
}

static void
on_mapping(struct xfrm_kernel *x, const struct xfrm_user_mapping *m)
{
	struct xfrm_id id = { .daddr = m->id.daddr, .spi = m->id.spi, .proto = m->id.proto };
	struct endpoint now = { kmsg_addr(&m->new_saddr, m->id.family), ntohs(m->new_sport) };
	bool out;
	struct xk_sa *s = sa_of_id(x, &id, m->id.family, &out);

	if (!s || out || endpoint_eq(&s->sa.remote, &now))
		return;
	x->count[XK_MAPPING]++;
	tell(x, DP_EV_SA_MOVED, s, &now);
}

static void
on_deleted(struct xfrm_kernel *x, const struct xfrm_usersa_id *d)
{
	struct xfrm_id id = { .daddr = d->daddr, .spi = d->spi, .proto = d->proto };
	bool out;
	struct xk_sa *s = sa_of_id(x, &id, d->family, &out);

	if (s && (!out || s->out_there))	/* not by us: we forget first */
		x->audited = 0;
}

static void
on_news(void *ctx, struct nlmsghdr *h)
{
	struct xfrm_kernel *x = ctx;
	const void *p = nlmsg_data(h);
	size_t n = h->nlmsg_len - NLMSG_HDRLEN;

	switch (h->nlmsg_type) {
	case XFRM_MSG_EXPIRE:
		if (n >= sizeof(struct xfrm_user_expire))
			on_expire(x, p);
		break;
	case XFRM_MSG_MAPPING:
		if (n >= sizeof(struct xfrm_user_mapping))
			on_mapping(x, p);
		break;
	case XFRM_MSG_ACQUIRE:
		x->count[XK_ACQUIRE]++;
		break;
	case XFRM_MSG_DELSA:
		if (n >= sizeof(struct xfrm_usersa_id))
			on_deleted(x, p);
		break;
	case XFRM_MSG_FLUSHSA:
	case XFRM_MSG_FLUSHPOLICY:
		x->audited = 0;
		break;
	}
}

static void
on_readable(void *arg)
{
	struct xfrm_kernel *x = arg;

	if (!nlq_hear(x->news, on_news, x)) {
		x->count[XK_NEWS_LOST]++;
		x->audited = 0;
	}
	if (x->audited == 0)
		look(x, true);
}

/* ---- verbs for states */

/* ---- one outbound state per peer, so that the kernel has no choice */

struct read_one {
	struct kmsg_algs algs;
	bool ok;
};

static void
on_one(void *ctx, struct nlmsghdr *h)
{
	struct read_one *r = ctx;

	if (h->nlmsg_type == XFRM_MSG_NEWSA)
		r->ok = kmsg_algs_read(h, &r->algs);
}

static void
unpark(struct xfrm_kernel *x, struct xk_sa *s)
{
	if (s->parked)
		kmsg_algs_wipe(s->parked);
	env_free(x->host->env, s->parked);
	s->parked = NULL;
}

/* Out of the kernel, but not out of our hands: if the one that took its place goes first (both sides opened an SA, and this is the one
 * that stays), this is needed again. Its numbers go on behind those that have left. */
static void
park(struct xfrm_kernel *x, struct xk_sa *s)
{
	struct kmsg_state st = state_of(x, &s->sa, true, NULL);
	struct read_one r = { .ok = false };

	if (nlq_get(&x->q, kmsg_state_get(&st), on_one, &r) == 0 && r.ok && (s->parked = env_alloc(x->host->env, sizeof(*s->parked)))) {
		kmsg_algs_skip(&r.algs, SKIP_NUMBERS);
		*s->parked = r.algs;
	}
	kmsg_algs_wipe(&r.algs);
	s->out_there = false;
	state_del(x, &s->sa, true);
	nlq_flush(&x->q);
}

/* The outbound state stands. */
static void
now_out(struct xfrm_kernel *x, struct xk_sa *s)
{
	explicit_bzero(&s->sa.keys, sizeof(s->sa.keys));
	unpark(x, s);
	s->st.tx_packets = s->st.tx_bytes = 0;	/* the kernel counts from 0 */
	s->out_there = s->sa.active = true;
	s->activated = ++x->serial;
	s->peer->out = s;
}

static int
install_out(struct xfrm_kernel *x, struct xk_sa *s)
{
	struct kmsg_state st = state_of(x, &s->sa, true, s->parked);
	struct batch b = { .x = x };

	if (s->parked)
		nlq_add(&x->q, kmsg_state_add(&st), first_refused, &b, BATCH_OUT);
	else
		state_add(x, &s->sa, true, &b);
	nlq_flush(&x->q);
	if (b.rc == 0)
		now_out(x, s);
	return b.rc;
}

static int
activate(struct xfrm_kernel *x, struct xk_sa *s)
{
	struct xk_sa *old = s->peer->out;
	int rc;

	if (s->out_there)
		return 0;
	rc = install_out(x, s);
	if (rc == 0 && old)
		park(x, old);
	return rc;
}

/* The one to send on is gone: the one before it, if it is still there. */
static void
fall_back(struct xfrm_kernel *x, struct xk_peer *p)
{
	struct xk_sa *best = NULL;

	for (struct xk_sa *s = p->sas; s; s = s->next) {
		if (s->parked && (!best || s->activated > best->activated))
			best = s;
	}
	if (best && install_out(x, best) == 0)
		x->count[XK_FELL_BACK]++;
}

static void
forget(struct xfrm_kernel *x, struct xk_sa *s)
{
	struct xk_peer *p = s->peer;

	bool sent = p->out == s;

	map_del(&x->in, &s->by_in);
	map_del(&x->out, &s->by_out);
	*s->prev = s->next;
	if (s->next)
		s->next->prev = s->prev;
	if (sent)
		p->out = NULL;
	unpark(x, s);
	explicit_bzero(&s->sa.keys, sizeof(s->sa.keys));
	env_free(x->host->env, s);
	if (--p->refs > 0) {
		if (sent && !x->ending)
			fall_back(x, p);
		return;
	}
	peer_policies_del(x, p);
	map_del(&x->peers, &p->node);
	env_free(x->host->env, p);
}

static struct xk_sa *
remember(struct xfrm_kernel *x, const struct dp_sa *sa)
{
	struct xk_peer *p = peer_get(x, sa->tunnel, sa->peer);
	struct xk_sa *s = p ? env_alloc(x->host->env, sizeof(*s)) : NULL;

	if (!s) {
		if (p && p->refs == 0) {
			map_del(&x->peers, &p->node);
			env_free(x->host->env, p);
		}
		return NULL;
	}
	*s = (struct xk_sa){ .peer = p, .sa = *sa, .since = now_of(x), .next = p->sas, .prev = &p->sas };
	if (s->next)
		s->next->prev = &s->next;
	p->sas = s;
	p->refs++;
	map_add(&x->in, &s->by_in, map_hash(&x->in, &sa->spi_in, sizeof(sa->spi_in)));
	map_add(&x->out, &s->by_out, out_hash(x, sa->spi_out));
	return s;
}

/* 1: it is there, with *lladdr set. */
static int
check_sa(struct xfrm_kernel *x, const struct dp_sa *sa, struct addr *lladdr)
{
	const struct xk_sa *s = sa_find(x, sa->spi_in);

	x->err[0] = '\0';
	if (s) {
		*lladdr = s->peer->lladdr;
		return s->sa.spi_out == sa->spi_out && s->sa.peer == sa->peer ? 1 : -EEXIST;
	}
	if (sa->tunnel == 0 || sa->tunnel > TUNNELS_MAX || !x->tunnel[sa->tunnel - 1].used || sa->peer >= DP_PEERS_MAX)
		return -EINVAL;
	return sa->sel ? -EOPNOTSUPP : 0;	/* BEET rewrites addresses outside; there is nothing that would inside */
}

/* What came of it is known: the SA is there, or nothing of it. */
static int
settle(struct xfrm_kernel *x, struct xk_sa *s)
{
	struct batch b = s->asked;

	s->waiting = false;
	if (b.rc == 0 && b.out)
		now_out(x, s);
	if (b.rc == 0) {
		stale_shorten(&x->stale, s->sa.tunnel, &(struct endpoint){ s->sa.remote.addr, s->sa.encap ? s->sa.remote.port : 0 }, now_of(x) + STALE_AFTER);
		if (x->fresh++ == 0)
			sooner(x);
		return 0;
	}
	snprintf(x->err, sizeof(x->err), "the kernel refused %s: %s", batch_what[b.what], strerror(-b.rc));
	if (b.in)
		state_del(x, &s->sa, false);
	if (b.out || s->out_there)
		state_del(x, &s->sa, true);
	forget(x, s);
	return b.rc;
}

/* Everything that the first SA of a peer needs, where it is to be sent on at once that too. */
static void
ask(struct xfrm_kernel *x, struct xk_sa *s)
{
	s->asked = (struct batch){ .x = x };
	s->waiting = true;
	peer_policies(x, s->peer, &s->sa, &s->asked);
	state_add(x, &s->sa, false, &s->asked);
	if (s->sa.active && !s->peer->out)
		state_add(x, &s->sa, true, &s->asked);
}

int
xfrm_kernel_sa_add(struct xfrm_kernel *x, const struct dp_sa *sa, struct addr *lladdr)
{
	int rc = check_sa(x, sa, lladdr);
	struct xk_sa *s;

	if (rc != 0)
		return rc > 0 ? 0 : rc;
	if (!(s = remember(x, sa)))
		return -ENOMEM;
	ask(x, s);
	nlq_flush(&x->q);
	if (sa->active && s->peer->out && s->asked.rc == 0 && (s->asked.rc = activate(x, s)) != 0)	/* in the place of another */
		s->asked.what = BATCH_OUT;
	*lladdr = s->peer->lladdr;
	rc = settle(x, s);
	nlq_flush(&x->q);
	return rc;
}

int
xfrm_kernel_sa_ask(struct xfrm_kernel *x, const struct dp_sa *sa, struct addr *lladdr)
{
	int rc = check_sa(x, sa, lladdr);
	struct xk_sa *s;

	if (rc != 0)
		return rc > 0 ? 0 : rc;
	if (peer_find(x, sa->tunnel, sa->peer))	/* the outbound state of another may have to be parked */
		return -EAGAIN;
	if (!(s = remember(x, sa)))
		return -ENOMEM;
	ask(x, s);
	*lladdr = s->peer->lladdr;
	return -EINPROGRESS;
}

int
xfrm_kernel_sa_added(struct xfrm_kernel *x, uint32_t spi_in)
{
	struct xk_sa *s = sa_find(x, spi_in);

	return s && s->waiting ? settle(x, s) : s ? 0 : -ENOENT;
}

bool
xfrm_kernel_sa_alone(const struct xfrm_kernel *x, uint32_t spi_in)
{
	const struct xk_sa *s = sa_find(x, spi_in);

	return !s || s->peer->refs == 1;
}

void
xfrm_kernel_collect(struct xfrm_kernel *x, bool on)
{
	x->collecting = on;
}

void
xfrm_kernel_flush(struct xfrm_kernel *x)
{
	nlq_flush(&x->q);
}

size_t
xfrm_kernel_waiting(const struct xfrm_kernel *x)
{
	return x->q.n;
}

/* The state anew with other outer addresses: keys and window as the kernel has them. */
static int
reseat(struct xfrm_kernel *x, const struct dp_sa *was, const struct dp_sa *is, bool out)
{
	struct read_one r = { .ok = false };
	struct kmsg_state old = state_of(x, was, out, NULL), new = state_of(x, is, out, &r.algs);
	int rc = nlq_get(&x->q, kmsg_state_get(&old), on_one, &r);

	if (rc == 0 && !r.ok)
		rc = -EIO;
	if (rc == 0) {
		if (out)
			kmsg_algs_skip(&r.algs, SKIP_NUMBERS);
		nlq_add(&x->q, kmsg_state_del(&old), gone_is_fine, x, 0);
		rc = nlq_do(&x->q, kmsg_state_add(&new));
	}
	kmsg_algs_wipe(&r.algs);
	return rc == 0 ? 0 : refused(x, "to move a state", rc);
}

static int
move(struct xfrm_kernel *x, struct xk_sa *s, const struct dp_sa *is)
{
	struct dp_sa was = s->sa;
	struct batch b = { .x = x };
	int rc;

	explicit_bzero(&was.keys, sizeof(was.keys));
	peer_policies(x, s->peer, is, &b);
	nlq_flush(&x->q);
	rc = b.rc;
	if (rc == 0)
		rc = reseat(x, &was, is, false);
	if (rc == 0 && s->out_there)
		rc = reseat(x, &was, is, true);
	s->st.rx_packets = s->st.rx_bytes = s->st.tx_packets = s->st.tx_bytes = 0;	/* the kernel counts from 0 again */
	s->sa.local = is->local;
	s->sa.remote = is->remote;
	s->sa.encap = is->encap;
	return rc;
}

int
xfrm_kernel_sa_update(struct xfrm_kernel *x, uint32_t spi_in, enum dp_sa_update what, const struct endpoint *local,
    const struct endpoint *remote, bool encap, struct addr *lladdr)
{
	struct xk_sa *s = sa_find(x, spi_in);
	struct dp_sa is;
	int rc = 0;

	if (!s)
		return -ENOENT;
	switch (what) {
	case DP_SA_ACTIVATE:
		rc = activate(x, s);
		if (rc != 0)	/* nothing can be sent on it: another is to be made */
			tell(x, DP_EV_SA_HARD, s, NULL);
		break;
	case DP_SA_MOVE:
		is = s->sa;
		is.local = local ? *local : is.local;
		is.remote = remote ? *remote : is.remote;
		is.encap = encap;
		if (!endpoint_eq(&is.local, &s->sa.local) || !endpoint_eq(&is.remote, &s->sa.remote) || is.encap != s->sa.encap)
			rc = move(x, s, &is);
		explicit_bzero(&is.keys, sizeof(is.keys));
		break;
	}
	*lladdr = s->peer->lladdr;
	return rc;
}

bool
xfrm_kernel_peer_outer(const struct xfrm_kernel *x, uint32_t tunnel, uint32_t peer, struct endpoint *local, struct endpoint *remote)
{
	const struct xk_peer *p = peer_find(x, tunnel, peer);

	if (p) {
		*local = p->outer_local;
		*remote = p->outer_remote;
	}
	return p;
}

bool
xfrm_kernel_sa_find(const struct xfrm_kernel *x, uint32_t spi_in, uint32_t *tunnel, uint32_t *peer)
{
	const struct xk_sa *s = sa_find(x, spi_in);

	if (s) {
		*tunnel = s->sa.tunnel;
		*peer = s->sa.peer;
	}
	return s;
}

bool
xfrm_kernel_sa_del(struct xfrm_kernel *x, uint32_t spi_in, uint32_t *tunnel, uint32_t *peer)
{
	struct xk_sa *s = sa_find(x, spi_in);

	if (!s)
		return false;
	*tunnel = s->sa.tunnel;
	*peer = s->sa.peer;
	state_del(x, &s->sa, false);
	if (s->out_there)
		state_del(x, &s->sa, true);
	forget(x, s);
	if (!x->collecting)
		nlq_flush(&x->q);
	return true;
}

uint32_t
xfrm_kernel_spi_alloc(struct xfrm_kernel *x)
{
	uint32_t spi = 0;

	for (unsigned i = 0; i < 64; i++) {
		x->host->env->random(x->host->env->ctx, &spi, sizeof(spi));
		if (spi > 255 && !sa_find(x, spi))
			return spi;
	}
	return 0;
}

bool
xfrm_kernel_sa_stats(struct xfrm_kernel *x, uint32_t spi_in, struct dp_sa_stats *out)
{
	struct xk_sa *s = sa_find(x, spi_in);

	if (!s)
		return false;
	read_if_old(x);
	*out = s->st;
	return true;
}

bool
xfrm_kernel_peer_stats(struct xfrm_kernel *x, uint32_t tunnel, uint32_t peer, struct dp_peer_stats *out)
{
	struct xk_peer *p = peer_find(x, tunnel, peer);

	if (!p)
		return false;
	read_if_old(x);
	*out = p->st;
	return true;
}

void
xfrm_kernel_peer_watch(struct xfrm_kernel *x, uint32_t tunnel, uint32_t peer)
{
	struct xk_peer *p = peer_find(x, tunnel, peer);

	if (!p)
		return;
	p->watch_in = p->watch_out = true;
	p->used_in = p->used_out = false;
	p->watched = now_of(x);
	if (x->watched++ == 0)
		sooner(x);
}

void
xfrm_kernel_own(struct xfrm_kernel *x, const struct xfrm_own *own)
{
	x->own_of = *own;
}

void
xfrm_kernel_counters(struct xfrm_kernel *x, dp_counter_fn *fn, void *ctx)
{
	for (unsigned i = 0; i < XK_COUNT_N; i++)
		fn(ctx, count_word[i], x->count[i]);
	fn(ctx, "netlink-messages", x->q.sent);
	fn(ctx, "netlink-batches", x->q.batches);
	fn(ctx, "netlink-reads", x->q.reads);
	fn(ctx, "netlink-answers-lost", x->q.lost);
}

void
xfrm_kernel_snapshot(struct xfrm_kernel *x, dp_sa_fn *fn, void *ctx)
{
	struct map_iter it;

	for (struct map_node *n = map_first(&x->in, &it); n; n = map_next(&x->in, &it)) {
		struct dp_sa sa = container_of(n, struct xk_sa, by_in)->sa;

		explicit_bzero(&sa.keys, sizeof(sa.keys));
		fn(ctx, &sa);
	}
}

const char *
xfrm_kernel_error(const struct xfrm_kernel *x)
{
	return x->err;
}

/* ---- start and stop */

/* States and policies of an earlier life. Those of peers go on carrying traffic for a while (stale.h); blocks stay for ever. Messages of
 * a dump cannot be answered inside it: what is to go is collected first. */
enum { SWEEP_MAX = 256, SWEEP_ROUNDS = 2 * DP_PEERS_MAX / SWEEP_MAX };	/* a state each way of as many peers as there can be */

struct sweep {
	struct xfrm_kernel *x;
	struct xfrm_usersa_id state[SWEEP_MAX];
	struct xfrm_userpolicy_id policy[SWEEP_MAX];
	unsigned n_state, n_policy;
	bool all;	/* of peers too, known or not: nobody is left */
};

static bool
sweeps(const struct sweep *w, uint32_t reqid)
{
	return w->all || !stale_has(&w->x->stale, tunnel_of_reqid(reqid), peer_of_reqid(reqid));
}

static void
sweep_state(void *ctx, struct nlmsghdr *h)
{
	struct sweep *w = ctx;
	const struct xfrm_usersa_info *i = nlmsg_data(h);
	bool out;

	if (h->nlmsg_type == XFRM_MSG_NEWSA && kmsg_reqid_ours(i->reqid) && w->n_state < SWEEP_MAX && !sa_of_id(w->x, &i->id, i->family, &out) &&
	    sweeps(w, i->reqid))
		w->state[w->n_state++] = (struct xfrm_usersa_id){ i->id.daddr, i->id.spi, i->family, i->id.proto };
}

static void
sweep_policy(void *ctx, struct nlmsghdr *h)
{
	struct sweep *w = ctx;
	const struct xfrm_userpolicy_info *p = nlmsg_data(h);
	uint32_t reqid;

	if (h->nlmsg_type != XFRM_MSG_NEWPOLICY || p->priority != KMSG_PRIO_PEER || w->n_policy == SWEEP_MAX)
		return;
	reqid = kmsg_policy_reqid(h);
	if (!peer_find(w->x, tunnel_of_reqid(reqid), peer_of_reqid(reqid)) && sweeps(w, reqid))
		w->policy[w->n_policy++] = (struct xfrm_userpolicy_id){ .sel = p->sel, .index = p->index, .dir = p->dir };
}

/* Of peers: all that nobody stands for, neither today nor among those of an earlier life that are waited for. */
static int
sweep(struct xfrm_kernel *x, bool all)
{
	struct sweep *w = env_alloc(x->host->env, sizeof(*w));
	int rc = w ? 0 : -ENOMEM;

	bool more = true;

	for (unsigned round = 0; more && rc == 0 && round < SWEEP_ROUNDS; round++) {
		uint64_t refused_before = x->count[XK_REFUSED];

		*w = (struct sweep){ .x = x, .all = all };
		rc = nlq_get(&x->q, kmsg_state_dump(), sweep_state, w);
		if (rc == 0)
			rc = nlq_get(&x->q, kmsg_policy_dump(), sweep_policy, w);
		for (unsigned i = 0; i < w->n_state; i++)
			nlq_add(&x->q, nlq_msg(XFRM_MSG_DELSA, 0, &w->state[i], sizeof(w->state[i])), gone_is_fine, x, 0);
		for (unsigned i = 0; i < w->n_policy; i++)
			nlq_add(&x->q, nlq_msg(XFRM_MSG_DELPOLICY, 0, &w->policy[i], sizeof(w->policy[i])), gone_is_fine, x, 1);
		nlq_flush(&x->q);
		x->count[XK_STALE_SWEPT] += w->n_state;
		more = w->n_state == SWEEP_MAX || w->n_policy == SWEEP_MAX;
		if (more && x->count[XK_REFUSED] - refused_before >= SWEEP_MAX)	/* it lets none go: the next round would find the same */
			break;
	}
	env_free(x->host->env, w);
	return rc;
}

static void
end_stale(struct xfrm_kernel *x, tick_t now)
{
	unsigned n = stale_due(&x->stale, now);

	if (n == 0 || sweep(x, false) != 0)
		return;
	stale_reap(&x->stale);
	log_at(x->host->log, LOG_LV_INFO, "xfrm-swept", "SAs of %u peer%s from before the restart are gone, %zu are waited for", n, n == 1 ? "" : "s",
	    stale_count(&x->stale));
	if (x->stale_ended)
		x->stale_ended(x->stale_ctx);
}

/* The local end is what an inbound state goes to, which is an address of this machine: that of the pair's other half is not. */
static void
found_state(void *ctx, struct nlmsghdr *h)
{
	struct xfrm_kernel *x = ctx;
	const struct xfrm_usersa_info *i = nlmsg_data(h);
	struct endpoint remote = { 0 };
	struct addr to, peer;

	if (h->nlmsg_type != XFRM_MSG_NEWSA || h->nlmsg_len < NLMSG_LENGTH(sizeof(*i)) || (i->reqid & 0xff000000) != KMSG_REQID_PEER)
		return;
	to = kmsg_addr(&i->sel.daddr, i->sel.family);
	peer = synthetic(tunnel_of_reqid(i->reqid), peer_of_reqid(i->reqid));
	if (addr_eq(&to, &peer))	/* where an outbound one leads */
		remote = kmsg_state_remote(h);
	stale_note(&x->stale, tunnel_of_reqid(i->reqid), peer_of_reqid(i->reqid), remote.addr.n ? &remote : NULL, now_of(x) + STALE_GRACE);
}

/* What an earlier life left. The wildcard pair and the block of multicast of each tunnel are set anew with it. */
static int
read_back(struct xfrm_kernel *x)
{
	int rc = nlq_get(&x->q, kmsg_state_dump(), found_state, x);

	if (rc == 0)
		rc = sweep(x, false);	/* there was no memory for some */
	x->count[XK_STALE_KEPT] = stale_count(&x->stale);
	if (stale_count(&x->stale))
		log_at(x->host->log, LOG_LV_NOTICE, "xfrm-kept", "SAs of %zu peer%s from before the restart carry on until there are new ones, %u s at most",
		    stale_count(&x->stale), stale_count(&x->stale) == 1 ? "" : "s", (unsigned)(STALE_GRACE / TICK_S(1)));
	return rc;
}

size_t
xfrm_kernel_kept(const struct xfrm_kernel *x)
{
	return stale_count(&x->stale);
}

bool
xfrm_kernel_kept_peer(const struct xfrm_kernel *x, uint32_t peer)
{
	return stale_taken(&x->stale, peer);
}

bool
xfrm_kernel_kept_at(const struct xfrm_kernel *x, uint32_t tunnel, const struct addr *lladdr)
{
	uint32_t peer = (uint32_t)(lladdr->b[1] & 0xf) << 16 | (uint32_t)lladdr->b[2] << 8 | lladdr->b[3];
	struct addr want = synthetic(tunnel, peer);

	return addr_eq(&want, lladdr) && stale_has(&x->stale, tunnel, peer);
}

void
xfrm_kernel_on_swept(struct xfrm_kernel *x, void (*ended)(void *ctx), void *ctx)
{
	x->stale_ended = ended;
	x->stale_ctx = ctx;
}

/* A state nobody can use (to ourselves, of no policy), in and out again: that loads the modules, too. */
static int
try_state(struct nlq *q, const struct env *env, bool v6)
{
	static const struct addr inside = { 4, { 127, 0, 0, 1 } };
	struct dp_sa sa = { .tunnel = 1, .local.addr = inside, .replay_window = 1024, .encap = true,
		.esn = true, .keys = { .encr = 20, .encr_bits = 128, .encr_len = 20 } };
	struct kmsg_algs algs = { .replay_n = 0 };
	struct kmsg_state st;
	int rc = -EEXIST;

	if (v6)
		sa.local.addr = (struct addr){ 16, { [15] = 1 } };
	sa.remote = sa.local;
	for (unsigned i = 0; i < 4 && rc == -EEXIST; i++) {
		env->random(env->ctx, &sa.spi_in, sizeof(sa.spi_in));
		env->random(env->ctx, sa.keys.encr_in, sa.keys.encr_len);
		sa.spi_in |= 0x1000;
		st = state_with(&sa, &inside, false, &algs);
		rc = kmsg_algs_of(&sa, false, &algs) ? nlq_do(q, kmsg_state_add(&st)) : -EOPNOTSUPP;
	}
	if (rc == 0)
		nlq_do(q, kmsg_state_del(&st));
	kmsg_algs_wipe(&algs);
	explicit_bzero(&sa.keys, sizeof(sa.keys));
	return rc;
}

bool
xfrm_kernel_probe(const struct env *env, bool v6, char *err, size_t errlen)
{
	struct nlq q;
	int rc;

	if (!nlq_open(&q, NETLINK_XFRM, err, errlen)) {
		snprintf(err, errlen, "this kernel's IPsec cannot be told anything: module xfrm_user (CONFIG_XFRM_USER)");
		return false;
	}
	rc = try_state(&q, env, v6);
	nlq_close(&q);
	switch (rc) {
	case 0:
		return true;
	case -EPROTONOSUPPORT:
	case -EAFNOSUPPORT:
		snprintf(err, errlen, "this kernel has no ESP%s", v6 ? " over IPv6: module esp6 (CONFIG_INET6_ESP)" : ": module esp4 (CONFIG_INET_ESP)");
		break;
	case -ENOSYS:
		snprintf(err, errlen, "this kernel's ESP lacks AES-GCM: CONFIG_CRYPTO_GCM, CONFIG_CRYPTO_SEQIV");
		break;
	default:
		snprintf(err, errlen, "this kernel takes no ESP state%s: %s", v6 ? " of IPv4 over IPv6" : "", strerror(-rc));
		break;
	}
	return false;
}

struct xfrm_kernel *
xfrm_kernel_new(const struct host *host, dp_event_fn *fn, void *ctx, char *err, size_t errlen)
{
	static const unsigned groups[] = { XFRMNLGRP_ACQUIRE, XFRMNLGRP_EXPIRE, XFRMNLGRP_SA, XFRMNLGRP_POLICY, XFRMNLGRP_MAPPING };
	struct xfrm_kernel *x = env_alloc(host->env, sizeof(*x));
	int rc;

	if (!x) {
		snprintf(err, errlen, "out of memory");
		return NULL;
	}
	*x = (struct xfrm_kernel){ .host = host, .fn = fn, .ctx = ctx, .news = -1 };
	map_init(&x->peers, host->env);
	map_init(&x->in, host->env);
	map_init(&x->out, host->env);
	stale_init(&x->stale, host->env);
	if (!nlq_open(&x->q, NETLINK_XFRM, err, errlen))
		goto fail;
	rc = read_back(x);
	if (rc == 0)
		rc = x->news = nlq_listen(NETLINK_XFRM, groups, sizeof(groups) / sizeof(groups[0]));
	if (rc < 0) {
		snprintf(err, errlen, "cannot use XFRM (IPsec of the kernel): %s; does it have xfrm_user and esp4?", strerror(-rc));
		goto fail;
	}
	x->watch = host->watch(host->ctx, x->news, on_readable, x);
	rearm(x);
	if (x->watch && x->timer)
		return x;
	snprintf(err, errlen, "out of memory");
fail:
	xfrm_kernel_free(x);
	return NULL;
}

void
xfrm_kernel_free(struct xfrm_kernel *x)
{
	struct map_node *n;
	struct map_iter it;
	uint32_t tunnel, peer;

	if (!x)
		return;
	x->host->unwatch(x->host->ctx, x->watch);
	x->host->unwatch(x->host->ctx, x->timer);
	x->ending = true;
	while (x->in.n && (n = map_first(&x->in, &it)))
		xfrm_kernel_sa_del(x, container_of(n, struct xk_sa, by_in)->sa.spi_in, &tunnel, &peer);
	if (x->q.sock && stale_count(&x->stale))
		sweep(x, true);
	for (unsigned i = 0; x->q.sock && i < TUNNELS_MAX; i++) {
		if (x->tunnel[i].used && x->tunnel[i].conf.has_key)
			allow_del(x, &x->tunnel[i]);
	}
	if (x->q.sock)
		nlq_flush(&x->q);
	if (x->news >= 0)
		close(x->news);
	nlq_close(&x->q);
	map_fini(&x->peers);
	map_fini(&x->in);
	map_fini(&x->out);
	stale_fini(&x->stale);
	env_free(x->host->env, x);
}
