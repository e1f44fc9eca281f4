/* Fragments (RFC 7383): numbers, place, padding, and that what is built is what is read. */
#include "tests/unit/ike_wire/golden.h"

static const struct {
	const char *what;
	uint8_t first;
	const char *hex;	/* chain from the first payload on */
	enum ike_drop want;
} rows[] = {
	{ "first of two", IKE_PL_SKF, "2900000a00010002ffff", IKE_OK },
	{ "second of two", IKE_PL_SKF, "0000000a00020002ffff", IKE_OK },
	{ "only one", IKE_PL_SKF, "2900000a00010001ffff", IKE_OK },
	{ "number 0", IKE_PL_SKF, "2900000a00000002ffff", IKE_DROP_FRAGMENT },
	{ "total 0", IKE_PL_SKF, "2900000a00010000ffff", IKE_DROP_FRAGMENT },
	{ "number past the total", IKE_PL_SKF, "0000000a00030002ffff", IKE_DROP_FRAGMENT },
	{ "first without a payload type", IKE_PL_SKF, "0000000a00010002ffff", IKE_DROP_FRAGMENT },
	{ "second with a payload type", IKE_PL_SKF, "2900000a00020002ffff", IKE_DROP_FRAGMENT },
	{ "empty", IKE_PL_SKF, "2900000800010002", IKE_DROP_SK_SYNTAX },
	{ "numbers cut", IKE_PL_SKF, "29000006000100", IKE_DROP_SK_SYNTAX },
	{ "nothing at all", IKE_PL_SKF, "29000004", IKE_DROP_SK_SYNTAX },
	{ "something behind it", IKE_PL_SKF, "2900000a00010002ffff00000004", IKE_DROP_SK_SYNTAX },
	{ "a notify before it", IKE_PL_NOTIFY, "35000008000040002900000a00010002ffff", IKE_DROP_FRAGMENT },
	{ "a vendor id before it", IKE_PL_VENDOR, "35000005ff2900000a00010002ffff", IKE_DROP_FRAGMENT },
};

START_TEST(numbers)
{
	struct ike_msg m;

	enum ike_drop d = raw_parse(IKE_AUTH, IKE_FLAG_INITIATOR, rows[_i].first, rows[_i].hex, &m);
	ck_assert_msg(d == rows[_i].want, "%s: %s", rows[_i].what, ike_drop_word(d));
}
END_TEST

START_TEST(inside_another)
{
	struct ike_msg m;

	ck_assert_int_eq(raw_inner(IKE_INFORMATIONAL, IKE_FLAG_INITIATOR, IKE_PL_SKF, "2900000a00010002ffff", &m), IKE_DROP_SK_SYNTAX);
}
END_TEST

START_TEST(round_trip)
{
	static const uint8_t piece[] = "some octets of a payload";
	struct ike_hdr h = { .spi_i = 1, .spi_r = 2, .version = IKE_VERSION_2, .exchange = IKE_AUTH, .flags = IKE_FLAG_INITIATOR, .mid = 1 };
	uint8_t buf[256];
	struct wr w = wr_of(buf, sizeof(buf));
	struct ike_seal_room room;
	struct ike_build b;
	struct ike_msg m;
	size_t n;

	wr_zero(&w, 7);	/* may stand anywhere in a writer */
	ike_build_start(&b, &w, &h);
	ike_build_skf(&b, 8, IKE_PL_IDI, (uint16_t)(_i + 1), 3);
	wr_bytes(&w, piece, sizeof(piece));
	n = ike_build_seal(&b, 16, 12, &room);
	ck_assert_uint_gt(n, 0);
	ck_assert_uint_eq(room.aad.n, 36);
	ck_assert_ptr_eq(room.aad.p, buf + 7);
	ck_assert_uint_eq(room.text_len % 16, 0);
	ck_assert_int_eq(ike_msg_parse(span_of(buf + 7, n), &m), IKE_OK);
	ck_assert_uint_eq(m.sk.frag, (unsigned)_i + 1);
	ck_assert_uint_eq(m.sk.total, 3);
	ck_assert_uint_eq(m.sk.first, _i ? IKE_PL_NONE : IKE_PL_IDI);
	ck_assert_uint_eq(m.sk.aad.n, 36);
	ck_assert_uint_eq(m.sk.body.n, 8 + room.text_len + 12);
	ck_assert(span_eq(ike_frag_text(span_of(room.text, room.text_len)), span_of(piece, sizeof(piece))));
}
END_TEST

START_TEST(padding)
{
	static const uint8_t none[] = { 'x', 0 }, all[] = { 1, 2, 2 }, past[] = { 1, 2, 3 };

	ck_assert_uint_eq(ike_frag_text(span_of(none, 2)).n, 1);
	ck_assert_uint_eq(ike_frag_text(span_of(all, 3)).n, 0);
	ck_assert_ptr_nonnull(ike_frag_text(span_of(all, 3)).p);
	ck_assert_ptr_null(ike_frag_text(span_of(past, 3)).p);
	ck_assert_ptr_null(ike_frag_text(span_of(past, 0)).p);
}
END_TEST

suite_fn suite_ike_frag;
Suite *
suite_ike_frag(void)
{
	Suite *s = suite_create("ike_frag");
	TCase *tc = tcase_create("fragments");

	tcase_add_loop_test(tc, numbers, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tc, inside_another);
	tcase_add_loop_test(tc, round_trip, 0, 2);
	tcase_add_test(tc, padding);
	suite_add_tcase(s, tc);
	return s;
}
