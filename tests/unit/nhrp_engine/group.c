/* Twin of nhrpd/engine/group.c: QoS groups: said, stored, allowed, mapped to a rate. */
#include <stdio.h>

#include "tests/unit/nhrp_engine/bench.h"

Suite *group_suite(void);

static struct bench b;

static void
hub(void)
{
	bench_init(&b, "10.255.0.1/24", "192.0.2.1");
	b.conf.keep = true;
	b.conf.group_map[0] = (struct nhrp_conf_group){ "gold", 20000000 };
	b.conf.group_map[1] = (struct nhrp_conf_group){ "silver", 5000000 };
	b.conf.n_group_map = 2;
	bench_start(&b);
}

static uint8_t
registers(uint32_t id, const char *remote, const char *proto, const char *group)
{
	struct nhrp_packet p = pkt(NHRP_REGISTRATION_REQUEST, remote, proto, "10.255.0.1"), r;
	uint8_t ext[64];
	struct wr w = wr_of(ext, sizeof(ext));

	pkt_ext(&p, NHRP_EXT_RESPONDER, true, SPAN_STR(""));
	if (group) {
		nhrp_vendor_build(&w, &(struct nhrp_vendor){ .group = span_of(group, strlen(group)) });
		pkt_ext(&p, NHRP_EXT_VENDOR, false, wr_span(&w));
	}
	bench_clear(&b);
	bench_rx(&b, id, remote, &p);
	r = bench_sent(&b, 0);
	ck_assert_uint_eq(r.type, NHRP_REGISTRATION_REPLY);
	if (group)
		ck_assert(span_eq(r.ext[1].value, wr_span(&w)));	/* echoed */
	return r.cie[0].code;
}

static struct nhrp_cache_info
entry(uint32_t peer)
{
	struct nhrp_cache_info i;

	ck_assert_uint_ge(nhrp_peer_protos(b.n, peer, &i, 1), 1);
	return i;
}

static void
shaped(uint32_t peer, uint64_t rate)	/* that one, and nobody else */
{
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_SHAPE), 1);
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_SHAPE, 0)->peer, peer);
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_SHAPE, 0)->rate, rate);
}

START_TEST(mapped_to_a_rate)
{
	hub();
	bench_peer(&b, 5, "198.51.100.2", "a");
	bench_peer(&b, 6, "198.51.100.3", "b");
	bench_peer(&b, 7, "198.51.100.4", "c");
	ck_assert_uint_eq(registers(5, "198.51.100.2", "10.255.0.2", "gold"), NHRP_CODE_OK);
	shaped(5, 20000000);
	ck_assert_uint_eq(registers(6, "198.51.100.3", "10.255.0.3", "silver"), NHRP_CODE_OK);
	shaped(6, 5000000);
	ck_assert_uint_eq(registers(7, "198.51.100.4", "10.255.0.4", "lead"), NHRP_CODE_OK);	/* not mapped: only known */
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_SHAPE), 0);
	ck_assert_str_eq(entry(7).group, "lead");
	ck_assert_uint_eq(entry(7).rate, 0);
	ck_assert_str_eq(entry(5).group, "gold");
	ck_assert_uint_eq(entry(5).rate, 20000000);
	ck_assert_uint_eq(registers(5, "198.51.100.2", "10.255.0.2", "gold"), NHRP_CODE_OK);	/* a refresh */
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_SHAPE), 0);
	bench_free(&b);
}
END_TEST

START_TEST(changes_with_the_registration)
{
	hub();
	bench_peer(&b, 5, "198.51.100.2", "a");
	registers(5, "198.51.100.2", "10.255.0.2", "gold");
	registers(5, "198.51.100.2", "10.255.0.2", "silver");
	shaped(5, 5000000);
	registers(5, "198.51.100.2", "10.255.0.9", NULL);	/* another address of it, which says nothing */
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_SHAPE), 0);
	registers(5, "198.51.100.2", "10.255.0.2", NULL);
	shaped(5, 0);
	ck_assert_str_eq(entry(5).group, "");
	registers(5, "198.51.100.2", "10.255.0.2", "gold");
	bench_clear(&b);
	bench_peer_down(&b, 5);
	shaped(5, 0);
	bench_free(&b);
}
END_TEST

START_TEST(ends_with_the_registration)
{
	hub();
	bench_peer(&b, 5, "198.51.100.2", "a");
	registers(5, "198.51.100.2", "10.255.0.2", "gold");
	bench_answer(&b, true);
	bench_run(&b, TICK_S(1000));
	shaped(5, 0);
	bench_free(&b);
}
END_TEST

START_TEST(follows_the_address_to_another_peer)
{
	hub();
	bench_peer(&b, 5, "198.51.100.2", "a");
	registers(5, "198.51.100.2", "10.255.0.2", "gold");
	bench_peer(&b, 6, "198.51.100.9", "a");	/* the same client with another SA */
	registers(6, "198.51.100.9", "10.255.0.2", "gold");
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_SHAPE), 2);
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_SHAPE, 0)->peer, 5);
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_SHAPE, 0)->rate, 0);
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_SHAPE, 1)->peer, 6);
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_SHAPE, 1)->rate, 20000000);
	bench_free(&b);
}
END_TEST

START_TEST(refused_by_the_data_plane)
{
	struct nhrp_event no = { .kind = NHRP_EV_SHAPED, .peer = 5, .reason = "this kernel has no HTB" };

	hub();
	bench_peer(&b, 5, "198.51.100.2", "a");
	registers(5, "198.51.100.2", "10.255.0.2", "gold");
	bench_event(&b, &no);
	ck_assert_uint_eq(entry(5).rate, 0);
	ck_assert_str_eq(entry(5).rate_reason, "this kernel has no HTB");
	registers(5, "198.51.100.2", "10.255.0.2", "gold");	/* asked again */
	shaped(5, 20000000);
	ck_assert_uint_eq(entry(5).rate, 20000000);
	ck_assert_str_eq(entry(5).rate_reason, "");
	bench_free(&b);
}
END_TEST

START_TEST(another_configuration)
{
	hub();
	for (uint32_t i = 0; i < 200; i++) {
		char remote[32], proto[32], who[16];

		snprintf(remote, sizeof(remote), "198.51.100.%u", i + 2);
		snprintf(proto, sizeof(proto), "10.255.0.%u", i + 2);
		snprintf(who, sizeof(who), "spoke%u", i);
		bench_peer(&b, i + 1, remote, who);
		registers(i + 1, remote, proto, i & 1 ? "gold" : "silver");
	}
	bench_clear(&b);
	b.conf.group_map[0].rate = 30000000;
	nhrp_reconf(b.n, b.now, &b.conf, &b.q);
	for (unsigned k = 0; k < 20; k++)	/* as the queue has room */
		bench_run(&b, 1);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_SHAPE), 100);
	for (unsigned k = 0; k < 100; k++)
		ck_assert_uint_eq(bench_act(&b, NHRP_ACT_SHAPE, k)->rate, 30000000);
	bench_clear(&b);
	b.conf.n_group_map = 0;
	nhrp_reconf(b.n, b.now, &b.conf, &b.q);
	for (unsigned k = 0; k < 20; k++)
		bench_run(&b, 1);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_SHAPE), 200);
	bench_free(&b);
}
END_TEST

START_TEST(authority)
{
	struct claims c = { .source = "authorization policy GOLD" };
	struct nhrp_event up = { .kind = NHRP_EV_PEER_UP, .peer = 5, .remote = { A("198.51.100.2"), 4500 }, .identity = SPAN_STR("fqdn a.example"), .may = &c };
	struct nhrp_event may = { .kind = NHRP_EV_PEER_MAY, .peer = 5, .may = &c };
	struct nhrp_may_info i;

	hub();
	claims_add_group(&c, SPAN_STR("silver"));
	bench_event(&b, &up);
	ck_assert_uint_eq(registers(5, "198.51.100.2", "10.255.0.2", "gold"), NHRP_CODE_PROHIBITED);
	ck_assert_uint_eq(nhrp_count_drop(b.n, NHRP_DROP_NOT_ALLOWED), 1);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_SHAPE), 0);
	ck_assert(nhrp_peer_may(b.n, 5, &i));
	ck_assert_str_eq(i.reason, "refused: fqdn a.example claims group gold, may claim silver (authorization policy GOLD)");
	ck_assert_uint_eq(registers(5, "198.51.100.2", "10.255.0.2", "silver"), NHRP_CODE_OK);
	ck_assert_uint_eq(registers(5, "198.51.100.2", "10.255.0.2", NULL), NHRP_CODE_OK);	/* none is no claim */
	ck_assert_uint_eq(registers(5, "198.51.100.2", "10.255.0.2", "silver"), NHRP_CODE_OK);
	c.n_group = 0;
	bench_clear(&b);
	bench_event(&b, &may);	/* taken away: what stands is judged anew */
	ck_assert(binding_find(b.n, &(struct addr){ 4, { 10, 255, 0, 2 } }) == NULL);
	shaped(5, 0);
	ck_assert(nhrp_peer_may(b.n, 5, &i));
	ck_assert_str_eq(i.reason, "refused: fqdn a.example claims group silver, may claim none (authorization policy GOLD)");
	bench_free(&b);
}
END_TEST

static struct nhrp_mapping seen;
static char seen_group[NHRP_GROUP_MAX + 1];

static void
see(void *ctx, const struct nhrp_mapping *m)
{
	(void)ctx;
	seen = *m;
	snprintf(seen_group, sizeof(seen_group), "%.*s", (int)m->group.n, (const char *)m->group.p);
}

START_TEST(over_a_restart)
{
	struct addr proto = A("10.255.0.2");
	struct nhrp_mapping m = { .prefix = prefix_host(&proto), .type = NHRP_CT_DYNAMIC, .nbma = A("198.51.100.2"), .unique = true,
		.identity = SPAN_STR("a"), .group = SPAN_STR("gold") };

	hub();
	bench_peer(&b, 5, "198.51.100.2", "a");
	registers(5, "198.51.100.2", "10.255.0.2", "gold");
	ck_assert(nhrp_visit_changes(b.n, 9, see, NULL));
	ck_assert_str_eq(seen_group, "gold");
	registers(5, "198.51.100.2", "10.255.0.2", "gold");
	ck_assert_uint_eq(nhrp_changes(b.n), 0);
	registers(5, "198.51.100.2", "10.255.0.2", "silver");	/* nothing else changed */
	ck_assert_uint_eq(nhrp_changes(b.n), 1);
	bench_free(&b);

	hub();
	m.expires = b.now + TICK_S(500);
	m.group = SPAN_STR("go ld");
	ck_assert(!nhrp_restore(b.n, b.now, &m));
	m.group = SPAN_STR("gold");
	ck_assert(nhrp_restore(b.n, b.now, &m));
	bench_clear(&b);
	bench_peer(&b, 5, "198.51.100.2", "a");	/* before it registers */
	shaped(5, 20000000);
	ck_assert_str_eq(entry(5).group, "gold");
	bench_free(&b);
}
END_TEST

START_TEST(said_by_a_client)
{
	struct nhrp_packet p;
	struct nhrp_vendor v;

	bench_init(&b, "10.255.0.2/24", "198.51.100.2");
	strcpy(b.conf.group, "gold");
	b.conf.nhs[b.conf.n_nhs++] = (struct nhrp_conf_nhs){ .family = 4, .name = "hub.example.net" };
	memcpy(b.conf.auth, "secret", 6);
	b.conf.auth_len = 6;
	bench_start(&b);
	bench_nhs_up(&b, "10.255.0.1");
	bench_clear(&b);
	strcpy(b.conf.group, "silver");	/* told at once */
	nhrp_reconf(b.n, b.now, &b.conf, &b.q);
	bench_run(&b, TICK_S(1));
	p = bench_sent(&b, 0);
	ck_assert_uint_eq(p.type, NHRP_REGISTRATION_REQUEST);
	ck_assert_int_eq(nhrp_vendor_parse(&p, &v), NHRP_OK);
	ck_assert(span_eq(v.group, SPAN_STR("silver")));
	ck_assert_uint_eq(p.ext[p.n_ext - 1].type, NHRP_EXT_AUTH);
	bench_free(&b);
}
END_TEST

START_TEST(malformed_is_refused_whole)
{
	struct nhrp_packet p = pkt(NHRP_REGISTRATION_REQUEST, "198.51.100.2", "10.255.0.2", "10.255.0.1");

	hub();
	bench_peer(&b, 5, "198.51.100.2", "a");
	pkt_ext(&p, NHRP_EXT_VENDOR, false, SPAN_STR("\x02\x44\x4d\x01\x04go\nd"));
	bench_clear(&b);
	ck_assert_int_eq(bench_rx(&b, 5, "198.51.100.2", &p), NHRP_DROP_VENDOR);
	ck_assert_uint_eq(b.q.n, 0);
	ck_assert_uint_eq(nhrp_count_drop(b.n, NHRP_DROP_VENDOR), 1);
	bench_free(&b);
}
END_TEST

START_TEST(without_memory)
{
	for (long k = 1; k < 12; k++) {
		hub();
		bench_peer(&b, 5, "198.51.100.2", "a");
		b.t.fail_at = k;
		if (registers(5, "198.51.100.2", "10.255.0.2", "gold") == NHRP_CODE_OK)
			shaped(5, 20000000);
		else
			ck_assert_uint_eq(bench_count(&b, NHRP_ACT_SHAPE), 0);
		b.t.fail_at = 0;
		ck_assert_uint_eq(registers(5, "198.51.100.2", "10.255.0.2", "silver"), NHRP_CODE_OK);
		ck_assert_str_eq(entry(5).group, "silver");
		b.t.fail_at = 1;
		registers(5, "198.51.100.2", "10.255.0.2", "gold");	/* no room for its name: it keeps what it had */
		b.t.fail_at = 0;
		ck_assert_str_eq(entry(5).group, "silver");
		bench_free(&b);
	}
}
END_TEST

Suite *
group_suite(void)
{
	Suite *s = suite_create("group");
	TCase *t = tcase_create("group");

	tcase_add_test(t, mapped_to_a_rate);
	tcase_add_test(t, changes_with_the_registration);
	tcase_add_test(t, ends_with_the_registration);
	tcase_add_test(t, follows_the_address_to_another_peer);
	tcase_add_test(t, refused_by_the_data_plane);
	tcase_add_test(t, another_configuration);
	tcase_add_test(t, authority);
	tcase_add_test(t, over_a_restart);
	tcase_add_test(t, said_by_a_client);
	tcase_add_test(t, malformed_is_refused_whole);
	tcase_add_test(t, without_memory);
	suite_add_tcase(s, t);
	return s;
}
