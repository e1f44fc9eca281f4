#include "xfrm/replay.h"

/* One word more than the window: advancing clears whole words, so the word that holds the top is never also the oldest. */
static uint32_t
ring_words(uint32_t window)
{
	uint32_t need = (window + 63) / 64 + 1, words = 2;

	while (words < need)
		words *= 2;
	return words;
}

struct replay *
replay_new(const struct env *env, uint32_t window, bool esn)
{
	struct replay *r;
	uint32_t words;

	if (window == 0)
		window = REPLAY_DEFAULT;
	if (window < REPLAY_MIN)
		window = REPLAY_MIN;
	if (window > REPLAY_MAX)
		window = REPLAY_MAX;
	words = ring_words(window);
	r = env_alloc(env, sizeof(*r) + words * sizeof(r->bits[0]));
	if (!r)
		return NULL;
	r->window = window;
	r->mask = words - 1;
	r->esn = esn;
	return r;
}

/* RFC 4303, A2.2: the window lies in one subspace of 2^32, or spans two. */
uint64_t
replay_seq(const struct replay *r, uint32_t lo)
{
	uint32_t tl = (uint32_t)r->top, hi = (uint32_t)(r->top >> 32), bottom = tl - r->window + 1;

	if (!r->esn)
		return lo;
	if (tl >= r->window - 1)
		hi += lo < bottom;
	else if (lo >= bottom) {
		if (hi == 0)	/* before the first number */
			return 0;
		hi--;
	}
	return (uint64_t)hi << 32 | lo;
}

enum replay_verdict
replay_check(const struct replay *r, uint64_t seq)
{
	if (seq == 0)
		return REPLAY_ZERO;
	if (seq > r->top)
		return REPLAY_OK;
	if (r->top - seq >= r->window)
		return REPLAY_OLD;
	return r->bits[(seq >> 6) & r->mask] >> (seq & 63) & 1 ? REPLAY_SEEN : REPLAY_OK;
}

bool
replay_commit(struct replay *r, uint64_t seq)
{
	bool newest = seq > r->top;

	if (newest) {
		uint64_t word = r->top >> 6, steps = (seq >> 6) - word;

		for (uint64_t i = 1; i <= steps && i <= (uint64_t)r->mask + 1; i++)
			r->bits[(word + i) & r->mask] = 0;
		r->top = seq;
	}
	r->bits[(seq >> 6) & r->mask] |= 1ull << (seq & 63);
	return newest;
}
