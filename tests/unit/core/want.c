/* Twin of nhrpd/core/want.c: wants of NHRP and the dials that serve them. */
#include "tests/unit/core/bench.h"

static struct bench b;
static char reason[256];

struct seen {
	unsigned n, with_peer;
	uint32_t peer[4];
};

static bool
collect(void *ctx, const struct nhrp_nhs_info *i)
{
	struct seen *s = ctx;

	if (i->has_peer && s->with_peer < 4)
		s->peer[s->with_peer++] = i->peer;
	s->n++;
	return true;
}

START_TEST(wants_for_the_same_addresses_share_a_dial)
{
	struct nhrp_conf *c = &b.s[SPOKE].tunnel.nhrp;
	struct seen seen = { 0 };

	bench_init(&b, 2);
	c->nhs[1] = c->nhs[0];
	c->nhs[1].proto = bench_addr("10.255.0.200");	/* a second tunnel address of the same hub */
	c->n_nhs = 2;
	bench_start_all(&b);
	bench_run(&b, 2000);
	nhrp_visit_nhs(core_nhrp(b.s[SPOKE].core, 1), collect, &seen);
	ck_assert_uint_eq(seen.n, 2);
	ck_assert_uint_eq(seen.with_peer, 2);
	ck_assert_uint_eq(seen.peer[0], seen.peer[1]);
	ck_assert_uint_eq(bench_count(&b.s[SPOKE], CORE_ACT_SA_ADD, 0), 1);
	ck_assert_uint_eq(bench_peers(&b.s[HUB]), 1);
	bench_fini(&b);
}
END_TEST

START_TEST(nobody_answers)
{
	bench_init(&b, 2);
	ck_assert(bench_start(&b, SPOKE));
	bench_run(&b, 1000);
	ck_assert_int_eq(bench_peer(&b.s[SPOKE], 0, reason).step, CORE_STEP_IKE);
	ck_assert_str_eq(reason, "dialing, no answer yet");
	bench_run(&b, 120000);
	ck_assert_int_eq(bench_peer(&b.s[SPOKE], 0, reason).step, CORE_STEP_IKE);
	ck_assert_msg(strstr(reason, "no answer from 203.0.113.1") != NULL, "%s", reason);
	ck_assert(bench_start(&b, HUB));
	bench_run(&b, 120000);
	ck_assert(bench_registered(&b.s[SPOKE]));
	ck_assert_int_eq(bench_peer(&b.s[SPOKE], 0, reason).step, CORE_STEP_UP);
	ck_assert_str_eq(reason, "");
	bench_fini(&b);
}
END_TEST

START_TEST(wrong_secret_is_named)
{
	bench_init(&b, 2);
	memcpy(b.s[SPOKE].key.psk, "SECRET", 6);
	bench_start_all(&b);
	bench_run(&b, 5000);
	ck_assert_int_eq(bench_peer(&b.s[SPOKE], 0, reason).step, CORE_STEP_IKE);
	ck_assert_msg(strstr(reason, "uthenti") != NULL, "%s", reason);
	ck_assert_uint_eq(bench_sas(&b.s[HUB]), 0);
	bench_fini(&b);
}
END_TEST

START_TEST(wrong_proposal_is_named)
{
	bench_init(&b, 2);
	b.s[SPOKE].profile.ike[0].encr_bits[0] = 256;
	bench_start_all(&b);
	bench_run(&b, 60000);
	ck_assert_int_eq(bench_peer(&b.s[SPOKE], 0, reason).step, CORE_STEP_IKE);
	ck_assert_msg(strstr(reason, "propos") != NULL, "%s", reason);
	bench_fini(&b);
}
END_TEST

START_TEST(without_a_source_nothing_is_dialled)
{
	bench_init(&b, 2);
	ck_assert(bench_start(&b, HUB));
	b.s[SPOKE].addr = (struct addr){ 0 };
	ck_assert(bench_start(&b, SPOKE));
	bench_run(&b, 1000);
	bench_peer(&b.s[SPOKE], 0, reason);
	ck_assert_str_eq(reason, "the tunnel source has no address yet");
	bench_fini(&b);
}
END_TEST

START_TEST(other_family_is_named)
{
	bench_init(&b, 2);
	b.s[SPOKE].addr = bench_addr("2001:db8::2");
	ck_assert(bench_start(&b, SPOKE));
	bench_run(&b, 1000);
	bench_peer(&b.s[SPOKE], 0, reason);
	ck_assert_str_eq(reason, "none of its addresses is of the tunnel source's family");
	ck_assert_uint_eq(bench_count(&b.s[SPOKE], CORE_ACT_IKE_SEND, 0), 0);
	bench_fini(&b);
}
END_TEST

START_TEST(dials_start_anew_from_a_new_source)
{
	unsigned from;

	bench_init(&b, 2);
	b.s[HUB].deaf_ike = true;
	bench_start_all(&b);
	bench_run(&b, 5000);
	b.s[HUB].deaf_ike = false;
	from = b.s[SPOKE].n_note;
	bench_source(&b, SPOKE, "203.0.113.60");
	ck_assert_uint_ge(bench_count(&b.s[SPOKE], CORE_ACT_IKE_SEND, from), 1);	/* at once, without waiting for the old attempt */
	bench_run(&b, 3000);
	ck_assert(bench_registered(&b.s[SPOKE]));
	bench_fini(&b);
}
END_TEST

Suite *
want_suite(void)
{
	Suite *s = suite_create("want");
	TCase *t = tcase_create("want");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, wants_for_the_same_addresses_share_a_dial);
	tcase_add_test(t, nobody_answers);
	tcase_add_test(t, wrong_secret_is_named);
	tcase_add_test(t, wrong_proposal_is_named);
	tcase_add_test(t, without_a_source_nothing_is_dialled);
	tcase_add_test(t, other_family_is_named);
	tcase_add_test(t, dials_start_anew_from_a_new_source);
	suite_add_tcase(s, t);
	return s;
}
