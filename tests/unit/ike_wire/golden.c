#include "tests/unit/ike_wire/golden.h"

#include <stdio.h>
#include <stdlib.h>

static const uint8_t nonce_i[32] = { 'i', [31] = 1 }, nonce_r[32] = { 'r', [31] = 2 }, pub_i[32] = { 0x11 }, pub_r[64] = { 0x22 };
static const uint8_t hash[20] = { 0x33 }, auth[32] = { 0x44 }, spi_a[4] = { 0xc9, 0x5f, 0x9c, 0xb4 }, spi_b[4] = { 0xca, 0xb2, 0x62, 0x3c };
static const uint8_t spi_new[8] = { 0x4a, 0xb1, 0x6f, 0x93, 0x45, 0x86, 0x3a, 0x70 };

#define S(a) ((struct span){ (a), sizeof(a) })
static const struct span none = { (const uint8_t *)"", 0 };

static struct ike_hdr
hdr(uint64_t spi_r, uint8_t exchange, uint8_t flags, uint32_t mid)
{
	return (struct ike_hdr){ .spi_i = 0xe978a4ae0638b418, .spi_r = spi_r, .version = IKE_VERSION_2, .exchange = exchange, .flags = flags, .mid = mid };
}

static const uint64_t responder = 0x9dc7244ad862ddda;

static const struct ike_xform ike_x[] = {
	{ IKE_T_ENCR, IKE_ENCR_AES_GCM_16, 256, false }, { IKE_T_PRF, IKE_PRF_HMAC_SHA2_384, 0, false }, { IKE_T_KE, IKE_KE_CURVE25519, 0, false },
	{ IKE_T_ENCR, IKE_ENCR_AES_CBC, 256, false }, { IKE_T_INTEG, IKE_INTEG_HMAC_SHA2_256_128, 0, false },
	{ IKE_T_PRF, IKE_PRF_HMAC_SHA2_256, 0, false }, { IKE_T_KE, IKE_KE_ECP256, 0, false }, { IKE_T_KE, IKE_KE_MODP2048, 0, false },
};
static const struct ike_xform esp_x[] = {
	{ IKE_T_ENCR, IKE_ENCR_AES_GCM_16, 128, false }, { IKE_T_ESN, IKE_ESN_NO, 0, false }, { IKE_T_ESN, IKE_ESN_YES, 0, false },
};

static size_t
seal(struct ike_build *b)
{
	struct ike_seal_room room;

	return ike_build_seal(b, 1, GOLDEN_ICV, &room);
}

static void
natd(struct ike_build *b)
{
	ike_build_notify(b, 0, none, IKE_N_NAT_DETECTION_SOURCE_IP, S(hash));
	ike_build_notify(b, 0, none, IKE_N_NAT_DETECTION_DESTINATION_IP, S(hash));
}

static size_t
init_request(uint8_t *buf, size_t n)
{
	const struct ike_prop p[2] = { { 1, IKE_PROTO_IKE, none, 0, 3, false }, { 2, IKE_PROTO_IKE, none, 3, 5, false } };
	struct ike_hdr h = hdr(0, IKE_SA_INIT, IKE_FLAG_INITIATOR, 0);
	struct wr w = wr_of(buf, n);
	struct ike_build b;

	ike_build_start(&b, &w, &h);
	ike_build_sa(&b, p, 2, ike_x);
	ike_build_ke(&b, IKE_KE_CURVE25519, S(pub_i));
	ike_build_nonce(&b, S(nonce_i));
	natd(&b);
	ike_build_raw(&b, IKE_PL_VENDOR, SPAN_STR("OpenDMVPN"));
	return ike_build_end(&b);
}

static size_t
init_response(uint8_t *buf, size_t n)
{
	const struct ike_prop p = { 2, IKE_PROTO_IKE, none, 3, 4, false };
	struct ike_hdr h = hdr(responder, IKE_SA_INIT, IKE_FLAG_RESPONSE, 0);
	struct wr w = wr_of(buf, n);
	struct ike_build b;

	ike_build_start(&b, &w, &h);
	ike_build_sa(&b, &p, 1, ike_x);
	ike_build_ke(&b, IKE_KE_ECP256, S(pub_r));
	ike_build_nonce(&b, S(nonce_r));
	natd(&b);
	ike_build_notify(&b, 0, none, IKE_N_CHILDLESS_IKEV2_SUPPORTED, none);
	return ike_build_end(&b);
}

static size_t
init_cookie(uint8_t *buf, size_t n)
{
	struct ike_hdr h = hdr(0, IKE_SA_INIT, IKE_FLAG_RESPONSE, 0);
	struct wr w = wr_of(buf, n);
	struct ike_build b;

	ike_build_start(&b, &w, &h);
	ike_build_notify(&b, 0, none, IKE_N_COOKIE, S(hash));
	return ike_build_end(&b);
}

static void
child(struct ike_build *b, struct span spi, unsigned esn, bool v6)
{
	static const uint8_t v6a[16] = { 0x20, 1, 0x0d, 0xb8, [15] = 2 }, v6b[16] = { 0x20, 1, 0x0d, 0xb8, [15] = 1 };
	const struct ike_prop p = { 1, IKE_PROTO_ESP, spi, 0, 1 + esn, false };
	struct ike_ts i = { IKE_TS_IPV4, 47, 0, 65535, addr_of("\x0a\x00\x00\x02", 4), addr_of("\x0a\x00\x00\x02", 4) };
	struct ike_ts r = { IKE_TS_IPV4, 47, 0, 65535, addr_of("\x0a\x00\x00\x01", 4), addr_of("\x0a\x00\x00\x01", 4) };

	if (v6) {
		i = (struct ike_ts){ IKE_TS_IPV6, 47, 0, 65535, addr_of(v6a, 16), addr_of(v6a, 16) };
		r = (struct ike_ts){ IKE_TS_IPV6, 47, 0, 65535, addr_of(v6b, 16), addr_of(v6b, 16) };
	}
	ike_build_sa(b, &p, 1, esp_x);
	ike_build_ts(b, IKE_PL_TSI, &i, 1);
	ike_build_ts(b, IKE_PL_TSR, &r, 1);
}

static size_t
auth_request(uint8_t *buf, size_t n)
{
	struct ike_hdr h = hdr(responder, IKE_AUTH, IKE_FLAG_INITIATOR, 1);
	struct wr w = wr_of(buf, n);
	struct ike_build b;

	ike_build_start(&b, &w, &h);
	ike_build_sk(&b, GOLDEN_IV);
	ike_build_id(&b, IKE_PL_IDI, 2, SPAN_STR("spoke1.dmvpn.example"));
	ike_build_id(&b, IKE_PL_IDR, 2, SPAN_STR("hub.dmvpn.example"));
	ike_build_auth(&b, IKE_AUTH_PSK, S(auth));
	ike_build_notify(&b, 0, none, IKE_N_INITIAL_CONTACT, none);
	ike_build_notify(&b, 0, none, IKE_N_USE_TRANSPORT_MODE, none);
	child(&b, S(spi_a), 2, true);
	return seal(&b);
}

static size_t
auth_response(uint8_t *buf, size_t n)
{
	struct ike_hdr h = hdr(responder, IKE_AUTH, IKE_FLAG_RESPONSE, 1);
	struct wr w = wr_of(buf, n);
	struct ike_build b;

	ike_build_start(&b, &w, &h);
	ike_build_sk(&b, GOLDEN_IV);
	ike_build_id(&b, IKE_PL_IDR, 1, span_of("\x0a\x00\x00\x01", 4));
	ike_build_auth(&b, IKE_AUTH_PSK, S(auth));
	ike_build_notify(&b, 0, none, IKE_N_USE_TRANSPORT_MODE, none);
	child(&b, S(spi_b), 1, false);
	return seal(&b);
}

static size_t
child_rekey(uint8_t *buf, size_t n)
{
	struct ike_hdr h = hdr(responder, IKE_CREATE_CHILD_SA, IKE_FLAG_INITIATOR, 2);
	struct wr w = wr_of(buf, n);
	struct ike_build b;

	ike_build_start(&b, &w, &h);
	ike_build_sk(&b, GOLDEN_IV);
	ike_build_notify(&b, IKE_PROTO_ESP, S(spi_a), IKE_N_REKEY_SA, none);
	ike_build_notify(&b, 0, none, IKE_N_USE_TRANSPORT_MODE, none);
	ike_build_nonce(&b, S(nonce_i));
	ike_build_ke(&b, IKE_KE_CURVE25519, S(pub_i));
	child(&b, S(spi_b), 2, false);
	return seal(&b);
}

static size_t
ike_rekey(uint8_t *buf, size_t n)
{
	const struct ike_prop p = { 1, IKE_PROTO_IKE, S(spi_new), 0, 3, false };
	struct ike_hdr h = hdr(responder, IKE_CREATE_CHILD_SA, 0, 0);
	struct wr w = wr_of(buf, n);
	struct ike_build b;

	ike_build_start(&b, &w, &h);
	ike_build_sk(&b, GOLDEN_IV);
	ike_build_sa(&b, &p, 1, ike_x);
	ike_build_nonce(&b, S(nonce_i));
	ike_build_ke(&b, IKE_KE_CURVE25519, S(pub_i));
	return seal(&b);
}

static size_t
info_delete(uint8_t *buf, size_t n)
{
	static const uint8_t two[8] = { 0xc9, 0x5f, 0x9c, 0xb4, 0xca, 0xb2, 0x62, 0x3c };
	struct ike_hdr h = hdr(responder, IKE_INFORMATIONAL, IKE_FLAG_INITIATOR, 3);
	struct wr w = wr_of(buf, n);
	struct ike_build b;

	ike_build_start(&b, &w, &h);
	ike_build_sk(&b, GOLDEN_IV);
	ike_build_delete(&b, IKE_PROTO_ESP, 4, S(two));
	ike_build_delete(&b, IKE_PROTO_IKE, 0, none);
	return seal(&b);
}

static size_t
info_empty(uint8_t *buf, size_t n)
{
	struct ike_hdr h = hdr(responder, IKE_INFORMATIONAL, IKE_FLAG_INITIATOR | IKE_FLAG_RESPONSE, 7);
	struct wr w = wr_of(buf, n);
	struct ike_build b;

	ike_build_start(&b, &w, &h);
	ike_build_sk(&b, GOLDEN_IV);
	return seal(&b);
}

const struct golden golden[] = {
	{ "sa-init-request", init_request }, { "sa-init-response", init_response }, { "sa-init-cookie", init_cookie },
	{ "auth-request", auth_request }, { "auth-response", auth_response }, { "child-rekey-request", child_rekey },
	{ "ike-rekey-request", ike_rekey }, { "informational-delete", info_delete }, { "informational-empty", info_empty },
};
const int golden_n = sizeof(golden) / sizeof(golden[0]);

struct span
golden_read(const char *name)
{
	static uint8_t out[GOLDEN_MAX];
	char rel[128];
	size_t n;
	char *text;

	snprintf(rel, sizeof(rel), "tests/golden/ike/%s.hex", name);
	text = (char *)test_file(test_src(rel), &n);
	ck_assert_msg(text != NULL, "%s is missing", rel);
	n = test_unhex(text, out, sizeof(out));
	free(text);
	return span_of(out, n);
}

struct span
golden_text(const struct ike_msg *m)
{
	if (m->sk.body.n < GOLDEN_IV + GOLDEN_ICV)
		return span_of(m->raw.p, 0);
	return span_of(m->sk.body.p + GOLDEN_IV, m->sk.body.n - GOLDEN_IV - GOLDEN_ICV);
}

enum ike_drop
golden_parse(struct span message, struct ike_msg *m)
{
	enum ike_drop d = ike_msg_parse(message, m);

	if (d == IKE_OK)
		d = ike_msg_check_clear(m);
	if (d != IKE_OK || !m->n_clear[IKE_PL_SK])
		return d;
	d = ike_msg_parse_inner(m, golden_text(m));
	return d == IKE_OK ? ike_msg_check_inner(m) : d;
}

static unsigned
touch(struct span s)
{
	unsigned sum = 0;

	for (size_t i = 0; i < s.n; i++)
		sum += s.p[i];
	return sum;
}

static volatile unsigned sink;

void
golden_touch(const struct ike_msg *m)
{
	unsigned sum = touch(m->raw) + touch(m->ke) + touch(m->nonce) + touch(m->auth) + touch(m->sk.aad) + touch(m->sk.body);

	sum += touch(m->idi.data) + touch(m->idi.body) + touch(m->idr.data) + touch(m->idr.body);
	for (unsigned i = 0; i < m->n_prop; i++) {
		sum += touch(m->prop[i].spi);
		for (unsigned k = 0; k < m->prop[i].n; k++)
			sum += m->xform[m->prop[i].first + k].id;
	}
	for (unsigned i = 0; i < m->n_notify; i++)
		sum += touch(m->notify[i].spi) + touch(m->notify[i].data);
	for (unsigned i = 0; i < m->n_del; i++)
		for (unsigned k = 0; k < m->del[i].n; k++)
			sum += ike_delete_spi(&m->del[i], k);
	for (unsigned i = 0; i < m->n_rawpl; i++)
		sum += touch(m->rawpl[i].body);
	sink += sum;
}

enum ike_drop
raw_parse(uint8_t exchange, uint8_t flags, uint8_t first, const char *hex, struct ike_msg *m)
{
	static uint8_t buf[65536];
	struct ike_hdr h = hdr(exchange == IKE_SA_INIT && !(flags & IKE_FLAG_RESPONSE) ? 0 : responder, exchange, flags, exchange != IKE_SA_INIT);
	struct wr w = wr_of(buf, sizeof(buf));
	struct ike_build b;
	enum ike_drop d;

	ike_build_start(&b, &w, &h);
	w.p += test_unhex(hex, w.p, sizeof(buf) - IKE_HDR_LEN);
	ck_assert_uint_gt(ike_build_end(&b), 0);
	buf[16] = first;
	d = ike_msg_parse(wr_span(&w), m);
	return d == IKE_OK ? ike_msg_check_clear(m) : d;
}

enum ike_drop
raw_inner(uint8_t exchange, uint8_t flags, uint8_t first, const char *hex, struct ike_msg *m)
{
	static uint8_t buf[65536];
	struct ike_hdr h = hdr(responder, exchange, flags, 1);
	struct wr w = wr_of(buf, sizeof(buf));
	struct ike_build b;
	size_t n;

	ike_build_start(&b, &w, &h);
	ike_build_sk(&b, GOLDEN_IV);
	w.p += test_unhex(hex, w.p, sizeof(buf) - 256);
	n = seal(&b);
	ck_assert_uint_gt(n, 0);
	buf[IKE_HDR_LEN] = first;
	return golden_parse(span_of(buf, n), m);
}
