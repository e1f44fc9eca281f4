/* nhrpd/daemon/names.c: see names.h. A lookup owns itself: the thread writes a pointer to it into a pipe, the loop's side
 * reads it and frees it. Both ends of the pipe are shared by count, so that a thread that outlives names_free() writes
 * into something that is still read: by the last one to leave, who frees what nobody waits for. */
#include "nhrpd/daemon/names.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_MAX_LEN = 253 /* RFC 1035, as text */ };

struct pipe_both {
	int rd, wr;
	atomic_int users;
};

struct lookup {
	uint32_t tunnel, nhs;
	char name[NAME_MAX_LEN + 1];
	struct pipe_both *pipe;
	struct addr addrs[NAMES_ADDRS_MAX];
	unsigned n;
	const char *reason;
};

struct names {
	const struct host *host;
	names_fn *fn;
	void *ctx;
	struct pipe_both *pipe;
	struct host_watch *watch;
	unsigned running;
};

static struct lookup *
pipe_take(struct pipe_both *p)
{
	struct lookup *l;

	return read(p->rd, &l, sizeof(l)) == (ssize_t)sizeof(l) ? l : NULL;
}

static void
pipe_put(struct pipe_both *p)
{
	struct lookup *l;

	if (atomic_fetch_sub(&p->users, 1) > 1)
		return;
	while ((l = pipe_take(p)))
		free(l);
	close(p->rd);
	close(p->wr);
	free(p);
}

static void
keep(struct lookup *l, const struct addrinfo *ai)
{
	struct addr a = { 0 };

	if (ai->ai_family == AF_INET)
		a = addr_of(&((const struct sockaddr_in *)(const void *)ai->ai_addr)->sin_addr, 4);
	else if (ai->ai_family == AF_INET6)
		a = addr_of(&((const struct sockaddr_in6 *)(const void *)ai->ai_addr)->sin6_addr, 16);
	if (a.n && l->n < NAMES_ADDRS_MAX)
		l->addrs[l->n++] = a;
}

static void *
run(void *arg)
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *res = NULL;
	struct lookup *l = arg;
	struct pipe_both *p = l->pipe;
	int e = getaddrinfo(l->name, NULL, &hints, &res);

	for (struct addrinfo *ai = res; ai; ai = ai->ai_next)
		keep(l, ai);
	if (res)
		freeaddrinfo(res);
	l->reason = l->n ? "" : e ? gai_strerror(e) : "the name has no address";
	if (write(p->wr, &l, sizeof(l)) != (ssize_t)sizeof(l))
		free(l);
	pipe_put(p);
	return NULL;
}

static void
on_answer(void *arg)
{
	struct names *n = arg;
	struct lookup *l;

	while ((l = pipe_take(n->pipe))) {
		n->running--;
		n->fn(n->ctx, l->tunnel, l->nhs, l->addrs, l->n, l->reason);
		free(l);
	}
}

struct names *
names_new(const struct host *host, names_fn *fn, void *ctx)
{
	struct names *n = env_alloc(host->env, sizeof(*n));
	struct pipe_both *p = calloc(1, sizeof(*p));
	int fd[2];

	if (!n || !p || pipe2(fd, O_CLOEXEC) < 0) {
		env_free(host->env, n);
		free(p);
		return NULL;
	}
	fcntl(fd[0], F_SETFL, O_NONBLOCK);	/* the writing side blocks: it is a thread's */
	*p = (struct pipe_both){ .rd = fd[0], .wr = fd[1] };
	atomic_init(&p->users, 1);
	*n = (struct names){ .host = host, .fn = fn, .ctx = ctx, .pipe = p };
	n->watch = host->watch(host->ctx, p->rd, on_answer, n);
	if (n->watch)
		return n;
	names_free(n);
	return NULL;
}

void
names_free(struct names *n)
{
	if (!n)
		return;
	n->host->unwatch(n->host->ctx, n->watch);
	pipe_put(n->pipe);
	env_free(n->host->env, n);
}

static bool
start(struct names *n, struct lookup *l)
{
	pthread_attr_t attr;
	sigset_t all, before;
	pthread_t th;
	bool ok;

	if (pthread_attr_init(&attr) != 0)
		return false;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	atomic_fetch_add(&n->pipe->users, 1);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);	/* signals are the loop's */
	ok = pthread_create(&th, &attr, run, l) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (!ok)
		pipe_put(n->pipe);
	return ok;
}

void
names_lookup(struct names *n, uint32_t tunnel, uint32_t nhs, const char *name)
{
	struct lookup *l;
	struct addr a;

	if (addr_parse(name, &a)) {
		n->fn(n->ctx, tunnel, nhs, &a, 1, "");
		return;
	}
	if (strlen(name) > NAME_MAX_LEN) {
		n->fn(n->ctx, tunnel, nhs, NULL, 0, "the name is longer than 253 characters");
		return;
	}
	if (n->running >= NAMES_RUNNING_MAX || !(l = calloc(1, sizeof(*l)))) {
		n->fn(n->ctx, tunnel, nhs, NULL, 0, "too many name look-ups at once");
		return;
	}
	l->tunnel = tunnel;
	l->nhs = nhs;
	l->pipe = n->pipe;
	memcpy(l->name, name, strlen(name) + 1);
	if (start(n, l)) {
		n->running++;
		return;
	}
	free(l);
	n->fn(n->ctx, tunnel, nhs, NULL, 0, "cannot start a thread for the name look-up");
}
