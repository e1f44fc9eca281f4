/* Twin of mgre/lent.c: what the kernel is told is looked at instead of sent (the linker's --wrap, see tests/unit/mgre.am). */
#include "mgre/lent.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "lib/nlq.h"
#include "tests/unit/mgre/mgre_test.h"

int	__real_nlq_do(struct nlq *q, struct nl_msg *msg);
void	__real_nlq_add(struct nlq *q, struct nl_msg *msg, nlq_fn *fn, void *ctx, uint64_t cookie);
int	__wrap_nlq_do(struct nlq *q, struct nl_msg *msg);
void	__wrap_nlq_add(struct nlq *q, struct nl_msg *msg, nlq_fn *fn, void *ctx, uint64_t cookie);

enum { DEVICE = 7 };

static struct test_env t;
static struct nlq q;	/* never opened: only its address counts */
static struct lent l;
static int answer;	/* of the kernel */
static struct {	/* the last message, and how many there were */
	uint16_t type, flags, state;
	uint8_t family;
	int ifindex;
	struct addr proto, to;
	bool waited;
	unsigned n;
} told;

static struct addr
attribute(struct nlmsghdr *h, int type)
{
	struct nlattr *a = nlmsg_find_attr(h, sizeof(struct ndmsg), type);
	struct addr out = { .n = a ? (uint8_t)nla_len(a) : 0 };

	memcpy(out.b, a ? nla_data(a) : "", out.n);
	return out;
}

static void
note(struct nl_msg *msg, bool waited)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	const struct ndmsg *nd = nlmsg_data(h);

	told.type = h->nlmsg_type;
	told.flags = h->nlmsg_flags;
	told.state = nd->ndm_state;
	told.family = nd->ndm_family;
	told.ifindex = nd->ndm_ifindex;
	told.proto = attribute(h, NDA_DST);
	told.to = attribute(h, NDA_LLADDR);
	told.waited = waited;
	told.n++;
	nlmsg_free(msg);
}

int
__wrap_nlq_do(struct nlq *to, struct nl_msg *msg)
{
	if (to != &q)
		return __real_nlq_do(to, msg);
	note(msg, true);
	return answer;
}

void
__wrap_nlq_add(struct nlq *to, struct nl_msg *msg, nlq_fn *fn, void *ctx, uint64_t cookie)
{
	if (to == &q)
		note(msg, false);
	else
		__real_nlq_add(to, msg, fn, ctx, cookie);
}

static void
setup(void)
{
	test_env_init(&t);
	memset(&told, 0, sizeof(told));
	answer = 0;
	lent_init(&l, &t.env);
}

static void
teardown(void)
{
	lent_fini(&l);
	ck_assert_int_eq(t.live, 0);
}

static bool
lend(const char *proto)
{
	struct addr a = A(proto);

	return lent_lend(&l, &q, DEVICE, &a);
}

static void
move(const char *to)
{
	struct addr a = to ? A(to) : (struct addr){ 0 };

	lent_move(&l, &q, DEVICE, to ? &a : NULL);
}

static void
ck_told(unsigned n, uint16_t type, const char *proto, const char *to)
{
	struct addr p = A(proto), a = to ? A(to) : (struct addr){ 0 };

	ck_assert_uint_eq(told.n, n);
	ck_assert_uint_eq(told.type, type);
	ck_assert_int_eq(told.ifindex, DEVICE);
	ck_assert_uint_eq(told.family, p.n == 16 ? AF_INET6 : AF_INET);
	ck_assert(addr_eq(&told.proto, &p));
	ck_assert(addr_eq(&told.to, &a));
}

START_TEST(without_a_fallback_it_waits)
{
	ck_assert(!lend("10.0.0.2"));
	move("192.0.2.1");
	move(NULL);
	ck_assert(!lend("10.0.0.2"));
	ck_assert_uint_eq(told.n, 0);
	ck_assert_uint_eq(l.at.n, 0);
}
END_TEST

/* Stale: the kernel asks about it as long as it is used, and each time it is lent anew. */
START_TEST(lent_as_a_stale_entry)
{
	move("192.0.2.1");
	ck_assert(lend("10.0.0.2"));
	ck_told(1, RTM_NEWNEIGH, "10.0.0.2", "192.0.2.1");
	ck_assert(told.waited);
	ck_assert_uint_eq(told.state, NUD_STALE);
	ck_assert_uint_eq(told.flags & (NLM_F_CREATE | NLM_F_REPLACE), NLM_F_CREATE | NLM_F_REPLACE);
	ck_assert(lend("10.0.0.2"));
	ck_assert_uint_eq(told.n, 2);
	ck_assert_uint_eq(l.at.n, 1);
	ck_assert(lend("2001:db8::2"));
	ck_told(3, RTM_NEWNEIGH, "2001:db8::2", "192.0.2.1");
}
END_TEST

START_TEST(follows_the_fallback)
{
	move("192.0.2.1");
	ck_assert(lend("10.0.0.2"));
	move("192.0.2.1");
	ck_assert_uint_eq(told.n, 1);	/* that is where it is */
	move("192.0.2.9");
	ck_told(2, RTM_NEWNEIGH, "10.0.0.2", "192.0.2.9");
	ck_assert(!told.waited);
	move(NULL);
	ck_told(3, RTM_DELNEIGH, "10.0.0.2", NULL);
	ck_assert_uint_eq(l.at.n, 0);
	move("192.0.2.1");
	ck_assert_uint_eq(told.n, 3);	/* what was taken back does not come again */
}
END_TEST

START_TEST(forgotten_does_not_follow)
{
	struct addr a = A("10.0.0.2"), other = A("10.0.0.4");

	move("192.0.2.1");
	ck_assert(lend("10.0.0.2") && lend("10.0.0.3"));
	lent_forget(&l, &a);
	lent_forget(&l, &other);
	ck_assert_uint_eq(l.at.n, 1);
	move("192.0.2.9");
	ck_told(3, RTM_NEWNEIGH, "10.0.0.3", "192.0.2.9");
}
END_TEST

START_TEST(refused_by_the_kernel)
{
	move("192.0.2.1");
	answer = -ENOBUFS;
	ck_assert(!lend("10.0.0.2"));
	ck_assert_uint_eq(l.at.n, 0);
}
END_TEST

START_TEST(bounded)
{
	struct addr a = A("10.0.0.0");

	move("192.0.2.1");
	for (unsigned i = 0; i < LENT_MAX; i++) {
		put_be16(a.b + 2, (uint16_t)i);
		ck_assert(lent_lend(&l, &q, DEVICE, &a));
	}
	ck_assert(!lend("10.9.0.0"));
	ck_assert_uint_eq(told.n, LENT_MAX);
	ck_assert(lend("10.0.0.5"));	/* it has one */
	move("192.0.2.9");
	ck_assert_uint_eq(told.n, 2 * LENT_MAX + 1);
	lent_clear(&l);
	ck_assert_uint_eq(l.at.n, 0);
	ck_assert(lend("10.9.0.0"));
}
END_TEST

Suite *
lent_suite(void)
{
	TCase *c = tcase_create("lent");
	Suite *s = suite_create("mgre/lent");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, without_a_fallback_it_waits);
	tcase_add_test(c, lent_as_a_stale_entry);
	tcase_add_test(c, follows_the_fallback);
	tcase_add_test(c, forgotten_does_not_follow);
	tcase_add_test(c, refused_by_the_kernel);
	tcase_add_test(c, bounded);
	suite_add_tcase(s, c);
	return s;
}
