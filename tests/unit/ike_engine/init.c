/* IKE_SA_INIT: every suite, cookies, another key exchange method, and what must be refused. */
#include "tests/unit/ike_engine/suites.h"

static struct world w;

static void
begin(void)
{
	w_init(&w);
}

static void
end(void)
{
	w_fini(&w);
}

START_TEST(plain)
{
	w_go(&w);
	w_dial(&w, 0, 1, 7);
	w_settle(&w);
	ck_assert_uint_eq(w.s[0].ups, 1);
	ck_assert_uint_eq(w.s[1].ups, 1);
	ck_assert_uint_eq(w.s[0].up_dial, 7);
	ck_assert_uint_eq(w.s[1].up_dial, 0);
	ck_assert(ike_id_eq(&w.s[0].up_id, &w.s[1].profile[0].local_id));
	ck_assert(ike_id_eq(&w.s[1].up_id, &w.s[0].profile[0].local_id));
	ck_assert_uint_eq(w.serial, 4);	/* four messages and not one more */
	ck_assert(w.s[0].child[0].dp.esn);
	ck_assert(!w.s[0].child[0].dp.encap);
	ck_assert_uint_eq(w.s[0].child[0].dp.keys.encr_len, 36);
	w_check_pair(&w);
}
END_TEST

static const uint16_t groups[] = { IKE_KE_CURVE25519, IKE_KE_ECP256, IKE_KE_ECP384, IKE_KE_MODP2048 };
static const uint16_t prfs[] = { IKE_PRF_HMAC_SHA2_256, IKE_PRF_HMAC_SHA2_384, IKE_PRF_HMAC_SHA2_512 };
static const struct cipher {
	uint16_t encr, bits, integ;
} ciphers[] = {
	{ IKE_ENCR_AES_GCM_16, 128, 0 }, { IKE_ENCR_AES_GCM_16, 256, 0 }, { IKE_ENCR_CHACHA20_POLY1305, 0, 0 },
	{ IKE_ENCR_AES_CBC, 256, IKE_INTEG_HMAC_SHA2_256_128 },
};
enum { N_SUITES = 4 * 3 * 4 };

START_TEST(each_suite)
{
	uint16_t group = groups[_i % 4], prf = prfs[_i / 4 % 3];
	const struct cipher *c = &ciphers[_i / 12];

	for (unsigned i = 0; i < 2; i++) {
		struct ike_proposal *p = &w.s[i].profile[0].ike[0], *e = &w.s[i].profile[0].esp[0];

		p->encr[0] = e->encr[0] = c->encr;
		p->encr_bits[0] = e->encr_bits[0] = c->bits;
		p->integ[0] = e->integ[0] = c->integ;
		p->n_integ = e->n_integ = c->integ != 0;
		p->prf[0] = prf;
		p->group[0] = group;
	}
	w_up(&w);
	ck_assert_uint_eq(w_sa(&w, 1)->suite.encr, c->encr);
	ck_assert_uint_eq(w_sa(&w, 1)->suite.prf, prf);
	ck_assert_uint_eq(w_sa(&w, 1)->suite.group, group);
	ck_assert_uint_eq(w.s[1].child[0].dp.keys.integ, c->integ);
}
END_TEST

START_TEST(ipv6)
{
	w.s[0].addr = w_addr("2001:db8::1");
	w.s[1].addr = w_addr("2001:db8:1::2");
	w_up(&w);
	ck_assert_uint_eq(w.s[1].child[0].dp.remote.addr.n, 16);
}
END_TEST

/* ---- cookies */
START_TEST(cookie_asked_for)
{
	w.s[1].conf.cookie_threshold = 0;
	w_up(&w);
	ck_assert_uint_eq(w.serial, 6);
	ck_assert_uint_eq(ike_count_drop(w.s[1].k, IKE_DROP_COOKIE), 1);
}
END_TEST

/* Cookie, then another method, then (because the secret went on) a cookie again. */
START_TEST(cookie_and_invalid_ke)
{
	struct ike_proposal *a = &w.s[0].profile[0].ike[0], *b = &w.s[1].profile[0].ike[0];

	a->group[0] = IKE_KE_ECP256;
	a->group[1] = IKE_KE_ECP384;
	a->n_group = 2;
	b->group[0] = IKE_KE_ECP384;
	w.s[1].conf.cookie_threshold = 0;
	w_up(&w);
	ck_assert_uint_eq(w.serial, 8);
	ck_assert_uint_eq(w_sa(&w, 0)->suite.group, IKE_KE_ECP384);
}
END_TEST

static bool
endless_cookies(struct world *x, struct w_msg *m)
{
	uint8_t n = (uint8_t)x->serial;

	if (m->from == 1) {	/* another one each time */
		m->octets[m->n - 1] ^= n;
		m->octets[m->n - 2] ^= 0x55;
	}
	return true;
}

START_TEST(cookie_rounds_are_bounded)
{
	w.s[1].conf.cookie_threshold = 0;
	w.hook = endless_cookies;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_run(&w, TICK_S(40));
	ck_assert_uint_ge(w.s[0].dial_fails, 1);
	ck_assert_uint_lt(w.s[0].sends, 30);
	ck_assert_uint_eq(w.s[1].ups, 0);
}
END_TEST

/* ---- methods */
static void
two_groups(unsigned side, uint16_t first, uint16_t second)
{
	struct ike_proposal *p = &w.s[side].profile[0].ike[0];

	p->group[0] = first;
	p->group[1] = second;
	p->n_group = second ? 2 : 1;
}

START_TEST(invalid_ke)
{
	two_groups(0, IKE_KE_CURVE25519, IKE_KE_ECP256);
	two_groups(1, IKE_KE_ECP256, 0);
	w_up(&w);
	ck_assert_uint_eq(w.serial, 6);
	ck_assert_uint_eq(w_sa(&w, 0)->suite.group, IKE_KE_ECP256);
	ck_assert_uint_eq(ike_count_drop(w.s[1].k, IKE_DROP_GROUP), 1);
}
END_TEST

START_TEST(offered_method_is_taken_without_a_round_trip)
{
	two_groups(0, IKE_KE_CURVE25519, IKE_KE_ECP256);
	two_groups(1, IKE_KE_ECP256, IKE_KE_CURVE25519);
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_settle(&w);
	ck_assert_uint_eq(w.serial, 4);
	ck_assert_uint_eq(w_sa(&w, 0)->suite.group, IKE_KE_CURVE25519);
}
END_TEST

/* Sends the initiator an INVALID_KE_PAYLOAD as anybody could. */
static enum ike_drop
forge(uint16_t type, struct span data)
{
	struct w_msg *req = w.msg[0], m = { .from = 1, .src = req->dst, .dst = req->src };
	struct wr x = wr_of(m.octets, sizeof(m.octets));
	struct ike_hdr h = { .version = IKE_VERSION_2, .exchange = IKE_SA_INIT, .flags = IKE_FLAG_RESPONSE };
	struct ike_hdr in;
	struct ike_build b;

	ck_assert(ike_hdr_parse(span_of(req->octets, req->n), &in));
	h.spi_i = in.spi_i;
	ike_build_start(&b, &x, &h);
	ike_build_notify(&b, 0, span_of("", 0), type, data);
	m.n = ike_build_end(&b);
	return w_inject(&w, 0, &m);
}

START_TEST(invalid_ke_with_a_method_not_offered)
{
	static const uint8_t group[2] = { 0, 2 };

	w.manual = true;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	ck_assert_int_eq(forge(IKE_N_INVALID_KE_PAYLOAD, span_of(group, 2)), IKE_DROP_GROUP);
	ck_assert_int_eq(forge(IKE_N_INVALID_KE_PAYLOAD, span_of(group, 1)), IKE_DROP_NOTIFY_SYNTAX);
	w.manual = false;
	w_settle(&w);
	w_check_pair(&w);	/* forged, and so not believed */
}
END_TEST

START_TEST(forged_refusal_is_not_believed)
{
	w.manual = true;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	ck_assert_int_eq(forge(IKE_N_NO_PROPOSAL_CHOSEN, span_of("", 0)), IKE_DROP_PROPOSAL);
	w.manual = false;
	w_settle(&w);
	w_check_pair(&w);
}
END_TEST

START_TEST(no_proposal)
{
	w.s[1].profile[0].ike[0].encr_bits[0] = 128;
	w.s[1].t.log.level = LOG_LV_NOTICE;
	w_go(&w);
	w_dial(&w, 0, 1, 5);
	w_run(&w, TICK_S(12));
	ck_assert_uint_eq(w.s[0].dial_fails, 1);
	ck_assert_int_eq(w.s[0].last_fail, IKE_DOWN_PROPOSAL);
	ck_assert_str_eq(w.s[0].fail_text, "no proposal in common: the peer takes none of ours: we offered aes-gcm-256/sha384/curve25519");
	ck_assert_str_eq(w.s[1].t.last_text,
	    "192.0.2.1:500: no proposal in common: peer offered aes-gcm-256/sha384/curve25519, wanted aes-gcm-128/sha384/curve25519");
	ck_assert_uint_eq(w_count_sa(&w, 1, NULL), 0);
}
END_TEST

/* ---- must not pass */
static struct w_msg
first_request(void)
{
	w.manual = true;
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	ck_assert_uint_eq(w.n_msg, 1);
	return *w.msg[0];
}

START_TEST(refused_headers)
{
	struct w_msg m = first_request(), bad = m;

	bad.octets[19] = 0;	/* neither I nor R */
	ck_assert_int_eq(w_inject(&w, 1, &bad), IKE_DROP_FLAGS);
	bad = m;
	bad.octets[23] = 1;	/* message id */
	ck_assert_int_ne(w_inject(&w, 1, &bad), IKE_OK);
	bad = m;
	bad.octets[8] = 1;	/* SPIr */
	ck_assert_int_ne(w_inject(&w, 1, &bad), IKE_OK);
	bad = m;
	memset(bad.octets, 0, 8);	/* SPIi */
	ck_assert_int_ne(w_inject(&w, 1, &bad), IKE_OK);
	bad = m;
	bad.octets[17] = 0x30;	/* version 3 */
	ck_assert_int_eq(w_inject(&w, 1, &bad), IKE_DROP_VERSION);
	ck_assert_uint_eq(w_held(&w, 1), 1);	/* told so */
	memset(bad.octets, 0, 8);	/* by nobody: an answer would be refused by all */
	ck_assert_int_eq(w_inject(&w, 1, &bad), IKE_DROP_VERSION);
	ck_assert_uint_eq(w_held(&w, 1), 1);
	ck_assert_int_eq(w_inject(&w, 1, &(struct w_msg){ .n = 27, .src = m.src, .dst = m.dst }), IKE_DROP_SHORT);
	ck_assert_uint_eq(w_count_sa(&w, 1, NULL), 0);
}
END_TEST

START_TEST(reflected)
{
	struct w_msg m = first_request(), back = m;

	back.src = m.dst;
	back.dst = m.src;
	ck_assert_int_eq(w_inject(&w, 0, &back), IKE_DROP_REFLECTED);
}
END_TEST

START_TEST(impossible_public_value)
{
	struct w_msg m = first_request();
	struct ike_msg parsed;

	ck_assert_int_eq(ike_msg_parse(span_of(m.octets, m.n), &parsed), IKE_OK);
	memset((void *)(uintptr_t)parsed.ke.p, 0, parsed.ke.n);	/* X25519: gives zero */
	ck_assert_int_eq(w_inject(&w, 1, &m), IKE_OK);	/* nothing is computed yet */
	ck_assert_uint_eq(w.s[1].n_jobs, 0);
	w_lose_everything(&w);
	ck_assert_uint_eq(w_count_sa(&w, 1, "init"), 1);
	/* A first encrypted message, whatever it is, makes the secret be computed; it cannot be. */
	m.octets[18] = IKE_AUTH;
	m.octets[23] = 1;
	m.octets[16] = IKE_PL_SK;
	{
		struct map_iter it = { 0 };
		struct ike_sa *sa = container_of(map_first(&w.s[1].k->by_id, &it), struct ike_sa, by_id);

		for (int i = 0; i < 8; i++)
			m.octets[8 + i] = (uint8_t)(sa->spi_r >> (56 - 8 * i));
	}
	put_be16(m.octets + 26, 28 + 60);
	m.octets[28] = 0;
	put_be16(m.octets + 30, 60);
	m.n = 88;
	ck_assert_int_eq(w_inject(&w, 1, &m), IKE_OK);
	ck_assert_uint_eq(ike_count_drop(w.s[1].k, IKE_DROP_KE_SYNTAX), 1);
	ck_assert_uint_eq(w_count_sa(&w, 1, NULL), 0);
}
END_TEST

START_TEST(retransmission_gets_the_same_answer)
{
	struct w_msg m = first_request(), a, b;

	ck_assert_int_eq(w_inject(&w, 1, &m), IKE_OK);
	ck_assert_int_eq(w_inject(&w, 1, &m), IKE_OK);
	ck_assert_uint_eq(w_count_sa(&w, 1, NULL), 1);
	ck_assert_uint_eq(w_held(&w, 1), 2);
	a = *w.msg[1];
	b = *w.msg[2];
	ck_assert_uint_eq(a.n, b.n);
	ck_assert_mem_eq(a.octets, b.octets, a.n);
	m.octets[m.n - 1] ^= 1;	/* another message under the same SPI is another exchange */
	ck_assert_int_eq(w_inject(&w, 1, &m), IKE_OK);
	ck_assert_uint_eq(w_count_sa(&w, 1, NULL), 2);
}
END_TEST

START_TEST(keylog_lines)
{
	w_go(&w);
	w_dial(&w, 0, 1, 1);
	w_settle(&w);
	ck_assert_uint_eq(w.s[0].n_keylog, 3);
	ck_assert_ptr_nonnull(strstr(w.s[0].keylog[0], ",\"AES-GCM-256 with 16 octet ICV [RFC5282]\",,,\"NONE [RFC4306]\""));
	ck_assert_int_eq(strncmp(w.s[0].keylog[0], "ikev2 ", 6), 0);
	ck_assert_str_eq(w.s[0].keylog[0], w.s[1].keylog[0]);
	ck_assert_ptr_eq(strstr(w.s[0].keylog[1], "esp \"IPv4\",\"198.51.100.2\",\"192.0.2.1\",\"0x00010000\",\"AES-GCM with"), w.s[0].keylog[1]);
	ck_assert_str_eq(w.s[0].keylog[1], w.s[1].keylog[2]);
}
END_TEST

START_TEST(unknown_local_address)
{
	struct ike_event ev = { .dial = 1, .n_remotes = 1 };

	w_go(&w);
	ev.remotes[0].addr = w.s[1].addr;
	w_dial_ev(&w, 0, &ev);
	w_settle(&w);
	w_check_pair(&w);
	ck_assert(w.s[0].child[0].dp.encap);	/* both agree on encapsulation */
	ck_assert(w.s[1].child[0].dp.encap);
}
END_TEST

Suite *
init_suite(void)
{
	Suite *s = suite_create("init");
	TCase *tc = tcase_create("init");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, plain);
	tcase_add_loop_test(tc, each_suite, 0, N_SUITES);
	tcase_add_test(tc, ipv6);
	tcase_add_test(tc, cookie_asked_for);
	tcase_add_test(tc, cookie_and_invalid_ke);
	tcase_add_test(tc, cookie_rounds_are_bounded);
	tcase_add_test(tc, invalid_ke);
	tcase_add_test(tc, offered_method_is_taken_without_a_round_trip);
	tcase_add_test(tc, invalid_ke_with_a_method_not_offered);
	tcase_add_test(tc, forged_refusal_is_not_believed);
	tcase_add_test(tc, no_proposal);
	tcase_add_test(tc, refused_headers);
	tcase_add_test(tc, reflected);
	tcase_add_test(tc, impossible_public_value);
	tcase_add_test(tc, retransmission_gets_the_same_answer);
	tcase_add_test(tc, keylog_lines);
	tcase_add_test(tc, unknown_local_address);
	suite_add_tcase(s, tc);
	return s;
}
