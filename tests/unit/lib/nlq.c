/* Against the real kernel, in a network namespace made for each test (check forks). Skips where none can be made. */
#include "lib/nlq.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/socket.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/lib/suites.h"

enum { MANY = 500 };

static bool
in_namespace(void)
{
	if ((getuid() != 0 && unshare(CLONE_NEWUSER) != 0) || unshare(CLONE_NEWNET) != 0 || system("ip link add name va type veth peer name vb 2>/dev/null") != 0 ||
	    system("ip link set va up") != 0) {
		printf("skipped: cannot make a network namespace with a veth pair here\n");
		return false;
	}
	return true;
}

static int64_t
ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static struct nl_msg *
neigh(uint16_t type, unsigned ifindex, unsigned n)
{
	struct ndmsg nd = { .ndm_family = AF_INET, .ndm_ifindex = (int)ifindex, .ndm_state = NUD_PERMANENT };
	struct nl_msg *m = nlq_msg(type, type == RTM_NEWNEIGH ? NLM_F_CREATE | NLM_F_REPLACE : 0, &nd, sizeof(nd));
	uint8_t mac[6] = { 2, 0, 0, 0, (uint8_t)(n >> 8), (uint8_t)n }, ip[4] = { 10, 9, (uint8_t)(n >> 8), (uint8_t)n };

	ck_assert(m && nla_put(m, NDA_DST, 4, ip) == 0 && nla_put(m, NDA_LLADDR, 6, mac) == 0);
	return m;
}

struct got {
	int error[MANY];
	unsigned n;
};

static void
note(void *ctx, uint64_t cookie, int error)
{
	struct got *g = ctx;

	ck_assert_uint_lt(cookie, MANY);
	ck_assert_int_eq(g->error[cookie], 1);	/* each once */
	g->error[cookie] = error;
	g->n++;
}

static void
count(void *ctx, struct nlmsghdr *h)
{
	const struct ndmsg *nd = nlmsg_data(h);

	if (h->nlmsg_type == RTM_NEWNEIGH && nd->ndm_state == NUD_PERMANENT)
		++*(unsigned *)ctx;
}

static unsigned
neighbours(struct nlq *q)
{
	struct ndmsg nd = { .ndm_family = AF_INET };
	unsigned n = 0;

	ck_assert_int_eq(nlq_get(q, nlq_msg(RTM_GETNEIGH, NLM_F_DUMP, &nd, sizeof(nd)), count, &n), 0);
	return n;
}

/* Some of a batch are refused, the first and the last of one too: each is told its own error, the others are done. */
START_TEST(each_its_answer)
{
	struct got g = { .n = 0 };
	unsigned bad = 0, va;
	struct nlq q;
	char err[128];

	if (!in_namespace())
		return;
	va = if_nametoindex("va");
	ck_assert(nlq_open(&q, NETLINK_ROUTE, err, sizeof(err)));
	for (unsigned i = 0; i < MANY; i++) {
		bool wrong = i == 0 || i == NLQ_MESSAGES - 1 || i == NLQ_MESSAGES || i % 100 == 50 || i == MANY - 1;

		g.error[i] = 1;
		bad += wrong;
		nlq_add(&q, neigh(RTM_NEWNEIGH, wrong ? 4711 : va, i), note, &g, i);
	}
	nlq_flush(&q);
	ck_assert_uint_eq(g.n, MANY);
	for (unsigned i = 0; i < MANY; i++) {
		bool wrong = i == 0 || i == NLQ_MESSAGES - 1 || i == NLQ_MESSAGES || i % 100 == 50 || i == MANY - 1;

		ck_assert_msg(g.error[i] == (wrong ? -ENODEV : 0), "%u: %d", i, g.error[i]);
	}
	ck_assert_uint_eq(neighbours(&q), MANY - bad);
	ck_assert_uint_le(q.batches, (MANY + NLQ_MESSAGES - 1) / NLQ_MESSAGES);
	ck_assert_uint_eq(q.sent, MANY);
	nlq_close(&q);
}
END_TEST

/* nlq_do sends what is queued before it, in order, and answers for itself only. */
START_TEST(order_is_kept)
{
	struct nlq q;
	char err[128];
	unsigned va;

	if (!in_namespace())
		return;
	va = if_nametoindex("va");
	ck_assert(nlq_open(&q, NETLINK_ROUTE, err, sizeof(err)));
	nlq_add(&q, neigh(RTM_NEWNEIGH, va, 1), NULL, NULL, 0);
	nlq_add(&q, neigh(RTM_NEWNEIGH, 4711, 2), NULL, NULL, 0);
	ck_assert_int_eq(nlq_do(&q, neigh(RTM_DELNEIGH, va, 1)), 0);	/* it is there */
	ck_assert_int_eq(nlq_do(&q, neigh(RTM_DELNEIGH, va, 3)), -ENOENT);
	ck_assert_int_eq(nlq_do(&q, NULL), -ENOMEM);
	ck_assert_uint_eq(neighbours(&q), 0);
	nlq_close(&q);
}
END_TEST

START_TEST(news_are_heard)
{
	static const unsigned group = RTNLGRP_NEIGH;
	unsigned n = 0, va;
	struct nlq q;
	char err[128];
	int fd;

	if (!in_namespace())
		return;
	va = if_nametoindex("va");
	ck_assert(nlq_open(&q, NETLINK_ROUTE, err, sizeof(err)));
	fd = nlq_listen(NETLINK_ROUTE, &group, 1);
	ck_assert_int_ge(fd, 0);
	for (unsigned i = 0; i < 10; i++)
		nlq_add(&q, neigh(RTM_NEWNEIGH, va, i), NULL, NULL, 0);
	nlq_flush(&q);
	ck_assert(nlq_hear(fd, count, &n));
	ck_assert_uint_eq(n, 10);
	n = 0;
	ck_assert(nlq_hear(fd, count, &n));
	ck_assert_uint_eq(n, 0);
	close(fd);
	ck_assert_int_lt(nlq_listen(NETLINK_ROUTE, &(unsigned){ 9999 }, 1), 0);
	nlq_close(&q);
}
END_TEST

/* The kernel takes no request of that size: it goes in parts, and everybody has his own answer. */
START_TEST(too_large_for_one)
{
	struct got g = { .n = 0 };
	int room = 1, va;
	struct nlq q;
	char err[128];

	if (!in_namespace())
		return;
	va = (int)if_nametoindex("va");
	ck_assert(nlq_open(&q, NETLINK_ROUTE, err, sizeof(err)));
	ck_assert_int_eq(setsockopt(nl_socket_get_fd(q.sock), SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)), 0);	/* the least there is: 4608 */
	for (unsigned i = 0; i < NLQ_MESSAGES; i++) {
		g.error[i] = 1;
		nlq_add(&q, neigh(RTM_NEWNEIGH, i % 32 == 31 ? 4711 : (unsigned)va, i), note, &g, i);
	}
	nlq_flush(&q);
	ck_assert_uint_eq(g.n, NLQ_MESSAGES);
	for (unsigned i = 0; i < NLQ_MESSAGES; i++)
		ck_assert_msg(g.error[i] == (i % 32 == 31 ? -ENODEV : 0), "%u: %d", i, g.error[i]);
	ck_assert_uint_eq(neighbours(&q), NLQ_MESSAGES - 4);
	ck_assert_uint_gt(q.batches, 1);	/* else this test is of nothing */
	ck_assert_uint_lt(q.batches, 16);
	nlq_close(&q);
}
END_TEST

/* Every message is refused, and there is room for a few of the answers: those are told as they are, the others failed too. */
START_TEST(no_room_for_the_answers)
{
	struct got g = { .n = 0 };
	unsigned known = 0;
	int room = 1;
	int64_t from;
	struct nlq q;
	char err[128];

	if (!in_namespace())
		return;
	ck_assert(nlq_open(&q, NETLINK_ROUTE, err, sizeof(err)));
	ck_assert_int_eq(setsockopt(nl_socket_get_fd(q.sock), SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)), 0);
	for (unsigned i = 0; i < NLQ_MESSAGES; i++) {
		g.error[i] = 1;
		nlq_add(&q, neigh(RTM_NEWNEIGH, 4711, i), note, &g, i);
	}
	from = ms();
	nlq_flush(&q);
	ck_assert_int_lt(ms() - from, NLQ_WAIT_MS);	/* the answer that is lost is not waited for */
	ck_assert_uint_eq(g.n, NLQ_MESSAGES);
	for (unsigned i = 0; i < NLQ_MESSAGES; i++) {
		ck_assert_msg(g.error[i] == -ENODEV || g.error[i] == -ENOBUFS, "%u: %d", i, g.error[i]);
		known += g.error[i] == -ENODEV;
	}
	ck_assert_uint_lt(known, NLQ_MESSAGES);
	ck_assert_uint_eq(q.lost, 1);
	ck_assert_int_eq(nlq_do(&q, neigh(RTM_NEWNEIGH, if_nametoindex("va"), 1)), 0);	/* and it goes on */
	nlq_close(&q);
}
END_TEST

/* More news than there is room for: the rest is heard, and that some are missing is told. */
START_TEST(lost_news_are_told)
{
	static const unsigned group = RTNLGRP_NEIGH;
	int fd, room = 4096;
	unsigned n = 0, va;
	struct nlq q;
	char err[128];

	if (!in_namespace())
		return;
	va = if_nametoindex("va");
	ck_assert(nlq_open(&q, NETLINK_ROUTE, err, sizeof(err)));
	fd = nlq_listen(NETLINK_ROUTE, &group, 1);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)), 0);
	for (unsigned i = 0; i < MANY; i++)
		nlq_add(&q, neigh(RTM_NEWNEIGH, va, i), NULL, NULL, 0);
	nlq_flush(&q);
	ck_assert(!nlq_hear(fd, count, &n));
	ck_assert_uint_lt(n, MANY);
	close(fd);
	nlq_close(&q);
}
END_TEST

/* ---- a kernel that does not answer: the other end of a pair of sockets */

enum { SOON_MS = 150 };

struct silent {
	struct nlq q;
	int kernel;
	int error[4];	/* 1: not heard of */
	unsigned n;
};

static void
silent_open(struct silent *s)
{
	char err[128];
	int pair[2];

	memset(s, 0, sizeof(*s));
	for (unsigned i = 0; i < 4; i++)
		s->error[i] = 1;
	ck_assert(nlq_open(&s->q, NETLINK_ROUTE, err, sizeof(err)));
	ck_assert_int_eq(s->q.wait_ms, NLQ_WAIT_MS);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	ck_assert_int_ge(dup2(pair[0], nl_socket_get_fd(s->q.sock)), 0);
	close(pair[0]);
	s->kernel = pair[1];
	s->q.wait_ms = SOON_MS;
}

static void
silent_close(struct silent *s)
{
	nlq_close(&s->q);
	close(s->kernel);
}

static void
silent_note(void *ctx, uint64_t cookie, int error)
{
	struct silent *s = ctx;

	s->error[cookie] = error;
	s->n++;
}

static void
silent_answer(const struct silent *s, uint32_t seq, int error)
{
	struct {
		struct nlmsghdr h;
		struct nlmsgerr e;
	} m = { .h = { .nlmsg_len = sizeof(m), .nlmsg_type = NLMSG_ERROR, .nlmsg_seq = seq }, .e = { .error = error } };

	ck_assert_int_eq(send(s->kernel, &m, sizeof(m), 0), sizeof(m));
}

/* All that have no answer fail, at the deadline and not before; what was refused before it stays refused. Asked again, it is answered,
 * and the first answer, which comes now, is taken for no other's. */
START_TEST(no_answer_is_waited_for_for_ever)
{
	int64_t from = ms();
	struct silent s;

	silent_open(&s);
	for (unsigned i = 0; i < 3; i++)
		nlq_add(&s.q, neigh(RTM_NEWNEIGH, 1, i), silent_note, &s, i);
	silent_answer(&s, 2, -EEXIST);
	nlq_flush(&s.q);
	ck_assert_int_ge(ms() - from, SOON_MS);
	ck_assert_int_eq(s.error[0], -ETIMEDOUT);
	ck_assert_int_eq(s.error[1], -EEXIST);
	ck_assert_int_eq(s.error[2], -ETIMEDOUT);
	ck_assert_uint_eq(s.n, 3);
	ck_assert_uint_eq(s.q.timeouts, 1);
	nlq_add(&s.q, neigh(RTM_NEWNEIGH, 1, 0), silent_note, &s, 3);
	silent_answer(&s, 3, -ENOMEM);	/* late */
	silent_answer(&s, 4, 0);
	nlq_flush(&s.q);
	ck_assert_int_eq(s.error[3], 0);
	ck_assert_uint_eq(s.q.timeouts, 1);
	silent_close(&s);
}
END_TEST

START_TEST(a_dump_that_never_begins)
{
	struct ndmsg nd = { .ndm_family = AF_INET };
	struct silent s;
	unsigned n = 0;

	silent_open(&s);
	ck_assert_int_eq(nlq_get(&s.q, nlq_msg(RTM_GETNEIGH, NLM_F_DUMP, &nd, sizeof(nd)), count, &n), -ETIMEDOUT);
	ck_assert_int_eq(nlq_do(&s.q, neigh(RTM_NEWNEIGH, 1, 0)), -ETIMEDOUT);
	ck_assert_uint_eq(s.q.timeouts, 2);
	ck_assert_uint_eq(n, 0);
	silent_close(&s);
}
END_TEST

/* Messages that are not the answer do not put the deadline off. */
START_TEST(talk_is_no_answer)
{
	struct silent s;
	pid_t talker;

	silent_open(&s);
	s.q.wait_ms = 300;
	talker = fork();
	ck_assert_int_ge(talker, 0);
	if (talker == 0) {
		for (unsigned i = 0; i < 400; i++) {
			silent_answer(&s, 1000 + i, 0);
			usleep(50000);
		}
		_exit(0);
	}
	ck_assert_int_eq(nlq_do(&s.q, neigh(RTM_NEWNEIGH, 1, 0)), -ETIMEDOUT);
	kill(talker, SIGKILL);
	waitpid(talker, NULL, 0);
	silent_close(&s);
}
END_TEST

SUITE(nlq, each_its_answer, order_is_kept, too_large_for_one, no_room_for_the_answers, news_are_heard, lost_news_are_told, no_answer_is_waited_for_for_ever, a_dump_that_never_begins, talk_is_no_answer)
