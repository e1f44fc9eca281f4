#include "lib/nlq.h"

#include <errno.h>
#include <linux/netlink.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { RECEIVE_BUFFER = 4 << 20 };

bool
nlq_open(struct nlq *q, int protocol, char *err, size_t errlen)
{
	int rc, room = RECEIVE_BUFFER;

	memset(q, 0, sizeof(*q));
	q->buf = malloc(2 * NLQ_OCTETS);
	q->sock = nl_socket_alloc();
	rc = !q->buf || !q->sock ? -NLE_NOMEM : nl_connect(q->sock, protocol);
	if (rc < 0) {
		snprintf(err, errlen, "cannot open a netlink socket: %s", nl_geterror(rc));
		nlq_close(q);
		return false;
	}
	setsockopt(nl_socket_get_fd(q->sock), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	q->seq = 1;
	q->wait_ms = NLQ_WAIT_MS;
	return true;
}

void
nlq_close(struct nlq *q)
{
	if (q->sock)
		nl_socket_free(q->sock);
	q->sock = NULL;
	free(q->buf);
	q->buf = NULL;
}

struct nl_msg *
nlq_msg(uint16_t type, uint16_t flags, const void *head, size_t n)
{
	struct nl_msg *m = nlmsg_alloc_simple(type, NLM_F_REQUEST | flags);

	if (m && n && nlmsg_append(m, (void *)(uintptr_t)head, n, NLMSG_ALIGNTO) < 0) {
		nlmsg_free(m);
		return NULL;
	}
	return m;
}

/* ---- waiting, but not for ever: the daemon's loop stands meanwhile */

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The kernel nearly always has answered when the request was sent. Octets, or a negative errno: -ETIMEDOUT at the deadline, whatever
 * else arrives until then. */
static ssize_t
receive(struct nlq *q, int64_t deadline)
{
	struct pollfd p = { .fd = nl_socket_get_fd(q->sock), .events = POLLIN };

	for (;;) {
		int64_t left = deadline - now_ms();
		ssize_t n;

		if (left < 0)
			break;
		n = recv(p.fd, q->buf + NLQ_OCTETS, NLQ_OCTETS, MSG_DONTWAIT);
		if (n > 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return n > 0 ? n : -errno;
		if (n == 0)
			return -EPIPE;	/* never from a kernel */
		if (poll(&p, 1, (int)left) < 0 && errno != EINTR)
			return -errno;
	}
	q->timeouts++;
	return -ETIMEDOUT;
}

/* ---- a batch */

static void
answered(struct nlq_wait *w, int error)
{
	if (w->answered)
		return;
	w->answered = true;
	if (w->fn)
		w->fn(w->ctx, w->cookie, error);
}

/* Messages from `first` on, which are those from `at` on of the batch, get answers by their number; the last one's answer is the end of
 * them. */
static bool
take_answers(struct nlq *q, const uint8_t *p, size_t n, uint32_t first, size_t at, size_t count)
{
	size_t left = n;

	for (const struct nlmsghdr *h = (const void *)p; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
		const struct nlmsgerr *e = NLMSG_DATA(h);
		uint32_t which = h->nlmsg_seq - first;

		if (h->nlmsg_type != NLMSG_ERROR || which >= count || h->nlmsg_len < NLMSG_LENGTH(sizeof(e->error)))
			continue;
		answered(&q->wait[at + which], e->error);
		if (which == count - 1)
			return true;
	}
	return false;
}

/* Only errors and the last message are answered: what has no answer when the last one comes went well. Where the kernel had no room for
 * all its answers nothing can be said of those that are missing: they have failed, and asking again does no harm. The kernel has carried
 * out everything when the request is sent, so whatever is to be read then is there. */
static void
collect(struct nlq *q, uint32_t first, size_t at, size_t count)
{
	int64_t deadline = now_ms() + q->wait_ms;	/* the request is carried out while it is sent: modules may be loaded for it */
	int error = 0;
	bool lost = false;

	while (error == 0) {
		ssize_t got = receive(q, deadline);

		if (got == -ENOBUFS) {
			lost = true;
			q->lost++;
			deadline = now_ms();
		} else if (got < 0) {
			error = lost && got == -ETIMEDOUT ? -ENOBUFS : (int)got;
		} else if (take_answers(q, q->buf + NLQ_OCTETS, (size_t)got, first, at, count)) {
			break;
		}
	}
	for (size_t i = 0; i < count; i++)
		answered(&q->wait[at + i], lost ? -ENOBUFS : error);
}

/* Messages at..at+count, which begin at p. One request that is too large for the kernel's memory of the moment, or for the socket, goes
 * as two. */
static void
run(struct nlq *q, uint8_t *p, size_t octets, size_t at, size_t count)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	uint32_t first = ((struct nlmsghdr *)(void *)p)->nlmsg_seq;
	struct nlmsghdr *h = (void *)p, *last = h;
	size_t half = count / 2, head = 0;
	int error = 0;

	for (size_t i = 0; i < count; i++, h = (void *)((uint8_t *)h + NLMSG_ALIGN(h->nlmsg_len))) {
		head = i == half ? (size_t)((uint8_t *)h - p) : head;
		last = h;
	}
	last->nlmsg_flags |= NLM_F_ACK;
	if (sendto(nl_socket_get_fd(q->sock), p, octets, 0, (struct sockaddr *)(void *)&kernel, sizeof(kernel)) < 0)
		error = -errno;
	q->batches++;
	if ((error == -ENOBUFS || error == -EMSGSIZE || error == -ENOMEM) && count > 1) {
		run(q, p, head, at, half);
		run(q, p + head, octets - head, at + half, count - half);
		return;
	}
	if (error == 0)
		collect(q, first, at, count);
	for (size_t i = 0; i < count; i++)
		answered(&q->wait[at + i], error);
}

void
nlq_flush(struct nlq *q)
{
	if (q->n == 0)
		return;
	q->sent += q->n;
	run(q, q->buf, q->octets, 0, q->n);
	explicit_bzero(q->buf, q->octets);	/* SAs carry keys */
	q->n = q->octets = 0;
}

void
nlq_add(struct nlq *q, struct nl_msg *msg, nlq_fn *fn, void *ctx, uint64_t cookie)
{
	struct nlmsghdr *h = msg ? nlmsg_hdr(msg) : NULL;
	size_t n = h ? NLMSG_ALIGN(h->nlmsg_len) : 0;

	if (!h || n > NLQ_OCTETS) {
		if (fn)
			fn(ctx, cookie, h ? -EMSGSIZE : -ENOMEM);
		nlmsg_free(msg);
		return;
	}
	if (q->n == NLQ_MESSAGES || q->octets + n > NLQ_OCTETS)
		nlq_flush(q);
	h->nlmsg_seq = q->seq++;
	memcpy(q->buf + q->octets, h, h->nlmsg_len);
	memset(q->buf + q->octets + h->nlmsg_len, 0, n - h->nlmsg_len);
	q->octets += n;
	q->wait[q->n++] = (struct nlq_wait){ fn, ctx, cookie, false };
	explicit_bzero(h, h->nlmsg_len);
	nlmsg_free(msg);
}

static void
note_error(void *ctx, uint64_t cookie, int error)
{
	(void)cookie;
	*(int *)ctx = error;
}

int
nlq_do(struct nlq *q, struct nl_msg *msg)
{
	int error = -EIO;

	nlq_add(q, msg, note_error, &error, 0);
	nlq_flush(q);
	return error;
}

/* ---- dumps and news */

/* True at the end of the answer. */
static bool
take_dump(const uint8_t *p, size_t n, uint32_t seq, bool multi, nlq_dump_fn *fn, void *ctx, int *error)
{
	size_t left = n;

	for (const struct nlmsghdr *h = (const void *)p; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
		const struct nlmsgerr *e = NLMSG_DATA(h);

		if (h->nlmsg_seq != seq)
			continue;
		if (h->nlmsg_type == NLMSG_DONE)
			return true;
		if (h->nlmsg_type == NLMSG_ERROR) {
			*error = e->error;
			return true;
		}
		fn(ctx, (struct nlmsghdr *)(uintptr_t)h);
		if (!multi)
			return true;
	}
	return false;
}

int
nlq_get(struct nlq *q, struct nl_msg *msg, nlq_dump_fn *fn, void *ctx)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int fd = nl_socket_get_fd(q->sock), error = 0;
	struct nlmsghdr *h = msg ? nlmsg_hdr(msg) : NULL;
	bool multi = h && h->nlmsg_flags & NLM_F_DUMP, done = false;
	int64_t deadline;
	uint32_t seq;

	if (!h)
		return -ENOMEM;
	nlq_flush(q);
	q->reads++;
	h->nlmsg_seq = seq = q->seq++;
	if (sendto(fd, h, h->nlmsg_len, 0, (struct sockaddr *)(void *)&kernel, sizeof(kernel)) < 0)
		error = -errno;
	nlmsg_free(msg);
	deadline = now_ms() + q->wait_ms;
	while (error == 0 && !done) {
		ssize_t got = receive(q, deadline);

		if (got < 0)
			error = (int)got;
		else
			done = take_dump(q->buf + NLQ_OCTETS, (size_t)got, seq, multi, fn, ctx, &error);
	}
	explicit_bzero(q->buf + NLQ_OCTETS, NLQ_OCTETS);
	return error;
}

int
nlq_listen(int protocol, const unsigned *group, unsigned n)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol), room = RECEIVE_BUFFER, e;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	if (bind(fd, (struct sockaddr *)(void *)&a, sizeof(a)) != 0) {
		e = -errno;
		close(fd);
		return e;
	}
	for (unsigned i = 0; i < n; i++) {
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group[i], sizeof(group[i])) != 0) {
			e = -errno;
			close(fd);
			return e;
		}
	}
	return fd;
}

bool
nlq_hear(int fd, nlq_dump_fn *fn, void *ctx)
{
	_Alignas(NLMSG_ALIGNTO) uint8_t buf[NLQ_OCTETS];
	bool whole = true;
	ssize_t got;

	while ((got = recv(fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_TRUNC)) > 0 || (got < 0 && (errno == ENOBUFS || errno == EINTR))) {
		size_t left = got > 0 ? (size_t)got : 0;

		if (got < 0 || left > sizeof(buf)) {
			whole = whole && got < 0 && errno == EINTR;
			continue;
		}
		for (struct nlmsghdr *h = (struct nlmsghdr *)(void *)buf; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left))
			fn(ctx, h);
	}
	return whole;
}
