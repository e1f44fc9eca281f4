/* nhrpd/daemon/zdial.c: see zdial.h. Two processes and a socket of packets between them: a path and a number one way; that number, an
 * errno and perhaps a connection the other way. An answer with another number than the last question's is for nobody. */
#include "nhrpd/daemon/zdial.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct question {
	uint32_t number;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};
struct reply {
	uint32_t number;
	int error;
};

struct zdial {
	const struct host *host;
	struct host_watch *watch;
	int fd;
	pid_t pid;
	uint32_t number;
	void (*done)(void *arg, int fd);	/* NULL: nobody asks */
	void *arg;
};

/* ---- the other process */

static int
connect_to(const struct question *q)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), e;

	memcpy(sun.sun_path, q->path, sizeof(sun.sun_path));
	sun.sun_path[sizeof(sun.sun_path) - 1] = '\0';
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) < 0) {
		e = errno;
		close(fd);
		return -e;
	}
	return fd >= 0 ? fd : -errno;
}

static void
hand_back(int to, uint32_t number, int fd)
{
	struct reply r = { number, fd < 0 ? -fd : 0 };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} c = { .room = { 0 } };
	struct iovec iov = { &r, sizeof(r) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		m.msg_control = c.room;
		m.msg_controllen = sizeof(c.room);
		c.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&c.head), &fd, sizeof(fd));
	}
	sendmsg(to, &m, MSG_NOSIGNAL);
	if (fd >= 0)
		close(fd);
}

/* One capability, and a handful of calls. Where the kernel has no filters the capability alone is the bound. */
static void
confine(void)
{
	static const int calls[] = { SCMP_SYS(recvmsg), SCMP_SYS(recvfrom), SCMP_SYS(recv), SCMP_SYS(sendmsg), SCMP_SYS(socket), SCMP_SYS(connect), SCMP_SYS(close),
		SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigreturn), SCMP_SYS(restart_syscall) };
	scmp_filter_ctx f;

	capng_clear(CAPNG_SELECT_ALL);
	capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_DAC_OVERRIDE);
	if (capng_apply(CAPNG_SELECT_CAPS) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		_exit(1);
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0 || !(f = seccomp_init(SCMP_ACT_ERRNO(EPERM))))
		return;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		seccomp_rule_add(f, SCMP_ACT_ALLOW, calls[i], 0);
	seccomp_load(f);
	seccomp_release(f);
}

static _Noreturn void
serve(int fd)
{
	struct question q;

	signal(SIGINT, SIG_IGN);	/* the daemon's end is ours, when it comes */
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	prctl(PR_SET_NAME, "nhrpd: zebra");
	if (fd != 3)
		dup2(fd, 3);
	close_range(4, ~0u, 0);
	fd = 3;
	confine();
	while (recv(fd, &q, sizeof(q), 0) == sizeof(q))
		hand_back(fd, q.number, connect_to(&q));
	_exit(0);
}

/* ---- here */

/* The connection in a packet, or -1. */
static int
taken(struct msghdr *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	int fd = -1;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static void
give(struct zdial *d, int fd)
{
	void (*done)(void *, int) = d->done;

	d->done = NULL;
	if (done)
		done(d->arg, fd);
	else if (fd >= 0)
		close(fd);
}

static void
on_reply(void *arg)
{
	struct zdial *d = arg;
	struct reply r = { 0, 0 };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} c;
	struct iovec iov = { &r, sizeof(r) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = c.room, .msg_controllen = sizeof(c.room) };
	ssize_t n = recvmsg(d->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int fd = n == sizeof(r) ? taken(&m) : -1;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n != sizeof(r)) {	/* it has ended */
		d->host->unwatch(d->host->ctx, d->watch);
		d->watch = NULL;
		give(d, -EACCES);
	} else if (r.number != d->number && fd >= 0) {
		close(fd);
	} else if (r.number == d->number) {
		give(d, fd >= 0 ? fd : r.error ? -r.error : -EACCES);
	}
}

void
zdial_ask(struct zdial *d, const char *path, void (*done)(void *arg, int fd), void *arg)
{
	struct question q = { .number = ++d->number };

	d->done = path ? done : NULL;
	d->arg = arg;
	if (!path)
		return;
	snprintf(q.path, sizeof(q.path), "%s", path);
	if (!d->watch || send(d->fd, &q, sizeof(q), MSG_DONTWAIT | MSG_NOSIGNAL) != sizeof(q))
		give(d, -EACCES);
}

struct zdial *
zdial_new(const struct host *host, char *err, size_t errlen)
{
	struct zdial *d;
	int pair[2];

	if (capng_get_caps_process() != 0 || !capng_have_capability(CAPNG_EFFECTIVE, CAP_DAC_OVERRIDE)) {
		snprintf(err, errlen, "no CAP_DAC_OVERRIDE");
		return NULL;
	}
	if (!(d = env_alloc(host->env, sizeof(*d))) || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		snprintf(err, errlen, "%s", d ? strerror(errno) : "out of memory");
		env_free(host->env, d);
		return NULL;
	}
	*d = (struct zdial){ .host = host, .fd = pair[0], .pid = fork() };
	if (d->pid == 0)
		serve(pair[1]);
	close(pair[1]);
	if (d->pid > 0)
		d->watch = host->watch(host->ctx, d->fd, on_reply, d);
	if (d->watch)
		return d;
	snprintf(err, errlen, "%s", d->pid < 0 ? strerror(errno) : "out of memory");
	zdial_free(d);
	return NULL;
}

void
zdial_free(struct zdial *d)
{
	if (!d)
		return;
	d->host->unwatch(d->host->ctx, d->watch);
	close(d->fd);	/* by which it ends */
	env_free(d->host->env, d);
}
