/* nhrpd/daemon/workers.c: see workers.h. One lock guards everything that both sides see; it is held for a few instructions,
 * never while working. Items that are done wait in a ring that has room for all that can be under way, so that a thread
 * never waits for the loop. An eventfd wakes the loop: by the first item only, the loop then takes all. */
#include "nhrpd/daemon/workers.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

enum { KINDS = 2, DONE_MAX = KINDS * WORKERS_QUEUE_MAX + WORKERS_THREADS_MAX, NICE = 5, THREADS_DEFAULT_MAX = 4 };

struct ring {
	void **item;
	unsigned cap, head, n;
};

struct workers {
	const struct host *host;
	work_fn *work;
	work_done_fn *done_fn;
	void *ctx;
	struct host_watch *watch;
	int wake;
	unsigned n_threads, in_hand, turn;
	pthread_t thread[WORKERS_THREADS_MAX];
	pthread_mutex_t lock;
	pthread_cond_t more;
	bool stop;
	struct ring wait[KINDS], done;
	struct workers_stats stats;
};

static bool
ring_init(const struct env *env, struct ring *r, unsigned cap)
{
	r->item = env_alloc(env, cap * sizeof(*r->item));
	r->cap = cap;
	return r->item != NULL;
}

static bool
ring_put(struct ring *r, void *item)
{
	if (r->n == r->cap)
		return false;
	r->item[(r->head + r->n++) % r->cap] = item;
	return true;
}

static void *
ring_take(struct ring *r)
{
	void *item;

	if (r->n == 0)
		return NULL;
	item = r->item[r->head];
	r->head = (r->head + 1) % r->cap;
	r->n--;
	return item;
}

static void
ring_fini(const struct env *env, struct ring *r, work_fn *drop)
{
	void *item;

	while ((item = ring_take(r)))
		drop(item);
	env_free(env, r->item);
}

/* ---- on the threads */

static void *
next_item(struct workers *w)
{
	unsigned first = ++w->turn % WORKERS_TURN != 0;
	void *item = ring_take(&w->wait[first]);

	return item ? item : ring_take(&w->wait[!first]);
}

/* Called with the lock held; there is room, because no more than that can be under way. */
static void
hand_back(struct workers *w, void *item)
{
	uint64_t one = 1;

	if (ring_put(&w->done, item) && w->done.n == 1 && write(w->wake, &one, sizeof(one)) < 0 && errno != EAGAIN)
		w->stats.refused++;	/* cannot be: the counter of an eventfd is full at 2^64 - 1 */
}

static void *
run(void *arg)
{
	struct workers *w = arg;
	void *item;

	setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);	/* on Linux: of this thread. Where it is refused nothing is lost. */
	pthread_mutex_lock(&w->lock);
	while (!w->stop) {
		item = next_item(w);
		if (!item) {
			pthread_cond_wait(&w->more, &w->lock);
			continue;
		}
		w->in_hand++;
		pthread_mutex_unlock(&w->lock);
		w->work(item);
		pthread_mutex_lock(&w->lock);
		w->in_hand--;
		w->stats.done++;
		hand_back(w, item);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* ---- on the loop */

static void *
take_done(struct workers *w)
{
	void *item;

	pthread_mutex_lock(&w->lock);
	item = ring_take(&w->done);
	pthread_mutex_unlock(&w->lock);
	return item;
}

/* As many as there are now: what `done` submits may be finished before it returns, and others want their turn too. */
static void
on_wake(void *arg)
{
	struct workers *w = arg;
	uint64_t count, one = 1;
	unsigned n;

	if (read(w->wake, &count, sizeof(count)) < 0)
		return;
	pthread_mutex_lock(&w->lock);
	n = w->done.n;
	pthread_mutex_unlock(&w->lock);
	while (n-- > 0)
		w->done_fn(w->ctx, take_done(w));
	pthread_mutex_lock(&w->lock);
	n = w->done.n;
	pthread_mutex_unlock(&w->lock);
	if (n && write(w->wake, &one, sizeof(one)) < 0)
		return;	/* then it is set already */
}

bool
workers_submit(struct workers *w, void *item, bool urgent)
{
	struct ring *r = &w->wait[urgent];
	bool ok;

	pthread_mutex_lock(&w->lock);
	ok = w->wait[0].n + w->wait[1].n + w->in_hand + w->done.n < DONE_MAX && ring_put(r, item);
	w->stats.refused += !ok;
	if (r->n > w->stats.most[urgent])
		w->stats.most[urgent] = r->n;
	if (ok)
		pthread_cond_signal(&w->more);
	pthread_mutex_unlock(&w->lock);
	return ok;
}

void
workers_stats(struct workers *w, struct workers_stats *out)
{
	pthread_mutex_lock(&w->lock);
	*out = w->stats;
	out->threads = w->n_threads;
	out->waiting[0] = w->wait[0].n;
	out->waiting[1] = w->wait[1].n;
	pthread_mutex_unlock(&w->lock);
}

/* ---- beginning and end */

static unsigned
threads_default(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN) - 1;

	return n < 1 ? 1 : n > THREADS_DEFAULT_MAX ? THREADS_DEFAULT_MAX : (unsigned)n;
}

/* Signals are the loop's. */
static void
start_threads(struct workers *w, unsigned n)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (w->n_threads < n && w->n_threads < WORKERS_THREADS_MAX && pthread_create(&w->thread[w->n_threads], NULL, run, w) == 0)
		w->n_threads++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct workers *
workers_new(const struct host *host, unsigned threads, work_fn *work, work_done_fn *done, void *ctx, char *why, size_t n_why)
{
	struct workers *w = env_alloc(host->env, sizeof(*w));

	snprintf(why, n_why, "out of memory");
	if (!w)
		return NULL;
	*w = (struct workers){ .host = host, .work = work, .done_fn = done, .ctx = ctx, .wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	if (w->wake < 0)
		snprintf(why, n_why, "eventfd: %s", strerror(errno));
	else if (ring_init(host->env, &w->wait[0], WORKERS_QUEUE_MAX) && ring_init(host->env, &w->wait[1], WORKERS_QUEUE_MAX) &&
	    ring_init(host->env, &w->done, DONE_MAX) && (w->watch = host->watch(host->ctx, w->wake, on_wake, w))) {
		start_threads(w, threads ? threads : threads_default());
		if (w->n_threads)
			return w;
		snprintf(why, n_why, "cannot start a thread");
	}
	workers_free(w, NULL);
	return NULL;
}

void
workers_free(struct workers *w, work_fn *drop)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_broadcast(&w->more);
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < w->n_threads; i++)
		pthread_join(w->thread[i], NULL);
	ring_fini(w->host->env, &w->wait[0], drop);
	ring_fini(w->host->env, &w->wait[1], drop);
	ring_fini(w->host->env, &w->done, drop);
	if (w->watch)
		w->host->unwatch(w->host->ctx, w->watch);
	if (w->wake >= 0)
		close(w->wake);
	pthread_cond_destroy(&w->more);
	pthread_mutex_destroy(&w->lock);
	env_free(w->host->env, w);
}
