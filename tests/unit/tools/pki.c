/* nhrpctl pki: an authority in a folder, from init to revoke, and what it refuses. */
#include "tools/pki.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ikecore/crypto/ike_cert.h"
#include "tests/unit/harness.h"
#include "tools/ctl.h"

suite_fn pki_suite;

static char dir[64];

static void
begin(void)
{
	snprintf(dir, sizeof(dir), "/tmp/unit-pki.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_ptr_nonnull(freopen("/dev/null", "w", stdout));
	ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
}

static void
end(void)
{
	char cmd[96];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

/* Words of one command, "-d DIR" behind them. */
static int
pki(const char *line)
{
	char copy[256], *argv[16] = { (char *)(uintptr_t)"pki" };
	int argc = 1;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *w = strtok(copy, " "); w; w = strtok(NULL, " "))
		argv[argc++] = w;
	argv[argc++] = (char *)(uintptr_t)"-d";
	argv[argc++] = dir;
	return pki_main(argc, argv);
}

static uint8_t *
file(const char *name, size_t *n, mode_t mode)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	ck_assert_msg(stat(path, &st) == 0, "%s is missing", name);
	ck_assert_msg((st.st_mode & 0777) == mode, "%s: mode %o", name, (unsigned)st.st_mode & 0777);
	return test_file(path, n);
}

START_TEST(whole)
{
	struct ike_trust_conf conf = { .name = "T" };
	struct ike_trust *t;
	char why[IKE_WHY_MAX] = "";
	uint8_t *f[4];
	size_t n[4];

	umask(0);
	ck_assert_int_eq(pki("init Lab"), CTL_OK);
	ck_assert_int_eq(pki("issue hub.example.net -a 10.0.0.1 --crl-url http://ca/crl.pem"), CTL_OK);
	ck_assert_int_eq(pki("issue spoke1 -k rsa-2048 --email u@example.net -f s.example.net"), CTL_OK);
	f[0] = file("ca.pem", &n[0], 0644);
	f[1] = file("hub.example.net.pem", &n[1], 0644);
	f[2] = file("hub.example.net.key", &n[2], 0600);
	free(file("ca.key", &n[3], 0600));
	t = ike_trust_new(&conf);
	ck_assert(ike_trust_add_ca(t, span_of(f[0], n[0]), why) && ike_trust_add_own(t, span_of(f[1], n[1]), why));
	ck_assert(ike_trust_set_key(t, span_of(f[2], n[2]), span_of("", 0), why));
	f[3] = file("crl.pem", &n[3], 0644);
	ck_assert_msg(ike_trust_add_crl(t, span_of(f[3], n[3]), why) && ike_trust_complete(t, why), "%s", why);
	ck_assert(ike_trust_own_has_id(t, 2, span_of("hub.example.net", 15), why));
	ck_assert(ike_trust_own_has_id(t, 1, span_of("\x0a\0\0\x01", 4), why));
	ck_assert(!ike_trust_revokes(t, ike_trust_own(t, 0), why));
	free(f[3]);
	ck_assert_int_eq(pki("revoke hub.example.net"), CTL_OK);
	f[3] = file("crl.pem", &n[3], 0644);
	ike_trust_put(t);
	t = ike_trust_new(&conf);
	ck_assert(ike_trust_add_ca(t, span_of(f[0], n[0]), why) && ike_trust_add_crl(t, span_of(f[3], n[3]), why));
	ck_assert(ike_trust_add_own(t, span_of(f[1], n[1]), why) && ike_trust_set_key(t, span_of(f[2], n[2]), span_of("", 0), why) && ike_trust_complete(t, why));
	ck_assert(ike_trust_revokes(t, ike_trust_own(t, 0), why));
	ck_assert_int_eq(pki("revoke hub.example.net"), CTL_NOT_UP);	/* once is enough */
	ck_assert_int_eq(pki("crl --days 3"), CTL_OK);
	ck_assert_int_eq(pki("list"), CTL_OK);
	ike_trust_put(t);
	for (int i = 0; i < 4; i++)
		free(f[i]);
}
END_TEST

static const struct {
	const char *line;
	int rc;
} refused[] = {
	{ "init again", CTL_NOT_UP },	/* never over another one */
	{ "issue ../x", CTL_USAGE }, { "issue ca", CTL_USAGE }, { "issue .x", CTL_USAGE }, { "issue a/b", CTL_USAGE }, { "issue", CTL_USAGE },
	{ "issue x -k dsa", CTL_NOT_UP }, { "issue x -a nonsense", CTL_USAGE }, { "issue x --days 0", CTL_USAGE }, { "issue x --from yesterday", CTL_USAGE },
	{ "issue x --dn nonsense", CTL_NOT_UP }, { "issue x --pkcs12 /nonexistent", CTL_NOT_UP }, { "issue x y", CTL_USAGE }, { "revoke nobody", CTL_NOT_UP }, { "", CTL_USAGE }, { "sell", CTL_USAGE },
	{ "issue x --nonsense", CTL_USAGE },
};

START_TEST(refuses)
{
	ck_assert_int_eq(pki("init"), CTL_OK);
	ck_assert_int_eq(pki(refused[_i].line), refused[_i].rc);
}
END_TEST

START_TEST(no_authority)
{
	ck_assert_int_eq(pki("issue x"), CTL_NOT_UP);
	ck_assert_int_eq(pki("list"), CTL_NOT_UP);
	ck_assert_int_eq(pki("revoke x"), CTL_NOT_UP);
}
END_TEST

Suite *
pki_suite(void)
{
	Suite *s = suite_create("pki");
	TCase *tc = tcase_create("pki");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, whole);
	tcase_add_loop_test(tc, refuses, 0, sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(tc, no_authority);
	suite_add_tcase(s, tc);
	return s;
}
