/* Twin of ikecore/crypto/ike_keys.c: the key schedule against NIST's vectors and whole recorded exchanges, which are also opened,
 * read by ikecore/wire, authenticated and sealed again. */
#include "ikecore/crypto/ike_crypto.h"
#include "ikecore/wire/ike_msg.h"
#include "tests/unit/ike_vectors.h"

#include <stdio.h>
#include <stdlib.h>

static const struct ike_suite gcm = { IKE_ENCR_AES_GCM_16, 256, IKE_PRF_HMAC_SHA2_384, 0, IKE_KE_ECP384 };
static const struct ike_suite cbc = { IKE_ENCR_AES_CBC, 256, IKE_PRF_HMAC_SHA2_256, IKE_INTEG_HMAC_SHA2_256_128, IKE_KE_ECP256 };

static uint64_t
be64(struct span s)
{
	ck_assert_uint_eq(s.n, 8);
	return (uint64_t)get_be32(s.p) << 32 | get_be32(s.p + 4);
}

static struct ike_seed
seed_of(const struct vec *v, const char *prefix, bool pfs, bool spis)
{
	char name[VEC_NAME_MAX];
	struct ike_seed s = { { NULL, 0 } };

#define GET(field, n, get) do { snprintf(name, sizeof(name), "%s" n, prefix); s.field = get; } while (0)
	if (pfs)
		GET(g_ir, "g_ir", vec_get(v, name));
	GET(ni, "Ni", vec_get(v, name));
	GET(nr, "Nr", vec_get(v, name));
	if (spis) {
		GET(spi_i, "SPIi", be64(vec_get(v, name)));
		GET(spi_r, "SPIr", be64(vec_get(v, name)));
	}
#undef GET
	return s;
}

static void
same_sk(const struct vec *v, const struct ike_suite *suite, const struct ike_keys *k)
{
	ck_span_eq(vec_get(v, "SK_d"), span_of(k->d, k->prf_len));
	ck_span_eq(vec_get(v, "SK_pi"), span_of(k->pi, k->prf_len));
	ck_span_eq(vec_get(v, "SK_pr"), span_of(k->pr, k->prf_len));
	ck_span_eq(vec_get(v, "SK_ei"), span_of(k->i.enc, k->i.enc_len));
	ck_span_eq(vec_get(v, "SK_er"), span_of(k->r.enc, k->r.enc_len));
	if (!suite->integ)
		return;
	ck_span_eq(vec_get(v, "SK_ai"), span_of(k->i.mac, k->i.mac_len));
	ck_span_eq(vec_get(v, "SK_ar"), span_of(k->r.mac, k->r.mac_len));
}

static void
first_keys(const struct vec *v, const struct ike_suite *suite, struct ike_keys *k)
{
	struct ike_seed s = seed_of(v, "", true, true);
	uint8_t skeyseed[IKE_PRF_LEN_MAX];

	ck_assert(ike_skeyseed(suite->prf, &s, skeyseed));
	ck_span_eq(vec_get(v, "SKEYSEED"), span_of(skeyseed, ike_prf_len(suite->prf)));
	ck_assert(ike_keys_first(suite, &s, k));
	same_sk(v, suite, k);
}

/* Sealing what was opened, with the IV it had, gives the recorded octets again. */
static void
seal_again(const struct ike_protect *key, const struct ike_msg *m, struct span plain)
{
	uint8_t text[2048], icv[IKE_ICV_LEN_MAX];
	struct ike_sk_sizes z;

	ck_assert(ike_sk_sizes(key, &z));
	memcpy(text, plain.p, plain.n);
	ck_assert(ike_seal(key, m->sk.aad, m->sk.body.p, text, plain.n, icv));
	ck_assert_mem_eq(text, m->sk.body.p + z.iv_len, plain.n);
	ck_assert_mem_eq(icv, m->sk.body.p + m->sk.body.n - z.icv_len, z.icv_len);
}

/* Opens one recorded message; out holds the text that m points into. */
static void
open_recorded(const struct vec *v, const char *name, const struct ike_keys *k, struct ike_msg *m, uint8_t *out)
{
	char other[VEC_NAME_MAX];
	struct span message = vec_get(v, name);
	const struct ike_protect *key;
	struct span plain;
	long n;

	ck_assert_msg(ike_msg_parse(message, m) == IKE_OK, "%s", name);
	ck_assert_msg(ike_msg_check_clear(m) == IKE_OK, "%s", name);
	key = m->hdr.flags & IKE_FLAG_INITIATOR ? &k->i : &k->r;
	n = ike_open(key, m->sk.aad, m->sk.body, out);
	ck_assert_msg(n > 0, "%s does not open", name);
	plain = span_of(out, (size_t)n);
	snprintf(other, sizeof(other), "%s_first_payload", name);
	ck_assert_uint_eq(m->sk.first, vec_find(v, other)->number);
	ck_assert_msg(ike_msg_parse_inner(m, plain) == IKE_OK, "%s", name);
	ck_assert_msg(ike_msg_check_inner(m) == IKE_OK, "%s", name);
	snprintf(other, sizeof(other), "%s_plain", name);
	ck_span_eq(vec_get(v, other), span_of(out, plain.n - 1 - out[plain.n - 1]));
	seal_again(key, m, plain);
}

static unsigned
open_all(const struct vec *v, const struct ike_keys *k)
{
	static uint8_t out[4096];
	static struct ike_msg m;
	unsigned n = 0;

	for (size_t i = 0; i < v->n; i++) {
		const char *name = v->line[i].name, *from = strstr(name, "_from");

		if (!from || strlen(from) != strlen("_fromX"))
			continue;
		open_recorded(v, name, k, &m, out);
		n++;
	}
	return n;
}

static void
auth_matches(const struct vec *v, const struct ike_keys *k, bool initiator)
{
	uint8_t out[2048], auth[IKE_PRF_LEN_MAX];
	struct ike_msg m;
	struct ike_auth_in in = { .int_auth = { NULL, 0 } };
	size_t n;

	open_recorded(v, initiator ? "IKE_AUTH_req_1_fromI" : "IKE_AUTH_resp_1_fromR", k, &m, out);
	in.message = vec_get(v, initiator ? "IKE_SA_INIT_request" : "IKE_SA_INIT_response");
	in.nonce = vec_get(v, initiator ? "Nr" : "Ni");
	in.id_body = initiator ? m.idi.body : m.idr.body;
	ck_assert_uint_eq(m.auth_method, IKE_AUTH_PSK);
	n = ike_auth_psk(k, initiator, SPAN_STR("dmvpn-lab-psk-0123456789"), &in, auth);
	ck_assert_uint_eq(n, k->prf_len);
	ck_span_eq(m.auth, span_of(auth, n));
	ck_assert(ike_auth_psk(k, initiator, SPAN_STR("dmvpn-lab-psk-0123456780"), &in, auth));
	ck_assert_mem_ne(m.auth.p, auth, n);
	ck_assert_uint_eq(ike_auth_psk(k, initiator, span_of("", 0), &in, auth), 0);	/* empty PSK */
}

static void
natd_matches(const struct vec *v)
{
	struct endpoint i = { addr_of("\x0a\x00\x00\x02", 4), 500 }, r = { addr_of("\x0a\x00\x00\x01", 4), 500 };
	struct ike_msg m;
	uint8_t h[IKE_SHA1_LEN];

	ck_assert_int_eq(ike_msg_parse(vec_get(v, "IKE_SA_INIT_response"), &m), IKE_OK);
	ck_assert(ike_natd_hash(m.hdr.spi_i, m.hdr.spi_r, &r, h));
	ck_span_eq(ike_msg_notify(&m, IKE_N_NAT_DETECTION_SOURCE_IP)->data, span_of(h, sizeof(h)));
	ck_assert(ike_natd_hash(m.hdr.spi_i, m.hdr.spi_r, &i, h));
	ck_span_eq(ike_msg_notify(&m, IKE_N_NAT_DETECTION_DESTINATION_IP)->data, span_of(h, sizeof(h)));
}

static void
rekey_matches(const struct vec *v, const struct ike_suite *suite, const struct ike_keys *k)
{
	struct ike_seed s = seed_of(v, "ike2_", true, true);
	struct span data[3] = { s.g_ir, s.ni, s.nr };
	struct ike_suite other = *suite;
	uint8_t skeyseed[IKE_PRF_LEN_MAX];
	struct ike_keys next;

	ck_assert(ike_prf(k->prf, span_of(k->d, k->prf_len), data, 3, skeyseed));
	ck_span_eq(vec_get(v, "ike2_SKEYSEED"), span_of(skeyseed, k->prf_len));
	ck_assert(ike_keys_rekey(suite, k, &s, &next));
	ck_span_eq(vec_get(v, "ike2_SK_d"), span_of(next.d, next.prf_len));
	other.prf = suite->prf == IKE_PRF_HMAC_SHA2_256 ? IKE_PRF_HMAC_SHA2_512 : IKE_PRF_HMAC_SHA2_256;
	ck_assert(!ike_keys_rekey(&other, k, &s, &next));
	s.g_ir.n = 0;
	ck_assert(!ike_keys_rekey(suite, k, &s, &next));
	ck_assert_uint_eq(next.prf_len, 0);
}

START_TEST(recorded_gcm)
{
	struct vec *v = vec_open("vectors/ike/own/ike-gcm.txt");
	struct ike_keymat c;
	struct ike_keys k;
	struct ike_seed s;

	if (!v)
		return;
	first_keys(v, &gcm, &k);
	ck_assert_uint_eq(open_all(v, &k), 10);
	auth_matches(v, &k, true);
	auth_matches(v, &k, false);
	natd_matches(v);
	s = seed_of(v, "", false, false);
	ck_assert(ike_keymat(&k, &s, IKE_ENCR_AES_GCM_16, 256, 0, &c));
	ck_span_eq(vec_get(v, "child1_KEYMAT_ei"), span_of(c.i2r.enc, c.i2r.enc_len));
	ck_span_eq(vec_get(v, "child1_KEYMAT_er"), span_of(c.r2i.enc, c.r2i.enc_len));
	s = seed_of(v, "child2_", true, false);
	ck_assert(ike_keymat(&k, &s, IKE_ENCR_AES_GCM_16, 256, 0, &c));
	ck_span_eq(vec_get(v, "child2_KEYMAT_ei"), span_of(c.i2r.enc, c.i2r.enc_len));
	ck_span_eq(vec_get(v, "child2_KEYMAT_er"), span_of(c.r2i.enc, c.r2i.enc_len));
	rekey_matches(v, &gcm, &k);
	vec_free(v);
}
END_TEST

START_TEST(recorded_cbc)
{
	struct vec *v = vec_open("vectors/ike/own/ike-cbc.txt");
	struct ike_keymat c;
	struct ike_keys k;
	struct ike_seed s;

	if (!v)
		return;
	first_keys(v, &cbc, &k);
	ck_assert_uint_eq(open_all(v, &k), 10);
	auth_matches(v, &k, true);
	auth_matches(v, &k, false);
	s = seed_of(v, "", false, false);
	ck_assert(ike_keymat(&k, &s, IKE_ENCR_AES_CBC, 256, IKE_INTEG_HMAC_SHA2_256_128, &c));
	ck_span_eq(vec_get(v, "child1_KEYMAT_ei"), span_of(c.i2r.enc, c.i2r.enc_len));
	ck_span_eq(vec_get(v, "child1_KEYMAT_ai"), span_of(c.i2r.mac, c.i2r.mac_len));
	ck_span_eq(vec_get(v, "child1_KEYMAT_er"), span_of(c.r2i.enc, c.r2i.enc_len));
	ck_span_eq(vec_get(v, "child1_KEYMAT_ar"), span_of(c.r2i.mac, c.r2i.mac_len));
	s = seed_of(v, "child2_", false, false);
	ck_assert(ike_keymat(&k, &s, IKE_ENCR_AES_CBC, 256, IKE_INTEG_HMAC_SHA2_256_128, &c));
	ck_span_eq(vec_get(v, "child2_KEYMAT_er"), span_of(c.r2i.enc, c.r2i.enc_len));
	rekey_matches(v, &cbc, &k);
	vec_free(v);
}
END_TEST

START_TEST(recorded_certificates)
{
	struct vec *v = vec_open("vectors/ike/own/ike-cert.txt");
	struct ike_keys k;

	if (!v)
		return;
	first_keys(v, &gcm, &k);
	ck_assert_uint_gt(open_all(v, &k), 1);
	vec_free(v);
}
END_TEST

/* ---- NIST SP 800-135 */

struct nist {
	uint16_t prf;	/* 0: a hash we do not have */
	uint8_t ni[512], nr[512], g[1024], g2[1024], spi_i[8], spi_r[8], skeyseed[64], dkm[1024];
	size_t ni_n, nr_n, g_n, g2_n;
	unsigned checked, cases;
};

static void
nist_dkm(struct nist *t, const struct span *seed, unsigned n_seed, const uint8_t *key, const uint8_t *want, size_t n)
{
	static uint8_t out[1024];

	ck_assert(ike_prf_plus(t->prf, span_of(key, ike_prf_len(t->prf)), seed, n_seed, out, n));
	ck_assert_mem_eq(out, want, n);
}

static void
nist_line(struct nist *t, const char *name, const char *value)
{
	struct span nonces[4] = { { t->ni, t->ni_n }, { t->nr, t->nr_n }, { t->spi_i, 8 }, { t->spi_r, 8 } };
	struct span dh[3] = { { t->g2, t->g2_n }, nonces[0], nonces[1] };
	struct ike_seed s = { .g_ir = { t->g, t->g_n }, .ni = nonces[0], .nr = nonces[1] };
	uint8_t want[1024], got[IKE_PRF_LEN_MAX];
	size_t n = test_unhex(value, want, sizeof(want));

#define KEEP(word, field, len) if (strcmp(name, word) == 0) { memcpy(t->field, want, n); len = n; return; }
	size_t eight;

	KEEP("Ni", ni, t->ni_n)
	KEEP("Nr", nr, t->nr_n)
	KEEP("g^ir", g, t->g_n)
	KEEP("g^ir (new)", g2, t->g2_n)
	KEEP("SPIi", spi_i, eight)
	KEEP("SPIr", spi_r, eight)
#undef KEEP
	(void)eight;
	if (!t->prf)
		return;
	t->checked++;
	if (strcmp(name, "SKEYSEED") == 0) {
		ck_assert(ike_skeyseed(t->prf, &s, t->skeyseed));
		ck_assert_mem_eq(t->skeyseed, want, n);
	} else if (strcmp(name, "DKM") == 0) {
		nist_dkm(t, nonces, 4, t->skeyseed, want, n);
		memcpy(t->dkm, want, n);
	} else if (strcmp(name, "DKM(Child SA)") == 0) {
		nist_dkm(t, nonces, 2, t->dkm, want, n);
	} else if (strcmp(name, "DKM(Child SA D-H)") == 0) {
		nist_dkm(t, dh, 3, t->dkm, want, n);
	} else if (strcmp(name, "SKEYSEED(Rekey)") == 0) {
		ck_assert(ike_prf(t->prf, span_of(t->dkm, ike_prf_len(t->prf)), dh, 3, got));
		ck_assert_mem_eq(got, want, n);
		t->cases++;	/* the last of each case */
	} else {
		t->checked--;
	}
}

static uint16_t
nist_prf(const char *bits)
{
	static const struct {
		const char *name;
		uint16_t prf;
	} t[] = {
		{ "1]", IKE_PRF_HMAC_SHA1 }, { "224]", IKE_PRF_TEST_SHA224 }, { "256]", IKE_PRF_HMAC_SHA2_256 }, { "384]", IKE_PRF_HMAC_SHA2_384 },
		{ "512]", IKE_PRF_HMAC_SHA2_512 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (strcmp(bits, t[i].name) == 0)
			return t[i].prf;
	}
	ck_abort_msg("SHA-%s", bits);
}

START_TEST(nist_ikev2)
{
	static struct nist t;
	char *save = NULL, *text;
	size_t n;

	text = (char *)test_shared("vectors/nist/ikev2.rsp", &n);
	if (!text)
		return;
	ike_crypto_allow_for_tests(true);
	for (char *l = strtok_r(text, "\r\n", &save); l; l = strtok_r(NULL, "\r\n", &save)) {
		char *eq = strstr(l, " = ");

		if (strncmp(l, "[SHA-", 5) == 0)
			t.prf = nist_prf(l + 5);
		if (l[0] == '[' || l[0] == '#' || !eq)
			continue;
		*eq = 0;
		nist_line(&t, l, eq + 3);
	}
	free(text);
	ike_crypto_allow_for_tests(false);
	printf("nist/ikev2.rsp: %u of 280 cases, %u values\n", t.cases, t.checked);
	ck_assert_uint_eq(t.cases, 280);
	ck_assert_uint_eq(t.checked, 5 * 280);
}
END_TEST

/* ---- what does not go together */

START_TEST(suites_that_are_refused)
{
	static const struct ike_suite bad[] = {
		{ IKE_ENCR_AES_GCM_16, 256, IKE_PRF_HMAC_SHA2_256, IKE_INTEG_HMAC_SHA2_256_128, 19 },	/* AEAD with integrity */
		{ IKE_ENCR_AES_CBC, 256, IKE_PRF_HMAC_SHA2_256, 0, 19 },	/* CBC without */
		{ IKE_ENCR_AES_CTR, 256, IKE_PRF_HMAC_SHA2_256, 0, 19 },	/* CTR without, the worst of all */
		{ IKE_ENCR_AES_CBC, 256, IKE_PRF_HMAC_SHA2_256, 1, 19 },	/* MD5 */
		{ IKE_ENCR_AES_GCM_16, 0, IKE_PRF_HMAC_SHA2_256, 0, 19 },
		{ IKE_ENCR_AES_GCM_16, 256, IKE_PRF_HMAC_MD5, 0, 19 },
		{ IKE_ENCR_NULL, 0, IKE_PRF_HMAC_SHA2_256, 0, 19 },
		{ 0, 0, 0, 0, 0 },
	};
	struct ike_seed s = { .g_ir = SPAN_STR("0123456789abcdef0123456789abcdef"), .ni = SPAN_STR("0123456789abcdef"), .nr = SPAN_STR("0123456789abcdef") };
	struct ike_keys k, good;
	struct ike_keymat c;

	ck_assert(ike_keys_first(&cbc, &s, &good));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert(!ike_keys_first(&bad[i], &s, &k));
		ck_assert_uint_eq(k.prf_len, 0);
		if (ike_prf_len(bad[i].prf))
			ck_assert(!ike_keymat(&good, &s, bad[i].encr, bad[i].encr_bits, bad[i].integ, &c));
	}
	s.g_ir.n = 0;
	ck_assert(!ike_keys_first(&cbc, &s, &k));
	ike_keys_wipe(&good);
	ck_assert_uint_eq(good.prf, 0);
}
END_TEST

suite_fn suite_ike_keys;
Suite *
suite_ike_keys(void)
{
	Suite *s = suite_create("ike_keys");
	TCase *tc = tcase_create("keys");

	tcase_add_test(tc, recorded_gcm);
	tcase_add_test(tc, recorded_cbc);
	tcase_add_test(tc, recorded_certificates);
	tcase_add_test(tc, nist_ikev2);
	tcase_add_test(tc, suites_that_are_refused);
	suite_add_tcase(s, tc);
	return s;
}
