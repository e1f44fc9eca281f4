/* Questions about revocation against a real HTTP server on loopback: what is believed, what is kept, and the bounds of size, time and
 * number; that nobody is led elsewhere. The jobs are those of the engine, without one around them. */
#include "ikecore/engine/ike_priv.h"
#include "nhrpd/daemon/revoke.h"
#include "tests/unit/lab_ca.h"
#include "tests/unit/revoke/server.h"

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

suite_fn revoke_suite;

enum { DONE_MAX = 5000, TRUSTS = 24 };

static const char *const fqdn[] = { "spoke1.example.net" };
static const uint8_t octets[] = "x";
static struct test_env t;
static struct lab_ca ca;
static struct lab_pair own;
static struct ike_pem crl;
static struct ike_trust *mine, *trust[TRUSTS];
static unsigned n_trust;
static uint8_t der[4096], sig[IKE_SIG_MAX];
static struct span cert;
static struct ike_proof proof;
static struct server server;
static struct loop loop;
static struct revoke *asker;
static int64_t wall;
static unsigned n_done;
static struct {
	enum ike_cert_fault fault;
	char why[IKE_WHY_MAX];
} answer[DONE_MAX];

static int64_t
the_wall(void *ctx)
{
	(void)ctx;
	return wall;
}

static void
after(void *ctx)
{
	(void)ctx;
}

static void
done(void *ctx, struct ike_job *job)
{
	(void)ctx;
	ck_assert_uint_lt(n_done, DONE_MAX);
	ck_assert(job->proof->answered);
	answer[n_done].fault = job->proof->proved.fault;
	snprintf(answer[n_done++].why, IKE_WHY_MAX, "%s", job->proof->proved.why);
	ike_job_discard(job);
}

static void
begin(void)
{
	struct ike_sign_as as = { IKE_SIGN_ANY, 1 << IKE_HASH_SHA256 };
	struct ike_issue w = lab_want(fqdn);
	char why[IKE_WHY_MAX];

	test_env_init(&t);
	lab_init(&ca, "CN=Root");
	own = lab_issue(&ca.root, &w);
	mine = lab_trust(NULL, &own);
	cert = span_of(der, lab_der(&own.cert, der, sizeof(der)));
	proof = (struct ike_proof){ .n_trust = 1, .wall = LAB_NOW, .cert = &cert, .n_cert = 1, .id_type = 2, .id = span_of(fqdn[0], 18), .kinds = IKE_SIGN_ANY,
		.octets = SPAN_STR(octets) };
	proof.auth = span_of(sig, ike_sign(mine, &as, proof.octets, &proof.method, sig, why));
	wall = LAB_NOW;
	n_done = n_trust = 0;
	ck_assert(loop_init(&loop, NULL));
	loop.after = after;
	asker = revoke_new(&loop, the_wall, done, NULL);
	ck_assert_ptr_nonnull(asker);
	crl = lab_crl(&ca.root, NULL, LAB_NOW - 60, LAB_NOW + 7200);
	server_start(&server, lab_span(&crl));
}

static void
end(void)
{
	revoke_free(asker);
	ck_assert_int_eq(t.live, 0);
	server_stop(&server);
	loop_fini(&loop);
	for (unsigned i = 0; i < n_trust; i++)
		ike_trust_put(trust[i]);
	ike_trust_put(mine);
	ike_pem_free(&crl);
	lab_free(&own);
	lab_fini(&ca);
}

/* Begun again, with another body at /good. */
static void
serve(struct span good)
{
	server_stop(&server);
	server_start(&server, good);
}

/* A trustpoint that asks there. */
static struct ike_trust *
asks(enum ike_revocation method, const char *path)
{
	char url[64], why[IKE_WHY_MAX];
	struct ike_trust_conf conf = { .name = "ASK", .method = { method }, .crl_url = url, .ocsp_url = url };
	struct ike_trust *k;

	snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", server.port, path);
	k = ike_trust_new(&conf);
	ck_assert(k && ike_trust_add_ca(k, lab_span(&ca.root.cert), why) && ike_trust_complete(k, why));
	ck_assert_uint_lt(n_trust, TRUSTS);
	return trust[n_trust++] = k;
}

static void
question(struct ike_trust *k)
{
	struct ike_job *job = env_alloc(&t.env, sizeof(*job));
	static const struct ike_trust *list[1];

	list[0] = k;
	job->env = t.env;
	job->ran = job->known = true;
	job->proof = env_alloc(&t.env, sizeof(*job->proof));
	job->proof->check = job->proof->ask = true;
	proof.trust = list;
	ck_assert_int_eq(ike_proof_check(&proof, &job->proof->proved), IKE_CERT_OK);
	revoke_check(asker, job);
}

static void
too_late(void *arg)
{
	(void)arg;
	ck_abort_msg("no answer within 20 s");
}

static void
until(unsigned n)
{
	struct host_watch *w = loop.host.after(loop.host.ctx, TICK_S(20), too_late, NULL);

	while (n_done < n)
		ev_run(loop.ev, EVRUN_ONCE);
	loop.host.unwatch(loop.host.ctx, w);
}

static void
is(unsigned i, enum ike_cert_fault fault, const char *part)
{
	ck_assert_msg(answer[i].fault == fault && strstr(answer[i].why, part), "%u: %d, %s", i, (int)answer[i].fault, answer[i].why);
}

/* Asks and waits. */
static void
ask(enum ike_revocation method, const char *path, enum ike_cert_fault fault, const char *part)
{
	unsigned n = n_done;

	question(asks(method, path));
	until(n + 1);
	is(n, fault, part);
}

/* ---- what is believed and kept */

START_TEST(good_and_kept)
{
	struct ike_trust *k = asks(IKE_REV_CRL, "/good");

	for (unsigned i = 0; i < 5; i++)
		question(k);
	until(5);
	for (unsigned i = 0; i < 5; i++)
		is(i, IKE_CERT_OK, "");
	ck_assert_uint_eq(atomic_load(&server.seen->asked), 1);	/* five wait for one answer */
	question(k);
	ck_assert_uint_eq(n_done, 6);	/* at once */
	wall += 7199;
	question(k);
	ck_assert_uint_eq(n_done, 7);
	wall += 2;	/* the CRL's time is over: asked anew, and not believed any more */
	question(k);
	until(8);
	is(7, IKE_CERT_UNKNOWN, "the CRL was to be replaced by 2026-01-01 02:00:00 UTC");
	ck_assert_uint_eq(atomic_load(&server.seen->asked), 2);
}
END_TEST

/* Each question that finds it is told, also from what is kept, and the path is not a known one any more. */
START_TEST(revoked)
{
	struct ike_pem names = lab_crl(&ca.root, &own, LAB_NOW - 60, LAB_NOW + 7200);
	struct ike_trust *k;
	struct ike_proved o;

	serve(lab_span(&names));
	k = asks(IKE_REV_CRL, "/good");
	question(k);
	question(k);
	until(2);
	question(k);
	ck_assert_uint_eq(n_done, 3);
	for (unsigned i = 0; i < 3; i++)
		is(i, IKE_CERT_REVOKED, "certificate CN=spoke1.example.net was revoked at 2025-12-31 12:00:00 UTC");
	ck_assert_int_eq(ike_proof_check(&proof, &o), IKE_CERT_OK);
	ck_assert(!ike_chain_was_known(o.chain));
	ike_chain_free(o.chain);
	ike_pem_free(&names);
}
END_TEST

static size_t
ocsp_good(uint8_t *out, size_t max)
{
	static const time_t now = (time_t)LAB_NOW;
	uint8_t root[4096];
	const unsigned char *p = der, *q = root;
	X509 *x = d2i_X509(NULL, &p, (long)cert.n), *issuer = d2i_X509(NULL, &q, (long)lab_der(&ca.root.cert, root, sizeof(root)));
	BIO *b = BIO_new_mem_buf(ca.root.key.p, (int)ca.root.key.n);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(b, NULL, NULL, NULL);
	OCSP_BASICRESP *br = OCSP_BASICRESP_new();
	OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), x, issuer);
	ASN1_TIME *from = ASN1_GENERALIZEDTIME_set(NULL, now - 60), *till = ASN1_GENERALIZEDTIME_set(NULL, now + 3600);
	OCSP_RESPONSE *r;
	unsigned char *at = out;
	int n;

	ck_assert(OCSP_basic_add1_status(br, id, V_OCSP_CERTSTATUS_GOOD, 0, NULL, from, till) && OCSP_basic_sign(br, issuer, key, EVP_sha256(), NULL, 0) == 1);
	r = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, br);
	n = i2d_OCSP_RESPONSE(r, NULL);
	ck_assert(n > 0 && (size_t)n <= max);
	i2d_OCSP_RESPONSE(r, &at);
	OCSP_RESPONSE_free(r);
	OCSP_BASICRESP_free(br);
	OCSP_CERTID_free(id);
	ASN1_TIME_free(from);
	ASN1_TIME_free(till);
	EVP_PKEY_free(key);
	BIO_free(b);
	X509_free(issuer);
	X509_free(x);
	return (size_t)n;
}

START_TEST(by_ocsp)
{
	static uint8_t body[4096];

	serve(span_of(body, ocsp_good(body, sizeof(body))));
	ask(IKE_REV_OCSP, "/good", IKE_CERT_OK, "");
	ck_assert_uint_eq(atomic_load(&server.seen->posts), 1);
	ask(IKE_REV_CRL, "/good", IKE_CERT_UNKNOWN, "the CRL cannot be read");
}
END_TEST

/* ---- what is no answer */

static const struct {
	const char *path, *why;
} useless[] = {
	{ "/html", "the CRL cannot be read" }, { "/empty", "the CRL cannot be read" }, { "/none", "404" }, { "/endless", "the answer is too large" },
};

START_TEST(no_answer)
{
	ask(IKE_REV_CRL, useless[_i].path, IKE_CERT_UNKNOWN, useless[_i].why);
}
END_TEST

/* 16 MB for a CRL, 1 MB for an OCSP answer; one that says beforehand that it is longer is not even begun. */
START_TEST(too_large)
{
	struct span zeros = span_of(calloc(1, IKE_CRL_MAX + 1), IKE_FILE_MAX + 1);

	serve(zeros);
	ask(IKE_REV_OCSP, "/good", IKE_CERT_UNKNOWN, "the answer is too large");
	ask(IKE_REV_CRL, "/other", IKE_CERT_UNKNOWN, "the CRL cannot be read");	/* not too large for one */
	zeros.n = IKE_CRL_MAX + 1;
	serve(zeros);
	ask(IKE_REV_CRL, "/good", IKE_CERT_UNKNOWN, "the answer is too large");
	ask(IKE_REV_CRL, "/long", IKE_CERT_UNKNOWN, "the answer is too large");
	free((void *)(uintptr_t)zeros.p);
}
END_TEST

/* To the same server, to a file, round and round: none is followed, though the first would have a good answer. */
START_TEST(never_led_elsewhere)
{
	static const char *const path[] = { "/redirect-same", "/redirect-file", "/redirect-loop" };

	for (unsigned i = 0; i < 3; i++)
		ask(IKE_REV_CRL, path[i], IKE_CERT_UNKNOWN, "it redirects to elsewhere");
	ck_assert_uint_eq(atomic_load(&server.seen->asked), 3);
	ck_assert_uint_eq(atomic_load(&server.seen->other), 0);
}
END_TEST

/* Neither one that accepts and says nothing nor one that never gets to an end holds a question for longer than a fetch may take.
 * The next question does not wait for it again, until it is asked anew after a while. */
START_TEST(too_slow)
{
	struct ike_trust *k = asks(IKE_REV_CRL, _i ? "/drip" : "/silent");
	tick_t from = loop.host.now(loop.host.ctx);

	question(k);
	until(1);
	is(0, IKE_CERT_UNKNOWN, "timed out");
	ck_assert_uint_ge(loop.host.now(loop.host.ctx) - from, TICK_MS(REVOKE_FETCH_MS - 100));
	question(k);
	ck_assert_uint_eq(n_done, 2);
	is(1, IKE_CERT_UNKNOWN, "does not answer");
	ck_assert_uint_eq(atomic_load(&server.seen->asked), 1);
}
END_TEST

START_TEST(nobody_there)
{
	struct ike_trust *k = asks(IKE_REV_CRL, "/good");

	server_stop(&server);
	question(k);
	until(1);
	is(0, IKE_CERT_UNKNOWN, "http://127.0.0.1:");
	question(k);
	ck_assert_uint_eq(n_done, 2);
	is(1, IKE_CERT_UNKNOWN, "does not answer");
	server_start(&server, lab_span(&crl));
}
END_TEST

/* ---- how many */

/* So many connections at a time; the others wait and are answered then. */
START_TEST(connections)
{
	char path[32];

	for (unsigned i = 0; i < REVOKE_FETCHES_MAX + 4; i++) {
		snprintf(path, sizeof(path), "/hold-%u", i);
		question(asks(IKE_REV_CRL, path));
	}
	for (unsigned i = 0; i < 2000 && atomic_load(&server.seen->holding) < REVOKE_FETCHES_MAX; i++) {
		ev_run(loop.ev, EVRUN_NOWAIT);
		usleep(1000);
	}
	for (unsigned i = 0; i < 100; i++) {
		ev_run(loop.ev, EVRUN_NOWAIT);
		usleep(1000);
	}
	ck_assert_uint_eq(atomic_load(&server.seen->holding), REVOKE_FETCHES_MAX);
	ck_assert_uint_eq(n_done, 0);
	atomic_store(&server.seen->release, 1);
	until(REVOKE_FETCHES_MAX + 4);
	for (unsigned i = 0; i < n_done; i++)
		is(i, IKE_CERT_OK, "");
	ck_assert_uint_eq(atomic_load(&server.seen->asked), REVOKE_FETCHES_MAX);	/* the others found it known by then */
}
END_TEST

START_TEST(questions)
{
	struct ike_trust *k = asks(IKE_REV_CRL, "/hold");

	for (unsigned i = 0; i < REVOKE_QUESTIONS_MAX; i++)
		question(k);
	ck_assert_uint_eq(n_done, 0);
	question(k);
	ck_assert_uint_eq(n_done, 1);
	is(0, IKE_CERT_UNKNOWN, "too many questions about revocation at once");
	atomic_store(&server.seen->release, 1);
	until(REVOKE_QUESTIONS_MAX + 1);
	is(1, IKE_CERT_OK, "");
	is(REVOKE_QUESTIONS_MAX, IKE_CERT_OK, "");
}
END_TEST

/* The daemon ends with questions under way and waiting: end() finds nothing left. */
START_TEST(ended_with_questions)
{
	char path[32];

	for (unsigned i = 0; i < REVOKE_FETCHES_MAX + 2; i++) {
		snprintf(path, sizeof(path), "/hold-%u", i);
		question(asks(IKE_REV_CRL, path));
	}
	for (unsigned i = 0; i < 50; i++) {
		ev_run(loop.ev, EVRUN_NOWAIT);
		usleep(1000);
	}
	ck_assert_uint_eq(n_done, 0);
}
END_TEST

Suite *
revoke_suite(void)
{
	Suite *s = suite_create("revoke");
	TCase *tc = tcase_create("revoke");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, good_and_kept);
	tcase_add_test(tc, revoked);
	tcase_add_test(tc, by_ocsp);
	tcase_add_loop_test(tc, no_answer, 0, sizeof(useless) / sizeof(useless[0]));
	tcase_add_test(tc, too_large);
	tcase_add_test(tc, never_led_elsewhere);
	tcase_add_loop_test(tc, too_slow, 0, 2);
	tcase_add_test(tc, nobody_there);
	tcase_add_test(tc, connections);
	tcase_add_test(tc, questions);
	tcase_add_test(tc, ended_with_questions);
	suite_add_tcase(s, tc);
	return s;
}
