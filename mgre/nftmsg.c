#include "mgre/nftmsg.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdio.h>

enum { TCP_MSS_OPTION = 2, TCP_MSS_AT = 2 };

/* ---- attributes */

static void
put(struct nftmsg *m, uint16_t type, const void *value, size_t n)
{
	struct nlattr a = { .nla_len = (uint16_t)(NLA_HDRLEN + n), .nla_type = type };
	static const uint8_t pad[NLA_ALIGNTO];

	wr_bytes(&m->w, &a, sizeof(a));
	wr_bytes(&m->w, value, n);
	wr_bytes(&m->w, pad, NLA_ALIGN(n) - n);
}

static void
put_text(struct nftmsg *m, uint16_t type, const char *text)
{
	put(m, type, text, strlen(text) + 1);
}

static void
put_u32(struct nftmsg *m, uint16_t type, uint32_t v)
{
	uint32_t be = htonl(v);

	put(m, type, &be, sizeof(be));
}

static void
open_nest(struct nftmsg *m, uint16_t type)
{
	uint8_t *at = m->w.p;

	put(m, type | NLA_F_NESTED, NULL, 0);
	if (m->depth == NFTMSG_DEPTH)
		m->w.bad = true;
	else
		m->nest[m->depth++] = at;
}

static void
close_nest(struct nftmsg *m)
{
	uint16_t n;

	if (m->w.bad || m->depth == 0)
		return;
	m->depth--;
	n = (uint16_t)(m->w.p - m->nest[m->depth]);
	memcpy(m->nest[m->depth], &n, sizeof(n));
}

/* ---- messages */

static void
open_msg(struct nftmsg *m, uint16_t type, uint16_t flags, uint8_t family, uint16_t res)
{
	struct nlmsghdr h = { .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags, .nlmsg_seq = m->seq++ };
	struct nfgenmsg g = { .nfgen_family = family, .version = NFNETLINK_V0, .res_id = htons(res) };

	m->msg = m->w.p;
	m->depth = 0;
	wr_bytes(&m->w, &h, sizeof(h));
	wr_bytes(&m->w, &g, sizeof(g));
}

static void
close_msg(struct nftmsg *m)
{
	uint32_t n = (uint32_t)(m->w.p - m->msg);

	if (!m->w.bad)
		memcpy(m->msg, &n, sizeof(n));
}

static void
open_nft(struct nftmsg *m, enum nf_tables_msg_types type, uint16_t flags)
{
	open_msg(m, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, NFPROTO_INET, 0);
}

void
nftmsg_begin(struct nftmsg *m, void *buf, size_t n, uint32_t seq, const char *table)
{
	*m = (struct nftmsg){ .w = wr_of(buf, n), .seq = seq, .table = table };
	open_msg(m, NFNL_MSG_BATCH_BEGIN, 0, NFPROTO_UNSPEC, NFNL_SUBSYS_NFTABLES);
	close_msg(m);
}

/* The end itself is not answered by kernels before 6.10: the last message with a meaning is. */
uint32_t
nftmsg_ack(struct nftmsg *m)
{
	struct nlmsghdr h;

	if (m->w.bad)
		return 0;
	memcpy(&h, m->msg, sizeof(h));
	h.nlmsg_flags |= NLM_F_ACK;
	memcpy(m->msg, &h, sizeof(h));
	return h.nlmsg_seq;
}

void
nftmsg_commit(struct nftmsg *m)
{
	open_msg(m, NFNL_MSG_BATCH_END, 0, NFPROTO_UNSPEC, NFNL_SUBSYS_NFTABLES);
	close_msg(m);
}

void
nftmsg_table(struct nftmsg *m, bool add)
{
	open_nft(m, add ? NFT_MSG_NEWTABLE : NFT_MSG_DELTABLE, add ? NLM_F_CREATE : 0);
	put_text(m, NFTA_TABLE_NAME, m->table);
	if (add)
		put_u32(m, NFTA_TABLE_FLAGS, 0);
	close_msg(m);
}

void
nftmsg_chain(struct nftmsg *m, const char *name, uint32_t hook, int32_t priority)
{
	open_nft(m, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	put_text(m, NFTA_CHAIN_TABLE, m->table);
	put_text(m, NFTA_CHAIN_NAME, name);
	put_text(m, NFTA_CHAIN_TYPE, "filter");
	open_nest(m, NFTA_CHAIN_HOOK);
	put_u32(m, NFTA_HOOK_HOOKNUM, hook);
	put_u32(m, NFTA_HOOK_PRIORITY, (uint32_t)priority);
	close_nest(m);
	close_msg(m);
}

void
nftmsg_rule(struct nftmsg *m, const char *chain)
{
	open_nft(m, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	put_text(m, NFTA_RULE_TABLE, m->table);
	put_text(m, NFTA_RULE_CHAIN, chain);
	open_nest(m, NFTA_RULE_EXPRESSIONS);
}

void
nftmsg_rule_end(struct nftmsg *m)
{
	close_nest(m);
	close_msg(m);
}

/* ---- expressions */

static void
open_expr(struct nftmsg *m, const char *name)
{
	open_nest(m, NFTA_LIST_ELEM);
	put_text(m, NFTA_EXPR_NAME, name);
	open_nest(m, NFTA_EXPR_DATA);
}

static void
close_expr(struct nftmsg *m)
{
	close_nest(m);
	close_nest(m);
}

static void
put_data(struct nftmsg *m, uint16_t type, const void *value, unsigned n)
{
	open_nest(m, type);
	put(m, NFTA_DATA_VALUE, value, n);
	close_nest(m);
}

void
nftmsg_meta(struct nftmsg *m, enum nft_meta_keys key)
{
	open_expr(m, "meta");
	put_u32(m, NFTA_META_KEY, key);
	put_u32(m, NFTA_META_DREG, NFT_REG_1);
	close_expr(m);
}

void
nftmsg_rt_xfrm(struct nftmsg *m)
{
	open_expr(m, "rt");
	put_u32(m, NFTA_RT_DREG, NFT_REG_1);
	put_u32(m, NFTA_RT_KEY, NFT_RT_XFRM);
	close_expr(m);
}

void
nftmsg_payload(struct nftmsg *m, enum nft_payload_bases base, unsigned at, unsigned n)
{
	open_expr(m, "payload");
	put_u32(m, NFTA_PAYLOAD_DREG, NFT_REG_1);
	put_u32(m, NFTA_PAYLOAD_BASE, base);
	put_u32(m, NFTA_PAYLOAD_OFFSET, at);
	put_u32(m, NFTA_PAYLOAD_LEN, n);
	close_expr(m);
}

static void
mss_option(struct nftmsg *m, uint16_t reg)
{
	uint8_t type = TCP_MSS_OPTION;

	open_expr(m, "exthdr");
	put_u32(m, reg, NFT_REG_1);
	put(m, NFTA_EXTHDR_TYPE, &type, 1);
	put_u32(m, NFTA_EXTHDR_OFFSET, TCP_MSS_AT);
	put_u32(m, NFTA_EXTHDR_LEN, 2);
	put_u32(m, NFTA_EXTHDR_OP, NFT_EXTHDR_OP_TCPOPT);
	close_expr(m);
}

void
nftmsg_mss(struct nftmsg *m)
{
	mss_option(m, NFTA_EXTHDR_DREG);
}

void
nftmsg_mask(struct nftmsg *m, const void *mask, unsigned n)
{
	static const uint8_t zero[16];

	open_expr(m, "bitwise");
	put_u32(m, NFTA_BITWISE_SREG, NFT_REG_1);
	put_u32(m, NFTA_BITWISE_DREG, NFT_REG_1);
	put_u32(m, NFTA_BITWISE_LEN, n);
	put_data(m, NFTA_BITWISE_MASK, mask, n);
	put_data(m, NFTA_BITWISE_XOR, zero, n);
	close_expr(m);
}

void
nftmsg_cmp(struct nftmsg *m, enum nft_cmp_ops op, const void *value, unsigned n)
{
	open_expr(m, "cmp");
	put_u32(m, NFTA_CMP_SREG, NFT_REG_1);
	put_u32(m, NFTA_CMP_OP, op);
	put_data(m, NFTA_CMP_DATA, value, n);
	close_expr(m);
}

void
nftmsg_counter(struct nftmsg *m)
{
	open_expr(m, "counter");
	close_expr(m);
}

void
nftmsg_drop(struct nftmsg *m)
{
	open_expr(m, "immediate");
	put_u32(m, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	open_nest(m, NFTA_IMMEDIATE_DATA);
	open_nest(m, NFTA_DATA_VERDICT);
	put_u32(m, NFTA_VERDICT_CODE, NF_DROP);
	close_nest(m);
	close_nest(m);
	close_expr(m);
}

void
nftmsg_mss_set(struct nftmsg *m, uint16_t mss)
{
	uint16_t be = htons(mss);

	open_expr(m, "immediate");
	put_u32(m, NFTA_IMMEDIATE_DREG, NFT_REG_1);
	put_data(m, NFTA_IMMEDIATE_DATA, &be, 2);
	close_expr(m);
	mss_option(m, NFTA_EXTHDR_SREG);
}
