/* Foreign captures: every UDP datagram to or from 500 and 4500 is read or refused with a name; what is said of each stands here.
 * Some of them once broke a decoder. */
#include "tests/unit/ike_wire/golden.h"

#include <stdio.h>
#include <stdlib.h>

static uint32_t
le32(const uint8_t *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

/* The UDP payload of a frame; empty where it is none of ours. */
static struct span
udp_payload(struct span frame, uint32_t link)
{
	struct cur c = cur_of(frame);
	uint16_t sport, dport;
	uint8_t first;

	cur_take(&c, link == 0 ? 4 : link == 1 ? 14 : 0);
	first = cur_u8(&c);
	if (first >> 4 == 4) {
		cur_take(&c, 8);
		if (cur_u8(&c) != 17)
			return span_of(frame.p, 0);
		cur_take(&c, (first & 15u) * 4 - 10);
	} else {
		cur_take(&c, 39);
	}
	sport = cur_be16(&c);
	dport = cur_be16(&c);
	cur_take(&c, 4);
	if (c.bad || (sport != 500 && dport != 500 && sport != 4500 && dport != 4500))
		return span_of(frame.p, 0);
	if ((sport == 4500 || dport == 4500) && cur_left(&c) >= 4 && get_be32(c.p) == 0)
		cur_take(&c, 4);
	return cur_rest(&c);
}

static const struct {
	const char *file, *said;	/* words of the drops, in order */
} captures[] = {
	{ "ikev2four.pcap", "ok ok ok ok ok ok ok ok ok ok ok ok ok ok ok ok ok ok ok ok ok" },
	{ "ikev2pI2.pcap", "ok ok" },
	{ "ISAKMP_sa_setup.pcap", "version version version version version version version version version" },
	{ "ikev2-id-short.pcap", "spi-zero" },
	{ "isakmp-pointer-loop.pcap", "version" },
	{ "isakmp-rfc3948-oobr.pcap", "" },	/* a datagram without content */
};

START_TEST(capture)
{
	char path[128], said[512] = "";
	size_t n, at = 24, len = 0;
	uint8_t *pcap;

	snprintf(path, sizeof(path), "vectors/ike/tcpdump/%s", captures[_i].file);
	pcap = test_shared(path, &n);
	if (!pcap)
		return;
	while (at + 16 <= n) {
		uint32_t caplen = le32(pcap + at + 8);
		struct span udp;
		struct ike_msg m;
		enum ike_drop d;
		uint8_t *copy;

		at += 16;
		if (caplen > n - at)
			caplen = (uint32_t)(n - at);
		udp = udp_payload(span_of(pcap + at, caplen), le32(pcap + 20) & 0xffff);
		at += caplen;
		if (udp.n == 0)
			continue;
		copy = exact_copy(udp);
		d = ike_msg_parse(span_of(copy, udp.n), &m);
		if (d == IKE_OK)
			d = ike_msg_check_clear(&m);
		if (d == IKE_OK)
			golden_touch(&m);
		len += (size_t)snprintf(said + len, sizeof(said) - len, "%s%s", len ? " " : "", ike_drop_word(d));
		free(copy);
	}
	free(pcap);
	ck_assert_msg(strcmp(said, captures[_i].said) == 0, "%s: %s", captures[_i].file, said);
}
END_TEST

suite_fn suite_captures;
Suite *
suite_captures(void)
{
	Suite *s = suite_create("captures");
	TCase *tc = tcase_create("captures");

	tcase_add_loop_test(tc, capture, 0, sizeof(captures) / sizeof(captures[0]));
	suite_add_tcase(s, tc);
	return s;
}
