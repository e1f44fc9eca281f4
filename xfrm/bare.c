/* xfrm/bare.c: GRE as it is, for tunnels whose administrator says `tunnel protection none`.
 *
 * This is the only code of the user data plane that can send GRE in clear. It does so for tunnels that bare_tunnel_set() was told of and for
 * no other; a tunnel that is to be protected is never told here. Its raw sockets (IP protocol 47) are open while there is such a
 * tunnel and no longer.
 *
 * Peers are told apart by their outer address, one of each tunnel. What comes from an address that is no peer's is dropped, but for
 * NHRP, by which it may become one: that is raised as DP_EV_NHRP of peer 0, and the core decides. A tunnel is found by our outer
 * address and its key.
 *
 * One system call a packet, both ways: this is for interoperation, not for speed; the kernel's plane has that. Packets larger than the
 * path may be fragmented on their way. */
#include "xfrm/bare.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip6.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/map.h"

enum {
	TUNNELS_MAX = 16,
	BURST = 64, ROOM = 4 << 20,
	IP_MAX = 60,	/* IPv4 header with options: raw sockets give it */
	GRE_KEY_FLAG = 0x2000, GRE_NHRP_TYPE = 0x2001,
};

#define BARE_COUNTS(X) \
	X(IN, "bare-in") \
	X(OUT, "bare-out") \
	X(STRANGER, "bare-unknown-sender") \
	X(NO_TUNNEL, "bare-no-tunnel") \
	X(SHORT, "bare-short") \
	X(NO_PEER, "bare-no-peer") \
	X(FAILED, "bare-send-failed")
#define X(name, word) BARE_##name,
enum bare_count { BARE_COUNTS(X) BARE_COUNT_N };
#undef X
#define X(name, word) word,
static const char *const count_word[] = { BARE_COUNTS(X) };
#undef X

struct bare_tunnel {
	bool used, has_key;
	struct addr source;
	uint32_t key;
	unsigned payload_max;
};

struct bare_pair {
	struct map_node by_spi, by_peer, by_remote;
	uint32_t spi, tunnel, peer;
	struct endpoint local, remote;
};

enum { V4, V6, FAMILIES };

struct bare {
	const struct host *host;
	dp_event_fn *fn;
	void *ctx;
	struct dpsec_in in;
	bool carries;
	struct bare_tunnel tunnel[TUNNELS_MAX];
	struct map spis, peers, remotes;
	int fd[FAMILIES];
	struct host_watch *watch[FAMILIES];
	uint64_t count[BARE_COUNT_N];
	char err[160];
	uint8_t buf[DPSEC_HEAD + IP_MAX + DPSEC_PAYLOAD];
};

/* ---- tables */

struct peer_key {
	uint32_t tunnel, peer;
};
struct remote_key {
	uint32_t tunnel;
	struct addr remote;
};

static bool
spi_eq(const struct map_node *n, const void *key)
{
	return container_of(n, struct bare_pair, by_spi)->spi == *(const uint32_t *)key;
}

static bool
peer_eq(const struct map_node *n, const void *key)
{
	const struct bare_pair *p = container_of(n, struct bare_pair, by_peer);
	const struct peer_key *k = key;

	return p->tunnel == k->tunnel && p->peer == k->peer;
}

static bool
remote_eq(const struct map_node *n, const void *key)
{
	const struct bare_pair *p = container_of(n, struct bare_pair, by_remote);
	const struct remote_key *k = key;

	return p->tunnel == k->tunnel && addr_eq(&p->remote.addr, &k->remote);
}

static uint64_t
remote_hash(const struct bare *b, uint32_t tunnel, const struct addr *a)
{
	return map_hash(&b->remotes, a->b, a->n) + tunnel;
}

static struct bare_pair *
by_spi(const struct bare *b, uint32_t spi)
{
	struct map_node *n = map_find(&b->spis, map_hash(&b->spis, &spi, sizeof(spi)), spi_eq, &spi);

	return n ? container_of(n, struct bare_pair, by_spi) : NULL;
}

static struct bare_pair *
by_peer(const struct bare *b, uint32_t tunnel, uint32_t peer)
{
	struct peer_key k = { tunnel, peer };
	struct map_node *n = map_find(&b->peers, map_hash(&b->peers, &k, sizeof(k)), peer_eq, &k);

	return n ? container_of(n, struct bare_pair, by_peer) : NULL;
}

static struct bare_pair *
by_remote(const struct bare *b, uint32_t tunnel, const struct addr *remote)
{
	struct remote_key k = { tunnel, *remote };
	struct map_node *n = map_find(&b->remotes, remote_hash(b, tunnel, remote), remote_eq, &k);

	return n ? container_of(n, struct bare_pair, by_remote) : NULL;
}

static void
pair_free(struct bare *b, struct bare_pair *p)
{
	map_del(&b->spis, &p->by_spi);
	map_del(&b->peers, &p->by_peer);
	map_del(&b->remotes, &p->by_remote);
	env_free(b->host->env, p);
}

int
bare_sa_add(struct bare *b, const struct dp_sa *sa)
{
	struct bare_pair *p = by_spi(b, sa->spi_in);
	struct peer_key k = { sa->tunnel, sa->peer };

	if (p)
		return p->tunnel == sa->tunnel && p->peer == sa->peer ? 0 : -EEXIST;
	if (!bare_has(b, sa->tunnel) || by_peer(b, sa->tunnel, sa->peer) || by_remote(b, sa->tunnel, &sa->remote.addr))
		return -EINVAL;
	if (!(p = env_alloc(b->host->env, sizeof(*p))))
		return -ENOMEM;
	*p = (struct bare_pair){ .spi = sa->spi_in, .tunnel = sa->tunnel, .peer = sa->peer, .local = sa->local, .remote = sa->remote };
	map_add(&b->spis, &p->by_spi, map_hash(&b->spis, &p->spi, sizeof(p->spi)));
	map_add(&b->peers, &p->by_peer, map_hash(&b->peers, &k, sizeof(k)));
	map_add(&b->remotes, &p->by_remote, remote_hash(b, p->tunnel, &p->remote.addr));
	return 0;
}

bool
bare_sa_find(const struct bare *b, uint32_t spi_in, uint32_t *tunnel, uint32_t *peer)
{
	const struct bare_pair *p = by_spi(b, spi_in);

	if (p) {
		*tunnel = p->tunnel;
		*peer = p->peer;
	}
	return p;
}

bool
bare_sa_del(struct bare *b, uint32_t spi_in, uint32_t *tunnel, uint32_t *peer)
{
	bool found = bare_sa_find(b, spi_in, tunnel, peer);

	if (found)
		pair_free(b, by_spi(b, spi_in));
	return found;
}

bool
bare_peer(const struct bare *b, uint32_t tunnel, uint32_t peer, struct endpoint *local, struct endpoint *remote)
{
	const struct bare_pair *p = by_peer(b, tunnel, peer);

	if (p) {
		*local = p->local;
		*remote = p->remote;
	}
	return p;
}

/* ---- out */

static void
put_cmsg(struct msghdr *m, struct cmsghdr **c, int level, int type, const void *data, size_t n)
{
	*c = *c ? CMSG_NXTHDR(m, *c) : CMSG_FIRSTHDR(m);
	(*c)->cmsg_level = level;
	(*c)->cmsg_type = type;
	(*c)->cmsg_len = CMSG_LEN(n);
	memcpy(CMSG_DATA(*c), data, n);
}

static bool
send_to(const struct bare *b, const struct bare_pair *p, const struct dpsec_pkt *pkt)
{
	union {
		struct cmsghdr align;
		uint8_t room[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	bool v6 = p->remote.addr.n == 16;
	struct sockaddr_in to4 = { .sin_family = AF_INET };
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6 };
	struct in_pktinfo from4 = { 0 };
	struct in6_pktinfo from6 = { 0 };
	struct iovec iov = { pkt->p, pkt->n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof(control.room) };
	struct cmsghdr *c = NULL;
	int tos = pkt->tos;

	memcpy(&to4.sin_addr, p->remote.addr.b, 4);
	memcpy(&to6.sin6_addr, p->remote.addr.b, 16);
	memcpy(&from4.ipi_spec_dst, p->local.addr.b, 4);
	memcpy(&from6.ipi6_addr, p->local.addr.b, 16);
	m.msg_name = v6 ? (void *)&to6 : (void *)&to4;
	m.msg_namelen = v6 ? sizeof(to6) : sizeof(to4);
	if (v6)
		put_cmsg(&m, &c, IPPROTO_IPV6, IPV6_PKTINFO, &from6, sizeof(from6));
	else
		put_cmsg(&m, &c, IPPROTO_IP, IP_PKTINFO, &from4, sizeof(from4));
	put_cmsg(&m, &c, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TCLASS : IP_TOS, &tos, sizeof(tos));
	m.msg_controllen = (size_t)((uint8_t *)c - control.room) + CMSG_SPACE(sizeof(tos));
	return sendmsg(b->fd[v6], &m, MSG_DONTWAIT) >= 0;
}

bool
bare_seal(struct bare *b, uint32_t tunnel, uint32_t peer, const struct dpsec_pkt *pkt)
{
	const struct bare_pair *p = by_peer(b, tunnel, peer);
	bool ok = p && pkt->next == DPSEC_GRE && send_to(b, p, pkt);

	b->count[ok ? BARE_OUT : p ? BARE_FAILED : BARE_NO_PEER]++;
	return ok;
}

unsigned
bare_payload_max(const struct bare *b, uint32_t tunnel, uint32_t peer)
{
	return bare_has(b, tunnel) && by_peer(b, tunnel, peer) ? b->tunnel[tunnel - 1].payload_max : 0;
}

/* ---- in */

static bool
same_key(const struct bare_tunnel *t, struct span gre)
{
	bool has = get_be16(gre.p) & GRE_KEY_FLAG;

	return has == t->has_key && (!has || (gre.n >= 8 && get_be32(gre.p + 4) == t->key));
}

/* By our address and the key; with another key the first one of that address, where mgre/gre.c refuses and counts it. 0: none. */
static uint32_t
tunnel_of(const struct bare *b, const struct addr *dst, struct span gre)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < TUNNELS_MAX; i++) {
		if (!b->tunnel[i].used || !addr_eq(&b->tunnel[i].source, dst))
			continue;
		if (same_key(&b->tunnel[i], gre))
			return i + 1;
		found = found ? found : i + 1;
	}
	return found;
}

/* Flags exactly as configured, then the key, as mgre/gre.c looks at the packets of peers. */
static bool
is_nhrp(const struct bare_tunnel *t, struct span gre, size_t *head)
{
	*head = t->has_key ? 8 : 4;
	return gre.n >= *head && get_be16(gre.p) == (t->has_key ? GRE_KEY_FLAG : 0) && get_be16(gre.p + 2) == GRE_NHRP_TYPE &&
	       (!t->has_key || get_be32(gre.p + 4) == t->key);
}

static enum bare_count
stranger(struct bare *b, uint32_t tunnel, const struct addr *src, const struct addr *dst, struct span gre)
{
	struct dp_event ev = { .kind = DP_EV_NHRP, .tunnel = tunnel, .local.addr = *dst, .remote.addr = *src };
	size_t head;

	if (!is_nhrp(&b->tunnel[tunnel - 1], gre, &head))
		return BARE_STRANGER;
	ev.packet = span_of(gre.p + head, gre.n - head);
	b->fn(b->ctx, &ev);
	return BARE_IN;
}

static enum bare_count
receive(struct bare *b, const struct addr *src, const struct addr *dst, struct dpsec_pkt *pkt)
{
	struct dpsec_from from = { .local.addr = *dst, .remote.addr = *src };
	const struct bare_pair *p;

	if (!(from.tunnel = tunnel_of(b, dst, span_of(pkt->p, pkt->n))))
		return BARE_NO_TUNNEL;
	p = by_remote(b, from.tunnel, src);
	if (!p)
		return stranger(b, from.tunnel, src, dst, span_of(pkt->p, pkt->n));
	from.peer = p->peer;
	from.spi_in = p->spi;
	b->in.packet(b->in.ctx, &from, pkt);
	return BARE_IN;
}

static enum bare_count
take4(struct bare *b, uint8_t *p, size_t n)
{
	size_t head = n >= 20 ? (size_t)(p[0] & 15) * 4 : 0;
	struct dpsec_pkt pkt = { .p = p + head, .n = n - head, .next = DPSEC_GRE };
	struct addr src, dst;

	if (head < 20 || n < head + 4)
		return BARE_SHORT;
	pkt.tos = p[1];
	src = addr_of(p + 12, 4);
	dst = addr_of(p + 16, 4);
	return receive(b, &src, &dst, &pkt);
}

static enum bare_count
take6(struct bare *b, uint8_t *p, size_t n, struct msghdr *m)
{
	const struct sockaddr_in6 *from = m->msg_name;
	struct addr src = addr_of((const uint8_t *)&from->sin6_addr, 16), dst = { 0 };
	struct dpsec_pkt pkt = { .p = p, .n = n, .next = DPSEC_GRE };
	struct in6_pktinfo info;
	int tos = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			dst = addr_of((const uint8_t *)&info.ipi6_addr, 16);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
			memcpy(&tos, CMSG_DATA(c), sizeof(tos));
		}
	}
	if (n < 4)
		return BARE_SHORT;
	pkt.tos = (uint8_t)tos;
	return receive(b, &src, &dst, &pkt);
}

/* In a burst a tunnel may go, and the socket with it. */
static void
readable(struct bare *b, unsigned family)
{
	union {
		struct cmsghdr align;
		uint8_t room[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))];
	} control;
	struct sockaddr_in6 from;
	struct iovec iov = { b->buf + DPSEC_HEAD, sizeof(b->buf) - DPSEC_HEAD };

	for (unsigned i = 0; i < BURST && b->fd[family] >= 0; i++) {
		struct msghdr m = { .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room,
			.msg_controllen = sizeof(control.room) };
		ssize_t n = recvmsg(b->fd[family], &m, MSG_DONTWAIT);

		if (n < 0)
			return;
		if (m.msg_flags & MSG_TRUNC)
			b->count[BARE_SHORT]++;
		else
			b->count[family == V6 ? take6(b, iov.iov_base, (size_t)n, &m) : take4(b, iov.iov_base, (size_t)n)]++;
		b->in.flush(b->in.ctx);	/* there is one buffer */
	}
}

static void
readable4(void *arg)
{
	readable(arg, V4);
}

static void
readable6(void *arg)
{
	readable(arg, V6);
}

/* ---- sockets and tunnels */

static void
close_socket(struct bare *b, unsigned family)
{
	b->host->unwatch(b->host->ctx, b->watch[family]);
	b->watch[family] = NULL;
	if (b->fd[family] >= 0)
		close(b->fd[family]);
	b->fd[family] = -1;
}

static bool
set_options(int fd, unsigned family)
{
	int on = 1, room = ROOM, df = family == V6 ? IPV6_PMTUDISC_WANT : IP_PMTUDISC_DONT;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	if (family == V4)
		return setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &df, sizeof(df)) == 0;
	return setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &df, sizeof(df)) == 0 &&
	       setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) == 0 && setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof(on)) == 0;
}

static int
open_socket(struct bare *b, unsigned family)
{
	int fd, rc = 0;

	if (!b->carries || b->fd[family] >= 0)
		return 0;
	fd = socket(family == V6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_GRE);
	if (fd < 0 || !set_options(fd, family))
		rc = -errno;
	b->fd[family] = fd;
	if (rc == 0 && !(b->watch[family] = b->host->watch(b->host->ctx, fd, family == V6 ? readable6 : readable4, b)))
		rc = -ENOMEM;
	if (rc == 0)
		return 0;
	snprintf(b->err, sizeof(b->err), "cannot open a raw GRE socket: %s", strerror(-rc));
	close_socket(b, family);
	return rc;
}

static void
close_unused(struct bare *b)
{
	bool needed[FAMILIES] = { false };

	for (unsigned i = 0; i < TUNNELS_MAX; i++)
		needed[b->tunnel[i].source.n == 16] |= b->tunnel[i].used && b->tunnel[i].source.n;
	for (unsigned f = 0; f < FAMILIES; f++) {
		if (!needed[f])
			close_socket(b, f);
	}
}

int
bare_tunnel_set(struct bare *b, const struct dp_tunnel *conf, unsigned payload_max)
{
	int rc;

	b->err[0] = '\0';
	if (conf->id == 0 || conf->id > TUNNELS_MAX)
		return -EINVAL;
	rc = conf->source.n ? open_socket(b, conf->source.n == 16) : 0;
	if (rc != 0)
		return rc;
	b->tunnel[conf->id - 1] = (struct bare_tunnel){ true, conf->has_key, conf->source, conf->key,
		payload_max < DPSEC_PAYLOAD ? payload_max : DPSEC_PAYLOAD };
	close_unused(b);
	return 0;
}

void
bare_tunnel_del(struct bare *b, uint32_t tunnel)
{
	if (!bare_has(b, tunnel))
		return;
	b->tunnel[tunnel - 1] = (struct bare_tunnel){ .used = false };
	close_unused(b);
}

bool
bare_has(const struct bare *b, uint32_t tunnel)
{
	return tunnel && tunnel <= TUNNELS_MAX && b->tunnel[tunnel - 1].used;
}

/* ---- the rest */

void
bare_counters(const struct bare *b, dp_counter_fn *fn, void *ctx)
{
	for (unsigned i = 0; b->carries && i < BARE_COUNT_N; i++)
		fn(ctx, count_word[i], b->count[i]);
}

const char *
bare_error(const struct bare *b)
{
	return b->err;
}

struct bare *
bare_new(const struct host *host, dp_event_fn *fn, void *ctx, const struct dpsec_in *in)
{
	struct bare *b = env_alloc(host->env, sizeof(*b));

	if (!b)
		return NULL;
	b->host = host;
	b->fn = fn;
	b->ctx = ctx;
	b->carries = in != NULL;
	if (in)
		b->in = *in;
	b->fd[V4] = b->fd[V6] = -1;
	map_init(&b->spis, host->env);
	map_init(&b->peers, host->env);
	map_init(&b->remotes, host->env);
	return b;
}

void
bare_free(struct bare *b)
{
	struct map_node *n;
	struct map_iter it;

	if (!b)
		return;
	while (b->spis.n && (n = map_first(&b->spis, &it)))
		pair_free(b, container_of(n, struct bare_pair, by_spi));
	for (unsigned f = 0; f < FAMILIES; f++)
		close_socket(b, f);
	map_fini(&b->spis);
	map_fini(&b->peers);
	map_fini(&b->remotes);
	env_free(b->host->env, b);
}
