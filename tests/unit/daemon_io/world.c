#include "tests/unit/daemon_io/world.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { WATCHES = 8 };

struct host_watch {
	bool used;
	int fd;
	void (*fn)(void *);
	void *arg;
};

static struct host_watch watches[WATCHES];

static tick_t
now(void *ctx)
{
	struct timespec ts;

	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return TICK_S(ts.tv_sec) + (tick_t)ts.tv_nsec / 1000;
}

static struct host_watch *
watch(void *ctx, int fd, void (*readable)(void *), void *arg)
{
	struct world *w = ctx;

	if (w->fail_watch > 0 && --w->fail_watch == 0)
		return NULL;
	for (int i = 0; i < WATCHES; i++) {
		if (watches[i].used)
			continue;
		watches[i] = (struct host_watch){ true, fd, readable, arg };
		w->watching++;
		return &watches[i];
	}
	ck_abort_msg("too many watches");
	return NULL;
}

static void
unwatch(void *ctx, struct host_watch *h)
{
	struct world *w = ctx;

	if (!h)
		return;
	ck_assert(h->used);
	ck_assert_msg(fcntl(h->fd, F_GETFD) >= 0, "unwatched after its descriptor was closed");
	h->used = false;
	w->watching--;
}

void
world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	test_env_init(&w->t);
	w->host = (struct host){ .ctx = w, .now = now, .watch = watch, .unwatch = unwatch, .env = &w->t.env, .log = &w->t.log };
}

static int
poll_once(int ms)
{
	struct pollfd p[WATCHES];
	int n;

	for (int i = 0; i < WATCHES; i++)
		p[i] = (struct pollfd){ watches[i].used ? watches[i].fd : -1, POLLIN, 0 };
	n = poll(p, WATCHES, ms);
	for (int i = 0; i < WATCHES; i++) {
		if (p[i].fd >= 0 && p[i].revents && watches[i].used)
			watches[i].fn(watches[i].arg);
	}
	return n;
}

void
world_spin(struct world *w, int quiet_ms)
{
	(void)w;
	while (poll_once(quiet_ms) > 0)
		;
}

bool
world_until(struct world *w, const unsigned *what, unsigned least, int ms)
{
	tick_t end = now(w) + TICK_MS(ms);

	while (*what < least && now(w) < end)
		poll_once(20);
	return *what >= least;
}

void
world_put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		ck_assert(write(fd, text, strlen(text)) >= 0);
		close(fd);
	}
}

bool
world_try(const char *command)
{
	return system(command) == 0;
}

void
world_sh(const char *command)
{
	ck_assert_msg(world_try(command), "%s", command);
}

bool
world_userns(void)
{
	char map[64];
	uid_t uid = getuid();

	if (uid == 0)
		return true;
	if (unshare(CLONE_NEWUSER) != 0)
		return false;
	snprintf(map, sizeof(map), "0 %d 1", (int)uid);
	world_put("/proc/self/uid_map", map);
	return true;
}

bool
world_netns(void)
{
	if (!world_userns() || unshare(CLONE_NEWNET) != 0 || !world_try("ip link set lo up 2>/dev/null")) {
		printf("skipped: cannot make a network namespace here\n");
		return false;
	}
	return true;
}
