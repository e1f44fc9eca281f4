/* Twin of ikecore/wire/ike_payload.c: one row per way to get a payload wrong, and its good neighbours. The rows go through the
 * syntax only; whether a payload may stand there is ike_check.c's, whose reason IKE_DROP_PAYLOAD_PLACE counts as passed here. */
#include "tests/unit/ike_wire/golden.h"

#include <stdio.h>

static const struct {
	uint8_t type;
	const char *body;
	enum ike_drop want;
} rows[] = {
	/* KE: group, reserved, data */
	{ IKE_PL_KE, "", IKE_DROP_KE_SYNTAX }, { IKE_PL_KE, "001f", IKE_DROP_KE_SYNTAX }, { IKE_PL_KE, "001f0000", IKE_DROP_KE_SYNTAX },
	{ IKE_PL_KE, "001f000000", IKE_OK },
	/* nonce: 16 to 256 */
	{ IKE_PL_NONCE, "", IKE_DROP_NONCE }, { IKE_PL_NONCE, "000102030405060708090a0b0c0d0e", IKE_DROP_NONCE },
	{ IKE_PL_NONCE, "000102030405060708090a0b0c0d0e0f", IKE_OK },
	/* identities */
	{ IKE_PL_IDI, "", IKE_DROP_ID_SYNTAX }, { IKE_PL_IDI, "020000", IKE_DROP_ID_SYNTAX }, { IKE_PL_IDI, "02000000", IKE_DROP_ID_SYNTAX },
	{ IKE_PL_IDI, "0200000061", IKE_OK }, { IKE_PL_IDI, "020000006100", IKE_DROP_ID_SYNTAX }, { IKE_PL_IDI, "02ffffff61", IKE_OK },
	{ IKE_PL_IDI, "010000000a000001", IKE_OK }, { IKE_PL_IDI, "010000000a0000", IKE_DROP_ID_SYNTAX },
	{ IKE_PL_IDI, "010000000a00000100", IKE_DROP_ID_SYNTAX }, { IKE_PL_IDI, "01000000", IKE_DROP_ID_SYNTAX },
	{ IKE_PL_IDR, "05000000" "20010db8000000000000000000000001", IKE_OK }, { IKE_PL_IDR, "050000000a000001", IKE_DROP_ID_SYNTAX },
	{ IKE_PL_IDR, "03000000614062", IKE_OK }, { IKE_PL_IDR, "0300000000", IKE_DROP_ID_SYNTAX },
	{ IKE_PL_IDR, "0b00000000ff", IKE_OK }, { IKE_PL_IDR, "0b000000", IKE_DROP_ID_SYNTAX },
	{ IKE_PL_IDR, "0000000061", IKE_DROP_ID_SYNTAX }, { IKE_PL_IDR, "0d000000", IKE_DROP_ID_SYNTAX },	/* ID_NULL */
	{ IKE_PL_IDR, "0400000061", IKE_DROP_ID_SYNTAX }, { IKE_PL_IDR, "0c00000061", IKE_DROP_ID_SYNTAX }, { IKE_PL_IDR, "ff00000061", IKE_DROP_ID_SYNTAX },
	{ IKE_PL_IDI, "090000003000", IKE_OK }, { IKE_PL_IDI, "09000000300131", IKE_OK }, { IKE_PL_IDI, "090000003002ff", IKE_DROP_ID_SYNTAX },
	{ IKE_PL_IDI, "090000003100", IKE_DROP_ID_SYNTAX }, { IKE_PL_IDI, "0900000030", IKE_DROP_ID_SYNTAX }, { IKE_PL_IDI, "0900000030800000", IKE_DROP_ID_SYNTAX },
	{ IKE_PL_IDI, "09000000308101ff", IKE_DROP_ID_SYNTAX }, { IKE_PL_IDI, "09000000308200ff", IKE_DROP_ID_SYNTAX },
	{ IKE_PL_IDI, "0900000030830000ff", IKE_DROP_ID_SYNTAX }, { IKE_PL_IDI, "09000000300000", IKE_DROP_ID_SYNTAX },
	/* AUTH */
	{ IKE_PL_AUTH, "", IKE_DROP_AUTH_SYNTAX }, { IKE_PL_AUTH, "020000", IKE_DROP_AUTH_SYNTAX }, { IKE_PL_AUTH, "02000000", IKE_DROP_AUTH_SYNTAX },
	{ IKE_PL_AUTH, "00000000ff", IKE_DROP_AUTH_SYNTAX }, { IKE_PL_AUTH, "02000000ff", IKE_OK },
	/* notify: protocol, SPI size, type */
	{ IKE_PL_NOTIFY, "", IKE_DROP_NOTIFY_SYNTAX }, { IKE_PL_NOTIFY, "000040", IKE_DROP_NOTIFY_SYNTAX }, { IKE_PL_NOTIFY, "00004000", IKE_OK },
	{ IKE_PL_NOTIFY, "03044000010203", IKE_DROP_NOTIFY_SYNTAX }, { IKE_PL_NOTIFY, "03ff400001020304", IKE_DROP_NOTIFY_SYNTAX },
	{ IKE_PL_NOTIFY, "0304002c01020304", IKE_OK }, { IKE_PL_NOTIFY, "0000abcd0102030405", IKE_OK },
	{ IKE_PL_NOTIFY, "03044009c95f9cb4", IKE_OK }, { IKE_PL_NOTIFY, "02044009c95f9cb4", IKE_OK },	/* REKEY_SA */
	{ IKE_PL_NOTIFY, "01044009c95f9cb4", IKE_DROP_NOTIFY_SYNTAX }, { IKE_PL_NOTIFY, "00044009c95f9cb4", IKE_DROP_NOTIFY_SYNTAX },
	{ IKE_PL_NOTIFY, "04044009c95f9cb4", IKE_DROP_NOTIFY_SYNTAX }, { IKE_PL_NOTIFY, "03004009", IKE_DROP_NOTIFY_SYNTAX },
	{ IKE_PL_NOTIFY, "03084009c95f9cb4c95f9cb4", IKE_DROP_NOTIFY_SYNTAX }, { IKE_PL_NOTIFY, "03044009c95f9cb400", IKE_DROP_NOTIFY_SYNTAX },
	{ IKE_PL_NOTIFY, "00000011001f", IKE_OK }, { IKE_PL_NOTIFY, "0000001100", IKE_DROP_NOTIFY_SYNTAX }, { IKE_PL_NOTIFY, "00000011001f00", IKE_DROP_NOTIFY_SYNTAX },
	{ IKE_PL_NOTIFY, "00004006", IKE_DROP_NOTIFY_SYNTAX }, { IKE_PL_NOTIFY, "0000400601", IKE_OK },	/* COOKIE */
	{ IKE_PL_NOTIFY, "0000400400", IKE_DROP_NOTIFY_SYNTAX }, { IKE_PL_NOTIFY, "000040040102030405060708090a0b0c0d0e0f1011121314", IKE_OK },
	{ IKE_PL_NOTIFY, "000040010000000100", IKE_DROP_NOTIFY_SYNTAX }, { IKE_PL_NOTIFY, "0000400100000001", IKE_OK },
	/* delete: protocol, SPI size, count */
	{ IKE_PL_DELETE, "", IKE_DROP_DELETE_SYNTAX }, { IKE_PL_DELETE, "010000", IKE_DROP_DELETE_SYNTAX }, { IKE_PL_DELETE, "01000000", IKE_OK },
	{ IKE_PL_DELETE, "01000001", IKE_DROP_DELETE_SYNTAX }, { IKE_PL_DELETE, "01040000", IKE_DROP_DELETE_SYNTAX },
	{ IKE_PL_DELETE, "0108000101020304050607ff", IKE_DROP_DELETE_SYNTAX }, { IKE_PL_DELETE, "0100000000", IKE_DROP_DELETE_SYNTAX },
	{ IKE_PL_DELETE, "0304000101020304", IKE_OK }, { IKE_PL_DELETE, "0204000101020304", IKE_OK }, { IKE_PL_DELETE, "0404000101020304", IKE_DROP_DELETE_SYNTAX },
	{ IKE_PL_DELETE, "0004000101020304", IKE_DROP_DELETE_SYNTAX }, { IKE_PL_DELETE, "03040000", IKE_DROP_DELETE_SYNTAX },
	{ IKE_PL_DELETE, "0304000201020304", IKE_DROP_DELETE_SYNTAX }, { IKE_PL_DELETE, "030400010102030405", IKE_DROP_DELETE_SYNTAX },
	{ IKE_PL_DELETE, "0304ffff01020304", IKE_DROP_DELETE_SYNTAX }, { IKE_PL_DELETE, "0308000101020304", IKE_DROP_DELETE_SYNTAX },
	{ IKE_PL_DELETE, "030400020102030401020304", IKE_DROP_DELETE_SYNTAX }, { IKE_PL_DELETE, "030400020102030401020305", IKE_OK },	/* twice the same */
	/* traffic selectors: count, then type, protocol, length, ports, addresses */
	{ IKE_PL_TSI, "", IKE_DROP_TS_SYNTAX }, { IKE_PL_TSI, "00000000", IKE_DROP_TS_SYNTAX }, { IKE_PL_TSI, "01000000", IKE_DROP_TS_SYNTAX },
	{ IKE_PL_TSI, "01000000" "072f00100000ffff0a0000020a000002", IKE_OK },
	{ IKE_PL_TSI, "02000000" "072f00100000ffff0a0000020a000002", IKE_DROP_TS_SYNTAX },
	{ IKE_PL_TSI, "01000000" "072f00100000ffff0a0000020a00000200", IKE_DROP_TS_SYNTAX },
	{ IKE_PL_TSI, "01000000" "072f00100000ffff0a0000020a0000", IKE_DROP_TS_SYNTAX },
	{ IKE_PL_TSI, "01000000" "072f00110000ffff0a0000020a00000200", IKE_DROP_TS_SYNTAX },
	{ IKE_PL_TSI, "01000000" "072f000c0000ffff0a000002", IKE_DROP_TS_SYNTAX }, { IKE_PL_TSI, "01000000" "072f0003", IKE_DROP_TS_SYNTAX },
	{ IKE_PL_TSI, "01000000" "072f00100000ffff0a0000020a000001", IKE_DROP_TS_SYNTAX },	/* start > end */
	{ IKE_PL_TSI, "01000000" "072f0010000200010a0000020a000002", IKE_DROP_TS_SYNTAX },
	{ IKE_PL_TSI, "01000000" "072f0010ffff00000a0000020a000002", IKE_OK },	/* OPAQUE */
	{ IKE_PL_TSR, "01000000" "082f00280000ffff" "20010db8000000000000000000000001" "20010db8000000000000000000000001", IKE_OK },
	{ IKE_PL_TSR, "01000000" "082f00280000ffff" "20010db8000000000000000000000001" "20010db8000000000000000000000000", IKE_DROP_TS_SYNTAX },
	{ IKE_PL_TSR, "01000000" "082f00100000ffff0a0000020a000002", IKE_DROP_TS_SYNTAX },
	{ IKE_PL_TSR, "01000000" "09000004", IKE_OK }, { IKE_PL_TSR, "01000000" "09000008", IKE_DROP_TS_SYNTAX },	/* unknown type */
	{ IKE_PL_TSR, "02000000" "0900000600ff" "072f00100000ffff0a0000020a000002", IKE_OK },
};

START_TEST(row)
{
	char hex[512];
	struct ike_msg m;
	enum ike_drop d;

	snprintf(hex, sizeof(hex), "0000%04x%s", (unsigned)(strlen(rows[_i].body) / 2 + 4), rows[_i].body);
	d = raw_inner(IKE_INFORMATIONAL, IKE_FLAG_INITIATOR, rows[_i].type, hex, &m);
	if (d == IKE_DROP_PAYLOAD_PLACE)
		d = IKE_OK;
	ck_assert_msg(d == rows[_i].want, "%s %s: %s", ike_payload_name(rows[_i].type), rows[_i].body, ike_drop_word(d));
}
END_TEST

START_TEST(long_nonces_and_cookies)
{
	char hex[2048];
	struct ike_msg m;

	snprintf(hex, sizeof(hex), "0000%04x%0*d", 4 + 256, 512, 0);
	ck_assert_int_eq(raw_inner(IKE_INFORMATIONAL, 8, IKE_PL_NONCE, hex, &m), IKE_DROP_PAYLOAD_PLACE);
	snprintf(hex, sizeof(hex), "0000%04x%0*d", 4 + 257, 514, 0);
	ck_assert_int_eq(raw_inner(IKE_INFORMATIONAL, 8, IKE_PL_NONCE, hex, &m), IKE_DROP_NONCE);
	snprintf(hex, sizeof(hex), "0000%04x00004006%0*d", 8 + 64, 128, 0);
	ck_assert_int_eq(raw_inner(IKE_INFORMATIONAL, 8, IKE_PL_NOTIFY, hex, &m), IKE_OK);
	snprintf(hex, sizeof(hex), "0000%04x00004006%0*d", 8 + 65, 130, 0);
	ck_assert_int_eq(raw_inner(IKE_INFORMATIONAL, 8, IKE_PL_NOTIFY, hex, &m), IKE_DROP_NOTIFY_SYNTAX);
	/* A DN of 128 octets, with the long form of the length. */
	snprintf(hex, sizeof(hex), "0000%04x09000000308180%0*d", 8 + 3 + 128, 256, 0);
	ck_assert_int_eq(raw_inner(IKE_INFORMATIONAL, 8, IKE_PL_IDI, hex, &m), IKE_DROP_PAYLOAD_PLACE);
}
END_TEST

/* One SPI in two payloads of the same message; IKE twice; more SPIs than we take. */
START_TEST(deletes_across_payloads)
{
	static char hex[8192];
	struct ike_msg m;
	size_t n;

	ck_assert_int_eq(raw_inner(IKE_INFORMATIONAL, 8, IKE_PL_DELETE, "2a00000c0304000101020304" "0000000c0304000101020304", &m), IKE_DROP_DELETE_SYNTAX);
	ck_assert_int_eq(raw_inner(IKE_INFORMATIONAL, 8, IKE_PL_DELETE, "2a00000c0304000101020304" "0000000c0204000101020304", &m), IKE_OK);
	ck_assert_int_eq(raw_inner(IKE_INFORMATIONAL, 8, IKE_PL_DELETE, "2a00000801000000" "0000000801000000", &m), IKE_DROP_DELETE_SYNTAX);
	for (unsigned count = IKE_MSG_DELETE_SPIS_MAX; count <= IKE_MSG_DELETE_SPIS_MAX + 1; count++) {
		n = (size_t)sprintf(hex, "0000%04x0304%04x", 8 + 4 * count, count);
		for (unsigned i = 0; i < count; i++)
			n += (size_t)sprintf(hex + n, "%08x", 0x1000 + i);
		ck_assert_int_eq(raw_inner(IKE_INFORMATIONAL, 8, IKE_PL_DELETE, hex, &m), count > IKE_MSG_DELETE_SPIS_MAX ? IKE_DROP_DELETE_SYNTAX : IKE_OK);
	}
}
END_TEST

START_TEST(selectors_kept_and_skipped)
{
	static char hex[8192];
	struct ike_msg m;
	size_t n = (size_t)sprintf(hex, "0000%04x0a000000", 8 + 10 * 16);

	for (unsigned i = 0; i < 10; i++)
		n += (size_t)sprintf(hex + n, "072f00100000ffff0a0000%02x0a0000%02x", i, i);
	ck_assert_int_eq(raw_inner(IKE_INFORMATIONAL, 8, IKE_PL_TSI, hex, &m), IKE_DROP_PAYLOAD_PLACE);
	ck_assert_uint_eq(m.tsi.n, IKE_MSG_TS_MAX);
	ck_assert_uint_eq(m.tsi.skipped, 10 - IKE_MSG_TS_MAX);
	ck_assert_uint_eq(m.tsi.ts[7].lo.b[3], 7);
	ck_assert_int_eq(raw_inner(IKE_INFORMATIONAL, 8, IKE_PL_TSR, "0000000c" "01000000" "09000004", &m), IKE_DROP_PAYLOAD_PLACE);
	ck_assert_uint_eq(m.tsr.n, 0);
	ck_assert_uint_eq(m.tsr.skipped, 1);
}
END_TEST

suite_fn suite_ike_payload;
Suite *
suite_ike_payload(void)
{
	Suite *s = suite_create("ike_payload");
	TCase *tc = tcase_create("payload");

	tcase_add_loop_test(tc, row, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tc, long_nonces_and_cookies);
	tcase_add_test(tc, deletes_across_payloads);
	tcase_add_test(tc, selectors_kept_and_skipped);
	suite_add_tcase(s, tc);
	return s;
}
