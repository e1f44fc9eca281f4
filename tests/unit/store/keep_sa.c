/* Twin of the half of nhrpd/daemon/keep.c that keeps IKE SAs: a hub's engine with a real store, and the engine of a spoke. */
#include <stdio.h>
#include <string.h>

#include "nhrpd/daemon/keep.h"
#include "nhrpd/daemon/store.h"
#include "tests/unit/store/place.h"

enum { SPOKE, HUB, SIDES };

static struct side {
	struct test_env t;	/* first: it is what the engine knows */
	struct ike *k;
	struct outq out;
	struct ike_key key;
	struct ike_profile profile;
	struct ike_conf conf;
	uint32_t spi;
	unsigned ups, downs;
	enum ike_down why;
	bool deaf;
} side[SIDES];

static const uint8_t secret[IKE_CRASH_SECRET] = "the hub's own secret, of 32 oct";
static struct conf conf;	/* without tunnels */
static struct keep *keep;
static tick_t now;
static int64_t wall;
static struct {
	void (*fn)(void *arg);
	void *arg;
	tick_t at;
	bool set;
} timer;

static uint32_t
spi_alloc(void *ctx)
{
	return ++((struct side *)ctx)->spi;
}

static void
side_up(unsigned i)
{
	static const char *const name[SIDES] = { "spoke.example", "hub.example" };
	struct side *s = &side[i];
	struct ike_env env = { .env = s->t.env, .spi_alloc = spi_alloc, .qcd_secret = i == HUB ? secret : NULL };
	struct ike_profile *p = &s->profile;

	*p = (struct ike_profile){ .name = "p", .local_id = { .type = IKE_ID_FQDN }, .key = &s->key, .n_key = 1, .n_ike = 1, .n_esp = 1,
		.ike_life_s = 3600, .replay_window = 64 };
	p->local_id.len = (uint8_t)strlen(name[i]);
	memcpy(p->local_id.data, name[i], p->local_id.len);
	p->ike[0] = (struct ike_proposal){ .encr = { 20 }, .encr_bits = { 128 }, .n_encr = 1, .prf = { 5 }, .n_prf = 1, .group = { 31 }, .n_group = 1 };
	p->esp[0] = (struct ike_proposal){ .encr = { 20 }, .encr_bits = { 128 }, .n_encr = 1, .esn = { true, false } };
	s->key = (struct ike_key){ .name = "k", .psk = "secret", .psk_len = 6 };
	s->conf = (struct ike_conf){ .profile = p, .n_profile = 1, .half_open_max = 16, .cookie_threshold = 16, .sa_max = 100 };
	s->spi = 0x1000 * (i + 1);
	s->k = ike_new(&s->conf, &env);
	ck_assert_ptr_nonnull(s->k);
}

static void
tell(unsigned i, struct ike_event *ev)
{
	ike_event(side[i].k, now, ev, &side[i].out);
}

static void
act(unsigned i, const struct ike_act *a)
{
	struct ike_event ev = { .kind = IKE_EV_CHILD_RESULT, .spi_in = a->spi_in, .ok = true };
	struct ike_rx rx = { .local = a->remote, .remote = a->local, .packet = a->packet };
	struct side *to = &side[!i];

	if (a->kind == IKE_ACT_SEND && to->k && !to->deaf) {
		ike_rx(to->k, now, &rx, &to->out);
	} else if (a->kind == IKE_ACT_JOB) {
		ev = (struct ike_event){ .kind = IKE_EV_JOB, .job = a->job };
		ike_job_run(a->job);
		tell(i, &ev);
	} else if (a->kind == IKE_ACT_CHILD_ADD) {
		tell(i, &ev);
	} else if (a->kind == IKE_ACT_IKE_UP) {
		side[i].ups++;
	} else if (a->kind == IKE_ACT_IKE_DOWN) {
		side[i].downs++;
		side[i].why = a->down;
	}
}

static void
carry(unsigned i)
{
	struct side *s = &side[i];

	for (size_t n = 0; n < s->out.n; n++)	/* acting appends */
		act(i, outq_at(&s->out, n));
	ike_out_reset(&s->out);
}

static void
run(tick_t span)
{
	tick_t end = now + span;

	for (; now < end; now += TICK_MS(10), wall = 1700000000 + (int64_t)(now / 1000000)) {
		for (unsigned i = 0; i < SIDES; i++) {
			if (side[i].k)
				ike_tick(side[i].k, now, &side[i].out);
		}
		for (unsigned i = 0; i < 2 * SIDES; i++)
			carry(i % SIDES);
		keep_poll(keep);
		if (timer.set && timer.at <= now) {
			timer.set = false;
			timer.fn(timer.arg);
		}
	}
}

/* ---- the daemon around the hub's engine */

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
	ck_assert(!timer.set);
	timer.fn = fn;
	timer.arg = arg;
	timer.at = now + delay;
	timer.set = true;
	return (struct host_watch *)(void *)&timer;
}

static void
host_unwatch(void *ctx, struct host_watch *w)
{
	(void)ctx;
	if (w)
		timer.set = false;
}

static int64_t
wall_clock(void)
{
	return wall;
}

static void
hub_up(void)
{
	struct host host = { .now = host_now, .after = host_after, .unwatch = host_unwatch, .env = &side[HUB].t.env, .log = &side[HUB].t.log };

	side_up(HUB);
	keep = keep_new(&host, db, wall_clock);
	ck_assert_ptr_nonnull(keep);
	keep_tunnels(keep, &conf, (struct core *)(void *)side[HUB].k);
}

static void
hub_down(bool killed)
{
	if (!killed) {
		struct ike_event ev = { .kind = IKE_EV_SHUTDOWN };

		tell(HUB, &ev);
		run(TICK_MS(300));
	}
	keep_free(keep);
	keep = NULL;
	ike_free(side[HUB].k);
	side[HUB].k = NULL;
}

static struct store_sa row;
static unsigned rows;

static void
count_row(void *ctx, const struct store_sa *sa)
{
	(void)ctx;
	row = *sa;
	rows++;
}

static void
read_rows(void)
{
	enum store_error e;
	char why[160];
	struct store *s = store_open(db, false, &e, why, sizeof(why));

	ck_assert_msg(s != NULL, "%s", why);
	rows = 0;
	ck_assert_int_eq(store_sa_load(s, count_row, NULL), STORE_OK);
	store_close(s);
}

static void
make(void)
{
	struct ike_event dial = { .kind = IKE_EV_DIAL, .dial = 1, .n_remotes = 1, .hub = true };

	place_make();
	memset(side, 0, sizeof(side));
	now = TICK_S(1);
	wall = 1700000001;
	timer.set = false;
	for (unsigned i = 0; i < SIDES; i++) {
		test_env_init(&side[i].t);
		side[i].t.seed = i + 1;
		ck_assert(outq_init(&side[i].out, &side[i].t.env, sizeof(struct ike_act), IKE_OUT_ITEMS * 8, IKE_OUT_OCTETS));
	}
	side_up(SPOKE);
	hub_up();
	dial.local.addr = A("203.0.113.7");
	dial.remotes[0].addr = A("192.0.2.1");
	tell(SPOKE, &dial);
	run(TICK_S(3));
	ck_assert_uint_eq(side[HUB].ups, 1);
}

static void
unmake(void)
{
	if (side[HUB].k)
		hub_down(true);
	ike_free(side[SPOKE].k);
	for (unsigned i = 0; i < SIDES; i++) {
		outq_fini(&side[i].out, &side[i].t.env);
		ck_assert_int_eq(side[i].t.live, 0);
	}
	place_remove();
}

START_TEST(killed)
{
	hub_down(true);
	read_rows();
	ck_assert_uint_eq(rows, 1);
	ck_assert(!row.initiator && row.remote.port == 500 && addr_eq(&row.remote.addr, &(struct addr){ .n = 4, .b = { 203, 0, 113, 7 } }));
	ck_assert_int_ge(row.expires, wall + 3500);
	ck_assert_int_le(row.expires, wall + 3600);
	hub_up();
	ck_assert_str_eq(side[HUB].t.last_word, "restarted");
	run(TICK_S(1));
	ck_assert_uint_eq(side[SPOKE].downs, 1);
	ck_assert_int_eq(side[SPOKE].why, IKE_DOWN_RESTARTED);
	ck_assert_uint_eq(side[HUB].ups, 2);
	run(TICK_S(6));
	hub_down(true);
	read_rows();
	ck_assert_uint_eq(rows, 1);	/* the new one */
}
END_TEST

/* A deaf spoke is told three times; then there is nothing left to be told, not at the next start either. */
START_TEST(nobody_hears)
{
	hub_down(true);
	side[SPOKE].deaf = true;
	hub_up();
	run(TICK_S(6));
	ck_assert_uint_eq(side[SPOKE].downs, 0);
	hub_down(true);
	read_rows();
	ck_assert_uint_eq(rows, 0);
}
END_TEST

/* Killed again before it was told: it is told after the next start. */
START_TEST(killed_twice)
{
	hub_down(true);
	side[SPOKE].deaf = true;
	hub_up();
	run(TICK_MS(20));
	hub_down(true);
	side[SPOKE].deaf = false;
	hub_up();
	run(TICK_S(1));
	ck_assert_int_eq(side[SPOKE].why, IKE_DOWN_RESTARTED);
	ck_assert_uint_eq(side[HUB].ups, 2);
}
END_TEST

/* An orderly end is told by deletes. Whoever acknowledged one is not kept; who could not hear it is. */
START_TEST(stopped)
{
	side[SPOKE].deaf = _i;
	hub_down(false);
	read_rows();
	ck_assert_uint_eq(rows, (unsigned)_i);
	side[SPOKE].deaf = false;
	hub_up();
	run(TICK_S(2));
	ck_assert_int_eq(side[SPOKE].why, _i ? IKE_DOWN_RESTARTED : IKE_DOWN_DELETED);
	ck_assert_uint_eq(side[HUB].ups, 2);
}
END_TEST

/* The lifetime of the SA is over when we come back: nobody has it any more. */
START_TEST(too_late)
{
	hub_down(true);
	now += TICK_S(4000);
	wall += 4000;
	hub_up();
	ck_assert_str_ne(side[HUB].t.last_word, "restarted");
	hub_down(true);
	read_rows();
	ck_assert_uint_eq(rows, 0);
}
END_TEST

Suite *keep_sa_suite(void);

Suite *
keep_sa_suite(void)
{
	Suite *s = suite_create("keep_sa");
	TCase *c = tcase_create("keep_sa");

	tcase_add_checked_fixture(c, make, unmake);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, killed);
	tcase_add_test(c, nobody_hears);
	tcase_add_test(c, killed_twice);
	tcase_add_loop_test(c, stopped, 0, 2);
	tcase_add_test(c, too_late);
	suite_add_tcase(s, c);
	return s;
}
