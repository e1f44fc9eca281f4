/* lib/nlq.h: netlink requests in batches, for the adapters (mgre/, xfrm/): many messages a system call, answers matched by
 * sequence number, errors as errno (libnl translates them to numbers of its own and loses some).
 *
 * Whoever asks waits, at most NLQ_WAIT_MS: what the kernel has not answered by then has failed with -ETIMEDOUT, for the caller to ask again
 * as after any refusal. An answer that comes later is nobody's: its number is an old one.
 *
 * A batch that the kernel has no memory for goes as two. Where it had no room for all of its answers, those of which nothing is known have
 * failed with -ENOBUFS.
 *
 * Messages are built with libnl (struct nl_msg); this file only carries them. Not for pure modules. Linux only. */
#ifndef LIB_NLQ_H
#define LIB_NLQ_H

#include <netlink/msg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NLQ_OCTETS = 32768, NLQ_MESSAGES = 128 /* of one batch */, NLQ_WAIT_MS = 2000 };

struct nl_sock;
typedef void nlq_fn(void *ctx, uint64_t cookie, int error);	/* error: 0 or a negative errno */
typedef void nlq_dump_fn(void *ctx, struct nlmsghdr *h);

struct nlq_wait {
	nlq_fn *fn;	/* NULL: nobody asks */
	void *ctx;
	uint64_t cookie;
	bool answered;
};

struct nlq {
	struct nl_sock *sock;
	uint32_t seq;	/* of the next message */
	size_t n, octets;
	struct nlq_wait wait[NLQ_MESSAGES];	/* by place in the batch */
	uint8_t *buf;	/* NLQ_OCTETS to send, as many to receive */
	int wait_ms;	/* NLQ_WAIT_MS; tests have less time */
	uint64_t sent, batches, reads;	/* messages, the system calls that sent them, and dumps and gets so far */
	uint64_t timeouts, lost;	/* waits in vain, and batches some of whose answers the kernel had no room for */
};

bool	nlq_open(struct nlq *q, int protocol, char *err, size_t errlen);	/* false with a sentence in err */
void	nlq_close(struct nlq *q);

/* A request with its family header copied in (n 0: it has none); NULL without memory. */
struct nl_msg *nlq_msg(uint16_t type, uint16_t flags, const void *head, size_t n);
/* All take the message over, NULL too (-ENOMEM). nlq_do: sends it behind what is queued and waits for its answer. nlq_add:
 * with the batch; fn is called from nlq_flush() (or earlier, when the batch is full), or at once where it cannot be queued. */
int	nlq_do(struct nlq *q, struct nl_msg *msg);
void	nlq_add(struct nlq *q, struct nl_msg *msg, nlq_fn *fn, void *ctx, uint64_t cookie);
void	nlq_flush(struct nlq *q);
/* Every message of the answer to a dump or a get. 0 or a negative errno. */
int	nlq_get(struct nlq *q, struct nl_msg *msg, nlq_dump_fn *fn, void *ctx);

/* A socket of its own that hears these groups, not blocking: its file descriptor, or a negative errno. */
int	nlq_listen(int protocol, const unsigned *group, unsigned n);
/* Hands out what the listener has. False: notifications were lost, read everything anew. */
bool	nlq_hear(int fd, nlq_dump_fn *fn, void *ctx);

#endif
