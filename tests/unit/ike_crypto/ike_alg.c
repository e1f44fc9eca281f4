/* Twin of ikecore/crypto/ike_alg.c: what is known, what is not, sizes. */
#include "ikecore/crypto/ike_crypto.h"
#include "ikecore/wire/ike_msg.h"
#include "tests/unit/harness.h"

START_TEST(sizes_of_ciphers)
{
	static const struct {
		uint16_t encr, bits;
		struct ike_encr_info info;
	} t[] = {
		{ IKE_ENCR_AES_GCM_16, 128, { 16, 4, 8, 1, 16, true } },
		{ IKE_ENCR_AES_GCM_16, 192, { 24, 4, 8, 1, 16, true } },
		{ IKE_ENCR_AES_GCM_16, 256, { 32, 4, 8, 1, 16, true } },
		{ IKE_ENCR_CHACHA20_POLY1305, 0, { 32, 4, 8, 1, 16, true } },
		{ IKE_ENCR_AES_CBC, 128, { 16, 0, 16, 16, 0, false } },
		{ IKE_ENCR_AES_CBC, 256, { 32, 0, 16, 16, 0, false } },
		{ IKE_ENCR_AES_CTR, 128, { 16, 4, 8, 1, 0, false } },
		{ IKE_ENCR_AES_CTR, 256, { 32, 4, 8, 1, 0, false } },
		{ IKE_ENCR_3DES, 0, { 24, 0, 8, 8, 0, false } },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct ike_encr_info got;

		ck_assert(ike_encr_info(t[i].encr, t[i].bits, &got));
		ck_assert_uint_eq(got.key_len, t[i].info.key_len);
		ck_assert_uint_eq(got.salt_len, t[i].info.salt_len);
		ck_assert_uint_eq(got.iv_len, t[i].info.iv_len);
		ck_assert_uint_eq(got.block, t[i].info.block);
		ck_assert_uint_eq(got.icv_len, t[i].info.icv_len);
		ck_assert(got.aead == t[i].info.aead);
	}
}
END_TEST

/* Every 16-bit id: nothing but the rows of the tables, whatever a peer names (CVE-2014-9221). */
START_TEST(unknown_ids_are_unknown)
{
	unsigned encr = 0, integ = 0, prf = 0, group = 0;
	struct ike_encr_info e;
	struct ike_integ_info g;

	for (unsigned id = 0; id <= UINT16_MAX; id++) {
		for (unsigned bits = 0; bits <= 512; bits += 64)
			encr += ike_encr_info((uint16_t)id, (uint16_t)bits, &e);
		integ += ike_integ_info((uint16_t)id, &g);
		prf += ike_prf_len((uint16_t)id) != 0;
		group += ike_group_public_len((uint16_t)id) != 0;
	}
	ck_assert_uint_eq(encr, 11);
	ck_assert_uint_eq(integ, 4);
	ck_assert_uint_eq(prf, 4);
	ck_assert_uint_eq(group, 14);	/* with ML-KEM, the real one or toy_kem.h */
	ck_assert(!ike_encr_info(IKE_ENCR_AES_GCM_16, 0, &e));	/* key length is mandatory for AES, */
	ck_assert(!ike_encr_info(IKE_ENCR_CHACHA20_POLY1305, 256, &e));	/* forbidden for ChaCha20 */
	ck_assert(!ike_integ_info(IKE_INTEG_NONE, &g));
}
END_TEST

/* What is weak is known by name, what is worse is not known at all. */
START_TEST(legacy_is_marked)
{
	static const uint16_t never[] = { 1, 22, 23, 24 };
	struct ike_encr_info e;
	struct ike_integ_info g;

	ck_assert(ike_encr_legacy(IKE_ENCR_3DES) && !ike_encr_legacy(IKE_ENCR_AES_CBC) && !ike_encr_legacy(IKE_ENCR_AES_GCM_16));
	ck_assert(ike_hash_legacy(IKE_PRF_HMAC_SHA1) && !ike_hash_legacy(IKE_PRF_HMAC_SHA2_256) && !ike_hash_legacy(IKE_INTEG_HMAC_SHA2_256_128));
	ck_assert(ike_group_legacy(IKE_KE_MODP1024) && ike_group_legacy(IKE_KE_MODP1536) && !ike_group_legacy(IKE_KE_MODP2048));
	for (unsigned i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		ck_assert_uint_eq(ike_group_public_len(never[i]), 0);
	ck_assert(!ike_encr_info(2, 0, &e));	/* DES */
	ck_assert(!ike_integ_info(1, &g) && ike_prf_len(IKE_PRF_HMAC_MD5) == 0);
	ck_assert(!ike_encr_info(IKE_ENCR_3DES, 192, &e));	/* no key length with 3DES */
	ck_assert(!ike_encr_info(IKE_ENCR_AES_CTR, 0, &e));
}
END_TEST

START_TEST(null_only_for_tests)
{
	struct ike_encr_info e;

	ck_assert(!ike_encr_info(IKE_ENCR_NULL, 0, &e));
	ike_crypto_allow_for_tests(true);
	ck_assert(ike_encr_info(IKE_ENCR_NULL, 0, &e));
	ck_assert(e.aead && e.key_len == 0 && e.iv_len == 8 && e.icv_len == 16);
	ike_crypto_allow_for_tests(false);
	ck_assert(!ike_encr_info(IKE_ENCR_NULL, 0, &e));
}
END_TEST

START_TEST(compare_and_wipe)
{
	uint8_t a[40], b[40];

	for (unsigned i = 0; i < sizeof(a); i++)
		a[i] = b[i] = (uint8_t)(i + 1);
	ck_assert(ike_ct_eq(a, b, sizeof(a)));
	for (unsigned i = 0; i < sizeof(a); i++) {
		b[i] ^= 1;
		ck_assert(!ike_ct_eq(a, b, sizeof(a)));
		b[i] ^= 1;
	}
	ike_wipe(a, sizeof(a));
	for (unsigned i = 0; i < sizeof(a); i++)
		ck_assert_uint_eq(a[i], 0);
}
END_TEST

suite_fn suite_ike_alg;
Suite *
suite_ike_alg(void)
{
	Suite *s = suite_create("ike_alg");
	TCase *tc = tcase_create("alg");

	tcase_add_test(tc, sizes_of_ciphers);
	tcase_add_test(tc, unknown_ids_are_unknown);
	tcase_add_test(tc, legacy_is_marked);
	tcase_add_test(tc, null_only_for_tests);
	tcase_add_test(tc, compare_and_wipe);
	suite_add_tcase(s, tc);
	return s;
}
