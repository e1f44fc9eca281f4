/* tests/fuzz/dump.c: libFuzzer target of nhrpdump: the first octet chooses the link layer, the rest is the frame. What is shown
 * must be text without control characters, and JSON that can be read. Seeds: any frame behind an octet. */
#include <stdlib.h>

#include "tools/dump.h"

static void
visible(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if ((text[i] < ' ' || text[i] > '~') && text[i] != '\n' && text[i] != '\t')
			abort();
	}
}

static void
show(const struct dump_shown *s)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	json_t *o = dump_json(s);

	if (!f || !o)
		abort();
	dump_text(f, s);
	fclose(f);
	visible(text, n);
	free(text);
	text = json_dumps(o, JSON_COMPACT);
	if (!text)
		abort();
	free(text);
	json_decref(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct dump_frame f;
	struct dump_shown s = { .no = 1, .captured = n, .on_wire = n, .frame = &f };
	uint8_t *copy;

	if (n == 0 || n > 65535 || dump_frame((enum dump_link)(data[0] % (DUMP_LINK_SLL2 + 1)), span_of(data + 1, n - 1), &f) != DUMP_NHRP)
		return 0;
	if (f.nhrp.p < data + 1 || f.nhrp.p + f.nhrp.n > data + n)
		abort();
	dump_parse(&s);
	show(&s);
	if (f.nhrp.n < NHRP_HDR_LEN)
		return 0;
	copy = malloc(f.nhrp.n);	/* once more with size and checksum mended: chance does not get past a checksum */
	if (!copy)
		return 0;
	memcpy(copy, f.nhrp.p, f.nhrp.n);
	put_be16(copy + 10, (uint16_t)f.nhrp.n);
	put_be16(copy + 12, 0);
	put_be16(copy + 12, nhrp_checksum(span_of(copy, f.nhrp.n)));
	f.nhrp.p = copy;
	dump_parse(&s);
	show(&s);
	free(copy);
	return 0;
}
