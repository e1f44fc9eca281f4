#include "xfrm/esp.h"

enum { TRAILER = 2 /* pad length, next header */ };

const char *
xfrm_count_word(enum xfrm_count c)
{
	static const char *const words[XFRM_COUNTERS] = {
		[XFRM_OK] = "ok",
#define X(id, word) [XFRM_DROP_##id] = word,
		XFRM_DROPS(X)
#undef X
#define X(id, word) [XFRM_N_##id] = word,
		XFRM_COUNTS(X)
#undef X
	};

	return words[c];
}

size_t
esp_head(const struct esp_suite *s)
{
	return ESP_HEADER + (size_t)s->iv;
}

static size_t
text_size(const struct esp_suite *s, size_t payload)
{
	return (payload + TRAILER + s->align - 1) / s->align * s->align;
}

size_t
esp_size(const struct esp_suite *s, size_t payload)
{
	return esp_head(s) + text_size(s, payload) + s->icv;
}

size_t
esp_payload_max(const struct esp_suite *s, size_t room)
{
	size_t fixed = esp_head(s) + s->icv, text;

	if (room < fixed)
		return 0;
	text = (room - fixed) / s->align * s->align;
	return text > TRAILER ? text - TRAILER : 0;
}

unsigned
esp_payload_guess(const struct esp_suite *s, bool encap, bool v6, unsigned link_mtu)
{
	unsigned outer = (v6 ? 40 : 20) + (encap ? 8 : 0);

	return link_mtu > outer ? (unsigned)esp_payload_max(s, link_mtu - outer) : 0;
}

uint64_t
esp_seq_left(const struct esp_out *o)
{
	return (o->esn ? UINT64_MAX : UINT32_MAX) - o->seq;
}

enum xfrm_count
esp_wrap(struct esp_out *o, uint8_t next, uint8_t *payload, size_t n, struct span *out)
{
	const struct esp_suite *s = o->suite;
	struct esp_block b = { payload - esp_head(s), text_size(s, n), 0, o->esn };
	size_t pad = b.text - n - TRAILER;

	if (esp_seq_left(o) == 0)	/* never wrap: the number is the nonce */
		return XFRM_DROP_SEQ_END;
	o->seq++;
	b.seq_hi = (uint32_t)(o->seq >> 32);
	put_be32(b.esp, o->spi);
	put_be32(b.esp + 4, (uint32_t)o->seq);
	for (size_t i = 0; i < pad; i++)
		payload[n + i] = (uint8_t)(i + 1);
	payload[n + pad] = (uint8_t)pad;
	payload[n + pad + 1] = next;
	if (!esp_seal(o->key, &b))
		return XFRM_DROP_SEAL;
	*out = span_of(b.esp, esp_size(s, n));
	return XFRM_OK;
}

static enum xfrm_count
replay_drop(enum replay_verdict v)
{
	switch (v) {
	case REPLAY_OK:
		return XFRM_OK;
	case REPLAY_ZERO:
		return XFRM_DROP_SEQ_ZERO;
	case REPLAY_OLD:
		return XFRM_DROP_TOO_OLD;
	case REPLAY_SEEN:
		return XFRM_DROP_REPLAY;
	}
	return XFRM_DROP_REPLAY;
}

/* RFC 4303, section 2.4: the padding is 1, 2, 3 ... and is looked at. */
static enum xfrm_count
strip_trailer(uint8_t *text, size_t n, bool plain, struct esp_opened *out)
{
	size_t pad = text[n - 2], next = text[n - 1];

	if (pad + TRAILER > n)
		return XFRM_DROP_PADDING;
	for (size_t i = 0; i < pad; i++)
		if (text[n - TRAILER - pad + i] != i + 1)
			return XFRM_DROP_PADDING;
	if (next == ESP_NEXT_NONE)
		return XFRM_DROP_DUMMY;
	if (plain ? next != ESP_NEXT_IPV4 && next != ESP_NEXT_IPV6 : next != ESP_NEXT_GRE)
		return XFRM_DROP_NEXT_HEADER;
	out->p = text;
	out->n = n - TRAILER - pad;
	out->next = (uint8_t)next;
	return XFRM_OK;
}

enum xfrm_count
esp_unwrap(struct esp_in *in, uint8_t *packet, size_t n, struct esp_opened *out)
{
	const struct esp_suite *s = in->suite;
	size_t fixed = esp_head(s) + s->icv;
	struct esp_block b = { packet, n - fixed, 0, in->replay->esn };
	enum xfrm_count drop;
	uint64_t seq;

	if (n < fixed + s->align)
		return XFRM_DROP_SHORT;
	if (b.text % s->align != 0)
		return XFRM_DROP_ALIGN;
	seq = replay_seq(in->replay, get_be32(packet + 4));
	drop = replay_drop(replay_check(in->replay, seq));
	if (drop != XFRM_OK)
		return drop;
	b.seq_hi = (uint32_t)(seq >> 32);
	if (!esp_open(in->key, &b))
		return XFRM_DROP_AUTH;
	out->newest = replay_commit(in->replay, seq);
	return strip_trailer(packet + esp_head(s), b.text, in->plain, out);
}
