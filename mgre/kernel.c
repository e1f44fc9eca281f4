/* mgre/kernel.c: GRE by the kernel: a device without a remote (mGRE) whose neighbour table says where each overlay address is.
 *
 * ARP is on, so an unknown next hop becomes an incomplete neighbour; no ARP request is sent for it (it would have nowhere to go):
 * the kernel asks us by netlink (application probes), which is DP_EV_UNRESOLVED. The packets that wait for it in the neighbour's
 * queue leave when it is set; where there is a fallback, a spoke's hub, it is lent that one's at once (lent.c). Entries are permanent: the engine knows when they end, and reachable ones count against gc_thresh3.
 *
 * NHRP comes and goes through a packet socket on the device. The kernel gives the outer source address of each packet, which the
 * map of peers turns into a number; XFRM has let it in only under an SA of that very address, a synthetic one (xfrm/kernel.c).
 *
 * What leaves by the device is looked at by leaving.c: multicast, which has a next hop that leads nowhere (leaving_mark()), is sent to each
 * peer that is to have it, in batches; a packet that came in by the device and leaves by it again is a redirect. Whom it came from
 * is what the routing table says of its source.
 *
 * GRE is over IPv4 here, whatever is outside: with IPv6 there it goes from and to synthetic addresses, and ESP rewrites both (xfrm/kernel.c). Our
 * own of them, mgre_kernel_self(), is an address by a route of type local and by nothing else. The kernel's GRE over IPv6 (ip6_gre) is of no use: it sends
 * nothing by a device without a remote, with one that is multicast it writes the header twice, and it does not tell a packet socket who
 * sent. So GRE in clear is over IPv4 only. Inside both families.
 *
 * Not here: ESP and what keeps clear GRE off the wire (xfrm/), routes (routing/). */
#include "mgre/kernel.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_tunnel.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/bucket.h"
#include "lib/map.h"
#include "lib/nlq.h"
#include "mgre/gre.h"
#include "mgre/inner.h"
#include "mgre/leaving.h"
#include "mgre/lent.h"
#include "mgre/link.h"

enum {
	TTL = 64, TOS_INHERIT = 1, APP_PROBES = 3,
	MTU_DEFAULT = 1400,	/* where the composition gives none: fits ESP in UDP with every cipher on a link of 1500 */
	PACKET_MAX = 9216 + 64, BURST = 64, SEND_ROOM = 4 << 20,
	OUTER_MAX = 65535,
	COPIES = 64,	/* sent by one system call */
	MULTICAST_RATE = 2000, MULTICAST_BURST = 4000,	/* packets a second and tunnel, before they are copied */
};

#define MK_COUNTS(X) \
	X(NHRP_IN, "nhrp-in") \
	X(NHRP_OUT, "nhrp-out") \
	X(NHRP_STRANGER, "nhrp-unknown-sender") \
	X(NHRP_CUT, "nhrp-truncated") \
	X(NHRP_FAILED, "nhrp-send-failed") \
	X(UNRESOLVED, "neighbour-unresolved") \
	X(LENT, "neighbour-lent") \
	X(NEIGH_REFUSED, "neighbour-refused") \
	X(REDIRECT, "redirect-raised") \
	X(REDIRECT_STRANGER, "redirect-unknown-peer") \
	X(MULTICAST, "multicast-in") \
	X(MULTICAST_COPY, "multicast-out") \
	X(MULTICAST_RATE, "multicast-limited") \
	X(MULTICAST_FAILED, "multicast-failed") \
	X(NEWS_LOST, "netlink-news-lost") \
	X(SWEPT, "swept-at-start") \
	X(NEIGH_RESTORED, "neighbour-restored") \
	X(ROUTE_RESTORED, "route-restored")
#define X(name, word) MK_##name,
enum mk_count { MK_COUNTS(X) MK_COUNT_N };
#undef X
#define X(name, word) word,
static const char *const count_word[] = { MK_COUNTS(X) };
#undef X

struct mk_neigh {
	struct map_node node;	/* in the tunnel's, by proto */
	struct mk_neigh *next, **prev;	/* of the peer */
	struct addr proto;
	struct mk_peer *peer;
	bool mcast, waiting;	/* waiting: the kernel has not answered yet */
};

struct mk_peer {
	struct map_node by_number, by_lladdr;	/* in the tunnel's */
	uint32_t number;
	struct addr lladdr;
	struct mk_neigh *neighs;
	unsigned mcast;	/* neighbours that ask for multicast */
	struct mgre_own own;
};

struct mk_tunnel {
	struct mk_tunnel *next;
	struct mgre_kernel *owner;
	struct dp_tunnel conf;
	unsigned ifindex, mtu;
	int fd, leaving;	/* NHRP; what leaves. -1 */
	struct host_watch *watch, *watch_leaving;
	struct bucket mcast;
	bool up, gone, no_carrier;
	struct map peers, lladdrs, neighs;
	uint32_t fallback;	/* number of the peer; 0: none */
	struct lent lent;
};

struct mgre_kernel {
	const struct host *host;
	dp_event_fn *fn;
	void *ctx;
	struct nlq q;
	struct link_nl link;
	struct leaving leaving;
	unsigned underlay;	/* number of the VRF that outer packets are in; 0 none */
	uint32_t underlay_table;
	bool collecting;
	int news;	/* neighbours */
	struct host_watch *watch_news, *watch_link;
	struct mk_tunnel *tunnels;
	bool (*kept)(void *ctx, uint32_t tunnel, const struct addr *lladdr);	/* NULL: nothing is */
	void *kept_ctx;
	uint64_t count[MK_COUNT_N];
	char err[256];
};

static int
failed(struct mgre_kernel *m, const struct dp_tunnel *conf, const char *what, int rc)
{
	snprintf(m->err, sizeof(m->err), "cannot %s %s: %s", what, conf->name, strerror(-rc));
	return rc;
}

static struct mk_tunnel *
find(const struct mgre_kernel *m, uint32_t tunnel)
{
	for (struct mk_tunnel *t = m->tunnels; t; t = t->next) {
		if (t->conf.id == tunnel)
			return t;
	}
	return NULL;
}

/* ---- peers and neighbours */

static bool
number_eq(const struct map_node *n, const void *key)
{
	return container_of(n, struct mk_peer, by_number)->number == *(const uint32_t *)key;
}

static bool
lladdr_eq(const struct map_node *n, const void *key)
{
	return addr_eq(&container_of(n, struct mk_peer, by_lladdr)->lladdr, key);
}

static bool
proto_eq(const struct map_node *n, const void *key)
{
	return addr_eq(&container_of(n, struct mk_neigh, node)->proto, key);
}

static struct mk_peer *
peer_find(const struct mk_tunnel *t, uint32_t number)
{
	struct map_node *n = map_find(&t->peers, map_hash(&t->peers, &number, sizeof(number)), number_eq, &number);

	return n ? container_of(n, struct mk_peer, by_number) : NULL;
}

static struct mk_peer *
peer_at(const struct mk_tunnel *t, const struct addr *lladdr)
{
	struct map_node *n = map_find(&t->lladdrs, map_hash(&t->lladdrs, lladdr->b, lladdr->n), lladdr_eq, lladdr);

	return n ? container_of(n, struct mk_peer, by_lladdr) : NULL;
}

static struct mk_neigh *
neigh_find(const struct mk_tunnel *t, const struct addr *proto)
{
	struct map_node *n = map_find(&t->neighs, map_hash(&t->neighs, proto->b, proto->n), proto_eq, proto);

	return n ? container_of(n, struct mk_neigh, node) : NULL;
}

static struct nl_msg *
neigh_msg(const struct mk_tunnel *t, const struct addr *proto, const struct addr *lladdr)
{
	struct ndmsg nd = { .ndm_family = proto->n == 16 ? AF_INET6 : AF_INET, .ndm_ifindex = (int)t->ifindex, .ndm_state = NUD_PERMANENT };
	struct nl_msg *msg = nlq_msg(lladdr ? RTM_NEWNEIGH : RTM_DELNEIGH, lladdr ? NLM_F_CREATE | NLM_F_REPLACE : 0, &nd, sizeof(nd));

	if (msg && (nla_put(msg, NDA_DST, proto->n, proto->b) < 0 || (lladdr && nla_put(msg, NDA_LLADDR, lladdr->n, lladdr->b) < 0))) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static int
neigh_put(struct mk_tunnel *t, const struct mk_neigh *n)
{
	int rc = nlq_do(&t->owner->q, neigh_msg(t, &n->proto, &n->peer->lladdr));

	if (rc != 0)
		t->owner->count[MK_NEIGH_REFUSED]++;
	return rc;
}

static void
neigh_unlink(struct mk_neigh *n)
{
	n->peer->mcast -= n->mcast;
	*n->prev = n->next;
	if (n->next)
		n->next->prev = n->prev;
}

static void
neigh_link(struct mk_neigh *n, struct mk_peer *p)
{
	n->peer = p;
	p->mcast += n->mcast;
	n->next = p->neighs;
	n->prev = &p->neighs;
	if (n->next)
		n->next->prev = &n->next;
	p->neighs = n;
}

static void
neigh_free(struct mk_tunnel *t, struct mk_neigh *n)
{
	neigh_unlink(n);
	map_del(&t->neighs, &n->node);
	env_free(t->owner->host->env, n);
}

/* In our table. NULL: no memory. */
static struct mk_neigh *
neigh_note(struct mk_tunnel *t, struct mk_peer *p, const struct dp_neigh *dn)
{
	struct mk_neigh *n = neigh_find(t, &dn->proto);

	if (!n) {
		if (!(n = env_alloc(t->owner->host->env, sizeof(*n))))
			return NULL;
		*n = (struct mk_neigh){ .proto = dn->proto };
		map_add(&t->neighs, &n->node, map_hash(&t->neighs, n->proto.b, n->proto.n));
	} else {
		neigh_unlink(n);
	}
	n->mcast = dn->mcast;
	neigh_link(n, p);
	lent_forget(&t->lent, &n->proto);	/* this one replaces it */
	return n;
}

/* NULL: there is none any more. */
static void
fallback_set(struct mk_tunnel *t, const struct mk_peer *p)
{
	t->fallback = p ? p->number : 0;
	lent_move(&t->lent, &t->owner->q, t->ifindex, p ? &p->lladdr : NULL);
	if (!t->owner->collecting)
		nlq_flush(&t->owner->q);
}

int
mgre_kernel_neigh_set(struct mgre_kernel *m, const struct dp_neigh *dn)
{
	struct mk_tunnel *t = find(m, dn->tunnel);
	struct mk_peer *p = t ? peer_find(t, dn->peer) : NULL;
	struct mk_neigh *n;
	int rc;

	if (!t || !p)
		return -ENOENT;
	if (!dn->proto.n) {
		fallback_set(t, p);
		return 0;
	}
	if (!(n = neigh_note(t, p, dn)))
		return -ENOMEM;
	rc = neigh_put(t, n);
	if (rc != 0)
		neigh_free(t, n);
	return rc;
}

int
mgre_kernel_neigh_ask(struct mgre_kernel *m, const struct dp_neigh *dn, void (*answer)(void *ctx, uint64_t cookie, int error), void *ctx, uint64_t cookie)
{
	struct mk_tunnel *t = find(m, dn->tunnel);
	struct mk_peer *p = t ? peer_find(t, dn->peer) : NULL;
	struct mk_neigh *n;

	if (!t || !p || !dn->proto.n)
		return mgre_kernel_neigh_set(m, dn);
	n = neigh_find(t, &dn->proto);
	if (n && n->waiting)
		return -EAGAIN;
	if (!(n = neigh_note(t, p, dn)))
		return -ENOMEM;
	n->waiting = true;
	nlq_add(&m->q, neigh_msg(t, &n->proto, &p->lladdr), answer, ctx, cookie);
	return -EINPROGRESS;
}

void
mgre_kernel_neigh_answered(struct mgre_kernel *m, const struct dp_neigh *dn, int error)
{
	struct mk_tunnel *t = find(m, dn->tunnel);
	struct mk_neigh *n = t ? neigh_find(t, &dn->proto) : NULL;

	m->count[MK_NEIGH_REFUSED] += error != 0;
	if (!n || !n->waiting)
		return;
	n->waiting = false;
	if (error != 0)
		neigh_free(t, n);
}

void
mgre_kernel_collect(struct mgre_kernel *m, bool on)
{
	m->collecting = on;
}

void
mgre_kernel_flush(struct mgre_kernel *m)
{
	nlq_flush(&m->q);
}

size_t
mgre_kernel_waiting(const struct mgre_kernel *m)
{
	return m->q.n;
}

int
mgre_kernel_neigh_del(struct mgre_kernel *m, uint32_t tunnel, const struct addr *proto)
{
	struct mk_tunnel *t = find(m, tunnel);
	struct mk_neigh *n = t && proto->n ? neigh_find(t, proto) : NULL;
	int rc = 0;

	if (t && !proto->n)
		fallback_set(t, NULL);
	if (n && m->collecting && !t->gone)	/* it goes, or there is none: nobody waits for the answer */
		nlq_add(&m->q, neigh_msg(t, proto, NULL), NULL, NULL, 0);
	else if (n && !t->gone)
		rc = nlq_do(&m->q, neigh_msg(t, proto, NULL));
	if (n)
		neigh_free(t, n);
	return rc == -ENOENT || rc == -ENODEV ? 0 : rc;
}

int
mgre_kernel_peer_set(struct mgre_kernel *m, uint32_t tunnel, uint32_t number, const struct addr *lladdr)
{
	struct mk_tunnel *t = find(m, tunnel);
	struct mk_peer *p = t ? peer_find(t, number) : NULL;

	if (!t)
		return -ENOENT;
	if (p && addr_eq(&p->lladdr, lladdr))
		return 0;
	if (p) {
		map_del(&t->lladdrs, &p->by_lladdr);
	} else {
		if (!(p = env_alloc(m->host->env, sizeof(*p))))
			return -ENOMEM;
		*p = (struct mk_peer){ .number = number };
		map_add(&t->peers, &p->by_number, map_hash(&t->peers, &number, sizeof(number)));
	}
	p->lladdr = *lladdr;
	map_add(&t->lladdrs, &p->by_lladdr, map_hash(&t->lladdrs, lladdr->b, lladdr->n));
	if (t->conf.bare)
		leaving_count(&m->leaving, t->ifindex, lladdr);
	for (struct mk_neigh *n = p->neighs; n; n = n->next)
		neigh_put(t, n);
	if (t->fallback == number)
		fallback_set(t, p);
	return 0;
}

static void
peer_free(struct mk_tunnel *t, struct mk_peer *p)
{
	if (t->fallback == p->number)
		fallback_set(t, NULL);
	while (p->neighs) {
		nlq_add(&t->owner->q, neigh_msg(t, &p->neighs->proto, NULL), NULL, NULL, 0);
		neigh_free(t, p->neighs);
	}
	if (!t->owner->collecting)
		nlq_flush(&t->owner->q);
	if (t->conf.bare)
		leaving_count_no_more(&t->owner->leaving, t->ifindex, &p->lladdr);
	map_del(&t->peers, &p->by_number);
	map_del(&t->lladdrs, &p->by_lladdr);
	env_free(t->owner->host->env, p);
}

void
mgre_kernel_peer_del(struct mgre_kernel *m, uint32_t tunnel, uint32_t number)
{
	struct mk_tunnel *t = find(m, tunnel);
	struct mk_peer *p = t ? peer_find(t, number) : NULL;

	if (p)
		peer_free(t, p);
}

/* ---- the device */

static unsigned
outer_of(const struct dp_tunnel *c)
{
	return c->source.n ? c->source.n : c->outer == 16 ? 16 : 4;
}

static bool
put_gre(struct nl_msg *msg, const struct dp_tunnel *c, unsigned underlay)
{
	uint16_t flags = htons(c->has_key ? 0x2000 : 0);
	uint32_t key = htonl(c->key);

	return nla_put_u32(msg, IFLA_GRE_LINK, underlay) == 0 && (!c->source.n || nla_put(msg, IFLA_GRE_LOCAL, c->source.n, c->source.b) == 0) && nla_put_u8(msg, IFLA_GRE_TTL, TTL) == 0 &&
	       /* outer packets may be fragmented on their way, whatever is inside: paths that drop larger ones often do not say so */
	       nla_put_u8(msg, IFLA_GRE_PMTUDISC, 0) == 0 && nla_put_u8(msg, IFLA_GRE_IGNORE_DF, 1) == 0 &&
	       nla_put_u8(msg, IFLA_GRE_TOS, TOS_INHERIT) == 0 &&
	       nla_put_u16(msg, IFLA_GRE_IFLAGS, flags) == 0 && nla_put_u16(msg, IFLA_GRE_OFLAGS, flags) == 0 &&
	       nla_put_u32(msg, IFLA_GRE_IKEY, key) == 0 && nla_put_u32(msg, IFLA_GRE_OKEY, key) == 0;
}

static struct nl_msg *
link_msg(const struct dp_tunnel *c, unsigned underlay /* number of the VRF of outer packets, 0: none */, unsigned ifindex, unsigned mtu, uint16_t flags)
{
	struct ifinfomsg ifi = { .ifi_index = (int)ifindex, .ifi_change = IFF_NOARP };	/* ARP on */
	struct nl_msg *msg = nlq_msg(RTM_NEWLINK, flags, &ifi, sizeof(ifi));
	struct nlattr *info, *data;

	if (!msg)
		return NULL;
	/* with a number the name would be a rename, which a device that is up refuses */
	if ((ifindex || nla_put_string(msg, IFLA_IFNAME, c->name) == 0) && nla_put_u32(msg, IFLA_MTU, mtu) == 0 && (info = nla_nest_start(msg, IFLA_LINKINFO)) &&
	    nla_put_string(msg, IFLA_INFO_KIND, "gre") == 0 && (data = nla_nest_start(msg, IFLA_INFO_DATA)) &&
	    put_gre(msg, c, underlay)) {
		nla_nest_end(msg, data);
		nla_nest_end(msg, info);
		return msg;
	}
	nlmsg_free(msg);
	return NULL;
}

/* Unknown next hops are asked of us, never by ARP. */
static int
set_probes(struct mgre_kernel *m, const struct mk_tunnel *t, const char *table, uint8_t family)
{
	struct ndtmsg nd = { .ndtm_family = family };
	struct nl_msg *msg = nlq_msg(RTM_SETNEIGHTBL, 0, &nd, sizeof(nd));
	struct nlattr *parms;

	if (!msg || nla_put_string(msg, NDTA_NAME, table) < 0 || !(parms = nla_nest_start(msg, NDTA_PARMS)) ||
	    nla_put_u32(msg, NDTPA_IFINDEX, t->ifindex) < 0 || nla_put_u32(msg, NDTPA_APP_PROBES, APP_PROBES) < 0 ||
	    nla_put_u32(msg, NDTPA_UCAST_PROBES, 0) < 0 || nla_put_u32(msg, NDTPA_MCAST_PROBES, 0) < 0) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	nla_nest_end(msg, parms);
	return nlq_do(&m->q, msg);
}

/* A GRE device of the kernel's does not say that it takes multicast until it is told to; ripd then joins no group on it. */
static int
bring_up(struct mgre_kernel *m, const struct mk_tunnel *t)
{
	struct ifinfomsg ifi = { .ifi_index = (int)t->ifindex, .ifi_flags = IFF_UP | IFF_MULTICAST, .ifi_change = IFF_UP | IFF_MULTICAST | IFF_NOARP };

	return nlq_do(&m->q, nlq_msg(RTM_NEWLINK, 0, &ifi, sizeof(ifi)));
}

/* GRE has no carrier to take away. Its operational state may be ours to say (RFC 2863's dormant): it is not "running" then, and what it has
 * sends all the same. */
static int
set_oper(struct mgre_kernel *m, const struct mk_tunnel *t, bool up)
{
	struct ifinfomsg ifi = { .ifi_index = (int)t->ifindex };
	struct nl_msg *msg = nlq_msg(RTM_NEWLINK, 0, &ifi, sizeof(ifi));

	if (msg && (nla_put_u8(msg, IFLA_LINKMODE, up ? IF_LINK_MODE_DEFAULT : IF_LINK_MODE_DORMANT) < 0 ||
	    nla_put_u8(msg, IFLA_OPERSTATE, up ? IF_OPER_UP : IF_OPER_DORMANT) < 0)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg ? nlq_do(&m->q, msg) : -ENOMEM;
}

int
mgre_kernel_oper_set(struct mgre_kernel *m, uint32_t tunnel, bool up)
{
	struct mk_tunnel *t = find(m, tunnel);
	int rc = !t || t->gone || !t->ifindex ? -ENODEV : set_oper(m, t, up);

	if (rc == 0)
		t->no_carrier = !up;
	return rc;
}

static void
delete_link(struct mgre_kernel *m, unsigned ifindex)
{
	struct ifinfomsg ifi = { .ifi_index = (int)ifindex };

	nlq_do(&m->q, nlq_msg(RTM_DELLINK, 0, &ifi, sizeof(ifi)));
}

static bool
has_addr(const struct dp_tunnel *c, const struct prefix *p)
{
	for (unsigned i = 0; i < c->n_addr; i++) {
		if (c->addr[i].bits == p->bits && addr_eq(&c->addr[i].addr, &p->addr))
			return true;
	}
	return false;
}

/* Those of `to` that `from` has not, or away with those of `from` that `to` has not. */
static int
addresses(struct mgre_kernel *m, unsigned ifindex, const struct dp_tunnel *from, const struct dp_tunnel *to, bool add)
{
	const struct dp_tunnel *of = add ? to : from, *other = add ? from : to;
	int rc = 0;

	for (unsigned i = 0; i < of->n_addr && rc == 0; i++) {
		if (!has_addr(other, &of->addr[i]))
			rc = link_addr(&m->link, ifindex, &of->addr[i], add);
	}
	return rc;
}

/* ---- NHRP */

static void
receive_one(struct mk_tunnel *t, uint8_t *buf, size_t n, const struct addr *from)
{
	struct mgre_kernel *m = t->owner;
	struct dp_event ev = { .kind = DP_EV_NHRP, .tunnel = t->conf.id, .local.addr = t->conf.source, .remote.addr = *from };
	struct mk_peer *p;

	p = peer_at(t, &ev.remote.addr);
	if (!p && t->conf.bare && n <= PACKET_MAX) {	/* peer 0: the core decides */
		ev.packet = span_of(buf, n);
		m->count[MK_NHRP_STRANGER]++;
		m->fn(m->ctx, &ev);
		return;
	}
	if (!p || n > PACKET_MAX) {
		m->count[p ? MK_NHRP_CUT : MK_NHRP_STRANGER]++;
		return;
	}
	m->count[MK_NHRP_IN]++;
	p->own.rx_packets++;
	p->own.rx_bytes += n;
	ev.peer = p->number;
	ev.packet = span_of(buf, n);
	m->fn(m->ctx, &ev);
}

static void
on_nhrp(void *arg)
{
	struct mk_tunnel *t = arg;
	uint8_t buf[PACKET_MAX];
	union {
		struct sockaddr sa;
		struct sockaddr_ll ll;
		uint8_t room[64];
	} from;

	for (unsigned i = 0; i < BURST; i++) {
		socklen_t len = sizeof(from);
		ssize_t got = recvfrom(t->fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_TRUNC, &from.sa, &len);

		if (got < 0)
			return;
		if (from.ll.sll_halen == 4) {
			struct addr a = addr_of(from.ll.sll_addr, 4);

			receive_one(t, buf, (size_t)got, &a);
		}
	}
}

static int
open_nhrp(struct mk_tunnel *t)
{
	struct sockaddr_ll a = { .sll_family = AF_PACKET, .sll_protocol = htons(GRE_NHRP), .sll_ifindex = (int)t->ifindex };
	int room = SEND_ROOM;

	t->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);	/* nothing before it is bound */
	if (t->fd < 0 || bind(t->fd, (struct sockaddr *)(void *)&a, sizeof(a)) != 0)
		return -errno;
	setsockopt(t->fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));	/* multicast: all copies at once */
	t->watch = t->owner->host->watch(t->owner->host->ctx, t->fd, on_nhrp, t);
	return t->watch ? 0 : -ENOMEM;
}

static void close_leaving(struct mk_tunnel *t);

static void
close_nhrp(struct mk_tunnel *t)
{
	close_leaving(t);
	t->owner->host->unwatch(t->owner->host->ctx, t->watch);
	t->watch = NULL;
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

int
mgre_kernel_send(struct mgre_kernel *m, uint32_t tunnel, uint32_t peer, struct span nhrp)
{
	struct mk_tunnel *t = find(m, tunnel);
	struct mk_peer *p = t ? peer_find(t, peer) : NULL;
	union {
		struct sockaddr sa;
		struct sockaddr_ll ll;
		uint8_t room[64];
	} to = { .ll = { .sll_family = AF_PACKET, .sll_protocol = htons(GRE_NHRP) } };

	if (!p)
		return -ENOENT;
	to.ll.sll_ifindex = (int)t->ifindex;
	to.ll.sll_halen = p->lladdr.n;
	memcpy(to.ll.sll_addr, p->lladdr.b, p->lladdr.n);
	if (sendto(t->fd, nhrp.p, nhrp.n, MSG_DONTWAIT, &to.sa, (socklen_t)(offsetof(struct sockaddr_ll, sll_addr) + (p->lladdr.n > 8 ? p->lladdr.n : 8))) < 0) {
		m->count[MK_NHRP_FAILED]++;
		return -errno;
	}
	m->count[MK_NHRP_OUT]++;
	p->own.tx_packets++;
	p->own.tx_bytes += nhrp.n;
	return 0;
}

bool
mgre_kernel_own(const struct mgre_kernel *m, uint32_t tunnel, uint32_t number, struct mgre_own *out)
{
	const struct mk_tunnel *t = find(m, tunnel);
	const struct mk_peer *p = t ? peer_find(t, number) : NULL;

	if (p)
		*out = p->own;
	return p;
}

bool
mgre_kernel_unread(const struct mgre_kernel *m)
{
	bool any = false;

	for (const struct mk_tunnel *t = m->tunnels; t; t = t->next) {
		struct pollfd p = { .fd = t->fd, .events = POLLIN };

		any |= t->fd >= 0 && poll(&p, 1, 0) > 0;
	}
	return any;
}

/* ---- what leaves */

static void
copy_out(struct mk_tunnel *t, struct iovec *iov, uint16_t proto, const struct mk_peer **to, unsigned n)
{
	union {
		struct sockaddr sa;
		struct sockaddr_ll ll;
		uint8_t room[64];
	} name[COPIES];
	struct mmsghdr msg[COPIES];
	int sent;

	memset(name, 0, sizeof(name));
	memset(msg, 0, sizeof(msg));
	for (unsigned i = 0; i < n; i++) {
		const struct addr *a = &to[i]->lladdr;

		name[i].ll = (struct sockaddr_ll){ .sll_family = AF_PACKET, .sll_protocol = proto, .sll_ifindex = (int)t->ifindex, .sll_halen = a->n };
		memcpy(name[i].ll.sll_addr, a->b, a->n);
		msg[i].msg_hdr = (struct msghdr){ .msg_name = &name[i], .msg_namelen = (socklen_t)(offsetof(struct sockaddr_ll, sll_addr) + (a->n > 8 ? a->n : 8)),
			.msg_iov = iov, .msg_iovlen = 1 };
	}
	for (unsigned done = 0; done < n; done += (unsigned)sent) {
		sent = sendmmsg(t->fd, msg + done, n - done, MSG_DONTWAIT);
		t->owner->count[sent > 0 ? MK_MULTICAST_COPY : MK_MULTICAST_FAILED] += sent > 0 ? (unsigned)sent : 1;
		sent = sent > 0 ? sent : 1;	/* one that cannot be sent is left out */
	}
}

static void
multicast(struct mk_tunnel *t, uint8_t *p, size_t n, uint16_t proto)
{
	struct mgre_kernel *m = t->owner;
	struct iovec iov = { p, n };
	const struct mk_peer *to[COPIES];
	struct map_iter it;
	unsigned k = 0;

	m->count[MK_MULTICAST]++;
	if (!bucket_take(&t->mcast, m->host->now(m->host->ctx), MULTICAST_RATE, MULTICAST_BURST)) {
		m->count[MK_MULTICAST_RATE]++;
		return;
	}
	for (struct map_node *node = map_first(&t->peers, &it); node; node = map_next(&t->peers, &it)) {
		const struct mk_peer *peer = container_of(node, struct mk_peer, by_number);

		if (!peer->mcast)
			continue;
		to[k++] = peer;
		if (k == COPIES) {
			copy_out(t, &iov, proto, to, k);
			k = 0;
		}
	}
	if (k)
		copy_out(t, &iov, proto, to, k);
}

struct hop {
	unsigned ifindex;
	struct addr via;
};

static void
on_route(void *ctx, struct nlmsghdr *h)
{
	struct hop *out = ctx;
	struct nlattr *tb[RTA_MAX + 1];
	int n;

	if (h->nlmsg_type != RTM_NEWROUTE || nlmsg_parse(h, sizeof(struct rtmsg), tb, RTA_MAX, NULL) < 0)
		return;
	out->ifindex = tb[RTA_OIF] ? nla_get_u32(tb[RTA_OIF]) : 0;
	n = tb[RTA_GATEWAY] ? nla_len(tb[RTA_GATEWAY]) : 0;
	if (n == 4 || n == 16)
		out->via = addr_of(nla_data(tb[RTA_GATEWAY]), (size_t)n);
}

/* The peer behind which the routing table sees this address. */
static const struct mk_peer *
peer_behind(struct mk_tunnel *t, const struct addr *a)
{
	struct rtmsg rt = { .rtm_family = a->n == 16 ? AF_INET6 : AF_INET, .rtm_dst_len = (uint8_t)(a->n * 8) };
	struct nl_msg *msg = nlq_msg(RTM_GETROUTE, 0, &rt, sizeof(rt));
	struct hop hop = { 0 };
	const struct mk_neigh *n;
	unsigned vrf = 0;
	uint32_t table;

	if (t->conf.vrf[0])
		link_vrf(&t->owner->link, t->conf.vrf, &vrf, &table);
	if (msg && (nla_put(msg, RTA_DST, a->n, a->b) < 0 || (vrf && nla_put_u32(msg, RTA_OIF, vrf) < 0))) {
		nlmsg_free(msg);
		return NULL;
	}
	if (nlq_get(&t->owner->q, msg, on_route, &hop) != 0 || hop.ifindex != t->ifindex)
		return NULL;
	n = neigh_find(t, hop.via.n ? &hop.via : a);
	return n ? n->peer : NULL;
}

static void
redirect(struct mk_tunnel *t, const struct addr *out, const uint8_t *p, size_t n)
{
	struct mgre_kernel *m = t->owner;
	struct dp_event ev = { .kind = DP_EV_REDIRECT, .tunnel = t->conf.id, .packet = span_of(p, n) };
	const struct mk_peer *to = peer_at(t, out), *from;
	bool v6 = n > 0 && p[0] >> 4 == 6;
	struct addr src;

	if (n < (v6 ? 40u : 20u))
		return;
	src = v6 ? addr_of(p + 8, 16) : addr_of(p + 12, 4);
	from = to ? peer_behind(t, &src) : NULL;
	if (!from || from == to) {
		m->count[MK_REDIRECT_STRANGER]++;
		return;
	}
	m->count[MK_REDIRECT]++;
	ev.peer = from->number;
	ev.out_peer = to->number;
	m->fn(m->ctx, &ev);
}

/* The device has the checksum of UDP left to it; the copies leave by another way, on which nobody would compute it. */
static void
sum(uint8_t *p, size_t n)
{
	struct inner in;

	if (inner_parse(p, n, p[0] >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP, &in) == MGRE_OK)
		inner_sum_udp(&in);
}

static void
on_leaving(void *arg)
{
	struct mk_tunnel *t = arg;
	unsigned head = leaving_head(4, t->conf.has_key);
	struct addr mark = leaving_mark(t->conf.id, 4), to;
	uint8_t buf[PACKET_MAX];
	uint16_t proto;
	bool unsummed;

	for (unsigned i = 0; i < BURST && t->leaving >= 0; i++) {
		ssize_t got = leaving_read(t->leaving, buf, sizeof(buf), &proto, &unsummed);

		if (got < 0)
			return;
		if ((size_t)got <= head)
			continue;
		to = addr_of(buf + 16, 4);
		if (addr_eq(&to, &mark) && unsummed)
			sum(buf + head, (size_t)got - head);
		if (addr_eq(&to, &mark))
			multicast(t, buf + head, (size_t)got - head, proto);
		else
			redirect(t, &to, buf + head, (size_t)got - head);
	}
}

static void
close_leaving(struct mk_tunnel *t)
{
	t->owner->host->unwatch(t->owner->host->ctx, t->watch_leaving);
	t->watch_leaving = NULL;
	if (t->leaving >= 0)
		close(t->leaving);
	t->leaving = -1;
}

/* Packets to each peer of a bare tunnel; the device may be another one than before. */
static void
count_all(struct mk_tunnel *t)
{
	struct map_iter it;

	for (struct map_node *n = t->conf.bare ? map_first(&t->peers, &it) : NULL; n; n = map_next(&t->peers, &it))
		leaving_count(&t->owner->leaving, t->ifindex, &container_of(n, struct mk_peer, by_number)->lladdr);
}

bool
mgre_kernel_peer_stats(struct mgre_kernel *m, uint32_t tunnel, uint32_t number, struct dp_peer_stats *out)
{
	struct mk_tunnel *t = find(m, tunnel);
	struct mk_peer *p = t ? peer_find(t, number) : NULL;

	*out = (struct dp_peer_stats){ .path_mtu = t ? t->mtu : 0 };
	return p && leaving_counted(&m->leaving, t->ifindex, &p->lladdr, &out->tx_packets);
}

/* Without it everything else works: it is said, and that is all. */
static void
open_leaving(struct mk_tunnel *t)
{
	const struct host *h = t->owner->host;
	int fd = leaving_open(&t->owner->leaving, t->ifindex, t->conf.has_key, t->conf.redirect, t->conf.bare, t->conf.vrf[0]);

	close_leaving(t);
	if (fd < 0) {
		log_at(h->log, LOG_LV_WARN, "no-multicast", "%s: cannot see what leaves by it (%s): no multicast to peers, no redirects; eBPF needs CAP_BPF",
		    t->conf.name, strerror(-fd));
		return;
	}
	count_all(t);
	t->leaving = fd;
	t->watch_leaving = h->watch(h->ctx, fd, on_leaving, t);
	if (!t->watch_leaving)
		close_leaving(t);
}

/* ---- tunnels */

/* What is here before we come, from an earlier life or by hand, is collected and then deleted: a dump cannot be answered inside it. */
struct found {
	bool later;	/* not at the start: what waits to be resolved is not ours to take away */
	const struct mk_tunnel *t;
	struct nl_msg *msg[NLQ_MESSAGES];
	unsigned n, refused;
};

enum { SWEEP_ROUNDS = DP_PEERS_MAX / NLQ_MESSAGES };

static void
found_refused(void *ctx, uint64_t which, int error)
{
	struct found *f = ctx;

	(void)which;
	f->refused += error != 0;
}

static void
found_neigh(void *ctx, struct nlmsghdr *h)
{
	struct found *f = ctx;
	const struct ndmsg *nd = nlmsg_data(h);
	struct nlattr *tb[NDA_MAX + 1];
	struct addr proto;

	if (h->nlmsg_type != RTM_NEWNEIGH || nlmsg_parse(h, sizeof(*nd), tb, NDA_MAX, NULL) < 0 || nd->ndm_ifindex != (int)f->t->ifindex ||
	    nd->ndm_state & NUD_NOARP || !tb[NDA_DST] || f->n == NLQ_MESSAGES || (f->later && !(nd->ndm_state & NUD_PERMANENT)))
		return;
	if (tb[NDA_LLADDR] && f->t->owner->kept) {	/* of an earlier life, whose SA carries on */
		struct addr lladdr = addr_of(nla_data(tb[NDA_LLADDR]), (size_t)nla_len(tb[NDA_LLADDR]));

		if ((lladdr.n == 4 || lladdr.n == 16) && f->t->owner->kept(f->t->owner->kept_ctx, f->t->conf.id, &lladdr))
			return;
	}
	proto = addr_of(nla_data(tb[NDA_DST]), nd->ndm_family == AF_INET6 ? 16 : 4);
	if (!neigh_find(f->t, &proto) && (f->msg[f->n] = neigh_msg(f->t, &proto, NULL)))
		f->n++;
}

static void
found_addr(void *ctx, struct nlmsghdr *h)
{
	struct found *f = ctx;
	const struct ifaddrmsg *ifa = nlmsg_data(h);
	struct nlattr *tb[IFA_MAX + 1], *own;
	struct prefix p = { .bits = 0 };

	if (h->nlmsg_type != RTM_NEWADDR || nlmsg_parse(h, sizeof(*ifa), tb, IFA_MAX, NULL) < 0 || ifa->ifa_index != f->t->ifindex ||
	    ifa->ifa_scope == RT_SCOPE_LINK || !(own = tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS]) || f->n == NLQ_MESSAGES)
		return;
	p.addr = addr_of(nla_data(own), ifa->ifa_family == AF_INET6 ? 16 : 4);
	p.bits = ifa->ifa_prefixlen;
	if (has_addr(&f->t->conf, &p) || !(f->msg[f->n] = nlq_msg(RTM_DELADDR, 0, ifa, sizeof(*ifa))))
		return;
	if (nla_put(f->msg[f->n], IFA_LOCAL, p.addr.n, p.addr.b) == 0)
		f->n++;
	else
		nlmsg_free(f->msg[f->n]);
}

/* What an adopted device has that it should not have. */
static void
sweep(struct mgre_kernel *m, struct mk_tunnel *t, bool later)
{
	static const uint8_t family[] = { AF_INET, AF_INET6 };
	struct found f = { .t = t, .later = later };

	for (unsigned i = 0; i < 4; i += later ? 2 : 1) {
		struct ndmsg nd = { .ndm_family = family[i / 2] };
		struct ifaddrmsg ifa = { .ifa_family = family[i / 2] };

		unsigned rounds = 0;

		do {
			f.n = 0;
			f.refused = 0;
			if (i % 2)
				nlq_get(&m->q, nlq_msg(RTM_GETADDR, NLM_F_DUMP, &ifa, sizeof(ifa)), found_addr, &f);
			else
				nlq_get(&m->q, nlq_msg(RTM_GETNEIGH, NLM_F_DUMP, &nd, sizeof(nd)), found_neigh, &f);
			for (unsigned k = 0; k < f.n; k++)
				nlq_add(&m->q, f.msg[k], found_refused, &f, 0);
			nlq_flush(&m->q);
			m->count[MK_SWEPT] += f.n - f.refused;
		} while (f.n == NLQ_MESSAGES && f.refused < f.n && ++rounds < SWEEP_ROUNDS);	/* else the next round would find the same */
	}
}

void
mgre_kernel_keep(struct mgre_kernel *m, bool (*kept)(void *ctx, uint32_t tunnel, const struct addr *lladdr), void *ctx)
{
	m->kept = kept;
	m->kept_ctx = ctx;
}

void
mgre_kernel_sweep(struct mgre_kernel *m)
{
	for (struct mk_tunnel *t = m->tunnels; t; t = t->next) {
		if (t->up && !t->gone)
			sweep(m, t, true);
	}
}

/* The device's own MTU is for what is inside it, not for outer packets. */
static bool
put_route_mtu(struct nl_msg *msg)
{
	struct nlattr *metrics = nla_nest_start(msg, RTA_METRICS);

	if (!metrics || nla_put_u32(msg, RTAX_MTU, OUTER_MAX) < 0)
		return false;
	nla_nest_end(msg, metrics);
	return true;
}

/* The outer addresses of peers, that of multicast among them, are this device's: what ESP has not transformed on its way comes back to
 * it, which the kernel takes for a loop and drops.
 *
 * With a VRF for what is outside they are the VRF's own: XFRM looks the real outer address up in the VRF of the device that the
 * synthetic one leads to, and this device may be in another (Linux 6.1 stood still when it was). What is not transformed comes back to the VRF as input, without a way on. */
static unsigned
route_to(const struct mgre_kernel *m, const struct mk_tunnel *t)
{
	return m->underlay ? m->underlay : t->ifindex;
}

static int
change_route(struct mgre_kernel *m, const struct mk_tunnel *t, const struct prefix *to, uint8_t type, uint32_t table, bool add)
{
	struct rtmsg rt = { .rtm_family = AF_INET, .rtm_dst_len = to->bits, .rtm_table = RT_TABLE_UNSPEC, .rtm_protocol = RTPROT_STATIC,
		.rtm_scope = type == RTN_LOCAL ? RT_SCOPE_HOST : RT_SCOPE_LINK, .rtm_type = type };
	struct nl_msg *msg = nlq_msg(add ? RTM_NEWROUTE : RTM_DELROUTE, add ? NLM_F_CREATE | NLM_F_REPLACE : 0, &rt, sizeof(rt));

	if (msg && (nla_put(msg, RTA_DST, to->addr.n, to->addr.b) < 0 || nla_put_u32(msg, RTA_TABLE, table) < 0 ||
	    nla_put_u32(msg, RTA_OIF, route_to(m, t)) < 0 || (add && type == RTN_UNICAST && !put_route_mtu(msg)))) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return nlq_do(&m->q, msg);
}

/* Where our own address is synthetic it is this host's by a route: in the table of local ones, where GRE looks for its source, and in a VRF
 * there as well, for what comes in. */
static int
change_routes(struct mgre_kernel *m, const struct mk_tunnel *t, bool add)
{
	struct prefix to = mgre_kernel_synthetic(t->conf.id), self = { mgre_kernel_self(t->conf.id), 32 };
	int rc = 0;

	if (addr_eq(&t->conf.source, &self.addr)) {
		rc = change_route(m, t, &self, RTN_LOCAL, RT_TABLE_LOCAL, add);
		if (rc == 0 && m->underlay)
			rc = change_route(m, t, &self, RTN_LOCAL, m->underlay_table, add);
	}
	return rc != 0 ? rc : change_route(m, t, &to, RTN_UNICAST, m->underlay_table, add);
}

static int
set_routes(struct mgre_kernel *m, const struct mk_tunnel *t)
{
	return change_routes(m, t, true);
}

/* Multicast has a next hop of its own, which leads nowhere. */
static int
set_mark(struct mgre_kernel *m, const struct mk_tunnel *t)
{
	struct addr mark = leaving_mark(t->conf.id, 4);
	struct ifinfomsg ifi = { .ifi_index = (int)t->ifindex };
	struct nl_msg *msg = nlq_msg(RTM_NEWLINK, 0, &ifi, sizeof(ifi));

	if (msg && nla_put(msg, IFLA_BROADCAST, mark.n, mark.b) < 0) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return nlq_do(&m->q, msg);
}

/* What a device that was there is like. To set what is set already is not harmless: another address of the next hop of multicast, even
 * the same, flushes all its neighbours, and with other parameters it is looked up anew. */
struct adopt {
	const struct mk_tunnel *t;
	bool same, mark;
};

static bool
is_u32(const struct nlattr *a, uint32_t v)
{
	return a && nla_len(a) == 4 && nla_get_u32(a) == v;
}

static bool
is_u8(const struct nlattr *a, uint8_t v)
{
	return a && nla_len(a) == 1 && nla_get_u8(a) == v;
}

static bool
is_addr(const struct nlattr *a, const struct addr *want)
{
	static const uint8_t none[16];
	const uint8_t *b = want->n ? want->b : none;

	return a ? (size_t)nla_len(a) >= want->n && memcmp(nla_data(a), b, want->n ? want->n : (size_t)nla_len(a)) == 0 : want->n == 0;
}

static bool
same_gre(struct nlattr *info, const struct dp_tunnel *c)
{
	struct nlattr *tb[IFLA_INFO_MAX + 1], *g[IFLA_GRE_MAX + 1];
	uint16_t flags = htons(c->has_key ? 0x2000 : 0);

	if (!info || nla_parse_nested(tb, IFLA_INFO_MAX, info, NULL) < 0 || !tb[IFLA_INFO_KIND] || strcmp(nla_data(tb[IFLA_INFO_KIND]), "gre") != 0 ||
	    !tb[IFLA_INFO_DATA] || nla_parse_nested(g, IFLA_GRE_MAX, tb[IFLA_INFO_DATA], NULL) < 0)
		return false;
	return is_addr(g[IFLA_GRE_LOCAL], &c->source) && is_u8(g[IFLA_GRE_TTL], TTL) && is_u8(g[IFLA_GRE_TOS], TOS_INHERIT) && is_u8(g[IFLA_GRE_PMTUDISC], 0) &&
	       is_u8(g[IFLA_GRE_IGNORE_DF], 1) && g[IFLA_GRE_IFLAGS] && nla_get_u16(g[IFLA_GRE_IFLAGS]) == flags && g[IFLA_GRE_OFLAGS] &&
	       nla_get_u16(g[IFLA_GRE_OFLAGS]) == flags && (!c->has_key || (is_u32(g[IFLA_GRE_IKEY], htonl(c->key)) && is_u32(g[IFLA_GRE_OKEY], htonl(c->key))));
}

static void
on_adopted(void *ctx, struct nlmsghdr *h)
{
	struct adopt *a = ctx;
	struct addr mark = leaving_mark(a->t->conf.id, 4);
	struct nlattr *tb[IFLA_MAX + 1];

	if (h->nlmsg_type != RTM_NEWLINK || nlmsg_parse(h, sizeof(struct ifinfomsg), tb, IFLA_MAX, NULL) < 0)
		return;
	a->mark = is_addr(tb[IFLA_BROADCAST], &mark);
	a->same = is_u32(tb[IFLA_MTU], a->t->mtu) && same_gre(tb[IFLA_LINKINFO], &a->t->conf);
}

/* The device with this name, made or taken over; then what only a device that is there can have. */
static int
build(struct mgre_kernel *m, struct mk_tunnel *t)
{
	static const struct dp_tunnel none;
	struct adopt is = { .t = t };
	struct ifinfomsg ifi = { 0 };
	bool adopted;
	int rc;

	if (m->host->underlay && !link_vrf(&m->link, m->host->underlay, &m->underlay, &m->underlay_table))
		return failed(m, &t->conf, "find the tunnel vrf of", -ENODEV);
	rc = nlq_do(&m->q, link_msg(&t->conf, m->underlay, 0, t->mtu, NLM_F_CREATE | NLM_F_EXCL));
	adopted = rc == -EEXIST;

	t->ifindex = link_index(t->conf.name);
	ifi.ifi_index = (int)t->ifindex;
	if (adopted && t->ifindex)
		nlq_get(&m->q, nlq_msg(RTM_GETLINK, 0, &ifi, sizeof(ifi)), on_adopted, &is);
	if (adopted && is.same && !m->underlay)	/* on_adopted() does not look at that */
		rc = 0;
	else if (adopted && t->ifindex)
		rc = nlq_do(&m->q, link_msg(&t->conf, m->underlay, t->ifindex, t->mtu, 0));
	if (rc != 0)
		return failed(m, &t->conf, "make the GRE interface", rc);
	if (!t->ifindex)
		return failed(m, &t->conf, "make the GRE interface", -ENODEV);
	if (t->conf.vrf[0] && (rc = link_into(&m->link, t->ifindex, t->conf.vrf)) != 0)
		return failed(m, &t->conf, "put into its VRF", rc);
	if ((rc = set_probes(m, t, "arp_cache", AF_INET)) != 0 || ((rc = set_probes(m, t, "ndisc_cache", AF_INET6)) != 0 && rc != -ENOENT))
		return failed(m, &t->conf, "have next hops asked of us on", rc);
	if (!is.mark && (rc = set_mark(m, t)) != 0)
		return failed(m, &t->conf, "set the next hop of multicast on", rc);
	if ((rc = open_nhrp(t)) != 0)
		return failed(m, &t->conf, "listen to NHRP on", rc);
	if ((rc = addresses(m, t->ifindex, &none, &t->conf, true)) != 0)
		return failed(m, &t->conf, "set an address of", rc);
	if (adopted)
		sweep(m, t, false);
	set_oper(m, t, true);	/* one of an earlier life may have been left without */
	t->no_carrier = false;
	if ((rc = bring_up(m, t)) != 0)
		return failed(m, &t->conf, "bring up", rc);
	if ((rc = set_routes(m, t)) != 0)
		return failed(m, &t->conf, "set the route to peers of", rc);
	open_leaving(t);
	t->up = true;
	t->gone = false;
	return 0;
}

static void
unbuild(struct mgre_kernel *m, struct mk_tunnel *t)
{
	close_nhrp(t);
	if (t->ifindex && !t->gone)
		delete_link(m, t->ifindex);
	if (t->ifindex && m->underlay)	/* else it went with the device */
		change_routes(m, t, false);
	t->ifindex = 0;
	t->up = false;
}

static void
destroy(struct mgre_kernel *m, struct mk_tunnel *t)
{
	struct map_node *n;
	struct map_iter it;

	unbuild(m, t);
	while (t->peers.n && (n = map_first(&t->peers, &it)))
		peer_free(t, container_of(n, struct mk_peer, by_number));
	map_fini(&t->peers);
	map_fini(&t->lladdrs);
	map_fini(&t->neighs);
	lent_fini(&t->lent);
	env_free(m->host->env, t);
}

static int
create(struct mgre_kernel *m, const struct dp_tunnel *conf)
{
	struct mk_tunnel *t = env_alloc(m->host->env, sizeof(*t));
	int rc;

	if (!t)
		return failed(m, conf, "make", -ENOMEM);
	*t = (struct mk_tunnel){ .owner = m, .conf = *conf, .fd = -1, .leaving = -1, .mtu = conf->mtu ? conf->mtu : MTU_DEFAULT };
	map_init(&t->peers, m->host->env);
	map_init(&t->lladdrs, m->host->env);
	map_init(&t->neighs, m->host->env);
	lent_init(&t->lent, m->host->env);
	rc = build(m, t);
	if (rc != 0) {
		destroy(m, t);
		return rc;
	}
	t->next = m->tunnels;
	m->tunnels = t;
	return 0;
}

static void
put_neighbours(struct mk_tunnel *t)
{
	struct map_iter it;

	for (struct map_node *n = map_first(&t->neighs, &it); n; n = map_next(&t->neighs, &it)) {
		const struct mk_neigh *g = container_of(n, struct mk_neigh, node);

		nlq_add(&t->owner->q, neigh_msg(t, &g->proto, &g->peer->lladdr), NULL, NULL, 0);
	}
	nlq_flush(&t->owner->q);
}

/* The interface was deleted under us: another of that name, with the tables that this tunnel has. */
static int
remake(struct mgre_kernel *m, struct mk_tunnel *t, const struct dp_tunnel *conf)
{
	int rc;

	close_nhrp(t);
	lent_clear(&t->lent);
	t->conf = *conf;
	t->mtu = conf->mtu ? conf->mtu : MTU_DEFAULT;
	rc = build(m, t);
	if (rc == 0)
		put_neighbours(t);
	else
		unbuild(m, t);
	return rc;
}

static int
modify(struct mgre_kernel *m, struct mk_tunnel *t, const struct dp_tunnel *conf)
{
	unsigned mtu = conf->mtu ? conf->mtu : MTU_DEFAULT;
	struct dp_tunnel was = t->conf;
	int rc;

	if (strcmp(conf->name, was.name) != 0)
		return failed(m, conf, "rename to", -EINVAL);
	if ((rc = nlq_do(&m->q, link_msg(conf, m->underlay, t->ifindex, mtu, 0))) != 0)
		return failed(m, conf, "change", rc);
	if ((rc = addresses(m, t->ifindex, &was, conf, true)) != 0)
		return failed(m, conf, "set an address of", rc);
	addresses(m, t->ifindex, &was, conf, false);
	t->conf = *conf;
	t->mtu = mtu;
	if (conf->redirect != was.redirect || conf->has_key != was.has_key)
		open_leaving(t);
	return 0;
}

int
mgre_kernel_tunnel_set(struct mgre_kernel *m, const struct dp_tunnel *conf)
{
	struct mk_tunnel *t = find(m, conf->id);

	m->err[0] = '\0';
	if (outer_of(conf) == 16)
		return failed(m, conf, "send GRE in clear over IPv6 on the kernel plane by", -EAFNOSUPPORT);
	return !t ? create(m, conf) : t->gone ? remake(m, t, conf) : modify(m, t, conf);
}

int
mgre_kernel_mtu(struct mgre_kernel *m, uint32_t tunnel, unsigned mtu)
{
	struct mk_tunnel *t = find(m, tunnel);
	int rc = t && t->ifindex && !t->gone && t->mtu != mtu ? link_mtu(&m->link, t->ifindex, mtu) : 0;

	if (t && rc == 0)
		t->mtu = mtu;
	return rc;
}

int
mgre_kernel_tunnel_del(struct mgre_kernel *m, uint32_t tunnel)
{
	for (struct mk_tunnel **at = &m->tunnels; *at; at = &(*at)->next) {
		struct mk_tunnel *t = *at;

		if (t->conf.id != tunnel)
			continue;
		*at = t->next;
		destroy(m, t);
		return 0;
	}
	return 0;
}

static void
on_link(void *ctx, struct nlmsghdr *h)
{
	struct dp_link_info *out = ctx;
	struct nlattr *tb[IFLA_MAX + 1];
	const struct ifinfomsg *ifi = nlmsg_data(h);
	struct rtnl_link_stats64 st;

	if (h->nlmsg_type != RTM_NEWLINK || nlmsg_parse(h, sizeof(*ifi), tb, IFLA_MAX, NULL) < 0)
		return;
	out->up = ifi->ifi_flags & IFF_UP;
	out->mtu = tb[IFLA_MTU] ? nla_get_u32(tb[IFLA_MTU]) : 0;
	if (!tb[IFLA_STATS64] || (size_t)nla_len(tb[IFLA_STATS64]) < sizeof(st.rx_packets) * 4)
		return;
	memset(&st, 0, sizeof(st));
	memcpy(&st, nla_data(tb[IFLA_STATS64]), (size_t)nla_len(tb[IFLA_STATS64]) < sizeof(st) ? (size_t)nla_len(tb[IFLA_STATS64]) : sizeof(st));
	out->rx_packets = st.rx_packets;
	out->rx_bytes = st.rx_bytes;
	out->tx_packets = st.tx_packets;
	out->tx_bytes = st.tx_bytes;
}

bool
mgre_kernel_link_info(struct mgre_kernel *m, uint32_t tunnel, struct dp_link_info *out)
{
	struct mk_tunnel *t = find(m, tunnel);
	struct ifinfomsg ifi = { .ifi_index = t ? (int)t->ifindex : 0 };

	if (!t)
		return false;
	*out = (struct dp_link_info){ .ifindex = t->ifindex, .mtu = t->mtu, .plane = "kernel", .no_carrier = t->no_carrier };
	if (t->ifindex && !t->gone)
		nlq_get(&m->q, nlq_msg(RTM_GETLINK, 0, &ifi, sizeof(ifi)), on_link, out);
	return true;
}

void
mgre_kernel_counters(struct mgre_kernel *m, dp_counter_fn *fn, void *ctx)
{
	for (unsigned i = 0; i < MK_COUNT_N; i++)
		fn(ctx, count_word[i], m->count[i]);
	fn(ctx, "rtnetlink-messages", m->q.sent);
	fn(ctx, "rtnetlink-batches", m->q.batches);
	fn(ctx, "rtnetlink-reads", m->q.reads);
	fn(ctx, "rtnetlink-answers-lost", m->q.lost);
}

struct prefix
mgre_kernel_synthetic(uint32_t tunnel)
{
	return (struct prefix){ { 4, { 0xf0, (uint8_t)((tunnel - 1) << 4) } }, 12 };
}

struct addr
mgre_kernel_mark(uint32_t tunnel)
{
	return leaving_mark(tunnel, 4);
}

struct addr
mgre_kernel_self(uint32_t tunnel)
{
	struct addr a = leaving_mark(tunnel, 4);

	a.b[3]--;
	return a;
}

const char *
mgre_kernel_error(const struct mgre_kernel *m)
{
	return m->err;
}

/* ---- what the kernel tells */

/* By another hand: what we delete is not in our table any more. */
static void
neigh_deleted(struct mk_tunnel *t, const struct addr *proto)
{
	struct mk_neigh *n = neigh_find(t, proto);

	lent_forget(&t->lent, proto);
	if (n && t->up && !t->gone && neigh_put(t, n) == 0)
		t->owner->count[MK_NEIGH_RESTORED]++;
}

static void
on_neigh(void *ctx, struct nlmsghdr *h)
{
	struct mgre_kernel *m = ctx;
	const struct ndmsg *nd = nlmsg_data(h);
	struct nlattr *tb[NDA_MAX + 1];
	struct dp_event ev = { .kind = DP_EV_UNRESOLVED };

	if ((h->nlmsg_type != RTM_GETNEIGH && h->nlmsg_type != RTM_DELNEIGH) || nlmsg_parse(h, sizeof(*nd), tb, NDA_MAX, NULL) < 0 || !tb[NDA_DST] ||
	    (nla_len(tb[NDA_DST]) != 4 && nla_len(tb[NDA_DST]) != 16))
		return;
	for (struct mk_tunnel *t = m->tunnels; t; t = t->next) {
		if ((int)t->ifindex != nd->ndm_ifindex)
			continue;
		ev.tunnel = t->conf.id;
		ev.dst = addr_of(nla_data(tb[NDA_DST]), (size_t)nla_len(tb[NDA_DST]));
		if (h->nlmsg_type == RTM_DELNEIGH) {
			neigh_deleted(t, &ev.dst);
			return;
		}
		m->count[MK_UNRESOLVED]++;
		m->count[MK_LENT] += !neigh_find(t, &ev.dst) && lent_lend(&t->lent, &m->q, t->ifindex, &ev.dst);
		m->fn(m->ctx, &ev);
		return;
	}
}

/* One of ours: found out by what the kernel says of routes on the device. */
static void
on_route_news(void *ctx, struct nlmsghdr *h)
{
	struct mgre_kernel *m = ctx;
	const struct rtmsg *rt = nlmsg_data(h);
	struct nlattr *tb[RTA_MAX + 1];
	struct prefix to = { .bits = rt->rtm_dst_len };

	if (h->nlmsg_type != RTM_DELROUTE || nlmsg_parse(h, sizeof(*rt), tb, RTA_MAX, NULL) < 0 || !tb[RTA_DST] || !tb[RTA_OIF])
		return;
	to.addr = addr_of(nla_data(tb[RTA_DST]), rt->rtm_family == AF_INET6 ? 16 : 4);
	for (struct mk_tunnel *t = m->tunnels; t; t = t->next) {
		struct prefix own = mgre_kernel_synthetic(t->conf.id);
		struct addr self = mgre_kernel_self(t->conf.id);

		if (route_to(m, t) != nla_get_u32(tb[RTA_OIF]) || !t->up || t->gone || (!addr_eq(&to.addr, &own.addr) && !addr_eq(&to.addr, &self)))
			continue;
		if (set_routes(m, t) == 0)
			m->count[MK_ROUTE_RESTORED]++;
		return;
	}
}

static void
on_any_news(void *ctx, struct nlmsghdr *h)
{
	if (h->nlmsg_type == RTM_DELROUTE)
		on_route_news(ctx, h);
	else
		on_neigh(ctx, h);
}

static void
on_news(void *arg)
{
	struct mgre_kernel *m = arg;

	if (nlq_hear(m->news, on_any_news, m))
		return;
	m->count[MK_NEWS_LOST]++;	/* whoever still waits is asked for again; what was deleted meanwhile is put back */
	for (struct mk_tunnel *t = m->tunnels; t; t = t->next) {
		if (!t->up || t->gone)
			continue;
		set_routes(m, t);
		put_neighbours(t);
	}
}

static void
on_change(void *ctx, const struct link_change *c)
{
	struct mgre_kernel *m = ctx;

	for (struct mk_tunnel *t = m->tunnels; t; t = t->next) {
		struct dp_event ev = { .kind = DP_EV_LINK, .tunnel = t->conf.id, .link_up = c->up && !c->gone, .link_gone = c->gone };

		if (t->ifindex != c->ifindex || (t->up == ev.link_up && !c->gone))
			continue;
		t->up = ev.link_up;
		t->gone = c->gone;
		if (c->gone)
			close_nhrp(t);
		if (ev.link_up) {	/* the kernel took these when it went down */
			set_routes(m, t);
			put_neighbours(t);
		}
		m->fn(m->ctx, &ev);
		return;
	}
}

static void
on_link_news(void *arg)
{
	struct mgre_kernel *m = arg;

	link_news(&m->link, on_change, m);
}

/* ---- beginning and end */

bool
mgre_kernel_probe(char *err, size_t errlen)
{
	static const struct dp_tunnel c = { .name = "odm-probe", .has_key = true, .key = 0x4d475245, .source = { 4, { 127, 0, 0, 1 } } };
	struct nlq q;
	struct ifinfomsg ifi = { 0 };
	int rc;

	if (!nlq_open(&q, NETLINK_ROUTE, err, errlen))
		return false;
	rc = nlq_do(&q, link_msg(&c, 0, 0, MTU_DEFAULT, NLM_F_CREATE | NLM_F_EXCL));
	ifi.ifi_index = (int)link_index(c.name);
	if (ifi.ifi_index)
		nlq_do(&q, nlq_msg(RTM_DELLINK, 0, &ifi, sizeof(ifi)));
	nlq_close(&q);
	if (rc == -EOPNOTSUPP)
		snprintf(err, errlen, "this kernel has no GRE device: module ip_gre (CONFIG_NET_IPGRE)");
	else if (rc != 0)
		snprintf(err, errlen, "cannot make a GRE device: %s", strerror(-rc));
	return rc == 0;
}

static void
on_kind(void *ctx, struct nlmsghdr *h)
{
	struct nlattr *tb[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1];

	if (h->nlmsg_type == RTM_NEWLINK && nlmsg_parse(h, sizeof(struct ifinfomsg), tb, IFLA_MAX, NULL) >= 0 && tb[IFLA_LINKINFO] &&
	    nla_parse_nested(info, IFLA_INFO_MAX, tb[IFLA_LINKINFO], NULL) >= 0 && info[IFLA_INFO_KIND])
		*(bool *)ctx = strcmp(nla_get_string(info[IFLA_INFO_KIND]), "gre") == 0;
}

bool
mgre_kernel_purge(const char *name)
{
	struct ifinfomsg ifi = { .ifi_index = (int)link_index(name) };
	bool gre = false;
	char err[128];
	struct nlq q;

	if (!ifi.ifi_index || !nlq_open(&q, NETLINK_ROUTE, err, sizeof(err)))
		return false;
	nlq_get(&q, nlq_msg(RTM_GETLINK, 0, &ifi, sizeof(ifi)), on_kind, &gre);
	gre = gre && nlq_do(&q, nlq_msg(RTM_DELLINK, 0, &ifi, sizeof(ifi))) == 0;
	nlq_close(&q);
	return gre;
}

struct mgre_kernel *
mgre_kernel_new(const struct host *host, dp_event_fn *fn, void *ctx, char *err, size_t errlen)
{
	static const unsigned group[] = { RTNLGRP_NEIGH, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE };
	struct mgre_kernel *m = env_alloc(host->env, sizeof(*m));

	if (!m) {
		snprintf(err, errlen, "out of memory");
		return NULL;
	}
	*m = (struct mgre_kernel){ .host = host, .fn = fn, .ctx = ctx, .news = -1, .link.news = -1, .underlay_table = RT_TABLE_MAIN };
	leaving_load(&m->leaving, 4);
	if (!nlq_open(&m->q, NETLINK_ROUTE, err, errlen) || !link_open(&m->link, err, errlen))
		goto fail;
	m->news = nlq_listen(NETLINK_ROUTE, group, sizeof(group) / sizeof(group[0]));
	if (m->news < 0) {
		snprintf(err, errlen, "cannot listen to the kernel's neighbours: %s", strerror(-m->news));
		goto fail;
	}
	m->watch_news = host->watch(host->ctx, m->news, on_news, m);
	m->watch_link = host->watch(host->ctx, m->link.news, on_link_news, m);
	if (m->watch_news && m->watch_link)
		return m;
	snprintf(err, errlen, "out of memory");
fail:
	mgre_kernel_free(m);
	return NULL;
}

void
mgre_kernel_free(struct mgre_kernel *m)
{
	if (!m)
		return;
	while (m->tunnels)
		mgre_kernel_tunnel_del(m, m->tunnels->conf.id);
	m->host->unwatch(m->host->ctx, m->watch_news);
	m->host->unwatch(m->host->ctx, m->watch_link);
	if (m->news >= 0)
		close(m->news);
	link_close(&m->link);
	leaving_close(&m->leaving);
	nlq_close(&m->q);
	env_free(m->host->env, m);
}
