/* Twin of ikecore/wire/ike_sa.c: proposals, transforms, attributes. */
#include "tests/unit/ike_wire/golden.h"

#include <stdio.h>

/* Bodies of an SA payload. T: ENCR AES-GCM-16-256 (12 octets), U: ESN (8). */
#define T "0300000c01000014800e0100"
#define T_LAST "0000000c01000014800e0100"
#define U_LAST "0000000805000000"

static const struct {
	const char *body;
	enum ike_drop want;
	bool unknown;	/* of the first proposal */
	bool odd;	/* its first transform */
} rows[] = {
	{ "0000002001030402c95f9cb4" T U_LAST, IKE_OK, false, false },
	{ "", IKE_DROP_SA_SYNTAX },	/* OpenIKED sends it */
	{ "00", IKE_DROP_SA_SYNTAX },
	{ "0000000c01030400c95f9cb4", IKE_DROP_SA_SYNTAX },	/* no transform */
	{ "0000002001030401c95f9cb4" T U_LAST, IKE_DROP_SA_SYNTAX },	/* counts one, holds two */
	{ "0000002001030403c95f9cb4" T U_LAST, IKE_DROP_SA_SYNTAX },
	{ "0000001f01030402c95f9cb4" T U_LAST, IKE_DROP_SA_SYNTAX },	/* length short, */
	{ "0000002101030402c95f9cb4" T U_LAST, IKE_DROP_SA_SYNTAX },	/* long, */
	{ "0000000301030402c95f9cb4" T U_LAST, IKE_DROP_SA_SYNTAX },	/* absurd */
	{ "0000000001030402c95f9cb4" T U_LAST, IKE_DROP_SA_SYNTAX },
	{ "0200002001030402c95f9cb4" T U_LAST, IKE_DROP_SA_SYNTAX },	/* another promised */
	{ "0100002001030402c95f9cb4" T U_LAST, IKE_DROP_SA_SYNTAX },
	{ "0000002000030402c95f9cb4" T U_LAST, IKE_DROP_SA_SYNTAX },	/* number 0 */
	{ "0000001e01030202c95f" T U_LAST, IKE_DROP_SA_SYNTAX },	/* SPI of 2 octets */
	{ "0000001c01030002" T U_LAST, IKE_DROP_SA_SYNTAX },
	{ "000000240103080200000000c95f9cb4" T U_LAST, IKE_DROP_SA_SYNTAX },
	{ "000000200103ff02c95f9cb4" T U_LAST, IKE_DROP_SA_SYNTAX },
	{ "000000200103040200000000" T U_LAST, IKE_DROP_SA_SYNTAX },	/* reserved SPIs */
	{ "0000002001030402000000ff" T U_LAST, IKE_DROP_SA_SYNTAX },
	{ "000000200103040200000100" T U_LAST, IKE_OK, false, false },
	{ "000000200101040200000100" T U_LAST, IKE_DROP_SA_SYNTAX },	/* IKE with an ESP-sized SPI, */
	{ "0000002401010802000000000000000" "0" T U_LAST, IKE_DROP_SA_SYNTAX },	/* with a zero one */
	{ "0000002001070402c95f9cb4" T U_LAST, IKE_OK, true, false },	/* protocol nobody knows */
	{ "0000002001030402c95f9cb4" "0200000c01000014800e0100" U_LAST, IKE_DROP_SA_SYNTAX },	/* "more" is 3 */
	{ "0000002001030402c95f9cb4" T_LAST U_LAST, IKE_DROP_SA_SYNTAX },	/* last, but not */
	{ "0000002001030402c95f9cb4" T "0300000805000000", IKE_DROP_SA_SYNTAX },
	{ "0000002001030402c95f9cb4" "0300000701000014800e0100" U_LAST, IKE_DROP_SA_SYNTAX },
	{ "0000002001030402c95f9cb4" "0300000b01000014800e0100" U_LAST, IKE_DROP_SA_SYNTAX },
	{ "0000002001030402c95f9cb4" "0300ffff01000014800e0100" U_LAST, IKE_DROP_SA_SYNTAX },
	{ "0000002001030402c95f9cb4" "0300000c0d000014800e0100" U_LAST, IKE_OK, true, false },	/* transform type 13 */
	{ "0000002001030402c95f9cb4" "0300000c00000014800e0100" U_LAST, IKE_OK, true, false },
	{ "0000002001030402c95f9cb4" "0300000c01000014800f0100" U_LAST, IKE_OK, false, true },	/* unknown attribute */
	{ "0000002001030402c95f9cb4" "0300000c01000014000e0100" U_LAST, IKE_DROP_SA_SYNTAX },	/* TLV of 256 octets */
	{ "0000002001030402c95f9cb4" "0300000c01000014000e0000" U_LAST, IKE_OK, false, true },
	{ "0000002001030402c95f9cb4" "0300000c01000014800e0000" U_LAST, IKE_OK, false, true },	/* 0 bits */
	{ "0000002401030402c95f9cb4" "0300001001000014800e0100800e0080" U_LAST, IKE_OK, false, true },	/* two lengths */
	{ "0200002001030402c95f9cb4" T U_LAST "0000002002030402c95f9cb4" T U_LAST, IKE_OK, false, false },
	{ "0200002001030402c95f9cb4" T U_LAST "0000002001030402c95f9cb4" T U_LAST, IKE_DROP_SA_SYNTAX },	/* numbers repeat */
	{ "0200002002030402c95f9cb4" T U_LAST "0000002001030402c95f9cb4" T U_LAST, IKE_DROP_SA_SYNTAX },
	{ "0000002001030402c95f9cb4" T U_LAST "0000002002030402c95f9cb4" T U_LAST, IKE_DROP_SA_SYNTAX },
};

START_TEST(row)
{
	char hex[512];
	struct ike_msg m;
	enum ike_drop d;

	snprintf(hex, sizeof(hex), "0000%04x%s", (unsigned)(strlen(rows[_i].body) / 2 + 4), rows[_i].body);
	d = raw_inner(IKE_INFORMATIONAL, IKE_FLAG_INITIATOR, IKE_PL_SA, hex, &m);
	if (d == IKE_DROP_PAYLOAD_PLACE)
		d = IKE_OK;
	ck_assert_msg(d == rows[_i].want, "%s: %s", rows[_i].body, ike_drop_word(d));
	if (d != IKE_OK)
		return;
	ck_assert(m.prop[0].unknown == rows[_i].unknown);
	ck_assert(m.xform[0].odd == rows[_i].odd);
}
END_TEST

START_TEST(transforms_are_kept)
{
	struct ike_msg m;

	ck_assert_int_eq(golden_parse(golden_read("sa-init-request"), &m), IKE_OK);
	ck_assert_uint_eq(m.n_prop, 2);
	ck_assert_uint_eq(m.prop[0].n, 3);
	ck_assert_uint_eq(m.prop[1].first, 3);
	ck_assert_uint_eq(m.prop[1].n, 5);
	ck_assert_uint_eq(m.xform[0].id, IKE_ENCR_AES_GCM_16);
	ck_assert_uint_eq(m.xform[0].key_bits, 256);
	ck_assert_uint_eq(m.xform[7].type, IKE_T_KE);
	ck_assert_uint_eq(m.xform[7].id, IKE_KE_MODP2048);
	ck_assert_uint_eq(m.xform[7].key_bits, 0);
}
END_TEST

/* More than fits: read to the end, but never selectable, and nothing is written past the arrays. */
START_TEST(bounds)
{
	static char hex[65536];
	struct ike_msg m;
	size_t n, len;

	for (unsigned count = IKE_MSG_XFORMS_MAX; count <= 255; count += 255 - IKE_MSG_XFORMS_MAX) {
		len = 12 + 8 * (size_t)count;
		n = (size_t)sprintf(hex, "0000%04x0000%04x010304%02xc95f9cb4", (unsigned)len + 4, (unsigned)len, count);
		for (unsigned i = 0; i < count; i++)
			n += (size_t)sprintf(hex + n, "%02x000008050000%02x", i + 1 < count ? 3 : 0, i);
		ck_assert_int_eq(raw_inner(IKE_INFORMATIONAL, 8, IKE_PL_SA, hex, &m), IKE_DROP_PAYLOAD_PLACE);
		ck_assert_uint_eq(m.n_xform, IKE_MSG_XFORMS_MAX);
		ck_assert(m.prop[0].unknown == (count > IKE_MSG_XFORMS_MAX));
	}
	n = (size_t)sprintf(hex, "0000%04x", 4 + 20 * 20);
	for (unsigned i = 1; i <= 20; i++)
		n += (size_t)sprintf(hex + n, "%02x000014%02x030401c95f9cb4" U_LAST, i < 20 ? 2 : 0, i);
	ck_assert_int_eq(raw_inner(IKE_INFORMATIONAL, 8, IKE_PL_SA, hex, &m), IKE_DROP_PAYLOAD_PLACE);
	ck_assert_uint_eq(m.n_prop, IKE_MSG_PROPS_MAX);
	ck_assert_uint_eq(m.prop[15].num, 16);
}
END_TEST

suite_fn suite_ike_sa;
Suite *
suite_ike_sa(void)
{
	Suite *s = suite_create("ike_sa");
	TCase *tc = tcase_create("sa");

	tcase_add_loop_test(tc, row, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tc, transforms_are_kept);
	tcase_add_test(tc, bounds);
	suite_add_tcase(s, tc);
	return s;
}
