#include "mgre/gre.h"

const char *
mgre_count_word(enum mgre_count c)
{
	static const char *const words[MGRE_COUNTERS] = {
		[MGRE_OK] = "ok",
#define X(id, word) [MGRE_DROP_##id] = word,
		MGRE_DROPS(X)
#undef X
#define X(id, word) [MGRE_N_##id] = word,
		MGRE_COUNTS(X)
#undef X
	};

	return words[c];
}

void
gre_put(const struct gre *g, uint16_t proto, uint8_t *out)
{
	put_be16(out, g->has_key ? GRE_FLAG_KEY : 0);
	put_be16(out + 2, proto);
	if (g->has_key)
		put_be32(out + 4, g->key);
}

enum mgre_count
gre_parse(const struct gre *want, struct span packet, uint16_t *proto)
{
	struct cur c = cur_of(packet);
	uint16_t flags = cur_be16(&c);
	uint32_t key;

	*proto = cur_be16(&c);
	if (c.bad)
		return MGRE_DROP_GRE_SHORT;
	if (flags != (want->has_key ? GRE_FLAG_KEY : 0))
		return MGRE_DROP_GRE_FLAGS;
	if (want->has_key) {
		key = cur_be32(&c);
		if (c.bad)
			return MGRE_DROP_GRE_SHORT;
		if (key != want->key)
			return MGRE_DROP_GRE_KEY;
	}
	if (*proto != GRE_IPV4 && *proto != GRE_IPV6 && *proto != GRE_NHRP)
		return MGRE_DROP_GRE_PROTO;
	return MGRE_OK;
}
