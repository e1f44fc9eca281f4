/* twin of nhrpd/wire/ext.c */
#include "tests/unit/nhrp_wire/util.h"

START_TEST(found_by_type)
{
	struct nhrp_packet p = { .n_ext = 3, .ext = { { .type = NHRP_EXT_NAT }, { .type = NHRP_EXT_AUTH }, { .type = NHRP_EXT_VENDOR } } };

	ck_assert_ptr_eq(nhrp_ext_find(&p, NHRP_EXT_AUTH), &p.ext[1]);
	ck_assert_ptr_eq(nhrp_ext_find(&p, NHRP_EXT_VENDOR), &p.ext[2]);
	ck_assert_ptr_null(nhrp_ext_find(&p, NHRP_EXT_FORWARD));
	p.n_ext = 0;
	ck_assert_ptr_null(nhrp_ext_find(&p, NHRP_EXT_NAT));
}
END_TEST

static const struct {
	uint16_t type;
	const char *value;
	bool want;
} nat[] = {
	{ NHRP_EXT_NAT, "", true },
	{ NHRP_EXT_NAT, "0020000000000000 04000400 c0000201 0aff0001", true },
	{ NHRP_EXT_NAT, "0020000000000000 04000400 c0000201 0aff0001 0020000000000000 00000000", true },
	{ NHRP_EXT_NAT, "0080000000000000 04001000 c0000201 fd000000000000000000000000000001", true },
	{ NHRP_EXT_NAT, "00000001 00000000", false },	/* RFC 2735 device capabilities */
	{ NHRP_EXT_NAT, "00000001", false },	/* IGP information */
	{ NHRP_EXT_NAT, "0020000000000000 04000400 c0000201 0aff00", false },
	{ NHRP_EXT_NAT, "0020000000000000 04000400 c0000201 0aff0001 00", false },
	{ NHRP_EXT_VENDOR, "", false },
};

START_TEST(nat_list_or_capabilities)
{
	uint8_t b[128];
	struct nhrp_ext e = { .type = nat[_i].type };

	e.value = span_of(b, test_unhex(nat[_i].value, b, sizeof(b)));
	ck_assert_int_eq(nhrp_ext_is_nat(&e), nat[_i].want);
}
END_TEST

START_TEST(cleartext_only)
{
	ck_assert(span_eq(nhrp_auth_string(SPAN_STR("\0\0\0\1secret")), SPAN_STR("secret")));
	ck_assert_uint_eq(nhrp_auth_string(SPAN_STR("\0\0\0\1")).n, 0);
	ck_assert_uint_eq(nhrp_auth_string(SPAN_STR("\0\0\0\2secret")).n, 0);
	ck_assert_uint_eq(nhrp_auth_string(SPAN_STR("\0\0\1")).n, 0);
	ck_assert_uint_eq(nhrp_auth_string(span_of(NULL, 0)).n, 0);
	ck_assert_ptr_nonnull(nhrp_auth_string(span_of(NULL, 0)).p);
}
END_TEST

START_TEST(built_as_read)
{
	uint8_t b[64];
	struct wr w = wr_of(b, sizeof(b));

	nhrp_auth_build(&w, SPAN_STR("secret"));
	ck_assert(span_eq(wr_span(&w), SPAN_STR("\0\0\0\1secret")));
	ck_assert(span_eq(nhrp_auth_string(wr_span(&w)), SPAN_STR("secret")));
	w = wr_of(b, 9);
	nhrp_auth_build(&w, SPAN_STR("secret"));
	ck_assert(w.bad);
}
END_TEST

Suite *suite_ext(void);
Suite *
suite_ext(void)
{
	Suite *s = suite_create("ext");
	TCase *t = tcase_create("ext");

	tcase_add_test(t, found_by_type);
	tcase_add_loop_test(t, nat_list_or_capabilities, 0, (int)(sizeof(nat) / sizeof(nat[0])));
	tcase_add_test(t, cleartext_only);
	tcase_add_test(t, built_as_read);
	suite_add_tcase(s, t);
	return s;
}
