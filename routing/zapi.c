/* routing/zapi.c: see zapi.h. Every layout here was seen on the wire of zebra 8.4.4, or stands in the table of releases; no
 * integer is in the machine's order but notes and error codes, which zebra copies out of its memory (native32()). */
#include "routing/zapi.h"

enum { MARKER = 254, PROTOCOL = 6, UNKNOWN_COMMAND = 65535, ROUTER_ID_DELETE_10 = 17 };
enum { COL_81, COL_82, COL_91, COL_100, COL_102, COLS };

/* ---- releases */

#define UPTO_90 .hello_notify = true, .capabilities = 10
#define FROM_100 .type_local = true, .link_params = true, .label_type = true, .txqlen = true, .ifname = 16
const struct zapi_version zapi_versions[] = {
	{ "8.1", COL_81, .ifname = 20, UPTO_90 },
	{ "8.2", COL_82, .ifname = 20, UPTO_90 },
	{ "8.3", COL_82, .ifname = 16, UPTO_90 },
	{ "8.4", COL_82, .ifname = 16, UPTO_90 },
	{ "8.5", COL_82, .ifname = 16, UPTO_90, .link_params = true },
	{ "9.0", COL_82, .ifname = 16, UPTO_90, .link_params = true, .label_type = true },
	{ "9.1", COL_91, .ifname = 16, .link_params = true, .hello_notify = true, .capabilities = 11, .label_type = true, .txqlen = true },
	{ "10.0", COL_100, FROM_100, .capabilities = 11 },
	{ "10.1", COL_100, FROM_100, .capabilities = 11, .wide_weight = true },
	{ "10.2", COL_102, FROM_100, .capabilities = 12, .wide_weight = true },
	{ "10.3", COL_102, FROM_100, .capabilities = 12, .wide_weight = true, .note_source = true },
	{ "10.4", COL_102, FROM_100, .capabilities = 12, .wide_weight = true, .note_source = true },
	{ "10.5", COL_102, FROM_100, .capabilities = 12, .wide_weight = true, .note_source = true },
	{ "10.6", COL_102, FROM_100, .capabilities = 9, .wide_weight = true, .note_source = true, .zif_type = true },
	{ "10.7", COL_102, FROM_100, .capabilities = 9, .wide_weight = true, .note_source = true, .zif_type = true },
};
const unsigned zapi_n_versions = sizeof(zapi_versions) / sizeof(zapi_versions[0]);

static const uint8_t numbers[ZAPI_CMDS][COLS] = {
	[ZAPI_INTERFACE_ADD] = { 0, 0, 0, 0, 0 },
	[ZAPI_INTERFACE_DELETE] = { 1, 1, 1, 1, 1 },
	[ZAPI_ADDRESS_ADD] = { 2, 2, 2, 2, 2 },
	[ZAPI_ADDRESS_DELETE] = { 3, 3, 3, 3, 3 },
	[ZAPI_INTERFACE_UP] = { 4, 4, 4, 4, 4 },
	[ZAPI_INTERFACE_DOWN] = { 5, 5, 5, 5, 5 },
	[ZAPI_ROUTE_ADD] = { 8, 8, 8, 9, 9 },
	[ZAPI_ROUTE_DELETE] = { 9, 9, 9, 10, 10 },
	[ZAPI_ROUTE_NOTE] = { 10, 10, 10, 11, 11 },
	[ZAPI_REDISTRIBUTE_ADD] = { 11, 11, 11, 12, 12 },
	[ZAPI_ROUTER_ID_ADD] = { 15, 15, 15, 16, 16 },
	[ZAPI_ROUTER_ID] = { 17, 17, 17, 18, 18 },
	[ZAPI_HELLO] = { 18, 18, 18, 19, 19 },
	[ZAPI_CAPABILITIES] = { 19, 19, 19, 20, 20 },
	[ZAPI_LEARNT_ADD] = { 33, 30, 30, 31, 31 },
	[ZAPI_LEARNT_DELETE] = { 34, 31, 31, 32, 32 },
	[ZAPI_VRF_ADD] = { 36, 33, 33, 34, 33 },
	[ZAPI_VRF_DELETE] = { 37, 34, 34, 35, 34 },
	[ZAPI_LINK_PARAMS] = { 45, 42, 41, 42, 41 },
	[ZAPI_ERROR] = { 121, 118, 117, 118, 120 },
	[ZAPI_NOTE_REQUEST] = { 127, 124, 123, 124, 126 },
	[ZAPI_CLOSED] = { 128, 125, 124, 125, 127 },
	[ZAPI_GRE_GET] = { 137, 134, 133, 134, 136 },
	[ZAPI_GRE] = { 138, 135, 134, 135, 137 },
	[ZAPI_NEXTHOP_REGISTER] = { 20, 20, 20, 21, 21 },
	[ZAPI_NEXTHOP_UNREGISTER] = { 21, 21, 21, 22, 22 },
	[ZAPI_NEXTHOP_UPDATE] = { 22, 22, 22, 23, 23 },
	[ZAPI_BFD_UPDATE] = { 25, 25, 25, 26, 26 },
	[ZAPI_BFD_REGISTER] = { 29, 26, 26, 27, 27 },
	[ZAPI_BFD_DEREGISTER] = { 30, 27, 27, 28, 28 },
	[ZAPI_BFD_REPLAY] = { 32, 29, 29, 30, 30 },
	[ZAPI_BFD_CLIENT] = { 40, 37, 36, 37, 36 },
};

int
zapi_version_of(const char *name)
{
	for (unsigned i = 0; i < zapi_n_versions; i++) {
		if (strcmp(zapi_versions[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

uint16_t
zapi_number(const struct zapi_version *v, enum zapi_cmd c)
{
	return numbers[c][v->numbers];
}

enum zapi_cmd
zapi_cmd_of(const struct zapi_version *v, uint16_t number)
{
	enum zapi_cmd c = ZAPI_INTERFACE_ADD;

	while (c < ZAPI_CMDS && numbers[c][v->numbers] != number)
		c++;
	return c;
}

uint32_t
zapi_guess(uint16_t error_number, bool seventeen_unknown)
{
	uint32_t mask = 0;

	for (unsigned i = 0; i < zapi_n_versions; i++) {
		const struct zapi_version *v = &zapi_versions[i];

		if (zapi_number(v, ZAPI_ERROR) == error_number && (zapi_number(v, ZAPI_HELLO) == 18) == seventeen_unknown)
			mask |= 1u << i;
	}
	return mask;
}

uint8_t
zapi_type_number(const struct zapi_version *v, unsigned type)
{
	if (!v->type_local || type < 3)
		return (uint8_t)type;
	return type == ZAPI_RT_LOCAL ? 3 : type == ZAPI_RT_ALL ? 32 : (uint8_t)(type + 1);
}

unsigned
zapi_type_of(const struct zapi_version *v, uint8_t number)
{
	if (!v->type_local || number < 3)
		return number;
	return number == 3 ? ZAPI_RT_LOCAL : number == 32 ? ZAPI_RT_ALL : number - 1u;
}

const char *
zapi_type_name(unsigned type)
{
	static const char *const name[] = { [ZAPI_RT_SYSTEM] = "system", [ZAPI_RT_KERNEL] = "kernel", [ZAPI_RT_CONNECT] = "connected", [ZAPI_RT_STATIC] = "static",
		[ZAPI_RT_RIP] = "rip", [ZAPI_RT_RIPNG] = "ripng", [ZAPI_RT_OSPF] = "ospf", [ZAPI_RT_OSPF6] = "ospf6", [ZAPI_RT_ISIS] = "isis",
		[ZAPI_RT_BGP] = "bgp", [ZAPI_RT_PIM] = "pim", [ZAPI_RT_EIGRP] = "eigrp", [ZAPI_RT_NHRP] = "nhrp" };

	return type < sizeof(name) / sizeof(name[0]) ? name[type] : "other";
}

/* ---- framing */

enum zapi_framing
zapi_frame(struct span in, struct zapi_frame *out)
{
	struct cur c = cur_of(in);
	uint16_t n;
	uint8_t marker, protocol;

	if (in.n < ZAPI_HEADER)
		return ZAPI_MORE;
	n = cur_be16(&c);
	marker = cur_u8(&c);
	protocol = cur_u8(&c);
	out->vrf = cur_be32(&c);
	out->command = cur_be16(&c);
	if (n < ZAPI_HEADER || n > ZAPI_OCTETS_MAX || marker != MARKER || protocol != PROTOCOL)
		return ZAPI_BROKEN;
	if (in.n < n)
		return ZAPI_MORE;
	out->n = n;
	out->body = cur_take(&c, n - ZAPI_HEADER);
	return ZAPI_WHOLE;
}

/* ---- reading */

static bool
used_up(const struct cur *c)
{
	return !c->bad && cur_left(c) == 0;
}

/* As it lay in zebra's memory, which is the same machine's. */
static uint32_t
native32(struct cur *c)
{
	struct span s = cur_take(c, 4);
	uint32_t v = 0;

	if (s.n)
		memcpy(&v, s.p, sizeof(v));
	return v;
}

/* AF_INET, AF_INET6 of Linux, which zebra writes as they are. */
static size_t
family_octets(struct cur *c, uint8_t family)
{
	if (family != 2 && family != 10)
		c->bad = true;
	return family == 2 ? 4 : 16;
}

static struct addr
read_addr(struct cur *c, uint8_t family)
{
	return addr_of_span(cur_take(c, family_octets(c, family)));
}

static void
check_bits(struct cur *c, const struct addr *a, uint8_t bits)
{
	if (bits > addr_bits(a))
		c->bad = true;
}

bool
zapi_interface(const struct zapi_version *v, struct span body, struct zapi_interface *out)
{
	struct cur c = cur_of(body);
	struct span name = cur_take(&c, v->ifname);
	uint32_t hw;

	memset(out, 0, sizeof(*out));
	memcpy(out->name, name.p, name.n);
	out->ifindex = cur_be32(&c);
	out->status = cur_u8(&c);
	out->flags = cur_be64(&c);
	cur_take(&c, 1 + 1 + 4 + 4);	/* ptm enabled, ptm status, metric, speed */
	if (v->txqlen)
		cur_be32(&c);
	out->mtu = cur_be32(&c);
	out->mtu6 = cur_be32(&c);
	cur_take(&c, 4 + 4);	/* bandwidth, lower device */
	if (v->zif_type)
		cur_be32(&c);
	out->link_type = cur_be32(&c);
	hw = cur_be32(&c);
	cur_take(&c, hw);
	if (cur_u8(&c) == 1)
		return !c.bad;	/* link parameters follow, which nobody here asks for */
	return used_up(&c) && out->name[v->ifname - 1] == '\0';
}

bool
zapi_address(struct span body, struct zapi_address *out)
{
	struct cur c = cur_of(body);
	uint8_t family;

	memset(out, 0, sizeof(*out));
	out->ifindex = cur_be32(&c);
	out->flags = cur_u8(&c);
	family = cur_u8(&c);
	out->address.addr = read_addr(&c, family);
	out->address.bits = cur_u8(&c);
	check_bits(&c, &out->address.addr, out->address.bits);
	read_addr(&c, family);	/* the other end, or zeros */
	return used_up(&c);
}

bool
zapi_router_id(struct span body, struct prefix *out)
{
	struct cur c = cur_of(body);
	uint8_t family = cur_u8(&c);

	out->addr = read_addr(&c, family);
	out->bits = cur_u8(&c);
	check_bits(&c, &out->addr, out->bits);
	return used_up(&c);
}

bool
zapi_error(struct span body, uint32_t *code)
{
	struct cur c = cur_of(body);

	*code = native32(&c);
	return used_up(&c);
}

bool
zapi_capabilities(const struct zapi_version *v, struct span body, struct zapi_capabilities *out)
{
	struct cur c = cur_of(body);

	if (body.n != v->capabilities)
		return false;
	out->vrf_backend = v->zif_type ? cur_u8(&c) : cur_be32(&c);	/* both changed with 10.6 */
	out->mpls = cur_u8(&c);
	out->ecmp_max = cur_be32(&c);
	return !c.bad;
}

bool
zapi_note(const struct zapi_version *v, struct span body, struct zapi_note *out)
{
	struct cur c = cur_of(body);
	uint32_t kind = native32(&c), table;
	uint8_t family = cur_u8(&c), source_bits = 0;
	uint8_t bits = cur_u8(&c);
	struct addr a = read_addr(&c, family), source;

	if (v->note_source) {
		source_bits = cur_u8(&c);
		source = read_addr(&c, family);
		check_bits(&c, &source, source_bits);
	}
	check_bits(&c, &a, bits);
	table = cur_be32(&c);
	cur_take(&c, 2);	/* AFI, SAFI */
	if (!used_up(&c) || kind >= ZAPI_NOTES)
		return false;
	out->kind = (enum zapi_note_kind)kind;
	out->dst = prefix_of(&a, bits);
	out->table = table;
	return true;
}

/* ---- routes */

enum {	/* of a route's message word: which fields follow */
	M_NEXTHOP = 0x01, M_DISTANCE = 0x02, M_METRIC = 0x04, M_TAG = 0x08, M_MTU = 0x10, M_SOURCE = 0x20, M_BACKUP = 0x40, M_GROUP = 0x80,
	M_TABLE = 0x100, M_COLOUR = 0x200, M_OPAQUE = 0x400, M_KNOWN = 0x7ff,
};
enum { NH_ONLINK = 0x01, NH_LABEL = 0x02, NH_WEIGHT = 0x04, NH_BACKUP = 0x08, NH_SEG6 = 0x30, NH_EVPN = 0x40, NH_KNOWN = 0x7f };
enum { SAFI_UNICAST = 1 };

static void
read_gateway(struct cur *c, struct zapi_nexthop *out)
{
	switch (out->type) {
	case ZAPI_NH_IFINDEX:
		out->ifindex = cur_be32(c);
		return;
	case ZAPI_NH_IPV4:
	case ZAPI_NH_IPV4_IFINDEX:
		out->via = read_addr(c, 2);
		out->ifindex = cur_be32(c);
		return;
	case ZAPI_NH_IPV6:
	case ZAPI_NH_IPV6_IFINDEX:
		out->via = read_addr(c, 10);
		out->ifindex = cur_be32(c);
		return;
	case ZAPI_NH_BLACKHOLE:
		cur_u8(c);
		return;
	case ZAPI_NH_NONE:
		break;
	}
	c->bad = true;
}

static void
read_nexthop(const struct zapi_version *v, struct cur *c, uint32_t message, struct zapi_nexthop *out)
{
	uint8_t type, flags;

	memset(out, 0, sizeof(*out));
	cur_be32(c);	/* VRF */
	type = cur_u8(c);
	flags = cur_u8(c);
	if (type > ZAPI_NH_BLACKHOLE || flags & (NH_SEG6 | ~NH_KNOWN))
		c->bad = true;
	out->type = type > ZAPI_NH_BLACKHOLE ? ZAPI_NH_NONE : (enum zapi_nexthop_type)type;
	out->onlink = flags & NH_ONLINK;
	read_gateway(c, out);
	if (flags & NH_LABEL) {
		uint8_t n = cur_u8(c);

		cur_take(c, 4u * n + v->label_type);
	}
	if (flags & NH_WEIGHT)
		cur_take(c, v->wide_weight ? 8 : 4);
	if (flags & NH_EVPN)
		cur_take(c, 6);
	if (message & M_COLOUR)
		cur_be32(c);
	if (flags & NH_BACKUP)
		cur_take(c, cur_u8(c));
}

static void
read_nexthops(const struct zapi_version *v, struct cur *c, uint32_t message, struct zapi_route *out)
{
	uint16_t n = cur_be16(c);
	struct zapi_nexthop nh;

	if (n > ZAPI_NEXTHOPS_MAX)
		c->bad = true;
	for (unsigned i = 0; i < n && !c->bad; i++) {
		read_nexthop(v, c, message, &nh);
		if (out && i == 0)
			out->nexthop = nh;
	}
	if (out)
		out->n_nexthop = n;
}

static struct prefix
read_prefix(struct cur *c, uint8_t family)
{
	size_t octets = family_octets(c, family);
	uint8_t b[16] = { 0 }, bits = cur_u8(c);
	struct span s = cur_take(c, (bits + 7u) / 8);
	struct addr a;

	if (bits > octets * 8)
		c->bad = true;
	else
		memcpy(b, s.p, s.n);
	a = addr_of(b, octets);
	return prefix_of(&a, bits);
}

static void
read_attributes(struct cur *c, uint32_t message, struct zapi_route *out)
{
	if ((out->has_distance = message & M_DISTANCE))
		out->distance = cur_u8(c);
	if ((out->has_metric = message & M_METRIC))
		out->metric = cur_be32(c);
	if ((out->has_tag = message & M_TAG))
		out->tag = cur_be32(c);
	if ((out->has_mtu = message & M_MTU))
		out->mtu = cur_be32(c);
	if (message & M_TABLE)
		cur_be32(c);
	if (message & M_OPAQUE)
		cur_take(c, cur_be16(c));
}

bool
zapi_route(const struct zapi_version *v, struct span body, struct zapi_route *out)
{
	struct cur c = cur_of(body);
	uint32_t message;
	uint8_t family;

	memset(out, 0, sizeof(*out));
	out->type = zapi_type_of(v, cur_u8(&c));
	out->instance = cur_be16(&c);
	out->flags = cur_be32(&c);
	message = cur_be32(&c);
	cur_u8(&c);	/* SAFI */
	family = cur_u8(&c);
	if (message & ~(uint32_t)M_KNOWN)
		c.bad = true;
	out->dst = read_prefix(&c, family);
	if ((out->source_too = message & M_SOURCE))
		read_prefix(&c, family);
	if (message & M_GROUP)
		cur_be32(&c);
	if (message & M_NEXTHOP)
		read_nexthops(v, &c, message, out);
	if (message & M_BACKUP)
		read_nexthops(v, &c, message, NULL);
	read_attributes(&c, message, out);
	return used_up(&c);
}

/* ---- what is watched */

/* A byte of family, the address, its length. */
static struct addr
read_watched(struct cur *c)
{
	struct addr a = read_addr(c, cur_u8(c));

	check_bits(c, &a, cur_u8(c));
	return a;
}

/* Releases from 10.3 on add the session's name, which is not ours. */
bool
zapi_bfd_change(struct span body, struct zapi_bfd_change *out)
{
	struct cur c = cur_of(body);

	memset(out, 0, sizeof(*out));
	out->ifindex = cur_be32(&c);
	out->peer = read_watched(&c);
	out->state = cur_be32(&c);
	out->local = read_watched(&c);
	cur_u8(&c);	/* control plane independent */
	if (!c.bad && cur_left(&c))
		cur_take(&c, cur_u8(&c));
	return used_up(&c) && (out->state == ZAPI_BFD_UNKNOWN || out->state == ZAPI_BFD_DOWN || out->state == ZAPI_BFD_UP || out->state == ZAPI_BFD_ADMIN_DOWN);
}

static struct prefix
read_tracked(struct cur *c)
{
	uint16_t family = cur_be16(c);
	uint8_t bits = cur_u8(c);
	struct addr a;

	if (family > UINT8_MAX)
		c->bad = true;
	a = read_addr(c, (uint8_t)family);
	check_bits(c, &a, bits);
	return (struct prefix){ .addr = a, .bits = bits };
}

bool
zapi_can_track(const struct zapi_version *v)
{
	return v->numbers != COL_81;
}

bool
zapi_tracked(const struct zapi_version *v, struct span body, struct zapi_tracked *out)
{
	struct cur c = cur_of(body);
	uint32_t message = cur_be32(&c);
	struct zapi_nexthop nh;

	memset(out, 0, sizeof(*out));
	cur_be16(&c);	/* SAFI */
	out->what = read_tracked(&c).addr;
	out->by = read_tracked(&c);
	if (message & M_COLOUR)
		cur_be32(&c);
	cur_take(&c, 1 + 2 + 1 + 4);	/* type, instance, distance, metric */
	out->n_nexthop = v->note_source ? cur_be16(&c) : cur_u8(&c);
	if (out->n_nexthop > ZAPI_NEXTHOPS_MAX)
		c.bad = true;
	for (unsigned i = 0; i < out->n_nexthop && !c.bad; i++) {
		read_nexthop(v, &c, message, &nh);
		if (i == 0)
			out->nexthop = nh;
	}
	return used_up(&c);
}

bool
zapi_vrf(struct span body, char name[static ZAPI_VRF_NAME + 1])
{
	struct cur c = cur_of(body);
	struct span s;

	cur_take(&c, 4 + ZAPI_VRF_NAME);	/* table, name of its namespace */
	s = cur_take(&c, ZAPI_VRF_NAME);
	memset(name, 0, ZAPI_VRF_NAME + 1);
	memcpy(name, s.p, s.n);
	return used_up(&c);
}

/* ---- writing */

/* A message is begun, its body written, its length filled in. */
static size_t
begin_number(struct wr *w, uint16_t number, uint32_t vrf)
{
	size_t at = wr_len(w);

	wr_be16(w, 0);
	wr_u8(w, MARKER);
	wr_u8(w, PROTOCOL);
	wr_be32(w, vrf);
	wr_be16(w, number);
	return at;
}

static size_t
begin(struct wr *w, const struct zapi_version *v, enum zapi_cmd c)
{
	return begin_number(w, zapi_number(v, c), ZAPI_VRF_DEFAULT);
}

static void
finish(struct wr *w, size_t at)
{
	wr_patch16(w, at, (uint16_t)(wr_len(w) - at));
}

void
zapi_put_questions(struct wr *w)
{
	size_t at = begin_number(w, UNKNOWN_COMMAND, ZAPI_VRF_DEFAULT);

	finish(w, at);
	at = begin_number(w, ROUTER_ID_DELETE_10, ZAPI_VRF_DEFAULT);
	wr_be16(w, 1);
	finish(w, at);
	at = begin_number(w, UNKNOWN_COMMAND, ZAPI_ASK_VRF);
	finish(w, at);
}

void
zapi_put_hello(struct wr *w, const struct zapi_version *v)
{
	size_t at = begin(w, v, ZAPI_HELLO);

	wr_u8(w, zapi_type_number(v, ZAPI_RT_NHRP));
	wr_be16(w, 0);	/* instance */
	wr_be32(w, 0);	/* session */
	if (v->hello_notify)
		wr_u8(w, 1);
	wr_u8(w, 0);	/* not synchronous */
	finish(w, at);
}

void
zapi_put_note_request(struct wr *w, const struct zapi_version *v)
{
	size_t at = begin(w, v, ZAPI_NOTE_REQUEST);

	wr_u8(w, 1);
	finish(w, at);
}

void
zapi_put_interfaces(struct wr *w, const struct zapi_version *v)
{
	finish(w, begin(w, v, ZAPI_INTERFACE_ADD));
}

void
zapi_put_router_id(struct wr *w, const struct zapi_version *v, uint8_t afi)
{
	size_t at = begin(w, v, ZAPI_ROUTER_ID_ADD);

	wr_be16(w, afi);
	finish(w, at);
}

void
zapi_put_redistribute(struct wr *w, const struct zapi_version *v, uint8_t afi)
{
	size_t at = begin(w, v, ZAPI_REDISTRIBUTE_ADD);

	wr_u8(w, afi);
	wr_u8(w, zapi_type_number(v, ZAPI_RT_ALL));
	wr_be16(w, 0);
	finish(w, at);
}

void
zapi_put_barrier(struct wr *w, const struct zapi_version *v)
{
	size_t at = begin(w, v, ZAPI_GRE_GET);

	wr_be32(w, 0);
	finish(w, at);
}

static void
put_destination(struct wr *w, const struct zapi_version *v, uint32_t flags, uint32_t message, const struct prefix *dst)
{
	wr_u8(w, zapi_type_number(v, ZAPI_RT_NHRP));
	wr_be16(w, 0);
	wr_be32(w, flags);
	wr_be32(w, message);
	wr_u8(w, SAFI_UNICAST);
	wr_u8(w, dst->addr.n == 4 ? 2 : 10);
	wr_u8(w, dst->bits);
	wr_bytes(w, dst->addr.b, (dst->bits + 7u) / 8);
}

static void
put_nexthop(struct wr *w, const struct zapi_nexthop *nh)
{
	wr_be16(w, 1);
	wr_be32(w, ZAPI_VRF_DEFAULT);
	wr_u8(w, (uint8_t)nh->type);
	wr_u8(w, nh->onlink ? NH_ONLINK : 0);
	wr_put(w, addr_span(&nh->via));
	wr_be32(w, nh->ifindex);
}

void
zapi_put_route(struct wr *w, const struct zapi_version *v, const struct zapi_route *r)
{
	size_t at = begin(w, v, ZAPI_ROUTE_ADD);

	put_destination(w, v, r->flags,
	    M_NEXTHOP | (r->has_distance ? M_DISTANCE : 0) | (r->has_metric ? M_METRIC : 0) | (r->has_tag ? M_TAG : 0) | (r->has_mtu ? M_MTU : 0), &r->dst);
	put_nexthop(w, &r->nexthop);
	if (r->has_distance)
		wr_u8(w, r->distance);
	if (r->has_metric)
		wr_be32(w, r->metric);
	if (r->has_tag)
		wr_be32(w, r->tag);
	if (r->has_mtu)
		wr_be32(w, r->mtu);
	finish(w, at);
}

void
zapi_put_route_del(struct wr *w, const struct zapi_version *v, const struct prefix *dst)
{
	size_t at = begin(w, v, ZAPI_ROUTE_DELETE);

	put_destination(w, v, 0, 0, dst);
	finish(w, at);
}

/* ---- the second session */

enum { WATCHER_INSTANCE = 65535 };

void
zapi_put_hello_watcher(struct wr *w, const struct zapi_version *v)
{
	size_t at = begin(w, v, ZAPI_HELLO);

	wr_u8(w, zapi_type_number(v, ZAPI_RT_OPENFABRIC));
	wr_be16(w, WATCHER_INSTANCE);
	wr_be32(w, 0);	/* session */
	if (v->hello_notify)
		wr_u8(w, 0);
	wr_u8(w, 0);	/* not synchronous */
	finish(w, at);
}

void
zapi_put_bfd_client(struct wr *w, const struct zapi_version *v, uint32_t pid)
{
	size_t at = begin(w, v, ZAPI_BFD_CLIENT);

	wr_be32(w, pid);
	finish(w, at);
}

static void
put_family(struct wr *w, const struct addr *a)
{
	wr_be16(w, a->n == 4 ? 2 : 10);
}

void
zapi_put_bfd(struct wr *w, const struct zapi_version *v, uint32_t vrf, uint32_t pid, bool add, const struct zapi_bfd *b)
{
	size_t at = begin_number(w, zapi_number(v, add ? ZAPI_BFD_REGISTER : ZAPI_BFD_DEREGISTER), vrf), n = strnlen(b->ifname, sizeof(b->ifname));

	wr_be32(w, pid);
	put_family(w, &b->peer);
	wr_bytes(w, b->peer.b, b->peer.n);
	wr_be32(w, b->min_rx_ms);
	wr_be32(w, b->min_tx_ms);
	wr_u8(w, b->multiplier);
	wr_u8(w, 0);	/* one hop */
	put_family(w, &b->local);
	wr_bytes(w, b->local.b, b->local.n);
	wr_u8(w, 1);	/* hops */
	wr_u8(w, (uint8_t)n);
	wr_bytes(w, (const uint8_t *)b->ifname, n);
	wr_u8(w, 0);	/* not control plane independent */
	wr_u8(w, 0);	/* no profile */
	finish(w, at);
}

/* To end it both first octets are to be 0, whatever was asked for. */
void
zapi_put_track(struct wr *w, const struct zapi_version *v, uint32_t vrf, bool add, const struct addr *what)
{
	size_t at = begin_number(w, zapi_number(v, add ? ZAPI_NEXTHOP_REGISTER : ZAPI_NEXTHOP_UNREGISTER), vrf);

	wr_u8(w, 0);	/* not only connected routes */
	wr_u8(w, add);	/* the default route counts */
	wr_be16(w, SAFI_UNICAST);
	put_family(w, what);
	wr_u8(w, addr_bits(what));
	wr_bytes(w, what->b, what->n);
	finish(w, at);
}
