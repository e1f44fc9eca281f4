/* Twin of ikecore/wire/ike_build.c: our messages are the golden ones to the octet; every room that is too small is noticed;
 * what was parsed builds to the same octets again. */
#include "tests/unit/ike_wire/golden.h"

#include <stdio.h>
#include <stdlib.h>

static void
golden_write(const char *name, struct span s)
{
	char rel[128];
	FILE *f;

	snprintf(rel, sizeof(rel), "tests/golden/ike/%s.hex", name);
	f = fopen(test_src(rel), "w");
	ck_assert_ptr_nonnull(f);
	for (size_t i = 0; i < s.n; i++)
		fprintf(f, "%02x%s", s.p[i], i % 32 == 31 || i + 1 == s.n ? "\n" : "");
	fclose(f);
}

START_TEST(builds_golden)
{
	uint8_t buf[GOLDEN_MAX];
	size_t n = golden[_i].build(buf, sizeof(buf));

	ck_assert_uint_gt(n, 0);
	if (getenv("GOLDEN_WRITE"))
		golden_write(golden[_i].name, span_of(buf, n));
	ck_span_eq(golden_read(golden[_i].name), span_of(buf, n));
}
END_TEST

START_TEST(no_room)
{
	uint8_t buf[GOLDEN_MAX];
	size_t n = golden[_i].build(buf, sizeof(buf));

	for (size_t room = 0; room < n; room++) {
		uint8_t *small = malloc(room ? room : 1);

		ck_assert_uint_eq(golden[_i].build(small, room), 0);
		free(small);
	}
	ck_assert_uint_eq(golden[_i].build(buf, n), n);
}
END_TEST

/* Parses and builds the payloads again in the order of the message (types are in `order`). */
static size_t
rebuild(const struct ike_msg *m, const uint8_t *order, unsigned n_order, uint8_t *buf, size_t n)
{
	struct wr w = wr_of(buf, n);
	struct ike_build b;
	struct ike_seal_room room;
	unsigned notify = 0, del = 0, raw = 0;

	ike_build_start(&b, &w, &m->hdr);
	if (m->n_clear[IKE_PL_SK])
		ike_build_sk(&b, GOLDEN_IV);
	for (unsigned i = 0; i < n_order; i++) {
		const struct ike_notify *no = &m->notify[notify];

		if (order[i] == IKE_PL_SA)
			ike_build_sa(&b, m->prop, m->n_prop, m->xform);
		else if (order[i] == IKE_PL_KE)
			ike_build_ke(&b, m->ke_group, m->ke);
		else if (order[i] == IKE_PL_NONCE)
			ike_build_nonce(&b, m->nonce);
		else if (order[i] == IKE_PL_IDI)
			ike_build_id(&b, IKE_PL_IDI, m->idi.type, m->idi.data);
		else if (order[i] == IKE_PL_IDR)
			ike_build_id(&b, IKE_PL_IDR, m->idr.type, m->idr.data);
		else if (order[i] == IKE_PL_AUTH)
			ike_build_auth(&b, m->auth_method, m->auth);
		else if (order[i] == IKE_PL_NOTIFY)
			ike_build_notify(&b, no->proto, no->spi, no->type, no->data), notify++;
		else if (order[i] == IKE_PL_DELETE)
			ike_build_delete(&b, m->del[del].proto, m->del[del].spi_size, m->del[del].spis), del++;
		else if (order[i] == IKE_PL_TSI)
			ike_build_ts(&b, IKE_PL_TSI, m->tsi.ts, m->tsi.n);
		else if (order[i] == IKE_PL_TSR)
			ike_build_ts(&b, IKE_PL_TSR, m->tsr.ts, m->tsr.n);
		else
			ike_build_raw(&b, m->rawpl[raw].type, m->rawpl[raw].body), raw++;
	}
	return m->n_clear[IKE_PL_SK] ? ike_build_seal(&b, 1, GOLDEN_ICV, &room) : ike_build_end(&b);
}

static unsigned
order_of(struct span chain, uint8_t first, uint8_t *order)
{
	unsigned n = 0;

	while (first) {
		size_t len = get_be16(chain.p + 2);

		order[n++] = first;
		first = chain.p[0];
		chain = span_of(chain.p + len, chain.n - len);
	}
	return n;
}

START_TEST(parse_and_build_again)
{
	struct span g = golden_read(golden[_i].name), text;
	uint8_t order[IKE_MSG_PAYLOADS_MAX], buf[GOLDEN_MAX];
	struct ike_msg m;
	unsigned n;

	ck_assert_int_eq(golden_parse(g, &m), IKE_OK);
	if (m.n_clear[IKE_PL_SK]) {
		text = golden_text(&m);
		n = order_of(text, m.sk.first, order);
	} else {
		n = order_of(span_of(g.p + IKE_HDR_LEN, g.n - IKE_HDR_LEN), m.hdr.next, order);
	}
	ck_span_eq(g, span_of(buf, rebuild(&m, order, n, buf, sizeof(buf))));
}
END_TEST

/* What strongSwan sent builds to the same octets from what we read of it. */
START_TEST(recorded_built_again)
{
	static const char *const name[] = { "IKE_SA_INIT_request", "IKE_SA_INIT_response" };
	static const char *const file[] = { "vectors/ike/own/ike-gcm.txt", "vectors/ike/own/ike-cbc.txt", "vectors/ike/own/ike-cert.txt" };

	for (unsigned f = 0; f < 3; f++) {
		struct vec *v = vec_open(file[f]);

		for (unsigned i = 0; v && i < 2; i++) {
			struct span g = vec_get(v, name[i]);
			uint8_t order[IKE_MSG_PAYLOADS_MAX], buf[GOLDEN_MAX];
			struct ike_msg m;
			unsigned n;

			ck_assert_int_eq(golden_parse(g, &m), IKE_OK);
			n = order_of(span_of(g.p + IKE_HDR_LEN, g.n - IKE_HDR_LEN), m.hdr.next, order);
			ck_span_eq(g, span_of(buf, rebuild(&m, order, n, buf, sizeof(buf))));
		}
		if (v)
			vec_free(v);
	}
}
END_TEST

/* Padding for every block and text length; where things are in the message. */
START_TEST(seal_room)
{
	struct ike_hdr h = { .spi_i = 1, .spi_r = 2, .version = IKE_VERSION_2, .exchange = IKE_INFORMATIONAL, .flags = IKE_FLAG_RESPONSE };

	for (size_t block = 1; block <= 32; block *= 2)
		for (size_t body = 0; body < 70; body++) {
			uint8_t buf[512], data[128] = { 0 };
			struct wr w = wr_of(buf, sizeof(buf));
			struct ike_seal_room r;
			struct ike_build b;
			struct ike_msg m;
			size_t n;

			ike_build_start(&b, &w, &h);
			ike_build_sk(&b, 16);
			ike_build_raw(&b, IKE_PL_VENDOR, span_of(data, body));
			n = ike_build_seal(&b, block, 12, &r);
			ck_assert_uint_eq(r.text_len % block, 0);
			ck_assert_uint_lt(r.text_len, 4 + body + 1 + block);
			ck_assert_uint_eq(r.aad.n, 32);
			ck_assert_uint_eq(r.iv_len, 16);
			ck_assert_ptr_eq(r.iv, buf + 32);
			ck_assert_ptr_eq(r.text, r.iv + 16);
			ck_assert_ptr_eq(r.icv, r.text + r.text_len);
			ck_assert_ptr_eq(r.icv + r.icv_len, buf + n);
			ck_assert_int_eq(ike_msg_parse(span_of(buf, n), &m), IKE_OK);
			ck_assert_int_eq(ike_msg_parse_inner(&m, span_of(r.text, r.text_len)), IKE_OK);
			ck_assert_uint_eq(m.rawpl[0].body.n, body);
		}
}
END_TEST

/* What does not fit a field of the wire turns the writer bad. */
START_TEST(fields_overflow)
{
	static uint8_t buf[200000], big[70000];
	struct ike_hdr h = { .spi_i = 1, .version = IKE_VERSION_2, .exchange = IKE_SA_INIT, .flags = IKE_FLAG_INITIATOR };
	struct ike_seal_room r;
	struct ike_build b;
	struct wr w;

#define START() (w = wr_of(buf, sizeof(buf)), ike_build_start(&b, &w, &h))
	START();
	ike_build_raw(&b, IKE_PL_VENDOR, span_of(big, 65531));
	ck_assert_uint_eq(ike_build_end(&b), 28 + 65535);
	START();
	ike_build_raw(&b, IKE_PL_VENDOR, span_of(big, 65532));
	ck_assert_uint_eq(ike_build_end(&b), 0);
	START();
	ike_build_notify(&b, 3, span_of(big, 256), IKE_N_REKEY_SA, span_of(big, 0));
	ck_assert_uint_eq(ike_build_end(&b), 0);
	START();
	ike_build_delete(&b, IKE_PROTO_ESP, 4, span_of(big, 6));
	ck_assert_uint_eq(ike_build_end(&b), 0);
	START();
	ike_build_delete(&b, IKE_PROTO_IKE, 0, span_of(big, 4));
	ck_assert_uint_eq(ike_build_end(&b), 0);
	START();
	ck_assert_uint_eq(ike_build_seal(&b, 1, 16, &r), 0);	/* no SK */
	START();
	ike_build_sk(&b, 8);
	ck_assert_uint_eq(ike_build_seal(&b, 0, 16, &r), 0);
	START();
	ike_build_sk(&b, 8);
	ike_build_raw(&b, IKE_PL_VENDOR, span_of(big, 65531));
	ck_assert_uint_eq(ike_build_seal(&b, 1, 16, &r), 0);
#undef START
}
END_TEST

/* A message need not start at the writer's base. */
START_TEST(behind_other_octets)
{
	struct ike_hdr h = { .spi_i = 1, .spi_r = 2, .version = IKE_VERSION_2, .exchange = IKE_INFORMATIONAL, .flags = IKE_FLAG_INITIATOR };
	uint8_t buf[256];
	struct wr w = wr_of(buf, sizeof(buf));
	struct ike_seal_room r;
	struct ike_build b;
	struct ike_msg m;
	size_t n;

	wr_be32(&w, 0);	/* non-ESP marker */
	ike_build_start(&b, &w, &h);
	ike_build_sk(&b, 8);
	ike_build_delete(&b, IKE_PROTO_IKE, 0, span_of("", 0));
	n = ike_build_seal(&b, 1, 16, &r);
	ck_assert_uint_eq(n + 4, wr_len(&w));
	ck_assert_ptr_eq(r.aad.p, buf + 4);
	ck_assert_int_eq(ike_msg_parse(span_of(buf + 4, n), &m), IKE_OK);
	ck_assert_uint_eq(m.sk.first, IKE_PL_DELETE);
	ck_assert_int_eq(ike_msg_parse_inner(&m, span_of(r.text, r.text_len)), IKE_OK);
}
END_TEST

START_TEST(id_body)
{
	uint8_t buf[32];
	struct wr w = wr_of(buf, sizeof(buf));
	struct ike_msg m;

	ike_id_body(&w, 2, SPAN_STR("hub.dmvpn.example"));
	ck_assert_int_eq(golden_parse(golden_read("auth-request"), &m), IKE_OK);
	ck_span_eq(m.idr.body, wr_span(&w));
}
END_TEST

suite_fn suite_ike_build;
Suite *
suite_ike_build(void)
{
	Suite *s = suite_create("ike_build");
	TCase *tc = tcase_create("build");

	tcase_add_loop_test(tc, builds_golden, 0, golden_n);
	tcase_add_loop_test(tc, no_room, 0, golden_n);
	tcase_add_loop_test(tc, parse_and_build_again, 0, golden_n);
	tcase_add_test(tc, recorded_built_again);
	tcase_add_test(tc, seal_room);
	tcase_add_test(tc, fields_overflow);
	tcase_add_test(tc, behind_other_octets);
	tcase_add_test(tc, id_body);
	suite_add_tcase(s, tc);
	return s;
}
