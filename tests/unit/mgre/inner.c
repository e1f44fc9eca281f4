#include "mgre/inner.h"

#include <stdlib.h>

#include "mgre/gre.h"
#include "tests/unit/mgre/mgre_test.h"

/* --- packets to work on, with right checksums */

static size_t
ip4(uint8_t *p, size_t payload, uint8_t proto, uint16_t off, uint8_t tos)
{
	size_t n = 20 + payload;

	memset(p, 0, 20);
	p[0] = 0x45;
	p[1] = tos;
	put_be16(p + 2, (uint16_t)n);
	put_be16(p + 4, 0xbeef);
	put_be16(p + 6, off);
	p[8] = 63;
	p[9] = proto;
	memcpy(p + 12, (uint8_t[]){ 10, 9, 0, 12, 10, 9, 0, 13 }, 8);
	for (size_t i = 0; i < payload; i++)
		p[20 + i] = (uint8_t)(i * 7 + 1);
	put_be16(p + 10, 0);
	put_be16(p + 10, (uint16_t)~csum_fold(csum_add(0, p, 20)));
	return n;
}

static size_t
ip6(uint8_t *p, size_t payload, uint8_t next, uint8_t tos)
{
	memset(p, 0, 40);
	p[0] = (uint8_t)(0x60 | tos >> 4);
	p[1] = (uint8_t)(tos << 4);
	put_be16(p + 4, (uint16_t)payload);
	p[6] = next;
	p[7] = 63;
	memcpy(p + 8, A("fd09::12").b, 16);
	memcpy(p + 24, A("fd09::13").b, 16);
	for (size_t i = 0; i < payload; i++)
		p[40 + i] = (uint8_t)(i * 7 + 1);
	return 40 + payload;
}

static size_t
syn(uint8_t *p, bool v6, const char *options)
{
	uint8_t opt[40];
	size_t n = test_unhex(options, opt, sizeof(opt)), len = 20 + n, at = v6 ? 40 : 20, total;
	struct inner in;
	uint8_t *tcp = p + at;

	total = v6 ? ip6(p, len, IP_TCP, 0) : ip4(p, len, IP_TCP, 0, 0);
	memset(tcp, 0, 20);
	tcp[12] = (uint8_t)(len / 4 << 4);
	tcp[13] = 2;
	memcpy(tcp + 20, opt, n);
	ck_assert_int_eq(inner_parse(p, total, v6 ? GRE_IPV6 : GRE_IPV4, &in), MGRE_OK);
	put_be16(tcp + 16, (uint16_t)~csum_fold(csum_add(csum_pseudo(&in, IP_TCP, len), tcp, len)));
	return total;
}

static bool
header_good(const uint8_t *p)
{
	return csum_fold(csum_add(0, p, (size_t)(p[0] & 15) * 4)) == 0xffff;
}

static bool
transport_good(const struct inner *in)
{
	return csum_fold(csum_add(csum_pseudo(in, in->proto, in->n - in->l4), in->p + in->l4, in->n - in->l4)) == 0xffff;
}

/* Long ones are summed in other ways than short ones. */
START_TEST(checksums_of_all_lengths)
{
	static uint8_t p[700];

	for (size_t i = 0; i < sizeof(p); i++)
		p[i] = i < 300 ? 0xff : (uint8_t)(i * 31 + 5);
	for (size_t at = 0; at < 5; at++) {
		uint32_t sum = 0;

		for (size_t n = 0; at + n < sizeof(p); n++) {
			ck_assert_uint_eq(csum_fold(csum_add(0, p + at, n)), sum);
			sum += n & 1 ? p[at + n] : (uint32_t)p[at + n] << 8;
			sum = (sum & 0xffff) + (sum >> 16);
		}
	}
}
END_TEST

START_TEST(checksum_of_rfc_1071)
{
	uint8_t p[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };

	ck_assert_uint_eq(csum_fold(csum_add(0, p, 8)), 0xddf2);
	ck_assert_uint_eq(csum_fold(csum_add(0, p, 3)), 0xf201);
	ck_assert_uint_eq(csum_fold(csum_add(0, p, 0)), 0);
}
END_TEST

START_TEST(packets_are_read)
{
	uint8_t p[256];
	struct inner in;
	size_t n = ip4(p, 30, IP_UDP, 0x4000, 0xb9);

	ck_assert_int_eq(inner_parse(p, n + 50, GRE_IPV4, &in), MGRE_OK);	/* padding behind is cut */
	ck_assert_uint_eq(in.n, n);
	ck_assert(in.df && !in.later && !in.v6);
	ck_assert_uint_eq(in.tos, 0xb9);
	ck_assert_uint_eq(in.l4, 20);
	ip4(p, 30, IP_UDP, 0x2000 | 10, 0);
	ck_assert_int_eq(inner_parse(p, n, GRE_IPV4, &in), MGRE_OK);
	ck_assert(in.later && !in.df && in.l4 == 0);
	n = ip6(p, 60, 0, 0xb9);	/* hop by hop, 16 octets; destination options, 8; UDP */
	p[40] = 60, p[41] = 1, p[56] = IP_UDP, p[57] = 0;
	ck_assert_int_eq(inner_parse(p, n, GRE_IPV6, &in), MGRE_OK);
	ck_assert_uint_eq(in.l4, 64);
	ck_assert_uint_eq(in.proto, IP_UDP);
	ck_assert_uint_eq(in.tos, 0xb9);
	n = ip6(p, 60, 44, 0);
	p[40] = IP_TCP, put_be16(p + 42, 8 << 3 | 1);
	ck_assert_int_eq(inner_parse(p, n, GRE_IPV6, &in), MGRE_OK);
	ck_assert(in.later && in.l4 == 0 && in.proto == IP_TCP);
}
END_TEST

START_TEST(wrong_packets_are_named)
{
	uint8_t p[256];
	struct inner in;
	size_t n = ip4(p, 30, IP_UDP, 0, 0);

	ck_assert_int_eq(inner_parse(p, 19, GRE_IPV4, &in), MGRE_DROP_INNER_SHORT);
	ck_assert_int_eq(inner_parse(p, n - 1, GRE_IPV4, &in), MGRE_DROP_INNER_LENGTH);
	ck_assert_int_eq(inner_parse(p, n, GRE_IPV6, &in), MGRE_DROP_INNER_VERSION);
	p[0] = 0x44;
	ck_assert_int_eq(inner_parse(p, n, GRE_IPV4, &in), MGRE_DROP_INNER_LENGTH);
	p[0] = 0x4f;
	ck_assert_int_eq(inner_parse(p, 50, GRE_IPV4, &in), MGRE_DROP_INNER_LENGTH);
	p[0] = 0x65;
	ck_assert_int_eq(inner_parse(p, n, GRE_IPV4, &in), MGRE_DROP_INNER_VERSION);
	n = ip6(p, 30, IP_UDP, 0);
	ck_assert_int_eq(inner_parse(p, 39, GRE_IPV6, &in), MGRE_DROP_INNER_SHORT);
	ck_assert_int_eq(inner_parse(p, n - 1, GRE_IPV6, &in), MGRE_DROP_INNER_LENGTH);
}
END_TEST

/* RFC 6040, figure 4: inner, outer, result; -1 drop. Not-ECT 0, ECT(1) 1, ECT(0) 2, CE 3. */
static const int8_t rfc6040[16][3] = {
	{ 0, 0, 0 }, { 0, 2, 0 }, { 0, 1, 0 }, { 0, 3, -1 }, { 2, 0, 2 }, { 2, 2, 2 }, { 2, 1, 1 }, { 2, 3, 3 },
	{ 1, 0, 1 }, { 1, 2, 1 }, { 1, 1, 1 }, { 1, 3, 3 }, { 3, 0, 3 }, { 3, 2, 3 }, { 3, 1, 3 }, { 3, 3, 3 },
};

START_TEST(congestion_marks)
{
	uint8_t p[128], tos = (uint8_t)(0xb8 | rfc6040[_i][0]);
	struct inner in;

	for (int v6 = 0; v6 < 2; v6++) {
		size_t n = v6 ? ip6(p, 20, IP_UDP, tos) : ip4(p, 20, IP_UDP, 0, tos);
		enum mgre_count want = rfc6040[_i][2] < 0 ? MGRE_DROP_ECN : MGRE_OK;

		ck_assert_int_eq(inner_parse(p, n, v6 ? GRE_IPV6 : GRE_IPV4, &in), MGRE_OK);
		ck_assert_int_eq(inner_ecn(&in, (uint8_t)(0x20 | rfc6040[_i][1])), want);
		ck_assert(v6 || header_good(p));
		ck_assert_int_eq(inner_parse(p, n, v6 ? GRE_IPV6 : GRE_IPV4, &in), MGRE_OK);
		ck_assert_uint_eq(in.tos, want == MGRE_OK ? (unsigned)(0xb8 | rfc6040[_i][2]) : tos);	/* DSCP stays the inner one */
	}
}
END_TEST

static const struct {
	const char *options;
	int at;	/* of the value, in the options; -1: nothing to change */
} mss[] = {
	{ "020405b4 01010402", 2 },
	{ "01020405 b4010101", 3 },	/* on an odd octet */
	{ "01010402 020405b4", 6 },
	{ "02040400 01010101", -1 },	/* small enough */
	{ "01010101 00020405 b4000000", -1 },	/* behind the end of options */
	{ "02030500 01010101", -1 },	/* length wrong */
	{ "02000405 b4010101", -1 },
	{ "01010101 010102ff", -1 },	/* runs over */
	{ "01010101 01010102", -1 },
	{ "", -1 },
};

START_TEST(mss_is_lowered)
{
	for (int v6 = 0; v6 < 2; v6++) {
		uint8_t p[128], before[128];
		size_t n = syn(p, v6, mss[_i].options), at = (v6 ? 40u : 20u) + 20;
		struct inner in;

		memcpy(before, p, n);
		ck_assert_int_eq(inner_parse(p, n, v6 ? GRE_IPV6 : GRE_IPV4, &in), MGRE_OK);
		ck_assert_int_eq(inner_clamp_mss(&in, 1360), mss[_i].at >= 0);
		if (mss[_i].at < 0) {
			ck_assert_mem_eq(p, before, n);
			continue;
		}
		ck_assert_uint_eq(get_be16(p + at + mss[_i].at), 1360);
		ck_assert(transport_good(&in));
		ck_assert(!inner_clamp_mss(&in, 1360));
	}
}
END_TEST

START_TEST(only_of_whole_syns)
{
	uint8_t p[128];
	size_t n = syn(p, false, "020405b4");
	struct inner in;

	p[20 + 13] = 0x10;	/* ACK alone */
	inner_parse(p, n, GRE_IPV4, &in);
	ck_assert(!inner_clamp_mss(&in, 1000));
	p[20 + 13] = 2;
	p[20 + 12] = 0x40;	/* header shorter than it can be */
	ck_assert(!inner_clamp_mss(&in, 1000));
	p[20 + 12] = 0xf0;	/* longer than the packet */
	ck_assert(!inner_clamp_mss(&in, 1000));
	for (size_t len = 20; len < n; len++) {
		uint8_t *exact = malloc(len);

		put_be16(p + 2, (uint16_t)len);
		p[20 + 12] = 0x60;
		memcpy(exact, p, len);
		ck_assert_int_eq(inner_parse(exact, len, GRE_IPV4, &in), MGRE_OK);
		ck_assert(!inner_clamp_mss(&in, 1000));
		free(exact);
	}
}
END_TEST

START_TEST(too_big_is_said)
{
	uint8_t p[2000], out[ICMP6_QUOTE_MAX];
	struct addr a4 = A("10.9.0.1"), a6 = A("fd09::1");
	struct inner in, icmp;
	size_t n = ip4(p, 1400, IP_UDP, 0x4000, 0), m;

	inner_parse(p, n, GRE_IPV4, &in);
	m = icmp_too_big(&in, &a4, 1230, out, sizeof(out));
	ck_assert_uint_eq(m, 576);
	ck_assert_int_eq(inner_parse(out, m, GRE_IPV4, &icmp), MGRE_OK);
	ck_assert(header_good(out));
	ck_assert(addr_eq(&icmp.src, &a4) && addr_eq(&icmp.dst, &in.src));
	ck_assert_uint_eq(csum_fold(csum_add(0, out + 20, m - 20)), 0xffff);
	ck_assert_mem_eq(out + 20, ((uint8_t[]){ 3, 4 }), 2);
	ck_assert_uint_eq(get_be16(out + 26), 1230);
	ck_assert_mem_eq(out + 28, p, m - 28);
	n = ip6(p, 1400, IP_UDP, 0);
	inner_parse(p, n, GRE_IPV6, &in);
	m = icmp_too_big(&in, &a6, 1300, out, sizeof(out));
	ck_assert_uint_eq(m, 1280);
	ck_assert_int_eq(inner_parse(out, m, GRE_IPV6, &icmp), MGRE_OK);
	ck_assert(transport_good(&icmp));
	ck_assert_uint_eq(out[40], 2);
	ck_assert_uint_eq(get_be32(out + 44), 1300);
	ck_assert_mem_eq(out + 48, p, m - 48);
	ck_assert_uint_eq(icmp_too_big(&in, &a6, 1300, out, 1279), 0);
}
END_TEST

START_TEST(not_to_everyone)
{
	uint8_t p[128];
	struct inner in;
	size_t n = ip4(p, 30, IP_ICMP, 0x4000, 0);

	p[20] = 8;
	inner_parse(p, n, GRE_IPV4, &in);
	ck_assert(icmp_may_answer(&in));
	p[20] = 3;	/* an error */
	ck_assert(!icmp_may_answer(&in));
	p[20] = 5;
	ck_assert(inner_is_redirect(&in));
	n = ip4(p, 30, IP_UDP, 0x4000 | 5, 0);	/* a later fragment */
	inner_parse(p, n, GRE_IPV4, &in);
	ck_assert(!icmp_may_answer(&in));
	n = ip4(p, 30, IP_UDP, 0x4000, 0);
	memcpy(p + 16, (uint8_t[]){ 224, 0, 0, 5 }, 4);
	inner_parse(p, n, GRE_IPV4, &in);
	ck_assert(!icmp_may_answer(&in));
	n = ip4(p, 30, IP_UDP, 0x4000, 0);
	memset(p + 12, 0, 4);
	inner_parse(p, n, GRE_IPV4, &in);
	ck_assert(!icmp_may_answer(&in));
	n = ip6(p, 30, IP_ICMP6, 0);
	p[40] = 1;
	inner_parse(p, n, GRE_IPV6, &in);
	ck_assert(!icmp_may_answer(&in));
	p[40] = 128;
	ck_assert(icmp_may_answer(&in) && !inner_is_redirect(&in));
	p[40] = 137;
	ck_assert(inner_is_redirect(&in));
}
END_TEST

/* Put together again they are the packet, whatever the sizes; a fragment can be cut further. */
START_TEST(fragments_add_up)
{
	static const uint16_t offs[] = { 0, 0x2000, 0x2000 | 100, 50 };
	uint8_t p[4096], got[4096], piece[1500];

	for (size_t payload = 1; payload < 3000; payload += 97) {
		size_t n = ip4(p, payload, IP_UDP, offs[_i], 0), max = 300 + payload % 500, sum = 0, m;
		struct inner in;
		struct frag f;

		ck_assert_int_eq(inner_parse(p, n, GRE_IPV4, &in), MGRE_OK);
		ck_assert(frag_begin(&f, &in, max));
		while ((m = frag_next(&f, piece))) {
			uint16_t off = get_be16(piece + 6);

			ck_assert_uint_le(m, max);
			ck_assert_uint_eq(get_be16(piece + 2), m);
			ck_assert(header_good(piece));
			ck_assert_uint_eq(get_be16(piece + 4), 0xbeef);
			ck_assert_uint_eq((off & 0x1fff) - (offs[_i] & 0x1fff), sum / 8);
			memcpy(got + sum, piece + 20, m - 20);
			sum += m - 20;
			ck_assert_int_eq(!!(off & 0x2000), sum < payload || offs[_i] & 0x2000);
			ck_assert(sum == payload || (m - 20) % 8 == 0);
		}
		ck_assert_uint_eq(sum, payload);
		ck_assert_mem_eq(got, p + 20, payload);
	}
}
END_TEST

START_TEST(options_of_later_pieces)
{
	uint8_t p[600] = { 0 }, piece[600];
	struct inner in;
	struct frag f;

	ip4(p + 12, 500, IP_UDP, 0, 0);
	memmove(p, p + 12, 20);
	p[0] = 0x48;	/* 12 octets of options: record route (not copied), router alert (copied) */
	memcpy(p + 20, (uint8_t[]){ 7, 7, 4, 1, 2, 3, 4, 0x94, 4, 0, 0, 0 }, 12);
	put_be16(p + 2, 532);
	ck_assert_int_eq(inner_parse(p, 532, GRE_IPV4, &in), MGRE_OK);
	ck_assert(frag_begin(&f, &in, 300));
	ck_assert_uint_gt(frag_next(&f, piece), 0);
	ck_assert_mem_eq(piece + 20, p + 20, 12);
	ck_assert_uint_gt(frag_next(&f, piece), 0);
	ck_assert_mem_eq(piece + 20, ((uint8_t[]){ 1, 1, 1, 1, 1, 1, 1, 0x94, 4, 0, 0, 0 }), 12);
	p[20] = 0x94, p[21] = 0xff;	/* says it is longer than it can be */
	ck_assert(frag_begin(&f, &in, 300));
	while (frag_next(&f, piece))
		;
	ck_assert(!frag_begin(&f, &in, 39));	/* no room for eight octets */
	ck_assert(frag_begin(&f, &in, 40));
}
END_TEST

START_TEST(udp_gets_its_checksum)
{
	uint8_t p[1600];
	struct inner in;

	for (size_t payload = 8; payload < 1500; payload++) {
		size_t at = _i ? 40 : 20, n = _i ? ip6(p, payload, IP_UDP, 0) : ip4(p, payload, IP_UDP, 0, 0);

		put_be16(p + at + 4, (uint16_t)payload);
		ck_assert_int_eq(inner_parse(p, n, _i ? GRE_IPV6 : GRE_IPV4, &in), MGRE_OK);
		inner_sum_udp(&in);
		ck_assert(transport_good(&in));
		ck_assert_uint_ne(get_be16(p + at + 6), 0);
	}
}
END_TEST

START_TEST(nothing_else_gets_a_checksum)
{
	static const struct {
		uint8_t proto;
		uint16_t off, length;
	} t[] = { { IP_TCP, 0, 20 }, { IP_ICMP, 0, 20 }, { 89, 0, 20 }, { IP_UDP, 3, 20 }, { IP_UDP, 0x2000, 40 }, { IP_UDP, 0, 19 } };
	uint8_t p[100], before[100];
	struct inner in;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		size_t n = ip4(p, 20, t[i].proto, t[i].off, 0);

		put_be16(p + 24, t[i].length);
		memcpy(before, p, n);
		ck_assert_int_eq(inner_parse(p, n, GRE_IPV4, &in), MGRE_OK);
		inner_sum_udp(&in);
		ck_assert_msg(memcmp(before, p, n) == 0, "case %zu", i);
	}
}
END_TEST

Suite *
inner_suite(void)
{
	Suite *s = suite_create("mgre/inner");
	TCase *c = tcase_create("inner");

	tcase_add_test(c, checksum_of_rfc_1071);
	tcase_add_test(c, checksums_of_all_lengths);
	tcase_add_loop_test(c, udp_gets_its_checksum, 0, 2);
	tcase_add_test(c, nothing_else_gets_a_checksum);
	tcase_add_test(c, packets_are_read);
	tcase_add_test(c, wrong_packets_are_named);
	tcase_add_loop_test(c, congestion_marks, 0, 16);
	tcase_add_loop_test(c, mss_is_lowered, 0, sizeof(mss) / sizeof(mss[0]));
	tcase_add_test(c, only_of_whole_syns);
	tcase_add_test(c, too_big_is_said);
	tcase_add_test(c, not_to_everyone);
	tcase_add_loop_test(c, fragments_add_up, 0, 4);
	tcase_add_test(c, options_of_later_pieces);
	suite_add_tcase(s, c);
	return s;
}
