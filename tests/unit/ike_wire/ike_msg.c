/* Twin of ikecore/wire/ike_msg.c: header and chain. Golden messages as they are, cut at every length, with every octet changed. */
#include "tests/unit/ike_wire/golden.h"

#include <stdio.h>
#include <stdlib.h>

START_TEST(golden_parses)
{
	struct span g = golden_read(golden[_i].name);
	uint8_t *copy = exact_copy(g);
	struct ike_msg m;

	ck_assert_int_eq(golden_parse(span_of(copy, g.n), &m), IKE_OK);
	golden_touch(&m);
	free(copy);
}
END_TEST

/* Cut where it is, and cut with a header that says so. Never accepted, never read past the end. */
START_TEST(golden_truncated)
{
	struct span g = golden_read(golden[_i].name);
	struct ike_msg m;

	for (size_t n = 0; n < g.n; n++) {
		uint8_t *copy = exact_copy(span_of(g.p, n));

		ck_assert_int_eq(golden_parse(span_of(copy, n), &m), n < IKE_HDR_LEN ? IKE_DROP_SHORT : IKE_DROP_LENGTH);
		if (n >= IKE_HDR_LEN) {
			put_be32(copy + 24, (uint32_t)n);
			ck_assert_msg(golden_parse(span_of(copy, n), &m) != IKE_OK, "%s cut at %zu", golden[_i].name, n);
		}
		free(copy);
	}
}
END_TEST

/* The text inside cut at every length, with a pad length octet of 0 behind the cut. */
START_TEST(golden_text_truncated)
{
	struct span g = golden_read(golden[_i].name), text;
	struct ike_msg m;

	ck_assert_int_eq(golden_parse(g, &m), IKE_OK);
	text = golden_text(&m);
	for (size_t n = 0; n + 1 < text.n; n++) {
		uint8_t *copy = malloc(n + 1);
		enum ike_drop d;

		memcpy(copy, text.p, n);
		copy[n] = 0;
		ck_assert_int_eq(ike_msg_parse(g, &m), IKE_OK);
		d = ike_msg_parse_inner(&m, span_of(copy, n + 1));
		ck_assert_msg(d != IKE_OK, "%s text cut at %zu", golden[_i].name, n);
		free(copy);
	}
}
END_TEST

/* Every octet takes every value. Many stay acceptable; all end with a name, and what is accepted can be read. */
START_TEST(golden_mutated)
{
	struct span g = golden_read(golden[_i].name);
	uint8_t *copy = exact_copy(g);
	struct ike_msg m;
	unsigned refused = 0;

	for (size_t at = 0; at < g.n; at++) {
		for (unsigned v = 0; v < 256; v++) {
			enum ike_drop d;

			copy[at] = (uint8_t)v;
			d = golden_parse(span_of(copy, g.n), &m);
			ck_assert_int_lt((int)d, IKE_DROPS_N);
			refused += d != IKE_OK;
			if (d == IKE_OK)
				golden_touch(&m);
		}
		copy[at] = g.p[at];
	}
	ck_assert_uint_gt(refused, 1000);
	free(copy);
}
END_TEST

START_TEST(fields_of_a_request)
{
	struct ike_msg m;

	ck_assert_int_eq(golden_parse(golden_read("sa-init-request"), &m), IKE_OK);
	ck_assert_uint_eq(m.hdr.spi_i, 0xe978a4ae0638b418);
	ck_assert_uint_eq(m.hdr.spi_r, 0);
	ck_assert_uint_eq(m.hdr.exchange, IKE_SA_INIT);
	ck_assert(!m.response);
	ck_assert_uint_eq(m.n_payloads, 6);
	ck_assert_uint_eq(m.ke_group, IKE_KE_CURVE25519);
	ck_assert_uint_eq(m.ke.n, 32);
	ck_assert_uint_eq(m.nonce.n, 32);
	ck_assert_uint_eq(m.n_notify, 2);
	ck_assert_ptr_eq(ike_msg_notify(&m, IKE_N_NAT_DETECTION_DESTINATION_IP), &m.notify[1]);
	ck_assert_ptr_null(ike_msg_notify(&m, IKE_N_COOKIE));
	ck_assert_ptr_null(ike_msg_error(&m));
	ck_assert_uint_eq(m.n_rawpl, 1);
	ck_assert_uint_eq(m.rawpl[0].type, IKE_PL_VENDOR);
	ck_span_eq(m.rawpl[0].body, SPAN_STR("OpenDMVPN"));
	ck_assert(ike_msg_has(&m, IKE_PL_KE) && !ike_msg_has(&m, IKE_PL_SK));
}
END_TEST

START_TEST(fields_inside)
{
	struct ike_msg m;

	ck_assert_int_eq(golden_parse(golden_read("auth-request"), &m), IKE_OK);
	ck_assert_uint_eq(m.sk.first, IKE_PL_IDI);
	ck_assert_uint_eq(m.sk.at, 28);
	ck_assert_uint_eq(m.sk.aad.n, 32);
	ck_assert_ptr_eq(m.sk.aad.p, m.raw.p);
	ck_span_eq(m.idi.data, SPAN_STR("spoke1.dmvpn.example"));
	ck_assert_uint_eq(m.idi.body.n, m.idi.data.n + 4);
	ck_assert_uint_eq(m.auth_method, IKE_AUTH_PSK);
	ck_assert_uint_eq(ike_prop_spi32(&m.prop[0]), 0xc95f9cb4);
	ck_assert_uint_eq(m.tsi.n, 1);
	ck_assert_uint_eq(m.tsi.ts[0].proto, 47);
	ck_assert_uint_eq(m.tsi.ts[0].lo.n, 16);
	ck_assert(addr_eq(&m.tsi.ts[0].lo, &m.tsi.ts[0].hi));
	ck_assert_uint_eq(m.tsi.ts[0].port_hi, 65535);
	ck_assert_int_eq(golden_parse(golden_read("informational-delete"), &m), IKE_OK);
	ck_assert_uint_eq(m.n_del, 2);
	ck_assert_uint_eq(m.n_del_spis, 2);
	ck_assert_uint_eq(ike_delete_spi(&m.del[0], 0), 0xc95f9cb4);
	ck_assert_uint_eq(ike_delete_spi(&m.del[0], 1), 0xcab2623c);
	ck_assert_uint_eq(ike_delete_spi(&m.del[0], 2), 0);
	ck_assert_uint_eq(m.del[1].proto, IKE_PROTO_IKE);
	ck_assert_int_eq(golden_parse(golden_read("ike-rekey-request"), &m), IKE_OK);
	ck_assert_uint_eq(ike_prop_spi64(&m.prop[0]), 0x4ab16f9345863a70);
	ck_assert_uint_eq(ike_prop_spi32(&m.prop[0]), 0);
}
END_TEST

/* ---- headers that are refused */

static const struct {
	const char *base;
	size_t at;
	const char *hex;	/* written over the message at `at` */
	enum ike_drop want;
} headers[] = {
	{ "sa-init-request", 17, "10", IKE_DROP_VERSION },	/* IKEv1 */
	{ "sa-init-request", 17, "30", IKE_DROP_VERSION },
	{ "sa-init-request", 17, "2f", IKE_OK },	/* a higher minor version is fine */
	{ "sa-init-response", 18, "21", IKE_DROP_EXCHANGE },
	{ "auth-request", 18, "26", IKE_DROP_EXCHANGE },	/* IKE_SESSION_RESUME has no rules here */
	{ "auth-request", 18, "2d", IKE_DROP_EXCHANGE },
	{ "auth-request", 18, "2c", IKE_DROP_PAYLOAD_PLACE },	/* IKE_FOLLOWUP_KE has no identities */
	{ "auth-request", 18, "ff", IKE_DROP_EXCHANGE },
	{ "sa-init-request", 0, "0000000000000000", IKE_DROP_SPI_ZERO },
	{ "sa-init-request", 8, "0000000000000001", IKE_DROP_SPI_ZERO },
	{ "auth-request", 8, "0000000000000000", IKE_DROP_SPI_ZERO },
	{ "auth-request", 0, "0000000000000000", IKE_DROP_SPI_ZERO },
	{ "sa-init-request", 19, "00", IKE_DROP_FLAGS },	/* neither I nor R */
	{ "sa-init-request", 19, "28", IKE_DROP_FLAGS },	/* both */
	{ "sa-init-response", 19, "28", IKE_DROP_FLAGS },
	{ "sa-init-request", 19, "18", IKE_OK },	/* V and unknown flags are ignored */
	{ "sa-init-request", 19, "cf", IKE_OK },
	{ "sa-init-request", 20, "00000001", IKE_DROP_MESSAGE_ID },
	{ "auth-request", 20, "ffffffff", IKE_OK },	/* the engine's window */
	{ "sa-init-request", 24, "ffffffff", IKE_DROP_LENGTH },
	{ "sa-init-request", 24, "00000000", IKE_DROP_LENGTH },
	{ "sa-init-request", 24, "0000001c", IKE_DROP_LENGTH },
	{ "sa-init-request", 16, "00", IKE_DROP_LENGTH },	/* no payload, but octets behind the header */
	{ "sa-init-request", 16, "01", IKE_DROP_PAYLOAD_V1 },	/* SA of IKEv1 */
	{ "sa-init-request", 16, "20", IKE_DROP_PAYLOAD_V1 },
	{ "sa-init-request", 16, "31", IKE_DROP_PAYLOAD_PLACE },	/* unknown, skipped: SA is missing then */
	{ "sa-init-request", 28, "2280", IKE_OK },	/* C on a payload we know */
	{ "sa-init-request", 28, "227f", IKE_OK },	/* reserved bits */
	{ "sa-init-request", 30, "0000", IKE_DROP_PAYLOAD_SHORT },
	{ "sa-init-request", 30, "0003", IKE_DROP_PAYLOAD_SHORT },
	{ "sa-init-request", 30, "ffff", IKE_DROP_PAYLOAD_SHORT },
	{ "auth-request", 30, "ffff", IKE_DROP_PAYLOAD_SHORT },
	{ "auth-request", 30, "0010", IKE_DROP_SK_SYNTAX },	/* SK is not last */
	{ "informational-empty", 30, "0004", IKE_DROP_SK_SYNTAX },
	{ "informational-empty", 28, "2e", IKE_DROP_PAYLOAD_SHORT },	/* another SK promised inside, nothing there */
};

START_TEST(header_refused)
{
	struct span g = golden_read(headers[_i].base);
	uint8_t *copy = exact_copy(g);
	struct ike_msg m;
	enum ike_drop d;

	test_unhex(headers[_i].hex, copy + headers[_i].at, g.n - headers[_i].at);
	d = golden_parse(span_of(copy, g.n), &m);
	ck_assert_msg(d == headers[_i].want, "%s at %zu %s: %s", headers[_i].base, headers[_i].at, headers[_i].hex, ike_drop_word(d));
	ck_assert_uint_eq(m.hdr.version, copy[17]);	/* the header is there for an answer */
	free(copy);
}
END_TEST

START_TEST(trailing_octets)
{
	struct span g = golden_read("sa-init-request");
	uint8_t longer[GOLDEN_MAX];
	struct ike_msg m;

	memcpy(longer, g.p, g.n);
	memset(longer + g.n, 0, 4);
	ck_assert_int_eq(golden_parse(span_of(longer, g.n + 4), &m), IKE_DROP_LENGTH);
	put_be32(longer + 24, (uint32_t)g.n + 4);
	ck_assert_int_eq(golden_parse(span_of(longer, g.n + 4), &m), IKE_DROP_LENGTH);
}
END_TEST

/* ---- chains */

START_TEST(unknown_payloads)
{
	struct ike_msg m;

	/* 49 to 52, 54.. are not ours; critical ones make the message unusable and are named. */
	ck_assert_int_eq(raw_inner(IKE_INFORMATIONAL, 8, 49, "00000008deadbeef", &m), IKE_OK);
	ck_assert_int_eq(raw_inner(IKE_INFORMATIONAL, 8, 49, "00800008deadbeef", &m), IKE_DROP_CRITICAL);
	ck_assert_uint_eq(m.critical, 49);
	ck_assert_int_eq(raw_inner(IKE_INFORMATIONAL, 8, 200, "00800004", &m), IKE_DROP_CRITICAL);
	ck_assert_uint_eq(m.critical, 200);
	ck_assert_int_eq(raw_inner(IKE_INFORMATIONAL, 8, 255, "00000004", &m), IKE_OK);
	ck_assert_int_eq(raw_inner(IKE_INFORMATIONAL, 8, 1, "00000004", &m), IKE_DROP_PAYLOAD_V1);
	ck_assert_int_eq(raw_inner(IKE_INFORMATIONAL, 8, 8, "00000004", &m), IKE_DROP_PAYLOAD_V1);
}
END_TEST

static enum ike_drop
many(uint8_t type, unsigned n, const char *body, struct ike_msg *m)
{
	static char hex[65536];
	size_t len = 0, body_n = strlen(body) / 2;

	hex[0] = 0;
	for (unsigned i = 0; i < n; i++)
		len += (size_t)sprintf(hex + len, "%02x00%04x%s", i + 1 < n ? type : 0, (unsigned)(body_n + 4), body);
	return raw_inner(IKE_INFORMATIONAL, 8, type, hex, m);
}

START_TEST(chain_is_bounded)
{
	struct ike_msg m;

	/* The encrypted payload is the first of the 64. */
	ck_assert_int_eq(many(200, IKE_MSG_PAYLOADS_MAX - 1, "", &m), IKE_OK);
	ck_assert_int_eq(many(200, IKE_MSG_PAYLOADS_MAX, "", &m), IKE_DROP_PAYLOAD_MANY);
	ck_assert_int_eq(many(200, 1000, "", &m), IKE_DROP_PAYLOAD_MANY);
	ck_assert_int_eq(many(IKE_PL_NOTIFY, IKE_MSG_NOTIFIES_MAX, "00004000", &m), IKE_OK);
	ck_assert_int_eq(many(IKE_PL_NOTIFY, IKE_MSG_NOTIFIES_MAX + 1, "00004000", &m), IKE_DROP_PAYLOAD_MANY);
	ck_assert_int_eq(many(IKE_PL_VENDOR, IKE_MSG_RAWS_MAX, "00", &m), IKE_OK);
	ck_assert_int_eq(many(IKE_PL_VENDOR, IKE_MSG_RAWS_MAX + 1, "00", &m), IKE_DROP_PAYLOAD_MANY);
}
END_TEST

START_TEST(padding)
{
	struct span g = golden_read("informational-empty");
	struct ike_msg m;
	uint8_t text[300];

	for (unsigned pad = 0; pad < 256; pad++)
		for (unsigned n = 1; n <= 257; n += n < 4 ? 1 : 21) {
			enum ike_drop d;

			memset(text, 0, sizeof(text));
			text[n - 1] = (uint8_t)pad;
			ck_assert_int_eq(ike_msg_parse(g, &m), IKE_OK);
			d = ike_msg_parse_inner(&m, span_of(text, n));
			ck_assert_int_eq(d, n == pad + 1 ? IKE_OK : IKE_DROP_SK_SYNTAX);
		}
	ck_assert_int_eq(ike_msg_parse(g, &m), IKE_OK);
	ck_assert_int_eq(ike_msg_parse_inner(&m, span_of(text, 0)), IKE_DROP_SK_SYNTAX);
}
END_TEST

/* A pad length that eats exactly one octet more than there is, with a payload promised. */
START_TEST(padding_larger_than_text)
{
	struct span g = golden_read("auth-request");
	struct ike_msg m;

	for (unsigned n = 1; n < 256; n++) {
		uint8_t *text = malloc(n);

		memset(text, (int)n, n);
		ck_assert_int_eq(ike_msg_parse(g, &m), IKE_OK);
		ck_assert_int_eq(ike_msg_parse_inner(&m, span_of(text, n)), IKE_DROP_SK_SYNTAX);
		free(text);
	}
}
END_TEST

/* The parser refuses a second one by itself: the struct has room for one. */
START_TEST(twice_is_refused_by_the_parser)
{
	uint8_t buf[256];
	struct wr w = wr_of(buf, sizeof(buf));
	struct ike_hdr h = { .spi_i = 1, .version = IKE_VERSION_2, .exchange = IKE_SA_INIT, .flags = IKE_FLAG_INITIATOR };
	struct ike_build b;
	struct ike_msg m;

	ike_build_start(&b, &w, &h);
	ike_build_ke(&b, IKE_KE_ECP256, SPAN_STR("one"));
	ike_build_ke(&b, IKE_KE_ECP256, SPAN_STR("two"));
	ck_assert_uint_gt(ike_build_end(&b), 0);
	ck_assert_int_eq(ike_msg_parse(wr_span(&w), &m), IKE_DROP_PAYLOAD_PLACE);
}
END_TEST

START_TEST(encrypted_inside_encrypted)
{
	struct ike_msg m;

	ck_assert_int_eq(raw_inner(IKE_INFORMATIONAL, 8, IKE_PL_SK, "00000005ff", &m), IKE_DROP_SK_SYNTAX);
	/* In IKE_SA_INIT nothing is encrypted; two of them cannot both be last. */
	ck_assert_int_eq(raw_parse(IKE_SA_INIT, 8, IKE_PL_SK, "00000005ff", &m), IKE_DROP_PAYLOAD_PLACE);
	ck_assert_int_eq(raw_parse(IKE_AUTH, 8, IKE_PL_SK, "2e000005ff00000005ff", &m), IKE_DROP_SK_SYNTAX);
	ck_assert_int_eq(raw_parse(IKE_AUTH, 8, IKE_PL_SK, "00000004", &m), IKE_DROP_SK_SYNTAX);
}
END_TEST

suite_fn suite_ike_msg;
Suite *
suite_ike_msg(void)
{
	Suite *s = suite_create("ike_msg");
	TCase *tc = tcase_create("msg");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, golden_parses, 0, golden_n);
	tcase_add_loop_test(tc, golden_truncated, 0, golden_n);
	tcase_add_loop_test(tc, golden_text_truncated, 0, golden_n);
	tcase_add_loop_test(tc, golden_mutated, 0, golden_n);
	tcase_add_test(tc, fields_of_a_request);
	tcase_add_test(tc, fields_inside);
	tcase_add_loop_test(tc, header_refused, 0, sizeof(headers) / sizeof(headers[0]));
	tcase_add_test(tc, trailing_octets);
	tcase_add_test(tc, unknown_payloads);
	tcase_add_test(tc, chain_is_bounded);
	tcase_add_test(tc, padding);
	tcase_add_test(tc, padding_larger_than_text);
	tcase_add_test(tc, twice_is_refused_by_the_parser);
	tcase_add_test(tc, encrypted_inside_encrypted);
	suite_add_tcase(s, tc);
	return s;
}
