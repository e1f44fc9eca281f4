/* nhrpd/daemon/revoke_none.c: built without libcurl. A trustpoint with `revocation-check` then refuses, or takes where it is relaxed. */
#include "nhrpd/daemon/revoke.h"

struct revoke {
	struct loop *loop;
	revoke_done_fn *done;
	void *ctx;
};

struct revoke *
revoke_new(struct loop *loop, int64_t (*wall)(void *ctx), revoke_done_fn *done, void *ctx)
{
	struct revoke *r = env_alloc(&loop->env, sizeof(*r));

	(void)wall;
	if (r)
		*r = (struct revoke){ loop, done, ctx };
	return r;
}

void
revoke_free(struct revoke *r)
{
	if (r)
		env_free(&r->loop->env, r);
}

void
revoke_check(struct revoke *r, struct ike_job *job)
{
	ike_job_answer(job, IKE_STATUS_UNKNOWN, "whether it is revoked cannot be asked: this nhrpd was built without libcurl");
	r->done(r->ctx, job);
}
