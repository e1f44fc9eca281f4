/* tests/unit/tools_dump/dump_frame.c: twin of tools/dump_frame.c. */
#include "tests/unit/tools_dump/frames.h"

static const struct shape plain = { .link = DUMP_LINK_ETHERNET, .carrier = IP4, .gre = 0x2000 };

/* From a copy that ends where its memory ends. */
static enum dump_kind
look(enum dump_link link, const uint8_t *octets, size_t n, struct dump_frame *out)
{
	uint8_t *copy = malloc(n ? n : 1);
	enum dump_kind kind;

	ck_assert_ptr_nonnull(copy);
	if (n)
		memcpy(copy, octets, n);
	kind = dump_frame(link, span_of(copy, n), out);
	if (out->nhrp.n)	/* as an offset into the original */
		out->nhrp.p = octets + (out->nhrp.p - copy);
	free(copy);
	return kind;
}

START_TEST(finds_it_in_every_shape)
{
	const struct shape *s = &shapes[_i];
	struct octets packet = golden("registration-request-worked"), frame;
	char src[ADDR_STRLEN], dst[ADDR_STRLEN];
	struct dump_frame f;

	wrap(s, octets_span(&packet), &frame);
	ck_assert_int_eq(look(s->link, frame.b, frame.n, &f), DUMP_NHRP);
	ck_assert(span_eq(f.nhrp, octets_span(&packet)));
	ck_assert_str_eq(addr_fmt(&f.src, src), s->carrier == BARE ? "-" : s->carrier == IP4 ? "192.0.2.1" : "2001:db8::1");
	ck_assert_str_eq(addr_fmt(&f.dst, dst), s->carrier == BARE ? "-" : s->carrier == IP4 ? "198.51.100.2" : "2001:db8::2");
	ck_assert_uint_eq(f.ttl, s->carrier == BARE ? 0 : SHAPE_TTL);
	ck_assert(f.gre == (s->carrier != BARE && !s->no_gre));
	ck_assert(f.has_key == !!(s->gre & 0x2000) && (!f.has_key || f.key == SHAPE_KEY));
	ck_assert(f.has_seq == !!(s->gre & 0x1000) && (!f.has_seq || f.seq == SHAPE_SEQ));
	ck_assert(f.has_sum == !!(s->gre & 0x8000));
	ck_assert(f.more_fragments == s->fragment);
	ck_assert_uint_eq(f.n_vlan, s->n_vlan);
	for (unsigned i = 0; i < s->n_vlan; i++)
		ck_assert_uint_eq(f.vlan[i], s->vlan[i]);
}
END_TEST

/* Cut anywhere: before NHRP begins one cannot tell, behind that there is so much less of it. */
START_TEST(every_length)
{
	const struct shape *s = &shapes[_i];
	struct octets packet = golden("registration-request-worked"), frame;
	size_t head;
	struct dump_frame f;

	wrap(s, octets_span(&packet), &frame);
	head = frame.n - packet.n - s->pad;
	for (size_t n = 0; n < frame.n; n++) {
		enum dump_kind kind = look(s->link, frame.b, n, &f);

		ck_assert_int_eq(kind, n < head ? DUMP_CUT : DUMP_NHRP);
		if (kind == DUMP_NHRP)
			ck_assert_uint_eq(f.nhrp.n, n - head < packet.n ? n - head : packet.n);
	}
}
END_TEST

/* One octet changed in a frame of the plain shape: Ethernet 14, IPv4 20, GRE 8. */
static const struct {
	const char *what;
	unsigned at;
	uint8_t is;
	enum dump_kind kind;
} changes[] = {
	{ "ARP", 13, 0x06, DUMP_OTHER }, { "IP version 5", 14, 0x55, DUMP_OTHER }, { "IPv4 header of 16 octets", 14, 0x44, DUMP_OTHER },
	{ "IPv4 header longer than the packet", 14, 0x4f, DUMP_OTHER }, { "UDP", 23, 17, DUMP_OTHER }, { "ESP", 23, 50, DUMP_ESP },
	{ "IPv6 options in IPv4", 23, 0, DUMP_OTHER }, { "fragment header in IPv4", 23, 44, DUMP_OTHER },
	{ "a later fragment", 21, 1, DUMP_FRAGMENT }, { "GRE version 1", 35, 1, DUMP_OTHER }, { "GRE with routing", 34, 0x40, DUMP_OTHER },
	{ "other GRE protocol", 36, 0x88, DUMP_OTHER }, { "IPv4 length of 19", 16, 0, DUMP_OTHER },
};

START_TEST(what_it_is_not)
{
	struct octets packet = golden("registration-request-worked"), frame;
	struct dump_frame f;

	wrap(&plain, octets_span(&packet), &frame);
	frame.b[17] = changes[_i].at == 16 ? 19 : frame.b[17];
	if (strstr(changes[_i].what, "longer"))
		put_be16(frame.b + 16, 59);
	frame.b[changes[_i].at] = changes[_i].is;
	ck_assert_msg(look(DUMP_LINK_ETHERNET, frame.b, frame.n, &f) == changes[_i].kind, "%s", changes[_i].what);
	ck_assert_uint_eq(f.nhrp.n, 0);
}
END_TEST

START_TEST(a_later_fragment_of_nhrp_without_gre)
{
	struct octets packet = golden("purge-reply"), frame;
	const struct shape s = { .link = DUMP_LINK_RAW, .carrier = IP4, .no_gre = true };
	struct dump_frame f;

	wrap(&s, octets_span(&packet), &frame);
	frame.b[7] = 2;
	ck_assert_int_eq(look(DUMP_LINK_RAW, frame.b, frame.n, &f), DUMP_FRAGMENT);
}
END_TEST

/* A length of 0 is what one captures before segmentation by the network card. */
START_TEST(length_left_to_the_card)
{
	struct octets packet = golden("registration-request-worked"), frame;
	struct dump_frame f;

	wrap(&plain, octets_span(&packet), &frame);
	put_be16(frame.b + 16, 0);
	ck_assert_int_eq(look(DUMP_LINK_ETHERNET, frame.b, frame.n, &f), DUMP_NHRP);
	ck_assert(span_eq(f.nhrp, octets_span(&packet)));
}
END_TEST

START_TEST(deep_nesting_ends)
{
	struct octets frame = { .n = 0 };
	struct dump_frame f;

	for (unsigned i = 0; i < 60; i++) {
		uint8_t *h = frame.b + frame.n;

		memset(h, 0, 20);
		h[0] = 0x45;
		h[9] = 4;	/* IP in IP */
		frame.n += 20;
	}
	ck_assert_int_eq(look(DUMP_LINK_RAW, frame.b, frame.n, &f), DUMP_OTHER);
	ck_assert_uint_eq(f.nhrp.n, 0);
}
END_TEST

START_TEST(link_types)
{
	static const struct {
		int dlt;
		enum dump_link link;
	} t[] = { { 1, DUMP_LINK_ETHERNET }, { 12, DUMP_LINK_RAW }, { 101, DUMP_LINK_RAW }, { 228, DUMP_LINK_RAW }, { 0, DUMP_LINK_NULL },
		{ 113, DUMP_LINK_SLL }, { 276, DUMP_LINK_SLL2 }, { 105, DUMP_LINK_NONE }, { -1, DUMP_LINK_NONE } };
	struct dump_frame f;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		ck_assert_int_eq(dump_link_of(t[i].dlt), t[i].link);
	ck_assert_int_eq(dump_frame(DUMP_LINK_NONE, SPAN_STR("x"), &f), DUMP_OTHER);
}
END_TEST

Suite *
suite_dump_frame(void)
{
	Suite *s = suite_create("dump_frame");
	TCase *t = tcase_create("dump_frame");

	tcase_add_loop_test(t, finds_it_in_every_shape, 0, (int)n_shapes);
	tcase_add_loop_test(t, every_length, 0, (int)n_shapes);
	tcase_add_loop_test(t, what_it_is_not, 0, (int)(sizeof(changes) / sizeof(changes[0])));
	tcase_add_test(t, a_later_fragment_of_nhrp_without_gre);
	tcase_add_test(t, length_left_to_the_card);
	tcase_add_test(t, deep_nesting_ends);
	tcase_add_test(t, link_types);
	suite_add_tcase(s, t);
	return s;
}
