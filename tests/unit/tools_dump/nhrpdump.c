/* tests/unit/tools_dump/nhrpdump.c: the program as it was built, over captures written here and those of other implementations
 * in $SHARED. Skipped where it was not built (no libpcap).
 *
 * On purpose the golden files are compared whole: who changes a word of the output changes them with it. A run that differs
 * leaves what it got beside the test program. */
#include "tests/unit/tools_dump/frames.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64], out_text[1 << 20], err_text[8192];

static void
set_up(void)
{
	strcpy(dir, "/tmp/nhrpdump-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void
tear_down(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

static const char *
in_dir(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static const char *
build_dir(void)
{
	const char *b = getenv("BUILDDIR");

	return b ? b : ".";
}

static bool
built(void)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/tools/nhrpdump", build_dir());
	if (access(path, X_OK) == 0)
		return true;
	printf("skipped: nhrpdump was not built\n");
	return false;
}

static void
slurp(const char *name, char *out, size_t size)
{
	FILE *f = fopen(in_dir(name), "r");
	size_t n;

	ck_assert_ptr_nonnull(f);
	n = fread(out, 1, size - 1, f);
	out[n] = '\0';
	fclose(f);
}

/* The exit status; out_text and err_text hold what it wrote. */
static int
run(const char *arguments)
{
	char cmd[1024];
	int rc;

	snprintf(cmd, sizeof(cmd), "exec >%s/out 2>%s/err; exec %s/tools/nhrpdump %s", dir, dir, build_dir(), arguments);
	rc = system(cmd);
	ck_assert(WIFEXITED(rc));
	slurp("out", out_text, sizeof(out_text));
	slurp("err", err_text, sizeof(err_text));
	return WEXITSTATUS(rc);
}

static unsigned
count(const char *text, const char *what)
{
	unsigned n = 0;

	while ((text = strstr(text, what))) {
		n++;
		text += strlen(what);
	}
	return n;
}

/* ---- writing captures: classic pcap, big endian so that reading swaps */

static const int link_number[] = {
	[DUMP_LINK_NONE] = 105, [DUMP_LINK_ETHERNET] = 1, [DUMP_LINK_RAW] = 101, [DUMP_LINK_NULL] = 0, [DUMP_LINK_SLL] = 113, [DUMP_LINK_SLL2] = 276,
};

static uint32_t us;	/* time stamps count the frames of a capture */

static void
be32(FILE *f, uint32_t v)
{
	uint8_t b[4];

	put_be32(b, v);
	ck_assert_uint_eq(fwrite(b, 1, 4, f), 4);
}

static FILE *
capture(const char *name, enum dump_link link)
{
	FILE *f = fopen(in_dir(name), "w");

	ck_assert_ptr_nonnull(f);
	us = 0;
	be32(f, 0xa1b2c3d4);
	be32(f, 0x00020004);
	be32(f, 0);
	be32(f, 0);
	be32(f, 65535);
	be32(f, (uint32_t)link_number[link]);
	return f;
}

static void
add(FILE *f, struct span frame, size_t captured)
{
	be32(f, 1767323045);
	be32(f, us++);
	be32(f, (uint32_t)captured);
	be32(f, (uint32_t)frame.n);
	ck_assert_uint_eq(fwrite(frame.p, 1, captured, f), captured);
}

/* Every golden packet in the Ethernet shapes by turns, other traffic between them; then a broken one and a cut one. */
static void
write_capture(void)
{
	FILE *f = capture("c.pcap", DUMP_LINK_ETHERNET);
	struct octets k, frame;
	size_t shape = 0;

	for (size_t i = 0; golden_name[i]; i++) {
		while (shapes[shape].link != DUMP_LINK_ETHERNET)
			shape = (shape + 1) % n_shapes;
		k = golden(golden_name[i]);
		wrap(&shapes[shape], octets_span(&k), &frame);
		add(f, octets_span(&frame), frame.n);
		if (i % 5 == 0)
			add(f, SPAN_STR("\1\2\3\4\5\6\1\2\3\4\5\6\x08\6 an ARP request, or something like it"), 50);
		shape = (shape + 1) % n_shapes;
	}
	k.b[12] ^= 0x55;
	wrap(&shapes[1], octets_span(&k), &frame);
	add(f, octets_span(&frame), frame.n);
	k = golden("resolution-reply");
	wrap(&shapes[1], octets_span(&k), &frame);
	add(f, octets_span(&frame), 68);
	ck_assert_int_eq(fclose(f), 0);
}

static void
like_golden(const char *name)
{
	char path[128], mine[512];
	uint8_t *want;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "tests/golden/dump/%s", name);
	want = test_file(test_src(path), &n);
	if (want && n == strlen(out_text) && memcmp(want, out_text, n) == 0) {
		free(want);
		return;
	}
	free(want);
	snprintf(mine, sizeof(mine), "%s/tests/unit/dump-%s", build_dir(), name);
	f = fopen(mine, "w");
	if (f) {
		fputs(out_text, f);
		fclose(f);
	}
	ck_abort_msg("output is not %s; see %s", path, mine);
}

START_TEST(golden_text)
{
	if (!built())
		return;
	write_capture();
	ck_assert_int_eq(run(in_dir("c.pcap")), 1);	/* there are malformed ones */
	ck_assert_str_eq(err_text, "");
	like_golden("capture.txt");
}
END_TEST

START_TEST(golden_json)
{
	json_error_t e;
	char args[256], *line, *save;

	if (!built())
		return;
	write_capture();
	snprintf(args, sizeof(args), "-j - <%s", in_dir("c.pcap"));
	ck_assert_int_eq(run(args), 1);
	like_golden("capture.json");
	for (line = strtok_r(out_text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		json_t *o = json_loads(line, JSON_REJECT_DUPLICATES, &e);

		ck_assert_msg(o != NULL, "%s: %s", e.text, line);
		json_decref(o);
	}
}
END_TEST

START_TEST(every_link_type)
{
	struct octets k = golden("purge-request"), frame;

	if (!built())
		return;
	for (size_t i = 0; i < n_shapes; i++) {
		FILE *f = capture("l.pcap", shapes[i].link);

		wrap(&shapes[i], octets_span(&k), &frame);
		add(f, octets_span(&frame), frame.n);
		fclose(f);
		ck_assert_int_eq(run(in_dir("l.pcap")), 0);
		ck_assert_uint_eq(count(out_text, "NHRP Purge-Request, id "), 1);
	}
}
END_TEST

START_TEST(what_cannot_be_read)
{
	char args[256];
	FILE *f;

	if (!built())
		return;
	ck_assert_int_eq(run(""), 2);
	ck_assert_int_eq(run("a b"), 2);
	ck_assert_int_eq(run("-x a"), 2);
	ck_assert_int_eq(run(in_dir("absent")), 3);
	ck_assert_uint_eq(count(err_text, "absent"), 1);
	ck_assert_int_eq(run("- </dev/null"), 3);
	f = fopen(in_dir("garbage"), "w");
	fputs("this is not a capture, whatever its name says", f);
	fclose(f);
	ck_assert_int_eq(run(in_dir("garbage")), 3);
	ck_assert_uint_eq(count(err_text, "garbage: "), 1);
	f = capture("wlan.pcap", DUMP_LINK_NONE);
	fclose(f);
	ck_assert_int_eq(run(in_dir("wlan.pcap")), 3);
	ck_assert_uint_eq(count(err_text, "link type IEEE802_11 (105)"), 1);
	write_capture();
	snprintf(args, sizeof(args), "%s >/dev/full", in_dir("c.pcap"));
	ck_assert_int_eq(run(args), 3);
}
END_TEST

/* Cut anywhere, the packets before the cut are shown. */
START_TEST(a_truncated_file)
{
	char args[256];
	unsigned last = 0;

	if (!built())
		return;
	write_capture();
	for (unsigned size = 0; size < 1000; size += 83) {
		int rc;

		snprintf(args, sizeof(args), "head -c %u %s/c.pcap >%s/t.pcap", size, dir, dir);
		ck_assert_int_eq(system(args), 0);
		rc = run(in_dir("t.pcap"));
		ck_assert_int_eq(rc, 3);
		ck_assert_uint_ge(count(out_text, ": GRE"), last);
		last = count(out_text, ": GRE");
		if (size > 24)
			ck_assert_uint_eq(count(err_text, "behind frame "), 1);
	}
	ck_assert_uint_gt(last, 3);
}
END_TEST

START_TEST(nothing_to_show)
{
	struct octets k = golden("purge-request"), frame;
	FILE *f;

	if (!built())
		return;
	f = capture("n.pcap", DUMP_LINK_ETHERNET);
	wrap(&shapes[0], octets_span(&k), &frame);
	frame.b[23] = 50;
	add(f, octets_span(&frame), frame.n);
	add(f, octets_span(&frame), 20);
	fclose(f);
	ck_assert_int_eq(run(in_dir("n.pcap")), 0);
	ck_assert_str_eq(out_text, "");
	ck_assert_uint_eq(count(err_text, "no NHRP packet in 2 frames; 1 are ESP"), 1);
	ck_assert_uint_eq(count(err_text, "1 end too early"), 1);
}
END_TEST

static const struct {
	const char *path;
	unsigned packets;
} others[] = {
	{ "frr-purge-ignored.pcap", 4 }, { "frr-registration.pcap", 2 }, { "frr-registration-nat.pcap", 2 }, { "frr-resolution-unknown.pcap", 4 },
	{ "frr-shortcut.pcap", 10 }, { "opennhrp-auth.pcap", 18 }, { "opennhrp-auth-wrong.pcap", 1 }, { "opennhrp-frr-interop.pcap", 15 },
	{ "opennhrp-resolution-unknown.pcap", 7 }, { "tcpdump/NHRP_registration.pcap", 4 }, { "tcpdump/nhrp.pcapng", 25 },
};

START_TEST(captures_of_others)
{
	const char *shared = getenv("SHARED");
	char path[512], args[520];

	if (!built())
		return;
	snprintf(path, sizeof(path), "%s/vectors/nhrp/%s", shared ? shared : "../shared", others[_i].path);
	if (access(path, R_OK) < 0) {
		printf("skipped: no %s\n", path);
		return;
	}
	ck_assert_int_eq(run(path), 0);
	ck_assert_uint_eq(count(out_text, "\n\tSource nbma "), others[_i].packets);
	ck_assert_uint_eq(count(out_text, "malformed") + count(out_text, "Unknown") + count(out_text, "extension-bad"), 0);
	snprintf(args, sizeof(args), "-j %s", path);
	ck_assert_int_eq(run(args), 0);
	ck_assert_uint_eq(count(out_text, "\n"), others[_i].packets);
}
END_TEST

Suite *
suite_nhrpdump(void)
{
	Suite *s = suite_create("nhrpdump");
	TCase *t = tcase_create("nhrpdump");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, golden_text);
	tcase_add_test(t, golden_json);
	tcase_add_test(t, every_link_type);
	tcase_add_test(t, what_cannot_be_read);
	tcase_add_test(t, a_truncated_file);
	tcase_add_test(t, nothing_to_show);
	tcase_add_loop_test(t, captures_of_others, 0, (int)(sizeof(others) / sizeof(others[0])));
	suite_add_tcase(s, t);
	return s;
}
