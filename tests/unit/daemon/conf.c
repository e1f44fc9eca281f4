/* Files: the examples, includes, secrets and their permissions, what is printed, and input that is damaged. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nhrpd/daemon/conf.h"
#include "tests/unit/harness.h"

suite_fn conf_suite;

static char dir[64];

static void
setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/check_conf.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	umask(022);
}

static void
teardown(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

static char *
path_of(const char *name)
{
	static char path[4][256];
	static unsigned next;

	next = (next + 1) % 4;
	snprintf(path[next], sizeof(path[next]), "%s/%s", dir, name);
	return path[next];
}

static void
put(const char *name, const char *text, mode_t mode)
{
	FILE *f = fopen(path_of(name), "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
	ck_assert_int_eq(chmod(path_of(name), mode), 0);
}

static struct conf *
get(const char *name)
{
	struct conf *c = conf_read(path_of(name));

	ck_assert_ptr_nonnull(c);
	return c;
}

/* Errors as text, with the temporary folder taken out. */
static const char *
errors(const struct conf *c)
{
	static char out[8192], raw[8192];
	char *at, *s = raw;
	FILE *f = fmemopen(raw, sizeof(raw), "w");

	conf_print_errors(c, f);
	fclose(f);
	out[0] = '\0';
	while ((at = strstr(s, dir))) {
		strncat(out, s, (size_t)(at - s));
		s = at + strlen(dir) + 1;
	}
	strcat(out, s);
	return out;
}

/* An example and the secret it refers to, in the folder. False: not here. */
static bool
example(const char *name, char **text)
{
	char rel[64];
	size_t n;
	uint8_t *p;

	snprintf(rel, sizeof(rel), "examples/%s", name);
	p = test_shared(rel, &n);
	if (!p)
		return false;
	put(name, (char *)p, 0644);
	put("others.psk", "the-others\n", 0600);
	if (text)
		*text = (char *)p;
	else
		free(p);
	return true;
}

START_TEST(hub)
{
	const struct core_tunnel_conf *t;
	const struct ike_profile *p;
	struct conf *c;

	if (!example("hub.conf", NULL))
		return;
	c = get("hub.conf");
	ck_assert_msg(c->n_error == 0, "%s", errors(c));
	ck_assert_uint_eq(c->n_warning, 1);
	ck_assert_str_eq(c->warning[0].text, "a secret in a file that everybody can read: chmod 600, or use pre-shared-key file");
	ck_assert_uint_eq(c->warning[0].line, 15);
	ck_assert_str_eq(c->hostname, "hub1");
	ck_assert_int_eq(c->log_level, LOG_LV_INFO);
	ck_assert_uint_eq(c->core.n_tunnel, 1);
	ck_assert_uint_eq(c->core.ike.n_profile, 1);
	t = &c->core.tunnel[0];
	p = &c->core.ike.profile[0];
	ck_assert_str_eq(t->dp.name, "dmvpn0");
	ck_assert_str_eq(t->source_if, "eth0");
	ck_assert_str_eq(c->tunnel[0].description, "one cloud, all sites");
	ck_assert(t->dp.has_key && t->dp.redirect && t->nhrp.redirect && t->nhrp.mcast_dynamic && !t->nhrp.shortcut);
	ck_assert_uint_eq(t->dp.key, 42);
	ck_assert_uint_eq(t->dp.mss, 1);
	ck_assert_uint_eq(t->dp.addr[0].bits, 24);
	ck_assert_mem_eq(t->dp.addr[0].addr.b, "\x0a\xff\x00\x01", 4);
	ck_assert_uint_eq(t->nhrp.network_id, 1);
	ck_assert_uint_eq(t->nhrp.hold_s, 300);
	ck_assert_uint_eq(t->nhrp.reg_s, 60);
	ck_assert_uint_eq(t->nhrp.auth_len, 6);
	ck_assert_mem_eq(t->nhrp.auth, "s3cret", 6);
	ck_assert_uint_eq(p->n_ike, 1);
	ck_assert_uint_eq(p->ike[0].n_encr, 2);
	ck_assert_uint_eq(p->ike[0].n_prf, 2);
	ck_assert_uint_eq(p->ike[0].group[2], 14);
	ck_assert_uint_eq(p->n_esp, 1);
	ck_assert_uint_eq(p->esp[0].n_encr, 1);
	ck_assert_uint_eq(p->esp[0].group[0], 19);
	ck_assert_uint_eq(p->n_remote, 1);
	ck_assert_int_eq(p->remote[0].kind, IKE_MATCH_DOMAIN);
	ck_assert_uint_eq(p->remote[0].id.len, 11);
	ck_assert_mem_eq(p->remote[0].id.data, "example.net", 11);
	ck_assert_mem_eq(p->local_id.data, "hub1.example.net", 16);
	ck_assert_uint_eq(p->n_key, 2);
	ck_assert_mem_eq(p->key[0].psk, "a-long-secret-for-site-11", 25);
	ck_assert_int_eq(p->key[0].id.kind, IKE_MATCH_EXACT);
	ck_assert_uint_eq(p->key[1].psk_len, 10);
	ck_assert_mem_eq(p->key[1].psk, "the-others", 10);
	ck_assert(p->key[1].has_address && p->key[1].address.bits == 0 && !p->key[1].has_id);
	ck_assert_int_eq(p->dpd, IKE_DPD_PERIODIC);
	ck_assert_uint_eq(p->dpd_retry_s, 3);
	conf_free(c);
}
END_TEST

START_TEST(spoke)
{
	const struct nhrp_conf_nhs *n;
	const struct ike_profile *p;
	struct conf *c;

	if (!example("spoke.conf", NULL))
		return;
	c = get("spoke.conf");
	ck_assert_msg(c->n_error == 0, "%s", errors(c));
	n = c->core.tunnel[0].nhrp.nhs;
	p = &c->core.ike.profile[0];
	ck_assert_uint_eq(c->core.tunnel[0].nhrp.n_nhs, 2);
	ck_assert_str_eq(n[0].name, "hub1.example.net");
	ck_assert_mem_eq(n[0].proto.b, "\x0a\xff\x00\x01", 4);
	ck_assert(n[0].mcast && n[0].priority == 1 && n[0].family == 4);
	ck_assert_uint_eq(n[1].proto.n, 0);
	ck_assert_str_eq(n[1].name, "192.0.2.65");
	ck_assert_uint_eq(n[1].priority, 2);
	ck_assert(c->core.tunnel[0].nhrp.shortcut && c->core.tunnel[0].nhrp.no_unique);
	ck_assert_int_eq(p->key[1].id.kind, IKE_MATCH_DOMAIN);
	ck_assert_int_eq(p->dpd, IKE_DPD_ON_DEMAND);
	ck_assert_uint_eq(p->child_life.hard_s, 3600);
	conf_free(c);
}
END_TEST

#define KEYS(psk) "crypto ikev2 keyring K\n peer a\n  address 0.0.0.0 0.0.0.0\n  pre-shared-key " psk "\n"

static const struct {
	const char *content;	/* NULL: the file is missing */
	mode_t mode;
	const char *text;
} secrets[] = {
	{ NULL, 0600, "cannot read the secret in s: No such file or directory" },
	{ "x\n", 0640, "s can be read by others (mode 640): chmod 600 s" },
	{ "x\n", 0604, "s can be read by others (mode 604): chmod 600 s" },
	{ "\n", 0600, "the secret in s is empty" },
	{ "", 0600, "the secret in s is empty" },
	{ "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
	  "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
	  "012345678901234567890123456789012345678901234567890123456\n", 0600, "the secret in s is longer than 256 octets" },
	{ "x\r\n", 0600, NULL },
	{ "x", 0400, NULL },
};

START_TEST(secret_files)
{
	char want[512];
	struct conf *c;

	if (secrets[_i].content)
		put("s", secrets[_i].content, secrets[_i].mode);
	put("c", KEYS("file s"), 0600);
	c = get("c");
	if (secrets[_i].text) {
		snprintf(want, sizeof(want), "c:4:23: %s\n\t  pre-shared-key file s\n\t                      ^\n", secrets[_i].text);
		ck_assert_str_eq(errors(c), want);
	} else {
		ck_assert_str_eq(errors(c), "");
	}
	conf_free(c);
}
END_TEST

START_TEST(inline_secret_in_private_file)
{
	struct conf *c;

	put("c", KEYS("abc"), 0600);
	c = get("c");
	ck_assert_uint_eq(c->n_warning, 0);
	conf_free(c);
	put("c", KEYS("abc"), 0644);
	c = get("c");
	ck_assert_str_eq(errors(c), "c:4:3: warning: a secret in a file that everybody can read: chmod 600, or use pre-shared-key file\n"
	    "\t  pre-shared-key *****\n\t  ^\n");
	conf_free(c);
}
END_TEST

START_TEST(masked)
{
	static const char *const bad[] = { "TOPSECRET TOPSECRET", "\"TOPSECRET", "hex TOPSECRET", "\"TOPSECRET\"TOPSECRET" };
	char text[256];
	struct conf *c;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "crypto ikev2 keyring K\n peer a\n  pre-shared-key %s\n", bad[i]);
		put("c", text, 0600);
		c = get("c");
		ck_assert_uint_ge(c->n_error, 1);
		ck_assert_msg(!strstr(errors(c), "TOPSECRET"), "%s", errors(c));
		conf_free(c);
	}
	put("c", "crypto ikev2 keyring K\n peer a\n  pre-shared-kye TOPSECRET\n", 0600);
	c = get("c");
	ck_assert_msg(strstr(errors(c), "pre-shared-kye *****") && !strstr(errors(c), "TOPSECRET"), "%s", errors(c));
	conf_free(c);
}
END_TEST

START_TEST(includes)
{
	struct conf *c;

	ck_assert_int_eq(mkdir(path_of("d"), 0755), 0);
	put("c", "include d/*.conf\ninclude one\n", 0600);
	put("d/a.conf", "hostname a\ninterface d0\n tunnel key x\nend\nfoo\n", 0600);
	put("d/b.conf", "log level debugging\n", 0600);
	put("one", "dataplane kernel\nfoo\n", 0600);
	c = get("c");
	ck_assert_str_eq(errors(c), "d/a.conf:3:13: expected a number from 0 to 4294967295, found \"x\"\n\t tunnel key x\n\t            ^\n"
	    "one:2:1: expected hostname, dataplane, log, control, store, include, end, exit, crypto, ip, ipv6, interface, ..., found \"foo\"\n\tfoo\n\t^\n"
	    "d/a.conf:2:11: interface d0 needs \"ip address\" or \"ipv6 address\"\n\tinterface d0\n\t          ^\n"
	    "d/a.conf:2:11: interface d0 needs \"tunnel source\"\n\tinterface d0\n\t          ^\n"
	    "d/a.conf:2:11: interface d0 needs \"ip nhrp network-id\"\n\tinterface d0\n\t          ^\n"
	    "d/a.conf:2:11: interface d0 needs \"tunnel protection ipsec profile NAME\": it never sends in clear\n\tinterface d0\n\t          ^\n");
	ck_assert_str_eq(c->hostname, "a");
	ck_assert_int_eq(c->log_level, LOG_LV_DEBUG);
	ck_assert_int_eq(c->plane, CONF_PLANE_KERNEL);
	conf_free(c);
}
END_TEST

START_TEST(include_trouble)
{
	char name[8], text[64];
	struct conf *c;

	put("c", "include d\n", 0600);
	put("d", "include c\n", 0600);
	c = get("c");
	ck_assert_str_eq(errors(c), "d:1:9: c includes itself\n\tinclude c\n\t        ^\n");
	conf_free(c);
	put("c", "include nothing\ninclude none/*\ninclude .\n", 0600);
	c = get("c");
	ck_assert_str_eq(errors(c), "c:1:9: cannot read nothing: No such file or directory\n\tinclude nothing\n\t        ^\n"
	    "c:3:9: cannot read .: not a regular file\n\tinclude .\n\t        ^\n");
	conf_free(c);
	for (int i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		snprintf(text, sizeof(text), "include n%d\n", i + 1);
		put(name, i == 11 ? "" : text, 0600);
	}
	c = get("n0");
	ck_assert_str_eq(errors(c), "n8:1:9: n9 is included too deep\n\tinclude n9\n\t        ^\n");
	conf_free(c);
}
END_TEST

START_TEST(whole_file)
{
	FILE *f;
	struct conf *c = get("nothing");

	ck_assert_uint_eq(c->n_error, 1);
	ck_assert_uint_eq(c->error[0].line, 0);
	ck_assert_msg(strstr(c->error[0].text, "nothing: No such file or directory"), "%s", c->error[0].text);
	conf_free(c);
	f = fopen(path_of("c"), "w");
	fwrite("hostname \0x\n", 1, 12, f);
	fclose(f);
	c = get("c");
	ck_assert_uint_eq(c->n_error, 1);
	ck_assert_msg(strstr(c->error[0].text, "is not a text file"), "%s", c->error[0].text);
	conf_free(c);
}
END_TEST

START_TEST(check_file)
{
	FILE *f = fopen("/dev/null", "w");

	put("c", "hostname a\n", 0600);
	ck_assert_int_eq(conf_check_file(path_of("c"), f), 0);
	put("c", "hostname a b\n", 0600);
	ck_assert_int_eq(conf_check_file(path_of("c"), f), 1);
	fclose(f);
}
END_TEST

START_TEST(tabs_and_controls_in_errors)
{
	static const char want[] = "c:2:13: expected a number from 0 to 4294967295, found \"?[31m\"\n\t\ttunnel\tkey\t?[31m\n\t\t      \t   \t^\n";
	struct conf *c;

	put("c", "interface d0\n\ttunnel\tkey\t\x1b[31m\n", 0600);
	c = get("c");
	ck_assert_ptr_eq(strstr(errors(c), want), errors(c));
	conf_free(c);
}
END_TEST

/* Every truncation and every octet changed in some ways: no crash (sanitizers watch), and errors have places. */
static void
damage(const char *name)
{
	static const char by[] = { 0x01, ' ', '\n', '"', '!', '\\', '/', '9', 'z', (char)0x80, (char)0xff };
	char *text, kept;
	size_t n;

	if (!example(name, &text))
		return;
	n = strlen(text);
	for (size_t i = 0; i <= n; i++) {
		kept = text[i];
		text[i] = '\0';
		conf_free(conf_read_text(name, text));
		text[i] = kept;
	}
	for (size_t i = 0; i < n; i++) {
		kept = text[i];
		for (size_t k = 0; k < sizeof(by); k++) {
			struct conf *c;

			text[i] = by[k];
			c = conf_read_text(name, text);
			ck_assert_ptr_nonnull(c);
			for (unsigned e = 0; e < c->n_error; e++)
				ck_assert(c->error[e].line > 0 && c->error[e].column > 0);
			conf_free(c);
		}
		text[i] = kept;
	}
	free(text);
}

START_TEST(damaged)
{
	damage(_i ? "spoke.conf" : "hub.conf");
}
END_TEST

Suite *
conf_suite(void)
{
	Suite *s = suite_create("conf");
	TCase *t = tcase_create("files"), *d = tcase_create("damaged");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, hub);
	tcase_add_test(t, spoke);
	tcase_add_loop_test(t, secret_files, 0, (int)(sizeof(secrets) / sizeof(secrets[0])));
	tcase_add_test(t, inline_secret_in_private_file);
	tcase_add_test(t, masked);
	tcase_add_test(t, includes);
	tcase_add_test(t, include_trouble);
	tcase_add_test(t, whole_file);
	tcase_add_test(t, check_file);
	tcase_add_test(t, tabs_and_controls_in_errors);
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(d, setup, teardown);
	tcase_set_timeout(d, 300);
	tcase_add_loop_test(d, damaged, 0, 2);
	suite_add_tcase(s, d);
	return s;
}
