/* Chains: who is let in, and each way to be refused, with the words people are told. */
#include "tests/unit/lab_ca.h"

#include <stdio.h>
#include <string.h>

suite_fn chain_suite;

static const char *const fqdn[] = { "spoke1.example.net" };
static const uint8_t octets[] = "what is signed";
static struct lab_ca ca;
static struct lab_pair sub, own;
static struct ike_trust *trust[2], *mine;
static uint8_t der[8][4096];
static struct span cert[8];
static uint8_t sig[IKE_SIG_MAX];
static struct ike_proof p;
static struct ike_proved out;

static void
begin(void)
{
	lab_init(&ca, "CN=Root, O=Lab");
	memset(&p, 0, sizeof(p));
	sub = own = (struct lab_pair){ { NULL, 0 }, { NULL, 0 } };
	trust[0] = lab_trust(&ca.root, NULL);
	trust[1] = NULL;
	mine = NULL;
}

static void
end(void)
{
	ike_chain_free(out.chain);
	out.chain = NULL;
	ike_trust_put(trust[0]);
	ike_trust_put(trust[1]);
	ike_trust_put(mine);
	lab_free(&sub);
	lab_free(&own);
	lab_fini(&ca);
}

static void
add(const struct ike_pem *pem)
{
	cert[p.n_cert] = span_of(der[p.n_cert], lab_der(pem, der[p.n_cert], sizeof(der[0])));
	p.n_cert++;
}

/* Proves with `own`, as spoke1. */
static void
prove(void)
{
	struct ike_sign_as as = { IKE_SIGN_ANY, 1 << IKE_HASH_SHA256 | 1 << IKE_HASH_SHA384 | 1 << IKE_HASH_SHA512 | 1 << IKE_HASH_IDENTITY };
	struct ike_trust_conf conf = { .name = "OWN" };
	char why[IKE_WHY_MAX] = "";
	size_t n;

	mine = ike_trust_new(&conf);
	ck_assert(ike_trust_add_own(mine, lab_span(&own.cert), why) && ike_trust_set_key(mine, lab_span(&own.key), span_of("", 0), why));
	n = ike_sign(mine, &as, SPAN_STR(octets), &p.method, sig, why);
	ck_assert_msg(n != 0, "%s", why);
	p.auth = span_of(sig, n);
	p.octets = SPAN_STR(octets);
	p.trust = (const struct ike_trust *const *)trust;
	p.n_trust = trust[1] ? 2 : 1;
	p.wall = p.wall ? p.wall : LAB_NOW;
	p.cert = cert;
	if (p.n_cert == 0)
		add(&own.cert);
	if (!p.id.n) {
		p.id_type = 2;
		p.id = span_of(fqdn[0], strlen(fqdn[0]));
	}
	p.kinds = p.kinds ? p.kinds : IKE_SIGN_ANY;
	ike_proof_check(&p, &out);
}

static void
good(void)
{
	ck_assert_msg(out.fault == IKE_CERT_OK, "%s", out.why);
	ck_assert_ptr_nonnull(out.chain);
}

static void
refused(enum ike_cert_fault f, const char *why)
{
	ck_assert_msg(out.fault == f && strcmp(out.why, why) == 0, "%d: %s", (int)out.fault, out.why);
	ck_assert_ptr_null(out.chain);
}

START_TEST(taken)
{
	struct ike_issue w = lab_want(fqdn);

	own = lab_issue(&ca.root, &w);
	prove();
	good();
	ck_assert_uint_eq(ike_chain_n(out.chain), 1);
	ck_assert_str_eq(out.leaf.subject, "CN=spoke1.example.net");
	ck_assert_str_eq(out.leaf.issuer, "CN=Root, O=Lab");
	ck_assert_str_eq(out.leaf.key, "ECDSA P-256");
	ck_assert_int_eq(out.until, LAB_NOW + 365 * LAB_DAY);
	ck_assert(ike_trust_is_anchor(trust[0], out.anchor));
}
END_TEST

START_TEST(dates)
{
	struct ike_issue w = lab_want(fqdn);

	w.from = LAB_NOW - 10 * LAB_DAY;
	w.to = LAB_NOW - 1;
	if (_i) {
		w.from = LAB_NOW + LAB_DAY;
		w.to = LAB_NOW + 9 * LAB_DAY;
	}
	own = lab_issue(&ca.root, &w);
	prove();
	if (_i)
		refused(IKE_CERT_NOT_YET, "certificate CN=spoke1.example.net is not valid before 2026-01-02 00:00:00 UTC");
	else
		refused(IKE_CERT_EXPIRED, "certificate CN=spoke1.example.net expired at 2025-12-31 23:59:59 UTC");
}
END_TEST

START_TEST(ca_expired)
{
	struct ike_issue w = lab_want(fqdn);

	w.to = LAB_NOW + 5000LL * LAB_DAY;
	own = lab_issue(&ca.root, &w);
	p.wall = LAB_NOW + 4000LL * LAB_DAY;
	prove();
	ck_assert_int_eq(out.fault, IKE_CERT_EXPIRED);
	ck_assert_ptr_nonnull(strstr(out.why, "certificate CN=Root, O=Lab expired at"));
}
END_TEST

static struct ike_issue
sub_want(void)
{
	struct ike_issue w = lab_want(NULL);

	w.dn = "CN=Issuing";
	w.ca = true;
	return w;
}

START_TEST(intermediate)
{
	struct ike_issue w = lab_want(fqdn), i = sub_want();

	sub = lab_issue(&ca.root, &i);
	own = lab_issue(&sub, &w);
	if (_i == 0) {	/* sent along */
		add(&own.cert);
		add(&sub.cert);
	}
	if (_i == 2) {	/* trusted itself, without its root */
		ike_trust_put(trust[0]);
		trust[0] = lab_trust(&sub, NULL);
	}
	prove();
	if (_i == 1) {
		refused(IKE_CERT_UNTRUSTED, "certificate CN=spoke1.example.net is issued by CN=Issuing, which is no CA of ours");
		return;
	}
	good();
	ck_assert_uint_eq(ike_chain_n(out.chain), _i == 0 ? 2 : 1);
}
END_TEST

/* Who may not issue: a router's own certificate. */
START_TEST(issued_by_a_router)
{
	struct ike_issue w = lab_want(fqdn), i = lab_want(fqdn);

	sub = lab_issue(&ca.root, &i);
	own = lab_issue(&sub, &w);
	add(&own.cert);
	add(&sub.cert);
	prove();
	ck_assert_int_eq(out.fault, IKE_CERT_UNTRUSTED);
}
END_TEST

START_TEST(strange_ca)
{
	struct ike_issue w = lab_want(fqdn);
	struct lab_ca strange;

	lab_init(&strange, "CN=Root, O=Lab");	/* the same name, another key */
	own = lab_issue(&strange.root, &w);
	lab_fini(&strange);
	prove();
	ck_assert_int_eq(out.fault, IKE_CERT_UNTRUSTED);
	ck_assert_ptr_null(out.chain);
}
END_TEST

START_TEST(self_signed)
{
	struct ike_issue w = lab_want(fqdn);

	own = lab_issue(NULL, &w);
	prove();
	refused(IKE_CERT_UNTRUSTED, "certificate CN=spoke1.example.net is issued by CN=spoke1.example.net, which is no CA of ours");
}
END_TEST

START_TEST(small_key)
{
	struct ike_issue w = lab_want(fqdn);

	w.key = "rsa-1024";
	own = lab_issue(&ca.root, &w);
	prove();
	refused(IKE_CERT_KEY, "certificate CN=spoke1.example.net: its RSA key has 1024 bits, 2048 to 8192 are taken");
}
END_TEST

START_TEST(other_use)
{
	struct ike_issue w = lab_want(fqdn);

	if (_i == 0)
		w.ocsp_signing = true;
	else
		w.ca = true;	/* key usage: certificates and CRLs only */
	own = lab_issue(&ca.root, &w);
	prove();
	if (_i == 0)
		refused(IKE_CERT_USAGE, "certificate CN=spoke1.example.net: its extended key usage is for something else than IKE, TLS or any");
	else
		refused(IKE_CERT_USAGE, "certificate CN=spoke1.example.net: its key usage does not allow digital signatures");
}
END_TEST

static const struct id_case {
	uint8_t type;
	const char *id;
	size_t n;
	bool good;
} ids[] = {
	{ 2, "spoke1.example.net", 18, true }, { 2, "SPOKE1.Example.NET", 18, true }, { 2, "spoke2.example.net", 18, false }, { 2, "spoke1.example.ne", 17, false },
	{ 2, "example.net", 11, false }, { 2, "spoke1.example.net\0", 19, false }, { 2, "u@example.net", 13, false }, { 3, "u@example.net", 13, true },
	{ 3, "u@EXAMPLE.net", 13, true }, { 3, "U@example.net", 13, false }, { 3, "spoke1.example.net", 18, false }, { 1, "\x0a\x00\x00\x0b", 4, true }, { 1, "\x0a\x00\x00\x0c", 4, false },
	{ 5, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x0b", 16, true }, { 5, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x0c", 16, false },
	{ 11, "spoke1.example.net", 18, false }, { 10, "spoke1.example.net", 18, false }, { 13, "", 0, false },
	{ 2, "Spoke One", 9, false },	/* the common name is no host name */
};

START_TEST(identity)
{
	static const char *const email[] = { "u@example.net" };
	struct ike_issue w = lab_want(fqdn);
	struct addr a[2];

	ck_assert(addr_parse("10.0.0.11", &a[0]) && addr_parse("2001:db8::b", &a[1]));
	w.dn = "CN=Spoke One";
	w.email = email;
	w.n_email = 1;
	w.addr = a;
	w.n_addr = 2;
	own = lab_issue(&ca.root, &w);
	p.id_type = ids[_i].type;
	p.id = span_of(ids[_i].id, ids[_i].n);
	if (!p.id.n)
		p.id = span_of("x", 1);
	prove();
	if (ids[_i].good)
		good();
	else
		refused(IKE_CERT_IDENTITY, "it is not the holder of its certificate's names: its certificate is for dn CN=Spoke One, fqdn spoke1.example.net, "
		    "email u@example.net, address 10.0.0.11, address 2001:db8::b");
}
END_TEST

START_TEST(identity_dn)
{
	static const char *const names[] = { "CN=spoke1, O=Lab", "CN=SPOKE1, O=lab", "CN=spoke1", "O=Lab, CN=spoke1", "CN=*, O=Lab" };
	struct ike_issue w = lab_want(fqdn);
	uint8_t dn[256];

	w.dn = "CN=spoke1, O=Lab";
	own = lab_issue(&ca.root, &w);
	p.id_type = 9;
	p.id = span_of(dn, ike_dn_parse(names[_i], dn, sizeof(dn)));
	prove();
	ck_assert_int_eq(out.fault, _i < 2 ? IKE_CERT_OK : IKE_CERT_IDENTITY);	/* the asterisk is for rules, not for who presents it */
}
END_TEST

START_TEST(revoked_by_file)
{
	struct ike_issue w = lab_want(fqdn);
	struct ike_pem crl;
	char why[IKE_WHY_MAX] = "";

	own = lab_issue(&ca.root, &w);
	crl = lab_crl(&ca.root, _i ? NULL : &own, LAB_NOW - LAB_DAY, LAB_NOW + LAB_DAY);
	ck_assert(ike_trust_add_crl(trust[0], lab_span(&crl), why));
	ck_assert(ike_trust_complete(trust[0], why));
	ike_pem_free(&crl);
	prove();
	if (_i == 0)
		refused(IKE_CERT_REVOKED, "certificate CN=spoke1.example.net was revoked at 2025-12-31 12:00:00 UTC");
	else
		good();
}
END_TEST

/* Two trustpoints: the second one knows the CA. And when none does, what the one that knows it says is told. */
START_TEST(several_trustpoints)
{
	struct ike_issue w = lab_want(fqdn);
	struct lab_ca other;

	lab_init(&other, "CN=Other");
	trust[1] = trust[0];
	trust[0] = lab_trust(&other.root, NULL);
	lab_fini(&other);
	if (_i)
		w.to = LAB_NOW - 1;
	own = lab_issue(&ca.root, &w);
	prove();
	if (_i) {
		refused(IKE_CERT_EXPIRED, "certificate CN=spoke1.example.net expired at 2025-12-31 23:59:59 UTC");
		return;
	}
	good();
	ck_assert_uint_eq(out.trust, 1);
}
END_TEST

START_TEST(syntax)
{
	struct ike_issue w = lab_want(fqdn);
	size_t n;

	own = lab_issue(&ca.root, &w);
	prove();
	good();
	ike_chain_free(out.chain);
	n = cert[0].n;
	for (size_t i = 0; i < n; i += 13) {	/* cut anywhere */
		cert[0].n = i;
		ck_assert_int_eq(ike_proof_check(&p, &out), IKE_CERT_SYNTAX);
	}
	der[0][n] = 0;	/* one octet behind it */
	cert[0].n = n + 1;
	ck_assert_int_eq(ike_proof_check(&p, &out), IKE_CERT_SYNTAX);
	cert[0].n = n;
	p.n_cert = 0;
	ike_proof_check(&p, &out);
	refused(IKE_CERT_NONE, "it sent no certificate");
	for (unsigned i = 1; i < 6; i++)
		cert[i] = cert[0];
	p.n_cert = 6;
	ike_proof_check(&p, &out);
	refused(IKE_CERT_SYNTAX, "it sent more than 5 certificates, or more than 16 KiB of them");
	p.n_cert = 5;
	ck_assert_int_eq(ike_proof_check(&p, &out), IKE_CERT_OK);
}
END_TEST

/* Every octet of the certificate changed in turn: never good. */
START_TEST(changed)
{
	struct ike_issue w = lab_want(fqdn);

	own = lab_issue(&ca.root, &w);
	prove();
	good();
	ike_chain_free(out.chain);
	for (size_t i = 0; i < cert[0].n; i += 3) {
		der[0][i] ^= 0x10;
		ck_assert_msg(ike_proof_check(&p, &out) != IKE_CERT_OK, "octet %zu", i);
		der[0][i] ^= 0x10;
	}
	ck_assert_int_eq(ike_proof_check(&p, &out), IKE_CERT_OK);
}
END_TEST

Suite *
chain_suite(void)
{
	Suite *s = suite_create("chain");
	TCase *tc = tcase_create("chain");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, taken);
	tcase_add_loop_test(tc, dates, 0, 2);
	tcase_add_test(tc, ca_expired);
	tcase_add_loop_test(tc, intermediate, 0, 3);
	tcase_add_test(tc, issued_by_a_router);
	tcase_add_test(tc, strange_ca);
	tcase_add_test(tc, self_signed);
	tcase_add_test(tc, small_key);
	tcase_add_loop_test(tc, other_use, 0, 2);
	tcase_add_loop_test(tc, identity, 0, sizeof(ids) / sizeof(ids[0]));
	tcase_add_loop_test(tc, identity_dn, 0, 5);
	tcase_add_loop_test(tc, revoked_by_file, 0, 2);
	tcase_add_loop_test(tc, several_trustpoints, 0, 2);
	tcase_add_test(tc, syntax);
	tcase_add_test(tc, changed);
	suite_add_tcase(s, tc);
	return s;
}
