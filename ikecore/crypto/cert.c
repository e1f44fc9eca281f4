/* ikecore/crypto/cert.c: one certificate: read whole or not at all, what it says in words, whether a key in it is one we take
 * (RSA 2048 to 8192 with a sane exponent, ECDSA on the three NIST curves by name, Ed25519), whether it may sign in IKE (RFC 4945
 * 5.1.3.2, 5.1.3.12), and whether an identity is in it (RFC 4945 3.1): names and addresses in subjectAltName, the DN as subject.
 * The common name is never taken for a host name, and a wildcard in a certificate never for an identity. */
#include "ikecore/crypto/cert_priv.h"

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192, RSA_E_BITS_MAX = 64 };

const char *
openssl_why(char *out, size_t n)
{
	unsigned long e = ERR_peek_last_error();
	const char *s = e ? ERR_reason_error_string(e) : NULL;

	snprintf(out, n, "%s", s ? s : "no reason given");
	ERR_clear_error();
	return out;
}

X509 *
cert_read(struct span der)
{
	const unsigned char *p = der.p;
	X509 *x = der.n && der.n <= IKE_CHAIN_OCTETS_MAX ? d2i_X509(NULL, &p, (long)der.n) : NULL;

	ERR_clear_error();
	if (x && p == der.p + der.n)
		return x;
	X509_free(x);
	return NULL;
}

/* ---- words */

void
cert_name_fmt(const X509_NAME *name, char *out, size_t n)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *p;
	long len;

	snprintf(out, n, "?");
	if (b && X509_NAME_print_ex(b, name, 0, ASN1_STRFLGS_RFC2253 | XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_FN_SN) >= 0) {
		len = BIO_get_mem_data(b, &p);
		snprintf(out, n, "%.*s", (int)len, len > 0 ? p : "");
	}
	BIO_free(b);
}

int64_t
cert_time(const ASN1_TIME *t)
{
	static const struct tm epoch = { .tm_year = 70, .tm_mday = 1 };
	struct tm when, from = epoch;
	int days, seconds;

	if (!t || !ASN1_TIME_to_tm(t, &when) || !OPENSSL_gmtime_diff(&days, &seconds, &from, &when))
		return INT64_MIN;
	return (int64_t)days * 86400 + seconds;
}

char *
ike_date_fmt(int64_t wall, char out[static IKE_DATE_MAX])
{
	time_t t = (time_t)wall;
	struct tm tm;

	if (!OPENSSL_gmtime(&t, &tm) || !strftime(out, IKE_DATE_MAX, "%Y-%m-%d %H:%M:%S UTC", &tm))
		snprintf(out, IKE_DATE_MAX, "an impossible date");
	return out;
}

static void
serial_fmt(X509 *x, char out[static IKE_SERIAL_TEXT_MAX])
{
	const ASN1_INTEGER *s = X509_get0_serialNumber(x);
	BIGNUM *bn = ASN1_INTEGER_to_BN(s, NULL);
	char *hex = bn ? BN_bn2hex(bn) : NULL;

	snprintf(out, IKE_SERIAL_TEXT_MAX, "%s", hex ? hex : "?");
	OPENSSL_free(hex);
	BN_free(bn);
}

static const char *
curve_name(const EVP_PKEY *k)
{
	char group[40];

	if (EVP_PKEY_get_base_id(k) != EVP_PKEY_EC || !EVP_PKEY_get_group_name(k, group, sizeof(group), NULL))
		return NULL;
	return strcmp(group, "prime256v1") == 0  ? "P-256"
	       : strcmp(group, "secp384r1") == 0 ? "P-384"
	       : strcmp(group, "secp521r1") == 0 ? "P-521"
						 : NULL;
}

static void
key_fmt(const EVP_PKEY *k, char out[static IKE_KEY_TEXT_MAX])
{
	int id = k ? EVP_PKEY_get_base_id(k) : 0;
	const char *curve = k ? curve_name(k) : NULL;

	if (id == EVP_PKEY_RSA || id == EVP_PKEY_RSA_PSS)
		snprintf(out, IKE_KEY_TEXT_MAX, "RSA %d", EVP_PKEY_get_bits(k));
	else if (id == EVP_PKEY_EC)
		snprintf(out, IKE_KEY_TEXT_MAX, "ECDSA %s", curve ? curve : "unknown curve");
	else
		snprintf(out, IKE_KEY_TEXT_MAX, "%s", id == EVP_PKEY_ED25519 ? "Ed25519" : "unknown");
}

void
cert_facts(X509 *x, struct ike_cert_facts *out)
{
	unsigned n = 0;

	memset(out, 0, sizeof(*out));
	cert_name_fmt(X509_get_subject_name(x), out->subject, sizeof(out->subject));
	cert_name_fmt(X509_get_issuer_name(x), out->issuer, sizeof(out->issuer));
	serial_fmt(x, out->serial);
	key_fmt(X509_get0_pubkey(x), out->key);
	out->not_before = cert_time(X509_get0_notBefore(x));
	out->not_after = cert_time(X509_get0_notAfter(x));
	X509_digest(x, EVP_sha256(), out->fingerprint, &n);
	ERR_clear_error();
}

bool
cert_spki_hash(X509 *x, uint8_t out[static IKE_SHA1_LEN])
{
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
	bool ok = n > 0 && EVP_Digest(der, (size_t)n, out, NULL, EVP_sha1(), NULL) == 1;

	OPENSSL_free(der);
	return ok;
}

/* ---- keys */

static bool
rsa_exponent_ok(const EVP_PKEY *k)
{
	BIGNUM *e = NULL;
	bool ok = EVP_PKEY_get_bn_param(k, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && BN_is_odd(e) && !BN_is_one(e) && BN_num_bits(e) <= RSA_E_BITS_MAX;

	BN_free(e);
	return ok;
}

unsigned
cert_key_kinds(const EVP_PKEY *k)
{
	int id = k ? EVP_PKEY_get_base_id(k) : 0;

	return id == EVP_PKEY_RSA	? IKE_SIGN_RSA | IKE_SIGN_RSA_PSS
	       : id == EVP_PKEY_RSA_PSS ? IKE_SIGN_RSA_PSS
	       : id == EVP_PKEY_EC	? IKE_SIGN_ECDSA
	       : id == EVP_PKEY_ED25519 ? IKE_SIGN_EDDSA
					: 0;
}

bool
cert_key_ok(X509 *x, char *why)
{
	EVP_PKEY *k = X509_get0_pubkey(x);
	unsigned kinds = cert_key_kinds(k);
	int bits = k ? EVP_PKEY_get_bits(k) : 0;
	bool ok = false;

	if (!kinds)
		snprintf(why, IKE_WHY_MAX, "its key is of a kind that is not supported");
	else if ((kinds & IKE_SIGN_RSA_PSS) && (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX))
		snprintf(why, IKE_WHY_MAX, "its RSA key has %d bits, %d to %d are taken", bits, RSA_BITS_MIN, RSA_BITS_MAX);
	else if ((kinds & IKE_SIGN_RSA_PSS) && !rsa_exponent_ok(k))
		snprintf(why, IKE_WHY_MAX, "the public exponent of its RSA key is unsafe");
	else if (kinds == IKE_SIGN_ECDSA && !curve_name(k))
		snprintf(why, IKE_WHY_MAX, "its ECDSA key is not on P-256, P-384 or P-521");
	else
		ok = true;
	ERR_clear_error();
	return ok;
}

/* ---- what it may be used for */

static bool
eku_ok(X509 *x)
{
	static const char *const taken[] = { "2.5.29.37.0", "1.3.6.1.5.5.8.2.2", "1.3.6.1.5.5.7.3.17", "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2" };
	EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);
	char oid[64];
	bool ok = !eku && X509_get_ext_by_NID(x, NID_ext_key_usage, -1) < 0;

	for (int i = 0; eku && i < sk_ASN1_OBJECT_num(eku); i++) {
		OBJ_obj2txt(oid, sizeof(oid), sk_ASN1_OBJECT_value(eku, i), 1);
		for (size_t k = 0; k < sizeof(taken) / sizeof(taken[0]); k++)
			ok |= strcmp(oid, taken[k]) == 0;
	}
	EXTENDED_KEY_USAGE_free(eku);
	return ok;
}

bool
cert_may_sign(X509 *x, char *why)
{
	if (!(X509_get_key_usage(x) & KU_DIGITAL_SIGNATURE))	/* all bits where there is no such extension */
		snprintf(why, IKE_WHY_MAX, "its key usage does not allow digital signatures");
	else if (!eku_ok(x))
		snprintf(why, IKE_WHY_MAX, "its extended key usage is for something else than IKE, TLS or any");
	else
		return true;
	return false;
}

/* ---- distinguished names */

static X509_NAME *
dn_read(struct span der)
{
	const unsigned char *p = der.p;
	X509_NAME *n = der.n && der.n <= IKE_CHAIN_OCTETS_MAX ? d2i_X509_NAME(NULL, &p, (long)der.n) : NULL;

	ERR_clear_error();
	if (n && p == der.p + der.n)
		return n;
	X509_NAME_free(n);
	return NULL;
}

char *
ike_dn_fmt(struct span der, char *out, size_t n)
{
	X509_NAME *name = dn_read(der);

	if (name)
		cert_name_fmt(name, out, n);
	else
		snprintf(out, n, "cannot be read");
	X509_NAME_free(name);
	return out;
}

static bool
type_known(const char *type)
{
	return OBJ_txt2nid(type) != NID_undef;
}

/* One "TYPE=value"; a backslash takes the next character as it is. False: wrong. */
static bool
dn_add(X509_NAME *name, const char *s, size_t n)
{
	char type[32], value[256];
	const char *eq = memchr(s, '=', n), *end = s + n;
	size_t len = 0, t = eq ? (size_t)(eq - s) : 0;

	while (t && s[t - 1] == ' ')
		t--;
	if (!t || t >= sizeof(type))
		return false;
	memcpy(type, s, t);
	type[t] = '\0';
	for (eq++; eq < end && *eq == ' ';)
		eq++;
	while (end > eq && end[-1] == ' ' && !(end - 1 > eq && end[-2] == '\\'))
		end--;
	for (; eq < end && len < sizeof(value); eq++) {
		if (*eq == '\\' && eq + 1 < end)
			eq++;
		value[len++] = *eq;
	}
	if (!type_known(type))	/* "cn=" is what other routers write */
		for (char *c = type; *c; c++)
			*c = (char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c);
	return len && len < sizeof(value) && X509_NAME_add_entry_by_txt(name, type, MBSTRING_UTF8, (const unsigned char *)value, (int)len, -1, 0) == 1;
}

static size_t
dn_part(const char *s)
{
	size_t n = 0;

	while (s[n] && s[n] != ',' && s[n] != '/')
		n += s[n] == '\\' && s[n + 1] ? 2 : 1;
	return n;
}

size_t
ike_dn_parse(const char *text, uint8_t *out, size_t max)
{
	X509_NAME *name = X509_NAME_new();
	unsigned char *der = NULL;
	bool ok = name != NULL;
	int n = 0;

	text += *text == '/';
	while (ok && *text) {
		size_t part;

		text += strspn(text, " ");
		part = dn_part(text);
		ok = dn_add(name, text, part);
		text += part;
		if (*text && !*++text)
			ok = false;	/* ends with a comma */
	}
	if (ok && X509_NAME_entry_count(name) > 0)
		n = i2d_X509_NAME(name, &der);
	if (n > 0 && (size_t)n <= max)
		memcpy(out, der, (size_t)n);
	else
		n = 0;
	OPENSSL_free(der);
	X509_NAME_free(name);
	ERR_clear_error();
	return (size_t)n;
}

static bool
is_star(const ASN1_STRING *s)
{
	return ASN1_STRING_length(s) == 1 && ASN1_STRING_get0_data(s)[0] == '*';
}

/* Names without the values of which the pattern says "any", compared as OpenSSL does: case and spaces folded. */
static bool
pattern_eq(X509_NAME *pattern, X509_NAME *name)
{
	int n = X509_NAME_entry_count(pattern);

	if (n == 0 || n != X509_NAME_entry_count(name))
		return false;
	for (int i = n - 1; i >= 0; i--) {
		X509_NAME_ENTRY *a = X509_NAME_get_entry(pattern, i), *b = X509_NAME_get_entry(name, i);

		if (OBJ_cmp(X509_NAME_ENTRY_get_object(a), X509_NAME_ENTRY_get_object(b)) != 0)
			return false;
		if (!is_star(X509_NAME_ENTRY_get_data(a)))
			continue;
		X509_NAME_ENTRY_free(X509_NAME_delete_entry(pattern, i));
		X509_NAME_ENTRY_free(X509_NAME_delete_entry(name, i));
	}
	return X509_NAME_cmp(pattern, name) == 0;
}

bool
ike_dn_eq(struct span a, struct span b)
{
	X509_NAME *x = dn_read(a), *y = dn_read(b);
	bool ok = x && y && X509_NAME_cmp(x, y) == 0;

	X509_NAME_free(x);
	X509_NAME_free(y);
	ERR_clear_error();
	return ok;
}

bool
ike_dn_match(struct span pattern, struct span der)
{
	X509_NAME *a = dn_read(pattern), *b = dn_read(der);
	bool ok = a && b && pattern_eq(a, b);

	X509_NAME_free(a);
	X509_NAME_free(b);
	ERR_clear_error();
	return ok;
}

/* ---- identities */

static struct span
string_span(const ASN1_STRING *s)
{
	return span_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

/* Case is nothing in a host name, and in the domain of a mail address. */
static bool
name_eq(struct span a, struct span b, bool email)
{
	const uint8_t *at = email && a.n ? memchr(a.p, '@', a.n) : NULL;
	size_t exact = at ? (size_t)(at - a.p) : 0;

	return a.n == b.n && a.n && !memchr(a.p, 0, a.n) && memcmp(a.p, b.p, exact) == 0 &&
	    strncasecmp((const char *)a.p + exact, (const char *)b.p + exact, a.n - exact) == 0;
}

static bool
san_is(const GENERAL_NAME *g, uint8_t type, struct span id)
{
	if (type == ID_FQDN && g->type == GEN_DNS)
		return name_eq(string_span(g->d.dNSName), id, false);
	if (type == ID_EMAIL && g->type == GEN_EMAIL)
		return name_eq(string_span(g->d.rfc822Name), id, true);
	if ((type == ID_IPV4 || type == ID_IPV6) && g->type == GEN_IPADD)
		return span_eq(string_span(g->d.iPAddress), id);
	return false;
}

static bool
subject_is(X509 *x, struct span id)
{
	X509_NAME *name = dn_read(id);
	bool ok = name && X509_NAME_entry_count(name) > 0 && X509_NAME_cmp(name, X509_get_subject_name(x)) == 0;

	X509_NAME_free(name);
	return ok;
}

static void
put_printable(struct wr *w, struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		wr_u8(w, s.p[i] > 32 && s.p[i] < 127 ? s.p[i] : '?');
}

static void
san_fmt(const GENERAL_NAME *g, struct wr *w)
{
	char text[ADDR_STRLEN];
	struct span s;
	struct addr a;

	if (g->type == GEN_DNS || g->type == GEN_EMAIL) {
		wr_bytes(w, g->type == GEN_DNS ? ", fqdn " : ", email ", g->type == GEN_DNS ? 7 : 8);
		put_printable(w, string_span(g->type == GEN_DNS ? g->d.dNSName : g->d.rfc822Name));
	} else if (g->type == GEN_IPADD) {
		s = string_span(g->d.iPAddress);
		a = s.n == 4 || s.n == 16 ? addr_of(s.p, (uint8_t)s.n) : (struct addr){ 0 };
		addr_fmt(&a, text);
		wr_bytes(w, ", address ", 10);
		wr_bytes(w, text, strlen(text));
	}
}

/* "it is for dn CN=spoke1, fqdn spoke1.example.net" */
static void
say_what_is_in_it(X509 *x, const GENERAL_NAMES *san, char *why)
{
	char names[IKE_WHY_MAX - 16], subject[IKE_CERT_TEXT_MAX];
	struct wr w = wr_of(names, sizeof(names) - 1);

	for (int i = 0; san && i < sk_GENERAL_NAME_num(san); i++) {
		struct wr before = w;

		san_fmt(sk_GENERAL_NAME_value(san, i), &w);
		if (w.bad) {
			w = before;
			break;
		}
	}
	names[wr_len(&w)] = '\0';
	cert_name_fmt(X509_get_subject_name(x), subject, sizeof(subject));
	snprintf(why, IKE_WHY_MAX, "its certificate is for dn %.95s%.125s", subject, names);
}

bool
cert_has_id(X509 *x, uint8_t type, struct span id, char *why)
{
	GENERAL_NAMES *san = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	bool ok = type == ID_DN && subject_is(x, id);

	for (int i = 0; san && !ok && i < sk_GENERAL_NAME_num(san); i++)
		ok = san_is(sk_GENERAL_NAME_value(san, i), type, id);
	if (!ok)
		say_what_is_in_it(x, san, why);
	GENERAL_NAMES_free(san);
	ERR_clear_error();
	return ok;
}
