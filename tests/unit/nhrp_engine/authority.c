/* Twin of nhrpd/engine/authority.c: a member with every right to be there claims what is a neighbour's. */
#include "tests/unit/nhrp_engine/bench.h"

#include <stdio.h>

Suite *authority_suite(void);

static struct bench b;
static struct world w;
static struct node *hub, *near, *far;

/* "10.255.0.2" are addresses it may have, "10.3.0.0/24" prefixes behind it; NULL: not spoken of. */
static struct claims
may(const char *address, const char *prefix)
{
	struct claims c = { .source = "certificate's SAN" };
	struct prefix p;

	if (address && prefix_parse(address, &p))
		claims_add(&c, CLAIM_ADDRESS, &p);
	if (prefix && prefix_parse(prefix, &p))
		claims_add(&c, CLAIM_PREFIX, &p);
	return c;
}

static void
peer(uint32_t id, const char *remote, const char *identity, const struct claims *c)
{
	struct nhrp_event ev = { .kind = NHRP_EV_PEER_UP, .peer = id, .remote = { A(remote), 4500 }, .identity = span_of(identity, strlen(identity)), .may = c };

	bench_event(&b, &ev);
}

static uint8_t
registers(uint32_t id, const char *remote, const char *proto, enum nhrp_drop *d)
{
	struct nhrp_packet p = pkt(NHRP_REGISTRATION_REQUEST, remote, proto, "10.255.0.1"), r;

	bench_clear(&b);
	*d = bench_rx(&b, id, remote, &p);
	r = bench_sent(&b, 0);
	ck_assert_uint_eq(r.type, NHRP_REGISTRATION_REPLY);
	return r.cie[0].code;
}

static const char *
reason(uint32_t id)
{
	struct nhrp_may_info i;

	ck_assert(nhrp_peer_may(b.n, id, &i));
	return i.reason;
}

static void
start(void)
{
	bench_init(&b, "10.255.0.1/24", "192.0.2.1");
	bench_start(&b);
}

START_TEST(registration_of_a_neighbours_address)
{
	struct claims c = may("10.255.0.2", NULL);
	enum nhrp_drop d;

	start();
	peer(5, "198.51.100.2", "fqdn rogue.example.net", &c);
	ck_assert_uint_eq(registers(5, "198.51.100.2", "10.255.0.3", &d), NHRP_CODE_PROHIBITED);
	ck_assert_int_eq(d, NHRP_DROP_NOT_ALLOWED);
	ck_assert_uint_eq(nhrp_count_drop(b.n, NHRP_DROP_NOT_ALLOWED), 1);
	ck_assert_str_eq(reason(5), "refused: fqdn rogue.example.net claims 10.255.0.3, may claim 10.255.0.2 (certificate's SAN)");
	ck_assert_str_eq(b.t.last_word, "nhrp-drop");
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_NEIGH_SET), 0);
	ck_assert_uint_eq(registers(5, "198.51.100.2", "10.255.0.2", &d), NHRP_CODE_OK);
	ck_assert_int_eq(d, NHRP_OK);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_NEIGH_SET), 1);
	bench_free(&b);
}
END_TEST

START_TEST(nothing_said_is_first_come)
{
	struct claims lan = may(NULL, "10.3.0.0/24");	/* speaks of prefixes only */
	enum nhrp_drop d;

	start();
	peer(5, "198.51.100.2", "a", &lan);
	peer(6, "198.51.100.3", "b", NULL);
	ck_assert_uint_eq(registers(5, "198.51.100.2", "10.255.0.2", &d), NHRP_CODE_OK);
	ck_assert_uint_eq(registers(6, "198.51.100.3", "10.255.0.3", &d), NHRP_CODE_OK);
	ck_assert_uint_eq(registers(6, "198.51.100.3", "10.255.0.2", &d), NHRP_CODE_UNIQUE_TAKEN);
	bench_free(&b);
}
END_TEST

START_TEST(who_is_entitled_takes_it_from_who_came_first)
{
	struct claims c = may("10.255.0.2", NULL);
	enum nhrp_drop d;

	start();
	peer(5, "198.51.100.2", "squatter", NULL);
	ck_assert_uint_eq(registers(5, "198.51.100.2", "10.255.0.2", &d), NHRP_CODE_OK);
	peer(6, "198.51.100.3", "owner", &c);
	ck_assert_uint_eq(registers(6, "198.51.100.3", "10.255.0.2", &d), NHRP_CODE_OK);
	ck_assert_uint_eq(registers(5, "198.51.100.2", "10.255.0.2", &d), NHRP_CODE_UNIQUE_TAKEN);
	peer(7, "198.51.100.4", "another owner", &c);	/* two with the same right: first come */
	ck_assert_uint_eq(registers(7, "198.51.100.4", "10.255.0.2", &d), NHRP_CODE_UNIQUE_TAKEN);
	bench_free(&b);
}
END_TEST

START_TEST(judged_anew)
{
	struct claims c = may("10.255.0.2", NULL), other = may("10.255.0.9", NULL);
	struct nhrp_event ev = { .kind = NHRP_EV_PEER_MAY, .peer = 5, .may = &c };
	enum nhrp_drop d;

	start();
	peer(5, "198.51.100.2", "a", NULL);
	ck_assert_uint_eq(registers(5, "198.51.100.2", "10.255.0.2", &d), NHRP_CODE_OK);
	bench_clear(&b);
	bench_event(&b, &ev);	/* it may still */
	ck_assert_uint_eq(b.q.n, 0);
	ev.may = &other;
	bench_event(&b, &ev);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_NEIGH_DEL), 1);
	ck_assert(binding_find(b.n, &(struct addr){ 4, { 10, 255, 0, 2 } }) == NULL);
	ck_assert_str_eq(reason(5), "refused: a claims 10.255.0.2, may claim 10.255.0.9 (certificate's SAN)");
	ck_assert_uint_eq(registers(5, "198.51.100.2", "10.255.0.2", &d), NHRP_CODE_PROHIBITED);
	ev.may = NULL;
	bench_event(&b, &ev);
	ck_assert_uint_eq(registers(5, "198.51.100.2", "10.255.0.2", &d), NHRP_CODE_OK);
	bench_free(&b);
}
END_TEST

START_TEST(request_in_a_neighbours_name)
{
	struct claims c = may("10.255.0.2", NULL);
	struct nhrp_packet p = pkt(NHRP_RESOLUTION_REQUEST, "198.51.100.2", "10.255.0.3", "10.255.0.1");

	start();
	peer(5, "198.51.100.2", "rogue", &c);
	ck_assert_int_eq(bench_rx(&b, 5, "198.51.100.2", &p), NHRP_DROP_NOT_ALLOWED);
	p.type = NHRP_PURGE_REQUEST;
	ck_assert_int_eq(bench_rx(&b, 5, "198.51.100.2", &p), NHRP_DROP_NOT_ALLOWED);
	p = pkt(NHRP_RESOLUTION_REQUEST, "198.51.100.2", "10.255.0.2", "10.255.0.1");
	ck_assert_int_eq(bench_rx(&b, 5, "198.51.100.2", &p), NHRP_OK);
	bench_free(&b);
}
END_TEST

START_TEST(restored_for_who_may_not_any_more)
{
	struct nhrp_mapping m = { .prefix = P("10.255.0.2/32"), .type = NHRP_CT_DYNAMIC, .nbma = A("198.51.100.2"), .identity = SPAN_STR("a"),
		.unique = true };
	struct claims c = may("10.255.0.9", NULL);

	start();
	m.expires = b.now + TICK_S(600);
	ck_assert(nhrp_restore(b.n, b.now, &m));
	bench_clear(&b);
	peer(5, "198.51.100.2", "a", &c);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_NEIGH_SET), 0);
	bench_free(&b);
}
END_TEST

START_TEST(without_memory_nobody_is_let_in_unlimited)
{
	struct claims c = may("10.255.0.2", NULL);
	struct nhrp_event ev = { .kind = NHRP_EV_PEER_MAY, .peer = 6, .may = &c };

	start();
	bench_clear(&b);
	b.t.fail_at = 2;	/* the peer, then its list */
	peer(5, "198.51.100.2", "a", &c);
	ck_assert(peer_find(b.n, 5) == NULL);
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_DROP_PEER, 0)->peer, 5);
	peer(6, "198.51.100.3", "b", NULL);
	bench_clear(&b);
	b.t.fail_at = 1;
	bench_event(&b, &ev);
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_DROP_PEER, 0)->peer, 6);
	bench_free(&b);
}
END_TEST

START_TEST(redirect_by_a_stranger)
{
	struct nhrp_packet p = pkt(NHRP_TRAFFIC_INDICATION, "198.51.100.9", "10.255.0.9", "10.3.0.9");
	uint8_t ip[84] = { 0x45 };

	bench_init(&b, "10.255.0.3/24", NULL);
	b.conf.shortcut = true;
	b.conf.n_nhs = 1;
	b.conf.nhs[0].family = 4;
	strcpy(b.conf.nhs[0].name, "203.0.113.1");
	bench_start(&b);
	bench_nhs_up(&b, "10.255.0.1");
	bench_route(&b, "10.3.0.0/24", NHRP_RT_OUT, NULL);
	bench_route(&b, "10.0.0.0/8", NHRP_RT_NBMA, "10.255.0.1");
	peer(9, "198.51.100.9", "rogue", NULL);
	bench_clear(&b);
	memcpy(ip + 12, (const uint8_t[]){ 10, 3, 0, 9, 10, 9, 0, 9 }, 8);
	p.hops = 1;
	p.payload = span_of(ip, sizeof(ip));
	ck_assert_int_eq(bench_rx(&b, 9, "198.51.100.9", &p), NHRP_DROP_REDIRECT_FROM);
	ck_assert_uint_eq(b.q.n, 0);
	ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &p), NHRP_OK);
	bench_free(&b);
}
END_TEST

/* ---- three nodes: `far` claims 10.3.0.0/24 and 10.255.0.3 */

static void
three(const struct claims *c)
{
	trio_conf(&w, NULL, NULL);
	hub = &w.node[0];
	near = &w.node[1];
	far = &w.node[2];
	far->may = c;
	trio_start(&w);
	node_redirect(hub, near, far, "10.2.0.5", "10.3.0.9");
	world_run(&w, TICK_S(60));
}

static void
refused(const char *why)
{
	ck_assert_str_eq(node_shortcut(near, "10.3.0.9").state, "negative");
	ck_assert_str_eq(node_shortcut(near, "10.3.0.9").reason, why);
	ck_assert_uint_eq(near->n_route, 0);
	ck_assert(!node_neigh(near, "10.255.0.3"));
	ck_assert_uint_gt(nhrp_count_drop(near->n, NHRP_DROP_NOT_ALLOWED), 0);
	world_free(&w);
}

START_TEST(resolution_reply_for_a_neighbours_prefix)
{
	struct claims c = may("10.255.0.3", "10.4.0.0/24");

	three(&c);
	refused("refused: 198.51.100.3 claims 10.3.0.0/24, may claim 10.4.0.0/24 (certificate's SAN)");
}
END_TEST

START_TEST(resolution_reply_of_who_may)
{
	struct claims c = may("10.255.0.3", "10.3.0.0/16");

	trio_conf(&w, NULL, NULL);
	w.node[2].may = &c;
	trio_start(&w);
	node_redirect(&w.node[0], &w.node[1], &w.node[2], "10.2.0.5", "10.3.0.9");
	world_run(&w, TICK_S(1));
	ck_assert_str_eq(node_shortcut(&w.node[1], "10.3.0.9").state, "up");
	world_free(&w);
}
END_TEST

/* The hub does not look (there nothing is said of it): whoever is at the other end of the direct SA is found out there. */
START_TEST(resolution_reply_with_a_neighbours_address)
{
	struct claims c = may("10.255.0.4", NULL);

	trio_conf(&w, NULL, NULL);
	hub = &w.node[0];
	near = &w.node[1];
	far = &w.node[2];
	trio_start(&w);
	far->may = &c;
	node_redirect(hub, near, far, "10.2.0.5", "10.3.0.9");
	world_run(&w, TICK_S(60));
	refused("refused: 198.51.100.3 claims 10.255.0.3, may claim 10.255.0.4 (certificate's SAN)");
}
END_TEST

START_TEST(shortcut_goes_when_it_may_not_any_more)
{
	struct claims c = may(NULL, "10.4.0.0/24");
	struct nhrp_event ev = { .kind = NHRP_EV_PEER_MAY, .may = &c };

	trio(&w, NULL, NULL);
	near = &w.node[1];
	far = &w.node[2];
	node_redirect(&w.node[0], near, far, "10.2.0.5", "10.3.0.9");
	world_run(&w, TICK_S(1));
	ck_assert_str_eq(node_shortcut(near, "10.3.0.9").state, "up");
	ev.peer = near->peer_of[2];
	node_event(near, &ev);
	world_run(&w, TICK_S(1));
	ck_assert_uint_eq(near->n_route, 0);
	ck_assert(!node_neigh(near, "10.255.0.3"));
	world_free(&w);
}
END_TEST

/* ---- hubs */

static bool
take_reason(void *ctx, const struct nhrp_nhs_info *i)
{
	snprintf(ctx, 256, "%s", i->reason);
	return false;
}

static const char *
nhs_reason(const struct node *x)
{
	static char text[256];

	nhrp_visit_nhs(x->n, take_reason, text);
	return text;
}

/* Named in the configuration (0), or by its reply (1): not registered with, no neighbour, and the reason is said. When it may have it after
 * all, it is tried again; and a hub that may not any more goes down. */
START_TEST(hub_with_an_address_that_is_not_its)
{
	struct claims c = may("10.255.0.9", NULL), good = may("10.255.0.1", NULL);
	struct nhrp_event ev = { .kind = NHRP_EV_PEER_MAY, .may = &good };

	trio_conf(&w, NULL, NULL);
	near = &w.node[1];
	for (unsigned i = 1; i < 3; i++)
		w.node[i].conf.nhs[0].proto = _i ? (struct addr){ 0 } : A("10.255.0.1");
	w.node[0].may = &c;
	trio_start(&w);
	ck_assert_str_ne(node_nhs_state(near, 0), "registered");
	ck_assert_str_eq(nhs_reason(near), "refused: 192.0.2.1 claims 10.255.0.1, may claim 10.255.0.9 (certificate's SAN)");
	ck_assert(!node_neigh(near, "") && !node_neigh(near, "10.255.0.1"));
	ck_assert_uint_ge(nhrp_count_drop(near->n, NHRP_DROP_NOT_ALLOWED), 1);
	ck_assert_uint_eq(w.sent[NHRP_REGISTRATION_REQUEST] != 0, _i);
	w.node[0].may = &good;
	ev.peer = near->peer_of[0];
	node_event(near, &ev);
	world_run(&w, TICK_S(80));
	ck_assert_str_eq(node_nhs_state(near, 0), "registered");
	ck_assert(node_neigh(near, "10.255.0.1") != NULL);
	ev.may = &c;
	ev.peer = near->peer_of[0];
	node_event(near, &ev);
	ck_assert_str_ne(node_nhs_state(near, 0), "registered");
	world_run(&w, TICK_MS(50));
	ck_assert(!node_neigh(near, "10.255.0.1"));
	world_free(&w);
}
END_TEST

/* A third one, to whom there is an SA, takes back in another's name. */
START_TEST(purge_in_anothers_name)
{
	struct nhrp_packet p = pkt(NHRP_PURGE_REQUEST, "198.51.100.9", "10.255.0.3", "10.255.0.2");
	struct nhrp_event ev = { .kind = NHRP_EV_PEER_UP, .peer = 999, .remote = { A("198.51.100.9"), 4500 }, .identity = SPAN_STR("rogue") };
	struct nhrp_rx rx = { .peer = 999, .remote = ev.remote };
	uint8_t raw[1500];
	struct wr wr = wr_of(raw, sizeof(raw));

	trio(&w, NULL, NULL);
	near = &w.node[1];
	node_redirect(&w.node[0], near, &w.node[2], "10.2.0.5", "10.3.0.9");
	world_run(&w, TICK_S(1));
	node_event(near, &ev);
	p.cie[0].proto = A("10.3.0.0");
	p.cie[0].prefix_len = 24;
	ck_assert_uint_gt(nhrp_packet_build(&wr, &p), 0);
	rx.packet = wr_span(&wr);
	nhrp_rx(near->n, w.now, &rx, &near->q);
	outq_reset(&near->q);
	world_run(&w, TICK_MS(50));
	ck_assert_str_eq(node_shortcut(near, "10.3.0.9").state, "up");
	world_free(&w);
}
END_TEST

Suite *
authority_suite(void)
{
	Suite *s = suite_create("authority");
	TCase *t = tcase_create("authority");

	tcase_add_test(t, registration_of_a_neighbours_address);
	tcase_add_test(t, nothing_said_is_first_come);
	tcase_add_test(t, who_is_entitled_takes_it_from_who_came_first);
	tcase_add_test(t, judged_anew);
	tcase_add_test(t, request_in_a_neighbours_name);
	tcase_add_test(t, restored_for_who_may_not_any_more);
	tcase_add_test(t, without_memory_nobody_is_let_in_unlimited);
	tcase_add_test(t, redirect_by_a_stranger);
	tcase_add_test(t, resolution_reply_for_a_neighbours_prefix);
	tcase_add_test(t, resolution_reply_of_who_may);
	tcase_add_test(t, resolution_reply_with_a_neighbours_address);
	tcase_add_test(t, shortcut_goes_when_it_may_not_any_more);
	tcase_add_loop_test(t, hub_with_an_address_that_is_not_its, 0, 2);
	tcase_add_test(t, purge_in_anothers_name);
	suite_add_tcase(s, t);
	return s;
}
