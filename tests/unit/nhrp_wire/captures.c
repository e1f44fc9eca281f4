/* tests/unit/nhrp_wire/captures.c: packets of other implementations, from $SHARED/vectors/nhrp. FRR, OpenNHRP and Cisco
 * (by way of tcpdump's collection) must parse to what the decoding beside them says, and building them again must give
 * the same octets. The one exception: OpenNHRP's error indications carry 16 zero octets behind End, which we drop. */
#include "tests/unit/nhrp_wire/util.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct text {
	char s[32768];
	size_t n;
};

static void LOG_FMT(2, 3)
say(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t->n += (size_t)vsnprintf(t->s + t->n, sizeof(t->s) - t->n, fmt, ap);
	va_end(ap);
	ck_assert_uint_lt(t->n, sizeof(t->s));
}

static const char *
fmt(const struct addr *a)
{
	static char s[4][ADDR_STRLEN];
	static unsigned i;

	return addr_fmt(a, s[i++ % 4]);
}

static void
say_cie(struct text *t, const struct nhrp_cie *c)
{
	say(t, "code %u prefix %u mtu %u holdtime %u nbma %s proto %s pref %u\n", c->code, c->prefix_len, c->mtu, c->hold_s, fmt(&c->nbma),
	    fmt(&c->proto), c->preference);
}

static void
say_ext(struct text *t, const struct nhrp_packet *p, const struct nhrp_ext *e)
{
	static const char *const name[] = {
		[NHRP_EXT_RESPONDER] = "Responder Address", [NHRP_EXT_FORWARD] = "Forward Transit NHS Record",
		[NHRP_EXT_REVERSE] = "Reverse Transit NHS Record", [NHRP_EXT_AUTH] = "Authentication", [NHRP_EXT_NAT] = "NAT Address",
	};
	struct nhrp_cie c[NHRP_EXT_CIES_MAX];
	int n;

	ck_assert(e->type < sizeof(name) / sizeof(name[0]) && name[e->type]);
	say(t, "#   ext %s%s", name[e->type], e->compulsory ? " (C)" : "");
	if (e->type == NHRP_EXT_AUTH) {
		say(t, " ");
		for (size_t i = 0; i < e->value.n; i++)
			say(t, "%02x", e->value.p[i]);
	}
	say(t, "\n");
	if (e->type == NHRP_EXT_AUTH)
		return;
	n = nhrp_ext_cies(e->value, p->afn, p->pro_type, c, NHRP_EXT_CIES_MAX);
	ck_assert_int_ge(n, 0);
	for (int i = 0; i < n; i++) {
		say(t, "#     ");
		say_cie(t, &c[i]);
	}
}

/* The same words as the comments of the .txt files. */
static void
say_packet(struct text *t, const struct nhrp_packet *p, size_t size)
{
	char name[40];

	snprintf(name, sizeof(name), "%s", nhrp_type_name(p->type));
	*strchr(name, '-') = ' ';
	say(t, "# %s id %u flags 0x%04x hops %u size %zu checksum ok\n", name,
	    p->type >= NHRP_ERROR_INDICATION ? (unsigned)p->code << 16 | p->offset : p->request_id, p->flags, p->hops, size);
	say(t, "#   src nbma %s src proto %s dst proto %s\n", fmt(&p->src_nbma), fmt(&p->src_proto), fmt(&p->dst_proto));
	for (unsigned i = 0; i < p->n_cie; i++) {
		say(t, "#   CIE ");
		say_cie(t, &p->cie[i]);
	}
	if (p->payload.n)
		say(t, "#   payload %zu bytes\n", p->payload.n);
	for (unsigned i = 0; i < p->n_ext; i++)
		say_ext(t, p, &p->ext[i]);
}

static void
builds_again(const struct pkt *k, const struct nhrp_packet *p)
{
	struct pkt again, zeros = { .n = 16 };
	struct wr w = wr_of(again.b, sizeof(again.b));

	again.n = nhrp_packet_build(&w, p);
	ck_assert_uint_gt(again.n, 0);
	if (p->type == NHRP_ERROR_INDICATION && again.n != k->n) {
		ck_assert_uint_eq(again.n + 16, k->n);
		ck_assert_mem_eq(k->b + again.n, zeros.b, 16);
		memcpy(again.b + again.n, zeros.b, 16);
		again.n += 16;
		pkt_refit(&again);
	}
	ck_assert_uint_eq(again.n, k->n);
	ck_assert_mem_eq(again.b, k->b, k->n);
}

/* One record of a .txt file: comment lines, hex lines. Adds what it says; returns where the next begins. */
static char *
one_record(char *at, struct text *said, struct pkt *k)
{
	char *end = strstr(at, "\n\n"), *line, *save;

	k->n = 0;
	if (end)
		*end = 0;
	line = strtok_r(at, "\n", &save);	/* time and underlay addresses: not in the packet */
	if (!line)
		return NULL;
	while ((line = strtok_r(NULL, "\n", &save))) {
		if (*line == '#')
			say(said, "%s\n", line);
		else
			k->n += test_unhex(line, k->b + k->n, sizeof(k->b) - k->n);
	}
	return end ? end + 2 : at + strlen(at);
}

static const struct {
	const char *name;
	unsigned packets;
} texts[] = {
	{ "frr-purge-ignored", 4 }, { "frr-registration", 2 }, { "frr-registration-nat", 2 }, { "frr-resolution-unknown", 4 },
	{ "frr-shortcut", 10 }, { "opennhrp-auth", 18 }, { "opennhrp-auth-wrong", 1 }, { "opennhrp-frr-interop", 15 },
	{ "opennhrp-resolution-unknown", 7 },
};

/* A whole .txt file; false where it is not here. */
static bool
text_file(const char *name, struct text *want, struct text *got, unsigned *packets)
{
	struct nhrp_packet p;
	char path[128];
	struct pkt k;
	size_t n;
	char *text;

	snprintf(path, sizeof(path), "vectors/nhrp/%s.txt", name);
	text = (char *)test_shared(path, &n);
	if (!text)
		return false;
	for (char *at = text; *at && (at = one_record(at, want, &k)); (*packets)++) {
		ck_assert_str_eq(nhrp_drop_word(nhrp_packet_parse(pkt_span(&k), &p)), "ok");
		say_packet(got, &p, k.n);
		builds_again(&k, &p);
	}
	free(text);
	return true;
}

static struct text want_text, got_text;

static void
forget(void)
{
	memset(&want_text, 0, sizeof(want_text));
	memset(&got_text, 0, sizeof(got_text));
}

START_TEST(decoded_as_written_beside_them)
{
	unsigned packets = 0;

	forget();
	if (!text_file(texts[_i].name, &want_text, &got_text, &packets))
		return;
	ck_assert_str_eq(got_text.s, want_text.s);
	ck_assert_uint_eq(packets, texts[_i].packets);
}
END_TEST

/* --- pcap and pcapng, just enough: one interface, Ethernet, both byte orders of the classic format --- */

static uint32_t
u32(const uint8_t *p, bool big)
{
	return big ? get_be32(p) : (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

/* The next frame of the file, empty at its end. *at is 0 at first. */
static struct span
next_frame(struct span file, size_t *at)
{
	uint32_t magic = file.n < 24 ? 0 : u32(file.p, false);
	bool big = magic == 0xd4c3b2a1 || magic == 0x4d3cb2a1, ng = magic == 0x0a0d0d0a;

	if (!ng && *at == 0)
		*at = 24;
	while (*at + 16 <= file.n) {
		const uint8_t *r = file.p + *at;
		uint32_t kind = ng ? u32(r, false) : 6, step = ng ? u32(r + 4, false) : 16 + u32(r + 8, big);

		ck_assert(step >= 12 && step <= file.n - *at);
		*at += step;
		if (kind == 6)	/* enhanced packet block */
			return ng ? span_of(r + 28, u32(r + 20, false)) : span_of(r + 16, u32(r + 8, big));
	}
	return span_of(NULL, 0);
}

/* Ethernet with or without a VLAN tag, IPv4, GRE with or without key: what is left when the protocol is NHRP. */
static struct span
nhrp_of_frame(struct span f)
{
	struct cur c = cur_of(f);
	uint16_t flags, ether;
	uint8_t ihl;

	cur_take(&c, 12);
	ether = cur_be16(&c);
	if (ether == 0x8100) {
		cur_take(&c, 2);
		ether = cur_be16(&c);
	}
	if (ether != 0x0800)
		return span_of(NULL, 0);
	ihl = (cur_u8(&c) & 15) * 4;
	cur_take(&c, 8);
	if (cur_u8(&c) != 47)
		return span_of(NULL, 0);
	cur_take(&c, (size_t)ihl - 10);
	flags = cur_be16(&c);
	if (cur_be16(&c) != NHRP_GRE_PROTO)
		return span_of(NULL, 0);
	if (flags & 0x2000)
		cur_take(&c, 4);
	return cur_rest(&c);
}

/* tcpdump's line about a registration. */
static void
say_tcpdump(struct text *t, const struct nhrp_packet *p)
{
	const struct nhrp_cie *c = &p->cie[0];

	say(t, "NHRP: reg %s, id %u, hopcnt %u, src nbma %s, %s -> %s (code %u, pl %u, mtu %u, htime %u, pref %u)\n",
	    p->type == NHRP_REGISTRATION_REQUEST ? "request" : "reply", p->request_id, p->hops, fmt(&p->src_nbma), fmt(&p->src_proto),
	    fmt(&p->dst_proto), c->code, c->prefix_len, c->mtu, c->hold_s, c->preference);
}

static unsigned
each_packet(struct span file, void (*fn)(const struct pkt *, const struct nhrp_packet *, void *), void *ctx)
{
	struct span f;
	unsigned n = 0;

	for (size_t at = 0; (f = next_frame(file, &at)).n;) {
		struct span s = nhrp_of_frame(f);
		struct nhrp_packet p;
		struct pkt k;

		if (!s.n)
			continue;
		ck_assert_str_eq(nhrp_drop_word(nhrp_packet_parse(s, &p)), "ok");
		k.n = get_be16(s.p + 10);	/* Ethernet may have padded it */
		memcpy(k.b, s.p, k.n);
		builds_again(&k, &p);
		fn(&k, &p, ctx);
		n++;
	}
	return n;
}

static void
tcpdump_line(const struct pkt *k, const struct nhrp_packet *p, void *ctx)
{
	struct text line = { .n = 0 };
	const char **out = ctx, *at = strstr(*out, "NHRP: ");

	(void)k;
	say_tcpdump(&line, p);
	ck_assert_ptr_nonnull(at);
	ck_assert_msg(strncmp(at, line.s, line.n) == 0, "%.*s", (int)strcspn(at, "\n"), at);
	*out = at + 1;
	if (p->type == NHRP_REGISTRATION_REPLY)	/* Cisco fills in the responder */
		ck_assert_ptr_nonnull(nhrp_ext_find(p, NHRP_EXT_RESPONDER));
}

static const struct {
	const char *pcap, *out;
	unsigned packets;
} cisco[] = {
	{ "vectors/nhrp/tcpdump/NHRP_registration.pcap", "vectors/nhrp/tcpdump/NHRP_registration.out", 4 },
	{ "vectors/nhrp/tcpdump/nhrp.pcapng", "vectors/nhrp/tcpdump/nhrp.out", 25 },
};

START_TEST(decoded_as_tcpdump_does)
{
	size_t n, m;
	uint8_t *pcap = test_shared(cisco[_i].pcap, &n), *out = test_shared(cisco[_i].out, &m);

	if (pcap && out) {
		const char *at = (const char *)out;

		ck_assert_uint_eq(each_packet(span_of(pcap, n), tcpdump_line, &at), cisco[_i].packets);
		ck_assert_ptr_null(strstr(at, "NHRP: "));
	}
	free(pcap);
	free(out);
}
END_TEST

static void
append(const struct pkt *k, const struct nhrp_packet *p, void *ctx)
{
	struct text *t = ctx;

	say_packet(t, p, k->n);
}

/* The .pcap beside each .txt holds the same packets. */
START_TEST(pcap_and_text_agree)
{
	static struct text from_pcap;
	char path[128];
	uint8_t *pcap;
	unsigned packets = 0;
	size_t n;

	forget();
	memset(&from_pcap, 0, sizeof(from_pcap));
	snprintf(path, sizeof(path), "vectors/nhrp/%s.pcap", texts[_i].name);
	pcap = test_shared(path, &n);
	if (!pcap || !text_file(texts[_i].name, &want_text, &got_text, &packets))
		goto out;
	ck_assert_uint_eq(each_packet(span_of(pcap, n), append, &from_pcap), texts[_i].packets);
	ck_assert_str_eq(from_pcap.s, want_text.s);
out:
	free(pcap);
}
END_TEST

Suite *suite_captures(void);
Suite *
suite_captures(void)
{
	Suite *s = suite_create("captures");
	TCase *t = tcase_create("captures");

	tcase_add_loop_test(t, decoded_as_written_beside_them, 0, (int)(sizeof(texts) / sizeof(texts[0])));
	tcase_add_loop_test(t, pcap_and_text_agree, 0, (int)(sizeof(texts) / sizeof(texts[0])));
	tcase_add_loop_test(t, decoded_as_tcpdump_does, 0, (int)(sizeof(cisco) / sizeof(cisco[0])));
	suite_add_tcase(s, t);
	return s;
}
