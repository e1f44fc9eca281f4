/* tests/fuzz/ike_cert_seeds.c: writes seeds for fuzz_ike_cert into a folder: certificates with each kind of key, of name, of address block and
 * of use, some that are a CA's; each as it is, and to be signed by the target's CA with an identity tried. */
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "ikecore/crypto/ike_cert.h"

#define NOW	INT64_C(1767225600)

static const struct seed {
	const char *name, *dn, *key, *san, *blocks, *eku, *more;	/* more: the value of CRL distribution points */
	bool ca;
} seeds[] = {
	{ .name = "fqdn", .san = "DNS:spoke1.example.net" },
	{ .name = "email", .san = "email:u@example.net,DNS:spoke2.example.net" },
	{ .name = "addresses", .san = "IP:10.0.0.11,IP:2001:db8::b" },
	{ .name = "many-names", .san = "DNS:a.example.net,DNS:b.example.net,email:c@example.net,IP:10.0.0.1,URI:http://x/,RID:1.2.3.4,DNS:spoke1.example.net" },
	{ .name = "long-dn", .dn = "CN=spoke 1, OU=branch, OU=Munich, O=Example AG, L=Munich, ST=BY, C=DE", .san = "DNS:spoke1.example.net" },
	{ .name = "blocks", .san = "DNS:spoke1.example.net", .blocks = "IPv4:10.3.0.0/24,IPv6:2001:db8:3::/48" },
	{ .name = "ranges", .blocks = "IPv4:10.3.0.0-10.3.2.255,IPv4:10.4.0.1-10.4.0.254", .san = "IP:10.3.0.1" },
	{ .name = "ranges6", .blocks = "IPv6:2001:db8::1-2001:db8::ffff" },
	{ .name = "inherit", .blocks = "IPv4:inherit,IPv6:inherit" },
	{ .name = "too-much", .blocks = "IPv4:11.0.0.0/8" },
	{ .name = "safi", .blocks = "IPv4-SAFI:1:10.5.0.0/16,IPv4-SAFI:2:10.6.0.0/16" },
	{ .name = "eku", .eku = "serverAuth,clientAuth", .san = "DNS:spoke1.example.net" },
	{ .name = "eku-other", .eku = "OCSPSigning", .san = "DNS:spoke1.example.net" },
	{ .name = "crl", .more = "URI:http://ca.example.net/a.crl,URI:ldap://x/,URI:http://b.example.net/b.crl", .san = "DNS:spoke1.example.net" },
	{ .name = "ca", .ca = true },
	{ .name = "rsa", .key = "rsa-2048", .san = "DNS:spoke1.example.net" },
	{ .name = "p384", .key = "ecdsa-384", .san = "DNS:spoke1.example.net" },
	{ .name = "ed25519", .key = "ed25519", .san = "DNS:spoke1.example.net" },
};

static void
add(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = NULL;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	if (value && (!(e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value)) || X509_add_ext(x, e, -1) != 1)) {
		fprintf(stderr, "ike_cert_seeds: %s cannot be made\n", value);
		exit(1);
	}
	X509_EXTENSION_free(e);
}

static int
make(const struct seed *s, unsigned char **der)
{
	struct ike_issue want = { .dn = s->dn ? s->dn : "CN=spoke1", .key = s->key, .from = NOW - 86400, .to = NOW + 86400, .ca = s->ca };
	struct ike_pem cert, key;
	char why[IKE_WHY_MAX];
	X509 *x;
	BIO *b;
	int n;

	if (!ike_issue(&want, NULL, NULL, &cert, &key, why)) {
		fprintf(stderr, "ike_cert_seeds: %s: %s\n", s->name, why);
		exit(1);
	}
	b = BIO_new_mem_buf(cert.p, (int)cert.n);
	x = PEM_read_bio_X509(b, NULL, NULL, NULL);
	BIO_free(b);
	add(x, NID_subject_alt_name, s->san);
	add(x, NID_sbgp_ipAddrBlock, s->blocks);
	add(x, NID_ext_key_usage, s->eku);
	add(x, NID_crl_distribution_points, s->more);
	i2d_re_X509_tbs(x, NULL);	/* the encoding it was read from is kept otherwise */
	n = i2d_X509(x, der);
	X509_free(x);
	ike_pem_free(&cert);
	ike_pem_free(&key);
	return n;
}

static void
put(const char *dir, const char *name, int how, const unsigned char *der, int n)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s-%02x", dir, name, how);
	f = fopen(path, "w");
	if (!f || fputc(how, f) == EOF || fwrite(der, 1, (size_t)n, f) != (size_t)n || fclose(f) != 0) {
		perror(path);
		exit(1);
	}
}

int
main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: ike_cert_seeds DIR\n");
		return 2;
	}
	for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++) {
		unsigned char *der = NULL;
		int n = make(&seeds[i], &der);

		put(argv[1], seeds[i].name, 0, der, n);
		put(argv[1], seeds[i].name, (int)(i % 6) << 4 | 7, der, n);
		put(argv[1], seeds[i].name, (int)((i + 3) % 6) << 4 | 15, der, n);
		OPENSSL_free(der);
	}
	return 0;
}
