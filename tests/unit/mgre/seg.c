#include "mgre/seg.h"

#include "tests/unit/mgre/mgre_test.h"
#include "tests/unit/mgre/super.h"

enum { FIN = 1, SYN = 2, PSH = 8, ACK = 16, URG = 32, ECE = 64, CWR = 128 };

static uint8_t packet[65536], out[65536];

/* Cuts, and looks at each piece: right in itself, the same headers but for what has to differ, and together the same octets. */
static unsigned
cut(const struct super_conf *c, enum seg_kind kind, size_t step)
{
	size_t n = super_make(packet, c), head = super_head(packet), at = head, len;
	struct inner in = super_parse(packet, n);
	struct seg s;
	unsigned i = 0;

	ck_assert_int_eq(seg_begin(&s, &in, kind, step), MGRE_OK);
	ck_assert_uint_eq(s.head, head);
	ck_assert_uint_eq(seg_longest(&s), c->payload < step ? n : head + step);
	for (; (len = seg_next(&s, out)); i++) {
		bool last = at + step >= n;
		uint8_t *l4 = out + in.l4;

		ck_assert_uint_eq(len, last ? head + n - at : head + step);
		ck_assert(super_good(out, len));
		ck_assert_mem_eq(out + head, packet + at, len - head);
		at += len - head;
		ck_assert_int_eq(seg_more(&s), !last);
		if (!c->v6)
			ck_assert_uint_eq(get_be16(out + 4), (uint16_t)(c->id + i));
		if (!c->udp) {
			ck_assert_uint_eq(get_be32(l4 + 4), (uint32_t)(c->seq + i * step));
			ck_assert_uint_eq(l4[13], c->flags & ~(last ? 0 : FIN | PSH) & ~(i ? CWR : 0));
			ck_assert_mem_eq(l4 + 20, packet + in.l4 + 20, c->options);
		}
	}
	ck_assert_uint_eq(at, n);
	return i;
}

START_TEST(tcp_is_cut)
{
	struct super_conf c = { .v6 = _i, .flags = ACK, .off = 0x4000, .id = 65530, .payload = 20 * 1348, .seq = 0xffffff00, .options = 12 };
	enum seg_kind k = _i ? SEG_TCP6 : SEG_TCP4;

	ck_assert_uint_eq(cut(&c, k, 1348), 20);
	for (c.payload = 1; c.payload < 40; c.payload++)
		ck_assert_uint_eq(cut(&c, k, 13), (c.payload + 12) / 13);
	c.payload = 65535 - (_i ? 60 : 40) - 12 - (_i ? 0 : 0);
	cut(&c, k, 1347);
	c.options = 40;
	c.payload = 10001;
	cut(&c, k, 999);
}
END_TEST

START_TEST(flags_stand_where_they_belong)
{
	static const uint8_t flags[] = { ACK, ACK | PSH, ACK | FIN, ACK | PSH | FIN | CWR, ACK | CWR | ECE, ACK | URG, SYN | ACK };

	for (size_t i = 0; i < sizeof(flags); i++) {
		struct super_conf c = { .flags = flags[i], .payload = 3000, .tos = 2 };

		ck_assert_uint_eq(cut(&c, SEG_TCP4, 1000), 3);
	}
}
END_TEST

START_TEST(udp_is_cut)
{
	struct super_conf c = { .v6 = _i, .udp = true, .payload = 4321, .off = 0x4000 };

	ck_assert_uint_eq(cut(&c, SEG_UDP, 1200), 4);
	ck_assert_uint_eq(cut(&c, SEG_UDP, 1), 4321);
}
END_TEST

/* RFC 768: a sum of zero is sent as ones. */
START_TEST(udp_zero_is_ones)
{
	struct super_conf c = { .udp = true, .payload = 4 };
	size_t n = super_make(packet, &c);
	struct inner in;
	struct seg s;

	put_be16(packet + 28, 0);
	super_sign(packet, n);
	put_be16(packet + 28, get_be16(packet + 26));	/* now what is summed makes 0xffff */
	in = super_parse(packet, n);
	ck_assert_int_eq(seg_begin(&s, &in, SEG_UDP, 100), MGRE_OK);
	ck_assert_uint_eq(seg_next(&s, out), n);
	ck_assert_uint_eq(get_be16(out + 26), 0xffff);
}
END_TEST

START_TEST(the_source_stays)
{
	struct super_conf c = { .flags = ACK | FIN, .payload = 5000 };
	size_t n = super_make(packet, &c);
	static uint8_t before[65536];

	memcpy(before, packet, n);
	cut(&c, SEG_TCP4, 700);
	ck_assert_mem_eq(before, packet, n);
}
END_TEST

static const struct {
	struct super_conf c;
	enum seg_kind kind;
	size_t step, at;	/* at, value: an octet spoilt */
	uint8_t value;
} wrong[] = {
	{ { .flags = ACK, .payload = 100 }, SEG_TCP4, 0, 0, 0x45 },
	{ { .flags = ACK, .payload = 100 }, SEG_NONE, 10, 0, 0x45 },
	{ { .flags = ACK, .payload = 100 }, SEG_TCP6, 10, 0, 0x45 },
	{ { .flags = ACK, .payload = 100 }, SEG_UDP, 10, 0, 0x45 },
	{ { .v6 = true, .flags = ACK, .payload = 100 }, SEG_TCP4, 10, 0, 0x60 },
	{ { .udp = true, .payload = 100 }, SEG_TCP4, 10, 0, 0x45 },
	{ { .flags = ACK, .payload = 0 }, SEG_TCP4, 10, 0, 0x45 },	/* nothing to cut */
	{ { .udp = true, .payload = 0 }, SEG_UDP, 10, 0, 0x45 },
	{ { .flags = ACK, .payload = 100, .off = 0x2000 }, SEG_TCP4, 10, 0, 0x45 },	/* a fragment */
	{ { .flags = ACK, .payload = 100, .off = 1 }, SEG_TCP4, 10, 0, 0x45 },
	{ { .flags = ACK, .payload = 10 }, SEG_TCP4, 10, 32, 0xf0 },	/* more header than packet */
	{ { .flags = ACK, .payload = 100 }, SEG_TCP4, 10, 32, 0x40 },	/* less than one */
	{ { .flags = ACK, .payload = 100 }, SEG_TCP4, 10, 32, 0x00 },
};

START_TEST(nonsense_is_refused)
{
	size_t n = super_make(packet, &wrong[_i].c);
	struct inner in;
	struct seg s;

	packet[wrong[_i].at] = wrong[_i].value;
	in = super_parse(packet, n);
	ck_assert_int_eq(seg_begin(&s, &in, wrong[_i].kind, wrong[_i].step), MGRE_DROP_FRAME_OFFLOAD);
}
END_TEST

START_TEST(short_headers_are_refused)
{
	struct super_conf c = { .flags = ACK, .payload = 100 };

	for (size_t n = 20; n <= 40; n++) {
		struct inner in;
		struct seg s;

		super_make(packet, &c);
		put_be16(packet + 2, (uint16_t)n);
		in = super_parse(packet, n);
		ck_assert_int_eq(seg_begin(&s, &in, SEG_TCP4, 10), MGRE_DROP_FRAME_OFFLOAD);
	}
}
END_TEST

/* Hop-by-hop options stand in each segment. */
START_TEST(extension_headers_are_copied)
{
	struct super_conf c = { .v6 = true, .flags = ACK, .payload = 1000, .seq = 5 };
	static uint8_t with[65536];
	size_t n = super_make(packet, &c), len, sum = 0;
	struct inner in;
	struct seg s;

	memcpy(with, packet, 40);
	memcpy(with + 40, (uint8_t[]){ 6, 0, 1, 4, 0, 0, 0, 0 }, 8);
	memcpy(with + 48, packet + 40, n - 40);
	with[6] = 0;
	put_be16(with + 4, (uint16_t)(n - 40 + 8));
	in = super_parse(with, n + 8);
	ck_assert_uint_eq(in.l4, 48);
	ck_assert_int_eq(seg_begin(&s, &in, SEG_TCP6, 300), MGRE_OK);
	while ((len = seg_next(&s, out))) {
		ck_assert_mem_eq(out + 40, with + 40, 8);
		memmove(out + 40, out + 48, len - 48);	/* without them it is one that super_good() knows */
		out[6] = 6;
		put_be16(out + 4, (uint16_t)(len - 48));
		ck_assert(super_good(out, len - 8));
		sum += len - 68;
	}
	ck_assert_uint_eq(sum, 1000);
}
END_TEST

Suite *
seg_suite(void)
{
	Suite *s = suite_create("mgre/seg");
	TCase *c = tcase_create("seg");

	tcase_add_loop_test(c, tcp_is_cut, 0, 2);
	tcase_add_test(c, flags_stand_where_they_belong);
	tcase_add_loop_test(c, udp_is_cut, 0, 2);
	tcase_add_test(c, udp_zero_is_ones);
	tcase_add_test(c, the_source_stays);
	tcase_add_loop_test(c, nonsense_is_refused, 0, sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(c, short_headers_are_refused);
	tcase_add_test(c, extension_headers_are_copied);
	suite_add_tcase(s, c);
	return s;
}
