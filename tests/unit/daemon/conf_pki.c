/* Trustpoints and ways of authentication: files that are really there, and what is said where something is wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "nhrpd/daemon/certwatch.h"
#include "tests/unit/lab_ca.h"

suite_fn conf_pki_suite;

static const char *const fqdn[] = { "hub.example.net" };
static struct lab_ca ca;
static struct lab_pair hub;
static char dir[64];

static void
put(const char *name, const struct ike_pem *pem, mode_t mode)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(pem->p, 1, pem->n, f), pem->n);
	fclose(f);
	chmod(path, mode);
}

static struct lab_pair
issue(const char *key, int64_t days)
{
	struct ike_issue w = lab_want(fqdn);

	w.key = key;
	w.from = (int64_t)time(NULL) - 10 * LAB_DAY;
	w.to = (int64_t)time(NULL) + days * LAB_DAY;
	return lab_issue(&ca.root, &w);
}

static void
begin(void)
{
	struct ike_issue w = { .dn = "CN=Root", .ca = true, .from = (int64_t)time(NULL) - 20 * LAB_DAY, .to = (int64_t)time(NULL) + 3650LL * LAB_DAY };

	snprintf(dir, sizeof(dir), "/tmp/conf-pki.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ca.root = lab_issue(NULL, &w);
	hub = issue(NULL, 365);
	put("ca.pem", &ca.root.cert, 0644);
	put("hub.pem", &hub.cert, 0644);
	put("hub.key", &hub.key, 0600);
}

static void
end(void)
{
	char cmd[128];

	lab_free(&hub);
	lab_fini(&ca);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

static struct conf *
load(const char *text)
{
	struct ike_pem p = { (char *)(uintptr_t)text, strlen(text) };
	char path[128];

	put("t.conf", &p, 0600);
	snprintf(path, sizeof(path), "%s/t.conf", dir);
	return conf_read(path);
}

#define OWN "crypto pki trustpoint LAB\n ca file ca.pem\n certificate file hub.pem\n key file hub.key\n"
#define PROFILE "crypto ikev2 profile P\n identity local fqdn hub.example.net\n authentication local ecdsa-sig\n authentication remote digital-signature\n"
#define REST "crypto ipsec profile V\ninterface d0\n ip address 10.0.0.1/24\n tunnel source eth0\n tunnel protection ipsec profile V\n ip nhrp network-id 1\n"

static void
add_line(void *ctx, const char *line)
{
	char *out = ctx;
	size_t n = strlen(out);

	snprintf(out + n, 4096 - n, "%s\n", line);
}

START_TEST(whole)
{
	struct conf *c = load(OWN " revocation-check crl ocsp none\n ocsp url http://ocsp.example.net/\n" PROFILE " pki trustpoint LAB\n" REST), *again;
	const struct ike_profile *p;
	char text[4096] = "";

	ck_assert_msg(c->n_error == 0, "%s", c->error[0].text);
	ck_assert_uint_eq(c->core.ike.n_profile, 1);
	p = &c->core.ike.profile[0];
	ck_assert(p->auth_local == IKE_SIGN_ECDSA && p->auth_remote == IKE_SIGN_ANY && p->n_trust == 1 && p->n_key == 0);
	ck_assert_ptr_eq(p->trust[0], c->trust[0]);
	ck_assert(ike_trust_conf(p->trust[0])->method[0] == IKE_REV_CRL && ike_trust_conf(p->trust[0])->method[1] == IKE_REV_OCSP);
	ck_assert(ike_trust_conf(p->trust[0])->relaxed);
	ck_assert_str_eq(ike_trust_conf(p->trust[0])->ocsp_url, "http://ocsp.example.net/");
	conf_each_line(c, true, add_line, text);
	ck_assert_ptr_eq(strstr(text, "crypto pki trustpoint LAB\n ca file /"), text);	/* with whole paths */
	ck_assert_ptr_nonnull(strstr(text, " revocation-check crl ocsp none\n ocsp url http://ocsp.example.net/\n"));
	ck_assert_ptr_nonnull(strstr(text, " authentication local ecdsa-sig\n authentication remote digital-signature\n pki trustpoint LAB\n"));
	again = load(text);	/* what is shown loads to the same */
	ck_assert_uint_eq(again->n_error, 0);
	ck_assert_int_eq(conf_diff(c, again, add_line, text), 0);
	conf_free(c);
	conf_free(again);
}
END_TEST

/* A keyring entry of a post-quantum key alone goes with certificates, in a keyring that the profile names. */
START_TEST(post_quantum_key)
{
	static const char ring[] = "crypto ikev2 keyring Q\n peer all\n  identity fqdn domain example.net\n"
	    "  ppk manual id q key of-thirty-two-octets-at-least-0123456 required\n";
	char text[2048];
	struct conf *c;

	snprintf(text, sizeof(text), OWN PROFILE " pki trustpoint LAB\n%s%s" REST, _i ? " keyring local Q\n" : "", ring);
	c = load(text);
	ck_assert_msg(c->n_error == 0, "%s", c->error[0].text);
	ck_assert_uint_eq(c->core.ike.profile[0].n_key, _i);
	ck_assert(c->core.ike.ppk);
	if (_i) {
		const struct ike_key *k = c->core.ike.profile[0].key;

		ck_assert(k->psk_len == 0 && k->ppk_len == 37 && k->ppk_required && k->has_id);
	}
	conf_free(c);
}
END_TEST

START_TEST(defaults)
{
	struct conf *c = load(OWN "crypto ikev2 profile P\n authentication local ecdsa-sig\n authentication remote ecdsa-sig\n authentication remote rsa-sig legacy\n"
	    "crypto ikev2 keyring K\n peer x\n  address 0.0.0.0 0.0.0.0\n  pre-shared-key x\n" REST);
	const struct ike_profile *p;
	char id[128];

	ck_assert_msg(c->n_error == 0, "%s", c->error[0].text);
	p = &c->core.ike.profile[0];
	ck_assert_uint_eq(p->n_trust, 1);	/* the only one there is */
	ck_assert_uint_eq(p->auth_remote, IKE_SIGN_ECDSA | IKE_SIGN_RSA | IKE_SIGN_RSA_PSS | IKE_SIGN_SHA1);
	ck_assert_int_eq(p->local_id.type, IKE_ID_DN);
	ck_assert_uint_eq(ike_dn_parse("CN=hub.example.net", (uint8_t *)id, sizeof(id)), p->local_id.len);
	ck_assert_mem_eq(id, p->local_id.data, p->local_id.len);
	ck_assert(!ike_trust_conf(p->trust[0])->relaxed);
	conf_free(c);
}
END_TEST

static const struct {
	const char *text, *want;	/* of the first error */
} wrong[] = {
	{ "crypto pki trustpoint LAB\n", "1:trustpoint LAB needs \"ca file\", or \"certificate file\" and \"key file\"" },
	{ "crypto pki trustpoint LAB\n ca file none.pem\n", "2:cannot read @/none.pem: No such file or directory" },
	{ "crypto pki trustpoint LAB\n ca file hub.pem\n",
	    "2:@/hub.pem: CN=hub.example.net is not a CA (basic constraints do not say CA, or key usage forbids signing certificates)" },
	{ "crypto pki trustpoint LAB\n certificate file hub.pem\n", "2:@/hub.pem: a certificate, but no key" },
	{ "crypto pki trustpoint LAB\n key file ca.pem\n", "2:@/ca.pem can be read by others (mode 644): chmod 600 @/ca.pem" },
	{ "crypto pki trustpoint LAB\n key file hub.key\n key file hub.key\n", "3:there is one already at @/t.conf:2" },
	{ OWN " pkcs12 file hub.key\n", "5:pkcs12 has certificate and key: without \"key file\" and \"certificate file\"" },
	{ OWN " revocation-check none crl\n", "5:none stands last: it says what to do when the others give no answer" },
	{ OWN " revocation-check crl crl\n", "5:stands twice" },
	{ OWN " ocsp url https://x/\n", "5:expected an address that begins with http://, found \"https://x/\"" },
	{ OWN OWN, "5:crypto pki trustpoint LAB stands already at @/t.conf:1" },
	{ PROFILE REST, "1:profile P needs a \"crypto pki trustpoint\": there is none" },
	{ OWN PROFILE " pki trustpoint X\n" REST, "9:there is no \"crypto pki trustpoint X\"" },
	{ OWN PROFILE " pki trustpoint LAB\n pki trustpoint LAB\n" REST, "10:LAB stands already at @/t.conf:9" },
	{ OWN PROFILE " authentication local rsa-sig\n" REST, "9:we authenticate in one way only, set already at @/t.conf:7" },
	{ OWN "crypto ikev2 profile P\n authentication local rsa-sig\n authentication remote rsa-sig\n" REST, "6:no trustpoint of profile P has a key for this" },
	{ "crypto pki trustpoint LAB\n certificate file hub.pem\n key file hub.key\n" PROFILE REST, "7:no trustpoint of profile P has a CA to check peers with" },
	{ OWN "crypto ikev2 profile P\n identity local fqdn spoke1.example.net\n authentication local ecdsa-sig\n authentication remote ecdsa-sig\n" REST,
	    "6:fqdn spoke1.example.net is not in the certificate of trustpoint LAB: its certificate is for dn CN=hub.example.net, fqdn hub.example.net" },
	{ "crypto ikev2 profile P\n match identity remote dn CN=\n", "2:expected a distinguished name like CN=spoke1, O=Example, found \"CN=\"" },
	{ "crypto ikev2 keyring K\n peer x\n  address 0.0.0.0 0.0.0.0\n  pre-shared-key x\ncrypto ikev2 profile P\n identity local dn\n" REST,
	    "6:\"identity local dn\" is the subject of a certificate: \"authentication local\" says pre-share" },
};

/* "@" in what is wanted is the folder. */
static char *
with_dir(const char *text, char *out, size_t n)
{
	size_t used = 0;

	for (; *text && used < n; text++)
		used += (size_t)(*text == '@' ? snprintf(out + used, n - used, "%s", dir) : snprintf(out + used, n - used, "%c", *text));
	return out;
}

START_TEST(told)
{
	struct conf *c = load(wrong[_i].text);
	char want[512], got[512];

	with_dir(wrong[_i].want, want, sizeof(want));
	ck_assert_uint_ge(c->n_error, 1);
	snprintf(got, sizeof(got), "%u:%s", c->error[0].line, c->error[0].text);
	ck_assert_str_eq(got, want);
	conf_free(c);
}
END_TEST

START_TEST(no_files_from_memory)
{
	struct conf *c = conf_read_text("t", OWN);

	ck_assert_uint_ge(c->n_error, 1);
	ck_assert_str_eq(c->error[0].text, "files are not read here");
	conf_free(c);
}
END_TEST

/* The lines are the same, what is in the files is not. */
START_TEST(another_certificate)
{
	struct conf *was = load(OWN PROFILE REST), *is;
	struct lab_pair fresh = issue(NULL, 365);
	char text[4096] = "";

	put("hub.pem", &fresh.cert, 0644);
	put("hub.key", &fresh.key, 0600);
	is = load(OWN PROFILE REST);
	ck_assert_int_eq(conf_diff(was, is, add_line, text), 1);
	ck_assert_str_eq(text, "crypto pki trustpoint LAB: certificates, key or CRLs are others\n");
	conf_free(was);
	conf_free(is);
	lab_free(&fresh);
}
END_TEST

static int64_t
now(void)
{
	return (int64_t)time(NULL);
}

static struct host_watch *
no_timer(void *ctx, tick_t delay, void (*fn)(void *arg), void *arg)
{
	(void)ctx, (void)delay, (void)fn, (void)arg;
	return NULL;
}

static void
no_unwatch(void *ctx, struct host_watch *w)
{
	(void)ctx, (void)w;
}

static const struct {
	int days;
	const char *warning, *word;
} dates[] = { { 365, NULL, NULL }, { 10, "our certificate CN=hub.example.net expires at ", "certificate-expires" },
	{ -1, "our certificate CN=hub.example.net expired at ", "certificate-expired" } };

START_TEST(expiry)
{
	struct lab_pair soon = issue(NULL, dates[_i].days);
	struct test_env e;
	struct host host = { .after = no_timer, .unwatch = no_unwatch };
	struct certwatch *w;
	struct conf *c;

	put("hub.pem", &soon.cert, 0644);
	put("hub.key", &soon.key, 0600);
	c = load(OWN PROFILE REST);
	ck_assert_msg(c->n_error == 0, "%s", c->error[0].text);	/* a router whose clock is wrong must start */
	ck_assert_uint_eq(c->n_warning, dates[_i].warning ? 1 : 0);
	if (dates[_i].warning)
		ck_assert_ptr_nonnull(strstr(c->warning[0].text, dates[_i].warning));
	test_env_init(&e);
	host.env = &e.env;
	host.log = &e.log;
	w = certwatch_new(&host, c, now);
	ck_assert_uint_eq(certwatch_look(w), dates[_i].word ? 1 : 0);
	if (dates[_i].word)
		ck_assert_str_eq(e.last_word, dates[_i].word);
	certwatch_free(w);
	ck_assert_int_eq(e.live, 0);
	conf_free(c);
	lab_free(&soon);
}
END_TEST

Suite *
conf_pki_suite(void)
{
	Suite *s = suite_create("conf_pki");
	TCase *tc = tcase_create("conf_pki");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, whole);
	tcase_add_loop_test(tc, post_quantum_key, 0, 2);
	tcase_add_test(tc, defaults);
	tcase_add_loop_test(tc, told, 0, sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(tc, no_files_from_memory);
	tcase_add_test(tc, another_certificate);
	tcase_add_loop_test(tc, expiry, 0, 3);
	suite_add_tcase(s, tc);
	return s;
}
