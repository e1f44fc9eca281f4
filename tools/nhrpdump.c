/* tools/nhrpdump.c: reads a capture with libpcap and shows every NHRP packet in it.
 *
 * Exit: 0 fine, 1 there was a malformed NHRP packet, 2 usage, 3 the file cannot be read, or not to its end. What was read before
 * an error has been shown. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <pcap/pcap.h>
#include <string.h>

#include "tools/dump.h"

enum { EXIT_FINE, EXIT_MALFORMED, EXIT_USAGE, EXIT_UNREADABLE };

static const char usage[] =
	"usage: nhrpdump [-j] FILE\n"
	"\n"
	"  FILE           a capture, pcap or pcapng; - reads standard input\n"
	"  -j, --json     one JSON object a line instead of text\n"
	"  -V, --version  print the version\n"
	"  -h, --help     print this\n"
	"\n"
	"Times are UTC. Exit status: 0 fine, 1 a malformed NHRP packet was found, 2 usage, 3 the file cannot be read (to its end).\n";

struct count {
	unsigned long frames, kind[DUMP_KINDS], malformed;
};

static bool
show(const struct dump_shown *s, bool as_json)
{
	json_t *o;
	int rc;

	if (!as_json) {
		dump_text(stdout, s);
		return true;
	}
	o = dump_json(s);
	rc = o ? json_dumpf(o, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER) : -1;
	json_decref(o);
	if (rc == 0)
		putchar('\n');
	return rc == 0 || ferror(stdout);
}

static bool
one_frame(enum dump_link link, const struct pcap_pkthdr *h, const u_char *octets, bool as_json, struct count *n)
{
	static struct dump_frame frame;
	static struct dump_shown s;
	enum dump_kind kind = dump_frame(link, span_of(octets, h->caplen), &frame);

	n->frames++;
	n->kind[kind]++;
	if (kind != DUMP_NHRP)
		return true;
	s = (struct dump_shown){ .no = n->frames, .when = { h->ts.tv_sec, (uint32_t)h->ts.tv_usec }, .on_wire = h->len, .captured = h->caplen,
		.frame = &frame };
	dump_parse(&s);
	n->malformed += s.drop != NHRP_OK;
	return show(&s, as_json);
}

/* Silence would leave open whether the capture has none or we see none. */
static void
say_nothing_found(const char *name, const struct count *n)
{
	fprintf(stderr, "nhrpdump: %s: no NHRP packet in %lu frames", name, n->frames);
	if (n->kind[DUMP_ESP])
		fprintf(stderr, "; %lu are ESP: what is inside is encrypted, capture on the tunnel's inside or turn protection off", n->kind[DUMP_ESP]);
	if (n->kind[DUMP_CUT])
		fprintf(stderr, "; %lu end too early: capture with -s 0", n->kind[DUMP_CUT]);
	if (n->kind[DUMP_FRAGMENT])
		fprintf(stderr, "; %lu are later fragments of GRE", n->kind[DUMP_FRAGMENT]);
	fputc('\n', stderr);
}

static int
all_frames(pcap_t *p, const char *name, bool as_json)
{
	int dlt = pcap_datalink(p), rc;
	enum dump_link link = dump_link_of(dlt);
	struct count n = { 0 };
	struct pcap_pkthdr *h;
	const u_char *octets;

	if (link == DUMP_LINK_NONE) {
		const char *known = pcap_datalink_val_to_name(dlt);

		fprintf(stderr, "nhrpdump: %s: captures of link type %s (%d) are not read; Ethernet, raw IP and Linux cooked are\n", name,
		    known ? known : "unknown", dlt);
		return EXIT_UNREADABLE;
	}
	while ((rc = pcap_next_ex(p, &h, &octets)) == 1) {
		if (!one_frame(link, h, octets, as_json, &n)) {
			fprintf(stderr, "nhrpdump: %s: out of memory at frame %lu\n", name, n.frames);
			return EXIT_UNREADABLE;
		}
		if (ferror(stdout))
			break;
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "nhrpdump: standard output: %s\n", strerror(errno));
		return EXIT_UNREADABLE;
	}
	if (rc == PCAP_ERROR) {
		fprintf(stderr, "nhrpdump: %s: behind frame %lu: %s\n", name, n.frames, pcap_geterr(p));
		return EXIT_UNREADABLE;
	}
	if (!n.kind[DUMP_NHRP])
		say_nothing_found(name, &n);
	return n.malformed ? EXIT_MALFORMED : EXIT_FINE;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = { { "json", 0, NULL, 'j' }, { "version", 0, NULL, 'V' }, { "help", 0, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	char why[PCAP_ERRBUF_SIZE] = "";
	bool as_json = false;
	pcap_t *p;
	int c, rc;

	while ((c = getopt_long(argc, argv, "jVh", options, NULL)) != -1) {
		switch (c) {
		case 'j': as_json = true; break;
		case 'V': puts("nhrpdump (OpenDMVPN) " PACKAGE_VERSION); return EXIT_FINE;
		case 'h': fputs(usage, stdout); return EXIT_FINE;
		default: fputs(usage, stderr); return EXIT_USAGE;
		}
	}
	if (argc - optind != 1) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	p = pcap_open_offline(argv[optind], why);
	if (!p) {	/* libpcap names the file only where it could not be opened */
		fprintf(stderr, "nhrpdump: %s%s%s\n", strstr(why, argv[optind]) ? "" : argv[optind], strstr(why, argv[optind]) ? "" : ": ", why);
		return EXIT_UNREADABLE;
	}
	rc = all_frames(p, argv[optind], as_json);
	pcap_close(p);
	return rc;
}
