/* routing/zapi.c against what zebra said (tests/golden/zapi), and the table of releases against itself. */
#include "routing/zapi.h"

#include <stdio.h>

#include "tests/unit/harness.h"

Suite *suite_zapi(void);

static uint8_t octets[512];
static struct zapi_frame frame;
static const struct zapi_version *v84;

/* A message of the capture, by its name. */
static struct span
golden(const char *name)
{
	static char *text;
	char line[64];
	const char *at;
	size_t n;

	if (!text)
		text = (char *)test_file(test_src("tests/golden/zapi/session-8.4.4.hexes"), &n);
	ck_assert_ptr_nonnull(text);
	snprintf(line, sizeof(line), "\n%s ", name);
	at = strstr(text, line);
	ck_assert_msg(at != NULL, "no %s", name);
	n = test_unhex(at + strlen(line) + strspn(at + strlen(line), " "), octets, 256);
	while (n > 2 && n > get_be16(octets))	/* the next line's name may begin like hex */
		n--;
	ck_assert_uint_eq(n, get_be16(octets));
	ck_assert_int_eq(zapi_frame(span_of(octets, n), &frame), ZAPI_WHOLE);
	v84 = &zapi_versions[zapi_version_of("8.4")];
	return frame.body;
}

static bool
text_is(const struct prefix *p, const char *want)
{
	char got[PREFIX_STRLEN];

	return strcmp(prefix_fmt(p, got), want) == 0;
}

START_TEST(session_of_8_4)
{
	struct zapi_capabilities c;
	struct zapi_interface i;
	struct zapi_address a;
	struct zapi_route r;
	struct zapi_note n;
	struct prefix id;
	uint32_t code;

	ck_assert(zapi_error(golden("error-unknown"), &code) && code == 2 && frame.vrf == 0 && frame.command == 118);
	ck_assert(zapi_error(golden("error-no-vrf"), &code) && code == 1 && frame.vrf == ZAPI_ASK_VRF);
	ck_assert(zapi_capabilities(v84, golden("capabilities"), &c) && c.ecmp_max == 256 && c.mpls == 0);
	ck_assert(zapi_router_id(golden("router-id"), &id) && id.bits == 32 && id.addr.b[3] == 1);
	ck_assert(zapi_interface(v84, golden("interface-lo"), &i));
	ck_assert(strcmp(i.name, "lo") == 0 && i.ifindex == 1 && i.mtu == 65536 && i.link_type == 30);
	ck_assert(zapi_interface(v84, golden("interface-v0"), &i));
	ck_assert(strcmp(i.name, "v0") == 0 && i.ifindex == 3 && i.mtu == 1500 && i.mtu6 == 1500 && i.flags & ZAPI_IFF_UP && i.flags & ZAPI_IFF_RUNNING);
	ck_assert(zapi_address(golden("address4"), &a) && a.ifindex == 3 && a.address.bits == 24 && a.address.addr.b[3] == 1);
	ck_assert(zapi_address(golden("address6"), &a) && a.address.bits == 64 && a.address.addr.n == 16);
	ck_assert(zapi_route(v84, golden("learnt-connected"), &r));
	ck_assert(r.type == ZAPI_RT_CONNECT && text_is(&r.dst, "10.0.0.0/24") && r.n_nexthop == 1 && r.nexthop.type == ZAPI_NH_IFINDEX && r.nexthop.ifindex == 3);
	ck_assert(zapi_route(v84, golden("learnt-ours"), &r));
	ck_assert(r.type == ZAPI_RT_NHRP && r.flags == (ZAPI_RF_RECURSION | ZAPI_RF_FIB_OVERRIDE) && text_is(&r.dst, "172.16.0.0/16") && r.nexthop.via.b[3] == 2);
	ck_assert(r.has_distance && r.distance == 10 && r.metric == 5 && !r.has_tag && r.has_mtu && r.mtu == 1360);
	ck_assert(zapi_note(v84, golden("note-installed"), &n) && n.kind == ZAPI_NOTE_INSTALLED && text_is(&n.dst, "172.16.0.0/16") && n.table == 254);
	golden("barrier");
	ck_assert_int_eq(zapi_cmd_of(v84, frame.command), ZAPI_GRE);
	golden("vrf-add");
	ck_assert_int_eq(zapi_cmd_of(v84, frame.command), ZAPI_VRF_ADD);
}
END_TEST

/* Every body cut anywhere, and one octet longer, is refused. */
START_TEST(lengths)
{
	static const char *const name[] = { "capabilities", "router-id", "interface-lo", "interface-v0", "address4", "address6", "learnt-connected", "learnt-ours", "note-installed",
		"error-unknown", "no-way", "way" };
	union {
		struct zapi_capabilities c;
		struct zapi_interface i;
		struct zapi_address a;
		struct zapi_route r;
		struct zapi_note n;
		struct zapi_tracked t;
		struct prefix id;
		uint32_t code;
	} u;
	struct span body = golden(name[_i]);

	for (size_t n = 0; n <= body.n + 1; n++) {
		struct span s = span_of(body.p, n);
		bool ok[] = { zapi_capabilities(v84, s, &u.c), zapi_router_id(s, &u.id), zapi_interface(v84, s, &u.i), zapi_interface(v84, s, &u.i), zapi_address(s, &u.a),
			zapi_address(s, &u.a), zapi_route(v84, s, &u.r), zapi_route(v84, s, &u.r), zapi_note(v84, s, &u.n), zapi_error(s, &u.code), zapi_tracked(v84, s, &u.t), zapi_tracked(v84, s, &u.t) };

		ck_assert_msg(ok[_i] == (n == body.n), "%s at %zu of %zu", name[_i], n, body.n);
	}
}
END_TEST

START_TEST(framing)
{
	struct span body = golden("router-id");
	size_t n = frame.n;
	uint8_t bad[4][10] = { { 0, 9, 254, 6 }, { 0x40, 1, 254, 6 }, { 0, 10, 253, 6 }, { 0, 10, 254, 5 } };

	(void)body;
	for (size_t k = 0; k < n; k++)
		ck_assert_int_eq(zapi_frame(span_of(octets, k), &frame), ZAPI_MORE);
	ck_assert_int_eq(zapi_frame(span_of(octets, n + 7), &frame), ZAPI_WHOLE);
	ck_assert_uint_eq(frame.n, n);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(zapi_frame(span_of(bad[i], 10), &frame), ZAPI_BROKEN);
}
END_TEST

/* The same message as later releases have it: the octets they added, put where they belong. */
static struct span
grown(struct span body, size_t at, size_t n)
{
	static uint8_t out[600];

	memcpy(out, body.p, at);
	memset(out + at, 0, n);
	memcpy(out + at + n, body.p + at, body.n - at);
	return span_of(out, body.n + n);
}

static const struct zapi_version *
release(const char *name)
{
	ck_assert_int_ge(zapi_version_of(name), 0);
	return &zapi_versions[zapi_version_of(name)];
}

START_TEST(layouts_of_other_releases)
{
	struct zapi_interface i;
	struct zapi_route r;
	struct zapi_note n;
	struct span b = golden("interface-v0");

	b = grown(b, 39, 4);	/* txqlen before the MTU */
	ck_assert(zapi_interface(release("9.1"), b, &i) && i.mtu == 1500 && i.ifindex == 3);
	ck_assert(!zapi_interface(release("9.0"), b, &i) && !zapi_interface(release("10.6"), b, &i));
	memcpy(octets + 256, b.p, b.n);
	b = grown(span_of(octets + 256, b.n), 59, 4);	/* kind of interface before the link type */
	ck_assert(zapi_interface(release("10.6"), b, &i) && i.mtu6 == 1500 && i.link_type == 1);
	ck_assert(!zapi_interface(release("10.5"), b, &i));
	b = grown(golden("interface-v0"), 16, 4);	/* names of 20 octets */
	ck_assert(zapi_interface(release("8.2"), b, &i) && strcmp(i.name, "v0") == 0 && i.ifindex == 3);
	ck_assert(!zapi_interface(release("8.3"), b, &i));
	b = grown(golden("learnt-ours"), 31, 4);	/* weights of 64 bits */
	ck_assert(zapi_route(release("10.1"), b, &r) && r.mtu == 1360);
	ck_assert(!zapi_route(release("10.0"), b, &r) && r.type == ZAPI_RT_EIGRP);
	b = grown(golden("note-installed"), 10, 5);	/* source prefix */
	ck_assert(zapi_note(release("10.3"), b, &n) && n.table == 254);
	ck_assert(!zapi_note(release("10.2"), b, &n));
	ck_assert_uint_eq(zapi_type_number(release("10.0"), ZAPI_RT_NHRP), 13);
	ck_assert_uint_eq(zapi_type_number(release("9.1"), ZAPI_RT_NHRP), 12);
	ck_assert_uint_eq(zapi_type_number(release("10.0"), ZAPI_RT_ALL), 32);
	ck_assert_uint_eq(zapi_type_of(release("10.0"), 3), ZAPI_RT_LOCAL);
}
END_TEST

START_TEST(numbers)
{
	char names[256] = "";

	for (unsigned k = 0; k < zapi_n_versions; k++) {
		const struct zapi_version *v = &zapi_versions[k];

		for (enum zapi_cmd c = 0; c < ZAPI_CMDS; c++)
			ck_assert_msg(zapi_cmd_of(v, zapi_number(v, c)) == c, "%s: %u", v->name, c);
		ck_assert_int_eq(zapi_cmd_of(v, 60000), ZAPI_CMDS);
		for (unsigned t = 0; t < 20; t++)
			ck_assert_uint_eq(zapi_type_of(v, zapi_type_number(v, t)), t);
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", k ? "|" : "", v->name);
	}
	ck_assert_str_eq(names, ZAPI_RELEASES);
	ck_assert_int_eq(zapi_version_of("7.5"), -1);
}
END_TEST

/* What the answers to the questions leave possible: reference/zapi.md, section 2. */
START_TEST(guesses)
{
	static const struct {
		uint16_t number;
		bool unknown;
		const char *first, *last;
	} row[] = { { 121, true, "8.1", "8.1" }, { 118, true, "8.2", "9.0" }, { 117, true, "9.1", "9.1" }, { 118, false, "10.0", "10.1" }, { 120, false, "10.2", "10.7" } };

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		uint32_t want = 0;

		for (int k = zapi_version_of(row[i].first); k <= zapi_version_of(row[i].last); k++)
			want |= 1u << k;
		ck_assert_uint_eq(zapi_guess(row[i].number, row[i].unknown), want);
	}
	ck_assert_uint_eq(zapi_guess(120, true), 0);
	ck_assert_uint_eq(zapi_guess(7, false), 0);
}
END_TEST

static void
put_is(const struct wr *w, const char *hex)
{
	uint8_t want[128];
	size_t n = test_unhex(hex, want, sizeof(want));

	ck_assert(!w->bad);
	ck_assert_uint_eq(wr_len(w), n);
	ck_assert_mem_eq(w->base, want, n);
}

START_TEST(what_is_sent)
{
	struct zapi_route r = { .flags = ZAPI_RF_RECURSION | ZAPI_RF_FIB_OVERRIDE, .has_distance = true, .distance = 10, .has_metric = true, .metric = 5, .has_tag = true,
		.tag = 77, .has_mtu = true, .mtu = 1360, .nexthop = { ZAPI_NH_IPV4_IFINDEX, .ifindex = 12, .onlink = true } }, back;
	uint8_t buf[256];
	struct wr w = wr_of(buf, sizeof(buf));

	golden("router-id");
	zapi_put_hello(&w, v84);
	put_is(&w, "0013fe06000000000012 0c0000000000000100");
	w = wr_of(buf, sizeof(buf));
	zapi_put_hello(&w, release("10.1"));
	zapi_put_note_request(&w, release("10.1"));
	put_is(&w, "0012fe060000000000130d00000000000000 000bfe0600000000007c01");
	w = wr_of(buf, sizeof(buf));
	zapi_put_router_id(&w, v84, 1);
	zapi_put_redistribute(&w, v84, 1);
	put_is(&w, "000cfe0600000000000f0001 000efe0600000000000b011e0000");
	w = wr_of(buf, sizeof(buf));
	prefix_parse("10.20.0.0/16", &r.dst);
	addr_parse("10.0.0.2", &r.nexthop.via);
	zapi_put_route(&w, v84, &r);
	put_is(&w, "0037fe060000000000080c0000000000110000001f010210 0a14 0001 0000000003010a0000020000000c 0a000000050000004d00000550");
	ck_assert_int_eq(zapi_frame(wr_span(&w), &frame), ZAPI_WHOLE);
	ck_assert(zapi_route(v84, frame.body, &back) && back.nexthop.onlink && prefix_eq(&back.dst, &r.dst) && back.tag == 77);
	w = wr_of(buf, sizeof(buf));
	zapi_put_route_del(&w, v84, &r.dst);
	put_is(&w, "001afe06000000000009 0c0000 00000000 00000000 0102100a14");
	w = wr_of(buf, 20);
	zapi_put_route(&w, v84, &r);
	ck_assert(w.bad);
}
END_TEST

START_TEST(watched)
{
	struct span body = golden("bfd-down");
	struct zapi_bfd_change b;
	struct zapi_tracked t;
	uint8_t more[64];
	char vrf[ZAPI_VRF_NAME + 1];

	ck_assert_int_eq(zapi_cmd_of(v84, frame.command), ZAPI_BFD_UPDATE);
	for (size_t n = 0; n < body.n; n++)
		ck_assert(!zapi_bfd_change(span_of(body.p, n), &b));
	ck_assert(zapi_bfd_change(body, &b) && b.ifindex == 3 && b.state == ZAPI_BFD_DOWN && b.peer.b[3] == 2 && b.local.b[3] == 1);
	memcpy(more, body.p, body.n);
	memcpy(more + body.n, "\2ab", 4);	/* with the session's name, as from 10.3 on */
	ck_assert(zapi_bfd_change(span_of(more, body.n + 3), &b));
	ck_assert(!zapi_bfd_change(span_of(more, body.n + 2), &b) && !zapi_bfd_change(span_of(more, body.n + 4), &b));
	more[13] = 3;	/* no such state */
	ck_assert(!zapi_bfd_change(span_of(more, body.n), &b));
	ck_assert(zapi_tracked(v84, golden("no-way"), &t) && t.n_nexthop == 0 && t.what.b[0] == 192);
	ck_assert_int_eq(zapi_cmd_of(v84, frame.command), ZAPI_NEXTHOP_UPDATE);
	ck_assert(zapi_tracked(v84, golden("way"), &t) && t.n_nexthop == 1 && text_is(&t.by, "10.0.0.0/24") && t.nexthop.ifindex == 3);
	ck_assert(!zapi_tracked(&zapi_versions[zapi_version_of("10.3")], golden("way"), &t));
	ck_assert(zapi_vrf(golden("vrf-add"), vrf));
	ck_assert_str_eq(vrf, "default");
}
END_TEST

START_TEST(what_a_watcher_sends)
{
	uint8_t buf[256];
	struct wr w = wr_of(buf, sizeof(buf));
	struct zapi_bfd b = { .ifname = "v0", .min_rx_ms = 300, .min_tx_ms = 300, .multiplier = 3 };

	golden("way");
	addr_parse("10.0.0.2", &b.peer);
	addr_parse("10.0.0.1", &b.local);
	zapi_put_hello_watcher(&w, v84);
	put_is(&w, "0013fe06000000000012 1a ffff 00000000 00 00");
	w = wr_of(buf, sizeof(buf));
	zapi_put_bfd(&w, v84, 0, 0x40000007, true, &b);
	put_is(&w, "002afe0600000000001a 40000007 0002 0a000002 0000012c 0000012c 03 00 0002 0a000001 01 02 7630 00 00");
	w = wr_of(buf, sizeof(buf));
	zapi_put_bfd(&w, v84, 5, 0x40000007, false, &b);
	ck_assert(zapi_frame(wr_span(&w), &frame) == ZAPI_WHOLE && frame.vrf == 5 && frame.command == 27);
	w = wr_of(buf, sizeof(buf));
	zapi_put_track(&w, v84, 0, true, &b.peer);
	put_is(&w, "0015fe06000000000014 00 01 0001 0002 20 0a000002");
	w = wr_of(buf, sizeof(buf));
	zapi_put_track(&w, v84, 0, false, &b.peer);
	put_is(&w, "0015fe06000000000015 00 00 0001 0002 20 0a000002");
	w = wr_of(buf, sizeof(buf));
	zapi_put_hello_watcher(&w, &zapi_versions[zapi_version_of("10.4")]);
	put_is(&w, "0012fe06000000000013 1b ffff 00000000 00");
}
END_TEST

Suite *
suite_zapi(void)
{
	Suite *s = suite_create("routing/zapi");
	TCase *c = tcase_create("zapi");

	tcase_add_test(c, session_of_8_4);
	tcase_add_loop_test(c, lengths, 0, 12);
	tcase_add_test(c, watched);
	tcase_add_test(c, what_a_watcher_sends);
	tcase_add_test(c, framing);
	tcase_add_test(c, layouts_of_other_releases);
	tcase_add_test(c, numbers);
	tcase_add_test(c, guesses);
	tcase_add_test(c, what_is_sent);
	suite_add_tcase(s, c);
	return s;
}
