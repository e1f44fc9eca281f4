#include "mgre/tap.h"

#include "mgre/inner.h"
#include "tests/unit/mgre/mgre_test.h"

/* A frame with a UDP packet whose checksum field holds the folded pseudo-header sum, as the kernel hands it over. */
static size_t
frame(uint8_t *p, struct inner *in)
{
	uint8_t *ip = p + TAP_ETH, *udp = ip + 20;

	memset(p, 0, 128);
	put_be16(p + 12, 0x0800);
	ip[0] = 0x45;
	put_be16(ip + 2, 20 + 8 + 11);
	ip[9] = IP_UDP;
	memcpy(ip + 12, (uint8_t[]){ 10, 9, 0, 1, 10, 9, 0, 2 }, 8);
	put_be16(udp + 4, 8 + 11);
	memcpy(udp + 8, "odd octets!", 11);
	ck_assert_int_eq(inner_parse(ip, 39, 0x0800, in), MGRE_OK);
	put_be16(udp + 6, csum_fold(csum_pseudo(in, IP_UDP, 19)));
	return TAP_ETH + 39;
}

static void
header(uint8_t out[TAP_VNET], uint8_t flags, uint8_t gso, uint16_t start, uint16_t offset)
{
	uint16_t v[] = { 0, 0, start, offset };	/* native order */

	out[0] = flags;
	out[1] = gso;
	memcpy(out + 2, v, sizeof(v));
}

START_TEST(checksums_are_completed)
{
	uint8_t p[128], h[TAP_VNET];
	struct inner in;
	enum seg_kind kind;
	size_t n = frame(p, &in), step;

	header(h, 1, 0, TAP_ETH + 20, 6);
	ck_assert_int_eq(tap_finish(h, p, n, &kind, &step), MGRE_OK);
	ck_assert_uint_eq(csum_fold(csum_add(csum_pseudo(&in, IP_UDP, 19), in.p + 20, 19)), 0xffff);
}
END_TEST

START_TEST(zero_is_sent_as_ones)
{
	uint8_t p[128], h[TAP_VNET];
	struct inner in;
	enum seg_kind kind;
	size_t n = frame(p, &in), step;
	uint16_t sum;

	put_be16(in.p + 20, 0);	/* a source port that makes the sum 0xffff */
	sum = csum_fold(csum_add(0, in.p + 20, 19));
	put_be16(in.p + 20, (uint16_t)~sum);
	header(h, 1, 0, TAP_ETH + 20, 6);
	ck_assert_int_eq(tap_finish(h, p, n, &kind, &step), MGRE_OK);
	ck_assert_uint_eq(get_be16(in.p + 26), 0xffff);
}
END_TEST

static const struct {
	uint8_t flags, gso;
	uint16_t start, offset;
	enum mgre_count want;
} headers[] = {
	{ 0, 0, 0, 0, MGRE_OK },
	{ 2, 0, 0, 0, MGRE_OK },	/* data valid */
	{ 1, 1, 34, 6, MGRE_DROP_FRAME_OFFLOAD },	/* of no length */
	{ 1, 5, 34, 6, MGRE_DROP_FRAME_OFFLOAD },
	{ 1, 3, 34, 6, MGRE_DROP_FRAME_OFFLOAD },	/* UFO: not asked for */
	{ 1, 0, 13, 6, MGRE_DROP_FRAME_CHECKSUM },
	{ 1, 0, 53, 0, MGRE_DROP_FRAME_CHECKSUM },
	{ 1, 0, 52, 0, MGRE_DROP_FRAME_CHECKSUM },
	{ 1, 0, 51, 0, MGRE_OK },
	{ 1, 0, 65535, 65535, MGRE_DROP_FRAME_CHECKSUM },
	{ 1, 0, 34, 65535, MGRE_DROP_FRAME_CHECKSUM },
};

START_TEST(headers_are_bound_checked)
{
	uint8_t p[128], h[TAP_VNET];
	struct inner in;
	enum seg_kind kind;
	size_t n = frame(p, &in), step;

	header(h, headers[_i].flags, headers[_i].gso, headers[_i].start, headers[_i].offset);
	ck_assert_int_eq(tap_finish(h, p, n, &kind, &step), headers[_i].want);
}
END_TEST

START_TEST(super_packets_are_named)
{
	static const struct {
		uint8_t gso;
		enum seg_kind want;
	} types[] = { { 1, SEG_TCP4 }, { 4, SEG_TCP6 }, { 5, SEG_UDP }, { 0x81, SEG_TCP4 }, { 0x84, SEG_TCP6 } };
	uint8_t p[128], h[TAP_VNET], before[128];
	struct inner in;
	enum seg_kind kind;
	size_t n = frame(p, &in), step;

	memcpy(before, p, sizeof(p));
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		header(h, 1, types[i].gso, 34, 6);
		memcpy(h + 4, &(uint16_t){ 1234 }, 2);
		ck_assert_int_eq(tap_finish(h, p, n, &kind, &step), MGRE_OK);
		ck_assert_int_eq(kind, types[i].want);
		ck_assert_uint_eq(step, 1234);
		ck_assert_mem_eq(p, before, sizeof(p));
	}
	header(h, 1, 7, 34, 6);	/* a kind of tomorrow */
	memcpy(h + 4, &(uint16_t){ 1234 }, 2);
	ck_assert_int_eq(tap_finish(h, p, n, &kind, &step), MGRE_DROP_FRAME_OFFLOAD);
}
END_TEST

START_TEST(a_mac_is_a_number)
{
	uint8_t mac[TAP_MAC];
	uint32_t peer;

	tap_peer_mac(0x01020304, mac);
	ck_assert_mem_eq(mac, ((uint8_t[]){ 2, 0, 1, 2, 3, 4 }), 6);
	ck_assert(tap_mac_peer(mac, &peer));
	ck_assert_uint_eq(peer, 0x01020304);
	mac[0] = 6;
	ck_assert(!tap_mac_peer(mac, &peer));
}
END_TEST

START_TEST(our_mac_is_our_address)
{
	uint8_t mac[TAP_MAC], other[TAP_MAC];
	struct addr a;
	uint32_t peer;

	ck_assert(addr_parse("10.255.0.11", &a));
	tap_own_mac(&a, mac);
	ck_assert_mem_eq(mac, ((uint8_t[]){ 6, 0, 10, 255, 0, 11 }), 6);
	ck_assert(!tap_mac_peer(mac, &peer));
	ck_assert(addr_parse("fd00::1", &a));
	tap_own_mac(&a, mac);
	tap_own_mac(&a, other);
	ck_assert_mem_eq(mac, other, 6);
	ck_assert_mem_eq(mac, ((uint8_t[]){ 6, 1 }), 2);
	ck_assert(addr_parse("fd00::2", &a));
	tap_own_mac(&a, other);
	ck_assert_mem_ne(mac, other, 6);
}
END_TEST

Suite *
tap_suite(void)
{
	Suite *s = suite_create("mgre/tap");
	TCase *c = tcase_create("tap");

	tcase_add_test(c, checksums_are_completed);
	tcase_add_test(c, zero_is_sent_as_ones);
	tcase_add_loop_test(c, headers_are_bound_checked, 0, sizeof(headers) / sizeof(headers[0]));
	tcase_add_test(c, super_packets_are_named);
	tcase_add_test(c, a_mac_is_a_number);
	tcase_add_test(c, our_mac_is_our_address);
	suite_add_tcase(s, c);
	return s;
}
