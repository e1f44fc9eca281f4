/* Twin of nhrpd/daemon/keep.c: real engines and a real store, and a clock that the test winds. */
#include "nhrpd/daemon/keep.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nhrpd/daemon/store.h"
#include "tests/unit/store/place.h"

struct host_watch {
	void (*fn)(void *arg);
	void *arg;
	tick_t at;
	bool set;
};

static struct test_env t;
static struct host_watch timer;
static unsigned timers;
static tick_t now;
static int64_t wall;
static struct nhrp *engine[2];
static struct ike *ike;	/* has no SAs: keep_sa.c is about those */
static struct conf *conf;
static struct core_tunnel_conf tunnel[2];
static struct outq q;
static struct keep *k;

struct ike *
core_ike(const struct core *c)
{
	return (struct ike *)(uintptr_t)c;	/* there is no core: what stands for one is the IKE engine */
}

struct nhrp *
core_nhrp(const struct core *c, uint32_t i)
{
	(void)c;
	return i >= 1 && i <= 2 ? engine[i - 1] : NULL;
}

static tick_t
host_now(void *ctx)
{
	(void)ctx;
	return now;
}

static struct host_watch *
host_after(void *ctx, tick_t delay, void (*fn)(void *arg), void *arg)
{
	(void)ctx;
	if (timer.set)
		abort();	/* one at a time; no word of check's, a test may have taken the disk away */
	timer = (struct host_watch){ fn, arg, now + delay, true };
	timers++;
	return &timer;
}

static void
host_unwatch(void *ctx, struct host_watch *w)
{
	(void)ctx;
	if (w)
		w->set = false;
}

static int64_t
wall_clock(void)
{
	return wall;
}

static void
pass(unsigned s)
{
	tick_t until = now + TICK_S(s);

	while (timer.set && timer.at <= until) {
		wall += (int64_t)((timer.at - now) / 1000000);
		now = timer.at > now ? timer.at : now;
		timer.set = false;
		timer.fn(timer.arg);
	}
	wall += (int64_t)((until - now) / 1000000);
	now = until;
	for (unsigned i = 0; i < 2; i++) {
		if (engine[i])
			nhrp_tick(engine[i], now, &q);
		outq_reset(&q);
	}
	keep_poll(k);
}

static void
engine_up(unsigned i)
{
	tunnel[i].nhrp.keep = true;
	engine[i] = nhrp_new(&tunnel[i].nhrp, &t.env);
	ck_assert_ptr_nonnull(engine[i]);
}

static void
daemon_up(void)
{
	struct host host = { .now = host_now, .after = host_after, .unwatch = host_unwatch, .env = &t.env, .log = &t.log };

	for (unsigned i = 0; i < 2; i++)
		engine_up(i);
	k = keep_new(&host, db, wall_clock);
	ck_assert_ptr_nonnull(k);
	keep_tunnels(k, conf, (struct core *)(void *)ike);
}

static void
engines_down(void)
{
	for (unsigned i = 0; i < 2; i++) {
		nhrp_free(engine[i]);
		engine[i] = NULL;
	}
}

static void
daemon_down(void)
{
	keep_free(k);
	k = NULL;
	engines_down();
}

/* Killed: nothing that waited is written. */
static void
daemon_killed(void)
{
	engines_down();
	daemon_down();
}

static void
make(void)
{
	static const struct ike_conf ike_conf = { .half_open_max = 8, .cookie_threshold = 8, .sa_max = 8 };
	struct ike_env ike_env = { 0 };

	place_make();
	test_env_init(&t);
	ike_env.env = t.env;
	ike = ike_new(&ike_conf, &ike_env);
	ck_assert_ptr_nonnull(ike);
	now = TICK_S(1000);
	wall = 1700000000;
	timer.set = false;
	timers = 0;
	ck_assert(outq_init(&q, &t.env, sizeof(struct nhrp_act), NHRP_OUT_ITEMS * 8, NHRP_OUT_OCTETS * 8));
	conf = calloc(1, sizeof(*conf));
	memset(tunnel, 0, sizeof(tunnel));
	for (unsigned i = 0; i < 2; i++) {
		snprintf(tunnel[i].dp.name, sizeof(tunnel[i].dp.name), "dmvpn%u", i);
		tunnel[i].nhrp.network_id = 7;
		tunnel[i].nhrp.own[0] = P(i ? "10.1.0.1/16" : "10.0.0.1/16");
		tunnel[i].nhrp.n_own = 1;
	}
	conf->core.tunnel = tunnel;
	conf->core.n_tunnel = 2;
	daemon_up();
}

static void
unmake(void)
{
	daemon_down();
	ike_free(ike);
	outq_fini(&q, &t.env);
	ck_assert_int_eq(t.live, 0);
	free(conf);
	place_remove();
}

/* A client of identity "a" registers, as if its packet had come in. */
static void
registers(unsigned i, const char *proto, uint16_t hold)
{
	struct nhrp_packet p = { .type = NHRP_REGISTRATION_REQUEST, .afn = NHRP_AFN_IPV4, .pro_type = NHRP_ETH_IPV4, .hops = 255, .request_id = 5,
		.flags = NHRP_FLAG_REG_UNIQUE, .n_cie = 1 };
	struct nhrp_event up = { .kind = NHRP_EV_PEER_UP, .peer = 3, .identity = SPAN_STR("a") };
	struct nhrp_rx rx = { .peer = 3 };
	uint8_t raw[200];
	struct wr w = wr_of(raw, sizeof(raw));

	p.src_nbma = rx.remote.addr = up.remote.addr = A("203.0.113.7");
	p.src_proto = A(proto);
	p.dst_proto = tunnel[i].nhrp.own[0].addr;
	p.cie[0] = (struct nhrp_cie){ .prefix_len = 0xff, .hold_s = hold };
	ck_assert_uint_gt(nhrp_packet_build(&w, &p), 0);
	rx.packet = span_of(raw, (size_t)(w.p - raw));
	nhrp_event(engine[i], now, &up, &q);
	ck_assert_int_eq(nhrp_rx(engine[i], now, &rx, &q), NHRP_OK);
	outq_reset(&q);
	keep_poll(k);
}

struct look {
	unsigned n, restored;
	tick_t expires;
};

static bool
look_at(void *ctx, const struct nhrp_cache_info *i)
{
	struct look *l = ctx;

	if (i->type != NHRP_CT_DYNAMIC)
		return true;
	l->n++;
	l->restored += i->restored;
	l->expires = i->expires;
	return true;
}

static struct look
look(unsigned i)
{
	struct look l = { 0 };

	nhrp_visit_cache(engine[i], NULL, look_at, &l);
	return l;
}

START_TEST(known_after_a_kill)
{
	registers(0, "10.0.0.2", 600);
	registers(0, "10.0.0.3", 600);
	registers(1, "10.1.0.2", 600);
	ck_assert_uint_eq(timers, 1);	/* one batch for all three */
	ck_assert_int_ne(access(db, F_OK), 0);
	pass(1);
	ck_assert_int_eq(access(db, F_OK), 0);
	registers(0, "10.0.0.4", 600);
	daemon_killed();	/* before the batch that has it */
	now += TICK_S(100);
	wall += 100;
	daemon_up();
	ck_assert_uint_eq(look(0).n, 2);
	ck_assert_uint_eq(look(0).restored, 2);
	ck_assert_uint_eq(look(1).n, 1);
	ck_assert_uint_eq(look(1).expires, now + TICK_S(499));	/* they went on while nobody was here */
	ck_assert_str_eq(t.last_word, "store-loaded");
	registers(0, "10.0.0.2", 600);
	ck_assert_uint_eq(look(0).restored, 1);
	pass(500);	/* and end by their own time */
	ck_assert_uint_eq(look(0).n, 1);
	ck_assert_uint_eq(look(1).n, 0);
	pass(2);
	daemon_killed();
	daemon_up();
	ck_assert_uint_eq(look(0).n, 1);
	ck_assert_uint_eq(look(1).n, 0);
}
END_TEST

START_TEST(an_orderly_end_writes_what_waits)
{
	registers(0, "10.0.0.2", 600);
	daemon_down();
	daemon_up();
	ck_assert_uint_eq(look(0).restored, 1);
}
END_TEST

START_TEST(only_changes_are_written)
{
	unsigned before;

	registers(0, "10.0.0.2", 600);
	pass(1);
	before = timers;
	for (unsigned i = 0; i < 10; i++) {
		pass(10);
		registers(0, "10.0.0.2", 600);
	}
	ck_assert_uint_eq(timers, before);
	pass(110);
	registers(0, "10.0.0.2", 600);
	ck_assert_uint_eq(timers, before + 1);
}
END_TEST

START_TEST(the_wall_clock_is_not_trusted)
{
	registers(0, "10.0.0.2", 600);
	pass(1);
	daemon_killed();
	wall -= 365 * 86400;	/* set back: no more than the holding time */
	daemon_up();
	ck_assert_uint_eq(look(0).n, 1);
	ck_assert_uint_le(look(0).expires, now + TICK_S(600));
	daemon_killed();
	wall += 2 * 365 * 86400;	/* far ahead: over */
	daemon_up();
	ck_assert_uint_eq(look(0).n, 0);
	daemon_killed();
	wall -= 365 * 86400;	/* and then it is gone for good */
	daemon_up();
	ck_assert_uint_eq(look(0).n, 0);
}
END_TEST

START_TEST(large_batches_are_cut)
{
	char text[20];

	for (unsigned i = 0; i < KEEP_BATCH_MAX + 100; i++) {
		struct nhrp_event gone = { .kind = NHRP_EV_PEER_DOWN, .peer = 3 };

		snprintf(text, sizeof(text), "10.0.%u.%u", 1 + i / 250, 1 + i % 250);
		registers(0, text, 600);
		nhrp_event(engine[0], now, &gone, &q);	/* one peer may not have so many */
		outq_reset(&q);
	}
	ck_assert(timer.at < now + TICK_MS(KEEP_DELAY_MS));	/* so many do not wait */
	while (timer.set && timer.at < now + TICK_MS(100)) {
		timer.set = false;
		timer.fn(timer.arg);
	}
	ck_assert_uint_eq(nhrp_changes(engine[0]), 100);
	pass(1);
	daemon_killed();
	daemon_up();
	ck_assert_uint_eq(look(0).n, KEEP_BATCH_MAX + 100);
}
END_TEST

/* The disk is full for a while: said once, and nothing is missing after. */
START_TEST(trouble_is_said_once_and_passes)
{
	struct rlimit was, full;
	char first[64], then[64];
	unsigned lines, more;

	registers(0, "10.0.0.2", 60);
	registers(0, "10.0.0.3", 60000);
	pass(1);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &was), 0);
	full = (struct rlimit){ 0, was.rlim_max };
	registers(0, "10.0.0.4", 60000);
	if (setrlimit(RLIMIT_FSIZE, &full) != 0)
		abort();
	pass(2);
	memcpy(first, t.last_word, sizeof(first));
	lines = t.lines;
	pass(100);	/* 10.0.0.2 is over meanwhile */
	memcpy(then, t.last_word, sizeof(then));
	more = t.lines - lines;
	if (setrlimit(RLIMIT_FSIZE, &was) != 0)
		abort();
	ck_assert_str_eq(first, "store-failed");
	ck_assert_str_eq(then, "registration-expired");
	ck_assert_uint_eq(more, 1);
	pass(KEEP_RETRY_S);
	ck_assert_str_eq(t.last_word, "store-works");
	daemon_killed();
	daemon_up();
	ck_assert_uint_eq(look(0).n, 2);
}
END_TEST

START_TEST(damage_is_said_and_survived)
{
	registers(0, "10.0.0.2", 600);
	pass(1);
	daemon_down();
	ck_assert_int_eq(truncate(db, 0), 0);
	place_scribble(db, 0, 3000);
	daemon_up();
	ck_assert_str_eq(t.last_word, "store-damaged");
	ck_assert_uint_eq(look(0).n, 0);
	ck_assert_uint_eq(place_count("x.db.damaged-*Z"), 1);
	registers(0, "10.0.0.2", 600);
	pass(1);
	daemon_killed();
	daemon_up();
	ck_assert_uint_eq(look(0).n, 1);
	daemon_down();
	place_scribble(db, 0, 3000);
	ck_assert_int_eq(chmod(db, 0644), 0);	/* not ours, it seems: the daemon goes on without */
	daemon_up();
	ck_assert_str_eq(t.last_word, "store-failed");
	registers(0, "10.0.0.2", 600);
	pass(100);
	ck_assert_str_eq(t.last_word, "registered");
}
END_TEST

START_TEST(a_taken_store_is_not_shared)
{
	enum store_error e;
	char why[200];
	struct store *other;

	daemon_down();
	other = store_open(db, true, &e, why, sizeof(why));
	ck_assert_ptr_nonnull(other);
	daemon_up();
	ck_assert_str_eq(t.last_word, "store-failed");
	ck_assert_msg(strstr(t.last_text, "another process has it open") != NULL, "%s", t.last_text);
	registers(0, "10.0.0.2", 600);
	pass(10);
	store_close(other);
	pass(KEEP_RETRY_S);
	ck_assert_str_eq(t.last_word, "store-works");
	daemon_killed();
	daemon_up();
	ck_assert_uint_eq(look(0).n, 1);
}
END_TEST

START_TEST(tunnels_come_and_go)
{
	registers(0, "10.0.0.2", 600);
	registers(1, "10.1.0.2", 600);
	pass(1);
	nhrp_free(engine[1]);	/* a reload takes it away */
	engine[1] = NULL;
	conf->core.n_tunnel = 1;
	keep_poll(k);
	keep_tunnels(k, conf, (struct core *)(void *)ike);
	ck_assert_uint_eq(look(0).restored, 0);
	engine_up(1);	/* and another brings it back */
	conf->core.n_tunnel = 2;
	keep_tunnels(k, conf, (struct core *)(void *)ike);
	ck_assert_uint_eq(look(0).restored, 0);
	ck_assert_uint_eq(look(1).restored, 1);
	tunnel[0].nhrp.network_id = 8;	/* another network: the old one's are not this one's */
	keep_tunnels(k, conf, (struct core *)(void *)ike);
	pass(1);
	daemon_killed();
	daemon_up();
	ck_assert_uint_eq(look(0).n, 1);
	daemon_killed();
	tunnel[0].nhrp.network_id = 9;
	daemon_up();
	ck_assert_uint_eq(look(0).n, 0);
}
END_TEST

START_TEST(default_places)
{
	unsetenv("STATE_DIRECTORY");
	ck_assert_msg(strstr(keep_default_path(), "/lib/nhrpd/mappings.db") != NULL, "%s", keep_default_path());
	setenv("STATE_DIRECTORY", "/var/lib/x", 1);
	ck_assert_str_eq(keep_default_path(), "/var/lib/x/mappings.db");
	setenv("STATE_DIRECTORY", "/a:/b", 1);
	ck_assert_ptr_null(strstr(keep_default_path(), "/a"));
}
END_TEST

Suite *keep_suite(void);

Suite *
keep_suite(void)
{
	Suite *s = suite_create("keep");
	TCase *c = tcase_create("keep");

	tcase_add_checked_fixture(c, make, unmake);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, known_after_a_kill);
	tcase_add_test(c, an_orderly_end_writes_what_waits);
	tcase_add_test(c, only_changes_are_written);
	tcase_add_test(c, the_wall_clock_is_not_trusted);
	tcase_add_test(c, large_batches_are_cut);
	tcase_add_test(c, trouble_is_said_once_and_passes);
	tcase_add_test(c, damage_is_said_and_survived);
	tcase_add_test(c, a_taken_store_is_not_shared);
	tcase_add_test(c, tunnels_come_and_go);
	tcase_add_test(c, default_places);
	suite_add_tcase(s, c);
	return s;
}
