/* ikecore/engine/job.c: computations that may run on another thread: key exchange, and the proofs of proof.c. A job owns the key
 * exchange object and a copy of the peer's value, so that it depends on nothing that the engine may free meanwhile.
 *
 * Jobs for peers we know (dialled, established, authenticated from that address before) go before those for strangers, of
 * which only so many are under way at a time: admission asks the others for cookies, and what comes with a cookie then
 * must be said again. A stranger's job that comes back without having run is as good as a lost message: the peer repeats it.
 * One of a peer we know is then run at once, on this thread: no rekeying fails for a crowd. */
#include "ikecore/engine/ike_priv.h"

bool
ike_job_knows(const struct ike *k, const struct addr *remote)
{
	return ike_worked_at(k, remote);
}

bool
ike_job_crowded(const struct ike *k)
{
	return k->n_strange >= IKE_JOBS_STRANGERS;
}

struct ike_job *
ike_job_new(struct ike *k, struct ike_sa *sa, enum ike_job_kind kind, struct ike_kex **kex, struct span peer)
{
	size_t room = kind == IKE_JOB_PUBLIC && *kex ? ike_group_answer_len(ike_kex_group(*kex)) : peer.n;
	struct ike_job *job = peer.n <= IKE_PUBLIC_MAX ? env_alloc(&k->env.env, sizeof(*job) + room) : NULL;

	if (!job)
		return NULL;
	job->room = (uint16_t)room;
	job->env = k->env.env;
	job->kind = kind;
	job->known = sa->initiator || sa->announced || ike_job_knows(k, &sa->remote.addr);
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
	k->n_strange += !job->known;
	a->job = job;
	return true;
}

bool
ike_job_again(struct ike *k, struct ike_sa *sa, struct ike_job **again, struct span peer)
{
	struct ike_job *job = *again;

	*again = NULL;
	if (!job || peer.n > job->room) {
		ike_job_discard(job);
		return false;
	}
	job->kind = IKE_JOB_SHARED;
	job->ran = false;
	job->serial = ++k->next_serial ? k->next_serial : ++k->next_serial;
	job->peer_len = (uint16_t)peer.n;
	memcpy(job->peer, peer.p, peer.n);
	sa->job = job->serial;
	if (ike_job_emit(k, sa, job))
		return true;
	sa->job = 0;
	return false;
}

bool
ike_job_known(const struct ike_job *job)
{
	return job->known;
}

void
ike_job_run(struct ike_job *job)
{
	struct span peer = span_of(job->peer, job->peer_len), ours;
	bool answers = job->kind == IKE_JOB_ANSWER || job->kind == IKE_JOB_BOTH;

	job->ran = true;
	if (job->proof) {
		ike_proof_run(job->proof);
		return;
	}
	ours = answers ? ike_kex_answer(job->kex, peer) : ike_kex_public(job->kex);
	if (ours.n && (job->kind == IKE_JOB_SHARED || job->kind == IKE_JOB_BOTH))
		job->shared_len = (uint16_t)ike_kex_shared(job->kex, peer, job->shared);
}

void
ike_job_discard(struct ike_job *job)
{
	struct env env;

	if (!job)
		return;
	env = job->env;
	ike_kex_free(&env, job->kex);
	ike_proof_free(&env, job->proof);
	ike_wipe(job, sizeof(*job) + job->room);
	env_free(&env, job);
}

static void
shake_job(struct ike *k, struct ike_sa *sa, struct ike_job *job)
{
	if (job->kind == IKE_JOB_PUBLIC || job->kind == IKE_JOB_ANSWER)
		ike_shake_public(k, sa, job);
	else
		ike_shake_keys(k, sa, job);
}

void
ike_job_event(struct ike *k, struct ike_job *job)
{
	struct ike_sa *sa = ike_sa_find(k, job->sa);

	k->n_strange -= !job->known;
	if (!job->ran && job->known)
		ike_job_run(job);
	if (sa && sa->job == job->serial) {
		sa->job = 0;
		if (job->proof) {
			if (sa->hs && ike_proof_job(k, sa, job))
				return;
		} else if (sa->cc_tx)
			ike_cc_job(k, sa, &job, true);
		else if (sa->hs)
			shake_job(k, sa, job);
	} else if (sa && sa->job_rx == job->serial) {
		sa->job_rx = 0;
		if (sa->cc_rx)
			ike_cc_job(k, sa, &job, false);
	}
	ike_job_discard(job);
}
