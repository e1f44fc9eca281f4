/* twin of nhrpd/wire/build.c */
#include "tests/unit/nhrp_wire/util.h"

#include <stdlib.h>

/* The worked registration of the reference, from a struct, byte by byte. */
START_TEST(the_worked_registration)
{
	struct pkt want = golden("registration-request-worked"), got;
	struct nhrp_packet p = sample_request();
	struct nhrp_cie nhs = { .prefix_len = 32 };
	uint8_t nat[32], auth[16];
	struct wr wn = wr_of(nat, sizeof(nat)), wa = wr_of(auth, sizeof(auth)), w = wr_of(got.b, sizeof(got.b));

	p.flags = NHRP_FLAG_REG_UNIQUE | NHRP_FLAG_NAT;
	p.request_id = 1;
	p.src_nbma = ip("192.168.1.4");
	p.src_proto = p.dst_proto = ip("172.16.1.4");
	p.cie[0].hold_s = 7200;
	nhs.nbma = ip("192.168.1.1");
	nhs.proto = ip("0.0.0.0");
	nhrp_cie_build(&wn, &nhs);
	nhrp_auth_build(&wa, SPAN_STR("secret"));
	p.ext[0] = (struct nhrp_ext){ NHRP_EXT_FORWARD, true, { 0 } };
	p.ext[1] = (struct nhrp_ext){ NHRP_EXT_REVERSE, true, { 0 } };
	p.ext[2] = (struct nhrp_ext){ NHRP_EXT_RESPONDER, true, { 0 } };
	p.ext[3] = (struct nhrp_ext){ NHRP_EXT_NAT, false, wr_span(&wn) };
	p.ext[4] = (struct nhrp_ext){ NHRP_EXT_AUTH, true, wr_span(&wa) };
	p.n_ext = 5;
	p.has_ext = true;
	ck_assert_uint_eq(nhrp_packet_build(&w, &p), 106);
	for (size_t i = 0; i < want.n; i++)
		ck_assert_msg(got.b[i] == want.b[i], "octet %zu: %02x, not %02x", i, got.b[i], want.b[i]);
}
END_TEST

START_TEST(extension_part_only_where_asked)
{
	struct nhrp_packet p = sample_request(), q;
	struct pkt k;
	struct wr w = wr_of(k.b, sizeof(k.b));

	ck_assert_uint_eq(k.n = nhrp_packet_build(&w, &p), 52);
	ck_assert_uint_eq(get_be16(k.b + 14), 0);
	w = wr_of(k.b, sizeof(k.b));
	p.has_ext = true;
	ck_assert_uint_eq(k.n = nhrp_packet_build(&w, &p), 56);
	ck_assert_uint_eq(get_be16(k.b + 14), 52);
	ck_assert_uint_eq(get_be32(k.b + 52), 0x80000000);
	w = wr_of(k.b, sizeof(k.b));
	p.has_ext = false;	/* an extension brings the part with it */
	p.n_ext = 1;
	p.ext[0] = (struct nhrp_ext){ NHRP_EXT_VENDOR, false, SPAN_STR("\0\0\0") };
	ck_assert_uint_eq(k.n = nhrp_packet_build(&w, &p), 63);
	ck_assert_int_eq(nhrp_packet_parse(pkt_span(&k), &q), NHRP_OK);
	ck_assert_uint_eq(q.n_ext, 1);
}
END_TEST

/* Behind what stands in the writer already, e.g. a GRE header. */
START_TEST(anywhere_in_a_writer)
{
	struct nhrp_packet p = sample_request(), q;
	struct pkt k;
	struct wr w = wr_of(k.b, 100);

	wr_be32(&w, 0x00002001);
	ck_assert_uint_eq(nhrp_packet_build(&w, &p), 52);
	ck_assert_uint_eq(wr_len(&w), 56);
	ck_assert_uint_eq(get_be32(k.b), 0x00002001);
	ck_assert_int_eq(nhrp_packet_parse(span_of(k.b + 4, 52), &q), NHRP_OK);
	ck_assert_uint_eq(nhrp_packet_build(&w, &p), 0);	/* 44 octets left */
	ck_assert(w.bad);
	ck_assert_uint_eq(wr_len(&w), 56);
	ck_assert_int_eq(nhrp_packet_parse(span_of(k.b + 4, 52), &q), NHRP_OK);
	ck_assert_uint_eq(nhrp_packet_build(&w, &p), 0);
}
END_TEST

/* Every size of writer: whole or nothing, and not an octet beyond. */
START_TEST(whole_or_nothing)
{
	struct pkt k = golden("registration-reply-natted");
	struct nhrp_packet p;

	ck_assert_int_eq(nhrp_packet_parse(pkt_span(&k), &p), NHRP_OK);
	for (size_t n = 0; n <= k.n; n++) {
		uint8_t *exact = malloc(n ? n : 1);
		struct wr w = wr_of(exact, n);
		size_t got = nhrp_packet_build(&w, &p);

		ck_assert_uint_eq(got, n == k.n ? k.n : 0);
		ck_assert_int_eq(w.bad, n != k.n);
		ck_assert_uint_eq(wr_len(&w), got);
		free(exact);
	}
}
END_TEST

static const uint8_t huge[65536];

static void no_type(struct nhrp_packet *p) { p->type = 0; }
static void type_9(struct nhrp_packet *p) { p->type = NHRP_TYPES; }
static void afn(struct nhrp_packet *p) { p->afn = 3; }
static void pro_type(struct nhrp_packet *p) { p->pro_type = 0x0806; }
static void nbma_family(struct nhrp_packet *p) { p->src_nbma = ip("2001:db8::1"); }
static void nbma_len(struct nhrp_packet *p) { p->src_nbma.n = 5; }
static void src_family(struct nhrp_packet *p) { p->src_proto = ip("fd00::1"); }
static void no_src(struct nhrp_packet *p) { p->src_proto = (struct addr){ 0 }; }
static void no_dst(struct nhrp_packet *p) { p->dst_proto = (struct addr){ 0 }; }
static void dst_family(struct nhrp_packet *p) { p->dst_proto = ip("fd00::1"); }
static void cie_nbma_family(struct nhrp_packet *p) { p->cie[0].nbma = ip("2001:db8::1"); }
static void cie_proto_family(struct nhrp_packet *p) { p->cie[0].proto = ip("fd00::1"); }
static void no_cie(struct nhrp_packet *p) { p->n_cie = 0; }
static void many_cies(struct nhrp_packet *p) { p->n_cie = NHRP_CIES_MAX + 1; }
static void payload_in_request(struct nhrp_packet *p) { p->payload = SPAN_STR("x"); }
static void cie_in_error(struct nhrp_packet *p) { p->type = NHRP_ERROR_INDICATION; }
static void many_exts(struct nhrp_packet *p) { p->n_ext = NHRP_EXTS_MAX + 1; }

static void
ext_end(struct nhrp_packet *p)
{
	p->n_ext = 1;
	p->ext[0].type = NHRP_EXT_END;
}

static void
ext_15_bits(struct nhrp_packet *p)
{
	p->n_ext = 1;
	p->ext[0].type = 0x4008;
}

static void
ext_twice(struct nhrp_packet *p)
{
	p->n_ext = 3;
	p->ext[0].type = p->ext[2].type = NHRP_EXT_AUTH;
	p->ext[1].type = NHRP_EXT_NAT;
}

static void
ext_long(struct nhrp_packet *p)
{
	p->n_ext = 1;
	p->ext[0] = (struct nhrp_ext){ NHRP_EXT_VENDOR, false, { huge, sizeof(huge) } };
}

static void
packet_long(struct nhrp_packet *p)
{
	p->n_ext = 1;
	p->ext[0] = (struct nhrp_ext){ NHRP_EXT_VENDOR, false, { huge, 65535 - 52 - 8 + 1 } };
}

static void
payload_long(struct nhrp_packet *p)
{
	p->type = NHRP_TRAFFIC_INDICATION;
	p->n_cie = 0;
	p->payload = span_of(huge, 65535 - 40 + 1);
}

static void (*const nonsense[])(struct nhrp_packet *) = {
	no_type, type_9, afn, pro_type, nbma_family, nbma_len, src_family, no_src, no_dst, dst_family, cie_nbma_family, cie_proto_family,
	no_cie, many_cies, payload_in_request, cie_in_error, many_exts, ext_end, ext_15_bits, ext_twice, ext_long, packet_long, payload_long,
};

START_TEST(nonsense_is_refused)
{
	static uint8_t out[1 << 18];
	struct nhrp_packet p = sample_request();
	struct wr w = wr_of(out, sizeof(out));

	ck_assert_uint_eq(nhrp_packet_build(&w, &p), 52);
	w = wr_of(out, sizeof(out));
	nonsense[_i](&p);
	ck_assert_uint_eq(nhrp_packet_build(&w, &p), 0);
	ck_assert(w.bad);
	ck_assert_uint_eq(wr_len(&w), 0);
}
END_TEST

START_TEST(longest_packet)
{
	static uint8_t out[65535];
	struct nhrp_packet p = sample_request(), q;
	struct wr w = wr_of(out, sizeof(out));

	p.type = NHRP_TRAFFIC_INDICATION;
	p.n_cie = 0;
	p.payload = span_of(huge, 65535 - 40);
	ck_assert_uint_eq(nhrp_packet_build(&w, &p), 65535);
	ck_assert_int_eq(nhrp_packet_parse(span_of(out, 65535), &q), NHRP_OK);
	ck_assert_uint_eq(q.payload.n, p.payload.n);
}
END_TEST

Suite *suite_build(void);
Suite *
suite_build(void)
{
	Suite *s = suite_create("build");
	TCase *t = tcase_create("build");

	tcase_add_test(t, the_worked_registration);
	tcase_add_test(t, extension_part_only_where_asked);
	tcase_add_test(t, anywhere_in_a_writer);
	tcase_add_test(t, whole_or_nothing);
	tcase_add_loop_test(t, nonsense_is_refused, 0, (int)(sizeof(nonsense) / sizeof(nonsense[0])));
	tcase_add_test(t, longest_packet);
	suite_add_tcase(s, t);
	return s;
}
