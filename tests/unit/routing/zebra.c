/* routing/zebra.c against a listener that says what zebra 8.4.4 said (tests/golden/zapi), as it should and as it should not. The real
 * zebra is in tests/net/zebra.sh. */
#include "routing/zebra.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/net/poll_host.h"
#include "tests/unit/harness.h"

Suite *suite_zebra(void);

enum how { WELL, IN_PIECES, UNKNOWN_RELEASE, NOISE_AFTER_HELLO, CLOSES_AFTER_TABLE, DEAF };

static struct world {
	struct poll_host *loop;
	const struct host *host;
	struct host_watch *accept_watch, *read_watch;
	char dir[64], path[96];
	int listener, fd;
	enum how how;
	uint8_t in[1 << 16];
	size_t in_n;
	unsigned accepted, routes_heard;
	/* what the client's owner heard */
	unsigned ups, downs, learnt, gone, notes, links, to_send, sent;
	struct rib_route last;
} w;

/* ---- the listener */

static void
say(const char *name)
{
	size_t n;
	char *text = (char *)test_file(test_src("tests/golden/zapi/session-8.4.4.hexes"), &n), line[64];
	uint8_t out[256];

	ck_assert_ptr_nonnull(text);
	snprintf(line, sizeof(line), "\n%s ", name);
	ck_assert_ptr_nonnull(strstr(text, line));
	n = test_unhex(strstr(text, line) + strlen(line) + strspn(strstr(text, line) + strlen(line), " "), out, 256);
	if (n >= 2)
		n = get_be16(out);
	if (w.how == UNKNOWN_RELEASE && strncmp(name, "error", 5) == 0)
		out[9] = 99;
	for (size_t i = 0, k = w.how == IN_PIECES ? 3 : n; i < n; i += k)
		ck_assert(send(w.fd, out + i, n - i < k ? n - i : k, MSG_NOSIGNAL) > 0);
	free(text);
}

static void
hang_up(void)
{
	w.host->unwatch(w.host->ctx, w.read_watch);
	w.read_watch = NULL;
	if (w.fd >= 0)
		close(w.fd);
	w.fd = -1;
	w.in_n = 0;
}

static void
answer(const struct zapi_frame *f)
{
	static unsigned barriers;

	switch (f->command) {
	case 65535:
		say(f->vrf ? "error-no-vrf" : "error-unknown");
		break;
	case 17:
		say("error-unknown-17");
		break;
	case 18:
		barriers = 0;
		say("capabilities");
		say("vrf-add");
		if (w.how == NOISE_AFTER_HELLO)
			ck_assert(send(w.fd, "GET / HTTP/1.0\r\n", 16, MSG_NOSIGNAL) == 16);
		break;
	case 15:
		say("router-id");
		break;
	case 0:
		say("interface-lo");
		say("interface-v0");
		say("address4");
		break;
	case 11:
		if (f->body.p[0] == 1) {
			say("learnt-connected");
			say("learnt-ours");
		}
		break;
	case 134:
		say("barrier");
		if (++barriers == 2 && w.how == CLOSES_AFTER_TABLE)
			hang_up();
		break;
	case 8:
		w.routes_heard++;
		break;
	}
}

static void
on_read(void *arg)
{
	struct zapi_frame f;
	ssize_t n;
	size_t at = 0;

	(void)arg;
	n = recv(w.fd, w.in + w.in_n, sizeof(w.in) - w.in_n, MSG_DONTWAIT);
	if (n <= 0) {
		hang_up();
		return;
	}
	for (w.in_n += (size_t)n; w.fd >= 0 && zapi_frame(span_of(w.in + at, w.in_n - at), &f) == ZAPI_WHOLE; at += f.n)
		answer(&f);
	if (w.fd < 0)
		return;
	memmove(w.in, w.in + at, w.in_n - at);
	w.in_n -= at;
}

static void
on_accept(void *arg)
{
	(void)arg;
	hang_up();
	w.fd = accept(w.listener, NULL, NULL);
	w.accepted++;
	w.read_watch = w.how == DEAF ? NULL : w.host->watch(w.host->ctx, w.fd, on_read, NULL);
}

static void
listen_on(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	memcpy(sun.sun_path, w.path, strlen(w.path) + 1);
	w.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ck_assert(bind(w.listener, (struct sockaddr *)&sun, sizeof(sun)) == 0 && listen(w.listener, 5) == 0);
	w.accept_watch = w.host->watch(w.host->ctx, w.listener, on_accept, NULL);
}

/* ---- the client's owner */

static void
session(void *ctx, bool up)
{
	(void)ctx;
	w.ups += up;
	w.downs += !up;
	w.sent = 0;
}

static bool
fill(void *ctx, const struct zapi_version *v, struct wr *out)
{
	struct zapi_route r = { .nexthop = { ZAPI_NH_IPV4_IFINDEX, .ifindex = 3 } };

	(void)ctx;
	addr_parse("10.0.0.2", &r.nexthop.via);
	for (; w.sent < w.to_send; w.sent++) {
		struct wr before = *out;
		uint8_t b[4] = { 10, (uint8_t)(w.sent >> 16), (uint8_t)(w.sent >> 8), (uint8_t)w.sent };
		struct addr a = addr_of(b, 4);

		r.dst = prefix_host(&a);
		zapi_put_route(out, v, &r);
		if (out->bad) {
			*out = before;
			return true;
		}
	}
	return false;
}

static void
note(void *ctx, const struct zapi_note *n)
{
	(void)ctx;
	(void)n;
	w.notes++;
}

static void
link_changed(void *ctx, uint32_t ifindex)
{
	(void)ctx;
	(void)ifindex;
	w.links++;
}

static void
learnt(void *ctx, const struct rib_event *ev)
{
	(void)ctx;
	w.learnt += ev->kind == RIB_EV_ROUTE;
	w.gone += ev->kind == RIB_EV_GONE;
	w.last = ev->route;
}

static const struct zebra_face face = { .session = session, .fill = fill, .note = note, .link = link_changed, .learnt = learnt };

static struct zebra *
begin(enum how how, const char *version)
{
	struct zebra_conf conf = { .version = version ? zapi_version_of(version) + 1 : 0 };
	struct zebra *z;

	memset(&w, 0, sizeof(w));
	w.fd = -1;
	w.how = how;
	w.loop = poll_host_new();
	w.host = poll_host_face(w.loop);
	snprintf(w.dir, sizeof(w.dir), "/tmp/check_zebra.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(w.dir));
	snprintf(w.path, sizeof(w.path), "%s/z", w.dir);
	snprintf(conf.path, sizeof(conf.path), "%s", w.path);
	listen_on();
	z = zebra_new(w.host, &conf, &face, NULL);
	ck_assert_ptr_nonnull(z);
	return z;
}

static void
end(struct zebra *z)
{
	zebra_free(z);
	hang_up();
	close(w.listener);
	unlink(w.path);
	rmdir(w.dir);
	poll_host_free(w.loop);
}

/* Runs until it is so; the bound is for a machine that stands still. */
#define UNTIL(condition) \
	do { \
		for (unsigned spins_ = 0; !(condition) && spins_ < 3000; spins_++) \
			poll_host_run(w.loop, TICK_MS(5)); \
		ck_assert(condition); \
	} while (0)

static enum zebra_state
state(const struct zebra *z)
{
	struct zebra_info i;

	zebra_info(z, &i);
	return i.state;
}

START_TEST(session_comes_up)
{
	static const enum how how[] = { WELL, IN_PIECES };
	struct zebra *z = begin(how[_i], NULL);
	struct zebra_info i;

	UNTIL(state(z) == ZEBRA_UP);
	zebra_info(z, &i);
	ck_assert_str_eq(i.oldest, "8.3");	/* interfaces of 16 octets, and no link parameters behind them */
	ck_assert_str_eq(i.newest, "8.4");
	ck_assert(i.router_id.addr.b[0] == 10 && i.interfaces == 2 && i.unread == 0 && w.ups == 1 && w.downs == 0);
	ck_assert_uint_eq(i.learnt, 0);	/* connected routes are heard from the kernel, and ours are nobody's */
	ck_assert_uint_eq(zebra_mtu(z, 3, 4), 1500);
	ck_assert_uint_eq(zebra_mtu(z, 9, 4), 0);
	w.to_send = 1;
	zebra_kick(z);
	UNTIL(w.routes_heard == 1);
	say("note-installed");
	UNTIL(w.notes == 1);
	end(z);
}
END_TEST

START_TEST(release_by_configuration)
{
	struct zebra *z = begin(WELL, "8.4");
	struct zebra_info i;

	UNTIL(state(z) == ZEBRA_UP);
	zebra_info(z, &i);
	ck_assert(strcmp(i.oldest, "8.4") == 0 && strcmp(i.newest, "8.4") == 0);
	end(z);
	z = begin(WELL, "9.0");	/* another layout of capabilities it is not, but of what follows interfaces */
	UNTIL(state(z) == ZEBRA_UP);
	end(z);
}
END_TEST

START_TEST(release_that_is_not_known)
{
	struct zebra *z = begin(UNKNOWN_RELEASE, NULL);
	struct zebra_info i;

	UNTIL(w.accepted > 1);	/* it goes on trying */
	zebra_info(z, &i);
	ck_assert(w.ups == 0 && strstr(i.reason, "not known") != NULL);
	end(z);
}
END_TEST

START_TEST(noise_ends_the_session)
{
	struct zebra *z = begin(NOISE_AFTER_HELLO, NULL);

	UNTIL(w.accepted > 1);
	ck_assert_uint_eq(w.ups, 0);
	w.how = WELL;
	UNTIL(w.ups == 1);
	end(z);
}
END_TEST

/* An OSPF route as zebra 8.4 says it: the capture's connected one with another type and a gateway. */
static void
say_ospf(uint16_t command)
{
	static const char hex[] = "0034fe06000000000000 060000 00000008 00000017 010218 ac1005 0001 00000000 03 00 0a000009 00000003 6e 00000014 00000000";
	uint8_t out[64];
	size_t n = test_unhex(hex, out, sizeof(out));

	put_be16(out, (uint16_t)n);
	put_be16(out + 8, command);
	out[10 + 3 + 4 + 3] = 0x17;	/* next hops, distance, metric, MTU */
	ck_assert(send(w.fd, out, n, MSG_NOSIGNAL) == (ssize_t)n);
}

START_TEST(what_is_learnt_outlives_the_session)
{
	struct zebra *z = begin(WELL, NULL);
	struct rib_route r;

	UNTIL(state(z) == ZEBRA_UP);
	say_ospf(30);
	UNTIL(w.learnt == 1);
	ck_assert(w.last.via.b[3] == 9 && w.last.ifindex == 3 && w.last.metric == 20 && zebra_learnt(z, &w.last.dst, &r));
	hang_up();
	UNTIL(w.downs == 1);
	UNTIL(w.ups == 2 && state(z) == ZEBRA_UP);
	ck_assert_uint_eq(w.gone, 0);	/* a daemon that was not asked yet has time to come back */
	say_ospf(31);
	UNTIL(w.gone == 1);
	end(z);
}
END_TEST

/* The other end does not read: what is to be sent waits with its owner. */
START_TEST(slow_reader)
{
	struct zebra *z = begin(WELL, NULL);
	struct zebra_info i;

	UNTIL(state(z) == ZEBRA_UP);
	w.host->unwatch(w.host->ctx, w.read_watch);
	w.read_watch = NULL;
	w.to_send = 200000;
	zebra_kick(z);
	poll_host_run(w.loop, TICK_MS(20));
	ck_assert_uint_lt(w.sent, 100000);
	w.read_watch = w.host->watch(w.host->ctx, w.fd, on_read, NULL);
	UNTIL(w.routes_heard == w.to_send);
	zebra_info(z, &i);
	ck_assert(i.state == ZEBRA_UP);
	end(z);
}
END_TEST

START_TEST(closed_at_once_and_silent)
{
	struct zebra *z = begin(CLOSES_AFTER_TABLE, NULL);

	UNTIL(w.ups >= 2 && w.downs >= 1);
	end(z);
	z = begin(DEAF, NULL);
	UNTIL(w.accepted > 1);
	ck_assert_uint_eq(w.ups, 0);
	end(z);
}
END_TEST

Suite *
suite_zebra(void)
{
	Suite *s = suite_create("routing/zebra");
	TCase *c = tcase_create("zebra");

	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, session_comes_up, 0, 2);
	tcase_add_test(c, release_by_configuration);
	tcase_add_test(c, release_that_is_not_known);
	tcase_add_test(c, noise_ends_the_session);
	tcase_add_test(c, what_is_learnt_outlives_the_session);
	tcase_add_test(c, slow_reader);
	tcase_add_test(c, closed_at_once_and_silent);
	suite_add_tcase(s, c);
	return s;
}
