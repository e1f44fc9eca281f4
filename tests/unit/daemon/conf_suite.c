/* Twin of nhrpd/daemon/conf_suite.c: what words, suites and defaults make of proposals, and what is warned of. */
#include <stdlib.h>

#include "nhrpd/daemon/conf.h"
#include "tests/unit/harness.h"

suite_fn conf_suite_suite;

#define BASE \
	"crypto ikev2 keyring K\n peer any\n  address 0.0.0.0 0.0.0.0\n  pre-shared-key s3cret\ncrypto ikev2 profile P\n"
#define TUNNEL \
	"interface d0\n ip address 10.0.0.1/24\n tunnel source eth0\n tunnel protection ipsec profile V\n ip nhrp network-id 1\n"

/* "20/256,20/128,28/0 - prf 6,5 integ - group 31 | ..." */
static void
list(char *out, size_t size, const char *word, const uint16_t *v, unsigned n)
{
	size_t at = strlen(out);

	at += (size_t)snprintf(out + at, size - at, "%s", word);
	for (unsigned i = 0; i < n; i++)
		at += (size_t)snprintf(out + at, size - at, "%s%u", i ? "," : "", v[i]);
}

static void
say(char *out, size_t size, const struct ike_proposal *p, unsigned n)
{
	out[0] = '\0';
	for (unsigned i = 0; i < n; i++, p++) {
		size_t at = strlen(out);

		at += (size_t)snprintf(out + at, size - at, "%s", i ? " | " : "");
		for (unsigned j = 0; j < p->n_encr; j++)
			at += (size_t)snprintf(out + at, size - at, "%s%u/%u", j ? "," : "", p->encr[j], p->encr_bits[j]);
		list(out, size, " integ ", p->integ, p->n_integ);
		list(out, size, " prf ", p->prf, p->n_prf);
		list(out, size, " group ", p->group, p->n_group);
	}
}

static const struct {
	const char *text, *ike, *esp, *warnings;
} rows[] = {
	{ "crypto ipsec profile V\n",
	    "20/256,20/128,28/0 integ  prf 6,5,7 group 31,19,20,14 | 12/256,12/128 integ 12,13,14 prf 6,5,7 group 31,19,20,14",
	    "20/256,20/128,28/0 integ  prf  group  | 12/256,12/128 integ 12,13,14 prf  group ", "" },
	{ "crypto suite cnsa\ncrypto ipsec profile V\n", "20/256 integ  prf 6 group 20", "20/256 integ  prf  group 20", "" },
	{ "crypto suite cnsa\ncrypto ipsec profile V\n set pfs\n", "20/256 integ  prf 6 group 20", "20/256 integ  prf  group 20", "" },
	{ "crypto suite cnsa\ncrypto ipsec profile V\n set pfs group21\n", "20/256 integ  prf 6 group 20", "20/256 integ  prf  group 21", "" },
	{ "crypto suite legacy\ncrypto ipsec profile V\n",
	    "20/256,20/128,28/0 integ  prf 6,5,7,2 group 31,19,20,14,5,2 | 12/256,12/128,3/0 integ 12,13,14,2 prf 6,5,7,2 group 31,19,20,14,5,2",
	    "20/256,20/128,28/0 integ  prf  group  | 12/256,12/128,3/0 integ 12,13,14,2 prf  group ",
	    "6:14 suite legacy: 3DES, SHA-1 and groups 5 and 2 are outdated, for old peers only\n" },
	{ "crypto ikev2 proposal A\n suite cnsa\n group 19\ncrypto ipsec profile V\n set suite cnsa\n", "20/256 integ  prf 6 group 19",
	    "20/256 integ  prf  group 20", "" },
	/* as on a router: AES-CBC, integrity names the PRF as well */
	{ "crypto ikev2 proposal A\n encryption aes-cbc-256\n integrity sha256\n group 14\ncrypto ipsec transform-set T esp-aes 256 esp-sha256-hmac\n"
	  " mode transport\ncrypto ipsec profile V\n set transform-set T\n set pfs group14\n",
	    "12/256 integ 12 prf 5 group 14", "12/256 integ 12 prf  group 14", "" },
	{ "crypto ikev2 proposal A\n encryption aes-cbc-128 aes-gcm-128\n integrity sha512\n prf sha256\n group 32 18\ncrypto ipsec profile V\n"
	  " set transform-set T U W\ncrypto ipsec transform-set T esp-aes-ctr 192 esp-sha384-hmac\ncrypto ipsec transform-set U esp-sha512-hmac esp-aes\n"
	  "crypto ipsec transform-set W esp-gcm\n",
	    "20/128 integ  prf 5 group 32,18 | 12/128 integ 14 prf 5 group 32,18",
	    "13/192 integ 13 prf  group  | 12/128 integ 14 prf  group  | 20/128 integ  prf  group ", "" },
	{ "crypto ikev2 proposal A\n encryption 3des aes-ctr-256\n integrity sha1\n group 2 5\ncrypto ipsec transform-set T esp-3des esp-sha-hmac\n"
	  "crypto ipsec profile V\n set transform-set T\n set pfs group5\n",
	    "3/0,13/256 integ 2 prf 2 group 2,5", "3/0 integ 2 prf  group 5",
	    "10:28 transform-set T: 3DES and SHA-1 are outdated, for old peers only\n7:13 encryption 3des is outdated, for old peers only\n"
	    "8:12 integrity sha1 is outdated, for old peers only\n9:8 group 2 is outdated, for old peers only\n9:10 group 5 is outdated, for old peers only\n"
	    "13:10 group 5 is outdated, for old peers only\n" },
	{ "crypto ikev2 proposal A\n encryption aes-gcm-256\n integrity sha384\ncrypto ipsec profile V\n", "20/256 integ  prf 6 group 31,19,20,14",
	    "20/256,20/128,28/0 integ  prf  group  | 12/256,12/128 integ 12,13,14 prf  group ",
	    "8:12 no cipher of this proposal takes an integrity: it only names the PRF\n" },
};

START_TEST(proposals)
{
	char text[2048], got[1024], warned[2048] = "";
	const struct ike_profile *p;
	struct conf *c;

	snprintf(text, sizeof(text), "%s%s%s", BASE, rows[_i].text, TUNNEL);
	c = conf_read_text("t", text);
	ck_assert_msg(c->n_error == 0, "%s: %s", rows[_i].text, c->error[0].text);
	p = &c->core.ike.profile[0];
	say(got, sizeof(got), p->ike, p->n_ike);
	ck_assert_str_eq(got, rows[_i].ike);
	say(got, sizeof(got), p->esp, p->n_esp);
	ck_assert_str_eq(got, rows[_i].esp);
	for (unsigned i = 0; i < c->n_warning; i++)
		snprintf(warned + strlen(warned), sizeof(warned) - strlen(warned), "%u:%u %s\n", c->warning[i].line, c->warning[i].column,
		    c->warning[i].text);
	ck_assert_str_eq(warned, rows[_i].warnings);
	for (unsigned i = 0; i < p->n_ike; i++) {	/* never in one proposal */
		for (unsigned j = 0; j < p->ike[i].n_encr; j++)
			ck_assert_int_eq(p->ike[i].encr[j] == 20 || p->ike[i].encr[j] == 28, p->ike[i].n_integ == 0);
	}
	conf_free(c);
}
END_TEST

static void
keep(void *ctx, const char *line)
{
	char *out = ctx;

	strcat(strcat(out, line), "\n");
}

/* What was said is shown and reads the same again. */
START_TEST(shown_as_said)
{
	char text[2048], shown[4096] = "", again[4096] = "";
	struct conf *c;

	snprintf(text, sizeof(text), "%s%s%s", BASE, rows[_i].text, TUNNEL);
	c = conf_read_text("t", text);
	conf_each_line(c, true, keep, shown);
	conf_free(c);
	c = conf_read_text("t", shown);
	ck_assert_uint_eq(c->n_error, 0);
	conf_each_line(c, true, keep, again);
	ck_assert_str_eq(shown, again);
	conf_free(c);
}
END_TEST

/* The mode of a profile's transform sets, or what is wrong with it. */
static const struct {
	const char *text;
	int mode;
	bool tunnel;
	const char *error;
} modes[] = {
	{ "crypto ipsec profile V\n", IKE_MODE_TRANSPORT, false, NULL },
	{ "crypto ipsec transform-set T esp-gcm\ncrypto ipsec profile V\n set transform-set T\n", IKE_MODE_TRANSPORT, false, NULL },
	{ "crypto ipsec transform-set T esp-gcm\n mode transport\ncrypto ipsec profile V\n set transform-set T\n", IKE_MODE_TRANSPORT, false, NULL },
	{ "crypto ipsec transform-set T esp-gcm\n mode transport require\ncrypto ipsec profile V\n set transform-set T\n",
	    IKE_MODE_TRANSPORT_ONLY, false, NULL },
	{ "crypto ipsec transform-set T esp-gcm\n mode tunnel\ncrypto ipsec transform-set U esp-gcm 256\n mode tunnel\n"
	  "crypto ipsec profile V\n set transform-set T U\n", IKE_MODE_TUNNEL, true, NULL },
	{ "crypto ipsec transform-set T esp-gcm\n mode tunnel\ncrypto ipsec transform-set U esp-gcm 256\n"
	  "crypto ipsec profile V\n set transform-set T U\n", 0, false, "transform-set U has another mode than T" },
	{ "dataplane kernel\ncrypto ipsec transform-set T esp-gcm\n mode tunnel\ncrypto ipsec profile V\n set transform-set T\n", 0, false,
	    "a transform-set with \"mode tunnel\" needs \"dataplane user\"" },
};

START_TEST(mode)
{
	char text[2048];
	struct conf *c;

	snprintf(text, sizeof(text), "%s%s set ikev2-profile P\n%s", BASE, modes[_i].text, TUNNEL);
	c = conf_read_text("t", text);
	if (modes[_i].error) {
		ck_assert_uint_eq(c->n_error, 1);
		ck_assert_str_eq(c->error[0].text, modes[_i].error);
	} else {
		ck_assert_msg(c->n_error == 0, "%s", c->error[0].text);
		ck_assert_int_eq(c->core.ike.profile[0].mode, modes[_i].mode);
		ck_assert_int_eq(c->core.tunnel[0].dp.gre_in_tunnel, modes[_i].tunnel);
	}
	conf_free(c);
}
END_TEST

START_TEST(too_many)
{
	char text[2048] = BASE "crypto ipsec profile V\n" TUNNEL;
	struct conf *c;

	for (unsigned i = 0; i < 5; i++)	/* two each */
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "crypto ikev2 proposal A%u\n", i);
	c = conf_read_text("t", text);
	ck_assert_uint_eq(c->n_error, 2);
	ck_assert_str_eq(c->error[0].text, "more than 8 IKE proposals (ciphers with and without integrity of their own count apart)");
	conf_free(c);
}
END_TEST

Suite *
conf_suite_suite(void)
{
	Suite *s = suite_create("conf_suite");
	TCase *t = tcase_create("suite");

	tcase_add_loop_test(t, proposals, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_loop_test(t, shown_as_said, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_loop_test(t, mode, 0, sizeof(modes) / sizeof(modes[0]));
	tcase_add_test(t, too_many);
	suite_add_tcase(s, t);
	return s;
}
