/* Twin of nhrpd/engine/resolve.c: who answers, with what prefix, to where; and which replies are believed. */
#include "tests/unit/nhrp_engine/bench.h"

static struct bench b;

/* A spoke (10.255.0.3) with its hub up (peer 1, 10.255.0.1), and a partner over SA 7. */
static void
spoke(void)
{
	bench_init(&b, "10.255.0.3/24", NULL);
	b.conf.shortcut = true;
	b.conf.n_nhs = 1;
	b.conf.nhs[0].family = 4;
	strcpy(b.conf.nhs[0].name, "203.0.113.1");
	bench_start(&b);
	bench_nhs_up(&b, "10.255.0.1");
	bench_route(&b, "10.255.0.0/24", NHRP_RT_NBMA, NULL);
	bench_route(&b, "10.0.0.0/8", NHRP_RT_NBMA, "10.255.0.1");
	bench_route(&b, "0.0.0.0/0", NHRP_RT_OUT, "192.0.2.254");
	bench_route(&b, "10.3.0.0/16", NHRP_RT_OUT, NULL);
	bench_route(&b, "10.3.0.1/32", NHRP_RT_LOCAL, NULL);
	bench_route(&b, "10.3.128.0/24", NHRP_RT_NBMA, "10.255.0.1");
	bench_route(&b, "10.4.0.0/16", NHRP_RT_REJECT, NULL);
	bench_peer(&b, 7, "198.51.100.2", "a");
}

/* As it comes from the hub: with the hub's record. */
static struct nhrp_packet
request(const char *dst)
{
	struct nhrp_packet p = pkt(NHRP_RESOLUTION_REQUEST, "198.51.100.2", "10.255.0.2", dst);
	struct nhrp_cie rec = cie_of(0, 0, "203.0.113.1", "10.255.0.1", 600);

	pkt_ext(&p, NHRP_EXT_FORWARD, true, cies(&rec, 1));
	pkt_ext(&p, NHRP_EXT_REVERSE, true, SPAN_STR(""));
	pkt_ext(&p, NHRP_EXT_RESPONDER, true, SPAN_STR(""));
	pkt_ext(&p, NHRP_EXT_NAT, false, SPAN_STR(""));
	return p;
}

START_TEST(prefixes)
{
	static const struct {
		const char *dst;
		uint8_t bits;	/* 0: no positive answer */
		const char *via;
	} row[] = {
		{ "10.3.0.9", 17, "10.255.0.3" },	/* 10.3.128.0/24 is a hole in the other half */
		{ "10.3.0.1", 17, "10.255.0.3" },	/* the router's own LAN address is none */
		{ "10.3.200.1", 18, "10.255.0.3" },
		{ "10.255.0.3", 32, "10.255.0.3" },
	};

	spoke();
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct nhrp_packet p = request(row[i].dst), r;

		bench_clear(&b);
		ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &p), NHRP_OK);
		r = bench_sent(&b, 0);
		ck_assert_uint_eq(r.type, NHRP_RESOLUTION_REPLY);
		ck_assert_uint_eq(r.request_id, p.request_id);
		ck_assert_uint_eq(r.n_cie, 1);
		ck_assert_msg(r.cie[0].code == 0 && r.cie[0].prefix_len == row[i].bits, "row %u: /%u", i, r.cie[0].prefix_len);
		ck_assert_str_eq(addr_fmt(&r.cie[0].proto, (char[ADDR_STRLEN]){ 0 }), row[i].via);
		ck_assert_uint_eq(r.flags, 0x8000 | 0x4000 | 0x2000 | 0x0800 | 0x0002);
		ck_assert(addr_eq(&r.src_proto, &p.src_proto) && addr_eq(&r.dst_proto, &p.dst_proto));
		ck_assert_uint_eq(r.ext[0].value.n, p.ext[0].value.n);	/* the responder does not list itself */
		ck_assert_uint_eq(bench_act(&b, NHRP_ACT_SEND, 0)->peer, 1);
	}
	bench_free(&b);
}
END_TEST

START_TEST(negative_answers)
{
	struct nhrp_packet p, r;

	spoke();
	p = request("8.8.8.8");	/* by the default route: nobody's answer */
	ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &p), NHRP_OK);
	r = bench_sent(&b, 0);
	ck_assert_uint_eq(r.cie[0].code, NHRP_CODE_NO_BINDING);
	ck_assert_uint_eq(r.n_cie, 1);
	ck_assert_uint_eq(r.cie[0].nbma.n, 0);
	ck_assert_uint_eq(r.flags & NHRP_FLAG_AUTHORITATIVE, 0);
	p = request("10.255.0.50");	/* on link; would go back to the hub */
	bench_clear(&b);
	bench_rx(&b, 1, "203.0.113.1", &p);
	ck_assert_uint_eq(bench_sent(&b, 0).cie[0].code, NHRP_CODE_NO_BINDING);
	p = request("10.4.0.1");
	bench_clear(&b);
	ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &p), NHRP_DROP_NO_ROUTE);
	r = bench_sent(&b, 0);
	ck_assert_uint_eq(r.type, NHRP_ERROR_INDICATION);
	ck_assert_uint_eq(r.code, NHRP_ERR_UNREACHABLE);
	bench_free(&b);
}
END_TEST

/* Phase 1: who asked by the hub is told that there is no way but that; the hub's own question for our address is answered. */
START_TEST(one_way_to_us)
{
	struct nhrp_packet p, r;

	spoke();
	b.n->conf.one_way = true;
	p = request("10.3.0.9");
	ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &p), NHRP_OK);
	r = bench_sent(&b, 0);
	ck_assert_uint_eq(r.type, NHRP_RESOLUTION_REPLY);
	ck_assert(r.n_cie == 1 && r.cie[0].code == NHRP_CODE_PROHIBITED && r.cie[0].hold_s == 0 && !(r.flags & NHRP_FLAG_AUTHORITATIVE));
	ck_assert(b.n->n_told == 0 && binding_find(b.n, &p.src_proto) == NULL);
	p = pkt(NHRP_RESOLUTION_REQUEST, "203.0.113.1", "10.255.0.1", "10.255.0.3");
	pkt_ext(&p, NHRP_EXT_FORWARD, true, SPAN_STR(""));
	bench_clear(&b);
	ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &p), NHRP_OK);
	ck_assert_uint_eq(bench_sent(&b, 0).cie[0].code, NHRP_CODE_OK);
	bench_free(&b);
}
END_TEST

START_TEST(loops_and_unknown_extensions)
{
	struct nhrp_packet p;
	struct nhrp_cie rec = cie_of(0, 0, "192.0.2.1", "10.255.0.3", 600);

	spoke();
	p = request("10.3.0.9");
	p.ext[0].value = cies(&rec, 1);
	ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &p), NHRP_DROP_LOOP);
	ck_assert_uint_eq(bench_sent(&b, 0).code, NHRP_ERR_LOOP);
	p = request("10.3.0.9");
	pkt_ext(&p, 0x300, true, SPAN_STR("x"));
	bench_clear(&b);
	ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &p), NHRP_DROP_COMPULSORY);
	ck_assert_uint_eq(bench_sent(&b, 0).code, NHRP_ERR_EXTENSION);
	bench_free(&b);
}
END_TEST

START_TEST(a_probe_is_answered_where_it_came_from)
{
	struct nhrp_packet p;

	spoke();
	p = pkt(NHRP_RESOLUTION_REQUEST, "198.51.100.2", "10.255.0.2", "10.255.0.3");
	pkt_ext(&p, NHRP_EXT_FORWARD, true, SPAN_STR(""));
	ck_assert_int_eq(bench_rx(&b, 7, "198.51.100.2", &p), NHRP_OK);
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_SEND, 0)->peer, 7);
	ck_assert(binding_find(b.n, &p.src_proto) == NULL);	/* it alone may not say who it is */
	ck_assert_uint_eq(b.n->n_told, 0);
	bench_free(&b);
}
END_TEST

/* Where a requester lives is learnt from what the hub passes on; then its SA is known when it comes. */
START_TEST(requester_is_learnt)
{
	struct nhrp_packet p, probe = pkt(NHRP_RESOLUTION_REQUEST, "192.168.9.9", "10.255.0.2", "10.255.0.3");
	struct nhrp_cie nat = cie_of(0, 32, "198.51.100.2", "10.255.0.2", 0);
	struct binding *bi;

	spoke();
	p = request("10.3.0.9");
	p.src_nbma = A("192.168.9.9");
	p.ext[3].value = cies(&nat, 1);
	bench_rx(&b, 1, "203.0.113.1", &p);
	bi = binding_find(b.n, &p.src_proto);
	ck_assert(bi && !bi->peer && addr_eq(&bi->nbma, &nat.nbma) && addr_eq(&bi->nbma_claimed, &p.src_nbma));
	bench_peer(&b, 8, "198.51.100.8", "m");	/* somebody else claims it: answered, not bound */
	bench_clear(&b);
	ck_assert_int_eq(bench_rx(&b, 8, "198.51.100.8", &probe), NHRP_OK);
	ck_assert(bi->peer == NULL);
	bench_rx(&b, 7, "198.51.100.2", &probe);
	ck_assert(bi->peer && bi->peer->id == 7);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_NEIGH_SET), 0);
	bench_clear(&b);
	bench_rx(&b, 1, "203.0.113.1", &p);	/* now straight to the requester */
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_SEND, 0)->peer, 7);
	bench_run(&b, TICK_S(601));
	ck_assert(binding_find(b.n, &p.src_proto) == NULL);
	p.flags &= (uint16_t)~NHRP_FLAG_SRC_STABLE;
	bench_rx(&b, 1, "203.0.113.1", &p);
	ck_assert(binding_find(b.n, &p.src_proto) == NULL);
	bench_free(&b);
}
END_TEST

/* ---- replies */

static struct nhrp_packet
asked(void)
{
	struct nhrp_event ev = { .kind = NHRP_EV_UNRESOLVED, .dst = A("10.9.0.9") };
	struct nhrp_packet p;

	spoke();
	bench_clear(&b);
	bench_event(&b, &ev);
	p = bench_sent(&b, 0);
	ck_assert_uint_eq(p.type, NHRP_RESOLUTION_REQUEST);
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_SEND, 0)->peer, 1);
	ck_assert_uint_eq(p.cie[0].prefix_len, 0xff);
	ck_assert_uint_eq(p.flags, 0x8000 | 0x4000 | 0x0800 | 0x0002);
	p.type = NHRP_RESOLUTION_REPLY;
	p.cie[0] = cie_of(0, 24, "198.51.100.9", "10.255.0.9", 600);
	bench_clear(&b);
	return p;
}

START_TEST(replies_not_believed)
{
	struct nhrp_packet p = asked(), q;
	struct nhrp_cie rec = cie_of(0, 0, "192.0.2.1", "10.255.0.3", 600);

	q = p;
	q.request_id++;
	ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &q), NHRP_DROP_UNSOLICITED);
	q = p;
	q.dst_proto = A("10.9.0.10");
	ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &q), NHRP_DROP_UNSOLICITED);
	q = p;
	q.cie[0].proto = A("10.255.0.3");	/* us */
	ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &q), NHRP_DROP_CLAIM);
	q = p;
	q.cie[0].nbma = A("0.0.0.0");
	ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &q), NHRP_DROP_CLAIM);
	q = p;
	q.cie[0].hold_s = 0;
	ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &q), NHRP_DROP_CLAIM);
	q = p;
	q.ext[1].value = cies(&rec, 1);
	ck_assert_uint_eq(q.ext[1].type, NHRP_EXT_REVERSE);
	ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &q), NHRP_DROP_LOOP);
	ck_assert_uint_eq(b.q.n, 0);
	ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &p), NHRP_OK);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_WANT), 1);
	ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &p), NHRP_DROP_UNSOLICITED);
	bench_free(&b);
}
END_TEST

static unsigned
bits_of(uint8_t said, const char *route)
{
	struct nhrp_packet p = asked();
	struct shortcut *s;
	struct addr dst = A("10.9.0.9");
	struct prefix got;

	if (route)
		bench_route(&b, route, NHRP_RT_NBMA, "10.255.0.1");
	p.cie[0].prefix_len = said;
	bench_rx(&b, 1, "203.0.113.1", &p);
	s = trie_match(&b.n->shortcuts, &dst, &got);
	ck_assert(s && prefix_eq(&s->prefix, &got));
	bench_free(&b);
	return got.bits;
}

START_TEST(how_wide_it_becomes)
{
	ck_assert_uint_eq(bits_of(24, NULL), 24);
	ck_assert_uint_eq(bits_of(0, NULL), 32);
	ck_assert_uint_eq(bits_of(0xff, NULL), 32);
	ck_assert_uint_eq(bits_of(4, NULL), 32);	/* no default routes, nor nearly */
	ck_assert_uint_eq(bits_of(16, "10.9.0.0/20"), 20);	/* not wider than our own route */
}
END_TEST

START_TEST(where_it_leads)
{
	struct nhrp_packet p = asked();
	struct nhrp_cie nat[2] = { cie_of(0, 32, "203.0.113.66", "10.255.0.66", 0), cie_of(0, 32, "203.0.113.9", "10.255.0.9", 0) };
	struct nhrp_act *a;

	for (unsigned i = 0; i < p.n_ext; i++) {
		if (p.ext[i].type == NHRP_EXT_NAT)
			p.ext[i].value = cies(nat, 2);
	}
	bench_rx(&b, 1, "203.0.113.1", &p);
	a = bench_act(&b, NHRP_ACT_WANT, 0);
	ck_assert_uint_eq(a->n_addrs, 1);
	ck_assert(addr_eq(&a->addrs[0], &nat[1].nbma));	/* the one of its own protocol address */
	ck_assert(!a->hub);
	bench_free(&b);
	p = asked();	/* straight from the responder, whose address NAT changed */
	bench_peer(&b, 9, "203.0.113.99", "nine");
	bench_rx(&b, 9, "203.0.113.99", &p);
	ck_assert_uint_eq(bench_sent(&b, 0).type, NHRP_RESOLUTION_REQUEST);	/* probe: its SA is there */
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_SEND, 0)->peer, 9);
	bench_free(&b);
}
END_TEST

/* Two behind one public address: the dial led to the wrong one. The owner's own answer binds the address to its SA, except where the one
 * that is there has proved to have it. */
START_TEST(who_answers_straight_has_the_address)
{
	struct nhrp_event ev = { .kind = NHRP_EV_WANT_UP, .peer = 8 }, ask = { .kind = NHRP_EV_UNRESOLVED, .dst = A("10.8.0.9") };
	struct nhrp_packet p = asked();
	struct addr proto = A("10.255.0.9");
	struct binding *at;

	bench_rx(&b, 1, "203.0.113.1", &p);
	ev.want = bench_act(&b, NHRP_ACT_WANT, 0)->want;
	bench_peer(&b, 8, "198.51.100.9", "eight");
	bench_event(&b, &ev);
	at = binding_find(b.n, &proto);
	ck_assert(at && at->peer && at->peer->id == 8 && !at->proven);
	at->proven = _i;
	bench_peer(&b, 9, "198.51.100.9", "nine");
	bench_route(&b, "10.8.0.0/24", NHRP_RT_NBMA, "10.255.0.1");
	bench_clear(&b);
	bench_event(&b, &ask);
	p = bench_sent(&b, 0);
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_SEND, 0)->peer, 1);
	p.type = NHRP_RESOLUTION_REPLY;
	p.cie[0] = cie_of(0, 24, "198.51.100.9", "10.255.0.9", 600);
	bench_clear(&b);
	ck_assert_int_eq(bench_rx(&b, 9, "198.51.100.9", &p), NHRP_OK);
	at = binding_find(b.n, &proto);
	ck_assert_uint_eq(at->peer->id, _i ? 8 : 9);
	if (!_i)	/* and it is this one that is probed */
		ck_assert_uint_eq(bench_act(&b, NHRP_ACT_SEND, bench_count(&b, NHRP_ACT_SEND) - 1)->peer, 9);
	bench_free(&b);
}
END_TEST

START_TEST(probe_must_name_the_address)
{
	struct nhrp_packet p = asked(), q;
	struct nhrp_event ev = { .kind = NHRP_EV_WANT_UP, .peer = 9 };
	struct shortcut *s;
	struct addr dst = A("10.9.0.9");

	bench_rx(&b, 1, "203.0.113.1", &p);
	ev.want = bench_act(&b, NHRP_ACT_WANT, 0)->want;
	bench_peer(&b, 9, "198.51.100.9", "nine");
	bench_clear(&b);
	bench_event(&b, &ev);
	p = bench_sent(&b, 0);
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_SEND, 0)->peer, 9);
	ck_assert_str_eq(addr_fmt(&p.dst_proto, (char[ADDR_STRLEN]){ 0 }), "10.255.0.9");
	p.type = NHRP_RESOLUTION_REPLY;
	q = p;
	q.dst_proto = A("10.255.0.10");
	ck_assert_int_eq(bench_rx(&b, 9, "198.51.100.9", &q), NHRP_DROP_UNSOLICITED);
	p.cie[0] = cie_of(0, 32, "198.51.100.9", "10.255.0.10", 600);
	bench_clear(&b);
	ck_assert_int_eq(bench_rx(&b, 9, "198.51.100.9", &p), NHRP_OK);
	s = trie_match(&b.n->shortcuts, &dst, NULL);
	ck_assert_int_eq(s->state, SC_NEGATIVE);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_UNWANT), 1);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_NEIGH_SET), 0);
	bench_free(&b);
}
END_TEST

/* It went on from the far end to its owner: the path is not the direct one. */
START_TEST(probe_must_not_be_passed_on)
{
	struct nhrp_packet p = asked();
	struct nhrp_event ev = { .kind = NHRP_EV_WANT_UP, .peer = 9 };
	struct nhrp_cie rec = cie_of(0, 0, "198.51.100.77", "10.255.0.77", 600);
	struct shortcut *s;
	struct addr dst = A("10.9.0.9"), via = A("10.255.0.9");

	bench_rx(&b, 1, "203.0.113.1", &p);
	ev.want = bench_act(&b, NHRP_ACT_WANT, 0)->want;
	bench_peer(&b, 9, "198.51.100.9", "nine");
	bench_clear(&b);
	bench_event(&b, &ev);
	p = bench_sent(&b, 0);
	ck_assert_uint_eq(p.hops, 1);
	p.type = NHRP_RESOLUTION_REPLY;
	p.cie[0] = cie_of(0, 32, "198.51.100.9", "10.255.0.9", 600);
	ck_assert_uint_eq(p.ext[0].type, NHRP_EXT_FORWARD);
	p.ext[0].value = cies(&rec, 1);
	ck_assert_int_eq(bench_rx(&b, 9, "198.51.100.9", &p), NHRP_OK);
	s = trie_match(&b.n->shortcuts, &dst, NULL);
	ck_assert_int_eq(s->state, SC_NEGATIVE);
	ck_assert(!binding_find(b.n, &via) || !binding_find(b.n, &via)->peer);	/* not its owner */
	bench_free(&b);
	p = asked();	/* the dial led to our own hub */
	bench_rx(&b, 1, "203.0.113.1", &p);
	ev.want = bench_act(&b, NHRP_ACT_WANT, 0)->want;
	ev.peer = 1;
	bench_clear(&b);
	bench_event(&b, &ev);
	bench_event(&b, &ev);
	s = trie_match(&b.n->shortcuts, &dst, NULL);
	ck_assert_int_eq(s->state, SC_NEGATIVE);
	ck_assert_str_eq(s->reason, "its address leads to a hub of ours");
	bench_free(&b);
}
END_TEST

/* The answer may come by the hub; the peer's own direction is shown by anything that comes over its SA. */
START_TEST(probe_answered_by_the_hub)
{
	struct nhrp_packet p = asked(), any = pkt(NHRP_PURGE_REPLY, "198.51.100.9", "10.255.0.3", "10.255.0.9");
	struct nhrp_event ev = { .kind = NHRP_EV_WANT_UP, .peer = 9 };
	struct nhrp_cie rec = cie_of(0, 0, "203.0.113.1", "10.255.0.1", 600);
	struct shortcut *s;
	struct addr dst = A("10.9.0.9");

	bench_rx(&b, 1, "203.0.113.1", &p);
	ev.want = bench_act(&b, NHRP_ACT_WANT, 0)->want;
	bench_peer(&b, 9, "198.51.100.9", "nine");
	bench_clear(&b);
	bench_event(&b, &ev);
	p = bench_sent(&b, 0);
	p.type = NHRP_RESOLUTION_REPLY;
	p.cie[0] = cie_of(0, 32, "198.51.100.9", "10.255.0.9", 600);
	ck_assert_uint_eq(p.ext[1].type, NHRP_EXT_REVERSE);
	p.ext[1].value = cies(&rec, 1);
	ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &p), NHRP_OK);
	s = trie_match(&b.n->shortcuts, &dst, NULL);
	ck_assert_int_eq(s->state, SC_PROBING);	/* one direction only */
	bench_clear(&b);
	bench_rx(&b, 9, "198.51.100.9", &any);
	ck_assert_int_eq(s->state, SC_NEIGH);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_NEIGH_SET), 1);
	bench_free(&b);
}
END_TEST

START_TEST(refused_replies)
{
	static const uint8_t code[] = { 4, 5, 11, 12, 13, 77 };

	for (unsigned i = 0; i < sizeof(code); i++) {
		struct nhrp_packet p = asked();
		struct addr dst = A("10.9.0.9");
		struct shortcut *s;

		p.cie[0].code = code[i];
		ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &p), NHRP_OK);
		s = trie_match(&b.n->shortcuts, &dst, NULL);
		ck_assert_int_eq(s->state, SC_NEGATIVE);
		ck_assert_uint_gt(strlen(s->reason), 0);
		bench_free(&b);
	}
}
END_TEST

START_TEST(the_hub_is_no_shortcut)
{
	struct nhrp_packet p = asked();
	struct addr dst = A("10.9.0.9");
	struct shortcut *s;

	p.cie[0].proto = A("10.255.0.1");
	p.cie[0].nbma = A("203.0.113.1");
	bench_rx(&b, 1, "203.0.113.1", &p);
	s = trie_match(&b.n->shortcuts, &dst, NULL);
	ck_assert_int_eq(s->state, SC_NEGATIVE);
	ck_assert_str_eq(s->reason, "the routed path is the direct one");
	ck_assert_uint_eq(b.q.n, 0);
	bench_free(&b);
}
END_TEST

Suite *resolve_suite(void);
Suite *
resolve_suite(void)
{
	Suite *s = suite_create("resolve");
	TCase *t = tcase_create("all");

	tcase_add_test(t, prefixes);
	tcase_add_test(t, negative_answers);
	tcase_add_test(t, one_way_to_us);
	tcase_add_test(t, loops_and_unknown_extensions);
	tcase_add_test(t, a_probe_is_answered_where_it_came_from);
	tcase_add_test(t, requester_is_learnt);
	tcase_add_test(t, replies_not_believed);
	tcase_add_test(t, how_wide_it_becomes);
	tcase_add_test(t, where_it_leads);
	tcase_add_loop_test(t, who_answers_straight_has_the_address, 0, 2);
	tcase_add_test(t, probe_must_name_the_address);
	tcase_add_test(t, probe_must_not_be_passed_on);
	tcase_add_test(t, probe_answered_by_the_hub);
	tcase_add_test(t, refused_replies);
	tcase_add_test(t, the_hub_is_no_shortcut);
	suite_add_tcase(s, t);
	return s;
}
