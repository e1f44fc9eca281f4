/* nhrpd/daemon/revoke.h: whether certificates are revoked, asked of the network: CRLs by HTTP, OCSP.
 *
 * Takes jobs of the IKE engine (IKE_ACT_REVOCATION), whose peers have proved that they hold their certificates, and gives each
 * back answered, at once from the cache or later from the loop; never later than REVOKE_TOTAL_MS. Built without libcurl it
 * answers that nothing can be found out. */
#ifndef NHRPD_DAEMON_REVOKE_H
#define NHRPD_DAEMON_REVOKE_H

#include "ikecore/engine/ike.h"
#include "nhrpd/daemon/loop.h"

enum {
	REVOKE_FETCH_MS = 4000, REVOKE_CONNECT_MS = 2000, REVOKE_TOTAL_MS = 15000,	/* the engine waits 30 s */
	REVOKE_FETCHES_MAX = 16,	/* at a time; other questions wait their turn */
	REVOKE_QUESTIONS_MAX = 4096, REVOKE_RESULTS_MAX = 4096,	/* answers kept, by certificate and method */
	REVOKE_AGAIN_S = 20,	/* a server that did not answer is left alone that long */
};

struct revoke;
typedef void revoke_done_fn(void *ctx, struct ike_job *job);

struct revoke *revoke_new(struct loop *loop, int64_t (*wall)(void *ctx), revoke_done_fn *done, void *ctx);	/* NULL: no memory */
void	revoke_free(struct revoke *r);	/* questions under way are discarded with their jobs */
void	revoke_check(struct revoke *r, struct ike_job *job);	/* takes the job over; done() may be called before it returns */

#endif
