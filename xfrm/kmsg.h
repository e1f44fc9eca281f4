/* xfrm/kmsg.h: messages of the kernel's XFRM interface: states and policies of one tunnel or peer to struct nl_msg, and back. */
#ifndef XFRM_KMSG_H
#define XFRM_KMSG_H

#include <linux/xfrm.h>
#include <netlink/msg.h>

#include "lib/dplane.h"

/* Ours are known by these, also after a restart. The peer's number fits below: DP_PEERS_MAX, CORE_TUNNELS_MAX. */
enum {
	KMSG_REQID_TUNNEL = 0x0e000000,	/* + tunnel: states of peers that have an address of their own */
	KMSG_REQID_PEER = 0x0d000000,	/* + (tunnel - 1) << 20 + peer: the others */
	KMSG_PRIO_NEVER = 0x4d56e000, KMSG_PRIO_PEER = 0x4d56e100, KMSG_PRIO_TUNNEL = 0x4d56e200, KMSG_PRIO_BLOCK = 0x4d56e300,	/* lower goes first */
};
bool	kmsg_reqid_ours(uint32_t reqid);
bool	kmsg_priority_ours(uint32_t priority);
uint32_t kmsg_policy_reqid(struct nlmsghdr *newpolicy);	/* of its template; 0: it has none */
struct endpoint kmsg_state_remote(struct nlmsghdr *newsa);	/* where packets of an outbound state go; port 0 without encapsulation */

/* Which GRE packets a policy or state is for. An address without octets is any, of family `v6`. */
struct kmsg_sel {
	struct addr src, dst;
	bool v6, has_key;
	uint32_t key;
};

struct kmsg_algs {	/* attributes of a state, ready made: of dp_sa's keys, or as the kernel told them */
	_Alignas(8) uint8_t aead[sizeof(struct xfrm_algo_aead) + DP_KEY_MAX], crypt[sizeof(struct xfrm_algo) + DP_KEY_MAX],
	    auth[sizeof(struct xfrm_algo_auth) + DP_KEY_MAX];
	size_t aead_n, crypt_n, auth_n;	/* 0: none */
	_Alignas(8) uint8_t replay[sizeof(struct xfrm_replay_state_esn) + 512];
	size_t replay_n;
};
bool	kmsg_algs_of(const struct dp_sa *sa, bool out, struct kmsg_algs *a);	/* false: the kernel has no name for it */
bool	kmsg_algs_read(struct nlmsghdr *newsa, struct kmsg_algs *a);
void	kmsg_algs_skip(struct kmsg_algs *a, uint32_t n);	/* n numbers of outbound packets are left out */
void	kmsg_algs_wipe(struct kmsg_algs *a);

struct kmsg_state {
	bool out;
	struct endpoint local, remote;	/* outer */
	uint32_t spi, reqid;
	bool encap, esn, beet;
	struct addr inner_local, inner_remote;	/* beet: the addresses of the packet inside */
	struct dp_life life;
	const struct kmsg_algs *algs;
};
/* NULL without memory. */
struct nl_msg *kmsg_state_add(const struct kmsg_state *s);
struct nl_msg *kmsg_state_del(const struct kmsg_state *s);
struct nl_msg *kmsg_state_get(const struct kmsg_state *s);
struct nl_msg *kmsg_state_dump(void);
struct nl_msg *kmsg_policy_dump(void);

enum kmsg_policy { KMSG_BLOCK, KMSG_TUNNEL, KMSG_PEER, KMSG_NEVER /* a block that goes before all */ };
struct nl_msg *kmsg_policy_set(enum kmsg_policy kind, bool out, const struct kmsg_sel *sel, uint32_t reqid, const struct addr *local,
    const struct addr *remote /* KMSG_PEER: outer */);
struct nl_msg *kmsg_policy_del(bool out, const struct kmsg_sel *sel);

struct addr kmsg_addr(const xfrm_address_t *a, unsigned family);

#endif
