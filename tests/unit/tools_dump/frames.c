/* tests/unit/tools_dump/frames.c: see frames.h. */
#include "tests/unit/tools_dump/frames.h"

#include <stdio.h>

const char *const golden_name[] = {
	"registration-request-worked", "registration-reply-refused", "registration-request-6-over-6", "resolution-request-transit",
	"resolution-reply-6-over-4", "resolution-reply-none", "resolution-request-unknown-extensions", "resolution-request-capabilities",
	"registration-request-no-nbma", "purge-request-silent", "purge-reply", "error-indication", "error-indication-cut", "traffic-indication",
	"traffic-indication-6-over-6", "traffic-indication-empty", NULL,
};

/* Hex with comments to the end of the line. */
struct octets
golden(const char *name)
{
	struct octets out = { .n = 0 };
	char path[128], *text, *line, *save;
	size_t n;

	snprintf(path, sizeof(path), "tests/golden/nhrp/%s.hex", name);
	text = (char *)test_file(test_src(path), &n);
	ck_assert_msg(text != NULL, "no %s", path);
	text = realloc(text, n + 1);
	ck_assert_ptr_nonnull(text);
	text[n] = '\0';
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		line[strcspn(line, "#")] = '\0';
		out.n += test_unhex(line, out.b + out.n, sizeof(out.b) - out.n);
	}
	free(text);
	ck_assert_uint_gt(out.n, 0);
	return out;
}

const struct shape shapes[] = {
	{ .link = DUMP_LINK_ETHERNET, .carrier = IP4 },
	{ .link = DUMP_LINK_ETHERNET, .carrier = IP4, .gre = 0x2000, .pad = 18 },
	{ .link = DUMP_LINK_ETHERNET, .carrier = IP6, .gre = 0x2000, .pad = 6 },
	{ .link = DUMP_LINK_ETHERNET, .carrier = IP4, .n_vlan = 1, .vlan = { 100 }, .gre = 0x2000 },
	{ .link = DUMP_LINK_ETHERNET, .carrier = IP6, .n_vlan = 2, .vlan = { 7, 4095 } },
	{ .link = DUMP_LINK_ETHERNET, .carrier = IP4, .gre = 0x8000 },
	{ .link = DUMP_LINK_ETHERNET, .carrier = IP4, .gre = 0x1000 },
	{ .link = DUMP_LINK_ETHERNET, .carrier = IP4, .gre = 0xb000, .options = 40 },
	{ .link = DUMP_LINK_RAW, .carrier = IP4, .gre = 0x2000 },
	{ .link = DUMP_LINK_RAW, .carrier = IP6, .gre = 0x2000, .options = 24 },
	{ .link = DUMP_LINK_NULL, .carrier = IP4, .gre = 0x2000 },
	{ .link = DUMP_LINK_SLL, .carrier = IP4, .gre = 0x2000 },
	{ .link = DUMP_LINK_SLL2, .carrier = IP6 },
	{ .link = DUMP_LINK_SLL, .carrier = BARE },
	{ .link = DUMP_LINK_SLL2, .carrier = BARE },
	{ .link = DUMP_LINK_ETHERNET, .carrier = BARE },
	{ .link = DUMP_LINK_ETHERNET, .carrier = IP4, .no_gre = true },
	{ .link = DUMP_LINK_ETHERNET, .carrier = IP6, .in_ip = true, .gre = 0x2000 },
	{ .link = DUMP_LINK_RAW, .carrier = IP4, .bridged = true },
	{ .link = DUMP_LINK_ETHERNET, .carrier = IP4, .fragment = true },
	{ .link = DUMP_LINK_ETHERNET, .carrier = IP6, .fragment = true },
};
const size_t n_shapes = sizeof(shapes) / sizeof(shapes[0]);

static void
ether(struct wr *w, uint16_t type)
{
	wr_bytes(w, "\2\0\0\0\0\1\2\0\0\0\0\2", 12);
	wr_be16(w, type);
}

static void
link_layer(const struct shape *s, struct wr *w, uint16_t type)
{
	switch (s->link) {
	case DUMP_LINK_NONE:
	case DUMP_LINK_RAW:
		return;
	case DUMP_LINK_ETHERNET:
		ether(w, s->n_vlan ? s->n_vlan == 2 ? 0x88a8 : 0x8100 : type);
		for (unsigned i = 0; i < s->n_vlan; i++) {
			wr_be16(w, s->vlan[i] | 0x6000);	/* with a priority */
			wr_be16(w, i + 1 < s->n_vlan ? 0x8100 : type);
		}
		return;
	case DUMP_LINK_NULL:
		wr_bytes(w, "\2\0\0\0", 4);
		return;
	case DUMP_LINK_SLL:	/* of a GRE device: the address is the NBMA one */
		wr_bytes(w, "\0\0\3\x0a\0\4\xc0\0\2\1\0\0\0\0", 14);
		wr_be16(w, type);
		return;
	case DUMP_LINK_SLL2:
		wr_be16(w, type);
		wr_zero(w, 18);
		return;
	}
}

static void
ip4(struct wr *w, uint8_t proto, size_t payload, unsigned options, bool more)
{
	wr_u8(w, (uint8_t)(0x45 + options / 4));
	wr_u8(w, 0xc0);
	wr_be16(w, (uint16_t)(20 + options + payload));
	wr_be16(w, 1);
	wr_be16(w, more ? 0x2000 : 0x4000);
	wr_u8(w, SHAPE_TTL);
	wr_u8(w, proto);
	wr_be16(w, 0);
	wr_bytes(w, "\xc0\0\2\1\xc6\x33\x64\2", 8);
	wr_zero(w, options);
}

static void
ip6(struct wr *w, uint8_t proto, size_t payload, unsigned options, bool more)
{
	static const uint8_t chain[] = { 0, 60, 43 };	/* hop by hop, destination options, routing */
	unsigned n = options / 8;

	wr_be32(w, 0x60000000);
	wr_be16(w, (uint16_t)(payload + options + (more ? 8 : 0)));
	wr_u8(w, n ? chain[0] : more ? 44 : proto);
	wr_u8(w, SHAPE_TTL);
	wr_bytes(w, "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2", 32);
	for (unsigned i = 0; i < n; i++) {
		wr_u8(w, i + 1 < n ? chain[(i + 1) % 3] : more ? 44 : proto);
		wr_zero(w, 7);
	}
	if (more) {
		wr_u8(w, proto);
		wr_u8(w, 0);
		wr_be16(w, 1);
		wr_be32(w, 9);
	}
}

static void
gre(struct wr *w, uint16_t flags, uint16_t proto)
{
	wr_be16(w, flags);
	wr_be16(w, proto);
	if (flags & 0x8000)
		wr_be32(w, 0);
	if (flags & 0x2000)
		wr_be32(w, SHAPE_KEY);
	if (flags & 0x1000)
		wr_be32(w, SHAPE_SEQ);
}

static void
gre_packet(const struct shape *s, struct span nhrp, struct wr *w)
{
	if (s->no_gre) {
		wr_put(w, nhrp);
		return;
	}
	if (s->bridged) {	/* an outer GRE with another key, which must not be taken for the one around NHRP */
		wr_be32(w, 0x20006558);
		wr_be32(w, 4711);
		ether(w, 0x0800);
		ip4(w, 47, nhrp.n + 4, 0, false);
	}
	gre(w, s->gre, NHRP_GRE_PROTO);
	wr_put(w, nhrp);
}

void
wrap(const struct shape *s, struct span nhrp, struct octets *out)
{
	struct octets payload, inner;
	struct wr w = wr_of(payload.b, sizeof(payload.b)), f = wr_of(out->b, sizeof(out->b)), i = wr_of(inner.b, sizeof(inner.b));

	if (s->carrier == BARE) {
		link_layer(s, &f, NHRP_GRE_PROTO);
		wr_put(&f, nhrp);
	} else {
		gre_packet(s, nhrp, &w);
		(s->carrier == IP4 ? ip4 : ip6)(&i, s->no_gre ? 54 : 47, wr_len(&w), s->options, s->fragment);
		wr_put(&i, wr_span(&w));
		link_layer(s, &f, s->in_ip || s->carrier == IP4 ? 0x0800 : 0x86dd);
		if (s->in_ip)
			ip4(&f, s->carrier == IP4 ? 4 : 41, wr_len(&i), 0, false);
		wr_put(&f, wr_span(&i));
	}
	wr_zero(&f, s->pad);
	ck_assert(!w.bad && !f.bad && !i.bad);
	out->n = wr_len(&f);
}
