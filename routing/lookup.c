#include "routing/lookup.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/nlq.h"

static uint8_t
family_of(const struct addr *a)
{
	return a->n == 4 ? AF_INET : AF_INET6;
}

static struct addr
addr_at(const struct nlattr *a)
{
	int n = a ? nla_len(a) : 0;

	return n == 4 || n == 16 ? addr_of(nla_data(a), (uint8_t)n) : (struct addr){ .n = 0 };
}

static uint32_t
number_at(const struct nlattr *a)
{
	return a && nla_len(a) >= (int)sizeof(uint32_t) ? nla_get_u32(a) : 0;
}

/* One of several next hops: the first stands for all. */
static const struct nlattr *
gateway(struct nlattr *const tb[], uint32_t *ifindex)
{
	const struct rtnexthop *h = tb[RTA_MULTIPATH] ? nla_data(tb[RTA_MULTIPATH]) : NULL;

	*ifindex = number_at(tb[RTA_OIF]);
	if (!h || nla_len(tb[RTA_MULTIPATH]) < (int)sizeof(*h) || h->rtnh_len < sizeof(*h) || h->rtnh_len > nla_len(tb[RTA_MULTIPATH]))
		return tb[RTA_GATEWAY];
	*ifindex = (uint32_t)h->rtnh_ifindex;
	return nla_find((const struct nlattr *)(const void *)(h + 1), h->rtnh_len - (int)sizeof(*h), RTA_GATEWAY);
}

static void
on_route(void *ctx, struct nlmsghdr *h)
{
	struct route_answer *out = ctx;
	struct nlattr *tb[RTA_MAX + 1], *metrics[RTAX_MAX + 1] = { 0 };
	const struct rtmsg *rt = nlmsg_data(h);

	if (h->nlmsg_type != RTM_NEWROUTE || nlmsg_parse(h, sizeof(*rt), tb, RTA_MAX, NULL) < 0)
		return;
	out->error = 0;
	out->protocol = rt->rtm_protocol;
	out->route.kind = rt->rtm_type == RTN_LOCAL ? RIB_LOCAL : rt->rtm_type == RTN_UNICAST ? RIB_UNICAST : RIB_REJECT;
	out->route.via = addr_at(gateway(tb, &out->route.ifindex));
	out->route.metric = number_at(tb[RTA_PRIORITY]);
	if (tb[RTA_DST])
		out->route.dst.addr = addr_at(tb[RTA_DST]);
	out->route.dst.bits = rt->rtm_dst_len;
	if (tb[RTA_PREFSRC])
		out->src = addr_at(tb[RTA_PREFSRC]);
	if (tb[RTA_METRICS] && nla_parse_nested(metrics, RTAX_MAX, tb[RTA_METRICS], NULL) == 0)
		out->route.mtu = number_at(metrics[RTAX_MTU]);
}

/* fibmatch: the entry of the table; without it: what it comes to for this address, with the source. */
static int
ask(struct nlq *q, const struct addr *to, unsigned flags, struct route_answer *out)
{
	struct rtmsg rt = { .rtm_family = family_of(to), .rtm_dst_len = (uint8_t)(to->n * 8), .rtm_flags = flags };
	struct nl_msg *msg = nlq_msg(RTM_GETROUTE, 0, &rt, sizeof(rt));

	if (msg && nla_put(msg, RTA_DST, to->n, to->b) < 0) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return nlq_get(q, msg, on_route, out);
}

static void
about_link(struct route_answer *out)
{
	struct ifreq ifr = { 0 };
	int fd;

	if (!out->route.ifindex || !if_indextoname(out->route.ifindex, out->name))
		return;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", out->name);
	if (fd >= 0 && ioctl(fd, SIOCGIFMTU, &ifr) == 0)
		out->link_mtu = (unsigned)ifr.ifr_mtu;
	if (fd >= 0)
		close(fd);
}

void
route_lookup(const struct addr *to, struct route_answer *out)
{
	struct route_answer resolved = { .error = -EIO };
	char why[128];
	struct nlq q;

	*out = (struct route_answer){ .error = EIO, .route.dst.addr = { .n = to->n } };	/* a default route names no destination */
	if (!nlq_open(&q, NETLINK_ROUTE, why, sizeof(why)))
		return;
	out->error = -ask(&q, to, RTM_F_LOOKUP_TABLE | RTM_F_FIB_MATCH, out);
	if (out->error == 0 && ask(&q, to, RTM_F_LOOKUP_TABLE, &resolved) == 0)
		out->src = resolved.src;
	nlq_close(&q);
	about_link(out);
}

struct neigh_answer {
	bool usable;
};

static void
on_neigh(void *ctx, struct nlmsghdr *h)
{
	const struct ndmsg *nd = nlmsg_data(h);
	struct neigh_answer *out = ctx;

	if (h->nlmsg_type == RTM_NEWNEIGH && h->nlmsg_len >= NLMSG_LENGTH(sizeof(*nd)))
		out->usable = (nd->ndm_state & (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE)) != 0;
}

int
neigh_lookup(uint32_t ifindex, const struct addr *hop)
{
	struct ndmsg nd = { .ndm_family = family_of(hop), .ndm_ifindex = (int)ifindex };
	struct nl_msg *msg = nlq_msg(RTM_GETNEIGH, 0, &nd, sizeof(nd));
	struct neigh_answer a = { false };
	char why[128];
	struct nlq q;
	int error;

	if (!nlq_open(&q, NETLINK_ROUTE, why, sizeof(why))) {
		nlmsg_free(msg);
		return -EIO;
	}
	if (msg && nla_put(msg, NDA_DST, hop->n, hop->b) < 0) {
		nlmsg_free(msg);
		msg = NULL;
	}
	error = nlq_get(&q, msg, on_neigh, &a);
	nlq_close(&q);
	return error == -ENOENT ? 0 : error < 0 ? error : a.usable;
}
