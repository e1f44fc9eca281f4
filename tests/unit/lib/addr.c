#include "lib/addr.h"
#include "tests/unit/lib/suites.h"

static struct addr
A(const char *text)
{
	struct addr a = { 0 };

	ck_assert_msg(addr_parse(text, &a), "%s", text);
	return a;
}

static struct prefix
P(const char *text)
{
	struct prefix p;

	ck_assert_msg(prefix_parse(text, &p), "%s", text);
	return p;
}

START_TEST(text_round_trip)
{
	static const char *const good[] = { "0.0.0.0", "10.255.0.1", "255.255.255.255", "::", "::1", "2001:db8::1", "fe80::1:2:3:4",
		"1:2:3:4:5:6:7:8", "2001:db8:0:1:1:1:1:1", "2001:0:0:1::1", "1::8", "ff02::5" };
	char out[ADDR_STRLEN];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct addr a = A(good[i]);

		ck_assert_str_eq(addr_fmt(&a, out), good[i]);
	}
}
END_TEST

START_TEST(text_forms)
{
	struct addr a = A("::ffff:1.2.3.4"), b = A("::ffff:102:304"), c = A("2001:DB8:0:0:0:0:0:1"), d = A("2001:db8::1");

	ck_assert(addr_eq(&a, &b));
	ck_assert(addr_eq(&c, &d));
}
END_TEST

START_TEST(text_refused)
{
	static const char *const bad[] = { "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.4 ", " 1.2.3.4", "1..2.3", "1.2.3.", "0001.2.3.4", ":", ":::",
		"1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "g::", "1:2:3:4:5:6:7:8::", "::1.2.3", "1.2.3.4::", ":1:2:3:4:5:6:7:8",
		"1:2:3:4:5:6:7:1.2.3.4", "1:", "fe80::1%eth0" };
	struct addr a = A("9.9.9.9"), before = a;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!addr_parse(bad[i], &a), "took \"%s\"", bad[i]);
	ck_assert(addr_eq(&a, &before));
}
END_TEST

START_TEST(kinds)
{
	struct { const char *text; bool zero, multicast, unicast; } row[] = {
		{ "0.0.0.0", true, false, false }, { "::", true, false, false }, { "224.0.0.5", false, true, false }, { "239.1.1.1", false, true, false },
		{ "ff02::1", false, true, false }, { "127.0.0.1", false, false, false }, { "::1", false, false, false },
		{ "255.255.255.255", false, false, false }, { "10.0.0.1", false, false, true }, { "2001:db8::1", false, false, true } };

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct addr a = A(row[i].text);

		ck_assert_msg(addr_is_zero(&a) == row[i].zero && addr_is_multicast(&a) == row[i].multicast && addr_is_unicast(&a) == row[i].unicast,
		    "%s", row[i].text);
	}
}
END_TEST

START_TEST(odd_lengths_are_none)
{
	uint8_t b[20] = { 1 };

	for (size_t n = 0; n <= sizeof(b); n++)
		ck_assert_uint_eq(addr_of(b, n).n, n == 4 || n == 16 ? n : 0);
}
END_TEST

START_TEST(prefixes)
{
	struct prefix p = P("10.1.2.3/20"), host = P("10.1.2.3"), mask = P("10.1.2.3 255.255.240.0"), v6 = P("2001:db8:ffff::1/33"), kept;
	struct addr in = A("10.1.15.255"), out = A("10.1.16.0"), six = A("2001:db8:8000::");
	char text[PREFIX_STRLEN];

	ck_assert_str_eq(prefix_fmt(&p, text), "10.1.0.0/20");
	ck_assert(prefix_eq(&p, &mask));
	ck_assert_uint_eq(host.bits, 32);
	ck_assert_str_eq(prefix_fmt(&v6, text), "2001:db8:8000::/33");
	ck_assert(prefix_has(&p, &in) && !prefix_has(&p, &out) && !prefix_has(&p, &six) && prefix_has(&v6, &six));
	ck_assert(prefix_covers(&p, &host) && !prefix_covers(&host, &p) && prefix_covers(&p, &p));
	ck_assert(prefix_parse_host("10.1.2.3/20", &kept));
	ck_assert_str_eq(prefix_fmt(&kept, text), "10.1.2.3/20");
}
END_TEST

START_TEST(prefixes_refused)
{
	static const char *const bad[] = { "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/1x", "::/129", "10.0.0.0 255.0.255.0", ":: 255.0.0.0", "10.0.0.0/0001",
		"10.0.0.0 ", "x/8" };
	struct prefix p;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!prefix_parse(bad[i], &p), "took \"%s\"", bad[i]);
}
END_TEST

START_TEST(default_route_holds_all_of_its_family)
{
	struct prefix p = P("0.0.0.0/0"), q = P("::/0");
	struct addr a = A("1.2.3.4"), b = A("2001:db8::1"), none = { 0 };

	ck_assert(prefix_has(&p, &a) && !prefix_has(&p, &b) && prefix_has(&q, &b) && !prefix_has(&q, &a) && !prefix_has(&p, &none));
}
END_TEST

START_TEST(endpoints)
{
	struct endpoint a = { A("192.0.2.1"), 500 }, b = { A("2001:db8::1"), 4500 };
	char text[ENDPOINT_STRLEN];

	ck_assert_str_eq(endpoint_fmt(&a, text), "192.0.2.1:500");
	ck_assert_str_eq(endpoint_fmt(&b, text), "[2001:db8::1]:4500");
	ck_assert(!endpoint_eq(&a, &b) && endpoint_eq(&a, &a));
}
END_TEST

START_TEST(order)
{
	struct addr none = { 0 }, a = A("1.1.1.1"), b = A("1.1.1.2"), c = A("::");

	ck_assert(addr_cmp(&none, &a) < 0 && addr_cmp(&a, &b) < 0 && addr_cmp(&b, &c) < 0 && addr_cmp(&c, &c) == 0);
}
END_TEST

SUITE(addr, text_round_trip, text_forms, text_refused, kinds, odd_lengths_are_none, prefixes, prefixes_refused, default_route_holds_all_of_its_family,
    endpoints, order)
