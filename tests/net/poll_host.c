#include "tests/net/poll_host.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

enum { WATCHES_MAX = 64 };

struct host_watch {
	struct host_watch *next;
	int fd;	/* -1: a timer */
	short events;
	tick_t at;
	void (*fn)(void *arg);
	void *arg;
	bool gone;
};

struct poll_host {
	struct host host;
	struct env env;
	struct log log;
	struct host_watch *all;
	bool stop;
};

static void *
alloc(void *ctx, size_t n)
{
	(void)ctx;
	return calloc(1, n ? n : 1);
}

static void
release(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

static void
random_octets(void *ctx, void *out, size_t n)
{
	(void)ctx;
	if (getrandom(out, n, 0) != (ssize_t)n)
		abort();
}

static void
log_line(void *ctx, enum log_level lv, const char *word, const char *text)
{
	(void)ctx;
	fprintf(stderr, "%s %s: %s\n", log_level_name(lv), word, text);
}

static tick_t
now(void *ctx)
{
	struct timespec ts;

	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return TICK_S(ts.tv_sec) + (tick_t)ts.tv_nsec / 1000;
}

static struct host_watch *
add(struct poll_host *p, int fd, short events, tick_t at, void (*fn)(void *), void *arg)
{
	struct host_watch *w = calloc(1, sizeof(*w));

	if (w) {
		*w = (struct host_watch){ p->all, fd, events, at, fn, arg, false };
		p->all = w;
	}
	return w;
}

static struct host_watch *
watch(void *ctx, int fd, void (*readable)(void *), void *arg)
{
	return add(ctx, fd, POLLIN, TICK_NEVER, readable, arg);
}

static struct host_watch *
watch_out(void *ctx, int fd, void (*writable)(void *), void *arg)
{
	return add(ctx, fd, POLLOUT, TICK_NEVER, writable, arg);
}

static struct host_watch *
after(void *ctx, tick_t delay, void (*fn)(void *), void *arg)
{
	return add(ctx, -1, 0, now(NULL) + delay, fn, arg);
}

static void
unwatch(void *ctx, struct host_watch *w)
{
	(void)ctx;
	if (w)
		w->gone = true;
}

static void
sweep(struct poll_host *p, bool all)
{
	for (struct host_watch **at = &p->all; *at;) {
		struct host_watch *w = *at;

		if (w->gone || all) {
			*at = w->next;
			free(w);
		} else {
			at = &w->next;
		}
	}
}

struct poll_host *
poll_host_new(void)
{
	struct poll_host *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->log = (struct log){ log_line, p, LOG_LV_INFO };
	p->env = (struct env){ p, alloc, release, random_octets, &p->log };
	p->host = (struct host){ .ctx = p, .now = now, .watch = watch, .watch_out = watch_out, .unwatch = unwatch, .after = after, .env = &p->env, .log = &p->log };
	return p;
}

void
poll_host_free(struct poll_host *p)
{
	sweep(p, true);
	free(p);
}

const struct host *
poll_host_face(struct poll_host *p)
{
	return &p->host;
}

void
poll_host_stop(struct poll_host *p)
{
	p->stop = true;
}

static void
step(struct poll_host *p, tick_t until)
{
	struct pollfd fds[WATCHES_MAX];
	struct host_watch *of[WATCHES_MAX];
	tick_t t = now(NULL), wake = until;
	nfds_t n = 0;

	for (struct host_watch *w = p->all; w; w = w->next) {
		if (w->fd < 0)
			wake = tick_min(wake, w->at);
		else if (n < WATCHES_MAX) {
			fds[n] = (struct pollfd){ w->fd, w->events, 0 };
			of[n++] = w;
		}
	}
	if (poll(fds, n, wake > t ? (int)((wake - t + 999) / 1000) : 0) > 0)
		for (nfds_t i = 0; i < n; i++)
			if (fds[i].revents && !of[i]->gone)
				of[i]->fn(of[i]->arg);
	t = now(NULL);
	for (struct host_watch *w = p->all; w; w = w->next)
		if (w->fd < 0 && !w->gone && w->at <= t) {
			w->gone = true;
			w->fn(w->arg);
		}
	sweep(p, false);
}

void
poll_host_run(struct poll_host *p, tick_t for_us)
{
	tick_t until = for_us == TICK_NEVER ? TICK_NEVER : now(NULL) + for_us;

	p->stop = false;
	while (!p->stop && now(NULL) < until)
		step(p, tick_min(until, now(NULL) + TICK_S(10)));
}
