/* mgre/nftmsg.h: messages of nf_tables, written octet by octet: a batch of tables, chains and rules (linux/netfilter/nf_tables.h).
 * Pure: who sends them is guard_nft.c. What does not fit turns the writer bad, and the batch is not sent. */
#ifndef MGRE_NFTMSG_H
#define MGRE_NFTMSG_H

#include <linux/netfilter/nf_tables.h>

#include "lib/span.h"

enum { NFTMSG_DEPTH = 8 };

struct nftmsg {
	struct wr w;
	uint32_t seq;	/* of the next message */
	uint8_t *msg;	/* the one being written; NULL */
	uint8_t *nest[NFTMSG_DEPTH];
	unsigned depth;
	const char *table;
};

void	nftmsg_begin(struct nftmsg *m, void *buf, size_t n, uint32_t seq, const char *table);	/* opens the batch */
void	nftmsg_commit(struct nftmsg *m);	/* the end of the batch; without it the kernel tries it all and keeps nothing */
uint32_t nftmsg_ack(struct nftmsg *m);	/* asks for an answer to the last message so far; its number */

void	nftmsg_table(struct nftmsg *m, bool add);
void	nftmsg_chain(struct nftmsg *m, const char *name, uint32_t hook, int32_t priority);	/* of type filter */
void	nftmsg_rule(struct nftmsg *m, const char *chain);	/* expressions follow, then: */
void	nftmsg_rule_end(struct nftmsg *m);

/* Expressions. What they read goes into the one register, where nftmsg_cmp() and nftmsg_mask() look at it. */
void	nftmsg_meta(struct nftmsg *m, enum nft_meta_keys key);
void	nftmsg_rt_xfrm(struct nftmsg *m);	/* 1: will be transformed on its way out */
void	nftmsg_payload(struct nftmsg *m, enum nft_payload_bases base, unsigned at, unsigned n);
void	nftmsg_mss(struct nftmsg *m);	/* TCP's option; without it the rule does not match */
void	nftmsg_mask(struct nftmsg *m, const void *mask, unsigned n);
void	nftmsg_cmp(struct nftmsg *m, enum nft_cmp_ops op, const void *value, unsigned n);
void	nftmsg_counter(struct nftmsg *m);
void	nftmsg_drop(struct nftmsg *m);
void	nftmsg_mss_set(struct nftmsg *m, uint16_t mss);	/* lowers it; never raises it */

#endif
