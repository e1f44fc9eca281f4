/* tools/dump_names.c: words for codes, flags and extensions of NHRP; time and octets in characters. */
#include "tools/dump.h"

#include <stdlib.h>
#include <time.h>

const char *
dump_cie_code(uint8_t code)
{
	switch (code) {
	case NHRP_CODE_OK: return "success";
	case NHRP_CODE_PROHIBITED: return "administratively prohibited";
	case NHRP_CODE_NO_RESOURCES: return "insufficient resources";
	case NHRP_CODE_NO_BINDING_OLD: return "no binding exists (as FRR and OpenNHRP write it)";
	case NHRP_CODE_NO_BINDING: return "no binding exists";
	case NHRP_CODE_NOT_UNIQUE: return "binding exists but is not unique";
	case NHRP_CODE_UNIQUE_TAKEN: return "unique address already registered";
	}
	return NULL;
}

const char *
dump_error_code(uint16_t code)
{
	switch (code) {
	case NHRP_ERR_EXTENSION: return "unrecognized extension";
	case NHRP_ERR_LOOP_OLD: return "loop detected (as FRR and OpenNHRP write it)";
	case NHRP_ERR_LOOP: return "loop detected";
	case NHRP_ERR_UNREACHABLE: return "protocol address unreachable";
	case NHRP_ERR_PROTOCOL: return "protocol error";
	case NHRP_ERR_SIZE: return "SDU size exceeded";
	case NHRP_ERR_INVALID_EXTENSION: return "invalid extension";
	case NHRP_ERR_INVALID_REPLY: return "invalid resolution reply received";
	case NHRP_ERR_AUTH: return "authentication failure";
	case NHRP_ERR_HOPS: return "hop count exceeded";
	case 16: return "VPN mismatch";
	case 17: return "VPN unsupported";
	}
	return NULL;
}

enum { RESOLUTION = 1 << NHRP_RESOLUTION_REQUEST | 1 << NHRP_RESOLUTION_REPLY,
	REGISTRATION = 1 << NHRP_REGISTRATION_REQUEST | 1 << NHRP_REGISTRATION_REPLY,
	PURGE = 1 << NHRP_PURGE_REQUEST | 1 << NHRP_PURGE_REPLY };

static const struct {
	unsigned types;
	uint16_t bit;
	const char *word;
} flag_words[] = {
	{ RESOLUTION, NHRP_FLAG_ROUTER, "router" }, { RESOLUTION, NHRP_FLAG_AUTHORITATIVE, "authoritative" },
	{ RESOLUTION, NHRP_FLAG_DST_STABLE, "destination-stable" }, { RESOLUTION, NHRP_FLAG_UNIQUE, "unique" },
	{ RESOLUTION, NHRP_FLAG_SRC_STABLE, "source-stable" }, { REGISTRATION, NHRP_FLAG_REG_UNIQUE, "unique" },
	{ PURGE, NHRP_FLAG_NO_REPLY, "no-reply" }, { RESOLUTION | REGISTRATION, NHRP_FLAG_NAT, "nat" },
};

const char *
dump_flag(uint8_t type, uint16_t flags, unsigned *at)
{
	while (*at < sizeof(flag_words) / sizeof(flag_words[0])) {
		unsigned i = (*at)++;

		if ((flags & flag_words[i].bit) && type < NHRP_TYPES && (flag_words[i].types & 1u << type))
			return flag_words[i].word;
	}
	return NULL;
}

struct dump_ext_name
dump_ext_name(const struct nhrp_ext *e)
{
	switch (e->type) {
	case NHRP_EXT_RESPONDER: return (struct dump_ext_name){ "Responder Address", "responder-address", DUMP_EXT_CIES };
	case NHRP_EXT_FORWARD: return (struct dump_ext_name){ "Forward Transit NHS Record", "forward-transit", DUMP_EXT_CIES };
	case NHRP_EXT_REVERSE: return (struct dump_ext_name){ "Reverse Transit NHS Record", "reverse-transit", DUMP_EXT_CIES };
	case NHRP_EXT_AUTH: return (struct dump_ext_name){ "Authentication", "authentication", DUMP_EXT_AUTH };
	case NHRP_EXT_VENDOR: return (struct dump_ext_name){ "Vendor Private", "vendor-private", DUMP_EXT_OCTETS };
	case NHRP_EXT_NAT:	/* one number, three meanings: only Cisco's is a list of entries */
		if (nhrp_ext_is_nat(e))
			return (struct dump_ext_name){ "NAT Address", "nat-address", DUMP_EXT_CIES };
		if (e->value.n == 8)
			return (struct dump_ext_name){ "Device Capabilities", "device-capabilities", DUMP_EXT_OCTETS };
		if (e->value.n == 4)
			return (struct dump_ext_name){ "IGP Information", "igp-information", DUMP_EXT_OCTETS };
		return (struct dump_ext_name){ "NAT Address", "nat-address", DUMP_EXT_CIES };
	}
	return (struct dump_ext_name){ "Unknown", "unknown", DUMP_EXT_OCTETS };
}

bool
dump_inner(struct span payload, struct dump_inner *out)
{
	struct cur c = cur_of(payload);
	uint8_t version = cur_u8(&c) >> 4, n = version == 6 ? 16 : 4;

	if (version != 4 && version != 6)
		return false;
	cur_take(&c, version == 6 ? 3 : 1);
	out->length = cur_be16(&c);
	if (version == 4) {
		cur_take(&c, 5);
		out->proto = cur_u8(&c);
		cur_take(&c, 2);
	} else {
		out->length = (uint16_t)(out->length > 65535 - 40 ? 65535 : out->length + 40);
		out->proto = cur_u8(&c);
		cur_take(&c, 1);
	}
	out->src = addr_of_span(cur_take(&c, n));
	out->dst = addr_of_span(cur_take(&c, n));
	return !c.bad;
}

char *
dump_time(struct dump_when t, char sep, char out[static 40])
{
	time_t s = (time_t)t.s;
	struct tm tm;

	if (!gmtime_r(&s, &tm) || tm.tm_year < -1900 || tm.tm_year > 8099)
		snprintf(out, 40, "%lld.%06u", (long long)t.s, t.us % 1000000);
	else
		snprintf(out, 40, "%04d-%02d-%02d%c%02d:%02d:%02d.%06u", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, sep, tm.tm_hour, tm.tm_min,
		    tm.tm_sec, t.us % 1000000);
	return out;
}

char *
dump_hex(struct span s, size_t max)
{
	static const char digit[] = "0123456789abcdef";
	size_t n = s.n < max ? s.n : max;
	char *out = malloc(n * 2 + 1);

	for (size_t i = 0; out && i < n; i++) {
		out[i * 2] = digit[s.p[i] >> 4];
		out[i * 2 + 1] = digit[s.p[i] & 15];
	}
	if (out)
		out[n * 2] = '\0';
	return out;
}

bool
dump_printable(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	}
	return s.n > 0;
}

void
dump_parse(struct dump_shown *s)
{
	s->drop = nhrp_packet_parse(s->frame->nhrp, &s->packet);
}
