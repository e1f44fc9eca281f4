/* Twin of nhrpd/daemon/workers.c: everything comes back once, urgent things first, and nothing waits for anything else.
 * This is what is run under the thread sanitizer as well (doc/architecture.md). */
#include "nhrpd/daemon/workers.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/daemon_io/world.h"

enum { ITEMS = 3000 };

struct item {
	unsigned number, worked, back;
	pthread_t by;
	bool again;
};

static struct world w;
static struct item items[ITEMS];
static unsigned n_back, n_dropped, order[2 * ITEMS];
static struct workers *pool;
static pthread_mutex_t gate;

static void
work(void *arg)
{
	struct item *i = arg;

	i->worked++;
	i->by = pthread_self();
}

/* The first thing to be worked on waits at the gate. */
static void
work_at_gate(void *arg)
{
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	work(arg);
}

static void
back(void *ctx, void *arg)
{
	struct item *i = arg;

	ck_assert_ptr_eq(ctx, &w);
	i->back++;
	order[n_back++] = i->number;
	if (i->again) {
		i->again = false;
		i->back = i->worked = 0;
		ck_assert(workers_submit(pool, i, true));
	}
}

static void
drop(void *arg)
{
	(void)arg;
	n_dropped++;
}

static void
start(unsigned threads, work_fn *fn)
{
	char why[128];

	world_init(&w);
	memset(items, 0, sizeof(items));
	n_back = n_dropped = 0;
	for (unsigned i = 0; i < ITEMS; i++)
		items[i].number = i;
	pthread_mutex_init(&gate, NULL);
	pool = workers_new(&w.host, threads, fn, back, &w, why, sizeof(why));
	ck_assert_msg(pool != NULL, "%s", why);
}

static void
end(void)
{
	workers_free(pool, drop);
	ck_assert_int_eq(w.watching, 0);
	ck_assert_int_eq(w.t.live, 0);
}

START_TEST(everything_comes_back_once)
{
	struct workers_stats st;

	start(3, work);
	for (unsigned i = 0; i < ITEMS; i++) {
		items[i].again = i % 7 == 0;
		ck_assert(workers_submit(pool, &items[i], i % 2));
	}
	ck_assert(world_until(&w, &n_back, ITEMS + (ITEMS + 6) / 7, 20000) || n_back >= ITEMS);
	for (unsigned i = 0; i < ITEMS; i++) {
		ck_assert_uint_eq(items[i].worked, 1);
		ck_assert_uint_eq(items[i].back, 1);
		ck_assert(!pthread_equal(items[i].by, pthread_self()));
	}
	workers_stats(pool, &st);
	ck_assert_uint_eq(st.threads, 3);
	ck_assert_uint_eq(st.done, ITEMS + (ITEMS + 6) / 7);
	ck_assert_uint_eq(st.refused, 0);
	ck_assert_uint_eq(st.waiting[0] + st.waiting[1], 0);
	end();
	ck_assert_uint_eq(n_dropped, 0);
}
END_TEST

static unsigned
waiting(void)
{
	struct workers_stats st;

	workers_stats(pool, &st);
	return st.waiting[0] + st.waiting[1];
}

/* One thread, held at the gate by the first item, then ten strangers and ten urgent ones in this order: the urgent go
 * first, except that every eighth turn is a stranger's. */
START_TEST(urgent_ones_go_first)
{
	unsigned first_stranger = 0, last_urgent = 0;

	start(1, work_at_gate);
	pthread_mutex_lock(&gate);
	ck_assert(workers_submit(pool, &items[0], true));
	for (int i = 0; i < 1000 && waiting(); i++)
		usleep(1000);
	ck_assert_uint_eq(waiting(), 0);
	for (unsigned i = 1; i <= 20; i++)
		ck_assert(workers_submit(pool, &items[i], i > 10));
	pthread_mutex_unlock(&gate);
	ck_assert(world_until(&w, &n_back, 21, 10000));
	for (unsigned i = 1; i < 21; i++) {
		bool stranger = order[i] <= 10;

		if (stranger && !first_stranger)
			first_stranger = i;
		if (!stranger)
			last_urgent = i;
	}
	ck_assert_uint_ge(first_stranger, 5);	/* not at once, */
	ck_assert_uint_lt(first_stranger, WORKERS_TURN);	/* but before all the others */
	ck_assert_uint_le(last_urgent, 12);
	for (unsigned i = 2, last = 0; i < 21; i++) {	/* each kind in its own order */
		if (order[i] > 10)
			continue;
		ck_assert_uint_gt(order[i], last);
		last = order[i];
	}
	end();
}
END_TEST

START_TEST(a_full_queue_refuses)
{
	struct workers_stats st;

	start(1, work_at_gate);
	pthread_mutex_lock(&gate);
	ck_assert(workers_submit(pool, &items[0], true));
	for (int i = 0; i < 1000 && waiting(); i++)
		usleep(1000);
	for (unsigned i = 0; i < WORKERS_QUEUE_MAX; i++)
		ck_assert(workers_submit(pool, &items[1 + i % 100], false));
	ck_assert(!workers_submit(pool, &items[1], false));
	ck_assert(workers_submit(pool, &items[1], true));	/* the other queue has room */
	workers_stats(pool, &st);
	ck_assert_uint_eq(st.refused, 1);
	ck_assert_uint_eq(st.most[0], WORKERS_QUEUE_MAX);
	pthread_mutex_unlock(&gate);
	end();	/* with much still waiting */
	ck_assert_uint_gt(n_dropped, 0);
}
END_TEST

START_TEST(nothing_is_lost_at_the_end)
{
	start(2, work);
	for (unsigned i = 0; i < 500; i++)
		ck_assert(workers_submit(pool, &items[i], i & 1));
	world_spin(&w, 0);
	end();
	ck_assert_uint_eq(n_back + n_dropped, 500);
}
END_TEST

START_TEST(no_memory_no_pool)
{
	char why[128];

	for (int at = 1; at <= 4; at++) {
		world_init(&w);
		w.t.fail_at = at;
		ck_assert_ptr_null(workers_new(&w.host, 1, work, back, &w, why, sizeof(why)));
		ck_assert_str_eq(why, "out of memory");
		ck_assert_int_eq(w.t.live, 0);
	}
	world_init(&w);
	w.fail_watch = 1;
	ck_assert_ptr_null(workers_new(&w.host, 1, work, back, &w, why, sizeof(why)));
	ck_assert_int_eq(w.t.live, 0);
	ck_assert_int_eq(w.watching, 0);
}
END_TEST

Suite *
suite_workers(void)
{
	Suite *s = suite_create("workers");
	TCase *tc = tcase_create("workers");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, everything_comes_back_once);
	tcase_add_test(tc, urgent_ones_go_first);
	tcase_add_test(tc, a_full_queue_refuses);
	tcase_add_test(tc, nothing_is_lost_at_the_end);
	tcase_add_test(tc, no_memory_no_pool);
	suite_add_tcase(s, tc);
	return s;
}
