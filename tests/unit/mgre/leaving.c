/* The filter in the kernel, on a veth whose frames are made to look like what a GRE device sends: no link header, the outer IP header
 * first. What came in by a device and leaves by it again takes a GRE device: tests/uml/cloud.sh. */
#include "mgre/leaving.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/mgre/mgre_test.h"

static bool
can_load(void)
{
	int rc = leaving_probe();

	if (rc != 0 || unshare(CLONE_NEWNET) != 0 || system("ip link add name va type veth peer name vb 2>/dev/null") != 0) {
		printf("skipped: no eBPF (%s) or no network namespace here\n", strerror(-rc));
		return false;
	}
	ck_assert_int_eq(system("sysctl -qw net.ipv6.conf.all.disable_ipv6=1; ip link set va up && ip link set vb up"), 0);
	return true;
}

static void
send_frame(const char *dev, const uint8_t *p, size_t n)
{
	struct sockaddr_ll a = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_ifindex = (int)if_nametoindex(dev) };
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(sendto(fd, p, n, 0, (struct sockaddr *)(void *)&a, sizeof(a)), (ssize_t)n);
	close(fd);
}

static void
filter_on(unsigned n, unsigned at, bool redirect)
{
	struct addr mark = leaving_mark(3, n);	/* any tunnel's */
	uint8_t frame[200] = { 0 }, got[300];
	struct leaving l;
	int fd;

	if (!can_load())
		return;
	leaving_load(&l, n);
	fd = leaving_open(&l, if_nametoindex("va"), true, redirect, false, false);
	leaving_close(&l);	/* the socket holds its program */
	ck_assert_msg(fd >= 0, "%s", strerror(-fd));
	send_frame("va", frame, sizeof(frame));
	ck_assert_msg(recv(fd, got, sizeof(got), 0) < 0 && errno == EAGAIN, "what goes to a peer is not taken");
	memcpy(frame + at, mark.b, n);
	send_frame("vb", frame, sizeof(frame));
	ck_assert_msg(recv(fd, got, sizeof(got), 0) < 0 && errno == EAGAIN, "nor what comes in");
	frame[199] = 0x5a;
	send_frame("va", frame, sizeof(frame));
	ck_assert_int_eq(recv(fd, got, sizeof(got), 0), sizeof(frame));
	ck_assert_mem_eq(got, frame, sizeof(frame));
	frame[at + n - 1] ^= 1;
	send_frame("va", frame, sizeof(frame));
	ck_assert_int_lt(recv(fd, got, sizeof(got), 0), 0);
	close(fd);
}

START_TEST(multicast_is_taken_whole)
{
	filter_on(4, 16, _i);
}
END_TEST

START_TEST(multicast_over_ipv6)
{
	filter_on(16, 24, _i);
}
END_TEST

/* What the kernel leaves to the device, as it does with UDP that this host sends by GRE. */
START_TEST(a_checksum_left_to_the_device_is_told)
{
	struct virtio_net_hdr vnet = { .flags = _i ? VIRTIO_NET_HDR_F_NEEDS_CSUM : 0, .csum_start = 20, .csum_offset = 6 };
	struct sockaddr_ll a = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP) };
	struct addr mark = leaving_mark(1, 4);
	uint8_t frame[sizeof(vnet) + 100] = { 0 }, got[300];
	int fd, out, on = 1;
	struct leaving l;
	uint16_t proto;
	bool unsummed;

	if (!can_load())
		return;
	leaving_load(&l, 4);
	fd = leaving_open(&l, if_nametoindex("va"), true, false, false, false);
	leaving_close(&l);
	memcpy(frame, &vnet, sizeof(vnet));
	memcpy(frame + sizeof(vnet) + 16, mark.b, 4);
	a.sll_ifindex = (int)if_nametoindex("va");
	out = socket(AF_PACKET, SOCK_RAW, 0);
	ck_assert_int_eq(setsockopt(out, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)), 0);
	ck_assert_int_eq(sendto(out, frame, sizeof(frame), 0, (struct sockaddr *)(void *)&a, sizeof(a)), (ssize_t)sizeof(frame));
	ck_assert_int_eq(leaving_read(fd, got, sizeof(got), &proto, &unsummed), 100);
	ck_assert_uint_eq(proto, htons(ETH_P_IP));
	ck_assert_int_eq(unsummed, _i);
	ck_assert_msg(leaving_read(fd, got, sizeof(got), &proto, &unsummed) < 0 && errno == EAGAIN, "there is one");
	close(out);
	close(fd);
}
END_TEST

START_TEST(marks_and_heads)
{
	struct addr a = leaving_mark(1, 4), b = leaving_mark(2, 16), c = leaving_mark(16, 4);

	ck_assert_uint_eq(a.b[0], 240);	/* class E: nobody's */
	ck_assert_msg(addr_eq(&a, &(struct addr){ 4, { 240, 15, 255, 254 } }) && addr_eq(&c, &(struct addr){ 4, { 240, 255, 255, 254 } }), "each tunnel its own");
	ck_assert_uint_eq(b.n, 16);
	ck_assert_uint_eq(leaving_head(4, true), 28);
	ck_assert_uint_eq(leaving_head(4, false), 24);
	ck_assert_uint_eq(leaving_head(16, true), 48);
}
END_TEST

Suite *
leaving_suite(void)
{
	Suite *s = suite_create("mgre/leaving");
	TCase *c = tcase_create("leaving");

	tcase_add_loop_test(c, multicast_is_taken_whole, 0, 2);
	tcase_add_loop_test(c, multicast_over_ipv6, 0, 2);
	tcase_add_loop_test(c, a_checksum_left_to_the_device_is_told, 0, 2);
	tcase_add_test(c, marks_and_heads);
	suite_add_tcase(s, c);
	return s;
}
