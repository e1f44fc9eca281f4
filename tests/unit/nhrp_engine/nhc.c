/* Twin of nhrpd/engine/nhc.c: the spoke's side of registration. */
#include "tests/unit/nhrp_engine/bench.h"

static struct bench b;
static struct world w;

static void
spoke(void)
{
	bench_init(&b, "172.16.1.4/24", "192.0.2.1");
	b.conf.n_nhs = 1;
	b.conf.nhs[0].family = 4;
	strcpy(b.conf.nhs[0].name, "hub.example");
}

static uint32_t
dial(void)
{
	struct addr hub = A("192.168.1.1");
	struct nhrp_event ev = { .kind = NHRP_EV_NHS_ADDRS, .addrs = &hub, .n_addrs = 1 };
	struct nhrp_act *a;

	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_RESOLVE_NAME, 0)->nhs, 0);
	bench_event(&b, &ev);
	a = bench_act(&b, NHRP_ACT_WANT, bench_count(&b, NHRP_ACT_WANT) - 1);	/* behind those of static partners */
	ck_assert(a->hub);
	ck_assert_str_eq(a->hint, "hub.example");
	return a->want;
}

static void
up(uint32_t want, uint32_t peer)
{
	struct nhrp_event ev = { .kind = NHRP_EV_WANT_UP, .want = want, .peer = peer };

	bench_peer(&b, peer, "192.168.1.1", "hub");
	bench_clear(&b);
	bench_event(&b, &ev);
}

/* The worked bytes of the reference (a spoke of FRR's kind), request id and checksum aside. */
START_TEST(request_octet_by_octet)
{
	static const char want[] = "0001080000000000 0001006a 0000 0034 0103040004048002 00000000 c0a80104 ac100104 ac100104"
				   "00ff 0000 0000 1c20 00000000 80040000 80050000 80030000 00090014 00200000 00000000 04000400"
				   "c0a80101 00000000 8007000a 00000001 736563726574 80000000";
	struct nhrp_event ev = { .kind = NHRP_EV_NBMA, .nbma = A("192.168.1.4") };
	uint8_t gold[200], got[200];
	struct nhrp_act *a;

	spoke();
	b.conf.hold_s = 7200;
	memcpy(b.conf.auth, "secret", 6);
	b.conf.auth_len = 6;
	bench_start(&b);
	bench_event(&b, &ev);
	up(dial(), 3);
	a = bench_act(&b, NHRP_ACT_SEND, 0);
	ck_assert_uint_eq(test_unhex(want, gold, sizeof(gold)), 106);
	ck_assert_uint_eq(a->packet.n, 106);
	ck_assert_uint_eq(a->peer, 3);
	memcpy(got, a->packet.p, 106);
	ck_assert_uint_eq(nhrp_checksum(a->packet), 0);
	memset(got + 12, 0, 2);
	memset(got + 24, 0, 4);
	ck_assert_uint_eq(get_be16(got + 44), 1400);	/* MTU: it says 0 there */
	memset(got + 44, 0, 2);
	ck_assert_mem_eq(got, gold, 106);
	bench_free(&b);
}
END_TEST

START_TEST(same_id_on_retry_and_the_sa_goes_when_silent)
{
	uint32_t want, id;

	spoke();
	bench_start(&b);
	want = dial();
	up(want, 3);
	id = bench_sent(&b, 0).request_id;
	bench_run(&b, TICK_S(9));
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_SEND), 4);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(bench_sent(&b, i).request_id, id);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_DROP_PEER), 0);
	bench_run(&b, TICK_S(9));
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_DROP_PEER, 0)->peer, 3);
	bench_peer_down(&b, 3);
	bench_run(&b, TICK_S(100));
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_UNWANT), 0);	/* the core goes on */
	up(want, 4);
	ck_assert_uint_ne(bench_sent(&b, 0).request_id, id);
	bench_free(&b);
}
END_TEST

static void
until_sent(unsigned max_s)
{
	while (max_s-- && !bench_count(&b, NHRP_ACT_SEND))
		bench_run(&b, TICK_S(1));
}

static struct nhrp_packet
reply(unsigned sent)
{
	struct nhrp_packet p = bench_sent(&b, sent);

	p.type = NHRP_REGISTRATION_REPLY;
	p.dst_proto = A("172.16.1.1");
	return p;
}

START_TEST(registered_learns_and_refreshes)
{
	struct nhrp_packet p;
	struct nhrp_cie nat[2];
	uint32_t id;

	spoke();
	b.conf.nhs[0].mcast = true;
	bench_start(&b);
	up(dial(), 3);
	p = reply(0);
	id = p.request_id;
	nat[0] = cie_of(0, 32, "192.168.1.1", "0.0.0.0", 0);
	nat[1] = cie_of(0, 32, "203.0.113.50", "172.16.1.4", 0);
	for (unsigned i = 0; i < p.n_ext; i++) {
		if (p.ext[i].type == NHRP_EXT_NAT)
			p.ext[i].value = cies(nat, 2);
	}
	bench_clear(&b);
	bench_peer(&b, 8, "192.168.1.8", "other");
	ck_assert_int_eq(bench_rx(&b, 8, "192.168.1.8", &p), NHRP_DROP_UNSOLICITED);	/* not the one we asked */
	ck_assert_int_eq(bench_rx(&b, 3, "192.168.1.1", &p), NHRP_OK);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_NEIGH_SET), 2);
	ck_assert(bench_act(&b, NHRP_ACT_NEIGH_SET, 0)->mcast);
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_NEIGH_SET, 0)->proto.n, 4);
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_NEIGH_SET, 1)->proto.n, 0);
	ck_assert(addr_eq(&b.n->public_nbma, &nat[1].nbma));
	ck_assert(we_are_natted(b.n));
	bench_answer(&b, true);
	ck_assert_int_eq(bench_rx(&b, 3, "192.168.1.1", &p), NHRP_DROP_UNSOLICITED);	/* twice */
	bench_run(&b, TICK_S(179));
	ck_assert_uint_eq(b.q.n, 0);
	until_sent(22);	/* a third of 600, less up to a tenth */
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_SEND), 1);
	p = reply(0);
	ck_assert_uint_ne(p.request_id, id);
	bench_clear(&b);
	ck_assert_int_eq(bench_rx(&b, 3, "192.168.1.1", &p), NHRP_OK);
	ck_assert_uint_eq(b.q.n, 0);	/* nothing changed */
	bench_peer_down(&b, 3);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_NEIGH_DEL), 2);
	bench_free(&b);
}
END_TEST

START_TEST(refusals)
{
	struct nhrp_packet p;

	spoke();
	bench_start(&b);
	up(dial(), 3);
	p = reply(0);
	p.cie[0].code = NHRP_CODE_UNIQUE_TAKEN;
	bench_clear(&b);
	ck_assert_int_eq(bench_rx(&b, 3, "192.168.1.1", &p), NHRP_OK);
	p = bench_sent(&b, 0);	/* our own binding goes first */
	ck_assert_uint_eq(p.type, NHRP_PURGE_REQUEST);
	ck_assert_uint_eq(p.flags, NHRP_FLAG_NO_REPLY);
	ck_assert(addr_eq(&p.cie[0].proto, &p.src_proto));
	bench_clear(&b);
	bench_run(&b, TICK_MS(2100));
	ck_assert_uint_eq(bench_sent(&b, 0).type, NHRP_REGISTRATION_REQUEST);
	for (unsigned i = 0; i < 4; i++) {
		static const uint8_t code[] = { NHRP_CODE_PROHIBITED, NHRP_CODE_NO_RESOURCES, NHRP_CODE_NOT_UNIQUE, 99 };

		p = reply(0);
		p.cie[0].code = code[i];
		bench_clear(&b);
		ck_assert_int_eq(bench_rx(&b, 3, "192.168.1.1", &p), NHRP_OK);
		ck_assert_str_eq(nhc_state_name[b.n->nhc[0].state], "waiting");
		ck_assert(b.n->nhc[0].reason[0]);
		bench_clear(&b);
		until_sent(40);
		ck_assert_uint_ge(bench_count(&b, NHRP_ACT_SEND), 1);
	}
	bench_free(&b);
}
END_TEST

START_TEST(names)
{
	struct addr hub[2] = { A("192.168.1.1"), A("192.168.1.2") };
	struct nhrp_event ev = { .kind = NHRP_EV_NHS_ADDRS, .reason = "no such name" }, fail = { .kind = NHRP_EV_WANT_FAIL, .reason = "timeout" };

	spoke();
	bench_start(&b);
	bench_clear(&b);
	bench_event(&b, &ev);
	ck_assert_str_eq(b.n->nhc[0].reason, "no such name");
	bench_run(&b, TICK_S(7));
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_RESOLVE_NAME), 1);
	bench_run(&b, TICK_S(31));	/* no answer at all */
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_RESOLVE_NAME), 2);
	ev.addrs = hub;
	ev.n_addrs = 2;
	bench_event(&b, &ev);
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_WANT, 0)->n_addrs, 2);
	fail.want = bench_act(&b, NHRP_ACT_WANT, 0)->want;
	bench_clear(&b);
	bench_event(&b, &fail);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_RESOLVE_NAME), 1);
	ck_assert_str_eq(b.n->nhc[0].reason, "timeout");
	bench_event(&b, &ev);	/* the same: the dial goes on */
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_WANT), 0);
	hub[1] = A("192.168.1.3");
	bench_event(&b, &ev);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_UNWANT), 1);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_WANT), 1);
	bench_free(&b);
}
END_TEST

START_TEST(without_a_name_the_map_tells)
{
	spoke();
	b.conf.nhs[0].name[0] = 0;
	b.conf.nhs[0].proto = A("172.16.1.1");
	bench_start(&b);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_WANT), 0);
	ck_assert_str_eq(nhc_state_name[b.n->nhc[0].state], "waiting");
	bench_free(&b);
	spoke();
	b.conf.nhs[0].name[0] = 0;
	b.conf.nhs[0].proto = A("172.16.1.1");
	b.conf.map[b.conf.n_map++] = (struct nhrp_conf_map){ A("172.16.1.1"), A("192.168.1.1"), false };
	b.conf.map[b.conf.n_map++] = (struct nhrp_conf_map){ { 0 }, A("192.168.1.1"), true };
	b.conf.map[b.conf.n_map++] = (struct nhrp_conf_map){ A("172.16.1.9"), A("192.168.1.9"), true };
	bench_start(&b);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_WANT), 2);	/* the hub, and the static partner */
	{
		struct nhrp_packet p;
		struct nhrp_act hub = *bench_act(&b, NHRP_ACT_WANT, 0), other = *bench_act(&b, NHRP_ACT_WANT, 1);
		struct nhrp_event ev = { .kind = NHRP_EV_WANT_UP, .want = hub.hub ? other.want : hub.want, .peer = 9 };

		up(hub.hub ? hub.want : other.want, 3);
		p = reply(0);
		ck_assert_uint_eq(p.dst_proto.b[3], 1);
		bench_clear(&b);
		bench_rx(&b, 3, "192.168.1.1", &p);
		ck_assert(bench_act(&b, NHRP_ACT_NEIGH_SET, 0)->mcast);
		bench_clear(&b);
		bench_peer(&b, 9, "192.168.1.9", "nine");
		bench_event(&b, &ev);
		ck_assert(bench_act(&b, NHRP_ACT_NEIGH_SET, 0)->mcast);
		bench_peer_down(&b, 9);
		ck_assert_uint_eq(bench_count(&b, NHRP_ACT_NEIGH_DEL), 1);
		ck_assert_uint_eq(bench_count(&b, NHRP_ACT_UNWANT), 0);
	}
	bench_free(&b);
}
END_TEST

/* The core lost our wish: it said so once and goes on no more. */
START_TEST(quiet_dials_are_asked_for_anew)
{
	struct nhrp_event fail = { .kind = NHRP_EV_WANT_FAIL, .reason = "out of memory" };

	spoke();
	b.conf.map[b.conf.n_map++] = (struct nhrp_conf_map){ A("172.16.1.9"), A("192.168.1.9"), false };
	bench_start(&b);
	dial();
	for (unsigned i = 0; i < 2; i++) {
		fail.want = bench_act(&b, NHRP_ACT_WANT, i)->want;
		bench_event(&b, &fail);
	}
	bench_clear(&b);
	bench_run(&b, TICK_S(90));
	ck_assert_uint_eq(b.q.n, 0);
	bench_run(&b, TICK_S(70));
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_UNWANT), 2);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_WANT), 2);
	bench_free(&b);
}
END_TEST

START_TEST(no_unique_and_more_addresses)
{
	struct nhrp_packet p;

	bench_init(&b, "2001:db8:ff::2/64", NULL);
	ck_assert(prefix_parse_host("fe80::2/64", &b.conf.own[1]));
	b.conf.n_own = 2;
	b.conf.no_unique = true;
	b.conf.n_nhs = 1;
	b.conf.nhs[0].family = 16;
	strcpy(b.conf.nhs[0].name, "hub.example");
	bench_start(&b);
	up(dial(), 3);
	p = bench_sent(&b, 0);
	ck_assert_uint_eq(p.flags, NHRP_FLAG_NAT);
	ck_assert_uint_eq(p.n_cie, 2);
	ck_assert_uint_eq(p.cie[0].prefix_len, 128);
	ck_assert(addr_eq(&p.cie[1].proto, &b.conf.own[1].addr));
	ck_assert_uint_eq(p.pro_type, NHRP_ETH_IPV6);
	bench_free(&b);
	bench_init(&b, "10.0.0.1/24", NULL);	/* no address of that family */
	b.conf.n_nhs = 1;
	b.conf.nhs[0].family = 16;
	strcpy(b.conf.nhs[0].name, "hub.example");
	bench_start(&b);
	up(dial(), 3);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_SEND), 0);
	ck_assert_str_eq(nhc_state_name[b.n->nhc[0].state], "waiting");
	bench_free(&b);
}
END_TEST

/* ---- with hubs that live */

START_TEST(better_priority_is_preferred)
{
	struct node *h1, *h2, *s;

	world_init(&w);
	h1 = world_node(&w, "10.255.0.1/24", "192.0.2.1", NULL);
	h2 = world_node(&w, "10.255.0.2/24", "192.0.2.2", NULL);
	s = world_node(&w, "10.255.0.3/24", "192.0.2.3", NULL);
	node_nhs(s, NULL, "192.0.2.2", 5);
	node_nhs(s, NULL, "192.0.2.1", 1);
	for (unsigned i = 0; i < 3; i++)
		node_start(&w.node[i]);
	world_run(&w, TICK_S(20));
	ck_assert_str_eq(node_nhs_state(s, 0), "standby");
	ck_assert_str_eq(node_nhs_state(s, 1), "registered");
	ck_assert_uint_eq(node_neigh(s, "")->peer, s->peer_of[h1->index]);
	node_stop(h1);
	world_sa_down(&w, s, h1);
	ck_assert(!node_neigh(s, ""));
	world_run(&w, TICK_S(7));
	ck_assert_str_eq(node_nhs_state(s, 0), "registered");
	ck_assert_uint_eq(node_neigh(s, "")->peer, s->peer_of[h2->index]);
	ck_assert_int_eq(node_cache(h2, "10.255.0.3").type, NHRP_CT_DYNAMIC);
	node_start(h1);
	world_run(&w, TICK_S(20));
	ck_assert_str_eq(node_nhs_state(s, 1), "registered");
	ck_assert_str_eq(node_nhs_state(s, 0), "standby");
	ck_assert_uint_eq(node_neigh(s, "")->peer, s->peer_of[h1->index]);
	ck_assert_int_eq(node_cache(h2, "10.255.0.3").type, NHRP_CT_NONE);
	ck_assert_uint_eq(s->peer_of[h2->index], 0);
	world_free(&w);
}
END_TEST

START_TEST(all_hubs_of_a_priority)
{
	struct node *s;

	world_init(&w);
	world_node(&w, "10.255.0.1/24", "192.0.2.1", NULL);
	world_node(&w, "10.255.0.2/24", "192.0.2.2", NULL);
	s = world_node(&w, "10.255.0.3/24", "192.0.2.3", NULL);
	node_nhs(s, NULL, "192.0.2.1", 0);
	node_nhs(s, "10.255.0.2", "192.0.2.2", 0);
	for (unsigned i = 0; i < 3; i++)
		node_start(&w.node[i]);
	world_run(&w, TICK_S(2));
	ck_assert_str_eq(node_nhs_state(s, 0), "registered");
	ck_assert_str_eq(node_nhs_state(s, 1), "registered");
	ck_assert_uint_eq(node_neigh(s, "")->peer, s->peer_of[0]);
	world_sa_down(&w, s, &w.node[0]);	/* the fallback moves at once */
	ck_assert_uint_eq(node_neigh(s, "")->peer, s->peer_of[1]);
	world_free(&w);
}
END_TEST

/* Four hubs of which two are to be used: the best two, then who is left, one by one; and back, when better ones were up for a while. */
START_TEST(max_connections)
{
	static const char *const nbma[] = { "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4" };
	struct node *h[4], *s;

	world_init(&w);
	for (unsigned i = 0; i < 4; i++)
		h[i] = world_node(&w, (const char *[]){ "10.255.0.1/24", "10.255.0.2/24", "10.255.0.3/24", "10.255.0.4/24" }[i], nbma[i], NULL);
	s = world_node(&w, "10.255.0.9/24", "192.0.2.9", NULL);
	for (unsigned i = 4; i-- > 0;)	/* the worst stands first */
		node_nhs(s, NULL, nbma[i], (uint8_t)(i / 2));
	for (unsigned i = 0; i < 4; i++)
		s->conf.nhs[i].cluster = 3;
	s->conf.max_connections[3] = 2;
	s->conf.fallback_s = 30;
	for (unsigned i = 0; i < 5; i++)
		node_start(&w.node[i]);
	world_run(&w, TICK_S(20));
	ck_assert_str_eq(node_nhs_state(s, 3), "registered");	/* hub 0 */
	ck_assert_str_eq(node_nhs_state(s, 2), "registered");
	ck_assert_str_eq(node_nhs_state(s, 1), "standby");
	ck_assert_str_eq(node_nhs_state(s, 0), "standby");
	node_stop(h[0]);
	world_sa_down(&w, s, h[0]);
	world_run(&w, TICK_S(7));
	ck_assert_str_eq(node_nhs_state(s, 2), "registered");
	ck_assert_str_eq(node_nhs_state(s, 0), "registered");	/* hub 3: of one priority the one that is named first */
	ck_assert_str_eq(node_nhs_state(s, 1), "standby");
	node_stop(h[1]);
	world_sa_down(&w, s, h[1]);
	world_run(&w, TICK_S(7));
	ck_assert_str_eq(node_nhs_state(s, 1), "registered");
	node_start(h[0]);
	node_start(h[1]);
	world_run(&w, TICK_S(20));
	ck_assert_str_eq(node_nhs_state(s, 3), "registered");
	ck_assert_str_eq(node_nhs_state(s, 2), "registered");
	ck_assert_str_eq(node_nhs_state(s, 1), "registered");	/* not left before its time */
	ck_assert_str_eq(node_nhs_state(s, 0), "registered");
	world_run(&w, TICK_S(45));
	ck_assert_str_eq(node_nhs_state(s, 3), "registered");
	ck_assert_str_eq(node_nhs_state(s, 2), "registered");
	ck_assert_str_eq(node_nhs_state(s, 1), "standby");
	ck_assert_str_eq(node_nhs_state(s, 0), "standby");
	ck_assert_uint_eq(node_neigh(s, "")->peer, s->peer_of[h[1]->index]);	/* the first of the best */
	world_free(&w);
}
END_TEST

/* A fallback that is due does not hold back the way to another hub: it is taken as soon as it is needed. */
START_TEST(fallback_gives_way)
{
	struct node *h1, *h2, *s;

	world_init(&w);
	h1 = world_node(&w, "10.255.0.1/24", "192.0.2.1", NULL);
	h2 = world_node(&w, "10.255.0.2/24", "192.0.2.2", NULL);
	world_node(&w, "10.255.0.3/24", "192.0.2.3", NULL);
	s = world_node(&w, "10.255.0.9/24", "192.0.2.9", NULL);
	node_nhs(s, NULL, "192.0.2.1", 0);
	node_nhs(s, NULL, "192.0.2.2", 1);
	node_nhs(s, NULL, "192.0.2.3", 2);
	s->conf.fallback_s = 60;
	for (unsigned i = 1; i < 4; i++)
		node_start(&w.node[i]);
	world_run(&w, TICK_S(12));
	ck_assert_str_eq(node_nhs_state(s, 1), "registered");
	node_start(h1);
	world_run(&w, TICK_S(30));	/* it is dialed again by then: the fallback is due in a minute */
	ck_assert_str_eq(node_nhs_state(s, 0), "registered");
	ck_assert_str_eq(node_nhs_state(s, 1), "registered");
	node_stop(h1);
	node_stop(h2);
	world_sa_down(&w, s, h1);
	world_sa_down(&w, s, h2);
	world_run(&w, TICK_S(7));
	ck_assert_str_eq(node_nhs_state(s, 2), "registered");
	world_free(&w);
}
END_TEST

/* Each cluster for itself: its hubs do not stand in for those of another. */
START_TEST(clusters)
{
	struct node *s;

	world_init(&w);
	world_node(&w, "10.255.0.1/24", "192.0.2.1", NULL);
	world_node(&w, "10.255.0.2/24", "192.0.2.2", NULL);
	world_node(&w, "10.255.0.3/24", "192.0.2.3", NULL);
	s = world_node(&w, "10.255.0.9/24", "192.0.2.9", NULL);
	node_nhs(s, NULL, "192.0.2.1", 0);
	node_nhs(s, NULL, "192.0.2.2", 7);
	node_nhs(s, NULL, "192.0.2.3", 8);
	s->conf.nhs[1].cluster = s->conf.nhs[2].cluster = 1;
	for (unsigned i = 0; i < 4; i++)
		node_start(&w.node[i]);
	world_run(&w, TICK_S(20));
	ck_assert_str_eq(node_nhs_state(s, 0), "registered");
	ck_assert_str_eq(node_nhs_state(s, 1), "registered");
	ck_assert_str_eq(node_nhs_state(s, 2), "standby");
	world_free(&w);
}
END_TEST

START_TEST(hub_restart_is_noticed)
{
	struct node *h, *s;

	world_init(&w);
	h = world_node(&w, "10.255.0.1/24", "192.0.2.1", NULL);
	s = world_node(&w, "10.255.0.3/24", "192.0.2.3", NULL);
	s->conf.hold_s = 60;
	node_nhs(s, NULL, "192.0.2.1", 0);
	node_start(h);
	node_start(s);
	world_run(&w, TICK_S(2));
	node_restart(h);
	world_run(&w, TICK_S(45));
	ck_assert_uint_eq(s->dropped, 1);
	ck_assert_str_eq(node_nhs_state(s, 0), "registered");
	ck_assert_int_eq(node_cache(h, "10.255.0.3").type, NHRP_CT_DYNAMIC);
	world_free(&w);
}
END_TEST

START_TEST(new_address_registers_anew)
{
	struct node *h, *s;
	struct nhrp_event ev = { .kind = NHRP_EV_NBMA, .nbma = A("192.0.2.77") };

	world_init(&w);
	h = world_node(&w, "10.255.0.1/24", "192.0.2.1", NULL);
	s = world_node(&w, "10.255.0.3/24", "192.0.2.3", NULL);
	node_nhs(s, NULL, "192.0.2.1", 0);
	node_start(h);
	node_start(s);
	world_run(&w, TICK_S(2));
	s->nbma = s->public = ev.nbma;
	node_event(s, &ev);
	world_run(&w, TICK_S(1));
	ck_assert_uint_eq(node_cache(h, "10.255.0.3").nbma.b[3], 77);
	world_free(&w);
}
END_TEST

START_TEST(link_and_clear)
{
	struct node *h, *s;
	struct nhrp_event ev = { .kind = NHRP_EV_LINK, .ok = false };

	world_init(&w);
	h = world_node(&w, "10.255.0.1/24", "192.0.2.1", NULL);
	s = world_node(&w, "10.255.0.3/24", "192.0.2.3", NULL);
	node_nhs(s, NULL, "192.0.2.1", 0);
	node_start(h);
	node_start(s);
	world_run(&w, TICK_S(2));
	node_event(h, &ev);
	h->n_neigh = 0;	/* the interface took them along */
	ev.ok = true;
	node_event(h, &ev);
	world_run(&w, TICK_S(1));
	ck_assert(node_neigh(h, "10.255.0.3") != NULL);
	s->n_neigh = 0;
	node_event(s, &ev);
	world_run(&w, TICK_S(1));
	ck_assert(node_neigh(s, "") && node_neigh(s, "10.255.0.1"));
	ev = (struct nhrp_event){ .kind = NHRP_EV_CLEAR };
	node_event(h, &ev);
	world_run(&w, TICK_MS(1));
	ck_assert_int_eq(node_cache(h, "10.255.0.3").type, NHRP_CT_NONE);
	node_event(s, &ev);	/* the spoke registers again at once */
	world_run(&w, TICK_S(1));
	ck_assert_int_eq(node_cache(h, "10.255.0.3").type, NHRP_CT_DYNAMIC);
	ev.dst = A("10.255.0.3");
	node_event(h, &ev);
	world_run(&w, TICK_MS(1));
	ck_assert_int_eq(node_cache(h, "10.255.0.3").type, NHRP_CT_NONE);
	ck_assert(!node_neigh(h, "10.255.0.3"));
	world_free(&w);
}
END_TEST

Suite *nhc_suite(void);
Suite *
nhc_suite(void)
{
	Suite *s = suite_create("nhc");
	TCase *t = tcase_create("all");

	tcase_add_test(t, request_octet_by_octet);
	tcase_add_test(t, same_id_on_retry_and_the_sa_goes_when_silent);
	tcase_add_test(t, registered_learns_and_refreshes);
	tcase_add_test(t, refusals);
	tcase_add_test(t, names);
	tcase_add_test(t, without_a_name_the_map_tells);
	tcase_add_test(t, quiet_dials_are_asked_for_anew);
	tcase_add_test(t, no_unique_and_more_addresses);
	tcase_add_test(t, better_priority_is_preferred);
	tcase_add_test(t, all_hubs_of_a_priority);
	tcase_add_test(t, max_connections);
	tcase_add_test(t, fallback_gives_way);
	tcase_add_test(t, clusters);
	tcase_add_test(t, hub_restart_is_noticed);
	tcase_add_test(t, new_address_registers_anew);
	tcase_add_test(t, link_and_clear);
	suite_add_tcase(s, t);
	return s;
}
