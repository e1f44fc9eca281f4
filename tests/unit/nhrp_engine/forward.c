/* Twin of nhrpd/engine/forward.c and error.c: a hub between spokes, packet by packet. */
#include "tests/unit/nhrp_engine/bench.h"

static struct bench b;

/* A hub with two clients: 5 is 10.255.0.2 behind NAT (203.0.113.2), 6 is 10.255.0.3 with 10.3.0.0/24 behind it. */
static void
hub(void)
{
	struct nhrp_packet p = pkt(NHRP_REGISTRATION_REQUEST, "192.168.1.2", "10.255.0.2", "10.255.0.1");

	if (!b.conf.n_own)
		bench_init(&b, "10.255.0.1/24", NULL);
	bench_start(&b);
	bench_peer(&b, 5, "203.0.113.2", "a");
	bench_peer(&b, 6, "198.51.100.3", "b");
	if (b.conf.auth_len)
		pkt_ext(&p, NHRP_EXT_AUTH, true, SPAN_STR("\0\0\0\1word"));
	ck_assert_int_eq(bench_rx(&b, 5, "203.0.113.2", &p), NHRP_OK);
	p.src_nbma = A("198.51.100.3");
	p.src_proto = A("10.255.0.3");
	ck_assert_int_eq(bench_rx(&b, 6, "198.51.100.3", &p), NHRP_OK);
	bench_route(&b, "10.3.0.0/24", NHRP_RT_NBMA, "10.255.0.3");
	bench_answer(&b, true);
	bench_clear(&b);
}

static void
end(void)
{
	bench_free(&b);
	memset(&b, 0, sizeof(b));
}

static struct nhrp_packet
request(const char *dst)
{
	struct nhrp_packet p = pkt(NHRP_RESOLUTION_REQUEST, "192.168.1.2", "10.255.0.2", dst);

	pkt_ext(&p, NHRP_EXT_VENDOR, false, SPAN_STR("abc1"));
	pkt_ext(&p, NHRP_EXT_FORWARD, true, SPAN_STR(""));
	pkt_ext(&p, NHRP_EXT_NAT, false, SPAN_STR(""));
	pkt_ext(&p, 0x3801, false, SPAN_STR("q"));
	pkt_ext(&p, NHRP_EXT_VENDOR, false, SPAN_STR("abc2"));
	return p;
}

START_TEST(request_on_its_way)
{
	static const uint16_t order[] = { NHRP_EXT_VENDOR, NHRP_EXT_FORWARD, NHRP_EXT_NAT, 0x3801, NHRP_EXT_VENDOR, NHRP_EXT_AUTH };
	struct nhrp_packet p, r;
	struct nhrp_cie c[4];

	bench_init(&b, "10.255.0.1/24", NULL);
	memcpy(b.conf.auth, "word", 4);
	b.conf.auth_len = 4;
	hub();
	p = request("10.3.0.9");
	p.ext[5] = p.ext[4];	/* the password stands in the middle; it is taken off and put last */
	p.ext[4] = p.ext[3];
	p.ext[3] = (struct nhrp_ext){ NHRP_EXT_AUTH, true, SPAN_STR("\0\0\0\1word") };
	p.n_ext = 6;
	ck_assert_int_eq(bench_rx(&b, 5, "203.0.113.2", &p), NHRP_OK);
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_SEND, 0)->peer, 6);
	r = bench_sent(&b, 0);
	ck_assert_uint_eq(r.hops, 254);
	ck_assert_uint_eq(r.n_ext, 6);
	for (unsigned i = 0; i < 6; i++)
		ck_assert_uint_eq(r.ext[i].type, order[i]);
	ck_assert(addr_eq(&r.src_nbma, &p.src_nbma));
	ck_assert_int_eq(nhrp_ext_cies(r.ext[1].value, r.afn, r.pro_type, c, 4), 1);
	ck_assert_str_eq(addr_fmt(&c[0].proto, (char[ADDR_STRLEN]){ 0 }), "10.255.0.1");
	ck_assert_int_eq(nhrp_ext_cies(r.ext[2].value, r.afn, r.pro_type, c, 4), 1);
	ck_assert_str_eq(addr_fmt(&c[0].nbma, (char[ADDR_STRLEN]){ 0 }), "203.0.113.2");
	ck_assert(addr_eq(&c[0].proto, &p.src_proto));
	end();
}
END_TEST

START_TEST(reply_on_its_way)
{
	struct nhrp_packet p = pkt(NHRP_RESOLUTION_REPLY, "198.51.100.3", "10.255.0.3", "10.255.0.2"), r;
	struct nhrp_cie c[4];

	hub();
	p.cie[0] = cie_of(0, 32, "192.168.1.2", "10.255.0.2", 600);	/* the natted one answered */
	pkt_ext(&p, NHRP_EXT_REVERSE, true, SPAN_STR(""));
	pkt_ext(&p, NHRP_EXT_NAT, false, SPAN_STR(""));
	ck_assert_int_eq(bench_rx(&b, 5, "203.0.113.2", &p), NHRP_OK);
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_SEND, 0)->peer, 6);	/* towards its source: the requester */
	r = bench_sent(&b, 0);
	ck_assert_int_eq(nhrp_ext_cies(r.ext[0].value, r.afn, r.pro_type, c, 4), 1);
	ck_assert_int_eq(nhrp_ext_cies(r.ext[1].value, r.afn, r.pro_type, c, 4), 1);
	ck_assert_str_eq(addr_fmt(&c[0].nbma, (char[ADDR_STRLEN]){ 0 }), "203.0.113.2");
	p.ext[0].value = cies(&(struct nhrp_cie){ .proto = b.conf.own[0].addr }, 1);
	bench_clear(&b);
	ck_assert_int_eq(bench_rx(&b, 5, "203.0.113.2", &p), NHRP_DROP_LOOP);
	ck_assert_uint_eq(b.q.n, 0);
	p.src_proto = A("10.255.0.99");
	ck_assert_int_eq(bench_rx(&b, 5, "203.0.113.2", &p), NHRP_DROP_NO_ROUTE);
	end();
}
END_TEST

START_TEST(what_ends_a_journey)
{
	struct nhrp_packet p, r;

	hub();
	p = request("10.3.0.9");
	p.hops = 0;
	ck_assert_int_eq(bench_rx(&b, 5, "203.0.113.2", &p), NHRP_DROP_HOPS);
	r = bench_sent(&b, 0);
	ck_assert_uint_eq(r.code, NHRP_ERR_HOPS);
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_SEND, 0)->peer, 5);
	p = request("10.3.0.9");
	p.ext[1].value = cies(&(struct nhrp_cie){ .proto = b.conf.own[0].addr }, 1);
	bench_clear(&b);
	ck_assert_int_eq(bench_rx(&b, 5, "203.0.113.2", &p), NHRP_DROP_LOOP);
	ck_assert_uint_eq(bench_sent(&b, 0).code, NHRP_ERR_LOOP);
	p = request("10.3.0.9");	/* back to where it came from */
	p.src_proto = A("10.255.0.3");
	bench_clear(&b);
	ck_assert_int_eq(bench_rx(&b, 6, "198.51.100.3", &p), NHRP_OK);
	ck_assert_uint_eq(bench_sent(&b, 0).cie[0].code, NHRP_CODE_NO_BINDING);
	p = request("10.3.0.9");	/* somebody else's address */
	p.src_proto = A("10.255.0.3");
	ck_assert_int_eq(bench_rx(&b, 5, "203.0.113.2", &p), NHRP_DROP_CLAIM);
	p.src_proto = A("10.255.0.1");	/* ours */
	ck_assert_int_eq(bench_rx(&b, 5, "203.0.113.2", &p), NHRP_DROP_CLAIM);
	p = pkt(NHRP_RESOLUTION_REQUEST, "192.168.1.2", "2001:db8::2", "2001:db8::3");
	ck_assert_int_eq(bench_rx(&b, 5, "203.0.113.2", &p), NHRP_DROP_FAMILY);
	end();
}
END_TEST

START_TEST(too_big_with_our_record)
{
	static uint8_t pad[1300];
	struct nhrp_packet p;

	hub();
	p = request("10.3.0.9");
	pkt_ext(&p, 0x3802, false, span_of(pad, 1290));
	ck_assert_int_eq(bench_rx(&b, 5, "203.0.113.2", &p), NHRP_DROP_TOO_BIG);
	ck_assert_uint_eq(bench_sent(&b, 0).code, NHRP_ERR_SIZE);
	end();
}
END_TEST

START_TEST(unknown_compulsory_passes_unlisted)
{
	struct nhrp_packet p;

	hub();
	p = request("10.3.0.9");
	p.ext[3].compulsory = true;
	ck_assert_int_eq(bench_rx(&b, 5, "203.0.113.2", &p), NHRP_OK);
	ck_assert_uint_eq(bench_sent(&b, 0).ext[1].value.n, 0);
	ck_assert(bench_sent(&b, 0).ext[3].compulsory);
	end();
}
END_TEST

START_TEST(client_own_address_and_lost_client)
{
	struct nhrp_packet p;

	hub();
	p = request("10.255.0.3");
	ck_assert_int_eq(bench_rx(&b, 5, "203.0.113.2", &p), NHRP_OK);
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_SEND, 0)->peer, 6);
	bench_peer_down(&b, 6);
	bench_clear(&b);
	ck_assert_int_eq(bench_rx(&b, 5, "203.0.113.2", &p), NHRP_OK);
	ck_assert_uint_eq(bench_sent(&b, 0).cie[0].code, NHRP_CODE_NO_BINDING);
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_SEND, 0)->peer, 5);
	end();
}
END_TEST

/* ---- errors */

static struct nhrp_packet
error(uint16_t code, const char *dst, struct span about)
{
	struct nhrp_packet p = pkt(NHRP_ERROR_INDICATION, "198.51.100.3", "10.255.0.3", dst);

	p.code = code;
	p.payload = about;
	return p;
}

START_TEST(errors_pass_and_end)
{
	struct nhrp_packet p;

	hub();
	p = error(6, "10.255.0.2", SPAN_STR("whatever"));
	ck_assert_int_eq(bench_rx(&b, 6, "198.51.100.3", &p), NHRP_OK);
	ck_assert_uint_eq(bench_act(&b, NHRP_ACT_SEND, 0)->peer, 5);
	p.hops = 0;	/* an error about an error there is not */
	bench_clear(&b);
	ck_assert_int_eq(bench_rx(&b, 6, "198.51.100.3", &p), NHRP_DROP_HOPS);
	ck_assert_uint_eq(b.q.n, 0);
	p.src_proto = A("10.255.0.1");
	ck_assert_int_eq(bench_rx(&b, 6, "198.51.100.3", &p), NHRP_DROP_ERROR_LOOP);
	p = error(6, "10.255.0.1", SPAN_STR("nonsense"));
	ck_assert_int_eq(bench_rx(&b, 6, "198.51.100.3", &p), NHRP_DROP_UNSOLICITED);
	end();
}
END_TEST

START_TEST(errors_are_rate_limited)
{
	struct nhrp_packet p;

	hub();
	p = request("10.3.0.9");
	p.hops = 0;
	for (unsigned i = 0; i < 300; i++)
		bench_rx(&b, 5, "203.0.113.2", &p);
	ck_assert_uint_le(bench_count(&b, NHRP_ACT_SEND), ERROR_BURST);
	ck_assert_uint_eq(nhrp_count_drop(b.n, NHRP_DROP_HOPS), 300);
	end();
}
END_TEST

START_TEST(errors_as_hints)
{
	static const uint16_t code[] = { 1, 2, 3, 7, 8, 9, 10, 11, 15, 99, 6 };
	struct nhrp_event ev = { .kind = NHRP_EV_UNRESOLVED, .dst = A("10.3.0.9") };
	uint8_t req[256];
	size_t len;
	struct shortcut *s;
	struct nhrp_packet p;

	bench_init(&b, "10.255.0.7/24", NULL);
	b.conf.shortcut = true;
	b.conf.n_nhs = 1;
	b.conf.nhs[0].family = 4;
	strcpy(b.conf.nhs[0].name, "203.0.113.1");
	memcpy(b.conf.auth, "word", 4);
	bench_start(&b);
	bench_nhs_up(&b, "10.255.0.1");
	bench_event(&b, &ev);
	len = bench_act(&b, NHRP_ACT_SEND, 0)->packet.n;
	memcpy(req, bench_act(&b, NHRP_ACT_SEND, 0)->packet.p, len);
	s = trie_match(&b.n->shortcuts, &ev.dst, NULL);
	p = error(6, "10.255.0.7", span_of(req, 40));	/* as FRR cuts it */
	req[39] ^= 1;	/* about another destination */
	ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &p), NHRP_DROP_UNSOLICITED);
	req[39] ^= 1;
	req[27] ^= 1;	/* another request */
	ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &p), NHRP_DROP_UNSOLICITED);
	req[27] ^= 1;
	for (unsigned i = 0; i < sizeof(code) / sizeof(code[0]); i++) {
		ck_assert_int_eq(s->state, SC_RESOLVING);
		p.code = code[i];
		ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &p), NHRP_OK);
		ck_assert_str_eq(s->reason, error_text(code[i]));
	}
	ck_assert_int_eq(s->state, SC_NEGATIVE);
	end();
}
END_TEST

START_TEST(error_about_registration)
{
	struct nhrp_packet p;
	struct addr hub_addr = A("203.0.113.1");
	struct nhrp_event addrs = { .kind = NHRP_EV_NHS_ADDRS, .addrs = &hub_addr, .n_addrs = 1 }, up = { .kind = NHRP_EV_WANT_UP, .peer = 1 };
	struct span about;

	bench_init(&b, "10.255.0.7/24", NULL);
	b.conf.n_nhs = 1;
	b.conf.nhs[0].family = 4;
	strcpy(b.conf.nhs[0].name, "hub");
	bench_start(&b);
	bench_event(&b, &addrs);
	up.want = bench_act(&b, NHRP_ACT_WANT, 0)->want;
	bench_peer(&b, 1, "203.0.113.1", "hub");
	bench_event(&b, &up);
	about = bench_act(&b, NHRP_ACT_SEND, 0)->packet;
	p = error(NHRP_ERR_AUTH, "10.255.0.7", about);
	ck_assert_int_eq(bench_rx(&b, 1, "203.0.113.1", &p), NHRP_OK);
	ck_assert_str_eq(b.n->nhc[0].reason, "error: NHRP authentication string is not the hub's");
	ck_assert_int_eq(b.n->nhc[0].state, NHC_REGISTERING);
	end();
}
END_TEST

Suite *forward_suite(void);
Suite *
forward_suite(void)
{
	Suite *s = suite_create("forward");
	TCase *t = tcase_create("all");

	tcase_add_test(t, request_on_its_way);
	tcase_add_test(t, reply_on_its_way);
	tcase_add_test(t, what_ends_a_journey);
	tcase_add_test(t, too_big_with_our_record);
	tcase_add_test(t, unknown_compulsory_passes_unlisted);
	tcase_add_test(t, client_own_address_and_lost_client);
	tcase_add_test(t, errors_pass_and_end);
	tcase_add_test(t, errors_are_rate_limited);
	tcase_add_test(t, errors_as_hints);
	tcase_add_test(t, error_about_registration);
	suite_add_tcase(s, t);
	return s;
}
