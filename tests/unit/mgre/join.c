#include "mgre/join.h"

#include <errno.h>
#include <linux/virtio_net.h>

#include "mgre/seg.h"
#include "tests/unit/mgre/mgre_test.h"
#include "tests/unit/mgre/super.h"

enum { ACK = 16, PSH = 8, FRAMES = 128, PACKETS = 128, ROOM = 2000 };

/* What was written. */
static struct {
	uint8_t *octets;
	size_t n;
	unsigned packets;
} got[FRAMES];
static unsigned n_got;
static int refuse;	/* super-packets, with that */
static struct join j;
static uint8_t mem[PACKETS][ROOM];
static unsigned used;
static const uint8_t eth[TAP_ETH] = { 6, 1, 2, 3, 4, 5, 2, 0, 0, 0, 0, 1, 8, 0 };

static int
take(void *ctx, uint32_t peer, const struct iovec *iov, unsigned n_iov, unsigned packets, size_t octets)
{
	size_t n = 0, at = 0;

	ck_assert_ptr_eq(ctx, &j);
	ck_assert_uint_eq(peer, 7);
	if (packets > 1 && refuse)
		return refuse;
	for (unsigned i = 0; i < n_iov; i++)
		n += iov[i].iov_len;
	ck_assert_uint_lt(n_got, FRAMES);
	got[n_got].octets = malloc(n);
	got[n_got].packets = packets;
	got[n_got].n = n;
	for (unsigned i = 0; i < n_iov; at += iov[i++].iov_len)
		memcpy(got[n_got].octets + at, iov[i].iov_base, iov[i].iov_len);
	ck_assert_uint_ge(octets, n - TAP_HEAD);
	n_got++;
	return 0;
}

static void
start(void)
{
	join_forget(&j);
	memset(&j, 0, sizeof(j));
	j.write = take;
	j.ctx = &j;
	while (n_got)
		free(got[--n_got].octets);
	used = 0;
	refuse = 0;
}

static uint8_t *
put(const struct super_conf *c)
{
	uint8_t *p = mem[used++];
	struct inner in;

	ck_assert_uint_le(used, PACKETS);
	in = super_parse(p, super_make(p, c));
	join_add(&j, 7, eth, &in);
	return p;
}

static void
add(uint8_t *p, size_t n)
{
	struct inner in = super_parse(p, n);

	join_add(&j, 7, eth, &in);
}

/* As a kernel sees it: the header is consistent, and cut again it gives `n` packets, the ones put in from `first` on. */
static void
is_super(unsigned frame, unsigned first, unsigned n)
{
	struct virtio_net_hdr h;
	uint8_t *p = got[frame].octets, *ip = p + TAP_HEAD, out[ROOM];
	struct inner in = super_parse(ip, got[frame].n - TAP_HEAD);
	bool udp = in.proto == IP_UDP;
	struct seg s;
	size_t len;

	memcpy(&h, p, sizeof(h));
	ck_assert_uint_eq(in.n, got[frame].n - TAP_HEAD);
	ck_assert_mem_eq(p + TAP_VNET, eth, TAP_ETH);
	ck_assert_uint_eq(h.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	ck_assert_uint_eq(h.gso_type, udp ? 5 : in.v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4);
	ck_assert_uint_eq(h.csum_start, TAP_ETH + in.l4);
	ck_assert_uint_eq(h.csum_offset, udp ? 6 : 16);
	ck_assert_uint_eq(h.hdr_len, TAP_ETH + super_head(ip));
	ck_assert_uint_eq(get_be16(ip + in.l4 + h.csum_offset), csum_fold(csum_pseudo(&in, in.proto, in.n - in.l4)));
	super_sign(ip, in.n);
	ck_assert(super_good(ip, in.n));	/* the lengths */
	ck_assert_int_eq(seg_begin(&s, &in, udp ? SEG_UDP : in.v6 ? SEG_TCP6 : SEG_TCP4, h.gso_size), MGRE_OK);
	for (unsigned i = 0; i < n; i++) {
		len = seg_next(&s, out);
		if (!in.v6 && in.df) {	/* its number says nothing: RFC 6864 */
			memcpy(out + 4, mem[first + i] + 4, 2);
			super_sign(out, len);
		}
		ck_assert_mem_eq(out, mem[first + i], len);
	}
	ck_assert_uint_eq(seg_next(&s, out), 0);
}

static void
is_alone(unsigned frame, unsigned number, bool verified)
{
	struct virtio_net_hdr h;

	memcpy(&h, got[frame].octets, sizeof(h));
	ck_assert_uint_eq(h.flags, verified ? VIRTIO_NET_HDR_F_DATA_VALID : 0);
	ck_assert_uint_eq(h.gso_type, 0);
	ck_assert_mem_eq(got[frame].octets + TAP_HEAD, mem[number], got[frame].n - TAP_HEAD);
}

static struct super_conf
tcp(bool v6)
{
	return (struct super_conf){ .v6 = v6, .flags = ACK, .off = 0x4000, .payload = 1000, .seq = 0xfffffe00, .options = 12 };
}

START_TEST(a_flow_becomes_one)
{
	struct super_conf c = tcp(_i);

	start();
	for (int i = 0; i < 10; i++, c.seq += 1000)
		put(&c);
	ck_assert_uint_eq(n_got, 0);
	join_flush(&j);
	ck_assert_uint_eq(n_got, 1);
	ck_assert_uint_eq(got[0].packets, 10);
	is_super(0, 0, 10);
	ck_assert_uint_eq(j.held, 0);
}
END_TEST

START_TEST(udp_becomes_one)
{
	struct super_conf c = { .v6 = _i, .udp = true, .payload = 100, .off = 0x4000 };

	start();
	for (int i = 0; i < 3; i++)
		put(&c);
	c.payload = 50;
	put(&c);	/* shorter: the last */
	ck_assert_uint_eq(n_got, 1);
	c.payload = 51;
	put(&c);
	join_flush(&j);
	ck_assert_uint_eq(n_got, 2);
	is_super(0, 0, 4);
	is_alone(1, 4, true);
}
END_TEST

/* Without DF the numbers of IPv4 packets are those that segmentation gives. */
START_TEST(numbers_that_count_run_on)
{
	struct super_conf c = { .udp = true, .payload = 100, .id = 65535 };

	start();
	put(&c);
	c.id = 0;
	put(&c);
	c.id = 5;
	put(&c);
	c.id = 5;
	put(&c);
	join_flush(&j);
	ck_assert_uint_eq(n_got, 3);
	is_super(0, 0, 2);
	is_alone(1, 2, true);
	is_alone(2, 3, true);
}
END_TEST

START_TEST(a_short_one_or_a_push_ends_it)
{
	struct super_conf c = tcp(false);

	start();
	put(&c);
	c.seq += 1000;
	c.payload = 999;
	put(&c);
	ck_assert_uint_eq(n_got, 1);
	is_super(0, 0, 2);
	c.seq += 999;
	c.payload = 1000;
	put(&c);
	c.seq += 1000;
	c.flags |= PSH;
	put(&c);
	ck_assert_uint_eq(n_got, 2);
	is_super(1, 2, 2);
	c.seq += 1000;
	put(&c);	/* begins with it: nothing may follow */
	ck_assert_uint_eq(n_got, 3);
	is_alone(2, 4, true);
}
END_TEST

/* One octet differs: two packets. */
static const struct {
	const char *what;
	size_t at;
	uint8_t value;
	bool held;	/* it may begin another */
} differ[] = {
	{ "tos", 1, 4, true }, { "ecn", 1, 3, true }, { "df", 6, 0, true }, { "ttl", 8, 62, true }, { "source", 15, 9, true }, { "destination", 19, 9, true },
	{ "port", 21, 9, true }, { "gap", 27, 9, true }, { "ack", 31, 9, true }, { "window", 35, 9, true }, { "urgent", 39, 9, true }, { "option", 42, 9, true },
	{ "header", 32, 0x70, true }, { "reserved", 32, 0x82, false }, { "fin", 33, ACK | 1, false }, { "syn", 33, ACK | 2, false }, { "rst", 33, ACK | 4, false },
	{ "no ack", 33, 0, false }, { "urg", 33, ACK | 32, false }, { "ece", 33, ACK | 64, false }, { "cwr", 33, ACK | 128, false },
};

START_TEST(what_differs_is_not_joined)
{
	struct super_conf c = tcp(false);
	size_t n;

	start();
	put(&c);
	c.seq += 1000;
	n = super_make(mem[used], &c);
	mem[used][differ[_i].at] = differ[_i].value;
	super_sign(mem[used], n);
	add(mem[used++], n);
	ck_assert_uint_eq(j.held > 0, differ[_i].held);
	join_flush(&j);
	ck_assert_uint_eq(n_got, 2);
	is_alone(0, 0, true);
	ck_assert_mem_eq(got[1].octets + TAP_HEAD, mem[1], n);
}
END_TEST

START_TEST(ipv6_flow_label_and_hops_count)
{
	static const size_t at[] = { 1, 2, 3, 7 };

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		struct super_conf c = tcp(true);
		size_t n;

		start();
		put(&c);
		c.seq += 1000;
		n = super_make(mem[used], &c);
		mem[used][at[i]] ^= 0x10;
		add(mem[used++], n);
		join_flush(&j);
		ck_assert_uint_eq(n_got, 2);
	}
}
END_TEST

/* The receiver's kernel is to count it, and not to be told that it is right. */
START_TEST(a_wrong_checksum_goes_alone)
{
	static const size_t at[] = { 8 /* TTL: the header's */, 36 /* TCP's own */, 52, 700, 1051 };

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		struct super_conf c = tcp(false);
		uint8_t *p;
		size_t n;

		start();
		put(&c);
		c.seq += 1000;
		p = mem[used++];
		n = super_make(p, &c);
		p[at[i]] ^= 0x40;
		add(p, n);
		c.seq += 1000;
		put(&c);
		join_flush(&j);
		ck_assert_uint_eq(n_got, 3);
		is_alone(0, 0, true);
		is_alone(1, 1, false);
		is_alone(2, 2, true);
	}
}
END_TEST

START_TEST(udp_without_checksum_goes_alone)
{
	struct super_conf c = { .v6 = _i, .udp = true, .payload = 100 };
	uint8_t *p;
	size_t n;

	start();
	for (int i = 0; i < 2; i++) {
		p = mem[used++];
		n = super_make(p, &c);
		put_be16(p + (_i ? 46 : 26), 0);
		add(p, n);
	}
	ck_assert_uint_eq(n_got, 2);
	is_alone(0, 0, false);
}
END_TEST

/* What cannot be joined does not overtake what is held of its flow. */
START_TEST(order_is_kept)
{
	struct super_conf c = tcp(false), f = c;
	size_t n;

	start();
	put(&c);
	c.seq += 1000;
	put(&c);
	f.flags |= 1;
	f.seq = c.seq + 1000;
	put(&f);
	ck_assert_uint_eq(n_got, 2);
	is_super(0, 0, 2);
	is_alone(1, 2, false);
	start();
	c = tcp(false);
	put(&c);
	n = super_make(mem[used], &c);
	put_be16(mem[used] + 6, 100);	/* a later fragment between the same hosts: of which flow cannot be told */
	super_sign(mem[used], n);
	add(mem[used++], n);
	ck_assert_uint_eq(n_got, 2);
	is_alone(0, 0, true);
}
END_TEST

START_TEST(flows_have_bounds)
{
	struct super_conf c = tcp(false);

	start();
	for (int i = 0; i <= JOIN_FLOWS; i++) {
		c.sport = (uint16_t)(100 + i);
		put(&c);
	}
	ck_assert_uint_eq(n_got, 1);	/* the oldest made room */
	is_alone(0, 0, true);
	ck_assert_uint_eq(j.held, JOIN_FLOWS);
	join_flush(&j);
	ck_assert_uint_eq(n_got, JOIN_FLOWS + 1);
	for (unsigned i = 0; i <= JOIN_FLOWS; i++)
		is_alone(i, i, true);
}
END_TEST

START_TEST(a_super_packet_has_bounds)
{
	struct super_conf c = tcp(false);

	start();
	c.payload = 10;
	for (int i = 0; i < 65; i++, c.seq += 10)
		put(&c);
	join_flush(&j);
	ck_assert_uint_eq(n_got, 2);
	ck_assert_uint_eq(got[0].packets, JOIN_PACKETS);
	start();
	c.payload = 1900;
	for (int i = 0; i < 40; i++, c.seq += 1900)
		put(&c);
	join_flush(&j);
	ck_assert_uint_eq(n_got, 2);
	ck_assert_uint_eq(got[0].packets, (65535 - 52) / 1900);
	is_super(0, 0, got[0].packets);
}
END_TEST

START_TEST(a_kernel_that_refuses_gets_each)
{
	struct super_conf c = tcp(false);

	start();
	refuse = -EINVAL;
	for (unsigned i = 0; i < JOIN_REFUSALS; i++) {
		put(&c);
		c.seq += 1000;
		put(&c);
		c.seq += 1000;
		join_flush(&j);
		ck_assert_uint_eq(n_got, 2 * i + 2);
		is_alone(2 * i, 2 * i, true);
		is_alone(2 * i + 1, 2 * i + 1, true);
	}
	put(&c);	/* given up */
	ck_assert_uint_eq(n_got, 2 * JOIN_REFUSALS + 1);
	start();
	refuse = -ENOMEM;	/* that is no reason to try again */
	put(&c);
	c.seq += 1000;
	put(&c);
	join_flush(&j);
	ck_assert_uint_eq(n_got, 0);
	ck_assert_uint_eq(j.refused, 0);
}
END_TEST

START_TEST(switched_off_each_goes_alone)
{
	struct super_conf c = tcp(false);

	start();
	j.off = true;
	put(&c);
	ck_assert_uint_eq(n_got, 1);
	is_alone(0, 0, false);
}
END_TEST

Suite *
join_suite(void)
{
	Suite *s = suite_create("mgre/join");
	TCase *c = tcase_create("join");

	tcase_add_loop_test(c, a_flow_becomes_one, 0, 2);
	tcase_add_loop_test(c, udp_becomes_one, 0, 2);
	tcase_add_test(c, numbers_that_count_run_on);
	tcase_add_test(c, a_short_one_or_a_push_ends_it);
	tcase_add_loop_test(c, what_differs_is_not_joined, 0, sizeof(differ) / sizeof(differ[0]));
	tcase_add_test(c, ipv6_flow_label_and_hops_count);
	tcase_add_test(c, a_wrong_checksum_goes_alone);
	tcase_add_loop_test(c, udp_without_checksum_goes_alone, 0, 2);
	tcase_add_test(c, order_is_kept);
	tcase_add_test(c, flows_have_bounds);
	tcase_add_test(c, a_super_packet_has_bounds);
	tcase_add_test(c, a_kernel_that_refuses_gets_each);
	tcase_add_test(c, switched_off_each_goes_alone);
	suite_add_tcase(s, c);
	return s;
}
