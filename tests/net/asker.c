/* tests/net/asker: asks the daemon's control socket one thing again and again, and says how long the answers took.
 *
 *   asker SOCKET EVERY_MS COMMAND...
 *
 * Until SIGTERM, whose answer is one line: asked=, slow= (over 200 ms), mean_us=, max_us=, and how long the one that waits just then has been waiting. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { SLOW_US = 200000, BUF = 65536 };

static volatile sig_atomic_t ended;

static void
on_term(int sig)
{
	(void)sig;
	ended = 1;
}

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int
dial(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	return fd >= 0 && connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) == 0 ? fd : -1;
}

/* False: the daemon is gone, or we are to end. */
static bool
ask(int fd, const char *line, size_t n)
{
	static char buf[BUF];
	ssize_t got;

	if (write(fd, line, n) != (ssize_t)n)
		return false;
	while ((got = read(fd, buf, sizeof(buf))) > 0) {
		if (buf[got - 1] == '\n')
			return true;
	}
	return false;
}

int
main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_term };
	struct timespec pause = { 0 };
	int64_t sum = 0, max = 0, took;
	unsigned asked = 0, slow = 0;
	char line[512] = "{\"line\":\"";
	int fd;

	if (argc < 4) {
		fprintf(stderr, "usage: asker SOCKET EVERY_MS COMMAND...\n");
		return 2;
	}
	for (int i = 3; i < argc; i++)
		snprintf(line + strlen(line), sizeof(line) - strlen(line), "%s%s", i > 3 ? " " : "", argv[i]);
	snprintf(line + strlen(line), sizeof(line) - strlen(line), "\"}\n");
	pause.tv_nsec = atol(argv[2]) % 1000 * 1000000;
	sigaction(SIGTERM, &sa, NULL);	/* no SA_RESTART */
	if ((fd = dial(argv[1])) < 0) {
		fprintf(stderr, "asker: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	while (!ended) {
		int64_t t0 = now_us();
		bool whole = ask(fd, line, strlen(line));

		if (!whole && !ended)
			return 1;	/* the daemon has gone */
		took = now_us() - t0;
		asked += whole;
		slow += took > SLOW_US;
		sum += whole ? took : 0;
		max = took > max ? took : max;
		if (!ended)
			nanosleep(&pause, NULL);
	}
	printf("asked=%u slow=%u mean_us=%lld max_us=%lld\n", asked, slow, (long long)(asked ? sum / asked : 0), (long long)max);
	return 0;
}
