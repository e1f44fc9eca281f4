/* tests/fuzz/nhrp_wire.c: libFuzzer target of nhrpd/wire. Seeds: tests/golden/nhrp/make --raw DIR.
 *
 * Each input is tried as it is, and once more with size field and checksum mended, since chance does not get past a
 * checksum. What is accepted must build, and building what was built must not change an octet. */
#include <stdlib.h>

#include "nhrpd/wire/nhrp_packet.h"

enum { MAX = 65535 };

static void
contents(const struct nhrp_packet *p)
{
	struct nhrp_cie c[NHRP_EXT_CIES_MAX];
	struct nhrp_quoted q;

	nhrp_quoted_parse(p->payload, &q);
	for (unsigned i = 0; i < p->n_ext; i++) {
		int n = nhrp_ext_cies(p->ext[i].value, p->afn, p->pro_type, c, NHRP_EXT_CIES_MAX);

		if (n > NHRP_EXT_CIES_MAX || (n >= 0 && p->ext[i].type == NHRP_EXT_NAT && !nhrp_ext_is_nat(&p->ext[i])))
			abort();
		if (nhrp_auth_string(p->ext[i].value).n > p->ext[i].value.n)
			abort();
	}
}

static void
try(struct span in)
{
	static uint8_t first[MAX], second[MAX];
	struct nhrp_packet p, q;
	struct wr w = wr_of(first, sizeof(first));
	enum nhrp_drop d = nhrp_packet_parse(in, &p);
	size_t n;

	if (d > NHRP_DROP_EXT_BAD)
		abort();
	if (d != NHRP_OK)
		return;
	contents(&p);
	n = nhrp_packet_build(&w, &p);
	if (n == 0 || n > in.n || nhrp_packet_parse(span_of(first, n), &q) != NHRP_OK)
		abort();
	w = wr_of(second, sizeof(second));
	if (nhrp_packet_build(&w, &q) != n || memcmp(first, second, n) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct nhrp_quoted q;
	uint8_t *mended;

	nhrp_quoted_parse(span_of(data, n), &q);
	try(span_of(data, n));
	if (n < NHRP_HDR_LEN || n > MAX)
		return 0;
	mended = malloc(n);
	if (!mended)
		return 0;
	memcpy(mended, data, n);
	put_be16(mended + 10, (uint16_t)n);
	put_be16(mended + 12, 0);
	put_be16(mended + 12, nhrp_checksum(span_of(mended, n)));
	try(span_of(mended, n));
	free(mended);
	return 0;
}
