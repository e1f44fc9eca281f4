#include "nhrpd/daemon/ikesock.h"

#include <errno.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MARKER = 4, MESSAGE_MAX = 65536, BURST = 64 /* messages a wake-up, so that a flood does not starve the rest */,
	RX_BUFFER = 4 << 20 /* all spokes may come at once; the system's default holds some 150 messages */ };

struct ikesock {
	const struct host *host;
	ikesock_fn *fn;
	void *ctx;
	bool encap;	/* port 4500 */
	uint16_t port;
	int fd[2];	/* IPv4, IPv6; -1 */
	struct host_watch *watch[2];
	uint8_t buf[MESSAGE_MAX];
};

union sockaddr_any {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t
to_sockaddr(const struct endpoint *e, union sockaddr_any *out)
{
	memset(out, 0, sizeof(*out));
	if (e->addr.n == 16) {
		out->v6.sin6_family = AF_INET6;
		out->v6.sin6_port = htons(e->port);
		memcpy(&out->v6.sin6_addr, e->addr.b, 16);
		return sizeof(out->v6);
	}
	out->v4.sin_family = AF_INET;
	out->v4.sin_port = htons(e->port);
	memcpy(&out->v4.sin_addr, e->addr.b, 4);
	return sizeof(out->v4);
}

static struct endpoint
from_sockaddr(const union sockaddr_any *s)
{
	if (s->sa.sa_family == AF_INET6)
		return (struct endpoint){ addr_of(&s->v6.sin6_addr, 16), ntohs(s->v6.sin6_port) };
	return (struct endpoint){ addr_of(&s->v4.sin_addr, 4), ntohs(s->v4.sin_port) };
}

static struct addr
local_of(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		struct in_pktinfo v4;
		struct in6_pktinfo v6;

		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(&v4, CMSG_DATA(c), sizeof(v4));
			return addr_of(&v4.ipi_addr, 4);
		}
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&v6, CMSG_DATA(c), sizeof(v6));
			return addr_of(&v6.ipi6_addr, 16);
		}
	}
	return (struct addr){ 0 };
}

static bool
receive(struct ikesock *s, int fd)
{
	union sockaddr_any from;
	union {
		struct cmsghdr align;
		char octets[256];
	} control;
	struct iovec iov = { s->buf, sizeof(s->buf) };
	struct msghdr m = { .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT);
	struct endpoint local = { .port = s->port }, remote;
	size_t skip = s->encap ? MARKER : 0;

	if (n < 0)
		return errno == EINTR || errno == ECONNREFUSED || errno == EHOSTUNREACH;
	if (m.msg_flags & MSG_TRUNC || (s->encap && ((size_t)n <= MARKER || memcmp(s->buf, "\0\0\0\0", MARKER) != 0)))
		return true;
	local.addr = local_of(&m);
	remote = from_sockaddr(&from);
	s->fn(s->ctx, &local, &remote, span_of(s->buf + skip, (size_t)n - skip));
	return true;
}

static void
on_v4(void *arg)
{
	struct ikesock *s = arg;

	for (int i = 0; i < BURST && receive(s, s->fd[0]); i++)
		;
}

static void
on_v6(void *arg)
{
	struct ikesock *s = arg;

	for (int i = 0; i < BURST && receive(s, s->fd[1]); i++)
		;
}

/* Messages that cannot be cut (RFC 7383: IKE_SA_INIT, old peers) may be fragmented by IP where they must, so DF stays clear. */
static int
open_one(bool v6, uint16_t port, bool encap, const char *underlay)
{
	static const int on = 1, v4_dont = IP_PMTUDISC_DONT, v6_dont = IPV6_PMTUDISC_DONT, buffer = RX_BUFFER, esp = UDP_ENCAP_ESPINUDP;
	struct endpoint any = { .addr.n = v6 ? 16 : 4, .port = port };
	union sockaddr_any sa;
	socklen_t len = to_sockaddr(&any, &sa);
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);
	int e;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) != 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	if (v6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
		setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &v6_dont, sizeof(v6_dont));
	} else {
		setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
		setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &v4_dont, sizeof(v4_dont));
	}
	if ((!underlay || setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, underlay, (socklen_t)strlen(underlay)) == 0) &&
	    (!encap || setsockopt(fd, IPPROTO_UDP, UDP_ENCAP, &esp, sizeof(esp)) == 0) && bind(fd, &sa.sa, len) == 0)
		return fd;
	e = -errno;
	close(fd);
	return e;
}

static void
say(char *err, size_t errlen, uint16_t port, int e)
{
	int n = snprintf(err, errlen, "cannot bind UDP port %u: %s", port, strerror(-e));

	if (e == -EADDRINUSE)
		snprintf(err + n, errlen - (size_t)n, "; another IKE daemon holds it (see: ss -lunp sport = %u)", port);
	else if (e == -EACCES)
		snprintf(err + n, errlen - (size_t)n, "; run as root or with CAP_NET_BIND_SERVICE");
}

struct ikesock *
ikesock_new(const struct host *host, enum ikesock_port which, ikesock_fn *fn, void *ctx, char *err, size_t errlen)
{
	struct ikesock *s = env_alloc(host->env, sizeof(*s));
	bool encap = which == IKESOCK_4500;
	uint16_t port = encap ? 4500 : 500;

	if (!s) {
		snprintf(err, errlen, "out of memory");
		return NULL;
	}
	*s = (struct ikesock){ .host = host, .fn = fn, .ctx = ctx, .encap = encap, .port = port,
		.fd = { open_one(false, port, encap, host->underlay), open_one(true, port, encap, host->underlay) } };
	if (s->fd[0] < 0 || (s->fd[1] < 0 && s->fd[1] != -EAFNOSUPPORT && s->fd[1] != -EADDRNOTAVAIL)) {
		say(err, errlen, port, s->fd[0] < 0 ? s->fd[0] : s->fd[1]);
		ikesock_free(s);
		return NULL;
	}
	s->watch[0] = host->watch(host->ctx, s->fd[0], on_v4, s);
	s->watch[1] = s->fd[1] < 0 ? NULL : host->watch(host->ctx, s->fd[1], on_v6, s);
	if (!s->watch[0] || (s->fd[1] >= 0 && !s->watch[1])) {
		snprintf(err, errlen, "out of memory");
		ikesock_free(s);
		return NULL;
	}
	return s;
}

void
ikesock_free(struct ikesock *s)
{
	if (!s)
		return;
	for (int i = 0; i < 2; i++) {
		s->host->unwatch(s->host->ctx, s->watch[i]);
		if (s->fd[i] >= 0)
			close(s->fd[i]);
	}
	env_free(s->host->env, s);
}

static void
set_source(struct msghdr *m, const struct addr *local)
{
	struct cmsghdr *c = m->msg_control;
	struct in_pktinfo v4 = { 0 };
	struct in6_pktinfo v6 = { 0 };

	if (local->n == 4) {
		memcpy(&v4.ipi_spec_dst, local->b, 4);
		*c = (struct cmsghdr){ CMSG_LEN(sizeof(v4)), IPPROTO_IP, IP_PKTINFO };
		memcpy(CMSG_DATA(c), &v4, sizeof(v4));
		m->msg_controllen = CMSG_SPACE(sizeof(v4));
	} else {
		memcpy(&v6.ipi6_addr, local->b, 16);
		*c = (struct cmsghdr){ CMSG_LEN(sizeof(v6)), IPPROTO_IPV6, IPV6_PKTINFO };
		memcpy(CMSG_DATA(c), &v6, sizeof(v6));
		m->msg_controllen = CMSG_SPACE(sizeof(v6));
	}
}

static void
set_df(struct ikesock *s, bool v6, bool df)
{
	int how = v6 ? (df ? IPV6_PMTUDISC_PROBE : IPV6_PMTUDISC_DONT) : (df ? IP_PMTUDISC_PROBE : IP_PMTUDISC_DONT), on = df;

	setsockopt(s->fd[v6], v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &how, sizeof(how));
	if (v6)
		setsockopt(s->fd[1], IPPROTO_IPV6, IPV6_DONTFRAG, &on, sizeof(on));
}

int
ikesock_send(struct ikesock *s, const struct endpoint *local, const struct endpoint *remote, struct span message, bool whole)
{
	static const uint8_t zeros[MARKER];
	bool v6 = remote->addr.n == 16, marker = s->encap && message.n > 1;
	union sockaddr_any to;
	union {
		struct cmsghdr align;
		char octets[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control = { 0 };
	struct iovec iov[2] = { { (void *)(uintptr_t)zeros, MARKER }, { (void *)(uintptr_t)message.p, message.n } };
	struct msghdr m = { .msg_name = &to, .msg_namelen = to_sockaddr(remote, &to), .msg_iov = marker ? iov : iov + 1, .msg_iovlen = marker ? 2 : 1 };
	int rc;

	if (s->fd[v6] < 0)
		return -EAFNOSUPPORT;
	if (local->addr.n == remote->addr.n && !addr_is_zero(&local->addr)) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		set_source(&m, &local->addr);
	}
	if (whole)
		set_df(s, v6, true);
	rc = sendmsg(s->fd[v6], &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
	if (whole)
		set_df(s, v6, false);
	return rc;
}
