/* ikecore/engine/names.c: identities and algorithms as text, and which identity a rule is for. */
#include "ikecore/engine/ike_priv.h"

#include <stdio.h>

static const char *const down_word[] = {
	[IKE_DOWN_DELETED] = "peer-deleted",
	[IKE_DOWN_CLOSED] = "closed",
	[IKE_DOWN_DEAD] = "dead",
	[IKE_DOWN_DUPLICATE] = "duplicate",
	[IKE_DOWN_REPLACED] = "replaced",
	[IKE_DOWN_IPSEC] = "ipsec",
	[IKE_DOWN_RESTARTED] = "peer-restarted",
	[IKE_DOWN_AUTH] = "auth",
	[IKE_DOWN_PROPOSAL] = "proposal",
	[IKE_DOWN_EXPIRED] = "expired",
	[IKE_DOWN_PROTOCOL] = "protocol",
	[IKE_DOWN_RESOURCES] = "resources",
	[IKE_DOWN_UNREACHABLE] = "unreachable",
};

const char *
ike_down_word(enum ike_down d)
{
	return (unsigned)d < sizeof(down_word) / sizeof(down_word[0]) ? down_word[d] : "unknown";
}

static char
lower(uint8_t c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

static bool
text_eq(const uint8_t *a, const uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (lower(a[i]) != lower(b[i]))
			return false;
	}
	return true;
}

static bool
id_is_text(uint8_t type)
{
	return type == IKE_ID_FQDN || type == IKE_ID_EMAIL;
}

uint64_t
ike_id_hash(const struct map *m, const struct ike_id *id)
{
	uint8_t b[2 + IKE_ID_MAX] = { id->type, id->len };

	for (unsigned i = 0; i < id->len; i++) {	/* names compare without case; for the others it does no harm */
		uint8_t c = id->data[i];

		b[2 + i] = c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
	}
	return map_hash(m, b, 2 + (size_t)id->len);
}

bool
ike_id_eq(const struct ike_id *a, const struct ike_id *b)
{
	if (a->type == IKE_ID_DN && b->type == IKE_ID_DN)
		return span_eq(span_of(a->data, a->len), span_of(b->data, b->len)) || ike_dn_eq(span_of(a->data, a->len), span_of(b->data, b->len));
	if (a->type != b->type || a->len != b->len)
		return false;
	return id_is_text(a->type) ? text_eq(a->data, b->data, a->len) : memcmp(a->data, b->data, a->len) == 0;
}

/* "example.net" takes "a.example.net" and "u@example.net", and neither "example.net" nor "badexample.net". */
static bool
in_domain(const struct ike_id *domain, const struct ike_id *id)
{
	size_t off;

	if (!id_is_text(id->type) || id->type != domain->type || domain->len == 0 || id->len <= domain->len + 1u)
		return false;
	off = (size_t)id->len - domain->len;
	if (!text_eq(id->data + off, domain->data, domain->len))
		return false;
	return id->data[off - 1] == '.' || (id->type == IKE_ID_EMAIL && id->data[off - 1] == '@');
}

bool
ike_id_match(const struct ike_match *m, const struct ike_id *id)
{
	struct addr a;

	if (id->type == IKE_ID_NONE)
		return false;
	switch (m->kind) {
	case IKE_MATCH_ANY:
		return true;
	case IKE_MATCH_EXACT:
		if (m->id.type == IKE_ID_DN && id->type == IKE_ID_DN)
			return ike_dn_match(ike_put_id(&m->id), ike_put_id(id));
		return ike_id_eq(&m->id, id);
	case IKE_MATCH_DOMAIN:
		return in_domain(&m->id, id);
	case IKE_MATCH_NET:
		a = id->type == IKE_ID_IPV4 || id->type == IKE_ID_IPV6 ? addr_of(id->data, id->len) : (struct addr){ 0 };
		return a.n && prefix_has(&m->net, &a);
	}
	return false;
}

static const char *
id_kind(uint8_t type)
{
	switch (type) {
	case IKE_ID_IPV4:
	case IKE_ID_IPV6:
		return "address";
	case IKE_ID_FQDN:
		return "fqdn";
	case IKE_ID_EMAIL:
		return "email";
	case IKE_ID_DN:
		return "dn";
	case IKE_ID_KEY_ID:
		return "key-id";
	default:	/* an octet from the wire */
		return "unknown";
	}
}

char *
ike_id_fmt(const struct ike_id *id, char *out, size_t n)
{
	char text[ADDR_STRLEN];
	struct addr a;
	size_t at;

	if (n == 0)
		return out;
	if (id->type == IKE_ID_NONE) {
		snprintf(out, n, "none");
		return out;
	}
	at = (size_t)snprintf(out, n, "%s ", id_kind(id->type));
	if (id->type == IKE_ID_IPV4 || id->type == IKE_ID_IPV6) {
		a = addr_of(id->data, id->len);
		snprintf(out, n, "address %s", addr_fmt(&a, text));
		return out;
	}
	if (id->type == IKE_ID_DN && at < n) {
		ike_dn_fmt(span_of(id->data, id->len), out + at, n - at);
		return out;
	}
	for (unsigned i = 0; i < id->len && at < n; i++) {
		uint8_t c = id->data[i];

		if (!id_is_text(id->type))
			at += (size_t)snprintf(out + at, n - at, "%02x", c);
		else if (c > 32 && c < 127 && c != '\\' && c != '"')
			at += (size_t)snprintf(out + at, n - at, "%c", c);
		else
			at += (size_t)snprintf(out + at, n - at, "\\x%02x", c);
	}
	return out;
}

struct alg_name {
	uint16_t id, bits;
	const char *name;
};

static const char *
alg_name(const struct alg_name *t, uint16_t id, uint16_t bits)
{
	for (; t->name; t++) {
		if (t->id == id && t->bits == bits)
			return t->name;
	}
	return "unknown";
}

const char *
ike_encr_name(uint16_t encr, uint16_t bits)
{
	static const struct alg_name t[] = {
		{ IKE_ENCR_AES_GCM_16, 128, "aes-gcm-128" }, { IKE_ENCR_AES_GCM_16, 192, "aes-gcm-192" },
		{ IKE_ENCR_AES_GCM_16, 256, "aes-gcm-256" }, { IKE_ENCR_CHACHA20_POLY1305, 0, "chacha20-poly1305" },
		{ IKE_ENCR_AES_CBC, 128, "aes-cbc-128" }, { IKE_ENCR_AES_CBC, 192, "aes-cbc-192" }, { IKE_ENCR_AES_CBC, 256, "aes-cbc-256" },
		{ IKE_ENCR_AES_CTR, 128, "aes-ctr-128" }, { IKE_ENCR_AES_CTR, 192, "aes-ctr-192" }, { IKE_ENCR_AES_CTR, 256, "aes-ctr-256" },
		{ IKE_ENCR_3DES, 0, "3des" }, { IKE_ENCR_NULL, 0, "null" }, { 0, 0, "none" }, { 0, 0, NULL },
	};

	return alg_name(t, encr, bits);
}

const char *
ike_prf_name(uint16_t prf)
{
	static const struct alg_name t[] = {
		{ IKE_PRF_HMAC_SHA2_256, 0, "sha256" }, { IKE_PRF_HMAC_SHA2_384, 0, "sha384" }, { IKE_PRF_HMAC_SHA2_512, 0, "sha512" },
		{ IKE_PRF_HMAC_SHA1, 0, "sha1" }, { IKE_PRF_HMAC_MD5, 0, "md5" }, { 0, 0, NULL },
	};

	return alg_name(t, prf, 0);
}

const char *
ike_integ_name(uint16_t integ)
{
	static const struct alg_name t[] = {
		{ IKE_INTEG_HMAC_SHA2_256_128, 0, "sha256" }, { IKE_INTEG_HMAC_SHA2_384_192, 0, "sha384" },
		{ IKE_INTEG_HMAC_SHA2_512_256, 0, "sha512" }, { IKE_INTEG_HMAC_SHA1_96, 0, "sha1" }, { 1, 0, "md5" },
		{ IKE_INTEG_NONE, 0, "none" }, { 0, 0, NULL },
	};

	return alg_name(t, integ, 0);
}

const char *
ike_group_name(uint16_t group)
{
	static const struct alg_name t[] = {
		{ 1, 0, "modp768" }, { IKE_KE_MODP1024, 0, "modp1024" }, { IKE_KE_MODP1536, 0, "modp1536" }, { IKE_KE_MODP2048, 0, "modp2048" },
		{ IKE_KE_MODP3072, 0, "modp3072" }, { IKE_KE_MODP4096, 0, "modp4096" }, { IKE_KE_MODP6144, 0, "modp6144" },
		{ IKE_KE_MODP8192, 0, "modp8192" }, { IKE_KE_ECP256, 0, "ecp256" }, { IKE_KE_ECP384, 0, "ecp384" }, { IKE_KE_ECP521, 0, "ecp521" },
		{ IKE_KE_CURVE25519, 0, "curve25519" }, { IKE_KE_CURVE448, 0, "curve448" },
		{ IKE_KE_MLKEM768, 0, "mlkem768" }, { IKE_KE_MLKEM1024, 0, "mlkem1024" }, { IKE_KE_NONE, 0, "none" }, { 0, 0, NULL },
	};

	return alg_name(t, group, 0);
}

const char *
ike_auth_name(uint8_t method)
{
	switch (method) {
	case 0:
		return "none";
	case IKE_AUTH_PSK:
		return "pre-shared key";
	case IKE_AUTH_SIGNATURE:
		return "digital signature";
	case IKE_AUTH_ECDSA256:
	case IKE_AUTH_ECDSA384:
	case IKE_AUTH_ECDSA521:
		return "ECDSA signature";
	case IKE_AUTH_RSA:
		return "RSA signature with SHA-1";
	default:	/* an octet from the wire */
		return "unknown";
	}
}
