/* twin of nhrpd/wire/parse.c: what is read, and what is tolerated. Refusals are in drops.c. */
#include "tests/unit/nhrp_wire/util.h"

#define ck_addr(a, text) do { struct addr want_ = ip(text); ck_assert(addr_eq(&(a), &want_)); } while (0)

START_TEST(the_worked_registration)
{
	struct pkt k = golden("registration-request-worked");
	static const uint16_t order[] = { NHRP_EXT_FORWARD, NHRP_EXT_REVERSE, NHRP_EXT_RESPONDER, NHRP_EXT_NAT, NHRP_EXT_AUTH };
	struct nhrp_cie nat[2];
	struct nhrp_packet p;

	ck_assert_uint_eq(k.n, 106);
	ck_assert_int_eq(nhrp_packet_parse(pkt_span(&k), &p), NHRP_OK);
	ck_assert_uint_eq(p.afn, NHRP_AFN_IPV4);
	ck_assert_uint_eq(p.pro_type, NHRP_ETH_IPV4);
	ck_assert_uint_eq(p.hops, 1);
	ck_assert_uint_eq(p.type, NHRP_REGISTRATION_REQUEST);
	ck_assert_uint_eq(p.flags, NHRP_FLAG_REG_UNIQUE | NHRP_FLAG_NAT);
	ck_assert_uint_eq(p.request_id, 1);
	ck_addr(p.src_nbma, "192.168.1.4");
	ck_addr(p.src_proto, "172.16.1.4");
	ck_addr(p.dst_proto, "172.16.1.4");
	ck_assert_uint_eq(p.n_cie, 1);
	ck_assert_uint_eq(p.cie[0].prefix_len, 255);
	ck_assert_uint_eq(p.cie[0].hold_s, 7200);
	ck_assert_uint_eq(p.cie[0].nbma.n + p.cie[0].proto.n, 0);
	ck_assert(p.has_ext);
	ck_assert_uint_eq(p.n_ext, 5);
	for (unsigned i = 0; i < 5; i++) {
		ck_assert_uint_eq(p.ext[i].type, order[i]);
		ck_assert_int_eq(p.ext[i].compulsory, order[i] != NHRP_EXT_NAT);
	}
	ck_assert(nhrp_ext_is_nat(&p.ext[3]));
	ck_assert_int_eq(nhrp_ext_cies(p.ext[3].value, p.afn, p.pro_type, nat, 2), 1);
	ck_addr(nat[0].nbma, "192.168.1.1");
	ck_addr(nat[0].proto, "0.0.0.0");
	ck_assert(span_eq(nhrp_auth_string(p.ext[4].value), SPAN_STR("secret")));
}
END_TEST

START_TEST(natted_reply_has_two_entries)
{
	struct pkt k = golden("registration-reply-natted");
	struct nhrp_cie nat[NHRP_EXT_CIES_MAX];
	struct nhrp_packet p;

	ck_assert_int_eq(nhrp_packet_parse(pkt_span(&k), &p), NHRP_OK);
	ck_assert_int_eq(nhrp_ext_cies(nhrp_ext_find(&p, NHRP_EXT_NAT)->value, p.afn, p.pro_type, nat, NHRP_EXT_CIES_MAX), 2);
	ck_addr(nat[1].nbma, "203.0.113.7");
	ck_addr(nat[1].proto, "10.255.0.11");
	ck_assert_uint_eq(nat[1].prefix_len, 32);
}
END_TEST

START_TEST(families_mix)
{
	struct nhrp_packet p;
	struct pkt k = golden("resolution-reply-6-over-4");

	ck_assert_int_eq(nhrp_packet_parse(pkt_span(&k), &p), NHRP_OK);
	ck_addr(p.cie[0].nbma, "192.0.2.12");
	ck_addr(p.cie[0].proto, "fd00:ff::12");
	ck_assert_uint_eq(p.n_cie, 2);
	ck_assert_uint_eq(p.cie[1].preference, 1);
	k = golden("registration-request-4-over-6");
	ck_assert_int_eq(nhrp_packet_parse(pkt_span(&k), &p), NHRP_OK);
	ck_assert_uint_eq(p.afn, NHRP_AFN_IPV6);
	ck_addr(p.src_nbma, "2001:db8::11");
	ck_addr(p.dst_proto, "10.255.0.1");
}
END_TEST

START_TEST(no_nbma_address_is_none)
{
	struct pkt k = golden("registration-request-no-nbma");
	struct nhrp_packet p;

	ck_assert_int_eq(nhrp_packet_parse(pkt_span(&k), &p), NHRP_OK);
	ck_assert_uint_eq(p.src_nbma.n, 0);
	ck_addr(p.src_proto, "10.255.0.11");
	k.b[18] = 0x40;	/* E.164, which says nothing where the length is 0; the same for the subaddress */
	k.b[19] = 0x40;
	pkt_refit(&k);
	ck_assert_int_eq(nhrp_packet_parse(pkt_span(&k), &p), NHRP_OK);
}
END_TEST

START_TEST(errors_and_redirects_quote)
{
	struct pkt k = golden("error-indication");
	struct nhrp_packet p, about;

	ck_assert_int_eq(nhrp_packet_parse(pkt_span(&k), &p), NHRP_OK);
	ck_assert_uint_eq(p.code, NHRP_ERR_UNREACHABLE);
	ck_assert_uint_eq(p.offset, 32);
	ck_assert_uint_eq(p.request_id, 0);
	ck_assert_uint_eq(p.payload.n, 72);
	ck_assert(!p.has_ext);
	ck_assert_int_eq(nhrp_packet_parse(p.payload, &about), NHRP_OK);	/* quoted whole */
	ck_assert_uint_eq(about.type, NHRP_RESOLUTION_REQUEST);
	ck_assert_uint_eq(about.request_id, 9);
	k = golden("traffic-indication");
	ck_assert_int_eq(nhrp_packet_parse(pkt_span(&k), &p), NHRP_OK);
	ck_assert_uint_eq(p.code, 0);
	ck_assert_uint_eq(p.payload.n, 84);
	ck_assert_uint_eq(p.payload.p[0], 0x45);
	ck_assert(span_eq(nhrp_auth_string(p.ext[0].value), SPAN_STR("seven77")));
	k = golden("traffic-indication-empty");
	ck_assert_int_eq(nhrp_packet_parse(pkt_span(&k), &p), NHRP_OK);
	ck_assert_uint_eq(p.payload.n, 0);
}
END_TEST

START_TEST(padding_is_not_read)
{
	struct pkt k = golden("registration-request-odd");
	struct nhrp_packet p, q;
	struct pkt plain = k;

	ck_assert_uint_eq(k.n & 1, 1);
	memset(k.b + k.n, 0xa5, 9);	/* neither summed nor parsed, at odd and at even length */
	for (k.n++; k.n < plain.n + 9; k.n++) {
		ck_assert_int_eq(nhrp_packet_parse(pkt_span(&k), &p), NHRP_OK);
		ck_assert_int_eq(nhrp_packet_parse(pkt_span(&plain), &q), NHRP_OK);
		ck_assert(packet_eq(&p, &q));
	}
}
END_TEST

/* OpenNHRP ends its error indications with an empty Forward record, End and 16 zero octets inside the packet size. */
START_TEST(octets_behind_end_are_not_read)
{
	struct pkt k = golden("error-indication-extensions");
	struct nhrp_packet p;

	memset(k.b + k.n, 0, 16);
	k.n += 16;
	pkt_refit(&k);
	ck_assert_int_eq(nhrp_packet_parse(pkt_span(&k), &p), NHRP_OK);
	ck_assert_uint_eq(p.n_ext, 2);
	ck_assert_uint_eq(p.payload.n, 53);
	memset(k.b + k.n - 16, 0xff, 16);	/* not even where they would be a broken extension */
	pkt_refit(&k);
	ck_assert_int_eq(nhrp_packet_parse(pkt_span(&k), &p), NHRP_OK);
}
END_TEST

START_TEST(end_needs_no_compulsory_bit)
{
	struct pkt k = golden("registration-request-worked");
	struct nhrp_packet p;

	put_be16(k.b + k.n - 4, 0);
	pkt_refit(&k);
	ck_assert_int_eq(nhrp_packet_parse(pkt_span(&k), &p), NHRP_OK);
	ck_assert_uint_eq(p.n_ext, 5);
}
END_TEST

START_TEST(reserved_fields_are_ignored)
{
	struct pkt k = golden("registration-request-worked");
	struct nhrp_packet p, q;

	ck_assert_int_eq(nhrp_packet_parse(pkt_span(&k), &q), NHRP_OK);
	memset(k.b + 4, 0x5a, 5);	/* SNAP */
	put_be16(k.b + 42, 0xffff);	/* unused in the CIE */
	k.b[52] |= 0x40;	/* u bit of the first extension */
	pkt_refit(&k);
	ck_assert_int_eq(nhrp_packet_parse(pkt_span(&k), &p), NHRP_OK);
	ck_assert(packet_eq(&p, &q));
}
END_TEST

START_TEST(order_and_unknown_extensions_are_kept)
{
	struct pkt k = golden("resolution-request-unknown-extensions");
	static const uint16_t order[] = { NHRP_EXT_VENDOR, NHRP_EXT_NAT, 0x1234, NHRP_EXT_RESPONDER, NHRP_EXT_VENDOR, 0x3fff, NHRP_EXT_FORWARD };
	struct nhrp_packet p;

	ck_assert_int_eq(nhrp_packet_parse(pkt_span(&k), &p), NHRP_OK);
	ck_assert_uint_eq(p.n_ext, 7);
	for (unsigned i = 0; i < 7; i++)
		ck_assert_uint_eq(p.ext[i].type, order[i]);
	ck_assert(p.ext[2].compulsory);
	ck_assert(!p.ext[5].compulsory);
	ck_assert(span_eq(p.ext[0].value, SPAN_STR("\0\0\x0cgroup")));
}
END_TEST

/* Contents of extensions do not refuse a packet: FRR's responder entry of the wrong family, RFC 2735's use of type 9. */
START_TEST(contents_of_extensions_are_not_judged)
{
	struct pkt k = golden("registration-reply-odd-responder");
	struct nhrp_cie c[2];
	struct nhrp_packet p;

	ck_assert_int_eq(nhrp_packet_parse(pkt_span(&k), &p), NHRP_OK);
	ck_assert_int_eq(nhrp_ext_cies(nhrp_ext_find(&p, NHRP_EXT_RESPONDER)->value, p.afn, p.pro_type, c, 2), 1);
	ck_assert_uint_eq(c[0].proto.n, 0);
	k = golden("resolution-request-capabilities");
	ck_assert_int_eq(nhrp_packet_parse(pkt_span(&k), &p), NHRP_OK);
	ck_assert(!nhrp_ext_is_nat(nhrp_ext_find(&p, NHRP_EXT_NAT)));
}
END_TEST

START_TEST(extension_part_with_end_alone)
{
	struct pkt k = golden("purge-reply");
	struct nhrp_packet p;

	ck_assert_int_eq(nhrp_packet_parse(pkt_span(&k), &p), NHRP_OK);
	ck_assert(p.has_ext);
	ck_assert_uint_eq(p.n_ext, 0);
	ck_assert_uint_eq(p.n_cie, 3);
	ck_assert_uint_eq(p.cie[0].prefix_len, 24);
}
END_TEST

START_TEST(nothing_is_half_read)
{
	struct pkt k = golden("registration-request-worked");
	struct nhrp_packet p, zero;

	memset(&zero, 0, sizeof(zero));
	memset(&p, 0xff, sizeof(p));
	put_be16(k.b + k.n - 2, 1);	/* the very last thing read: End's length */
	pkt_refit(&k);
	ck_assert_int_eq(nhrp_packet_parse(pkt_span(&k), &p), NHRP_DROP_EXT_BAD);
	ck_assert_mem_eq(&p, &zero, sizeof(p));
}
END_TEST

Suite *suite_parse(void);
Suite *
suite_parse(void)
{
	Suite *s = suite_create("parse");
	TCase *t = tcase_create("parse");

	tcase_add_test(t, the_worked_registration);
	tcase_add_test(t, natted_reply_has_two_entries);
	tcase_add_test(t, families_mix);
	tcase_add_test(t, no_nbma_address_is_none);
	tcase_add_test(t, errors_and_redirects_quote);
	tcase_add_test(t, padding_is_not_read);
	tcase_add_test(t, octets_behind_end_are_not_read);
	tcase_add_test(t, end_needs_no_compulsory_bit);
	tcase_add_test(t, reserved_fields_are_ignored);
	tcase_add_test(t, order_and_unknown_extensions_are_kept);
	tcase_add_test(t, contents_of_extensions_are_not_judged);
	tcase_add_test(t, extension_part_with_end_alone);
	tcase_add_test(t, nothing_is_half_read);
	suite_add_tcase(s, t);
	return s;
}
