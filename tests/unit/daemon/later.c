/* What the core decides, carried out by a plane that answers later: in which order things happen. */
#include "nhrpd/daemon/later.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/container_of.h"
#include "tests/unit/harness.h"

struct told {
	struct dp dp;
	struct dp_ops ops;
	struct later l;
	unsigned waits, max;	/* of those answered -EINPROGRESS */
	unsigned refuse;	/* number of the one that fails */
	char text[16384];
};

static void
say(struct told *w, const char *what, unsigned n)
{
	size_t at = strlen(w->text);

	snprintf(w->text + at, sizeof(w->text) - at, "%s%u ", what, n);
}

static void
begin(struct dp *dp)
{
	struct told *w = container_of(dp, struct told, dp);

	w->waits = 0;
}

static void
settle(struct dp *dp, dp_settled_fn *fn, void *ctx)
{
	struct told *w = container_of(dp, struct told, dp);

	if (w->waits)
		say(w, "settle", w->waits);
	for (unsigned i = 0; i < w->waits; i++)
		fn(ctx, i, i + 1 == w->refuse ? -ENOBUFS : 0, i + 1 == w->refuse ? "no room" : "");
}

static void
carry(void *ctx, const struct core_act *a)
{
	static const char *const word[] = { [CORE_ACT_SA_ADD] = "sa", [CORE_ACT_NEIGH_SET] = "neigh", [CORE_ACT_NHRP_SEND] = "nhrp", [CORE_ACT_IKE_SEND] = "ike",
		[CORE_ACT_ROUTE_SET] = "route", [CORE_ACT_SA_DEL] = "-sa", [CORE_ACT_NEIGH_DEL] = "-neigh", [CORE_ACT_JOB] = "job" };
	struct told *w = ctx;
	bool asks = a->kind == CORE_ACT_SA_ADD || a->kind == CORE_ACT_NEIGH_SET;

	say(w, word[a->kind], a->cookie);
	if (asks && w->ops.begin && w->waits < w->max && later_wait(&w->l, a))
		w->waits++;
	else if (asks)
		say(w, "=", a->cookie);
}

static void
result(void *ctx, const struct core_act *a, int error, const char *why)
{
	struct told *w = ctx;

	ck_assert(!why == (error == 0));
	say(w, error ? "!" : "=", a->cookie);
}

static void
told_init(struct told *w, bool batches)
{
	*w = (struct told){ .max = DP_LATER_MAX };
	if (batches)
		w->ops = (struct dp_ops){ .begin = begin, .settle = settle };
	w->dp.ops = &w->ops;
	w->l = (struct later){ .dp = &w->dp, .carry = carry, .result = result, .ctx = w };
}

/* Kinds by a letter: S an SA, N a neighbour, I, H what is sent by IKE and NHRP, R a route, s, n deletions, J a job. */
static void
acts(struct told *w, const char *kinds)
{
	static const char letter[] = "SNIHRsnJ";
	static const enum core_act_kind kind[] = { CORE_ACT_SA_ADD, CORE_ACT_NEIGH_SET, CORE_ACT_IKE_SEND, CORE_ACT_NHRP_SEND, CORE_ACT_ROUTE_SET, CORE_ACT_SA_DEL,
		CORE_ACT_NEIGH_DEL, CORE_ACT_JOB };
	static struct core_act a[1024];

	for (uint32_t i = 0; kinds[i]; i++) {
		a[i] = (struct core_act){ .kind = kind[strchr(letter, kinds[i]) - letter], .cookie = i + 1 };
		later_act(&w->l, &a[i]);
	}
	later_settle(&w->l);
	ck_assert_uint_eq(w->l.n_wait + w->l.n_held, 0);
}

/* Two peers in one batch: their answers to IKE and NHRP leave when both stand, in their order; a job waits for nobody. */
START_TEST(nothing_leaves_before_it_stands)
{
	struct told w;

	told_init(&w, true);
	acts(&w, "SISIJNHR");
	ck_assert_str_eq(w.text, "sa1 sa3 job5 neigh6 settle3 =1 =3 =6 ike2 ike4 nhrp7 route8 ");
}
END_TEST

START_TEST(nothing_waits_for_nothing)
{
	struct told w;

	told_init(&w, true);
	acts(&w, "IHRSI");
	ck_assert_str_eq(w.text, "ike1 nhrp2 route3 sa4 settle1 =4 ike5 ");
}
END_TEST

START_TEST(each_its_own_answer)
{
	struct told w;

	told_init(&w, true);
	w.refuse = 2;
	acts(&w, "SSN");
	ck_assert_str_eq(w.text, "sa1 sa2 neigh3 settle3 =1 !2 =3 ");
}
END_TEST

/* A farewell leaves before what carries it goes; deletions among themselves need no answers. */
START_TEST(deletions_come_after_what_was_sent)
{
	struct told w;

	told_init(&w, true);
	acts(&w, "SHnsns");
	ck_assert_str_eq(w.text, "sa1 settle1 =1 nhrp2 -neigh3 -sa4 -neigh5 -sa6 ");
}
END_TEST

START_TEST(a_plane_that_answers_at_once)
{
	struct told w;

	told_init(&w, false);
	acts(&w, "SINHs");
	ck_assert_str_eq(w.text, "sa1 =1 ike2 neigh3 =3 nhrp4 -sa5 ");
}
END_TEST

/* More than either list holds. */
START_TEST(bounds)
{
	struct told w;
	char kinds[LATER_HELD_MAX + 8];

	told_init(&w, true);
	memset(kinds, 'I', sizeof(kinds));
	kinds[0] = 'S';
	kinds[LATER_HELD_MAX + 3] = '\0';
	acts(&w, kinds);
	ck_assert_ptr_nonnull(strstr(w.text, "sa1 settle1 =1 ike2 ike3 "));
	ck_assert_ptr_nonnull(strstr(w.text, "ike513 ike514 ike515 "));

	told_init(&w, true);
	w.max = DP_LATER_MAX + 1;	/* a plane that says it once too often is answered for at once */
	memset(kinds, 'N', DP_LATER_MAX + 1);
	kinds[DP_LATER_MAX + 1] = '\0';
	acts(&w, kinds);
	ck_assert_ptr_nonnull(strstr(w.text, "neigh129 =129 settle128 =1 =2 "));
}
END_TEST

Suite *later_suite(void);

Suite *
later_suite(void)
{
	Suite *s = suite_create("later");
	TCase *c = tcase_create("later");

	tcase_add_test(c, nothing_leaves_before_it_stands);
	tcase_add_test(c, nothing_waits_for_nothing);
	tcase_add_test(c, each_its_own_answer);
	tcase_add_test(c, deletions_come_after_what_was_sent);
	tcase_add_test(c, a_plane_that_answers_at_once);
	tcase_add_test(c, bounds);
	suite_add_tcase(s, c);
	return s;
}
