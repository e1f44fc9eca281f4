/* Twin of lib/traffic.c: words of protocols and ports. What it sees in packets is tested with xfrm/select.c, which asks it. */
#include "lib/traffic.h"

#include "tests/unit/lib/suites.h"

START_TEST(protocols)
{
	uint8_t p = 0;

	ck_assert(traffic_proto_parse("tcp", &p) && p == 6);
	ck_assert(traffic_proto_parse("UDP", &p) && p == 17);
	ck_assert(traffic_proto_parse("255", &p) && p == 255);
	ck_assert(!traffic_proto_parse("256", &p) && !traffic_proto_parse("", &p) && !traffic_proto_parse("6x", &p) && !traffic_proto_parse("tc", &p));
	ck_assert(!traffic_proto_parse("99999999999999999999", &p));
	ck_assert(traffic_has_ports(6) && traffic_has_ports(17) && traffic_has_ports(132) && !traffic_has_ports(1) && !traffic_has_ports(0));
}
END_TEST

START_TEST(ports)
{
	uint16_t p = 1;

	ck_assert(traffic_port_parse("0", &p) && p == 0);
	ck_assert(traffic_port_parse("65535", &p) && p == 65535);
	ck_assert(traffic_port_parse("www", &p) && p == 80);
	ck_assert(traffic_port_parse("ftp", &p) && p == 21);
	ck_assert(!traffic_port_parse("65536", &p) && !traffic_port_parse("-1", &p) && !traffic_port_parse("10.1.0.0", &p) && !traffic_port_parse("fd01::", &p));
}
END_TEST

START_TEST(words)
{
	static const struct {
		struct dp_range r;
		const char *text;
	} c[] = {
		{ { .proto = 0 }, "" }, { { .proto = 6 }, "[tcp]" }, { { .proto = 99 }, "[99]" },
		{ { .proto = 17, .ports = true, .port_lo = 53, .port_hi = 53 }, "[udp/53]" },
		{ { .proto = 132, .ports = true, .port_lo = 10000, .port_hi = 65535 }, "[sctp/10000-65535]" },
		{ { .proto = 255, .ports = true }, "[255/0]" },
	};
	char text[TRAFFIC_STRLEN];

	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++)
		ck_assert_str_eq(traffic_fmt(&c[i].r, text), c[i].text);
}
END_TEST

/* A selector asks for ports on either side, in any of its ranges. */
START_TEST(for_some_ports)
{
	struct dp_selectors s = { .n_local = 2, .n_remote = 2 };

	ck_assert(!dp_selectors_ports(&s));
	s.remote[1].ports = true;
	ck_assert(dp_selectors_ports(&s));
	s.n_remote = 1;
	ck_assert(!dp_selectors_ports(&s));
	s.local[1].ports = true;
	ck_assert(dp_selectors_ports(&s));
}
END_TEST

SUITE(traffic, protocols, ports, words, for_some_ports)
