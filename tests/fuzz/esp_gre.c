/* ESP and what is inside it. The first octet chooses: the packet as an attacker without keys sends it; the same text sealed with
 * the right key, so that trailer, GRE and inner packet are reached; or a frame from the TAP with its virtio header. Every
 * buffer is of the exact size, inner packets have the headroom their place in a datagram gives them. */
#include <stdlib.h>

#include "mgre/gre.h"
#include "mgre/inner.h"
#include "mgre/tap.h"
#include "xfrm/esp.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void *
alloc(void *ctx, size_t n)
{
	(void)ctx;
	return calloc(1, n);
}

static void
release(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

static void
zeros(void *ctx, void *out, size_t n)
{
	(void)ctx;
	memset(out, 0, n);
}

static const struct env env = { NULL, alloc, release, zeros, NULL };

static void
inner(uint8_t *p, size_t n, uint16_t proto, uint8_t tos)
{
	static uint8_t out[65536];
	struct addr src = { 4, { 10, 9, 0, 1 } };
	struct inner in;
	struct frag f;
	size_t len, sum = 0;

	if (inner_parse(p, n, proto, &in) != MGRE_OK)
		return;
	if (in.n > n || in.l4 > in.n)
		abort();
	inner_is_redirect(&in);
	inner_ecn(&in, tos);
	inner_clamp_mss(&in, 1000);
	if (in.v6)
		src.n = 16;
	if (icmp_may_answer(&in) && icmp_too_big(&in, &src, 1280, out, 1280) == 0)
		abort();
	if (!frag_begin(&f, &in, 100))
		return;
	while ((len = frag_next(&f, out))) {
		if (len > 100)
			abort();
		sum += len - f.ihl;
	}
	if (sum != in.n - f.ihl)
		abort();
}

static void
gre(uint8_t *p, size_t n, uint8_t tos)
{
	const struct gre want = { true, 7 };
	uint16_t proto;

	if (gre_parse(&want, span_of(p, n), &proto) == MGRE_OK && proto != GRE_NHRP)
		inner(p + gre_size(&want), n - gre_size(&want), proto, tos);
}

static void
esp(uint8_t *packet, size_t n, bool seal)
{
	static const uint8_t key[20] = { 1, 2, 3 };
	static const struct esp_suite *s;
	static struct esp_in in;
	static struct esp_key *out;
	struct esp_opened o;

	if (!s) {
		s = esp_suite_find(ESP_ENCR_AES_GCM_16, 128, 0);
		in = (struct esp_in){ s, esp_key_new(&env, s, key, NULL, false), replay_new(&env, 64, false) };
		out = esp_key_new(&env, s, key, NULL, true);
	}
	in.replay->top = 0;
	memset(in.replay->bits, 0, (in.replay->mask + 1) * sizeof(in.replay->bits[0]));
	if (seal && n >= 32 && !esp_seal(out, &(struct esp_block){ packet, n - 32, 0, false }))
		abort();
	if (esp_unwrap(&in, packet, n, &o) == XFRM_OK) {
		if (!seal || o.p < packet || o.p + o.n > packet + n)
			abort();	/* nobody forges GCM by chance */
		gre(o.p, o.n, packet[0]);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t *exact;

	if (n < 1)
		return 0;
	exact = malloc(n);
	memcpy(exact, data, n);
	switch (data[0] & 3) {
	case 0:
		esp(exact + 1, n - 1, false);
		break;
	case 1:
		esp(exact + 1, n - 1, true);
		break;
	case 2:
		gre(exact + 1, n - 1, data[0]);
		break;
	case 3:
		if (n > 1 + TAP_HEAD && tap_finish(exact + 1, exact + 1 + TAP_VNET, n - 1 - TAP_VNET) == MGRE_OK)
			inner(exact + 1 + TAP_HEAD, n - 1 - TAP_HEAD, get_be16(exact + 1 + TAP_HEAD - 2), 0);
		break;
	}
	free(exact);
	return 0;
}
