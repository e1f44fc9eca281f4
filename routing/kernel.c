/* routing/kernel.c: see kernel.h.
 *
 * Three netlink sockets: one asks and is answered at once, one listens to changes of routes, links and addresses, one reads the whole
 * table. Several routes to one prefix may stand side by side (metrics); this module keeps them per prefix in a trie and reports the
 * best only when it changes. When the kernel says that notifications were lost (ENOBUFS), the table is read again, and what was
 * not seen again is reported gone.
 *
 * However much there is to read, one call of ours takes a bounded bite of it: so many notifications, one buffer of a dump, so many that
 * are gone. While a dump runs the listener waits, as each piece of it is older than what the listener has by then. Only the first
 * dump is read in one go, as nothing runs yet.
 *
 * Ours are put in front of an equal route of somebody else (no NLM_F_REPLACE: that would overwrite the operator's), so a
 * shortcut wins over a static route for the same prefix and falls back to it when it goes. IPv6 would join them to one multipath
 * route instead, so there ours have a better metric than the default 1024, and than that of what zebra installs, 20.
 *
 * Routes of ours that zebra installed carry its number for NHRP. They are not reported either; but they may have taken the place of
 * somebody else's (zebra replaces), which is then gone from the kernel. */
#include "routing/kernel.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/link/vrf.h>
#include <netlink/route/route.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/container_of.h"
#include "lib/list.h"
#include "lib/trie.h"

enum { HEAR_ROUND = 256, SWEEP_ROUND = 1024, BUF_OCTETS = 32768, LISTEN_OCTETS = 4 << 20, AGAIN_MS = 500, ANSWER_MS = 2000 };

struct known {	/* one route of somebody else's */
	struct known *next;
	struct rib_route route;
	uint32_t table;
	uint8_t proto;
	uint32_t dump;	/* number of the last one that had it, or that was before it came */
	struct list seen;	/* by that number, the oldest first */
};

struct entry {	/* all of one prefix, best first */
	struct known *first;
	struct rib_route told;
	bool is_told;
};

struct kernel_rib {
	struct rib rib;
	const struct host *host;
	rib_event_fn *fn;
	void *ctx;
	struct nl_sock *ask, *listen, *read;
	struct host_watch *watch, *read_watch, *timer;
	struct trie routes;	/* of struct entry */
	struct list seen;	/* of struct known */
	uint32_t table, dump, seq;
	enum { AT_REST, READING_4, READING_6, SWEEPING } stage;
	bool resync, changed;	/* changed: while it was read, the table may have been read wrongly */
	_Alignas(NLMSG_ALIGNTO) uint8_t buf[BUF_OCTETS];
};

/* ---- from libnl's objects */

static struct addr
addr_of_nl(const struct nl_addr *a)
{
	if (!a || nl_addr_get_len(a) == 0)
		return (struct addr){ 0 };
	return addr_of(nl_addr_get_binary_addr(a), nl_addr_get_len(a));
}

/* A default route's destination comes without octets. */
static bool
dst_of(struct rtnl_route *r, struct prefix *out)
{
	struct nl_addr *dst = rtnl_route_get_dst(r);
	int family = rtnl_route_get_family(r);
	static const uint8_t zero[16];

	if (family != AF_INET && family != AF_INET6)
		return false;
	out->addr = addr_of_nl(dst);
	if (out->addr.n == 0)
		out->addr = addr_of(zero, family == AF_INET ? 4 : 16);
	*out = prefix_of(&out->addr, (uint8_t)(dst ? nl_addr_get_prefixlen(dst) : 0));
	return true;
}

static bool
kind_of(struct rtnl_route *r, enum rib_kind *out)
{
	switch (rtnl_route_get_type(r)) {
	case RTN_UNICAST:
		*out = RIB_UNICAST;
		return true;
	case RTN_LOCAL:
		*out = RIB_LOCAL;
		return true;
	case RTN_BLACKHOLE:
	case RTN_UNREACHABLE:
	case RTN_PROHIBIT:
		*out = RIB_REJECT;
		return true;
	}
	return false;
}

static bool
is_ours(const struct known *n)
{
	return n->proto == ROUTING_PROTO || n->proto == ROUTING_PROTO_ZEBRA;
}

/* False for what is none of our business: other tables, clones, broadcast and multicast. */
static bool
known_of(const struct kernel_rib *k, struct rtnl_route *r, struct known *out)
{
	struct rtnl_nexthop *nh = rtnl_route_nexthop_n(r, 0);

	memset(out, 0, sizeof(*out));
	out->table = rtnl_route_get_table(r);
	out->proto = rtnl_route_get_protocol(r);
	if ((out->table != k->table && (out->table != RT_TABLE_LOCAL || k->table != RT_TABLE_MAIN)) || rtnl_route_get_flags(r) & RTM_F_CLONED ||
	    out->proto == ROUTING_PROTO_GUARD)
		return false;
	if (!dst_of(r, &out->route.dst) || !kind_of(r, &out->route.kind))
		return false;
	out->route.metric = rtnl_route_get_priority(r);
	if (nh) {
		out->route.ifindex = (uint32_t)rtnl_route_nh_get_ifindex(nh);
		out->route.via = addr_of_nl(rtnl_route_nh_get_gateway(nh));
	}
	return true;
}

/* ---- what is known, and telling it */

static bool
same_route(const struct known *a, const struct known *b)
{
	return a->table == b->table && a->proto == b->proto && a->route.metric == b->route.metric && a->route.kind == b->route.kind &&
	    a->route.ifindex == b->route.ifindex && addr_eq(&a->route.via, &b->route.via);
}

/* Local addresses before the main table, as the kernel's rules have it; then the lower metric. */
static bool
better(const struct known *a, const struct known *b)
{
	return a->table != b->table ? a->table == RT_TABLE_LOCAL : a->route.metric < b->route.metric;
}

static bool
told_same(const struct entry *e)
{
	const struct rib_route *a = &e->told, *b = &e->first->route;

	return e->is_told && a->kind == b->kind && a->ifindex == b->ifindex && a->metric == b->metric && addr_eq(&a->via, &b->via);
}

static void
tell(struct kernel_rib *k, struct entry *e, const struct prefix *dst)
{
	struct rib_event ev = { .kind = RIB_EV_ROUTE, .route.dst = *dst };

	if (e->first) {
		if (told_same(e))
			return;
		e->told = ev.route = e->first->route;
		e->is_told = true;
		k->fn(k->ctx, &ev);
		return;
	}
	trie_del(&k->routes, dst);
	if (e->is_told) {
		ev.kind = RIB_EV_GONE;
		k->fn(k->ctx, &ev);
	}
	env_free(k->host->env, e);
}

static struct entry *
entry_get(struct kernel_rib *k, const struct prefix *dst)
{
	struct entry *e = trie_get(&k->routes, dst);

	if (e || !(e = env_alloc(k->host->env, sizeof(*e))))
		return e;
	if (trie_set(&k->routes, dst, e))
		return e;
	env_free(k->host->env, e);
	return NULL;
}

static void
seen_now(struct kernel_rib *k, struct known *r)
{
	r->dump = k->dump;
	list_remove(&r->seen);
	list_append(&k->seen, &r->seen);
}

static void
route_came(struct kernel_rib *k, const struct known *r)
{
	struct entry *e = entry_get(k, &r->route.dst);
	struct known **at, *n;

	if (!e) {
		k->resync = true;	/* no memory: try again with the next dump */
		return;
	}
	for (at = &e->first; *at; at = &(*at)->next) {
		if (same_route(*at, r)) {
			seen_now(k, *at);
			return;
		}
	}
	if (!(n = env_alloc(k->host->env, sizeof(*n)))) {
		k->resync = true;
		if (!e->first)
			tell(k, e, &r->route.dst);	/* takes the empty entry away */
		return;
	}
	*n = *r;
	list_init(&n->seen);
	seen_now(k, n);
	for (at = &e->first; *at && !better(n, *at); at = &(*at)->next)
		;
	n->next = *at;
	*at = n;
	tell(k, e, &r->route.dst);
}

static void
route_went(struct kernel_rib *k, const struct known *r)
{
	struct entry *e = trie_get(&k->routes, &r->route.dst);

	for (struct known **at = e ? &e->first : NULL; at && *at; at = &(*at)->next) {
		if (same_route(*at, r)) {
			struct known *gone = *at;

			*at = gone->next;
			list_remove(&gone->seen);
			env_free(k->host->env, gone);
			tell(k, e, &r->route.dst);
			return;
		}
	}
}

/* Replacing is said by NEWROUTE only. What was replaced has the same metric. Of several with metric 0, which is everybody's, the
 * kernel took the first, and ours may be among them: then only a dump tells. */
static void
route_replaced(struct kernel_rib *k, const struct known *by)
{
	const struct entry *e = trie_get(&k->routes, &by->route.dst);
	struct known gone;
	unsigned n = 0;

	for (const struct known *o = e ? e->first : NULL; o; o = o->next) {
		if (o->table == by->table && o->route.metric == by->route.metric && !same_route(o, by)) {
			gone = *o;
			n++;
		}
	}
	if (n > 1 || (n == 1 && gone.route.metric == 0))
		k->resync = true;
	else if (n == 1)
		route_went(k, &gone);
}

/* ---- messages */

/* IPv4 routes of a device that goes down or loses its address vanish without a message of their own. */
static bool
loses_routes(const struct nlmsghdr *h)
{
	const struct ifinfomsg *i = nlmsg_data(h);

	if (h->nlmsg_type == RTM_DELLINK || h->nlmsg_type == RTM_DELADDR)
		return true;
	return h->nlmsg_type == RTM_NEWLINK && h->nlmsg_len >= NLMSG_LENGTH(sizeof(*i)) && !(i->ifi_flags & IFF_UP);
}

static void
on_message(struct kernel_rib *k, struct nlmsghdr *h)
{
	struct rtnl_route *r;
	struct known n;

	if (loses_routes(h))
		k->resync = true;
	if ((h->nlmsg_type != RTM_NEWROUTE && h->nlmsg_type != RTM_DELROUTE) || rtnl_route_parse(h, &r) < 0)
		return;
	if (known_of(k, r, &n)) {
		if (h->nlmsg_type == RTM_NEWROUTE && h->nlmsg_flags & NLM_F_REPLACE)
			route_replaced(k, &n);
		if (is_ours(&n))
			;	/* nobody's business */
		else if (h->nlmsg_type == RTM_NEWROUTE)
			route_came(k, &n);
		else
			route_went(k, &n);
	}
	rtnl_route_put(r);
}

static void
walk_all(struct kernel_rib *k, trie_fn *fn, void *ctx)
{
	static const uint8_t zero[16];
	struct prefix v4 = { addr_of(zero, 4), 0 }, v6 = { addr_of(zero, 16), 0 };

	trie_within(&k->routes, &v4, fn, ctx);
	trie_within(&k->routes, &v6, fn, ctx);
}

/* ---- the whole table, bite by bite */

static void turn(void *arg);

static bool
ask_for_all(struct kernel_rib *k, int family)
{
	struct {
		struct nlmsghdr h;
		struct rtmsg rt;
	} q = { .h = { .nlmsg_len = sizeof(q), .nlmsg_type = RTM_GETROUTE, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP, .nlmsg_seq = ++k->seq },
		.rt = { .rtm_family = (unsigned char)family } };

	return send(nl_socket_get_fd(k->read), &q, sizeof(q), 0) == (ssize_t)sizeof(q);
}

static void
read_failed(struct kernel_rib *k)
{
	log_at(k->host->log, LOG_LV_WARN, "routes-lost", "cannot read the routing table");
	k->stage = AT_REST;
}

static void
read_begin(struct kernel_rib *k)
{
	k->resync = k->changed = false;
	k->dump++;
	k->stage = READING_4;
	if (!ask_for_all(k, AF_INET))
		read_failed(k);
}

static void
read_next(struct kernel_rib *k)
{
	if (k->stage == READING_6)
		k->stage = SWEEPING;
	else if (ask_for_all(k, AF_INET6))
		k->stage = READING_6;
	else
		read_failed(k);
}

/* One buffer. What a dump that failed has left there is nobody's. */
static void
read_some(struct kernel_rib *k)
{
	ssize_t got = recv(nl_socket_get_fd(k->read), k->buf, sizeof(k->buf), MSG_DONTWAIT | MSG_TRUNC);
	size_t left = got > 0 ? (size_t)got : 0;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0 || left > sizeof(k->buf)) {
		read_failed(k);
		return;
	}
	for (struct nlmsghdr *h = (void *)k->buf; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
		if (h->nlmsg_seq != k->seq || k->stage == AT_REST)
			continue;
		k->changed |= (h->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
		if (h->nlmsg_type == NLMSG_DONE) {
			read_next(k);
			return;
		}
		if (h->nlmsg_type == NLMSG_ERROR) {
			read_failed(k);
			return;
		}
		on_message(k, h);
	}
}

/* What the dump did not have. False: there is more. */
static bool
sweep_some(struct kernel_rib *k)
{
	for (unsigned i = 0; i < SWEEP_ROUND; i++) {
		struct known *old = list_empty(&k->seen) ? NULL : container_of(k->seen.next, struct known, seen), gone;

		if (!old || old->dump == k->dump) {
			k->stage = AT_REST;
			return true;
		}
		gone = *old;
		route_went(k, &gone);
	}
	return false;
}

static void
later(struct kernel_rib *k, tick_t in)
{
	k->host->unwatch(k->host->ctx, k->timer);
	k->timer = k->host->after(k->host->ctx, in, turn, k);
}

static void
on_time(struct kernel_rib *k)
{
	while (!sweep_some(k)) {
		later(k, 0);
		if (k->timer)
			return;	/* else, without memory, all at once */
	}
	if (k->changed)
		later(k, TICK_MS(AGAIN_MS));	/* the table changed under the reader's hand */
}

static void
turn(void *arg)
{
	struct kernel_rib *k = arg;

	k->timer = NULL;
	if (k->stage == SWEEPING)
		on_time(k);
	else if (k->stage == AT_REST)
		read_begin(k);
}

static void
hear(struct kernel_rib *k)
{
	int fd = nl_socket_get_fd(k->listen);

	for (unsigned i = 0; i < HEAR_ROUND; i++) {
		ssize_t got = recv(fd, k->buf, sizeof(k->buf), MSG_DONTWAIT | MSG_TRUNC);
		size_t left = got > 0 ? (size_t)got : 0;

		if (got < 0 && errno != ENOBUFS && errno != EINTR)
			break;
		k->resync |= (got < 0 && errno == ENOBUFS) || left > sizeof(k->buf);
		if (left > sizeof(k->buf))
			continue;
		for (struct nlmsghdr *h = (void *)k->buf; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left))
			on_message(k, h);
	}
	if (k->resync)
		read_begin(k);
}

static void
on_news(void *arg)
{
	struct kernel_rib *k = arg;

	if (k->stage == AT_REST)
		hear(k);
}

static void
on_table(void *arg)
{
	struct kernel_rib *k = arg;

	read_some(k);
	if (k->stage == SWEEPING && !k->timer)
		on_time(k);
}

static void
read_all(struct kernel_rib *k)
{
	struct pollfd p = { .fd = nl_socket_get_fd(k->read), .events = POLLIN };

	read_begin(k);
	while (k->stage == READING_4 || k->stage == READING_6) {
		if (poll(&p, 1, ANSWER_MS) <= 0 && errno != EINTR)
			read_failed(k);
		read_some(k);
	}
	while (k->stage == SWEEPING)
		sweep_some(k);
}

/* ---- verbs */

static struct nl_addr *
nl_of(const struct prefix *p)
{
	struct nl_addr *a = nl_addr_build(p->addr.n == 4 ? AF_INET : AF_INET6, p->addr.b, p->addr.n);

	if (a)
		nl_addr_set_prefixlen(a, p->bits);
	return a;
}

static bool
fill_nexthop(struct rtnl_route *nl, const struct rib_route *r)
{
	struct rtnl_nexthop *nh = rtnl_route_nh_alloc();
	struct prefix via = prefix_host(&r->via);
	struct nl_addr *gw = NULL;

	if (!nh)
		return false;
	if (r->ifindex)
		rtnl_route_nh_set_ifindex(nh, (int)r->ifindex);
	if (r->via.n && !(gw = nl_of(&via))) {
		rtnl_route_nh_free(nh);
		return false;
	}
	if (gw) {
		rtnl_route_nh_set_gateway(nh, gw);
		rtnl_route_nh_set_flags(nh, RTNH_F_ONLINK);	/* tunnel addresses are often hosts */
		nl_addr_put(gw);
	}
	rtnl_route_add_nexthop(nl, nh);
	return true;
}

static void
set_guard(struct rtnl_route *nl, const struct rib_route *r)
{
	rtnl_route_set_protocol(nl, ROUTING_PROTO_GUARD);
	rtnl_route_set_scope(nl, RT_SCOPE_UNIVERSE);
	rtnl_route_set_type(nl, RTN_UNREACHABLE);
	rtnl_route_set_priority(nl, r->dst.addr.n == 4 ? ROUTING_METRIC_GUARD : ROUTING_METRIC_GUARD6);
}

static bool
set_source(struct rtnl_route *nl, const struct addr *src)
{
	struct prefix host = prefix_host(src);
	struct nl_addr *a = nl_of(&host);
	bool ok = a && rtnl_route_set_pref_src(nl, a) >= 0;

	nl_addr_put(a);
	return ok;
}

static struct rtnl_route *
nl_route(const struct kernel_rib *k, const struct rib_route *r)
{
	struct rtnl_route *nl = rtnl_route_alloc();
	struct nl_addr *dst = nl_of(&r->dst);

	if (!nl || !dst || rtnl_route_set_dst(nl, dst) < 0) {
		nl_addr_put(dst);
		rtnl_route_put(nl);
		return NULL;
	}
	nl_addr_put(dst);
	rtnl_route_set_family(nl, r->dst.addr.n == 4 ? AF_INET : AF_INET6);
	rtnl_route_set_table(nl, k->table);
	if (r->kind == RIB_REJECT) {
		set_guard(nl, r);
		return nl;
	}
	rtnl_route_set_protocol(nl, r->fixed ? ROUTING_PROTO_FIXED : ROUTING_PROTO);
	rtnl_route_set_scope(nl, r->via.n || r->dst.addr.n == 16 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK);
	rtnl_route_set_type(nl, RTN_UNICAST);
	if (r->fixed && !r->before)
		rtnl_route_set_priority(nl, ROUTING_METRIC_FIXED);
	else if (r->dst.addr.n == 16)
		rtnl_route_set_priority(nl, ROUTING_METRIC_IPV6);
	if (r->mtu)
		rtnl_route_set_metric(nl, RTAX_MTU, r->mtu);
	if (!fill_nexthop(nl, r) || (r->src.n && !set_source(nl, &r->src))) {
		rtnl_route_put(nl);
		return NULL;
	}
	return nl;
}

/* libnl speaks its own error numbers; the contract is errno. */
static int
to_errno(int nlerr)
{
	static const struct {
		int nl, sys;
	} map[] = { { NLE_EXIST, EEXIST }, { NLE_OBJ_NOTFOUND, ENOENT }, { NLE_NOMEM, ENOMEM }, { NLE_PERM, EPERM }, { NLE_NOACCESS, EACCES },
		{ NLE_NODEV, ENODEV }, { NLE_BUSY, EBUSY }, { NLE_INVAL, EINVAL }, { NLE_RANGE, ERANGE } };

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
		if (nlerr == -map[i].nl)
			return -map[i].sys;
	}
	return nlerr < 0 ? -EIO : 0;
}

/* Ours with the same prefix, wherever it points. */
static int
route_del(struct rib *rib, const struct rib_route *r)
{
	struct kernel_rib *k = (struct kernel_rib *)rib;
	struct rib_route any = { .dst = r->dst, .ifindex = r->ifindex, .fixed = r->fixed, .before = r->before, .kind = r->kind };
	struct rtnl_route *nl = nl_route(k, &any);
	int e;

	if (!nl)
		return -ENOMEM;
	rtnl_route_set_scope(nl, RT_SCOPE_NOWHERE);	/* any */
	e = to_errno(rtnl_route_delete(k->ask, nl, 0));
	rtnl_route_put(nl);
	return e == -ENOENT || e == -ESRCH || e == -ENODEV ? 0 : e;
}

static int
route_set(struct rib *rib, const struct rib_route *r)
{
	struct kernel_rib *k = (struct kernel_rib *)rib;
	struct rtnl_route *nl;
	int e;

	if ((e = route_del(rib, r)) < 0)	/* an older one of ours, perhaps by another gateway */
		return e;
	if (!(nl = nl_route(k, r)))
		return -ENOMEM;
	e = to_errno(rtnl_route_add(k->ask, nl, NLM_F_CREATE));
	rtnl_route_put(nl);
	return e == -EEXIST ? 0 : e;
}

/* By nothing but destination and protocol: a route that uses a nexthop object may not be named by its gateway. */
int
rib_kernel_forget(struct rib *rib, const struct prefix *dst)
{
	struct kernel_rib *k = (struct kernel_rib *)rib;
	struct rtnl_route *nl = rtnl_route_alloc();
	struct nl_addr *to = nl_of(dst);
	int e = -ENOMEM;

	if (nl && to && rtnl_route_set_dst(nl, to) == 0) {
		rtnl_route_set_family(nl, dst->addr.n == 4 ? AF_INET : AF_INET6);
		rtnl_route_set_table(nl, RT_TABLE_MAIN);
		rtnl_route_set_protocol(nl, ROUTING_PROTO_ZEBRA);
		rtnl_route_set_scope(nl, RT_SCOPE_NOWHERE);
		rtnl_route_set_type(nl, RTN_UNICAST);
		e = to_errno(rtnl_route_delete(k->ask, nl, 0));
	}
	nl_addr_put(to);
	rtnl_route_put(nl);
	return e == -ENOENT || e == -ESRCH ? 0 : e;
}

bool
rib_kernel_told(const struct rib *rib, const struct prefix *dst)
{
	const struct kernel_rib *k = (const struct kernel_rib *)rib;
	const struct entry *e = trie_get(&k->routes, dst);

	return e && e->is_told;
}

enum { FLUSH_ROUND = 64 };
struct flush {
	struct kernel_rib *k;
	bool (*stays)(void *ctx, const struct prefix *);	/* NULL: not the guards, but all others of ours */
	void *ctx;
	struct rtnl_route *found[FLUSH_ROUND];
	unsigned n;
};

static bool
is_flushed(const struct flush *f, struct rtnl_route *r)
{
	uint8_t proto = rtnl_route_get_protocol(r);
	struct prefix dst;

	if (!f->stays)
		return proto == ROUTING_PROTO || proto == ROUTING_PROTO_FIXED;
	return proto == ROUTING_PROTO_GUARD && dst_of(r, &dst) && !f->stays(f->ctx, &dst);
}

static int
on_flush(struct nl_msg *msg, void *arg)
{
	struct flush *f = arg;
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct rtnl_route *r;

	if (f->n == FLUSH_ROUND || h->nlmsg_type != RTM_NEWROUTE || rtnl_route_parse(h, &r) < 0)
		return NL_OK;
	if (is_flushed(f, r) && !(rtnl_route_get_flags(r) & RTM_F_CLONED))
		f->found[f->n++] = r;
	else
		rtnl_route_put(r);
	return NL_OK;
}

/* In rounds, because deleting while the dump runs would confuse it. Stops when a round removes nothing. */
static int
flush_rounds(struct kernel_rib *k, struct flush *f)
{
	struct rtmsg any = { .rtm_family = AF_UNSPEC };
	int e, removed;

	do {
		f->n = 0;
		removed = 0;
		nl_socket_modify_cb(k->ask, NL_CB_VALID, NL_CB_CUSTOM, on_flush, f);
		e = nl_send_simple(k->ask, RTM_GETROUTE, NLM_F_DUMP, &any, sizeof(any));
		if (e >= 0)
			e = nl_recvmsgs_default(k->ask);
		nl_socket_modify_cb(k->ask, NL_CB_VALID, NL_CB_DEFAULT, NULL, NULL);
		for (unsigned i = 0; i < f->n; i++) {
			removed += rtnl_route_delete(k->ask, f->found[i], 0) == 0;
			rtnl_route_put(f->found[i]);
		}
	} while (e >= 0 && removed);
	return to_errno(e);
}

static int
flush(struct rib *rib)
{
	struct flush f = { .k = (struct kernel_rib *)rib };

	return flush_rounds(f.k, &f);
}

static int
sweep(struct rib *rib, bool (*stays)(void *ctx, const struct prefix *), void *ctx)
{
	struct flush f = { .k = (struct kernel_rib *)rib, .stays = stays, .ctx = ctx };

	return flush_rounds(f.k, &f);
}

static void
free_entry(void *ctx, const struct prefix *p, void *val)
{
	struct kernel_rib *k = ctx;
	struct entry *e = val;
	struct known *n;

	(void)p;
	while ((n = e->first)) {
		e->first = n->next;
		env_free(k->host->env, n);
	}
	env_free(k->host->env, e);
}

static void
kernel_free(struct rib *rib)
{
	struct kernel_rib *k = (struct kernel_rib *)rib;

	k->host->unwatch(k->host->ctx, k->watch);
	k->host->unwatch(k->host->ctx, k->read_watch);
	k->host->unwatch(k->host->ctx, k->timer);
	walk_all(k, free_entry, k);
	trie_fini(&k->routes);
	nl_socket_free(k->ask);
	nl_socket_free(k->listen);
	nl_socket_free(k->read);
	env_free(k->host->env, k);
}

static const struct rib_ops kernel_ops = { route_set, route_del, flush, sweep, kernel_free };

static struct nl_sock *
open_socket(void)
{
	struct nl_sock *s = nl_socket_alloc();

	if (s && nl_connect(s, NETLINK_ROUTE) < 0) {
		nl_socket_free(s);
		return NULL;
	}
	return s;
}

static bool
open_sockets(struct kernel_rib *k)
{
	int room = LISTEN_OCTETS;

	if (!(k->ask = open_socket()) || !(k->listen = open_socket()) || !(k->read = open_socket()))
		return false;
	nl_socket_set_buffer_size(k->listen, 1 << 20, 0);
	setsockopt(nl_socket_get_fd(k->listen), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	if (nl_socket_add_memberships(k->listen, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_LINK,
	        RTNLGRP_IPV4_IFADDR, 0) < 0 || nl_socket_set_nonblocking(k->listen) < 0)
		return false;
	k->watch = k->host->watch(k->host->ctx, nl_socket_get_fd(k->listen), on_news, k);
	k->read_watch = k->host->watch(k->host->ctx, nl_socket_get_fd(k->read), on_table, k);
	return k->watch && k->read_watch;
}

static struct rib *
new(const struct host *host, uint32_t table, rib_event_fn *fn, void *ctx, char *err, size_t errlen)
{
	struct kernel_rib *k = env_alloc(host->env, sizeof(*k));

	if (!k) {
		snprintf(err, errlen, "out of memory");
		return NULL;
	}
	k->rib.ops = &kernel_ops;
	k->host = host;
	k->table = table;
	k->fn = fn;
	k->ctx = ctx;
	trie_init(&k->routes, host->env);
	list_init(&k->seen);
	if (!open_sockets(k)) {
		snprintf(err, errlen, "cannot open a netlink route socket: %s", strerror(errno));
		kernel_free(&k->rib);
		return NULL;
	}
	return &k->rib;
}

struct rib *
rib_kernel_new(const struct host *host, rib_event_fn *fn, void *ctx, char *err, size_t errlen)
{
	return new(host, RT_TABLE_MAIN, fn, ctx, err, errlen);
}

struct rib *
rib_kernel_vrf_new(const struct host *host, const char *vrf, rib_event_fn *fn, void *ctx, char *err, size_t errlen)
{
	struct nl_sock *s = open_socket();
	struct rtnl_link *link = NULL;
	uint32_t table = 0;

	if (s && rtnl_link_get_kernel(s, 0, vrf, &link) == 0 && rtnl_link_is_vrf(link))
		rtnl_link_vrf_get_tableid(link, &table);
	if (link)
		rtnl_link_put(link);
	nl_socket_free(s);
	if (table)
		return new(host, table, fn, ctx, err, errlen);
	snprintf(err, errlen, "there is no VRF %s: ip link add %s type vrf table NUMBER", vrf, vrf);
	return NULL;
}

void
rib_kernel_start(struct rib *rib)
{
	struct kernel_rib *k = (struct kernel_rib *)rib;
	struct rib_event ev = { .kind = RIB_EV_READY };

	read_all(k);
	k->fn(k->ctx, &ev);
}

static void
tell_again(void *ctx, const struct prefix *p, void *val)
{
	struct kernel_rib *k = ctx;
	struct entry *e = val;
	struct rib_event ev = { .kind = RIB_EV_ROUTE, .route = e->told };

	(void)p;
	if (e->is_told)
		k->fn(k->ctx, &ev);
}

void
rib_kernel_again(struct rib *rib)
{
	struct kernel_rib *k = (struct kernel_rib *)rib;
	struct rib_event ev = { .kind = RIB_EV_READY };

	walk_all(k, tell_again, k);
	k->fn(k->ctx, &ev);
}
