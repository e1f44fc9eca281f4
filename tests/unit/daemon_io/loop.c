/* The daemon's host on libev, with pipes and short times. What takes time is judged from below only: a loaded machine may be
 * late, but never early. */
#include "nhrpd/daemon/loop.h"

#include <stdio.h>
#include <unistd.h>

#include "tests/unit/daemon_io/world.h"

enum { MARKS = 32 };

static struct loop loop;
static struct host *host;
static char a[] = "a", b[] = "b", x[] = "x", one[] = "1", two[] = "2", own_mark[] = "w";
static char marks[MARKS + 1];	/* what ran, in order */
static unsigned n_marks;
static int fd[2];
static struct host_watch *own, *other;
static tick_t fired_at;

static void
mark(char c)
{
	ck_assert_uint_lt(n_marks, MARKS);
	marks[n_marks++] = c;
}

static void
after(void *ctx)
{
	ck_assert_ptr_eq(ctx, marks);
	mark('.');
}

static void
start(void)
{
	ck_assert(loop_init(&loop, NULL));
	host = &loop.host;
	loop.after = after;
	loop.ctx = marks;
	memset(marks, 0, sizeof(marks));
	n_marks = 0;
	ck_assert_int_eq(pipe(fd), 0);
}

static void
stop(void)
{
	loop_fini(&loop);
	close(fd[0]);
	close(fd[1]);
}

static void
end(void *arg)
{
	(void)arg;
	mark('E');
	ev_break(loop.ev, EVBREAK_ALL);
}

/* Runs the loop for ms, then marks E. */
static void
run(unsigned ms)
{
	ck_assert_ptr_nonnull(host->after(host->ctx, TICK_MS(ms), end, NULL));
	ev_run(loop.ev, 0);
}

static void
on_timer(void *arg)
{
	fired_at = host->now(host->ctx);
	mark(*(const char *)arg);
}

START_TEST(timers_fire_once_in_order_and_not_early)
{
	tick_t began;

	start();
	began = host->now(host->ctx);
	ck_assert_ptr_nonnull(host->after(host->ctx, TICK_MS(60), on_timer, b));
	ck_assert_ptr_nonnull(host->after(host->ctx, TICK_MS(20), on_timer, a));
	run(100);
	ck_assert_str_eq(marks, "a.b.E.");
	ck_assert_uint_ge(fired_at - began, TICK_MS(60));
	stop();
}
END_TEST

/* libev's idea of now is as old as the current round of the loop: a delay counts from the call all the same. */
START_TEST(a_delay_counts_from_the_call)
{
	tick_t began;

	start();
	usleep(120000);
	began = host->now(host->ctx);
	ck_assert_ptr_nonnull(host->after(host->ctx, TICK_MS(50), on_timer, a));
	run(80);
	ck_assert_str_eq(marks, "a.E.");
	ck_assert_uint_ge(fired_at - began, TICK_MS(50));
	stop();
}
END_TEST

START_TEST(a_timer_taken_back_stays_silent)
{
	struct host_watch *t;

	start();
	t = host->after(host->ctx, TICK_MS(10), on_timer, x);
	host->unwatch(host->ctx, t);
	host->unwatch(host->ctx, NULL);
	run(40);
	ck_assert_str_eq(marks, "E.");
	stop();
}
END_TEST

static void
on_first_of_two(void *arg)
{
	mark(*(const char *)arg);
	host->unwatch(host->ctx, other);	/* due in the same round */
}

START_TEST(a_due_timer_can_still_be_taken_back)
{
	start();
	ck_assert_ptr_nonnull(host->after(host->ctx, 0, on_first_of_two, one));
	other = host->after(host->ctx, TICK_MS(1), on_timer, two);
	usleep(20000);	/* both are due in the first round */
	run(40);
	ck_assert_str_eq(marks, "1.E.");
	stop();
}
END_TEST

static void
again(void *arg)
{
	unsigned *left = arg;

	mark('t');
	if (--*left)
		ck_assert_ptr_nonnull(host->after(host->ctx, TICK_MS(1), again, left));
}

START_TEST(a_timer_may_start_the_next)
{
	unsigned left = 3;

	start();
	ck_assert_ptr_nonnull(host->after(host->ctx, 0, again, &left));
	run(60);
	ck_assert_str_eq(marks, "t.t.t.E.");
	stop();
}
END_TEST

static void
on_readable(void *arg)
{
	char c;

	(void)arg;
	ck_assert_int_eq(read(fd[0], &c, 1), 1);
	mark(c);
}

START_TEST(a_watch_fires_while_readable)
{
	struct host_watch *w;

	start();
	w = host->watch(host->ctx, fd[0], on_readable, NULL);
	ck_assert_int_eq(write(fd[1], "xyz", 3), 3);
	run(40);
	ck_assert_str_eq(marks, "x.y.z.E.");	/* one call a round: nothing is lost, others get their turn */
	host->unwatch(host->ctx, w);
	ck_assert_int_eq(write(fd[1], "u", 1), 1);
	run(20);
	ck_assert_str_eq(marks, "x.y.z.E.E.");
	stop();
}
END_TEST

static void
on_last(void *arg)
{
	mark(*(const char *)arg);
	host->unwatch(host->ctx, own);
	own = NULL;
}

START_TEST(a_watch_may_end_itself)
{
	start();
	own = host->watch(host->ctx, fd[0], on_last, own_mark);
	ck_assert_int_eq(write(fd[1], "xy", 2), 2);
	run(30);
	ck_assert_str_eq(marks, "w.E.");
	stop();
}
END_TEST

/* Both are ready in the same round; the one that comes first ends both, whichever that is. */
static void
on_either(void *arg)
{
	mark('e');
	host->unwatch(host->ctx, own);
	host->unwatch(host->ctx, other);
	own = other = NULL;
	(void)arg;
}

START_TEST(a_watch_may_end_another_that_is_ready)
{
	int second;

	start();
	second = dup(fd[0]);
	own = host->watch(host->ctx, fd[0], on_either, NULL);
	other = host->watch(host->ctx, second, on_either, NULL);
	ck_assert_int_eq(write(fd[1], "x", 1), 1);
	run(30);
	ck_assert_str_eq(marks, "e.E.");
	close(second);
	stop();
}
END_TEST

START_TEST(without_a_hook_it_runs_too)
{
	start();
	ck_assert(loop_init(&loop, NULL));
	run(5);
	ck_assert_str_eq(marks, "E");
	stop();
}
END_TEST

START_TEST(time_runs_and_memory_is_zero)
{
	tick_t before, later;
	uint8_t *p;

	start();
	before = loop_now(&loop);
	usleep(2000);
	later = host->now(host->ctx);
	ck_assert_uint_ge(later - before, TICK_MS(2));
	p = env_alloc(host->env, 64);
	for (int i = 0; i < 64; i++)
		ck_assert_uint_eq(p[i], 0);
	env_free(host->env, p);
	env_free(host->env, NULL);
	stop();
}
END_TEST

/* All octets are written, whatever the size: in 20 draws of 3000 each place differs at least once. */
START_TEST(random_fills_all)
{
	static uint8_t first[3000], next[3000];
	static bool differs[3000];
	uint8_t guard[3] = { 1, 2, 3 };

	start();
	host->env->random(host->env->ctx, first, sizeof(first));
	for (int i = 0; i < 20; i++) {
		host->env->random(host->env->ctx, next, sizeof(next));
		for (size_t k = 0; k < sizeof(next); k++)
			differs[k] |= first[k] != next[k];
	}
	for (size_t k = 0; k < sizeof(differs); k++)
		ck_assert_msg(differs[k], "octet %zu never changes", k);
	host->env->random(host->env->ctx, guard + 1, 0);
	ck_assert(guard[0] == 1 && guard[1] == 2 && guard[2] == 3);
	stop();
}
END_TEST

Suite *
suite_loop(void)
{
	Suite *s = suite_create("daemon_io/loop");
	TCase *c = tcase_create("loop");

	tcase_set_timeout(c, 20);
	tcase_add_test(c, timers_fire_once_in_order_and_not_early);
	tcase_add_test(c, a_delay_counts_from_the_call);
	tcase_add_test(c, a_timer_taken_back_stays_silent);
	tcase_add_test(c, a_due_timer_can_still_be_taken_back);
	tcase_add_test(c, a_timer_may_start_the_next);
	tcase_add_test(c, a_watch_fires_while_readable);
	tcase_add_test(c, a_watch_may_end_itself);
	tcase_add_test(c, a_watch_may_end_another_that_is_ready);
	tcase_add_test(c, without_a_hook_it_runs_too);
	tcase_add_test(c, time_runs_and_memory_is_zero);
	tcase_add_test(c, random_fills_all);
	suite_add_tcase(s, c);
	return s;
}
