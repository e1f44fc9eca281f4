/* routing/watch.c against a listener that says what zebra 8.4.4 with bfdd said (tests/golden/zapi), and what it might. The real ones are in
 * tests/net/failover.sh. */
#include "routing/watch.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/net/poll_host.h"
#include "tests/unit/harness.h"

Suite *suite_watch(void);

static struct world {
	struct poll_host *loop;
	const struct host *host;
	struct host_watch *accept_watch, *read_watch;
	char dir[64], path[96];
	int listener, fd;
	uint8_t in[1 << 16];
	size_t in_n;
	unsigned accepted, hellos, clients, adds, dels, tracks, untracks;
	bool mute;	/* no CAPABILITIES */
	struct watch_peer_info last;
	struct watch_way_info way;
	unsigned peers, ways;
	struct watch *watch;
	const struct watch_peer *end;	/* ended when something is heard of it */
} w;

static void
send_hex(const char *hex)
{
	uint8_t out[256];
	size_t n = test_unhex(hex, out, sizeof(out));

	ck_assert(send(w.fd, out, n, MSG_NOSIGNAL) == (ssize_t)n);
}

static void
say(const char *name, int at, uint8_t octet)
{
	size_t n;
	char *text = (char *)test_file(test_src("tests/golden/zapi/session-8.4.4.hexes"), &n), line[64];
	uint8_t out[256];

	snprintf(line, sizeof(line), "\n%s ", name);
	ck_assert_ptr_nonnull(strstr(text, line));
	test_unhex(strstr(text, line) + strlen(line) + strspn(strstr(text, line) + strlen(line), " "), out, sizeof(out));
	if (at >= 0)
		out[at] = octet;
	ck_assert(send(w.fd, out, get_be16(out), MSG_NOSIGNAL) == get_be16(out));
	free(text);
}

static void
bfd_is(uint8_t state)
{
	say("bfd-down", 23, state);
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
	switch (f->command) {
	case 18:
		w.hellos++;
		ck_assert_uint_eq(f->body.p[0], 26);	/* of no type that has routes */
		if (!w.mute) {
			say("capabilities", -1, 0);
			say("vrf-add", -1, 0);
		}
		break;
	case 37:
		w.clients++;
		break;
	case 26:
		w.adds++;
		break;
	case 27:
		w.dels++;
		break;
	case 20:
		w.tracks++;
		break;
	case 21:
		w.untracks++;
		ck_assert_uint_eq(f->body.p[0] | f->body.p[1], 0);
		break;
	}
}

static void
on_read(void *arg)
{
	struct zapi_frame f;
	ssize_t n = recv(w.fd, w.in + w.in_n, sizeof(w.in) - w.in_n, MSG_DONTWAIT);
	size_t at = 0;

	(void)arg;
	if (n <= 0) {
		hang_up();
		return;
	}
	for (w.in_n += (size_t)n; w.fd >= 0 && zapi_frame(span_of(w.in + at, w.in_n - at), &f) == ZAPI_WHOLE; at += f.n)
		answer(&f);
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
	w.read_watch = w.host->watch(w.host->ctx, w.fd, on_read, NULL);
}

static void
on_peer(void *ctx, const struct watch_peer_info *i)
{
	(void)ctx;
	w.last = *i;
	w.peers++;
	if (w.end)
		watch_peer_del(w.watch, w.end);
}

static void
on_way(void *ctx, const struct watch_way_info *i)
{
	(void)ctx;
	w.way = *i;
	w.ways++;
}

static bool
run_until(bool (*done)(void))
{
	for (unsigned i = 0; i < 4000 && !done(); i++)
		poll_host_run(w.loop, TICK_MS(2));
	return done();
}
#define UNTIL(cond) do { for (unsigned u_ = 0; u_ < 4000 && !(cond); u_++) poll_host_run(w.loop, TICK_MS(2)); ck_assert(cond); } while (0)

static const struct zapi_version *
v84(void)
{
	return &zapi_versions[zapi_version_of("8.4")];
}

static struct watch_peer
peer(void)
{
	struct watch_peer p = { .ifname = "v0", .ifindex = 3, .min_rx_ms = 300, .min_tx_ms = 300, .multiplier = 3, .tunnel = 1, .tag = 7 };

	addr_parse("10.0.0.2", &p.peer);
	addr_parse("10.0.0.1", &p.local);
	return p;
}

static void
setup(void)
{
	static const struct watch_face face = { .peer = on_peer, .way = on_way };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	w = (struct world){ .fd = -1 };
	w.loop = poll_host_new();
	w.host = poll_host_face(w.loop);
	strcpy(w.dir, "/tmp/odm-watch.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(w.dir));
	snprintf(w.path, sizeof(w.path), "%s/api", w.dir);
	memcpy(sun.sun_path, w.path, strlen(w.path) + 1);
	w.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ck_assert(bind(w.listener, (struct sockaddr *)&sun, sizeof(sun)) == 0 && listen(w.listener, 5) == 0);
	w.accept_watch = w.host->watch(w.host->ctx, w.listener, on_accept, NULL);
	w.watch = watch_new(w.host, &face, NULL);
}

static void
teardown(void)
{
	watch_free(w.watch);
	hang_up();
	w.host->unwatch(w.host->ctx, w.accept_watch);
	close(w.listener);
	unlink(w.path);
	rmdir(w.dir);
	poll_host_free(w.loop);
}

static enum watch_state
state(void)
{
	struct watch_peer p = peer();
	struct watch_peer_info i;

	ck_assert(watch_peer_info(w.watch, &p, &i));
	return i.state;
}

static void
session(void)
{
	watch_zebra(w.watch, v84(), w.path);
	UNTIL(watch_up(w.watch) && w.clients == w.hellos);
}

START_TEST(up_and_down)
{
	struct watch_peer p = peer();

	ck_assert(watch_peer_set(w.watch, &p));	/* before there is a session */
	ck_assert_int_eq(state(), WATCH_OFF);
	session();
	UNTIL(w.adds == 1);
	ck_assert_int_eq(state(), WATCH_ASKED);
	bfd_is(2);	/* as it begins */
	UNTIL(state() == WATCH_WAITING);
	bfd_is(4);
	UNTIL(w.peers == 1);
	ck_assert(w.last.state == WATCH_UP && w.last.what.tag == 7 && w.last.what.tunnel == 1);
	bfd_is(4);	/* everything is told to everybody, again and again */
	bfd_is(2);
	UNTIL(w.peers == 2);
	ck_assert(w.last.state == WATCH_DOWN && w.last.downs == 1);
	bfd_is(2);
	bfd_is(4);
	UNTIL(w.peers == 3);
	ck_assert(w.last.state == WATCH_UP && w.last.ups == 2);
	watch_peer_del(w.watch, &p);
	UNTIL(w.dels == 1);
	ck_assert(!watch_peer_info(w.watch, &p, &w.last));
	bfd_is(2);	/* nobody's */
	poll_host_run(w.loop, TICK_MS(10));
	ck_assert_uint_eq(w.peers, 3);
}
END_TEST

/* What is no news of the peer: shut down by somebody, bfdd anew, zebra gone. */
START_TEST(no_news)
{
	struct watch_peer p = peer();

	watch_peer_set(w.watch, &p);
	session();
	UNTIL(w.adds == 1);
	bfd_is(4);
	UNTIL(w.peers == 1);
	bfd_is(8);
	UNTIL(state() == WATCH_WAITING);
	bfd_is(4);
	UNTIL(w.peers == 2);
	send_hex("000afe0600000000001d");	/* replay */
	UNTIL(w.adds == 2);
	bfd_is(2);
	UNTIL(state() == WATCH_WAITING);
	bfd_is(4);
	UNTIL(w.peers == 3);
	hang_up();
	UNTIL(state() == WATCH_OFF);
	UNTIL(w.adds == 3);	/* by itself */
	bfd_is(4);
	UNTIL(w.peers == 4);
	watch_zebra(w.watch, NULL, "");
	ck_assert_int_eq(state(), WATCH_OFF);
	ck_assert_uint_eq(w.last.downs, 0);
	ck_assert_uint_eq(w.peers, 4);
}
END_TEST

START_TEST(changes_and_ends)
{
	struct watch_peer p = peer(), other = peer();

	other.peer.b[3] = 99;
	session();
	watch_peer_set(w.watch, &p);
	UNTIL(w.adds == 1);
	watch_peer_set(w.watch, &p);	/* the same: nothing to say */
	p.tag = 8;
	watch_peer_set(w.watch, &p);
	poll_host_run(w.loop, TICK_MS(10));
	ck_assert_uint_eq(w.adds, 1);
	p.min_rx_ms = 100;
	watch_peer_set(w.watch, &p);
	UNTIL(w.adds == 2);
	say("bfd-down", 13, 9);	/* of another interface */
	w.end = &p;	/* in the middle of hearing of it */
	bfd_is(4);
	UNTIL(w.dels == 1);
	ck_assert(w.last.what.tag == 8);
	w.end = NULL;
	watch_peer_set(w.watch, &p);
	watch_peer_del(w.watch, &p);
	watch_peer_del(w.watch, &other);
	watch_peer_set(w.watch, &p);
	UNTIL(w.adds >= 3);
	ck_assert_int_eq(state(), WATCH_ASKED);
	p.ifname[1] = '7';	/* of a VRF that zebra does not have */
	strcpy(p.vrf, "red");
	watch_peer_set(w.watch, &p);
	poll_host_run(w.loop, TICK_MS(10));
	ck_assert(watch_peer_info(w.watch, &p, &w.last) && w.last.state == WATCH_OFF);
}
END_TEST

static bool
keeps_nothing(void *ctx, const struct watch_peer *p)
{
	(void)ctx;
	(void)p;
	return false;
}

/* More than one buffer's worth, and all of it taken back. */
START_TEST(many)
{
	struct watch_peer p = peer();

	session();
	for (unsigned i = 0; i < 3000; i++) {
		p.peer.b[1] = (uint8_t)(i >> 8);
		p.peer.b[2] = (uint8_t)i;
		ck_assert(watch_peer_set(w.watch, &p));
	}
	UNTIL(w.adds == 3000);
	watch_peers_keep(w.watch, keeps_nothing, NULL);
	UNTIL(w.dels == 3000);
}
END_TEST

START_TEST(ways)
{
	struct addr to;

	addr_parse("10.0.0.9", &to);
	ck_assert(watch_way_set(w.watch, "", &to));
	session();
	UNTIL(w.tracks == 1);
	say("way", -1, 0);
	UNTIL(w.ways == 1);
	ck_assert(w.way.known && w.way.reachable && w.way.by.bits == 24 && w.way.nexthop.ifindex == 3);
	say("way", -1, 0);
	say("no-way", -1, 0);	/* of another */
	poll_host_run(w.loop, TICK_MS(10));
	ck_assert_uint_eq(w.ways, 1);
	addr_parse("192.0.2.9", &to);
	watch_way_set(w.watch, "", &to);
	UNTIL(w.tracks == 2);
	say("no-way", -1, 0);
	UNTIL(w.ways == 2);
	ck_assert(!w.way.reachable && watch_way_info(w.watch, "", &to, &w.way) && w.way.known);
	watch_way_del(w.watch, "", &to);
	UNTIL(w.untracks == 1);
	ck_assert(!watch_way_info(w.watch, "", &to, &w.way));
}
END_TEST

static bool
tried_again(void)
{
	return w.accepted > 2;
}

START_TEST(deaf_and_noise)
{
	struct watch_peer p = peer();

	watch_peer_set(w.watch, &p);
	session();
	UNTIL(w.adds == 1);
	ck_assert(send(w.fd, "GET / HTTP/1.0\r\n", 16, MSG_NOSIGNAL) == 16);
	UNTIL(w.adds == 2);
	w.mute = true;
	hang_up();
	ck_assert(run_until(tried_again));
	ck_assert(!watch_up(w.watch));
}
END_TEST

Suite *
suite_watch(void)
{
	Suite *s = suite_create("routing/watch");
	TCase *c = tcase_create("watch");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, up_and_down);
	tcase_add_test(c, no_news);
	tcase_add_test(c, changes_and_ends);
	tcase_add_test(c, many);
	tcase_add_test(c, ways);
	tcase_add_test(c, deaf_and_noise);
	suite_add_tcase(s, c);
	return s;
}
