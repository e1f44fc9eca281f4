/* ikecore/crypto/certmap.c: `crypto pki certificate map`: is a certificate one of those that the operator describes? A map has entries, one of
 * which is enough; an entry has rules, all of which must hold.
 *
 * Names are compared attribute by attribute, not as one line of text: where the value is "OU=branch", it must be an OU that contains
 * "branch" (co), so nobody gets in whose common name is "x, OU=branch". Several may be given, each must be found. A value without "=" may be
 * in any attribute. `eq` is the whole name, attribute by attribute, where "*" is any value. Case does not count. nc and ne hold where
 * co and eq do not. Of subjectAltName, host names, mail addresses, URIs and IP addresses are looked at, each for itself. What cannot be
 * read matches nothing, no nc and no ne either. */
#include "ikecore/crypto/cert_priv.h"

#include <openssl/err.h>
#include <stdio.h>
#include <strings.h>

enum { DN_MAX = 512 };

static bool
contains(struct span in, struct span what)
{
	for (size_t i = 0; what.n && what.n <= in.n && i <= in.n - what.n; i++) {
		if (strncasecmp((const char *)in.p + i, (const char *)what.p, what.n) == 0)
			return true;
	}
	return false;
}

static bool
same(struct span a, struct span b)
{
	return a.n == b.n && contains(a, b);
}

/* ---- names */

/* The value of e contains what. A value with a NUL in it is somebody's trick. */
static bool
entry_has(const X509_NAME_ENTRY *e, struct span what)
{
	unsigned char *utf8 = NULL;
	int n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(e));
	bool yes = n > 0 && !memchr(utf8, 0, (size_t)n) && contains(span_of(utf8, (size_t)n), what);

	OPENSSL_free(utf8);
	return yes;
}

static bool
name_has_text(const X509_NAME *name, struct span text)
{
	for (int i = 0; i < X509_NAME_entry_count(name); i++) {
		if (entry_has(X509_NAME_get_entry(name, i), text))
			return true;
	}
	return false;
}

static bool
name_has_part(const X509_NAME *name, const X509_NAME_ENTRY *part)
{
	const ASN1_STRING *value = X509_NAME_ENTRY_get_data(part);	/* UTF-8: ike_dn_parse() makes it so, or printable */
	struct span text = span_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));

	for (int i = 0; i < X509_NAME_entry_count(name); i++) {
		const X509_NAME_ENTRY *e = X509_NAME_get_entry(name, i);

		if (OBJ_cmp(X509_NAME_ENTRY_get_object(e), X509_NAME_ENTRY_get_object(part)) == 0 && entry_has(e, text))
			return true;
	}
	return false;
}

static bool
name_has_parts(const X509_NAME *name, struct span dn)
{
	const unsigned char *p = dn.p;
	X509_NAME *parts = d2i_X509_NAME(NULL, &p, (long)dn.n);
	bool ok = parts && X509_NAME_entry_count(parts) > 0;

	for (int i = 0; ok && i < X509_NAME_entry_count(parts); i++)
		ok = name_has_part(name, X509_NAME_get_entry(parts, i));
	X509_NAME_free(parts);
	return ok;
}

static bool
name_is(const X509_NAME *name, struct span dn)
{
	unsigned char *der = NULL;
	int n = i2d_X509_NAME(name, &der);
	bool ok = n > 0 && ike_dn_match(dn, span_of(der, (size_t)n));

	OPENSSL_free(der);
	return ok;
}

static bool
name_fits(const X509_NAME *name, const struct ike_certmap_rule *r)
{
	bool eq = r->op == IKE_MAP_EQ || r->op == IKE_MAP_NE;
	struct span text = span_of(r->value, strlen(r->value));
	uint8_t dn[DN_MAX];

	if (!eq && !strchr(r->value, '='))
		return name_has_text(name, text);
	text = span_of(dn, ike_dn_parse(r->value, dn, sizeof(dn)));
	return text.n && (eq ? name_is(name, text) : name_has_parts(name, text));
}

/* ---- subjectAltName */

static bool
alt_name_fits(const GENERAL_NAME *g, const struct ike_certmap_rule *r)
{
	bool eq = r->op == IKE_MAP_EQ || r->op == IKE_MAP_NE, text = g->type == GEN_DNS || g->type == GEN_EMAIL || g->type == GEN_URI;
	const ASN1_STRING *s = text ? g->d.ia5 : g->type == GEN_IPADD ? g->d.iPAddress : NULL;
	struct span value = span_of(r->value, strlen(r->value)), have;
	char shown[ADDR_STRLEN];
	struct addr a, want;

	if (!s)
		return false;
	have = span_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
	if (!text) {
		if (have.n != 4 && have.n != 16)
			return false;
		a = addr_of(have.p, have.n);
		if (eq && addr_parse(r->value, &want))
			return addr_eq(&a, &want);
		addr_fmt(&a, shown);
		have = span_of(shown, strlen(shown));
	}
	return !(have.n && memchr(have.p, 0, have.n)) && (eq ? same(have, value) : contains(have, value));
}

static bool
alt_names_fit(X509 *x, const struct ike_certmap_rule *r, bool *readable)
{
	int critical;
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, &critical, NULL);
	bool yes = false;

	*readable = names || critical == -1;	/* -1: there are none */
	for (int i = 0; names && i < sk_GENERAL_NAME_num(names) && !yes; i++)
		yes = alt_name_fits(sk_GENERAL_NAME_value(names, i), r);
	GENERAL_NAMES_free(names);
	return yes;
}

/* ---- maps */

static bool
holds(X509 *x, const struct ike_certmap_rule *r)
{
	bool readable = true, not = r->op == IKE_MAP_NC || r->op == IKE_MAP_NE, fits = false;

	switch (r->what) {
	case IKE_MAP_SUBJECT:
		fits = name_fits(X509_get_subject_name(x), r);
		break;
	case IKE_MAP_ISSUER:
		fits = name_fits(X509_get_issuer_name(x), r);
		break;
	case IKE_MAP_ALT_NAME:
		fits = alt_names_fit(x, r, &readable);
		break;
	}
	return readable && fits != not;
}

bool
ike_certmap_match(const struct ike_certmap *m, struct span leaf)
{
	X509 *x = leaf.n ? cert_read(leaf) : NULL;
	bool yes = false;

	for (unsigned i = 0; x && i < m->n && !yes; i++) {
		const struct ike_certmap_entry *e = &m->entry[i];

		yes = e->n > 0;
		for (unsigned k = 0; k < e->n && yes; k++)
			yes = holds(x, &e->rule[k]);
	}
	X509_free(x);
	ERR_clear_error();
	return yes;
}

bool
ike_certmaps_match(const struct ike_certmap *const *m, unsigned n, struct span leaf)
{
	for (unsigned i = 0; i < n; i++) {
		if (ike_certmap_match(m[i], leaf))
			return true;
	}
	return n == 0;
}

bool
ike_certmap_rule_ok(const struct ike_certmap_rule *r)
{
	uint8_t dn[DN_MAX];
	bool whole = r->op == IKE_MAP_EQ || r->op == IKE_MAP_NE;

	if (!r->value[0])
		return false;
	return r->what == IKE_MAP_ALT_NAME || (!whole && !strchr(r->value, '=')) || ike_dn_parse(r->value, dn, sizeof(dn)) > 0;
}
