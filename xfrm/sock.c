#include "config.h"

#include "xfrm/sock.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#ifndef UDP_SEGMENT	/* Linux 4.18 and 5.0; not in every libc's headers */
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum { SLOT_SIZE = DPSEC_HEAD + DPSEC_PAYLOAD + DPSEC_TAIL, SLOT_ALIGN = 64 };

static const struct {
	int family, type, protocol;
	const char *what, *hint;
} kinds[SOCK_KINDS] = {
	[SOCK_UDP4] = { AF_INET, SOCK_DGRAM, 0, "UDP port 4500",
	    "another IKE daemon (strongSwan, libreswan) or a second nhrpd may own it" },
	[SOCK_UDP6] = { AF_INET6, SOCK_DGRAM, 0, "UDP port 4500 (IPv6)",
	    "another IKE daemon (strongSwan, libreswan) or a second nhrpd may own it" },
	[SOCK_ESP4] = { AF_INET, SOCK_RAW, IPPROTO_ESP, "a raw ESP socket",
	    "it needs CAP_NET_RAW: run as root, or inside a user namespace" },
	[SOCK_ESP6] = { AF_INET6, SOCK_RAW, IPPROTO_ESP, "a raw ESP socket (IPv6)",
	    "it needs CAP_NET_RAW: run as root, or inside a user namespace" },
};

static bool
is_v6(enum sock_kind k)
{
	return kinds[k].family == AF_INET6;
}

static bool
set_int(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

static bool
set_discover(int fd, bool v6, bool df)
{
	return v6 ? set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, df ? IPV6_PMTUDISC_PROBE : IPV6_PMTUDISC_WANT) &&
			set_int(fd, IPPROTO_IPV6, IPV6_DONTFRAG, df)
		  : set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, df ? IP_PMTUDISC_PROBE : IP_PMTUDISC_DONT);
}

static void
set_buffers(int fd)
{
	if (!set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCK_BUFFER))
		set_int(fd, SOL_SOCKET, SO_RCVBUF, SOCK_BUFFER);
	if (!set_int(fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCK_BUFFER))
		set_int(fd, SOL_SOCKET, SO_SNDBUF, SOCK_BUFFER);
}

static bool
set_options(int fd, enum sock_kind k)
{
	set_buffers(fd);
	if (is_v6(k))
		return (k != SOCK_UDP6 || set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) && set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) &&
		    set_int(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1) && set_int(fd, IPPROTO_IPV6, IPV6_RECVERR, 1) &&
		    set_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 64) && set_discover(fd, true, true);
	return set_int(fd, IPPROTO_IP, IP_PKTINFO, 1) && set_int(fd, IPPROTO_IP, IP_RECVTOS, 1) && set_int(fd, IPPROTO_IP, IP_RECVERR, 1) &&
	    set_int(fd, IPPROTO_IP, IP_TTL, 64) && set_discover(fd, false, true);
}

static int
bind_port(int fd, bool v6)
{
	union sock_addr a = { 0 };

	if (v6) {
		a.in6.sin6_family = AF_INET6;
		a.in6.sin6_port = htons(SOCK_PORT);
		return bind(fd, &a.sa, sizeof(a.in6));
	}
	a.in4.sin_family = AF_INET;
	a.in4.sin_port = htons(SOCK_PORT);
	return bind(fd, &a.sa, sizeof(a.in4));
}

static bool
bind_underlay(int fd, const char *name)
{
	return !name || setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name)) == 0;
}

/* -1 with errno set. */
static int
open_one(enum sock_kind k, const char *underlay)
{
	int fd = socket(kinds[k].family, kinds[k].type | SOCK_CLOEXEC | SOCK_NONBLOCK, kinds[k].protocol);

	if (fd >= 0 && (!set_options(fd, k) || !bind_underlay(fd, underlay) || (kinds[k].type == SOCK_DGRAM && bind_port(fd, is_v6(k)) != 0))) {
		int e = errno;

		close(fd);
		errno = e;
		return -1;
	}
	return fd;
}

static bool
get_memory(struct socks *s, const struct env *env)
{
	s->tx.mem = env_alloc(env, SOCK_TX_ROOM);
	s->rx.mem = env_alloc(env, (size_t)SOCK_RX_SLOTS * SOCK_RX_SIZE);
	return s->tx.mem && s->rx.mem;
}

/* RFC 3948, 2.1, wants no UDP checksum on IPv4; segmentation and GRO want one, and mostly it is the device that makes it. */
static void
use_gso(struct socks *s, bool on)
{
	s->gso = on;
	if (s->fd[SOCK_UDP4] >= 0)
		set_int(s->fd[SOCK_UDP4], SOL_SOCKET, SO_NO_CHECK, !on);
}

/* Does the kernel know the option? A socket without it sends as before. */
static bool
has_gso(int fd)
{
	int v = 0;
	socklen_t n = sizeof(v);

	return fd >= 0 && getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &v, &n) == 0;
}

void
socks_offload(struct socks *s, bool gso, bool gro)
{
	bool ok = true;

	for (int k = SOCK_UDP4; k <= SOCK_UDP6; k++)
		ok = ok && (s->fd[k] < 0 || set_int(s->fd[k], IPPROTO_UDP, UDP_GRO, gro));
	s->gro = gro && ok;
	use_gso(s, gso && !s->no_gso && has_gso(s->fd[SOCK_UDP4]));
}

bool
socks_open(struct socks *s, const struct env *env, const char *underlay, char *err, size_t errlen)
{
	for (int k = 0; k < SOCK_KINDS; k++)
		s->fd[k] = -1;
	if (!get_memory(s, env)) {
		snprintf(err, errlen, "no memory for packet buffers");
		socks_close(s, env);
		return false;
	}
	for (int k = 0; k < SOCK_KINDS; k++) {
		s->fd[k] = open_one((enum sock_kind)k, underlay);
		if (s->fd[k] >= 0 || (is_v6((enum sock_kind)k) && errno == EAFNOSUPPORT))
			continue;
		snprintf(err, errlen, "cannot open %s: %s; %s", kinds[k].what, strerror(errno), kinds[k].hint);
		socks_close(s, env);
		return false;
	}
	socks_offload(s, true, true);
	return true;
}

void
socks_close(struct socks *s, const struct env *env)
{
	for (int k = 0; k < SOCK_KINDS; k++)
		if (s->fd[k] >= 0)
			close(s->fd[k]);
	env_free(env, s->tx.mem);
	env_free(env, s->rx.mem);
	s->tx.mem = s->rx.mem = NULL;
}

static socklen_t
to_sockaddr(union sock_addr *out, const struct endpoint *e, bool with_port)
{
	memset(out, 0, sizeof(*out));
	if (e->addr.n == 16) {
		out->in6.sin6_family = AF_INET6;
		out->in6.sin6_port = htons(with_port ? e->port : 0);
		memcpy(&out->in6.sin6_addr, e->addr.b, 16);
		return sizeof(out->in6);
	}
	out->in4.sin_family = AF_INET;
	out->in4.sin_port = htons(with_port ? e->port : 0);
	memcpy(&out->in4.sin_addr, e->addr.b, 4);
	return sizeof(out->in4);
}

static struct endpoint
from_sockaddr(const union sock_addr *a)
{
	struct endpoint e = { 0 };

	if (a->sa.sa_family == AF_INET6) {
		e.addr = addr_of(&a->in6.sin6_addr, 16);
		e.port = ntohs(a->in6.sin6_port);
	} else if (a->sa.sa_family == AF_INET) {
		e.addr = addr_of(&a->in4.sin_addr, 4);
		e.port = ntohs(a->in4.sin_port);
	}
	return e;
}

/* Appends a control message; where its data begin. */
static size_t
put_cmsg(struct sock_path *p, int level, int type, const void *data, size_t n)
{
	struct cmsghdr *c = (struct cmsghdr *)(void *)(p->control + p->control_len);
	size_t at = (size_t)(CMSG_DATA(c) - p->control);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(n);
	memcpy(CMSG_DATA(c), data, n);
	p->control_len += CMSG_SPACE(n);
	return at;
}

void
sock_path_set(struct sock_path *p, const struct endpoint *local, const struct endpoint *remote, bool encap)
{
	bool v6 = remote->addr.n == 16;
	int tos = 0;

	memset(p, 0, sizeof(*p));
	p->kind = encap ? (v6 ? SOCK_UDP6 : SOCK_UDP4) : (v6 ? SOCK_ESP6 : SOCK_ESP4);
	to_sockaddr(&p->to, remote, encap);
	p->tos_at = v6 ? put_cmsg(p, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos)) : put_cmsg(p, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	if (local->addr.n == 16) {
		struct in6_pktinfo pi = { 0 };

		memcpy(&pi.ipi6_addr, local->addr.b, 16);
		put_cmsg(p, IPPROTO_IPV6, IPV6_PKTINFO, &pi, sizeof(pi));
	} else if (local->addr.n == 4) {
		struct in_pktinfo pi = { 0 };

		memcpy(&pi.ipi_spec_dst, local->addr.b, 4);
		put_cmsg(p, IPPROTO_IP, IP_PKTINFO, &pi, sizeof(pi));
	}
}

static socklen_t
path_len(const struct sock_path *p)
{
	return is_v6(p->kind) ? sizeof(p->to.in6) : sizeof(p->to.in4);
}

/* Asks the routing table through a connected socket; nothing is sent. */
unsigned
sock_route_mtu(const char *underlay, const struct endpoint *local, const struct endpoint *remote)
{
	bool v6 = remote->addr.n == 16;
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), mtu = 0;
	struct endpoint any = *local, to = *remote;
	union sock_addr a;
	socklen_t len = sizeof(mtu), alen;

	if (fd < 0)
		return 0;
	bind_underlay(fd, underlay);
	any.port = 0;
	to.port = SOCK_PORT;
	alen = to_sockaddr(&a, &any, true);
	if (local->addr.n)
		(void)!bind(fd, &a.sa, alen);	/* an address we do not have yet: the route without it will do */
	alen = to_sockaddr(&a, &to, true);
	if (connect(fd, &a.sa, alen) != 0 || getsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU : IP_MTU, &mtu, &len) != 0)
		mtu = 0;
	close(fd);
	return mtu > 0 ? (unsigned)mtu : 0;
}

struct sock_slot *
sock_slot(struct socks *s)
{
	struct sock_tx *tx = &s->tx;

	if (tx->n == SOCK_TX_SLOTS || tx->used + SLOT_SIZE > SOCK_TX_ROOM)
		sock_flush(s);
	tx->slot[tx->n].mem = tx->mem + tx->used;
	return &tx->slot[tx->n];
}

/* Packets in a row mostly go to one place. */
static unsigned
path_number(struct sock_tx *tx, const struct sock_path *path, uint8_t tos)
{
	struct sock_path *p;
	int value = tos;

	if (tx->n_path && tos == tx->last_tos && memcmp(&tx->last, path, sizeof(*path)) == 0)
		return tx->n_path - 1;
	p = &tx->path[tx->n_path++];
	memcpy(&tx->last, path, sizeof(*path));	/* padding too: it is compared */
	tx->last_tos = tos;
	*p = *path;
	memcpy(p->control + path->tos_at, &value, sizeof(value));
	return tx->n_path - 1;
}

void
sock_queue(struct socks *s, const struct sock_path *path, struct span packet, uint8_t tos, bool may_fragment)
{
	struct sock_tx *tx = &s->tx;
	struct sock_slot *slot = &tx->slot[tx->n];

	slot->path = path_number(tx, path, tos);
	slot->may_fragment = may_fragment;
	tx->iov[tx->n] = (struct iovec){ slot->mem + (packet.p - slot->mem), packet.n };
	tx->used = ((size_t)(packet.p - tx->mem) + packet.n + SLOT_ALIGN - 1) & ~(size_t)(SLOT_ALIGN - 1);
	tx->n++;
}

static bool
wait_writable(int fd)
{
	struct pollfd p = { fd, POLLOUT, 0 };

	return poll(&p, 1, SOCK_FULL_WAIT_MS) > 0 && (p.revents & POLLOUT);
}

static enum xfrm_count
send_drop(int e)
{
	return e == EAGAIN || e == ENOBUFS ? XFRM_DROP_SEND_FULL : XFRM_DROP_SEND_ERROR;
}

/* The first of a run could not be sent. An error may be an old one that the socket had kept for us (an ICMP message about
 * another packet): reading the error queue clears it, and a second try tells. True: try again. */
static bool
send_again(struct socks *s, enum sock_kind k, int e, unsigned *tries)
{
	if (++*tries > 2)
		return false;
	s->count[XFRM_N_SEND_RETRY]++;
	if (e == EAGAIN)
		return wait_writable(s->fd[k]);
	sock_errors(s, k);
	return e != ENOBUFS;
}

static struct msghdr
one_packet(struct sock_tx *tx, unsigned i)
{
	struct sock_path *p = &tx->path[tx->slot[i].path];

	return (struct msghdr){ &p->to, path_len(p), &tx->iov[i], 1, p->control, p->control_len, 0 };
}

/* The first hop became narrower than we knew: this one still gets through, the next ones are cut to measure. */
static bool
send_in_pieces(struct socks *s, enum sock_kind k, unsigned i)
{
	struct msghdr m = one_packet(&s->tx, i);
	bool ok;

	s->refused(s->ctx, s->tx.slot[i].tunnel, s->tx.slot[i].peer);
	set_discover(s->fd[k], is_v6(k), false);
	ok = sendmsg(s->fd[k], &m, MSG_DONTWAIT) >= 0;
	set_discover(s->fd[k], is_v6(k), true);
	s->count[ok ? XFRM_N_TX_PIECES : XFRM_DROP_SEND_TOO_BIG]++;
	return ok;
}

/* A single packet that the kernel does not take. */
static void
send_failed(struct socks *s, enum sock_kind k, unsigned i, int e)
{
	if (e != EMSGSIZE)
		s->count[send_drop(e)]++;
	else if (send_in_pieces(s, k, i))
		s->count[XFRM_N_TX_PACKETS]++;
}

/* Each of a message's packets in a message of its own. How many went out. */
static unsigned
send_apart(struct socks *s, enum sock_kind k, unsigned from, unsigned n)
{
	unsigned sent = 0;

	for (unsigned i = from; i < from + n; i++) {
		struct msghdr m = one_packet(&s->tx, i);
		unsigned tries = 0;
		int e = 0;

		while (sendmsg(s->fd[k], &m, MSG_DONTWAIT) < 0 && ((e = errno) == EINTR || send_again(s, k, e, &tries)))
			e = 0;
		if (e == 0)
			sent++;
		else
			send_failed(s, k, i, e);
	}
	s->count[XFRM_N_TX_PACKETS] += sent;
	return sent;
}

/* A message of several was refused, and alone they went: this kernel, or the device, cannot cut them. A narrower first hop refuses as
 * well, but says so by EMSGSIZE. */
static void
gso_failed(struct socks *s, enum sock_kind k, unsigned from, unsigned n, int e)
{
	s->count[XFRM_N_TX_GSO_APART]++;
	if (send_apart(s, k, from, n) == n && (e == EIO || e == EINVAL)) {
		s->no_gso = true;
		use_gso(s, false);
	}
}

/* How many packets from i on make one message: to one place, of one length but for the last, which may be shorter. */
static unsigned
message_packets(const struct socks *s, unsigned i, unsigned end)
{
	const struct sock_tx *tx = &s->tx;
	size_t step = tx->iov[i].iov_len, total = step;
	unsigned n = 1;

	if (!s->gso || tx->slot[i].may_fragment)
		return 1;
	for (; i + n < end && n < SOCK_GSO_MAX && tx->slot[i + n].path == tx->slot[i].path; n++) {
		size_t len = tx->iov[i + n].iov_len;

		if (len > step || total + len > SOCK_GSO_OCTETS)
			break;
		total += len;
		if (len < step)
			return n + 1;
	}
	return n;
}

static void
make_message(struct sock_tx *tx, unsigned number, unsigned *several, unsigned i, unsigned n)
{
	struct msghdr *m = &tx->msg[number].msg_hdr;
	uint16_t step = (uint16_t)tx->iov[i].iov_len;
	struct cmsghdr *c;

	*m = one_packet(tx, i);
	m->msg_iovlen = n;
	if (n == 1)
		return;
	memcpy(tx->control[*several], m->msg_control, m->msg_controllen);
	c = (struct cmsghdr *)(void *)(tx->control[*several] + m->msg_controllen);
	c->cmsg_level = IPPROTO_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(step));
	memcpy(CMSG_DATA(c), &step, sizeof(step));
	m->msg_control = tx->control[(*several)++];
	m->msg_controllen += CMSG_SPACE(sizeof(step));
}

/* Packets from..to of one socket, grouped into messages. */
static unsigned
make_messages(struct socks *s, bool udp, unsigned from, unsigned to)
{
	unsigned n_msg = 0, several = 0, n;

	for (unsigned i = from; i < to; i += n) {
		n = udp ? message_packets(s, i, to) : 1;
		make_message(&s->tx, n_msg++, &several, i, n);
	}
	return n_msg;
}

static void
send_run(struct socks *s, enum sock_kind k, unsigned from, unsigned to)
{
	unsigned at = 0, n_msg = make_messages(s, k == SOCK_UDP4 || k == SOCK_UDP6, from, to), tries = 0;

	while (at < n_msg) {
		int r = sendmmsg(s->fd[k], s->tx.msg + at, n_msg - at, MSG_DONTWAIT), e = r < 0 ? errno : EIO;
		unsigned n = (unsigned)s->tx.msg[at].msg_hdr.msg_iovlen;

		if (r > 0) {
			for (; r > 0; r--, at++) {
				n = (unsigned)s->tx.msg[at].msg_hdr.msg_iovlen;
				s->count[XFRM_N_TX_PACKETS] += n;
				s->count[XFRM_N_TX_GSO] += n > 1;
				from += n;
			}
			tries = 0;
		} else if (e != EINTR && !send_again(s, k, e, &tries)) {
			if (n > 1 && e != EAGAIN && e != ENOBUFS)
				gso_failed(s, k, from, n, e);
			else if (n > 1)
				s->count[send_drop(e)] += n;
			else
				send_failed(s, k, from, e);
			at++;
			from += n;
			tries = 0;
		}
	}
}

void
sock_flush(struct socks *s)
{
	struct sock_tx *tx = &s->tx;
	unsigned n = tx->n, i = 0, j;

	for (; i < n; i = j) {
		const struct sock_slot *a = &tx->slot[i];
		enum sock_kind k = tx->path[a->path].kind;

		for (j = i + 1; j < n && tx->path[tx->slot[j].path].kind == k && tx->slot[j].may_fragment == a->may_fragment; j++)
			;
		if (s->fd[k] < 0) {
			s->count[XFRM_DROP_NO_SOCKET] += j - i;
			continue;
		}
		if (a->may_fragment)
			set_discover(s->fd[k], is_v6(k), false);
		send_run(s, k, i, j);
		if (a->may_fragment)
			set_discover(s->fd[k], is_v6(k), true);
	}
	tx->n = tx->n_path = 0;	/* nothing above adds to the batch */
	tx->used = 0;
}

int
sock_send_now(struct socks *s, const struct sock_path *path, const struct iovec *iov, unsigned n, bool may_fragment)
{
	struct sock_path p = *path;
	struct msghdr m = { &p.to, path_len(path), (struct iovec *)iov, n, p.control, p.control_len, 0 };
	int fd = s->fd[path->kind];
	unsigned tries = 0;
	int rc = 0;

	if (fd < 0)
		return -EAFNOSUPPORT;
	if (may_fragment)
		set_discover(fd, is_v6(path->kind), false);
	while (sendmsg(fd, &m, MSG_DONTWAIT) < 0) {
		int e = errno;

		if (e != EINTR && !send_again(s, path->kind, e, &tries)) {
			rc = -e;
			break;
		}
	}
	if (may_fragment)
		set_discover(fd, is_v6(path->kind), true);
	return rc;
}

static void
read_control(struct msghdr *m, struct sock_msg *out)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		int v = 0;

		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			out->local.addr = addr_of(&((struct in_pktinfo *)(void *)CMSG_DATA(c))->ipi_addr, 4);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			out->local.addr = addr_of(&((struct in6_pktinfo *)(void *)CMSG_DATA(c))->ipi6_addr, 16);
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
			out->tos = *CMSG_DATA(c);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
			memcpy(&v, CMSG_DATA(c), sizeof(v));
			out->tos = (uint8_t)v;
		} else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
			memcpy(&v, CMSG_DATA(c), sizeof(v));
			out->step = v > 0 ? (size_t)v : 0;
		}
	}
}

/* A raw IPv4 socket gives the IP header too. */
static void
strip_ip4(struct sock_msg *m)
{
	size_t ihl = m->n >= 20 ? (size_t)(m->p[0] & 15) * 4 : 0;

	if (ihl < 20 || m->n < ihl) {
		m->drop = XFRM_DROP_RX_IP;
		return;
	}
	m->tos = m->p[1];
	m->local.addr = addr_of(m->p + 16, 4);
	m->p += ihl;
	m->n -= ihl;
}

unsigned
sock_receive(struct socks *s, enum sock_kind kind, struct sock_msg out[static SOCK_RX_SLOTS])
{
	struct sock_rx *rx = &s->rx;
	int n;

	for (size_t i = 0; i < SOCK_RX_SLOTS; i++) {
		rx->iov[i] = (struct iovec){ rx->mem + i * SOCK_RX_SIZE, SOCK_RX_SIZE };
		rx->msg[i].msg_hdr = (struct msghdr){ &rx->from[i], sizeof(rx->from[i]), &rx->iov[i], 1, rx->control[i], SOCK_CONTROL, 0 };
	}
	n = recvmmsg(s->fd[kind], rx->msg, SOCK_RX_SLOTS, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		struct msghdr *h = &rx->msg[i].msg_hdr;

		out[i] = (struct sock_msg){ .p = rx->iov[i].iov_base, .n = rx->msg[i].msg_len, .remote = from_sockaddr(&rx->from[i]) };
		out[i].local.port = kinds[kind].type == SOCK_DGRAM ? SOCK_PORT : 0;
		if (kinds[kind].type == SOCK_RAW)
			out[i].remote.port = 0;
		read_control(h, &out[i]);
		s->count[XFRM_N_RX_GRO] += out[i].step && out[i].step < out[i].n;
		if (h->msg_flags & (MSG_TRUNC | MSG_CTRUNC))
			out[i].drop = XFRM_DROP_RX_CUT;
		else if (kind == SOCK_ESP4)
			strip_ip4(&out[i]);
	}
	return n > 0 ? (unsigned)n : 0;
}

static bool
path_error(const struct sock_extended_err *e, struct sock_error *out)
{
	if (e->ee_errno != EMSGSIZE || e->ee_info == 0)
		return false;
	out->mtu = e->ee_info;
	return (e->ee_origin == SO_EE_ORIGIN_ICMP && e->ee_type == 3 && e->ee_code == 4) ||
	    (e->ee_origin == SO_EE_ORIGIN_ICMP6 && e->ee_type == 2);
}

unsigned
sock_errors(struct socks *s, enum sock_kind kind)
{
	unsigned n = 0;

	for (; n < SOCK_ERRORS_MAX; n++) {
		union sock_addr to = { 0 };
		uint8_t quoted[64];
		_Alignas(8) uint8_t control[256];
		struct iovec iov = { quoted, sizeof(quoted) };
		struct msghdr m = { &to, sizeof(to), &iov, 1, control, sizeof(control), 0 };
		ssize_t got = recvmsg(s->fd[kind], &m, MSG_ERRQUEUE | MSG_DONTWAIT);
		struct sock_error e = { 0 };

		if (got < 0)
			break;
		e.remote = from_sockaddr(&to);
		e.quoted = span_of(quoted, (size_t)got < sizeof(quoted) ? (size_t)got : sizeof(quoted));
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
			bool err = (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
			    (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR);

			if (err && path_error((struct sock_extended_err *)(void *)CMSG_DATA(c), &e))
				s->too_big(s->ctx, kind, &e);
		}
	}
	s->count[XFRM_N_ERRORS] += n;
	return n;
}
