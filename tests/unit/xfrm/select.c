/* Twin of xfrm/select.c: which packets an SA of plain tunnel mode is for. */
#include "xfrm/select.h"

#include "lib/dpsec.h"
#include "tests/unit/xfrm/xfrm_test.h"
#include "xfrm/esp.h"

static struct dp_range
range(const char *lo, const char *hi)
{
	struct dp_range r = { .proto = 0 };

	ck_assert(addr_parse(lo, &r.lo));
	ck_assert(addr_parse(hi, &r.hi));
	return r;
}

static struct span
packet(const char *src, const char *dst)
{
	static uint8_t p[40];
	struct addr s, d;

	ck_assert(addr_parse(src, &s));
	ck_assert(addr_parse(dst, &d));
	memset(p, 0, sizeof(p));
	p[0] = s.n == 4 ? 0x45 : 0x60;
	memcpy(p + (s.n == 4 ? 12 : 8), s.b, s.n);
	memcpy(p + (s.n == 4 ? 16 : 24), d.b, d.n);
	return span_of(p, s.n == 4 ? 20 : 40);
}

static struct dp_selectors sel;

static void
setup(void)
{
	memset(&sel, 0, sizeof(sel));
	sel.local[0] = range("10.1.0.0", "10.1.255.255");
	sel.local[1] = range("fd01::", "fd01::ffff");
	sel.remote[0] = range("10.2.0.0", "10.2.0.9");
	sel.remote[1] = range("10.4.0.0", "10.4.255.255");
	sel.remote[2] = range("fd02::", "fd02::ffff");
	sel.n_local = 2;
	sel.n_remote = 3;
}

static const struct {
	const char *src, *dst;
	bool out;
} cases[] = {
	{ "10.1.0.0", "10.2.0.0", true }, { "10.1.255.255", "10.2.0.9", true }, { "10.1.2.3", "10.4.1.1", true }, { "fd01::1", "fd02::ffff", true },
	{ "10.0.255.255", "10.2.0.0", false }, { "10.2.0.0", "10.2.0.1", false }, { "10.1.2.3", "10.2.0.10", false }, { "10.1.2.3", "10.3.0.1", false },
	{ "fd01::1:0", "fd02::1", false }, { "fd01::1", "fd03::1", false }, { "10.2.0.1", "10.1.0.1", false },
};

START_TEST(both_addresses_count)
{
	uint8_t next = strchr(cases[_i].src, ':') ? DPSEC_IPV6 : DPSEC_IPV4;

	ck_assert(select_out(&sel, next, packet(cases[_i].src, cases[_i].dst)) == cases[_i].out);
	ck_assert_int_eq(select_in(&sel, next, packet(cases[_i].dst, cases[_i].src)), cases[_i].out ? SELECT_OK : SELECT_OTHER);
}
END_TEST

START_TEST(no_packet_is_nobodys)
{
	struct span p = packet("10.1.0.1", "10.2.0.1");

	for (size_t n = 0; n < 20; n++)
		ck_assert(!select_out(&sel, DPSEC_IPV4, span_of(p.p, n)));
	ck_assert(!select_out(&sel, DPSEC_IPV6, p));
	ck_assert(!select_out(&sel, DPSEC_GRE, p));
	p = packet("fd01::1", "fd02::1");
	ck_assert(!select_out(&sel, DPSEC_IPV6, span_of(p.p, 39)));
	ck_assert_int_eq(select_in(&sel, DPSEC_IPV4, p), SELECT_OTHER);
	((uint8_t *)(uintptr_t)p.p)[0] = 0x45;	/* its version is not what the trailer says */
	ck_assert(!select_out(&sel, DPSEC_IPV6, p));
}
END_TEST

/* 10.1/16[tcp/443] to 10.2.0.0-9[tcp], and the same for IPv6: a web server here. */
static uint8_t ported_packet[80];

static struct span
with_ports(bool v6, uint8_t proto, uint16_t sport, uint16_t dport)
{
	struct span p = v6 ? packet("fd01::1", "fd02::1") : packet("10.1.0.1", "10.2.0.1");

	memset(ported_packet, 0, sizeof(ported_packet));
	memcpy(ported_packet, p.p, p.n);
	ported_packet[v6 ? 6 : 9] = proto;
	put_be16(ported_packet + p.n, sport);
	put_be16(ported_packet + p.n + 2, dport);
	return span_of(ported_packet, p.n + 8);
}

static void
web(void)
{
	for (unsigned i = 0; i < 2; i++) {
		sel.local[i].proto = 6;
		sel.local[i].ports = true;
		sel.local[i].port_lo = sel.local[i].port_hi = 443;
	}
	for (unsigned i = 0; i < 3; i++)
		sel.remote[i].proto = 6;
}

static const struct {
	uint8_t proto;
	uint16_t sport;
	bool out;
} ported[] = { { 6, 443, true }, { 6, 442, false }, { 6, 444, false }, { 17, 443, false }, { 1, 443, false }, { 50, 443, false } };

START_TEST(protocol_and_ports_count)
{
	bool v6 = _i & 1;
	uint8_t next = v6 ? DPSEC_IPV6 : DPSEC_IPV4;
	struct span p = with_ports(v6, ported[_i / 2].proto, ported[_i / 2].sport, 5000);

	web();
	ck_assert(select_out(&sel, next, p) == ported[_i / 2].out);
	ck_assert(!select_out(&sel, next, span_of(p.p, p.n - 5)));	/* cut within its ports */
	p = with_ports(v6, ported[_i / 2].proto, 5000, ported[_i / 2].sport);
	for (unsigned i = 0; i < sizeof(struct addr) - 1 && i < (v6 ? 16 : 4); i++) {	/* the way back */
		uint8_t *a = ported_packet + (v6 ? 8 : 12) + i, t = *a;

		*a = a[v6 ? 16 : 4];
		a[v6 ? 16 : 4] = t;
	}
	ck_assert_int_eq(select_in(&sel, next, p), ported[_i / 2].out ? SELECT_OK : SELECT_OTHER);
	ck_assert(!select_fragment(next, p));
}
END_TEST

/* A part of a packet is not for an SA of some ports, not even the first one, which shows some; for one of a protocol it is. */
START_TEST(fragments_have_no_ports)
{
	static const uint16_t at[] = { 0x2000, 0x2005, 0x0005 };	/* first, one in the middle, last */

	web();
	for (size_t i = 0; i < 3; i++) {
		struct span p = with_ports(false, 6, 443, 5000);

		put_be16(ported_packet + 6, at[i]);
		ck_assert(!select_out(&sel, DPSEC_IPV4, p));
		ck_assert(select_fragment(DPSEC_IPV4, p));
		sel.local[0].ports = false;
		ck_assert(select_out(&sel, DPSEC_IPV4, p));
		sel.local[0].ports = true;
		memcpy(ported_packet + 12, "\x0a\x02\x00\x01\x0a\x01\x00\x01", 8);
		ck_assert_int_eq(select_in(&sel, DPSEC_IPV4, p), SELECT_FRAGMENT);
	}
	with_ports(false, 6, 443, 5000);
	put_be16(ported_packet + 6, 0x4000);	/* DF is none */
	ck_assert(select_out(&sel, DPSEC_IPV4, span_of(ported_packet, 28)));
	for (size_t i = 0; i < 4; i++) {	/* IPv6, behind destination options; the fourth is all there is (RFC 6946) */
		static const uint16_t at6[] = { 1, 8 | 1, 8, 0 };

		with_ports(false, 0, 0, 0);
		with_ports(true, 60, 0, 0);
		ported_packet[40] = 44, ported_packet[48] = 6;
		put_be16(ported_packet + 50, at6[i]);
		put_be16(ported_packet + 56, 443);
		ck_assert(select_out(&sel, DPSEC_IPV6, span_of(ported_packet, 64)) == (i == 3));
		ck_assert(select_fragment(DPSEC_IPV6, span_of(ported_packet, 64)) == (i != 3));
		for (size_t n = 40; n < 60; n++)
			ck_assert(!select_out(&sel, DPSEC_IPV6, span_of(ported_packet, n)));
	}
}
END_TEST

/* What is said to be inside must be what the SA is for: GRE or IP, never the other one. */
START_TEST(next_header_by_kind)
{
	static const uint8_t next[] = { ESP_NEXT_GRE, ESP_NEXT_IPV4, ESP_NEXT_IPV6, 17 };
	const struct esp_suite *s = esp_suite_find(20, 128, 0);
	uint8_t key[20] = { 1 }, buf[256];
	struct test_env t;

	test_env_init(&t);
	for (unsigned plain = 0; plain < 2; plain++) {
		for (size_t i = 0; i < sizeof(next); i++) {
			struct esp_out out = { .suite = s, .key = esp_key_new(&t.env, s, key, key, true), .spi = 1000 };
			struct esp_in in = { .suite = s, .key = esp_key_new(&t.env, s, key, key, false), .replay = replay_new(&t.env, 64, false), .plain = plain };
			bool good = plain ? i == 1 || i == 2 : i == 0;
			struct esp_opened o = { 0 };
			struct span sealed;

			memset(buf, 0x45, sizeof(buf));
			ck_assert_int_eq(esp_wrap(&out, next[i], buf + 64, 40, &sealed), XFRM_OK);
			ck_assert_int_eq(esp_unwrap(&in, (uint8_t *)(uintptr_t)sealed.p, sealed.n, &o), good ? XFRM_OK : XFRM_DROP_NEXT_HEADER);
			if (good)
				ck_assert(o.n == 40 && o.next == next[i]);
			esp_key_free(out.key);
			esp_key_free(in.key);
			env_free(&t.env, in.replay);
		}
	}
	ck_assert_int_eq(t.live, 0);
}
END_TEST

Suite *
select_suite(void)
{
	Suite *s = suite_create("select");
	TCase *t = tcase_create("select");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_loop_test(t, both_addresses_count, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(t, no_packet_is_nobodys);
	tcase_add_loop_test(t, protocol_and_ports_count, 0, 2 * sizeof(ported) / sizeof(ported[0]));
	tcase_add_test(t, fragments_have_no_ports);
	tcase_add_test(t, next_header_by_kind);
	suite_add_tcase(s, t);
	return s;
}
