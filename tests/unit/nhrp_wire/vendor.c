/* twin of nhrpd/wire/vendor.c */
#include "tests/unit/nhrp_wire/util.h"

#define OURS "\x02\x44\x4d"

static struct nhrp_packet
packet(struct span a, struct span b)
{
	struct nhrp_packet p = { .n_ext = 3, .ext = { { .type = NHRP_EXT_NAT, .value = SPAN_STR(OURS) }, { .type = NHRP_EXT_VENDOR, .value = a },
		{ .type = NHRP_EXT_VENDOR, .value = b } } };

	return p;
}

static const struct {
	struct span a, b;
	enum nhrp_drop want;
	const char *group;
} row[] = {
	{ SPAN_STR("\x00\x00\x0c" "nhrp group"), SPAN_STR(""), NHRP_OK, "" },	/* somebody else's */
	{ SPAN_STR(OURS), SPAN_STR("\x00\x00\x0c"), NHRP_OK, "" },
	{ SPAN_STR(OURS "\x01\x04gold"), SPAN_STR("\x02\x44"), NHRP_OK, "gold" },
	{ SPAN_STR("abc\x01\x04gold"), SPAN_STR(OURS "\x07\x02??\x01\x01g\x09\x00"), NHRP_OK, "g" },	/* items of later times */
	{ SPAN_STR(OURS "\x01\x20" "0123456789abcdef0123456789abcdef"), SPAN_STR(""), NHRP_OK, "0123456789abcdef0123456789abcdef" },
	{ SPAN_STR(OURS "\x01\x21" "0123456789abcdef0123456789abcdefg"), SPAN_STR(""), NHRP_DROP_VENDOR, NULL },
	{ SPAN_STR(OURS "\x01\x00"), SPAN_STR(""), NHRP_DROP_VENDOR, NULL },
	{ SPAN_STR(OURS "\x01"), SPAN_STR(""), NHRP_DROP_VENDOR, NULL },
	{ SPAN_STR(OURS "\x01\x05gold"), SPAN_STR(""), NHRP_DROP_VENDOR, NULL },
	{ SPAN_STR(OURS "\x01\x04go d"), SPAN_STR(""), NHRP_DROP_VENDOR, NULL },
	{ SPAN_STR(OURS "\x01\x04go\0d"), SPAN_STR(""), NHRP_DROP_VENDOR, NULL },
	{ SPAN_STR(OURS "\x01\x04go\x1b" "d"), SPAN_STR(""), NHRP_DROP_VENDOR, NULL },
	{ SPAN_STR(OURS "\x01\x04go\xc3\xa4"), SPAN_STR(""), NHRP_DROP_VENDOR, NULL },
	{ SPAN_STR(OURS "\x01\x01g\x01\x01g"), SPAN_STR(""), NHRP_DROP_VENDOR, NULL },	/* twice */
	{ SPAN_STR(OURS "\x01\x01g"), SPAN_STR(OURS), NHRP_DROP_VENDOR, NULL },
};

START_TEST(said_or_refused)
{
	struct nhrp_packet p = packet(row[_i].a, row[_i].b);
	struct nhrp_vendor v;

	ck_assert_int_eq(nhrp_vendor_parse(&p, &v), row[_i].want);
	if (row[_i].group)
		ck_assert(span_eq(v.group, span_of(row[_i].group, strlen(row[_i].group))));
}
END_TEST

START_TEST(read_as_built)
{
	uint8_t b[64];
	struct wr w = wr_of(b, sizeof(b));
	struct nhrp_packet p;
	struct nhrp_vendor v = { .group = SPAN_STR("silver!~") };
	size_t n;

	nhrp_vendor_build(&w, &v);
	n = wr_span(&w).n;
	p = packet(wr_span(&w), SPAN_STR(""));
	ck_assert(nhrp_vendor_is_ours(&p.ext[1]) && !nhrp_vendor_is_ours(&p.ext[0]) && !nhrp_vendor_is_ours(&p.ext[2]));
	ck_assert_int_eq(nhrp_vendor_parse(&p, &v), NHRP_OK);
	ck_assert(span_eq(v.group, SPAN_STR("silver!~")));
	for (size_t k = 4; k < n; k++) {	/* cut anywhere */
		p = packet(span_of(b, k), SPAN_STR(""));
		ck_assert_int_eq(nhrp_vendor_parse(&p, &v), NHRP_DROP_VENDOR);
	}
	w = wr_of(b, 6);
	nhrp_vendor_build(&w, &(struct nhrp_vendor){ .group = SPAN_STR("gold") });
	ck_assert(w.bad);
	w = wr_of(b, sizeof(b));
	nhrp_vendor_build(&w, &(struct nhrp_vendor){ .group = SPAN_STR("") });
	p = packet(wr_span(&w), SPAN_STR(""));
	ck_assert_int_eq(nhrp_vendor_parse(&p, &v), NHRP_OK);
	ck_assert_uint_eq(v.group.n, 0);
}
END_TEST

Suite *suite_vendor(void);
Suite *
suite_vendor(void)
{
	Suite *s = suite_create("vendor");
	TCase *t = tcase_create("vendor");

	tcase_add_loop_test(t, said_or_refused, 0, (int)(sizeof(row) / sizeof(row[0])));
	tcase_add_test(t, read_as_built);
	suite_add_tcase(s, t);
	return s;
}
