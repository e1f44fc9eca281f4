/* tools/pki.c: nhrpctl pki init|issue|revoke|crl|list.
 *
 * One folder is one authority: ca.pem, ca.key, crl.pem, index (one certificate a line: serial, state, time, name), and NAME.pem
 * with NAME.key for each router. Files are written beside their place and renamed, so that a daemon that reloads meanwhile reads a
 * whole one; keys are readable by their owner only. What to paste into the configuration is printed.
 * Not a CA for the world: no requests from others, no extensions by hand. Who needs that has one already. */
#include "config.h"

#include "tools/pki.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ikecore/crypto/ike_cert.h"
#include "tools/ctl.h"

enum { NAMES_MAX = 8, NAME_LEN = 64, PATH_LEN = 4096, DAY = 86400, CA_DAYS = 3650, CERT_DAYS = 825, CRL_DAYS = 30, INDEX_MAX = 100000 };

struct pki {
	const char *verb, *name, *dir, *dn, *key, *crl_url, *ocsp_url, *pkcs12;
	const char *fqdn[NAMES_MAX], *email[NAMES_MAX];
	struct addr addr[NAMES_MAX];
	unsigned n_fqdn, n_email, n_addr;
	long days;
	int64_t from, to;	/* 0: by days */
	bool ocsp;
	struct ike_pem ca, ca_key;
};

static int
fail(const char *text, const char *detail)
{
	fprintf(stderr, "nhrpctl pki: %s%s%s\n", text, detail && *detail ? ": " : "", detail ? detail : "");
	return CTL_NOT_UP;
}

static void
usage(FILE *f)
{
	fputs("usage: nhrpctl pki init [NAME] [OPTIONS]     make a certification authority\n"
	      "       nhrpctl pki issue NAME [OPTIONS]    make a key and certificate for a router\n"
	      "       nhrpctl pki revoke NAME [OPTIONS]   revoke its certificates, and write the CRL\n"
	      "       nhrpctl pki crl [OPTIONS]           write the CRL anew\n"
	      "       nhrpctl pki list [OPTIONS]          what was issued\n\n"
	      "  -d, --dir DIR          folder of the authority (" SYSCONFDIR "/nhrpd/pki)\n"
	      "  -k, --key KIND         ecdsa-256 (default), ecdsa-384, ecdsa-521, rsa-2048, rsa-3072, rsa-4096, ed25519\n"
	      "      --days N           valid for N days (CA 3650, certificate 825, CRL 30)\n"
	      "      --from DATE, --to DATE   valid between, as YYYY-MM-DD\n"
	      "  -f, --fqdn NAME        host name in the certificate, its identity (default: NAME); several times\n"
	      "  -a, --address ADDRESS  address in the certificate, say the one inside the tunnel; several times\n"
	      "      --email ADDRESS    mail address in the certificate; several times\n"
	      "      --dn DN            subject (default: CN=NAME), say \"CN=spoke1, O=Example\"\n"
	      "      --crl-url URL, --ocsp-url URL   where it can be asked whether the certificate is revoked\n"
	      "      --ocsp             for an OCSP responder instead of a router\n"
	      "      --pkcs12 FILE      write NAME.p12 too, sealed with the passphrase in FILE\n", f);
}

/* ---- files */

static bool
path_of(const struct pki *p, const char *name, const char *end, char out[static PATH_LEN])
{
	return snprintf(out, PATH_LEN, "%s/%s%s", p->dir, name, end) < PATH_LEN;
}

static bool
write_file(const char *path, mode_t mode, const char *text, size_t n)
{
	char tmp[PATH_LEN + 8];
	int fd;
	bool ok;

	snprintf(tmp, sizeof(tmp), "%s.new", path);
	unlink(tmp);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	ok = fd >= 0;
	while (ok && n) {
		ssize_t k = write(fd, text, n);

		ok = k > 0 || (k < 0 && errno == EINTR);
		text += k > 0 ? k : 0;
		n -= k > 0 ? (size_t)k : 0;
	}
	ok = ok && fsync(fd) == 0 && rename(tmp, path) == 0;
	if (fd >= 0)
		close(fd);
	if (!ok)
		fail(path, strerror(errno));
	return ok;
}

static bool
read_file(const char *path, struct ike_pem *out)
{
	FILE *f = fopen(path, "re");
	long n = -1;

	*out = (struct ike_pem){ NULL, 0 };
	if (f && fseek(f, 0, SEEK_END) == 0 && (n = ftell(f)) >= 0 && n <= IKE_FILE_MAX && fseek(f, 0, SEEK_SET) == 0 && (out->p = malloc((size_t)n + 1))) {
		out->n = fread(out->p, 1, (size_t)n, f);
		out->p[out->n] = '\0';
	}
	if (f)
		fclose(f);
	return out->p != NULL;
}

static bool
write_pem(const struct pki *p, const char *name, const char *end, mode_t mode, const struct ike_pem *pem)
{
	char path[PATH_LEN];

	return path_of(p, name, end, path) && write_file(path, mode, pem->p, pem->n);
}

static bool
read_ca(struct pki *p)
{
	char cert[PATH_LEN], key[PATH_LEN];

	if (path_of(p, "ca", ".pem", cert) && path_of(p, "ca", ".key", key) && read_file(cert, &p->ca) && read_file(key, &p->ca_key))
		return true;
	fail("there is no authority here that can be read (nhrpctl pki init makes one)", p->dir);
	return false;
}

/* ---- the index: "SERIAL valid|revoked SECONDS NAME" */

struct entry {
	char serial[IKE_SERIAL_TEXT_MAX], state[8], name[NAME_LEN];
	long long when;
};

static struct entry *
read_index(const struct pki *p, unsigned *n)
{
	struct entry *all = NULL, *more, e;
	char path[PATH_LEN];
	unsigned room = 0;
	FILE *f;

	*n = 0;
	if (!path_of(p, "index", "", path) || !(f = fopen(path, "re")))
		return calloc(1, sizeof(*all));
	while (*n < INDEX_MAX && fscanf(f, "%47s %7s %lld %63s", e.serial, e.state, &e.when, e.name) == 4) {
		if (*n == room) {
			more = realloc(all, (room = room ? 2 * room : 64) * sizeof(e));
			if (!more)
				break;
			all = more;
		}
		all[(*n)++] = e;
	}
	fclose(f);
	return all ? all : calloc(1, sizeof(*all));
}

static bool
write_index(const struct pki *p, const struct entry *e, unsigned n)
{
	char path[PATH_LEN], *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	bool ok;

	for (unsigned i = 0; f && i < n; i++)
		fprintf(f, "%s %s %lld %s\n", e[i].serial, e[i].state, e[i].when, e[i].name);
	ok = f && fclose(f) == 0 && path_of(p, "index", "", path) && write_file(path, 0600, text, len);
	free(text);
	return ok;
}

static bool
write_crl(struct pki *p, const struct entry *e, unsigned n)
{
	struct ike_revoked *r = calloc(n + 1, sizeof(*r));
	int64_t now = (int64_t)time(NULL);
	struct ike_pem crl = { NULL, 0 };
	char why[IKE_WHY_MAX] = "out of memory";
	unsigned k = 0;
	bool ok;

	for (unsigned i = 0; r && i < n; i++) {
		if (strcmp(e[i].state, "revoked") != 0)
			continue;
		memcpy(r[k].serial, e[i].serial, sizeof(r[k].serial));
		r[k++].when = e[i].when;
	}
	ok = r && ike_issue_crl(&p->ca, &p->ca_key, r, k, now, now + (p->days ? p->days : CRL_DAYS) * DAY, &crl, why);
	if (!ok)
		fail("no CRL", why);
	ok = ok && write_pem(p, "crl", ".pem", 0644, &crl);
	ike_pem_free(&crl);
	free(r);
	return ok;
}

/* ---- verbs */

static struct ike_issue
want_of(const struct pki *p, long days)
{
	int64_t now = (int64_t)time(NULL);
	struct ike_issue w = { .dn = p->dn, .fqdn = p->fqdn, .n_fqdn = p->n_fqdn, .email = p->email, .n_email = p->n_email, .addr = p->addr,
		.n_addr = p->n_addr, .key = p->key, .crl_url = p->crl_url, .ocsp_url = p->ocsp_url, .ocsp_signing = p->ocsp };

	w.from = p->from ? p->from : now - 300;	/* clocks of laboratories differ */
	w.to = p->to ? p->to : now + (p->days ? p->days : days) * DAY;
	return w;
}

static int
do_init(struct pki *p)
{
	char path[PATH_LEN], dn[NAME_LEN + 16], why[IKE_WHY_MAX];
	struct ike_issue w = want_of(p, CA_DAYS);
	bool ok;

	snprintf(dn, sizeof(dn), "CN=%s", p->name ? p->name : "OpenDMVPN laboratory CA");
	w.dn = w.dn ? w.dn : dn;
	w.ca = true;
	w.n_fqdn = w.n_email = w.n_addr = 0;
	w.crl_url = w.ocsp_url = NULL;
	if (mkdir(p->dir, 0755) < 0 && errno != EEXIST)
		return fail(p->dir, strerror(errno));
	if (!path_of(p, "ca", ".key", path) || access(path, F_OK) == 0)
		return fail("there is an authority already: another one would make all its certificates worthless", p->dir);
	if (!ike_issue(&w, NULL, NULL, &p->ca, &p->ca_key, why))
		return fail(why, NULL);
	ok = write_pem(p, "ca", ".key", 0600, &p->ca_key) && write_pem(p, "ca", ".pem", 0644, &p->ca) && write_index(p, NULL, 0) && write_crl(p, NULL, 0);
	if (!ok)
		return CTL_NOT_UP;
	printf("! made %s/ca.pem and ca.key (%s); keep ca.key where no router is\n! next: nhrpctl pki issue NAME%s%s\n", p->dir, w.dn,
	    strcmp(p->dir, SYSCONFDIR "/nhrpd/pki") == 0 ? "" : " -d ", strcmp(p->dir, SYSCONFDIR "/nhrpd/pki") == 0 ? "" : p->dir);
	return CTL_OK;
}

static void
print_config(const struct pki *p, const char *kind)
{
	printf("crypto pki trustpoint LAB\n ca file %s/ca.pem\n certificate file %s/%s.pem\n key file %s/%s.key\n!\n", p->dir, p->dir, p->name, p->dir, p->name);
	printf("crypto ikev2 profile MESH\n match identity remote any\n identity local %s %s\n authentication local %s\n"
	       " authentication remote digital-signature\n pki trustpoint LAB\n",
	    p->n_fqdn ? "fqdn" : "email", p->n_fqdn ? p->fqdn[0] : p->email[0], kind);
}

static const char *
auth_word(const char *key)
{
	return !key || strncmp(key, "ecdsa", 5) == 0 ? "ecdsa-sig" : strncmp(key, "rsa", 3) == 0 ? "rsa-sig" : "eddsa-sig";
}

static bool
write_pkcs12(const struct pki *p, const struct ike_pem *cert, const struct ike_pem *key)
{
	struct ike_pem pass, out = { NULL, 0 };
	char why[IKE_WHY_MAX];
	bool ok;

	if (!p->pkcs12)
		return true;
	if (!read_file(p->pkcs12, &pass)) {
		fail(p->pkcs12, "cannot be read");
		return false;
	}
	pass.p[strcspn(pass.p, "\r\n")] = '\0';
	ok = *pass.p && ike_issue_pkcs12(cert, key, &p->ca, pass.p, &out, why);
	if (!ok)
		fail("no PKCS#12 file", *pass.p ? why : "the passphrase is empty");
	ok = ok && write_pem(p, p->name, ".p12", 0600, &out);
	ike_pem_free(&pass);
	ike_pem_free(&out);
	return ok;
}

static bool
note_issued(const struct pki *p, const struct ike_pem *cert)
{
	struct ike_cert_facts f;
	unsigned n;
	struct entry *e = read_index(p, &n), *more = realloc(e, (n + 1) * sizeof(*e));
	bool ok = more && ike_pem_facts(span_of(cert->p, cert->n), &f);

	e = more ? more : e;
	if (ok) {
		e[n] = (struct entry){ .state = "valid", .when = f.not_after };
		memcpy(e[n].serial, f.serial, sizeof(e[n].serial));
		snprintf(e[n].name, sizeof(e[n].name), "%s", p->name);
		ok = write_index(p, e, n + 1);
	}
	free(e);
	return ok;
}

static int
do_issue(struct pki *p)
{
	struct ike_pem cert, key;
	char why[IKE_WHY_MAX];
	struct ike_issue w;
	bool ok;

	if (p->n_fqdn + p->n_email == 0)
		p->fqdn[p->n_fqdn++] = p->name;
	w = want_of(p, CERT_DAYS);
	if (!read_ca(p))
		return CTL_NOT_UP;
	if (!ike_issue(&w, &p->ca, &p->ca_key, &cert, &key, why))
		return fail(why, NULL);
	ok = note_issued(p, &cert) && write_pem(p, p->name, ".key", 0600, &key) && write_pem(p, p->name, ".pem", 0644, &cert) && write_pkcs12(p, &cert, &key);
	ike_pem_free(&cert);
	ike_pem_free(&key);
	if (ok && !p->ocsp)
		print_config(p, auth_word(p->key));
	return ok ? CTL_OK : CTL_NOT_UP;
}

static int
do_revoke(struct pki *p)
{
	unsigned n, k = 0;
	struct entry *e;
	bool ok;

	if (!read_ca(p))
		return CTL_NOT_UP;
	e = read_index(p, &n);
	for (unsigned i = 0; e && i < n; i++) {
		if (strcmp(e[i].name, p->name) != 0 || strcmp(e[i].state, "revoked") == 0)
			continue;
		memcpy(e[i].state, "revoked", 8);
		e[i].when = (long long)time(NULL);
		k++;
	}
	ok = k && write_index(p, e, n) && write_crl(p, e, n);
	free(e);
	if (!k)
		return fail("no valid certificate was issued under that name", p->name);
	if (ok)
		printf("! %u certificate%s of %s revoked; %s/crl.pem is new: \"crl file %s/crl.pem\" in the trustpoint, then nhrpctl reload\n", k, k == 1 ? "" : "s",
		    p->name, p->dir, p->dir);
	return ok ? CTL_OK : CTL_NOT_UP;
}

static int
do_crl(struct pki *p)
{
	unsigned n;
	struct entry *e;
	bool ok;

	if (!read_ca(p))
		return CTL_NOT_UP;
	e = read_index(p, &n);
	ok = e && write_crl(p, e, n);
	free(e);
	return ok ? CTL_OK : CTL_NOT_UP;
}

static int
do_list(struct pki *p)
{
	int64_t now = (int64_t)time(NULL);
	unsigned n;
	struct entry *e;

	if (!read_ca(p))
		return CTL_NOT_UP;
	e = read_index(p, &n);
	for (unsigned i = 0; e && i < n; i++) {
		bool revoked = strcmp(e[i].state, "revoked") == 0;
		char date[IKE_DATE_MAX];

		printf("%-24s %-8s %s %s  %s\n", e[i].name, revoked ? "revoked" : e[i].when < now ? "expired" : "valid", revoked ? "at   " : "until",
		    ike_date_fmt(e[i].when, date), e[i].serial);
	}
	free(e);
	return CTL_OK;
}

static const struct verb {
	const char *word;
	int (*fn)(struct pki *);
	bool needs_name;
} verbs[] = { { "init", do_init, false }, { "issue", do_issue, true }, { "revoke", do_revoke, true }, { "crl", do_crl, false }, { "list", do_list, false } };

/* ---- the command line */

enum { OPT_DAYS = 256, OPT_FROM, OPT_TO, OPT_EMAIL, OPT_DN, OPT_CRL, OPT_OCSP_URL, OPT_OCSP, OPT_P12 };
static const struct option options[] = {
	{ "dir", 1, NULL, 'd' }, { "key", 1, NULL, 'k' }, { "fqdn", 1, NULL, 'f' }, { "address", 1, NULL, 'a' }, { "help", 0, NULL, 'h' },
	{ "days", 1, NULL, OPT_DAYS }, { "from", 1, NULL, OPT_FROM }, { "to", 1, NULL, OPT_TO }, { "email", 1, NULL, OPT_EMAIL },
	{ "dn", 1, NULL, OPT_DN }, { "crl-url", 1, NULL, OPT_CRL }, { "ocsp-url", 1, NULL, OPT_OCSP_URL }, { "ocsp", 0, NULL, OPT_OCSP },
	{ "pkcs12", 1, NULL, OPT_P12 }, { NULL, 0, NULL, 0 },
};

static bool
take_date(const char *text, int64_t *out)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%Y-%m-%d", &tm);

	*out = (int64_t)timegm(&tm);
	return end && !*end;
}

static bool
take_days(const char *text, long *out)
{
	char *end;

	*out = strtol(text, &end, 10);
	return *text && !*end && *out > 0 && *out <= 36500;
}

static bool
add_name(const char **list, unsigned *n, const char *text)
{
	if (*n == NAMES_MAX || !*text || strlen(text) > 250)
		return false;
	list[(*n)++] = text;
	return true;
}

static bool
take_option(struct pki *p, int c)
{
	switch (c) {
	case 'd':
		p->dir = optarg;
		return strlen(optarg) < PATH_LEN / 2;
	case 'k':
		p->key = optarg;
		return true;
	case 'f':
		return add_name(p->fqdn, &p->n_fqdn, optarg);
	case 'a':
		return p->n_addr < NAMES_MAX && addr_parse(optarg, &p->addr[p->n_addr++]);
	case OPT_DAYS:
		return take_days(optarg, &p->days);
	case OPT_FROM:
		return take_date(optarg, &p->from);
	case OPT_TO:
		return take_date(optarg, &p->to);
	case OPT_EMAIL:
		return add_name(p->email, &p->n_email, optarg);
	case OPT_DN:
		p->dn = optarg;
		return true;
	case OPT_CRL:
		p->crl_url = optarg;
		return true;
	case OPT_OCSP_URL:
		p->ocsp_url = optarg;
		return true;
	case OPT_OCSP:
		return p->ocsp = true;
	case OPT_P12:
		p->pkcs12 = optarg;
		return true;
	default:
		return false;
	}
}

/* It becomes a file's name. */
static bool
name_ok(const char *s)
{
	return *s && *s != '.' && *s != '-' && strlen(s) < NAME_LEN - 8 && strcmp(s, "ca") != 0 && strcmp(s, "crl") != 0 && strcmp(s, "index") != 0 &&
	    s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.@")] == '\0';
}

static int
run(struct pki *p)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].word, p->verb) != 0)
			continue;
		if (verbs[i].needs_name && !p->name)
			break;
		if (verbs[i].needs_name && !name_ok(p->name))
			return fail("a name of letters, digits and -_.@ is wanted, not", p->name), CTL_USAGE;
		return verbs[i].fn(p);
	}
	usage(stderr);
	return CTL_USAGE;
}

int
pki_main(int argc, char **argv)
{
	struct pki p = { .dir = SYSCONFDIR "/nhrpd/pki" };
	int c, rc;

	optind = 0;	/* from the beginning, whoever read options before */
	while ((c = getopt_long(argc, argv, "d:k:f:a:h", options, NULL)) != -1) {
		if (c == 'h') {
			usage(stdout);
			return CTL_OK;
		}
		if (!take_option(&p, c)) {
			if (c != '?')
				fail("cannot be understood", optarg);
			return CTL_USAGE;
		}
	}
	p.verb = optind < argc ? argv[optind] : "";
	p.name = optind + 1 < argc ? argv[optind + 1] : NULL;
	if (optind + 2 < argc) {
		usage(stderr);
		return CTL_USAGE;
	}
	rc = run(&p);
	ike_pem_free(&p.ca);
	ike_pem_free(&p.ca_key);
	return rc;
}
