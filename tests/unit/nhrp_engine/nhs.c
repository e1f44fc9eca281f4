/* Twin of nhrpd/engine/nhs.c: the hub's side of registration. */
#include "tests/unit/nhrp_engine/bench.h"

static struct bench b;

static void
hub(void)
{
	bench_init(&b, "10.255.0.1/24", "192.0.2.1");
	b.conf.mcast_dynamic = true;
}

static struct nhrp_packet
reg(const char *nbma, const char *proto)
{
	struct nhrp_packet p = pkt(NHRP_REGISTRATION_REQUEST, nbma, proto, "10.255.0.1");

	pkt_ext(&p, NHRP_EXT_FORWARD, true, SPAN_STR(""));
	pkt_ext(&p, NHRP_EXT_RESPONDER, true, SPAN_STR(""));
	return p;
}

static uint8_t
code(uint32_t peer, const char *remote, const struct nhrp_packet *p)
{
	struct nhrp_packet r;

	bench_clear(&b);
	bench_rx(&b, peer, remote, p);
	r = bench_sent(&b, 0);
	ck_assert_uint_eq(r.type, NHRP_REGISTRATION_REPLY);
	return r.cie[0].code;
}

START_TEST(reply_says_who_we_are)
{
	struct nhrp_packet p = reg("198.51.100.2", "10.255.0.2"), r;
	struct nhrp_cie c[4];

	hub();
	bench_start(&b);
	bench_peer(&b, 5, "198.51.100.2", "spoke-a");
	p.dst_proto = p.src_proto;	/* NHS not known */
	pkt_ext(&p, NHRP_EXT_VENDOR, false, SPAN_STR("\x01\x02\x03" "data"));
	pkt_ext(&p, 0x3801, false, SPAN_STR("??"));
	ck_assert_int_eq(bench_rx(&b, 5, "198.51.100.2", &p), NHRP_OK);
	r = bench_sent(&b, 0);
	ck_assert_uint_eq(r.type, NHRP_REGISTRATION_REPLY);
	ck_assert_uint_eq(r.request_id, 77);
	ck_assert_uint_eq(r.flags, NHRP_FLAG_REG_UNIQUE | NHRP_FLAG_NAT);
	ck_assert(addr_eq(&r.src_proto, &p.src_proto));
	ck_assert_str_eq(addr_fmt(&r.dst_proto, (char[ADDR_STRLEN]){ 0 }), "10.255.0.1");
	ck_assert_uint_eq(r.n_ext, 4);
	ck_assert_int_eq(nhrp_ext_cies(r.ext[1].value, r.afn, r.pro_type, c, 4), 1);
	ck_assert(addr_eq(&c[0].proto, &r.dst_proto));
	ck_assert(span_eq(r.ext[2].value, p.ext[2].value));
	ck_assert_uint_eq(r.ext[3].type, 0x3801);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_NEIGH_SET), 1);
	ck_assert(bench_act(&b, NHRP_ACT_NEIGH_SET, 0)->mcast);
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_NEIGH_SET, 0)->peer, 5);
	bench_answer(&b, true);
	bench_rx(&b, 5, "198.51.100.2", &p);	/* again: nothing but the reply */
	ck_assert_uint_eq(b.q.n, 1);
	bench_free(&b);
}
END_TEST

/* Asked again after waits that double, not with every refresh; told why and when. Others are not touched. */
START_TEST(refused_neighbour_is_tried_again_ever_later)
{
	struct nhrp_packet p = reg("198.51.100.2", "10.255.0.2"), q = reg("198.51.100.3", "10.255.0.3");
	struct nhrp_event no = { .kind = NHRP_EV_RESULT, .reason = "No buffer space available" };
	struct nhrp_cache_info info[2];
	unsigned asked = 0;
	tick_t end;

	hub();
	bench_start(&b);
	bench_peer(&b, 5, "198.51.100.2", "a");
	bench_peer(&b, 6, "198.51.100.3", "b");
	bench_rx(&b, 6, "198.51.100.3", &q);
	bench_answer(&b, true);
	bench_clear(&b);
	for (end = b.now + TICK_S(100); b.now < end; b.now += TICK_MS(100)) {
		if (b.now % TICK_S(1) < TICK_MS(100))
			bench_rx(&b, 5, "198.51.100.2", &p);	/* it refreshes as often as it likes */
		nhrp_tick(b.n, b.now, &b.q);
		if (bench_count(&b, NHRP_ACT_NEIGH_SET)) {
			asked++;
			ck_assert_uint_eq(bench_act(&b, NHRP_ACT_NEIGH_SET, 0)->peer, 5);
			no.cookie = bench_act(&b, NHRP_ACT_NEIGH_SET, 0)->cookie;
			bench_event(&b, &no);
			ck_assert_uint_eq(nhrp_peer_protos(b.n, 5, info, 2), 1);
			ck_assert(info[0].refused && !info[0].installed);
			ck_assert_str_eq(info[0].reason, "its neighbour was refused: No buffer space available");
			ck_assert_uint_gt(info[0].retry, b.now);
		}
		bench_clear(&b);
	}
	ck_assert_uint_ge(asked, 6);	/* after 1, 2, 4, 8, 16, 32 s, more or less */
	ck_assert_uint_le(asked, 9);
	for (end = b.now + TICK_S(80); b.now < end && !bench_count(&b, NHRP_ACT_NEIGH_SET); b.now += TICK_MS(100))
		nhrp_tick(b.n, b.now, &b.q);
	bench_answer(&b, true);
	nhrp_peer_protos(b.n, 5, info, 2);
	ck_assert(info[0].installed && !info[0].refused);
	nhrp_peer_protos(b.n, 6, info, 2);
	ck_assert(info[0].installed);
	bench_free(&b);
}
END_TEST

START_TEST(nat_is_told_in_a_second_entry)
{
	struct nhrp_packet p = reg("192.168.1.2", "10.255.0.2"), r;
	struct nhrp_cie nhs = cie_of(0, 32, "192.0.2.1", "0.0.0.0", 0), c[4];
	const struct nhrp_ext *e;

	hub();
	bench_start(&b);
	bench_peer(&b, 5, "203.0.113.7", "a");
	pkt_ext(&p, NHRP_EXT_NAT, false, cies(&nhs, 1));
	bench_rx(&b, 5, "203.0.113.7", &p);
	r = bench_sent(&b, 0);
	e = nhrp_ext_find(&r, NHRP_EXT_NAT);
	ck_assert(e != NULL);
	ck_assert_int_eq(nhrp_ext_cies(e->value, r.afn, r.pro_type, c, 4), 2);
	ck_assert(addr_eq(&c[0].nbma, &nhs.nbma));
	ck_assert_str_eq(addr_fmt(&c[1].nbma, (char[ADDR_STRLEN]){ 0 }), "203.0.113.7");
	ck_assert(addr_eq(&c[1].proto, &p.src_proto));
	p.src_nbma = A("203.0.113.7");	/* without NAT nothing is added */
	bench_clear(&b);
	bench_rx(&b, 5, "203.0.113.7", &p);
	r = bench_sent(&b, 0);
	ck_assert_int_eq(nhrp_ext_cies(nhrp_ext_find(&r, NHRP_EXT_NAT)->value, r.afn, r.pro_type, c, 4), 1);
	p.src_nbma = A("0.0.0.0");	/* claims nothing */
	ck_assert_uint_eq(code(5, "203.0.113.7", &p), 0);
	bench_free(&b);
}
END_TEST

START_TEST(claims_are_judged)
{
	static const struct {
		const char *proto;
		uint8_t bits;
		bool unique;
		uint8_t code;
	} row[] = {
		{ "10.255.0.2", 0xff, true, 0 },
		{ "10.255.0.2", 32, true, 0 },	/* as Cisco does */
		{ "10.255.0.2", 0, false, 0 },
		{ "10.255.0.2", 24, true, 4 },
		{ "10.255.0.2", 24, false, 13 },
		{ "10.255.0.1", 0xff, true, 4 },	/* ours */
		{ "10.254.0.2", 0xff, true, 4 },	/* not in the tunnel's network */
		{ "10.255.0.9", 0xff, true, 4 },	/* static, somewhere else */
	};
	struct nhrp_packet p = reg("198.51.100.2", "10.255.0.2");

	hub();
	b.conf.map[b.conf.n_map++] = (struct nhrp_conf_map){ A("10.255.0.9"), A("192.0.2.9"), false };
	bench_start(&b);
	bench_peer(&b, 5, "198.51.100.2", "a");
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		p.cie[0].proto = A(row[i].proto);
		p.cie[0].prefix_len = row[i].bits;
		p.flags = row[i].unique ? NHRP_FLAG_REG_UNIQUE : 0;
		ck_assert_msg(code(5, "198.51.100.2", &p) == row[i].code, "row %u", i);
	}
	ck_assert_uint_gt(nhrp_count_drop(b.n, NHRP_DROP_CLAIM), 0);
	bench_peer(&b, 6, "192.0.2.9", "static");	/* the static partner itself may */
	p.cie[0].proto = A("10.255.0.9");
	p.cie[0].prefix_len = 0xff;
	ck_assert_uint_eq(code(6, "192.0.2.9", &p), 0);
	bench_free(&b);
}
END_TEST

/* Who may take over an address that peer 5, identity "a", claimed NBMA 198.51.100.2, has registered. */
START_TEST(takeover)
{
	static const struct {
		const char *first, *second, *nbma;
		bool steal, unique, gone;
		uint8_t code;
	} row[] = {
		{ "a", "a", "198.51.100.99", false, true, false, 0 },	/* the same, from elsewhere */
		{ "a", "b", "198.51.100.99", false, true, false, 14 },
		{ "a", "b", "198.51.100.2", false, true, false, 14 },	/* the claimed address proves nothing */
		{ "a", "b", "198.51.100.99", false, false, false, 4 },
		{ "a", "b", "198.51.100.99", true, true, false, 0 },
		{ "a", "b", "198.51.100.99", false, true, true, 0 },	/* its holder is gone */
		{ "", "", "198.51.100.2", false, true, false, 0 },	/* no identities: the RFC's rule */
		{ "", "", "198.51.100.99", false, true, false, 14 },
		{ "", "b", "198.51.100.99", false, true, false, 14 },
		{ "", "", "198.51.100.99", false, false, false, 0 },
	};

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct nhrp_packet p = reg("198.51.100.2", "10.255.0.2");
		uint8_t got;

		hub();
		b.conf.steal = row[i].steal;
		bench_start(&b);
		bench_peer(&b, 5, "198.51.100.2", row[i].first);
		p.flags = row[i].unique ? NHRP_FLAG_REG_UNIQUE : 0;
		ck_assert_uint_eq(code(5, "198.51.100.2", &p), 0);
		if (row[i].gone) {
			bench_peer_down(&b, 5);
			ck_assert_uint_eq(bench_count(&b, NHRP_ACT_NEIGH_DEL), 1);
		}
		bench_peer(&b, 6, "198.51.100.77", row[i].second);
		p.src_nbma = A(row[i].nbma);
		got = code(6, "198.51.100.77", &p);
		ck_assert_msg(got == row[i].code, "row %u: %u", i, got);
		if (!got) {
			ck_assert_uint_eq(bench_act(&b, NHRP_ACT_NEIGH_SET, 0)->peer, 6);
			ck_assert_uint_eq(bench_count(&b, NHRP_ACT_NEIGH_DEL), 0);
		} else {
			ck_assert_uint_eq(b.q.n, 1);
		}
		ck_assert_uint_eq(nhrp_count_drop(b.n, NHRP_DROP_UNIQUE), row[i].code == 14);
		bench_free(&b);
	}
}
END_TEST

START_TEST(registrations_expire)
{
	struct nhrp_packet p = reg("198.51.100.2", "10.255.0.2");

	hub();
	bench_start(&b);
	bench_peer(&b, 5, "198.51.100.2", "a");
	p.cie[0].hold_s = 60;
	ck_assert_uint_eq(code(5, "198.51.100.2", &p), 0);
	bench_answer(&b, true);
	bench_run(&b, TICK_S(59));
	ck_assert_uint_eq(b.q.n, 0);
	bench_run(&b, TICK_S(2));
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_NEIGH_DEL), 1);
	ck_assert(binding_find(b.n, &p.src_proto) == NULL);
	p.cie[0].hold_s = 0;	/* ours then */
	ck_assert_uint_eq(code(5, "198.51.100.2", &p), 0);
	ck_assert_uint_eq(binding_find(b.n, &p.src_proto)->expires, b.now + TICK_S(600));
	bench_free(&b);
}
END_TEST

START_TEST(bounds)
{
	struct nhrp_packet p = reg("198.51.100.2", "10.255.0.2"), r;

	hub();
	bench_start(&b);
	bench_peer(&b, 5, "198.51.100.2", "a");
	for (p.n_cie = 0; p.n_cie < 20; p.n_cie++) {
		p.cie[p.n_cie] = cie_of(0, 0xff, NULL, "10.255.0.0", 600);
		p.cie[p.n_cie].proto.b[3] = (uint8_t)(10 + p.n_cie);
	}
	ck_assert_int_eq(bench_rx(&b, 5, "198.51.100.2", &p), NHRP_DROP_MEMORY);
	r = bench_sent(&b, 0);
	ck_assert_uint_eq(r.n_cie, 20);
	ck_assert_uint_eq(r.cie[15].code, 0);
	ck_assert_uint_eq(r.cie[16].code, NHRP_CODE_NO_RESOURCES);
	p = reg("198.51.100.2", "10.255.0.2");
	ck_assert_uint_eq(code(5, "198.51.100.2", &p), NHRP_CODE_NO_RESOURCES);
	bench_free(&b);
	hub();
	b.conf.cache_max = 1;
	bench_start(&b);
	bench_peer(&b, 5, "198.51.100.2", "a");
	ck_assert_uint_eq(code(5, "198.51.100.2", &p), 0);
	p.cie[0].proto = A("10.255.0.3");
	ck_assert_uint_eq(code(5, "198.51.100.2", &p), NHRP_CODE_NO_RESOURCES);
	bench_free(&b);
}
END_TEST

START_TEST(compulsory_and_password)
{
	struct nhrp_packet p = reg("198.51.100.2", "10.255.0.2"), r;

	hub();
	memcpy(b.conf.auth, "secret", 6);
	b.conf.auth_len = 6;
	bench_start(&b);
	bench_peer(&b, 5, "198.51.100.2", "a");
	ck_assert_int_eq(bench_rx(&b, 5, "198.51.100.2", &p), NHRP_DROP_AUTH);
	r = bench_sent(&b, 0);
	ck_assert_uint_eq(r.type, NHRP_ERROR_INDICATION);
	ck_assert_uint_eq(r.code, NHRP_ERR_AUTH);
	ck_assert(!r.has_ext);
	ck_assert_uint_eq(r.hops, 255);
	ck_assert(addr_eq(&r.dst_proto, &p.src_proto));
	ck_assert(span_eq(r.payload, span_of(b.raw, b.raw_n)));
	pkt_ext(&p, NHRP_EXT_AUTH, true, SPAN_STR("\0\0\0\1secreT"));
	ck_assert_int_eq(bench_rx(&b, 5, "198.51.100.2", &p), NHRP_DROP_AUTH);
	p.ext[p.n_ext - 1].value = SPAN_STR("\0\0\0\1secret1");
	ck_assert_int_eq(bench_rx(&b, 5, "198.51.100.2", &p), NHRP_DROP_AUTH);
	p.ext[p.n_ext - 1].value = SPAN_STR("\0\0\0\1secret");
	bench_clear(&b);
	ck_assert_int_eq(bench_rx(&b, 5, "198.51.100.2", &p), NHRP_OK);
	r = bench_sent(&b, 0);
	ck_assert_uint_eq(r.ext[r.n_ext - 1].type, NHRP_EXT_AUTH);
	ck_assert(span_eq(nhrp_auth_string(r.ext[r.n_ext - 1].value), SPAN_STR("secret")));
	pkt_ext(&p, 0x1234, true, SPAN_STR(""));
	bench_clear(&b);
	ck_assert_int_eq(bench_rx(&b, 5, "198.51.100.2", &p), NHRP_DROP_COMPULSORY);
	ck_assert_uint_eq(bench_sent(&b, 0).code, NHRP_ERR_EXTENSION);
	ck_assert_int_eq(bench_rx(&b, 99, "198.51.100.2", &p), NHRP_DROP_NO_PEER);
	bench_free(&b);
}
END_TEST

/* For another server: to it, if it is a client of ours or we have a hub. */
START_TEST(other_servers)
{
	struct nhrp_packet p = reg("198.51.100.2", "10.255.0.2"), r;

	hub();
	bench_start(&b);
	bench_peer(&b, 5, "198.51.100.2", "a");
	bench_peer(&b, 6, "198.51.100.3", "b");
	p.dst_proto = A("10.255.0.3");
	ck_assert_int_eq(bench_rx(&b, 5, "198.51.100.2", &p), NHRP_DROP_NOT_NHS);
	r = reg("198.51.100.3", "10.255.0.3");
	ck_assert_uint_eq(code(6, "198.51.100.3", &r), 0);
	bench_clear(&b);
	ck_assert_int_eq(bench_rx(&b, 5, "198.51.100.2", &p), NHRP_OK);
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_SEND, 0)->peer, 6);
	p.dst_proto = A("255.255.255.255");	/* OpenNHRP's way */
	p.hops = 0;
	ck_assert_uint_eq(code(5, "198.51.100.2", &p), 0);
	bench_free(&b);
}
END_TEST

START_TEST(neighbour_refused_is_tried_again)
{
	struct nhrp_packet p = reg("198.51.100.2", "10.255.0.2");

	hub();
	bench_start(&b);
	bench_peer(&b, 5, "198.51.100.2", "a");
	bench_rx(&b, 5, "198.51.100.2", &p);
	bench_answer(&b, false);
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_NEIGH_SET), 0);
	bench_run(&b, TICK_S(6));
	ck_assert_uint_eq(bench_count(&b, NHRP_ACT_NEIGH_SET), 1);
	bench_free(&b);
}
END_TEST

Suite *nhs_suite(void);
Suite *
nhs_suite(void)
{
	Suite *s = suite_create("nhs");
	TCase *t = tcase_create("all");

	tcase_add_test(t, reply_says_who_we_are);
	tcase_add_test(t, refused_neighbour_is_tried_again_ever_later);
	tcase_add_test(t, nat_is_told_in_a_second_entry);
	tcase_add_test(t, claims_are_judged);
	tcase_add_test(t, takeover);
	tcase_add_test(t, registrations_expire);
	tcase_add_test(t, bounds);
	tcase_add_test(t, compulsory_and_password);
	tcase_add_test(t, other_servers);
	tcase_add_test(t, neighbour_refused_is_tried_again);
	suite_add_tcase(s, t);
	return s;
}
