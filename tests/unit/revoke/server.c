#include "tests/unit/revoke/server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/harness.h"

enum { PIECE = 65536, ENDLESS = 64 << 20 };

static void
put(int fd, const char *text)
{
	size_t n = strlen(text);

	if (write(fd, text, n) != (ssize_t)n)
		_exit(0);
}

static void
body(int fd, struct span s)
{
	char head[128];

	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", s.n);
	put(fd, head);
	for (size_t at = 0; at < s.n;) {
		ssize_t n = write(fd, s.p + at, s.n - at);

		if (n <= 0)
			_exit(0);
		at += (size_t)n;
	}
}

/* Ends when the other side has had enough. */
static void
endless(int fd)
{
	static const char piece[PIECE];

	put(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
	for (size_t sent = 0; sent < ENDLESS; sent += PIECE) {
		if (write(fd, piece, PIECE) <= 0)
			_exit(0);
	}
}

/* A little now and then: never silent, never done. */
static void
drip(int fd)
{
	put(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
	for (;;) {
		put(fd, "x");
		usleep(100000);
	}
}

static void
redirect(int fd, const struct server *s, const char *path)
{
	char head[256];

	if (strstr(path, "file"))
		snprintf(head, sizeof(head), "HTTP/1.1 302 Found\r\nLocation: file:///etc/hostname\r\nContent-Length: 0\r\n\r\n");
	else if (strstr(path, "loop"))
		snprintf(head, sizeof(head), "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%u/redirect-loop\r\nContent-Length: 0\r\n\r\n", s->port);
	else
		snprintf(head, sizeof(head), "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%u/other\r\nContent-Length: 0\r\n\r\n", s->port);
	put(fd, head);
}

static void
hold(int fd, const struct server *s)
{
	atomic_fetch_add(&s->seen->holding, 1);
	while (!atomic_load(&s->seen->release))
		usleep(5000);
	body(fd, s->good);
}

static void
serve(int fd, const struct server *s)
{
	char in[4096] = "", path[256] = "", verb[8] = "";
	ssize_t n = read(fd, in, sizeof(in) - 1);

	if (n <= 0 || sscanf(in, "%7s %255s", verb, path) != 2)
		_exit(0);
	atomic_fetch_add(&s->seen->asked, 1);
	if (strcmp(verb, "POST") == 0 && strstr(in, "Content-Type: application/ocsp-request"))
		atomic_fetch_add(&s->seen->posts, 1);
	if (strcmp(path, "/good") == 0)
		atomic_fetch_add(&s->seen->good, 1);
	if (strcmp(path, "/good") == 0)
		body(fd, s->good);
	else if (strcmp(path, "/endless") == 0)
		endless(fd);
	else if (strcmp(path, "/long") == 0)
		put(fd, "HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n");
	else if (strcmp(path, "/silent") == 0)
		pause();
	else if (strcmp(path, "/drip") == 0)
		drip(fd);
	else if (strncmp(path, "/redirect", 9) == 0)
		redirect(fd, s, path);
	else if (strncmp(path, "/hold", 5) == 0)
		hold(fd, s);
	else if (strcmp(path, "/html") == 0)
		body(fd, SPAN_STR("<html>no</html>"));
	else if (strcmp(path, "/empty") == 0)
		body(fd, span_of("", 0));
	else if (strcmp(path, "/other") == 0)
		atomic_fetch_add(&s->seen->other, 1), body(fd, s->good);
	else
		put(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
	_exit(0);
}

static void
listen_on(int fd, const struct server *s)
{
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		int c = accept(fd, NULL, NULL);

		if (c >= 0 && fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			serve(c, s);
		}
		close(c);
	}
}

void
server_start(struct server *s, struct span good)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	pid_t parent = getpid();

	ck_assert(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(fd, 64) == 0 && getsockname(fd, (struct sockaddr *)&a, &len) == 0);
	s->port = ntohs(a.sin_port);
	s->good = good;
	s->seen = mmap(NULL, sizeof(*s->seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(s->seen, MAP_FAILED);
	s->pid = fork();
	ck_assert_int_ge(s->pid, 0);
	if (s->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(0);
		listen_on(fd, s);
	}
	close(fd);
}

void
server_stop(struct server *s)
{
	kill(s->pid, SIGKILL);	/* its children die with it */
	waitpid(s->pid, NULL, 0);
	munmap(s->seen, sizeof(*s->seen));
}

void
server_wait(const atomic_uint *what, unsigned least)
{
	for (unsigned i = 0; i < 2000 && atomic_load(what) < least; i++)
		usleep(5000);
	ck_assert_uint_ge(atomic_load(what), least);
}
