#include "config.h"

#include "mgre/join.h"

#include <errno.h>
#include <linux/virtio_net.h>

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

enum {
	IP4 = 20, IP4_LENGTH = 2, IP4_ID = 4, IP4_OFFSET = 6, IP4_TTL = 8, IP4_SUM = 10, IP4_MORE_OFFSET = 0x3fff, IP6 = 40, IP6_LENGTH = 4, IP6_NEXT = 6,
	TCP_HEAD = 20, TCP_SEQ = 4, TCP_ACK = 8, TCP_DOFF = 12, TCP_FLAGS = 13, TCP_WINDOW = 14, TCP_SUM = 16, TCP_URGENT = 18,
	TCP_IS_ACK = 0x10, TCP_IS_PSH = 0x08,
	UDP_HEAD = 8, UDP_LENGTH = 4, UDP_SUM = 6,
	TOTAL_MAX = 65535,
};

/* Octets of all headers, or 0: not one that can be joined with others. */
static size_t
tcp_head(const struct inner *in)
{
	const uint8_t *tcp = in->p + in->l4;
	size_t doff;

	if (in->n < in->l4 + TCP_HEAD)
		return 0;
	doff = (size_t)(tcp[TCP_DOFF] >> 4) * 4;
	if (doff < TCP_HEAD || in->n <= in->l4 + doff || tcp[TCP_DOFF] & 15 || (tcp[TCP_FLAGS] & ~TCP_IS_PSH) != TCP_IS_ACK)
		return 0;
	return in->l4 + doff;
}

static size_t
udp_head(const struct inner *in)
{
	const uint8_t *udp = in->p + in->l4;

	if (in->n <= in->l4 + UDP_HEAD || get_be16(udp + UDP_LENGTH) != in->n - in->l4 || get_be16(udp + UDP_SUM) == 0)
		return 0;
	return in->l4 + UDP_HEAD;
}

static size_t
candidate(const struct inner *in)
{
	if (in->v6 ? in->l4 != IP6 || in->p[IP6_NEXT] != in->proto : in->l4 != IP4 || get_be16(in->p + IP4_OFFSET) & IP4_MORE_OFFSET)
		return 0;
	return in->proto == IP_TCP ? tcp_head(in) : in->proto == IP_UDP ? udp_head(in) : 0;
}

static bool
sums_right(const struct inner *in)
{
	size_t n = in->n - in->l4;

	return (in->v6 || csum_fold(csum_add(0, in->p, IP4)) == 0xffff) &&
	    csum_fold(csum_add(csum_pseudo(in, in->proto, n), in->p + in->l4, n)) == 0xffff;
}

static bool
same_flow(const struct join_flow *f, const struct inner *in)
{
	return f->in.n && f->in.v6 == in->v6 && addr_eq(&f->in.src, &in->src) && addr_eq(&f->in.dst, &in->dst) &&
	    (!in->l4 || in->n < in->l4 + 4 || (f->in.proto == in->proto && memcmp(f->in.p + f->in.l4, in->p + in->l4, 4) == 0));
}

static bool
eq(const struct join_flow *f, const struct inner *in, size_t at, size_t n)
{
	return memcmp(f->in.p + at, in->p + at, n) == 0;
}

/* A packet that may be fragmented on its way has a number of its own, which segmentation would give it: one more than the last. */
static bool
same_ip(const struct join_flow *f, const struct inner *in)
{
	if (in->v6)
		return eq(f, in, 0, 4) && eq(f, in, IP6_NEXT, 2);
	return eq(f, in, 0, 2) && eq(f, in, IP4_OFFSET, 2) && eq(f, in, IP4_TTL, 2) &&
	    (in->df || (uint16_t)(get_be16(f->in.p + IP4_ID) + f->n) == get_be16(in->p + IP4_ID));
}

static bool
same_tcp(const struct join_flow *f, const struct inner *in)
{
	size_t l4 = in->l4;

	return get_be32(in->p + l4 + TCP_SEQ) == f->seq && eq(f, in, l4 + TCP_ACK, 5) && eq(f, in, l4 + TCP_WINDOW, 2) &&
	    eq(f, in, l4 + TCP_URGENT, 2) && eq(f, in, l4 + TCP_HEAD, f->head - l4 - TCP_HEAD);
}

static bool
fits(const struct join_flow *f, const struct inner *in, uint32_t peer, const uint8_t *eth, size_t head)
{
	size_t payload = in->n - head;

	return f->peer == peer && f->head == head && payload <= f->size && f->n < JOIN_PACKETS && f->in.n + f->total - f->size + payload <= TOTAL_MAX &&
	    memcmp(f->eth, eth, TAP_ETH) == 0 && same_ip(f, in) && (in->proto == IP_UDP || same_tcp(f, in));
}

static void
put_vnet(uint8_t *out, uint8_t flags, uint8_t type, size_t hdr_len, size_t size, size_t start, uint16_t offset)
{
	struct virtio_net_hdr h = { .flags = flags, .gso_type = type, .hdr_len = (uint16_t)hdr_len, .gso_size = (uint16_t)size,
		.csum_start = (uint16_t)start, .csum_offset = offset };	/* in native byte order */

	memcpy(out, &h, sizeof(h));
}

static int
write_alone(struct join *j, uint32_t peer, const uint8_t *eth, const struct inner *in, bool verified)
{
	uint8_t head[TAP_HEAD];
	struct iovec iov[2] = { { head, sizeof(head) }, { in->p, in->n } };

	put_vnet(head, verified ? VIRTIO_NET_HDR_F_DATA_VALID : 0, VIRTIO_NET_HDR_GSO_NONE, 0, 0, 0, 0);
	memcpy(head + TAP_VNET, eth, TAP_ETH);
	return j->write(j->ctx, peer, iov, 2, 1, in->n);
}

/* The headers of the whole: lengths, and the transport checksum of the pseudo header only, which is for the kernel to complete. */
static void
make_head(struct join *j, const struct join_flow *f)
{
	uint8_t *ip = j->head + TAP_HEAD, *l4 = ip + f->in.l4;
	bool udp = f->in.proto == IP_UDP;
	size_t n = f->head + f->total, transport = n - f->in.l4;

	put_vnet(j->head, VIRTIO_NET_HDR_F_NEEDS_CSUM,
	    udp ? VIRTIO_NET_HDR_GSO_UDP_L4 : f->in.v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4, TAP_ETH + f->head, f->size,
	    TAP_ETH + f->in.l4, udp ? UDP_SUM : TCP_SUM);
	memcpy(j->head + TAP_VNET, f->eth, TAP_ETH);
	memcpy(ip, f->in.p, f->head);
	if (f->in.v6) {
		put_be16(ip + IP6_LENGTH, (uint16_t)(n - IP6));
	} else {
		put_be16(ip + IP4_LENGTH, (uint16_t)n);
		put_be16(ip + IP4_SUM, 0);
		put_be16(ip + IP4_SUM, (uint16_t)~csum_fold(csum_add(0, ip, IP4)));
	}
	if (udp)
		put_be16(l4 + UDP_LENGTH, (uint16_t)transport);
	else if (f->push)
		l4[TCP_FLAGS] |= TCP_IS_PSH;
	put_be16(l4 + (udp ? UDP_SUM : TCP_SUM), csum_fold(csum_pseudo(&f->in, f->in.proto, transport)));
}

/* The kernel took it not for its size but for what it is. The packets are still where they were. */
static void
write_each(struct join *j, const struct join_flow *f)
{
	for (unsigned i = 0; i < f->n; i++) {
		struct inner in = f->in;

		in.p = (uint8_t *)f->iov[1 + i].iov_base - f->head;
		in.n = f->head + f->iov[1 + i].iov_len;
		write_alone(j, f->peer, f->eth, &in, true);
	}
}

static void
write_flow(struct join *j, struct join_flow *f)
{
	if (f->n == 1) {
		write_alone(j, f->peer, f->eth, &f->in, true);
	} else {
		make_head(j, f);
		f->iov[0] = (struct iovec){ j->head, TAP_HEAD + f->head };
		if (j->write(j->ctx, f->peer, f->iov, 1 + f->n, f->n, f->n * f->head + f->total) == -EINVAL) {
			j->refused++;
			write_each(j, f);
		} else {
			j->joined++;
		}
	}
	f->in.n = 0;
	j->held--;
}

static struct join_flow *
find(struct join *j, const struct inner *in)
{
	for (int i = 0; i < JOIN_FLOWS && j->held; i++)
		if (same_flow(&j->flow[i], in))
			return &j->flow[i];
	return NULL;
}

static struct join_flow *
room(struct join *j)
{
	struct join_flow *oldest = &j->flow[0];

	for (int i = 0; i < JOIN_FLOWS; i++) {
		if (!j->flow[i].in.n)
			return &j->flow[i];
		if (j->flow[i].born < oldest->born)
			oldest = &j->flow[i];
	}
	write_flow(j, oldest);
	return oldest;
}

static bool
pushes(const struct inner *in)
{
	return in->proto == IP_TCP && in->p[in->l4 + TCP_FLAGS] & TCP_IS_PSH;
}

static void
append(struct join_flow *f, const struct inner *in, size_t head)
{
	size_t payload = in->n - head;

	f->iov[1 + f->n++] = (struct iovec){ in->p + head, payload };
	f->total += payload;
	f->seq += (uint32_t)payload;
	f->push = pushes(in);
}

static void
hold(struct join *j, uint32_t peer, const uint8_t *eth, const struct inner *in, size_t head)
{
	struct join_flow *f = room(j);

	f->in = *in;
	f->peer = peer;
	memcpy(f->eth, eth, TAP_ETH);
	f->head = head;
	f->size = in->n - head;
	f->total = 0;
	f->n = 0;
	f->seq = in->proto == IP_TCP ? get_be32(in->p + in->l4 + TCP_SEQ) : 0;
	f->born = ++j->serial;
	j->held++;
	append(f, in, head);
}

void
join_add(struct join *j, uint32_t peer, const uint8_t eth[static TAP_ETH], const struct inner *in)
{
	size_t head = j->off || j->refused >= JOIN_REFUSALS ? 0 : candidate(in);
	bool good = head && sums_right(in);
	struct join_flow *f = find(j, in);

	if (f && good && fits(f, in, peer, eth, head)) {
		append(f, in, head);
		if (f->iov[f->n].iov_len < f->size || f->push)
			write_flow(j, f);
		return;
	}
	for (; f; f = find(j, in))	/* in their order; a fragment may belong to several */
		write_flow(j, f);
	if (good && !pushes(in))
		hold(j, peer, eth, in, head);
	else
		write_alone(j, peer, eth, in, good);
}

void
join_flush(struct join *j)
{
	while (j->held) {
		struct join_flow *first = NULL;

		for (int i = 0; i < JOIN_FLOWS; i++)
			if (j->flow[i].in.n && (!first || j->flow[i].born < first->born))
				first = &j->flow[i];
		write_flow(j, first);
	}
}

void
join_forget(struct join *j)
{
	for (int i = 0; i < JOIN_FLOWS; i++)
		j->flow[i].in.n = 0;
	j->held = 0;
}
