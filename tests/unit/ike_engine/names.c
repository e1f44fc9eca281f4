/* Identities as text and under rules; words. */
#include "tests/unit/ike_engine/suites.h"

START_TEST(identities_as_text)
{
	struct ike_id id = w_fqdn("site-11.example.net"), evil = w_fqdn("a b\n\"%s\\"), key = { IKE_ID_KEY_ID, 2, { 0x0a, 0x0b } };
	struct ike_id v4 = { IKE_ID_IPV4, 4, { 192, 0, 2, 1 } }, bad = { IKE_ID_IPV4, 3, { 192, 0, 2 } }, none = { 0 };
	char out[600], tiny[8];

	ck_assert_str_eq(ike_id_fmt(&id, out, sizeof(out)), "fqdn site-11.example.net");
	ck_assert_str_eq(ike_id_fmt(&evil, out, sizeof(out)), "fqdn a\\x20b\\x0a\\x22%s\\x5c");
	ck_assert_str_eq(ike_id_fmt(&key, out, sizeof(out)), "key-id 0a0b");
	ck_assert_str_eq(ike_id_fmt(&v4, out, sizeof(out)), "address 192.0.2.1");
	ck_assert_str_eq(ike_id_fmt(&bad, out, sizeof(out)), "address -");
	ck_assert_str_eq(ike_id_fmt(&none, out, sizeof(out)), "none");
	ck_assert_str_eq(ike_id_fmt(&id, tiny, sizeof(tiny)), "fqdn si");
	memset(id.data, 0, sizeof(id.data));
	id.len = 255;
	ck_assert_uint_eq(strlen(ike_id_fmt(&id, out, sizeof(out))), 599);	/* cut, never past the end */
}
END_TEST

START_TEST(rules)
{
	struct ike_match any = { .kind = IKE_MATCH_ANY }, exact = w_exact("Hub.example.net"), net = { .kind = IKE_MATCH_NET };
	struct ike_match domain = { .kind = IKE_MATCH_DOMAIN, .id = w_fqdn("example.net") }, empty = { .kind = IKE_MATCH_DOMAIN };
	struct ike_id hub = w_fqdn("hub.EXAMPLE.net"), bare = w_fqdn("example.net"), bad = w_fqdn("badexample.net"), none = { 0 };
	struct ike_id v4 = { IKE_ID_IPV4, 4, { 192, 0, 2, 1 } }, mail = { IKE_ID_EMAIL, 13, "u@example.net" };
	struct ike_match mails = domain;

	empty.id.type = IKE_ID_FQDN;
	mails.id.type = IKE_ID_EMAIL;
	net.net = (struct prefix){ w_addr("192.0.2.0"), 24 };
	ck_assert(ike_id_match(&any, &hub) && !ike_id_match(&any, &none));
	ck_assert(ike_id_match(&exact, &hub) && !ike_id_match(&exact, &bare));
	ck_assert(ike_id_match(&domain, &hub) && !ike_id_match(&domain, &bare) && !ike_id_match(&domain, &bad) && !ike_id_match(&domain, &mail));
	ck_assert(ike_id_match(&mails, &mail) && !ike_id_match(&mails, &hub));
	ck_assert(!ike_id_match(&empty, &hub));
	ck_assert(ike_id_match(&net, &v4) && !ike_id_match(&net, &hub));
	v4.data[2] = 3;
	ck_assert(!ike_id_match(&net, &v4));
	hub.type = IKE_ID_KEY_ID;	/* the same octets under another type are another identity */
	ck_assert(!ike_id_match(&exact, &hub));
}
END_TEST

START_TEST(words)
{
	ck_assert_str_eq(ike_encr_name(20, 256), "aes-gcm-256");
	ck_assert_str_eq(ike_encr_name(28, 0), "chacha20-poly1305");
	ck_assert_str_eq(ike_encr_name(20, 77), "unknown");
	ck_assert_str_eq(ike_encr_name(0, 0), "none");
	ck_assert_str_eq(ike_prf_name(5), "sha256");
	ck_assert_str_eq(ike_prf_name(99), "unknown");
	ck_assert_str_eq(ike_encr_name(12, 192), "aes-cbc-192");
	ck_assert_str_eq(ike_encr_name(13, 256), "aes-ctr-256");
	ck_assert_str_eq(ike_encr_name(3, 0), "3des");
	ck_assert_str_eq(ike_integ_name(14), "sha512");
	ck_assert_str_eq(ike_integ_name(0), "none");
	ck_assert_str_eq(ike_group_name(18), "modp8192");
	ck_assert_str_eq(ike_group_name(32), "curve448");
	ck_assert_str_eq(ike_group_name(31), "curve25519");
	ck_assert_str_eq(ike_group_name(9999), "unknown");
	for (int i = 0; i <= IKE_DOWN_UNREACHABLE; i++)
		ck_assert_str_ne(ike_down_word((enum ike_down)i), "unknown");
	ck_assert_str_eq(ike_down_word((enum ike_down)77), "unknown");
}
END_TEST

Suite *
names_suite(void)
{
	Suite *s = suite_create("names");
	TCase *tc = tcase_create("names");

	tcase_add_test(tc, identities_as_text);
	tcase_add_test(tc, rules);
	tcase_add_test(tc, words);
	suite_add_tcase(s, tc);
	return s;
}
