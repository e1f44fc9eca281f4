/* nhrpd/daemon/conf_types.c: the kinds of argument. */
#include "nhrpd/daemon/conf_priv.h"

#include <ctype.h>
#include <stdlib.h>

#include "lib/traffic.h"

/* "aes-gcm-256, aes-gcm-128 or chacha20-poly1305": those that may be recommended. */
static void
alg_list(const struct conf_alg *a, const char *before, char *out, size_t n)
{
	size_t used = 0;

	for (; a->name && !a->legacy && used < n; a++) {
		bool last = !a[1].name || a[1].legacy, before_last = !last && (!a[2].name || a[2].legacy);
		int k = snprintf(out + used, n - used, "%s%s%s", before, a->name, last ? "" : before_last ? " or " : ", ");

		if (k < 0)
			return;
		used += (size_t)k;
	}
}

static bool
alg_parse(const struct conf_alg *a, const char *before, const char *text, struct conf_val *v, char *why, size_t why_n)
{
	char list[200], found[48];
	const struct conf_alg *i;
	size_t skip = strlen(before);

	for (i = a; i->name; i++) {
		if (strncasecmp(text, before, skip) == 0 && strcasecmp(text + skip, i->name) == 0) {
			v->n = i->v;
			return true;
		}
	}
	alg_list(a, before, list, sizeof(list));
	snprintf(why, why_n, "%s is not supported: use %s", conf_found(text, found), list);
	return false;
}

/* Names we know of others but do not have get "not supported"; nonsense gets "expected". */
static bool
alg_known(const char *text, const char *const *words)
{
	for (; *words; words++) {
		if (strncasecmp(text, *words, strlen(*words)) == 0)
			return true;
	}
	return false;
}

static bool
parse_encr(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	static const char *const known[] = { "aes-", "3des", "des", "seal", "camellia", NULL };
	bool ok = alg_parse(conf_ike_encr, "", text, v, why, n);

	(void)lo, (void)hi;
	if (!ok && !alg_known(text, known))
		why[0] = '\0';
	return ok;
}

static bool
parse_integ(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	static const char *const known[] = { "sha", "md5", "aes", NULL };
	bool ok = alg_parse(conf_integs, "", text, v, why, n);

	(void)lo, (void)hi;
	if (!ok && !alg_known(text, known))
		why[0] = '\0';
	return ok;
}

static bool
parse_prf(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	static const char *const known[] = { "sha", "md5", "aes", NULL };
	bool ok = alg_parse(conf_prfs, "", text, v, why, n);

	(void)lo, (void)hi;
	if (!ok && !alg_known(text, known))
		why[0] = '\0';
	return ok;
}

static bool
parse_group(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	bool ok = alg_parse(conf_groups, "", text, v, why, n);

	(void)lo, (void)hi;
	if (!ok && !isdigit((unsigned char)text[0]))
		why[0] = '\0';
	return ok;
}

/* Of an additional key exchange; 0 is none. */
static bool
parse_addke(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	static const struct conf_alg more[] = { { "none", 0, false }, { "mlkem768", 36, false }, { "mlkem1024", 37, false } };

	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		if (strcasecmp(text, more[i].name) == 0) {
			v->n = more[i].v;
			return true;
		}
	}
	return parse_group(text, lo, hi, v, why, n);
}

static bool
parse_pfs(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	static const char *const known[] = { "group", NULL };
	bool ok = alg_parse(conf_groups, "group", text, v, why, n);

	(void)lo, (void)hi;
	if (!ok && !alg_known(text, known))
		why[0] = '\0';
	return ok;
}

static bool
parse_number(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t why_n)
{
	char found[48], *end;
	bool digits = text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';

	v->n = digits && strlen(text) <= 15 ? strtoull(text, &end, 10) : UINT64_MAX;
	if (digits && v->n >= lo && v->n <= hi)
		return true;
	snprintf(why, why_n, "expected a number from %llu to %llu, found %s", (unsigned long long)lo, (unsigned long long)hi, conf_found(text, found));
	return false;
}

static bool
parse_addr_of(const char *text, struct conf_val *v, uint8_t family)
{
	struct addr a;

	if (!addr_parse(text, &a) || (family && a.n != family))
		return false;
	v->p = prefix_host(&a);
	return true;
}

static bool
parse_addr(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	(void)lo, (void)hi, (void)why, (void)n;
	return parse_addr_of(text, v, 0);
}

static bool
parse_addr4(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	(void)lo, (void)hi, (void)why, (void)n;
	return parse_addr_of(text, v, 4);
}

static bool
parse_addr6(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	(void)lo, (void)hi, (void)why, (void)n;
	return parse_addr_of(text, v, 16);
}

/* n says whether a length was given: a mask may follow where it was not. */
static bool
parse_prefix(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	(void)lo, (void)hi, (void)why, (void)n;
	v->n = strchr(text, '/') != NULL;
	return !strchr(text, ' ') && prefix_parse_host(text, &v->p);
}

static bool
parse_prefix4(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	return parse_prefix(text, lo, hi, v, why, n) && v->p.addr.n == 4;
}

static bool
parse_prefix6(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	return parse_prefix(text, lo, hi, v, why, n) && v->p.addr.n == 16 && v->n;
}

/* s is what was written: a template has no prefix yet. */
static bool
parse_allowed(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	(void)lo, (void)hi, (void)why, (void)n;
	v->n = strstr(text, CLAIMS_HOLE) != NULL;
	return !strchr(text, ' ') && (v->n ? claims_fill(text, "1", &v->p) : prefix_parse(text, &v->p));
}

static bool
parse_mask(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	char both[64];

	(void)lo, (void)hi, (void)why, (void)n;
	if (snprintf(both, sizeof(both), "0.0.0.0 %s", text) >= (int)sizeof(both) || strchr(text, ' ') || !prefix_parse_host(both, &v->p))
		return false;
	v->n = v->p.bits;
	return true;
}

/* n: what it is. */
static bool
parse_traffic(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	static const struct {
		const char *text;
		enum conf_traffic is;
	} word[] = {
		{ "any", CONF_TRAFFIC_ANY }, { "host", CONF_TRAFFIC_HOST }, { "eq", CONF_TRAFFIC_EQ }, { "lt", CONF_TRAFFIC_LT }, { "gt", CONF_TRAFFIC_GT },
		{ "range", CONF_TRAFFIC_RANGE },
	};
	uint16_t port;

	for (size_t i = 0; i < sizeof(word) / sizeof(word[0]); i++) {
		if (strcasecmp(text, word[i].text) == 0) {
			v->n = word[i].is;
			return true;
		}
	}
	if (traffic_port_parse(text, &port)) {
		v->n = CONF_TRAFFIC_PORT | (uint64_t)port << 8;
		return true;
	}
	if (!parse_prefix(text, lo, hi, v, why, n))
		return false;
	v->n = v->n ? CONF_TRAFFIC_PREFIX : CONF_TRAFFIC_ADDR;
	return true;
}

/* n: its number; 0 for all of them. */
static bool
parse_protocol(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	uint8_t proto = 0;

	(void)lo, (void)hi, (void)why, (void)n;
	if (strcasecmp(text, "ip") != 0 && strcasecmp(text, "ipv6") != 0 && (!traffic_proto_parse(text, &proto) || proto == 0))
		return false;
	v->n = proto;
	return true;
}

static bool
all_of(const char *text, const char *others)
{
	for (; *text; text++) {
		if (!isalnum((unsigned char)*text) && !strchr(others, *text))
			return false;
	}
	return true;
}

static bool
parse_name(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	(void)lo, (void)hi, (void)v, (void)why, (void)n;
	return text[0] && strlen(text) < IKE_NAME_MAX && all_of(text, "-_.:+@");
}

/* A number with dots is somebody's mistyped address, not a name. */
static bool
looks_like_address(const char *text)
{
	return strchr(text, ':') || text[strspn(text, "0123456789./")] == '\0';
}

static bool
is_host_name(const char *text, size_t max)
{
	size_t n = strlen(text);

	return n > 0 && n <= max && text[0] != '.' && text[0] != '-' && text[n - 1] != '.' && !strstr(text, "..") && all_of(text, "-_.") &&
	    !looks_like_address(text);
}

static bool
parse_hostname(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	(void)lo, (void)hi, (void)v, (void)why, (void)n;
	return is_host_name(text, 63);
}

static bool
parse_host(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	(void)lo, (void)hi, (void)why, (void)n;
	return parse_addr_of(text, v, 0) || is_host_name(text, 127);
}

static bool
parse_fqdn_email(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	const char *at = strrchr(text, '@');

	(void)lo, (void)hi, (void)v, (void)why, (void)n;
	return strlen(text) < IKE_ID_MAX && is_host_name(at ? at + 1 : text, 253) && at != text;
}

static bool
parse_interface(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	(void)lo, (void)hi, (void)v, (void)why, (void)n;
	return text[0] && strlen(text) < DP_NAME && all_of(text, "-_.@") && strcmp(text, ".") != 0 && strcmp(text, "..") != 0 &&
	    !looks_like_address(text);
}

static bool
parse_source(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	return parse_addr_of(text, v, 0) || parse_interface(text, lo, hi, v, why, n);
}

static bool
parse_text(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	(void)lo, (void)hi, (void)v, (void)why, (void)n;
	return text[0] != '\0' && strlen(text) <= IKE_ID_MAX;
}

static bool
parse_path(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	(void)lo, (void)hi, (void)v, (void)why, (void)n;
	return text[0] != '\0' && strlen(text) < PATH_MAX;
}

static bool
parse_dn(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	uint8_t der[IKE_ID_MAX];

	(void)lo, (void)hi, (void)v, (void)why, (void)n;
	return ike_dn_parse(text, der, sizeof(der)) != 0;
}

static bool
parse_url(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	(void)lo, (void)hi, (void)v, (void)why, (void)n;
	return strncasecmp(text, "http://", 7) == 0 && text[7] && strlen(text) < IKE_URL_MAX && all_of(text, "-_.:/?&=%+~@[]");
}

static bool
parse_secret(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	(void)lo, (void)hi, (void)v;
	if (strlen(text) > IKE_PSK_MAX)
		snprintf(why, n, "the secret is longer than %d octets", IKE_PSK_MAX);
	return text[0] != '\0' && strlen(text) <= IKE_PSK_MAX;
}

static bool
parse_hex(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	size_t len = strlen(text);

	(void)lo, (void)hi, (void)v, (void)why, (void)n;
	return len > 0 && len % 2 == 0 && len <= 2 * IKE_PSK_MAX && text[strspn(text, "0123456789abcdefABCDEF")] == '\0';
}

static bool
parse_nhrp_secret(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	(void)lo, (void)hi, (void)v;
	if (strlen(text) > NHRP_AUTH_MAX)
		snprintf(why, n, "the authentication string is longer than %d characters", NHRP_AUTH_MAX);
	return text[0] != '\0' && strlen(text) <= NHRP_AUTH_MAX;
}

/* As IOS (bit/s), or with a unit as tc says it: 20mbit, 512k, 1.5gbit. */
static bool
parse_rate(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	static const struct { const char *word; uint64_t by; } units[] = {
		{ "", 1 }, { "bps", 1 }, { "bit", 1 }, { "k", 1000 }, { "kbit", 1000 }, { "kbps", 1000 }, { "m", 1000000 }, { "mbit", 1000000 },
		{ "mbps", 1000000 }, { "g", 1000000000 }, { "gbit", 1000000000 }, { "gbps", 1000000000 },
	};
	size_t digits = strspn(text, "0123456789"), fraction = text[digits] == '.' ? strspn(text + digits + 1, "0123456789") : 0;
	uint64_t part = 0, by = 1;

	(void)lo, (void)hi;
	if (!digits || digits > 12 || fraction > 6 || (text[digits] == '.' && !fraction))
		return false;
	v->n = strtoull(text, NULL, 10);
	for (size_t i = 0; i < fraction; i++, by *= 10)
		part = part * 10 + (uint64_t)(text[digits + 1 + i] - '0');
	text += digits + (fraction ? 1 + fraction : 0);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcasecmp(text, units[i].word) != 0)
			continue;
		v->n = v->n > CONF_RATE_MAX ? UINT64_MAX : v->n * units[i].by + part * units[i].by / by;
		if (v->n >= CONF_RATE_MIN && v->n <= CONF_RATE_MAX)
			return true;
		snprintf(why, n, "expected a rate from 8kbit to 400gbit");
		return false;
	}
	return false;
}

static bool
parse_qos_group(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	(void)lo, (void)hi, (void)v;
	if (strlen(text) > NHRP_GROUP_MAX)
		snprintf(why, n, "the name of a group is longer than %d characters", NHRP_GROUP_MAX);
	return nhrp_group_is_sane(span_of(text, strlen(text)));
}

static bool
parse_level(const char *text, uint64_t lo, uint64_t hi, struct conf_val *v, char *why, size_t n)
{
	enum log_level lv;

	(void)lo, (void)hi, (void)why, (void)n;
	if (!log_level_parse(text, &lv))
		return false;
	v->n = lv;
	return true;
}

const struct conf_type conf_types[] = {
	{ "number", "a number", parse_number, false, false },
	{ "address", "an IPv4 or IPv6 address", parse_addr, false, false },
	{ "address4", "an IPv4 address", parse_addr4, false, false },
	{ "address6", "an IPv6 address", parse_addr6, false, false },
	{ "prefix", "an address or prefix", parse_prefix, false, false },
	{ "prefix4", "an IPv4 address", parse_prefix4, false, false },
	{ "prefix6", "an IPv6 address with a length, like 2001:db8::1/64", parse_prefix6, false, false },
	{ "allowed", "an address or prefix, or one with {n} in it", parse_allowed, false, false },
	{ "protocol", "ip, ipv6, tcp, udp, icmp or the number of a protocol", parse_protocol, false, false },
	{ "traffic", "a prefix, an address and a wildcard, host or any; eq, lt, gt or range and ports", parse_traffic, false, false },
	{ "mask", "a mask", parse_mask, false, false },
	{ "name", "a name", parse_name, false, false },
	{ "hostname", "a host name", parse_hostname, false, false },
	{ "host", "an address or host name", parse_host, false, false },
	{ "fqdn-or-email", "a full name", parse_fqdn_email, false, false },
	{ "interface", "an interface name of at most 15 characters", parse_interface, false, false },
	{ "source", "an address or interface name", parse_source, false, false },
	{ "text", "some text", parse_text, false, false },
	{ "line", "some text", parse_path, true, false },
	{ "dn", "a distinguished name like CN=spoke1, O=Example", parse_dn, true, false },
	{ "url", "an address that begins with http://", parse_url, false, false },
	{ "path", "a file name", parse_path, false, false },
	{ "secret", "the secret", parse_secret, false, true },
	{ "hex-secret", "an even number of hexadecimal digits", parse_hex, false, true },
	{ "nhrp-secret", "a word of at most 8 characters", parse_nhrp_secret, false, true },
	{ "rate", "a rate in bit/s, or with a unit: 512kbit, 20mbit, 1gbit", parse_rate, false, false },
	{ "qos-group", "a name of at most 32 characters without blanks", parse_qos_group, false, false },
	{ "level", "errors, warnings, notifications, informational or debugging", parse_level, false, false },
	{ "ike-encryption", "a cipher like aes-gcm-256", parse_encr, false, false },
	{ "integrity", "sha256, sha384 or sha512", parse_integ, false, false },
	{ "prf", "sha256, sha384 or sha512", parse_prf, false, false },
	{ "group", "the number of a group", parse_group, false, false },
	{ "addke", "mlkem768, mlkem1024, the number of a group, or none", parse_addke, false, false },
	{ "pfs-group", "a group like group19", parse_pfs, false, false },
};
const size_t conf_n_types = sizeof(conf_types) / sizeof(conf_types[0]);
