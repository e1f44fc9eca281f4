/* ikecore/engine/job.c: key exchange computations, which may run on another thread. A job owns the key exchange object and
 * a copy of the peer's value, so that it depends on nothing that the engine may free meanwhile. */
#include "ikecore/engine/ike_priv.h"

struct ike_job *
ike_job_new(struct ike *k, struct ike_sa *sa, struct ike_kex **kex, struct span peer)
{
	struct ike_job *job;

	if (peer.n > IKE_PUBLIC_MAX || !(job = env_alloc(&k->env.env, sizeof(*job))))
		return NULL;
	job->env = k->env.env;
	job->sa = sa->id;
	job->serial = ++k->next_serial ? k->next_serial : ++k->next_serial;
	job->kex = *kex;
	*kex = NULL;
	job->peer_len = (uint16_t)peer.n;
	memcpy(job->peer, peer.p, peer.n);
	return job;
}

bool
ike_job_emit(struct ike *k, struct ike_sa *sa, struct ike_job *job)
{
	struct ike_act *a = ike_act(k, IKE_ACT_JOB, sa);

	if (!a) {
		ike_job_discard(job);
		return false;
	}
	a->job = job;
	return true;
}

void
ike_job_run(struct ike_job *job)
{
	job->shared_len = (uint16_t)ike_kex_shared(job->kex, span_of(job->peer, job->peer_len), job->shared);
}

void
ike_job_discard(struct ike_job *job)
{
	struct env env;

	if (!job)
		return;
	env = job->env;
	ike_kex_free(&env, job->kex);
	ike_wipe(job, sizeof(*job));
	env_free(&env, job);
}

void
ike_job_event(struct ike *k, struct ike_job *job)
{
	struct ike_sa *sa = ike_sa_find(k, job->sa);

	if (sa && sa->job == job->serial) {
		sa->job = 0;
		if (sa->cc_tx)
			ike_cc_job(k, sa, job, true);
		else if (sa->hs)
			ike_shake_keys(k, sa, job);
	} else if (sa && sa->job_rx == job->serial) {
		sa->job_rx = 0;
		if (sa->cc_rx)
			ike_cc_job(k, sa, job, false);
	}
	ike_job_discard(job);
}
