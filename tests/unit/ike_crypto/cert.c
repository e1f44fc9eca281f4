/* Distinguished names and dates; identities and keys are tried through chains (chain.c). */
#include "ikecore/crypto/ike_cert.h"
#include "tests/unit/harness.h"

#include <string.h>

suite_fn cert_suite;

static const struct {
	const char *text, *shown;	/* shown NULL: not a name */
} dns[] = {
	{ "CN=spoke1", "CN=spoke1" }, { "CN=spoke1, O=Lab", "CN=spoke1, O=Lab" }, { "/C=ZZ/O=Lab/CN=x", "C=ZZ, O=Lab, CN=x" },
	{ "CN = with spaces ,O=Lab", "CN=with spaces, O=Lab" }, { "CN=a\\,b", "CN=a\\,b" }, { "cn=small,o=Lab", "CN=small, O=Lab" },
	{ "emailAddress=u@example.net", "emailAddress=u@example.net" }, { "OU=a, OU=b", "OU=a, OU=b" },
	{ "", NULL }, { "CN", NULL }, { "CN=", NULL }, { "=x", NULL }, { "CN=a,", NULL }, { "nonsense=x", NULL }, { "CN=a,,O=b", NULL }, { "C=too-long", NULL },
};

START_TEST(dn_text)
{
	uint8_t der[256];
	char text[128];
	size_t n = ike_dn_parse(dns[_i].text, der, sizeof(der));

	if (!dns[_i].shown) {
		ck_assert_uint_eq(n, 0);
		return;
	}
	ck_assert_uint_ne(n, 0);
	ck_assert_str_eq(ike_dn_fmt(span_of(der, n), text, sizeof(text)), dns[_i].shown);
	for (size_t i = 0; i < n; i++)
		ck_assert_str_eq(ike_dn_fmt(span_of(der, i), text, sizeof(text)), "cannot be read");
	ck_assert_uint_eq(ike_dn_parse(dns[_i].text, der, n - 1), 0);	/* no room */
}
END_TEST

static const struct {
	const char *pattern, *name;
	bool match, eq;
} matches[] = {
	{ "CN=a, O=Lab", "CN=a, O=Lab", true, true }, { "CN=a, O=Lab", "CN=A, O=lab", true, true }, { "CN=*, O=Lab", "CN=a, O=Lab", true, false },
	{ "CN=*, O=Lab", "CN=a, O=Other", false, false }, { "CN=*", "CN=a, O=Lab", false, false }, { "CN=*, O=Lab", "O=Lab, CN=a", false, false },
	{ "CN=a, O=Lab", "CN=*, O=Lab", false, false }, { "CN=*, O=*", "CN=a, O=Lab", true, false }, { "CN=a*", "CN=ab", false, false },
};

START_TEST(dn_rules)
{
	uint8_t a[256], b[256];
	struct span p = span_of(a, ike_dn_parse(matches[_i].pattern, a, sizeof(a))), n = span_of(b, ike_dn_parse(matches[_i].name, b, sizeof(b)));

	ck_assert(ike_dn_match(p, n) == matches[_i].match);
	ck_assert(ike_dn_eq(p, n) == matches[_i].eq);
	ck_assert(ike_dn_eq(n, p) == matches[_i].eq);
	p.n--;
	ck_assert(!ike_dn_match(p, n) && !ike_dn_match(n, p) && !ike_dn_eq(p, n));
}
END_TEST

START_TEST(dates)
{
	char text[IKE_DATE_MAX];

	ck_assert_str_eq(ike_date_fmt(0, text), "1970-01-01 00:00:00 UTC");
	ck_assert_str_eq(ike_date_fmt(1767225600, text), "2026-01-01 00:00:00 UTC");
	ck_assert_str_eq(ike_date_fmt(INT64_MAX, text), "an impossible date");
}
END_TEST

Suite *
cert_suite(void)
{
	Suite *s = suite_create("cert");
	TCase *tc = tcase_create("cert");

	tcase_add_loop_test(tc, dn_text, 0, sizeof(dns) / sizeof(dns[0]));
	tcase_add_loop_test(tc, dn_rules, 0, sizeof(matches) / sizeof(matches[0]));
	tcase_add_test(tc, dates);
	suite_add_tcase(s, tc);
	return s;
}
