/* ESP and what is inside it. The first octet chooses: the packet as an attacker without keys sends it; the same text sealed with
 * the right key, so that trailer, GRE and inner packet are reached; or a frame from the TAP with its virtio header, which may be a
 * super-packet that is cut; or a row of packets, each behind its length, that are joined: what a super-packet is made of must be what
 * it is cut into. Every buffer is of the exact size. */
#include <stdlib.h>

#include "mgre/gre.h"
#include "mgre/inner.h"
#include "mgre/join.h"
#include "mgre/seg.h"
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

static void
cut(const struct inner *in, enum seg_kind kind, size_t step)
{
	struct inner piece;
	struct seg s;
	size_t len, sum;
	uint8_t *out;

	if (seg_begin(&s, in, kind, step) != MGRE_OK)
		return;
	out = malloc(seg_longest(&s));
	for (sum = s.head; (len = seg_next(&s, out)); sum += len - s.head)
		if (len > seg_longest(&s) || inner_parse(out, len, in->v6 ? GRE_IPV6 : GRE_IPV4, &piece) != MGRE_OK || piece.n != len)
			abort();
	if (sum != in->n)
		abort();
	free(out);
}

static void
frame(uint8_t *p, size_t n)
{
	enum seg_kind kind = SEG_NONE;
	struct inner in;
	size_t step;
	uint16_t type;

	if (n < TAP_HEAD || tap_finish(p, p + TAP_VNET, n - TAP_VNET, &kind, &step) != MGRE_OK)
		return;
	type = get_be16(p + TAP_HEAD - 2);
	if (kind == SEG_NONE)
		inner(p + TAP_HEAD, n - TAP_HEAD, type, 0);
	else if (inner_parse(p + TAP_HEAD, n - TAP_HEAD, type, &in) == MGRE_OK)
		cut(&in, kind, step);
}

static unsigned written;

/* Cut again, a super-packet is the packets it was made of; only the numbers of IPv4 packets with DF may differ. */
static int
joined(void *ctx, uint32_t peer, const struct iovec *iov, unsigned n_iov, unsigned packets, size_t octets)
{
	static uint8_t whole[70000], out[70000];
	size_t n = 0, head, len;
	struct inner in;
	struct seg s;

	(void)ctx, (void)peer, (void)octets;
	written += packets;
	if (packets == 1)
		return 0;
	for (unsigned i = 0; i < n_iov; n += iov[i++].iov_len)
		memcpy(whole + n, iov[i].iov_base, iov[i].iov_len);
	head = iov[0].iov_len - TAP_HEAD;
	if (inner_parse(whole + TAP_HEAD, n - TAP_HEAD, get_be16(whole + TAP_HEAD - 2), &in) != MGRE_OK || in.n != n - TAP_HEAD ||
	    seg_begin(&s, &in, in.proto == IP_UDP ? SEG_UDP : in.v6 ? SEG_TCP6 : SEG_TCP4, iov[1].iov_len) != MGRE_OK)
		abort();
	for (unsigned i = 1; i < n_iov; i++) {
		const uint8_t *was = (const uint8_t *)iov[i].iov_base - head;

		len = seg_next(&s, out);
		if (!in.v6 && in.df) {
			memcpy(out + 4, was + 4, 2);
			memcpy(out + 10, was + 10, 2);
		}
		/* a sum may be written in two ways: RFC 1624 */
		if (in.proto == IP_TCP && get_be16(was + in.l4 + 16) == 0xffff)
			memset(out + in.l4 + 16, 0xff, 2);
		if (len != head + iov[i].iov_len || memcmp(out, was, len) != 0)
			abort();
	}
	if (seg_more(&s))
		abort();
	return 0;
}

/* Checksums that nobody would find by chance. */
static void
sign(struct inner *in)
{
	size_t at = in->l4 + (in->proto == IP_UDP ? 6 : 16), n = in->n - in->l4;

	if (!in->l4 || in->n < at + 2 || (in->proto != IP_TCP && in->proto != IP_UDP))
		return;
	if (!in->v6) {
		put_be16(in->p + 10, 0);
		put_be16(in->p + 10, (uint16_t)~csum_fold(csum_add(0, in->p, (size_t)(in->p[0] & 15) * 4)));
	}
	put_be16(in->p + at, 0);
	put_be16(in->p + at, (uint16_t)~csum_fold(csum_add(csum_pseudo(in, in->proto, n), in->p + in->l4, n)));
}

static void
row(uint8_t *p, size_t n)
{
	static struct join j = { .write = joined };
	uint8_t eth[TAP_ETH] = { 6 };
	unsigned added = 0;

	written = 0;
	for (size_t len; n > 3; p += len, n -= len) {
		bool v6 = p[0] & 1, sums = p[0] & 2;
		struct inner in;

		len = (size_t)(p[1] & 7) << 8 | p[2];
		p += 3;
		n -= 3;
		len = len < n ? len : n;
		if (inner_parse(p, len, v6 ? GRE_IPV6 : GRE_IPV4, &in) != MGRE_OK)
			continue;
		if (sums)
			sign(&in);
		put_be16(eth + 12, v6 ? GRE_IPV6 : GRE_IPV4);
		join_add(&j, 1, eth, &in);
		added++;
	}
	join_flush(&j);
	if (written != added)
		abort();
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
		if (data[0] & 4)
			row(exact + 1, n - 1);
		else
			frame(exact + 1, n - 1);
		break;
	}
	free(exact);
	return 0;
}
