/* mgre/guard_nft.c: guard.h by nf_tables, in a table of family inet for each tunnel, "opendmvpn-" and the interface's name. A set of rules
 * is one transaction: the table goes and comes back with all that is in it, and no packet sees anything between. */
#include <netinet/in.h>	/* before those of the kernel */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "lib/nlq.h"
#include "mgre/guard_priv.h"
#include "mgre/nftmsg.h"

#define PREFIX "opendmvpn-"
#define LINES "clear-lines"	/* the chain that tells a table of lines */
enum { NAME = sizeof(PREFIX) + DP_NAME, BATCH = 65536, NO_ANSWER_S = 5, PURGE_MAX = 64 };
enum { GRE_KEY = 0x2000, GRE_SUM = 0x8000, PRIO_LAST = 300 };

struct guard_nft {
	const struct env *env;
	struct nlq q;
	uint8_t buf[BATCH];
};

static void
table_of(char out[static NAME], const char *name)
{
	snprintf(out, NAME, PREFIX "%s", name);
}

static void *
open_nft(const struct env *env)
{
	struct guard_nft *k = env_alloc(env, sizeof(*k));
	struct timeval wait = { .tv_sec = NO_ANSWER_S };
	char err[128];

	if (!k)
		return NULL;
	k->env = env;
	if (!nlq_open(&k->q, NETLINK_NETFILTER, err, sizeof(err))) {
		env_free(env, k);
		return NULL;
	}
	setsockopt(nl_socket_get_fd(k->q.sock), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	return k;
}

static void
close_nft(void *arg)
{
	struct guard_nft *k = arg;

	nlq_close(&k->q);
	env_free(k->env, k);
}

/* ---- a batch there and its answers back */

/* The first refusal counts. True when the message that asked for an answer has it, or the batch as a whole was refused. */
static bool
take_answers(const uint8_t *p, size_t n, uint32_t first, uint32_t ack, int *rc)
{
	size_t left = n;

	for (const struct nlmsghdr *h = (const void *)p; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
		const struct nlmsgerr *e = NLMSG_DATA(h);

		if (h->nlmsg_type != NLMSG_ERROR || h->nlmsg_len < NLMSG_LENGTH(sizeof(e->error)) || h->nlmsg_seq - first > ack - first)
			continue;
		if (e->error != 0 && *rc == 0)
			*rc = e->error;
		if (h->nlmsg_seq == ack || (h->nlmsg_seq == first && e->error != 0))
			return true;
	}
	return false;
}

/* What an earlier batch was still answered is not for this one. */
static void
drain(int fd, uint8_t *buf)
{
	while (recv(fd, buf, NLQ_OCTETS, MSG_DONTWAIT) > 0)
		;
}

static int
send_batch(struct guard_nft *k, struct nftmsg *m, bool commit)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int fd = nl_socket_get_fd(k->q.sock), rc = 0;
	uint32_t first = k->q.seq, ack = nftmsg_ack(m);
	uint8_t *in = k->q.buf + NLQ_OCTETS;

	if (commit)
		nftmsg_commit(m);
	k->q.seq = m->seq;
	if (m->w.bad)
		return -EMSGSIZE;
	drain(fd, in);
	if (sendto(fd, k->buf, wr_len(&m->w), 0, (struct sockaddr *)(void *)&kernel, sizeof(kernel)) < 0)
		return -errno;
	for (;;) {
		ssize_t got = recv(fd, in, NLQ_OCTETS, 0);

		if (got < 0 && errno != EINTR)
			return rc ? rc : -errno;
		if (got > 0 && take_answers(in, (size_t)got, first, ack, &rc))
			return rc;
	}
}

/* ---- the rules */

static void
match_u8(struct nftmsg *m, enum nft_meta_keys key, uint8_t v)
{
	nftmsg_meta(m, key);
	nftmsg_cmp(m, NFT_CMP_EQ, &v, 1);
}

static void
match_if(struct nftmsg *m, enum nft_meta_keys key, const char *name)
{
	char padded[DP_NAME] = "";

	memcpy(padded, name, strnlen(name, DP_NAME - 1));
	nftmsg_meta(m, key);
	nftmsg_cmp(m, NFT_CMP_EQ, padded, DP_NAME);
}

static void
match_flags(struct nftmsg *m, uint16_t mask, uint16_t value)
{
	uint16_t be_mask = htons(mask), be = htons(value);

	nftmsg_payload(m, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 2);
	nftmsg_mask(m, &be_mask, 2);
	nftmsg_cmp(m, NFT_CMP_EQ, &be, 2);
}

/* GRE of this tunnel; with a key it stands behind a checksum, if there is one. The protocol comes after its flags: nft 1.0.6 falls over
 * its own feet when it lists the rule the other way round (a masked transport header it has no words for). */
static void
match_gre(struct nftmsg *m, const struct guard_want *w, bool out, bool sum)
{
	uint32_t key = htonl(w->key);
	bool v6 = w->source.n == 16;

	if (w->has_key) {
		match_flags(m, GRE_SUM | GRE_KEY, sum ? GRE_SUM | GRE_KEY : GRE_KEY);
		match_u8(m, NFT_META_L4PROTO, IPPROTO_GRE);
		nftmsg_payload(m, NFT_PAYLOAD_TRANSPORT_HEADER, sum ? 8 : 4, 4);
		nftmsg_cmp(m, NFT_CMP_EQ, &key, 4);
		return;
	}
	match_u8(m, NFT_META_NFPROTO, v6 ? NFPROTO_IPV6 : NFPROTO_IPV4);
	nftmsg_payload(m, NFT_PAYLOAD_NETWORK_HEADER, v6 ? (out ? 8 : 24) : (out ? 12 : 16), w->source.n);
	nftmsg_cmp(m, NFT_CMP_EQ, w->source.b, w->source.n);
	match_flags(m, GRE_KEY, 0);
	match_u8(m, NFT_META_L4PROTO, IPPROTO_GRE);
}

static void
put_lock(struct nftmsg *m, const struct guard_want *w, const char *chain, bool out)
{
	static const uint8_t no = 0;

	for (unsigned sum = 0; (w->has_key || w->source.n) && sum < (w->has_key ? 2 : 1); sum++) {
		nftmsg_rule(m, chain);
		match_gre(m, w, out, sum);
		if (out)
			nftmsg_rt_xfrm(m);
		else
			nftmsg_meta(m, NFT_META_SECPATH);
		nftmsg_cmp(m, NFT_CMP_EQ, &no, 1);
		nftmsg_counter(m);
		nftmsg_drop(m);
		nftmsg_rule_end(m);
	}
}

static void
put_mss(struct nftmsg *m, const struct guard_want *w, const char *chain, bool out, bool v6)
{
	uint16_t mss = (uint16_t)(v6 ? w->mss6 : w->mss4), be = htons(mss);
	uint8_t mask = 0x06, syn = 0x02;	/* RST and SYN */

	if (!mss)
		return;
	nftmsg_rule(m, chain);
	match_if(m, out ? NFT_META_OIFNAME : NFT_META_IIFNAME, w->name);
	match_u8(m, NFT_META_NFPROTO, v6 ? NFPROTO_IPV6 : NFPROTO_IPV4);
	match_u8(m, NFT_META_L4PROTO, IPPROTO_TCP);
	nftmsg_payload(m, NFT_PAYLOAD_TRANSPORT_HEADER, 13, 1);
	nftmsg_mask(m, &mask, 1);
	nftmsg_cmp(m, NFT_CMP_EQ, &syn, 1);
	nftmsg_mss(m);
	nftmsg_cmp(m, NFT_CMP_GT, &be, 2);
	nftmsg_counter(m);
	nftmsg_mss_set(m, mss);
	nftmsg_rule_end(m);
}

/* What was loaded is from lo to hi. */
static void
match_range(struct nftmsg *m, const void *lo, const void *hi, unsigned n)
{
	if (memcmp(lo, hi, n) == 0) {
		nftmsg_cmp(m, NFT_CMP_EQ, lo, n);
		return;
	}
	nftmsg_cmp(m, NFT_CMP_GTE, lo, n);
	nftmsg_cmp(m, NFT_CMP_LTE, hi, n);
}

static void
match_ports(struct nftmsg *m, const struct dp_range *r, unsigned at)
{
	uint16_t lo = htons(r->port_lo), hi = htons(r->port_hi);

	if (!r->ports)
		return;
	nftmsg_payload(m, NFT_PAYLOAD_TRANSPORT_HEADER, at, 2);
	match_range(m, &lo, &hi, 2);
}

/* From far to near. */
static void
put_line(struct nftmsg *m, const struct guard_want *w, const struct guard_line *l)
{
	unsigned n = l->near.lo.n;
	bool v6 = n == 16;

	nftmsg_rule(m, LINES);
	match_if(m, NFT_META_IIFNAME, w->outside);
	match_u8(m, NFT_META_NFPROTO, v6 ? NFPROTO_IPV6 : NFPROTO_IPV4);
	nftmsg_payload(m, NFT_PAYLOAD_NETWORK_HEADER, v6 ? 8 : 12, n);
	match_range(m, l->far.lo.b, l->far.hi.b, n);
	nftmsg_payload(m, NFT_PAYLOAD_NETWORK_HEADER, v6 ? 24 : 16, n);
	match_range(m, l->near.lo.b, l->near.hi.b, n);
	if (l->near.proto)
		match_u8(m, NFT_META_L4PROTO, l->near.proto);
	match_ports(m, &l->far, 0);
	match_ports(m, &l->near, 2);
	nftmsg_counter(m);
	nftmsg_drop(m);
	nftmsg_rule_end(m);
}

static void
put_rules(struct nftmsg *m, const struct guard_want *w)
{
	if (w->n_line) {
		nftmsg_chain(m, LINES, NF_INET_PRE_ROUTING, NF_IP_PRI_MANGLE);
		for (unsigned i = 0; i < w->n_line; i++)
			put_line(m, w, &w->line[i]);
		return;
	}
	/* GRE passes postrouting before it is transformed, with the way that will do so already chosen, and never after */
	nftmsg_chain(m, "clear-out", NF_INET_POST_ROUTING, PRIO_LAST);
	put_lock(m, w, "clear-out", true);
	nftmsg_chain(m, "clear-in", NF_INET_LOCAL_IN, NF_IP_PRI_MANGLE);
	put_lock(m, w, "clear-in", false);
	if (!w->mss4 && !w->mss6)
		return;
	nftmsg_chain(m, "mss-out", NF_INET_POST_ROUTING, NF_IP_PRI_MANGLE);
	nftmsg_chain(m, "mss-in", NF_INET_PRE_ROUTING, NF_IP_PRI_MANGLE);
	for (unsigned i = 0; i < 4; i++)
		put_mss(m, w, i & 1 ? "mss-in" : "mss-out", !(i & 1), i & 2);
}

static int
set_or_try(struct guard_nft *k, const struct guard_want *w, bool commit)
{
	char table[NAME];
	struct nftmsg m;

	table_of(table, w->name);
	nftmsg_begin(&m, k->buf, sizeof(k->buf), k->q.seq, table);
	nftmsg_table(&m, true);
	nftmsg_table(&m, false);
	nftmsg_table(&m, true);
	put_rules(&m, w);
	return send_batch(k, &m, commit);
}

static int
set_nft(void *arg, const struct guard_want *w)
{
	return set_or_try(arg, w, true);
}

/* All of it, and then none: a batch without an end. */
static int
probe_nft(void *arg)
{
	static const struct guard_want all = { .name = "probe", .has_key = true, .mss4 = 1360, .mss6 = 1340 };

	return set_or_try(arg, &all, false);
}

static int
del_table(struct guard_nft *k, const char *table)
{
	struct nftmsg m;
	int rc;

	nftmsg_begin(&m, k->buf, sizeof(k->buf), k->q.seq, table);
	nftmsg_table(&m, false);
	rc = send_batch(k, &m, true);
	return rc == -ENOENT ? 0 : rc;
}

static int
del_nft(void *arg, const char *name)
{
	char table[NAME];

	table_of(table, name);
	return del_table(arg, table);
}

/* ---- reading */

static struct nl_msg *
dump_of(enum nf_tables_msg_types type)
{
	struct nfgenmsg g = { .nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0 };

	return nlq_msg((uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), NLM_F_DUMP, &g, sizeof(g));
}

static uint64_t
counted(struct nlattr *expressions)
{
	struct nlattr *e, *tb[NFTA_EXPR_MAX + 1], *c[NFTA_COUNTER_MAX + 1];
	uint64_t n;
	int left;

	nla_for_each_nested(e, expressions, left) {
		if (nla_parse_nested(tb, NFTA_EXPR_MAX, e, NULL) < 0 || !tb[NFTA_EXPR_NAME] || !tb[NFTA_EXPR_DATA] ||
		    strcmp(nla_get_string(tb[NFTA_EXPR_NAME]), "counter") != 0 || nla_parse_nested(c, NFTA_COUNTER_MAX, tb[NFTA_EXPR_DATA], NULL) < 0 ||
		    !c[NFTA_COUNTER_PACKETS])
			continue;
		memcpy(&n, nla_data(c[NFTA_COUNTER_PACKETS]), sizeof(n));
		return be64toh(n);
	}
	return 0;
}

/* Every rule has a number of its own, never used twice: the sum of all changes with any of them. */
static void
seen_rule(void *ctx, struct nlmsghdr *h)
{
	struct guard_seen *s = ctx;
	struct nlattr *tb[NFTA_RULE_MAX + 1];
	const char *chain;
	uint64_t handle, n;

	if (h->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE) || nlmsg_parse(h, sizeof(struct nfgenmsg), tb, NFTA_RULE_MAX, NULL) < 0 ||
	    !tb[NFTA_RULE_HANDLE] || !tb[NFTA_RULE_CHAIN] || !tb[NFTA_RULE_EXPRESSIONS])
		return;
	memcpy(&handle, nla_data(tb[NFTA_RULE_HANDLE]), sizeof(handle));
	s->mark = s->mark * 31 + be64toh(handle) + 1;
	chain = nla_get_string(tb[NFTA_RULE_CHAIN]);
	n = counted(tb[NFTA_RULE_EXPRESSIONS]);
	if (strcmp(chain, "clear-out") == 0)
		s->count.clear_out += n;
	else if (strcmp(chain, "clear-in") == 0)
		s->count.clear_in += n;
	else if (strcmp(chain, LINES) == 0)
		s->count.line_in += n;
	else
		s->count.mss += n;
}

static int
look_nft(void *arg, const char *name, struct guard_seen *out)
{
	struct guard_nft *k = arg;
	struct nl_msg *msg = dump_of(NFT_MSG_GETRULE);
	char table[NAME];
	int rc;

	*out = (struct guard_seen){ .mark = 0 };
	table_of(table, name);
	if (!msg || nla_put_string(msg, NFTA_RULE_TABLE, table) < 0) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	rc = nlq_get(&k->q, msg, seen_rule, out);
	return rc == -ENOENT ? 0 : rc;
}

struct found {
	char name[PURGE_MAX][64];
	unsigned n;
};

static void
found_table(void *ctx, struct nlmsghdr *h)
{
	struct found *f = ctx;
	struct nlattr *tb[NFTA_TABLE_MAX + 1];

	if (h->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE) && nlmsg_parse(h, sizeof(struct nfgenmsg), tb, NFTA_TABLE_MAX, NULL) >= 0 &&
	    tb[NFTA_TABLE_NAME] && strncmp(nla_get_string(tb[NFTA_TABLE_NAME]), PREFIX, sizeof(PREFIX) - 1) == 0 && f->n < PURGE_MAX)
		snprintf(f->name[f->n++], sizeof(f->name[0]), "%.63s", nla_get_string(tb[NFTA_TABLE_NAME]));
}

static int
purge_nft(void *arg, guard_name_fn *before, void *ctx)
{
	struct guard_nft *k = arg;
	struct found f;
	int rc, n = 0;

	do {
		f.n = 0;
		rc = nlq_get(&k->q, dump_of(NFT_MSG_GETTABLE), found_table, &f);
		for (unsigned i = 0; i < f.n && rc == 0; i++, n++) {
			before(ctx, f.name[i] + sizeof(PREFIX) - 1);
			rc = del_table(k, f.name[i]);
		}
	} while (rc == 0 && f.n == PURGE_MAX);
	return rc == 0 ? n : rc;
}

struct stale {
	struct found f;
	bool (*stays)(void *ctx, const char *name);
	void *ctx;
};

static void
found_lines(void *ctx, struct nlmsghdr *h)
{
	struct stale *s = ctx;
	struct nlattr *tb[NFTA_CHAIN_MAX + 1];
	const char *table;

	if (h->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWCHAIN) || nlmsg_parse(h, sizeof(struct nfgenmsg), tb, NFTA_CHAIN_MAX, NULL) < 0 ||
	    !tb[NFTA_CHAIN_TABLE] || !tb[NFTA_CHAIN_NAME] || strcmp(nla_get_string(tb[NFTA_CHAIN_NAME]), LINES) != 0)
		return;
	table = nla_get_string(tb[NFTA_CHAIN_TABLE]);
	if (strncmp(table, PREFIX, sizeof(PREFIX) - 1) == 0 && s->f.n < PURGE_MAX && !s->stays(s->ctx, table + sizeof(PREFIX) - 1))
		snprintf(s->f.name[s->f.n++], sizeof(s->f.name[0]), "%.63s", table);
}

static int
sweep_nft(void *arg, bool (*stays)(void *ctx, const char *name), void *ctx)
{
	struct guard_nft *k = arg;
	struct stale s = { .stays = stays, .ctx = ctx };
	int rc, n = 0;

	do {
		s.f.n = 0;
		rc = nlq_get(&k->q, dump_of(NFT_MSG_GETCHAIN), found_lines, &s);
		for (unsigned i = 0; i < s.f.n && rc == 0; i++, n++)
			rc = del_table(k, s.f.name[i]);
	} while (rc == 0 && s.f.n == PURGE_MAX);
	return rc == 0 ? n : rc;
}

const struct guard_kind guard_nft = { "nftables", open_nft, close_nft, probe_nft, set_nft, del_nft, look_nft, purge_nft, sweep_nft };
