/* doc/json.md against what the daemon answers: every key that comes stands there with its type, every key that stands there
 * comes. A small reader of the document's tables; no schema language needed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/daemon/fakes.h"
#include "tests/unit/harness.h"

suite_fn json_doc_suite;

enum { ROWS_MAX = 128 };
struct row {
	char path[96], type[32];
	bool always;
};
struct section {
	bool found;
	struct row row[ROWS_MAX];
	unsigned n;
};

static char *doc;

/* "| `path` | type[, not always] | what |" */
static void
take_row(struct section *s, const char *line)
{
	struct row *r = &s->row[s->n];
	char type[64];

	if (sscanf(line, "| `%95[^`]` | %63[^|]|", r->path, type) != 2)
		return;
	ck_assert_uint_lt(s->n, ROWS_MAX - 1);
	r->always = !strstr(type, ", not always");
	snprintf(r->type, sizeof(r->type), "%.*s", (int)(r->always ? strcspn(type, "|") - 1 : strcspn(type, ",")), type);
	s->n++;
}

/* The tables of "## `name`", and those of the section it builds on. */
static void
read_section(const char *name, struct section *s)
{
	char head[64], base[64], line[512];
	const char *at;

	snprintf(head, sizeof(head), "\n## `%s`\n", name);
	at = strstr(doc, head);
	if (!at)
		return;
	s->found = true;
	for (at += strlen(head); *at && strncmp(at, "## ", 3) != 0; at += strcspn(at, "\n"), at += *at == '\n') {
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
		if (sscanf(line, "As `%63[^`]`", base) == 1)
			read_section(base, s);
		take_row(s, line);
	}
}

static const struct row *
find(const struct section *s, const char *prefix, const char *key)
{
	char path[160], any[160];

	snprintf(path, sizeof(path), "%s%s", prefix, key);
	snprintf(any, sizeof(any), "%s*", prefix);
	for (unsigned i = 0; i < s->n; i++) {
		if (strcmp(s->row[i].path, path) == 0 || strcmp(s->row[i].path, any) == 0)
			return &s->row[i];
	}
	return NULL;
}

static bool
is_counts(json_t *v)
{
	const char *key;
	json_t *n;

	json_object_foreach(v, key, n) {
		if (!json_is_integer(n))
			return false;
	}
	return json_is_object(v);
}

static bool
is_of(json_t *v, const char *type)
{
	const char *or_null = strstr(type, " or null");

	if (or_null && json_is_null(v))
		return true;
	if (strncmp(type, "text", 4) == 0)
		return json_is_string(v);
	if (strncmp(type, "flag", 4) == 0)
		return json_is_boolean(v);
	if (strncmp(type, "number", 6) == 0)
		return json_is_integer(v);
	if (strncmp(type, "counts", 6) == 0)
		return is_counts(v);
	if (strncmp(type, "list", 4) == 0)
		return json_is_array(v);
	return (strncmp(type, "object", 6) == 0 || strncmp(type, "answer", 6) == 0) && json_is_object(v);
}

static char wrong[4096];	/* what does not fit, "" for nothing */

static void
complain(const char *what, const char *prefix, const char *key)
{
	size_t used = strlen(wrong);

	snprintf(wrong + used, sizeof(wrong) - used, "%s%s: %s\n", prefix, key, what);
}

static void check_object(const struct section *s, const char *prefix, json_t *o);

static void
check_value(const struct section *s, const struct row *r, const char *path, json_t *v)
{
	char below[160];
	json_t *e;
	size_t i;

	if (!is_of(v, r->type))
		complain("is not what the document says", path, "");
	else if (json_is_object(v) && strcmp(r->type, "answer") != 0 && strcmp(r->type, "counts") != 0) {
		snprintf(below, sizeof(below), "%s.", r->path);
		check_object(s, below, v);
	}
	json_array_foreach(v, i, e) {
		snprintf(below, sizeof(below), "%s[]", path);
		r = find(s, below, "");
		if (r)
			check_value(s, r, below, e);
		else if (json_is_object(e))
			check_object(s, strcat(below, "."), e);
		else
			complain("is not in the document", below, "");
	}
}

static void
check_object(const struct section *s, const char *prefix, json_t *o)
{
	char path[160];
	const char *key;
	json_t *v;

	json_object_foreach(o, key, v) {
		const struct row *r = find(s, prefix, key);

		snprintf(path, sizeof(path), "%s%s", prefix, key);
		if (r)
			check_value(s, r, path, v);
		else
			complain("is not in the document", path, "");
	}
	for (unsigned i = 0; i < s->n; i++) {
		const char *name = s->row[i].path + strlen(prefix);

		if (strncmp(s->row[i].path, prefix, strlen(prefix)) == 0 && s->row[i].always && !strpbrk(name, ".[*") &&
		    !json_object_get(o, name))
			complain("is in the document and not there", s->row[i].path, "");
	}
}

static struct conf *conf;
static struct control_src src;
static struct test_env env;

static void
reloaded(void *ctx, struct reload *r)
{
	reload_add(r, ctx, RELOAD_CHANGE, "interface %s: + ip mtu 1400", "dmvpn0");
	reload_add(r, ctx, RELOAD_NOTE, "a note");
	reload_add(r, ctx, RELOAD_ERROR, "an error");
	r->applied = true;
}

static const char *
keys_taken(void *ctx, const char *path)
{
	ck_assert_ptr_eq(ctx, &env.log);
	ck_assert(!path || strcmp(path, "/x") == 0);
	return NULL;
}

static bool
bfd_seen(void *ctx, uint32_t tunnel, const struct addr *proto, struct watch_peer_info *out, const char **why)
{
	(void)ctx;
	(void)tunnel;
	*out = (struct watch_peer_info){ .what = { .peer = *proto, .local = *proto, .min_rx_ms = 300, .min_tx_ms = 300, .multiplier = 3 }, .state = WATCH_UP,
		.state_name = "up", .ups = 1 };
	*why = "";
	return proto->n;
}

static bool
way_known(void *ctx, const struct addr *to, struct watch_way_info *out)
{
	(void)ctx;
	*out = (struct watch_way_info){ .to = *to, .known = true, .reachable = true, .by = { .addr = *to, .bits = 24 } };
	return true;
}

static void
setup(void)
{
	size_t n;

	doc = (char *)test_file(test_src("doc/json.md"), &n);
	ck_assert_ptr_nonnull(doc);
	test_env_init(&env);
	fakes_fill();
	conf = fakes_conf();
	fakes.cache[0].group = "gold";
	fakes.cache[0].rate = 20000000;
	fakes.cache[0].rate_reason = "";
	src = (struct control_src){ .core = (struct core *)&fakes, .dp = &fakes_dp, .conf = conf, .started = TICK_S(1),
	    .conf_path = "/etc/x", .secrets = true };
	src.reload = reloaded;
	src.bfd = bfd_seen;
	src.way = way_known;
	src.keys = keys_taken;
	src.ctx = &env.log;
	src.log = logring_new(&env.log);
	log_at(&env.log, LOG_LV_NOTICE, "ready", "a line");
	ck_assert(logring_debug(src.log, &(struct logring_debug){ .facility = LOG_DBG_NHRP, .name = { "192.0.2.9" }, .n_name = 1 }));
}

static void
teardown(void)
{
	logring_free(src.log);
	conf_free(conf);
	free(doc);
}

static const struct {
	const char *line, *section;
} command[] = {
	{ "show dmvpn", "show dmvpn" }, { "show dmvpn detail", "show dmvpn detail" }, { "show dmvpn peer 10.255.0.11", "show dmvpn peer" },
	{ "show dmvpn peer 10.255.0.11 detail", "show dmvpn detail" },
	{ "show ip nhrp", "show ip nhrp" }, { "show ip nhrp detail", "show ip nhrp detail" }, { "show ip nhrp nhs", "show ip nhrp nhs" },
	{ "show ip nhrp nhs detail", "show ip nhrp nhs detail" }, { "show ip nhrp shortcut", "show ip nhrp shortcut" },
	{ "show ip nhrp traffic", "show ip nhrp traffic" }, { "show ip nhrp multicast", "show ip nhrp multicast" }, { "show ip nhrp group-map", "show ip nhrp group-map" },
	{ "show crypto session", "show crypto session" }, { "show crypto ikev2 sa", "show crypto ikev2 sa" },
	    { "show crypto ikev2 sa detail", "show crypto ikev2 sa detail" },
	    { "show crypto ipsec sa", "show crypto ipsec sa" }, { "show crypto ikev2 diagnose error", "show crypto ikev2 diagnose error" },
	{ "show crypto pki certificates", "show crypto pki certificates" },
	{ "show interface", "show interface" }, { "show counters", "show counters" }, { "show running-config", "show running-config" },
	{ "show running-config secrets", "show running-config" }, { "show logging", "show logging" }, { "show version", "show version" },
	{ "show tech-support", "show tech-support" }, { "clear dmvpn peer all", "clear dmvpn peer" }, { "clear ip nhrp", "clear ip nhrp" },
	{ "clear ip nhrp shortcut", "clear ip nhrp shortcut" }, { "debug dmvpn peer x", "debug" }, { "no debug", "no debug" }, { "debug crypto keys /x", "debug crypto keys" },
	{ "no debug crypto keys", "no debug crypto keys" },
	{ "debug nhrp", "debug" }, { "undebug nhrp", "undebug" }, { "show debugging", "show debugging" }, { "probe 10.255.0.11", "probe" },
	{ "why 10.255.0.11", "why" }, { "why 10.9.9.9", "why" },
	{ "probe 10.9.9.9", "probe" }, { "show dmvpn peer 10.255.0.11 timeline", "show dmvpn peer timeline" }, { "show dmvpn timeline", "show dmvpn timeline" },
	{ "show ip nhrp brief", "show ip nhrp brief" }, { "show ip nhrp summary", "show ip nhrp summary" }, { "show ipv6 nhrp", "show ip nhrp" },
	{ "show ip route nhrp", "show ip route nhrp" }, { "show zebra", "show zebra" }, { "show ipv6 nhrp traffic", "show ip nhrp traffic" },
	{ "reload", "reload" }, { "rekey crypto ikev2 sa all", "rekey crypto ikev2 sa" }, { "rekey crypto ipsec sa 10.255.0.11", "rekey crypto ipsec sa" },
};

static json_t *
ask(const char *line)
{
	struct control_cmd cmd;
	char why[512] = "";
	json_t *o = NULL;

	if (control_parse(line, &cmd, why, sizeof(why)))
		o = show_command(&src, FAKES_NOW, &cmd, why, sizeof(why));
	ck_assert_msg(o != NULL, "%s: %s", line, why);
	return o;
}

START_TEST(as_documented)
{
	struct section s = { .n = 0 };
	json_t *o = ask(command[_i].line);

	fakes.peer[0].peer = 3;
	read_section(command[_i].section, &s);
	ck_assert_msg(s.found, "doc/json.md has no section \"%s\"", command[_i].section);
	wrong[0] = '\0';
	check_object(&s, "", o);
	ck_assert_msg(wrong[0] == '\0', "%s:\n%s", command[_i].line, wrong);
	json_decref(o);
}
END_TEST

/* Each section of a report is the answer to its command. */
START_TEST(report)
{
	json_t *o = ask("show tech-support"), *e;
	struct control_cmd cmd;
	char why[64];
	size_t i;

	ck_assert_uint_eq(json_array_size(json_object_get(o, "sections")), 24);
	json_array_foreach(json_object_get(o, "sections"), i, e) {
		struct section s = { .n = 0 };
		const char *line = json_string_value(json_object_get(e, "command"));
		char name[64];

		ck_assert(control_parse(line, &cmd, why, sizeof(why)));
		ck_assert_int_lt(cmd.verb, CONTROL_SHOW_TECH);
		snprintf(name, sizeof(name), "%s%s", strncmp(line, "show ipv6", 9) == 0 ? "show ip" : line, strncmp(line, "show ipv6", 9) == 0 ? line + 9 : "");
		read_section(name, &s);
		ck_assert_msg(s.found, "%s", name);
		wrong[0] = '\0';
		check_object(&s, "", json_object_get(e, "data"));
		ck_assert_msg(wrong[0] == '\0', "%s:\n%s", line, wrong);
	}
	json_decref(o);
}
END_TEST

START_TEST(every_command_has_a_section)
{
	for (unsigned v = 0; v < CONTROL_VERBS; v++) {
		struct section s = { .n = 0 };

		read_section(control_words[v].words, &s);
		ck_assert_msg(s.found, "%s", control_words[v].words);
	}
}
END_TEST

/* The checker itself: a key too many, one too few, another type. */
START_TEST(differences_are_seen)
{
	struct section s = { .n = 0 };
	json_t *o = ask("show version");

	read_section("show version", &s);
	json_object_set_new(o, "new", json_true());
	json_object_del(o, "pid");
	json_object_set_new(o, "kernel", json_integer(6));
	wrong[0] = '\0';
	check_object(&s, "", o);
	ck_assert_str_eq(wrong,
	    "kernel: is not what the document says\nnew: is not in the document\npid: is in the document and not there\n");
	json_decref(o);
}
END_TEST

Suite *
json_doc_suite(void)
{
	Suite *s = suite_create("json_doc");
	TCase *t = tcase_create("doc/json.md");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, as_documented, 0, (int)(sizeof(command) / sizeof(command[0])));
	tcase_add_test(t, report);
	tcase_add_test(t, every_command_has_a_section);
	tcase_add_test(t, differences_are_seen);
	suite_add_tcase(s, t);
	return s;
}
