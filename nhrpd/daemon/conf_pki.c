/* nhrpd/daemon/conf_pki.c: certificates in the configuration: `crypto pki trustpoint`, and what a `crypto ikev2 profile` says of
 * proving who one is. Files are read where their line stands (relative to the file it is in), and put together to a trustpoint
 * when all of the block is known, so that the passphrase may stand behind the key. Whatever is wrong is told with the file's name,
 * at its line. A certificate of ours that is out of its time, or soon will be, is a warning and no error: a router whose clock is
 * not set yet must start. */
#include "nhrpd/daemon/conf_priv.h"

#include <time.h>

enum { EXPIRES_SOON_S = 30 * 86400 };

struct conf_pki_word {
	const char *word;
	enum conf_pki_kind kind;
	bool secret, many;
	size_t max;
};
static const struct conf_pki_word words[] = {
	{ "ca", CONF_PKI_CA, false, true, IKE_FILE_MAX },
	{ "certificate", CONF_PKI_CERT, false, true, IKE_FILE_MAX },
	{ "key", CONF_PKI_KEY, true, false, IKE_FILE_MAX },
	{ "pkcs12", CONF_PKI_PKCS12, true, false, IKE_FILE_MAX },
	{ "password", CONF_PKI_PASSWORD, true, false, 255 },
	{ "crl", CONF_PKI_CRL, false, true, IKE_CRL_MAX },
};

static struct conf_place
place(const struct conf_cmd *c, unsigned column)
{
	return (struct conf_place){ c->line, column };
}

void
conf_open_trustpoint(struct conf_parse *p, const struct conf_cmd *c)
{
	conf_open_block(p, c, CONF_TRUSTPOINT, &p->trustpoint, sizeof(struct conf_b_trust));
}

static const struct conf_pki_file *
file_of(const struct conf_b_trust *b, enum conf_pki_kind kind)
{
	for (const struct conf_pki_file *f = b->file; f; f = f->next) {
		if (f->kind == kind)
			return f;
	}
	return NULL;
}

void
conf_set_pki_file(struct conf_parse *p, const struct conf_cmd *c)
{
	struct conf_b_trust *b = p->block[CONF_TRUSTPOINT];
	const struct conf_arg *a = &c->arg[c->n_arg - 1];
	const struct conf_pki_word *w = words;
	const struct conf_pki_file *same;
	struct conf_pki_file *f, **end = &b->file;

	while (!conf_has(c, w->word))
		w++;
	same = w->many ? NULL : file_of(b, w->kind);
	if (same) {
		conf_error_at(p, place(c, a->column), "there is one already at %s", conf_place_text(p, same->at));
		return;
	}
	f = conf_alloc(p->mem, sizeof(*f));
	if (!f)
		return;
	f->kind = w->kind;
	f->at = place(c, a->column);
	f->path = conf_path(p, a->v.s);
	if (!conf_read_file(p, f->at, a->v.s, w->secret, w->max, &f->data))
		f->data = span_of("", 0);	/* said */
	while (w->kind == CONF_PKI_PASSWORD && f->data.n && (f->data.p[f->data.n - 1] == '\n' || f->data.p[f->data.n - 1] == '\r'))
		f->data.n--;
	while (*end)
		end = &(*end)->next;
	*end = f;
}

void
conf_set_revocation(struct conf_parse *p, const struct conf_cmd *c)
{
	static const enum ike_revocation method[] = { IKE_REV_NONE, IKE_REV_CRL, IKE_REV_OCSP };
	struct conf_b_trust *b = p->block[CONF_TRUSTPOINT];
	unsigned n = 0;

	memset(b->method, 0, sizeof(b->method));
	b->relaxed_by_none = false;
	b->revocation_at = place(c, c->column);
	for (unsigned i = 0; i < c->n_arg && !c->no; i++) {
		enum ike_revocation m = method[c->arg[i].v.n];

		if (m == IKE_REV_NONE && i + 1 < c->n_arg)
			conf_error_at(p, place(c, c->arg[i].column), "none stands last: it says what to do when the others give no answer");
		else if (m == IKE_REV_NONE)
			b->relaxed_by_none = n > 0;
		else if (n && b->method[0] == m)
			conf_error_at(p, place(c, c->arg[i].column), "stands twice");
		else if (n < 2)
			b->method[n++] = m;
	}
}

/* ---- in a profile */

void
conf_set_auth(struct conf_parse *p, const struct conf_cmd *c)
{
	static const unsigned kinds[] = { IKE_TAKE_PSK, IKE_SIGN_RSA | IKE_SIGN_RSA_PSS, IKE_SIGN_RSA_PSS, IKE_SIGN_ECDSA, IKE_SIGN_EDDSA, IKE_SIGN_ANY };
	struct conf_b_profile *b = p->block[CONF_PROFILE];
	unsigned mask;

	if (c->no) {
		*(conf_has(c, "local") ? &b->auth_local : &b->auth_remote) = 0;
		return;
	}
	mask = kinds[c->arg[0].v.n] | (conf_has(c, "legacy") ? IKE_SIGN_SHA1 : 0);
	if (conf_has(c, "remote")) {
		b->auth_remote |= mask;
		b->auth_remote_at = place(c, c->column);
	} else if (b->auth_local && b->auth_local != mask) {
		conf_error_at(p, place(c, c->column), "we authenticate in one way only, set already at %s", conf_place_text(p, b->auth_local_at));
	} else {
		b->auth_local = mask;
		b->auth_local_at = place(c, c->column);
	}
}

void
conf_set_profile_trust(struct conf_parse *p, const struct conf_cmd *c)
{
	struct conf_b_profile *b = p->block[CONF_PROFILE];
	struct conf_place at = place(c, c->arg[0].column);

	for (unsigned i = 0; i < b->n_trust; i++) {
		if (strcmp(b->trust[i].name, c->arg[0].v.s) == 0) {
			conf_error_at(p, at, "%s stands already at %s", c->arg[0].v.s, conf_place_text(p, b->trust[i].at));
			return;
		}
	}
	if (b->n_trust == IKE_TRUSTS_MAX)
		conf_error_at(p, at, "more than %d trustpoints in one profile", IKE_TRUSTS_MAX);
	else
		b->trust[b->n_trust++] = (struct conf_named){ at, c->arg[0].v.s };
}

/* ---- all together: trustpoints */

static void
say_fault(struct conf_parse *p, const struct conf_pki_file *f, const char *why)
{
	conf_error_at(p, f->at, "%s: %s", f->path ? f->path : "", why);
}

static bool
load(struct ike_trust *t, const struct conf_pki_file *f, struct span pass, char *why)
{
	switch (f->kind) {
	case CONF_PKI_CA:
		return ike_trust_add_ca(t, f->data, why);
	case CONF_PKI_CERT:
		return ike_trust_add_own(t, f->data, why);
	case CONF_PKI_KEY:
		return ike_trust_set_key(t, f->data, pass, why);
	case CONF_PKI_PKCS12:
		return ike_trust_set_pkcs12(t, f->data, pass, why);
	case CONF_PKI_CRL:
		return ike_trust_add_crl(t, f->data, why);
	case CONF_PKI_PASSWORD:
		break;
	}
	return true;
}

static void
warn_dates(struct conf_parse *p, const struct conf_b_trust *b, const struct ike_cert_facts *f, const char *whose)
{
	int64_t now = (int64_t)time(NULL);
	char date[IKE_DATE_MAX];

	if (now > f->not_after)
		conf_warn_at(p, b->b.at, "%s %.100s expired at %s", whose, f->subject, ike_date_fmt(f->not_after, date));
	else if (now < f->not_before)
		conf_warn_at(p, b->b.at, "%s %.100s is not valid before %s", whose, f->subject, ike_date_fmt(f->not_before, date));
	else if (f->not_after - now < EXPIRES_SOON_S)
		conf_warn_at(p, b->b.at, "%s %.100s expires at %s", whose, f->subject, ike_date_fmt(f->not_after, date));
}

static void
check_dates(struct conf_parse *p, const struct conf_b_trust *b)
{
	struct ike_cert_facts f;

	for (unsigned i = 0; ike_trust_own_facts(b->trust, i, &f); i++)
		warn_dates(p, b, &f, i ? "our intermediate certificate" : "our certificate");
	for (unsigned i = 0; ike_trust_ca_facts(b->trust, i, &f); i++)
		warn_dates(p, b, &f, "CA");
}

static void
check_block(struct conf_parse *p, const struct conf_b_trust *b)
{
	const struct conf_pki_file *key = file_of(b, CONF_PKI_KEY), *p12 = file_of(b, CONF_PKI_PKCS12);

	if (p12 && (key || file_of(b, CONF_PKI_CERT)))
		conf_error_at(p, p12->at, "pkcs12 has certificate and key: without \"key file\" and \"certificate file\"");
	if (b->method[0] == IKE_REV_NONE && b->revocation_mode.at.line)
		conf_warn_at(p, b->revocation_mode.at, "without \"revocation-check crl\" or \"ocsp\" nobody is asked");
}

static void
build_trust(struct conf_parse *p, struct conf_b_trust *b)
{
	const struct conf_pki_file *pass = file_of(b, CONF_PKI_PASSWORD), *main = b->file;
	struct ike_trust_conf conf = { .name = b->b.name, .method = { b->method[0], b->method[1] }, .crl_url = b->crl_url.s, .ocsp_url = b->ocsp_url.s };
	unsigned errors = p->errors;
	char why[IKE_WHY_MAX];

	conf.relaxed = b->revocation_mode.at.line ? b->revocation_mode.n == 1 : b->relaxed_by_none;
	conf.sha1 = b->legacy.n;
	check_block(p, b);
	if (p->conf->n_trust == CONF_TRUSTS_MAX) {
		conf_error_at(p, b->b.at, "more than %d trustpoints", CONF_TRUSTS_MAX);
		return;
	}
	b->trust = ike_trust_new(&conf);
	if (!b->trust) {
		conf_error_at(p, b->b.at, "out of memory");
		return;
	}
	p->conf->trust[p->conf->n_trust++] = b->trust;
	for (const struct conf_pki_file *f = b->file; f; f = f->next) {
		if (f->data.n && !load(b->trust, f, pass ? pass->data : span_of("", 0), why))
			say_fault(p, f, why);
		if (f->kind == CONF_PKI_KEY || f->kind == CONF_PKI_PKCS12)
			main = f;
	}
	if (p->errors != errors)
		return;
	if (!ike_trust_complete(b->trust, why))
		main ? say_fault(p, main, why) : conf_error_at(p, b->b.at, "%s", why);
	else if (!ike_trust_n_ca(b->trust) && !ike_trust_has_key(b->trust))
		conf_error_at(p, b->b.at, "trustpoint %s needs \"ca file\", or \"certificate file\" and \"key file\"", b->b.name);
	else
		check_dates(p, b);
}

/* The key is in the trustpoint now, or in nothing. */
static void
wipe_secrets(const struct conf_b_trust *b)
{
	for (const struct conf_pki_file *f = b->file; f; f = f->next) {
		if (f->data.n && (f->kind == CONF_PKI_KEY || f->kind == CONF_PKI_PKCS12 || f->kind == CONF_PKI_PASSWORD))
			explicit_bzero((void *)(uintptr_t)f->data.p, f->data.n);
	}
}

void
conf_build_trusts(struct conf_parse *p)
{
	for (struct conf_block *b = p->trustpoint; b; b = b->next) {
		build_trust(p, (struct conf_b_trust *)b);
		wipe_secrets((struct conf_b_trust *)b);
	}
}

/* ---- all together: profiles */

static struct conf_b_trust *
trust_named(struct conf_parse *p, const char *name)
{
	for (struct conf_block *b = p->trustpoint; b; b = b->next) {
		if (strcmp(b->name, name) == 0)
			return (struct conf_b_trust *)b;
	}
	return NULL;
}

static bool
by_cert(const struct conf_b_profile *f)
{
	return (f->auth_local & IKE_SIGN_ANY) || (f->auth_remote & IKE_SIGN_ANY);
}

bool
conf_wants_keyring(const struct conf_b_profile *f)
{
	return !(f->auth_local & IKE_SIGN_ANY) || !(f->auth_remote & IKE_SIGN_ANY) || (f->auth_remote & IKE_TAKE_PSK);
}

static void
take_trusts(struct conf_parse *p, const struct conf_b_profile *f, struct ike_profile *o)
{
	struct conf_b_trust *only = (struct conf_b_trust *)p->trustpoint;
	struct ike_trust **list = f->n_trust || by_cert(f) ? conf_alloc(p->mem, IKE_TRUSTS_MAX * sizeof(*list)) : NULL;

	o->trust = list;
	for (unsigned i = 0; list && i < f->n_trust; i++) {
		const struct conf_b_trust *t = trust_named(p, f->trust[i].name);

		if (!t)
			conf_error_at(p, f->trust[i].at, "there is no \"crypto pki trustpoint %s\"", f->trust[i].name);
		else if (t->trust)
			list[o->n_trust++] = t->trust;
	}
	if (f->n_trust || !by_cert(f))
		return;
	if (!only)
		conf_error_at(p, f->b.at, "profile %s needs a \"crypto pki trustpoint\": there is none", f->b.name);
	else if (only->b.next)
		conf_error_at(p, f->b.at, "profile %s needs \"pki trustpoint NAME\": there are more than one to choose from", f->b.name);
	else if (list && only->trust)
		list[o->n_trust++] = only->trust;
}

static struct ike_trust *
signer(const struct ike_profile *o)
{
	for (unsigned i = 0; i < o->n_trust; i++) {
		if (ike_trust_own_kind(o->trust[i]) & o->auth_local)
			return o->trust[i];
	}
	return NULL;
}

/* Who we say we are must be in the certificate that says so; where nothing is said it is its subject. */
static void
check_own_id(struct conf_parse *p, const struct conf_b_profile *f, const struct ike_trust *t, struct ike_profile *o)
{
	char why[IKE_WHY_MAX], id[IKE_ID_MAX + 64];
	size_t n;

	if (o->local_id.type == IKE_ID_NONE) {
		n = ike_trust_own_dn(t, o->local_id.data, sizeof(o->local_id.data));
		o->local_id.type = IKE_ID_DN;
		o->local_id.len = (uint8_t)n;
		if (n == 0)
			conf_error_at(p, f->b.at, "the subject of our certificate is longer than %d octets: add \"identity local fqdn NAME\"", IKE_ID_MAX);
		return;
	}
	ike_id_fmt(&o->local_id, id, sizeof(id));
	if (!ike_trust_own_has_id(t, o->local_id.type, span_of(o->local_id.data, o->local_id.len), why))
		conf_error_at(p, f->local_at.line ? f->local_at : f->b.at, "%.60s is not in the certificate of trustpoint %.40s: %.140s", id, ike_trust_conf(t)->name, why);
}

static bool
has_ca(const struct ike_profile *o)
{
	for (unsigned i = 0; i < o->n_trust; i++) {
		if (ike_trust_n_ca(o->trust[i]))
			return true;
	}
	return false;
}

void
conf_build_auth(struct conf_parse *p, const struct conf_b_profile *f, struct ike_profile *o)
{
	unsigned errors = p->errors;
	const struct ike_trust *t;

	take_trusts(p, f, o);
	o->auth_local = f->auth_local & (IKE_SIGN_ANY | IKE_SIGN_SHA1);
	o->auth_remote = f->auth_remote == IKE_TAKE_PSK ? 0 : f->auth_remote;
	if (p->errors != errors || errors)
		return;	/* what is missing has been told */
	if (!o->auth_local && f->local_dn)
		conf_error_at(p, f->local_at, "\"identity local dn\" is the subject of a certificate: \"authentication local\" says pre-share");
	t = o->auth_local ? signer(o) : NULL;
	if (t)
		check_own_id(p, f, t, o);
	else if (o->auth_local)
		conf_error_at(p, f->auth_local_at, "no trustpoint of profile %s has a key for this", f->b.name);
	if ((o->auth_remote & IKE_SIGN_ANY) && !has_ca(o))
		conf_error_at(p, f->auth_remote_at, "no trustpoint of profile %s has a CA to check peers with", f->b.name);
}
