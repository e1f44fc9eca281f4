#include "nhrpd/daemon/loop.h"

#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

struct host_watch {
	struct loop *loop;
	union {
		ev_io io;
		ev_timer timer;
	} w;
	bool is_timer;
	void (*fn)(void *arg);
	void *arg;
};

tick_t
loop_now(const struct loop *l)
{
	struct timespec ts;

	(void)l;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return TICK_S(ts.tv_sec) + (tick_t)ts.tv_nsec / 1000;
}

static tick_t
host_now(void *ctx)
{
	return loop_now(ctx);
}

static void
on_io(struct ev_loop *ev, ev_io *io, int events)
{
	struct host_watch *w = io->data;
	struct loop *l = w->loop;

	(void)ev;
	(void)events;
	w->fn(w->arg);	/* may unwatch and so free w */
	l->after(l->ctx);
}

static struct host_watch *
watch(void *ctx, int fd, int events, void (*fn)(void *arg), void *arg)
{
	struct loop *l = ctx;
	struct host_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	*w = (struct host_watch){ .loop = l, .fn = fn, .arg = arg };
	ev_io_init(&w->w.io, on_io, fd, events);
	w->w.io.data = w;
	ev_io_start(l->ev, &w->w.io);
	return w;
}

static struct host_watch *
host_watch(void *ctx, int fd, void (*readable)(void *arg), void *arg)
{
	return watch(ctx, fd, EV_READ, readable, arg);
}

static struct host_watch *
host_watch_out(void *ctx, int fd, void (*writable)(void *arg), void *arg)
{
	return watch(ctx, fd, EV_WRITE, writable, arg);
}

static void
host_unwatch(void *ctx, struct host_watch *w)
{
	struct loop *l = ctx;

	if (!w)
		return;
	if (w->is_timer)
		ev_timer_stop(l->ev, &w->w.timer);
	else
		ev_io_stop(l->ev, &w->w.io);
	free(w);
}

static void
on_timer(struct ev_loop *ev, ev_timer *t, int events)
{
	struct host_watch *w = t->data;
	struct loop *l = w->loop;
	void (*fn)(void *) = w->fn;
	void *arg = w->arg;

	(void)ev;
	(void)events;
	free(w);	/* one shot: the handle ends here */
	fn(arg);
	l->after(l->ctx);
}

static struct host_watch *
host_after(void *ctx, tick_t delay, void (*fn)(void *arg), void *arg)
{
	struct loop *l = ctx;
	struct host_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	*w = (struct host_watch){ .loop = l, .fn = fn, .arg = arg, .is_timer = true };
	ev_now_update(l->ev);	/* libev counts from the start of the round, which a long callback leaves far behind */
	ev_timer_init(&w->w.timer, on_timer, (double)delay / 1e6, 0.);
	w->w.timer.data = w;
	ev_timer_start(l->ev, &w->w.timer);
	return w;
}

/* The kernel's random source does not fail for up to 256 octets once it is seeded, and blocks before; larger ones come in parts. */
static void
os_random(void *ctx, void *out, size_t n)
{
	uint8_t *p = out;

	(void)ctx;
	while (n) {
		ssize_t k = getrandom(p, n < 256 ? n : 256, 0);

		if (k <= 0)
			continue;
		p += k;
		n -= (size_t)k;
	}
}

static void
no_after(void *ctx)
{
	(void)ctx;
}

bool
loop_init(struct loop *l, struct log *log)
{
	*l = (struct loop){ .after = no_after };
	l->ev = ev_default_loop(EVFLAG_AUTO);
	env_libc(&l->env);
	l->env.random = os_random;
	l->env.log = log;
	l->host = (struct host){ .ctx = l, .now = host_now, .watch = host_watch, .watch_out = host_watch_out, .unwatch = host_unwatch, .after = host_after, .env = &l->env,
		.log = log };
	return l->ev != NULL;
}

void
loop_fini(struct loop *l)
{
	ev_loop_destroy(l->ev);
}
