#include "config.h"

#include "mgre/link.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netlink/errno.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/vrf.h>
#include <netlink/route/neighbour.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TXQLEN = 1000 };

/* libnl has numbers of its own. */
static int
to_errno(int nle)
{
	switch (nle < 0 ? -nle : nle) {
	case 0:
		return 0;
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_PERM:
	case NLE_NOACCESS:
		return -EPERM;
	case NLE_EXIST:
		return -EEXIST;
	case NLE_OBJ_NOTFOUND:
	case NLE_NOADDR:
		return -ENOENT;
	case NLE_NODEV:
		return -ENODEV;
	case NLE_BUSY:
		return -EBUSY;
	case NLE_RANGE:
	case NLE_INVAL:
		return -EINVAL;
	case NLE_AF_NOSUPPORT:
	case NLE_OPNOTSUPP:
		return -EAFNOSUPPORT;
	default:
		return -EIO;
	}
}

static int
open_news(void)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd >= 0 && bind(fd, (struct sockaddr *)(void *)&a, sizeof(a)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

bool
link_open(struct link_nl *l, char *err, size_t errlen)
{
	int rc;

	l->news = -1;
	l->ask = nl_socket_alloc();
	rc = l->ask ? nl_connect(l->ask, NETLINK_ROUTE) : -NLE_NOMEM;
	if (rc < 0) {
		snprintf(err, errlen, "cannot open a netlink socket: %s", nl_geterror(rc));
		link_close(l);
		return false;
	}
	l->news = open_news();
	if (l->news < 0) {
		snprintf(err, errlen, "cannot listen to netlink: %s", strerror(errno));
		link_close(l);
		return false;
	}
	return true;
}

void
link_close(struct link_nl *l)
{
	if (l->ask)
		nl_socket_free(l->ask);
	l->ask = NULL;
	if (l->news >= 0)
		close(l->news);
	l->news = -1;
}

unsigned
link_index(const char *name)
{
	return if_nametoindex(name);
}

static int
change(struct link_nl *l, unsigned ifindex, struct rtnl_link *want)
{
	struct rtnl_link *which = rtnl_link_alloc();
	int rc = -NLE_NOMEM;

	if (which) {
		rtnl_link_set_ifindex(which, (int)ifindex);
		rc = rtnl_link_change(l->ask, which, want, 0);
		rtnl_link_put(which);
	}
	return to_errno(rc);
}

int
link_setup(struct link_nl *l, unsigned ifindex, const uint8_t mac[static TAP_MAC], unsigned mtu)
{
	struct rtnl_link *want = rtnl_link_alloc();
	struct nl_addr *ll = nl_addr_build(AF_LLC, mac, TAP_MAC);
	int rc = -ENOMEM;

	if (want && ll) {
		rtnl_link_set_addr(want, ll);
		rtnl_link_set_mtu(want, mtu);
		rtnl_link_set_txqlen(want, TXQLEN);
		rtnl_link_set_flags(want, IFF_NOARP);
		rc = change(l, ifindex, want);	/* before it is up: no neighbour is ever asked for by ARP */
		rtnl_link_set_flags(want, IFF_UP);
		if (rc == 0)
			rc = change(l, ifindex, want);
	}
	if (ll)
		nl_addr_put(ll);
	if (want)
		rtnl_link_put(want);
	return rc;
}

bool
link_vrf(struct link_nl *l, const char *vrf, unsigned *ifindex, uint32_t *table)
{
	struct rtnl_link *link = NULL;
	bool ok = rtnl_link_get_kernel(l->ask, 0, vrf, &link) == 0 && rtnl_link_is_vrf(link) && rtnl_link_vrf_get_tableid(link, table) == 0;

	if (ok)
		*ifindex = (unsigned)rtnl_link_get_ifindex(link);
	if (link)
		rtnl_link_put(link);
	return ok;
}

int
link_into(struct link_nl *l, unsigned ifindex, const char *vrf)
{
	unsigned master;
	uint32_t table;

	return link_vrf(l, vrf, &master, &table) ? to_errno(rtnl_link_enslave_ifindex(l->ask, (int)master, (int)ifindex)) : -ENODEV;
}

int
link_mtu(struct link_nl *l, unsigned ifindex, unsigned mtu)
{
	struct rtnl_link *want = rtnl_link_alloc();
	int rc = -ENOMEM;

	if (want) {
		rtnl_link_set_mtu(want, mtu);
		rc = change(l, ifindex, want);
		rtnl_link_put(want);
	}
	return rc;
}

static struct nl_addr *
to_nl(const struct addr *a)
{
	return nl_addr_build(a->n == 16 ? AF_INET6 : AF_INET, a->b, a->n);
}

int
link_addr(struct link_nl *l, unsigned ifindex, const struct prefix *p, bool add)
{
	struct rtnl_addr *ra = rtnl_addr_alloc();
	struct nl_addr *local = to_nl(&p->addr);
	int rc = -NLE_NOMEM;

	if (ra && local) {
		nl_addr_set_prefixlen(local, p->bits);
		rtnl_addr_set_ifindex(ra, (int)ifindex);
		rtnl_addr_set_local(ra, local);
		if (p->addr.n == 16)
			rtnl_addr_set_flags(ra, IFA_F_NODAD);
		rc = add ? rtnl_addr_add(l->ask, ra, 0) : rtnl_addr_delete(l->ask, ra, 0);
	}
	if (local)
		nl_addr_put(local);
	if (ra)
		rtnl_addr_put(ra);
	if ((add && rc == -NLE_EXIST) || (!add && (rc == -NLE_NOADDR || rc == -NLE_OBJ_NOTFOUND || rc == -NLE_NODEV)))
		return 0;
	return to_errno(rc);
}

static int
neigh(struct link_nl *l, unsigned ifindex, const struct addr *a, const uint8_t *mac)
{
	struct rtnl_neigh *rn = rtnl_neigh_alloc();
	struct nl_addr *dst = to_nl(a), *ll = mac ? nl_addr_build(AF_LLC, mac, TAP_MAC) : NULL;
	int rc = -NLE_NOMEM;

	if (rn && dst && (ll || !mac)) {
		rtnl_neigh_set_ifindex(rn, (int)ifindex);
		rtnl_neigh_set_dst(rn, dst);
		if (mac) {
			rtnl_neigh_set_lladdr(rn, ll);
			rtnl_neigh_set_state(rn, NUD_PERMANENT);
			rc = rtnl_neigh_add(l->ask, rn, NLM_F_CREATE | NLM_F_REPLACE);
		} else {
			rc = rtnl_neigh_delete(l->ask, rn, 0);
		}
	}
	if (ll)
		nl_addr_put(ll);
	if (dst)
		nl_addr_put(dst);
	if (rn)
		rtnl_neigh_put(rn);
	return to_errno(rc);
}

int
link_neigh(struct link_nl *l, unsigned ifindex, const struct addr *a, const uint8_t mac[static TAP_MAC])
{
	return neigh(l, ifindex, a, mac);
}

int
link_neigh_del(struct link_nl *l, unsigned ifindex, const struct addr *a)
{
	int rc = neigh(l, ifindex, a, NULL);

	return rc == -ENOENT || rc == -ENODEV ? 0 : rc;
}

static bool
sockaddr_is(const struct sockaddr *sa, const struct addr *a)
{
	if (!sa)
		return false;
	if (sa->sa_family == AF_INET && a->n == 4)
		return memcmp(&((const struct sockaddr_in *)(const void *)sa)->sin_addr, a->b, 4) == 0;
	return sa->sa_family == AF_INET6 && a->n == 16 &&
	       memcmp(&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, a->b, 16) == 0;
}

bool
link_source_for(const struct addr *dst, struct addr *out)
{
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6, .sin6_port = htons(9) }, from = { .sin6_family = 0 };
	struct sockaddr_in to4 = { .sin_family = AF_INET, .sin_port = htons(9) };
	bool v6 = dst->n == 16;
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t n = sizeof(from);

	memcpy(&to4.sin_addr, dst->b, 4);
	memcpy(&to6.sin6_addr, dst->b, 16);
	*out = (struct addr){ 0 };
	if (fd >= 0 && connect(fd, v6 ? (void *)&to6 : (void *)&to4, v6 ? sizeof(to6) : sizeof(to4)) == 0 &&
	    getsockname(fd, (void *)&from, &n) == 0)
		*out = v6 ? addr_of(&from.sin6_addr, 16) : addr_of(&((struct sockaddr_in *)(void *)&from)->sin_addr, 4);
	if (fd >= 0)
		close(fd);
	return out->n != 0 && !addr_is_zero(out);
}

unsigned
link_mtu_of_address(const struct addr *a)
{
	struct ifaddrs *all, *i;
	unsigned mtu = 0;
	bool up;

	if (getifaddrs(&all) != 0)
		return 0;
	for (i = all; i; i = i->ifa_next)
		if (sockaddr_is(i->ifa_addr, a) && link_get(if_nametoindex(i->ifa_name), &up, &mtu))
			break;
	freeifaddrs(all);
	return mtu;
}

bool
link_get(unsigned ifindex, bool *up, unsigned *mtu)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr;
	bool ok;

	memset(&ifr, 0, sizeof(ifr));
	ok = fd >= 0 && if_indextoname(ifindex, ifr.ifr_name) && ioctl(fd, SIOCGIFFLAGS, &ifr) == 0;
	if (ok) {
		*up = ifr.ifr_flags & IFF_UP;
		ok = ioctl(fd, SIOCGIFMTU, &ifr) == 0;
		*mtu = ok ? (unsigned)ifr.ifr_mtu : 0;
	}
	if (fd >= 0)
		close(fd);
	return ok;
}

void
link_news(struct link_nl *l, link_fn *fn, void *ctx)
{
	_Alignas(NLMSG_ALIGNTO) uint8_t buf[32768];
	ssize_t got;

	while ((got = recv(l->news, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		size_t left = (size_t)got;

		for (struct nlmsghdr *h = (struct nlmsghdr *)(void *)buf; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
			const struct ifinfomsg *ifi = NLMSG_DATA(h);

			if ((h->nlmsg_type != RTM_NEWLINK && h->nlmsg_type != RTM_DELLINK) || h->nlmsg_len < NLMSG_LENGTH(sizeof(*ifi)))
				continue;
			fn(ctx, &(struct link_change){ (unsigned)ifi->ifi_index, ifi->ifi_flags & IFF_UP, h->nlmsg_type == RTM_DELLINK });
		}
	}
}
