/* Twin of ikecore/engine/words.c: what an administrator reads when two ends do not agree. */
#include "tests/unit/ike_engine/suites.h"

#include <stdlib.h>

static struct ike_msg m;

static void
begin(void)
{
	memset(&m, 0, sizeof(m));
}

static void
prop(void)
{
	m.prop[m.n_prop] = (struct ike_prop){ .num = (uint8_t)(m.n_prop + 1), .proto = IKE_PROTO_IKE, .first = m.n_xform };
	m.n_prop++;
}

static void
xf(uint8_t type, uint16_t id, uint16_t bits)
{
	m.xform[m.n_xform++] = (struct ike_xform){ .type = type, .id = id, .key_bits = bits };
	m.prop[m.n_prop - 1].n++;
}

START_TEST(offered)
{
	char text[IKE_WORDS_MAX];

	ck_assert_str_eq(ike_words_offered(&m, text, sizeof(text)), "nothing");
	prop();
	xf(IKE_T_ENCR, IKE_ENCR_AES_CBC, 128);
	xf(IKE_T_INTEG, IKE_INTEG_HMAC_SHA1_96, 0);
	xf(IKE_T_PRF, IKE_PRF_HMAC_SHA1, 0);
	xf(IKE_T_KE, IKE_KE_MODP1024, 0);
	ck_assert_str_eq(ike_words_offered(&m, text, sizeof(text)), "aes-cbc-128/sha1/modp1024");
	prop();	/* other hashes, AEAD with an integrity of NONE, ids and lengths that we do not have */
	xf(IKE_T_PRF, 4, 0);
	xf(IKE_T_ENCR, IKE_ENCR_AES_GCM_16, 256);
	xf(IKE_T_ENCR, 14, 128);
	xf(IKE_T_ENCR, IKE_ENCR_AES_GCM_16, 77);
	xf(IKE_T_INTEG, IKE_INTEG_NONE, 0);
	xf(IKE_T_PRF, IKE_PRF_HMAC_SHA2_384, 0);
	xf(IKE_T_KE, 1025, 0);
	xf(IKE_T_KE, IKE_KE_CURVE448, 0);
	ck_assert_str_eq(ike_words_offered(&m, text, sizeof(text)),
	    "aes-cbc-128/sha1/modp1024 or aes-gcm-256,encr-14-128,encr-20-77/prf-4,sha384/group-1025,curve448");
	prop();
	xf(IKE_T_ENCR, IKE_ENCR_AES_CBC, 256);
	xf(IKE_T_INTEG, IKE_INTEG_HMAC_SHA2_256_128, 0);
	xf(IKE_T_PRF, IKE_PRF_HMAC_SHA2_512, 0);
	ck_assert_ptr_nonnull(strstr(ike_words_offered(&m, text, sizeof(text)), " or aes-cbc-256/sha256/sha512"));
}
END_TEST

/* In memory of exactly that size; cut at a word, never in the middle of one. */
START_TEST(too_long)
{
	char whole[1024];

	for (unsigned i = 0; i < 6; i++) {
		prop();
		for (unsigned j = 0; j < 20; j++)	/* more of a kind than are said */
			xf(IKE_T_ENCR, (uint16_t)(1000 + j), 65535);
		xf(IKE_T_KE, 65535, 0);
	}
	ike_words_offered(&m, whole, sizeof(whole));
	ck_assert_uint_lt(strlen(whole), sizeof(whole));
	for (size_t n = 8; n < sizeof(whole); n++) {
		char *text = malloc(n);
		size_t len = strlen(ike_words_offered(&m, text, n));

		ck_assert_uint_lt(len, n);
		ck_assert_str_eq(text + len - 3, "...");
		ck_assert_mem_eq(text, whole, len - 3);
		free(text);
	}
}
END_TEST

START_TEST(both_ends)
{
	struct ike_profile p = { .n_ike = 2, .n_esp = 1 };
	char text[IKE_REASON_MAX];

	p.ike[0] = (struct ike_proposal){ .encr = { 20, 20 }, .encr_bits = { 256, 128 }, .n_encr = 2, .prf = { 6 }, .n_prf = 1, .group = { 20, 31 },
		.n_group = 2 };
	p.ike[1] = (struct ike_proposal){ .encr = { 12 }, .encr_bits = { 256 }, .n_encr = 1, .integ = { 12, 14 }, .n_integ = 2, .prf = { 5, 7 }, .n_prf = 2,
		.group = { 14 }, .n_group = 1 };
	p.esp[0] = (struct ike_proposal){ .encr = { 13 }, .encr_bits = { 192 }, .n_encr = 1, .integ = { 13 }, .n_integ = 1, .group = { 19 }, .n_group = 1 };
	prop();
	xf(IKE_T_ENCR, IKE_ENCR_3DES, 0);
	xf(IKE_T_INTEG, 1, 0);
	xf(IKE_T_PRF, IKE_PRF_HMAC_MD5, 0);
	xf(IKE_T_KE, 1, 0);
	ck_assert_str_eq(ike_words_mismatch(&p, &m, false, true, text),
	    "no proposal in common: peer offered 3des/md5/modp768, wanted aes-gcm-256,aes-gcm-128/sha384/ecp384,curve25519 or "
	    "aes-cbc-256/sha256,sha512/modp2048");
	ck_assert_str_eq(ike_words_refused(&p, true, false, "refused", text), "refused: we offered aes-ctr-192/sha384");
	ck_assert_str_eq(ike_words_refused(&p, true, true, "refused", text), "refused: we offered aes-ctr-192/sha384/ecp256");
}
END_TEST

Suite *
words_suite(void)
{
	Suite *s = suite_create("words");
	TCase *tc = tcase_create("words");

	tcase_add_checked_fixture(tc, begin, NULL);
	tcase_add_test(tc, offered);
	tcase_add_test(tc, too_long);
	tcase_add_test(tc, both_ends);
	suite_add_tcase(s, tc);
	return s;
}
