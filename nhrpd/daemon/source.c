#include "nhrpd/daemon/source.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct followed {
	uint32_t tunnel;
	char ifname[IF_NAMESIZE];
	uint8_t family;
	struct addr now;
	bool told;
};

struct source {
	const struct host *host;
	source_fn *fn;
	void *ctx;
	struct nl_sock *ask, *listen;
	struct host_watch *watch;
	struct followed of[SOURCES_MAX];
	unsigned n;
	struct nl_cache *addrs;
};

/* What an address is worth as a tunnel source; 0: nothing. The one in use keeps its place whatever else the interface gets
 * (the kernel lists a new IPv6 address first), unless it is being phased out (renumbering) and another is not. */
static int
worth(const struct followed *f, struct rtnl_addr *a, struct addr *out)
{
	unsigned flags = rtnl_addr_get_flags(a);
	struct nl_addr *l = rtnl_addr_get_local(a);

	if (!l || nl_addr_get_len(l) != f->family || rtnl_addr_get_scope(a) != RT_SCOPE_UNIVERSE)
		return 0;
	if (flags & (IFA_F_TENTATIVE | IFA_F_SECONDARY | IFA_F_DADFAILED))
		return 0;
	*out = addr_of(nl_addr_get_binary_addr(l), f->family);
	return 1 + 2 * !(flags & IFA_F_DEPRECATED) + addr_eq(out, &f->now);
}

/* The best address of the interface; the first of equals, as the kernel lists them. */
static struct addr
find(struct source *s, const struct followed *f)
{
	int ifindex = (int)if_nametoindex(f->ifname), best = 0;
	struct addr found = { 0 }, a;

	for (struct nl_object *o = nl_cache_get_first(s->addrs); o && ifindex; o = nl_cache_get_next(o)) {
		int v = rtnl_addr_get_ifindex((struct rtnl_addr *)o) == ifindex ? worth(f, (struct rtnl_addr *)o, &a) : 0;

		if (v > best) {
			best = v;
			found = a;
		}
	}
	return found;
}

static void
check(struct source *s, struct followed *f)
{
	struct addr a = find(s, f);

	if (f->told && addr_eq(&a, &f->now))
		return;
	f->now = a;
	f->told = true;
	s->fn(s->ctx, f->tunnel, &f->now);
}

static void
on_change(void *arg)
{
	struct source *s = arg;

	while (nl_recvmsgs_default(s->listen) >= 0)
		;
	if (nl_cache_refill(s->ask, s->addrs) < 0)
		return;
	for (unsigned i = 0; i < s->n; i++)
		check(s, &s->of[i]);
}

static int
ignore(struct nl_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
	return NL_OK;
}

static bool
open_sockets(struct source *s)
{
	s->ask = nl_socket_alloc();
	s->listen = nl_socket_alloc();
	if (!s->ask || !s->listen || nl_connect(s->ask, NETLINK_ROUTE) < 0 || nl_connect(s->listen, NETLINK_ROUTE) < 0)
		return false;
	nl_socket_disable_seq_check(s->listen);
	nl_socket_modify_cb(s->listen, NL_CB_VALID, NL_CB_CUSTOM, ignore, NULL);
	if (nl_socket_set_nonblocking(s->listen) < 0 ||
	    nl_socket_add_memberships(s->listen, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_LINK, 0) < 0 ||
	    rtnl_addr_alloc_cache(s->ask, &s->addrs) < 0)
		return false;
	s->watch = s->host->watch(s->host->ctx, nl_socket_get_fd(s->listen), on_change, s);
	if (!s->watch)
		errno = ENOMEM;
	return s->watch != NULL;
}

struct source *
source_new(const struct host *host, source_fn *fn, void *ctx, char *err, size_t errlen)
{
	struct source *s = env_alloc(host->env, sizeof(*s));

	if (!s) {
		snprintf(err, errlen, "out of memory");
		return NULL;
	}
	*s = (struct source){ .host = host, .fn = fn, .ctx = ctx };
	if (open_sockets(s))
		return s;
	snprintf(err, errlen, "cannot open a netlink address socket: %s", strerror(errno));
	source_free(s);
	return NULL;
}

void
source_free(struct source *s)
{
	if (!s)
		return;
	s->host->unwatch(s->host->ctx, s->watch);
	if (s->addrs)
		nl_cache_free(s->addrs);
	nl_socket_free(s->ask);
	nl_socket_free(s->listen);
	env_free(s->host->env, s);
}

bool
source_follow(struct source *s, uint32_t tunnel, const char *ifname, uint8_t family)
{
	struct followed *f;

	if (s->n == SOURCES_MAX)
		return false;
	f = &s->of[s->n++];
	*f = (struct followed){ .tunnel = tunnel, .family = family };
	strncpy(f->ifname, ifname, sizeof(f->ifname) - 1);
	check(s, f);
	return true;
}

void
source_forget(struct source *s, uint32_t tunnel)
{
	for (unsigned i = 0; i < s->n; i++) {
		if (s->of[i].tunnel == tunnel)
			s->of[i--] = s->of[--s->n];
	}
}
