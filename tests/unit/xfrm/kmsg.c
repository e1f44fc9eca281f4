/* Messages to the kernel, read back by a decoder of this test; and policies by the kernel itself, in a network namespace. */
#include "xfrm/kmsg.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/nlq.h"
#include "tests/unit/xfrm/xfrm_test.h"

static struct addr
A(const char *text)
{
	struct addr a;

	ck_assert(addr_parse(text, &a));
	return a;
}

static struct dp_sa
an_sa(bool encap, uint16_t encr, uint16_t bits, uint8_t len, uint16_t integ, uint8_t integ_len)
{
	struct dp_sa sa = { .tunnel = 3, .peer = 0x12345, .spi_in = 0x11223344, .spi_out = 0x55667788, .encap = encap, .esn = true, .replay_window = 1000,
		.local = { A("192.0.2.1"), 4500 }, .remote = { A("198.51.100.7"), 1027 },
		.life = { .soft_bytes = 1000, .hard_bytes = 2000, .hard_packets = 7, .soft_s = 50, .hard_s = 60 },
		.keys = { .encr = encr, .encr_bits = bits, .integ = integ, .encr_len = len, .integ_len = integ_len } };

	memset(sa.keys.encr_in, 0xe1, len);
	memset(sa.keys.encr_out, 0xe0, len);
	memset(sa.keys.integ_in, 0xa1, integ_len);
	memset(sa.keys.integ_out, 0xa0, integ_len);
	return sa;
}

static struct kmsg_state
state(const struct dp_sa *sa, bool out, struct kmsg_algs *algs)
{
	ck_assert(kmsg_algs_of(sa, out, algs));
	return (struct kmsg_state){ .out = out, .local = sa->local, .remote = sa->remote, .spi = out ? sa->spi_out : sa->spi_in, .reqid = KMSG_REQID_PEER + 5,
		.encap = sa->encap, .esn = sa->esn, .beet = true, .inner_local = sa->local.addr, .inner_remote = A("240.32.1.2"), .life = sa->life, .algs = algs };
}

static void
is_addr(const xfrm_address_t *a, const char *text)
{
	struct addr want = A(text), got = kmsg_addr(a, want.n == 16 ? AF_INET6 : AF_INET);
	char t[ADDR_STRLEN];

	ck_assert_msg(addr_eq(&got, &want), "%s, not %s", addr_fmt(&got, t), text);
}

START_TEST(a_state)
{
	for (unsigned out = 0; out < 2; out++) {
		struct dp_sa sa = an_sa(true, 20, 256, 36, 0, 0);
		struct nlattr *tb[XFRMA_MAX + 1];
		struct kmsg_algs algs;
		struct kmsg_state s = state(&sa, out, &algs);
		struct nl_msg *m = kmsg_state_add(&s);
		const struct xfrm_usersa_info *i = nlmsg_data(nlmsg_hdr(m));
		const struct xfrm_encap_tmpl *e;
		const struct xfrm_algo_aead *a;
		const struct xfrm_replay_state_esn *r;
		uint8_t key[36];

		ck_assert_int_eq(nlmsg_parse(nlmsg_hdr(m), sizeof(*i), tb, XFRMA_MAX, NULL), 0);
		ck_assert_int_eq(nlmsg_hdr(m)->nlmsg_type, XFRM_MSG_NEWSA);
		ck_assert_int_eq(i->mode, XFRM_MODE_BEET);
		ck_assert_int_eq(i->id.proto, IPPROTO_ESP);
		ck_assert_uint_eq(ntohl(i->id.spi), out ? 0x55667788 : 0x11223344);
		ck_assert_uint_eq(i->reqid, KMSG_REQID_PEER + 5);
		is_addr(&i->saddr, out ? "192.0.2.1" : "198.51.100.7");
		is_addr(&i->id.daddr, out ? "198.51.100.7" : "192.0.2.1");
		is_addr(&i->sel.saddr, out ? "192.0.2.1" : "240.32.1.2");
		is_addr(&i->sel.daddr, out ? "240.32.1.2" : "192.0.2.1");
		ck_assert_int_eq(i->sel.prefixlen_s, 32);
		ck_assert_int_eq(i->sel.proto, IPPROTO_GRE);
		ck_assert_int_eq(i->flags, XFRM_STATE_ESN);
		ck_assert_uint_eq(i->lft.soft_byte_limit, 1000);
		ck_assert_uint_eq(i->lft.hard_packet_limit, 7);
		ck_assert_uint_eq(i->lft.soft_packet_limit, XFRM_INF);
		ck_assert_uint_eq(i->lft.hard_add_expires_seconds, 60);
		a = nla_data(tb[XFRMA_ALG_AEAD]);
		ck_assert_str_eq(a->alg_name, "rfc4106(gcm(aes))");
		ck_assert_uint_eq(a->alg_key_len, 36 * 8);
		ck_assert_uint_eq(a->alg_icv_len, 128);
		memset(key, out ? 0xe0 : 0xe1, sizeof(key));
		ck_assert_mem_eq(a->alg_key, key, sizeof(key));
		e = nla_data(tb[XFRMA_ENCAP]);
		ck_assert_uint_eq(ntohs(out ? e->encap_sport : e->encap_dport), 4500);
		ck_assert_uint_eq(ntohs(out ? e->encap_dport : e->encap_sport), 1027);
		ck_assert_int_eq(tb[XFRMA_MTIMER_THRESH] != NULL, !out);
		r = nla_data(tb[XFRMA_REPLAY_ESN_VAL]);
		ck_assert_uint_eq(r->replay_window, 1000);
		ck_assert_uint_eq(r->bmp_len, 32);
		ck_assert_int_eq(nla_len(tb[XFRMA_REPLAY_ESN_VAL]), (int)sizeof(*r) + 32 * 4);
		nlmsg_free(m);
	}
}
END_TEST

START_TEST(another_family_outside)
{
	for (unsigned out = 0; out < 2; out++) {
		struct dp_sa sa = an_sa(false, 20, 256, 36, 0, 0);
		struct kmsg_algs algs;
		struct kmsg_state s;
		struct nl_msg *m;
		const struct xfrm_usersa_info *i;

		sa.local.addr = A("2001:db8::1");
		sa.remote.addr = A("2001:db8::7");
		s = state(&sa, out, &algs);
		s.inner_local = A("240.47.255.253");
		m = kmsg_state_add(&s);
		i = nlmsg_data(nlmsg_hdr(m));
		ck_assert_int_eq(i->family, AF_INET6);
		is_addr(&i->saddr, out ? "2001:db8::1" : "2001:db8::7");
		is_addr(&i->id.daddr, out ? "2001:db8::7" : "2001:db8::1");
		ck_assert_int_eq(i->sel.family, AF_INET);
		is_addr(&i->sel.saddr, out ? "240.47.255.253" : "240.32.1.2");
		is_addr(&i->sel.daddr, out ? "240.32.1.2" : "240.47.255.253");
		ck_assert_int_eq(i->sel.prefixlen_s, 32);
		ck_assert_int_eq(i->sel.prefixlen_d, 32);
		nlmsg_free(m);
	}
}
END_TEST

START_TEST(ciphers)
{
	static const struct {
		uint16_t encr, bits, integ;
		uint8_t len, integ_len;
		const char *crypt, *auth;
		unsigned icv;
	} row[] = {
		{ 12, 128, 12, 16, 32, "cbc(aes)", "hmac(sha256)", 128 }, { 13, 256, 14, 36, 64, "rfc3686(ctr(aes))", "hmac(sha512)", 256 },
		{ 3, 0, 2, 24, 20, "cbc(des3_ede)", "hmac(sha1)", 96 }, { 12, 256, 13, 32, 48, "cbc(aes)", "hmac(sha384)", 192 },
	};
	struct dp_sa sa = an_sa(false, 28, 0, 36, 0, 0);
	struct kmsg_algs a;

	ck_assert(kmsg_algs_of(&sa, true, &a));
	ck_assert_str_eq(((const struct xfrm_algo_aead *)(const void *)a.aead)->alg_name, "rfc7539esp(chacha20,poly1305)");
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		const struct xfrm_algo *c = (const void *)a.crypt;
		const struct xfrm_algo_auth *h = (const void *)a.auth;

		sa = an_sa(false, row[i].encr, row[i].bits, row[i].len, row[i].integ, row[i].integ_len);
		ck_assert(kmsg_algs_of(&sa, false, &a));
		ck_assert_uint_eq(a.aead_n, 0);
		ck_assert_str_eq(c->alg_name, row[i].crypt);
		ck_assert_uint_eq(c->alg_key_len, row[i].len * 8u);
		ck_assert_str_eq(h->alg_name, row[i].auth);
		ck_assert_uint_eq(h->alg_trunc_len, row[i].icv);
		ck_assert_uint_eq((uint8_t)h->alg_key[0], 0xa1);
	}
	sa = an_sa(false, 99, 0, 16, 12, 32);
	ck_assert(!kmsg_algs_of(&sa, false, &a));
	sa = an_sa(false, 12, 128, 16, 99, 32);
	ck_assert(!kmsg_algs_of(&sa, false, &a));
}
END_TEST

/* What is read of a state makes the same state again, with a gap in its numbers. */
START_TEST(read_again)
{
	struct dp_sa sa = an_sa(false, 12, 128, 16, 12, 32);
	struct kmsg_algs algs, again;
	struct kmsg_state s = state(&sa, true, &algs);
	struct nl_msg *m = kmsg_state_add(&s);
	struct xfrm_replay_state_esn *r = (void *)again.replay;

	ck_assert(kmsg_algs_read(nlmsg_hdr(m), &again));
	ck_assert_mem_eq(again.crypt, algs.crypt, algs.crypt_n);
	ck_assert_mem_eq(again.auth, algs.auth, algs.auth_n);
	ck_assert_mem_eq(again.replay, algs.replay, algs.replay_n);
	r->oseq = UINT32_MAX - 9;
	kmsg_algs_skip(&again, 100);
	ck_assert_uint_eq(r->oseq, 90);
	ck_assert_uint_eq(r->oseq_hi, 1);
	nlmsg_free(m);
	m = kmsg_state_get(&s);
	ck_assert(!kmsg_algs_read(nlmsg_hdr(m), &again));
	nlmsg_free(m);
}
END_TEST

struct seen {
	unsigned n;
	struct xfrm_userpolicy_info p[8];
	struct xfrm_user_tmpl t[8];
	unsigned tmpls[8];
};

static void
on_policy(void *ctx, struct nlmsghdr *h)
{
	struct seen *s = ctx;
	struct nlattr *tb[XFRMA_MAX + 1];

	ck_assert_int_eq(nlmsg_parse(h, sizeof(struct xfrm_userpolicy_info), tb, XFRMA_MAX, NULL), 0);
	s->p[s->n] = *(const struct xfrm_userpolicy_info *)nlmsg_data(h);
	s->tmpls[s->n] = tb[XFRMA_TMPL] ? (unsigned)nla_len(tb[XFRMA_TMPL]) / (unsigned)sizeof(s->t[0]) : 0;
	if (s->tmpls[s->n])
		memcpy(&s->t[s->n], nla_data(tb[XFRMA_TMPL]), sizeof(s->t[0]));
	s->n++;
}

static struct seen
policies(struct nlq *q)
{
	struct seen s = { .n = 0 };

	ck_assert_int_eq(nlq_get(q, kmsg_policy_dump(), on_policy, &s), 0);
	return s;
}

START_TEST(policies_as_the_kernel_has_them)
{
	struct addr local = A("192.0.2.1"), remote = A("198.51.100.7");
	struct kmsg_sel block = { .has_key = true, .key = 0x0001002a }, peer = { .src = local, .dst = A("240.0.0.5"), .has_key = true, .key = 0x0001002a };
	struct seen s;
	struct nlq q;
	char err[128];

	if ((getuid() != 0 && unshare(CLONE_NEWUSER) != 0) || unshare(CLONE_NEWNET) != 0 || !nlq_open(&q, NETLINK_XFRM, err, sizeof(err))) {
		printf("skipped: no network namespace or no xfrm_user here\n");
		return;
	}
	ck_assert_int_eq(nlq_do(&q, kmsg_policy_set(KMSG_BLOCK, false, &block, 0, NULL, NULL)), 0);
	ck_assert_int_eq(nlq_do(&q, kmsg_policy_set(KMSG_BLOCK, false, &block, 0, NULL, NULL)), 0);	/* again: the same */
	s = policies(&q);
	ck_assert_uint_eq(s.n, 1);
	ck_assert_uint_eq(s.p[0].action, XFRM_POLICY_BLOCK);
	ck_assert_uint_eq(s.p[0].dir, XFRM_POLICY_IN);
	ck_assert_uint_eq(s.p[0].priority, KMSG_PRIO_BLOCK);
	ck_assert_uint_eq(s.p[0].sel.proto, IPPROTO_GRE);
	ck_assert_uint_eq(s.p[0].sel.prefixlen_d, 0);
	ck_assert_uint_eq(ntohs(s.p[0].sel.sport), 1);
	ck_assert_uint_eq(ntohs(s.p[0].sel.dport), 42);
	ck_assert_uint_eq(s.tmpls[0], 0);
	ck_assert_int_eq(nlq_do(&q, kmsg_policy_del(false, &block)), 0);

	ck_assert_int_eq(nlq_do(&q, kmsg_policy_set(KMSG_PEER, true, &peer, KMSG_REQID_PEER + 5, &local, &remote)), 0);
	s = policies(&q);
	ck_assert_uint_eq(s.n, 1);
	ck_assert_uint_eq(s.p[0].action, XFRM_POLICY_ALLOW);
	ck_assert_uint_eq(s.p[0].dir, XFRM_POLICY_OUT);
	is_addr(&s.p[0].sel.daddr, "240.0.0.5");
	ck_assert_uint_eq(s.p[0].sel.prefixlen_d, 32);
	ck_assert_uint_eq(s.tmpls[0], 1);
	ck_assert_uint_eq(s.t[0].mode, XFRM_MODE_BEET);
	ck_assert_uint_eq(s.t[0].reqid, KMSG_REQID_PEER + 5);
	ck_assert_uint_eq(s.t[0].optional, 0);	/* ESP is asked for, not only taken */
	is_addr(&s.t[0].saddr, "192.0.2.1");
	is_addr(&s.t[0].id.daddr, "198.51.100.7");
	ck_assert_int_eq(nlq_do(&q, kmsg_policy_del(true, &peer)), 0);
	ck_assert_uint_eq(policies(&q).n, 0);
	nlq_close(&q);
}
END_TEST

/* The kernel reads what follows the netlink header as attributes: with a family header before them it found 32 octets it could not
 * read, logged that, and gave the states of every protocol. */
START_TEST(dumps_are_asked_for_without_a_family_header)
{
	struct nl_msg *states = kmsg_state_dump(), *policies = kmsg_policy_dump();
	const struct nlmsghdr *h = nlmsg_hdr(states);
	const struct nlattr *a = nlmsg_data(h);

	ck_assert_uint_eq(h->nlmsg_len, NLMSG_HDRLEN + NLA_HDRLEN + NLA_ALIGNTO);
	ck_assert_uint_eq(h->nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);
	ck_assert_uint_eq(a->nla_type, XFRMA_PROTO);
	ck_assert_uint_eq(a->nla_len, NLA_HDRLEN + 1);
	ck_assert_uint_eq(*(const uint8_t *)nla_data(a), IPPROTO_ESP);
	ck_assert_uint_eq(nlmsg_hdr(policies)->nlmsg_len, NLMSG_HDRLEN);
	nlmsg_free(states);
	nlmsg_free(policies);
}
END_TEST

/* A block of all peers goes behind what allows one, and before all what is never sent. */
START_TEST(order_of_priorities)
{
	ck_assert_uint_lt(KMSG_PRIO_NEVER, KMSG_PRIO_PEER);
	ck_assert_uint_lt(KMSG_PRIO_PEER, KMSG_PRIO_TUNNEL);
	ck_assert_uint_lt(KMSG_PRIO_TUNNEL, KMSG_PRIO_BLOCK);
	ck_assert(kmsg_priority_ours(KMSG_PRIO_BLOCK) && !kmsg_priority_ours(KMSG_PRIO_BLOCK + 1));
	ck_assert(kmsg_reqid_ours(KMSG_REQID_PEER + (15 << 20) + 0xfffff) && kmsg_reqid_ours(KMSG_REQID_TUNNEL + 16) && !kmsg_reqid_ours(1));
}
END_TEST

Suite *
kmsg_suite(void)
{
	Suite *s = suite_create("xfrm/kmsg");
	TCase *c = tcase_create("kmsg");

	tcase_add_test(c, a_state);
	tcase_add_test(c, another_family_outside);
	tcase_add_test(c, ciphers);
	tcase_add_test(c, read_again);
	tcase_add_test(c, policies_as_the_kernel_has_them);
	tcase_add_test(c, dumps_are_asked_for_without_a_family_header);
	tcase_add_test(c, order_of_priorities);
	suite_add_tcase(s, c);
	return s;
}
