/* twin of nhrpd/wire/cie.c */
#include "tests/unit/nhrp_wire/util.h"

/* code 5, prefix 24, mtu 1400, hold 600, preference 7, 192.0.2.1, 10.255.0.1 */
#define CIE44 "0518ffff05780258 04000407 c0000201 0aff0001"

static struct pkt
hex(const char *text)
{
	struct pkt k = { .n = 0 };

	k.n = test_unhex(text, k.b, sizeof(k.b));
	return k;
}

static enum nhrp_drop
read_one(const char *text, uint16_t afn, uint16_t pro_type, struct nhrp_cie *out)
{
	struct pkt k = hex(text);
	struct cur c = cur_of(pkt_span(&k));

	return nhrp_cie_parse(&c, afn, pro_type, out);
}

START_TEST(all_fields_are_read)
{
	struct nhrp_cie c;
	struct addr nbma = ip("192.0.2.1"), proto = ip("10.255.0.1");

	ck_assert_int_eq(read_one(CIE44, NHRP_AFN_IPV4, NHRP_ETH_IPV4, &c), NHRP_OK);
	ck_assert_uint_eq(c.code, 5);
	ck_assert_uint_eq(c.prefix_len, 24);
	ck_assert_uint_eq(c.mtu, 1400);
	ck_assert_uint_eq(c.hold_s, 600);
	ck_assert_uint_eq(c.preference, 7);
	ck_assert(addr_eq(&c.nbma, &nbma));
	ck_assert(addr_eq(&c.proto, &proto));
}
END_TEST

static const struct {
	const char *text;
	uint16_t afn, pro_type;
	enum nhrp_drop want;
} judged[] = {
	{ CIE44, NHRP_AFN_IPV4, NHRP_ETH_IPV4, NHRP_OK },
	{ "00ff0000000000000000 0000", NHRP_AFN_IPV6, NHRP_ETH_IPV6, NHRP_OK },
	{ "00ff0000000000004000 0000", NHRP_AFN_IPV4, NHRP_ETH_IPV4, NHRP_OK },	/* E.164 bit says nothing at length 0 */
	{ "00ff000000000000 00000400 0aff0001", NHRP_AFN_IPV6, NHRP_ETH_IPV4, NHRP_OK },
	{ CIE44, NHRP_AFN_IPV6, NHRP_ETH_IPV4, NHRP_DROP_CIE_ADDR_LEN },
	{ CIE44, NHRP_AFN_IPV4, NHRP_ETH_IPV6, NHRP_DROP_CIE_ADDR_LEN },
	{ "00ff000000000000 05000400 c000020100 0aff0001", NHRP_AFN_IPV4, NHRP_ETH_IPV4, NHRP_DROP_CIE_ADDR_LEN },
	{ "00ff000000000000 44000400 c0000201 0aff0001", NHRP_AFN_IPV4, NHRP_ETH_IPV4, NHRP_DROP_SUBADDRESS },
	{ "00ff000000000000 84000400 c0000201 0aff0001", NHRP_AFN_IPV4, NHRP_ETH_IPV4, NHRP_DROP_SUBADDRESS },
	{ "00ff000000000000 80000000", NHRP_AFN_IPV4, NHRP_ETH_IPV4, NHRP_DROP_SUBADDRESS },
	{ "00ff000000000000 00010000 00", NHRP_AFN_IPV4, NHRP_ETH_IPV4, NHRP_DROP_SUBADDRESS },
	{ "00ff000000000000 000000", NHRP_AFN_IPV4, NHRP_ETH_IPV4, NHRP_DROP_CIE_SHORT },
	{ "00ff000000000000 04000000 c00002", NHRP_AFN_IPV4, NHRP_ETH_IPV4, NHRP_DROP_CIE_SHORT },
	{ "00ff000000000000 00000400 0aff00", NHRP_AFN_IPV4, NHRP_ETH_IPV4, NHRP_DROP_CIE_SHORT },
	{ "", NHRP_AFN_IPV4, NHRP_ETH_IPV4, NHRP_DROP_CIE_SHORT },
};

START_TEST(lengths_are_judged)
{
	struct nhrp_cie c;

	ck_assert_str_eq(nhrp_drop_word(read_one(judged[_i].text, judged[_i].afn, judged[_i].pro_type, &c)), nhrp_drop_word(judged[_i].want));
}
END_TEST

START_TEST(built_as_read)
{
	struct pkt k = hex("0518000005780258 04000407 c0000201 0aff0001"), out;
	struct cur c = cur_of(pkt_span(&k));
	struct wr w = wr_of(out.b, sizeof(out.b));
	struct nhrp_cie cie;

	ck_assert_int_eq(nhrp_cie_parse(&c, NHRP_AFN_IPV4, NHRP_ETH_IPV4, &cie), NHRP_OK);
	nhrp_cie_build(&w, &cie);
	ck_assert(!w.bad);
	ck_assert(span_eq(wr_span(&w), pkt_span(&k)));
}
END_TEST

START_TEST(nonsense_is_not_built)
{
	struct nhrp_cie cie = { .nbma = { .n = 5 } };
	struct pkt out;
	struct wr w = wr_of(out.b, sizeof(out.b));

	nhrp_cie_build(&w, &cie);
	ck_assert(w.bad);
	ck_assert_uint_eq(wr_len(&w), 0);
	w = wr_of(out.b, sizeof(out.b));
	cie.nbma.n = 4;
	cie.proto.n = 200;
	nhrp_cie_build(&w, &cie);
	ck_assert(w.bad);
	w = wr_of(out.b, 15);	/* one octet short */
	cie.proto.n = 0;
	nhrp_cie_build(&w, &cie);
	ck_assert(w.bad);
}
END_TEST

static int
list(const char *text, uint16_t afn, uint16_t pro_type, struct nhrp_cie *out, unsigned max)
{
	struct pkt k = hex(text);

	return nhrp_ext_cies(pkt_span(&k), afn, pro_type, out, max);
}

START_TEST(lists_are_counted)
{
	struct nhrp_cie c[2];
	struct addr proto = ip("10.255.0.1");

	ck_assert_int_eq(nhrp_ext_cies(span_of(NULL, 0), NHRP_AFN_IPV4, NHRP_ETH_IPV4, c, 2), 0);
	ck_assert_int_eq(list(CIE44, NHRP_AFN_IPV4, NHRP_ETH_IPV4, c, 2), 1);
	ck_assert_int_eq(list(CIE44 CIE44, NHRP_AFN_IPV4, NHRP_ETH_IPV4, c, 2), 2);
	ck_assert(addr_eq(&c[1].proto, &proto));
	ck_assert_int_eq(list(CIE44 CIE44 CIE44, NHRP_AFN_IPV4, NHRP_ETH_IPV4, c, 2), -1);
	ck_assert_int_eq(list(CIE44 "00", NHRP_AFN_IPV4, NHRP_ETH_IPV4, c, 2), -1);
	ck_assert_int_eq(list("0000000000000000", NHRP_AFN_IPV4, NHRP_ETH_IPV4, c, 2), -1);	/* RFC 2735 */
	ck_assert_int_eq(list(CIE44, NHRP_AFN_IPV4, NHRP_ETH_IPV4, c, 0), -1);
}
END_TEST

/* An address that does not fit is given as none, and the entry after it still counts. */
START_TEST(odd_lengths_in_lists_are_none)
{
	struct nhrp_cie c[3];
	struct addr proto6 = ip("fd00::1"), nbma = ip("192.0.2.1");

	ck_assert_int_eq(list(CIE44 "0000000000000000 04001000 c0000201 fd000000000000000000000000000001", NHRP_AFN_IPV4,
	    NHRP_ETH_IPV6, c, 3), 2);
	ck_assert(addr_eq(&c[0].nbma, &nbma));
	ck_assert_uint_eq(c[0].proto.n, 0);
	ck_assert_uint_eq(c[0].hold_s, 600);
	ck_assert(addr_eq(&c[1].proto, &proto6));
	/* E.164, subaddress, a length of seven */
	ck_assert_int_eq(list("0000000000000000 44000000 c0000201 0000000000000000 04010000 c000020199 0000000000000000 07000700"
	    "00000000000000 00000000000000", NHRP_AFN_IPV4, NHRP_ETH_IPV4, c, 3), 3);
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(c[i].nbma.n + c[i].proto.n, 0);
}
END_TEST

START_TEST(cut_lists_are_refused)
{
	struct pkt k = hex(CIE44 CIE44);
	struct nhrp_cie c[2];

	for (size_t n = 0; n <= k.n; n++) {
		int want = n == 0 ? 0 : n == k.n / 2 ? 1 : n == k.n ? 2 : -1;

		ck_assert_int_eq(nhrp_ext_cies(span_of(k.b, n), NHRP_AFN_IPV4, NHRP_ETH_IPV4, c, 2), want);
	}
}
END_TEST

Suite *suite_cie(void);
Suite *
suite_cie(void)
{
	Suite *s = suite_create("cie");
	TCase *t = tcase_create("cie");

	tcase_add_test(t, all_fields_are_read);
	tcase_add_loop_test(t, lengths_are_judged, 0, (int)(sizeof(judged) / sizeof(judged[0])));
	tcase_add_test(t, built_as_read);
	tcase_add_test(t, nonsense_is_not_built);
	tcase_add_test(t, lists_are_counted);
	tcase_add_test(t, odd_lengths_in_lists_are_none);
	tcase_add_test(t, cut_lists_are_refused);
	suite_add_tcase(s, t);
	return s;
}
