/* mgre/link.h: the interface as the kernel sees it, by netlink: set up, addresses, neighbours, and being told of changes. */
#ifndef MGRE_LINK_H
#define MGRE_LINK_H

#include "lib/addr.h"
#include "mgre/tap.h"

struct nl_sock;

struct link_nl {
	struct nl_sock *ask;	/* requests */
	int news;	/* file descriptor: changes of interfaces, to be read with link_news() */
};

struct link_change {
	unsigned ifindex;
	bool up, gone;
};
typedef void link_fn(void *ctx, const struct link_change *c);

bool	link_open(struct link_nl *l, char *err, size_t errlen);
void	link_close(struct link_nl *l);
unsigned link_index(const char *name);	/* 0: no such interface */
/* All answer 0 or a negative errno. */
int	link_setup(struct link_nl *l, unsigned ifindex, const uint8_t mac[static TAP_MAC], unsigned mtu); /* ARP off, queue length, up */
/* Into the VRF of that name; 0 or a negative errno: -ENODEV where there is none. */
int	link_into(struct link_nl *l, unsigned ifindex, const char *vrf);
bool	link_vrf(struct link_nl *l, const char *vrf, unsigned *ifindex, uint32_t *table);	/* false: there is no such VRF */
int	link_mtu(struct link_nl *l, unsigned ifindex, unsigned mtu);
int	link_addr(struct link_nl *l, unsigned ifindex, const struct prefix *a, bool add);
int	link_neigh(struct link_nl *l, unsigned ifindex, const struct addr *a, const uint8_t mac[static TAP_MAC]);	/* permanent */
int	link_neigh_del(struct link_nl *l, unsigned ifindex, const struct addr *a);
bool	link_source_for(const struct addr *dst, struct addr *out);	/* what this host would speak to dst from; false: there is no way */
unsigned link_mtu_of_address(const struct addr *a);	/* of the interface that owns it; 0 none */
bool	link_get(unsigned ifindex, bool *up, unsigned *mtu);
void	link_news(struct link_nl *l, link_fn *fn, void *ctx);

#endif
