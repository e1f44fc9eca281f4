/* nhrpd/wire/names.c: words for drop reasons and packet types. */
#include "nhrpd/wire/nhrp_packet.h"

static const struct {
	const char *word, *text;
} drops[NHRP_DROPS_N] = {
#define X(e, w, t) [e] = { w, t },
	NHRP_DROPS(X)
#undef X
};

static const char *const types[NHRP_TYPES] = {
	[NHRP_RESOLUTION_REQUEST] = "Resolution-Request",
	[NHRP_RESOLUTION_REPLY] = "Resolution-Reply",
	[NHRP_REGISTRATION_REQUEST] = "Registration-Request",
	[NHRP_REGISTRATION_REPLY] = "Registration-Reply",
	[NHRP_PURGE_REQUEST] = "Purge-Request",
	[NHRP_PURGE_REPLY] = "Purge-Reply",
	[NHRP_ERROR_INDICATION] = "Error-Indication",
	[NHRP_TRAFFIC_INDICATION] = "Traffic-Indication",
};

const char *
nhrp_drop_word(enum nhrp_drop d)
{
	return (unsigned)d < NHRP_DROPS_N ? drops[d].word : "unknown";
}

const char *
nhrp_drop_text(enum nhrp_drop d)
{
	return (unsigned)d < NHRP_DROPS_N ? drops[d].text : "unknown";
}

const char *
nhrp_type_name(uint8_t type)
{
	return type < NHRP_TYPES && types[type] ? types[type] : "unknown";
}
