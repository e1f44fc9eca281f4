/* Signatures in AUTH: every kind made and taken, and whatever is not exactly one of ours refused. */
#include "ikecore/crypto/cert_priv.h"
#include "tests/unit/ike_crypto/wycheproof.h"
#include "tests/unit/lab_ca.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

suite_fn sign_suite;

static const struct kind {
	const char *key;
	unsigned kinds, hashes;
	uint8_t method;
} kinds[] = {
	{ "ecdsa-256", IKE_SIGN_ECDSA, 1 << IKE_HASH_SHA256 | 1 << IKE_HASH_SHA512, 14 },
	{ "ecdsa-384", IKE_SIGN_ECDSA, 1 << IKE_HASH_SHA256 | 1 << IKE_HASH_SHA384, 14 },
	{ "ecdsa-521", IKE_SIGN_ECDSA, 1 << IKE_HASH_SHA512, 14 },
	{ "ecdsa-256", IKE_SIGN_ECDSA, 1 << IKE_HASH_SHA384, 14 },	/* not its own hash, but the peer's only one */
	{ "rsa-2048", IKE_SIGN_RSA, 1 << IKE_HASH_SHA256, 14 },
	{ "rsa-2048", IKE_SIGN_RSA_PSS, 1 << IKE_HASH_SHA384, 14 },
	{ "rsa-2048", IKE_SIGN_RSA_PSS, 1 << IKE_HASH_SHA512, 14 },
	{ "ed25519", IKE_SIGN_EDDSA, 1 << IKE_HASH_IDENTITY, 14 },
	{ "ecdsa-256", IKE_SIGN_ECDSA, 0, 9 },
	{ "ecdsa-384", IKE_SIGN_ECDSA, 0, 10 },
	{ "ecdsa-521", IKE_SIGN_ECDSA, 0, 11 },
	{ "rsa-2048", IKE_SIGN_RSA | IKE_SIGN_SHA1, 0, 1 },
};
enum { N_KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static const uint8_t text[] = "octets that both ends have";
static struct lab_ca ca;
static struct lab_pair own;
static struct ike_trust *t;
static EVP_PKEY *pub;

static void
use(const char *key)
{
	const char *name = "a.example.net";
	struct ike_issue w = lab_want(&name);
	uint8_t der[4096];
	X509 *x;

	lab_init(&ca, "CN=Lab");
	w.key = key;
	own = lab_issue(&ca.root, &w);
	t = lab_trust(&ca.root, &own);
	x = cert_read(span_of(der, lab_der(&own.cert, der, sizeof(der))));
	pub = X509_get_pubkey(x);
	X509_free(x);
}

static void
end(void)
{
	EVP_PKEY_free(pub);
	ike_trust_put(t);
	lab_free(&own);
	lab_fini(&ca);
}

static size_t
make(const struct kind *k, uint8_t sig[static IKE_SIG_MAX])
{
	struct ike_sign_as as = { k->kinds, k->hashes };
	char why[IKE_WHY_MAX];
	uint8_t method;
	size_t n = ike_sign(t, &as, SPAN_STR(text), &method, sig, why);

	ck_assert_msg(n != 0, "%s: %s", k->key, why);
	ck_assert_uint_eq(method, k->method);
	return n;
}

static enum ike_cert_fault
check(const struct kind *k, uint8_t method, struct span sig, struct span octets)
{
	char why[IKE_WHY_MAX] = "";
	enum ike_cert_fault f = sign_check(pub, k->kinds, method, sig, octets, why);

	ck_assert_msg((f == IKE_CERT_OK) == !why[0], "%s", why);
	ck_assert_uint_eq(ERR_peek_error(), 0);	/* nothing is left behind for another's eyes */
	return f;
}

START_TEST(made_and_taken)
{
	const struct kind *k = &kinds[_i];
	uint8_t sig[IKE_SIG_MAX];
	size_t n;

	use(k->key);
	n = make(k, sig);
	ck_assert_int_eq(check(k, k->method, span_of(sig, n), SPAN_STR(text)), IKE_CERT_OK);
	ck_assert_int_eq(check(k, k->method, span_of(sig, n), span_of(text, sizeof(text) - 2)), IKE_CERT_SIGNATURE);
	end();
}
END_TEST

/* Every octet changed, every truncation, one octet more: refused. */
START_TEST(not_one_octet_otherwise)
{
	const struct kind *k = &kinds[_i];
	uint8_t sig[IKE_SIG_MAX + 1];
	size_t n;

	use(k->key);
	n = make(k, sig);
	for (size_t i = 0; i < n; i += i < 80 ? 1 : 7) {
		sig[i] ^= 1;
		ck_assert_int_ne(check(k, k->method, span_of(sig, n), SPAN_STR(text)), IKE_CERT_OK);
		sig[i] ^= 1;
		ck_assert_int_ne(check(k, k->method, span_of(sig, i), SPAN_STR(text)), IKE_CERT_OK);
	}
	sig[n] = 0;
	ck_assert_int_ne(check(k, k->method, span_of(sig, n + 1), SPAN_STR(text)), IKE_CERT_OK);
	ck_assert_int_eq(check(k, k->method, span_of(sig, n), SPAN_STR(text)), IKE_CERT_OK);
	end();
}
END_TEST

/* The policy decides, not the peer: no kind is taken that is not named. */
START_TEST(only_what_is_named)
{
	const struct kind *k = &kinds[_i];
	struct kind other = *k;
	uint8_t sig[IKE_SIG_MAX];
	size_t n;

	use(k->key);
	n = make(k, sig);
	other.kinds = (IKE_SIGN_ANY | IKE_SIGN_SHA1) & ~(k->method == 1 ? (unsigned)IKE_SIGN_SHA1 : k->kinds);
	ck_assert_int_eq(check(&other, k->method, span_of(sig, n), SPAN_STR(text)), IKE_CERT_METHOD);
	for (unsigned m = 0; m < 256; m++) {
		if (m != k->method)
			ck_assert_int_ne(check(k, (uint8_t)m, span_of(sig, n), SPAN_STR(text)), IKE_CERT_OK);
	}
	end();
}
END_TEST

/* CVE-2018-16151 and its kin: the digest info is what it must be and fills all of it. */
START_TEST(rsa_forged_padding)
{
	const struct kind k = { "rsa-2048", IKE_SIGN_RSA, 1 << IKE_HASH_SHA256, 14 };
	uint8_t sig[IKE_SIG_MAX], em[256], out[256];
	size_t n, m = sizeof(out);
	EVP_PKEY_CTX *c;

	use(k.key);
	n = make(&k, sig);
	c = EVP_PKEY_CTX_new(pub, NULL);	/* the padded digest, opened with the public key */
	ck_assert_int_eq(EVP_PKEY_verify_recover_init(c), 1);
	ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_padding(c, RSA_NO_PADDING), 1);
	m = sizeof(em);
	ck_assert_int_eq(EVP_PKEY_verify_recover(c, em, &m, sig + n - 256, 256), 1);
	EVP_PKEY_CTX_free(c);
	memmove(em + 11 + 8, em + 256 - 51, 51);	/* short padding, rubbish behind the digest */
	em[10 + 8] = 0;
	memset(em + 11 + 8 + 51, 0x5a, 256 - 11 - 8 - 51);
	c = EVP_PKEY_CTX_new(t->key, NULL);
	ck_assert_int_eq(EVP_PKEY_sign_init(c), 1);
	ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_padding(c, RSA_NO_PADDING), 1);
	m = sizeof(out);
	ck_assert_int_eq(EVP_PKEY_sign(c, out, &m, em, sizeof(em)), 1);
	EVP_PKEY_CTX_free(c);
	memcpy(sig + n - 256, out, 256);
	ck_assert_int_eq(check(&k, 14, span_of(sig, n), SPAN_STR(text)), IKE_CERT_SIGNATURE);
	end();
}
END_TEST

START_TEST(ecdsa_zero_and_negative)
{
	const struct kind k = { "ecdsa-256", IKE_SIGN_ECDSA, 1 << IKE_HASH_SHA256, 14 };
	uint8_t sig[IKE_SIG_MAX], zero[64] = { 0 };
	static const uint8_t r0[] = { 0x30, 6, 2, 1, 0, 2, 1, 0 }, rneg[] = { 0x30, 6, 2, 1, 0xff, 2, 1, 1 }, indef[] = { 0x30, 0x80, 2, 1, 1, 2, 1, 1, 0, 0 };
	static const struct span forged[] = { { r0, sizeof(r0) }, { rneg, sizeof(rneg) }, { indef, sizeof(indef) } };

	use(k.key);
	make(&k, sig);
	for (size_t i = 0; i < 3; i++) {
		memcpy(sig + 13, forged[i].p, forged[i].n);
		ck_assert_int_eq(check(&k, 14, span_of(sig, 13 + forged[i].n), SPAN_STR(text)), IKE_CERT_SIGNATURE);
	}
	ck_assert_int_eq(check(&k, 9, span_of(zero, 64), SPAN_STR(text)), IKE_CERT_SIGNATURE);
	end();
}
END_TEST

START_TEST(nothing_in_common)
{
	struct ike_sign_as as = { IKE_SIGN_RSA, 1 << IKE_HASH_IDENTITY };
	uint8_t sig[IKE_SIG_MAX], method;
	char why[IKE_WHY_MAX];

	use("rsa-2048");
	ck_assert_uint_eq(ike_sign(t, &as, SPAN_STR(text), &method, sig, why), 0);
	ck_assert_str_eq(why, "peer takes no hash that the key of trustpoint LAB can sign with");
	as.hashes = 0;	/* RFC 7296 only: SHA-1, which nobody asked for */
	ck_assert_uint_eq(ike_sign(t, &as, SPAN_STR(text), &method, sig, why), 0);
	ck_assert_str_eq(why, "peer takes no signature that the key of trustpoint LAB can make without SHA-1");
	end();
}
END_TEST

/* ---- Wycheproof, through sign_check() */
static unsigned wp_kind;
static const uint8_t *wp_id;
static unsigned wp_accepted;

static void
wp_one(const struct wp_case *c)
{
	static const char *const keys[] = { "publicKeyDer", "keyDer" };
	uint8_t key[WP_OCTETS], msg[WP_OCTETS], sig[WP_OCTETS], blob[WP_OCTETS + 80];
	char why[IKE_WHY_MAX] = "";
	struct span k = { NULL, 0 }, m, s;
	enum ike_cert_fault f;
	const unsigned char *p;
	struct wr w = wr_of(blob, sizeof(blob));
	EVP_PKEY *pk;

	for (int i = 0; i < 2 && !k.n; i++) {
		if (json_object_get(c->group, keys[i]))
			test_unhex(json_string_value(json_object_get(c->group, keys[i])), key, sizeof(key)), k = span_of(key, strlen(json_string_value(json_object_get(c->group, keys[i]))) / 2);
	}
	ck_assert_uint_ne(k.n, 0);
	m = wp_hex(c, "msg", msg);
	s = wp_hex(c, "sig", sig);
	p = k.p;
	pk = d2i_PUBKEY(NULL, &p, (long)k.n);
	ck_assert_ptr_nonnull(pk);
	wr_u8(&w, (uint8_t)(wp_id[1] + 2));
	wr_bytes(&w, wp_id, wp_id[1] + 2u);
	wr_put(&w, s);
	f = sign_check(pk, wp_kind, 14, wr_span(&w), m, why);
	if (!c->acceptable)
		ck_assert_msg((f == IKE_CERT_OK) == c->valid, "case %d: %s", c->id, why);
	wp_accepted += f == IKE_CERT_OK;
	EVP_PKEY_free(pk);
}

static const uint8_t id_ecdsa256[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
static const uint8_t id_ecdsa384[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03 };
static const uint8_t id_ed25519[] = { 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70 };
static const uint8_t id_rsa256[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00 };
static const uint8_t id_pss256[] = { 0x30, 0x41, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a, 0x30, 0x34, 0xa0, 0x0f, 0x30,
	0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86, 0x48,
	0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0xa2, 0x03,
	0x02, 0x01, 0x20 };
static const struct {
	const char *file;
	unsigned kind;
	const uint8_t *id;
} wp_files[] = {
	{ "ecdsa_secp256r1_sha256_test.json", IKE_SIGN_ECDSA, id_ecdsa256 }, { "ecdsa_secp384r1_sha384_test.json", IKE_SIGN_ECDSA, id_ecdsa384 },
	{ "ed25519_test.json", IKE_SIGN_EDDSA, id_ed25519 }, { "rsa_signature_2048_sha256_test.json", IKE_SIGN_RSA, id_rsa256 },
	{ "rsa_pss_2048_sha256_mgf1_32_test.json", IKE_SIGN_RSA_PSS, id_pss256 },
};

START_TEST(wycheproof_signatures)
{
	wp_kind = wp_files[_i].kind;
	wp_id = wp_files[_i].id;
	wp_accepted = 0;
	if (wp_run(wp_files[_i].file, wp_one))
		ck_assert_uint_ne(wp_accepted, 0);
}
END_TEST

Suite *
sign_suite(void)
{
	Suite *s = suite_create("sign");
	TCase *tc = tcase_create("sign");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, made_and_taken, 0, N_KINDS);
	tcase_add_loop_test(tc, not_one_octet_otherwise, 0, N_KINDS);
	tcase_add_loop_test(tc, only_what_is_named, 0, N_KINDS);
	tcase_add_test(tc, rsa_forged_padding);
	tcase_add_test(tc, ecdsa_zero_and_negative);
	tcase_add_test(tc, nothing_in_common);
	tcase_add_loop_test(tc, wycheproof_signatures, 0, 5);
	suite_add_tcase(s, tc);
	return s;
}
