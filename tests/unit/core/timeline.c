/* Twin of nhrpd/core/timeline.c: one attempt over all layers, failures with their reason, bounds. */
#include "tests/unit/core/bench.h"

#include "nhrpd/core/core_priv.h"

#include <stdio.h>

static struct bench b;
static char seen[8192];	/* "KIND STATE REASON: step step ..." of each attempt, by number */
static uint32_t watched;

struct tell {
	uint32_t attempt, n;
	struct core_attempt_info last;
	char reason[128];
};

static bool
one(void *ctx, const struct core_attempt_info *i)
{
	struct tell *t = ctx;
	tick_t at = i->began;

	t->n++;
	ck_assert_uint_le(i->n_mark, 40);
	for (unsigned k = 0; k < i->n_mark; k++) {
		ck_assert_uint_ge(i->mark[k].at, at);	/* in order, none before the beginning */
		at = i->mark[k].at;
	}
	if (t->attempt && i->attempt != t->attempt)
		return true;
	t->last = *i;
	snprintf(t->reason, sizeof(t->reason), "%s", i->reason);
	snprintf(seen, sizeof(seen), "%s %s %s:", trace_kind_name(i->kind), core_attempt_state_name(i->state), i->reason);
	for (unsigned k = 0; k < i->n_mark; k++) {
		strcat(seen, " ");
		strcat(seen, trace_word((enum trace_step)i->mark[k].step));
	}
	return true;
}

static struct tell
look(unsigned side, const char *which)
{
	struct tell t = { .n = 0 };
	struct addr a = which ? bench_addr(which) : (struct addr){ 0 };

	seen[0] = '\0';
	core_visit_attempts(b.s[side].core, 0, &a, one, &t);
	return t;
}

static const char *
overlay(unsigned side)
{
	static char text[ADDR_STRLEN];

	return addr_fmt(&b.s[side].overlay, text);
}

static const char *
outer(unsigned side)
{
	static char text[ADDR_STRLEN];

	return addr_fmt(&b.s[side].addr, text);
}

START_TEST(spoke_to_hub)
{
	struct tell t;

	bench_init(&b, 2);
	bench_start_all(&b);
	bench_run(&b, 3000);
	t = look(SPOKE, overlay(HUB));
	ck_assert_uint_eq(t.n, 1);
	ck_assert_str_eq(seen, "hub up : dial ike-init-sent ike-init-answered ike-auth-sent ike-auth-answered ike-up sa-asked sa-installed registration-sent "
	    "registration-reply bound up neighbour-asked neighbour-asked neighbour-set neighbour-set");
	ck_assert_uint_ge(t.last.settled, t.last.began);
	ck_assert(addr_eq(&t.last.nbma, &b.s[HUB].addr));
	ck_assert_uint_eq(look(SPOKE, outer(HUB)).n, 1);	/* by its outer address too */
	ck_assert_uint_eq(look(SPOKE, "10.9.9.9").n, 0);
	ck_assert_uint_eq(look(SPOKE, NULL).n, 1);

	look(HUB, overlay(SPOKE));
	ck_assert_str_eq(seen, "incoming up : ike-init-received ike-auth-received ike-up sa-asked sa-installed bound up neighbour-asked neighbour-set");
	bench_fini(&b);
}
END_TEST

/* Two behind one NAT: the tunnel address of the one may be tried over the SA of the other. */
START_TEST(keeps_its_partner)
{
	struct addr other = bench_addr("10.9.9.9");
	struct tell t;

	bench_init(&b, 2);
	bench_start_all(&b);
	bench_run(&b, 3000);
	t = look(SPOKE, overlay(HUB));
	CORE_TRACE(b.s[SPOKE].core, 1, .attempt = t.last.attempt, .step = TRACE_BOUND, .proto = &other);
	ck_assert_uint_eq(look(SPOKE, overlay(HUB)).n, 1);
	ck_assert_uint_eq(look(SPOKE, "10.9.9.9").n, 0);
	CORE_TRACE(b.s[SPOKE].core, 1, .attempt = t.last.attempt, .step = TRACE_UP, .proto = &other);	/* a partner that was renumbered */
	ck_assert_uint_eq(look(SPOKE, "10.9.9.9").n, 1);
	bench_fini(&b);
}
END_TEST

/* Each round that failed is an attempt of its own with its reason, found by the hub's address though that never was heard of. */
START_TEST(failures_keep_their_reason)
{
	struct tell t;

	bench_init(&b, 2);
	b.s[SPOKE].key.psk[0] ^= 1;
	bench_start_all(&b);
	bench_run(&b, 60000);
	t = look(SPOKE, outer(HUB));
	ck_assert_uint_ge(t.n, 3);
	ck_assert_uint_le(t.n, 8);	/* to one partner */
	ck_assert_int_eq(t.last.state, CORE_ATTEMPT_FAILED);
	ck_assert_ptr_nonnull(strstr(t.reason, "authentication failed"));
	ck_assert_ptr_nonnull(strstr(seen, "ike-auth-sent ike-auth-answered failed"));
	ck_assert_uint_gt(t.last.ended, t.last.began);
	bench_run(&b, 600000);
	ck_assert_uint_eq(look(SPOKE, outer(HUB)).n, 8);
	bench_fini(&b);
}
END_TEST

START_TEST(refused_by_the_data_plane)
{
	bench_init(&b, 2);
	b.s[SPOKE].refuse_sa = 1;
	bench_start_all(&b);
	bench_run(&b, 500);
	look(SPOKE, outer(HUB));
	ck_assert_ptr_nonnull(strstr(seen, "sa-asked sa-refused"));
	ck_assert_ptr_nonnull(strstr(seen, "no such luck"));
	bench_fini(&b);
}
END_TEST

/* Down, with the reason, and up again: another attempt. */
START_TEST(down_and_up_again)
{
	struct addr all = { 0 };
	struct tell t;

	bench_init(&b, 2);
	bench_start_all(&b);
	bench_run(&b, 3000);
	ck_assert_uint_eq(core_clear_peer(b.s[SPOKE].core, b.now, 1, &all), 1);
	bench_carry(&b, SPOKE);
	t = look(SPOKE, overlay(HUB));
	ck_assert_ptr_nonnull(strstr(seen, "hub down cleared by the operator:"));
	ck_assert_uint_eq(t.last.ended, b.now);
	bench_run(&b, 5000);
	t = look(SPOKE, overlay(HUB));
	ck_assert_uint_eq(t.n, 2);
	ck_assert_ptr_nonnull(strstr(seen, "hub up :"));
	bench_fini(&b);
}
END_TEST

static void
watch(void *ctx, uint32_t tunnel, uint32_t peer)
{
	(void)ctx, (void)tunnel;
	watched = peer;
}

START_TEST(first_packets)
{
	struct dp_event ev = { .kind = DP_EV_PEER_USED, .tunnel = 1, .sent = true };

	bench_init(&b, 2);
	bench_watch = watch;
	bench_start_all(&b);
	bench_run(&b, 3000);
	ck_assert_uint_eq(watched, 1);
	ev.peer = watched;
	core_dp_event(b.s[SPOKE].core, b.now, &ev);
	ev.sent = false;
	core_dp_event(b.s[SPOKE].core, b.now, &ev);
	ev.peer = 99;
	core_dp_event(b.s[SPOKE].core, b.now, &ev);	/* nobody */
	look(SPOKE, overlay(HUB));
	ck_assert_ptr_nonnull(strstr(seen, "neighbour-set first-packet-out first-packet-in"));
	bench_watch = NULL;
	bench_fini(&b);
}
END_TEST

/* The first steps and the last ones of a long story. */
START_TEST(middle_is_left_out)
{
	struct tell t;

	bench_init(&b, 2);
	b.s[SPOKE].profile.child_life.hard_s = b.s[HUB].profile.child_life.hard_s = 60;
	bench_start_all(&b);
	bench_run(&b, 1200000);
	t = look(SPOKE, overlay(HUB));
	ck_assert_uint_eq(t.n, 1);
	ck_assert_uint_eq(t.last.n_mark, 40);
	ck_assert_uint_gt(t.last.left_out, 0);
	ck_assert_int_eq(strncmp(seen, "hub up : dial ike-init-sent", 27), 0);
	bench_fini(&b);
}
END_TEST

Suite *
timeline_suite(void)
{
	Suite *s = suite_create("timeline");
	TCase *c = tcase_create("timeline");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, spoke_to_hub);
	tcase_add_test(c, keeps_its_partner);
	tcase_add_test(c, failures_keep_their_reason);
	tcase_add_test(c, refused_by_the_data_plane);
	tcase_add_test(c, down_and_up_again);
	tcase_add_test(c, first_packets);
	tcase_add_test(c, middle_is_left_out);
	suite_add_tcase(s, c);
	return s;
}
