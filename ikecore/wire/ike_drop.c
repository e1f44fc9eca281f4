/* ikecore/wire/ike_drop.c: words of the drop reasons. */
#include "ikecore/wire/ike_drop.h"

static const char *const drop_word[IKE_DROPS_N] = {
#define X(e, word, text) [e] = word,
	IKE_DROPS(X)
#undef X
};

static const char *const drop_text[IKE_DROPS_N] = {
#define X(e, word, text) [e] = text,
	IKE_DROPS(X)
#undef X
};

const char *
ike_drop_word(enum ike_drop d)
{
	return (unsigned)d < IKE_DROPS_N ? drop_word[d] : "unknown";
}

const char *
ike_drop_text(enum ike_drop d)
{
	return (unsigned)d < IKE_DROPS_N ? drop_text[d] : "unknown";
}
