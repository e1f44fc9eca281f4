/* The socket itself, on a poll() loop: requests whole, split and in a row; bounds; a client that does not read. */
#include "nhrpd/daemon/control.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/daemon/fakes.h"
#include "tests/unit/harness.h"

suite_fn control_suite;

/* ---- a host of poll() and a clock that the test moves */

struct host_watch {
	struct host_watch *next;
	int fd;	/* -1: a timer */
	tick_t at;
	void (*fn)(void *);
	void *arg;
	bool dead;
};

static struct host_watch *watches;
static tick_t clock_now;
static struct test_env env;

static tick_t
host_now(void *ctx)
{
	(void)ctx;
	return clock_now;
}

static struct host_watch *
add(int fd, tick_t at, void (*fn)(void *), void *arg)
{
	struct host_watch *w = calloc(1, sizeof(*w));

	*w = (struct host_watch){ watches, fd, at, fn, arg, false };
	watches = w;
	return w;
}

static struct host_watch *
host_watch(void *ctx, int fd, void (*fn)(void *), void *arg)
{
	(void)ctx;
	return add(fd, 0, fn, arg);
}

static struct host_watch *
host_after(void *ctx, tick_t delay, void (*fn)(void *), void *arg)
{
	(void)ctx;
	return add(-1, clock_now + delay, fn, arg);
}

static void
host_unwatch(void *ctx, struct host_watch *w)
{
	(void)ctx;
	if (w)
		w->dead = true;
}

static unsigned
sweep(void)
{
	unsigned n = 0;

	for (struct host_watch **w = &watches, *gone; *w;) {
		if ((*w)->dead) {
			gone = *w;
			*w = gone->next;
			free(gone);
		} else {
			n++;
			w = &(*w)->next;
		}
	}
	return n;
}

/* Runs what is due for a while; each round is a millisecond of the test's clock. */
static void
pump(unsigned rounds)
{
	while (rounds--) {
		for (struct host_watch *w = watches, *next; w; w = next) {
			struct pollfd p = { w->fd, POLLIN, 0 };

			next = w->next;
			if (w->dead)
				continue;
			if (w->fd >= 0 ? poll(&p, 1, 0) == 1 : clock_now >= w->at) {
				w->dead = w->fd < 0;
				w->fn(w->arg);
			}
		}
		sweep();
		clock_now += TICK_MS(1);
	}
}

/* ---- the server under test */

static struct conf *conf;
static struct control *control;
static struct control_src src;
static struct host host;
static char dir[64], path[96];

static void
setup(void)
{
	char why[256] = "";

	fakes_fill();
	test_env_init(&env);
	conf = fakes_conf();
	clock_now = FAKES_NOW;
	host = (struct host){ .now = host_now, .watch = host_watch, .unwatch = host_unwatch, .after = host_after, .env = &env.env, .log = &env.log };
	src = (struct control_src){ .core = (struct core *)&fakes, .dp = &fakes_dp, .conf = conf, .started = TICK_S(1) };
	snprintf(dir, sizeof(dir), "/tmp/check_control.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/run/control.sock", dir);	/* the folder is not there yet */
	control = control_new(&host, path, &src, why, sizeof(why));
	ck_assert_msg(control != NULL, "%s", why);
}

static void
teardown(void)
{
	char sub[80];

	control_free(control);
	ck_assert_uint_eq(sweep(), 0);
	ck_assert_int_eq(access(path, F_OK), -1);
	conf_free(conf);
	snprintf(sub, sizeof(sub), "%s/run", dir);
	rmdir(sub);
	rmdir(dir);
}

static int
client(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(sun.sun_path, path, strlen(path) + 1);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	pump(2);
	return fd;
}

static void
say(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
	pump(2);
}

/* What is there to read now. "" : nothing; NULL: closed. */
static const char *
hear(int fd)
{
	static char buf[65536];
	ssize_t n = recv(fd, buf, sizeof(buf) - 1, MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return "";
	if (n <= 0)
		return NULL;
	buf[n] = '\0';
	return buf;
}

#define BAD(text) "{\"ok\":false,\"error\":\"" text "\"}\n"

static const struct {
	const char *request, *answer;
} plain[] = {
	{ "{\"line\":\"show interface none\"}\n", "{\"ok\":true,\"cmd\":\"show interface\",\"data\":{\"interfaces\":[]}}\n" },
	{ "{\"cmd\":\"show interface\",\"args\":{\"interface\":\"none\"}}\n", "{\"ok\":true,\"cmd\":\"show interface\",\"data\":{\"interfaces\":[]}}\n" },
	{ "{\"cmd\":\"clear ip nhrp\"}\n", "{\"ok\":true,\"cmd\":\"clear ip nhrp\",\"data\":{}}\n" },
	{ "{\"line\":\"sh in none\"}\n", "{\"ok\":true,\"cmd\":\"show interface\",\"data\":{\"interfaces\":[]}}\n" },
	{ "{\"line\":\"show foo\"}\n", BAD("expected dmvpn, ip, ipv6, zebra, crypto, interface, counters, running-config, logging, debugging, version or "
	    "tech-support; found \\\"foo\\\"") },
	{ "{\"line\":\"show ip nhrp foo\"}\n", BAD("expected an address or prefix, detail, brief, summary, nhs, shortcut, traffic, multicast, group-map or "
	    "the end of the line; found \\\"foo\\\"") },
	{ "{}\n", BAD("expected {\\\"line\\\":\\\"...\\\"} or {\\\"cmd\\\":\\\"...\\\",\\\"args\\\":{...}}") },
	{ "{\"line\":5}\n", BAD("expected {\\\"line\\\":\\\"...\\\"} or {\\\"cmd\\\":\\\"...\\\",\\\"args\\\":{...}}") },
	{ "{\"cmd\":\"show interface\",\"args\":{\"interface\":5}}\n", BAD("\\\"args\\\" are texts") },
	{ "[]\n", BAD("expected {\\\"line\\\":\\\"...\\\"} or {\\\"cmd\\\":\\\"...\\\",\\\"args\\\":{...}}") },
};

START_TEST(answers)
{
	int fd = client();

	say(fd, plain[_i].request);
	ck_assert_str_eq(hear(fd), plain[_i].answer);
	close(fd);
	pump(2);
}
END_TEST

START_TEST(not_json)
{
	int fd = client();

	say(fd, "show dmvpn\n");
	ck_assert_ptr_nonnull(strstr(hear(fd), "the request is not JSON"));
	say(fd, "\n");
	ck_assert_ptr_nonnull(strstr(hear(fd), "the request is not JSON"));
	close(fd);
}
END_TEST

START_TEST(split_and_in_a_row)
{
	static const char text[] = "{\"line\":\"show interface none\"}\n", answer[] = "{\"ok\":true,\"cmd\":\"show interface\",\"data\":{\"interfaces\":[]}}\n";
	char one[2] = "", twice[2 * sizeof(text)], both[2 * sizeof(answer)];
	int fd = client();

	for (size_t i = 0; i + 1 < sizeof(text) - 1; i++) {
		one[0] = text[i];
		say(fd, one);
		ck_assert_str_eq(hear(fd), "");
	}
	say(fd, "\n");
	ck_assert_str_eq(hear(fd), answer);
	snprintf(twice, sizeof(twice), "%s%s", text, text);
	snprintf(both, sizeof(both), "%s%s", answer, answer);
	say(fd, twice);
	ck_assert_str_eq(hear(fd), both);
	close(fd);
}
END_TEST

START_TEST(too_long)
{
	char text[CONTROL_REQUEST_MAX + 1];
	int fd = client();

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	say(fd, text);
	ck_assert_str_eq(hear(fd), BAD("the request is too long"));
	ck_assert_ptr_null(hear(fd));
	close(fd);
}
END_TEST

START_TEST(too_many)
{
	int fd[CONTROL_CLIENTS_MAX + 1];

	for (int i = 0; i <= CONTROL_CLIENTS_MAX; i++)
		fd[i] = client();
	ck_assert_str_eq(hear(fd[CONTROL_CLIENTS_MAX]), BAD("too many clients"));
	ck_assert_ptr_null(hear(fd[CONTROL_CLIENTS_MAX]));
	ck_assert_str_eq(env.last_word, "control-full");
	close(fd[0]);
	pump(2);
	close(fd[CONTROL_CLIENTS_MAX]);
	fd[CONTROL_CLIENTS_MAX] = client();	/* there is room again */
	say(fd[CONTROL_CLIENTS_MAX], "{\"line\":\"clear ip nhrp\"}\n");
	ck_assert_str_eq(hear(fd[CONTROL_CLIENTS_MAX]), "{\"ok\":true,\"cmd\":\"clear ip nhrp\",\"data\":{}}\n");
	for (int i = 1; i <= CONTROL_CLIENTS_MAX; i++)
		close(fd[i]);
}
END_TEST

/* An answer of megabytes, read in small pieces: it comes whole, then the next one. */
START_TEST(large_answer)
{
	int fd = client();
	size_t n = 0, lines = 0;
	const char *s;

	fakes.cache_times = 5000;
	say(fd, "{\"line\":\"show ip nhrp\"}\n{\"line\":\"clear ip nhrp\"}\n");
	for (int i = 0; i < 10000 && lines < 2; i++) {
		pump(10);
		s = hear(fd);
		ck_assert_ptr_nonnull(s);
		n += strlen(s);
		for (; *s; s++)
			lines += *s == '\n';
	}
	ck_assert_uint_eq(lines, 2);
	ck_assert_uint_gt(n, 1000000);
	close(fd);
}
END_TEST

START_TEST(does_not_read)
{
	int fd = client();
	unsigned others = 0;
	const char *s = "";

	fakes.cache_times = 5000;
	say(fd, "{\"line\":\"show ip nhrp\"}\n");
	pump((CONTROL_STALL_S - 1) * 1000);
	for (struct host_watch *w = watches; w; w = w->next)
		others += !w->dead;
	ck_assert_uint_eq(others, 2);	/* the socket, and the timer of this client */
	pump(2000);
	others = 0;
	for (struct host_watch *w = watches; w; w = w->next)
		others += !w->dead;
	ck_assert_uint_eq(others, 1);
	for (int i = 0; i < 1000 && s; i++)
		s = hear(fd);
	ck_assert_ptr_null(s);
	close(fd);
}
END_TEST

START_TEST(goes_away)
{
	int fd = client();

	fakes.cache_times = 5000;
	say(fd, "{\"line\":\"show ip nhrp\"}\n");
	close(fd);
	pump(100);
	fd = client();
	say(fd, "{\"line\":\"show ip nhrp");
	close(fd);
	pump(10);
}
END_TEST

static uint32_t asked;
static unsigned n_asked;

static void
probe(void *ctx, uint32_t tunnel, const struct addr *proto, uint32_t cookie)
{
	struct addr want = fakes_addr("10.255.0.11");

	(void)ctx;
	ck_assert_uint_eq(tunnel, 1);
	ck_assert(addr_eq(proto, &want));
	asked = cookie;
	n_asked++;
}

/* The answer waits for the peer's; lines behind it wait with it; others are served meanwhile. */
START_TEST(probe_waits)
{
	int fd, other;

	src.probe = probe;
	control_set_src(control, &src);
	fd = client();
	say(fd, "{\"line\":\"probe 10.255.0.11\"}\n{\"line\":\"show interface none\"}\n");
	ck_assert_uint_eq(n_asked, 1);
	ck_assert_str_eq(hear(fd), "");
	other = client();
	say(other, "{\"line\":\"show interface none\"}\n");
	ck_assert_str_ne(hear(other), "");
	control_probed(control, asked + 1, true, 5, "");	/* nobody's */
	pump(2);
	ck_assert_str_eq(hear(fd), "");
	control_probed(control, asked, true, 1234, "");
	pump(3);
	ck_assert_str_eq(hear(fd), "{\"ok\":true,\"cmd\":\"probe\",\"data\":{\"peer\":\"10.255.0.11\",\"nbma\":\"198.51.100.7\",\"interface\":\"dmvpn0\","
	    "\"asked\":true,\"answered\":true,\"rtt_us\":1234,\"state\":\"UP\",\"reason\":\"\"}}\n"
	    "{\"ok\":true,\"cmd\":\"show interface\",\"data\":{\"interfaces\":[]}}\n");
	control_probed(control, asked, true, 1, "");	/* once is enough */
	say(fd, "{\"line\":\"probe 203.0.113.9\"}\n");	/* not up: said at once */
	ck_assert_ptr_nonnull(strstr(hear(fd), "\"asked\":false"));
	ck_assert_uint_eq(n_asked, 1);
	close(fd);
	close(other);
	pump(2);
}
END_TEST

/* No answer ever: the client is not kept waiting for good, nor is one that went away. */
START_TEST(probe_never_ends)
{
	int fd, gone;

	src.probe = probe;
	control_set_src(control, &src);
	fd = client();
	gone = client();
	say(fd, "{\"line\":\"probe 10.255.0.11\"}\n");
	say(gone, "{\"line\":\"probe 10.255.0.11\"}\n");
	close(gone);
	clock_now += TICK_S(CONTROL_STALL_S);
	pump(3);
	ck_assert_ptr_nonnull(strstr(hear(fd), "\"answered\":false"));
	control_probed(control, asked, true, 1, "");
	close(fd);
	pump(3);
}
END_TEST

START_TEST(the_socket)
{
	char why[256] = "", again[128];
	struct control *other;
	struct stat st;
	FILE *f;

	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert(S_ISSOCK(st.st_mode));
	ck_assert_int_eq(st.st_mode & 0777, 0660);
	ck_assert_ptr_null(control_new(&host, path, &src, why, sizeof(why)));
	snprintf(again, sizeof(again), "another nhrpd listens on %s", path);
	ck_assert_str_eq(why, again);
	snprintf(again, sizeof(again), "%s/x", dir);
	f = fopen(again, "w");
	fclose(f);
	ck_assert_ptr_null(control_new(&host, again, &src, why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, "is there and is not a socket"));
	unlink(again);
	ck_assert_ptr_null(control_new(&host, "/nonexistent/a/b/c", &src, why, sizeof(why)));
	ck_assert_str_eq(why, "cannot listen on /nonexistent/a/b/c: No such file or directory");
	/* left by a daemon that was killed */
	other = control_new(&host, again, &src, why, sizeof(why));
	ck_assert_ptr_nonnull(other);
	control_free(other);
	{
		struct sockaddr_un sun = { .sun_family = AF_UNIX };
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		memcpy(sun.sun_path, again, strlen(again) + 1);
		ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
		close(fd);
	}
	other = control_new(&host, again, &src, why, sizeof(why));
	ck_assert_msg(other != NULL, "%s", why);
	control_free(other);
}
END_TEST

Suite *
control_suite(void)
{
	Suite *s = suite_create("control");
	TCase *t = tcase_create("socket");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, answers, 0, (int)(sizeof(plain) / sizeof(plain[0])));
	tcase_add_test(t, not_json);
	tcase_add_test(t, split_and_in_a_row);
	tcase_add_test(t, too_long);
	tcase_add_test(t, too_many);
	tcase_add_test(t, large_answer);
	tcase_add_test(t, does_not_read);
	tcase_add_test(t, goes_away);
	tcase_add_test(t, probe_waits);
	tcase_add_test(t, probe_never_ends);
	tcase_add_test(t, the_socket);
	suite_add_tcase(s, t);
	return s;
}
