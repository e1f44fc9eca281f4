#include "tests/unit/lab_ca.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

struct ike_issue
lab_want(const char *const *fqdn)
{
	return (struct ike_issue){ .fqdn = fqdn, .n_fqdn = fqdn ? 1 : 0, .from = LAB_NOW - LAB_DAY, .to = LAB_NOW + 365 * LAB_DAY };
}

struct lab_pair
lab_issue(const struct lab_pair *by, const struct ike_issue *want)
{
	struct lab_pair p;
	char why[IKE_WHY_MAX] = "";

	ck_assert_msg(ike_issue(want, by ? &by->cert : NULL, by ? &by->key : NULL, &p.cert, &p.key, why), "%s", why);
	return p;
}

void
lab_init(struct lab_ca *l, const char *dn)
{
	struct ike_issue w = { .dn = dn, .ca = true, .from = LAB_NOW - 365 * LAB_DAY, .to = LAB_NOW + 3650LL * LAB_DAY };

	l->root = lab_issue(NULL, &w);
}

void
lab_free(struct lab_pair *p)
{
	ike_pem_free(&p->cert);
	ike_pem_free(&p->key);
}

void
lab_fini(struct lab_ca *l)
{
	lab_free(&l->root);
}

struct span
lab_span(const struct ike_pem *p)
{
	return span_of(p->p, p->n);
}

struct ike_pem
lab_crl(const struct lab_pair *by, const struct lab_pair *revoked, int64_t from, int64_t to)
{
	struct ike_revoked r = { .when = LAB_NOW - LAB_DAY / 2 };
	struct ike_cert_facts f;
	struct ike_pem crl;
	char why[IKE_WHY_MAX] = "";

	if (revoked) {
		ck_assert(ike_pem_facts(lab_span(&revoked->cert), &f));
		memcpy(r.serial, f.serial, sizeof(r.serial));
	}
	ck_assert_msg(ike_issue_crl(&by->cert, &by->key, &r, revoked ? 1 : 0, from, to, &crl, why), "%s", why);
	return crl;
}

struct ike_trust *
lab_trust(const struct lab_pair *ca, const struct lab_pair *own)
{
	struct ike_trust_conf conf = { .name = "LAB" };
	struct ike_trust *t = ike_trust_new(&conf);
	char why[IKE_WHY_MAX] = "";

	ck_assert_ptr_nonnull(t);
	if (ca)
		ck_assert_msg(ike_trust_add_ca(t, lab_span(&ca->cert), why), "%s", why);
	if (own) {
		ck_assert_msg(ike_trust_add_own(t, lab_span(&own->cert), why), "%s", why);
		ck_assert_msg(ike_trust_set_key(t, lab_span(&own->key), span_of("", 0), why), "%s", why);
	}
	ck_assert_msg(ike_trust_complete(t, why), "%s", why);
	return t;
}

size_t
lab_der(const struct ike_pem *pem, uint8_t *out, size_t max)
{
	BIO *b = BIO_new_mem_buf(pem->p, (int)pem->n);
	char *name = NULL, *header = NULL;
	unsigned char *data = NULL;
	long n = 0;

	ck_assert_int_eq(PEM_read_bio(b, &name, &header, &data, &n), 1);
	ck_assert_uint_le((size_t)n, max);
	memcpy(out, data, (size_t)n);
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(data);
	BIO_free(b);
	return (size_t)n;
}
