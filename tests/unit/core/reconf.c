/* Twin of nhrpd/core/reconf.c: another configuration for a running core. */
#include "tests/unit/core/bench.h"

#include "nhrpd/core/core_priv.h"

#include <stdio.h>

static struct bench b;
static char reason[256];
static struct core_conf conf;
static struct core_tunnel_conf tunnel[3];
static struct ike_profile profile[2];
static struct ike_key key;

/* A copy of a side's configuration, to be changed and applied. */
static void
copy_conf(struct side *s)
{
	conf = s->conf;
	tunnel[0] = s->tunnel;
	profile[0] = s->profile;
	key = s->key;
	profile[0].key = &key;
	conf.tunnel = tunnel;
	conf.ike.profile = profile;
}

static void
up(unsigned n)
{
	bench_init(&b, n);
	bench_start_all(&b);
	bench_run(&b, 3000);
	for (unsigned i = 1; i < n; i++)
		ck_assert(bench_registered(&b.s[i]));
	copy_conf(&b.s[SPOKE]);
}

static bool
apply(unsigned side)
{
	struct side *s = &b.s[side];
	bool ok = core_reconf(s->core, b.now, &conf);

	if (ok) {	/* nobody looks at the old one any more */
		memset(&s->tunnel, 0xee, sizeof(s->tunnel));
		memset(&s->profile, 0xee, sizeof(s->profile));
		memset(&s->key, 0xee, sizeof(s->key));
	}
	bench_carry(&b, side);
	return ok;
}

START_TEST(the_same_again)
{
	unsigned from;

	up(2);
	from = b.s[SPOKE].n_note;
	ck_assert(apply(SPOKE));
	ck_assert_uint_eq(b.s[SPOKE].n_note, from);
	bench_run(&b, 60000);
	ck_assert_int_lt(bench_find(&b.s[SPOKE], CORE_ACT_SA_DEL, from), 0);
	ck_assert(bench_registered(&b.s[SPOKE]));
	bench_fini(&b);
}
END_TEST

START_TEST(interface_words)
{
	unsigned from;

	up(2);
	from = b.s[SPOKE].n_note;
	tunnel[0].dp.mtu = _i ? tunnel[0].dp.mtu : 1300;
	tunnel[0].dp.ports = _i;
	tunnel[0].nhrp.hold_s = 600;
	ck_assert(apply(SPOKE));
	ck_assert_uint_eq(bench_count(&b.s[SPOKE], CORE_ACT_TUNNEL_SET, from), 1);
	ck_assert(addr_eq(&b.s[SPOKE].note[from].source, &b.s[SPOKE].addr));	/* the source in force */
	bench_run(&b, 3000);
	ck_assert_int_lt(bench_find(&b.s[SPOKE], CORE_ACT_SA_DEL, from), 0);
	ck_assert_int_lt(bench_find(&b.s[SPOKE], CORE_ACT_NEIGH_DEL, from), 0);
	ck_assert(bench_registered(&b.s[SPOKE]));
	bench_fini(&b);
}
END_TEST

/* Route and neighbour go before the SA, the interface last; the hub is told. */
START_TEST(interface_removed)
{
	unsigned from;
	int neigh, sa, gone;

	up(2);
	from = b.s[SPOKE].n_note;
	conf.n_tunnel = 0;
	conf.ike.n_profile = 0;
	ck_assert(apply(SPOKE));
	bench_run(&b, 1000);
	neigh = bench_find(&b.s[SPOKE], CORE_ACT_NEIGH_DEL, from);
	sa = bench_find(&b.s[SPOKE], CORE_ACT_SA_DEL, from);
	gone = bench_find(&b.s[SPOKE], CORE_ACT_TUNNEL_DEL, from);
	ck_assert_int_ge(neigh, 0);
	ck_assert_int_lt(neigh, sa);
	ck_assert_int_lt(sa, gone);
	ck_assert_uint_eq(bench_sas(&b.s[SPOKE]), 0);
	ck_assert_uint_eq(bench_sas(&b.s[HUB]), 0);
	ck_assert_uint_eq(bench_peers(&b.s[HUB]), 0);
	ck_assert_ptr_null(core_nhrp(b.s[SPOKE].core, 1));
	bench_run(&b, 100000);
	ck_assert_uint_eq(bench_peers(&b.s[HUB]), 0);
	bench_fini(&b);
}
END_TEST

/* Its place is free then, and another may take it; it hears of the routes anew. */
START_TEST(interface_replaced)
{
	up(2);
	tunnel[1] = tunnel[0];
	strcpy(tunnel[1].dp.name, "gre2");
	tunnel[1].dp.id = 2;
	memset(&tunnel[0], 0, sizeof(tunnel[0]));
	conf.n_tunnel = 2;
	ck_assert(apply(SPOKE));
	ck_assert_ptr_null(core_nhrp(b.s[SPOKE].core, 1));
	ck_assert_ptr_nonnull(core_nhrp(b.s[SPOKE].core, 2));
	bench_run(&b, 1000);
	bench_fini(&b);
}
END_TEST

START_TEST(protection_changed)
{
	unsigned from;

	up(3);
	copy_conf(&b.s[SPOKE]);
	from = b.s[SPOKE].n_note;
	profile[1] = profile[0];
	strcpy(profile[1].name, "second");
	conf.ike.n_profile = 2;
	tunnel[0].profile = 1;
	ck_assert(apply(SPOKE));
	ck_assert_int_ge(bench_find(&b.s[SPOKE], CORE_ACT_SA_DEL, from), 0);
	bench_run(&b, 5000);
	ck_assert(bench_registered(&b.s[SPOKE]));
	ck_assert_int_eq(bench_peer(&b.s[SPOKE], 0, reason).step, CORE_STEP_UP);
	ck_assert(bench_registered(&b.s[OTHER]));
	bench_fini(&b);
}
END_TEST

START_TEST(key_changed_closes_only_its_peers)
{
	up(2);
	key.psk[0] ^= 1;
	ck_assert(apply(SPOKE));
	bench_run(&b, 1000);
	ck_assert_uint_eq(bench_sas(&b.s[SPOKE]), 0);
	ck_assert_int_eq(bench_peer(&b.s[SPOKE], 0, reason).step, CORE_STEP_IKE);
	bench_fini(&b);
}
END_TEST

/* Nothing is half applied. */
START_TEST(no_memory)
{
	bool done = false;

	up(2);
	tunnel[1] = tunnel[0];
	tunnel[2] = tunnel[0];
	strcpy(tunnel[1].dp.name, "gre2");
	strcpy(tunnel[2].dp.name, "gre3");
	tunnel[1].dp.id = 2;
	tunnel[2].dp.id = 3;
	tunnel[0].nhrp.hold_s = 6000;
	conf.n_tunnel = 3;
	for (long i = 1; !done && i < 40; i++) {
		b.s[SPOKE].t.fail_at = i;
		done = apply(SPOKE);
		b.s[SPOKE].t.fail_at = 0;
		ck_assert_int_eq(core_nhrp(b.s[SPOKE].core, 2) != NULL, done);
		ck_assert_int_eq(core_nhrp(b.s[SPOKE].core, 3) != NULL, done);
	}
	ck_assert(done);
	bench_run(&b, 5000);
	ck_assert(bench_registered(&b.s[SPOKE]));
	bench_fini(&b);
}
END_TEST

Suite *
reconf_suite(void)
{
	Suite *s = suite_create("reconf");
	TCase *c = tcase_create("reconf");

	tcase_add_test(c, the_same_again);
	tcase_add_loop_test(c, interface_words, 0, 2);
	tcase_add_test(c, interface_removed);
	tcase_add_test(c, interface_replaced);
	tcase_add_test(c, protection_changed);
	tcase_add_test(c, key_changed_closes_only_its_peers);
	tcase_add_test(c, no_memory);
	suite_add_tcase(s, c);
	return s;
}
