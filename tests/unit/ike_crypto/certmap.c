/* Twin of ikecore/crypto/certmap.c: what fits, what does not, and who tries to look like somebody else. */
#include "tests/unit/lab_ca.h"

#include <stdio.h>
#include <string.h>

suite_fn certmap_suite;

static struct lab_ca ca;
static uint8_t der[4096];
static struct span leaf;

/* CN=spoke1, OU=Branch East, O=Lab of CN=Root, O=Lab; with a host name, a mail address and both kinds of IP address. */
static void
begin(void)
{
	static const char *const fqdn[] = { "spoke1.example.net" }, *const email[] = { "noc@example.net" };
	struct ike_issue w = lab_want(fqdn);
	struct lab_pair own;
	struct addr a[2];

	ck_assert(addr_parse("10.255.0.2", &a[0]) && addr_parse("2001:db8::2", &a[1]));
	lab_init(&ca, "CN=Root, O=Lab");
	w.dn = "CN=spoke1, OU=Branch East, O=Lab";
	w.email = email;
	w.n_email = 1;
	w.addr = a;
	w.n_addr = 2;
	own = lab_issue(&ca.root, &w);
	leaf = span_of(der, lab_der(&own.cert, der, sizeof(der)));
	lab_free(&own);
}

static void
end(void)
{
	lab_fini(&ca);
}

static bool
fits(enum ike_map_what what, enum ike_map_op op, const char *value)
{
	struct ike_certmap_rule rule = { what, op, value };
	struct ike_certmap_entry entry = { &rule, 1 };
	struct ike_certmap map = { "M", &entry, 1 };

	return ike_certmap_match(&map, leaf);
}

static const struct {
	enum ike_map_what what;
	bool whole;	/* eq and ne; else co and nc */
	const char *value;
	bool yes;
} row[] = {
	{ IKE_MAP_SUBJECT, false, "ou=branch", true },
	{ IKE_MAP_SUBJECT, false, "OU=Branch East", true },
	{ IKE_MAP_SUBJECT, false, "OU=east, CN=spoke", true },	/* each of them, in any order */
	{ IKE_MAP_SUBJECT, false, "OU=branch, CN=spoke2", false },
	{ IKE_MAP_SUBJECT, false, "O=branch", false },	/* another attribute has it */
	{ IKE_MAP_SUBJECT, false, "branch", true },
	{ IKE_MAP_SUBJECT, false, "BRANCH EAST", true },
	{ IKE_MAP_SUBJECT, false, "east, o", false },	/* not one line of text */
	{ IKE_MAP_SUBJECT, false, "root", false },
	{ IKE_MAP_SUBJECT, true, "CN=spoke1, OU=Branch East, O=Lab", true },
	{ IKE_MAP_SUBJECT, true, "cn=SPOKE1, ou=branch east, o=LAB", true },
	{ IKE_MAP_SUBJECT, true, "CN=*, OU=Branch East, O=Lab", true },
	{ IKE_MAP_SUBJECT, true, "CN=spoke1, OU=Branch East", false },
	{ IKE_MAP_SUBJECT, true, "OU=Branch East, CN=spoke1, O=Lab", false },
	{ IKE_MAP_ISSUER, false, "cn=root", true },
	{ IKE_MAP_ISSUER, false, "cn=spoke1", false },
	{ IKE_MAP_ISSUER, true, "CN=Root, O=Lab", true },
	{ IKE_MAP_ISSUER, true, "CN=Root", false },
	{ IKE_MAP_ALT_NAME, false, "example.net", true },
	{ IKE_MAP_ALT_NAME, false, "SPOKE1.", true },
	{ IKE_MAP_ALT_NAME, false, "spoke2", false },
	{ IKE_MAP_ALT_NAME, false, "10.255.", true },
	{ IKE_MAP_ALT_NAME, true, "Spoke1.Example.net", true },
	{ IKE_MAP_ALT_NAME, true, "spoke1", false },
	{ IKE_MAP_ALT_NAME, true, "noc@example.net", true },
	{ IKE_MAP_ALT_NAME, true, "10.255.0.2", true },
	{ IKE_MAP_ALT_NAME, true, "2001:DB8:0::2", true },
	{ IKE_MAP_ALT_NAME, true, "10.255.0.20", false },
};

START_TEST(rules)
{
	struct ike_certmap_rule r = { row[_i].what, row[_i].whole ? IKE_MAP_EQ : IKE_MAP_CO, row[_i].value };

	ck_assert(ike_certmap_rule_ok(&r));
	ck_assert_msg(fits(r.what, r.op, r.value) == row[_i].yes, "%s", r.value);
	ck_assert_msg(fits(r.what, row[_i].whole ? IKE_MAP_NE : IKE_MAP_NC, r.value) != row[_i].yes, "not %s", r.value);
}
END_TEST

/* Another's attribute inside one's own: RFC 2253 text would contain it. */
START_TEST(attribute_in_an_attribute)
{
	struct ike_issue w = lab_want(NULL);
	struct lab_pair own;

	w.dn = "CN=x\\, OU=Branch East";
	own = lab_issue(&ca.root, &w);
	leaf = span_of(der, lab_der(&own.cert, der, sizeof(der)));
	ck_assert(!fits(IKE_MAP_SUBJECT, IKE_MAP_CO, "OU=Branch East"));
	ck_assert(fits(IKE_MAP_SUBJECT, IKE_MAP_NC, "OU=Branch East"));
	ck_assert(!fits(IKE_MAP_ALT_NAME, IKE_MAP_CO, "x"));	/* it has none */
	ck_assert(fits(IKE_MAP_ALT_NAME, IKE_MAP_NE, "x"));
	lab_free(&own);
}
END_TEST

START_TEST(entries)
{
	struct ike_certmap_rule good[2] = { { IKE_MAP_SUBJECT, IKE_MAP_CO, "OU=branch" }, { IKE_MAP_ISSUER, IKE_MAP_CO, "CN=Root" } };
	struct ike_certmap_rule bad[2] = { good[0], { IKE_MAP_ISSUER, IKE_MAP_NC, "CN=Root" } };
	struct ike_certmap_entry entry[2] = { { bad, 2 }, { good, 2 } };
	struct ike_certmap map = { "M", entry, 1 }, two = { "N", entry, 2 };
	const struct ike_certmap *const list[] = { &map, &two };

	ck_assert(!ike_certmap_match(&map, leaf));	/* all of an entry's rules */
	ck_assert(ike_certmap_match(&two, leaf));	/* one of the entries */
	ck_assert(!ike_certmaps_match(list, 1, leaf));
	ck_assert(ike_certmaps_match(list, 2, leaf));	/* one of the maps */
	ck_assert(ike_certmaps_match(list, 0, leaf));
	ck_assert(ike_certmaps_match(list, 0, span_of("", 0)));
	entry[0].n = 0;
	ck_assert(!ike_certmap_match(&map, leaf));	/* an entry that says nothing is for nobody */
}
END_TEST

/* What is no certificate fits nothing, also where something is only not to be in it. */
START_TEST(no_certificate)
{
	size_t n = leaf.n;

	for (unsigned op = IKE_MAP_CO; op <= IKE_MAP_NE; op++) {
		leaf.n = 0;
		ck_assert(!fits(IKE_MAP_ALT_NAME, (enum ike_map_op)op, "nobody"));
		leaf.n = n - 1;
		ck_assert(!fits(IKE_MAP_ALT_NAME, (enum ike_map_op)op, "nobody"));
		leaf.n = n;
	}
	ck_assert(fits(IKE_MAP_ALT_NAME, IKE_MAP_NC, "nobody"));
}
END_TEST

START_TEST(values)
{
	ck_assert(!ike_certmap_rule_ok(&(struct ike_certmap_rule){ IKE_MAP_SUBJECT, IKE_MAP_CO, "" }));
	ck_assert(!ike_certmap_rule_ok(&(struct ike_certmap_rule){ IKE_MAP_SUBJECT, IKE_MAP_CO, "nonsense=x" }));
	ck_assert(!ike_certmap_rule_ok(&(struct ike_certmap_rule){ IKE_MAP_ISSUER, IKE_MAP_EQ, "x" }));
	ck_assert(ike_certmap_rule_ok(&(struct ike_certmap_rule){ IKE_MAP_ALT_NAME, IKE_MAP_EQ, "x=y" }));
}
END_TEST

Suite *
certmap_suite(void)
{
	Suite *s = suite_create("certmap");
	TCase *t = tcase_create("certmap");

	tcase_add_checked_fixture(t, begin, end);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, rules, 0, sizeof(row) / sizeof(row[0]));
	tcase_add_test(t, attribute_in_an_attribute);
	tcase_add_test(t, entries);
	tcase_add_test(t, no_certificate);
	tcase_add_test(t, values);
	suite_add_tcase(s, t);
	return s;
}
