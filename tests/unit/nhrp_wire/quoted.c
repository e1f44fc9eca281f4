/* twin of nhrpd/wire/quoted.c */
#include "tests/unit/nhrp_wire/util.h"

#include <stdlib.h>

/* In memory that ends with the quotation. */
static bool
quoted(const struct pkt *k, size_t n, struct nhrp_quoted *q)
{
	uint8_t *exact = malloc(n ? n : 1);
	bool ok;

	ck_assert_ptr_nonnull(exact);
	memcpy(exact, k->b, n);
	ok = nhrp_quoted_parse(span_of(exact, n), q);
	free(exact);
	return ok;
}

/* FRR quotes the packet up to the addresses and no further. */
START_TEST(enough_with_the_addresses)
{
	struct pkt k = golden("resolution-request-transit");
	struct addr src = ip("10.255.0.11"), dst = ip("172.16.12.10");
	struct nhrp_quoted q;

	for (size_t n = 0; n <= k.n; n++) {
		ck_assert_int_eq(quoted(&k, n, &q), n >= 40);
		ck_assert_uint_eq(q.request_id, n >= 40 ? 9 : 0);
	}
	ck_assert_uint_eq(q.type, NHRP_RESOLUTION_REQUEST);
	ck_assert(addr_eq(&q.src_proto, &src));
	ck_assert(addr_eq(&q.dst_proto, &dst));
}
END_TEST

START_TEST(ipv6_in_ipv6)
{
	struct pkt k = golden("resolution-reply-6-over-6");
	struct addr src = ip("fd00:ff::11");
	struct nhrp_quoted q;

	ck_assert(!nhrp_quoted_parse(span_of(k.b, 75), &q));
	ck_assert(nhrp_quoted_parse(span_of(k.b, 76), &q));
	ck_assert(addr_eq(&q.src_proto, &src));
	ck_assert_uint_eq(q.type, NHRP_RESOLUTION_REPLY);
}
END_TEST

START_TEST(damage_behind_the_essentials_is_forgiven)
{
	struct pkt k = golden("resolution-request-transit");
	struct nhrp_quoted q;

	k.b[12] ^= 0xff;	/* checksum */
	put_be16(k.b + 10, 9);	/* size */
	put_be16(k.b + 14, 3);	/* extension offset */
	k.b[9] = 0;	/* hops */
	ck_assert(nhrp_quoted_parse(pkt_span(&k), &q));
	ck_assert_uint_eq(q.request_id, 9);
}
END_TEST

static const struct {
	size_t at;
	uint8_t value;
} broken[] = { { 16, 0 }, { 16, 2 }, { 17, 0 }, { 17, 9 }, { 20, 5 }, { 20, 0 }, { 21, 6 }, { 21, 255 }, { 18, 63 }, { 19, 63 } };

START_TEST(essentials_are_asked_for)
{
	struct pkt k = golden("resolution-request-bare");
	struct nhrp_quoted q;

	k.b[broken[_i].at] = broken[_i].value;
	ck_assert(!nhrp_quoted_parse(pkt_span(&k), &q));
	ck_assert_uint_eq(q.type, 0);
}
END_TEST

START_TEST(indications_have_no_request_id)
{
	struct pkt k = golden("error-indication");
	struct nhrp_quoted q;

	ck_assert(nhrp_quoted_parse(pkt_span(&k), &q));
	ck_assert_uint_eq(q.type, NHRP_ERROR_INDICATION);
	ck_assert_uint_eq(q.request_id, 0);
	ck_assert(!nhrp_quoted_parse(span_of(NULL, 0), &q));
}
END_TEST

START_TEST(out_of_an_error_indication)
{
	struct pkt k = golden("error-indication-cut");
	struct nhrp_packet p;
	struct nhrp_quoted q;

	ck_assert_int_eq(nhrp_packet_parse(pkt_span(&k), &p), NHRP_OK);
	ck_assert_uint_eq(p.code, NHRP_ERR_HOPS);
	ck_assert(nhrp_quoted_parse(p.payload, &q));
	ck_assert_uint_eq(q.request_id, 9);
}
END_TEST

Suite *suite_quoted(void);
Suite *
suite_quoted(void)
{
	Suite *s = suite_create("quoted");
	TCase *t = tcase_create("quoted");

	tcase_add_test(t, enough_with_the_addresses);
	tcase_add_test(t, ipv6_in_ipv6);
	tcase_add_test(t, damage_behind_the_essentials_is_forgiven);
	tcase_add_loop_test(t, essentials_are_asked_for, 0, (int)(sizeof(broken) / sizeof(broken[0])));
	tcase_add_test(t, indications_have_no_request_id);
	tcase_add_test(t, out_of_an_error_indication);
	suite_add_tcase(s, t);
	return s;
}
