/* Twin of nhrpd/core/plain.c: a spoke with two headends, the best first, and without NHRP. */
#include "tests/unit/core/bench.h"

#include <stdio.h>

static struct bench b;
static char reason[256];
static struct core_plain_conf plain[SIDES];

static void
begin(const char *first, const char *second)
{
	bench_init(&b, SIDES);
	memset(plain, 0, sizeof(plain));
	for (unsigned i = 0; i < SIDES; i++) {
		struct dp_selectors *sel = &b.s[i].profile.plain;

		b.s[i].tunnel.plain = &plain[i];
		b.s[i].tunnel.dp.plain = true;
		sel->local[0] = sel->remote[0] = (struct dp_range){ bench_addr("0.0.0.0"), bench_addr("255.255.255.255") };
		sel->n_local = sel->n_remote = 1;
	}
	snprintf(plain[SPOKE].dest[0], sizeof(plain[SPOKE].dest[0]), "%s", first);
	snprintf(plain[SPOKE].dest[1], sizeof(plain[SPOKE].dest[1]), "%s", second);
	plain[SPOKE].n_dest = 1 + (*second != 0);
	plain[SPOKE].reactivate_s = 30;
}

static void
end(void)
{
	bench_fini(&b);
}

/* Who the spoke's traffic goes to: the one at that address, or nobody. */
static bool
used(const char *addr)
{
	for (unsigned i = 0; i < bench_peers(&b.s[SPOKE]); i++) {
		struct core_peer_info p = bench_peer(&b.s[SPOKE], i, reason);

		if (p.step == CORE_STEP_UP)
			return addr && strcmp(addr_fmt(&p.nbma, (char[ADDR_STRLEN]){ 0 }), addr) == 0;
	}
	return !addr;
}

START_TEST(best_one_first)
{
	int neigh;

	begin("203.0.113.1", "203.0.113.3");
	bench_start_all(&b);
	bench_run(&b, 1000);
	ck_assert(used("203.0.113.1"));
	ck_assert_uint_eq(bench_sas(&b.s[OTHER]), 0);
	neigh = bench_find(&b.s[SPOKE], CORE_ACT_NEIGH_SET, 0);
	ck_assert_int_gt(neigh, bench_find(&b.s[SPOKE], CORE_ACT_SA_ADD, 0));	/* going up: SA, neighbour */
	ck_assert_uint_eq(b.s[SPOKE].note[neigh].proto.n, 0);
	ck_assert_uint_eq(bench_count(&b.s[SPOKE], CORE_ACT_NEIGH_SET, 0), 1);
	ck_assert_uint_eq(bench_count(&b.s[HUB], CORE_ACT_NEIGH_SET, 0), 1);	/* who calls is the peer */
	ck_assert_uint_eq(bench_count(&b.s[SPOKE], CORE_ACT_NHRP_SEND, 0) + bench_count(&b.s[HUB], CORE_ACT_NHRP_SEND, 0), 0);
	bench_run(&b, 900000);	/* nobody finds it idle */
	ck_assert(used("203.0.113.1"));
	end();
}
END_TEST

START_TEST(second_one_in_seconds_and_back)
{
	unsigned from;

	begin("203.0.113.1", "203.0.113.3");
	ck_assert(bench_start(&b, SPOKE));
	ck_assert(bench_start(&b, OTHER));
	bench_run(&b, 5000);
	ck_assert(used("203.0.113.3"));
	ck_assert_int_eq(bench_peer(&b.s[SPOKE], 1, reason).step, CORE_STEP_IKE);
	ck_assert_str_ne(reason, "");
	ck_assert(bench_start(&b, HUB));
	bench_run(&b, 20000);
	ck_assert(used("203.0.113.3"));	/* not before its time */
	from = b.s[SPOKE].n_note;
	bench_run(&b, 20000);
	ck_assert(used("203.0.113.1"));
	/* make before break: the neighbour moves over before the old SA goes, and is never gone */
	ck_assert_uint_eq(bench_count(&b.s[SPOKE], CORE_ACT_NEIGH_DEL, from), 0);
	ck_assert_int_lt(bench_find(&b.s[SPOKE], CORE_ACT_NEIGH_SET, from), bench_find(&b.s[SPOKE], CORE_ACT_SA_DEL, from));
	bench_run(&b, 10000);
	ck_assert_uint_eq(bench_sas(&b.s[OTHER]), 0);
	ck_assert_uint_eq(bench_sas(&b.s[SPOKE]), 1);
	end();
}
END_TEST

START_TEST(dies_and_comes_back)
{
	begin("203.0.113.1", "203.0.113.3");
	bench_start_all(&b);
	bench_run(&b, 2000);
	bench_kill(&b, HUB);
	bench_run(&b, 40000);	/* liveness: every 10 s, 5 tries of 2 s */
	ck_assert(used("203.0.113.3"));
	ck_assert(bench_start(&b, HUB));
	bench_run(&b, 60000);
	ck_assert(used("203.0.113.1"));
	end();
}
END_TEST

START_TEST(stays_where_it_is)
{
	begin("203.0.113.1", "203.0.113.3");
	plain[SPOKE].reactivate_s = 0;
	ck_assert(bench_start(&b, SPOKE));
	ck_assert(bench_start(&b, OTHER));
	bench_run(&b, 5000);
	ck_assert(bench_start(&b, HUB));
	bench_run(&b, 600000);
	ck_assert(used("203.0.113.3"));
	end();
}
END_TEST

START_TEST(by_name)
{
	begin("hub.test", "");
	bench_start_all(&b);
	bench_run(&b, 1000);
	ck_assert(used("203.0.113.1"));
	end();
	begin("hub.test", "203.0.113.3");
	b.s[SPOKE].no_names = true;
	bench_start_all(&b);
	bench_run(&b, 1000);
	ck_assert(used("203.0.113.3"));	/* at once: there is nothing to wait for */
	bench_peer(&b.s[SPOKE], 1, reason);
	ck_assert_msg(strstr(reason, "no such name") != NULL, "%s", reason);
	b.s[SPOKE].no_names = false;
	bench_run(&b, 40000);
	ck_assert(used("203.0.113.1"));
	end();
}
END_TEST

START_TEST(one_peer_at_a_time)
{
	begin("203.0.113.1", "");
	plain[OTHER].n_dest = 1;
	snprintf(plain[OTHER].dest[0], sizeof(plain[OTHER].dest[0]), "203.0.113.1");
	ck_assert(bench_start(&b, HUB));
	ck_assert(bench_start(&b, SPOKE));
	bench_run(&b, 2000);
	ck_assert(bench_start(&b, OTHER));
	bench_run(&b, 5000);
	ck_assert(used("203.0.113.1"));
	ck_assert_uint_eq(bench_peers(&b.s[HUB]), 1);
	bench_kill(&b, SPOKE);
	bench_run(&b, 120000);
	ck_assert_int_eq(bench_peer(&b.s[OTHER], 0, reason).step, CORE_STEP_UP);	/* now there is room for it */
	end();
}
END_TEST

START_TEST(refused_neighbour_is_set_again)
{
	begin("203.0.113.1", "");
	b.s[SPOKE].refuse_neigh = 1;
	bench_start_all(&b);
	bench_run(&b, 1000);
	ck_assert_uint_eq(bench_count(&b.s[SPOKE], CORE_ACT_NEIGH_SET, 0), 1);
	bench_run(&b, 10000);
	ck_assert_uint_eq(bench_count(&b.s[SPOKE], CORE_ACT_NEIGH_SET, 0), 2);
	end();
}
END_TEST

static void
reconf(struct core_plain_conf *to, bool same_kind)
{
	static struct core_tunnel_conf tunnel;
	static struct core_conf conf;

	tunnel = b.s[SPOKE].tunnel;
	tunnel.plain = to;
	tunnel.dp.plain = same_kind;
	conf = b.s[SPOKE].conf;
	conf.tunnel = &tunnel;
	ck_assert(core_reconf(b.s[SPOKE].core, b.now, &conf));
	bench_carry(&b, SPOKE);
}

START_TEST(other_destinations)
{
	static struct core_plain_conf to, other;
	unsigned from;

	begin("203.0.113.1", "203.0.113.3");
	bench_start_all(&b);
	bench_run(&b, 1000);
	from = b.s[SPOKE].n_note;
	to = plain[SPOKE];
	to.reactivate_s = 5;
	reconf(&to, true);
	bench_run(&b, 10000);
	ck_assert_uint_eq(bench_count(&b.s[SPOKE], CORE_ACT_SA_DEL, from), 0);	/* nothing that concerns it */
	ck_assert(used("203.0.113.1"));
	other = to;	/* the other way round: goes to the better one in its time */
	memcpy(other.dest[0], to.dest[1], sizeof(to.dest[0]));
	memcpy(other.dest[1], to.dest[0], sizeof(to.dest[0]));
	reconf(&other, true);
	bench_run(&b, 2000);
	ck_assert(used("203.0.113.1"));
	bench_run(&b, 10000);
	ck_assert(used("203.0.113.3"));
	end();
}
END_TEST

START_TEST(destination_removed)
{
	static struct core_plain_conf to;

	begin("203.0.113.1", "203.0.113.3");
	bench_start_all(&b);
	bench_run(&b, 1000);
	to = plain[SPOKE];
	memcpy(to.dest[0], plain[SPOKE].dest[1], sizeof(to.dest[0]));
	to.n_dest = 1;
	reconf(&to, true);
	bench_run(&b, 2000);
	ck_assert(used("203.0.113.3"));
	ck_assert_uint_eq(bench_sas(&b.s[HUB]), 0);
	end();
}
END_TEST

/* The tunnel becomes one of another kind: it is another one. */
START_TEST(becomes_dmvpn)
{
	begin("203.0.113.1", "203.0.113.3");
	bench_start_all(&b);
	bench_run(&b, 1000);
	ck_assert_ptr_null(core_nhrp(b.s[SPOKE].core, 1));
	reconf(NULL, false);
	ck_assert_uint_eq(bench_count(&b.s[SPOKE], CORE_ACT_TUNNEL_DEL, 0), 1);
	ck_assert_ptr_nonnull(core_nhrp(b.s[SPOKE].core, 1));
	end();
}
END_TEST

/* ---- set connect traffic */

static void
begin_on_traffic(void)
{
	struct dp_selectors *sel;

	begin("203.0.113.1", "203.0.113.3");
	plain[SPOKE].on_traffic = true;
	plain[SPOKE].idle_s = 60;
	sel = &b.s[SPOKE].profile.plain;
	sel->local[0] = (struct dp_range){ bench_addr("10.2.0.0"), bench_addr("10.2.255.255") };
	sel->remote[0] = (struct dp_range){ bench_addr("10.1.0.0"), bench_addr("10.1.255.255") };
}

/* A packet without a peer to send it to, as the data plane tells of it. */
static void
packet(const char *from, const char *to, size_t n)
{
	struct dp_event ev = { .kind = DP_EV_UNRESOLVED, .tunnel = 1, .src = bench_addr(from), .dst = bench_addr(to) };
	uint8_t ip[20] = { 0x45, 0, 0, 20, [8] = 64, [9] = 1 };

	memcpy(ip + 12, ev.src.b, 4);
	memcpy(ip + 16, ev.dst.b, 4);
	ev.packet = span_of(ip, n);
	core_dp_event(b.s[SPOKE].core, b.now, &ev);
	bench_carry(&b, SPOKE);
}

static bool
waits(void)
{
	return core_waits(b.s[SPOKE].core, 1);
}

START_TEST(nobody_before_a_packet)
{
	begin_on_traffic();
	bench_start_all(&b);
	bench_run(&b, 30000);
	ck_assert(waits() && used(NULL));
	ck_assert_uint_eq(bench_sas(&b.s[HUB]), 0);
	ck_assert_int_eq(bench_peer(&b.s[SPOKE], 0, reason).step, CORE_STEP_IKE);
	ck_assert_str_eq(reason, "waits for traffic");
	packet("10.3.0.1", "10.1.0.1", 20);	/* what no SA is for does not wake anybody */
	packet("10.2.0.1", "10.3.0.1", 20);
	packet("10.2.0.1", "10.1.0.1", 19);
	packet("10.2.0.1", "10.1.0.1", 0);
	bench_run(&b, 5000);
	ck_assert(waits() && used(NULL));
	packet("10.2.0.1", "10.1.0.1", 20);
	ck_assert(!waits());
	bench_run(&b, 1000);
	ck_assert(used("203.0.113.1"));
	ck_assert_uint_eq(bench_sas(&b.s[OTHER]), 0);
	end();
}
END_TEST

START_TEST(goes_when_idle)
{
	begin_on_traffic();
	bench_start_all(&b);
	packet("10.2.0.1", "10.1.0.1", 20);
	bench_run(&b, 1000);
	for (unsigned i = 0; i < 4; i++) {
		b.s[SPOKE].out_packets[1]++;	/* its only peer */
		bench_run(&b, 50000);
		ck_assert(used("203.0.113.1"));
	}
	bench_run(&b, 30000);
	ck_assert(waits() && used(NULL));
	ck_assert_uint_eq(bench_sas(&b.s[SPOKE]) + bench_sas(&b.s[HUB]), 0);
	bench_run(&b, 100000);
	ck_assert_uint_eq(bench_sas(&b.s[HUB]), 0);
	packet("10.2.0.1", "10.1.0.1", 20);
	bench_run(&b, 1000);
	ck_assert(used("203.0.113.1"));	/* and comes back */
	bench_kill(&b, HUB);
	bench_run(&b, 40000);
	ck_assert(waits());	/* who died is not called for without a packet */
	packet("10.2.0.1", "10.1.0.1", 20);
	bench_run(&b, 10000);
	ck_assert(used("203.0.113.3"));
	end();
}
END_TEST

START_TEST(no_idle_end_without_a_time)
{
	begin_on_traffic();
	plain[SPOKE].idle_s = 0;
	bench_start_all(&b);
	packet("10.2.0.1", "10.1.0.1", 20);
	bench_run(&b, 900000);
	ck_assert(used("203.0.113.1"));
	end();
	begin_on_traffic();	/* nor where nobody counts */
	b.s[SPOKE].no_stats = true;
	bench_start_all(&b);
	packet("10.2.0.1", "10.1.0.1", 20);
	bench_run(&b, 300000);
	ck_assert(used("203.0.113.1"));
	end();
}
END_TEST

START_TEST(nobody_answers)
{
	begin_on_traffic();
	ck_assert(bench_start(&b, SPOKE));
	packet("10.2.0.1", "10.1.0.1", 20);
	for (unsigned i = 0; i < 50; i++) {	/* as long as there is traffic it is tried */
		bench_run(&b, 1000);
		ck_assert(!waits());
		packet("10.2.0.1", "10.1.0.1", 20);
	}
	bench_run(&b, 31000);
	ck_assert(waits());
	ck_assert(bench_start(&b, HUB));
	bench_run(&b, 60000);
	ck_assert(waits() && used(NULL));
	bench_peer(&b.s[SPOKE], 0, reason);
	ck_assert_msg(strncmp(reason, "waits for traffic; the last time: ", 34) == 0, "%s", reason);
	packet("10.2.0.1", "10.1.0.1", 20);
	bench_run(&b, 2000);
	ck_assert(used("203.0.113.1"));
	end();
}
END_TEST

/* Each search ends at once, a packet comes every tenth of a second. */
START_TEST(not_too_often)
{
	unsigned n;

	begin_on_traffic();
	bench_start_all(&b);
	for (unsigned i = 0; i < 200; i++) {
		packet("10.2.0.1", "10.1.0.1", 20);
		bench_run(&b, 100);
		if (bench_peers(&b.s[HUB]) && bench_peer(&b.s[HUB], 0, reason).step == CORE_STEP_UP) {
			core_clear_peer(b.s[HUB].core, b.now, 1, &(struct addr){ 0 });
			bench_carry(&b, HUB);
		}
	}
	n = bench_count(&b.s[SPOKE], CORE_ACT_SA_ADD, 0);
	ck_assert_msg(n >= 2 && n <= 5, "%u SAs in 20 s", n);
	end();
}
END_TEST

START_TEST(who_calls_is_taken)
{
	begin_on_traffic();
	plain[HUB].n_dest = 1;
	snprintf(plain[HUB].dest[0], sizeof(plain[HUB].dest[0]), "203.0.113.2");
	b.s[HUB].profile.plain.local[0] = (struct dp_range){ bench_addr("10.1.0.0"), bench_addr("10.1.255.255") };
	b.s[HUB].profile.plain.remote[0] = (struct dp_range){ bench_addr("10.2.0.0"), bench_addr("10.2.255.255") };
	ck_assert(bench_start(&b, SPOKE));
	ck_assert(bench_start(&b, HUB));
	bench_run(&b, 600000);	/* and not idle, whatever the time */
	ck_assert_int_eq(bench_peer(&b.s[SPOKE], 0, reason).step, CORE_STEP_UP);
	ck_assert(!waits());
	end();
}
END_TEST

START_TEST(other_way_to_begin)
{
	static struct core_plain_conf to, back;

	begin_on_traffic();
	bench_start_all(&b);
	bench_run(&b, 5000);
	to = plain[SPOKE];
	to.on_traffic = false;
	to.idle_s = 0;
	reconf(&to, true);
	bench_run(&b, 1000);
	ck_assert(used("203.0.113.1"));
	back = plain[SPOKE];
	reconf(&back, true);
	bench_run(&b, 50000);
	ck_assert(used("203.0.113.1"));	/* what is up stays while it is used */
	bench_run(&b, 30000);
	ck_assert(waits() && used(NULL));
	reconf(&to, true);
	bench_run(&b, 1000);
	ck_assert(used("203.0.113.1"));
	bench_kill(&b, HUB);
	bench_kill(&b, OTHER);
	bench_run(&b, 40000);
	reconf(&back, true);
	ck_assert(waits());
	end();
}
END_TEST

Suite *
plain_suite(void)
{
	Suite *s = suite_create("plain");
	TCase *t = tcase_create("plain");

	tcase_add_test(t, best_one_first);
	tcase_add_test(t, second_one_in_seconds_and_back);
	tcase_add_test(t, dies_and_comes_back);
	tcase_add_test(t, stays_where_it_is);
	tcase_add_test(t, by_name);
	tcase_add_test(t, one_peer_at_a_time);
	tcase_add_test(t, refused_neighbour_is_set_again);
	tcase_add_test(t, other_destinations);
	tcase_add_test(t, destination_removed);
	tcase_add_test(t, becomes_dmvpn);
	tcase_add_test(t, nobody_before_a_packet);
	tcase_add_test(t, goes_when_idle);
	tcase_add_test(t, no_idle_end_without_a_time);
	tcase_add_test(t, nobody_answers);
	tcase_add_test(t, not_too_often);
	tcase_add_test(t, who_calls_is_taken);
	tcase_add_test(t, other_way_to_begin);
	suite_add_tcase(s, t);
	return s;
}
