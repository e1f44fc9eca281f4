/* tests/fuzz/ike_cert.c: libFuzzer target of certificates as peers send them: reading, facts, keys, path (RFC 3779 blocks within the
 * issuer's, too), use, identity, claims, certificate maps, where to ask about revocation. Seeds: tests/fuzz/ike_cert_seeds DIR.
 *
 * An input is an octet that says how to try it (enum how), then a certificate in DER. So that a changed one does not end at its
 * signature, it can be given what a member of our CA has: that CA's name and signature, a time that fits, the key whose AUTH
 * signature we have. What is good once must be good again by the path that is known, with the same facts; and what is refused is refused
 * twice in the same words. */
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "ikecore/crypto/ike_cert.h"

enum how { HOW_SIGN = 1, HOW_TIME = 2, HOW_KEY = 4, HOW_TWICE = 8 /* itself as an intermediate */, HOW_ID = 4 /* bits above: which identity */ };
enum { DER_MAX = 20000, PEM_MAX = 8192 };
#define NOW	INT64_C(1767225600)

static const uint8_t octets[] = "what is signed";
static EVP_PKEY *ca_key, *leaf_key;
static X509 *ca;
static struct ike_trust *trust;
static uint8_t sig[IKE_SIG_MAX], method;
static size_t sig_len;

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
add_ext(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	must(e && X509_add_ext(x, e, -1) == 1);
	X509_EXTENSION_free(e);
}

static X509 *
self_signed(const char *cn, EVP_PKEY *key, bool is_ca)
{
	X509 *x = X509_new();

	must(x && X509_set_version(x, 2) && ASN1_INTEGER_set(X509_get_serialNumber(x), 1) == 1 && X509_set_pubkey(x, key) == 1);
	must(ASN1_TIME_set(X509_getm_notBefore(x), (time_t)NOW - 86400) && ASN1_TIME_set(X509_getm_notAfter(x), (time_t)NOW + 86400));
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	if (is_ca) {
		add_ext(x, NID_basic_constraints, "critical,CA:TRUE");
		add_ext(x, NID_sbgp_ipAddrBlock, "IPv4:10.0.0.0/8,IPv6:2001:db8::/32");
	}
	must(X509_sign(x, key, EVP_sha256()) > 0);
	return x;
}

static struct span
pem_of(X509 *x, EVP_PKEY *k, uint8_t out[static PEM_MAX])
{
	BIO *b = BIO_new(BIO_s_mem());
	int n;

	must(x ? PEM_write_bio_X509(b, x) : PEM_write_bio_PKCS8PrivateKey(b, k, NULL, NULL, 0, NULL, NULL));
	n = BIO_read(b, out, PEM_MAX);
	BIO_free(b);
	return span_of(out, (size_t)n);
}

static void
set_up(void)
{
	static const struct ike_trust_conf conf = { .name = "FUZZ" };
	struct ike_sign_as as = { IKE_SIGN_ANY, 1 << IKE_HASH_SHA256 };
	struct ike_trust *own = ike_trust_new(&conf);
	uint8_t pem[PEM_MAX];
	char why[IKE_WHY_MAX];
	X509 *x;

	ca_key = EVP_EC_gen("P-256");
	leaf_key = EVP_EC_gen("P-256");
	ca = self_signed("Fuzz CA", ca_key, true);
	x = self_signed("own", leaf_key, false);
	trust = ike_trust_new(&conf);
	must(trust && ike_trust_add_ca(trust, pem_of(ca, NULL, pem), why) && ike_trust_complete(trust, why));
	must(own && ike_trust_add_own(own, pem_of(x, NULL, pem), why) && ike_trust_set_key(own, pem_of(NULL, leaf_key, pem), span_of("", 0), why));
	sig_len = ike_sign(own, &as, SPAN_STR(octets), &method, sig, why);
	must(sig_len != 0);
	ike_trust_put(own);
	X509_free(x);
}

/* ---- one input */

/* As a member of our CA would have it. False: that cannot be. */
static bool
mend(X509 *x, unsigned how)
{
	if ((how & HOW_TIME) && !(ASN1_TIME_set(X509_getm_notBefore(x), (time_t)NOW - 60) && ASN1_TIME_set(X509_getm_notAfter(x), (time_t)NOW + 60)))
		return false;
	if ((how & HOW_KEY) && X509_set_pubkey(x, leaf_key) != 1)
		return false;
	return X509_set_issuer_name(x, X509_get_subject_name(ca)) == 1 && X509_sign(x, ca_key, EVP_sha256()) > 0;
}

/* The certificate as it is tried, and the name of its subject; the name is empty where there is none to be read. */
static struct span
prepare(struct span in, unsigned how, uint8_t der[static DER_MAX], uint8_t dn[static DER_MAX], struct span *subject)
{
	const unsigned char *p = in.p;
	X509 *x = d2i_X509(NULL, &p, (long)in.n);
	unsigned char *at = der;
	int n;

	*subject = span_of(dn, 0);
	if (x && (how & HOW_SIGN) && mend(x, how)) {
		n = i2d_X509(x, NULL);
		if (n > 0 && n <= DER_MAX)
			in = span_of(der, (size_t)i2d_X509(x, &at));
	}
	at = dn;
	n = x ? i2d_X509_NAME(X509_get_subject_name(x), NULL) : 0;
	if (n > 0 && n <= DER_MAX)
		*subject = span_of(dn, (size_t)i2d_X509_NAME(X509_get_subject_name(x), &at));
	X509_free(x);
	return in;
}

static void
printable(const char *s, size_t max)
{
	size_t n = strnlen(s, max);

	must(n < max);
	for (size_t i = 0; i < n; i++)
		must((s[i] >= ' ' && s[i] <= '~'));
}

static void
names(struct span dn)
{
	char text[IKE_CERT_TEXT_MAX];

	if (dn.n == 0)
		return;
	printable(ike_dn_fmt(dn, text, sizeof(text)), sizeof(text));
	if (strcmp(text, "cannot be read") != 0)
		must(ike_dn_eq(dn, dn));
	ike_dn_match(dn, dn);
}

static void
claims(struct span der)
{
	struct claims c = { .n = 0 };
	char text[CLAIMS_TEXT_MAX];

	if (!ike_cert_claims(der, &c))
		return;
	must(c.n <= CLAIMS_MAX);
	for (unsigned i = 0; i < c.n; i++) {
		const struct prefix *p = &c.item[i].p;
		struct prefix again = prefix_of(&p->addr, p->bits);

		must((p->addr.n == 4 || p->addr.n == 16) && p->bits <= addr_bits(&p->addr) && prefix_eq(p, &again));
		must(claims_allow(&c, CLAIM_ADDRESS, p) == ((c.item[i].kinds & CLAIM_ADDRESS) != 0) || claims_allow(&c, CLAIM_ADDRESS, p));
	}
	claims_fmt(&c, CLAIM_ADDRESS, text);
	claims_fmt(&c, CLAIM_PREFIX, text);
}

static bool
rule(struct span der, enum ike_map_what what, enum ike_map_op op, const char *value)
{
	const struct ike_certmap_rule r = { what, op, value };
	const struct ike_certmap_entry e = { &r, 1 };
	const struct ike_certmap m = { "M", &e, 1 };

	return ike_certmap_match(&m, der);
}

/* A rule and its opposite are never both true, and one of them is, for all four or, where nothing can be read, for none; what is equal
 * is contained; and two rules of one entry must both hold. */
static void
mapped(struct span der, const char *value)
{
	for (int what = IKE_MAP_SUBJECT; what <= IKE_MAP_ALT_NAME; what++) {
		const struct ike_certmap_rule two[2] = { { (enum ike_map_what)what, IKE_MAP_CO, value }, { (enum ike_map_what)what, IKE_MAP_NE, value } };
		const struct ike_certmap_entry e = { two, 2 };
		const struct ike_certmap m = { "M", &e, 1 };
		bool is[4];

		if (!ike_certmap_rule_ok(&two[0]) || !ike_certmap_rule_ok(&(struct ike_certmap_rule){ (enum ike_map_what)what, IKE_MAP_EQ, value }))
			continue;
		for (int op = IKE_MAP_CO; op <= IKE_MAP_NE; op++)
			is[op] = rule(der, (enum ike_map_what)what, (enum ike_map_op)op, value);
		must(!(is[IKE_MAP_CO] && is[IKE_MAP_NC]) && !(is[IKE_MAP_EQ] && is[IKE_MAP_NE]));
		must((is[IKE_MAP_CO] || is[IKE_MAP_NC]) == (is[IKE_MAP_EQ] || is[IKE_MAP_NE]));
		must(!is[IKE_MAP_EQ] || is[IKE_MAP_CO] || strchr(value, '*'));
		must(ike_certmap_match(&m, der) == (is[IKE_MAP_CO] && is[IKE_MAP_NE]));
	}
}

static void
maps(struct span der, struct span subject)
{
	static const char *const value[] = { "spoke", "ou = branch", "CN=spoke1.example.net, O=Lab", "10.0.0.11", ".example.net", "O=*", "cn = own" };
	char text[IKE_CERT_TEXT_MAX];

	for (unsigned i = 0; i < sizeof(value) / sizeof(value[0]); i++)
		mapped(der, value[i]);
	if (subject.n)
		mapped(der, ike_dn_fmt(subject, text, sizeof(text)));
}

static void
urls(const struct ike_chain *c)
{
	static char url[IKE_URLS_MAX][IKE_URL_MAX];
	uint8_t request[1024];

	for (unsigned i = 0; i < ike_chain_n(c); i++) {
		for (int m = IKE_REV_CRL; m <= IKE_REV_OCSP; m++) {
			unsigned n = ike_chain_urls(c, i, (enum ike_revocation)m, url);

			must(n <= IKE_URLS_MAX);
			for (unsigned k = 0; k < n; k++)
				printable(url[k], IKE_URL_MAX);
		}
		ike_chain_ocsp_request(c, i, request, sizeof(request));
	}
}

static void
prove(const struct span *cert, unsigned n, uint8_t id_type, struct span id)
{
	const struct ike_trust *const list[] = { trust };
	struct ike_proof p = { .trust = list, .n_trust = 1, .wall = NOW, .cert = cert, .n_cert = n, .id_type = id_type, .id = id, .kinds = IKE_SIGN_ANY,
		.method = method, .auth = span_of(sig, sig_len), .octets = SPAN_STR(octets) };
	struct ike_proved first, again;

	ike_proof_check(&p, &first);
	if (first.fault != IKE_CERT_OK && n == 1) {	/* slow; with two of them is often enough */
		must(!first.chain && first.why[0]);
		return;
	}
	ike_proof_check(&p, &again);
	must(first.fault == again.fault && strcmp(first.why, again.why) == 0 && memcmp(&first.leaf, &again.leaf, sizeof(first.leaf)) == 0);
	must(strnlen(first.why, sizeof(first.why)) < sizeof(first.why) && !first.chain == (first.fault != IKE_CERT_OK));
	if (first.chain) {
		must(first.until >= NOW && first.until == again.until && ike_chain_was_known(again.chain) && ike_chain_n(first.chain) == ike_chain_n(again.chain));
		urls(first.chain);
	}
	ike_chain_free(first.chain);
	ike_chain_free(again.chain);
}

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct {
		uint8_t type;
		const char *id;
		size_t n;
	} ids[] = { { 2, "spoke1.example.net", 18 }, { 3, "u@example.net", 13 }, { 1, "\x0a\x00\x00\x0b", 4 }, { 5, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x0b", 16 }, { 9, NULL, 0 },
		{ 11, "key", 3 } };
	static uint8_t der[DER_MAX], dn[DER_MAX];
	struct span cert[2], id;
	unsigned how, which;

	if (n < 2 || n > DER_MAX)
		return 0;
	if (!trust)
		set_up();
	how = data[0];
	which = (how >> HOW_ID) % (sizeof(ids) / sizeof(ids[0]));
	cert[0] = cert[1] = prepare(span_of(data + 1, n - 1), how, der, dn, &id);
	names(id);
	names(cert[0]);
	claims(cert[0]);
	maps(cert[0], id);
	if (ids[which].id)
		id = span_of(ids[which].id, ids[which].n);
	prove(cert, how & HOW_TWICE ? 2 : 1, ids[which].type, id);
	return 0;
}
