#include "xfrm/replay.h"

#include "tests/unit/xfrm/xfrm_test.h"

static struct test_env t;

static void
setup(void)
{
	test_env_init(&t);
}

/* What the receiver does with a number off the wire. */
static enum replay_verdict
rx(struct replay *r, uint32_t lo)
{
	uint64_t seq = replay_seq(r, lo);
	enum replay_verdict v = replay_check(r, seq);

	if (v == REPLAY_OK)
		replay_commit(r, seq);
	return v;
}

START_TEST(each_number_passes_once)
{
	struct replay *r = replay_new(&t.env, 64, false);

	ck_assert_int_eq(rx(r, 0), REPLAY_ZERO);
	for (uint32_t i = 1; i < 500; i++) {
		ck_assert_int_eq(rx(r, i), REPLAY_OK);
		ck_assert_int_eq(rx(r, i), REPLAY_SEEN);
	}
	ck_assert_int_eq(rx(r, 499 - 63), REPLAY_SEEN);
	ck_assert_int_eq(rx(r, 499 - 64), REPLAY_OLD);
	ck_assert_int_eq(rx(r, 1000), REPLAY_OK);
	ck_assert_int_eq(rx(r, 1000 - 63), REPLAY_OK);
	ck_assert_int_eq(rx(r, 1000 - 64), REPLAY_OLD);
	env_free(&t.env, r);
}
END_TEST

START_TEST(looking_moves_nothing)
{
	struct replay *r = replay_new(&t.env, 64, false);

	ck_assert_int_eq(replay_check(r, 70000), REPLAY_OK);
	ck_assert_uint_eq(r->top, 0);
	ck_assert_int_eq(rx(r, 1), REPLAY_OK);
	ck_assert(replay_commit(r, 70000));
	ck_assert(!replay_commit(r, 69999));
	ck_assert_int_eq(rx(r, 1), REPLAY_OLD);
	env_free(&t.env, r);
}
END_TEST

/* Against a model that remembers everything: random jumps of all sizes, all windows. */
START_TEST(agrees_with_a_plain_model)
{
	static const uint32_t windows[] = { 64, 65, 100, 1024, 4096, 5000 };
	static uint8_t seen[200000];
	struct replay *r = replay_new(&t.env, windows[_i], false);
	uint32_t top = 0;

	memset(seen, 0, sizeof(seen));
	for (int step = 0; step < 60000; step++) {
		uint32_t spread = 1u << env_random_below(&t.env, 14), base = top > spread ? top - spread : 0;
		uint32_t n = base + env_random_below(&t.env, spread + 3);
		enum replay_verdict want;

		if (n >= sizeof(seen))
			break;
		want = n == 0 ? REPLAY_ZERO : n > top ? REPLAY_OK : top - n >= windows[_i] ? REPLAY_OLD : seen[n] ? REPLAY_SEEN : REPLAY_OK;
		ck_assert_int_eq(rx(r, n), want);
		seen[n] = 1;
		top = n > top ? n : top;
	}
	ck_assert_uint_eq(r->top, top);
	env_free(&t.env, r);
}
END_TEST

/* RFC 4303, A2.2, both cases and their edges. */
static const struct {
	uint64_t top;
	uint32_t lo;
	uint64_t seq;
} infer[] = {
	{ 1000, 1001, 1001 },	/* case A: window in one subspace */
	{ 1000, 1000 - 63, 1000 - 63 },
	{ 1000, 1000 - 64, 0x100000000ull + 1000 - 64 },	/* below the window: the next subspace */
	{ 0x100000000ull + 1000, 0xffffffff, 0x1ffffffffull },	/* case A again: far ahead */
	{ 0x100000000ull + 10, 0xffffffff, 0xffffffffull },	/* case B: window spans two */
	{ 0x100000000ull + 10, 0xffffffffu - 52, 0xffffffffull - 52 },	/* the oldest in the window */
	{ 0x100000000ull + 10, 0xffffffffu - 53, 0x1ffffffffull - 53 },	/* below it */
	{ 0x100000000ull + 10, 11, 0x100000000ull + 11 },
	{ 0xffffffff, 0, 0x100000000ull },	/* the wrap itself */
	{ 0xffffffff, 5, 0x100000005ull },
	{ 0xffffffff, 0xfffffffe, 0xfffffffe },
	{ 0, 1, 1 },
	{ 0, 0xffffffff, 0 },	/* before the first: none */
	{ 62, 0xffffffff, 0 },
	{ 63, 0xffffffff, 0xffffffff },
};

START_TEST(esn_is_inferred)
{
	struct replay *r = replay_new(&t.env, 64, true);

	r->top = infer[_i].top;
	ck_assert_msg(replay_seq(r, infer[_i].lo) == infer[_i].seq, "top %llx lo %x: %llx", (unsigned long long)r->top, infer[_i].lo,
	    (unsigned long long)replay_seq(r, infer[_i].lo));
	env_free(&t.env, r);
}
END_TEST

START_TEST(esn_runs_over_the_wrap)
{
	struct replay *r = replay_new(&t.env, 128, true);

	replay_commit(r, 0xffffff00);
	for (uint64_t s = 0xffffff01; s < 0x100000200ull; s++)
		ck_assert_int_eq(rx(r, (uint32_t)s), REPLAY_OK);
	ck_assert_uint_eq(r->top, 0x1000001ffull);
	ck_assert_int_eq(rx(r, 0x1ff), REPLAY_SEEN);
	env_free(&t.env, r);
}
END_TEST

START_TEST(without_esn_the_end_is_the_end)
{
	struct replay *r = replay_new(&t.env, 64, false);

	ck_assert_int_eq(rx(r, 0xffffffff), REPLAY_OK);
	ck_assert_int_eq(rx(r, 5), REPLAY_OLD);
	env_free(&t.env, r);
}
END_TEST

START_TEST(sizes_are_cut_to_bounds)
{
	static const uint32_t in[] = { 0, 1, 5000, 0xffffffff }, out[] = { REPLAY_DEFAULT, REPLAY_MIN, 5000, REPLAY_MAX };

	for (int i = 0; i < 4; i++) {
		struct replay *r = replay_new(&t.env, in[i], false);

		ck_assert_uint_eq(r->window, out[i]);
		env_free(&t.env, r);
	}
	t.fail_at = 1;
	ck_assert_ptr_null(replay_new(&t.env, 64, false));
}
END_TEST

Suite *
replay_suite(void)
{
	Suite *s = suite_create("xfrm/replay");
	TCase *c = tcase_create("replay");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, each_number_passes_once);
	tcase_add_test(c, looking_moves_nothing);
	tcase_add_loop_test(c, agrees_with_a_plain_model, 0, 6);
	tcase_add_loop_test(c, esn_is_inferred, 0, sizeof(infer) / sizeof(infer[0]));
	tcase_add_test(c, esn_runs_over_the_wrap);
	tcase_add_test(c, without_esn_the_end_is_the_end);
	tcase_add_test(c, sizes_are_cut_to_bounds);
	suite_add_tcase(s, c);
	return s;
}
