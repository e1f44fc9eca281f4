/* Offers, choice and the check of an answer, through octets and back. */
#include "tests/unit/ike_engine/suites.h"

static struct ike_profile p;
static struct ike_msg m;

static void
begin(void)
{
	memset(&p, 0, sizeof(p));
	p.n_ike = p.n_esp = 2;
	p.ike[0] = (struct ike_proposal){ .encr = { 20, 28 }, .encr_bits = { 256, 0 }, .n_encr = 2, .prf = { 6, 5 }, .n_prf = 2, .group = { 31, 20 }, .n_group = 2 };
	p.ike[1] = (struct ike_proposal){ .encr = { 12 }, .encr_bits = { 256 }, .n_encr = 1, .prf = { 5 }, .n_prf = 1, .integ = { 12 }, .n_integ = 1,
		.group = { 14 }, .n_group = 1 };
	p.esp[0] = (struct ike_proposal){ .encr = { 20 }, .encr_bits = { 256 }, .n_encr = 1, .group = { 31, 19 }, .n_group = 2, .esn = { true, true } };
	p.esp[1] = (struct ike_proposal){ .encr = { 12 }, .encr_bits = { 128 }, .n_encr = 1, .integ = { 12 }, .n_integ = 1, .esn = { true, false } };
}

/* What a peer sees of an offer. */
static void
see(const struct ike_offer *o)
{
	static uint8_t buf[4096];
	struct wr x = wr_of(buf, sizeof(buf));
	struct ike_hdr h = { .spi_i = 1, .version = IKE_VERSION_2, .exchange = IKE_SA_INIT, .flags = IKE_FLAG_INITIATOR };
	struct ike_build b;

	ike_build_start(&b, &x, &h);
	ike_build_sa(&b, o->prop, o->n_prop, o->xf);
	ck_assert_uint_ne(ike_build_end(&b), 0);
	ck_assert_int_eq(ike_msg_parse(wr_span(&x), &m), IKE_OK);
}

static void
see_choice(const struct ike_choice *c, uint8_t proto, uint64_t spi)
{
	struct ike_offer o;

	ike_offer_choice(c, proto, spi, &o);
	see(&o);
}

START_TEST(own_order_decides_and_ke_is_followed)
{
	struct ike_offer o;
	struct ike_choice c, back;

	ike_offer_ike(&p, 0, 0, &o);
	see(&o);
	ck_assert_uint_eq(m.n_prop, 2);
	ck_assert(ike_select_ike(&p, &m, 20, 0, &c));
	ck_assert_uint_eq(c.encr, 20);
	ck_assert_uint_eq(c.prf, 6);
	ck_assert_uint_eq(c.group, 20);
	ck_assert_uint_eq(c.num, 1);
	ck_assert(ike_select_ike(&p, &m, 2, 0, &c));	/* a group nobody wants: the first of ours */
	ck_assert_uint_eq(c.group, 31);
	ck_assert(ike_allows_ike(&p, &c));
	see_choice(&c, IKE_PROTO_IKE, 0);
	ck_assert(ike_answer_ike(&p, &m, 0, false, &back));
	ck_assert_mem_eq(&c, &back, sizeof(c));
	ck_assert(!ike_answer_ike(&p, &m, 0, true, &back));	/* a rekey answers with an SPI */
}
END_TEST

START_TEST(answers_that_were_not_offered)
{
	struct ike_choice c, good = { .num = 1, .encr = 20, .bits = 256, .prf = 6, .group = 31 }, bad = good;

	see_choice(&good, IKE_PROTO_IKE, 0);
	ck_assert(ike_answer_ike(&p, &m, 0, false, &c));
	bad.num = 2;
	see_choice(&bad, IKE_PROTO_IKE, 0);
	ck_assert(!ike_answer_ike(&p, &m, 0, false, &c));
	bad.num = 3;
	see_choice(&bad, IKE_PROTO_IKE, 0);
	ck_assert(!ike_answer_ike(&p, &m, 0, false, &c));
	bad = good;
	bad.bits = 128;
	see_choice(&bad, IKE_PROTO_IKE, 0);
	ck_assert(!ike_answer_ike(&p, &m, 0, false, &c));
	bad = good;
	bad.group = 14;
	see_choice(&bad, IKE_PROTO_IKE, 0);
	ck_assert(!ike_answer_ike(&p, &m, 0, false, &c));
	bad = good;
	bad.group = 0;
	see_choice(&bad, IKE_PROTO_IKE, 0);
	ck_assert(!ike_answer_ike(&p, &m, 0, false, &c));
	{
		struct ike_offer two;

		ike_offer_ike(&p, 0, 0, &two);	/* more than one of a type */
		two.n_prop = 1;
		see(&two);
		ck_assert(!ike_answer_ike(&p, &m, 0, false, &c));
	}
}
END_TEST

START_TEST(numbers_count_what_was_offered)
{
	struct ike_choice c, cbc = { .num = 2, .encr = 12, .bits = 256, .prf = 5, .integ = 12, .group = 14 };

	see_choice(&cbc, IKE_PROTO_IKE, 0);
	ck_assert(ike_answer_ike(&p, &m, 5, false, &c));
	p.ike[0].n_prf = 1;	/* only sha384: with prf 5 asked for, the first is not offered */
	ck_assert(!ike_answer_ike(&p, &m, 5, false, &c));
	cbc.num = 1;
	see_choice(&cbc, IKE_PROTO_IKE, 0);
	ck_assert(ike_answer_ike(&p, &m, 5, false, &c));
}
END_TEST

START_TEST(esp)
{
	struct ike_offer o;
	struct ike_choice c, back;

	ike_offer_esp(&p, false, 0x1234, &o);
	see(&o);
	ck_assert(ike_select_esp(&p, &m, false, 0, &c));
	ck_assert(c.esn);
	ck_assert_uint_eq(c.spi, 0x1234);
	ck_assert_uint_eq(c.group, 0);
	ck_assert(!ike_select_esp(&p, &m, true, 0, &c) || c.encr == 12);	/* PFS wanted and not offered: only the other fits */
	ike_offer_esp(&p, true, 0x1234, &o);
	see(&o);
	ck_assert(ike_select_esp(&p, &m, true, 19, &c));
	ck_assert_uint_eq(c.group, 19);
	ck_assert(ike_select_esp(&p, &m, false, 0, &c));	/* in IKE_AUTH a group is no hindrance */
	see_choice(&c, IKE_PROTO_ESP, 0x777);
	ck_assert(ike_answer_esp(&p, &m, false, &back));
	ck_assert_uint_eq(back.spi, 0x777);
}
END_TEST

START_TEST(integrity_of_none_is_said_back)
{
	struct ike_offer o;
	struct ike_choice c;

	ike_offer_ike(&p, 0, 0, &o);
	o.n_prop = 1;
	o.xf[o.prop[0].n++] = (struct ike_xform){ .type = IKE_T_INTEG, .id = IKE_INTEG_NONE };
	see(&o);
	ck_assert(ike_select_ike(&p, &m, 31, 0, &c));
	ck_assert(c.has_integ);
	see_choice(&c, IKE_PROTO_IKE, 0);
	ck_assert_uint_eq(m.xform[2].type, IKE_T_INTEG);
	ck_assert_uint_eq(m.xform[2].id, IKE_INTEG_NONE);
}
END_TEST

START_TEST(unknown_is_never_selected)
{
	struct ike_offer o;
	struct ike_choice c;

	p.n_ike = 1;
	ike_offer_ike(&p, 0, 0, &o);
	see(&o);
	m.prop[0].unknown = true;
	ck_assert(!ike_select_ike(&p, &m, 31, 0, &c));
	m.prop[0].unknown = false;
	for (unsigned i = 0; i < m.n_xform; i++)
		m.xform[i].odd = m.xform[i].type == IKE_T_PRF;
	ck_assert(!ike_select_ike(&p, &m, 31, 0, &c));
	p.ike[0].group[0] = 1025;	/* not even from our own configuration */
	p.ike[0].n_group = 1;
	ck_assert_uint_eq(ike_first_group(&p, false), 0);
	ck_assert(!ike_offers_group(&p, false, 1025));
}
END_TEST

Suite *
proposal_suite(void)
{
	Suite *s = suite_create("proposal");
	TCase *tc = tcase_create("proposal");

	tcase_add_checked_fixture(tc, begin, NULL);
	tcase_add_test(tc, own_order_decides_and_ke_is_followed);
	tcase_add_test(tc, answers_that_were_not_offered);
	tcase_add_test(tc, numbers_count_what_was_offered);
	tcase_add_test(tc, esp);
	tcase_add_test(tc, integrity_of_none_is_said_back);
	tcase_add_test(tc, unknown_is_never_selected);
	suite_add_tcase(s, tc);
	return s;
}
