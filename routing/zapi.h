/* routing/zapi.h: messages of FRRouting's zserv protocol, octets <-> structs, and what each release of FRR does differently.
 *
 * Pure: no socket, no state. A message is a header of 10 octets (struct zapi_frame) and a body. Numbers of commands and
 * layouts of bodies change from release to release while the protocol's version stays 6, so whoever reads or writes a body names the
 * release: a row of zapi_versions[]. A reader takes a body only if its row's layout uses it up exactly; that is how the
 * client finds out which of several releases it talks to. */
#ifndef ROUTING_ZAPI_H
#define ROUTING_ZAPI_H

#include "lib/addr.h"

enum { ZAPI_HEADER = 10, ZAPI_OCTETS_MAX = 16384, ZAPI_NEXTHOPS_MAX = 256, ZAPI_IFNAME = 20, ZAPI_VRF_DEFAULT = 0 };

enum zapi_cmd {
	ZAPI_INTERFACE_ADD, ZAPI_INTERFACE_DELETE, ZAPI_ADDRESS_ADD, ZAPI_ADDRESS_DELETE, ZAPI_INTERFACE_UP, ZAPI_INTERFACE_DOWN,
	ZAPI_ROUTE_ADD, ZAPI_ROUTE_DELETE, ZAPI_ROUTE_NOTE, ZAPI_REDISTRIBUTE_ADD, ZAPI_ROUTER_ID_ADD, ZAPI_ROUTER_ID, ZAPI_HELLO,
	ZAPI_CAPABILITIES, ZAPI_LEARNT_ADD, ZAPI_LEARNT_DELETE, ZAPI_VRF_ADD, ZAPI_VRF_DELETE, ZAPI_LINK_PARAMS, ZAPI_ERROR, ZAPI_NOTE_REQUEST,
	ZAPI_CLOSED, ZAPI_GRE_GET, ZAPI_GRE,
	ZAPI_NEXTHOP_REGISTER, ZAPI_NEXTHOP_UNREGISTER, ZAPI_NEXTHOP_UPDATE, ZAPI_BFD_UPDATE, ZAPI_BFD_REGISTER, ZAPI_BFD_DEREGISTER, ZAPI_BFD_REPLAY,
	ZAPI_BFD_CLIENT,
	ZAPI_CMDS	/* any other number */
};

struct zapi_version {
	const char *name;	/* "8.4" */
	uint8_t numbers;	/* which column of command numbers */
	uint8_t capabilities;	/* octets of that body */
	uint8_t ifname;	/* octets of an interface's name */
	bool hello_notify;	/* HELLO asks for notes; else ZAPI_NOTE_REQUEST does */
	bool link_params;	/* come behind every interface */
	bool txqlen, zif_type;	/* in interfaces */
	bool label_type, wide_weight;	/* in nexthops */
	bool note_source;	/* source prefix in notes */
	bool type_local;	/* route type `local` = 3 moves the later ones up */
};
/* Their names in the order of the table, as a choice of words. */
#define ZAPI_RELEASES "8.1|8.2|8.3|8.4|8.5|9.0|9.1|10.0|10.1|10.2|10.3|10.4|10.5|10.6|10.7"
extern const struct zapi_version zapi_versions[];
extern const unsigned zapi_n_versions;
int	zapi_version_of(const char *name);	/* index, or -1 */
uint16_t zapi_number(const struct zapi_version *v, enum zapi_cmd c);
enum zapi_cmd zapi_cmd_of(const struct zapi_version *v, uint16_t number);

/* Route types, by their place before 10.0. */
enum zapi_type {
	ZAPI_RT_SYSTEM, ZAPI_RT_KERNEL, ZAPI_RT_CONNECT, ZAPI_RT_STATIC, ZAPI_RT_RIP, ZAPI_RT_RIPNG, ZAPI_RT_OSPF, ZAPI_RT_OSPF6, ZAPI_RT_ISIS, ZAPI_RT_BGP,
	ZAPI_RT_PIM, ZAPI_RT_EIGRP, ZAPI_RT_NHRP, ZAPI_RT_OPENFABRIC = 26, ZAPI_RT_ALL = 30, ZAPI_RT_LOCAL = 100 /* only from 10.0 on */
};
uint8_t zapi_type_number(const struct zapi_version *v, unsigned type);
unsigned zapi_type_of(const struct zapi_version *v, uint8_t number);
const char *zapi_type_name(unsigned type);	/* "ospf"; "other" */

/* ---- framing */

struct zapi_frame {
	uint32_t vrf;
	uint16_t command;
	struct span body;
	size_t n;	/* octets of the whole message */
};
enum zapi_framing { ZAPI_WHOLE, ZAPI_MORE /* not complete yet */, ZAPI_BROKEN /* no message can begin like this: close */ };
enum zapi_framing zapi_frame(struct span in, struct zapi_frame *out);

/* ---- bodies. False: it is too short, too long, or says what cannot be. */

enum { ZAPI_IFF_UP = 1, ZAPI_IFF_RUNNING = 0x40 };
struct zapi_interface {
	char name[ZAPI_IFNAME + 1];
	uint32_t ifindex, mtu, mtu6, link_type;
	uint64_t flags;	/* IFF_* */
	uint8_t status;
};
bool	zapi_interface(const struct zapi_version *v, struct span body, struct zapi_interface *out);

struct zapi_address {
	uint32_t ifindex;
	uint8_t flags;
	struct prefix address;	/* host bits kept */
};
bool	zapi_address(struct span body, struct zapi_address *out);
bool	zapi_router_id(struct span body, struct prefix *out);
bool	zapi_error(struct span body, uint32_t *code);

struct zapi_capabilities {
	uint32_t vrf_backend, ecmp_max;
	uint8_t mpls;
};
bool	zapi_capabilities(const struct zapi_version *v, struct span body, struct zapi_capabilities *out);

enum zapi_note_kind { ZAPI_NOTE_FAILED, ZAPI_NOTE_BETTER, ZAPI_NOTE_INSTALLED, ZAPI_NOTE_REMOVED, ZAPI_NOTE_REMOVE_FAILED, ZAPI_NOTES };
struct zapi_note {
	enum zapi_note_kind kind;
	struct prefix dst;
	uint32_t table;
};
bool	zapi_note(const struct zapi_version *v, struct span body, struct zapi_note *out);

enum { ZAPI_RF_RECURSION = 0x01, ZAPI_RF_SELECTED = 0x08, ZAPI_RF_FIB_OVERRIDE = 0x10 };	/* route flags */
enum zapi_nexthop_type { ZAPI_NH_NONE, ZAPI_NH_IFINDEX, ZAPI_NH_IPV4, ZAPI_NH_IPV4_IFINDEX, ZAPI_NH_IPV6, ZAPI_NH_IPV6_IFINDEX, ZAPI_NH_BLACKHOLE };
struct zapi_nexthop {
	enum zapi_nexthop_type type;
	struct addr via;	/* none: on link */
	uint32_t ifindex;
	bool onlink;
};
struct zapi_route {
	unsigned type;	/* enum zapi_type, or another one of zebra's */
	uint16_t instance;
	uint32_t flags;
	struct prefix dst;
	bool source_too;	/* an IPv6 route that looks at the source: none of ours */
	unsigned n_nexthop;
	struct zapi_nexthop nexthop;	/* the first */
	bool has_distance, has_metric, has_tag, has_mtu;
	uint8_t distance;
	uint32_t metric, tag, mtu;
};
bool	zapi_route(const struct zapi_version *v, struct span body, struct zapi_route *out);

/* ---- watching: BFD sessions, which bfdd keeps, and next hops. zebra passes BFD on to some types of clients only, and NHRP is none of them. */

struct zapi_bfd {
	struct addr peer, local;
	char ifname[ZAPI_IFNAME];
	uint32_t min_rx_ms, min_tx_ms;
	uint8_t multiplier;
};
enum zapi_bfd_state { ZAPI_BFD_UNKNOWN = 1, ZAPI_BFD_DOWN = 2, ZAPI_BFD_UP = 4, ZAPI_BFD_ADMIN_DOWN = 8 };
struct zapi_bfd_change {
	uint32_t ifindex, state;	/* state: enum zapi_bfd_state */
	struct addr peer, local;
};
bool	zapi_bfd_change(struct span body, struct zapi_bfd_change *out);

struct zapi_tracked {
	struct addr what;	/* as it was asked for */
	struct prefix by;	/* the route that leads there */
	unsigned n_nexthop;	/* 0: none does */
	struct zapi_nexthop nexthop;	/* the first */
};
bool	zapi_tracked(const struct zapi_version *v, struct span body, struct zapi_tracked *out);

enum { ZAPI_VRF_NAME = 36 };
bool	zapi_vrf(struct span body, char name[static ZAPI_VRF_NAME + 1]);

/* ---- writing whole messages, all but the last three for the default VRF. What does not fit turns the writer bad. */

void	zapi_put_hello(struct wr *w, const struct zapi_version *v);
void	zapi_put_note_request(struct wr *w, const struct zapi_version *v);
void	zapi_put_interfaces(struct wr *w, const struct zapi_version *v);	/* tell all */
void	zapi_put_router_id(struct wr *w, const struct zapi_version *v, uint8_t afi);
void	zapi_put_redistribute(struct wr *w, const struct zapi_version *v, uint8_t afi);	/* routes of all types */
void	zapi_put_barrier(struct wr *w, const struct zapi_version *v);	/* its answer, ZAPI_GRE, comes behind those to all before */
/* type is always NHRP, with one nexthop. */
void	zapi_put_route(struct wr *w, const struct zapi_version *v, const struct zapi_route *r);
void	zapi_put_route_del(struct wr *w, const struct zapi_version *v, const struct prefix *dst);

/* A second session, which has no routes: of another type and instance, so that nobody's routes end with it. */
void	zapi_put_hello_watcher(struct wr *w, const struct zapi_version *v);
void	zapi_put_bfd_client(struct wr *w, const struct zapi_version *v, uint32_t pid);
void	zapi_put_bfd(struct wr *w, const struct zapi_version *v, uint32_t vrf, uint32_t pid, bool add, const struct zapi_bfd *b);	/* an existing one is changed */
bool	zapi_can_track(const struct zapi_version *v);
void	zapi_put_track(struct wr *w, const struct zapi_version *v, uint32_t vrf, bool add, const struct addr *what);

/* Which release? Unknown commands are answered with ERROR; 17 is unknown up to 9.x and does nothing later. The last question names a VRF that
 * is not there, by which its answer is known. Before HELLO. */
#define ZAPI_ASK_VRF 0xfffffffeu
void	zapi_put_questions(struct wr *w);
/* The number that ERROR had, and whether 17 was unknown too: releases as a mask by place in zapi_versions[]; 0: none we know. */
uint32_t zapi_guess(uint16_t error_number, bool seventeen_unknown);

#endif
