/* Twin of nhrpd/engine/keep.c: registrations that outlive the engine: what is handed out, and what comes back. */
#include <stdio.h>

#include "tests/unit/nhrp_engine/bench.h"

enum { SEEN_MAX = 16 };

static struct bench b;
static struct seen {
	struct nhrp_mapping m[SEEN_MAX];
	char identity[SEEN_MAX][32];
	unsigned n;
} seen;

static void
hub(void)
{
	bench_init(&b, "10.255.0.1/24", "192.0.2.1");
	b.conf.keep = true;
	b.conf.mcast_dynamic = true;
}

static void
see(void *ctx, const struct nhrp_mapping *m)
{
	(void)ctx;
	ck_assert_uint_lt(seen.n, SEEN_MAX);
	seen.m[seen.n] = *m;
	snprintf(seen.identity[seen.n++], sizeof(seen.identity[0]), "%.*s", (int)m->identity.n, m->identity.n ? (const char *)m->identity.p : "");
}

static unsigned
changes(void)
{
	seen.n = 0;
	ck_assert(nhrp_visit_changes(b.n, SEEN_MAX, see, NULL));
	ck_assert_uint_eq(nhrp_changes(b.n), 0);
	return seen.n;
}

static uint8_t
registers(uint32_t peer, const char *remote, const char *claimed, const char *proto, uint16_t hold)
{
	struct nhrp_packet p = pkt(NHRP_REGISTRATION_REQUEST, claimed, proto, "10.255.0.1"), r;

	p.flags = NHRP_FLAG_REG_UNIQUE;
	p.cie[0].hold_s = hold;
	bench_clear(&b);
	bench_rx(&b, peer, remote, &p);
	r = bench_sent(&b, 0);
	return r.cie[0].code;
}

static struct nhrp_mapping
stored(const char *proto, const char *nbma, const char *identity, unsigned left_s)
{
	struct nhrp_mapping m = { .type = NHRP_CT_DYNAMIC, .identity = span_of(identity, strlen(identity)), .unique = true, .mtu = 1400,
		.expires = b.now + TICK_S(left_s) };
	struct addr a = A(proto);

	m.prefix = prefix_host(&a);
	m.nbma = m.nbma_claimed = A(nbma);
	return m;
}

static bool
entry(void *ctx, const struct nhrp_cache_info *i)
{
	*(struct nhrp_cache_info *)ctx = *i;
	return true;
}

static struct nhrp_cache_info
shown(const char *proto)
{
	struct addr a = A(proto);
	struct prefix p = prefix_host(&a);
	struct nhrp_cache_info i = { .type = NHRP_CT_NONE, .identity = "" };

	nhrp_visit_cache(b.n, &p, entry, &i);
	return i;
}

START_TEST(changes_are_handed_out_once)
{
	hub();
	bench_start(&b);
	bench_peer(&b, 5, "203.0.113.7", "a");
	ck_assert_uint_eq(changes(), 0);
	ck_assert_uint_eq(registers(5, "203.0.113.7", "192.168.1.2", "10.255.0.2", 60), 0);
	ck_assert_uint_eq(nhrp_changes(b.n), 1);
	ck_assert_uint_eq(registers(5, "203.0.113.7", "192.168.1.2", "10.255.0.2", 60), 0);
	ck_assert_uint_eq(changes(), 1);
	ck_assert_int_eq(seen.m[0].type, NHRP_CT_DYNAMIC);
	ck_assert_str_eq(prefix_fmt(&seen.m[0].prefix, (char[PREFIX_STRLEN]){ 0 }), "10.255.0.2/32");
	ck_assert_str_eq(addr_fmt(&seen.m[0].nbma, (char[ADDR_STRLEN]){ 0 }), "203.0.113.7");
	ck_assert_str_eq(addr_fmt(&seen.m[0].nbma_claimed, (char[ADDR_STRLEN]){ 0 }), "192.168.1.2");
	ck_assert_str_eq(seen.identity[0], "a");
	ck_assert(seen.m[0].unique);
	ck_assert_uint_eq(seen.m[0].expires, b.now + TICK_S(60));
	ck_assert_uint_eq(changes(), 0);
	bench_free(&b);
}
END_TEST

/* Only the end moves: at most once per third of the holding time. */
START_TEST(refreshes_are_lazy)
{
	unsigned n = 0;

	hub();
	bench_start(&b);
	bench_peer(&b, 5, "203.0.113.7", "a");
	registers(5, "203.0.113.7", "203.0.113.7", "10.255.0.2", 600);
	ck_assert_uint_eq(changes(), 1);
	for (unsigned s = 0; s < 1200; s += 10) {
		bench_run(&b, TICK_S(10));
		registers(5, "203.0.113.7", "203.0.113.7", "10.255.0.2", 600);
		n += changes();
	}
	ck_assert_uint_eq(n, 6);	/* 1200 / 200 */
	registers(5, "203.0.113.7", "192.168.1.2", "10.255.0.2", 600);	/* and anything else at once */
	ck_assert_uint_eq(changes(), 1);
	registers(5, "203.0.113.7", "192.168.1.2", "10.255.0.2", 60);
	ck_assert_uint_eq(changes(), 1);
	bench_free(&b);
}
END_TEST

START_TEST(what_goes_is_told)
{
	struct nhrp_packet p = pkt(NHRP_PURGE_REQUEST, "203.0.113.7", "10.255.0.2", "10.255.0.1");

	hub();
	bench_start(&b);
	bench_peer(&b, 5, "203.0.113.7", "a");
	registers(5, "203.0.113.7", "203.0.113.7", "10.255.0.2", 60);
	bench_peer_down(&b, 5);	/* it is still who registered */
	ck_assert_uint_eq(changes(), 1);
	ck_assert_str_eq(seen.identity[0], "a");
	ck_assert_str_eq(shown("10.255.0.2").identity, "a");
	bench_run(&b, TICK_S(61));
	ck_assert_uint_eq(changes(), 1);
	ck_assert_int_eq(seen.m[0].type, NHRP_CT_NONE);
	ck_assert_str_eq(prefix_fmt(&seen.m[0].prefix, (char[PREFIX_STRLEN]){ 0 }), "10.255.0.2/32");
	bench_peer(&b, 5, "203.0.113.7", "a");	/* gone and there again between two visits */
	registers(5, "203.0.113.7", "203.0.113.7", "10.255.0.2", 60);
	changes();
	p.cie[0].proto = A("10.255.0.2");
	p.cie[0].prefix_len = 0xff;
	bench_rx(&b, 5, "203.0.113.7", &p);
	registers(5, "203.0.113.7", "203.0.113.7", "10.255.0.2", 60);
	ck_assert_uint_eq(changes(), 2);
	ck_assert_int_eq(seen.m[0].type, NHRP_CT_NONE);
	ck_assert_int_eq(seen.m[1].type, NHRP_CT_DYNAMIC);
	nhrp_changes_again(b.n);
	ck_assert_uint_eq(changes(), 1);
	bench_free(&b);
}
END_TEST

START_TEST(lost_ones_are_admitted)
{
	hub();
	bench_start(&b);
	bench_peer(&b, 5, "203.0.113.7", "a");
	registers(5, "203.0.113.7", "203.0.113.7", "10.255.0.2", 60);
	registers(5, "203.0.113.7", "203.0.113.7", "10.255.0.3", 600);
	ck_assert_uint_eq(changes(), 2);
	bench_run(&b, TICK_S(30));
	b.t.fail_at = 1;	/* no memory to remember what went */
	bench_run(&b, TICK_S(31));
	b.t.fail_at = 0;
	ck_assert_uint_eq(nhrp_changes(b.n), 1);
	ck_assert(!nhrp_visit_changes(b.n, SEEN_MAX, see, NULL));
	nhrp_changes_again(b.n);
	ck_assert_uint_eq(changes(), 1);
	ck_assert_str_eq(prefix_fmt(&seen.m[0].prefix, (char[PREFIX_STRLEN]){ 0 }), "10.255.0.3/32");
	bench_free(&b);
	hub();
	b.conf.keep = false;	/* nobody stores: nothing piles up */
	bench_start(&b);
	bench_peer(&b, 5, "203.0.113.7", "a");
	registers(5, "203.0.113.7", "203.0.113.7", "10.255.0.2", 60);
	bench_run(&b, TICK_S(61));
	ck_assert_uint_eq(nhrp_changes(b.n), 0);
	bench_free(&b);
}
END_TEST

START_TEST(restored_until_confirmed)
{
	struct nhrp_mapping m;
	struct nhrp_cache_info i;

	hub();
	bench_start(&b);
	m = stored("10.255.0.2", "203.0.113.7", "a", 300);
	m.nbma_claimed = A("192.168.1.2");
	ck_assert(nhrp_restore(b.n, b.now, &m));
	ck_assert(!nhrp_restore(b.n, b.now, &m));
	i = shown("10.255.0.2");
	ck_assert(i.restored && i.registered && i.unique && i.natted && !i.has_peer && !i.installed);
	ck_assert_str_eq(i.identity, "a");
	ck_assert_uint_eq(i.expires, b.now + TICK_S(300));
	ck_assert_uint_eq(changes(), 0);	/* it is where it came from */
	bench_clear(&b);
	bench_peer(&b, 5, "203.0.113.9", "a");	/* its SA alone makes the way there: from the address it has now */
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_NEIGH_SET), 1);
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_NEIGH_SET, 0)->peer, 5);
	ck_assert(bench_act(&b, NHRP_ACT_NEIGH_SET, 0)->mcast);
	bench_answer(&b, true);
	i = shown("10.255.0.2");
	ck_assert(i.restored && i.has_peer && i.installed);
	ck_assert_str_eq(addr_fmt(&i.nbma, (char[ADDR_STRLEN]){ 0 }), "203.0.113.9");
	bench_peer_down(&b, 5);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_NEIGH_DEL), 1);
	bench_peer(&b, 6, "203.0.113.9", "a");
	bench_answer(&b, true);
	ck_assert_uint_eq(registers(6, "203.0.113.9", "192.168.1.2", "10.255.0.2", 600), 0);
	ck_assert_uint_eq(b.q.n, 1);	/* nothing but the reply */
	i = shown("10.255.0.2");
	ck_assert(!i.restored);
	ck_assert_str_eq(b.t.last_word, "registered");
	ck_assert_str_eq(i.reason, "");
	ck_assert_uint_eq(i.expires, b.now + TICK_S(600));
	ck_assert_uint_eq(changes(), 1);
	bench_free(&b);
}
END_TEST

/* How long it took until all are confirmed is said once: when the last one is, or its time is over. */
START_TEST(all_confirmed_is_said)
{
	struct nhrp_mapping m;

	hub();
	bench_start(&b);
	m = stored("10.255.0.2", "203.0.113.7", "a", 300);
	ck_assert(nhrp_restore(b.n, b.now, &m));
	m = stored("10.255.0.3", "203.0.113.8", "b", 30);
	ck_assert(nhrp_restore(b.n, b.now, &m));
	bench_run(&b, TICK_S(2));
	bench_peer(&b, 5, "203.0.113.7", "a");
	bench_answer(&b, true);
	ck_assert_uint_eq(registers(5, "203.0.113.7", "203.0.113.7", "10.255.0.2", 600), 0);
	ck_assert(b.n->n_restored == 1 && b.n->n_confirmed == 1);
	if (_i) {
		bench_run(&b, TICK_S(40));
	} else {
		bench_peer(&b, 6, "203.0.113.8", "b");
		bench_answer(&b, true);
		ck_assert_uint_eq(registers(6, "203.0.113.8", "203.0.113.8", "10.255.0.3", 600), 0);
	}
	ck_assert(b.n->n_restored == 0 && b.n->n_confirmed == 0);	/* begun anew: it has been said */
	bench_free(&b);
}
END_TEST

/* Who may register 10.255.0.2, which "a" (or, where nothing is authenticated, 203.0.113.7) had before the restart. */
START_TEST(restored_is_held_for_its_identity)
{
	static const struct {
		const char *holder, *who, *claimed;
		bool unique, steal;
		uint8_t code;
	} row[] = {
		{ "a", "a", "198.51.100.9", true, false, 0 },
		{ "a", "b", "203.0.113.7", true, false, 14 },
		{ "a", "b", "203.0.113.7", true, true, 0 },
		{ "a", "b", "203.0.113.7", false, false, 0 },	/* it said that others may have it */
		{ "a", "", "203.0.113.7", true, false, 14 },
		{ "", "", "203.0.113.7", true, false, 0 },
		{ "", "", "198.51.100.9", true, false, 14 },
		{ "", "b", "203.0.113.7", true, false, 14 },
	};

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct nhrp_mapping m;
		struct nhrp_packet q;
		uint8_t got;

		hub();
		b.conf.steal = row[i].steal;
		bench_start(&b);
		m = stored("10.255.0.2", "203.0.113.7", row[i].holder, 300);
		m.unique = row[i].unique;
		ck_assert(nhrp_restore(b.n, b.now, &m));
		bench_peer(&b, 5, "198.51.100.50", row[i].who);
		ck_assert_msg(shown("10.255.0.2").has_peer == (row[i].who[0] && strcmp(row[i].who, row[i].holder) == 0), "row %u", i);
		if (row[i].code) {	/* nor speak in its name */
			q = pkt(NHRP_RESOLUTION_REQUEST, "203.0.113.7", "10.255.0.2", "10.255.0.1");
			ck_assert_int_eq(bench_rx(&b, 5, "198.51.100.50", &q), row[i].who[0] || row[i].holder[0] ? NHRP_DROP_CLAIM : NHRP_OK);
		}
		got = registers(5, "198.51.100.50", row[i].claimed, "10.255.0.2", 60);
		ck_assert_msg(got == row[i].code, "row %u: %u", i, got);
		ck_assert_msg(shown("10.255.0.2").restored == (got != 0), "row %u", i);
		bench_run(&b, TICK_S(301));	/* its time is over: free for all */
		ck_assert_msg(registers(5, "198.51.100.50", "198.51.100.50", "10.255.0.2", 60) == 0, "row %u", i);
		bench_free(&b);
	}
}
END_TEST

START_TEST(questions_wait_for_who_comes_back)
{
	struct nhrp_packet q = pkt(NHRP_RESOLUTION_REQUEST, "203.0.113.9", "10.255.0.3", "10.255.0.2");
	struct nhrp_mapping m;

	hub();
	bench_start(&b);
	m = stored("10.255.0.2", "203.0.113.7", "a", 300);
	ck_assert(nhrp_restore(b.n, b.now, &m));
	bench_route(&b, "10.2.0.0/24", NHRP_RT_NBMA, "10.255.0.2");
	bench_peer(&b, 6, "203.0.113.9", "b");
	ck_assert_uint_eq(registers(6, "203.0.113.9", "203.0.113.9", "10.255.0.3", 600), 0);
	bench_answer(&b, true);
	bench_clear(&b);
	pkt_ext(&q, NHRP_EXT_FORWARD, true, SPAN_STR(""));
	ck_assert_int_eq(bench_rx(&b, 6, "203.0.113.9", &q), NHRP_DROP_AWAITED);
	q.dst_proto = A("10.2.0.7");
	ck_assert_int_eq(bench_rx(&b, 6, "203.0.113.9", &q), NHRP_DROP_AWAITED);
	ck_assert_uint_eq(b.q.n, 0);	/* not a word: it asks again */
	bench_peer(&b, 5, "203.0.113.7", "a");
	bench_answer(&b, true);
	bench_clear(&b);
	ck_assert_int_eq(bench_rx(&b, 6, "203.0.113.9", &q), NHRP_OK);
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_SEND, 0)->peer, 5);
	bench_free(&b);
}
END_TEST

START_TEST(nonsense_is_not_restored)
{
	struct nhrp_mapping m;
	struct nhrp_cache_info i;
	unsigned refused = 0;
	bool back = false;

	hub();
	b.conf.map[b.conf.n_map++] = (struct nhrp_conf_map){ A("10.255.0.9"), A("192.0.2.9"), false };
	bench_start(&b);
#define REFUSED(change) do { m = stored("10.255.0.2", "203.0.113.7", "a", 300); change; ck_assert_msg(!nhrp_restore(b.n, b.now, &m), #change); } while (0)
	REFUSED(m.type = NHRP_CT_CACHED);
	REFUSED(m.type = NHRP_CT_STATIC);
	REFUSED(m.prefix.bits = 24);
	REFUSED(m.prefix.addr = A("10.255.0.1"));
	REFUSED(m.prefix.addr = A("10.254.0.2"));
	REFUSED(m.prefix.addr = A("10.255.0.9"));
	REFUSED(m.prefix = P("2001:db8::1/128"));
	REFUSED(m.prefix = P("224.0.0.1/32"));
	REFUSED(m.nbma = A("0.0.0.0"));
	REFUSED(m.expires = b.now);
	REFUSED(m.expires = TICK_NEVER);
	REFUSED(m.identity.n = NHRP_IDENTITY_MAX + 1);
	for (long at = 1; at <= 4; at++) {	/* a hash table that cannot grow refuses nothing */
		bench_free(&b);
		hub();
		bench_start(&b);
		m = stored("10.255.0.2", "203.0.113.7", "a", 300);
		b.t.fail_at = at;
		back = nhrp_restore(b.n, b.now, &m);
		b.t.fail_at = 0;
		refused += !back;
		ck_assert(back || (shown("10.255.0.2").type == NHRP_CT_NONE && !binding_find(b.n, &m.prefix.addr)));
	}
	ck_assert(back);
	ck_assert_uint_ge(refused, 2);
	nhrp_event(b.n, b.now, &(struct nhrp_event){ .kind = NHRP_EV_CLEAR, .dst = A("10.255.0.2") }, &b.q);
	bench_run(&b, TICK_S(1));
	i = shown("10.255.0.2");
	ck_assert_int_eq(i.type, NHRP_CT_NONE);
	ck_assert_uint_eq(changes(), 1);	/* the operator's word holds over the next restart too */
	bench_free(&b);
}
END_TEST

Suite *keep_suite(void);

Suite *
keep_suite(void)
{
	Suite *s = suite_create("keep");
	TCase *c = tcase_create("keep");

	tcase_add_test(c, changes_are_handed_out_once);
	tcase_add_test(c, refreshes_are_lazy);
	tcase_add_test(c, what_goes_is_told);
	tcase_add_test(c, lost_ones_are_admitted);
	tcase_add_test(c, restored_until_confirmed);
	tcase_add_loop_test(c, all_confirmed_is_said, 0, 2);
	tcase_add_test(c, restored_is_held_for_its_identity);
	tcase_add_test(c, questions_wait_for_who_comes_back);
	tcase_add_test(c, nonsense_is_not_restored);
	suite_add_tcase(s, c);
	return s;
}
