/* tests/unit/nhrp_wire/drops.c: a table of damages and the reason each must be refused for. */
#include "tests/unit/nhrp_wire/util.h"

static void cut_19(struct pkt *k) { k->n = 19; }
static void empty(struct pkt *k) { k->n = 0; }
static void one_short(struct pkt *k) { k->n--; }
static void size_19(struct pkt *k) { put_be16(k->b + 10, 19); }
static void size_0(struct pkt *k) { put_be16(k->b + 10, 0); }
static void size_max(struct pkt *k) { put_be16(k->b + 10, 0xffff); }
static void one_bit(struct pkt *k) { k->b[30] ^= 1; }
static void last_odd(struct pkt *k) { k->b[k->n - 1] ^= 0x80; }
static void version_0(struct pkt *k) { k->b[16] = 0; }
static void version_2(struct pkt *k) { k->b[16] = 2; }
static void type_0(struct pkt *k) { k->b[17] = 0; }
static void type_9(struct pkt *k) { k->b[17] = 9; }
static void type_255(struct pkt *k) { k->b[17] = 255; }
static void afn_atm(struct pkt *k) { put_be16(k->b, 3); }
static void afn_0(struct pkt *k) { put_be16(k->b, 0); }
static void proto_snap(struct pkt *k) { put_be16(k->b + 2, 0x0080); }
static void proto_arp(struct pkt *k) { put_be16(k->b + 2, 0x0806); }
static void nbma_e164(struct pkt *k) { k->b[18] |= 0x40; }
static void nbma_reserved(struct pkt *k) { k->b[18] |= 0x80; }
static void subaddress(struct pkt *k) { k->b[19] = 1; }
static void nbma_6(struct pkt *k) { k->b[18] = 6; }
static void nbma_16(struct pkt *k) { k->b[18] = 16; }
static void src_0(struct pkt *k) { k->b[20] = 0; }
static void src_16(struct pkt *k) { k->b[20] = 16; }
static void dst_0(struct pkt *k) { k->b[21] = 0; }
static void dst_5(struct pkt *k) { k->b[21] = 5; }
static void fixed_only(struct pkt *k) { k->n = 20; }
static void no_addresses(struct pkt *k) { k->n = 28; }
static void half_dst(struct pkt *k) { k->n = 39; }
static void extoff_in_header(struct pkt *k) { put_be16(k->b + 14, 1); }
static void extoff_39(struct pkt *k) { put_be16(k->b + 14, 39); }
static void extoff_behind(struct pkt *k) { put_be16(k->b + 14, (uint16_t)(k->n + 1)); }
static void extoff_max(struct pkt *k) { put_be16(k->b + 14, 0xffff); }
static void extoff_at_end(struct pkt *k) { put_be16(k->b + 14, 52); k->n = 52; }
static void extoff_in_cie(struct pkt *k) { put_be16(k->b + 14, 51); }
static void cie_cut(struct pkt *k) { put_be16(k->b + 14, 0); k->n = 51; }
static void cie_nbma_past(struct pkt *k) { k->b[48] = 4; }
static void cie_proto_past(struct pkt *k) { k->b[50] = 4; }
static void cie_nbma_3(struct pkt *k) { k->b[48] = 3; }
static void cie_proto_16(struct pkt *k) { k->b[50] = 16; }
static void cie_e164(struct pkt *k) { k->b[48] = 0x44; }
static void cie_subaddress(struct pkt *k) { k->b[49] = 4; }
static void cie_none(struct pkt *k) { put_be16(k->b + 14, 0); k->n = 40; }
static void ext_cut(struct pkt *k) { k->n--; }
static void end_missing(struct pkt *k) { k->n -= 4; }
static void ext_value_past(struct pkt *k) { put_be16(k->b + 54, 0x7fff); }
static void ext_value_one_past(struct pkt *k) { put_be16(k->b + 90, (uint16_t)(k->n - 92 + 1)); }
static void ext_twice(struct pkt *k) { k->b[57] = 4; }
static void ext_twice_other_bit(struct pkt *k) { put_be16(k->b + 56, 0x0004); }
static void end_with_value(struct pkt *k) { put_be16(k->b + k->n - 2, 4); }
static void cisco_ext_renumbered(struct pkt *k) { put_be16(k->b + 52, 0x8000); put_be16(k->b + 54, 1); }

static void
cie_no_end(struct pkt *k)	/* one more than we take */
{
	memset(k->b + 40, 0, sizeof(k->b) - 40);
	put_be16(k->b + 14, 0);
	k->n = 40 + 12 * (NHRP_CIES_MAX + 1);
}

static void
ext_many(struct pkt *k)	/* vendor extensions may repeat */
{
	for (unsigned i = 0; i <= NHRP_EXTS_MAX; i++)
		put_be32(k->b + 52 + 4 * i, 0x00080000);
	k->n = 52 + 4 * (NHRP_EXTS_MAX + 1);
	put_be32(k->b + k->n, 0x80000000);
	k->n += 4;
}

enum { RAW, RESUM, REFIT };	/* what is mended after the damage: nothing, the checksum, size field and checksum */

static const struct {
	void (*damage)(struct pkt *);
	int mend;
	enum nhrp_drop want;
} row[] = {
	{ cut_19, RAW, NHRP_DROP_SHORT }, { empty, RAW, NHRP_DROP_SHORT },
	{ one_short, RAW, NHRP_DROP_SIZE }, { size_19, RESUM, NHRP_DROP_SIZE }, { size_0, RESUM, NHRP_DROP_SIZE },
	{ size_max, RESUM, NHRP_DROP_SIZE },
	{ one_bit, RAW, NHRP_DROP_CHECKSUM }, { last_odd, RAW, NHRP_DROP_CHECKSUM }, { version_0, RAW, NHRP_DROP_CHECKSUM },
	{ version_0, RESUM, NHRP_DROP_VERSION }, { version_2, RESUM, NHRP_DROP_VERSION },
	{ type_0, RESUM, NHRP_DROP_TYPE }, { type_9, RESUM, NHRP_DROP_TYPE }, { type_255, RESUM, NHRP_DROP_TYPE },
	{ afn_atm, RESUM, NHRP_DROP_AFN }, { afn_0, RESUM, NHRP_DROP_AFN },
	{ proto_snap, RESUM, NHRP_DROP_PROTO_TYPE }, { proto_arp, RESUM, NHRP_DROP_PROTO_TYPE },
	{ nbma_e164, RESUM, NHRP_DROP_SUBADDRESS }, { nbma_reserved, RESUM, NHRP_DROP_SUBADDRESS },
	{ subaddress, RESUM, NHRP_DROP_SUBADDRESS }, { cie_e164, RESUM, NHRP_DROP_SUBADDRESS },
	{ cie_subaddress, RESUM, NHRP_DROP_SUBADDRESS },
	{ nbma_6, RESUM, NHRP_DROP_NBMA_LEN }, { nbma_16, RESUM, NHRP_DROP_NBMA_LEN },
	{ src_0, RESUM, NHRP_DROP_PROTO_LEN }, { src_16, RESUM, NHRP_DROP_PROTO_LEN }, { dst_0, RESUM, NHRP_DROP_PROTO_LEN },
	{ dst_5, RESUM, NHRP_DROP_PROTO_LEN },
	{ fixed_only, REFIT, NHRP_DROP_MANDATORY }, { no_addresses, REFIT, NHRP_DROP_MANDATORY }, { half_dst, REFIT, NHRP_DROP_MANDATORY },
	{ extoff_in_header, RESUM, NHRP_DROP_EXT_OFFSET }, { extoff_39, RESUM, NHRP_DROP_EXT_OFFSET },
	{ extoff_behind, RESUM, NHRP_DROP_EXT_OFFSET }, { extoff_max, RESUM, NHRP_DROP_EXT_OFFSET },
	{ extoff_in_cie, RESUM, NHRP_DROP_CIE_SHORT }, { cie_cut, REFIT, NHRP_DROP_CIE_SHORT },
	{ cie_nbma_past, RESUM, NHRP_DROP_CIE_SHORT }, { cie_proto_past, RESUM, NHRP_DROP_CIE_SHORT },
	{ cie_nbma_3, RESUM, NHRP_DROP_CIE_ADDR_LEN }, { cie_proto_16, RESUM, NHRP_DROP_CIE_ADDR_LEN },
	{ cie_no_end, REFIT, NHRP_DROP_CIE_MANY }, { cie_none, REFIT, NHRP_DROP_CIE_NONE },
	{ extoff_at_end, REFIT, NHRP_DROP_EXT_SHORT }, { ext_cut, REFIT, NHRP_DROP_EXT_SHORT }, { end_missing, REFIT, NHRP_DROP_EXT_SHORT },
	{ ext_value_past, RESUM, NHRP_DROP_EXT_SHORT }, { ext_value_one_past, RESUM, NHRP_DROP_EXT_SHORT },
	{ ext_many, REFIT, NHRP_DROP_EXT_MANY },
	{ ext_twice, RESUM, NHRP_DROP_EXT_TWICE }, { ext_twice_other_bit, RESUM, NHRP_DROP_EXT_TWICE },
	{ end_with_value, RESUM, NHRP_DROP_EXT_BAD }, { cisco_ext_renumbered, RESUM, NHRP_DROP_EXT_BAD },
};
enum { ROWS = sizeof(row) / sizeof(row[0]) };

START_TEST(damage_has_its_reason)
{
	struct pkt k = golden("registration-request-worked");
	struct nhrp_packet p;

	ck_assert_int_eq(pkt_try(k.b, k.n, &p, NULL), NHRP_OK);
	row[_i].damage(&k);
	if (row[_i].mend == REFIT)
		pkt_refit(&k);
	else if (row[_i].mend == RESUM)
		pkt_resum(&k);
	ck_assert_str_eq(nhrp_drop_word(pkt_try(k.b, k.n, &p, NULL)), nhrp_drop_word(row[_i].want));
}
END_TEST

/* The parser's block of NHRP_DROPS: all of it can be reached. */
START_TEST(no_reason_is_without_a_case)
{
	for (int d = NHRP_OK + 1; d <= NHRP_DROP_EXT_BAD; d++) {
		unsigned n = 0;

		for (unsigned i = 0; i < ROWS; i++)
			n += row[i].want == (enum nhrp_drop)d;
		ck_assert_msg(n > 0, "%s has no case", nhrp_drop_word((enum nhrp_drop)d));
	}
}
END_TEST

/* One less than too many. */
START_TEST(bounds_are_reached)
{
	struct pkt k = golden("registration-request-worked");
	struct nhrp_packet p;

	cie_no_end(&k);
	k.n -= 12;
	pkt_refit(&k);
	ck_assert_int_eq(pkt_try(k.b, k.n, &p, NULL), NHRP_OK);
	ck_assert_uint_eq(p.n_cie, NHRP_CIES_MAX);
	k = golden("registration-request-worked");
	ext_many(&k);
	put_be32(k.b + k.n - 8, 0x80000000);
	k.n -= 4;
	pkt_refit(&k);
	ck_assert_int_eq(pkt_try(k.b, k.n, &p, NULL), NHRP_OK);
	ck_assert_uint_eq(p.n_ext, NHRP_EXTS_MAX);
}
END_TEST

/* Which types do without a client information entry. */
START_TEST(entries_needed_by_type)
{
	static const uint8_t need[NHRP_TYPES] = { [2] = 1, [3] = 1, [4] = 1, [5] = 1, [6] = 1 };
	struct pkt k = golden("resolution-request-bare");
	struct nhrp_packet p;

	for (uint8_t type = 1; type < NHRP_TYPES; type++) {
		k.b[17] = type;
		pkt_refit(&k);
		ck_assert_int_eq(pkt_try(k.b, k.n, &p, NULL), need[type] ? NHRP_DROP_CIE_NONE : NHRP_OK);
	}
}
END_TEST

Suite *suite_drops(void);
Suite *
suite_drops(void)
{
	Suite *s = suite_create("drops");
	TCase *t = tcase_create("drops");

	tcase_add_loop_test(t, damage_has_its_reason, 0, ROWS);
	tcase_add_test(t, no_reason_is_without_a_case);
	tcase_add_test(t, bounds_are_reached);
	tcase_add_test(t, entries_needed_by_type);
	suite_add_tcase(s, t);
	return s;
}
