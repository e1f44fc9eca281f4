#include "lib/traffic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	V4 = 20, V4_FRAG = 6, V4_PROTO = 9, V4_SRC = 12, V4_PARTS = 0x3fff,
	V6 = 40, V6_NEXT = 6, V6_SRC = 8, V6_EXT_MAX = 8,
	HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, DEST_OPTIONS = 60,
};

bool
traffic_has_ports(uint8_t proto)
{
	enum { TCP = 6, UDP = 17, DCCP = 33, SCTP = 132, UDPLITE = 136 };

	return proto == TCP || proto == UDP || proto == DCCP || proto == SCTP || proto == UDPLITE;
}

bool
dp_selectors_ports(const struct dp_selectors *s)
{
	bool any = false;

	for (unsigned i = 0; i < s->n_local && i < DP_RANGES; i++)
		any |= s->local[i].ports;
	for (unsigned i = 0; i < s->n_remote && i < DP_RANGES; i++)
		any |= s->remote[i].ports;
	return any;
}

bool
traffic_begin(struct traffic *t, struct span ip, bool v6)
{
	if (ip.n < (v6 ? V6 : V4) || ip.p[0] >> 4 != (v6 ? 6 : 4))
		return false;
	*t = (struct traffic){ .ip = ip, .v6 = v6, .n = v6 ? 16 : 4 };
	t->src = ip.p + (v6 ? V6_SRC : V4_SRC);
	t->dst = t->src + t->n;
	return true;
}

static size_t
upper4(struct traffic *t)
{
	t->proto = t->ip.p[V4_PROTO];
	t->fragment = get_be16(t->ip.p + V4_FRAG) & V4_PARTS;
	return (size_t)(t->ip.p[0] & 15) * 4;
}

/* Where the transport header stands; past the end where the way there cannot be read. */
static size_t
upper6(struct traffic *t)
{
	const uint8_t *p = t->ip.p;
	uint8_t next = p[V6_NEXT];
	size_t at = V6;

	for (int i = 0; i < V6_EXT_MAX; i++) {
		uint8_t is = next;
		bool later;

		if (next != HOP_BY_HOP && next != ROUTING && next != DEST_OPTIONS && next != FRAGMENT) {
			t->proto = next;
			return at;
		}
		if (t->ip.n < at + 8)
			return t->ip.n;
		next = p[at];
		later = is == FRAGMENT && get_be16(p + at + 2) & 0xfff8;
		t->fragment |= is == FRAGMENT && get_be16(p + at + 2) & 0xfff9;	/* one that is all of it is none (RFC 6946) */
		if (later) {
			t->proto = next;
			return t->ip.n;
		}
		at += is == FRAGMENT ? 8 : ((size_t)p[at + 1] + 1) * 8;
		if (at > t->ip.n)
			return t->ip.n;
	}
	return t->ip.n;
}

static void
look(struct traffic *t)
{
	size_t at = t->v6 ? upper6(t) : upper4(t);

	t->looked = true;
	if (t->fragment || !traffic_has_ports(t->proto) || at + 4 > t->ip.n)
		return;
	t->ports = true;
	t->sport = get_be16(t->ip.p + at);
	t->dport = get_be16(t->ip.p + at + 2);
}

bool
traffic_is_fragment(struct traffic *t)
{
	if (!t->looked)
		look(t);
	return t->fragment;
}

static bool
within(struct traffic *t, const struct dp_range *r, unsigned n, bool source)
{
	const uint8_t *a = source ? t->src : t->dst;

	for (unsigned i = 0; i < n; i++) {
		if (r[i].lo.n != t->n || memcmp(a, r[i].lo.b, t->n) < 0 || memcmp(a, r[i].hi.b, t->n) > 0)
			continue;
		if (r[i].proto && !t->looked)
			look(t);
		if (r[i].proto && r[i].proto != t->proto)
			continue;
		if (!r[i].ports)
			return true;
		if (t->ports && (source ? t->sport : t->dport) >= r[i].port_lo && (source ? t->sport : t->dport) <= r[i].port_hi)
			return true;
	}
	return false;
}

bool
traffic_from(struct traffic *t, const struct dp_range *r, unsigned n)
{
	return within(t, r, n, true);
}

bool
traffic_to(struct traffic *t, const struct dp_range *r, unsigned n)
{
	return within(t, r, n, false);
}

/* ---- in words */

struct word {
	const char *text;
	uint16_t n;
};

static const struct word protos[] = {
	{ "ah", 51 }, { "eigrp", 88 }, { "esp", 50 }, { "gre", 47 }, { "icmp", 1 }, { "icmp6", 58 }, { "igmp", 2 }, { "ipinip", 4 }, { "ospf", 89 }, { "pim", 103 },
	{ "sctp", 132 }, { "tcp", 6 }, { "udp", 17 },
};

/* As IOS calls them. */
static const struct word ports[] = {
	{ "bgp", 179 }, { "bootpc", 68 }, { "bootps", 67 }, { "domain", 53 }, { "ftp", 21 }, { "ftp-data", 20 }, { "isakmp", 500 }, { "ldap", 389 },
	{ "non500-isakmp", 4500 }, { "ntp", 123 }, { "pop3", 110 }, { "smtp", 25 }, { "snmp", 161 }, { "snmptrap", 162 }, { "syslog", 514 },
	{ "tacacs", 49 }, { "telnet", 23 }, { "tftp", 69 }, { "www", 80 },
};

static bool
parse(const struct word *w, size_t n, const char *text, uint32_t max, uint16_t *out)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long v = digits && digits <= 5 ? strtoul(text, NULL, 10) : max + 1ul;

	if (digits && !text[digits] && v <= max) {
		*out = (uint16_t)v;
		return true;
	}
	for (size_t i = 0; i < n; i++) {
		if (strcasecmp(text, w[i].text) == 0) {
			*out = w[i].n;
			return true;
		}
	}
	return false;
}

bool
traffic_proto_parse(const char *text, uint8_t *proto)
{
	uint16_t n;

	if (!parse(protos, sizeof(protos) / sizeof(protos[0]), text, 255, &n))
		return false;
	*proto = (uint8_t)n;
	return true;
}

bool
traffic_port_parse(const char *text, uint16_t *port)
{
	return parse(ports, sizeof(ports) / sizeof(ports[0]), text, 65535, port);
}

char *
traffic_fmt(const struct dp_range *r, char out[static TRAFFIC_STRLEN])
{
	char proto[8];

	out[0] = '\0';
	if (!r->proto)
		return out;
	snprintf(proto, sizeof(proto), "%u", r->proto);
	for (size_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++) {
		if (protos[i].n == r->proto)
			snprintf(proto, sizeof(proto), "%s", protos[i].text);
	}
	if (!r->ports)
		snprintf(out, TRAFFIC_STRLEN, "[%s]", proto);
	else if (r->port_lo == r->port_hi)
		snprintf(out, TRAFFIC_STRLEN, "[%s/%u]", proto, r->port_lo);
	else
		snprintf(out, TRAFFIC_STRLEN, "[%s/%u-%u]", proto, r->port_lo, r->port_hi);
	return out;
}
