/* tests/unit/tools_dump/dump_text.c: twin of tools/dump_text.c. What sound packets look like is held by nhrpdump.c against
 * tests/golden/dump/capture.txt; here is what is not sound. */
#include "tests/unit/tools_dump/frames.h"

#include <stdio.h>

static char text[65536];

static const char *
shown(struct span nhrp, size_t on_wire)
{
	struct dump_frame f = { .nhrp = nhrp };
	struct dump_shown s = { .no = 3, .frame = &f, .captured = nhrp.n, .on_wire = on_wire };
	FILE *out = fmemopen(text, sizeof(text), "w");

	ck_assert_ptr_nonnull(out);
	dump_parse(&s);
	dump_text(out, &s);
	ck_assert_int_eq(fclose(out), 0);
	return text;
}

static void
has(const char *what)
{
	ck_assert_msg(strstr(text, what) != NULL, "no \"%s\" in: %s", what, text);
}

START_TEST(malformed_by_the_counters_names)
{
	struct octets k = golden("registration-request-worked");
	struct nhrp_packet p;

	for (size_t n = 0; n < k.n; n++) {
		char want[128];
		enum nhrp_drop d = nhrp_packet_parse(span_of(k.b, n), &p);

		ck_assert_int_ne(d, NHRP_OK);
		snprintf(want, sizeof(want), "malformed: %s: %s, %zu octets", nhrp_drop_word(d), nhrp_drop_text(d), n);
		shown(span_of(k.b, n), n);
		has(want);
		ck_assert_ptr_null(strstr(text, "[the capture"));
	}
	k.b[40] ^= 1;
	shown(octets_span(&k), k.n);
	has("NHRP Registration-Request malformed: checksum: bad checksum, 106 octets\n");
	has("\t00010800 00000000 0001006a");
}
END_TEST

START_TEST(cut_by_the_capture)
{
	struct octets k = golden("registration-request-worked");

	shown(span_of(k.b, 60), 106);
	has("malformed: size: ");
	has("[the capture has 60 of 106 octets of the frame]");
}
END_TEST

START_TEST(much_hex_is_cut)
{
	static const uint8_t zeros[1000];

	shown(span_of(zeros, sizeof(zeros)), sizeof(zeros));
	has("... and 744 more octets\n");
}
END_TEST

/* Nothing a peer wrote reaches the terminal unseen. */
START_TEST(no_control_characters)
{
	struct nhrp_packet p;
	struct octets k = golden("registration-request-worked"), again;
	uint8_t value[32];
	struct wr v = wr_of(value, sizeof(value)), w = wr_of(again.b, sizeof(again.b));

	nhrp_auth_build(&v, SPAN_STR("\x1b]0;x\x07"));
	ck_assert_int_eq(nhrp_packet_parse(octets_span(&k), &p), NHRP_OK);
	for (unsigned i = 0; i < p.n_ext; i++) {
		if (p.ext[i].type == NHRP_EXT_AUTH)
			p.ext[i].value = wr_span(&v);
	}
	again.n = nhrp_packet_build(&w, &p);
	shown(octets_span(&again), again.n);
	has("Extension Authentication (7, compulsory)\n\t    00000001 1b5d303b 7807\n");
	for (const char *c = text; *c; c++)
		ck_assert((*c >= ' ' && *c <= '~') || *c == '\n' || *c == '\t');
}
END_TEST

START_TEST(extension_with_bad_entries)
{
	struct nhrp_packet p;
	struct octets k = golden("registration-request-worked"), again;
	struct wr w = wr_of(again.b, sizeof(again.b));

	ck_assert_int_eq(nhrp_packet_parse(octets_span(&k), &p), NHRP_OK);
	p.ext[0].value = SPAN_STR("123");
	again.n = nhrp_packet_build(&w, &p);
	shown(octets_span(&again), again.n);
	has("compulsory): extension-bad: malformed extension content\n\t    313233\n");
}
END_TEST

Suite *
suite_dump_text(void)
{
	Suite *s = suite_create("dump_text");
	TCase *t = tcase_create("dump_text");

	tcase_add_test(t, malformed_by_the_counters_names);
	tcase_add_test(t, cut_by_the_capture);
	tcase_add_test(t, much_hex_is_cut);
	tcase_add_test(t, no_control_characters);
	tcase_add_test(t, extension_with_bad_entries);
	suite_add_tcase(s, t);
	return s;
}
