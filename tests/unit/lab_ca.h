/* tests/unit/lab_ca.h: certificates for tests, made by ikecore/crypto/issue.c while the test runs; the time is LAB_NOW. */
#ifndef TESTS_UNIT_LAB_CA_H
#define TESTS_UNIT_LAB_CA_H

#include "ikecore/crypto/ike_cert.h"
#include "tests/unit/harness.h"

#define LAB_NOW	INT64_C(1767225600)	/* 2026-01-01 00:00:00 UTC */
enum { LAB_DAY = 86400 };

struct lab_pair {
	struct ike_pem cert, key;
};
struct lab_ca {
	struct lab_pair root;
};
void	lab_init(struct lab_ca *l, const char *dn);	/* ECDSA P-256, ten years */
void	lab_fini(struct lab_ca *l);
void	lab_free(struct lab_pair *p);
/* Valid from a day ago for a year; change `want` first for anything else. */
struct ike_issue lab_want(const char *const *fqdn);	/* *fqdn: one name */
struct lab_pair lab_issue(const struct lab_pair *by, const struct ike_issue *want);
struct span lab_span(const struct ike_pem *p);
struct ike_pem lab_crl(const struct lab_pair *by, const struct lab_pair *revoked, int64_t from, int64_t to);	/* revoked NULL: names nobody */
/* A trustpoint with a CA and, where own is not NULL, its certificate and key; fails the test where it cannot be made. */
struct ike_trust *lab_trust(const struct lab_pair *ca, const struct lab_pair *own);
size_t	lab_der(const struct ike_pem *pem, uint8_t *out, size_t max);	/* of a certificate or CRL */
#endif
